/// Arguments of a layer's call that are no tensors: training, use_causal_mask, return_attention_scores.
module FunctionalNet.Tests.Layers.CallArgumentTests

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open Xunit

let private data (dims: int list) = LayerRun.data "call" DType.Float64 (List.toArray dims)

/// The outputs of a network of one input, in float64.
let private values (mode: Mode) (network: Network) (x: Tensor) =
    let types = [| { DType = x.DType; Shape = x.Shape } |]
    let trace = LayerRun.trace mode DType.Float64 (Network.asLayer network) types (LayerRun.unmasked types)
    LayerRun.interpret (LayerRun.bind trace [| x |] (LayerRun.weights DType.Float64 trace)) trace.Outputs

let private causal = { Network.callOptions with UseCausalMask = Some true }

[<Fact>]
let ``a use of a layer of attention may be causal, and give its scores`` () =
    let layers: (bool -> Layer) list =
        [ fun c -> Layer.attentionWith { Attention.options with UseCausalMask = c }
          fun c -> Layer.additiveAttentionWith { AdditiveAttention.options with UseCausalMask = c }
          fun c -> Layer.multiHeadAttentionWith { MultiHeadAttention.options 2 3 with UseCausalMask = c }
          fun c -> Layer.groupQueryAttentionWith { GroupQueryAttention.options 3 4 2 with UseCausalMask = c } ]

    let x = data [ 2; 4; 5 ]

    for make in layers do
        let outputs options layer =
            let input = Network.input [ 4; 5 ]
            let network = Network.create [ input ] (Network.applyAs options layer [ input; input ])
            values Mode.Infer network x

        let expected = outputs Network.callOptions (make true)
        Assert.Equal<float[]>(expected[0], (outputs causal (make false))[0])
        // The call goes before what the layer was made with.
        let off = { Network.callOptions with UseCausalMask = Some false }
        Assert.Equal<float[]>((outputs Network.callOptions (make false))[0], (outputs off (make true))[0])
        let scores = outputs { causal with ReturnAttentionScores = Some true } (make false)
        Assert.Equal(2, scores.Length)
        Close.close 1e-6 1e-6 expected[0] scores[0]
        let heads = scores[1].Length / (2 * 4 * 4)

        for row in 0 .. 2 * heads - 1 do
            for query in 0..3 do
                for key in 0..3 do
                    Assert.Equal((key <= query), (scores[1][(row * 4 + query) * 4 + key] > 0.0))

/// One layer of attention, with and without a view of what comes later, and dropout that always drops.
let private twice () =
    let input = Network.input [ 4; 5 ]
    let attention = Layer.multiHeadAttention 2 3
    let first = Network.applyAs causal attention [ input; input ] |> List.head
    let second =
        Network.applyAs { Network.callOptions with Training = Some false } attention [ first; first ]

    let dropped =
        Network.applyAs { Network.callOptions with Training = Some true } (Layer.dropout 0.5) [ second.Head ]

    Network.create [ input ] dropped

[<Fact>]
let ``arguments of calls are saved with the calls, as Keras writes them`` () =
    let network = twice ()
    let json = Network.toJson network
    Assert.Contains("\"use_causal_mask\":true", json)
    Assert.Contains("\"training\":false", json)
    Assert.Contains("\"training\":true", json)
    let again = Network.ofJson json
    Assert.Equal(json, Network.toJson again)
    let x = data [ 2; 4; 5 ]
    Assert.Equal<float[]>((values Mode.Train network x)[0], (values Mode.Train again x)[0])
    // A copy under a name keeps them too.
    Assert.Contains("\"training\":true", Network.toJson (Network.named "other" network))

