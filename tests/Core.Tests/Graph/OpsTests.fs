/// The functions of Ops against literals that NumPy gives, and the errors for what does not fit.
module FunctionalNet.Tests.Graph.OpsTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support

let private vector (values: float list) = Expr.Constant(Tensor.OfArray(List.toArray values))
let private matrix (rows: float list list) = Expr.Constant(Tensor.OfRows(rows |> List.map List.toArray |> List.toArray))
let private ids (values: int list) = Expr.Constant(Tensor.OfArray(List.toArray values))

let private m = matrix [ [ 1.0; 2.0; 3.0 ]; [ 4.0; 5.0; 6.0 ] ]

let private gives (dims: int list) (values: float list) (e: Expr) =
    Assert.Equal<int[]>(List.toArray dims, e.Shape.ToArray())
    Close.close 1e-9 1e-12 (List.toArray values) (Interpreter.run [] [| e |] |> Array.head)

[<Fact>]
let ``reductions`` () =
    Ops.sum [| 0 |] false m |> gives [ 3 ] [ 5.0; 7.0; 9.0 ]
    Ops.sum [| -1 |] true m |> gives [ 2; 1 ] [ 6.0; 15.0 ]
    Ops.sum [||] false m |> gives [ 2; 3 ] [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ]
    Ops.sumAll m |> gives [] [ 21.0 ]
    Ops.mean [| 0; 1 |] true m |> gives [ 1; 1 ] [ 3.5 ]
    Ops.meanAll m |> gives [] [ 3.5 ]
    Ops.prod [| 1 |] false m |> gives [ 2 ] [ 6.0; 120.0 ]
    Ops.max [| 0 |] false m |> gives [ 3 ] [ 4.0; 5.0; 6.0 ]
    Ops.min [| 1 |] true m |> gives [ 2; 1 ] [ 1.0; 4.0 ]
    Ops.maxAll m |> gives [] [ 6.0 ]
    Ops.minAll m |> gives [] [ 1.0 ]
    Ops.any [| 1 |] false (Ops.greater m (Ops.scalar DType.Float64 3.0)) |> gives [ 2 ] [ 0.0; 1.0 ]
    Ops.all [| 0 |] false (Ops.greater m (Ops.scalar DType.Float64 1.0))
    |> gives [ 3 ] [ 0.0; 1.0; 1.0 ]
    Ops.var [| 0; 1 |] false m |> gives [] [ 35.0 / 12.0 ]
    Ops.std [| 1 |] false m |> gives [ 2 ] [ sqrt (2.0 / 3.0); sqrt (2.0 / 3.0) ]
    let struct (mean, variance) = Ops.moments [| 1 |] true m
    mean |> gives [ 2; 1 ] [ 2.0; 5.0 ]
    variance |> gives [ 2; 1 ] [ 2.0 / 3.0; 2.0 / 3.0 ]
    Ops.l2Normalize [| 0 |] 1e-7 (vector [ 3.0; 4.0 ]) |> gives [ 2 ] [ 0.6; 0.8 ]
    Ops.l2Normalize [| 0 |] 1e-7 (vector [ 0.0; 0.0 ]) |> gives [ 2 ] [ 0.0; 0.0 ]

