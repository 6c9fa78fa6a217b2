namespace FunctionalNet.Training

open FunctionalNet

/// How targets, predictions, weights and masks of different ranks are brought together: Keras's rules.
module internal Weighting =

    /// Two tensors whose ranks differ by a last axis of size 1 are brought to one rank.
    let sameRankBy (expandVectors: bool) (a: Expr) (b: Expr) : struct (Expr * Expr) =
        if a.Rank = b.Rank + 1 && a.Shape[-1] = 1 then
            if b.Rank = 1 && expandVectors then
                struct (a, Ops.expandDims -1 b)
            else
                struct (Ops.squeeze [| -1 |] a, b)
        elif b.Rank = a.Rank + 1 && b.Shape[-1] = 1 then
            if a.Rank = 1 && expandVectors then
                struct (Ops.expandDims -1 a, b)
            else
                struct (a, Ops.squeeze [| -1 |] b)
        else
            struct (a, b)

    let sameRank (a: Expr) (b: Expr) = sameRankBy true a b

    /// Weights of fewer axes than the values count for whole rows: axes of size 1 are added behind, and all is broadcast.
    let spread (shape: Shape) (weight: Expr) : Expr =
        let mutable w = weight

        while w.Rank < shape.Rank do
            w <- Ops.expandDims -1 w

        if w.Rank = shape.Rank + 1 && w.Shape[-1] = 1 then w <- Ops.squeeze [| -1 |] w

        Ops.broadcastTo shape w

    /// A mask and weights as weights. With the mean, kept entries weigh total / kept, so that dividing by the number of all
    /// entries divides by the number of kept ones.
    let merge (dtype: DType) (reduction: LossReduction) (weight: Expr option) (mask: Expr voption) : Expr option =
        match mask with
        | ValueNone -> weight |> Option.map (Ops.cast dtype)
        | ValueSome mask ->
            let kept = Ops.cast dtype mask

            let kept =
                match reduction with
                | LossReduction.SumOverBatchSize ->
                    // All masked: 0 / 1 rather than Keras's 0 / 0.
                    let valid = Ops.maximum (Ops.sumAll kept) (Ops.scalar dtype 1.0)
                    kept * (float mask.Shape.Size / valid)
                | _ -> kept

            match weight with
            | None -> Some kept
            | Some w ->
                let struct (kept, w) = sameRank kept (Ops.cast dtype w)

                Some(if kept.Rank >= w.Rank then kept * spread kept.Shape w else spread w.Shape kept * w)

    /// Values, weighted and reduced.
    let reduce (reduction: LossReduction) (weight: Expr option) (values: Expr) : Expr =
        let struct (weighted, weight) =
            match weight with
            | None -> struct (values, None)
            | Some w ->
                let struct (values, w) = sameRank values w

                // Weights of the values' rank, and a single number, stay as they are: Keras divides by their sum before they are
                // broadcast.
                let w = if w.Rank > 0 && w.Rank < values.Rank then spread values.Shape w else w

                struct (values * w, Some w)

        if reduction = LossReduction.None || weighted.Rank = 0 then
            weighted
        else
            let total = Ops.sumAll weighted

            match reduction, weight with
            | LossReduction.Sum, _ -> total
            | LossReduction.MeanWithSampleWeight, Some w ->
                let sum = Ops.sumAll w
                let zero = Ops.scalar sum.DType 0.0
                let empty = Ops.equal sum zero
                Ops.where empty zero (total / Ops.where empty (Ops.scalar sum.DType 1.0) sum)
            | _ -> total * (1.0 / float (max weighted.Shape.Size 1))
