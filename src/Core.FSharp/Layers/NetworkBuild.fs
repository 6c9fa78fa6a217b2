namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Graph

/// Types of calls by tracing them. An unknown size is found by tracing twice with two sizes: where the results differ, the
/// size is unknown.
module internal NetworkTyping =

    /// Pairs of (batch, other unknown sizes). The first pair suits most layers; images may be too small for deep networks,
    /// and sequences too long for a table of positions, so the next pairs are tried when one fails.
    let private assumptions =
        [| struct (2, 64)
           struct (3, 96)
           struct (2, 128)
           struct (3, 192)
           struct (2, 12)
           struct (3, 20) |]

    let settings = assumptions.Length / 2

    let private assumed (probe: int) (options: InputOptions) : Probe =
        let struct (batch, size) = assumptions[probe]
        let dims = options.Shape |> List.map (fun d -> if d < 0 then size else d)
        let rows = options.BatchSize |> Option.defaultValue batch

        { Value = { DType = options.DType; Shape = Shape.Of(List.toArray (rows :: dims)) }
          Mask = ValueNone }

    /// The path of a call's layer as long as the network has not named it.
    let provisional (layer: Layer) = if layer.LayerName <> "" then layer.LayerName else Layer.snakeCase layer.Kind

    let private leafOf (name: string) (t: TensorType) = Expr.LeafOf(LeafRole.Input, name, t.DType, t.Shape)

    let flowOf (name: string) (probe: Probe) : Flow =
        { Value = leafOf name probe.Value; Mask = probe.Mask |> ValueOption.map (leafOf (name + "_mask")) }

    /// The working type: that of the widest floating-point input.
    let floatTypeOf (types: TensorType[]) =
        if types |> Array.exists (fun t -> t.DType = DType.Float64) then DType.Float64 else DType.Float32

    let probeOf (probe: int) (node: Node) : Probe =
        match node.Owner.Probes[probe] with
        | ValueSome outputs -> outputs[node.Index]
        | ValueNone ->
            raise (
                GraphException(
                    "A symbolic tensor has no type yet.",
                    node.Name,
                    "",
                    "",
                    "This is an error of the library."
                )
            )

    /// Types of the outputs of a call whose inputs are typed, its layer's variables, and what it keeps from batch to batch.
    let private traceCall (probe: int) (call: NetworkCall) : struct (Probe[] * VariableSpec[] * Expr[]) =
        match call.Input with
        | ValueSome options -> struct ([| assumed probe options |], [||], [||])
        | ValueNone ->
            let inputs = call.Inputs |> Array.map (fun n -> flowOf n.Name (probeOf probe n))

            let floatType = floatTypeOf (inputs |> Array.map (fun f -> f.Value.Type))
            let trace = Trace(Mode.Infer, floatType, (fun _ -> false))
            let scope = enter (Scope(trace, "", false)) (provisional call.Layer) call.Layer

            let keywords =
                call.Keywords |> Array.map (fun (key, node) -> key, (flowOf key (probeOf probe node)).Value)

            bindKeywords scope keywords inputs
            bindFlags scope call.Flags
            let outputs = Layer.call scope call.Layer inputs

            let probes =
                outputs
                |> Array.map (fun flow ->
                    { Value = flow.Value.Type; Mask = flow.Mask |> ValueOption.map (fun m -> m.Type) })

            struct (probes, trace.Variables |> Array.map (fun (struct (spec, _)) -> spec), trace.Carried)

    let private remember (probe: int) (call: NetworkCall) (types: Probe[]) =
        if call.Probes.Length = 0 then
            call.Probes <- Array.create assumptions.Length ValueNone

        call.Probes[probe] <- ValueSome types

    let private known (probe: int) (call: NetworkCall) = call.Probes.Length > 0 && call.Probes[probe].IsSome

    /// Types everything before a call under an assumption that was not needed so far.
    let private prepare (probe: int) (call: NetworkCall) =
        let missing = HashSet<NetworkCall>(HashIdentity.Reference)
        let pending = Stack<NetworkCall>()

        let visit (call: NetworkCall) =
            for node in call.Dependencies do
                if not (known probe node.Owner) && missing.Add node.Owner then
                    pending.Push node.Owner

        visit call

        while pending.Count > 0 do
            visit (pending.Pop())

        for before in missing |> Seq.sortBy (fun c -> c.Id) do
            let struct (types, _, _) = traceCall probe before
            remember probe before types

    let private sameTypes (first: Probe[]) (second: Probe[]) =
        Array.forall2 (fun (a: Probe) (b: Probe) -> a.Value.Shape.Equals b.Value.Shape) first second

    /// A weight whose size follows an unknown size cannot be made.
    let private requireKnownVariables (first: VariableSpec[]) (second: VariableSpec[]) =
        for a, b in Array.zip first second do
            if not (a.Shape.Equals b.Shape) then
                let dims = Array.map2 (fun x y -> if x = y then x else -1) (a.Shape.ToArray()) (b.Shape.ToArray())

                raise (
                    ShapeException(
                        "The size of a weight depends on a size that is not known.",
                        a.Path,
                        "inputs whose sizes fix the shape of every weight",
                        NetworkCall.ShapeText dims,
                        "Give the input a fixed size on that axis, or reduce the axis first, for example with global pooling."
                    )
                )

    /// States that are kept belong to rows: there must be as many in every batch.
    let private requireKnownBatch (path: string) (first: Expr[]) (second: Expr[]) =
        if Array.exists2 (fun (a: Expr) (b: Expr) -> not (a.Shape.Equals b.Shape)) first second then
            raise (
                ShapeException(
                    "A stateful layer needs a fixed batch size.",
                    path,
                    "inputs whose batch size is known",
                    "a batch of any size",
                    "Give the input a batch size."
                )
            )

    let private typeUnder (setting: int) (call: NetworkCall) : unit =
        let first, second = 2 * setting, 2 * setting + 1
        prepare first call
        prepare second call
        let struct (types, variables, carried) = traceCall first call
        remember first call types
        call.Variables <- variables

        let fixedTypes =
            call.Input.IsNone
            && call.Dependencies |> Array.forall (fun n -> sameTypes [| probeOf first n |] [| probeOf second n |])

        if fixedTypes then
            remember second call types
        else
            let struct (others, otherVariables, otherCarried) = traceCall second call
            requireKnownBatch (provisional call.Layer) carried otherCarried

            if types.Length <> others.Length || variables.Length <> otherVariables.Length then
                raise (
                    ShapeException(
                        "The number of a layer's outputs or weights depends on a size that is not known.",
                        provisional call.Layer,
                        "as many for every size",
                        string types.Length + " and " + string others.Length + " outputs",
                        "Give the input a fixed size."
                    )
                )

            requireKnownVariables variables otherVariables
            remember second call others

        // Fails if a weight has more elements than a tensor can have.
        for spec in variables do
            spec.Shape.Size |> ignore

    let private shapeOf (first: Probe) (second: Probe) (path: string) =
        let a, b = first.Value.Shape, second.Value.Shape

        if a.Rank <> b.Rank then
            raise (
                ShapeException(
                    "The number of axes of a layer's output depends on a size that is not known.",
                    path,
                    "as many axes for every size",
                    a.ToString() + " and " + b.ToString(),
                    "Give the input a fixed size."
                )
            )

        Array.init a.Rank (fun i -> if a[i] = b[i] then a[i] else -1)

    /// Finds the types of a call's outputs and makes its nodes.
    let infer (call: NetworkCall) : unit =
        let before = call.Dependencies |> Array.map (fun n -> n.Owner)

        call.HasUnknown <-
            match call.Input with
            | ValueSome options -> options.Shape |> List.exists (fun d -> d < 0)
            | ValueNone -> before |> Array.exists (fun c -> c.HasUnknown)

        let start = before |> Array.fold (fun s c -> max s c.Setting) 0

        let rec attempt setting =
            try
                typeUnder setting call
                setting
            with :? ShapeException as error when setting + 1 < settings ->
                // The first error is the one to report: its sizes are the ordinary ones.
                try
                    attempt (setting + 1)
                with :? ShapeException ->
                    raise error

        call.Setting <-
            if not call.HasUnknown then
                typeUnder start call
                start
            else
                attempt start

        let first, second = 2 * call.Setting, 2 * call.Setting + 1

        call.Outputs <-
            match call.Probes[first], call.Probes[second] with
            | ValueSome a, ValueSome b ->
                Array.mapi2
                    (fun i (x: Probe) (y: Probe) ->
                        Node(call, i, shapeOf x y (provisional call.Layer), x.Value.DType, x.Mask.IsSome))
                    a
                    b
            | _ -> [||]

    /// The call with another layer or other inputs of the same types, without tracing again.
    let copy (call: NetworkCall) (layer: Layer) (inputs: Node[]) (keywords: (string * Node)[]) : NetworkCall =
        let fresh = NetworkCall(layer, call.Input, inputs, keywords, call.Flags, IsOptional = call.IsOptional)
        fresh.Probes <- Array.copy call.Probes
        fresh.Setting <- call.Setting
        fresh.HasUnknown <- call.HasUnknown

        // The variables' paths begin with the layer's name, which may be a new one.
        let oldPrefix, newPrefix = provisional call.Layer + "/", provisional layer + "/"

        fresh.Variables <-
            call.Variables
            |> Array.map (fun spec ->
                if spec.Path.StartsWith(oldPrefix, StringComparison.Ordinal) then
                    { spec with Path = newPrefix + spec.Path.Substring oldPrefix.Length }
                else
                    spec)

        fresh.Outputs <-
            call.Outputs |> Array.map (fun n -> Node(fresh, n.Index, Seq.toArray n.Shape, n.DType, n.HasMask))

        fresh

