namespace FunctionalNet.Tests.Training

open System
open System.Collections.Generic
open System.Text.Json
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit

/// Whole training runs that Keras computed.
type FitTests() =

    let nested (e: ConfigValue) : Config =
        match e with
        | ConfigValue.Text name -> { ClassName = name; Arguments = [] }
        | ConfigValue.Object fields ->
            let find key = fields |> List.tryFind (fun (k, _) -> k = key) |> Option.map snd

            match find "class_name", find "config" with
            | Some(ConfigValue.Text name), Some(ConfigValue.Object arguments) ->
                { ClassName = name; Arguments = arguments }
            | _ -> failwith "not a configuration"
        | _ -> failwith "not a configuration"

    let metric (e: ConfigValue) =
        match e with
        | ConfigValue.Text name -> Metric.parse name
        | other -> Metric.ofConfig (nested other)

    let list (key: string) (e: ConfigValue) =
        match e with
        | ConfigValue.Object fields ->
            match fields |> List.tryFind (fun (k, _) -> k = key) with
            | Some(_, ConfigValue.List items) -> items
            | Some(_, one) -> [ one ]
            | None -> []
        | _ -> []

    /// What is given for each output: one list for all is that of the only output.
    let perOutput (outputs: int) (items: ConfigValue list) : ConfigValue list list =
        if outputs = 1 then
            [ items ]
        else
            items
            |> List.map (fun item ->
                match item with
                | ConfigValue.List own -> own
                | one -> [ one ])

    let callback (e: JsonElement) : TrainingCallback =
        let config = e.GetProperty "config"

        let read (name: string) (orElse: 'a) (of': JsonElement -> 'a) =
            match config.TryGetProperty name with
            | true, value -> of' value
            | _ -> orElse

        match string (e.GetProperty("class_name")) with
        | "EarlyStopping" ->
            let o = EarlyStopping.options

            Callback.earlyStopping
                { o with
                    Monitor = read "monitor" o.Monitor string
                    Patience = read "patience" o.Patience _.GetInt32()
                    RestoreBestWeights = read "restore_best_weights" o.RestoreBestWeights _.GetBoolean() }
        | "ReduceLROnPlateau" ->
            let o = ReduceLROnPlateau.options

            Callback.reduceLROnPlateau
                { o with
                    Monitor = read "monitor" o.Monitor string
                    Factor = read "factor" o.Factor _.GetDouble()
                    Patience = read "patience" o.Patience _.GetInt32()
                    Cooldown = read "cooldown" o.Cooldown _.GetInt32() }
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
        let compile = CaseConfig.value c.Compile
        let options = TrainingOptions()
        options.Optimizer <- Optimizer.ofConfig (nested (list "optimizer" compile).Head)
        let factors = list "loss_weights" compile

        for output, loss in List.indexed (list "loss" compile) do
            let factor =
                match List.tryItem output factors with
                | Some(ConfigValue.Float f) -> f
                | _ -> 1.0
            options.AddLoss(output, Loss.ofConfig (nested loss), factor) |> ignore

        for key, weighted in [ "metrics", false; "weighted_metrics", true ] do
            for output, metrics in List.indexed (perOutput c.Y.Length (list key compile)) do
                for m in metrics do
                    options.AddMetric(output, metric m, weighted) |> ignore

        trainer.Compile options
        let tensors (cases: CaseTensor[]) = cases |> Array.map (fun t -> t.ToTensor())
        let weights = c.SampleWeight |> Option.toArray |> tensors
        let data = TrainingData(tensors c.X, tensors c.Y, weights)
        let fit =
            FitOptions(Epochs = c.Epochs, BatchSize = c.BatchSize, Shuffle = false, Verbosity = Verbosity.Silent)

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
