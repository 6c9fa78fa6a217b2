module FunctionalNet.Tests.Compiler.CompiledFunctionTests

open System
open System.Threading.Tasks
open Xunit
open FunctionalNet
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Tests.Support

let private draw (seed: int) (dtype: DType) (dims: int list) =
    let random = System.Random(seed)
    let shape = Shape.Of(List.toArray dims)
    Tensor.OfDoubles(dtype, shape, Array.init shape.Size (fun _ -> random.NextDouble() * 2.0 - 1.0))

/// A loss with its derivatives: two results from two arguments.
let private slopes (xs: Expr[]) =
    let loss = Ops.sumAll (Ops.square (Ops.tanh (Ops.matmul xs[0] xs[1])))
    Grad.gradients loss xs

let private interpret (f: Expr[] -> Expr[]) (inputs: Tensor[]) =
    let leaves = inputs |> Array.map (fun t -> Expr.Input("x", t.DType, t.Shape))
    Interpreter.runTensors (Array.zip leaves inputs) (f leaves)

let private a, b = draw 1 DType.Float32 [ 5; 4 ], draw 2 DType.Float32 [ 4; 3 ]

let private allOptions: (string * PlanOptions) list =
    [ "all", PlanOptions()
      "plain", PlanOptions.Plain
      "interpreted", PlanOptions.Interpreted
      "no simplify", PlanOptions(Simplify = false)
      "no select", PlanOptions(SelectKernels = false)
      "no loops", PlanOptions(Loops = false)
      "no fuse", PlanOptions(Fuse = false)
      "no schedule", PlanOptions(Schedule = false)
      "no in place", PlanOptions(InPlace = false)
      "no reuse", PlanOptions(Reuse = false)
      "no donate", PlanOptions(Donate = false)
      "checked and poisoned", PlanOptions(CheckMemory = true, PoisonMemory = true) ]

[<Fact>]
let ``values and derivatives are the interpreter's, under every choice of passes`` () =
    let expected = interpret slopes [| a; b |]

    for name, options in allOptions do
        let compiled = Compiled.createWith options slopes

        for _ in 1..2 do
            let actual = compiled.Invoke(a, b)
            Assert.Equal(2, actual.Length)

            for i in 0..1 do
                Assert.Equal(expected[i].Shape, actual[i].Shape)
                Close.closeToScale name 1e-5 (expected[i].ToDoubles()) (actual[i].ToDoubles())

[<Fact>]
let ``second derivatives run in float64`` () =
    let f = Compiled.unary (Grad.hessian (fun x -> Ops.sumAll (x * x * x)))
    let h = f (Tensor.Of(Shape.Of 2, [| 1.0; 2.0 |]))
    Assert.Equal<float[]>([| 6.0; 0.0; 0.0; 12.0 |], h.ToArray<float>())

[<Fact>]
let ``a function is traced once per signature`` () =
    let seen = Collections.Generic.List<string>()

    let compiled =
        Compiled.create (fun xs ->
            seen.Add(xs[0].ToString())
            [| xs[0] * 2.0 |])

    let call (t: Tensor) =
        let result = (Compiled.run [| t |] compiled)[0]
        Assert.Equal<float[]>(t.ToDoubles() |> Array.map (fun v -> v * 2.0), result.ToDoubles())

    for _ in 1..3 do
        call (draw 1 DType.Float32 [ 3 ])
        call (draw 2 DType.Float32 [ 2; 3 ])
        call (draw 3 DType.Float64 [ 3 ])

    Assert.Equal(3, seen.Count)
    Assert.Equal(3, compiled.Traces)

[<Fact>]
let ``the signatures used last are kept`` () =
    let compiled = Compiled.create (fun xs -> [| xs[0] + 1.0 |])
    let call (n: int) = compiled.Invoke(Tensor.Zeros(DType.Float32, Shape.Of n)) |> ignore

    for n in 1..40 do
        call n
        call 1

    // 1 was used all the time; of the others the last 31 are there.
    Assert.Equal(40, compiled.Traces)
    call 1
    call 40
    call 10
    Assert.Equal(40, compiled.Traces)
    call 2
    Assert.Equal(41, compiled.Traces)

[<Fact>]
let ``results are copies, and may be arguments and constants`` () =
    let compiled =
        Compiled.create (fun xs ->
            [| xs[0]; Expr.Constant(Tensor.OfArray [| 7f |]); xs[0]; Ops.reshape [| 2; 1 |] xs[0] |])

    let one = Tensor.OfArray [| 1f; 2f |]
    let first = compiled.Invoke one
    let second = compiled.Invoke(Tensor.OfArray [| 3f; 4f |])
    Assert.Equal<float32[]>([| 1f; 2f |], first[0].ToArray<float32>())
    Assert.Equal<float32[]>([| 3f; 4f |], second[2].ToArray<float32>())
    Assert.Equal<float32[]>([| 7f |], second[1].ToArray<float32>())
    Assert.Equal(Shape.Of(2, 1), second[3].Shape)

[<Fact>]
let ``integers, truth values, scalars, empty tensors and unused arguments pass`` () =
    let compiled =
        Compiled.create (fun xs -> [| xs[0] + xs[0]; Ops.where xs[1] xs[2] (-xs[2]); Ops.sum [| 0 |] false xs[3] |])

    let results =
        compiled.Invoke(
            Tensor.OfArray [| 1; 2 |],
            Tensor.OfArray [| true; false |],
            Tensor.Scalar 3.0,
            Tensor.Zeros(DType.Float32, Shape.Of(0, 2)),
            Tensor.Scalar 1f
        )

    Assert.Equal<int[]>([| 2; 4 |], results[0].ToArray<int>())
    Assert.Equal<float[]>([| 3.0; -3.0 |], results[1].ToArray<float>())
    Assert.Equal<float32[]>([| 0f; 0f |], results[2].ToArray<float32>())

