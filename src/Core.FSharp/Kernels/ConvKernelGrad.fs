namespace FunctionalNet.Kernels

open System.Numerics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// How the gradient to the weights is cut: pieces are ranges of blocks of positions, each summed on its own and then
/// added up in order; shares divide the rows and columns of the weights. Shapes alone decide.
[<Sealed>]
type internal ConvGradPlan(width: Width, g: ConvShape) =

    let lanes = int width / g.Size
    let nr = 2 * lanes
    let tileRows = if width = Width.W512 then 8 else 6
    let part = g.Parts[0]
    let depth = part.Taps.Length * g.TapLength
    let tiles = (depth + tileRows - 1) / tileRows
    let panels = (g.Columns + nr - 1) / nr
    let units = g.Groups * panels * tiles

    // A block of packed gradients stays in the L1 cache.
    let panelBytes = (if g.Columns > lanes then 2 else 1) * int width
    let positions = g.Positions part

    let wanted =
        let work = 2.0 * float positions * float depth * float g.TargetChannels
        let mutable n = 1

        while n < 16 && work >= 1e6 * float n do
            n <- n * 2

        n

    let block =
        let most = (if width = Width.W512 then 32768 else 24576) / panelBytes
        min most (max 64 ((positions + wanted - 1) / wanted))

    let blocks = ConvBlocks(g, part, block)
    let elements = int64 depth * int64 g.TargetChannels

    let pieceLength =
        let most = int (max 1L (4000000L / max 1L elements))
        let pieces = max 1 (min (min wanted most) blocks.Count)
        max 1 ((blocks.Count + pieces - 1) / pieces)

    let pieces = max 1 ((blocks.Count + pieceLength - 1) / pieceLength)
    let unitsPerShare =
        let shares = max 1 (min units ((wanted + pieces - 1) / pieces))
        max 1 ((units + shares - 1) / shares)

    let shares = max 1 ((units + unitsPerShare - 1) / unitsPerShare)

    // Row k of the weights: a tap and a channel. Rows past the last repeat it.
    let table (value: int -> int -> nativeint) =
        OffsetTable(
            Array.init (tiles * tileRows) (fun k ->
                let k = min k (depth - 1)
                value (k / g.TapLength) (k % g.TapLength))
        )

    let rows = table (fun tap channel -> blocks.TapOffset tap + nativeint (channel * g.Size))

    let into =
        table (fun tap channel ->
            nativeint (part.Taps[tap].Index * g.TapLength + channel) * nativeint (g.TargetChannels * g.Size))

    // Windows that are three wide and stand side by side, and a panel of one whole vector.
    let neighbours =
        let follows t = blocks.TapOffset(t + 1) - blocks.TapOffset t = blocks.PositionStep

        width = Width.W512
        && g.Columns = lanes
        && g.TapLength % 8 = 0
        && part.SourceStep[2] = 1
        && part.Taps.Length % 3 = 0
        && Seq.forall (fun t -> follows t && follows (t + 1)) (seq { 0..3 .. part.Taps.Length - 1 })

    // A patch that the scratch memory cannot hold gets a place for each chunk.
    let patchesOutside = blocks.PatchBytes > int64 Scratch.Size - int64 ConvPlan.PatchStart
    let partialBytes = if pieces > 1 then Mem.align (elements * int64 g.Size) * int64 pieces else 0L

    member _.Lanes = lanes

    /// Whether windows are three wide and stand side by side, and a panel is one whole vector.
    member _.Neighbours = neighbours

    /// Rows of the weights of a group.
    member _.Depth = depth
    member _.PanelColumns = nr
    member _.Panels = panels
    member _.Tiles = tiles
    member _.TileRows = tileRows
    member _.Units = units
    member _.Blocks = blocks
    member _.Pieces = pieces
    member _.PieceLength = pieceLength
    member _.Shares = shares
    member _.UnitsPerShare = unitsPerShare
    member _.Elements = elements

    /// Where the rows of the weights lie, from the beginning of a window.
    member _.Rows = rows

    /// Where they lie in the result.
    member _.Into = into
    member _.PatchesOutside = patchesOutside
    member _.PartialBytes = partialBytes

    member _.Workspace =
        partialBytes + (if patchesOutside then blocks.PatchBytes * int64 (pieces * shares) else 0L)