/// Keras writes the default of `training` into calls that were given none, and does not go by it.
[<Theory>]
[<InlineData("false", true)>]
[<InlineData("0", false)>]
let ``training that no one gave leaves the mode to the model`` (written: string, drops: bool) =
    let input = Network.input [ 4 ]
    let dropped =
        Network.applyAs { Network.callOptions with Training = Some false } (Layer.dropout 0.5) [ input ]
    let json = Network.toJson (Network.create [ input ] dropped)
    Assert.Contains("\"training\":0", json)
    let network = Network.ofJson (json.Replace("\"training\":0", "\"training\":" + written))
    let x = data [ 8; 4 ]
    let once (mode: Mode) = values mode network x |> Array.head |> List.ofArray
    Assert.Equal(drops, once Mode.Train <> once Mode.Infer)

[<Fact>]
let ``an argument that the layer does not have is refused`` () =
    let apply () = Network.applyAs causal (Layer.named "here" (Layer.dense 2)) [ Network.input [ 3 ] ] |> ignore
    Assert.Equal("here", (Assert.Throws<ArgumentValueException> apply).Path)

[<Fact>]
let ``a layer of one's own is told the arguments of its call`` () =
    let own =
        Layer.create "Own" (fun scope x -> if scope.Flag "use_causal_mask" = ValueSome true then x * 2.0 else x)

    let input = Network.input [ 3 ]
    let network = Network.create [ input ] (Network.applyAs causal own [ input ])
    Assert.Equal<float[]>(
        [| 2.0; 4.0; 6.0 |],
        (values Mode.Infer network (Tensor.OfDoubles(DType.Float64, Shape.Of(1, 3), [| 1.0; 2.0; 3.0 |])))[0]
    )

let private trainer (layer: Layer) (training: bool) =
    let input = Network.input [ 64 ]
    let network =
        Network.create [ input ] (Network.applyAs { Network.callOptions with Training = Some training } layer [ input ])
    let trainer = Trainer network
    let options = TrainingOptions()
    options.AddLoss(Loss.meanSquaredError) |> ignore
    trainer.Compile options
    trainer

let private predict (trainer: Trainer) (x: Tensor) =
    let outputs = trainer.Predict([| x |], EvaluateOptions())
    outputs[0].ToDoubles()

[<Fact>]
let ``dropout that is told to train drops in prediction, each time anew`` () =
    let trainer = trainer (Layer.dropout 0.5) true
    let x = Tensor.Full(DType.Float32, Shape.Of(2, 64), 1.0)
    let first, second = predict trainer x, predict trainer x
    Assert.All(first, fun v -> Assert.Contains(v, [ 0.0; 2.0 ]))
    Assert.InRange(Array.average first, 0.6, 1.4)
    Assert.NotEqual<float[]>(first, second)
    trainer.ResetStates()
    Assert.Equal<float[]>(first, (predict trainer x))

[<Fact>]
let ``dropout that is told not to train drops nothing in training`` () =
    let trainer = trainer (Layer.dropout 0.9) false
    let x = Tensor.Full(DType.Float32, Shape.Of(2, 64), 1.0)
    let zeros = Tensor.Full(DType.Float32, Shape.Of(2, 64), 0.0)
    let history = trainer.Fit(TrainingData(x, zeros), FitOptions(Verbosity = Verbosity.Silent))
    let losses = history["loss"]
    Assert.Equal(1.0, losses[0], 6)

[<Fact>]
let ``normalization that is told to train uses the batch in prediction, and keeps its statistics`` () =
    let trainer = trainer Layer.batchNormalization true
    let x = Tensor.OfDoubles(DType.Float32, Shape.Of(4, 64), LayerRun.numbers "batch" (4 * 64))
    let before = trainer.GetWeights() |> Seq.map (fun pair -> pair.Value.ToDoubles()) |> Seq.toArray
    let y = predict trainer x

    for feature in 0..63 do
        Assert.Equal(0.0, Seq.average [ for row in 0..3 -> y[row * 64 + feature] ], 5)

    let after = trainer.GetWeights() |> Seq.map (fun pair -> pair.Value.ToDoubles()) |> Seq.toArray
    Assert.Equal<float[][]>(before, after)
