namespace FunctionalNet.Kernels

open System.Numerics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// How a (batched) product is done; a function of shapes only.
type internal GemmPath =
    /// Nothing to multiply: zeros.
    | Zeros = 0
    /// One row (or one column, with the operands swapped): no packing, the columns shared out.
    | Row = 1
    /// Each chunk computes whole products of the batch, packing into its thread's scratch block.
    | Whole = 2
    /// Phase 0 packs (B, and A when its blocks are used more than once) into the workspace; phase 1 computes tiles of C.
    | Shared = 3

/// Shapes of a product and how it is cut.
[<Sealed>]
type internal GemmPlan(size: int, transA: bool, transB: bool, m: int, n: int, k: int, batch: int) =

    let nr = 64 / size
    let depth = 256
    let pad (x: int) (to': int) = (x + to' - 1) / to' * to'
    let paddedN = pad n nr
    let paddedM = pad m 6

    // B is used straight from memory when few rows use it.
    let directB = not transB && m <= 48
    let work = int64 m * int64 n * int64 k
    let fits = int64 (if directB then nr else paddedN) * int64 k * int64 size <= 512L * 1024L

    let path =
        if m = 0 || n = 0 || batch = 0 || k = 0 then GemmPath.Zeros
        elif m = 1 || n = 1 then GemmPath.Row
        elif fits && (work <= 200000L || batch >= 8) then GemmPath.Whole
        else GemmPath.Shared

    let panels = paddedM / 6
    let rowBlocks = (panels + 15) / 16
    let blockRows = (panels + rowBlocks - 1) / max 1 rowBlocks * 6

    // Enough tiles to share out evenly, as long as each is worth a fork.
    let columnBlocks =
        let wanted = int (min 16L (max 1L (work / 250000L)))
        let tiles = max 1 (rowBlocks * batch)
        if tiles >= wanted then 1 else max 1 (min ((wanted + tiles - 1) / tiles) (paddedN / nr / 2))

    let blockColumns =
        let perBlock = (paddedN / nr + columnBlocks - 1) / max 1 columnBlocks
        max nr (perBlock * nr)

    let columnBlocks = (n + blockColumns - 1) / blockColumns
    let shareA = columnBlocks > 1
    let packedA =
        if path = GemmPath.Shared && shareA then Mem.align (int64 paddedM * int64 k * int64 size) else 0L

    let packedB =
        if path <> GemmPath.Shared then 0L
        elif directB then (if n % nr = 0 then 0L else Mem.align (int64 nr * int64 k * int64 size))
        else Mem.align (int64 paddedN * int64 k * int64 size)

    member _.M = m
    member _.N = n
    member _.K = k
    member _.Batch = batch
    member _.TransA = transA
    member _.TransB = transB
    member _.Path = path
    member _.Depth = depth
    member _.PaddedM = paddedM
    member _.PaddedN = paddedN
    member _.DirectB = directB
    member _.RowBlocks = (m + blockRows - 1) / max 1 blockRows
    member _.BlockRows = blockRows
    member _.ColumnBlocks = columnBlocks
    member _.BlockColumns = blockColumns
    member _.ShareA = shareA

    /// Bytes of packed A of one product in the workspace.
    member _.PackedA = packedA

    /// Bytes of packed B (or of its last, partial panel) of one product in the workspace.
    member _.PackedB = packedB

    /// Products of a chunk on the whole path.
    member _.Group = int (max 1L (min (int64 batch) (200000L / max 1L work)))

    member _.Workspace = (packedA + packedB) * int64 batch