/// Walks over the graph of nodes, and from the graph to a network.
module internal NetworkBuild =

    /// Two uses belong to one layer if they are of the same instance, or of layers shared under one name.
    [<CustomEquality; NoComparison>]
    type LayerKey =
        { Layer: Layer }

        override this.Equals(other: obj | null) =
            match other with
            | :? LayerKey as key ->
                LanguagePrimitives.PhysicalEquality this.Layer key.Layer
                || (this.Layer.Shared && key.Layer.Shared && this.Layer.LayerName = key.Layer.LayerName)
            | _ -> false

        override this.GetHashCode() =
            if this.Layer.Shared then
                this.Layer.LayerName.GetHashCode()
            else
                LanguagePrimitives.PhysicalHash this.Layer

    /// All calls the nodes depend on, in the order they were made.
    let reachable (nodes: Node seq) : NetworkCall[] =
        let seen = HashSet<NetworkCall>(HashIdentity.Reference)
        let pending = Stack<NetworkCall>()

        let visit (node: Node) = if seen.Add node.Owner then pending.Push node.Owner

        Seq.iter visit nodes

        while pending.Count > 0 do
            Array.iter visit (pending.Pop().Dependencies)

        seen |> Seq.sortBy (fun c -> c.Id) |> Seq.toArray

    /// The different layers of calls, in the order of their first use, and the number of each call's layer.
    let private layersOf (calls: NetworkCall[]) : struct (Layer[] * int[]) =
        let numbers = Dictionary<LayerKey, int>()
        let layers = List<Layer>()

        let numberOf (call: NetworkCall) =
            let key = { Layer = call.Layer }

            match numbers.TryGetValue key with
            | true, n -> n
            | _ ->
                numbers[key] <- layers.Count
                layers.Add call.Layer
                layers.Count - 1

        let indices = calls |> Array.map numberOf
        struct (layers.ToArray(), indices)

    /// The name a call's layer would get in a network of it and all before it: for errors.
    let private nameOf (call: NetworkCall) =
        let calls = Array.append (reachable call.Dependencies) [| call |]
        let struct (layers, indices) = layersOf calls

        try
            (Layer.assignNames layers)[Array.last indices]
        with :? ArgumentValueException ->
            NetworkTyping.provisional call.Layer

    /// Path and hint of an error found while a call was typed.
    let private explain (call: NetworkCall) (path: string) (hint: string) =
        let provisional = NetworkTyping.provisional call.Layer
        let name = nameOf call

        let path =
            if path = "" || path = provisional then
                name
            elif path.StartsWith(provisional + "/", StringComparison.Ordinal) then
                name + path.Substring provisional.Length
            else
                path

        let unknown = call.Dependencies |> Array.exists (fun n -> Seq.contains -1 n.Shape)
        let shapes = call.Inputs |> Array.map string
        let note = " The input of " + name + " is " + String.Join(", ", shapes) + "."

        let assumed =
            if not unknown then ""
            elif call.HasUnknown then " Sizes above are for a batch of 2 and 64 for other unknown sizes."
            else " Sizes above are for a batch of 2."

        struct (path, hint + note + assumed)

    /// Classes whose call in Keras has use_causal_mask and return_attention_scores.
    let private ofAttention =
        HashSet<string>([| "Attention"; "AdditiveAttention"; "MultiHeadAttention"; "GroupQueryAttention" |])

    /// A use of a layer: its nodes are typed, or the error says where and why not.
    let call (layer: Layer) (inputs: Node[]) (keywords: (string * Node)[]) (flags: (string * bool)[]) : Node[] =
        for name, _ in flags do
            // A layer of the user's own may know any argument.
            let known =
                name = TrainingKeyword
                || layer.LayerConfig.IsNone
                || (if name = "reverse" then layer.Kind = "ReversibleEmbedding" else ofAttention.Contains layer.Kind)

            if not known then
                raise (
                    ArgumentValueException(
                        "A layer's call got an argument that the layer does not have.",
                        NetworkTyping.provisional layer,
                        "training",
                        name,
                        "Other arguments belong to the calls of other layers, such as those of attention."
                    )
                )

        if inputs.Length = 0 then
            raise (
                ArgumentValueException(
                    "A layer was applied to nothing.",
                    NetworkTyping.provisional layer,
                    "one or more symbolic tensors",
                    "none",
                    "Make one with Network.input."
                )
            )

        let call = NetworkCall(layer, ValueNone, inputs, keywords, flags)

        try
            NetworkTyping.infer call
        with
        | :? ShapeException as e ->
            let struct (path, hint) = explain call e.Path e.Hint
            raise (ShapeException(e.Summary, path, e.Expected, e.Actual, hint, e))
        | :? DTypeException as e ->
            let struct (path, hint) = explain call e.Path e.Hint
            raise (DTypeException(e.Summary, path, e.Expected, e.Actual, hint, e))
        | :? OverflowException as e ->
            let struct (path, hint) = explain call "" "Use smaller sizes."

            raise (ShapeException("A tensor would be too large.", path, "at most 2147483647 elements", "more", hint, e))

        call.Outputs

    /// An input; one that is optional need not be given.
    let input (options: InputOptions) (optional: bool) : Node =
        let wrongSize (expected: string) (actual: int) (hint: string) =
            raise (
                ArgumentValueException(
                    "An input has a size that is not possible.",
                    options.Name,
                    expected,
                    string actual,
                    hint
                )
            )

        for d in options.Shape do
            if d < -1 || d = 0 then
                wrongSize
                    "sizes of 1 or more, or -1 for an unknown size"
                    d
                    "Give the sizes of one row, without the batch."

        match options.BatchSize with
        | Some n when n < 1 -> wrongSize "a batch size of 1 or more" n "Leave the batch size out if it is not fixed."
        | _ -> ()

        let layer = { Layer.make "InputLayer" None (fun _ flows -> flows) with LayerName = options.Name }

        let call = NetworkCall(layer, ValueSome options, [||], [||], [||], IsOptional = optional)
        NetworkTyping.infer call
        call.Outputs[0]

    /// The calls between inputs and outputs, in Keras's order of a depth-first walk: each with the number of its first
    /// visit, operands before users.
    let private walk (inputs: Node[]) (outputs: Node[]) : struct (NetworkCall[] * Dictionary<NetworkCall, int>) =
        let stops = HashSet<NetworkCall>(HashIdentity.Reference)
        let isInput = HashSet<Node>(inputs, HashIdentity.Reference)

        for node in inputs do
            if node.Owner.Input.IsSome then stops.Add node.Owner |> ignore

        let order = List<NetworkCall>()
        let visits = Dictionary<NetworkCall, int>(HashIdentity.Reference)
        let stack = Stack<struct (NetworkCall * int)>()

        let enter (node: Node) =
            let call = node.Owner

            if not (isInput.Contains node && call.Input.IsNone) && not (visits.ContainsKey call) then
                if call.Input.IsSome && not (stops.Contains call) then
                    raise (
                        GraphException(
                            "The outputs depend on an input that is not among the network's inputs.",
                            node.Name,
                            "inputs " + String.Join(", ", inputs |> Array.map (fun n -> n.Name)),
                            "an output that depends on " + node.Name,
                            "Add that input to the list of inputs, or build the output from the given inputs only."
                        )
                    )

                visits[call] <- visits.Count
                stack.Push(struct (call, 0))

        for output in outputs do
            enter output

            while stack.Count > 0 do
                let struct (call, next) = stack.Pop()
                let before = call.Dependencies

                if next = before.Length then
                    order.Add call
                else
                    stack.Push(struct (call, next + 1))
                    enter before[next]

        struct (order.ToArray(), visits)

    let private requireInputs (inputs: Node[]) (outputs: Node[]) =
        let none (what: string) =
            raise (
                ArgumentValueException(
                    "A network needs inputs and outputs.",
                    what,
                    "one or more symbolic tensors",
                    "none",
                    "Make inputs with Network.input, and outputs by applying layers."
                )
            )

        if inputs.Length = 0 then none "inputs"

        if outputs.Length = 0 then none "outputs"

        let seen = HashSet<Node>(HashIdentity.Reference)

        for node in inputs do
            if not (seen.Add node) then
                raise (
                    ArgumentValueException(
                        "A tensor is twice among the network's inputs.",
                        node.Name,
                        "every input once",
                        node.Name + " twice",
                        "Use the one input in both places."
                    )
                )

    /// An intermediate tensor that becomes the input of a part of a network is replaced by a new input of the same type.
    let private freshInput (node: Node) : NetworkCall =
        let dims = Seq.toList node.Shape

        let options =
            { Name = if node.Owner.Layer.LayerName = "" then "" else node.Name + "_input"
              Shape = List.tail dims
              DType = node.DType
              BatchSize = if dims.Head < 0 then None else Some dims.Head }

        (input options node.IsOptional).Owner

    /// Keras's order of layers: by the longest way to an output, and within one depth in the order of the walk.
    let private kerasOrder
        (order: NetworkCall[])
        (number: NetworkCall -> int)
        (visit: NetworkCall -> int)
        (layers: int)
        : int[] =
        let callDepth = Dictionary<NetworkCall, int>(HashIdentity.Reference)
        let layerDepth = Array.create layers -1
        let layerVisit = Array.create layers Int32.MaxValue

        for call in Array.rev order do
            let n = number call

            let own =
                match callDepth.TryGetValue call with
                | true, d -> d
                | _ -> 0

            let depth = max own layerDepth[n]
            layerDepth[n] <- depth
            layerVisit[n] <- min layerVisit[n] (visit call)

            for node in call.Dependencies do
                let before =
                    match callDepth.TryGetValue node.Owner with
                    | true, d -> d
                    | _ -> 0

                callDepth[node.Owner] <- max before (depth + 1)

        // In the order of visits, and of those of one depth still so.
        Array.init layers id
        |> Array.sortBy (fun n -> layerVisit[n])
        |> Array.sortBy (fun n -> -layerDepth[n])

    /// The network between inputs and outputs. It gets nodes of its own, whose layers all have names.
    let create
        (name: string)
        (isSequential: bool)
        (floatType: DType voption)
        (rename: Layer -> Layer)
        (inputs: Node[])
        (outputs: Node[])
        : Network =
        requireInputs inputs outputs
        let struct (visited, visits) = walk inputs outputs

        for node in inputs do
            let used =
                if node.Owner.Input.IsSome then
                    visits.ContainsKey node.Owner
                else
                    Array.exists (fun o -> LanguagePrimitives.PhysicalEquality o node) outputs
                    || visited
                       |> Array.exists (fun c ->
                           c.Dependencies |> Array.exists (fun n -> LanguagePrimitives.PhysicalEquality n node))

            if not used then
                raise (
                    GraphException(
                        "No output depends on an input of the network.",
                        node.Name,
                        "inputs that the outputs are computed from",
                        "an input that is not used",
                        "Leave the input out, or use it."
                    )
                )

        // Inputs first, in the order they were given, so that they are named in that order too.
        let replaced =
            inputs
            |> Array.filter (fun n -> n.Owner.Input.IsNone)
            |> Array.map (fun n -> struct (n, freshInput n))

        let made = visited |> Array.sortBy (fun c -> c.Id)
        let all = Array.append (replaced |> Array.map (fun (struct (_, c)) -> c)) made
        let struct (layers, indices) = layersOf all
        let names = Layer.assignNames layers

        let named =
            Array.map2
                (fun (name: string) (layer: Layer) ->
                    rename (if layer.LayerName = name then layer else Layer.named name layer))
                names
                layers

        // The network's own nodes.
        let nodes = Dictionary<Node, Node>(HashIdentity.Reference)
        let calls = Dictionary<NetworkCall, NetworkCall>(HashIdentity.Reference)

        for i in 0 .. all.Length - 1 do
            let call = all[i]

            let fresh =
                NetworkTyping.copy
                    call
                    named[indices[i]]
                    (call.Inputs |> Array.map (fun n -> nodes[n]))
                    (call.Keywords |> Array.map (fun (key, n) -> key, nodes[n]))

            calls[call] <- fresh

            for node in call.Outputs do
                nodes.TryAdd(node, fresh.Outputs[node.Index]) |> ignore

            if i < replaced.Length then
                let struct (old, _) = replaced[i]
                nodes[old] <- fresh.Outputs[0]

        let inputs = inputs |> Array.map (fun n -> nodes[n])
        let outputs = outputs |> Array.map (fun n -> nodes[n])
        let struct (order, visits) = walk inputs outputs

        let numbers = Dictionary<NetworkCall, int>(HashIdentity.Reference)
        all |> Array.iteri (fun i call -> numbers[calls[call]] <- indices[i])

        let uses = Array.init layers.Length (fun _ -> List<NetworkCall>())

        for call in order |> Array.sortBy (fun c -> c.Id) do
            uses[numbers[call]].Add call

        let entryOf =
            Array.init layers.Length (fun n -> { Name = names[n]; Layer = named[n]; Calls = uses[n].ToArray() })

        let entries =
            kerasOrder order (fun c -> numbers[c]) (fun c -> visits[c]) layers.Length
            |> Array.map (fun n -> entryOf[n])

        // Values live in numbered slots while the network is evaluated.
        let slots = Dictionary<Node, int>(HashIdentity.Reference)

        let inputSlots =
            inputs
            |> Array.map (fun n ->
                slots[n] <- slots.Count
                slots[n])

        let steps =
            order
            |> Array.sortBy (fun c -> c.Id)
            |> Array.filter (fun c -> c.Input.IsNone)
            |> Array.map (fun call ->
                let output = slots.Count

                for node in call.Outputs do
                    slots[node] <- slots.Count

                { Entry = entryOf[numbers[call]]
                  Inputs = call.Inputs |> Array.map (fun n -> slots[n])
                  Keywords = call.Keywords |> Array.map (fun (key, n) -> key, slots[n])
                  Flags = call.Flags
                  Output = output
                  OutputCount = call.Outputs.Length })

        let floatType =
            match floatType with
            | ValueSome t -> t
            | ValueNone ->
                if inputs |> Array.exists (fun n -> n.DType = DType.Float64) then DType.Float64 else DType.Float32

        Network(
            name,
            isSequential,
            inputs,
            outputs,
            entries,
            steps,
            inputSlots,
            outputs |> Array.map (fun n -> slots[n]),
            slots.Count,
            floatType
        )
