namespace FunctionalNet.Tests.Training

open System
open System.Collections.Generic
open System.IO
open System.Threading
open System.Threading.Tasks
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Support
open Xunit

/// Small networks and data for the tests of training.
module Samples =

    /// Numbers that look random and are the same everywhere.
    let numbers (seed: int) (count: int) =
        let r = Random(seed)
        Array.init count (fun _ -> r.NextDouble() * 2.0 - 1.0)

    let tensor (seed: int) (shape: int list) =
        let shape = Shape.Of(List.toArray shape)
        Tensor.OfDoubles(DType.Float32, shape, numbers seed shape.Size)

    let labels (seed: int) (classes: int) (rows: int) =
        let r = Random(seed)
        Tensor.OfArray(Array.init rows (fun _ -> r.Next classes))

    let mlp () =
        Network.sequential
            (Network.input [ 6 ])
            [ Layer.dense 16 >>> Layer.relu
              Layer.dropout 0.3
              Layer.batchNormalization
              Layer.dense 3 >>> Layer.softmax ]

    let cnn () =
        Network.sequential
            (Network.input [ 8; 8; 1 ])
            [ Layer.conv2D 4 [ 3; 3 ] >>> Layer.relu
              Layer.maxPooling2D [ 2; 2 ]
              Layer.dropout 0.25
              Layer.flatten
              Layer.dense 3 >>> Layer.softmax ]

    let quiet () = FitOptions(Verbosity = Verbosity.Silent)

    let compile (trainer: Trainer) =
        trainer
        |> Trainer.compile
            (Optimizer.adam 0.01)
            (Loss.parse "sparse_categorical_crossentropy")
            [ Metric.parse "accuracy" ]

    let trained (network: Network) = Trainer.createWith 7UL network |> compile

    let sameBits (a: IReadOnlyList<KeyValuePair<string, Tensor>>) (b: IReadOnlyList<KeyValuePair<string, Tensor>>) =
        Assert.Equal(a.Count, b.Count)

        for i in 0 .. a.Count - 1 do
            Assert.Equal(a[i].Key, b[i].Key)
            Assert.True(a[i].Value.BitEquals(b[i].Value), a[i].Key)

    /// One of the weights.
    let weight (index: int) (trainer: Trainer) =
        let all = trainer.GetWeights()
        all[index].Value

    let inFolder (act: string -> unit) =
        let folder = Directory.CreateTempSubdirectory("functionalnet-")

        try
            act folder.FullName
        finally
            folder.Delete true

open Samples

