using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Normalises every channel over the batch in training, and by running statistics in inference (Ioffe and
/// Szegedy, 2015).</summary>
/// <param name="axis">The channel axis.</param>
/// <param name="momentum">Share of the old running statistics kept at each step.</param>
/// <param name="epsilon">Added to the variance.</param>
/// <param name="center">Whether beta is added.</param>
/// <param name="scale">Whether gamma multiplies.</param>
/// <param name="betaInitializer">zeros by default.</param>
/// <param name="gammaInitializer">ones by default.</param>
/// <param name="movingMeanInitializer">zeros by default.</param>
/// <param name="movingVarianceInitializer">ones by default.</param>
/// <param name="betaRegularizer">Penalty on beta.</param>
/// <param name="gammaRegularizer">Penalty on gamma.</param>
/// <param name="betaConstraint">Projection of beta.</param>
/// <param name="gammaConstraint">Projection of gamma.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class BatchNormalization(
    int axis = -1,
    double momentum = 0.99,
    double epsilon = 0.001,
    bool center = true,
    bool scale = true,
    Initializer? betaInitializer = null,
    Initializer? gammaInitializer = null,
    Initializer? movingMeanInitializer = null,
    Initializer? movingVarianceInitializer = null,
    Regularizer? betaRegularizer = null,
    Regularizer? gammaRegularizer = null,
    Constraint? betaConstraint = null,
    Constraint? gammaConstraint = null,
    string? name = null)
    : Layer("BatchNormalization", name, Arguments.Empty
        .Set("axis", axis)
        .Set("momentum", momentum)
        .Set("epsilon", epsilon)
        .Set("center", center)
        .Set("scale", scale)
        .SetWeight("beta", betaInitializer, betaRegularizer, betaConstraint)
        .SetWeight("gamma", gammaInitializer, gammaRegularizer, gammaConstraint)
        .Set("moving_mean_initializer", movingMeanInitializer?.Description)
        .Set("moving_variance_initializer", movingVarianceInitializer?.Description));

/// <summary>Normalises every row over its last axis, or over several (Ba et al., 2016).</summary>
/// <param name="axis">The axes to normalise over; the last by default.</param>
/// <param name="epsilon">Added to the variance.</param>
/// <param name="center">Whether beta is added.</param>
/// <param name="scale">Whether gamma multiplies.</param>
/// <param name="rmsScaling">Whether to divide by the standard deviation only: with gamma, without mean and beta.</param>
/// <param name="betaInitializer">zeros by default.</param>
/// <param name="gammaInitializer">ones by default.</param>
/// <param name="betaRegularizer">Penalty on beta.</param>
/// <param name="gammaRegularizer">Penalty on gamma.</param>
/// <param name="betaConstraint">Projection of beta.</param>
/// <param name="gammaConstraint">Projection of gamma.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class LayerNormalization(
    Axes? axis = null,
    double epsilon = 0.001,
    bool center = true,
    bool scale = true,
    bool rmsScaling = false,
    Initializer? betaInitializer = null,
    Initializer? gammaInitializer = null,
    Regularizer? betaRegularizer = null,
    Regularizer? gammaRegularizer = null,
    Constraint? betaConstraint = null,
    Constraint? gammaConstraint = null,
    string? name = null)
    : Layer("LayerNormalization", name, Arguments.Empty
        .Set("axis", axis?.Values)
        .Set("epsilon", epsilon)
        .Set("center", center)
        .Set("scale", scale)
        .Set("rms_scaling", rmsScaling)
        .SetWeight("beta", betaInitializer, betaRegularizer, betaConstraint)
        .SetWeight("gamma", gammaInitializer, gammaRegularizer, gammaConstraint));

/// <summary>Normalises every row over groups of its channels (Wu and He, 2018).</summary>
/// <param name="groups">Number of groups; -1 for one per channel.</param>
/// <param name="axis">The channel axis.</param>
/// <param name="epsilon">Added to the variance.</param>
/// <param name="center">Whether beta is added.</param>
/// <param name="scale">Whether gamma multiplies.</param>
/// <param name="betaInitializer">zeros by default.</param>
/// <param name="gammaInitializer">ones by default.</param>
/// <param name="betaRegularizer">Penalty on beta.</param>
/// <param name="gammaRegularizer">Penalty on gamma.</param>
/// <param name="betaConstraint">Projection of beta.</param>
/// <param name="gammaConstraint">Projection of gamma.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GroupNormalization(
    int groups = 32,
    int axis = -1,
    double epsilon = 0.001,
    bool center = true,
    bool scale = true,
    Initializer? betaInitializer = null,
    Initializer? gammaInitializer = null,
    Regularizer? betaRegularizer = null,
    Regularizer? gammaRegularizer = null,
    Constraint? betaConstraint = null,
    Constraint? gammaConstraint = null,
    string? name = null)
    : Layer("GroupNormalization", name, Arguments.Empty
        .Set("groups", groups)
        .Set("axis", axis)
        .Set("epsilon", epsilon)
        .Set("center", center)
        .Set("scale", scale)
        .SetWeight("beta", betaInitializer, betaRegularizer, betaConstraint)
        .SetWeight("gamma", gammaInitializer, gammaRegularizer, gammaConstraint));

/// <summary>Divides by the root of the mean of squares, and scales (Zhang and Sennrich, 2019).</summary>
/// <param name="axis">The axes to normalise over; the last by default.</param>
/// <param name="epsilon">Added to the mean of squares.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RMSNormalization(Axes? axis = null, double epsilon = 1e-6, string? name = null)
    : Layer("RMSNormalization", name, Arguments.Empty.Set("axis", axis?.Values).Set("epsilon", epsilon));

/// <summary>Divides every row by its length.</summary>
/// <param name="axis">The axes of the vectors; the last by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class UnitNormalization(Axes? axis = null, string? name = null)
    : Layer("UnitNormalization", name, Arguments.Empty.Set("axis", axis?.Values));

/// <summary>A layer whose kernel (or table of embeddings) is divided, in every training step, by its largest singular value
/// (Miyato et al., 2018).</summary>
/// <param name="layer">The layer with the kernel, such as Dense or Conv2D.</param>
/// <param name="powerIterations">Steps of the power iteration per training step.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SpectralNormalization(Layer layer, int powerIterations = 1, string? name = null)
    : Layer("SpectralNormalization", name, Arguments.Empty
        .Set("layer", layer.Core)
        .Set("power_iterations", powerIterations));