/// dW[row, j] = sum over positions of x[position + row] dY[position, j]: tiles of rows, read where they lie, by two
/// vectors of output channels. Phase 0 sums the pieces, phase 1 adds them up.
[<Sealed>]
type internal ConvKernelGradKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (
        g: ConvShape,
        plan: ConvGradPlan,
        source: nativeint,
        dy: nativeint,
        dw: nativeint,
        workspace: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    let size = nativeint sizeof<'T>
    let part = g.Parts[0]
    let blocks = plan.Blocks
    let pixel = nativeint g.TargetChannels * size
    let partialSize = nativeint (Mem.align (plan.Elements * int64 sizeof<'T>))
    let sumGrain = 4096

    override _.Phases = 2

    override _.Chunks(phase) =
        if plan.Elements = 0L then
            0
        elif phase = 0 then
            plan.Pieces * plan.Shares
        elif plan.Pieces > 1 || not epilogue.IsNone then
            int ((plan.Elements + int64 sumGrain - 1L) / int64 sumGrain)
        else
            0

    override this.Run(phase, chunk) =
        if phase = 0 then
            this.Piece chunk
        else
            let first = chunk * sumGrain
            let count = int (min (int64 sumGrain) (plan.Elements - int64 first))
            if plan.Pieces > 1 then this.Sum(first, count)
            epilogue.Run(first, 1, count, 0)

    /// Adds up the pieces.
    [<FullyOptimized>]
    member private _.Sum(first: int, count: int) =
        let at = nativeint first * size
        let mutable i = 0

        while i < count do
            let n = min 'W.Count (count - i)
            let mutable p = workspace + at + nativeint i * size
            let mutable sum = 'W.LoadFirst(p, n)

            for _ in 2 .. plan.Pieces do
                p <- p + partialSize
                sum <- 'W.Add(sum, 'W.LoadFirst(p, n))

            'W.StoreFirst(dw + at + nativeint i * size, n, sum)
            i <- i + 'W.Count

    member private this.Piece(chunk: int) =
        let piece = chunk / plan.Shares
        let unitFirst = chunk % plan.Shares * plan.UnitsPerShare
        let unitPast = min plan.Units (unitFirst + plan.UnitsPerShare)
        let target = if plan.Pieces > 1 then workspace + nativeint piece * partialSize else dw

        let patch =
            if plan.PatchesOutside then
                workspace + nativeint (plan.PartialBytes + int64 chunk * blocks.PatchBytes)
            else
                Scratch.Pointer + nativeint ConvPlan.PatchStart

        let start = piece * plan.PieceLength

        if blocks.Count = 0 then
            // No positions: the sum of nothing.
            if chunk = 0 then Mem.zero target (plan.Elements * int64 sizeof<'T>)
        elif unitFirst < unitPast then
            for block in start .. min blocks.Count (start + plan.PieceLength) - 1 do
                if blocks.HasPatch then blocks.FillPatch(source, patch, block)
                this.Add(target, patch, block, unitFirst, unitPast, (block > start))

    /// Adds the positions of a block to the tiles of some units.
    [<FullyOptimized>]
    member private this.Add
        (target: nativeint, patch: nativeint, block: int, unitFirst: int, unitPast: int, accumulate: bool)
        =
        let scratch = Scratch.Pointer
        let bases = NativePtr.ofNativeInt<nativeint> scratch
        let stops = NativePtr.ofNativeInt<nativeint>(scratch + 8192n)
        let packed = scratch + 16384n
        let struct (z, y, x, planes, rows, columns) = blocks.Bounds block

        for plane in 0 .. planes - 1 do
            for row in 0 .. rows - 1 do
                let i = plane * rows + row
                NativePtr.set bases i (blocks.RowSource(source, patch, z, y, x, plane, row))
                NativePtr.set stops i (nativeint columns * blocks.PositionStep)

        let runs: ConvRuns = { Count = planes * rows; Offsets = bases; Stops = stops }
        let mutable unit = unitFirst

        while unit < unitPast do
            // All units of one panel.
            let panel = unit / plan.Tiles
            let past = min unitPast ((panel + 1) * plan.Tiles)
            let group = panel / plan.Panels
            let column = group * g.Columns + panel % plan.Panels * plan.PanelColumns
            let count = min plan.PanelColumns (g.Columns - panel % plan.Panels * plan.PanelColumns)
            let put = target + nativeint column * size
            let shift = nativeint (group * g.TapLength) * size
            this.PackGradients(z, y, x, planes, rows, columns, column, count, packed)

            if plan.Neighbours && past - unit = plan.Tiles then
                // Rows of taps, eight channels at a time.
                for row in 0..3 .. part.Taps.Length - 1 do
                    for channel in 0 .. ConvNeighbours<'W, 'V, 'T>.Channels .. g.TapLength - 1 do
                        let first = row * g.TapLength + channel

                        ConvNeighbours<'W, 'V, 'T>
                            .Gradient(
                                shift + NativePtr.read (plan.Rows.From first),
                                blocks.PositionStep,
                                runs,
                                packed,
                                plan.Into.From first,
                                g.TapLength,
                                put,
                                accumulate
                            )
            else
                for u in unit .. past - 1 do
                    let first = u % plan.Tiles * plan.TileRows

                    ConvTile<'W, 'V, 'T>
                        .Run(
                            min plan.TileRows (plan.Depth - first),
                            plan.Rows.From first,
                            runs,
                            shift,
                            blocks.PositionStep,
                            packed,
                            0n,
                            plan.Into.From first,
                            put,
                            count,
                            accumulate
                        )

            unit <- past

    /// Packs some columns of the gradients of a block's positions.
    [<FullyOptimized>]
    member private _.PackGradients
        (z: int, y: int, x: int, planes: int, rows: int, columns: int, column: int, count: int, packed: nativeint)
        =
        let width = if count > plan.Lanes then 'W.Bytes + 'W.Bytes else 'W.Bytes
        let mutable q = packed

        for plane in z .. z + planes - 1 do
            for row in y .. y + rows - 1 do
                let at = (plane * part.Grid[1] + row) * part.Grid[2] + x

                ConvDirectKernel<'W, 'V, 'T>
                    .PackAlong(dy + nativeint at * pixel + nativeint column * size, pixel, columns, count, q)

                q <- q + nativeint columns * width
