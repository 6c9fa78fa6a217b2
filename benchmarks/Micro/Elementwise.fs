namespace FunctionalNet.Benchmarks.Micro

open BenchmarkDotNet.Attributes
open FunctionalNet
open FunctionalNet.Kernels

/// Fused programs over flat inputs.
type Elementwise() =
    inherit KernelBenchmark()

    [<Params("Relu",
             "Exp",
             "Log",
             "Tanh",
             "Sigmoid",
             "Erf",
             "Gelu",
             "Log1p",
             "Softplus",
             "Erfinv",
             "Asinh",
             "Add",
             "BiasRelu",
             "Adam")>]
    member val Case = "Relu" with get, set

    [<Params(4096, 1048576)>]
    member val Size = 4096 with get, set

    override this.Prepare() =
        let n = this.Size
        let flat = { TileInput.DType = DType.Float32; Access = Flat }

        let broadcast = { TileInput.DType = DType.Float32; Access = Strided([| n / 64; 64 |], [| 0; 1 |]) }

        let outputs (values: int list) = [| for v in values -> { TileOutput.Value = v; DType = DType.Float32 } |]

        let unary op = [| flat |], [| TileInstruction.Unary(op, 0) |], [ 1 ]

        let inputs, instructions, results =
            match this.Case with
            | "Relu" -> unary TileOp.Relu
            | "Exp" -> unary TileOp.Exp
            | "Log" -> unary TileOp.Log
            | "Tanh" -> unary TileOp.Tanh
            | "Sigmoid" -> unary TileOp.Sigmoid
            | "Erf" -> unary TileOp.Erf
            | "Gelu" -> unary TileOp.Gelu
            | "Log1p" -> unary TileOp.Log1p
            | "Softplus" -> unary TileOp.Softplus
            | "Erfinv" -> unary TileOp.Erfinv
            | "Asinh" -> unary TileOp.Asinh
            | "Add" -> [| flat; flat |], [| TileInstruction.Binary(TileOp.Add, 0, 1) |], [ 2 ]
            | "BiasRelu" ->
                [| flat; broadcast |],
                [| TileInstruction.Binary(TileOp.Add, 0, 1); TileInstruction.Unary(TileOp.Relu, 2) |],
                [ 3 ]
            | _ ->
                // Inputs: weight, gradient, momentum, velocity; values 4 to 6 are constants.
                [| flat; flat; flat; flat |],
                [| TileInstruction.Const 0.1
                   TileInstruction.Const 0.001
                   TileInstruction.Const 1e-7
                   TileInstruction.Binary(TileOp.Sub, 1, 2)
                   TileInstruction.Ternary(TileOp.FusedMultiplyAdd, 7, 4, 2)
                   TileInstruction.Unary(TileOp.Square, 1)
                   TileInstruction.Binary(TileOp.Sub, 9, 3)
                   TileInstruction.Ternary(TileOp.FusedMultiplyAdd, 10, 5, 3)
                   TileInstruction.Unary(TileOp.Abs, 11)
                   TileInstruction.Unary(TileOp.Sqrt, 12)
                   TileInstruction.Binary(TileOp.Add, 13, 6)
                   TileInstruction.Binary(TileOp.Div, 8, 14)
                   TileInstruction.Binary(TileOp.Mul, 15, 5)
                   TileInstruction.Binary(TileOp.Sub, 0, 16) |],
                [ 17; 8; 11 ]

        let program = TileProgram(TileDomain.F32, inputs, instructions, outputs results)
        let sources = inputs |> Array.map (fun _ -> this.Memory.Floats n)
        let targets = results |> List.map (fun _ -> this.Memory.Floats n) |> List.toArray
        this.Use(ElementwiseKernel(program, n, sources, targets))
