namespace FunctionalNet.Kernels

open System
open System.Numerics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// The innermost loops of convolutions over few numbers per window: four windows by two vectors of channels.
[<AbstractClass; Sealed>]
type internal ConvThinTile<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// The sums of four windows that begin at p0 to p3, whose `depth` numbers are `offsets` behind that; the weights of a
    /// number are two vectors, `row` bytes after those of the number before.
    static member inline private Sums
        (
            depth: int,
            offsets: nativeptr<nativeint>,
            p0: nativeint,
            p1: nativeint,
            p2: nativeint,
            p3: nativeint,
            weights: nativeint,
            row: nativeint,
            [<InlineIfLambda>] take: 'V -> 'V -> 'V -> 'V -> 'V -> 'V -> 'V -> 'V -> unit
        ) =
        let mutable s0 = 'W.Zero
        let mutable t0 = 'W.Zero
        let mutable s1 = 'W.Zero
        let mutable t1 = 'W.Zero
        let mutable s2 = 'W.Zero
        let mutable t2 = 'W.Zero
        let mutable s3 = 'W.Zero
        let mutable t3 = 'W.Zero
        let mutable q = weights

        for i in 0 .. depth - 1 do
            let at = NativePtr.get offsets i
            let x = 'W.Load q
            let y = 'W.Load(q + 'W.Bytes)
            let e = 'W.Spread(p0 + at)
            s0 <- 'W.Fma(e, x, s0)
            t0 <- 'W.Fma(e, y, t0)
            let e = 'W.Spread(p1 + at)
            s1 <- 'W.Fma(e, x, s1)
            t1 <- 'W.Fma(e, y, t1)
            let e = 'W.Spread(p2 + at)
            s2 <- 'W.Fma(e, x, s2)
            t2 <- 'W.Fma(e, y, t2)
            let e = 'W.Spread(p3 + at)
            s3 <- 'W.Fma(e, x, s3)
            t3 <- 'W.Fma(e, y, t3)
            q <- q + row

        take s0 t0 s1 t1 s2 t2 s3 t3

    static member inline private Store<'F when 'F: struct and 'F :> IResultForm>
        (ending: ConvEnding, p: nativeint, count: int, s: 'V, t: 'V)
        =
        let lanes = 'W.Count
        ConvEndings<'F, 'W, 'V, 'T>.Put(ending, p, min lanes count, s)

        if count > lanes then
            let behind = if 'F.IsHalf then nativeint lanes * ending.Bytes('W.Bytes / nativeint lanes) else 'W.Bytes
            ConvEndings<'F, 'W, 'V, 'T>.Put(ending, p + behind, count - lanes, t)

    /// A row of results: windows `step` bytes apart from `from` on, `across` of them, `pixel` bytes apart from `into` on;
    /// `count` channels, the first `channel` bytes into a pixel.
    [<FullyOptimized>]
    static member Row<'F when 'F: struct and 'F :> IResultForm>
        (
            depth: int,
            offsets: nativeptr<nativeint>,
            from: nativeint,
            step: nativeint,
            weights: nativeint,
            row: nativeint,
            into: nativeint,
            pixel: nativeint,
            across: int,
            count: int,
            ending: ConvEnding,
            channel: nativeint
        ) =
        let lanes = 'W.Count
        let bias = ConvEndings<'F, 'W, 'V, 'T>.Bias(ending, channel, min lanes count)

        let bias2 = ConvEndings<'F, 'W, 'V, 'T>.Bias(ending, channel + 'W.Bytes, max 0 (count - lanes))

        let limit = ConvEndings<'F, 'W, 'V, 'T>.Limit(ending, Number.Lowest<'T>())
        let inline finish (v: 'V) = ConvEndings<'F, 'W, 'V, 'T>.End(ending, v, bias, limit)
        let inline finish2 (v: 'V) = ConvEndings<'F, 'W, 'V, 'T>.End(ending, v, bias2, limit)
        let last = across - 1
        let mutable x = 0

        while x < across do
            // The last four overlap the ones before; of a short row, the last is computed more than once.
            let first = max 0 (min x (across - 4))
            let second = min last (first + 1)
            let third = min last (first + 2)
            let fourth = min last (first + 3)
            let inline at (position: int) = from + nativeint position * step
            let inline place (position: int) = into + nativeint position * pixel

            ConvThinTile<'W, 'V, 'T>
                .Sums(
                    depth,
                    offsets,
                    at first,
                    at second,
                    at third,
                    at fourth,
                    weights,
                    row,
                    fun s0 t0 s1 t1 s2 t2 s3 t3 ->
                        ConvThinTile<'W, 'V, 'T>.Store<'F>(ending, place first, count, finish s0, finish2 t0)
                        ConvThinTile<'W, 'V, 'T>.Store<'F>(ending, place second, count, finish s1, finish2 t1)
                        ConvThinTile<'W, 'V, 'T>.Store<'F>(ending, place third, count, finish s2, finish2 t2)
                        ConvThinTile<'W, 'V, 'T>.Store<'F>(ending, place fourth, count, finish s3, finish2 t3)
                )

            x <- x + 4

    /// The same for the largest of 2 x 2 windows; `down` is the step from a window to the one below.
    [<FullyOptimized>]
    static member PooledRow<'F when 'F: struct and 'F :> IResultForm>
        (
            depth: int,
            offsets: nativeptr<nativeint>,
            from: nativeint,
            step: nativeint,
            down: nativeint,
            weights: nativeint,
            row: nativeint,
            into: nativeint,
            pixel: nativeint,
            across: int,
            count: int,
            ending: ConvEnding,
            channel: nativeint
        ) =
        let lanes = 'W.Count
        let bias = ConvEndings<'F, 'W, 'V, 'T>.Bias(ending, channel, min lanes count)

        let bias2 = ConvEndings<'F, 'W, 'V, 'T>.Bias(ending, channel + 'W.Bytes, max 0 (count - lanes))

        let limit = ConvEndings<'F, 'W, 'V, 'T>.Limit(ending, Number.Lowest<'T>())
        let mutable p = from
        let mutable target = into

        for _ in 1..across do
            ConvThinTile<'W, 'V, 'T>
                .Sums(
                    depth,
                    offsets,
                    p,
                    p + step,
                    p + down,
                    p + down + step,
                    weights,
                    row,
                    fun s0 t0 s1 t1 s2 t2 s3 t3 ->
                        let s = 'W.Max('W.Max(s0, s1), 'W.Max(s2, s3))
                        let t = 'W.Max('W.Max(t0, t1), 'W.Max(t2, t3))

                        ConvThinTile<'W, 'V, 'T>
                            .Store<'F>(
                                ending,
                                target,
                                count,
                                ConvEndings<'F, 'W, 'V, 'T>.End(ending, s, bias, limit),
                                ConvEndings<'F, 'W, 'V, 'T>.End(ending, t, bias2, limit)
                            )
                )

            p <- p + step + step
            target <- target + pixel

/// How a convolution over few numbers per window is cut. Shapes alone decide.
[<Sealed>]
type internal ConvThinPlan(width: Width, size: int, spec: ConvSpec) =

    let w = spec.Windows
    let pixel = spec.InChannels * size
    let panel = 2 * int width / size
    let depth = w.WindowSize * spec.InChannels

    // Where windows reach into the padding, the rows that they see are copied first, with zeros around.
    let isPadded = Array.exists ((<>) 0) w.PadLow || Array.exists ((<>) 0) w.PadHigh
    let spanDown = (w.Window[1] - 1) * w.Dilation[1] + 1
    let paddedColumns = w.In[2] + w.PadLow[2] + w.PadHigh[2]
    let pitch = (if isPadded then paddedColumns else w.In[2]) * pixel

    // Of the row below too, whose results may be pooled with these.
    let paddedRows = spanDown + w.Stride[1]

    // Weights of the last channels, filled up to whole vectors.
    let edgeBytes = int (Mem.align (int64 (depth * 2 * int width)))

    let work = 2.0 * float (spec.Batch * w.OutSize) * float depth * float spec.OutChannels

    /// Numbers of a window at most: more weights would not stay in the L1 cache.
    static member MostDepth = 160

    /// Channels of the source at most: with more of them it pays to pack the weights.
    static member MostChannels = 4

    member _.Depth = depth
    member _.Panel = panel

    /// Channels that whole panels cover.
    member _.WholeColumns = spec.OutChannels / panel * panel
    member _.IsPadded = isPadded
    member _.Pitch = pitch
    member _.PaddedRows = paddedRows
    member _.EdgeBytes = edgeBytes

    /// Rows of results of a chunk, `rows` being all of them.
    member _.RowsPerChunk(rows: int) =
        let mutable chunks = 1

        while chunks < 16 && work >= 3e5 * float chunks do
            chunks <- chunks * 2

        max 1 ((rows + chunks - 1) / chunks)

    /// Whether a convolution can be done so, and gains from it: two dims, more channels than a vector has.
    static member Gains(width: Width, size: int, spec: ConvSpec) =
        let w = spec.Windows

        spec.Groups = 1
        && w.In[0] = 1
        && w.Out[0] = 1
        && w.Window[0] = 1
        && w.PadLow[0] = 0
        && w.PadHigh[0] = 0
        && spec.InChannels <= ConvThinPlan.MostChannels
        && spec.OutChannels > int width / size
        && (let plan = ConvThinPlan(width, size, spec)

            plan.Depth <= ConvThinPlan.MostDepth
            && plan.EdgeBytes + (if plan.IsPadded then plan.PaddedRows * plan.Pitch else 0) <= Scratch.Size)

/// A convolution over few numbers per window, such as one of images in grey or colours: the weights, which the L1 cache
/// holds, are read as they are, and results are ended in registers.
[<Sealed>]
type internal ConvThinKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (spec: ConvSpec, plan: ConvThinPlan, source: nativeint, weights: nativeint, target: nativeint, ending: ConvEnding) =
    inherit Kernel()

    let w = spec.Windows
    let size = nativeint sizeof<'T>
    let columns = spec.OutChannels
    let closer = if ending.Pools then 2 else 1
    let rowsPerImage = w.Out[1] / closer
    let across = w.Out[2] / closer
    let rows = if columns = 0 || across = 0 then 0 else spec.Batch * rowsPerImage
    let rowsPerChunk = plan.RowsPerChunk rows
    let sourcePixel = nativeint spec.InChannels * size
    let sourceRow = nativeint w.In[2] * sourcePixel
    let sourceImage = nativeint w.In[1] * sourceRow
    let pitch = nativeint plan.Pitch
    let pixel = nativeint columns * ending.Bytes size
    let weightRow = nativeint columns * size
    let step = nativeint w.Stride[2] * sourcePixel
    let down = nativeint w.Stride[1] * pitch

    let offsets =
        OffsetTable
            [| for h in 0 .. w.Window[1] - 1 do
                   for k in 0 .. w.Window[2] - 1 do
                       for c in 0 .. spec.InChannels - 1 do
                           nativeint (h * w.Dilation[1]) * pitch
                           + nativeint (k * w.Dilation[2]) * sourcePixel
                           + nativeint c * size |]

    override _.Chunks(_) = (rows + rowsPerChunk - 1) / rowsPerChunk

    override this.Run(_, chunk) = if ending.IsHalf then this.Rows<HalfResults> chunk else this.Rows<FullResults> chunk

    member private this.Rows<'F when 'F: struct and 'F :> IResultForm>(chunk: int) : unit =
        let first = chunk * rowsPerChunk
        let past = min rows (first + rowsPerChunk)
        let edge = Scratch.Pointer
        if plan.WholeColumns < columns then this.FillEdge edge

        for row in first .. past - 1 do
            let image = row / rowsPerImage
            let y = row % rowsPerImage * closer * w.Stride[1] - w.PadLow[1]
            let start = source + nativeint image * sourceImage

            let from =
                if plan.IsPadded then
                    let patch = edge + nativeint plan.EdgeBytes
                    this.FillPatch(start, y, patch)
                    patch
                else
                    start + nativeint y * sourceRow

            let into = target + nativeint row * nativeint across * pixel
            let mutable column = 0

            while column < columns do
                let count = min plan.Panel (columns - column)
                let channel = nativeint column * size
                let isEdge = count < plan.Panel
                this.Panel<'F>(
                    from,
                    (if isEdge then edge else weights + channel),
                    (if isEdge then 2n * 'W.Bytes else weightRow),
                    into + nativeint column * ending.Bytes size,
                    count,
                    channel
                )

                column <- column + count

    member private _.Panel<'F when 'F: struct and 'F :> IResultForm>
        (from: nativeint, weights: nativeint, row: nativeint, into: nativeint, count: int, channel: nativeint)
        : unit =
        if ending.Pools then
            ConvThinTile<'W, 'V, 'T>
                .PooledRow<'F>(
                    plan.Depth,
                    offsets.From 0,
                    from,
                    step,
                    down,
                    weights,
                    row,
                    into,
                    pixel,
                    across,
                    count,
                    ending,
                    channel
                )
        else
            ConvThinTile<'W, 'V, 'T>
                .Row<'F>(
                    plan.Depth,
                    offsets.From 0,
                    from,
                    step,
                    weights,
                    row,
                    into,
                    pixel,
                    across,
                    count,
                    ending,
                    channel
                )

    /// The weights of the last channels, with zeros up to whole vectors.
    member private _.FillEdge(into: nativeint) =
        let first = plan.WholeColumns
        let wide = 2n * 'W.Bytes

        for i in 0 .. plan.Depth - 1 do
            let p = into + nativeint i * wide
            Mem.zero p (int64 wide)

            Mem.copy
                p
                (weights + nativeint i * weightRow + nativeint first * size)
                (int64 (columns - first) * int64 size)

    /// The rows of the source from `y` on that a row of results sees, with zeros around.
    member private _.FillPatch(image: nativeint, y: int, into: nativeint) =
        let left = nativeint w.PadLow[2] * sourcePixel

        for r in 0 .. plan.PaddedRows - 1 do
            let p = into + nativeint r * pitch

            if y + r < 0 || y + r >= w.In[1] then
                Mem.zero p (int64 pitch)
            else
                Mem.zero p (int64 left)
                Mem.copy (p + left) (image + nativeint (y + r) * sourceRow) (int64 sourceRow)
                Mem.zero (p + left + sourceRow) (int64 (pitch - left - sourceRow))
