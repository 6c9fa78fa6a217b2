namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Options of Attention and AdditiveAttention.</summary>
[<AutoOpen>]
module AttentionTypes =

    /// <summary>How a query and a key are compared.</summary>
    [<RequireQualifiedAccess>]
    type AttentionScore =
        /// <summary>Their dot product (Luong).</summary>
        | Dot
        /// <summary>The sum of tanh (query + key), times a trained number.</summary>
        | Concat

    /// <summary>Arguments of Attention; <c>Attention.options</c> has Keras's defaults.</summary>
    type AttentionOptions =
        {
            /// <summary>True for a trained factor of the scores. Default: false.</summary>
            UseScale: bool
            /// <summary>Default: the dot product.</summary>
            ScoreMode: AttentionScore
            /// <summary>Share of the weights that are dropped while training. Default: 0.</summary>
            Dropout: float
            /// <summary>Chooses another stream of random numbers under the same model seed.</summary>
            Seed: int option
            /// <summary>True if a query sees no later key (Keras's argument of the call). Default: false.</summary>
            UseCausalMask: bool
            /// <summary>True for a second output, the weights (Keras's argument of the call). Default: false.</summary>
            ReturnAttentionScores: bool
        }

    /// <summary>Arguments of AdditiveAttention; <c>AdditiveAttention.options</c> has Keras's defaults.</summary>
    type AdditiveAttentionOptions =
        {
            /// <summary>True for a trained factor of every feature. Default: true.</summary>
            UseScale: bool
            /// <summary>Share of the weights that are dropped while training. Default: 0.</summary>
            Dropout: float
            /// <summary>Chooses another stream of random numbers under the same model seed.</summary>
            Seed: int option
            /// <summary>True if a query sees no later key (Keras's argument of the call). Default: false.</summary>
            UseCausalMask: bool
            /// <summary>True for a second output, the weights (Keras's argument of the call). Default: false.</summary>
            ReturnAttentionScores: bool
        }

/// What Attention and AdditiveAttention do with scores.
module private ScoredAttention =

    [<NoEquality; NoComparison>]
    type Settings = { Kind: string; Dropout: float; Seed: int option; Causal: bool; ReturnScores: bool }

    /// `score` gives (batch, queries, keys) for queries and keys of rank 3.
    let run (s: Settings) (score: Scope -> Expr -> Expr -> Expr) (scope: Scope) (flows: Flow[]) : Flow[] =
        let isCausal = AttentionParts.flag scope "use_causal_mask" s.Causal
        let returnsScores = AttentionParts.flag scope "return_attention_scores" s.ReturnScores
        let struct (query, value, key) = AttentionParts.inputs s.Kind flows
        let q = LayerCheck.floating scope query.Value
        let v = LayerCheck.floating scope value.Value
        let k = LayerCheck.floating scope key.Value

        for x in [| q; v; k |] do
            LayerCheck.rank s.Kind 3 "(batch, time, features)" x

        AttentionParts.check s.Kind q v k

        if q.Shape[2] <> k.Shape[2] then
            raise (
                ShapeException(
                    s.Kind + " compares queries and keys of one size.",
                    "",
                    "last axes of equal size",
                    q.Shape.ToString() + " and " + k.Shape.ToString(),
                    "Project them first, for example with Dense."
                )
            )

        let given = AttentionParts.maskOf scope "value_mask" value |> ValueOption.map (Ops.expandDims 1)

        let causal =
            if isCausal then
                ValueSome(Ops.expandDims 0 (AttentionParts.causal q.Shape[1] k.Shape[1]))
            else
                ValueNone

        let pairs = scope.Argument "attention_mask" |> ValueOption.map AttentionParts.truth
        let seen = AttentionParts.both (AttentionParts.both given causal) pairs
        let scores = score scope q k |> AttentionParts.lower seen
        let weights = Ops.softmax -1 scores
        let dropped = AttentionParts.drop scope s.Dropout s.Seed weights
        let result = Ops.matmul dropped v

        let result =
            match AttentionParts.maskOf scope "query_mask" query with
            | ValueSome mask -> result * Ops.cast result.DType (Ops.expandDims -1 mask)
            | ValueNone -> result

        [| { Value = result; Mask = query.Mask }; if returnsScores then Flow.ofValue weights |]

    /// (batch, queries, keys, features): every query beside every key.
    let sums (q: Expr) (k: Expr) = Ops.expandDims 2 q + Ops.expandDims 1 k

