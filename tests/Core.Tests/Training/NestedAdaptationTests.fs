/// Layers inside of other layers, adapted by LoRA and kept in 8 bits.
module FunctionalNet.Tests.Training.NestedAdaptationTests

open System
open System.IO
open FunctionalNet
open FunctionalNet.Tests.Support
open FunctionalNet.Training
open Xunit
open Samples

let private values (trainer: Trainer) = trainer.GetWeights() |> Seq.map (fun p -> p.Key, p.Value) |> Map.ofSeq

/// A network with a Dense, or with projections, in every kind of container; and the paths of what can change.
let private nested (name: string) : Network * string list =
    let sequence = Network.input [ 5; 6 ]

    match name with
    | "attention" ->
        let layer =
            Layer.multiHeadAttentionWith { MultiHeadAttention.options 2 3 with ValueDim = Some 4 }
            |> Layer.named "mha"
        Network.create [ sequence ] [ Network.applyMany layer [ sequence; sequence ] |> List.head ],
        [ "mha/query"; "mha/key"; "mha/value"; "mha/attention_output" ]
    | "attention with an output of two axes" ->
        let options = { MultiHeadAttention.options 2 3 with OutputShape = Some [ 2; 4 ]; UseBias = false }
        let layer = Layer.multiHeadAttentionWith options |> Layer.named "mha"
        Network.create [ sequence ] [ Network.applyMany layer [ sequence; sequence ] |> List.head ],
        [ "mha/query"; "mha/key"; "mha/value"; "mha/attention_output" ]
    | "grouped attention" ->
        let layer = Layer.groupQueryAttentionWith (GroupQueryAttention.options 3 4 2) |> Layer.named "gqa"
        Network.create [ sequence ] [ Network.applyMany layer [ sequence; sequence ] |> List.head ],
        [ "gqa/query"; "gqa/key"; "gqa/value"; "gqa/attention_output" ]
    | "time distributed" ->
        Network.sequential sequence [ Layer.timeDistributed (Layer.dense 4) |> Layer.named "each" ], [ "each/dense" ]
    | "time distributed model" ->
        let inner = Network.sequential (Network.input [ 6 ]) [ Layer.dense 4; Layer.dense 3 ] |> Network.asLayer
        Network.sequential sequence [ Layer.timeDistributed (Layer.named "inner" inner) |> Layer.named "each" ],
        [ "each/inner/dense"; "each/inner/dense_1" ]
    | "residual" ->
        Network.sequential sequence [ Layer.residual (Layer.dense 6) |> Layer.named "around" ], [ "around/dense" ]
    | "parallel" ->
        let layer = Layer.parallelMerge Layer.concatenate [ Layer.dense 2; Layer.dense 3 ] |> Layer.named "both"
        Network.sequential sequence [ layer ], [ "both/dense"; "both/dense_1" ]
    | _ ->
        let inner =
            Network.sequential (Network.input [ 5; 6 ]) [ Layer.dense 6; Layer.dense 6 ] |> Network.asLayer
        Network.sequential sequence [ Layer.named "inner" inner; Layer.residual (Layer.dense 6) |> Layer.named "block" ],
        [ "inner/dense"; "inner/dense_1"; "block/dense" ]

let private names =
    [ "attention"
      "attention with an output of two axes"
      "grouped attention"
      "time distributed"
      "time distributed model"
      "residual"
      "parallel"
      "nested" ]

let Cases: TheoryData<string> = TheoryData<string>(names)

let private x = tensor 3 [ 4; 5; 6 ]

/// The same after a configuration with all weights, and after a file.
let private roundTrips (trainer: Trainer) =
    let expected = trainer.Predict x
    let text = Network.toJson trainer.Network
    let again = Trainer(Network.ofJson text, 77UL)
    again.SetWeights(trainer.GetWeights())
    Assert.True(expected.BitEquals(again.Predict x))

    inFolder (fun folder ->
        let path = Path.Combine(folder, "model.fnet")
        trainer.Save path
        let loaded = Trainer.Load path
        sameBits (trainer.GetWeights()) (loaded.GetWeights())
        Assert.True(expected.BitEquals(loaded.Predict x)))

