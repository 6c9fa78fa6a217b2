using System.Diagnostics.CodeAnalysis;

namespace FunctionalNet;

/// <summary>What a window does at the border: <see cref="Valid"/>, <see cref="Same"/> or <see cref="Causal"/>, or Keras's
/// name.</summary>
public sealed class Padding
{
    private Padding(string name) => Name = name;

    /// <summary>Keras's name.</summary>
    public string Name { get; }

    /// <summary>No padding: windows stay inside.</summary>
    public static Padding Valid { get; } = new("valid");

    /// <summary>As many windows as ceil(size / stride); the odd cell goes to the end.</summary>
    public static Padding Same { get; } = new("same");

    /// <summary>Padding in front only, so that no output sees the future (one-dimensional convolutions).</summary>
    public static Padding Causal { get; } = new("causal");

    /// <summary>The padding of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">The name is none of the three.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = "The constructor of a layer is where names are converted.")]
    public static implicit operator Padding(string name) => name switch
    {
        "valid" => Valid,
        "same" => Same,
        "causal" => Causal,
        _ => throw new ArgumentValueException(
            "Unknown padding.", "padding", "valid, same or causal", name, "Use one of the three names."),
    };
}

/// <summary>Height and width: one number for both, or a pair.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
[SuppressMessage("Usage", "CA2225", Justification = "Numbers and pairs are converted where they are passed.")]
public readonly record struct Size2(int Height, int Width)
{
    internal int[] Values => [Height, Width];

    /// <summary>The same number twice.</summary>
    public static implicit operator Size2(int both) => new(both, both);

    /// <summary>A pair of numbers.</summary>
    public static implicit operator Size2((int Height, int Width) pair) => new(pair.Height, pair.Width);
}

/// <summary>Depth, height and width: one number for all, or a triple.</summary>
/// <param name="Depth">Planes.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
[SuppressMessage("Usage", "CA2225", Justification = "Numbers and triples are converted where they are passed.")]
public readonly record struct Size3(int Depth, int Height, int Width)
{
    internal int[] Values => [Depth, Height, Width];

    /// <summary>The same number three times.</summary>
    public static implicit operator Size3(int all) => new(all, all, all);

    /// <summary>A triple of numbers.</summary>
    public static implicit operator Size3((int Depth, int Height, int Width) triple) =>
        new(triple.Depth, triple.Height, triple.Width);
}

/// <summary>Cells in front of and behind one axis.</summary>
/// <param name="Before">Cells in front.</param>
/// <param name="After">Cells behind.</param>
[SuppressMessage("Usage", "CA2225", Justification = "Numbers and pairs are converted where they are passed.")]
public readonly record struct Border(int Before, int After)
{
    internal int[] Values => [Before, After];

    /// <summary>The same number on both sides.</summary>
    public static implicit operator Border(int both) => new(both, both);

    /// <summary>A pair of numbers.</summary>
    public static implicit operator Border((int Before, int After) pair) => new(pair.Before, pair.After);
}
