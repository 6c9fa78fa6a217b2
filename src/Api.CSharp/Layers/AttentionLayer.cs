using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A layer that lets a query look at values: what the classes of attention share.</summary>
public abstract class AttentionLayer : Layer
{
    private protected AttentionLayer(string className, string? name, Arguments arguments)
        : base(className, name, arguments)
    {
    }

    /// <summary>Applies the layer to query and value with masks, as Keras's
    /// <c>layer(query, value, attention_mask=...)</c>. A mask that is not given is the one that comes with its input.</summary>
    /// <param name="query">(batch, queries, features).</param>
    /// <param name="value">(batch, keys, features).</param>
    /// <param name="key">(batch, keys, features); the value by default.</param>
    /// <param name="queryMask">(batch, queries): which queries count.</param>
    /// <param name="valueMask">(batch, keys): which values are seen.</param>
    /// <param name="keyMask">(batch, keys): which keys are seen. For MultiHeadAttention and GroupQueryAttention.</param>
    /// <param name="attentionMask">(batch, queries, keys) or (batch, heads, queries, keys): which query sees which
    /// key.</param>
    /// <param name="useCausalMask">Whether a query sees no later key; by default as the layer was made.</param>
    /// <param name="training">Whether this use of the layer drops weights; by default as the model does.</param>
    /// <exception cref="ShapeException">The shapes do not fit; the error names the layer.</exception>
    public SymbolicTensor Apply(
        SymbolicTensor query,
        SymbolicTensor value,
        SymbolicTensor? key = null,
        SymbolicTensor? queryMask = null,
        SymbolicTensor? valueMask = null,
        SymbolicTensor? keyMask = null,
        SymbolicTensor? attentionMask = null,
        bool? useCausalMask = null,
        bool? training = null) =>
        Outputs(
            query, value, key, queryMask, valueMask, keyMask, attentionMask,
            useCausalMask, training, returnAttentionScores: null)[0];

    /// <summary>As Apply, with the scores, as Keras's <c>layer(query, value, return_attention_scores=True)</c>: the output, and
    /// the weights (batch, heads, queries, keys), or (batch, queries, keys) without heads.</summary>
    /// <param name="query">(batch, queries, features).</param>
    /// <param name="value">(batch, keys, features).</param>
    /// <param name="key">(batch, keys, features); the value by default.</param>
    /// <param name="queryMask">(batch, queries): which queries count.</param>
    /// <param name="valueMask">(batch, keys): which values are seen.</param>
    /// <param name="keyMask">(batch, keys): which keys are seen.</param>
    /// <param name="attentionMask">(batch, queries, keys): which query sees which key.</param>
    /// <param name="useCausalMask">Whether a query sees no later key; by default as the layer was made.</param>
    /// <param name="training">Whether this use of the layer drops weights; by default as the model does.</param>
    /// <exception cref="ShapeException">The shapes do not fit; the error names the layer.</exception>
    public (SymbolicTensor Output, SymbolicTensor Scores) ApplyWithScores(
        SymbolicTensor query,
        SymbolicTensor value,
        SymbolicTensor? key = null,
        SymbolicTensor? queryMask = null,
        SymbolicTensor? valueMask = null,
        SymbolicTensor? keyMask = null,
        SymbolicTensor? attentionMask = null,
        bool? useCausalMask = null,
        bool? training = null)
    {
        var outputs = Outputs(
            query, value, key, queryMask, valueMask, keyMask, attentionMask,
            useCausalMask, training, returnAttentionScores: true);
        return (outputs[0], outputs[1]);
    }

    private SymbolicTensor[] Outputs(
        SymbolicTensor query,
        SymbolicTensor value,
        SymbolicTensor? key,
        SymbolicTensor? queryMask,
        SymbolicTensor? valueMask,
        SymbolicTensor? keyMask,
        SymbolicTensor? attentionMask,
        bool? useCausalMask,
        bool? training,
        bool? returnAttentionScores)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(value);
        return Apply(
            key is null ? [query, value] : [query, value, key],
            [
                ("query_mask", queryMask),
                ("value_mask", valueMask),
                ("key_mask", keyMask),
                ("attention_mask", attentionMask),
            ],
            ("use_causal_mask", useCausalMask),
            ("return_attention_scores", returnAttentionScores),
            ("training", training));
    }
}
