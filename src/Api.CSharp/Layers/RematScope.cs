using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Which layers of a <see cref="RematScope"/> compute inner values again.</summary>
public enum RematMode
{
    /// <summary>All. Keras: full.</summary>
    Full,

    /// <summary>Those that give more numbers for a sample than a threshold. Keras: larger_than.</summary>
    LargerThan,

    /// <summary>Those of some names. Keras: list_of_layers.</summary>
    ListOfLayers,
}

/// <summary>Layers that are made until it is disposed do not keep their inner values for derivatives, but compute them again from their
/// inputs: a training step needs less memory and more time, and gives the same values, and the same gradients up to rounding. Worth it
/// for models used as layers, of which only inputs and outputs are kept then. Of the thread that opened it; scopes nest. It is not saved
/// with a layer. Keras: RematScope, of versions after 3.8.</summary>
/// <example><code>
/// Model block;
///
/// using (new RematScope())
/// {
///     block = new Sequential { new Dense(512, activation: "gelu"), new Dense(128) };
/// }
/// </code></example>
public sealed class RematScope : IDisposable
{
    [ThreadStatic]
    private static RematScope? current;

    private readonly RematScope? outer;
    private readonly int size;
    private readonly string[]? names;
    private bool isClosed;

    /// <summary>Opens the scope.</summary>
    /// <param name="mode">Which layers it is about.</param>
    /// <param name="outputSizeThreshold">For LargerThan: numbers per sample.</param>
    /// <param name="layerNames">For ListOfLayers: names of layers.</param>
    /// <exception cref="ArgumentValueException">The threshold is negative, or there are no names where they are needed.</exception>
    public RematScope(
        RematMode mode = RematMode.Full, int outputSizeThreshold = 1024, IReadOnlyList<string>? layerNames = null)
    {
        if (mode == RematMode.LargerThan && outputSizeThreshold < 0)
        {
            throw new ArgumentValueException(
                "The threshold of a scope is negative.", "outputSizeThreshold", "0 or more",
                outputSizeThreshold.ToString(System.Globalization.CultureInfo.InvariantCulture), "It counts numbers per sample.");
        }

        if (mode == RematMode.ListOfLayers && layerNames is null)
        {
            throw new ArgumentValueException(
                "A scope for layers of some names has no names.", "layerNames", "names of layers", "null",
                "Give names, or another mode.");
        }

        size = mode == RematMode.LargerThan ? outputSizeThreshold : -1;
        names = mode == RematMode.ListOfLayers ? [.. layerNames!] : null;
        outer = current;
        current = this;
    }

    internal static RematScope? Current => current;

    internal LayerTypes.Layer Mark(LayerTypes.Layer layer) => LayerBridge.Rematerialized(layer, size, names);

    /// <summary>Closes the scope.</summary>
    public void Dispose()
    {
        if (!isClosed)
        {
            isClosed = true;
            current = outer;
        }
    }
}