type TrainerTests() =

    static let sample = tensor 1 [ 50; 6 ]
    static let predictor = trained (mlp ())
    static let whole = predictor.Predict(sample).ToDoubles()
    let x, y = sample, labels 2 3 50

    [<Fact>]
    member _.``first values are the same drawn in parts or as a whole, at the start and anew``() =
        // A matrix of more than one part, the last of which is not full.
        let network = Network.sequential (Network.input [ 300 ]) [ Layer.dense 301; Layer.dense 5 ]

        let expect seed (trainer: Trainer) =
            let whole = Network.init seed network |> Array.map (fun (spec, value) -> KeyValuePair(spec.Path, value))

            Samples.sameBits (whole :> IReadOnlyList<_>) (trainer.GetWeights())
            Assert.Equal(300 * 301, whole[0].Value.Size)

        let trainer = Trainer.createWith 7UL network
        expect 7UL trainer
        trainer.Initialize 8UL
        expect 8UL trainer

    [<Fact>]
    member _.``Training makes the loss smaller``() =
        let trainer = trained (mlp ())
        let history = trainer.Fit(x, y, FitOptions(Epochs = 20, BatchSize = 16, Verbosity = Verbosity.Silent))
        Assert.Equal(20, history["loss"].Count)
        Assert.True(history["loss"][19] < 0.7 * history["loss"][0])
        Assert.Equal(20L * 4L, trainer.Iterations)

    [<Theory>]
    [<InlineData("mlp")>]
    [<InlineData("cnn")>]
    member _.``The same seed gives the same bits, on any number of threads``(kind: string) =
        let run threads =
            let before = Workers.Threads
            Workers.Threads <- threads

            try
                let network, x = if kind = "mlp" then mlp (), x else cnn (), tensor 3 [ 50; 8; 8; 1 ]

                let trainer = trained network
                trainer.Fit(x, y, FitOptions(Epochs = 2, BatchSize = 16, Verbosity = Verbosity.Silent)) |> ignore
                trainer.GetWeights()
            finally
                Workers.Threads <- before

        sameBits (run 1) (run 2)
        sameBits (run 2) (run 3)

    [<Fact>]
    member _.``Another seed gives other weights and another order``() =
        let first (seed: uint64) = Trainer.createWith seed (mlp ()) |> weight 0
        Assert.False((first 1UL).BitEquals(first 2UL))
        let order seed epoch =
            let o = Array.zeroCreate 100
            FunctionalNet.Training.Batches.shuffle seed epoch o
            o

        Assert.Equal<int[]>(order 1UL 0L, order 1UL 0L)
        Assert.NotEqual<int[]>(order 1UL 0L, order 1UL 1L)
        Assert.NotEqual<int[]>(order 1UL 0L, order 2UL 0L)
        Assert.Equal<int[]>([| 0..99 |], Array.sort (order 3UL 5L))

    [<Fact>]
    member _.``A training resumed from a file gives the same bits as one that was not interrupted``() =
        inFolder (fun folder ->
            let path = Path.Combine(folder, "model.fnet")
            let fit (epochs: int) (from: int) (trainer: Trainer) =
                trainer.Fit(
                    x,
                    y,
                    FitOptions(Epochs = epochs, InitialEpoch = from, BatchSize = 16, Verbosity = Verbosity.Silent)
                )

            let whole = trained (mlp ())
            let history = whole |> fit 3 0
            let part = trained (mlp ())
            part |> fit 1 0 |> ignore
            part.Save path
            let again = Trainer.Load path
            Assert.True again.IsCompiled
            Assert.Equal(part.Iterations, again.Iterations)
            sameBits (part.GetWeights()) (again.GetWeights())
            let rest = again |> fit 3 1
            sameBits (whole.GetWeights()) (again.GetWeights())
            // The history goes on too.
            Assert.Equal<float seq>(history["loss"], rest["loss"])
            Assert.Equal<float seq>(history["accuracy"], rest["accuracy"]))

    [<Fact>]
    member _.``A model with functions of the user's own resumes through Restore``() =
        inFolder (fun folder ->
            let path = Path.Combine(folder, "model.fnet")
            let loss = Loss.create "own" (fun t p -> Ops.mean [| -1 |] false (Ops.square (t - p)))
            let network () = Network.sequential (Network.input [ 6 ]) [ Layer.dense 1 ]
            let target = tensor 9 [ 50; 1 ]
            let make () = Trainer.createWith 3UL (network ()) |> Trainer.compile (Optimizer.adam 0.01) loss []
            let fit (t: Trainer) = t.Fit(x, target, quiet ()) |> ignore
            let a = make ()
            fit a
            a.Save path
            fit a
            let b = make ()
            b.Restore path
            fit b
            sameBits (a.GetWeights()) (b.GetWeights())
            Assert.False((Trainer.Load path).IsCompiled))

    [<Fact>]
    member _.``Weights travel through either kind of file``() =
        inFolder (fun folder ->
            let model, weights = Path.Combine(folder, "m.fnet"), Path.Combine(folder, "w.safetensors")
            let a = trained (mlp ())
            a.Save model
            a.SaveWeights weights

            for path in [ model; weights ] do
                let b = Trainer.createWith 99UL (mlp ())
                b.LoadWeights path
                sameBits (a.GetWeights()) (b.GetWeights())

            let other = Trainer.create (cnn ())
            let before = other.GetWeights()
            Assert.Throws<ModelFormatException>(fun () -> other.LoadWeights weights) |> ignore
            sameBits before (other.GetWeights()))

    [<Fact>]
    member _.``Damaged files are refused``() =
        inFolder (fun folder ->
            let path = Path.Combine(folder, "m.fnet")
            (trained (mlp ())).Save path
            let bytes = File.ReadAllBytes path

            for part in [ 0; 1; bytes.Length / 3; bytes.Length - 1 ] do
                File.WriteAllBytes(path, bytes[.. part - 1])
                Assert.Throws<ModelFormatException>(fun () -> Trainer.Load path |> ignore) |> ignore

            let random = Random 5

            for _ in 1..60 do
                let damaged = Array.copy bytes
                let at = random.Next bytes.Length
                damaged[at] <- damaged[at] ^^^ byte (1 + random.Next 255)
                File.WriteAllBytes(path, damaged)

                try
                    Trainer.Load path |> ignore
                with :? FunctionalNetException ->
                    ()

            Assert.Throws<ModelFormatException>(fun () -> Trainer.Load(Path.Combine(folder, "none.fnet")) |> ignore)
            |> ignore)

    [<Property>]
    member _.``Predicting a batch is predicting its parts``(a: uint16, b: uint16, size: uint16) =
        let first = int a % 49
        let count = min (1 + int b % 50) (50 - first)
        let options = EvaluateOptions(BatchSize = 1 + int size % 50)
        let part = predictor.Predict([| x.Rows(first, count) |], options)
        let right = whole[first * 3 .. (first + count) * 3 - 1]
        (Close.difference 1e-5 1e-7 right (part[0].ToDoubles())).IsNone

    [<Fact>]
    member _.``Predicting from span to span``() =
        let trainer = trained (mlp ())
        let expected = (trainer.Predict x).ToArray<float32>()
        let output = Array.zeroCreate<float32> 150
        trainer.PredictInto(x.AsSpan<float32>(), Span<float32>(output))
        Close.close 1e-6 1e-7 (Array.map float expected) (Array.map float output)
        Assert.Throws<ShapeException>(fun () ->
            trainer.PredictInto(ReadOnlySpan<float32>(Array.zeroCreate 7), Span<float32>(output)))
        |> ignore
        Assert.Throws<ShapeException>(fun () ->
            trainer.PredictInto(x.AsSpan<float32>(), Span<float32>(Array.zeroCreate 3)))
        |> ignore
        // More rows than one part.
        let many = tensor 4 [ 300; 6 ]
        let output = Array.zeroCreate<float32> 900
        trainer.PredictInto(many.AsSpan<float32>(), Span<float32>(output))
        Close.close 1e-5 1e-7 (trainer.Predict(many).ToDoubles()) (Array.map float output)

    [<Fact>]
    member _.``Prediction from many threads at once``() =
        let trainer = trained (mlp ())
        let expected = trainer.Predict(x).ToDoubles()
        let failures = ref 0

        Parallel.For(
            0,
            64,
            ParallelOptions(MaxDegreeOfParallelism = 8),
            fun i ->
                let first = i % 40
                let part = trainer.Predict(x.Rows(first, 10)).ToDoubles()
                let output = Array.zeroCreate<float32> 30
                trainer.PredictInto(x.Rows(first, 10).AsSpan<float32>(), Span<float32>(output))
                let right = expected[first * 3 .. first * 3 + 29]

                if
                    (Close.difference 1e-5 1e-7 right part).IsSome
                    || (Close.difference 1e-5 1e-7 right (Array.map float output)).IsSome
                then
                    Interlocked.Increment failures |> ignore
        )
        |> ignore

        Assert.Equal(0, failures.Value)

    [<Fact>]
    member _.``Frozen layers keep their weights, and unfrozen ones move again``() =
        let trainer = trained (mlp ())
        trainer.Fit(x, y, quiet ()) |> ignore
        trainer.Freeze("batch_normalization", true)
        trainer.Freeze("dense", true)
        let before = trainer.GetWeights()
        trainer.Fit(x, y, quiet ()) |> ignore
        let after = trainer.GetWeights()

        for i in 0 .. before.Count - 1 do
            let frozen = before[i].Key.StartsWith "dense/" || before[i].Key.StartsWith "batch_normalization/"
            Assert.Equal(frozen, before[i].Value.BitEquals(after[i].Value))

        trainer.Freeze("dense", false)
        trainer.Fit(x, y, quiet ()) |> ignore
        Assert.False(after[0].Value.BitEquals(weight 0 trainer))
        Assert.Throws<ArgumentValueException>(fun () -> trainer.Freeze("dens", true)) |> ignore

    [<Fact>]
    member _.``A penalty on outputs is part of the loss, summed over the batch``() =
        let layers = [ Layer.activityRegularization 0.0 0.5; Layer.dense 1 ]
        let trainer = Trainer(Network.sequential (Network.input [ 2 ]) layers)
        trainer.Compile(TrainingOptions(Optimizer = Optimizer.sgd 0.0).AddLoss(Loss.meanSquaredError))
        trainer.SetWeights [| Tensor.Zeros(DType.Float32, Shape.Of(2, 1)); Tensor.Zeros(DType.Float32, Shape.Of 1) |]
        let x = Tensor.OfArray(array2D [ [ 1.0f; 2.0f ]; [ 0.0f; 1.0f ]; [ 3.0f; 1.0f ] ])
        let y = Tensor.OfArray(array2D [ [ 1.0f ]; [ 1.0f ]; [ 1.0f ] ])

        // Batches of 2 and 1 count as 2 and 1: the squared errors are 1, the penalties 3 and 5.
        let expected = 1.0 + (2.0 * 3.0 + 5.0) / 3.0
        let fit = FitOptions(BatchSize = 2, Shuffle = false, Verbosity = Verbosity.Silent)
        let history = trainer.Fit(x, y, fit)
        let logs = trainer.Evaluate(TrainingData(x, y), EvaluateOptions(BatchSize = 2))
        Assert.Equal(expected, Seq.head history["loss"], 5)
        Assert.Equal(expected, logs["loss"], 5)

    [<Fact>]
    member _.``The validation split is the last part of the data``() =
        let trainer = trained (mlp ())
        trainer.Fit(x, y, FitOptions(ValidationSplit = 0.2, Epochs = 1, Verbosity = Verbosity.Silent))
        |> fun history ->
            let logs = trainer.Evaluate(TrainingData(x.Rows(40, 10), y.Rows(40, 10)), EvaluateOptions())
            Assert.Equal(logs["loss"], history["val_loss"][0], 12)
            Assert.Equal<string list>([ "accuracy"; "loss"; "val_accuracy"; "val_loss" ], List.ofSeq history.Names)

        for part in [ 1.0; -0.1; nan; 1.5 ] do
            Assert.Throws<ArgumentValueException>(fun () ->
                trainer.Fit(x, y, FitOptions(ValidationSplit = part, Verbosity = Verbosity.Silent)) |> ignore)
            |> ignore

        Assert.Throws<DataException>(fun () ->
            trainer.Fit(x.Rows(0, 2), y.Rows(0, 2), FitOptions(ValidationSplit = 0.9, Verbosity = Verbosity.Silent))
            |> ignore)
        |> ignore

    [<Fact>]
    member _.``Validation only when it is due``() =
        let trainer = trained (mlp ())
        let data = TrainingData(x, y)
        let run (options: FitOptions) =
            options.Epochs <- 4
            options.Verbosity <- Verbosity.Silent
            options.ValidationData <- data
            let history = trainer.Fit(data, options)
            history["val_loss"].Count

        Assert.Equal(4, run (FitOptions()))
        Assert.Equal(2, run (FitOptions(ValidationFrequency = 2)))
        Assert.Equal(1, run (FitOptions(ValidationEpochs = [| 3; 9 |])))

    [<Fact>]
    member _.``Weights of classes are weights of their samples, one-hot or not``() =
        let weights = Dictionary<int, float>(dict [ 0, 2.0; 2, 0.25 ])
        let expected =
            y.ToDoubles()
            |> Array.map (fun l ->
                match int l with
                | 0 -> 2.0
                | 2 -> 0.25
                | _ -> 1.0)
        let hot = Array2D.init 50 3 (fun i j -> if int (y.ToDoubles()[i]) = j then 1.0f else 0.0f)

        for target in [ y; y.Reshape(Shape.Of(50, 1)); Tensor.OfArray hot ] do
            let w = FunctionalNet.Training.ClassWeights.ofTarget DType.Float32 weights target
            Close.close 0.0 0.0 expected (w.ToDoubles())

        let run (fit: Trainer -> unit) =
            let t = trained (mlp ())
            fit t
            t.GetWeights()

        let samples = Tensor.OfDoubles(DType.Float32, Shape.Of 50, expected)
        sameBits
            (run (fun t -> t.Fit(x, y, FitOptions(ClassWeight = weights, Verbosity = Verbosity.Silent)) |> ignore))
            (run (fun t -> t.Fit(TrainingData(x, y, samples), quiet ()) |> ignore))

        Assert.Throws<ArgumentValueException>(fun () ->
            (trained (mlp ()))
                .Fit(TrainingData(x, y, samples), FitOptions(ClassWeight = weights, Verbosity = Verbosity.Silent))
            |> ignore)
        |> ignore

    [<Fact>]
    member _.``A batch at a time is fit without shuffling``() =
        let a, b = trained (mlp ()), trained (mlp ())
        a.Fit(x, y, FitOptions(BatchSize = 25, Shuffle = false, Verbosity = Verbosity.Silent)) |> ignore
        let first = b.TrainOnBatch(TrainingData(x.Rows(0, 25), y.Rows(0, 25)))
        b.TrainOnBatch(TrainingData(x.Rows(25, 25), y.Rows(25, 25))) |> ignore
        sameBits (a.GetWeights()) (b.GetWeights())
        Assert.Equal<string list>([ "loss"; "accuracy" ], List.ofSeq first.Names)
        b.ResetMetrics()
        let test = b.TestOnBatch(TrainingData(x, y))
        Assert.Equal(b.Evaluate(TrainingData(x, y), EvaluateOptions(BatchSize = 50))["loss"], test["loss"])

    [<Fact>]
    member _.``Cancelling keeps what was learned``() =
        let trainer = trained (mlp ())
        use source = new CancellationTokenSource()
        let stop = Callback.onTrainBatchEnd (fun batch _ -> if batch = 1 then source.Cancel())
        let options =
            FitOptions(
                Epochs = 5,
                BatchSize = 10,
                Callbacks = [| stop |],
                Cancellation = source.Token,
                Verbosity = Verbosity.Silent
            )
        Assert.Throws<OperationCanceledException>(fun () -> trainer.Fit(x, y, options) |> ignore) |> ignore
        Assert.Equal(2L, trainer.Iterations)
        trainer.Fit(x, y, quiet ()) |> ignore

    [<Fact>]
    member _.``StopTraining ends the epoch after its batch, with validation``() =
        let trainer = trained (mlp ())
        let stop = Callback.onTrainBatchEnd (fun batch _ -> if batch = 1 then trainer.StopTraining <- true)
        let history =
            trainer.Fit(
                x,
                y,
                FitOptions(
                    Epochs = 5,
                    BatchSize = 10,
                    ValidationSplit = 0.2,
                    Callbacks = [| stop |],
                    Verbosity = Verbosity.Silent
                )
            )
        Assert.Equal(2L, trainer.Iterations)
        Assert.Equal(1, history["val_loss"].Count)

    [<Fact>]
    member _.``Progress is reported after every batch``() =
        let seen = ResizeArray<TrainingProgress>()
        let progress =
            { new IProgress<TrainingProgress> with
                member _.Report p = seen.Add p }
        (trained (mlp ()))
            .Fit(x, y, FitOptions(Epochs = 2, BatchSize = 20, Progress = progress, Verbosity = Verbosity.Silent))
        |> ignore
        Assert.Equal(6, seen.Count)
        Assert.Equal((1, 2, 2, 3), (seen[5].Epoch, seen[5].Epochs, seen[5].Batch, seen[5].Batches))
        Assert.True(Double.IsFinite seen[5].Loss)

    [<Fact>]
    member _.``A schedule sets the rate of every update, and cannot be overwritten``() =
        let schedule = Schedule.exponentialDecay 0.1 2.0 0.5 false
        let network = Network.sequential (Network.input [ 1 ]) [ Layer.dense 1 ]
        let trainer =
            Trainer.create network
            |> Trainer.compile
                (Optimizer.sgd 1.0 |> Optimizer.withSchedule schedule)
                (Loss.create "sum" (fun _ p -> Ops.sum [| -1 |] false p))
                []
        let data = TrainingData(Tensor.OfArray(array2D [ [ 1.0f ] ]), Tensor.OfArray(array2D [ [ 0.0f ] ]))
        let bias () = trainer |> weight 1 |> fun t -> t.ToDoubles() |> Array.head
        let mutable expected = 0.0

        for i in 0L .. 4L do
            Assert.Equal(schedule.Rate i, trainer.LearningRate)
            trainer.TrainOnBatch data |> ignore
            expected <- expected - schedule.Rate i
            Assert.Equal(expected, bias (), 5)

        Assert.Throws<ArgumentValueException>(fun () -> trainer.LearningRate <- 0.1) |> ignore

    [<Fact>]
    member _.``The rate can be set between updates``() =
        let trainer = trained (mlp ())
        trainer.LearningRate <- 0.0
        let before = trainer.GetWeights()
        trainer.TrainOnBatch(TrainingData(x, y)) |> ignore
        Assert.True(before[0].Value.BitEquals(weight 0 trainer))
        Assert.Throws<ArgumentValueException>(fun () -> trainer.LearningRate <- nan) |> ignore

    [<Fact>]
    member _.``float64 models train in float64``() =
        let network = mlp () |> Network.withDType DType.Float64
        let trainer = trained network
        let history = trainer.Fit(x, y, FitOptions(Epochs = 2, Verbosity = Verbosity.Silent))
        Assert.All(trainer.GetWeights(), fun w -> Assert.Equal(DType.Float64, w.Value.DType))
        Assert.Equal(DType.Float64, trainer.Predict(x).DType)
        Assert.All(history["loss"], fun loss -> Assert.True(Double.IsFinite loss))

    [<Fact>]
    member _.``The moving average becomes the weights when training ends``() =
        let make ema =
            let o = Optimizer.sgd 0.1 |> Optimizer.withOptions (fun o -> { o with UseEma = ema; EmaMomentum = 0.5 })
            let network = Network.sequential (Network.input [ 6 ]) [ Layer.dense 3 ]
            Trainer.createWith 1UL network |> Trainer.compile o (Loss.parse "mse") []

        let target = tensor 5 [ 50; 3 ]
        let fit (t: Trainer) =
            t.Fit(x, target, FitOptions(BatchSize = 25, Shuffle = false, Verbosity = Verbosity.Silent))
            |> ignore
        let plain = make false
        plain.TrainOnBatch(TrainingData(x.Rows(0, 25), target.Rows(0, 25))) |> ignore
        let first = (weight 0 plain).ToDoubles()
        plain.TrainOnBatch(TrainingData(x.Rows(25, 25), target.Rows(25, 25))) |> ignore
        let second = (weight 0 plain).ToDoubles()
        let ema = make true
        fit ema
        Close.close 1e-5 1e-6 (Array.map2 (fun a b -> 0.5 * a + 0.5 * b) first second) ((weight 0 ema).ToDoubles())

    [<Fact>]
    member _.``Several outputs: keys, weights of losses, and the whole``() =
        let input = Network.input [ 6 ]
        let a = input |> Network.apply (Layer.dense 1 |> Layer.named "a")
        let b = input |> Network.apply (Layer.dense 2 |> Layer.named "b")
        let trainer = Trainer.create (Network.create [ input ] [ a; b ])
        let mse = Loss.parse "mse"

        trainer.Compile(
            TrainingOptions()
                .AddLoss(0, mse, 1.0)
                .AddLoss(1, mse, 0.5)
                .AddMetric(0, Metric.parse "mae", false)
                .AddMetric(1, Metric.parse "mae", false)
        )

        let data = TrainingData([| x |], [| tensor 3 [ 50; 1 ]; tensor 4 [ 50; 2 ] |])
        let logs = trainer.Evaluate(data, EvaluateOptions())
        Assert.Equal<string list>([ "loss"; "a_loss"; "b_loss"; "a_mae"; "b_mae" ], List.ofSeq logs.Names)
        Assert.Equal(logs["a_loss"] + 0.5 * logs["b_loss"], logs["loss"], 6)
        trainer.Fit(data, quiet ()) |> ignore
        Assert.Equal(2, (trainer.Predict([| x |], EvaluateOptions())).Length)

    [<Fact>]
    member _.``The same data again does not compile again``() =
        let trainer = trained (mlp ())
        let fit () =
            trainer.Fit(x, y, FitOptions(BatchSize = 16, ValidationSplit = 0.2, Verbosity = Verbosity.Silent))
            |> ignore
        fit ()
        let plans = trainer.PlanCount
        fit ()
        Assert.Equal(plans, trainer.PlanCount)

        for rows in 1..12 do
            trainer.TestOnBatch(TrainingData(x.Rows(0, rows), y.Rows(0, rows))) |> ignore

        Assert.Equal(8, trainer.PlanCount)

    [<Fact>]
    member _.``The direction of figures``() =
        let model = trained (mlp ()) :> ITrainingModel
        Assert.Equal(MetricDirection.Minimize, model.GetMetricDirection "val_loss")
        Assert.Equal(MetricDirection.Maximize, model.GetMetricDirection "accuracy")
        Assert.Equal(MetricDirection.Unknown, model.GetMetricDirection "other")

