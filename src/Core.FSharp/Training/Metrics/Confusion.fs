namespace FunctionalNet.Training

open System
open FunctionalNet

/// Weighted counts of right and wrong answers at thresholds.
module internal Confusion =

    /// What a slot counts.
    type Kind =
        | TruePositives = 0
        | FalsePositives = 1
        | TrueNegatives = 2
        | FalseNegatives = 3

    let name (kind: Kind) =
        match kind with
        | Kind.TruePositives -> "true_positives"
        | Kind.FalsePositives -> "false_positives"
        | Kind.TrueNegatives -> "true_negatives"
        | _ -> "false_negatives"

    let all = [| Kind.TruePositives; Kind.FalsePositives; Kind.TrueNegatives; Kind.FalseNegatives |]

    /// Keeps the k greatest values of every row, at a tie the first ones; the others become very small.
    let private keepTopK (k: int) (p: Expr) =
        let rank = Ops.argsort -1 false (Ops.argsort -1 true p)
        Ops.where (Ops.less rank (Ops.fullLike (float k) rank)) p (Ops.fullLike -1e10 p)

    /// The counts of a batch for every threshold; per label with multiLabel. Predictions above a threshold are positive.
    let counts
        (kinds: Kind[])
        (thresholds: float[])
        (multiLabel: bool)
        (labelWeights: float[] option)
        (topK: int option)
        (classId: int option)
        (clipped: bool)
        (t: Expr)
        (p: Expr)
        (weight: Expr option)
        : Expr[] =
        let p = if DType.isFloating p.DType then p else Ops.cast DType.Float32 p
        let struct (p, t) = Weighting.sameRank p t

        let p =
            match topK with
            | Some k -> keepTopK k p
            | None -> p

        let struct (t, p) =
            match classId with
            | Some id ->
                if p.Rank = 1 || id < 0 || id >= p.Shape[-1] then
                    raise (
                        ArgumentValueException(
                            "There is no such class.",
                            "class_id",
                            (if p.Rank = 1 then
                                 "predictions with an axis of classes"
                             else
                                 "0 to " + string (p.Shape[-1] - 1)),
                            string id,
                            "Classes are numbered from 0."
                        )
                    )

                struct (Ops.sliceAxis -1 id (id + 1) t, Ops.sliceAxis -1 id (id + 1) p)
            | None -> struct (t, p)

        let p = if clipped then Ops.clip 0.0 1.0 p else p
        let truth = Ops.cast DType.Bool t

        let w =
            match weight with
            | Some w -> Weighting.spread p.Shape (Totals.wide w)
            | None -> Ops.ones DType.Float64 p.Shape

        let w =
            match labelWeights with
            | Some weights when not multiLabel -> w * Ops.constant (Tensor.OfArray weights)
            | _ -> w

        // Rows are samples, columns labels; without labels everything is one row.
        let rows (x: Expr) =
            if multiLabel then
                let x = if x.Rank = 1 then Ops.expandDims -1 x else x
                Ops.reshape [| 1; -1; x.Shape[-1] |] x
            else
                Ops.reshape [| 1; -1 |] x

        let truth, p, w = rows truth, rows p, rows w

        let at =
            Ops.constant (
                Tensor.OfDoubles(
                    p.DType,
                    Shape.Of(Array.append [| thresholds.Length |] (Array.create (p.Rank - 1) 1)),
                    thresholds
                )
            )

        let positive = Ops.greater p at
        let zero = Ops.scalar DType.Float64 0.0

        kinds
        |> Array.map (fun kind ->
            let which =
                match kind with
                | Kind.TruePositives -> Ops.logicalAnd positive truth
                | Kind.FalsePositives -> Ops.logicalAnd positive (Ops.logicalNot truth)
                | Kind.TrueNegatives -> Ops.logicalNot (Ops.logicalOr positive truth)
                | _ -> Ops.logicalAnd (Ops.logicalNot positive) truth

            Ops.sum [| 1 |] false (Ops.where which w zero))

    /// From 0 to 1 in equal steps; one alone is 0.5.
    let evenThresholds (count: int) : float[] =
        if count = 1 then [| 0.5 |] else Array.init count (fun i -> float i / float (count - 1))

    /// The same with ends just outside, so that no prediction lies on one.
    let curveThresholds (count: int) : float[] =
        Array.concat
            [ [| -LossFunctions.Epsilon |]
              (evenThresholds count)[1 .. count - 2]
              [| 1.0 + LossFunctions.Epsilon |] ]

    /// Whether Keras takes thresholds for equal steps from 0 to 1: then it cuts predictions off at 0 and 1.
    let areEven (thresholds: float[]) : bool =
        let close (a: float) (b: float) = abs (a - b) <= LossFunctions.Epsilon + 1e-5 * abs b
        thresholds.Length >= 3 && Array.forall2 close thresholds (evenThresholds thresholds.Length)

    /// The area under one curve from its counts, in order of thresholds.
    let area
        (curve: AucCurve)
        (summation: AucSummation)
        (tp: float[])
        (fp: float[])
        (tn: float[])
        (fn: float[])
        : float =
        let n = tp.Length
        let ratio = Totals.ratio
        let mutable sum = 0.0

        if curve = AucCurve.PR && summation = AucSummation.Interpolation then
            for i in 0 .. n - 2 do
                let p0, p1 = tp[i] + fp[i], tp[i + 1] + fp[i + 1]
                let slope = ratio (tp[i] - tp[i + 1]) (max (p0 - p1) 0.0)
                let intercept = tp[i + 1] - slope * p1
                let growth = if p0 > 0.0 && p1 > 0.0 then p0 / p1 else 1.0

                sum <-
                    sum
                    + ratio
                        (slope * (tp[i] - tp[i + 1] + intercept * Math.Log growth))
                        (max (tp[i + 1] + fn[i + 1]) 0.0)
        else
            let recall i = ratio tp[i] (tp[i] + fn[i])

            let x, y =
                match curve with
                | AucCurve.ROC -> (fun i -> ratio fp[i] (fp[i] + tn[i])), recall
                | _ -> recall, (fun i -> ratio tp[i] (tp[i] + fp[i]))

            for i in 0 .. n - 2 do
                let height =
                    match summation with
                    | AucSummation.Interpolation -> (y i + y (i + 1)) / 2.0
                    | AucSummation.Minoring -> min (y i) (y (i + 1))
                    | _ -> max (y i) (y (i + 1))

                sum <- sum + (x i - x (i + 1)) * height

        sum
