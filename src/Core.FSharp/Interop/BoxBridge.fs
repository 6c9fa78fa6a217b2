namespace FunctionalNet.Interop

open System
open FunctionalNet

/// <summary>Functions of bounding boxes for the C# facade. Formats come by Keras's names; height and width are both given, or both
/// null.</summary>
[<AbstractClass; Sealed>]
type BoxBridge =

    static member private Size(height: Nullable<float>, width: Nullable<float>) =
        if height.HasValue && width.HasValue then Some(height.Value, width.Value) else None

    static member private Coding
        (anchorFormat: string, boxFormat: string, encoding: string, variance: float[], height, width)
        : BoundingBoxCoding =
        { AnchorFormat = Boxes.ofName anchorFormat
          BoxFormat = Boxes.ofName boxFormat
          Encoding = Boxes.ofName encoding
          Variance = List.ofArray variance
          ImageSize = BoxBridge.Size(height, width) }

    /// <summary>Boxes in another format.</summary>
    static member Convert(source: string, target: string, height, width, boxes: Expr) : Expr =
        BoundingBoxes.convertFormat (Boxes.ofName source) (Boxes.ofName target) (BoxBridge.Size(height, width)) boxes

    /// <summary>Boxes cut off at the borders of images, and their labels.</summary>
    static member Clip(format: string, height, width, labels: Expr, boxes: Expr) : struct (Expr * Expr) =
        BoundingBoxes.clipToImageSize (Boxes.ofName format) (BoxBridge.Size(height, width)) labels boxes

    /// <summary>Boxes around moved ones; nulls are numbers that move nothing.</summary>
    static member Move
        (
            height: float,
            width: float,
            angle: Expr | null,
            translateX: Expr | null,
            translateY: Expr | null,
            scale: Expr | null,
            shearX: Expr | null,
            shearY: Expr | null,
            centerX: float,
            centerY: float,
            boxes: Expr
        ) : Expr =
        let orElse (value: float) (given: Expr | null) : Expr =
            match given with
            | null -> Expr.Scalar(boxes.DType, value)
            | given -> given

        let movement: BoundingBoxMovement =
            { Height = height
              Width = width
              Angle = orElse 0.0 angle
              TranslateX = orElse 0.0 translateX
              TranslateY = orElse 0.0 translateY
              Scale = orElse 1.0 scale
              ShearX = orElse 0.0 shearX
              ShearY = orElse 0.0 shearY
              CenterX = centerX
              CenterY = centerY }

        BoundingBoxes.affineTransform movement boxes

    /// <summary>Boxes in a window of their images.</summary>
    static member Crop(top: float, left: float, height: float, width: float, boxes: Expr) : Expr =
        BoundingBoxes.crop top left height width boxes

    /// <summary>Boxes in images with borders.</summary>
    static member Pad(top: float, left: float, boxes: Expr) : Expr = BoundingBoxes.pad top left boxes

    /// <summary>How far boxes are from anchors.</summary>
    static member Encode
        (anchorFormat, boxFormat, encoding, variance: float[], height, width, anchors: Expr, boxes: Expr)
        : Expr =
        let coding = BoxBridge.Coding(anchorFormat, boxFormat, encoding, variance, height, width)
        BoundingBoxes.encodeBoxToDeltas coding anchors boxes

    /// <summary>The boxes that are that far from anchors.</summary>
    static member Decode
        (anchorFormat, boxFormat, encoding, variance: float[], height, width, anchors: Expr, deltas: Expr)
        : Expr =
        let coding = BoxBridge.Coding(anchorFormat, boxFormat, encoding, variance, height, width)
        BoundingBoxes.decodeDeltasToBoxes coding anchors deltas

    /// <summary>Intersection over union of all pairs; a mask value is for pairs with a missing box.</summary>
    static member Iou(format: string, height, width, maskValue: Nullable<float>, boxes1: Expr, boxes2: Expr) : Expr =
        let size = BoxBridge.Size(height, width)

        if maskValue.HasValue then
            BoundingBoxes.computeIouMasked maskValue.Value (Boxes.ofName format) size boxes1 boxes2
        else
            BoundingBoxes.computeIou (Boxes.ofName format) size boxes1 boxes2

    /// <summary>Complete intersection over union of boxes in the same place.</summary>
    static member Ciou(format: string, height, width, boxes1: Expr, boxes2: Expr) : Expr =
        BoundingBoxes.computeCiou (Boxes.ofName format) (BoxBridge.Size(height, width)) boxes1 boxes2
