namespace FunctionalNet.Tests.Text

open System
open System.Text
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Tests.Support
open Xunit

/// Hashes against published values, and the layers made of them against the expectations of Keras 3.8's own tests.
type HashingTests() =

    static let bins (hashing: Hashing) (tokens: string list) =
        (hashing.Transform(List.toArray tokens)).ToArray<int64>() |> Array.toList

    static let letters = [ "A"; "B"; "C"; "D"; "E" ]
    static let names = [ "omar"; "stringer"; "marlo"; "wire"; "skywalker" ]
    static let digits: Tensor = Tensor.Of(Shape.Of 5, [| 0; 1; 2; 3; 4 |])

    static let ofNumbers (hashing: Hashing) (x: Tensor) = (hashing.Transform x).ToArray<int64>() |> Array.toList

    /// The test vectors of the paper (Aumasson and Bernstein, 2012, appendix A) and of its reference code: the key 00 01 .. 0f and
    /// messages 00 01 02 ...
    [<Theory>]
    [<InlineData(0, 0x726fdb47dd0e0e31UL)>]
    [<InlineData(1, 0x74f839c593dc67fdUL)>]
    [<InlineData(7, 0xab0200f58b01d137UL)>]
    [<InlineData(8, 0x93f5f5799a932462UL)>]
    [<InlineData(15, 0xa129ca6149be45e5UL)>]
    member _.``SipHash gives its published values``(length: int, expected: uint64) =
        let message = Array.init length byte
        Assert.Equal(expected, Fingerprint.keyed 0x0706050403020100UL 0x0f0e0d0c0b0a0908UL message)

    /// hashing_test.py: test_correctness.
    [<Fact>]
    member _.``letters fall into Keras's bins``() =
        Assert.Equal<int64 list>([ 1L; 0L; 1L; 1L; 2L ], bins (Hashing 3) letters)
        Assert.Equal<int64 list>([ 1L; 1L; 0L; 2L; 2L ], bins (Hashing(3, "")) [ "A"; "B"; ""; "C"; "D" ])
        Assert.Equal<int64 list>([ 1L; 2L; 1L; 0L; 2L ], bins (Hashing(3, salt = [| 133L; 137L |])) letters)
        Assert.Equal<int64 list>([ 0L; 0L; 2L; 1L; 0L ], bins (Hashing(3, salt = [| 133L |])) letters)
        Assert.Equal<int64 list>([ 0L; 0L; 0L; 0L; 0L ], bins (Hashing 1) letters)

    /// hashing_test.py: test_hash_dense_input_farmhash, ..._mask_value_farmhash, ..._siphash.
    [<Fact>]
    member _.``names fall into Keras's bins``() =
        Assert.Equal<int64 list>([ 0L; 0L; 1L; 0L; 0L ], bins (Hashing 2) names)
        Assert.Equal<int64 list>([ 1L; 1L; 2L; 1L; 1L ], bins (Hashing(3, "")) names)
        Assert.Equal<int64 list>([ 0L; 1L; 2L; 1L; 1L ], bins (Hashing(3, "omar")) names)
        Assert.Equal<int64 list>([ 0L; 1L; 0L; 1L; 0L ], bins (Hashing(2, salt = [| 133L; 137L |])) names)
        Assert.Equal<int64 list>([ 1L; 0L; 1L; 0L; 1L ], bins (Hashing(2, salt = [| 211L; 137L |])) names)

    /// hashing_test.py: test_tensor_like_inputs, test_hash_dense_int_input_farmhash, ..._siphash.
    [<Fact>]
    member _.``numbers are hashed as texts``() =
        Assert.Equal<int64 list>([ 1L; 0L; 1L; 0L; 2L ], ofNumbers (Hashing 3) digits)
        Assert.Equal<int64 list>([ 1L; 0L; 1L; 0L; 2L ], ofNumbers (Hashing 3) (digits.Cast DType.Int64))
        // Floating-point numbers are cut to whole ones.
        let floats = Tensor.Of(Shape.Of 5, [| 0.9f; 1.2f; 2.0f; 3.99f; 4.5f |])
        Assert.Equal<int64 list>([ 1L; 0L; 1L; 0L; 2L ], ofNumbers (Hashing 3) floats)
        Assert.Equal<int64 list>([ 1L; 1L; 2L; 0L; 1L ], ofNumbers (Hashing(3, salt = [| 133L; 137L |])) digits)
        Assert.Equal<int64 list>([ 0L; 1L ], ofNumbers (Hashing(2, "-7")) (Tensor.Of(Shape.Of 2, [| -7; 7 |])))

    /// hashing_test.py: test_one_hot_output, test_multi_hot_output, test_count_output.
    [<Fact>]
    member _.``bins become vectors as in Keras``() =
        let column = digits.Reshape(Shape.Of(5, 1))
        let row = digits.Reshape(Shape.Of(1, 5))
        let hot = (Hashing(3, outputMode = LookupOutput.OneHot)).Transform column
        Assert.Equal(Shape.Of(5, 3), hot.Shape)

        Assert.Equal<float32[]>(
            [| 0f; 1f; 0f; 1f; 0f; 0f; 0f; 1f; 0f; 1f; 0f; 0f; 0f; 0f; 1f |],
            hot.ToArray<float32>()
        )

        let several = (Hashing(3, outputMode = LookupOutput.MultiHot)).Transform row
        Assert.Equal(Shape.Of(1, 3), several.Shape)
        Assert.Equal<float32[]>([| 1f; 1f; 1f |], several.ToArray<float32>())
        let counting = Hashing(3, outputMode = LookupOutput.Count)
        Assert.Equal<float32[]>([| 2f; 2f; 1f |], (counting.Transform row).ToArray<float32>())
        let alone = counting.Transform digits
        Assert.Equal(Shape.Of 3, alone.Shape)
        Assert.Equal<float32[]>([| 2f; 2f; 1f |], alone.ToArray<float32>())
        let rows =
            [ [| "A"; "B" |]; [| "C"; "E" |] ]
            |> Seq.map (fun r -> r :> Collections.Generic.IReadOnlyList<string>)
        Assert.Equal<float32[]>([| 1f; 1f; 0f; 0f; 1f; 1f |], (counting.Transform rows).ToArray<float32>())

    /// hashed_crossing_test.py: test_correctness, test_tf_string.
    [<Fact>]
    member _.``combinations fall into Keras's bins``() =
        let texts: CategoryColumn = CategoryColumn.OfTexts [| "A"; "B"; "A"; "B"; "A" |]
        let numbers = Tensor.Of(Shape.Of 5, [| 101; 101; 101; 102; 102 |])
        let crossed = (HashedCrossing 5).Transform(texts, CategoryColumn.OfNumbers numbers)
        Assert.Equal<int64[]>([| 1L; 4L; 1L; 1L; 3L |], crossed.ToArray<int64>())
        let hot = (HashedCrossing(5, LookupOutput.OneHot)).Transform(texts, CategoryColumn.OfNumbers numbers)
        Assert.Equal(Shape.Of(5, 5), hot.Shape)
        Assert.Equal<int[]>([| 1; 4; 1; 1; 3 |], hot.ArgMax())
        let single =
            (HashedCrossing 10)
                .Transform(
                    CategoryColumn.OfTexts [| "A" |],
                    CategoryColumn.OfNumbers(Tensor.Of(Shape.Of 1, [| 101L |]))
                )
        Assert.Equal<int64[]>([| 1L |], single.ToArray<int64>())

    [<Fact>]
    member _.``a column stays a column``() =
        let column = CategoryColumn.OfNumbers(Tensor.Of(Shape.Of(2, 1), [| 1; 2 |]))
        Assert.Equal(Shape.Of(2, 1), ((HashedCrossing 3).Transform(column, column)).Shape)
        let hot = (HashedCrossing(4, LookupOutput.OneHot)).Transform(column, column)
        Assert.Equal(Shape.Of(2, 4), hot.Shape)

    [<Fact>]
    member _.``configurations hold the arguments``() =
        let again = Hashing.OfConfig((Hashing(7, "x", [| 3L; -4L |], LookupOutput.Count)).ToConfig())
        Assert.Equal((Hashing(7, "x", [| 3L; -4L |], LookupOutput.Count)).ToConfig(), again.ToConfig())
        let crossing = HashedCrossing.OfConfig((HashedCrossing(7, LookupOutput.OneHot)).ToConfig())
        Assert.Equal((HashedCrossing(7, LookupOutput.OneHot)).ToConfig(), crossing.ToConfig())

    [<Fact>]
    member _.``what cannot be hashed is refused``() =
        let refused (make: unit -> obj) = Assert.Throws<ArgumentValueException>(fun () -> make () |> ignore) |> ignore

        refused (fun () -> Hashing 0)
        refused (fun () -> Hashing(2, salt = [| 1L; 2L; 3L |]))
        refused (fun () -> Hashing(2, outputMode = LookupOutput.TfIdf))
        refused (fun () -> HashedCrossing(2, LookupOutput.Count))
        let two = CategoryColumn.OfTexts [| "a"; "b" |]
        Assert.Throws<ShapeException>(fun () -> (HashedCrossing 2).Transform two |> ignore) |> ignore

        Assert.Throws<ShapeException>(fun () ->
            (HashedCrossing 2).Transform(two, CategoryColumn.OfTexts [| "a" |]) |> ignore)
        |> ignore

        Assert.Throws<DTypeException>(fun () -> CategoryColumn.OfNumbers(Tensor.Of(Shape.Of 1, [| 1f |])) |> ignore)
        |> ignore

    /// Every way of giving the data learns the same vocabulary.
    [<Fact>]
    member _.``lookups adapt to arrays, tensors and datasets alike``() =
        let tokens = [| 5; 3; 5; 9; 3; 5; 2; 2 |]
        let tensor = Tensor.Of(Shape.Of(4, 2), tokens)

        let learnt (adapt: IntegerLookup -> unit) =
            let lookup = IntegerLookup()
            adapt lookup
            Seq.toList (lookup.GetVocabulary())

        let expected = [ -1L; 5L; 3L; 2L; 9L ]
        Assert.Equal<int64 list>(expected, learnt (fun l -> l.Adapt(tokens |> Array.map int64 |> Seq.ofArray)))
        Assert.Equal<int64 list>(expected, learnt (fun l -> l.Adapt tensor))
        Assert.Equal<int64 list>(expected, learnt (fun l -> l.Adapt(tensor.Reshape(Shape.Of 8))))
        Assert.Equal<int64 list>(expected, learnt (fun l -> l.Adapt((Dataset.FromTensors tensor).Batch 3)))
        let lookup = IntegerLookup()
        lookup.Adapt tensor
        let numbers = lookup.Transform(Tensor.Of(Shape.Of(2, 2), [| 9; 5; 1; 3 |]))
        Assert.Equal(Shape.Of(2, 2), numbers.Shape)
        Assert.Equal<int[]>([| 4; 1; 0; 2 |], numbers.ToArray<int>())

        let texts = [| "a b"; "b c"; "b" |]

        let words (adapt: TextVectorization -> unit) =
            let vectorization = TextVectorization()
            adapt vectorization
            Seq.toList (vectorization.GetVocabulary())

        Assert.Equal<string list>(
            words (fun v -> v.Adapt(Seq.ofArray texts)),
            words (fun v -> v.Adapt(Seq.ofList [ texts[..1]; texts[2..] ]))
        )
