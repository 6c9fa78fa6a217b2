namespace FunctionalNet.Compiler

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

[<AutoOpen>]
module private Marks =

    /// The number in place of a value's, for an operand that is the result of an epilogue's host.
    [<Literal>]
    let HostResult = -2

/// What is asked of the places of results.
[<NoEquality; NoComparison>]
type internal ResultMode =
    /// They stay in the arena; two may be one value.
    | InPlan
    /// Each is written where the loop around wants it, so each needs a value of its own. Those from `carries` on may be
    /// one with a result before.
    | OfLoop of carries: int

/// From a lowered graph to instructions: one per group of elementwise nodes, one per other node; movement operations
/// become views of the values they move, and are copied only for a kernel that cannot read them where they are.
[<Sealed>]
type internal Emitter
    (
        fuse: bool,
        useEpilogues: bool,
        // Leaves that stay the same between runs: kernels get them packed.
        isFixed: Expr -> bool,
        compileBody: ScanBody -> struct (Plan * int[]),
        traced: Graph,
        resultMode: ResultMode
    ) =

    // With every pass off, a value of 16 bits is widened once, for all that read it.
    let struct (graph, apart) = if fuse then Widen.run traced else struct (traced, HashSet<Expr>())

    let values = List<Value>()
    let leaves = List<Expr>()
    let constants = List<Tensor>()
    let steps = List<Step>()
    // What is known about where a node's elements are. Views of several results: by projection.
    let operands = Dictionary<Expr, Operand>(HashIdentity.Reference)
    let results = Dictionary<Expr, int[]>(HashIdentity.Reference)
    let order = Traverse.topological (Traverse.roots graph)
    let groups = Fuse.groups fuse apart order

    do if fuse then Recompute.run groups order (Traverse.roots graph)

    let sums =
        if fuse then
            Sums.run groups order (Traverse.roots graph)
        else
            Dictionary<Expr, FusionGroup>(HashIdentity.Reference)

    // Nodes that are new values of leaves.
    let updatesOf =
        HashSet<Expr>(graph.Updates |> Seq.map (fun (_, e) -> Elementwise.flatSource e), HashIdentity.Reference)
    let userCount = Dictionary<Expr, int>(HashIdentity.Reference)

    do
        for node in order do
            for i in node.Inputs do
                userCount[i] <-
                    (match userCount.TryGetValue i with
                     | true, n -> n + 1
                     | _ -> 1)

    let newValue (t: TensorType) (origin: Origin) =
        let v = { Id = values.Count; Type = t; Origin = origin }
        values.Add v
        v

    let addStep name work (inputs: Operand[]) (outputs: TensorType[]) workspace : int[] =
        let ids = outputs |> Array.map (fun t -> (newValue t Computed).Id)

        steps.Add { Name = name; Work = work; Inputs = inputs; Outputs = ids; Workspace = workspace }

        ids

    let copyOf (name: string) (t: TensorType) (operand: Operand) : Operand =
        let ids = addStep name CopyOf [| operand |] [| t |] 0L
        Operand.whole values[ids[0]]

    let isInside (group: FusionGroup) (user: Expr) (operand: Expr) = Fuse.isInside groups group user operand

    /// The node that computes the elements: under views and projections.
    let producer (node: Expr) =
        let s = Elementwise.source node

        match s.Op with
        | Project _ -> s.Inputs[0]
        | _ -> s

    let hasFixedWeights (user: Expr) = user.Inputs.Length > 1 && isFixed (Elementwise.source user.Inputs[1])

    /// True if a kernel reads that operand in 16 bits, and widens it part by part.
    let isNarrow (user: Expr) (i: int) =
        apart.Contains(Elementwise.flatSource user.Inputs[i])
        && Parts.canWiden user i
        && not (hasFixedWeights user)

    /// What such an operand is in 16 bits.
    let narrow (operand: Expr) = (Elementwise.flatSource operand).Inputs[0]

    /// The nodes whose values must be in memory for a user to read an operand.
    let dependencies (user: Expr) (operand: Expr) : Expr list =
        let index = Array.FindIndex(user.Inputs, (fun i -> obj.ReferenceEquals(i, operand)))
        let isNarrow = apart.Count > 0 && index >= 0 && isNarrow user index
        let node = producer (if isNarrow then narrow operand else operand)

        if groups.ContainsKey user && Regions.isGenerated user operand then
            // Only the operands of the generator, if it has any.
            match node.Op with
            | Random _ -> node.Inputs |> Array.map producer |> List.ofArray
            | _ -> []
        else
            [ node ]

    member private _.Whole(id: int) = Operand.whole values[id]

    /// Where the elements of a node are. Whatever it depends on has been emitted.
    member private this.Load(node: Expr) : Operand =
        match operands.TryGetValue node with
        | true, o -> o
        | _ ->
            let viewed (f: View -> View) =
                let o = this.Load node.Inputs[0]
                { o with View = f o.View }

            let o =
                match node.Op with
                | Leaf _ ->
                    leaves.Add node
                    Operand.whole (newValue node.Type (LeafValue node))
                | Constant t ->
                    constants.Add t
                    Operand.whole (newValue node.Type (ConstantValue t))
                | Reshape shape ->
                    let o = this.Load node.Inputs[0]
                    let dims = shape.ToArray()

                    match View.reshape dims o.View with
                    | Some view -> { o with View = view }
                    | None ->
                        let c = copyOf "Copy" node.Type o
                        { c with View = View.ofShape shape }
                | Broadcast shape -> viewed (View.broadcast (shape.ToArray()))
                | Transpose perm -> viewed (View.transpose perm)
                | Slice(starts, limits, stepSizes) -> viewed (View.slice starts limits stepSizes)
                | Reverse axes -> viewed (View.reverse axes)
                | Project i -> this.Whole(results[node.Inputs[0]][i])
                | Structured(:? Barrier) ->
                    // No instruction: whoever reads the value is told to wait.
                    let value = this.Load node.Inputs[0]
                    let others = node.Inputs[1..] |> Array.map (fun e -> (this.Load e).Value)
                    { value with After = Array.append value.After others |> Array.distinct }
                | _ ->
                    if not (results.ContainsKey node) then this.EmitNode node

                    this.Whole(results[node][0])

            operands[node] <- o
            o

    /// The same, one behind the other; a copy if need be, made once.
    member private this.LoadContiguous(node: Expr) : Operand =
        let o = this.Load node

        if View.isContiguous o.View then
            o
        else
            let c = { copyOf (Expr.OpName node.Op) node.Type o with View = View.ofShape node.Shape }
            operands[node] <- c
            c

    /// For a tile program, which reads strides, but not well where neighbours are far apart.
    member private this.LoadForRegion(node: Expr) : Operand =
        let o = this.Load node
        let struct (d, s) = Strides.collapse o.View.Dims o.View.Strides
        let near = d.Length = 0 || abs s[s.Length - 1] <= 1
        let uses =
            (match userCount.TryGetValue node with
             | true, n -> n
             | _ -> 1)

        if near || (uses = 1 && View.size o.View <= 16384) then o else this.LoadContiguous node

    /// What a group has to compute for some of its members, in order.
    member private _.Used(group: FusionGroup, outputs: Expr[]) : Expr[] =
        let used = HashSet<Expr>(outputs, HashIdentity.Reference)

        for m in group.All |> Seq.sortByDescending (fun m -> m.Id) do
            if used.Contains m then
                for i in m.Inputs do
                    if isInside group m i then used.Add(Elementwise.flatSource i) |> ignore

        used |> Seq.sortBy (fun m -> m.Id) |> Seq.toArray

    /// A group as an instruction of its own, or as the end of its host; `keep`: others need the host's result too.
    member private this.EmitGroup(group: FusionGroup, needed: HashSet<Expr>, host: Expr option, keep: bool) =
        let outputs = group.Members.ToArray() |> Array.filter needed.Contains |> Array.sortBy (fun m -> m.Id)
        let sums = group.Sums.ToArray() |> Array.filter needed.Contains
        let summed = sums |> Array.map (fun s -> Elementwise.flatSource s.Inputs[0])
        let members = this.Used(group, Array.append outputs summed)
        let types = outputs |> Array.map (fun e -> e.Type)
        let domain = defaultArg group.Domain TileDomain.F32
        let build load = Regions.build domain members outputs summed (isInside group) load
        let name = if members.Length = 1 then Expr.OpName members[0].Op else "Fused" + string members.Length

        let ids =
            match host with
            | None when sums.Length > 0 ->
                let region, inputs = build this.LoadForRegion
                let work = RegionSums(region, group.Cut.Value)
                let types = Array.append types (sums |> Array.map (fun s -> s.Type))
                let ids = addStep (name + "+Sum") work inputs types (Select.workspace work)
                Array.iteri (fun i (s: Expr) -> results[s] <- [| ids[outputs.Length + i] |]) sums
                Array.truncate outputs.Length ids
            | None ->
                let region, inputs = build this.LoadForRegion
                addStep name (Elementwise region) inputs types 0L
            | Some host ->
                // A result with a new value for a leaf had better stand where the old one is.
                let isRoom (e: Expr) = DType.size e.DType = DType.size host.DType && not (updatesOf.Contains e)
                let room = if keep then None else Array.tryFindIndex isRoom outputs

                // Floats of which only 16 bits are kept need a place for a part of them only.
                let inWork =
                    not keep
                    && room.IsNone
                    && not (hasFixedWeights host)
                    && outputs |> Array.exists (fun e -> e.DType = DType.BFloat16)

                let struct (work, operands) = this.WorkOf(host, inWork)

                let load (e: Expr) =
                    if obj.ReferenceEquals(Elementwise.flatSource e, host) then
                        { Operand.none with Value = HostResult; DType = e.DType; View = View.ofShape e.Shape }
                    else
                        this.LoadForRegion e

                let region, inputs = build load
                let source = inputs |> Array.findIndex (fun o -> o.Value = HostResult)
                inputs[source] <- Operand.none

                let target =
                    match room, work with
                    | Some i, _ -> i
                    | None, InParts p when p.InWork -> -1
                    | None, _ -> outputs.Length

                let types = if target < types.Length then types else Array.append types [| host.Type |]
                let e = { Region = region; FirstInput = operands.Length; Source = source; Target = target }

                let ids =
                    addStep
                        (Expr.OpName host.Op + "+" + name)
                        (WithEpilogue(work, e))
                        (Array.append operands inputs)
                        types
                        (Select.workspace work)

                if keep then results[host] <- [| ids[target] |]
                Array.truncate outputs.Length ids

        Array.iter2 (fun (e: Expr) id -> results[e] <- [| id |]) outputs ids

    /// The product of a node with the operands it reads.
    member private this.MatMulOf(node: Expr, ta: bool, tb: bool) : struct (Work * Operand[]) =
        // (operand, transposed, row length) if a product kernel can read the two last axes where they are.
        let matrix (e: Expr) (transposed: bool) =
            let read (o: Operand) =
                let v = o.View
                let r = v.Dims.Length
                let rows, cols = v.Dims[r - 2], v.Dims[r - 1]
                let rs, cs = v.Strides[r - 2], v.Strides[r - 1]

                if View.size v = 0 then
                    // Never read.
                    Some(struct (o, transposed, max 1 cols))
                elif (cs = 1 || cols <= 1) && (rs >= max 1 cols || rows <= 1) then
                    Some(struct (o, transposed, (if rows <= 1 then max 1 cols else rs)))
                elif (rs = 1 || rows <= 1) && (cs >= max 1 rows || cols <= 1) then
                    Some(struct (o, not transposed, (if cols <= 1 then max 1 rows else cs)))
                else
                    None

            let first = this.LoadFor(node, e, this.Load)

            match read first with
            | Some m -> m
            | None -> (read (this.LoadContiguous e)).Value

        let a, b = node.Inputs[0], node.Inputs[1]
        let struct (oa, ta, lda) = matrix a ta
        let struct (ob, tb, ldb) = matrix b tb
        let rank = node.Rank
        let m, n = node.Shape[rank - 2], node.Shape[rank - 1]
        let inner =
            match node.Op with
            | MatMul(t, _) -> if t then a.Shape[-2] else a.Shape[-1]
            | _ -> 0

        let batch = node.Shape.ToArray()[.. rank - 3]
        let count = Array.fold (*) 1 batch

        let outer (o: Operand) =
            let lead = o.View.Dims.Length - 3

            View.broadcast batch { Dims = o.View.Dims[..lead]; Strides = o.View.Strides[..lead]; Offset = 0 }

        let va, vb = outer oa, outer ob
        let struct (sharedDims, sharedStrides) = Strides.collapse batch vb.Strides
        let bShared = sharedDims.Length = 0 || Array.forall (fun s -> s = 0) sharedStrides

        let rowsCollapse =
            if ta || not bShared || count <= 1 then
                None
            else
                // The rows of all batches of A, one after the other at one distance: one big product.
                let struct (d, s) = Strides.collapse (Array.append batch [| m |]) (Array.append va.Strides [| lda |])
                if d.Length = 1 && s[0] >= max 1 inner then Some s[0] else None

        let work =
            match rowsCollapse with
            | Some stride ->
                { DType = node.DType
                  TransposeA = ta
                  TransposeB = tb
                  M = count * m
                  N = n
                  K = inner
                  Lda = stride
                  Ldb = ldb
                  Ldc = max 1 n
                  OffsetsA = [| 0 |]
                  OffsetsB = [| 0 |]
                  OffsetsC = [| 0 |] }
            | None ->
                let table (v: View) =
                    Array.init count (fun index ->
                        let mutable rest = index
                        let mutable offset = 0

                        for i in batch.Length - 1 .. -1 .. 0 do
                            offset <- offset + rest % batch[i] * v.Strides[i]
                            rest <- rest / batch[i]

                        offset)

                { DType = node.DType
                  TransposeA = ta
                  TransposeB = tb
                  M = m
                  N = n
                  K = inner
                  Lda = lda
                  Ldb = ldb
                  Ldc = max 1 n
                  OffsetsA = table va
                  OffsetsB = table vb
                  OffsetsC = Array.init count (fun i -> i * m * n) }

        struct (MatMuls work, [| oa; ob |])

    /// An operand of a kernel: in 16 bits, one behind the other, if it widens that by itself.
    member private this.LoadFor(user: Expr, operand: Expr, load: Expr -> Operand) : Operand =
        let index = Array.FindIndex(user.Inputs, (fun i -> obj.ReferenceEquals(i, operand)))

        if apart.Count > 0 && isNarrow user index then
            let o = this.LoadContiguous(narrow operand)
            { o with View = { View.ofShape operand.Shape with Offset = o.View.Offset } }
        else
            load operand

    /// What a node with a kernel of its own does, and the operands it reads; `inWork`: its result is read by an epilogue alone.
    member private this.WorkOf(node: Expr, inWork: bool) : struct (Work * Operand[]) =
        let struct (work, operands) =
            match node.Op with
            | MatMul(ta, tb) -> this.MatMulOf(node, ta, tb)
            | op ->
                let load (e: Expr) =
                    match op with
                    | Pad _
                    | Concat _ -> this.Load e
                    | _ -> this.LoadContiguous e

                struct (Select.work op (node.Inputs |> Array.map (fun e -> e.Type)) node.Types,
                        node.Inputs |> Array.map (fun e -> this.LoadFor(node, e, load)))

        let isNarrow =
            operands |> Array.mapi (fun i o -> o.DType = DType.BFloat16 && node.Inputs[i].DType = DType.Float32)

        if inWork || Array.contains true isNarrow then
            let size = node.Shape.Size

            match Parts.make isNarrow inWork size work with
            | ValueSome parts -> struct (parts, operands)
            | ValueNone when Array.contains true isNarrow ->
                // Its result cannot be had in parts; its operands can.
                struct ((Parts.make isNarrow false size work).Value, operands)
            | ValueNone -> struct (work, operands)
        else
            struct (work, operands)

    member private this.EmitLoop(node: Expr, scan: Scan) =
        let struct (body, carryFrom) = compileBody scan.Body
        let inputs = node.Inputs |> Array.map this.LoadContiguous
        let mutable size = Mem.align body.ArenaBytes

        let offsets =
            carryFrom
            |> Array.mapi (fun i from ->
                if from >= 0 then
                    -1L
                else
                    let at = size
                    let t = node.Types[i]
                    size <- size + 2L * Mem.align (int64 t.Shape.Size * int64 (DType.size t.DType))
                    at)

        let work =
            Loop { Body = body; Scan = scan; CarryFrom = carryFrom; CarryOffsets = offsets; Workspace = size }

        results[node] <- addStep "Scan" work inputs node.Types size

    member private this.EmitNode(node: Expr) =
        match node.Op with
        | Structured(:? Scan as scan) -> this.EmitLoop(node, scan)
        | Op.Iota _ ->
            // Alone: a program that copies the index out.
            let inputs = [| { DType = DType.Int64; Access = Regions.iotaAccess node.Op } |]
            let instructions = [| TileInstruction.Unary(TileOp.Copy, 0) |]
            let outputs = [| { TileOutput.Value = 1; DType = node.DType } |]
            let domain = Elementwise.domainOf node.DType

            let region =
                { Size = node.Shape.Size
                  Domain = domain
                  Inputs = inputs
                  Instructions = instructions
                  Outputs = outputs
                  Summed = [||]
                  Program = TileProgram(domain, inputs, instructions, outputs) }

            results[node] <- addStep "Iota" (Elementwise region) [| Operand.none |] node.Types 0L
        | op ->
            let struct (work, inputs) = this.WorkOf(node, false)
            results[node] <- addStep (Expr.OpName op) work inputs node.Types (Select.workspace work)

    /// Instructions for everything the roots need, producers first.
    member this.Run() : Program =
        // Units: a group stands under its first member.
        let unitOf (e: Expr) =
            match groups.TryGetValue e, sums.TryGetValue e with
            | (true, g), _
            | _, (true, g) -> g.Members[0]
            | _ -> e

        let needed = HashSet<Expr>(HashIdentity.Reference)
        let unitInputs = Dictionary<Expr, List<Expr>>(HashIdentity.Reference)

        let inputsOf (unit: Expr) =
            match unitInputs.TryGetValue unit with
            | true, list -> list
            | _ ->
                let list = List<Expr>()
                let seen = HashSet<Expr>(HashIdentity.Reference)

                let add (user: Expr) (operand: Expr) =
                    for d in dependencies user operand do
                        needed.Add d |> ignore
                        let u = unitOf d
                        if seen.Add u then list.Add u

                match groups.TryGetValue unit with
                | true, g ->
                    for m in g.All do
                        for i in m.Inputs do
                            if not (isInside g m i) then add m i
                | _ ->
                    for i in unit.Inputs do
                        add unit i

                // Widenings come last: just before they are read.
                if apart.Count > 0 then
                    let late, early = Seq.toArray list |> Array.partition apart.Contains
                    list.Clear()
                    list.AddRange early
                    list.AddRange late

                unitInputs[unit] <- list
                list

        let rootNodes = Traverse.roots graph |> Seq.map producer |> Seq.toArray

        // The units the roots need, each after those that it reads.
        let ordered (unitOf: Expr -> Expr) (inputsOf: Expr -> List<Expr>) =
            let unitOrder = List<Expr>()
            let visited = HashSet<Expr>(HashIdentity.Reference)
            let stack = Stack<struct (Expr * int)>()

            for root in rootNodes do
                let unit = unitOf root
                if visited.Add unit then stack.Push(struct (unit, 0))

                while stack.Count > 0 do
                    let struct (unit, next) = stack.Pop()
                    let list = inputsOf unit

                    if next = list.Count then
                        unitOrder.Add unit
                    else
                        stack.Push(struct (unit, next + 1))
                        if visited.Add list[next] then stack.Push(struct (list[next], 0))

            unitOrder

        for root in rootNodes do
            needed.Add root |> ignore

        let separate = ordered unitOf inputsOf

        let hosts =
            if useEpilogues then
                Epilogues.choose groups separate (fun unit -> inputsOf unit)
            else
                Dictionary<Expr, Expr>(HashIdentity.Reference)

        // A host is one unit with the group that ends it.
        let endOf = Dictionary<Expr, Expr>(HashIdentity.Reference)

        for entry in hosts do
            endOf[entry.Value] <- entry.Key

        let together (e: Expr) =
            match endOf.TryGetValue e with
            | true, unit -> unit
            | _ -> e

        let joinedInputs = Dictionary<Expr, List<Expr>>(HashIdentity.Reference)

        let inputsTogether (unit: Expr) =
            match joinedInputs.TryGetValue unit with
            | true, list -> list
            | _ ->
                let own =
                    match hosts.TryGetValue unit with
                    | true, host -> Seq.append (inputsOf host) (inputsOf unit)
                    | _ -> inputsOf unit

                let list =
                    List<Expr>(
                        own
                        |> Seq.map together
                        |> Seq.filter (fun e -> not (obj.ReferenceEquals(e, unit)))
                        |> Seq.distinctBy (fun e -> e.Id)
                    )

                joinedInputs[unit] <- list
                list

        let unitOrder = if hosts.Count = 0 then separate else ordered (unitOf >> together) inputsTogether

        // Hosts whose results are read by others than their ends.
        let kept = HashSet<Expr>(rootNodes |> Seq.filter endOf.ContainsKey, HashIdentity.Reference)

        if hosts.Count > 0 then
            for unit in separate do
                for input in inputsOf unit do
                    match endOf.TryGetValue input with
                    | true, ending when not (obj.ReferenceEquals(ending, unit)) -> kept.Add input |> ignore
                    | _ -> ()

        for unit in unitOrder do
            match groups.TryGetValue unit with
            | true, g ->
                match hosts.TryGetValue unit with
                | true, host -> this.EmitGroup(g, needed, Some host, kept.Contains host)
                | _ -> this.EmitGroup(g, needed, None, false)
            | _ ->
                match unit.Op with
                | Leaf _
                | Constant _ -> this.Load unit |> ignore
                | Structured(:? Barrier) -> this.Load unit |> ignore
                | _ -> if not (results.ContainsKey unit) then this.EmitNode unit

        this.Finish()

    member private this.Finish() : Program =
        let taken = HashSet<int>()
        let takenByCarry = HashSet<int>()
        let isWhole (o: Operand) = Operand.isWhole values[o.Value] o

        let isComputed (o: Operand) =
            match values[o.Value].Origin with
            | Computed -> true
            | _ -> false

        let outputs =
            graph.Outputs
            |> Array.mapi (fun k (name, e) ->
                let o = this.LoadContiguous e

                let keep =
                    isComputed o
                    && match resultMode with
                       | InPlan -> true
                       | OfLoop carries when k < carries -> isWhole o && taken.Add o.Value
                       | OfLoop _ -> isWhole o && (taken.Contains o.Value || takenByCarry.Add o.Value)

                let o = if keep then o else copyOf "Copy" e.Type o

                { Name = name; Type = e.Type; Operand = o })

        let updated = HashSet<int>()

        let updates =
            graph.Updates
            |> Array.choose (fun (leaf, e) ->
                let target = (this.Load leaf).Value
                let o = this.LoadContiguous e

                if o.Value = target && o.View.Offset = 0 then
                    None
                else
                    let o = if isComputed o && isWhole o && updated.Add o.Value then o else copyOf "Copy" e.Type o

                    Some(struct (target, o.Value)))

        { Leaves = leaves.ToArray()
          Constants = constants.ToArray()
          Packs = [||]
          Values = values.ToArray()
          Steps = steps.ToArray()
          Outputs = outputs
          Updates = updates }
