namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Convolutions, poolings and products take in what stands around them. A border of zeros before becomes padding. What
/// multiplies and shifts the channels of the result by things that stay the same between runs goes into the weights: batch
/// normalisation at inference becomes other weights and a bias.
module internal Absorb =

    /// How often each node is read, the roots once more.
    let private countUsers (order: Expr[]) (roots: Expr[]) =
        let users = Dictionary<Expr, int>(HashIdentity.Reference)

        let count (e: Expr) =
            users[e] <-
                (match users.TryGetValue e with
                 | true, n -> n + 1
                 | _ -> 1)

        for node in order do
            Array.iter count node.Inputs

        Array.iter count roots
        users

    /// Zeros around the spatial axes of a node that has no other reader: (node without them, low, high).
    let private border (users: Dictionary<Expr, int>) (e: Expr) : struct (Expr * int[] * int[]) voption =
        match e.Op with
        | Pad(low, high, interior, value) when
            users[e] = 1
            && value = 0.0
            && low.Length > 2
            && Array.forall ((=) 0) interior
            && Array.forall (fun v -> v >= 0) low
            && Array.forall (fun v -> v >= 0) high
            && (low[0] = 0 && high[0] = 0 && low[low.Length - 1] = 0 && high[high.Length - 1] = 0)
            ->
            let inner (v: int[]) = v[1 .. v.Length - 2]
            ValueSome(struct (e.Inputs[0], inner low, inner high))
        | _ -> ValueNone

    /// Borders of zeros become padding: of convolutions, and of the greatest of numbers that are not negative.
    let borders (roots: Expr[]) : Expr[] =
        let order = Traverse.topological roots
        let users = countUsers order roots
        let map = Dictionary<Expr, Expr>(HashIdentity.Reference)
        let added (a: int[]) (b: int[]) = Array.map2 (+) a b

        for node in order do
            let around = if node.Inputs.Length > 0 then border users node.Inputs[0] else ValueNone
            let rebuilt () = Traverse.rebuild node (node.Inputs |> Array.map (fun i -> map[i]))

            map[node] <-
                match node.Op, around with
                | Conv spec, ValueSome(x, low, high) ->
                    let spec = { spec with PadLow = added spec.PadLow low; PadHigh = added spec.PadHigh high }
                    Expr.Node(Conv spec, [| map[x]; map[node.Inputs[1]] |])
                | MaxPool spec, ValueSome(x, low, high) ->
                    let isRectified =
                        match x.Op with
                        | Unary UnaryOp.Relu -> true
                        | _ -> false

                    let low, high = added spec.PadLow low, added spec.PadHigh high
                    // Every window still sees a number.
                    let sees = Array.forall2 (<) low spec.Window && Array.forall2 (<) high spec.Window

                    if isRectified && sees then
                        Expr.Node(MaxPool { spec with PadLow = low; PadHigh = high }, [| map[x] |])
                    else
                        rebuilt ()
                | _ -> rebuilt ()

        roots |> Array.map (fun r -> map[r])

    /// A node that is host * scale + shift, channel by channel.
    [<NoEquality; NoComparison>]
    type private Affine = { Host: Expr; Scale: Expr voption; Shift: Expr voption }

    /// Whether the operand has one value for each of so many channels, which are last.
    let private isPerChannel (channels: int) (e: Expr) =
        let d = e.Shape.ToArray()
        e.Shape.Size = 1 || (e.Shape.Size = channels && d[d.Length - 1] = channels)

    /// Factors and shifts of channels go into weights. `isFixed` says what stays the same between runs.
    let scales (isFixed: Expr -> bool) (roots: Expr[]) : Expr[] =
        let order = Traverse.topological roots
        let users = countUsers order roots
        let known = Dictionary<Expr, Affine>(HashIdentity.Reference)
        let inner = HashSet<Expr>(HashIdentity.Reference)

        let canHost (node: Expr) =
            DType.isFloating node.DType
            && node.Shape.Size > 0
            && match node.Op with
               | Conv _ -> isFixed node.Inputs[1]
               | MatMul(_, false) -> node.Inputs[1].Rank = 2 && isFixed node.Inputs[1] && not (isFixed node.Inputs[0])
               | _ -> false

        // The affine operand of a node that nobody else reads, and the fixed one.
        let operands (node: Expr) : (Affine * Expr * Expr) voption =
            let fits (a: Expr) (b: Expr) =
                match known.TryGetValue a with
                | true, affine when
                    users[a] = 1 && a.Shape.Equals node.Shape && isFixed b && isPerChannel node.Shape[-1] b
                    ->
                    ValueSome(affine, a, b)
                | _ -> ValueNone

            match fits node.Inputs[0] node.Inputs[1] with
            | ValueNone -> fits node.Inputs[1] node.Inputs[0]
            | found -> found

        let take (node: Expr) (from: Expr) (affine: Affine) =
            inner.Add from |> ignore
            known[node] <- affine

        let times (a: Expr voption) (b: Expr) = ValueOption.map (fun a -> a * b) a

        for node in order do
            if canHost node then
                known[node] <- { Host = node; Scale = ValueNone; Shift = ValueNone }

            match node.Op with
            | Binary BinaryOp.Mul ->
                match operands node with
                | ValueSome(a, from, b) ->
                    take
                        node
                        from
                        { a with
                            Scale = ValueSome(ValueOption.defaultValue b (times a.Scale b))
                            Shift = times a.Shift b }
                | ValueNone -> ()
            | Binary BinaryOp.Add ->
                match operands node with
                | ValueSome(a, from, b) ->
                    let shift =
                        match a.Shift with
                        | ValueSome s -> s + b
                        | ValueNone -> b

                    take node from { a with Shift = ValueSome shift }
                | ValueNone -> ()
            | Binary BinaryOp.Sub ->
                match operands node with
                | ValueSome(a, from, b) when LanguagePrimitives.PhysicalEquality from node.Inputs[0] ->
                    let shift =
                        match a.Shift with
                        | ValueSome s -> s - b
                        | ValueNone -> -b

                    take node from { a with Shift = ValueSome shift }
                | _ -> ()
            | _ -> ()

        let isEnd (node: Expr) =
            match known.TryGetValue node with
            | true, a -> a.Scale.IsSome && not (inner.Contains node)
            | _ -> false

        if not (Array.exists isEnd order) then
            roots
        else
            let map = Dictionary<Expr, Expr>(HashIdentity.Reference)

            for node in order do
                map[node] <-
                    if isEnd node then
                        let a = known[node]
                        let channels = node.Shape[-1]

                        // The same for every channel, or one for each.
                        let row (e: Expr) =
                            Expr.Node(Reshape(Shape.Of(if e.Shape.Size = 1 then 1 else channels)), [| e |])

                        let x, w = map[a.Host.Inputs[0]], map[a.Host.Inputs[1]]
                        let scaled = Expr.Node(a.Host.Op, [| x; w * row a.Scale.Value |])

                        match a.Shift with
                        | ValueSome shift -> scaled + row shift
                        | ValueNone -> scaled
                    else
                        Traverse.rebuild node (node.Inputs |> Array.map (fun i -> map[i]))

            roots |> Array.map (fun r -> map[r])
