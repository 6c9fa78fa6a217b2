using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;
using FunctionalNet.Layers;

namespace FunctionalNet;

/// <summary>An activation function, given by Keras's name (<c>"relu"</c>) or by a member of <see cref="Activations"/>.</summary>
public sealed class ActivationFunction
{
    internal ActivationFunction(Description description) => Description = description;

    internal Description Description { get; }

    /// <summary>Keras's name.</summary>
    public string Name => Description.Name;

    /// <summary>An activation of your own, known under a name from then on: a model that was saved with it is loaded by a program that
    /// has made it too.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="function">From the input to the output, of the same shape. Runs when a model is traced.</param>
    /// <example><code>new Dense(8, activation: ActivationFunction.Custom("cube", x => x * x * x))</code></example>
    public static ActivationFunction Custom(string name, Func<Expr, Expr> function)
    {
        TrainingBridge.RegisterActivation(name, function);
        return new ActivationFunction(new Description(name));
    }

    /// <summary>The arguments by Keras's names; empty for most activations.</summary>
    public IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.ConfigOf("activation", Description);

    /// <summary>The activation of a name and arguments.</summary>
    /// <param name="name">Keras's name.</param>
    /// <param name="config">The arguments that are not at their defaults.</param>
    public static ActivationFunction FromConfig(string name, IReadOnlyDictionary<string, object?> config) =>
        new(ConfigBridge.Describe(name, config));

    /// <summary>The activation of that Keras name. An unknown name is reported when the layer is made.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "The constructor of a layer is where names are converted.")]
    public static implicit operator ActivationFunction(string name) => new(new Description(name));
}

/// <summary>Keras's activation functions by name.</summary>
public static class Activations
{
    /// <summary>max(x, 0).</summary>
    public static ActivationFunction Relu => "relu";

    /// <summary>min(max(x, 0), 6).</summary>
    public static ActivationFunction Relu6 => "relu6";

    /// <summary>x for positive x, 0.2 x otherwise.</summary>
    public static ActivationFunction LeakyRelu => "leaky_relu";

    /// <summary>x for positive x, exp(x) - 1 otherwise.</summary>
    public static ActivationFunction Elu => "elu";

    /// <summary>Scaled exponential linear unit, which keeps mean and variance (Klambauer et al., 2017).</summary>
    public static ActivationFunction Selu => "selu";

    /// <summary>x times the standard normal distribution function of x.</summary>
    public static ActivationFunction Gelu => "gelu";

    /// <summary>x sigmoid(x), also called swish.</summary>
    public static ActivationFunction Silu => "silu";

    /// <summary>x tanh(softplus(x)).</summary>
    public static ActivationFunction Mish => "mish";

    /// <summary>1 / (1 + exp(-x)).</summary>
    public static ActivationFunction Sigmoid => "sigmoid";

    /// <summary>relu6(x + 3) / 6.</summary>
    public static ActivationFunction HardSigmoid => "hard_sigmoid";

    /// <summary>Hyperbolic tangent.</summary>
    public static ActivationFunction Tanh => "tanh";

    /// <summary>log(1 + exp(x)).</summary>
    public static ActivationFunction Softplus => "softplus";

    /// <summary>x / (1 + |x|).</summary>
    public static ActivationFunction Softsign => "softsign";

    /// <summary>exp(x) over its sum along the last axis: a probability distribution.</summary>
    public static ActivationFunction Softmax => "softmax";

    /// <summary>The logarithm of softmax.</summary>
    public static ActivationFunction LogSoftmax => "log_softmax";

    /// <summary>exp(x).</summary>
    public static ActivationFunction Exponential => "exponential";

    /// <summary>x for positive x, exp(x) - 1 otherwise; its derivative is continuous for every alpha.</summary>
    public static ActivationFunction Celu => "celu";

    /// <summary>x hard_sigmoid(x), also called hard swish.</summary>
    public static ActivationFunction HardSilu => "hard_silu";

    /// <summary>0 below -1, (x + 1)² / 4 up to 1, x above.</summary>
    public static ActivationFunction SparsePlus => "sparse_plus";

    /// <summary>(x + sqrt(x² + 4)) / 2.</summary>
    public static ActivationFunction Squareplus => "squareplus";

