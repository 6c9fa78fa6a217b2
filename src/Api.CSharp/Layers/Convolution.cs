using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Convolution over sequences: (batch, steps, channels). Kernel: (window..., channels / groups,
/// filters).</summary>
/// <param name="filters">Number of output channels.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default), same or causal.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="groups">Groups of channels that do not see one another.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="loraRank">Rank of LoRA's matrices; none by default.</param>
/// <param name="loraAlpha">Strength of LoRA's product, divided by the rank; the rank by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Conv1D(
    int filters,
    int kernelSize,
    int? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    int? dilationRate = null,
    int groups = 1,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? biasConstraint = null,
    int? loraRank = null,
    double? loraAlpha = null,
    string? name = null)
    : AdaptableLayer("Conv1D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize)
        .Set("strides", strides)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate)
        .Set("groups", groups)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("lora_rank", loraRank)
        .Set("lora_alpha", loraAlpha));

/// <summary>Convolution over images: (batch, rows, columns, channels). Kernel: (window..., channels / groups,
/// filters).</summary>
/// <param name="filters">Number of output channels.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="groups">Groups of channels that do not see one another.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="loraRank">Rank of LoRA's matrices; none by default.</param>
/// <param name="loraAlpha">Strength of LoRA's product, divided by the rank; the rank by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Conv2D(
    int filters,
    Size2 kernelSize,
    Size2? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    Size2? dilationRate = null,
    int groups = 1,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? biasConstraint = null,
    int? loraRank = null,
    double? loraAlpha = null,
    string? name = null)
    : AdaptableLayer("Conv2D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate?.Values)
        .Set("groups", groups)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("lora_rank", loraRank)
        .Set("lora_alpha", loraAlpha));

/// <summary>Convolution over volumes: (batch, planes, rows, columns, channels). Kernel: (window..., channels / groups,
/// filters).</summary>
/// <param name="filters">Number of output channels.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="groups">Groups of channels that do not see one another.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="loraRank">Rank of LoRA's matrices; none by default.</param>
/// <param name="loraAlpha">Strength of LoRA's product, divided by the rank; the rank by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Conv3D(
    int filters,
    Size3 kernelSize,
    Size3? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    Size3? dilationRate = null,
    int groups = 1,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? biasConstraint = null,
    int? loraRank = null,
    double? loraAlpha = null,
    string? name = null)
    : AdaptableLayer("Conv3D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate?.Values)
        .Set("groups", groups)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("lora_rank", loraRank)
        .Set("lora_alpha", loraAlpha));
