module FunctionalNet.Tests.Compiler.PoolingPlanTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels
open FunctionalNet.Compiler
open FunctionalNet.Tests.Support

let private options = { CompileOptions.Default with Check = true; Poison = true }

let private draw (seed: int) (t: DType) (shape: Shape) =
    let rng = System.Random seed
    Tensor.OfDoubles(t, shape, Array.init shape.Size (fun _ -> rng.NextDouble() - 0.5))

/// The plan gives what the interpreter gives, with the same bits on 1, 2 and 3 threads.
let private check (graph: Graph) : Plan =
    let bindings =
        Traverse.leaves (Traverse.roots graph)
        |> Seq.mapi (fun i e -> e, draw i e.DType e.Shape)
        |> Seq.toArray

    let before = Workers.Threads

    try
        let runs =
            [| for threads in 1..3 do
                   Workers.Threads <- threads
                   PlanRuns.run options graph bindings |]

        Assert.Equal(None, PlanRuns.difference 2e-5 (PlanRuns.interpret graph bindings) runs[0])
        Assert.True(PlanRuns.sameBits runs[0] runs[1])
        Assert.True(PlanRuns.sameBits runs[0] runs[2])
        Compile.compile options graph
    finally
        Workers.Threads <- before

let private f32 = DType.Float32

/// Derivatives of a convolution with bias, rectified and pooled, and of the same scaled after pooling, as dropout does.
let private graph (window: int) (stride: int) (pad: int) (isDropped: bool) =
    let x = Expr.LeafOf(LeafRole.Input, "x", f32, Shape.Of(2, 9, 11, 3))
    let kept = Expr.LeafOf(LeafRole.Input, "kept", f32, Shape.Of 20)
    let k = Expr.LeafOf(LeafRole.Param, "k", f32, Shape.Of(3, 3, 3, 20))
    let b = Expr.LeafOf(LeafRole.Param, "b", f32, Shape.Of 20)
    let two n = [| n; n |]
    let spec = { Strides = two 1; Dilations = two 1; PadLow = two 1; PadHigh = two 1; Groups = 1 }
    let pool = { Window = two window; Strides = two stride; PadLow = two pad; PadHigh = two pad }
    let y = Ops.relu (Expr.Node(Op.Conv spec, [| x; k |]) + b)
    let p = Expr.Node(MaxPool pool, [| y |])

    let p =
        if isDropped then
            p
            * Ops.where
                (Ops.greater (Ops.broadcastTo p.Shape kept) (Expr.Scalar(f32, 0.0)))
                (Expr.Scalar(f32, 2.0))
                (Expr.Scalar(f32, 0.0))
        else
            p

    let g = Grad.gradients (Ops.sumAll (Ops.square (p + 0.25))) [| k; b |]
    { Outputs = [| "k", g[0]; "b", g[1] |]; Updates = [||] }

let private gradient (plan: Plan) =
    plan.Steps
    |> Array.filter (fun s -> s.Name.StartsWith("MaxPoolGrad", StringComparison.Ordinal))
    |> Array.exactlyOne

[<Theory>]
[<InlineData(2, 2, 0, false)>]
[<InlineData(2, 2, 0, true)>]
[<InlineData(3, 3, 1, false)>]
[<InlineData(3, 2, 1, false)>]
[<InlineData(2, 1, 0, true)>]
[<InlineData(2, 3, 0, false)>]
[<InlineData(9, 9, 0, true)>]
let ``the mask of rectified values is applied after pooling`` (window: int, stride: int, pad: int, isDropped: bool) =
    let plan = check (graph window stride pad isDropped)
    let step = gradient plan
    // Nothing to be done with its result.
    Assert.Equal("MaxPoolGrad", step.Name)
    let placeOf v =
        match plan.Placements[v] with
        | InArena offset -> offset
        | _ -> -1L

    // Where windows stand side by side, it goes over what was pooled.
    Assert.Equal((window = stride), (placeOf step.Outputs[0] = placeOf step.Inputs[0].Value))

    // The bias: without a border, what is added up is of the pooled size.
    let sums =
        plan.Steps
        |> Array.filter (fun s -> s.Outputs |> Array.exists (fun o -> plan.Values[o].Type.Shape.Equals(Shape.Of 20)))

    let largest =
        sums
        |> Seq.collect (fun s -> s.Inputs)
        |> Seq.filter (fun o -> o.Value >= 0)
        |> Seq.map (fun o -> View.size o.View)
        |> Seq.max

    Assert.Equal((pad = 0), (largest < 2 * 9 * 11 * 20))

[<Fact>]
let ``what is pooled and read again later is not written over`` () =
    let x = Expr.LeafOf(LeafRole.Input, "x", f32, Shape.Of(2, 8, 8, 5))
    let pool = { Window = [| 2; 2 |]; Strides = [| 2; 2 |]; PadLow = [| 0; 0 |]; PadHigh = [| 0; 0 |] }
    let y = Ops.tanh x
    let g = (Grad.gradients (Ops.sumAll (Ops.square (Expr.Node(MaxPool pool, [| y |])))) [| y |])[0]
    let plan = check { Outputs = [| "g", g; "y", Ops.exp (Ops.sum [| 1; 2 |] false y) |]; Updates = [||] }
    Assert.Equal("MaxPoolGrad", (gradient plan).Name)

[<Fact>]
let ``what is both source and gradient is not written over`` () =
    let x = Expr.LeafOf(LeafRole.Input, "x", f32, Shape.Of(2, 4, 4, 5))
    let pool = { Window = [| 1; 1 |]; Strides = [| 1; 1 |]; PadLow = [| 0; 0 |]; PadHigh = [| 0; 0 |] }
    let y = Ops.tanh x
    check { Outputs = [| "g", Expr.Node(MaxPoolGrad pool, [| y; y |]) |]; Updates = [||] } |> ignore
