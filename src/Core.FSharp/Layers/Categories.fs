namespace FunctionalNet

/// <summary>Options of the layers that turn numbers into categories and categories into vectors.</summary>
[<AutoOpen>]
module CategoryTypes =

    /// <summary>How categories come out of CategoryEncoding and Discretization.</summary>
    [<RequireQualifiedAccess>]
    type CategoryOutput =
        /// <summary>Their numbers, in the input's shape.</summary>
        | Int
        /// <summary>A new last axis with 1 at the category and 0 elsewhere; it takes the place of a last axis of size 1.</summary>
        | OneHot
        /// <summary>One vector per row, with 1 at every category that occurs in it.</summary>
        | MultiHot
        /// <summary>One vector per row: how often each category occurs in it.</summary>
        | Count

    /// <summary>Arguments of Discretization; <c>Discretization.options boundaries</c> has Keras's defaults.</summary>
    type DiscretizationOptions =
        {
            /// <summary>Where one bin ends and the next begins, ascending. A boundary belongs to the bin above it.</summary>
            BinBoundaries: float list
            /// <summary>Default: numbers of bins, as int64.</summary>
            OutputMode: CategoryOutput
        }

    /// <summary>Arguments of CategoryEncoding; <c>CategoryEncoding.options tokens</c> has Keras's defaults.</summary>
    type CategoryEncodingOptions =
        {
            /// <summary>Number of categories: they run from 0 to this - 1. Others are not counted.</summary>
            NumTokens: int
            /// <summary>Default: multi-hot. Int is not for this layer.</summary>
            OutputMode: CategoryOutput
        }

module internal Categories =

    let modes =
        [ "int", CategoryOutput.Int
          "one_hot", CategoryOutput.OneHot
          "multi_hot", CategoryOutput.MultiHot
          "count", CategoryOutput.Count ]

    /// Categories in one of the forms; weights, of the categories' shape, are for counts.
    let encode
        (kind: string)
        (mode: CategoryOutput)
        (depth: int)
        (dtype: DType)
        (weights: Expr option)
        (ids: Expr)
        : Expr =
        let hot (x: Expr) = Ops.oneHot depth dtype x

        match mode with
        | CategoryOutput.Int -> ids
        | CategoryOutput.OneHot -> hot (if ids.Rank > 1 && ids.Shape[-1] = 1 then Ops.squeeze [| -1 |] ids else ids)
        | CategoryOutput.MultiHot ->
            LayerCheck.minRank kind 2 ids
            Ops.max [| 1 |] false (hot ids)
        | CategoryOutput.Count ->
            LayerCheck.minRank kind 2 ids

            let counted =
                match weights with
                | Some w ->
                    if not (w.Shape.Equals ids.Shape) then
                        raise (
                            ShapeException(
                                kind + " got weights of another shape than its input.",
                                "",
                                ids.Shape.ToString(),
                                w.Shape.ToString(),
                                "Give one weight per category."
                            )
                        )

                    hot ids * Ops.expandDims -1 (Ops.cast dtype w)
                | None -> hot ids

            Ops.sum [| 1 |] false counted

/// <summary>The Discretization layer: numbers to the bins they fall into.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Discretization =

    /// <summary>Numbers of bins between those boundaries: n boundaries make n + 1 bins.</summary>
    let options (binBoundaries: float list) : DiscretizationOptions =
        { BinBoundaries = binBoundaries; OutputMode = CategoryOutput.Int }

    let private run (o: DiscretizationOptions) (scope: Scope) (x: Expr) =
        let x = LayerCheck.floating scope x
        let boundaries =
            Ops.constant (Tensor.OfDoubles(x.DType, Shape.Of o.BinBoundaries.Length, List.toArray o.BinBoundaries))
        let passed = Ops.greaterEqual (Ops.expandDims -1 x) boundaries
        let bins = Ops.sum [| -1 |] false (Ops.cast DType.Int64 passed)
        Categories.encode "Discretization" o.OutputMode (o.BinBoundaries.Length + 1) scope.FloatType None bins

    let internal definition: LayerClass<DiscretizationOptions> =
        LayerClass.dropsMask
            "Discretization"
            [ Field.make
                  "bin_boundaries"
                  (fun values -> Some(List(List.map Float values)))
                  ConfigRead.floats
                  (fun (o: DiscretizationOptions) -> o.BinBoundaries)
                  (fun v (o: DiscretizationOptions) -> { o with BinBoundaries = v })
              |> Field.required
              Field.fixedTo "num_bins" [ Null ]
              Field.fixedTo "epsilon" [ Float 0.01 ]
              Field.choice
                  "output_mode"
                  Categories.modes
                  (fun (o: DiscretizationOptions) -> o.OutputMode)
                  (fun v (o: DiscretizationOptions) -> { o with OutputMode = v })
              Field.fixedTo "sparse" [ Bool false ] ]
            (options [])
            run
        |> LayerClass.checkedBy (fun (o: DiscretizationOptions) ->
            if o.BinBoundaries.IsEmpty || List.pairwise o.BinBoundaries |> List.exists (fun (a, b) -> not (a < b)) then
                LayerCheck.argument
                    "Discretization.bin_boundaries"
                    "one or more ascending numbers"
                    (ConfigRead.show (List(List.map Float o.BinBoundaries)))
                    "[0.0; 1.0] makes three bins: below 0, from 0 to 1, and from 1."

            o)

/// <summary>The CategoryEncoding layer: integer categories to vectors.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module CategoryEncoding =

    /// <summary>Multi-hot vectors of that many categories.</summary>
    let options (numTokens: int) : CategoryEncodingOptions =
        { NumTokens = numTokens; OutputMode = CategoryOutput.MultiHot }

    let private run (o: CategoryEncodingOptions) (scope: Scope) (inputs: Flow[]) =
        // A second input weighs the counts: Keras's count_weights.
        let weights = if inputs.Length = 2 then Some inputs[1].Value else None

        if weights.IsSome && o.OutputMode <> CategoryOutput.Count then
            LayerCheck.argument
                "CategoryEncoding.output_mode"
                "count, because there are weights"
                "another mode"
                "Leave out the second input, or count."

        let x = (Layer.single "CategoryEncoding" (if weights.IsSome then [| inputs[0] |] else inputs)).Value
        let ids = if DType.isInteger x.DType then x else Ops.cast DType.Int32 x
        [| Flow.ofValue (Categories.encode "CategoryEncoding" o.OutputMode o.NumTokens scope.FloatType weights ids) |]

    let internal definition: LayerClass<CategoryEncodingOptions> =
        LayerClass.many
            "CategoryEncoding"
            [ Field.int
                  "num_tokens"
                  (fun (o: CategoryEncodingOptions) -> o.NumTokens)
                  (fun v (o: CategoryEncodingOptions) -> { o with NumTokens = v })
              |> Field.required
              Field.choice
                  "output_mode"
                  (List.tail Categories.modes)
                  (fun (o: CategoryEncodingOptions) -> o.OutputMode)
                  (fun v (o: CategoryEncodingOptions) -> { o with OutputMode = v })
              Field.fixedTo "sparse" [ Bool false ] ]
            (options 1)
            run
        |> LayerClass.checkedBy (fun (o: CategoryEncodingOptions) ->
            LayerCheck.positive "CategoryEncoding.num_tokens" o.NumTokens

            if o.OutputMode = CategoryOutput.Int then
                LayerCheck.argument
                    "CategoryEncoding.output_mode"
                    "one-hot, multi-hot or count"
                    "int"
                    "Leave the layer out to keep numbers."

            o)
