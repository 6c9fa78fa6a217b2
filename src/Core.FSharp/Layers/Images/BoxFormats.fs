namespace FunctionalNet

open FunctionalNet.Common

/// <summary>How bounding boxes are written down.</summary>
[<AutoOpen>]
module BoundingBoxFormatTypes =

    /// <summary>What the four numbers of a bounding box are. X counts columns from the left, y rows from the top, in cells of
    /// the image; relative ones are shares of its width and height.</summary>
    [<RequireQualifiedAccess>]
    type BoundingBoxFormat =
        /// <summary>Left, top, right, bottom.</summary>
        | Xyxy
        /// <summary>Top, left, bottom, right.</summary>
        | Yxyx
        /// <summary>Left, top, width, height.</summary>
        | Xywh
        /// <summary>X and y of the middle, width, height.</summary>
        | CenterXywh
        /// <summary>Y and x of the middle, height, width.</summary>
        | CenterYxhw
        /// <summary>Left, top, right, bottom as shares of the image.</summary>
        | RelXyxy
        /// <summary>Top, left, bottom, right as shares of the image.</summary>
        | RelYxyx
        /// <summary>Left, top, width, height as shares of the image.</summary>
        | RelXywh
        /// <summary>X and y of the middle, width, height as shares of the image.</summary>
        | RelCenterXywh

