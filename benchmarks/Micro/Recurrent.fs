namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet.Kernels

/// All steps of LSTM and GRU sequences of 80 steps, after the product with the input; the LSTM's derivative too.
type Recurrent() =
    inherit KernelBenchmark()

    [<Params("Lstm", "LstmGrad", "Gru")>]
    member val Case = "Lstm" with get, set

    [<Params("1x128", "32x128")>]
    member val BatchAndUnits = "32x128" with get, set

    override this.Prepare() =
        let sizes = this.BatchAndUnits.Split 'x' |> Array.map int
        let shape = { Batch = sizes[0]; Time = 80; Units = sizes[1]; Reverse = false }
        let rows, steps = shape.Batch * shape.Units, shape.Batch * shape.Time * shape.Units
        let kernel gates = this.Memory.Floats(gates * shape.Units * shape.Units)

        match this.Case with
        | "Lstm" ->
            let data: LstmData =
                { Input = this.Memory.Floats(4 * steps)
                  Kernel = kernel 4
                  H0 = this.Memory.Floats rows
                  C0 = this.Memory.Floats rows
                  Mask = 0n
                  States = this.Memory.Floats steps
                  LastH = this.Memory.Floats rows
                  LastC = this.Memory.Floats rows
                  Cells = this.Memory.Floats steps
                  Gates = this.Memory.Floats(4 * steps) }

            Lstm.Forward(shape, data, this.Memory.Bytes(Lstm.Workspace(shape, false)))
        | "LstmGrad" ->
            let data: LstmGradData =
                { Gates = this.Memory.Floats(4 * steps)
                  Cells = this.Memory.Floats steps
                  C0 = this.Memory.Floats rows
                  Kernel = kernel 4
                  LastH = this.Memory.Floats rows
                  LastC = this.Memory.Floats rows
                  States = this.Memory.Floats steps
                  Mask = 0n
                  Input = this.Memory.Floats(4 * steps)
                  H0 = this.Memory.Floats rows
                  C0Gradient = this.Memory.Floats rows }

            Lstm.Backward(shape, data, this.Memory.Bytes(Lstm.Workspace(shape, true)))
        | _ ->
            let data: GruData =
                { Input = this.Memory.Floats(3 * steps)
                  Kernel = kernel 3
                  Bias = this.Memory.Floats shape.Units
                  H0 = this.Memory.Floats rows
                  Mask = 0n
                  States = this.Memory.Floats steps
                  LastH = this.Memory.Floats rows
                  Gates = this.Memory.Floats(4 * steps) }

            Gru.Forward(shape, data, this.Memory.Bytes(Gru.Workspace(shape, false)))
        |> this.Use
