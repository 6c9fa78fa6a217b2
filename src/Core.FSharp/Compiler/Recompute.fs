namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Cheap values that a group of elementwise nodes would hand to another through memory, computed again where they are
/// read: the derivative of an activation from its result, which is in memory anyway, instead of from a mask kept for it.
module internal Recompute =

    /// How far to walk through operands, and where to stop.
    [<NoEquality; NoComparison>]
    type private Walk =
        {
            /// Most nodes computed again to have one value.
            MaxNodes: int
            /// The longest chain of them.
            MaxDepth: int
            /// Is the first value read where the other is computed?
            Reads: Expr -> Expr -> bool
            /// May the node be computed again?
            Computes: Expr -> bool
        }

    /// True for operations that cost no more than reading their result.
    let private isCheap (node: Expr) =
        match node.Op with
        // What is kept in 16 bits is kept.
        | Cast DType.BFloat16 -> false
        | Select
        | Cast _
        | StopGradient -> true
        | Unary(UnaryOp.Neg | UnaryOp.Abs | UnaryOp.Sign | UnaryOp.Square | UnaryOp.Relu | UnaryOp.Not) -> true
        | Binary(BinaryOp.Add | BinaryOp.Sub | BinaryOp.Mul | BinaryOp.Max | BinaryOp.Min) -> true
        | Binary op -> op >= BinaryOp.Eq
        | _ -> false

    /// A node that reads another, and whether it does so element by element.
    [<NoEquality; NoComparison>]
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

                    if readers.ContainsKey source then
                        readers[source].Add { User = node; IsFlat = isFlat }

        let hasHalves = Array.exists Halves.isWidening order

        let groupOf (e: Expr) : int =
            match groups.TryGetValue e with
            | true, g -> g.Number
            | _ -> -1

        let isOutside (node: Expr) (r: Reader) =
            match groups.TryGetValue r.User with
            | true, g -> g.Number <> groupOf node && not (g.Recomputed.Contains node)
            | _ -> true

        // Will the value be in memory, whatever becomes of the readers that are left out?
        let isStored (value: Expr) (except: Expr) =
            match value.Op with
            | Constant _
            | Op.Iota _
            | Random _ -> false
            // Nothing wider is kept where these are.
            | Cast DType.BFloat16 -> true
            | _ when not (groups.ContainsKey value) -> true
            | _ ->
                isRoot.Contains value
                || readers[value]
                   |> Seq.exists (fun r -> not (obj.ReferenceEquals(r.User, except)) && isOutside value r)

        /// What has to be computed to have the node without reading it, up to values that are read, beside what is known
        /// already; None if that is too much.
        let rec recipe (walk: Walk) (depth: int) (known: Expr list) (node: Expr) : Expr list option =
            let step (known: Expr list option) (operand: Expr) =
                let source = Elementwise.flatSource operand

                match known with
                | None -> None
                | Some _ when Regions.isOneConstant operand -> known
                // One number for many elements, such as a mean or a scale.
                | Some _ when operand.Shape.Size * 8 <= node.Shape.Size && isStored (Elementwise.source operand) node ->
                    known
                | Some _ when operand.Shape.Size <> node.Shape.Size -> None
                | Some list when List.exists (fun e -> obj.ReferenceEquals(e, source)) list -> known
                | Some _ when walk.Reads source node -> known
                | Some list -> recipe walk (depth + 1) list source

            if depth <= walk.MaxDepth && known.Length < walk.MaxNodes && walk.Computes node then
                Array.fold step (Some(node :: known)) node.Inputs
            else
                None

        /// Cheap nodes of one group, from what is in memory.
        let cheap (group: int) : Walk =
            { MaxNodes = 4
              MaxDepth = 3
              Reads = isStored
              Computes = fun node -> isCheap node && groupOf node = group }

        /// From values of 16 bits alone, whatever it costs to compute: these are kept so that nothing wider is.
        let fromHalves: Walk =
            { MaxNodes = 16
              MaxDepth = 10
              Reads =
                fun value _ ->
                    match value.Op with
                    | Cast DType.BFloat16 -> true
                    | _ -> false
              Computes =
                fun node ->
                    match node.Op with
                    | Unary _
                    | Binary _
                    | Select
                    | StopGradient
                    | Cast DType.Float32 -> groupOf node >= 0
                    | _ -> false }

        // A value of fewer bytes to read instead, such as the mask behind a factor.
        let isWider (node: Expr) =
            match node.Inputs |> Array.filter (Regions.isOneConstant >> not) with
            | [| operand |] -> operand.Shape.Size = node.Shape.Size && DType.size operand.DType < DType.size node.DType
            | _ -> false

        for node in order do
            let ofHalves = hasHalves && node.DType = DType.Float32

            if groups.ContainsKey node && (isCheap node || ofHalves) && not (isRoot.Contains node) then
                let outside = readers[node].ToArray() |> Array.filter (fun r -> isOutside node r)

                // The groups that would compute it; none if it has to be in memory anyway.
                let takers =
                    if outside |> Array.forall (fun r -> r.IsFlat && groups.ContainsKey r.User) then
                        outside |> Array.map (fun r -> groups[r.User]) |> Array.distinctBy (fun g -> g.Number)
                    else
                        [||]

                if takers.Length > 0 && (takers.Length <= 3 || Halves.isWidening node) then
                    let list =
                        match recipe (cheap (groupOf node)) 0 [] node with
                        | Some list -> list
                        | None when isCheap node && isWider node -> [ node ]
                        | None when ofHalves -> recipe fromHalves 0 [] node |> Option.defaultValue []
                        | None -> []

                    let canTake (g: FusionGroup) =
                        Seq.length g.All + list.Length <= Fuse.MaxMembers
                        && list
                           |> List.forall (fun e ->
                               match g.Domain, Elementwise.domain e with
                               | Some d, Some own -> d = own && Elementwise.staysInside d e
                               | Some d, None -> Elementwise.staysInside d e
                               | None, _ -> false)

                    if Array.forall canTake takers then
                        for g in takers do
                            g.Recomputed.UnionWith list
