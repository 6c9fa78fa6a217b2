namespace FunctionalNet.Tests.Text

open System
open System.Collections.Generic
open System.IO
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit

/// Tables encoded by a FeatureSpace, against the expectations of Keras 3.8's feature_space_test.py, against values worked out by
/// loops of their own, and against the layers that the features stand for.
type FeatureSpaceTests() =

    static let ten = [| 0..9 |]
    static let tenths = ten |> Array.map (fun i -> float32 i / 10f)
    static let digits = ten |> Array.map string

    /// _get_train_data_dict.
    static let data (strings: bool) : Table =
        Table.ofColumns
            [ for name in [ "float_1"; "float_2"; "float_3" ] -> name, Column.Of tenths
              for name in [ "int_1"; "int_2"; "int_3" ] -> name, Column.Of ten
              if strings then for name in [ "string_1"; "string_2" ] -> name, Column.Of digits ]

    static let rowsOf (table: Table) = [ for i in 0 .. table.RowCount - 1 -> table.Row i ]

    static let words (features: (string * string) list) = [ for name, word in features -> name, Feature.Parse word ]

    static let numeric =
        words
            [ "float_1", "float"
              "float_2", "float_normalized"
              "float_3", "float_discretized"
              "int_1", "integer_categorical"
              "int_2", "integer_hashed"
              "int_3", "integer_categorical" ]

    static let all = numeric @ words [ "string_1", "string_categorical"; "string_2", "string_hashed" ]

    static let cross (first: string) (second: string) = FeatureSpace.Cross [| first; second |]

    static let dict (options: FeatureSpaceOptions) = { options with OutputMode = FeatureOutput.Dict }

    static let refused (action: unit -> 'a) = Assert.Throws<ArgumentValueException>(fun () -> action () |> ignore)

    static let floats (tensor: Tensor) = tensor.ToArray<float32>()

    /// A column through a layer of its own, as a network runs it.
    static let byLayer (layer: Layer) (values: float32[]) : Tensor =
        let network = Network.sequential (Network.input [ 1 ]) [ layer ]
        Trainer.create network |> Trainer.predict (Tensor.Of(Shape.Of(values.Length, 1), values))

    static let people =
        Table.ofColumns
            [ "age", Column.Of [| 20; 40; 60; 40 |]
              "city", Column.Of [| "Rome"; "Paris"; "Rome"; "Oslo" |]
              "income", Column.Of [| 1.0; 2.0; 4.0; 5.0 |]
              "month", Column.Of [| 7L; 7L; 3L; 1L |] ]

    /// test_basic_usage_no_strings.
    [<Fact>]
    member _.``a vector of numbers is as wide as Keras's``() =
        let table = data false
        let options =
            { FeatureSpace.options numeric with Crosses = [ cross "int_1" "int_2"; cross "int_2" "int_3" ] }
        let space = FeatureSpace.create options
        // Row by row, then in batches.
        space.Adapt(rowsOf table)
        space.Adapt((Dataset.FromTable table).Batch 4)
        Assert.Equal(Shape.Of 152, (space.Transform(table.Row 0)).Shape)
        Assert.Equal(Shape.Of(10, 152), (space.Transform table).Shape)
        Assert.Equal(152, space.Size)

    /// test_output_mode_dict_no_strings.
    [<Fact>]
    member _.``features of numbers come by name``() =
        let table = data false
        let space =
            dict { FeatureSpace.options numeric with Crosses = [ cross "int_1" "int_2" ] }
            |> FeatureSpace.adapt table
        let one = space.TransformByName(table.Row 0)
        Assert.Equal(7, one.Count)
        Assert.Equal(Shape.Of 32, one["int_2"].Shape)
        Assert.Equal(Shape.Of 32, one["int_1_X_int_2"].Shape)
        let together = space.TransformByName table
        Assert.Equal(Shape.Of(10, 32), together["int_2"].Shape)

    /// test_output_mode_dict_of_ints, with and without strings.
    [<Fact>]
    member _.``categories may stay numbers``() =
        let table = data true
        let int = LookupOutput.Int

        let features =
            words [ "float_1", "float"; "float_2", "float_normalized"; "float_3", "float_discretized" ]
            @ [ "string_1", FeatureSpace.StringCategorical(outputMode = int)
                "string_2", FeatureSpace.StringHashed(32, int)
                "int_1", FeatureSpace.IntegerCategorical(outputMode = int)
                "int_2", FeatureSpace.IntegerHashed(32, int)
                "int_3", FeatureSpace.IntegerCategorical(outputMode = int) ]

        let crosses =
            [ FeatureSpace.Cross([| "float_3"; "string_1" |], 32, int)
              FeatureSpace.Cross([| "string_2"; "int_2" |], 32, int) ]

        let space = dict { FeatureSpace.options features with Crosses = crosses } |> FeatureSpace.adapt table
        let one = space.TransformByName(table.Row 0)
        Assert.Equal(10, one.Count)

        for name in [ "string_1"; "int_2"; "string_2_X_int_2" ] do
            Assert.Equal(Shape.Of 1, one[name].Shape)
            Assert.Equal(DType.Int64, one[name].DType)

        // Equal counts: the greatest first, behind the number for unknown ones.
        let encoded = space.TransformByName table
        let ids = encoded["int_1"].ToArray<int64>()
        Assert.Equal<int64[]>([| for i in ten -> int64 (10 - i) |], ids)
        Assert.Equal<string list>([ "-1"; "9"; "8" ], space.GetVocabulary "int_1" |> Seq.take 3 |> Seq.toList)
        Assert.Equal<string list>([ "[UNK]"; "9"; "8" ], space.GetVocabulary "string_1" |> Seq.take 3 |> Seq.toList)

    /// test_basic_usage and test_output_mode_dict.
    [<Fact>]
    member _.``texts and numbers are as wide as Keras's``() =
        let table = data true
        let options =
            { FeatureSpace.options all with Crosses = [ cross "float_3" "string_1"; cross "string_2" "int_2" ] }
        let space = FeatureSpace.adaptTo (rowsOf table) options
        Assert.Equal(Shape.Of 195, (space.Transform(table.Row 0)).Shape)
        Assert.Equal(Shape.Of(10, 195), (space.Transform table).Shape)
        let named = FeatureSpace.adapt table (dict options)
        let one = named.TransformByName(table.Row 0)
        Assert.Equal(10, one.Count)
        Assert.Equal(Shape.Of 11, one["string_1"].Shape)
        Assert.Equal(Shape.Of 32, one["int_2"].Shape)
        Assert.Equal(Shape.Of 32, one["string_2_X_int_2"].Shape)
        let together = named.TransformByName table
        Assert.Equal(Shape.Of(10, 11), together["string_1"].Shape)

    static member private Advanced: FeatureSpaceOptions =
        { FeatureSpace.options
              [ "float_1", FeatureSpace.Float()
                "float_2", FeatureSpace.FloatNormalized()
                "float_3", FeatureSpace.FloatDiscretized 3
                "string_1", FeatureSpace.StringCategorical 5
                "string_2", FeatureSpace.StringHashed 32
                "int_1", FeatureSpace.IntegerCategorical(5, 2)
                "int_2", FeatureSpace.IntegerHashed 32
                "int_3", FeatureSpace.IntegerCategorical 5 ] with
            Crosses =
                [ FeatureSpace.Cross([| "float_3"; "string_1" |], 32)
                  FeatureSpace.Cross([| "string_2"; "int_2" |], 32) ] }

    /// test_advanced_usage.
    [<Fact>]
    member _.``arguments of features count``() =
        let space = FeatureSpace.adapt (data true) FeatureSpaceTests.Advanced
        Assert.Equal(Shape.Of 148, (space.Transform((data true).Row 0)).Shape)

    /// test_manual_kpl.
    [<Fact>]
    member _.``a vectorization may be a feature``() =
        let table = Table.ofColumns [ "text", Column.Of [| "1st string"; "2nd string"; "3rd string" |] ]
        let vectorization = TextVectorization(TextVectorizationOptions(OutputMode = LookupOutput.TfIdf))
        let space =
            FeatureSpace.options [ "text", FeatureSpace.Feature vectorization ] |> FeatureSpace.adapt table
        let encoded = space.Transform table
        Assert.Equal(Shape.Of(3, 5), encoded.Shape)
        let own = vectorization.Transform [ "1st string"; "2nd string"; "3rd string" ]
        Assert.True(encoded.BitEquals own)

    /// test_no_adapt.
    [<Fact>]
    member _.``what is given needs no adapting``() =
        let texts =
            [| "This is"
               "not just"
               "an example"
               "of random words."
               "these are"
               "some words"
               "in"
               "a random"
               "example."
               "Bye!" |]

        let numbers = [| -1.2f; 0.0f; 2.4f; 1.2f; 15.0f; -100.0f; 23.1f; 3.12f; 0.1f; -0.01f |]
        let table =
            Table.ofColumns [ "int_1", Column.Of ten; "text_1", Column.Of texts; "float_1", Column.Of numbers ]

        let vectorization =
            TextVectorization(
                TextVectorizationOptions(
                    Vocabulary = [| "this"; "is"; "just"; "an"; "example"; "with"; "some"; "words" |],
                    OutputSequenceLength = 3
                )
            )

        let space =
            FeatureSpace.options
                [ "int_1", Feature.Parse "integer_hashed"
                  "text_1", FeatureSpace.Feature vectorization
                  "float_1", FeatureSpace.FloatNormalized(12.0, 5.0) ]
            |> dict
            |> FeatureSpace.create

        Assert.True space.IsAdapted
        let encoded = space.TransformByName table
        Assert.Equal(Shape.Of(10, 32), encoded["int_1"].Shape)
        Assert.Equal(Shape.Of(10, 3), encoded["text_1"].Shape)
        Assert.Equal<int64[]>([| 2L; 3L; 0L; 1L; 4L; 0L |], encoded["text_1"].ToArray<int64>()[..5])

        Close.close
            1e-6
            1e-6
            (numbers |> Array.map (fun x -> (float x - 12.0) / sqrt 5.0))
            (encoded["float_1"].ToDoubles())

        // An adapted space keeps what was given.
        space.Adapt table
        Assert.Equal(struct (12.0, 5.0), space.GetMoments "float_1")
        Assert.Equal(10, (space.GetVocabulary "text_1").Count)

    /// test_saving: a file, read, written and read again.
    [<Fact>]
    member _.``a file keeps what was learnt``() =
        let table = data true
        let space = FeatureSpace.adapt table FeatureSpaceTests.Advanced
        let expected = space.Transform table
        let path = Path.Combine(Path.GetTempPath(), "features-" + Guid.NewGuid().ToString "N" + ".json")

        try
            space.Save path
            let again = FeatureSpace.Load path
            again.Save path
            let twice = FeatureSpace.Load path

            for loaded in [ again; twice ] do
                Assert.True((loaded.Transform table).BitEquals expected)
                Assert.True((loaded.Transform(table.Row 3)).BitEquals(space.Transform(table.Row 3)))
                Assert.Equal(space.ToConfig(), loaded.ToConfig())
                Assert.Equal<string seq>(space.GetVocabulary "string_1", loaded.GetVocabulary "string_1")

            // It can learn anew, from other data.
            again.Adapt(table.Rows(0, 4))
            Assert.Equal<string list>([ "[UNK]"; "3"; "2"; "1"; "0" ], again.GetVocabulary "string_1" |> Seq.toList)
            let struct (mean, _) = again.GetMoments "float_2"
            Assert.Equal(0.15, mean, 6)
        finally
            File.Delete path

    [<Fact>]
    member _.``a configuration without learning is one``() =
        let options =
            { FeatureSpaceTests.Advanced with HashingDim = 7; CrossingDim = 9; NumDiscretizationBins = 5 }
        let space = FeatureSpace.create options
        let again = FeatureSpace.OfConfig(space.ToConfig())
        Assert.Equal(space.ToConfig(), again.ToConfig())
        Assert.False again.IsAdapted
        again.Adapt(data true)
        space.Adapt(data true)
        Assert.True((again.Transform(data true)).BitEquals(space.Transform(data true)))

    /// What Keras 3.8 writes for a space: get_config by its source, with the configurations of its layers.
    [<Fact>]
    member _.``configurations of Keras are read``() =
        let lookup =
            """{"module": "keras.layers", "class_name": "IntegerLookup", "config": {"name": "f1_preprocessor", "trainable": true,
                "dtype": "int64", "invert": false, "max_tokens": null, "num_oov_indices": 1, "oov_token": -1, "mask_token": null,
                "output_mode": "int", "sparse": false, "pad_to_max_tokens": false, "vocabulary_dtype": "int64", "idf_weights": null,
                "vocabulary": null, "vocabulary_size": 1}, "registered_name": null}"""

        let normalization =
            """{"module": "keras.layers", "class_name": "Normalization", "config": {"name": "f2_preprocessor", "trainable": true,
                "dtype": "float32", "axis": -1, "invert": false, "mean": null, "variance": null}, "registered_name": null}"""

        let feature dtype preprocessor mode =
            "{\"module\": \"keras.src.layers.preprocessing.feature_space\", \"class_name\": \"Feature\", \"config\": {\"dtype\": \""
            + dtype
            + "\", \"preprocessor\": "
            + preprocessor
            + ", \"output_mode\": \""
            + mode
            + "\"}, \"registered_name\": \"Feature\"}"

        let text =
            "{\"module\": \"keras.utils\", \"class_name\": \"FeatureSpace\", \"config\": {\"features\": {\"f1\": "
            + feature "int32" lookup "one_hot"
            + ", \"f2\": "
            + feature "float32" normalization "float"
            + "}, \"output_mode\": \"concat\", \"crosses\": [], \"crossing_dim\": 32, \"hashing_dim\": 32, "
            + "\"num_discretization_bins\": 32}, \"registered_name\": null}"

        let space = FeatureSpace.OfConfig(Json.parse text)
        let table = Table.ofColumns [ "f1", Column.Of [| 5; 5; 7 |]; "f2", Column.Of [| 1f; 2f; 3f |] ]
        space.Adapt table
        Assert.Equal(Shape.Of(3, 4), (space.Transform table).Shape)

    /// Every feature by a loop of its own, in the order of names, and bins of crosses by the crossing of their numbers.
    [<Fact>]
    member _.``a vector holds what its columns say``() =
        let options =
            { FeatureSpace.options
                  [ "month", FeatureSpace.IntegerCategorical()
                    "city", FeatureSpace.StringCategorical()
                    "income", FeatureSpace.FloatNormalized()
                    "age", FeatureSpace.FloatDiscretized(binBoundaries = [| 30.0; 60.0 |]) ] with
                Crosses = [ FeatureSpace.Cross([| "city"; "month" |], 5); FeatureSpace.Cross([| "age"; "city" |], 4) ] }

        let space = FeatureSpace.adapt people options
        // Below 30, from 30 to 60, and from 60: a boundary belongs to the bin above.
        let ages = [| 0; 1; 2; 1 |]
        // Rome twice, then Paris and Oslo once each, the greatest first; 0 is for unknown ones.
        let cities = [| 1; 2; 1; 3 |]
        // 7 twice, then 3 and 1.
        let months = [| 1; 1; 2; 3 |]
        let mean = (1.0 + 2.0 + 4.0 + 5.0) / 4.0
        let variance = [ 1.0; 2.0; 4.0; 5.0 ] |> List.averageBy (fun x -> (x - mean) ** 2.0)
        let incomes = [| 1.0; 2.0; 4.0; 5.0 |] |> Array.map (fun x -> (x - mean) / sqrt variance)

        let crossed (bins: int) (first: int[]) (second: int[]) =
            let column (ids: int[]) = CategoryColumn.OfNumbers(Tensor.OfArray ids)
            ((HashedCrossing bins).Transform(column first, column second)).ToArray<int64>()

        let ageCity, cityMonth = crossed 4 ages cities, crossed 5 cities months
        let hot (size: int) (number: int) = [| for i in 0 .. size - 1 -> if i = number then 1.0 else 0.0 |]

        let expected =
            [| for row in 0..3 do
                   yield! hot 3 ages[row]
                   yield! hot 4 cities[row]
                   yield incomes[row]
                   yield! hot 4 months[row]
                   yield! hot 4 (int ageCity[row])
                   yield! hot 5 (int cityMonth[row]) |]

        Close.close 1e-6 1e-7 expected ((space.Transform people).ToDoubles())

        let described = [ for f in space.EncodedFeatures -> f.Name, f.Offset, f.Size ]

        Assert.Equal<(string * int * int) list>(
            [ "age", 0, 3
              "city", 3, 4
              "income", 7, 1
              "month", 8, 4
              "age_X_city", 12, 4
              "city_X_month", 16, 5 ],
            described
        )

        Assert.Equal<(string * FeatureInput) list>(
            [ "age", FeatureInput.Float32
              "city", FeatureInput.Text
              "income", FeatureInput.Float32
              "month", FeatureInput.Int32 ],
            [ for input in space.Inputs -> input.Key, input.Value ]
        )

        Assert.Equal<string list>([ "[UNK]"; "Rome"; "Paris"; "Oslo" ], space.GetVocabulary "city" |> Seq.toList)
        Assert.Equal<float list>([ 30.0; 60.0 ], space.GetBinBoundaries "age" |> Seq.toList)
        let struct (learntMean, learntVariance) = space.GetMoments "income"
        Assert.Equal(mean, learntMean, 12)
        Assert.Equal(variance, learntVariance, 12)

    /// Names are sorted by code points, as Python sorts them: capitals first.
    [<Fact>]
    member _.``features are sorted as by Keras``() =
        let space =
            FeatureSpace.options [ for name in [ "b"; "a"; "B"; "a10"; "a9"; "_" ] -> name, FeatureSpace.Float() ]
            |> FeatureSpace.create

        Assert.Equal<string list>([ "B"; "_"; "a"; "a10"; "a9"; "b" ], [ for f in space.EncodedFeatures -> f.Name ])

    [<Fact>]
    member _.``unknown categories have a number of their own``() =
        let space =
            dict (
                FeatureSpace.options
                    [ "city", FeatureSpace.StringCategorical()
                      "month", FeatureSpace.IntegerCategorical(numOovIndices = 2) ]
            )
            |> FeatureSpace.adapt people

        let met = Table.ofColumns [ "city", Column.Of [| "Bonn"; "Oslo" |]; "month", Column.Of [| 12; 11 |] ]
        let encoded = space.TransformByName met
        Assert.Equal<float32[]>([| 1f; 0f; 0f; 0f; 0f; 0f; 0f; 1f |], floats encoded["city"])
        // With two numbers for unknown ones, the remainder decides.
        Assert.Equal<float32[]>([| 1f; 0f; 0f; 0f; 0f; 0f; 1f; 0f; 0f; 0f |], floats encoded["month"])

    /// The numbers of a feature are those of the layer it stands for, run in a network.
    [<Property>]
    member _.``a feature encodes as its layer does``(values: float32[], bins: uint8) =
        let values = values |> Array.filter Single.IsFinite |> Array.map (fun x -> Math.Clamp(x, -1e6f, 1e6f))

        if values.Length > 0 then
            let column = Tensor.Of(Shape.Of(values.Length, 1), values)
            let table = Table.ofColumns [ "x", Column.Of values ]
            let bins = 2 + int bins % 9

            let encoded (feature: Feature) =
                (FeatureSpace.options [ "x", feature ] |> FeatureSpace.adapt table).Transform table

            let same (layer: Layer) (feature: Feature) =
                Close.close 1e-6 1e-6 ((byLayer layer values).ToDoubles()) ((encoded feature).ToDoubles())

            same
                (Layer.normalizationWith (Normalization.adapt column Normalization.options))
                (FeatureSpace.FloatNormalized())
            same (Layer.rescaling 0.5 -3.0) (FeatureSpace.FloatRescaled(0.5, -3.0))
            same (Layer.rescaling 1.0 0.0) (FeatureSpace.Float())
            let learnt = Discretization.adapt column (Discretization.bins bins)
            let ids = (byLayer (Layer.discretizationWith learnt) values).ToArray<int64>()
            let hot = encoded (FeatureSpace.FloatDiscretized bins)
            Assert.Equal(Shape.Of(values.Length, bins), hot.Shape)
            Assert.Equal<int64[]>(ids, hot.ArgMax() |> Array.map int64)
            Assert.Equal(values.Length, floats hot |> Array.sumBy int)

    /// A row by itself is what it is in its batch.
    [<Property>]
    member _.``rows are encoded one by one as together``(cities: uint8[], seed: int) =
        if cities.Length > 0 then
            let random = Random seed

            let table =
                Table.ofColumns
                    [ "city", Column.Of(cities |> Array.map (fun c -> string (c % 5uy)))
                      "size", Column.Of(cities |> Array.map (fun _ -> random.NextSingle()))
                      "hash", Column.Of(cities |> Array.map (fun _ -> random.Next 100)) ]

            let space =
                { FeatureSpace.options
                      [ "city", FeatureSpace.StringCategorical()
                        "size", FeatureSpace.FloatNormalized()
                        "hash", FeatureSpace.IntegerHashed 6 ] with
                    Crosses = [ FeatureSpace.Cross([| "city"; "hash" |], 7) ] }
                |> FeatureSpace.adapt table

            let together = space.Transform table

            for i in 0 .. cities.Length - 1 do
                let alone = space.Transform(table.Row i)
                Assert.True((alone.Reshape(Shape.Of(1, space.Size))).BitEquals(together.Rows(i, 1)))

    [<Fact>]
    member _.``datasets are encoded before and after they are batched``() =
        let targets = Tensor.Of(Shape.Of(4, 1), [| 1f; 2f; 3f; 4f |])

        let space =
            FeatureSpace.options [ "city", FeatureSpace.StringCategorical(); "income", FeatureSpace.Float() ]
            |> FeatureSpace.adaptTo (Dataset.FromTable people)

        let encode (struct (row: Table, y: Tensor)) = struct (space.Transform row, y)
        let before = Dataset.ofTable people targets |> Dataset.map encode |> Dataset.batch 3
        let after = Dataset.ofTable people targets |> Dataset.batch 3 |> Dataset.map encode

        for struct (x1, y1), struct (x2, y2) in Seq.zip (before.ToArray()) (after.ToArray()) do
            Assert.True(x1.BitEquals x2)
            Assert.True(y1.BitEquals y2)

        Assert.Equal(2, before.ToArray().Length)
        Assert.Equal(Nullable 2L, after.Length)
        // Batches come apart again, with weights beside them too.
        let weighted = (Dataset.FromTable(people, targets, targets)).Batch(3).Unbatch().ToArray()
        Assert.Equal(4, weighted.Length)
        let struct (row, _, w) = weighted[3]
        Assert.True row.IsRow
        Assert.Equal("Oslo", row["city"].Texts[0])
        Assert.Equal<float32[]>([| 4f |], floats w)
        Assert.Equal("from_table > batch > map", after.ToString())
        Assert.Throws<DataException>(fun () -> Dataset.FromTable(people, targets.Rows(0, 2)) |> ignore)
        |> ignore

    [<Fact>]
    member _.``tables know their rows``() =
        Assert.Equal(4, people.RowCount)
        Assert.False people.IsRow
        let middle = people.Rows(1, 2)
        Assert.Equal<string list>([ "Paris"; "Rome" ], Seq.toList middle["city"].Texts)
        Assert.Equal<float[]>([| 2.0; 4.0 |], middle["income"].Numbers.ToDoubles())
        let row = people.Row 2
        Assert.True row.IsRow
        Assert.Equal(Shape.Scalar, row["month"].Numbers.Shape)
        let again = Table.OfRows [| people.Row 3; people.Row 0 |]
        Assert.Equal<int64[]>([| 1L; 7L |], again["month"].Numbers.ToArray<int64>())
        Assert.Equal<string list>([ "Oslo"; "Rome" ], Seq.toList again["city"].Texts)
        // A column of the shape (rows, 1) is a column.
        Assert.Equal(Shape.Of 2, (Column.Of(Tensor.Zeros(DType.Float32, Shape.Of(2, 1)))).Numbers.Shape)

        let wrong (columns: (string * Column) list) =
            Assert.Throws<DataException>(fun () -> Table.ofColumns columns |> ignore)

        Assert.Contains("rows", (wrong [ "a", Column.Of [| 1; 2 |]; "b", Column.Of [| 1 |] ]).Summary)
        Assert.Contains("mixed", (wrong [ "a", Column.Of 1; "b", Column.Of [| 1 |] ]).Summary)
        wrong [] |> ignore
        wrong [ "a", Column.Of 1; "a", Column.Of 2 ] |> ignore
        refused (fun () -> people["town"]) |> ignore
        refused (fun () -> people.Rows(3, 2)) |> ignore
        refused (fun () -> people.Row 4) |> ignore

        Assert.Throws<ShapeException>(fun () -> Column.Of(Tensor.Zeros(DType.Float32, Shape.Of(2, 2))) |> ignore)
        |> ignore

        Assert.Throws<DTypeException>(fun () -> people["city"].Numbers |> ignore) |> ignore
        Assert.Throws<DTypeException>(fun () -> people["age"].Texts |> ignore) |> ignore

        for rows in [ [| people |]; [||]; [| people.Row 0; Table.ofColumns [ "age", Column.Of 1 ] |] ] do
            Assert.Throws<DataException>(fun () -> Table.OfRows rows |> ignore) |> ignore

        // A column that is a text in one row and a number in another.
        let mixed = [| Table.ofColumns [ "a", Column.Of "1" ]; Table.ofColumns [ "a", Column.Of 1 ] |]
        Assert.Throws<DataException>(fun () -> Table.OfRows mixed |> ignore) |> ignore

    /// test_errors, and what only types and tables can get wrong.
    [<Fact>]
    member _.``what does not fit is refused``() =
        let two = words [ "f1", "integer_categorical"; "f2", "integer_categorical" ]
        let create (options: FeatureSpaceOptions) = refused (fun () -> FeatureSpace.create options)
        create (FeatureSpace.options []) |> ignore
        create { FeatureSpace.options two with CrossingDim = 0 } |> ignore
        create { FeatureSpace.options two with HashingDim = 0 } |> ignore
        let unknown = create { FeatureSpace.options two with Crosses = [ cross "f1" "f3" ] }
        Assert.Equal("f3", unknown.Actual)
        Assert.Contains("Did you mean f1?", unknown.Hint)
        create { FeatureSpace.options two with Crosses = [ cross "f1" "f2"; cross "f1" "f2" ] } |> ignore
        // Measures have no categories to cross.
        create
            { FeatureSpace.options (words [ "f1", "float"; "f2", "integer_hashed" ]) with
                Crosses = [ cross "f1" "f2" ] }
        |> ignore

        let ids = "f1", FeatureSpace.IntegerCategorical(outputMode = LookupOutput.Int)
        Assert.Equal("FeatureSpace.f1", (create (FeatureSpace.options [ ids ])).Path)
        create (FeatureSpace.options [ ids; ids ]) |> ignore

        create
            { FeatureSpace.options two with
                Crosses = [ FeatureSpace.Cross([| "f1"; "f2" |], outputMode = LookupOutput.Int) ] }
        |> ignore

        Assert.Contains("float_normalized", (refused (fun () -> Feature.Parse "float_normalised")).Hint)
        refused (fun () -> FeatureSpace.Cross [| "f1" |]) |> ignore
        refused (fun () -> FeatureSpace.Cross([| "f1"; "f2" |], 0)) |> ignore
        refused (fun () -> FeatureSpace.StringHashed 0) |> ignore
        refused (fun () -> FeatureSpace.StringHashed(3, LookupOutput.MultiHot)) |> ignore
        refused (fun () -> FeatureSpace.StringCategorical(1)) |> ignore
        refused (fun () -> FeatureSpace.IntegerCategorical(numOovIndices = -1)) |> ignore
        refused (fun () -> FeatureSpace.FloatDiscretized 0) |> ignore
        refused (fun () -> FeatureSpace.FloatDiscretized(4, [| 1.0 |])) |> ignore
        refused (fun () -> FeatureSpace.FloatDiscretized(binBoundaries = [| 2.0; 1.0 |])) |> ignore
        refused (fun () -> FeatureSpace.FloatNormalized(mean = 1.0)) |> ignore

        let counting = StringLookup(StringLookupOptions(OutputMode = LookupOutput.Count))
        refused (fun () -> FeatureSpace.Feature(counting, LookupOutput.OneHot)) |> ignore
        refused (fun () -> FeatureSpace.Feature(counting, LookupOutput.Int)) |> ignore

    [<Fact>]
    member _.``what comes too early or is of the wrong type is refused``() =
        let two = words [ "city", "string_categorical"; "month", "integer_categorical" ]
        let space = FeatureSpace.create (FeatureSpace.options two)
        let early (action: unit -> obj) = Assert.Throws<NotReadyException>(fun () -> action () |> ignore) |> ignore
        early (fun () -> space.Transform people)
        early (fun () -> space.EncodedFeatures)
        early (fun () -> FeatureSpace.input space)
        Assert.False space.IsAdapted
        space.Adapt people
        early (fun () -> space.TransformByName people)
        early (fun () -> (FeatureSpace.adapt people (dict (FeatureSpace.options two))).Transform people)

        let missing =
            Assert.Throws<DataException>(fun () ->
                space.Transform(Table.ofColumns [ "city", Column.Of "Rome"; "Month", Column.Of 1 ]) |> ignore)

        Assert.Equal("FeatureSpace.month", missing.Path)
        Assert.Contains("Month", missing.Actual)
        Assert.Throws<DataException>(fun () -> space.Adapt [||]) |> ignore

        let wrong (path: string) (city: Column) (month: Column) =
            let e =
                Assert.Throws<DTypeException>(fun () ->
                    space.Transform(Table.ofColumns [ "city", city; "month", month ]) |> ignore)

            Assert.Equal("FeatureSpace." + path, e.Path)

        wrong "city" (Column.Of 3) (Column.Of 1)
        wrong "month" (Column.Of "Rome") (Column.Of 1.5)
        wrong "month" (Column.Of "Rome") (Column.Of "May")
        let measured = FeatureSpace.create (FeatureSpace.options (words [ "city", "float_normalized" ]))
        Assert.Throws<DTypeException>(fun () -> measured.Adapt people) |> ignore

        // A feature without a number for unknown categories names itself.
        let strict =
            FeatureSpace.options [ "city", FeatureSpace.StringCategorical(numOovIndices = 0) ]
            |> FeatureSpace.adapt people

        let e =
            Assert.Throws<DataException>(fun () ->
                strict.Transform(Table.ofColumns [ "city", Column.Of "Bonn" ]) |> ignore)

        Assert.Equal("FeatureSpace.city", e.Path)
        Assert.Equal("Bonn", e.Actual)
        refused (fun () -> space.GetVocabulary "town") |> ignore
        refused (fun () -> space.GetBinBoundaries "city") |> ignore
        refused (fun () -> space.GetMoments "city") |> ignore

        Assert.Throws<ModelFormatException>(fun () -> FeatureSpace.OfConfig((Hashing 3).ToConfig()) |> ignore)
        |> ignore

    /// Lookups and hashings of the user's own, with arguments that no shorthand has.
    [<Fact>]
    member _.``preprocessors of one's own are encoded``() =
        let hashing = Hashing(5, salt = [| 3L |])
        let cities = StringLookup(StringLookupOptions(Vocabulary = [| "Oslo"; "Rome" |], MaskToken = ""))
        let months = IntegerLookup(IntegerLookupOptions(OutputMode = LookupOutput.OneHot))

        let features =
            [ "city", FeatureSpace.Feature(cities, LookupOutput.OneHot)
              "hashed", FeatureSpace.Feature(hashing, LookupOutput.OneHot)
              "month", FeatureSpace.Feature months
              "numbers", FeatureSpace.Feature(hashing, LookupOutput.OneHot, FeatureInput.Int32) ]

        let table =
            Table.ofColumns
                [ "city", people["city"]
                  "hashed", people["city"]
                  "month", people["month"]
                  "numbers", people["month"] ]

        let space = dict (FeatureSpace.options features) |> FeatureSpace.adapt table
        let encoded = space.TransformByName table
        // Numbers for padding and unknown ones first.
        Assert.Equal(Shape.Of(4, 4), encoded["city"].Shape)
        Assert.Equal<int[]>([| 3; 1; 3; 2 |], encoded["city"].ArgMax())
        let bins = hashing.Transform [| "Rome"; "Paris"; "Rome"; "Oslo" |]
        Assert.Equal<int64[]>(bins.ToArray<int64>(), encoded["hashed"].ArgMax() |> Array.map int64)
        Assert.Equal<int[]>([| 1; 1; 2; 3 |], encoded["month"].ArgMax())
        let numbers = hashing.Transform [| "7"; "7"; "3"; "1" |]
        Assert.Equal<int64[]>(numbers.ToArray<int64>(), encoded["numbers"].ArgMax() |> Array.map int64)
        let again = (FeatureSpace.OfConfig(space.ToConfig())).TransformByName table

        for name in [ "city"; "hashed"; "month"; "numbers" ] do
            Assert.True(again[name].BitEquals encoded[name])

    /// A network whose inputs are the features one by one, and one whose input is all of them.
    [<Fact>]
    member _.``networks take encoded features``() =
        let features =
            [ "city", FeatureSpace.StringCategorical(outputMode = LookupOutput.Int)
              "income", FeatureSpace.FloatNormalized() ]

        let space = dict (FeatureSpace.options features) |> FeatureSpace.adapt people
        let inputs = FeatureSpace.inputs space
        Assert.Equal<string list>([ "city"; "income" ], List.map fst inputs)
        let nodes = List.map snd inputs
        let embedded = nodes[0] |> Network.apply (Layer.embedding 5 3) |> Network.apply Layer.flatten
        let output =
            Network.applyMany Layer.concatenate [ embedded; nodes[1] ]
            |> List.exactlyOne
            |> Network.apply (Layer.dense 1)
        let network = Network.create nodes [ output ]
        let trainer = Trainer.create network
        let encoded = space.TransformByName people
        let predicted = trainer.Predict([| encoded["city"]; encoded["income"] |], EvaluateOptions())
        Assert.Equal(Shape.Of(4, 1), predicted[0].Shape)

        let joined =
            FeatureSpace.options [ "income", FeatureSpace.Float(); "month", FeatureSpace.IntegerCategorical() ]
            |> FeatureSpace.adapt people

        Assert.Equal<int seq>([ -1; 5 ], (FeatureSpace.input joined).Shape)
