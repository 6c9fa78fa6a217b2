using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Dot-product attention (Luong et al., 2015): softmax(query · keyᵀ) · value. Apply it to query and value, or to
/// query, value and key, each (batch, time, features).</summary>
/// <param name="useScale">Whether a trained number multiplies the scores.</param>
/// <param name="scoreMode">How a query and a key are compared.</param>
/// <param name="dropout">Share of the weights that are dropped while training.</param>
/// <param name="seed">Chooses another stream of random numbers under the model's seed.</param>
/// <param name="useCausalMask">Whether a query sees no later key; in Keras an argument of the call.</param>
/// <param name="returnAttentionScores">Whether the weights are a second output; in Keras an argument of the call.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Attention(
    bool useScale = false,
    AttentionScoreMode? scoreMode = null,
    double dropout = 0,
    int? seed = null,
    bool useCausalMask = false,
    bool returnAttentionScores = false,
    string? name = null)
    : AttentionLayer("Attention", name, Arguments.Empty
        .Set("use_scale", useScale)
        .Set("score_mode", scoreMode?.Name)
        .Set("dropout", dropout)
        .Set("seed", seed)
        .Set("use_causal_mask", useCausalMask)
        .Set("return_attention_scores", returnAttentionScores));

/// <summary>Additive attention (Bahdanau et al., 2014): the score of a query and a key is the sum of tanh(query + key). Apply
/// it to query and value, or to query, value and key, each (batch, time, features).</summary>
/// <param name="useScale">Whether a trained number multiplies every feature.</param>
/// <param name="dropout">Share of the weights that are dropped while training.</param>
/// <param name="seed">Chooses another stream of random numbers under the model's seed.</param>
/// <param name="useCausalMask">Whether a query sees no later key; in Keras an argument of the call.</param>
/// <param name="returnAttentionScores">Whether the weights are a second output; in Keras an argument of the call.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AdditiveAttention(
    bool useScale = true,
    double dropout = 0,
    int? seed = null,
    bool useCausalMask = false,
    bool returnAttentionScores = false,
    string? name = null)
    : AttentionLayer("AdditiveAttention", name, Arguments.Empty
        .Set("use_scale", useScale)
        .Set("dropout", dropout)
        .Set("seed", seed)
        .Set("use_causal_mask", useCausalMask)
        .Set("return_attention_scores", returnAttentionScores));

/// <summary>Scaled dot-product attention of several heads (Vaswani et al., 2017). Apply it to query and value, or to query,
/// value and key, each (batch, time, features); applied to one tensor it attends to itself.</summary>
/// <param name="numHeads">Number of heads.</param>
/// <param name="keyDim">Size of a head's queries and keys.</param>
/// <param name="valueDim">Size of a head's values; that of its keys by default.</param>
/// <param name="dropout">Share of the weights that are dropped while training.</param>
/// <param name="useBias">Whether the projections have biases.</param>
/// <param name="outputShape">Sizes of the output's last axes; the size of the query by default.</param>
/// <param name="attentionAxes">The axes that are attended over; all but the batch and the features by default.</param>
/// <param name="slidingWindow">A query sees keys less than this many positions away; all by default.</param>
/// <param name="kernelInitializer">First kernels; glorot_uniform by default.</param>
/// <param name="biasInitializer">First biases; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernels.</param>
/// <param name="biasRegularizer">Penalty on the biases.</param>
/// <param name="activityRegularizer">Penalty on the output of every projection.</param>
/// <param name="kernelConstraint">Projection of the kernels after updates.</param>
/// <param name="biasConstraint">Projection of the biases after updates.</param>
/// <param name="seed">Chooses another stream of random numbers under the model's seed.</param>
/// <param name="useCausalMask">Whether a query sees no later key; in Keras an argument of the call.</param>
/// <param name="returnAttentionScores">Whether the weights, (batch, heads, queries, keys), are a second output; in Keras an
/// argument of the call.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
/// <example><code>
/// var x = new Input(64, 128);
/// var y = new MultiHeadAttention(numHeads: 4, keyDim: 32).Apply(x, x);
/// </code></example>
public sealed class MultiHeadAttention(
    int numHeads,
    int keyDim,
    int? valueDim = null,
    double dropout = 0,
    bool useBias = true,
    int[]? outputShape = null,
    int[]? attentionAxes = null,
    int? slidingWindow = null,
    Initializer? kernelInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? biasConstraint = null,
    int? seed = null,
    bool useCausalMask = false,
    bool returnAttentionScores = false,
    string? name = null)
    : AttentionLayer("MultiHeadAttention", name, Arguments.Empty
        .Set("num_heads", numHeads)
        .Set("key_dim", keyDim)
        .Set("value_dim", valueDim)
        .Set("dropout", dropout)
        .Set("use_bias", useBias)
        .Set("output_shape", outputShape)
        .Set("attention_axes", attentionAxes)
        .Set("sliding_window", slidingWindow)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("seed", seed)
        .Set("use_causal_mask", useCausalMask)
        .Set("return_attention_scores", returnAttentionScores));

