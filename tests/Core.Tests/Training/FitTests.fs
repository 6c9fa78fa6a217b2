namespace FunctionalNet.Tests.Training

open System
open System.Collections.Generic
open System.Text.Json
open FunctionalNet
open FunctionalNet.Training
open FunctionalNet.Tests.Support
open Xunit

/// Whole training runs that Keras computed.
type FitTests() =

    let callback (e: JsonElement) : TrainingCallback =
        let config = e.GetProperty "config"

        let read (name: string) (orElse: 'a) (of': JsonElement -> 'a) =
            match config.TryGetProperty name with
            | true, value -> of' value
            | _ -> orElse

        let mode =
            read "mode" MonitorMode.Auto (fun mode ->
                match string mode with
                | "min" -> MonitorMode.Min
                | "max" -> MonitorMode.Max
                | _ -> MonitorMode.Auto)

        match string (e.GetProperty("class_name")) with
        | "EarlyStopping" ->
            let o = EarlyStopping.options

            Callback.earlyStopping
                { o with
                    Monitor = read "monitor" o.Monitor string
                    MinDelta = read "min_delta" o.MinDelta _.GetDouble()
                    Patience = read "patience" o.Patience _.GetInt32()
                    Mode = mode
                    Baseline = read "baseline" o.Baseline (fun value -> Some(value.GetDouble()))
                    RestoreBestWeights = read "restore_best_weights" o.RestoreBestWeights _.GetBoolean()
                    StartFromEpoch = read "start_from_epoch" o.StartFromEpoch _.GetInt32() }
        | "ReduceLROnPlateau" ->
            let o = ReduceLROnPlateau.options

            Callback.reduceLROnPlateau
                { o with
                    Monitor = read "monitor" o.Monitor string
                    Factor = read "factor" o.Factor _.GetDouble()
                    Patience = read "patience" o.Patience _.GetInt32()
                    Mode = mode
                    MinDelta = read "min_delta" o.MinDelta _.GetDouble()
                    Cooldown = read "cooldown" o.Cooldown _.GetInt32()
                    MinLearningRate = read "min_lr" o.MinLearningRate _.GetDouble() }
        | "TerminateOnNaN" -> Callback.terminateOnNaN ()
        | other -> failwith ("no such callback here: " + other)

    let figures (logs: TrainingLogs) = [ for i in 0 .. logs.Count - 1 -> logs.Names[i], logs.ValueAt i ]

    static member Ids = KerasCases.fits () |> KerasCases.ids (fun c -> c.Id)

    [<Theory>]
    [<MemberData(nameof FitTests.Ids)>]
    member _.``Keras's history, weights, evaluation and predictions``(id: string) =
        let c = KerasCases.fits () |> Array.find (fun c -> c.Id = id)
        let network = Network.ofConfig (CaseConfig.value c.Model)
        let trainer = Trainer(network)
        trainer.SetWeights(c.InitialWeights |> Array.map (fun w -> w.ToTensor()))
        let options = CompileConfig.read (Network.outputNames network) (CaseConfig.value c.Compile)
        trainer.Compile options
        let tensors (cases: CaseTensor[]) = cases |> Array.map (fun t -> t.ToTensor())
        let weights = c.SampleWeight |> Option.toArray |> tensors
        let data = TrainingData(tensors c.X, tensors c.Y, weights)
        let fit =
            FitOptions(Epochs = c.Epochs, BatchSize = c.BatchSize, Shuffle = false, Verbosity = Verbosity.Silent)

        let further (name: string) (set: JsonElement -> unit) =
            match c.Fit with
            | Some given ->
                match given.TryGetProperty name with
                | true, value -> set value
                | _ -> ()
            | None -> ()

        further "validation_split" (fun value -> fit.ValidationSplit <- value.GetDouble())
        further "validation_batch_size" (fun value -> fit.ValidationBatchSize <- value.GetInt32())
        further "validation_steps" (fun value -> fit.ValidationSteps <- value.GetInt32())
        further "initial_epoch" (fun value -> fit.InitialEpoch <- value.GetInt32())
        further "steps_per_epoch" (fun value -> fit.StepsPerEpoch <- value.GetInt32())

        further "validation_freq" (fun value ->
            if value.ValueKind = JsonValueKind.Number then
                fit.ValidationFrequency <- value.GetInt32()
            else
                fit.ValidationEpochs <- [| for epoch in value.EnumerateArray() -> epoch.GetInt32() |])

        match c.Validation with
        | [||], _ -> ()
        | x, y -> fit.ValidationData <- TrainingData(tensors x, tensors y)

        if not c.ClassWeight.IsEmpty then
            fit.ClassWeight <- Dictionary<int, float>(c.ClassWeight)

        fit.Callbacks <- c.Callbacks |> Array.map callback

        let history = trainer.Fit(data, fit)

        for KeyValue(key, values) in c.History do
            Close.closeAt key 1e-3 1e-6 values (Seq.toArray history[key])

        Assert.Equal<Set<string>>(c.History |> Map.keys |> set, set history.Names)
        let after = trainer.GetWeights()

        for i in 0 .. c.FinalWeights.Length - 1 do
            Close.closeToScale c.WeightNames[i] 1e-3 c.FinalWeights[i].Values (after[i].Value.ToDoubles())

        let evaluated = trainer.Evaluate(data, EvaluateOptions(BatchSize = c.BatchSize))

        for name, value in figures evaluated do
            Close.closeAt name 1e-3 1e-6 [| c.Evaluate[name] |] [| value |]

        let predicted = trainer.Predict(tensors c.X, EvaluateOptions(BatchSize = 7))

        for i in 0 .. c.Predict.Length - 1 do
            Close.closeToScale "predict" 1e-3 c.Predict[i].Values (predicted[i].ToDoubles())