[<Fact>]
let ``choices along an axis`` () =
    let x = matrix [ [ 3.0; 1.0; 3.0 ]; [ 2.0; nan; 9.0 ] ]
    Ops.argmax 1 x |> gives [ 2 ] [ 0.0; 1.0 ]
    Ops.argmin -1 x |> gives [ 2 ] [ 1.0; 1.0 ]
    Ops.sort 1 true m |> gives [ 2; 3 ] [ 3.0; 2.0; 1.0; 6.0; 5.0; 4.0 ]
    let struct (values, indices) = Ops.topK 2 m
    values |> gives [ 2; 2 ] [ 3.0; 2.0; 6.0; 5.0 ]
    indices |> gives [ 2; 2 ] [ 2.0; 1.0; 2.0; 1.0 ]
    Assert.Equal(DType.Int32, indices.DType)
    Ops.cumsum 0 m |> gives [ 2; 3 ] [ 1.0; 2.0; 3.0; 5.0; 7.0; 9.0 ]
    Ops.takeAlongAxis (Ops.expandDims 1 (ids [ 2; 0 ])) 1 m |> gives [ 2; 1 ] [ 3.0; 4.0 ]
    Ops.take (ids [ 1; 1; 0 ]) 0 m |> gives [ 3; 3 ] [ 4.0; 5.0; 6.0; 4.0; 5.0; 6.0; 1.0; 2.0; 3.0 ]
    Ops.take (ids [ 2; 5 ]) 1 m |> gives [ 2; 2 ] [ 3.0; 0.0; 6.0; 0.0 ]
    Ops.oneHot 3 DType.Float64 (ids [ 1; 3; 0 ])
    |> gives [ 3; 3 ] [ 0.0; 1.0; 0.0; 0.0; 0.0; 0.0; 1.0; 0.0; 0.0 ]

[<Fact>]
let ``shapes`` () =
    Ops.reshape [| 3; -1 |] m |> gives [ 3; 2 ] [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ]
    Ops.expandDims -1 m |> gives [ 2; 3; 1 ] [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ]
    Ops.squeeze [| 0 |] (Ops.expandDims 0 m) |> gives [ 2; 3 ] [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ]
    Ops.transpose [| 1; 0 |] m |> gives [ 3; 2 ] [ 1.0; 4.0; 2.0; 5.0; 3.0; 6.0 ]
    Ops.swapAxes 0 -1 m |> gives [ 3; 2 ] [ 1.0; 4.0; 2.0; 5.0; 3.0; 6.0 ]
    let c = Ops.reshape [| 1; 2; 3 |] m
    Assert.Equal(Shape.Of(2, 3, 1), (Ops.moveAxis 0 -1 c).Shape)
    Assert.Equal(Shape.Of(3, 1, 2), (Ops.moveAxis 2 0 c).Shape)
    Assert.Equal(Shape.Of(1, 6), (Ops.flatten c).Shape)
    Assert.Equal(Shape.Of 6, (Ops.ravel c).Shape)
    Ops.broadcastTo (Shape.Of(2, 2)) (vector [ 1.0; 2.0 ]) |> gives [ 2; 2 ] [ 1.0; 2.0; 1.0; 2.0 ]

[<Fact>]
let ``parts and joins`` () =
    Ops.slice [| 0; 1 |] [| 2; 2 |] m |> gives [ 2; 2 ] [ 2.0; 3.0; 5.0; 6.0 ]
    Ops.stridedSlice [| 0; 0 |] [| 2; 3 |] [| 1; 2 |] m |> gives [ 2; 2 ] [ 1.0; 3.0; 4.0; 6.0 ]
    Ops.sliceAxis 1 -2 3 m |> gives [ 2; 2 ] [ 2.0; 3.0; 5.0; 6.0 ]
    Ops.index 0 -1 m |> gives [ 3 ] [ 4.0; 5.0; 6.0 ]
    Ops.concatenate 0 [| m; m |]
    |> gives [ 4; 3 ] [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0; 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ]
    Ops.concatenate -1 [| m; Ops.sliceAxis 1 0 1 m |]
    |> gives [ 2; 4 ] [ 1.0; 2.0; 3.0; 1.0; 4.0; 5.0; 6.0; 4.0 ]
    Ops.stack -1 [| vector [ 1.0; 2.0 ]; vector [ 3.0; 4.0 ] |] |> gives [ 2; 2 ] [ 1.0; 3.0; 2.0; 4.0 ]
    let parts = Ops.split 3 1 m
    parts[1] |> gives [ 2; 1 ] [ 2.0; 5.0 ]
    (Ops.splitSizes [| 1; 2 |] 1 m)[1] |> gives [ 2; 2 ] [ 2.0; 3.0; 5.0; 6.0 ]
    (Ops.unstack 0 m)[1] |> gives [ 3 ] [ 4.0; 5.0; 6.0 ]
    Ops.flip [| 1 |] m |> gives [ 2; 3 ] [ 3.0; 2.0; 1.0; 6.0; 5.0; 4.0 ]
    Ops.repeat 2 0 (vector [ 1.0; 2.0 ]) |> gives [ 4 ] [ 1.0; 1.0; 2.0; 2.0 ]
    Ops.tile [| 2 |] (vector [ 1.0; 2.0 ]) |> gives [ 4 ] [ 1.0; 2.0; 1.0; 2.0 ]
    Ops.tile [| 1; 2 |] m
    |> gives [ 2; 6 ] [ 1.0; 2.0; 3.0; 1.0; 2.0; 3.0; 4.0; 5.0; 6.0; 4.0; 5.0; 6.0 ]
    Ops.roll 1 1 m |> gives [ 2; 3 ] [ 3.0; 1.0; 2.0; 6.0; 4.0; 5.0 ]
    Ops.roll -1 0 (vector [ 1.0; 2.0; 3.0 ]) |> gives [ 3 ] [ 2.0; 3.0; 1.0 ]

