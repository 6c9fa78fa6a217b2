namespace FunctionalNet.Kernels

open System.Numerics
open System.Runtime.Intrinsics
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// What a product reads and writes, besides its shapes: pointers, elements between rows, elements before each product of
/// a batch.
[<NoEquality; NoComparison>]
type internal GemmOperands =
    {
        A: nativeint
        Lda: int
        AOffsets: int[]
        B: nativeint
        Ldb: int
        BOffsets: int[]
        C: nativeint
        Ldc: int
        COffsets: int[]
        /// Where chunks share a packed block of B: as many bytes as the plan says, or 0 for no such memory.
        Shared: nativeint
    }

/// Memory that is read later, asked for piece by piece while something else is computed: `count` stretches of `bytes`, `step`
/// apart, over so many calls.
[<Struct; NoEquality; NoComparison>]
type internal Ahead =
    val mutable private Next: nativeint
    val mutable private Due: int
    val private Step: nativeint
    val private Bytes: nativeint
    val private Count: int
    val private Calls: int

    new(start, step, bytes, count, calls) =
        { Next = start; Due = 0; Step = step; Bytes = bytes; Count = count; Calls = calls }

    /// Nothing to ask for.
    static member None = Ahead(0n, 0n, 0n, 0, 1)

    /// One of the calls.
    member this.Ask() =
        this.Due <- this.Due + this.Count

        while this.Due >= this.Calls do
            this.Due <- this.Due - this.Calls
            Mem.announceFar this.Next this.Bytes
            this.Next <- this.Next + this.Step

