// Tomorrow's coldest temperature in Melbourne, from the days before: an LSTM learns eight years (1981 to 1988), chooses by the ninth,
// and forecasts the tenth, beside what the same day a year ago and what yesterday would say. Writes forecast.svg.
// The folder of the data is found through FUNCTIONALNET_DATA, or given: dotnet run -c Release -- --data FOLDER. --quick trains
// briefly.
module Forecast.Program

open System
open System.Globalization
open System.IO
open FunctionalNet

/// Days that the network sees.
let window = 30

let read (path: string) : (DateTime * float)[] =
    File.ReadAllLines path
    |> Array.skip 1
    |> Array.choose (fun line ->
        match line.Split ',' with
        | [| date; value |] ->
            Some(DateTime.Parse(date.Trim '"', CultureInfo.InvariantCulture), float (value.Trim('"', '?')))
        | _ -> None)

let forecast (quick: bool) (days: (DateTime * float)[]) : unit =
    let n = days.Length
    let temperature = Array.map snd days
    // Whole years: the last is forecast, the one before chooses when to stop.
    let testStart, choiceStart = n - 365, n - 730
    let known = temperature[.. choiceStart - 1]
    let mean = Array.average known
    let deviation = sqrt (known |> Array.averageBy (fun t -> (t - mean) ** 2.0))
    let scaled = temperature |> Array.map (fun t -> float32 ((t - mean) / deviation))

    // Every day: its temperature, and where in the year the day after it lies.
    let features =
        Array.init n (fun i ->
            let turn = 2.0 * Math.PI * float ((fst days[i]).DayOfYear) / 365.25
            [| scaled[i]; float32 (sin turn); float32 (cos turn) |])

    let series = Tensor.OfRows features
    let next = Tensor.Of(Shape.Of(n - window), scaled[window..])

    // Windows of the days from `first` on that forecast a day before `last`.
    let windows first last =
        let all =
            Sequences.TimeseriesDataset(
                series,
                next,
                window,
                batchSize = n,
                startIndex = Nullable(first - window),
                endIndex = Nullable(last - 1)
            )

        Seq.head all

    let struct (x, y) = windows window choiceStart
    let struct (xChoice, yChoice) = windows choiceStart testStart
    let struct (xTest, _) = windows testStart n

    let network =
        Network.sequential (Network.input [ window; 3 ]) [ Layer.lstm 32; Layer.dense 16 >>> Layer.relu; Layer.dense 1 ]

    let trainer =
        Trainer.createWith 1UL network |> Trainer.compile (Optimizer.adam 0.002) (Loss.parse "huber") []

    let stop = EarlyStopping("val_loss", patience = 6, restoreBestWeights = true)

    let options =
        FitOptions(
            BatchSize = 32,
            Epochs = (if quick then 2 else 40),
            ValidationData = TrainingData(xChoice, yChoice),
            Verbosity = Verbosity.Line
        )

    options.Callbacks <- [| stop |]
    trainer |> Trainer.fit options x y |> ignore

    let predicted =
        (trainer |> Trainer.predict xTest).ToDoubles() |> Array.map (fun v -> v * deviation + mean)

    let truth = temperature[testStart..]
    let lastYear = temperature[testStart - 365 .. n - 366]
    let yesterday = temperature[testStart - 1 .. n - 2]
    let error (guess: float[]) = Array.map2 (fun (a: float) b -> abs (a - b)) guess truth |> Array.average

    Chart.write
        "forecast.svg"
        "Daily minimum temperature, Melbourne 1990: truth and forecast of the day before"
        "°C"
        [ "truth", "#888", truth; "forecast", "#c33", predicted ]

    printfn "%d days, of which the last 365 are forecast; forecast.svg shows them" n
    printfn "mean absolute error, the same day a year ago (baseline): %.3f degrees" (error lastYear)
    printfn "mean absolute error, yesterday (baseline):               %.3f degrees" (error yesterday)
    printfn "mean absolute error, LSTM:                               %.3f degrees" (error predicted)

[<EntryPoint>]
let main args =
    let folder =
        match Array.tryFindIndex (fun a -> a = "--data") args with
        | Some i -> args[i + 1]
        | None -> Environment.GetEnvironmentVariable "FUNCTIONALNET_DATA" |> Option.ofObj |> Option.defaultValue ""

    let path = Path.Combine(folder, "daily-min-temperatures", "daily-min-temperatures.csv")

    if File.Exists path then
        forecast (Array.contains "--quick" args) (read path)
        0
    else
        printfn
            "The data is not there: put daily-min-temperatures.csv (Melbourne, 1981 to 1990; lines of date and degrees) into a"
        printfn "folder daily-min-temperatures, and name the folder around it in FUNCTIONALNET_DATA or after --data."
        1
