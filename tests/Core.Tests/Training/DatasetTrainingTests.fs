module FunctionalNet.Tests.Training.DatasetTrainingTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit
open Samples

let private x, y = tensor 1 [ 50; 6 ], labels 2 3 50

let private inOrder (epochs: int) =
    FitOptions(Epochs = epochs, BatchSize = 16, Shuffle = false, Verbosity = Verbosity.Silent)

[<Fact>]
let ``A dataset in order trains to the bits of the tensors it is made of`` () =
    let whole, streamed = trained (mlp ()), trained (mlp ())
    let a = whole.Fit(x, y, inOrder 3)
    let b = streamed.Fit(Dataset.ofTensors x y |> Dataset.batch 16 |> Dataset.prefetch 2, inOrder 3)
    Assert.Equal<float seq>(a["loss"], b["loss"])
    Assert.Equal<float seq>(a["accuracy"], b["accuracy"])
    sameBits (whole.GetWeights()) (streamed.GetWeights())
    let logs = whole.Evaluate(TrainingData(x, y), EvaluateOptions(BatchSize = 16))
    Assert.Equal(logs["loss"], (streamed.Evaluate((Dataset.ofTensors x y).Batch 16, EvaluateOptions()))["loss"])

    let outputs = streamed.Predict((Dataset.FromTensors x).Batch 16, EvaluateOptions())

    let direct = streamed.Predict([| x |], EvaluateOptions(BatchSize = 16))
    Assert.True(direct[0].BitEquals outputs[0])

[<Fact>]
let ``Training on a shuffled dataset resumes from a file to the same bits`` () =
    inFolder (fun folder ->
        let path = Path.Combine(folder, "m.fnet")
        let batches () = (Dataset.ofTensors x y).Shuffle(50, 3).Batch(16)
        let whole = trained (mlp ())
        whole.Fit(batches (), inOrder 3) |> ignore
        let part = trained (mlp ())
        part.Fit(batches (), inOrder 1) |> ignore
        part.Save path
        let again = Trainer.Load path
        let options = inOrder 3
        options.InitialEpoch <- 1
        again.Fit(batches (), options) |> ignore
        sameBits (whole.GetWeights()) (again.GetWeights()))

[<Fact>]
let ``Steps of an epoch go on where the last epoch ended`` () =
    let seen = ResizeArray<float>()

    let data =
        (Dataset.FromTensors(
            Tensor.OfDoubles(DType.Float32, Shape.Of(10, 6), Array.init 60 (fun i -> float (i / 6))),
            labels 2 3 10
        ))
            .Map(fun (struct (a: Tensor, b: Tensor)) ->
                seen.Add(a.ToDoubles()[0])
                struct (a, b))
            .Batch(1)

    let trainer = trained (mlp ())
    let options = inOrder 3
    options.StepsPerEpoch <- 4
    trainer.Fit(data, options) |> ignore
    Assert.Equal<float seq>([ 0.0; 1.0; 2.0; 3.0; 4.0; 5.0; 6.0; 7.0; 8.0; 9.0; 0.0; 1.0 ], seen)
    Assert.Equal(12L, trainer.Iterations)

    Assert.Throws<ArgumentValueException>(fun () -> trainer.Fit(data.Repeat(), inOrder 1) |> ignore)
    |> ignore

[<Fact>]
let ``Validation reads its dataset anew each time, or some steps of it`` () =
    let trainer = trained (mlp ())
    let options = inOrder 2
    options.ValidationDataset <- (Dataset.FromTensors(TrainingData(x, y))).Batch 10
    let history = trainer.Fit(x, y, options)
    Assert.Equal((trainer.Evaluate(x, y))["loss"], history["val_loss"][1], 6)
    options.ValidationSteps <- 2
    let history = trainer.Fit((Dataset.ofTensors x y).Batch 16, options)
    Assert.Equal((trainer.Evaluate(x.Rows(0, 20), y.Rows(0, 20)))["loss"], history["val_loss"][1], 6)

