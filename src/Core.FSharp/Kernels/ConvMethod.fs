namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics
open FunctionalNet

/// Convolutions with 3 x 3 windows and their gradients by Winograd's method, in float32, with weights that may have changed
/// since the last run, as in training: they are transformed at every run.
[<AbstractClass; Sealed>]
type internal ConvQuick private () =

    static let design = ConvDesign.Winograd

    // The gradient to the source is a convolution of the gradients with the weights turned round, source and target
    // channels exchanged.
    static let turned (spec: ConvSpec) =
        let w = spec.Windows

        ConvSpec.Create(
            spec.Batch,
            [| w.Out[1]; w.Out[2] |],
            spec.OutChannels,
            spec.InChannels,
            [| 3; 3 |],
            [| 1; 1 |],
            [| 1; 1 |],
            [| 2 - w.PadLow[1]; 2 - w.PadLow[2] |],
            [| 2 - w.PadHigh[1]; 2 - w.PadHigh[2] |],
            1
        )

    static let turnedBytes (spec: ConvSpec) = Mem.align (int64 (9 * spec.InChannels * spec.OutChannels) * 4L)

    // The prepared weights, then what the product needs.
    static let workspace (width: Width) (spec: ConvSpec) =
        let plan = WinogradPlan(width, 4, spec)
        Mem.align plan.WeightBytes + plan.Workspace

    // Where the product's workspace begins.
    static let behind (width: Width) (spec: ConvSpec) (workspace: nativeint) =
        workspace + nativeint (Mem.align (WinogradPlan(width, 4, spec).WeightBytes))

    static let kernels (width: Width) (spec: ConvSpec) x places w y (workspace: nativeint) ending epilogue : Kernel[] =
        let rest = behind width spec workspace

        [| ConvPrepared.Prepare(design, width, DType.Float32, spec, w, workspace)
           ConvPrepared.Winograd(width, spec, x, places, workspace, y, rest, ending, epilogue) |]

    // Transforming the weights must be worth it, and most of a vector be full of channels.
    static let gains (width: Width) (spec: ConvSpec) =
        let w = spec.Windows

        WinogradPlan.Gains(width, 4, spec)
        && spec.InChannels >= 16
        && spec.OutChannels >= 16
        && spec.Batch * ((w.Out[1] + 3) / 4) * ((w.Out[2] + 3) / 4) >= 48

    /// Whether `Forward` is possible.
    static member CanForward(width: Width, spec: ConvSpec) = WinogradPlan.CanDo(width, 4, spec)

    /// Whether `InputGrad` is.
    static member CanInputGrad(width: Width, spec: ConvSpec) =
        let w = spec.Windows

        WinogradPlan.CanDo(width, 4, spec)
        && Array.forall (fun pad -> pad <= 2) w.PadLow
        && Array.forall (fun pad -> pad <= 2) w.PadHigh
        && WinogradPlan.CanDo(width, 4, turned spec)
        // No window may fit: then there are no gradients.
        && w.OutSize > 0

    /// Whether `KernelGrad` is.
    static member CanKernelGrad(width: Width, spec: ConvSpec) = WinogradGradPlan.CanDo(width, 4, spec)

    /// Whether `Forward` is expected to be faster than directly.
    static member ForwardGains(width: Width, spec: ConvSpec) = gains width spec

    /// Whether `InputGrad` is.
    static member InputGradGains(width: Width, spec: ConvSpec) =
        ConvQuick.CanInputGrad(width, spec) && gains width (turned spec)

    /// Whether `KernelGrad` is: where the sums stay in the L2 cache.
    static member KernelGradGains(width: Width, spec: ConvSpec) =
        ConvQuick.CanKernelGrad(width, spec) && gains width spec && spec.InChannels <= 128

    /// Bytes of workspace of `Forward`.
    static member ForwardWorkspace(width: Width, spec: ConvSpec) : int64 = workspace width spec

    /// y = convolution of x with w.
    static member Forward
        (width: Width, spec: ConvSpec, x: nativeint, w: nativeint, y: nativeint, workspace, epilogue: Epilogue)
        : Kernel =
        SequenceKernel(kernels width spec x 0n w y workspace ConvEnding.None epilogue)

    /// The same with results that are ended in registers.
    static member Ended
        (width: Width, spec: ConvSpec, x: nativeint, w: nativeint, y: nativeint, workspace, ending: ConvEnding)
        : Kernel =
        SequenceKernel(kernels width spec x 0n w y workspace ending Epilogue.None)

    /// Bytes of workspace of `InputGrad`.
    static member InputGradWorkspace(width: Width, spec: ConvSpec) : int64 =
        turnedBytes spec + workspace width (turned spec)

    /// dx from dy and the weights. With `places`, `dy` is the gradient of the results' 2 x 2 max-pooling.
    static member InputGrad
        (
            width: Width,
            spec: ConvSpec,
            dy: nativeint,
            w: nativeint,
            dx: nativeint,
            workspace,
            epilogue: Epilogue,
            ?places: nativeint,
            ?ending: ConvEnding
        ) : Kernel =
        let places = defaultArg places 0n
        let ending = defaultArg ending ConvEnding.None
        let n, m = spec.InChannels, spec.OutChannels
        // Workspace: the weights turned round, then that of the convolution with them.
        let last = w + nativeint (8 * n * m) * 4n
        let turn = StridedCopy.Create(4, [| 9; m; n |], last, [| -n * m; 1; m |], workspace, [| n * m; n; 1 |])
        let rest = workspace + nativeint (turnedBytes spec)
        SequenceKernel(
            Array.append [| turn |] (kernels width (turned spec) dy places workspace dx rest ending epilogue)
        )

    /// Bytes of workspace of `KernelGrad`.
    static member KernelGradWorkspace(width: Width, spec: ConvSpec) : int64 = WinogradGradPlan(width, 4, spec).Workspace

    /// dw from x and dy. With `places`, `dy` is the gradient of the results' 2 x 2 max-pooling.
    static member KernelGrad
        (
            width: Width,
            spec: ConvSpec,
            x: nativeint,
            dy: nativeint,
            dw: nativeint,
            workspace: nativeint,
            epilogue: Epilogue,
            ?places: nativeint
        ) : Kernel =
        let places = defaultArg places 0n
        let plan = WinogradGradPlan(width, 4, spec)

        match width with
        | Width.W512 ->
            WinogradGradKernel<Lanes512<float32>, Vector512<float32>, float32>(
                spec,
                plan,
                x,
                dy,
                places,
                dw,
                workspace,
                epilogue
            )
        | Width.W256 ->
            WinogradGradKernel<Lanes256<float32>, Vector256<float32>, float32>(
                spec,
                plan,
                x,
                dy,
                places,
                dw,
                workspace,
                epilogue
            )
        | _ ->
            WinogradGradKernel<Lanes128<float32>, Vector128<float32>, float32>(
                spec,
                plan,
                x,
                dy,
                places,
                dw,
                workspace,
                epilogue
            )

