using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Subtracts a mean and divides by a standard deviation, feature by feature: fixed ones, ones that Adapt learns, or
/// weights that a file brings.</summary>
/// <param name="axis">The axis or axes of the features, the last one by default; <c>Axes.None</c> for one mean and variance of
/// everything.</param>
/// <param name="mean">One mean, or one per feature; by default a weight of the model.</param>
/// <param name="variance">One variance, or one per feature; by default a weight of the model.</param>
/// <param name="invert">Whether to undo the normalisation instead.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
/// <example><code>
/// var normalization = new Normalization();
/// normalization.Adapt(xTrain);
/// var model = new Sequential { new Input(13), normalization, new Dense(1) };
/// </code></example>
public sealed class Normalization(
    Axes? axis = null,
    Numbers? mean = null,
    Numbers? variance = null,
    bool invert = false,
    string? name = null)
    : Layer("Normalization", name, Arguments.Empty
        .SetOrNone("axis", axis ?? -1)
        .Set("mean", mean?.Values)
        .Set("variance", variance?.Values)
        .Set("invert", invert))
{
    private Tensor[]? adapted;

    /// <summary>Learns mean and variance of all of the data, the batch first; what was learnt before is forgotten. Ahead of the
    /// model or in it: the model's weights are set at once, or when they are made. Keras: adapt.</summary>
    /// <exception cref="ArgumentValueException">The layer has a fixed mean.</exception>
    /// <exception cref="DataException">There are no data, or they lack an axis.</exception>
    /// <exception cref="ShapeException">The model's data have other features.</exception>
    public void Adapt(Tensor data)
    {
        ArgumentNullException.ThrowIfNull(data);
        Learn(PreprocessingBridge.Moments(Core, data));
    }

    /// <summary>Learns mean and variance of batches, which are read once: a dataset, a list, any sequence. Elements of rank 1 are
    /// rows.</summary>
    /// <exception cref="ArgumentValueException">The layer has a fixed mean.</exception>
    /// <exception cref="DataException">There are no data, or batches have different features.</exception>
    /// <exception cref="ShapeException">The model's data have other features.</exception>
    public void Adapt(IEnumerable<Tensor> batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        Learn(PreprocessingBridge.Moments(Core, batches));
    }

    private protected override void OnWeights()
    {
        if (adapted is not null)
        {
            SetWeights(adapted);
        }
    }

    private void Learn((Tensor Mean, Tensor Variance) moments)
    {
        adapted = [moments.Mean, moments.Variance, Tensor.Scalar(0)];

        if (Home is not null)
        {
            SetWeights(adapted);
        }
    }
}

/// <summary>Multiplies by a number and adds another: <c>new Rescaling(1 / 255.0)</c> takes bytes to 0..1.</summary>
/// <param name="scale">The factor, or one per position of the last axis.</param>
/// <param name="offset">What is added, or one number per position of the last axis; 0 by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Rescaling(Numbers scale, Numbers? offset = null, string? name = null)
    : Layer("Rescaling", name, Arguments.Empty.SetNumbers("scale", scale).SetNumbers("offset", offset));

/// <summary>Numbers to the bins they fall into: n boundaries make n + 1 bins, and a boundary belongs to the bin above it.</summary>
public sealed class Discretization : Layer
{
    private readonly Arguments arguments;
    private bool isUsed;

    /// <summary>Bins between boundaries that are given, or that Adapt learns.</summary>
    /// <param name="binBoundaries">Where one bin ends and the next begins, ascending; without them Adapt learns them.</param>
    /// <param name="numBins">How many bins of about as many numbers each Adapt makes.</param>
    /// <param name="epsilon">How far a learnt boundary may be from the true quantile, as a share of the data.</param>
    /// <param name="outputMode">int (default: numbers of bins, int64), one_hot, multi_hot or count.</param>
    /// <param name="name">Its name in the model; by default the class's, numbered.</param>
    public Discretization(
        double[]? binBoundaries = null,
        int? numBins = null,
        double epsilon = 0.01,
        EncodingMode? outputMode = null,
        string? name = null)
        : this(name, Arguments.Empty
            .Set("bin_boundaries", binBoundaries)
            .Set("num_bins", numBins)
            .Set("epsilon", epsilon)
            .Set("output_mode", outputMode?.Name))
    {
    }

