namespace FunctionalNet.Kernels

open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet
open FunctionalNet.Kernels.Lanes

/// How the gradient to the weights is cut. Segments are stretches of one row of the output, at most 256 positions long;
/// pieces are ranges of segments, each summed on its own and then added up in order.
[<Sealed>]
type internal KernelGradPlan(g: ConvGeometry, outputs: int[], taps: int) =

    let runs = g.Parts[0].Runs.Length
    let width = outputs[2]
    let perRow = max 1 ((width + 255) / 256)
    let length = max 1 ((width + perRow - 1) / perRow)
    let segments = if width = 0 then 0 else g.Batch * outputs[0] * outputs[1] * perRow
    let rows = taps * (g.SourceChannels / g.Groups)
    let elements = int64 rows * int64 g.TargetChannels
    let work = elements / int64 (max 1 g.Groups) * int64 segments * int64 length
    let tilesPerRun = (g.RunLength + 5) / 6
    let tiles = runs * tilesPerRun
    let wanted = int (max 1L (min 16L (work / 400000L)))
    let pieces = max 1 (min (min wanted segments) (int (min 64L (4000000L / max 1L elements))))
    let shares = max 1 (min (g.Groups * tiles) ((wanted + pieces - 1) / pieces))

    member _.SegmentsPerRow = perRow
    member _.SegmentLength = length
    member _.Segments = segments
    /// Segments whose packed gradients stay in the L1 cache together.
    member _.SegmentsPerBlock = max 1 (256 / length)
    member _.TilesPerRun = tilesPerRun
    member _.Tiles = tiles
    member _.Pieces = pieces
    member _.PieceLength = (segments + pieces - 1) / pieces
    /// Chunks that share the tiles of a piece.
    member _.Shares = shares
    member _.Elements = elements
    member _.PartialBytes(size: int) = if pieces > 1 then Mem.align (elements * int64 size) * int64 pieces else 0L

