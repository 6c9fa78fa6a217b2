namespace FunctionalNet.Kernels

open System.Numerics

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// The points at which Winograd's polynomials are interpolated: 0, +-1/root, +-root and infinity, where root is that of 2.
/// Beside the usual 0, +-1, +-2 they halve the error of the results on average, and leave a quarter of it in the corners of
/// tiles, by as many operations. The squares, 1/2 and 2, are exact.
module internal WinogradPoints =

    [<Literal>]
    let Root = 1.4142135623730951

    [<Literal>]
    let InverseRoot = 0.70710678118654757

/// The arithmetic of Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2015): tiles of 4 x 4 results come from 6 x 6
/// sources by 36 products instead of 144. Lanes are channels. A row of results is
///   y0 = m0 + root (m1 + m2) + (m3 + m4) / root      y1 = (m1 - m2) + (m3 - m4)
///   y2 = (m1 + m2) / root + root (m3 + m4)           y3 = (m1 - m2) / 2 + 2 (m3 - m4) + m5
/// where m is the product of `Source` and `Weights` element by element.
[<AbstractClass; Sealed>]
type internal WinogradLoops<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    static member inline private Number(x: float) : 'V = 'W.Create(Number.OfFloat<'T> x)

    /// Six numbers of a row or column of the source, transformed and stored `step` bytes apart.
    static member inline private Source(d0: 'V, d1: 'V, d2: 'V, d3: 'V, d4: 'V, d5: 'V, p: nativeint, step: nativeint) =
        let minusHalf = WinogradLoops<'W, 'V, 'T>.Number -0.5
        let minus2 = WinogradLoops<'W, 'V, 'T>.Number -2.0
        let minusSum = WinogradLoops<'W, 'V, 'T>.Number -2.5
        let even = 'W.Fma(minus2, d2, d4)
        let odd = 'W.Fma(minus2, d1, d3)
        let evenFar = 'W.Fma(minusHalf, d2, d4)
        let oddFar = 'W.Fma(minusHalf, d1, d3)
        'W.Store(p, 'W.Fma(minusSum, d2, 'W.Add(d0, d4)))
        'W.Store(p + step, 'W.Fma(WinogradLoops<'W, 'V, 'T>.Number WinogradPoints.InverseRoot, odd, even))
        'W.Store(p + 2n * step, 'W.Fma(WinogradLoops<'W, 'V, 'T>.Number -WinogradPoints.InverseRoot, odd, even))
        'W.Store(p + 3n * step, 'W.Fma(WinogradLoops<'W, 'V, 'T>.Number WinogradPoints.Root, oddFar, evenFar))
        'W.Store(p + 4n * step, 'W.Fma(WinogradLoops<'W, 'V, 'T>.Number -WinogradPoints.Root, oddFar, evenFar))
        'W.Store(p + 5n * step, 'W.Fma(minusSum, d3, 'W.Add(d1, d5)))

    /// A tile of the source, `channels` of it: 36 transformed numbers per channel, `step` bytes apart from `target` on.
    /// Of its 6 x 6 positions, rows [rowFirst, rowPast) and columns [columnFirst, columnPast) exist; the others are zero.
    /// `from` is where the first position would be. `aside` has room for 36 vectors.
    [<FullyOptimized>]
    static member Transform
        (
            from: nativeint,
            rowPitch: nativeint,
            pixel: nativeint,
            rowFirst: int,
            rowPast: int,
            columnFirst: int,
            columnPast: int,
            channels: int,
            target: nativeint,
            step: nativeint,
            aside: nativeint
        ) =
        let lanes = 'W.Count
        let isWhole = columnFirst = 0 && columnPast = 6
        let mutable channel = 0
        let mutable source = from
        let mutable target = target

        while channel < channels do
            let n = min lanes (channels - channel)

            for r in 0..5 do
                let t = aside + nativeint (6 * r) * 'W.Bytes
                let p = source + nativeint r * rowPitch

                if r < rowFirst || r >= rowPast then
                    for c in 0..5 do
                        'W.Store(t + nativeint c * 'W.Bytes, 'W.Zero)
                elif isWhole && n = lanes then
                    WinogradLoops<'W, 'V, 'T>
                        .Source(
                            'W.Load p,
                            'W.Load(p + pixel),
                            'W.Load(p + 2n * pixel),
                            'W.Load(p + 3n * pixel),
                            'W.Load(p + 4n * pixel),
                            'W.Load(p + 5n * pixel),
                            t,
                            'W.Bytes
                        )
                else
                    let inline at (c: int) =
                        if c < columnFirst || c >= columnPast then 'W.Zero
                        elif n = lanes then 'W.Load(p + nativeint c * pixel)
                        else 'W.LoadFirst(p + nativeint c * pixel, n)

                    WinogradLoops<'W, 'V, 'T>.Source(at 0, at 1, at 2, at 3, at 4, at 5, t, 'W.Bytes)

            for c in 0..5 do
                let t = aside + nativeint c * 'W.Bytes
                let row = 6n * 'W.Bytes

                WinogradLoops<'W, 'V, 'T>
                    .Source(
                        'W.Load t,
                        'W.Load(t + row),
                        'W.Load(t + 2n * row),
                        'W.Load(t + 3n * row),
                        'W.Load(t + 4n * row),
                        'W.Load(t + 5n * row),
                        target + nativeint c * step,
                        6n * step
                    )

            channel <- channel + lanes
            source <- source + 'W.Bytes
            target <- target + 'W.Bytes

    /// Six products become four results.
    static member inline private Results
        (m0: 'V, m1: 'V, m2: 'V, m3: 'V, m4: 'V, m5: 'V, [<InlineIfLambda>] take: 'V -> 'V -> 'V -> 'V -> 'R)
        =
        let half = WinogradLoops<'W, 'V, 'T>.Number 0.5
        let two = WinogradLoops<'W, 'V, 'T>.Number 2.0
        let root = WinogradLoops<'W, 'V, 'T>.Number WinogradPoints.Root
        let inverse = WinogradLoops<'W, 'V, 'T>.Number WinogradPoints.InverseRoot
        let s1 = 'W.Add(m1, m2)
        let d1 = 'W.Sub(m1, m2)
        let s2 = 'W.Add(m3, m4)
        let d2 = 'W.Sub(m3, m4)

        take
            ('W.Fma(root, s1, 'W.Fma(inverse, s2, m0)))
            ('W.Add(d1, d2))
            ('W.Fma(root, s2, 'W.Mul(inverse, s1)))
            ('W.Fma(two, d2, 'W.Fma(half, d1, m5)))

    /// The first half of the way back: 36 products, `step` bytes apart, become 4 rows of 6 numbers in `aside`.
    static member inline private Columns(products: nativeint, step: nativeint, aside: nativeint) =
        let row = 6n * 'W.Bytes
        let down = 6n * step

        for c in 0..5 do
            let p = products + nativeint c * step
            let t = aside + nativeint c * 'W.Bytes

            WinogradLoops<'W, 'V, 'T>
                .Results(
                    'W.Load p,
                    'W.Load(p + down),
                    'W.Load(p + 2n * down),
                    'W.Load(p + 3n * down),
                    'W.Load(p + 4n * down),
                    'W.Load(p + 5n * down),
                    fun y0 y1 y2 y3 ->
                        'W.Store(t, y0)
                        'W.Store(t + row, y1)
                        'W.Store(t + 2n * row, y2)
                        'W.Store(t + 3n * row, y3)
                )

    /// The second half: a row of 6 numbers at `t` becomes four results.
    static member inline private Row(t: nativeint, [<InlineIfLambda>] take: 'V -> 'V -> 'V -> 'V -> 'R) =
        WinogradLoops<'W, 'V, 'T>
            .Results(
                'W.Load t,
                'W.Load(t + 'W.Bytes),
                'W.Load(t + 2n * 'W.Bytes),
                'W.Load(t + 3n * 'W.Bytes),
                'W.Load(t + 4n * 'W.Bytes),
                'W.Load(t + 5n * 'W.Bytes),
                take
            )

    /// The results of a tile for one vector of channels, from 36 products `step` bytes apart: rows [0, rows) and columns
    /// [0, columns) are ended and written, `count` channels of them; `channel` is the place of the first, in bytes. What is
    /// added to them is at `addend`. `aside` has room for 24 vectors.
    [<FullyOptimized>]
    static member Finish<'F when 'F: struct and 'F :> IResultForm>
        (
            products: nativeint,
            step: nativeint,
            into: nativeint,
            addend: nativeint,
            rowPitch: nativeint,
            pixel: nativeint,
            rows: int,
            columns: int,
            count: int,
            ending: ConvEnding,
            channel: nativeint,
            aside: nativeint
        ) =
        let bias = ConvEndings<'F, 'W, 'V, 'T>.Bias(ending, channel, count)
        let limit = ConvEndings<'F, 'W, 'V, 'T>.Limit(ending, Number.Lowest<'T>())
        let row = 6n * 'W.Bytes
        WinogradLoops<'W, 'V, 'T>.Columns(products, step, aside)

        for r in 0 .. rows - 1 do
            let p = into + nativeint r * rowPitch
            let q = addend + nativeint r * rowPitch

            WinogradLoops<'W, 'V, 'T>
                .Row(
                    aside + nativeint r * row,
                    fun y0 y1 y2 y3 ->
                        let inline put (column: int) y =
                            let at = nativeint column * pixel
                            let y = ConvEndings<'F, 'W, 'V, 'T>.EndAt(ending, q + at, count, y, bias, limit)
                            ConvEndings<'F, 'W, 'V, 'T>.Put(ending, p + at, count, y)

                        put 0 y0
                        if columns > 1 then put 1 y1
                        if columns > 2 then put 2 y2
                        if columns > 3 then put 3 y3
                )

    /// The same where four results become one: rows [0, rows) and columns [0, columns) of what is left, one or two each. Which
    /// of the four stays goes to `places`, whose rows and pixels are `placesRow` and `placesPixel` bytes apart.
    [<FullyOptimized>]
    static member FinishPooled<'F when 'F: struct and 'F :> IResultForm>
        (
            products: nativeint,
            step: nativeint,
            into: nativeint,
            rowPitch: nativeint,
            pixel: nativeint,
            places: nativeint,
            placesRow: nativeint,
            placesPixel: nativeint,
            rows: int,
            columns: int,
            count: int,
            ending: ConvEnding,
            channel: nativeint,
            aside: nativeint
        ) =
        let bias = ConvEndings<'F, 'W, 'V, 'T>.Bias(ending, channel, count)
        let limit = ConvEndings<'F, 'W, 'V, 'T>.Limit(ending, Number.Lowest<'T>())
        let row = 6n * 'W.Bytes
        WinogradLoops<'W, 'V, 'T>.Columns(products, step, aside)

        for r in 0 .. rows - 1 do
            let p = into + nativeint r * rowPitch
            let t = aside + nativeint (2 * r) * row
            let place = places + nativeint r * placesRow

            if 'F.IsPlaced then
                // Which is the first largest is known of results that are ended.
                let inline ended (v: 'V) = ConvEndings<'F, 'W, 'V, 'T>.End(ending, v, bias, limit)

                let inline four (t: nativeint) =
                    WinogradLoops<'W, 'V, 'T>.Row(t, fun y0 y1 y2 y3 -> struct (ended y0, ended y1, ended y2, ended y3))

                let struct (a0, a1, a2, a3) = four t
                let struct (b0, b1, b2, b3) = four (t + row)
                let left = PoolPlaces<'W, 'V, 'T>.Keep(a0, a1, b0, b1, place)
                ConvEndings<'F, 'W, 'V, 'T>.Put(ending, p, count, left)

                if columns > 1 then
                    let right = PoolPlaces<'W, 'V, 'T>.Keep(a2, a3, b2, b3, place + placesPixel)
                    ConvEndings<'F, 'W, 'V, 'T>.Put(ending, p + pixel, count, right)
            else
                let inline pairs (t: nativeint) =
                    WinogradLoops<'W, 'V, 'T>.Row(t, fun y0 y1 y2 y3 -> struct ('W.Max(y0, y1), 'W.Max(y2, y3)))

                let struct (left, right) = pairs t
                let struct (below, belowRight) = pairs (t + row)
                let left = ConvEndings<'F, 'W, 'V, 'T>.End(ending, 'W.Max(left, below), bias, limit)
                let right = ConvEndings<'F, 'W, 'V, 'T>.End(ending, 'W.Max(right, belowRight), bias, limit)

                ConvEndings<'F, 'W, 'V, 'T>.Put(ending, p, count, left)
                if columns > 1 then
                    ConvEndings<'F, 'W, 'V, 'T>.Put(ending, p + pixel, count, right)

    /// Three numbers of a row or column of the weights become six.
    static member inline private Weights(g0: 'V, g1: 'V, g2: 'V, p: nativeint, step: nativeint) =
        let half = WinogradLoops<'W, 'V, 'T>.Number 0.5
        let two = WinogradLoops<'W, 'V, 'T>.Number 2.0
        let near = WinogradLoops<'W, 'V, 'T>.Number(WinogradPoints.InverseRoot / -1.5)
        let far = WinogradLoops<'W, 'V, 'T>.Number(WinogradPoints.Root / 6.0)
        let even = 'W.Mul(near, 'W.Fma(half, g2, g0))
        let evenFar = 'W.Mul(far, 'W.Fma(two, g2, g0))
        let odd = 'W.Mul(WinogradLoops<'W, 'V, 'T>.Number(1.0 / 3.0), g1)
        'W.Store(p, g0)
        'W.Store(p + step, 'W.Sub(even, odd))
        'W.Store(p + 2n * step, 'W.Add(even, odd))
        'W.Store(p + 3n * step, 'W.Add(evenFar, odd))
        'W.Store(p + 4n * step, 'W.Sub(evenFar, odd))
        'W.Store(p + 5n * step, g2)

    /// The weights of one source channel for one vector of target channels, of which `count` exist: nine numbers `tap`
    /// bytes apart become 36, `step` bytes apart. `aside` has room for 18 vectors.
    [<FullyOptimized>]
    static member Prepare
        (weights: nativeint, tap: nativeint, count: int, target: nativeint, step: nativeint, aside: nativeint)
        =
        let row = 3n * 'W.Bytes

        for c in 0..2 do
            let p = weights + nativeint c * tap

            WinogradLoops<'W, 'V, 'T>
                .Weights(
                    'W.LoadFirst(p, count),
                    'W.LoadFirst(p + 3n * tap, count),
                    'W.LoadFirst(p + 6n * tap, count),
                    aside + nativeint c * 'W.Bytes,
                    row
                )

        for r in 0..5 do
            let p = aside + nativeint r * row

            WinogradLoops<'W, 'V, 'T>
                .Weights(
                    'W.Load p,
                    'W.Load(p + 'W.Bytes),
                    'W.Load(p + 2n * 'W.Bytes),
                    target + nativeint (6 * r) * step,
                    step
                )

