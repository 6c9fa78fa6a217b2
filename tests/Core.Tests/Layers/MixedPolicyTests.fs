/// Layers whose values are kept in 16 bits.
module FunctionalNet.Tests.Layers.MixedPolicyTests

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Tests.Compiler
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.Samples
open FunctionalNet.Training
open FunctionalNet.Kernels
open FsCheck.Xunit
open Xunit

/// Attention and the residual sums still work on floats.
[<Literal>]
let private TransformerLimit = 0.75

let private mixed = Layer.withPolicy DTypePolicy.MixedBFloat16

let private rounded (x: float) = float (BFloat16.OfSingle(float32 x).ToSingle())

let private typesOf (row: LayerRow) =
    row.Inputs
    |> List.map (fun dims ->
        LayerRun.typeOf row.DType (3 :: List.map (fun d -> if d < 0 then 4 else d) dims |> List.toArray))
    |> List.toArray

let private trace mode layer types = LayerRun.trace mode DType.Float32 layer types (LayerRun.unmasked types)

let private isFloat (e: Expr) = e.DType = DType.Float32

// Layers whose result jumps where a value crosses a border, so that the last bit decides.
let private jumps =
    set [ "Discretization"; "Hashing"; "HashedCrossing"; "STFTSpectrogram"; "MelSpectrogram" ]

let names () =
    LayerTable.rows
    |> List.filter (fun r -> not (jumps.Contains r.Class))
    |> List.map (fun r -> [| box r.Class |])

[<Theory; MemberData(nameof names)>]
let ``a layer gives what it gives on rounded inputs, rounded`` (name: string) =
    let row = LayerTable.rows |> List.find (fun r -> r.Class = name)
    let types = typesOf row

    // Already rounded, so that layers which see their input as it is see the same.
    let data =
        types
        |> Array.mapi (fun i t ->
            let raw = LayerRun.data ("input" + string i) t.DType (t.Shape.ToArray())
            if t.DType = DType.Float32 then raw.Cast(DType.BFloat16).Cast DType.Float32 else raw)

    let plain = trace Mode.Infer (row.Make()) types
    let narrow = trace Mode.Infer (mixed (row.Make())) types
    let weights = LayerRun.weights DType.Float32 plain
    // The same variables, in float32.
    Assert.Equal<string[]>(
        plain.Specs |> Array.map (fun s -> s.Path + s.Shape.ToString() + DType.name s.DType),
        narrow.Specs |> Array.map (fun s -> s.Path + s.Shape.ToString() + DType.name s.DType)
    )

    let values (t: LayerTrace) = LayerRun.interpret (LayerRun.bind t data weights) t.Outputs
    let expected, actual = values plain, values narrow

    for i in 0 .. expected.Length - 1 do
        Assert.Equal(plain.Outputs[i].Type, narrow.Outputs[i].Type)

        if isFloat plain.Outputs[i] then
            Assert.Equal<float[]>(Array.map rounded actual[i], actual[i])
            let wanted = expected[i] |> Array.map (float32 >> float)
            let scale = wanted |> Array.fold (fun m v -> if Double.IsFinite v then max m (abs v) else m) 1e-3
            // Half a last place of 8 bits, once inside the layer and once behind it, or once a step.
            match Close.difference 0.0 (scale * 0.02) wanted actual[i] with
            | None -> ()
            | Some text -> Assert.Fail text
        else
            Assert.Equal<float[]>(expected[i], actual[i])

[<Fact>]
let ``Dense rounds its input, its sum and its result, and nothing else`` () =
    let layer = mixed (Layer.denseWith { Dense.options 4 with Activation = Activation.gelu })
    let types = [| LayerRun.typeOf DType.Float32 [| 5; 6 |] |]
    let t = trace Mode.Train layer types
    let x = LayerRun.data "x" DType.Float32 [| 5; 6 |]
    let weights = LayerRun.weights DType.Float32 t
    let kernel, bias = weights[0].ToDoubles(), weights[1].ToDoubles()
    let input = x.ToDoubles() |> Array.map rounded

    let expected =
        Array.init 20 (fun i ->
            let mutable sum = 0.0

            for k in 0..5 do
                sum <- sum + input[i / 4 * 6 + k] * kernel[k * 4 + i % 4]

            let z = rounded (sum + bias[i % 4])
            rounded (z * 0.5 * (1.0 + Reference.unary UnaryOp.Erf (z * sqrt 0.5))))

    let actual = LayerRun.interpret (LayerRun.bind t [| x |] weights) t.Outputs
    Assert.Equal<float[]>(expected, actual[0])

