namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics.Arm

/// How a (batched) product is done; a function of shapes only.
type internal GemmPath =
    /// Nothing to multiply: zeros.
    | Zeros = 0
    /// One row, or one column with the operands swapped: no packing, the columns shared out.
    | Vector = 1
    /// Blocks of rows and columns of C.
    | Blocks = 2

/// Shapes of a product and how it is cut, for vectors of one width and elements of `size` bytes. `prepacked` says that B
/// comes in panels.
[<Sealed>]
type internal GemmPlan
    (width: Width, size: int, transA: bool, transB: bool, m: int, n: int, k: int, batch: int, prepacked: bool) =

    static let ceil (x: int) (y: int) = (x + y - 1) / y
    static let roundUp (x: int) (y: int) = ceil x y * y

    let lanes = int width / size
    let panel = 2 * lanes
    let rows = if width = Width.W512 || AdvSimd.IsSupported then 8 else 6
    let work = float m * float n * float k

    let path =
        if m = 0 || n = 0 || batch = 0 || k = 0 then GemmPath.Zeros
        elif (m = 1 || n = 1) && not prepacked then GemmPath.Vector
        else GemmPath.Blocks

    let depth = GemmPlan.DepthOf(size, k)

    // Columns of a transposed A are read as they are, unless they are a whole number of pages apart: these compete for the
    // same places of the L1 cache.
    let packsA = transA && m * size % 4096 = 0 && k * m * size > 32768

    // Costs are counted in vector operations, of which a machine does two in a cycle: those of packing one vector of B (more
    // if it comes from far), of an element of A, of a chunk, of waking other threads.
    let far = float n * float k * float size > 524288.0
    let packing = (if transB then 8.0 else 5.0) + (if far then 8.0 else 0.0)
    let reading = if packsA then 0.75 else 0.25
    let chunkCost = 600.0
    let forkCost = 4000.0

    // B is read as it is where few rows use it or where it stays in the L1 cache. Rows that are a whole number of pages
    // apart do not: they compete for the same places of that cache.
    let directB (blockRows: int) =
        not prepacked
        && not transB
        && (m <= 48 || n * k * size <= 32768 || (blockRows <= 64 && n * size % 4096 <> 0))

    let cost (blockRows: int) (blockColumns: int) (chunks: int) =
        let r = float blockRows
        let c = float (roundUp blockColumns lanes / lanes)
        let each = r * c * float k
        let packB = if prepacked || directB blockRows then 0.0 else c * float k * packing
        let readA = r * float k * reading
        let chunk = each + packB + readA + chunkCost

        // The mean of what 1, 2 and 4 threads need.
        let on (threads: int) =
            float (ceil chunks threads) * chunk + (if threads > 1 && chunks > 1 then forkCost else 0.0)
        on 1 + 2.0 * on 2 + 4.0 * on 4

    // Rows and columns of a chunk.
    let struct (blockRows, blockColumns) =
        let mutable best = struct (m, n)

        if path = GemmPath.Blocks then
            let mutable least = cost m n batch

            for down in 1 .. min 16 (ceil m rows) do
                for across in 1 .. min (16 / down) (ceil n panel) do
                    let r = min m (roundUp (ceil m down) rows)
                    let c = min n (roundUp (ceil n across) panel)
                    let here = cost r c (batch * ceil m r * ceil n c)

                    if here < least then
                        least <- here
                        best <- struct (r, c)

        best

    let rowBlocks = if path = GemmPath.Blocks then ceil m blockRows else 1
    let columnBlocks = if path = GemmPath.Blocks then ceil n blockColumns else 1

    // Where both operands are large, and A is transposed or comes from far, each block of B is packed once for all chunks,
    // which are whole rows of C then: so A is packed or read once. It takes memory that all threads see.
    let shares =
        path = GemmPath.Blocks
        && batch = 1
        && not prepacked
        && not (directB blockRows)
        && m >= 512
        && float k * float m * float size >= (if transA then 4194304.0 else 8388608.0)
        && float n * float k * float size >= 2097152.0

    // A vector times a matrix of few columns that comes from far: chunks take whole rows, so that each reads one stretch of
    // memory, and their sums are added up at the end.
    let deepPieces =
        let bytes = float n * float k * float size

        if
            path = GemmPath.Vector
            && m = 1
            && batch = 1
            && not transB
            && n >= 16
            && n * size <= 1024
            && bytes >= 1048576.0
        then
            int (min 16.0 (bytes / 262144.0))
        else
            1

    // Small products of a batch share a chunk.
    let group =
        if rowBlocks * columnBlocks > 1 then
            1
        else
            int (max 1.0 (min (float batch) (200000.0 / max 1.0 work)))

    member _.M = m
    member _.N = n
    member _.K = k
    member _.Batch = batch
    member _.TransA = transA
    member _.TransB = transB
    member _.Prepacked = prepacked
    member _.Path = path

    /// Rows of the highest tile.
    member _.TileRows = rows

    /// Columns of a panel.
    member _.Panel = panel

    /// Depth of a block.
    member _.Depth = depth

    /// Rows of a chunk.
    member _.BlockRows = blockRows

    /// Columns of a chunk.
    member _.BlockColumns = blockColumns

    /// Rows of a chunk that are done at once: packed, they stay in the L2 cache beside the panels of B.
    member _.InnerRows = 120

    /// Whether blocks of B are packed once for all chunks, if there is memory for it.
    member _.Shares = shares

    /// Rows of a chunk of a product that shares its packed B: few enough that packed they stay in the L2 cache.
    member _.SharedRows =
        let pieces = 4 * ceil m (4 * 128)
        roundUp (ceil m pieces) rows

    /// Pieces that the depth is cut into, if there is memory for their sums; 1 if it is not.
    member _.DeepPieces = deepPieces

    /// Bytes of a block of B that chunks share, or of the sums of pieces of the depth.
    member _.SharedBytes =
        if shares then int64 (GemmPlan.PackedColumns(width, size, n)) * int64 depth * int64 size
        elif deepPieces > 1 then int64 deepPieces * int64 n * int64 size
        else 0L

    /// Columns of a chunk that are done at once: packed, they stay in the L2 cache.
    member _.InnerColumns = 1024 / size

    /// Whether panels of B are read from B as it is.
    member _.DirectB = directB blockRows

    /// Whether rows of A are packed.
    member _.PackA = (shares && transA) || (packsA && blockColumns > 4 * panel)

    member _.RowBlocks = rowBlocks
    member _.ColumnBlocks = columnBlocks

    /// Products of a chunk.
    member _.Group = group

    member _.Chunks =
        match path with
        | GemmPath.Blocks when rowBlocks * columnBlocks = 1 -> ceil batch group
        | _ -> batch * rowBlocks * columnBlocks

    /// Depth of the blocks that a depth of k is cut into: about equal. The deeper, the fewer times C is read and written; and
    /// a panel of B that fills the L1 cache streams through it from the L2 cache, many multiplications for a line.
    static member DepthOf(size: int, k: int) =
        let most = 2048 / size
        let blocks = max 1 ((k + most - 1) / most)
        max 1 (min k (((k + blocks - 1) / blocks + 15) / 16 * 16))

    /// Columns of a packed B, those that fill the last panel included.
    static member PackedColumns(width: Width, size: int, n: int) = roundUp n (2 * int width / size)