/// How a convolution with 3 x 3 windows is cut into chunks of tiles by panels of columns. Shapes alone decide.
[<Sealed>]
type internal WinogradPlan(width: Width, size: int, spec: ConvSpec) =

    static let ceil (x: int) (y: int) = (x + y - 1) / y

    let w = spec.Windows
    let lanes = int width / size
    let nr = 2 * lanes
    let channels = spec.InChannels
    let columns = spec.OutChannels
    let panels = ceil columns nr
    let down = ceil w.Out[1] 4
    let across = ceil w.Out[2] 4
    let tiles = spec.Batch * down * across

    // Bytes of a tile of transformed source: whole vectors.
    let tileBytes = ceil channels lanes * int width

    let weightBytes = 36L * int64 channels * int64 panels * int64 nr * int64 size
    let perTile = 36 * (tileBytes + nr * size)

    // Weights that do not stay in the L2 cache had better be used for many tiles each time; otherwise the source of a
    // chunk should stay near.
    let most =
        let bytes = if weightBytes > 400000L then WinogradPlan.Room else 262144
        max 8 (bytes / perTile / 8 * 8)

    // Chunks worth having, each of about a microsecond or two at least.
    let wanted =
        let work = 72.0 * float tiles * float channels * float columns
        let mutable n = 1

        while n < 16 && work >= 4e5 * float n do
            n <- n * 2

        n

    // Every chunk reads all weights of its columns, so it should not use them for a few tiles only. Where there is one panel
    // of columns, half of the tiles are for another thread; otherwise columns can be.
    let block =
        if tiles > 16 then min most (max 16 (ceil (ceil tiles wanted) 8 * 8))
        elif tiles > 8 && panels = 1 && wanted > 1 then min most (ceil tiles 2)
        else max 1 (min most tiles)

    let blocks = ceil tiles block

    // Few tiles and many columns: chunks share the columns.
    let panelsPerShare =
        let shares = max 1 (min panels (ceil wanted (max 1 blocks)))
        max 1 (ceil panels (max 1 shares))

    let shares = ceil panels panelsPerShare

    // Transforming a few tiles twice costs less than waiting until all are transformed.
    let isShared = shares > 2 || (shares = 2 && blocks > 1)

    // Bytes of a tile of products of a panel: one vector where there are no more columns.
    let productBytes = (if columns <= lanes then lanes else nr) * size

    // A few tiles more than a power of two bytes apart, so that tiles do not compete for places of the L1 cache.
    let sourceStep = nativeint (block * tileBytes + 128)
    let productStep = nativeint (block * productBytes + 128)

    /// Bytes of a thread's scratch memory for transformed source and products.
    static member Room = 720 * 1024

    /// Whether a convolution can be done so: windows of 3 x 3 side by side, and channels that the scratch memory holds.
    static member CanDo(width: Width, size: int, spec: ConvSpec) =
        let w = spec.Windows
        let lanes = int width / size

        spec.Groups = 1
        && w.In[0] = 1
        && w.Out[0] = 1
        && w.Window[0] = 1
        && w.Window[1] = 3
        && w.Window[2] = 3
        && Array.forall ((=) 1) w.Stride
        && Array.forall ((=) 1) w.Dilation
        && 36 * 8 * (ceil spec.InChannels lanes * int width + 2 * int width) + 8 * 1024 <= WinogradPlan.Room

    /// Whether it is expected to be faster so.
    static member Gains(width: Width, size: int, spec: ConvSpec) =
        let w = spec.Windows

        WinogradPlan.CanDo(width, size, spec)
        && w.Out[1] >= 3
        && w.Out[2] >= 3
        && spec.InChannels >= 8
        && spec.OutChannels >= 8
        // With few tiles, reading four times as many weights costs more than the products saved.
        && (let tiles = spec.Batch * ceil w.Out[1] 4 * ceil w.Out[2] 4
            tiles >= 12 || (tiles >= 4 && spec.InChannels * spec.OutChannels <= 8192))

    member _.Columns = columns
    member _.PanelColumns = nr
    member _.Panels = panels

    /// Vectors of a row of a panel.
    member _.Vectors(panel: int) = if columns - panel * nr > lanes then 2 else 1

    /// Bytes from one panel of prepared weights to the next.
    member _.PanelBytes = nativeint (36 * channels * nr * size)

    member _.Tiles = tiles
    member _.Down = down
    member _.Across = across
    member _.TileBytes = nativeint tileBytes
    member _.ProductBytes = nativeint productBytes

    /// Tiles of a chunk at most.
    member _.Block = block
    member _.Blocks = blocks
    member _.PanelsPerShare = panelsPerShare
    member _.Shares = shares

    /// Bytes from one of the 36 numbers of all tiles of a chunk to the next.
    member _.SourceStep = sourceStep
    member _.ProductStep = productStep

    /// Whether the prepared weights do not stay in the L2 cache from one run to the next.
    member _.IsFar = weightBytes > 524288L

    /// Bytes of the prepared weights.
    member _.WeightBytes = weightBytes

    /// Bytes of transformed source of a block.
    member _.BlockBytes = 36n * sourceStep

    /// Whether so many chunks share the columns that the source is transformed first.
    member _.IsShared = isShared

    /// Bytes for the transformed source of all tiles, where it is transformed first.
    member _.Workspace = if isShared then int64 blocks * int64 (36n * sourceStep) else 0L

