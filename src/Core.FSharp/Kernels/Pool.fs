namespace FunctionalNet.Kernels

open System.Globalization
open System.Numerics
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// The shapes of a pooling, channels last.
[<Sealed>]
type internal PoolSpec private (batch: int, channels: int, windows: Windows) =

    /// Spatial arguments have 1 to 3 entries.
    static member Create
        (
            batch: int,
            inSpatial: int[],
            channels: int,
            window: int[],
            strides: int[],
            dilations: int[],
            padLow: int[],
            padHigh: int[]
        ) =
        let windows = Windows(inSpatial, window, strides, dilations, padLow, padHigh)

        if windows.WindowSize > 65536 then
            raise (
                ShapeException(
                    "A pooling window is too large.",
                    "pool",
                    "at most 65536 positions",
                    windows.WindowSize.ToString CultureInfo.InvariantCulture,
                    "Use a global pooling."
                )
            )

        PoolSpec(batch, channels, windows)

    member _.Batch = batch
    member _.Channels = channels
    member _.Windows = windows

    /// Output sizes as three spatial dims.
    member _.OutSpatial = windows.Out

/// What a pooling computes.
type internal PoolKind =
    | Max = 0
    | Sum = 1
    | MaxGrad = 2
    | MaxGather = 3
    | SumGrad = 4

