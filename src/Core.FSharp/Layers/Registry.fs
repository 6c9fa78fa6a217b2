namespace FunctionalNet

open System
open System.Collections.Concurrent
open System.Collections.Generic
open FunctionalNet.Common

/// Models from Keras's configurations.
module internal NetworkReader =

    let private broken (path: string) (expected: string) (actual: string) : exn =
        ModelFormatException(
            "The configuration of a model is not what it should be.",
            path,
            expected,
            actual,
            "It should be a Sequential or Functional model as Keras writes it.",
            null
        )

    let private inputSpec (entries: (string * ConfigValue) list) : InputSpec =
        let where = "InputLayer.batch_shape"

        let batchShape =
            match ConfigRead.get "batch_shape" entries, ConfigRead.get "batch_input_shape" entries with
            | Null, other -> other
            | given, _ -> given

        let size value =
            match value with
            | Null -> -1
            | other -> ConfigRead.int where other

        { Name =
            (match ConfigRead.get "name" entries with
             | Text name -> name
             | _ -> "")
          Shape = ConfigRead.list where batchShape |> List.skip 1 |> List.map size
          DType =
            (match ConfigRead.get "dtype" entries with
             | Text("float16" | "bfloat16")
             | Null
             | ConfigValue.Object _ -> DType.Float32
             | Text "uint8" -> DType.Int32
             | Text name -> DType.parse name
             | other -> raise (ConfigRead.wrong "InputLayer.dtype" "the name of a dtype" other)) }

    let private classOf (entries: (string * ConfigValue) list) =
        ConfigRead.text "class_name" (ConfigRead.get "class_name" entries)

    let private configOf (entries: (string * ConfigValue) list) =
        ConfigRead.entriesOf "config" (ConfigRead.get "config" entries)

    let private nameIn (entries: (string * ConfigValue) list) =
        match ConfigRead.get "name" entries with
        | Text name -> name
        | _ -> ""

    /// The layers of a Sequential model: input, if there is one, and the rest.
    let sequentialParts (read: ConfigValue -> Layer) (config: (string * ConfigValue) list) : InputSpec option * Layer list =
        let layers = ConfigRead.list "Sequential.layers" (ConfigRead.get "layers" config) |> List.map (ConfigRead.entriesOf "Sequential.layers")
        let isInput entries = classOf entries = "InputLayer"
        let given = layers |> List.tryFind isInput |> Option.map (configOf >> inputSpec)

        // Without an input layer, the shape may stand on the first layer (Keras 2) or on the model.
        let onFirst () =
            layers
            |> List.tryHead
            |> Option.bind (fun first ->
                let config = configOf first

                match ConfigRead.get "batch_input_shape" config with
                | Null -> None
                | shape -> Some(inputSpec [ "batch_input_shape", shape; "dtype", (if classOf first = "Embedding" then Text "int32" else Null) ]))

        let onModel () =
            match ConfigRead.get "build_input_shape" config with
            | Null -> None
            | shape -> Some(inputSpec [ "batch_shape", shape ])

        let input =
            given
            |> Option.orElseWith onFirst
            |> Option.orElseWith onModel

        input, layers |> List.filter (isInput >> not) |> List.map (ConfigValue.Object >> read)

    /// The tensors in a call's arguments, in order, as (layer, application, output).
    let rec private tensors (value: ConfigValue) : (string * int * int) list =
        match value with
        | ConfigValue.Object entries when ConfigRead.get "class_name" entries = Text "__keras_tensor__" ->
            match ConfigRead.get "keras_history" (configOf entries) with
            | ConfigValue.List [ Text name; Int call; Int index ] -> [ name, int call, int index ]
            | other -> raise (broken "keras_history" "[name, call, output]" (ConfigRead.show other))
        | ConfigValue.Object entries -> entries |> List.collect (snd >> tensors)
        | ConfigValue.List items -> items |> List.collect tensors
        | _ -> []

    /// Inputs and further arguments of one application. Keras 2 writes [[name, call, output, kwargs], ...].
    let private inbound (value: ConfigValue) : (string * int * int) list * (string * ConfigValue) list =
        let rec old value =
            match value with
            | ConfigValue.List(Text name :: Int call :: Int index :: _) -> [ name, int call, int index ]
            | ConfigValue.List items -> items |> List.collect old
            | _ -> []

        match value with
        | ConfigValue.Object entries ->
            let kwargs =
                match ConfigRead.get "kwargs" entries with
                | ConfigValue.Object kwargs -> kwargs
                | _ -> []

            let plain =
                kwargs |> List.filter (fun (_, v) -> v <> Null && tensors v |> List.isEmpty)

            tensors (ConfigRead.get "args" entries) @ (kwargs |> List.collect (snd >> tensors)), plain
        | other -> old other, []

    let private ends where (value: ConfigValue) : (string * int * int) list =
        let rec read value =
            match value with
            | ConfigValue.List(Text name :: Int call :: Int index :: _) -> [ name, int call, int index ]
            | ConfigValue.List items -> items |> List.collect read
            | ConfigValue.Object entries -> entries |> List.collect (snd >> read)
            | other -> raise (broken where "lists of [name, call, output]" (ConfigRead.show other))

        read value

    /// A Functional model. Applications wait until their inputs exist.
    let functional (read: ConfigValue -> Layer) (config: (string * ConfigValue) list) : Network =
        let nodes = Dictionary<struct (string * int), Node[]>()
        let waiting = Queue<struct (string * int * Layer * (string * int * int) list)>()

        for entry in ConfigRead.list "Functional.layers" (ConfigRead.get "layers" config) do
            let entries = ConfigRead.entriesOf "Functional.layers" entry
            let own = configOf entries

            let name =
                match nameIn entries with
                | "" -> nameIn own
                | name -> name

            if classOf entries = "InputLayer" then
                nodes[struct (name, 0)] <- [| Network.inputWith { inputSpec own with Name = name } |]
            else
                let calls =
                    match ConfigRead.get "inbound_nodes" entries with
                    | ConfigValue.List calls -> List.map inbound calls
                    | _ -> []

                // Arguments of the call that are not tensors belong to the layer here. `training` is a fact of the run.
                let extra =
                    match calls with
                    | (_, plain) :: _ -> plain |> List.filter (fun (key, _) -> key <> "training")
                    | [] -> []

                let value =
                    entries
                    |> List.map (fun (key, value) -> if key = "config" then key, ConfigValue.Object(own @ extra) else key, value)
                    |> ConfigValue.Object

                let layer = { read value with LayerName = name }
                calls |> List.iteri (fun i (inputs, _) -> waiting.Enqueue(struct (name, i, layer, inputs)))

        let mutable stuck = 0

        while waiting.Count > 0 do
            let struct (name, call, layer, inputs) = waiting.Dequeue()

            let ready =
                (call = 0 || nodes.ContainsKey(struct (name, call - 1)))
                && inputs |> List.forall (fun (source, c, _) -> nodes.ContainsKey(struct (source, c)))

            if ready then
                stuck <- 0

                let arguments =
                    inputs
                    |> List.map (fun (source, c, index) ->
                        let found = nodes[struct (source, c)]

                        if index < 0 || index >= found.Length then
                            raise (broken name ("an output 0.." + string (found.Length - 1) + " of " + source) (string index))

                        found[index])

                nodes[struct (name, call)] <- Network.applyAll layer arguments |> List.toArray
            else
                stuck <- stuck + 1
                waiting.Enqueue(struct (name, call, layer, inputs))

                if stuck > waiting.Count then
                    raise (broken name "inputs that exist" (String.Join(", ", inputs |> List.map (fun (source, _, _) -> source))))

        let find where (name, call, index) =
            match nodes.TryGetValue(struct (name, call)) with
            | true, found when index >= 0 && index < found.Length -> found[index]
            | _ -> raise (broken where "a layer of the model" name)

        let inputs = ends "input_layers" (ConfigRead.get "input_layers" config) |> List.map (find "input_layers")
        let outputs = ends "output_layers" (ConfigRead.get "output_layers" config) |> List.map (find "output_layers")
        Network.create inputs outputs |> Network.named (nameIn config)