[<Theory>]
[<MemberData(nameof Cases)>]
let ``Weights inside become 8-bit numbers with scales, and the model predicts nearly the same`` (name: string) =
    let network, paths = nested name
    let before = Trainer(network, 3UL)
    let after = Trainer.quantize "int8" before
    let weights, reals = values after, values before

    if name.StartsWith "attention" then
        let rank (path: string) = weights[path + "/kernel_scale"].Shape.ToArray() |> Array.takeWhile ((=) 1)
        Assert.Equal<int[]>([| 1; 1 |], rank "mha/query")

    for path in paths do
        Assert.Equal(DType.Int8, weights[path + "/kernel"].DType)
        // A number comes back to within half of a step.
        let scales = weights[path + "/kernel_scale"].ToDoubles()
        let whole, real = weights[path + "/kernel"].ToDoubles(), reals[path + "/kernel"].ToDoubles()
        let n = scales.Length
        Assert.Equal(0, whole.Length % n)

        for i in 0 .. whole.Length - 1 do
            Assert.InRange(whole[i] / scales[i % n] - real[i], -0.501 / scales[i % n], 0.501 / scales[i % n])

    Close.close 0.0 0.06 ((before.Predict x).ToDoubles()) ((after.Predict x).ToDoubles())
    Assert.NotEqual<float[]>((before.Predict x).ToDoubles(), (after.Predict x).ToDoubles())
    roundTrips after
    Assert.Throws<ArgumentValueException>(fun () -> Trainer.quantize "int8" after |> ignore) |> ignore

[<Theory>]
[<MemberData(nameof Cases)>]
let ``LoRA of one layer inside trains its matrices, merges, and survives files`` (name: string) =
    let network, paths = nested name

    for path in paths do
        // Anew each time: what is adapted shares its other weights with what it was made from, and trains them.
        let before = Trainer(network, 3UL)
        let expected = before.Predict x
        let tuned = before |> Trainer.enableLora { Rank = Some 2; Alpha = Some 3.0 } [ path ]
        Close.close 1e-6 1e-6 (expected.ToDoubles()) ((tuned.Predict x).ToDoubles())
        let added = values tuned |> Map.filter (fun key _ -> not ((values before).ContainsKey key)) |> Map.keys
        Assert.Equal<string list>([ path + "/lora_kernel_a"; path + "/lora_kernel_b" ], List.ofSeq added)
        let start = values tuned
        tuned.Compile(TrainingOptions(Optimizer = Optimizer.sgd 0.1).AddLoss(Loss.parse "mse"))
        tuned.Fit(x, Tensor.Zeros(expected.DType, expected.Shape), FitOptions(Epochs = 2, Verbosity = Verbosity.Silent))
        |> ignore
        let finish = values tuned
        Assert.True(start[path + "/kernel"].BitEquals finish[path + "/kernel"])
        Assert.False(start[path + "/lora_kernel_b"].BitEquals finish[path + "/lora_kernel_b"])
        roundTrips tuned
        let merged = Trainer.mergeLora tuned
        Assert.Equal<string[]>(
            before.GetWeights() |> Seq.map (fun p -> p.Key) |> Seq.toArray,
            merged.GetWeights() |> Seq.map (fun p -> p.Key) |> Seq.toArray
        )
        Close.close 1e-4 1e-5 ((tuned.Predict x).ToDoubles()) ((merged.Predict x).ToDoubles())

[<Theory>]
[<MemberData(nameof Cases)>]
let ``Layers inside that are quantised can be adapted, and both survive files`` (name: string) =
    let network, paths = nested name
    let whole = Trainer.quantize "int8" (Trainer(network, 3UL))
    let tuned = whole |> Trainer.enableLora (Lora.ofRank 2) []
    let added = values tuned |> Map.filter (fun key _ -> key.Contains "lora_kernel_a") |> Map.count
    Assert.Equal(paths.Length, added)
    Close.close 1e-6 1e-6 ((whole.Predict x).ToDoubles()) ((tuned.Predict x).ToDoubles())
    roundTrips tuned
    let merged = Trainer.mergeLora tuned
    let weights = values merged

    for path in paths do
        Assert.Equal(DType.Int8, weights[path + "/kernel"].DType)

    Close.close 0.0 0.02 ((whole.Predict x).ToDoubles()) ((merged.Predict x).ToDoubles())

[<Fact>]
let ``A projection that there is not is refused`` () =
    let network, _ = nested "attention"
    let error =
        Assert.Throws<ArgumentValueException>(fun () ->
            Trainer(network, 3UL) |> Trainer.enableLora (Lora.ofRank 2) [ "mha/values" ] |> ignore)
    Assert.Equal("mha/values", error.Path)
    let options = { MultiHeadAttention.options 2 3 with Lora = [ "query", Lora.ofRank 0 ] }
    let error =
        Assert.Throws<ArgumentValueException>(fun () -> Layer.multiHeadAttentionWith options |> ignore)
    Assert.Equal("MultiHeadAttention.query.lora_rank", error.Path)

