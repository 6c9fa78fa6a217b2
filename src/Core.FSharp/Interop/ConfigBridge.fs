namespace FunctionalNet.Interop

open System
open System.Collections
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Training

/// <summary>Configurations for the C# facade: as dictionaries, and as JSON.</summary>
[<AbstractClass; Sealed>]
type ConfigBridge =

    /// A configuration value as null, a truth value, a number, a text, a list or a dictionary.
    static member private ToObject(value: ConfigValue) : obj | null =
        match value with
        | Null -> null
        | Bool b -> box b
        | Int i when i >= int64 Int32.MinValue && i <= int64 Int32.MaxValue -> box (int i)
        | Int i -> box i
        | Float f -> box f
        | Text t -> box t
        | List items ->
            let list = Generic.List<obj | null>()

            for item in items do
                list.Add(ConfigBridge.ToObject item)

            box list
        | Object entries -> box (ConfigBridge.Entries entries)

    static member private Entries(entries: (string * ConfigValue) list) : Dictionary<string, obj | null> =
        let result = Dictionary<string, obj | null>()

        for key, value in entries do
            result[key] <- ConfigBridge.ToObject value

        result

    /// The configuration value of such an object; `where` is its place, for errors.
    static member private OfObject(where: string, value: obj | null) : ConfigValue =
        match value with
        | null -> Null
        | :? bool as b -> Bool b
        | :? int as i -> Int(int64 i)
        | :? int64 as i -> Int i
        | :? float as f -> Float f
        | :? float32 as f -> Float(float f)
        | :? string as t -> Text t
        | :? IReadOnlyDictionary<string, obj | null> as entries -> ConfigBridge.Value entries
        | :? IEnumerable as items ->
            List [ for item in Seq.cast<obj | null> items -> ConfigBridge.OfObject(where, item) ]
        | other ->
            raise (
                ArgumentValueException(
                    "A value cannot stand in a configuration.",
                    where,
                    "null, a truth value, a number, a text, a list or a dictionary of those",
                    other.GetType().Name,
                    "Put the arguments of a part in place of the part."
                )
            )

    static member private Value(config: IReadOnlyDictionary<string, obj | null>) : ConfigValue =
        Object [ for entry in config -> entry.Key, ConfigBridge.OfObject(entry.Key, entry.Value) ]

    static member private List(config: IReadOnlyDictionary<string, obj | null>) =
        match ConfigBridge.Value config with
        | Object entries -> entries
        | _ -> []

    /// The config of an object of Keras's form.
    static member private Inner(value: ConfigValue) : IReadOnlyDictionary<string, obj | null> =
        match value with
        | Object entries ->
            match ConfigRead.get "config" entries with
            | Object config -> ConfigBridge.Entries config
            | _ -> Dictionary()
        | _ -> Dictionary()

    static member private Named(className: string, config: IReadOnlyDictionary<string, obj | null>) : ConfigValue =
        Object [ "class_name", Text className; "config", ConfigBridge.Value config ]

    /// What a description stands for, in Keras's form; the kind says where it is looked up.
    static member private Described(kind: string, description: Description) : ConfigValue =
        match kind with
        | "loss" -> Saving.ofLoss (Saving.toLoss description.Value)
        | "metric" -> Saving.ofMetric (Saving.toMetric description.Value)
        | "optimizer" -> Saving.ofOptimizer (Saving.toOptimizer description.Value)
        | "schedule" -> Saving.ofSchedule (Saving.toSchedule description.Value)
        | "initializer" -> Saving.ofInitializer (Saving.toInitializer description.Value)
        | "regularizer" -> Saving.ofRegularizer (Saving.toRegularizer description.Value)
        | "constraint" -> Saving.ofConstraint (Saving.toConstraint description.Value)
        | "activation" ->
            match Saving.ofActivation (Saving.toActivation description.Value) with
            | Text name -> Object [ "class_name", Text name; "config", Object [] ]
            | value -> value
        | other -> raise (Names.unknown "kind" "kind" other [ "loss"; "metric"; "optimizer"; "schedule" ])

    /// <summary>Class name and arguments of what a description stands for.</summary>
    /// <param name="kind">loss, metric, optimizer, schedule, initializer, regularizer, constraint or activation.</param>
    /// <param name="description">The description.</param>
    static member ConfigOf(kind: string, description: Description) : IReadOnlyDictionary<string, obj | null> =
        ConfigBridge.Inner(ConfigBridge.Described(kind, description))

    /// <summary>What a description stands for as JSON in Keras's form.</summary>
    static member Serialize(kind: string, description: Description) : string =
        Json.write false (ConfigBridge.Described(kind, description))

    /// <summary>The description of a class name and arguments.</summary>
    static member Describe(className: string, config: IReadOnlyDictionary<string, obj | null>) : Description =
        Description.Of(ConfigBridge.Named(className, config))

    /// <summary>The description of a JSON text in Keras's form: an object, or a name.</summary>
    static member Deserialize(json: string) : Description = Description.Of(Json.parse json)

    /// <summary>The arguments of a layer.</summary>
    static member LayerConfig(layer: Layer) : IReadOnlyDictionary<string, obj | null> =
        ConfigBridge.Inner(Registry.toConfig layer)

    /// <summary>A layer as JSON in Keras's form.</summary>
    static member SerializeLayer(layer: Layer) : string = Json.write false (Registry.toConfig layer)

    /// <summary>The layer of a class name and arguments.</summary>
    static member Layer(className: string, config: IReadOnlyDictionary<string, obj | null>) : Layer =
        Registry.ofConfig (ConfigBridge.Named(className, config))

    /// <summary>The layer of a JSON text in Keras's form.</summary>
    static member DeserializeLayer(json: string) : Layer = Registry.ofConfig (Json.parse json)

    /// <summary>The arguments of a network: its layers, and how they are connected.</summary>
    static member NetworkConfig(network: Network) : IReadOnlyDictionary<string, obj | null> =
        ConfigBridge.Inner(Network.toConfig network)

    /// <summary>The network of such arguments.</summary>
    static member Network(config: IReadOnlyDictionary<string, obj | null>) : Network =
        let className = if config.ContainsKey "input_layers" then "Functional" else "Sequential"
        Network.ofConfig (ConfigBridge.Named(className, config))

    /// <summary>What a model is compiled with, as the arguments of Keras's compile; null if it is not compiled.</summary>
    static member CompileConfig(trainer: Trainer) : IReadOnlyDictionary<string, obj | null> | null =
        match trainer.CompiledWith with
        | ValueNone -> null
        | ValueSome options ->
            match CompileConfig.write trainer.Network.Outputs.Count options with
            | Object entries -> ConfigBridge.Entries entries
            | _ -> null

    /// <summary>What those arguments say for a network.</summary>
    static member CompileOptions(network: Network, config: IReadOnlyDictionary<string, obj | null>) : TrainingOptions =
        CompileConfig.read (Network.outputNames network) (ConfigBridge.Value config)

    /// <summary>Makes a class of layers of the user's own known by name.</summary>
    /// <param name="name">Its class, or package>class.</param>
    /// <param name="create">The layer for given arguments.</param>
    static member RegisterLayer(name: string, create: Func<IReadOnlyDictionary<string, obj | null>, Layer>) : unit =
        Registry.register name (fun arguments -> create.Invoke(ConfigBridge.Entries arguments))

    /// <summary>A layer of a class that was registered, with what configurations say of it.</summary>
    static member WithConfig(layer: Layer, className: string, config: IReadOnlyDictionary<string, obj | null>) : Layer =
        let own = ConfigBridge.List config |> List.filter (fun (key, _) -> key <> "name" && key <> "trainable")

        { layer with Kind = className; LayerConfig = Some { ClassName = className; Arguments = own } }

    /// <summary>Makes a loss of the user's own known by name.</summary>
    static member RegisterLoss(name: string, call: Func<Expr, Expr, Expr>) : unit =
        Loss.register name (fun target prediction -> call.Invoke(target, prediction)) |> ignore

    /// <summary>Makes a metric of the user's own known by name.</summary>
    static member RegisterMetric(name: string, call: Func<Expr, Expr, Expr>) : unit =
        Metric.register name (fun target prediction -> call.Invoke(target, prediction)) |> ignore

    /// <summary>Makes an initializer of the user's own known by name.</summary>
    static member RegisterInitializer(name: string, create: Func<uint64, Shape, float[]>) : unit =
        // The stream tells weights apart.
        Initializer.register name (fun seed stream shape ->
            create.Invoke(seed ^^^ (stream * 0x9E3779B97F4A7C15UL), shape))
        |> ignore

    /// <summary>Makes a penalty of the user's own known by name.</summary>
    static member RegisterRegularizer(name: string, penalty: Func<Expr, Expr>) : unit =
        Regularizer.register name penalty.Invoke |> ignore

    /// <summary>Makes a projection of the user's own known by name.</summary>
    static member RegisterConstraint(name: string, project: Func<Expr, Expr>) : unit =
        Constraint.register name project.Invoke |> ignore
