namespace FunctionalNet

/// <summary>Options of the layer that makes numbers of bounding boxes equal, and of functions of boxes.</summary>
[<AutoOpen>]
module BoundingBoxTypes =

    /// <summary>A movement of bounding boxes; <c>BoundingBoxes.still height width</c> moves nothing. Numbers are scalars, or vectors
    /// with one number per image of the batch.</summary>
    [<NoEquality; NoComparison>]
    type BoundingBoxMovement =
        {
            /// <summary>Rows of the images.</summary>
            Height: float
            /// <summary>Columns of the images.</summary>
            Width: float
            /// <summary>Degrees; positive turns counter-clockwise. Default: 0.</summary>
            Angle: Expr
            /// <summary>To the right, as a share of width - 1. Default: 0.</summary>
            TranslateX: Expr
            /// <summary>Down, as a share of height - 1. Default: 0.</summary>
            TranslateY: Expr
            /// <summary>Default: 1.</summary>
            Scale: Expr
            /// <summary>Shear along rows, in degrees. Default: 0.</summary>
            ShearX: Expr
            /// <summary>Shear along columns, in degrees. Default: 0.</summary>
            ShearY: Expr
            /// <summary>The place that stays, from 0 at the left to 1 at the right. Default: 0.5.</summary>
            CenterX: float
            /// <summary>The place that stays, from 0 at the top to 1 at the bottom. Default: 0.5.</summary>
            CenterY: float
        }

    /// <summary>How boxes are written as deltas from anchors; <c>BoundingBoxes.coding anchorFormat boxFormat</c> has Keras's
    /// defaults.</summary>
    type BoundingBoxCoding =
        {
            /// <summary>The format of anchors.</summary>
            AnchorFormat: BoundingBoxFormat
            /// <summary>The format of boxes.</summary>
            BoxFormat: BoundingBoxFormat
            /// <summary>The order of the four numbers of a delta: center_yxhw (default) or center_xywh.</summary>
            Encoding: BoundingBoxFormat
            /// <summary>Four numbers that deltas are divided by; empty for none. Default: empty.</summary>
            Variance: float list
            /// <summary>Height and width of images, for relative formats. Default: none.</summary>
            ImageSize: (float * float) option
        }

    /// <summary>Arguments of MaxNumBoundingBoxes; <c>BoundingBoxes.options</c> has Keras's defaults.</summary>
    type MaxNumBoundingBoxesOptions =
        {
            /// <summary>Boxes per image in the result.</summary>
            MaxNumber: int
            /// <summary>What coordinates and labels of missing boxes are. Default: -1.</summary>
            FillValue: int
        }

