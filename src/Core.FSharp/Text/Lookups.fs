namespace FunctionalNet

open System
open System.Collections.Generic
open System.Globalization
open System.Runtime.CompilerServices

/// <summary>Options of StringLookup, with Keras's defaults.</summary>
[<Sealed>]
type StringLookupOptions() =

    /// <summary>The greatest size of the vocabulary, with the numbers for padding and unknown tokens; null for no
    /// limit.</summary>
    member val MaxTokens: Nullable<int> = Nullable() with get, set

    /// <summary>How many numbers stand for unknown tokens: with several, tokens are spread by a hash; 0 refuses them.</summary>
    member val NumOovIndices = 1 with get, set

    /// <summary>A token that gets number 0, such as the empty one; null for none.</summary>
    member val MaskToken: string | null = null with get, set

    /// <summary>What stands for unknown tokens in the vocabulary.</summary>
    member val OovToken = "[UNK]" with get, set

    /// <summary>The tokens, if they are not learnt.</summary>
    member val Vocabulary: IReadOnlyList<string> | null = null with get, set

    /// <summary>A weight per token, for LookupOutput.TfIdf with a given vocabulary.</summary>
    member val IdfWeights: float[] | null = null with get, set

    /// <summary>What comes out.</summary>
    member val OutputMode = LookupOutput.Int with get, set

    /// <summary>Whether vectors have the size MaxTokens, even if the vocabulary is smaller.</summary>
    member val PadToMaxTokens = false with get, set

/// <summary>Options of IntegerLookup, with Keras's defaults.</summary>
[<Sealed>]
type IntegerLookupOptions() =

    /// <summary>The greatest size of the vocabulary, with the numbers for padding and unknown tokens; null for no
    /// limit.</summary>
    member val MaxTokens: Nullable<int> = Nullable() with get, set

    /// <summary>How many numbers stand for unknown integers: with several, the remainder decides; 0 refuses them.</summary>
    member val NumOovIndices = 1 with get, set

    /// <summary>An integer that gets number 0; null for none.</summary>
    member val MaskToken: Nullable<int64> = Nullable() with get, set

    /// <summary>What stands for unknown integers in the vocabulary.</summary>
    member val OovToken = -1L with get, set

    /// <summary>The integers, if they are not learnt.</summary>
    member val Vocabulary: IReadOnlyList<int64> | null = null with get, set

    /// <summary>A weight per integer, for LookupOutput.TfIdf with a given vocabulary.</summary>
    member val IdfWeights: float[] | null = null with get, set

    /// <summary>What comes out.</summary>
    member val OutputMode = LookupOutput.Int with get, set

    /// <summary>Whether vectors have the size MaxTokens, even if the vocabulary is smaller.</summary>
    member val PadToMaxTokens = false with get, set

