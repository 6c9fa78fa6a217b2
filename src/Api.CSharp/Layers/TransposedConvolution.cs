using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Transposed convolution over sequences: (batch, steps, channels): the derivative of a convolution by its
/// input, which enlarges by the strides. Kernel: (window..., filters, channels).</summary>
/// <param name="filters">Number of output channels.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="outputPadding">Cells added to the output's end; by default as the padding implies.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
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
public sealed class Conv1DTranspose(
    int filters,
    int kernelSize,
    int? strides = null,
    Padding? padding = null,
    int? outputPadding = null,
    DataFormat? dataFormat = null,
    int? dilationRate = null,
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
    : Layer("Conv1DTranspose", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize)
        .Set("strides", strides)
        .Set("padding", padding?.Name)
        .Set("output_padding", outputPadding)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));

/// <summary>Transposed convolution over images: (batch, rows, columns, channels): the derivative of a convolution by
/// its input, which enlarges by the strides. Kernel: (window..., filters, channels).</summary>
/// <param name="filters">Number of output channels.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="outputPadding">Cells added to the output's end; by default as the padding implies.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
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
public sealed class Conv2DTranspose(
    int filters,
    Size2 kernelSize,
    Size2? strides = null,
    Padding? padding = null,
    Size2? outputPadding = null,
    DataFormat? dataFormat = null,
    Size2? dilationRate = null,
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
    : Layer("Conv2DTranspose", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("output_padding", outputPadding?.Values)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate?.Values)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));

/// <summary>Transposed convolution over volumes: (batch, planes, rows, columns, channels): the derivative of a
/// convolution by its input, which enlarges by the strides. Kernel: (window..., filters, channels).</summary>
/// <param name="filters">Number of output channels.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="outputPadding">Cells added to the output's end; by default as the padding implies.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
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
public sealed class Conv3DTranspose(
    int filters,
    Size3 kernelSize,
    Size3? strides = null,
    Padding? padding = null,
    Size3? outputPadding = null,
    DataFormat? dataFormat = null,
    Size3? dilationRate = null,
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
    : Layer("Conv3DTranspose", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("output_padding", outputPadding?.Values)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate?.Values)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));
