using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Joins all axes but the batch into one.</summary>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Flatten(DataFormat? dataFormat = null, string? name = null)
    : Layer("Flatten", name, Arguments.Empty.Set("data_format", dataFormat?.Name));

/// <summary>Gives each row another shape of the same size; one size may be -1.</summary>
/// <param name="targetShape">Sizes without the batch axis.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Reshape(int[] targetShape, string? name = null)
    : Layer("Reshape", name, Arguments.Empty.Set("target_shape", targetShape));

/// <summary>Reorders the axes of each row; axes count from 1.</summary>
/// <param name="dims">The new order, such as [2, 1].</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Permute(int[] dims, string? name = null)
    : Layer("Permute", name, Arguments.Empty.Set("dims", dims));

/// <summary>Repeats each row: (batch, features) to (batch, n, features).</summary>
/// <param name="n">How often.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RepeatVector(int n, string? name = null)
    : Layer("RepeatVector", name, Arguments.Empty.Set("n", n));

/// <summary>Repeats every time step.</summary>
/// <param name="size">How often.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class UpSampling1D(int size = 2, string? name = null)
    : Layer("UpSampling1D", name, Arguments.Empty.Set("size", size));

/// <summary>Enlarges images by whole factors.</summary>
/// <param name="size">Factors; 2 by default.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="interpolation">nearest (default) or bilinear.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class UpSampling2D(
    Size2? size = null,
    DataFormat? dataFormat = null,
    Interpolation? interpolation = null,
    string? name = null)
    : Layer("UpSampling2D", name, Arguments.Empty
        .Set("size", size?.Values)
        .Set("data_format", dataFormat?.Name)
        .Set("interpolation", interpolation?.Name));

/// <summary>Repeats every cell of a volume.</summary>
/// <param name="size">Factors; 2 by default.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class UpSampling3D(Size3? size = null, DataFormat? dataFormat = null, string? name = null)
    : Layer("UpSampling3D", name, Arguments.Empty.Set("size", size?.Values).Set("data_format", dataFormat?.Name));
