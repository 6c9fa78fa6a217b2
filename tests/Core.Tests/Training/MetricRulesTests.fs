namespace FunctionalNet.Tests.Training

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open Xunit

/// Rules of Keras 3.8's metrics and losses that a small set of cases does not show, each with what it is computed from.
type MetricRulesTests() =

    let f32 (shape: int list) (values: float list) =
        Tensor.OfDoubles(DType.Float32, Shape.Of(List.toArray shape), List.toArray values)

    let result (metric: Metric) (batches: (Tensor * Tensor * Tensor option) list) =
        let constant (t: Tensor) = Expr.Constant t
        let _, first, _ = batches.Head

        let mutable slots =
            metric.Slots first.Shape |> Array.map (fun (_, shape) -> Tensor.Zeros(DType.Float64, shape))

        for t, p, w in batches do
            slots <-
                metric.Update (Array.map constant slots) (constant t) (constant p) (Option.map constant w)
                |> Interpreter.runTensors []

        metric.Result(slots |> Array.map (fun s -> s.ToDoubles()))

    let config (name: string) (arguments: (string * ConfigValue) list) : Config =
        { ClassName = name; Arguments = arguments }

    let metric (name: string) (arguments: (string * ConfigValue) list) = Metric.ofConfig (config name arguments)

    [<Fact>]
    member _.``Sum adds up all values, also behind the first axis``() =
        // reduction_metrics.py: reduce_to_samplewise_values with reduce_fn=ops.sum.
        let values = f32 [ 2; 3 ] [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ]
        Assert.Equal(21.0, (result Metric.sum [ values, values, None ])[0])
        let w = f32 [ 2 ] [ 2.0; 0.5 ]
        Assert.Equal(2.0 * 6.0 + 0.5 * 15.0, (result Metric.sum [ values, values, Some w ])[0])
        // Mean takes the mean of each sample first.
        Assert.Equal((2.0 * 2.0 + 0.5 * 5.0) / 2.5, (result Metric.mean [ values, values, Some w ])[0], 12)

    [<Fact>]
    member _.``binary accuracy takes a weight for every element``() =
        let t = f32 [ 2; 2 ] [ 1.0; 0.0; 1.0; 1.0 ]
        let p = f32 [ 2; 2 ] [ 0.9; 0.8; 0.1; 0.6 ]
        let w = f32 [ 2; 2 ] [ 1.0; 3.0; 2.0; 4.0 ]
        // Hits 1, 0, 0, 1; samples weigh the mean of their weights.
        let expected = ((1.0 + 0.0) / 2.0 + (0.0 + 4.0) / 2.0) / ((1.0 + 3.0) / 2.0 + (2.0 + 4.0) / 2.0)
        Assert.Equal(expected, (result (Metric.binaryAccuracy 0.5) [ t, p, Some w ])[0], 12)

    [<Fact>]
    member _.``class numbers in order of score count as the k best``() =
        let t = f32 [ 3 ] [ 1.0; 2.0; 0.0 ]
        let p = f32 [ 3; 3 ] [ 1.0; 0.0; 2.0; 0.0; 2.0; 1.0; 2.0; 1.0; 0.0 ]
        let of' k = (result (Metric.sparseTopKCategoricalAccuracy k true) [ t, p, None ])[0]
        Assert.Equal(1.0 / 3.0, of' 1, 6)
        Assert.Equal(2.0 / 3.0, of' 2, 6)
        Assert.Equal(1.0, of' 3, 6)

    [<Fact>]
    member _.``the constrained metrics have thresholds from 0 to 1 themselves``() =
        // confusion_metrics.py, SensitivitySpecificityBase: [0.0] + ... + [1.0], and a prediction of 0 is not above 0.
        let t = f32 [ 4 ] [ 0.0; 0.0; 1.0; 1.0 ]
        let p = f32 [ 4 ] [ 0.0; 0.4; 0.6; 1.0 ]
        let m = Metric.specificityAtSensitivity 1.0 3 None
        // Thresholds 0, 0.5, 1: at 0.5 both positives are found and both negatives are left out.
        Assert.Equal(1.0, (result m [ t, p, None ])[0])
        // Only threshold 0 finds all of these; one of the two negatives is not above it.
        let low = f32 [ 4 ] [ 0.0; 0.4; 0.3; 1.0 ]
        Assert.Equal(0.5, (result m [ t, low, None ])[0])
        // Predictions are cut off at 0 and 1.
        let outside = f32 [ 4 ] [ -3.0; 0.4; 0.3; 7.0 ]
        Assert.Equal(0.5, (result m [ t, outside, None ])[0])

    [<Fact>]
    member _.``the constrained metrics can look at one class``() =
        let t = f32 [ 3; 2 ] [ 1.0; 0.0; 0.0; 1.0; 1.0; 1.0 ]
        let p = f32 [ 3; 2 ] [ 0.9; 0.8; 0.1; 0.7; 0.8; 0.9 ]

        for name, argument in
            [ "SensitivityAtSpecificity", "specificity"
              "SpecificityAtSensitivity", "sensitivity"
              "PrecisionAtRecall", "recall"
              "RecallAtPrecision", "precision" ] do
            let of' id = metric name [ argument, ConfigValue.Float 0.9; "class_id", ConfigValue.Int id ]
            Assert.Equal(1.0, (result (of' 0L) [ t, p, None ])[0])
            // Class 1 has a negative between its positives.
            Assert.True((result (of' 1L) [ t, p, None ])[0] < 1.0, name)

    /// Keras keeps the weights of labels as a tensor, and writes them so.
    [<Fact>]
    member _.``weights of labels are read from a tensor``() =
        let weights =
            ConfigValue.Object
                [ "class_name", Text "__tensor__"
                  "config",
                  ConfigValue.Object [ "value", ConfigValue.List [ Float 0.25; Float 0.75 ]; "dtype", Text "float32" ] ]

        let area weights =
            let auc = Metric.ofConfig (config "AUC" [ "multi_label", Bool true; "label_weights", weights ])
            let t = f32 [ 4; 2 ] [ 0.0; 1.0; 1.0; 0.0; 1.0; 1.0; 0.0; 0.0 ]
            let p = f32 [ 4; 2 ] [ 0.1; 0.2; 0.9; 0.4; 0.8; 0.9; 0.3; 0.1 ]
            (result auc [ t, p, None ])[0]

        Assert.Equal(area (ConfigValue.List [ Float 0.25; Float 0.75 ]), area weights)

    [<Fact>]
    member _.``predictions outside of 0 and 1 count as these, where thresholds are even``() =
        // metrics_utils.py, _update_confusion_matrix_variables_optimized: ops.clip(y_pred, 0, 1).
        let t = f32 [ 4 ] [ 0.0; 1.0; 0.0; 1.0 ]
        let p = f32 [ 4 ] [ -2.0; -1.0; 0.2; 3.0 ]
        let inside = f32 [ 4 ] [ 0.0; 0.0; 0.2; 1.0 ]
        let of' p = (result (Metric.parse "auc") [ t, p, None ])[0]
        Assert.Equal(of' inside, of' p, 12)

        let counts thresholds = result (Metric.truePositives (Some thresholds)) [ t, p, None ]
        // Even: 3 is cut to 1, which is not above 1. Not even: 3 is above 1.
        Assert.Equal<float[]>([| 1.0; 1.0; 0.0 |], counts [| 0.0; 0.5; 1.0 |])
        Assert.Equal<float[]>([| 1.0; 1.0; 1.0 |], counts [| 0.0; 0.4; 1.0 |])

    [<Fact>]
    member _.``R2 is not adjusted by as many regressors as samples``() =
        let t = f32 [ 3; 1 ] [ 1.0; 2.0; 4.0 ]
        let p = f32 [ 3; 1 ] [ 1.5; 2.0; 3.0 ]
        let plain = (result (Metric.r2Score (Some "uniform_average") 0) [ t, p, None ])[0]
        let mean = 7.0 / 3.0
        let total = [ 1.0; 2.0; 4.0 ] |> List.sumBy (fun v -> (v - mean) ** 2.0)
        Assert.Equal(1.0 - (0.25 + 1.0) / total, plain, 10)
        let adjusted n = (result (Metric.r2Score (Some "uniform_average") n) [ t, p, None ])[0]
        Assert.Equal(1.0 - (1.0 - plain) * 2.0 / (3.0 - 1.0 - 1.0), adjusted 1, 10)
        Assert.Equal(plain, adjusted 2)
        Assert.Equal(plain, adjusted 5)

    [<Fact>]
    member _.``intersection over union adds epsilon to both of its divisors``() =
        let t = f32 [ 4 ] [ 0.0; 0.0; 1.0; 1.0 ]
        let p = f32 [ 4 ] [ 0.0; 1.0; 0.0; 1.0 ]
        let value = (result (metric "MeanIoU" [ "num_classes", ConfigValue.Int 2L ]) [ t, p, None ])[0]
        Assert.Equal((1.0 / (3.0 + 1e-7) + 1.0 / (3.0 + 1e-7)) / (2.0 + 1e-7), value, 15)

    [<Fact>]
    member _.``one-hot targets may have their classes on another axis``() =
        let classes = [ 0; 2; 1; 1 ]
        let guesses = [ 0; 1; 1; 2 ]
        let hot (rows: int list) =
            f32
                [ 1; 3; 4 ]
                [ for c in 0..2 do
                      for r in rows do
                          if r = c then 1.0 else 0.0 ]
        let flat (rows: int list) = f32 [ 4 ] (rows |> List.map float)
        let on = metric "OneHotMeanIoU" [ "num_classes", ConfigValue.Int 3L; "axis", ConfigValue.Int 1L ]
        let plain = metric "MeanIoU" [ "num_classes", ConfigValue.Int 3L ]

        Assert.Equal(
            (result plain [ flat classes, flat guesses, None ])[0],
            (result on [ hot classes, hot guesses, None ])[0]
        )

    [<Fact>]
    member _.``a mean over weights counts a weight of several values once``() =
        // loss.py, reduce_values: divisor = sum(sample_weight), which is not broadcast to the values.
        let t = f32 [ 2; 3; 1 ] [ for _ in 1..6 -> 0.0 ]
        let p = f32 [ 2; 3; 1 ] [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ]
        let w = f32 [ 2; 1 ] [ 2.0; 0.5 ]
        let loss = Loss.meanSquaredError |> Loss.withReduction LossReduction.MeanWithSampleWeight

        let value =
            Loss.compute loss (Expr.Constant t) (Flow.ofValue (Expr.Constant p)) (Some(Expr.Constant w))
            |> Interpreter.value []

        let expected = (2.0 * (1.0 + 4.0 + 9.0) + 0.5 * (16.0 + 25.0 + 36.0)) / (2.0 + 0.5)
        Assert.Equal(expected, value.ToDoubles()[0], 4)

    [<Theory>]
    [<InlineData("CategoricalCrossentropy")>]
    [<InlineData("CategoricalFocalCrossentropy")>]
    member _.``smoothing counts classes along the last axis of the targets``(name: string) =
        // losses.py: num_classes = ops.shape(y_true)[-1], whatever the axis.
        let t = [| [| 1.0; 0.0; 1.0; 0.0 |]; [| 0.0; 1.0; 0.0; 1.0 |] |]
        let p = [| [| 0.7; 0.2; 0.9; 0.4 |]; [| 0.3; 0.8; 0.1; 0.6 |] |]
        let tensor (rows: float[][]) = f32 [ 1; 2; 4 ] (rows |> Array.concat |> Array.toList)

        let loss =
            Loss.ofConfig (config name [ "label_smoothing", ConfigValue.Float 0.2; "axis", ConfigValue.Int 1L ])

        let value =
            Loss.compute loss (Expr.Constant(tensor t)) (Flow.ofValue (Expr.Constant(tensor p))) None
            |> Interpreter.value []

        let one (target: float) (chance: float) =
            let target = target * 0.8 + 0.2 / 4.0
            let factor = if name = "CategoricalCrossentropy" then 1.0 else 0.25 * (1.0 - chance) ** 2.0
            -factor * target * log chance

        let expected = Array.average [| for j in 0..3 -> one t[0].[j] p[0].[j] + one t[1].[j] p[1].[j] |]
        Assert.Equal(expected, value.ToDoubles()[0], 5)
