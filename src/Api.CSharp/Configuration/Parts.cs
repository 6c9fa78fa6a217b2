using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;

namespace FunctionalNet;

/// <summary>An activation function, given by Keras's name (<c>"relu"</c>) or by a member of <see cref="Activations"/>.</summary>
public sealed class ActivationFunction
{
    internal ActivationFunction(Description description) => Description = description;

    internal Description Description { get; }

    /// <summary>Keras's name.</summary>
    public string Name => Description.Name;

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

    /// <summary>x itself.</summary>
    public static ActivationFunction Linear => "linear";
}

/// <summary>How a weight gets its first value: Keras's name (<c>"he_normal"</c>) or a member of <see cref="Initializers"/>.</summary>
public sealed class Initializer
{
    internal Initializer(string className, Arguments arguments) => Description = new Description(className, arguments);

    private Initializer(string name) => Description = new Description(name);

    internal Description Description { get; }

    /// <summary>The initializer of that Keras name. An unknown name is reported when the layer is made.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "The constructor of a layer is where names are converted.")]
    public static implicit operator Initializer(string name) => new(name);
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
    /// <param name="mode">fan_in, fan_out or fan_avg.</param>
    /// <param name="distribution">truncated_normal, untruncated_normal or uniform.</param>
    /// <param name="seed">Fixes the values.</param>
    public static Initializer VarianceScaling(
        double scale = 1, string mode = "fan_in", string distribution = "truncated_normal", int? seed = null) =>
        new("VarianceScaling",
            Arguments.Empty.Set("scale", scale).Set("mode", mode).Set("distribution", distribution).Set("seed", seed));

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

    /// <summary>An orthogonal matrix times a gain (Saxe et al., 2014).</summary>
    public static Initializer Orthogonal(double gain = 1, int? seed = null) =>
        new("Orthogonal", Arguments.Empty.Set("gain", gain).Set("seed", seed));

    private static Initializer Seeded(string className, int? seed) => new(className, Arguments.Empty.Set("seed", seed));
}

/// <summary>A penalty added to the loss: Keras's name (<c>"l2"</c>) or a member of <see cref="Regularizers"/>.</summary>
public sealed class Regularizer
{
    internal Regularizer(string className, Arguments arguments) => Description = new Description(className, arguments);

    private Regularizer(string name) => Description = new Description(name);

    internal Description Description { get; }

    /// <summary>The regularizer of that Keras name. An unknown name is reported when the layer is made.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "The constructor of a layer is where names are converted.")]
    public static implicit operator Regularizer(string name) => new(name);
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
}

/// <summary>A projection of a weight after every update: Keras's name (<c>"non_neg"</c>) or a member of
/// <see cref="Constraints"/>.</summary>
public sealed class Constraint
{
    internal Constraint(string className, Arguments arguments) => Description = new Description(className, arguments);

    private Constraint(string name) => Description = new Description(name);

    internal Description Description { get; }

    /// <summary>The constraint of that Keras name. An unknown name is reported when the layer is made.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "The constructor of a layer is where names are converted.")]
    public static implicit operator Constraint(string name) => new(name);
}

/// <summary>Keras's constraints.</summary>
public static class Constraints
{
    /// <summary>Norms along the axis at most <paramref name="maxValue"/>.</summary>
    public static Constraint MaxNorm(double maxValue = 2, int axis = 0) =>
        new("MaxNorm", Arguments.Empty.Set("max_value", maxValue).Set("axis", axis));

    /// <summary>No negative weights.</summary>
    public static Constraint NonNeg => new("NonNeg", Arguments.Empty);

    /// <summary>Norms along the axis equal to 1.</summary>
    public static Constraint UnitNorm(int axis = 0) => new("UnitNorm", Arguments.Empty.Set("axis", axis));

    /// <summary>Norms along the axis within two limits, approached at a rate.</summary>
    public static Constraint MinMaxNorm(double minValue = 0, double maxValue = 1, double rate = 1, int axis = 0) =>
        new("MinMaxNorm",
            Arguments.Empty.Set("min_value", minValue).Set("max_value", maxValue).Set("rate", rate).Set("axis", axis));
}
