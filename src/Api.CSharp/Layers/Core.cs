using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A fully connected layer: activation(x · kernel + bias) over the last axis. Kernel: (inputs,
/// units).</summary>
/// <param name="units">Size of the output's last axis.</param>
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
public sealed class Dense(
    int units,
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
    : AdaptableLayer("Dense", name, Arguments.Empty
        .Set("units", units)
        .Set("activation", activation?.Description)
        .Set("use_bias", useBias)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("lora_rank", loraRank)
        .Set("lora_alpha", loraAlpha));

/// <summary>A fully connected layer over any axes, by an equation such as <c>"abc,cd-&gt;abd"</c>.</summary>
/// <param name="equation">Axes of input and kernel, and which of them the output has; an ellipsis stands for the axes
/// in front.</param>
/// <param name="outputShape">Sizes of the output without the batch axis; null where the input decides.</param>
/// <param name="activation">Function of the output; none by default.</param>
/// <param name="biasAxes">The axes of the output that have a bias; no bias by default.</param>
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
public sealed class EinsumDense(
    string equation,
    int?[] outputShape,
    ActivationFunction? activation = null,
    string? biasAxes = null,
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
    : AdaptableLayer("EinsumDense", name, Arguments.Empty
        .Set("equation", equation)
        .Set("output_shape", outputShape)
        .Set("activation", activation?.Description)
        .Set("bias_axes", biasAxes)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("lora_rank", loraRank)
        .Set("lora_alpha", loraAlpha));

/// <summary>Applies an activation function.</summary>
/// <param name="activation">The function.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Activation(ActivationFunction activation, string? name = null)
    : Layer("Activation", name, Arguments.Empty.Set("activation", activation.Description));

/// <summary>Turns integer ids into trained vectors: (batch, time) to (batch, time, outputDim).</summary>
/// <param name="inputDim">Number of ids: they run from 0 to inputDim - 1.</param>
/// <param name="outputDim">Size of a vector.</param>
/// <param name="embeddingsInitializer">First vectors; uniform within 0.05 by default.</param>
/// <param name="embeddingsRegularizer">Penalty on the vectors.</param>
/// <param name="embeddingsConstraint">Projection of the vectors after updates.</param>
/// <param name="maskZero">Whether id 0 is padding, which later layers skip.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="weights">First vectors, a row for every id, in place of what the initializer draws.</param>
/// <param name="loraRank">Rank of LoRA's matrices; none by default.</param>
/// <param name="loraAlpha">Strength of LoRA's product, divided by the rank; the rank by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Embedding(
    int inputDim,
    int outputDim,
    Initializer? embeddingsInitializer = null,
    Regularizer? embeddingsRegularizer = null,
    Constraint? embeddingsConstraint = null,
    bool maskZero = false,
    Regularizer? activityRegularizer = null,
    Tensor? weights = null,
    int? loraRank = null,
    double? loraAlpha = null,
    string? name = null)
    : AdaptableLayer("Embedding", name, Arguments.Empty
        .Set("input_dim", inputDim)
        .Set("output_dim", outputDim)
        .SetWeight("embeddings", embeddingsInitializer, embeddingsRegularizer, embeddingsConstraint)
        .Set("mask_zero", maskZero)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("weights", weights)
        .Set("lora_rank", loraRank)
        .Set("lora_alpha", loraAlpha));

/// <summary>Gives its input back.</summary>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Identity(string? name = null)
    : Layer("Identity", name, Arguments.Empty);

/// <summary>Masks the time steps whose features all equal a value.</summary>
/// <param name="maskValue">The value that marks padding.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Masking(double maskValue = 0, string? name = null)
    : Layer("Masking", name, Arguments.Empty.Set("mask_value", maskValue));
