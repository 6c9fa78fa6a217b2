using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Numbers to the bins they fall into: n boundaries make n + 1 bins, and a boundary belongs to the bin above it.</summary>
/// <param name="binBoundaries">Where one bin ends and the next begins, ascending.</param>
/// <param name="outputMode">int (numbers of bins, int64), one_hot, multi_hot or count.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Discretization(double[] binBoundaries, string outputMode = "int", string? name = null)
    : Layer("Discretization", name, Arguments.Empty
        .Set("bin_boundaries", binBoundaries)
        .Set("output_mode", outputMode));

/// <summary>Integer categories from 0 to vectors. With count, a second input of the first one's shape weighs the counts.</summary>
/// <param name="numTokens">Number of categories.</param>
/// <param name="outputMode">multi_hot or count (one vector per row), or one_hot (one per category).</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class CategoryEncoding(int numTokens, string outputMode = "multi_hot", string? name = null)
    : Layer("CategoryEncoding", name, Arguments.Empty
        .Set("num_tokens", numTokens)
        .Set("output_mode", outputMode));