/// <summary>Attention of several heads where heads of queries in a row share a head of keys and values (Ainslie et al., 2023).
/// Apply it to query and value, or to query, value and key, each (batch, time, features).</summary>
/// <param name="headDim">Size of a head.</param>
/// <param name="numQueryHeads">Number of heads of queries.</param>
/// <param name="numKeyValueHeads">Number of heads of keys and values; it divides that of the queries.</param>
/// <param name="dropout">Share of the weights that are dropped while training.</param>
/// <param name="useBias">Whether the projections have biases.</param>
/// <param name="slidingWindow">A query sees keys less than this many positions away; all by default.</param>
/// <param name="kernelInitializer">First kernels; glorot_uniform by default.</param>
/// <param name="biasInitializer">First biases; zeros by default.</param>
/// <param name="kernelRegularizer">Penalty on the kernels.</param>
/// <param name="biasRegularizer">Penalty on the biases.</param>
/// <param name="activityRegularizer">Penalty on the output of every projection.</param>
/// <param name="kernelConstraint">Projection of the kernels after updates.</param>
/// <param name="biasConstraint">Projection of the biases after updates.</param>
/// <param name="seed">Chooses another stream of random numbers under the model's seed.</param>
/// <param name="useCausalMask">Whether a query sees no later key; in Keras an argument of the call.</param>
/// <param name="returnAttentionScores">Whether the weights are a second output; in Keras an argument of the call.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GroupQueryAttention(
    int headDim,
    int numQueryHeads,
    int numKeyValueHeads,
    double dropout = 0,
    bool useBias = true,
    int? slidingWindow = null,
    Initializer? kernelInitializer = null,
    Initializer? biasInitializer = null,
    Regularizer? kernelRegularizer = null,
    Regularizer? biasRegularizer = null,
    Regularizer? activityRegularizer = null,
    Constraint? kernelConstraint = null,
    Constraint? biasConstraint = null,
    int? seed = null,
    bool useCausalMask = false,
    bool returnAttentionScores = false,
    string? name = null)
    : AttentionLayer("GroupQueryAttention", name, Arguments.Empty
        .Set("head_dim", headDim)
        .Set("num_query_heads", numQueryHeads)
        .Set("num_key_value_heads", numKeyValueHeads)
        .Set("dropout", dropout)
        .Set("use_bias", useBias)
        .Set("sliding_window", slidingWindow)
        .SetWeight("kernel", kernelInitializer, kernelRegularizer, kernelConstraint)
        .SetWeight("bias", biasInitializer, biasRegularizer, biasConstraint)
        .Set("activity_regularizer", activityRegularizer?.Description)
        .Set("seed", seed)
        .Set("use_causal_mask", useCausalMask)
        .Set("return_attention_scores", returnAttentionScores));
