namespace FunctionalNet.Training

open System
open FunctionalNet

/// Builds the graphs of steps: training, test, prediction. `options` has the steps of the user's own.
module internal TrainStep =

    let private ofPlan mode (own: Action<StepContext> | null) network plan frozen types : StepGraph =
        let step = StepContext(network, ValueSome plan, mode, frozen, types)

        match own with
        | null -> step.Standard() |> ignore
        | own -> own.Invoke step

        step.Finish [||]

    /// Forward, loss, derivatives, update of all variables, and figures.
    let training (network: Network) plan (options: TrainingOptions) frozen types : StepGraph =
        ofPlan Mode.Train options.TrainStep network plan frozen types

    /// Forward, loss and figures.
    let test (network: Network) plan (options: TrainingOptions) frozen types : StepGraph =
        ofPlan Mode.Infer options.TestStep network plan frozen types

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
