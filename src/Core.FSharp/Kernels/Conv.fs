namespace FunctionalNet.Kernels

open System.Globalization
open FunctionalNet

/// The shapes of a convolution, channels last, kernel (spatial..., in / groups, out).
[<Sealed>]
type internal ConvSpec private (batch: int, inChannels: int, outChannels: int, groups: int, windows: Windows) =

    /// Spatial arguments have 1 to 3 entries.
    static member Create
        (
            batch: int,
            inSpatial: int[],
            inChannels: int,
            outChannels: int,
            kernel: int[],
            strides: int[],
            dilations: int[],
            padLow: int[],
            padHigh: int[],
            groups: int
        ) =
        if groups < 1 || inChannels % groups <> 0 || outChannels % groups <> 0 then
            raise (
                ShapeException(
                    "The channels of a convolution do not split into its groups.",
                    "conv",
                    "channels that are multiples of the groups",
                    groups.ToString CultureInfo.InvariantCulture + " groups",
                    ""
                )
            )

        ConvSpec(
            batch,
            inChannels,
            outChannels,
            groups,
            Windows(inSpatial, kernel, strides, dilations, padLow, padHigh)
        )

    member _.Batch = batch
    member _.InChannels = inChannels
    member _.OutChannels = outChannels
    member _.Groups = groups
    member _.Windows = windows

    /// Output sizes as three spatial dims.
    member _.OutSpatial = windows.Out

