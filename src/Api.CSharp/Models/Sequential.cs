using System.Collections;
using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;
using FunctionalNet.Layers;

namespace FunctionalNet;

/// <summary>A model whose layers follow one another. If it begins with an <see cref="Input"/>, every layer is checked as it is
/// added; otherwise the shape comes from the first data.</summary>
/// <example><code>
/// var model = new Sequential
/// {
///     new Input(784),
///     new Dense(128, activation: "relu"),
///     new Dense(10, activation: "softmax"),
/// };
/// </code></example>
[SuppressMessage("Naming", "CA1710", Justification = "Keras's name.")]
public sealed class Sequential : Model, IEnumerable<Layer>
{
    private readonly List<Layer> parts = [];
    private SymbolicTensor? input;
    private NetworkTypes.Node? last;

    /// <summary>A model without layers yet.</summary>
    /// <param name="name">Its name; sequential by default.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    public Sequential(string? name = null, int seed = 0, DType dtype = DType.Float32)
        : base(name, seed, dtype)
    {
    }

    /// <summary>A model of those layers.</summary>
    /// <param name="layers">The layers in order.</param>
    /// <param name="name">Its name; sequential by default.</param>
    /// <param name="seed">Decides first weights, dropout and the order of samples: the same seed gives the same bits.</param>
    /// <param name="dtype">Float32, or Float64 for research.</param>
    public Sequential(IEnumerable<Layer> layers, string? name = null, int seed = 0, DType dtype = DType.Float32)
        : this(name, seed, dtype)
    {
        ArgumentNullException.ThrowIfNull(layers);

        foreach (var layer in layers)
        {
            Add(layer);
        }
    }

    /// <summary>Says what data the model takes. Comes before all layers.</summary>
    /// <exception cref="NotReadyException">There are layers already.</exception>
    public void Add(Input input)
    {
        ArgumentNullException.ThrowIfNull(input);

        if (parts.Count > 0 || this.input is not null)
        {
            throw new NotReadyException(
                "An Input comes first.", "Sequential", "Input before all layers", $"{parts.Count} layers before it",
                "Move the Input to the front.");
        }

        this.input = input;
        last = input.Node;
    }

    /// <summary>Adds a layer at the end. A model that is compiled must be compiled again; layers keep their weights.</summary>
    /// <exception cref="ShapeException">The layer does not fit behind the one before it.</exception>
    public void Add(Layer layer)
    {
        ArgumentNullException.ThrowIfNull(layer);

        if (last is not null)
        {
            layer.BuildOn(last);
        }

        last = last is null ? null : NetworkBridge.Apply(layer.Core, [last])[0];
        parts.Add(layer);
        Forget();
    }

    /// <summary>Removes the last layer. A model that is compiled must be compiled again; layers keep their weights. Keras:
    /// pop.</summary>
    /// <returns>The layer that was removed.</returns>
    /// <exception cref="NotReadyException">There is no layer.</exception>
    public Layer Pop()
    {
        if (parts.Count == 0)
        {
            throw new NotReadyException(
                "There is no layer to remove.", "Sequential", "at least one layer", "none", "Add layers first.");
        }

        var removed = parts[^1];
        parts.RemoveAt(parts.Count - 1);
        last = input?.Node;

        foreach (var part in parts)
        {
            last = last is null ? null : NetworkBridge.Apply(part.Core, [last])[0];
        }

        Forget();
        return removed;
    }

    /// <summary>The layers, in order.</summary>
    public IEnumerator<Layer> GetEnumerator() => parts.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private protected override bool CanBuild => input is not null;

    private protected override void BuildFor(IReadOnlyList<Tensor> first)
    {
        if (input is null)
        {
            if (first.Count == 0 || first[0].Rank == 0)
            {
                throw NotBuilt();
            }

            input = new SymbolicTensor(InputFor(first[0], null), null, []);
        }

        // Models inside that wait for their shape get it from the layer before them.
        if (parts.Any(part => part is Sequential { IsWaiting: true }))
        {
            var node = input.Node;

            foreach (var part in parts)
            {
                part.BuildOn(node);
                node = NetworkBridge.Apply(part.Core, [node])[0];
            }
        }

        Adopt(NetworkBridge.Sequential(GivenName, input.Node, [.. parts.Select(part => part.Core)]));
    }

    private bool IsWaiting => input is null;

    internal override void BuildOn(NetworkTypes.Node input)
    {
        if (IsWaiting)
        {
            this.input = new SymbolicTensor(
                new Input([.. input.Shape.Skip(1)], null, input.DType is DType.Float64 ? DType.Float32 : input.DType).Node, null, []);
            last = null;
        }
    }
}
