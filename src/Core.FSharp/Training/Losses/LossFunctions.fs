namespace FunctionalNet.Training

open System
open FunctionalNet
open FunctionalNet.Graph

/// Losses of single samples, from targets and predictions of one dtype.
module internal LossFunctions =

    [<Literal>]
    let Epsilon = 1e-7

    let private last = [| -1 |]

    let private like (x: Expr) (value: float) = Ops.scalar x.DType value

    let private atLeast (least: float) (x: Expr) = Ops.maximum x (like x least)

    let private meanLast (x: Expr) = if x.Rank = 0 then x else Ops.mean last false x

    // Regression

    let squaredError (t: Expr) (p: Expr) = meanLast (Ops.square (p - t))

    let absoluteError (t: Expr) (p: Expr) = meanLast (Ops.abs (t - p))

    let absolutePercentageError (t: Expr) (p: Expr) = meanLast (Ops.abs ((t - p) / atLeast Epsilon (Ops.abs t))) * 100.0

    let squaredLogarithmicError (t: Expr) (p: Expr) =
        let log x = Ops.log (atLeast Epsilon x + 1.0)
        meanLast (Ops.square (log t - log p))

    let huber (delta: float) (t: Expr) (p: Expr) =
        let error = p - t
        let size = Ops.abs error
        let inside = Ops.lessEqual size (like size delta)
        meanLast (Ops.where inside (0.5 * Ops.square error) (delta * size - 0.5 * delta * delta))

    let logCosh (t: Expr) (p: Expr) =
        let x = p - t
        meanLast (x + Ops.softplus (x * -2.0) - Math.Log 2.0)

    let poisson (t: Expr) (p: Expr) = meanLast (p - t * Ops.log (p + Epsilon))

    let private unit (axes: int[]) (x: Expr) =
        x / Ops.sqrt (atLeast (Epsilon * Epsilon) (Ops.sum axes true (Ops.square x)))

    let cosineSimilarity (axis: int) (t: Expr) (p: Expr) =
        Ops.sum [| axis |] false (unit [| axis |] t * unit [| axis |] p)

    // Margins

    /// Targets of 0 and 1 become -1 and 1, if there are no others.
    let private signs (t: Expr) =
        let binary = Ops.logicalOr (Ops.equal t (like t 0.0)) (Ops.equal t (like t 1.0))
        let all = Ops.all [| 0 .. t.Rank - 1 |] false binary
        Ops.where all (2.0 * t - 1.0) t

    let hinge (t: Expr) (p: Expr) = meanLast (Ops.relu (1.0 - signs t * p))

    let squaredHinge (t: Expr) (p: Expr) = meanLast (Ops.square (Ops.relu (1.0 - signs t * p)))

    let categoricalHinge (t: Expr) (p: Expr) =
        let positive = Ops.sum last false (t * p)
        let negative = Ops.max last false ((1.0 - t) * p)
        Ops.relu (negative - positive + 1.0)

    // Distributions

    let divergence (t: Expr) (p: Expr) =
        let t, p = Ops.clip Epsilon 1.0 t, Ops.clip Epsilon 1.0 p
        Ops.sum last false (t * Ops.log (t / p))

    /// The logits of an output of sigmoid or softmax over the last axis: cross-entropy is more exact from them than from
    /// probabilities, and its derivative has no division.
    let rec private logitsOf (activation: string) (p: Expr) : Expr voption =
        match p.Op with
        | Unary UnaryOp.Sigmoid when activation = "Sigmoid" -> ValueSome p.Inputs[0]
        | Structured(:? Softmax as s) when activation = "Softmax" && s.Axis = p.Rank - 1 -> ValueSome p.Inputs[0]
        // A last axis of size 1 may have been added or removed on the way. Sigmoid does not care about the shape.
        | Reshape shape when activation = "Sigmoid" ->
            match logitsOf activation p.Inputs[0] with
            | ValueSome x -> ValueSome(Ops.reshape (shape.ToArray()) x)
            | ValueNone -> ValueNone
        | _ -> ValueNone

    let private smoothBinary (smoothing: float) (t: Expr) =
        if smoothing = 0.0 then t else t * (1.0 - smoothing) + 0.5 * smoothing

    /// Keras counts the classes along the last axis, whichever axis they are on.
    let private smoothClasses (smoothing: float) (t: Expr) =
        if smoothing = 0.0 then t else t * (1.0 - smoothing) + smoothing / float t.Shape[-1]

    let private binaryFromProbability (t: Expr) (p: Expr) =
        let p = Ops.clip Epsilon (1.0 - Epsilon) p
        -(t * Ops.log p + (1.0 - t) * Ops.log (1.0 - p))

    let binaryCrossentropy (options: CrossentropyOptions) (t: Expr) (p: Expr) =
        let t = smoothBinary options.LabelSmoothing t
        let logits = if options.FromLogits then ValueSome p else logitsOf "Sigmoid" p

        let losses =
            match logits with
            // Exact for large logits of either sign, and with the right derivative at 0.
            | ValueSome x -> t * Ops.softplus (-x) + (1.0 - t) * Ops.softplus x
            | ValueNone -> binaryFromProbability t p

        Ops.mean [| options.Axis |] false losses

    let binaryFocal (balanced: bool) (alpha: float) (gamma: float) (options: CrossentropyOptions) (t: Expr) (p: Expr) =
        let t = smoothBinary options.LabelSmoothing t
        let p = if options.FromLogits then Ops.sigmoid p else p
        let hit = t * p + (1.0 - t) * (1.0 - p)
        let losses = Ops.powScalar gamma (1.0 - hit) * binaryFromProbability t p
        let losses = if balanced then (t * alpha + (1.0 - t) * (1.0 - alpha)) * losses else losses
        Ops.mean [| options.Axis |] false losses

    /// Probabilities that sum to 1 and are neither 0 nor 1.
    let private normalized (axis: int) (p: Expr) = Ops.clip Epsilon (1.0 - Epsilon) (p / Ops.sum [| axis |] true p)

    let private classLogits (fromLogits: bool) (p: Expr) = if fromLogits then ValueSome p else logitsOf "Softmax" p

    /// The axis of the classes goes last; other axes keep their order.
    let private classesLast (axis: int) (x: Expr) = if axis = -1 || axis = x.Rank - 1 then x else Ops.moveAxis axis -1 x

    let categoricalCrossentropy (options: CrossentropyOptions) (t: Expr) (p: Expr) =
        let t = smoothClasses options.LabelSmoothing t
        let t, p = classesLast options.Axis t, classesLast options.Axis p

        match classLogits options.FromLogits p with
        | ValueSome logits -> Ops.softmaxCrossEntropy t logits
        | ValueNone -> -(Ops.sum last false (t * Ops.log (normalized -1 p)))

    /// One weight for all classes, or one for each along the last axis.
    let categoricalFocal (alphas: float[]) (gamma: float) (options: CrossentropyOptions) (t: Expr) (p: Expr) =
        if alphas.Length <> 1 && alphas.Length <> p.Shape[-1] then
            raise (
                ArgumentValueException(
                    "CategoricalFocalCrossentropy has another number of weights than the predictions have classes.",
                    "alpha",
                    "one number, or one for each of the " + string p.Shape[-1] + " classes",
                    string alphas.Length + " numbers",
                    "Give one number for all classes, or a list with one for each."
                )
            )

        let axes = [| options.Axis |]
        let t = smoothClasses options.LabelSmoothing t

        let p = if options.FromLogits then Ops.softmax options.Axis p else p
        let p = normalized options.Axis p
        let factor = Ops.powScalar gamma (1.0 - p)

        let weighted =
            if alphas.Length = 1 then
                alphas[0] * factor
            else
                Expr.Constant(Tensor.OfDoubles(p.DType, Shape.Of alphas.Length, alphas)) * factor

        Ops.sum axes false (weighted * (-t * Ops.log p))

    /// Class numbers, one per prediction, where a last axis of size 1 may be given or left out.
    let private classNumbers (loss: string) (axis: int) (t: Expr) (p: Expr) =
        let axis = if axis < 0 then axis + p.Rank else axis
        let wanted = Shape.removeAxes [| axis |] p.Shape
        let t = if t.Rank = p.Rank && t.Shape[-1] = 1 then Ops.squeeze [| -1 |] t else t

        if not (t.Shape.Equals wanted) then
            raise (
                ShapeException(
                    "Targets of " + loss + " must be one class number per prediction.",
                    loss,
                    wanted.ToString() + " for predictions of shape " + p.Shape.ToString(),
                    t.Shape.ToString(),
                    "If the targets are one-hot rows, use categorical_crossentropy."
                )
            )

        Ops.cast DType.Int32 t

    /// The predictions of the classes that the targets name.
    let private chosen (labels: Expr) (p: Expr) = Ops.squeeze last (Ops.takeAlongAxis (Ops.expandDims -1 labels) -1 p)

    /// Targets are class numbers.
    let sparseCategoricalCrossentropy (options: SparseCrossentropyOptions) (t: Expr) (p: Expr) : Flow =
        let labels = classNumbers "sparse_categorical_crossentropy" options.Axis t p
        let p = classesLast options.Axis p

        let losses =
            match classLogits options.FromLogits p with
            | ValueSome logits -> Ops.sparseSoftmaxCrossEntropy labels logits
            | ValueNone -> -(chosen labels (Ops.log (normalized -1 p)))

        match options.IgnoreClass with
        | None -> Flow.ofValue losses
        | Some ignored ->
            let kept = Ops.notEqual labels (like labels (float ignored))

            { Value = Ops.where kept losses (like losses 0.0); Mask = ValueSome kept }

    /// (1 - p^q) / q of the probability of the right class (Zhang and Sabuncu, 2018): as q goes to 0 cross-entropy, at 1 an
    /// absolute error, which wrong labels hurt less.
    let generalizedCrossEntropy (q: float) (t: Expr) (p: Expr) =
        let labels = classNumbers "categorical_generalized_cross_entropy" -1 t p
        let right = Ops.clip Epsilon (1.0 - Epsilon) (chosen labels p)
        (1.0 - Ops.powScalar q right) * (1.0 / q)

    // Overlap of regions

    let private allAxes (axes: int[] option) (x: Expr) = axes |> Option.defaultValue [| 0 .. x.Rank - 1 |]

    let dice (axes: int[] option) (t: Expr) (p: Expr) =
        let sum = Ops.sum (allAxes axes t) false
        1.0 - 2.0 * sum (t * p) / (sum t + sum p + Epsilon)

    let tversky (alpha: float) (beta: float) (axes: int[] option) (t: Expr) (p: Expr) =
        let sum = Ops.sum (allAxes axes t) false
        let both = sum (t * p)
        1.0 - both / (both + alpha * sum (t * (1.0 - p)) + beta * sum ((1.0 - t) * p) + Epsilon)

    // Similarity of pairs

    /// Rows of one label should point the same way, rows of different labels apart (Sun et al., 2020). Targets are labels, one
    /// per row; the rows of predictions should have length 1. Rows of which there is no loss are masked.
    let circle (gamma: float) (margin: float) (removeDiagonal: bool) (t: Expr) (p: Expr) : Flow =
        let labels = Ops.cast DType.Int32 (Ops.ravel t)
        let rows = labels.Shape[0]
        let alike = Ops.equal (Ops.expandDims 1 labels) (Ops.expandDims 0 labels)
        let different = Ops.logicalNot alike

        let alike =
            if removeDiagonal then
                Ops.logicalAnd alike (Ops.logicalNot (Ops.cast DType.Bool (Ops.eye DType.Int32 rows rows)))
            else
                alike

        let distance = atLeast 0.0 (1.0 - Ops.matmul p (Ops.transpose [| 1; 0 |] p))
        let attract = Ops.relu (distance + margin) * (distance - margin) * gamma
        let repel = Ops.relu (1.0 + margin - distance) * (1.0 - margin - distance) * gamma

        // Finite rather than infinite, so that a row without pairs has derivative 0, not NaN.
        let total (pairs: Expr) (x: Expr) = Ops.logsumexp last false (Ops.where pairs x (like x -1e30))
        let losses = Ops.softplus (total alike attract + total different repel)
        { Value = losses; Mask = ValueSome(Ops.greater losses (like losses 0.0)) }
