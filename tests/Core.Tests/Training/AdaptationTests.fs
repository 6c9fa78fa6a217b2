/// Trained models whose layers are adapted by LoRA.
module FunctionalNet.Tests.Training.AdaptationTests

open System
open System.IO
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit
open Samples

let private x, y = tensor 1 [ 50; 6 ], labels 2 3 50
let private fit epochs (trainer: Trainer) =
    trainer.Fit(x, y, FitOptions(Epochs = epochs, BatchSize = 16, Verbosity = Verbosity.Silent))
    |> ignore
let private values (trainer: Trainer) = trainer.GetWeights() |> Seq.map (fun p -> p.Key, p.Value) |> Map.ofSeq

let private pretrained () =
    let trainer = trained (mlp ())
    fit 2 trainer
    trainer

[<Fact>]
let ``Adapting a trained model changes no prediction, trains only the matrices, and merges into the kernel`` () =
    let before = pretrained ()
    let expected = before.Predict x
    let tuned = before |> Trainer.enableLora (Lora.ofRank 2) [ "dense" ]
    Close.close 1e-6 1e-7 (expected.ToDoubles()) ((tuned.Predict x).ToDoubles())
    let start = values tuned

    // All else frozen: LoRA's matrices and the bias are what is left of the layer.
    for path in [ "dense_1"; "batch_normalization" ] do
        tuned.Freeze(path, true)

    compile tuned |> fit 3
    let finish = values tuned

    for pair in start do
        let trains = pair.Key.StartsWith("dense/lora") || pair.Key = "dense/bias"
        Assert.Equal(not trains, pair.Value.BitEquals finish[pair.Key])

    // The optimizer keeps nothing for the frozen kernel.
    let adapted = tuned.Predict x
    Assert.NotEqual<float[]>(expected.ToDoubles(), adapted.ToDoubles())

    // Merged, the model has its first layers again and predicts what the adapted one does.
    let merged = Trainer.mergeLora tuned
    Assert.Equal<string[]>(
        before.GetWeights() |> Seq.map (fun p -> p.Key) |> Seq.toArray,
        merged.GetWeights() |> Seq.map (fun p -> p.Key) |> Seq.toArray
    )
    Close.close 1e-5 1e-6 (adapted.ToDoubles()) ((merged.Predict x).ToDoubles())
    // And what was adapted stays as it was.
    Assert.True(adapted.BitEquals(tuned.Predict x))

[<Fact>]
let ``All layers that can be are adapted if none is named`` () =
    let tuned = pretrained () |> Trainer.enableLora { Rank = Some 2; Alpha = Some 4.0 } []
    let added = values tuned |> Map.filter (fun key _ -> key.Contains "lora") |> Map.count
    Assert.Equal(4, added)
    let e =
        Assert.Throws<ArgumentValueException>(fun () ->
            tuned |> Trainer.enableLora (Lora.ofRank 2) [ "dense" ] |> ignore)
    Assert.Equal("dense", e.Path)
    Assert.Throws<ArgumentValueException>(fun () ->
        pretrained () |> Trainer.enableLora (Lora.ofRank 2) [ "dropout" ] |> ignore)
    |> ignore
    Assert.Throws<ArgumentValueException>(fun () ->
        pretrained () |> Trainer.enableLora (Lora.ofRank 2) [ "nowhere" ] |> ignore)
    |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> pretrained () |> Trainer.mergeLora |> ignore)
    |> ignore

[<Fact>]
let ``An adapted model is saved, loaded and trained on to the same bits`` () =
    inFolder (fun folder ->
        let path = Path.Combine(folder, "adapted.fnet")
        let tuned = pretrained () |> Trainer.enableLora (Lora.ofRank 2) []
        compile tuned |> fit 1
        tuned.Save path
        let loaded = Trainer.Load path
        fit 1 tuned
        fit 1 loaded
        sameBits (tuned.GetWeights()) (loaded.GetWeights()))

[<Fact>]
let ``Layers inside nested models and pipelines are found by their paths`` () =
    let inner = Network.sequential (Network.input [ 6 ]) [ Layer.dense 4 ] |> Network.named "inner"
    let network =
        Network.sequential
            (Network.input [ 6 ])
            [ Network.asLayer inner; Layer.named "pair" (Layer.dense 3 >>> Layer.relu); Layer.dense 2 ]
    let trainer = Trainer(network, 2UL)
    let expected = trainer.Predict x
    let tuned = trainer |> Trainer.enableLora (Lora.ofRank 1) [ "inner/dense"; "pair/dense" ]
    let names =
        tuned.GetWeights()
        |> Seq.map (fun p -> p.Key)
        |> Seq.filter (fun key -> key.Contains "lora")
        |> Seq.toArray
    Assert.Equal<string[]>(
        [| "inner/dense/lora_kernel_a"
           "inner/dense/lora_kernel_b"
           "pair/dense/lora_kernel_a"
           "pair/dense/lora_kernel_b" |],
        names
    )
    Close.close 1e-6 1e-7 (expected.ToDoubles()) ((tuned.Predict x).ToDoubles())
