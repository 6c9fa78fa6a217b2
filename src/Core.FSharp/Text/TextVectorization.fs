namespace FunctionalNet

open System
open System.Collections.Generic
open System.Text

/// <summary>What is done to a text before it is split.</summary>
type TextStandardization =
    /// <summary>Nothing.</summary>
    | None = 0
    /// <summary>ASCII capitals become small.</summary>
    | Lower = 1
    /// <summary>ASCII punctuation is removed.</summary>
    | StripPunctuation = 2
    /// <summary>Both.</summary>
    | LowerAndStripPunctuation = 3

/// <summary>How a text is split into tokens.</summary>
type TextSplit =
    /// <summary>Not at all: the text is one token.</summary>
    | None = 0
    /// <summary>At ASCII white space.</summary>
    | Whitespace = 1
    /// <summary>Into its Unicode characters.</summary>
    | Character = 2

/// <summary>Options of TextVectorization, with Keras's defaults.</summary>
[<Sealed>]
type TextVectorizationOptions() =

    /// <summary>The greatest size of the vocabulary, with the numbers for padding and unknown tokens; null for no
    /// limit.</summary>
    member val MaxTokens: Nullable<int> = Nullable() with get, set

    /// <summary>What is done to a text before it is split.</summary>
    member val Standardize = TextStandardization.LowerAndStripPunctuation with get, set

    /// <summary>A function in place of Standardize. A vectorization with it cannot be saved.</summary>
    member val CustomStandardize: Func<string, string> | null = null with get, set

    /// <summary>How a text is split into tokens.</summary>
    member val Split = TextSplit.Whitespace with get, set

    /// <summary>A function in place of Split. A vectorization with it cannot be saved.</summary>
    member val CustomSplit: Func<string, IEnumerable<string>> | null = null with get, set

    /// <summary>Sizes of groups of neighbouring tokens that become tokens, joined by a space: [1, 2] for single tokens and pairs.
    /// Null for single tokens only. (A number n in Keras stands for 1 to n.)</summary>
    member val Ngrams: int[] | null = null with get, set

    /// <summary>What comes out: Int, MultiHot, Count or TfIdf.</summary>
    member val OutputMode = LookupOutput.Int with get, set

    /// <summary>For Int: how many numbers a text gets; longer ones are cut at the end, shorter ones filled up with 0. Null for
    /// the length of the longest.</summary>
    member val OutputSequenceLength: Nullable<int> = Nullable() with get, set

    /// <summary>Whether vectors have the size MaxTokens, even if the vocabulary is smaller.</summary>
    member val PadToMaxTokens = false with get, set

    /// <summary>The tokens, if they are not learnt.</summary>
    member val Vocabulary: IReadOnlyList<string> | null = null with get, set

    /// <summary>A weight per token, for TfIdf with a given vocabulary.</summary>
    member val IdfWeights: float[] | null = null with get, set

/// How texts become tokens.
module internal Tokens =

    let private isPunctuation (c: char) = Char.IsAscii c && (Char.IsPunctuation c || Char.IsSymbol c)

    let standardize (how: TextStandardization) (text: string) : string =
        let lower = how = TextStandardization.Lower || how = TextStandardization.LowerAndStripPunctuation
        let strip =
            how = TextStandardization.StripPunctuation || how = TextStandardization.LowerAndStripPunctuation

        if not lower && not strip then
            text
        else
            let result = StringBuilder(text.Length)

            for c in text do
                if not (strip && isPunctuation c) then
                    result.Append(if lower && Char.IsAsciiLetterUpper c then Char.ToLowerInvariant c else c) |> ignore

            result.ToString()

    let private blanks = [| ' '; '\t'; '\n'; '\v'; '\f'; '\r' |]

    let split (how: TextSplit) (text: string) : string[] =
        match how with
        | TextSplit.Whitespace -> text.Split(blanks, StringSplitOptions.RemoveEmptyEntries)
        | TextSplit.Character -> [| for rune in text.EnumerateRunes() -> rune.ToString() |]
        | _ -> [| text |]

    let ngrams (sizes: int[]) (tokens: string[]) : string[] =
        [| for size in sizes do
               for start in 0 .. tokens.Length - size ->
                   String.Join(' ', ReadOnlySpan<string>(tokens, start, size).ToArray()) |]

