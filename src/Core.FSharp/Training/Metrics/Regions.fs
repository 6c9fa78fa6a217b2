namespace FunctionalNet.Training

open FunctionalNet

/// Overlap of regions, from counts of pairs of classes.
module internal Regions =

    let intersection
        (name: string)
        (config: Config)
        (classes: int)
        (targets: int[] option)
        (ignored: int option)
        (prepare: Expr -> Expr -> struct (Expr * Expr))
        : Metric =
        { Name = name
          Config = Some config
          HigherIsBetter = Some true
          Slots = fun _ -> [| "total_confusion_matrix", Shape.Of(classes, classes) |]
          Update =
            fun slots t p weight ->
                let struct (t, p) = prepare t p
                let struct (t, p) = Weighting.sameRank t p

                let w =
                    match weight with
                    // Keras counts in whole numbers: it cuts weights toward 0.
                    | Some w -> Weighting.spread t.Shape (Totals.wide (Ops.cast DType.Int32 w))
                    | None -> Ops.ones DType.Float64 t.Shape

                let w =
                    match ignored with
                    | Some label -> w * Totals.wide (Ops.notEqual t (Ops.fullLike (float label) t))
                    | None -> w

                let hot (x: Expr) = Ops.oneHot classes DType.Float64 (Ops.ravel x)
                let left = Ops.transpose [| 1; 0 |] (hot t * Ops.expandDims -1 (Ops.ravel w))
                [| slots[0] + Ops.matmul left (hot p) |]
          Result =
            fun slots ->
                let at i j = slots[0][i * classes + j]
                let wanted = targets |> Option.defaultValue [| 0 .. classes - 1 |]
                let mutable sum = 0.0
                let mutable valid = 0

                for c in wanted do
                    let mutable union = -(at c c)

                    for i in 0 .. classes - 1 do
                        union <- union + at c i + at i c

                    if union <> 0.0 then
                        valid <- valid + 1
                        sum <- sum + at c c / (union + LossFunctions.Epsilon)

                [| sum / (float valid + LossFunctions.Epsilon) |] }

    let ids (sparse: bool) (axis: int) (x: Expr) = Ops.cast DType.Int32 (if sparse then x else Ops.argmax axis x)
