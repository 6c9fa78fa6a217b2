namespace FunctionalNet

/// <summary>Options of ReversibleEmbedding.</summary>
[<AutoOpen>]
module ReversibleEmbeddingTypes =

    /// <summary>Arguments of ReversibleEmbedding; <c>ReversibleEmbedding.options inputDim outputDim</c> has Keras's
    /// defaults.</summary>
    [<NoEquality; NoComparison>]
    type ReversibleEmbeddingOptions =
        {
            /// <summary>The layer as it looks up vectors.</summary>
            Embedding: EmbeddingOptions
            /// <summary>True if the way back uses the same table, transposed; false for a weight of its own, reverse_embeddings
            /// of shape (OutputDim, InputDim). Default: true.</summary>
            TieWeights: bool
            /// <summary>Element type in which the way back is computed: Float32 or Float64. Default: the layer's.</summary>
            ReverseDType: DType option
            /// <summary>If given, logits l become tanh(l / cap) * cap.</summary>
            LogitSoftCap: float option
        }

/// <summary>The ReversibleEmbedding layer: an embedding that also leads back, from vectors to a score for every id. Language
/// models use one table at both ends (Press and Wolf, 2016).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ReversibleEmbedding =

    /// <summary>Keras's defaults for that many ids and that vector size.</summary>
    let options (inputDim: int) (outputDim: int) : ReversibleEmbeddingOptions =
        { Embedding = Embedding.options inputDim outputDim
          TieWeights = true
          ReverseDType = None
          LogitSoftCap = None }

    /// The argument of the call that asks for the way back.
    [<Literal>]
    let private Reverse = "reverse"

    /// <summary>The layer on its way back: (..., OutputDim) to (..., InputDim). Use it with the layer value that was applied to
    /// the ids. Keras: layer(x, reverse=True).</summary>
    /// <example><code>
    /// let embedding = Layer.reversibleEmbedding 1000 64
    /// let logits = ids |> Network.apply embedding |> body |> ReversibleEmbedding.reverse embedding
    /// </code></example>
    let reverse (layer: Layer) (node: Node) : Node =
        List.exactlyOne (Network.applyFlagged layer [] [ Reverse, true ] [ node ])

    /// The weight of its own that leads back.
    [<Literal>]
    let private OwnWeight = "reverse_embeddings"

    let private back (o: ReversibleEmbeddingOptions) (scope: Scope) (x: Expr) table matrices own : Expr =
        let e = o.Embedding
        let vectors = LayerCheck.floating scope x

        if vectors.Shape[-1] <> e.OutputDim then
            LayerCheck.rankError
                "ReversibleEmbedding"
                ("a last axis of size " + string e.OutputDim)
                x
                "The way back begins with vectors of the embedding's size."

        let typed (value: Expr) =
            match o.ReverseDType with
            | Some dtype -> Ops.cast dtype value
            | None -> value

        let turned = Ops.transpose [| 1; 0 |]

        let logits =
            match own, table, matrices with
            | ValueSome(Embedding.Floats kernel), _, _ -> Ops.matmul (typed vectors) (typed kernel)
            | ValueSome(Embedding.Whole(weights, scales)), _, _ ->
                Quantization.product vectors (struct (weights, scales))
            | ValueNone, Embedding.Floats table, ValueSome pair ->
                Ops.matmul (typed vectors) (typed (turned (LowRank.merged e.Lora table pair)))
            | ValueNone, Embedding.Floats table, ValueNone -> Ops.matmul (typed vectors) (typed (turned table))
            | ValueNone, Embedding.Whole(weights, scales), _ ->
                Quantization.product vectors (struct (turned weights, scales))

        match o.LogitSoftCap with
        | Some cap -> Ops.tanh (logits / cap) * cap
        | None -> logits

    let private run (o: ReversibleEmbeddingOptions) (scope: Scope) (x: Flow) : Flow =
        let e = o.Embedding
        let backwards = scope.Flag Reverse = ValueSome true

        // Both ways declare the same weights, in the same order.
        let struct (table, matrices) = Embedding.declare e scope

        let own =
            if o.TieWeights then
                ValueNone
            elif scope.IsQuantized then
                let struct (weights, scales) =
                    Quantization.declare scope OwnWeight [| e.OutputDim; e.InputDim |] [| e.InputDim |]

                ValueSome(Embedding.Whole(weights, scales))
            else
                Weight.startingFrom e.Embeddings.Initializer
                |> Weight.declare scope OwnWeight [| e.OutputDim; e.InputDim |]
                |> Embedding.Floats
                |> ValueSome

        let result =
            if backwards then
                Flow.ofValue (back o scope x.Value table matrices own)
            else
                Embedding.lookUp { e with ActivityRegularizer = None } scope x

        LayerCheck.activity scope e.ActivityRegularizer result.Value
        result

    let internal definition: LayerClass<ReversibleEmbeddingOptions> =
        let ofEmbedding =
            Embedding.fields |> List.map (Field.inside _.Embedding (fun v o -> { o with Embedding = v }))

        let dtype where value = DType.parse (ConfigRead.text where value)

        let lora (o: ReversibleEmbeddingOptions) = o.Embedding.Lora

        let withLora lora (o: ReversibleEmbeddingOptions) = { o with Embedding = { o.Embedding with Lora = lora } }

        LayerClass.flow
            "ReversibleEmbedding"
            (options 1 1)
            (ofEmbedding
             @ [ Field.bool "tie_weights" _.TieWeights (fun v o -> { o with TieWeights = v })
                 Field.optional "reverse_dtype" (DType.name >> Text >> Some) dtype _.ReverseDType (fun v o ->
                     { o with ReverseDType = v })
                 Field.floatOption "logit_soft_cap" _.LogitSoftCap (fun v o -> { o with LogitSoftCap = v }) ])
            run
        |> LayerClass.checkedBy (fun o ->
            Embedding.check "ReversibleEmbedding" o.Embedding

            match o.ReverseDType, o.LogitSoftCap with
            | Some dtype, _ when not (DType.isFloating dtype) ->
                LayerCheck.argument
                    "ReversibleEmbedding.reverse_dtype"
                    "float32 or float64"
                    (DType.name dtype)
                    "Scores are numbers."
            | _, Some cap when not (cap > 0.0) ->
                LayerCheck.argument
                    "ReversibleEmbedding.logit_soft_cap"
                    "a number above 0"
                    (ConfigRead.show (Float cap))
                    "30 is usual."
            | _ -> o)
        |> LayerClass.changing (
            let weights (o: ReversibleEmbeddingOptions) =
                [ "embeddings", Quantization.rows; if not o.TieWeights then OwnWeight, Quantization.columns ]

            LowRank.variants "embeddings" weights lora withLora
        )
