module FunctionalNet.Tests.Autodiff.GradTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support

let private vector (values: float list) = Expr.Constant(Tensor.OfArray(List.toArray values))
let private scalar (value: float) = Ops.scalar DType.Float64 value

let private gives (expected: float list) (e: Expr) =
    Close.close 1e-12 1e-12 (List.toArray expected) (Interpreter.run [] [| e |] |> Array.head)

[<Fact>]
let ``grad nests`` () =
    let f (x: Expr) = x * x * x * x
    let x = scalar 2.0
    Grad.grad f x |> gives [ 32.0 ]
    Grad.grad (Grad.grad f) x |> gives [ 48.0 ]
    Grad.grad (Grad.grad (Grad.grad f)) x |> gives [ 48.0 ]
    Grad.grad (Grad.grad (Grad.grad (Grad.grad f))) x |> gives [ 24.0 ]

[<Fact>]
let ``an inner derivative does not mix with an outer one`` () =
    // d/dx (x * d/dy (x + y)) = 1
    let x = scalar 3.0
    Grad.grad (fun x -> x * Grad.grad (fun y -> x + y) (scalar 1.0)) x |> gives [ 1.0 ]
    // The function also uses, from outside, the node it is applied to: that use is constant.
    Grad.grad (fun p -> p * x) x |> gives [ 3.0 ]

[<Fact>]
let ``valueAndGrad gives both`` () =
    let struct (y, g) = Grad.valueAndGrad (fun x -> Ops.sumAll (Ops.square x)) (vector [ 1.0; -2.0 ])
    y |> gives [ 5.0 ]
    g |> gives [ 2.0; -4.0 ]

[<Fact>]
let ``derivatives to several tensors`` () =
    let g =
        Grad.gradMany (fun x -> Ops.sumAll (x[0] * Ops.exp x[1])) [| vector [ 1.0; 2.0 ]; vector [ 0.0; 1.0 ] |]
    g[0] |> gives [ 1.0; exp 1.0 ]
    g[1] |> gives [ 1.0; 2.0 * exp 1.0 ]

[<Fact>]
let ``the Jacobian of known functions`` () =
    let x = vector [ 1.0; 2.0; 3.0 ]
    Grad.jacobian Ops.square x |> gives [ 2.0; 0.0; 0.0; 0.0; 4.0; 0.0; 0.0; 0.0; 6.0 ]
    let m = Expr.Constant(Tensor.OfRows [| [| 1.0; 2.0; 3.0 |]; [| 4.0; 5.0; 6.0 |] |])
    let j = Grad.jacobian (fun x -> Ops.matmul m x) x
    Assert.Equal(Shape.Of(2, 3), j.Shape)
    j |> gives [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ]
    Assert.Equal(Shape.Of(2, 3, 2, 3), (Grad.jacobian Ops.exp m).Shape)
    Grad.jacobian (fun x -> Ops.concatenate 0 [| Ops.stopGradient x; vector [ 1.0 ] |]) (vector [ 1.0 ])
    |> gives [ 0.0; 0.0 ]

[<Fact>]
let ``the Hessian of known functions`` () =
    let x = vector [ 1.0; 2.0 ]
    // Rosenbrock's function at (1, 2).
    let f (x: Expr) =
        let a, b = Ops.index 0 0 x, Ops.index 0 1 x
        Ops.square (1.0 - a) + 100.0 * Ops.square (b - Ops.square a)

    Grad.hessian f x |> gives [ 1200.0 - 800.0 + 2.0; -400.0; -400.0; 200.0 ]
    Grad.hvp f x (vector [ 1.0; 2.0 ]) |> gives [ 402.0 - 800.0; -400.0 + 400.0 ]
    let q = Expr.Constant(Tensor.OfRows [| [| 2.0; 1.0 |]; [| 1.0; 3.0 |] |])
    Grad.hessian (fun x -> 0.5 * Ops.matmul x (Ops.matmul q x)) x |> gives [ 2.0; 1.0; 1.0; 3.0 ]
    // A third derivative through the loop that builds the Hessian.
    Grad.jacobian (Grad.hessian (fun x -> Ops.sumAll (x * x * x))) x
    |> gives [ 6.0; 0.0; 0.0; 0.0; 0.0; 0.0; 0.0; 6.0 ]

