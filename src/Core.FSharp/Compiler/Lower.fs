namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Composites that no kernel computes as a whole give way to their meaning; some patterns of primitives to cheaper ones.
module internal Lower =

    /// True if a kernel computes the composite.
    let private hasKernel (node: Expr) (composite: Composite) =
        match composite with
        | :? Softmax as s -> s.Axis = node.Rank - 1
        | :? LogSoftmax as s -> s.Axis = node.Rank - 1
        | :? LstmSequence
        | :? LstmSequenceGrad
        | :? GruSequence
        | :? GruSequenceGrad -> node.Types[0].DType = DType.Float32
        | :? DotProductAttention
        | :? DotProductAttentionGrad -> SelectAttention.fits node.Inputs
        | :? Barrier -> true
        | :? Int8Matrix -> node.Types[0].DType = DType.Float32 && Kernels.Int8Product.Fits node.Inputs[1].Shape[0]
        | _ -> false

    let private compositeOf (node: Expr) =
        match node.Op with
        | Structured(:? Composite as c) -> Some c
        | _ -> None

    /// The roots with every composite without a kernel decomposed, those inside of decompositions too. Without
    /// `selectKernels`, all of them.
    let rec decompose (selectKernels: bool) (roots: Expr[]) : Expr[] =
        let keeps node composite = selectKernels && hasKernel node composite

        let mustGo (node: Expr) =
            match compositeOf node with
            | Some c -> not (keeps node c)
            | None -> false

        if not (Array.exists mustGo (Traverse.topological roots)) then
            roots
        else
            // Decompositions of nodes with several results, by the node that stands for them.
            let parts = Dictionary<Expr, Expr[]>(HashIdentity.Reference)

            roots
            |> Traverse.rewrite (fun node inputs ->
                match node.Op with
                | Project i when parts.ContainsKey inputs[0] -> parts[inputs[0]][i]
                | _ ->
                    match compositeOf node with
                    | Some c when not (keeps node c) ->
                        let results = c.Decompose inputs

                        if results.Length > 1 then
                            // Any node will do as the key; this one is not used for anything else.
                            let key = Traverse.rebuild node inputs
                            parts[key] <- results
                            key
                        else
                            results[0]
                    | _ -> Traverse.rebuild node inputs)
            |> decompose selectKernels

    /// The sum over all batch axes of a batch of products A^T B is one product over longer columns.
    let private sumOfProducts (axes: int[]) (product: Expr) : Expr option =
        match product.Op with
        | MatMul(true, false) ->
            let a, b = product.Inputs[0], product.Inputs[1]
            let lead = product.Rank - 2
            let sameBatch = a.Rank = b.Rank && a.Shape.ToArray()[.. lead - 1] = b.Shape.ToArray()[.. lead - 1]

            if lead > 0 && sameBatch && axes = Array.init lead id then
                let flat (e: Expr) =
                    let width = e.Shape[-1]
                    let rows = e.Shape.ToArray()[.. e.Rank - 2] |> Array.fold (*) 1
                    Expr.Node(Reshape(Shape.Of(rows, width)), [| e |])

                Some(Expr.Node(MatMul(true, false), [| flat a; flat b |]))
            else
                None
        | _ -> None

    /// The factors of nested products, signs as factors of -1.
    let rec private factors (node: Expr) : Expr list =
        match node.Op with
        | Binary BinaryOp.Mul -> factors node.Inputs[0] @ factors node.Inputs[1]
        | Unary UnaryOp.Neg -> Expr.Scalar(node.DType, -1.0) :: factors node.Inputs[0]
        | _ -> [ node ]

    let private product (nodes: Expr list) = nodes |> List.reduce (fun a b -> a * b)

    /// A sum of products takes the factors out that are the same in all terms: less to multiply, and sums of the same
    /// things with different factors become one.
    let private sumWithFactors (axes: int[]) (x: Expr) : Expr option =
        let full (e: Expr) = Array.append (Array.create (x.Rank - e.Rank) 1) (e.Shape.ToArray())
        let isSame (e: Expr) = let d = full e in axes |> Array.forall (fun a -> d[a] = 1)
        let outside, inside = factors x |> List.partition isSame

        if not (DType.isFloating x.DType) || outside.IsEmpty || inside.IsEmpty then
            None
        else
            // In one order, so that equal products are found equal.
            let inner = inside |> List.sortBy (fun e -> e.Id) |> product
            let dims = full inner

            if axes |> Array.exists (fun a -> dims[a] <> x.Shape[a]) then
                None
            else
                let inner = Expr.Node(Reshape(Shape.Of dims), [| inner |])
                let sum = Expr.Node(Reduce(ReduceOp.Sum, axes), [| inner |])

                let taken =
                    outside
                    |> List.map (fun e ->
                        let kept = Shape.removeAxes axes (Shape.Of(full e))
                        Expr.Node(Reshape kept, [| e |]))
                    |> product

                Some(Expr.Node(Broadcast(Shape.removeAxes axes x.Shape), [| sum * taken |]))

    /// The constant that a node is, everywhere.
    let rec private constantOf (node: Expr) : float voption =
        match node.Op with
        | Constant t when t.Size = 1 -> ValueSome((t.ToDoubles())[0])
        | Reshape _
        | Broadcast _ -> constantOf node.Inputs[0]
        | _ -> ValueNone

    let private isZero (node: Expr) =
        match constantOf node with
        | ValueSome value -> value = 0.0
        | ValueNone -> false

    /// The scale c of a factor that is c where something is kept and 0 elsewhere, with c at least 1: dropout's.
    let private keptScale (factor: Expr) : float voption =
        match factor.Op with
        | Select when isZero factor.Inputs[2] ->
            match constantOf factor.Inputs[1] with
            | ValueSome c when c >= 1.0 && System.Double.IsFinite c -> ValueSome c
            | _ -> ValueNone
        | _ -> ValueNone

    /// True for what is never negative: rectified values, and the largest of some of them.
    let rec private isRectified (node: Expr) =
        match node.Op with
        | Unary UnaryOp.Relu -> true
        | MaxPool _ -> isRectified node.Inputs[0]
        | _ -> false

    /// Where a rectified value r is dropped or not positive, r times its factor is not positive; everywhere else it is. So the
    /// derivative of both needs their product alone, which is in memory, and neither of the two masks.
    let private droppedAndRectified (products: Dictionary<struct (int64 * int64), Expr>) (node: Expr) : Expr option =
        match node.Op, node.Inputs[0].Op, node.Inputs[1].Op with
        | Select, Binary BinaryOp.Gt, Binary BinaryOp.Mul when isZero node.Inputs[2] && isZero node.Inputs[0].Inputs[1] ->
            let rectified = node.Inputs[0].Inputs[0]
            let a, b = node.Inputs[1].Inputs[0], node.Inputs[1].Inputs[1]

            match isRectified rectified, keptScale b with
            | true, ValueSome scale when a.Shape.Equals node.Shape ->
                match products.TryGetValue(struct (rectified.Id, b.Id)) with
                | true, kept when kept.Shape.Equals node.Shape ->
                    let isKept = Expr.Node(Binary BinaryOp.Gt, [| kept; node.Inputs[0].Inputs[1] |])
                    Some(Expr.Node(Select, [| isKept; a * scale; node.Inputs[2] |]))
                | _ -> None
            | _ -> None
        | _ -> None

    /// The gradient of a max-pooling of rectified values is zero where these are: where the largest of a window is not
    /// positive. So the mask may be applied to what comes in, which is smaller, and the windows are looked at once.
    let private pooledAndRectified (pools: Dictionary<int64, List<Expr>>) (node: Expr) : Expr option =
        match node.Op, node.Inputs[0].Op, node.Inputs[1].Op with
        | Select, Binary BinaryOp.Gt, MaxPoolGrad spec when
            isZero node.Inputs[2]
            && isZero node.Inputs[0].Inputs[1]
            && obj.ReferenceEquals(node.Inputs[0].Inputs[0], node.Inputs[1].Inputs[0])
            ->
            let x, g = node.Inputs[1].Inputs[0], node.Inputs[1].Inputs[1]

            match pools.TryGetValue x.Id with
            | true, list ->
                list
                |> Seq.tryFind (fun pool -> Op.Same(pool.Op, MaxPool spec))
                |> Option.map (fun pool ->
                    let zero = Expr.Scalar(node.DType, 0.0)
                    Expr.Node(MaxPoolGrad spec, [| x; Ops.where (Ops.greater pool zero) g zero |]))
            | _ -> None
        | _ -> None

    /// The sum over all positions of the gradient of a max-pooling is the sum of what came in, if all windows lie inside.
    let private sumOfPooled (axes: int[]) (x: Expr) : Expr option =
        match x.Op with
        | MaxPoolGrad spec when
            Array.forall (fun pad -> pad = 0) spec.PadLow
            && Array.forall (fun pad -> pad = 0) spec.PadHigh
            && Seq.forall (fun axis -> Array.contains axis axes) [ 1 .. spec.Window.Length ]
            ->
            Some(Expr.Node(Reduce(ReduceOp.Sum, axes), [| x.Inputs[1] |]))
        | _ -> None

    /// The terms of nested sums.
    let rec private terms (node: Expr) : Expr list =
        match node.Op with
        | Binary BinaryOp.Add when node.Inputs |> Array.forall (fun i -> i.Shape.Equals node.Shape) ->
            terms node.Inputs[0] @ terms node.Inputs[1]
        | _ -> [ node ]

    /// A sum of pieces that zeros pad to full length along one axis, and that together fill it, is the pieces joined: the
    /// gradient of cutting a tensor up.
    let private sumOfPieces (sum: Expr) : Expr option =
        let rec isPiece (e: Expr) =
            match e.Op with
            | Pad _ -> true
            | Binary BinaryOp.Add -> isPiece e.Inputs[0] && isPiece e.Inputs[1]
            | _ -> false

        if not (isPiece sum) then
            None
        else
            // (axis, start, piece)
            let piece (e: Expr) =
                match e.Op with
                | Pad(low, high, interior, 0.0) when
                    Array.forall (fun v -> v = 0) interior
                    && Array.forall (fun v -> v >= 0) low
                    && Array.forall (fun v -> v >= 0) high
                    ->
                    match
                        [ for i in 0 .. low.Length - 1 do
                              if low[i] > 0 || high[i] > 0 then i ]
                    with
                    | [ axis ] -> Some(struct (axis, low[axis], e.Inputs[0]))
                    | _ -> None
                | _ -> None

            let pieces = terms sum |> List.map piece

            if List.exists Option.isNone pieces then
                None
            else
                let pieces = pieces |> List.choose id |> List.sortBy (fun struct (_, start, _) -> start) |> List.toArray
                let struct (axis, _, _) = pieces[0]
                let mutable at = 0
                let mutable ok = true

                for struct (a, start, e) in pieces do
                    if a <> axis || start <> at then ok <- false
                    if ok then at <- at + e.Shape[axis]

                if ok && at = sum.Shape[axis] then
                    Some(Expr.Node(Concat axis, pieces |> Array.map (fun struct (_, _, e) -> e)))
                else
                    None

    /// Patterns for which a cheaper form exists.
    let patterns (roots: Expr[]) : Expr[] =
        let products = Dictionary<struct (int64 * int64), Expr>()
        // Max-poolings by what they look at.
        let pools = Dictionary<int64, List<Expr>>()

        roots
        |> Traverse.rewrite (fun node inputs ->
            match node.Op with
            | Reduce(ReduceOp.Sum, axes) ->
                sumOfProducts axes inputs[0]
                |> Option.orElseWith (fun () -> sumOfPooled axes inputs[0])
                |> Option.orElseWith (fun () -> sumWithFactors axes inputs[0])
                |> Option.defaultWith (fun () -> Traverse.rebuild node inputs)
            | MaxPool _ ->
                let pool = Traverse.rebuild node inputs

                match pools.TryGetValue inputs[0].Id with
                | true, list -> list.Add pool
                | _ -> pools[inputs[0].Id] <- List<Expr>([| pool |])

                pool
            | Binary BinaryOp.Mul ->
                let product = Traverse.rebuild node inputs
                products[struct (inputs[0].Id, inputs[1].Id)] <- product
                product
            | Select ->
                let choice = Traverse.rebuild node inputs

                match pooledAndRectified pools choice with
                | Some gradient ->
                    let x, masked = gradient.Inputs[0], gradient.Inputs[1]

                    match droppedAndRectified products masked with
                    | Some better -> Expr.Node(gradient.Op, [| x; better |])
                    | None -> gradient
                | None -> defaultArg (droppedAndRectified products choice) choice
            | Binary BinaryOp.Add ->
                let sum = Traverse.rebuild node inputs
                defaultArg (sumOfPieces sum) sum
            | _ -> Traverse.rebuild node inputs)
