namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics
open FunctionalNet

/// Softmax or log-softmax of each row.
[<Sealed>]
type internal SoftmaxKernel(loops: SoftmaxLoops, isLog: bool, rows: int, rowBytes: nativeint, n: int, x, y) =
    inherit Kernel()

    let grain = max 1 (8192 / max 1 n)

    override _.Chunks(_) = if n = 0 then 0 else (rows + grain - 1) / grain

    override _.Run(_, chunk) =
        let first = chunk * grain
        let count = min grain (rows - first)
        let at = nativeint first * rowBytes

        if isLog then
            loops.ForwardLog(count, n, x + at, y + at)
        else
            loops.Forward(count, n, x + at, y + at)

/// The gradient to the input of a softmax or log-softmax, from its result y and the gradient dy.
[<Sealed>]
type internal SoftmaxBackwardKernel(loops: SoftmaxLoops, isLog: bool, rows: int, rowBytes: nativeint, n: int, y, dy, dx)
    =
    inherit Kernel()

    let grain = max 1 (8192 / max 1 n)

    override _.Chunks(_) = if n = 0 then 0 else (rows + grain - 1) / grain

    override _.Run(_, chunk) =
        let first = chunk * grain
        let count = min grain (rows - first)
        let at = nativeint first * rowBytes

        if isLog then
            loops.BackwardLog(count, n, y + at, dy + at, dx + at)
        else
            loops.Backward(count, n, y + at, dy + at, dx + at)

/// Softmax over the last axis.
[<AbstractClass; Sealed>]
type internal Softmax private () =

    static member private Loops(dtype: DType, width: Width) : SoftmaxLoops =
        match dtype, width with
        | DType.Float32, Width.W512 -> SoftmaxLoops32<Lanes512<float32>, Vector512<float32>>()
        | DType.Float32, Width.W256 -> SoftmaxLoops32<Lanes256<float32>, Vector256<float32>>()
        | DType.Float32, _ -> SoftmaxLoops32<Lanes128<float32>, Vector128<float32>>()
        | DType.Float64, _ -> SoftmaxLoops64()
        | _ ->
            raise (
                DTypeException(
                    "Softmax needs floating numbers.",
                    "softmax",
                    "float32 or float64",
                    DType.name dtype,
                    "Cast the input first."
                )
            )

    static member Forward
        (dtype: DType, isLog: bool, rows: int, n: int, x: nativeint, y: nativeint, width: Width)
        : Kernel =
        let rowBytes = nativeint n * nativeint (DType.size dtype)
        SoftmaxKernel(Softmax.Loops(dtype, width), isLog, rows, rowBytes, n, x, y)

    /// y = softmax x or log (softmax x) for each of `rows` rows; y may be x.
    static member Forward(dtype: DType, isLog: bool, rows: int, n: int, x: nativeint, y: nativeint) : Kernel =
        Softmax.Forward(dtype, isLog, rows, n, x, y, Width.current)

    static member Backward
        (dtype: DType, isLog: bool, rows: int, n: int, y: nativeint, dy: nativeint, dx: nativeint, width: Width)
        : Kernel =
        let rowBytes = nativeint n * nativeint (DType.size dtype)
        SoftmaxBackwardKernel(Softmax.Loops(dtype, width), isLog, rows, rowBytes, n, y, dy, dx)

    /// dx from the result y and its gradient dy; dx may be either.
    static member Backward
        (dtype: DType, isLog: bool, rows: int, n: int, y: nativeint, dy: nativeint, dx: nativeint)
        : Kernel =
        Softmax.Backward(dtype, isLog, rows, n, y, dy, dx, Width.current)
