namespace FunctionalNet.Graph

open System
open FunctionalNet

/// <summary>The type of a node's result: element type and shape.</summary>
[<Struct>]
type TensorType =
    {
        /// <summary>Element type.</summary>
        DType: DType
        /// <summary>Sizes of the axes.</summary>
        Shape: Shape
    }

    /// <summary>Text such as <c>float32 (2, 3)</c>.</summary>
    override this.ToString() = DType.name this.DType + " " + this.Shape.ToString()

    /// As =, without F#'s generic equality.
    static member internal Same(a: TensorType, b: TensorType) : bool = a.DType = b.DType && a.Shape.Equals b.Shape

/// <summary>Elementwise functions of one argument.</summary>
type UnaryOp =
    /// -x.
    | Neg = 0
    /// The magnitude.
    | Abs = 1
    /// -1, 0 or 1; its derivative is 0.
    | Sign = 2
    /// 1 / x.
    | Reciprocal = 3
    /// x * x.
    | Square = 4
    /// The square root; NaN below 0.
    | Sqrt = 5
    /// 1 / sqrt x.
    | Rsqrt = 6
    /// e to the power x.
    | Exp = 7
    /// exp x - 1, exact near 0.
    | Expm1 = 8
    /// The natural logarithm; NaN below 0.
    | Log = 9
    /// log(1 + x), exact near 0.
    | Log1p = 10
    /// The sine of x radians.
    | Sin = 11
    /// The cosine of x radians.
    | Cos = 12
    /// The tangent of x radians.
    | Tan = 13
    /// The inverse sine, in radians.
    | Asin = 14
    /// The inverse cosine, in radians.
    | Acos = 15
    /// The inverse tangent, in radians.
    | Atan = 16
    /// The hyperbolic sine.
    | Sinh = 17
    /// The hyperbolic cosine.
    | Cosh = 18
    /// The inverse hyperbolic sine.
    | Asinh = 19
    /// The inverse hyperbolic cosine; NaN below 1.
    | Acosh = 20
    /// The inverse hyperbolic tangent.
    | Atanh = 21
    /// The hyperbolic tangent.
    | Tanh = 22
    /// 1 / (1 + exp(-x)), without overflow.
    | Sigmoid = 23
    /// log(1 + exp x), without overflow.
    | Softplus = 24
    /// max(x, 0); its derivative at 0 is 0.
    | Relu = 25
    /// The error function.
    | Erf = 26
    /// The inverse of the error function, on (-1, 1).
    | Erfinv = 27
    /// The greatest integer not above x.
    | Floor = 28
    /// The least integer not below x.
    | Ceil = 29
    /// To the nearest integer, halves to even.
    | Round = 30
    /// Logical not: bool to bool.
    | Not = 31
    /// Float to bool.
    | IsNaN = 32
    /// Float to bool.
    | IsFinite = 33

/// <summary>Elementwise functions of two arguments of one dtype, which broadcast by NumPy's rule.</summary>
type BinaryOp =
    /// The sum.
    | Add = 0
    /// The difference.
    | Sub = 1
    /// The product.
    | Mul = 2
    /// Floating division.
    | Div = 3
    /// Quotient rounded toward minus infinity.
    | FloorDiv = 4
    /// Remainder with the sign of the divisor, as in Python.
    | Mod = 5
    /// The first to the power of the second.
    | Pow = 6
    /// The angle of the point (second, first), in radians.
    | Atan2 = 7
    /// NaN if either is NaN. At a tie the derivative goes to the first argument.
    | Max = 8
    /// NaN if either is NaN. At a tie the derivative goes to the first argument.
    | Min = 9
    /// Comparisons give bool.
    | Eq = 10
    /// Not equal; NaN is not equal to anything.
    | Ne = 11
    /// Less.
    | Lt = 12
    /// Less or equal.
    | Le = 13
    /// Greater.
    | Gt = 14
    /// Greater or equal.
    | Ge = 15
    /// Logical operators: bool to bool.
    | And = 16
    /// True if either is.
    | Or = 17
    /// True if exactly one is.
    | Xor = 18

/// <summary>How a reduction combines elements.</summary>
type ReduceOp =
    /// The sum; 0 of nothing.
    | Sum = 0
    /// The product; 1 of nothing.
    | Prod = 1
    /// The greatest; NaN if any is NaN.
    | Max = 2
    /// The least; NaN if any is NaN.
    | Min = 3
    /// Bool: true if any is.
    | Any = 4
    /// Bool: true if all are.
    | All = 5