/// Prepares weights (3, 3, source channels, target channels) for `WinogradKernel`: for each panel of columns and each of
/// the 36 numbers, a row of the panel for each source channel.
[<Sealed>]
type internal WinogradPackKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (spec: ConvSpec, plan: WinogradPlan, weights: nativeint, target: nativeint) =
    inherit Kernel()

    let size = nativeint sizeof<'T>
    let row = nativeint plan.Columns * size

    override _.Chunks(_) = plan.Panels

    override _.Run(_, panel) =
        let lanes = 'W.Count
        let aside = Scratch.Pointer
        let vectors = plan.Vectors panel
        let width = nativeint vectors * 'W.Bytes
        let step = nativeint spec.InChannels * width

        for half in 0 .. vectors - 1 do
            let column = panel * plan.PanelColumns + half * lanes
            let count = min lanes (plan.Columns - column)

            for channel in 0 .. spec.InChannels - 1 do
                WinogradLoops<'W, 'V, 'T>
                    .Prepare(
                        weights + nativeint channel * row + nativeint column * size,
                        nativeint spec.InChannels * row,
                        count,
                        target
                        + nativeint panel * plan.PanelBytes
                        + nativeint channel * width
                        + nativeint half * 'W.Bytes,
                        step,
                        aside
                    )

