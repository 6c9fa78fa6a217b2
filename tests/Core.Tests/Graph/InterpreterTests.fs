/// The interpreter defines the operations, so it is checked against loops and libraries that share nothing with it.
module FunctionalNet.Tests.Graph.InterpreterTests

open System
open MathNet.Numerics
open MathNet.Numerics.LinearAlgebra
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Graph
open FunctionalNet.Tests.Support

let private numbers (seed: int) (count: int) =
    let random = System.Random seed
    Array.init count (fun _ -> random.NextDouble() * 4.0 - 2.0)

let private tensor (seed: int) (dims: int list) =
    let s = Shape.Of(List.toArray dims)
    Tensor.OfDoubles(DType.Float64, s, numbers seed s.Size)

let private value (e: Expr) = (Interpreter.run [] [| e |] |> Array.head)

let private close expected actual = Close.close 1e-12 1e-12 expected actual

[<Property>]
let ``a 2-d convolution is the sum over window and channels`` (seed: int) (a: uint8) (b: uint8) (c: uint8) =
    let h, w, kh, kw = 3 + int a % 4, 3 + int b % 4, 1 + int c % 3, 1 + int a % 3
    let sh, sw, dh, dw = 1 + int b % 2, 1 + int c % 3, 1 + int c % 2, 1 + int b % 2
    let groups, perGroup, filters = 1 + int a % 2, 2, 2 * (1 + int a % 2)
    let channels = groups * perGroup
    let padded = int c % 2 = 0
    let x, k = tensor seed [ 2; h; w; channels ], tensor (seed + 1) [ kh; kw; perGroup; filters ]
    let xs, ks = x.ToDoubles(), k.ToDoubles()
    let eh, ew = (kh - 1) * dh + 1, (kw - 1) * dw + 1

    if not padded && (eh > h || ew > w) then
        ()
    else
        // Same padding by its definition: ceil (n / stride) windows, the odd cell behind.
        let layout n e s =
            if padded then
                let out = int (ceil (float n / float s))
                out, (max ((out - 1) * s + e - n) 0) / 2
            else
                (n - e) / s + 1, 0

        let oh, top = layout h eh sh
        let ow, left = layout w ew sw

        let expected =
            [| for n in 0..1 do
                   for i in 0 .. oh - 1 do
                       for j in 0 .. ow - 1 do
                           for f in 0 .. filters - 1 do
                               let group = f / (filters / groups)

                               seq {
                                   for u in 0 .. kh - 1 do
                                       for v in 0 .. kw - 1 do
                                           for c in 0 .. perGroup - 1 do
                                               let y, z = i * sh + u * dh - top, j * sw + v * dw - left

                                               if y >= 0 && y < h && z >= 0 && z < w then
                                                   xs[((n * h + y) * w + z) * channels + group * perGroup + c]
                                                   * ks[((u * kw + v) * perGroup + c) * filters + f]
                               }
                               |> Seq.sum |]

        let result =
            Ops.conv
                [| sh; sw |]
                (if padded then Padding.Same else Padding.Valid)
                [| dh; dw |]
                groups
                (Expr.Constant k)
                (Expr.Constant x)

        Assert.Equal(Shape.Of(2, oh, ow, filters), result.Shape)
        close expected (value result)

[<Fact>]
let ``a causal 1-d convolution sees no later step`` () =
    let x = Expr.Constant(Tensor.OfDoubles(DType.Float64, Shape.Of(1, 5, 1), [| 1.0; 2.0; 3.0; 4.0; 5.0 |]))
    let k = Expr.Constant(Tensor.OfDoubles(DType.Float64, Shape.Of(2, 1, 1), [| 10.0; 1.0 |]))
    close [| 1.0; 2.0; 13.0; 24.0; 35.0 |] (value (Ops.conv [| 1 |] Padding.Causal [| 2 |] 1 k x))

