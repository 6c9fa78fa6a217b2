namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// What fusion may know about single operations.
module internal Elementwise =

    let domainOf (dtype: DType) =
        match dtype with
        | DType.Float32
        | DType.BFloat16 -> TileDomain.F32
        | DType.Float64 -> TileDomain.F64
        | _ -> TileDomain.I64

    /// The domain that an elementwise operation computes in, or None if any will do.
    let domain (node: Expr) : TileDomain option =
        let ofInput (e: Expr) = if e.DType = DType.Bool then None else Some(domainOf e.DType)

        match node.Op with
        | Select -> ofInput node.Inputs[1]
        | Cast target ->
            match node.Inputs[0].DType, target with
            | DType.Float32, DType.Float64 -> Some TileDomain.F64
            | DType.BFloat16, _ -> Some TileDomain.F32
            | source, _ when DType.isFloating source -> Some(domainOf source)
            | _, target when DType.isFloating target -> Some(domainOf target)
            | DType.Bool, DType.Bool -> None
            | _ -> Some TileDomain.I64
        | _ -> ofInput node.Inputs[0]

    let isElementwise (node: Expr) =
        match node.Op with
        | Unary _
        | Binary _
        | Select
        | Cast _
        | StopGradient -> true
        | _ -> false

    /// True if the node's result may be handed on inside a region of that domain without going through memory, where it
    /// would be rounded to its own type.
    let staysInside (domain: TileDomain) (node: Expr) =
        node.DType = DType.Bool
        || (domainOf node.DType = domain
            && match node.Op with
               | Cast DType.Int32 -> node.Inputs[0].DType = DType.Int32 || node.Inputs[0].DType = DType.Bool
               | Cast DType.Float32 -> domain = TileDomain.F32
               | _ -> true)

    /// The node under any number of reshapes.
    let rec flatSource (node: Expr) : Expr =
        match node.Op with
        | Reshape _ -> flatSource node.Inputs[0]
        | _ -> node

    /// True for operations that only look at their operand in another way, or that are results of another node.
    let isTransparent (node: Expr) =
        match node.Op with
        | Reshape _
        | Broadcast _
        | Transpose _
        | Slice _
        | Reverse _
        | Project _ -> true
        | _ -> false

    /// The node under any number of views.
    let rec source (node: Expr) : Expr =
        match node.Op with
        | Project _ -> node
        | _ when isTransparent node -> source node.Inputs[0]
        | _ -> node

/// A set of nodes that one instruction computes.
[<Sealed; AllowNullLiteral>]
type internal FusionGroup(first: Expr, index: int) =
    /// In topological order.
    member val Members = List<Expr>([| first |]) with get
    /// Members of other groups that this one computes again for itself.
    member val Recomputed = HashSet<Expr>(HashIdentity.Reference) with get
    member val Domain: TileDomain option = Elementwise.domain first with get, set
    member val Number = index

    /// Sums of its values that it adds up itself, all cut alike.
    member val Sums = List<Expr>() with get
    member val Cut: SumCut voption = ValueNone with get, set

    /// Everything it computes.
    member this.All: Expr seq = Seq.append this.Members this.Recomputed