/// Arithmetic on boxes, (..., 4).
module internal Boxes =

    /// Keras's epsilon: what keeps divisions by empty boxes finite.
    [<Literal>]
    let Epsilon = 1e-7

    let names: (string * BoundingBoxFormat) list =
        [ "xyxy", BoundingBoxFormat.Xyxy
          "yxyx", BoundingBoxFormat.Yxyx
          "xywh", BoundingBoxFormat.Xywh
          "center_xywh", BoundingBoxFormat.CenterXywh
          "center_yxhw", BoundingBoxFormat.CenterYxhw
          "rel_xyxy", BoundingBoxFormat.RelXyxy
          "rel_yxyx", BoundingBoxFormat.RelYxyx
          "rel_xywh", BoundingBoxFormat.RelXywh
          "rel_center_xywh", BoundingBoxFormat.RelCenterXywh ]

    /// The format of a name, in whatever case.
    let ofName (name: string) : BoundingBoxFormat =
        match names |> List.tryFind (fun (known, _) -> known = name.ToLowerInvariant()) with
        | Some(_, format) -> format
        | None -> raise (Names.unknown "bounding box format" "bounding_box_format" name (List.map fst names))

    let nameOf (format: BoundingBoxFormat) : string = names |> List.find (fun (_, known) -> known = format) |> fst

    let isRelative (format: BoundingBoxFormat) =
        match format with
        | BoundingBoxFormat.RelXyxy
        | BoundingBoxFormat.RelYxyx
        | BoundingBoxFormat.RelXywh
        | BoundingBoxFormat.RelCenterXywh -> true
        | _ -> false

    let private isYFirst (format: BoundingBoxFormat) =
        match format with
        | BoundingBoxFormat.Yxyx
        | BoundingBoxFormat.CenterYxhw
        | BoundingBoxFormat.RelYxyx -> true
        | _ -> false

    /// What two numbers of one axis are.
    type private Span =
        | Ends
        | StartAndLength
        | MiddleAndLength

    let private spanOf (format: BoundingBoxFormat) =
        match format with
        | BoundingBoxFormat.Xyxy
        | BoundingBoxFormat.Yxyx
        | BoundingBoxFormat.RelXyxy
        | BoundingBoxFormat.RelYxyx -> Ends
        | BoundingBoxFormat.Xywh
        | BoundingBoxFormat.RelXywh -> StartAndLength
        | BoundingBoxFormat.CenterXywh
        | BoundingBoxFormat.CenterYxhw
        | BoundingBoxFormat.RelCenterXywh -> MiddleAndLength

    let check (what: string) (boxes: Expr) =
        if boxes.Rank < 1 || boxes.Shape[boxes.Rank - 1] <> 4 then
            raise (
                ShapeException(
                    "A bounding box has four numbers.",
                    what,
                    "a last axis of size 4",
                    boxes.Shape.ToString(),
                    "Give boxes (boxes, 4) or (batch, boxes, 4)."
                )
            )

    let split (boxes: Expr) : struct (Expr * Expr * Expr * Expr) =
        let parts = Ops.unstack -1 boxes
        struct (parts[0], parts[1], parts[2], parts[3])

    let join (a: Expr) (b: Expr) (c: Expr) (d: Expr) : Expr = Ops.stack -1 [| a; b; c; d |]

    let private ends span (a: Expr) (b: Expr) : struct (Expr * Expr) =
        match span with
        | Ends -> struct (a, b)
        | StartAndLength -> struct (a, a + b)
        | MiddleAndLength -> struct (a - b / 2.0, a + b / 2.0)

    let private ofEnds span (start: Expr) (stop: Expr) : struct (Expr * Expr) =
        match span with
        | Ends -> struct (start, stop)
        | StartAndLength -> struct (start, stop - start)
        | MiddleAndLength -> struct (start + (stop - start) / 2.0, stop - start)

    /// Boxes in another format; height and width of the images broadcast against a coordinate of all boxes.
    let convert
        (source: BoundingBoxFormat)
        (target: BoundingBoxFormat)
        (size: struct (Expr * Expr) voption)
        (boxes: Expr)
        : Expr =
        check "bounding boxes" boxes

        if source = target then
            boxes
        else
            let struct (a, b, c, d) = split boxes
            let struct (x, y, x', y') = if isYFirst source then struct (b, a, d, c) else struct (a, b, c, d)
            let struct (left, right) = ends (spanOf source) x x'
            let struct (top, bottom) = ends (spanOf source) y y'

            let scaled (change: Expr -> Expr -> Expr) =
                match size with
                | ValueSome(struct (height, width)) ->
                    struct (change left width, change top height, change right width, change bottom height)
                | ValueNone ->
                    raise (
                        ArgumentValueException(
                            "Shares of an image become cells, and cells shares, by the image's size.",
                            "height, width",
                            "the image's height and width",
                            "none",
                            "Give both to convert between relative and absolute formats."
                        )
                    )

            let struct (left, top, right, bottom) =
                match isRelative source, isRelative target with
                | true, false -> scaled (*)
                | false, true -> scaled (/)
                | _ -> struct (left, top, right, bottom)

            let struct (x, x') = ofEnds (spanOf target) left right
            let struct (y, y') = ofEnds (spanOf target) top bottom
            if isYFirst target then join y x y' x' else join x y x' y'

    let private within (limit: Expr) (x: Expr) = Ops.minimum (Ops.maximum x (Ops.zerosLike x)) limit

    /// Corners moved onto the image of that size.
    let clip (height: Expr) (width: Expr) (corners: Expr) : Expr =
        let struct (left, top, right, bottom) = split corners
        join (within width left) (within height top) (within width right) (within height bottom)

    let area (corners: Expr) : Expr =
        let struct (left, top, right, bottom) = split corners
        (right - left) * (bottom - top)

    /// Labels (..., boxes) or (..., boxes, classes): -1 where nothing is left of a box.
    let keep (corners: Expr) (labels: Expr) : Expr =
        let area = area corners
        let some = Ops.greater area (Ops.zerosLike area)
        let some = if labels.Rank = some.Rank + 1 then Ops.expandDims -1 some else some
        Ops.where some labels (Ops.fullLike -1.0 labels)

    /// The smallest boxes around places of all four corners of boxes: `move` gives the place where (x, y) comes to.
    let around (move: Expr -> Expr -> struct (Expr * Expr)) (corners: Expr) : Expr =
        let struct (left, top, right, bottom) = split corners
        let struct (x, y) = move left top
        let mutable least, greatest = struct (x, y), struct (x, y)

        for x, y in [ right, top; right, bottom; left, bottom ] do
            let struct (x, y) = move x y
            let struct (a, b) = least
            let struct (c, d) = greatest
            least <- struct (Ops.minimum a x, Ops.minimum b y)
            greatest <- struct (Ops.maximum c x, Ops.maximum d y)

        let struct (left, top) = least
        let struct (right, bottom) = greatest
        join left top right bottom

    let shift (right: Expr) (down: Expr) (corners: Expr) : Expr =
        let struct (x, y, x', y') = split corners
        join (x + right) (y + down) (x' + right) (y' + down)

    let scale (x: float) (y: float) (corners: Expr) : Expr =
        let struct (left, top, right, bottom) = split corners
        join (left * x) (top * y) (right * x) (bottom * y)

    /// Boxes of a format cut off at the borders of images, and their labels.
    let clipped (format: BoundingBoxFormat) (size: struct (Expr * Expr) voption) (labels: Expr) (boxes: Expr) =
        let one = Expr.Scalar(boxes.DType, 1.0)

        let struct (corner, (struct (height, width))) =
            match size with
            | _ when isRelative format -> struct (BoundingBoxFormat.RelXyxy, struct (one, one))
            | ValueSome size -> struct (BoundingBoxFormat.Xyxy, size)
            | ValueNone ->
                raise (
                    ArgumentValueException(
                        "Boxes in cells are clipped by the image's size.",
                        "height, width",
                        "the image's height and width",
                        "none",
                        "Give both, or boxes in a relative format."
                    )
                )

        let corners = boxes |> convert format corner ValueNone |> clip height width
        struct (convert corner format ValueNone corners, keep corners labels)

    /// Boxes (left, top, right, bottom) after the movement that Keras's affine_transform does: turned, translated, scaled and
    /// sheared around a place. Numbers are scalars, or one per image of the batch; angles are in degrees.
    let affine
        (angle: Expr)
        (translateX: Expr)
        (translateY: Expr)
        (scale: Expr)
        (shearX: Expr)
        (shearY: Expr)
        (struct (centerX: Expr, centerY: Expr))
        (struct (height: Expr, width: Expr))
        (boxes: Expr)
        : Expr =
        check "affine_transform" boxes

        let perImage (x: Expr) =
            if x.Rank = 0 then
                x
            elif x.Rank = 1 && boxes.Rank = 3 then
                Ops.expandDims -1 x
            else
                raise (
                    ShapeException(
                        "A movement of boxes has one number, or one per image.",
                        "affine_transform",
                        "scalars, or vectors for boxes (batch, boxes, 4)",
                        x.Shape.ToString() + " for boxes " + boxes.Shape.ToString(),
                        "Give the boxes of a batch a first axis."
                    )
                )

        let radians (x: Expr) = perImage x * (-1.0 / 180.0 * System.Math.PI)
        let turn, sx, sy = radians angle, radians shearX, radians shearY
        let scale = perImage scale
        let cx, cy = centerX * (width - 1.0), centerY * (height - 1.0)
        let fromX = cx - perImage translateX * (width - 1.0)
        let fromY = cy - perImage translateY * (height - 1.0)

        // Rotation after shear, without scale; its determinant is 1.
        let a = Ops.cos (turn - sy) / Ops.cos sy
        let b = a * Ops.tan sx + Ops.sin turn
        let c = -(Ops.sin (turn - sy)) / Ops.cos sy
        let d = Ops.cos turn - c * Ops.tan sx

        let move (x: Expr) (y: Expr) =
            let u, v = x - fromX, y - fromY
            struct ((d * u - b * v) * scale + cx, (a * v - c * u) * scale + cy)

        around move boxes

    /// Corners in a window that begins there, cut off at its borders.
    let crop (top: Expr) (left: Expr) (height: Expr) (width: Expr) (corners: Expr) : Expr =
        corners |> shift (-left) (-top) |> clip height width

    let private halves (boxes: Expr) : struct (Expr * Expr) =
        struct (Ops.sliceAxis -1 0 2 boxes, Ops.sliceAxis -1 2 4 boxes)

    let private joined (first: Expr) (second: Expr) = Ops.concatenate -1 [| first; second |]

    let private checkCentered (format: BoundingBoxFormat) =
        if format <> BoundingBoxFormat.CenterXywh && format <> BoundingBoxFormat.CenterYxhw then
            raise (
                ArgumentValueException(
                    "Deltas are between middles and sizes.",
                    "encoding_format",
                    "center_xywh or center_yxhw",
                    nameOf format,
                    "Leave it at center_yxhw."
                )
            )

    let private variances (x: Expr) (variance: float list) : Expr voption =
        match variance with
        | [] -> ValueNone
        | [ _; _; _; _ ] -> ValueSome(Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of 4, List.toArray variance)))
        | other ->
            raise (
                ArgumentValueException(
                    "Deltas have four variances.",
                    "variance",
                    "4 numbers, or none",
                    string other.Length + " numbers",
                    "Give one for each number of a delta."
                )
            )

    /// How far boxes are from anchors: distances of middles in sizes of anchors, and logarithms of ratios of sizes.
    let encode anchorFormat boxFormat encoding (variance: float list) size (anchors: Expr) (boxes: Expr) : Expr =
        checkCentered encoding
        let struct (anchorMiddle, anchorSize) = halves (convert anchorFormat encoding size anchors)
        let struct (middle, extent) = halves (convert boxFormat encoding size boxes)
        let least = Expr.Scalar(boxes.DType, Epsilon)
        let anchorSize, extent = Ops.maximum anchorSize least, Ops.maximum extent least
        let deltas = joined ((middle - anchorMiddle) / anchorSize) (Ops.log (extent / anchorSize))

        match variances boxes variance with
        | ValueSome variance -> deltas / variance
        | ValueNone -> deltas

    /// The boxes that are that far from anchors.
    let decode anchorFormat boxFormat encoding (variance: float list) size (anchors: Expr) (deltas: Expr) : Expr =
        checkCentered encoding
        let struct (anchorMiddle, anchorSize) = halves (convert anchorFormat encoding size anchors)

        let deltas =
            match variances deltas variance with
            | ValueSome variance -> deltas * variance
            | ValueNone -> deltas

        let struct (middle, extent) = halves deltas

        joined (middle * anchorSize + anchorMiddle) (Ops.exp extent * anchorSize)
        |> convert encoding boxFormat size

    let private overlap (a: Expr) (a': Expr) (b: Expr) (b': Expr) : Expr =
        let shared = Ops.minimum a' b' - Ops.maximum a b
        Ops.maximum shared (Ops.zerosLike shared)

    /// Intersection over union of every box of one set (..., n, 4) with every box of another (..., m, 4): (..., n, m). With a
    /// mask value, that is what pairs have of which one box has negative coordinates only.
    let iou format size (maskValue: float voption) (boxes1: Expr) (boxes2: Expr) : Expr =
        let corners = convert format BoundingBoxFormat.Xyxy size
        let first, second = corners boxes1, corners boxes2
        let rowsOf (x: Expr) = Ops.expandDims -1 x
        let columnsOf (x: Expr) = Ops.expandDims -2 x
        let struct (left1, top1, right1, bottom1) = split first
        let struct (left2, top2, right2, bottom2) = split second

        let shared =
            overlap (rowsOf left1) (rowsOf right1) (columnsOf left2) (columnsOf right2)
            * overlap (rowsOf top1) (rowsOf bottom1) (columnsOf top2) (columnsOf bottom2)

        let all = rowsOf (area first) + columnsOf (area second) - shared
        let ratios = shared / (all + Epsilon)

        match maskValue with
        | ValueNone -> ratios
        | ValueSome value ->
            let isMissing (x: Expr) =
                let greatest = Ops.max [| -1 |] false x
                Ops.less greatest (Ops.zerosLike greatest)

            let missing = Ops.logicalOr (rowsOf (isMissing first)) (columnsOf (isMissing second))
            Ops.where missing (Ops.fullLike value ratios) ratios

    /// Complete IoU of boxes with those in the same place (Zheng et al., 2020), as Keras computes it.
    let ciou format size (boxes1: Expr) (boxes2: Expr) : Expr =
        let corners = convert format BoundingBoxFormat.Xyxy size
        let struct (left1, top1, right1, bottom1) = split (corners boxes1)
        let struct (left2, top2, right2, bottom2) = split (corners boxes2)
        let width1, height1 = right1 - left1, bottom1 - top1 + Epsilon
        let width2, height2 = right2 - left2, bottom2 - top2 + Epsilon
        let shared = overlap left1 right1 left2 right2 * overlap top1 bottom1 top2 bottom2
        let all = width1 * height1 + width2 * height2 - shared + Epsilon
        let ratio = shared / (all + Epsilon)
        let hull least1 greatest1 least2 greatest2 =
            Ops.square (Ops.maximum greatest1 greatest2 - Ops.minimum least1 least2)
        let diagonal = hull left1 right1 left2 right2 + hull top1 bottom1 top2 bottom2 + Epsilon
        let apart (a: Expr) (a': Expr) (b: Expr) (b': Expr) = Ops.square ((a + a') / 2.0 - (b + b') / 2.0)
        let distance = apart left1 right1 left2 right2 + apart top1 bottom1 top2 bottom2
        let turn = Ops.atan (width2 / height2) - Ops.atan (width1 / height1)
        let v = Ops.square (turn * (4.0 / (System.Math.PI * System.Math.PI)))
        let alpha = v / (v - ratio + (1.0 + Epsilon))
        ratio - (distance / diagonal + v * alpha)
