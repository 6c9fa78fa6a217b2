namespace FunctionalNet.Interop

open System
open FunctionalNet

/// <summary>Weights of one model that a layer brings into another.</summary>
/// <param name="path">Where they lie in the other.</param>
/// <param name="home">The model they are of.</param>
/// <param name="homePath">Where they lie there; empty for the whole model.</param>
[<Sealed>]
type LentWeights(path: string, home: Trainer, homePath: string) =

    /// <summary>Where they lie in the other.</summary>
    member _.Path = path

    /// <summary>The model they are of.</summary>
    member _.Home = home

    /// <summary>Where they lie there; empty for the whole model.</summary>
    member _.HomePath = homePath

/// <summary>What a model is trained with, for the C# facade: from descriptions or delegates.</summary>
[<AbstractClass; Sealed>]
type TrainingBridge =

    /// <summary>The optimizer of a description.</summary>
    static member Optimizer(description: Description) : Optimizer = Optimizer.ofConfig description.Config

    /// <summary>The loss of a description, or of a function under the description's name.</summary>
    static member Loss(description: Description, call: Func<Expr, Expr, Expr> | null) : Loss =
        match call with
        | null -> Loss.ofConfig description.Config
        | f -> Loss.create description.Name (fun target prediction -> f.Invoke(target, prediction))

    /// <summary>The metric of a description, or of a function under the description's name.</summary>
    static member Metric(description: Description, call: Func<Expr, Expr, Expr> | null) : Metric =
        match call with
        | null when description.IsShort -> Metric.parse description.Name
        | null -> Metric.ofConfig description.Config
        | f -> Metric.create description.Name (fun target prediction -> f.Invoke(target, prediction))

    /// <summary>The network's table of layers, as Keras prints it.</summary>
    static member Summary
        (
            network: Network,
            lineLength: int,
            expandNested: bool,
            showTrainable: bool,
            first: string | null,
            last: string | null
        ) : string =
        Summary.write
            { Summary.defaults with
                LayerRange =
                    (match first, last with
                     | null, _
                     | _, null -> None
                     | first, last -> Some(first, last))
                LineLength = lineLength
                ExpandNested = expandNested
                ShowTrainable = showTrainable }
            network

    /// <summary>The number of elements of all variables.</summary>
    static member CountParameters(network: Network) : int64 = Network.countParameters network

    /// <summary>A trainer of a network with weights of others.</summary>
    static member Trainer(network: Network, seed: uint64, options: PlanOptions, lent: LentWeights[]) : Trainer =
        Trainer.Sharing(
            network,
            seed,
            options,
            fun path ->
                lent
                |> Array.tryPick (fun l ->
                    if path.StartsWith(l.Path + "/", StringComparison.Ordinal) then
                        let below = path.Substring(l.Path.Length + 1)
                        let name = if l.HomePath = "" then below else l.HomePath + "/" + below

                        match l.Home.VariableStore.TryFind name with
                        | ValueSome v -> Some v
                        | ValueNone -> None
                    else
                        None)
                |> Option.toValueOption
        )

    /// <summary>A trainer whose layers at those paths, or all that can be, are adapted by LoRA.</summary>
    static member EnableLora
        (
            trainer: Trainer,
            rank: int,
            alpha: Nullable<float>,
            aInitializer: Description | null,
            bInitializer: Description | null,
            paths: string[]
        ) : Trainer =
        let initializer (where: string) (usual: Initializer) (given: Description | null) =
            match given with
            | null -> usual
            | description -> Initializer.ofConfigAt where description.Value

        trainer
        |> Trainer.enableLoraFrom
            (initializer "a_initializer" Initializer.heUniform aInitializer)
            (initializer "b_initializer" Initializer.zeros bInitializer)
            { Rank = Some rank; Alpha = Option.ofNullable alpha }
            (List.ofArray paths)

    /// <summary>A trainer whose layers have taken the matrices of LoRA into their weights.</summary>
    static member MergeLora(trainer: Trainer) : Trainer = Trainer.mergeLora trainer

    /// <summary>A trainer whose layers have 8-bit weights.</summary>
    static member Quantize(trainer: Trainer, mode: string) : Trainer = Trainer.quantize mode trainer

    /// <summary>The path in the model of the layer that an object stands for.</summary>
    static member PathOf(step: StepContext, owner: obj) : string =
        let rec find (prefix: string) (network: Network) : string option =
            network.Entries
            |> Array.tryPick (fun entry ->
                let path = prefix + entry.Name

                if obj.ReferenceEquals(entry.Layer.Owner, owner) then
                    Some path
                else
                    Network.tryOfLayer entry.Layer |> Option.bind (find (path + "/")))

        match find "" step.Network with
        | Some path -> path
        | None ->
            raise (
                ArgumentValueException(
                    "The layer is no part of the model.",
                    step.Network.Name,
                    "a layer or model that the model is made of",
                    owner.GetType().Name,
                    "Use the object that the model was made with."
                )
            )

    /// <summary>The loss as a node.</summary>
    static member Compute(loss: Loss, target: Expr, prediction: Expr, weight: Expr | null) : Expr =
        let weight =
            match weight with
            | null -> None
            | w -> Some w

        Loss.compute loss target (Flow.ofValue prediction) weight

    /// <summary>A drawing of the network.</summary>
    static member Diagram
        (
            network: Network,
            mermaid: bool,
            showShapes: bool,
            showDType: bool,
            showLayerNames: bool,
            direction: string,
            expandNested: bool,
            showActivations: bool,
            showTrainable: bool
        ) : string =
        let directions = [ "TB"; "LR" ]

        if not (List.contains direction directions) then
            raise (Common.Names.unknown "direction" "rankdir" direction directions)

        let options: DiagramOptions =
            { ShowShapes = showShapes
              ShowDType = showDType
              ShowLayerNames = showLayerNames
              ShowActivations = showActivations
              ShowTrainable = showTrainable
              LeftToRight = (direction = "LR")
              ExpandNested = expandNested }

        if mermaid then Diagram.mermaid options network else Diagram.svg options network

    /// <summary>Makes a schedule known under a name.</summary>
    static member RegisterSchedule(name: string, rate: Func<int64, float>) : unit =
        Schedule.register name rate.Invoke |> ignore

    /// <summary>Makes an activation known under a name.</summary>
    static member RegisterActivation(name: string, apply: Func<Expr, Expr>) : unit =
        Activation.register name apply.Invoke |> ignore
