namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics
open FunctionalNet

/// How a convolution uses weights that have been prepared for it.
type internal ConvDesign =
    /// Weights as they are.
    | Plain = 0
    /// Direct, from packed panels.
    | Packed = 1
    /// Winograd's method, from transformed panels.
    | Winograd = 2

/// Convolutions whose weights change more rarely than they are used: what depends on the weights alone is done once.
[<AbstractClass; Sealed>]
type internal ConvPrepared private () =

    static let direct (width: Width) (dtype: DType) (spec: ConvSpec) =
        let g = Conv.ForwardShape(DType.size dtype, spec)
        struct (g, ConvPlan(width, g, false, true))

    static let packing (width: Width) (dtype: DType) (spec: ConvSpec) (w: nativeint) (target: nativeint) : Kernel =
        let struct (g, plan) = direct width dtype spec
        let none = Epilogue.None

        match dtype, width with
        | DType.Float32, Width.W512 ->
            ConvPackKernel(
                ConvDirectKernel<Lanes512<float32>, Vector512<float32>, float32>(
                    g,
                    plan,
                    false,
                    0n,
                    w,
                    target,
                    0n,
                    0n,
                    none
                )
            )
        | DType.Float32, Width.W256 ->
            ConvPackKernel(
                ConvDirectKernel<Lanes256<float32>, Vector256<float32>, float32>(
                    g,
                    plan,
                    false,
                    0n,
                    w,
                    target,
                    0n,
                    0n,
                    none
                )
            )
        | DType.Float32, _ ->
            ConvPackKernel(
                ConvDirectKernel<Lanes128<float32>, Vector128<float32>, float32>(
                    g,
                    plan,
                    false,
                    0n,
                    w,
                    target,
                    0n,
                    0n,
                    none
                )
            )
        | _, Width.W512 ->
            ConvPackKernel(
                ConvDirectKernel<Lanes512<float>, Vector512<float>, float>(g, plan, false, 0n, w, target, 0n, 0n, none)
            )
        | _, Width.W256 ->
            ConvPackKernel(
                ConvDirectKernel<Lanes256<float>, Vector256<float>, float>(g, plan, false, 0n, w, target, 0n, 0n, none)
            )
        | _ ->
            ConvPackKernel(
                ConvDirectKernel<Lanes128<float>, Vector128<float>, float>(g, plan, false, 0n, w, target, 0n, 0n, none)
            )

    static let packed (width: Width) (dtype: DType) (spec: ConvSpec) x p y workspace epilogue : Kernel =
        let struct (g, plan) = direct width dtype spec

        match dtype, width with
        | DType.Float32, Width.W512 ->
            ConvDirectKernel<Lanes512<float32>, Vector512<float32>, float32>(
                g,
                plan,
                false,
                x,
                0n,
                p,
                y,
                workspace,
                epilogue
            )
        | DType.Float32, Width.W256 ->
            ConvDirectKernel<Lanes256<float32>, Vector256<float32>, float32>(
                g,
                plan,
                false,
                x,
                0n,
                p,
                y,
                workspace,
                epilogue
            )
        | DType.Float32, _ ->
            ConvDirectKernel<Lanes128<float32>, Vector128<float32>, float32>(
                g,
                plan,
                false,
                x,
                0n,
                p,
                y,
                workspace,
                epilogue
            )
        | _, Width.W512 ->
            ConvDirectKernel<Lanes512<float>, Vector512<float>, float>(g, plan, false, x, 0n, p, y, workspace, epilogue)
        | _, Width.W256 ->
            ConvDirectKernel<Lanes256<float>, Vector256<float>, float>(g, plan, false, x, 0n, p, y, workspace, epilogue)
        | _ ->
            ConvDirectKernel<Lanes128<float>, Vector128<float>, float>(g, plan, false, x, 0n, p, y, workspace, epilogue)

    static let thin (width: Width) (dtype: DType) (spec: ConvSpec) x weights y ending : Kernel =
        let plan = ConvThinPlan(width, DType.size dtype, spec)

        match dtype, width with
        | DType.Float32, Width.W512 ->
            ConvThinKernel<Lanes512<float32>, Vector512<float32>, float32>(spec, plan, x, weights, y, ending)
        | DType.Float32, Width.W256 ->
            ConvThinKernel<Lanes256<float32>, Vector256<float32>, float32>(spec, plan, x, weights, y, ending)
        | DType.Float32, _ ->
            ConvThinKernel<Lanes128<float32>, Vector128<float32>, float32>(spec, plan, x, weights, y, ending)
        | DType.Float64, Width.W512 ->
            ConvThinKernel<Lanes512<float>, Vector512<float>, float>(spec, plan, x, weights, y, ending)
        | DType.Float64, Width.W256 ->
            ConvThinKernel<Lanes256<float>, Vector256<float>, float>(spec, plan, x, weights, y, ending)
        | DType.Float64, _ ->
            ConvThinKernel<Lanes128<float>, Vector128<float>, float>(spec, plan, x, weights, y, ending)
        | other, _ -> Conv.Fail other

    /// By Winograd's method; with `places`, the source is the gradient of a max-pooling, and `x` that of the pooled.
    static member Winograd
        (width: Width, spec: ConvSpec, x, places: nativeint, prepared, y, workspace, ending, epilogue: Epilogue)
        : Kernel =
        let plan = WinogradPlan(width, 4, spec)

        match width with
        | Width.W512 ->
            WinogradKernel<Lanes512<float32>, Vector512<float32>, float32>(
                spec,
                plan,
                x,
                places,
                prepared,
                y,
                workspace,
                ending,
                epilogue
            )
        | Width.W256 ->
            WinogradKernel<Lanes256<float32>, Vector256<float32>, float32>(
                spec,
                plan,
                x,
                places,
                prepared,
                y,
                workspace,
                ending,
                epilogue
            )
        | _ ->
            WinogradKernel<Lanes128<float32>, Vector128<float32>, float32>(
                spec,
                plan,
                x,
                places,
                prepared,
                y,
                workspace,
                ending,
                epilogue
            )

    /// The design for these shapes. Winograd's method is for float32 alone.
    static member Design(width: Width, dtype: DType, spec: ConvSpec) : ConvDesign =
        if Conv.IsDepthwise spec then
            ConvDesign.Plain
        elif dtype = DType.Float32 && WinogradPlan.Gains(width, 4, spec) then
            ConvDesign.Winograd
        elif ConvThinPlan.Gains(width, DType.size dtype, spec) then
            ConvDesign.Plain
        else
            let struct (_, plan) = direct width dtype spec
            if plan.PrepackedBytes > 0L then ConvDesign.Packed else ConvDesign.Plain

    /// Bytes of prepared weights of a design.
    static member Bytes(design: ConvDesign, width: Width, dtype: DType, spec: ConvSpec) : int64 =
        match design with
        | ConvDesign.Winograd -> WinogradPlan(width, DType.size dtype, spec).WeightBytes
        | ConvDesign.Packed ->
            let struct (_, plan) = direct width dtype spec
            plan.PrepackedBytes
        | _ -> 0L

    /// Prepares the weights.
    static member Prepare
        (design: ConvDesign, width: Width, dtype: DType, spec, w: nativeint, target: nativeint)
        : Kernel =
        match design, width with
        | ConvDesign.Winograd, Width.W512 ->
            WinogradPackKernel<Lanes512<float32>, Vector512<float32>, float32>(
                spec,
                WinogradPlan(width, 4, spec),
                w,
                target
            )
        | ConvDesign.Winograd, Width.W256 ->
            WinogradPackKernel<Lanes256<float32>, Vector256<float32>, float32>(
                spec,
                WinogradPlan(width, 4, spec),
                w,
                target
            )
        | ConvDesign.Winograd, _ ->
            WinogradPackKernel<Lanes128<float32>, Vector128<float32>, float32>(
                spec,
                WinogradPlan(width, 4, spec),
                w,
                target
            )
        | _ -> packing width dtype spec w target

    /// Bytes of workspace of `Forward`.
    static member Workspace(design: ConvDesign, width: Width, dtype: DType, spec: ConvSpec) : int64 =
        match design with
        | ConvDesign.Winograd -> WinogradPlan(width, DType.size dtype, spec).Workspace
        | ConvDesign.Packed ->
            let struct (_, plan) = direct width dtype spec
            plan.Workspace
        | _ -> Conv.ForwardWorkspace(width, dtype, spec)

    /// y = convolution of x with the weights that `Prepare` has prepared.
    static member Forward
        (
            design: ConvDesign,
            width: Width,
            dtype: DType,
            spec: ConvSpec,
            x: nativeint,
            prepared: nativeint,
            y: nativeint,
            workspace: nativeint,
            epilogue: Epilogue
        ) : Kernel =
        match design with
        | ConvDesign.Winograd ->
            ConvPrepared.Winograd(width, spec, x, 0n, prepared, y, workspace, ConvEnding.None, epilogue)
        | ConvDesign.Packed -> packed width dtype spec x prepared y workspace epilogue
        | _ -> Conv.Forward(width, dtype, spec, x, prepared, y, workspace, epilogue)

    /// Whether `Ended` does a convolution, from weights as they are or prepared.
    static member CanEnd(isPrepared: bool, width: Width, dtype: DType, spec: ConvSpec) : bool =
        let isWinograd = ConvPrepared.Design(width, dtype, spec) = ConvDesign.Winograd
        if isPrepared then isWinograd else ConvThinPlan.Gains(width, DType.size dtype, spec)

    /// A convolution whose results are ended in registers, where `CanEnd` says so.
    static member Ended
        (
            isPrepared: bool,
            width: Width,
            dtype: DType,
            spec: ConvSpec,
            x: nativeint,
            weights: nativeint,
            y: nativeint,
            workspace: nativeint,
            ending: ConvEnding
        ) : Kernel =
        if isPrepared then
            ConvPrepared.Winograd(width, spec, x, 0n, weights, y, workspace, ending, Epilogue.None)
        else
            thin width dtype spec x weights y ending
