module FunctionalNet.Tests.Training.CustomStepTests

open System
open System.Collections.Generic
open System.IO
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit
open Samples

let private x, y = tensor 1 [ 50; 6 ], labels 2 3 50
let private options (epochs: int) = FitOptions(Epochs = epochs, BatchSize = 16, Verbosity = Verbosity.Silent)

let private withStep (step: StepContext -> unit) =
    let trainer = Trainer.createWith 7UL (mlp ())

    trainer.Compile(
        TrainingOptions(Optimizer = Optimizer.adam 0.01, TrainStep = Action<StepContext>(step))
            .AddLoss(Loss.parse "sparse_categorical_crossentropy")
            .AddMetric(Metric.parse "accuracy")
    )

    trainer

[<Fact>]
let ``A step written out trains to the bits of the step that is built in`` () =
    let whole = trained (mlp ())
    let expected = whole.Fit(x, y, options 2)

    let written (step: StepContext) =
        let outputs = step.Call step.Inputs
        let loss = step.ComputeLoss outputs
        step.Minimize loss
        step.UpdateMetrics outputs
        step.Track("loss", loss)

    let apart (step: StepContext) =
        let outputs = step.Call(step.Inputs, true)
        let loss = step.ComputeLoss outputs
        let variables = step.TrainableVariables
        step.Apply(step.Gradients(loss, variables), variables)
        step.UpdateMetrics outputs
        step.Track("loss", loss)

    for step in [ (fun (s: StepContext) -> s.Standard() |> ignore); written; apart ] do
        let trainer = withStep step
        let history = trainer.Fit(x, y, options 2)
        Assert.Equal<float seq>(expected["loss"], history["loss"])
        Assert.Equal<float seq>(expected["accuracy"], history["accuracy"])
        sameBits (whole.GetWeights()) (trainer.GetWeights())

let private pair () =
    let network (inputs: int) (layers: Layer list) = Network.sequential (Network.input [ inputs ]) layers

    Network.ofParts
        [ "generator", network 3 [ Layer.dense 8 >>> Layer.relu; Layer.dense 2 ]
          "discriminator", network 2 [ Layer.dense 8 >>> Layer.relu; Layer.dense 1 ] ]

let private crossentropy (label: float) (logits: Expr) =
    // -log sigmoid of the logits, or of their negatives.
    Ops.meanAll (Ops.softplus (if label > 0.5 then Ops.neg logits else logits))

let private teachDiscriminator (optimizer: Optimizer) (step: StepContext) (real: Expr) (noise: Expr) =
    let fake = step.CallPart("generator", [| noise |])
    let onReal = step.CallPart("discriminator", [| real |])
    let onFake = step.CallPart("discriminator", fake)
    let loss = crossentropy 1.0 onReal[0] + crossentropy 0.0 onFake[0]
    step.Minimize(loss, step.VariablesOf "discriminator", step.UseOptimizer("discriminator", optimizer))
    loss

let private teachGenerator (optimizer: Optimizer) (step: StepContext) (noise: Expr) =
    let fake = step.CallPart("generator", [| noise |])
    let verdict = step.CallPart("discriminator", fake)
    let loss = crossentropy 1.0 verdict[0]
    step.Minimize(loss, step.VariablesOf "generator", step.UseOptimizer("generator", optimizer))
    loss

[<Fact>]
let ``What comes after an update sees the new values`` () =
    let real, noise = tensor 1 [ 16; 2 ], tensor 2 [ 16; 3 ]
    let together, apart = Trainer.createWith 3UL (pair ()), Trainer.createWith 3UL (pair ())

    let both =
        together.Function(fun step ->
            let first = teachDiscriminator (Optimizer.sgd 0.1) step step.Inputs[0] step.Inputs[1]
            let second = teachGenerator (Optimizer.sgd 0.1) step step.Inputs[1]
            [| first; second |])

    let discriminate =
        apart.Function(fun step -> [| teachDiscriminator (Optimizer.sgd 0.1) step step.Inputs[0] step.Inputs[1] |])
    let generate = apart.Function(fun step -> [| teachGenerator (Optimizer.sgd 0.1) step step.Inputs[0] |])

    for _ in 1..3 do
        both.Run(real, noise)
        discriminate.Run(real, noise)
        generate.Run noise
        Assert.Equal(discriminate.Scalar 0, both.Scalar 0, 5)
        Assert.Equal(generate.Scalar 0, both.Scalar 1, 5)

    for a, b in Seq.zip (together.GetWeights()) (apart.GetWeights()) do
        Close.close 1e-5 1e-6 (a.Value.ToDoubles()) (b.Value.ToDoubles())

    Assert.Equal(1, both.Traces)

