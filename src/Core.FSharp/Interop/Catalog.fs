namespace FunctionalNet.Interop

open FunctionalNet

/// What the core knows by name, and what it makes of arguments: for tests that compare the facade with it.
[<AbstractClass; Sealed>]
type internal Catalog =

    static member private Value(config: Config option) : Config =
        match config with
        | Some config -> config
        | None -> { ClassName = ""; Arguments = [] }

    /// The classes of layers that are built in, with their arguments.
    static member Layers: (struct (string * ArgumentInfo[]))[] =
        [| for entry in Registry.builtIn () -> struct (entry.Class, List.toArray entry.Arguments) |]

    static member Losses = Loss.classNames
    static member Metrics = Metric.classNames
    static member Optimizers = Optimizer.classNames
    static member Schedules = Schedule.known
    static member Initializers = List.toArray Initializer.classNames
    static member Regularizers = List.toArray Regularizer.known
    static member Constraints = List.toArray Constraint.known
    static member Activations = List.toArray Activation.knownNames

    /// The arguments of the thing that is made of a class name and some arguments; a name of its own comes last.
    static member Layer(className: string, arguments: Arguments) : Config =
        Catalog.LayerOf(LayerBridge.Create(className, null, arguments))

    static member LayerOf(layer: Layer) : Config = Catalog.Value layer.LayerConfig

    static member private Named(name: string, config: Config) : Config =
        { config with
            Arguments = (config.Arguments |> List.filter (fun (key, _) -> key <> "name")) @ [ "name", Text name ] }

    static member Loss(description: Description) : Config =
        let loss = Loss.ofConfig description.Config
        let config = Catalog.Value loss.Config

        // Written only where it is not the default.
        let reduction =
            if config.Arguments |> List.exists (fun (key, _) -> key = "reduction") then
                []
            else
                [ "reduction", Text "sum_over_batch_size" ]

        Catalog.Named(loss.Name, { config with Arguments = config.Arguments @ reduction })

    static member Metric(description: Description) : Config =
        let metric = TrainingBridge.Metric(description, null)
        Catalog.Named(metric.Name, Catalog.Value metric.Config)

    static member Optimizer(description: Description) : Config =
        let optimizer = Optimizer.ofConfig description.Config
        let config = Catalog.Value(Optimizer.config optimizer)

        let excluded =
            match optimizer.Update with
            | ByRule _ when optimizer.Options.ExcludeFromWeightDecay.IsEmpty -> [ "exclude_from_weight_decay", Null ]
            | _ -> []

        { config with Arguments = config.Arguments @ excluded }

    static member Schedule(description: Description) : Config =
        Catalog.Value (Schedule.ofConfig description.Config).Config

    static member Initializer(description: Description) : Config =
        Catalog.Value (Initializer.ofConfig description.Value).Config

    static member Regularizer(description: Description) : Config =
        Catalog.Value (Regularizer.ofConfig description.Value).Config

    static member Constraint(description: Description) : Config =
        Catalog.Value (Constraint.ofConfig description.Value).Config

    static member Activation(description: Description) : Config =
        Catalog.Value (Activation.ofConfig description.Value).Config

    /// Names and values of a description as it is sent.
    static member Sent(description: Description) : Config = description.Config
