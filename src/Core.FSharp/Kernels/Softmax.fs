namespace FunctionalNet.Kernels

open System
open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// The elementwise loops of a softmax, each with one or two numbers of its row.
[<AbstractClass; Sealed>]
type internal SoftmaxLoops<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> private () =

    /// d = exp (x - shift)
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member ExpShifted(n: int, d: nativeint, x: nativeint, shift: 'T) =
        if sizeof<'T> = 4 then
            let s = Vector256.Create(shift).As<'T, float32>()
            TileLoop.map1<float32> (fun v -> VectorMath.exp (v - s)) n d x
        else
            let s = Double.CreateTruncating<'T> shift
            TileLoop.scalar1<float> (fun v -> Math.Exp(v - s)) n d x

    /// d = x / by
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Divide(n: int, d: nativeint, x: nativeint, by: 'T) =
        let s = Vector256.Create by
        TileLoop.map1<'T> (fun v -> v / s) n d x

    /// d = (x - first) - second
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Subtract(n: int, d: nativeint, x: nativeint, first: 'T, second: 'T) =
        let s = Vector256.Create first
        let t = Vector256.Create second
        TileLoop.map1<'T> (fun v -> v - s - t) n d x

    /// d = y (dy - dot)
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Pull(n: int, d: nativeint, y: nativeint, dy: nativeint, dot: 'T) =
        let s = Vector256.Create dot
        TileLoop.map2<'T> (fun v g -> v * (g - s)) n d y dy

    /// d = dy - exp y * sum
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member PullLog(n: int, d: nativeint, y: nativeint, dy: nativeint, sum: 'T) =
        if sizeof<'T> = 4 then
            let s = Vector256.Create(sum).As<'T, float32>()
            TileLoop.map2<float32> (fun v g -> g - VectorMath.exp v * s) n d y dy
        else
            let s = Double.CreateTruncating<'T> sum
            TileLoop.scalar2<float> (fun v g -> g - Math.Exp v * s) n d y dy

/// Softmax or log-softmax of each row.
[<Sealed>]
type internal SoftmaxKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T> and 'T :> IMinMaxValue<'T>>
    (isLog: bool, rows: int, n: int, x: nativeint, y: nativeint) =
    inherit Kernel()

    let grain = max 1 (8192 / max 1 n)
    let tile = 1024

    override _.Chunks(_) = if n = 0 then 0 else (rows + grain - 1) / grain

    override _.Run(_, chunk) =
        for r in chunk * grain .. min rows ((chunk + 1) * grain) - 1 do
            let at = nativeint r * nativeint n * nativeint sizeof<'T>
            let source = x + at
            let target = y + at
            let most = ReduceLoops<'T, MaxOf<'T>>.Run(source, n)

            if isLog then
                let aside = Scratch.Pointer
                let mutable sum = 'T.Zero
                let mutable i = 0

                while i < n do
                    let count = min tile (n - i)
                    SoftmaxLoops<'T>.ExpShifted(count, aside, source + nativeint (i * sizeof<'T>), most)
                    sum <- sum + ReduceLoops<'T, SumOf<'T>>.Run(aside, count)
                    i <- i + count

                let log = 'T.CreateTruncating<float>(Math.Log(Double.CreateTruncating<'T> sum))
                SoftmaxLoops<'T>.Subtract(n, target, source, most, log)
            else
                SoftmaxLoops<'T>.ExpShifted(n, target, source, most)
                SoftmaxLoops<'T>.Divide(n, target, target, ReduceLoops<'T, SumOf<'T>>.Run(target, n))

/// The gradient to the input of a softmax or log-softmax, from its result y and the gradient dy.
[<Sealed>]
type internal SoftmaxBackwardKernel<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>>
    (isLog: bool, rows: int, n: int, y: nativeint, dy: nativeint, dx: nativeint) =
    inherit Kernel()

    let grain = max 1 (8192 / max 1 n)

    override _.Chunks(_) = if n = 0 then 0 else (rows + grain - 1) / grain

    override _.Run(_, chunk) =
        for r in chunk * grain .. min rows ((chunk + 1) * grain) - 1 do
            let at = nativeint r * nativeint n * nativeint sizeof<'T>

            if isLog then
                SoftmaxLoops<'T>.PullLog(n, dx + at, y + at, dy + at, ReduceLoops<'T, SumOf<'T>>.Run(dy + at, n))
            else
                let dot = GemmVector<Lanes256<'T>, Vector256<'T>, 'T>.Dot(n, y + at, dy + at)
                SoftmaxLoops<'T>.Pull(n, dx + at, y + at, dy + at, dot)

/// Softmax over the last axis.
[<AbstractClass; Sealed>]
type internal Softmax private () =

    static member private Fail(dtype: DType) : Kernel =
        raise (
            DTypeException(
                "Softmax needs floating numbers.",
                "softmax",
                "float32 or float64",
                DType.name dtype,
                "Cast the input first."
            )
        )

    /// y = softmax x or log (softmax x) for each of `rows` rows; y may be x.
    static member Forward(dtype: DType, isLog: bool, rows: int, n: int, x: nativeint, y: nativeint) : Kernel =
        match dtype with
        | DType.Float32 -> SoftmaxKernel<float32>(isLog, rows, n, x, y)
        | DType.Float64 -> SoftmaxKernel<float>(isLog, rows, n, x, y)
        | other -> Softmax.Fail other

    /// dx from the result y and its gradient dy; dx may be either.
    static member Backward
        (dtype: DType, isLog: bool, rows: int, n: int, y: nativeint, dy: nativeint, dx: nativeint)
        : Kernel =
        match dtype with
        | DType.Float32 -> SoftmaxBackwardKernel<float32>(isLog, rows, n, y, dy, dx)
        | DType.Float64 -> SoftmaxBackwardKernel<float>(isLog, rows, n, y, dy, dx)
        | other -> Softmax.Fail other
