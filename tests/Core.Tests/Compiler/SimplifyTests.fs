module FunctionalNet.Tests.Compiler.SimplifyTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler

let private node op inputs = Expr.Node(op, inputs)
let private leaf (dims: int[]) = Expr.Input("x", DType.Float32, Shape.Of dims)
let private scalar (v: float) = Expr.Scalar(DType.Float32, v)
let private simple (e: Expr) = (Simplify.roots [| e |])[0]

/// The rule turns the first node into the second.
let private becomes (expected: Expr) (e: Expr) =
    let s = simple e
    Assert.True(obj.ReferenceEquals(expected, s), "got " + s.ToString() + " instead of " + expected.ToString())

let private becomesOp (op: Op) (input: Expr) (e: Expr) =
    let s = simple e
    Assert.True(Op.Same(op, s.Op), "got " + s.ToString())
    Assert.Same(input, s.Inputs[0])
    Assert.Equal(e.Type, s.Type)

let private unary u x = node (Unary u) [| x |]
let private binary b x y = node (Binary b) [| x; y |]

[<Fact>]
let ``adding and subtracting zero does nothing`` () =
    let x = leaf [| 2; 3 |]
    becomes x (x + scalar 0.0)
    becomes x (scalar 0.0 + x)
    becomes x (x - scalar 0.0)
    becomes x (x + Expr.Constant(Tensor.Zeros(DType.Float32, Shape.Of(2, 3))))
    becomesOp (Unary UnaryOp.Neg) x (scalar 0.0 - x)

[<Fact>]
let ``a neutral operand that widens the shape leaves a broadcast`` () =
    let x = leaf [| 3 |]
    let zeros = Expr.Constant(Tensor.Zeros(DType.Float32, Shape.Of(2, 3)))
    becomesOp (Broadcast(Shape.Of(2, 3))) x (x + zeros)

[<Fact>]
let ``multiplying and dividing by one does nothing`` () =
    let x = leaf [| 2; 3 |]
    becomes x (x * scalar 1.0)
    becomes x (scalar 1.0 * x)
    becomes x (x / scalar 1.0)
    becomesOp (Unary UnaryOp.Neg) x (x * scalar -1.0)
    becomesOp (Unary UnaryOp.Reciprocal) x (scalar 1.0 / x)

[<Fact>]
let ``multiplying by zero stays, for the sake of NaN`` () =
    let x = leaf [| 2; 3 |]
    let e = x * scalar 0.0
    Assert.True(Op.Same(e.Op, (simple e).Op))

[<Fact>]
let ``powers and squares`` () =
    let x = leaf [| 2 |]
    becomes x (binary BinaryOp.Pow x (scalar 1.0))
    becomesOp (Unary UnaryOp.Square) x (binary BinaryOp.Pow x (scalar 2.0))
    becomesOp (Unary UnaryOp.Square) x (x * x)

[<Fact>]
let ``double negation, double not and double relu`` () =
    let x = leaf [| 2 |]
    becomes x (-(-x))
    let b = Expr.Input("b", DType.Bool, Shape.Of 2)
    becomes b (unary UnaryOp.Not (unary UnaryOp.Not b))
    becomesOp (Unary UnaryOp.Relu) x (unary UnaryOp.Relu (unary UnaryOp.Relu x))

[<Fact>]
let ``and with true, or with false`` () =
    let b = Expr.Input("b", DType.Bool, Shape.Of 2)
    becomes b (binary BinaryOp.And b (Expr.Scalar(DType.Bool, 1.0)))
    becomes b (binary BinaryOp.Or b (Expr.Scalar(DType.Bool, 0.0)))

[<Fact>]
let ``reshapes: the last one counts, and one to the same shape is nothing`` () =
    let x = leaf [| 2; 3 |]
    let twice = node (Reshape(Shape.Of(3, 2))) [| node (Reshape(Shape.Of 6)) [| x |] |]
    becomesOp (Reshape(Shape.Of(3, 2))) x twice
    becomes x (node (Reshape(Shape.Of(2, 3))) [| node (Reshape(Shape.Of 6)) [| x |] |])
    becomes x (node (Reshape(Shape.Of(2, 3))) [| x |])

[<Fact>]
let ``transpositions combine, cancel, and are reshapes when only axes of size 1 move`` () =
    let x = leaf [| 2; 3; 4 |]
    let t p e = node (Transpose p) [| e |]
    becomes x (t [| 0; 1; 2 |] x)
    becomes x (t [| 2; 0; 1 |] (t [| 1; 2; 0 |] x))
    becomesOp (Transpose [| 2; 1; 0 |]) x (t [| 0; 2; 1 |] (t [| 2; 0; 1 |] x))
    let y = leaf [| 1; 5; 1 |]
    becomesOp (Reshape(Shape.Of(5, 1, 1))) y (t [| 1; 0; 2 |] y)

