module FunctionalNet.Tests.Text.TextTests

open System
open System.Collections.Generic
open System.IO
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Tests.Support
open Xunit

let private rows (values: string list list) = values |> Seq.map (fun r -> List.toArray r :> IReadOnlyList<string>)

let private ints (t: Tensor) = t.ToArray<int>()

/// TensorFlow's documentation of Hashing gives these buckets.
[<Fact>]
let ``texts are hashed as TensorFlow hashes them`` () =
    let buckets = [ "A"; "B"; "C"; "D"; "E" ] |> List.map (fun t -> Fingerprint.bucket t 3)
    Assert.Equal<int list>([ 1; 0; 1; 1; 2 ], buckets)

[<Fact>]
let ``every length of text has a hash of its own`` () =
    let hashes = [ for n in 0..300 -> Fingerprint.ofBytes (Array.init n (fun i -> byte (i * 7 + n))) ]
    Assert.Equal(301, (List.distinct hashes).Length)

[<Fact>]
let ``a vocabulary is learnt by frequency, then backwards by the alphabet`` () =
    // The example of Keras's documentation.
    let lookup = StringLookup()
    lookup.Adapt(rows [ [ "a"; "c"; "d" ]; [ "d"; "z"; "b" ] ])
    Assert.Equal<string seq>([ "[UNK]"; "d"; "z"; "c"; "b"; "a" ], lookup.GetVocabulary())
    Assert.Equal<int[]>([| 1; 0; 5 |], ints (lookup.Transform([| "d"; "nothing"; "a" |] :> IReadOnlyList<string>)))
    Assert.Equal<string[]>([| "z"; "[UNK]" |], lookup.Inverse [ 2; 0 ])

[<Fact>]
let ``lookups give Keras's numbers, vectors, counts and weights`` () =
    let vocabulary = [| "a"; "b"; "c"; "d" |]
    let data = rows [ [ "a"; "c"; "d"; "d" ]; [ "d"; "z"; "b"; "z" ] ]
    let make (set: StringLookupOptions -> unit) =
        let o = StringLookupOptions(Vocabulary = vocabulary)
        set o
        StringLookup o

    Assert.Equal<int[]>([| 1; 3; 4; 4; 4; 0; 2; 0 |], ints ((make ignore).Transform data))

    let multi = (make (fun o -> o.OutputMode <- LookupOutput.MultiHot)).Transform data
    Assert.Equal<float32[]>([| 0f; 1f; 0f; 1f; 1f; 1f; 0f; 1f; 0f; 1f |], multi.ToArray<float32>())
    let count = (make (fun o -> o.OutputMode <- LookupOutput.Count)).Transform data
    Assert.Equal<float32[]>([| 0f; 1f; 0f; 1f; 2f; 2f; 0f; 1f; 0f; 1f |], count.ToArray<float32>())

    // Unknown tokens weigh the mean of the others: Keras's documentation has 0.25, 0.75, 0.6, 0.4 and two unknown ones.
    let weighted =
        (make (fun o ->
            o.OutputMode <- LookupOutput.TfIdf
            o.IdfWeights <- [| 0.25; 0.75; 0.6; 0.4 |]))
            .Transform
            data

    Close.close 1e-6 1e-6 [| 0.0; 0.25; 0.0; 0.6; 0.8; 1.0; 0.0; 0.75; 0.0; 0.4 |] (weighted.ToDoubles())

    let hot =
        (make (fun o -> o.OutputMode <- LookupOutput.OneHot)).Transform([| "b"; "?" |] :> IReadOnlyList<string>)
    Assert.Equal(Shape.Of(2, 5), hot.Shape)
    Assert.Equal<int[]>([| 2; 0 |], hot.ArgMax())

    // A number for padding, two for unknown tokens.
    let several =
        make (fun o ->
            o.MaskToken <- ""
            o.NumOovIndices <- 2)

    Assert.Equal<int[]>([| 0; 3; 6 |], ints (several.Transform([| ""; "a"; "d" |] :> IReadOnlyList<string>)))
    Assert.All(
        ints (several.Transform([| "m"; "n"; "Z"; "37" |] :> IReadOnlyList<string>)),
        fun i -> Assert.InRange(i, 1, 2)
    )

/// The example of Keras's documentation of StringLookup: weights for unknown tokens come with their token in the vocabulary.
[<Fact>]
let ``unknown tokens have a weight of their own if it is given`` () =
    let lookup = StringLookup(StringLookupOptions(OutputMode = LookupOutput.TfIdf))
    lookup.SetVocabulary([| "[UNK]"; "a"; "b"; "c"; "d" |], [| 0.9; 0.25; 0.75; 0.6; 0.4 |])
    let data = rows [ [ "a"; "c"; "d"; "d" ]; [ "d"; "z"; "b"; "z" ] ]
    let expected = [| 0.0; 0.25; 0.0; 0.6; 0.8; 1.8; 0.0; 0.75; 0.0; 0.4 |]
    Close.close 1e-6 1e-6 expected ((lookup.Transform data).ToDoubles())
    Close.close 1e-6 1e-6 expected (((StringLookup.OfConfig(lookup.ToConfig())).Transform data).ToDoubles())

    let integers = IntegerLookup(IntegerLookupOptions(OutputMode = LookupOutput.TfIdf))
    integers.SetVocabulary([| 12L; 36L |], [| 0.5; 0.3 |])
    let weighed = integers.Transform([| 12L; 7L; 12L |] :> IReadOnlyList<int64>)
    Close.close 1e-6 1e-6 [| 0.4; 1.0; 0.0 |] (weighed.ToDoubles())
    Assert.Throws<ArgumentValueException>(fun () -> integers.SetVocabulary([| 12L; 36L |], [| 0.5; 0.3; 0.1 |]))
    |> ignore

