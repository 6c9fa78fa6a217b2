namespace FunctionalNet.Training

open System
open System.Collections.Generic
open FunctionalNet

/// From what the user wants to what steps are built of: checks, and Keras's keys.
module internal CompilePlan =

    let private checkOutput (network: Network) (what: string) (output: int) =
        if output < 0 || output >= network.Outputs.Count then
            raise (
                ArgumentValueException(
                    "The network has no such output.",
                    what,
                    "0 to " + string (network.Outputs.Count - 1),
                    string output,
                    "Outputs are counted from 0."
                )
            )

    let create (network: Network) (options: TrainingOptions) : TrainingPlan =
        let names = Network.outputNames network
        let options = options.Resolve(names, NetworkNesting.outputPaths network)
        let several = names.Length > 1
        let given = options.Losses

        if given.Length = 0 && isNull options.TrainStep then
            raise (
                ArgumentValueException(
                    "There is no loss to train with.",
                    "loss",
                    "at least one loss",
                    "none",
                    "Give a loss, such as mse for numbers or sparse_categorical_crossentropy for classes."
                )
            )

        let taken = HashSet<string>([| "loss" |])

        let losses =
            given
            |> Array.map (fun (struct (output, loss, weight)) ->
                checkOutput network "loss" output

                if not (Double.IsFinite weight) then
                    raise (
                        ArgumentValueException(
                            "The weight of a loss is not valid.",
                            "loss_weights",
                            "a finite number",
                            Texts.ofFloat weight,
                            "1 counts the loss once."
                        )
                    )

                { OutputLoss.Output = output
                  Loss = loss
                  Weight = weight
                  Key = if given.Length > 1 then names[output] + "_loss" else "" })

        for l in losses do
            if l.Key <> "" && not (taken.Add l.Key) then
                raise (
                    ArgumentValueException(
                        "An output has two losses.",
                        "loss",
                        "one loss per output",
                        "two for " + names[l.Output],
                        "Add them up in one loss of your own."
                    )
                )

        let unique (key: string) =
            let mutable name = key
            let mutable n = 1

            while not (taken.Add name) do
                name <- key + "_" + string n
                n <- n + 1

            name

        let prefix output = if several then names[output] + "_" else ""

        let metrics (weighted: bool) =
            options.Metrics
            |> Array.filter (fun (struct (_, _, w)) -> w = weighted)
            |> Array.map (fun (struct (output, metric, _)) ->
                checkOutput network "metrics" output
                let plain = prefix output + metric.Name

                let key =
                    if weighted && taken.Contains plain then
                        unique (prefix output + "weighted_" + metric.Name)
                    else
                        unique plain

                { OutputMetric.Output = output; Metric = metric; Weighted = weighted; Key = key })

        // The unweighted come first: they take the plain names.
        let unweighted = metrics false
        let all = Array.append unweighted (metrics true)

        // Keras gives the metrics of several outputs in the order of their names, and those of one as they were given.
        let ordered =
            if several then all |> Array.sortWith (fun a b -> String.CompareOrdinal(a.Key, b.Key)) else all

        if options.StepsPerExecution < 1 then
            raise (
                ArgumentValueException(
                    "The number of steps per execution is out of range.",
                    "steps_per_execution",
                    "1 or more",
                    string options.StepsPerExecution,
                    "1 calls callbacks after every batch."
                )
            )

        { Optimizer = options.Optimizer
          Losses = losses
          Metrics = ordered
          StepsPerExecution = options.StepsPerExecution }
