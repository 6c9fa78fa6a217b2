module FunctionalNet.Tests.Training.Callbacks.ProgressBarTests

open System
open System.IO
open Xunit
open FunctionalNet

/// A clock that stands still until it is moved.
type private StoppedClock() =
    inherit TimeProvider()
    let mutable ticks = 1000L
    member _.Advance(milliseconds: float) = ticks <- ticks + int64 (milliseconds * 1000.0)
    override _.TimestampFrequency = 1_000_000L
    override _.GetTimestamp() = ticks

type private Setting =
    { Bar: ProgressBar
      Clock: StoppedClock
      Output: StringWriter }

    /// What was printed since the last question, with a plain newline.
    member this.Printed =
        let text = this.Output.ToString().Replace(Environment.NewLine, "\n")
        this.Output.GetStringBuilder().Clear() |> ignore
        text

let private setting (interactive: bool) (colors: bool) (epochs: int) (steps: Nullable<int>) (verbosity: Verbosity) =
    let clock = StoppedClock()
    let output = new StringWriter()

    let bar = ProgressBar(output, clock, interactive = Nullable interactive, colors = Nullable colors)

    bar.Attach(FakeModel(TrainingParameters(epochs, 0, steps, 32, false, verbosity)))
    { Bar = bar; Clock = clock; Output = output }

let private batch (s: Setting) (index: int) (milliseconds: float) figures =
    s.Clock.Advance milliseconds
    s.Bar.OnTrainBatchEnd(index, Drive.logs figures)

let private full = String('━', 20)

[<Fact>]
let ``on a terminal the bar moves, coloured`` () =
    let s = setting true true 2 (Nullable 4) Verbosity.Bar
    s.Bar.OnTrainBegin()
    s.Bar.OnEpochBegin 0
    Assert.Equal("Epoch 1/2\n", s.Printed)
    batch s 0 1000.0 [ "accuracy", 0.5; "loss", 2.30259 ]

    Assert.Equal(
        "\r\x1b[1m1/4\x1b[0m \x1b[32m━━━━━\x1b[0m\x1b[37m━━━━━━━━━━━━━━━\x1b[0m \x1b[1m3s\x1b[0m 1s/step"
        + " - accuracy: 0.5000 - loss: 2.3026",
        s.Printed
    )

    // The time of a step leaves the first one out.
    batch s 1 60.0 [ "accuracy", 0.5; "loss", 0.0005 ]

    Assert.Equal(
        String('\b', 69)
        + "\r\x1b[1m2/4\x1b[0m \x1b[32m━━━━━━━━━━\x1b[0m\x1b[37m━━━━━━━━━━\x1b[0m \x1b[1m0s\x1b[0m 60ms/step"
        + " - accuracy: 0.5000 - loss: 5.0000e-04",
        s.Printed
    )

    // Less than 50 ms later nothing is printed.
    batch s 2 40.0 [ "accuracy", 0.5; "loss", 2.0 ]
    Assert.Equal("", s.Printed)
    batch s 3 50.0 [ "accuracy", 0.5; "loss", 2.0 ]

    Assert.Equal(
        String('\b', 75)
        + "\r\x1b[1m4/4\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m 50ms/step"
        + " - accuracy: 0.5000 - loss: 2.0000"
        + "    ",
        s.Printed
    )

    s.Clock.Advance 30.0
    s.Bar.OnEpochEnd(0, Drive.logs [ "loss", 2.0 ])

    Assert.Equal(
        String('\b', 71)
        + "\r\x1b[1m4/4\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m1s\x1b[0m 60ms/step"
        + " - loss: 2.0000"
        + String(' ', 19)
        + "\n",
        s.Printed
    )

[<Fact>]
let ``into a file goes one plain line an epoch`` () =
    let s = setting false false 3 (Nullable 250) Verbosity.Bar
    s.Bar.OnTrainBegin()

    for epoch in 0..1 do
        s.Bar.OnEpochBegin epoch

        for i in 0..249 do
            batch s i 10.0 [ "accuracy", 0.9; "loss", 0.25 ]

        s.Bar.OnTestBegin()
        s.Bar.OnTestBatchEnd(0, Drive.logs [ "loss", 9.0 ])
        s.Bar.OnTestEnd(Drive.logs [ "loss", 9.0 ])
        s.Clock.Advance 500.0
        s.Bar.OnEpochEnd(epoch, Drive.logs [ "accuracy", 0.91234; "loss", 0.25; "val_loss", 1e-7 ])

    let line =
        "250/250 " + full + " 3s 12ms/step - accuracy: 0.9123 - loss: 0.2500 - val_loss: 1.0000e-07\n"

    Assert.Equal("Epoch 1/3\n" + line + "Epoch 2/3\n" + line, s.Printed)

