namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Cheap values that a group of elementwise nodes would hand to another through memory, computed again where they are
/// read: the derivative of an activation from its result, which is in memory anyway, instead of from a mask kept for it.
module internal Recompute =

    /// True for operations that cost no more than reading their result.
    let private isCheap (node: Expr) =
        match node.Op with
        | Select
        | Cast _
        | StopGradient -> true
        | Unary(UnaryOp.Neg | UnaryOp.Abs | UnaryOp.Sign | UnaryOp.Square | UnaryOp.Relu | UnaryOp.Not) -> true
        | Binary(BinaryOp.Add | BinaryOp.Sub | BinaryOp.Mul | BinaryOp.Max | BinaryOp.Min) -> true
        | Binary op -> op >= BinaryOp.Eq
        | _ -> false

    /// The one operand that is not a single constant, if the node reads it element by element.
    let private onlyOperand (node: Expr) : Expr option =
        let others = node.Inputs |> Array.filter (Regions.isOneConstant >> not)

        match Array.distinctBy (fun (e: Expr) -> (Elementwise.flatSource e).Id) others with
        | [| e |] when others |> Array.forall (fun o -> o.Shape.Size = node.Shape.Size) ->
            Some(Elementwise.flatSource e)
        | _ -> None

    /// A node that reads another, and whether it does so element by element.
    [<Struct; NoEquality; NoComparison>]
    type private Reader = { User: Expr; IsFlat: bool }

    /// Decides for every group what it computes again.
    let run (groups: Dictionary<Expr, FusionGroup>) (order: Expr[]) (roots: Expr seq) : unit =
        let isRoot = HashSet<Expr>(Seq.map Elementwise.source roots, HashIdentity.Reference)
        let readers = Dictionary<Expr, List<Reader>>(HashIdentity.Reference)

        for node in order do
            readers[node] <- List<Reader>()

            if not (Elementwise.isTransparent node) then
                for operand in node.Inputs do
                    let source = Elementwise.source operand

                    let isFlat =
                        obj.ReferenceEquals(Elementwise.flatSource operand, source)
                        && operand.Shape.Size = node.Shape.Size

                    if readers.ContainsKey source then readers[source].Add { User = node; IsFlat = isFlat }

        let groupOf (e: Expr) : FusionGroup option =
            match groups.TryGetValue e with
            | true, g -> Some g
            | _ -> None

        let isOutside (node: Expr) (r: Reader) =
            match groupOf r.User with
            | Some g -> not (obj.ReferenceEquals(g, groups[node])) && not (g.Recomputed.Contains node)
            | None -> true

        // Will the value be in memory, whatever becomes of the readers that are left out?
        let isStored (value: Expr) (except: Expr) =
            match value.Op with
            | Constant _
            | Op.Iota _
            | Random _ -> false
            | _ when not (groups.ContainsKey value) -> true
            | _ ->
                isRoot.Contains value
                || readers[value]
                   |> Seq.exists (fun r -> not (obj.ReferenceEquals(r.User, except)) && isOutside value r)

        let bytes (e: Expr) = DType.size e.DType

        for node in order do
            match groupOf node with
            | Some _ when isCheap node && not (isRoot.Contains node) ->
                match onlyOperand node with
                | Some operand when isStored operand node || bytes operand < bytes node ->
                    let outside = readers[node] |> Seq.filter (isOutside node) |> Seq.toArray

                    // The groups that would compute it; none if it has to be in memory anyway.
                    let takers =
                        if outside |> Array.forall (fun r -> r.IsFlat && groups.ContainsKey r.User) then
                            outside |> Array.map (fun r -> groups[r.User]) |> Array.distinctBy (fun g -> g.Number)
                        else
                            [||]

                    let canTake (g: FusionGroup) =
                        Seq.length g.All < Fuse.MaxMembers
                        && (match g.Domain, Elementwise.domain node with
                            | Some d, Some own -> d = own && Elementwise.staysInside d node
                            | Some d, None -> Elementwise.staysInside d node
                            | None, _ -> false)

                    if takers.Length > 0 && takers.Length <= 3 && Array.forall canTake takers then
                        for g in takers do
                            g.Recomputed.Add node |> ignore
                | _ -> ()
            | _ -> ()
