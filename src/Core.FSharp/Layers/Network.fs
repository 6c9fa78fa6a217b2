namespace FunctionalNet

open System
open System.Collections.Generic
open System.Threading
open FunctionalNet.Graph

/// <summary>Models as graphs of layers.</summary>
[<AutoOpen>]
module NetworkTypes =

    /// <summary>What a model takes as one of its inputs.</summary>
    type InputSpec =
        {
            /// <summary>Its name; empty to be named by the model.</summary>
            Name: string
            /// <summary>Sizes without the batch; -1 where any size will do.</summary>
            Shape: int list
            /// <summary>Element type of the data.</summary>
            DType: DType
        }

    /// <summary>A value that will flow between layers: the result of applying a layer to other nodes, or an input of the
    /// model. Its shape is known, except for sizes that depend on the data.</summary>
    [<ReferenceEquality; NoComparison>]
    type Node =
        internal
            {
                Call: LayerCall
                /// Which of the call's outputs.
                Index: int
                Dims: int[]
                Element: DType
                MaskDims: int[] voption
            }

        /// <summary>Sizes, the batch first; -1 where the size depends on the data.</summary>
        member this.Shape: IReadOnlyList<int> = this.Dims

        /// <summary>Element type.</summary>
        member this.DType = this.Element

        /// <summary>True if a mask comes with the value.</summary>
        member this.HasMask = this.MaskDims.IsSome

    /// One application of a layer.
    and [<ReferenceEquality; NoComparison>] internal LayerCall =
        { /// Calls are numbered as they are made.
          Id: int64
          Target: Layer
          /// Set for inputs of the model.
          Input: InputSpec voption
          Arguments: Node[]
          /// The variables the layer declared, under its own name.
          Declared: VariableSpec[]
          mutable Results: Node[] }

    /// A layer of a model, with all its applications.
    [<NoEquality; NoComparison>]
    type internal NetworkEntry =
        { EntryName: string
          EntryLayer: Layer
          Calls: LayerCall[] }

    /// <summary>A model: a directed graph of layers without cycles. Immutable, and without weights.</summary>
    [<ReferenceEquality; NoComparison>]
    type Network =
        internal
            {
                NetworkName: string
                /// A chain that Keras saves as Sequential.
                IsSequential: bool
                InputNodes: Node[]
                OutputNodes: Node[]
                /// In Keras's order: by depth, then by first visit from the outputs.
                Entries: NetworkEntry[]
                /// Calls in an order in which they can run.
                Order: struct (string * LayerCall)[]
                Specs: Lazy<VariableSpec[]>
            }

        /// <summary>The name given by the user; empty if there is none.</summary>
        member this.Name = this.NetworkName

        /// <summary>The inputs, in order.</summary>
        member this.Inputs: IReadOnlyList<Node> = this.InputNodes

        /// <summary>The outputs, in order.</summary>
        member this.Outputs: IReadOnlyList<Node> = this.OutputNodes

    /// <summary>What a model's overview says about one layer.</summary>
    type LayerInfo =
        {
            /// <summary>Its name in the model.</summary>
            Name: string
            /// <summary>Keras's class name.</summary>
            ClassName: string
            /// <summary>Shapes of the outputs of its first application; -1 for unknown sizes.</summary>
            OutputShapes: int list list
            /// <summary>Numbers in its trainable variables.</summary>
            TrainableCount: int64
            /// <summary>Numbers in its other variables: running statistics, and all variables if it is frozen.</summary>
            NonTrainableCount: int64
            /// <summary>Where its inputs come from: layer name, which application, which output.</summary>
            Inputs: (string * int * int) list
        }

