namespace FunctionalNet

open System
open FunctionalNet.Graph

/// <summary>Types of window operations.</summary>
[<AutoOpen>]
module WindowTypes =

    /// <summary>What surrounds the input of a convolution or pooling.</summary>
    [<RequireQualifiedAccess; NoComparison>]
    type Padding =
        /// <summary>Nothing: windows lie inside.</summary>
        | Valid
        /// <summary>As much as gives ceil(size / stride) windows; the odd cell goes behind.</summary>
        | Same
        /// <summary>In front only, so that no window sees later cells than its own.</summary>
        | Causal
        /// <summary>These numbers of cells in front and behind, per spatial axis.</summary>
        | Explicit of low: int[] * high: int[]

/// <summary>Convolution and pooling; channels are the last axis.</summary>
[<AutoOpen>]
module WindowOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        let private checkWindowed op (x: Expr) =
            if x.Rank < 3 || x.Rank > 5 then
                OpsSupport.shapeError
                    op
                    "rank 3 to 5: (batch, 1 to 3 spatial axes, channels)"
                    (x.Shape.ToString())
                    "Images without a channel axis need one: reshape (n, h, w) to (n, h, w, 1)."

            x.Rank - 2

        let private checkNumbers op argument rank (values: int[]) =
            if values.Length <> rank || values |> Array.exists (fun v -> v <= 0) then
                OpsSupport.argumentError
                    op
                    argument
                    (string rank + " positive numbers, one per spatial axis")
                    (OpsSupport.text values)
                    "Give one number per spatial axis."

        let private pads op (padding: Padding) (sizes: int[]) (window: int[]) (strides: int[]) (dilations: int[]) =
            match padding with
            | Padding.Valid -> Array.zeroCreate sizes.Length, Array.zeroCreate sizes.Length
            | Padding.Same ->
                let both =
                    Array.init sizes.Length (fun i -> Shape.samePadding sizes[i] window[i] strides[i] dilations[i])
                both |> Array.map (fun (struct (l, _)) -> l), both |> Array.map (fun (struct (_, h)) -> h)
            | Padding.Causal -> Array.map2 (fun k d -> (k - 1) * d) window dilations, Array.zeroCreate sizes.Length
            | Padding.Explicit(low, high) ->
                if low.Length <> sizes.Length || high.Length <> sizes.Length then
                    OpsSupport.argumentError
                        op
                        "padding"
                        ("a pair per spatial axis, " + string sizes.Length)
                        (OpsSupport.text low + " and " + OpsSupport.text high)
                        "Give one number per spatial axis and side."

                low, high

        let private checkKernel op rank (kernel: Expr) =
            if kernel.Rank <> rank + 2 then
                OpsSupport.shapeError
                    op
                    ("a kernel of rank " + string (rank + 2))
                    (kernel.Shape.ToString())
                    "A kernel has the spatial axes, then two channel axes."

            if kernel.Shape.ToArray() |> Array.exists (fun d -> d = 0) then
                OpsSupport.shapeError
                    op
                    "a kernel without sizes of 0"
                    (kernel.Shape.ToString())
                    "Every size must be positive."

        /// <summary>Convolution without flip: x (batch, spatial, in) and kernel (spatial, in / groups, filters) give
        /// (batch, spatial, filters). 1 to 3 spatial axes; strides and dilations have one number for each.</summary>
        /// <exception cref="T:FunctionalNet.ShapeException">Ranks or channels do not fit, or the input is smaller than the
        /// kernel.</exception>
        let conv (strides: int[]) (padding: Padding) (dilations: int[]) (groups: int) (kernel: Expr) (x: Expr) : Expr =
            let rank = checkWindowed "Conv" x
            checkKernel "Conv" rank kernel
            checkNumbers "Conv" "strides" rank strides
            checkNumbers "Conv" "dilations" rank dilations

            if groups <= 0 then
                OpsSupport.argumentError
                    "Conv"
                    "groups"
                    "a positive number"
                    (string groups)
                    "Use 1 for an ordinary convolution."

            let sizes, window = x.Shape.ToArray()[1..rank], kernel.Shape.ToArray()[.. rank - 1]
            let low, high = pads "Conv" padding sizes window strides dilations

            let spec = { Strides = strides; Dilations = dilations; PadLow = low; PadHigh = high; Groups = groups }

            Expr.Node(Conv spec, [| x; kernel |])

        /// <summary>Convolution of every channel by itself: kernel (spatial, in, multiplier) gives in * multiplier
        /// channels.</summary>
        let depthwiseConv (strides: int[]) (padding: Padding) (dilations: int[]) (kernel: Expr) (x: Expr) : Expr =
            let rank = checkWindowed "DepthwiseConv" x
            checkKernel "DepthwiseConv" rank kernel

            if kernel.Shape[-2] <> x.Shape[-1] then
                OpsSupport.shapeError
                    "DepthwiseConv"
                    ("a kernel for " + string x.Shape[-1] + " channels")
                    (kernel.Shape.ToString())
                    "The kernel is (spatial, in, multiplier)."

            let window = kernel.Shape.ToArray()[.. rank - 1]
            let shape = Shape.Of(Array.append window [| 1; kernel.Shape[-2] * kernel.Shape[-1] |])
            conv strides padding dilations x.Shape[-1] (OpsSupport.reshapeTo shape kernel) x

        /// <summary>The transpose of a convolution: x (batch, spatial, in) and kernel (spatial, filters, in) give
        /// (batch, spatial, filters). Lengths: valid (n - 1) * stride + max(window, stride), same n * stride; with output padding
        /// p: (n - 1) * stride + window + p, or (n - 1) * stride + window mod 2 + p.</summary>
        let convTranspose
            (strides: int[])
            (padding: Padding)
            (outputPadding: int[] option)
            (dilations: int[])
            (kernel: Expr)
            (x: Expr)
            : Expr =
            let rank = checkWindowed "ConvTranspose" x
            checkKernel "ConvTranspose" rank kernel
            checkNumbers "ConvTranspose" "strides" rank strides
            checkNumbers "ConvTranspose" "dilations" rank dilations

            if kernel.Shape[-1] <> x.Shape[-1] then
                OpsSupport.shapeError
                    "ConvTranspose"
                    ("a kernel (spatial, filters, " + string x.Shape[-1] + ")")
                    (kernel.Shape.ToString())
                    "The last axis of the kernel is the input's channels."

            match outputPadding with
            | Some p when p.Length <> rank || Array.exists2 (fun o s -> o < 0 || o >= s) p strides ->
                OpsSupport.argumentError
                    "ConvTranspose"
                    "outputPadding"
                    ("from 0 to below the stride, " + string rank + " numbers")
                    (OpsSupport.text p)
                    "It chooses among the lengths that the stride leaves open."
            | _ -> ()

            let same =
                match padding with
                | Padding.Same -> true
                | Padding.Valid -> false
                | _ ->
                    OpsSupport.argumentError
                        "ConvTranspose"
                        "padding"
                        "valid or same"
                        "another"
                        "Crop the result instead."

            let axis i =
                let n, s = x.Shape[i + 1], strides[i]
                let k = (kernel.Shape[i] - 1) * dilations[i] + 1

                let length =
                    match outputPadding with
                    | None -> if same then n * s else (n - 1) * s + Math.Max(k, s)
                    | Some p -> (n - 1) * s + (if same then k % 2 else k) + p[i]

                let total = if same then Math.Max((n - 1) * s + k - length, 0) else 0
                struct (length, total / 2, total - total / 2)

            let axes = Array.init rank axis

            let spec =
                { Strides = strides
                  Dilations = dilations
                  PadLow = axes |> Array.map (fun (struct (_, l, _)) -> l)
                  PadHigh = axes |> Array.map (fun (struct (_, _, h)) -> h)
                  Groups = 1 }

            let lengths = axes |> Array.map (fun (struct (n, _, _)) -> n)
            let shape = Shape.Of(Array.concat [ [| x.Shape[0] |]; lengths; [| kernel.Shape[-2] |] ])
            Expr.Node(ConvInputGrad(spec, shape), [| x; kernel |])

        let private poolSpec op (window: int[]) (strides: int[]) (padding: Padding) (x: Expr) =
            let rank = checkWindowed op x
            checkNumbers op "window" rank window
            checkNumbers op "strides" rank strides
            let low, high = pads op padding (x.Shape.ToArray()[1..rank]) window strides (Array.create rank 1)

            { Window = window; Strides = strides; PadLow = low; PadHigh = high }

        /// <summary>The greatest element of every window of x (batch, spatial, channels), per channel. Padding never wins.</summary>
        let maxPool (window: int[]) (strides: int[]) (padding: Padding) (x: Expr) : Expr =
            Expr.Node(MaxPool(poolSpec "MaxPool" window strides padding x), [| x |])

        /// <summary>The mean of every window of x (batch, spatial, channels), per channel. Padding does not count.</summary>
        let averagePool (window: int[]) (strides: int[]) (padding: Padding) (x: Expr) : Expr =
            let spec = poolSpec "AveragePool" window strides padding x
            let sums = Expr.Node(SumPool spec, [| x |])
            let volume = window |> Array.fold (*) 1

            if Array.forall (fun p -> p = 0) spec.PadLow && Array.forall (fun p -> p = 0) spec.PadHigh then
                sums * (1.0 / float volume)
            else
                // How many cells of the input every window holds, one spatial axis at a time.
                let mutable scale = Expr.Scalar(x.DType, 1.0)

                for i in 0 .. window.Length - 1 do
                    let count o =
                        let first = o * strides[i] - spec.PadLow[i]
                        Math.Min(first + window[i], x.Shape[i + 1]) - Math.Max(first, 0)

                    let inverse = Array.init sums.Shape[i + 1] (fun o -> 1.0 / float (Math.Max(count o, 1)))
                    let shape = Array.create x.Rank 1
                    shape[i + 1] <- inverse.Length
                    scale <- scale * Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of shape, inverse))

                sums * scale