/// A convolution with 3 x 3 windows by Winograd's method, from weights that `WinogradPackKernel` has prepared: for each
/// chunk of tiles the source is transformed, 36 products of tiles by panels are made, and transformed back. With `pooled`, where
/// `PoolPlaces` are, or 0, the source is the gradient of a max-pooling, and `source` that of the pooled.
[<Sealed>]
type internal WinogradKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (
        spec: ConvSpec,
        plan: WinogradPlan,
        source: nativeint,
        pooled: nativeint,
        prepared: nativeint,
        target: nativeint,
        workspace: nativeint,
        ending: ConvEnding,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    let w = spec.Windows
    let size = nativeint sizeof<'T>
    let sourcePixel = nativeint spec.InChannels * size
    let sourceRow = nativeint w.In[2] * sourcePixel
    let pixel = nativeint plan.Columns * ending.Bytes size
    // Results stand closer together where four become one.
    let closer = if ending.Pools then 2 else 1
    let targetRow = nativeint (w.Out[2] / closer) * pixel
    let targetImage = nativeint (w.Out[1] / closer) * targetRow
    let width = nativeint plan.PanelColumns * size
    let isShared = plan.IsShared

    // Of what is written about windows of 2 x 2 results.
    let placesPixel = nativeint (4 * ((plan.Columns + 'W.Count - 1) / 'W.Count))
    let placesRow = nativeint (w.Out[2] / 2) * placesPixel
    let placesImage = nativeint (w.Out[1] / 2) * placesRow

    // In a thread's scratch memory: a few vectors, products, transformed source.
    let asideBytes = 4096n

    // Where tiles stand, from the first one on; as many more as the highest product may look at, which are not used.
    let places (step: nativeint) =
        OffsetTable(Array.init (plan.Block + 8) (fun i -> nativeint (min i (plan.Block - 1)) * step))

    let sources = places plan.TileBytes
    let targets = places plan.ProductBytes
    let once = OffsetTable [| 0n; nativeint spec.InChannels * size |]

    override _.Phases = 2

    override _.Chunks(phase) =
        if plan.Tiles = 0 || plan.Columns = 0 then 0
        elif phase = 1 then plan.Blocks * plan.Shares
        elif isShared then (plan.Tiles + 3) / 4
        else 0

    override this.Run(phase, chunk) =
        // Asked for once: finding what belongs to a thread takes as long as a part of a tile.
        let aside = Scratch.Pointer

        if phase = 0 then
            // A few tiles, that may belong to two blocks.
            for tile in chunk * 4 .. min plan.Tiles (chunk * 4 + 4) - 1 do
                let block = tile / plan.Block
                let at = workspace + nativeint block * plan.BlockBytes
                this.Transform(tile, at + nativeint (tile % plan.Block) * plan.TileBytes, aside)
        else
            let block = chunk / plan.Shares
            let first = block * plan.Block
            let past = min plan.Tiles (first + plan.Block)
            let panelFirst = chunk % plan.Shares * plan.PanelsPerShare
            let panelPast = min plan.Panels (panelFirst + plan.PanelsPerShare)
            let products = aside + asideBytes

            let at =
                if isShared then
                    workspace + nativeint block * plan.BlockBytes
                else
                    products + 36n * plan.ProductStep

            if not isShared then
                for tile in first .. past - 1 do
                    this.Transform(tile, at + nativeint (tile - first) * plan.TileBytes, aside)

            for panel in panelFirst .. panelPast - 1 do
                this.Multiply(past - first, panel, at, products)

                if ending.IsHalf then this.Finish<HalfResults>(first, past, panel, products, aside)
                elif ending.Addend <> 0n then this.Finish<SumResults>(first, past, panel, products, aside)
                elif ending.Mask <> 0n then this.Finish<MaskedResults>(first, past, panel, products, aside)
                elif ending.Places <> 0n then this.Finish<PlacedResults>(first, past, panel, products, aside)
                else this.Finish<FullResults>(first, past, panel, products, aside)

            if not epilogue.IsNone then
                let column = panelFirst * plan.PanelColumns
                this.Hand(first, past, column, min plan.Columns (panelPast * plan.PanelColumns) - column)

    member private _.Transform(tile: int, into: nativeint, aside: nativeint) =
        let x = tile % plan.Across * 4 - w.PadLow[2]
        let y = tile / plan.Across % plan.Down * 4 - w.PadLow[1]
        let n = tile / (plan.Across * plan.Down)

        if pooled = 0n then
            WinogradLoops<'W, 'V, 'T>
                .Transform(
                    source + (nativeint (n * w.In[1] + y)) * sourceRow + nativeint x * sourcePixel,
                    sourceRow,
                    sourcePixel,
                    max 0 -y,
                    min 6 (w.In[1] - y),
                    max 0 -x,
                    min 6 (w.In[2] - x),
                    spec.InChannels,
                    into,
                    plan.SourceStep,
                    aside
                )
        else
            let channels = spec.InChannels
            let down, across = w.In[1] / 2, w.In[2] / 2
            let windows = n * down * across
            let gradients = source + nativeint windows * sourcePixel
            let places = pooled + nativeint (4 * windows * ((channels + 'W.Count - 1) / 'W.Count))
            let pixel = PoolPlaces<'W, 'V, 'T>.TilePixel
            let mutable first = 0

            while first < channels do
                let past = min channels (first + PoolPlaces<'W, 'V, 'T>.Channels)
                PoolPlaces<'W, 'V, 'T>.Spread(gradients, places, down, across, channels, first, past, y, x, 6)

                WinogradLoops<'W, 'V, 'T>
                    .Transform(
                        PoolPlaces<'W, 'V, 'T>.Tile,
                        6n * pixel,
                        pixel,
                        0,
                        6,
                        0,
                        6,
                        past - first,
                        into + nativeint first * size,
                        plan.SourceStep,
                        aside
                    )

                first <- past

    /// The 36 products of some tiles for a panel of columns.
    [<FullyOptimized>]
    member private _.Multiply(tiles: int, panel: int, at: nativeint, products: nativeint) =
        // Panels are filled up, so that only whole vectors are multiplied.
        let whole = plan.Vectors panel * 'W.Count
        let weightStep = nativeint (spec.InChannels * whole) * size
        let mutable weights = prepared + nativeint panel * plan.PanelBytes
        let mutable v = at
        let mutable m = products
        let runs = { Count = 1; Offsets = once.From 0; Stops = once.From 1 }
        // The next weights stand behind these.
        let ahead = if plan.IsFar then weightStep else 0n

        for _ in 0..35 do
            ConvTile<'W, 'V, 'T>
                .Run(tiles, sources.From 0, runs, v, size, weights, ahead, targets.From 0, m, whole, false)

            weights <- weights + weightStep
            v <- v + plan.SourceStep
            m <- m + plan.ProductStep

    /// The results of some tiles for a panel of columns, from their products.
    [<FullyOptimized>]
    member private _.Finish<'F when 'F: struct and 'F :> IResultForm>
        (first: int, past: int, panel: int, products: nativeint, aside: nativeint)
        : unit =
        let lanes = 'W.Count
        let columns = min plan.PanelColumns (plan.Columns - panel * plan.PanelColumns)

        for i in 0 .. past - first - 1 do
            let tile = first + i
            let x = tile % plan.Across * 4
            let y = tile / plan.Across % plan.Down * 4
            let n = tile / (plan.Across * plan.Down)

            let rows = min 4 (w.Out[1] - y) / closer
            let across = min 4 (w.Out[2] - x) / closer

            let place =
                nativeint n * targetImage + nativeint (y / closer) * targetRow + nativeint (x / closer) * pixel

            for half in 0 .. (if columns > lanes then 1 else 0) do
                let from = products + nativeint i * plan.ProductBytes + nativeint half * 'W.Bytes
                let channel = nativeint panel * width + nativeint half * 'W.Bytes
                let count = min lanes (columns - half * lanes)
                let place = place + channel / size * ending.Bytes size

                // A last odd row or column is dropped.
                if rows = 0 || across = 0 then
                    ()
                elif ending.Pools then
                    WinogradLoops<'W, 'V, 'T>
                        .FinishPooled<'F>(
                            from,
                            plan.ProductStep,
                            target + place,
                            targetRow,
                            pixel,
                            ending.Places
                            + nativeint n * placesImage
                            + nativeint (y / 2) * placesRow
                            + nativeint (x / 2) * placesPixel
                            + nativeint (4 * (2 * panel + half)),
                            placesRow,
                            placesPixel,
                            rows,
                            across,
                            count,
                            ending,
                            channel,
                            aside
                        )
                else
                    WinogradLoops<'W, 'V, 'T>
                        .Finish<'F>(
                            from,
                            plan.ProductStep,
                            target + place,
                            ending.Addend + ending.Mask + place,
                            targetRow,
                            pixel,
                            rows,
                            across,
                            count,
                            ending,
                            channel,
                            aside
                        )

    /// Hands on some columns of the results of some tiles: rows of pixels, whole rows together.
    member private _.Hand(first: int, past: int, column: int, count: int) =
        let mutable tile = first

        while tile < past do
            let x = tile % plan.Across
            let y = tile / plan.Across % plan.Down * 4
            let n = tile / (plan.Across * plan.Down)
            let along = min (past - tile) (plan.Across - x)
            let pixels = min (along * 4) (w.Out[2] - x * 4)
            let rows = min 4 (w.Out[1] - y)
            let at = ((n * w.Out[1] + y) * w.Out[2] + x * 4) * plan.Columns + column

            if pixels = w.Out[2] then
                epilogue.Run(at, rows * pixels, count, plan.Columns)
            else
                for r in 0 .. rows - 1 do
                    epilogue.Run(at + r * w.Out[2] * plan.Columns, pixels, count, plan.Columns)

            tile <- tile + along