/// Finding the shapes of layers' results.
module internal ShapeProbe =

    // Sizes for unknown axes: two different ones show which sizes of a result depend on them. Those of the data axes are
    // large enough for deep stacks of strides, and multiples of powers of two so that down- and up-sampling meet again.
    let private probes = [| struct (3, 128); struct (5, 192) |]

    let sizes (struct (batch, other)) (dims: int[]) =
        Shape.Of(dims |> Array.mapi (fun i d -> if d >= 0 then d elif i = 0 then batch else other))

    let flow probe (node: Node) : Flow =
        let leaf name dtype dims = Expr.Input(name, dtype, sizes probe dims)

        { Value = leaf "x" node.Element node.Dims
          Mask =
            match node.MaskDims with
            | ValueSome dims -> ValueSome(leaf "mask" DType.Bool dims)
            | ValueNone -> ValueNone }

    let private trace name (layer: Layer) (inputs: Node[]) probe =
        let trace = Trace(Mode.Infer, DType.Float32, (fun _ -> false))
        let scope = Scope(trace, "", false)
        let outputs = Layer.call (enter scope name layer) layer (inputs |> Array.map (flow probe))
        outputs, trace.Variables |> Array.map (fun (struct (spec, _)) -> spec)

    /// -1 where two shapes differ.
    let private common (path: string) (a: Shape) (b: Shape) : int[] =
        if a.Rank <> b.Rank then
            raise (
                ShapeException(
                    "The rank of a layer's result depends on the size of its input.",
                    path,
                    "one rank for every size",
                    a.ToString() + " and " + b.ToString(),
                    "Let the layer's function give results of one rank."
                )
            )

        Array.init a.Rank (fun i -> if a[i] = b[i] then a[i] else -1)

    /// Types of a layer's outputs for inputs with unknown sizes, and the variables it declares.
    let infer (name: string) (layer: Layer) (inputs: Node[]) : struct (int[] * DType * int[] voption)[] * VariableSpec[] =
        let first, variables = trace name layer inputs probes[0]
        let second, again = trace name layer inputs probes[1]

        Array.zip variables again
        |> Array.tryFind (fun (a, b) -> not (a.Shape.Equals b.Shape))
        |> Option.iter (fun (a, b) ->
            raise (
                ShapeException(
                    "The shape of a weight depends on an unknown size.",
                    a.Path,
                    "known sizes on the axes that weights depend on",
                    a.Shape.ToString() + " or " + b.Shape.ToString() + ", depending on the data",
                    "Give the model's input that size instead of -1."
                )
            ))

        let outputs =
            Array.zip first second
            |> Array.map (fun (a, b) ->
                let mask =
                    match a.Mask, b.Mask with
                    | ValueSome m, ValueSome n -> ValueSome(common name m.Shape n.Shape)
                    | _ -> ValueNone

                struct (common name a.Value.Shape b.Value.Shape, a.Value.DType, mask))

        outputs, variables

