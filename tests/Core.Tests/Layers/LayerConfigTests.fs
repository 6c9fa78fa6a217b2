namespace FunctionalNet.Tests.Layers

open System
open System.IO
open FsCheck.Xunit
open FsCheck.FSharp
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training
open Xunit

/// Configurations: JSON, Keras's models, names, and errors.
type LayerConfigTests() =

    static let object' className config =
        ConfigValue.Object [ "class_name", Text className; "config", ConfigValue.Object config ]

    static let rec plain (depth: int) : FsCheck.Gen<ConfigValue> =
        let scalar =
            Gen.oneof
                [ Gen.constant Null
                  Gen.elements [ Bool true; Bool false ]
                  Gen.choose (-1000000, 1000000) |> Gen.map (fun i -> Int(int64 i * 4000000007L))
                  ArbMap.defaults
                  |> ArbMap.generate<FsCheck.NormalFloat>
                  |> Gen.map (fun (f: FsCheck.NormalFloat) -> Float f.Get)
                  Gen.choose (1, 0x2FF)
                  |> Gen.map char
                  |> Gen.listOf
                  |> Gen.map (fun cs -> Text(String(List.toArray cs))) ]

        if depth = 0 then
            scalar
        else
            Gen.oneof
                [ scalar
                  Gen.listOf (plain (depth - 1)) |> Gen.map ConfigValue.List
                  Gen.listOf (plain (depth - 1))
                  |> Gen.map (List.mapi (fun i v -> "key" + string i, v) >> ConfigValue.Object) ]

    [<Property>]
    member _.``JSON text gives back every value``() =
        Prop.forAll (Arb.fromGen (plain 3)) (fun value ->
            Json.parse (Json.write false value) = value && Json.parse (Json.write true value) = value)

    [<Fact>]
    member _.``numbers keep their kind``() =
        let text =
            Json.write
                false
                (ConfigValue.List [ Int 1L; Float 1.0; Float 1e-7; Float 1e22; Float -0.5; Int Int64.MinValue ])
        Assert.Equal("[1,1.0,1e-07,1e+22,-0.5,-9223372036854775808]", text)
        Assert.Equal(Float 18446744073709551616.0, Json.parse "18446744073709551616")
        // What JSON has no numbers for is written as Python does.
        Assert.Equal(
            "[NaN,Infinity,-Infinity]",
            Json.write false (ConfigValue.List [ Float nan; Float infinity; Float -infinity ])
        )

    [<Theory>]
    [<InlineData("")>]
    [<InlineData("{")>]
    [<InlineData("[1,]")>]
    [<InlineData("{\"a\":1}}")>]
    [<InlineData("nul")>]
    member _.``broken JSON is a typed error``(text: string) =
        Assert.Throws<ModelFormatException>(fun () -> Json.parse text |> ignore) |> ignore

    [<Fact>]
    member _.``JSON nested without end is a typed error``() =
        Assert.Throws<ModelFormatException>(fun () -> Json.parse (String('[', 100000)) |> ignore) |> ignore

    /// Every argument of a layer, in the JSON that Keras reads.
    [<Fact>]
    member _.``a layer is written with all its arguments``() =
        let layer =
            Layer.denseWith
                { Dense.options 3 with
                    Activation = Activation.relu
                    Kernel.Regularizer = Some(Regularizer.l2 0.01)
                    Kernel.Constraint = Some(Constraint.maxNorm 2.0 [ 0 ])
                    Kernel.Initializer = Initializer.withSeed 4 Initializer.heUniform }

        let expected =
            """{"module":"keras.layers","class_name":"Dense","config":{"name":"d","trainable":true,"units":3,"activation":"relu","use_bias":true,"""
            + """"kernel_initializer":{"module":"keras.initializers","class_name":"HeUniform","config":{"seed":4},"registered_name":null},"""
            + """"kernel_regularizer":{"module":"keras.regularizers","class_name":"L2","config":{"l2":0.01},"registered_name":null},"""
            + """"kernel_constraint":{"module":"keras.constraints","class_name":"MaxNorm","config":{"max_value":2.0,"axis":0},"registered_name":null},"""
            + """"bias_initializer":{"module":"keras.initializers","class_name":"Zeros","config":{},"registered_name":null},"""
            + """"bias_regularizer":null,"bias_constraint":null,"activity_regularizer":null},"registered_name":null}"""

        Assert.Equal(expected, Json.write false (LayerConfig.toValue "d" layer))

    [<Fact>]
    member _.``every activation is read back by its name``() =
        let x = Tensor.OfDoubles(DType.Float64, Shape.Of(2, 4), LayerRun.numbers "x" 8)
        let leaf = Expr.Input("x", DType.Float64, x.Shape)
        let apply (a: Activation) = (Interpreter.run [ leaf, x ] [| a.Apply leaf |])[0]

        for name in Activation.knownNames do
            let activation = Activation.parse name
            let again = Activation.ofConfig (Activation.toConfig activation).Value
            Assert.Equal(activation.Config, again.Config)
            Assert.Equal<float[]>(apply activation, apply again)

        for activation in
            [ Activation.reluWith 0.1 (Some 1.0) 0.2
              Activation.leakyReluWith 0.3
              Activation.eluWith 0.5
              Activation.celuWith 0.5
              Activation.geluApproximate
              Activation.squareplusWith 1.0
              Activation.hardShrinkWith 0.2
              Activation.softShrinkWith 0.2
              Activation.threshold 0.3 -1.0
              Activation.softmaxOn 0
              Activation.logSoftmaxOn 0
              Activation.sparsemaxOn 0
              Activation.gluOn 0 ] do
            let again = Activation.ofConfig (Activation.toConfig activation).Value
            Assert.Equal(activation.Config, again.Config)
            Assert.Equal<float[]>(apply activation, apply again)

    /// Keras takes layers for activations, as in Dense(8, activation=LeakyReLU()), and writes them as such.
    [<Fact>]
    member _.``layers without weights are activations too``() =
        let read config = (Activation.ofConfig config).Config
        Assert.Equal((Activation.leakyReluWith 0.3).Config, read (object' "LeakyReLU" [ "name", Text "leaky" ]))
        Assert.Equal((Activation.leakyReluWith 0.1).Config, read (object' "LeakyReLU" [ "negative_slope", Float 0.1 ]))
        Assert.Equal(
            (Activation.reluWith 0.0 (Some 6.0) 0.0).Config,
            read (object' "ReLU" [ "max_value", Float 6.0; "negative_slope", Float 0.0 ])
        )
        Assert.Equal((Activation.eluWith 0.5).Config, read (object' "ELU" [ "alpha", Float 0.5 ]))
        Assert.Equal((Activation.softmaxOn 1).Config, read (object' "Softmax" [ "axis", Int 1L ]))
        Assert.Equal(Activation.tanh.Config, read (object' "Activation" [ "activation", Text "tanh" ]))
        // It has weights.
        Assert.Throws<ArgumentValueException>(fun () -> read (object' "PReLU" []) |> ignore) |> ignore

    /// Arrays given as arguments are written by Keras as objects of these classes.
    [<Fact>]
    member _.``arrays of NumPy and tensors are read as lists``() =
        let array className values =
            object' className [ "value", ConfigValue.List(List.map Float values); "dtype", Text "float32" ]

        let layer =
            object' "Rescaling" [ "scale", array "__numpy__" [ 2.0; 3.0 ]; "offset", array "__tensor__" [ 0.0; 1.0 ] ]
            |> Registry.ofConfig

        Assert.Equal<float[]>([| 2.0; 4.0 |], OneLayer.run Mode.Infer layer [| 1; 2 |] [| 1.0; 1.0 |])

    /// Keras gives layers of categories a type of whole numbers.
    [<Fact>]
    member _.``a layer whose dtype is that of whole numbers has the model's policy``() =
        let layer =
            object' "Discretization" [ "bin_boundaries", ConfigValue.List [ Float 0.0 ]; "dtype", Text "int64" ]
            |> Registry.ofConfig

        Assert.True layer.Policy.IsNone
        Assert.Equal<float[]>([| 0.0; 1.0 |], OneLayer.run Mode.Infer layer [| 1; 2 |] [| -1.0; 1.0 |])

    [<Fact>]
    member _.``a layer with a nameless function says so when it is saved``() =
        let save layer = Network.toJson (Network.sequential (Network.input [ 2 ]) [ Layer.dense 2; layer ]) |> ignore
        let e = Assert.Throws<NotReadyException>(fun () -> save (Layer.lambda (fun x -> x * 2.0)))
        Assert.Equal("lambda", e.Path)
        Assert.Contains("lambdaNamed", e.Hint)
        let custom = Layer.activation (Activation.create (fun x -> x + 1.0))
        Assert.Equal("activation", (Assert.Throws<NotReadyException>(fun () -> save custom)).Path)

    [<Fact>]
    member _.``a named function is found again, an unknown one and Python code are refused``() =
        let layer = Layer.lambdaNamed "config test square" (fun x -> x * x)
        let network = Network.sequential (Network.input [ 2 ]) [ layer ]
        Assert.Equal("Lambda", (Network.layers (Network.ofJson (Network.toJson network))).[0].ClassName)
        let lambda value = Registry.ofConfig (object' "Lambda" [ "function", value ]) |> ignore
        Assert.Throws<ArgumentValueException>(fun () -> lambda (Text "never registered")) |> ignore
        let code =
            ConfigValue.Object
                [ "class_name", Text "__lambda__"; "config", ConfigValue.Object [ "code", Text "4wEAAAA=" ] ]
        Assert.Contains("never run", (Assert.Throws<ArgumentValueException>(fun () -> lambda code)).Hint)

    [<Fact>]
    member _.``classes can be registered``() =
        Registry.register "ConfigTestScale" (fun arguments ->
            let factor = ConfigRead.float "factor" (ConfigRead.get "factor" arguments)
            Layer.rescaling factor 0.0)

        Assert.Contains("ConfigTestScale", Registry.classNames ())
        let layer =
            Registry.ofConfig (
                object' "ConfigTestScale" [ "name", Text "s"; "factor", Float 2.0; "trainable", Bool false ]
            )
        Assert.Equal("s", layer.Name)
        Assert.True layer.IsFrozen

    [<Fact>]
    member _.``arguments out of range are refused where the layer is made``() =
        let refused (f: unit -> Layer) = Assert.Throws<ArgumentValueException>(fun () -> f () |> ignore) |> ignore
        refused (fun () -> Layer.dense 0)
        refused (fun () -> Layer.dropout 1.5)
        refused (fun () -> Layer.conv2D 3 [ 2; 2; 2 ])
        refused (fun () -> Layer.conv2DWith { Conv.options 3 [ 2 ] with Padding = Padding.Causal })
        refused (fun () -> Layer.conv2DWith { Conv.options 3 [ 2 ] with Strides = [ 2 ]; DilationRate = [ 2 ] })
        refused (fun () -> Layer.conv2DWith { Conv.options 3 [ 2 ] with Groups = 2 })
        refused (fun () -> Layer.reshape [ -1; -1 ])
        refused (fun () -> Layer.permute [ 0; 1 ])
        refused (fun () -> Layer.embedding 0 2)
        refused (fun () -> Layer.normalization [ 1.0 ] [])
        refused (fun () -> Layer.discretization [ 1.0; 0.5 ])
        refused (fun () -> Layer.categoryEncoding 0)
        refused (fun () ->
            Layer.categoryEncodingWith { CategoryEncoding.options 2 with OutputMode = CategoryOutput.Int })
        refused (fun () -> Registry.ofConfig (object' "Dense" []))
        refused (fun () -> Registry.ofConfig (object' "BatchNormalization" [ "synchronized", Bool true ]))
        refused (fun () -> Registry.ofConfig (object' "Dense" [ "units", Text "three" ]))

    /// Keras's own JSON of its training runs: those whose layers are all here.
    [<Fact>]
    member _.``models of Keras are built, with its weight names, and written back the same``() =
        let known = Registry.classNames () |> Set.ofList
        let mutable built = 0

        for case in KerasCases.fits () do
            let config = CaseConfig.value case.Model
            let text = Json.write false config

            let classes =
                [ for part in text.Split("\"class_name\":\"") |> Array.skip 1 -> part.Substring(0, part.IndexOf '"') ]

            if
                not (List.exists (fun c -> c = "LSTM" || c = "GRU" || c = "MultiHeadAttention") classes)
                || known.Contains "LSTM"
            then
                built <- built + 1
                let network = Network.ofConfig config
                let paths = Network.variables network |> Array.map (fun s -> s.Path)
                let prefix = case.WeightNames[0].Substring(0, case.WeightNames[0].IndexOf '/' + 1)
                // A Sequential puts its own name in front; a functional model does not.
                let expected =
                    if case.WeightNames |> Array.forall _.StartsWith(prefix) then
                        case.WeightNames |> Array.map _.Substring(prefix.Length)
                    else
                        case.WeightNames
                // A functional model within another has no part in Keras's paths; here it has.
                let within =
                    Array.map2
                        (fun (path: string) (name: string) -> if path.EndsWith("/" + name) then name else path)
                        paths
                        expected

                Assert.Equal<string[]>(expected, within)

                Assert.Equal<Shape[]>(
                    case.InitialWeights |> Array.map (fun w -> Shape.Of w.Shape),
                    Network.variables network |> Array.map (fun s -> s.Shape)
                )

                // What the final weights predict.
                let weights =
                    Array.zip (Network.variables network) (case.FinalWeights |> Array.map (fun w -> w.ToTensor()))
                let inputs = case.X |> Array.map (fun x -> x.ToTensor()) |> Array.toList
                let outputs = Small.run network weights inputs

                for actual, expected in Array.zip outputs case.Predict do
                    Close.closeToScale case.Id 1e-4 expected.Values (actual.ToDoubles())

                let again = Network.ofJson (Network.toJson network)
                Assert.Equal(Network.toJson network, Network.toJson again)
                Assert.Equal<string[]>(paths, Network.variables again |> Array.map (fun s -> s.Path))

        Assert.True(built >= 3)

    [<Fact>]
    member _.``a graph with shared and nested layers survives JSON``() =
        let a, b = Network.input [ 4 ], Network.input [ 4 ]
        let tower = Layer.denseWith { Dense.options 4 with Activation = Activation.tanh }
        let inner = Network.input [ 4 ]
        let block =
            Network.asLayer (
                Network.create
                    [ inner ]
                    [ inner |> Network.apply (Layer.dense 4) |> Network.apply Layer.batchNormalization ]
                |> Network.named "block"
            )
        let left, right = Network.apply tower a, Network.apply tower b
        let merged =
            Network.merge Layer.concatenate [ Network.merge Layer.subtract [ left; right ]; Network.apply block right ]
        let pipeline = Layer.serial [ Layer.dense 3; Layer.relu ] |> Layer.named "pipe"
        let network = Network.create [ a; b ] [ merged |> Network.apply pipeline; Network.apply block left ]
        let json = Network.toJson network
        let again = Network.ofJson json
        Assert.Equal(json, Network.toJson again)
        Assert.Equal<string[]>(Small.paths network, Small.paths again)
        let weights = Network.init 3UL network
        let data = [ Small.data [ 2; 4 ]; Small.data [ 2; 4 ] ]

        for x, y in Array.zip (Small.run network weights data) (Small.run again weights data) do
            Small.same x y

    [<Fact>]
    member _.``broken models are typed errors``() =
        let network = Network.create [ Network.input [ 2 ] ] |> ignore
        network
        let json =
            Network.toJson (let x = Network.input [ 2 ] in Network.create [ x ] [ Network.apply (Layer.dense 3) x ])
        let broken (from: string) (into: string) =
            Assert.Contains(from, json)
            Assert.ThrowsAny<FunctionalNetException>(fun () -> Network.ofJson (json.Replace(from, into)) |> ignore)
            |> ignore

        broken "[\"input_layer\",0,0]" "[\"nowhere\",0,0]"
        broken "\"keras_history\":[\"input_layer\",0,0]" "\"keras_history\":[\"input_layer\",0,7]"
        broken "\"keras_history\":[\"input_layer\",0,0]" "\"keras_history\":[\"dense\",0,0]"
        broken "\"class_name\":\"Functional\"" "\"class_name\":\"Dysfunctional\""
        broken "\"batch_shape\":[null,2]" "\"batch_shape\":[]"
        broken "\"batch_shape\":[null,2]" "\"batch_shape\":3"
        broken "\"units\":3" "\"units\":-3"
        broken "\"layers\":" "\"levels\":"
