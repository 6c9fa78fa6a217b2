namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Values that are kept in 16 bits between steps that compute in 32: who reads the wide ones, and where these are made.
module internal Widen =

    /// Where rounding to 16 bits changes nothing, what is rounded is read instead of what it was made of: then only one of the two
    /// is kept. `isKept` says of a value that 16 bits hold whether it is worth that.
    let private readRounded (isKept: Expr -> bool) (roots: Expr[]) : Expr[] =
        let order = Traverse.topological roots
        let known = Halves.Known()
        // A rounding of the value that is there already, or none.
        let narrow = HashSet<Expr>(HashIdentity.Reference)

        for node in order do
            if Halves.isNarrowing node && known.Fits node.Inputs[0] then
                narrow.Add node.Inputs[0] |> ignore
            elif isKept node && known.Fits node && not (Halves.isWidening node) then
                narrow.Add node |> ignore

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
                    | Cast DType.Float32 when
                        Halves.isNarrowing node.Inputs[0] && narrow.Contains node.Inputs[0].Inputs[0]
                        ->
                        rounded node.Inputs[0].Inputs[0]
                    | Cast DType.BFloat16 when narrow.Contains node.Inputs[0] -> (rounded node.Inputs[0]).Inputs[0]
                    | _ ->
                        node.Inputs
                        |> Array.map (fun i -> if narrow.Contains i then rounded i else made[i])
                        |> Traverse.rebuild node

            roots |> Array.map (fun r -> made[r])

    /// Values that kernels make or read, or that several nodes read, without those that are only looked at in another way.
    let private handedOn (roots: Expr[]) : Expr -> bool =
        let order = Traverse.topological roots
        let readers = Dictionary<Expr, int>(HashIdentity.Reference)
        let byKernel = HashSet<Expr>(HashIdentity.Reference)

        for node in order do
            if not (Elementwise.isTransparent node) then
                for source in node.Inputs |> Array.map Elementwise.source |> Array.distinct do
                    if not (Elementwise.isElementwise node) then byKernel.Add source |> ignore

                    readers[source] <-
                        (match readers.TryGetValue source with
                         | true, n -> n + 1
                         | _ -> 1)

        fun node ->
            node.Shape.Size > 1
            && not (Elementwise.isTransparent node)
            && match node.Op with
               | Constant _ -> false
               | _ ->
                   not (Elementwise.isElementwise node)
                   || byKernel.Contains node
                   || (match readers.TryGetValue node with
                       | true, n -> n > 1
                       | _ -> false)

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

        if not (Array.exists Halves.isWidening (Traverse.topological roots)) then
            struct (graph, apart)
        else
            let isLearning = graph.Updates |> Array.exists (fun (leaf, _) -> isTrained leaf)
            // While weights are learned, memory is full of what waits for its derivative.
            let roots = readRounded (if isLearning then handedOn roots else fun _ -> false) roots
            let order = Traverse.topological roots
            let readers = Dictionary<Expr, int>(HashIdentity.Reference)

            let count (value: Expr) =
                readers[value] <-
                    (match readers.TryGetValue value with
                     | true, n -> n + 1
                     | _ -> 1)

            for node in order do
                if not (Elementwise.isTransparent node || Halves.isWidening node) then
                    for source in node.Inputs |> Array.map Elementwise.source |> Array.distinct do
                        if Halves.isWidening source then count (kept source)
                        elif source.DType = DType.BFloat16 then count source

            // The operand again, on a widening that nobody else reads.
            let rec own (operand: Expr) : Expr =
                if Halves.isWidening operand then
                    let copy = Expr.Node(operand.Op, operand.Inputs)
                    apart.Add copy |> ignore
                    copy
                else
                    Expr.Node(operand.Op, Array.mapi (fun i e -> if i = 0 then own e else e) operand.Inputs)

            let least = if isLearning then 1 else 2

            let isFlat (user: Expr) (operand: Expr) =
                Elementwise.isElementwise user
                && operand.Shape.Size = user.Shape.Size
                && obj.ReferenceEquals(Elementwise.flatSource operand, Elementwise.source operand)

            let roots =
                roots
                |> Traverse.rewrite (fun node inputs ->
                    if Elementwise.isTransparent node || Halves.isWidening node then
                        Traverse.rebuild node inputs
                    else
                        inputs
                        |> Array.mapi (fun i operand ->
                            let source = Elementwise.source operand
                            let before = Elementwise.source node.Inputs[i]

                            if
                                Halves.isWidening source && readers[kept before] >= least && not (isFlat node operand)
                            then
                                own operand
                            else
                                operand)
                        |> Traverse.rebuild node)

            let n = graph.Outputs.Length

            struct ({ Outputs = graph.Outputs |> Array.mapi (fun i (name, _) -> name, roots[i])
                      Updates = graph.Updates |> Array.mapi (fun i (leaf, _) -> leaf, roots[n + i]) },
                    apart)

    /// Inputs that are rounded before a kernel reads them are rounded where they lie, without training: a step's inputs are memory of its
    /// own that is filled before every run. Rounding again changes nothing.
    let overInputs (graph: Graph) : Graph =
        let roots = Seq.toArray (Traverse.roots graph)
        let order = Traverse.topological roots

        if
            not (Array.exists Halves.isWidening order)
            || graph.Updates |> Array.exists (fun (leaf, _) -> isTrained leaf)
        then
            graph
        else
            let users = Dictionary<Expr, List<Expr>>(HashIdentity.Reference)

            for node in order do
                users[node] <- List<Expr>()

                for i in Array.distinct node.Inputs do
                    users[i].Add node

            let isRoot = HashSet<Expr>(roots, HashIdentity.Reference)

            let only (e: Expr) : Expr voption =
                if users[e].Count = 1 && not (isRoot.Contains e) then ValueSome(Seq.head users[e]) else ValueNone

            // True if a kernel reads it, and nobody else.
            let rec isForKernel (e: Expr) =
                match only e with
                | ValueSome user ->
                    match user.Op with
                    | Reshape _ -> isForKernel user
                    | _ -> not (Elementwise.isElementwise user || Elementwise.isTransparent user)
                | ValueNone -> false

            let overwritten =
                order
                |> Array.choose (fun leaf ->
                    match leaf.Op with
                    | Leaf(LeafRole.Input, _) when leaf.DType = DType.Float32 ->
                        match only leaf with
                        | ValueSome narrow when Halves.isNarrowing narrow ->
                            match only narrow with
                            | ValueSome wide when Halves.isWidening wide && isForKernel wide -> Some(leaf, wide)
                            | _ -> None
                        | _ -> None
                    | _ -> None)

            { graph with Updates = Array.append graph.Updates overwritten }
