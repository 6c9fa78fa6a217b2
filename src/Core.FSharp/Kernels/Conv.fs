namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics
open FunctionalNet

/// Convolutions and their two gradients.
[<AbstractClass; Sealed>]
type internal Conv private () =

    // Every position of a window, as it lies in the source.
    static member private Taps(w: Windows) =
        [| for d in 0 .. w.Window[0] - 1 do
               for h in 0 .. w.Window[1] - 1 do
                   for k in 0 .. w.Window[2] - 1 do
                       { At =
                           [| d * w.Dilation[0] - w.PadLow[0]
                              h * w.Dilation[1] - w.PadLow[1]
                              k * w.Dilation[2] - w.PadLow[2] |]
                         Index = (d * w.Window[1] + h) * w.Window[2] + k } |]

    /// The shapes of a convolution as kernels see them.
    static member ForwardShape(size: int, spec: ConvSpec) : ConvShape =
        let w = spec.Windows
        let ones = [| 1; 1; 1 |]

        // A window of one position that visits every element: the positions may as well be one row.
        let isFlat =
            w.WindowSize = 1
            && w.InSize = w.OutSize
            && Array.forall ((=) 1) w.Stride
            && Array.forall ((=) 0) w.PadLow

        let row (spatial: int[]) = if isFlat then [| 1; 1; spec.Batch * w.InSize |] else spatial

        { Size = size
          Batch = (if isFlat then 1 else spec.Batch)
          Source = row w.In
          SourceChannels = spec.InChannels
          Groups = spec.Groups
          Target = row w.Out
          TargetChannels = spec.OutChannels
          Parts =
            [| { Grid = row w.Out
                 SourceStep = w.Stride
                 TargetOrigin = [| 0; 0; 0 |]
                 TargetStep = ones
                 Taps = Conv.Taps w } |] }

    // For each input position, the output positions that it reached: those of one residue of the strides share the
    // taps, and neighbours in the input are neighbours in the output.
    static member private InputGradShape(size: int, spec: ConvSpec) : ConvShape =
        let forward = Conv.ForwardShape(size, spec)
        let w = spec.Windows
        let stride = forward.Parts[0].SourceStep

        // The taps of one residue along a dim, and where they look, from the last to the first.
        let reach (i: int) (r: int) =
            [| for k in w.Window[i] - 1 .. -1 .. 0 do
                   let t = r + w.PadLow[i] - k * w.Dilation[i]
                   if t % stride[i] = 0 then struct (k, t / stride[i]) |]

        let count (i: int) (r: int) =
            if r >= forward.Source[i] then 0 else (forward.Source[i] - r + stride[i] - 1) / stride[i]

        Conv.SplitRows
            { Size = size
              Batch = forward.Batch
              Source = forward.Target
              SourceChannels = spec.OutChannels
              Groups = spec.Groups
              Target = forward.Source
              TargetChannels = spec.InChannels
              Parts =
                [| for r0 in 0 .. stride[0] - 1 do
                       for r1 in 0 .. stride[1] - 1 do
                           for r2 in 0 .. stride[2] - 1 do
                               let grid = [| count 0 r0; count 1 r1; count 2 r2 |]

                               if grid[0] * grid[1] * grid[2] > 0 then
                                   { Grid = grid
                                     SourceStep = [| 1; 1; 1 |]
                                     TargetOrigin = [| r0; r1; r2 |]
                                     TargetStep = stride
                                     Taps =
                                       [| for struct (k0, s0) in reach 0 r0 do
                                              for struct (k1, s1) in reach 1 r1 do
                                                  for struct (k2, s2) in reach 2 r2 do
                                                      { At = [| s0; s1; s2 |]
                                                        Index = (k0 * w.Window[1] + k1) * w.Window[2] + k2 } |] } |] }

    /// The rows of positions at a border, whose outer taps see nothing but padding, as parts of their own without these
    /// taps: where that saves more than packing the weights again costs.
    static member private SplitRows(g: ConvShape) : ConvShape =
        let split (part: ConvPart) : ConvPart[] =
            let sees (row: int) =
                part.Taps
                |> Array.filter (fun tap ->
                    let y = row * part.SourceStep[1] + tap.At[1]
                    y >= 0 && y < g.Source[1])

            // Stretches of rows that see the same taps: struct (first row, rows, taps).
            let stretches = ResizeArray<struct (int * int * ConvTap[])>()

            for row in 0 .. part.Grid[1] - 1 do
                let taps = sees row

                match (if stretches.Count = 0 then ValueNone else ValueSome stretches[stretches.Count - 1]) with
                | ValueSome(struct (first, rows, same)) when
                    same.Length = taps.Length && Array.forall2 (fun a b -> a.Index = b.Index) same taps
                    ->
                    stretches[stretches.Count - 1] <- struct (first, rows + 1, same)
                | _ -> stretches.Add(struct (row, 1, taps))

            let row = float g.Batch * float (part.Grid[0] * part.Grid[2])
            let all = part.Taps.Length
            let missing = stretches |> Seq.sumBy (fun (struct (_, rows, taps)) -> rows * (all - taps.Length))
            let packed = (stretches |> Seq.sumBy (fun (struct (_, _, taps)) -> taps.Length)) - all

            if
                stretches.Count > 1
                && stretches.Count <= 8
                && stretches |> Seq.forall (fun (struct (_, _, taps)) -> taps.Length > 0)
                && 20 * missing >= part.Grid[1] * all
                && row * float missing >= 256.0 * float packed
            then
                [| for struct (first, rows, taps) in stretches do
                       { part with
                           Grid = [| part.Grid[0]; rows; part.Grid[2] |]
                           TargetOrigin =
                               [| part.TargetOrigin[0]
                                  part.TargetOrigin[1] + first * part.TargetStep[1]
                                  part.TargetOrigin[2] |]
                           Taps =
                               taps
                               |> Array.map (fun tap ->
                                   { tap with At = [| tap.At[0]; tap.At[1] + first * part.SourceStep[1]; tap.At[2] |] }) } |]
            else
                [| part |]

        { g with Parts = Array.collect split g.Parts }

    /// Says no to what is not a floating number.
    static member Fail(dtype: DType) : Kernel =
        raise (
            DTypeException(
                "Convolutions need floating numbers.",
                "conv",
                "float32 or float64",
                DType.name dtype,
                "Cast the operands first."
            )
        )

    /// One filter for each channel, without a multiplier.
    static member IsDepthwise(spec: ConvSpec) =
        spec.Groups > 1 && spec.Groups = spec.InChannels && spec.Groups = spec.OutChannels

    static member private Depthwise
        (
            width: Width,
            dtype: DType,
            kind: DepthwiseKind,
            spec: ConvSpec,
            a: nativeint,
            b: nativeint,
            target: nativeint,
            epilogue: Epilogue
        ) : Kernel =
        let batch, channels, windows = spec.Batch, spec.InChannels, spec.Windows

        match dtype, width with
        | DType.Float32, Width.W512 ->
            DepthwiseKernel<Lanes512<float32>, Vector512<float32>, float32>(
                kind,
                batch,
                channels,
                windows,
                a,
                b,
                target,
                epilogue
            )
        | DType.Float32, Width.W256 ->
            DepthwiseKernel<Lanes256<float32>, Vector256<float32>, float32>(
                kind,
                batch,
                channels,
                windows,
                a,
                b,
                target,
                epilogue
            )
        | DType.Float32, _ ->
            DepthwiseKernel<Lanes128<float32>, Vector128<float32>, float32>(
                kind,
                batch,
                channels,
                windows,
                a,
                b,
                target,
                epilogue
            )
        | DType.Float64, Width.W512 ->
            DepthwiseKernel<Lanes512<float>, Vector512<float>, float>(
                kind,
                batch,
                channels,
                windows,
                a,
                b,
                target,
                epilogue
            )
        | DType.Float64, Width.W256 ->
            DepthwiseKernel<Lanes256<float>, Vector256<float>, float>(
                kind,
                batch,
                channels,
                windows,
                a,
                b,
                target,
                epilogue
            )
        | DType.Float64, _ ->
            DepthwiseKernel<Lanes128<float>, Vector128<float>, float>(
                kind,
                batch,
                channels,
                windows,
                a,
                b,
                target,
                epilogue
            )
        | other, _ -> Conv.Fail other

    static member private Direct
        (
            width: Width,
            dtype: DType,
            g: ConvShape,
            transposed: bool,
            x: nativeint,
            w: nativeint,
            y: nativeint,
            workspace,
            epilogue: Epilogue
        ) : Kernel =
        let plan = ConvPlan(width, g, transposed, false)

        match dtype, width with
        | DType.Float32, Width.W512 ->
            ConvDirectKernel<Lanes512<float32>, Vector512<float32>, float32>(
                g,
                plan,
                transposed,
                x,
                w,
                0n,
                y,
                workspace,
                epilogue
            )
        | DType.Float32, Width.W256 ->
            ConvDirectKernel<Lanes256<float32>, Vector256<float32>, float32>(
                g,
                plan,
                transposed,
                x,
                w,
                0n,
                y,
                workspace,
                epilogue
            )
        | DType.Float32, _ ->
            ConvDirectKernel<Lanes128<float32>, Vector128<float32>, float32>(
                g,
                plan,
                transposed,
                x,
                w,
                0n,
                y,
                workspace,
                epilogue
            )
        | DType.Float64, Width.W512 ->
            ConvDirectKernel<Lanes512<float>, Vector512<float>, float>(
                g,
                plan,
                transposed,
                x,
                w,
                0n,
                y,
                workspace,
                epilogue
            )
        | DType.Float64, Width.W256 ->
            ConvDirectKernel<Lanes256<float>, Vector256<float>, float>(
                g,
                plan,
                transposed,
                x,
                w,
                0n,
                y,
                workspace,
                epilogue
            )
        | DType.Float64, _ ->
            ConvDirectKernel<Lanes128<float>, Vector128<float>, float>(
                g,
                plan,
                transposed,
                x,
                w,
                0n,
                y,
                workspace,
                epilogue
            )
        | other, _ -> Conv.Fail other

    /// Bytes of workspace of `Forward`.
    static member ForwardWorkspace(width: Width, dtype: DType, spec: ConvSpec) : int64 =
        if Conv.IsDepthwise spec then
            0L
        else
            ConvPlan(width, Conv.ForwardShape(DType.size dtype, spec), false, false).Workspace

    /// y = convolution of x with w.
    static member Forward
        (
            width: Width,
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
            Conv.Depthwise(width, dtype, DepthwiseKind.Forward, spec, x, w, y, epilogue)
        else
            Conv.Direct(width, dtype, Conv.ForwardShape(DType.size dtype, spec), false, x, w, y, workspace, epilogue)

    /// Bytes of workspace of `InputGrad`.
    static member InputGradWorkspace(width: Width, dtype: DType, spec: ConvSpec) : int64 =
        if Conv.IsDepthwise spec then
            0L
        else
            ConvPlan(width, Conv.InputGradShape(DType.size dtype, spec), true, false).Workspace

    /// dx from dy and the weights: also what a transposed convolution computes.
    static member InputGrad
        (
            width: Width,
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
            Conv.Depthwise(width, dtype, DepthwiseKind.InputGrad, spec, dy, w, dx, epilogue)
        else
            Conv.Direct(width, dtype, Conv.InputGradShape(DType.size dtype, spec), true, dy, w, dx, workspace, epilogue)

    /// Bytes of workspace of `KernelGrad`.
    static member KernelGradWorkspace(width: Width, dtype: DType, spec: ConvSpec) : int64 =
        if Conv.IsDepthwise spec then
            0L
        else
            ConvGradPlan(width, Conv.ForwardShape(DType.size dtype, spec)).Workspace

    /// dw from x and dy.
    static member KernelGrad
        (
            width: Width,
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
            Conv.Depthwise(width, dtype, DepthwiseKind.KernelGrad, spec, x, dy, dw, epilogue)
        else

            let g = Conv.ForwardShape(DType.size dtype, spec)
            let plan = ConvGradPlan(width, g)

            match dtype, width with
            | DType.Float32, Width.W512 ->
                ConvKernelGradKernel<Lanes512<float32>, Vector512<float32>, float32>(
                    g,
                    plan,
                    x,
                    dy,
                    dw,
                    workspace,
                    epilogue
                )
            | DType.Float32, Width.W256 ->
                ConvKernelGradKernel<Lanes256<float32>, Vector256<float32>, float32>(
                    g,
                    plan,
                    x,
                    dy,
                    dw,
                    workspace,
                    epilogue
                )
            | DType.Float32, _ ->
                ConvKernelGradKernel<Lanes128<float32>, Vector128<float32>, float32>(
                    g,
                    plan,
                    x,
                    dy,
                    dw,
                    workspace,
                    epilogue
                )
            | DType.Float64, Width.W512 ->
                ConvKernelGradKernel<Lanes512<float>, Vector512<float>, float>(g, plan, x, dy, dw, workspace, epilogue)
            | DType.Float64, Width.W256 ->
                ConvKernelGradKernel<Lanes256<float>, Vector256<float>, float>(g, plan, x, dy, dw, workspace, epilogue)
            | DType.Float64, _ ->
                ConvKernelGradKernel<Lanes128<float>, Vector128<float>, float>(g, plan, x, dy, dw, workspace, epilogue)
            | other, _ -> Conv.Fail other