/// <summary>Texts to numbers: standardised, split, joined to n-grams, and looked up in a vocabulary that is learnt by Adapt or
/// given. It works ahead of a model, on strings, since tensors hold numbers only; it is saved beside the model or in the model's
/// file. Keras: TextVectorization.</summary>
/// <example><code>
/// var vectorize = new TextVectorization(new() { MaxTokens = 5000, OutputSequenceLength = 40 });
/// vectorize.Adapt(trainingTexts);
/// Tensor ids = vectorize.Transform(trainingTexts); // (texts, 40), 0 is padding, 1 unknown
/// </code></example>
[<Sealed>]
type TextVectorization(options: TextVectorizationOptions) =

    let settings =
        LookupConfig.texts
            "TextVectorization"
            options.OutputMode
            ""
            "[UNK]"
            1
            (LookupConfig.limit options.MaxTokens)
            options.PadToMaxTokens

    do
        Lookup.check settings

        if options.OutputMode = LookupOutput.OneHot then
            LookupNames.wrong
                "TextVectorization.output_mode"
                "int, multi_hot, count or tf_idf"
                "one_hot"
                "One vector per text is MultiHot."

        match options.Ngrams with
        | null -> ()
        | sizes ->
            if sizes.Length = 0 || sizes |> Array.exists (fun n -> n < 1) then
                LookupNames.wrong
                    "TextVectorization.ngrams"
                    "sizes of 1 or more"
                    ("[" + String.Join(", ", sizes) + "]")
                    "[1, 2] gives single tokens and pairs."

        if options.OutputSequenceLength.HasValue then
            if options.OutputMode <> LookupOutput.Int || options.OutputSequenceLength.Value < 1 then
                LookupNames.wrong
                    "TextVectorization.output_sequence_length"
                    "a length of 1 or more, with the output mode int"
                    (string options.OutputSequenceLength.Value + " with " + LookupNames.ofMode options.OutputMode)
                    "Vectors of the other modes have the size of the vocabulary."

    let standardizeText (text: string) =
        match options.CustomStandardize with
        | null -> Tokens.standardize options.Standardize text
        | f -> f.Invoke text

    let splitText (text: string) =
        match options.CustomSplit with
        | null -> Tokens.split options.Split text
        | f -> Seq.toArray (f.Invoke text)

    let tokensOf (text: string) =
        let tokens = splitText (standardizeText text)

        match options.Ngrams with
        | null -> tokens
        | sizes -> Tokens.ngrams sizes tokens

    let mutable lookup =
        match options.Vocabulary with
        | null -> Lookup<string>(settings, [||], ValueNone)
        | given -> Lookup.ofTokens settings given (options.IdfWeights |> ValueOption.ofObj)

    /// <summary>A vectorization with Keras's defaults.</summary>
    new() = TextVectorization(TextVectorizationOptions())

    member internal _.Lookup = lookup
    member internal _.OutputSequenceLength = options.OutputSequenceLength

    /// <summary>Numbers: those of tokens, for unknown tokens and, for Int, for padding.</summary>
    member _.VocabularySize = lookup.Used

    /// <summary>The tokens by number.</summary>
    /// <param name="includeSpecialTokens">Whether those for padding (empty) and unknown tokens ([UNK]) come first.</param>
    member _.GetVocabulary(includeSpecialTokens: bool) : IReadOnlyList<string> = lookup.Vocabulary includeSpecialTokens

    /// <summary>The tokens by number, those for padding (empty) and unknown tokens ([UNK]) first.</summary>
    member this.GetVocabulary() : IReadOnlyList<string> = this.GetVocabulary true

    /// <summary>Sets the vocabulary, and for TfIdf its weights. It may begin with the tokens for padding and unknown
    /// tokens, which then have weights too.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A token occurs twice, there are too many, or weights do not
    /// fit.</exception>
    member _.SetVocabulary(tokens: IReadOnlyList<string>, idfWeights: float[] | null) =
        lookup <- Lookup.ofTokens settings tokens (ValueOption.ofObj idfWeights)

    /// <summary>Sets the vocabulary.</summary>
    member this.SetVocabulary(tokens: IReadOnlyList<string>) = this.SetVocabulary(tokens, null)

    /// <summary>Learns the vocabulary: the most frequent tokens, and for TfIdf in how many texts they are. What was known before
    /// is forgotten.</summary>
    member _.Adapt(texts: IEnumerable<string>) =
        lookup <- Lookup.learn settings (texts |> Seq.map (fun text -> tokensOf text :> IReadOnlyList<string>))

    /// <summary>The same over batches of texts, such as those of a folder.</summary>
    member this.Adapt(batches: IEnumerable<string[]>) = this.Adapt(Seq.collect Seq.ofArray batches)

    /// <summary>The tokens of a text.</summary>
    member _.Tokenize(text: string) : string[] = tokensOf text

    /// <summary>The numbers of a text's tokens, neither cut nor filled up: for batches of similar lengths.</summary>
    member _.Encode(text: string) : int[] = tokensOf text |> Array.map lookup.Number

    /// <summary>Numbers (texts, length) as int32, or for the other modes vectors (texts, vocabulary) as float32.</summary>
    member this.Transform(texts: IEnumerable<string>) : Tensor =
        let rows = Seq.toArray texts

        if rows.Length = 0 then
            raise (
                DataException(
                    "There are no texts.",
                    "TextVectorization",
                    "one text or more",
                    "none",
                    "A tensor needs at least one row."
                )
            )

        if settings.Output = LookupOutput.Int then
            let ids = rows |> Array.map this.Encode

            let length =
                if options.OutputSequenceLength.HasValue then
                    options.OutputSequenceLength.Value
                else
                    ids |> Array.fold (fun longest row -> max longest row.Length) 1

            Sequences.PadSequences(ids, Nullable length, SequenceEnd.Post, SequenceEnd.Post, 0.0)
        else
            Lookup.transform lookup (rows |> Array.map (fun text -> tokensOf text :> IReadOnlyList<string>))

    /// <summary>The tokens of numbers, such as generated ones. Padding gives empty tokens.</summary>
    member _.Decode(ids: IEnumerable<int>) : string[] = ids |> Seq.map lookup.TokenOf |> Seq.toArray

    /// <summary>Its configuration in Keras's form, with the vocabulary.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It has functions of its own.</exception>
    member _.ToConfig() : ConfigValue =
        if not (isNull options.CustomStandardize && isNull options.CustomSplit) then
            raise (
                NotReadyException(
                    "A vectorization with functions of its own cannot be saved.",
                    "TextVectorization",
                    "Standardize and Split in place of functions",
                    "CustomStandardize or CustomSplit",
                    "Prepare the texts with the functions first, or save the vocabulary only."
                )
            )

        LookupConfig.objectOf
            "TextVectorization"
            [ "name", Text "text_vectorization"
              "max_tokens", LookupConfig.ofLimit settings.MaxTokens
              "standardize",
              (match options.Standardize with
               | TextStandardization.Lower -> Text "lower"
               | TextStandardization.StripPunctuation -> Text "strip_punctuation"
               | TextStandardization.LowerAndStripPunctuation -> Text "lower_and_strip_punctuation"
               | _ -> Null)
              "split",
              (match options.Split with
               | TextSplit.Whitespace -> Text "whitespace"
               | TextSplit.Character -> Text "character"
               | _ -> Null)
              "ngrams",
              (match options.Ngrams with
               | null -> Null
               | sizes -> ConfigValue.List [ for n in sizes -> Int(int64 n) ])
              "output_mode", Text(LookupNames.ofMode settings.Output)
              "output_sequence_length", LookupConfig.ofLimit (LookupConfig.limit options.OutputSequenceLength)
              "pad_to_max_tokens", Bool settings.PadToMaxTokens
              "vocabulary", ConfigValue.List [ for token in LookupConfig.tokensOf lookup -> Text token ]
              "idf_weights", LookupConfig.ofWeights lookup ]

    /// <summary>The vectorization of a configuration in Keras's form.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">It is of another class.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    static member OfConfig(config: ConfigValue) : TextVectorization =
        let a = LookupConfig.argumentsOf "TextVectorization" config
        let get key = ConfigRead.get key a
        let o = TextVectorizationOptions()
        o.MaxTokens <- LookupConfig.readLimit "max_tokens" (get "max_tokens")

        let named (key: string) (cases: (string * 'v) list) (none: 'v) (set: 'v -> unit) =
            if a |> List.exists (fun (k, _) -> k = key) then
                match get key with
                | Null -> set none
                | value ->
                    let name = ConfigRead.text key value

                    match cases |> List.tryFind (fun (n, _) -> n = name) with
                    | Some(_, case) -> set case
                    | None -> raise (Common.Names.unknown "value" key name (List.map fst cases))

        named
            "standardize"
            [ "lower", TextStandardization.Lower
              "strip_punctuation", TextStandardization.StripPunctuation
              "lower_and_strip_punctuation", TextStandardization.LowerAndStripPunctuation ]
            TextStandardization.None
            (fun v -> o.Standardize <- v)

        named "split" [ "whitespace", TextSplit.Whitespace; "character", TextSplit.Character ] TextSplit.None (fun v ->
            o.Split <- v)

        match get "ngrams" with
        | Null -> ()
        | Int n -> o.Ngrams <- [| 1 .. int n |]
        | sizes -> o.Ngrams <- ConfigRead.ints "ngrams" sizes |> List.toArray

        o.OutputMode <- LookupConfig.readMode "output_mode" (get "output_mode")
        o.OutputSequenceLength <- LookupConfig.readLimit "output_sequence_length" (get "output_sequence_length")
        o.PadToMaxTokens <- LookupConfig.readBool (get "pad_to_max_tokens") false

        match get "vocabulary" with
        | Null -> ()
        | tokens ->
            o.Vocabulary <-
                ConfigRead.list "vocabulary" tokens |> List.map (ConfigRead.text "vocabulary") |> List.toArray

        o.IdfWeights <- LookupConfig.weights (get "idf_weights")
        TextVectorization o

    /// <summary>Saves it as JSON, with the vocabulary.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It has functions of its own.</exception>
    member this.Save(path: string) : unit = ConfigFile.save path (this.ToConfig())

    /// <summary>Reads what Save wrote.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file holds something else.</exception>
    static member Load(path: string) : TextVectorization = TextVectorization.OfConfig(ConfigFile.load path)

    static member private PartName = "text-vectorization"

    /// <summary>Adds it to the file of a model that was saved before, in place of one that is there already. The model is read
    /// from that file as before.</summary>
    /// <param name="modelPath">A .fnet file.</param>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is not a model's.</exception>
    member this.SaveInto(modelPath: string) : unit =
        ConfigFile.saveInto TextVectorization.PartName modelPath (this.ToConfig())

    /// <summary>Reads what SaveInto added to the file of a model.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file has no vectorization.</exception>
    static member LoadFrom(modelPath: string) : TextVectorization =
        TextVectorization.OfConfig(ConfigFile.loadFrom TextVectorization.PartName modelPath)
