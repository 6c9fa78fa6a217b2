namespace FunctionalNet.Training

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// A loss of one output, with its part in the whole.
[<NoEquality; NoComparison>]
type internal OutputLoss =
    {
        Output: int
        Loss: Loss
        Weight: float
        /// The key of its own figure; empty if only the whole is reported.
        Key: string
    }

/// A metric of one output under its key.
[<NoEquality; NoComparison>]
type internal OutputMetric = { Output: int; Metric: Metric; Weighted: bool; Key: string }

/// What a network is trained with, in the order of reports.
[<NoEquality; NoComparison>]
type internal TrainingPlan =
    {
        Optimizer: Optimizer
        Losses: OutputLoss[]
        Metrics: OutputMetric[]
        /// Batches between two calls of callbacks.
        StepsPerExecution: int
    }

    /// True if a loss or a metric asks for the target of an output.
    member this.IsJudged(output: int) =
        this.Losses |> Array.exists (fun l -> l.Output = output)
        || this.Metrics |> Array.exists (fun m -> m.Output = output)

/// The types of one batch: what a step is compiled for.
[<NoEquality; NoComparison>]
type internal BatchTypes =
    {
        Inputs: TensorType[]
        /// One per output; empty to predict.
        Targets: TensorType[]
        /// One per output.
        Weights: TensorType voption[]
    }

/// A figure that a step reports: the mean of a value, or a metric; with the names of its totals.
[<NoEquality; NoComparison>]
type internal StepFigure = { Key: string; Metric: Metric voption; Totals: string[] }

/// What an optimizer keeps between steps.
[<NoEquality; NoComparison>]
type internal StepSlot = { Name: string; Type: TensorType; Initial: float }

/// A whole step as one graph. Its leaves are found by role and name.
[<NoEquality; NoComparison>]
type internal StepGraph =
    {
        Graph: Graph
        /// For each input that is looked up in a table: one more than the greatest id; 0 for the others.
        IdLimits: int[]
        /// What is reported, in order.
        Figures: StepFigure[]
        /// What optimizers keep.
        Slots: StepSlot[]
        /// Optimizers that the step uses beside the one it was compiled with, by name.
        Optimizers: (string * Optimizer)[]
    }

/// The names of a step's leaves.
module internal StepNames =

    [<Literal>]
    let LearningRate = "learning_rate"

    [<Literal>]
    let Iterations = "iterations"

    /// Steps of functions of the user's own that do not count as iterations of the optimizer.
    [<Literal>]
    let Runs = "runs"

    /// What the names of totals begin with, apart from the optimizer's.
    [<Literal>]
    let FigurePrefix = "figure/"

    let input (i: int) = "input/" + string i
    let target (i: int) = "target/" + string i
    let weight (i: int) = "weight/" + string i
    let output (i: int) = "output/" + string i

    /// The names of what is summed up for a key.
    let total (key: string) (slot: string) = FigurePrefix + key + "/" + slot

    let slot (path: string) (slot: string) = path + "/" + slot

    /// What the names of a further optimizer's slots begin with.
    let ofOptimizer (name: string) = "optimizer:" + name + "/"

    /// The rate of a further optimizer.
    let rateOf (name: string) = LearningRate + ":" + name
