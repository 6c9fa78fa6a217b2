/// The claims of docs/surprises.md, by number.
module FunctionalNet.Tests.SurprisesTests

open System
open System.Collections.Generic
open System.IO
open System.Text.RegularExpressions
open System.Threading
open System.Threading.Tasks
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels
open FunctionalNet.Tests.Support

let private f32 = DType.Float32

let private draw (seed: int) (dims: int list) =
    let random = System.Random(seed)
    let shape = Shape.Of(List.toArray dims)
    Tensor.OfDoubles(f32, shape, Array.init shape.Size (fun _ -> random.NextDouble() * 2.0 - 1.0))

let private mse = Loss.parse "mse"

let private network (inputs: int) (layers: Layer list) = Network.sequential (Network.input [ inputs ]) layers

let private compiled (layers: Layer list) : Trainer =
    network 3 layers |> Trainer.create |> Trainer.compile (Optimizer.sgd 0.1) mse []

let private once (epochs: int) (batchSize: int) =
    FitOptions(Epochs = epochs, BatchSize = batchSize, Shuffle = false, Verbosity = Verbosity.Silent)

let private weights (trainer: Trainer) = [ for pair in trainer.GetWeights() -> pair.Key, pair.Value ]

let private weight (path: string) (trainer: Trainer) = weights trainer |> List.find (fun (p, _) -> p = path) |> snd

let private sameBits (a: Tensor) (b: Tensor) = Assert.True(a.BitEquals b, a.ToString() + " and " + b.ToString())
let private otherBits (a: Tensor) (b: Tensor) = Assert.False(a.BitEquals b)

let private sameWeights (a: Trainer) (b: Trainer) =
    Assert.Equal<string list>(weights a |> List.map fst, weights b |> List.map fst)
    List.iter2 (fun (_, x) (_, y) -> sameBits x y) (weights a) (weights b)

let private x, y = draw 1 [ 10; 3 ], draw 2 [ 10; 2 ]

[<Fact>]
let ``01 A layer's code runs at trace time`` () =
    let layer, loss, metric = ref 0, ref 0, ref 0
    let counts () = layer.Value, loss.Value, metric.Value

    let counting =
        Layer.lambda (fun x ->
            layer.Value <- layer.Value + 1
            x * 2.0)

    let counted (count: unit -> unit) (t: Expr) (p: Expr) =
        count ()
        Ops.mean [| -1 |] false (Ops.square (t - p))

    let trainer =
        network 3 [ counting; Layer.dense 2 ]
        |> Trainer.create
        |> Trainer.compile
            (Optimizer.sgd 0.1)
            (Loss.create "counted" (counted (fun () -> loss.Value <- loss.Value + 1)))
            [ Metric.create "counted" (counted (fun () -> metric.Value <- metric.Value + 1)) ]

    let described = layer.Value
    Assert.True(described > 0)
    Assert.Equal((described, 0, 0), counts ())
    trainer.Fit(x, y, once 20 5) |> ignore
    Assert.Equal((described + 1, 1, 1), counts ())
    // Another mode, then another batch size, then what is known.
    trainer.Evaluate(TrainingData(x, y), EvaluateOptions(BatchSize = 5)) |> ignore
    Assert.Equal((described + 2, 2, 2), counts ())
    trainer.Fit(x, y, once 3 10) |> ignore
    Assert.Equal((described + 3, 3, 3), counts ())
    trainer.Fit(x, y, once 20 5) |> ignore
    Assert.Equal((described + 3, 3, 3), counts ())

[<Fact>]
let ``02 What a lambda captures is frozen`` () =
    let factor = ref 2.0
    let trainer = compiled [ Layer.lambda (fun x -> x * factor.Value) ]
    let before = trainer.Predict x
    factor.Value <- 5.0
    sameBits before (trainer.Predict x)
    trainer |> Trainer.compile (Optimizer.sgd 0.1) mse [] |> ignore
    Close.closeAt
        "compiled again"
        1e-6
        1e-6
        (before.ToDoubles() |> Array.map (fun v -> v * 2.5))
        ((trainer.Predict x).ToDoubles())

