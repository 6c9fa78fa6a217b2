using System.Diagnostics.CodeAnalysis;

namespace FunctionalNet;

/// <summary>A word that Keras uses for one of a few choices.</summary>
public abstract class Choice
{
    internal const string Named = "Constructors are where names are converted.";

    private protected Choice(string name) => Name = name;

    /// <summary>Keras's name.</summary>
    public string Name { get; }

    /// <summary>Keras's name.</summary>
    public override string ToString() => Name;

    private protected static T Find<T>(string noun, string name, params T[] choices)
        where T : Choice
    {
        var names = string.Join(", ", choices.Select(choice => choice.Name));
        return Array.Find(choices, choice => choice.Name == name)
            ?? throw new ArgumentValueException($"Unknown {noun}.", noun, names, name, "Use one of these names.");
    }
}

/// <summary>What a window does at the border.</summary>
public sealed class Padding : Choice
{
    private Padding(string name)
        : base(name)
    {
    }

    /// <summary>No padding: windows stay inside.</summary>
    public static Padding Valid { get; } = new("valid");

    /// <summary>As many windows as ceil(size / stride); the odd cell goes to the end.</summary>
    public static Padding Same { get; } = new("same");

    /// <summary>Padding in front only, so that no output sees the future (one-dimensional convolutions).</summary>
    public static Padding Causal { get; } = new("causal");

    /// <summary>The padding of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator Padding(string name) =>
        Find("padding", name, Valid, Same, Causal);
}

/// <summary>How attention compares a query and a key.</summary>
public sealed class AttentionScoreMode : Choice
{
    private AttentionScoreMode(string name)
        : base(name)
    {
    }

    /// <summary>Their dot product.</summary>
    public static AttentionScoreMode Dot { get; } = new("dot");

    /// <summary>The sum of tanh(query + key), times a trained number.</summary>
    public static AttentionScoreMode Concat { get; } = new("concat");

    /// <summary>The mode of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator AttentionScoreMode(string name) => Find("score mode", name, Dot, Concat);
}

/// <summary>What the four numbers of a bounding box are. Cells are counted from the left and from the top.</summary>
public sealed class BoundingBoxFormat : Choice
{
    private BoundingBoxFormat(string name)
        : base(name)
    {
    }

    /// <summary>Left, top, right, bottom in cells.</summary>
    public static BoundingBoxFormat Xyxy { get; } = new("xyxy");

    /// <summary>Top, left, bottom, right in cells.</summary>
    public static BoundingBoxFormat Yxyx { get; } = new("yxyx");

    /// <summary>Left, top, width, height in cells.</summary>
    public static BoundingBoxFormat Xywh { get; } = new("xywh");

    /// <summary>X and y of the middle, width, height in cells.</summary>
    public static BoundingBoxFormat CenterXywh { get; } = new("center_xywh");

    /// <summary>Y and x of the middle, height, width in cells.</summary>
    public static BoundingBoxFormat CenterYxhw { get; } = new("center_yxhw");

    /// <summary>Left, top, right, bottom as shares of the image.</summary>
    public static BoundingBoxFormat RelXyxy { get; } = new("rel_xyxy");

    /// <summary>Top, left, bottom, right as shares of the image.</summary>
    public static BoundingBoxFormat RelYxyx { get; } = new("rel_yxyx");

    /// <summary>Left, top, width, height as shares of the image.</summary>
    public static BoundingBoxFormat RelXywh { get; } = new("rel_xywh");

    /// <summary>X and y of the middle, width, height as shares of the image.</summary>
    public static BoundingBoxFormat RelCenterXywh { get; } = new("rel_center_xywh");

    /// <summary>The format of that Keras name, such as xyxy or rel_xywh.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator BoundingBoxFormat(string name) =>
        Find(
            "bounding box format", name, Xyxy, Yxyx, Xywh, CenterXywh, CenterYxhw, RelXyxy, RelYxyx, RelXywh, RelCenterXywh);
}

/// <summary>Where images have their channels.</summary>
public sealed class DataFormat : Choice
{
    private DataFormat(string name)
        : base(name)
    {
    }

    /// <summary>(batch, spatial, channels): the default, and what runs fastest.</summary>
    public static DataFormat ChannelsLast { get; } = new("channels_last");

