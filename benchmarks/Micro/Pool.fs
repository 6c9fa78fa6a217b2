namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Windows of 2 x 2 over 32 images of 26 x 26 x 32.
type Pool() =
    inherit KernelBenchmark()

    [<Params("Max", "Sum", "MaxGrad", "SumGrad", "MaxGather")>]
    member val Case = "Max" with get, set

    override this.Prepare() =
        let two n = [| n; n |]
        let spec = PoolSpec.Create(32, two 26, 32, two 2, two 2, two 1, two 0, two 0)
        let x = this.Memory.Floats(32 * 26 * 26 * 32)
        let v = this.Memory.Floats(32 * 26 * 26 * 32)
        let y = this.Memory.Floats(32 * 13 * 13 * 32)

        match this.Case with
        | "Max" -> Kernels.Pool.Max(Width.current, DType.Float32, spec, x, y)
        | "Sum" -> Kernels.Pool.Sum(Width.current, DType.Float32, spec, x, y)
        | "MaxGrad" -> Kernels.Pool.MaxGrad(Width.current, DType.Float32, spec, x, y, v)
        | "SumGrad" -> Kernels.Pool.SumGrad(Width.current, DType.Float32, spec, y, v)
        | _ -> Kernels.Pool.MaxGather(Width.current, DType.Float32, spec, x, v, y)
        |> this.Use
