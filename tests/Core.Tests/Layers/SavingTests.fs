namespace FunctionalNet.Tests.Layers

open System
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open Xunit

/// Configurations of layers, networks and their parts, and what is special about inputs and shared layers in them.
type SavingTests() =

    let paths (network: Network) = Network.variables network |> Array.map (fun spec -> spec.Path)

    let through (network: Network) = Network.ofJson (Network.toJson network)

    let around (layer: Layer) =
        let x = Network.input [ 4 ]
        Network.create [ x ] [ x |> Network.apply layer |> Network.apply (Layer.dense 4) ]

    let predict (network: Network) (inputs: Tensor list) : Tensor =
        (Small.run network (Network.init 7UL network) inputs)[0]

    let drawn (seed: int) (rows: int) (size: int) =
        let random = System.Random seed

        Tensor.OfDoubles(
            DType.Float32,
            Shape.Of(rows, size),
            Array.init (rows * size) (fun _ -> random.NextDouble() * 2.0 - 1.0)
        )

    /// A shared layer has its weights at the root, wherever it stands: in a network, in a pipeline, in a layer around layers, in a
    /// network inside a network.
    [<Fact>]
    member _.``The path of a shared layer survives JSON wherever it stands``() =
        let shared = Layer.shared "common" (Layer.dense 4)
        let pipeline = Network.asLayer (Network.sequential (Network.input [ 4 ]) [ shared; Layer.dense 4 ])
        let inside = Network.asLayer (around shared)

        for layer in
            [ shared
              inside
              Network.asLayer (around inside)
              pipeline
              Layer.serial [ shared; Layer.dense 4; shared ]
              Layer.residual inside
              Layer.spectralNormalization 1 shared
              Layer.shared "body" inside ] do
            let network = around layer
            Assert.Contains("common/kernel", paths network)
            Assert.Equal<string[]>(paths network, paths (through network))

        // Beside itself at the root there is still one.
        let x = Network.input [ 4 ]
        let y = x |> Network.apply shared
        let both = Network.create [ x ] [ Network.merge Layer.add [ y; y |> Network.apply inside ] ]
        Assert.Equal(1, paths both |> Array.filter (fun path -> path = "common/kernel") |> Array.length)
        Assert.Equal<string[]>(paths both, paths (through both))

    /// An absent input is the same as a network without what only it feeds.
    [<Property(MaxTest = 150)>]
    member _.``A network without an optional input is the network of the others``(seed: int, rows: int) =
        let rows = 1 + abs (rows % 5)
        let left, right = Layer.named "left" (Layer.dense 3), Layer.named "right" (Layer.dense 3)
        let options name : InputOptions = { Name = name; Shape = [ 2 ]; DType = DType.Float32; BatchSize = None }
        let a, b = Network.inputWith (options "a"), Network.optionalInput (options "b")
        let c = Network.inputWith (options "c")
        let join nodes = nodes |> Network.merge Layer.add |> Network.apply (Layer.named "end" (Layer.dense 2))
        let whole = Network.create [ a; b ] [ join [ Network.apply left a; Network.apply right b ] ]
        let part = Network.create [ c ] [ join [ Network.apply left c ] ]
        let x, y = drawn seed rows 2, drawn (seed + 1) rows 2
        let absent = Tensor.Zeros(DType.Float32, Shape.Of(rows, 0))
        Assert.Equal<float[]>((predict part [ x ]).ToDoubles(), (predict whole [ x; absent ]).ToDoubles())
        Assert.Equal<float[]>((predict part [ x ]).ToDoubles(), (predict whole [ x ]).ToDoubles())
        Assert.NotEqual<float[]>((predict part [ x ]).ToDoubles(), (predict whole [ x; y ]).ToDoubles())
        let again = through whole
        Assert.True(again.Inputs[1].IsOptional && not again.Inputs[0].IsOptional)

    [<Fact>]
    member _.``An input that is not optional must be given``() =
        let x, y = Network.input [ 2 ], Network.input [ 2 ]
        let network = Network.create [ x; y ] [ Network.merge Layer.add [ x; y ] ]
        Assert.Throws<ShapeException>(fun () -> predict network [ drawn 1 3 2 ] |> ignore) |> ignore

        let other =
            Network.optionalInput { Name = "other"; Shape = [ 2 ]; DType = DType.Float32; BatchSize = None }

        let lone = Network.create [ other ] [ other |> Network.apply (Layer.dense 2) ]
        let error = Assert.Throws<DataException>(fun () -> predict lone [] |> ignore)
        Assert.Equal("dense", error.Path)

    [<Fact>]
    member _.``Names of inputs and outputs are different and not empty``() =
        let x = Network.input [ 2 ]
        let y = x |> Network.apply (Layer.dense 2)

        for outputs in [ [ "a", y; "a", y ]; [ "", y ] ] do
            Assert.Throws<ArgumentValueException>(fun () -> Network.createNamed [ "x", x ] outputs |> ignore)
            |> ignore

        let network = Network.createNamed [ "x", x ] [ "y", y ]
        Assert.Equal<string[]>([| "y" |], Network.outputNames (Network.named "mine" (through network)))

    /// x / sqrt(variance of x + epsilon) * gamma: Keras 3.8 takes the mean off in the variance alone, and has no beta.
    [<Property(MaxTest = 150)>]
    member _.``LayerNormalization with rms_scaling divides by the deviation``(seed: int) =
        let layer =
            Layer.layerNormalizationWith { LayerNormalization.options with RmsScaling = true; Scale = false }
        let input = Network.input [ 5 ]
        let network = Network.create [ input ] [ input |> Network.apply layer ]
        Assert.Equal<string[]>([| "layer_normalization/gamma" |], paths network)
        let x = drawn seed 3 5
        let values, result = x.ToDoubles(), (predict network [ x ]).ToDoubles()

        for row in 0..2 do
            let own = values[row * 5 .. row * 5 + 4]
            let mean = Array.average own
            let variance = own |> Array.averageBy (fun v -> (v - mean) * (v - mean))

            for i in 0..4 do
                Assert.True(abs (own[i] / sqrt (variance + 1e-3) - result[row * 5 + i]) < 1e-5)

    [<Fact>]
    member _.``A layer of one's own is saved with its arguments once its class is registered``() =
        let scale (factor: float) =
            Layer.create "TestScale" (fun _ x -> x * factor)
            |> Registry.withConfig "TestScale" [ "factor", Float factor ]

        Registry.register "tests>TestScale" (fun arguments ->
            match List.tryFind (fun (key, _) -> key = "factor") arguments with
            | Some(_, Float factor) -> scale factor
            | _ -> scale 1.0)

        let network = around (scale 2.5)
        let text = Network.toJson network
        Assert.Contains("TestScale", text)
        let x = drawn 3 2 4
        Assert.Equal<float[]>((predict network [ x ]).ToDoubles(), (predict (Network.ofJson text) [ x ]).ToDoubles())
        let again = Saving.toLayer (Saving.ofLayer (scale 0.5))
        Assert.Equal(Some { ClassName = "TestScale"; Arguments = [ "factor", Float 0.5 ] }, again.Config)

    [<Fact>]
    member _.``Parts go through JSON, and functions without a name say that they cannot``() =
        let loss = Loss.register "tests_loss" (fun t p -> Ops.abs (t - p))
        Assert.Equal("tests_loss", (Saving.toLoss (Saving.ofLoss loss)).Name)
        let metric = Metric.register "tests_metric" (fun t p -> Ops.abs (t - p))
        Assert.Equal("tests_metric", (Saving.toMetric (Saving.ofMetric metric)).Name)
        let regularizer = Regularizer.register "tests_regularizer" Ops.sumAll
        Assert.Equal(regularizer.Config, (Saving.toRegularizer (Saving.ofRegularizer regularizer)).Config)
        let bound = Constraint.register "tests_constraint" Ops.relu
        Assert.Equal(bound.Config, (Saving.toConstraint (Saving.ofConstraint bound)).Config)
        let start = Initializer.register "tests_initializer" (fun _ _ shape -> Array.create shape.Size 0.5)
        Assert.Equal<float[]>(
            [| 0.5; 0.5 |],
            (Saving.toInitializer (Saving.ofInitializer start)).Create 1UL 2UL (Shape.Of 2)
        )
        Assert.Throws<NotReadyException>(fun () -> Saving.ofLoss (Loss.create "own" (fun t p -> t - p)) |> ignore)
        |> ignore
        Assert.Throws<NotReadyException>(fun () -> Saving.ofRegularizer (Regularizer.create Ops.sumAll) |> ignore)
        |> ignore