[<Fact>]
let ``vjp weighs the outputs`` () =
    let x = vector [ 1.0; 2.0 ]
    (Grad.vjp [| x * x; Ops.exp x |] [| vector [ 1.0; 10.0 ]; vector [ 0.0; 1.0 ] |] [| x |])[0]
    |> gives [ 2.0; 40.0 + exp 2.0 ]
    // The same node twice among the outputs, and an output that is the input.
    (Grad.vjp [| x; x |] [| vector [ 1.0; 1.0 ]; vector [ 2.0; 3.0 ] |] [| x |])[0]
    |> gives [ 3.0; 4.0 ]

[<Fact>]
let ``what the loss does not depend on gets zeros of its type`` () =
    let x, unused = vector [ 1.0; 2.0 ], Expr.Input("unused", DType.Float32, Shape.Of(2, 2))
    let ids = Expr.Constant(Tensor.OfArray [| 0; 1 |])
    let g = Grad.gradients (Ops.sumAll (Ops.take ids 0 x)) [| x; unused; ids |]
    g[0] |> gives [ 1.0; 1.0 ]
    Assert.Equal(unused.Type, g[1].Type)
    g[1] |> gives [ 0.0; 0.0; 0.0; 0.0 ]
    Assert.Equal(ids.Type, g[2].Type)
    g[2] |> gives [ 0.0; 0.0 ]

[<Fact>]
let ``no derivative flows through stopGradient`` () =
    Grad.grad (fun x -> Ops.stopGradient x * x) (scalar 3.0) |> gives [ 3.0 ]
    Grad.grad (fun x -> Ops.stopGradient (Ops.exp x)) (scalar 3.0) |> gives [ 0.0 ]