/// <summary>The classes of layers that configurations may name.</summary>
[<RequireQualifiedAccess>]
module Registry =

    let private entryOf definition = LayerClass.entry definition

    /// Every class of this library except the models.
    let internal builtIn: LayerEntry list =
        [ entryOf Dense.definition
          entryOf EinsumDense.definition
          entryOf Embedding.definition
          entryOf PassThrough.identity
          entryOf PassThrough.masking
          PassThrough.lambdaEntry
          entryOf PassThrough.activityRegularization
          entryOf SmallActivations.activation
          entryOf ReLU.definition
          entryOf SmallActivations.leakyReLU
          entryOf PReLU.definition
          entryOf SmallActivations.elu
          entryOf SmallActivations.softmax
          entryOf Reshaping.flatten
          entryOf Reshaping.reshape
          entryOf Reshaping.permute
          entryOf Reshaping.repeatVector
          yield! Array.map entryOf Borders.zeroPadding
          yield! Array.map entryOf Borders.cropping
          yield! Array.map entryOf Resampling.upSamplings
          yield! Array.map entryOf Conv.definitions
          yield! Array.map entryOf ConvTranspose.definitions
          yield! Array.map entryOf DepthwiseConv.definitions
          yield! Array.map entryOf SeparableConv.definitions
          yield! Array.map entryOf Pool.maxima
          yield! Array.map entryOf Pool.averages
          yield! Array.map entryOf GlobalPool.maxima
          yield! Array.map entryOf GlobalPool.averages
          entryOf BatchNormalization.definition
          entryOf LayerNormalization.definition
          entryOf GroupNormalization.definition
          entryOf SmallNormalizations.rms
          entryOf SmallNormalizations.unit
          entryOf Dropout.plain
          yield! Array.map entryOf Dropout.spatial
          entryOf Dropout.gaussian
          entryOf Dropout.alpha
          entryOf Dropout.noise
          entryOf Merging.add
          entryOf Merging.subtract
          entryOf Merging.multiply
          entryOf Merging.average
          entryOf Merging.maximum
          entryOf Merging.minimum
          entryOf Merging.concatenate
          entryOf Dot.definition
          entryOf Normalization.definition
          entryOf SmallPreprocessing.rescaling
          entryOf Resizing.definition
          entryOf Composition.branches
          entryOf Composition.merged
          entryOf Composition.residual ]

    let private table = Dictionary<string, LayerEntry>(builtIn |> List.map (fun e -> KeyValuePair(e.Class, e)))

    let private custom = ConcurrentDictionary<string, (string * ConfigValue) list -> Layer>()

    /// <summary>Makes a class of your own known to configurations. It takes precedence over a built-in class of that
    /// name.</summary>
    /// <param name="className">The class name in configurations.</param>
    /// <param name="read">The layer for given arguments (without name and trainable, which are set afterwards).</param>
    let register (className: string) (read: (string * ConfigValue) list -> Layer) : unit = custom[className] <- read

    /// <summary>The class names known now, the user's included, in alphabetical order.</summary>
    let classNames () : string list =
        Seq.concat [ Seq.cast table.Keys; Seq.cast custom.Keys; Seq.ofList [ "Sequential"; "Functional" ] ]
        |> Seq.distinct
        |> Seq.sortWith (fun a b -> String.CompareOrdinal(a, b))
        |> List.ofSeq

    // Arguments that every layer of Keras has, and that do not belong to its class here.
    let private common =
        HashSet<string>([ "name"; "trainable"; "dtype"; "autocast"; "batch_input_shape"; "batch_shape"; "build_config" ])

    /// <summary>The layer of a configuration object as Keras writes it: class_name and config.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or one of its arguments is unknown or wrong.</exception>
    let rec ofConfig (value: ConfigValue) : Layer =
        let entries = ConfigRead.entriesOf "layer" value
        let className = ConfigRead.text "class_name" (ConfigRead.get "class_name" entries)

        let config =
            match ConfigRead.get "config" entries with
            | Null -> []
            | config -> ConfigRead.entriesOf className config

        let arguments = config |> List.filter (fun (key, _) -> not (common.Contains key))

        let layer =
            match className, custom.TryGetValue className, table.TryGetValue className with
            | _, (true, read), _ -> read arguments
            | _, _, (true, entry) -> entry.Read ofConfig arguments
            | "Sequential", _, _ ->
                let _, parts = NetworkReader.sequentialParts ofConfig config
                Layer.serial parts
            | ("Functional" | "Model"), _, _ -> Network.asLayer (NetworkReader.functional ofConfig config)
            | _ -> raise (Names.unknown "layer class" "class_name" className (classNames ()))

        { layer with
            LayerName =
                (match ConfigRead.get "name" config with
                 | Text name -> name
                 | _ -> layer.LayerName)
            Frozen = layer.Frozen || (ConfigRead.get "trainable" config = Bool false) }

