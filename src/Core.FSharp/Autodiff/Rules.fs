namespace FunctionalNet.Autodiff

open System
open FunctionalNet
open FunctionalNet.Graph

/// The derivative of every primitive, in the same primitives: so derivatives have derivatives.
module internal Rules =

    let private node op (inputs: Expr[]) = Expr.Node(op, inputs)

    let private zero (e: Expr) = OpsSupport.like e 0.0

    let private one (e: Expr) = OpsSupport.like e 1.0

    /// Whether a derivative flows from a node to its input i. Integers and truth values never carry one.
    let carries (op: Op) (i: int) =
        match op with
        | StopGradient
        | ArgReduce _
        | ArgSort _
        | Random _ -> false
        | Unary u ->
            match u with
            | UnaryOp.Sign
            | UnaryOp.Floor
            | UnaryOp.Ceil
            | UnaryOp.Round -> false
            | _ -> true
        | Binary BinaryOp.FloorDiv -> false
        // The place of a maximum is constant almost everywhere.
        | MaxPoolGrad _
        | MaxPoolGather _ -> i = 1
        | _ -> true

    let private unary (op: UnaryOp) (x: Expr) (y: Expr) (g: Expr) : Expr =
        match op with
        | UnaryOp.Neg -> -g
        | UnaryOp.Abs -> g * Ops.sign x
        | UnaryOp.Reciprocal -> -(g * Ops.square y)
        | UnaryOp.Square -> g * (x * 2.0)
        | UnaryOp.Sqrt -> g * 0.5 / y
        | UnaryOp.Rsqrt -> g * -0.5 * (y * Ops.square y)
        | UnaryOp.Exp -> g * y
        | UnaryOp.Expm1 -> g * Ops.exp x
        | UnaryOp.Log -> g / x
        | UnaryOp.Log1p -> g / (x + 1.0)
        | UnaryOp.Sin -> g * Ops.cos x
        | UnaryOp.Cos -> -(g * Ops.sin x)
        | UnaryOp.Tan -> g * (Ops.square y + 1.0)
        | UnaryOp.Asin -> g * Ops.rsqrt (1.0 - Ops.square x)
        | UnaryOp.Acos -> -(g * Ops.rsqrt (1.0 - Ops.square x))
        | UnaryOp.Atan -> g / (Ops.square x + 1.0)
        | UnaryOp.Sinh -> g * Ops.cosh x
        | UnaryOp.Cosh -> g * Ops.sinh x
        | UnaryOp.Asinh -> g * Ops.rsqrt (Ops.square x + 1.0)
        | UnaryOp.Acosh -> g * Ops.rsqrt (Ops.square x - 1.0)
        | UnaryOp.Atanh -> g / (1.0 - Ops.square x)
        | UnaryOp.Tanh -> g * (1.0 - Ops.square y)
        | UnaryOp.Sigmoid -> g * (y * (1.0 - y))
        | UnaryOp.Softplus -> g * Ops.sigmoid x
        // The result is positive exactly where the argument is, so the argument need not be kept.
        | UnaryOp.Relu -> Ops.where (Ops.greater y (zero y)) g (zero g)
        | UnaryOp.Erf -> g * (Ops.exp (-(Ops.square x)) * (2.0 / sqrt Math.PI))
        | UnaryOp.Erfinv -> g * (Ops.exp (Ops.square y) * (sqrt Math.PI / 2.0))
        | _ -> Ops.zerosLike x

    /// The value of a scalar constant, seen through broadcasts and reshapes.
    let rec private constantOf (e: Expr) =
        match e.Op with
        | Constant t when t.Size = 1 -> ValueSome(t.ToDoubles()[0])
        | Broadcast _
        | Reshape _ -> constantOf e.Inputs[0]
        | _ -> ValueNone

    let private powBase (a: Expr) (b: Expr) (g: Expr) =
        match constantOf b with
        | ValueSome 0.0 -> Ops.zerosLike g
        | ValueSome 1.0 -> g
        | ValueSome 2.0 -> g * (a * 2.0)
        | ValueSome c -> g * (Ops.powScalar (c - 1.0) a * c)
        | ValueNone ->
            // At b = 0 the derivative is 0 even where a^(b - 1) is infinite.
            let flat = Ops.equal b (zero b)
            Ops.where flat (zero g) (g * (b * Ops.pow a (Ops.where flat (one b) (b - 1.0))))

    let private binary (op: BinaryOp) (a: Expr) (b: Expr) (y: Expr) (g: Expr) (i: int) : Expr =
        let first = i = 0

        match op with
        | BinaryOp.Add -> g
        | BinaryOp.Sub -> if first then g else -g
        | BinaryOp.Mul -> g * (if first then b else a)
        | BinaryOp.Div -> if first then g / b else -(g * y / b)
        | BinaryOp.Mod -> if first then g else -(g * Ops.floorDivide a b)
        | BinaryOp.Pow when first -> powBase a b g
        | BinaryOp.Pow ->
            // 0^b and negative bases have no useful derivative to the exponent: 0.
            let positive = Ops.greater a (zero a)
            g * (y * Ops.where positive (Ops.log (Ops.where positive a (one a))) (zero a))
        | BinaryOp.Atan2 -> (if first then g * b else -(g * a)) / (Ops.square a + Ops.square b)
        | BinaryOp.Max
        | BinaryOp.Min ->
            let won = if op = BinaryOp.Max then Ops.greaterEqual a b else Ops.lessEqual a b
            if first then Ops.where won g (zero g) else Ops.where won (zero g) g
        | _ -> Ops.zerosLike g

    /// The cotangent of a reduction, with the reduced axes back at full size.
    let private spread (axes: int[]) (x: Expr) (g: Expr) =
        OpsSupport.reshapeTo (Shape.keepAxes axes x.Shape) g |> OpsSupport.broadcastTo x.Shape

    /// The derivative of the product over the last axis of x (rows, n), by halves: no division, so zeros do no harm.
    let rec private productGradient (x: Expr) (g: Expr) : Expr =
        let n = x.Shape[1]

        if n = 0 then
            Ops.zerosLike x
        elif n = 1 then
            OpsSupport.insertAxis 1 g
        else
            let half = (n + 1) / 2
            let a = OpsSupport.sliceAxis 1 0 half x
            let b = OpsSupport.sliceAxis 1 half n x |> Ops.pad [| struct (0, 0); struct (0, 2 * half - n) |] 1.0
            let inner = productGradient (a * b) g
            OpsSupport.sliceAxis 1 0 n (Ops.concatenate 1 [| inner * b; inner * a |])

    let private reduce (op: ReduceOp) (axes: int[]) (x: Expr) (y: Expr) (g: Expr) : Expr =
        match op with
        | ReduceOp.Sum -> spread axes x g
        | ReduceOp.Prod ->
            let kept = [| 0 .. x.Rank - 1 |] |> Array.except axes
            let perm = Array.append kept axes
            let count = axes |> Array.fold (fun n a -> n * x.Shape[a]) 1
            let moved = OpsSupport.permute perm x
            let rows = OpsSupport.reshapeTo (Shape.Of(y.Shape.Size, count)) moved
            let gradient = productGradient rows (OpsSupport.reshapeTo (Shape.Of y.Shape.Size) g)
            let inverse = Array.init perm.Length (fun i -> Array.IndexOf(perm, i))
            OpsSupport.permute inverse (OpsSupport.reshapeTo moved.Shape gradient)
        | _ ->
            let winners = Ops.cast x.DType (Ops.equal x (spread axes x y))
            let share = g / OpsSupport.reduce ReduceOp.Sum axes false winners
            winners * spread axes x share

    let private slice (starts: int[]) (steps: int[]) (x: Expr) (g: Expr) =
        let high =
            Array.init x.Rank (fun i ->
                let n = g.Shape[i]
                x.Shape[i] - starts[i] - (if n = 0 then 0 else (n - 1) * steps[i] + 1))

        if Array.forall2 (fun a b -> a = 0 && b = 0) starts high && Array.forall (fun s -> s = 1) steps then
            g
        else
            node (Pad(starts, high, Array.map (fun s -> s - 1) steps, 0.0)) [| g |]

    let private pad (low: int[]) (high: int[]) (interior: int[]) (x: Expr) (g: Expr) =
        let none = Array.zeroCreate low.Length
        let spaced = node (Pad(Array.map (~-) low, Array.map (~-) high, none, 0.0)) [| g |]

        if Array.forall (fun s -> s = 0) interior then
            spaced
        else
            node (Slice(none, spaced.Shape.ToArray(), Array.map ((+) 1) interior)) [| spaced |]
            |> OpsSupport.reshapeTo x.Shape

    let private matmul ta tb (a: Expr) (b: Expr) (g: Expr) i =
        match i, ta, tb with
        | 0, false, _ -> node (MatMul(false, not tb)) [| g; b |]
        | 0, true, _ -> node (MatMul(tb, true)) [| b; g |]
        | _, _, false -> node (MatMul(not ta, false)) [| a; g |]
        | _ -> node (MatMul(true, ta)) [| g; a |]

    /// The cotangent of input i of a primitive with one result, from the result's cotangent.
    let cotangent (y: Expr) (g: Expr) (i: int) : Expr =
        let x = y.Inputs[i]
        let input k = y.Inputs[k]

        match y.Op with
        | Unary u -> unary u x y g
        | Binary b -> OpsSupport.sumTo x.Shape (binary b (input 0) (input 1) y g i)
        | Select ->
            let part = if i = 1 then Ops.where (input 0) g (zero g) else Ops.where (input 0) (zero g) g
            OpsSupport.sumTo x.Shape part
        | Cast _ -> Ops.cast x.DType g
        | Broadcast _ -> OpsSupport.sumTo x.Shape g
        | Reshape _ -> OpsSupport.reshapeTo x.Shape g
        | Transpose perm -> OpsSupport.permute (Array.init perm.Length (fun k -> Array.IndexOf(perm, k))) g
        | Slice(starts, _, steps) -> slice starts steps x g
        | Pad(low, high, interior, _) -> pad low high interior x g
        | Concat axis ->
            let start = y.Inputs[.. i - 1] |> Array.sumBy (fun e -> e.Shape[axis])
            OpsSupport.sliceAxis axis start (start + x.Shape[axis]) g
        | Reverse axes -> node (Reverse axes) [| g |]
        | Reduce(r, axes) -> reduce r axes x y g
        | CumSum(axis, exclusive, reverse) -> node (CumSum(axis, exclusive, not reverse)) [| g |]
        | MatMul(ta, tb) -> OpsSupport.sumTo x.Shape (matmul ta tb (input 0) (input 1) g i)
        | Conv spec when i = 0 -> node (ConvInputGrad(spec, x.Shape)) [| g; input 1 |]
        | Conv spec -> node (ConvKernelGrad(spec, x.Shape)) [| input 0; g |]
        | ConvInputGrad(spec, _) when i = 0 -> node (Conv spec) [| g; input 1 |]
        | ConvInputGrad(spec, _) -> node (ConvKernelGrad(spec, x.Shape)) [| g; input 0 |]
        | ConvKernelGrad(spec, _) when i = 0 -> node (ConvInputGrad(spec, x.Shape)) [| input 1; g |]
        | ConvKernelGrad(spec, _) -> node (Conv spec) [| input 0; g |]
        | MaxPool spec -> node (MaxPoolGrad spec) [| x; g |]
        | MaxPoolGrad spec -> node (MaxPoolGather spec) [| input 0; g |]
        | MaxPoolGather spec -> node (MaxPoolGrad spec) [| input 0; g |]
        | SumPool spec -> node (SumPoolGrad(spec, x.Shape)) [| g |]
        | SumPoolGrad(spec, _) -> node (SumPool spec) [| g |]
        | Gather axis -> node (ScatterAdd(axis, x.Shape[axis])) [| input 1; g |]
        | ScatterAdd(axis, _) -> node (Gather axis) [| g; input 0 |]
        | TakeAlong axis -> node (ScatterAlong(axis, x.Shape[axis])) [| input 1; g |]
        | ScatterAlong(axis, _) -> node (TakeAlong axis) [| g; input 0 |]
        | Leaf _
        | Constant _
        | Iota _
        | Random _
        | StopGradient
        | ArgReduce _
        | ArgSort _
        | Structured _
        | Project _ -> Ops.zerosLike x
