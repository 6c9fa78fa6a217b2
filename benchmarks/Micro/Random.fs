namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Random numbers by counter.
type Random() =
    inherit KernelBenchmark()

    [<Params("Uniform", "Normal", "Bits")>]
    member val Case = "Uniform" with get, set

    [<Params(4096, 1048576)>]
    member val Size = 4096 with get, set

    override this.Prepare() =
        let seed = this.Memory.Bytes 8L
        let step = this.Memory.Bytes 8L
        let y = this.Memory.Bytes(8L * int64 this.Size)

        match this.Case with
        | "Uniform" -> RandomFill.Uniform(DType.Float32, this.Size, seed, step, 1UL, y)
        | "Normal" -> RandomFill.Normal(DType.Float32, this.Size, seed, step, 1UL, y)
        | _ -> RandomFill.Bits(this.Size, seed, step, 1UL, y)
        |> this.Use