[<Fact>]
let ``derivatives of weights are not rounded, those handed on are`` () =
    let layer = mixed (Layer.dense 4)
    let types = [| LayerRun.typeOf DType.Float32 [| 5; 6 |] |]
    let t = trace Mode.Train layer types
    let g = Expr.Input("g", DType.Float32, Shape.Of(5, 4))
    let loss = Ops.sumAll (t.Outputs[0] * g)
    let weights = LayerRun.weights DType.Float32 t
    let x = LayerRun.data "x" DType.Float32 [| 5; 6 |]
    let incoming = LayerRun.data "g" DType.Float32 [| 5; 4 |]
    let bindings = Array.append (LayerRun.bind t [| x |] weights) [| g, incoming |]
    let gradients = LayerRun.interpret bindings (Grad.gradients loss [| t.Leaves[0]; t.Inputs[0] |])
    let input, given = x.ToDoubles() |> Array.map rounded, incoming.ToDoubles() |> Array.map rounded
    let kernel = weights[0].ToDoubles()

    let ofKernel =
        Array.init 24 (fun i -> Seq.sum (seq { for r in 0..4 -> input[r * 6 + i / 4] * given[r * 4 + i % 4] }))

    let ofInput =
        Array.init 30 (fun i ->
            rounded (Seq.sum (seq { for c in 0..3 -> given[i / 6 * 4 + c] * kernel[i % 6 * 4 + c] })))

    Assert.Equal(None, Close.difference 1e-12 1e-12 ofKernel gradients[0])
    Assert.Equal<float[]>(ofInput, gradients[1])

/// Convolution, pooling, normalisation, a branch that meets another, and dense layers.
let private varied () =
    let x = Network.input [ 8; 8; 2 ]
    let a = Network.apply (mixed (Layer.conv2D 4 [ 3; 3 ] >>> Layer.batchNormalization >>> Layer.relu)) x
    let b =
        Network.apply (mixed (Layer.conv2DWith { Conv.options 4 [ 3; 3 ] with Padding = Padding.Same })) a
    let sum = Network.applyMany (mixed Layer.add) [ a; b ] |> Seq.head
    let pooled = Network.apply (mixed (Layer.maxPooling2D [ 2; 2 ])) sum
    let flat = Network.apply (mixed Layer.flatten) pooled
    let dense =
        Network.apply (mixed (Layer.denseWith { Dense.options 6 with Activation = Activation.tanh })) flat
    Network.create [ x ] [ Network.apply (Layer.dense 3) dense ]

[<Property(MaxTest = 150)>]
let ``a plan computes a training step as the interpreter does`` (seed: uint32) =
    let trainer = Trainer(varied (), uint64 seed)
    trainer.Compile(TrainingOptions(Optimizer = Optimizer.sgd 0.1).AddLoss(Loss.parse "mse"))
    let batch = TrainingData(tensor (int (seed % 1000u)) [ 3; 8; 8; 2 ], tensor 2 [ 3; 3 ])
    // A value near the middle of two numbers of 16 bits may go to one here and to the other there: 2^-8 of it.
    match trainer.FirstDifference(batch, 0.03) with
    | null -> ()
    | text -> Assert.Fail text

