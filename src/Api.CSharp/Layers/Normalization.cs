using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Normalises every channel over the batch in training, and by running statistics in inference (Ioffe and Szegedy, 2015).</summary>
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
        .Set("beta_initializer", betaInitializer?.Description)
        .Set("gamma_initializer", gammaInitializer?.Description)
        .Set("moving_mean_initializer", movingMeanInitializer?.Description)
        .Set("moving_variance_initializer", movingVarianceInitializer?.Description)
        .Set("beta_regularizer", betaRegularizer?.Description)
        .Set("gamma_regularizer", gammaRegularizer?.Description)
        .Set("beta_constraint", betaConstraint?.Description)
        .Set("gamma_constraint", gammaConstraint?.Description));

/// <summary>Normalises every row over its last axis (Ba et al., 2016).</summary>
/// <param name="axis">The axis to normalise over.</param>
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
public sealed class LayerNormalization(
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
    : Layer("LayerNormalization", name, Arguments.Empty
        .Set("axis", axis)
        .Set("epsilon", epsilon)
        .Set("center", center)
        .Set("scale", scale)
        .Set("beta_initializer", betaInitializer?.Description)
        .Set("gamma_initializer", gammaInitializer?.Description)
        .Set("beta_regularizer", betaRegularizer?.Description)
        .Set("gamma_regularizer", gammaRegularizer?.Description)
        .Set("beta_constraint", betaConstraint?.Description)
        .Set("gamma_constraint", gammaConstraint?.Description));