    /// <summary>The logarithm of sigmoid.</summary>
    public static ActivationFunction LogSigmoid => "log_sigmoid";

    /// <summary>0 below -1, (x + 1) / 2 up to 1, then 1.</summary>
    public static ActivationFunction SparseSigmoid => "sparse_sigmoid";

    /// <summary>x - tanh(x).</summary>
    public static ActivationFunction TanhShrink => "tanh_shrink";

    /// <summary>x cut to -1..1.</summary>
    public static ActivationFunction HardTanh => "hard_tanh";

    /// <summary>x where |x| is above 0.5, else 0.</summary>
    public static ActivationFunction HardShrink => "hard_shrink";

    /// <summary>x moved toward 0 by 0.5, 0 within it.</summary>
    public static ActivationFunction SoftShrink => "soft_shrink";

    /// <summary>The nearest probability distribution along the last axis: like softmax, with exact zeros.</summary>
    public static ActivationFunction Sparsemax => "sparsemax";

    /// <summary>The first half of the last axis times the sigmoid of the second half.</summary>
    public static ActivationFunction Glu => "glu";

    /// <summary>x itself.</summary>
    public static ActivationFunction Linear => "linear";

    /// <summary>The general rectifier: x from the threshold on, slope (x - threshold) below, at most a greatest value.</summary>
    /// <param name="negativeSlope">Slope below the threshold.</param>
    /// <param name="maxValue">Ceiling; none by default.</param>
    /// <param name="threshold">Where the slope changes.</param>
    public static ActivationFunction ReluWith(double negativeSlope = 0, double? maxValue = null, double threshold = 0) =>
        With("relu", Arguments.Empty
            .Set("negative_slope", negativeSlope)
            .Set("max_value", maxValue)
            .Set("threshold", threshold));

    /// <summary>x for positive x, a multiple otherwise.</summary>
    /// <param name="negativeSlope">The multiple.</param>
    public static ActivationFunction LeakyReluWith(double negativeSlope = 0.2) =>
        With("leaky_relu", Arguments.Empty.Set("negative_slope", negativeSlope));

    /// <summary>x for positive x, alpha (exp(x) - 1) otherwise.</summary>
    /// <param name="alpha">Scale of the negative part.</param>
    public static ActivationFunction EluWith(double alpha = 1) => With("elu", Arguments.Empty.Set("alpha", alpha));

    /// <summary>x for positive x, alpha (exp(x / alpha) - 1) otherwise.</summary>
    /// <param name="alpha">Scale of the negative part.</param>
    public static ActivationFunction CeluWith(double alpha = 1) => With("celu", Arguments.Empty.Set("alpha", alpha));

    /// <summary>Gelu, exact or by its approximation with tanh.</summary>
    /// <param name="approximate">Whether to approximate.</param>
    public static ActivationFunction GeluWith(bool approximate = false) =>
        With("gelu", Arguments.Empty.Set("approximate", approximate));

    /// <summary>(x + sqrt(x² + b)) / 2.</summary>
    /// <param name="b">How smooth it is at 0.</param>
    public static ActivationFunction SquareplusWith(double b = 4) => With("squareplus", Arguments.Empty.Set("b", b));

    /// <summary>x where |x| is above the threshold, else 0.</summary>
    /// <param name="threshold">The threshold.</param>
    public static ActivationFunction HardShrinkWith(double threshold = 0.5) =>
        With("hard_shrink", Arguments.Empty.Set("threshold", threshold));

    /// <summary>x moved toward 0 by the threshold, 0 within it.</summary>
    /// <param name="threshold">The threshold.</param>
    public static ActivationFunction SoftShrinkWith(double threshold = 0.5) =>
        With("soft_shrink", Arguments.Empty.Set("threshold", threshold));

    /// <summary>x above the threshold, else another value.</summary>
    /// <param name="threshold">The threshold.</param>
    /// <param name="defaultValue">The other value.</param>
    public static ActivationFunction Threshold(double threshold = 0, double defaultValue = 0) =>
        With("threshold", Arguments.Empty.Set("threshold", threshold).Set("default_value", defaultValue));

