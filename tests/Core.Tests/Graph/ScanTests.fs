/// Loops against the same computation written out step by step, in value and in derivatives.
module FunctionalNet.Tests.Graph.ScanTests

open System
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support

let private numbers (seed: int) (dims: int list) =
    let random = System.Random seed
    let s = Shape.Of(List.toArray dims)
    Expr.Constant(Tensor.OfDoubles(DType.Float64, s, Array.init s.Size (fun _ -> random.NextDouble() - 0.5)))

type private Step = Expr[] -> Expr[] -> Expr[] * Expr[]

/// The loop written out.
let private unrolled (step: Step) (init: Expr[]) (sequences: Expr[]) (reverse: bool) =
    let length = sequences[0].Shape[0]
    let mutable carry = init
    let outputs = Array.zeroCreate<Expr[]> length

    for k in 0 .. length - 1 do
        let t = if reverse then length - 1 - k else k
        let next, out = step carry (sequences |> Array.map (Ops.index 0 t))
        carry <- next
        outputs[t] <- out

    carry, Array.init outputs[0].Length (fun i -> Ops.stack 0 (outputs |> Array.map (fun o -> o[i])))

let private total (carry: Expr[], outputs: Expr[]) =
    Array.append carry outputs
    |> Array.mapi (fun i e -> Ops.sumAll (Ops.sin (Ops.cast DType.Float64 e) * (1.0 + float i)))
    |> Array.reduce (fun a b -> a + b)

let private same (step: Expr[] -> Step) (inputs: Expr[]) (carries: int) (sequences: int) (reverse: bool) =
    let init, steps = inputs[.. carries - 1], inputs[carries .. carries + sequences - 1]
    let constants = inputs[carries + sequences ..]
    let wrt = inputs |> Array.filter (fun e -> DType.isFloating e.DType)

    let derivatives loss =
        let first = Grad.gradients loss wrt
        let combined =
            first
            |> Array.mapi (fun i g -> Ops.sumAll (Ops.square g * (1.0 + float i)))
            |> Array.reduce (fun a b -> a + b)
        let second = Grad.gradients combined wrt
        Check.graph (Array.append first second)
        Array.concat (Interpreter.run [] (Array.concat [ [| loss |]; first; second ]))

    let expected = derivatives (total (unrolled (step constants) init steps reverse))
    let actual = derivatives (total (Ops.scan (step constants) init steps reverse))
    Close.close 1e-10 1e-10 expected actual

[<Property>]
let ``a recurrent network, in value and derivatives to order 2`` (seed: int) (reverse: bool) =
    let step (constants: Expr[]) (carry: Expr[]) (slice: Expr[]) =
        let h = Ops.tanh (Ops.matmul carry[0] constants[0] + slice[0] * constants[1])
        [| h; carry[1] + h * slice[0] |], [| Ops.square h; carry[1] |]

    let inputs =
        [| numbers seed [ 2; 3 ]
           numbers (seed + 1) [ 2; 3 ]
           numbers (seed + 2) [ 4; 2; 3 ]
           numbers (seed + 3) [ 3; 3 ]
           numbers (seed + 4) [ 3 ] |]
    same step inputs 2 1 reverse

[<Fact>]
let ``constants that depend on one another get each their own share`` () =
    let step (constants: Expr[]) (carry: Expr[]) (slice: Expr[]) =
        let w = Ops.exp constants[0]
        [| carry[0] * w + constants[0] * slice[0] |], [| carry[0] * Ops.square w |]

    same step [| numbers 1 [ 2 ]; numbers 2 [ 3; 2 ]; numbers 3 [ 2 ] |] 1 1 false

[<Fact>]
let ``a carry that only a constant moves, and one that nothing moves`` () =
    let step (constants: Expr[]) (carry: Expr[]) (slice: Expr[]) =
        [| carry[0] + constants[0]; carry[1] |], [| carry[0] * slice[0]; slice[0] |]

    same step [| numbers 1 [ 2 ]; numbers 2 [ 2 ]; numbers 3 [ 3; 2 ]; numbers 4 [ 2 ] |] 2 1 true

