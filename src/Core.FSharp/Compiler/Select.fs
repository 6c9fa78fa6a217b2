namespace FunctionalNet.Compiler

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// A user's operation as a kernel of one chunk.
[<Sealed>]
type internal CustomKernel(operation: CustomOperation, arguments: CustomArguments) =
    inherit Kernel()
    override _.Chunks(_) = 1
    override _.Run(_, _) = operation.Compute arguments

/// Which kernel does the work of an instruction, with what workspace.
module internal Select =

    let private product (dims: int[]) = Array.fold (*) 1 dims

    /// Sizes before, of, and after an axis.
    let private around (shape: Shape) (axis: int) =
        let d = shape.ToArray()
        struct (product d[.. axis - 1], d[axis], product d[axis + 1 ..])

    let private lastAxis (shape: Shape) =
        let n = shape[-1]
        struct ((if n = 0 then 0 else shape.Size / n), n)

    let private unsupported (op: Op) (hint: string) : 'T =
        raise (GraphException("No kernel does this operation.", Expr.OpName op, "", "", hint))

    /// What an operation that is not elementwise becomes, on contiguous operands.
    let work (op: Op) (inputs: TensorType[]) (outputs: TensorType[]) : Work =
        match op with
        | Structured(:? Graph.Softmax) ->
            let struct (rows, n) = lastAxis outputs[0].Shape
            SoftmaxRows(false, rows, n)
        | Structured(:? Graph.LogSoftmax) ->
            let struct (rows, n) = lastAxis outputs[0].Shape
            SoftmaxRows(true, rows, n)
        | Structured(:? Graph.Scan)
        | MatMul _ -> unsupported op "It has an emitter of its own."
        | _ -> Primitive(op, inputs, outputs)

    let private convSpec (spec: FunctionalNet.Graph.ConvSpec) (x: Shape) (kernel: Shape) =
        let rank = spec.Strides.Length

        FunctionalNet.Kernels.ConvSpec.Create(
            x[0],
            x.ToArray()[1..rank],
            x[-1],
            kernel[-1],
            kernel.ToArray()[.. rank - 1],
            spec.Strides,
            spec.Dilations,
            spec.PadLow,
            spec.PadHigh,
            spec.Groups
        )

    let private poolSpec (spec: FunctionalNet.Graph.PoolSpec) (x: Shape) =
        let rank = spec.Window.Length

        FunctionalNet.Kernels.PoolSpec.Create(
            x[0],
            x.ToArray()[1..rank],
            x[-1],
            spec.Window,
            spec.Strides,
            Array.create rank 1,
            spec.PadLow,
            spec.PadHigh
        )

    let private reduceOp (op: FunctionalNet.Graph.ReduceOp) = enum<FunctionalNet.Kernels.ReduceKind>(int op)

    let private reduced (axes: int[]) (shape: Shape) = Array.init shape.Rank (fun i -> Array.contains i axes)

    /// True when there is nothing to compute.
    let private isNothing (outputs: TensorType[]) = outputs |> Array.forall (fun t -> t.Shape.Size = 0)

    let private int8Form = Int8Product.Forms[0]

    /// Bytes of the second operand, prepared for the work; 0 if preparing it would gain nothing.
    let preparedBytes (work: Work) : int64 =
        match work with
        | MatMuls m when
            m.OffsetsC.Length = 1 && Gemm.GainsFromPacking(m.DType, m.TransposeA, m.TransposeB, m.M, m.N, m.K)
            ->
            Gemm.PackedBytes(m.DType, m.N, m.K)
        | Primitive(Conv spec, inputs, outputs) when not (isNothing outputs) ->
            let spec = convSpec spec inputs[0].Shape inputs[1].Shape
            let design = ConvPrepared.Design(Width.current, inputs[0].DType, spec)
            ConvPrepared.Bytes(design, Width.current, inputs[0].DType, spec)
        | Primitive(Structured(:? Int8Matrix), inputs, outputs) when not (isNothing outputs) ->
            let w = inputs[1].Shape
            Int8Product.PackedBytes(int8Form, w[0], w[1])
        | _ -> 0L

    /// The kernel that prepares the second operand, which lies at `source` for the work as it is.
    let preparation (work: Work) (source: nativeint) (target: nativeint) : Kernel =
        match work with
        | MatMuls m ->
            let at = source + nativeint m.OffsetsB[0] * nativeint (DType.size m.DType)
            Gemm.Pack(m.DType, m.TransposeB, m.N, m.K, at, m.Ldb, target)
        | Primitive(Conv spec, inputs, _) ->
            let dtype = inputs[0].DType
            let spec = convSpec spec inputs[0].Shape inputs[1].Shape
            let design = ConvPrepared.Design(Width.current, dtype, spec)
            ConvPrepared.Prepare(design, Width.current, dtype, spec, source, target)
        | Primitive(Structured(:? Int8Matrix), inputs, _) ->
            let w = inputs[1].Shape
            Int8Product.Pack(int8Form, w[0], w[1], source, target)
        | _ -> EmptyKernel.Instance

    /// A convolution with its shapes; whether its weights come prepared.
    let private (|Convolution|_|) (work: Work) =
        match work with
        | Primitive(Conv spec, inputs, _) ->
            Some(struct (false, inputs[0].DType, convSpec spec inputs[0].Shape inputs[1].Shape))
        | Prepacked(Primitive(Conv spec, inputs, _)) ->
            Some(struct (true, inputs[0].DType, convSpec spec inputs[0].Shape inputs[1].Shape))
        | _ -> None

    /// Whether work is a convolution whose kernel takes a `ConvEnding`.
    let canEnd (work: Work) : bool =
        match work with
        | Convolution(struct (isPrepared, dtype, spec)) -> ConvMethod.CanEnd(isPrepared, Width.current, dtype, spec)
        | _ -> false

    /// Whether work is a convolution that can pool its results and say which positions it kept.
    let canPlace (work: Work) : bool =
        match work with
        | Convolution(struct (isPrepared, dtype, spec)) -> ConvMethod.CanPlace(isPrepared, Width.current, dtype, spec)
        | _ -> false

    /// Whether work is a gradient of a convolution whose kernel can spread the gradient of a pooling itself; where it is to the
    /// source, also whether its kernel masks results.
    let isQuickGradient (work: Work) : bool =
        match work with
        | Primitive(ConvInputGrad(spec, x), inputs, _) ->
            ConvMethod.IsQuickToSource(Width.current, inputs[0].DType, convSpec spec x inputs[1].Shape)
        | Primitive(ConvKernelGrad(spec, w), inputs, _) ->
            ConvMethod.IsQuickToWeights(Width.current, inputs[0].DType, convSpec spec inputs[0].Shape w)
        | _ -> false

    /// Bytes that the kernel needs while it runs.
    let rec workspace (work: Work) : int64 =
        match work with
        | Prepacked(Primitive(Conv spec, inputs, _)) ->
            let spec = convSpec spec inputs[0].Shape inputs[1].Shape
            let design = ConvPrepared.Design(Width.current, inputs[0].DType, spec)
            ConvPrepared.Workspace(design, Width.current, inputs[0].DType, spec)
        | Prepacked(Primitive(Structured(:? Int8Matrix), inputs, _)) ->
            let struct (rows, k) = lastAxis inputs[0].Shape
            Int8Product.Workspace(int8Form, rows, k, inputs[1].Shape[1], true)
        | Primitive(_, _, outputs) when isNothing outputs -> 0L
        | Loop loop -> loop.Workspace
        | RegionSums(region, cut) ->
            int64 region.Summed.Length * cut.PartialBytes(DType.size (TileOps.dtypeOf region.Domain))
        | WithEpilogue(work, _)
        | Unpooled work
        | Masked work
        | Pooled work -> workspace work
        | InParts p ->
            let own = Array.last (Parts.places p)
            own
            + (Parts.rows p |> Array.map (fun (struct (_, n)) -> workspace (Parts.ofRows n p.Work)) |> Array.max)
        | MatMuls m when m.OffsetsC.Length = 1 -> Gemm.Workspace(m.DType, m.TransposeA, m.TransposeB, m.M, m.N, m.K)
        | Primitive(op, inputs, _) ->
            match op with
            | SelectSequence.Sequence sequence -> SelectSequence.workspace sequence inputs
            | SelectAttention.Attention attention -> SelectAttention.workspace attention inputs
            | Structured(:? Int8Matrix) ->
                let struct (rows, k) = lastAxis inputs[0].Shape
                Int8Product.Workspace(int8Form, rows, k, inputs[1].Shape[1], false)
            | Reduce(_, axes) ->
                let x = inputs[0]
                Kernels.Reduce.Workspace(x.DType, x.Shape.ToArray(), reduced axes x.Shape)
            | Conv spec ->
                ConvMethod.ForwardWorkspace(
                    Width.current,
                    inputs[0].DType,
                    convSpec spec inputs[0].Shape inputs[1].Shape
                )
            | ConvInputGrad(spec, x) ->
                ConvMethod.InputGradWorkspace(Width.current, inputs[0].DType, convSpec spec x inputs[1].Shape)
            | ConvKernelGrad(spec, w) ->
                ConvMethod.KernelGradWorkspace(Width.current, inputs[0].DType, convSpec spec inputs[0].Shape w)
            | ArgSort(axis, _) ->
                let struct (outer, n, inner) = around inputs[0].Shape axis
                Kernels.ArgSort.Workspace(inputs[0].DType, outer, n, inner)
            | _ -> 0L
        | _ -> 0L

    /// The value's bits in the low bytes.
    let private bitsOf (dtype: DType) (value: float) : int64 =
        match dtype with
        | DType.Float32 -> int64 (BitConverter.SingleToUInt32Bits(float32 value))
        | DType.BFloat16 -> int64 (BFloat16.OfSingle(float32 value).Bits)
        | DType.Float64 -> BitConverter.DoubleToInt64Bits value
        | DType.Int32 -> int64 (uint32 (int value))
        | DType.Int64 -> int64 value
        | _ -> if value <> 0.0 then 1L else 0L

    let private pad (low: int[]) (interior: int[]) (value: float) (x: Operand) (y: TensorType) src dst : Kernel =
        let size = DType.size y.DType
        let out = y.Shape.ToArray()
        let outStrides = Shape.strides y.Shape
        let rank = out.Length
        // Per axis: the first and the count of source elements that land inside.
        let first = Array.zeroCreate rank
        let dims = Array.zeroCreate rank

        for i in 0 .. rank - 1 do
            let n, step = x.View.Dims[i], interior[i] + 1
            let f = if low[i] >= 0 then 0 else (-low[i] + step - 1) / step
            let stop = if out[i] <= low[i] then 0 else min n ((out[i] - 1 - low[i]) / step + 1)
            first[i] <- f
            dims[i] <- max 0 (stop - f)

        let fill = Fill.Create(size, y.Shape.Size, dst, bitsOf y.DType value)

        if Array.contains 0 dims then
            fill
        else
            let mutable from = 0
            let mutable target = 0

            for i in 0 .. rank - 1 do
                from <- from + first[i] * x.View.Strides[i]
                target <- target + (low[i] + first[i] * (interior[i] + 1)) * outStrides[i]

            let copy =
                StridedCopy.Create(
                    size,
                    dims,
                    src + nativeint from * nativeint size,
                    x.View.Strides,
                    dst + nativeint target * nativeint size,
                    Array.map2 (fun s i -> s * (i + 1)) outStrides interior
                )

            if dims = out then copy else SequenceKernel [| fill; copy |]

    let private concat (axis: int) (inputs: Operand[]) (y: TensorType) (src: nativeint[]) dst : Kernel =
        let size = DType.size y.DType
        let strides = Shape.strides y.Shape
        let mutable at = 0

        let parts =
            inputs
            |> Array.mapi (fun i x ->
                let target = dst + nativeint (at * strides[axis]) * nativeint size
                at <- at + x.View.Dims[axis]
                StridedCopy.Create(size, x.View.Dims, src[i], x.View.Strides, target, strides))

        if parts.Length = 1 then parts[0] else SequenceKernel parts

    let private primitive
        (op: Op)
        (inputs: TensorType[])
        (outputs: TensorType[])
        (operands: Operand[])
        (src: nativeint[])
        (dst: nativeint[])
        (work: nativeint)
        (epilogue: Epilogue)
        : Kernel =
        let y = outputs[0]
        let to' = dst[0]

        match op with
        | SelectSequence.Sequence sequence -> SelectSequence.kernel sequence inputs src dst work
        | SelectAttention.Attention attention -> SelectAttention.kernel attention inputs src dst work
        | Structured(:? Int8Matrix) ->
            let struct (rows, k) = lastAxis inputs[0].Shape
            let n = inputs[1].Shape[1]
            Int8Product.Create(int8Form, rows, k, n, src[0], src[1], false, src[2], to', work, epilogue)
        | Random spec ->
            match spec.Kind with
            | Graph.RandomKind.Uniform -> RandomFill.Uniform(y.DType, y.Shape.Size, src[0], src[1], spec.Stream, to')
            | Graph.RandomKind.Coarse -> RandomFill.Coarse(y.DType, y.Shape.Size, src[0], src[1], spec.Stream, to')
            | Graph.RandomKind.Normal -> RandomFill.Normal(y.DType, y.Shape.Size, src[0], src[1], spec.Stream, to')
            | _ -> RandomFill.Bits(y.Shape.Size, src[0], src[1], spec.Stream, to')
        | Pad(low, _, interior, value) -> pad low interior value operands[0] y src[0] to'
        | Concat axis -> concat axis operands y src to'
        | Reduce(_, [||]) -> Copy.Create(int64 y.Shape.Size * int64 (DType.size y.DType), src[0], to')
        | Reduce(r, axes) ->
            let x = inputs[0]
            Kernels.Reduce.Create(reduceOp r, x.DType, x.Shape.ToArray(), reduced axes x.Shape, src[0], to', work)
        | ArgReduce(largest, axis) ->
            let struct (outer, n, inner) = around inputs[0].Shape axis
            Kernels.ArgReduce.Create(largest, inputs[0].DType, outer, n, inner, src[0], to')
        | CumSum(axis, exclusive, reverse) ->
            let struct (outer, n, inner) = around inputs[0].Shape axis
            Kernels.CumSum.Create(y.DType, exclusive, reverse, outer, n, inner, src[0], to')
        | ArgSort(axis, descending) ->
            let struct (outer, n, inner) = around inputs[0].Shape axis
            Kernels.ArgSort.Create(inputs[0].DType, descending, outer, n, inner, src[0], to', work)
        | Conv spec ->
            ConvMethod.Forward(
                Width.current,
                y.DType,
                convSpec spec inputs[0].Shape inputs[1].Shape,
                src[0],
                src[1],
                to',
                work,
                epilogue
            )
        | ConvInputGrad(spec, x) ->
            ConvMethod.InputGrad(
                Width.current,
                y.DType,
                convSpec spec x inputs[1].Shape,
                src[0],
                src[1],
                to',
                work,
                epilogue
            )
        | ConvKernelGrad(spec, w) ->
            ConvMethod.KernelGrad(
                Width.current,
                y.DType,
                convSpec spec inputs[0].Shape w,
                src[0],
                src[1],
                to',
                work,
                epilogue
            )
        | MaxPool spec -> Pool.Max(Width.current, y.DType, poolSpec spec inputs[0].Shape, src[0], to', epilogue)
        | SumPool spec -> Pool.Sum(Width.current, y.DType, poolSpec spec inputs[0].Shape, src[0], to', epilogue)
        | MaxPoolGrad spec ->
            Pool.MaxGrad(Width.current, y.DType, poolSpec spec inputs[0].Shape, src[0], src[1], to', epilogue)
        | MaxPoolGather spec ->
            Pool.MaxGather(Width.current, y.DType, poolSpec spec inputs[0].Shape, src[0], src[1], to', epilogue)
        | SumPoolGrad(spec, x) -> Pool.SumGrad(Width.current, y.DType, poolSpec spec x, src[0], to', epilogue)
        | Gather axis ->
            let struct (outer, n, inner) = around inputs[0].Shape axis
            Take.Create(DType.size y.DType, inputs[1].DType, outer, n, inner, inputs[1].Shape.Size, src[0], src[1], to')
        | ScatterAdd(axis, size) ->
            let struct (outer, _, inner) = around y.Shape axis
            Kernels.ScatterAdd.Create(
                y.DType,
                inputs[0].DType,
                outer,
                size,
                inner,
                inputs[0].Shape.Size,
                src[0],
                src[1],
                to'
            )
        | TakeAlong axis ->
            let struct (outer, n, inner) = around inputs[0].Shape axis
            let count = inputs[1].Shape[axis]
            TakeAlongAxis.Create(DType.size y.DType, inputs[1].DType, outer, n, inner, count, src[0], src[1], to')
        | ScatterAlong(axis, size) ->
            let struct (outer, count, inner) = around inputs[0].Shape axis
            ScatterAlongAxis.Create(y.DType, inputs[0].DType, outer, size, inner, count, src[0], src[1], to')
        | Structured(:? CustomNode as custom) ->
            CustomKernel(custom.Operation, CustomArguments(src, inputs, dst, outputs))
        | other -> unsupported other "Composites are decomposed before this point."

    /// The kernel of a gradient of a convolution by Winograd's method: `places` are those of the pooling whose gradient it reads,
    /// `mask` is of its results; 0 for none.
    let private quickGradient (work: Work) (src: nativeint[]) target workspace (places: nativeint) mask epilogue =
        match work with
        | Primitive(ConvInputGrad(spec, x), inputs, _) ->
            ConvMethod.InputGrad(
                Width.current,
                inputs[0].DType,
                convSpec spec x inputs[1].Shape,
                src[0],
                src[1],
                target,
                workspace,
                epilogue,
                places,
                { ConvEnding.None with Mask = mask }
            )
        | Primitive(ConvKernelGrad(spec, w), inputs, _) ->
            ConvMethod.KernelGrad(
                Width.current,
                inputs[0].DType,
                convSpec spec inputs[0].Shape w,
                src[0],
                src[1],
                target,
                workspace,
                epilogue,
                places
            )
        | _ -> EmptyKernel.Instance

    /// The kernel of a convolution, with what follows it, whose results are ended in registers, if that can be.
    let private ended (work: Work) (src: nativeint[]) (target: nativeint) (workspace: nativeint) pools places =
        let convolution, ending =
            match work with
            | WithEpilogue(Convolution(struct (_, _, spec)) as convolution, e) when e.Target = 0 ->
                convolution, Endings.ofEpilogue e spec.OutChannels src
            | _ -> work, ValueSome ConvEnding.None

        match convolution, ending with
        | Convolution(struct (isPrepared, dtype, spec)), ValueSome ending when
            canEnd convolution
            && (ending.Addend = 0n || ConvMethod.CanAdd(isPrepared, Width.current, dtype, spec))
            ->
            let ending = { ending with Pools = pools; Places = places }

            ValueSome(
                ConvMethod.Ended(isPrepared, Width.current, dtype, spec, src[0], src[1], target, workspace, ending)
            )
        | _ -> ValueNone

    let rec private kernelOf
        (step: Step)
        (kind: Work)
        (src: nativeint[])
        (dst: nativeint[])
        (work: nativeint)
        (results: TensorType[])
        (epilogue: Epilogue)
        : Kernel =
        match kind with
        | _ when isNothing results -> EmptyKernel.Instance
        | WithEpilogue(InParts p, e) -> inParts step p src dst work results (ValueSome e)
        | InParts p -> inParts step p src dst work results ValueNone
        | Pooled convolution ->
            let places = if dst.Length > 1 then dst[1] else 0n
            (ended convolution src dst[0] work true places).Value
        | _ ->
            match (if epilogue.IsNone then ended kind src dst[0] work false 0n else ValueNone) with
            | ValueSome kernel -> kernel
            | ValueNone -> plainKernelOf step kind src dst work results epilogue

    and private plainKernelOf
        (step: Step)
        (kind: Work)
        (src: nativeint[])
        (dst: nativeint[])
        (work: nativeint)
        (results: TensorType[])
        (epilogue: Epilogue)
        : Kernel =
        match kind with
        | WithEpilogue(kind, e) ->
            let inputs = Array.skip e.FirstInput src
            inputs[e.Source] <- dst[e.Target]
            let outputs = Array.truncate e.Region.Outputs.Length dst
            let ending =
                ElementwiseEpilogue(ElementwiseKernel(e.Region.Program, e.Region.Size, inputs, outputs), e.Source)
            kernelOf step kind src [| dst[e.Target] |] work [| results[e.Target] |] ending
        | Elementwise region -> ElementwiseKernel(region.Program, region.Size, src, dst)
        | RegionSums(region, cut) ->
            let stored = region.Outputs.Length
            let kernel = ElementwiseKernel(region.Program, region.Size, src, Array.truncate stored dst)
            RegionSumsKernel(kernel, cut, results[stored].DType, Array.skip stored dst, work)
        | CopyOf ->
            let o = step.Inputs[0]
            let size = DType.size o.DType

            if View.isContiguous o.View then
                Copy.Create(int64 (View.size o.View) * int64 size, src[0], dst[0])
            else
                let struct (d, s) = Strides.collapse o.View.Dims o.View.Strides
                StridedCopy.Create(size, d, src[0], s, dst[0], Shape.strides (Shape.ofArray d))
        | MatMuls m ->
            if m.OffsetsC.Length = 1 then
                let at (p: nativeint) (offset: int) = p + nativeint offset * nativeint (DType.size m.DType)

                Gemm.Create(
                    m.DType,
                    m.TransposeA,
                    m.TransposeB,
                    m.M,
                    m.N,
                    m.K,
                    at src[0] m.OffsetsA[0],
                    m.Lda,
                    at src[1] m.OffsetsB[0],
                    m.Ldb,
                    dst[0],
                    m.Ldc,
                    epilogue,
                    work
                )
            else
                Gemm.CreateBatched(
                    m.DType,
                    m.TransposeA,
                    m.TransposeB,
                    m.M,
                    m.N,
                    m.K,
                    src[0],
                    m.Lda,
                    m.OffsetsA,
                    src[1],
                    m.Ldb,
                    m.OffsetsB,
                    dst[0],
                    m.Ldc,
                    m.OffsetsC,
                    epilogue
                )
        | SoftmaxRows(log, rows, n) -> Softmax.Forward(results[0].DType, log, rows, n, src[0], dst[0])
        | SoftmaxGradRows(log, rows, n) -> Softmax.Backward(results[0].DType, log, rows, n, src[0], src[1], dst[0])
        | Prepacked(MatMuls m) ->
            let at (p: nativeint) (offset: int) = p + nativeint offset * nativeint (DType.size m.DType)

            Gemm.CreatePacked(
                m.DType,
                m.TransposeA,
                m.M,
                m.N,
                m.K,
                at src[0] m.OffsetsA[0],
                m.Lda,
                src[1],
                dst[0],
                m.Ldc,
                epilogue
            )
        | Prepacked(Primitive(Conv spec, inputs, _)) ->
            let dtype = inputs[0].DType
            let spec = convSpec spec inputs[0].Shape inputs[1].Shape
            let design = ConvPrepared.Design(Width.current, dtype, spec)
            ConvPrepared.Forward(design, Width.current, dtype, spec, src[0], src[1], dst[0], work, epilogue)
        | Prepacked(Primitive(Structured(:? Int8Matrix), inputs, _)) ->
            let struct (rows, k) = lastAxis inputs[0].Shape
            let n = inputs[1].Shape[1]
            Int8Product.Create(int8Form, rows, k, n, src[0], src[1], true, src[2], dst[0], work, epilogue)
        | Prepacked work' -> kernelOf step work' src dst work results epilogue
        | Unpooled gradient -> quickGradient gradient src dst[0] work src[2] 0n epilogue
        | Masked(Unpooled gradient) -> quickGradient gradient src dst[0] work src[2] src[3] Epilogue.None
        | Masked gradient -> quickGradient gradient src dst[0] work 0n src[2] Epilogue.None
        | Primitive(op, inputs, outputs) -> primitive op inputs outputs step.Inputs src dst work epilogue
        | Pooled _
        | InParts _
        | Loop _ -> EmptyKernel.Instance

    /// One part after the other: what is narrow is widened, the kernel runs on it, and so does its end. Where parts are added up, the
    /// end comes last.
    and private inParts step (p: PartsWork) (src: nativeint[]) (dst: nativeint[]) (work: nativeint) results ending =
        let places = Parts.places p
        let operands = p.Narrow.Length
        let room (i: int) = work + nativeint places[i]
        let after = room (operands + 1)
        let width = Width.current
        let addsUp = p.ResultRow = 0
        // The result of the first row, or of all, as if all rows were there.
        let target =
            match ending with
            | ValueSome e when not p.InWork -> dst[e.Target]
            | _ -> dst[0]

        let region (result: nativeint) : ElementwiseKernel voption =
            match ending with
            | ValueSome e ->
                let inputs = Array.skip e.FirstInput src
                inputs[e.Source] <- result
                let outputs = Array.truncate e.Region.Outputs.Length dst
                ValueSome(ElementwiseKernel(e.Region.Program, e.Region.Size, inputs, outputs))
            | ValueNone -> ValueNone

        let part (struct (first: int, n: int)) : Kernel[] =
            let offset (rowSize: int) = 4n * nativeint first * nativeint rowSize

            let sources =
                Array.init operands (fun i ->
                    if p.Narrow[i] then room i
                    elif p.RowSizes[i] = 0 then src[i]
                    else src[i] + offset p.RowSizes[i])

            let result =
                if p.InWork || (addsUp && first > 0) then room operands
                elif addsUp then target
                else target + offset p.ResultRow

            let epilogue =
                match ending with
                | ValueSome e when not addsUp ->
                    match region (result - offset p.ResultRow) with
                    | ValueSome kernel ->
                        ShiftedEpilogue(ElementwiseEpilogue(kernel, e.Source), first * p.ResultRow) :> Epilogue
                    | ValueNone -> Epilogue.None
                | _ -> Epilogue.None

            let work = Parts.ofRows n p.Work

            // Results in 16 bits that the kernel rounds itself.
            let narrow =
                match ending, work with
                | ValueSome e, Convolution(struct (isPrepared, dtype, spec)) when p.InWork && canEnd work ->
                    match Endings.ofEpilogue e spec.OutChannels src with
                    | ValueSome ending when ending.IsNarrow ->
                        let place = dst[0] + 2n * nativeint first * nativeint p.ResultRow
                        let x, w = sources[0], sources[1]
                        ValueSome(ConvMethod.Ended(isPrepared, width, dtype, spec, x, w, place, after, ending))
                    | _ -> ValueNone
                | _ -> ValueNone

            [| for i in 0 .. operands - 1 do
                   if p.Narrow[i] then
                       let from = src[i] + 2n * nativeint first * nativeint p.RowSizes[i]
                       WidenKernel(n * p.RowSizes[i], from, room i, width) :> Kernel
               match narrow with
               | ValueSome kernel -> kernel
               | ValueNone -> kernelOf step work sources [| result |] after results epilogue
               if addsUp && first > 0 then AddToKernel(p.ResultSize, result, target, width) |]

        let parts = Parts.rows p |> Array.collect part

        match region target with
        | ValueSome kernel when addsUp -> SequenceKernel(Array.append parts [| kernel |])
        | _ -> SequenceKernel parts

    /// The kernel of an instruction with its pointers: of operands (at their offsets), of results, of the workspace.
    let kernel (step: Step) (src: nativeint[]) (dst: nativeint[]) (work: nativeint) (results: TensorType[]) : Kernel =
        kernelOf step step.Work src dst work results Epilogue.None