[<Property>]
let ``pooling takes the maximum and the mean of the cells that exist`` (seed: int) (a: uint8) (b: uint8) =
    let h, w = 3 + int a % 4, 3 + int b % 4
    let kh, kw, s = 1 + int b % 3, 1 + int a % 3, 1 + int a % 2
    let x = tensor seed [ 1; h; w; 2 ]
    let xs = x.ToDoubles()
    let out n = int (ceil (float n / float s))
    let front n k = (max ((out n - 1) * s + k - n) 0) / 2

    let windows =
        [| for i in 0 .. out h - 1 do
               for j in 0 .. out w - 1 do
                   for c in 0..1 do
                       [| for u in 0 .. kh - 1 do
                              for v in 0 .. kw - 1 do
                                  let y, z = i * s + u - front h kh, j * s + v - front w kw

                                  if y >= 0 && y < h && z >= 0 && z < w then xs[(y * w + z) * 2 + c] |] |]

    let pooled pool = value (pool [| kh; kw |] [| s; s |] Padding.Same (Expr.Constant x))
    close (windows |> Array.map Array.max) (pooled Ops.maxPool)
    close (windows |> Array.map Array.average) (pooled Ops.averagePool)

[<Fact>]
let ``the first of equal maxima gets the gradient of a pool`` () =
    let x = Expr.Constant(Tensor.OfDoubles(DType.Float64, Shape.Of(1, 4, 1), [| 3.0; 3.0; nan; nan |]))
    let g = Grad.gradients (Ops.sumAll (Ops.maxPool [| 2 |] [| 2 |] Padding.Valid x)) [| x |]
    close [| 1.0; 0.0; 1.0; 0.0 |] (value g[0])

[<Property>]
let ``transposed convolution is the adjoint of convolution`` (seed: int) (a: uint8) (b: uint8) =
    let n, k, s = 2 + int a % 4, 1 + int b % 4, 1 + int a % 3
    let same = int b % 2 = 0
    let padding = if same then Padding.Same else Padding.Valid
    let y, kernel = tensor seed [ 1; n; 3 ], tensor (seed + 1) [ k; 2; 3 ]
    let up = Ops.convTranspose [| s |] padding None [| 1 |] (Expr.Constant kernel) (Expr.Constant y)
    Assert.Equal(Shape.Of(1, (if same then n * s else (n - 1) * s + max k s), 2), up.Shape)

    // For the same padding the forward convolution crops the same cells.
    if not same || k >= s then
        let x = tensor (seed + 2) [ 1; up.Shape[1]; 2 ]
        let low = if same then (k - s) / 2 else 0
        let high = if same then (k - s) - low else 0
        let down =
            Ops.conv
                [| s |]
                (Padding.Explicit([| low |], [| high |]))
                [| 1 |]
                1
                (Expr.Constant kernel)
                (Expr.Constant x)
        let dot (a: float[]) (b: float[]) = Array.fold2 (fun t u v -> t + u * v) 0.0 a b
        Close.close 1e-10 1e-10 [| dot (value down) (y.ToDoubles()) |] [| dot (x.ToDoubles()) (value up) |]

[<Fact>]
let ``transposed convolution spreads every element over its window`` () =
    let x = Expr.Constant(Tensor.OfDoubles(DType.Float64, Shape.Of(1, 3, 1), [| 1.0; 2.0; 3.0 |]))
    let k values = Expr.Constant(Tensor.OfDoubles(DType.Float64, Shape.Of(Array.length values, 1, 1), values))
    let run padding output stride kernel = value (Ops.convTranspose [| stride |] padding output [| 1 |] (k kernel) x)
    close [| 1.0; 10.0; 2.0; 20.0; 3.0; 30.0 |] (run Padding.Valid None 2 [| 1.0; 10.0 |])
    close [| 1.0; 12.0; 123.0; 230.0; 300.0 |] (run Padding.Valid None 1 [| 1.0; 10.0; 100.0 |])
    // One cell more than the result holds is cut: behind.
    close [| 1.0; 10.0; 102.0; 20.0; 203.0; 30.0 |] (run Padding.Same None 2 [| 1.0; 10.0; 100.0 |])
    close
        [| 1.0; 10.0; 102.0; 20.0; 203.0; 30.0; 300.0; 0.0 |]
        (run Padding.Valid (Some [| 1 |]) 2 [| 1.0; 10.0; 100.0 |])
    // window mod 2 + output padding - 2 * (window / 2): one cell in front is cut.
    close [| 10.0; 102.0; 20.0; 203.0; 30.0 |] (run Padding.Same (Some [| 0 |]) 2 [| 1.0; 10.0; 100.0 |])

