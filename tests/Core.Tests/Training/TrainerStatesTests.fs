module FunctionalNet.Tests.Training.TrainerStatesTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Tests.Support
open Samples

[<Fact>]
let ``figures of single batches go on as in Keras until they are reset`` () =
    // keras/src/trainers/trainer_test.py, test_on_batch_methods: its model, data and figures.
    let ones = { Dense.options 3 with UseBias = false; Kernel = Weight.startingFrom Initializer.ones }
    let network = Network.sequential (Network.input [ 4 ]) [ Layer.denseWith ones ]
    let trainer =
        Trainer.create network
        |> Trainer.compile (Optimizer.sgd 0.01) (Loss.parse "mse") [ Metric.parse "mse" ]
    let x = Tensor.Full(DType.Float32, Shape.Of(100, 4), 1.0)
    let y = Tensor.Zeros(DType.Float32, Shape.Of(100, 3))
    let weights = Tensor.OfDoubles(DType.Float32, Shape.Of 100, Array.init 100 (fun i -> float i / 50.0))
    let train () = trainer.TrainOnBatch(TrainingData(x, y))["loss"]
    let test () = trainer.TestOnBatch(TrainingData(x, y))["loss"]
    Assert.Equal(16.0, train (), 1e-5)
    Assert.Equal(15.579, train (), 5e-4)
    Assert.Equal(15.173, test (), 5e-4)
    Assert.Equal(14.97, test (), 5e-4)
    let predicted = trainer.Predict x
    Assert.Equal(3.789511, predicted.ToDoubles()[0], 1e-5)
    Assert.Equal(14.819, trainer.TrainOnBatch(TrainingData(x, y, weights))["loss"], 5e-4)
    Assert.Equal(14.595, trainer.TestOnBatch(TrainingData(x, y, weights))["loss"], 5e-4)
    Assert.Equal(3.689468, trainer.Predict(x).ToDoubles()[0], 1e-5)
    let classes = dict [ 1, 0.3; 0, 0.2 ] |> Collections.Generic.Dictionary
    Assert.Equal(12.899, trainer.TrainOnBatch(TrainingData(x, y), classes)["loss"], 5e-4)

    let result = trainer.GetMetricsResult()
    Assert.Equal(12.899, result["loss"], 5e-4)
    trainer.ResetMetrics()
    let now = trainer.Predict(x).ToDoubles()[0]
    Assert.Equal(now * now, test (), 1e-5)
    Assert.Equal(now * now, trainer.GetMetricsResult()["loss"], 1e-5)
    // An evaluation begins anew too, and so does what follows it.
    trainer.Evaluate(x, y) |> ignore
    Assert.Equal(now * now, test (), 1e-5)

[<Fact>]
let ``there are no figures before anything has run`` () =
    let trainer = trained (mlp ())
    Assert.Throws<NotReadyException>(fun () -> trainer.GetMetricsResult() |> ignore) |> ignore

let private x, y = tensor 1 [ 50; 6 ], labels 2 3 50

[<Fact>]
let ``a state tree has every variable once, under Keras's four heads`` () =
    let trainer = trained (mlp ())
    trainer.Fit(x, y, quiet ()) |> ignore
    let tree = trainer.GetStateTree()

    Assert.Equal<string>(
        [ "metrics_variables"; "non_trainable_variables"; "optimizer_variables"; "trainable_variables" ],
        tree.Paths |> Seq.map (fun p -> (p.Split '/')[0]) |> Seq.distinct
    )

    let weights = trainer.GetWeights()

    for pair in weights do
        let head = if pair.Key.Contains "moving" then "non_trainable_variables" else "trainable_variables"

        Assert.True((tree.[head].At(pair.Key)).BitEquals(pair.Value), pair.Key)

    Assert.Equal(weights.Count, tree["trainable_variables"].Count + tree["non_trainable_variables"].Count)
    Assert.Equal(2.0, (tree["optimizer_variables"].At "iterations").ToDoubles()[0])
    Assert.Equal(0.01, (tree["optimizer_variables"].At "learning_rate").ToDoubles()[0])
    Assert.Equal(50.0, (tree.At "metrics_variables/loss/count").ToDoubles()[0])
    // A frozen layer moves to the others.
    trainer.Freeze("dense", true)
    let tree = trainer.GetStateTree()
    Assert.Contains("dense/kernel", tree.["non_trainable_variables"].Paths)

[<Fact>]
let ``training goes on from a state tree to the same bits`` () =
    let a, b = trained (mlp ()), trained (mlp ())
    let step (t: Trainer) (i: int) = t.TrainOnBatch(TrainingData(x.Rows(i, 10), y.Rows(i, 10))) |> ignore

    for i in 0..2 do
        step a (i * 10)

    a.LearningRate <- 0.02
    step b 0
    b.SetStateTree(a.GetStateTree())
    Assert.Equal(a.Iterations, b.Iterations)
    Assert.Equal(0.02, b.LearningRate)
    Assert.Equal(a.GetMetricsResult()["loss"], b.GetMetricsResult()["loss"])
    step a 30
    step b 30
    sameBits (a.GetWeights()) (b.GetWeights())
    Assert.Equal(a.GetMetricsResult()["loss"], b.GetMetricsResult()["loss"])

[<Fact>]
let ``a tree that does not fit sets nothing`` () =
    let trainer = trained (mlp ())
    let before = trainer.GetWeights()
    let zeros = Tensor.Zeros(DType.Float32, Shape.Of(6, 16))

    let tree (path: string) (value: Tensor) =
        Nested<Tensor>.OfPaths
            [| Collections.Generic.KeyValuePair("trainable_variables/dense/kernel", zeros)
               Collections.Generic.KeyValuePair(path, value) |]

    Assert.Throws<ArgumentValueException>(fun () -> trainer.SetStateTree(tree "trainable_variables/dense/weight" zeros))
    |> ignore

    Assert.Throws<ShapeException>(fun () -> trainer.SetStateTree(tree "trainable_variables/dense/bias" zeros))
    |> ignore

    sameBits before (trainer.GetWeights())
    trainer.SetStateTree(
        Nested<Tensor>.OfPaths [| Collections.Generic.KeyValuePair("trainable_variables/dense/kernel", zeros) |]
    )
    Assert.Equal(0.0, (weight 0 trainer).ToDoubles() |> Array.sumBy abs)
