namespace FunctionalNet.Tests.Layers

open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training
open Xunit

/// Laws of composition, counts of well-known models, and details of single layers.
type CompositionTests() =

    static let pick (choice: byte) : Layer =
        match int choice % 6 with
        | 0 -> Layer.dense 3
        | 1 -> Layer.relu
        | 2 -> Layer.batchNormalization
        | 3 -> Layer.residual (Layer.dense 3)
        | 4 -> Layer.parallelMerge Layer.add [ Layer.dense 3; Layer.identity ]
        | _ -> Layer.dropout 0.5

    static let traced (layer: Layer) =
        let types = [| LayerRun.typeOf DType.Float64 [| 2; 3 |] |]
        let trace = LayerRun.trace Mode.Train DType.Float64 layer types (LayerRun.unmasked types)
        let data = [| LayerRun.data "x" DType.Float64 [| 2; 3 |] |]
        let values =
            LayerRun.interpret (LayerRun.bind trace data (LayerRun.weights DType.Float64 trace)) trace.Outputs
        trace.Specs |> Array.map (fun s -> s.Path), values[0]

    [<Property>]
    member _.``composition is associative, names and random numbers included``
        (a: byte, b: byte, c: byte, more: byte list)
        =
        let f, g, h = pick a, pick b, Layer.serial (pick c :: List.map pick (List.truncate 3 more))
        let left, right = (f >>> g) >>> h, f >>> (g >>> h)
        let leftPaths, leftValues = traced left
        let rightPaths, rightValues = traced right
        leftPaths = rightPaths
        && leftValues = rightValues
        && LayerConfig.toValue "n" left = LayerConfig.toValue "n" right

    [<Property>]
    member _.``identity is neutral``(a: byte, b: byte) =
        let f, g = pick a, pick b
        snd (traced (Layer.serial [ f; g ])) = snd (traced (Layer.serial [ f; Layer.identity; g ]))

    static member Counts =
        let count input layers = Network.countParameters (Network.sequential (Network.input input) layers)
        let relu units = Layer.denseWith { Dense.options units with Activation = Activation.relu }
        let softmax units = Layer.denseWith { Dense.options units with Activation = Activation.softmax }
        let functional =
            let x = Network.input [ 2; 3 ] in Network.create [ x ] [ Network.apply (Layer.dense 2) x ]

        [ "digits", 669706L, count [ 784 ] [ relu 512; Layer.dropout 0.2; relu 512; Layer.dropout 0.2; softmax 10 ]
          "images",
          1199882L,
          count
              [ 28; 28; 1 ]
              [ Layer.conv2DWith { Conv.options 32 [ 3 ] with Activation = Activation.relu }
                Layer.conv2DWith { Conv.options 64 [ 3 ] with Activation = Activation.relu }
                Layer.maxPooling2D [ 2 ]
                Layer.dropout 0.25
                Layer.flatten
                relu 128
                Layer.dropout 0.5
                softmax 10 ]
          "houses", 5121L, count [ 13 ] [ relu 64; relu 64; Layer.dense 1 ]
          "own layer",
          776L,
          count
              [ 16 ]
              [ Layer.create "MyCustomLayer" (fun scope x ->
                    Ops.matmul x (scope.Param("kernel", Shape.Of(x.Shape[-1], 32), Initializer.parse "normal")))
                softmax 8 ]
          "three layers", 2920L, count [ 8 ] [ Layer.dense 32; relu 64; Layer.dense 8 ]
          "functional", 8L, Network.countParameters functional ]
        |> List.map (fun (name, expected, actual) -> [| box name; box expected; box actual |])

    [<Theory; MemberData(nameof CompositionTests.Counts)>]
    member _.``well-known models have their numbers of parameters``(_name: string, expected: int64, actual: int64) =
        Assert.Equal(expected, actual)

    [<Fact>]
    member _.``a moving mean follows the batch by the momentum``() =
        let layer = Layer.batchNormalizationWith { BatchNormalization.options with Momentum = 0.9 }
        let types = [| LayerRun.typeOf DType.Float64 [| 4; 2 |] |]
        let trace = LayerRun.trace Mode.Train DType.Float64 layer types (LayerRun.unmasked types)
        let x =
            Tensor.OfDoubles(DType.Float64, Shape.Of(4, 2), [| 1.0; 10.0; 2.0; 20.0; 3.0; 30.0; 6.0; 60.0 |])
        let start =
            trace.Specs
            |> Array.map (fun s -> Tensor.OfDoubles(DType.Float64, s.Shape, s.Initializer.Create 1UL 1UL s.Shape))
        let news = trace.Traced.Updates |> Array.map (fun (struct (_, v)) -> v)
        let values = LayerRun.interpret (LayerRun.bind trace [| x |] start) news
        // Mean 3 and 30; population variance 3.5 and 350.
        Close.close 1e-12 1e-12 [| 0.3; 3.0 |] values[0]
        Close.close 1e-12 1e-12 [| 0.9 + 0.35; 0.9 + 35.0 |] values[1]

    [<Fact>]
    member _.``dropout drops its share and keeps the mean``() =
        let keptShare (layer: Layer) =
            let types = [| LayerRun.typeOf DType.Float32 [| 100; 200 |] |]
            let trace = LayerRun.trace Mode.Train DType.Float32 layer types (LayerRun.unmasked types)
            let ones = Tensor.Full(DType.Float32, Shape.Of(100, 200), 1.0)
            let y = (LayerRun.interpret (LayerRun.bind trace [| ones |] [||]) trace.Outputs)[0]
            float (y |> Array.filter (fun v -> v <> 0.0) |> Array.length) / 20000.0, Array.average y

        let share, mean = keptShare (Layer.dropout 0.3)
        // Five standard deviations of a share of 0.7 in 20,000.
        Assert.Equal(0.7, share, 0.0163)
        Assert.Equal(1.0, mean, 0.0233)
        Assert.Equal((0.0, 0.0), keptShare (Layer.dropout 1.0))
        let one = keptShare (Layer.dropoutWith { Dropout.options 0.3 with Seed = Some 1 })
        Assert.NotEqual(one, keptShare (Layer.dropoutWith { Dropout.options 0.3 with Seed = Some 2 }))

    [<Fact>]
    member _.``a noise shape is shared along its axes of size one``() =
        let layer = Layer.dropoutWith { Dropout.options 0.5 with NoiseShape = Some [ None; Some 1; None ] }
        let types = [| LayerRun.typeOf DType.Float64 [| 2; 5; 8 |] |]
        let trace = LayerRun.trace Mode.Train DType.Float64 layer types (LayerRun.unmasked types)
        let y =
            (LayerRun.interpret
                (LayerRun.bind trace [| Tensor.Full(DType.Float64, types[0].Shape, 1.0) |] [||])
                trace.Outputs)[0]

        for batch in 0..1 do
            for step in 1..4 do
                Assert.Equal<float[]>(
                    y[batch * 40 .. batch * 40 + 7],
                    y[batch * 40 + step * 8 .. batch * 40 + step * 8 + 7]
                )

        Assert.NotEqual<float[]>(y[0..7], y[40..47])

    [<Fact>]
    member _.``masks join by or, and along the axis where values are joined``() =
        let types = Array.create 2 (LayerRun.typeOf DType.Float32 [| 1; 3; 2 |])
        let run (layer: Layer) (masks: float[] option list) =
            let shapes = masks |> List.map (Option.map (fun _ -> Shape.Of(1, 3))) |> List.toArray
            let trace = LayerRun.trace Mode.Infer DType.Float32 layer types shapes
            let bindings =
                Seq.zip trace.Masks masks
                |> Seq.choose (fun (leaf, m) ->
                    Option.map2 (fun leaf m -> leaf, Tensor.OfDoubles(DType.Bool, Shape.Of(1, 3), m)) leaf m)
                |> Seq.toArray
            match trace.OutputMasks[0] with
            | ValueNone -> [||]
            | ValueSome m ->
                (LayerRun.interpret
                    (Array.append
                        (LayerRun.bind trace (Array.create 2 (LayerRun.data "x" DType.Float32 [| 1; 3; 2 |])) [||])
                        bindings)
                    [| m |])[0]

        let a, b = Some [| 1.0; 0.0; 0.0 |], Some [| 0.0; 0.0; 1.0 |]
        Assert.Equal<float[]>([| 1.0; 0.0; 1.0 |], run Layer.add [ a; b ])
        Assert.Empty(run Layer.add [ a; None ])
        Assert.Equal<float[]>([| 1.0; 0.0; 0.0; 0.0; 0.0; 1.0 |], run (Layer.concatenateOn 1) [ a; b ])
        Assert.Equal<float[]>([| 1.0; 0.0; 1.0 |], run Layer.concatenate [ a; b ])
        Assert.Equal<float[]>([| 1.0; 0.0; 0.0; 1.0; 1.0; 1.0 |], run (Layer.concatenateOn 1) [ a; None ])

    [<Fact>]
    member _.``penalties appear once per use, those of outputs for the whole batch``() =
        let layer =
            Layer.denseWith
                { Dense.options 2 with
                    ActivityRegularizer = Some(Regularizer.l1 0.5)
                    UseBias = false
                    Kernel.Initializer = Initializer.ones }
        let types = [| LayerRun.typeOf DType.Float64 [| 4; 1 |] |]
        let trace = LayerRun.trace Mode.Infer DType.Float64 layer types (LayerRun.unmasked types)
        let x = Tensor.OfDoubles(DType.Float64, Shape.Of(4, 1), [| 1.0; -2.0; 3.0; 4.0 |])
        let values =
            LayerRun.interpret
                (LayerRun.bind trace [| x |] [| Tensor.Full(DType.Float64, Shape.Of(1, 2), 1.0) |])
                trace.Traced.Losses
        Assert.Equal(0.5 * 20.0, values[0][0], 1e-12)

    [<Fact>]
    member _.``categories in every form``() =
        let run (layer: Layer) (inputs: Tensor list) =
            let types = inputs |> List.map (fun t -> LayerRun.typeOf t.DType (t.Shape.ToArray())) |> List.toArray
            let trace = LayerRun.trace Mode.Infer DType.Float64 layer types (LayerRun.unmasked types)
            let out = trace.Outputs[0]
            out.Shape, (LayerRun.interpret (LayerRun.bind trace (List.toArray inputs) [||]) [| out |])[0]

        let encode mode = Layer.categoryEncodingWith { CategoryEncoding.options 3 with OutputMode = mode }
        let ids = Tensor.OfArray(array2D [ [ 2; 0; 2 ]; [ 1; 1; 7 ] ])
        let weights = Tensor.OfArray(array2D [ [ 0.5; 2.0; 1.0 ]; [ 1.0; 3.0; 9.0 ] ])
        Assert.Equal((Shape.Of(2, 3), [| 1.0; 0.0; 1.0; 0.0; 1.0; 0.0 |]), run (encode CategoryOutput.MultiHot) [ ids ])
        Assert.Equal((Shape.Of(2, 3), [| 1.0; 0.0; 2.0; 0.0; 2.0; 0.0 |]), run (encode CategoryOutput.Count) [ ids ])
        Assert.Equal(
            (Shape.Of(2, 3), [| 2.0; 0.0; 1.5; 0.0; 4.0; 0.0 |]),
            run (encode CategoryOutput.Count) [ ids; weights ]
        )
        let column = Tensor.OfArray(array2D [ [ 2 ]; [ 0 ] ])
        Assert.Equal(
            (Shape.Of(2, 3), [| 0.0; 0.0; 1.0; 1.0; 0.0; 0.0 |]),
            run (encode CategoryOutput.OneHot) [ column ]
        )
        Assert.Equal(Shape.Of(2, 3, 3), fst (run (encode CategoryOutput.OneHot) [ ids ]))
        let refused layer = Assert.Throws<ArgumentValueException>(fun () -> run layer [ ids; weights ] |> ignore)
        Assert.Contains("count", (refused (encode CategoryOutput.MultiHot)).Expected)

        // A boundary belongs to the bin above it.
        let numbers = Tensor.OfArray(array2D [ [ -1.0; 0.0 ]; [ 0.5; 1.0 ] ])
        Assert.Equal((Shape.Of(2, 2), [| 0.0; 1.0; 1.0; 2.0 |]), run (Layer.discretization [ 0.0; 1.0 ]) [ numbers ])
        let hot =
            Layer.discretizationWith { Discretization.options [ 0.0; 1.0 ] with OutputMode = CategoryOutput.MultiHot }
        Assert.Equal((Shape.Of(2, 3), [| 1.0; 1.0; 0.0; 0.0; 1.0; 1.0 |]), run hot [ numbers ])

    /// The small cases of keras-js, which Keras 2 computed with 6 digits and without a batch.
    static member KerasJs = KerasCases.kerasJs () |> KerasCases.ids (fun c -> c.Id)

    [<Theory; MemberData(nameof CompositionTests.KerasJs)>]
    member _.``a layer computes what Keras 2 computed``(id: string) =
        let case = KerasCases.kerasJs () |> Array.find (fun c -> c.Id = id)

        let arguments =
            match CaseConfig.value case.Attributes with
            | ConfigValue.Object entries ->
                entries |> List.filter (fun (k, _) -> k <> "gpu" && k <> "name" && k <> "input_length")
            | _ -> []

        let rename pairs entries =
            entries
            |> List.map (fun (k, v) ->
                (pairs |> List.tryFind (fun (o, _) -> o = k) |> Option.map snd |> Option.defaultValue k), v)

        let make name arguments =
            Registry.ofConfig (ConfigValue.Object [ "class_name", Text name; "config", ConfigValue.Object arguments ])

        let layer =
            match case.Layer, case.Id.Split('.') with
            | "", parts ->
                match parts[1], parts[2] with
                // Keras 2 had another hard sigmoid, and the last elu case an alpha of a half.
                | "hard_sigmoid", _ -> Layer.lambda (fun x -> Ops.clip 0.0 1.0 (x * 0.2 + 0.5))
                | "elu", "3" -> Layer.elu 0.5
                // The last relu cases have a bound and a slope.
                | "relu", "3" -> Layer.activation (Activation.reluWith 0.0 (Some 0.5) 0.0)
                | "relu", "4" -> Layer.activation (Activation.reluWith 0.3 None 0.0)
                | name, _ -> Layer.activation (Activation.parse name)
            | "LeakyReLU", _ -> make "LeakyReLU" (rename [ "alpha", "negative_slope" ] arguments)
            | "ThresholdedReLU", _ ->
                // Gone in Keras 3: x above theta, else 0.
                let theta = ConfigRead.float "theta" (ConfigRead.get "theta" arguments)
                Layer.activation (Activation.threshold theta 0.0)
            | name, _ when case.Id.StartsWith "merge." ->
                // Where the result is a matrix, the branches repeat their vectors three times.
                let branch () =
                    if case.Expected.Shape.Length = 2 then
                        Layer.serial [ Layer.dense 2; Layer.repeatVector 3 ]
                    else
                        Layer.dense 2

                Layer.parallelMerge (make name arguments) [ for _ in 1 .. case.Weights.Length / 2 -> branch () ]
            | "Dense", [| "core"; "Activation"; number |] ->
                // Their activation follows the dense layer.
                let hard = Layer.lambda (fun x -> Ops.clip 0.0 1.0 (x * 0.2 + 0.5))
                let names =
                    [| "softmax"; "elu"; "selu"; "softplus"; "softsign"; "relu"; "tanh"; "sigmoid"; ""; "linear" |]

                let after =
                    match names[int number] with
                    | "" -> hard
                    | name -> Layer.activation (Activation.parse name)

                Layer.serial [ make "Dense" arguments; after ]
            | name, _ -> make name arguments

        let dtype = if case.Layer = "Embedding" then DType.Int32 else DType.Float64
        let dims = Array.append [| 1 |] case.Input.Shape
        let types = [| LayerRun.typeOf dtype dims |]
        let trace = LayerRun.trace Mode.Infer DType.Float64 layer types (LayerRun.unmasked types)
        let weights = case.Weights |> Array.map (fun w -> w.ToTensor DType.Float64)
        let input = Tensor.OfDoubles(dtype, Shape.Of dims, case.Input.Values)
        let values = LayerRun.interpret (LayerRun.bind trace [| input |] weights) trace.Outputs
        Close.closeToScale id 1e-4 case.Expected.Values values[0]