/// <summary>The Attention layer: softmax (query key^T) value, Luong's attention.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Attention =

    /// <summary>Keras's defaults.</summary>
    let options: AttentionOptions =
        { UseScale = false
          ScoreMode = AttentionScore.Dot
          Dropout = 0.0
          Seed = None
          UseCausalMask = false
          ReturnAttentionScores = false }

    let private score (o: AttentionOptions) (scope: Scope) (q: Expr) (k: Expr) =
        let number name = scope.Param(name, Shape.Scalar, Initializer.ones)
        let scaled x = if o.UseScale then x * number "scale" else x

        match o.ScoreMode with
        | AttentionScore.Dot -> scaled (Expr.Node(MatMul(false, true), [| q; k |]))
        | AttentionScore.Concat ->
            let sums = scaled (ScoredAttention.sums q k)
            Ops.sum [| 3 |] false (Ops.tanh sums) * number "concat_score_weight"

    let private run (o: AttentionOptions) =
        ScoredAttention.run
            { Kind = "Attention"
              Dropout = o.Dropout
              Seed = o.Seed
              Causal = o.UseCausalMask
              ReturnScores = o.ReturnAttentionScores }
            (score o)

    let internal definition: LayerClass<AttentionOptions> =
        LayerClass.many
            "Attention"
            options
            [ Field.bool "use_scale" _.UseScale (fun v o -> { o with UseScale = v })
              Field.choice
                  "score_mode"
                  [ "dot", AttentionScore.Dot; "concat", AttentionScore.Concat ]
                  _.ScoreMode
                  (fun v o -> { o with ScoreMode = v })
              Field.float "dropout" _.Dropout (fun v o -> { o with Dropout = v })
              Field.seed "seed" _.Seed (fun v o -> { o with Seed = v })
              Field.bool "use_causal_mask" _.UseCausalMask (fun v o -> { o with UseCausalMask = v })
              Field.bool "return_attention_scores" _.ReturnAttentionScores (fun v o ->
                  { o with ReturnAttentionScores = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.rate "Attention.dropout" o.Dropout
            o)

/// <summary>The AdditiveAttention layer: the scores are sums of tanh (query + key), Bahdanau's attention.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module AdditiveAttention =

    /// <summary>Keras's defaults.</summary>
    let options: AdditiveAttentionOptions =
        { UseScale = true
          Dropout = 0.0
          Seed = None
          UseCausalMask = false
          ReturnAttentionScores = false }

    let private score (o: AdditiveAttentionOptions) (scope: Scope) (q: Expr) (k: Expr) =
        let sums = Ops.tanh (ScoredAttention.sums q k)

        let scaled =
            if o.UseScale then
                sums * scope.Param("scale", Shape.Of q.Shape[2], Initializer.glorotUniform)
            else
                sums

        Ops.sum [| 3 |] false scaled

    let private run (o: AdditiveAttentionOptions) =
        ScoredAttention.run
            { Kind = "AdditiveAttention"
              Dropout = o.Dropout
              Seed = o.Seed
              Causal = o.UseCausalMask
              ReturnScores = o.ReturnAttentionScores }
            (score o)

    let internal definition: LayerClass<AdditiveAttentionOptions> =
        LayerClass.many
            "AdditiveAttention"
            options
            [ Field.bool "use_scale" _.UseScale (fun v o -> { o with UseScale = v })
              Field.float "dropout" _.Dropout (fun v o -> { o with Dropout = v })
              Field.seed "seed" _.Seed (fun v o -> { o with Seed = v })
              Field.bool "use_causal_mask" _.UseCausalMask (fun v o -> { o with UseCausalMask = v })
              Field.bool "return_attention_scores" _.ReturnAttentionScores (fun v o ->
                  { o with ReturnAttentionScores = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.rate "AdditiveAttention.dropout" o.Dropout
            o)
