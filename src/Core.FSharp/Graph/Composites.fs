namespace FunctionalNet.Graph

open System
open FunctionalNet

/// exp x / sum (exp x) along one axis.
[<Sealed>]
type internal Softmax(axis: int) =
    inherit Composite("Softmax")

    member _.Axis = axis

    override _.Key: obj = ("Softmax " + string axis) :> obj

    override _.Decompose inputs =
        let x = inputs[0]
        // The shift keeps exp from overflowing and changes no derivative.
        let e = Ops.exp (x - Ops.stopGradient (Ops.max [| axis |] true x))
        [| e / Ops.sum [| axis |] true e |]

    override _.Vjp(_, outputs, cotangents) =
        let y, g = outputs[0], cotangents[0]
        Some [| y * (g - Ops.sum [| axis |] true (g * y)) |]

/// log (softmax x) along one axis.
[<Sealed>]
type internal LogSoftmax(axis: int) =
    inherit Composite("LogSoftmax")

    member _.Axis = axis

    override _.Key: obj = ("LogSoftmax " + string axis) :> obj

    override _.Decompose inputs =
        let x = inputs[0]
        let shifted = x - Ops.stopGradient (Ops.max [| axis |] true x)
        [| shifted - Ops.log (Ops.sum [| axis |] true (Ops.exp shifted)) |]

    override _.Vjp(inputs, _, cotangents) =
        let g = cotangents[0]
        let softmax = Expr.Node(Structured(Softmax axis), [| inputs[0] |])
        Some [| g - softmax * Ops.sum [| axis |] true g |]

/// Inputs: labels (int, rows), logits (rows, n), g (rows). The gradient of SparseSoftmaxCrossEntropy to the logits:
/// g (softmax - one-hot), 0 for a label out of range.
[<Sealed>]
type internal SparseSoftmaxCrossEntropyGrad() =
    inherit Composite("SparseSoftmaxCrossEntropyGrad")

    override _.Key: obj = "SparseSoftmaxCrossEntropyGrad" :> obj

    override _.Decompose inputs =
        let labels, logits, g = inputs[0], inputs[1], inputs[2]
        let axis = logits.Rank - 1
        let hot = Ops.oneHot logits.Shape[axis] logits.DType labels
        let softmax = Expr.Node(Structured(Softmax axis), [| logits |])
        let known = Ops.sum [| axis |] true hot
        [| Ops.expandDims -1 g * (softmax * known - hot) |]

/// Inputs: labels (int, rows), logits (rows, n). The loss of every row: - log softmax at the label; 0 for a label out of
/// range.
[<Sealed>]
type internal SparseSoftmaxCrossEntropy() =
    inherit Composite("SparseSoftmaxCrossEntropy")

    override _.Key: obj = "SparseSoftmaxCrossEntropy" :> obj

    override _.Decompose inputs =
        let labels, logits = inputs[0], inputs[1]
        let axis = logits.Rank - 1
        let logp = Expr.Node(Structured(LogSoftmax axis), [| logits |])
        [| Ops.neg (Ops.squeeze [| axis |] (Ops.takeAlongAxis (Ops.expandDims -1 labels) axis logp)) |]

    override _.Vjp(inputs, _, cotangents) =
        let grad =
            Expr.Node(Structured(SparseSoftmaxCrossEntropyGrad()), [| inputs[0]; inputs[1]; cotangents[0] |])
        Some [| Ops.zerosLike inputs[0]; grad |]

/// Inputs: targets (rows, n), logits (rows, n), g (rows). The gradient of SoftmaxCrossEntropy to the logits.
[<Sealed>]
type internal SoftmaxCrossEntropyGrad() =
    inherit Composite("SoftmaxCrossEntropyGrad")

    override _.Key: obj = "SoftmaxCrossEntropyGrad" :> obj

    override _.Decompose inputs =
        let targets, logits, g = inputs[0], inputs[1], inputs[2]
        let axis = logits.Rank - 1
        let softmax = Expr.Node(Structured(Softmax axis), [| logits |])
        [| Ops.expandDims -1 g * (softmax * Ops.sum [| axis |] true targets - targets) |]

/// Inputs: targets (rows, n), logits (rows, n). The loss of every row: - sum (targets * log softmax).
[<Sealed>]
type internal SoftmaxCrossEntropy() =
    inherit Composite("SoftmaxCrossEntropy")

    override _.Key: obj = "SoftmaxCrossEntropy" :> obj

    override _.Decompose inputs =
        let targets, logits = inputs[0], inputs[1]
        let axis = logits.Rank - 1
        let logp = Expr.Node(Structured(LogSoftmax axis), [| logits |])
        [| Ops.neg (Ops.sum [| axis |] false (targets * logp)) |]

    override _.Vjp(inputs, _, cotangents) =
        let targets, logits, g = inputs[0], inputs[1], cotangents[0]
        let logp = Expr.Node(Structured(LogSoftmax(logits.Rank - 1)), [| logits |])
        let grad = Expr.Node(Structured(SoftmaxCrossEntropyGrad()), [| targets; logits; g |])
        Some [| Ops.neg (Ops.expandDims -1 g * logp); grad |]

/// Input: x. Results: (x - mean) / sqrt (variance + epsilon) with the mean and the population variance over some axes, then
/// these two, with the axes kept as size 1.
[<Sealed>]
type internal Standardize(axes: int[], epsilon: float) =
    inherit Composite("Standardize")

    // An incoming derivative that is nothing but zeros: of a mean that only moves a running one.
    let rec isZero (e: Expr) =
        match e.Op with
        | Constant t -> t.ToDoubles() |> Array.forall (fun v -> v = 0.0)
        | Broadcast _
        | Reshape _ -> isZero e.Inputs[0]
        | _ -> false

    override _.Key: obj = struct ("Standardize", String.Join(",", axes), epsilon) :> obj

    override _.Decompose inputs =
        let x = inputs[0]
        let struct (mean, variance) = Ops.moments axes true x
        [| (x - mean) * Ops.rsqrt (variance + epsilon); mean; variance |]

    // What the shift and the scale take away from the derivative is its mean, and its mean along the result.
    override _.Vjp(inputs, outputs, cotangents) =
        let y, mean, variance = outputs[0], outputs[1], outputs[2]
        let ofMean, ofVariance = cotangents[1], cotangents[2]
        let g = cotangents[0]
        let share = 1.0 / float (max 1 (inputs[0].Shape.Size / max 1 mean.Shape.Size))
        let total (e: Expr) = Ops.sum axes true e
        let along = y * (total (g * y) * share)
        let direct = (g - total g * share - along) * Ops.rsqrt (variance + epsilon)
        let direct = if isZero ofMean then direct else direct + ofMean * share

        Some [| (if isZero ofVariance then direct else direct + (inputs[0] - mean) * (ofVariance * (2.0 * share))) |]
