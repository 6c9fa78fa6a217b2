namespace FunctionalNet

open FunctionalNet.Graph

/// What the attention layers share: their inputs, masks, and dropout of weights.
module internal AttentionParts =

    /// Query, value and key of a call: the key is the value where there is none; one input attends to itself.
    let inputs (kind: string) (flows: Flow[]) : struct (Flow * Flow * Flow) =
        match flows with
        | [| x |] -> struct (x, x, x)
        | [| query; value |] -> struct (query, value, value)
        | [| query; value; key |] -> struct (query, value, key)
        | _ ->
            raise (
                ShapeException(
                    kind + " takes a query, a value, and perhaps a key.",
                    "",
                    "1 to 3 inputs",
                    string flows.Length,
                    "Give query, value and key in that order; the key is the value by default."
                )
            )

    /// A truth value per element, whatever the type.
    let truth (mask: Expr) : Expr =
        if mask.DType = DType.Bool then mask else Ops.notEqual mask (Expr.Scalar(mask.DType, 0.0))

    /// The mask of an input of that name: the one given in the call, else the one that comes with it.
    let maskOf (scope: Scope) (name: string) (flow: Flow) : Expr voption =
        match scope.Argument name with
        | ValueSome mask -> ValueSome(truth mask)
        | ValueNone -> flow.Mask |> ValueOption.map truth

    /// What a call says of an argument that the layer has too.
    let flag (scope: Scope) (name: string) (ofLayer: bool) : bool = scope.Flag name |> ValueOption.defaultValue ofLayer

    let both (a: Expr voption) (b: Expr voption) : Expr voption =
        match a, b with
        | ValueSome a, ValueSome b -> ValueSome(Ops.logicalAnd a b)
        | ValueNone, other
        | other, ValueNone -> other

    /// Batch sizes and lengths that belong together.
    let check (kind: string) (query: Expr) (value: Expr) (key: Expr) =
        for x in [| query; value; key |] do
            LayerCheck.minRank kind 3 x

        let steps (x: Expr) = (x.Shape.ToArray())[.. x.Rank - 2]

        if query.Shape[0] <> value.Shape[0] || steps value <> steps key then
            raise (
                ShapeException(
                    kind + " got inputs that do not belong together.",
                    "",
                    "one batch size, and as many keys as values",
                    query.Shape.ToString()
                    + " (query), "
                    + value.Shape.ToString()
                    + " (value), "
                    + key.Shape.ToString()
                    + " (key)",
                    "The order of the inputs is query, value, key."
                )
            )

    /// Lowers the scores of keys that are not seen by so much that their weights vanish. In a row without any key seen all
    /// scores become equal, so that its weights are not 0/0. The derivative is that of Keras, which adds the number.
    let lower (seen: Expr voption) (scores: Expr) : Expr =
        match seen with
        | ValueNone -> scores
        | ValueSome seen ->
            let low = Expr.Scalar(scores.DType, -1e9)
            Ops.where seen scores (scores + Ops.stopGradient (low - scores))

    /// Inverted dropout of weights while training.
    let drop (scope: Scope) (rate: float) (seed: int option) (weights: Expr) : Expr =
        let options = { Dropout.options rate with Seed = seed }
        let outputs = Dropout.plain.Run options (scope.Child "dropout") [| Flow.ofValue weights |]
        outputs[0].Value

    let causal (queries: int) (keys: int) : Expr = Ops.triMask queries keys 0
