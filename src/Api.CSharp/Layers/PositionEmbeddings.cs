using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A trained vector for every position (Devlin et al., 2019), in the shape of the input, (batch, time, features): add
/// them to it. A layer of KerasHub.</summary>
/// <param name="sequenceLength">The greatest number of positions.</param>
/// <param name="initializer">First vectors; glorot_uniform by default.</param>
/// <param name="startIndex">The position of the first step; in KerasHub an argument of the call.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
/// <example><code>
/// var tokens = new Embedding(5000, 128).Apply(ids);
/// var x = new Add().Apply(tokens, new PositionEmbedding(sequenceLength: 50).Apply(tokens));
/// </code></example>
public sealed class PositionEmbedding(
    int sequenceLength, Initializer? initializer = null, int startIndex = 0, string? name = null)
    : Layer("PositionEmbedding", name, Arguments.Empty
        .Set("sequence_length", sequenceLength)
        .Set("initializer", initializer?.Description)
        .Set("start_index", startIndex));

/// <summary>Sines and cosines of the position, with wavelengths that grow from feature to feature (Vaswani et al., 2017), in the
/// shape of the input, (batch, time, features): add them to it. A layer of KerasHub.</summary>
/// <param name="maxWavelength">The longest wavelength is 2π times this.</param>
/// <param name="startIndex">The position of the first step; in KerasHub an argument of the call.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SinePositionEncoding(double maxWavelength = 10000, int startIndex = 0, string? name = null)
    : Layer("SinePositionEncoding", name, Arguments.Empty
        .Set("max_wavelength", maxWavelength)
        .Set("start_index", startIndex));

/// <summary>Turns pairs of features by angles that grow with the position (Su et al., 2021), so that products of turned queries
/// and keys depend on distances. The input has an axis of positions and one of features, of even size. A layer of KerasHub.</summary>
/// <param name="maxWavelength">The longest wavelength is 2π times this.</param>
/// <param name="scalingFactor">Positions are divided by it.</param>
/// <param name="sequenceAxis">The axis of positions.</param>
/// <param name="featureAxis">The axis whose halves are turned against each other.</param>
/// <param name="startIndex">The position of the first step; in KerasHub an argument of the call.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RotaryEmbedding(
    double maxWavelength = 10000,
    double scalingFactor = 1,
    int sequenceAxis = 1,
    int featureAxis = -1,
    int startIndex = 0,
    string? name = null)
    : Layer("RotaryEmbedding", name, Arguments.Empty
        .Set("max_wavelength", maxWavelength)
        .Set("scaling_factor", scalingFactor)
        .Set("sequence_axis", sequenceAxis)
        .Set("feature_axis", featureAxis)
        .Set("start_index", startIndex));