[<Fact>]
let ``An adversarial pair learns a distribution by fit, and its parts are models of their own`` () =
    let trainer = Trainer.createWith 5UL (pair ())

    trainer.Compile(
        TrainingOptions(
            TrainStep =
                Action<StepContext>(fun step ->
                    let noise = step.RandomNormal("noise", Shape.Of(step.BatchSize, 3))
                    step.Track("d_loss", teachDiscriminator (Optimizer.adam 0.01) step step.Inputs[0] noise)
                    step.Track("g_loss", teachGenerator (Optimizer.adam 0.005) step noise))
        )
    )

    // Points around (3, -2).
    let cloud =
        Tensor.OfDoubles(
            DType.Float32,
            Shape.Of(256, 2),
            numbers 4 512 |> Array.mapi (fun i v -> 0.1 * v + (if i % 2 = 0 then 3.0 else -2.0))
        )

    let history =
        trainer.Fit(
            TrainingData([| cloud |], [||]),
            FitOptions(Epochs = 40, BatchSize = 32, Verbosity = Verbosity.Silent)
        )
    Assert.Equal<string seq>([ "d_loss"; "g_loss" ], history.Names)
    let generator = trainer.Part "generator"
    let points = (generator.Predict(tensor 9 [ 200; 3 ])).ToDoubles()
    let mean (axis: int) = Seq.init 200 (fun i -> points[2 * i + axis]) |> Seq.average
    Assert.InRange(mean 0, 1.5, 4.5)
    Assert.InRange(mean 1, -3.5, -0.5)
    // The part has the weights of the whole.
    generator.Initialize 99UL
    Assert.True((trainer.GetWeights()[0]).Value.BitEquals (generator.GetWeights()[0]).Value)

[<Fact>]
let ``An autoencoder is fitted without targets and predicts with a step of its own`` () =
    let network =
        Network.sequential (Network.input [ 6 ]) [ Layer.dense 3 |> Layer.named "code"; Layer.dense 6 ]

    let trainer = Trainer.createWith 2UL network

    let error (step: StepContext) =
        let outputs = step.Call step.Inputs
        Ops.meanAll (Ops.square (outputs[0] - step.Inputs[0]))

    trainer.Compile(
        TrainingOptions(
            Optimizer = Optimizer.adam 0.01,
            TrainStep =
                Action<StepContext>(fun step ->
                    let loss = error step
                    step.Minimize loss
                    step.Track("reconstruction", loss)),
            TestStep = Action<StepContext>(fun step -> step.Track("reconstruction", error step)),
            PredictStep = Func<StepContext, Expr[]>(fun step -> step.CallPart("code", step.Inputs))
        )
    )

    let data = TrainingData([| x |], [||])
    let settings = options 30
    settings.ValidationData <- data
    let history = trainer.Fit(data, settings)
    Assert.True(history["reconstruction"][29] < 0.7 * history["reconstruction"][0])
    let logs = trainer.Evaluate(data, EvaluateOptions())
    Assert.Equal(history["val_reconstruction"][29], logs["reconstruction"], 5)
    Assert.Equal(Shape.Of(50, 3), (trainer.Predict x).Shape)

let private regression () =
    let trainer =
        Trainer.createWith
            4UL
            (Network.sequential (Network.input [ 6 ]) [ Layer.dense 4 >>> Layer.relu; Layer.dense 1 ])
    trainer.Compile(TrainingOptions(Optimizer = Optimizer.adam 0.02).AddLoss(Loss.parse "mse"))
    trainer

let private squares (step: StepContext) =
    let outputs = step.Call [| step.Inputs[0] |]
    Ops.meanAll (Ops.square (outputs[0] - step.Inputs[1]))