/// Of Keras's IndexLookup: the mask token is dropped from vectors, and what pads them is no part of the vocabulary.
[<Fact>]
let ``the mask token is a vector of zeros, and padding counts for nothing in the vocabulary`` () =
    let options =
        StringLookupOptions(
            Vocabulary = [| "a"; "b" |],
            MaskToken = "",
            OutputMode = LookupOutput.OneHot,
            MaxTokens = Nullable 5,
            PadToMaxTokens = true
        )

    let lookup = StringLookup options
    let hot = lookup.Transform(rows [ [ "b"; "" ]; [ "?"; "a" ] ])
    Assert.Equal(Shape.Of(2, 2, 5), hot.Shape)
    let row number = Array.init 5 (fun i -> if i = number then 1f else 0f)
    Assert.Equal<float32[]>(Array.concat [ row 2; row -1; row 0; row 1 ], hot.ToArray<float32>())
    Assert.Equal(3, lookup.VocabularySize)

    // The token for unknown ones is not learnt, even where no number stands for it.
    let learnt = StringLookup(StringLookupOptions(NumOovIndices = 0))
    learnt.Adapt [ "a"; "[UNK]"; "[UNK]" ]
    Assert.Equal<string seq>([ "a" ], learnt.GetVocabulary())

[<Fact>]
let ``integers are looked up`` () =
    let lookup = IntegerLookup(IntegerLookupOptions(Vocabulary = [| 12L; 36L; 1138L; 42L |]))
    let data =
        [| [| 12L; 1138L; 42L |]; [| 42L; 1000L; 36L |] |] |> Seq.map (fun r -> r :> IReadOnlyList<int64>)
    Assert.Equal<int[]>([| 1; 3; 4; 4; 0; 2 |], ints (lookup.Transform data))

    let spread = IntegerLookup(IntegerLookupOptions(Vocabulary = [| 12L |], NumOovIndices = 3))
    Assert.Equal<int[]>([| 1; 3; 1; 1 |], ints (spread.Transform([| 1000L; 12L; 1L; -2L |] :> IReadOnlyList<int64>)))

    let again = IntegerLookup.OfConfig(spread.ToConfig())
    Assert.Equal<int64 seq>(spread.GetVocabulary(), again.GetVocabulary())
    let learnt = IntegerLookup(IntegerLookupOptions(MaxTokens = Nullable 3))
    learnt.Adapt [ 5L; 7L; 7L; 9L ]
    Assert.Equal<int64 seq>([ -1L; 7L; 9L ], learnt.GetVocabulary())

[<Fact>]
let ``texts are standardised, split and numbered as in Keras`` () =
    let vectorize = TextVectorization()
    vectorize.Adapt [ "Foo, bar!"; "bar\tbaz  BAR's" ]
    Assert.Equal<string seq>([ ""; "[UNK]"; "bar"; "foo"; "baz"; "bars" ], vectorize.GetVocabulary())
    let ids = vectorize.Transform [ "foo qux bar"; "Baz" ]
    Assert.Equal(Shape.Of(2, 3), ids.Shape)
    Assert.Equal<int[]>([| 3; 1; 2; 4; 0; 0 |], ints ids)

    let cut = TextVectorizationOptions(OutputSequenceLength = Nullable 2, Vocabulary = [| "bar"; "foo" |])
    Assert.Equal<int[]>([| 3; 1; 2; 0 |], ints ((TextVectorization cut).Transform [ "foo qux bar"; "bar" ]))

    let characters =
        TextVectorizationOptions(Split = TextSplit.Character, Standardize = TextStandardization.None)

    Assert.Equal<string[]>([| "a"; "É"; "🙂"; " " |], (TextVectorization characters).Tokenize "aÉ🙂 ")

    let pairs = TextVectorization(TextVectorizationOptions(Ngrams = [| 1; 2 |]))
    Assert.Equal<string[]>([| "a"; "b"; "c"; "a b"; "b c" |], pairs.Tokenize "a b c")

    let own =
        TextVectorizationOptions(
            CustomStandardize = (fun (s: string) -> s.ToUpperInvariant()),
            CustomSplit = (fun (s: string) -> s.Split('-') :> seq<string>)
        )

    Assert.Equal<string[]>([| "A"; "B!" |], (TextVectorization own).Tokenize "a-b!")
    Assert.Throws<NotReadyException>(fun () -> (TextVectorization own).ToConfig() |> ignore) |> ignore