[<Fact>]
let ``padding`` () =
    let v = vector [ 1.0; 2.0; 3.0 ]
    Ops.pad [| struct (1, 2) |] 9.0 v |> gives [ 6 ] [ 9.0; 1.0; 2.0; 3.0; 9.0; 9.0 ]
    Ops.pad [| struct (-1, 0) |] 9.0 v |> gives [ 2 ] [ 2.0; 3.0 ]
    Ops.padReflect [| struct (2, 1) |] v |> gives [ 6 ] [ 3.0; 2.0; 1.0; 2.0; 3.0; 2.0 ]
    Ops.padSymmetric [| struct (2, 1) |] v |> gives [ 6 ] [ 2.0; 1.0; 1.0; 2.0; 3.0; 3.0 ]

[<Fact>]
let ``products`` () =
    let v = vector [ 1.0; 0.0; -1.0 ]
    Ops.matmul m v |> gives [ 2 ] [ -2.0; -2.0 ]
    Ops.matmul (vector [ 1.0; 1.0 ]) m |> gives [ 3 ] [ 5.0; 7.0; 9.0 ]
    Ops.matmul v v |> gives [] [ 2.0 ]
    Ops.matmul (Ops.reshape [| 1; 2; 3 |] m) (Ops.transpose [| 1; 0 |] m)
    |> gives [ 1; 2; 2 ] [ 14.0; 32.0; 32.0; 77.0 ]
    Ops.matmul (Ops.reshape [| 2; 1; 3 |] m) v |> gives [ 2; 1 ] [ -2.0; -2.0 ]
    Ops.dot m v |> gives [ 2 ] [ -2.0; -2.0 ]
    Ops.tensordot [| 0; 1 |] [| 0; 1 |] m m |> gives [] [ 91.0 ]
    Ops.tensordot [| 0 |] [| 0 |] m m
    |> gives [ 3; 3 ] [ 17.0; 22.0; 27.0; 22.0; 29.0; 36.0; 27.0; 36.0; 45.0 ]
    Ops.outer (vector [ 1.0; 2.0 ]) v |> gives [ 2; 3 ] [ 1.0; 0.0; -1.0; 2.0; 0.0; -2.0 ]

