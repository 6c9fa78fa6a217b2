namespace FunctionalNet.Tests.Compiler

open System
open System.Collections.Concurrent
open FunctionalNet
open FunctionalNet.Graph
open System.Collections.Generic

/// A random well-typed graph with values for its leaves.
type internal RandomCase = { Graph: Graph; Bindings: (Expr * Tensor)[]; Seed: int }

/// A user's operation for the graphs: y = 3 x + 1.
type internal TripleAndOne() =
    inherit CustomOperation("TripleAndOne")
    override _.InferTypes types = [| types[0]; types[0] |]

    override _.Compute(arguments) =
        if arguments.InputDType 0 = DType.Float32 then
            let x = arguments.Input<float32> 0
            let y = arguments.Output<float32> 0
            let z = arguments.Output<float32> 1

            for i in 0 .. x.Length - 1 do
                y[i] <- 3.0f * x[i] + 1.0f
                z[i] <- -x[i]
        else
            let x = arguments.Input<float> 0
            let y = arguments.Output<float> 0
            let z = arguments.Output<float> 1

            for i in 0 .. x.Length - 1 do
                y[i] <- 3.0 * x[i] + 1.0
                z[i] <- -x[i]

/// Grows graphs. Two kinds of floating nodes are kept apart: exact ones (multiples of 1/4, small), on which operations that
/// jump (comparisons, floor, arg-max, sorting) mean the same in every precision, and real ones, for smooth operations only.
/// Both kinds stay within a few units, so that tolerances mean something.
[<Sealed>]
type internal Grower(dtype: DType, seed: int) =

    static let seen = ConcurrentDictionary<string, int>()
    let rng = System.Random(seed)
    let exact = List<Expr>()
    let real = List<Expr>()
    let ints = List<Expr>()
    let bools = List<Expr>()
    let results = List<Expr>()
    let bindings = List<struct (Expr * Tensor)>()
    let below n = rng.Next n
    let pick (list: List<'T>) = list[below list.Count]
    let oneOf (items: 'T[]) = items[below items.Length]
    let node op inputs = Expr.Node(op, inputs)
    let unary u x = node (Unary u) [| x |]
    let binary b x y = node (Binary b) [| x; y |]
    let number v = Expr.Scalar(dtype, v)

    let quarters () = float (below 17 - 8) * 0.25

    let dims () =
        Array.init (below 5) (fun _ ->
            if below 25 = 0 then 0
            elif below 4 = 0 then 1
            else 1 + below 5)

    let values (t: DType) (shape: Shape) (draw: unit -> float) =
        Tensor.OfDoubles(t, shape, Array.init shape.Size (fun _ -> draw ()))

    let leafOf role (t: DType) (shape: Shape) (draw: unit -> float) =
        let e = Expr.LeafOf(role, "v" + string bindings.Count, t, shape)
        bindings.Add(struct (e, values t shape draw))
        e

    let anyFloat () = if real.Count > 0 && below 3 > 0 then pick real else pick exact

    // Bounded, smooth, and strictly monotone, so nothing is lost.
    let tame (e: Expr) = unary UnaryOp.Tanh e * 1.5

    let toReal (e: Expr) =
        results.Add e
        real.Add(if below 3 = 0 then tame e * 0.5 else tame e)

    /// Any node in another shape, by movement operations alone.
    let fit (shape: int[]) (e: Expr) =
        let size = Array.fold (*) 1 shape

        if size = 0 then
            // Nothing of it is taken.
            let flat = node (Reshape(Shape.Of(e.Shape.Size))) [| e |]
            node (Reshape(Shape.Of shape)) [| node (Slice([| 0 |], [| 0 |], [| 1 |])) [| flat |] |]
        else
            let e =
                if e.Shape.Size = 0 then
                    node (Pad(Array.create e.Rank 0, Array.create e.Rank 1, Array.create e.Rank 0, 0.0)) [| e |]
                else
                    e
            let mutable flat = node (Reshape(Shape.Of(e.Shape.Size))) [| e |]

            while flat.Shape.Size < size do
                flat <- node (Concat 0) [| flat; flat |]

            let cut =
                if flat.Shape.Size = size then
                    flat
                elif flat.Shape.Size >= 2 * size && below 2 = 0 then
                    node (Slice([| 1 |], [| 2 * size |], [| 2 |])) [| flat |]
                else
                    let start = below (flat.Shape.Size - size + 1)
                    node (Slice([| start |], [| start + size |], [| 1 |])) [| flat |]

            node (Reshape(Shape.Of shape)) [| cut |]

    /// A shape that broadcasts to this one.
    let smaller (shape: int[]) =
        let cut = if shape.Length > 0 && below 3 = 0 then shape[below shape.Length ..] else shape
        cut |> Array.map (fun d -> if below 3 = 0 then 1 else d)

    let addExact (e: Expr) = exact.Add e

    let axisOf (e: Expr) = below e.Rank

    let withAxis (e: Expr) = if e.Rank = 0 then node (Reshape(Shape.Of 1)) [| e |] else e

    /// With at least one element.
    let filled (e: Expr) = if e.Shape.Size = 0 then fit [| 2; 3 |] e else e

    let subset (e: Expr) =
        [| for i in 0 .. e.Rank - 1 do
               if below 2 = 0 then i |]

    let permutation n = Array.init n id |> Array.sortBy (fun _ -> rng.Next())

    let move (e: Expr) : Expr =
        match below 8 with
        | 0 -> node (Transpose(permutation e.Rank)) [| e |]
        | 1 ->
            let starts = Array.init e.Rank (fun i -> below (e.Shape[i] + 1))
            let limits = Array.init e.Rank (fun i -> starts[i] + below (e.Shape[i] - starts[i] + 1))
            let steps = Array.init e.Rank (fun _ -> 1 + below 2)
            node (Slice(starts, limits, steps)) [| e |]
        | 2 ->
            let low = Array.init e.Rank (fun i -> below 3 - (if e.Shape[i] > 0 then 1 else 0))
            let high = Array.init e.Rank (fun _ -> below 2)
            let interior = Array.init e.Rank (fun _ -> if below 3 = 0 then 1 else 0)
            node (Pad(low, high, interior, (if DType.isFloating e.DType then quarters () else float (below 2)))) [| e |]
        | 3 ->
            let e = withAxis e
            let axis = axisOf e
            let other = e.Shape.ToArray()
            other[axis] <- below 4
            node (Concat axis) [| e; fit other e; (if below 2 = 0 then e else fit other e) |]
        | 4 -> node (Reverse(subset e)) [| e |]
        | 5 ->
            let target =
                Array.append
                    (Array.init (below 2) (fun _ -> 1 + below 3))
                    (e.Shape.ToArray() |> Array.map (fun d -> if d = 1 && below 2 = 0 then 3 else d))
            node (Broadcast(Shape.Of target)) [| e |]
        | 6 ->
            let d = e.Shape.ToArray()
            let target =
                if d.Length > 1 && below 2 = 0 then
                    Array.append [| d[0] * d[1] |] d[2..]
                else
                    Array.append [| 1 |] d
            node (Reshape(Shape.Of target)) [| e |]
        | _ -> fit (dims ()) e

    let small (e: Expr) = if e.Shape.Size > 300 then fit [| 3; 4 |] e else e

    let growMove () =
        match below 4 with
        | 0 -> addExact (small (move (pick exact)))
        | 1 when real.Count > 0 -> real.Add(small (move (pick real)))
        | 2 -> ints.Add(small (move (pick ints)))
        | _ -> bools.Add(small (move (pick bools)))

    let growExact () =
        let x = pick exact

        match below 9 with
        | 0 ->
            addExact (
                unary
                    (oneOf
                        [| UnaryOp.Neg
                           UnaryOp.Abs
                           UnaryOp.Sign
                           UnaryOp.Relu
                           UnaryOp.Floor
                           UnaryOp.Ceil
                           UnaryOp.Round |])
                    x
            )
        | 1 ->
            // Halved by a shift that keeps quarters: floor.
            let y = fit (smaller (x.Shape.ToArray())) (pick exact)
            let sum = binary (oneOf [| BinaryOp.Add; BinaryOp.Sub |]) x y
            addExact (unary UnaryOp.Floor (sum * 0.5))
        | 2 ->
            addExact (
                binary (oneOf [| BinaryOp.Max; BinaryOp.Min |]) x (fit (smaller (x.Shape.ToArray())) (pick exact))
            )
        | 3 ->
            let c = fit (smaller (x.Shape.ToArray())) (pick bools)
            addExact (node Select [| c; x; fit (smaller (x.Shape.ToArray())) (pick exact) |])
        | 4 -> addExact (node (Cast dtype) [| (if below 2 = 0 then pick ints else pick bools) |])
        | 5 ->
            let x = filled x
            addExact (node (Reduce(oneOf [| ReduceOp.Max; ReduceOp.Min |], subset x)) [| x |])
        | 6 ->
            let x = withAxis (filled x)
            let axis = axisOf x
            let indices = node (ArgSort(axis, below 2 = 0)) [| x |]
            ints.Add indices
            addExact (node (TakeAlong axis) [| x; indices |])
        | 7 ->
            let other = if dtype = DType.Float32 then DType.Float64 else DType.Float32
            addExact (node (Cast dtype) [| node (Cast other) [| x |] |])
        | _ -> addExact (binary (oneOf [| BinaryOp.Mod; BinaryOp.FloorDiv |]) x (number 2.0))

    let growInts () =
        let x = pick ints
        let clip e = binary BinaryOp.Mod e (Expr.Scalar(DType.Int32, 7.0))

        match below 9 with
        | 0 ->
            let y = fit (smaller (x.Shape.ToArray())) (pick ints)
            ints.Add(
                clip (
                    binary
                        (oneOf
                            [| BinaryOp.Add
                               BinaryOp.Sub
                               BinaryOp.Mul
                               BinaryOp.Max
                               BinaryOp.Min
                               BinaryOp.Mod
                               BinaryOp.FloorDiv |])
                        x
                        y
                )
            )
        | 1 -> ints.Add(unary (oneOf [| UnaryOp.Neg; UnaryOp.Abs; UnaryOp.Sign; UnaryOp.Relu |]) x)
        | 2 -> ints.Add(node (Cast DType.Int32) [| pick exact |])
        | 3 -> ints.Add(node (Cast DType.Int32) [| node (Cast DType.Int64) [| x |] + Expr.Scalar(DType.Int64, 2.0) |])
        | 4 ->
            let e = withAxis (filled (pick exact))
            ints.Add(node (ArgReduce(below 2 = 0, axisOf e)) [| e |])
        | 5 ->
            let shape = Shape.Of(Array.append [| 1 + below 4 |] (dims ()))
            let t = { TensorType.DType = oneOf [| DType.Int32; dtype |]; Shape = shape }
            let e = node (Iota(t, below shape.Rank)) [||]
            if t.DType = DType.Int32 then ints.Add e else addExact e
        | 6 ->
            if below 2 = 0 then
                ints.Add(clip (node (Reduce(ReduceOp.Sum, subset x)) [| clip x |]))
            else
                // Of signs: products of more overflow.
                ints.Add(node (Reduce(ReduceOp.Prod, subset x)) [| unary UnaryOp.Sign x |])
        | 7 ->
            ints.Add(node Select [| fit (smaller (x.Shape.ToArray())) (pick bools); x; Expr.Scalar(DType.Int32, 3.0) |])
        | _ ->
            let x = withAxis x
            ints.Add(clip (node (CumSum(axisOf x, below 2 = 0, below 2 = 0)) [| x |]))

    let growBools () =
        let x = pick exact

        match below 6 with
        | 0 ->
            let op = oneOf [| BinaryOp.Eq; BinaryOp.Ne; BinaryOp.Lt; BinaryOp.Le; BinaryOp.Gt; BinaryOp.Ge |]
            bools.Add(binary op x (fit (smaller (x.Shape.ToArray())) (pick exact)))
        | 1 ->
            let i = pick ints
            bools.Add(binary (oneOf [| BinaryOp.Eq; BinaryOp.Lt |]) i (fit (smaller (i.Shape.ToArray())) (pick ints)))
        | 2 ->
            let b = pick bools
            bools.Add(
                binary
                    (oneOf [| BinaryOp.And; BinaryOp.Or; BinaryOp.Xor; BinaryOp.Eq |])
                    b
                    (fit (smaller (b.Shape.ToArray())) (pick bools))
            )
        | 3 -> bools.Add(unary UnaryOp.Not (pick bools))
        | 4 ->
            let b = pick bools
            bools.Add(node (Reduce(oneOf [| ReduceOp.Any; ReduceOp.All |], subset b)) [| b |])
        | _ ->
            bools.Add(
                if below 2 = 0 then
                    node (Cast DType.Bool) [| pick ints |]
                else
                    unary (oneOf [| UnaryOp.IsNaN; UnaryOp.IsFinite |]) (binary BinaryOp.Div x x)
            )

    let growReal () =
        let x = anyFloat ()

        match below 10 with
        | 0 ->
            toReal (
                unary
                    (oneOf
                        [| UnaryOp.Exp
                           UnaryOp.Expm1
                           UnaryOp.Sin
                           UnaryOp.Cos
                           UnaryOp.Sinh
                           UnaryOp.Cosh
                           UnaryOp.Asinh
                           UnaryOp.Atan
                           UnaryOp.Tanh
                           UnaryOp.Sigmoid
                           UnaryOp.Softplus
                           UnaryOp.Erf
                           UnaryOp.Square
                           UnaryOp.Neg
                           UnaryOp.Abs
                           UnaryOp.Relu |])
                    (tame x)
            )
        | 1 ->
            let positive = unary UnaryOp.Square (tame x) + 0.5
            toReal (
                unary (oneOf [| UnaryOp.Log; UnaryOp.Log1p; UnaryOp.Sqrt; UnaryOp.Rsqrt; UnaryOp.Reciprocal |]) positive
            )
        | 2 ->
            let inside = tame x * 0.5
            toReal (unary (oneOf [| UnaryOp.Asin; UnaryOp.Acos; UnaryOp.Atanh; UnaryOp.Erfinv; UnaryOp.Tan |]) inside)
        | 3 -> toReal (unary UnaryOp.Acosh (unary UnaryOp.Square (tame x) + 1.5))
        | 4
        | 5 ->
            let y = fit (smaller (x.Shape.ToArray())) (anyFloat ())
            toReal (binary (oneOf [| BinaryOp.Add; BinaryOp.Sub; BinaryOp.Mul; BinaryOp.Max; BinaryOp.Min |]) x y)
        | 6 ->
            let y = unary UnaryOp.Abs (fit (smaller (x.Shape.ToArray())) (anyFloat ())) + 0.5
            toReal (
                match below 3 with
                | 0 -> binary BinaryOp.Div x y
                | 1 -> binary BinaryOp.Pow y (tame x)
                | _ -> binary BinaryOp.Atan2 (tame x) y
            )
        | 7 ->
            let c = fit (smaller (x.Shape.ToArray())) (pick bools)
            toReal (node Select [| c; x; fit (smaller (x.Shape.ToArray())) (anyFloat ()) |])
        | 8 -> toReal (node StopGradient [| x |])
        | _ ->
            toReal (
                node
                    (Reduce(oneOf [| ReduceOp.Sum; ReduceOp.Sum; ReduceOp.Prod; ReduceOp.Max |], subset (filled x)))
                    [| tame (filled x) |]
            )

    let growLinear () =
        let m, n, k = below 6, 1 + below 6, 1 + below 5
        let ta, tb = below 2 = 0, below 2 = 0
        let batch = Array.init (below 3) (fun _ -> 1 + below 3)
        let part () = if below 3 = 0 then [||] else smaller batch
        let a = fit (Array.append batch (if ta then [| k; m |] else [| m; k |])) (anyFloat ())
        let b = fit (Array.append (part ()) (if tb then [| n; k |] else [| k; n |])) (anyFloat ())

        // Sometimes through a transposition of all axes.
        let turned (e: Expr) =
            if e.Rank >= 2 && below 3 = 0 then
                let perm = permutation e.Rank
                let inverse = Array.init e.Rank (fun i -> Array.IndexOf(perm, i))
                let moved = node (Transpose perm) [| e |]
                node (Transpose inverse) [| moved + 0.25 |]
            else
                e

        let y = node (MatMul(ta, tb)) [| turned a; turned b |]
        toReal y

        if ta && not tb && a.Rank = b.Rank && a.Rank > 2 then
            toReal (node (Reduce(ReduceOp.Sum, Array.init (y.Rank - 2) id)) [| y |])

    let growWindow () =
        let rank = 1 + below 2
        let spatial = Array.init rank (fun _ -> 3 + below 4)
        let groups = 1 + below 2
        let cin, cout = groups * (1 + below 2), groups * (1 + below 3)
        let window = Array.init rank (fun _ -> 1 + below 3)
        let strides = Array.init rank (fun _ -> 1 + below 2)
        let low = Array.init rank (fun i -> below window[i])
        let high = Array.init rank (fun i -> below window[i])
        let x = fit (Array.concat [ [| 1 + below 2 |]; spatial; [| cin |] ])

        if below 2 = 0 then
            let spec: ConvSpec =
                { Strides = strides
                  Dilations =
                    Array.init rank (fun i -> if (window[i] - 1) * 2 + 1 <= spatial[i] then 1 + below 2 else 1)
                  PadLow = low
                  PadHigh = high
                  Groups = groups }

            let x = x (anyFloat ())
            let w = fit (Array.append window [| cin / groups; cout |]) (anyFloat ())
            let y = node (Conv spec) [| x; w |]

            match below 3 with
            | 0 -> toReal y
            | 1 -> toReal (node (ConvInputGrad(spec, x.Shape)) [| tame y; w |])
            | _ -> toReal (node (ConvKernelGrad(spec, w.Shape)) [| x; tame y |])
        else
            let spec: PoolSpec = { Window = window; Strides = strides; PadLow = low; PadHigh = high }

            let x = x (pick exact)
            let y = node (MaxPool spec) [| x |]

            match below 5 with
            | 0 -> results.Add y
            | 1 -> toReal (node (SumPool spec) [| x |])
            | 2 -> toReal (node (MaxPoolGrad spec) [| x; fit (y.Shape.ToArray()) (anyFloat ()) |])
            | 3 -> toReal (node (MaxPoolGather spec) [| x; fit (x.Shape.ToArray()) (anyFloat ()) |])
            | _ -> toReal (node (SumPoolGrad(spec, x.Shape)) [| fit (y.Shape.ToArray()) (anyFloat ()) |])

    let growIndexed () =
        let x = withAxis (filled (anyFloat ()))
        let axis = axisOf x
        let index = pick ints

        match below 4 with
        | 0 -> toReal (small (node (Gather axis) [| x; small index |]))
        | 1 ->
            // Updates shaped like a gather's result.
            let size = 1 + below 5
            let index = small index
            let d = x.Shape.ToArray()
            let updates = fit (Array.concat [ d[.. axis - 1]; index.Shape.ToArray(); d[axis + 1 ..] ]) x
            toReal (node (ScatterAdd(axis, size)) [| index; updates |])
        | 2 ->
            let d = x.Shape.ToArray()
            d[axis] <- below 4
            toReal (node (TakeAlong axis) [| x; fit d index |])
        | _ -> toReal (node (ScatterAlong(axis, 1 + below 5)) [| fit (x.Shape.ToArray()) index; x |])

    let growStructured () =
        let x = withAxis (filled (anyFloat ()))

        match below 6 with
        | 0 -> toReal (Ops.softmax (axisOf x) x)
        | 1 -> toReal (Ops.logSoftmax (axisOf x) x)
        | 2 ->
            let rows, n = 1 + below 4, 2 + below 4
            let labels = fit [| rows |] (pick ints)
            toReal (Ops.sparseSoftmaxCrossEntropy labels (fit [| rows; n |] x))
        | 3 ->
            let outputs = TripleAndOne().Apply [| x |]
            toReal outputs[0]
            toReal outputs[1]
        | _ ->
            let d = 1 + below 3
            let length = if below 8 = 0 then 0 else 1 + below 4
            let init = fit [| 2; d |] (anyFloat ())
            let counts = fit [| d |] (pick exact)
            let sequence = fit [| length; 2; d |] (anyFloat ())
            let weights = fit [| d; d |] (anyFloat ())
            let square = fit [| d; d |] (anyFloat ())
            let kind = below 6

            let step (carry: Expr[]) (slices: Expr[]) =
                let h = unary UnaryOp.Tanh (node (MatMul(false, false)) [| carry[0]; weights |] + slices[0])

                match kind with
                | 0 -> [| h; carry[1]; carry[2] |], [| h |]
                | 1 -> [| h; unary UnaryOp.Neg carry[1]; carry[2] * 0.5 |], [| carry[0]; h * 2.0; h |]
                | 2 -> [| slices[0]; carry[1] + 1.0; weights |], [| carry[1]; h; weights |]
                | 3 ->
                    // Sums over the steps, and a product that does not wait for the carry.
                    let early = node (MatMul(false, below 2 = 0)) [| slices[0]; weights |]
                    let product = node (MatMul(true, false)) [| early; h |]
                    [| h * 0.5; node (Reduce(ReduceOp.Sum, [| 0 |])) [| h |] + carry[1]; carry[2] + product |],
                    [| early |]
                | 4 ->
                    // Cut up and put together again.
                    let cut = below (d + 1)
                    let part a b = node (Slice([| 0; a |], [| 2; b |], [| 1; 1 |])) [| h |] * 1.5
                    let put a b e = node (Pad([| 0; a |], [| 0; d - b |], [| 0; 0 |], 0.0)) [| e |]
                    [| put 0 cut (part 0 cut) + put cut d (part cut d); carry[1]; carry[2] + carry[2] |], [||]
                | _ ->
                    let inner, outs =
                        Ops.scan (fun c s -> let r = c[0] * 0.5 + s[0] in [| r |], [| r |]) [| carry[1] |] [| h |] false
                    [| h; inner[0]; carry[2] |], [| outs[0]; h |]

            let last, outputs = Ops.scan step [| init; counts; square |] [| sequence |] (below 2 = 0)
            Array.iter toReal last
            Array.iter toReal outputs

    let seedLeaf = leafOf LeafRole.Hyper DType.Int64 Shape.Scalar (fun () -> float (below 1000))
    let stepLeaf = leafOf LeafRole.Hyper DType.Int64 Shape.Scalar (fun () -> float (below 1000))

    let growRandom () =
        let shape = Shape.Of(dims ())
        let stream = "s" + string (below 3)

        match below 4 with
        | 0
        | 1 ->
            let u = Ops.random RandomKind.Uniform stream dtype shape seedLeaf stepLeaf
            toReal u
            // A dropout mask: the comparison is far from every value with 24 bits.
            bools.Add(binary BinaryOp.Lt u (number 0.3000000001))
        | 2 -> toReal (Ops.random RandomKind.Normal stream dtype shape seedLeaf stepLeaf)
        | _ ->
            ints.Add(
                binary
                    BinaryOp.Mod
                    (node
                        (Cast DType.Int32)
                        [| binary
                               BinaryOp.Mod
                               (Ops.random RandomKind.Bits stream dtype shape seedLeaf stepLeaf)
                               (Expr.Scalar(DType.Int64, 1000.0)) |])
                    (Expr.Scalar(DType.Int32, 7.0))
            )

    /// The kinds of operations in all graphs so far, and how often.
    static member Seen = seen

    member _.Grow(count: int) : RandomCase =
        for _ in 1..3 do
            addExact (leafOf LeafRole.Input dtype (Shape.Of(dims ())) quarters)

        real.Add(leafOf LeafRole.Param dtype (Shape.Of(dims ())) (fun () -> rng.NextDouble() * 4.0 - 2.0))
        let state = leafOf LeafRole.State dtype (Shape.Of(dims ())) (fun () -> rng.NextDouble() * 4.0 - 2.0)
        let twin = leafOf LeafRole.State dtype state.Shape (fun () -> rng.NextDouble() * 4.0 - 2.0)
        let counter = leafOf LeafRole.State DType.Int32 (Shape.Of(dims ())) (fun () -> float (below 9 - 2))
        real.Add state
        real.Add twin
        ints.Add counter
        ints.Add(leafOf LeafRole.Input DType.Int32 (Shape.Of(dims ())) (fun () -> float (below 9 - 2)))
        bools.Add(leafOf LeafRole.Input DType.Bool (Shape.Of(dims ())) (fun () -> float (below 2)))
        addExact (Expr.Constant(values dtype (Shape.Of(dims ())) quarters))
        addExact (number (quarters ()))

        for _ in 1..count do
            match below 14 with
            | 0
            | 1 -> growMove ()
            | 2 -> growExact ()
            | 3 -> growInts ()
            | 4 -> growBools ()
            | 5
            | 6
            | 7
            | 8 -> growReal ()
            | 9 -> growLinear ()
            | 10 -> growWindow ()
            | 11 -> growIndexed ()
            | 12 -> growStructured ()
            | _ -> growRandom ()

        let last (list: List<Expr>) = list[list.Count - 1]
        let candidates =
            Seq.concat
                [ Seq.ofList [ last exact; last ints; last bools; last real ]
                  Seq.init (min 4 results.Count) (fun _ -> pick results)
                  Seq.init 2 (fun _ -> pick real) ]

        // Derivatives bring the patterns that training has.
        let gradients =
            if below 3 > 0 || results.Count = 0 then
                [||]
            else
                let total (e: Expr) =
                    if DType.isFloating e.DType then
                        node (Reduce(ReduceOp.Sum, Array.init e.Rank id)) [| node (Cast dtype) [| tame e |] |]
                    else
                        number 0.0

                let loss = total (pick results) + total (last real)

                try
                    Grad.gradients loss [| state; twin |]
                with :? GraphException ->
                    // The user's operation has no derivative.
                    [||]

        let candidates = Seq.append candidates gradients
        let outputs = candidates |> Seq.mapi (fun i e -> "o" + string i, e) |> Seq.toArray

        let updates =
            [| let target = state.Shape.ToArray()

               match below 4 with
               | 0 ->
                   // A swap: both see the old values.
                   state, twin
                   twin, state
               | 1 ->
                   let next = binary BinaryOp.Sub state (fit target (anyFloat ()) * 0.125)
                   state, next
                   twin, next
               | _ ->
                   state, binary BinaryOp.Add (state * 0.5) (fit target (anyFloat ()))
                   twin, fit target (anyFloat ())

               if below 2 = 0 then counter, counter + Expr.Scalar(DType.Int32, 1.0) |]

        let graph = { Outputs = outputs; Updates = updates }

        for e in Traverse.topological (Traverse.roots graph) do
            let name =
                match e.Op with
                | Leaf _ -> "Leaf"
                | op -> Expr.OpName op

            seen.AddOrUpdate(name, 1, (fun _ n -> n + 1)) |> ignore

        { Graph = graph
          Bindings =
            [| for struct (e, t) in bindings do
                   (e, t) |]
          Seed = seed }

module internal RandomGraph =

    let create (dtype: DType) (seed: int) (size: int) : RandomCase = Grower(dtype, seed).Grow size
