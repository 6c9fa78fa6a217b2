/// One row per operation: how to make valid inputs, how to build it, how often it can be differentiated. The rows drive the
/// gradient tests here, and the comparison of compiled plans with the interpreter.
module FunctionalNet.Tests.Graph.OpTable

open System
open FsCheck
open FsCheck.FSharp
open FunctionalNet
open FunctionalNet.Graph

[<NoEquality; NoComparison>]
type Row =
    {
        /// Unique, for reports.
        Name: string
        /// The operation it stands for: see keyOf. The built graph must contain it.
        Covers: string
        /// Valid inputs. Floats are float64; a test of float32 kernels casts them.
        Inputs: Gen<Tensor[]>
        Build: Expr[] -> Expr
        /// Highest order of differentiation to check; 0 for operations without derivative.
        Order: int
        /// Relative tolerance of gradients against differences.
        GradientTolerance: float
        /// Relative tolerance of float32 kernels against the interpreter.
        Tolerance: float
    }

/// The name of an operation's case; elementwise functions and reductions count one by one.
let keyOf (op: Op) : string =
    match op with
    | Unary u -> "Unary." + string u
    | Binary b -> "Binary." + string b
    | Reduce(r, _) -> "Reduce." + string r
    | Op.Random r -> "Random." + string r.Kind
    | Structured s -> "Structured." + s.GetType().Name
    | op -> (FSharp.Reflection.FSharpValue.GetUnionFields(op, typeof<Op>) |> fst).Name