[<Fact>]
let ``values, masks and constants`` () =
    Ops.clip 2.0 4.0 m |> gives [ 2; 3 ] [ 2.0; 2.0; 3.0; 4.0; 4.0; 4.0 ]
    Ops.where (Ops.less m (Ops.scalar DType.Float64 3.0)) m (Ops.scalar DType.Float64 0.0)
    |> gives [ 2; 3 ] [ 1.0; 2.0; 0.0; 0.0; 0.0; 0.0 ]
    Ops.tril 0 m |> gives [ 2; 3 ] [ 1.0; 0.0; 0.0; 4.0; 5.0; 0.0 ]
    Ops.triu 1 m |> gives [ 2; 3 ] [ 0.0; 2.0; 3.0; 0.0; 0.0; 6.0 ]
    Ops.triMask 2 2 0 |> gives [ 2; 2 ] [ 1.0; 0.0; 1.0; 1.0 ]
    Ops.eye DType.Float32 2 3 |> gives [ 2; 3 ] [ 1.0; 0.0; 0.0; 0.0; 1.0; 0.0 ]
    Ops.arange DType.Int32 3 |> gives [ 3 ] [ 0.0; 1.0; 2.0 ]
    Ops.onesLike m |> gives [ 2; 3 ] [ 1.0; 1.0; 1.0; 1.0; 1.0; 1.0 ]
    Ops.logAddExp (vector [ 1000.0 ]) (vector [ 1000.0 ]) |> gives [ 1 ] [ 1000.0 + log 2.0 ]
    Ops.log2 (vector [ 8.0 ]) |> gives [ 1 ] [ 3.0 ]
    Ops.log10 (vector [ 1000.0 ]) |> gives [ 1 ] [ 3.0 ]
    Ops.isInf (vector [ infinity; nan; 1.0 ]) |> gives [ 3 ] [ 1.0; 0.0; 0.0 ]
    1.0 - m / 2.0 |> gives [ 2; 3 ] [ 0.5; 0.0; -0.5; -1.0; -1.5; -2.0 ]

[<Fact>]
let ``cross-entropies`` () =
    let logits = matrix [ [ 0.0; log 2.0; log 5.0 ]; [ 0.0; 0.0; 0.0 ] ]
    Ops.sparseSoftmaxCrossEntropy (ids [ 2; 0 ]) logits |> gives [ 2 ] [ -log(5.0 / 8.0); log 3.0 ]
    Ops.softmaxCrossEntropy (matrix [ [ 0.0; 0.5; 0.5 ]; [ 1.0; 0.0; 0.0 ] ]) logits
    |> gives [ 2 ] [ -0.5 * log (10.0 / 64.0); log 3.0 ]

[<Fact>]
let ``composites with equal attributes are equal operations`` () =
    let key (e: Expr) = e.Op
    Assert.Equal(key (Ops.softmax 1 m), key (Ops.softmax -1 m))
    Assert.NotEqual(key (Ops.softmax 0 m), key (Ops.softmax 1 m))
    Assert.NotEqual(key (Ops.softmax 1 m), key (Ops.logSoftmax 1 m))

let private f32 (dims: int list) = Expr.Input("x", DType.Float32, Shape.Of(List.toArray dims))
let private i32 (dims: int list) = Expr.Input("i", DType.Int32, Shape.Of(List.toArray dims))