/// Einstein's notation by its definition: all assignments of numbers to indices.
let private naiveEinsum (terms: string[]) (result: string) (sizes: Map<char, int>) (operands: float[][]) =
    let labels = sizes |> Map.toArray |> Array.map fst
    let output = Array.zeroCreate (result |> Seq.fold (fun n c -> n * sizes[c]) 1)
    let place (assignment: Map<char, int>) (term: string) =
        term |> Seq.fold (fun at c -> at * sizes[c] + assignment[c]) 0

    let rec visit k (assignment: Map<char, int>) =
        if k = labels.Length then
            let product = Array.fold2 (fun p term (x: float[]) -> p * x[place assignment term]) 1.0 terms operands
            let at = place assignment result
            output[at] <- output[at] + product
        else
            for v in 0 .. sizes[labels[k]] - 1 do
                visit (k + 1) (Map.add labels[k] v assignment)

    visit 0 Map.empty
    output

[<Theory>]
[<InlineData("ij,jk", "ik")>]
[<InlineData("ij,kj", "ki")>]
[<InlineData("bij,bjk", "bik")>]
[<InlineData("bhqd,bhkd", "bhqk")>]
[<InlineData("bqhd,bkhd", "bhqk")>]
[<InlineData("i,j", "ij")>]
[<InlineData("i,i", "")>]
[<InlineData("ij", "ji")>]
[<InlineData("ijk", "j")>]
[<InlineData("ij,ij", "ij")>]
[<InlineData("ij,jk,kl", "il")>]
[<InlineData("ij,j,ik,l", "kl")>]
[<InlineData("ab,cd", "dbca")>]
[<InlineData("abc,cd,b", "ad")>]
let ``einsum is the sum over all assignments`` (left: string) (result: string) =
    let terms = left.Split ','
    let sizes =
        left |> Seq.filter Char.IsLetter |> Seq.distinct |> Seq.mapi (fun i c -> c, 2 + i % 3) |> Map.ofSeq

    let operands =
        terms |> Array.mapi (fun i t -> tensor i (t |> Seq.map (fun c -> sizes[c]) |> List.ofSeq))

    let expected = naiveEinsum terms result sizes (operands |> Array.map (fun t -> t.ToDoubles()))
    let e = Ops.einsum (left + "->" + result) (operands |> Array.map Expr.Constant)
    Assert.Equal<int[]>(result |> Seq.map (fun c -> sizes[c]) |> Array.ofSeq, e.Shape.ToArray())
    close expected (value e)

[<Fact>]
let ``einsum's ellipsis broadcasts, and its arrow may be left out`` () =
    let a, b = Expr.Constant(tensor 1 [ 2; 1; 3; 4 ]), Expr.Constant(tensor 2 [ 5; 4; 2 ])
    close (value (Ops.matmul a b)) (value (Ops.einsum "...ij,...jk->...ik" [| a; b |]))
    close (value (Ops.matmul a b)) (value (Ops.einsum "...ij, ...jk" [| a; b |]))
    let m = Expr.Constant(tensor 3 [ 3; 4 ])
    close (value (Ops.transpose [| 1; 0 |] m)) (value (Ops.einsum "ba" [| m |]))
    close (value (Ops.sum [| 0 |] false m)) (value (Ops.einsum "i...->..." [| m |]))

