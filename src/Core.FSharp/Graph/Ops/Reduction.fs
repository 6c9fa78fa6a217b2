namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Reductions, and choices along an axis.</summary>
[<AutoOpen>]
module ReductionOps =

    /// <summary>Operations on nodes, under Keras's names. Shapes and dtypes are checked when a node is built.</summary>
    [<RequireQualifiedAccess>]
    module Ops =

        let private reduce op (axes: int[]) keepDims (x: Expr) =
            OpsSupport.reduce op (OpsSupport.axesOf (op.ToString()) x axes) keepDims x

        let private everything (x: Expr) = [| 0 .. x.Rank - 1 |]

        /// <summary>Sums over axes; keepDims leaves them with size 1. No axes: x itself.</summary>
        let sum (axes: int[]) (keepDims: bool) (x: Expr) : Expr = reduce ReduceOp.Sum axes keepDims x

        /// <summary>Products over axes.</summary>
        let prod (axes: int[]) (keepDims: bool) (x: Expr) : Expr = reduce ReduceOp.Prod axes keepDims x

        /// <summary>Greatest elements over axes (Keras: amax). The derivative is shared equally among ties.</summary>
        let max (axes: int[]) (keepDims: bool) (x: Expr) : Expr = reduce ReduceOp.Max axes keepDims x

        /// <summary>Least elements over axes (Keras: amin). The derivative is shared equally among ties.</summary>
        let min (axes: int[]) (keepDims: bool) (x: Expr) : Expr = reduce ReduceOp.Min axes keepDims x

        /// <summary>True where any along the axes is: bool.</summary>
        let any (axes: int[]) (keepDims: bool) (x: Expr) : Expr = reduce ReduceOp.Any axes keepDims x

        /// <summary>True where all along the axes are: bool.</summary>
        let all (axes: int[]) (keepDims: bool) (x: Expr) : Expr = reduce ReduceOp.All axes keepDims x

        /// <summary>Means over axes of floating-point values.</summary>
        let mean (axes: int[]) (keepDims: bool) (x: Expr) : Expr =
            let axes = OpsSupport.axesOf "Mean" x axes
            let count = axes |> Array.fold (fun n a -> n * x.Shape[a]) 1

            if not (DType.isFloating x.DType) then
                OpsSupport.dtypeError "Mean" "float32 or float64" (DType.name x.DType) "Convert with Cast first."

            if axes.Length = 0 then x else sum axes keepDims x * (1.0 / float count)

        /// <summary>The sum of all elements, a scalar.</summary>
        let sumAll (x: Expr) : Expr = sum (everything x) false x

        /// <summary>The mean of all elements, a scalar.</summary>
        let meanAll (x: Expr) : Expr = mean (everything x) false x

        /// <summary>The greatest of all elements, a scalar.</summary>
        let maxAll (x: Expr) : Expr = max (everything x) false x

        /// <summary>The least of all elements, a scalar.</summary>
        let minAll (x: Expr) : Expr = min (everything x) false x

        /// <summary>Mean and population variance over axes.</summary>
        let moments (axes: int[]) (keepDims: bool) (x: Expr) : struct (Expr * Expr) =
            let axes = OpsSupport.axesOf "Moments" x axes
            let center = mean axes true x
            let variance = mean axes keepDims (Ops.square (x - center))
            let center = if keepDims then center else OpsSupport.reshapeTo (Shape.removeAxes axes x.Shape) center
            struct (center, variance)

        /// <summary>Population variances over axes.</summary>
        let var (axes: int[]) (keepDims: bool) (x: Expr) : Expr =
            let struct (_, variance) = moments axes keepDims x
            variance

        /// <summary>Population standard deviations over axes.</summary>
        let std (axes: int[]) (keepDims: bool) (x: Expr) : Expr = Ops.sqrt (var axes keepDims x)

        /// <summary>log of the sum of exponentials over axes, without overflow.</summary>
        let logsumexp (axes: int[]) (keepDims: bool) (x: Expr) : Expr =
            let axes = OpsSupport.axesOf "LogSumExp" x axes
            // The shift changes nothing but rounding, so no derivative flows through it. An infinite one would give NaN.
            let top = Ops.stopGradient (max axes true x)
            let shift = Ops.where (Ops.isFinite top) top (OpsSupport.like x 0.0)
            let total = Ops.log (sum axes true (Ops.exp (x - shift))) + shift
            if keepDims then total else OpsSupport.reshapeTo (Shape.removeAxes axes x.Shape) total

        /// <summary>x scaled so that its Euclidean norm over axes is 1; norms below epsilon count as epsilon (Keras: normalize,
        /// whose epsilon is 1e-7).</summary>
        let l2Normalize (axes: int[]) (epsilon: float) (x: Expr) : Expr =
            let squares = sum axes true (Ops.square x)
            x * Ops.rsqrt (Ops.maximum squares (OpsSupport.like x (epsilon * epsilon)))

        /// <summary>Int32 index of the first greatest element along an axis, which disappears.</summary>
        let argmax (axis: int) (x: Expr) : Expr = Expr.Node(ArgReduce(true, OpsSupport.axisOf "ArgMax" x axis), [| x |])

        /// <summary>Int32 index of the first least element along an axis, which disappears.</summary>
        let argmin (axis: int) (x: Expr) : Expr =
            Expr.Node(ArgReduce(false, OpsSupport.axisOf "ArgMin" x axis), [| x |])

        /// <summary>Running sums along an axis: exclusive starts with 0, reverse runs from the end.</summary>
        let cumsumWith (axis: int) (exclusive: bool) (reverse: bool) (x: Expr) : Expr =
            Expr.Node(CumSum(OpsSupport.axisOf "CumSum" x axis, exclusive, reverse), [| x |])

        /// <summary>Running sums along an axis, each including its own element.</summary>
        let cumsum (axis: int) (x: Expr) : Expr = cumsumWith axis false false x

        /// <summary>Int32 indices that sort along an axis; stable, NaN last.</summary>
        let argsort (axis: int) (descending: bool) (x: Expr) : Expr =
            Expr.Node(ArgSort(OpsSupport.axisOf "ArgSort" x axis, descending), [| x |])

        /// <summary>Elements along an axis at given places: indices has the rank of x, and its sizes off the axis.</summary>
        let takeAlongAxis (indices: Expr) (axis: int) (x: Expr) : Expr =
            Expr.Node(TakeAlong(OpsSupport.axisOf "TakeAlongAxis" x axis), [| x; indices |])

        /// <summary>Sorted along an axis.</summary>
        let sort (axis: int) (descending: bool) (x: Expr) : Expr = takeAlongAxis (argsort axis descending x) axis x

        /// <summary>The k greatest elements of the last axis in descending order, and their int32 indices.</summary>
        let topK (k: int) (x: Expr) : struct (Expr * Expr) =
            let axis = OpsSupport.axisOf "TopK" x -1

            if k < 0 || k > x.Shape[axis] then
                OpsSupport.argumentError
                    "TopK"
                    "k"
                    ("0 to " + string x.Shape[axis])
                    (string k)
                    "There are not that many elements on the last axis."

            let indices = OpsSupport.sliceAxis axis 0 k (argsort axis true x)
            struct (takeAlongAxis indices axis x, indices)

        /// <summary>Slices of x at integer indices along an axis; the indices' shape takes the axis's place. Out of range reads
        /// 0. Derivatives are added up where an index occurs often.</summary>
        let take (indices: Expr) (axis: int) (x: Expr) : Expr =
            Expr.Node(Gather(OpsSupport.axisOf "Take" x axis), [| x; indices |])

        /// <summary>Zeros with an axis of the given size, to whose slices at the indices the updates are added. The updates'
        /// axes from `axis` on begin with the indices' shape. Out of range is dropped.</summary>
        let scatterAdd (axis: int) (size: int) (indices: Expr) (updates: Expr) : Expr =
            Expr.Node(ScatterAdd(OpsSupport.axisOf "ScatterAdd" updates axis, size), [| indices; updates |])

        /// <summary>The index along one axis, in every element of a tensor of that shape.</summary>
        let iota (dtype: DType) (shape: Shape) (axis: int) : Expr =
            Expr.Node(Iota({ DType = dtype; Shape = shape }, OpsSupport.axisWithin "Iota" shape.Rank axis), [||])

        /// <summary>0, 1, ..., n - 1.</summary>
        let arange (dtype: DType) (n: int) : Expr = iota dtype (Shape.Of n) 0

        /// <summary>For integer ids of any shape: a new last axis with 1 at the id and 0 elsewhere (all 0 if out of range).</summary>
        let oneHot (classes: int) (dtype: DType) (ids: Expr) : Expr =
            if not (DType.isInteger ids.DType) then
                OpsSupport.dtypeError "OneHot" "integer ids" (DType.name ids.DType) "Convert with Cast to int32."

            Ops.cast dtype (Ops.equal (Ops.expandDims -1 ids) (arange ids.DType classes))

        // row - column >= -diagonal, on matrices of that size.
        let private below (rows: int) (columns: int) (diagonal: int) =
            let shape = Shape.Of(rows, columns)

            Ops.greaterEqual
                (iota DType.Int32 shape 0)
                (Ops.subtract (iota DType.Int32 shape 1) (Ops.scalar DType.Int32 (float diagonal)))

        /// <summary>Bool, true on and below the diagonal; a positive diagonal moves it up.</summary>
        let triMask (rows: int) (columns: int) (diagonal: int) : Expr = below rows columns diagonal

        /// <summary>Ones on a diagonal, zeros elsewhere.</summary>
        let eye (dtype: DType) (rows: int) (columns: int) : Expr =
            let shape = Shape.Of(rows, columns)
            Ops.cast dtype (Ops.equal (iota DType.Int32 shape 0) (iota DType.Int32 shape 1))

        let private requireMatrix op (x: Expr) =
            if x.Rank < 2 then
                OpsSupport.shapeError op "rank 2 or more" (x.Shape.ToString()) "The last two axes are the matrices."

        /// <summary>Matrices (last two axes) with zeros above a diagonal.</summary>
        let tril (diagonal: int) (x: Expr) : Expr =
            requireMatrix "Tril" x
            Ops.where (below x.Shape[-2] x.Shape[-1] diagonal) x (OpsSupport.like x 0.0)

        /// <summary>Matrices (last two axes) with zeros below a diagonal.</summary>
        let triu (diagonal: int) (x: Expr) : Expr =
            requireMatrix "Triu" x
            Ops.where (below x.Shape[-2] x.Shape[-1] (diagonal - 1)) (OpsSupport.like x 0.0) x