[<Fact>]
let ``a foreign input is refused, and errors of the function come through`` () =
    let foreign = Expr.Input("theirs", DType.Float32, Shape.Of 2)
    let compiled = Compiled.create (fun xs -> [| xs[0] + foreign |])
    let error =
        Assert.Throws<GraphException>(fun () -> compiled.Invoke(Tensor.OfArray [| 1f; 2f |]) |> ignore)
    Assert.Equal("theirs", error.Path)
    Assert.Throws<ShapeException>(fun () -> (Compiled.create slopes).Invoke(a, a) |> ignore) |> ignore
    Assert.Equal(0, compiled.Traces)

[<Fact>]
let ``calls from many threads do not disturb each other`` () =
    let compiled = Compiled.create slopes

    let cases =
        [| for seed in 1..4 ->
               let x = draw seed DType.Float32 [ 5; 4 ]
               x, (Compiled.create slopes).Invoke(x, b) |]

    Parallel.For(
        0,
        64,
        fun i ->
            let x, expected = cases[i % 4]
            let actual = compiled.Invoke(x, b)
            Assert.True(Array.forall2 (fun (e: Tensor) (r: Tensor) -> e.BitEquals r) expected actual)
    )
    |> ignore

[<Fact>]
let ``a plan tells instructions, shapes, places, bytes and operations, and times when profiled`` () =
    let compiled = Compiled.create (fun xs -> [| Ops.tanh (Ops.matmul xs[0] xs[1]) |])
    let text = compiled.DescribePlan(a, b)
    Assert.StartsWith("plan: ", text)
    Assert.Contains("%input0", text)
    Assert.Contains("float32 (5, 3) @", text)
    // 120 of the product, 15 of the function.
    Assert.Contains("flops 135", text)
    Assert.DoesNotContain("us\n", text)
    let lines (t: string) = t.Split('\n') |> Array.filter (fun l -> l.Contains " flops ")
    let profiled = lines (compiled.ProfilePlan(3, a, b))
    Assert.Equal((lines text).Length, profiled.Length)
    Assert.All(profiled, fun l -> Assert.Matches(@" \d+\.\d\dus$", l))
    Assert.Equal(1, compiled.Traces)
    Assert.StartsWith("interpreted: ", (Compiled.createWith PlanOptions.Interpreted slopes).ProfilePlan(1, a, b))

[<Fact>]
let ``each switch reaches the compiler`` () =
    let f (xs: Expr[]) = [| Ops.exp (Ops.tanh (xs[0] * 2.0) + 1.0) |]
    let count (options: PlanOptions) =
        ((Compiled.createWith options f).DescribePlan a).Split('\n')
        |> Array.filter (fun l -> l.Contains " flops ")
        |> Array.length
    Assert.Equal(1, count (PlanOptions()))
    Assert.True(count (PlanOptions(Fuse = false)) >= 4)
    // The record of the compiler, switch by switch.
    let d = CompileOptions.Default

    let pairs: (PlanOptions * bool) list =
        let o (p: PlanOptions) = p.ToCompileOptions()

        [ PlanOptions(), o (PlanOptions()) = d
          PlanOptions.Plain, o PlanOptions.Plain = CompileOptions.Plain
          PlanOptions.Interpreted, o PlanOptions.Interpreted = { d with Interpret = true }
          PlanOptions(Simplify = false), o (PlanOptions(Simplify = false)) = { d with Simplify = false }
          PlanOptions(SelectKernels = false), o (PlanOptions(SelectKernels = false)) = { d with SelectKernels = false }
          PlanOptions(Loops = false), o (PlanOptions(Loops = false)) = { d with Loops = false }
          PlanOptions(Fuse = false), o (PlanOptions(Fuse = false)) = { d with Fuse = false }
          PlanOptions(Epilogues = false), o (PlanOptions(Epilogues = false)) = { d with Epilogues = false }
          PlanOptions(Schedule = false), o (PlanOptions(Schedule = false)) = { d with Schedule = false }
          PlanOptions(InPlace = false), o (PlanOptions(InPlace = false)) = { d with InPlace = false }
          PlanOptions(Reuse = false), o (PlanOptions(Reuse = false)) = { d with Reuse = false }
          PlanOptions(Donate = false), o (PlanOptions(Donate = false)) = { d with Donate = false }
          PlanOptions(Prepare = false), o (PlanOptions(Prepare = false)) = { d with Prepare = false }
          PlanOptions(CheckMemory = true), o (PlanOptions(CheckMemory = true)) = { d with Check = true }
          PlanOptions(PoisonMemory = true), o (PlanOptions(PoisonMemory = true)) = { d with Poison = true } ]

    for i, (_, same) in List.indexed pairs do
        Assert.True(same, "switch " + string i)

[<Fact>]
let ``the first node that a plan computes otherwise than the interpreter is named`` () =
    // In float32 the sum loses the small number, so that the difference is zero.
    let f (xs: Expr[]) = [| Ops.tanh ((xs[0] + xs[1]) - xs[1]) |]
    let small, large = Tensor.OfArray [| 0.25f; 0.5f |], Tensor.OfArray [| 1e9f; 1e9f |]

    for options in [ PlanOptions(); PlanOptions.Plain ] do
        let compiled = Compiled.createWith options f
        let text = nonNull (compiled.FirstDifference(1e-3, small, large))
        Assert.Contains("Sub float32 (2,)", text)
        Assert.Contains("element 0 is 0, should be 0.25", text)
        Assert.Null(compiled.FirstDifference(1e-3, small, small))

    Assert.Null((Compiled.create slopes).FirstDifference(1e-5, a, b))
