namespace FunctionalNet.Graph

open FunctionalNet

/// What quantisation of values means: the largest absolute number of each row becomes 127, others are rounded to whole
/// numbers, half to even. Keras: abs_max_quantize.
module internal QuantizedMeaning =

    [<Literal>]
    let Largest = 127.0

    [<Literal>]
    let Epsilon = 1e-7

    /// Whole numbers, and what x was multiplied with, over some axes, which are kept as size 1.
    let absMax (axes: int[]) (x: Expr) : struct (Expr * Expr) =
        let scale = Expr.Scalar(x.DType, Largest) / (Ops.max axes true (Ops.abs x) + Epsilon)
        struct (Ops.clip -Largest Largest (Ops.round (x * scale)), scale)

/// Inputs: x (..., k), weights (k, n) as int8, and the scale (n) that each column of the weights was multiplied with. x is
/// quantised row by row, and the product is divided by both scales. Its derivative is that of x times the weights as floats, as if
/// nothing had been rounded: Keras's rule.
[<Sealed>]
type internal Int8Matrix() =
    inherit Composite("Int8Matrix")

    override _.Key: obj = "Int8Matrix" :> obj

    override _.Decompose inputs =
        let x, weights, columns = inputs[0], inputs[1], inputs[2]
        let struct (whole, rows) = QuantizedMeaning.absMax [| x.Rank - 1 |] x
        [| Ops.matmul whole (Ops.cast x.DType weights) / (rows * columns) |]

    override _.Vjp(inputs, _, cotangents) =
        let weights, columns, g = inputs[1], inputs[2], cotangents[0]
        let floats = Ops.cast g.DType weights / columns

        Some [| Ops.matmul g (Ops.transpose [| 1; 0 |] floats); Ops.zerosLike weights; Ops.zerosLike columns |]
