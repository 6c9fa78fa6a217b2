namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet.Kernels

/// Copies of a square matrix: flat, transposed, mirrored, one row repeated; and filling it.
type Movement() =
    inherit KernelBenchmark()

    [<Params("Copy", "Transpose", "Mirror", "Repeat", "Fill")>]
    member val Case = "Copy" with get, set

    [<Params(64, 1024)>]
    member val Side = 64 with get, set

    override this.Prepare() =
        let n = this.Side
        let x = this.Memory.Floats(n * n)
        let y = this.Memory.Floats(n * n)
        let strided src (strides: int[]) = StridedCopy.Create(4, [| n; n |], src, strides, y, [| n; 1 |])

        match this.Case with
        | "Copy" -> Copy.Create(4L * int64 n * int64 n, x, y)
        | "Transpose" -> strided x [| 1; n |]
        | "Mirror" -> strided (x + nativeint (4 * (n - 1))) [| n; -1 |]
        | "Repeat" -> strided x [| 0; 1 |]
        | _ -> Fill.Create(4, n * n, y, 0x3F800000L)
        |> this.Use
