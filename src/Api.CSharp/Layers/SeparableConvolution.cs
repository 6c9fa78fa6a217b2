using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Convolution of every channel by itself, over sequences: (batch, steps, channels). Kernel: (window...,
/// channels, depthMultiplier).</summary>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="depthMultiplier">Output channels per input channel.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="depthwiseInitializer">First depthwise kernel; glorot_uniform by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="depthwiseRegularizer">Penalty on the depthwise kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="depthwiseConstraint">Projection of the depthwise kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class DepthwiseConv1D(
    int kernelSize,
    int? strides = null,
    Padding? padding = null,
    int depthMultiplier = 1,
    DataFormat? dataFormat = null,
    int? dilationRate = null,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? depthwiseInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? depthwiseRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? depthwiseConstraint = null,
    Constraint? biasConstraint = null,
    string? name = null)
    : Layer("DepthwiseConv1D", name, Arguments.Empty
        .Set("kernel_size", kernelSize)
        .Set("strides", strides)
        .Set("padding", padding?.Name)
        .Set("depth_multiplier", depthMultiplier)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("depthwise", depthwiseInitializer, depthwiseRegularizer, depthwiseConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));

/// <summary>Convolution of every channel by itself, over images: (batch, rows, columns, channels). Kernel: (window...,
/// channels, depthMultiplier).</summary>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="depthMultiplier">Output channels per input channel.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="depthwiseInitializer">First depthwise kernel; glorot_uniform by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="depthwiseRegularizer">Penalty on the depthwise kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="depthwiseConstraint">Projection of the depthwise kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class DepthwiseConv2D(
    Size2 kernelSize,
    Size2? strides = null,
    Padding? padding = null,
    int depthMultiplier = 1,
    DataFormat? dataFormat = null,
    Size2? dilationRate = null,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? depthwiseInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? depthwiseRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? depthwiseConstraint = null,
    Constraint? biasConstraint = null,
    string? name = null)
    : Layer("DepthwiseConv2D", name, Arguments.Empty
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("depth_multiplier", depthMultiplier)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate?.Values)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("depthwise", depthwiseInitializer, depthwiseRegularizer, depthwiseConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));

/// <summary>Convolution of every channel by itself, then a mix of the channels, over sequences: (batch, steps,
/// channels).</summary>
/// <param name="filters">Number of output channels.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default), same or causal.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="depthMultiplier">Channels between the two steps per input channel.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="depthwiseInitializer">First depthwise kernel; glorot_uniform by default.</param>
/// <param name="pointwiseInitializer">First pointwise kernel; glorot_uniform by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="depthwiseRegularizer">Penalty on the depthwise kernel.</param>
/// <param name="pointwiseRegularizer">Penalty on the pointwise kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="depthwiseConstraint">Projection of the depthwise kernel after updates.</param>
/// <param name="pointwiseConstraint">Projection of the pointwise kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SeparableConv1D(
    int filters,
    int kernelSize,
    int? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    int? dilationRate = null,
    int depthMultiplier = 1,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? depthwiseInitializer = null,
    Initializer? pointwiseInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? depthwiseRegularizer = null,
    Regularizer? pointwiseRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? depthwiseConstraint = null,
    Constraint? pointwiseConstraint = null,
    Constraint? biasConstraint = null,
    string? name = null)
    : Layer("SeparableConv1D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize)
        .Set("strides", strides)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate)
        .Set("depth_multiplier", depthMultiplier)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("depthwise", depthwiseInitializer, depthwiseRegularizer, depthwiseConstraint)
        .SetWeight("pointwise", pointwiseInitializer, pointwiseRegularizer, pointwiseConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));

/// <summary>Convolution of every channel by itself, then a mix of the channels, over images: (batch, rows, columns,
/// channels).</summary>
/// <param name="filters">Number of output channels.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="depthMultiplier">Channels between the two steps per input channel.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="depthwiseInitializer">First depthwise kernel; glorot_uniform by default.</param>
/// <param name="pointwiseInitializer">First pointwise kernel; glorot_uniform by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="depthwiseRegularizer">Penalty on the depthwise kernel.</param>
/// <param name="pointwiseRegularizer">Penalty on the pointwise kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="depthwiseConstraint">Projection of the depthwise kernel after updates.</param>
/// <param name="pointwiseConstraint">Projection of the pointwise kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SeparableConv2D(
    int filters,
    Size2 kernelSize,
    Size2? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    Size2? dilationRate = null,
    int depthMultiplier = 1,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? depthwiseInitializer = null,
    Initializer? pointwiseInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? depthwiseRegularizer = null,
    Regularizer? pointwiseRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? depthwiseConstraint = null,
    Constraint? pointwiseConstraint = null,
    Constraint? biasConstraint = null,
    string? name = null)
    : Layer("SeparableConv2D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate?.Values)
        .Set("depth_multiplier", depthMultiplier)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("depthwise", depthwiseInitializer, depthwiseRegularizer, depthwiseConstraint)
        .SetWeight("pointwise", pointwiseInitializer, pointwiseRegularizer, pointwiseConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description));
