namespace FunctionalNet.Graph

open System
open FunctionalNet

/// <summary>What does not fit when an operation is applied: turned into an exception where the node is built.</summary>
type TypeError =
    /// Shapes do not fit.
    | ShapeMismatch of expected: string * actual: string * hint: string
    /// Element types do not fit.
    | DTypeMismatch of expected: string * actual: string * hint: string

/// <summary>The one place where the type of every operation's result is decided. Pure.</summary>
module Typing =

    let private typed dtype shape = { DType = dtype; Shape = shape }

    let private shapes (inputs: TensorType[]) = String.Join(" and ", inputs |> Array.map (fun t -> t.Shape.ToString()))

    let private dtypes (inputs: TensorType[]) = String.Join(" and ", inputs |> Array.map (fun t -> DType.name t.DType))

    let private shapeError expected actual hint = Error(ShapeMismatch(expected, actual, hint))

    let private dtypeError expected actual hint = Error(DTypeMismatch(expected, actual, hint))

    let private one t = Ok [| t |]

    let private requireFloat (x: TensorType) next =
        if DType.isFloating x.DType then
            next ()
        else
            dtypeError "float32 or float64" (DType.name x.DType) "Convert with Cast first."

    let private requireInteger (x: TensorType) next =
        if DType.isInteger x.DType then
            next ()
        else
            dtypeError "integer indices" (DType.name x.DType) "Convert the indices with Cast to int32."

    let private requireAxis (x: TensorType) axis next =
        if axis >= 0 && axis < x.Shape.Rank then
            next ()
        else
            shapeError ("an axis within 0.." + string (x.Shape.Rank - 1)) (string axis) "Axes count from 0."

    let private sameDType (inputs: TensorType[]) next =
        if inputs |> Array.forall (fun t -> t.DType = inputs[0].DType) then
            next ()
        else
            dtypeError
                "operands of one dtype"
                (dtypes inputs)
                "Convert one operand with Cast; nothing is converted silently."

    let private broadcastAll (inputs: TensorType[]) next =
        let step (acc: Shape option) (t: TensorType) = acc |> Option.bind (fun s -> Shape.broadcast s t.Shape)

        match Array.fold step (Some Shape.Scalar) inputs with
        | Some shape -> next shape
        | None ->
            shapeError
                "shapes that broadcast: sizes equal or 1, compared from the last axis"
                (shapes inputs)
                "Reshape one operand so that its sizes line up from the right."

    let private unary op (x: TensorType) =
        match op with
        | UnaryOp.Not ->
            if x.DType = DType.Bool then
                one x
            else
                dtypeError "bool" (DType.name x.DType) "Compare first, for example x > 0."
        | UnaryOp.IsNaN
        | UnaryOp.IsFinite -> requireFloat x (fun () -> one { x with DType = DType.Bool })
        | UnaryOp.Neg
        | UnaryOp.Abs
        | UnaryOp.Sign
        | UnaryOp.Square
        | UnaryOp.Relu ->
            if x.DType = DType.Bool then dtypeError "a number" "bool" "Convert with Cast first." else one x
        | _ -> requireFloat x (fun () -> one x)

    let private binary op (inputs: TensorType[]) =
        sameDType inputs (fun () ->
            broadcastAll inputs (fun shape ->
                let dtype = inputs[0].DType

                match op with
                | BinaryOp.And
                | BinaryOp.Or
                | BinaryOp.Xor ->
                    if dtype = DType.Bool then
                        one (typed dtype shape)
                    else
                        dtypeError "bool" (DType.name dtype) "Compare first, for example x > 0."
                | BinaryOp.Eq
                | BinaryOp.Ne
                | BinaryOp.Lt
                | BinaryOp.Le
                | BinaryOp.Gt
                | BinaryOp.Ge -> one (typed DType.Bool shape)
                | BinaryOp.Div
                | BinaryOp.Pow
                | BinaryOp.Atan2 ->
                    if DType.isFloating dtype then
                        one (typed dtype shape)
                    else
                        dtypeError "float32 or float64" (DType.name dtype) "Convert with Cast, or use FloorDivide."
                | _ ->
                    if dtype = DType.Bool then
                        dtypeError "numbers" "bool" "Convert with Cast, or use the logical operators."
                    else
                        one (typed dtype shape)))

    let private matmul ta tb (inputs: TensorType[]) =
        let a, b = inputs[0].Shape, inputs[1].Shape

        sameDType inputs (fun () ->
            requireFloat inputs[0] (fun () ->
                if a.Rank < 2 || b.Rank < 2 then
                    shapeError "operands of rank 2 or more" (shapes inputs) "Add an axis with ExpandDims."
                else
                    let m, k = if ta then a[-1], a[-2] else a[-2], a[-1]
                    let k2, n = if tb then b[-1], b[-2] else b[-2], b[-1]
                    let batch (s: Shape) = Shape.Of(s.ToArray()[.. s.Rank - 3])

                    if k <> k2 then
                        shapeError
                            ("inner sizes that agree: (" + string m + ", " + string k + ") by (" + string k + ", n)")
                            (shapes inputs)
                            "The last axis of the first must equal the second-to-last of the second."
                    else
                        match Shape.broadcast (batch a) (batch b) with
                        | Some outer ->
                            one (typed inputs[0].DType (Shape.Of(Array.append (outer.ToArray()) [| m; n |])))
                        | None -> shapeError "batch axes that broadcast" (shapes inputs) "Reshape the leading axes."))

    let private spatialOut (x: Shape) (window: int[]) (strides: int[]) (dilations: int[]) low high =
        Array.init window.Length (fun i ->
            Shape.slidingLength x[i + 1] window[i] strides[i] dilations[i] (Array.get low i) (Array.get high i))

    /// The shape of a convolution's result, from the shapes of input and kernel.
    let internal convShape (spec: ConvSpec) (x: Shape) (kernel: Shape) =
        let rank = spec.Strides.Length
        let window = kernel.ToArray()[.. rank - 1]
        let out = spatialOut x window spec.Strides spec.Dilations spec.PadLow spec.PadHigh
        Shape.Of(Array.concat [ [| x[0] |]; out; [| kernel[-1] |] ])

    let private conv (spec: ConvSpec) (dtype: DType) (x: Shape) (kernel: Shape) next =
        let rank = spec.Strides.Length
        let actual = "input " + x.ToString() + ", kernel " + kernel.ToString()

        if x.Rank <> rank + 2 || kernel.Rank <> rank + 2 then
            shapeError
                ("rank " + string (rank + 2) + ": input (batch, " + string rank + " spatial, channels)")
                actual
                "Images without a channel axis need one: reshape (n, h, w) to (n, h, w, 1)."
        elif x[-1] <> kernel[-2] * spec.Groups then
            shapeError
                ("input channels = kernel channels x groups = " + string (kernel[-2] * spec.Groups))
                actual
                "Channels are the last axis of the input."
        elif kernel[-1] % spec.Groups <> 0 then
            shapeError "filters divisible by groups" actual "Change filters or groups."
        else
            let out = convShape spec x kernel

            if out.ToArray()[1..rank] |> Array.exists (fun d -> d <= 0) then
                shapeError "an input at least as large as the kernel" actual "Use padding \"same\" or a smaller kernel."
            else
                next (typed dtype out)

    /// The shape of a pooling's result.
    let internal poolShape (spec: PoolSpec) (x: Shape) =
        let out =
            spatialOut x spec.Window spec.Strides (Array.map (fun _ -> 1) spec.Window) spec.PadLow spec.PadHigh

        Shape.Of(Array.concat [ [| x[0] |]; out; [| x[-1] |] ])

    let private pool (spec: PoolSpec) (x: TensorType) next =
        requireFloat x (fun () ->
            if x.Shape.Rank <> spec.Window.Length + 2 then
                shapeError
                    ("rank " + string (spec.Window.Length + 2) + ": (batch, spatial, channels)")
                    (x.Shape.ToString())
                    "Channels are the last axis."
            else
                let out = poolShape spec x.Shape

                if out.ToArray() |> Array.skip 1 |> Array.exists (fun d -> d <= 0) then
                    shapeError
                        "an input at least as large as the window"
                        (x.Shape.ToString())
                        "Use padding \"same\" or a smaller window."
                else
                    next out)

    let private equalShape (expected: Shape) (actual: TensorType) next =
        if actual.Shape.Equals expected then
            next ()
        else
            shapeError
                (expected.ToString())
                (actual.Shape.ToString())
                "Operands of a derivative must match the forward shapes."

    let private slice (starts: int[]) (limits: int[]) (steps: int[]) (x: TensorType) =
        let shape = x.Shape

        let fits i = steps[i] > 0 && starts[i] >= 0 && starts[i] <= limits[i] && limits[i] <= shape[i]

        if starts.Length <> shape.Rank || not (Array.forall fits [| 0 .. shape.Rank - 1 |]) then
            shapeError
                ("0 <= start <= limit <= size and step > 0 on every axis of " + shape.ToString())
                ("starts " + String.Join(",", starts) + "; limits " + String.Join(",", limits))
                "Check the ranges."
        else
            let dims = Array.init shape.Rank (fun i -> (limits[i] - starts[i] + steps[i] - 1) / steps[i])
            one { x with Shape = Shape.Of dims }

    let private pad (low: int[]) (high: int[]) (interior: int[]) (x: TensorType) =
        if low.Length <> x.Shape.Rank then
            shapeError
                ("one padding per axis of " + x.Shape.ToString())
                (string low.Length + " paddings")
                "Give a pair for every axis."
        else
            let dims =
                Array.init low.Length (fun i ->
                    let n = x.Shape[i]
                    low[i] + high[i] + n + (max (n - 1) 0) * interior[i])

            if Array.exists (fun d -> d < 0) dims then
                shapeError "a result of size 0 or more" (x.Shape.ToString()) "Crop less."
            else
                one { x with Shape = Shape.Of dims }

    let private concat axis (inputs: TensorType[]) =
        sameDType inputs (fun () ->
            requireAxis inputs[0] axis (fun () ->
                let first = inputs[0].Shape

                let fits (t: TensorType) =
                    t.Shape.Rank = first.Rank
                    && Array.forall (fun i -> i = axis || t.Shape[i] = first[i]) [| 0 .. first.Rank - 1 |]

                if not (Array.forall fits inputs) then
                    shapeError
                        ("equal sizes off axis " + string axis)
                        (shapes inputs)
                        "Only the joined axis may differ."
                else
                    let dims = first.ToArray()
                    dims[axis] <- inputs |> Array.sumBy (fun t -> t.Shape[axis])
                    one { inputs[0] with Shape = Shape.Of dims }))

    let private reduce op (axes: int[]) (x: TensorType) =
        if
            axes |> Array.exists (fun a -> a < 0 || a >= x.Shape.Rank)
            || (Array.distinct axes).Length <> axes.Length
        then
            shapeError ("distinct axes of " + x.Shape.ToString()) (String.Join(", ", axes)) "Axes count from 0."
        else
            let result = { x with Shape = Shape.removeAxes axes x.Shape }
            let logical = op = ReduceOp.Any || op = ReduceOp.All

            if logical && x.DType <> DType.Bool then
                dtypeError "bool" (DType.name x.DType) "Compare first, for example x > 0."
            elif not logical && x.DType = DType.Bool then
                dtypeError "a number" "bool" "Convert with Cast first."
            elif (op = ReduceOp.Max || op = ReduceOp.Min) && axes |> Array.exists (fun a -> x.Shape[a] = 0) then
                shapeError
                    "at least one element to choose from"
                    (x.Shape.ToString())
                    "A maximum of nothing does not exist."
            else
                one result

    let private gather axis (x: TensorType) (indices: TensorType) =
        requireInteger indices (fun () ->
            requireAxis x axis (fun () ->
                let dims = x.Shape.ToArray()

                one
                    { x with
                        Shape =
                            Shape.Of(Array.concat [ dims[.. axis - 1]; indices.Shape.ToArray(); dims[axis + 1 ..] ]) }))

    let private scatterAdd axis size (indices: TensorType) (updates: TensorType) =
        requireInteger indices (fun () ->
            let u, rank = updates.Shape.ToArray(), indices.Shape.Rank

            if axis < 0 || axis + rank > u.Length || u[axis .. axis + rank - 1] <> indices.Shape.ToArray() then
                shapeError
                    ("updates whose axes from " + string axis + " are the indices' shape " + indices.Shape.ToString())
                    (updates.Shape.ToString())
                    "The shapes must be those of a Gather's result."
            else
                one { updates with Shape = Shape.Of(Array.concat [ u[.. axis - 1]; [| size |]; u[axis + rank ..] ]) })

    let private along axis (x: TensorType) (indices: TensorType) next =
        requireInteger indices (fun () ->
            requireAxis x axis (fun () ->
                let fits i = i = axis || x.Shape[i] = indices.Shape[i]

                if x.Shape.Rank <> indices.Shape.Rank || not (Array.forall fits [| 0 .. x.Shape.Rank - 1 |]) then
                    shapeError
                        ("indices shaped as " + x.Shape.ToString() + " off axis " + string axis)
                        (indices.Shape.ToString())
                        "Only the taken axis may differ."
                else
                    next ()))

    let private scalarInt64 (inputs: TensorType[]) next =
        if inputs |> Array.forall (fun t -> t.DType = DType.Int64 && t.Shape.Rank = 0) then
            next ()
        else
            dtypeError
                "seed and step as int64 scalars"
                (String.Join(" and ", inputs |> Array.map string))
                "Use the scope's random functions."

    /// The number of inputs, where it is fixed.
    let private arity op =
        match op with
        | Leaf _
        | Constant _
        | Iota _ -> 0
        | Unary _
        | Cast _
        | StopGradient
        | Broadcast _
        | Reshape _
        | Transpose _
        | Slice _
        | Pad _
        | Reverse _
        | Reduce _
        | ArgReduce _
        | CumSum _
        | ArgSort _
        | MaxPool _
        | SumPool _
        | SumPoolGrad _
        | Project _ -> 1
        | Select -> 3
        | Concat _
        | Structured _ -> -1
        | _ -> 2

    /// True for operations that move numbers and compute nothing: those that take 8-bit and 16-bit numbers, beside Cast.
    let private onlyMoves op =
        match op with
        | Cast _
        | StopGradient
        | Broadcast _
        | Reshape _
        | Transpose _
        | Slice _
        | Reverse _
        | Concat _
        | Gather _
        | Structured _ -> true
        | _ -> false

    /// <summary>The types of an operation's results for inputs of those types. Leaves and projections are not decided here:
    /// their types come with the node.</summary>
    let infer (op: Op) (inputs: TensorType[]) : Result<TensorType[], TypeError> =
        let expected = arity op

        if (expected >= 0 && inputs.Length <> expected) || (expected < 0 && inputs.Length = 0) then
            shapeError
                (string expected + " operands")
                (string inputs.Length)
                "This is an error in the code that builds the node."
        elif inputs |> Array.exists (fun t -> t.DType = DType.Int8) && not (onlyMoves op) then
            dtypeError "a type to compute in" "int8" "Convert with Cast first; 8-bit numbers are for keeping weights."
        elif inputs |> Array.exists (fun t -> t.DType = DType.BFloat16) && not (onlyMoves op) then
            dtypeError
                "a type to compute in"
                "bfloat16"
                "Convert with Cast first; 16-bit numbers are for keeping values."
        else
            match op with
            | Leaf _
            | Project _ -> shapeError "a type given with the node" "none" "Use the constructors of Expr."
            | Constant t -> one (typed t.DType t.Shape)
            | Iota(t, axis) -> requireAxis t axis (fun () -> one t)
            | Random spec -> scalarInt64 inputs (fun () -> one spec.Type)
            | Unary u -> unary u inputs[0]
            | Binary b -> binary b inputs
            | Select ->
                if inputs[0].DType <> DType.Bool then
                    dtypeError "a bool condition" (DType.name inputs[0].DType) "Compare first, for example x > 0."
                else
                    sameDType inputs[1..] (fun () -> broadcastAll inputs (fun s -> one (typed inputs[1].DType s)))
            | Cast DType.Int8 when inputs[0].DType <> DType.Int8 ->
                dtypeError
                    "a type to compute in"
                    "int8"
                    "Weights become 8-bit numbers outside of graphs, by the quantisation of a model."
            | Cast t when
                t <> inputs[0].DType
                && (t = DType.BFloat16 && inputs[0].DType <> DType.Float32
                    || inputs[0].DType = DType.BFloat16 && t <> DType.Float32)
                ->
                dtypeError
                    "float32, of which bfloat16 is the upper half"
                    (DType.name (if t = DType.BFloat16 then inputs[0].DType else t))
                    "Convert to float32 in between, as Ops.cast does."
            | Cast t -> one { inputs[0] with DType = t }
            | StopGradient -> one inputs[0]
            | Broadcast shape ->
                match Shape.broadcast inputs[0].Shape shape with
                | Some s when s.Equals shape -> one { inputs[0] with Shape = shape }
                | _ ->
                    shapeError
                        ("a shape that broadcasts to " + shape.ToString())
                        (inputs[0].Shape.ToString())
                        "Sizes must be equal or 1."
            | Reshape shape ->
                if shape.Size = inputs[0].Shape.Size then
                    one { inputs[0] with Shape = shape }
                else
                    shapeError
                        (string inputs[0].Shape.Size + " elements, as in " + inputs[0].Shape.ToString())
                        (shape.ToString())
                        "The product of the sizes must stay the same."
            | Transpose perm ->
                if Array.sort perm <> Array.init inputs[0].Shape.Rank id then
                    shapeError
                        ("an order of the axes 0.." + string (inputs[0].Shape.Rank - 1))
                        (String.Join(", ", perm))
                        "Name every axis once."
                else
                    one { inputs[0] with Shape = Shape.Of(perm |> Array.map (fun i -> inputs[0].Shape[i])) }
            | Slice(starts, limits, steps) -> slice starts limits steps inputs[0]
            | Pad(low, high, interior, _) -> pad low high interior inputs[0]
            | Concat axis -> concat axis inputs
            | Reverse axes ->
                if axes |> Array.forall (fun a -> a >= 0 && a < inputs[0].Shape.Rank) then
                    one inputs[0]
                else
                    shapeError ("axes of " + inputs[0].Shape.ToString()) (String.Join(", ", axes)) "Axes count from 0."
            | Reduce(r, axes) -> reduce r axes inputs[0]
            | ArgReduce(_, axis) ->
                requireAxis inputs[0] axis (fun () ->
                    one (typed DType.Int32 (Shape.removeAxes [| axis |] inputs[0].Shape)))
            | CumSum(axis, _, _) -> requireAxis inputs[0] axis (fun () -> one inputs[0])
            | ArgSort(axis, _) -> requireAxis inputs[0] axis (fun () -> one { inputs[0] with DType = DType.Int32 })
            | MatMul(ta, tb) -> matmul ta tb inputs
            | Conv spec ->
                sameDType inputs (fun () ->
                    requireFloat inputs[0] (fun () -> conv spec inputs[0].DType inputs[0].Shape inputs[1].Shape one))
            | ConvInputGrad(spec, inputShape) ->
                sameDType inputs (fun () ->
                    conv spec inputs[0].DType inputShape inputs[1].Shape (fun y ->
                        equalShape y.Shape inputs[0] (fun () -> one (typed inputs[0].DType inputShape))))
            | ConvKernelGrad(spec, kernelShape) ->
                sameDType inputs (fun () ->
                    conv spec inputs[0].DType inputs[0].Shape kernelShape (fun y ->
                        equalShape y.Shape inputs[1] (fun () -> one (typed inputs[0].DType kernelShape))))
            | MaxPool spec
            | SumPool spec -> pool spec inputs[0] (fun s -> one { inputs[0] with Shape = s })
            | MaxPoolGrad spec -> pool spec inputs[0] (fun s -> equalShape s inputs[1] (fun () -> one inputs[0]))
            | MaxPoolGather spec ->
                pool spec inputs[0] (fun s ->
                    equalShape inputs[0].Shape inputs[1] (fun () -> one { inputs[0] with Shape = s }))
            | SumPoolGrad(spec, inputShape) ->
                pool spec (typed inputs[0].DType inputShape) (fun s ->
                    equalShape s inputs[0] (fun () -> one { inputs[0] with Shape = inputShape }))
            | Gather axis -> gather axis inputs[0] inputs[1]
            | ScatterAdd(axis, size) -> scatterAdd axis size inputs[0] inputs[1]
            | TakeAlong axis ->
                along axis inputs[0] inputs[1] (fun () -> one { inputs[0] with Shape = inputs[1].Shape })
            | ScatterAlong(axis, size) ->
                requireInteger inputs[0] (fun () ->
                    requireAxis inputs[1] axis (fun () ->
                        equalShape inputs[0].Shape inputs[1] (fun () ->
                            let dims = inputs[1].Shape.ToArray()
                            dims[axis] <- size
                            one { inputs[1] with Shape = Shape.Of dims })))
            | Structured s ->
                match s.Infer inputs with
                | Ok types -> Ok types
                | Error text -> shapeError text (shapes inputs) ("See the requirements of " + s.Name + ".")
