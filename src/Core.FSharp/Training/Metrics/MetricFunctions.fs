namespace FunctionalNet.Training

open FunctionalNet

/// Values of single samples that metrics take the mean of.
module internal MetricFunctions =

    let private asFloat (x: Expr) = Ops.cast DType.Float32 x

    let private withoutLastOne (x: Expr) = if x.Rank > 1 && x.Shape[-1] = 1 then Ops.squeeze [| -1 |] x else x

    let exactAccuracy (t: Expr) (p: Expr) =
        let t = if t.DType = p.DType then t else Ops.cast p.DType t
        asFloat (Ops.equal t p)

    let binaryAccuracy (threshold: float) (t: Expr) (p: Expr) =
        let yes = Ops.cast t.DType (Ops.greater p (Ops.scalar p.DType threshold))
        asFloat (Ops.equal t yes)

    let categoricalAccuracy (t: Expr) (p: Expr) = asFloat (Ops.equal (Ops.argmax -1 t) (Ops.argmax -1 p))

    /// Class numbers, without a last axis of size 1.
    let private labels (t: Expr) (p: Expr) =
        let t = if t.Rank = p.Rank && t.Shape[-1] = 1 then Ops.squeeze [| -1 |] t else t
        Ops.cast DType.Int32 t

    let sparseCategoricalAccuracy (t: Expr) (p: Expr) =
        withoutLastOne (asFloat (Ops.equal (labels t p) (Ops.argmax -1 p)))

    /// True where fewer than k classes score higher than the right one: ties count as hits.
    let private inTopK (k: int) (labels: Expr) (p: Expr) =
        let column = Ops.expandDims -1 labels
        let score = Ops.takeAlongAxis column -1 p
        let above = Ops.sum [| -1 |] false (Ops.cast DType.Int32 (Ops.greater p score))
        let known =
            Ops.logicalAnd
                (Ops.greaterEqual labels (Ops.zerosLike labels))
                (Ops.less labels (Ops.fullLike (float p.Shape[-1]) labels))
        asFloat (Ops.logicalAnd known (Ops.less above (Ops.fullLike (float k) above)))

    let topKAccuracy (k: int) (t: Expr) (p: Expr) = inTopK k (Ops.argmax -1 t) p

    let sparseTopKAccuracy (k: int) (t: Expr) (p: Expr) = inTopK k (labels t p) p

    /// Predictions are class numbers, the likeliest first.
    let amongFirst (k: int) (t: Expr) (p: Expr) =
        let labels = Ops.expandDims -1 (Ops.cast p.DType (labels t p))
        asFloat (Ops.any [| -1 |] false (Ops.equal labels (Ops.sliceAxis -1 0 (min k p.Shape[-1]) p)))

    let private centred (axis: int) (x: Expr) = x - Ops.mean [| axis |] true x

    let pearson (axis: int) (t: Expr) (p: Expr) = LossFunctions.cosineSimilarity axis (centred axis t) (centred axis p)

    let concordance (axis: int) (t: Expr) (p: Expr) =
        let mean = Ops.mean [| axis |] false
        let dt, dp = centred axis t, centred axis p
        let gap = mean t - mean p

        2.0 * mean (dt * dp)
        / (mean (Ops.square dt) + mean (Ops.square dp) + Ops.square gap + LossFunctions.Epsilon)

/// Totals in float64, so that long sums stay exact.
module internal Totals =

    let wide (x: Expr) = Ops.cast DType.Float64 x

    /// Weighted values and weights, one per sample, by Keras's rules: axes that are too many are reduced as the metric reduces.
    let private samplewise
        (reduce: int[] -> bool -> Expr -> Expr)
        (values: Expr)
        (weight: Expr option)
        : struct (Expr * Expr option) =
        let behindFirst (x: Expr) = if x.Rank > 1 then reduce [| 1 .. x.Rank - 1 |] false x else x

        match weight with
        | None -> struct (behindFirst values, None)
        | Some w ->
            let struct (values, w) = Weighting.sameRank values w

            let values =
                if w.Rank < values.Rank then reduce [| w.Rank .. values.Rank - 1 |] false values else values

            let w = Weighting.spread values.Shape w
            struct (behindFirst (values * w), Some(behindFirst w))

    /// The weighted sum of values.
    let sum (values: Expr) (weight: Expr option) : Expr =
        let struct (values, _) = samplewise Ops.sum (wide values) (Option.map wide weight)
        Ops.sumAll values

    /// Sum and count of values, to be added to the totals.
    let sumAndCount (values: Expr) (weight: Expr option) : struct (Expr * Expr) =
        let struct (values, weight) = samplewise Ops.mean (wide values) (Option.map wide weight)

        let count =
            match weight with
            | Some w -> Ops.sumAll w
            | None -> Ops.scalar DType.Float64 (if values.Rank = 0 then 1.0 else float values.Shape[0])

        struct (Ops.sumAll values, count)

    let ratio (a: float) (b: float) = if b = 0.0 then 0.0 else a / b
