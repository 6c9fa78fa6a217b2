using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Subtracts a mean and divides by a standard deviation, feature by feature: fixed ones, or weights that a
/// file brings.</summary>
/// <param name="axis">The axis of the features; null for one mean and variance of everything.</param>
/// <param name="mean">One mean, or one per feature; by default a weight of the model.</param>
/// <param name="variance">One variance, or one per feature; by default a weight of the model.</param>
/// <param name="invert">Whether to undo the normalisation instead.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Normalization(
    int? axis = -1,
    Numbers? mean = null,
    Numbers? variance = null,
    bool invert = false,
    string? name = null)
    : Layer("Normalization", name, Arguments.Empty
        .SetOrNone("axis", axis)
        .Set("mean", mean?.Values)
        .Set("variance", variance?.Values)
        .Set("invert", invert));

/// <summary>Multiplies by a number and adds another: <c>new Rescaling(1 / 255.0)</c> takes bytes to 0..1.</summary>
/// <param name="scale">The factor.</param>
/// <param name="offset">What is added.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Rescaling(double scale, double offset = 0, string? name = null)
    : Layer("Rescaling", name, Arguments.Empty.Set("scale", scale).Set("offset", offset));

/// <summary>Numbers to the bins they fall into: n boundaries make n + 1 bins, and a boundary belongs to the bin above it.</summary>
/// <param name="binBoundaries">Where one bin ends and the next begins, ascending.</param>
/// <param name="outputMode">int (default: numbers of bins, int64), one_hot, multi_hot or count.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Discretization(double[] binBoundaries, EncodingMode? outputMode = null, string? name = null)
    : Layer("Discretization", name, Arguments.Empty
        .Set("bin_boundaries", binBoundaries)
        .Set("output_mode", outputMode?.Name));

/// <summary>Integer categories from 0 to vectors. With count, a second input of the first one's shape weighs the counts.</summary>
/// <param name="numTokens">Number of categories.</param>
/// <param name="outputMode">multi_hot (default) or count (one vector per row), or one_hot (one per category).</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class CategoryEncoding(int numTokens, EncodingMode? outputMode = null, string? name = null)
    : Layer("CategoryEncoding", name, Arguments.Empty
        .Set("num_tokens", numTokens)
        .Set("output_mode", outputMode?.Name));

/// <summary>Layers one after the other, as one layer.</summary>
/// <param name="layers">At least one layer, each with one input and one output.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Pipeline(IReadOnlyList<Layer> layers, string? name = null)
    : Layer("Pipeline", name, Arguments.Empty.Set("layers", [.. layers.Select(layer => layer.Core)]));
