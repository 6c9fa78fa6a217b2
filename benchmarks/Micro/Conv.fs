namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Convolutions of image networks, batch 16, 3 x 3 unless said, in all three directions.
type Conv() =
    inherit KernelBenchmark()

    [<Params("28x28: 1-32", "26x26: 32-64", "14x14: 64-64", "14x14: 64-64, 1x1", "28x28: 32 depthwise")>]
    member val Shape = "28x28: 1-32" with get, set

    [<Params("Forward", "InputGrad", "KernelGrad")>]
    member val Direction = "Forward" with get, set

    override this.Prepare() =
        let side, inputs, outputs, size, groups =
            match this.Shape with
            | "28x28: 1-32" -> 28, 1, 32, 3, 1
            | "26x26: 32-64" -> 26, 32, 64, 3, 1
            | "14x14: 64-64" -> 14, 64, 64, 3, 1
            | "14x14: 64-64, 1x1" -> 14, 64, 64, 1, 1
            | _ -> 28, 32, 32, 3, 32

        let two n = [| n; n |]
        let batch = 16
        let spec =
            ConvSpec.Create(batch, two side, inputs, outputs, two size, two 1, two 1, two 0, two 0, groups)
        let over = side - size + 1
        let x = this.Memory.Floats(batch * side * side * inputs)
        let w = this.Memory.Floats(size * size * inputs / groups * outputs)
        let y = this.Memory.Floats(batch * over * over * outputs)

        match this.Direction with
        | "Forward" ->
            let workspace = this.Memory.Bytes(Kernels.Conv.ForwardWorkspace(Width.current, DType.Float32, spec))
            Kernels.Conv.Forward(Width.current, DType.Float32, spec, x, w, y, workspace)
        | "InputGrad" ->
            let workspace = this.Memory.Bytes(Kernels.Conv.InputGradWorkspace(Width.current, DType.Float32, spec))
            Kernels.Conv.InputGrad(Width.current, DType.Float32, spec, y, w, x, workspace)
        | _ ->
            let workspace = this.Memory.Bytes(Kernels.Conv.KernelGradWorkspace(Width.current, DType.Float32, spec))
            Kernels.Conv.KernelGrad(Width.current, DType.Float32, spec, x, y, w, workspace)
        |> this.Use