/// C = op(A) op(B), once for each entry of the offsets.
[<Sealed>]
type internal GemmKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (plan: GemmPlan, operands: GemmOperands, epilogue: Epilogue) =
    inherit Kernel()

    do Precompiled.Calls(fun (it: GemmKernel<'W, 'V, 'T>) -> it.Work(0, 0))

    let m = plan.M
    let n = plan.N
    let k = plan.K
    let size = nativeint sizeof<'T>
    let lda = nativeint operands.Lda * size
    let ldb = nativeint operands.Ldb * size
    let ldc = nativeint operands.Ldc * size
    let panel = plan.Panel
    let tileRows = plan.TileRows
    let shares = plan.Shares && operands.Shared <> 0n
    let isDeep = plan.DeepPieces > 1 && operands.Shared <> 0n
    let depthBlocks = if shares then (k + plan.Depth - 1) / plan.Depth else 1
    let sharedColumns = max 1 (32768 / (panel * plan.Depth)) * panel
    let paddedColumns = GemmPlan.PackedColumns(enum<Width>(int 'W.Bytes), sizeof<'T>, n)

    // Steps along the rows and the depth of op(A) as it is.
    let aRow = if plan.TransA then size else lda
    let aColumn = if plan.TransA then lda else size

    // Behind the panels of B in a thread's block.
    let asideA = 512n * 1024n

    // The vector path: a vector (k elements) times a matrix, or rows of a matrix times a vector.
    let swapped = m <> 1
    let columns = if swapped then m else n
    // The matrix of this path, seen as k x columns, is stored transposed.
    let dots = if swapped then not plan.TransA else plan.TransB

    let vectorStep =
        if swapped then (if plan.TransB then size else ldb)
        elif plan.TransA then lda
        else size

    // Elements of a chunk, in whole steps of the loop; half a step where a column is long.
    let vectorGrain =
        let step = (if k >= 2048 then 4 else 8) * 'W.Count
        max step ((65536 / max 1 k + step - 1) / step * step)
    let pieces = (columns + vectorGrain - 1) / vectorGrain

    let matrix (p: nativeint) (offsets: int[]) (i: int) = p + nativeint offsets[i] * size

    /// Bytes of a packed tile of A: each has room for the highest, and for one line of the cache more, because distances
    /// that are powers of two would have all of them compete for a few places of the cache.
    static member private PanelOfA(rows: int, depth: int) = nativeint (rows * depth * sizeof<'T> + 64)

    /// Rows [row, row + rows) of a transposed A, depths [k0, k0 + depth), tile by tile.
    member private _.PackA(a: nativeint, row: int, rows: int, k0: int, depth: int, target: nativeint) =
        let tiles = (rows + tileRows - 1) / tileRows
        let height = rows / tiles
        let higher = rows % tiles
        let room = nativeint tileRows * size
        let panel = GemmKernel<'W, 'V, 'T>.PanelOfA(tileRows, depth)
        let source = a + nativeint row * size + nativeint k0 * lda

        if higher > 0 then
            GemmPanels<'W, 'V, 'T>.PackBeside(source, lda, depth, higher, height + 1, target, panel, room)

        let source = source + nativeint (higher * (height + 1)) * size
        let target = target + nativeint higher * panel
        GemmPanels<'W, 'V, 'T>.PackBeside(source, lda, depth, tiles - higher, height, target, panel, room)

    /// Rows [row, row + rows), columns [column, column + count), with panels of B at `b`: one depth block. Where rows of A
    /// are packed, they are already. Memory ahead is asked for once before each tile.
    member private _.Inner
        (
            i: int,
            row: int,
            rows: int,
            column: int,
            count: int,
            k0: int,
            depth: int,
            b: nativeint,
            bRow: nativeint,
            bPanel: nativeint,
            aside: nativeint,
            ahead: byref<Ahead>
        ) =
        let a = matrix operands.A operands.AOffsets i
        let c = matrix operands.C operands.COffsets i + nativeint row * ldc + nativeint column * size
        let packs = plan.PackA
        let start = if packs then aside else a + nativeint row * aRow + nativeint k0 * aColumn
        let stepRow = if packs then size else aRow
        let stepColumn = if packs then nativeint tileRows * size else aColumn
        let panelOfA = GemmKernel<'W, 'V, 'T>.PanelOfA(tileRows, depth)
        let tiles = (rows + tileRows - 1) / tileRows
        let isLast = k0 + depth = k
        let mutable b = b
        let mutable j = 0

        while j < count do
            let columns = min panel (count - j)
            let mutable p = start
            let mutable t = c + nativeint j * size
            let mutable index = operands.COffsets[i] + row * operands.Ldc + column + j

            for tile in 0 .. tiles - 1 do
                // Heights that differ by one at most.
                let height = (rows + tiles - 1 - tile) / tiles
                if isLast then epilogue.Announce(index, height, columns, operands.Ldc)

                // What a tile adds to is asked for before it is computed: C is long gone from the near caches.
                if k0 > 0 then
                    let mutable line = t

                    for _ in 1..height do
                        Mem.announce line (nativeint columns * size)
                        line <- line + ldc

                ahead.Ask()
                GemmPanels<'W, 'V, 'T>.Tile(height, columns, depth, p, stepRow, stepColumn, b, bRow, t, ldc, (k0 > 0))

                p <- p + (if packs then panelOfA else nativeint height * aRow)
                t <- t + nativeint height * ldc
                index <- index + height * operands.Ldc

            b <- b + bPanel
            j <- j + panel

    /// Rows [row, row + rows), columns [column, column + count) of product i.
    member private this.Block(i: int, row: int, rows: int, column: int, count: int) =
        let b = matrix operands.B operands.BOffsets i
        let aside = Scratch.Pointer
        let innerBlocks = (rows + plan.InnerRows - 1) / plan.InnerRows
        let mutable ahead = Ahead.None
        let mutable j = 0

        while j < count do
            let c = min plan.InnerColumns (count - j)
            let mutable k0 = 0

            while k0 < k do
                let depth = min plan.Depth (k - k0)
                if not plan.Prepacked && not plan.DirectB then
                    GemmPanels<'W, 'V, 'T>.PackB(plan.TransB, b, ldb, column + j, c, k0, depth, aside)

                let start =
                    if plan.Prepacked then
                        b + (nativeint k0 * nativeint paddedColumns + nativeint (column + j) * nativeint depth) * size
                    elif plan.DirectB then
                        b + nativeint k0 * ldb + nativeint (column + j) * size
                    else
                        aside

                let bRow = if plan.DirectB then ldb else nativeint panel * size
                let bPanel = if plan.DirectB then nativeint panel * size else nativeint (panel * depth) * size
                let mutable r = 0

                for block in 0 .. innerBlocks - 1 do
                    let here = (rows / tileRows + innerBlocks - 1 - block) / innerBlocks * tileRows
                    let here = if block = innerBlocks - 1 then rows - r else here
                    if plan.PackA then
                        let a = matrix operands.A operands.AOffsets i
                        this.PackA(a, row + r, here, k0, depth, aside + asideA)

                    this.Inner(i, row + r, here, column + j, c, k0, depth, start, bRow, bPanel, aside + asideA, &ahead)

                    if k0 + depth = k then
                        epilogue.Run(
                            operands.COffsets[i] + (row + r) * operands.Ldc + column + j,
                            here,
                            c,
                            operands.Ldc
                        )

                    r <- r + here

                k0 <- k0 + depth

            j <- j + c

    /// Packs columns of B, for all chunks: one depth block.
    member private _.PackShared(k0: int, column: int) =
        let depth = min plan.Depth (k - k0)
        let target = operands.Shared + nativeint column * nativeint depth * size
        let b = matrix operands.B operands.BOffsets 0
        GemmPanels<'W, 'V, 'T>.PackB(plan.TransB, b, ldb, column, min sharedColumns (n - column), k0, depth, target)

    /// Rows [row, row + rows), all columns, with what `PackShared` has packed: one depth block.
    member private this.SharedBlock(k0: int, row: int, rows: int) =
        let depth = min plan.Depth (k - k0)
        let aside = Scratch.Pointer
        let a = matrix operands.A operands.AOffsets 0
        if plan.PackA then this.PackA(a, row, rows, k0, depth, aside)

        // The rows that are packed next lie in short stretches, often a page apart, and come from far.
        let after = row + rows

        let mutable ahead =
            if plan.PackA && after < m then
                let next = min plan.SharedRows (m - after)
                let tiles = (rows + tileRows - 1) / tileRows * ((n + panel - 1) / panel)
                Ahead(a + nativeint after * aRow + nativeint k0 * aColumn, aColumn, nativeint next * size, depth, tiles)
            else
                Ahead.None

        let mutable j = 0

        while j < n do
            let c = min plan.InnerColumns (n - j)
            let b = operands.Shared + nativeint j * nativeint depth * size
            this.Inner(
                0,
                row,
                rows,
                j,
                c,
                k0,
                depth,
                b,
                nativeint panel * size,
                nativeint (panel * depth) * size,
                aside,
                &ahead
            )

            if k0 + depth = k then
                epilogue.Run(operands.COffsets[0] + row * operands.Ldc + j, rows, c, operands.Ldc)

            j <- j + c

    member private _.Vector(i: int, first: int, count: int) =
        let a = matrix operands.A operands.AOffsets i
        let b = matrix operands.B operands.BOffsets i
        let x = if swapped then b else a
        let y = if swapped then a else b
        let ld = if swapped then lda else ldb
        let step = if swapped then ldc else size
        let target = matrix operands.C operands.COffsets i + nativeint first * step

        if dots && vectorStep = size then
            GemmVector<'W, 'V, 'T>.Dots(k, x, y + nativeint first * ld, ld, count, target, step)
        elif not dots && step = size then
            GemmVector<'W, 'V, 'T>.Combine(k, x, vectorStep, y + nativeint first * size, ld, count, target)
        else
            // Vectors or results that are not contiguous: plain loops.
            let down = if dots then size else ld
            let across = if dots then ld else size

            for j in 0 .. count - 1 do
                let from = y + nativeint (first + j) * across
                let mutable sum = Unchecked.defaultof<'T>

                for p in 0 .. k - 1 do
                    let e = Mem.get<'T> (from + nativeint p * down) 0
                    let f = Mem.get<'T> (x + nativeint p * vectorStep) 0
                    sum <- Number.Add<'T>(sum, Number.Mul<'T>(e, f))

                Mem.set<'T> (target + nativeint j * step) 0 sum

        if step = size then
            epilogue.Run(operands.COffsets[i] + first, 1, count, 0)
        else
            epilogue.Run(operands.COffsets[i] + first * operands.Ldc, count, 1, operands.Ldc)

    /// A vector times a matrix by pieces of the depth: their sums first, then these added up in order.
    member private _.Deep(phase: int, piece: int) =
        let row = nativeint n * size

        if phase = 0 then
            let first = int (int64 k * int64 piece / int64 plan.DeepPieces)
            let past = int (int64 k * int64 (piece + 1) / int64 plan.DeepPieces)
            let x = matrix operands.A operands.AOffsets 0 + nativeint first * vectorStep
            let b = matrix operands.B operands.BOffsets 0 + nativeint first * ldb
            let sums = operands.Shared + nativeint piece * row
            GemmVector<'W, 'V, 'T>.Combine(past - first, x, vectorStep, b, ldb, n, sums)
        else
            let c = matrix operands.C operands.COffsets 0
            GemmVector<'W, 'V, 'T>.AddUp(plan.DeepPieces, operands.Shared, row, n, c)
            epilogue.Run(operands.COffsets[0], 1, n, 0)

    override _.Phases =
        if shares then 2 * depthBlocks
        elif isDeep then 2
        else 1

    override _.Chunks(phase) =
        match plan.Path with
        | GemmPath.Zeros -> if m = 0 || n = 0 || plan.Batch = 0 then 0 else 1
        | GemmPath.Vector when isDeep -> if phase = 0 then plan.DeepPieces else 1
        | GemmPath.Vector -> plan.Batch * pieces
        | _ when shares && phase % 2 = 0 -> (n + sharedColumns - 1) / sharedColumns
        | _ when shares -> (m + plan.SharedRows - 1) / plan.SharedRows
        | _ -> plan.Chunks

    override this.Run(phase, chunk) = this.Work(phase, chunk)

    member private this.Work(phase: int, chunk: int) : unit =
        match plan.Path with
        | GemmPath.Zeros ->
            for i in 0 .. plan.Batch - 1 do
                for r in 0 .. m - 1 do
                    Mem.zero (matrix operands.C operands.COffsets i + nativeint r * ldc) (int64 n * int64 size)

                epilogue.Run(operands.COffsets[i], m, n, operands.Ldc)
        | GemmPath.Vector when isDeep -> this.Deep(phase, chunk)
        | GemmPath.Vector ->
            let first = chunk % pieces * vectorGrain
            this.Vector(chunk / pieces, first, min vectorGrain (columns - first))
        | _ when shares ->
            let k0 = phase / 2 * plan.Depth

            if phase % 2 = 0 then
                this.PackShared(k0, chunk * sharedColumns)
            else
                let row = chunk * plan.SharedRows
                this.SharedBlock(k0, row, min plan.SharedRows (m - row))
        | _ ->
            let blocks = plan.RowBlocks * plan.ColumnBlocks

            if blocks = 1 then
                for i in chunk * plan.Group .. min plan.Batch ((chunk + 1) * plan.Group) - 1 do
                    this.Block(i, 0, m, 0, n)
            else
                let block = chunk % blocks
                let row = block / plan.ColumnBlocks * plan.BlockRows
                let column = block % plan.ColumnBlocks * plan.BlockColumns

                this.Block(
                    chunk / blocks,
                    row,
                    min plan.BlockRows (m - row),
                    column,
                    min plan.BlockColumns (n - column)
                )

/// Packs all of op(B), k x n, panel by panel in each of the blocks of k.
[<Sealed>]
type internal GemmPackKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (transB: bool, n: int, k: int, b: nativeint, ldb: int, target: nativeint) =
    inherit Kernel()

    let size = nativeint sizeof<'T>
    let panel = 2 * 'W.Count
    let depth = GemmPlan.DepthOf(sizeof<'T>, k)
    let padded = GemmPlan.PackedColumns(enum<Width>(int 'W.Bytes), sizeof<'T>, n)
    // About this many elements for a chunk.
    let columns = max 1 (32768 / (panel * max 1 k)) * panel

    override _.Chunks(_) = if k = 0 then 0 else (n + columns - 1) / columns

    override _.Run(_, chunk) =
        let column = chunk * columns
        let count = min columns (n - column)
        let mutable k0 = 0

        while k0 < k do
            let d = min depth (k - k0)
            let t = target + (nativeint k0 * nativeint padded + nativeint column * nativeint d) * size
            GemmPanels<'W, 'V, 'T>.PackB(transB, b, nativeint ldb * size, column, count, k0, d, t)
            k0 <- k0 + d

/// Matrix products.
[<AbstractClass; Sealed>]
type internal Gemm private () =

    static let zero = [| 0 |]

    static let kernel
        (width: Width)
        (dtype: DType)
        (plan: GemmPlan)
        (operands: GemmOperands)
        (epilogue: Epilogue)
        : Kernel =
        match dtype, width with
        | DType.Float32, Width.W512 ->
            GemmKernel<Lanes512<float32>, Vector512<float32>, float32>(plan, operands, epilogue)
        | DType.Float32, Width.W256 ->
            GemmKernel<Lanes256<float32>, Vector256<float32>, float32>(plan, operands, epilogue)
        | DType.Float32, _ -> GemmKernel<Lanes128<float32>, Vector128<float32>, float32>(plan, operands, epilogue)
        | _, Width.W512 -> GemmKernel<Lanes512<float>, Vector512<float>, float>(plan, operands, epilogue)
        | _, Width.W256 -> GemmKernel<Lanes256<float>, Vector256<float>, float>(plan, operands, epilogue)
        | _ -> GemmKernel<Lanes128<float>, Vector128<float>, float>(plan, operands, epilogue)

    /// C = op(A) op(B), row-major, op(A) m x k and op(B) k x n; one product for each entry of the offsets (in elements),
    /// with vectors of a given width. A prepacked B comes from `Pack`. The epilogue gets indices of elements from the start
    /// of C.
    static member CreateOf
        (
            width: Width,
            dtype: DType,
            transA: bool,
            transB: bool,
            m: int,
            n: int,
            k: int,
            operands: GemmOperands,
            prepacked: bool,
            epilogue: Epilogue
        ) : Kernel =
        if dtype <> DType.Float32 && dtype <> DType.Float64 then
            raise (
                DTypeException(
                    "Matrix products need floating numbers.",
                    "matmul",
                    "float32 or float64",
                    DType.name dtype,
                    "Cast the operands first."
                )
            )

        let plan =
            GemmPlan(width, DType.size dtype, transA, transB, m, n, k, operands.COffsets.Length, prepacked)
        kernel width dtype plan operands epilogue

    /// C = op(A) op(B), row-major, op(A) m x k and op(B) k x n; one product for each entry of the offsets (in elements).
    /// The epilogue gets indices of elements from the start of C.
    static member CreateBatched
        (
            dtype: DType,
            transA: bool,
            transB: bool,
            m: int,
            n: int,
            k: int,
            a: nativeint,
            lda: int,
            aOffsets: int[],
            b: nativeint,
            ldb: int,
            bOffsets: int[],
            c: nativeint,
            ldc: int,
            cOffsets: int[],
            ?epilogue: Epilogue,
            ?workspace: nativeint
        ) : Kernel =
        Gemm.CreateOf(
            Width.current,
            dtype,
            transA,
            transB,
            m,
            n,
            k,
            { A = a
              Lda = lda
              AOffsets = aOffsets
              B = b
              Ldb = ldb
              BOffsets = bOffsets
              C = c
              Ldc = ldc
              COffsets = cOffsets
              Shared = defaultArg workspace 0n },
            false,
            defaultArg epilogue Epilogue.None
        )

    /// Whether a product is faster with a packed B: not where B is read once, or as it is.
    static member GainsFromPacking(dtype: DType, transA: bool, transB: bool, m: int, n: int, k: int) : bool =
        let plan = GemmPlan(Width.current, DType.size dtype, transA, transB, m, n, k, 1, false)
        plan.Path = GemmPath.Blocks && not plan.DirectB

    /// Bytes that a single product is faster with while it runs: `Create` takes them, and does without.
    static member Workspace(dtype: DType, transA: bool, transB: bool, m: int, n: int, k: int) : int64 =
        GemmPlan(Width.current, DType.size dtype, transA, transB, m, n, k, 1, false).SharedBytes

    /// Bytes of a packed op(B), k x n.
    static member PackedBytes(dtype: DType, n: int, k: int) : int64 =
        let size = DType.size dtype
        int64 (GemmPlan.PackedColumns(Width.current, size, n)) * int64 k * int64 size

    /// Packs op(B), k x n, for `CreatePacked`.
    static member Pack(dtype: DType, transB: bool, n: int, k: int, b: nativeint, ldb: int, target: nativeint) : Kernel =
        match dtype, Width.current with
        | DType.Float32, Width.W512 ->
            GemmPackKernel<Lanes512<float32>, Vector512<float32>, float32>(transB, n, k, b, ldb, target)
        | DType.Float32, Width.W256 ->
            GemmPackKernel<Lanes256<float32>, Vector256<float32>, float32>(transB, n, k, b, ldb, target)
        | DType.Float32, _ ->
            GemmPackKernel<Lanes128<float32>, Vector128<float32>, float32>(transB, n, k, b, ldb, target)
        | _, Width.W512 -> GemmPackKernel<Lanes512<float>, Vector512<float>, float>(transB, n, k, b, ldb, target)
        | _, Width.W256 -> GemmPackKernel<Lanes256<float>, Vector256<float>, float>(transB, n, k, b, ldb, target)
        | _ -> GemmPackKernel<Lanes128<float>, Vector128<float>, float>(transB, n, k, b, ldb, target)

    /// C = op(A) B, with a B (k x n) that `Pack` has packed, once for many products. The epilogue gets indices of elements
    /// from the start of C.
    static member CreatePacked
        (
            dtype: DType,
            transA: bool,
            m: int,
            n: int,
            k: int,
            a: nativeint,
            lda: int,
            packed: nativeint,
            c: nativeint,
            ldc: int,
            ?epilogue: Epilogue
        ) : Kernel =
        Gemm.CreateOf(
            Width.current,
            dtype,
            transA,
            false,
            m,
            n,
            k,
            { A = a
              Lda = lda
              AOffsets = zero
              B = packed
              Ldb = 0
              BOffsets = zero
              C = c
              Ldc = ldc
              COffsets = zero
              Shared = 0n },
            true,
            defaultArg epilogue Epilogue.None
        )

    /// C = op(A) op(B), row-major, op(A) m x k and op(B) k x n. The workspace has as many bytes as `Workspace` says.
    static member Create
        (
            dtype: DType,
            transA: bool,
            transB: bool,
            m: int,
            n: int,
            k: int,
            a: nativeint,
            lda: int,
            b: nativeint,
            ldb: int,
            c: nativeint,
            ldc: int,
            ?epilogue: Epilogue,
            ?workspace: nativeint
        ) : Kernel =
        Gemm.CreateBatched(
            dtype,
            transA,
            transB,
            m,
            n,
            k,
            a,
            lda,
            zero,
            b,
            ldb,
            zero,
            c,
            ldc,
            zero,
            ?epilogue = epilogue,
            ?workspace = workspace
        )
