using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Turns integer ids into trained vectors, and leads back from vectors to a score for every id: language models use one
/// table at both ends.</summary>
/// <param name="inputDim">Number of ids: they run from 0 to inputDim - 1.</param>
/// <param name="outputDim">Size of a vector.</param>
/// <param name="tieWeights">Whether the way back uses the same table, transposed.</param>
/// <param name="embeddingsInitializer">First vectors; uniform within 0.05 by default.</param>
/// <param name="embeddingsRegularizer">Penalty on the vectors.</param>
/// <param name="embeddingsConstraint">Projection of the vectors after updates.</param>
/// <param name="maskZero">Whether id 0 is padding, which later layers skip.</param>
/// <param name="activityRegularizer">Penalty on the output, summed over the whole batch.</param>
/// <param name="reverseDtype">Element type in which the way back is computed; the layer's by default.</param>
/// <param name="logitSoftCap">If given, scores s become tanh(s / cap) * cap on the way back.</param>
/// <param name="weights">First vectors, a row for every id, in place of what the initializer draws.</param>
/// <param name="loraRank">Rank of LoRA's matrices; none by default.</param>
/// <param name="loraAlpha">Strength of LoRA's product, divided by the rank; the rank by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
/// <example><code>
/// var embedding = new ReversibleEmbedding(1000, 64);
/// var ids = new Input([32], dtype: DType.Int32);
/// var scores = embedding.Apply(body.Apply(embedding.Apply(ids)), reverse: true);
/// </code></example>
public sealed class ReversibleEmbedding(
    int inputDim,
    int outputDim,
    bool tieWeights = true,
    Initializer? embeddingsInitializer = null,
    Regularizer? embeddingsRegularizer = null,
    Constraint? embeddingsConstraint = null,
    bool maskZero = false,
    Regularizer? activityRegularizer = null,
    DType? reverseDtype = null,
    double? logitSoftCap = null,
    Tensor? weights = null,
    int? loraRank = null,
    double? loraAlpha = null,
    string? name = null)
    : AdaptableLayer("ReversibleEmbedding", name, Arguments.Empty
        .Set("input_dim", inputDim)
        .Set("output_dim", outputDim)
        .Set("tie_weights", tieWeights)
        .SetWeight("embeddings", embeddingsInitializer, embeddingsRegularizer, embeddingsConstraint)
        .Set("mask_zero", maskZero)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("reverse_dtype", reverseDtype)
        .Set("logit_soft_cap", logitSoftCap)
        .Set("weights", weights)
        .Set("lora_rank", loraRank)
        .Set("lora_alpha", loraAlpha))
{
    /// <summary>Applies the layer to ids, or to vectors on the way back.</summary>
    /// <param name="input">Ids of any shape, or vectors (..., outputDim).</param>
    /// <param name="reverse">Whether the input is vectors, and the output (..., inputDim) scores.</param>
    /// <param name="training">Whether this use of the layer trains; by default as the model does.</param>
    /// <exception cref="ShapeException">The vectors do not have the size of the layer's.</exception>
    public SymbolicTensor Apply(SymbolicTensor input, bool reverse, bool? training = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Apply([input], [], ("reverse", reverse ? true : null), ("training", training))[0];
    }
}
