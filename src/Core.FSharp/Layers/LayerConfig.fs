namespace FunctionalNet

open System
open System.Collections.Generic

/// <summary>Layers and networks as configurations, in the form of Keras 3.</summary>
module internal LayerConfig =

    /// Classes of the user's own.
    let registered = CustomClasses<Layer>()

    /// Arguments that only newer versions of Keras know, and one of calls of KerasHub's layers: written if they are used.
    let private newer =
        HashSet<string>([| "sliding_window"; "start_index"; "lora_rank"; "lora_alpha"; "lora" |])

    /// Layers of KerasHub, and their modules there.
    let private ofKerasHub =
        dict
            [ "PositionEmbedding", "keras_hub.src.layers.modeling.position_embedding"
              "SinePositionEncoding", "keras_hub.src.layers.modeling.sine_position_encoding"
              "RotaryEmbedding", "keras_hub.src.layers.modeling.rotary_embedding" ]

    let private withCommon (name: string) (layer: Layer) (arguments: (string * ConfigValue) list) =
        let own =
            arguments
            |> List.filter (fun (key, value) ->
                key <> "name" && key <> "trainable" && not ((value = Null || value = Int 0L) && newer.Contains key))

        let policy =
            match layer.Policy with
            | ValueSome policy -> [ "dtype", PolicyConfig.write policy ]
            | ValueNone -> []

        ConfigValue.Object([ "name", Text name; "trainable", Bool(not layer.Frozen) ] @ policy @ own)

    /// What is wrong with a layer that has no configuration.
    let private cannotSave (name: string) (layer: Layer) : exn =
        let hint =
            if layer.Kind = "Lambda" then
                "Give the function a name with Layer.lambdaNamed; the same name must be known where the model is loaded."
            else
                "Use functions that Keras knows by name, or register the layer's class and give it a configuration."

        NotReadyException(
            "A layer cannot be saved: it holds a function without a name.",
            name,
            "a layer whose activation, initializers and other functions all have names",
            layer.Kind,
            hint
        )

    let private moduleOf (kind: string) =
        match kind with
        | "Sequential" -> "keras"
        | "Functional" -> "keras.src.models.functional"
        | "NotEqual" -> "keras.src.ops.numpy"
        | _ ->
            match ofKerasHub.TryGetValue kind with
            | true, moduleName -> moduleName
            | _ -> "keras.layers"

    /// Under which name Keras finds the class, if not by its module.
    let private registeredName (kind: string) =
        if kind = "Functional" then Text "Functional"
        elif ofKerasHub.ContainsKey kind then Text("keras_hub>" + kind)
        else Null

    let private dims (values: int seq) = ConfigValue.List [ for d in values -> if d < 0 then Null else Int(int64 d) ]

    /// Every call of a network, with the name of its layer and the number Keras gives the use.
    let private numbered (network: Network) : Dictionary<NetworkCall, struct (string * int)> =
        let numbers = Dictionary<NetworkCall, struct (string * int)>(HashIdentity.Reference)

        for entry in network.Entries do
            // Keras counts the definition of a nested functional model as its first use.
            let first = if entry.Layer.Kind = "Functional" then 1 else 0
            entry.Calls |> Array.iteri (fun i call -> numbers[call] <- struct (entry.Name, first + i))

        numbers

    /// Name, number of the use, and number of the output of a node.
    let private history (numbers: Dictionary<NetworkCall, struct (string * int)>) (node: Node) : ConfigValue list =
        let struct (name, number) = numbers[node.Owner]
        [ Text name; Int(int64 number); Int(int64 node.Index) ]

    /// Float64 networks say so in every layer.
    let private policy = PolicyConfig.write DTypePolicy.Float64

    let private inputConfig (floatType: DType) name (node: Node) =
        let dtype = if DType.isFloating node.DType then floatType else node.DType

        ConfigValue.Object
            [ "module", Text "keras.layers"
              "class_name", Text "InputLayer"
              "config",
              ConfigValue.Object
                  [ "batch_shape", dims node.Shape
                    "dtype", Text(DType.name dtype)
                    "sparse", Bool false
                    "name", Text name
                    // Newer than Keras 3.8, so only where it says something.
                    if node.IsOptional then "optional", Bool true ]
              "registered_name", Null ]

    let private tensorConfig (floatType: DType) numbers (node: Node) =
        let dtype = if DType.isFloating node.DType then floatType else node.DType

        ConfigValue.Object
            [ "class_name", Text "__keras_tensor__"
              "config",
              ConfigValue.Object
                  [ "shape", dims node.Shape
                    "dtype", Text(DType.name dtype)
                    "keras_history", ConfigValue.List(history numbers node) ] ]

    /// Classes whose call takes a list of tensors; others take tensors one by one.
    let private takesList =
        HashSet<string>(
            [ "Add"
              "Subtract"
              "Multiply"
              "Average"
              "Maximum"
              "Minimum"
              "Concatenate"
              "Dot"
              "Functional"
              "ParallelMerge"
              "Attention"
              "AdditiveAttention" ]
        )

    /// Classes whose call takes query, value and key one by one.
    let private queriesApart = HashSet<string>([| "MultiHeadAttention"; "GroupQueryAttention" |])

    /// Classes whose call takes the masks of its inputs as a list.
    let private masksInList = HashSet<string>([| "Attention"; "AdditiveAttention" |])

    /// The masks of a call's inputs by name, in the order of the inputs.
    let inputMasks = [ "query_mask"; "value_mask"; "key_mask" ]

    let private isInputMask (key: string) = List.contains key inputMasks

    /// The name under which a recurrent layer's call takes the inputs behind the first.
    let private stateArgument (layer: Layer) =
        match layer.Role with
        | Recurrent _ -> Some "initial_state"
        | Cell _ -> Some "states"
        | Plain when layer.Kind = "Bidirectional" -> Some "initial_state"
        | _ -> None

    /// Arguments of a layer's call in Keras that belong to the layer here.
    let callArguments = HashSet<string>([| "use_causal_mask"; "return_attention_scores" |])

    /// The second operand of an operation, which follows its tensors.
    [<Literal>]
    let SecondOperand = "x2"

    /// A layer's object without its call's arguments, and those.
    let private split (value: ConfigValue) : (string * ConfigValue) list * (string * ConfigValue) list =
        let entries = ConfigRead.entriesOf "layer" value
        let config = ConfigRead.entriesOf "config" (ConfigRead.get "config" entries)
        let call, own =
            config |> List.partition (fun (key, _) -> callArguments.Contains key || key = SecondOperand)

        let kept =
            entries
            |> List.map (fun (key, value) -> key, (if key = "config" then ConfigValue.Object own else value))

        kept, call |> List.filter (fun (_, value) -> value <> Bool false)

    /// What `training` is in calls of a class of Keras that were not given it: Keras writes it into every call.
    let private trainingByDefault =
        let off =
            [ "Attention"
              "AdditiveAttention"
              "SpectralNormalization"
              "Dropout"
              "AlphaDropout"
              "SpatialDropout1D"
              "SpatialDropout2D"
              "SpatialDropout3D"
              "GaussianDropout"
              "GaussianNoise"
              "RNN"
              "SimpleRNN"
              "LSTM"
              "GRU"
              "ConvLSTM1D"
              "ConvLSTM2D"
              "ConvLSTM3D" ]

        let on =
            [ "AutoContrast"
              "CenterCrop"
              "Equalization"
              "MaxNumBoundingBoxes"
              "MixUp"
              "Pipeline"
              "RandAugment"
              "Resizing"
              "Solarization" ]

        dict ([ for kind in off -> kind, false ] @ [ for kind in on -> kind, true ])

    /// Whether an argument of a call says no more than that none was given. A network that was told so writes it as a number.
    let isUngivenTraining (kind: string) (key: string) (value: bool) : bool =
        key = TrainingKeyword
        && (match trainingByDefault.TryGetValue kind with
            | true, ungiven -> ungiven = value
            | _ -> value && kind.StartsWith("Random", StringComparison.Ordinal))

    /// Arguments of a call that are true or false.
    let flagArguments = HashSet<string>(Seq.append callArguments [| TrainingKeyword; "reverse" |])

    /// Beside the class name: the layer was made by Layer.shared.
    [<Literal>]
    let SharedKey = "shared_at_root"

    /// Keras's object of a layer that its container holds under a name.
    let rec toValue (name: string) (layer: Layer) : ConfigValue =
        let arguments =
            match Network.tryOfLayer layer, layer.LayerConfig with
            | Some network, _ -> networkArguments network
            | None, Some config -> config.Arguments
            | None, None when layer.Kind = "Sequential" && layer.Parts.Length > 0 ->
                [ "layers", ConfigValue.List [ for name, part in layer.Parts -> toValue name part ] ]
            | None, None -> raise (cannotSave name layer)

        let own = registered.RegisteredName layer.Kind

        ConfigValue.Object
            [ "module", (if own.IsSome then Null else Text(moduleOf layer.Kind))
              "class_name", Text layer.Kind
              "config", withCommon name layer arguments
              "registered_name",
              (match own with
               | ValueSome name -> Text name
               | ValueNone -> registeredName layer.Kind)
              // Its weights lie at the root of the model, wherever it stands.
              if layer.Shared then SharedKey, Bool true ]

    /// A layer of a network, which says so if it computes in float64.
    and private inNetwork (floatType: DType) (name: string) (layer: Layer) : ConfigValue =
        match toValue name layer with
        | ConfigValue.Object entries when
            floatType = DType.Float64 && layer.Policy.IsNone && (Network.tryOfLayer layer).IsNone
            ->
            let withPolicy (key: string, value: ConfigValue) =
                match key, value with
                | "config", ConfigValue.Object config ->
                    key, ConfigValue.Object((config |> List.filter (fun (k, _) -> k <> "dtype")) @ [ "dtype", policy ])
                | _ -> key, value

            ConfigValue.Object(List.map withPolicy entries)
        | value -> value

    and private entryConfig (network: Network) numbers (entry: NetworkEntry) : ConfigValue =
        let tensor = tensorConfig network.FloatType numbers
        let operation = Operation.tryOf entry.Layer

        let kept, keywords =
            match entry.Calls[0].Input, operation with
            | ValueSome _, _ ->
                ConfigRead.entriesOf entry.Name (inputConfig network.FloatType entry.Name entry.Calls[0].Outputs[0]), []
            | _, Some(moduleName, options, _) ->
                [ "module", Text moduleName
                  "class_name", Text entry.Layer.Kind
                  "config", ConfigValue.Object(("name", Text entry.Name) :: options)
                  "registered_name", Text entry.Layer.Kind ],
                []
            | _ -> split (inNetwork network.FloatType entry.Name entry.Layer)

        let inbound (call: NetworkCall) =
            let tensors = [ for node in call.Inputs -> tensor node ]

            let states =
                match stateArgument call.Layer with
                | Some name when tensors.Length > 1 -> [ name, ConfigValue.List tensors.Tail ]
                | _ -> []

            let arguments =
                match operation with
                | None when not states.IsEmpty -> [ tensors.Head ]
                | Some(_, _, arguments) ->
                    let mutable next = -1

                    let rec filled (argument: ConfigValue) =
                        match argument with
                        | ConfigValue.List items -> ConfigValue.List(List.map filled items)
                        | argument when argument = Operation.slot ->
                            next <- next + 1
                            tensors[next]
                        | other -> other

                    List.map filled arguments
                | None when takesList.Contains call.Layer.Kind && tensors.Length > 1 -> [ ConfigValue.List tensors ]
                // Keras's own layers have no short form for attention to oneself.
                | None when masksInList.Contains call.Layer.Kind -> [ ConfigValue.List(tensors @ tensors) ]
                | None when queriesApart.Contains call.Layer.Kind && tensors.Length = 1 -> tensors @ tensors
                | None -> tensors

            let given = [ for key, node in call.Keywords -> key, tensor node ]
            let flags =
                [ for key, value in call.Flags ->
                      key,
                      (if isUngivenTraining call.Layer.Kind key value then Int(if value then 1L else 0L) else Bool value) ]

            // What the call says goes before what the layer was made with.
            let fromLayer =
                keywords |> List.filter (fun (key, _) -> not (List.exists (fun (k, _) -> k = key) flags))

            let named =
                if masksInList.Contains call.Layer.Kind && given |> List.exists (fun (key, _) -> isInputMask key) then
                    // Keras's `mask` of these classes is a list, one per input.
                    let one key =
                        given |> List.tryFind (fun (k, _) -> k = key) |> Option.map snd |> Option.defaultValue Null

                    let all = inputMasks |> List.truncate (max 2 call.Inputs.Length) |> List.map one

                    ("mask", ConfigValue.List all) :: (given |> List.filter (fun (key, _) -> not (isInputMask key)))
                else
                    given

            ConfigValue.Object
                [ "args", ConfigValue.List arguments
                  "kwargs", ConfigValue.Object(fromLayer @ flags @ states @ named) ]

        let nodes = if entry.Calls[0].Input.IsSome then [] else [ for call in entry.Calls -> inbound call ]

        ConfigValue.Object(kept @ [ "name", Text entry.Name; "inbound_nodes", ConfigValue.List nodes ])

    and private networkArguments (network: Network) : (string * ConfigValue) list =
        if network.IsSequential then
            [ "layers",
              ConfigValue.List
                  [ for entry in network.Entries ->
                        match entry.Calls[0].Input with
                        | ValueSome _ -> inputConfig network.FloatType entry.Name entry.Calls[0].Outputs[0]
                        | ValueNone -> inNetwork network.FloatType entry.Name entry.Layer ]
              "build_input_shape", dims network.Inputs[0].Shape ]
        else
            let numbers = numbered network

            let ends (tree: Nested<int> voption) (keys: string[]) (nodes: Node seq) =
                let all = [ for node in nodes -> ConfigValue.List(history numbers node) ]

                let rec nested (nest: Nest<int>) =
                    match nest with
                    | One i -> List.item i all
                    | Several items -> ConfigValue.List [ for item in items -> nested item ]
                    | ByName entries -> ConfigValue.Object [ for name, item in entries -> name, nested item ]

                match tree with
                | ValueSome tree when not tree.IsLeaf -> nested tree.Nest
                | _ when keys.Length = 0 -> ConfigValue.List all
                | _ -> ConfigValue.Object(List.zip (List.ofArray keys) all)

            [ "layers", ConfigValue.List [ for entry in network.Entries -> entryConfig network numbers entry ]
              "input_layers", ends network.InputTree network.InputKeys network.Inputs
              "output_layers", ends network.OutputTree network.OutputKeys network.Outputs ]

    /// A layer as an argument of another: named by itself or by its class. None if it cannot be saved.
    let toArgument (layer: Layer) : ConfigValue option =
        try
            Some(toValue (if layer.LayerName = "" then Layer.snakeCase layer.Kind else layer.LayerName) layer)
        with :? NotReadyException ->
            None

