namespace FunctionalNet

open System
open FunctionalNet.Common
open FunctionalNet.Training

/// <summary>Keras's metrics.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Metric =

    let private scalarSlots (names: string[]) (_: Shape) = names |> Array.map (fun n -> n, Shape.Scalar)

    let private floating (p: Expr) = if DType.isFloating p.DType then p else Ops.cast DType.Float32 p

    /// The mean of per-sample values; `finish` turns it into the result.
    let private meanOf
        (finish: float -> float)
        (name: string)
        (config: Config option)
        (better: bool option)
        (values: Expr -> Expr -> Flow)
        : Metric =
        { Name = name
          Config = config
          HigherIsBetter = better
          Slots = scalarSlots [| "total"; "count" |]
          Update =
            fun slots t p weight ->
                let values = values t p

                // As in Keras 3.8, a mask meets weights only where there are weights.
                let weight =
                    weight
                    |> Option.bind (fun weight ->
                        Weighting.merge DType.Float64 LossReduction.Sum (Some weight) values.Mask)

                let struct (sum, count) = Totals.sumAndCount values.Value weight
                [| slots[0] + sum; slots[1] + count |]
          Result = fun slots -> [| finish (Totals.ratio (slots[0][0]) (slots[1][0])) |] }

    /// Targets of the predictions' dtype and rank.
    let private aligned (f: Expr -> Expr -> Expr) (t: Expr) (p: Expr) : Flow =
        let p = floating p
        let struct (t, p) = Weighting.sameRank (Ops.cast p.DType t) p
        Flow.ofValue (f t p)

    let private raw (f: Expr -> Expr -> Expr) (t: Expr) (p: Expr) : Flow = Flow.ofValue (f t p)

    let private plain
        (className: string)
        (arguments: (string * ConfigValue) list)
        (better: bool)
        (values: Expr -> Expr -> Flow)
        : Metric =
        meanOf id (Layer.snakeCase className) (Some(Configs.make className arguments)) (Some better) values

    /// <summary>A metric of your own: the mean of what the function gives for every sample. It runs once per signature, when
    /// the step is traced. It cannot be saved.</summary>
    [<CompiledName("Create")>]
    let create (name: string) (values: Expr -> Expr -> Expr) : Metric =
        meanOf id name None None (fun t p ->
            let p = floating p
            let t = if DType.isFloating t.DType then Ops.cast p.DType t else t
            Flow.ofValue (values t p))

    /// <summary>The metric under another name.</summary>
    [<CompiledName("Named")>]
    let named (name: string) (metric: Metric) : Metric = { metric with Name = name }

    /// <summary>The result as one number: the mean, if there are several.</summary>
    let internal scalar (metric: Metric) (slots: float[][]) : float =
        let values = metric.Result slots
        if values.Length = 1 then values[0] else Array.average values

    /// True for a metric whose weights meet the mask of predictions: a mean of what a function gives per sample. Keras 3.8
    /// leaves masks out of the other metrics, and of all metrics that have no weights.
    let internal meetsMask (metric: Metric) : bool =
        let isOfFunction =
            match metric.Config with
            | Some { ClassName = "Mean" | "RootMeanSquaredError" } -> false
            | _ -> true

        isOfFunction && metric.Slots(Shape.Of 1) |> Array.map fst = [| "total"; "count" |]

    /// <summary>A loss as a metric: its mean over samples.</summary>
    [<CompiledName("OfLoss")>]
    let ofLoss (loss: Loss) : Metric = meanOf id loss.Name loss.Config (Some false) loss.Call

    /// <summary>The mean of the predictions themselves, whatever the targets. Keras: Mean.</summary>
    [<CompiledName("Mean")>]
    let mean: Metric = meanOf id "mean" (Some(Configs.make "Mean" [])) None (fun _ p -> Flow.ofValue p)

    /// <summary>The weighted sum of the predictions themselves. Keras: Sum.</summary>
    [<CompiledName("Sum")>]
    let sum: Metric =
        { mean with
            Name = "sum"
            Config = Some(Configs.make "Sum" [])
            Slots = scalarSlots [| "total" |]
            Update = fun slots _ p weight -> [| slots[0] + Totals.sum p weight |]
            Result = fun slots -> [| slots[0][0] |] }

    /// <summary>How often predictions equal targets. Keras: Accuracy.</summary>
    [<CompiledName("ExactAccuracy")>]
    let exactAccuracy: Metric =
        { plain
              "Accuracy"
              []
              true
              (raw (fun t p ->
                  let struct (t, p) = Weighting.sameRank t p
                  MetricFunctions.exactAccuracy t p)) with
            Name = "accuracy" }

    /// <summary>How often a prediction above the threshold goes with target 1. Keras: BinaryAccuracy (0.5).</summary>
    [<CompiledName("BinaryAccuracy")>]
    let binaryAccuracy (threshold: float) : Metric =
        plain
            "BinaryAccuracy"
            [ "threshold", Configs.number threshold ]
            true
            (aligned (MetricFunctions.binaryAccuracy threshold))

    /// <summary>How often the greatest prediction is the class of a one-hot target. Keras: CategoricalAccuracy.</summary>
    [<CompiledName("CategoricalAccuracy")>]
    let categoricalAccuracy: Metric =
        plain "CategoricalAccuracy" [] true (raw MetricFunctions.categoricalAccuracy)

    /// <summary>How often the greatest prediction is the class. Keras: SparseCategoricalAccuracy.</summary>
    [<CompiledName("SparseCategoricalAccuracy")>]
    let sparseCategoricalAccuracy: Metric =
        plain "SparseCategoricalAccuracy" [] true (raw MetricFunctions.sparseCategoricalAccuracy)

    /// <summary>How often the class of a one-hot target is among the k greatest. Keras: TopKCategoricalAccuracy (5).</summary>
    [<CompiledName("TopKCategoricalAccuracy")>]
    let topKCategoricalAccuracy (k: int) : Metric =
        { plain "TopKCategoricalAccuracy" [ "k", Configs.whole k ] true (raw (MetricFunctions.topKAccuracy k)) with
            Name = "top_k_categorical_accuracy" }

    /// <summary>How often the class is among the k greatest. Keras: SparseTopKCategoricalAccuracy (5).</summary>
    [<CompiledName("SparseTopKCategoricalAccuracy")>]
    let sparseTopKCategoricalAccuracy (k: int) (fromSortedIds: bool) : Metric =
        { plain
              "SparseTopKCategoricalAccuracy"
              [ "k", Configs.whole k; "from_sorted_ids", Configs.flag fromSortedIds ]
              true
              (raw (if fromSortedIds then MetricFunctions.amongFirst k else MetricFunctions.sparseTopKAccuracy k)) with
            Name = "sparse_top_k_categorical_accuracy" }

    /// <summary>Binary, sparse or categorical accuracy, by the shapes of targets and predictions. Keras: the string
    /// accuracy.</summary>
    [<CompiledName("Accuracy")>]
    let accuracy: Metric =
        { plain "accuracy" [] true (fun t p ->
              match Loss.kindOf t p with
              | TargetKind.Binary -> aligned (MetricFunctions.binaryAccuracy 0.5) t p
              | TargetKind.Sparse -> raw MetricFunctions.sparseCategoricalAccuracy t p
              | TargetKind.Categorical -> raw MetricFunctions.categoricalAccuracy t p) with
            Name = "accuracy" }

    /// <summary>Keras: MeanSquaredError.</summary>
    [<CompiledName("MeanSquaredError")>]
    let meanSquaredError: Metric = ofLoss Loss.meanSquaredError

    /// <summary>The root of the mean squared error over all batches. Keras: RootMeanSquaredError.</summary>
    [<CompiledName("RootMeanSquaredError")>]
    let rootMeanSquaredError: Metric =
        meanOf
            Math.Sqrt
            "root_mean_squared_error"
            (Some(Configs.make "RootMeanSquaredError" []))
            (Some false)
            (aligned (fun t p -> Ops.square (p - t)))

    /// <summary>Keras: MeanAbsoluteError.</summary>
    [<CompiledName("MeanAbsoluteError")>]
    let meanAbsoluteError: Metric = ofLoss Loss.meanAbsoluteError

    /// <summary>Keras: LogCoshError.</summary>
    [<CompiledName("LogCosh")>]
    let logCosh: Metric = plain "LogCoshError" [] false (aligned LossFunctions.logCosh) |> named "logcosh"

    /// <summary>The cosine of the angle along an axis. Keras: CosineSimilarity (axis -1).</summary>
    [<CompiledName("CosineSimilarity")>]
    let cosineSimilarity (axis: int) : Metric =
        plain "CosineSimilarity" [ "axis", Configs.whole axis ] true (aligned (LossFunctions.cosineSimilarity axis))

    /// <summary>Pearson's correlation along an axis. Keras: PearsonCorrelation (axis -1).</summary>
    [<CompiledName("PearsonCorrelation")>]
    let pearsonCorrelation (axis: int) : Metric =
        plain "PearsonCorrelation" [ "axis", Configs.whole axis ] true (aligned (MetricFunctions.pearson axis))

    /// <summary>Lin's concordance along an axis. Keras: ConcordanceCorrelation (axis -1).</summary>
    [<CompiledName("ConcordanceCorrelation")>]
    let concordanceCorrelation (axis: int) : Metric =
        plain "ConcordanceCorrelation" [ "axis", Configs.whole axis ] true (aligned (MetricFunctions.concordance axis))

    // Counts at thresholds

    let private positiveArguments (options: PositiveOptions) (withTop: bool) =
        [ "thresholds", Configs.optional Configs.numbers options.Thresholds
          if withTop then
              "top_k", Configs.optional Configs.whole options.TopK
              "class_id", Configs.optional Configs.whole options.ClassId ]

    let private counting
        (className: string)
        (options: PositiveOptions)
        (withTop: bool)
        (better: bool)
        (kinds: Confusion.Kind[])
        (result: float[] -> float)
        : Metric =
        let thresholds =
            match options.Thresholds, options.TopK with
            | Some given, _ -> given
            | None, Some _ -> [| -1e10 |]
            | None, None -> [| 0.5 |]

        let clipped = Confusion.areEven thresholds

        { Name = Layer.snakeCase className
          Config = Some(Configs.make className (positiveArguments options withTop))
          HigherIsBetter = Some better
          Slots = fun _ -> kinds |> Array.map (fun k -> Confusion.name k, Shape.Of thresholds.Length)
          Update =
            fun slots t p weight ->
                Confusion.counts kinds thresholds false None options.TopK options.ClassId clipped t p weight
                |> Array.map2 (+) slots
          Result = fun slots -> Array.init thresholds.Length (fun i -> result (slots |> Array.map (fun s -> s[i]))) }

    let private single (thresholds: float[] option) = { PositiveOptions.Default with Thresholds = thresholds }

    /// <summary>Keras: TruePositives (thresholds, default 0.5).</summary>
    [<CompiledName("TruePositives")>]
    let truePositives (thresholds: float[] option) : Metric =
        counting "TruePositives" (single thresholds) false true [| Confusion.Kind.TruePositives |] Array.head

    /// <summary>Keras: FalsePositives (thresholds, default 0.5).</summary>
    [<CompiledName("FalsePositives")>]
    let falsePositives (thresholds: float[] option) : Metric =
        counting "FalsePositives" (single thresholds) false false [| Confusion.Kind.FalsePositives |] Array.head

    /// <summary>Keras: TrueNegatives (thresholds, default 0.5).</summary>
    [<CompiledName("TrueNegatives")>]
    let trueNegatives (thresholds: float[] option) : Metric =
        counting "TrueNegatives" (single thresholds) false true [| Confusion.Kind.TrueNegatives |] Array.head

    /// <summary>Keras: FalseNegatives (thresholds, default 0.5).</summary>
    [<CompiledName("FalseNegatives")>]
    let falseNegatives (thresholds: float[] option) : Metric =
        counting "FalseNegatives" (single thresholds) false false [| Confusion.Kind.FalseNegatives |] Array.head

    /// <summary>The right part of what was called positive; 0 if nothing was. Keras: Precision.</summary>
    [<CompiledName("Precision")>]
    let precision (options: PositiveOptions) : Metric =
        counting
            "Precision"
            options
            true
            true
            [| Confusion.Kind.TruePositives; Confusion.Kind.FalsePositives |]
            (fun s -> Totals.ratio s[0] (s[0] + s[1]))

    /// <summary>The found part of what is positive; 0 if nothing is. Keras: Recall.</summary>
    [<CompiledName("Recall")>]
    let recall (options: PositiveOptions) : Metric =
        counting "Recall" options true true [| Confusion.Kind.TruePositives; Confusion.Kind.FalseNegatives |] (fun s ->
            Totals.ratio s[0] (s[0] + s[1]))

    // Curves

    /// <summary>The area under the ROC or precision-recall curve. Keras: AUC.</summary>
    [<CompiledName("Auc")>]
    let auc (options: AucOptions) : Metric =
        let struct (thresholds, clipped) =
            match options.Thresholds with
            | Some inner ->
                let inner = Array.sort inner

                struct (Array.concat [ [| -LossFunctions.Epsilon |]; inner; [| 1.0 + LossFunctions.Epsilon |] ],
                        Confusion.areEven [| 0.0; yield! inner; 1.0 |])
            | None ->
                if options.NumThresholds < 2 then
                    raise (
                        ArgumentValueException(
                            "A curve needs thresholds.",
                            "num_thresholds",
                            "2 or more",
                            string options.NumThresholds,
                            "Keras's default is 200."
                        )
                    )

                struct (Confusion.curveThresholds options.NumThresholds, true)

        let n = thresholds.Length

        let slotShape (p: Shape) =
            if options.MultiLabel then Shape.Of(n, (if p.Rank > 1 then p[-1] else 1)) else Shape.Of n

        { Name = "auc"
          Config =
            Some(
                Configs.make
                    "AUC"
                    [ "num_thresholds", Configs.whole options.NumThresholds
                      "curve", Configs.text (if options.Curve = AucCurve.PR then "PR" else "ROC")
                      "summation_method",
                      Configs.text (
                          match options.Summation with
                          | AucSummation.Minoring -> "minoring"
                          | AucSummation.Majoring -> "majoring"
                          | _ -> "interpolation"
                      )
                      "thresholds", Configs.optional Configs.numbers options.Thresholds
                      "multi_label", Configs.flag options.MultiLabel
                      "label_weights", Configs.optional Configs.numbers options.LabelWeights
                      "from_logits", Configs.flag options.FromLogits ]
            )
          HigherIsBetter = Some true
          Slots = fun p -> Confusion.all |> Array.map (fun k -> Confusion.name k, slotShape p)
          Update =
            fun slots t p weight ->
                let p = if options.FromLogits then Ops.sigmoid (floating p) else p

                Confusion.counts
                    Confusion.all
                    thresholds
                    options.MultiLabel
                    options.LabelWeights
                    None
                    None
                    clipped
                    t
                    p
                    weight
                |> Array.map2 (+) slots
          Result =
            fun slots ->
                let labels = slots[0].Length / n

                let areas =
                    Array.init labels (fun label ->
                        let column (slot: float[]) = Array.init n (fun i -> slot[i * labels + label])
                        Confusion.area
                            options.Curve
                            options.Summation
                            (column slots[0])
                            (column slots[1])
                            (column slots[2])
                            (column slots[3]))

                match options.LabelWeights with
                | Some weights when options.MultiLabel ->
                    [| Totals.ratio (Array.fold2 (fun s a w -> s + a * w) 0.0 areas weights) (Array.sum weights) |]
                | _ -> [| Array.average areas |] }

    /// The greatest value of one rate where another is high enough; 0 if it never is.
    let private atLeast
        (className: string)
        (argument: string)
        (value: float)
        (count: int)
        (classId: int option)
        (constrained: float[] -> float)
        (wanted: float[] -> float)
        : Metric =
        if not (value >= 0.0 && value <= 1.0) then
            raise (
                ArgumentValueException(
                    "A rate is out of range.",
                    argument,
                    "0 to 1",
                    Texts.ofFloat value,
                    "Give the part as a number between 0 and 1."
                )
            )

        let thresholds = Confusion.evenThresholds count

        { Name = Layer.snakeCase className
          Config =
            Some(
                Configs.make
                    className
                    [ argument, Configs.number value
                      "num_thresholds", Configs.whole count
                      "class_id", Configs.optional Configs.whole classId ]
            )
          HigherIsBetter = Some true
          Slots = fun _ -> Confusion.all |> Array.map (fun k -> Confusion.name k, Shape.Of thresholds.Length)
          Update =
            fun slots t p weight ->
                Confusion.counts Confusion.all thresholds false None None classId (count > 1) t p weight
                |> Array.map2 (+) slots
          Result =
            fun slots ->
                let mutable best = 0.0

                for i in 0 .. thresholds.Length - 1 do
                    let counts = slots |> Array.map (fun s -> s[i])

                    if constrained counts >= value then best <- max best (wanted counts)

                [| best |] }

    let private recallOf (s: float[]) = Totals.ratio s[0] (s[0] + s[3])
    let private precisionOf (s: float[]) = Totals.ratio s[0] (s[0] + s[1])
    let private specificityOf (s: float[]) = Totals.ratio s[2] (s[2] + s[1])

    /// <summary>Keras: SensitivityAtSpecificity (200 thresholds).</summary>
    [<CompiledName("SensitivityAtSpecificity")>]
    let sensitivityAtSpecificity (specificity: float) (thresholds: int) (classId: int option) : Metric =
        atLeast "SensitivityAtSpecificity" "specificity" specificity thresholds classId specificityOf recallOf

    /// <summary>Keras: SpecificityAtSensitivity (200 thresholds).</summary>
    [<CompiledName("SpecificityAtSensitivity")>]
    let specificityAtSensitivity (sensitivity: float) (thresholds: int) (classId: int option) : Metric =
        atLeast "SpecificityAtSensitivity" "sensitivity" sensitivity thresholds classId recallOf specificityOf

    /// <summary>Keras: PrecisionAtRecall (200 thresholds).</summary>
    [<CompiledName("PrecisionAtRecall")>]
    let precisionAtRecall (recall: float) (thresholds: int) (classId: int option) : Metric =
        atLeast "PrecisionAtRecall" "recall" recall thresholds classId recallOf precisionOf

    /// <summary>Keras: RecallAtPrecision (200 thresholds).</summary>
    [<CompiledName("RecallAtPrecision")>]
    let recallAtPrecision (precision: float) (thresholds: int) (classId: int option) : Metric =
        atLeast "RecallAtPrecision" "precision" precision thresholds classId precisionOf recallOf

    // Scores of classes

    /// <summary>The weighted harmonic mean of precision and recall per class. Without threshold, the greatest prediction of
    /// a row is positive. Keras: FBetaScore (beta 1).</summary>
    [<CompiledName("FBeta")>]
    let fBeta (beta: float) (average: ScoreAverage) (threshold: float option) : Metric =
        let micro = average = ScoreAverage.Micro

        { Name = "fbeta_score"
          Config =
            Some(
                Configs.make
                    "FBetaScore"
                    [ "average",
                      (match average with
                       | ScoreAverage.Micro -> Configs.text "micro"
                       | ScoreAverage.Macro -> Configs.text "macro"
                       | ScoreAverage.Weighted -> Configs.text "weighted"
                       | _ -> ConfigValue.Null)
                      "beta", Configs.number beta
                      "threshold", Configs.optional Configs.number threshold ]
            )
          HigherIsBetter = Some true
          Slots =
            fun p ->
                let shape = if micro then Shape.Scalar else Shape.Of p[-1]
                [| "true_positives", shape; "false_positives", shape; "false_negatives", shape; "weights", shape |]
          Update =
            fun slots t p weight ->
                let p = floating p

                let yes =
                    match threshold with
                    | Some value -> Ops.greater p (Ops.scalar p.DType value)
                    | None ->
                        // A row of zeros has no positive prediction.
                        let highest = Ops.greaterEqual p (Ops.max [| -1 |] true p)
                        Ops.logicalAnd highest (Ops.greater (Ops.abs p) (Ops.scalar p.DType 1e-9))

                let yes, t = Totals.wide yes, Totals.wide t

                let total (x: Expr) =
                    let x =
                        match weight with
                        | Some w -> x * Weighting.spread x.Shape (Totals.wide w)
                        | None -> x

                    if micro then Ops.sumAll x else Ops.sum [| 0 .. x.Rank - 2 |] false x

                [| slots[0] + total (yes * t)
                   slots[1] + total (yes * (1.0 - t))
                   slots[2] + total ((1.0 - yes) * t)
                   slots[3] + total t |]
          Result =
            fun slots ->
                let e = LossFunctions.Epsilon

                let scores =
                    Array.init slots[0].Length (fun i ->
                        let precision = slots[0][i] / (slots[0][i] + slots[1][i] + e)
                        let recall = slots[0][i] / (slots[0][i] + slots[2][i] + e)
                        precision * recall / (beta * beta * precision + recall + e) * (1.0 + beta * beta))

                match average with
                | ScoreAverage.None -> scores
                | ScoreAverage.Weighted ->
                    let all = Array.sum slots[3] + e
                    [| Array.fold2 (fun s score w -> s + score * w / all) 0.0 scores slots[3] |]
                | _ -> [| Array.average scores |] }

    /// <summary>The harmonic mean of precision and recall, per class or averaged. Keras: F1Score.</summary>
    [<CompiledName("F1Score")>]
    let f1Score (average: ScoreAverage) (threshold: float option) : Metric =
        let metric = fBeta 1.0 average threshold

        { metric with
            Name = "f1_score"
            Config =
                metric.Config
                |> Option.map (fun config ->
                    Configs.make "F1Score" (config.Arguments |> List.filter (fun (key, _) -> key <> "beta"))) }

    /// <summary>How much of the targets' variance is explained. Keras: R2Score.</summary>
    /// <param name="aggregation">uniform_average (default), variance_weighted_average, or None for one result per output.</param>
    /// <param name="regressors">Number of independent regressors for the adjusted score; 0 (default) for the plain one.</param>
    [<CompiledName("R2Score")>]
    let r2Score (aggregation: string option) (regressors: int) : Metric =
        match aggregation with
        | None
        | Some "uniform_average"
        | Some "variance_weighted_average" -> ()
        | Some other ->
            raise (
                Names.unknown "aggregation" "class_aggregation" other [ "uniform_average"; "variance_weighted_average" ]
            )

        let columns (p: Shape) = if p.Rank > 1 then p[-1] else 1

        { Name = "r2_score"
          Config =
            Some(
                Configs.make
                    "R2Score"
                    [ "class_aggregation", Configs.optional Configs.text aggregation
                      "num_regressors", Configs.whole regressors ]
            )
          HigherIsBetter = Some true
          Slots =
            fun p ->
                let shape = Shape.Of(columns p)
                [| "squared_sum", shape
                   "sum", shape
                   "residual", shape
                   "count", shape
                   "num_samples", Shape.Scalar |]
          Update =
            fun slots t p weight ->
                let struct (t, p) = Weighting.sameRank (Ops.cast (floating p).DType t) (floating p)
                let matrix (x: Expr) = Totals.wide (if x.Rank = 1 then Ops.expandDims -1 x else x)
                let t, p = matrix t, matrix p

                let w =
                    match weight with
                    | Some w -> Weighting.spread t.Shape (Totals.wide w)
                    | None -> Ops.ones DType.Float64 t.Shape

                let total = Ops.sum [| 0 .. t.Rank - 2 |] false

                [| slots[0] + total (t * t * w)
                   slots[1] + total (t * w)
                   slots[2] + total (Ops.square (t - p) * w)
                   slots[3] + total w
                   slots[4] + float t.Shape.Size |]
          Result =
            fun slots ->
                let totals =
                    Array.init slots[0].Length (fun i ->
                        slots[0][i] - slots[1][i] * Totals.ratio (slots[1][i]) (slots[3][i]))

                let raw =
                    totals
                    |> Array.mapi (fun i total ->
                        let score = 1.0 - slots[2][i] / total
                        if Double.IsInfinity score then 0.0 else score)

                let adjust (score: float) =
                    let n = slots[4][0]

                    // With no more samples than regressors there is nothing to adjust by.
                    if regressors = 0 || float regressors >= n - 1.0 then
                        score
                    else
                        1.0 - (1.0 - score) * (n - 1.0) / (n - float regressors - 1.0)

                match aggregation with
                | None -> raw |> Array.map adjust
                | Some "uniform_average" -> [| adjust (Array.average raw) |]
                | _ ->
                    [| adjust (Totals.ratio (Array.fold2 (fun s r t -> s + r * t) 0.0 raw totals) (Array.sum totals)) |] }

    // Regions

    let private iouOf
        (className: string)
        (classes: int)
        (targets: int[] option)
        (ignored: int option)
        (sparseTrue: bool)
        (sparsePred: bool)
        (axis: int)
        : Metric =
        Regions.intersection
            (match className with
             | "IoU" -> "io_u"
             | "MeanIoU" -> "mean_io_u"
             | "OneHotIoU" -> "one_hot_io_u"
             | _ -> "one_hot_mean_io_u")
            (Configs.make
                className
                [ "num_classes", Configs.whole classes
                  match targets with
                  | Some t -> "target_class_ids", Configs.wholes t
                  | None -> ()
                  "ignore_class", Configs.optional Configs.whole ignored
                  if not (className.StartsWith("OneHot", StringComparison.Ordinal)) then
                      "sparse_y_true", Configs.flag sparseTrue
                  "sparse_y_pred", Configs.flag sparsePred
                  "axis", Configs.whole axis ])
            classes
            targets
            ignored
            (fun t p -> struct (Regions.ids sparseTrue axis t, Regions.ids sparsePred axis p))

    /// <summary>Intersection over union of classes, averaged over those given (or all) that occur. As in Keras, sample weights
    /// are cut to whole numbers (0.9 counts as 0). Keras: IoU, MeanIoU.</summary>
    /// <param name="classes">Number of classes.</param>
    /// <param name="targets">Classes to average over; None for all.</param>
    /// <param name="ignored">A label that does not count.</param>
    /// <param name="sparseTrue">True if targets are class numbers rather than one-hot.</param>
    /// <param name="sparsePred">True if predictions are class numbers rather than scores.</param>
    /// <param name="axis">The axis of classes in one-hot targets and in scores.</param>
    [<CompiledName("IoU")>]
    let iou
        (classes: int)
        (targets: int[] option)
        (ignored: int option)
        (sparseTrue: bool)
        (sparsePred: bool)
        (axis: int)
        : Metric =
        iouOf (if targets.IsSome then "IoU" else "MeanIoU") classes targets ignored sparseTrue sparsePred axis

    /// <summary>Intersection over union of the classes below and above a threshold. As in Keras, sample weights are cut to whole
    /// numbers. Keras: BinaryIoU (both, 0.5).</summary>
    [<CompiledName("BinaryIoU")>]
    let binaryIoU (targets: int[]) (threshold: float) : Metric =
        Regions.intersection
            "binary_io_u"
            (Configs.make
                "BinaryIoU"
                [ "target_class_ids", Configs.wholes targets; "threshold", Configs.number threshold ])
            2
            (Some targets)
            None
            (fun t p ->
                let p = floating p
                struct (Regions.ids true -1 t, Ops.cast DType.Int32 (Ops.greaterEqual p (Ops.scalar p.DType threshold))))

    // Names

    let private iouArguments (className: string) (oneHot: bool) (a: Arguments) =
        iouOf
            className
            (a.Int("num_classes", 2))
            (a.Ints "target_class_ids")
            (a.IntOption "ignore_class")
            (not oneHot && a.Bool("sparse_y_true", true))
            (a.Bool("sparse_y_pred", not oneHot))
            (a.Int("axis", -1))

    /// Class name, further names, and the metric of some arguments. A loss is a metric too.
    let private table: (string * string list * (Arguments -> Metric))[] =
        [| "Accuracy", [], (fun _ -> exactAccuracy)
           "Mean", [], (fun _ -> mean)
           "Sum", [], (fun _ -> sum)
           "BinaryAccuracy", [], (fun a -> binaryAccuracy (a.Float("threshold", 0.5)))
           "CategoricalAccuracy", [], (fun _ -> categoricalAccuracy)
           "SparseCategoricalAccuracy", [], (fun _ -> sparseCategoricalAccuracy)
           "TopKCategoricalAccuracy", [], (fun a -> topKCategoricalAccuracy (a.Int("k", 5)))
           "SparseTopKCategoricalAccuracy",
           [],
           (fun a -> sparseTopKCategoricalAccuracy (a.Int("k", 5)) (a.Bool("from_sorted_ids", false)))
           "RootMeanSquaredError", [ "rmse" ], (fun _ -> rootMeanSquaredError)
           "LogCoshError", [ "logcosh" ], (fun _ -> logCosh)
           "CosineSimilarity", [], (fun a -> cosineSimilarity (a.Int("axis", -1)))
           "PearsonCorrelation", [], (fun a -> pearsonCorrelation (a.Int("axis", -1)))
           "ConcordanceCorrelation", [], (fun a -> concordanceCorrelation (a.Int("axis", -1)))
           "TruePositives", [], (fun a -> truePositives (a.Floats "thresholds"))
           "FalsePositives", [], (fun a -> falsePositives (a.Floats "thresholds"))
           "TrueNegatives", [], (fun a -> trueNegatives (a.Floats "thresholds"))
           "FalseNegatives", [], (fun a -> falseNegatives (a.Floats "thresholds"))
           "Precision", [], (fun a -> precision (MetricArguments.positives a))
           "Recall", [], (fun a -> recall (MetricArguments.positives a))
           "AUC", [], (fun a -> auc (MetricArguments.auc a))
           "SensitivityAtSpecificity",
           [],
           (fun a ->
               sensitivityAtSpecificity
                   (a.Float("specificity", 0.5))
                   (a.Int("num_thresholds", 200))
                   (a.IntOption "class_id"))
           "SpecificityAtSensitivity",
           [],
           (fun a ->
               specificityAtSensitivity
                   (a.Float("sensitivity", 0.5))
                   (a.Int("num_thresholds", 200))
                   (a.IntOption "class_id"))
           "PrecisionAtRecall",
           [],
           (fun a -> precisionAtRecall (a.Float("recall", 0.5)) (a.Int("num_thresholds", 200)) (a.IntOption "class_id"))
           "RecallAtPrecision",
           [],
           (fun a ->
               recallAtPrecision (a.Float("precision", 0.5)) (a.Int("num_thresholds", 200)) (a.IntOption "class_id"))
           "FBetaScore",
           [],
           (fun a -> fBeta (a.Float("beta", 1.0)) (MetricArguments.average a) (a.FloatOption "threshold"))
           "F1Score", [], (fun a -> f1Score (MetricArguments.average a) (a.FloatOption "threshold"))
           "R2Score",
           [],
           (fun a ->
               let aggregation =
                   match a.Raw "class_aggregation" with
                   | ConfigValue.Text t -> Some t
                   | _ when a.Given "class_aggregation" -> None
                   | _ -> Some "uniform_average"

               r2Score aggregation (a.Int("num_regressors", 0)))
           "IoU", [], iouArguments "IoU" false
           "MeanIoU", [], iouArguments "MeanIoU" false
           "OneHotIoU", [], iouArguments "OneHotIoU" true
           "OneHotMeanIoU", [], iouArguments "OneHotMeanIoU" true
           "BinaryIoU",
           [],
           (fun a ->
               binaryIoU (a.Ints "target_class_ids" |> Option.defaultValue [| 0; 1 |]) (a.Float("threshold", 0.5))) |]

    let internal classNames = table |> Array.map (fun (className, _, _) -> className)

    /// Functions of the user's own.
    let internal registered = CustomClasses<Metric>()

    /// <summary>Makes a function of your own known under a name, in configurations too. It takes precedence over a built-in one.
    /// Keras: register_keras_serializable.</summary>
    /// <param name="name">The name.</param>
    /// <param name="values">From targets and predictions to a value per row, as for <c>create</c>.</param>
    [<CompiledName("Register")>]
    let register (name: string) (values: Expr -> Expr -> Expr) : Metric =
        let short = CustomName.classOf name
        let made = { create short values with Config = Some(Configs.make short []) }
        registered.Register(name, fun _ -> made)
        made

    /// <summary>The metric of a configuration; any loss is one too.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    [<CompiledName("OfConfig")>]
    let ofConfig (config: Config) : Metric =
        let wanted = Arguments.Canonical config.ClassName

        let own = registered.TryFind config.ClassName

        let found =
            match config.ClassName with
            | _ when own.IsSome -> Some("", [], (fun (_: Arguments) -> own.Value config.Arguments))
            // The name chooses by the shapes; the class Accuracy compares as it is.
            | "accuracy"
            | "acc" -> Some("accuracy", [], (fun (_: Arguments) -> accuracy))
            | _ ->
                table
                |> Array.tryFind (fun (className, others, _) ->
                    Arguments.Canonical className = wanted || List.contains wanted others)

        match found with
        | Some(_, _, create) ->
            let a = Arguments config
            let name = a.TextOption "name"
            let metric = create a
            a.Done()
            name |> Option.fold (fun m n -> named n m) metric
        | None when Loss.isKnown config.ClassName -> ofLoss (Loss.ofConfig config)
        | None ->
            let known =
                table
                |> Array.collect (fun (className, others, _) -> [| Layer.snakeCase className; yield! others |])

            raise (Names.unknown "metric" "metrics" config.ClassName (Seq.append known (Loss.knownNames ())))

    /// <summary>The metric of that name, under the name as typed: accuracy, acc, mse, auc, ... accuracy and acc choose
    /// between binary, sparse and categorical accuracy by the shapes.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown; the hint names the nearest.</exception>
    [<CompiledName("Parse")>]
    let parse (name: string) : Metric = named name (ofConfig (Configs.make name []))
