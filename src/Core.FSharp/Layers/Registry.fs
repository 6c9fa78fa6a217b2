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

    let private inputSpec (entries: (string * ConfigValue) list) : InputOptions =
        let where = "InputLayer.batch_shape"

        let batchShape =
            match ConfigRead.get "batch_shape" entries, ConfigRead.get "batch_input_shape" entries with
            | Null, other -> other
            | given, _ -> given

        let size value =
            match value with
            | Null -> -1
            | other -> ConfigRead.int where other

        let sizes = ConfigRead.list where batchShape |> List.map size

        if sizes.IsEmpty then
            raise (broken where "sizes, the batch first" "[]")

        { Name =
            (match ConfigRead.get "name" entries with
             | Text name -> name
             | _ -> "")
          Shape = sizes |> List.skip 1
          DType =
            (match ConfigRead.get "dtype" entries with
             | Text("float16" | "bfloat16")
             | Null
             | ConfigValue.Object _ -> DType.Float32
             | Text "uint8" -> DType.Int32
             | Text name -> DType.parse name
             | other -> raise (ConfigRead.wrong "InputLayer.dtype" "the name of a dtype" other))
          BatchSize = if sizes.Head > 0 then Some sizes.Head else None }

    let private classOf (entries: (string * ConfigValue) list) =
        ConfigRead.text "class_name" (ConfigRead.get "class_name" entries)

    let private configOf (entries: (string * ConfigValue) list) =
        ConfigRead.entriesOf "config" (ConfigRead.get "config" entries)

    let private nameIn (entries: (string * ConfigValue) list) =
        match ConfigRead.get "name" entries with
        | Text name -> name
        | _ -> ""

    /// The layers of a Sequential model: input, if there is one, and the rest.
    let sequentialParts (read: ConfigValue -> Layer) (config: (string * ConfigValue) list) : InputOptions option * Layer list =
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

    /// One application of a layer: its input tensors, a mask given to it, and its other arguments.
    [<NoEquality; NoComparison>]
    type private Inbound =
        { Inputs: (string * int * int) list
          Mask: (string * int * int) option
          Plain: (string * ConfigValue) list }

    /// Keras 2 writes [[name, use, output, arguments], ...].
    let private inbound (value: ConfigValue) : Inbound =
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

            let masks, others = kwargs |> List.partition (fun (key, value) -> key = "mask" && (tensors value).Length = 1)

            let operands =
                match ConfigRead.get "args" entries with
                | ConfigValue.List items ->
                    items
                    |> List.choose (fun item ->
                        match item with
                        | Int _
                        | Float _ -> Some(LayerConfig.SecondOperand, item)
                        | _ -> None)
                | _ -> []

            { Inputs = tensors (ConfigRead.get "args" entries) @ (others |> List.collect (snd >> tensors))
              Mask = masks |> List.tryHead |> Option.map (snd >> tensors >> List.head)
              Plain = operands @ (others |> List.filter (fun (_, v) -> v <> Null && List.isEmpty (tensors v))) }
        | other ->
            { Inputs = old other
              Mask = None
              Plain = [] }

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
        let waiting = Queue<struct (string * int * Layer * Inbound)>()

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
                    | first :: _ -> first.Plain |> List.filter (fun (key, _) -> key <> "training")
                    | [] -> []

                let value =
                    entries
                    |> List.map (fun (key, value) -> if key = "config" then key, ConfigValue.Object(own @ extra) else key, value)
                    |> ConfigValue.Object

                let layer = { read value with LayerName = name }
                calls |> List.iteri (fun i inbound -> waiting.Enqueue(struct (name, i, layer, inbound)))

        let inputs = ends "input_layers" (ConfigRead.get "input_layers" config)
        let outputs = ends "output_layers" (ConfigRead.get "output_layers" config)

        // Keras counts the definition of a nested model as its first use: its uses here are then numbered from 1.
        let uses = waiting |> Seq.countBy (fun (struct (name, _, _, _)) -> name) |> dict

        let fromOne =
            Seq.append outputs (waiting |> Seq.collect (fun (struct (_, _, _, inbound)) -> inbound.Inputs @ Option.toList inbound.Mask))
            |> Seq.filter (fun (name, use', _) ->
                match uses.TryGetValue name with
                | true, count -> use' = count
                | _ -> false)
            |> Seq.map (fun (name, _, _) -> name)
            |> HashSet

        let key (name, use', _) =
            struct (name, (if fromOne.Contains name then use' - 1 else use'))

        let mutable stuck = 0

        while waiting.Count > 0 do
            let struct (name, call, layer, inbound) = waiting.Dequeue()
            let needed = inbound.Inputs @ Option.toList inbound.Mask

            let ready =
                (call = 0 || nodes.ContainsKey(struct (name, call - 1)))
                && needed |> List.forall (key >> nodes.ContainsKey)

            if ready then
                stuck <- 0

                let resolve (source, use', index) =
                    let found = nodes[key (source, use', index)]

                    if index < 0 || index >= found.Length then
                        raise (broken name ("an output 0.." + string (found.Length - 1) + " of " + source) (string index))

                    found[index]

                let inputs = inbound.Inputs |> List.map resolve

                let outputs =
                    match inbound.Mask with
                    | Some mask -> Network.applyMasked layer (resolve mask) inputs
                    | None -> Network.applyMany layer inputs

                nodes[struct (name, call)] <- List.toArray outputs
            else
                stuck <- stuck + 1
                waiting.Enqueue(struct (name, call, layer, inbound))

                if stuck > waiting.Count then
                    raise (broken name "inputs that exist" (String.Join(", ", needed |> List.map (fun (source, _, _) -> source))))

        let find where (name, use', index) =
            match nodes.TryGetValue(key (name, use', index)) with
            | true, found when index >= 0 && index < found.Length -> found[index]
            | _ -> raise (broken where "a layer of the model" name)

        let inputs = inputs |> List.map (find "input_layers")
        let outputs = outputs |> List.map (find "output_layers")
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
          entryOf PassThrough.notEqual
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
