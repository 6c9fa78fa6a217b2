module FunctionalNet.Tests.Training.Callbacks.CallbackTests

open System
open System.Collections.Generic
open Xunit
open FunctionalNet
open FunctionalNet.Training

[<Fact>]
let ``logs keep the order of names and replace values in place`` () =
    let logs = Drive.logs [ "accuracy", 0.5; "loss", 2.0; "val_loss", 3.0 ]
    logs["loss"] <- 1.0
    logs["learning_rate"] <- 0.01
    Assert.Equal<string>([ "accuracy"; "loss"; "val_loss"; "learning_rate" ], logs.Names)
    Assert.Equal(1.0, logs["loss"])
    Assert.Equal(0.01, logs.ValueAt 3)
    Assert.Equal((false, true), (fst (logs.TryGet "mae"), Double.IsNaN(snd (logs.TryGet "mae"))))

[<Fact>]
let ``a missing figure is an error that lists the names`` () =
    let error =
        Assert.Throws<ArgumentValueException>(fun () -> (Drive.logs [ "loss", 1.0 ])["acc"] |> ignore)

    Assert.Equal("loss", error.Expected)
    Assert.Equal("acc", error.Actual)

[<Fact>]
let ``reading and rewriting logs allocates nothing`` () =
    let logs = Drive.logs [ "accuracy", 0.5; "loss", 2.0 ]

    let work () =
        for i in 1..1000 do
            logs.Set("loss", float i)
            logs["loss"] |> ignore
            logs.Contains "val_loss" |> ignore
            logs.ValueAt 0 |> ignore
            logs.Names[1] |> ignore

    work ()
    let before = GC.GetAllocatedBytesForCurrentThread()
    work ()
    Assert.Equal(0L, GC.GetAllocatedBytesForCurrentThread() - before)

[<Fact>]
let ``a callback without a model says so`` () =
    Assert.Throws<NotReadyException>(fun () -> (History() :> TrainingCallback).Model |> ignore)

[<Fact>]
let ``a state keeps every kind of value, NaN and infinities included`` () =
    let state = CallbackState()
    state.Set("a", nan)
    state.Set("b", [| 1.0; Double.NegativeInfinity; nan |] :> IReadOnlyList<float>)
    state.Set("c", 7)
    state.Set("d", true)
    state.Set("e", "text")
    state.Set("f", Tensor.Scalar 2.0f)
    let back = CallbackState.Of(state.Values, state.Tensors)
    Assert.True(Double.IsNaN(back.GetFloat "a"))
    Assert.Equal<float>([| 1.0; Double.NegativeInfinity; nan |], back.GetFloats "b")
    Assert.Equal(7, back.GetInt "c")
    Assert.True(back.GetBool "d")
    Assert.Equal("text", back.GetText "e")
    Assert.True((back.GetTensor "f").BitEquals(Tensor.Scalar 2.0f))
    Assert.Throws<ModelFormatException>(fun () -> back.GetInt "e" |> ignore) |> ignore
    Assert.Throws<ModelFormatException>(fun () -> back.GetInt "z" |> ignore) |> ignore
    Assert.Throws<ModelFormatException>(fun () -> back.GetTensor "a" |> ignore)

[<Fact>]
let ``two callbacks of one class keep their states apart`` () =
    let make () = [| EarlyStopping(patience = 9) :> TrainingCallback; EarlyStopping(patience = 9) |]
    let model = Drive.model ()
    let first = make ()
    let list = CallbackList first
    list.Attach model
    list.TrainBegin()
    first[1].OnEpochEnd(0, Drive.logs [ "val_loss", 0.25 ])
    let saved = list.SaveStates()
    Assert.Equal<string list>([ "EarlyStopping"; "EarlyStopping_1" ], [ for name, _ in saved -> name ])
    let second = make ()
    let resumed = CallbackList second
    resumed.Attach model
    resumed.TrainBegin()
    resumed.LoadStates saved
    Assert.Equal((nan, 0.25), ((second[0] :?> EarlyStopping).Best, (second[1] :?> EarlyStopping).Best))

