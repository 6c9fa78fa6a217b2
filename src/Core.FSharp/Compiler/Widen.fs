namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Values that are kept in 16 bits between steps that compute in 32: who reads the wide ones, and where these are made.
module internal Widen =

    /// True for the way from 16 bits to 32.
    let isWidening (node: Expr) =
        match node.Op with
        | Cast DType.Float32 -> node.Inputs[0].DType = DType.BFloat16
        | _ -> false

    let private isNarrowing (node: Expr) =
        match node.Op with
        | Cast DType.BFloat16 -> true
        | _ -> false

    /// True if 16 bits hold every element of a value of 32, because of how it is made.
    let private fitsHalf (known: Dictionary<Expr, bool>) (node: Expr) : bool =
        let fits (e: Expr) =
            match known.TryGetValue e with
            | true, f -> f
            | _ -> false

        node.DType = DType.Float32
        && match node.Op with
           | Cast _ -> isWidening node
           | Constant t when t.Size = 1 -> t.BitEquals(t.Cast(DType.BFloat16).Cast DType.Float32)
           | Unary(UnaryOp.Relu | UnaryOp.Neg | UnaryOp.Abs)
           | Binary(BinaryOp.Max | BinaryOp.Min)
           | Concat _
           | StopGradient
           | Broadcast _
           | Reshape _
           | Transpose _
           | Slice _
           | Reverse _ -> Array.forall fits node.Inputs
           | MaxPool _
           | Gather _ -> fits node.Inputs[0]
           | Select -> fits node.Inputs[1] && fits node.Inputs[2]
           | _ -> false

    /// Where rounding to 16 bits changes nothing, what is rounded is read instead of what it was made of: then only one of the two
    /// is kept.
    let private readRounded (roots: Expr[]) : Expr[] =
        let order = Traverse.topological roots
        let fits = Dictionary<Expr, bool>(HashIdentity.Reference)
        let narrow = Dictionary<Expr, Expr>(HashIdentity.Reference)

        for node in order do
            fits[node] <- fitsHalf fits node
            if isNarrowing node && fits[node.Inputs[0]] then narrow[node.Inputs[0]] <- node

        if narrow.Count = 0 then
            roots
        else
            let made = Dictionary<Expr, Expr>(HashIdentity.Reference)
            let wide = Dictionary<Expr, Expr>(HashIdentity.Reference)

            // The rounded value of a node, widened, in terms of the new nodes.
            let rounded (node: Expr) =
                match wide.TryGetValue node with
                | true, w -> w
                | _ ->
                    let w = Expr.Node(Cast DType.Float32, [| Expr.Node(Cast DType.BFloat16, [| made[node] |]) |])
                    wide[node] <- w
                    w

            for node in order do
                made[node] <-
                    match node.Op with
                    | Cast DType.Float32 when isNarrowing node.Inputs[0] && narrow.ContainsKey node.Inputs[0].Inputs[0] ->
                        rounded node.Inputs[0].Inputs[0]
                    | Cast DType.BFloat16 when narrow.ContainsKey node.Inputs[0] -> (rounded node.Inputs[0]).Inputs[0]
                    | _ ->
                        node.Inputs
                        |> Array.map (fun i -> if narrow.ContainsKey i then rounded i else made[i])
                        |> Traverse.rebuild node

            roots |> Array.map (fun r -> made[r])

    let private isTrained (leaf: Expr) =
        match leaf.Op with
        | Leaf(LeafRole.Param, _) -> true
        | _ -> false

    /// The value that lies in memory in 16 bits under a widening.
    let private kept (widening: Expr) = Elementwise.source widening.Inputs[0]

    /// The graph in which every kernel that reads a value of 16 bits has a widening of its own, to be made just before it; and these
    /// widenings. Without training, where values wait for nothing, only for values that others read too. Regions widen what they read by themselves.
    let run (graph: Graph) : struct (Graph * HashSet<Expr>) =
        let apart = HashSet<Expr>(HashIdentity.Reference)
        let roots = Seq.toArray (Traverse.roots graph)

        if not (Array.exists isWidening (Traverse.topological roots)) then
            struct (graph, apart)
        else
            let roots = readRounded roots
            let order = Traverse.topological roots
            let readers = Dictionary<Expr, int>(HashIdentity.Reference)

            let count (value: Expr) =
                readers[value] <-
                    (match readers.TryGetValue value with
                     | true, n -> n + 1
                     | _ -> 1)

            for node in order do
                if not (Elementwise.isTransparent node || isWidening node) then
                    for source in node.Inputs |> Array.map Elementwise.source |> Array.distinct do
                        if isWidening source then count (kept source)
                        elif source.DType = DType.BFloat16 then count source

            // The operand again, on a widening that nobody else reads.
            let rec own (operand: Expr) : Expr =
                if isWidening operand then
                    let copy = Expr.Node(operand.Op, operand.Inputs)
                    apart.Add copy |> ignore
                    copy
                else
                    Expr.Node(operand.Op, Array.mapi (fun i e -> if i = 0 then own e else e) operand.Inputs)

            // While weights are learned, memory is full of what waits for its derivative.
            let least = if graph.Updates |> Array.exists (fun (leaf, _) -> isTrained leaf) then 1 else 2

            let isFlat (user: Expr) (operand: Expr) =
                Elementwise.isElementwise user
                && operand.Shape.Size = user.Shape.Size
                && obj.ReferenceEquals(Elementwise.flatSource operand, Elementwise.source operand)

            let roots =
                roots
                |> Traverse.rewrite (fun node inputs ->
                    if Elementwise.isTransparent node || isWidening node then
                        Traverse.rebuild node inputs
                    else
                        inputs
                        |> Array.mapi (fun i operand ->
                            let source = Elementwise.source operand
                            let before = Elementwise.source node.Inputs[i]

                            if isWidening source && readers[kept before] >= least && not (isFlat node operand) then
                                own operand
                            else
                                operand)
                        |> Traverse.rebuild node)

            let n = graph.Outputs.Length

            struct ({ Outputs = graph.Outputs |> Array.mapi (fun i (name, _) -> name, roots[i])
                      Updates = graph.Updates |> Array.mapi (fun i (leaf, _) -> leaf, roots[n + i]) },
                    apart)
