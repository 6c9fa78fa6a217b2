namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// 2,560 ids in a table of 2,000 rows of 128, and single elements along rows.
type Gather() =
    inherit KernelBenchmark()

    [<Params("Take", "ScatterAdd", "TakeAlongAxis", "ScatterAlongAxis")>]
    member val Case = "Take" with get, set

    override this.Prepare() =
        let rows, width, count = 2000, 128, 2560
        let table = this.Memory.Floats(rows * width)
        let values = this.Memory.Floats(count * width)
        let ids = this.Memory.Ids(count, rows)
        let many = this.Memory.Ids(rows * 16, width)
        let float, int = DType.Float32, DType.Int32

        match this.Case with
        | "Take" -> Take.Create(4, int, 1, rows, width, count, table, ids, values)
        | "ScatterAdd" -> ScatterAdd.Create(float, int, 1, rows, width, count, ids, values, table)
        | "TakeAlongAxis" -> TakeAlongAxis.Create(4, int, rows, width, 1, 16, table, many, values)
        | _ -> ScatterAlongAxis.Create(float, int, rows, width, 1, 16, many, values, table)
        |> this.Use