/// <summary>Reading models.</summary>
[<AutoOpen>]
module NetworkReading =

    /// <summary>The functional API: inputs, layers applied to nodes, and models made of them.</summary>
    [<RequireQualifiedAccess>]
    module Network =

        /// <summary>The model of a configuration as Keras 2 or 3 writes it: class Sequential (with an input shape) or
        /// Functional.</summary>
        /// <exception cref="T:FunctionalNet.ArgumentValueException">A class or an argument is unknown or wrong.</exception>
        /// <exception cref="T:FunctionalNet.ModelFormatException">It is not a model, or its connections are broken.</exception>
        let ofConfig (value: ConfigValue) : Network =
            let entries = ConfigRead.entriesOf "model" value
            let config () = ConfigRead.entriesOf "config" (ConfigRead.get "config" entries)

            match ConfigRead.get "class_name" entries with
            | Text "Sequential" ->
                let config = config ()
                let name = ConfigRead.get "name" config

                match NetworkReader.sequentialParts Registry.ofConfig config with
                | Some input, parts ->
                    let network = Network.ofLayer [ input ] (Layer.serial parts)

                    match name with
                    | Text name -> Network.named name network
                    | _ -> network
                | None, _ ->
                    raise (
                        NotReadyException(
                            "A Sequential model without an input shape cannot be built.",
                            "Sequential",
                            "an InputLayer, or build_input_shape",
                            "neither",
                            "Read it as a layer with Registry.ofConfig, and give the input shape to Network.ofLayer."
                        )
                    )
            | Text("Functional" | "Model") -> NetworkReader.functional Registry.ofConfig (config ())
            | other ->
                raise (
                    ModelFormatException(
                        "This is not the configuration of a model.",
                        "class_name",
                        "Sequential or Functional",
                        ConfigRead.show other,
                        "A single layer is read with Registry.ofConfig.",
                        null
                    )
                )

        /// <summary>The model of a JSON text as Keras 2 or 3 writes it.</summary>
        /// <exception cref="T:FunctionalNet.ModelFormatException">The text is not JSON, or not a model.</exception>
        let ofJson (text: string) : Network = ofConfig (Json.parse text)
