using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A layer of a model. A layer describes what is done; its weights live in the model, so one description can be
/// inspected, saved and applied again. Applying one object twice in a model shares its weights.</summary>
public abstract class Layer
{
    internal Layer(string className, string? name, Arguments arguments)
        : this(() => LayerBridge.Create(className, name, arguments))
    {
    }

    internal Layer(Func<LayerTypes.Layer> create) => Core = create();

    internal LayerTypes.Layer Core { get; }

    /// <summary>The name given to the constructor; empty if the model names the layer.</summary>
    public string Name => Core.Name;

    /// <summary>Keras's class name.</summary>
    public string ClassName => Core.ClassName;
}