[<Fact>]
let ``A loop of one's own trains as fit does and allocates nothing`` () =
    let target = tensor 8 [ 50; 1 ]
    let fitted, looped = regression (), regression ()
    fitted.Fit(
        TrainingData(x, target),
        FitOptions(Epochs = 2, BatchSize = 25, Shuffle = false, Verbosity = Verbosity.Silent)
    )
    |> ignore

    let step =
        looped.Function(fun step ->
            let loss = squares step
            step.Minimize loss
            [| loss |])

    let batches = [| for i in 0..1 -> struct (x.Rows(25 * i, 25), target.Rows(25 * i, 25)) |]

    for _ in 1..2 do
        for struct (a, b) in batches do
            step.Run(a, b)

    // The mean of all squares is summed in another order than the mean of the rows' means.
    for a, b in Seq.zip (fitted.GetWeights()) (looped.GetWeights()) do
        Close.close 1e-5 1e-6 (a.Value.ToDoubles()) (b.Value.ToDoubles())

    Assert.Equal(1, step.Traces)
    Assert.Equal(4L, looped.Iterations)
    let arguments = (let struct (a, b) = batches[0] in [| a; b |])
    let run () = step.Run arguments
    run ()
    let before = GC.GetAllocatedBytesForCurrentThread()

    for _ in 1..50 do
        run ()

    // The object that holds the trainer while it runs is all there may be.
    Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0L, 50L * 64L)

[<Fact>]
let ``Gradients as tensors, applied, are an update`` () =
    let target = tensor 8 [ 50; 1 ]
    let fitted, taped = regression (), regression ()
    let tape = taped.GradientFunction(fun step -> squares step)

    for _ in 1..3 do
        fitted.TrainOnBatch(TrainingData(x, target)) |> ignore
        let found = tape.Compute(x, target)
        Assert.Equal(4, found.Gradients.Count)
        taped.ApplyGradients found.Gradients

    for a, b in Seq.zip (fitted.GetWeights()) (taped.GetWeights()) do
        Close.close 1e-6 1e-7 (a.Value.ToDoubles()) (b.Value.ToDoubles())

    Assert.Equal(3L, taped.Iterations)
    // A gradient is what a small change of the weight does.
    let found = tape.Compute(x, target)
    let path = found.Gradients[0].Key
    let weights = taped.GetWeights()
    let moved = weights[0].Value.ToDoubles()
    moved[0] <- moved[0] + 1e-3
    taped.SetWeights [| KeyValuePair(path, Tensor.OfDoubles(DType.Float32, weights[0].Value.Shape, moved)) |]
    let slope = (tape.Compute(x, target).Loss - found.Loss) / 1e-3
    Assert.Equal(found.Gradients[0].Value.ToDoubles()[0], slope, 2)

[<Fact>]
let ``A moving average of a model follows it`` () =
    let net () = Network.sequential (Network.input [ 6 ]) [ Layer.dense 1 ]
    let trainer = Trainer.createWith 4UL (Network.ofParts [ "online", net (); "target", net () ])

    let step =
        trainer.Function(fun step ->
            let loss =
                Ops.meanAll (Ops.square ((step.CallPart("online", [| step.Inputs[0] |]))[0] - step.Inputs[1]))
            let online, average = step.VariablesOf "online", step.VariablesOf "target"
            step.Minimize(loss, online, step.UseOptimizer("sgd", Optimizer.sgd 0.1))

            for o, a in Array.zip online average do
                step.Assign(a, 0.9 * a.Value + 0.1 * o.Value)

            [| loss |])

    let value (path: string) = (trainer.GetWeights() |> Seq.find (fun pair -> pair.Key = path)).Value.ToDoubles()

    let before = value "target/dense/kernel"
    step.Run(x, tensor 8 [ 50; 1 ])
    let expected = Array.map2 (fun a o -> 0.9 * a + 0.1 * o) before (value "online/dense/kernel")
    Close.close 1e-6 1e-7 expected (value "target/dense/kernel")

[<Fact>]
let ``Freezing takes variables out of steps that were compiled before`` () =
    let trainer = regression ()
    let seen = ResizeArray<int>()

    let step =
        trainer.Function(fun step ->
            seen.Add step.TrainableVariables.Length
            let loss = squares step
            step.Minimize loss
            [| loss |])

    let target = tensor 8 [ 50; 1 ]
    step.Run(x, target)
    trainer.Freeze("dense", true)
    let before = trainer.GetWeights()
    step.Run(x, target)
    Assert.Equal<int seq>([ 4; 2 ], seen)
    Assert.True(before[0].Value.BitEquals (trainer.GetWeights()[0]).Value)
    Assert.False(before[2].Value.BitEquals (trainer.GetWeights()[2]).Value)

