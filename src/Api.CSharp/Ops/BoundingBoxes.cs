using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using FunctionalNet.Interop;

namespace FunctionalNet;

/// <summary>Functions of bounding boxes, on tensors and, inside of layers, losses and metrics, on nodes. Boxes are of a
/// floating-point type; whole numbers in tensors are converted. Keras: keras.utils.bounding_boxes.</summary>
public static class BoundingBoxes
{
    private const int Kept = 64;

    private static readonly ConcurrentDictionary<string, CompiledFunction> Functions = new(StringComparer.Ordinal);

    /// <summary>Boxes in another format. Keras: convert_format.</summary>
    /// <param name="boxes">Shape (..., 4).</param>
    /// <param name="source">The format of the boxes.</param>
    /// <param name="target">The wanted format.</param>
    /// <param name="height">Rows of the images; needed where one format is relative and the other is not.</param>
    /// <param name="width">Columns of the images.</param>
    /// <exception cref="ShapeException">The last axis is not 4.</exception>
    /// <exception cref="ArgumentValueException">The size is missing.</exception>
    /// <example><code>var shares = BoundingBoxes.ConvertFormat(boxes, "xywh", "rel_xyxy", height: 200, width:
    /// 300);</code></example>
    public static Tensor ConvertFormat(
        Tensor boxes,
        BoundingBoxFormat source,
        BoundingBoxFormat target,
        double? height = null,
        double? width = null) =>
        Run(
            [boxes],
            [source, target, height, width],
            nodes => [ConvertFormat(nodes[0], source, target, height, width)])[0];

