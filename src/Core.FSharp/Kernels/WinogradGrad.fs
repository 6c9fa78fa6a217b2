namespace FunctionalNet.Kernels

open System.Numerics

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// The arithmetic of the derivative of Winograd's F(4x4, 3x3) with respect to the weights: the sums over tiles of the
/// products of transformed source and transformed gradients are 36 numbers for each weight's nine. Lanes are channels.
[<AbstractClass; Sealed>]
type internal WinogradGradLoops<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    static member inline private Number(x: float) : 'V = 'W.Create(Number.OfFloat<'T> x)

    /// Four numbers of a row or column become six, stored `step` bytes apart: the transpose of how results are made.
    static member inline private Gradients(y0: 'V, y1: 'V, y2: 'V, y3: 'V, p: nativeint, step: nativeint) =
        let half = WinogradGradLoops<'W, 'V, 'T>.Number 0.5
        let two = WinogradGradLoops<'W, 'V, 'T>.Number 2.0
        let root = WinogradGradLoops<'W, 'V, 'T>.Number WinogradPoints.Root
        let inverse = WinogradGradLoops<'W, 'V, 'T>.Number WinogradPoints.InverseRoot
        let even = 'W.Mul(root, 'W.Fma(half, y2, y0))
        let odd = 'W.Fma(half, y3, y1)
        let evenFar = 'W.Mul(inverse, 'W.Fma(two, y2, y0))
        let oddFar = 'W.Fma(two, y3, y1)
        'W.Store(p, y0)
        'W.Store(p + step, 'W.Add(even, odd))
        'W.Store(p + 2n * step, 'W.Sub(even, odd))
        'W.Store(p + 3n * step, 'W.Add(evenFar, oddFar))
        'W.Store(p + 4n * step, 'W.Sub(evenFar, oddFar))
        'W.Store(p + 5n * step, y3)

    /// A tile of gradients, `count` channels of one vector: 36 numbers per channel, `step` bytes apart from `target` on. Of
    /// its 4 x 4 positions the first rows and columns exist; the others are zero. `aside` has room for 24 vectors.
    [<FullyOptimized>]
    static member Transform
        (
            from: nativeint,
            rowPitch: nativeint,
            pixel: nativeint,
            rows: int,
            columns: int,
            count: int,
            target: nativeint,
            step: nativeint,
            aside: nativeint
        ) =
        let lanes = 'W.Count
        for r in 0..3 do
            let t = aside + nativeint (6 * r) * 'W.Bytes
            let p = from + nativeint r * rowPitch

            if r >= rows then
                for c in 0..5 do
                    'W.Store(t + nativeint c * 'W.Bytes, 'W.Zero)
            elif columns = 4 && count = lanes then
                WinogradGradLoops<'W, 'V, 'T>
                    .Gradients(
                        'W.Load p,
                        'W.Load(p + pixel),
                        'W.Load(p + 2n * pixel),
                        'W.Load(p + 3n * pixel),
                        t,
                        'W.Bytes
                    )
            else
                let inline at (c: int) = if c >= columns then 'W.Zero else 'W.LoadFirst(p + nativeint c * pixel, count)

                WinogradGradLoops<'W, 'V, 'T>.Gradients(at 0, at 1, at 2, at 3, t, 'W.Bytes)

        for c in 0..5 do
            let t = aside + nativeint c * 'W.Bytes
            let row = 6n * 'W.Bytes

            WinogradGradLoops<'W, 'V, 'T>
                .Gradients(
                    'W.Load t,
                    'W.Load(t + row),
                    'W.Load(t + 2n * row),
                    'W.Load(t + 3n * row),
                    target + nativeint c * step,
                    6n * step
                )

    /// Six numbers of a row or column become three: the transpose of how weights are transformed.
    static member inline private Weights
        (m0: 'V, m1: 'V, m2: 'V, m3: 'V, m4: 'V, m5: 'V, p: nativeint, step: nativeint)
        =
        let half = WinogradGradLoops<'W, 'V, 'T>.Number 0.5
        let two = WinogradGradLoops<'W, 'V, 'T>.Number 2.0
        let near =
            'W.Mul(WinogradGradLoops<'W, 'V, 'T>.Number(WinogradPoints.InverseRoot / -1.5), 'W.Add(m1, m2))
        let far = 'W.Mul(WinogradGradLoops<'W, 'V, 'T>.Number(WinogradPoints.Root / 6.0), 'W.Add(m3, m4))
        'W.Store(p, 'W.Add('W.Add(near, far), m0))
        'W
            .Store(
                p + step,
                'W.Mul(WinogradGradLoops<'W, 'V, 'T>.Number(1.0 / 3.0), 'W.Sub('W.Sub(m3, m4), 'W.Sub(m1, m2)))
            )
        'W.Store(p + 2n * step, 'W.Fma(half, near, 'W.Fma(two, far, m5)))

    /// The gradients of nine weights for `count` channels of one vector, `tap` bytes apart, from 36 sums that consist of
    /// `pieces` parts `piece` bytes apart, each `step` bytes after the one before. `aside` has room for 54 vectors.
    [<FullyOptimized>]
    static member Finish
        (
            sums: nativeint,
            step: nativeint,
            pieces: int,
            piece: nativeint,
            into: nativeint,
            tap: nativeint,
            count: int,
            aside: nativeint
        ) =
        let row = 6n * 'W.Bytes
        let between = aside + 36n * 'W.Bytes

        for i in 0..35 do
            let mutable p = sums + nativeint i * step
            let mutable sum = 'W.Load p

            for _ in 2..pieces do
                p <- p + piece
                sum <- 'W.Add(sum, 'W.Load p)

            'W.Store(aside + nativeint i * 'W.Bytes, sum)

        for c in 0..5 do
            let t = aside + nativeint c * 'W.Bytes

            WinogradGradLoops<'W, 'V, 'T>
                .Weights(
                    'W.Load t,
                    'W.Load(t + row),
                    'W.Load(t + 2n * row),
                    'W.Load(t + 3n * row),
                    'W.Load(t + 4n * row),
                    'W.Load(t + 5n * row),
                    between + nativeint c * 'W.Bytes,
                    row
                )

        for r in 0..2 do
            let t = between + nativeint r * row

            WinogradGradLoops<'W, 'V, 'T>
                .Weights(
                    'W.Load t,
                    'W.Load(t + 'W.Bytes),
                    'W.Load(t + 2n * 'W.Bytes),
                    'W.Load(t + 3n * 'W.Bytes),
                    'W.Load(t + 4n * 'W.Bytes),
                    'W.Load(t + 5n * 'W.Bytes),
                    aside,
                    'W.Bytes
                )

            for c in 0..2 do
                'W.StoreFirst(into + nativeint (3 * r + c) * tap, count, 'W.Load(aside + nativeint c * 'W.Bytes))

/// How the gradient to the weights by Winograd's method is cut: pieces are ranges of tiles, each summed on its own and then
/// added up in order; shares divide the columns. Shapes alone decide.
[<Sealed>]
type internal WinogradGradPlan(width: Width, size: int, spec: ConvSpec) =

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

    // Whole vectors of transformed source, and of sums.
    let tileBytes = ceil channels lanes * int width
    let rowBytes = ceil columns lanes * int width
    let pieceBytes = 36L * int64 channels * int64 rowBytes

    // Chunks worth having.
    let wanted =
        let work = 72.0 * float tiles * float channels * float columns
        let mutable n = 1

        while n < 16 && work >= 1e6 * float n do
            n <- n * 2

        n

    let pieces = int (max 1L (min (int64 (min wanted (max 1 (tiles / 32)))) (2400000L / max 1L pieceBytes)))

    let panelsPerShare =
        let shares = max 1 (min panels (ceil wanted (2 * pieces)))
        // The sums of a share stay in the L2 cache beside its tiles.
        let most = max 1 (int (589824L / (36L * int64 channels * int64 (nr * size))))
        min most (ceil panels shares)

    let perTile = 36 * (tileBytes + panelsPerShare * nr * size)
    let pieceLength = max 1 (ceil tiles pieces)
    // As many tiles as the scratch memory holds, and not more than a few: others had better find room in the cache.
    let block = max 1 (min (min 64 pieceLength) (WinogradPlan.Room / perTile))

    /// Whether the gradient can be computed so.
    static member CanDo(width: Width, size: int, spec: ConvSpec) =
        WinogradPlan.CanDo(width, size, spec)
        && 36 * 8 * (ceil spec.InChannels (int width / size) + 2) * int width + 8192 <= WinogradPlan.Room

    member _.Columns = columns
    member _.PanelColumns = nr
    member _.Panels = panels

    /// Vectors of a row of a panel.
    member _.Vectors(panel: int) = if columns - panel * nr > lanes then 2 else 1
    member _.Tiles = tiles
    member _.Down = down
    member _.Across = across

    /// Bytes of a tile of transformed source, and of a row of sums.
    member _.TileBytes = nativeint tileBytes
    member _.RowBytes = nativeint rowBytes
    member _.PieceBytes = nativeint pieceBytes
    member _.Pieces = ceil tiles pieceLength
    member _.PieceLength = pieceLength
    member _.PanelsPerShare = panelsPerShare
    member _.Shares = ceil panels panelsPerShare

    /// Tiles transformed at a time.
    member _.Block = block
    member _.Workspace = int64 (max 1 (ceil tiles pieceLength)) * pieceBytes

/// The gradient to the weights of a convolution with 3 x 3 windows by Winograd's method. Phase 0: tiles of source and
/// gradients are transformed, and their 36 products added to the sums of a piece. Phase 1: pieces are added up and
/// transformed back. With `pooled`, where `PoolPlaces` are, or 0, the gradients are those of a max-pooling, and `dy` that of the
/// pooled.
[<Sealed>]
type internal WinogradGradKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (
        spec: ConvSpec,
        plan: WinogradGradPlan,
        source: nativeint,
        dy: nativeint,
        pooled: nativeint,
        dw: nativeint,
        workspace: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    let w = spec.Windows
    let size = nativeint sizeof<'T>
    let sourcePixel = nativeint spec.InChannels * size
    let sourceRow = nativeint w.In[2] * sourcePixel
    let pixel = nativeint plan.Columns * size
    let dyRow = nativeint w.Out[2] * pixel
    let panelRow = nativeint plan.PanelColumns * size
    let sumStep = nativeint spec.InChannels * plan.RowBytes

    // In a thread's scratch memory: a few vectors, transformed source, transformed gradients. The steps between the 36
    // numbers are no powers of two, so that they do not compete for places of the L1 cache.
    let asideBytes = 4096n
    let sourceStep = nativeint plan.Block * plan.TileBytes + 128n
    let panelStep = nativeint plan.Block * panelRow
    let gradStep = nativeint plan.PanelsPerShare * panelStep + 128n

    // Rows of a product are channels; those past the last are not used.
    let rows =
        OffsetTable(Array.init (spec.InChannels + 8) (fun i -> nativeint (min i (spec.InChannels - 1)) * size))

    let into =
        OffsetTable(Array.init (spec.InChannels + 8) (fun i -> nativeint (min i (spec.InChannels - 1)) * plan.RowBytes))

    let start = OffsetTable [| 0n |]
    let stops = OffsetTable(Array.init (plan.Block + 1) (fun tiles -> nativeint tiles * plan.TileBytes))

    // Channels of a chunk of the second phase.
    let grain = max 1 (512 / max 1 plan.Columns)

    override _.Phases = 2

    override _.Chunks(phase) =
        if plan.Columns = 0 || spec.InChannels = 0 then 0
        elif phase = 0 then plan.Pieces * plan.Shares
        else (spec.InChannels + grain - 1) / grain

    override this.Run(phase, chunk) =
        if phase = 0 then
            let piece = chunk / plan.Shares
            let panelFirst = chunk % plan.Shares * plan.PanelsPerShare
            let panelPast = min plan.Panels (panelFirst + plan.PanelsPerShare)
            let first = piece * plan.PieceLength
            let past = min plan.Tiles (first + plan.PieceLength)
            let sums = workspace + nativeint piece * plan.PieceBytes
            let mutable at = first

            while at < past do
                let count = min plan.Block (past - at)
                this.Block(at, count, panelFirst, panelPast, sums, (at > first))
                at <- at + count
        else
            this.Finish(chunk * grain, min spec.InChannels ((chunk + 1) * grain))

    /// Adds some tiles to the sums of some panels.
    [<FullyOptimized>]
    member private this.Block
        (first: int, count: int, panelFirst: int, panelPast: int, sums: nativeint, accumulate: bool)
        =
        let lanes = 'W.Count
        let aside = Scratch.Pointer
        let sources = aside + asideBytes
        let grads = sources + 36n * sourceStep

        for i in 0 .. count - 1 do
            this.Transform(first + i, i, panelFirst, panelPast, sources, grads, aside)

        let runs = { Count = 1; Offsets = start.From 0; Stops = stops.From count }

        for number in 0..35 do
            for panel in panelFirst .. panelPast - 1 do
                let q = grads + nativeint number * gradStep + nativeint (panel - panelFirst) * panelStep
                let put = sums + nativeint number * sumStep + nativeint panel * panelRow
                let whole = plan.Vectors panel * lanes

                ConvTile<'W, 'V, 'T>
                    .Run(
                        spec.InChannels,
                        rows.From 0,
                        runs,
                        sources + nativeint number * sourceStep,
                        plan.TileBytes,
                        q,
                        0n,
                        into.From 0,
                        put,
                        whole,
                        accumulate
                    )

    /// Transforms a tile, the i-th of its block.
    member private this.Transform
        (tile: int, i: int, panelFirst: int, panelPast: int, sources: nativeint, grads: nativeint, aside: nativeint)
        =
        let x = tile % plan.Across * 4
        let y = tile / plan.Across % plan.Down * 4
        let n = tile / (plan.Across * plan.Down)
        let left = x - w.PadLow[2]
        let top = y - w.PadLow[1]

        WinogradLoops<'W, 'V, 'T>
            .Transform(
                source + nativeint (n * w.In[1] + top) * sourceRow + nativeint left * sourcePixel,
                sourceRow,
                sourcePixel,
                max 0 -top,
                min 6 (w.In[1] - top),
                max 0 -left,
                min 6 (w.In[2] - left),
                spec.InChannels,
                sources + nativeint i * plan.TileBytes,
                sourceStep,
                aside
            )

        let from = dy + nativeint (n * w.Out[1] + y) * dyRow + nativeint x * pixel
        let isPooled = pooled <> 0n
        let row = if isPooled then 4n * PoolPlaces<'W, 'V, 'T>.TilePixel else dyRow
        let pixel = if isPooled then PoolPlaces<'W, 'V, 'T>.TilePixel else pixel
        // What is spread has zeros where there is nothing.
        let rows = if isPooled then 4 else min 4 (w.Out[1] - y)
        let columns = if isPooled then 4 else min 4 (w.Out[2] - x)

        for panel in panelFirst .. panelPast - 1 do
            let vectors = plan.Vectors panel
            let first = panel * plan.PanelColumns
            let from = if isPooled then PoolPlaces<'W, 'V, 'T>.Tile else from + nativeint first * size

            if isPooled then
                let past = min plan.Columns (first + plan.PanelColumns)
                this.Spread(n, y, x, first, past)

            for half in 0 .. vectors - 1 do
                WinogradGradLoops<'W, 'V, 'T>
                    .Transform(
                        from + nativeint half * 'W.Bytes,
                        row,
                        pixel,
                        rows,
                        columns,
                        min 'W.Count (plan.Columns - first - half * 'W.Count),
                        grads + nativeint (panel - panelFirst) * panelStep + nativeint (i * vectors + half) * 'W.Bytes,
                        gradStep,
                        aside
                    )

    /// The gradients of a tile from those of the pooled, some channels of them.
    member private _.Spread(image: int, y: int, x: int, first: int, past: int) =
        let channels = plan.Columns
        let down, across = w.Out[1] / 2, w.Out[2] / 2
        let windows = image * down * across

        PoolPlaces<'W, 'V, 'T>
            .Spread(
                dy + nativeint windows * pixel,
                pooled + nativeint (4 * windows * ((channels + 'W.Count - 1) / 'W.Count)),
                down,
                across,
                channels,
                first,
                past,
                y,
                x,
                4
            )

    /// The gradients of the weights of some channels.
    member private _.Finish(first: int, past: int) =
        let aside = Scratch.Pointer
        let tap = nativeint spec.InChannels * pixel

        if plan.Tiles = 0 then
            // No positions: the sum of nothing.
            for t in 0..8 do
                Mem.zero (dw + nativeint t * tap + nativeint first * pixel) (int64 (past - first) * int64 pixel)
        else
            for channel in first .. past - 1 do
                for column in 0 .. 'W.Count .. plan.Columns - 1 do
                    WinogradGradLoops<'W, 'V, 'T>
                        .Finish(
                            workspace + nativeint channel * plan.RowBytes + nativeint column * size,
                            sumStep,
                            plan.Pieces,
                            plan.PieceBytes,
                            dw + nativeint channel * pixel + nativeint column * size,
                            tap,
                            min 'W.Count (plan.Columns - column),
                            aside
                        )

        epilogue.Run(first * plan.Columns, 9, (past - first) * plan.Columns, spec.InChannels * plan.Columns)
