namespace FunctionalNet

open FunctionalNet.Common
open FunctionalNet.Training

/// <summary>Keras's losses. Each takes its mean over the batch unless given another reduction.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Loss =

    let private make (name: string) (config: Config option) (call: Expr -> Expr -> Flow) : Loss =
        { Name = name; Config = config; Reduction = LossReduction.SumOverBatchSize; Call = call }

    /// Floating-point predictions, and targets of their dtype and rank.
    let private aligned (t: Expr) (p: Expr) : struct (Expr * Expr) =
        let p = if DType.isFloating p.DType then p else Ops.cast DType.Float32 p
        Weighting.sameRank (Ops.cast p.DType t) p

    /// Broadcasting targets against predictions is a mistake more often than a wish.
    let private checkShapes (name: string) (t: Expr) (p: Expr) =
        if not (t.Shape.Equals p.Shape) then
            raise (
                ShapeException(
                    "Targets do not have the shape of the predictions.",
                    name,
                    p.Shape.ToString(),
                    t.Shape.ToString(),
                    if name.StartsWith("categorical", System.StringComparison.Ordinal) then
                        "If the targets are class numbers rather than one-hot rows, use sparse_categorical_crossentropy."
                    else
                        "Give the last layer as many units as a target has numbers, or reshape the targets."
                )
            )

    let private dense (name: string) (config: Config) (f: Expr -> Expr -> Expr) : Loss =
        make name (Some config) (fun t p ->
            let struct (t, p) = aligned t p
            checkShapes name t p
            Flow.ofValue (f t p))

    /// <summary>A loss of your own, from targets and predictions (of the predictions' dtype) to one number per sample. The
    /// function runs once per signature, when the step is traced, and says what to compute. It cannot be saved.</summary>
    [<CompiledName("Create")>]
    let create (name: string) (call: Expr -> Expr -> Expr) : Loss =
        make name None (fun t p ->
            let p = if DType.isFloating p.DType then p else Ops.cast DType.Float32 p
            let t = if DType.isFloating t.DType then Ops.cast p.DType t else t
            Flow.ofValue (call t p))

    /// <summary>The loss with another reduction.</summary>
    [<CompiledName("WithReduction")>]
    let withReduction (reduction: LossReduction) (loss: Loss) : Loss =
        let name =
            match reduction with
            | LossReduction.Sum -> "sum"
            | LossReduction.MeanWithSampleWeight -> "mean_with_sample_weight"
            | LossReduction.None -> "none"
            | _ -> "sum_over_batch_size"

        { loss with
            Reduction = reduction
            Config =
                loss.Config
                |> Option.map (fun c ->
                    { c with
                        Arguments =
                            (c.Arguments |> List.filter (fun (k, _) -> k <> "reduction"))
                            @ [ "reduction", Configs.text name ] }) }

    /// <summary>The loss under another name.</summary>
    [<CompiledName("Named")>]
    let named (name: string) (loss: Loss) : Loss = { loss with Name = name }

    /// <summary>Mean of squared differences. Keras: MeanSquaredError, mse.</summary>
    [<CompiledName("MeanSquaredError")>]
    let meanSquaredError: Loss =
        dense "mean_squared_error" (Configs.make "MeanSquaredError" []) LossFunctions.squaredError

    /// <summary>Mean of absolute differences. Keras: MeanAbsoluteError, mae.</summary>
    [<CompiledName("MeanAbsoluteError")>]
    let meanAbsoluteError: Loss =
        dense "mean_absolute_error" (Configs.make "MeanAbsoluteError" []) LossFunctions.absoluteError

    /// <summary>Mean of |t - p| / |t|, times 100. Keras: MeanAbsolutePercentageError, mape.</summary>
    [<CompiledName("MeanAbsolutePercentageError")>]
    let meanAbsolutePercentageError: Loss =
        dense
            "mean_absolute_percentage_error"
            (Configs.make "MeanAbsolutePercentageError" [])
            LossFunctions.absolutePercentageError

    /// <summary>Mean of squared differences of log(1 + x). Keras: MeanSquaredLogarithmicError, msle.</summary>
    [<CompiledName("MeanSquaredLogarithmicError")>]
    let meanSquaredLogarithmicError: Loss =
        dense
            "mean_squared_logarithmic_error"
            (Configs.make "MeanSquaredLogarithmicError" [])
            LossFunctions.squaredLogarithmicError

    /// <summary>Quadratic up to delta, linear beyond. Keras: Huber (delta 1).</summary>
    [<CompiledName("Huber")>]
    let huber (delta: float) : Loss =
        dense "huber_loss" (Configs.make "Huber" [ "delta", Configs.number delta ]) (LossFunctions.huber delta)

    /// <summary>Mean of log(cosh(p - t)). Keras: LogCosh.</summary>
    [<CompiledName("LogCosh")>]
    let logCosh: Loss = dense "log_cosh" (Configs.make "LogCosh" []) LossFunctions.logCosh

    /// <summary>Mean of p - t log p. Keras: Poisson.</summary>
    [<CompiledName("Poisson")>]
    let poisson: Loss = dense "poisson" (Configs.make "Poisson" []) LossFunctions.poisson

    /// <summary>The negative cosine of the angle along an axis. Keras: CosineSimilarity (axis -1).</summary>
    [<CompiledName("CosineSimilarity")>]
    let cosineSimilarity (axis: int) : Loss =
        dense "cosine_similarity" (Configs.make "CosineSimilarity" [ "axis", Configs.whole axis ]) (fun t p ->
            -(LossFunctions.cosineSimilarity axis t p))

    /// <summary>Mean of max(1 - t p, 0) for targets -1 and 1; targets 0 and 1 are mapped. Keras: Hinge.</summary>
    [<CompiledName("Hinge")>]
    let hinge: Loss = dense "hinge" (Configs.make "Hinge" []) LossFunctions.hinge

    /// <summary>Mean of max(1 - t p, 0) squared. Keras: SquaredHinge.</summary>
    [<CompiledName("SquaredHinge")>]
    let squaredHinge: Loss =
        dense "squared_hinge" (Configs.make "SquaredHinge" []) LossFunctions.squaredHinge

    /// <summary>max(best wrong class - right class + 1, 0). Keras: CategoricalHinge.</summary>
    [<CompiledName("CategoricalHinge")>]
    let categoricalHinge: Loss =
        dense "categorical_hinge" (Configs.make "CategoricalHinge" []) LossFunctions.categoricalHinge

    /// <summary>Sum of t log(t / p). Keras: KLDivergence, kld.</summary>
    [<CompiledName("KLDivergence")>]
    let klDivergence: Loss = dense "kl_divergence" (Configs.make "KLDivergence" []) LossFunctions.divergence

    let private crossentropyArguments (options: CrossentropyOptions) =
        [ "from_logits", Configs.flag options.FromLogits
          "label_smoothing", Configs.number options.LabelSmoothing
          "axis", Configs.whole options.Axis ]

    /// <summary>Cross-entropy of yes-or-no targets (0 or 1). The output of a sigmoid is used through its logits. Keras:
    /// BinaryCrossentropy, bce.</summary>
    [<CompiledName("BinaryCrossentropy")>]
    let binaryCrossentropy (options: CrossentropyOptions) : Loss =
        dense
            "binary_crossentropy"
            (Configs.make "BinaryCrossentropy" (crossentropyArguments options))
            (LossFunctions.binaryCrossentropy options)

    /// <summary>Binary cross-entropy with easy samples weighted down by (1 - p)^gamma. Keras: BinaryFocalCrossentropy (not
    /// balanced, alpha 0.25, gamma 2).</summary>
    [<CompiledName("BinaryFocalCrossentropy")>]
    let binaryFocalCrossentropy (balanced: bool) (alpha: float) (gamma: float) (options: CrossentropyOptions) : Loss =
        dense
            "binary_focal_crossentropy"
            (Configs.make
                "BinaryFocalCrossentropy"
                ([ "apply_class_balancing", Configs.flag balanced
                   "alpha", Configs.number alpha
                   "gamma", Configs.number gamma ]
                 @ crossentropyArguments options))
            (LossFunctions.binaryFocal balanced alpha gamma options)

    /// <summary>Cross-entropy of one-hot targets. The output of a softmax is used through its logits. Keras:
    /// CategoricalCrossentropy.</summary>
    [<CompiledName("CategoricalCrossentropy")>]
    let categoricalCrossentropy (options: CrossentropyOptions) : Loss =
        dense
            "categorical_crossentropy"
            (Configs.make "CategoricalCrossentropy" (crossentropyArguments options))
            (LossFunctions.categoricalCrossentropy options)

    let private focal (alphas: float[]) (gamma: float) (options: CrossentropyOptions) : Loss =
        let alpha = if alphas.Length = 1 then Configs.number alphas[0] else Configs.numbers alphas

        dense
            "categorical_focal_crossentropy"
            (Configs.make
                "CategoricalFocalCrossentropy"
                ([ "alpha", alpha; "gamma", Configs.number gamma ] @ crossentropyArguments options))
            (LossFunctions.categoricalFocal alphas gamma options)

    /// <summary>Categorical cross-entropy with easy samples weighted down by alpha (1 - p)^gamma. Keras:
    /// CategoricalFocalCrossentropy (alpha 0.25, gamma 2).</summary>
    [<CompiledName("CategoricalFocalCrossentropy")>]
    let categoricalFocalCrossentropy (alpha: float) (gamma: float) (options: CrossentropyOptions) : Loss =
        focal [| alpha |] gamma options

    /// <summary>categoricalFocalCrossentropy with an alpha for each class, as many as the last axis of the predictions has. Keras:
    /// CategoricalFocalCrossentropy with a list for alpha.</summary>
    /// <example><code>
    /// let options = { FromLogits = false; LabelSmoothing = 0.0; Axis = -1 }
    /// let loss = Loss.categoricalFocalCrossentropyByClass [ 0.2; 0.5; 0.3 ] 2.0 options
    /// </code></example>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There are no weights; or, where it is used, not as many as
    /// classes.</exception>
    [<CompiledName("CategoricalFocalCrossentropyByClass")>]
    let categoricalFocalCrossentropyByClass (alphas: float list) (gamma: float) (options: CrossentropyOptions) : Loss =
        if alphas.IsEmpty then
            raise (
                ArgumentValueException(
                    "CategoricalFocalCrossentropy needs weights of classes.",
                    "alpha",
                    "one number for each class",
                    "none",
                    "Give one number for each class."
                )
            )

        focal (List.toArray alphas) gamma options

    /// <summary>Cross-entropy of class numbers. The output of a softmax is used through its logits. Keras:
    /// SparseCategoricalCrossentropy.</summary>
    [<CompiledName("SparseCategoricalCrossentropy")>]
    let sparseCategoricalCrossentropy (options: SparseCrossentropyOptions) : Loss =
        make
            "sparse_categorical_crossentropy"
            (Some(
                Configs.make
                    "SparseCategoricalCrossentropy"
                    [ "from_logits", Configs.flag options.FromLogits
                      "ignore_class", Configs.optional Configs.whole options.IgnoreClass
                      "axis", Configs.whole options.Axis ]
            ))
            (LossFunctions.sparseCategoricalCrossentropy options)

    /// <summary>(1 - p^q) / q of the probability p of the right class: less hurt by wrong labels than cross-entropy. Targets are
    /// class numbers, shape (batch) or (batch, 1). Keras: CategoricalGeneralizedCrossEntropy (0.5).</summary>
    /// <param name="q">Between 0, where it is cross-entropy, and 1, where it is an absolute error.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">q is not between 0 and 1.</exception>
    [<CompiledName("CategoricalGeneralizedCrossEntropy")>]
    let categoricalGeneralizedCrossEntropy (q: float) : Loss =
        if not (q > 0.0 && q < 1.0) then
            raise (
                ArgumentValueException(
                    "The exponent of the loss is not valid.",
                    "q",
                    "a number between 0 and 1",
                    Texts.ofFloat q,
                    "Keras's default is 0.5; use CategoricalCrossentropy for 0 and MeanAbsoluteError for 1."
                )
            )

        make
            "categorical_generalized_cross_entropy"
            (Some(Configs.make "CategoricalGeneralizedCrossEntropy" [ "q", Configs.number q ]))
            (fun t p -> Flow.ofValue (LossFunctions.generalizedCrossEntropy q t p))

    /// <summary>1 - 2 |t p| / (|t| + |p|), over the given axes, or over the whole batch. Keras: Dice.</summary>
    [<CompiledName("Dice")>]
    let dice (axes: int[] option) : Loss =
        dense "dice" (Configs.make "Dice" [ "axis", Configs.optional Configs.wholes axes ]) (LossFunctions.dice axes)

    /// <summary>Dice with weights alpha for what was missed and beta for false alarms, as Keras counts them. Keras: Tversky (0.5, 0.5).</summary>
    [<CompiledName("Tversky")>]
    let tversky (alpha: float) (beta: float) (axes: int[] option) : Loss =
        dense
            "tversky"
            (Configs.make
                "Tversky"
                [ "alpha", Configs.number alpha
                  "beta", Configs.number beta
                  "axis", Configs.optional Configs.wholes axes ])
            (LossFunctions.tversky alpha beta axes)

    let private wrongShape (name: string) (what: string) (expected: string) (actual: Shape) (hint: string) =
        raise (ShapeException(what, name, expected, actual.ToString(), hint))

    /// <summary>Pulls rows of predictions with the same label together and pushes others apart. Targets: (batch) labels;
    /// predictions: (batch, size), rows of length 1. Keras: Circle (gamma 80, margin 0.4, without the pairs of a row with
    /// itself).</summary>
    [<CompiledName("Circle")>]
    let circle (gamma: float) (margin: float) (removeDiagonal: bool) : Loss =
        make
            "circle"
            (Some(
                Configs.make
                    "Circle"
                    [ "gamma", Configs.number gamma
                      "margin", Configs.number margin
                      "remove_diagonal", Configs.flag removeDiagonal ]
            ))
            (fun t p ->
                let p = if DType.isFloating p.DType then p else Ops.cast DType.Float32 p

                if p.Rank <> 2 then
                    wrongShape
                        "circle"
                        "Predictions of circle must be one vector per row."
                        "(batch, size)"
                        p.Shape
                        "End the model with Dense and UnitNormalization."

                if t.Shape.Size <> p.Shape[0] then
                    wrongShape
                        "circle"
                        "Targets of circle must be one label per row."
                        (Shape.Of(p.Shape[0]).ToString())
                        t.Shape
                        "Give class numbers rather than one-hot rows."

                LossFunctions.circle gamma margin removeDiagonal t p)

    /// <summary>Connectionist temporal classification: labels of a sequence whose places in time are not known. Targets:
    /// (batch, length) labels from 1, padded at the end by 0; predictions: (batch, time, classes) logits, where class 0 is the
    /// blank. Keras: CTC.</summary>
    [<CompiledName("Ctc")>]
    let ctc: Loss =
        make "ctc" (Some(Configs.make "CTC" [])) (fun t p ->
            let p = if DType.isFloating p.DType then p else Ops.cast DType.Float32 p

            if p.Rank <> 3 then
                wrongShape
                    "ctc"
                    "Predictions of ctc must be logits for every step."
                    "(batch, time, classes)"
                    p.Shape
                    "Recurrent layers need return_sequences."

            if t.Rank <> 2 || t.Shape[0] <> p.Shape[0] then
                wrongShape
                    "ctc"
                    "Targets of ctc must be a row of labels for every sequence."
                    ("(" + string p.Shape[0] + ", length)")
                    t.Shape
                    "Pad shorter rows with 0 at the end."

            Flow.ofValue (Alignment.ctc t p))

    /// How predictions and targets look decides between the three kinds, as for the metric accuracy.
    let internal kindOf (t: Expr) (p: Expr) : TargetKind =
        if p.Rank = 0 || p.Shape[-1] = 1 then TargetKind.Binary
        elif t.Rank < p.Rank || t.Shape[-1] = 1 then TargetKind.Sparse
        else TargetKind.Categorical

    /// <summary>Binary, sparse or categorical cross-entropy, by the shapes of targets and predictions. Keras: the string
    /// crossentropy.</summary>
    [<CompiledName("Crossentropy")>]
    let crossentropy: Loss =
        make "crossentropy" (Some(Configs.make "crossentropy" [])) (fun t p ->
            let chosen =
                match kindOf t p with
                | TargetKind.Binary -> binaryCrossentropy CrossentropyOptions.Default
                | TargetKind.Sparse -> sparseCategoricalCrossentropy SparseCrossentropyOptions.Default
                | TargetKind.Categorical -> categoricalCrossentropy CrossentropyOptions.Default

            chosen.Call t p)

    let private optionsOf (a: Arguments) : CrossentropyOptions =
        { FromLogits = a.Bool("from_logits", false)
          LabelSmoothing = a.Float("label_smoothing", 0.0)
          Axis = a.Int("axis", -1) }

    /// Class name, further names, and the loss of some arguments.
    let private table: (string * string list * (Arguments -> Loss))[] =
        [| "MeanSquaredError", [ "mse" ], (fun _ -> meanSquaredError)
           "MeanAbsoluteError", [ "mae" ], (fun _ -> meanAbsoluteError)
           "MeanAbsolutePercentageError", [ "mape" ], (fun _ -> meanAbsolutePercentageError)
           "MeanSquaredLogarithmicError", [ "msle" ], (fun _ -> meanSquaredLogarithmicError)
           "Huber", [], (fun a -> huber (a.Float("delta", 1.0)))
           "LogCosh", [], (fun _ -> logCosh)
           "Poisson", [], (fun _ -> poisson)
           "CosineSimilarity", [], (fun a -> cosineSimilarity (a.Int("axis", -1)))
           "Hinge", [], (fun _ -> hinge)
           "SquaredHinge", [], (fun _ -> squaredHinge)
           "CategoricalHinge", [], (fun _ -> categoricalHinge)
           "KLDivergence", [ "kld" ], (fun _ -> klDivergence)
           "BinaryCrossentropy", [ "bce" ], (fun a -> binaryCrossentropy (optionsOf a))
           "BinaryFocalCrossentropy",
           [],
           (fun a ->
               binaryFocalCrossentropy
                   (a.Bool("apply_class_balancing", false))
                   (a.Float("alpha", 0.25))
                   (a.Float("gamma", 2.0))
                   (optionsOf a))
           "CategoricalCrossentropy", [], (fun a -> categoricalCrossentropy (optionsOf a))
           "CategoricalFocalCrossentropy",
           [],
           (fun a ->
               match a.Floats "alpha" with
               | Some alphas ->
                   categoricalFocalCrossentropyByClass (List.ofArray alphas) (a.Float("gamma", 2.0)) (optionsOf a)
               | None -> categoricalFocalCrossentropy 0.25 (a.Float("gamma", 2.0)) (optionsOf a))
           "SparseCategoricalCrossentropy",
           [],
           (fun a ->
               sparseCategoricalCrossentropy
                   { FromLogits = a.Bool("from_logits", false)
                     IgnoreClass = a.IntOption "ignore_class"
                     Axis = a.Int("axis", -1) })
           "CategoricalGeneralizedCrossEntropy", [], (fun a -> categoricalGeneralizedCrossEntropy (a.Float("q", 0.5)))
           "Dice", [], (fun a -> dice (a.Ints "axis"))
           "Tversky", [], (fun a -> tversky (a.Float("alpha", 0.5)) (a.Float("beta", 0.5)) (a.Ints "axis"))
           "Circle",
           [],
           (fun a -> circle (a.Float("gamma", 80.0)) (a.Float("margin", 0.4)) (a.Bool("remove_diagonal", true)))
           "CTC", [], (fun _ -> ctc)
           "Crossentropy", [ "ce" ], (fun _ -> crossentropy) |]

    let private tryFind (name: string) =
        let wanted = Arguments.Canonical name

        table
        |> Array.tryPick (fun (className, others, create) ->
            if Arguments.Canonical className = wanted || List.contains wanted others then Some create else None)

    let internal classNames = table |> Array.map (fun (className, _, _) -> className)

    let internal knownNames () =
        table
        |> Array.collect (fun (className, others, _) -> [| Layer.snakeCase className; yield! others |])

    /// Functions of the user's own.
    let internal registered = CustomClasses<Loss>()

    /// <summary>Makes a function of your own known under a name, in configurations too. It takes precedence over a built-in one.
    /// Keras: register_keras_serializable.</summary>
    /// <param name="name">The name.</param>
    /// <param name="call">From targets and predictions to a loss per row, as for <c>create</c>.</param>
    [<CompiledName("Register")>]
    let register (name: string) (call: Expr -> Expr -> Expr) : Loss =
        let short = CustomName.classOf name
        let made = { create short call with Config = Some(Configs.make short []) }
        registered.Register(name, fun _ -> made)
        made

    /// <summary>The loss of a configuration.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    [<CompiledName("OfConfig")>]
    let ofConfig (config: Config) : Loss =
        let create =
            match registered.TryFind config.ClassName, tryFind config.ClassName with
            | ValueSome read, _ -> fun (_: Arguments) -> read config.Arguments
            | _, Some create -> create
            | _, None -> raise (Names.unknown "loss" "loss" config.ClassName (knownNames ()))

        let a = Arguments config
        let name = a.TextOption "name"

        let reduction =
            match a.TextOption "reduction" with
            | None when config.Arguments |> List.exists (fun (k, _) -> k = "reduction") -> LossReduction.None
            | None
            | Some "sum_over_batch_size"
            | Some "mean" -> LossReduction.SumOverBatchSize
            | Some "sum" -> LossReduction.Sum
            | Some "mean_with_sample_weight" -> LossReduction.MeanWithSampleWeight
            | Some "none" -> LossReduction.None
            | Some other ->
                raise (
                    Names.unknown
                        "reduction"
                        "reduction"
                        other
                        [ "sum_over_batch_size"; "sum"; "mean"; "mean_with_sample_weight"; "none" ]
                )

        let loss = create a
        a.Done()
        let loss = if reduction = LossReduction.SumOverBatchSize then loss else withReduction reduction loss

        match name with
        | Some n -> named n loss
        | None -> loss

    let internal isKnown (name: string) = registered.TryFind(name).IsSome || (tryFind name).IsSome

    /// <summary>The loss of that name, as Keras knows it: mse, MeanSquaredError, sparse_categorical_crossentropy, ...</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown; the hint names the nearest.</exception>
    [<CompiledName("Parse")>]
    let parse (name: string) : Loss = ofConfig (Configs.make name [])

    /// The loss as a number (or unreduced): targets, predictions with their mask, weights.
    let internal compute (loss: Loss) (targets: Expr) (predictions: Flow) (weight: Expr option) : Expr =
        let losses = loss.Call targets predictions.Value

        let mask =
            match predictions.Mask, losses.Mask with
            | ValueSome a, ValueSome b ->
                let struct (a, b) = Weighting.sameRank a b
                ValueSome(Ops.logicalAnd (Weighting.spread b.Shape a) b)
            | ValueSome a, ValueNone -> ValueSome a
            | ValueNone, other -> other

        let weight = Weighting.merge losses.Value.DType loss.Reduction weight mask
        Weighting.reduce loss.Reduction weight losses.Value
