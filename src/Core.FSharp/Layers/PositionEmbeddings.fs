namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Options of the layers that tell positions apart.</summary>
[<AutoOpen>]
module PositionTypes =

    /// <summary>Arguments of PositionEmbedding; <c>PositionEmbedding.options sequenceLength</c> has KerasHub's defaults.</summary>
    [<NoEquality; NoComparison>]
    type PositionEmbeddingOptions =
        {
            /// <summary>The greatest number of positions.</summary>
            SequenceLength: int
            /// <summary>Of the vectors, shape (SequenceLength, features). Default: Glorot uniform.</summary>
            Initializer: Initializer
            /// <summary>The position of the first step (KerasHub's argument of the call). Default: 0.</summary>
            StartIndex: int
        }

    /// <summary>Arguments of SinePositionEncoding; <c>SinePositionEncoding.options</c> has KerasHub's defaults.</summary>
    type SinePositionEncodingOptions =
        {
            /// <summary>The longest wavelength is 2 pi times this. Default: 10000.</summary>
            MaxWavelength: float
            /// <summary>The position of the first step (KerasHub's argument of the call). Default: 0.</summary>
            StartIndex: int
        }

    /// <summary>Arguments of RotaryEmbedding; <c>RotaryEmbedding.options</c> has KerasHub's defaults.</summary>
    type RotaryEmbeddingOptions =
        {
            /// <summary>The longest wavelength is 2 pi times this. Default: 10000.</summary>
            MaxWavelength: float
            /// <summary>Positions are divided by it. Default: 1.</summary>
            ScalingFactor: float
            /// <summary>The axis of positions. Default: 1.</summary>
            SequenceAxis: int
            /// <summary>The axis whose halves are turned against each other; its size is even. Default: the last.</summary>
            FeatureAxis: int
            /// <summary>The position of the first step (KerasHub's argument of the call). Default: 0.</summary>
            StartIndex: int
        }

module private Positions =

    let startIndex get set : Field<'o> = Field.int "start_index" get set

    let check (kind: string) (wavelength: float) (start: int) =
        if not (wavelength > 0.0) then
            LayerCheck.argument
                (kind + ".max_wavelength")
                "a number above 0"
                (string wavelength)
                "10000 is the usual one."

        if start < 0 then
            LayerCheck.argument (kind + ".start_index") "0 or more" (string start) "Positions count from 0."

    /// A table of constants (positions, features).
    let table (dtype: DType) (positions: int) (features: int) (value: int -> int -> float) : Expr =
        let values = Array.init (positions * features) (fun i -> value (i / features) (i % features))
        Expr.Constant(Tensor.OfDoubles(dtype, Shape.Of(positions, features), values))

