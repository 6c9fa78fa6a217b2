using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Sets random inputs to zero in training and scales the others by 1 / (1 - rate) (Srivastava et al.,
/// 2014).</summary>
/// <param name="rate">Share of inputs set to zero, 0 to 1.</param>
/// <param name="noiseShape">Shape of the mask, which broadcasts; null where the input's size holds.</param>
/// <param name="seed">Fixes the draw for this layer.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Dropout(double rate, int?[]? noiseShape = null, int? seed = null, string? name = null)
    : Layer("Dropout", name, Arguments.Empty.Set("rate", rate).Set("noise_shape", noiseShape).Set("seed", seed));

/// <summary>Dropout of whole channels of sequences.</summary>
/// <param name="rate">Share of channels set to zero, 0 to 1.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="seed">Fixes the draw for this layer.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SpatialDropout1D(
    double rate,
    DataFormat? dataFormat = null,
    int? seed = null,
    string? name = null)
    : Layer("SpatialDropout1D", name, Arguments.Empty
        .Set("rate", rate)
        .Set("data_format", dataFormat?.Name)
        .Set("seed", seed));

/// <summary>Dropout of whole channels of images.</summary>
/// <param name="rate">Share of channels set to zero, 0 to 1.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="seed">Fixes the draw for this layer.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SpatialDropout2D(
    double rate,
    DataFormat? dataFormat = null,
    int? seed = null,
    string? name = null)
    : Layer("SpatialDropout2D", name, Arguments.Empty
        .Set("rate", rate)
        .Set("data_format", dataFormat?.Name)
        .Set("seed", seed));

/// <summary>Dropout of whole channels of volumes.</summary>
/// <param name="rate">Share of channels set to zero, 0 to 1.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="seed">Fixes the draw for this layer.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class SpatialDropout3D(
    double rate,
    DataFormat? dataFormat = null,
    int? seed = null,
    string? name = null)
    : Layer("SpatialDropout3D", name, Arguments.Empty
        .Set("rate", rate)
        .Set("data_format", dataFormat?.Name)
        .Set("seed", seed));

/// <summary>Multiplies by normal numbers of mean 1 and standard deviation sqrt(rate / (1 - rate)) in
/// training.</summary>
/// <param name="rate">As for Dropout; 0 to below 1.</param>
/// <param name="seed">Fixes the draw for this layer.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GaussianDropout(double rate, int? seed = null, string? name = null)
    : Layer("GaussianDropout", name, Arguments.Empty.Set("rate", rate).Set("seed", seed));

/// <summary>Dropout that keeps mean and variance; for SELU networks (Klambauer et al., 2017).</summary>
/// <param name="rate">Share of inputs dropped; 0 to below 1.</param>
/// <param name="noiseShape">Shape of the mask, which broadcasts; null where the input's size holds.</param>
/// <param name="seed">Fixes the draw for this layer.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AlphaDropout(double rate, int?[]? noiseShape = null, int? seed = null, string? name = null)
    : Layer("AlphaDropout", name, Arguments.Empty.Set("rate", rate).Set("noise_shape", noiseShape).Set("seed", seed));

/// <summary>Adds normal numbers of mean 0 in training.</summary>
/// <param name="stddev">Their standard deviation.</param>
/// <param name="seed">Fixes the draw for this layer.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GaussianNoise(double stddev, int? seed = null, string? name = null)
    : Layer("GaussianNoise", name, Arguments.Empty.Set("stddev", stddev).Set("seed", seed));

/// <summary>Gives its input back, and adds a penalty on it to the loss.</summary>
/// <param name="l1">Factor of the sum of absolute values.</param>
/// <param name="l2">Factor of the sum of squares.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ActivityRegularization(double l1 = 0, double l2 = 0, string? name = null)
    : Layer("ActivityRegularization", name, Arguments.Empty.Set("l1", l1).Set("l2", l2));
