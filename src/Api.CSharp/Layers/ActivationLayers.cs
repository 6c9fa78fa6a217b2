using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>max(x, 0), with optional ceiling, slope and threshold.</summary>
/// <param name="maxValue">Ceiling; none by default.</param>
/// <param name="negativeSlope">Slope below the threshold.</param>
/// <param name="threshold">Where the slope changes.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ReLU(double? maxValue = null, double negativeSlope = 0, double threshold = 0, string? name = null)
    : Layer("ReLU", name, Arguments.Empty
        .Set("max_value", maxValue)
        .Set("negative_slope", negativeSlope)
        .Set("threshold", threshold));

/// <summary>x for positive x, a small multiple otherwise.</summary>
/// <param name="negativeSlope">Slope for negative x.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class LeakyReLU(double negativeSlope = 0.3, string? name = null)
    : Layer("LeakyReLU", name, Arguments.Empty.Set("negative_slope", negativeSlope));

/// <summary>x for positive x, a trained multiple otherwise (He et al., 2015).</summary>
/// <param name="alphaInitializer">First slopes; zeros by default.</param>
/// <param name="alphaRegularizer">Penalty on the slopes.</param>
/// <param name="alphaConstraint">Projection of the slopes.</param>
/// <param name="sharedAxes">Axes that share slopes; axes count from 1.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class PReLU(
    Initializer? alphaInitializer = null,
    Regularizer? alphaRegularizer = null,
    Constraint? alphaConstraint = null,
    int[]? sharedAxes = null,
    string? name = null)
    : Layer("PReLU", name, Arguments.Empty
        .SetWeight("alpha", alphaInitializer, alphaRegularizer, alphaConstraint)
        .Set("shared_axes", sharedAxes));

/// <summary>x for positive x, alpha (exp(x) - 1) otherwise.</summary>
/// <param name="alpha">Scale of the negative part.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ELU(double alpha = 1, string? name = null)
    : Layer("ELU", name, Arguments.Empty.Set("alpha", alpha));

/// <summary>exp(x) over its sum along one axis or several.</summary>
/// <param name="axis">The axes; the last by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Softmax(Axes? axis = null, string? name = null)
    : Layer("Softmax", name, Arguments.Empty.Set("axis", axis?.Values));