[<Fact>]
let ``history keeps lists in the order of the logs, and forgets them when fit begins`` () =
    let history = History()
    let model = Drive.model ()
    history.Attach model
    history.OnTrainBegin()

    let rows =
        [ [ "accuracy", 0.5; "loss", 2.0 ]
          [ "accuracy", 0.6; "loss", nan; "val_accuracy", 0.4; "val_loss", 3.0 ] ]

    Drive.epochsFrom 3 model history rows |> ignore
    Assert.Equal<int>([ 3; 4 ], history.Epochs)
    Assert.Equal<string>([ "accuracy"; "loss"; "val_accuracy"; "val_loss" ], history.Names)
    Assert.Equal<float>([ 2.0; nan ], history["loss"])
    Assert.Equal<float>([ 3.0 ], history["val_loss"])
    Assert.Throws<ArgumentValueException>(fun () -> history["acc"] |> ignore) |> ignore

    let resumed = History()
    resumed.OnTrainBegin()
    resumed.LoadState(Drive.reload history)
    Assert.Equal<int>(history.Epochs, resumed.Epochs)
    Assert.Equal<string>(history.Names, resumed.Names)
    Assert.Equal<float>(history["loss"], resumed["loss"])

    history.OnTrainBegin()
    Assert.Equal<int>([], history.Epochs)
    Assert.False(history.Contains "loss")

[<Fact>]
let ``a scheduler sets the rate from the epoch and the present rate, and reports it`` () =
    let model = Drive.model ()
    let seen = ResizeArray<int * float>()

    let scheduler =
        Callback.learningRateScheduler (fun epoch rate ->
            seen.Add(epoch, rate)
            rate * 0.5)

    scheduler.Attach model
    scheduler.OnEpochBegin 0
    scheduler.OnEpochBegin 1
    let logs = Drive.logs [ "loss", 1.0 ]
    scheduler.OnEpochEnd(1, logs)
    Assert.Equal<(int * float) list>([ 0, 0.01; 1, 0.005 ], List.ofSeq seen)
    Assert.Equal(0.0025, model.Rate)
    Assert.Equal<string>([ "loss"; "learning_rate" ], logs.Names)
    Assert.Equal(0.0025, logs["learning_rate"])

[<Fact>]
let ``a schedule that gives no number is an error`` () =
    let scheduler = Callback.learningRateScheduler (fun _ _ -> nan)
    scheduler.Attach(Drive.model ())
    Assert.Throws<ArgumentValueException>(fun () -> scheduler.OnEpochBegin 0)

[<Theory>]
[<InlineData(Double.NaN, true)>]
[<InlineData(Double.PositiveInfinity, true)>]
[<InlineData(1e300, false)>]
let ``training stops on a loss that is not finite`` (loss: float) (stops: bool) =
    let model = Drive.model ()
    let output = new IO.StringWriter()
    let callback = TerminateOnNaN(Output = output)
    callback.Attach model
    callback.OnTrainBatchEnd(3, Drive.logs [ "loss", loss ])
    Assert.Equal(stops, model.Stop)

    Assert.Equal(
        (if stops then "Batch 3: Invalid loss, terminating training" + Environment.NewLine else ""),
        output.ToString()
    )

[<Fact>]
let ``a loss that is not finite can be an error`` () =
    let callback = TerminateOnNaN(raiseError = true)
    callback.Attach(Drive.model ())

    let error =
        Assert.Throws<DataException>(fun () -> callback.OnTrainBatchEnd(3, Drive.logs [ "loss", nan ]))

    Assert.Equal(3, error.Batch)

[<Fact>]
let ``a lambda callback calls what it was given and nothing else`` () =
    let calls = ResizeArray<string>()

    let callback =
        LambdaCallback(
            onEpochEnd = (fun epoch logs -> calls.Add("end " + string epoch + " " + string logs["loss"])),
            onTrainBatchBegin = (fun batch -> calls.Add("batch " + string batch))
        )

    callback.Attach(Drive.model ())
    callback.OnTrainBegin()
    callback.OnEpochBegin 0
    callback.OnTrainBatchBegin 5
    callback.OnTrainBatchEnd(5, Drive.logs [])
    callback.OnEpochEnd(0, Drive.logs [ "loss", 2.5 ])
    callback.OnTrainEnd(Drive.logs [])
    Assert.Equal<string>([ "batch 5"; "end 0 2.5" ], calls)

[<Fact>]
let ``what saves the model runs when everything else has seen the epoch, and before the bar ends its line`` () =
    let saving = ModelCheckpoint "a"
    let rate = ReduceLROnPlateau()
    let history = History()
    let bar = ProgressBar()
    let list = CallbackList.OfFit([ saving; rate ], history, [ bar ])
    let expected: TrainingCallback list = [ rate; history; saving; bar ]
    Assert.True(Seq.forall2 (fun a b -> obj.ReferenceEquals(a, b)) expected list.Callbacks)
    Assert.Equal(4, list.Callbacks.Length)