[<Fact>]
let ``the policy is written and read, in layers and models`` () =
    let text (layer: Layer) = Json.write false (LayerConfig.toValue "it" layer)

    Assert.Contains(
        "\"class_name\":\"DTypePolicy\",\"config\":{\"name\":\"mixed_bfloat16\"}",
        text (mixed (Layer.dense 3))
    )

    for name in [ "mixed_bfloat16"; "int8_from_mixed_bfloat16" ] do
        let layer = Layer.dense 3 |> Layer.withPolicy (DTypePolicy.Parse name)
        let back = Registry.ofConfig (Json.parse (text layer))
        Assert.Equal(text layer, text back)
        Assert.Equal(name, back.Policy.Value.Name)

    let network = varied ()
    let json = Network.toJson network
    let back = Network.ofJson json
    Assert.Equal(json, Network.toJson back)
    Assert.Equal(DType.Float32, back.FloatType)
    // Nine layers, with the composition of the first three.
    Assert.Equal(9, json.Split("mixed_bfloat16").Length - 1)
    // As Keras writes it where the name stands alone.
    let bare =
        (text (mixed (Layer.dense 3)))
            .Replace(
                "\"dtype\":{\"module\":\"keras\",\"class_name\":\"DTypePolicy\",\"config\":{\"name\":\"mixed_bfloat16\"},\"registered_name\":null}",
                "\"dtype\":\"mixed_bfloat16\""
            )

    Assert.Contains("\"dtype\":\"mixed_bfloat16\"", bare)
    Assert.Equal(ValueSome DTypePolicy.MixedBFloat16, (Registry.ofConfig (Json.parse bare)).Policy)
    Assert.Equal(
        (DType.BFloat16, DType.Float32),
        (DTypePolicy.MixedBFloat16.ComputeDType, DTypePolicy.MixedBFloat16.VariableDType)
    )

    for name in [ "float16"; "mixed_float16"; "bfloat16" ] do
        let e = Assert.Throws<ArgumentValueException>(fun () -> DTypePolicy.Parse name |> ignore)
        Assert.Contains("mixed_bfloat16", e.Hint)

[<Fact>]
let ``the parts of a composition have its policy where they have none of their own`` () =
    let both =
        mixed (Layer.dense 4 >>> (Layer.dense 5 |> Layer.withPolicy DTypePolicy.Float64)) >>> Layer.dense 3
    let policies = both.Parts |> Array.map (fun (_, part) -> part.Policy)
    Assert.Equal<DTypePolicy voption[]>(
        [| ValueSome DTypePolicy.MixedBFloat16; ValueSome DTypePolicy.Float64; ValueNone |],
        policies
    )

[<Fact>]
let ``predictions are float32, and ids stay whole`` () =
    // 1001 and 1003 are one number in 16 bits.
    let network =
        Network.sequential
            (Network.input [ 2 ])
            [ mixed (Layer.embedding 2000 4); mixed Layer.flatten; mixed (Layer.dense 2) ]

    let trainer = Trainer(network, 3UL)
    let ids = Tensor.OfDoubles(DType.Float32, Shape.Of(2, 2), [| 1001.0; 1003.0; 1003.0; 1001.0 |])
    let y = trainer.Predict ids
    Assert.Equal(DType.Float32, y.DType)
    Assert.Equal<float[]>(y.ToDoubles() |> Array.map rounded, y.ToDoubles())
    Assert.NotEqual((y.ToDoubles())[0], (y.ToDoubles())[2])

type private Plans =
    | Learning
    | Evaluation
    | Prediction

/// A step of a trainer with memory of its own.
let private stepOf (kind: Plans) (rows: int) (network: Network) : BoundStep =
    let trainer = Trainer(network, 3UL)

    trainer.Compile(
        TrainingOptions(Optimizer = Optimizer.sgd 0.1)
            .AddLoss(Loss.parse "sparse_categorical_crossentropy")
            .AddMetric(Metric.accuracy)
    )

    let parts = trainer.StepParts
    let types = StepReports.typesOf parts rows

    let graph =
        match kind with
        | Learning -> TrainStep.training parts.Network parts.Plan parts.Settings parts.IsFrozen types
        | Evaluation -> TrainStep.test parts.Network parts.Plan parts.Settings parts.IsFrozen types
        | Prediction ->
            let types = { types with Targets = [||]; Weights = [||] }
            TrainStep.prediction parts.Network ValueNone ValueNone parts.IsFrozen types

    BoundStep.create parts.Options "test" types graph parts.Variable

let private describe (kind: Plans) (rows: int) (network: Network) : string[] =
    (stepOf kind rows network).Executable.Describe().Split('\n')

let private arenaOf (lines: string[]) : float =
    let from = lines[0].IndexOf("arena ", StringComparison.Ordinal) + 6
    float (lines[0].Substring(from, lines[0].IndexOf(" bytes", from, StringComparison.Ordinal) - from))