/// <summary>The functional API: inputs, layers applied to nodes, and models made of them.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Network =

    let mutable private counter = 0L

    let private newCall (layer: Layer) input (arguments: Node[]) declared (types: struct (int[] * DType * int[] voption)[]) =
        let call =
            { Id = Interlocked.Increment &counter
              Target = layer
              Input = input
              Arguments = arguments
              Declared = declared
              Results = [||] }

        call.Results <-
            types
            |> Array.mapi (fun i (struct (dims, dtype, mask)) ->
                { Call = call
                  Index = i
                  Dims = dims
                  Element = dtype
                  MaskDims = mask })

        call

    /// <summary>An input described in full.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">A size is below -1, or 0.</exception>
    let inputWith (spec: InputSpec) : Node =
        if spec.Shape |> List.exists (fun d -> d < -1 || d = 0) then
            raise (
                ShapeException(
                    "An input has a size that cannot be.",
                    spec.Name,
                    "positive sizes, or -1 for any",
                    "(" + String.Join(", ", spec.Shape) + ")",
                    "Give the shape without the batch."
                )
            )

        let layer = { Layer.make "InputLayer" None (fun _ inputs -> inputs) with LayerName = spec.Name }
        let call = newCall layer (ValueSome spec) [||] [||] [| struct (List.toArray (-1 :: spec.Shape), spec.DType, ValueNone) |]
        call.Results[0]

    /// <summary>A float32 input of that shape, without the batch; -1 where any size will do.</summary>
    /// <example><code>let x = Network.input [ 784 ]</code></example>
    let input (shape: int list) : Node =
        inputWith
            { Name = ""
              Shape = shape
              DType = DType.Float32 }

    /// The name a layer would get in a model of the nodes it builds on.
    let private nameAmong (layer: Layer) (inputs: Node[]) =
        let seen = HashSet<LayerCall>(HashIdentity.Reference)
        let stack = Stack<LayerCall>(inputs |> Array.map (fun n -> n.Call))

        while stack.Count > 0 do
            let call = stack.Pop()

            if seen.Add call then
                for argument in call.Arguments do
                    stack.Push argument.Call

        let before = seen |> Seq.sortBy (fun c -> c.Id) |> Seq.map (fun c -> c.Target) |> Seq.filter (fun l -> not (obj.ReferenceEquals(l, layer)))
        let layers = before |> Seq.distinctBy (fun l -> HashIdentity.Reference.GetHashCode l, l.LayerName) |> Seq.toArray
        (Layer.assignNames (Array.append layers [| layer |]))[layers.Length]

    /// <summary>Applies a layer to several nodes and gives all of its outputs. A layer applied more than once shares its
    /// weights.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">The shapes do not fit; the error has the layer's path.</exception>
    let applyAll (layer: Layer) (inputs: Node list) : Node list =
        let inputs = List.toArray inputs
        let stem = if layer.LayerName = "" then Layer.snakeCase layer.Kind else layer.LayerName

        let types, declared =
            try
                ShapeProbe.infer stem layer inputs
            with :? FunctionalNetException when layer.LayerName = "" ->
                // Once more, for an error that has the name the layer would get.
                ShapeProbe.infer (nameAmong layer inputs) layer inputs

        let call = newCall layer ValueNone inputs declared types
        List.ofArray call.Results

    let private only (layer: Layer) (outputs: Node list) =
        match outputs with
        | [ one ] -> one
        | many ->
            raise (
                ShapeException(
                    "A layer with one output was expected.",
                    layer.LayerName,
                    "1 output",
                    string many.Length + " outputs of " + layer.Kind,
                    "Use Network.applyAll."
                )
            )

    /// <summary>Applies a layer to a node.</summary>
    /// <example><code>let h = Network.input [ 784 ] |> Network.apply (Layer.dense 64)</code></example>
    /// <exception cref="T:FunctionalNet.ShapeException">The shapes do not fit; the error has the layer's path.</exception>
    let apply (layer: Layer) (node: Node) : Node = applyAll layer [ node ] |> only layer

    /// <summary>Applies a layer that takes several inputs, such as Layer.add, to nodes.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">The shapes do not fit; the error has the layer's path.</exception>
    let merge (layer: Layer) (nodes: Node list) : Node = applyAll layer nodes |> only layer

    // ---- Making a model of nodes

    /// What tells layers of a model apart: the instance, or the name if it is shared by name.
    let private identity (layer: Layer) : obj =
        if layer.Shared then layer.LayerName :> obj else layer :> obj

    /// Calls in the order in which a depth-first visit from the outputs leaves them, and layers in the order it meets them.
    let private visit (inputs: Node[]) (outputs: Node[]) =
        let finished = HashSet<LayerCall>(HashIdentity.Reference)
        let open' = HashSet<LayerCall>(HashIdentity.Reference)
        let order = List<LayerCall>()
        let met = Dictionary<obj, int>()
        let stack = Stack<struct (LayerCall * int)>()
        let given = HashSet<LayerCall>(inputs |> Array.map (fun n -> n.Call), HashIdentity.Reference)

        let enterCall (call: LayerCall) =
            if not (finished.Contains call) && open'.Add call then
                if call.Input.IsSome && not (given.Contains call) then
                    raise (
                        GraphException(
                            "An output depends on an input that the model does not have.",
                            call.Target.LayerName,
                            "all inputs that the outputs depend on",
                            "an input of shape (" + String.Join(", ", call.Results[0].Dims) + ") is missing",
                            "Add it to the inputs of the model."
                        )
                    )

                met.TryAdd(identity call.Target, met.Count) |> ignore
                stack.Push(struct (call, 0))

        for output in outputs do
            enterCall output.Call

            while stack.Count > 0 do
                let struct (call, next) = stack.Pop()

                if next = call.Arguments.Length then
                    finished.Add call |> ignore
                    order.Add call
                else
                    stack.Push(struct (call, next + 1))
                    enterCall call.Arguments[next].Call

        for node in inputs do
            if not (finished.Contains node.Call) then
                met.TryAdd(identity node.Call.Target, -1) |> ignore
                order.Add node.Call

        order.ToArray(), met

    /// Distance of calls and layers from the outputs, by Keras's rule.
    let private depths (order: LayerCall[]) =
        let ofCall = Dictionary<LayerCall, int>(HashIdentity.Reference)
        let ofLayer = Dictionary<obj, int>()

        let known (table: Dictionary<'k, int>) key =
            match table.TryGetValue key with
            | true, depth -> depth
            | _ -> 0

        for call in Array.rev order do
            let key = identity call.Target
            let depth = max (known ofCall call) (known ofLayer key)
            ofCall[call] <- depth
            ofLayer[key] <- depth

            for argument in call.Arguments do
                ofCall[argument.Call] <- max (depth + 1) (known ofCall argument.Call)

        ofCall, ofLayer

    let private runCalls (inputs: Node[]) (outputs: Node[]) (order: struct (string * LayerCall)[]) (scope: Scope) (flows: Flow[]) =
        if flows.Length <> inputs.Length then
            raise (
                ShapeException(
                    "The model takes another number of inputs.",
                    "",
                    string inputs.Length + " inputs",
                    string flows.Length,
                    "Give one value per input of the model."
                )
            )

        let results = Dictionary<LayerCall, Flow[]>(HashIdentity.Reference)
        inputs |> Array.iteri (fun i node -> results[node.Call] <- [| flows[i] |])

        for struct (name, call) in order do
            if call.Input.IsNone then
                let arguments = call.Arguments |> Array.map (fun node -> results[node.Call][node.Index])
                results[call] <- Layer.call (enter scope name call.Target) call.Target arguments

        outputs |> Array.map (fun node -> results[node.Call][node.Index])

    let private traceWith mode floatType frozen inputs outputs order flows : Traced =
        let layer = Layer.make "Functional" None (runCalls inputs outputs order)
        Layer.trace mode floatType frozen layer flows

    let private build (name: string) (sequential: bool) (inputs: Node[]) (outputs: Node[]) : Network =
        if inputs.Length = 0 || outputs.Length = 0 then
            raise (GraphException("A model has inputs and outputs.", name, "at least one of each", string inputs.Length + " inputs and " + string outputs.Length + " outputs", "Give both lists."))

        for node in inputs do
            if node.Call.Input.IsNone then
                raise (
                    GraphException(
                        "An input of a model is not an input node.",
                        node.Call.Target.LayerName,
                        "nodes made by Network.input",
                        "the result of " + node.Call.Target.Kind,
                        "Make a model from a new input by applying the layers again: they share their weights."
                    )
                )

        if (inputs |> Array.distinctBy (fun n -> n.Call.Id)).Length <> inputs.Length then
            raise (GraphException("An input occurs twice.", name, "different inputs", "the same node twice", "Name every input once."))

        let order, met = visit inputs outputs
        let ofCall, ofLayer = depths order

        // Names go by the order in which layers were applied, as they do in Keras.
        let layers =
            order
            |> Array.sortBy (fun c -> c.Id)
            |> Array.map (fun c -> c.Target)
            |> Array.distinctBy (fun l -> struct (l.Shared, l.LayerName, (if l.Shared then 0 else Runtime.CompilerServices.RuntimeHelpers.GetHashCode l)))

        let names = Dictionary<obj, string>()
        Array.iter2 (fun (layer: Layer) name -> names[identity layer] <- name) layers (Layer.assignNames layers)

        let sorted =
            order
            |> Array.sortBy (fun c -> struct (-ofCall[c], met[identity c.Target], c.Id))
            |> Array.map (fun c -> struct (names[identity c.Target], c))

        let entries =
            order
            |> Array.groupBy (fun c -> names[identity c.Target])
            |> Array.sortBy (fun (_, calls) ->
                let key = identity calls[0].Target
                struct (-ofLayer[key], met[key]))
            |> Array.map (fun (name, calls) ->
                { EntryName = name
                  EntryLayer = calls[0].Target
                  Calls = calls |> Array.sortBy (fun c -> c.Id) })

        let specs =
            lazy
                (let flows = inputs |> Array.map (ShapeProbe.flow (struct (2, 128)))
                 let traced = traceWith Mode.Infer DType.Float32 (fun _ -> false) inputs outputs sorted flows
                 traced.Variables |> Array.map (fun (struct (spec, _)) -> spec))

        { NetworkName = name
          IsSequential = sequential
          InputNodes = inputs
          OutputNodes = outputs
          Entries = entries
          Order = sorted
          Specs = specs }

    /// <summary>A model from its inputs to its outputs.</summary>
    /// <exception cref="T:FunctionalNet.GraphException">An output depends on an input that is not given.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">Two layers have the same name.</exception>
    let create (inputs: Node list) (outputs: Node list) : Network =
        build "" false (List.toArray inputs) (List.toArray outputs)

    /// <summary>A model of a pipeline: every part of a serial layer becomes a layer of the model.</summary>
    /// <param name="inputs">One specification per input.</param>
    /// <param name="layer">The pipeline, or any layer.</param>
    let ofLayer (inputs: InputSpec list) (layer: Layer) : Network =
        let start = inputs |> List.map inputWith

        let parts =
            if layer.Kind = "Sequential" && layer.Parts.Length > 0 then
                layer.Parts
                |> Array.map (fun (name, part) ->
                    { part with
                        LayerName = name
                        Frozen = part.Frozen || layer.Frozen })
                |> Array.toList
            else
                [ layer ]

        let outputs = (start, parts) ||> List.fold (fun nodes part -> applyAll part nodes)
        let name = if layer.Kind = "Sequential" then layer.LayerName else ""
        build name (inputs.Length = 1 && outputs.Length = 1) (List.toArray start) (List.toArray outputs)

    /// <summary>The model under that name.</summary>
    let named (name: string) (network: Network) : Network = { network with NetworkName = name }

    // ---- Tracing

    /// The graph of a model for inputs of given shapes.
    let internal trace (mode: Mode) (floatType: DType) (frozen: string -> bool) (network: Network) (inputs: Flow[]) : Traced =
        traceWith mode floatType frozen network.InputNodes network.OutputNodes network.Order inputs

    /// <summary>The model's variables in the order of its layers: trainable ones and state.</summary>
    let variables (network: Network) : VariableSpec[] = Array.copy network.Specs.Value

    /// The first values of all variables under a seed.
    let internal init (seed: uint64) (network: Network) : (VariableSpec * Tensor)[] =
        Layer.initialize seed network.Specs.Value

    /// The inputs' specifications, with the names they have in the model.
    let inputSpecs (network: Network) : InputSpec list =
        network.InputNodes
        |> Array.map (fun node ->
            let entry = network.Entries |> Array.find (fun e -> e.Calls |> Array.exists (fun c -> obj.ReferenceEquals(c, node.Call)))
            { node.Call.Input.Value with Name = entry.EntryName })
        |> List.ofArray

    /// Name, number of the application, and number of the output of a node.
    let internal history (network: Network) (node: Node) : string * int * int =
        let entry =
            network.Entries
            |> Array.find (fun e -> e.Calls |> Array.exists (fun c -> obj.ReferenceEquals(c, node.Call)))

        entry.EntryName, entry.Calls |> Array.findIndex (fun c -> obj.ReferenceEquals(c, node.Call)), node.Index

    /// <summary>The names of the outputs: those of the layers they come from.</summary>
    let outputNames (network: Network) : string list =
        [ for node in network.OutputNodes ->
              let name, _, _ = history network node
              name ]

    // ---- Overview

    let internal countOf (specs: VariableSpec seq) = specs |> Seq.sumBy (fun s -> int64 s.Shape.Size)

    /// <summary>The layers in Keras's order, with shapes, counts and connections.</summary>
    let layers (network: Network) : LayerInfo list =
        [ for entry in network.Entries ->
              let declared = entry.Calls[0].Declared
              let trains (s: VariableSpec) = s.Trainable && not s.Frozen

              { Name = entry.EntryName
                ClassName = entry.EntryLayer.Kind
                OutputShapes = [ for node in entry.Calls[0].Results -> List.ofArray node.Dims ]
                TrainableCount = declared |> Seq.filter trains |> countOf
                NonTrainableCount = declared |> Seq.filter (trains >> not) |> countOf
                Inputs = [ for call in entry.Calls do for node in call.Arguments -> history network node ] } ]

    // ---- Configuration

    let private dims (values: int[]) =
        ConfigValue.List [ for d in values -> if d < 0 then Null else Int(int64 d) ]

    let private inputConfig name (node: Node) =
        ConfigValue.Object
            [ "module", Text "keras.layers"
              "class_name", Text "InputLayer"
              "config",
              ConfigValue.Object
                  [ "batch_shape", dims node.Dims
                    "dtype", Text(DType.name node.Element)
                    "sparse", Bool false
                    "name", Text name ]
              "registered_name", Null ]

    let private tensorConfig network (node: Node) =
        let name, call, index = history network node

        ConfigValue.Object
            [ "class_name", Text "__keras_tensor__"
              "config",
              ConfigValue.Object
                  [ "shape", dims node.Dims
                    "dtype", Text(DType.name node.Element)
                    "keras_history", ConfigValue.List [ Text name; Int(int64 call); Int(int64 index) ] ] ]

    /// Classes whose call takes a list of tensors; others take tensors one by one.
    let private takesList =
        HashSet<string>(
            [ "Add"; "Subtract"; "Multiply"; "Average"; "Maximum"; "Minimum"; "Concatenate"; "Dot"; "Functional"
              "ParallelMerge"; "Attention"; "AdditiveAttention" ]
        )

    /// Arguments of a layer's call that this library keeps in its configuration.
    let private callArguments = HashSet<string>([ "use_causal_mask"; "return_attention_scores" ])

    let private split (value: ConfigValue) : ConfigValue * (string * ConfigValue) list =
        match value with
        | ConfigValue.Object entries ->
            let mutable moved = []

            let kept =
                entries
                |> List.map (fun (key, value) ->
                    match key, value with
                    | "config", ConfigValue.Object arguments ->
                        let call, own = arguments |> List.partition (fun (k, _) -> callArguments.Contains k)
                        moved <- call |> List.filter (fun (_, v) -> v <> Bool false)
                        key, ConfigValue.Object own
                    | _ -> key, value)

            ConfigValue.Object kept, moved
        | other -> other, []

    let private entryConfig network (entry: NetworkEntry) =
        let value, kwargs =
            match entry.Calls[0].Input with
            | ValueSome _ -> inputConfig entry.EntryName entry.Calls[0].Results[0], []
            | ValueNone -> split (LayerConfig.toValue entry.EntryName entry.EntryLayer)

        let inbound (call: LayerCall) =
            let tensors = [ for node in call.Arguments -> tensorConfig network node ]
            let arguments = if takesList.Contains call.Target.Kind && tensors.Length > 1 then [ ConfigValue.List tensors ] else tensors
            ConfigValue.Object [ "args", ConfigValue.List arguments; "kwargs", ConfigValue.Object kwargs ]

        match value with
        | ConfigValue.Object entries ->
            let nodes =
                if entry.Calls[0].Input.IsSome then [] else [ for call in entry.Calls -> inbound call ]

            ConfigValue.Object(entries @ [ "name", Text entry.EntryName; "inbound_nodes", ConfigValue.List nodes ])
        | other -> other

    let private ends network (nodes: Node[]) =
        ConfigValue.List
            [ for node in nodes ->
                  let name, call, index = history network node
                  ConfigValue.List [ Text name; Int(int64 call); Int(int64 index) ] ]

    let private className (network: Network) =
        if network.IsSequential then "Sequential" else "Functional"

    /// The name, or the class's if there is none.
    let internal nameOf (network: Network) =
        if network.NetworkName = "" then Layer.snakeCase (className network) else network.NetworkName

    let private arguments (network: Network) : (string * ConfigValue) list =
        if network.IsSequential then
            [ "layers",
              ConfigValue.List
                  [ for entry in network.Entries ->
                        match entry.Calls[0].Input with
                        | ValueSome _ -> inputConfig entry.EntryName entry.Calls[0].Results[0]
                        | ValueNone -> LayerConfig.toValue entry.EntryName entry.EntryLayer ]
              "build_input_shape", dims network.InputNodes[0].Dims ]
        else
            [ "layers", ConfigValue.List [ for entry in network.Entries -> entryConfig network entry ]
              "input_layers", ends network network.InputNodes
              "output_layers", ends network network.OutputNodes ]

    /// <summary>The model as a layer, for use in other models: its layers keep their names under its own.</summary>
    let asLayer (network: Network) : Layer =
        // What cannot be saved must still be usable.
        let config =
            try
                Some
                    { ClassName = className network
                      Arguments = arguments network }
            with :? NotReadyException ->
                None

        { Layer.make (className network) config (runCalls network.InputNodes network.OutputNodes network.Order) with
            LayerName = network.NetworkName }

    /// <summary>The model's architecture as Keras 3 writes it: class Sequential or Functional.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">A layer holds a function without a name.</exception>
    let toConfig (network: Network) : ConfigValue =
        let layer =
            { Layer.make (className network) (Some { ClassName = className network; Arguments = arguments network }) (fun _ x -> x) with
                LayerName = nameOf network }

        LayerConfig.toValue layer.LayerName layer

    /// <summary>The model's architecture as JSON text that Keras 3 reads too.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">A layer holds a function without a name.</exception>
    let toJson (network: Network) : string = Json.write false (toConfig network)