/// Fields that hold layers.
module internal NestedField =

    let private make
        key
        write
        (read: string -> (ConfigValue -> Layer) -> ConfigValue -> 'v)
        (get: 'o -> 'v)
        (set: 'v -> 'o -> 'o)
        : Field<'o> =
        { Key = key
          Required = true
          Get = get >> write
          Written = true
          Quiet = false
          Set = fun where reader value options -> set (read where reader value) options }

    let layer key get set : Field<'o> = make key LayerConfig.toArgument (fun _ reader value -> reader value) get set

    let optionalLayer key get set : Field<'o> =
        let write (layer: Layer option) =
            match layer with
            | Some layer -> LayerConfig.toArgument layer
            | None -> Some Null

        { make key write (fun _ reader value -> if value = Null then None else Some(reader value)) get set with
            Required = false }

    let layers key (get: 'o -> Layer list) set : Field<'o> =
        let write (layers: Layer list) =
            // Under the names they have side by side.
            let names = Layer.assignNames (List.toArray layers)
            let all =
                layers |> List.mapi (fun i layer -> LayerConfig.toArgument { layer with LayerName = names[i] })
            if List.forall Option.isSome all then Some(ConfigValue.List(List.choose id all)) else None

        make key write (fun where reader value -> ConfigRead.list where value |> List.map reader) get set