    private Discretization(string? name, Arguments arguments)
        : base("Discretization", name, arguments) => this.arguments = arguments;

    /// <summary>The boundaries, given or learnt.</summary>
    public IReadOnlyList<double> BinBoundaries => PreprocessingBridge.Boundaries(Core);

    /// <summary>Learns boundaries that split the data into bins of about as many numbers each. Boundaries are no weights: adapt
    /// before the layer goes into a model. Keras: adapt.</summary>
    /// <exception cref="ArgumentValueException">The number of bins is missing, or boundaries were given.</exception>
    /// <exception cref="NotReadyException">The layer is in a model already.</exception>
    /// <exception cref="DataException">There are no data.</exception>
    public void Adapt(Tensor data)
    {
        ArgumentNullException.ThrowIfNull(data);
        Adapt([data]);
    }

    /// <summary>Learns boundaries from batches, which are read once: a dataset, a list, any sequence.</summary>
    /// <exception cref="ArgumentValueException">The number of bins is missing, or boundaries were given.</exception>
    /// <exception cref="NotReadyException">The layer is in a model already.</exception>
    /// <exception cref="DataException">There are no data.</exception>
    public void Adapt(IEnumerable<Tensor> batches)
    {
        ArgumentNullException.ThrowIfNull(batches);

        if (isUsed || Container is not null)
        {
            throw new NotReadyException(
                "The layer is in a model already.", Name, "a layer that was not applied yet", "one that was",
                "Adapt it first: its boundaries are part of the model's architecture.");
        }

        var adapted = LayerBridge.Create("Discretization", null, PreprocessingBridge.Adapted(arguments, batches));
        Renew(LayerBridge.WithOwner(adapted, this));
    }

    private protected override void OnApplied() => isUsed = true;
}

/// <summary>Integer categories from 0 to vectors. With count, a second input of the first one's shape weighs the counts.</summary>
/// <param name="numTokens">Number of categories.</param>
/// <param name="outputMode">multi_hot (default) or count (one vector per row), or one_hot (one per category).</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class CategoryEncoding(int numTokens, EncodingMode? outputMode = null, string? name = null)
    : Layer("CategoryEncoding", name, Arguments.Empty
        .Set("num_tokens", numTokens)
        .Set("output_mode", outputMode?.Name));

/// <summary>Layers one after the other, as one layer. What comes with images goes through all of them.</summary>
/// <param name="layers">At least one layer, each with one input and one output.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Pipeline(IReadOnlyList<Layer> layers, string? name = null)
    : ImageLayer("Pipeline", name, Arguments.Empty.Set("layers", [.. layers.Select(layer => layer.Core)]));

/// <summary>A short-time Fourier transform of signals (batch, samples, channels), by convolution with two kernels. They are trained
/// unless <c>Trainable</c> is set to false.</summary>
/// <param name="mode">log (default), magnitude, psd, real, imag, angle or stft.</param>
/// <param name="frameLength">Samples per frame.</param>
/// <param name="frameStep">Samples from one frame to the next; half a frame by default.</param>
/// <param name="fftLength">Length of the transform, at least a frame; by default the least power of two that is.</param>
/// <param name="window">hann (default) or another name of SciPy, numbers, or <c>SignalWindow.None</c>.</param>
/// <param name="periodic">Whether the window is one period of a repeating one.</param>
/// <param name="scaling">density (default), spectrum or none.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="expandDims">Whether frequencies have an axis of their own, as images need it.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class STFTSpectrogram(
    SpectrogramMode? mode = null,
    int frameLength = 256,
    int? frameStep = null,
    int? fftLength = null,
    SignalWindow? window = null,
    bool periodic = false,
    SpectrumScaling? scaling = null,
    Padding? padding = null,
    bool expandDims = false,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("STFTSpectrogram", name, Arguments.Empty
        .Set("mode", mode?.Name)
        .Set("frame_length", frameLength)
        .Set("frame_step", frameStep)
        .Set("fft_length", fftLength)
        .SetWindow("window", window)
        .Set("periodic", periodic)
        .SetScaling("scaling", scaling)
        .Set("padding", padding?.Name)
        .Set("expand_dims", expandDims)
        .Set("data_format", dataFormat?.Name));