[<Fact>]
let ``02 A weight that is not trained can be changed without compiling`` () =
    let scaled =
        Layer.create "Scaled" (fun scope x ->
            x * scope.State("factor", Shape.Scalar, scope.FloatType, Initializer.ones))

    let trainer = compiled [ scaled ]
    sameBits x (trainer.Predict x)
    trainer.SetWeights [| KeyValuePair("scaled/factor", Tensor.Scalar 3f) |]
    Close.closeAt "set" 1e-6 1e-6 (x.ToDoubles() |> Array.map (fun v -> v * 3.0)) ((trainer.Predict x).ToDoubles())

[<Fact>]
let ``03 if on a shape works, if on a value cannot`` () =
    let branch (x: Expr) = if x.Shape[-1] > 3 then x * 10.0 else Ops.where (Ops.greater x (Ops.zerosLike x)) x (x * 0.5)
    let apply (values: float32[]) = (Compiled.unary branch (Tensor.OfArray values)).ToDoubles()
    Assert.Equal<float[]>([| 10.0; 20.0; -30.0; 40.0 |], apply [| 1f; 2f; -3f; 4f |])
    Assert.Equal<float[]>([| 1.0; 2.0; -1.5 |], apply [| 1f; 2f; -3f |])

    // A comparison is a node, and asking for its value while tracing is an error.
    let peek (x: Expr) =
        let positive = Ops.greater x (Ops.zerosLike x)
        if (Interpreter.value [] positive).ToDoubles()[0] > 0.0 then x else -x

    Assert.Throws<GraphException>(fun () -> Compiled.unary peek x |> ignore) |> ignore

[<Fact>]
let ``04 The last partial batch has a plan of its own`` () =
    let rows = ResizeArray<int>()

    let watching =
        Layer.lambda (fun x ->
            rows.Add x.Shape[0]
            x)

    let trainer = compiled [ watching; Layer.batchNormalization; Layer.dense 2 ]
    rows.Clear()
    trainer.Fit(x, y, once 2 4) |> ignore
    Assert.Equal<int[]>([| 4; 2 |], rows.ToArray())
    Assert.Equal(2, trainer.PlanCount)
    // The mean over 4 + 4 + 2 rows is the mean over 10.
    let loss (batchSize: int) = trainer.Evaluate(TrainingData(x, y), EvaluateOptions(BatchSize = batchSize))["loss"]
    Assert.Equal(loss 10, loss 4, 6)

[<Fact>]
let ``05 The same seed gives the same bits, with any number of threads`` () =
    let train (create: Network -> Trainer) (threads: int) =
        let before = Workers.Threads

        try
            Workers.Threads <- threads

            let trainer =
                network 3 [ Layer.dense 256; Layer.relu; Layer.dense 256; Layer.dropout 0.3; Layer.dense 2 ]
                |> create
                |> Trainer.compile (Optimizer.adam 0.01) mse []

            // Large enough for several threads to take part.
            let options = FitOptions(Epochs = 2, BatchSize = 128, Verbosity = Verbosity.Silent)
            trainer.Fit(draw 3 [ 300; 3 ], draw 4 [ 300; 2 ], options) |> ignore
            trainer
        finally
            Workers.Threads <- before

    let first = train Trainer.create 1
    Assert.Equal(0UL, first.Seed)
    sameWeights first (train Trainer.create 3)
    sameWeights first (train (Trainer.createWith 0UL) 2)
    otherBits (weight "dense/kernel" first) (weight "dense/kernel" (train (Trainer.createWith 1UL) 1))

