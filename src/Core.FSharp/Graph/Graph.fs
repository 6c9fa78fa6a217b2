namespace FunctionalNet.Graph

open System.Collections.Generic
open FunctionalNet

/// A whole computation: named results, and leaves that take a new value when it has run.
type internal Graph =
    {
        Outputs: (string * Expr)[]
        /// (leaf, new value): all new values are computed from the old ones.
        Updates: (Expr * Expr)[]
    }

/// Walks over graphs. All are iterative: deep graphs must not depend on the stack.
module internal Traverse =

    /// Every node reachable from the roots, operands before users, in an order that depends on the graph alone.
    let topological (roots: Expr seq) : Expr[] =
        let order = List<Expr>()
        let seen = HashSet<Expr>(HashIdentity.Reference)
        let stack = Stack<struct (Expr * int)>()

        for root in roots do
            if seen.Add root then stack.Push(struct (root, 0))

            while stack.Count > 0 do
                let struct (node, next) = stack.Pop()

                if next = node.Inputs.Length then
                    order.Add node
                else
                    stack.Push(struct (node, next + 1))
                    let input = node.Inputs[next]

                    if seen.Add input then stack.Push(struct (input, 0))

        order.ToArray()

    /// The roots of a graph: outputs, then new values.
    let roots (graph: Graph) = Seq.append (Seq.map snd graph.Outputs) (Seq.map snd graph.Updates)

    /// The leaves a set of nodes depends on, in topological order.
    let leaves (roots: Expr seq) =
        topological roots
        |> Array.filter (fun e ->
            match e.Op with
            | Leaf _ -> true
            | _ -> false)

    /// Rebuilds nodes bottom-up: `replace` sees every node with its already rebuilt operands, and gives the node to use.
    let rewrite (replace: Expr -> Expr[] -> Expr) (roots: Expr[]) : Expr[] =
        let order = topological roots
        let map = Dictionary<Expr, Expr>(order.Length, HashIdentity.Reference)

        for node in order do
            map[node] <- replace node (node.Inputs |> Array.map (fun i -> map[i]))

        roots |> Array.map (fun r -> map[r])

    /// The same node on other operands: itself if they are the same.
    let rebuild (node: Expr) (inputs: Expr[]) =
        if Array.forall2 LanguagePrimitives.PhysicalEquality node.Inputs inputs then
            node
        else
            match node.Op with
            | Project i -> Expr(Project i, inputs, [| inputs[0].Types[i] |])
            | op -> Expr.Node(op, inputs)

    /// The roots with some nodes replaced by others.
    let substitute (replacements: IReadOnlyDictionary<Expr, Expr>) (roots: Expr[]) =
        roots
        |> rewrite (fun node inputs ->
            match replacements.TryGetValue node with
            | true, other -> other
            | _ -> rebuild node inputs)

/// A node that stands for a subgraph: the fast path (a fused kernel, a shorter derivative) and the meaning (its
/// decomposition into primitives) never diverge, because the second defines the first.
[<AbstractClass>]
type internal Composite(name: string) =
    inherit Structured(name)

    /// The meaning: results for these inputs, in primitive operations.
    abstract Decompose: inputs: Expr[] -> Expr[]

    /// The cotangents of the inputs, or None to differentiate the decomposition. Entries for inputs without derivative may
    /// be any zero.
    abstract Vjp: inputs: Expr[] * outputs: Expr[] * cotangents: Expr[] -> Expr[] option

    default _.Vjp(_, _, _) = None

    override this.Infer types =
        let inputs = types |> Array.map (fun t -> Expr.LeafOf(LeafRole.Input, "x", t.DType, t.Shape))
        Ok(this.Decompose inputs |> Array.map (fun e -> e.Type))

/// The body of a scan: a graph from placeholders to results. The placeholders are leaves that occur nowhere else.
type internal ScanBody =
    {
        Carry: Expr[]
        /// One step's slice of each sequence.
        Step: Expr[]
        Constants: Expr[]
        NewCarry: Expr[]
        Outputs: Expr[]
    }

/// A loop over the first axis. Inputs: initial carries, sequences (length, ...), constants. Results: last carries, then
/// outputs stacked as (length, ...). In reverse, steps run from the last to the first and outputs stay at their places.
[<Sealed>]
type internal Scan(body: ScanBody, length: int, reverse: bool) =
    inherit Structured("Scan")

    member _.Body = body
    member _.Length = length
    member _.Reverse = reverse

    override _.Infer inputs =
        let stacked (t: TensorType) = { t with Shape = Shape.Of(Array.append [| length |] (t.Shape.ToArray())) }

        let expected =
            Array.concat
                [ body.Carry |> Array.map (fun e -> e.Type)
                  body.Step |> Array.map (fun e -> stacked e.Type)
                  body.Constants |> Array.map (fun e -> e.Type) ]

        let newCarry = body.NewCarry |> Array.map (fun e -> e.Type)

        if inputs <> expected then
            Error(
                "inputs of the types of the body's placeholders: "
                + System.String.Join("; ", expected |> Array.map string)
            )
        elif newCarry <> (body.Carry |> Array.map (fun e -> e.Type)) then
            Error("a body that keeps the carry's types: " + System.String.Join("; ", newCarry |> Array.map string))
        else
            Ok(Array.append newCarry (body.Outputs |> Array.map (fun e -> stacked e.Type)))