[<Property>]
let ``matrix products agree with MathNet`` (seed: int) (a: uint8) (b: uint8) (c: uint8) (ta: bool) (tb: bool) =
    let m, k, n = 1 + int a % 5, 1 + int b % 5, 1 + int c % 5
    let x, y =
        tensor seed (if ta then [ k; m ] else [ m; k ]), tensor (seed + 1) (if tb then [ n; k ] else [ k; n ])
    let matrix (t: Tensor) = Matrix<float>.Build.DenseOfRowMajor(t.Shape[0], t.Shape[1], t.ToDoubles())
    let left = if ta then (matrix x).Transpose() else matrix x
    let right = if tb then (matrix y).Transpose() else matrix y
    let e = Expr.Node(MatMul(ta, tb), [| Expr.Constant x; Expr.Constant y |])
    close ((left * right).ToRowMajorArray()) (value e)

[<Property>]
let ``softmax is its formula`` (seed: int) =
    let x = tensor seed [ 4 ]
    let e = x.ToDoubles() |> Array.map exp
    let expected = e |> Array.map (fun v -> v / Array.sum e)
    close expected (value (Ops.softmax 0 (Expr.Constant x)))
    close (Array.map log expected) (value (Ops.logSoftmax 0 (Expr.Constant x)))
    close [| log (Array.sum e) |] (value (Ops.logsumexp [| 0 |] false (Expr.Constant x)))

[<Fact>]
let ``softmax and its logarithm survive large numbers`` () =
    let x = Expr.Constant(Tensor.OfArray [| 1e4; 0.0; -1e4 |])
    close [| 1.0; 0.0; 0.0 |] (value (Ops.softmax 0 x))
    close [| 0.0; -1e4; -2e4 |] (value (Ops.logSoftmax 0 x))
    close [| 1e4 |] (value (Ops.logsumexp [| 0 |] false x))
    close
        [| -infinity |]
        (value (Ops.logsumexp [| 0 |] false (Expr.Constant(Tensor.OfArray [| -infinity; -infinity |]))))

[<Property>]
let ``sorting agrees with the array's own sort`` (seed: int) (length: uint8) (descending: bool) =
    let x = tensor seed [ int length % 20 ]
    let sorted = Array.sort (x.ToDoubles())
    close (if descending then Array.rev sorted else sorted) (value (Ops.sort 0 descending (Expr.Constant x)))

[<Fact>]
let ``sorting is stable and puts NaN last in both directions`` () =
    let x = Expr.Constant(Tensor.OfArray [| 2.0; nan; 1.0; 2.0; nan; 1.0 |])
    close [| 2.0; 5.0; 0.0; 3.0; 1.0; 4.0 |] (value (Ops.argsort 0 false x))
    close [| 0.0; 3.0; 2.0; 5.0; 1.0; 4.0 |] (value (Ops.argsort 0 true x))

[<Property>]
let ``a cumulative sum is a scan of the array`` (seed: int) (exclusive: bool) (reverse: bool) =
    let x = tensor seed [ 6 ]
    let forward (v: float[]) = let s = Array.scan (+) 0.0 v in if exclusive then s[.. v.Length - 1] else s[1..]
    let v = x.ToDoubles()
    let expected = if reverse then Array.rev (forward (Array.rev v)) else forward v
    close expected (value (Ops.cumsumWith 0 exclusive reverse (Expr.Constant x)))

[<Property>]
let ``scatter adds up what gather would read`` (seed: int) =
    let random = System.Random seed
    let indices = Array.init 7 (fun _ -> random.Next(-1, 5))
    let updates = tensor seed [ 7; 2 ]
    let u = updates.ToDoubles()
    let expected = Array.zeroCreate 8

    for i in 0..6 do
        if indices[i] >= 0 && indices[i] < 4 then
            for c in 0..1 do
                expected[indices[i] * 2 + c] <- expected[indices[i] * 2 + c] + u[i * 2 + c]

    close expected (value (Ops.scatterAdd 0 4 (Expr.Constant(Tensor.OfArray indices)) (Expr.Constant updates)))