/// <summary>Signals (batch, samples) to powers in bands of the mel scale, (batch, bands, time).</summary>
/// <param name="fftLength">Length of the Fourier transform.</param>
/// <param name="sequenceStride">Samples from one frame to the next.</param>
/// <param name="sequenceLength">Samples in the window, in the middle of a frame; the transform's length by default.</param>
/// <param name="window">hann (default) or hamming, numbers, or <c>SignalWindow.None</c>.</param>
/// <param name="samplingRate">Samples per second.</param>
/// <param name="numMelBins">Bands of the result.</param>
/// <param name="minFreq">The lowest frequency of the bands, in hertz.</param>
/// <param name="maxFreq">The highest frequency of the bands, in hertz; half of the sampling rate by default.</param>
/// <param name="powerToDb">Whether powers come out in decibels.</param>
/// <param name="topDb">How many decibels below the greatest of the batch values are cut off.</param>
/// <param name="magExp">The exponent of magnitudes: 1 for magnitudes, 2 for powers.</param>
/// <param name="minPower">The least power.</param>
/// <param name="refPower">The power of 0 decibels.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class MelSpectrogram(
    int fftLength = 2048,
    int sequenceStride = 512,
    int? sequenceLength = null,
    SignalWindow? window = null,
    int samplingRate = 16000,
    int numMelBins = 128,
    double minFreq = 20,
    double? maxFreq = null,
    bool powerToDb = true,
    double topDb = 80,
    double magExp = 2,
    double minPower = 1e-10,
    double refPower = 1,
    string? name = null)
    : Layer("MelSpectrogram", name, Arguments.Empty
        .Set("fft_length", fftLength)
        .Set("sequence_stride", sequenceStride)
        .Set("sequence_length", sequenceLength)
        .SetWindow("window", window)
        .Set("sampling_rate", samplingRate)
        .Set("num_mel_bins", numMelBins)
        .Set("min_freq", minFreq)
        .Set("max_freq", maxFreq)
        .Set("power_to_db", powerToDb)
        .Set("top_db", topDb)
        .Set("mag_exp", magExp)
        .Set("min_power", minPower)
        .Set("ref_power", refPower));

/// <summary>As many bounding boxes for every image: surplus ones are cut off, missing ones filled in.</summary>
/// <param name="maxNumber">Boxes per image in the result.</param>
/// <param name="fillValue">What coordinates and labels of missing boxes are.</param>
/// <param name="boundingBoxFormat">The format of boxes, whatever it is: they are only counted.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class MaxNumBoundingBoxes(
    int maxNumber,
    int fillValue = -1,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("MaxNumBoundingBoxes", name, Arguments.Empty
        .Set("max_number", maxNumber)
        .Set("fill_value", fillValue)
        .Set("bounding_box_format", boundingBoxFormat?.Name))
{
    /// <summary>Boxes and labels of as many boxes for every image.</summary>
    /// <param name="boxes">Shape (batch, boxes, 4).</param>
    /// <param name="labels">Shape (batch, boxes).</param>
    /// <exception cref="ShapeException">A shape does not fit; the error names the layer.</exception>
    public (SymbolicTensor Boxes, SymbolicTensor Labels) Limit(SymbolicTensor boxes, SymbolicTensor labels)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        ArgumentNullException.ThrowIfNull(labels);
        var outputs = Apply([boxes, labels], []);
        return (outputs[0], outputs[1]);
    }
}
