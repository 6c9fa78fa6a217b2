namespace FunctionalNet.Graph

open System
open FunctionalNet

/// How the operations of `Ops` check their arguments and build nodes.
module internal OpsSupport =

    let shapeError (op: string) (expected: string) (actual: string) (hint: string) =
        raise (ShapeException("Shapes do not fit in " + op + ".", "", expected, actual, hint))

    let dtypeError (op: string) (expected: string) (actual: string) (hint: string) =
        raise (DTypeException("Element types do not fit in " + op + ".", "", expected, actual, hint))

    let argumentError (op: string) (argument: string) (expected: string) (actual: string) (hint: string) =
        raise (ArgumentValueException("An argument of " + op + " is not valid.", argument, expected, actual, hint))

    /// Refuses a node that has not the shape and dtype of another; `what` says which is checked, and how it ought to be.
    let alike (op: string) (what: string) (shapeHint: string) (dtypeHint: string) (wanted: Expr) (given: Expr) =
        if not (wanted.Shape.Equals given.Shape) then
            shapeError op (what + "shape " + wanted.Shape.ToString()) (given.Shape.ToString()) shapeHint
        elif wanted.DType <> given.DType then
            dtypeError op (what + "dtype " + DType.name wanted.DType) (DType.name given.DType) dtypeHint

    let text (values: int[]) = "[" + String.Join(", ", values) + "]"

    let unary op (x: Expr) = Expr.Node(Unary op, [| x |])

    let binary op (a: Expr) (b: Expr) = Expr.Node(Binary op, [| a; b |])

    /// The axis as an index from the front, for a tensor of that rank.
    let axisWithin (op: string) (rank: int) (axis: int) =
        match Shape.normalizeAxis rank axis with
        | Some a -> a
        | None ->
            shapeError
                op
                (if rank = 0 then
                     "a tensor with axes"
                 else
                     "an axis within -" + string rank + ".." + string (rank - 1))
                ("axis " + string axis + " of rank " + string rank)
                "Negative axes count from the end."

    let axisOf (op: string) (x: Expr) (axis: int) = axisWithin op x.Rank axis

    /// Distinct axes, from the front, ascending.
    let axesOf (op: string) (x: Expr) (axes: int[]) =
        let found = axes |> Array.map (axisOf op x) |> Array.sort

        if (Array.distinct found).Length <> found.Length then
            shapeError op "distinct axes" (text axes) "Name every axis once."

        found

    /// Reshapes unless the shape is that already.
    let reshapeTo (shape: Shape) (x: Expr) = if x.Shape.Equals shape then x else Expr.Node(Reshape shape, [| x |])

    /// Permutes unless the order is that already.
    let permute (perm: int[]) (x: Expr) =
        if perm.Length = x.Rank && Array.forall2 (=) perm [| 0 .. perm.Length - 1 |] then
            x
        else
            Expr.Node(Transpose perm, [| x |])

    let broadcastTo (shape: Shape) (x: Expr) = if x.Shape.Equals shape then x else Expr.Node(Broadcast shape, [| x |])

    /// Inserts an axis of size 1.
    let insertAxis (axis: int) (x: Expr) =
        let dims = x.Shape.ToArray()
        reshapeTo (Shape.Of(Array.concat [ dims[.. axis - 1]; [| 1 |]; dims[axis..] ])) x

    /// A scalar of the same dtype.
    let like (x: Expr) (value: float) = Expr.Scalar(x.DType, value)

    /// A tensor of one value.
    let full (dtype: DType) (shape: Shape) (value: float) = broadcastTo shape (Expr.Scalar(dtype, value))

    /// Reduces over axes from the front; keepDims leaves them with size 1.
    let reduce (op: ReduceOp) (axes: int[]) (keepDims: bool) (x: Expr) =
        let reduced = if axes.Length = 0 then x else Expr.Node(Reduce(op, axes), [| x |])
        if keepDims then reshapeTo (Shape.keepAxes axes x.Shape) reduced else reduced

    /// All of an axis but start..limit-1 cut away.
    let sliceAxis (axis: int) (start: int) (limit: int) (x: Expr) =
        if start = 0 && limit = x.Shape[axis] then
            x
        else
            let starts = Array.zeroCreate x.Rank
            let limits = x.Shape.ToArray()
            starts[axis] <- start
            limits[axis] <- limit
            Expr.Node(Slice(starts, limits, Array.create x.Rank 1), [| x |])

    /// Sums away what broadcasting added: the derivative of broadcasting to the shape of x.
    let sumTo (shape: Shape) (x: Expr) =
        if x.Shape.Equals shape then
            x
        else
            let extra = x.Rank - shape.Rank
            let isSummed i = i < extra || (shape[i - extra] = 1 && x.Shape[i] <> 1)
            let axes = [| 0 .. x.Rank - 1 |] |> Array.filter isSummed
            reshapeTo shape (reduce ReduceOp.Sum axes false x)