[<Fact>]
let ``integers may be carried and stepped over`` () =
    let step (constants: Expr[]) (carry: Expr[]) (slice: Expr[]) =
        let next = carry[1] + slice[1]
        [| carry[0] * slice[0] + Ops.take next 0 constants[0]; next |], [| next; carry[0] |]

    let ids = Expr.Constant(Tensor.OfArray [| 1; 2; 0; 1 |])
    same step [| numbers 1 []; Expr.Constant(Tensor.Scalar 0); numbers 2 [ 4 ]; ids; numbers 3 [ 5 ] |] 2 2 false

[<Fact>]
let ``a scan inside a scan`` () =
    let step (constants: Expr[]) (carry: Expr[]) (slice: Expr[]) =
        let inner (c: Expr[]) (s: Expr[]) = [| Ops.tanh (c[0] * constants[0] + s[0] * carry[0]) |], [| c[0] |]
        let last, outputs = Ops.scan inner [| carry[0] |] [| slice[0] |] false
        [| last[0] + Ops.sum [| 0 |] false outputs[0] |], [| outputs[0] |]

    same step [| numbers 1 [ 2 ]; numbers 2 [ 3; 2; 2 ]; numbers 3 [ 2 ] |] 1 1 false

[<Fact>]
let ``softmax and a user's operation inside of a scan`` () =
    let op = FunctionalNet.Tests.Graph.OpTable.squareTimes

    let step (constants: Expr[]) (carry: Expr[]) (slice: Expr[]) =
        let y = (Ops.custom op [| Ops.softmax 0 carry[0]; slice[0] |])[0]
        [| y + constants[0] |], [| Ops.logSoftmax 0 y |]

    same step [| numbers 1 [ 3 ]; numbers 2 [ 2; 3 ]; numbers 3 [ 3 ] |] 1 1 false

[<Fact>]
let ``one step, and no step`` () =
    let step (carry: Expr[]) (slice: Expr[]) = [| carry[0] + slice[0] |], [| carry[0] |]
    let init, sequence = numbers 1 [], numbers 2 [ 1 ]
    let value (e: Expr) = Interpreter.run [] [| e |] |> Array.head
    let last, outputs = Ops.scan step [| init |] [| numbers 2 [ 0 ] |] false
    Assert.Equal(Shape.Of 0, outputs[0].Shape)
    Assert.Equal<float[]>(value init, value last[0])
    let last, outputs = Ops.scan step [| init |] [| sequence |] false
    Assert.Equal<float[]>(value init, value outputs[0])
    Assert.Equal<float[]>(value (init + Ops.index 0 0 sequence), value last[0])

let private scanCount (roots: Expr[]) =
    Traverse.topological roots
    |> Array.filter (fun e ->
        match e.Op with
        | Structured(:? Scan) -> true
        | _ -> false)
    |> Array.length

[<Theory>]
[<InlineData(true)>]
[<InlineData(false)>]
let ``a loop and the pass that keeps its carries become one`` (withLast: bool) =
    let w = numbers 1 [ 3; 3 ]

    let layer (x: Expr) =
        let last, outputs =
            Ops.scan
                (fun c s ->
                    (let h = Ops.tanh (Ops.matmul c[0] w + s[0]) in [| h |], (if withLast then [||] else [| h |])))
                [| Ops.zeros DType.Float64 (Shape.Of(2, 3)) |]
                [| x |]
                false

        // Without outputs the loop has one result, and no projection.
        if withLast then x * last[0] else outputs[0]

    let loss = Ops.sumAll (Ops.sin (layer (layer (numbers 2 [ 4; 2; 3 ]))))
    let first = Grad.gradients loss [| w |]
    let second = Grad.gradients (Ops.sumAll (Ops.square first[0])) [| w |]
    let roots = [| loss; first[0] |]
    Assert.Equal(6, scanCount roots)
    let merged = ScanMerge.run roots
    // Two forward loops, two backward.
    Assert.Equal(4, scanCount merged)
    Check.graph merged
    let all = Array.append roots second
    let mergedAll = ScanMerge.run all
    Check.graph mergedAll
    Assert.True(scanCount mergedAll < scanCount all)
    Assert.Equal<float[][]>(Interpreter.run [] all, Interpreter.run [] mergedAll)
    // Where nothing is to be merged, nothing changes.
    Assert.Same(loss, ScanMerge.run [| loss |] |> Array.head)
