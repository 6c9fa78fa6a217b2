namespace FunctionalNet.Interop

open System
open FunctionalNet

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
    static member Summary(network: Network, lineLength: int, expandNested: bool, showTrainable: bool) : string =
        Summary.write
            { Summary.defaults with
                LineLength = lineLength
                ExpandNested = expandNested
                ShowTrainable = showTrainable }
            network

    /// <summary>The number of elements of all variables.</summary>
    static member CountParameters(network: Network) : int64 = Network.countParameters network
