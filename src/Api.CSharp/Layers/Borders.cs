using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Adds zeros in front of and behind the time axis.</summary>
/// <param name="padding">Steps on each side, or a pair; 1 by default.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ZeroPadding1D(Border? padding = null, DataFormat? dataFormat = null, string? name = null)
    : Layer("ZeroPadding1D", name, Arguments.Empty
        .Set("padding", padding?.Values)
        .Set("data_format", dataFormat?.Name));

/// <summary>Adds zeros around images.</summary>
/// <param name="padding">Cells; 1 by default. One number for all sides, one per axis, or a pair per axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ZeroPadding2D(Border2? padding = null, DataFormat? dataFormat = null, string? name = null)
    : Layer("ZeroPadding2D", name, Arguments.Empty
        .Set("padding", padding?.Values)
        .Set("data_format", dataFormat?.Name));

/// <summary>Adds zeros around volumes.</summary>
/// <param name="padding">Cells; 1 by default. One number for all sides, one per axis, or a pair per axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ZeroPadding3D(Border3? padding = null, DataFormat? dataFormat = null, string? name = null)
    : Layer("ZeroPadding3D", name, Arguments.Empty
        .Set("padding", padding?.Values)
        .Set("data_format", dataFormat?.Name));

/// <summary>Cuts cells from both ends of the time axis.</summary>
/// <param name="cropping">Steps on each side, or a pair; 1 by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Cropping1D(Border? cropping = null, string? name = null)
    : Layer("Cropping1D", name, Arguments.Empty.Set("cropping", cropping?.Values));

/// <summary>Cuts cells from the border of images.</summary>
/// <param name="cropping">Cells; 0 by default. One number for all sides, one per axis, or a pair per axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Cropping2D(Border2? cropping = null, DataFormat? dataFormat = null, string? name = null)
    : Layer("Cropping2D", name, Arguments.Empty
        .Set("cropping", cropping?.Values)
        .Set("data_format", dataFormat?.Name));

/// <summary>Cuts cells from the border of volumes.</summary>
/// <param name="cropping">Cells; 1 by default. One number for all sides, one per axis, or a pair per axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Cropping3D(Border3? cropping = null, DataFormat? dataFormat = null, string? name = null)
    : Layer("Cropping3D", name, Arguments.Empty
        .Set("cropping", cropping?.Values)
        .Set("data_format", dataFormat?.Name));
