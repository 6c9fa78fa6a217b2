namespace FunctionalNet.Compiler

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
            let parts = System.Collections.Generic.Dictionary<Expr, Expr[]>(HashIdentity.Reference)

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
        roots
        |> Traverse.rewrite (fun node inputs ->
            match node.Op with
            | Reduce(ReduceOp.Sum, axes) ->
                match sumOfProducts axes inputs[0] with
                | Some better -> better
                | None -> Traverse.rebuild node inputs
            | Binary BinaryOp.Add ->
                let sum = Traverse.rebuild node inputs
                defaultArg (sumOfPieces sum) sum
            | _ -> Traverse.rebuild node inputs)
