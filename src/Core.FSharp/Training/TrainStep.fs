namespace FunctionalNet.Training

open FunctionalNet

/// Builds the graphs of steps: training, test, prediction. `options` has the steps of the user's own.
module internal TrainStep =

    /// Forward, loss, derivatives, update of all variables, and figures.
    let training
        (network: Network)
        (plan: TrainingPlan)
        (options: TrainingOptions)
        (frozen: string -> bool)
        (types: BatchTypes)
        : StepGraph =
        let step = StepContext(network, ValueSome plan, Mode.Train, frozen, types)

        match options.TrainStep with
        | null -> step.Standard() |> ignore
        | own -> own.Invoke step

        step.Finish [||]

    /// Forward, loss and figures.
    let test
        (network: Network)
        (plan: TrainingPlan)
        (options: TrainingOptions)
        (frozen: string -> bool)
        (types: BatchTypes)
        : StepGraph =
        let step = StepContext(network, ValueSome plan, Mode.Infer, frozen, types)

        match options.TestStep with
        | null -> step.Standard() |> ignore
        | own -> own.Invoke step

        step.Finish [||]

    /// Forward.
    let prediction
        (network: Network)
        (plan: TrainingPlan voption)
        (options: TrainingOptions voption)
        (frozen: string -> bool)
        (types: BatchTypes)
        : StepGraph =
        let step = StepContext(network, plan, Mode.Infer, frozen, types)

        let own =
            match options with
            | ValueSome options -> options.PredictStep
            | ValueNone -> null

        let outputs =
            match own with
            | null -> step.Call step.Inputs
            | own -> own.Invoke step

        step.Finish outputs
