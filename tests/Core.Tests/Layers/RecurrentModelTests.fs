/// Recurrent layers in models: states that are given, returned and kept, wrappers, cells of one's own, and bad input.
module FunctionalNet.Tests.Layers.RecurrentModelTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Tests.Support

let private numbers (seed: int) (dims: int list) =
    let shape = Shape.Of(List.toArray dims)
    let random = System.Random seed
    Tensor.OfDoubles(DType.Float32, shape, Array.init shape.Size (fun _ -> random.NextDouble() * 2.0 - 1.0))

let private sequenceInput (batch: int option) (dims: int list) =
    Network.inputWith { Name = "x"; Shape = dims; DType = DType.Float32; BatchSize = batch }

let private compile (network: Network) =
    let trainer = Trainer network
    let options = TrainingOptions()
    options.Optimizer <- Optimizer.sgd 0.05
    options.AddLoss(Loss.meanSquaredError) |> ignore
    trainer.Compile options
    trainer

let private rows (t: Tensor) : float[] = t.ToDoubles()

let private firstWeight (trainer: Trainer) =
    let weights = trainer.GetWeights()
    rows weights[0].Value

// ---- Stateful layers ----

let private stateful (layer: Layer) =
    Network.sequential (sequenceInput (Some 2) [ 3; 2 ]) [ layer; Layer.dense 1 ] |> compile

let private predictions (trainer: Trainer) (x: Tensor) =
    let options = EvaluateOptions()
    options.BatchSize <- 2
    let outputs = trainer.Predict([| x |], options)
    rows outputs[0]

[<Fact>]
let ``a stateful layer goes on where the batch before ended`` () =
    let whole = numbers 1 [ 2; 6; 2 ]
    let values = whole.ToDoubles()

    // The first and the second half of the same sequences, as two batches.
    let halves =
        [| for half in 0..1 do
               for row in 0..1 do
                   for i in 0..5 do
                       values[row * 12 + half * 6 + i] |]

    let parts = Tensor.OfDoubles(DType.Float32, Shape.Of(4, 3, 2), halves)

    for make in [ Layer.simpleRNNWith; Layer.lstmWith; Layer.gruWith ] do
        let kept = stateful (make { LSTM.options 3 with Stateful = true })
        let plain =
            Network.sequential (sequenceInput None [ 6; 2 ]) [ make (LSTM.options 3); Layer.dense 1 ] |> compile
        plain.SetWeights [| for v in kept.GetWeights() -> v.Value |]
        let expected = rows (plain.Predict whole)
        let first = predictions kept parts
        Close.closeToScale "second half" 1e-5 expected first[2..]
        // Not started anew: another pass goes on from there, and a reset begins again.
        let second = predictions kept parts
        Assert.NotEqual<float[]>(first, second)
        kept.ResetStates()
        Assert.Equal<float[]>(first, predictions kept parts)

[<Fact>]
let ``states are kept over the batches of fit and evaluate, and are no weights`` () =
    let trainer = stateful (Layer.lstmWith { LSTM.options 3 with Stateful = true })
    let twin =
        Network.sequential (sequenceInput (Some 2) [ 3; 2 ]) [ Layer.lstm 3; Layer.dense 1 ] |> compile
    Assert.Equal(twin.GetWeights().Count, trainer.GetWeights().Count)
    Assert.Equal(Network.countParameters twin.Network, Network.countParameters trainer.Network)
    twin.SetWeights [| for v in trainer.GetWeights() -> v.Value |]
    let x, y = numbers 2 [ 2; 3; 2 ], numbers 3 [ 2; 1 ]
    let loss (t: Trainer) = (t.Evaluate(x, y)).ValueAt 0
    let start = loss trainer
    Assert.Equal(start, loss twin)
    Assert.NotEqual(start, loss trainer)
    trainer.ResetStates()
    Assert.Equal(start, loss trainer)
    trainer.ResetStates()
    let options = FitOptions()
    options.BatchSize <- 2
    options.Epochs <- 1
    options.Shuffle <- false
    options.Verbosity <- Verbosity.Silent
    trainer.Fit(x, y, options) |> ignore
    twin.Fit(x, y, options) |> ignore
    // From the same states the same update; then from others.
    Close.closeToScale "first update" 1e-5 (firstWeight twin) (firstWeight trainer)
    trainer.Fit(x, y, options) |> ignore
    twin.Fit(x, y, options) |> ignore
    Assert.NotEqual<float[]>(firstWeight twin, firstWeight trainer)

