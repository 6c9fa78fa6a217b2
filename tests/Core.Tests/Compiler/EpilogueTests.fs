module FunctionalNet.Tests.Compiler.EpilogueTests

open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels
open FunctionalNet.Compiler

let private f32 = DType.Float32
let private options = { CompileOptions.Default with Check = true; Poison = true }

let private draw (seed: int) (shape: Shape) =
    let rng = System.Random seed
    Tensor.OfDoubles(f32, shape, Array.init shape.Size (fun _ -> rng.NextDouble() - 0.5))

let private input name (dims: int list) = Expr.Input(name, f32, Shape.Of(Array.ofList dims))
let private leaf name (dims: int list) = Expr.LeafOf(LeafRole.Param, name, f32, Shape.Of(Array.ofList dims))

/// The plan of the graph gives what the interpreter gives, with the same bits without epilogues; its instructions.
let private check (graph: Graph) : Step[] =
    let bindings =
        Traverse.leaves (Traverse.roots graph) |> Seq.mapi (fun i e -> e, draw i e.Shape) |> Seq.toArray

    let actual = PlanRuns.run options graph bindings
    Assert.Equal(None, PlanRuns.difference 1e-5 (PlanRuns.interpret graph bindings) actual)
    Assert.True(PlanRuns.sameBits actual (PlanRuns.run { options with Epilogues = false } graph bindings))
    (Compile.compile options graph).Steps

let private outputs (list: (string * Expr) list) = { Outputs = Array.ofList list; Updates = [||] }

let private ended (steps: Step[]) =
    steps
    |> Array.choose (fun s ->
        match s.Work with
        | WithEpilogue(_, e) -> Some e
        | _ -> None)

[<Fact>]
let ``bias and activation run at the end of a product, in its memory`` () =
    let x, w, b = input "x" [ 37; 20 ], leaf "w" [ 20; 50 ], leaf "b" [ 50 ]
    let steps = check (outputs [ "y", Ops.relu (Ops.matmul x w + b) ])
    Assert.Equal(1, steps.Length)
    Assert.Equal(0, (Array.head (ended steps)).Target)
    Assert.Equal(1, steps[0].Outputs.Length)

[<Fact>]
let ``a result that others need too stays beside what is made of it`` () =
    let x, w = input "x" [ 9; 20 ], leaf "w" [ 20; 33 ]
    let product = Ops.matmul x w
    let steps = check (outputs [ "y", Ops.tanh product; "sum", Ops.sum [| 0 |] false product ])
    Assert.Equal(2, steps.Length)
    Assert.Equal(2, steps[0].Outputs.Length)
    Assert.Equal(1, (Array.head (ended steps)).Target)

[<Fact>]
let ``a region that waits for the whole result does not run on its parts`` () =
    let x, w = input "x" [ 9; 20 ], leaf "w" [ 20; 33 ]
    let product = Ops.matmul x w
    let steps = check (outputs [ "y", product - Ops.mean [| 0 |] true product ])
    Assert.Empty(ended steps)

[<Fact>]
let ``a region that reads the result in another order does not run on its parts`` () =
    let x, w = input "x" [ 9; 20 ], leaf "w" [ 20; 9 ]
    let product = Ops.matmul x w
    let steps = check (outputs [ "y", product + Ops.transpose [| 1; 0 |] product ])
    Assert.Empty(ended steps)

[<Fact>]
let ``of two products in one region the later one hosts it`` () =
    let x, w, v = input "x" [ 12; 20 ], leaf "w" [ 20; 20 ], leaf "v" [ 20; 20 ]
    let hidden = Ops.matmul x w
    let steps = check (outputs [ "y", Ops.sigmoid hidden * Ops.matmul (Ops.relu hidden) v ])
    // The second product waits for the first one's ending.
    Assert.Equal(2, steps.Length)
    Assert.Equal(2, Array.length (ended steps))

[<Fact>]
let ``a residual of the product's own operand is added at its end, but not written over`` () =
    let x, w = input "x" [ 40; 20 ], leaf "w" [ 20; 20 ]
    let h = Ops.tanh x
    let steps = check (outputs [ "y", Ops.matmul h w + h ])
    Assert.Equal(2, steps.Length)
    Assert.Single(ended steps) |> ignore

