module FunctionalNet.Tests.Compiler.SumsTests

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

/// The plan gives what the interpreter gives, with the same bits on 1, 2 and 3 threads; its instructions.
let private check (tolerance: float) (graph: Graph) : Step[] =
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

        Assert.Equal(None, PlanRuns.difference tolerance (PlanRuns.interpret graph bindings) runs[0])
        Assert.True(PlanRuns.sameBits runs[0] runs[1])
        Assert.True(PlanRuns.sameBits runs[0] runs[2])
        (Compile.compile options graph).Steps
    finally
        Workers.Threads <- before

let private outputs (list: (string * Expr) list) = { Outputs = Array.ofList list; Updates = [||] }

let private cuts (steps: Step[]) =
    steps
    |> Array.choose (fun s ->
        match s.Work with
        | RegionSums(_, cut) -> Some cut
        | _ -> None)

// Shapes and the axes that are summed: columns, rows short and long, everything, the middle; from one tile to several chunks.
let private cases =
    [ [ 40; 7 ], [| 0 |]
      [ 3000; 16 ], [| 0 |]
      [ 900; 100 ], [| 0 |]
      [ 60; 1500 ], [| 0 |]
      [ 4; 9; 9; 20 ], [| 0; 1; 2 |]
      [ 300; 10 ], [| 1 |]
      [ 70; 1; 700 ], [| 1; 2 |]
      [ 3; 40000 ], [| 1 |]
      [ 50000 ], [| 0 |]
      [ 5; 200; 12 ], [| 1 |]
      [ 2; 9000; 3 ], [| 1 |] ]

[<Fact>]
let ``sums of all shapes, with and without the values stored, in both precisions`` () =
    for dtype, tolerance in [ DType.Float32, 2e-6; DType.Float64, 1e-13 ] do
        for dims, axes in cases do
            let shape = Shape.Of(Array.ofList dims)
            let x = Expr.Input("x", dtype, shape)
            // Repeats along the first axis.
            let b = Expr.Input("b", dtype, Shape.Of(Array.ofList (List.tail dims)))
            let y = Ops.tanh (x * 2.0 + b)
            let sum (e: Expr) = Ops.sum axes false e
            let steps = check tolerance (outputs [ "y", y; "sum", sum y; "squares", sum (Ops.square (y - b)) ])
            Assert.Equal(1, (cuts steps).Length)
            Assert.Equal(1, steps.Length)
            let alone = check tolerance (outputs [ "squares", sum (Ops.square (x - b)) ])
            Assert.Equal(1, alone.Length)

[<Fact>]
let ``one group adds up sums of one kind; others stay instructions`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of(30, 20))
    let y = Ops.sigmoid x
    let steps = check 1e-6 (outputs [ "columns", Ops.sum [| 0 |] false y; "rows", Ops.sum [| 1 |] false y ])
    Assert.Equal(1, (cuts steps).Length)
    Assert.Equal(2, steps.Length)

[<Fact>]
let ``sums over axes that are apart, and of what others only look at, stay instructions`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of(6, 5, 4))
    let y = Ops.sigmoid x
    let steps = check 1e-6 (outputs [ "s", Ops.sum [| 0; 2 |] false y ])
    Assert.Empty(cuts steps)
    let t = Ops.sum [| 0 |] false (Ops.transpose [| 1; 0; 2 |] y)
    Assert.Empty(cuts (check 1e-6 (outputs [ "t", t ])))

[<Fact>]
let ``batch normalisation forward and backward is four passes over memory`` () =
    let x = Expr.LeafOf(LeafRole.Param, "x", DType.Float32, Shape.Of(8, 10, 10, 16))
    let gamma = Expr.LeafOf(LeafRole.Param, "gamma", DType.Float32, Shape.Of 16)
    let beta = Expr.LeafOf(LeafRole.Param, "beta", DType.Float32, Shape.Of 16)
    let seed = Expr.Input("g", DType.Float32, x.Shape)
    let struct (normal, _, _) = Ops.standardize [| 0; 1; 2 |] 1e-3 x
    let y = Ops.relu (normal * gamma + beta)
    let g = Grad.gradients (Ops.sumAll (y * seed)) [| x; gamma; beta |]
    let steps = check 2e-5 (outputs [ "y", y; "x", g[0]; "gamma", g[1]; "beta", g[2] ])
    let isLarge (s: Step) = s.Inputs |> Array.exists (fun o -> o.Value >= 0 && View.size o.View = x.Shape.Size)
    // The mean; the variance; the result with the two sums that its derivative needs; the derivative.
    Assert.Equal(4, (steps |> Array.filter isLarge).Length)

[<Fact>]
let ``Golden: the plan of a step of a small convolutional network`` () =
    let network =
        Network.sequential
            (Network.input [ 12; 12; 3 ])
            [ Layer.conv2D 8 [ 3; 3 ] >>> Layer.relu
              Layer.maxPooling2D [ 2; 2 ]
              Layer.conv2D 16 [ 3; 3 ]
              Layer.batchNormalization
              Layer.relu
              Layer.flatten
              Layer.dropout 0.25
              Layer.dense 32 >>> Layer.relu
              Layer.dropout 0.5
              Layer.dense 10 >>> Layer.softmax ]

    let trainer =
        Trainer.createWith 1UL network
        |> Trainer.compile (Optimizer.adam 0.001) (Loss.parse "sparse_categorical_crossentropy") []

    Golden.Check("plans/cnn-step.txt", trainer.DescribePlan 16)
