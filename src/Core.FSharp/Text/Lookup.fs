namespace FunctionalNet

open System
open System.Collections.Generic

/// <summary>How a lookup or a vectorization gives tokens.</summary>
type LookupOutput =
    /// <summary>Their numbers.</summary>
    | Int = 0
    /// <summary>A vector per token, with 1 at its number.</summary>
    | OneHot = 1
    /// <summary>A vector per row of tokens, with 1 at every token that occurs.</summary>
    | MultiHot = 2
    /// <summary>A vector per row of tokens: how often each occurs.</summary>
    | Count = 3
    /// <summary>As Count, times a weight that is greater for tokens that are in few rows.</summary>
    | TfIdf = 4

module internal LookupNames =

    let modes =
        [ "int", LookupOutput.Int
          "one_hot", LookupOutput.OneHot
          "multi_hot", LookupOutput.MultiHot
          "count", LookupOutput.Count
          "tf_idf", LookupOutput.TfIdf ]

    let ofMode (mode: LookupOutput) = modes |> List.find (fun (_, m) -> m = mode) |> fst

    let wrong (where: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (ArgumentValueException("An argument of a lookup is not valid.", where, expected, actual, hint))

/// What StringLookup, IntegerLookup and TextVectorization are told.
[<NoEquality; NoComparison>]
type internal LookupSettings<'T> =
    {
        /// For errors.
        Kind: string
        MaxTokens: int voption
        /// How many numbers stand for unknown tokens.
        UnknownCount: int
        MaskToken: 'T voption
        UnknownToken: 'T
        Output: LookupOutput
        PadToMaxTokens: bool
        /// Which of the numbers for unknown tokens it is, for more than one.
        Spread: 'T -> int -> int
        /// Text of a token for errors.
        Show: 'T -> string
        Compare: 'T -> 'T -> int
    }

/// A vocabulary with numbers for what is not in it: the number of padding, if there is one, those of unknown tokens, then
/// the tokens. Immutable.
[<Sealed>]
type internal Lookup<'T when 'T: equality and 'T: not null>
    (settings: LookupSettings<'T>, tokens: 'T[], weights: float[] voption) =

    let hasMask = settings.MaskToken.IsSome && settings.Output = LookupOutput.Int
    let firstUnknown = if hasMask then 1 else 0
    let first = firstUnknown + settings.UnknownCount
    let numbers = Dictionary<'T, int>(tokens.Length)

    do
        tokens
        |> Array.iteri (fun i token ->
            if not (numbers.TryAdd(token, first + i)) then
                LookupNames.wrong
                    (settings.Kind + ".vocabulary")
                    "every token once"
                    ("twice " + settings.Show token)
                    "Remove the repetition.")

    let size =
        match settings.MaxTokens with
        | ValueSome limit when settings.PadToMaxTokens -> limit
        | _ -> first + tokens.Length

    // By number: padding of the vocabulary counts nothing.
    let idf =
        match weights with
        | ValueNone -> [||]
        | ValueSome given ->
            let mean = if given.Length = 0 then 0.0 else Array.average given
            // Unknown tokens weigh the mean of the others, unless there are weights for them too.
            let own = if given.Length > tokens.Length then [||] else Array.create first mean
            let known = Array.append own given
            Array.append known (Array.zeroCreate (max 0 (size - known.Length)))

    member _.Settings = settings
    member _.Tokens = tokens
    member _.Weights = weights
    member _.Size = size

    /// Numbers in use. Keras: vocabulary_size, which does not count what vectors are padded with.
    member _.Used = first + tokens.Length

    /// How many numbers are not those of tokens in the vocabulary.
    member _.First = first

    /// The tokens by number, those for padding and for unknown tokens first if they are wanted.
    member _.Vocabulary(special: bool) : 'T[] =
        if special then
            Array.concat
                [ (match settings.MaskToken with
                   | ValueSome mask when hasMask -> [| mask |]
                   | _ -> [||])
                  Array.create settings.UnknownCount settings.UnknownToken
                  tokens ]
        else
            tokens

    /// The number of a token.
    member _.Number(token: 'T) : int =
        match numbers.TryGetValue token with
        | true, number -> number
        | _ ->
            match settings.MaskToken with
            | ValueSome mask when hasMask && mask = token -> 0
            | _ when settings.UnknownCount = 1 -> firstUnknown
            | _ when settings.UnknownCount > 1 -> firstUnknown + settings.Spread token settings.UnknownCount
            | _ ->
                raise (
                    DataException(
                        "A token is not in the vocabulary, and there is no number for unknown tokens.",
                        settings.Kind,
                        "a token of the vocabulary",
                        settings.Show token,
                        "Set NumOovIndices to 1, or adapt to more data."
                    )
                )

    member private _.IsMask(token: 'T) =
        match settings.MaskToken with
        | ValueSome mask -> mask = token
        | ValueNone -> false

    /// One vector of the size of the vocabulary.
    member this.Encode(row: IReadOnlyList<'T>, target: Span<float32>) : unit =
        for token in row do
            if not (this.IsMask token) then
                let number = this.Number token

                match settings.Output with
                | LookupOutput.Count -> target[number] <- target[number] + 1.0f
                | LookupOutput.TfIdf -> target[number] <- target[number] + float32 idf[number]
                | _ -> target[number] <- 1.0f

    /// The token of a number.
    member this.TokenOf(number: int) : 'T =
        let all = this.Vocabulary true

        if number >= 0 && number < all.Length then all[number] else settings.UnknownToken

module internal Lookup =

    /// Refuses what no lookup can do.
    let check<'T when 'T: equality and 'T: not null> (s: LookupSettings<'T>) =
        if s.UnknownCount < 0 then
            LookupNames.wrong
                (s.Kind + ".num_oov_indices")
                "0 or more"
                (string s.UnknownCount)
                "0 refuses unknown tokens."

        let special = s.UnknownCount + (if s.MaskToken.IsSome && s.Output = LookupOutput.Int then 1 else 0)

        match s.MaxTokens with
        | ValueSome n when n <= special ->
            LookupNames.wrong
                (s.Kind + ".max_tokens")
                ("more than the " + string special + " numbers that are not of tokens")
                (string n)
                "The greatest size counts those for padding and unknown tokens too."
        | ValueNone when s.PadToMaxTokens ->
            LookupNames.wrong (s.Kind + ".max_tokens") "a number" "none" "Padding to it needs a greatest size."
        | _ -> ()

    /// A lookup for tokens that may begin with those for padding and for unknown tokens.
    let ofTokens<'T when 'T: equality and 'T: not null>
        (s: LookupSettings<'T>)
        (tokens: 'T seq)
        (weights: float[] voption)
        : Lookup<'T> =
        let special = Lookup<'T>(s, [||], ValueNone)
        let all = Seq.toArray tokens
        let front = special.Vocabulary true
        let starts = front.Length > 0 && all.Length >= front.Length && all[.. front.Length - 1] = front
        let own = if starts then all[front.Length ..] else all

        for token in own do
            if (s.UnknownCount > 0 && token = s.UnknownToken) || s.MaskToken = ValueSome token then
                LookupNames.wrong
                    (s.Kind + ".vocabulary")
                    "tokens other than those for padding and for unknown tokens, or these all in front"
                    (s.Show token)
                    "Leave them out."

        match s.MaxTokens with
        | ValueSome limit when special.First + own.Length > limit ->
            LookupNames.wrong
                (s.Kind + ".vocabulary")
                ("at most " + string (limit - special.First) + " tokens")
                (string own.Length)
                "Raise MaxTokens, or shorten the vocabulary."
        | _ -> ()

        match weights, s.Output with
        | ValueNone, LookupOutput.TfIdf ->
            LookupNames.wrong (s.Kind + ".idf_weights") "a weight per token" "none" "Give them with the vocabulary."
        | ValueSome w, LookupOutput.TfIdf ->
            if w.Length <> own.Length && not (starts && w.Length = all.Length) then
                LookupNames.wrong
                    (s.Kind + ".idf_weights")
                    (string own.Length + " weights, one per token")
                    (string w.Length)
                    "Unknown tokens have weights only where the vocabulary begins with their token."
        | _ -> ()

        Lookup<'T>(s, own, (if s.Output = LookupOutput.TfIdf then weights else ValueNone))

    /// The most frequent tokens of rows; among equally frequent ones the greatest first, as in Keras.
    let learn<'T when 'T: equality and 'T: not null>
        (s: LookupSettings<'T>)
        (rows: IReadOnlyList<'T> seq)
        : Lookup<'T> =
        let counts = Dictionary<'T, struct (int64 * int64 * int64)>()
        let mutable documents = 0L

        for row in rows do
            documents <- documents + 1L

            for token in row do
                if s.MaskToken <> ValueSome token && token <> s.UnknownToken then
                    let struct (count, inRows, last) =
                        match counts.TryGetValue token with
                        | true, found -> found
                        | _ -> struct (0L, 0L, 0L)

                    let inRows = if last = documents then inRows else inRows + 1L
                    counts[token] <- struct (count + 1L, inRows, documents)

        let sorted =
            counts
            |> Seq.toArray
            |> Array.sortWith (fun a b ->
                let struct (x, _, _) = a.Value
                let struct (y, _, _) = b.Value
                if x <> y then compare y x else s.Compare b.Key a.Key)

        let room =
            match s.MaxTokens with
            | ValueSome limit -> limit - Lookup<'T>(s, [||], ValueNone).First
            | ValueNone -> sorted.Length

        let kept = Array.truncate room sorted

        let weights =
            kept
            |> Array.map (fun entry ->
                let struct (_, inRows, _) = entry.Value
                Math.Log(1.0 + float documents / (1.0 + float inRows)))

        ofTokens s (kept |> Array.map (fun entry -> entry.Key)) (ValueSome weights)

    /// Numbers of rows of tokens as a tensor, by the lookup's mode.
    let transform<'T when 'T: equality and 'T: not null> (lookup: Lookup<'T>) (rows: IReadOnlyList<'T>[]) : Tensor =
        let size = lookup.Size

        let lengthOf () =
            let length = if rows.Length = 0 then 0 else rows[0].Count

            for row in rows do
                if row.Count <> length then
                    raise (
                        DataException(
                            "Rows of different lengths cannot be one tensor.",
                            lookup.Settings.Kind,
                            string length + " tokens per row",
                            string row.Count,
                            "Fill the rows up with the mask token, or use a mode with one vector per row."
                        )
                    )

            length

        match lookup.Settings.Output with
        | LookupOutput.Int ->
            let length = lengthOf ()
            Tensor.Of(
                Shape.Of(rows.Length, length),
                rows |> Array.collect (fun row -> Array.init row.Count (fun i -> lookup.Number row[i]))
            )
        | LookupOutput.OneHot ->
            let length = lengthOf ()
            let values: float32[] = Array.zeroCreate (rows.Length * length * size)

            rows
            |> Array.iteri (fun i row ->
                for j in 0 .. length - 1 do
                    // The mask token is a vector of zeros, as in Keras.
                    lookup.Encode([| row[j] |], Span<float32>(values, (i * length + j) * size, size)))

            // A last axis of size 1 gives way, as in Keras.
            let shape = if length = 1 then Shape.Of(rows.Length, size) else Shape.Of(rows.Length, length, size)
            Tensor.Of(shape, values)
        | _ ->
            let values: float32[] = Array.zeroCreate (rows.Length * size)

            for i in 0 .. rows.Length - 1 do
                lookup.Encode(rows[i], Span<float32>(values, i * size, size))

            Tensor.Of(Shape.Of(rows.Length, size), values)

    /// Numbers of tokens as a tensor; with a mode for rows, one vector of all of them.
    let transformOne<'T when 'T: equality and 'T: not null> (lookup: Lookup<'T>) (tokens: IReadOnlyList<'T>) : Tensor =
        match lookup.Settings.Output with
        | LookupOutput.Int ->
            Tensor.Of(Shape.Of tokens.Count, Array.init tokens.Count (fun i -> lookup.Number tokens[i]))
        | LookupOutput.OneHot ->
            transform lookup (Array.init tokens.Count (fun i -> [| tokens[i] |] :> IReadOnlyList<'T>))
        | _ -> (transform lookup [| tokens |]).Reshape(Shape.Of lookup.Size)