[<Fact>]
let ``slices, pads, flips, casts and joins that do nothing`` () =
    let x = leaf [| 2; 3 |]
    becomes x (node (Slice([| 0; 0 |], [| 2; 3 |], [| 1; 1 |])) [| x |])
    becomes x (node (Pad([| 0; 0 |], [| 0; 0 |], [| 0; 0 |], 7.0)) [| x |])
    becomes x (node (Reverse [||]) [| x |])
    becomes x (node (Cast DType.Float32) [| x |])
    becomes x (node (Concat 0) [| x |])
    becomes x (node (Broadcast(Shape.Of(2, 3))) [| x |])
    becomes x (node (Reduce(ReduceOp.Sum, [||])) [| x |])
    becomes x (node StopGradient [| x |])

[<Fact>]
let ``slices of slices are one slice`` () =
    let x = leaf [| 20 |]
    let inner = node (Slice([| 2 |], [| 18 |], [| 3 |])) [| x |]
    let outer = node (Slice([| 1 |], [| 5 |], [| 2 |])) [| inner |]
    // Elements 5 and 11.
    becomesOp (Slice([| 5 |], [| 12 |], [| 6 |])) x outer

[<Fact>]
let ``broadcasts combine, and are left out where the user broadcasts`` () =
    let x, y = leaf [| 3 |], leaf [| 2; 3 |]
    let wide = node (Broadcast(Shape.Of(4, 2, 3))) [| node (Broadcast(Shape.Of(2, 3))) [| x |] |]
    becomesOp (Broadcast(Shape.Of(4, 2, 3))) x wide
    let sum = simple (node (Broadcast(Shape.Of(2, 3))) [| x |] + y)
    Assert.Same(x, sum.Inputs[0])
    // Two broadcasts cannot both go.
    let both =
        simple (node (Broadcast(Shape.Of(2, 3))) [| x |] * node (Broadcast(Shape.Of(2, 3))) [| leaf [| 1 |] |])
    Assert.Equal(Shape.Of(2, 3), both.Shape)

[<Fact>]
let ``casts through a type that holds everything are left out`` () =
    let x = leaf [| 3 |]
    becomes x (node (Cast DType.Float32) [| node (Cast DType.Float64) [| x |] |])
    let n = Expr.Input("n", DType.Float64, Shape.Of 3)
    let rounded = simple (node (Cast DType.Float64) [| node (Cast DType.Float32) [| n |] |])
    Assert.Equal(DType.Float32, rounded.Inputs[0].DType)

[<Fact>]
let ``a choice that is known is made`` () =
    let x, y = leaf [| 2 |], leaf [| 2 |]
    becomes x (node Select [| Expr.Scalar(DType.Bool, 1.0); x; y |])
    becomes y (node Select [| Expr.Scalar(DType.Bool, 0.0); x; y |])
    becomes x (node Select [| Expr.Input("c", DType.Bool, Shape.Of 2); x; x |])

[<Fact>]
let ``reductions over axes of size 1 are reshapes`` () =
    let x = leaf [| 2; 1; 3 |]
    becomesOp (Reshape(Shape.Of(2, 3))) x (node (Reduce(ReduceOp.Sum, [| 1 |])) [| x |])

[<Fact>]
let ``constants are folded`` () =
    let e = (scalar 2.0 + scalar 3.0) * scalar 4.0
    match (simple e).Op with
    | Constant t -> Assert.Equal<float[]>([| 20.0 |], t.ToDoubles())
    | op -> Assert.Fail(Expr.OpName op)

[<Fact>]
let ``equal nodes become one, leaves stay two`` () =
    let x, y = leaf [| 2 |], leaf [| 2 |]
    let e = (unary UnaryOp.Exp x * y) + (unary UnaryOp.Exp x * y)
    let s = simple e
    Assert.Same(s.Inputs[0], s.Inputs[1])
    let d = simple (unary UnaryOp.Exp x + unary UnaryOp.Exp y)
    Assert.NotSame(d.Inputs[0], d.Inputs[1])

[<Fact>]
let ``deep graphs do not use the stack`` () =
    let mutable e = leaf [| 2 |]

    for i in 1..20000 do
        e <- unary UnaryOp.Sin e

    Assert.Equal(20001, (Traverse.topological [ simple e ]).Length)
