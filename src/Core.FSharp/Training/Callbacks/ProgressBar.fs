namespace FunctionalNet.Training

open System
open System.Globalization
open System.IO
open System.Text
open FunctionalNet

/// Writes text piece by piece into one buffer, counting what is visible; nothing is allocated once the buffer is large
/// enough.
[<Sealed>]
type internal LineBuffer() =

    let text = StringBuilder(256)
    let digits: char[] = Array.zeroCreate 64
    let mutable width = 0

    member _.Text = text

    /// Characters that take a column, since the last Clear.
    member _.Width = width

    member _.Clear() =
        text.Clear() |> ignore
        width <- 0

    member _.Add(piece: string) =
        text.Append piece |> ignore
        width <- width + piece.Length

    member _.Add(piece: char, count: int) =
        text.Append(piece, count) |> ignore
        width <- width + count

    /// Colour and cursor movement: takes no column.
    member _.AddHidden(piece: string) = text.Append piece |> ignore

    member private _.AddDigits(count: int) =
        text.Append(digits, 0, count) |> ignore
        width <- width + count

    /// A whole number, with spaces before it up to the width.
    member this.AddWhole(value: int64, least: int) =
        let mutable count = 0

        if value.TryFormat(Span<char>(digits), &count, ReadOnlySpan<char>(), CultureInfo.InvariantCulture) then
            if count < least then this.Add(' ', least - count)

            this.AddDigits count

    /// A whole number of two digits, with a zero before it if need be.
    member this.AddTwoDigits(value: int64) =
        if value < 10L then this.Add "0"

        this.AddWhole(value, 0)

    /// The nearest whole number; of two, the even one, as Python prints it.
    member this.AddRounded(value: float) =
        this.AddWhole((if value < 9e18 then int64 (Math.Round value) else Int64.MaxValue), 0)

    /// A number in a format of .NET.
    member this.AddNumber(value: float, format: string) =
        let mutable count = 0

        if Double.IsNaN value then
            this.Add "nan"
        elif Double.IsInfinity value then
            this.Add(if value > 0.0 then "inf" else "-inf")
        elif value.TryFormat(Span<char>(digits), &count, format.AsSpan(), CultureInfo.InvariantCulture) then
            this.AddDigits count
        else
            this.Add(value.ToString(format, CultureInfo.InvariantCulture))

namespace FunctionalNet

open System
open System.IO
open System.Runtime.InteropServices
open FunctionalNet.Training