    /// <summary>(batch, channels, spatial).</summary>
    public static DataFormat ChannelsFirst { get; } = new("channels_first");

    /// <summary>The data format of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator DataFormat(string name) =>
        Find("data format", name, ChannelsLast, ChannelsFirst);
}

/// <summary>How images are enlarged.</summary>
public sealed class Interpolation : Choice
{
    private Interpolation(string name)
        : base(name)
    {
    }

    /// <summary>Repeats cells.</summary>
    public static Interpolation Nearest { get; } = new("nearest");

    /// <summary>Mixes neighbours; centres of cells lie at halves.</summary>
    public static Interpolation Bilinear { get; } = new("bilinear");

    /// <summary>Mixes four cells per axis by Keys' cubic.</summary>
    public static Interpolation Bicubic { get; } = new("bicubic");

    /// <summary>Mixes six cells per axis by Lanczos' window of radius 3.</summary>
    public static Interpolation Lanczos3 { get; } = new("lanczos3");

    /// <summary>Mixes ten cells per axis by Lanczos' window of radius 5.</summary>
    public static Interpolation Lanczos5 { get; } = new("lanczos5");

    /// <summary>The interpolation of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator Interpolation(string name) =>
        Find("interpolation", name, Nearest, Bilinear, Bicubic, Lanczos3, Lanczos5);
}

/// <summary>Which number of a weight's connections scales its variance.</summary>
public sealed class FanMode : Choice
{
    private FanMode(string name)
        : base(name)
    {
    }

    /// <summary>Inputs of a unit.</summary>
    public static FanMode FanIn { get; } = new("fan_in");

    /// <summary>Outputs of a unit.</summary>
    public static FanMode FanOut { get; } = new("fan_out");

    /// <summary>The mean of both.</summary>
    public static FanMode FanAvg { get; } = new("fan_avg");

    /// <summary>The mode of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator FanMode(string name) =>
        Find("mode", name, FanIn, FanOut, FanAvg);
}

/// <summary>What the numbers of a variance scaling initializer are drawn from.</summary>
public sealed class FanDistribution : Choice
{
    private FanDistribution(string name)
        : base(name)
    {
    }

    /// <summary>Normal, within two standard deviations.</summary>
    public static FanDistribution TruncatedNormal { get; } = new("truncated_normal");

    /// <summary>Normal.</summary>
    public static FanDistribution UntruncatedNormal { get; } = new("untruncated_normal");

    /// <summary>Spread evenly around zero.</summary>
    public static FanDistribution Uniform { get; } = new("uniform");

    /// <summary>The distribution of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator FanDistribution(string name) =>
        Find("distribution", name, TruncatedNormal, UntruncatedNormal, Uniform);
}

/// <summary>Which vectors of a matrix a regularizer makes orthogonal.</summary>
public sealed class OrthogonalMode : Choice
{
    private OrthogonalMode(string name)
        : base(name)
    {
    }

    /// <summary>The rows.</summary>
    public static OrthogonalMode Rows { get; } = new("rows");

    /// <summary>The columns.</summary>
    public static OrthogonalMode Columns { get; } = new("columns");

    /// <summary>The mode of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator OrthogonalMode(string name) =>
        Find("mode", name, Rows, Columns);
}

/// <summary>What a layer makes of categories.</summary>
public sealed class EncodingMode : Choice
{
    private EncodingMode(string name)
        : base(name)
    {
    }

    /// <summary>Their numbers.</summary>
    public static EncodingMode Int { get; } = new("int");

    /// <summary>A vector per category, with a 1 at its number.</summary>
    public static EncodingMode OneHot { get; } = new("one_hot");

    /// <summary>A vector per row, with a 1 at every number that occurs.</summary>
    public static EncodingMode MultiHot { get; } = new("multi_hot");

    /// <summary>A vector per row that says how often every number occurs.</summary>
    public static EncodingMode Count { get; } = new("count");

    /// <summary>The output mode of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator EncodingMode(string name) =>
        Find("output mode", name, Int, OneHot, MultiHot, Count);
}