    /// <summary>exp(x) over its sum along an axis.</summary>
    /// <param name="axis">The axis.</param>
    public static ActivationFunction SoftmaxOn(int axis = -1) => OnAxis("softmax", axis);

    /// <summary>The logarithm of softmax along an axis.</summary>
    /// <param name="axis">The axis.</param>
    public static ActivationFunction LogSoftmaxOn(int axis = -1) => OnAxis("log_softmax", axis);

    /// <summary>The nearest probability distribution along an axis.</summary>
    /// <param name="axis">The axis.</param>
    public static ActivationFunction SparsemaxOn(int axis = -1) => OnAxis("sparsemax", axis);

    /// <summary>The first half of an axis times the sigmoid of the second half.</summary>
    /// <param name="axis">The axis.</param>
    public static ActivationFunction GluOn(int axis = -1) => OnAxis("glu", axis);

    private static ActivationFunction With(string name, Arguments arguments) => new(new Description(name, arguments));

    private static ActivationFunction OnAxis(string name, int axis) => With(name, Arguments.Empty.Set("axis", axis));
}

/// <summary>How a weight gets its first value: Keras's name (<c>"he_normal"</c>) or a member of <see cref="Initializers"/>.</summary>
public sealed class Initializer
{
    internal Initializer(string className, Arguments arguments) => Description = new Description(className, arguments);

    private Initializer(Description description) => Description = description;

    internal Description Description { get; }

    /// <summary>The arguments by Keras's names. Keras: get_config.</summary>
    /// <exception cref="ArgumentValueException">The name is unknown.</exception>
    public IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.ConfigOf("initializer", Description);

    /// <summary>The initializer of a class name and arguments. Keras: from_config.</summary>
    /// <param name="className">Keras's class name.</param>
    /// <param name="config">The arguments that are not at their defaults.</param>
    public static Initializer FromConfig(string className, IReadOnlyDictionary<string, object?> config) =>
        new(ConfigBridge.Describe(className, config));

    /// <summary>An initializer as it was described in JSON.</summary>
    internal static Initializer Of(Description description) => new(description);

    /// <summary>The initializer of that Keras name. An unknown name is reported when the layer is made.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "The constructor of a layer is where names are converted.")]
    public static implicit operator Initializer(string name) => new(new Description(name));
}

/// <summary>Keras's initializers. With a seed, an initializer gives the same values every time it is used.</summary>
public static class Initializers
{
    /// <summary>All zeros.</summary>
    public static Initializer Zeros => new("Zeros", Arguments.Empty);

    /// <summary>All ones.</summary>
    public static Initializer Ones => new("Ones", Arguments.Empty);

    /// <summary>One value everywhere.</summary>
    public static Initializer Constant(double value = 0) => new("Constant", Arguments.Empty.Set("value", value));

    /// <summary>The identity matrix times a gain; for rank 2 only.</summary>
    public static Initializer Identity(double gain = 1) => new("Identity", Arguments.Empty.Set("gain", gain));

    /// <summary>Normal numbers.</summary>
    public static Initializer RandomNormal(double mean = 0, double stddev = 0.05, int? seed = null) =>
        new("RandomNormal", Arguments.Empty.Set("mean", mean).Set("stddev", stddev).Set("seed", seed));

    /// <summary>Numbers spread evenly between two limits.</summary>
    public static Initializer RandomUniform(double minval = -0.05, double maxval = 0.05, int? seed = null) =>
        new("RandomUniform", Arguments.Empty.Set("minval", minval).Set("maxval", maxval).Set("seed", seed));

    /// <summary>Normal numbers within two standard deviations of the mean.</summary>
    public static Initializer TruncatedNormal(double mean = 0, double stddev = 0.05, int? seed = null) =>
        new("TruncatedNormal", Arguments.Empty.Set("mean", mean).Set("stddev", stddev).Set("seed", seed));

    /// <summary>Random numbers whose variance is <paramref name="scale"/> over the fan.</summary>
    /// <param name="scale">A positive factor.</param>
    /// <param name="mode">fan_in (default), fan_out or fan_avg.</param>
    /// <param name="distribution">truncated_normal (default), untruncated_normal or uniform.</param>
    /// <param name="seed">Fixes the values.</param>
    public static Initializer VarianceScaling(
        double scale = 1, FanMode? mode = null, FanDistribution? distribution = null, int? seed = null) =>
        new("VarianceScaling", Arguments.Empty
            .Set("scale", scale)
            .Set("mode", mode?.Name)
            .Set("distribution", distribution?.Name)
            .Set("seed", seed));