[<Fact>]
let ``A training with a step of its own goes on from a file to the same bits`` () =
    inFolder (fun folder ->
        let path = Path.Combine(folder, "m.fnet")

        let make () =
            let trainer = Trainer.createWith 5UL (pair ())

            trainer.Compile(
                TrainingOptions(
                    TrainStep =
                        Action<StepContext>(fun step ->
                            let noise = step.RandomNormal("noise", Shape.Of(step.BatchSize, 3))
                            step.Track(
                                "loss",
                                teachDiscriminator (Optimizer.adam 0.01) step step.Inputs[0] noise
                                + teachGenerator (Optimizer.adam 0.005) step noise
                            ))
                )
            )

            trainer

        let data = TrainingData([| tensor 1 [ 40; 2 ] |], [||])
        let whole = make ()
        whole.Fit(data, options 2) |> ignore
        let part = make ()
        part.Fit(data, options 1) |> ignore
        part.Save path
        Assert.False (Trainer.Load path).IsCompiled
        let again = make ()
        again.Restore path
        let rest = options 2
        rest.InitialEpoch <- 1
        again.Fit(data, rest) |> ignore
        sameBits (whole.GetWeights()) (again.GetWeights()))

[<Fact>]
let ``What does not fit is said when the step is described`` () =
    let refused (describe: StepContext -> unit) =
        let trainer = Trainer.createWith 1UL (pair ())
        let step =
            trainer.Function(fun step ->
                describe step
                [||])
        Assert.ThrowsAny<FunctionalNetException>(fun () -> step.Run(tensor 1 [ 4; 2 ])) |> ignore

    refused (fun step -> step.CallPart("critic", step.Inputs) |> ignore)
    refused (fun step -> step.VariablesOf "critic" |> ignore)
    // Not compiled: there is no optimizer, no loss.
    refused (fun step -> step.Minimize(Ops.meanAll step.Inputs[0]))
    refused (fun step -> step.ComputeLoss step.Inputs |> ignore)
    refused (fun step -> step.Gradients(step.Inputs[0], step.TrainableVariables) |> ignore)
    refused (fun step -> step.Assign(step.Variables[0], step.Inputs[0]))

    refused (fun step -> step.Apply([||], step.TrainableVariables, step.UseOptimizer("a", Optimizer.sgd 0.1)))

    refused (fun step ->
        step.Track("a", Ops.meanAll step.Inputs[0])
        step.Track("a", Ops.meanAll step.Inputs[0]))

    let trainer = regression ()
    Assert.Throws<ArgumentValueException>(fun () -> trainer.Part "dense" |> ignore) |> ignore
    let none = trainer.Function(fun step -> [| Ops.meanAll step.Inputs[0] |])
    Assert.Throws<NotReadyException>(fun () -> none.Scalar 0 |> ignore) |> ignore

[<Fact>]
let ``Parts of a layer of one's own have paths, and weights of their own or in common`` () =
    let once, twice = Layer.dense 6, Layer.dense 6

    let own =
        Layer.create "Own" (fun scope x ->
            x |> Layer.invoke scope once |> Layer.invoke scope twice |> Layer.invoke scope twice)

    let trainer = Trainer.create (Network.sequential (Network.input [ 6 ]) [ own; Layer.dense 1 ])
    let paths = trainer.GetWeights() |> Seq.map (fun pair -> pair.Key)

    Assert.Equal<string seq>(
        [ "own/dense/kernel"
          "own/dense/bias"
          "own/dense_1/kernel"
          "own/dense_1/bias"
          "dense/kernel"
          "dense/bias" ],
        paths
    )

[<Fact>]
let ``A layer shared at the root keeps its place inside a nested network through JSON`` () =
    let shared () = Layer.dense 6 |> Layer.shared "common"
    let inner =
        Network.sequential (Network.input [ 6 ]) [ shared (); Layer.dense 6 ] |> Network.named "inner"
    let input = Network.input [ 6 ]
    let output = input |> Network.apply (shared ()) |> Network.apply (Network.asLayer inner)
    let network = Network.create [ input ] [ output ]
    let paths (network: Network) = Network.variables network |> Array.map (fun spec -> spec.Path)
    Assert.Equal<string[]>(
        [| "common/kernel"; "common/bias"; "inner/dense/kernel"; "inner/dense/bias" |],
        paths network
    )
    Assert.Equal<string[]>(paths network, paths (Network.ofJson (Network.toJson network)))