/// Convolutions and their two gradients.
[<AbstractClass; Sealed>]
type internal Conv private () =

    // Runs of the source that a window reads: whole kernel rows where they are contiguous, else one per tap.
    static member private SourceParts(spec: ConvSpec, padded: int[]) =
        let w = spec.Windows
        let perGroup = spec.InChannels / spec.Groups
        let merged = spec.Groups = 1 && w.Dilation[2] = 1
        let across = if merged then 1 else w.Window[2]
        let runLength = if merged then w.Window[2] * perGroup else perGroup
        let runs = ResizeArray<int>()
        let taps = ResizeArray<int>()

        for d in 0 .. w.Window[0] - 1 do
            for h in 0 .. w.Window[1] - 1 do
                for k in 0 .. across - 1 do
                    let position = ((d * w.Dilation[0]) * padded[1] + h * w.Dilation[1]) * padded[2] + k * w.Dilation[2]
                    runs.Add(position * spec.InChannels)
                    taps.Add(((d * w.Window[1] + h) * w.Window[2] + k) * perGroup)

        let part =
            { Grid = w.Out
              SourceOrigin = [| 0; 0; 0 |]
              SourceStep = w.Stride
              TargetOrigin = [| 0; 0; 0 |]
              TargetStep = [| 1; 1; 1 |]
              Runs = runs.ToArray()
              Taps = taps.ToArray() }

        struct (part, runLength)

    static member private ForwardGeometry(size: int, spec: ConvSpec) =
        let w = spec.Windows
        let padded = Array.init 3 (fun i -> w.In[i] + w.PadLow[i] + w.PadHigh[i])
        let struct (part, runLength) = Conv.SourceParts(spec, padded)

        ConvGeometry(
            size,
            spec.Batch,
            w.In,
            w.PadLow,
            w.PadHigh,
            spec.InChannels,
            spec.Groups,
            runLength,
            w.Out,
            spec.OutChannels,
            [| part |],
            false
        )

    static member private KernelGradGeometry(size: int, spec: ConvSpec) =
        let w = spec.Windows
        let padded = Array.init 3 (fun i -> w.In[i] + w.PadLow[i] + w.PadHigh[i])
        let struct (part, runLength) = Conv.SourceParts(spec, padded)

        // A tile reads up to five elements past its run: the source is copied when that could leave it.
        ConvGeometry(
            size,
            spec.Batch,
            w.In,
            w.PadLow,
            w.PadHigh,
            spec.InChannels,
            spec.Groups,
            runLength,
            w.Out,
            spec.OutChannels,
            [| part |],
            (runLength % 6 <> 0)
        )

    // For each input position, the output positions that it reached: those of one residue of the strides share the
    // taps, and neighbours in the input are neighbours in the output.
    static member private InputGradGeometry(size: int, spec: ConvSpec) =
        let w = spec.Windows

        // Taps and shifts of each residue of a dim.
        let reach =
            Array.init 3 (fun i ->
                Array.init w.Stride[i] (fun r ->
                    [| for k in 0 .. w.Window[i] - 1 do
                           let t = r + w.PadLow[i] - k * w.Dilation[i]
                           if ((t % w.Stride[i]) + w.Stride[i]) % w.Stride[i] = 0 then
                               struct (k, (if t >= 0 then t / w.Stride[i] else -((-t) / w.Stride[i]))) |]))

        let count (i: int) (r: int) = if r >= w.In[i] then 0 else (w.In[i] - r + w.Stride[i] - 1) / w.Stride[i]
        let low = Array.create 3 0
        let high = Array.create 3 0

        for i in 0..2 do
            for r in 0 .. w.Stride[i] - 1 do
                for struct (_, shift) in reach[i][r] do
                    if count i r > 0 then
                        low[i] <- max low[i] -shift
                        high[i] <- max high[i] (count i r - 1 + shift - (w.Out[i] - 1))

        let padded = Array.init 3 (fun i -> w.Out[i] + low[i] + high[i])

        let parts =
            [| for r0 in 0 .. w.Stride[0] - 1 do
                   for r1 in 0 .. w.Stride[1] - 1 do
                       for r2 in 0 .. w.Stride[2] - 1 do
                           let grid = [| count 0 r0; count 1 r1; count 2 r2 |]

                           if grid[0] * grid[1] * grid[2] > 0 then
                               let taps = ResizeArray<int>()
                               let runs = ResizeArray<int>()

                               for struct (k0, s0) in reach[0][r0] do
                                   for struct (k1, s1) in reach[1][r1] do
                                       for struct (k2, s2) in reach[2][r2] do
                                           taps.Add((k0 * w.Window[1] + k1) * w.Window[2] + k2)
                                           runs.Add(
                                               (((s0 + low[0]) * padded[1] + s1 + low[1]) * padded[2] + s2 + low[2])
                                               * spec.OutChannels
                                           )

                               { Grid = grid
                                 SourceOrigin = [| 0; 0; 0 |]
                                 SourceStep = [| 1; 1; 1 |]
                                 TargetOrigin = [| r0; r1; r2 |]
                                 TargetStep = w.Stride
                                 Runs = runs.ToArray()
                                 Taps = taps.ToArray() } |]

        ConvGeometry(
            size,
            spec.Batch,
            w.Out,
            low,
            high,
            spec.OutChannels,
            spec.Groups,
            spec.OutChannels / spec.Groups,
            w.In,
            spec.InChannels,
            parts,
            false
        )

    static member private Fail(dtype: DType) : Kernel =
        raise (
            DTypeException(
                "Convolutions need floating numbers.",
                "conv",
                "float32 or float64",
                DType.name dtype,
                "Cast the operands first."
            )
        )

    // One filter for each channel, without a multiplier.
    static member private IsDepthwise(spec: ConvSpec) =
        spec.Groups > 1 && spec.Groups = spec.InChannels && spec.Groups = spec.OutChannels

    static member private Depthwise
        (
            dtype: DType,
            kind: DepthwiseKind,
            spec: ConvSpec,
            a: nativeint,
            b: nativeint,
            target: nativeint,
            epilogue: Epilogue
        ) : Kernel =
        let batch, channels, windows = spec.Batch, spec.InChannels, spec.Windows

        match dtype with
        | DType.Float32 -> DepthwiseKernel<float32>(kind, batch, channels, windows, a, b, target, epilogue)
        | DType.Float64 -> DepthwiseKernel<float>(kind, batch, channels, windows, a, b, target, epilogue)
        | other -> Conv.Fail other

    /// Bytes of workspace of `Forward`.
    static member ForwardWorkspace(dtype: DType, spec: ConvSpec) : int64 =
        if Conv.IsDepthwise spec then 0L else Conv.ForwardGeometry(DType.size dtype, spec).Workspace

    /// y = convolution of x with w.
    static member Forward
        (
            dtype: DType,
            spec: ConvSpec,
            x: nativeint,
            w: nativeint,
            y: nativeint,
            workspace: nativeint,
            ?epilogue: Epilogue
        ) : Kernel =
        let epilogue = defaultArg epilogue Epilogue.None

        if Conv.IsDepthwise spec then
            Conv.Depthwise(dtype, DepthwiseKind.Forward, spec, x, w, y, epilogue)
        else

            let g = Conv.ForwardGeometry(DType.size dtype, spec)

            match dtype with
            | DType.Float32 -> ConvDirectKernel<float32>(g, false, spec.OutChannels, x, w, y, workspace, epilogue)
            | DType.Float64 -> ConvDirectKernel<float>(g, false, spec.OutChannels, x, w, y, workspace, epilogue)
            | other -> Conv.Fail other

    /// Bytes of workspace of `InputGrad`.
    static member InputGradWorkspace(dtype: DType, spec: ConvSpec) : int64 =
        if Conv.IsDepthwise spec then 0L else Conv.InputGradGeometry(DType.size dtype, spec).Workspace

    /// dx from dy and the weights: also what a transposed convolution computes.
    static member InputGrad
        (
            dtype: DType,
            spec: ConvSpec,
            dy: nativeint,
            w: nativeint,
            dx: nativeint,
            workspace: nativeint,
            ?epilogue: Epilogue
        ) : Kernel =
        let epilogue = defaultArg epilogue Epilogue.None

        if Conv.IsDepthwise spec then
            Conv.Depthwise(dtype, DepthwiseKind.InputGrad, spec, dy, w, dx, epilogue)
        else

            let g = Conv.InputGradGeometry(DType.size dtype, spec)

            match dtype with
            | DType.Float32 -> ConvDirectKernel<float32>(g, true, spec.OutChannels, dy, w, dx, workspace, epilogue)
            | DType.Float64 -> ConvDirectKernel<float>(g, true, spec.OutChannels, dy, w, dx, workspace, epilogue)
            | other -> Conv.Fail other

    static member private GradPlan(g: ConvGeometry, spec: ConvSpec) =
        KernelGradPlan(g, spec.Windows.Out, spec.Windows.WindowSize)

    /// Bytes of workspace of `KernelGrad`.
    static member KernelGradWorkspace(dtype: DType, spec: ConvSpec) : int64 =
        if Conv.IsDepthwise spec then
            0L
        else

            let size = DType.size dtype
            let g = Conv.KernelGradGeometry(size, spec)
            g.PaddedBytes + Conv.GradPlan(g, spec).PartialBytes size

    /// dw from x and dy.
    static member KernelGrad
        (
            dtype: DType,
            spec: ConvSpec,
            x: nativeint,
            dy: nativeint,
            dw: nativeint,
            workspace: nativeint,
            ?epilogue: Epilogue
        ) : Kernel =
        let epilogue = defaultArg epilogue Epilogue.None

        if Conv.IsDepthwise spec then
            Conv.Depthwise(dtype, DepthwiseKind.KernelGrad, spec, x, dy, dw, epilogue)
        else

            let g = Conv.KernelGradGeometry(DType.size dtype, spec)
            let plan = Conv.GradPlan(g, spec)
            let w = spec.Windows

            match dtype with
            | DType.Float32 -> ConvKernelGradKernel<float32>(g, plan, w.Out, w.Stride, x, dy, dw, workspace, epilogue)
            | DType.Float64 -> ConvKernelGradKernel<float>(g, plan, w.Out, w.Stride, x, dy, dw, workspace, epilogue)
            | other -> Conv.Fail other