/// <summary>Bounding boxes of images.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module BoundingBoxes =

    /// <summary>That many boxes, filled up with -1.</summary>
    let options (maxNumber: int) : MaxNumBoundingBoxesOptions = { MaxNumber = maxNumber; FillValue = -1 }

    let private scalar (x: Expr) (value: float) = Expr.Scalar(x.DType, value)

    let private sizeOf (x: Expr) (size: (float * float) option) =
        match size with
        | Some(height, width) -> ValueSome(struct (scalar x height, scalar x width))
        | None -> ValueNone

    /// <summary>Boxes in another format. Keras: keras.utils.bounding_boxes.convert_format.</summary>
    /// <param name="source">The format of the boxes.</param>
    /// <param name="target">The wanted format.</param>
    /// <param name="size">Height and width of the images; needed where one of the formats is relative and the other is not.</param>
    /// <param name="boxes">Shape (..., 4), floating point.</param>
    /// <exception cref="T:FunctionalNet.ShapeException">The last axis is not 4.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The size is missing.</exception>
    /// <example><code>let shares = boxes |> BoundingBoxes.convertFormat BoundingBoxFormat.Xywh BoundingBoxFormat.RelXyxy (Some(200.0, 300.0))</code></example>
    let convertFormat source target (size: (float * float) option) (boxes: Expr) : Expr =
        Boxes.convert source target (sizeOf boxes size) boxes

    /// <summary>Boxes cut off at the borders of images, and their labels: -1 for boxes of which nothing is left. Keras:
    /// keras.utils.bounding_boxes.clip_to_image_size, which knows xyxy and rel_xyxy only.</summary>
    /// <param name="format">The format of the boxes.</param>
    /// <param name="size">Height and width of the images; needed unless the format is relative.</param>
    /// <param name="labels">Shape (..., boxes), or (..., boxes, classes).</param>
    /// <param name="boxes">Shape (..., boxes, 4), floating point.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The size is missing.</exception>
    let clipToImageSize format (size: (float * float) option) (labels: Expr) (boxes: Expr) : struct (Expr * Expr) =
        Boxes.clipped format (sizeOf boxes size) labels boxes

    /// <summary>A movement of images of that height and width that moves nothing, in float32.</summary>
    let still (height: float) (width: float) : BoundingBoxMovement =
        let number value = Expr.Scalar(DType.Float32, value)

        { Height = height
          Width = width
          Angle = number 0.0
          TranslateX = number 0.0
          TranslateY = number 0.0
          Scale = number 1.0
          ShearX = number 0.0
          ShearY = number 0.0
          CenterX = 0.5
          CenterY = 0.5 }

    /// <summary>The smallest boxes around moved ones. Keras: keras.utils.bounding_boxes.affine_transform.</summary>
    /// <param name="movement">What is done.</param>
    /// <param name="boxes">Left, top, right, bottom in cells: (boxes, 4), or (batch, boxes, 4).</param>
    /// <exception cref="T:FunctionalNet.ShapeException">A number of the movement is a vector, and boxes have no batch.</exception>
    let affineTransform (movement: BoundingBoxMovement) (boxes: Expr) : Expr =
        Boxes.affine
            movement.Angle
            movement.TranslateX
            movement.TranslateY
            movement.Scale
            movement.ShearX
            movement.ShearY
            (struct (scalar boxes movement.CenterX, scalar boxes movement.CenterY))
            (struct (scalar boxes movement.Height, scalar boxes movement.Width))
            boxes

    /// <summary>Boxes in a window of their images, cut off at its borders. Keras: keras.utils.bounding_boxes.crop.</summary>
    /// <param name="top">First row of the window.</param>
    /// <param name="left">First column of the window.</param>
    /// <param name="height">Rows of the window.</param>
    /// <param name="width">Columns of the window.</param>
    /// <param name="boxes">Left, top, right, bottom in cells: (..., 4).</param>
    let crop (top: float) (left: float) (height: float) (width: float) (boxes: Expr) : Expr =
        let number = scalar boxes
        Boxes.check "crop" boxes
        Boxes.crop (number top) (number left) (number height) (number width) boxes

    /// <summary>Boxes in images that have got that many rows above and columns to the left. Keras:
    /// keras.utils.bounding_boxes.pad.</summary>
    /// <param name="top">Rows above.</param>
    /// <param name="left">Columns to the left.</param>
    /// <param name="boxes">Left, top, right, bottom in cells: (..., 4).</param>
    let pad (top: float) (left: float) (boxes: Expr) : Expr =
        Boxes.check "pad" boxes
        Boxes.shift (scalar boxes left) (scalar boxes top) boxes

    /// <summary>Keras's defaults for deltas between anchors and boxes of those formats.</summary>
    let coding (anchorFormat: BoundingBoxFormat) (boxFormat: BoundingBoxFormat) : BoundingBoxCoding =
        { AnchorFormat = anchorFormat
          BoxFormat = boxFormat
          Encoding = BoundingBoxFormat.CenterYxhw
          Variance = []
          ImageSize = None }

    /// <summary>How far boxes are from anchors: distances of middles in sizes of anchors, and logarithms of ratios of sizes. Keras:
    /// keras.utils.bounding_boxes.encode_box_to_deltas.</summary>
    /// <param name="coding">Formats and variances.</param>
    /// <param name="anchors">Shape (boxes, 4).</param>
    /// <param name="boxes">Shape (boxes, 4), or (batch, boxes, 4).</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The encoding has no middles, there are not four variances, or the image's size is
    /// missing.</exception>
    let encodeBoxToDeltas (coding: BoundingBoxCoding) (anchors: Expr) (boxes: Expr) : Expr =
        let size = sizeOf boxes coding.ImageSize
        Boxes.encode coding.AnchorFormat coding.BoxFormat coding.Encoding coding.Variance size anchors boxes

    /// <summary>The boxes that are that far from anchors. Keras: keras.utils.bounding_boxes.decode_deltas_to_boxes.</summary>
    /// <param name="coding">Formats and variances.</param>
    /// <param name="anchors">Shape (boxes, 4).</param>
    /// <param name="deltas">Shape (boxes, 4), or (batch, boxes, 4).</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The encoding has no middles, there are not four variances, or the image's size is
    /// missing.</exception>
    let decodeDeltasToBoxes (coding: BoundingBoxCoding) (anchors: Expr) (deltas: Expr) : Expr =
        let size = sizeOf deltas coding.ImageSize
        Boxes.decode coding.AnchorFormat coding.BoxFormat coding.Encoding coding.Variance size anchors deltas

    /// <summary>Intersection over union of every box with every other. Keras: keras.utils.bounding_boxes.compute_iou.</summary>
    /// <param name="format">The format of the boxes.</param>
    /// <param name="size">Height and width of images, for relative formats.</param>
    /// <param name="boxes1">Shape (n, 4), or (batch, n, 4).</param>
    /// <param name="boxes2">Shape (m, 4), or (batch, m, 4).</param>
    /// <returns>Shape (n, m), or (batch, n, m).</returns>
    let computeIou format (size: (float * float) option) (boxes1: Expr) (boxes2: Expr) : Expr =
        Boxes.iou format (sizeOf boxes1 size) ValueNone boxes1 boxes2

    /// <summary>The same, with a value for pairs of which one box is missing: all its coordinates are negative. Keras:
    /// use_masking and mask_val.</summary>
    let computeIouMasked (maskValue: float) format (size: (float * float) option) (boxes1: Expr) (boxes2: Expr) : Expr =
        Boxes.iou format (sizeOf boxes1 size) (ValueSome maskValue) boxes1 boxes2

    /// <summary>Complete IoU (Zheng et al., 2020) of boxes with those in the same place, less than 1 by their distance and the
    /// difference of their proportions. As in Keras, which squares the factor 4 / pi² of the proportions too. Keras:
    /// keras.utils.bounding_boxes.compute_ciou.</summary>
    /// <param name="format">The format of the boxes.</param>
    /// <param name="size">Height and width of images, for relative formats.</param>
    /// <param name="boxes1">Shape (..., 4).</param>
    /// <param name="boxes2">The same shape.</param>
    /// <returns>Shape (...).</returns>
    let computeCiou format (size: (float * float) option) (boxes1: Expr) (boxes2: Expr) : Expr =
        Boxes.ciou format (sizeOf boxes1 size) boxes1 boxes2

    [<Literal>]
    let private Kind = "MaxNumBoundingBoxes"

    /// Axis 1 cut off or filled up.
    let private sized (o: MaxNumBoundingBoxesOptions) (x: Expr) =
        let kept = min o.MaxNumber x.Shape[1]
        let missing = Array.init x.Rank (fun axis -> struct (0, (if axis = 1 then o.MaxNumber - kept else 0)))
        Ops.pad missing (float o.FillValue) (Ops.sliceAxis 1 0 kept x)

    /// Boxes and labels among the arguments of a call of images.
    let private runWithImages (o: MaxNumBoundingBoxesOptions) (scope: Scope) (images: Flow) (boxes: Expr) : Flow[] =
        ImageLayer.check Kind images.Value

        match scope.Argument ImagePart.BoxLabels with
        | ValueSome classes -> ImageLayer.checkBoxes Kind images.Value.Shape[0] boxes classes
        | ValueNone -> ()

        [| images
           for name in ImagePart.all do
               match scope.Argument name with
               | ValueSome part when name = ImagePart.Boxes || name = ImagePart.BoxLabels -> Flow.ofValue (sized o part)
               | ValueSome part -> Flow.ofValue part
               | ValueNone -> () |]

    /// Boxes (batch, boxes, 4) and labels (batch, boxes), maybe after images, which pass unchanged.
    let private runOnBoxes (o: MaxNumBoundingBoxesOptions) (inputs: Flow[]) : Flow[] =
        if inputs.Length < 1 || inputs.Length > 3 then
            raise (
                ShapeException(
                    Kind + " takes images, boxes and labels, or boxes and labels, or images.",
                    "",
                    "1 to 3 inputs",
                    string inputs.Length,
                    "Give boxes (batch, boxes, 4) and labels (batch, boxes)."
                )
            )

        let images = inputs.Length % 2
        if images = 1 then ImageLayer.check Kind inputs[0].Value

        if inputs.Length > 1 then
            let boxes, labels = inputs[images].Value, inputs[images + 1].Value
            LayerCheck.rank Kind 3 "boxes (batch, boxes, 4)" boxes
            LayerCheck.rank Kind 2 "labels (batch, boxes)" labels

            if boxes.Shape[2] <> 4 || boxes.Shape[0] <> labels.Shape[0] || boxes.Shape[1] <> labels.Shape[1] then
                raise (
                    ShapeException(
                        Kind + " takes four coordinates and one label per box.",
                        "",
                        "labels " + labels.Shape.ToString() + " and boxes of the same axes, then 4",
                        boxes.Shape.ToString(),
                        "Give boxes (batch, boxes, 4) and labels (batch, boxes)."
                    )
                )

        inputs |> Array.mapi (fun i flow -> if i < images then flow else Flow.ofValue (sized o flow.Value))

    let private run (o: Boxed<MaxNumBoundingBoxesOptions>) (scope: Scope) (inputs: Flow[]) : Flow[] =
        match scope.Argument ImagePart.Boxes with
        | ValueSome boxes when inputs.Length = 1 -> runWithImages o.Options scope inputs[0] boxes
        | _ -> runOnBoxes o.Options inputs

    /// Boxes are counted, whatever their format.
    let internal maxNumber: LayerClass<Boxed<MaxNumBoundingBoxesOptions>> =
        ImageLayer.boxed
            Kind
            (options 1)
            [ Field.required (Field.int "max_number" _.MaxNumber (fun v o -> { o with MaxNumber = v }))
              Field.int "fill_value" _.FillValue (fun v o -> { o with FillValue = v }) ]
            (fun o ->
                LayerCheck.positive (Kind + ".max_number") o.MaxNumber
                o)
            run
