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

/// A whole step as one graph. Its leaves are found by role and name.
[<NoEquality; NoComparison>]
type internal StepGraph =
    {
        Graph: Graph
        /// For each input that is looked up in a table: one more than the greatest id; 0 for the others.
        IdLimits: int[]
        /// For each metric, the names of its totals.
        Totals: string[][]
    }

/// Builds the graphs of steps: training, test, prediction.
module internal TrainStep =

    [<Literal>]
    let LearningRate = "learning_rate"

    [<Literal>]
    let Iterations = "iterations"

    /// What the names of totals begin with, apart from the optimizer's.
    [<Literal>]
    let FigurePrefix = "figure/"

    let inputName (i: int) = "input/" + string i
    let targetName (i: int) = "target/" + string i
    let weightName (i: int) = "weight/" + string i
    let outputName (i: int) = "output/" + string i

    /// The names of what is summed up for a key.
    let totalName (key: string) (slot: string) = FigurePrefix + key + "/" + slot

    let slotName (path: string) (slot: string) = path + "/" + slot

    let private input (name: string) (t: TensorType) = Expr.LeafOf(LeafRole.Input, name, t.DType, t.Shape)

    let private slot (name: string) (dtype: DType) (shape: Shape) = Expr.LeafOf(LeafRole.Slot, name, dtype, shape)

    let private total (key: string) (name: string) (shape: Shape) = slot (totalName key name) DType.Float64 shape

    let private trace (network: Network) (frozen: string -> bool) (mode: Mode) (types: BatchTypes) : Traced =
        let flows = types.Inputs |> Array.mapi (fun i t -> Flow.ofValue (input (inputName i) t))
        Network.trace mode network.FloatType frozen network flows

    /// Inputs whose values are row numbers of a table, with the number of rows.
    let private idLimits (types: BatchTypes) (traced: Traced) : int[] =
        let limits = Array.zeroCreate types.Inputs.Length

        let rec source (e: Expr) =
            match e.Op with
            | Leaf(LeafRole.Input, name) -> ValueSome name
            | Cast _
            | Reshape _
            | StopGradient -> source e.Inputs[0]
            | _ -> ValueNone

        for node in Traverse.topological (traced.Outputs |> Seq.map (fun f -> f.Value)) do
            match node.Op with
            | Gather 0 ->
                match node.Inputs[0].Op, source node.Inputs[1] with
                | Leaf(LeafRole.Param, _), ValueSome name ->
                    for i in 0 .. limits.Length - 1 do
                        if name = inputName i then
                            let rows = node.Inputs[0].Shape[0]
                            limits[i] <- if limits[i] = 0 then rows else min limits[i] rows
                | _ -> ()
            | _ -> ()

        limits

    /// Errors of a loss or metric say which one and of which output.
    let private about (what: string) (build: unit -> 'a) : 'a =
        try
            build ()
        with
        | :? ShapeException as e -> raise (ShapeException(e.Summary, what, e.Expected, e.Actual, e.Hint, e))
        | :? DTypeException as e -> raise (DTypeException(e.Summary, what, e.Expected, e.Actual, e.Hint, e))

    /// What training and testing have in common: the whole loss, and the new totals of all figures.
    let private judge
        (network: Network)
        (plan: TrainingPlan)
        (types: BatchTypes)
        (traced: Traced)
        : struct (Expr * (Expr * Expr)[] * string[][]) =
        let floatType = network.FloatType
        let targets = types.Targets |> Array.mapi (fun i t -> input (targetName i) t)

        let weights =
            types.Weights
            |> Array.mapi (fun i t ->
                match t with
                | ValueSome t -> Some(input (weightName i) t)
                | ValueNone -> None)

        let rows = if types.Inputs.Length > 0 then types.Inputs[0].Shape[0] else 1
        let updates = ResizeArray<Expr * Expr>()

        // The mean over batches, each weighing as much as it has rows.
        let track (key: string) (value: Expr) =
            let sum, count = total key "total" Shape.Scalar, total key "count" Shape.Scalar
            updates.Add(sum, sum + Totals.wide value * float rows)
            updates.Add(count, count + float rows)

        let describe (kind: string) (name: string) (output: int) =
            kind + " " + name + " of output " + network.Outputs[output].Name

        let parts =
            plan.Losses
            |> Array.map (fun l ->
                let value =
                    about (describe "loss" l.Loss.Name l.Output) (fun () ->
                        Loss.compute l.Loss targets[l.Output] traced.Outputs[l.Output] weights[l.Output])

                if value.Rank <> 0 then
                    raise (
                        ArgumentValueException(
                            "A loss without reduction cannot be minimised.",
                            describe "loss" l.Loss.Name l.Output,
                            "one number",
                            "a tensor " + value.Shape.ToString(),
                            "Use the reduction sum_over_batch_size or sum."
                        )
                    )

                let value = Ops.cast floatType value

                if l.Key <> "" then track l.Key value

                if l.Weight = 1.0 then value else value * l.Weight)

        let penalties =
            traced.Variables
            |> Array.choose (fun (struct (spec, leaf)) ->
                match spec.Regularizer with
                | Some r when spec.Trainable && not spec.Frozen -> Some(r.Penalty leaf)
                | _ -> None)

        let added = Array.concat [ parts; penalties; traced.Losses ]

        let loss = if added.Length = 0 then Ops.scalar floatType 0.0 else added |> Array.reduce (+)

        track "loss" loss

        let totals = ResizeArray<string[]>()

        for m in plan.Metrics do
            let flow = traced.Outputs[m.Output]
            let prediction = flow.Value

            let old = m.Metric.Slots prediction.Shape |> Array.map (fun (name, shape) -> total m.Key name shape)

            let next =
                about (describe "metric" m.Key m.Output) (fun () ->
                    let weight = if m.Weighted then weights[m.Output] else None
                    let weight = Weighting.merge floatType LossReduction.Sum weight flow.Mask
                    m.Metric.Update old targets[m.Output] prediction weight)

            if
                next.Length <> old.Length
                || Array.exists2 (fun (a: Expr) (b: Expr) -> not (a.Shape.Equals b.Shape)) old next
            then
                raise (
                    ArgumentValueException(
                        "A metric must give a new value of its shape for every total.",
                        m.Key,
                        string old.Length + " values",
                        string next.Length + " values",
                        "Give as many totals as Slots names, in that order."
                    )
                )

            Array.iter2 (fun o n -> updates.Add(o, Totals.wide n)) old next
            totals.Add(m.Metric.Slots prediction.Shape |> Array.map (fun (name, _) -> totalName m.Key name))

        struct (loss, updates.ToArray(), totals.ToArray())

    let private plain (updates: struct (Expr * Expr)[]) =
        updates |> Array.map (fun (struct (leaf, value)) -> leaf, value)

    /// Forward, loss, derivatives, update of all variables, and figures.
    let training (network: Network) (plan: TrainingPlan) (frozen: string -> bool) (types: BatchTypes) : StepGraph =
        let traced = trace network frozen Mode.Train types
        let struct (loss, figures, totals) = judge network plan types traced
        let trained =
            traced.Variables |> Array.filter (fun (struct (spec, _)) -> spec.Trainable && not spec.Frozen)

        let leaves = trained |> Array.map (fun (struct (_, leaf)) -> leaf)

        let scaled =
            match plan.Optimizer.Options.LossScaleFactor with
            | Some factor -> loss * factor
            | None -> loss

        let gradients = Grad.gradients scaled leaves

        let variables =
            Array.map2
                (fun (struct (spec: VariableSpec, leaf)) gradient ->
                    { OptimizedVariable.Path = spec.Path
                      Variable = leaf
                      Gradient = gradient
                      Slots =
                        Optimizer.slots plan.Optimizer spec.Shape
                        |> Array.map (fun s -> slot (slotName spec.Path s.Name) spec.DType s.Shape)
                      Constraint = spec.Constraint })
                trained
                gradients

        let iterations = slot Iterations DType.Int64 Shape.Scalar
        let rate = Expr.LeafOf(LeafRole.Hyper, LearningRate, DType.Float64, Shape.Scalar)

        let scalars = plan.Optimizer.Rule.Scalars |> Array.map (fun s -> slot s.Name DType.Float64 s.Shape)

        let next = Optimizer.apply plan.Optimizer rate iterations scalars variables

        let updates =
            Array.concat
                [ Array.map2 (fun (v: OptimizedVariable) value -> v.Variable, value) variables next.Variables
                  Array.map2 (fun (v: OptimizedVariable) values -> Array.zip v.Slots values) variables next.Slots
                  |> Array.concat
                  Array.zip scalars next.Scalars
                  [| iterations, iterations + 1.0 |]
                  plain traced.Updates
                  figures ]

        { Graph = { Outputs = [||]; Updates = updates }; IdLimits = idLimits types traced; Totals = totals }

    /// Forward, loss and figures.
    let test (network: Network) (plan: TrainingPlan) (frozen: string -> bool) (types: BatchTypes) : StepGraph =
        let traced = trace network frozen Mode.Infer types
        let struct (_, figures, totals) = judge network plan types traced

        { Graph = { Outputs = [||]; Updates = Array.append (plain traced.Updates) figures }
          IdLimits = idLimits types traced
          Totals = totals }

    /// Forward.
    let prediction (network: Network) (frozen: string -> bool) (types: BatchTypes) : StepGraph =
        let traced = trace network frozen Mode.Infer types

        { Graph = { Outputs = traced.Outputs |> Array.mapi (fun i f -> outputName i, f.Value); Updates = [||] }
          IdLimits = idLimits types traced
          Totals = [||] }