/// Poolings and their gradients, over rows of windows that lie inside the input, and single windows at its edges.
/// x: input-sized source; other: v of a gather (input-sized) or dy of a gradient; target: y or dx.
[<Sealed>]
type internal PoolKernel<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
    (kind: PoolKind, spec: PoolSpec, x: nativeint, other: nativeint, target: nativeint, epilogue: Epilogue) =
    inherit Kernel()

    let w = spec.Windows
    let channels = spec.Channels
    let pixel = nativeint channels * nativeint sizeof<'T>
    let isGrad = kind = PoolKind.MaxGrad || kind = PoolKind.SumGrad

    // Windows that share no position: a gradient is written once, by the row of windows that reaches it. Otherwise it
    // adds up, and an image is one chunk.
    let isDisjoint =
        [| 0..2 |]
        |> Array.forall (fun i -> w.Window[i] = 1 || (w.Dilation[i] = 1 && w.Stride[i] >= w.Window[i]))

    let byImage = isGrad && not isDisjoint

    // Rows of windows of an image, and how many make a chunk.
    let rows = w.Out[0] * w.Out[1]

    let group =
        let perRow = max 1 (w.Out[2] * channels * w.WindowSize)
        if byImage then max 1 rows else max 1 (min (max 1 rows) (32768 / perRow))

    let groups = (rows + group - 1) / group

    // The positions of a window inside, from its beginning.
    let inside =
        OffsetTable(
            Array.init w.WindowSize (fun t ->
                let k = t % w.Window[2] * w.Dilation[2]
                let j = t / w.Window[2] % w.Window[1] * w.Dilation[1]
                let i = t / (w.Window[2] * w.Window[1]) * w.Dilation[0]
                nativeint ((i * w.In[1] + j) * w.In[2] + k) * pixel)
        )

    // Columns of windows that lie inside: [first, past).
    let columnFirst = min w.Out[2] ((w.PadLow[2] + w.Stride[2] - 1) / w.Stride[2])

    let columnPast =
        let room = w.In[2] + w.PadLow[2] - (w.Window[2] - 1) * w.Dilation[2] - 1
        if room < 0 then columnFirst else max columnFirst (min w.Out[2] (room / w.Stride[2] + 1))

    let rowInside (axis: int) (o: int) =
        let first = o * w.Stride[axis] - w.PadLow[axis]
        first >= 0 && first + (w.Window[axis] - 1) * w.Dilation[axis] < w.In[axis]

    /// Lists the offsets (within an image) of the positions of a window that are inside.
    let list (d: int) (h: int) (o: int) (offsets: nativeptr<nativeint>) =
        let mutable count = 0
        let d0 = d * w.Stride[0] - w.PadLow[0]
        let h0 = h * w.Stride[1] - w.PadLow[1]
        let o0 = o * w.Stride[2] - w.PadLow[2]

        for i in 0 .. w.Window[0] - 1 do
            let a = d0 + i * w.Dilation[0]

            if uint32 a < uint32 w.In[0] then
                for j in 0 .. w.Window[1] - 1 do
                    let b = h0 + j * w.Dilation[1]

                    if uint32 b < uint32 w.In[1] then
                        let row = (a * w.In[1] + b) * w.In[2]

                        for k in 0 .. w.Window[2] - 1 do
                            let c = o0 + k * w.Dilation[2]

                            if uint32 c < uint32 w.In[2] then
                                NativePtr.set offsets count (nativeint (row + c) * pixel)
                                count <- count + 1

        count

    // The stretch of an axis of the input that a row of windows is responsible for.
    let owned (axis: int) (o: int) =
        let from (o: int) = min w.In[axis] (max 0 (o * w.Stride[axis] - w.PadLow[axis]))
        let first = if o = 0 then 0 else from o
        let past = if o = w.Out[axis] - 1 then w.In[axis] else from (o + 1)
        struct (first, past)

    override _.Chunks(_) =
        if channels = 0 || spec.Batch = 0 then 0
        elif byImage || (isGrad && w.OutSize = 0) then (if w.InSize = 0 then 0 else spec.Batch)
        elif w.OutSize = 0 then 0
        else spec.Batch * groups

    override this.Run(_, chunk) =
        let all = byImage || w.OutSize = 0
        let image = if all then chunk else chunk / groups
        let first = if all then 0 else chunk % groups * group
        let past = min rows (first + group)
        let inFirst = nativeint (image * w.InSize) * pixel
        let outFirst = nativeint (image * w.OutSize) * pixel

        if isGrad && all then Mem.zero (target + inFirst) (int64 w.InSize * int64 pixel)

        if w.OutSize > 0 then
            for row in first .. past - 1 do
                if isGrad && isDisjoint then
                    this.Clear(row, inFirst)
                    this.Row(row, inFirst, outFirst)
                    this.FinishOwned(row, image)
                else
                    this.Row(row, inFirst, outFirst)

        if all then
            epilogue.Run(image * w.InSize * channels, 1, w.InSize * channels, 0)
        elif not isGrad then
            let perRow = w.Out[2] * channels
            epilogue.Run(image * w.OutSize * channels + first * perRow, 1, (past - first) * perRow, 0)

    /// Zeros what a row of disjoint windows is responsible for and does not reach. What it reaches is left alone where windows
    /// stand side by side: the gradient may be written over the source.
    member private _.Clear(row: int, inFirst: nativeint) =
        let struct (a0, a1) = owned 0 (row / w.Out[1])
        let struct (b0, b1) = owned 1 (row % w.Out[1])

        let reaches axis o i =
            let k = i - (o * w.Stride[axis] - w.PadLow[axis])
            k >= 0 && k < w.Window[axis]

        for a in a0 .. a1 - 1 do
            for b in b0 .. b1 - 1 do
                let at = target + inFirst + nativeint ((a * w.In[1] + b) * w.In[2]) * pixel

                if w.Stride[2] = w.Window[2] && reaches 0 (row / w.Out[1]) a && reaches 1 (row % w.Out[1]) b then
                    let past = w.Out[2] * w.Stride[2] - w.PadLow[2]

                    if past < w.In[2] then
                        Mem.zero (at + nativeint past * pixel) (int64 (w.In[2] - past) * int64 pixel)
                else
                    Mem.zero at (int64 w.In[2] * int64 pixel)

    /// Hands on what a row of disjoint windows is responsible for.
    member private _.FinishOwned(row: int, image: int) =
        if not epilogue.IsNone then
            let struct (a0, a1) = owned 0 (row / w.Out[1])
            let struct (b0, b1) = owned 1 (row % w.Out[1])

            for a in a0 .. a1 - 1 do
                let at = image * w.InSize + (a * w.In[1] + b0) * w.In[2]
                if b1 > b0 then
                    epilogue.Run(at * channels, 1, (b1 - b0) * w.In[2] * channels, 0)

    /// One row of windows.
    [<FullyOptimized>]
    member private this.Row(row: int, inFirst: nativeint, outFirst: nativeint) =
        let z = row / w.Out[1]
        let y = row % w.Out[1]
        let at = outFirst + nativeint (row * w.Out[2]) * pixel
        let isInside = columnPast > columnFirst && rowInside 0 z && rowInside 1 y
        let first = if isInside then columnFirst else w.Out[2]
        let past = if isInside then columnPast else w.Out[2]

        for o in 0 .. first - 1 do
            this.Edge(z, y, o, inFirst, at)

        if isInside then
            let d = z * w.Stride[0] - w.PadLow[0]
            let h = y * w.Stride[1] - w.PadLow[1]
            let c = first * w.Stride[2] - w.PadLow[2]
            let from = inFirst + nativeint ((d * w.In[1] + h) * w.In[2] + c) * pixel
            this.Apply(past - first, inside.From 0, w.WindowSize, from, at + nativeint first * pixel)

        for o in past .. w.Out[2] - 1 do
            this.Edge(z, y, o, inFirst, at)

    /// A window that may reach outside.
    member private this.Edge(z: int, y: int, o: int, inFirst: nativeint, at: nativeint) =
        let offsets = NativePtr.ofNativeInt<nativeint> Scratch.Pointer
        this.Apply(1, offsets, list z y o offsets, inFirst, at + nativeint o * pixel)

    /// Windows side by side, from byte `from` of the input side and byte `at` of the output side on.
    [<FullyOptimized>]
    member private _.Apply(count: int, offsets: nativeptr<nativeint>, taps: int, from: nativeint, at: nativeint) =
        let row: PoolRow =
            { Count = count
              Step = nativeint w.Stride[2] * pixel
              Taps = taps
              Offsets = offsets
              Channels = channels }

        match kind with
        | PoolKind.Max -> PoolRows<'W, 'V, 'T>.Max(row, x + from, target + at)
        | PoolKind.Sum -> PoolRows<'W, 'V, 'T>.Sum(row, x + from, target + at)
        | PoolKind.SumGrad -> PoolRows<'W, 'V, 'T>.SumGrad(row, other + at, target + from, not isDisjoint)
        | PoolKind.MaxGrad -> PoolRows<'W, 'V, 'T>.MaxGrad(row, x + from, other + at, target - x, not isDisjoint)
        | _ -> PoolRows<'W, 'V, 'T>.MaxGather(row, x + from, target + at, other - x)