[<Fact>]
let ``only what the derivative needs is built`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of(8, 4))
    let w = Expr.Input("w", DType.Float32, Shape.Of(4, 2))
    let loss = Ops.sumAll (Ops.matmul (Ops.exp x) w)

    let count wrt =
        Traverse.topological (Grad.gradients loss wrt)
        |> Array.filter (fun e ->
            match e.Op with
            | MatMul _ -> true
            | _ -> false)
        |> Array.length

    // To w: one product. The path to x would need another.
    Assert.Equal(1, count [| w |])
    Assert.Equal(2, count [| w; x |])

[<Fact>]
let ``derivatives at kinks follow the conventions`` () =
    Grad.grad Ops.relu (scalar 0.0) |> gives [ 0.0 ]
    Grad.grad Ops.abs (scalar 0.0) |> gives [ 0.0 ]
    let tie op = Grad.gradMany (fun x -> op x[0] x[1]) [| scalar 1.0; scalar 1.0 |]
    (tie Ops.maximum)[0] |> gives [ 1.0 ]
    (tie Ops.maximum)[1] |> gives [ 0.0 ]
    (tie Ops.minimum)[0] |> gives [ 1.0 ]
    Grad.grad Ops.maxAll (vector [ 2.0; 1.0; 2.0 ]) |> gives [ 0.5; 0.0; 0.5 ]
    Grad.grad Ops.minAll (vector [ 2.0; 1.0; 1.0; 1.0 ])
    |> gives [ 0.0; 1.0 / 3.0; 1.0 / 3.0; 1.0 / 3.0 ]
    Grad.grad (fun x -> Ops.sumAll (Ops.clip 0.0 1.0 x)) (vector [ -1.0; 0.5; 2.0 ])
    |> gives [ 0.0; 1.0; 0.0 ]

[<Fact>]
let ``powers at zero and with whole exponents`` () =
    let byBase (a: float) (b: float) = Grad.gradMany (fun x -> Ops.pow x[0] x[1]) [| scalar a; scalar b |]
    (byBase 0.0 2.0)[0] |> gives [ 0.0 ]
    (byBase 0.0 1.0)[0] |> gives [ 1.0 ]
    (byBase 0.0 0.0)[0] |> gives [ 0.0 ]
    (byBase -3.0 2.0)[0] |> gives [ -6.0 ]
    (byBase -3.0 2.0)[1] |> gives [ 0.0 ]
    (byBase 0.0 2.0)[1] |> gives [ 0.0 ]
    (byBase 2.0 3.0)[1] |> gives [ 8.0 * log 2.0 ]
    let nested n f = Seq.fold (fun g _ -> Grad.grad g) f (seq { 1..n })
    nested 2 (Ops.powScalar 2.0) (scalar 0.0) |> gives [ 2.0 ]
    nested 3 (Ops.powScalar 2.0) (scalar 0.0) |> gives [ 0.0 ]
    nested 3 (Ops.powScalar 3.0) (scalar -1.0) |> gives [ 6.0 ]
    // The same through an exponent that is not known when the graph is built.
    let two = Expr.Input("two", DType.Float64, Shape.Scalar)
    let second = nested 2 (fun x -> Ops.pow x two) (scalar 0.0)
    Close.close 1e-12 0.0 [| 2.0 |] (Interpreter.run [ two, Tensor.Scalar 2.0 ] [| second |] |> Array.head)

[<Fact>]
let ``a product's derivatives survive zeros, to order 2`` () =
    let f = Ops.prod [| 0 |] false
    Grad.grad f (vector [ 0.0; 2.0; 3.0 ]) |> gives [ 6.0; 0.0; 0.0 ]
    Grad.grad f (vector [ 0.0; 0.0; 3.0 ]) |> gives [ 0.0; 0.0; 0.0 ]
    Grad.hessian f (vector [ 0.0; 0.0; 3.0 ]) |> gives [ 0.0; 3.0; 0.0; 3.0; 0.0; 0.0; 0.0; 0.0; 0.0 ]
    Grad.hessian f (vector [ 0.0; 2.0; 3.0 ]) |> gives [ 0.0; 3.0; 2.0; 3.0; 0.0; 0.0; 2.0; 0.0; 0.0 ]

[<Fact>]
let ``a function's own derivative is used at every order`` () =
    // Says that the derivative of exp is twice exp.
    let f x = Ops.customGradient (fun x -> Ops.exp x[0]) (fun _ y g -> [| g * y * 2.0 |]) [| x |]
    f (scalar 0.0) |> gives [ 1.0 ]
    Grad.grad f (scalar 0.0) |> gives [ 2.0 ]
    Grad.grad (Grad.grad f) (scalar 0.0) |> gives [ 4.0 ]

[<Fact>]
let ``a function's own derivative may use what is outside, and gives it none`` () =
    let w = scalar 5.0
    let x = scalar 2.0
    let y = Ops.customGradient (fun x -> x[0] * w) (fun _ _ g -> [| g * w |]) [| x |]
    y |> gives [ 10.0 ]
    let g = Grad.gradients y [| x; w |]
    g[0] |> gives [ 5.0 ]
    g[1] |> gives [ 0.0 ]

[<Fact>]
let ``a custom gradient is checked`` () =
    let f count x =
        Ops.customGradient (fun x -> Ops.sumAll x[0]) (fun x _ _ -> Array.init count (fun _ -> x[0])) [| x |]
    Assert.Throws<GraphException>(fun () -> Grad.grad (f 2) (vector [ 1.0 ]) |> ignore) |> ignore
    let wrongShape x = Ops.customGradient (fun x -> Ops.sumAll x[0]) (fun _ _ g -> [| g |]) [| x |]
    Assert.Throws<ShapeException>(fun () -> Grad.grad wrongShape (vector [ 1.0 ]) |> ignore) |> ignore

/// Adds one; has no derivative of its own.
type private Increment() =
    inherit CustomOperation("Increment")
    override _.InferTypes types = types

    override _.Compute a =
        let x = a.Input<float> 0
        let y = a.Output<float> 0

        for i in 0 .. x.Length - 1 do
            y[i] <- x[i] + 1.0

/// Sum and difference, with the sign of the second forgotten in the gradient if wrong.
type private SumAndDifference(wrong: bool) =
    inherit CustomOperation("SumAndDifference")
    override _.InferTypes types = types

    override _.Compute a =
        let x = a.Input<float> 0
        let y = a.Input<float> 1
        let s = a.Output<float> 0
        let d = a.Output<float> 1

        for i in 0 .. x.Length - 1 do
            s[i] <- x[i] + y[i]
            d[i] <- x[i] - y[i]

    override _.Gradient(_, _, g) = [| g[0] + g[1]; (if wrong then g[0] + g[1] else g[0] - g[1]) |]

[<Fact>]
let ``a user's operation computes, and without Gradient it says so by name`` () =
    let x = vector [ 1.0; 2.0 ]
    let y = (Ops.custom (Increment()) [| x |])[0]
    y |> gives [ 2.0; 3.0 ]
    let error = Assert.Throws<GraphException>(fun () -> Grad.gradients (Ops.sumAll y) [| x |] |> ignore)
    Assert.Equal("Increment", error.Path)
    // Behind stopGradient it does no harm.
    (Grad.gradients (Ops.sumAll (Ops.stopGradient y * x)) [| x |])[0] |> gives [ 2.0; 3.0 ]

[<Fact>]
let ``a user's operation with several results`` () =
    let x, y = vector [ 1.0; 2.0 ], vector [ 3.0; 5.0 ]
    let results = Ops.custom (SumAndDifference false) [| x; y |]
    results[0] |> gives [ 4.0; 7.0 ]
    results[1] |> gives [ -2.0; -3.0 ]
    // Only one of the results is used.
    (Grad.gradients (Ops.sumAll results[1]) [| y |])[0] |> gives [ -1.0; -1.0 ]

[<Fact>]
let ``reading memory as another type is refused`` () =
    let x = Expr.Constant(Tensor.OfArray [| 1.0f |])
    let y = (Ops.custom (Increment()) [| x |])[0]
    Assert.Throws<DTypeException>(fun () -> Interpreter.run [] [| y |] |> ignore) |> ignore

[<Fact>]
let ``the gradient check passes right derivatives and catches wrong ones`` () =
    let inputs = [| Tensor.OfArray [| 1.0; -2.0; 0.5 |]; Tensor.OfArray [| 0.3; 0.7; -1.1 |] |]

    let check wrong =
        GradCheck.check (fun x -> (let r = Ops.custom (SumAndDifference wrong) x in r[0] * Ops.sin r[1])) inputs 2

    let good = check false
    Assert.True(good.IsWithin 1e-7, good.ToString())
    Assert.Equal(2, good.Errors.Length)
    let bad = check true
    Assert.False(bad.IsWithin 1e-2, bad.ToString())
    Assert.Contains("order", bad.Worst)

[<Fact>]
let ``the gradient check catches a wrong second derivative behind a right first`` () =
    // The backward function hides the dependence of the first derivative on x.
    let f x =
        Ops.customGradient (fun x -> Ops.square x[0]) (fun x _ g -> [| g * 2.0 * Ops.stopGradient x[0] |]) [| x |]
    let report = GradCheck.check (fun x -> f x[0]) [| Tensor.OfArray [| 1.0; 2.0 |] |] 2
    Assert.True(report.Errors[0] < 1e-8)
    Assert.True(report.Errors[1] > 0.1)

[<Fact>]
let ``the gradient check says what it cannot do`` () =
    let f (x: Expr[]) = Ops.sumAll x[0]
    Assert.Throws<ArgumentValueException>(fun () -> GradCheck.check f [| Tensor.OfArray [| 1.0 |] |] 4 |> ignore)
    |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> GradCheck.check f [| Tensor.OfArray [| 1 |] |] 1 |> ignore)
    |> ignore

[<Fact>]
let ``a derivative that is not a number is reported as the worst`` () =
    let report = GradCheck.check (fun x -> Ops.sqrt x[0]) [| Tensor.OfArray [| -1.0 |] |] 1
    Assert.Equal(infinity, report.WorstError)

[<Fact>]
let ``what cannot be differentiated is refused with a hint`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of 3)
    let hint (e: FunctionalNetException) = Assert.NotEqual<string>("", e.Hint)
    hint (Assert.Throws<ShapeException>(fun () -> Grad.gradients x [| x |] |> ignore))
    hint (Assert.Throws<DTypeException>(fun () -> Grad.gradients (Ops.argmax 0 x) [| x |] |> ignore))
    hint (Assert.Throws<ShapeException>(fun () -> Grad.vjp [| x |] [| Ops.index 0 0 x |] [| x |] |> ignore))
    hint (
        Assert.Throws<DTypeException>(fun () ->
            Grad.vjp [| x |] [| Ops.zeros DType.Float64 x.Shape |] [| x |] |> ignore)
    )
    hint (Assert.Throws<ArgumentValueException>(fun () -> Grad.vjp [| x |] [||] [| x |] |> ignore))

[<Fact>]
let ``a long chain needs no stack`` () =
    let x = scalar 1.0
    let y = Seq.fold (fun (e: Expr) _ -> e * 1.0001) x (seq { 1..20000 })
    (Grad.gradients y [| x |])[0] |> gives [ Math.Pow(1.0001, 20000.0) ]
