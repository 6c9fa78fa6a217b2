namespace FunctionalNet

/// Arithmetic on colors; the last axis is red, green and blue.
module internal Colors =

    let private split (x: Expr) = Ops.unstack -1 x

    /// From one range of values to another.
    let rescale (fromLow: float, fromHigh: float) (toLow: float, toHigh: float) (x: Expr) : Expr =
        if fromLow = toLow && fromHigh = toHigh then
            x
        else
            (x - fromLow) * ((toHigh - toLow) / (fromHigh - fromLow)) + toLow

    /// a + share (b - a): 0 gives a, 1 gives b, above 1 goes beyond b.
    let blend (share: Expr) (a: Expr) (b: Expr) : Expr = a + (b - a) * share

    let clip (low: float, high: float) (x: Expr) : Expr = Ops.clip low high x

    /// The luma of ITU-R BT.601, as one channel.
    let gray (x: Expr) : Expr =
        let weights = Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of 3, [| 0.2989; 0.587; 0.114 |]))
        Ops.sum [| -1 |] true (x * weights)

    /// Hue and saturation from 0 to 1, and value.
    let toHsv (x: Expr) : struct (Expr * Expr * Expr) =
        let channels = split x
        let r, g, b = channels[0], channels[1], channels[2]
        let zero, one = Expr.Scalar(x.DType, 0.0), Expr.Scalar(x.DType, 1.0)
        let value = Ops.maximum (Ops.maximum r g) b
        let range = value - Ops.minimum (Ops.minimum r g) b
        let isColored = Ops.greater range zero
        let isBright = Ops.greater value zero
        let saturation = Ops.where isBright (range / Ops.where isBright value one) zero
        let sixth = 1.0 / (Ops.where isColored range one * 6.0)

        let hue =
            Ops.where
                (Ops.equal value r)
                (sixth * (g - b))
                (Ops.where (Ops.equal value g) (sixth * (b - r) + 1.0 / 3.0) (sixth * (r - g) + 2.0 / 3.0))

        let hue = Ops.where isColored hue zero
        struct (Ops.where (Ops.less hue zero) (hue + 1.0) hue, saturation, value)

    let ofHsv (hue: Expr) (saturation: Expr) (value: Expr) : Expr =
        let angle = Ops.modulo hue (Expr.Scalar(hue.DType, 1.0)) * 6.0
        let between x = Ops.clip 0.0 1.0 x
        let part share = value * (1.0 - saturation + saturation * share)

        Ops.stack
            -1
            [| part (between (Ops.abs (angle - 3.0) - 1.0))
               part (between (2.0 - Ops.abs (angle - 2.0)))
               part (between (2.0 - Ops.abs (angle - 4.0))) |]
