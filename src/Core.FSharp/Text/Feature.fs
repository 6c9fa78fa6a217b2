namespace FunctionalNet

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open FunctionalNet.Common

/// <summary>What a FeatureSpace gives.</summary>
type FeatureOutput =
    /// <summary>One vector per row: all encoded features, one after another.</summary>
    | Concat = 0
    /// <summary>A tensor per feature, by name.</summary>
    | Dict = 1

/// <summary>What a feature is made of.</summary>
type FeatureInput =
    /// <summary>Numbers; whole ones and those of float64 are converted.</summary>
    | Float32 = 0
    /// <summary>Whole numbers of 32 or 64 bits.</summary>
    | Int32 = 1
    /// <summary>Texts.</summary>
    | Text = 2

/// What makes numbers of a feature's column. Objects learn in place; options of layers are replaced by what they have learnt.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type internal Preprocessor =
    | Identity
    | Normalize of NormalizationOptions
    | Rescale of RescalingOptions
    | Discretize of DiscretizationOptions
    | Integers of IntegerLookup
    | Texts of StringLookup
    | Hash of Hashing
    | Vectorize of TextVectorization

/// What happens to the numbers that a preprocessor gives; by Keras's names int, one_hot and float.
[<RequireQualifiedAccess>]
type internal FeatureEncoding =
    /// Whole numbers as they are.
    | Ids
    | OneHot
    /// Floating-point numbers as they are.
    | Floats

/// What features named by a word take from their space.
[<NoEquality; NoComparison>]
type internal FeatureDefaults = { HashingDim: int; NumDiscretizationBins: int }

/// What a preprocessor gives for some rows, row-major.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type internal Preprocessed =
    | Ids of int64[]
    | Floats of float32[]

