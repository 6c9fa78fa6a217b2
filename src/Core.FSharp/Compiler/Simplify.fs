namespace FunctionalNet.Compiler

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Equal nodes merged, constants folded, and algebra that changes no bit that matters: x * 0 is kept (NaN), sums are not
/// reordered. What nothing needs is gone with the walk from the roots.
module internal Simplify =

    /// Largest constant that folding makes.
    [<Literal>]
    let MaxFolded = 4096

    [<CustomEquality; NoComparison>]
    type private Key =
        { Op: Op
          Inputs: Expr[] }

        override this.Equals(other: obj | null) =
            match other with
            | :? Key as k -> (this :> IEquatable<Key>).Equals k
            | _ -> false

        override this.GetHashCode() =
            let mutable h = Op.Hash this.Op

            for i in this.Inputs do
                h <- h * 31 + int i.Id

            h

        interface IEquatable<Key> with
            member this.Equals(other: Key | null) =
                match other with
                | null -> false
                | other ->
                    this.Inputs.Length = other.Inputs.Length
                    && Array.forall2 (fun (x: Expr) y -> obj.ReferenceEquals(x, y)) this.Inputs other.Inputs
                    && Op.Same(this.Op, other.Op)

    /// The number that every element of a constant is, also under reshapes and broadcasts.
    let rec private splat (node: Expr) : float voption =
        match node.Op with
        | Constant t when t.Size = 1 -> ValueSome((t.ToDoubles())[0])
        | Constant t when t.Size > 1 && t.Size <= MaxFolded ->
            let values = t.ToDoubles()
            if values |> Array.forall (fun v -> v = values[0]) then ValueSome values[0] else ValueNone
        | Reshape _
        | Broadcast _ -> splat node.Inputs[0]
        | _ -> ValueNone

    let private isSplat (value: float) (node: Expr) =
        match splat node with
        | ValueSome v -> v = value
        | ValueNone -> false

    let private isConstant (node: Expr) =
        match node.Op with
        | Constant _ -> true
        | _ -> false

    /// True if every value of the first type is exact in the second.
    let private isExact (source: DType) (target: DType) =
        source = target
        || source = DType.Bool
        || match source, target with
           | DType.Float32, DType.Float64
           | DType.BFloat16, DType.Float32
           | DType.Int32, DType.Int64
           | DType.Int32, DType.Float64 -> true
           | _ -> false

    let private identityPerm (perm: int[]) =
        let mutable same = true

        for i in 0 .. perm.Length - 1 do
            if perm[i] <> i then same <- false

        same

    let private isIncreasing (axes: int[]) =
        let mutable ok = true

        for i in 1 .. axes.Length - 1 do
            if axes[i] < axes[i - 1] then ok <- false

        ok

    /// One rewriting of nodes to simpler ones. Nodes it makes are simplified and merged too.
    [<Sealed>]
    type private Rewriter() =
        let known = Dictionary<Key, Expr>()
        let halves = Halves.Known()

        /// The node with that operation on already simplified operands.
        member private this.Make(op: Op, inputs: Expr[]) : Expr = this.Simplest(Expr.Node(op, inputs))

        member private this.BroadcastTo(shape: Shape, x: Expr) =
            if x.Shape.Equals shape then x else this.Make(Broadcast shape, [| x |])

        member private this.ReshapeTo(shape: Shape, x: Expr) =
            if x.Shape.Equals shape then x else this.Make(Reshape shape, [| x |])

        /// The only node with these operands and attributes.
        member private _.Unique(node: Expr) : Expr =
            match node.Op with
            | Leaf _ -> node
            | _ ->
                let key = { Op = node.Op; Inputs = node.Inputs }

                match known.TryGetValue key with
                | true, other when other.Types.Length = node.Types.Length && TensorType.Same(other.Type, node.Type) ->
                    other
                | true, _ -> node
                | _ ->
                    known[key] <- node
                    node

        /// A simpler node, or null if no rule fits.
        member private this.Rule(node: Expr) : Expr | null =
            let x i = node.Inputs[i]
            let shape = node.Shape

            match node.Op with
            | StopGradient -> x 0
            | Unary UnaryOp.Neg ->
                match (x 0).Op with
                | Unary UnaryOp.Neg -> (x 0).Inputs[0]
                | _ -> null
            | Unary UnaryOp.Not ->
                match (x 0).Op with
                | Unary UnaryOp.Not -> (x 0).Inputs[0]
                | _ -> null
            | Unary UnaryOp.Relu ->
                match (x 0).Op with
                | Unary UnaryOp.Relu -> x 0
                | _ -> null
            | Binary op -> this.BinaryRule(node, op)
            | Select ->
                let withoutBroadcast = this.WithoutBroadcasts node

                if not (obj.ReferenceEquals(withoutBroadcast, node)) then withoutBroadcast
                elif isSplat 1.0 (x 0) then this.BroadcastTo(shape, x 1)
                elif isSplat 0.0 (x 0) then this.BroadcastTo(shape, x 2)
                elif obj.ReferenceEquals(x 1, x 2) then this.BroadcastTo(shape, x 1)
                else null
            | Cast target ->
                if (x 0).DType = target then
                    x 0
                else
                    match (x 0).Op with
                    // Rounded to what it is already.
                    | Cast DType.BFloat16 when target = DType.Float32 && halves.Fits (x 0).Inputs[0] -> (x 0).Inputs[0]
                    // Through a type that holds every value, the way is the direct one.
                    | Cast middle when
                        isExact (x 0).Inputs[0].DType middle
                        // Between 16 bits and anything else than float32 there is no direct way.
                        && ((x 0).Inputs[0].DType = DType.BFloat16) = (target = DType.BFloat16)
                        ->
                        this.Make(Cast target, [| (x 0).Inputs[0] |])
                    // Values of 16 bits that were only moved in 32.
                    | Reshape _
                    | Broadcast _
                    | Transpose _
                    | Slice _
                    | Reverse _
                    | Concat _ when target = DType.BFloat16 && Array.forall Halves.isWidening (x 0).Inputs ->
                        this.Make((x 0).Op, (x 0).Inputs |> Array.map (fun i -> i.Inputs[0]))
                    | Gather _ when target = DType.BFloat16 && Halves.isWidening (x 0).Inputs[0] ->
                        this.Make((x 0).Op, [| (x 0).Inputs[0].Inputs[0]; (x 0).Inputs[1] |])
                    | Iota(t, axis) when target <> DType.Bool -> this.Make(Iota({ t with DType = target }, axis), [||])
                    | _ -> null
            | Reshape _ ->
                if (x 0).Shape.Equals shape then
                    x 0
                else
                    match (x 0).Op with
                    | Reshape _ -> this.ReshapeTo(shape, (x 0).Inputs[0])
                    | _ -> null
            | Broadcast _ ->
                if (x 0).Shape.Equals shape then
                    x 0
                elif (x 0).Shape.Size = shape.Size then
                    this.ReshapeTo(shape, x 0)
                else
                    match (x 0).Op with
                    | Broadcast _ -> this.BroadcastTo(shape, (x 0).Inputs[0])
                    | _ -> null
            | Transpose perm ->
                if identityPerm perm then
                    x 0
                else
                    match (x 0).Op with
                    | Transpose inner ->
                        this.Make(Transpose(perm |> Array.map (fun p -> inner[p])), [| (x 0).Inputs[0] |])
                    | _ ->
                        // Moving only axes of size 1 is a reshape.
                        let moved = perm |> Array.filter (fun p -> (x 0).Shape[p] <> 1)
                        if isIncreasing moved then this.ReshapeTo(shape, x 0) else null
            | Slice(starts, _, steps) ->
                if shape.Equals (x 0).Shape then
                    x 0
                else
                    match (x 0).Op with
                    | Slice(s, _, t) when shape.Size > 0 ->
                        let start = Array.init s.Length (fun i -> s[i] + starts[i] * t[i])
                        let step = Array.init s.Length (fun i -> steps[i] * t[i])
                        // Just behind the last element taken.
                        let limit = Array.init s.Length (fun i -> start[i] + (shape[i] - 1) * step[i] + 1)
                        this.Make(Slice(start, limit, step), [| (x 0).Inputs[0] |])
                    | _ -> null
            | Pad(low, high, interior, _) ->
                let isZero (a: int[]) = Array.forall (fun v -> v = 0) a
                if isZero low && isZero high && isZero interior then x 0 else null
            | Concat _ when node.Inputs.Length = 1 -> x 0
            | Reverse axes -> if axes |> Array.forall (fun a -> (x 0).Shape[a] = 1) then x 0 else null
            | Reduce(op, axes) ->
                let logicalOrPlain = op <> ReduceOp.Any && op <> ReduceOp.All || (x 0).DType = DType.Bool

                if logicalOrPlain && axes |> Array.forall (fun a -> (x 0).Shape[a] = 1) then
                    this.ReshapeTo(shape, x 0)
                else
                    null
            | _ -> null

        /// A broadcast under an operation that broadcasts by itself is not needed.
        member private this.WithoutBroadcasts(node: Expr) : Expr =
            let bare =
                node.Inputs
                |> Array.map (fun i ->
                    match i.Op with
                    | Broadcast _ -> i.Inputs[0]
                    | _ -> i)

            // As many as possible: the result must keep its shape.
            let mutable inputs = node.Inputs

            for i in 0 .. bare.Length - 1 do
                if not (obj.ReferenceEquals(bare[i], inputs[i])) then
                    let tried = Array.mapi (fun k e -> if k = i then bare[i] else e) inputs

                    let joined =
                        tried
                        |> Array.fold
                            (fun (s: Shape option) (e: Expr) -> s |> Option.bind (fun s -> Shape.broadcast s e.Shape))
                            (Some Shape.Scalar)

                    match joined with
                    | Some s when s.Equals node.Shape -> inputs <- tried
                    | _ -> ()

            if obj.ReferenceEquals(inputs, node.Inputs) then node else this.Make(node.Op, inputs)

        member private this.BinaryRule(node: Expr, op: BinaryOp) : Expr | null =
            let a, b = node.Inputs[0], node.Inputs[1]
            let keep (e: Expr) = this.BroadcastTo(node.Shape, e)
            let negated (e: Expr) = keep (this.Make(Unary UnaryOp.Neg, [| e |]))
            let bare = this.WithoutBroadcasts node

            if not (obj.ReferenceEquals(bare, node)) then
                bare
            else
                match op with
                | BinaryOp.Add when isSplat 0.0 b -> keep a
                | BinaryOp.Add when isSplat 0.0 a -> keep b
                | BinaryOp.Sub when isSplat 0.0 b -> keep a
                | BinaryOp.Sub when isSplat 0.0 a -> negated b
                | BinaryOp.Mul when isSplat 1.0 b -> keep a
                | BinaryOp.Mul when isSplat 1.0 a -> keep b
                | BinaryOp.Mul when isSplat -1.0 b -> negated a
                | BinaryOp.Mul when isSplat -1.0 a -> negated b
                | BinaryOp.Mul when obj.ReferenceEquals(a, b) -> this.Make(Unary UnaryOp.Square, [| a |])
                | BinaryOp.Div when isSplat 1.0 b -> keep a
                | BinaryOp.Div when isSplat 1.0 a -> keep (this.Make(Unary UnaryOp.Reciprocal, [| b |]))
                | BinaryOp.Pow when isSplat 1.0 b -> keep a
                | BinaryOp.Pow when isSplat 2.0 b -> keep (this.Make(Unary UnaryOp.Square, [| a |]))
                | BinaryOp.And when isSplat 1.0 b -> keep a
                | BinaryOp.And when isSplat 1.0 a -> keep b
                | BinaryOp.Or when isSplat 0.0 b -> keep a
                | BinaryOp.Or when isSplat 0.0 a -> keep b
                | _ -> null

        member private _.Fold(node: Expr) : Expr | null =
            match node.Op with
            | Leaf _
            | Constant _
            | Iota _
            | Random _
            | Broadcast _
            | Structured _
            | Project _ -> null
            | _ when
                node.Shape.Size <= MaxFolded
                && Array.forall isConstant node.Inputs
                && node.Inputs |> Array.forall (fun i -> i.Shape.Size <= MaxFolded)
                ->
                Expr.Constant((Interpreter.runTensors [] [| node |])[0])
            | _ -> null

        /// The simplest form of a node whose operands are in theirs.
        member this.Simplest(node: Expr) : Expr =
            match this.Rule node with
            | null ->
                match this.Fold node with
                | null -> this.Unique node
                | folded -> this.Unique folded
            | simpler -> this.Unique simpler

    /// The roots in their simplest form.
    let roots (roots: Expr[]) : Expr[] =
        let rewriter = Rewriter()
        Traverse.rewrite (fun node inputs -> rewriter.Simplest(Traverse.rebuild node inputs)) roots

    /// A graph in its simplest form.
    let graph (graph: Graph) : Graph =
        let all = roots (Seq.toArray (Traverse.roots graph))
        let n = graph.Outputs.Length

        { Outputs = graph.Outputs |> Array.mapi (fun i (name, _) -> name, all[i])
          Updates = graph.Updates |> Array.mapi (fun i (leaf, _) -> leaf, all[n + i]) }
