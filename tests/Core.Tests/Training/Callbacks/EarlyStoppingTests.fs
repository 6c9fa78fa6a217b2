module FunctionalNet.Tests.Training.Callbacks.EarlyStoppingTests

open System
open System.IO
open Xunit
open FunctionalNet

let private make options = Callback.earlyStopping options :?> EarlyStopping

[<Theory>]
// Patience 0 stops at the first epoch without improvement, but never after epoch 0.
[<InlineData(0, 2)>]
[<InlineData(1, 2)>]
[<InlineData(2, 3)>]
[<InlineData(3, 7)>]
let ``training stops after as many epochs without improvement as patience allows`` (patience: int) (expected: int) =
    let model = Drive.model ()
    // Improvements in epochs 0, 3 and 4.
    let losses = [ 1.0; 1.5; 1.2; 0.9; 0.8; 0.8; 0.9; 0.9; 0.9; 0.9 ]
    let callback = make { EarlyStopping.options with Patience = patience }
    let losses = if patience = 3 then List.take 8 losses |> List.take 7 else losses
    Assert.Equal(expected, Drive.fit model callback losses)

[<Fact>]
let ``stopping is noted with its epoch`` () =
    let model = Drive.model ()
    let output = new StringWriter()
    let callback = EarlyStopping(patience = 2, verbose = true, Output = output)
    Assert.Equal(4, Drive.fit model callback [ 2.0; 1.0; 1.0; 1.0; 0.1 ])
    Assert.Equal(3, callback.StoppedEpoch)
    Assert.Equal(1, callback.BestEpoch)
    Assert.Equal(1.0, callback.Best)
    Assert.Equal("Epoch 4: early stopping" + Environment.NewLine, output.ToString())

[<Fact>]
let ``an equal value is no improvement, and one by exactly min_delta neither`` () =
    let run minDelta losses =
        let model = Drive.model ()
        Drive.fit model (EarlyStopping(patience = 1, minDelta = minDelta)) losses

    Assert.Equal(2, run 0.0 [ 1.0; 1.0; 0.5 ])
    Assert.Equal(2, run 0.25 [ 1.0; 0.75; 0.5 ])
    Assert.Equal(3, run 0.25 [ 1.0; 0.625; 0.25 ])
    // The sign of min_delta does not matter.
    Assert.Equal(2, run -0.25 [ 1.0; 0.75; 0.5 ])

[<Fact>]
let ``an accuracy should rise, as the model knows`` () =
    let model = Drive.model ()
    model.Directions <- Map [ "accuracy", MetricDirection.Maximize ]
    let callback = EarlyStopping("val_accuracy", patience = 1)
    callback.Attach model
    callback.OnTrainBegin()
    let rows = [ for v in [ 0.5; 0.6; 0.6; 0.9 ] -> [ "val_accuracy", v ] ]
    Assert.Equal(3, Drive.epochsFrom 0 model callback rows)

[<Fact>]
let ``a figure of unknown direction needs a mode`` () =
    let rows = [ for v in [ 0.5; 0.6; 0.6; 0.9 ] -> [ "mine", v ] ]

    let run mode =
        let model = Drive.model ()
        let callback = EarlyStopping("mine", patience = 1, mode = mode)
        callback.Attach model
        callback.OnTrainBegin()
        Drive.epochsFrom 0 model callback rows

    Assert.Throws<ArgumentValueException>(fun () -> run MonitorMode.Auto |> ignore) |> ignore
    Assert.Equal(3, run MonitorMode.Max)
    Assert.Equal(2, run MonitorMode.Min)

[<Fact>]
let ``a baseline must be beaten for the wait to start again`` () =
    let model = Drive.model ()
    let callback = make { EarlyStopping.options with Patience = 2; Baseline = Some 0.5 }
    // Each epoch improves, none beats 0.5: the wait goes on, and the first epoch without improvement ends it.
    Assert.Equal(4, Drive.fit model callback [ 1.0; 0.9; 0.8; 0.85; 0.1 ])
    let model = Drive.model ()
    let callback = make { EarlyStopping.options with Patience = 2; Baseline = Some 0.5 }
    Assert.Equal(5, Drive.fit model callback [ 1.0; 0.9; 0.4; 0.45; 0.45; 0.1 ])

[<Fact>]
let ``the best weights come back at the end, whether or not it stopped`` () =
    let options = { EarlyStopping.options with Patience = 2; RestoreBestWeights = true }
    let model = Drive.model ()
    let callback = make options
    Assert.Equal(4, Drive.fit model callback [ 2.0; 1.0; 1.5; 1.5 ])
    Assert.Equal(1.0f, model.Weight)
    // Once for each improvement.
    Assert.Equal(2, model.Reads)
    let model = Drive.model ()
    Drive.fit model (make options) [ 2.0; 1.0; 1.5 ] |> ignore
    Assert.Equal((1.0f, false), (model.Weight, model.Stop))
    let model = Drive.model ()
    Drive.fit model (make { options with RestoreBestWeights = false }) [ 2.0; 1.0; 1.5 ] |> ignore
    Assert.Equal((2.0f, 0), (model.Weight, model.Reads))

[<Fact>]
let ``epochs before the first one watched do not count`` () =
    let model = Drive.model ()
    let callback = make { EarlyStopping.options with Patience = 1; StartFromEpoch = 2 }
    Assert.Equal(5, Drive.fit model callback [ 0.1; 0.2; 0.9; 0.8; 0.85; 0.1 ])

[<Fact>]
let ``NaN is never an improvement`` () =
    let model = Drive.model ()
    Assert.Equal(3, Drive.fit model (EarlyStopping(patience = 2)) [ 1.0; nan; nan; 0.1 ])

[<Fact>]
let ``a figure that is not there warns once and stops nothing`` () =
    let model = FakeModel(TrainingParameters(5, 0, Nullable 4, 32, false, Verbosity.Silent))
    let output = new StringWriter()
    let callback = EarlyStopping(Output = output)
    callback.Attach model
    callback.OnTrainBegin()
    Assert.Equal(3, Drive.epochsFrom 0 model callback (List.replicate 3 [ "loss", 1.0 ]))

    Assert.Equal(
        "Warning: EarlyStopping monitors `val_loss`, which is not available. Available are: loss"
        + Environment.NewLine,
        output.ToString()
    )

[<Fact>]
let ``a resumed training stops in the same epoch with the same weights`` () =
    let losses = [ 2.0; 1.0; 1.5; 1.25; 1.5; 0.5 ]
    let make () = EarlyStopping(patience = 3, restoreBestWeights = true)
    let whole = Drive.model ()
    let expected = Drive.fit whole (make ()) losses

    for cut in 1..4 do
        let model = Drive.model ()
        let first = make ()
        first.Attach model
        first.OnTrainBegin()
        let rows = [ for loss in losses -> [ "val_loss", loss ] ]
        let before = Drive.epochsFrom 0 model first (List.take cut rows)
        let second = make ()
        second.Attach model
        second.OnTrainBegin()
        second.LoadState(Drive.reload first)
        let after = Drive.epochsFrom cut model second (List.skip cut rows)
        second.OnTrainEnd(Drive.logs [])
        Assert.Equal(expected, before + after)
        Assert.Equal(whole.Weight, model.Weight)

[<Fact>]
let ``arguments that make no sense are errors`` () =
    Assert.Throws<ArgumentValueException>(fun () -> EarlyStopping(patience = -1) |> ignore) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> EarlyStopping(minDelta = nan) |> ignore)