/// dW[row, j] = sum over positions of x[position + row] dY[position, j]: tiles of six neighbouring rows (contiguous in
/// the padded source) by two vectors of output channels. Phases: pad, sum the pieces, add the pieces.
[<Sealed>]
type internal ConvKernelGradKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (
        g: ConvGeometry,
        plan: KernelGradPlan,
        outputs: int[],
        strides: int[],
        src: nativeint,
        dy: nativeint,
        dw: nativeint,
        workspace: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    let nr = 64 / sizeof<'T>
    let size = nativeint sizeof<'T>
    let part = g.Parts[0]
    let source = if g.NeedsPad then workspace else src
    let partial = workspace + nativeint g.PaddedBytes
    let partialSize = nativeint (Mem.align (plan.Elements * int64 sizeof<'T>))
    let groupChannels = g.SourceChannels / g.Groups
    let padRowBytes = int64 g.Padded[2] * int64 g.SourceChannels * int64 sizeof<'T>
    let padGrain = int (max 1L (131072L / max 1L padRowBytes))
    let units = g.Groups * plan.Tiles
    let perShare = (units + plan.Shares - 1) / plan.Shares
    let sumGrain = 8192
    let step = nativeint (strides[2] * g.SourceChannels) * size

    override _.Phases = 3

    override _.Chunks(phase) =
        if plan.Elements = 0L then
            0
        else
            match phase with
            | 0 -> if g.NeedsPad then (ConvPad.rows g + padGrain - 1) / padGrain else 0
            | 1 -> plan.Pieces * plan.Shares
            | _ ->
                if plan.Pieces > 1 || not epilogue.IsNone then
                    int ((plan.Elements + int64 sumGrain - 1L) / int64 sumGrain)
                else
                    0

    override this.Run(phase, chunk) =
        match phase with
        | 0 ->
            for row in chunk * padGrain .. min (ConvPad.rows g) ((chunk + 1) * padGrain) - 1 do
                ConvPad.copyRow sizeof<'T> g src source row
        | 1 -> this.Piece(chunk / plan.Shares, chunk % plan.Shares)
        | _ ->
            let first = chunk * sumGrain
            let n = int (min (int64 sumGrain) (plan.Elements - int64 first))
            let at = nativeint first * size

            if plan.Pieces > 1 then
                BasicLoops<'T>.Add(n, dw + at, partial + at, partial + partialSize + at)

            for p in 2 .. plan.Pieces - 1 do
                BasicLoops<'T>.Add(n, dw + at, dw + at, partial + nativeint p * partialSize + at)

            epilogue.Run(first, 1, n, 0)

    member private this.Piece(piece: int, share: int) =
        let target = if plan.Pieces > 1 then partial + nativeint piece * partialSize else dw
        let firstUnit = share * perShare
        let lastUnit = min units (firstUnit + perShare)
        let start = piece * plan.PieceLength
        let stop = min plan.Segments (start + plan.PieceLength)

        if start >= stop then
            // An empty piece, or no output at all: this share's rows are zero.
            for unit in firstUnit .. lastUnit - 1 do
                this.Clear(target, unit)

        let mutable s = start

        while s < stop do
            let n = min plan.SegmentsPerBlock (stop - s)
            this.SegmentBlock(target, firstUnit, lastUnit, s, n, (s > start))
            s <- s + n

    /// First row of a unit's tile in the weights, and the rows that exist.
    member private _.RowOf(unit: int) =
        let tile = unit % plan.Tiles
        let run = tile / plan.TilesPerRun
        let first = tile % plan.TilesPerRun * 6
        struct (run, first, min 6 (g.RunLength - first))

    member private this.Clear(target: nativeint, unit: int) =
        let struct (run, first, rows) = this.RowOf unit
        let column = unit / plan.Tiles * g.Columns

        for i in 0 .. rows - 1 do
            let row = part.Taps[run] + first + i
            Mem.zero
                (target + (nativeint row * nativeint g.TargetChannels + nativeint column) * size)
                (int64 g.Columns * int64 size)

    /// Adds the segments [s, s + n) to the tiles of some units.
    member private this.SegmentBlock
        (target: nativeint, firstUnit: int, lastUnit: int, s: int, n: int, accumulate: bool)
        =
        let bases = NativePtr.ofNativeInt<nativeint> Scratch.Pointer
        let lengths = NativePtr.ofNativeInt<int>(Scratch.Pointer + 4096n)
        let packed = Scratch.Pointer + 8192n
        let mutable group = firstUnit / plan.Tiles

        while group * plan.Tiles < lastUnit do
            for panel in 0 .. g.Panels - 1 do
                let columns = min nr (g.Columns - panel * nr)
                let column = group * g.Columns + panel * nr
                let mutable d = NativePtr.ofNativeInt<'T> packed

                for i in 0 .. n - 1 do
                    let segment = s + i
                    let row = segment / plan.SegmentsPerRow
                    let x = segment % plan.SegmentsPerRow * plan.SegmentLength
                    let length = min plan.SegmentLength (outputs[2] - x)
                    let h = row % outputs[1]
                    let z = row / outputs[1] % outputs[0]
                    let image = row / (outputs[1] * outputs[0])

                    let at =
                        nativeint ((image * g.Padded[0] + z * strides[0]) * g.Padded[1] + h * strides[1])
                        * nativeint g.Padded[2]
                        + nativeint (x * strides[2])

                    NativePtr.set
                        bases
                        i
                        (source + (at * nativeint g.SourceChannels + nativeint (group * groupChannels)) * size)
                    NativePtr.set lengths i length

                    let from =
                        dy
                        + ((nativeint row * nativeint outputs[2] + nativeint x) * nativeint g.TargetChannels
                           + nativeint column)
                          * size

                    GemmCore<'T>.PackStraight(NativePtr.ofNativeInt<'T> from, g.TargetChannels, length, columns, nr, d)
                    d <- NativePtr.add d (length * nr)

                for unit in max firstUnit (group * plan.Tiles) .. min lastUnit ((group + 1) * plan.Tiles) - 1 do
                    let struct (run, first, rows) = this.RowOf unit
                    let shift = nativeint (part.Runs[run] + first) * size
                    let row = part.Taps[run] + first
                    let c = target + (nativeint row * nativeint g.TargetChannels + nativeint column) * size

                    if rows = 6 && columns = nr then
                        ConvKernelGradKernel<'T>
                            .Tile(n, bases, lengths, shift, step, packed, c, g.TargetChannels, accumulate)
                    else
                        ConvKernelGradKernel<'T>
                            .Edge(
                                n,
                                bases,
                                lengths,
                                shift,
                                step,
                                packed,
                                c,
                                g.TargetChannels,
                                accumulate,
                                rows,
                                columns
                            )

            group <- group + 1

    /// A tile of which only `rows` by `columns` elements exist.
    static member private Edge
        (n, bases, lengths, shift, step, packed, c: nativeint, ldc: int, accumulate: bool, rows: int, columns: int)
        =
        let nr = 64 / sizeof<'T>
        let aside = NativePtr.toNativeInt (NativePtr.stackalloc<'T> 96)

        if accumulate then
            for i in 0 .. rows - 1 do
                for j in 0 .. columns - 1 do
                    Mem.set<'T> aside (i * nr + j) (Mem.get<'T> c (i * ldc + j))

        ConvKernelGradKernel<'T>.Tile(n, bases, lengths, shift, step, packed, aside, nr, accumulate)

        for i in 0 .. rows - 1 do
            for j in 0 .. columns - 1 do
                Mem.set<'T> c (i * ldc + j) (Mem.get<'T> aside (i * nr + j))

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member private Tile
        (
            n: int,
            bases: nativeptr<nativeint>,
            lengths: nativeptr<int>,
            shift: nativeint,
            step: nativeint,
            packed: nativeint,
            c: nativeint,
            ldc: int,
            accumulate: bool
        ) =
        let w = 32n
        let e = nativeint sizeof<'T>
        let row = nativeint ldc * e
        let mutable c00 = Vector256<'T>.Zero
        let mutable c01 = Vector256<'T>.Zero
        let mutable c10 = Vector256<'T>.Zero
        let mutable c11 = Vector256<'T>.Zero
        let mutable c20 = Vector256<'T>.Zero
        let mutable c21 = Vector256<'T>.Zero
        let mutable c30 = Vector256<'T>.Zero
        let mutable c31 = Vector256<'T>.Zero
        let mutable c40 = Vector256<'T>.Zero
        let mutable c41 = Vector256<'T>.Zero
        let mutable c50 = Vector256<'T>.Zero
        let mutable c51 = Vector256<'T>.Zero
        let mutable q = packed

        for i in 0 .. n - 1 do
            let mutable p = NativePtr.get bases i + shift
            let mutable left = NativePtr.get lengths i

            while left > 0 do
                let b0 = load<'T> q
                let b1 = load<'T>(q + w)
                let a0 = Vector256.Create(Mem.get<'T> p 0)
                c00 <- fma a0 b0 c00
                c01 <- fma a0 b1 c01
                let a1 = Vector256.Create(Mem.get<'T> p 1)
                c10 <- fma a1 b0 c10
                c11 <- fma a1 b1 c11
                let a2 = Vector256.Create(Mem.get<'T> p 2)
                c20 <- fma a2 b0 c20
                c21 <- fma a2 b1 c21
                let a3 = Vector256.Create(Mem.get<'T> p 3)
                c30 <- fma a3 b0 c30
                c31 <- fma a3 b1 c31
                let a4 = Vector256.Create(Mem.get<'T> p 4)
                c40 <- fma a4 b0 c40
                c41 <- fma a4 b1 c41
                let a5 = Vector256.Create(Mem.get<'T> p 5)
                c50 <- fma a5 b0 c50
                c51 <- fma a5 b1 c51
                p <- p + step
                q <- q + 64n
                left <- left - 1

        let r1 = c + row
        let r2 = r1 + row
        let r3 = r2 + row
        let r4 = r3 + row
        let r5 = r4 + row

        if accumulate then
            c00 <- c00 + load<'T> c
            c01 <- c01 + load<'T>(c + w)
            c10 <- c10 + load<'T> r1
            c11 <- c11 + load<'T>(r1 + w)
            c20 <- c20 + load<'T> r2
            c21 <- c21 + load<'T>(r2 + w)
            c30 <- c30 + load<'T> r3
            c31 <- c31 + load<'T>(r3 + w)
            c40 <- c40 + load<'T> r4
            c41 <- c41 + load<'T>(r4 + w)
            c50 <- c50 + load<'T> r5
            c51 <- c51 + load<'T>(r5 + w)

        store c c00
        store (c + w) c01
        store r1 c10
        store (r1 + w) c11
        store r2 c20
        store (r2 + w) c21
        store r3 c30
        store (r3 + w) c31
        store r4 c40
        store (r4 + w) c41
        store r5 c50
        store (r5 + w) c51
