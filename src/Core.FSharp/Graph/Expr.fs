namespace FunctionalNet

open System
open System.Threading
open FunctionalNet.Graph

/// <summary>A node of a graph: one operation on other nodes, with a known element type and shape but no value yet.
/// Immutable. Operators and the functions of <c>Ops</c> build new nodes; a plan or the interpreter gives them values.</summary>
/// <example><code>let y = Ops.relu (x * 2.0f + bias)</code></example>
[<Sealed>]
type Expr internal (op: Op, inputs: Expr[], types: TensorType[]) =

    static let mutable counter = 0L
    let id = Interlocked.Increment(&counter)

    /// Nodes are numbered as they are made: an operand's number is lower than its user's.
    member internal _.Id = id

    member internal _.Op = op

    member internal _.Inputs = inputs

    /// The types of all results; one unless the node is structured.
    member internal _.Types = types

    member internal _.Type = types[0]

    /// <summary>Element type.</summary>
    member _.DType = types[0].DType

    /// <summary>Sizes of the axes.</summary>
    member _.Shape = types[0].Shape

    /// <summary>Number of axes.</summary>
    member _.Rank = types[0].Shape.Rank

    /// The name errors give an operation.
    static member internal OpName(op: Op) =
        match op with
        | Leaf(_, name) -> name
        | Constant _ -> "Constant"
        | Iota _ -> "Iota"
        | Random _ -> "Random"
        | Unary u -> u.ToString()
        | Binary b -> b.ToString()
        | Select -> "Where"
        | Cast _ -> "Cast"
        | StopGradient -> "StopGradient"
        | Broadcast _ -> "BroadcastTo"
        | Reshape _ -> "Reshape"
        | Transpose _ -> "Transpose"
        | Slice _ -> "Slice"
        | Pad _ -> "Pad"
        | Concat _ -> "Concatenate"
        | Reverse _ -> "Flip"
        | Reduce(r, _) -> r.ToString()
        | ArgReduce(largest, _) -> if largest then "ArgMax" else "ArgMin"
        | CumSum _ -> "CumSum"
        | ArgSort _ -> "ArgSort"
        | MatMul _ -> "MatMul"
        | Conv _ -> "Conv"
        | ConvInputGrad _ -> "ConvTranspose"
        | ConvKernelGrad _ -> "ConvKernelGrad"
        | MaxPool _ -> "MaxPool"
        | SumPool _ -> "SumPool"
        | MaxPoolGrad _ -> "MaxPoolGrad"
        | MaxPoolGather _ -> "MaxPoolGather"
        | SumPoolGrad _ -> "SumPoolGrad"
        | Gather _ -> "Take"
        | ScatterAdd _ -> "ScatterAdd"
        | TakeAlong _ -> "TakeAlongAxis"
        | ScatterAlong _ -> "ScatterAlongAxis"
        | Structured s -> s.Name
        | Project i -> "Project " + string i

    /// A node with one or several results; the results of a structured node are reached through Results.
    static member internal Node(op: Op, inputs: Expr[]) : Expr =
        match Typing.infer op (inputs |> Array.map (fun e -> e.Type)) with
        | Ok types -> Expr(op, inputs, types)
        | Error(ShapeMismatch(expected, actual, hint)) ->
            raise (ShapeException("Shapes do not fit in " + Expr.OpName op + ".", "", expected, actual, hint))
        | Error(DTypeMismatch(expected, actual, hint)) ->
            raise (DTypeException("Element types do not fit in " + Expr.OpName op + ".", "", expected, actual, hint))

    /// All results of a node: itself if it has one, its projections otherwise.
    member internal this.Results: Expr[] =
        if types.Length = 1 then
            [| this |]
        else
            Array.init types.Length (fun i -> Expr(Project i, [| this |], [| types[i] |]))

    static member internal LeafOf(role: LeafRole, name: string, dtype: DType, shape: Shape) =
        Expr(Leaf(role, name), [||], [| { DType = dtype; Shape = shape } |])

    /// <summary>A named input, bound to data when the graph runs.</summary>
    static member Input(name: string, dtype: DType, shape: Shape) = Expr.LeafOf(LeafRole.Input, name, dtype, shape)

    /// <summary>A node with that concrete value.</summary>
    static member Constant(value: Tensor) = Expr.Node(Constant value, [||])

    /// <summary>A scalar constant of a dtype.</summary>
    static member Scalar(dtype: DType, value: float) = Expr.Constant(Tensor.Full(dtype, Shape.Scalar, value))

    member private this.Like(value: float) = Expr.Scalar(this.DType, value)

    static member private Two(op: BinaryOp, a: Expr, b: Expr) = Expr.Node(Binary op, [| a; b |])

    /// <summary>Elementwise sum; shapes broadcast.</summary>
    static member (+)(a: Expr, b: Expr) = Expr.Two(BinaryOp.Add, a, b)
    /// <summary>Adds a number to every element.</summary>
    static member (+)(a: Expr, b: float) = a + a.Like b
    /// <summary>Adds a number to every element.</summary>
    static member (+)(a: float, b: Expr) = b.Like a + b
    /// <summary>Elementwise difference; shapes broadcast.</summary>
    static member (-)(a: Expr, b: Expr) = Expr.Two(BinaryOp.Sub, a, b)
    /// <summary>Subtracts a number from every element.</summary>
    static member (-)(a: Expr, b: float) = a - a.Like b
    /// <summary>Subtracts every element from a number.</summary>
    static member (-)(a: float, b: Expr) = b.Like a - b
    /// <summary>Elementwise product; shapes broadcast.</summary>
    static member (*)(a: Expr, b: Expr) = Expr.Two(BinaryOp.Mul, a, b)
    /// <summary>Multiplies every element by a number.</summary>
    static member (*)(a: Expr, b: float) = a * a.Like b
    /// <summary>Multiplies every element by a number.</summary>
    static member (*)(a: float, b: Expr) = b.Like a * b
    /// <summary>Elementwise quotient of floating-point values; shapes broadcast.</summary>
    static member (/)(a: Expr, b: Expr) = Expr.Two(BinaryOp.Div, a, b)
    /// <summary>Divides every element by a number.</summary>
    static member (/)(a: Expr, b: float) = a / a.Like b
    /// <summary>Divides a number by every element.</summary>
    static member (/)(a: float, b: Expr) = b.Like a / b
    /// <summary>Elementwise remainder with the sign of the divisor; shapes broadcast.</summary>
    static member (%)(a: Expr, b: Expr) = Expr.Two(BinaryOp.Mod, a, b)
    /// <summary>Changes every sign.</summary>
    static member (~-)(a: Expr) = Expr.Node(Unary UnaryOp.Neg, [| a |])
    /// <summary>Where the first is greater: bool.</summary>
    static member op_GreaterThan(a: Expr, b: Expr) = Expr.Two(BinaryOp.Gt, a, b)
    /// <summary>Where an element is greater than a number: bool.</summary>
    static member op_GreaterThan(a: Expr, b: float) = Expr.Two(BinaryOp.Gt, a, a.Like b)
    /// <summary>Where the first is less: bool.</summary>
    static member op_LessThan(a: Expr, b: Expr) = Expr.Two(BinaryOp.Lt, a, b)
    /// <summary>Where an element is less than a number: bool.</summary>
    static member op_LessThan(a: Expr, b: float) = Expr.Two(BinaryOp.Lt, a, a.Like b)
    /// <summary>Where the first is greater or equal: bool.</summary>
    static member op_GreaterThanOrEqual(a: Expr, b: Expr) = Expr.Two(BinaryOp.Ge, a, b)
    /// <summary>Where an element is greater than or equal to a number: bool.</summary>
    static member op_GreaterThanOrEqual(a: Expr, b: float) = Expr.Two(BinaryOp.Ge, a, a.Like b)
    /// <summary>Where the first is less or equal: bool.</summary>
    static member op_LessThanOrEqual(a: Expr, b: Expr) = Expr.Two(BinaryOp.Le, a, b)
    /// <summary>Where an element is less than or equal to a number: bool.</summary>
    static member op_LessThanOrEqual(a: Expr, b: float) = Expr.Two(BinaryOp.Le, a, a.Like b)

    /// <summary>The operation and its type, without its operands.</summary>
    override _.ToString() = Expr.OpName op + ": " + types[0].ToString()
