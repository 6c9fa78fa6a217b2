namespace FunctionalNet.Training

open FunctionalNet

/// What a model is compiled with as a configuration, in the form of Keras's get_compile_config, and back.
module internal CompileConfig =

    let private refuse (where: string) (expected: string) (actual: ConfigValue) : 'a =
        raise (
            ArgumentValueException(
                "The description of how a model is compiled is not valid.",
                where,
                expected,
                ConfigRead.show actual,
                "It should be what GetCompileConfig gives, or the arguments of Keras's compile."
            )
        )

    /// One value per output: alone if there is one output.
    let private perOutput (outputs: int) (valueOf: int -> ConfigValue) =
        if outputs = 1 then valueOf 0 else ConfigValue.List(List.init outputs valueOf)

    /// The arguments of Keras's compile for a network of so many outputs.
    let write (outputs: int) (options: TrainingOptions) : ConfigValue =
        let lossOf output =
            options.Losses
            |> Array.tryPick (fun (struct (o, loss, _)) -> if o = output then Some(Saving.ofLoss loss) else None)
            |> Option.defaultValue Null

        let weightOf output =
            options.Losses
            |> Array.tryPick (fun (struct (o, _, weight)) -> if o = output then Some(Float weight) else None)
            |> Option.defaultValue (Float 1.0)

        let metricsOf weighted =
            let all = options.Metrics |> Array.filter (fun (struct (_, _, w)) -> w = weighted)

            if all.Length = 0 then
                Null
            else
                let ofOutput output =
                    ConfigValue.List
                        [ for struct (o, metric, _) in all do
                              if o = output then Saving.ofMetric metric ]

                perOutput outputs ofOutput

        let isWeighted = options.Losses |> Array.exists (fun (struct (_, _, weight)) -> weight <> 1.0)

        ConfigValue.Object
            [ "optimizer", Saving.ofOptimizer options.Optimizer
              "loss", perOutput outputs lossOf
              "loss_weights", (if isWeighted then perOutput outputs weightOf else Null)
              "metrics", metricsOf false
              "weighted_metrics", metricsOf true
              "run_eagerly", Bool false
              "steps_per_execution", Int(int64 options.StepsPerExecution)
              "jit_compile", Bool false ]

    /// The values of an argument with the outputs they are for: one for all, one per output, or by name.
    let private spread
        (where: string)
        (names: string[])
        (isOne: ConfigValue -> bool)
        (value: ConfigValue)
        : (int * ConfigValue) list =
        match value with
        | Null -> []
        | one when isOne one -> [ for output in 0 .. names.Length - 1 -> output, one ]
        | ConfigValue.List items when items.Length = names.Length -> List.indexed items
        | ConfigValue.Object entries ->
            entries
            |> List.map (fun (name, item) ->
                match System.Array.IndexOf(names, name) with
                | -1 -> raise (Common.Names.unknown "output" where name names)
                | output -> output, item)
        | other ->
            refuse where ("one value for each of " + string names.Length + " outputs, or an object by name") other

    let private isPart (value: ConfigValue) =
        match value with
        | Text _ -> true
        | ConfigValue.Object entries -> (ConfigRead.get "class_name" entries) <> Null
        | _ -> false

    let private isNumber (value: ConfigValue) =
        match value with
        | Int _
        | Float _ -> true
        | _ -> false

    /// The options of a network with outputs of those names.
    let read (names: string[]) (value: ConfigValue) : TrainingOptions =
        let entries = ConfigRead.entriesOf "compile" value
        let get key = ConfigRead.get key entries
        let options = TrainingOptions()

        match get "optimizer" with
        | Null -> ()
        | optimizer -> options.Optimizer <- Saving.toOptimizer optimizer

        match get "steps_per_execution" with
        | Null -> ()
        | steps -> options.StepsPerExecution <- ConfigRead.int "steps_per_execution" steps

        let weights = spread "loss_weights" names isNumber (get "loss_weights")

        for output, loss in spread "loss" names isPart (get "loss") do
            if loss <> Null then
                let weight =
                    match weights |> List.tryFind (fun (o, _) -> o = output) with
                    | Some(_, Null)
                    | None -> 1.0
                    | Some(_, weight) -> ConfigRead.float "loss_weights" weight

                options.AddLoss(output, Saving.toLoss loss, weight) |> ignore

        let metrics (key: string) (weighted: bool) =
            let given = get key

            // A plain list belongs to the only output.
            let perOutput =
                match given with
                | ConfigValue.List items when names.Length = 1 && List.forall isPart items -> [ 0, given ]
                | other -> spread key names isPart other

            for output, given in perOutput do
                let each =
                    match given with
                    | ConfigValue.List items -> items
                    | Null -> []
                    | one -> [ one ]

                for metric in each do
                    options.AddMetric(output, Saving.toMetric metric, weighted) |> ignore

        metrics "metrics" false
        metrics "weighted_metrics" true
        options