/// C = op(A) op(B), once for each entry of the offsets.
[<Sealed>]
type internal GemmKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (
        plan: GemmPlan,
        a: nativeint,
        lda: int,
        aOffsets: int[],
        b: nativeint,
        ldb: int,
        bOffsets: int[],
        c: nativeint,
        ldc: int,
        cOffsets: int[],
        workspace: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    let m = plan.M
    let n = plan.N
    let k = plan.K
    let nr = 64 / sizeof<'T>
    let size = nativeint sizeof<'T>
    let edge = n % nr
    let fullN = n - edge

    let matrix (p: nativeint) (offsets: int[]) (i: int) = NativePtr.ofNativeInt<'T>(p + nativeint offsets[i] * size)

    // Packing chunks of phase 0: groups of panels of about this many elements.
    let packGrain = 32768
    let bPanelsPerChunk = max 1 (packGrain / (nr * max 1 k))
    let aPanelsPerChunk = max 1 (packGrain / (6 * max 1 k))
    let ceil (x: int) (y: int) = (x + y - 1) / y

    let bChunks =
        if plan.PackedB = 0L then 0
        elif plan.DirectB then 1
        else ceil (plan.PaddedN / nr) bPanelsPerChunk

    let aChunks = if plan.ShareA then ceil (plan.PaddedM / 6) aPanelsPerChunk else 0

    // The row path: vector x (k elements) times a matrix, or rows of a matrix times x.
    let swapped = m <> 1
    let columns = if swapped then m else n
    // The matrix of the row path, seen as k x columns, is stored transposed.
    let dots = if swapped then not plan.TransA else plan.TransB

    let vectorStep =
        if swapped then (if plan.TransB then 1 else ldb)
        elif plan.TransA then lda
        else 1

    let rowGrain = max 64 (((65536 / max 1 k) + 63) &&& ~~~63)

    /// Rows [row, row + rows), columns [column, column + width) of product i. `packedA` holds all of A packed with the
    /// whole depth of each block, or is null when A is packed here; the same for `packedB`, unless B is read directly.
    member private _.Tile
        (i: int, row: int, rows: int, column: int, width: int, packedA: nativeint, packedB: nativeint, aside: nativeint)
        =
        let target = NativePtr.add (matrix c cOffsets i) (row * ldc + column)
        let mutable k0 = 0

        while k0 < k do
            let kc = min plan.Depth (k - k0)

            let pa =
                if packedA <> 0n then
                    NativePtr.ofNativeInt<'T>(
                        packedA + (nativeint plan.PaddedM * nativeint k0 + nativeint row * nativeint kc) * size
                    )
                else
                    let p = NativePtr.ofNativeInt<'T> aside
                    GemmCore<'T>.PackA(plan.TransA, matrix a aOffsets i, lda, row, rows, k0, kc, p)
                    p

            if plan.DirectB then
                let full = max 0 (min width (fullN - column))
                let source = NativePtr.add (matrix b bOffsets i) (k0 * ldb + column)
                GemmCore<'T>.Block(rows, full, kc, pa, source, nr, ldb, target, ldc, (k0 > 0))

                if full < width then
                    let last = NativePtr.ofNativeInt<'T>(packedB + nativeint (k0 * nr) * size)
                    GemmCore<'T>
                        .Block(rows, width - full, kc, pa, last, nr * kc, nr, NativePtr.add target full, ldc, (k0 > 0))
            else
                let pb =
                    NativePtr.ofNativeInt<'T>(
                        packedB + (nativeint plan.PaddedN * nativeint k0 + nativeint column * nativeint kc) * size
                    )

                GemmCore<'T>.Block(rows, width, kc, pa, pb, nr * kc, nr, target, ldc, (k0 > 0))

            k0 <- k0 + kc

        epilogue.Run(cOffsets[i] + row * ldc + column, rows, width, ldc)

    /// Packs column panels of product i for all depths.
    member private _.PackB(i: int, column: int, width: int, packed: nativeint) =
        let mutable k0 = 0

        while k0 < k do
            let kc = min plan.Depth (k - k0)

            let d =
                if plan.DirectB then
                    NativePtr.ofNativeInt<'T>(packed + nativeint (k0 * nr) * size)
                else
                    NativePtr.ofNativeInt<'T>(
                        packed + (nativeint plan.PaddedN * nativeint k0 + nativeint column * nativeint kc) * size
                    )

            GemmCore<'T>.PackB(plan.TransB, matrix b bOffsets i, ldb, column, width, k0, kc, d)
            k0 <- k0 + kc

    member private _.PackA(i: int, row: int, rows: int, packed: nativeint) =
        let mutable k0 = 0

        while k0 < k do
            let kc = min plan.Depth (k - k0)
            let d =
                NativePtr.ofNativeInt<'T>(
                    packed + (nativeint plan.PaddedM * nativeint k0 + nativeint row * nativeint kc) * size
                )
            GemmCore<'T>.PackA(plan.TransA, matrix a aOffsets i, lda, row, rows, k0, kc, d)
            k0 <- k0 + kc

    member private _.Row(i: int, first: int, count: int) =
        let x = if swapped then matrix b bOffsets i else matrix a aOffsets i
        let y = if swapped then matrix a aOffsets i else matrix b bOffsets i
        let ld = if swapped then lda else ldb
        let target = matrix c cOffsets i
        let step = if swapped then ldc else 1

        if dots && vectorStep = 1 then
            for j in first .. first + count - 1 do
                NativePtr.set target (j * step) (GemmCore<'T>.Dot(k, x, NativePtr.add y (j * ld)))
        elif not dots && step = 1 then
            GemmCore<'T>.RowTimes(k, x, vectorStep, NativePtr.add y first, ld, count, NativePtr.add target first)
        else
            // Strided vectors or results: plain loops.
            for j in first .. first + count - 1 do
                let mutable sum = 'T.Zero

                for p in 0 .. k - 1 do
                    let e: 'T = if dots then NativePtr.get y (j * ld + p) else NativePtr.get y (p * ld + j)
                    let f: 'T = NativePtr.get x (p * vectorStep)
                    let product: 'T = f * e
                    sum <- sum + product

                NativePtr.set target (j * step) sum

        if step = 1 then
            epilogue.Run(cOffsets[i] + first, 1, count, 0)
        else
            epilogue.Run(cOffsets[i] + first * step, count, 1, step)

    override _.Phases = if plan.Path = GemmPath.Shared then 2 else 1

    override _.Chunks(phase) =
        match plan.Path with
        | GemmPath.Zeros -> if m = 0 || n = 0 || plan.Batch = 0 then 0 else 1
        | GemmPath.Row -> plan.Batch * ceil columns rowGrain
        | GemmPath.Whole -> ceil plan.Batch plan.Group
        | _ when phase = 0 -> plan.Batch * (aChunks + bChunks)
        | _ -> plan.Batch * plan.RowBlocks * plan.ColumnBlocks

    override this.Run(phase, chunk) =
        match plan.Path with
        | GemmPath.Zeros ->
            for i in 0 .. plan.Batch - 1 do
                for r in 0 .. m - 1 do
                    Mem.zero
                        (NativePtr.toNativeInt (NativePtr.add (matrix c cOffsets i) (r * ldc)))
                        (int64 n * int64 size)

                epilogue.Run(cOffsets[i], m, n, ldc)
        | GemmPath.Row ->
            let pieces = ceil columns rowGrain
            let first = chunk % pieces * rowGrain
            this.Row(chunk / pieces, first, min rowGrain (columns - first))
        | GemmPath.Whole ->
            let packedB = Scratch.Pointer
            let aside = Scratch.Pointer + nativeint (512 * 1024)

            for i in chunk * plan.Group .. min plan.Batch ((chunk + 1) * plan.Group) - 1 do
                if plan.DirectB then
                    if edge > 0 then this.PackB(i, fullN, edge, packedB)
                else
                    this.PackB(i, 0, n, packedB)

                let mutable row = 0

                while row < m do
                    let rows = min plan.BlockRows (m - row)
                    this.Tile(i, row, rows, 0, n, 0n, packedB, aside)
                    row <- row + rows
        | _ ->
            let perProduct = plan.PackedA + plan.PackedB

            if phase = 0 then
                let i = chunk / (aChunks + bChunks)
                let part = chunk % (aChunks + bChunks)
                let home = workspace + nativeint (int64 i * perProduct)

                if part < aChunks then
                    let row = part * aPanelsPerChunk * 6
                    this.PackA(i, row, min (aPanelsPerChunk * 6) (m - row), home)
                elif plan.DirectB then
                    this.PackB(i, fullN, edge, home + nativeint plan.PackedA)
                else
                    let column = (part - aChunks) * bPanelsPerChunk * nr
                    this.PackB(i, column, min (bPanelsPerChunk * nr) (n - column), home + nativeint plan.PackedA)
            else
                let tiles = plan.RowBlocks * plan.ColumnBlocks
                let i = chunk / tiles
                let t = chunk % tiles
                let row = t / plan.ColumnBlocks * plan.BlockRows
                let column = t % plan.ColumnBlocks * plan.BlockColumns
                let home = workspace + nativeint (int64 i * perProduct)

                this.Tile(
                    i,
                    row,
                    min plan.BlockRows (m - row),
                    column,
                    min plan.BlockColumns (n - column),
                    (if plan.ShareA then home else 0n),
                    home + nativeint plan.PackedA,
                    Scratch.Pointer
                )

/// Matrix products.
[<AbstractClass; Sealed>]
type internal Gemm private () =

    static let zero = [| 0 |]

    /// Bytes of workspace.
    static member Workspace(dtype: DType, transA: bool, transB: bool, m: int, n: int, k: int, batch: int) : int64 =
        GemmPlan(DType.size dtype, transA, transB, m, n, k, batch).Workspace

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
            workspace: nativeint,
            ?epilogue: Epilogue
        ) : Kernel =
        let plan = GemmPlan(DType.size dtype, transA, transB, m, n, k, cOffsets.Length)
        let epilogue = defaultArg epilogue Epilogue.None

        match dtype with
        | DType.Float32 ->
            GemmKernel<float32>(plan, a, lda, aOffsets, b, ldb, bOffsets, c, ldc, cOffsets, workspace, epilogue)
        | DType.Float64 ->
            GemmKernel<float>(plan, a, lda, aOffsets, b, ldb, bOffsets, c, ldc, cOffsets, workspace, epilogue)
        | other ->
            raise (
                DTypeException(
                    "Matrix products need floating numbers.",
                    "matmul",
                    "float32 or float64",
                    DType.name other,
                    "Cast the operands first."
                )
            )

    /// C = op(A) op(B), row-major, op(A) m x k and op(B) k x n.
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
            workspace: nativeint,
            ?epilogue: Epilogue
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
            workspace,
            ?epilogue = epilogue
        )
