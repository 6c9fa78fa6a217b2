namespace FunctionalNet

open System
open System.Runtime.CompilerServices
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Training

/// Training steps, looked at without changing what is trained.
module internal StepReports =

    let private unknownSize (name: string) (shape: int seq) : 'a =
        raise (
            NotReadyException(
                "The types of a batch are not known yet.",
                name,
                "an input and output with known sizes, or a fit before",
                "(" + String.Join(", ", shape |> Seq.map (fun d -> if d < 0 then "None" else string d)) + ")",
                "Train on one batch first."
            )
        )

    let private known (rows: int) (node: Node) (dims: int[]) =
        let dims = Array.copy dims

        if dims.Length > 0 then dims[0] <- rows

        if Array.exists (fun d -> d < 0) dims then unknownSize node.Name node.Shape else Shape.Of dims

    /// What a target probably is: class numbers for sparse losses, and like the output otherwise.
    let private targetOf (parts: StepParts) (rows: int) (output: int) : TensorType =
        let node = parts.Network.Outputs[output]
        let dims = Seq.toArray node.Shape

        let sparse =
            parts.Plan.Losses
            |> Array.exists (fun l ->
                l.Output = output
                && (match l.Loss.Config with
                    | Some config -> config.ClassName = "SparseCategoricalCrossentropy"
                    | None -> false))

        if sparse then
            { DType = DType.Int32; Shape = known rows node dims[.. dims.Length - 2] }
        else
            { DType = parts.Network.FloatType; Shape = known rows node dims }

    /// The types of a batch of so many rows: as in the batch trained on last, or what the network and its losses suggest.
    let typesOf (parts: StepParts) (rows: int) : BatchTypes =
        match parts.LastTypes with
        | ValueSome last ->
            let resized (t: TensorType) =
                let dims = t.Shape.ToArray()
                dims[0] <- rows
                { t with Shape = Shape.Of dims }

            { Inputs = last.Inputs |> Array.map resized
              Targets = last.Targets |> Array.map resized
              Weights = last.Weights |> Array.map (ValueOption.map resized) }
        | ValueNone ->
            let network = parts.Network

            { Inputs =
                [| for node in network.Inputs do
                       { DType = (if DType.isFloating node.DType then network.FloatType else node.DType)
                         Shape = known rows node (Seq.toArray node.Shape) } |]
              Targets = Array.init network.Outputs.Count (targetOf parts rows)
              Weights = Array.create network.Outputs.Count ValueNone }

    /// The text of a step's plan. The step is compiled for this, and profiled on a batch of zeros and on copies of all
    /// variables, so that nothing of the trainer changes.
    let describe (parts: StepParts) (rows: int) (runs: int) : string =
        let types = typesOf parts rows

        let copy role leaf name =
            let original = parts.Variable role leaf name
            let fresh = Variable(original.Name, original.DType, original.Shape)
            fresh.CopyFrom original
            fresh

        let graph = TrainStep.training parts.Network parts.Plan parts.Settings parts.IsFrozen types
        let step = BoundStep.create parts.Options "report" types graph copy

        if runs > 0 then
            for buffers in [ step.Inputs; step.Targets; step.Weights ] do
                for buffer in buffers do
                    if buffer.Bytes > 0L then buffer.Zero()

            step.Executable.Profile runs

        "training step of a batch of " + string rows + "\n" + step.Executable.Describe()

    /// The first node of the step for a batch that the plan computes otherwise than the interpreter.
    let difference (parts: StepParts) (batch: PreparedData) (tolerance: float) : string option =
        let graph =
            TrainStep.training parts.Network parts.Plan parts.Settings parts.IsFrozen (batch.Types batch.Rows)

        let given =
            [| for i in 0 .. batch.Inputs.Length - 1 do
                   StepNames.input i, batch.Inputs[i]
               for i in 0 .. batch.Targets.Length - 1 do
                   StepNames.target i, batch.Targets[i]
               for i in 0 .. batch.Weights.Length - 1 do
                   match batch.Weights[i] with
                   | ValueSome w -> StepNames.weight i, w
                   | ValueNone -> () |]
            |> dict

        let value (leaf: Expr) =
            match leaf.Op with
            | Leaf(LeafRole.Input, name) -> given[name]
            | Leaf(role, name) -> (parts.Variable role leaf name).Value
            | _ -> Tensor.Zeros(leaf.DType, leaf.Shape)

        let bindings = Traverse.leaves (Traverse.roots graph.Graph) |> Array.map (fun leaf -> leaf, value leaf)
        Compare.firstDifference parts.Options tolerance bindings graph.Graph

/// <summary>What a trainer's training step is compiled to.</summary>
[<AbstractClass; Sealed; Extension>]
type TrainerPlans =

    /// <summary>The plan of a training step as text, with the microseconds of every instruction if it is to be profiled: one
    /// line per instruction with its operands, the shape and place of its results, the bytes it moves and its floating-point
    /// operations. Nothing is trained: it is profiled on zeros and on copies of the weights. Targets have the types of the batch
    /// trained on last; before that, class numbers for sparse losses and the output's type for others.</summary>
    /// <param name="trainer">The trainer.</param>
    /// <param name="batchSize">Rows of the batch.</param>
    /// <param name="profileRuns">How often the step is run to measure it; 0 for no times.</param>
    /// <exception cref="T:FunctionalNet.NotReadyException">The model is not compiled, or a size is not known before the first
    /// fit.</exception>
    [<Extension>]
    static member DescribePlan(trainer: Trainer, batchSize: int, profileRuns: int) : string =
        if batchSize < 1 then
            raise (
                ArgumentValueException(
                    "A batch needs rows.",
                    "batch_size",
                    "1 or more",
                    string batchSize,
                    "32 is Keras's default."
                )
            )

        StepReports.describe trainer.StepParts batchSize profileRuns

    /// <summary>The plan of a training step as text, without times.</summary>
    /// <param name="trainer">The trainer.</param>
    /// <param name="batchSize">Rows of the batch.</param>
    /// <exception cref="T:FunctionalNet.NotReadyException">The model is not compiled, or a size is not known before the first
    /// fit.</exception>
    [<Extension>]
    static member DescribePlan(trainer: Trainer, batchSize: int) : string =
        TrainerPlans.DescribePlan(trainer, batchSize, 0)

    /// <summary>Computes a training step for a batch by the plan's kernels and by the interpreter, and compares every node;
    /// operands are compared before what is made of them. Nothing is trained. The interpreter is slow: give few rows.</summary>
    /// <param name="trainer">The trainer.</param>
    /// <param name="batch">One batch.</param>
    /// <param name="tolerance">How far a node may be off, relative to its greatest magnitude (or 1, if that is more).</param>
    /// <returns>The first node that differs, with both values; null if none does.</returns>
    /// <exception cref="T:FunctionalNet.NotReadyException">The model is not compiled.</exception>
    /// <exception cref="T:FunctionalNet.DataException">The data cannot be used.</exception>
    [<Extension>]
    static member FirstDifference(trainer: Trainer, batch: TrainingData, tolerance: float) : string | null =
        let parts = trainer.StepParts

        match
            StepReports.difference parts (DataChecks.prepare parts.Network parts.Plan.IsJudged true batch) tolerance
        with
        | Some text -> text
        | None -> null