    /// <summary>Uniform within sqrt(6 / (fan in + fan out)): the default of most kernels (Glorot and Bengio, 2010).</summary>
    public static Initializer GlorotUniform(int? seed = null) => Seeded("GlorotUniform", seed);

    /// <summary>Truncated normal with variance 2 / (fan in + fan out).</summary>
    public static Initializer GlorotNormal(int? seed = null) => Seeded("GlorotNormal", seed);

    /// <summary>Uniform within sqrt(6 / fan in): for ReLU networks (He et al., 2015).</summary>
    public static Initializer HeUniform(int? seed = null) => Seeded("HeUniform", seed);

    /// <summary>Truncated normal with variance 2 / fan in: for ReLU networks.</summary>
    public static Initializer HeNormal(int? seed = null) => Seeded("HeNormal", seed);

    /// <summary>Uniform within sqrt(3 / fan in).</summary>
    public static Initializer LecunUniform(int? seed = null) => Seeded("LecunUniform", seed);

    /// <summary>Truncated normal with variance 1 / fan in: for SELU networks.</summary>
    public static Initializer LecunNormal(int? seed = null) => Seeded("LecunNormal", seed);

    /// <summary>The kernel of a short-time Fourier transform by convolution, (frame, 1, frequencies).</summary>
    /// <param name="side">real (default): cosines; imag: sines.</param>
    /// <param name="window">hann (default) or another name of SciPy, numbers, or <c>SignalWindow.None</c>.</param>
    /// <param name="scaling">What the window is divided by: density (default), spectrum or none.</param>
    /// <param name="periodic">Whether the window is one period of a repeating one.</param>
    public static Initializer STFT(
        SpectrumSide? side = null, SignalWindow? window = null, SpectrumScaling? scaling = null, bool periodic = false) =>
        new("STFT", Arguments.Empty
            .Set("side", side?.Name)
            .SetWindow("window", window)
            .SetScaling("scaling", scaling)
            .Set("periodic", periodic));

    /// <summary>An orthogonal matrix times a gain (Saxe et al., 2014).</summary>
    public static Initializer Orthogonal(double gain = 1, int? seed = null) =>
        new("Orthogonal", Arguments.Empty.Set("gain", gain).Set("seed", seed));

    /// <summary>An initializer of your own under a name that configurations may have too. Keras:
    /// register_keras_serializable.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">From a seed, which differs from weight to weight, and a shape to the values in row-major order.</param>
    public static Initializer Register(string name, Func<ulong, Shape, double[]> values)
    {
        ConfigBridge.RegisterInitializer(name, values);
        return name;
    }

    private static Initializer Seeded(string className, int? seed) => new(className, Arguments.Empty.Set("seed", seed));
}

/// <summary>A penalty added to the loss: Keras's name (<c>"l2"</c>) or a member of <see cref="Regularizers"/>.</summary>
public sealed class Regularizer
{
    internal Regularizer(string className, Arguments arguments) => Description = new Description(className, arguments);

    private Regularizer(Description description) => Description = description;

    internal Description Description { get; }

    /// <summary>The arguments by Keras's names. Keras: get_config.</summary>
    /// <exception cref="ArgumentValueException">The name is unknown.</exception>
    public IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.ConfigOf("regularizer", Description);

    /// <summary>The regularizer of a class name and arguments. Keras: from_config.</summary>
    /// <param name="className">Keras's class name.</param>
    /// <param name="config">The arguments that are not at their defaults.</param>
    public static Regularizer FromConfig(string className, IReadOnlyDictionary<string, object?> config) =>
        new(ConfigBridge.Describe(className, config));

    /// <summary>A regularizer as it was described in JSON.</summary>
    internal static Regularizer Of(Description description) => new(description);

    /// <summary>The regularizer of that Keras name. An unknown name is reported when the layer is made.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "The constructor of a layer is where names are converted.")]
    public static implicit operator Regularizer(string name) => new(new Description(name));
}

