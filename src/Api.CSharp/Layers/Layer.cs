using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A layer of a model. A layer describes what is done; its weights live in the model. Applying one object twice in
/// a model shares its weights.</summary>
public abstract class Layer
{
    private readonly LayerTypes.Layer? core;

    internal Layer(string className, string? name, Arguments arguments)
        : this(LayerBridge.Create(className, name, arguments))
    {
    }

    internal Layer(LayerTypes.Layer core) => this.core = LayerBridge.WithOwner(core, this);

    /// <summary>For layers that make their core themselves.</summary>
    private protected Layer()
    {
    }

    /// <summary>The immutable layer of the core that this object stands for.</summary>
    internal virtual LayerTypes.Layer Core =>
        core ?? throw new InvalidOperationException("A layer without a core must override it.");

    /// <summary>Its name: the one given to the constructor, or the one its model gave it; empty before that.</summary>
    public string Name => NameInModel ?? Core.Name;

    /// <summary>The name a model gave it.</summary>
    internal string? NameInModel { get; set; }

    /// <summary>Keras's class name.</summary>
    public string ClassName => Core.ClassName;

    /// <summary>Whether training changes the layer's weights. Set it before Compile: a frozen layer gets no gradient, and a
    /// frozen BatchNormalization runs in inference mode.</summary>
    public bool Trainable { get; set; } = true;

    /// <summary>Applies the layer to a symbolic tensor, as Keras's <c>layer(x)</c>. Shapes are checked at once.</summary>
    /// <exception cref="ShapeException">The shape does not fit; the error names the layer.</exception>
    public SymbolicTensor Apply(SymbolicTensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Apply([input]);
    }

    /// <summary>Applies a merging layer to several symbolic tensors.</summary>
    /// <exception cref="ShapeException">The shapes do not fit; the error names the layer.</exception>
    public SymbolicTensor Apply(params SymbolicTensor[] inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var nodes = NetworkBridge.Apply(Core, [.. inputs.Select(input => input.Node)]);
        return new SymbolicTensor(nodes[0], this, inputs);
    }

    /// <summary>All outputs of the layer for inputs in order and others by Keras's names; those that are null are left
    /// out.</summary>
    private protected SymbolicTensor[] Apply(SymbolicTensor[] inputs, params (string Name, SymbolicTensor? Tensor)[] named)
    {
        var given = named.Where(entry => entry.Tensor is not null).ToArray();
        SymbolicTensor[] tensors = [.. given.Select(entry => entry.Tensor!)];
        var nodes = NetworkBridge.Apply(
            Core,
            [.. inputs.Select(input => input.Node)],
            [.. given.Select(entry => entry.Name)],
            [.. tensors.Select(tensor => tensor.Node)]);
        SymbolicTensor[] all = [.. inputs, .. tensors];
        return [.. nodes.Select(node => new SymbolicTensor(node, this, all))];
    }
}

internal static class LayerArguments
{
    /// <summary>Sets a whole number, or Python's None where that is not the default.</summary>
    public static Arguments SetOrNone(this Arguments arguments, string name, int? value) =>
        value is { } number ? arguments.Set(name, number) : arguments.SetNone(name);
}

/// <summary>A layer read from a file, known by its class name and configuration.</summary>
internal sealed class LoadedLayer(LayerTypes.Layer core) : Layer(core);
