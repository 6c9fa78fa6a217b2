using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>An LSTM whose products are convolutions, over sequences of signals: (batch, time, length, channels). Kernel:
/// (window..., channels, 4 filters).</summary>
/// <param name="filters">Channels of the output and the states.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the input's window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="activation">Function of the new value; tanh by default.</param>
/// <param name="recurrentActivation">Function of the gates; sigmoid by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="recurrentInitializer">First recurrent kernel; orthogonal by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="unitForgetBias">Whether the forget gate's bias starts at 1.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="recurrentRegularizer">Penalty on the recurrent kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="recurrentConstraint">Projection of the recurrent kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="dropout">Share of the inputs dropped while training: one mask for all steps.</param>
/// <param name="recurrentDropout">Share of the states dropped while training: one mask for all steps.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="returnSequences">The outputs of all steps in place of the last.</param>
/// <param name="returnState">The last states follow the output: take them from ApplyMany.</param>
/// <param name="goBackwards">From the last step to the first; outputs come in that order.</param>
/// <param name="stateful">A batch starts with the states at which the batch before ended, until ResetStates. Needs a fixed batch size.</param>
/// <param name="unroll">The steps one by one in the graph, in place of a loop: the same values.</param>
/// <param name="zeroOutputForMask">A masked step gives zeros, in place of the output before.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ConvLSTM1D(
    int filters,
    int kernelSize,
    int? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    int? dilationRate = null,
    ActivationFunction? activation = null,
    ActivationFunction? recurrentActivation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? recurrentInitializer = null,
    Initializer? biasInitializer = null,
    bool unitForgetBias = true,
    Regularizer? kernelRegularizer = null,
    Regularizer? recurrentRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? recurrentConstraint = null,
    Constraint? biasConstraint = null,
    double dropout = 0,
    double recurrentDropout = 0,
    int? seed = null,
    bool returnSequences = false,
    bool returnState = false,
    bool goBackwards = false,
    bool stateful = false,
    bool unroll = false,
    bool zeroOutputForMask = false,
    string? name = null)
    : RecurrentLayer("ConvLSTM1D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize)
        .Set("strides", strides)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate)
        .Set("activation", activation?.Description)
        .Set("recurrent_activation", recurrentActivation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("recurrent", recurrentInitializer, recurrentRegularizer, recurrentConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("unit_forget_bias", unitForgetBias)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("dropout", dropout)
        .Set("recurrent_dropout", recurrentDropout)
        .Set("seed", seed)
        .SetLoop(returnSequences, returnState, goBackwards, stateful, unroll, zeroOutputForMask));

/// <summary>An LSTM whose products are convolutions, over sequences of images: (batch, time, rows, columns, channels). Kernel:
/// (window..., channels, 4 filters).</summary>
/// <param name="filters">Channels of the output and the states.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the input's window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="activation">Function of the new value; tanh by default.</param>
/// <param name="recurrentActivation">Function of the gates; sigmoid by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="recurrentInitializer">First recurrent kernel; orthogonal by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="unitForgetBias">Whether the forget gate's bias starts at 1.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="recurrentRegularizer">Penalty on the recurrent kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="recurrentConstraint">Projection of the recurrent kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="dropout">Share of the inputs dropped while training: one mask for all steps.</param>
/// <param name="recurrentDropout">Share of the states dropped while training: one mask for all steps.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="returnSequences">The outputs of all steps in place of the last.</param>
/// <param name="returnState">The last states follow the output: take them from ApplyMany.</param>
/// <param name="goBackwards">From the last step to the first; outputs come in that order.</param>
/// <param name="stateful">A batch starts with the states at which the batch before ended, until ResetStates. Needs a fixed batch size.</param>
/// <param name="unroll">The steps one by one in the graph, in place of a loop: the same values.</param>
/// <param name="zeroOutputForMask">A masked step gives zeros, in place of the output before.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ConvLSTM2D(
    int filters,
    Size2 kernelSize,
    Size2? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    Size2? dilationRate = null,
    ActivationFunction? activation = null,
    ActivationFunction? recurrentActivation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? recurrentInitializer = null,
    Initializer? biasInitializer = null,
    bool unitForgetBias = true,
    Regularizer? kernelRegularizer = null,
    Regularizer? recurrentRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? recurrentConstraint = null,
    Constraint? biasConstraint = null,
    double dropout = 0,
    double recurrentDropout = 0,
    int? seed = null,
    bool returnSequences = false,
    bool returnState = false,
    bool goBackwards = false,
    bool stateful = false,
    bool unroll = false,
    bool zeroOutputForMask = false,
    string? name = null)
    : RecurrentLayer("ConvLSTM2D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate?.Values)
        .Set("activation", activation?.Description)
        .Set("recurrent_activation", recurrentActivation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("recurrent", recurrentInitializer, recurrentRegularizer, recurrentConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("unit_forget_bias", unitForgetBias)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("dropout", dropout)
        .Set("recurrent_dropout", recurrentDropout)
        .Set("seed", seed)
        .SetLoop(returnSequences, returnState, goBackwards, stateful, unroll, zeroOutputForMask));

/// <summary>An LSTM whose products are convolutions, over sequences of volumes: (batch, time, depth, rows, columns, channels). Kernel:
/// (window..., channels, 4 filters).</summary>
/// <param name="filters">Channels of the output and the states.</param>
/// <param name="kernelSize">Size of the window.</param>
/// <param name="strides">Step of the input's window; 1 by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="dilationRate">Distance of the window's cells; 1 by default.</param>
/// <param name="activation">Function of the new value; tanh by default.</param>
/// <param name="recurrentActivation">Function of the gates; sigmoid by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="recurrentInitializer">First recurrent kernel; orthogonal by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="unitForgetBias">Whether the forget gate's bias starts at 1.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="recurrentRegularizer">Penalty on the recurrent kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="recurrentConstraint">Projection of the recurrent kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="dropout">Share of the inputs dropped while training: one mask for all steps.</param>
/// <param name="recurrentDropout">Share of the states dropped while training: one mask for all steps.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="returnSequences">The outputs of all steps in place of the last.</param>
/// <param name="returnState">The last states follow the output: take them from ApplyMany.</param>
/// <param name="goBackwards">From the last step to the first; outputs come in that order.</param>
/// <param name="stateful">A batch starts with the states at which the batch before ended, until ResetStates. Needs a fixed batch size.</param>
/// <param name="unroll">The steps one by one in the graph, in place of a loop: the same values.</param>
/// <param name="zeroOutputForMask">A masked step gives zeros, in place of the output before.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ConvLSTM3D(
    int filters,
    Size3 kernelSize,
    Size3? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    Size3? dilationRate = null,
    ActivationFunction? activation = null,
    ActivationFunction? recurrentActivation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? recurrentInitializer = null,
    Initializer? biasInitializer = null,
    bool unitForgetBias = true,
    Regularizer? kernelRegularizer = null,
    Regularizer? recurrentRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? recurrentConstraint = null,
    Constraint? biasConstraint = null,
    double dropout = 0,
    double recurrentDropout = 0,
    int? seed = null,
    bool returnSequences = false,
    bool returnState = false,
    bool goBackwards = false,
    bool stateful = false,
    bool unroll = false,
    bool zeroOutputForMask = false,
    string? name = null)
    : RecurrentLayer("ConvLSTM3D", name, Arguments.Empty
        .Set("filters", filters)
        .Set("kernel_size", kernelSize.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name)
        .Set("dilation_rate", dilationRate?.Values)
        .Set("activation", activation?.Description)
        .Set("recurrent_activation", recurrentActivation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("recurrent", recurrentInitializer, recurrentRegularizer, recurrentConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("unit_forget_bias", unitForgetBias)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("dropout", dropout)
        .Set("recurrent_dropout", recurrentDropout)
        .Set("seed", seed)
        .SetLoop(returnSequences, returnState, goBackwards, stateful, unroll, zeroOutputForMask));
