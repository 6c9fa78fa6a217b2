namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Softmax and log-softmax of rows, and their derivatives.
type Softmax() =
    inherit KernelBenchmark()

    [<Params("Softmax", "LogSoftmax", "SoftmaxGrad", "LogSoftmaxGrad")>]
    member val Case = "Softmax" with get, set

    [<Params("128x10", "64x64", "1024x1024")>]
    member val Size = "128x10" with get, set

    override this.Prepare() =
        let dims = this.Size.Split 'x' |> Array.map int
        let rows, n = dims[0], dims[1]
        let x, y, dx = this.Memory.Floats(rows * n), this.Memory.Floats(rows * n), this.Memory.Floats(rows * n)

        match this.Case with
        | "Softmax" -> Kernels.Softmax.Forward(DType.Float32, false, rows, n, x, y)
        | "LogSoftmax" -> Kernels.Softmax.Forward(DType.Float32, true, rows, n, x, y)
        | "SoftmaxGrad" -> Kernels.Softmax.Backward(DType.Float32, false, rows, n, y, x, dx)
        | _ -> Kernels.Softmax.Backward(DType.Float32, true, rows, n, y, x, dx)
        |> this.Use