[<Fact>]
let ``a vectorization counts and weighs words`` () =
    let texts = [ "a b a"; "a c"; "a" ]
    let counting = TextVectorization(TextVectorizationOptions(OutputMode = LookupOutput.Count))
    counting.Adapt texts
    // No number for padding: it would be counted.
    Assert.Equal<string seq>([ "[UNK]"; "a"; "c"; "b" ], counting.GetVocabulary())
    Assert.Equal<float32[]>([| 1f; 2f; 0f; 0f |], (counting.Transform [ "a a ?? d" ]).ToArray<float32>())

    let weighing = TextVectorization(TextVectorizationOptions(OutputMode = LookupOutput.TfIdf))
    weighing.Adapt texts
    let a, rare = Math.Log(1.0 + 3.0 / 4.0), Math.Log(1.0 + 3.0 / 2.0)

    Close.close
        1e-6
        1e-6
        [| (a + rare + rare) / 3.0; 2.0 * a; rare; 0.0 |]
        ((weighing.Transform [ "c a unknown a" ]).ToDoubles())

    let padded =
        TextVectorization(
            TextVectorizationOptions(OutputMode = LookupOutput.MultiHot, MaxTokens = Nullable 7, PadToMaxTokens = true)
        )

    padded.Adapt texts
    Assert.Equal(Shape.Of(1, 7), (padded.Transform [ "a" ]).Shape)

[<Fact>]
let ``a vectorization survives its file and the file of a model`` () =
    let o =
        TextVectorizationOptions(
            MaxTokens = Nullable 50,
            Ngrams = [| 1; 2 |],
            OutputMode = LookupOutput.TfIdf,
            Standardize = TextStandardization.Lower
        )

    let vectorize = TextVectorization o
    vectorize.Adapt [ "one two three"; "two \"three\"" ]
    let folder = Directory.CreateTempSubdirectory "fnet-text"

    try
        let beside = Path.Combine(folder.FullName, "words.json")
        vectorize.Save beside
        let text = [ "two three one four" ]
        let expected = (vectorize.Transform text).ToDoubles()
        Assert.Equal<float[]>(expected, ((TextVectorization.Load beside).Transform text).ToDoubles())

        let network = Network.sequential (Network.input [ 3 ]) [ Layer.dense 2 ]
        let model = Path.Combine(folder.FullName, "model.fnet")
        let trainer = Trainer.create network
        trainer.Save model
        let before = File.ReadAllBytes model
        Assert.Throws<ModelFormatException>(fun () -> TextVectorization.LoadFrom model |> ignore) |> ignore
        vectorize.SaveInto model
        vectorize.SaveInto model
        Assert.Equal<float[]>(expected, ((TextVectorization.LoadFrom model).Transform text).ToDoubles())
        // The model is what it was.
        let again = Trainer.Load model
        Assert.Equal(Network.toJson trainer.Network, Network.toJson again.Network)
        Assert.NotEqual(before.Length, (File.ReadAllBytes model).Length)
    finally
        folder.Delete true

[<Fact>]
let ``vocabularies that cannot be are refused`` () =
    let refuse (make: unit -> unit) = Assert.Throws<ArgumentValueException> make |> ignore
    let strings set =
        let o = StringLookupOptions()
        set o
        StringLookup o |> ignore

    refuse (fun () -> strings (fun o -> o.Vocabulary <- [| "a"; "a" |]))
    refuse (fun () -> strings (fun o -> o.Vocabulary <- [| "a"; "[UNK]" |]))
    refuse (fun () -> strings (fun o -> o.NumOovIndices <- -1))
    refuse (fun () -> strings (fun o -> o.MaxTokens <- Nullable 1))
    refuse (fun () -> strings (fun o -> o.PadToMaxTokens <- true))
    refuse (fun () ->
        strings (fun o ->
            o.OutputMode <- LookupOutput.TfIdf
            o.Vocabulary <- [| "a" |]))
    refuse (fun () -> TextVectorization(TextVectorizationOptions(OutputMode = LookupOutput.OneHot)) |> ignore)
    refuse (fun () -> TextVectorization(TextVectorizationOptions(Ngrams = [| 0 |])) |> ignore)
    refuse (fun () ->
        TextVectorization(TextVectorizationOptions(OutputMode = LookupOutput.Count, OutputSequenceLength = Nullable 3))
        |> ignore)

    let strict = StringLookup(StringLookupOptions(NumOovIndices = 0, Vocabulary = [| "a" |]))
    Assert.Throws<DataException>(fun () -> strict.Transform([| "b" |] :> IReadOnlyList<string>) |> ignore)
    |> ignore

    Assert.Throws<DataException>(fun () -> TextVectorization().Transform Seq.empty |> ignore) |> ignore
    Assert.Throws<ModelFormatException>(fun () -> StringLookup.OfConfig(IntegerLookup().ToConfig()) |> ignore)
    |> ignore