module internal FeatureErrors =

    let argument (path: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (ArgumentValueException("An argument of a feature space is not valid.", path, expected, actual, hint))

    let wrongType (path: string) (expected: string) (column: Column) (hint: string) : 'a =
        raise (DTypeException("A column has the wrong type for its feature.", path, expected, column.Kind, hint, null))

module internal Preprocessor =

    /// Whole numbers below a number of categories, or none if they have no limit that is known.
    let depth (preprocessor: Preprocessor) : int voption =
        match preprocessor with
        | Preprocessor.Discretize o -> ValueSome(o.NumBins |> Option.defaultValue (o.BinBoundaries.Length + 1))
        | Preprocessor.Integers lookup -> ValueSome lookup.VocabularySize
        | Preprocessor.Texts lookup -> ValueSome lookup.VocabularySize
        | Preprocessor.Hash hashing -> ValueSome hashing.NumBins
        | _ -> ValueNone

    let private isInt (output: LookupOutput) = (output = LookupOutput.Int)

    /// Whether it gives whole numbers: categories rather than measures.
    let givesIds (preprocessor: Preprocessor) : bool =
        match preprocessor with
        | Preprocessor.Discretize _ -> true
        | Preprocessor.Integers lookup -> isInt lookup.Lookup.Settings.Output
        | Preprocessor.Texts lookup -> isInt lookup.Lookup.Settings.Output
        | Preprocessor.Hash hashing -> isInt hashing.Output
        | Preprocessor.Vectorize vectorization -> isInt vectorization.Lookup.Settings.Output
        | _ -> false

    /// Numbers per row; -1 if they depend on the batch.
    let width (preprocessor: Preprocessor) : int =
        match preprocessor with
        | Preprocessor.Vectorize v when givesIds preprocessor ->
            if v.OutputSequenceLength.HasValue then v.OutputSequenceLength.Value else -1
        | Preprocessor.Vectorize v -> v.Lookup.Size
        | Preprocessor.Integers lookup when not (givesIds preprocessor) -> lookup.Lookup.Size
        | Preprocessor.Texts lookup when not (givesIds preprocessor) -> lookup.Lookup.Size
        | Preprocessor.Hash _ when not (givesIds preprocessor) -> depth preprocessor |> ValueOption.defaultValue 1
        | _ -> 1

    /// Whether it has anything to learn: not what is given already.
    let learns (preprocessor: Preprocessor) : bool =
        match preprocessor with
        | Preprocessor.Normalize o -> o.Mean.IsEmpty
        | Preprocessor.Discretize o -> o.BinBoundaries.IsEmpty
        | Preprocessor.Integers lookup -> lookup.Lookup.Tokens.Length = 0
        | Preprocessor.Texts lookup -> lookup.Lookup.Tokens.Length = 0
        | Preprocessor.Vectorize v -> v.Lookup.Tokens.Length = 0
        | _ -> false

    // Columns as what features are made of.

    let private texts (path: string) (column: Column) : string[] =
        match column.Cells with
        | Cells.Texts texts -> texts
        | Cells.Numbers _ ->
            FeatureErrors.wrongType path "texts" column "Give strings, or describe the feature as numbers."

    let private integers (path: string) (column: Column) : int64[] =
        match column.Cells with
        | Cells.Numbers numbers when DType.isInteger numbers.DType -> Bins.numbers numbers
        | _ ->
            FeatureErrors.wrongType
                path
                "int32 or int64"
                column
                "Convert the column, or describe the feature as texts or as floating-point numbers."

    let private floats (path: string) (column: Column) : float32[] =
        match column.Cells with
        | Cells.Numbers numbers -> (numbers.Cast DType.Float32).ToArray<float32>()
        | Cells.Texts _ ->
            FeatureErrors.wrongType path "numbers" column "Give numbers, or describe the feature as a categorical one."

    let private single (values: 'T[]) : IReadOnlyList<'T>[] = values |> Array.map (fun value -> [| value |])

    /// The tensor of a preprocessor that gives tensors.
    let private ofTensor (tensor: Tensor) : Preprocessed =
        if DType.isInteger tensor.DType then
            Preprocessed.Ids(Bins.numbers tensor)
        else
            Preprocessed.Floats(tensor.ToArray<float32>())

    /// The number of the bin of every value: how many boundaries are not above it.
    let private binsOf (boundaries: float32[]) (values: float32[]) : int64[] =
        values
        |> Array.map (fun value ->
            let mutable low, high = 0, boundaries.Length

            while low < high do
                let middle = (low + high) / 2
                if value >= boundaries[middle] then low <- middle + 1 else high <- middle

            int64 low)

    /// Mean and divisor of a normalisation, as the layer has them.
    let private moments (o: NormalizationOptions) : struct (float32 * float32) =
        let struct (mean, variance) =
            match o.Adapted with
            | Some moments -> struct (moments.Mean.ToDoubles()[0], moments.Variance.ToDoubles()[0])
            | None -> struct (o.Mean.Head, o.Variance.Head)

        struct (float32 mean, max (MathF.Sqrt(float32 variance)) 1e-7f)

    /// The numbers of a column.
    let run (path: string) (preprocessor: Preprocessor) (column: Column) : Preprocessed =
        match preprocessor with
        | Preprocessor.Identity -> Preprocessed.Floats(floats path column)
        | Preprocessor.Normalize o ->
            let struct (mean, deviation) = moments o
            floats path column |> Array.map (fun value -> (value - mean) / deviation) |> Preprocessed.Floats
        | Preprocessor.Rescale o ->
            let scale, offset = float32 o.Scale.Head, float32 o.Offset.Head
            floats path column |> Array.map (fun value -> value * scale + offset) |> Preprocessed.Floats
        | Preprocessor.Discretize o ->
            let boundaries = o.BinBoundaries |> List.map float32 |> List.toArray
            floats path column |> binsOf boundaries |> Preprocessed.Ids
        | Preprocessor.Integers lookup -> integers path column |> single |> lookup.Transform |> ofTensor
        | Preprocessor.Texts lookup -> texts path column |> single |> lookup.Transform |> ofTensor
        | Preprocessor.Hash hashing ->
            let tokens =
                match column.Cells with
                | Cells.Texts texts -> texts
                | Cells.Numbers _ -> integers path column |> Array.map Bins.text

            tokens |> single |> hashing.Transform |> ofTensor
        | Preprocessor.Vectorize vectorization -> ofTensor (vectorization.Transform(texts path column))

    /// Learns from batches of a column.
    let learn (path: string) (preprocessor: Preprocessor) (batches: Column[]) : Preprocessor =
        let matrices () =
            batches
            |> Seq.map (fun column ->
                let values = floats path column
                Tensor.Of(Shape.Of(values.Length, 1), values))

        match preprocessor with
        | Preprocessor.Normalize o ->
            Preprocessor.Normalize(Normalization.adaptTo (matrices ()) { o with Adapted = None })
        | Preprocessor.Discretize o ->
            Preprocessor.Discretize(Discretization.adaptTo (matrices ()) { o with BinBoundaries = [] })
        | Preprocessor.Integers lookup ->
            lookup.Adapt(batches |> Seq.collect (integers path))
            preprocessor
        | Preprocessor.Texts lookup ->
            lookup.Adapt(batches |> Seq.collect (texts path))
            preprocessor
        | Preprocessor.Vectorize vectorization ->
            vectorization.Adapt(batches |> Seq.collect (texts path))
            preprocessor
        | other -> other

/// <summary>What a column is and how it is encoded; see FeatureSpace's static methods, which make them. The names of Keras's feature
/// types are features too: <c>Feature age = "float_normalized"</c>.</summary>
[<Sealed>]
type Feature
    internal (input: FeatureInput, encoding: FeatureEncoding, adapted: bool, make: FeatureDefaults -> Preprocessor) =

    /// <summary>What it is made of.</summary>
    member _.Input = input

    member internal _.Encoding = encoding

    /// True if what it has learnt came with it, from a file.
    member internal _.IsAdapted = adapted

    /// Its preprocessor, a new one unless the user gave it.
    member internal _.Make(defaults: FeatureDefaults) : Preprocessor = make defaults

    static member internal CategoryEncodings = [ LookupOutput.Int; LookupOutput.OneHot ]

    /// The encoding of a category by the mode of the argument.
    static member internal EncodingOf(kind: string, mode: LookupOutput) : FeatureEncoding =
        match mode with
        | LookupOutput.Int -> FeatureEncoding.Ids
        | LookupOutput.OneHot -> FeatureEncoding.OneHot
        | other ->
            FeatureErrors.argument
                (kind + ".output_mode")
                "int, one_hot"
                (LookupNames.ofMode other)
                "A feature is a single category per row."

    static member internal Plain(make: FeatureDefaults -> Preprocessor) =
        Feature(FeatureInput.Float32, FeatureEncoding.Floats, false, make)

    static member internal Discretized(numBins: int voption, boundaries: float[], mode: LookupOutput) : Feature =
        let path = "float_discretized"

        match numBins with
        | ValueSome bins when bins < 1 ->
            FeatureErrors.argument (path + ".num_bins") "1 or more" (string bins) "32 is the default of a space."
        | ValueSome bins when boundaries.Length > 0 && boundaries.Length <> bins - 1 ->
            FeatureErrors.argument
                (path + ".bin_boundaries")
                (string (bins - 1) + ", one less than bins")
                (string boundaries.Length)
                "Give boundaries, or a number of bins to learn them."
        | _ -> ()

        let options (defaults: FeatureDefaults) : DiscretizationOptions =
            { Discretization.options (Array.toList boundaries) with
                NumBins =
                    (match numBins with
                     | ValueSome bins -> Some bins
                     | ValueNone when boundaries.Length > 0 -> Some(boundaries.Length + 1)
                     | ValueNone -> Some defaults.NumDiscretizationBins) }

        // The layer refuses what is not valid.
        Discretization.definition.Check(options { HashingDim = 1; NumDiscretizationBins = 1 }) |> ignore
        let make defaults = Preprocessor.Discretize(options defaults)
        Feature(FeatureInput.Float32, Feature.EncodingOf(path, mode), false, make)

    static member internal OfTexts(maxTokens: Nullable<int>, numOovIndices: int, mode: LookupOutput) : Feature =
        let make () = StringLookup(StringLookupOptions(MaxTokens = maxTokens, NumOovIndices = numOovIndices))
        // Refused here rather than where a space is made of it.
        make () |> ignore
        let encoding = Feature.EncodingOf("string_categorical", mode)
        Feature(FeatureInput.Text, encoding, false, (fun _ -> Preprocessor.Texts(make ())))

    static member internal OfIntegers(maxTokens: Nullable<int>, numOovIndices: int, mode: LookupOutput) : Feature =
        let make () = IntegerLookup(IntegerLookupOptions(MaxTokens = maxTokens, NumOovIndices = numOovIndices))
        make () |> ignore
        let encoding = Feature.EncodingOf("integer_categorical", mode)
        Feature(FeatureInput.Int32, encoding, false, (fun _ -> Preprocessor.Integers(make ())))

    static member internal Hashed(input: FeatureInput, numBins: int voption, mode: LookupOutput) : Feature =
        numBins |> ValueOption.iter (fun bins -> Hashing bins |> ignore)

        let make (defaults: FeatureDefaults) =
            Preprocessor.Hash(Hashing(numBins |> ValueOption.defaultValue defaults.HashingDim))

        let path = if input = FeatureInput.Text then "string_hashed" else "integer_hashed"
        Feature(input, Feature.EncodingOf(path, mode), false, make)

    /// A preprocessor of the user's: what it gives, or one-hot vectors of it.
    static member internal Given
        (input: FeatureInput, mode: Nullable<LookupOutput>, preprocessor: Preprocessor)
        : Feature =
        let usual = if Preprocessor.givesIds preprocessor then FeatureEncoding.Ids else FeatureEncoding.Floats

        let encoding =
            if not mode.HasValue then
                usual
            else
                match Feature.EncodingOf("feature", mode.Value) with
                | FeatureEncoding.OneHot when
                    not (Preprocessor.givesIds preprocessor) || (Preprocessor.depth preprocessor).IsNone
                    ->
                    FeatureErrors.argument
                        "feature.output_mode"
                        "int, or one_hot of a preprocessor that gives one of so many categories"
                        "one_hot"
                        "Leave the mode out to keep what the preprocessor gives."
                | FeatureEncoding.Ids when usual <> FeatureEncoding.Ids ->
                    FeatureErrors.argument
                        "feature.output_mode"
                        "none: the preprocessor gives vectors"
                        "int"
                        "Leave the mode out, or let the preprocessor give numbers."
                | given -> given

        Feature(input, encoding, false, (fun _ -> preprocessor))

    static member private Words: (string * Feature) list =
        let oneHot = LookupOutput.OneHot

        [ "float", Feature.Plain(fun _ -> Preprocessor.Identity)
          "float_normalized", Feature.Plain(fun _ -> Preprocessor.Normalize Normalization.options)
          "float_rescaled", Feature.Plain(fun _ -> Preprocessor.Rescale(Rescaling.options 1.0 0.0))
          "float_discretized", Feature.Discretized(ValueNone, [||], oneHot)
          "integer_categorical", Feature.OfIntegers(Nullable(), 1, oneHot)
          "string_categorical", Feature.OfTexts(Nullable(), 1, oneHot)
          "integer_hashed", Feature.Hashed(FeatureInput.Int32, ValueNone, oneHot)
          "string_hashed", Feature.Hashed(FeatureInput.Text, ValueNone, oneHot) ]

    /// <summary>The feature of a type by Keras's name, with the type's defaults: float, float_normalized, float_rescaled,
    /// float_discretized, integer_categorical, string_categorical, integer_hashed or string_hashed.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such type.</exception>
    static member Parse(name: string) : Feature =
        match Feature.Words |> List.tryFind (fun (word, _) -> word = name) with
        | Some(_, feature) -> feature
        | None -> raise (Names.unknown "feature type" "features" name (List.map fst Feature.Words))

    /// <summary>The feature of a type by Keras's name.</summary>
    static member op_Implicit(name: string) : Feature = Feature.Parse name

/// <summary>Features that are crossed: every combination of their categories is hashed to a bin. Names alone have the space's
/// dimension: <c>FeatureCross cross = ("city", "month")</c>. See FeatureSpace.Cross.</summary>
[<Sealed>]
type FeatureCross internal (featureNames: string[], crossingDim: int voption, outputMode: LookupOutput) =

    let encoding = Feature.EncodingOf("cross", outputMode)

    do
        if featureNames.Length < 2 then
            FeatureErrors.argument
                "cross.feature_names"
                "two names or more"
                ("[" + String.Join(", ", featureNames) + "]")
                "A single feature is hashed by string_hashed or integer_hashed."

        match crossingDim with
        | ValueSome dim when dim < 1 ->
            FeatureErrors.argument "cross.crossing_dim" "1 or more" (string dim) "More bins mean fewer collisions."
        | _ -> ()

    /// <summary>The names of the features.</summary>
    member _.FeatureNames: IReadOnlyList<string> = featureNames

    /// <summary>The name of what comes out: those of the features, with _X_ between them.</summary>
    member _.Name = String.Join("_X_", featureNames)

    member internal _.Dim = crossingDim
    member internal _.Encoding = encoding

    /// <summary>A cross of features with the space's dimension.</summary>
    static member op_Implicit(featureNames: string[]) : FeatureCross =
        FeatureCross(featureNames, ValueNone, LookupOutput.OneHot)

    /// <summary>A cross of two features with the space's dimension.</summary>
    static member op_Implicit(struct (first, second): struct (string * string)) : FeatureCross =
        FeatureCross([| first; second |], ValueNone, LookupOutput.OneHot)