[<Theory>]
[<InlineData(-5.5)>]
[<InlineData(-1.0)>]
[<InlineData(1e-9)>]
[<InlineData(0.3)>]
[<InlineData(0.5)>]
[<InlineData(2.0)>]
[<InlineData(4.5)>]
let ``special functions agree with MathNet`` (x: float) =
    let at e = (value (e (Expr.Constant(Tensor.OfArray [| x |]))))[0]
    Close.close 1e-13 0.0 [| SpecialFunctions.Erf x |] [| at Ops.erf |]
    let y = SpecialFunctions.Erf(x / 4.0)
    Close.close
        1e-10
        0.0
        [| SpecialFunctions.ErfInv y |]
        [| (value (Ops.erfinv (Expr.Constant(Tensor.OfArray [| y |]))))[0] |]

    if abs x < 0.6 then
        let series = x + x * x / 2.0 + (if abs x < 1e-3 then 0.0 else exp x - 1.0 - x - x * x / 2.0)
        Close.close 1e-14 0.0 [| series |] [| at Ops.expm1 |]

    Close.close
        1e-13
        0.0
        [| (if abs x < 1e-3 then x - x * x / 2.0 else log (1.0 + abs x)) |]
        [| at (fun e -> Ops.log1p (Ops.abs e)) |]

[<Fact>]
let ``elementwise functions at their edges`` () =
    let v (values: float list) = Expr.Constant(Tensor.OfArray(List.toArray values))
    close [| nan; 0.0; 1.0; -1.0 |] (value (Ops.sign (v [ nan; 0.0; 3.0; -2.0 ])))
    close [| 2.0; 2.0; -2.0; 0.0 |] (value (Ops.round (v [ 1.5; 2.5; -1.5; 0.5 ])))
    close [| nan; nan; 1.0 |] (value (Ops.maximum (v [ nan; 1.0; 1.0 ]) (v [ 0.0; nan; 0.0 ])))
    close [| 1.0; 2.0; -1.0; -2.0 |] (value (Ops.modulo (v [ 7.0; -7.0; -7.0; 7.0 ]) (v [ 3.0; 3.0; -3.0; -3.0 ])))
    close [| 2.0; -3.0; 2.0; -3.0 |] (value (Ops.floorDivide (v [ 7.0; -7.0; -7.0; 7.0 ]) (v [ 3.0; 3.0; -3.0; -3.0 ])))
    close [| 1000.0; 0.0 |] (value (Ops.softplus (v [ 1000.0; -1000.0 ])))
    close [| infinity; -infinity; nan |] (value (Ops.erfinv (v [ 1.0; -1.0; 1.5 ])))
    close [| 1.0; 2.0 |] (value (Ops.cast DType.Float64 (Ops.cast DType.Int32 (v [ 1.9; 2.2 ]))))
    close [| float 0.1f |] (value (Ops.cast DType.Float32 (v [ 0.1 ])))

[<Fact>]
let ``random numbers are those of Philox, word by word`` () =
    let seed = Expr.Constant(Tensor.Scalar 42L)
    let step = Expr.Constant(Tensor.Scalar 7L)
    let draw kind = value (Ops.random kind "layer/dropout" DType.Float32 (Shape.Of 40) seed step)
    let stream = Philox.streamOf "layer/dropout"
    let word i = Philox.bits 42UL stream 7u (int64 i)
    let uniform i = float (word i / 256u) / 16777216.0
    close (Array.init 40 (word >> float)) (draw RandomKind.Bits)
    close (Array.init 40 uniform) (draw RandomKind.Uniform)

    let normal i =
        let r = sqrt (-2.0 * log (1.0 - uniform (i &&& ~~~16)))
        let a = 2.0 * Math.PI * uniform (i ||| 16)
        if i &&& 16 = 0 then r * cos a else r * sin a

    close (Array.init 40 normal) (draw RandomKind.Normal)
    let half i = Philox.half 42UL stream 7u (int64 i)
    close (Array.init 40 (fun i -> float (half i) / 65536.0)) (draw RandomKind.Coarse)