/// Settings and configurations of lookups.
module internal LookupConfig =

    let limit (n: Nullable<int>) = if n.HasValue then ValueSome n.Value else ValueNone

    let texts (kind: string) (output: LookupOutput) (mask: string | null) (unknown: string) unknownCount max pad =
        { Kind = kind
          MaxTokens = max
          UnknownCount = unknownCount
          MaskToken =
            (match mask with
             | null -> ValueNone
             | m -> ValueSome m)
          UnknownToken = unknown
          Output = output
          PadToMaxTokens = pad
          Spread = Common.Fingerprint.bucket
          Show = id
          Compare = fun a b -> String.CompareOrdinal(a, b) }

    let number (n: int64) = n.ToString CultureInfo.InvariantCulture

    let ofLimit (n: int voption) =
        match n with
        | ValueSome n -> Int(int64 n)
        | ValueNone -> Null

    /// The vocabulary, with the tokens for unknown ones where these have weights.
    let tokensOf (lookup: Lookup<'T>) : 'T[] =
        match lookup.Weights with
        | ValueSome w when w.Length > lookup.Tokens.Length -> lookup.Vocabulary true
        | _ -> lookup.Tokens

    let ofWeights (lookup: Lookup<'T>) =
        match lookup.Weights with
        | ValueSome w -> ConfigValue.List [ for x in w -> Float x ]
        | ValueNone -> Null

    let readMode (where: string) (value: ConfigValue) : LookupOutput =
        match value with
        | Null -> LookupOutput.Int
        | other ->
            let name = ConfigRead.text where other

            match LookupNames.modes |> List.tryFind (fun (n, _) -> n = name) with
            | Some(_, mode) -> mode
            | None -> raise (Common.Names.unknown "output mode" where name (List.map fst LookupNames.modes))

    let weights (value: ConfigValue) : float[] | null =
        match value with
        | Null -> null
        | other -> ConfigRead.list "idf_weights" other |> List.map (ConfigRead.float "idf_weights") |> List.toArray

    let readLimit (where: string) (value: ConfigValue) : Nullable<int> =
        match value with
        | Null -> Nullable()
        | other -> Nullable(ConfigRead.int where other)

    let readBool (value: ConfigValue) (usual: bool) = if value = Null then usual else ConfigRead.bool "flag" value
    let readInt (value: ConfigValue) (usual: int) = if value = Null then usual else ConfigRead.int "number" value

    /// The arguments of an object with class_name and config.
    let argumentsOf (kind: string) (value: ConfigValue) : (string * ConfigValue) list =
        let entries = ConfigRead.entriesOf kind value
        let name = ConfigRead.text "class_name" (ConfigRead.get "class_name" entries)

        if name <> kind then
            raise (
                ModelFormatException(
                    "This is the configuration of something else.",
                    "class_name",
                    kind,
                    name,
                    "Read it with that class."
                )
            )

        ConfigRead.entriesOf kind (ConfigRead.get "config" entries)

    let objectOf (kind: string) (arguments: (string * ConfigValue) list) : ConfigValue =
        ConfigValue.Object
            [ "module", Text "keras.layers"
              "class_name", Text kind
              "config", ConfigValue.Object arguments
              "registered_name", Null ]

    /// The configuration of a lookup with its vocabulary.
    let write (name: string) (ofToken: 'T -> ConfigValue) (lookup: Lookup<'T>) : ConfigValue =
        let settings = lookup.Settings

        objectOf
            settings.Kind
            [ "name", Text name
              "max_tokens", ofLimit settings.MaxTokens
              "num_oov_indices", Int(int64 settings.UnknownCount)
              "mask_token",
              (match settings.MaskToken with
               | ValueSome token -> ofToken token
               | ValueNone -> Null)
              "oov_token", ofToken settings.UnknownToken
              "output_mode", Text(LookupNames.ofMode settings.Output)
              "pad_to_max_tokens", Bool settings.PadToMaxTokens
              "vocabulary", ConfigValue.List [ for token in tokensOf lookup -> ofToken token ]
              "idf_weights", ofWeights lookup ]

/// Tensors of integers as rows.
module internal IntegerRows =

    /// A tensor of rank 1 is one row; axes behind the second belong to the row.
    let ofTensor (x: Tensor) : IReadOnlyList<int64>[] =
        if not (DType.isInteger x.DType) then
            raise (
                DTypeException(
                    "A lookup of integers got other numbers.",
                    "IntegerLookup",
                    "int32 or int64",
                    DType.name x.DType,
                    "Convert the data first.",
                    null
                )
            )

        let values = if x.DType = DType.Int64 then x.ToArray<int64>() else x.ToArray<int>() |> Array.map int64

        if x.Rank < 2 then
            [| values |]
        else
            let length = x.Shape.Size / max 1 x.Shape[0]
            Array.init x.Shape[0] (fun i -> Array.sub values (i * length) length)

/// <summary>Texts to numbers by a vocabulary that is given or learnt. It works ahead of a model, on strings: tensors hold
/// numbers only. Keras: StringLookup.</summary>
/// <example><code>
/// var lookup = new StringLookup();
/// lookup.Adapt(["a", "c", "d", "d"]);
/// Tensor ids = lookup.Transform(["d", "x"]); // 1 0
/// </code></example>
[<Sealed>]
type StringLookup(options: StringLookupOptions) =

    let settings =
        LookupConfig.texts
            "StringLookup"
            options.OutputMode
            options.MaskToken
            options.OovToken
            options.NumOovIndices
            (LookupConfig.limit options.MaxTokens)
            options.PadToMaxTokens

    do Lookup.check settings

    let mutable lookup =
        match options.Vocabulary with
        | null -> Lookup<string>(settings, [||], ValueNone)
        | given -> Lookup.ofTokens settings given (options.IdfWeights |> ValueOption.ofObj)

    /// <summary>A lookup with Keras's defaults.</summary>
    new() = StringLookup(StringLookupOptions())

    member internal _.Lookup = lookup

    /// <summary>Numbers: those of tokens, for unknown tokens and for padding.</summary>
    member _.VocabularySize = lookup.Used

    /// <summary>The tokens by number.</summary>
    /// <param name="includeSpecialTokens">Whether those for padding and unknown tokens come first.</param>
    member _.GetVocabulary(includeSpecialTokens: bool) : IReadOnlyList<string> = lookup.Vocabulary includeSpecialTokens

    /// <summary>The tokens by number, those for padding and unknown tokens first.</summary>
    member this.GetVocabulary() : IReadOnlyList<string> = this.GetVocabulary true

    /// <summary>Sets the vocabulary, and for TfIdf its weights. It may begin with the tokens for padding and unknown tokens, which
    /// then have weights too.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A token occurs twice, there are too many, or weights do not
    /// fit.</exception>
    member _.SetVocabulary(tokens: IReadOnlyList<string>, idfWeights: float[] | null) =
        lookup <- Lookup.ofTokens settings tokens (ValueOption.ofObj idfWeights)

    /// <summary>Sets the vocabulary. It may begin with the tokens for padding and unknown tokens.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A token occurs twice, or there are too many.</exception>
    member this.SetVocabulary(tokens: IReadOnlyList<string>) = this.SetVocabulary(tokens, null)

    /// <summary>Learns the vocabulary, most frequent first, from rows of tokens: each row counts as one document.</summary>
    member _.Adapt(rows: IEnumerable<IReadOnlyList<string>>) = lookup <- Lookup.learn settings rows

    /// <summary>Learns the vocabulary, most frequent first; each token counts as a document.</summary>
    member this.Adapt(tokens: IEnumerable<string>) =
        this.Adapt(tokens |> Seq.map (fun token -> [| token |] :> IReadOnlyList<string>))

    /// <summary>Numbers of tokens (tokens,), or with a mode for rows, a vector (vocabulary,) of all of them.</summary>
    member _.Transform(tokens: IReadOnlyList<string>) : Tensor = Lookup.transformOne lookup tokens

    /// <summary>Numbers of rows of tokens (rows, tokens), or a vector per row (rows, vocabulary).</summary>
    /// <exception cref="T:FunctionalNet.DataException">Rows differ in length where they must not; or a token is unknown, and
    /// NumOovIndices is 0.</exception>
    member _.Transform(rows: IEnumerable<IReadOnlyList<string>>) : Tensor = Lookup.transform lookup (Seq.toArray rows)

    /// <summary>Tokens of numbers, such as predicted ones. Keras: invert=True.</summary>
    member _.Inverse(ids: IEnumerable<int>) : string[] = ids |> Seq.map lookup.TokenOf |> Seq.toArray

    /// <summary>Its configuration in Keras's form, with the vocabulary.</summary>
    member _.ToConfig() : ConfigValue = LookupConfig.write "string_lookup" Text lookup

    /// <summary>The lookup of a configuration in Keras's form.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">It is of another class.</exception>
    static member OfConfig(config: ConfigValue) : StringLookup =
        let a = LookupConfig.argumentsOf "StringLookup" config
        let get key = ConfigRead.get key a
        let o = StringLookupOptions()
        o.MaxTokens <- LookupConfig.readLimit "max_tokens" (get "max_tokens")
        o.NumOovIndices <- LookupConfig.readInt (get "num_oov_indices") 1

        match get "mask_token" with
        | Text t -> o.MaskToken <- t
        | _ -> ()

        match get "oov_token" with
        | Text t -> o.OovToken <- t
        | _ -> ()

        o.OutputMode <- LookupConfig.readMode "output_mode" (get "output_mode")
        o.PadToMaxTokens <- LookupConfig.readBool (get "pad_to_max_tokens") false

        match get "vocabulary" with
        | Null -> ()
        | tokens ->
            o.Vocabulary <-
                ConfigRead.list "vocabulary" tokens |> List.map (ConfigRead.text "vocabulary") |> List.toArray

        o.IdfWeights <- LookupConfig.weights (get "idf_weights")
        StringLookup o

/// <summary>Integers to numbers by a vocabulary that is given or learnt. It works ahead of a model. Keras:
/// IntegerLookup.</summary>
/// <example><code>
/// var lookup = new IntegerLookup(new() { Vocabulary = [12L, 36L, 1138L, 42L] });
/// Tensor ids = lookup.Transform([12L, 1138L, 7L]); // 1 3 0
/// </code></example>
[<Sealed>]
type IntegerLookup(options: IntegerLookupOptions) =

    let settings: LookupSettings<int64> =
        { Kind = "IntegerLookup"
          MaxTokens = LookupConfig.limit options.MaxTokens
          UnknownCount = options.NumOovIndices
          MaskToken = if options.MaskToken.HasValue then ValueSome options.MaskToken.Value else ValueNone
          UnknownToken = options.OovToken
          Output = options.OutputMode
          PadToMaxTokens = options.PadToMaxTokens
          Spread = fun token count -> int (((token % int64 count) + int64 count) % int64 count)
          Show = LookupConfig.number
          Compare = fun a b -> compare a b }

    do Lookup.check settings

    let mutable lookup =
        match options.Vocabulary with
        | null -> Lookup<int64>(settings, [||], ValueNone)
        | given -> Lookup.ofTokens settings given (options.IdfWeights |> ValueOption.ofObj)

    /// <summary>A lookup with Keras's defaults.</summary>
    new() = IntegerLookup(IntegerLookupOptions())

    member internal _.Lookup = lookup

    /// <summary>Numbers: those of integers, for unknown ones and for padding.</summary>
    member _.VocabularySize = lookup.Used

    /// <summary>The integers by number.</summary>
    /// <param name="includeSpecialTokens">Whether those for padding and unknown integers come first.</param>
    member _.GetVocabulary(includeSpecialTokens: bool) : IReadOnlyList<int64> = lookup.Vocabulary includeSpecialTokens

    /// <summary>The integers by number, those for padding and unknown ones first.</summary>
    member this.GetVocabulary() : IReadOnlyList<int64> = this.GetVocabulary true

    /// <summary>Sets the vocabulary, and for TfIdf its weights. It may begin with the integers for padding and unknown integers, which
    /// then have weights too.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An integer occurs twice, there are too many, or weights do not
    /// fit.</exception>
    member _.SetVocabulary(tokens: IReadOnlyList<int64>, idfWeights: float[] | null) =
        lookup <- Lookup.ofTokens settings tokens (ValueOption.ofObj idfWeights)

    /// <summary>Sets the vocabulary. It may begin with the integers for padding and unknown ones.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An integer occurs twice, or there are too many.</exception>
    member this.SetVocabulary(tokens: IReadOnlyList<int64>) = this.SetVocabulary(tokens, null)

    /// <summary>Learns the vocabulary, most frequent first, from rows: each row counts as one document.</summary>
    member _.Adapt(rows: IEnumerable<IReadOnlyList<int64>>) = lookup <- Lookup.learn settings rows

    /// <summary>Learns the vocabulary, most frequent first; each integer counts as a document.</summary>
    // An array is a tensor too, by conversion.
    [<OverloadResolutionPriority 1>]
    member this.Adapt(tokens: IEnumerable<int64>) =
        this.Adapt(tokens |> Seq.map (fun token -> [| token |] :> IReadOnlyList<int64>))

    /// <summary>Learns the vocabulary, most frequent first, from batches of integers: a dataset, a list, any sequence. Each row
    /// counts as one document, and a batch of rank 1 is one row.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">They are not integers.</exception>
    member this.Adapt(batches: IEnumerable<Tensor>) = this.Adapt(batches |> Seq.collect IntegerRows.ofTensor)

    /// <summary>Learns the vocabulary, most frequent first. Each row counts as one document; of a tensor of rank 1 each integer
    /// does.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">They are not integers.</exception>
    member this.Adapt(tokens: Tensor) =
        let rows = IntegerRows.ofTensor tokens
        if tokens.Rank = 1 then this.Adapt(Seq.collect id rows) else this.Adapt(Seq.ofArray rows)

    /// <summary>Numbers of integers (integers,), or with a mode for rows, a vector (vocabulary,) of all of them.</summary>
    [<OverloadResolutionPriority 1>]
    member _.Transform(tokens: IReadOnlyList<int64>) : Tensor = Lookup.transformOne lookup tokens

    /// <summary>Numbers of rows of integers (rows, integers), or a vector per row (rows, vocabulary).</summary>
    /// <exception cref="T:FunctionalNet.DataException">Rows differ in length where they must not; or an integer is unknown, and
    /// NumOovIndices is 0.</exception>
    member _.Transform(rows: IEnumerable<IReadOnlyList<int64>>) : Tensor = Lookup.transform lookup (Seq.toArray rows)

    /// <summary>Numbers of integers, in their shape; with a mode for rows, vectors (rows, vocabulary), or (vocabulary,) of a
    /// tensor of rank 1.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">They are not integers.</exception>
    /// <exception cref="T:FunctionalNet.DataException">An integer is unknown, and NumOovIndices is 0.</exception>
    member this.Transform(tokens: Tensor) : Tensor =
        let rows = IntegerRows.ofTensor tokens

        match settings.Output with
        | LookupOutput.Int -> Tensor.Of(tokens.Shape, rows |> Array.collect (Seq.map lookup.Number >> Seq.toArray))
        | _ when tokens.Rank = 1 -> this.Transform rows[0]
        | _ -> this.Transform(Seq.ofArray rows)

    /// <summary>Integers of numbers. Keras: invert=True.</summary>
    member _.Inverse(ids: IEnumerable<int>) : int64[] = ids |> Seq.map lookup.TokenOf |> Seq.toArray

    /// <summary>Its configuration in Keras's form, with the vocabulary.</summary>
    member _.ToConfig() : ConfigValue = LookupConfig.write "integer_lookup" Int lookup

    /// <summary>The lookup of a configuration in Keras's form.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">It is of another class.</exception>
    static member OfConfig(config: ConfigValue) : IntegerLookup =
        let a = LookupConfig.argumentsOf "IntegerLookup" config
        let get key = ConfigRead.get key a
        let o = IntegerLookupOptions()
        o.MaxTokens <- LookupConfig.readLimit "max_tokens" (get "max_tokens")
        o.NumOovIndices <- LookupConfig.readInt (get "num_oov_indices") 1

        match get "mask_token" with
        | Int m -> o.MaskToken <- Nullable m
        | _ -> ()

        match get "oov_token" with
        | Int t -> o.OovToken <- t
        | _ -> ()

        o.OutputMode <- LookupConfig.readMode "output_mode" (get "output_mode")
        o.PadToMaxTokens <- LookupConfig.readBool (get "pad_to_max_tokens") false

        match get "vocabulary" with
        | Null -> ()
        | tokens ->
            o.Vocabulary <-
                ConfigRead.list "vocabulary" tokens
                |> List.map (fun value ->
                    match value with
                    | Int i -> i
                    | other -> raise (ConfigRead.wrong "vocabulary" "whole numbers" other))
                |> List.toArray

        o.IdfWeights <- LookupConfig.weights (get "idf_weights")
        IntegerLookup o