[<Fact>]
let ``the update of a weight ends the product that is its gradient`` () =
    let x, d, w = input "x" [ 30; 20 ], input "d" [ 30; 40 ], leaf "w" [ 20; 40 ]
    let m = Expr.LeafOf(LeafRole.Slot, "m", f32, w.Shape)
    let g = Expr.Node(MatMul(true, false), [| x; d |])
    let next = m * 0.9 + g
    let graph = { Outputs = [||]; Updates = [| m, next; w, w - next * 0.1 |] }
    let steps = check graph
    Assert.Equal(1, steps.Length)
    // Neither the weight nor the momentum gives its place to the gradient.
    Assert.Equal(2, (Array.head (ended steps)).Target)

[<Fact>]
let ``convolutions and poolings take epilogues, forward and backward`` () =
    let x, k, b = input "x" [ 2; 9; 10; 3 ], leaf "k" [ 3; 3; 3; 20 ], leaf "b" [ 20 ]
    let spec =
        { Strides = [| 2; 2 |]
          Dilations = [| 1; 1 |]
          PadLow = [| 1; 1 |]
          PadHigh = [| 1; 1 |]
          Groups = 1 }
    let y = Ops.sigmoid (Expr.Node(Op.Conv spec, [| x; k |]) + b)
    let pool = { Window = [| 2; 2 |]; Strides = [| 2; 2 |]; PadLow = [| 0; 0 |]; PadHigh = [| 0; 0 |] }
    let p = Ops.tanh (Expr.Node(MaxPool pool, [| y |]))
    let loss = Ops.sumAll (Ops.square p)
    let g = Grad.gradients loss [| k; x |]
    let steps = check { Outputs = [| "loss", loss; "x", g[1] * 2.0 |]; Updates = [| k, k - g[0] * 0.1 |] }
    let names = steps |> Array.map (fun s -> s.Name)

    let pooled = check (outputs [ "p", Ops.tanh (Expr.Node(MaxPool pool, [| x |])) ])
    Assert.Equal("MaxPool+Tanh", pooled[0].Name)

    for host in [ "Conv+"; "MaxPoolGrad+"; "ConvKernelGrad+"; "ConvTranspose+" ] do
        Assert.Contains(names, (fun (n: string) -> n.StartsWith(host, System.StringComparison.Ordinal)))

[<Fact>]
let ``parts of a region are the region`` () =
    // A bias that repeats every 7 elements, a random mask, and a column that repeats its elements.
    let rows, columns = 24, 7
    let size = rows * columns

    let inputs =
        [| { TileInput.DType = f32; Access = Flat }
           { DType = f32; Access = Strided([| rows; columns |], [| 0; 1 |]) }
           { DType = f32; Access = Strided([| rows; columns |], [| 1; 0 |]) }
           { DType = DType.Int64; Access = RandomUniform(5UL, 4, true) } |]

    let program =
        TileProgram(
            TileDomain.F32,
            inputs,
            [| TileInstruction.Binary(TileOp.Mul, 0, 1)
               TileInstruction.Binary(TileOp.Add, 4, 2)
               TileInstruction.Binary(TileOp.Sub, 5, 3) |],
            [| { TileOutput.Value = 6; DType = f32 } |]
        )

    let buffer (t: Tensor) : Kernels.Buffer =
        let b = Kernels.Buffer(int64 t.Bytes.Length)
        t.Bytes.CopyTo(System.Span<byte>(b.Pointer.ToPointer(), t.Bytes.Length))
        b

    let sources =
        [| buffer (draw 1 (Shape.Of size))
           buffer (draw 2 (Shape.Of columns))
           buffer (draw 3 (Shape.Of rows))
           buffer (Tensor.OfArray [| 9L |])
           buffer (Tensor.OfArray [| 3L |]) |]

    let target, parts = Kernels.Buffer(int64 (4 * size)), Kernels.Buffer(int64 (4 * size))
    let kernel (y: Kernels.Buffer) =
        ElementwiseKernel(program, size, sources |> Array.map (fun b -> b.Pointer), [| y.Pointer |])
    Workers.Run(kernel target)

    let read (b: Kernels.Buffer) = System.Span<float32>(b.Pointer.ToPointer(), size).ToArray()

    for first, rows, count, stride in
        [ 0, 1, size, 0; 5, 1, 100, 0; 3, 6, 4, 7; 2, 5, 3, 10; 0, 24, 7, 7; 1, 23, 1, 7; 150, 1, 18, 0 ] do
        parts.Zero()
        ElementwiseEpilogue(kernel parts, 0).Run(first, rows, count, stride)
        let whole, part = read target, read parts

        for i in 0 .. size - 1 do
            let isIn =
                Seq.exists (fun r -> i >= first + r * stride && i < first + r * stride + count) (seq { 0 .. rows - 1 })

            Assert.Equal((if isIn then whole[i] else 0.0f), part[i])

    System.GC.KeepAlive sources