let private arena (layers: Layer -> Layer) (make: (Layer -> Layer) -> Network) (rows: int) : float =
    arenaOf (describe Learning rows (make layers))

let private convolutions (policy: Layer -> Layer) =
    Network.sequential
        (Network.input [ 28; 28; 1 ])
        [ policy (Layer.conv2D 32 [ 3; 3 ] >>> Layer.relu)
          policy (Layer.maxPooling2D [ 2; 2 ])
          policy (Layer.conv2D 64 [ 3; 3 ] >>> Layer.relu)
          policy (Layer.maxPooling2D [ 2; 2 ])
          policy Layer.flatten
          policy (Layer.dropout 0.5)
          policy (Layer.dense 10 >>> Layer.softmax) ]

let private transformer (policy: Layer -> Layer) =
    let x = Network.input [ 64; 64 ]
    let one layer nodes = Network.applyMany (policy layer) nodes |> Seq.head

    let block x =
        let h =
            one Layer.layerNormalization [ one Layer.add [ x; one (Layer.multiHeadAttention 4 16) [ x; x ] ] ]
        let wide = one (Layer.denseWith { Dense.options 256 with Activation = Activation.gelu }) [ h ]
        one Layer.layerNormalization [ one Layer.add [ h; one (Layer.dense 64) [ wide ] ] ]

    let y = one Layer.globalAveragePooling1D [ block (block x) ]
    Network.create [ x ] [ one (Layer.dense 10 >>> Layer.softmax) [ y ] ]

[<Fact>]
let ``training needs much less memory`` () =
    // In 32 bits, what the second pooling reads is never written.
    Assert.InRange(arena mixed convolutions 1024 / arena id convolutions 1024, 0.45, 0.75)
    Assert.InRange(arena mixed transformer 512 / arena id transformer 512, 0.4, TransformerLimit)

let private rectified (channels: int) =
    Layer.conv2DWith { Conv.options channels [ 3; 3 ] with Activation = Activation.relu }

/// The networks of the quick starts in C# and in F#.
let private quickStarts: ((Layer -> Layer) -> Network) list =
    [ fun policy ->
          Network.sequential
              (Network.input [ 28; 28; 1 ])
              ([ rectified 32
                 Layer.maxPooling2D [ 2; 2 ]
                 rectified 64
                 Layer.maxPooling2D [ 2; 2 ]
                 Layer.flatten
                 Layer.denseWith { Dense.options 128 with Activation = Activation.relu }
                 Layer.dropout 0.4
                 Layer.denseWith { Dense.options 10 with Activation = Activation.softmax } ]
               |> List.map policy)
      fun policy ->
          Network.sequential
              (Network.input [ 28; 28; 1 ])
              [ policy (
                    rectified 16
                    >>> Layer.maxPooling2D [ 2; 2 ]
                    >>> Layer.flatten
                    >>> Layer.dropout 0.25
                    >>> Layer.dense 10
                    >>> Layer.softmax
                ) ] ]

[<Fact>]
let ``no step of the quick starts needs more memory than in float32`` () =
    for make in quickStarts do
        for kind in [ Learning; Evaluation; Prediction ] do
            // A training step of one row is made of gradients of weights; a few kilobytes of floats come on top.
            for rows in (if kind = Learning then [ 16; 32; 64; 128; 1000 ] else [ 1; 64; 1000 ]) do
                let plain, narrow = describe kind rows (make id), describe kind rows (make mixed)
                Assert.InRange(arenaOf narrow, 0.0, arenaOf plain)

[<Fact>]
let ``convolutions of predictions are ended and pooled as in float32`` () =
    let kernels (lines: string[]) =
        lines
        |> Array.filter (fun line -> Char.IsDigit line[0])
        |> Array.map (fun line -> line.Split([| ' '; '(' |])[1])
        |> Array.map (fun name ->
            match name.IndexOf('+') with
            | -1 -> name
            | i -> name.Substring(0, i) + (if name.EndsWith "+MaxPool" then "+MaxPool" else ""))

    for kind in [ Evaluation; Prediction ] do
        let lines = describe kind 256 (quickStarts[0] mixed) |> Array.filter (fun line -> line <> "")
        // The input is rounded where it lies, and then come the kernels of float32.
        Assert.Contains("%input/0) -> float32 (256, 28, 28, 1) %input/0", lines[1])
        let plain = describe kind 256 (quickStarts[0] id) |> Array.filter (fun line -> line <> "") |> kernels
        Assert.Equal<string[]>(plain[..3], (kernels lines)[1..4])

        if Width.current <> Width.W128 then
            Assert.Equal(2, plain |> Array.filter (fun name -> name = "Conv+MaxPool") |> Array.length)