/// Calls that do not fit, and the error each must give.
let badCalls: (string * Type * (unit -> Expr)) list =
    [ "add shapes", typeof<ShapeException>, fun () -> f32 [ 2 ] + f32 [ 3 ]
      "add dtypes", typeof<DTypeException>, fun () -> f32 [ 2 ] + i32 [ 2 ]
      "exp of ints", typeof<DTypeException>, fun () -> Ops.exp (i32 [ 2 ])
      "sum axis", typeof<ShapeException>, fun () -> Ops.sum [| 2 |] false (f32 [ 2; 2 ])
      "sum axis of scalar", typeof<ShapeException>, fun () -> Ops.sum [| 0 |] false (f32 [])
      "sum axis twice", typeof<ShapeException>, fun () -> Ops.sum [| 0; -2 |] false (f32 [ 2; 2 ])
      "mean of ints", typeof<DTypeException>, fun () -> Ops.mean [| 0 |] false (i32 [ 2 ])
      "max of nothing", typeof<ShapeException>, fun () -> Ops.maxAll (f32 [ 0 ])
      "any of floats", typeof<DTypeException>, fun () -> Ops.any [| 0 |] false (f32 [ 2 ])
      "reshape", typeof<ShapeException>, fun () -> Ops.reshape [| 4 |] (f32 [ 2; 3 ])
      "reshape open", typeof<ShapeException>, fun () -> Ops.reshape [| -1; 4 |] (f32 [ 2; 3 ])
      "reshape twice open", typeof<ShapeException>, fun () -> Ops.reshape [| -1; -1 |] (f32 [ 2; 3 ])
      "squeeze", typeof<ShapeException>, fun () -> Ops.squeeze [| 0 |] (f32 [ 2; 3 ])
      "transpose", typeof<ShapeException>, fun () -> Ops.transpose [| 0; 0 |] (f32 [ 2; 3 ])
      "broadcast", typeof<ShapeException>, fun () -> Ops.broadcastTo (Shape.Of(4, 3)) (f32 [ 2; 3 ])
      "slice", typeof<ShapeException>, fun () -> Ops.slice [| 0; 2 |] [| 2; 2 |] (f32 [ 2; 3 ])
      "slice rank", typeof<ShapeException>, fun () -> Ops.slice [| 0 |] [| 2 |] (f32 [ 2; 3 ])
      "concatenate", typeof<ShapeException>, fun () -> Ops.concatenate 0 [| f32 [ 2; 3 ]; f32 [ 2; 4 ] |]
      "concatenate nothing", typeof<ArgumentValueException>, fun () -> Ops.concatenate 0 [||]
      "stack", typeof<ShapeException>, fun () -> Ops.stack 0 [| f32 [ 2 ]; f32 [ 3 ] |]
      "split", typeof<ShapeException>, fun () -> (Ops.split 2 0 (f32 [ 3 ]))[0]
      "pad", typeof<ShapeException>, fun () -> Ops.pad [| struct (1, 1) |] 0.0 (f32 [ 2; 3 ])
      "pad away", typeof<ShapeException>, fun () -> Ops.pad [| struct (-2, -2) |] 0.0 (f32 [ 3 ])
      "reflect", typeof<ShapeException>, fun () -> Ops.padReflect [| struct (3, 0) |] (f32 [ 3 ])
      "matmul inner", typeof<ShapeException>, fun () -> Ops.matmul (f32 [ 2; 3 ]) (f32 [ 2; 3 ])
      "matmul scalar", typeof<ShapeException>, fun () -> Ops.matmul (f32 []) (f32 [ 2; 3 ])
      "matmul ints", typeof<DTypeException>, fun () -> Ops.matmul (i32 [ 2; 3 ]) (i32 [ 3; 2 ])
      "tensordot", typeof<ShapeException>, fun () -> Ops.tensordot [| 0 |] [| 0 |] (f32 [ 2; 3 ]) (f32 [ 3; 2 ])
      "einsum rank", typeof<ShapeException>, fun () -> Ops.einsum "ijk->ij" [| f32 [ 2; 3 ] |]
      "einsum size", typeof<ShapeException>, fun () -> Ops.einsum "ij,jk->ik" [| f32 [ 2; 3 ]; f32 [ 2; 3 ] |]
      "einsum terms", typeof<ArgumentValueException>, fun () -> Ops.einsum "ij->ij" [| f32 [ 2; 3 ]; f32 [ 2; 3 ] |]
      "einsum repeated", typeof<ArgumentValueException>, fun () -> Ops.einsum "ii->i" [| f32 [ 2; 2 ] |]
      "einsum result", typeof<ArgumentValueException>, fun () -> Ops.einsum "ij->k" [| f32 [ 2; 2 ] |]
      "einsum letters", typeof<ArgumentValueException>, fun () -> Ops.einsum "i1->i" [| f32 [ 2; 2 ] |]
      "take floats", typeof<DTypeException>, fun () -> Ops.take (f32 [ 2 ]) 0 (f32 [ 2 ])
      "one-hot floats", typeof<DTypeException>, fun () -> Ops.oneHot 3 DType.Float32 (f32 [ 2 ])
      "topK", typeof<ArgumentValueException>, fun () -> (let struct (v, _) = Ops.topK 4 (f32 [ 3 ]) in v)
      "where", typeof<DTypeException>, fun () -> Ops.where (f32 [ 2 ]) (f32 [ 2 ]) (f32 [ 2 ])
      "conv rank",
      typeof<ShapeException>,
      fun () -> Ops.conv [| 1; 1 |] Padding.Valid [| 1; 1 |] 1 (f32 [ 3; 3; 1; 2 ]) (f32 [ 8; 8 ])
      "conv channels",
      typeof<ShapeException>,
      fun () -> Ops.conv [| 1; 1 |] Padding.Valid [| 1; 1 |] 1 (f32 [ 3; 3; 2; 2 ]) (f32 [ 1; 8; 8; 3 ])
      "conv small",
      typeof<ShapeException>,
      fun () -> Ops.conv [| 1; 1 |] Padding.Valid [| 1; 1 |] 1 (f32 [ 3; 3; 3; 2 ]) (f32 [ 1; 2; 8; 3 ])
      "conv strides",
      typeof<ArgumentValueException>,
      fun () -> Ops.conv [| 0; 1 |] Padding.Valid [| 1; 1 |] 1 (f32 [ 3; 3; 3; 2 ]) (f32 [ 1; 8; 8; 3 ])
      "conv groups",
      typeof<ArgumentValueException>,
      fun () -> Ops.conv [| 1; 1 |] Padding.Valid [| 1; 1 |] 0 (f32 [ 3; 3; 3; 2 ]) (f32 [ 1; 8; 8; 3 ])
      "depthwise",
      typeof<ShapeException>,
      fun () -> Ops.depthwiseConv [| 1 |] Padding.Valid [| 1 |] (f32 [ 3; 2; 1 ]) (f32 [ 1; 8; 3 ])
      "transpose output padding",
      typeof<ArgumentValueException>,
      fun () -> Ops.convTranspose [| 2 |] Padding.Valid (Some [| 2 |]) [| 1 |] (f32 [ 3; 2; 3 ]) (f32 [ 1; 8; 3 ])
      "transpose causal",
      typeof<ArgumentValueException>,
      fun () -> Ops.convTranspose [| 2 |] Padding.Causal None [| 1 |] (f32 [ 3; 2; 3 ]) (f32 [ 1; 8; 3 ])
      "pool", typeof<ShapeException>, fun () -> Ops.maxPool [| 9 |] [| 1 |] Padding.Valid (f32 [ 1; 4; 1 ])
      "softmax axis", typeof<ShapeException>, fun () -> Ops.softmax 2 (f32 [ 2; 3 ])
      "softmax ints", typeof<DTypeException>, fun () -> Ops.softmax 0 (i32 [ 2; 3 ])
      "labels", typeof<ShapeException>, fun () -> Ops.sparseSoftmaxCrossEntropy (i32 [ 3 ]) (f32 [ 2; 3 ])
      "labels as floats", typeof<DTypeException>, fun () -> Ops.sparseSoftmaxCrossEntropy (f32 [ 2 ]) (f32 [ 2; 3 ])
      "scan lengths",
      typeof<ShapeException>,
      fun () -> (snd (Ops.scan (fun c s -> c, s) [||] [| f32 [ 2 ]; f32 [ 3 ] |] false))[0]
      "scan of nothing",
      typeof<ArgumentValueException>,
      fun () -> (fst (Ops.scan (fun c s -> c, s) [| f32 [ 2 ] |] [||] false))[0]
      "scan carry shape",
      typeof<ShapeException>,
      fun () -> (fst (Ops.scan (fun c s -> [| c[0] + s[0] |], [||]) [| f32 [] |] [| f32 [ 2; 3 ] |] false))[0]
      "scan carry count",
      typeof<ArgumentValueException>,
      fun () -> (fst (Ops.scan (fun _ s -> s, [||]) [||] [| f32 [ 2; 3 ] |] false))[0]
      "randint", typeof<ArgumentValueException>, fun () -> Ops.randint 3 3 DType.Int32 (i32 [ 2 ]) ]

let badCallNames () = badCalls |> Seq.map (fun (name, _, _) -> [| box name |])

[<Theory; MemberData(nameof badCallNames)>]
let ``what does not fit is refused when the node is built, with what came and a hint`` (name: string) =
    let _, expected, call = badCalls |> List.find (fun (n, _, _) -> n = name)
    let error = Assert.ThrowsAny<FunctionalNetException>(fun () -> call () |> ignore)
    Assert.Equal(expected, error.GetType())
    Assert.NotEqual<string>("", error.Expected)
    Assert.NotEqual<string>("", error.Actual)
    Assert.NotEqual<string>("", error.Hint)
