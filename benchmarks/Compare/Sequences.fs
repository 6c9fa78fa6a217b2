namespace FunctionalNet.Benchmarks.Compare

open FunctionalNet

/// Layers for sequences, written with operations.
module internal Sequences =

    let private matrix (scope: Scope) name rows columns =
        scope.Param(name, Shape.Of(rows, columns), Initializer.glorotUniform)

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