[<Fact>]
let ``06 Adding a layer does not change the others' first weights or dropout`` () =
    let start = Layer.dense 4 |> Layer.named "start"
    let last = Layer.dense 2 |> Layer.named "last"
    let small = compiled [ start; last ]
    let large = compiled [ start; Layer.dense 4; Layer.dropout 0.5; last ]
    sameBits (weight "start/kernel" small) (weight "start/kernel" large)
    sameBits (weight "last/kernel" small) (weight "last/kernel" large)

    // Elements that dropout puts to zero, in the first step of training.
    let dropped (layers: Layer list) =
        let input = Expr.Constant(Tensor.Full(f32, Shape.Of(16, 8), 1.0))
        let traced = Layer.trace Mode.Train f32 (fun _ -> false) (Layer.serial layers) [| Flow.ofValue input |]
        let bindings = [ traced.Seed, Tensor.Scalar 0L; traced.Step, Tensor.Scalar 0L ]
        (Interpreter.value bindings traced.Outputs[0].Value).ToDoubles() |> Array.map (fun v -> v = 0.0)

    let drop = Layer.dropout 0.5 |> Layer.named "drop"
    let extra = Layer.gaussianNoise 0.1
    let alone = dropped [ drop ]
    Assert.InRange(alone |> Seq.filter id |> Seq.length, 32, 96)
    Assert.Equal<bool[]>(alone, dropped [ extra; drop ])
    Assert.NotEqual<bool[]>(alone, dropped [ Layer.dropout 0.5 |> Layer.named "other" ])

[<Fact>]
let ``06 Unnamed layers are numbered by class`` () =
    let one = compiled [ Layer.dense 3; Layer.relu ]
    let two = compiled [ Layer.dense 3; Layer.dense 3; Layer.relu ]
    Assert.Equal<string list>([ "dense/kernel"; "dense/bias" ], weights one |> List.map fst)
    // What was dense is the second now, and what is new has its weights.
    sameBits (weight "dense/kernel" one) (weight "dense/kernel" two)
    otherBits (weight "dense/kernel" two) (weight "dense_1/kernel" two)

[<Fact>]
let ``07 Renaming a layer changes its first weights`` () =
    let kernel (name: string) = compiled [ Layer.dense 3 |> Layer.named name ] |> weight (name + "/kernel")
    sameBits (kernel "a") (kernel "a")
    otherBits (kernel "a") (kernel "b")

[<Fact>]
let ``08 One layer object used twice in a functional model shares its weights; in a pipeline of F values it does not``
    ()
    =
    let d = Layer.dense 3
    let input = Network.input [ 3 ]
    let functional = Network.create [ input ] [ input |> Network.apply d |> Network.apply d ]
    Assert.Equal(3L * 3L + 3L, Network.countParameters functional)
    let pipeline = network 3 [ d >>> d ]
    Assert.Equal(2L * (3L * 3L + 3L), Network.countParameters pipeline)
    Assert.Equal(2L * (3L * 3L + 3L), Network.countParameters (network 3 [ d; d ]))
    let shared = Layer.shared "both" d
    Assert.Equal(3L * 3L + 3L, Network.countParameters (network 3 [ shared >>> shared ]))

[<Fact>]
let ``09 Freezing a trainer's layers holds from the next batch on`` () =
    let trainer = compiled [ Layer.dense 3; Layer.batchNormalization; Layer.dense 2 ]
    let data = TrainingData(x, y)
    let moves (path: string) =
        let before = weight path trainer
        trainer.TrainOnBatch data |> ignore
        not (before.BitEquals(weight path trainer))

    Assert.True(moves "dense/kernel")
    Assert.True(moves "batch_normalization/gamma")
    Assert.True(moves "batch_normalization/moving_mean")
    trainer.Freeze("dense", true)
    trainer.Freeze("batch_normalization", true)
    Assert.False(moves "dense/kernel")
    Assert.False(moves "batch_normalization/gamma")
    Assert.False(moves "batch_normalization/moving_mean")
    Assert.True(moves "dense_1/kernel")

[<Fact>]
let ``09 A frozen BatchNormalization uses its running statistics`` () =
    let outputs (layer: Layer) (mode: Mode) =
        let traced = Layer.trace mode f32 (fun _ -> false) layer [| Flow.ofValue (Expr.Constant x) |]

        let bindings =
            [ for struct (spec, leaf) in traced.Variables ->
                  leaf, Tensor.Full(f32, spec.Shape, (if spec.Path.Contains "variance" then 4.0 else 1.0)) ]

        Interpreter.value bindings traced.Outputs[0].Value, traced.Updates.Length

    let infer, _ = outputs Layer.batchNormalization Mode.Infer
    let train, updates = outputs Layer.batchNormalization Mode.Train
    let frozen, none = outputs (Layer.frozen Layer.batchNormalization) Mode.Train
    otherBits infer train
    sameBits infer frozen
    Assert.Equal((2, 0), (updates, none))

