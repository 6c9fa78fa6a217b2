namespace FunctionalNet.Training

open FunctionalNet
open FunctionalNet.Common

/// Options of metrics from arguments.
module internal MetricArguments =

    let positives (a: Arguments) : PositiveOptions =
        { Thresholds = a.Floats "thresholds"; TopK = a.IntOption "top_k"; ClassId = a.IntOption "class_id" }

    let average (a: Arguments) : ScoreAverage =
        match a.TextOption "average" with
        | None -> ScoreAverage.None
        | Some "micro" -> ScoreAverage.Micro
        | Some "macro" -> ScoreAverage.Macro
        | Some "weighted" -> ScoreAverage.Weighted
        | Some other -> raise (Names.unknown "average" "average" other [ "micro"; "macro"; "weighted" ])

    let auc (a: Arguments) : AucOptions =
        // The number of labels follows from the predictions.
        a.Raw "num_labels" |> ignore

        { NumThresholds = a.Int("num_thresholds", 200)
          Curve =
            (match a.Text("curve", "ROC") with
             | "ROC" -> AucCurve.ROC
             | "PR" -> AucCurve.PR
             | other -> raise (Names.unknown "curve" "curve" other [ "ROC"; "PR" ]))
          Summation =
            (match a.Text("summation_method", "interpolation") with
             | "interpolation" -> AucSummation.Interpolation
             | "minoring" -> AucSummation.Minoring
             | "majoring" -> AucSummation.Majoring
             | other ->
                 raise (Names.unknown "summation" "summation_method" other [ "interpolation"; "minoring"; "majoring" ]))
          Thresholds = a.Floats "thresholds"
          MultiLabel = a.Bool("multi_label", false)
          LabelWeights = a.Floats "label_weights"
          FromLogits = a.Bool("from_logits", false) }
