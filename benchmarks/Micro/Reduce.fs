namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Reductions of a square matrix: all of it, its rows, its columns.
type Reduce() =
    inherit KernelBenchmark()

    [<Params("SumAll", "SumRows", "SumColumns", "MaxAll", "MaxRows", "MaxColumns", "ArgMaxRows")>]
    member val Case = "SumAll" with get, set

    [<Params(64, 1024)>]
    member val Side = 64 with get, set

    override this.Prepare() =
        let n = this.Side
        let x = this.Memory.Floats(n * n)
        let y = this.Memory.Floats(n * n)

        let reduce kind (reduced: bool[]) =
            let dims = [| n; n |]
            let workspace = this.Memory.Bytes(Kernels.Reduce.Workspace(DType.Float32, dims, reduced))
            Kernels.Reduce.Create(kind, DType.Float32, dims, reduced, x, y, workspace)

        match this.Case with
        | "SumAll" -> reduce ReduceKind.Sum [| true; true |]
        | "SumRows" -> reduce ReduceKind.Sum [| false; true |]
        | "SumColumns" -> reduce ReduceKind.Sum [| true; false |]
        | "MaxAll" -> reduce ReduceKind.Max [| true; true |]
        | "MaxRows" -> reduce ReduceKind.Max [| false; true |]
        | "MaxColumns" -> reduce ReduceKind.Max [| true; false |]
        | _ -> ArgReduce.Create(true, DType.Float32, n, n, 1, x, y)
        |> this.Use