[<Fact>]
let ``10 Compiling again forgets the optimizer's state, and keeps the weights`` () =
    let compile (trainer: Trainer) = trainer |> Trainer.compile (Optimizer.adam 0.01) mse []
    let fresh () = network 3 [ Layer.dense 4; Layer.dense 2 ] |> Trainer.create |> compile
    let data = TrainingData(x, y)
    let trainer = fresh ()
    trainer.Fit(x, y, once 3 5) |> ignore
    trainer.LearningRate <- 0.5
    let kept = trainer.GetWeights()
    compile trainer |> ignore
    List.iter2
        (fun (_, w) (pair: KeyValuePair<string, Tensor>) -> sameBits w pair.Value)
        (weights trainer)
        (List.ofSeq kept)
    Assert.Equal(0L, trainer.Iterations)
    Assert.Equal(0.01, trainer.LearningRate)
    // From here on it is a new optimizer on those weights.
    let other = fresh ()
    other.SetWeights kept
    trainer.TrainOnBatch data |> ignore
    other.TrainOnBatch data |> ignore
    sameWeights trainer other

[<Fact>]
let ``11 Nothing in a graph is converted silently`` () =
    let ints = Expr.Input("ints", DType.Int32, Shape.Of 3)
    let floats = Expr.Input("floats", f32, Shape.Of 3)
    Assert.Throws<DTypeException>(fun () -> ints + floats |> ignore) |> ignore
    Assert.Throws<DTypeException>(fun () -> floats * Ops.cast DType.Float64 floats |> ignore) |> ignore
    Assert.Equal(f32, (Ops.cast f32 ints + floats).DType)
    let trainer = compiled [ Layer.dense 2 ]
    let wide = x.Cast DType.Float64
    Assert.Equal(f32, (trainer.Predict wide).DType)
    sameBits (trainer.Predict x) (trainer.Predict wide)

[<Fact>]
let ``12 Regularization is part of the reported loss, in training and in evaluation`` () =
    let dense = Dense.options 2

    let build (regularizer: Regularizer option) =
        compiled [ Layer.denseWith { dense with Kernel = { dense.Kernel with Regularizer = regularizer } } ]

    let plain, penalised = build None, build (Some(Regularizer.l2 0.5))
    let penalty = 0.5 * Array.sumBy (fun w -> w * w) ((weight "dense/kernel" plain).ToDoubles())
    Assert.True(penalty > 0.1)
    let evaluated (t: Trainer) = t.Evaluate(x, y)["loss"]
    Assert.Equal(evaluated plain + penalty, evaluated penalised, 5)
    let trained (t: Trainer) = t.TrainOnBatch(TrainingData(x, y))["loss"]
    Assert.Equal(trained plain + penalty, trained penalised, 5)

[<Fact>]
let ``13 Training figures are means over the epoch while the weights change`` () =
    let build () = compiled [ Layer.dense 2 ]
    let fitted, stepped = build (), build ()
    let options = once 1 5
    options.ValidationData <- TrainingData(x, y)
    let history = fitted.Fit(x, y, options)
    let step (first: int) = stepped.TrainOnBatch(TrainingData(x.Rows(first, 5), y.Rows(first, 5)))["loss"]
    let one = step 0
    // Figures of single batches go on until they are reset.
    stepped.ResetMetrics()
    let two = step 5
    Assert.Equal((one + two) / 2.0, history["loss"][0], 6)
    // The same data, but the weights of the end.
    Assert.Equal(fitted.Evaluate(x, y)["loss"], history["val_loss"][0], 6)
    Assert.True(history["val_loss"][0] < history["loss"][0])

