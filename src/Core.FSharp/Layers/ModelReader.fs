namespace FunctionalNet

open System
open System.Collections.Generic

/// Networks from Keras's configurations, of version 3 and 2. `read` makes the layer of a configuration object.
module internal ModelReader =

    let private broken (path: string) (expected: string) (actual: string) : exn =
        ModelFormatException(
            "The configuration of a model is not what it should be.",
            path,
            expected,
            actual,
            "It should be a Sequential or Functional model as Keras writes it."
        )

    /// The name of an element type, in a policy object or bare. Narrower floats are read as float32.
    let private dtypeOf (where: string) (value: ConfigValue) : DType =
        let name =
            match value with
            | ConfigValue.Object entries ->
                match ConfigRead.get "config" entries with
                | ConfigValue.Object config ->
                    match ConfigRead.get "name" config with
                    | Null -> ConfigRead.get "source_name" config
                    | name -> name
                | _ -> Null
            | other -> other

        match name with
        | Null
        | Text("float16" | "bfloat16" | "mixed_float16" | "mixed_bfloat16") -> DType.Float32
        | Text("int8" | "int16" | "uint8" | "uint16") -> DType.Int32
        | Text "uint32" -> DType.Int64
        | Text name -> DType.parse name
        | other -> raise (broken where "the name of a dtype" (ConfigRead.show other))

    let private classOf (entries: (string * ConfigValue) list) =
        match ConfigRead.get "class_name" entries with
        | Text name -> name
        | other -> raise (broken "class_name" "the name of a class" (ConfigRead.show other))

    let private configOf (where: string) (entries: (string * ConfigValue) list) =
        match ConfigRead.get "config" entries with
        | ConfigValue.Object config -> config
        | Null -> []
        | other -> raise (broken (where + ".config") "an object" (ConfigRead.show other))

    let private nameIn (entries: (string * ConfigValue) list) =
        match ConfigRead.get "name" entries with
        | Text name -> name
        | _ -> ""

    /// Reads a layer; errors say which one.
    let private reading (name: string) (read: ConfigValue -> Layer) (value: ConfigValue) : Layer =
        try
            read value
        with
        | :? ArgumentValueException as e ->
            let path = if e.Path = "" then name else name + ": " + e.Path
            raise (ModelFormatException(e.Summary, path, e.Expected, e.Actual, e.Hint, e))
        | :? ModelFormatException as e ->
            raise (ModelFormatException(e.Summary, name + "/" + e.Path, e.Expected, e.Actual, e.Hint, e))

    let private objects (where: string) (value: ConfigValue) : (string * ConfigValue) list list =
        match value with
        | ConfigValue.List items ->
            items
            |> List.map (fun item ->
                match item with
                | ConfigValue.Object entries -> entries
                | other -> raise (broken where "a list of objects" (ConfigRead.show other)))
        | other -> raise (broken where "a list of objects" (ConfigRead.show other))

    let private inputOptions (config: (string * ConfigValue) list) : InputOptions =
        let name = nameIn config
        let where = "InputLayer " + name + ".batch_shape"

        let shape =
            match ConfigRead.get "batch_shape" config, ConfigRead.get "batch_input_shape" config with
            | Null, other -> other
            | given, _ -> given

        let size value =
            match value with
            | Null -> -1
            | Int i when i >= 1L && i <= int64 Int32.MaxValue -> int i
            | other -> raise (broken where "sizes of 1 or more, or null" (ConfigRead.show other))

        match shape with
        | ConfigValue.List(batch :: rest) ->
            let rows = size batch

            { Name = name
              Shape = List.map size rest
              DType = dtypeOf ("InputLayer " + name + ".dtype") (ConfigRead.get "dtype" config)
              BatchSize = if rows < 0 then None else Some rows }
        | other -> raise (broken where "a list of sizes, the batch first" (ConfigRead.show other))

    /// What the configuration says about a model's input and its layers. Without an input layer, the shape may stand on the
    /// first layer (Keras 2) or on the model.
    let sequentialParts
        (read: ConfigValue -> Layer)
        (config: (string * ConfigValue) list)
        : InputOptions option * Layer list =
        let layers = objects "Sequential.layers" (ConfigRead.get "layers" config)
        let isInput entries = classOf entries = "InputLayer"
        let given = layers |> List.tryFind isInput |> Option.map (configOf "InputLayer" >> inputOptions)

        let onFirst () =
            layers
            |> List.tryHead
            |> Option.bind (fun first ->
                let config = configOf (classOf first) first

                match ConfigRead.get "batch_input_shape" config with
                | Null -> None
                | shape ->
                    let dtype = if classOf first = "Embedding" then Text "int32" else Null
                    Some(inputOptions [ "batch_shape", shape; "dtype", dtype ]))

        let onModel () =
            match ConfigRead.get "build_input_shape" config with
            | Null -> None
            | shape ->
                let dtype =
                    match layers with
                    | first :: _ when classOf first = "Embedding" -> Text "int32"
                    | _ -> Null

                Some(inputOptions [ "batch_shape", shape; "dtype", dtype ])

        let input = given |> Option.orElseWith onFirst |> Option.orElseWith onModel

        let part entries =
            let kind = classOf entries

            let name =
                match nameIn (configOf kind entries) with
                | "" -> kind
                | name -> name

            reading name read (ConfigValue.Object entries)

        input, layers |> List.filter (isInput >> not) |> List.map part

    /// A pipeline, if the configuration has the shape of its input.
    let trySequential (read: ConfigValue -> Layer) (config: (string * ConfigValue) list) : Result<Network, Layer list> =
        match sequentialParts read config with
        | Some input, parts -> Ok(Network.sequential (Network.inputWith input) parts |> Network.named (nameIn config))
        | None, parts -> Error parts

    /// Name of a layer, number of its use, and number of the output.
    type private Source = string * int * int

    let private (|Source|_|) (value: ConfigValue) : Source option =
        match value with
        | ConfigValue.List(Text name :: Int call :: Int index :: _) when
            call >= 0L && index >= 0L && call < 1_000_000L && index < 1_000_000L
            ->
            Some(name, int call, int index)
        | _ -> None

    /// The tensors in a call's arguments, in order.
    let rec private tensors (value: ConfigValue) : Source list =
        match value with
        | ConfigValue.Object entries when ConfigRead.get "class_name" entries = Text "__keras_tensor__" ->
            match ConfigRead.get "keras_history" (configOf "__keras_tensor__" entries) with
            | Source source -> [ source ]
            | other -> raise (broken "keras_history" "[name, use, output]" (ConfigRead.show other))
        | ConfigValue.Object entries -> entries |> List.collect (snd >> tensors)
        | ConfigValue.List items -> items |> List.collect tensors
        | _ -> []

    let rec private sources where (value: ConfigValue) : Source list =
        match value with
        | Source source -> [ source ]
        | ConfigValue.List items -> items |> List.collect (sources where)
        | ConfigValue.Object entries -> entries |> List.collect (snd >> sources where)
        | other -> raise (broken where "lists of [name, use, output]" (ConfigRead.show other))

    /// The names of a model's inputs or outputs, if it has them by name.
    let private keysOf (value: ConfigValue) : string[] =
        let isOne (_, item) =
            match item with
            | Source _ -> true
            | _ -> false

        match value with
        | ConfigValue.Object entries when List.forall isOne entries -> entries |> List.map fst |> List.toArray
        | _ -> [||]

    /// How a model's inputs or outputs are nested, if they are more than a list or a dictionary: their numbers in the order of
    /// `sources`.
    let private treeOf (value: ConfigValue) : Nested<int> voption =
        let mutable count = 0

        let rec read (value: ConfigValue) : Nested<int> =
            match value with
            | Source _ ->
                count <- count + 1
                Nested<int>.Of(count - 1)
            | ConfigValue.List items -> Nested<int>.List [| for item in items -> read item |]
            | ConfigValue.Object entries ->
                Nested<int>.Dictionary [| for name, item in entries -> struct (name, read item) |]
            | _ -> Nested<int>.List [||]

        let isOne (value: ConfigValue) =
            match value with
            | Source _ -> true
            | _ -> false

        match value with
        | Source _ -> ValueNone
        | ConfigValue.List items when List.forall isOne items -> ValueNone
        | ConfigValue.Object entries when entries |> List.forall (snd >> isOne) -> ValueNone
        | nested -> ValueSome(read nested)

    /// One use of a layer: its input tensors, those given by name, its other arguments, and the plain shape of the positional
    /// ones, with slots for tensors.
    [<NoEquality; NoComparison>]
    type private Use =
        { Inputs: Source list
          Keywords: (string * Source) list
          Flags: (string * bool) list
          Plain: (string * ConfigValue) list
          Positional: ConfigValue list }

    /// Tensors given by keyword come in the order of these names, whatever their order in the file.
    let private keywordOrder = [ "inputs"; "query"; "value"; "key" ]

    let private useOf (kind: string) (where: string) (value: ConfigValue) : Use =
        match value with
        | ConfigValue.Object entries ->
            let arguments =
                match ConfigRead.get "args" entries with
                | ConfigValue.List arguments -> arguments
                | other -> raise (broken (where + ".inbound_nodes.args") "a list" (ConfigRead.show other))

            let keywords =
                match ConfigRead.get "kwargs" entries with
                | ConfigValue.Object keywords -> keywords
                | _ -> []

            let isNamed (key: string) =
                key.EndsWith(MaskKeyword, StringComparison.Ordinal) || Array.contains key ImagePart.all

            let masks, others = keywords |> List.partition (fun (key, v) -> isNamed key && tensors v <> [])

            // A list of masks has one per input, null where there is none.
            let named (key: string, value: ConfigValue) =
                match value with
                | ConfigValue.List items ->
                    List.zip (List.truncate items.Length LayerConfig.inputMasks) (List.truncate 3 items)
                    |> List.collect (fun (key, item) -> tensors item |> List.map (fun source -> key, source))
                | other -> tensors other |> List.map (fun source -> key, source)

            let rank (key: string) =
                keywordOrder |> List.tryFindIndex (fun k -> k = key) |> Option.defaultValue keywordOrder.Length

            let rec slotted (argument: ConfigValue) =
                match argument with
                | ConfigValue.Object entries when ConfigRead.get "class_name" entries = Text "__keras_tensor__" ->
                    Operation.slot
                | ConfigValue.List items -> ConfigValue.List(List.map slotted items)
                | other -> other

            // An operation's tensors can be given by name too.
            let positional =
                List.map slotted arguments
                @ (others
                   |> List.filter (fun (_, v) -> tensors v <> [])
                   |> List.sortBy (fst >> rank)
                   |> List.map (snd >> slotted))

            let inputs =
                List.collect tensors arguments
                @ (others |> List.sortBy (fst >> rank) |> List.collect (snd >> tensors))

            // Keras writes a mask per input of attention even where none has one.
            let isGiven (key: string, value: ConfigValue) =
                match value with
                | Null -> false
                | ConfigValue.List items -> not (isNamed key && List.forall ((=) Null) items)
                | _ -> true

            let flags, plain =
                others
                |> List.filter (fun (key, v) -> isGiven (key, v) && List.isEmpty (tensors v))
                |> List.partition (fun (key, _) -> LayerConfig.flagArguments.Contains key)

            { Inputs = inputs
              Keywords = List.collect named masks
              Flags =
                flags
                |> List.choose (fun (key, value) ->
                    match value with
                    | Bool value when LayerConfig.isUngivenTraining kind key value -> None
                    | Bool value -> Some(key, value)
                    | Int value when key = TrainingKeyword -> Some(key, value <> 0L)
                    | _ -> None)
              Plain = plain
              Positional = positional }
        | other ->
            // Keras 2: [[name, use, output, keywords], ...].
            let inputs = sources (where + ".inbound_nodes") other

            { Inputs = inputs
              Keywords = []
              Flags = []
              Plain = []
              Positional = inputs |> List.map (fun _ -> Operation.slot) }

    /// A layer of the model with its uses, before their inputs exist.
    [<NoEquality; NoComparison>]
    type private Pending = { Name: string; Layer: Layer; Uses: Use[] }

    let private layerOf
        (read: ConfigValue -> Layer)
        (name: string)
        (entries: (string * ConfigValue) list)
        (uses: Use list)
        =
        let kind = classOf entries

        let moduleName =
            match ConfigRead.get "module" entries with
            | Text text -> text
            | _ -> ""

        match uses with
        | first :: rest ->
            for other in rest do
                if other.Plain <> first.Plain then
                    raise (
                        broken
                            (name + ".inbound_nodes")
                            "the same arguments in every use of a layer"
                            (ConfigRead.show (ConfigValue.Object other.Plain))
                    )

            let operation =
                if Operation.isOperation moduleName then
                    let own = configOf name entries |> List.filter (fun (key, _) -> key <> "name")
                    let options = own @ first.Plain
                    Operation.tryLayer moduleName kind options first.Positional
                else
                    None

            match operation with
            | Some layer -> { layer with LayerName = name }
            | None ->
                // Arguments of the call that are not tensors belong to the layer here.
                let config = ConfigValue.Object(configOf name entries @ first.Plain)
                let others = entries |> List.filter (fun (key, _) -> key <> "config")
                { reading name read (ConfigValue.Object(("config", config) :: others)) with LayerName = name }
        | [] -> { reading name read (ConfigValue.Object entries) with LayerName = name }

    /// A network with several inputs, outputs and shared layers.
    let functional (read: ConfigValue -> Layer) (config: (string * ConfigValue) list) : Network =
        let pending = Dictionary<string, Pending>()
        let order = List<Pending>()
        let nodes = Dictionary<struct (string * int), Node[]>()

        for entries in objects "Functional.layers" (ConfigRead.get "layers" config) do
            let own = configOf "layer" entries

            let name =
                match nameIn entries with
                | "" -> nameIn own
                | name -> name

            if name = "" || pending.ContainsKey name || nodes.ContainsKey(struct (name, 0)) then
                raise (broken "Functional.layers" "a name of its own for every layer" ("\"" + name + "\""))

            if classOf entries = "InputLayer" then
                let options = { inputOptions own with Name = name }
                let isOptional = ConfigRead.get "optional" own = Bool true
                let make = if isOptional then Network.optionalInput else Network.inputWith
                nodes[struct (name, 0)] <- [| make options |]
            else
                let uses =
                    match ConfigRead.get "inbound_nodes" entries with
                    | ConfigValue.List uses -> List.map (useOf (classOf entries) name) uses
                    | Null -> []
                    | other -> raise (broken (name + ".inbound_nodes") "a list" (ConfigRead.show other))

                let made = { Name = name; Layer = layerOf read name entries uses; Uses = List.toArray uses }

                pending[name] <- made
                order.Add made

        let inputs = sources "input_layers" (ConfigRead.get "input_layers" config)
        let outputs = sources "output_layers" (ConfigRead.get "output_layers" config)

        // Keras counts the definition of a nested functional model as its first use: its uses here are numbered from 1.
        let referenced =
            Seq.append
                outputs
                (order |> Seq.collect (fun p -> p.Uses) |> Seq.collect (fun u -> u.Inputs @ List.map snd u.Keywords))

        let fromOne = HashSet<string>()

        for name, number, _ in referenced do
            match pending.TryGetValue name with
            | true, made when number = made.Uses.Length -> fromOne.Add name |> ignore
            | _ -> ()

        let keyOf ((name, number, _): Source) = struct (name, (if fromOne.Contains name then number - 1 else number))

        let resolve (where: string) (source: Source) : Node =
            let name, _, index = source

            match nodes.TryGetValue(keyOf source) with
            | true, found when index < found.Length -> found[index]
            | _ -> raise (broken where "an output of a layer of the model" (name + ", output " + string index))

        let needs (made: Pending) (number: int) =
            let use' = made.Uses[number]
            let before = use'.Inputs @ List.map snd use'.Keywords |> List.map keyOf
            // Uses are numbered as they are made.
            if number > 0 then struct (made.Name, number - 1) :: before else before

        let build (made: Pending) (number: int) =
            let use' = made.Uses[number]
            let inputs = use'.Inputs |> List.map (resolve made.Name)

            let keywords = use'.Keywords |> List.map (fun (key, source) -> key, resolve made.Name source)
            let outputs = Network.applyFlagged made.Layer keywords use'.Flags inputs

            nodes[struct (made.Name, number)] <- List.toArray outputs

        // Depth first without recursion; `started` finds cycles.
        let started = HashSet<struct (string * int)>()
        let stack = Stack<struct (Pending * int * bool)>()

        for made in order do
            for number in 0 .. made.Uses.Length - 1 do
                stack.Push(struct (made, number, false))

                while stack.Count > 0 do
                    let struct (made, number, ready) = stack.Pop()
                    let key = struct (made.Name, number)

                    if ready then
                        build made number
                    elif not (nodes.ContainsKey key) then
                        if not (started.Add key) then
                            raise (broken made.Name "layers in an order in which they can be evaluated" "a cycle")

                        stack.Push(struct (made, number, true))

                        for struct (name, before) as source in needs made number do
                            if not (nodes.ContainsKey source) then
                                match pending.TryGetValue name with
                                | true, other when before >= 0 && before < other.Uses.Length ->
                                    stack.Push(struct (other, before, false))
                                | _ ->
                                    raise (
                                        broken
                                            made.Name
                                            "inputs from layers of the model"
                                            (name + ", use " + string before)
                                    )

        let made =
            Network.create (List.map (resolve "input_layers") inputs) (List.map (resolve "output_layers") outputs)

        let keyed =
            made
            |> Network.keyed
                (keysOf (ConfigRead.get "input_layers" config))
                (keysOf (ConfigRead.get "output_layers" config))

        let nested =
            match treeOf (ConfigRead.get "input_layers" config), treeOf (ConfigRead.get "output_layers" config) with
            | ValueNone, ValueNone -> keyed
            | inputs, outputs ->
                keyed
                |> NetworkNesting.nest
                    (inputs |> ValueOption.defaultValue (NetworkNesting.inputTree keyed))
                    (outputs |> ValueOption.defaultValue (NetworkNesting.outputTree keyed))

        Network.named (nameIn config) nested

    /// Float64 if that is the policy of all layers, as Keras writes it for a model of that type; otherwise layers have their own.
    let floatType (config: (string * ConfigValue) list) : DType =
        let isDouble (layer: ConfigValue) =
            match layer with
            | ConfigValue.Object entries ->
                match ConfigRead.get "config" entries with
                | ConfigValue.Object own ->
                    (match ConfigRead.get "dtype" own with
                     | ConfigValue.Object _ as policy -> dtypeOf "dtype" policy = DType.Float64
                     | Text "float64" -> true
                     | _ -> false)
                | _ -> false
            | _ -> false

        let countsIn (layer: ConfigValue) =
            match layer with
            | ConfigValue.Object entries ->
                (match ConfigRead.get "class_name" entries with
                 | Text("InputLayer" | "Sequential" | "Functional") -> false
                 | _ -> true)
            | _ -> false

        match ConfigRead.get "layers" config with
        | ConfigValue.List layers ->
            let own = layers |> List.filter countsIn
            if not own.IsEmpty && List.forall isDouble own then DType.Float64 else DType.Float32
        | _ -> DType.Float32
