module FunctionalNet.Tests.Snippets.AdaptationSnippets

open Xunit
open FunctionalNet

let private x = Tensor.Full(DType.Float32, Shape.Of(8, 4), 0.5)
let private y = Tensor.Full(DType.Float32, Shape.Of(8, 1), 0.25)

let private pretrained () =
    Trainer.create (Network.sequential (Network.input [ 4 ]) [ Layer.dense 8 >>> Layer.relu; Layer.dense 1 ])

[<Fact>]
let ``low-rank adaptation`` () =
    let trainer = pretrained ()
    // snippet: lora-fsharp
    let tuned =
        trainer
        |> Trainer.enableLora (Lora.ofRank 2) [ "dense" ]
        |> Trainer.compile (Optimizer.adam 0.001) (Loss.parse "mse") []

    tuned |> Trainer.fit (FitOptions(Epochs = 3)) x y |> ignore
    let merged = tuned |> Trainer.mergeLora
    // end snippet
    Assert.Equal(4, merged.GetWeights().Count)

[<Fact>]
let ``quantization`` () =
    let trainer = pretrained ()
    // snippet: int8-fsharp
    let small = trainer |> Trainer.quantize "int8"
    let y = small.Predict x
    // end snippet
    Assert.Equal(Shape.Of(8, 1), y.Shape)

[<Fact>]
let ``policies`` () =
    // snippet: policy-fsharp
    let layers = Layer.dense 8 >>> Layer.relu >>> (Layer.dense 1 |> Layer.withPolicy DTypePolicy.Float64)
    // end snippet
    let trainer = Trainer(Network.sequential (Network.input [ 4 ]) [ layers ])
    Assert.Equal(DType.Float64, (trainer.Predict x).DType)

[<Fact>]
let ``values of 16 bits`` () =
    // snippet: mixed-fsharp
    let half layer = layer |> Layer.withPolicy DTypePolicy.MixedBFloat16
    let layers = half (Layer.dense 8 >>> Layer.relu) >>> Layer.dense 1
    // end snippet
    let trainer = Trainer(Network.sequential (Network.input [ 4 ]) [ layers ])
    Assert.Equal(DType.Float32, (trainer.Predict x).DType)
