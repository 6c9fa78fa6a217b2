namespace FunctionalNet

open FunctionalNet.Training

/// <summary>Layers, losses, metrics, optimizers and their parts as configurations, in the form of Keras: an object with module,
/// class_name, config and registered_name. <c>Json.write</c> makes texts of them. Keras: keras.saving.serialize_keras_object and
/// deserialize_keras_object.</summary>
/// <example><code>
/// let text = Optimizer.adam 0.01 |> Saving.ofOptimizer |> Json.write false
/// let again = Json.parse text |> Saving.toOptimizer
/// </code></example>
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Saving =

    let private saved (what: string) (moduleName: string) (registered: string voption) (config: Config option) =
        match config, registered with
        | Some config, ValueNone -> ConfigWrite.objectOf moduleName config
        | Some config, ValueSome name ->
            ConfigValue.Object
                [ "module", Null
                  "class_name", Text config.ClassName
                  "config", ConfigValue.Object config.Arguments
                  "registered_name", Text name ]
        | None, _ ->
            raise (
                NotReadyException(
                    "A " + what + " of your own has no configuration.",
                    what,
                    "something that Keras knows by name, or that was registered",
                    "a function",
                    "Register the function under a name first."
                )
            )

    let private registeredOf (custom: CustomClasses<'T>) (config: Config option) =
        match config with
        | Some config -> custom.RegisteredName config.ClassName
        | None -> ValueNone

    /// <summary>The configuration of a layer.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It holds a function without a name.</exception>
    let ofLayer (layer: Layer) : ConfigValue = Registry.toConfig layer

    /// <summary>The layer of a configuration.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    let toLayer (value: ConfigValue) : Layer = Registry.ofConfig value

    /// <summary>The configuration of a loss.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It is a function without a name.</exception>
    let ofLoss (loss: Loss) : ConfigValue =
        let complete (config: Config) =
            { config with
                Arguments =
                    [ "name", Text loss.Name
                      if not (List.exists (fun (key, _) -> key = "reduction") config.Arguments) then
                          "reduction", Text "sum_over_batch_size" ]
                    @ (config.Arguments |> List.filter (fun (key, _) -> key <> "name")) }

        saved "loss" "keras.losses" (registeredOf Loss.registered loss.Config) (loss.Config |> Option.map complete)

    /// <summary>The loss of a configuration, or of a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    let toLoss (value: ConfigValue) : Loss = Loss.ofConfig (ConfigRead.config "loss" value)

    /// <summary>The configuration of a metric.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It is a function without a name.</exception>
    let ofMetric (metric: Metric) : ConfigValue =
        let complete (config: Config) =
            { config with
                Arguments =
                    ("name", Text metric.Name) :: (config.Arguments |> List.filter (fun (key, _) -> key <> "name")) }

        saved
            "metric"
            "keras.metrics"
            (registeredOf Metric.registered metric.Config)
            (metric.Config |> Option.map complete)

    /// <summary>The metric of a configuration, or of a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    let toMetric (value: ConfigValue) : Metric =
        match value with
        | Text name -> Metric.parse name
        | other -> Metric.ofConfig (ConfigRead.config "metric" other)

    /// <summary>The configuration of an optimizer.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">Its schedule is a function without a name.</exception>
    let ofOptimizer (optimizer: Optimizer) : ConfigValue =
        saved "optimizer" "keras.optimizers" ValueNone (Optimizer.config optimizer)

    /// <summary>The optimizer of a configuration, or of a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    let toOptimizer (value: ConfigValue) : Optimizer = Optimizer.ofConfig (ConfigRead.config "optimizer" value)

    /// <summary>The configuration of a learning rate schedule.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It is a function without a name.</exception>
    let ofSchedule (schedule: Schedule) : ConfigValue =
        saved "schedule" "keras.optimizers.schedules" ValueNone schedule.Config

    /// <summary>The schedule of a configuration.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    let toSchedule (value: ConfigValue) : Schedule = Schedule.ofConfig (ConfigRead.config "schedule" value)

    /// <summary>The configuration of an initializer.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It is a function without a name.</exception>
    let ofInitializer (initializer: Initializer) : ConfigValue =
        saved
            "initializer"
            "keras.initializers"
            (registeredOf Initializer.registered initializer.Config)
            initializer.Config

    /// <summary>The initializer of a configuration, or of a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    let toInitializer (value: ConfigValue) : Initializer = Initializer.ofConfig value

    /// <summary>The configuration of a regularizer.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It is a function without a name.</exception>
    let ofRegularizer (regularizer: Regularizer) : ConfigValue =
        saved
            "regularizer"
            "keras.regularizers"
            (registeredOf Regularizer.registered regularizer.Config)
            regularizer.Config

    /// <summary>The regularizer of a configuration, or of a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    let toRegularizer (value: ConfigValue) : Regularizer = Regularizer.ofConfig value

    /// <summary>The configuration of a constraint.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It is a function without a name.</exception>
    let ofConstraint (projection: Constraint) : ConfigValue =
        saved "constraint" "keras.constraints" (registeredOf Constraint.registered projection.Config) projection.Config

    /// <summary>The constraint of a configuration, or of a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    let toConstraint (value: ConfigValue) : Constraint = Constraint.ofConfig value

    /// <summary>The configuration of an activation: its name, or an object if it has arguments.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It is a function without a name.</exception>
    let ofActivation (activation: Activation) : ConfigValue =
        match Activation.toConfig activation with
        | Some value -> value
        | None -> saved "activation" "keras.activations" ValueNone None

    /// <summary>The activation of a configuration, or of a name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name or an argument is unknown.</exception>
    let toActivation (value: ConfigValue) : Activation = Activation.ofConfig value
