module FunctionalNet.Tests.Snippets.TrainingSnippets

open System.IO
open FunctionalNet
open FunctionalNet.Tests.Training.Samples
open Xunit

[<Fact>]
let ``optimizers of optimizers`` () =
    // snippet: wrapped-optimizers-fsharp
    let several =
        Optimizer.multi (Optimizer.adamW 1e-3) [ "encoder/.*", Optimizer.sgd 0.1; "head/bias", Optimizer.adam 1e-4 ]

    let optimizer = Optimizer.lossScale several
    // end snippet
    let network =
        Network.sequential
            (Network.input [ 6 ])
            [ Layer.dense 4 |> Layer.named "encoder"; Layer.dense 3 >>> Layer.softmax |> Layer.named "head" ]

    let trainer =
        Trainer.create network
        |> Trainer.compile optimizer (Loss.parse "sparse_categorical_crossentropy") []

    let history =
        trainer.Fit(tensor 1 [ 12; 6 ], labels 2 3 12, FitOptions(Epochs = 8, Verbosity = Verbosity.Silent))
    Assert.True(history["loss"][7] < history["loss"][0])

[<Fact>]
let ``event files`` () =
    inFolder (fun folder ->
        let logs = Path.Combine(folder, "logs")
        // snippet: tensorboard-fsharp
        let board =
            Callback.tensorBoard { TensorBoard.options with LogDir = logs; UpdateFreq = UpdateFrequency.Batch }
        // end snippet
        let settings = FitOptions(Callbacks = [| board |], Verbosity = Verbosity.Silent)
        (trained (mlp ())).Fit(tensor 1 [ 12; 6 ], labels 2 3 12, settings) |> ignore
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(logs, "train"))))