/// <summary>How moved images are read between their cells.</summary>
public sealed class Sampling : Choice
{
    private Sampling(string name)
        : base(name)
    {
    }

    /// <summary>The four cells around, mixed.</summary>
    public static Sampling Bilinear { get; } = new("bilinear");

    /// <summary>The nearest cell.</summary>
    public static Sampling Nearest { get; } = new("nearest");

    /// <summary>The sampling of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator Sampling(string name) =>
        Find("interpolation", name, Bilinear, Nearest);
}

/// <summary>What lies outside a moved image.</summary>
public sealed class FillMode : Choice
{
    private FillMode(string name)
        : base(name)
    {
    }

    /// <summary>The image mirrored at its edge.</summary>
    public static FillMode Reflect { get; } = new("reflect");

    /// <summary>One value.</summary>
    public static FillMode Constant { get; } = new("constant");

    /// <summary>The image again.</summary>
    public static FillMode Wrap { get; } = new("wrap");

    /// <summary>The cell at the edge.</summary>
    public static FillMode Nearest { get; } = new("nearest");

    /// <summary>The fill mode of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator FillMode(string name) =>
        Find("fill mode", name, Reflect, Constant, Wrap, Nearest);
}

/// <summary>Along which axes images are flipped.</summary>
public sealed class FlipMode : Choice
{
    private FlipMode(string name)
        : base(name)
    {
    }

    /// <summary>Both at once.</summary>
    public static FlipMode HorizontalAndVertical { get; } = new("horizontal_and_vertical");

    /// <summary>Left and right change places.</summary>
    public static FlipMode Horizontal { get; } = new("horizontal");

    /// <summary>Top and bottom change places.</summary>
    public static FlipMode Vertical { get; } = new("vertical");

    /// <summary>The mode of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator FlipMode(string name) =>
        Find("mode", name, HorizontalAndVertical, Horizontal, Vertical);
}

/// <summary>What STFTSpectrogram gives.</summary>
public sealed class SpectrogramMode : Choice
{
    private SpectrogramMode(string name)
        : base(name)
    {
    }

    /// <summary>The logarithm of the magnitude.</summary>
    public static SpectrogramMode Log { get; } = new("log");

    /// <summary>The square root of the power.</summary>
    public static SpectrogramMode Magnitude { get; } = new("magnitude");

    /// <summary>The one-sided power spectral density.</summary>
    public static SpectrogramMode Psd { get; } = new("psd");

    /// <summary>The real part.</summary>
    public static SpectrogramMode Real { get; } = new("real");

    /// <summary>The imaginary part.</summary>
    public static SpectrogramMode Imag { get; } = new("imag");

    /// <summary>The phase, from -pi to pi.</summary>
    public static SpectrogramMode Angle { get; } = new("angle");

    /// <summary>The real parts of all frequencies, then the imaginary ones.</summary>
    public static SpectrogramMode Stft { get; } = new("stft");

    /// <summary>The mode of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator SpectrogramMode(string name) =>
        Find("mode", name, Log, Magnitude, Psd, Real, Imag, Angle, Stft);
}

/// <summary>What the window of a Fourier transform is divided by.</summary>
public sealed class SpectrumScaling : Choice
{
    private SpectrumScaling(string name)
        : base(name)
    {
    }

    /// <summary>The square root of its sum of squares.</summary>
    public static SpectrumScaling Density { get; } = new("density");

    /// <summary>The sum of its absolute values.</summary>
    public static SpectrumScaling Spectrum { get; } = new("spectrum");

    /// <summary>Nothing.</summary>
    public static SpectrumScaling None { get; } = new("none");

    /// <summary>The scaling of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator SpectrumScaling(string name) => Find("scaling", name, Density, Spectrum, None);
}

/// <summary>Which of the two kernels of a Fourier transform by convolution.</summary>
public sealed class SpectrumSide : Choice
{
    private SpectrumSide(string name)
        : base(name)
    {
    }

    /// <summary>Cosines.</summary>
    public static SpectrumSide Real { get; } = new("real");

    /// <summary>Sines.</summary>
    public static SpectrumSide Imag { get; } = new("imag");

    /// <summary>The side of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator SpectrumSide(string name) => Find("side", name, Real, Imag);
}
