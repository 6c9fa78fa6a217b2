namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Sums of what a group of elementwise nodes computes, added up by the group's own instruction while the values are in the
/// cache: statistics, derivatives of biases and scales, losses.
module internal Sums =

    // A result of sums has its place beside the tiles.
    let private MaxInner = 32768

    /// The sum as one over the middle axis of an (outer, axis, inner) view, if it is over neighbours.
    let private viewOf (shape: Shape) (axes: int[]) : struct (int * int * int) voption =
        let mutable outer, axis, inner = 1, 1, 1
        let mutable isOne = true

        for i in 0 .. shape.Rank - 1 do
            let size = shape[i]

            if size <> 1 then
                if Array.contains i axes then
                    if inner > 1 then isOne <- false
                    axis <- axis * size
                elif axis = 1 then
                    outer <- outer * size
                else
                    inner <- inner * size

        if isOne && axis > 1 && outer > 0 && inner > 0 && inner <= MaxInner then
            ValueSome(struct (outer, axis, inner))
        else
            ValueNone

    /// For each sum that a group takes over, the group.
    let run (groups: Dictionary<Expr, FusionGroup>) (order: Expr[]) (roots: Expr seq) : Dictionary<Expr, FusionGroup> =
        let taken = Dictionary<Expr, FusionGroup>(HashIdentity.Reference)
        let isRoot = HashSet<Expr>(Seq.map Elementwise.source roots, HashIdentity.Reference)
        // Values that others than sums and members of their own group read.
        let isStored = HashSet<Expr>(isRoot, HashIdentity.Reference)

        for node in order do
            match node.Op with
            | Reduce(ReduceOp.Sum, _) -> ()
            | _ when Elementwise.isTransparent node -> ()
            | _ ->
                for operand in node.Inputs do
                    let source = Elementwise.source operand

                    let isInside =
                        match groups.TryGetValue node with
                        | true, g -> Fuse.isInside groups g node operand
                        | _ -> false

                    if not isInside then isStored.Add source |> ignore

        let hasHost (g: FusionGroup) =
            g.All
            |> Seq.exists (fun m ->
                m.Inputs
                |> Array.exists (fun o -> Epilogues.canHost (Elementwise.flatSource o) && o.Shape.Size = m.Shape.Size))

        let consider (wants: Expr -> FusionGroup -> bool) =
            for node in order do
                match node.Op with
                | Reduce(ReduceOp.Sum, axes) when DType.isFloating node.DType && not (taken.ContainsKey node) ->
                    let operand = node.Inputs[0]
                    let value = Elementwise.flatSource operand

                    match groups.TryGetValue value, viewOf operand.Shape axes with
                    | (true, g), ValueSome(struct (outer, axis, inner)) when
                        operand.Shape.Size = value.Shape.Size
                        && value.DType = node.DType
                        && g.Domain |> Option.contains (Elementwise.domainOf node.DType)
                        && wants value g
                        ->
                        let cut = SumCut.make outer axis inner

                        match g.Cut with
                        | ValueSome c when c.Outer <> outer || c.Axis <> axis || c.Inner <> inner -> ()
                        | _ ->
                            g.Cut <- ValueSome cut
                            g.Sums.Add node
                            taken[node] <- g
                    | _ -> ()
                | _ -> ()

        // A group that could be the end of another kernel is that, unless a sum saves it from storing something.
        consider (fun value g -> not (isStored.Contains value) || not (hasHost g))
        consider (fun _ g -> g.Sums.Count > 0)
        taken
