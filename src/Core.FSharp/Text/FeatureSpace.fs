namespace FunctionalNet

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open FunctionalNet.Common

/// <summary>Columns of texts and numbers as what a network takes: normalised or put into bins, looked up or hashed, crossed, one-hot
/// encoded and joined to one vector per row. It works ahead of a model, since tensors hold numbers only; it is saved beside the
/// model or in the model's file. Keras: utils.FeatureSpace.</summary>
/// <param name="features">What every column is: <c>FeatureSpace.StringCategorical()</c> and the like, or Keras's name of a type, such as
/// "float_normalized". Columns that are not named are left out.</param>
/// <param name="outputMode">Concat joins the encoded features, sorted by name, with the crosses, sorted by name, behind them; Dict keeps a
/// tensor for each.</param>
/// <param name="crosses">Features to cross: pairs of names, arrays of names, or <c>FeatureSpace.Cross</c>.</param>
/// <param name="crossingDim">Bins of crosses that do not say how many.</param>
/// <param name="hashingDim">Bins of hashed features that do not say how many.</param>
/// <param name="numDiscretizationBins">Bins of discretized features that do not say how many.</param>
/// <exception cref="T:FunctionalNet.ArgumentValueException">There are no features, a cross has an unknown one or one that is no category,
/// or a feature that stays a whole number should be joined.</exception>
/// <example><code>
/// var space = new FeatureSpace(
///     new Dictionary&lt;string, Feature&gt;
///     {
///         ["age"] = "float_normalized",
///         ["city"] = FeatureSpace.StringCategorical(maxTokens: 100),
///         ["month"] = "integer_categorical",
///     },
///     crosses: [("city", "month")]);
/// space.Adapt(people);
/// Tensor x = space.Transform(people); // (people, 1 + cities + months + 32)
/// </code></example>
[<Sealed>]
type FeatureSpace
    (
        features: IReadOnlyDictionary<string, Feature>,
        [<Optional; DefaultParameterValue(FeatureOutput.Concat)>] outputMode: FeatureOutput,
        [<Optional; DefaultParameterValue(null: FeatureCross[] | null)>] crosses: FeatureCross[] | null,
        [<Optional; DefaultParameterValue(32)>] crossingDim: int,
        [<Optional; DefaultParameterValue(32)>] hashingDim: int,
        [<Optional; DefaultParameterValue(32)>] numDiscretizationBins: int
    ) =

    let pathOf (name: string) = "FeatureSpace." + name

    do
        if isNull (box features) || features.Count = 0 then
            FeatureErrors.argument
                (pathOf "features")
                "a feature or more"
                "none"
                "Say for every column what it is, such as \"float_normalized\"."

        for name, value in
            [ "crossing_dim", crossingDim
              "hashing_dim", hashingDim
              "num_discretization_bins", numDiscretizationBins ] do
            if value < 1 then
                FeatureErrors.argument (pathOf name) "1 or more" (string value) "32 is Keras's default."

    let defaults: FeatureDefaults =
        { HashingDim = hashingDim; NumDiscretizationBins = numDiscretizationBins }

    // Sorted, as what comes out is.
    let mutable columns: SpaceFeature[] =
        [| for entry in features do
               let own = entry.Value.Make defaults

               { Name = entry.Key
                 Feature = entry.Value
                 Preprocessor = own
                 Learns = entry.Value.IsAdapted || Preprocessor.learns own
                 IsLearnt = entry.Value.IsAdapted } |]
        |> Array.sortWith (fun a b -> String.CompareOrdinal(a.Name, b.Name))

    let inOrder: SpaceCross[] =
        match crosses with
        | null -> [||]
        | crosses ->
            crosses
            |> Array.map (fun cross ->
                let dim = cross.Dim |> ValueOption.defaultValue crossingDim
                { Cross = cross; Dim = dim; Crossing = HashedCrossing dim })

    let crossings = inOrder |> Array.sortWith (fun a b -> String.CompareOrdinal(a.Cross.Name, b.Cross.Name))
    let columnOf (name: string) = columns |> Array.tryFind (fun column -> column.Name = name)

    let wantedColumn (name: string) : SpaceFeature =
        match columnOf name with
        | Some column -> column
        | None -> raise (Names.unknown "feature" (pathOf name) name (columns |> Array.map (fun column -> column.Name)))

    do
        let taken = HashSet<string>(columns |> Array.map (fun column -> column.Name))

        for { Cross = cross } in inOrder do
            for name in cross.FeatureNames do
                let column = wantedColumn name

                if not (Preprocessor.givesIds column.Preprocessor) || Preprocessor.width column.Preprocessor <> 1 then
                    FeatureErrors.argument
                        (pathOf cross.Name)
                        "features that are one category per row"
                        (name + ", which is a measure or a vector")
                        "Put its numbers into bins with float_discretized first."

            if not (taken.Add cross.Name) then
                FeatureErrors.argument
                    (pathOf cross.Name)
                    "a name for every feature and every cross"
                    ("twice " + cross.Name)
                    "Remove the repetition, or rename a feature."

        if outputMode = FeatureOutput.Concat then
            let refuse (name: string) =
                FeatureErrors.argument
                    (pathOf name)
                    "an encoding as floating-point numbers, to join the features"
                    "whole numbers"
                    "Encode it as one_hot, or give the space the output mode dict."

            for column in columns do
                if column.Feature.Encoding = FeatureEncoding.Ids then refuse column.Name

            for { Cross = cross } in inOrder do
                if cross.Encoding = FeatureEncoding.Ids then refuse cross.Name

    let isReady () = columns |> Array.forall (fun column -> column.IsLearnt || not column.Learns)

    let checkReady () =
        if not (isReady ()) then
            raise (
                NotReadyException(
                    "The feature space has not learnt from data yet.",
                    "FeatureSpace",
                    "a call of Adapt",
                    "none",
                    "Call Adapt with the data that the model will be trained on."
                )
            )

    let checkMode (mode: FeatureOutput) (other: string) =
        if outputMode <> mode then
            raise (
                NotReadyException(
                    "The feature space gives its features in another form.",
                    "FeatureSpace.output_mode",
                    FeatureConfig.nameOf FeatureConfig.outputs mode,
                    FeatureConfig.nameOf FeatureConfig.outputs outputMode,
                    "Call " + other + ", or make the space with the other output mode."
                )
            )

    let depthOf (encoding: FeatureEncoding) (depth: int voption) =
        if encoding = FeatureEncoding.OneHot then depth else ValueNone

    let find (table: Table) (name: string) : Column =
        match table.TryFind name with
        | ValueSome column -> column
        | ValueNone ->
            raise (
                DataException(
                    "A column is missing.",
                    pathOf name,
                    String.Join(", ", columns |> Array.map (fun column -> column.Name)),
                    String.Join(", ", table.Names),
                    "Columns are found by the names of the features."
                )
            )

    /// What a lookup refuses, with the name of the feature.
    let named (name: string) (action: unit -> 'a) : 'a =
        try
            action ()
        with :? DataException as e when not (e.Path.StartsWith(pathOf "", StringComparison.Ordinal)) ->
            raise (DataException(e.Summary, pathOf name, e.Expected, e.Actual, e.Hint, e.Batch, e.Row))

    /// All features, then all crosses.
    let encode (table: Table) : EncodedPart[] =
        checkReady ()
        let rows = table.RowCount

        let own =
            columns
            |> Array.map (fun column ->
                let cells =
                    named column.Name (fun () ->
                        Preprocessor.run (pathOf column.Name) column.Preprocessor (find table column.Name))

                let count =
                    match cells with
                    | Preprocessed.Ids ids -> ids.Length
                    | Preprocessed.Floats values -> values.Length

                { Name = column.Name
                  Cells = cells
                  Width = if rows = 0 then 0 else count / rows
                  Depth = depthOf column.Feature.Encoding (Preprocessor.depth column.Preprocessor) })

        // The constructor has refused crosses of measures.
        let idsOf (name: string) =
            let hashes =
                match (own |> Array.find (fun part -> part.Name = name)).Cells with
                | Preprocessed.Ids ids -> ids |> Array.map uint64
                | Preprocessed.Floats values -> values |> Array.map (int64 >> uint64)

            CategoryColumn(Shape.Of rows, hashes)

        let crossed =
            crossings
            |> Array.map (fun crossing ->
                let bins = crossing.Crossing.Transform(crossing.Cross.FeatureNames |> Seq.map idsOf |> Seq.toArray)

                { Name = crossing.Cross.Name
                  Cells = Preprocessed.Ids(bins.ToArray<int64>())
                  Width = 1
                  Depth = depthOf crossing.Cross.Encoding (ValueSome crossing.Dim) })

        Array.append own crossed

    /// A single row has no axis of rows.
    let shaped (table: Table) (tensor: Tensor) : Tensor =
        if table.IsRow then tensor.Reshape(Shape.Of tensor.Shape[1]) else tensor

    // Rows one by one are put together, as many at a time as Keras takes.
    let batched (tables: Table seq) : Table[] =
        let batches = List<Table>()
        let rows = List<Table>()

        let flush () =
            if rows.Count > 0 then
                batches.Add(Table.OfRows(rows.ToArray()))
                rows.Clear()

        for table in tables do
            if table.IsRow then
                rows.Add table
                if rows.Count = 32 then flush ()
            else
                batches.Add table

        flush ()
        batches.ToArray()

    // Descriptions of features

    /// <summary>Numbers as they are.</summary>
    static member Float() : Feature = Feature.Parse "float"

    /// <summary>Numbers times a factor, plus another number. Keras: float_rescaled.</summary>
    /// <param name="scale">The factor.</param>
    /// <param name="offset">What is added.</param>
    static member FloatRescaled
        ([<Optional; DefaultParameterValue(1.0)>] scale: float, [<Optional; DefaultParameterValue(0.0)>] offset: float)
        : Feature =
        Feature.Plain(fun _ -> Preprocessor.Rescale(Rescaling.options scale offset))

    /// <summary>Numbers less their mean, divided by their standard deviation. Keras: float_normalized.</summary>
    /// <param name="mean">The mean, if it is not learnt; together with the variance. (In Keras, these are for a Normalization layer
    /// that is given to feature.)</param>
    /// <param name="variance">The variance, if it is not learnt.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">One of the two is missing.</exception>
    static member FloatNormalized
        ([<Optional>] mean: Nullable<float>, [<Optional>] variance: Nullable<float>)
        : Feature =
        let given (value: Nullable<float>) = if value.HasValue then [ value.Value ] else []
        let options = { Normalization.options with Mean = given mean; Variance = given variance }
        // The layer refuses one without the other.
        let checkedOptions = Normalization.definition.Check options
        Feature.Plain(fun _ -> Preprocessor.Normalize checkedOptions)

    /// <summary>Numbers as the bins they fall into. Keras: float_discretized.</summary>
    /// <param name="numBins">Number of bins of about as many numbers each, whose boundaries are learnt; null for the space's.</param>
    /// <param name="binBoundaries">Boundaries, ascending, if they are not learnt: one less than bins.</param>
    /// <param name="outputMode">OneHot vectors, or Int.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member FloatDiscretized
        (
            [<Optional>] numBins: Nullable<int>,
            [<Optional; DefaultParameterValue(null: float[] | null)>] binBoundaries: float[] | null,
            [<Optional; DefaultParameterValue(LookupOutput.OneHot)>] outputMode: LookupOutput
        ) : Feature =
        let boundaries =
            match binBoundaries with
            | null -> [||]
            | given -> Array.copy given

        Feature.Discretized(LookupConfig.limit numBins, boundaries, outputMode)

    /// <summary>Whole numbers as categories, by a vocabulary that is learnt. Keras: integer_categorical.</summary>
    /// <param name="maxTokens">The greatest size of the vocabulary, with the numbers for unknown ones; null for no limit.</param>
    /// <param name="numOovIndices">How many numbers stand for unknown ones; 0 refuses them.</param>
    /// <param name="outputMode">OneHot vectors, or Int.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member IntegerCategorical
        (
            [<Optional>] maxTokens: Nullable<int>,
            [<Optional; DefaultParameterValue(1)>] numOovIndices: int,
            [<Optional; DefaultParameterValue(LookupOutput.OneHot)>] outputMode: LookupOutput
        ) : Feature =
        Feature.OfIntegers(maxTokens, numOovIndices, outputMode)

    /// <summary>Texts as categories, by a vocabulary that is learnt. Keras: string_categorical.</summary>
    /// <param name="maxTokens">The greatest size of the vocabulary, with the numbers for unknown ones; null for no limit.</param>
    /// <param name="numOovIndices">How many numbers stand for unknown ones; 0 refuses them.</param>
    /// <param name="outputMode">OneHot vectors, or Int.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member StringCategorical
        (
            [<Optional>] maxTokens: Nullable<int>,
            [<Optional; DefaultParameterValue(1)>] numOovIndices: int,
            [<Optional; DefaultParameterValue(LookupOutput.OneHot)>] outputMode: LookupOutput
        ) : Feature =
        Feature.OfTexts(maxTokens, numOovIndices, outputMode)

    /// <summary>Whole numbers hashed to bins. Keras: integer_hashed.</summary>
    /// <param name="numBins">Number of bins; null for the space's.</param>
    /// <param name="outputMode">OneHot vectors, or Int.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member IntegerHashed
        (
            [<Optional>] numBins: Nullable<int>,
            [<Optional; DefaultParameterValue(LookupOutput.OneHot)>] outputMode: LookupOutput
        ) : Feature =
        Feature.Hashed(FeatureInput.Int32, LookupConfig.limit numBins, outputMode)

    /// <summary>Texts hashed to bins. Keras: string_hashed.</summary>
    /// <param name="numBins">Number of bins; null for the space's.</param>
    /// <param name="outputMode">OneHot vectors, or Int.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member StringHashed
        (
            [<Optional>] numBins: Nullable<int>,
            [<Optional; DefaultParameterValue(LookupOutput.OneHot)>] outputMode: LookupOutput
        ) : Feature =
        Feature.Hashed(FeatureInput.Text, LookupConfig.limit numBins, outputMode)

    /// <summary>Texts through a vectorization of your own, which Adapt adapts unless it has a vocabulary. Keras: feature.</summary>
    /// <param name="preprocessor">Vectors, such as TF-IDF; or numbers of tokens, for the output mode Dict.</param>
    static member Feature(preprocessor: TextVectorization) : Feature =
        Feature.Given(FeatureInput.Text, Nullable(), Preprocessor.Vectorize preprocessor)

    /// <summary>Texts through a lookup of your own, which Adapt adapts unless it has a vocabulary. Keras: feature.</summary>
    /// <param name="preprocessor">The lookup.</param>
    /// <param name="outputMode">OneHot encodes the lookup's numbers; null keeps what it gives.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The lookup gives vectors already.</exception>
    static member Feature(preprocessor: StringLookup, [<Optional>] outputMode: Nullable<LookupOutput>) : Feature =
        Feature.Given(FeatureInput.Text, outputMode, Preprocessor.Texts preprocessor)

    /// <summary>Whole numbers through a lookup of your own, which Adapt adapts unless it has a vocabulary. Keras: feature.</summary>
    /// <param name="preprocessor">The lookup.</param>
    /// <param name="outputMode">OneHot encodes the lookup's numbers; null keeps what it gives.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The lookup gives vectors already.</exception>
    static member Feature(preprocessor: IntegerLookup, [<Optional>] outputMode: Nullable<LookupOutput>) : Feature =
        Feature.Given(FeatureInput.Int32, outputMode, Preprocessor.Integers preprocessor)

    /// <summary>Texts or whole numbers through a hashing of your own, with a salt for instance. Keras: feature.</summary>
    /// <param name="preprocessor">The hashing.</param>
    /// <param name="outputMode">OneHot encodes the hashing's numbers; null keeps what it gives.</param>
    /// <param name="input">Texts or whole numbers.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The hashing gives vectors already.</exception>
    static member Feature
        (
            preprocessor: Hashing,
            [<Optional>] outputMode: Nullable<LookupOutput>,
            [<Optional; DefaultParameterValue(FeatureInput.Text)>] input: FeatureInput
        ) : Feature =
        Feature.Given(input, outputMode, Preprocessor.Hash preprocessor)

    /// <summary>Features crossed: every combination of their categories is hashed to a bin. Keras: cross.</summary>
    /// <param name="featureNames">Two names or more.</param>
    /// <param name="crossingDim">Number of bins; null for the space's.</param>
    /// <param name="outputMode">OneHot vectors, or Int.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member Cross
        (
            featureNames: IReadOnlyList<string>,
            [<Optional>] crossingDim: Nullable<int>,
            [<Optional; DefaultParameterValue(LookupOutput.OneHot)>] outputMode: LookupOutput
        ) : FeatureCross =
        FeatureCross(Seq.toArray featureNames, LookupConfig.limit crossingDim, outputMode)

    // Learning and encoding

    /// <summary>The output mode.</summary>
    member _.OutputMode = outputMode

    /// <summary>True if there is nothing to learn, or it is learnt.</summary>
    member _.IsAdapted = isReady ()

    /// <summary>The columns that it takes, sorted by name, and what they hold. Keras: get_inputs.</summary>
    member _.Inputs: IReadOnlyList<KeyValuePair<string, FeatureInput>> =
        [| for column in columns -> KeyValuePair(column.Name, column.Feature.Input) |]

    /// <summary>Learns vocabularies, means, variances and boundaries of bins from batches or single rows of a table: a dataset, a list,
    /// any sequence, which is read once and kept in memory meanwhile. What was learnt before is forgotten. A dataset of rows and
    /// targets is mapped to the rows first.</summary>
    /// <exception cref="T:FunctionalNet.DataException">A column is missing, or there are no data.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">A column has the wrong type.</exception>
    /// <example><code>space.Adapt(training.Map(row => row.Item1));</code></example>
    member _.Adapt(data: IEnumerable<Table>) : unit =
        let batches = batched data

        if batches.Length = 0 then
            raise (
                DataException(
                    "There is nothing to learn from.",
                    "FeatureSpace",
                    "a row or more",
                    "none",
                    "Give the data that the model will be trained on."
                )
            )

        columns <-
            columns
            |> Array.map (fun column ->
                if not column.Learns then
                    column
                else
                    let own = batches |> Array.map (fun table -> find table column.Name)

                    let learnt =
                        named column.Name (fun () -> Preprocessor.learn (pathOf column.Name) column.Preprocessor own)

                    { column with Preprocessor = learnt; IsLearnt = true })

    /// <summary>Learns from all rows of a table.</summary>
    /// <exception cref="T:FunctionalNet.DataException">A column is missing.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">A column has the wrong type.</exception>
    member this.Adapt(data: Table) : unit = this.Adapt [| data |]

    /// <summary>The encoded features joined, (rows, features), float32; of a single row (features,). Safe from many threads at
    /// once.</summary>
    /// <param name="data">The columns by name; others are left out.</param>
    /// <exception cref="T:FunctionalNet.NotReadyException">Adapt was not called, or the output mode is Dict.</exception>
    /// <exception cref="T:FunctionalNet.DataException">A column is missing; or a category is unknown, and the feature has no number
    /// for unknown ones.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">A column has the wrong type.</exception>
    member _.Transform(data: Table) : Tensor =
        checkMode FeatureOutput.Concat "TransformByName"
        encode data |> EncodedPart.join data.RowCount |> shaped data

    /// <summary>The encoded features by name: float32 (rows, numbers), or int64 (rows, 1) for categories that stay numbers; of a single
    /// row without the axis of rows. Safe from many threads at once. Keras: a call, with the output mode dict.</summary>
    /// <param name="data">The columns by name; others are left out.</param>
    /// <exception cref="T:FunctionalNet.NotReadyException">Adapt was not called, or the output mode is Concat.</exception>
    /// <exception cref="T:FunctionalNet.DataException">A column is missing; or a category is unknown, and the feature has no number
    /// for unknown ones.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">A column has the wrong type.</exception>
    member _.TransformByName(data: Table) : IReadOnlyDictionary<string, Tensor> =
        checkMode FeatureOutput.Dict "Transform"
        let parts = encode data
        let result = Dictionary<string, Tensor>(parts.Length)

        for part in parts do
            result[part.Name] <- shaped data (EncodedPart.alone data.RowCount part)

        result

    /// <summary>What comes out, in its order: features sorted by name, then crosses sorted by name, each with its size and its place in the
    /// joined vector.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">Adapt was not called.</exception>
    member _.EncodedFeatures: IReadOnlyList<EncodedFeature> =
        checkReady ()

        let described =
            [| for column in columns ->
                   struct (column.Name,
                           depthOf column.Feature.Encoding (Preprocessor.depth column.Preprocessor)
                           |> ValueOption.defaultValue (Preprocessor.width column.Preprocessor),
                           column.Feature.Encoding)
               for crossing in crossings ->
                   struct (crossing.Cross.Name,
                           depthOf crossing.Cross.Encoding (ValueSome crossing.Dim) |> ValueOption.defaultValue 1,
                           crossing.Cross.Encoding) |]

        let offsets = described |> Array.scan (fun sum (struct (_, size, _)) -> sum + size) 0

        [| for i in 0 .. described.Length - 1 ->
               let struct (name, size, encoding) = described[i]
               let dtype = if encoding = FeatureEncoding.Ids then DType.Int64 else DType.Float32
               EncodedFeature(name, size, (if outputMode = FeatureOutput.Concat then offsets[i] else -1), dtype) |]

    /// <summary>Numbers per row of the joined vector.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">Adapt was not called, or the output mode is Dict.</exception>
    member this.Size: int =
        checkMode FeatureOutput.Concat "EncodedFeatures"
        this.EncodedFeatures |> Seq.sumBy (fun feature -> feature.Size)

    // What was learnt

    member private _.Wrong(name: string, expected: string) : 'a =
        FeatureErrors.argument
            (pathOf name)
            ("a feature with " + expected)
            "another one"
            "Keras keeps what features have learnt in their preprocessors."

    /// <summary>The categories of a feature by number, those for unknown ones first; whole numbers as texts.</summary>
    /// <param name="name">A categorical feature, or a text vectorization.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such feature, or it has no vocabulary.</exception>
    member this.GetVocabulary(name: string) : IReadOnlyList<string> =
        match (wantedColumn name).Preprocessor with
        | Preprocessor.Texts lookup -> lookup.GetVocabulary()
        | Preprocessor.Vectorize vectorization -> vectorization.GetVocabulary()
        | Preprocessor.Integers lookup -> [| for token in lookup.GetVocabulary() -> Bins.text token |]
        | _ -> this.Wrong(name, "a vocabulary")

    /// <summary>The boundaries of a feature's bins.</summary>
    /// <param name="name">A discretized feature.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such feature, or it has no bins.</exception>
    member this.GetBinBoundaries(name: string) : IReadOnlyList<float> =
        match (wantedColumn name).Preprocessor with
        | Preprocessor.Discretize options -> List.toArray options.BinBoundaries
        | _ -> this.Wrong(name, "bins")

    /// <summary>The mean and the variance of a feature.</summary>
    /// <param name="name">A normalised feature.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such feature, or it is not normalised.</exception>
    /// <exception cref="T:FunctionalNet.NotReadyException">Adapt was not called.</exception>
    member this.GetMoments(name: string) : struct (float * float) =
        match (wantedColumn name).Preprocessor with
        | Preprocessor.Normalize { Adapted = Some moments } ->
            struct (moments.Mean.ToDoubles()[0], moments.Variance.ToDoubles()[0])
        | Preprocessor.Normalize { Mean = [ mean ]; Variance = [ variance ] } -> struct (mean, variance)
        | Preprocessor.Normalize _ ->
            checkReady ()
            this.Wrong(name, "moments")
        | _ -> this.Wrong(name, "a mean and a variance")

    // Configurations and files

    static member private ClassName = "FeatureSpace"
    static member private PartName = "feature-space"

    /// <summary>Its configuration in Keras's form. Vocabularies and boundaries that are learnt stand in the features' preprocessors, and
    /// means and variances beside it under build_config.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">A text vectorization has functions of its own.</exception>
    member _.ToConfig() : ConfigValue =
        ConfigValue.Object
            [ "module", Text "keras.utils"
              "class_name", Text FeatureSpace.ClassName
              "config",
              ConfigValue.Object
                  [ "features",
                    ConfigValue.Object
                        [ for column in columns ->
                              column.Name, FeatureConfig.feature column.Name column.Feature column.Preprocessor ]
                    "output_mode", Text(FeatureConfig.nameOf FeatureConfig.outputs outputMode)
                    "crosses",
                    ConfigValue.List [ for crossing in inOrder -> FeatureConfig.cross crossing.Cross crossing.Dim ]
                    "crossing_dim", Int(int64 crossingDim)
                    "hashing_dim", Int(int64 hashingDim)
                    "num_discretization_bins", Int(int64 numDiscretizationBins) ]
              "registered_name", Null
              "build_config",
              ConfigValue.Object
                  [ for column in columns do
                        if column.IsLearnt then column.Name, FeatureConfig.learnt column.Preprocessor ] ]

    /// <summary>The feature space of a configuration in Keras's form, with what it had learnt.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">It is of another class, or an argument is unknown or wrong.</exception>
    static member OfConfig(config: ConfigValue) : FeatureSpace =
        try
            let arguments = LookupConfig.argumentsOf FeatureSpace.ClassName config
            let get key = ConfigRead.get key arguments

            let states =
                match ConfigRead.get "build_config" (ConfigRead.entriesOf FeatureSpace.ClassName config) with
                | Null -> []
                | states -> ConfigRead.entriesOf "build_config" states

            let features = Dictionary<string, Feature>()

            for name, feature in ConfigRead.entriesOf "features" (get "features") do
                features[name] <- FeatureConfig.readFeature feature (ConfigRead.get name states)

            let crosses =
                match get "crosses" with
                | Null -> []
                | crosses -> ConfigRead.list "crosses" crosses

            FeatureSpace(
                features,
                FeatureConfig.valueOf "output_mode" FeatureConfig.outputs (get "output_mode"),
                crosses |> List.map FeatureConfig.readCross |> List.toArray,
                LookupConfig.readInt (get "crossing_dim") 32,
                LookupConfig.readInt (get "hashing_dim") 32,
                LookupConfig.readInt (get "num_discretization_bins") 32
            )
        with :? ArgumentValueException as e ->
            raise (ModelFormatException(e.Summary, e.Path, e.Expected, e.Actual, e.Hint, e))

    /// <summary>Saves it as JSON, with what it has learnt.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">A text vectorization has functions of its own.</exception>
    member this.Save(path: string) : unit = ConfigFile.save path (this.ToConfig())

    /// <summary>Reads what Save wrote.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file holds something else.</exception>
    static member Load(path: string) : FeatureSpace = FeatureSpace.OfConfig(ConfigFile.load path)

    /// <summary>Adds it to the file of a model that was saved before, in place of one that is there already. The model is read
    /// from that file as before.</summary>
    /// <param name="modelPath">A .fnet file.</param>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is not a model's.</exception>
    member this.SaveInto(modelPath: string) : unit =
        ConfigFile.saveInto FeatureSpace.PartName modelPath (this.ToConfig())

    /// <summary>Reads what SaveInto added to the file of a model.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file has no feature space.</exception>
    static member LoadFrom(modelPath: string) : FeatureSpace =
        FeatureSpace.OfConfig(ConfigFile.loadFrom FeatureSpace.PartName modelPath)