module internal Fuse =

    /// Most nodes in a region.
    [<Literal>]
    let MaxMembers = 64

    /// Most distinct operands of a region.
    [<Literal>]
    let MaxInputs = 20

    /// True if the operand, as its user reads it, is a result of the group, element by element.
    let isInside (groupOf: Dictionary<Expr, FusionGroup>) (group: FusionGroup) (user: Expr) (operand: Expr) =
        let node = Elementwise.flatSource operand

        match groupOf.TryGetValue node with
        | true, g ->
            (obj.ReferenceEquals(g, group) || group.Recomputed.Contains node)
            && operand.Shape.Size = user.Shape.Size
        | _ -> false

    /// Groups of elementwise nodes; every elementwise node is in one. Without fusion each is alone. Two groups become one
    /// where a result flows from one to the other element by element, in one domain, and no path leaves the union and
    /// comes back. Nodes of `apart` are alone in any case.
    let groups (fuse: bool) (apart: HashSet<Expr>) (order: Expr[]) : Dictionary<Expr, FusionGroup> =
        let indexOf = Dictionary<Expr, int>(order.Length, HashIdentity.Reference)
        order |> Array.iteri (fun i e -> indexOf[e] <- i)
        let users = Array.init order.Length (fun _ -> List<int>())

        for i in 0 .. order.Length - 1 do
            for input in order[i].Inputs do
                users[indexOf[input]].Add i

        let groupAt: FusionGroup[] = Array.zeroCreate order.Length
        let stamps: int[] = Array.zeroCreate order.Length
        let mutable stamp = 0
        let stack = Stack<int>()

        let seen = HashSet<Expr>(HashIdentity.Reference)

        // What the members of two groups read from outside.
        let operands (a: FusionGroup) (b: FusionGroup) =
            let isInside (e: Expr) =
                let g = groupAt[indexOf[e]]
                not (isNull g) && (obj.ReferenceEquals(g, a) || obj.ReferenceEquals(g, b))

            let add (members: List<Expr>) =
                for m in members do
                    for i in m.Inputs do
                        if not (isInside (Elementwise.flatSource i)) then seen.Add i |> ignore

            seen.Clear()
            add a.Members
            add b.Members
            seen.Count

        // From everything that uses a result of the two groups and is outside of both, can one of them be reached?
        let makesCycle (a: FusionGroup) (b: FusionGroup) (last: int) =
            stamp <- stamp + 1
            stack.Clear()
            let isOurs i = obj.ReferenceEquals(groupAt[i], a) || obj.ReferenceEquals(groupAt[i], b)
            let mutable found = false

            let pushUsers i =
                for u in users[i] do
                    if u <= last && stamps[u] <> stamp && not (isOurs u) then
                        stamps[u] <- stamp
                        stack.Push u

            // Reshapes between members are inside; all other users are outside.
            let start (g: FusionGroup) =
                for m in g.Members do
                    pushUsers indexOf[m]

            start a
            start b

            while not found && stack.Count > 0 do
                let i = stack.Pop()

                let visit k =
                    for u in users[k] do
                        if u <= last then
                            if isOurs u then
                                let viaReshape =
                                    (match order[k].Op with
                                     | Reshape _ -> isOurs indexOf[Elementwise.flatSource order[k]]
                                     | _ -> false)
                                    && order[k].Shape.Size = order[u].Shape.Size

                                if not viaReshape then found <- true
                            elif stamps[u] <> stamp then
                                stamps[u] <- stamp
                                stack.Push u

                match groupAt[i] with
                | null -> visit i
                | g ->
                    for m in g.Members do
                        stamps[indexOf[m]] <- stamp
                        visit indexOf[m]

            found

        for i in 0 .. order.Length - 1 do
            let node = order[i]

            if Elementwise.isElementwise node then
                groupAt[i] <- FusionGroup(node, i)

                if fuse && not (apart.Contains node) then
                    for operand in node.Inputs do
                        let producer = Elementwise.flatSource operand
                        let a = groupAt[indexOf[producer]]
                        let b = groupAt[i]

                        if
                            not (isNull a) && not (obj.ReferenceEquals(a, b)) && operand.Shape.Size = node.Shape.Size
                        then
                            let domain =
                                match a.Domain, b.Domain with
                                | Some x, Some y -> if x = y then Some(Some x) else None
                                | Some x, None
                                | None, Some x -> Some(Some x)
                                | None, None -> Some None

                            let staysInside (d: TileDomain option) =
                                match d with
                                | None -> true
                                | Some d -> Elementwise.staysInside d producer

                            match domain with
                            | Some d when
                                staysInside d
                                && a.Members.Count + b.Members.Count <= MaxMembers
                                && operands a b <= MaxInputs
                                && not (makesCycle a b i)
                                ->
                                // A value that came in through memory (rounded to its type) may now come from inside;
                                // the same rule that allows the edge in hand must allow that one.
                                let isAllowed (m: Expr) =
                                    m.Inputs
                                    |> Array.forall (fun o ->
                                        let p = Elementwise.flatSource o
                                        let g = groupAt[indexOf[p]]

                                        isNull g
                                        || not (obj.ReferenceEquals(g, a) || obj.ReferenceEquals(g, b))
                                        || (o.Shape.Size = m.Shape.Size
                                            && (match d with
                                                | None -> true
                                                | Some d -> Elementwise.staysInside d p)))

                                if a.Members.TrueForAll isAllowed && b.Members.TrueForAll isAllowed then
                                    a.Domain <- d
                                    a.Members.AddRange b.Members

                                    for m in b.Members do
                                        groupAt[indexOf[m]] <- a
                            | _ -> ()

        let result = Dictionary<Expr, FusionGroup>(HashIdentity.Reference)

        for i in 0 .. order.Length - 1 do
            match groupAt[i] with
            | null -> ()
            | g -> result[order[i]] <- g

        result
