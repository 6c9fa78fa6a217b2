namespace FunctionalNet

/// What layers with low-rank adaptation have in common.
module internal LowRank =

    /// The arguments lora_rank and lora_alpha.
    let fields (get: 'o -> LoraOptions) (set: LoraOptions -> 'o -> 'o) : Field<'o> list =
        [ Field.intOption "lora_rank" (fun o -> (get o).Rank) (fun v o -> set { get o with Rank = v } o)
          Field.floatOption "lora_alpha" (fun o -> (get o).Alpha) (fun v o -> set { get o with Alpha = v } o) ]

    /// Refuses ranks below 1, and adaptation of a weight with a projection: what is projected is not what is trained.
    let check (kind: string) (weight: WeightOptions) (lora: LoraOptions) : unit =
        match lora.Rank with
        | None -> ()
        | Some rank ->
            LayerCheck.positive (kind + ".lora_rank") rank

            if weight.Constraint.IsSome then
                LayerCheck.argument
                    (kind + ".lora_rank")
                    "no lora_rank beside a constraint of the weight"
                    (string rank)
                    "Remove the constraint to adapt the layer."

    let isOn (lora: LoraOptions) = lora.Rank.IsSome

    /// What the product of the matrices is multiplied with: alpha / rank.
    let scale (lora: LoraOptions) : float =
        match lora.Rank, lora.Alpha with
        | Some rank, Some alpha -> alpha / float rank
        | _ -> 1.0

    /// The weight: frozen if it is adapted.
    let declare (scope: Scope) (name: string) (shape: int[]) (weight: WeightOptions) (lora: LoraOptions) : Expr =
        if isOn lora then
            scope.Kept(name, Shape.Of shape, weight.Initializer)
        else
            Weight.declare scope name shape weight

    let private firstOf name = "lora_" + name + "_a"
    let private secondOf name = "lora_" + name + "_b"

    /// Whether a variable is the first small matrix of a layer, or the second, or neither.
    let (|First|Second|Neither|) (variable: string) =
        let name = variable.Substring(variable.LastIndexOf '/' + 1)

        if not (name.StartsWith "lora_") then Neither
        elif name.EndsWith "_a" then First
        elif name.EndsWith "_b" then Second
        else Neither

    /// The small matrices, to be declared after the layer's other weights: (..., rank) and (rank, last axis).
    let matrices (scope: Scope) (name: string) (shape: int[]) (weight: WeightOptions) (lora: LoraOptions) =
        match lora.Rank with
        | None -> ValueNone
        | Some rank ->
            let last = shape.Length - 1
            let a = { weight with Initializer = Initializer.heUniform }
            let b = { weight with Initializer = Initializer.zeros }

            ValueSome(
                struct (Weight.declare scope (firstOf name) (Array.append shape[.. last - 1] [| rank |]) a,
                        Weight.declare scope (secondOf name) [| rank; shape[last] |] b)
            )

    let private scaled (lora: LoraOptions) (x: Expr) =
        let factor = scale lora
        if factor = 1.0 then x else x * factor

    /// The product of x with the matrices, one after the other: never as large as the weight.
    let product (lora: LoraOptions) (x: Expr) (struct (a: Expr, b: Expr)) : Expr =
        scaled lora (Ops.matmul (Ops.matmul x a) b)

    /// The product of the matrices: what is added to the weight.
    let delta (lora: LoraOptions) (struct (a: Expr, b: Expr)) : Expr = scaled lora (Ops.matmul a b)

    /// The weight with the product of the matrices added.
    let merged (lora: LoraOptions) (weight: Expr) pair : Expr = weight + delta lora pair

    /// The value of the weight with the product of the matrices added.
    let private mergedValue (lora: LoraOptions) (weight: Tensor) (a: Tensor) (b: Tensor) : Tensor =
        let values, first, second = weight.ToDoubles(), a.ToDoubles(), b.ToDoubles()
        let rank, width = b.Shape[0], b.Shape[1]
        let factor = scale lora

        for row in 0 .. values.Length / width - 1 do
            for column in 0 .. width - 1 do
                let mutable sum = 0.0

                for k in 0 .. rank - 1 do
                    sum <- sum + first[row * rank + k] * second[k * width + column]

                values[row * width + column] <- values[row * width + column] + factor * sum

        Tensor.OfDoubles(weight.DType, weight.Shape, values)

    /// How a class of layers changes: `name` is its adapted weight, `weights` those that can be 8-bit numbers, the adapted one
    /// first.
    let variants
        (name: string)
        (weights: 'o -> (string * ScaleLayout) list)
        (get: 'o -> LoraOptions)
        (set: LoraOptions -> 'o -> 'o)
        (make: 'o -> Layer)
        (options: 'o)
        (change: LayerChange)
        : LayerVariant voption =
        match change with
        | Adapt lora when not (isOn (get options)) ->
            ValueSome { Layer = make (set lora options); Values = fun _ -> [] }
        | Merge when isOn (get options) ->
            let values (find: string -> Tensor) =
                let merged weight = mergedValue (get options) weight (find (firstOf name)) (find (secondOf name))

                match find name with
                | whole when whole.DType = DType.Int8 ->
                    // Rounded once more, as in Keras.
                    let _, layout = List.head (weights options)
                    let restored = Quantization.restore layout whole (find (Quantization.scaleOf name))
                    Quantization.values name layout (fun _ -> merged restored)
                | weight -> [ name, merged weight ]

            ValueSome { Layer = make (set Lora.none options); Values = values }
        | Quantize when not (weights options).IsEmpty -> Quantization.variant make options (weights options)
        | _ -> ValueNone