[<Fact>]
let ``a stateful layer needs a batch size, and batches of that size`` () =
    let layer () = Layer.named "memory" (Layer.lstmWith { LSTM.options 3 with Stateful = true })

    let unknown =
        Assert.Throws<ShapeException>(fun () -> Network.sequential (sequenceInput None [ 3; 2 ]) [ layer () ] |> ignore)

    Assert.StartsWith("memory", unknown.Path)
    let trainer = stateful (layer ())
    let wrong = Assert.Throws<ShapeException>(fun () -> trainer.Predict(numbers 1 [ 3; 3; 2 ]) |> ignore)
    Assert.Equal("x", wrong.Path)
    Assert.StartsWith("(2, 3, 2)", wrong.Expected)
    Assert.StartsWith("(3, 3, 2)", wrong.Actual)
    // Nor may the last batch be a part of one.
    Assert.Throws<ShapeException>(fun () -> predictions trainer (numbers 1 [ 3; 3; 2 ]) |> ignore)

// ---- States as inputs and outputs ----

[<Fact>]
let ``an encoder's states start a decoder, and the model survives its configuration`` () =
    let source, target =
        sequenceInput None [ -1; 2 ],
        Network.inputWith { Name = "target"; Shape = [ 4; 3 ]; DType = DType.Float32; BatchSize = None }
    let encoded = Network.applyMany (Layer.lstmWith { LSTM.options 3 with ReturnState = true }) [ source ]
    let decoder = Layer.lstmWith { LSTM.options 3 with ReturnSequences = true }
    let decoded = Network.applyMany decoder (target :: encoded.Tail) |> List.head
    let both =
        Layer.bidirectionalWith { Bidirectional.options (Layer.gru 2) with MergeMode = MergeMode.Separate }
    let ends = Network.applyMany both [ decoded ]
    let network = Network.create [ source; target ] ends
    let json = Network.toJson network
    Assert.Contains("\"initial_state\"", json)
    let again = Network.ofJson json
    Assert.Equal(json, Network.toJson again)
    let trainer, other = Trainer network, Trainer again
    other.SetWeights [| for v in trainer.GetWeights() -> v.Value |]
    let inputs = [| numbers 4 [ 3; 5; 2 ]; numbers 5 [ 3; 4; 3 ] |]
    let expected = trainer.Predict(inputs, EvaluateOptions())
    let actual = other.Predict(inputs, EvaluateOptions())
    Assert.Equal(2, actual.Length)
    Array.iter2 (fun (e: Tensor) (a: Tensor) -> Assert.Equal<float[]>(rows e, rows a)) expected actual
    // The states matter.
    let without = trainer.Predict([| numbers 6 [ 3; 5; 2 ]; inputs[1] |], EvaluateOptions())
    Assert.NotEqual<float[]>(rows expected[0], rows without[0])

[<Fact>]
let ``wrong initial states are refused by name`` () =
    let x = sequenceInput None [ 4; 2 ]
    let state size = Network.input [ size ]
    let layer = Layer.named "decoder" (Layer.lstm 3)
    let refuse states = Assert.Throws<ShapeException>(fun () -> Network.applyMany layer (x :: states) |> ignore)
    let number = refuse [ state 3 ]
    Assert.Equal("decoder", number.Path)
    Assert.StartsWith("2 states", number.Expected)
    Assert.Equal("1 states", number.Actual)
    let shape = refuse [ state 3; state 4 ]
    Assert.Equal("decoder", shape.Path)
    Assert.Equal("(2, 3)", shape.Expected)
    Assert.Equal("(2, 4)", shape.Actual)
    let odd =
        Assert.Throws<ShapeException>(fun () ->
            Network.applyMany (Layer.bidirectional (Layer.gru 3)) [ x; state 3 ] |> ignore)
    Assert.Equal("1 states", odd.Actual)

// ---- Input that has no steps, or none that count ----

[<Fact>]
let ``sequences without steps are refused`` () =
    let network = Network.sequential (sequenceInput None [ -1; 2 ]) [ Layer.named "reader" (Layer.gru 3) ]
    let empty = Tensor.Zeros(DType.Float32, Shape.Of(2, 0, 2))
    let error = Assert.Throws<ShapeException>(fun () -> (Trainer network).Predict empty |> ignore)
    Assert.Equal("reader", error.Path)
    Assert.Contains("1 step or more", error.Expected)

