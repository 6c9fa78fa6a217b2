namespace FunctionalNet.Benchmarks.Micro

open System
open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Products m x n x k with weights that are packed beforehand, as in predictions: 8-bit weights, in the forms that the machine
/// knows, beside float32.
type Int8() =
    inherit KernelBenchmark()

    [<Params("1x512x784", "1x4096x4096", "256x10x512", "256x512x784", "256x768x768")>]
    member val Size = "1x512x784" with get, set

    [<Params("float32", "Bytes256", "Pairs512")>]
    member val Form = "float32" with get, set

    override this.Prepare() =
        let dims = this.Size.Split 'x' |> Array.map int
        let m, n, k = dims[0], dims[1], dims[2]
        let x, y = this.Memory.Floats(m * k), this.Memory.Floats(m * n)

        match Int8Product.Forms |> Array.tryFind (fun f -> f.ToString() = this.Form) with
        | Some form ->
            let w, scales = this.Memory.Bytes(int64 k * int64 n), this.Memory.Floats n
            let work = this.Memory.Bytes(Int8Product.Workspace(form, m, k, n, true))
            let panels = this.Memory.Bytes(Int8Product.PackedBytes(form, k, n))
            Workers.Run(Int8Product.Pack(form, k, n, w, panels))
            this.Use(Int8Product.Create(form, m, k, n, x, panels, true, scales, y, work, Epilogue.None))
        | None when this.Form <> "float32" -> raise (NotSupportedException "This machine does not know the form.")
        | None ->
            let b = this.Memory.Floats(k * n)

            if Gemm.GainsFromPacking(DType.Float32, false, false, m, n, k) then
                let panels = this.Memory.Bytes(Gemm.PackedBytes(DType.Float32, n, k))
                Workers.Run(Gemm.Pack(DType.Float32, false, n, k, b, n, panels))
                this.Use(Gemm.CreatePacked(DType.Float32, false, m, n, k, x, k, panels, y, n))
            else
                this.Use(Gemm.Create(DType.Float32, false, false, m, n, k, x, k, b, n, y, n))
