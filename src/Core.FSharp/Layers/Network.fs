namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Graph

/// Evaluating a network, as its own layer does.
module internal NetworkRun =

    /// An input as the network declared it: another number type is converted, and a last axis of size 1 may be missing or
    /// too many, as in Keras.
    let private accept (scope: Scope) (node: Node) (flow: Flow) : Flow =
        let wrongShape (x: Expr) =
            raise (
                ShapeException(
                    "An input does not have the shape the network was built for.",
                    (if scope.Path = "" then node.Name else scope.Path + "/" + node.Name),
                    node.ToString(),
                    x.Shape.ToString(),
                    "Reshape the data, or build the network for this shape."
                )
            )

        let reshaped =
            let x = flow.Value

            if x.Rank = node.Rank then
                x
            elif x.Rank = node.Rank - 1 && node.Shape[node.Rank - 1] = 1 then
                OpsSupport.reshapeTo (Shape.Of(Array.append (x.Shape.ToArray()) [| 1 |])) x
            elif x.Rank = node.Rank + 1 && x.Shape[-1] = 1 then
                OpsSupport.reshapeTo (Shape.Of((x.Shape.ToArray())[.. x.Rank - 2])) x
            else
                wrongShape x

        for i in 0 .. node.Rank - 1 do
            if node.Shape[i] >= 0 && node.Shape[i] <> reshaped.Shape[i] then
                wrongShape flow.Value

        let wanted = if DType.isFloating node.DType then scope.FloatType else node.DType

        let value =
            if reshaped.DType = wanted then
                reshaped
            elif DType.isFloating reshaped.DType && not (DType.isFloating wanted) then
                raise (
                    DTypeException(
                        "An input does not have the element type the network was built for.",
                        (if scope.Path = "" then node.Name else scope.Path + "/" + node.Name),
                        DType.name wanted,
                        DType.name reshaped.DType,
                        "Convert the values first, or build the network with a floating-point input."
                    )
                )
            else
                Expr.Node(Cast wanted, [| reshaped |])

        flow |> Flow.withValue value

    /// What stands for an optional input that is not given: a value without elements.
    let absent: Flow = Flow.ofValue (Expr.Constant(Tensor.Zeros(DType.Float32, Shape.Of 0)))

    let private isAbsent (node: Node) (flow: Flow) = node.IsOptional && flow.Value.Shape.Size = 0

    /// The inputs of a step. Layers do not see what is absent; a network inside does, for it says which of its inputs are optional.
    let private inputsOf (step: NetworkStep) (slots: Flow voption[]) : Flow[] =
        match box step.Entry.Layer.Run with
        | :? NetworkFunction -> step.Inputs |> Array.map (fun slot -> ValueOption.defaultValue absent slots[slot])
        | _ ->
            step.Inputs
            |> Array.filter (fun slot -> slots[slot].IsSome)
            |> Array.map (fun slot -> slots[slot].Value)

    /// The outputs for these inputs; variables are declared under the scope. A layer that gets nothing, since all its inputs
    /// are absent, gives nothing.
    let run (network: Network) (scope: Scope) (flows: Flow[]) : Flow[] =
        let left = network.Inputs |> Seq.skip (min flows.Length network.Inputs.Count)

        if flows.Length > network.Inputs.Count || left |> Seq.exists (fun node -> not node.IsOptional) then
            raise (
                ShapeException(
                    "A network got another number of inputs than it has.",
                    scope.Path,
                    string network.Inputs.Count
                    + " inputs: "
                    + String.Join(", ", network.Inputs |> Seq.map (fun n -> n.Name)),
                    string flows.Length,
                    "Give one value for every input, in their order."
                )
            )

        let slots: Flow voption[] = Array.create network.SlotCount ValueNone

        for i in 0 .. flows.Length - 1 do
            if not (isAbsent network.Inputs[i] flows[i]) then
                slots[network.InputSlots[i]] <- ValueSome(accept scope network.Inputs[i] flows[i])

        for step in network.Steps do
            if step.Inputs |> Array.exists (fun slot -> slots[slot].IsSome) then
                let entry = step.Entry
                let inputs = inputsOf step slots

                let keywords =
                    [| for key, slot in step.Keywords do
                           match slots[slot] with
                           | ValueSome flow -> key, flow.Value
                           | ValueNone -> () |]

                let inner = enter scope entry.Name entry.Layer
                bindKeywords inner keywords inputs
                bindFlags inner step.Flags
                let outputs = Layer.call inner entry.Layer inputs

                if outputs.Length <> step.OutputCount then
                    raise (
                        ShapeException(
                            "A layer gave another number of outputs than when the network was built.",
                            entry.Name,
                            string step.OutputCount + " outputs",
                            string outputs.Length,
                            "The number of outputs must not depend on sizes or on training."
                        )
                    )

                for i in 0 .. outputs.Length - 1 do
                    slots[step.Output + i] <- ValueSome outputs[i]

        Array.map2
            (fun slot (node: Node) ->
                match slots[slot] with
                | ValueSome flow -> flow
                | ValueNone ->
                    raise (
                        DataException(
                            "An output is computed from inputs that are all absent.",
                            (if scope.Path = "" then node.Name else scope.Path + "/" + node.Name),
                            "one of the inputs it is computed from",
                            "none",
                            "Give at least one of the optional inputs."
                        )
                    ))
            network.OutputSlots
            (Seq.toArray network.Outputs)

    /// A network's evaluation as a function value from which the network can be had back: the layer of a network keeps it
    /// under every name.
    [<Sealed>]
    type Function(network: Network) =
        inherit NetworkFunction()
        member _.Network = network
        override _.Invoke(scope: Scope) = fun flows -> run network scope flows
        override _.Invoke(scope: Scope, flows: Flow[]) = run network scope flows

    let functionOf (network: Network) : Scope -> Flow[] -> Flow[] = unbox (box (Function network))

    /// The network inside a layer, if there is one.
    let networkOf (layer: Layer) : Network voption =
        match box layer.Run with
        | :? Function as f -> ValueSome f.Network
        | _ -> ValueNone

    /// The path of an entry below a container's path.
    let entryPath (path: string) (name: string) (layer: Layer) =
        if layer.Shared || path = "" then name else path + "/" + name

    /// Variables in Keras's order: layer by layer, and within a layer its own (trained before not trained), then those of
    /// its parts.
    let inKerasOrder (network: Network) (declared: VariableSpec[]) : VariableSpec[] =
        let own = Dictionary<string, List<VariableSpec>>()
        let parts = Dictionary<string, List<string>>()
        let known = HashSet<string>()

        let parentOf (path: string) =
            let slash = path.LastIndexOf '/'
            if slash < 0 then "" else path.Substring(0, slash)

        let listOf (map: Dictionary<string, List<'v>>) (key: string) =
            match map.TryGetValue key with
            | true, list -> list
            | _ ->
                let list = List<'v>()
                map[key] <- list
                list

        for spec in declared do
            (listOf own (parentOf spec.Path)).Add spec
            // Every level of the path is a part of the level above, from the first variable below it on.
            let mutable path = parentOf spec.Path

            while path <> "" && known.Add path do
                let parent = parentOf path
                (listOf parts parent).Add path
                path <- parent

        let ordered = List<VariableSpec>()
        let taken = HashSet<string>()

        let takeOwn (path: string) =
            match own.TryGetValue path with
            | true, specs ->
                for trainable in [| true; false |] do
                    for spec in specs do
                        if spec.Trainable = trainable && taken.Add spec.Path then ordered.Add spec
            | _ -> ()

        let visited = HashSet<string>()

        // Keras counts the kernel that SpectralNormalization normalises as its own.
        let takeNormalized (path: string) =
            declared
            |> Array.tryFind (fun spec ->
                spec.Path.StartsWith(path + "/", System.StringComparison.Ordinal)
                && (spec.Path.EndsWith "/kernel" || spec.Path.EndsWith "/embeddings"))
            |> Option.iter (fun spec -> if taken.Add spec.Path then ordered.Add spec)

        let rec takeLayer (path: string) (layer: Layer voption) =
            if visited.Add path then
                match layer with
                | ValueSome layer when layer.Kind = "SpectralNormalization" -> takeNormalized path
                | _ -> ()

                takeOwn path

                match layer with
                | ValueSome layer ->
                    match networkOf layer with
                    | ValueSome inner -> takeNetwork path inner
                    | ValueNone ->
                        for name, part in layer.Parts do
                            takeLayer (entryPath path name part) (ValueSome part)
                | ValueNone -> ()

                match parts.TryGetValue path with
                | true, children ->
                    for child in children do
                        takeLayer child ValueNone
                | _ -> ()

        and takeNetwork (path: string) (network: Network) =
            for entry in network.Entries do
                takeLayer (entryPath path entry.Name entry.Layer) (ValueSome entry.Layer)

        takeNetwork "" network

        // What layers share at the root from deeper places comes last.
        for spec in declared do
            if taken.Add spec.Path then ordered.Add spec

        ordered.ToArray()

/// <summary>Keras's functional API: describe inputs, apply layers to them, and make a network of inputs and outputs. Every
/// shape and element type is checked as a layer is applied.</summary>
/// <example><code>
/// let x = Network.input [ 784 ]
/// let y = x |> Network.apply (Layers.dense 10)
/// let network = Network.create [ x ] [ y ]
/// </code></example>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Network =

    /// <summary>A floating-point input. Keras: Input(shape).</summary>
    /// <param name="shape">Sizes without the batch axis; -1 where the size is unknown.</param>
    let input (shape: int list) : Node =
        NetworkBuild.input { Name = ""; Shape = shape; DType = DType.Float32; BatchSize = None } false

    /// <summary>An input with a name, an element type and perhaps a fixed batch size. Keras: Input(shape, batch_size, dtype,
    /// name).</summary>
    let inputWith (options: InputOptions) : Node = NetworkBuild.input options false

    /// <summary>An input that need not be given: data by name may leave it out, and data in order if it comes last. Layers that
    /// get several inputs do not see it then, and those that get nothing give nothing. Keras: Input(optional=True).</summary>
    let optionalInput (options: InputOptions) : Node = NetworkBuild.input options true

    /// An input like another one under a name.
    let private inputLike (name: string) (node: Node) : Node =
        let dims = Seq.toList node.Shape

        NetworkBuild.input
            { Name = name
              Shape = List.tail dims
              DType = node.DType
              BatchSize = if dims.Head < 0 then None else Some dims.Head }
            node.IsOptional

    let private needsOne (layer: Layer) (nodes: Node[]) =
        if nodes.Length <> 1 then
            raise (
                ArgumentValueException(
                    "The layer gives more than one output.",
                    NetworkTyping.provisional layer,
                    "a layer with one output",
                    string nodes.Length + " outputs",
                    "Use Network.applyMany, which gives the list of all outputs."
                )
            )

        nodes[0]

    /// <summary>A layer with several inputs or outputs applied to symbolic tensors.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">The shapes do not fit; the error names the layer.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">The element types do not fit; the error names the layer.</exception>
    let applyMany (layer: Layer) (nodes: Node list) : Node list =
        NetworkBuild.call layer (List.toArray nodes) [||] [||] |> Array.toList

    /// <summary>A layer applied to a symbolic tensor. One layer value applied twice is one layer with one set of weights.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">The shapes do not fit; the error names the layer.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">The element types do not fit; the error names the layer.</exception>
    let apply (layer: Layer) (node: Node) : Node = NetworkBuild.call layer [| node |] [||] [||] |> needsOne layer

    /// <summary>A layer with several inputs and one output, such as Concatenate, applied to symbolic tensors.</summary>
    let merge (layer: Layer) (nodes: Node list) : Node =
        NetworkBuild.call layer (List.toArray nodes) [||] [||] |> needsOne layer

    let internal applyFlagged (layer: Layer) keywords flags (nodes: Node list) : Node list =
        for key, mask: Node in keywords do
            if key = MaskKeyword && mask.DType <> DType.Bool then
                raise (
                    DTypeException(
                        "A mask must hold truth values.",
                        NetworkTyping.provisional layer,
                        "bool",
                        DType.name mask.DType,
                        "Compare first, for example with a layer that gives x != 0."
                    )
                )

        NetworkBuild.call layer (List.toArray nodes) (List.toArray keywords) (List.toArray flags)
        |> Array.toList

    /// <summary>No argument besides the inputs.</summary>
    let callOptions: CallOptions =
        { Tensors = []; UseCausalMask = None; ReturnAttentionScores = None; Training = None }

    /// <summary>A layer applied to symbolic tensors with arguments of its call, as Keras's
    /// <c>layer(query, value, use_causal_mask=True)</c>. They belong to this use of the layer, and are saved with it.</summary>
    /// <param name="options">The arguments; start from <c>Network.callOptions</c>.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="nodes">The inputs, in order.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The layer does not have the argument.</exception>
    let applyAs (options: CallOptions) (layer: Layer) (nodes: Node list) : Node list =
        let flag name value = value |> Option.map (fun v -> name, v) |> Option.toList

        applyFlagged
            layer
            options.Tensors
            (flag "use_causal_mask" options.UseCausalMask
             @ flag "return_attention_scores" options.ReturnAttentionScores
             @ flag TrainingKeyword options.Training)
            nodes

    /// <summary>A layer applied to symbolic tensors, and to others by the names Keras gives them in the layer's call, such as
    /// attention_mask.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="keywords">Names and tensors; names that the layer does not know have no effect.</param>
    /// <param name="nodes">The tensors without a name, in order.</param>
    let applyWith (layer: Layer) (keywords: (string * Node) list) (nodes: Node list) : Node list =
        applyFlagged layer keywords [] nodes

    /// <summary>A layer applied to symbolic tensors with a mask for the first, in place of the one that comes with it. The
    /// mask is Bool, shape (batch, time): false where a step does not count.</summary>
    let applyMasked (layer: Layer) (mask: Node) (nodes: Node list) : Node list =
        applyWith layer [ MaskKeyword, mask ] nodes

    /// <summary>The network between inputs and outputs. Layers without a name are named by their class in the order they were
    /// applied: dense, dense_1, ... Inputs may be tensors in the middle of another network: then it is the part from there
    /// on.</summary>
    /// <exception cref="T:FunctionalNet.GraphException">The outputs depend on another input, or not on a given one.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">Two different layers have the same name.</exception>
    let create (inputs: Node list) (outputs: Node list) : Network =
        NetworkBuild.create "" false ValueNone id (List.toArray inputs) (List.toArray outputs)

    /// The network with the names of inputs and outputs of another.
    let private keyedAs (other: Network) (network: Network) : Network =
        network.InputKeys <- other.InputKeys
        network.OutputKeys <- other.OutputKeys
        network.InputTree <- other.InputTree
        network.OutputTree <- other.OutputTree
        network

    let private different (what: string) (keys: string[]) =
        for key, same in Array.groupBy id keys do
            if key = "" || same.Length > 1 then
                raise (
                    ArgumentValueException(
                        "A name of an " + what + " is not usable.",
                        what,
                        "a different name for every " + what,
                        (if key = "" then "an empty name" else "twice " + key),
                        "Names are how data, losses and metrics are matched."
                    )
                )

    /// The network with names for inputs and outputs, or none where there are none.
    let internal keyed (inputs: string[]) (outputs: string[]) (network: Network) : Network =
        different "input" inputs
        different "output" outputs
        network.InputKeys <- inputs
        network.OutputKeys <- outputs
        network

    /// <summary>The network between inputs and outputs with names of their own, by which data, losses and metrics are matched.
    /// Keras: dictionaries of tensors as inputs and outputs of a model.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A name is empty or occurs twice.</exception>
    let createNamed (inputs: (string * Node) list) (outputs: (string * Node) list) : Network =
        create (List.map snd inputs) (List.map snd outputs)
        |> keyed (inputs |> List.map fst |> List.toArray) (outputs |> List.map fst |> List.toArray)

    let private rebuilt (name: string) (floatType: DType) (rename: Layer -> Layer) (network: Network) =
        NetworkBuild.create
            name
            network.IsSequential
            (ValueSome floatType)
            rename
            (Seq.toArray network.Inputs)
            (Seq.toArray network.Outputs)
        |> keyedAs network

    /// <summary>The network under that name.</summary>
    let named (name: string) (network: Network) : Network = rebuilt name network.FloatType id network

    /// <summary>The network with weights and floating-point inputs of that element type: Float32, or Float64 for research and
    /// for checking gradients.</summary>
    let withDType (dtype: DType) (network: Network) : Network =
        if not (DType.isFloating dtype) then
            raise (
                DTypeException(
                    "A network computes in floating point.",
                    network.Name,
                    "float32 or float64",
                    DType.name dtype,
                    "Give single inputs another type with Network.inputWith."
                )
            )

        rebuilt network.GivenName dtype id network

    /// <summary>A pipeline: every layer takes what the one before it gives. A serial layer without a name counts as its
    /// parts. A layer value that occurs twice is two layers here, as in <c>Layer.serial</c>.</summary>
    let sequential (input: Node) (layers: Layer list) : Network =
        let parts = (Layer.serial layers).Parts |> Array.map snd

        let seen = HashSet<Layer>(HashIdentity.Reference)

        let output =
            parts
            |> Array.fold
                (fun node layer ->
                    let layer =
                        if seen.Add layer || layer.Shared then layer else { layer with LayerName = layer.LayerName }

                    NetworkBuild.call layer [| node |] [||] [||] |> needsOne layer)
                input

        NetworkBuild.create "" true ValueNone id [| input |] [| output |]

    /// <summary>The network inside a layer made by <c>Network.asLayer</c>, if there is one.</summary>
    let tryOfLayer (layer: Layer) : Network option =
        match NetworkRun.networkOf layer with
        | ValueSome network -> Some network
        | ValueNone -> None

    /// <summary>The network of one layer: a pipeline of its parts if it is serial, itself if it is a network.</summary>
    let ofLayer (inputs: Node list) (layer: Layer) : Network =
        match tryOfLayer layer, inputs with
        | Some network, _ -> network
        | None, [ input ] when layer.Kind = "Sequential" && not layer.Frozen && layer.Remat.IsNone ->
            sequential input [ { layer with LayerName = "" } ] |> named layer.LayerName
        | None, _ -> create inputs (applyMany layer inputs)

    /// <summary>The network as a layer of other networks. Its variables lie under its name there.</summary>
    let asLayer (network: Network) : Layer =
        { Layer.make network.ClassName None (fun _ flows -> flows) with
            LayerName = network.GivenName
            Run = NetworkRun.functionOf network }

    /// Layers side by side, each with inputs like those of its network.
    let internal placed (parts: (string * Network * Layer) list) : Network =
        let fresh (name: string) (part: Network) =
            part.Inputs |> Seq.map (fun node -> inputLike (name + "_" + node.Name) node) |> Seq.toList

        let placed =
            parts
            |> List.map (fun (name, part, layer) ->
                let inputs = fresh name part
                inputs, applyMany (Layer.named name layer) inputs)

        create (List.collect fst placed) (List.collect snd placed)

    /// <summary>Networks side by side as one: its inputs and outputs are those of all parts, each part a layer under its name. For
    /// models whose steps call their parts themselves, such as the two of an adversarial pair.</summary>
    /// <example><code>let gan = Network.ofParts [ "generator", generator; "discriminator", discriminator ]</code></example>
    let ofParts (parts: (string * Network) list) : Network =
        placed (parts |> List.map (fun (name, part) -> name, part, asLayer part))

    /// The network described anew, with the layers that a function gives for the layers at the paths below `path`.
    let rec internal cloneAt (path: string) (replace: string -> Layer -> Layer) (network: Network) : Network =
        let nodes = Dictionary<Node, Node>(HashIdentity.Reference)
        let layers = Dictionary<string, Layer>()

        let rec replaced (path: string) (layer: Layer) : Layer =
            let own =
                match tryOfLayer layer with
                | Some inner -> { layer with Run = NetworkRun.functionOf (cloneAt path replace inner) }
                | None when layer.Parts.Length > 0 ->
                    let parts =
                        layer.Parts
                        |> Array.map (fun (name, part) -> name, replaced (NetworkRun.entryPath path name part) part)

                    { layer with Parts = parts; Run = (Layer.ofParts parts).Run }
                | None -> layer |> Layer.mapInner (fun name part -> replaced (NetworkRun.entryPath path name part) part)

            replace path own

        let layerOf (call: NetworkCall) =
            match layers.TryGetValue call.Layer.LayerName with
            | true, layer -> layer
            | _ ->
                let name = call.Layer.LayerName
                let layer = replaced (NetworkRun.entryPath path name call.Layer) call.Layer
                let layer = if layer.LayerName = "" then Layer.named name layer else layer
                layers[name] <- layer
                layer

        for call in network.Entries |> Array.collect (fun e -> e.Calls) |> Array.sortBy (fun c -> c.Id) do
            let outputs =
                match call.Input with
                | ValueSome options ->
                    [| NetworkBuild.input { options with Name = call.Layer.LayerName } call.IsOptional |]
                | ValueNone ->
                    NetworkBuild.call
                        (layerOf call)
                        (call.Inputs |> Array.map (fun n -> nodes[n]))
                        (call.Keywords |> Array.map (fun (key, n) -> key, nodes[n]))
                        call.Flags

            Array.iter2 (fun (old: Node) fresh -> nodes[old] <- fresh) call.Outputs outputs

        NetworkBuild.create
            network.GivenName
            network.IsSequential
            (ValueSome network.FloatType)
            id
            (network.Inputs |> Seq.map (fun n -> nodes[n]) |> Seq.toArray)
            (network.Outputs |> Seq.map (fun n -> nodes[n]) |> Seq.toArray)
        |> keyedAs network

    /// <summary>A network of the same layers, or of others that a function gives in their place, described anew. Weights lie beside
    /// networks, so a trainer of it starts with fresh ones. Keras: clone_model(clone_function).</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">A layer in the place of another does not fit.</exception>
    let cloneWith (replace: Layer -> Layer) (network: Network) : Network =
        cloneAt "" (fun _ layer -> replace layer) network

    /// Types of the network's inputs under which it could be typed when it was described.
    let internal probeFlows (network: Network) : Flow[] =
        let setting = Seq.toArray network.Outputs |> Array.map (fun n -> n.Owner.Setting) |> Array.max

        Seq.toArray network.Inputs
        |> Array.map (fun node ->
            let probe = NetworkTyping.probeOf (2 * setting) node

            NetworkTyping.flowOf
                node.Name
                { probe with
                    Value =
                        { probe.Value with
                            DType = if DType.isFloating node.DType then network.FloatType else node.DType } })

    /// Traces the network: outputs for these inputs, and all its layers declare. Variables are in order of declaration;
    /// `frozen` freezes whole paths from outside.
    let internal trace
        (mode: Mode)
        (floatType: DType)
        (frozen: string -> bool)
        (network: Network)
        (inputs: Flow[])
        : Traced =
        let trace = Trace(mode, floatType, frozen)
        let outputs = NetworkRun.run network (Scope(trace, "", false)) inputs

        { Outputs = outputs
          Variables = trace.Variables
          Updates = trace.Updates
          Losses = trace.Losses.ToArray()
          Seed = trace.Seed
          Step = trace.Step }

    /// <summary>All variables, in the order of Keras's get_weights: layer by layer in the order of <c>Network.layers</c>;
    /// within a layer first what it declared as trainable, then what it did not, then the variables of layers inside it.</summary>
    let variables (network: Network) : VariableSpec[] =
        match network.VariableCache with
        | ValueSome specs -> Array.copy specs
        | ValueNone ->
            let traced = trace Mode.Infer network.FloatType (fun _ -> false) network (probeFlows network)

            let specs =
                traced.Variables |> Array.map (fun (struct (spec, _)) -> spec) |> NetworkRun.inKerasOrder network

            network.VariableCache <- ValueSome specs
            Array.copy specs

    /// <summary>First values of all variables, in the order of <c>Network.variables</c>. Each is drawn from a stream of its
    /// own path under the seed, so that adding a layer changes no other layer's values.</summary>
    let init (seed: uint64) (network: Network) : (VariableSpec * Tensor)[] = Layer.initialize seed (variables network)

    /// <summary>Number of elements of all variables.</summary>
    let countParameters (network: Network) : int64 =
        variables network |> Array.sumBy (fun spec -> int64 spec.Shape.Size)

    /// The layers as Keras lists them: the input of a pipeline is not one.
    let internal listed (network: Network) : NetworkEntry[] =
        if network.IsSequential then
            network.Entries |> Array.filter (fun e -> e.Calls[0].Input.IsNone)
        else
            network.Entries

    /// Numbers in variables of one entry, trained and not trained. `byPath` has the variables of the whole network.
    let private countsOf (byPath: Dictionary<string, VariableSpec>) (entry: NetworkEntry) =
        let mutable trained = 0L
        let mutable other = 0L

        for spec in entry.Calls[0].Variables do
            let spec =
                match byPath.TryGetValue spec.Path with
                | true, s -> s
                | _ -> spec

            let n = int64 spec.Shape.Size

            if spec.Trainable && not spec.Frozen then trained <- trained + n else other <- other + n

        struct (trained, other)

    /// <summary>Facts about every layer, in Keras's order: from the inputs to the outputs by depth. The input of a pipeline
    /// is left out.</summary>
    let layers (network: Network) : LayerInfo[] =
        let byPath = Dictionary<string, VariableSpec>()

        for spec in variables network do
            byPath[spec.Path] <- spec

        let useNumber = Dictionary<NetworkCall, int>(HashIdentity.Reference)

        for entry in network.Entries do
            // Keras counts the definition of a nested functional model as its first use.
            let first = if entry.Layer.Kind = "Functional" then 1 else 0
            entry.Calls |> Array.iteri (fun i call -> useNumber[call] <- first + i)

        listed network
        |> Array.map (fun entry ->
            let struct (trained, other) = countsOf byPath entry
            let sources = entry.Calls |> Array.collect (fun c -> c.Dependencies)

            { Name = entry.Name
              ClassName = entry.Layer.Kind
              Path = entry.Name
              OutputShapes = entry.Calls[0].Outputs |> Array.map (fun n -> Seq.toArray n.Shape)
              TrainableParameters = trained
              NonTrainableParameters = other
              InputNames = sources |> Array.map (fun n -> n.Name) |> Array.distinct
              Connections =
                sources
                |> Array.map (fun n -> n.Name + "[" + string useNumber[n.Owner] + "][" + string n.Index + "]")
              Layer = entry.Layer })

    let private find (name: string) (network: Network) : NetworkEntry =
        match network.Entries |> Array.tryFind (fun e -> e.Name = name) with
        | Some entry -> entry
        | None ->
            raise (
                ArgumentValueException(
                    "The network has no layer of that name.",
                    network.Name,
                    "one of " + String.Join(", ", network.Entries |> Array.map (fun e -> e.Name)),
                    name,
                    "Names of layers are listed by Network.layers."
                )
            )

    /// <summary>The layer of that name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is none.</exception>
    let getLayer (name: string) (network: Network) : Layer = (find name network).Layer

    /// The network that is a layer of another one at a path.
    let rec internal networkAt (path: string) (network: Network) : Network =
        let slash = path.IndexOf '/'
        let name = if slash < 0 then path else path.Substring(0, slash)

        match tryOfLayer (getLayer name network) with
        | Some inner when slash < 0 -> inner
        | Some inner -> networkAt (path.Substring(slash + 1)) inner
        | None ->
            raise (
                ArgumentValueException(
                    "There is no network at that path.",
                    path,
                    "a layer that is a network",
                    name + ", which is none",
                    "Name a model that is used as a layer."
                )
            )

    /// <summary>The inputs, to make another network from: a feature extractor is
    /// <c>Network.create (Network.inputs n) [ Network.outputOf "conv" n ]</c>.</summary>
    let inputs (network: Network) : Node list = Seq.toList network.Inputs

    /// <summary>The outputs, to build on.</summary>
    let outputs (network: Network) : Node list = Seq.toList network.Outputs

    /// <summary>The names of the inputs, in order.</summary>
    let inputNames (network: Network) : string[] =
        if network.InputKeys.Length > 0 then
            Array.copy network.InputKeys
        else
            network.Inputs |> Seq.map (fun n -> n.Name) |> Seq.toArray

    let private namesOfOutputs (network: Network) : string[] =
        let counts = Dictionary<string, int>()

        network.Outputs
        |> Seq.map (fun node ->
            match counts.TryGetValue node.Name with
            | true, n ->
                counts[node.Name] <- n + 1
                node.Name + "_" + string n
            | _ ->
                counts[node.Name] <- 1
                node.Name)
        |> Seq.toArray

    /// <summary>The names of the outputs, in order: those given to <c>createNamed</c>, or those of the layers they come from,
    /// numbered where one gives several.</summary>
    let outputNames (network: Network) : string[] =
        if network.OutputKeys.Length > 0 then Array.copy network.OutputKeys else namesOfOutputs network

    /// <summary>All outputs of the first use of the layer of that name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such layer.</exception>
    let outputsOf (name: string) (network: Network) : Node list = (find name network).Calls[0].Outputs |> Array.toList

    /// <summary>The output of the first use of the layer of that name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such layer, or it has several outputs.</exception>
    let outputOf (name: string) (network: Network) : Node =
        let entry = find name network
        needsOne entry.Layer entry.Calls[0].Outputs

    /// The network with its layers, and the layers inside them, replaced by others of the same variables and types.
    let rec internal mapLayers (f: string -> Layer -> Layer) (network: Network) : Network =
        let rec mapped (path: string) (layer: Layer) : Layer =
            let inner =
                match NetworkRun.networkOf layer with
                | ValueSome network ->
                    let run = NetworkRun.functionOf (mapLayers (fun below l -> f (path + "/" + below) l) network)
                    { layer with Run = run }
                | ValueNone when layer.Parts.Length > 0 ->
                    let parts =
                        layer.Parts
                        |> Array.map (fun (name, part) -> name, mapped (NetworkRun.entryPath path name part) part)
                    { Layer.ofParts parts with
                        LayerName = layer.LayerName
                        Frozen = layer.Frozen
                        Remat = layer.Remat
                        Shared = layer.Shared
                        LayerConfig = layer.LayerConfig }
                | ValueNone -> layer

            f path inner

        // One layer used twice must stay one layer.
        let seen = Dictionary<Layer, Layer>(HashIdentity.Reference)

        let once (layer: Layer) =
            match seen.TryGetValue layer with
            | true, other -> other
            | _ ->
                let other = mapped layer.LayerName layer
                seen[layer] <- other
                other

        rebuilt network.GivenName network.FloatType once network

    /// <summary>The network with the layers at those paths frozen: no gradient, and normalisation in inference mode. A path
    /// is a layer's name, or goes into a layer inside: block/conv.</summary>
    let freeze (paths: string seq) (network: Network) : Network =
        let paths = HashSet<string>(paths)
        mapLayers (fun path layer -> if paths.Contains path then Layer.frozen layer else layer) network

    /// The network with the layers at those paths not frozen any more.
    let internal thaw (paths: string seq) (network: Network) : Network =
        let paths = HashSet<string>(paths)
        mapLayers (fun path layer -> if paths.Contains path then { layer with Frozen = false } else layer) network

    /// <summary>The network with nothing frozen.</summary>
    let unfreeze (network: Network) : Network = mapLayers (fun _ layer -> { layer with Frozen = false }) network
