using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A layer that prepares or augments images, and what is known about them alike: labels, bounding boxes, masks. It stands
/// in a model, or runs on tensors ahead of one. Keras: BaseImagePreprocessingLayer.</summary>
public abstract class ImageLayer : Layer
{
    private Augmenter? augmenter;
    private Augmenter? inference;

    private protected ImageLayer(string className, string? name, Arguments arguments)
        : base(className, name, arguments)
    {
    }

    private protected ImageLayer(
        string className, string? name, DataFormat? dataFormat, BoundingBoxFormat? boundingBoxFormat, Arguments arguments)
        : this(className, name, arguments
            .Set("data_format", dataFormat?.Name)
            .Set("bounding_box_format", boundingBoxFormat?.Name))
    {
    }

    /// <summary>Applies the layer to symbolic images and what comes with them.</summary>
    /// <param name="data">Images and what else there is.</param>
    /// <exception cref="ShapeException">A shape does not fit; the error names the layer.</exception>
    /// <exception cref="ArgumentValueException">There are boxes, and the layer has no boundingBoxFormat.</exception>
    /// <example><code>var (images, boxes) = (new Input(64, 64, 3), new Input(5, 4));
    /// var data = new RandomFlip(boundingBoxFormat: "xyxy").Apply(new SymbolicImageData(images) { Boxes = boxes, BoxLabels = new Input(5) });</code></example>
    public SymbolicImageData Apply(SymbolicImageData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        var others = data.Others;
        var outputs = Apply([data.Images], others);
        var next = 1;
        SymbolicTensor? Part(SymbolicTensor? before) => before is null ? null : outputs[next++];

        // In the order of the outputs.
        return new(outputs[0])
        {
            Labels = Part(data.Labels),
            Boxes = Part(data.Boxes),
            BoxLabels = Part(data.BoxLabels),
            SegmentationMasks = Part(data.SegmentationMasks),
        };
    }

    /// <summary>Runs the layer on one image or a batch. Every call makes other random changes. Keras: <c>layer(images)</c>.</summary>
    /// <param name="images">Shape (height, width, channels) or (batch, height, width, channels).</param>
    /// <param name="training">False for what the layer does at inference.</param>
    /// <exception cref="ShapeException">The shape does not fit; the error names the layer.</exception>
    public Tensor Transform(Tensor images, bool training = true) => AugmenterFor(training).Transform(images);

    /// <summary>Runs the layer on one image or a batch, by random numbers that follow from those given: for
    /// <c>Dataset.MapRandom</c>, whose elements have numbers of their own.</summary>
    /// <param name="images">Shape (height, width, channels) or (batch, height, width, channels).</param>
    /// <param name="random">Random numbers, of which one is taken.</param>
    /// <exception cref="ShapeException">The shape does not fit; the error names the layer.</exception>
    public Tensor Transform(Tensor images, Random random) => AugmenterFor(training: true).Transform(images, random);

    /// <summary>Runs the layer on images with what is known about them. Every call makes other random changes. Keras:
    /// <c>layer({"images": ..., "bounding_boxes": ...})</c>.</summary>
    /// <param name="data">One image or a batch, with labels, boxes and masks.</param>
    /// <param name="training">False for what the layer does at inference.</param>
    /// <exception cref="ShapeException">A shape does not fit; the error names the layer.</exception>
    /// <exception cref="ArgumentValueException">There are boxes, and the layer has no boundingBoxFormat.</exception>
    /// <example><code>var flipped = new RandomFlip("horizontal", boundingBoxFormat: "xyxy").Transform(new ImageData(photos, boxes: boxes, boxLabels: kinds));</code></example>
    public ImageData Transform(ImageData data, bool training = true) => AugmenterFor(training).Transform(data);

    /// <summary>The same by random numbers that follow from those given.</summary>
    /// <param name="data">One image or a batch, with labels, boxes and masks.</param>
    /// <param name="random">Random numbers, of which one is taken.</param>
    /// <exception cref="ShapeException">A shape does not fit; the error names the layer.</exception>
    /// <exception cref="ArgumentValueException">There are boxes, and the layer has no boundingBoxFormat.</exception>
    public ImageData Transform(ImageData data, Random random) => AugmenterFor(training: true).Transform(data, random);

    private Augmenter AugmenterFor(bool training)
    {
        Augmenter Make() => new([Core], training);

        return training
            ? LazyInitializer.EnsureInitialized(ref augmenter, Make)
            : LazyInitializer.EnsureInitialized(ref inference, Make);
    }
}

/// <summary>Symbolic images of a model, and what comes with them.</summary>
/// <param name="Images">Shape (batch, height, width, channels).</param>
public sealed record SymbolicImageData(SymbolicTensor Images)
{
    /// <summary>What images show, one row per image.</summary>
    public SymbolicTensor? Labels { get; init; }

    /// <summary>Bounding boxes, (batch, boxes, 4).</summary>
    public SymbolicTensor? Boxes { get; init; }

    /// <summary>What is in boxes, (batch, boxes) or (batch, boxes, classes).</summary>
    public SymbolicTensor? BoxLabels { get; init; }

    /// <summary>A number for every cell, (batch, height, width), or with channels.</summary>
    public SymbolicTensor? SegmentationMasks { get; init; }

    /// <summary>What there is besides images, by the names of the core.</summary>
    internal (string Name, SymbolicTensor? Tensor)[] Others =>
    [
        ("labels", Labels),
        ("bounding_boxes", Boxes),
        ("bounding_box_labels", BoxLabels),
        ("segmentation_masks", SegmentationMasks),
    ];
}