/// <summary>What a random node draws.</summary>
type RandomKind =
    /// In [0, 1), 24 random bits.
    | Uniform = 0
    /// Standard normal, by Box and Muller's method from pairs of words.
    | Normal = 1
    /// An int64 in [0, 2^32).
    | Bits = 2
    /// In [0, 1), 16 random bits: for masks, at half the cost of Uniform.
    | Coarse = 3

/// <summary>What a leaf of a graph stands for.</summary>
type LeafRole =
    /// Data that changes from run to run.
    | Input = 0
    /// A trainable value.
    | Param = 1
    /// A value that is not trained but may be updated: running statistics, metric totals.
    | State = 2
    /// Optimizer state.
    | Slot = 3
    /// A scalar set by the host before a run: learning rate, seed, step.
    | Hyper = 4
    /// What one batch leaves for the next and is no weight: the states of a stateful recurrent layer.
    | Carried = 5

/// <summary>A sliding-window contraction over 1 to 3 spatial axes, channels last: input (N, spatial..., C), kernel
/// (spatial..., C / groups, F), result (N, spatial..., F). No flip of the kernel.</summary>
type ConvSpec =
    {
        /// Steps of the window, per spatial axis.
        Strides: int[]
        /// Distance between the cells that a window takes, per spatial axis; 1 is dense.
        Dilations: int[]
        /// Zeros in front, per spatial axis.
        PadLow: int[]
        /// Zeros behind, per spatial axis.
        PadHigh: int[]
        /// Into how many groups the channels are split; 1 is an ordinary convolution.
        Groups: int
    }

/// <summary>Pooling windows over 1 to 3 spatial axes, channels last. Pads never win a maximum and add nothing to a sum.</summary>
type PoolSpec =
    {
        /// Sizes of the window, per spatial axis.
        Window: int[]
        /// Steps of the window, per spatial axis.
        Strides: int[]
        /// Cells in front, per spatial axis.
        PadLow: int[]
        /// Cells behind, per spatial axis.
        PadHigh: int[]
    }

/// <summary>Random numbers as a pure function of (seed, step, stream, element index). The node's inputs are the seed and
/// the step, int64 scalars.</summary>
type RandomSpec =
    {
        /// The distribution.
        Kind: RandomKind
        /// Which of the seed's independent streams is drawn from.
        Stream: uint64
        /// The type of the result.
        Type: TensorType
    }

/// <summary>A node with a body of its own (scan, composite, user operation), as far as typing needs to know it.</summary>
[<AbstractClass>]
type Structured(name: string) =

    /// <summary>The name of the operation, for printing and errors.</summary>
    member _.Name = name

    /// <summary>The types of the results for inputs of those types, or what does not fit.</summary>
    abstract Infer: inputs: TensorType[] -> Result<TensorType[], string>

    /// <summary>Equal keys on equal inputs mean equal results, so such nodes can be merged. Unique by default.</summary>
    abstract Key: obj

    default this.Key = this :> obj

