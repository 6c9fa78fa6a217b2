using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A fully connected layer that computes with the weights -1, 0 and 1 (BitNet b1.58, Ma et al., 2024). The kernel stays in
/// floating point, and gets the gradient of the rounded one. Kernel: (inputs, units).</summary>
/// <param name="units">Size of the output's last axis.</param>
/// <param name="threshold">Weights with an absolute value above it count as 1 or -1, others as 0; by default half of the mean absolute
/// weight, and the product is multiplied with that mean.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class TernaryDense(
    int units,
    double? threshold = null,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? biasConstraint = null,
    string? name = null)
    : Layer("TernaryDense", name, Arguments.Empty
        .Set("units", units)
        .Set("threshold", threshold)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));
