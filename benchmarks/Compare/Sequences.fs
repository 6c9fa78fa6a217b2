namespace FunctionalNet.Benchmarks.Compare

open FunctionalNet

/// Layers for sequences, written with operations.
module internal Sequences =

    let private timeFirst (x: Expr) = Ops.transpose [| 1; 0; 2 |] x

    let private matrix (scope: Scope) name rows columns =
        scope.Param(name, Shape.Of(rows, columns), Initializer.glorotUniform)

    /// The last state of an LSTM: (batch, time, features) gives (batch, units). Gates: input, forget, candidate, output.
    let lstm (units: int) : Layer =
        Layer.create "LSTM" (fun scope x ->
            let kernel = matrix scope "kernel" x.Shape[-1] (4 * units)
            let recurrent = matrix scope "recurrent_kernel" units (4 * units)
            let bias = scope.Param("bias", Shape.Of(4 * units), Initializer.zeros)
            let zero = Ops.zeros x.DType (Shape.Of(x.Shape[0], units))

            let step (state: Expr[]) (slices: Expr[]) =
                let gates = Ops.split 4 1 (slices[0] + Ops.matmul state[0] recurrent)
                let cell = Ops.sigmoid gates[1] * state[1] + Ops.sigmoid gates[0] * Ops.tanh gates[2]
                [| Ops.sigmoid gates[3] * Ops.tanh cell; cell |], [||]

            let last, _ = Ops.scan step [| zero; zero |] [| timeFirst (Ops.matmul x kernel + bias) |] false
            last[0])

    /// The last state of a GRU whose reset gate works after the product: gates update, reset, candidate.
    let gru (units: int) : Layer =
        Layer.create "GRU" (fun scope x ->
            let kernel = matrix scope "kernel" x.Shape[-1] (3 * units)
            let recurrent = matrix scope "recurrent_kernel" units (3 * units)
            let bias = scope.Param("bias", Shape.Of(2, 3 * units), Initializer.zeros)
            let row i = Ops.reshape [| 3 * units |] (Ops.sliceAxis 0 i (i + 1) bias)
            let zero = Ops.zeros x.DType (Shape.Of(x.Shape[0], units))

            let step (state: Expr[]) (slices: Expr[]) =
                let given = Ops.split 3 1 slices[0]
                let own = Ops.split 3 1 (Ops.matmul state[0] recurrent + row 1)
                let update = Ops.sigmoid (given[0] + own[0])
                let candidate = Ops.tanh (given[2] + Ops.sigmoid (given[1] + own[1]) * own[2])
                [| update * state[0] + (1.0 - update) * candidate |], [||]

            let last, _ = Ops.scan step [| zero |] [| timeFirst (Ops.matmul x kernel + row 0) |] false
            last[0])

    /// Self-attention: (batch, time, features) keeps its shape; the heads share the features.
    let attention (heads: int) : Layer =
        Layer.create "SelfAttention" (fun scope x ->
            let batch, time, width = x.Shape[0], x.Shape[1], x.Shape[2]
            let size = width / heads

            let project name (x: Expr) =
                let kernel = matrix scope (name + "_kernel") width width
                Ops.matmul x kernel + scope.Param(name + "_bias", Shape.Of width, Initializer.zeros)

            let perHead (x: Expr) = x |> Ops.reshape [| batch; time; heads; size |] |> Ops.transpose [| 0; 2; 1; 3 |]
            let query = perHead (project "query" x) * (1.0 / sqrt (float size))
            let key = perHead (project "key" x)
            let value = perHead (project "value" x)
            let weights = Ops.softmax -1 (Ops.matmul query (Ops.transpose [| 0; 1; 3; 2 |] key))

            Ops.matmul weights value
            |> Ops.transpose [| 0; 2; 1; 3 |]
            |> Ops.reshape [| batch; time; width |]
            |> project "output")
