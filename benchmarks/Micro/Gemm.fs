namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Matrix products m x n x k, plain and with either operand transposed.
type Gemm() =
    inherit KernelBenchmark()

    [<Params("64x64x64", "256x256x256", "768x768x768", "16x64x13", "128x512x784", "128x10x512")>]
    member val Size = "64x64x64" with get, set

    [<Params("NN", "NT", "TN")>]
    member val Transposes = "NN" with get, set

    override this.Prepare() =
        let dims = this.Size.Split 'x' |> Array.map int
        let m, n, k = dims[0], dims[1], dims[2]
        let ta, tb = this.Transposes[0] = 'T', this.Transposes[1] = 'T'
        let a, b, c = this.Memory.Floats(m * k), this.Memory.Floats(k * n), this.Memory.Floats(m * n)
        let lda, ldb = (if ta then m else k), (if tb then k else n)
        let work = this.Memory.Floats(int (Kernels.Gemm.Workspace(DType.Float32, ta, tb, m, n, k) / 4L) + 1)
        this.Use(Kernels.Gemm.Create(DType.Float32, ta, tb, m, n, k, a, lda, b, ldb, c, n, workspace = work))