[<Fact>]
let ``Wrong batches are named by their number`` () =
    let bad = x.ToArray<float32>()
    bad[6 * 20] <- nanf
    let data = (Dataset.ofTensors (Tensor.Of(x.Shape, bad)) y).Batch 16
    let error = Assert.Throws<DataException>(fun () -> (trained (mlp ())).Fit(data, inOrder 1) |> ignore)
    Assert.Equal(1, error.Batch)

    let empty = (Dataset.ofTensors x y).Filter(fun _ -> false).Batch 4
    Assert.Throws<DataException>(fun () -> (trained (mlp ())).Fit(empty, inOrder 1) |> ignore) |> ignore

    let failing =
        (Dataset.ofTensors x y).Map(fun (pair: struct (Tensor * Tensor)) -> (failwith "no": struct (Tensor * Tensor)))
    let trainer = trained (mlp ())
    let before = trainer.GetWeights()
    Assert.Throws<DataPipelineException>(fun () -> trainer.Fit(failing.Batch 4, inOrder 1) |> ignore)
    |> ignore
    sameBits before (trainer.GetWeights())

[<Fact>]
let ``Cancelling stops a training that waits for data, and its threads`` () =
    use stop = new CancellationTokenSource()
    let closed = ref 0

    let endless =
        Dataset.FromGenerator(fun () ->
            seq {
                try
                    yield struct (x.Rows(0, 8), y.Rows(0, 8))
                    stop.CancelAfter 1
                    stop.Token.WaitHandle.WaitOne() |> ignore

                    while true do
                        yield struct (x.Rows(0, 8), y.Rows(0, 8))
                finally
                    Interlocked.Increment closed |> ignore
            })

    let trainer = trained (mlp ())
    let options = inOrder 1
    options.Cancellation <- stop.Token
    Assert.ThrowsAny<OperationCanceledException>(fun () -> trainer.Fit(endless.Prefetch 1, options) |> ignore)
    |> ignore
    Assert.Equal(1, closed.Value)
    // The trainer is free again.
    trainer.Fit(x, y, inOrder 1) |> ignore

[<Fact>]
let ``Class weights of batches are those of all the data`` () =
    let weights = Dictionary<int, float>(dict [ 0, 2.0; 2, 0.5 ])
    let options () = FitOptions(BatchSize = 16, Shuffle = false, Verbosity = Verbosity.Silent, ClassWeight = weights)
    let a, b = trained (mlp ()), trained (mlp ())
    a.Fit(x, y, options ()) |> ignore
    b.Fit((Dataset.ofTensors x y).Batch 16, options ()) |> ignore
    sameBits (a.GetWeights()) (b.GetWeights())

let private twoHeads () =
    let input name size = Network.inputWith { Name = name; Shape = [ size ]; DType = DType.Float32; BatchSize = None }

    let left, right = input "left" 4, input "right" 2
    let both = Network.merge Layer.concatenate [ left; right ]
    let number = both |> Network.apply (Layer.dense 1 |> Layer.named "number")
    let kind = both |> Network.apply (Layer.dense 3 >>> Layer.softmax |> Layer.named "kind")
    Network.create [ left; right ] [ number; kind ]

let private named (pairs: (string * Tensor) list) : IReadOnlyDictionary<string, Tensor> =
    Dictionary<string, Tensor>(dict pairs)

[<Fact>]
let ``Names and order give the same training`` () =
    let left, right = tensor 1 [ 20; 4 ], tensor 2 [ 20; 2 ]
    let number, kind = tensor 3 [ 20; 1 ], labels 4 3 20
    let weights = Tensor.OfDoubles(DType.Float32, Shape.Of 20, Array.init 20 (fun i -> float (i % 3)))
    let crossentropy () = Loss.parse "sparse_categorical_crossentropy"

    let byOrder =
        Trainer.createWith 5UL (twoHeads ())
        |> Trainer.compileWith (
            TrainingOptions(Optimizer = Optimizer.adam 0.01)
                .AddLoss(0, Loss.parse "mse", 0.5)
                .AddLoss(1, crossentropy (), 2.0)
                .AddMetric(1, Metric.parse "accuracy", true)
        )

    let byName =
        Trainer.createWith 5UL (twoHeads ())
        |> Trainer.compileWith (
            TrainingOptions(Optimizer = Optimizer.adam 0.01)
                .AddLoss("number", Loss.parse "mse", 0.5)
                .AddLoss("kind", crossentropy (), 2.0)
                .AddMetric("kind", Metric.parse "accuracy", true)
        )

    let ones = Tensor.Full(DType.Float32, Shape.Of 20, 1.0)
    let a = byOrder.Fit(TrainingData([| left; right |], [| number; kind |], [| ones; weights |]), inOrder 2)

    let data =
        TrainingData(
            named [ "right", right; "left", left ],
            named [ "kind", kind; "number", number ],
            named [ "kind", weights ]
        )

    let b = byName.Fit(data, inOrder 2)
    Assert.Equal<string seq>(a.Names, b.Names)
    Assert.Contains("number_loss", a.Names)
    Assert.Contains("kind_accuracy", a.Names)

    for name in a.Names do
        for p, q in Seq.zip a[name] b[name] do
            Assert.Equal(p, q, 5)

    // Names travel through a pipeline.
    let c = Trainer.createWith 5UL (twoHeads ())
    c.Compile(
        TrainingOptions(Optimizer = Optimizer.adam 0.01)
            .AddLoss("number", Loss.parse "mse", 0.5)
            .AddLoss("kind", crossentropy (), 2.0)
    )
    let history = c.Fit((Dataset.FromTensors data).Batch 16, inOrder 2)
    Assert.Equal(b["loss"][1], history["loss"][1])

