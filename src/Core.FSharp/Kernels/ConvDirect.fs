namespace FunctionalNet.Kernels

open System.Numerics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// How a convolution is cut into chunks: blocks of positions of each part, and shares of the panels of columns. Shapes
/// alone decide. `prepacked` says that the weights come packed, in panels over the whole depth.
[<Sealed>]
type internal ConvPlan(width: Width, g: ConvShape, transposed: bool, prepacked: bool) =

    let lanes = int width / g.Size
    let nr = 2 * lanes
    let panels = (g.Columns + nr - 1) / nr
    let units = g.Groups * panels

    // Bytes of a packed stretch of a panel: most of the L1 cache, which is larger where vectors are.
    let stretch = if width = Width.W512 then ConvPlan.StretchBytes else 24576
    let positions = g.Parts |> Array.map g.Positions
    let total = Array.sum positions

    let depthOf (part: ConvPart) = part.Taps.Length * g.TapLength

    let work =
        Array.fold2
            (fun sum part p -> sum + 2.0 * float p * float (depthOf part) * float g.TargetChannels)
            0.0
            g.Parts
            positions

    // Chunks worth having: a power of two, each of about a microsecond at least.
    let wanted =
        let mutable n = 1

        while n < 16 && work >= 3e5 * float n do
            n <- n * 2

        n

    let weightElements = Array.sumBy depthOf g.Parts * g.Columns * g.Groups
    let sourceElements = g.Batch * Array.fold (*) 1 g.Source * g.SourceChannels

    // Many weights and few positions: chunks share the weights rather than the positions.
    let splitsUnits = weightElements > sourceElements && units > 1

    let positionChunks =
        if splitsUnits then (wanted + units - 1) / units else max 1 (min wanted (total / 48))

    let unitsPerShare =
        // Not more than eight: an epilogue likes long rows, and packing likes to read several panels side by side.
        let shares = max 1 (min (min 8 units) ((wanted + positionChunks - 1) / positionChunks))
        max 1 ((units + shares - 1) / shares)

    let shares = (units + unitsPerShare - 1) / unitsPerShare

    // Positions whose source stays in the L2 cache while all panels pass over it.
    let block =
        let held = 393216 / max 1 (g.SourceChannels * g.Size)
        max 48 (min ((total + positionChunks - 1) / positionChunks) (max 96 held))

    let blocks = g.Parts |> Array.map (fun p -> ConvBlocks(g, p, block))
    let depths = blocks |> Array.map (fun b -> ConvDepths(g, b, stretch / (nr * g.Size)))

    // Weights that many blocks read are packed first, once; otherwise a block packs stretch by stretch.
    let packsFirst = prepacked || transposed || blocks |> Array.exists (fun b -> b.Count > 3)

    // Nothing to pack: the weights are one panel as they are.
    let isPacked =
        not transposed && g.Groups = 1 && g.Parts.Length = 1 && (g.Columns = nr || g.Columns = lanes)

    let weightOffsets =
        g.Parts
        |> Array.scan (fun sum p -> sum + int64 units * int64 (depthOf p) * int64 nr * int64 g.Size) 0L

    // Packed weights in the workspace.
    let packedBytes =
        if packsFirst && not isPacked && not prepacked then Mem.align weightOffsets[g.Parts.Length] else 0L

    let patchBytes = blocks |> Array.fold (fun most b -> max most b.PatchBytes) 0L
    // Parts whose windows are three wide and stand side by side.
    let neighbours =
        Array.map2
            (fun (b: ConvBlocks) (d: ConvDepths) ->
                let taps = b.Part.Taps.Length
                let follows t = b.TapOffset(t + 1) - b.TapOffset t = b.PositionStep

                g.Groups = 1
                && b.Part.SourceStep[2] = 1
                && d.Count = 1
                && taps % 3 = 0
                && d.Runs(0).Count = taps / 3
                && Seq.forall (fun t -> follows t && follows (t + 1)) (seq { 0..3 .. taps - 1 }))
            blocks
            depths

    let starts = blocks |> Array.scan (fun sum b -> sum + b.Count * shares) 0

    // A patch that the scratch memory cannot hold gets a place for each chunk.
    let patchesOutside = patchBytes > int64 Scratch.Size - int64 ConvPlan.PatchStart

    /// Bytes at most of a packed stretch of a panel.
    static member StretchBytes = 36864

    /// Panels that are packed together, so that rows of the weights are read in longer pieces.
    static member PanelsAtOnce = 4

    /// Where the patch begins in the scratch memory: after addresses and packed stretches.
    static member PatchStart = 16384 + ConvPlan.PanelsAtOnce * ConvPlan.StretchBytes

    member _.Panels = panels
    member _.Units = units
    member _.PanelColumns = nr
    member _.Lanes = lanes
    member _.Blocks = blocks
    member _.Depths = depths

    /// Whether the windows of a part are three wide and stand side by side.
    member _.Neighbours = neighbours
    member _.Shares = shares
    member _.UnitsPerShare = unitsPerShare

    /// Numbers of the chunks at which the parts begin.
    member _.Starts = starts
    member _.PacksFirst = packsFirst && not isPacked
    member _.IsPacked = isPacked
    member _.WeightOffset(part: int) = weightOffsets[part]

    /// Whether packed weights do not stay in the L2 cache from one run to the next.
    member _.IsFar = prepacked && weightOffsets[g.Parts.Length] > 524288L

    /// Bytes of all packed weights; 0 if they are used as they are.
    member _.PrepackedBytes = if isPacked then 0L else Mem.align weightOffsets[g.Parts.Length]
    member _.PatchesOutside = patchesOutside
    member _.PatchBytes = patchBytes
    member _.PackedBytes = packedBytes

    member _.Workspace =
        packedBytes + (if patchesOutside then patchBytes * int64 starts[g.Parts.Length] else 0L)

