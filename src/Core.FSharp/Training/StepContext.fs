namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Graph
open FunctionalNet.Training

/// <summary>A variable of the model while a step is described.</summary>
[<Sealed>]
type StepVariable internal (spec: VariableSpec, trace: Trace) =

    member internal _.Spec = spec

    /// <summary>Its path in the model, such as encoder/dense/kernel.</summary>
    member _.Path = spec.Path

    /// <summary>Sizes of the axes.</summary>
    member _.Shape = spec.Shape

    /// <summary>True if training changes it: it was declared so, and is not frozen.</summary>
    member _.IsTrainable = spec.Trainable && not spec.Frozen

    /// <summary>Its value at this point of the step: after an update, the new one.</summary>
    member _.Value: Expr = trace.Current spec.Path

/// <summary>An optimizer of a step beside the one of Compile, with slots of its own.</summary>
[<Sealed>]
type StepOptimizer internal (name: string, optimizer: Optimizer) =

    /// <summary>The name its slots are kept under.</summary>
    member _.Name = name

    member internal _.Optimizer = optimizer

/// <summary>A step of training, testing or prediction while it is described: the batch as nodes, the model to call, losses,
/// gradients, updates and figures. A function over it runs once per signature (shapes, dtypes, mode), not once per batch; what it
/// describes is compiled to one plan. What comes after an update sees the new values, as in Keras's train_step.</summary>
/// <example><code>
/// let adversarial (step: StepContext) =
///     let fake = step.CallPart("generator", [| step.RandomNormal("noise", Shape.Of(step.BatchSize, 8)) |])
///     ...
///     step.Minimize(loss, step.VariablesOf "discriminator")
/// </code></example>
[<Sealed>]
type StepContext
    internal (network: Network, plan: TrainingPlan voption, mode: Mode, frozen: string -> bool, types: BatchTypes) =

    let floatType = network.FloatType
    let trace = Trace(mode, floatType, frozen)
    let leaf role name (t: TensorType) = Expr.LeafOf(role, name, t.DType, t.Shape)
    let inputs = types.Inputs |> Array.mapi (fun i t -> leaf LeafRole.Input (StepNames.input i) t)
    let targets = types.Targets |> Array.mapi (fun i t -> leaf LeafRole.Input (StepNames.target i) t)

    let weights =
        types.Weights
        |> Array.mapi (fun i t ->
            match t with
            | ValueSome t -> ValueSome(leaf LeafRole.Input (StepNames.weight i) t)
            | ValueNone -> ValueNone)

    let rows =
        if types.Inputs.Length > 0 && types.Inputs[0].Shape.Rank > 0 then types.Inputs[0].Shape[0] else 1

    // Masks of outputs of the model, and all that it gave.
    let flows = Dictionary<Expr, Flow>(HashIdentity.Reference)
    let given = ResizeArray<Expr>()

    let slots = StepSlots()
    let optimizers = ResizeArray<StepOptimizer>()

    let trainedOrder = ResizeArray<string>()
    let figures = ResizeArray<StepFigure>()
    let figureUpdates = ResizeArray<struct (Expr * Expr)>()

    let compiled () =
        match plan with
        | ValueSome plan -> plan
        | ValueNone ->
            raise (
                NotReadyException(
                    "The model is not compiled.",
                    network.Name,
                    "compile before a step that uses its optimizer, losses or metrics",
                    "no compile",
                    "Call compile first, or give the step an optimizer with UseOptimizer."
                )
            )

    let refuse (summary: string) (path: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (ArgumentValueException(summary, path, expected, actual, hint))

    /// Errors of a loss or metric say which one and of which output.
    let about (what: string) (build: unit -> 'a) : 'a =
        try
            build ()
        with
        | :? ShapeException as e -> raise (ShapeException(e.Summary, what, e.Expected, e.Actual, e.Hint, e))
        | :? DTypeException as e -> raise (DTypeException(e.Summary, what, e.Expected, e.Actual, e.Hint, e))

    let describe (kind: string) (name: string) (output: int) =
        kind + " " + name + " of output " + network.Outputs[output].Name

    let wideScalar = { DType = DType.Float64; Shape = Shape.Scalar }

    let total (key: string) (name: string) (shape: Shape) =
        leaf LeafRole.Slot (StepNames.total key name) { DType = DType.Float64; Shape = shape }

    let isTracked (key: string) = figures.Exists(fun f -> f.Key = key)

    // The mean over batches, each weighing as much as it has rows.
    let track (key: string) (value: Expr) =
        let sum, count = total key "total" Shape.Scalar, total key "count" Shape.Scalar
        figureUpdates.Add(struct (sum, sum + Totals.wide value * float rows))
        figureUpdates.Add(struct (count, count + float rows))

        figures.Add
            { Key = key
              Metric = ValueNone
              Totals = [| StepNames.total key "total"; StepNames.total key "count" |] }

    let flowOf (output: Expr) =
        match flows.TryGetValue output with
        | true, flow -> flow
        | _ -> Flow.ofValue output

    let remember (outputs: Flow[]) : Expr[] =
        for flow in outputs do
            flows[flow.Value] <- flow
            given.Add flow.Value

        outputs |> Array.map (fun flow -> flow.Value)

    let traced (training: bool) (run: unit -> Flow[]) : Expr[] =
        let before = trace.Mode
        trace.Mode <- if training then Mode.Train else Mode.Infer

        try
            remember (run ())
        finally
            trace.Mode <- before

    /// All variables of the network, though nothing has used them yet.
    let declareAll () =
        for spec in Network.variables network do
            trace.Declare { spec with Frozen = spec.Frozen || frozen spec.Path } |> ignore

    let variablesWhere (chosen: VariableSpec -> bool) =
        [| for struct (spec, _) in trace.Variables do
               if chosen spec then StepVariable(spec, trace) |]

    /// The layer at a path, with the scope it runs in.
    let rec find (scope: Scope) (entries: (string * Layer)[]) (path: string) : struct (Scope * Layer) =
        let slash = path.IndexOf '/'
        let name = if slash < 0 then path else path.Substring(0, slash)

        match entries |> Array.tryFind (fun (n, _) -> n = name) with
        | None -> raise (Common.Names.unknown "part of the model" "step" name (Array.map fst entries))
        | Some(_, layer) ->
            let inner = enter scope name layer

            if slash < 0 then
                struct (inner, layer)
            else
                let below =
                    match Network.tryOfLayer layer with
                    | Some network -> network.Entries |> Array.map (fun e -> e.Name, e.Layer)
                    | None -> layer.Parts

                find inner below (path.Substring(slash + 1))

    let optimizerOf (optimizer: StepOptimizer voption) : struct (string * Optimizer) =
        match optimizer with
        | ValueNone -> struct ("", (compiled ()).Optimizer)
        | ValueSome o -> struct (o.Name, o.Optimizer)

    let useOptimizer (name: string) (optimizer: Optimizer) : StepOptimizer =
        match optimizers.Find(fun o -> o.Name = name) with
        | null ->
            let added = StepOptimizer(name, optimizer)
            optimizers.Add added
            added
        | known -> known

    /// The learning rate of an optimizer under its name; those beside the one of compile are set by name.
    let rateOf (name: string) (optimizer: Optimizer) : Expr =
        if name = "" then
            leaf LeafRole.Hyper StepNames.LearningRate wideScalar
        else
            useOptimizer name optimizer |> ignore
            leaf LeafRole.Hyper (StepNames.rateOf name) wideScalar

    /// `isScaled` says that the gradients are those of the scaled loss.
    let update (optimizer: StepOptimizer voption) (gradients: Expr voption[]) (chosen: StepVariable[]) =
        let struct (name, optimizer) = optimizerOf optimizer

        let variables = chosen |> Array.map (fun v -> { MovedVariable.Spec = v.Spec; Value = v.Value })
        let next = OptimizerSteps.update slots rateOf name optimizer ValueNone gradients variables

        for i in 0 .. chosen.Length - 1 do
            // What comes after sees the new value, but no derivative goes back through the update.
            trace.Assign(chosen[i].Path, Expr.Node(StopGradient, [| next[i] |]))

            if not (trainedOrder.Contains chosen[i].Path) then
                trainedOrder.Add chosen[i].Path

    /// The same with gradients of a loss that was not scaled.
    let applyGiven (optimizer: StepOptimizer voption) (gradients: Expr[]) (chosen: StepVariable[]) =
        let struct (name, used) = optimizerOf optimizer
        update optimizer (OptimizerSteps.scaleGradients slots name used gradients) chosen

    let checkGradients (gradients: Expr[]) (chosen: StepVariable[]) =
        if gradients.Length <> chosen.Length then
            refuse
                "There are not as many gradients as variables."
                network.Name
                (string chosen.Length + " gradients")
                (string gradients.Length)
                "Give one gradient for every variable, in their order."

        Array.iter2
            (fun (g: Expr) (v: StepVariable) ->
                if not (g.Shape.Equals v.Shape) then
                    raise (
                        ShapeException(
                            "A gradient has not the shape of its variable.",
                            v.Path,
                            v.Shape.ToString(),
                            g.Shape.ToString(),
                            "Give the gradients in the order of the variables."
                        )
                    ))
            gradients
            chosen

    let scalar (what: string) (value: Expr) =
        if value.Rank <> 0 then
            refuse
                ("A " + what + " must be one number.")
                network.Name
                "a scalar"
                ("a tensor " + value.Shape.ToString())
                "Reduce it first, for example with Ops.Mean."

    member internal _.Network = network

    // The batch

    /// <summary>The inputs of the batch; the first axis counts rows.</summary>
    member _.Inputs: Expr[] = Array.copy inputs

    /// <summary>The targets of the batch; empty if the data has none.</summary>
    member _.Targets: Expr[] = Array.copy targets

    /// <summary>The weights of samples for an output; null if the data has none.</summary>
    member _.SampleWeight(output: int) : Expr | null =
        if output >= 0 && output < weights.Length then
            match weights[output] with
            | ValueSome w -> w
            | ValueNone -> null
        else
            null

    /// <summary>Rows of the batch.</summary>
    member _.BatchSize = rows

    /// <summary>True in a step of training.</summary>
    member _.IsTraining = (mode = Mode.Train)

    // The model

    /// <summary>The model's outputs for inputs, in training or in inference mode.</summary>
    member _.Call(inputs: Expr[], training: bool) : Expr[] =
        traced training (fun () -> NetworkRun.run network (Scope(trace, "", false)) (inputs |> Array.map flowOf))

    /// <summary>The model's outputs for inputs, in the mode of the step.</summary>
    member this.Call(inputs: Expr[]) : Expr[] = this.Call(inputs, this.IsTraining)

    /// <summary>The outputs of a layer or of a model inside the model, found by its path, such as generator.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such part.</exception>
    member _.CallPart(path: string, inputs: Expr[], training: bool) : Expr[] =
        traced training (fun () ->
            let entries = network.Entries |> Array.map (fun e -> e.Name, e.Layer)
            let struct (scope, layer) = find (Scope(trace, "", false)) entries path
            Layer.call scope layer (inputs |> Array.map flowOf))

    /// <summary>The outputs of a part of the model, in the mode of the step.</summary>
    member this.CallPart(path: string, inputs: Expr[]) : Expr[] = this.CallPart(path, inputs, this.IsTraining)

    /// <summary>All variables of the model.</summary>
    member _.Variables: StepVariable[] =
        declareAll ()
        variablesWhere (fun _ -> true)

    /// <summary>The variables that training changes. Keras: trainable_variables.</summary>
    member _.TrainableVariables: StepVariable[] =
        declareAll ()
        variablesWhere (fun spec -> spec.Trainable && not spec.Frozen)

    /// <summary>The variables that training changes of the part at a path.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">Nothing lies there.</exception>
    member this.VariablesOf(path: string) : StepVariable[] =
        let found =
            this.TrainableVariables
            |> Array.filter (fun v -> v.Path = path || v.Path.StartsWith(path + "/", StringComparison.Ordinal))

        if found.Length = 0 then
            let tops = this.TrainableVariables |> Array.map (fun v -> (v.Path.Split '/')[0]) |> Array.distinct
            raise (Common.Names.unknown "part with variables to train" "step" path tops)

        found

    /// <summary>Gives a variable another value: a moving average of another model, for example.</summary>
    member _.Assign(variable: StepVariable, value: Expr) : unit =
        if not (value.Shape.Equals variable.Shape) then
            raise (
                ShapeException(
                    "A value has not the shape of its variable.",
                    variable.Path,
                    variable.Shape.ToString(),
                    value.Shape.ToString(),
                    "Assign a value of the variable's shape."
                )
            )

        trace.Assign(variable.Path, Expr.Node(StopGradient, [| Ops.cast variable.Spec.DType value |]))

    /// <summary>Standard normal numbers, other ones in every step; they depend on the seed, the step and the name only.</summary>
    member _.RandomNormal(name: string, shape: Shape) : Expr =
        Scope(trace, "step", false).Random(name, RandomKind.Normal, shape)

    /// <summary>Numbers in [0, 1), other ones in every step; they depend on the seed, the step and the name only.</summary>
    member _.RandomUniform(name: string, shape: Shape) : Expr =
        Scope(trace, "step", false).Random(name, RandomKind.Uniform, shape)

    // Loss and gradients

    /// <summary>The loss of Compile for outputs of the model and the targets of the batch, with loss weights, sample weights, masks,
    /// penalties on variables, and losses that layers added. Reports the losses of outputs. Keras: compute_loss.</summary>
    member _.ComputeLoss(outputs: Expr[]) : Expr =
        let plan = compiled ()

        let parts =
            plan.Losses
            |> Array.map (fun l ->
                if l.Output >= outputs.Length || l.Output >= targets.Length then
                    refuse
                        "A loss asks for an output that is not there."
                        (describe "loss" l.Loss.Name l.Output)
                        "outputs and targets as the model has outputs"
                        (string outputs.Length + " outputs and " + string targets.Length + " targets")
                        "Compute the loss of your own from what there is."

                let weight =
                    match weights[l.Output] with
                    | ValueSome w -> Some w
                    | ValueNone -> None

                let value =
                    about (describe "loss" l.Loss.Name l.Output) (fun () ->
                        Loss.compute l.Loss targets[l.Output] (flowOf outputs[l.Output]) weight)

                if value.Rank <> 0 then
                    refuse
                        "A loss without reduction cannot be minimised."
                        (describe "loss" l.Loss.Name l.Output)
                        "one number"
                        ("a tensor " + value.Shape.ToString())
                        "Use the reduction sum_over_batch_size or sum."

                let value = Ops.cast floatType value

                if l.Key <> "" && not (isTracked l.Key) then track l.Key value

                if l.Weight = 1.0 then value else value * l.Weight)

        let penalties =
            trace.Variables
            |> Array.choose (fun (struct (spec, _)) ->
                match spec.Regularizer with
                | Some r when spec.Trainable && not spec.Frozen -> Some(r.Penalty(trace.Current spec.Path))
                | _ -> None)

        let added = Array.concat [ parts; penalties; trace.Losses.ToArray() ]
        if added.Length = 0 then Ops.scalar floatType 0.0 else added |> Array.reduce (+)

    /// <summary>The derivatives of a scalar to variables. Keras: tape.gradient.</summary>
    member _.Gradients(loss: Expr, variables: StepVariable[]) : Expr[] =
        scalar "loss" loss
        Grad.gradients loss (variables |> Array.map (fun v -> v.Value))

    /// <summary>An optimizer beside the one of Compile, with slots, iterations and a learning rate of its own.</summary>
    /// <param name="name">What its slots are kept under.</param>
    /// <param name="optimizer">The optimizer.</param>
    member _.UseOptimizer(name: string, optimizer: Optimizer) : StepOptimizer = useOptimizer name optimizer

    /// <summary>Moves variables by gradients, with the optimizer of Compile: clipping, decay, the rule, constraints. Keras:
    /// optimizer.apply.</summary>
    member _.Apply(gradients: Expr[], variables: StepVariable[]) : unit =
        checkGradients gradients variables
        applyGiven ValueNone gradients variables

    /// <summary>Moves variables by gradients, with an optimizer of the step.</summary>
    member _.Apply(gradients: Expr[], variables: StepVariable[], optimizer: StepOptimizer) : unit =
        checkGradients gradients variables
        applyGiven (ValueSome optimizer) gradients variables

    member private _.MinimizeWith(loss: Expr, chosen: StepVariable[], optimizer: StepOptimizer voption) : unit =
        scalar "loss" loss
        let struct (name, used) = optimizerOf optimizer
        let scaled = OptimizerSteps.scaleLoss slots name used loss
        update optimizer (Grad.dependences scaled (chosen |> Array.map (fun v -> v.Value))) chosen

    /// <summary>Moves variables down the gradient of a loss, with the optimizer of Compile.</summary>
    member this.Minimize(loss: Expr, variables: StepVariable[]) : unit = this.MinimizeWith(loss, variables, ValueNone)

    /// <summary>Moves variables down the gradient of a loss, with an optimizer of the step.</summary>
    member this.Minimize(loss: Expr, variables: StepVariable[], optimizer: StepOptimizer) : unit =
        this.MinimizeWith(loss, variables, ValueSome optimizer)

    /// <summary>Moves all variables that training changes down the gradient of a loss, with the optimizer of Compile.</summary>
    member this.Minimize(loss: Expr) : unit = this.Minimize(loss, this.TrainableVariables)

    // Figures

    /// <summary>Reports the mean of a scalar over the batches of an epoch.</summary>
    /// <param name="name">Its name in logs; once per step.</param>
    /// <param name="value">The scalar.</param>
    member _.Track(name: string, value: Expr) : unit =
        scalar "figure" value

        if isTracked name then
            refuse "A figure is reported twice in a step." name "one value" "two" "Give them different names."

        track name value

    /// <summary>The metrics of Compile for outputs of the model and the targets of the batch. Keras: compute_metrics.</summary>
    member _.UpdateMetrics(outputs: Expr[]) : unit =
        for m in (compiled ()).Metrics do
            if m.Output >= outputs.Length || m.Output >= targets.Length then
                refuse
                    "A metric asks for an output that is not there."
                    (describe "metric" m.Key m.Output)
                    "outputs and targets as the model has outputs"
                    (string outputs.Length + " outputs and " + string targets.Length + " targets")
                    "Track a figure of your own from what there is."

            let flow = flowOf outputs[m.Output]
            let prediction = flow.Value
            let old = m.Metric.Slots prediction.Shape |> Array.map (fun (name, shape) -> total m.Key name shape)

            let next =
                about (describe "metric" m.Key m.Output) (fun () ->
                    let weight =
                        match weights[m.Output] with
                        | ValueSome w when m.Weighted && Metric.meetsMask m.Metric ->
                            Weighting.merge floatType LossReduction.Sum (Some w) flow.Mask
                        | ValueSome w when m.Weighted -> Some w
                        | _ -> None

                    m.Metric.Update old targets[m.Output] prediction weight)

            if
                next.Length <> old.Length
                || Array.exists2 (fun (a: Expr) (b: Expr) -> not (a.Shape.Equals b.Shape)) old next
            then
                refuse
                    "A metric must give a new value of its shape for every total."
                    m.Key
                    (string old.Length + " values")
                    (string next.Length + " values")
                    "Give as many totals as Slots names, in that order."

            Array.iter2 (fun o n -> figureUpdates.Add(struct (o, Totals.wide n))) old next

            figures.Add
                { Key = m.Key
                  Metric = ValueSome m.Metric
                  Totals = m.Metric.Slots prediction.Shape |> Array.map (fun (name, _) -> StepNames.total m.Key name) }

    /// <summary>What fit does by itself in a step of training: outputs, loss, update of all variables, figures; in a step of
    /// testing, the same without the update. Gives the outputs.</summary>
    member this.Standard() : Expr[] =
        let outputs = this.Call inputs
        let loss = this.ComputeLoss outputs
        track "loss" loss
        this.UpdateMetrics outputs

        if this.IsTraining then
            this.Minimize(loss, variablesWhere (fun spec -> spec.Trainable && not spec.Frozen))

        outputs

    /// Inputs whose values are row numbers of a table, with the number of rows.
    member private _.IdLimits: int[] =
        let limits = Array.zeroCreate inputs.Length

        let rec source (e: Expr) =
            match e.Op with
            | Leaf(LeafRole.Input, name) -> ValueSome name
            | Cast _
            | Reshape _
            | StopGradient -> source e.Inputs[0]
            | _ -> ValueNone

        for node in Traverse.topological given do
            match node.Op with
            | Gather 0 ->
                match node.Inputs[0].Op, source node.Inputs[1] with
                | Leaf(LeafRole.Param, _), ValueSome name ->
                    for i in 0 .. limits.Length - 1 do
                        if name = StepNames.input i then
                            let rows = node.Inputs[0].Shape[0]
                            limits[i] <- if limits[i] = 0 then rows else min limits[i] rows
                | _ -> ()
            | _ -> ()

        limits

    /// The whole step as a graph that also gives some values.
    member internal this.Finish(outputs: Expr[]) : StepGraph =
        // Draws of the next step must differ although no optimizer counts this one.
        if mode = Mode.Train && not (slots.IsSet StepNames.Iterations) then
            let runs = slots.Value(StepNames.Runs, { DType = DType.Int64; Shape = Shape.Scalar }, 0.0)
            slots.Set(StepNames.Runs, runs + 1.0)

        let leaves = Dictionary<string, Expr>()

        for struct (spec, leaf) in trace.Variables do
            leaves[spec.Path] <- leaf

        let trained = HashSet<Expr>(HashIdentity.Reference)

        let plain (value: Expr) =
            match value.Op with
            | StopGradient -> value.Inputs[0]
            | _ -> value

        let updates =
            [| for path in trainedOrder do
                   trained.Add leaves[path] |> ignore
                   leaves[path], plain (trace.Current path)
               yield! slots.Updates
               for struct (leaf, value) in trace.Updates do
                   if not (trained.Contains leaf) then leaf, value
               for struct (leaf, value) in figureUpdates do
                   leaf, value |]

        { Graph = { Outputs = outputs |> Array.mapi (fun i e -> StepNames.output i, e); Updates = updates }
          IdLimits = this.IdLimits
          // The whole loss comes first in reports.
          Figures =
            Array.append
                (figures.FindAll(fun f -> f.Key = "loss").ToArray())
                (figures.FindAll(fun f -> f.Key <> "loss").ToArray())
          Slots = slots.Declared
          Optimizers = [| for o in optimizers -> o.Name, o.Optimizer |] }
