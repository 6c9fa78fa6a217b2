namespace FunctionalNet

/// Reading images at given places.
module internal Warp =

    let defaults: Filling = { Mode = FillMode.Reflect; Interpolation = Sampling.Bilinear; Value = 0.0 }

    /// The cell of an axis that an index stands for.
    let private cell (mode: FillMode) (size: int) (index: Expr) : Expr =
        let n = float size
        let within period = Ops.modulo index (Expr.Scalar(index.DType, period))

        match mode with
        | FillMode.Constant
        | FillMode.Nearest -> Ops.clip 0.0 (n - 1.0) index
        | FillMode.Wrap -> within n
        | FillMode.Reflect ->
            let m = within (2.0 * n)
            Ops.minimum m ((2.0 * n - 1.0) - m)

    let private inside (size: int) (index: Expr) =
        Ops.logicalAnd
            (Ops.greaterEqual index (Expr.Scalar(index.DType, 0.0)))
            (Ops.lessEqual index (Expr.Scalar(index.DType, float (size - 1))))

    /// To the nearest integer, halves away from 0.
    let private nearest (x: Expr) = Ops.sign x * Ops.floor (Ops.abs x + 0.5)

    /// Images (n, h, w, c) read at rows and columns of shape (n, h', w').
    let sample (filling: Filling) (rows: Expr) (columns: Expr) (x: Expr) : Expr =
        let n, h, w, c = x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
        let cells = Ops.reshape [| n * h * w; c |] x
        let first = Ops.reshape [| n; 1; 1 |] (Ops.arange DType.Int32 n * float (h * w))

        let at (row: Expr) (column: Expr) =
            let r = Ops.cast DType.Int32 (cell filling.Mode h row)
            let q = Ops.cast DType.Int32 (cell filling.Mode w column)
            let values = Ops.take (first + r * float w + q) 0 cells

            match filling.Mode with
            | FillMode.Constant ->
                let known = Ops.expandDims -1 (Ops.logicalAnd (inside h row) (inside w column))
                Ops.where known values (Ops.fullLike filling.Value values)
            | _ -> values

        match filling.Interpolation with
        | Sampling.Nearest -> at (nearest rows) (nearest columns)
        | Sampling.Bilinear ->
            let r, q = Ops.floor rows, Ops.floor columns
            let down, right = Ops.expandDims -1 (rows - r), Ops.expandDims -1 (columns - q)
            let mix (share: Expr) a b = a + (b - a) * share
            mix down (mix right (at r q) (at r (q + 1.0))) (mix right (at (r + 1.0) q) (at (r + 1.0) (q + 1.0)))

    /// Numbers of the columns, (1, 1, w), and of the rows, (1, h, 1).
    let grid (x: Expr) : struct (Expr * Expr) =
        let axis size dims = Ops.reshape dims (Ops.arange x.DType size)
        struct (axis x.Shape[2] [| 1; 1; x.Shape[2] |], axis x.Shape[1] [| 1; x.Shape[1]; 1 |])

    /// The place in the input that a place of the output shows: column = a0 x + a1 y + a2, row = b0 x + b1 y + b2.
    [<Struct; NoEquality; NoComparison>]
    type Affine = { A0: Expr; A1: Expr; A2: Expr; B0: Expr; B1: Expr; B2: Expr }

    /// Images moved; the numbers of the transform have shape (n, 1, 1).
    let affine (filling: Filling) (t: Affine) (x: Expr) : Expr =
        let struct (columns, rows) = grid x
        let at (a: Expr) (b: Expr) (c: Expr) = a * columns + b * rows + c
        sample filling (at t.B0 t.B1 t.B2) (at t.A0 t.A1 t.A2) x

    /// Where corners of boxes come to, as the cells of those numbers do: the inverse of the transform. One that leaves no area
    /// leaves no box.
    let private forward (t: Affine) (x: Expr) (y: Expr) : struct (Expr * Expr) =
        let perBox (e: Expr) = Ops.squeeze [| 2 |] e
        let a0, a1, a2 = perBox t.A0, perBox t.A1, perBox t.A2
        let b0, b1, b2 = perBox t.B0, perBox t.B1, perBox t.B2
        let determinant = a0 * b1 - a1 * b0
        let none = Ops.zerosLike determinant
        let isFlat = Ops.equal determinant none
        let inverse = Ops.where isFlat none (1.0 / Ops.where isFlat (Ops.onesLike determinant) determinant)
        let u, v = x - a2, y - b2
        struct ((b1 * u - a1 * v) * inverse, (a0 * v - b0 * u) * inverse)

    /// Images, masks and boxes moved.
    let moving (filling: Filling) (t: Affine) (x: Expr) : ImageChange =
        ImageChange.moving
            (ImageChange.sizeOf x)
            (affine filling t)
            (affine { filling with Interpolation = Sampling.Nearest } t)
            (Boxes.around (forward t))

    /// One of two transforms per condition.
    let choose (condition: Expr) (a: Affine) (b: Affine) : Affine =
        let pick x y = Ops.where condition x y

        { A0 = pick a.A0 b.A0
          A1 = pick a.A1 b.A1
          A2 = pick a.A2 b.A2
          B0 = pick a.B0 b.B0
          B1 = pick a.B1 b.B1
          B2 = pick a.B2 b.B2 }

    /// Depthwise convolution of images with one kernel (rows, columns), zeros outside.
    let blur (kernel: Expr) (x: Expr) : Expr =
        let rows, columns, channels = kernel.Shape[0], kernel.Shape[1], x.Shape[3]
        let spread = Ops.reshape [| rows; columns; 1; 1 |] kernel
        let all = Ops.broadcastTo (Shape.Of(rows, columns, channels, 1)) spread
        Ops.depthwiseConv [| 1; 1 |] Padding.Same [| 1; 1 |] all x

    let private bellOf (weightsAt: Expr -> Expr -> Expr) (size: int) (deviation: Expr) : Expr =
        let x = Ops.arange deviation.DType size - float (size - 1) / 2.0
        let weights = weightsAt x (Ops.exp (Ops.square (x / deviation) * -0.5))
        weights / Ops.sum [| 0 |] true weights

    /// The normal distribution of a deviation (a scalar) at `size` cells, summing to 1.
    let bell (size: int) (deviation: Expr) : Expr = bellOf (fun _ weights -> weights) size deviation

    /// The same, of the cells within a distance (a scalar) of the middle.
    let bellWithin (distance: Expr) (size: int) (deviation: Expr) : Expr =
        bellOf
            (fun x weights -> Ops.where (Ops.lessEqual (Ops.abs x) distance) weights (Ops.zerosLike weights))
            size
            deviation
