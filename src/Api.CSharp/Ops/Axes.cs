using System.Diagnostics.CodeAnalysis;

namespace FunctionalNet;

/// <summary>The axes a reduction runs over: one, several, or all (the default). Negative axes count from the end.</summary>
[SuppressMessage("Usage", "CA2225", Justification = "Numbers are converted where they are passed.")]
[SuppressMessage("Performance", "CA1815", Justification = "Axes are passed, never compared.")]
public readonly struct Axes
{
    private readonly int[]? axes;

    private Axes(int[] axes) => this.axes = axes;

    /// <summary>No axis.</summary>
    public static Axes None => new([]);

    /// <summary>One axis.</summary>
    public static implicit operator Axes(int axis) => new([axis]);

    /// <summary>Several axes.</summary>
    public static implicit operator Axes(int[] axes) => new(axes);

    internal int[] Values => axes ?? [];

    internal int[] Of(Expr x) => axes ?? Enumerable.Range(0, x.Rank).ToArray();
}
