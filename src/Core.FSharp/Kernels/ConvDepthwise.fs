namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices

#nowarn "3535"

/// What a depthwise kernel computes.
type internal DepthwiseKind =
    | Forward = 0
    | InputGrad = 1
    | KernelGrad = 2

/// Convolutions in which every channel has its own filter: the vector lanes are channels. `target` is y, dx or dw; `a` is
/// x or dy; `b` is the weights, or dy for the gradient of the weights.
[<Sealed>]
type internal DepthwiseKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (
        kind: DepthwiseKind,
        batch: int,
        channels: int,
        w: Windows,
        a: nativeint,
        b: nativeint,
        target: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    let size = nativeint sizeof<'T>
    let lanes = 'W.Count
    let taps = w.WindowSize
    let rows = batch * w.Out[0] * w.Out[1]
    let inRows = batch * w.In[0] * w.In[1]
    let pixel = nativeint channels * size
    // Rows of the target that make a chunk worth a fork.
    let perRow =
        int64 channels * int64 taps * int64 (if kind = DepthwiseKind.InputGrad then w.In[2] else w.Out[2])
    let group = int (max 1L (min 1024L (65536L / max 1L perRow)))
    let vectors = (channels + lanes - 1) / lanes

    member inline private _.Read(p: nativeint, n: int) : 'V = if n = 'W.Count then 'W.Load p else 'W.LoadFirst(p, n)

    /// The output index of a window that starts at `start` in the padded input, or -1.
    member inline private _.Reached(start: int, axis: int) =
        let stride = w.Stride[axis]

        if start < 0 then
            -1
        else
            let o = if stride = 1 then start else start / stride
            if o < w.Out[axis] && o * stride = start then o else -1

    override _.Chunks(_) =
        if channels = 0 then
            0
        else
            match kind with
            | DepthwiseKind.Forward -> if w.Out[2] = 0 then 0 else (rows + group - 1) / group
            | DepthwiseKind.InputGrad -> if w.In[2] = 0 then 0 else (inRows + group - 1) / group
            | _ -> taps * ((vectors + 3) / 4)

    override this.Run(_, chunk) =
        match kind with
        | DepthwiseKind.Forward ->
            for row in chunk * group .. min rows ((chunk + 1) * group) - 1 do
                this.ForwardRow row
                epilogue.Run(row * w.Out[2] * channels, 1, w.Out[2] * channels, 0)
        | DepthwiseKind.InputGrad ->
            for row in chunk * group .. min inRows ((chunk + 1) * group) - 1 do
                this.InputRow row
                epilogue.Run(row * w.In[2] * channels, 1, w.In[2] * channels, 0)
        | _ ->
            let tap = chunk % taps
            let column = chunk / taps * 4 * lanes
            this.Tap(tap, chunk / taps)
            epilogue.Run(tap * channels + column, 1, min (4 * lanes) (channels - column), 0)

    /// One row of y.
    [<FullyOptimized>]
    member private this.ForwardRow(row: int) =
        let h = row % w.Out[1] * w.Stride[1] - w.PadLow[1]
        let z = row / w.Out[1] % w.Out[0] * w.Stride[0] - w.PadLow[0]
        let image = row / (w.Out[1] * w.Out[0])

        for x in 0 .. w.Out[2] - 1 do
            let left = x * w.Stride[2] - w.PadLow[2]
            let mutable c = 0

            while c < channels do
                let n = min lanes (channels - c)
                let mutable sum = 'W.Zero

                for t0 in 0 .. w.Window[0] - 1 do
                    let i0 = z + t0 * w.Dilation[0]

                    if uint32 i0 < uint32 w.In[0] then
                        for t1 in 0 .. w.Window[1] - 1 do
                            let i1 = h + t1 * w.Dilation[1]

                            if uint32 i1 < uint32 w.In[1] then
                                let line = ((image * w.In[0] + i0) * w.In[1] + i1) * w.In[2]
                                let tap = (t0 * w.Window[1] + t1) * w.Window[2]

                                for t2 in 0 .. w.Window[2] - 1 do
                                    let i2 = left + t2 * w.Dilation[2]

                                    if uint32 i2 < uint32 w.In[2] then
                                        let v = this.Read(a + nativeint (line + i2) * pixel + nativeint c * size, n)
                                        let f = this.Read(b + nativeint (tap + t2) * pixel + nativeint c * size, n)
                                        sum <- 'W.Fma(v, f, sum)

                'W.StoreFirst(target + nativeint (row * w.Out[2] + x) * pixel + nativeint c * size, n, sum)
                c <- c + lanes

    /// One row of dx: each position collects from the outputs that it reached.
    [<FullyOptimized>]
    member private this.InputRow(row: int) =
        let h = row % w.In[1] + w.PadLow[1]
        let z = row / w.In[1] % w.In[0] + w.PadLow[0]
        let image = row / (w.In[1] * w.In[0])

        for x in 0 .. w.In[2] - 1 do
            let left = x + w.PadLow[2]
            let mutable c = 0

            while c < channels do
                let n = min lanes (channels - c)
                let mutable sum = 'W.Zero

                for t0 in 0 .. w.Window[0] - 1 do
                    let o0 = this.Reached(z - t0 * w.Dilation[0], 0)

                    if o0 >= 0 then
                        for t1 in 0 .. w.Window[1] - 1 do
                            let o1 = this.Reached(h - t1 * w.Dilation[1], 1)

                            if o1 >= 0 then
                                let line = ((image * w.Out[0] + o0) * w.Out[1] + o1) * w.Out[2]
                                let tap = (t0 * w.Window[1] + t1) * w.Window[2]

                                for t2 in 0 .. w.Window[2] - 1 do
                                    let o2 = this.Reached(left - t2 * w.Dilation[2], 2)

                                    if o2 >= 0 then
                                        let v = this.Read(a + nativeint (line + o2) * pixel + nativeint c * size, n)
                                        let f = this.Read(b + nativeint (tap + t2) * pixel + nativeint c * size, n)
                                        sum <- 'W.Fma(v, f, sum)

                'W.StoreFirst(target + nativeint (row * w.In[2] + x) * pixel + nativeint c * size, n, sum)
                c <- c + lanes

    /// dw of one tap for four vectors of channels: rows are summed on their own, then added up.
    [<FullyOptimized>]
    member private this.Tap(tap: int, strip: int) =
        let t2 = tap % w.Window[2] * w.Dilation[2] - w.PadLow[2]
        let t1 = tap / w.Window[2] % w.Window[1] * w.Dilation[1] - w.PadLow[1]
        let t0 = tap / (w.Window[2] * w.Window[1]) * w.Dilation[0] - w.PadLow[0]

        for vector in strip * 4 .. min vectors (strip * 4 + 4) - 1 do
            let c = vector * lanes
            let n = min lanes (channels - c)
            let mutable total = 'W.Zero

            for row in 0 .. rows - 1 do
                let i1 = row % w.Out[1] * w.Stride[1] + t1
                let i0 = row / w.Out[1] % w.Out[0] * w.Stride[0] + t0

                if uint32 i1 < uint32 w.In[1] && uint32 i0 < uint32 w.In[0] then
                    let image = row / (w.Out[1] * w.Out[0])
                    let line = ((image * w.In[0] + i0) * w.In[1] + i1) * w.In[2]
                    let mutable sum = 'W.Zero

                    for x in 0 .. w.Out[2] - 1 do
                        let i2 = x * w.Stride[2] + t2

                        if uint32 i2 < uint32 w.In[2] then
                            let v = this.Read(a + nativeint (line + i2) * pixel + nativeint c * size, n)
                            let g = this.Read(b + nativeint (row * w.Out[2] + x) * pixel + nativeint c * size, n)
                            sum <- 'W.Fma(v, g, sum)

                    total <- 'W.Add(total, sum)

            'W.StoreFirst(target + nativeint tap * pixel + nativeint c * size, n, total)
