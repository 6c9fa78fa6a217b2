module FunctionalNet.Tests.Compiler.UnpoolingTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels
open FunctionalNet.Compiler
open FunctionalNet.Tests.Support

let private options = { CompileOptions.Default with Check = true; Poison = true }
let private f32 = DType.Float32

let private bindings (graph: Graph) =
    Seq.append (Traverse.leaves (Traverse.roots graph)) (Seq.map fst graph.Updates)
    |> Seq.distinctBy (fun e -> e.Id)
    |> Seq.mapi (fun i e ->
        let rng = System.Random(i + 1)
        e, Tensor.OfDoubles(e.DType, e.Shape, Array.init e.Shape.Size (fun _ -> 0.2 * (rng.NextDouble() - 0.5))))
    |> Seq.toArray

let private describe (graph: Graph) : string =
    let leaves = Leaves(bindings graph)
    (Compile.executable options graph leaves.Bind).Describe()

/// The plan gives what the interpreter gives, or another plan where that would take too long, with the same bits on 1, 2 and 3
/// threads.
let private check (expected: (Expr * Tensor)[] -> RunResult) (graph: Graph) =
    let bindings = bindings graph
    let before = Workers.Threads

    try
        let runs =
            [| for threads in 1..3 do
                   Workers.Threads <- threads
                   PlanRuns.run options graph bindings |]

        Assert.Equal(None, PlanRuns.difference 2e-5 (expected bindings) runs[0])
        Assert.True(PlanRuns.sameBits runs[0] runs[1])
        Assert.True(PlanRuns.sameBits runs[0] runs[2])
    finally
        Workers.Threads <- before

let private pair =
    { Window = [| 2; 2 |]; Strides = [| 2; 2 |]; PadLow = [| 0; 0 |]; PadHigh = [| 0; 0 |] }

/// Two convolutions with biases, rectified, the second pooled; then dropped out or not. Results are their gradients, or new weights.
let private graph
    (batch: int)
    (height: int)
    (width: int)
    (pad: int)
    (isDropped: bool)
    (isReadAgain: bool)
    (updates: bool)
    =
    let two n = [| n; n |]
    let leaf role name (dims: int[]) = Expr.LeafOf(role, name, f32, Shape.ofArray dims)
    let x = leaf LeafRole.Input "x" [| batch; height; width; 1 |]
    let kept = leaf LeafRole.Input "kept" [| 32 |]
    let k1 = leaf LeafRole.Param "k1" [| 3; 3; 1; 20 |]
    let b1 = leaf LeafRole.Param "b1" [| 20 |]
    let k2 = leaf LeafRole.Param "k2" [| 3; 3; 20; 32 |]
    let b2 = leaf LeafRole.Param "b2" [| 32 |]
    let spec = { Strides = two 1; Dilations = two 1; PadLow = two pad; PadHigh = two pad; Groups = 1 }
    let h = Ops.relu (Expr.Node(Op.Conv spec, [| x; k1 |]) + b1)
    let y = Ops.relu (Expr.Node(Op.Conv spec, [| h; k2 |]) + b2)
    let p = Expr.Node(MaxPool pair, [| y |])

    let p =
        if isDropped then
            p
            * Ops.where
                (Ops.greater (Ops.broadcastTo p.Shape kept) (Expr.Scalar(f32, 0.0)))
                (Expr.Scalar(f32, 2.0))
                (Expr.Scalar(f32, 0.0))
        else
            p

    let loss = Ops.sumAll (Ops.square (p + 0.25))
    let loss = if isReadAgain then loss + Ops.sumAll (Ops.square y) else loss
    let weights = [| k1; b1; k2; b2 |]
    let g = Grad.gradients loss weights

    if updates then
        { Outputs = [| "loss", loss |]
          Updates = Array.map2 (fun (w: Expr) (g: Expr) -> w, w - g * 0.001) weights g }
    else
        { Outputs = [| "k1", g[0]; "b1", g[1]; "k2", g[2]; "b2", g[3] |]; Updates = [||] }

let private interpreted graph bindings = PlanRuns.interpret graph bindings

[<Theory>]
[<InlineData(12, 10, 10, 0, false)>]
[<InlineData(12, 10, 10, 0, true)>]
[<InlineData(8, 9, 11, 1, true)>]
[<InlineData(3, 15, 18, 1, false)>]
let ``the results of a convolution that are pooled are never written`` (batch, height, width, pad, isDropped) =
    for updates in [ false; true ] do
        let graph = graph batch height width pad isDropped false updates
        check (interpreted graph) graph
        let text = describe graph
        Assert.DoesNotContain("MaxPoolGrad", text)
        Assert.Contains("+MaxPool(", text)

[<Fact>]
let ``what is pooled and read again is written`` () =
    let graph = graph 8 10 10 0 false true false
    check (interpreted graph) graph
    Assert.Contains("MaxPoolGrad", describe graph)

[<Fact>]
let ``a gradient goes over what masks it, once nothing else reads that`` () =
    let graph = graph 48 38 38 0 true false true
    let plain = { options with Schedule = false; InPlace = false; Prepare = false }
    check (PlanRuns.run plain graph) graph
    let lines = (describe graph).Split '\n'
    let line =
        lines
        |> Array.filter (fun l -> l.Contains("ConvTranspose", StringComparison.Ordinal))
        |> Array.exactlyOne
    // Its last operand and its result.
    let places = line.Split([| '('; ','; ')'; ' ' |]) |> Array.filter (fun s -> s.StartsWith '@')
    Assert.Equal(places[2], places[3])
    // So the gradient to the weights comes first, and the weights that it makes wait.
    let weights =
        lines
        |> Array.findIndex (fun l ->
            l.Contains("ConvKernelGrad", StringComparison.Ordinal)
            && l.Contains("%k2", StringComparison.Ordinal))
    Assert.True(weights < Array.IndexOf(lines, line))
    Assert.Contains("Update", Array.last (lines |> Array.filter (fun l -> l.Contains("%k2", StringComparison.Ordinal))))