/// Max and sum pooling, channels last, with their gradients.
[<AbstractClass; Sealed>]
type internal Pool private () =

    static member private Make
        (kind: PoolKind, width: Width, dtype: DType, spec: PoolSpec, x, other, target, epilogue: Epilogue option)
        : Kernel =
        let e = defaultArg epilogue Epilogue.None

        match dtype, width with
        | DType.Float32, Width.W512 ->
            PoolKernel<Lanes512<float32>, Vector512<float32>, float32>(kind, spec, x, other, target, e)
        | DType.Float32, Width.W256 ->
            PoolKernel<Lanes256<float32>, Vector256<float32>, float32>(kind, spec, x, other, target, e)
        | DType.Float32, _ ->
            PoolKernel<Lanes128<float32>, Vector128<float32>, float32>(kind, spec, x, other, target, e)
        | DType.Float64, Width.W512 ->
            PoolKernel<Lanes512<float>, Vector512<float>, float>(kind, spec, x, other, target, e)
        | DType.Float64, Width.W256 ->
            PoolKernel<Lanes256<float>, Vector256<float>, float>(kind, spec, x, other, target, e)
        | DType.Float64, _ -> PoolKernel<Lanes128<float>, Vector128<float>, float>(kind, spec, x, other, target, e)
        | t, _ ->
            raise (
                DTypeException(
                    "Pooling needs floating numbers.",
                    "pool",
                    "float32 or float64",
                    DType.name t,
                    "Cast the input first."
                )
            )

    /// The largest of each window; padding never wins, NaN does.
    static member Max(width: Width, dtype: DType, spec: PoolSpec, x: nativeint, y: nativeint, ?epilogue: Epilogue) =
        Pool.Make(PoolKind.Max, width, dtype, spec, x, 0n, y, epilogue)

    /// The sum of each window.
    static member Sum(width: Width, dtype: DType, spec: PoolSpec, x: nativeint, y: nativeint, ?epilogue: Epilogue) =
        Pool.Make(PoolKind.Sum, width, dtype, spec, x, 0n, y, epilogue)

    /// dx: each dy goes to the first largest position of its window. It may be written over x if strides are as long as windows
    /// and there is no epilogue.
    static member MaxGrad
        (width: Width, dtype: DType, spec: PoolSpec, x: nativeint, dy: nativeint, dx: nativeint, ?epilogue: Epilogue)
        =
        Pool.Make(PoolKind.MaxGrad, width, dtype, spec, x, dy, dx, epilogue)

    /// y: the v (of the input's shape) at the first largest position of each window of x.
    static member MaxGather
        (width: Width, dtype: DType, spec: PoolSpec, x: nativeint, v: nativeint, y: nativeint, ?epilogue: Epilogue)
        =
        Pool.Make(PoolKind.MaxGather, width, dtype, spec, x, v, y, epilogue)

    /// dx: each dy goes to all positions of its window.
    static member SumGrad
        (width: Width, dtype: DType, spec: PoolSpec, dy: nativeint, dx: nativeint, ?epilogue: Epilogue)
        =
        Pool.Make(PoolKind.SumGrad, width, dtype, spec, 0n, dy, dx, epilogue)