/// <summary>The primitive operations. Every axis is an index from the front; every attribute is concrete.</summary>
[<CustomEquality; NoComparison>]
type Op =
    /// A value bound when the graph runs.
    | Leaf of role: LeafRole * name: string
    /// A value known when the graph is built.
    | Constant of Tensor
    /// The index along one axis of the shape.
    | Iota of TensorType * axis: int
    /// Inputs: seed, step.
    | Random of RandomSpec
    /// An elementwise function of one input.
    | Unary of UnaryOp
    /// An elementwise function of two inputs, which broadcast.
    | Binary of BinaryOp
    /// Inputs: condition (bool), where true, where false; all three broadcast.
    | Select
    /// The same values as another element type.
    | Cast of DType
    /// The input itself, through which no derivative flows.
    | StopGradient
    /// The input repeated to that shape, by NumPy's rule.
    | Broadcast of Shape
    /// The same elements in row-major order with that shape.
    | Reshape of Shape
    /// Axis i of the result is axis perm[i] of the input.
    | Transpose of perm: int[]
    /// Elements start, start + step, ... below limit, per axis; steps are positive.
    | Slice of starts: int[] * limits: int[] * steps: int[]
    /// Per axis: cells in front, behind, and between neighbours, filled with the value. Low and high may be negative (crop).
    | Pad of low: int[] * high: int[] * interior: int[] * value: float
    /// The inputs one after the other along the axis.
    | Concat of axis: int
    /// The elements in reverse order along the axes.
    | Reverse of axes: int[]
    /// The axes disappear from the shape.
    | Reduce of ReduceOp * axes: int[]
    /// Int32 index of the first greatest (or least) element; the axis disappears.
    | ArgReduce of largest: bool * axis: int
    /// Running sums along the axis; exclusive ones leave out the element itself.
    | CumSum of axis: int * exclusive: bool * reverse: bool
    /// Int32 indices that sort along the axis; stable, NaN last.
    | ArgSort of axis: int * descending: bool
    /// The last two axes are matrices, the others are batch axes and broadcast.
    | MatMul of transposeA: bool * transposeB: bool
    /// Inputs: x, kernel.
    | Conv of ConvSpec
    /// Inputs: gradient of the result, kernel. The gradient to an input of that shape; also transposed convolution.
    | ConvInputGrad of ConvSpec * inputShape: Shape
    /// Inputs: x, gradient of the result. The gradient to a kernel of that shape.
    | ConvKernelGrad of ConvSpec * kernelShape: Shape
    /// Maxima over windows.
    | MaxPool of PoolSpec
    /// Sums over windows. (An average divides by the counts afterwards.)
    | SumPool of PoolSpec
    /// Inputs: x, g. Sends g of every window to the window's first maximum in x.
    | MaxPoolGrad of PoolSpec
    /// Inputs: x, v (like x). For every window, v where x has its first maximum.
    | MaxPoolGather of PoolSpec
    /// Input: g. Sends g of every window to all its cells, in an input of that shape.
    | SumPoolGrad of PoolSpec * inputShape: Shape
    /// Inputs: x, indices (int). Shape: x before the axis, then the indices', then x after it. Out of range reads 0.
    | Gather of axis: int
    /// Inputs: indices, updates. Zeros with the axis of that size, to which updates are added; out of range is dropped.
    | ScatterAdd of axis: int * size: int
    /// Inputs: x, indices of the same rank (equal sizes off the axis). Out of range reads 0.
    | TakeAlong of axis: int
    /// Inputs: indices, updates of the same shape. Zeros with the axis of that size, plus updates; out of range is dropped.
    | ScatterAlong of axis: int * size: int
    /// A scan, a composite or a user operation.
    | Structured of Structured
    /// One result of a node that has several.
    | Project of index: int

    override this.Equals(other: obj | null) =
        match other with
        | :? Op as o -> Op.Same(this, o)
        | _ -> false

    override this.GetHashCode() = Op.Hash this

    /// Equality by value where results are determined by value; leaves never equal one another.
    static member internal Same(a: Op, b: Op) : bool =
        match a, b with
        | Leaf _, _ -> LanguagePrimitives.PhysicalEquality a b
        | Constant x, Constant y -> obj.ReferenceEquals(x, y) || (x.Size <= 4096 && x.BitEquals y)
        | Iota(t, i), Iota(u, j) -> TensorType.Same(t, u) && i = j
        | Random x, Random y -> x.Kind = y.Kind && x.Stream = y.Stream && TensorType.Same(x.Type, y.Type)
        | Unary x, Unary y -> x = y
        | Binary x, Binary y -> x = y
        | Select, Select -> true
        | Cast x, Cast y -> x = y
        | StopGradient, StopGradient -> true
        | Broadcast x, Broadcast y -> x.Equals y
        | Reshape x, Reshape y -> x.Equals y
        | Transpose x, Transpose y -> Op.SameInts(x, y)
        | Slice(a1, b1, c1), Slice(a2, b2, c2) -> Op.SameInts(a1, a2) && Op.SameInts(b1, b2) && Op.SameInts(c1, c2)
        | Pad(a1, b1, c1, v1), Pad(a2, b2, c2, v2) ->
            Op.SameInts(a1, a2) && Op.SameInts(b1, b2) && Op.SameInts(c1, c2) && v1.Equals v2
        | Concat x, Concat y -> x = y
        | Reverse x, Reverse y -> Op.SameInts(x, y)
        | Reduce(x, i), Reduce(y, j) -> x = y && Op.SameInts(i, j)
        | ArgReduce(x, i), ArgReduce(y, j) -> x = y && i = j
        | CumSum(a1, b1, c1), CumSum(a2, b2, c2) -> a1 = a2 && b1 = b2 && c1 = c2
        | ArgSort(x, i), ArgSort(y, j) -> x = y && i = j
        | MatMul(x, i), MatMul(y, j) -> x = y && i = j
        | Conv x, Conv y -> Op.SameConv(x, y)
        | ConvInputGrad(x, s), ConvInputGrad(y, t) -> Op.SameConv(x, y) && s.Equals t
        | ConvKernelGrad(x, s), ConvKernelGrad(y, t) -> Op.SameConv(x, y) && s.Equals t
        | MaxPool x, MaxPool y
        | SumPool x, SumPool y
        | MaxPoolGrad x, MaxPoolGrad y
        | MaxPoolGather x, MaxPoolGather y -> Op.SamePool(x, y)
        | SumPoolGrad(x, s), SumPoolGrad(y, t) -> Op.SamePool(x, y) && s.Equals t
        | Gather x, Gather y
        | TakeAlong x, TakeAlong y
        | Project x, Project y -> x = y
        | ScatterAdd(x, i), ScatterAdd(y, j)
        | ScatterAlong(x, i), ScatterAlong(y, j) -> x = y && i = j
        | Structured x, Structured y -> obj.ReferenceEquals(x, y) || x.Key.Equals y.Key
        | _ -> false

    static member private SameInts(x: int[], y: int[]) = x.AsSpan().SequenceEqual y

    static member private SameConv(x: ConvSpec, y: ConvSpec) =
        Op.SameInts(x.Strides, y.Strides)
        && Op.SameInts(x.Dilations, y.Dilations)
        && Op.SameInts(x.PadLow, y.PadLow)
        && Op.SameInts(x.PadHigh, y.PadHigh)
        && x.Groups = y.Groups

    static member private SamePool(x: PoolSpec, y: PoolSpec) =
        Op.SameInts(x.Window, y.Window)
        && Op.SameInts(x.Strides, y.Strides)
        && Op.SameInts(x.PadLow, y.PadLow)
        && Op.SameInts(x.PadHigh, y.PadHigh)

    /// Cheap: the case and its most telling attribute.
    static member internal Hash(op: Op) : int =
        match op with
        | Leaf(_, name) -> name.GetHashCode()
        | Constant t -> 1 + 31 * t.Shape.GetHashCode() + int t.DType
        | Iota(t, axis) -> 2 + 31 * t.Shape.GetHashCode() + axis
        | Random r -> 3 + 31 * r.Stream.GetHashCode()
        | Unary u -> 4 + 31 * int u
        | Binary b -> 5 + 31 * int b
        | Select -> 6
        | Cast t -> 7 + 31 * int t
        | StopGradient -> 8
        | Broadcast s -> 9 + 31 * s.GetHashCode()
        | Reshape s -> 10 + 31 * s.GetHashCode()
        | Transpose p -> 11 + 31 * (Array.sumBy id p + p.Length)
        | Slice(s, l, _) -> 12 + 31 * (Array.sum s + 7 * Array.sum l)
        | Pad(l, h, _, _) -> 13 + 31 * (Array.sum l + 7 * Array.sum h)
        | Concat a -> 14 + 31 * a
        | Reverse a -> 15 + 31 * Array.sum a
        | Reduce(r, a) -> 16 + 31 * (int r + 7 * Array.sum a)
        | ArgReduce(l, a) -> 17 + 31 * (a + (if l then 7 else 0))
        | CumSum(a, _, _) -> 18 + 31 * a
        | ArgSort(a, _) -> 19 + 31 * a
        | MatMul(a, b) -> 20 + 31 * ((if a then 1 else 0) + (if b then 2 else 0))
        | Conv _ -> 21
        | ConvInputGrad(_, s) -> 22 + 31 * s.GetHashCode()
        | ConvKernelGrad(_, s) -> 23 + 31 * s.GetHashCode()
        | MaxPool _ -> 24
        | SumPool _ -> 25
        | MaxPoolGrad _ -> 26
        | MaxPoolGather _ -> 27
        | SumPoolGrad(_, s) -> 28 + 31 * s.GetHashCode()
        | Gather a -> 29 + 31 * a
        | ScatterAdd(a, n) -> 30 + 31 * (a + 7 * n)
        | TakeAlong a -> 31 + 31 * a
        | ScatterAlong(a, n) -> 32 + 31 * (a + 7 * n)
        | Structured s -> 33 + 31 * s.Key.GetHashCode()
        | Project i -> 34 + 31 * i
