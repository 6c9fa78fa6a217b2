module FunctionalNet.Tests.Compiler.PlanTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Tests.Support

let private f32 = DType.Float32

let private draw (seed: int) (shape: Shape) =
    let rng = System.Random(seed)
    Tensor.OfDoubles(f32, shape, Array.init shape.Size (fun _ -> rng.NextDouble() - 0.5))

/// A training step of 13-8-3 with dropout, cross-entropy and Adam, and values for its leaves.
let private mlpStep () =
    let bindings = Collections.Generic.List<Expr * Tensor>()

    let leaf role name (shape: Shape) =
        let e = Expr.LeafOf(role, name, f32, shape)
        bindings.Add((e, (if role = LeafRole.Slot then Tensor.Zeros(f32, shape) else draw bindings.Count shape)))
        e

    let host name (dtype: DType) (value: float) =
        let e = Expr.LeafOf(LeafRole.Hyper, name, dtype, Shape.Scalar)
        bindings.Add((e, Tensor.Full(dtype, Shape.Scalar, value)))
        e

    let x = leaf LeafRole.Input "x" (Shape.Of(4, 13))
    let labels = Expr.Input("labels", DType.Int32, Shape.Of 4)
    bindings.Add((labels, Tensor.OfArray [| 0; 2; 1; 2 |]))
    let seed, step = host "seed" DType.Int64 7.0, host "step" DType.Int64 1.0
    let rate = host "rate" f32 0.01
    let w1, b1 = leaf LeafRole.Param "w1" (Shape.Of(13, 8)), leaf LeafRole.Param "b1" (Shape.Of 8)
    let w2, b2 = leaf LeafRole.Param "w2" (Shape.Of(8, 3)), leaf LeafRole.Param "b2" (Shape.Of 3)
    let h = Ops.relu (Ops.matmul x w1 + b1)
    let u = Ops.random RandomKind.Uniform "drop" f32 h.Shape seed step
    let kept = Ops.where (Ops.greaterEqual u (Expr.Scalar(f32, 0.25))) (h * (1.0 / 0.75)) (Ops.zerosLike h)
    let logits = Ops.matmul kept w2 + b2
    let loss = Ops.mean [| 0 |] false (Ops.sparseSoftmaxCrossEntropy labels logits)
    let variables = [| w1; b1; w2; b2 |]

    let updates =
        Array.map2
            (fun (p: Expr) (g: Expr) ->
                let m = leaf LeafRole.Slot "m" p.Shape
                let v = leaf LeafRole.Slot "v" p.Shape
                let m1 = m + (g - m) * 0.1
                let v1 = v + (Ops.square g - v) * 0.001
                [| p, p - rate * m1 / (Ops.sqrt v1 + 1e-7); m, m1; v, v1 |])
            variables
            (Grad.gradients loss variables)
        |> Array.concat

    let graph = { Outputs = [| "loss", loss; "logits", logits |]; Updates = updates }

    graph, bindings.ToArray()

[<Fact>]
let ``Golden: the plan of a small training step`` () =
    let graph, _ = mlpStep ()
    let plan = Compile.compile { CompileOptions.Default with Check = true } graph
    Golden.Check("plans/mlp-step.txt", PlanText.print [||] plan)

[<Fact>]
let ``a training step writes every new value where the old one was`` () =
    let graph, bindings = mlpStep ()
    let plan = Compile.compile CompileOptions.Default graph
    Assert.DoesNotContain(plan.Steps, (fun (s: Step) -> s.Name = "Update"))
    let expected = PlanRuns.interpret graph bindings
    let actual = PlanRuns.run CompileOptions.Default graph bindings
    Assert.Equal(None, PlanRuns.difference 1e-5 expected actual)

[<Fact>]
let ``an update whose old value is needed later is copied in the end`` () =
    let x = Expr.LeafOf(LeafRole.State, "x", f32, Shape.Of(3, 3))
    // Needs all of x for every element of the new value.
    let next = Ops.matmul x x

    let graph = { Outputs = [| "both", Ops.sum [| 0; 1 |] false (x * next) |]; Updates = [| x, next |] }

    let bindings = [| x, draw 1 x.Shape |]
    let plan = Compile.compile { CompileOptions.Default with Check = true } graph
    Assert.Contains(plan.Steps, (fun (s: Step) -> s.Name = "Update"))
    Assert.Equal(
        None,
        PlanRuns.difference
            1e-5
            (PlanRuns.interpret graph bindings)
            (PlanRuns.run CompileOptions.Default graph bindings)
    )

[<Fact>]
let ``elementwise operations become one instruction`` () =
    let x = Expr.Input("x", f32, Shape.Of(5, 7))
    let b = Expr.Input("b", f32, Shape.Of 7)
    let y = Ops.tanh (Ops.sigmoid (x + b) * 2.0 - x)
    let plan = Compile.compile CompileOptions.Default { Outputs = [| "y", y |]; Updates = [||] }
    Assert.Equal(1, plan.Steps.Length)

[<Fact>]
let ``a region never waits for itself`` () =
    // exp x feeds the sum, which feeds the division: a group of both would be a cycle. The sum runs with exp x.
    let x = Expr.Input("x", f32, Shape.Of(2, 3))
    let e = Ops.exp x
    let y = e / Ops.sum [| 1 |] true e
    let plan =
        Compile.compile { CompileOptions.Default with Check = true } { Outputs = [| "y", y |]; Updates = [||] }
    Assert.Equal(2, plan.Steps.Length)