[<Fact>]
let ``verbose 2 is a line without a bar, and a single epoch has no heading`` () =
    let s = setting true true 1 (Nullable 10) Verbosity.Line
    s.Bar.OnTrainBegin()
    s.Bar.OnEpochBegin 0

    for i in 0..9 do
        batch s i 0.25 [ "loss", 0.25 ]

    s.Bar.OnEpochEnd(0, Drive.logs [ "loss", -0.25; "mae", 12345.678 ])
    // Keras does not ignore the sign here.
    Assert.Equal("10/10 - 0s - 250us/step - loss: -2.5000e-01 - mae: 12345.6780\n", s.Printed)

[<Fact>]
let ``verbose 0 prints nothing`` () =
    let s = setting true true 2 (Nullable 2) Verbosity.Silent
    s.Bar.OnTrainBegin()
    s.Bar.OnEpochBegin 0
    batch s 0 100.0 [ "loss", 1.0 ]
    s.Bar.OnEpochEnd(0, Drive.logs [ "loss", 1.0 ])
    Assert.Equal("", s.Printed)

[<Fact>]
let ``an unknown number of steps is known after the first epoch`` () =
    let s = setting true false 2 (Nullable()) Verbosity.Bar
    s.Bar.OnTrainBegin()
    s.Bar.OnEpochBegin 0
    batch s 0 2000.0 []
    batch s 1 2000.0 [ "loss", nan ]
    Assert.Equal(
        "Epoch 1/2\n\r      1/Unknown 2s 2s/step"
        + String('\b', 26)
        + "\r      2/Unknown 4s 2s/step - loss: nan",
        s.Printed
    )
    s.Bar.OnEpochEnd(0, Drive.logs [])
    Assert.Equal(String('\b', 38) + "\r2/2 " + full + " 4s 2s/step   \n", s.Printed)
    s.Bar.OnEpochBegin 1
    batch s 0 2000.0 []
    Assert.Equal("Epoch 2/2\n\r1/2 ━━━━━━━━━━           2s 2s/step", s.Printed)

[<Theory>]
[<InlineData(59.0, "59s 59s/step")>]
[<InlineData(60.0, "60s 60s/step")>]
[<InlineData(61.0, "1:01 61s/step")>]
[<InlineData(3600.0, "60:00 3600s/step")>]
[<InlineData(3661.0, "1:01:01 3661s/step")>]
let ``the time left is given in seconds, minutes or hours`` (step: float) (expected: string) =
    let s = setting true false 1 (Nullable 2) Verbosity.Bar
    s.Bar.OnTrainBegin()
    s.Bar.OnEpochBegin 0
    batch s 0 (step * 1000.0) []
    Assert.Equal("\r1/2 ━━━━━━━━━━           " + expected, s.Printed)

[<Fact>]
let ``evaluate and predict have bars of their own`` () =
    let s = setting false false 1 (Nullable 2) Verbosity.Bar
    s.Bar.OnTestBegin()
    s.Clock.Advance 4.0
    s.Bar.OnTestBatchEnd(0, Drive.logs [ "loss", 1.0 ])
    s.Clock.Advance 2.0
    s.Bar.OnTestBatchEnd(1, Drive.logs [ "loss", 1.0 ])
    s.Bar.OnTestEnd(Drive.logs [ "loss", 1.5 ])
    Assert.Equal("2/2 " + full + " 0s 2ms/step - loss: 1.5000\n", s.Printed)
    s.Bar.OnPredictBegin()
    s.Clock.Advance 4.0
    s.Bar.OnPredictBatchEnd 0
    s.Clock.Advance 2.0
    s.Bar.OnPredictBatchEnd 1
    s.Bar.OnPredictEnd()
    Assert.Equal("2/2 " + full + " 0s 2ms/step\n", s.Printed)

[<Fact>]
let ``a writer without the bar's character gets another`` () =
    let output = new StreamWriter(new MemoryStream(), Text.Encoding.ASCII)
    let bar = ProgressBar(output, StoppedClock())
    bar.Attach(FakeModel(TrainingParameters(1, 0, Nullable 1, 32, false, Verbosity.Bar)))
    bar.OnTrainBegin()
    bar.OnEpochBegin 0
    bar.OnEpochEnd(0, Drive.logs [])
    let text = Text.Encoding.ASCII.GetString((output.BaseStream :?> MemoryStream).ToArray())
    Assert.Equal("1/1 ==================== 0s 0s/step" + Environment.NewLine, text)

[<Fact>]
let ``a batch allocates nothing, printed or not`` () =
    let output = new StreamWriter(Stream.Null)
    let clock = StoppedClock()
    let bar = ProgressBar(output, clock, interactive = Nullable true)
    bar.Attach(FakeModel(TrainingParameters(1, 0, Nullable 100000, 32, false, Verbosity.Bar)))
    bar.OnTrainBegin()
    bar.OnEpochBegin 0
    let logs = Drive.logs [ "accuracy", 0.5; "loss", 2.0 ]

    let work first =
        for i in first .. first + 499 do
            clock.Advance 26.0
            bar.OnTrainBatchEnd(i, logs)

    work 0
    let before = GC.GetAllocatedBytesForCurrentThread()
    work 500
    Assert.Equal(0L, GC.GetAllocatedBytesForCurrentThread() - before)
