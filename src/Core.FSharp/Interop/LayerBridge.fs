namespace FunctionalNet.Interop

open System
open FunctionalNet

/// <summary>Layers for the C# facade: by class name and arguments, or from delegates.</summary>
[<AbstractClass; Sealed>]
type LayerBridge =

    static member private Named(name: string | null, layer: Layer) =
        match name with
        | null -> layer
        | text -> Layer.named text layer

    /// <summary>A layer of Keras's class name.</summary>
    static member Create(className: string, name: string | null, arguments: Arguments) : Layer =
        LayerBridge.Named(name, Registry.read className arguments.Reader (arguments.ToList()))

    /// <summary>A layer from a delegate over scope and inputs. It runs when a model is traced.</summary>
    static member Custom(className: string, name: string | null, call: Func<Scope, Expr[], Expr[]>) : Layer =
        Layer.make className None (fun scope inputs ->
            let outputs = call.Invoke(scope, inputs |> Array.map (fun f -> f.Value))
            let mask = if inputs.Length > 0 then inputs[0].Mask else ValueNone
            outputs |> Array.map (fun value -> { Value = value; Mask = mask }))
        |> fun layer -> LayerBridge.Named(name, layer)

    /// <summary>A recurrent cell from a delegate over scope, input and states. It runs when a model is traced.</summary>
    static member CustomCell
        (
            className: string,
            name: string | null,
            stateShapes: int[][],
            step: Func<Scope, Expr, Expr[], ValueTuple<Expr, Expr[]>>
        ) : Layer =
        RecurrentCell.create className [ for dims in stateShapes -> List.ofArray dims ] (fun scope x states ->
            let struct (output, next) = step.Invoke(scope, x, states)
            output, next)
        |> fun cell -> LayerBridge.Named(name, cell)

    /// <summary>The layer with the object that stands for it. Copies under other names keep it.</summary>
    static member WithOwner(layer: Layer, owner: obj) : Layer = { layer with Owner = owner }

    /// <summary>The layer under that name, or without one if it is empty.</summary>
    static member Renamed(layer: Layer, name: string) : Layer = Layer.named name layer

    /// <summary>The layer whose inner values derivatives compute again: always, if it gives more numbers for a sample than a size
    /// of 0 or more, or if it has one of the names.</summary>
    static member Rematerialized(layer: Layer, size: int, names: string[] | null) : Layer =
        match names with
        | null when size < 0 -> Layer.remat RematMode.Full layer
        | null -> Layer.remat (RematMode.LargerThan size) layer
        | names -> Layer.remat (RematMode.ListOfLayers(List.ofArray names)) layer

    /// <summary>The layer with that policy.</summary>
    static member WithPolicy(layer: Layer, policy: DTypePolicy) : Layer = Layer.withPolicy policy layer

    /// <summary>The layer's policy; null for that of its network.</summary>
    static member PolicyOf(layer: Layer) : DTypePolicy | null =
        match layer.Policy with
        | ValueSome policy -> policy
        | ValueNone -> null

    /// <summary>The object that stands for the layer, or null.</summary>
    static member OwnerOf(layer: Layer) : obj | null = layer.Owner

    /// <summary>The layer without that object.</summary>
    static member WithoutOwner(layer: Layer) : Layer = { layer with Owner = null }

    /// <summary>True if its weights lie at the root, wherever it stands.</summary>
    static member IsShared(layer: Layer) : bool = layer.Shared

    /// <summary>The layer without being frozen.</summary>
    static member Thawed(layer: Layer) : Layer = { layer with Frozen = false }

    /// <summary>True if the layer, or one inside it, is frozen.</summary>
    static member HoldsFrozen(layer: Layer) : bool =
        layer.Frozen
        || (match Network.tryOfLayer layer with
            | Some network -> network.Entries |> Array.exists (fun entry -> LayerBridge.HoldsFrozen entry.Layer)
            | None -> false)

    /// <summary>The network inside a layer, or null.</summary>
    static member NetworkOf(layer: Layer) : Network | null =
        match Network.tryOfLayer layer with
        | Some network -> Network.named layer.LayerName network
        | None -> null

    /// <summary>The layer with a name (unless it is empty) and frozen or not.</summary>
    static member AsSaved(layer: Layer, name: string, trainable: bool) : Layer =
        { layer with
            LayerName = (if name = "" then layer.LayerName else name)
            Frozen = layer.Frozen || not trainable }

    /// <summary>Adds the penalty of an output to the loss.</summary>
    static member Penalize(scope: Scope, regularizer: Description, output: Expr) : unit =
        LayerCheck.activity scope (Some(Regularizer.ofConfigAt "activity_regularizer" regularizer.Value)) output

    /// <summary>Runs a layer as a part of another.</summary>
    static member Call(scope: Scope, layer: Layer, trainable: bool, inputs: Expr[]) : Expr[] =
        Layer.invokeMany scope (if trainable then layer else Layer.frozen layer) inputs

    /// <summary>Declares a variable of a layer.</summary>
    static member Variable
        (
            scope: Scope,
            name: string,
            shape: Shape,
            initializer: Description,
            regularizer: Description | null,
            projection: Description | null,
            trainable: bool
        ) : Expr =
        let optional (read: string -> ConfigValue -> 'a) (key: string) (part: Description | null) =
            match part with
            | null -> None
            | p -> Some(read key p.Value)

        let first = Initializer.ofConfigAt "initializer" initializer.Value

        if trainable then
            scope.Param(
                name,
                shape,
                first,
                optional Regularizer.ofConfigAt "regularizer" regularizer,
                optional Constraint.ofConfigAt "constraint" projection
            )
        else
            scope.State(name, shape, scope.FloatType, first)

/// <summary>Networks for the C# facade.</summary>
[<AbstractClass; Sealed>]
type NetworkBridge =

    /// <summary>An input of a network.</summary>
    static member Input
        (name: string | null, shape: int[], dtype: DType, batchSize: Nullable<int>, optional: bool)
        : Node =
        (if optional then Network.optionalInput else Network.inputWith)
            { Name =
                (match name with
                 | null -> ""
                 | text -> text)
              Shape = List.ofArray shape
              DType = dtype
              BatchSize = if batchSize.HasValue then Some batchSize.Value else None }

    /// <summary>A layer applied to symbolic tensors.</summary>
    static member Apply(layer: Layer, nodes: Node[]) : Node[] =
        Network.applyMany layer (List.ofArray nodes) |> List.toArray

    /// <summary>A layer applied to symbolic tensors, and to others and truth values by Keras's names of the arguments of its
    /// call.</summary>
    static member Apply
        (layer: Layer, nodes: Node[], names: string[], named: Node[], flags: string[], values: bool[])
        : Node[] =
        Network.applyFlagged
            layer
            (List.ofArray (Array.zip names named))
            (List.ofArray (Array.zip flags values))
            (List.ofArray nodes)
        |> List.toArray

    static member private Named(name: string | null, network: Network) =
        match name with
        | null -> network
        | text -> Network.named text network

    /// <summary>The network between inputs and outputs.</summary>
    static member Create(name: string | null, inputs: Node[], outputs: Node[]) : Network =
        NetworkBridge.Named(name, Network.create (List.ofArray inputs) (List.ofArray outputs))

    /// <summary>The network between inputs and outputs with names of their own; no names where there are none.</summary>
    static member Create
        (name: string | null, inputNames: string[], inputs: Node[], outputNames: string[], outputs: Node[])
        : Network =
        Network.create (List.ofArray inputs) (List.ofArray outputs)
        |> Network.keyed inputNames outputNames
        |> fun network -> NetworkBridge.Named(name, network)

    /// <summary>The network between nested inputs and outputs.</summary>
    static member CreateNested(name: string | null, inputs: Nested<Node>, outputs: Nested<Node>) : Network =
        NetworkBridge.Named(name, Network.createNested inputs outputs)

    /// <summary>One value for every output, in the structure of the outputs.</summary>
    static member PackOutputs(network: Network, values: Tensor[]) : Nested<Tensor> = Network.packOutputs values network

    /// <summary>A pipeline of layers.</summary>
    static member Sequential(name: string | null, input: Node, layers: Layer[]) : Network =
        NetworkBridge.Named(name, Network.sequential input (List.ofArray layers))

    /// <summary>The network as a layer.</summary>
    static member AsLayer(network: Network) : Layer = Network.asLayer network

    /// <summary>Networks side by side as one, each as the layer given for it.</summary>
    static member OfParts(name: string | null, names: string[], layers: Layer[], networks: Network[]) : Network =
        NetworkBridge.Named(name, Network.placed [ for i in 0 .. names.Length - 1 -> names[i], networks[i], layers[i] ])

    /// <summary>The output of a layer in a network.</summary>
    static member OutputOf(network: Network, layer: string) : Node = Network.outputOf layer network

    /// <summary>The architecture as JSON text.</summary>
    static member ToJson(network: Network) : string = Network.toJson network

    /// <summary>The architecture of a JSON text.</summary>
    static member OfJson(json: string) : Network = Network.ofJson json

    /// <summary>The network described anew, with other layers in the place of some.</summary>
    static member Clone(network: Network, replace: Func<Layer, Layer>) : Network =
        Network.cloneWith replace.Invoke network

    /// <summary>The names of the inputs.</summary>
    static member InputNames(network: Network) : string[] = Network.inputNames network

    /// <summary>The names of the outputs.</summary>
    static member OutputNames(network: Network) : string[] = Network.outputNames network

    /// <summary>The layers in Keras's order.</summary>
    static member Layers(network: Network) : LayerInfo[] = Network.layers network

    /// <summary>The network with the layers at those paths frozen, and no others.</summary>
    static member Freeze(network: Network, paths: string[]) : Network =
        if paths.Length = 0 then network else Network.freeze paths network

    /// <summary>The network with one set of weights for every object that stands in it and in networks inside it, and those
    /// objects with the names their weights lie under at the root.</summary>
    static member Share(network: Network) : struct (Network * obj[] * string[]) =
        let struct (shared, names) = NetworkSharing.share network
        struct (shared, Array.map fst names, Array.map snd names)

    /// <summary>The network with the layers at those paths not frozen any more.</summary>
    static member Thaw(network: Network, paths: string[]) : Network = Network.thaw paths network

    /// <summary>The network inside a layer, or null.</summary>
    static member NetworkOf(layer: Layer) : Network | null =
        match Network.tryOfLayer layer with
        | Some network -> network
        | None -> null

    /// <summary>The network with weights of that element type.</summary>
    static member WithDType(network: Network, dtype: DType) : Network = Network.withDType dtype network
