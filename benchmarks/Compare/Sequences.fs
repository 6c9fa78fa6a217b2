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

            let perHead name = Ops.reshape [| batch; time; heads; size |] (project name x)

            Ops.dotProductAttention None false None (perHead "query") (perHead "key") (perHead "value")
            |> Ops.reshape [| batch; time; width |]
            |> project "output")