/// <summary>Prints the progress of fit, evaluate and predict as Keras does, by the verbosity they were called with. On a
/// terminal the bar moves; elsewhere it is one plain line an epoch. Keras: ProgbarLogger.</summary>
/// <param name="output">Where to print. Default the console.</param>
/// <param name="clock">Where the time comes from. Default the system.</param>
/// <param name="interactive">Whether the line may be rewritten in place. Default: if it goes to a terminal.</param>
/// <param name="colors">Whether to colour the bar. Default: if interactive and NO_COLOR is not set.</param>
/// <param name="intervalMilliseconds">The least time between two updates of the bar. Default 50.</param>
[<Sealed>]
type ProgressBar
    (
        [<Optional; DefaultParameterValue(null: TextWriter | null)>] output: TextWriter | null,
        [<Optional; DefaultParameterValue(null: TimeProvider | null)>] clock: TimeProvider | null,
        [<Optional>] interactive: Nullable<bool>,
        [<Optional>] colors: Nullable<bool>,
        [<Optional; DefaultParameterValue(50)>] intervalMilliseconds: int
    ) =
    inherit TrainingCallback()

    let clock =
        match clock with
        | null -> TimeProvider.System
        | given -> given

    let interactive =
        if interactive.HasValue then
            interactive.Value
        else
            isNull output
            && not Console.IsOutputRedirected
            && not (String.Equals(Environment.GetEnvironmentVariable "TERM", "dumb"))

    let colors =
        if colors.HasValue then
            colors.Value
        else
            interactive && String.IsNullOrEmpty(Environment.GetEnvironmentVariable "NO_COLOR")

    // The console is asked for at each use, since programs may redirect it.
    let writer () =
        match output with
        | null -> Console.Out
        | given -> given

    let barWidth = 20
    let interval = float intervalMilliseconds / 1000.0
    let line = LineBuffer()
    let noLogs = TrainingLogs()
    let mutable bar = '━'
    let mutable inFit = false
    let mutable verbosity = Verbosity.Silent
    // Batches in all; -1 while that is not known.
    let mutable target = -1
    let mutable seen = 0
    let mutable start = 0L
    let mutable firstStep = -1L
    let mutable lastUpdate = -1L
    let mutable shownWidth = 0

    let seconds (first: int64) (last: int64) = float (last - first) / float clock.TimestampFrequency

    let reset () =
        seen <- 0
        start <- clock.GetTimestamp()
        firstStep <- -1L
        lastUpdate <- -1L
        shownWidth <- 0

    /// Seconds a step, without the first one if there are more: it compiles.
    let stepTime (current: int) (now: int64) =
        if current <= 0 then
            0.0
        else
            let time =
                if firstStep >= 0L && current > 1 then
                    seconds firstStep now / float (current - 1)
                else
                    seconds start now / float current

            if current = 1 then firstStep <- now

            time

    let hidden (code: string) = if colors then line.AddHidden code

    let addCount (current: int) =
        if target >= 0 then
            let mutable digits = 1
            let mutable rest = target / 10

            while rest > 0 do
                digits <- digits + 1
                rest <- rest / 10

            line.AddWhole(int64 current, digits)
            line.Add "/"
            line.AddWhole(int64 target, 0)
        else
            line.AddWhole(int64 current, 7)
            line.Add "/Unknown"

    let addStepTime (time: float) =
        line.Add " "

        if time >= 1.0 || time = 0.0 then
            line.AddRounded time
            line.Add "s/step"
        elif time >= 1e-3 then
            line.AddRounded(time * 1e3)
            line.Add "ms/step"
        else
            line.AddRounded(time * 1e6)
            line.Add "us/step"

    let addFigures (logs: TrainingLogs) (ignoreSign: bool) =
        for i in 0 .. logs.Count - 1 do
            let value = logs.ValueAt i
            line.Add " - "
            line.Add logs.Names[i]
            line.Add ": "
            let size = if ignoreSign then abs value else value
            line.AddNumber(value, (if size > 1e-3 then "F4" else "0.0000e+00"))

    let addRemaining (remaining: float) =
        let whole = int64 remaining

        if remaining > 3600.0 then
            line.AddWhole(whole / 3600L, 0)
            line.Add ":"
            line.AddTwoDigits(whole % 3600L / 60L)
            line.Add ":"
            line.AddTwoDigits(whole % 60L)
        elif remaining > 60.0 then
            line.AddWhole(whole / 60L, 0)
            line.Add ":"
            line.AddTwoDigits(whole % 60L)
        else
            line.AddWhole(whole, 0)
            line.Add "s"

    let print () =
        let target = writer ()
        target.Write line.Text
        target.Flush()

    let addBar (current: int) =
        hidden "\x1b[1m"
        addCount current
        hidden "\x1b[0m"

        if target >= 0 then
            line.Add " "
            let done' = if target = 0 then barWidth else int (float barWidth * float current / float target)
            let done' = min done' barWidth

            if done' > 0 then
                hidden "\x1b[32m"
                line.Add(bar, done')
                hidden "\x1b[0m"

            hidden "\x1b[37m"

            // Without colour, what is left must look different from what is done.
            if colors then line.Add(bar, barWidth - done') else line.Add(' ', barWidth - done')

            hidden "\x1b[0m"

    let showBar (current: int) (logs: TrainingLogs) (final: bool) =
        let now = clock.GetTimestamp()
        let time = stepTime current now
        let due = lastUpdate < 0L || seconds lastUpdate now >= interval

        if final || (interactive && due) then
            line.Clear()

            if interactive then
                for _ in 1..shownWidth do
                    line.AddHidden "\b"

                line.AddHidden "\r"

            addBar current
            line.Add " "
            hidden "\x1b[1m"

            if target >= 0 && not final then
                addRemaining (time * float (target - current))
            else
                line.AddRounded(seconds start now)
                line.Add "s"

            hidden "\x1b[0m"
            addStepTime time
            addFigures logs true
            let width = line.Width

            if interactive && shownWidth > width then line.Add(' ', shownWidth - width)

            if final then line.AddHidden Environment.NewLine

            print ()
            shownWidth <- width
            lastUpdate <- now

    let showLine (current: int) (logs: TrainingLogs) =
        let now = clock.GetTimestamp()
        line.Clear()
        addCount current
        line.Add " - "
        line.AddRounded(seconds start now)
        line.Add "s -"
        addStepTime (if current > 0 then seconds start now / float current else 0.0)
        addFigures logs false
        line.AddHidden Environment.NewLine
        print ()

    let update (batch: int) (logs: TrainingLogs) =
        seen <- batch + 1

        if verbosity = Verbosity.Bar then showBar seen logs false

    let finish (logs: TrainingLogs) =
        if target < 0 then target <- seen

        if verbosity = Verbosity.Bar then showBar target logs true
        elif verbosity = Verbosity.Line then showLine target logs

    override _.OnAttach model =
        let parameters = model.Parameters
        inFit <- false
        verbosity <- parameters.Verbosity
        target <- if parameters.Steps.HasValue then parameters.Steps.Value else -1
        // A writer that cannot show the bar's character gets one that every writer has.
        let encoding = (writer ()).Encoding
        bar <- if encoding.GetString(encoding.GetBytes "━") = "━" then '━' else '='

    override _.OnTrainBegin() = inFit <- true

    override this.OnEpochBegin epoch =
        reset ()
        let epochs = this.Model.Parameters.Epochs

        if verbosity <> Verbosity.Silent && epochs > 1 then
            let target = writer ()
            target.WriteLine("Epoch " + NumberText.whole (epoch + 1) + "/" + NumberText.whole epochs)

    override _.OnTrainBatchEnd(batch, logs) = update batch logs

    override _.OnEpochEnd(_, logs) = finish logs

    override _.OnTestBegin() = if not inFit then reset ()

    override _.OnTestBatchEnd(batch, logs) = if not inFit then update batch logs

    override _.OnTestEnd logs = if not inFit then finish logs

    override _.OnPredictBegin() = reset ()

    override _.OnPredictBatchEnd batch = update batch noLogs

    override _.OnPredictEnd() = finish noLogs
