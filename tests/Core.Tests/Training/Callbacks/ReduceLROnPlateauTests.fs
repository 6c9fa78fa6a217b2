module FunctionalNet.Tests.Training.Callbacks.ReduceLROnPlateauTests

open System
open System.IO
open Xunit
open FunctionalNet

/// The rate after each epoch.
let private rates (callback: TrainingCallback) (model: FakeModel) (losses: float list) =
    callback.Attach model
    callback.OnTrainBegin()

    losses
    |> List.mapi (fun epoch loss ->
        callback.OnEpochEnd(epoch, Drive.logs [ "val_loss", loss ])
        model.Rate)

let private options = { ReduceLROnPlateau.options with Factor = 0.5; Patience = 2 }

let private run options losses =
    let model = Drive.model ()
    model.Rate <- 1.0
    rates (Callback.reduceLROnPlateau options) model losses

[<Fact>]
let ``the rate falls after patience epochs without improvement, again and again`` () =
    let losses = [ 1.0; 1.0; 1.0; 1.0; 1.0; 0.5; 0.5; 0.5 ]
    Assert.Equal<float list>([ 1.0; 1.0; 0.5; 0.5; 0.25; 0.25; 0.25; 0.125 ], run options losses)

[<Fact>]
let ``epochs of cooldown are not counted`` () =
    // The epoch in which the cooldown runs out counts again.
    let losses = List.replicate 8 1.0
    let expected = [ 1.0; 1.0; 0.5; 0.5; 0.5; 0.25; 0.25; 0.25 ]
    Assert.Equal<float list>(expected, run { options with Cooldown = 2 } losses)

[<Fact>]
let ``a change by min_delta is no improvement`` () =
    let losses = [ 1.0; 0.75; 0.5; 0.25 ]
    Assert.Equal<float list>([ 1.0; 1.0; 1.0; 1.0 ], run { options with Patience = 1; MinDelta = 0.125 } losses)
    Assert.Equal<float list>([ 1.0; 0.5; 0.5; 0.25 ], run { options with Patience = 1; MinDelta = 0.25 } losses)

[<Fact>]
let ``the rate does not fall below its least`` () =
    let losses = List.replicate 7 1.0
    let expected = [ 1.0; 1.0; 0.5; 0.5; 0.375; 0.375; 0.375 ]
    Assert.Equal<float list>(expected, run { options with MinLearningRate = 0.375 } losses)

[<Fact>]
let ``the logs get the rate of the epoch, and a change is printed`` () =
    let model = Drive.model ()
    let output = new StringWriter()
    let callback = ReduceLROnPlateau(patience = 1, verbose = true, Output = output)
    callback.Attach model
    callback.OnTrainBegin()
    callback.OnEpochEnd(0, Drive.logs [ "val_loss", 1.0 ])
    let logs = Drive.logs [ "val_loss", 1.0 ]
    callback.OnEpochEnd(1, logs)
    Assert.Equal(0.01, logs["learning_rate"])
    Assert.Equal(0.001, model.Rate)
    let n = Environment.NewLine
    Assert.Equal(n + "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.001." + n, output.ToString())

[<Fact>]
let ``a resumed training changes the rate in the same epochs`` () =
    let losses = [ 1.0; 1.0; 1.0; 1.0; 1.0; 1.0; 0.5; 0.5; 0.5 ]
    let options = { options with Cooldown = 1 }
    let expected = run options losses

    for cut in 1..8 do
        let model = Drive.model ()
        model.Rate <- 1.0
        let first = Callback.reduceLROnPlateau options
        let before = rates first model (List.take cut losses)
        let second = Callback.reduceLROnPlateau options
        second.Attach model
        second.OnTrainBegin()
        second.LoadState(Drive.reload first)

        let after =
            losses
            |> List.skip cut
            |> List.mapi (fun i loss ->
                second.OnEpochEnd(cut + i, Drive.logs [ "val_loss", loss ])
                model.Rate)

        Assert.Equal<float list>(expected, before @ after)

[<Fact>]
let ``a factor of one or more is an error`` () =
    Assert.Throws<ArgumentValueException>(fun () -> ReduceLROnPlateau(factor = 1.0) |> ignore)

[<Fact>]
let ``a figure that nobody knows falls, unless its name has acc in it`` () =
    // reduce_lr_on_plateau.py of Keras 3.8: mode auto is min if "acc" is not in the name.
    for name, values, rate in
        [ "val_own", [ 1.0; 2.0 ], 0.001
          "val_own", [ 2.0; 1.0 ], 0.01
          "my_acc", [ 2.0; 1.0 ], 0.001
          "my_acc", [ 1.0; 2.0 ], 0.01 ] do
        let model = Drive.model ()
        let callback = ReduceLROnPlateau(name, patience = 1)
        callback.Attach model
        callback.OnTrainBegin()
        Drive.epochsFrom 0 model callback [ for value in values -> [ name, value ] ] |> ignore
        Assert.Equal(rate, model.Rate, 9)
