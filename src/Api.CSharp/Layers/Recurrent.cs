using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>The plain recurrent layer: h = activation(x W + b + h U). (batch, time, features) to (batch, units), or to
/// (batch, time, units) with returnSequences.</summary>
/// <param name="units">Size of the output and of every state.</param>
/// <param name="activation">Function of the new value; tanh by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="recurrentInitializer">First recurrent kernel; orthogonal by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernel.</param>
/// <param name="recurrentRegularizer">Penalty on the recurrent kernel.</param>
/// <param name="biasRegularizer">Penalty on the bias.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="kernelConstraint">Projection of the kernel after updates.</param>
/// <param name="recurrentConstraint">Projection of the recurrent kernel after updates.</param>
/// <param name="biasConstraint">Projection of the bias after updates.</param>
/// <param name="dropout">Share of the inputs dropped while training: one mask for all steps.</param>
/// <param name="recurrentDropout">Share of the states dropped while training: one mask for all steps.</param>
/// <param name="returnSequences">The outputs of all steps in place of the last.</param>
/// <param name="returnState">The last states follow the output: take them from ApplyMany.</param>
/// <param name="goBackwards">From the last step to the first; outputs come in that order.</param>
/// <param name="stateful">A batch starts with the states at which the batch before ended, until ResetStates. Needs a fixed batch size.</param>
/// <param name="unroll">The steps one by one in the graph, in place of a loop: the same values.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="zeroOutputForMask">A masked step gives zeros, in place of the output before.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SimpleRNN(
    int units,
    ActivationFunction? activation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? recurrentInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? recurrentRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? recurrentConstraint = null,
    Constraint? biasConstraint = null,
    double dropout = 0,
    double recurrentDropout = 0,
    bool returnSequences = false,
    bool returnState = false,
    bool goBackwards = false,
    bool stateful = false,
    bool unroll = false,
    int? seed = null,
    bool zeroOutputForMask = false,
    string? name = null)
    : RecurrentLayer("SimpleRNN", name, Arguments.Empty
        .Set("units", units)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("recurrent", recurrentInitializer, recurrentRegularizer, recurrentConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("dropout", dropout)
        .Set("recurrent_dropout", recurrentDropout)
        .SetLoop(returnSequences, returnState, goBackwards, stateful, unroll, zeroOutputForMask)
        .Set("seed", seed));

/// <summary>Long short-term memory. (batch, time, features) to (batch, units), or to (batch, time, units) with returnSequences;
/// states h and c. Kernel: (features, 4 units), gates in the order i, f, c, o.</summary>
/// <param name="units">Size of the output and of every state.</param>
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
/// <example><code>new Sequential { new Input(80), new Embedding(2000, 128), new LSTM(128), new Dense(1, activation: "sigmoid") }</code></example>
public sealed class LSTM(
    int units,
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
    : RecurrentLayer("LSTM", name, Arguments.Empty
        .Set("units", units)
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

/// <summary>Gated recurrent unit. (batch, time, features) to (batch, units), or to (batch, time, units) with returnSequences.
/// Kernel: (features, 3 units), gates in the order z, r, h.</summary>
/// <param name="units">Size of the output and of every state.</param>
/// <param name="activation">Function of the new value; tanh by default.</param>
/// <param name="recurrentActivation">Function of the gates; sigmoid by default.</param>
/// <param name="useBias">Whether a bias is added.</param>
/// <param name="kernelInitializer">First kernel; glorot_uniform by default.</param>
/// <param name="recurrentInitializer">First recurrent kernel; orthogonal by default.</param>
/// <param name="biasInitializer">First bias; zeros by default.</param>
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
/// <param name="resetAfter">Whether the reset gate acts after the product with the recurrent kernel, as in cuDNN.</param>
/// <param name="zeroOutputForMask">A masked step gives zeros, in place of the output before.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GRU(
    int units,
    ActivationFunction? activation = null,
    ActivationFunction? recurrentActivation = null,
    bool useBias = true,
    Initializer? kernelInitializer = null,
    Initializer? recurrentInitializer = null,
    Initializer? biasInitializer = null,
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
    bool resetAfter = true,
    bool zeroOutputForMask = false,
    string? name = null)
    : RecurrentLayer("GRU", name, Arguments.Empty
        .Set("units", units)
        .Set("activation", activation?.Description)
        .Set("recurrent_activation", recurrentActivation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("recurrent", recurrentInitializer, recurrentRegularizer, recurrentConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("dropout", dropout)
        .Set("recurrent_dropout", recurrentDropout)
        .Set("seed", seed)
        .SetLoop(returnSequences, returnState, goBackwards, stateful, unroll, zeroOutputForMask)
        .Set("reset_after", resetAfter));

/// <summary>A cell over a sequence: (batch, time, ...) to the last output, or to all outputs with returnSequences.</summary>
/// <param name="cell">What a step does: LSTMCell, StackedRNNCells, or a CustomCell.</param>
/// <param name="returnSequences">The outputs of all steps in place of the last.</param>
/// <param name="returnState">The last states follow the output: take them from ApplyMany.</param>
/// <param name="goBackwards">From the last step to the first; outputs come in that order.</param>
/// <param name="stateful">A batch starts with the states at which the batch before ended, until ResetStates. Needs a fixed batch size.</param>
/// <param name="unroll">The steps one by one in the graph, in place of a loop: the same values.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="zeroOutputForMask">A masked step gives zeros, in place of the output before.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
/// <example><code>new RNN(new StackedRNNCells([new LSTMCell(32), new LSTMCell(32)]), returnSequences: true)</code></example>
public sealed class RNN(
    RecurrentCell cell,
    bool returnSequences = false,
    bool returnState = false,
    bool goBackwards = false,
    bool stateful = false,
    bool unroll = false,
    Regularizer? activityRegularizer = null,
    bool zeroOutputForMask = false,
    string? name = null)
    : RecurrentLayer("RNN", name, Arguments.Empty
        .Set("cell", cell.Core)
        .SetLoop(returnSequences, returnState, goBackwards, stateful, unroll, zeroOutputForMask)
        .Set("activity_regularizer", activityRegularizer?.Description));