[<Fact>]
let ``14 predict may run on many threads at once, but not while fit runs`` () =
    let trainer = compiled [ Layer.dense 32; Layer.relu; Layer.dense 2 ]
    let expected = trainer.Predict x
    Parallel.For(0, 64, (fun _ -> sameBits expected (trainer.Predict x))) |> ignore
    let own = ref 0

    let refused (act: unit -> unit) =
        // On a thread of its own: the fit waits for it inside a callback.
        let error: exn option ref = ref None

        let thread =
            Thread(fun () ->
                try
                    act ()
                with e ->
                    error.Value <- Some e)

        thread.Start()
        thread.Join()
        Assert.IsType<NotReadyException>(Option.get error.Value) |> ignore

    let callback =
        { new TrainingCallback() with
            override _.OnTrainBatchEnd(_, _) =
                own.Value <- own.Value + (trainer.Predict x).Shape[0]
                refused (fun () -> trainer.Predict x |> ignore)
                let input, output = x.ToArray<float32>(), Array.zeroCreate<float32> 20
                refused (fun () -> trainer.PredictInto(ReadOnlySpan<float32>(input), Span<float32>(output)))
                refused (fun () -> trainer.Fit(x, y, once 1 5) |> ignore) }

    let options = once 1 5
    options.Callbacks <- [| callback |]
    trainer.Fit(x, y, options) |> ignore
    Assert.Equal(20, own.Value)
    Task.Run(fun () -> otherBits expected (trainer.Predict x)).Wait()

[<Fact>]
let ``15 Tensors are immutable`` () =
    let source = [| 1f; 2f; 3f |]
    let tensor = Tensor.Of(Shape.Of 3, source)
    source[0] <- 9f
    let copy = tensor.ToArray<float32>()
    copy[1] <- 9f
    Assert.Equal<float32[]>([| 1f; 2f; 3f |], tensor.ToArray<float32>())
    // The view is the tensor's own memory every time.
    Assert.True(tensor.AsSpan<float32>().Overlaps(tensor.AsSpan<float32>()))
    Assert.False(tensor.AsSpan<float32>().Overlaps(ReadOnlySpan<float32>(tensor.ToArray<float32>())))
    let trainer = compiled [ Layer.dense 2 ]
    let before = weight "dense/kernel" trainer
    let text = before.ToDoubles()
    trainer.Fit(x, y, once 1 5) |> ignore
    Assert.Equal<float[]>(text, before.ToDoubles())
    otherBits before (weight "dense/kernel" trainer)

/// Letters and digits only, so that names of tests and sentences compare.
let private plain (text: string) = Regex.Replace(text, "[^A-Za-z0-9]", "").ToLowerInvariant()

/// Number and text of every test of this page, in F# and C#.
let private tests () =
    [ for path, pattern in
          [ "tests/Core.Tests/SurprisesTests.fs", @"^let ``(\d\d) (.*)``"
            "tests/Api.Tests/SurprisesTests.cs", @"^    public void Surprise(\d\d)_(\w+)\(" ] do
          for m in Regex.Matches(File.ReadAllText(Data.inRepository path), pattern, RegexOptions.Multiline) do
              int m.Groups[1].Value, plain m.Groups[2].Value ]

/// Number and bold sentence of every line of a page.
let private claims (page: string) =
    [ for m in Regex.Matches(page, @"^(\d+)\. \*\*(.+?)\*\*", RegexOptions.Multiline ||| RegexOptions.Singleline) do
          int m.Groups[1].Value, plain m.Groups[2].Value ]

let private unheld (page: string) =
    let tests = tests ()

    [ for number, sentence in claims page do
          if not (List.contains (number, sentence) tests) then
              string number + " has no test of its name: " + sentence

      let numbers = claims page |> List.map fst |> set

      for number, name in tests do
          if not (numbers.Contains number) then
              "no line " + string number + " for " + name ]

[<Fact>]
let ``every numbered line of the page of surprises has a test of its number and name`` () =
    let page = File.ReadAllText(Data.inRepository "docs/surprises.md")
    let numbers = claims page |> List.map fst
    Assert.Equal<int list>([ 1 .. numbers.Length ], numbers)
    Assert.Equal(Regex.Matches(page, @"^\d+\.", RegexOptions.Multiline).Count, numbers.Length)
    Assert.Empty(unheld page)
    // A line without a test would be found, and so would a line with another text.
    Assert.Single(unheld (page + "\n99. **Pigs fly.**\n")) |> ignore
    Assert.Single(unheld (page.Replace("Tensors are immutable", "Tensors are mutable"))) |> ignore
