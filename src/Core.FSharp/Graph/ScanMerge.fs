namespace FunctionalNet.Graph

open System.Collections.Generic
open FunctionalNet

/// The derivative of a loop runs the loop again with more outputs. Where both are needed, the second does the work of the
/// first: this pass leaves only the one with the most outputs.
module internal ScanMerge =

    let private extends (longer: Scan) (shorter: Scan) =
        let a, b = longer.Body, shorter.Body
        let same (x: Expr[]) (y: Expr[]) = x.Length = y.Length && Array.forall2 LanguagePrimitives.PhysicalEquality x y

        longer.Length = shorter.Length
        && longer.Reverse = shorter.Reverse
        && same a.Carry b.Carry
        && same a.Step b.Step
        && same a.Constants b.Constants
        && same a.NewCarry b.NewCarry
        && a.Outputs.Length >= b.Outputs.Length
        && same a.Outputs[.. b.Outputs.Length - 1] b.Outputs

    /// The roots with every loop that another one extends, on the same operands, replaced by that one.
    let run (roots: Expr[]) : Expr[] =
        let scans =
            Traverse.topological roots
            |> Array.choose (fun e ->
                match e.Op with
                | Structured(:? Scan as s) -> Some(struct (e, s))
                | _ -> None)

        // Results keep their places, so the projections of one are those of the other.
        let replacement = Dictionary<Expr, Expr>(HashIdentity.Reference)

        for struct (node, scan) in scans do
            let sameInputs (other: Expr) =
                other.Inputs.Length = node.Inputs.Length
                && Array.forall2 LanguagePrimitives.PhysicalEquality other.Inputs node.Inputs

            let best =
                scans
                |> Array.filter (fun (struct (other, s)) -> sameInputs other && extends s scan)
                |> Array.maxBy (fun (struct (_, s)) -> s.Body.Outputs.Length)

            let struct (other, _) = best

            if not (LanguagePrimitives.PhysicalEquality other node) && other.Types.Length > node.Types.Length then
                replacement[node] <- other

        if replacement.Count = 0 then
            roots
        else
            // Bottom-up, where a replaced loop depends on its replacement: whose operands are the same, so there is no cycle.
            let map = Dictionary<Expr, Expr>(HashIdentity.Reference)
            let stack = Stack<struct (Expr * int)>()

            let operands (node: Expr) =
                match replacement.TryGetValue node with
                | true, other -> [| other |]
                | _ -> node.Inputs

            let finish (node: Expr) =
                match replacement.TryGetValue node with
                // A loop with one result is used without a projection.
                | true, other when node.Types.Length = 1 -> Expr(Project 0, [| map[other] |], node.Types)
                | true, other -> map[other]
                | _ -> Traverse.rebuild node (node.Inputs |> Array.map (fun e -> map[e]))

            for root in roots do
                stack.Push(struct (root, 0))

                while stack.Count > 0 do
                    let struct (node, next) = stack.Pop()

                    if not (map.ContainsKey node) then
                        let children = operands node

                        if next = children.Length then
                            map[node] <- finish node
                        else
                            stack.Push(struct (node, next + 1))
                            stack.Push(struct (children[next], 0))

            roots |> Array.map (fun r -> map[r])
