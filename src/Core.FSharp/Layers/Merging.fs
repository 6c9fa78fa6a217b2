namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Options of the merging layers.</summary>
[<AutoOpen>]
module MergingTypes =

    /// <summary>Arguments of Dot; <c>Dot.options axes</c> has Keras's defaults.</summary>
    type DotOptions =
        {
            /// <summary>The axis of the first and of the second input that are multiplied and summed; the batch is axis 0.</summary>
            Axes: int * int
            /// <summary>True normalises both along the axis first: the result is the cosine. Default: false.</summary>
            Normalize: bool
        }

/// <summary>Layers that merge several inputs into one.</summary>
module internal Merging =

    let private atLeast kind count (inputs: Flow[]) =
        if inputs.Length < count then
            raise (
                ShapeException(
                    kind + " merges several inputs.",
                    "",
                    string count + " inputs or more",
                    string inputs.Length,
                    "Give it a list of inputs."
                )
            )

    /// Inputs of lower rank get axes of size 1 behind the batch.
    let private align (inputs: Flow[]) : Expr[] =
        let rank = inputs |> Array.map (fun f -> f.Value.Rank) |> Array.max

        inputs
        |> Array.map (fun f ->
            let dims = f.Value.Shape.ToArray()

            if dims.Length = rank || dims.Length = 0 then
                f.Value
            else
                Ops.reshape (Array.concat [ [| dims[0] |]; Array.create (rank - dims.Length) 1; dims[1..] ]) f.Value)

    /// A step counts if any input says so; without masks on all inputs there is none.
    let private either (inputs: Flow[]) : Expr voption =
        let combine (a: Expr voption) (b: Expr voption) =
            match a, b with
            | ValueSome a, ValueSome b -> ValueSome(Ops.logicalOr a b)
            | _ -> ValueNone

        inputs |> Array.map (fun f -> f.Mask) |> Array.reduce combine

    /// The mask of an input in the shape of its value. Inputs that got further axes have none any more.
    let private fullMask (rank: int) (flow: Flow) : Expr voption =
        match flow.Mask with
        | ValueSome mask when flow.Value.Rank = rank && mask.Rank < rank ->
            let dims = Array.append (mask.Shape.ToArray()) (Array.create (rank - mask.Rank) 1)
            ValueSome(Ops.broadcastTo flow.Value.Shape (Ops.reshape dims mask))
        | _ -> ValueNone

    let private maskedAs
        (number: Scope -> Expr -> Expr)
        kind
        (least: int)
        (merge: (struct (Expr * Expr voption))[] -> Expr)
        : LayerClass<unit> =
        LayerClass.many kind () [] (fun () scope inputs ->
            atLeast kind least inputs
            let values: Expr[] = align inputs |> Array.map (number scope)
            let masks = inputs |> Array.map (fullMask values[0].Rank)

            [| { Value = merge (Array.map2 (fun value mask -> struct (value, mask)) values masks)
                 Mask = either inputs } |])

    let private masked kind least merge = maskedAs (fun _ x -> x) kind least merge

    let private elementwise kind (least: int) (merge: Expr[] -> Expr) : LayerClass<unit> =
        masked kind least (Array.map (fun struct (value, _) -> value) >> merge)

    let add = elementwise "Add" 1 (Array.reduce (fun a b -> a + b))

    /// What an input masks counts as 1; what all inputs mask is 0.
    let multiply =
        masked "Multiply" 1 (fun inputs ->
            let product =
                inputs
                |> Array.map (fun struct (value, mask) ->
                    match mask with
                    | ValueSome mask -> Ops.where mask value (Ops.onesLike value)
                    | ValueNone -> value)
                |> Array.reduce (fun a b -> a * b)

            let masks = inputs |> Array.choose (fun struct (_, mask) -> ValueOption.toOption mask)

            if masks.Length = inputs.Length then
                Ops.where (masks |> Array.reduce Ops.logicalOr) product (Ops.zerosLike product)
            else
                product)

    /// Merges one input after the other. What one side masks is taken from the other; what all inputs mask is the first's.
    let private selected kind (merge: Expr -> Expr -> Expr) =
        masked kind 1 (fun inputs ->
            let step (struct (output: Expr, outputMask: Expr voption)) (struct (x: Expr, mask: Expr voption)) =
                let x =
                    match mask with
                    | ValueSome mask -> Ops.where mask x output
                    | ValueNone -> x

                let output =
                    match outputMask with
                    | ValueSome mask -> Ops.where mask output x
                    | ValueNone -> output

                let either =
                    match outputMask, mask with
                    | ValueSome a, ValueSome b -> ValueSome(Ops.logicalOr a b)
                    | _ -> ValueNone

                struct (merge output x, either)

            let struct (output, _) = Array.reduce step inputs
            output)

    let maximum = selected "Maximum" Ops.maximum
    let minimum = selected "Minimum" Ops.minimum

    let average =
        maskedAs LayerCheck.inexact "Average" 1 (fun inputs ->
            let sum = inputs |> Array.map (fun struct (value, _) -> value) |> Array.reduce (fun a b -> a + b)
            sum * (1.0 / float inputs.Length))

    let subtract =
        elementwise "Subtract" 2 (fun xs ->
            if xs.Length <> 2 then
                raise (
                    ShapeException(
                        "Subtract takes two inputs.",
                        "",
                        "2 inputs",
                        string xs.Length,
                        "Add the others up first."
                    )
                )

            xs[0] - xs[1])

    let concatenate: LayerClass<int> =
        LayerClass.many "Concatenate" -1 [ Field.int "axis" id (fun v _ -> v) ] (fun axis _ inputs ->
            atLeast "Concatenate" 1 inputs
            let values = inputs |> Array.map (fun f -> f.Value)
            let joined = Ops.concatenate axis values

            let mask =
                if inputs |> Array.forall (fun f -> f.Mask.IsNone) then
                    ValueNone
                else
                    // In the shape of the value, so that the joined axis may be the time or the features.
                    let full (f: Flow) =
                        match f.Mask with
                        | ValueNone -> Ops.ones DType.Bool f.Value.Shape
                        | ValueSome mask ->
                            let dims = Array.append (mask.Shape.ToArray()) (Array.create (f.Value.Rank - mask.Rank) 1)
                            Ops.broadcastTo f.Value.Shape (Ops.reshape dims mask)

                    ValueSome(Ops.any [| joined.Rank - 1 |] false (Ops.concatenate axis (inputs |> Array.map full)))

            [| { Value = joined; Mask = mask } |])

