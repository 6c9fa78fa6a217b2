namespace FunctionalNet.Kernels

open System
open System.Globalization
open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet
open FunctionalNet.Kernels.Lanes

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

/// Poolings and their gradients: the positions of a window are listed once for all channels, which are the vector lanes.
/// x: input-sized source (also v of a gather comes with it); y: output-sized; d: the other array.
[<Sealed>]
type internal PoolKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (kind: PoolKind, spec: PoolSpec, x: nativeint, other: nativeint, target: nativeint, epilogue: Epilogue) =
    inherit Kernel()

    let w = spec.Windows
    let channels = spec.Channels
    let size = nativeint sizeof<'T>
    let lanes = 32 / sizeof<'T>
    let isGrad = kind = PoolKind.MaxGrad || kind = PoolKind.SumGrad
    let inBytes = nativeint w.InSize * nativeint channels * size
    let outBytes = nativeint w.OutSize * nativeint channels * size

    // Gradients add up where windows overlap, so an image is one chunk; otherwise rows of the output are shared out.
    let rows = w.Out[0] * w.Out[1]
    let perRow = max 1 (w.Out[2] * channels * w.WindowSize)
    let group = if isGrad then max 1 rows else max 1 (min (max 1 rows) (65536 / perRow))
    let groups = (rows + group - 1) / group

    /// Lists the byte offsets (within an image) of the positions of a window that are inside.
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
                                NativePtr.set offsets count (nativeint (row + c) * nativeint channels * size)
                                count <- count + 1

        count

    let lowest = Vector256.Create('T.CreateTruncating<float> Double.NegativeInfinity)

    override _.Chunks(_) =
        if channels = 0 || spec.Batch = 0 then 0
        elif isGrad then (if w.InSize = 0 then 0 else spec.Batch)
        elif w.OutSize = 0 then 0
        else spec.Batch * groups

    override this.Run(_, chunk) =
        let offsets = NativePtr.ofNativeInt<nativeint> Scratch.Pointer
        let image = if isGrad then chunk else chunk / groups
        let first = if isGrad then 0 else chunk % groups * group

        if isGrad then Mem.zero (target + nativeint image * inBytes) (int64 inBytes)

        for row in first .. min rows (first + group) - 1 do
            for o in 0 .. w.Out[2] - 1 do
                let count = list (row / w.Out[1]) (row % w.Out[1]) o offsets
                let at = nativeint (row * w.Out[2] + o) * nativeint channels * size + nativeint image * outBytes
                let source = nativeint image * inBytes
                let mutable c = 0

                while c < channels do
                    this.Pixel(
                        offsets,
                        count,
                        source + nativeint c * size,
                        at + nativeint c * size,
                        min lanes (channels - c)
                    )
                    c <- c + lanes

        if isGrad then
            epilogue.Run(image * w.InSize * channels, 1, w.InSize * channels, 0)
        else
            let last = min rows (first + group)
            let perRow = w.Out[2] * channels
            epilogue.Run(image * w.OutSize * channels + first * perRow, 1, (last - first) * perRow, 0)

    member inline private _.Read(p: nativeint, n: int) = if n = 32 / sizeof<'T> then load<'T> p else loadFirst<'T> p n

    member inline private _.Write(p: nativeint, n: int, v: Vector256<'T>) =
        if n = 32 / sizeof<'T> then store p v else storeFirst p n v

    /// The largest of the listed elements; NaN if one is NaN.
    member inline private this.Largest(offsets: nativeptr<nativeint>, count: int, source: nativeint, n: int) =
        let mutable best = lowest

        for i in 0 .. count - 1 do
            best <- Vector256.Max(best, this.Read(x + source + NativePtr.get offsets i, n))

        best

    /// The `n` channels that start at byte `source` of the input side and byte `at` of the output side.
    [<FullyOptimized>]
    member private this.Pixel(offsets: nativeptr<nativeint>, count: int, source: nativeint, at: nativeint, n: int) =
        match kind with
        | PoolKind.Max -> this.Write(target + at, n, this.Largest(offsets, count, source, n))
        | PoolKind.Sum ->
            let mutable sum = Vector256<'T>.Zero

            for i in 0 .. count - 1 do
                sum <- sum + this.Read(x + source + NativePtr.get offsets i, n)

            this.Write(target + at, n, sum)
        | PoolKind.SumGrad ->
            let dy = this.Read(other + at, n)

            for i in 0 .. count - 1 do
                let p = target + source + NativePtr.get offsets i
                this.Write(p, n, this.Read(p, n) + dy)
        | _ ->
            let best = this.Largest(offsets, count, source, n)
            let noNumber = Vector256.OnesComplement(Vector256.Equals(best, best))
            let mutable free = Vector256<'T>.AllBitsSet
            let mutable picked = Vector256<'T>.Zero
            let dy = if kind = PoolKind.MaxGrad then this.Read(other + at, n) else picked

            for i in 0 .. count - 1 do
                let offset = source + NativePtr.get offsets i
                let v = this.Read(x + offset, n)
                let isNaN = Vector256.OnesComplement(Vector256.Equals(v, v))
                // The first position that holds the largest element, or the first NaN.
                let here = free &&& (Vector256.Equals(v, best) ||| (noNumber &&& isNaN))
                free <- Vector256.AndNot(free, here)

                if kind = PoolKind.MaxGrad then
                    let p = target + offset
                    this.Write(p, n, this.Read(p, n) + (dy &&& here))
                else
                    picked <- picked ||| (this.Read(other + offset, n) &&& here)

            if kind = PoolKind.MaxGather then this.Write(target + at, n, picked)

/// Max and sum pooling, channels last, with their gradients.
[<AbstractClass; Sealed>]
type internal Pool private () =

    static member private Make
        (kind: PoolKind, dtype: DType, spec: PoolSpec, x, other, target, epilogue: Epilogue option)
        : Kernel =
        let epilogue = defaultArg epilogue Epilogue.None

        match dtype with
        | DType.Float32 -> PoolKernel<float32>(kind, spec, x, other, target, epilogue)
        | DType.Float64 -> PoolKernel<float>(kind, spec, x, other, target, epilogue)
        | t ->
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
    static member Max(dtype: DType, spec: PoolSpec, x: nativeint, y: nativeint, ?epilogue: Epilogue) =
        Pool.Make(PoolKind.Max, dtype, spec, x, 0n, y, epilogue)

    /// The sum of each window.
    static member Sum(dtype: DType, spec: PoolSpec, x: nativeint, y: nativeint, ?epilogue: Epilogue) =
        Pool.Make(PoolKind.Sum, dtype, spec, x, 0n, y, epilogue)

    /// dx: each dy goes to the first largest position of its window.
    static member MaxGrad
        (dtype: DType, spec: PoolSpec, x: nativeint, dy: nativeint, dx: nativeint, ?epilogue: Epilogue)
        =
        Pool.Make(PoolKind.MaxGrad, dtype, spec, x, dy, dx, epilogue)

    /// y: the v (of the input's shape) at the first largest position of each window of x.
    static member MaxGather
        (dtype: DType, spec: PoolSpec, x: nativeint, v: nativeint, y: nativeint, ?epilogue: Epilogue)
        =
        Pool.Make(PoolKind.MaxGather, dtype, spec, x, v, y, epilogue)

    /// dx: each dy goes to all positions of its window.
    static member SumGrad(dtype: DType, spec: PoolSpec, dy: nativeint, dx: nativeint, ?epilogue: Epilogue) =
        Pool.Make(PoolKind.SumGrad, dtype, spec, 0n, dy, dx, epilogue)
