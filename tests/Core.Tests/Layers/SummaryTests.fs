namespace FunctionalNet.Tests.Layers

open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit

/// The tables were compared with those of Keras 3, whose layout they follow.
module SummaryGoldenTests =

    let private golden (name: string) (text: string) = Golden.Check("summary/" + name + ".txt", text)

    let private floats name shape =
        Network.inputWith { Name = name; Shape = shape; DType = DType.Float32; BatchSize = None }

    let private pipeline () =
        Network.sequential
            (Network.input [ 784 ])
            [ Small.dense 512
              Small.relu ()
              Small.dense 512 |> Layer.named "a_name_longer_than_the_column_is_wide"
              Small.scale () |> Layer.frozen
              Small.dense 10 ]

    let private branches () =
        let image, numbers = floats "image" [ 224; 224; 3 ], floats "numbers" [ 8 ]

        let features =
            Network.sequential
                (Network.input [ -1; -1; 3 ])
                [ Small.conv 4; Layer.create "GlobalMaxPooling2D" (fun _ x -> Ops.max [| 1; 2 |] false x) ]
            |> Network.named "features"

        let group = Layer.serial [ Small.dense 4; Small.relu () ]
        let tower = Small.dense 4
        let a = image |> Network.apply (Network.asLayer features) |> Network.apply tower
        let b = numbers |> Network.apply group |> Network.apply tower
        let both = Network.applyMany (Small.fork ()) [ Network.merge (Small.add ()) [ a; b ] ]
        Network.create
            [ image; numbers ]
            [ Network.merge (Small.add () |> Layer.named "sum_of_everything_so_far") [ both[0]; both[1]; a ] ]

    [<Fact>]
    let ``Golden: a pipeline`` () = golden "pipeline" (Summary.text (pipeline ()))

    [<Fact>]
    let ``Golden: a pipeline with all columns and an optimizer`` () =
        let options =
            { Summary.defaults with
                LineLength = 88
                ShowTrainable = true
                Optimizer = Some(1_339_414L, 5_357_656L) }

        golden "pipeline-trainable" (Summary.write options (pipeline ()))

    [<Fact>]
    let ``Golden: a graph with shared and nested layers`` () = golden "graph" (Summary.text (branches ()))

    [<Fact>]
    let ``Golden: a graph with nested layers expanded`` () =
        golden
            "graph-expanded"
            (Summary.write { Summary.defaults with ExpandNested = true; LineLength = 100 } (branches ()))

    [<Fact>]
    let ``Golden: a chain made with the functional API has no connections`` () =
        let x = Network.input [ 6 ]
        let network =
            Network.create [ x ] [ x |> Network.apply (Small.dense 3) |> Network.apply (Small.relu ()) ]
        golden "chain" (Summary.text network)

module SummaryTests =

    [<Theory>]
    [<InlineData(0L, "0.00 B")>]
    [<InlineData(1023L, "1023.00 B")>]
    [<InlineData(1024L, "1.00 KB")>]
    [<InlineData(1152L, "1.12 KB")>] // 1.125 KB: halves to even, as in Python
    [<InlineData(4799528L, "4.58 MB")>]
    [<InlineData(139305L, "136.04 KB")>]
    [<InlineData(3221225472L, "3.00 GB")>]
    let ``sizes are written as Keras writes them`` (bytes: int64, expected: string) =
        Assert.Equal(expected, Summary.sizeText bytes)

    [<Fact>]
    let ``words that are too long are cut and others wrapped`` () =
        Assert.Equal<string list>([ "global_average"; "(Pooling)" ], TextTable.wrap 14 "global_average (Pooling)")
        Assert.Equal<string list>([ "abcd…"; "(x)" ], TextTable.wrap 5 "abcdefgh (x)")
        Assert.Equal<string list>([ "" ], TextTable.wrap 5 "")
        Assert.Equal<string list>([ "(None, 4), (None,"; "4)" ], TextTable.wrap 17 "(None, 4), (None, 4)")

    [<Fact>]
    let ``totals count every variable once`` () =
        let x = Network.input [ 4 ]
        let tower = Small.dense 4
        let network = Network.create [ x ] [ x |> Network.apply tower |> Network.apply tower ]
        Assert.Contains(
            " Total params: 20 (80.00 B)\n Trainable params: 20 (80.00 B)\n Non-trainable params: 0 (0.00 B)",
            Summary.text network
        )
        let twice = Network.withDType DType.Float64 network
        Assert.Contains(" Total params: 20 (160.00 B)", Summary.text twice)
        Assert.Contains(" Non-trainable params: 20 (80.00 B)", Summary.text (Network.freeze [ "dense" ] network))

    [<Fact>]
    let ``a line must have room for the columns`` () =
        let network = Network.sequential (Network.input [ 4 ]) [ Small.dense 4 ]
        Assert.Throws<ArgumentValueException>(fun () ->
            Summary.write { Summary.defaults with LineLength = 20 } network |> ignore)
        |> ignore