[<Fact>]
let ``A layer in SpectralNormalization is adapted beside its normalised kernel, and kept in 8 bits`` () =
    let network =
        Network.sequential
            (Network.input [ 5; 6 ])
            [ Layer.spectralNormalization 1 (Layer.dense 4) |> Layer.named "spectral"; Layer.dense 4 ]

    let before = Trainer(network, 3UL)
    let expected = before.Predict x
    let tuned = before |> Trainer.enableLora (Lora.ofRank 2) [ "spectral/dense" ]
    Close.close 1e-6 1e-6 (expected.ToDoubles()) ((tuned.Predict x).ToDoubles())
    let start = values tuned
    tuned.Compile(TrainingOptions(Optimizer = Optimizer.sgd 0.1).AddLoss(Loss.parse "mse"))
    tuned.Fit(x, Tensor.Zeros(expected.DType, expected.Shape), FitOptions(Epochs = 2, Verbosity = Verbosity.Silent))
    |> ignore
    let finish = values tuned
    Assert.False(start["spectral/dense/lora_kernel_b"].BitEquals finish["spectral/dense/lora_kernel_b"])
    // Not trained, and divided by its largest singular value all the same, as Keras's wrapper does: only its size changes.
    let a, b = start["spectral/dense/kernel"].ToDoubles(), finish["spectral/dense/kernel"].ToDoubles()
    Assert.NotEqual<float[]>(a, b)
    Close.close 1e-5 1e-6 (a |> Array.map (fun v -> v * b[0] / a[0])) b
    roundTrips tuned
    let merged = Trainer.mergeLora tuned
    Close.close 1e-4 1e-5 ((tuned.Predict x).ToDoubles()) ((merged.Predict x).ToDoubles())
    let whole = Trainer.quantize "int8" merged
    let weights = values whole
    Assert.Equal(DType.Int8, weights["spectral/dense/kernel"].DType)
    Close.close 0.0 0.06 ((merged.Predict x).ToDoubles()) ((whole.Predict x).ToDoubles())
    roundTrips whole

[<Fact>]
let ``What cannot be adapted inside of a layer is refused by the path of that layer`` () =
    let own = Layer.lambda (fun x -> x + 1.0) |> Layer.named "own"

    let network =
        Network.sequential
            (Network.input [ 5; 6 ])
            [ own; Layer.bidirectional (Layer.lstm 3) |> Layer.named "both"; Layer.dense 2 ]

    let trainer = Trainer(network, 3UL)

    for path, outer, kind in
        [ "both/forward_lstm", "both", "Bidirectional"
          "both/forward_lstm/lstm_cell", "both", "Bidirectional"
          "own/dense", "own", "Lambda" ] do
        let error =
            Assert.Throws<ArgumentValueException>(fun () ->
                trainer |> Trainer.enableLora (Lora.ofRank 2) [ path ] |> ignore)

        Assert.Equal(path, error.Path)
        Assert.Contains("inside of " + outer + ", " + kind, error.Actual)

    let error =
        Assert.Throws<ArgumentValueException>(fun () ->
            trainer |> Trainer.enableLora (Lora.ofRank 2) [ "nowhere/dense" ] |> ignore)

    Assert.Equal("no layer at that path", error.Actual)
    // And the layers that can be quantised are, beside the recurrent one, which Keras 3.8 does not quantise either.
    let types = values (Trainer.quantize "int8" trainer) |> Map.map (fun _ v -> v.DType)
    Assert.Equal(DType.Int8, types["dense/kernel"])
    Assert.Equal(DType.Float32, types["both/forward_lstm/lstm_cell/kernel"])

[<Fact>]
let ``Matrices of LoRA start from initializers that are given`` () =
    let network, _ = nested "attention"
    let before = Trainer(network, 3UL)

    let tuned =
        before
        |> Trainer.enableLoraFrom (Initializer.constant 0.5) (Initializer.constant 0.25) (Lora.ofRank 2) [ "mha/query" ]

    let weights = values tuned

    for name, value in [ "mha/query/lora_kernel_a", 0.5; "mha/query/lora_kernel_b", 0.25 ] do
        for v in weights[name].ToDoubles() do
            Assert.Equal(value, v)

    // W + A B, every element of which is 2 * 0.5 * 0.25.
    let merged = values (Trainer.mergeLora tuned)
    let own = values before
    let kernel = own["mha/query/kernel"].ToDoubles() |> Array.map (fun v -> v + 0.25)
    let after = merged["mha/query/kernel"].ToDoubles()
    Close.close 1e-6 1e-6 kernel after
    // Without them, the same values as ever.
    let usual = values (before |> Trainer.enableLora (Lora.ofRank 2) [ "mha/query" ])

    let given =
        values (
            before
            |> Trainer.enableLoraFrom Initializer.heUniform Initializer.zeros (Lora.ofRank 2) [ "mha/query" ]
        )

    for pair in usual do
        Assert.True(pair.Value.BitEquals given[pair.Key])