/// <summary>Keras's regularizers.</summary>
public static class Regularizers
{
    /// <summary>l1 times the sum of absolute values.</summary>
    public static Regularizer L1(double l1 = 0.01) => new("L1", Arguments.Empty.Set("l1", l1));

    /// <summary>l2 times the sum of squares.</summary>
    public static Regularizer L2(double l2 = 0.01) => new("L2", Arguments.Empty.Set("l2", l2));

    /// <summary>Both penalties.</summary>
    public static Regularizer L1L2(double l1 = 0, double l2 = 0) => new("L1L2", Arguments.Empty.Set("l1", l1).Set("l2", l2));

    /// <summary>Keeps the rows or columns of a matrix apart: a penalty on the cosines between them.</summary>
    /// <param name="factor">Strength.</param>
    /// <param name="mode">rows (default) or columns.</param>
    public static Regularizer OrthogonalRegularizer(double factor = 0.01, OrthogonalMode? mode = null) =>
        new("OrthogonalRegularizer", Arguments.Empty.Set("factor", factor).Set("mode", mode?.Name));

    /// <summary>A penalty of your own under a name that configurations may have too. Keras: register_keras_serializable.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="penalty">From the weight to one number. Runs when a model is traced.</param>
    public static Regularizer Register(string name, Func<Expr, Expr> penalty)
    {
        ConfigBridge.RegisterRegularizer(name, penalty);
        return name;
    }
}

/// <summary>A projection of a weight after every update: Keras's name (<c>"non_neg"</c>) or a member of
/// <see cref="Constraints"/>.</summary>
public sealed class Constraint
{
    internal Constraint(string className, Arguments arguments) => Description = new Description(className, arguments);

    private Constraint(Description description) => Description = description;

    internal Description Description { get; }

    /// <summary>The arguments by Keras's names. Keras: get_config.</summary>
    /// <exception cref="ArgumentValueException">The name is unknown.</exception>
    public IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.ConfigOf("constraint", Description);

    /// <summary>The constraint of a class name and arguments. Keras: from_config.</summary>
    /// <param name="className">Keras's class name.</param>
    /// <param name="config">The arguments that are not at their defaults.</param>
    public static Constraint FromConfig(string className, IReadOnlyDictionary<string, object?> config) =>
        new(ConfigBridge.Describe(className, config));

    /// <summary>A constraint as it was described in JSON.</summary>
    internal static Constraint Of(Description description) => new(description);

    /// <summary>The constraint of that Keras name. An unknown name is reported when the layer is made.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "The constructor of a layer is where names are converted.")]
    public static implicit operator Constraint(string name) => new(new Description(name));
}

/// <summary>Keras's constraints.</summary>
public static class Constraints
{
    /// <summary>Norms along the axes (0 by default) at most <paramref name="maxValue"/>.</summary>
    public static Constraint MaxNorm(double maxValue = 2, Axes? axis = null) =>
        new("MaxNorm", Arguments.Empty.Set("max_value", maxValue).Set("axis", axis?.Values));

    /// <summary>No negative weights.</summary>
    public static Constraint NonNeg => new("NonNeg", Arguments.Empty);

    /// <summary>Norms along the axes (0 by default) equal to 1.</summary>
    public static Constraint UnitNorm(Axes? axis = null) => new("UnitNorm", Arguments.Empty.Set("axis", axis?.Values));

    /// <summary>Norms along the axes (0 by default) within two limits, approached at a rate.</summary>
    public static Constraint MinMaxNorm(
        double minValue = 0, double maxValue = 1, double rate = 1, Axes? axis = null) =>
        new("MinMaxNorm", Arguments.Empty
            .Set("min_value", minValue)
            .Set("max_value", maxValue)
            .Set("rate", rate)
            .Set("axis", axis?.Values));

    /// <summary>A projection of your own under a name that configurations may have too. Keras: register_keras_serializable.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="project">From the weight to what it becomes, of the same shape. Runs when a model is traced.</param>
    public static Constraint Register(string name, Func<Expr, Expr> project)
    {
        ConfigBridge.RegisterConstraint(name, project);
        return name;
    }
}