    /// <inheritdoc cref="ConvertFormat(Tensor, BoundingBoxFormat, BoundingBoxFormat, double?, double?)"/>
    public static Expr ConvertFormat(
        Expr boxes,
        BoundingBoxFormat source,
        BoundingBoxFormat target,
        double? height = null,
        double? width = null)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        return BoxBridge.Convert(source.Name, target.Name, height, width, boxes);
    }

    /// <summary>Boxes cut off at the borders of images, and their labels: -1 for boxes of which nothing is left. Keras:
    /// clip_to_image_size, which knows xyxy and rel_xyxy only.</summary>
    /// <param name="boxes">Shape (..., boxes, 4).</param>
    /// <param name="labels">Shape (..., boxes), or (..., boxes, classes).</param>
    /// <param name="height">Rows of the images; needed unless the format is relative.</param>
    /// <param name="width">Columns of the images.</param>
    /// <param name="boundingBoxFormat">The format of the boxes; xyxy by default.</param>
    /// <exception cref="ShapeException">The last axis is not 4.</exception>
    /// <exception cref="ArgumentValueException">The size is missing.</exception>
    public static (Tensor Boxes, Tensor Labels) ClipToImageSize(
        Tensor boxes,
        Tensor labels,
        double? height = null,
        double? width = null,
        BoundingBoxFormat? boundingBoxFormat = null)
    {
        var outputs = Run([boxes, labels], [height, width, boundingBoxFormat], nodes =>
        {
            var (clipped, kept) = ClipToImageSize(nodes[0], nodes[1], height, width, boundingBoxFormat);
            return [clipped, kept];
        }, converted: 1);
        return (outputs[0], outputs[1]);
    }

    /// <inheritdoc cref="ClipToImageSize(Tensor, Tensor, double?, double?, BoundingBoxFormat?)"/>
    public static (Expr Boxes, Expr Labels) ClipToImageSize(
        Expr boxes,
        Expr labels,
        double? height = null,
        double? width = null,
        BoundingBoxFormat? boundingBoxFormat = null)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        ArgumentNullException.ThrowIfNull(labels);
        var (clipped, kept) = BoxBridge.Clip(boundingBoxFormat?.Name ?? "xyxy", height, width, labels, boxes);
        return (clipped, kept);
    }

    /// <summary>The smallest boxes around moved ones. Numbers are scalars, or vectors with one number per image; angles are
    /// in degrees. Keras: affine_transform.</summary>
    /// <param name="boxes">Left, top, right, bottom in cells: (boxes, 4), or (batch, boxes, 4).</param>
    /// <param name="height">Rows of the images.</param>
    /// <param name="width">Columns of the images.</param>
    /// <param name="angle">Positive turns counter-clockwise; 0 by default.</param>
    /// <param name="translateX">To the right, as a share of width - 1; 0 by default.</param>
    /// <param name="translateY">Down, as a share of height - 1; 0 by default.</param>
    /// <param name="scale">1 by default.</param>
    /// <param name="shearX">Shear along rows; 0 by default.</param>
    /// <param name="shearY">Shear along columns; 0 by default.</param>
    /// <param name="centerX">The place that stays, from 0 at the left to 1 at the right.</param>
    /// <param name="centerY">The place that stays, from 0 at the top to 1 at the bottom.</param>
    /// <exception cref="ShapeException">A number is a vector, and boxes have no batch.</exception>
    public static Tensor AffineTransform(
        Tensor boxes,
        double height,
        double width,
        Tensor? angle = null,
        Tensor? translateX = null,
        Tensor? translateY = null,
        Tensor? scale = null,
        Tensor? shearX = null,
        Tensor? shearY = null,
        double centerX = 0.5,
        double centerY = 0.5) =>
        Run(
            [boxes, angle, translateX, translateY, scale, shearX, shearY],
            [height, width, centerX, centerY],
            nodes =>
            [
                AffineTransform(
                    nodes[0], height, width, nodes[1], nodes[2], nodes[3], nodes[4], nodes[5], nodes[6], centerX, centerY),
            ])[0];

    /// <inheritdoc cref="AffineTransform(Tensor, double, double, Tensor?, Tensor?, Tensor?, Tensor?, Tensor?, Tensor?, double, double)"/>
    public static Expr AffineTransform(
        Expr boxes,
        double height,
        double width,
        Expr? angle = null,
        Expr? translateX = null,
        Expr? translateY = null,
        Expr? scale = null,
        Expr? shearX = null,
        Expr? shearY = null,
        double centerX = 0.5,
        double centerY = 0.5)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        return BoxBridge.Move(
            height, width, angle, translateX, translateY, scale, shearX, shearY, centerX, centerY, boxes);
    }

    /// <summary>Boxes in a window of their images, cut off at its borders. Keras: crop.</summary>
    /// <param name="boxes">Left, top, right, bottom in cells: (..., 4).</param>
    /// <param name="top">First row of the window.</param>
    /// <param name="left">First column of the window.</param>
    /// <param name="height">Rows of the window.</param>
    /// <param name="width">Columns of the window.</param>
    /// <exception cref="ShapeException">The last axis is not 4.</exception>
    public static Tensor Crop(Tensor boxes, double top, double left, double height, double width) =>
        Run([boxes], [top, left, height, width], nodes => [Crop(nodes[0], top, left, height, width)])[0];

    /// <inheritdoc cref="Crop(Tensor, double, double, double, double)"/>
    public static Expr Crop(Expr boxes, double top, double left, double height, double width)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        return BoxBridge.Crop(top, left, height, width, boxes);
    }

    /// <summary>Boxes in images that have got rows above and columns to the left. Keras: pad.</summary>
    /// <param name="boxes">Left, top, right, bottom in cells: (..., 4).</param>
    /// <param name="top">Rows above.</param>
    /// <param name="left">Columns to the left.</param>
    /// <exception cref="ShapeException">The last axis is not 4.</exception>
    public static Tensor Pad(Tensor boxes, double top, double left) =>
        Run([boxes], [top, left], nodes => [Pad(nodes[0], top, left)])[0];

    /// <inheritdoc cref="Pad(Tensor, double, double)"/>
    public static Expr Pad(Expr boxes, double top, double left)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        return BoxBridge.Pad(top, left, boxes);
    }

    /// <summary>How far boxes are from anchors: distances of middles in sizes of anchors, and logarithms of ratios of sizes.
    /// Keras: encode_box_to_deltas.</summary>
    /// <param name="anchors">Shape (boxes, 4).</param>
    /// <param name="boxes">Shape (boxes, 4), or (batch, boxes, 4).</param>
    /// <param name="anchorFormat">The format of anchors.</param>
    /// <param name="boxFormat">The format of boxes.</param>
    /// <param name="encodingFormat">The order of the numbers of a delta: center_yxhw (default) or center_xywh.</param>
    /// <param name="variance">Four numbers that deltas are divided by.</param>
    /// <param name="imageShape">Rows and columns of the images, for relative formats.</param>
    /// <exception cref="ShapeException">The last axis is not 4.</exception>
    /// <exception cref="ArgumentValueException">The encoding has no middles, there are not four variances, or the size is
    /// missing.</exception>
    public static Tensor EncodeBoxToDeltas(
        Tensor anchors,
        Tensor boxes,
        BoundingBoxFormat anchorFormat,
        BoundingBoxFormat boxFormat,
        BoundingBoxFormat? encodingFormat = null,
        IReadOnlyList<double>? variance = null,
        (double Height, double Width)? imageShape = null) =>
        Run(
            [anchors, boxes],
            [anchorFormat, boxFormat, encodingFormat, string.Join(" ", variance ?? []), imageShape],
            nodes => [EncodeBoxToDeltas(nodes[0], nodes[1], anchorFormat, boxFormat, encodingFormat, variance, imageShape)])[0];

    /// <inheritdoc cref="EncodeBoxToDeltas(Tensor, Tensor, BoundingBoxFormat, BoundingBoxFormat, BoundingBoxFormat?, IReadOnlyList{double}?, ValueTuple{double, double}?)"/>
    public static Expr EncodeBoxToDeltas(
        Expr anchors,
        Expr boxes,
        BoundingBoxFormat anchorFormat,
        BoundingBoxFormat boxFormat,
        BoundingBoxFormat? encodingFormat = null,
        IReadOnlyList<double>? variance = null,
        (double Height, double Width)? imageShape = null)
    {
        ArgumentNullException.ThrowIfNull(anchors);
        ArgumentNullException.ThrowIfNull(boxes);
        ArgumentNullException.ThrowIfNull(anchorFormat);
        ArgumentNullException.ThrowIfNull(boxFormat);
        return BoxBridge.Encode(anchorFormat.Name, boxFormat.Name, encodingFormat?.Name ?? "center_yxhw", [.. variance ?? []], imageShape?.Height, imageShape?.Width, anchors, boxes);
    }

    /// <summary>The boxes that are that far from anchors. Keras: decode_deltas_to_boxes.</summary>
    /// <param name="anchors">Shape (boxes, 4).</param>
    /// <param name="deltas">Shape (boxes, 4), or (batch, boxes, 4).</param>
    /// <param name="anchorFormat">The format of anchors.</param>
    /// <param name="boxFormat">The wanted format of boxes.</param>
    /// <param name="encodedFormat">The order of the numbers of a delta: center_yxhw (default) or center_xywh.</param>
    /// <param name="variance">Four numbers that deltas are multiplied by.</param>
    /// <param name="imageShape">Rows and columns of the images, for relative formats.</param>
    /// <exception cref="ShapeException">The last axis is not 4.</exception>
    /// <exception cref="ArgumentValueException">The encoding has no middles, there are not four variances, or the size is
    /// missing.</exception>
    public static Tensor DecodeDeltasToBoxes(
        Tensor anchors,
        Tensor deltas,
        BoundingBoxFormat anchorFormat,
        BoundingBoxFormat boxFormat,
        BoundingBoxFormat? encodedFormat = null,
        IReadOnlyList<double>? variance = null,
        (double Height, double Width)? imageShape = null) =>
        Run(
            [anchors, deltas],
            [anchorFormat, boxFormat, encodedFormat, string.Join(" ", variance ?? []), imageShape],
            nodes => [DecodeDeltasToBoxes(nodes[0], nodes[1], anchorFormat, boxFormat, encodedFormat, variance, imageShape)])[0];

    /// <inheritdoc cref="DecodeDeltasToBoxes(Tensor, Tensor, BoundingBoxFormat, BoundingBoxFormat, BoundingBoxFormat?, IReadOnlyList{double}?, ValueTuple{double, double}?)"/>
    public static Expr DecodeDeltasToBoxes(
        Expr anchors,
        Expr deltas,
        BoundingBoxFormat anchorFormat,
        BoundingBoxFormat boxFormat,
        BoundingBoxFormat? encodedFormat = null,
        IReadOnlyList<double>? variance = null,
        (double Height, double Width)? imageShape = null)
    {
        ArgumentNullException.ThrowIfNull(anchors);
        ArgumentNullException.ThrowIfNull(deltas);
        ArgumentNullException.ThrowIfNull(anchorFormat);
        ArgumentNullException.ThrowIfNull(boxFormat);
        return BoxBridge.Decode(anchorFormat.Name, boxFormat.Name, encodedFormat?.Name ?? "center_yxhw", [.. variance ?? []], imageShape?.Height, imageShape?.Width, anchors, deltas);
    }

    /// <summary>Intersection over union of every box with every other: (n, m), or (batch, n, m). Keras:
    /// compute_iou.</summary>
    /// <param name="boxes1">Shape (n, 4), or (batch, n, 4).</param>
    /// <param name="boxes2">Shape (m, 4), or (batch, m, 4).</param>
    /// <param name="boundingBoxFormat">The format of the boxes.</param>
    /// <param name="useMasking">Whether pairs of which one box has negative coordinates only get a value of their
    /// own.</param>
    /// <param name="maskVal">That value.</param>
    /// <param name="imageShape">Rows and columns of the images, for relative formats.</param>
    /// <exception cref="ShapeException">The last axis is not 4.</exception>
    /// <exception cref="ArgumentValueException">The size is missing.</exception>
    /// <example><code>var overlaps = BoundingBoxes.ComputeIou(anchors, boxes, "xyxy");</code></example>
    public static Tensor ComputeIou(
        Tensor boxes1,
        Tensor boxes2,
        BoundingBoxFormat boundingBoxFormat,
        bool useMasking = false,
        double maskVal = -1,
        (double Height, double Width)? imageShape = null) =>
        Run(
            [boxes1, boxes2],
            [boundingBoxFormat, useMasking, maskVal, imageShape],
            nodes => [ComputeIou(nodes[0], nodes[1], boundingBoxFormat, useMasking, maskVal, imageShape)])[0];

    /// <inheritdoc cref="ComputeIou(Tensor, Tensor, BoundingBoxFormat, bool, double, ValueTuple{double, double}?)"/>
    public static Expr ComputeIou(
        Expr boxes1,
        Expr boxes2,
        BoundingBoxFormat boundingBoxFormat,
        bool useMasking = false,
        double maskVal = -1,
        (double Height, double Width)? imageShape = null)
    {
        ArgumentNullException.ThrowIfNull(boxes1);
        ArgumentNullException.ThrowIfNull(boxes2);
        ArgumentNullException.ThrowIfNull(boundingBoxFormat);
        return BoxBridge.Iou(boundingBoxFormat.Name, imageShape?.Height, imageShape?.Width, useMasking ? maskVal : null, boxes1, boxes2);
    }

    /// <summary>Complete IoU (Zheng et al., 2020) of boxes with those in the same place: less than the IoU by their distance
    /// and the difference of their proportions, whose factor 4 / pi² is squared as in Keras. Keras: compute_ciou.</summary>
    /// <param name="boxes1">Shape (..., 4).</param>
    /// <param name="boxes2">The same shape.</param>
    /// <param name="boundingBoxFormat">The format of the boxes.</param>
    /// <param name="imageShape">Rows and columns of the images, for relative formats.</param>
    /// <exception cref="ShapeException">The last axis is not 4.</exception>
    /// <exception cref="ArgumentValueException">The size is missing.</exception>
    public static Tensor ComputeCiou(
        Tensor boxes1,
        Tensor boxes2,
        BoundingBoxFormat boundingBoxFormat,
        (double Height, double Width)? imageShape = null) =>
        Run(
            [boxes1, boxes2],
            [boundingBoxFormat, imageShape],
            nodes => [ComputeCiou(nodes[0], nodes[1], boundingBoxFormat, imageShape)])[0];

    /// <inheritdoc cref="ComputeCiou(Tensor, Tensor, BoundingBoxFormat, ValueTuple{double, double}?)"/>
    public static Expr ComputeCiou(
        Expr boxes1,
        Expr boxes2,
        BoundingBoxFormat boundingBoxFormat,
        (double Height, double Width)? imageShape = null)
    {
        ArgumentNullException.ThrowIfNull(boxes1);
        ArgumentNullException.ThrowIfNull(boxes2);
        ArgumentNullException.ThrowIfNull(boundingBoxFormat);
        return BoxBridge.Ciou(boundingBoxFormat.Name, imageShape?.Height, imageShape?.Width, boxes1, boxes2);
    }

    /// <summary>A function of nodes on tensors: compiled once for its arguments and shapes, of which some are kept. A missing tensor is
    /// a missing node. The first tensors, as many as are converted, become floating-point ones.</summary>
    private static Tensor[] Run(
        Tensor?[] inputs,
        object?[] arguments,
        Func<Expr[], Expr[]> describe,
        int converted = int.MaxValue,
        [CallerMemberName] string function = "")
    {
        bool[] isGiven = [.. inputs.Select(input => input is not null)];
        object?[] parts = [function, .. isGiven, .. arguments];
        var key = string.Join("|", parts.Select(part => Convert.ToString(part, CultureInfo.InvariantCulture)));

        Expr Floating(Expr node, int index) =>
            index >= converted || node.DType is DType.Float32 or DType.Float64 ? node : Ops.Cast(node, DType.Float32);

        Expr[] Trace(Expr[] nodes)
        {
            var next = 0;
            return describe([.. isGiven.Select((given, i) => given ? Floating(nodes[next++], i) : null!)]);
        }

        if (Functions.Count > Kept)
        {
            Functions.Clear();
        }

        return Functions.GetOrAdd(key, _ => new CompiledFunction(Trace)).Invoke([.. inputs.OfType<Tensor>()]);
    }
}
