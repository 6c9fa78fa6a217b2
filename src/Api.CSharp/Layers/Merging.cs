using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Elementwise sum of all inputs.</summary>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Add(string? name = null)
    : Layer("Add", name, Arguments.Empty);

/// <summary>The first input minus the second.</summary>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Subtract(string? name = null)
    : Layer("Subtract", name, Arguments.Empty);

/// <summary>Elementwise product of all inputs.</summary>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Multiply(string? name = null)
    : Layer("Multiply", name, Arguments.Empty);

/// <summary>Elementwise mean of all inputs.</summary>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Average(string? name = null)
    : Layer("Average", name, Arguments.Empty);

/// <summary>Elementwise maximum of all inputs.</summary>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Maximum(string? name = null)
    : Layer("Maximum", name, Arguments.Empty);

/// <summary>Elementwise minimum of all inputs.</summary>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Minimum(string? name = null)
    : Layer("Minimum", name, Arguments.Empty);

/// <summary>Joins inputs along an axis.</summary>
/// <param name="axis">The axis to join along.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Concatenate(int axis = -1, string? name = null)
    : Layer("Concatenate", name, Arguments.Empty.Set("axis", axis));

/// <summary>Contracts two inputs along an axis of each, row by row.</summary>
/// <param name="axes">One axis for both, or one for each; the batch is axis 0.</param>
/// <param name="normalize">Whether to normalise first, which gives cosine proximity.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Dot(Axes axes, bool normalize = false, string? name = null)
    : Layer("Dot", name, Arguments.Empty.Set("axes", axes.Values).Set("normalize", normalize));