/// A convolution, forward or to the input: tiles of positions by columns, the source read where it lies. Phase 0 packs
/// the weights where that pays and has not been done before; phase 1 computes blocks of positions.
[<Sealed>]
type internal ConvDirectKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (
        g: ConvShape,
        plan: ConvPlan,
        /// The weights are (taps, target channels, source channels) rather than (taps, source channels, target channels).
        transposed: bool,
        source: nativeint,
        weights: nativeint,
        /// Where packed weights are, if the plan says that they come packed; else the weights are packed here.
        prepacked: nativeint,
        target: nativeint,
        workspace: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    let size = nativeint sizeof<'T>
    let nr = plan.PanelColumns
    let packed = if prepacked <> 0n then prepacked else workspace
    let tapLength = g.TapLength
    let pixel = nativeint g.TargetChannels * size
    let weightRow = nativeint (if transposed then g.SourceChannels else g.TargetChannels) * size
    let packsPerPart = plan.Units
    let isEmpty = plan.Starts[g.Parts.Length] = 0 || g.TargetChannels = 0

    override _.Phases = 2

    override this.Chunks(phase) =
        if isEmpty then 0
        elif phase = 1 then plan.Starts[g.Parts.Length]
        elif plan.PacksFirst && prepacked = 0n then this.Packs
        else 0

    override this.Run(phase, chunk) = if phase = 1 then this.Block chunk else this.PackPanel chunk

    /// Number of panels of all parts.
    member _.Packs = packsPerPart * g.Parts.Length

    /// Packs one of them.
    member this.PackPanel(index: int) =
        let part = index / packsPerPart
        let unit = index % packsPerPart
        this.Pack(part, unit, 1, 0, plan.Depths[part].Depth, this.PanelAt(part, unit))

    /// Vectors of a packed panel.
    member inline private _.Width(columns: int) = if columns > plan.Lanes then 'W.Bytes + 'W.Bytes else 'W.Bytes

    member inline private _.ColumnsOf(unit: int) = min nr (g.Columns - unit % plan.Panels * nr)

    /// Where the panel of a unit is packed.
    member private _.PanelAt(part: int, unit: int) =
        packed
        + nativeint (plan.WeightOffset part)
        + nativeint unit * nativeint plan.Depths[part].Depth * nativeint nr * size

    /// Packs the elements [first, past) of the depth of some panels of a group, `StretchBytes` apart.
    [<FullyOptimized>]
    member private this.Pack(part: int, unit: int, panels: int, first: int, past: int, into: nativeint) =
        let group = unit / plan.Panels
        let column = unit % plan.Panels * nr
        let width = this.Width(this.ColumnsOf unit)
        let taps = g.Parts[part].Taps
        let apart = nativeint ConvPlan.StretchBytes
        let mutable q = into
        let mutable k = first

        while k < past do
            let tap = k / tapLength
            let channel = k % tapLength
            let count = min (past - k) (tapLength - channel)

            if transposed then
                let row = taps[tap].Index * g.Columns + column

                let from = weights + nativeint row * weightRow + nativeint (group * tapLength + channel) * size

                ConvDirectKernel<'W, 'V, 'T>.PackAcross(from, weightRow, count, this.ColumnsOf unit, width, q)
            else
                let row = taps[tap].Index * tapLength + channel

                let from = weights + nativeint row * weightRow + nativeint (group * g.Columns + column) * size

                // Whole panels side by side, then one that may be narrow.
                let whole = if this.ColumnsOf(unit + panels - 1) = nr then panels else panels - 1

                if whole > 1 then
                    ConvDirectKernel<'W, 'V, 'T>.PackTogether(from, weightRow, count, whole, q, apart)

                for p in (if whole > 1 then whole else 0) .. panels - 1 do
                    let w = this.Width(this.ColumnsOf(unit + p))
                    let at = into + nativeint p * apart + nativeint (k - first) * w
                    let source = from + nativeint (p * nr) * size
                    ConvDirectKernel<'W, 'V, 'T>.PackAlong(source, weightRow, count, this.ColumnsOf(unit + p), at)

            q <- q + nativeint count * width
            k <- k + count

    /// Copies `count` rows of some whole panels.
    [<FullyOptimized>]
    static member private PackTogether
        (from: nativeint, step: nativeint, count: int, panels: int, into: nativeint, apart: nativeint)
        =
        let mutable row = from
        let mutable q = into

        for _ in 1..count do
            let mutable p = row
            let mutable d = q

            for _ in 1..panels do
                'W.Store(d, 'W.Load p)
                'W.Store(d + 'W.Bytes, 'W.Load(p + 'W.Bytes))
                p <- p + 'W.Bytes + 'W.Bytes
                d <- d + apart

            row <- row + step
            q <- q + 'W.Bytes + 'W.Bytes

    /// Copies `count` rows of `columns` elements.
    [<FullyOptimized>]
    static member PackAlong(from: nativeint, step: nativeint, count: int, columns: int, into: nativeint) =
        let lanes = 'W.Count
        let mutable p = from
        let mutable q = into

        if columns = lanes + lanes then
            for _ in 1..count do
                'W.Store(q, 'W.Load p)
                'W.Store(q + 'W.Bytes, 'W.Load(p + 'W.Bytes))
                p <- p + step
                q <- q + 'W.Bytes + 'W.Bytes
        elif columns > lanes then
            for _ in 1..count do
                'W.Store(q, 'W.Load p)
                'W.Store(q + 'W.Bytes, 'W.LoadFirst(p + 'W.Bytes, columns - lanes))
                p <- p + step
                q <- q + 'W.Bytes + 'W.Bytes
        else
            for _ in 1..count do
                'W.Store(q, 'W.LoadFirst(p, columns))
                p <- p + step
                q <- q + 'W.Bytes

    /// Copies `count` columns of `columns` rows.
    [<FullyOptimized>]
    static member private PackAcross
        (from: nativeint, step: nativeint, count: int, columns: int, width: nativeint, into: nativeint)
        =
        let size = nativeint sizeof<'T>
        let mutable j = 0

        while j < columns do
            let n = min 4 (columns - j)
            let p = from + nativeint j * step
            let q = into + nativeint j * size

            if n = 4 then
                let p1, p2, p3 = p + step, p + 2n * step, p + 3n * step

                for i in 0 .. count - 1 do
                    let d = q + nativeint i * width
                    Mem.set<'T> d 0 (Mem.get<'T> p i)
                    Mem.set<'T> d 1 (Mem.get<'T> p1 i)
                    Mem.set<'T> d 2 (Mem.get<'T> p2 i)
                    Mem.set<'T> d 3 (Mem.get<'T> p3 i)
            else
                for i in 0 .. count - 1 do
                    for c in 0 .. n - 1 do
                        Mem.set<'T> (q + nativeint i * width) c (Mem.get<'T> (p + nativeint c * step) i)

            j <- j + 4

        let rest = width - nativeint columns * size

        if rest > 0n then
            for i in 0 .. count - 1 do
                Mem.zero (into + nativeint i * width + nativeint columns * size) (int64 rest)

    [<FullyOptimized>]
    member private this.Block(chunk: int) =
        let mutable index = 0

        while chunk >= plan.Starts[index + 1] do
            index <- index + 1

        let local = chunk - plan.Starts[index]
        let block = local / plan.Shares
        let unitFirst = local % plan.Shares * plan.UnitsPerShare
        let unitPast = min plan.Units (unitFirst + plan.UnitsPerShare)
        let blocks = plan.Blocks[index]
        let depths = plan.Depths[index]
        let scratch = Scratch.Pointer

        let patch =
            if plan.PatchesOutside then
                workspace + nativeint (plan.PackedBytes + int64 chunk * plan.PatchBytes)
            else
                scratch + nativeint ConvPlan.PatchStart

        if blocks.HasPatch then blocks.FillPatch(source, patch, block)
        let from = NativePtr.ofNativeInt<nativeint> scratch
        let into = NativePtr.ofNativeInt<nativeint>(scratch + 8192n)
        let aside = scratch + 16384n
        let count = this.Locate(index, block, patch, from, into)

        let mutable unit = unitFirst

        while unit < unitPast do
            // Panels of one group, packed together if they are packed here.
            let rest = min (unitPast - unit) (plan.Panels - unit % plan.Panels)
            let together = if plan.IsPacked || plan.PacksFirst then 1 else min rest ConvPlan.PanelsAtOnce

            for d in 0 .. depths.Count - 1 do
                let first = depths.First d

                if not plan.IsPacked && not plan.PacksFirst then
                    this.Pack(index, unit, together, first, depths.First(d + 1), aside)

                for u in unit .. unit + together - 1 do
                    let columns = this.ColumnsOf u
                    let width = this.Width columns

                    let q =
                        if plan.IsPacked then weights + nativeint first * width
                        elif plan.PacksFirst then this.PanelAt(index, u) + nativeint first * width
                        else aside + nativeint ((u - unit) * ConvPlan.StretchBytes)

                    // Panels stand one behind the other.
                    let ahead = if plan.IsFar then nativeint (depths.First(d + 1) - first) * width else 0n

                    this.Tiles(index, count, from, depths.Runs d, q, ahead, into, u, columns, (d > 0))

            unit <- unit + together

        if not epilogue.IsNone then
            let column (unit: int) = unit / plan.Panels * g.Columns + min g.Columns (unit % plan.Panels * nr)
            let columnFirst = column unitFirst
            let columnPast = if unitPast = plan.Units then g.TargetChannels else column unitPast
            this.Finish(index, block, columnFirst, columnPast - columnFirst)

    /// A panel times the positions of a block. `ahead`: bytes to the next one, if it has to be fetched from far.
    [<FullyOptimized>]
    member private _.Tiles
        (
            index: int,
            count: int,
            from: nativeptr<nativeint>,
            runs: ConvRuns,
            q: nativeint,
            ahead: nativeint,
            into: nativeptr<nativeint>,
            unit: int,
            columns: int,
            accumulate: bool
        ) =
        let group = unit / plan.Panels
        let shift = nativeint (group * tapLength) * size
        let put = nativeint (group * g.Columns + unit % plan.Panels * nr) * size
        let step = plan.Blocks[index].PositionStep
        let together = ConvNeighbours<'W, 'V, 'T>.Positions
        let sharesReads = 'W.Bytes = 64n && columns = plan.Lanes && plan.Neighbours[index]

        let inline tiles (first: int) (count: int) =
            ConvTile<'W, 'V, 'T>
                .Run(
                    count,
                    NativePtr.add from first,
                    runs,
                    shift,
                    size,
                    q,
                    ahead,
                    NativePtr.add into first,
                    put,
                    columns,
                    accumulate
                )

        if not sharesReads then
            tiles 0 count
        else
            let mutable i = 0

            while i < count do
                if
                    i + together <= count
                    && NativePtr.get from (i + together - 1) - NativePtr.get from i = nativeint (together - 1) * step
                then
                    ConvNeighbours<'W, 'V, 'T>
                        .Forward(NativePtr.get from i, step, runs, q, NativePtr.add into i, put, accumulate)

                    i <- i + together
                else
                    let height = min ConvTile<'W, 'V, 'T>.Rows (count - i)
                    tiles i height
                    i <- i + height

    /// Hands on some columns of a block: whole planes where they are contiguous, else rows.
    member private _.Finish(index: int, block: int, column: int, count: int) =
        let part = g.Parts[index]
        let struct (z, y, x, planes, rows, columns) = plan.Blocks[index].Bounds block
        let stride = part.TargetStep[2] * g.TargetChannels
        let joins = part.TargetStep[1] = 1 && part.TargetStep[2] = 1 && columns = g.Target[2]
        let stretches = if joins then 1 else rows
        let length = if joins then rows * columns else columns

        for plane in z .. z + planes - 1 do
            let n = plane / part.Grid[0]
            let tz = part.TargetOrigin[0] + plane % part.Grid[0] * part.TargetStep[0]

            for row in y .. y + stretches - 1 do
                let ty = part.TargetOrigin[1] + row * part.TargetStep[1]
                let tx = part.TargetOrigin[2] + x * part.TargetStep[2]
                let at = ((n * g.Target[0] + tz) * g.Target[1] + ty) * g.Target[2] + tx
                epilogue.Run(at * g.TargetChannels + column, length, count, stride)

    /// The addresses of a block's positions in the source and in the target; the last source fills up a tile.
    [<FullyOptimized>]
    member private _.Locate
        (index: int, block: int, patch: nativeint, from: nativeptr<nativeint>, into: nativeptr<nativeint>)
        =
        let part = g.Parts[index]
        let blocks = plan.Blocks[index]
        let struct (z, y, x, planes, rows, columns) = blocks.Bounds block
        let step = blocks.PositionStep
        let targetStep = nativeint part.TargetStep[2] * pixel
        let mutable i = 0

        for plane in 0 .. planes - 1 do
            let n = (z + plane) / part.Grid[0]
            let tz = part.TargetOrigin[0] + (z + plane) % part.Grid[0] * part.TargetStep[0]

            for row in 0 .. rows - 1 do
                let ty = part.TargetOrigin[1] + (y + row) * part.TargetStep[1]
                let tx = part.TargetOrigin[2] + x * part.TargetStep[2]
                let at = ((n * g.Target[0] + tz) * g.Target[1] + ty) * g.Target[2] + tx
                let mutable s = blocks.RowSource(source, patch, z, y, x, plane, row)
                let mutable t = target + nativeint at * pixel

                for _ in 1..columns do
                    NativePtr.set from i s
                    NativePtr.set into i t
                    s <- s + step
                    t <- t + targetStep
                    i <- i + 1

        for j in i .. i + 7 do
            NativePtr.set from j (NativePtr.get from (i - 1))

        i

/// Packs the weights of a convolution once, for kernels that get them packed.
[<Sealed>]
type internal ConvPackKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>(packing: ConvDirectKernel<'W, 'V, 'T>)
    =
    inherit Kernel()
    override _.Chunks(_) = packing.Packs
    override _.Run(_, chunk) = packing.PackPanel chunk