/// Leaves that stand for inputs of a row, in a float type.
let leaves (float': DType) (inputs: Tensor[]) : Expr[] =
    inputs
    |> Array.mapi (fun i t ->
        Expr.Input("x" + string i, (if DType.isFloating t.DType then float' else t.DType), t.Shape))

// ---- generators ----

let shape (dims: int list) = Shape.Of(List.toArray dims)

/// A tensor of numbers from a generator.
let of' (number: Gen<float>) (dims: int list) : Gen<Tensor> =
    let s = shape dims
    Gen.arrayOfLength s.Size number |> Gen.map (fun v -> Tensor.OfDoubles(DType.Float64, s, v))

let between (least: float) (greatest: float) : Gen<float> =
    Gen.choose (0, 100000) |> Gen.map (fun k -> least + (greatest - least) * float k / 100000.0)

let anyNumber = between -2.0 2.0

/// Not near 0, of either sign.
let away =
    Gen.map2 (fun positive x -> if positive then x else -x) (Gen.elements [ true; false ]) (between 0.3 2.0)

/// Not near an integer.
let fractional = Gen.map2 (fun k f -> float k + f) (Gen.choose (-3, 3)) (between 0.2 0.4)

/// Numbers at least 0.1 apart from one another.
let spread (dims: int list) : Gen<Tensor> =
    let s = shape dims

    Gen.shuffle [| 0 .. s.Size - 1 |]
    |> Gen.map (fun p ->
        Tensor.OfDoubles(DType.Float64, s, p |> Array.map (fun k -> 0.1 * float k - 0.05 * float s.Size)))

let ints (dtype: DType) (least: int) (greatest: int) (dims: int list) : Gen<Tensor> =
    let s = shape dims

    Gen.arrayOfLength s.Size (Gen.choose (least, greatest))
    |> Gen.map (fun v -> Tensor.OfDoubles(dtype, s, Array.map float v))

let bools (dims: int list) = ints DType.Bool 0 1 dims

let any (dims: int list) = of' anyNumber dims

let together (gens: Gen<Tensor> list) : Gen<Tensor[]> = Gen.sequenceToArray gens

let private unaryShapes = [ []; [ 1 ]; [ 7 ]; [ 2; 3 ]; [ 3; 1; 4 ] ]

let private pairs: (int list * int list) list =
    [ [ 2; 3 ], [ 2; 3 ]
      [ 2; 3 ], [ 3 ]
      [ 2; 1 ], [ 1; 3 ]
      [], [ 4 ]
      [ 4 ], []
      [ 3; 1; 2 ], [ 2; 2 ]
      [ 9 ], [ 9 ] ]

// ---- rows ----

let private row name covers order inputs build =
    { Name = name
      Covers = covers
      Inputs = inputs
      Build = build
      Order = order
      GradientTolerance = 1e-6
      Tolerance = 1e-5 }

let private node op inputs = Expr.Node(op, inputs)

let private unaryRow op number order =
    row
        ("Unary " + string op)
        ("Unary." + string op)
        order
        (Gen.elements unaryShapes |> Gen.bind (of' number) |> Gen.map Array.singleton)
        (node (Unary op))

let private unaries =
    [ UnaryOp.Neg, anyNumber, 2
      UnaryOp.Abs, away, 2
      UnaryOp.Sign, away, 2
      UnaryOp.Reciprocal, away, 3
      UnaryOp.Square, anyNumber, 3
      UnaryOp.Sqrt, between 0.3 3.0, 3
      UnaryOp.Rsqrt, between 0.3 3.0, 3
      UnaryOp.Exp, anyNumber, 3
      UnaryOp.Expm1, anyNumber, 3
      UnaryOp.Log, between 0.3 3.0, 3
      UnaryOp.Log1p, between -0.6 3.0, 3
      UnaryOp.Sin, anyNumber, 3
      UnaryOp.Cos, anyNumber, 3
      UnaryOp.Tan, between -1.0 1.0, 3
      UnaryOp.Asin, between -0.8 0.8, 3
      UnaryOp.Acos, between -0.8 0.8, 3
      UnaryOp.Atan, anyNumber, 3
      UnaryOp.Sinh, anyNumber, 3
      UnaryOp.Cosh, anyNumber, 3
      UnaryOp.Asinh, anyNumber, 3
      UnaryOp.Acosh, between 1.3 3.0, 3
      UnaryOp.Atanh, between -0.8 0.8, 3
      UnaryOp.Tanh, anyNumber, 3
      UnaryOp.Sigmoid, anyNumber, 3
      UnaryOp.Softplus, anyNumber, 3
      UnaryOp.Relu, away, 2
      UnaryOp.Erf, anyNumber, 3
      UnaryOp.Erfinv, between -0.8 0.8, 3
      UnaryOp.Floor, fractional, 1
      UnaryOp.Ceil, fractional, 1
      UnaryOp.Round, fractional, 1
      UnaryOp.IsNaN, Gen.elements [ 1.0; nan; infinity; -infinity ], 0
      UnaryOp.IsFinite, Gen.elements [ 1.0; nan; infinity; -infinity ], 0 ]
    |> List.map (fun (op, number, order) -> unaryRow op number order)

let private binaryRow op left right order =
    row
        ("Binary " + string op)
        ("Binary." + string op)
        order
        (Gen.elements pairs |> Gen.bind (fun (a, b) -> together [ left a; right b ]))
        (node (Binary op))

let private whole dims = ints DType.Float64 -2 2 dims
let private steps = Gen.elements [ 1.0; -1.0; 2.0; -2.0 ]

/// Multiples of 0.2, and of 0.2 plus 0.1: never near one another.
let private even = of' (Gen.choose (-5, 5) |> Gen.map (fun k -> 0.2 * float k))
let private odd = of' (Gen.choose (-5, 5) |> Gen.map (fun k -> 0.2 * float k + 0.1))

let private binaries =
    [ binaryRow BinaryOp.Add any any 2
      binaryRow BinaryOp.Sub any any 2
      binaryRow BinaryOp.Mul any any 3
      binaryRow BinaryOp.Div any (of' away) 3
      binaryRow BinaryOp.FloorDiv (of' fractional) (of' steps) 1
      binaryRow BinaryOp.Mod (of' fractional) (of' steps) 2
      binaryRow BinaryOp.Pow (of' (between 0.4 2.0)) any 3
      binaryRow BinaryOp.Atan2 (of' away) (of' away) 3
      binaryRow BinaryOp.Max even odd 2
      binaryRow BinaryOp.Min even odd 2
      binaryRow BinaryOp.Eq whole whole 0
      binaryRow BinaryOp.Ne whole whole 0
      binaryRow BinaryOp.Lt whole whole 0
      binaryRow BinaryOp.Le whole whole 0
      binaryRow BinaryOp.Gt whole whole 0
      binaryRow BinaryOp.Ge whole whole 0
      binaryRow BinaryOp.And bools bools 0
      binaryRow BinaryOp.Or bools bools 0
      binaryRow BinaryOp.Xor bools bools 0 ]

let private integers =
    [ for op in
          [ BinaryOp.Add
            BinaryOp.Sub
            BinaryOp.Mul
            BinaryOp.FloorDiv
            BinaryOp.Mod
            BinaryOp.Max
            BinaryOp.Min ] do
          for dtype in [ DType.Int32; DType.Int64 ] do
              let right =
                  if op = BinaryOp.FloorDiv || op = BinaryOp.Mod then
                      fun dims ->
                          Gen.zip (ints dtype 1 4 dims) (ints dtype 0 1 dims)
                          |> Gen.map (fun (n, s) ->
                              Tensor.OfDoubles(
                                  dtype,
                                  n.Shape,
                                  Array.map2 (fun x y -> if y = 0.0 then x else -x) (n.ToDoubles()) (s.ToDoubles())
                              ))
                  else
                      ints dtype -9 9

              { binaryRow op (ints dtype -9 9) right 0 with
                  Name = "Binary " + string op + " " + DType.name dtype } ]

let private spatial op = row op op 2

let private conv strides dilations low high groups : ConvSpec =
    { Strides = strides; Dilations = dilations; PadLow = low; PadHigh = high; Groups = groups }

let private convs =
    [ "1d", conv [| 2 |] [| 1 |] [| 1 |] [| 0 |] 1, [ 2; 6; 2 ], [ 3; 2; 3 ]
      "1d dilated causal", conv [| 1 |] [| 2 |] [| 4 |] [| 0 |] 1, [ 1; 5; 1 ], [ 3; 1; 2 ]
      "2d", conv [| 1; 1 |] [| 1; 1 |] [| 1; 1 |] [| 1; 1 |] 1, [ 2; 4; 3; 2 ], [ 3; 3; 2; 2 ]
      "2d 1x1", conv [| 1; 1 |] [| 1; 1 |] [| 0; 0 |] [| 0; 0 |] 1, [ 2; 3; 3; 3 ], [ 1; 1; 3; 2 ]
      "2d strided", conv [| 2; 3 |] [| 1; 1 |] [| 0; 1 |] [| 1; 2 |] 1, [ 1; 5; 7; 2 ], [ 3; 2; 2; 3 ]
      "2d dilated", conv [| 1; 1 |] [| 2; 1 |] [| 1; 0 |] [| 0; 0 |] 1, [ 1; 6; 4; 1 ], [ 3; 2; 1; 2 ]
      "2d grouped", conv [| 1; 2 |] [| 1; 1 |] [| 0; 1 |] [| 1; 0 |] 2, [ 2; 3; 4; 4 ], [ 2; 3; 2; 4 ]
      "2d depthwise", conv [| 1; 1 |] [| 1; 1 |] [| 1; 1 |] [| 1; 1 |] 3, [ 1; 3; 4; 3 ], [ 3; 3; 1; 6 ]
      "3d", conv [| 1; 2; 1 |] [| 1; 1; 1 |] [| 0; 1; 0 |] [| 1; 0; 0 |] 1, [ 1; 3; 4; 2; 2 ], [ 2; 2; 2; 2; 2 ] ]

let private convRows =
    [ for name, spec, x, kernel in convs do
          let out = (Typing.convShape spec (shape x) (shape kernel)).ToArray() |> List.ofArray

          spatial "Conv" (together [ any x; any kernel ]) (node (Conv spec)), name

          spatial "ConvInputGrad" (together [ any out; any kernel ]) (node (ConvInputGrad(spec, shape x))), name

          spatial "ConvKernelGrad" (together [ any x; any out ]) (node (ConvKernelGrad(spec, shape kernel))), name ]
    |> List.map (fun (r, name) -> { r with Name = r.Name + " " + name })

let private pool window strides low high : PoolSpec =
    { Window = window; Strides = strides; PadLow = low; PadHigh = high }

let private pools =
    [ "1d", pool [| 2 |] [| 2 |] [| 0 |] [| 0 |], [ 2; 5; 2 ]
      "2d", pool [| 2; 2 |] [| 2; 2 |] [| 0; 0 |] [| 0; 0 |], [ 1; 4; 6; 2 ]
      "2d overlapping", pool [| 3; 2 |] [| 1; 1 |] [| 1; 0 |] [| 1; 1 |], [ 1; 4; 4; 1 ]
      "3d", pool [| 2; 1; 2 |] [| 2; 1; 1 |] [| 0; 0; 0 |] [| 1; 0; 1 |], [ 1; 3; 2; 3; 2 ] ]

let private poolRows =
    [ for name, spec, x in pools do
          let out = (Typing.poolShape spec (shape x)).ToArray() |> List.ofArray
          spatial "MaxPool" (together [ spread x ]) (node (MaxPool spec)), name
          spatial "SumPool" (together [ any x ]) (node (SumPool spec)), name
          spatial "MaxPoolGrad" (together [ spread x; any out ]) (node (MaxPoolGrad spec)), name
          spatial "MaxPoolGather" (together [ spread x; any x ]) (node (MaxPoolGather spec)), name
          spatial "SumPoolGrad" (together [ any out ]) (node (SumPoolGrad(spec, shape x))), name ]
    |> List.map (fun (r, name) -> { r with Name = r.Name + " " + name })

let private axesOf3 = [ [| 0 |]; [| 1 |]; [| 2 |]; [| 0; 2 |]; [| 1; 2 |]; [| 0; 1; 2 |] ]

let private reductions =
    [ for axes in axesOf3 do
          for op, input, order in
              [ ReduceOp.Sum, any, 2
                ReduceOp.Prod, any, 3
                ReduceOp.Max, spread, 2
                ReduceOp.Min, spread, 2
                ReduceOp.Any, bools, 0
                ReduceOp.All, bools, 0 ] do
              row
                  ("Reduce " + string op + " over " + String.Join(",", axes))
                  ("Reduce." + string op)
                  order
                  (together [ input [ 2; 3; 2 ] ])
                  (node (Reduce(op, axes)))

      for axis in 0..2 do
          for largest in [ true; false ] do
              row
                  ("ArgReduce " + string largest + " " + string axis)
                  "ArgReduce"
                  0
                  (together [ any [ 3; 2; 4 ] ])
                  (node (ArgReduce(largest, axis)))

          for descending in [ true; false ] do
              row
                  ("ArgSort " + string descending + " " + string axis)
                  "ArgSort"
                  0
                  (Gen.oneof [ together [ any [ 3; 2; 4 ] ]; together [ whole [ 3; 2; 4 ] ] ])
                  (node (ArgSort(axis, descending)))

          for exclusive, reverse in [ false, false; true, false; false, true; true, true ] do
              row
                  ("CumSum " + string axis + " " + string exclusive + " " + string reverse)
                  "CumSum"
                  2
                  (together [ any [ 3; 2; 4 ] ])
                  (node (CumSum(axis, exclusive, reverse))) ]

let private movements =
    [ row "Leaf" "Leaf" 1 (together [ any [ 2; 3 ] ]) (fun x -> x[0])
      row "Constant" "Constant" 1 (together [ any [ 3 ] ]) (fun x ->
          x[0] + Expr.Constant(Tensor.OfDoubles(x[0].DType, Shape.Of 3, [| 1.0; 2.0; 3.0 |])))
      row "Iota" "Iota" 0 (together [ any [ 1 ] ]) (fun _ ->
          node (Iota({ DType = DType.Float32; Shape = Shape.Of(2, 3, 2) }, 1)) [||])
      row
          "Select"
          "Select"
          2
          (Gen.elements [ [ 2; 3 ]; [ 3 ]; [ 2; 1 ] ]
           |> Gen.bind (fun s -> together [ bools s; any [ 2; 3 ]; any [ 3 ] ]))
          (node Select)
      { row "Cast to float32" "Cast" 1 (together [ any [ 5 ] ]) (node (Cast DType.Float32)) with
          GradientTolerance = 5e-3 }
      row "Cast to int32" "Cast" 0 (together [ of' (between -9.0 9.0) [ 7 ] ]) (node (Cast DType.Int32))
      row "Cast to int64" "Cast" 0 (together [ of' (between -9.0 9.0) [ 7 ] ]) (node (Cast DType.Int64))
      row "Cast to bool" "Cast" 0 (together [ whole [ 7 ] ]) (node (Cast DType.Bool))
      row "Cast from int" "Cast" 0 (together [ ints DType.Int32 -5 5 [ 7 ] ]) (node (Cast DType.Float32))
      row "Cast to bfloat16 and back" "Cast" 0 (together [ any [ 5; 7 ] ]) (fun x ->
          Ops.cast x[0].DType (Ops.cast DType.BFloat16 x[0]))
      row "Cast from bool" "Cast" 0 (together [ bools [ 7 ] ]) (node (Cast DType.Float32))
      row "StopGradient" "StopGradient" 0 (together [ any [ 2; 3 ] ]) (node StopGradient)
      row "Broadcast scalar" "Broadcast" 2 (together [ any [] ]) (node (Broadcast(shape [ 2; 3 ])))
      row "Broadcast middle" "Broadcast" 2 (together [ any [ 3; 1; 2 ] ]) (node (Broadcast(shape [ 2; 3; 4; 2 ])))
      row "Reshape" "Reshape" 2 (together [ any [ 2; 6 ] ]) (node (Reshape(shape [ 3; 4 ])))
      row "Transpose matrix" "Transpose" 2 (together [ any [ 2; 3 ] ]) (node (Transpose [| 1; 0 |]))
      row "Transpose 4d" "Transpose" 2 (together [ any [ 2; 3; 4; 2 ] ]) (node (Transpose [| 2; 0; 3; 1 |]))
      row "Slice" "Slice" 2 (together [ any [ 5; 4 ] ]) (node (Slice([| 1; 0 |], [| 4; 4 |], [| 1; 1 |])))
      row "Slice stepped" "Slice" 2 (together [ any [ 7; 4 ] ]) (node (Slice([| 1; 1 |], [| 7; 4 |], [| 3; 2 |])))
      row "Slice empty" "Slice" 0 (together [ any [ 7; 4 ] ]) (node (Slice([| 3; 1 |], [| 3; 4 |], [| 1; 1 |])))
      row "Pad" "Pad" 2 (together [ any [ 2; 3 ] ]) (node (Pad([| 1; 0 |], [| 0; 2 |], [| 0; 0 |], 1.5)))
      row "Pad interior" "Pad" 2 (together [ any [ 3; 4 ] ]) (node (Pad([| 1; -1 |], [| -2; 1 |], [| 2; 1 |], 0.0)))
      row "Concat" "Concat" 2 (together [ any [ 2; 1; 2 ]; any [ 2; 3; 2 ]; any [ 2; 2; 2 ] ]) (node (Concat 1))
      row "Reverse" "Reverse" 2 (together [ any [ 2; 3; 2 ] ]) (node (Reverse [| 0; 2 |]))
      row "Gather rows" "Gather" 2 (together [ any [ 5; 3 ]; ints DType.Int32 0 4 [ 2; 3 ] ]) (node (Gather 0))
      row "Gather last axis" "Gather" 2 (together [ any [ 2; 3; 4 ]; ints DType.Int64 0 3 [ 5 ] ]) (node (Gather 2))
      row "Gather out of range" "Gather" 2 (together [ any [ 3; 2 ]; ints DType.Int32 -2 4 [ 4 ] ]) (node (Gather 0))
      row "ScatterAdd rows" "ScatterAdd" 2 (together [ ints DType.Int32 -1 4 [ 2; 3 ]; any [ 2; 3; 2 ] ]) (fun x ->
          node (ScatterAdd(0, 4)) x)
      row "ScatterAdd middle" "ScatterAdd" 2 (together [ ints DType.Int32 0 2 [ 4 ]; any [ 2; 4; 3 ] ]) (fun x ->
          node (ScatterAdd(1, 3)) x)
      row
          "TakeAlong"
          "TakeAlong"
          2
          (together [ any [ 2; 4; 3 ]; ints DType.Int32 -1 4 [ 2; 2; 3 ] ])
          (node (TakeAlong 1))
      row "TakeAlong last" "TakeAlong" 2 (together [ any [ 2; 4 ]; ints DType.Int64 0 3 [ 2; 6 ] ]) (node (TakeAlong 1))
      row "ScatterAlong" "ScatterAlong" 2 (together [ ints DType.Int32 -1 4 [ 2; 3; 2 ]; any [ 2; 3; 2 ] ]) (fun x ->
          node (ScatterAlong(1, 4)) x)
      row "Unary Not" "Unary.Not" 0 (together [ bools [ 5 ] ]) (node (Unary UnaryOp.Not)) ]

let private products =
    [ for ta in [ false; true ] do
          for tb in [ false; true ] do
              for batchA, batchB in [ [], []; [ 2 ], [ 2 ]; [ 2; 1 ], [ 3 ] ] do
                  let a = batchA @ (if ta then [ 4; 2 ] else [ 2; 4 ])
                  let b = batchB @ (if tb then [ 3; 4 ] else [ 4; 3 ])

                  row
                      ("MatMul " + string ta + " " + string tb + " batch " + String.Join("x", batchA))
                      "MatMul"
                      2
                      (together [ any a; any b ])
                      (node (MatMul(ta, tb))) ]

let private seedAndStep = together [ ints DType.Int64 0 100000 []; ints DType.Int64 0 1000 [] ]

let private randoms =
    [ for kind in [ RandomKind.Uniform; RandomKind.Normal; RandomKind.Bits; RandomKind.Coarse ] do
          for dims in [ [ 7 ]; [ 2; 5 ] ] do
              row
                  ("Random " + string kind + " " + (shape dims).ToString())
                  ("Random." + string kind)
                  0
                  seedAndStep
                  (fun x -> Ops.random kind "stream" DType.Float32 (shape dims) x[0] x[1]) ]

/// x^2 y as a user would write it: on spans, for float32 and float64.
type SquareTimes() =
    inherit CustomOperation("SquareTimes")

    override _.InferTypes types = [| types[0] |]

    override _.Compute a =
        if a.InputDType 0 = DType.Float64 then
            let x = a.Input<float> 0
            let y = a.Input<float> 1
            let z = a.Output<float> 0

            for i in 0 .. x.Length - 1 do
                z[i] <- x[i] * x[i] * y[i]
        else
            let x = a.Input<float32> 0
            let y = a.Input<float32> 1
            let z = a.Output<float32> 0

            for i in 0 .. x.Length - 1 do
                z[i] <- x[i] * x[i] * y[i]

    override _.Gradient(x, _, g) = [| g[0] * x[0] * x[1] * 2.0; g[0] * Ops.square x[0] |]

let squareTimes = SquareTimes()

/// A recurrent step with a constant, two carries and two outputs.
let recurrent (reverse: bool) (x: Expr[]) : Expr[] * Expr[] =
    Ops.scan
        (fun carry slice ->
            let h = Ops.tanh (Ops.matmul carry[0] x[1] + slice[0])
            [| h; carry[1] + h * slice[0] |], [| Ops.square h; carry[1] |])
        [| x[2]; Ops.zerosLike x[2] |]
        [| x[0] |]
        reverse

let private structures =
    let mild = of' (between -0.6 0.6)
    let scanInputs = together [ mild [ 4; 2; 3 ]; mild [ 3; 3 ]; mild [ 2; 3 ] ]

    [ row "Softmax" "Structured.Softmax" 3 (together [ any [ 2; 4 ] ]) (fun x -> Ops.softmax -1 x[0])
      row "Softmax first axis" "Structured.Softmax" 2 (together [ any [ 3; 2; 2 ] ]) (fun x -> Ops.softmax 0 x[0])
      row "LogSoftmax" "Structured.LogSoftmax" 3 (together [ any [ 2; 4 ] ]) (fun x -> Ops.logSoftmax -1 x[0])
      row
          "SoftmaxCrossEntropy"
          "Structured.SoftmaxCrossEntropy"
          3
          (together [ of' (between 0.0 1.0) [ 3; 4 ]; any [ 3; 4 ] ])
          (fun x -> Ops.softmaxCrossEntropy x[0] x[1])
      row
          "SoftmaxCrossEntropyGrad"
          "Structured.SoftmaxCrossEntropyGrad"
          2
          (together [ any [ 3; 4 ]; any [ 3; 4 ]; any [ 3 ] ])
          (fun x -> node (Structured(SoftmaxCrossEntropyGrad())) x)
      row
          "SparseSoftmaxCrossEntropy"
          "Structured.SparseSoftmaxCrossEntropy"
          3
          (together [ ints DType.Int32 0 3 [ 3 ]; any [ 3; 4 ] ])
          (fun x -> Ops.sparseSoftmaxCrossEntropy x[0] x[1])
      row
          "SparseSoftmaxCrossEntropy out of range"
          "Structured.SparseSoftmaxCrossEntropy"
          2
          (together [ ints DType.Int64 -1 5 [ 2; 2 ]; any [ 2; 2; 4 ] ])
          (fun x -> Ops.sparseSoftmaxCrossEntropy x[0] x[1])
      row
          "SparseSoftmaxCrossEntropyGrad"
          "Structured.SparseSoftmaxCrossEntropyGrad"
          2
          (together [ ints DType.Int32 0 3 [ 3 ]; any [ 3; 4 ]; any [ 3 ] ])
          (fun x -> node (Structured(SparseSoftmaxCrossEntropyGrad())) x)
      // A mask in which a query sees no key, heads that share keys, more keys than queries.
      row
          "DotProductAttention"
          "Structured.DotProductAttention"
          2
          (together [ any [ 2; 3; 4; 2 ]; any [ 2; 5; 2; 2 ]; any [ 2; 5; 2; 3 ]; ints DType.Int32 0 1 [ 2; 1; 3; 5 ] ])
          (fun x ->
              let seen = Ops.equal x[3] (Ops.onesLike x[3])
              Ops.dotProductAttention (Some 0.7) false (Some seen) x[0] x[1] x[2])
      row
          "DotProductAttention causal"
          "Structured.DotProductAttention"
          2
          (together [ any [ 1; 4; 2; 3 ]; any [ 1; 3; 2; 3 ]; any [ 1; 3; 2; 1 ] ])
          (fun x -> Ops.dotProductAttention None true None x[0] x[1] x[2])
      row
          "DotProductAttention window and sums"
          "Structured.DotProductAttention"
          2
          (together [ any [ 1; 5; 1; 2 ]; any [ 1; 3; 1; 2 ]; any [ 1; 3; 1; 2 ] ])
          (fun x ->
              let pattern = { Scale = -0.5; Causal = true; Window = 2 }
              let results = (Expr.Node(Structured(DotProductAttention pattern), x)).Results
              Ops.sumAll (Ops.square results[0]) + Ops.sumAll (Ops.square results[1]))
      row
          "DotProductAttentionGrad"
          "Structured.DotProductAttentionGrad"
          1
          (together
              [ any [ 2; 3; 2; 2 ]
                any [ 2; 4; 1; 2 ]
                any [ 2; 4; 1; 3 ]
                any [ 2; 3; 2; 3 ]
                ints DType.Int32 0 3 [ 3 ] ])
          (fun x ->
              // What the gradient takes from the forward pass has to come from there.
              let pattern = { Scale = 0.6; Causal = false; Window = 0 }
              let seen =
                  Ops.broadcastTo
                      (Shape.Of(2, 1, 3, 4))
                      (Ops.reshape [| 1; 1; 3; 1 |] (Ops.greater x[4] (Ops.zerosLike x[4])))
              let forward = (Expr.Node(Structured(DotProductAttention pattern), [| x[0]; x[1]; x[2]; seen |])).Results
              let inputs = [| x[0]; x[1]; x[2]; forward[0]; forward[1]; x[3]; seen |]
              let results = (Expr.Node(Structured(DotProductAttentionGrad pattern), inputs)).Results
              Ops.sumAll (Ops.square results[0])
              + Ops.sumAll (Ops.square results[1])
              + Ops.sumAll (Ops.square results[2]))
      // Rows of whole numbers with 127 among them: what is rounded is not near a half.
      row
          "Int8Matrix"
          "Structured.Int8Matrix"
          0
          (together
              [ ints DType.Int32 -126 126 [ 2; 3; 4 ]
                ints DType.Int32 -127 127 [ 5; 3 ]
                of' (between 0.5 2.0) [ 3 ] ])
          (fun x ->
              let type' = x[2].DType
              let largest = Ops.broadcastTo (Shape.Of(2, 3, 1)) (Expr.Scalar(type', 127.0))
              let rows = Ops.concatenate -1 [| Ops.cast type' x[0]; largest |]
              let weights =
                  Expr.Constant(
                      Tensor.OfDoubles(DType.Int8, Shape.Of(5, 3), Array.init 15 (fun i -> float (i * 37 % 255 - 127)))
                  )
              node (Structured(Int8Matrix())) [| rows; weights; x[2] |]
              + Ops.cast type' (Ops.sum [| 0 |] false x[1]))
      row "Standardize columns" "Structured.Standardize" 3 (together [ any [ 4; 3 ] ]) (fun x ->
          let struct (y, mean, variance) = Ops.standardize [| 0 |] 0.1 x[0]
          y * 2.0 + mean - Ops.square variance)
      row "Standardize inner axes" "Structured.Standardize" 2 (together [ any [ 2; 3; 2; 2 ] ]) (fun x ->
          let struct (y, _, _) = Ops.standardize [| 1; 2 |] 0.01 x[0]
          y)
      row "Standardize rows" "Structured.Standardize" 2 (together [ any [ 3; 5 ] ]) (fun x ->
          let struct (y, _, variance) = Ops.standardize [| -1 |] 0.01 x[0]
          y * variance)
      row "Barrier" "Structured.Barrier" 3 (together [ any [ 2; 3 ]; any [ 4 ] ]) (fun x ->
          let late = node (Structured(Barrier())) [| Ops.tanh x[0]; Ops.exp x[1] |]
          Ops.square late + Ops.tanh x[0])
      row "Checkpoint" "Structured.Checkpoint" 3 (together [ any [ 2; 3 ]; any [ 3; 3 ] ]) (fun x ->
          let again = Ops.remat (fun i -> [| Ops.sin (Ops.matmul (Ops.tanh i[0]) x[1]) |]) [| x[0] |]
          again[0] * x[0])
      row "Checkpoint of two values" "Structured.Checkpoint" 2 (together [ any [ 2; 3 ]; any [ 2; 3 ] ]) (fun x ->
          let again =
              Ops.remat
                  (fun i ->
                      let h = Ops.tanh (i[0] * i[1])
                      [| Ops.sin h; h + i[0] |])
                  [| x[0]; x[1] |]
          again[0] * again[1])
      row "Scan outputs" "Structured.Scan" 3 scanInputs (fun x ->
          let _, outputs = recurrent false x
          outputs[0] + outputs[1])
      row "Scan last carry" "Project" 2 scanInputs (fun x ->
          let last, _ = recurrent false x
          last[0] * last[1])
      row "Scan reverse" "Structured.Scan" 2 scanInputs (fun x ->
          let last, outputs = recurrent true x
          Ops.sumAll last[1] + Ops.sumAll (outputs[0] * outputs[1]))
      row "CustomGradient" "Structured.CustomGradient" 2 (together [ any [ 5 ] ]) (fun x ->
          x |> Ops.customGradient (fun x -> Ops.exp x[0]) (fun x _ g -> [| g * Ops.exp x[0] |]))
      row "Custom" "Structured.CustomNode" 2 (together [ any [ 2; 3 ]; any [ 2; 3 ] ]) (fun x ->
          (Ops.custom squareTimes x)[0]) ]

/// The sequences of LSTM and GRU: two rows, three steps, two units.
let private sequences =
    let mild = of' (between -0.6 0.6)
    let state = mild [ 2; 2 ]
    let mask = bools [ 2; 3 ]

    /// All results, so that none can be wrong.
    let all (op: Structured) (x: Expr[]) =
        Expr.Node(Structured op, x).Results |> Array.map Ops.ravel |> Ops.concatenate 0

    let each name count order inputs (make: SequenceOptions -> Structured) =
        [ for reverse in [ false; true ] do
              for masked in [ false; true ] do
                  let title = name + (if reverse then " reverse" else "") + (if masked then " masked" else "")
                  let inputs = inputs @ (if masked then [ mask ] else [])

                  row title ("Structured." + name) (if masked then order else 1) (together inputs) (fun x ->
                      // The gates and cells of a sequence are for its derivative only.
                      let results = Expr.Node(Structured(make { Reverse = reverse; Masked = masked }), x).Results
                      results[.. count - 1] |> Array.map Ops.ravel |> Ops.concatenate 0) ]

    [ yield!
          each "LstmSequence" 3 2 [ mild [ 2; 3; 8 ]; mild [ 2; 8 ]; state; state ] (fun options ->
              LstmSequence options)
      row
          "LstmSequence, what is kept"
          "Structured.LstmSequence"
          1
          (together [ mild [ 2; 3; 8 ]; mild [ 2; 8 ]; state; state ])
          (all (LstmSequence { Reverse = false; Masked = false }))
      yield!
          each
              "LstmSequenceGrad"
              3
              1
              [ mild [ 2; 3; 8 ]; mild [ 2; 3; 2 ]; state; mild [ 2; 8 ]; state; state; mild [ 2; 3; 2 ] ]
              (fun options -> LstmSequenceGrad(options, true))
      row
          "LstmSequenceGrad of the last state"
          "Structured.LstmSequenceGrad"
          1
          (together [ mild [ 2; 3; 8 ]; mild [ 2; 3; 2 ]; state; mild [ 2; 8 ]; state; state ])
          (all (LstmSequenceGrad({ Reverse = false; Masked = false }, false)))
      yield!
          each "GruSequence" 2 2 [ mild [ 2; 3; 6 ]; mild [ 2; 6 ]; mild [ 2 ]; state ] (fun options ->
              GruSequence options)
      row
          "GruSequence, what is kept"
          "Structured.GruSequence"
          1
          (together [ mild [ 2; 3; 6 ]; mild [ 2; 6 ]; mild [ 2 ]; state ])
          (all (GruSequence { Reverse = false; Masked = false }))
      yield!
          each
              "GruSequenceGrad"
              3
              1
              [ mild [ 2; 3; 8 ]; mild [ 2; 3; 2 ]; state; mild [ 2; 6 ]; state; mild [ 2; 3; 2 ] ]
              (fun options -> GruSequenceGrad(options, true))
      row
          "GruSequenceGrad of the last state"
          "Structured.GruSequenceGrad"
          1
          (together [ mild [ 2; 3; 8 ]; mild [ 2; 3; 2 ]; state; mild [ 2; 6 ]; state ])
          (all (GruSequenceGrad({ Reverse = false; Masked = false }, false))) ]

/// Every row. Names are unique.
let rows: Row list =
    unaries
    @ binaries
    @ integers
    @ movements
    @ reductions
    @ products
    @ convRows
    @ poolRows
    @ randoms
    @ structures
    @ sequences

/// Fixed samples of a row's inputs.
let samples (count: int) (row: Row) : Tensor[][] =
    Gen.sampleWithSeed (Rnd(uint64 (Math.Abs(row.Name.Length * 7919 + count)))) 30 count row.Inputs
