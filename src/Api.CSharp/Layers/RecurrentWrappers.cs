using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A recurrent layer in both directions, whose outputs are merged. Initial states: those of the forward direction, then
/// those of the backward one.</summary>
/// <param name="layer">The recurrent layer for the forward direction.</param>
/// <param name="mergeMode">concat (default), sum, mul or ave; MergeMode.None for two outputs.</param>
/// <param name="backwardLayer">The layer for the backward direction, with goBackwards; by default the first one's twin.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
/// <example><code>new Bidirectional(new LSTM(64, returnSequences: true))</code></example>
public sealed class Bidirectional(
    RecurrentLayer layer,
    MergeMode? mergeMode = null,
    RecurrentLayer? backwardLayer = null,
    string? name = null)
    : RecurrentLayer("Bidirectional", name, Arguments.Empty
        .Set("layer", layer.Core)
        .SetMode(mergeMode)
        .Set("backward_layer", backwardLayer?.Core));

/// <summary>A layer applied to every step of a sequence by itself: (batch, time, ...).</summary>
/// <param name="layer">The layer that every step goes through.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class TimeDistributed(
    Layer layer,
    string? name = null)
    : Layer("TimeDistributed", name, Arguments.Empty
        .Set("layer", layer.Core));

/// <summary>How Bidirectional joins its two directions.</summary>
public sealed class MergeMode : Choice
{
    private MergeMode(string name)
        : base(name)
    {
    }

    /// <summary>Side by side on the last axis.</summary>
    public static MergeMode Concat { get; } = new("concat");

    /// <summary>Their sum.</summary>
    public static MergeMode Sum { get; } = new("sum");

    /// <summary>Their product.</summary>
    public static MergeMode Mul { get; } = new("mul");

    /// <summary>Their mean.</summary>
    public static MergeMode Ave { get; } = new("ave");

    /// <summary>Two outputs.</summary>
    public static MergeMode None { get; } = new("none");

    /// <summary>The mode of that Keras name; none for Python's None.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator MergeMode(string name) => Find("merge mode", name, Concat, Sum, Mul, Ave, None);
}

/// <summary>A layer that runs over the time axis of its input, (batch, time, ...).</summary>
public abstract class RecurrentLayer : Layer
{
    private protected RecurrentLayer(string className, string? name, Arguments arguments)
        : base(className, name, arguments)
    {
    }

    /// <summary>Applies the layer to a sequence, with initial states and a mask.</summary>
    /// <param name="sequence">Shape (batch, time, ...).</param>
    /// <param name="initialState">The states to start with; zeros by default.</param>
    /// <param name="mask">Bool, shape (batch, time), in place of the mask that comes with the sequence.</param>
    /// <exception cref="ShapeException">A shape does not fit; the error names the layer.</exception>
    public SymbolicTensor Apply(
        SymbolicTensor sequence, IReadOnlyList<SymbolicTensor>? initialState, SymbolicTensor? mask = null) =>
        ApplyMany(sequence, initialState, mask)[0];

    /// <summary>Applies the layer and gives all that comes out: the output, then with returnState the last states.</summary>
    /// <param name="sequence">Shape (batch, time, ...).</param>
    /// <param name="initialState">The states to start with; zeros by default.</param>
    /// <param name="mask">Bool, shape (batch, time), in place of the mask that comes with the sequence.</param>
    /// <exception cref="ShapeException">A shape does not fit; the error names the layer.</exception>
    public SymbolicTensor[] ApplyMany(
        SymbolicTensor sequence, IReadOnlyList<SymbolicTensor>? initialState = null, SymbolicTensor? mask = null)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        SymbolicTensor[] inputs = [sequence, .. initialState ?? []];
        return Apply(inputs, [("mask", mask)]);
    }
}

internal static class RecurrentArguments
{
    /// <summary>Sets how steps are gone through, and what of them comes out.</summary>
    public static Arguments SetLoop(
        this Arguments arguments,
        bool returnSequences,
        bool returnState,
        bool goBackwards,
        bool stateful,
        bool unroll,
        bool zeroOutputForMask) =>
        arguments
            .Set("return_sequences", returnSequences)
            .Set("return_state", returnState)
            .Set("go_backwards", goBackwards)
            .Set("stateful", stateful)
            .Set("unroll", unroll)
            .Set("zero_output_for_mask", zeroOutputForMask);

    /// <summary>Sets the mode; none stands for Python's None.</summary>
    public static Arguments SetMode(this Arguments arguments, MergeMode? mode) =>
        mode == MergeMode.None ? arguments.SetNone("merge_mode") : arguments.Set("merge_mode", mode?.Name);
}