[<Fact>]
let ``transpositions disappear into products`` () =
    let q = Expr.Input("q", f32, Shape.Of(2, 5, 3, 4))
    let k = Expr.Input("k", f32, Shape.Of(2, 5, 3, 4))
    let heads (e: Expr) = Expr.Node(Op.Transpose [| 0; 2; 1; 3 |], [| e |])
    let scores = Expr.Node(MatMul(false, true), [| heads q; heads k |])
    let plan = Compile.compile CompileOptions.Default { Outputs = [| "s", scores |]; Updates = [||] }
    Assert.Equal(1, plan.Steps.Length)

[<Fact>]
let ``the gradient of a loop's weights is one product after the loop`` () =
    let t, n, d = 5, 3, 4
    let x = Expr.Input("x", f32, Shape.Of(t, n, d))
    let w = Expr.LeafOf(LeafRole.Param, "w", f32, Shape.Of(d, d))
    let b = Expr.LeafOf(LeafRole.Param, "b", f32, Shape.Of d)
    let zero = Expr.Constant(Tensor.Zeros(f32, Shape.Of(n, d)))

    let last, _ =
        Ops.scan
            (fun carry slices ->
                let h = Ops.tanh (slices[0] + Ops.matmul carry[0] w + b)
                [| h |], [||])
            [| zero |]
            [| x |]
            false

    let loss = Ops.sum [| 0; 1 |] false (Ops.square last[0])
    let g = Grad.gradients loss [| w; b; x |]
    let graph = { Outputs = [| "loss", loss; "w", g[0]; "b", g[1]; "x", g[2] |]; Updates = [||] }
    let bindings = [| x, draw 1 x.Shape; w, draw 2 w.Shape; b, draw 3 b.Shape |]
    let plan = Compile.compile { CompileOptions.Default with Check = true } graph

    let loops =
        plan.Steps
        |> Array.choose (fun s ->
            match s.Work with
            | Loop l -> Some l
            | _ -> None)

    // Forward (which keeps the carries too) and backward.
    Assert.Equal(2, loops.Length)

    for l in loops do
        let products =
            l.Body.Steps |> Array.filter (fun s -> s.Name.StartsWith("MatMul", StringComparison.Ordinal))
        Assert.Equal(1, products.Length)

    Assert.Equal(
        None,
        PlanRuns.difference
            1e-5
            (PlanRuns.interpret graph bindings)
            (PlanRuns.run CompileOptions.Default graph bindings)
    )

[<Fact>]
let ``two plans share one arena`` () =
    let graph, bindings = mlpStep ()
    let small = { Outputs = [| graph.Outputs[1] |]; Updates = [||] }
    let a, b = Compile.compile CompileOptions.Default graph, Compile.compile CompileOptions.Default small
    let arena = FunctionalNet.Kernels.Buffer(max a.ArenaBytes b.ArenaBytes)
    let leaves = Leaves bindings
    let train = Compile.bindPlan CompileOptions.Default a leaves.Bind arena
    let infer = Compile.bindPlan CompileOptions.Default b leaves.Bind arena
    infer.Run()
    let before = (infer.Output "logits").ToTensor()
    train.Run()
    Assert.True(before.BitEquals((train.Output "logits").ToTensor()))
    infer.Run()
    Assert.False(before.BitEquals((infer.Output "logits").ToTensor()))

[<Fact>]
let ``the interpreter stands in for a plan`` () =
    let graph, bindings = mlpStep ()
    let plan = PlanRuns.run CompileOptions.Default graph bindings
    let interpreted = PlanRuns.run { CompileOptions.Default with Interpret = true } graph bindings
    Assert.Equal(None, PlanRuns.difference 1e-5 interpreted plan)

[<Fact>]
let ``comparing finds no difference, and a difference where there is one`` () =
    let graph, bindings = mlpStep ()
    Assert.Equal(None, Compare.firstDifference CompileOptions.Default 1e-5 bindings graph)
    Assert.True((Compare.firstDifference CompileOptions.Default 1e-14 bindings graph).IsSome)

[<Fact>]
let ``a profile tells times for every instruction`` () =
    let graph, bindings = mlpStep ()
    let plan = Compile.compile CompileOptions.Default graph
    let leaves = Leaves bindings
    let executable =
        PlannedExecutable(plan, leaves.Bind, FunctionalNet.Kernels.Buffer plan.ArenaBytes, false, ValueNone)
    let times = executable.Profile 3
    Assert.Equal(plan.Steps.Length, times.Length)
    Assert.True(times |> Array.forall (fun t -> t >= 0.0 && Double.IsFinite t))
    Assert.Contains("us", executable.Describe())

[<Fact>]
let ``wrong names, small buffers and small arenas are typed errors`` () =
    let graph, bindings = mlpStep ()
    let leaves = Leaves bindings
    let plan = Compile.compile CompileOptions.Default graph
    let executable = Compile.executable CompileOptions.Default graph leaves.Bind
    Assert.Throws<ArgumentValueException>(fun () -> executable.Output "nothing" |> ignore) |> ignore

    Assert.Throws<GraphException>(fun () ->
        Compile.bindPlan CompileOptions.Default plan leaves.Bind (FunctionalNet.Kernels.Buffer 64L)
        |> ignore)
    |> ignore

    Assert.Throws<GraphException>(fun () ->
        Compile.executable CompileOptions.Default graph (fun _ -> FunctionalNet.Kernels.Buffer 1L) |> ignore)
    |> ignore
