using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A convolution with a kernel of its own at every place (Keras 2), without padding.</summary>
/// <param name="filters">Channels of the output.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="activation">Function of the result; none by default.</param>
/// <param name="useBias">Whether a bias is added at every place.</param>
/// <param name="kernelInitializer">First kernel, (places, window * channels, filters); glorot_uniform by
/// default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class LocallyConnected1D(
    int filters,
    int kernelSize,
    int? strides = null,
    DataFormat? dataFormat = null,
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
    : Layer("LocallyConnected1D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize)
        .Set("strides", strides)
        .Set("data_format", dataFormat?.Name)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));

/// <summary>A convolution with a kernel of its own at every place (Keras 2), without padding.</summary>
/// <param name="filters">Channels of the output.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="activation">Function of the result; none by default.</param>
/// <param name="useBias">Whether a bias is added at every place.</param>
/// <param name="kernelInitializer">First kernel, (places, window * channels, filters); glorot_uniform by
/// default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class LocallyConnected2D(
    int filters,
    Size2 kernelSize,
    Size2? strides = null,
    DataFormat? dataFormat = null,
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
    : Layer("LocallyConnected2D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("data_format", dataFormat?.Name)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));
