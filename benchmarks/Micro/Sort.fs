namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Sorting and running sums of 64 rows of 1,024.
type Sort() =
    inherit KernelBenchmark()

    [<Params("ArgSort", "CumSum", "CumSumColumns")>]
    member val Case = "ArgSort" with get, set

    override this.Prepare() =
        let rows, n = 64, 1024
        let x = this.Memory.Floats(rows * n)
        let y = this.Memory.Floats(rows * n)

        match this.Case with
        | "ArgSort" ->
            let workspace = this.Memory.Bytes(ArgSort.Workspace(DType.Float32, rows, n, 1))
            ArgSort.Create(DType.Float32, false, rows, n, 1, x, y, workspace)
        | "CumSum" -> CumSum.Create(DType.Float32, false, false, rows, n, 1, x, y)
        | _ -> CumSum.Create(DType.Float32, false, false, 1, n, rows, x, y)
        |> this.Use
