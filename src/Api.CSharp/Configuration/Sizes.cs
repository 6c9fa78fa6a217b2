using System.Diagnostics.CodeAnalysis;

namespace FunctionalNet;

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

/// <summary>Cells around images: one number for all sides, one for the rows and one for the columns, or a pair for
/// each.</summary>
/// <param name="Rows">Cells above and below.</param>
/// <param name="Columns">Cells left and right.</param>
/// <example><code>new ZeroPadding2D(((0, 1), (0, 1)))</code></example>
[SuppressMessage("Usage", "CA2225", Justification = "Numbers and pairs are converted where they are passed.")]
public readonly record struct Border2(Border Rows, Border Columns)
{
    internal int[][] Values => [Rows.Values, Columns.Values];

    /// <summary>The same number on all sides.</summary>
    public static implicit operator Border2(int all) => new(all, all);

    /// <summary>A number for the rows and one for the columns.</summary>
    public static implicit operator Border2((int Rows, int Columns) pair) => new(pair.Rows, pair.Columns);

    /// <summary>A pair for the rows and one for the columns.</summary>
    public static implicit operator Border2(((int Before, int After) Rows, (int Before, int After) Columns) pairs) =>
        new(pairs.Rows, pairs.Columns);
}

/// <summary>Cells around volumes: one number for all sides, one per axis, or a pair per axis.</summary>
/// <param name="Planes">Cells in front and behind.</param>
/// <param name="Rows">Cells above and below.</param>
/// <param name="Columns">Cells left and right.</param>
[SuppressMessage("Usage", "CA2225", Justification = "Numbers and triples are converted where they are passed.")]
public readonly record struct Border3(Border Planes, Border Rows, Border Columns)
{
    internal int[][] Values => [Planes.Values, Rows.Values, Columns.Values];

    /// <summary>The same number on all sides.</summary>
    public static implicit operator Border3(int all) => new(all, all, all);

    /// <summary>A number per axis.</summary>
    public static implicit operator Border3((int Planes, int Rows, int Columns) triple) =>
        new(triple.Planes, triple.Rows, triple.Columns);

    /// <summary>A pair per axis.</summary>
    public static implicit operator Border3(
        ((int Before, int After) Planes, (int Before, int After) Rows, (int Before, int After) Columns) pairs) =>
        new(pairs.Planes, pairs.Rows, pairs.Columns);
}

/// <summary>One number, or several.</summary>
[SuppressMessage("Usage", "CA2225", Justification = "Numbers are converted where they are passed.")]
[SuppressMessage("Performance", "CA1815", Justification = "Numbers are passed, never compared.")]
public readonly struct Numbers
{
    private readonly double[]? values;

    private Numbers(double[] values) => this.values = values;

    internal double[] Values => values ?? [];

    /// <summary>One number.</summary>
    public static implicit operator Numbers(double value) => new([value]);

    /// <summary>Several numbers.</summary>
    public static implicit operator Numbers(double[] values) => new(values);
}

/// <summary>The strength of a random change of images: one number, or a lower and an upper bound. What one number means
/// stands with the layer.</summary>
/// <example><code>new RandomRotation(0.1), new RandomZoom((-0.3, -0.1))</code></example>
[SuppressMessage("Usage", "CA2225", Justification = "Numbers and pairs are converted where they are passed.")]
[SuppressMessage("Performance", "CA1815", Justification = "Factors are passed, never compared.")]
public readonly struct Factor
{
    private readonly double[]? values;

    private Factor(params double[] values) => this.values = values;

    internal double[] Values => values ?? [0];

    /// <summary>One number.</summary>
    public static implicit operator Factor(double value) => new(value);

    /// <summary>A lower and an upper bound.</summary>
    public static implicit operator Factor((double Lower, double Upper) bounds) => new(bounds.Lower, bounds.Upper);
}

/// <summary>The least and the greatest value of a pixel.</summary>
/// <param name="Least">Black.</param>
/// <param name="Greatest">White.</param>
[SuppressMessage("Usage", "CA2225", Justification = "Pairs are converted where they are passed.")]
public readonly record struct ValueRange(double Least, double Greatest)
{
    internal double[] Values => [Least, Greatest];

    /// <summary>A pair of numbers.</summary>
    public static implicit operator ValueRange((double Least, double Greatest) pair) => new(pair.Least, pair.Greatest);
}

/// <summary>What the samples of a frame are multiplied by before its spectrum is computed: a window of SciPy's name, or a number
/// per sample.</summary>
[SuppressMessage("Usage", "CA2225", Justification = "Names and numbers are converted where they are passed.")]
public sealed class SignalWindow
{
    private SignalWindow(string? name, double[]? values) => (Name, Values) = (name, values);

    /// <summary>No window.</summary>
    public static SignalWindow None { get; } = new(null, null);

    internal string? Name { get; }

    internal double[]? Values { get; }

    /// <summary>The window of a name, such as hann or hamming.</summary>
    public static implicit operator SignalWindow(string name) => new(name, null);

    /// <summary>A number per sample.</summary>
    public static implicit operator SignalWindow(double[] values) => new(null, values);
}