[<Fact>]
let ``rows that are masked as a whole give zeros and train without NaN`` () =
    let layers =
        [ Layer.simpleRNN 3
          Layer.lstm 3
          Layer.gru 3
          Layer.bidirectional (Layer.lstm 3)
          Layer.rnn (Layer.gruCellWith { GRU.options 3 with ResetAfter = false }) ]

    for layer in layers do
        let trainer = Network.sequential (sequenceInput None [ 4; 2 ]) [ Layer.masking 0.0; layer ] |> compile
        let x =
            Tensor.OfDoubles(
                DType.Float32,
                Shape.Of(2, 4, 2),
                Array.append (Array.zeroCreate 8) (rows (numbers 1 [ 8 ]))
            )
        let y = trainer.Predict x
        let width = y.Shape[1]
        Assert.All((rows y)[.. width - 1], fun v -> Assert.Equal(0.0, v))
        let options = FitOptions()
        options.Verbosity <- Verbosity.Silent
        let history = trainer.Fit(x, numbers 2 [ 2; width ], options)
        Assert.All(trainer.GetWeights(), fun w -> Assert.All(rows w.Value, fun v -> Assert.True(Double.IsFinite v)))
        Assert.NotNull history

[<Fact>]
let ``ids outside the vocabulary are refused with their place`` () =
    let x = Network.inputWith { Name = "ids"; Shape = [ 3 ]; DType = DType.Int32; BatchSize = None }
    let trainer = Trainer(Network.sequential x [ Layer.embedding 10 4; Layer.lstm 2 ])
    let ids = Tensor.OfDoubles(DType.Int32, Shape.Of(2, 3), [| 1.0; 2.0; 3.0; 4.0; 10.0; 5.0 |])
    let error = Assert.ThrowsAny<FunctionalNetException>(fun () -> trainer.Predict ids |> ignore)
    Assert.Contains("10", error.Actual)

// ---- Cells ----

let private leaky (units: int) =
    RecurrentCell.create "Leaky" [ [ units ] ] (fun scope x states ->
        let kernel = scope.Param("kernel", Shape.Of(x.Shape[-1], units), Initializer.glorotUniform)
        let h = states[0] * 0.9 + Ops.matmul x kernel * 0.1
        h, [| h |])

[<Fact>]
let ``a cell of one's own runs in RNN, stacked and in both directions`` () =
    let x = numbers 8 [ 2; 3; 2 ]
    let network = Network.sequential (sequenceInput None [ 3; 2 ]) [ Layer.rnn (leaky 4) ]
    let trainer = Trainer network
    let kernel = firstWeight trainer
    Assert.Equal("rnn/leaky/kernel", (trainer.GetWeights() |> Seq.head).Key)
    let values = rows x

    let expected =
        [| for row in 0..1 do
               for u in 0..3 do
                   let mutable h = 0.0

                   for t in 0..2 do
                       let at k = values[row * 6 + t * 2 + k]
                       h <- h * 0.9 + 0.1 * (at 0 * kernel[u] + at 1 * kernel[4 + u])

                   h |]

    Close.closeToScale "by hand" 1e-5 expected (rows (trainer.Predict x))

    let stacked =
        Layer.bidirectional (
            Layer.rnnWith
                { RNN.options (Layer.stackedRNNCells [ leaky 4; Layer.lstmCellWith (LSTM.options 3) ]) with
                    ReturnSequences = true }
        )

    let network = Network.sequential (sequenceInput None [ -1; 2 ]) [ stacked ]

    Assert.Equal<string list>(
        [ "bidirectional/forward_rnn/stacked_rnn_cells/leaky/kernel"
          "bidirectional/forward_rnn/stacked_rnn_cells/lstm_cell/kernel" ],
        Network.variables network |> Array.map (fun v -> v.Path) |> Array.truncate 2 |> List.ofArray
    )

    Assert.Equal(Shape.Of(2, 3, 6), ((Trainer network).Predict x).Shape)

[<Fact>]
let ``a cell must give back its states, and change nothing else`` () =
    let x = sequenceInput None [ 3; 2 ]
    let run cell = Network.applyMany (Layer.named "loop" (Layer.rnn cell)) [ x ] |> ignore
    let wrong =
        RecurrentCell.create "Wrong" [ [ 2 ] ] (fun _ x states -> x, [| Ops.concatenate -1 [| states[0]; x |] |])
    let error = Assert.Throws<ShapeException>(fun () -> run wrong)
    Assert.Equal("loop/wrong", error.Path)
    Assert.Equal("1 states (2, 2)", error.Expected)
    let penal =
        RecurrentCell.create "Penal" [ [ 2 ] ] (fun scope x states ->
            scope.AddLoss(Ops.sumAll x)
            x, states)
    Assert.Throws<GraphException>(fun () -> run penal) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> Layer.rnn (Layer.dense 3) |> ignore) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> Layer.bidirectional (Layer.dense 3) |> ignore)
    |> ignore