/// <summary>The PositionEmbedding layer of KerasHub: a trained vector for every position (Devlin et al., 2019).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module PositionEmbedding =

    /// <summary>KerasHub's defaults for that many positions.</summary>
    let options (sequenceLength: int) : PositionEmbeddingOptions =
        { SequenceLength = sequenceLength; Initializer = Initializer.glorotUniform; StartIndex = 0 }

    let private run (o: PositionEmbeddingOptions) (scope: Scope) (x: Expr) : Expr =
        LayerCheck.minRank "PositionEmbedding" 3 x
        let time, features = x.Shape[x.Rank - 2], x.Shape[x.Rank - 1]
        let vectors = scope.Param("embeddings", Shape.Of(o.SequenceLength, features), o.Initializer)

        if o.StartIndex + time > o.SequenceLength then
            raise (
                ShapeException(
                    "A sequence is longer than its position embedding.",
                    "",
                    "at most " + string (o.SequenceLength - o.StartIndex) + " steps",
                    string time + " steps",
                    "Give the layer a greater sequence_length."
                )
            )

        Ops.sliceAxis 0 o.StartIndex (o.StartIndex + time) vectors |> Ops.broadcastTo x.Shape

    let internal definition: LayerClass<PositionEmbeddingOptions> =
        LayerClass.dropsMask
            "PositionEmbedding"
            (options 1)
            [ Field.required (Field.int "sequence_length" _.SequenceLength (fun v o -> { o with SequenceLength = v }))
              LayerField.initializer "initializer" _.Initializer (fun v o -> { o with Initializer = v })
              Positions.startIndex _.StartIndex (fun v o -> { o with StartIndex = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive "PositionEmbedding.sequence_length" o.SequenceLength
            Positions.check "PositionEmbedding" 1.0 o.StartIndex
            o)

/// <summary>The SinePositionEncoding layer of KerasHub: sines and cosines of the position, with wavelengths that grow from
/// feature to feature (Vaswani et al., 2017).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module SinePositionEncoding =

    /// <summary>KerasHub's defaults.</summary>
    let options: SinePositionEncodingOptions = { MaxWavelength = 10000.0; StartIndex = 0 }

    let private run (o: SinePositionEncodingOptions) (scope: Scope) (x: Expr) : Expr =
        LayerCheck.minRank "SinePositionEncoding" 3 x
        let x = LayerCheck.floating scope x
        let time, features = x.Shape[x.Rank - 2], x.Shape[x.Rank - 1]

        Positions.table x.DType time features (fun step feature ->
            let frequency = (1.0 / o.MaxWavelength) ** (float (2 * (feature / 2)) / float features)
            let angle = float (step + o.StartIndex) * frequency
            if feature % 2 = 0 then sin angle else cos angle)
        |> Ops.broadcastTo x.Shape

    let internal definition: LayerClass<SinePositionEncodingOptions> =
        LayerClass.dropsMask
            "SinePositionEncoding"
            options
            [ Field.float "max_wavelength" _.MaxWavelength (fun v o -> { o with MaxWavelength = v })
              Positions.startIndex _.StartIndex (fun v o -> { o with StartIndex = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            Positions.check "SinePositionEncoding" o.MaxWavelength o.StartIndex
            o)

/// <summary>The RotaryEmbedding layer of KerasHub: turns pairs of features by angles that grow with the position (Su et al.,
/// 2021, RoFormer), so that products of turned queries and keys depend on distances.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RotaryEmbedding =

    /// <summary>KerasHub's defaults.</summary>
    let options: RotaryEmbeddingOptions =
        { MaxWavelength = 10000.0; ScalingFactor = 1.0; SequenceAxis = 1; FeatureAxis = -1; StartIndex = 0 }

    let private run (o: RotaryEmbeddingOptions) (scope: Scope) (x: Expr) : Expr =
        LayerCheck.minRank "RotaryEmbedding" 2 x
        let x = LayerCheck.floating scope x
        let axis wanted = (LayerCheck.axes "RotaryEmbedding" [ wanted ] x)[0]
        let sequence, feature = axis o.SequenceAxis, axis o.FeatureAxis

        if sequence = feature then
            LayerCheck.rankError
                "RotaryEmbedding"
                "an input whose axes of positions and features differ"
                x
                "Change sequence_axis or feature_axis."

        let time, features = x.Shape[sequence], x.Shape[feature]

        if features % 2 <> 0 then
            raise (
                ShapeException(
                    "RotaryEmbedding turns pairs of features.",
                    "",
                    "an even number of features",
                    string features,
                    "Choose another size of the heads."
                )
            )

        // Feature i is turned together with i + half, by one angle.
        let half = features / 2

        let table (turn: float -> float) =
            let values =
                Positions.table x.DType time features (fun step i ->
                    let frequency = o.MaxWavelength ** (-float(2 * (i % half)) / float features) / o.ScalingFactor
                    turn (float (step + o.StartIndex) * frequency))

            let values = if sequence < feature then values else Ops.transpose [| 1; 0 |] values
            LayerCheck.alignTo x [| sequence; feature |] values

        let parts = Ops.split 2 feature x
        let turned = Ops.concatenate feature [| Ops.neg parts[1]; parts[0] |]
        x * table cos + turned * table sin

    let internal definition: LayerClass<RotaryEmbeddingOptions> =
        LayerClass.dropsMask
            "RotaryEmbedding"
            options
            [ Field.float "max_wavelength" _.MaxWavelength (fun v o -> { o with MaxWavelength = v })
              Field.float "scaling_factor" _.ScalingFactor (fun v o -> { o with ScalingFactor = v })
              Field.int "sequence_axis" _.SequenceAxis (fun v o -> { o with SequenceAxis = v })
              Field.int "feature_axis" _.FeatureAxis (fun v o -> { o with FeatureAxis = v })
              Positions.startIndex _.StartIndex (fun v o -> { o with StartIndex = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            Positions.check "RotaryEmbedding" o.MaxWavelength o.StartIndex

            if not (o.ScalingFactor > 0.0) then
                LayerCheck.argument
                    "RotaryEmbedding.scaling_factor"
                    "a number above 0"
                    (string o.ScalingFactor)
                    "1 leaves positions as they are."

            o)