/// Convolutions and their gradients by the method that is expected to be the fastest. Shapes alone decide.
[<AbstractClass; Sealed>]
type internal ConvMethod private () =

    /// Bytes of workspace of `Forward`.
    static member ForwardWorkspace(width: Width, dtype: DType, spec: ConvSpec) : int64 =
        if dtype = DType.Float32 && ConvQuick.ForwardGains(width, spec) then
            ConvQuick.ForwardWorkspace(width, spec)
        else
            Conv.ForwardWorkspace(width, dtype, spec)

    /// y = convolution of x with w.
    static member Forward
        (width: Width, dtype: DType, spec: ConvSpec, x: nativeint, w: nativeint, y: nativeint, workspace, epilogue)
        : Kernel =
        if dtype = DType.Float32 && ConvQuick.ForwardGains(width, spec) then
            ConvQuick.Forward(width, spec, x, w, y, workspace, epilogue)
        else
            Conv.Forward(width, dtype, spec, x, w, y, workspace, epilogue)

    /// Whether `Ended` does a convolution, from weights as they are or prepared.
    static member CanEnd(isPrepared: bool, width: Width, dtype: DType, spec: ConvSpec) : bool =
        ConvPrepared.CanEnd(isPrepared, width, dtype, spec)
        || (not isPrepared && dtype = DType.Float32 && ConvQuick.ForwardGains(width, spec))

    /// Whether `Ended`, where it does a convolution, takes an addend.
    static member CanAdd(isPrepared: bool, width: Width, dtype: DType, spec: ConvSpec) : bool =
        isPrepared || not (ConvPrepared.CanEnd(isPrepared, width, dtype, spec))

    /// A convolution whose results are ended in registers, where `CanEnd` says so.
    static member Ended
        (isPrepared: bool, width: Width, dtype: DType, spec: ConvSpec, x, weights, y, workspace, ending: ConvEnding)
        : Kernel =
        if ConvPrepared.CanEnd(isPrepared, width, dtype, spec) then
            ConvPrepared.Ended(isPrepared, width, dtype, spec, x, weights, y, workspace, ending)
        else
            ConvQuick.Ended(width, spec, x, weights, y, workspace, ending)

    /// Whether `Ended` can pool and write which positions it kept.
    static member CanPlace(isPrepared: bool, width: Width, dtype: DType, spec: ConvSpec) : bool =
        dtype = DType.Float32
        && ConvMethod.CanEnd(isPrepared, width, dtype, spec)
        && ConvMethod.CanAdd(isPrepared, width, dtype, spec)

    /// Whether `InputGrad` takes places or a mask.
    static member IsQuickToSource(width: Width, dtype: DType, spec: ConvSpec) : bool =
        dtype = DType.Float32 && ConvQuick.InputGradGains(width, spec)

    /// Whether `KernelGrad` takes places.
    static member IsQuickToWeights(width: Width, dtype: DType, spec: ConvSpec) : bool =
        dtype = DType.Float32 && ConvQuick.KernelGradGains(width, spec)

    /// Bytes of workspace of `InputGrad`.
    static member InputGradWorkspace(width: Width, dtype: DType, spec: ConvSpec) : int64 =
        if ConvMethod.IsQuickToSource(width, dtype, spec) then
            ConvQuick.InputGradWorkspace(width, spec)
        else
            Conv.InputGradWorkspace(width, dtype, spec)

    /// dx from dy and the weights: also what a transposed convolution computes. With `places`, where it takes them, `dy` is the
    /// gradient of the results' 2 x 2 max-pooling; with an ending, where it takes a mask, there is no epilogue.
    static member InputGrad
        (
            width: Width,
            dtype: DType,
            spec: ConvSpec,
            dy: nativeint,
            w: nativeint,
            dx: nativeint,
            workspace,
            epilogue,
            ?places: nativeint,
            ?ending: ConvEnding
        ) : Kernel =
        if ConvMethod.IsQuickToSource(width, dtype, spec) then
            ConvQuick.InputGrad(width, spec, dy, w, dx, workspace, epilogue, ?places = places, ?ending = ending)
        else
            Conv.InputGrad(width, dtype, spec, dy, w, dx, workspace, epilogue)

    /// Bytes of workspace of `KernelGrad`.
    static member KernelGradWorkspace(width: Width, dtype: DType, spec: ConvSpec) : int64 =
        if ConvMethod.IsQuickToWeights(width, dtype, spec) then
            ConvQuick.KernelGradWorkspace(width, spec)
        else
            Conv.KernelGradWorkspace(width, dtype, spec)

    /// dw from x and dy. With `places`, where it takes them, `dy` is the gradient of the results' 2 x 2 max-pooling.
    static member KernelGrad
        (
            width: Width,
            dtype: DType,
            spec: ConvSpec,
            x: nativeint,
            dy: nativeint,
            dw: nativeint,
            workspace,
            epilogue,
            ?places: nativeint
        ) : Kernel =
        if ConvMethod.IsQuickToWeights(width, dtype, spec) then
            ConvQuick.KernelGrad(width, spec, x, dy, dw, workspace, epilogue, ?places = places)
        else
            Conv.KernelGrad(width, dtype, spec, x, dy, dw, workspace, epilogue)