// ---- Both directions, and every step by itself ----

[<Fact>]
let ``the directions are merged in every way`` () =
    let inner () = Layer.gruWith { GRU.options 2 with ReturnSequences = true; ReturnState = true }
    let x = numbers 9 [ 2; 4; 3 ]

    let run mode =
        let layer = Layer.bidirectionalWith { Bidirectional.options (inner ()) with MergeMode = mode }
        let input = sequenceInput None [ 4; 3 ]
        (Trainer(Network.create [ input ] (Network.applyMany layer [ input ]))).Predict([| x |], EvaluateOptions())
        |> Array.map rows

    let apart = run MergeMode.Separate
    let a, b = apart[0], apart[1]
    Assert.Equal(4, apart.Length)
    let same name (expected: float[]) (actual: float[][]) =
        Assert.Equal(3, actual.Length)
        Close.closeToScale name 1e-6 expected actual[0]
        Assert.Equal<float[]>(apart[2], actual[1])
        Assert.Equal<float[]>(apart[3], actual[2])

    same "sum" (Array.map2 (+) a b) (run MergeMode.Sum)
    same "mul" (Array.map2 (*) a b) (run MergeMode.Multiply)
    same "ave" (Array.map2 (fun x y -> (x + y) / 2.0) a b) (run MergeMode.Average)
    let pairs =
        Array.init 8 (fun i -> Array.append a[2 * i .. 2 * i + 1] b[2 * i .. 2 * i + 1]) |> Array.concat
    same "concat" pairs (run MergeMode.Concat)

[<Fact>]
let ``a separate backward layer must go the other way`` () =
    let backward back =
        { Bidirectional.options (Layer.lstm 2) with
            BackwardLayer = Some(Layer.gruWith { GRU.options 2 with GoBackwards = back }) }
    Assert.Equal("Bidirectional", (Layer.bidirectionalWith (backward true)).ClassName)
    Assert.Throws<ArgumentValueException>(fun () -> Layer.bidirectionalWith (backward false) |> ignore)
    |> ignore

[<Fact>]
let ``a layer that changes its state sees the steps one after the other`` () =
    let layer = Layer.timeDistributed (Layer.batchNormalization)
    let trainer = Network.sequential (sequenceInput None [ 3; 2 ]) [ layer ] |> compile
    let x = numbers 10 [ 4; 3; 2 ]
    let options = FitOptions()
    options.Verbosity <- Verbosity.Silent
    trainer.Fit(x, numbers 11 [ 4; 3; 2 ], options) |> ignore
    let weight (name: string) = trainer.GetWeights() |> Seq.find (fun w -> w.Key.EndsWith name) |> fun w -> rows w.Value
    let values = rows x

    let expected =
        [| for channel in 0..1 do
               let mutable mean = 0.0

               for t in 0..2 do
                   let batch = Array.init 4 (fun row -> values[row * 6 + t * 2 + channel]) |> Array.average
                   mean <- mean * 0.99 + batch * 0.01

               mean |]

    Close.closeToScale "moving mean" 1e-5 expected (weight "moving_mean")

[<Fact>]
let ``dropout of inputs and states draws one mask for all steps`` () =
    // With a kernel of ones and no recurrence a constant input gives the same output at every step, if the mask is the same.
    let options =
        { SimpleRNN.options 3 with
            ReturnSequences = true
            Dropout = 0.5
            Activation = Activation.linear
            Kernel = Weight.startingFrom Initializer.ones
            Recurrent = Weight.startingFrom Initializer.zeros }

    let types = [| LayerRun.typeOf DType.Float64 [| 2; 6; 8 |] |]
    let trace = LayerRun.trace Mode.Train DType.Float64 (Layer.simpleRNNWith options) types [| None |]
    let ones = [| Tensor.Full(DType.Float64, Shape.Of(2, 6, 8), 1.0) |]
    let weights =
        trace.Specs
        |> Array.map (fun s -> Tensor.Full(DType.Float64, s.Shape, (if s.Path.EndsWith "/kernel" then 1.0 else 0.0)))
    let y = (LayerRun.interpret (LayerRun.bind trace ones weights) trace.Outputs)[0]

    for row in 0..1 do
        let steps = Array.init 6 (fun t -> y[row * 18 + t * 3])
        Assert.All(steps, fun v -> Assert.Equal(steps[0], v))
        Assert.NotEqual(8.0, steps[0])
        Assert.Equal(0.0, steps[0] % 2.0)