[<Fact>]
let ``what has 16 bits already is not rounded again`` () =
    let text = String.concat "\n" (describe Learning 64 (quickStarts[0] mixed))
    // Masks of rectifiers go before the gradients of poolings, which only move numbers.
    for line in text.Split('\n') do
        if line.Contains "MaxPoolGrad" then
            Assert.Contains("MaxPoolGrad+Cast(", line)
            Assert.Contains("-> bfloat16", line)

    // From the end of a convolution: what is stored in 16 bits is rounded by that.
    Assert.Contains("{ i0 i1:strided -> Add(i0,i1); RoundToHalf(t0); Relu(t1) -> t2 }", text)
    Assert.Contains("{ i0 ->  -> i0 }", text)

[<Property(MaxTest = 150)>]
let ``a plan predicts as the interpreter does, and again from what it left in its inputs`` (seed: uint32) =
    let kind = if seed % 2u = 0u then Prediction else Evaluation
    let rows = 1 + int (seed % 3u)
    // Thin and other convolutions, with and without a pooling behind them.
    let make policy =
        if seed % 5u = 0u then
            varied ()
        else
            Network.sequential
                (Network.input [ 9; 9; (if seed % 3u = 0u then 1 else 8) ])
                ([ rectified 20
                   (if seed % 7u < 4u then Layer.maxPooling2D [ 2; 2 ] else Layer.averagePooling2D [ 2; 2 ])
                   Layer.conv2D 24 [ 2; 2 ]
                   Layer.flatten
                   Layer.dense 3 ]
                 |> List.map policy)

    let network = make mixed
    let step = stepOf kind rows network
    let shape = Seq.toArray network.Inputs[0].Shape
    shape[0] <- rows
    let x = tensor (int (seed % 1000u)) (List.ofArray shape)
    x.Bytes.CopyTo(Span<byte>(step.Inputs[0].Pointer.ToPointer(), x.Bytes.Length))
    step.Run()
    let first = step.Outputs |> Array.map (fun o -> o.ToTensor())
    // Once more, on inputs that are rounded now.
    step.Run()
    let again = step.Outputs |> Array.map (fun o -> o.ToTensor())
    Array.iter2 (fun (a: Tensor) (b: Tensor) -> Assert.True(a.BitEquals b)) first again

    if kind = Prediction then
        let trainer =
            Trainer(network, 3UL, { CompileOptions.Default with Interpret = true }, fun _ -> ValueNone)
        let expected = trainer.Predict x
        // A value near the middle of two numbers of 16 bits may go to one here and to the other there.
        let scale = expected.ToDoubles() |> Array.fold (fun m v -> max m (abs v)) 0.1
        Assert.Equal(None, Close.difference 0.0 (scale * 0.02) (expected.ToDoubles()) (first[0].ToDoubles()))

/// Changes what all new layers have, so it runs with no test beside it.
[<Collection("global policy")>]
type MixedGlobalPolicyTests() =

    [<Fact>]
    member _.``set for all layers, it changes their values and not their weights``() =
        let make () = Network.sequential (Network.input [ 6 ]) [ Layer.dense 4 >>> Layer.relu; Layer.dense 3 ]
        let x = tensor 1 [ 8; 6 ]
        let plain = Trainer(make (), 3UL)
        DTypePolicy.Global <- DTypePolicy.Parse "mixed_bfloat16"

        let narrow =
            try
                Trainer(make (), 3UL)
            finally
                DTypePolicy.Global <- DTypePolicy.Float32

        sameBits (plain.GetWeights()) (narrow.GetWeights())
        let y = (narrow.Predict x).ToDoubles()
        Assert.Equal<float[]>(Array.map rounded y, y)
        Assert.NotEqual<float[]>((plain.Predict x).ToDoubles(), y)
        Assert.Equal(None, Close.difference 0.0 0.05 ((plain.Predict x).ToDoubles()) y)
