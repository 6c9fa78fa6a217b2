namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet.Kernels

/// Chunks that do nothing: what it costs to hand work to threads and to wait for them.
[<Sealed>]
type internal IdleKernel(phases: int, chunks: int) =
    inherit Kernel()
    override _.Phases = phases
    override _.Chunks(_) = chunks
    override _.Run(_, _) = ()

type Workers() =
    inherit KernelBenchmark()

    [<Params(1, 4)>]
    member val Phases = 1 with get, set

    [<Params(2, 16)>]
    member val Chunks = 2 with get, set

    override this.Prepare() = this.Use(IdleKernel(this.Phases, this.Chunks))