[<Fact>]
let ``distributions have their moments`` () =
    let seed, step = Expr.Constant(Tensor.Scalar 1L), Expr.Constant(Tensor.Scalar 0L)
    let draw kind name = Ops.random kind name DType.Float64 (Shape.Of 20000) seed step
    let mean (v: float[]) = Array.average v
    let deviation (v: float[]) = let m = mean v in sqrt (v |> Array.averageBy (fun x -> (x - m) * (x - m)))
    let near (tolerance: float) (expected: float) (actual: float) =
        Assert.InRange(actual, expected - tolerance, expected + tolerance)
    let u = value (Ops.uniformBetween -1.0 3.0 (draw RandomKind.Uniform "u"))
    near 0.03 1.0 (mean u)
    near 0.03 (4.0 / sqrt 12.0) (deviation u)
    let n = value (Ops.normalWith 2.0 3.0 (draw RandomKind.Normal "n"))
    near 0.07 2.0 (mean n)
    near 0.07 3.0 (deviation n)
    let t = value (Ops.truncatedNormal 0.0 1.0 (draw RandomKind.Uniform "t"))
    Assert.True(t |> Array.forall (fun x -> abs x <= 2.0))
    near 0.02 0.87962566103423978 (deviation t)
    let b = value (Ops.bernoulli (Ops.scalar DType.Float64 0.3) (draw RandomKind.Uniform "b"))
    near 0.02 0.3 (mean b)
    let r = value (Ops.randint -2 3 DType.Int32 (draw RandomKind.Bits "r"))
    Assert.Equal<float[]>([| -2.0; -1.0; 0.0; 1.0; 2.0 |], Array.sort (Array.distinct r))
    near 0.05 0.0 (mean r)
    let logits = Expr.Constant(Tensor.OfArray [| log 0.2; log 0.5; log 0.3 |])
    let uniform = Ops.random RandomKind.Uniform "c" DType.Float64 (Shape.Of(20000, 3)) seed step
    let c = value (Ops.categorical (Ops.broadcastTo (Shape.Of(20000, 3)) logits) uniform)
    near 0.02 0.5 (float (c |> Array.filter (fun k -> k = 1.0) |> Array.length) / 20000.0)
    near 0.02 0.3 (float (c |> Array.filter (fun k -> k = 2.0) |> Array.length) / 20000.0)

[<Fact>]
let ``a leaf without a value is named`` () =
    let x = Expr.Input("speed", DType.Float32, Shape.Of 2)
    let error = Assert.Throws<GraphException>(fun () -> Interpreter.run [] [| x + 1.0 |] |> ignore)
    Assert.Equal("speed", error.Path)

[<Fact>]
let ``a value must fit its leaf`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Of 2)
    Assert.Throws<ShapeException>(fun () -> Interpreter.run [ x, Tensor.OfArray [| 1.0f |] ] [| x |] |> ignore)
    |> ignore
    Assert.Throws<DTypeException>(fun () -> Interpreter.run [ x, Tensor.OfArray [| 1.0; 2.0 |] ] [| x |] |> ignore)
    |> ignore

[<Fact>]
let ``results are rounded to their dtype only when they become tensors`` () =
    let x = Expr.Input("x", DType.Float32, Shape.Scalar)
    let third = Ops.reciprocal x
    let bindings = [ x, Tensor.Scalar 3.0f ]
    Assert.Equal(1.0 / 3.0, Interpreter.run bindings [| third |] |> Array.head |> Array.head)
    Assert.Equal<float32[]>([| 1.0f / 3.0f |], (Interpreter.value bindings third).ToArray<float32>())

[<Fact>]
let ``a graph gives outputs and new values computed from the old ones`` () =
    let x = Expr.Input("x", DType.Float64, Shape.Scalar)
    let state = Expr.LeafOf(LeafRole.State, "total", DType.Float64, Shape.Scalar)
    let next = state + x

    let struct (outputs, updates) =
        Interpreter.runGraph
            [ x, Tensor.Scalar 2.0; state, Tensor.Scalar 5.0 ]
            { Outputs = [| "old", state + 0.0 |]; Updates = [| state, next |] }

    Assert.Equal(5.0, (snd outputs[0]).ToDoubles()[0])
    Assert.Equal(7.0, (snd updates[0]).ToDoubles()[0])
