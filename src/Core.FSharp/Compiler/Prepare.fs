namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// A graph taken apart: what is computed from weights alone, and the rest.
[<NoEquality; NoComparison>]
type internal PreparedGraph =
    {
        /// Its updates give new values to leaves that stand for results in the other part; it has no outputs.
        Once: Graph
        Always: Graph
    }

/// What depends on nothing but weights that the graph itself does not change need not be computed at every run.
module internal Prepare =

    /// True for what stays the same between runs unless somebody else changes a weight: such leaves, constants, and what
    /// is computed from them.
    let fixedNodes (graph: Graph) : HashSet<Expr> =
        let updated = HashSet<Expr>(graph.Updates |> Array.map fst, HashIdentity.Reference)
        let found = HashSet<Expr>(HashIdentity.Reference)

        for node in Traverse.topological (Traverse.roots graph) do
            let isFixed =
                match node.Op with
                | Leaf(LeafRole.Param, _)
                | Leaf(LeafRole.State, _) -> not (updated.Contains node)
                | Leaf _
                | Random _ -> false
                // A user's operation may do what it likes.
                | Structured(:? CustomNode) -> false
                | _ -> Array.forall found.Contains node.Inputs

            if isFixed then found.Add node |> ignore

        found

    let private bytes (e: Expr) = int64 e.Shape.Size * int64 (DType.size e.DType)

    /// Whether a fixed node is worth keeping: it computes something, and is not much larger than what it is made of.
    let private isKept (node: Expr) =
        match node.Op with
        | Leaf _ -> false
        | _ when Elementwise.isTransparent node ->
            (match node.Op with
             | Project _ -> true
             | _ -> false)
        | _ ->
            node.Types.Length = 1
            && bytes node <= max 65536L (2L * (node.Inputs |> Array.fold (fun most i -> max most (bytes i)) 0L))

    /// The two parts of a graph; None if nothing is to be gained.
    let split (graph: Graph) : PreparedGraph option =
        let isFixed = fixedNodes graph
        let roots = Seq.toArray (Traverse.roots graph)
        // Constants alone are dealt with elsewhere.
        let hasWeights = HashSet<Expr>(HashIdentity.Reference)

        for node in Traverse.topological roots do
            match node.Op with
            | Leaf _ -> hasWeights.Add node |> ignore
            | _ ->
                if Array.exists hasWeights.Contains node.Inputs then
                    hasWeights.Add node |> ignore

        let replaced = Dictionary<Expr, Expr>(HashIdentity.Reference)
        let seen = HashSet<Expr>(HashIdentity.Reference)

        // Down through fixed nodes that are no values of their own, to those that are.
        let rec keep (node: Expr) =
            if hasWeights.Contains node && seen.Add node then
                if isKept node then
                    let name = "prepared/" + string replaced.Count
                    replaced[node] <- Expr.LeafOf(LeafRole.State, name, node.DType, node.Shape)
                else
                    Array.iter keep node.Inputs

        for node in Traverse.topological roots do
            if not (isFixed.Contains node) then
                for i in node.Inputs do
                    if isFixed.Contains i then keep i

        if replaced.Count = 0 then
            None
        else
            let rest = Traverse.substitute replaced roots
            let n = graph.Outputs.Length

            Some
                { Once = { Outputs = [||]; Updates = [| for entry in replaced -> entry.Value, entry.Key |] }
                  Always =
                    { Outputs = graph.Outputs |> Array.mapi (fun i (name, _) -> name, rest[i])
                      Updates = graph.Updates |> Array.mapi (fun i (leaf, _) -> leaf, rest[n + i]) } }
