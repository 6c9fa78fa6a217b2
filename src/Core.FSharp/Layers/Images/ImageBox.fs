namespace FunctionalNet

/// Boxes in images.
module internal ImageBox =

    /// A box in every image.
    [<Struct; NoEquality; NoComparison>]
    type Box =
        {
            /// Bool, (n, h, w, 1): true inside.
            Inside: Expr
            /// The box's share of the image, (n, 1, 1).
            Share: Expr
        }

    /// Boxes at random places; their sides are shares of the image's, of shape (n, 1, 1).
    let draw (scope: Scope) seed (width: Expr) (height: Expr) (x: Expr) : Box =
        let struct (columns, rows) = Warp.grid x

        let within name (size: int) (side: Expr) (places: Expr) =
            let length = side * float size
            let start = ImageDraw.between scope seed name (0.0, 1.0) [| x.Shape[0]; 1; 1 |] * (float size - length)
            Ops.logicalAnd (Ops.greaterEqual places start) (Ops.less places (start + length))

        let inside =
            Ops.logicalAnd (within "left" x.Shape[2] width columns) (within "top" x.Shape[1] height rows)

        { Inside = Ops.expandDims -1 inside; Share = width * height }
