using FunctionalNet.Interop;

namespace FunctionalNet;

public static partial class Ops
{
    /// <summary>A convolution over 1 to 3 spatial axes, channels last. Keras: ops.conv.</summary>
    /// <param name="x">(batch, spatial..., channels).</param>
    /// <param name="kernel">(window..., channels / groups, filters).</param>
    /// <param name="strides">Step of the window, for every axis or once for all; 1 by default.</param>
    /// <param name="padding">valid (default), same, or causal.</param>
    /// <param name="dilations">Distance of the window's cells; 1 by default.</param>
    /// <param name="groups">Groups of channels that do not see one another.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Expr Conv(
        Expr x, Expr kernel, int[]? strides = null, Padding? padding = null, int[]? dilations = null, int groups = 1) =>
        OpsBridge.Conv(x, kernel, strides ?? [1], NameOf(padding), dilations ?? [1], groups);

    /// <summary>A transposed convolution, channels last. Keras: ops.conv_transpose.</summary>
    /// <param name="x">(batch, spatial..., channels).</param>
    /// <param name="kernel">(window..., filters, channels).</param>
    /// <param name="strides">By how much the input is spread; 1 by default.</param>
    /// <param name="padding">valid (default) or same.</param>
    /// <param name="dilations">Distance of the window's cells; 1 by default.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Expr ConvTranspose(
        Expr x, Expr kernel, int[]? strides = null, Padding? padding = null, int[]? dilations = null) =>
        OpsBridge.ConvTranspose(x, kernel, strides ?? [1], NameOf(padding), dilations ?? [1]);

    /// <summary>The greatest value of every window, channels last. Keras: ops.max_pool.</summary>
    /// <param name="x">(batch, spatial..., channels).</param>
    /// <param name="poolSize">Size of the window, for every axis or once for all.</param>
    /// <param name="strides">Step of the window; its size by default.</param>
    /// <param name="padding">valid (default) or same.</param>
    public static Expr MaxPool(Expr x, int[] poolSize, int[]? strides = null, Padding? padding = null) =>
        OpsBridge.MaxPool(x, poolSize, strides ?? poolSize, NameOf(padding));

    /// <summary>The mean of every window, channels last; padding does not count. Keras: ops.average_pool.</summary>
    /// <param name="x">(batch, spatial..., channels).</param>
    /// <param name="poolSize">Size of the window, for every axis or once for all.</param>
    /// <param name="strides">Step of the window; its size by default.</param>
    /// <param name="padding">valid (default) or same.</param>
    public static Expr AveragePool(Expr x, int[] poolSize, int[]? strides = null, Padding? padding = null) =>
        OpsBridge.AveragePool(x, poolSize, strides ?? poolSize, NameOf(padding));

    /// <summary>A loop over the first axis: the step maps carries and one slice of every sequence to new carries and
    /// outputs. It runs once, when the model is traced. Differentiable. Keras: ops.scan.</summary>
    /// <param name="step">From carries and slices to new carries and outputs.</param>
    /// <param name="initial">Carries before the first step.</param>
    /// <param name="sequences">Nodes of shape (length, ...).</param>
    /// <param name="reverse">Whether steps run from the last to the first; outputs stay at their places.</param>
    /// <returns>The last carries, and the outputs stacked to (length, ...).</returns>
    public static (Expr[] Carries, Expr[] Outputs) Scan(
        Func<Expr[], Expr[], (Expr[] Carries, Expr[] Outputs)> step, Expr[] initial, Expr[] sequences, bool reverse = false) =>
        OpsBridge.Scan((carry, slice) => step(carry, slice), initial, sequences, reverse);

    private static string NameOf(Padding? padding) => padding?.Name ?? "valid";
}