[<Fact>]
let ``A target that nothing asks for may be missing, others may not`` () =
    let left, right = tensor 1 [ 20; 4 ], tensor 2 [ 20; 2 ]
    let inputs = named [ "left", left; "right", right ]
    let trainer = Trainer.create (twoHeads ())
    trainer.Compile(TrainingOptions().AddLoss("kind", Loss.parse "sparse_categorical_crossentropy", 1.0))
    trainer.Fit(TrainingData(inputs, named [ "kind", labels 4 3 20 ]), inOrder 1) |> ignore

    let refused (data: TrainingData) =
        Assert.ThrowsAny<FunctionalNetException>(fun () -> trainer.Fit(data, inOrder 1) |> ignore)

    Assert.Contains("kind", (refused (TrainingData(inputs, named [ "number", tensor 3 [ 20; 1 ] ]))).Path)
    Assert.Contains("kind", (refused (TrainingData(inputs, named [ "kinds", labels 4 3 20 ]))).Hint)
    refused (TrainingData(named [ "left", left ], named [ "kind", labels 4 3 20 ])) |> ignore
    Assert.Throws<ArgumentValueException>(fun () ->
        trainer.Compile(TrainingOptions().AddLoss("kinds", Loss.parse "mse", 1.0)))
    |> ignore

[<Fact>]
let ``Class weights of an output by name weigh that output only`` () =
    let data =
        TrainingData([| tensor 1 [ 20; 4 ]; tensor 2 [ 20; 2 ] |], [| tensor 3 [ 20; 1 ]; labels 4 3 20 |])

    let run (weight: float) =
        let trainer = Trainer.createWith 5UL (twoHeads ())
        trainer.Compile(
            TrainingOptions()
                .AddLoss(0, Loss.parse "mse", 1.0)
                .AddLoss(1, Loss.parse "sparse_categorical_crossentropy", 1.0)
        )
        let classes: IReadOnlyDictionary<int, float> =
            Dictionary<int, float>(dict [ for k in 0..2 -> k, weight ])
        let options = inOrder 1
        options.BatchSize <- 20
        options.OutputClassWeights <- Dictionary<string, IReadOnlyDictionary<int, float>>(dict [ "kind", classes ])
        let history = trainer.Fit(data, options)
        history["number_loss"][0], history["kind_loss"][0]

    let n1, k1 = run 1.0
    let n3, k3 = run 3.0
    Assert.Equal(n1, n3, 6)
    Assert.Equal(3.0 * k1, k3, 4)

[<Fact>]
let ``Several steps per execution call callbacks less often and train the same`` () =
    let batches = ResizeArray<int>()

    let run steps =
        let trainer = trained (mlp ())
        trainer.Compile(
            TrainingOptions(Optimizer = Optimizer.adam 0.01, StepsPerExecution = steps)
                .AddLoss(Loss.parse "sparse_categorical_crossentropy")
        )
        let options = inOrder 1
        options.Callbacks <- [| LambdaCallback(onTrainBatchEnd = (fun batch _ -> batches.Add batch)) |]
        trainer.Fit(x, y, options) |> ignore
        trainer.GetWeights()

    let one = run 1
    Assert.Equal<int seq>([ 0; 1; 2; 3 ], batches)
    batches.Clear()
    sameBits one (run 3)
    Assert.Equal<int seq>([ 2; 3 ], batches)
