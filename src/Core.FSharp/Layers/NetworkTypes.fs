namespace FunctionalNet

open System.Collections.Generic
open System.Threading
open FunctionalNet.Graph

/// <summary>Symbolic tensors and the networks made of them: Keras's functional API.</summary>
[<AutoOpen>]
module NetworkTypes =

    /// <summary>What a network is told about one of its inputs.</summary>
    type InputOptions =
        {
            /// <summary>Its name; empty to be named input_layer, input_layer_1, ...</summary>
            Name: string
            /// <summary>Sizes without the batch axis; -1 where the size is unknown.</summary>
            Shape: int list
            /// <summary>Element type: Float32 unless the input holds ids or truth values.</summary>
            DType: DType
            /// <summary>The number of rows, if it is fixed.</summary>
            BatchSize: int option
        }

    /// What a call gives for one assumption about the unknown sizes.
    [<Struct; NoEquality; NoComparison>]
    type internal Probe = { Value: TensorType; Mask: TensorType voption }

    /// <summary>A symbolic tensor: the output of a layer in a network that is being described. Its type is known, its value
    /// never is. Immutable; made by <c>Network.input</c> and <c>Network.apply</c>.</summary>
    [<Sealed>]
    type Node internal (owner: NetworkCall, index: int, shape: int[], dtype: DType, hasMask: bool) =

        member internal _.Owner = owner

        /// Which of its owner's outputs it is.
        member internal _.Index = index

        /// <summary>Sizes of the axes, the batch axis included; -1 where the size is unknown.</summary>
        member _.Shape: IReadOnlyList<int> = shape

        /// <summary>Number of axes, the batch axis included.</summary>
        member _.Rank = shape.Length

        /// <summary>Element type.</summary>
        member _.DType = dtype

        /// <summary>True if a mask of time steps comes with it.</summary>
        member _.HasMask = hasMask

        /// <summary>True for an input that need not be given.</summary>
        member _.IsOptional = owner.IsOptional

        /// <summary>The name of the layer or input it comes from; its class in snake case as long as it has none.</summary>
        member _.Name =
            if owner.Layer.LayerName <> "" then owner.Layer.LayerName else Layer.snakeCase owner.Layer.Kind

        /// <summary>The shape as Keras prints it, such as (None, 28, 28, 1).</summary>
        override _.ToString() = NetworkCall.ShapeText shape

    /// One use of a layer, or one input. Numbered as they are made, so that the order of numbers is a topological order.
    and [<Sealed>] internal NetworkCall
        (
            layer: Layer,
            input: InputOptions voption,
            inputs: Node[],
            keywords: (string * Node)[],
            flags: (string * bool)[]
        ) =

        static let mutable counter = 0L
        let id = Interlocked.Increment(&counter)

        member _.Id = id
        member _.Layer = layer

        /// What the input was described with; ValueNone for a use of a layer.
        member _.Input = input

        member _.Inputs = inputs

        /// True for an input that need not be given.
        member val IsOptional = false with get, set

        /// Tensors given to the layer by name in this call, such as mask (in place of the one that comes with its first
        /// input) or attention_mask.
        member _.Keywords = keywords

        /// Truth values given to the layer by name in this call, such as training.
        member _.Flags = flags

        /// The nodes it depends on.
        member _.Dependencies =
            if keywords.Length = 0 then
                inputs
            else
                // A call may name one of its inputs again.
                let isInput (node: Node) = inputs |> Array.exists (fun i -> obj.ReferenceEquals(i, node))
                Array.append inputs (keywords |> Array.map snd |> Array.filter (isInput >> not))

        /// Set once, right after construction: the nodes need their owner.
        member val Outputs: Node[] = [||] with get, set

        /// Types of the outputs by the index of the assumption; a cache.
        member val Probes: Probe[] voption[] = [||] with get, set

        /// Index of the first pair of assumptions under which it and all before it could be typed.
        member val Setting = 0 with get, set

        /// True if an input before it has an unknown size other than the batch's.
        member val HasUnknown = false with get, set

        /// The variables of the layer, with paths under `Layer.snakeCase` of its name.
        member val Variables: VariableSpec[] = [||] with get, set

        static member ShapeText(shape: int[]) =
            let dims = shape |> Array.map (fun d -> if d < 0 then "None" else string d)

            match dims.Length with
            | 1 -> "(" + dims[0] + ",)"
            | _ -> "(" + System.String.Join(", ", dims) + ")"

    /// <summary>Arguments of a layer's call besides its inputs; <c>Network.callOptions</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type CallOptions =
        {
            /// <summary>Tensors by Keras's names, such as attention_mask; names that the layer does not know have no
            /// effect.</summary>
            Tensors: (string * Node) list
            /// <summary>For layers of attention: true if a query sees no later key. Default: what the layer was made
            /// with.</summary>
            UseCausalMask: bool option
            /// <summary>For layers of attention: true for a second output, the weights. Default: what the layer was made
            /// with.</summary>
            ReturnAttentionScores: bool option
            /// <summary>The mode of the layer in this call, whatever the model does: with true, dropout drops in prediction
            /// too. Default: as the model.</summary>
            Training: bool option
        }

    /// A layer of a network, with all its uses.
    [<NoEquality; NoComparison>]
    type internal NetworkEntry = { Name: string; Layer: Layer; Calls: NetworkCall[] }

    /// One step of a network's evaluation, over numbered slots that hold the values.
    [<NoEquality; NoComparison>]
    type internal NetworkStep =
        {
            Entry: NetworkEntry
            Inputs: int[]
            /// The slots of tensors given by name.
            Keywords: (string * int)[]
            /// Truth values given by name.
            Flags: (string * bool)[]
            /// The slot of the first output; the others follow.
            Output: int
            OutputCount: int
        }

    /// <summary>A directed graph of layers with named inputs and outputs. Immutable, and without weights: those live beside
    /// it, by path.</summary>
    [<Sealed>]
    type Network
        internal
        (
            name: string,
            isSequential: bool,
            inputs: Node[],
            outputs: Node[],
            entries: NetworkEntry[],
            steps: NetworkStep[],
            inputSlots: int[],
            outputSlots: int[],
            slotCount: int,
            floatType: DType
        ) =

        /// <summary>The name given to it; sequential or functional if none was.</summary>
        member _.Name =
            if name <> "" then name
            elif isSequential then "sequential"
            else "functional"

        /// Empty if none was given.
        member internal _.GivenName = name

        /// <summary>True for a pipeline made by <c>Network.sequential</c>.</summary>
        member _.IsSequential = isSequential

        /// <summary>Keras's class name: Sequential or Functional.</summary>
        member _.ClassName = if isSequential then "Sequential" else "Functional"

        /// <summary>The inputs, in order.</summary>
        member _.Inputs: IReadOnlyList<Node> = inputs

        /// <summary>The outputs, in order.</summary>
        member _.Outputs: IReadOnlyList<Node> = outputs

        /// <summary>The element type of weights and of floating-point inputs: Float32 unless <c>Network.withDType</c> says
        /// otherwise.</summary>
        member _.FloatType = floatType

        /// In Keras's order, inputs included.
        member internal _.Entries = entries

        /// In an order in which they can be evaluated.
        member internal _.Steps = steps

        member internal _.InputSlots = inputSlots
        member internal _.OutputSlots = outputSlots
        member internal _.SlotCount = slotCount

        /// The names of inputs and of outputs, where they were given by name; empty where they were given in order.
        member val internal InputKeys: string[] = [||] with get, set

        member val internal OutputKeys: string[] = [||] with get, set

        /// How inputs and outputs are nested, if they are: the leaves are their numbers.
        member val internal InputTree: Nested<int> voption = ValueNone with get, set

        member val internal OutputTree: Nested<int> voption = ValueNone with get, set

        /// A cache of Network.variables.
        member val internal VariableCache: VariableSpec[] voption = ValueNone with get, set

    /// <summary>Facts about one layer of a network.</summary>
    [<NoEquality; NoComparison>]
    type LayerInfo =
        {
            /// <summary>Its name in the network.</summary>
            Name: string
            /// <summary>Keras's class name, such as Dense.</summary>
            ClassName: string
            /// <summary>The path its variables begin with.</summary>
            Path: string
            /// <summary>Shapes of the outputs of its first use, batch axis included; -1 where the size is unknown.</summary>
            OutputShapes: int[][]
            /// <summary>Numbers in variables that training changes.</summary>
            TrainableParameters: int64
            /// <summary>Numbers in variables that training does not change: running statistics and frozen weights.</summary>
            NonTrainableParameters: int64
            /// <summary>Names of the layers its inputs come from, over all uses.</summary>
            InputNames: string[]
            /// <summary>The same as Keras writes it: name, number of the use and number of the output, as in dense[0][0].</summary>
            Connections: string[]
            /// <summary>The layer.</summary>
            Layer: Layer
        }