/// Everything that can be wrong before the first update.
type BadInputTests() =

    let x, y = tensor 1 [ 20; 6 ], labels 2 3 20

    let fitting (x: Tensor) (y: Tensor) =
        Action(fun () ->
            (trained (mlp ())).Fit(x, y, FitOptions(BatchSize = 8, Verbosity = Verbosity.Silent)) |> ignore)

    let with' (value: float) (index: int) (t: Tensor) =
        let values = t.ToDoubles()
        values[index] <- value
        Tensor.OfDoubles(t.DType, t.Shape, values)

    [<Fact>]
    member _.``Wrong shapes``() =
        let e = Assert.Throws<ShapeException>(fitting (tensor 1 [ 20; 5 ]) y)
        Assert.Contains("(None, 6)", e.Expected)
        Assert.Contains("(20, 5)", e.Actual)
        let e = Assert.Throws<ShapeException>(fitting x (tensor 1 [ 20; 3 ]))
        Assert.Contains("sparse_categorical_crossentropy", e.Path)

        let regression =
            Trainer.create (Network.sequential (Network.input [ 6 ]) [ Layer.dense 2 ])
            |> Trainer.compile (Optimizer.sgd 0.1) (Loss.parse "mse") []
        Assert.Throws<ShapeException>(fun () -> regression.Fit(x, tensor 1 [ 20; 3 ], quiet ()) |> ignore)
        |> ignore
        Assert.Throws<ShapeException>(fun () -> regression.Fit(x, tensor 1 [ 20; 1 ], quiet ()) |> ignore)
        |> ignore

    [<Fact>]
    member _.``A last axis of size 1 may be missing``() =
        let trainer = trained (cnn ())
        trainer.Fit(tensor 1 [ 20; 8; 8 ], y, quiet ()) |> ignore
        Assert.Equal(Shape.Of(4, 3), (trainer.Predict(tensor 1 [ 4; 8; 8 ])).Shape)

    [<Fact>]
    member _.``Row counts that differ``() =
        let e = Assert.Throws<DataException>(fitting x (labels 1 3 19))
        Assert.Contains("19", e.Actual)
        Assert.Contains("20", e.Expected)

        let t = trained (mlp ())
        Assert.Throws<DataException>(fun () -> t.Fit(TrainingData(x, y, tensor 1 [ 3 ]), quiet ()) |> ignore)
        |> ignore
        Assert.Throws<DataException>(fun () -> t.Evaluate(x, labels 1 3 7) |> ignore) |> ignore

    [<Fact>]
    member _.``Empty data``() =
        Assert.Throws<DataException>(fitting (tensor 1 [ 0; 6 ]) (labels 1 3 0)) |> ignore
        Assert.Throws<DataException>(fun () -> (trained (mlp ())).Predict(tensor 1 [ 0; 6 ]) |> ignore)
        |> ignore
        Assert.Throws<DataException>(fun () -> (trained (mlp ())).Fit(TrainingData([||], [||]), quiet ()) |> ignore)
        |> ignore

    [<Theory>]
    [<InlineData(Double.NaN)>]
    [<InlineData(Double.PositiveInfinity)>]
    [<InlineData(Double.NegativeInfinity)>]
    member _.``Numbers that are not finite, with batch and row``(value: float) =
        for row in [ 0; 7; 8; 19 ] do
            let e = Assert.Throws<DataException>(fitting (with' value (row * 6 + 5) x) y)
            Assert.Equal(row / 8, e.Batch)
            Assert.Equal(int64 row, e.Row)

    [<Fact>]
    member _.``Numbers that are not finite in targets and weights``() =
        let t =
            Trainer.create (Network.sequential (Network.input [ 6 ]) [ Layer.dense 2 ])
            |> Trainer.compile (Optimizer.sgd 0.1) (Loss.parse "mse") []
        let target = tensor 3 [ 20; 2 ]
        let e = Assert.Throws<DataException>(fun () -> t.Fit(x, with' nan 39 target, quiet ()) |> ignore)
        Assert.Equal(19L, e.Row)
        Assert.Throws<DataException>(fun () ->
            t.Fit(TrainingData(x, target, with' infinity 2 (tensor 1 [ 20 ])), quiet ()) |> ignore)
        |> ignore
        Assert.Throws<DataException>(fun () ->
            t.Fit(
                TrainingData(x, target),
                FitOptions(ValidationData = TrainingData(with' nan 0 x, target), Verbosity = Verbosity.Silent)
            )
            |> ignore)
        |> ignore

    [<Theory>]
    [<InlineData(3.0)>]
    [<InlineData(-1.0)>]
    member _.``Labels out of range, of any dtype``(label: float) =
        for dtype in [ DType.Int32; DType.Int64; DType.Float32 ] do
            let e = Assert.Throws<DataException>(fitting x (with' label 9 (y.Cast dtype)))
            Assert.Equal(9L, e.Row)
            Assert.Equal(1, e.Batch)
            Assert.Equal("0 to 2", e.Expected)

    [<Fact>]
    member _.``Ids out of range``() =
        let network =
            Network.sequential
                (Network.inputWith { Name = "ids"; Shape = [ 4 ]; DType = DType.Int32; BatchSize = None })
                [ Layer.embedding 10 3; Layer.flatten; Layer.dense 3 >>> Layer.softmax ]
        let t = trained network
        let ids = labels 3 10 80 |> fun t -> t.Reshape(Shape.Of(20, 4))
        t.Fit(ids, y, quiet ()) |> ignore
        let bad = with' 10.0 41 ids
        let e = Assert.Throws<DataException>(fun () -> t.Fit(bad, y, quiet ()) |> ignore)
        Assert.Equal(10L, e.Row)
        Assert.Equal("ids", e.Path)
        Assert.Throws<DataException>(fun () -> t.Predict bad |> ignore) |> ignore

    [<Fact>]
    member _.``Fit before compile, compile without loss``() =
        let t = Trainer.create (mlp ())
        Assert.Throws<NotReadyException>(fun () -> t.Fit(x, y, quiet ()) |> ignore) |> ignore
        Assert.Throws<NotReadyException>(fun () -> t.Evaluate(x, y) |> ignore) |> ignore
        Assert.Throws<NotReadyException>(fun () -> t.TrainOnBatch(TrainingData(x, y)) |> ignore) |> ignore
        Assert.Throws<ArgumentValueException>(fun () -> t.Compile(TrainingOptions())) |> ignore
        Assert.Throws<ArgumentValueException>(fun () -> t.Compile(TrainingOptions().AddLoss(1, Loss.parse "mse", 1.0)))
        |> ignore
        Assert.Throws<ArgumentValueException>(fun () ->
            t.Compile(TrainingOptions().AddLoss(Loss.parse "mse").AddLoss(Loss.parse "mae")))
        |> ignore
        // Prediction needs no compile.
        Assert.Equal(Shape.Of(20, 3), (t.Predict x).Shape)

    [<Fact>]
    member _.``Numbers of options that make no sense``() =
        let t = trained (mlp ())
        let bad (set: FitOptions -> unit) =
            let o = quiet ()
            set o
            Assert.Throws<ArgumentValueException>(fun () -> t.Fit(x, y, o) |> ignore) |> ignore

        bad (fun o -> o.BatchSize <- 0)
        bad (fun o -> o.BatchSize <- -4)
        bad (fun o -> o.Epochs <- -1)
        bad (fun o -> o.StepsPerEpoch <- -1)
        bad (fun o -> o.ValidationFrequency <- 0)
        Assert.Throws<ArgumentValueException>(fun () -> t.Predict([| x |], EvaluateOptions(BatchSize = 0)) |> ignore)
        |> ignore

    [<Fact>]
    member _.``Weights that do not fit, with nothing set``() =
        let t = trained (mlp ())
        let before = t.GetWeights()
        let values = before |> Seq.map (fun w -> w.Value) |> Seq.toArray
        Assert.Throws<ArgumentValueException>(fun () -> t.SetWeights(values[1..])) |> ignore
        let wrong = Array.copy values
        wrong[0] <- tensor 1 [ 6; 16 ]
        wrong[1] <- tensor 1 [ 99 ]
        Assert.Throws<ShapeException>(fun () -> t.SetWeights wrong) |> ignore
        Assert.Throws<ArgumentValueException>(fun () -> t.SetWeights [| KeyValuePair("dense/kernal", values[0]) |])
        |> ignore
        sameBits before (t.GetWeights())

    [<Fact>]
    member _.``A loss without reduction cannot train``() =
        let t =
            Trainer.create (mlp ())
            |> Trainer.compile
                (Optimizer.sgd 0.1)
                (Loss.parse "sparse_categorical_crossentropy" |> Loss.withReduction LossReduction.None)
                []
        Assert.Throws<ArgumentValueException>(fun () -> t.Fit(x, y, quiet ()) |> ignore) |> ignore

[<CollectionDefinition("Alone", DisableParallelization = true)>]
type AloneCollection() = class end

/// Measures what the whole process allocates, so nothing else may run.
[<Collection("Alone")>]
type AllocationTests() =

    [<Theory>]
    [<InlineData(1)>]
    [<InlineData(2)>]
    member _.``100 training steps of a CNN allocate nothing``(threads: int) =
        let before = Workers.Threads
        Workers.Threads <- threads

        try
            let x, y = tensor 1 [ 1000; 8; 8; 1 ], labels 2 3 1000
            let trainer = trained (cnn ())
            let mutable thread = 0L
            let mutable total = 0L
            let ofThread, ofProcess = ResizeArray<int64>(), ResizeArray<int64>()

            let watch =
                { new TrainingCallback() with
                    override _.OnTrainBatchBegin batch =
                        if batch = 20 then
                            total <- GC.GetTotalAllocatedBytes true
                            thread <- GC.GetAllocatedBytesForCurrentThread()

                    override _.OnTrainBatchEnd(batch, _) =
                        if batch = 119 then
                            ofThread.Add(GC.GetAllocatedBytesForCurrentThread() - thread)
                            ofProcess.Add(GC.GetTotalAllocatedBytes true - total) }

            trainer.Fit(
                x,
                y,
                FitOptions(BatchSize = 8, Epochs = 5, Callbacks = [| watch |], Verbosity = Verbosity.Silent)
            )
            |> ignore

            // The runtime allocates a little when it compiles a method again, and the test runner when it reports: now and
            // then, not in every epoch as a step would.
            Assert.Equal(0L, Seq.min ofThread)
            Assert.InRange(Seq.min ofProcess, 0L, 2000L)
        finally
            Workers.Threads <- before

    [<Fact>]
    member _.``Predicting from span to span allocates nothing``() =
        let trainer = trained (cnn ())
        let input, output = Array.zeroCreate<float32>(64 * 4), Array.zeroCreate<float32>(3 * 4)

        for _ in 1..20 do
            trainer.PredictInto(ReadOnlySpan<float32>(input), Span<float32>(output))

        let before = GC.GetAllocatedBytesForCurrentThread()

        for _ in 1..100 do
            trainer.PredictInto(ReadOnlySpan<float32>(input), Span<float32>(output))

        Assert.Equal(0L, GC.GetAllocatedBytesForCurrentThread() - before)
