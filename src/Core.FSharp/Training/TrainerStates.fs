namespace FunctionalNet

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open FunctionalNet.Training

/// <summary>What a trainer holds, as trees of tensors; and its figures.</summary>
[<AbstractClass; Sealed; Extension>]
type TrainerStates =

    static member private Tree(variables: Variable seq, nameOf: Variable -> string) : Nested<Tensor> =
        Nested<Tensor>.OfPaths [| for v in variables -> KeyValuePair(nameOf v, v.Value) |]

    static member private TotalName(v: Variable) = v.Name.Substring StepNames.FigurePrefix.Length

    static member private IsTotal(v: Variable) = v.Name.StartsWith(StepNames.FigurePrefix, StringComparison.Ordinal)

    /// The variables of the network: those that training changes, and the others.
    static member private Parts(trainer: Trainer) : struct (Variable[] * Variable[]) =
        let core = trainer.Core

        let isFrozen (path: string) =
            core.Frozen |> Seq.exists (fun p -> path.StartsWith(p + "/", StringComparison.Ordinal))

        let trained =
            HashSet<string>(
                core.Specs
                |> Seq.filter (fun s -> s.Trainable && not s.Frozen && not (isFrozen s.Path))
                |> Seq.map (fun s -> s.Path)
            )

        let own, others = core.Variables.All.ToArray() |> Array.partition (fun v -> trained.Contains v.Name)
        struct (own, others)

    /// <summary>Copies of all that the trainer holds, as a tree: trainable_variables and non_trainable_variables by the names on their
    /// paths, optimizer_variables by those of the variables they belong to and their own, metrics_variables by figure. Keras:
    /// get_state_tree, whose trees begin with the names of model and optimizer.</summary>
    /// <example><code>let kernel = trainer.GetStateTree().["trainable_variables"].At "dense/kernel"</code></example>
    [<Extension>]
    static member GetStateTree(trainer: Trainer) : Nested<Tensor> =
        let core = trainer.Core
        let struct (own, others) = TrainerStates.Parts trainer

        let rate =
            if core.Plan.IsSome then
                [| KeyValuePair(StepNames.LearningRate, Tensor.Full(DType.Float64, Shape.Scalar, core.RateNow)) |]
            else
                [||]

        Nested<Tensor>
            .Dictionary(
                struct ("trainable_variables", TrainerStates.Tree(own, (fun v -> v.Name))),
                struct ("non_trainable_variables", TrainerStates.Tree(others, (fun v -> v.Name))),
                struct ("optimizer_variables",
                        Nested<Tensor>
                            .OfPaths(Array.append rate [| for v in core.Slots.All -> KeyValuePair(v.Name, v.Value) |])),
                struct ("metrics_variables",
                        TrainerStates.Tree(core.Totals |> Array.filter TrainerStates.IsTotal, TrainerStates.TotalName))
            )

    /// <summary>Sets what a tree of GetStateTree, or a part of one, has values for. A learning rate that a schedule decides stays as the
    /// schedule has it. Keras: set_state_tree.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no variable at a path; nothing was set.</exception>
    /// <exception cref="T:FunctionalNet.ShapeException">A value has another shape than its variable; nothing was set.</exception>
    [<Extension>]
    static member SetStateTree(trainer: Trainer, tree: Nested<Tensor>) : unit =
        let core = trainer.Core
        let known = Dictionary<string, Variable>()
        let struct (own, others) = TrainerStates.Parts trainer

        for v in own do
            known["trainable_variables/" + v.Name] <- v

        for v in others do
            known["non_trainable_variables/" + v.Name] <- v

        for v in core.Slots.All do
            known["optimizer_variables/" + v.Name] <- v

        let metricsHead = "metrics_variables/"
        let ratePath = "optimizer_variables/" + StepNames.LearningRate
        let mutable rate = ValueNone

        let found =
            [| for path, value in Seq.zip tree.Paths tree.Leaves do
                   match known.TryGetValue path with
                   | true, v -> struct (v, value)
                   | _ when path = ratePath && core.Plan.IsSome -> rate <- ValueSome((value.ToDoubles())[0])
                   | _ when core.Plan.IsSome && path.StartsWith(metricsHead, StringComparison.Ordinal) ->
                       struct (core.EnsureTotal(StepNames.FigurePrefix + path.Substring metricsHead.Length, value),
                               value)
                   | _ -> raise (Common.Names.unknown "variable" trainer.Network.Name path known.Keys) |]

        for struct (v, value) in found do
            if not (v.Shape.Equals value.Shape) then v.Set value

        for struct (v, value) in found do
            v.Set value

        match rate with
        | ValueSome value when value <> core.RateNow -> core.SetRate value
        | _ -> ()

    /// <summary>The figures as they stand: over the single batches since ResetMetrics, or of what ran last. Keras:
    /// get_metrics_result.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">Nothing has run yet.</exception>
    [<Extension>]
    static member GetMetricsResult(trainer: Trainer) : TrainingLogs =
        match trainer.Core.Figures with
        | ValueSome figures ->
            let logs = TrainingLogs()
            figures.WriteInOrder logs
            logs
        | ValueNone ->
            raise (
                NotReadyException(
                    "There are no figures yet.",
                    trainer.Network.Name,
                    "a batch, a fit or an evaluation before",
                    "none",
                    "Train or test a batch first."
                )
            )

    /// <summary>Lets the figures of TrainOnBatch and TestOnBatch begin anew with the next batch. Keras: reset_metrics.</summary>
    [<Extension>]
    static member ResetMetrics(trainer: Trainer) : unit = trainer.Core.ResetMetrics()
