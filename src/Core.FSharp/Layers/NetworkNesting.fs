namespace FunctionalNet

open System
open System.Collections.Generic

/// How the inputs and outputs of networks are nested in lists and dictionaries.
module internal NetworkNesting =

    let private treeOf (tree: Nested<int> voption) (keys: string[]) (count: int) : Nested<int> =
        match tree with
        | ValueSome tree -> tree
        | ValueNone when keys.Length > 0 ->
            Nested<int>.Dictionary(keys |> Array.mapi (fun i key -> struct (key, Nested<int>.Of i)))
        | ValueNone when count = 1 -> Nested<int>.Of 0
        | ValueNone -> Nested<int>.List(Array.init count Nested<int>.Of)

    /// The numbers of the inputs where they stand.
    let inputTree (network: Network) = treeOf network.InputTree network.InputKeys network.Inputs.Count

    /// The numbers of the outputs where they stand.
    let outputTree (network: Network) = treeOf network.OutputTree network.OutputKeys network.Outputs.Count

    /// The paths of all, in their own order.
    let private pathsOf (tree: Nested<int>) : string[] =
        let paths = Array.zeroCreate tree.Count
        Seq.iter2 (fun (i: int) (path: string) -> paths[i] <- path) tree.Leaves tree.Paths
        paths

    let inputPaths (network: Network) : string[] = pathsOf (inputTree network)
    let outputPaths (network: Network) : string[] = pathsOf (outputTree network)

    /// Keras's name of a nested output: its path, with the name of its layer in the place of a last number.
    let private nameOf (path: string) (node: Node) : string =
        let slash = path.LastIndexOf '/'
        let last = path.Substring(slash + 1)

        if last <> "" && Seq.forall Char.IsAsciiDigit last then path.Substring(0, slash + 1) + node.Name
        elif path = "" then node.Name
        else path

    /// Names for nodes at those paths; the path itself where two would have one name.
    let namesOf (paths: string[]) (nodes: Node seq) : string[] =
        let names = Array.map2 nameOf paths (Seq.toArray nodes)
        let taken = names |> Array.countBy id |> dict
        Array.map2 (fun (name: string) path -> if taken[name] > 1 && path <> "" then path else name) names paths

    /// The network with its inputs and outputs standing in those structures.
    let nest (inputs: Nested<int>) (outputs: Nested<int>) (network: Network) : Network =
        let named (tree: Nested<int>) (nodes: IReadOnlyList<Node>) = namesOf (pathsOf tree) nodes
        network.InputTree <- ValueSome inputs
        network.OutputTree <- ValueSome outputs

        Network.keyed
            (if inputs.IsLeaf then network.InputKeys else named inputs network.Inputs)
            (if outputs.IsLeaf then network.OutputKeys else named outputs network.Outputs)
            network

/// <summary>Networks with nested inputs and outputs.</summary>
[<AutoOpen>]
module NestedNetworks =

    /// <summary>The functional API: inputs, layers applied to nodes, and models made of them.</summary>
    [<RequireQualifiedAccess>]
    module Network =

        /// <summary>The network between nested inputs and outputs: dictionaries and lists in one another, as deep as may be. Losses,
        /// metrics and data may stand in the same structures. The name of an output is its path, with the name of its layer in the
        /// place of a last number, as in Keras. Keras: nested structures as inputs and outputs of a model.</summary>
        /// <exception cref="T:FunctionalNet.GraphException">The outputs depend on another input, or not on a given one.</exception>
        /// <exception cref="T:FunctionalNet.ArgumentValueException">Two outputs have the same name.</exception>
        /// <example><code>
        /// let network =
        ///     Network.createNested
        ///         (Nested.Dictionary(struct ("image", Nested.Of image), struct ("facts", Nested.List(Nested.Of age, Nested.Of size))))
        ///         (Nested.Of output)
        /// </code></example>
        let createNested (inputs: Nested<Node>) (outputs: Nested<Node>) : Network =
            let numbers (nodes: Nested<Node>) = nodes.Pack<int> [| 0 .. nodes.Count - 1 |]

            Network.create (List.ofSeq inputs.Leaves) (List.ofSeq outputs.Leaves)
            |> NetworkNesting.nest (numbers inputs) (numbers outputs)

        /// <summary>One value for every output, in the structure of the outputs.</summary>
        /// <exception cref="T:FunctionalNet.ArgumentValueException">There are too few or too many.</exception>
        let packOutputs (values: 'T[]) (network: Network) : Nested<'T> =
            let tree = NetworkNesting.outputTree network
            if values.Length <> tree.Count then tree.Pack<'T> values else tree.Map(fun i -> values[i])
