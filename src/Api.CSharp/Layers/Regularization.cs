using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Sets random inputs to zero in training and scales the others by 1 / (1 - rate) (Srivastava et al., 2014).</summary>
/// <param name="rate">Share of inputs set to zero, 0 to 1.</param>
/// <param name="noiseShape">Shape of the mask, which broadcasts.</param>
/// <param name="seed">Fixes the draw for this layer.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Dropout(double rate, int[]? noiseShape = null, int? seed = null, string? name = null)
    : Layer("Dropout", name, Arguments.Empty.Set("rate", rate).Set("noise_shape", noiseShape).Set("seed", seed));