/// <summary>The Dot layer: products summed over one axis of each of two inputs, sample by sample.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Dot =

    /// <summary>Keras's defaults for those axes (of the first and the second input).</summary>
    let options (axes: int * int) : DotOptions = { Axes = axes; Normalize = false }

    let private run (o: DotOptions) (scope: Scope) (inputs: Flow[]) =
        if inputs.Length <> 2 then
            raise (
                ShapeException(
                    "Dot takes two inputs.",
                    "",
                    "2 inputs",
                    string inputs.Length,
                    "Give it a list of two inputs."
                )
            )

        let prepare (axis: int) (flow: Flow) =
            let x = LayerCheck.floating scope flow.Value
            LayerCheck.minRank "Dot" 2 x
            let axis = (LayerCheck.axes "Dot" [ axis ] x)[0]

            if axis = 0 then
                LayerCheck.rankError "Dot" "axes other than the batch" x "Axis 0 is the batch."

            struct (axis, (if o.Normalize then Ops.l2Normalize [| axis |] 1e-7 x else x))

        let struct (i, x) = prepare (fst o.Axes) inputs[0]
        let struct (j, y) = prepare (snd o.Axes) inputs[1]

        if x.Shape[i] <> y.Shape[j] then
            raise (
                ShapeException(
                    "Dot needs axes of one size.",
                    "",
                    "equal sizes on axis " + string i + " and axis " + string j,
                    x.Shape.ToString() + " and " + y.Shape.ToString(),
                    "Choose other axes."
                )
            )

        let size = x.Shape[i]
        let x = Ops.moveAxis i -1 x
        let y = Ops.moveAxis j 1 y
        let batch = x.Shape[0]
        let left = x.Shape.ToArray()[1 .. x.Rank - 2]
        let right = y.Shape.ToArray()[2..]
        let product dims = Array.fold (*) 1 dims

        let matrices =
            Ops.matmul (Ops.reshape [| batch; product left; size |] x) (Ops.reshape [| batch; size; product right |] y)

        let dims = Array.append left right
        Flow.ofValue (Ops.reshape (Array.append [| batch |] (if dims.Length = 0 then [| 1 |] else dims)) matrices)

    let internal definition: LayerClass<DotOptions> =
        let axes =
            Field.make
                "axes"
                (fun (i, j) -> Some(ConfigWrite.ints [ i; j ]))
                (fun where value ->
                    match ConfigRead.ints where value with
                    | [ axis ] -> axis, axis
                    | [ i; j ] -> i, j
                    | _ -> raise (ConfigRead.wrong where "an axis or a pair of axes" value))
                _.Axes
                (fun v o -> { o with Axes = v })

        LayerClass.many
            "Dot"
            (options (-1, -1))
            [ Field.required axes; Field.bool "normalize" _.Normalize (fun v o -> { o with Normalize = v }) ]
            (fun o scope inputs -> [| run o scope inputs |])
