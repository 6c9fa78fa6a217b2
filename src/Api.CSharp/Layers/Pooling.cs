using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>The greatest value of every window.</summary>
/// <param name="poolSize">Size of the window; 2 by default.</param>
/// <param name="strides">Step of the window; the window's size by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class MaxPooling1D(
    int? poolSize = null,
    int? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("MaxPooling1D", name, Arguments.Empty
        .Set("pool_size", poolSize)
        .Set("strides", strides)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name));

/// <summary>The greatest value of every window.</summary>
/// <param name="poolSize">Size of the window; 2 by default.</param>
/// <param name="strides">Step of the window; the window's size by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class MaxPooling2D(
    Size2? poolSize = null,
    Size2? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("MaxPooling2D", name, Arguments.Empty
        .Set("pool_size", poolSize?.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name));

/// <summary>The greatest value of every window.</summary>
/// <param name="poolSize">Size of the window; 2 by default.</param>
/// <param name="strides">Step of the window; the window's size by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class MaxPooling3D(
    Size3? poolSize = null,
    Size3? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("MaxPooling3D", name, Arguments.Empty
        .Set("pool_size", poolSize?.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name));

/// <summary>The mean of every window; padding does not count.</summary>
/// <param name="poolSize">Size of the window; 2 by default.</param>
/// <param name="strides">Step of the window; the window's size by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AveragePooling1D(
    int? poolSize = null,
    int? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("AveragePooling1D", name, Arguments.Empty
        .Set("pool_size", poolSize)
        .Set("strides", strides)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name));

/// <summary>The mean of every window; padding does not count.</summary>
/// <param name="poolSize">Size of the window; 2 by default.</param>
/// <param name="strides">Step of the window; the window's size by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AveragePooling2D(
    Size2? poolSize = null,
    Size2? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("AveragePooling2D", name, Arguments.Empty
        .Set("pool_size", poolSize?.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name));

/// <summary>The mean of every window; padding does not count.</summary>
/// <param name="poolSize">Size of the window; 2 by default.</param>
/// <param name="strides">Step of the window; the window's size by default.</param>
/// <param name="padding">valid (default) or same.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AveragePooling3D(
    Size3? poolSize = null,
    Size3? strides = null,
    Padding? padding = null,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("AveragePooling3D", name, Arguments.Empty
        .Set("pool_size", poolSize?.Values)
        .Set("strides", strides?.Values)
        .Set("padding", padding?.Name)
        .Set("data_format", dataFormat?.Name));

/// <summary>The greatest value of every channel.</summary>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="keepDims">Whether pooled axes stay, with size 1.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GlobalMaxPooling1D(DataFormat? dataFormat = null, bool keepDims = false, string? name = null)
    : Layer("GlobalMaxPooling1D", name, Arguments.Empty
        .Set("data_format", dataFormat?.Name)
        .Set("keepdims", keepDims));

/// <summary>The greatest value of every channel.</summary>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="keepDims">Whether pooled axes stay, with size 1.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GlobalMaxPooling2D(DataFormat? dataFormat = null, bool keepDims = false, string? name = null)
    : Layer("GlobalMaxPooling2D", name, Arguments.Empty
        .Set("data_format", dataFormat?.Name)
        .Set("keepdims", keepDims));

/// <summary>The greatest value of every channel.</summary>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="keepDims">Whether pooled axes stay, with size 1.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GlobalMaxPooling3D(DataFormat? dataFormat = null, bool keepDims = false, string? name = null)
    : Layer("GlobalMaxPooling3D", name, Arguments.Empty
        .Set("data_format", dataFormat?.Name)
        .Set("keepdims", keepDims));

/// <summary>The mean of every channel; masked steps do not count.</summary>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="keepDims">Whether pooled axes stay, with size 1.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GlobalAveragePooling1D(DataFormat? dataFormat = null, bool keepDims = false, string? name = null)
    : Layer("GlobalAveragePooling1D", name, Arguments.Empty
        .Set("data_format", dataFormat?.Name)
        .Set("keepdims", keepDims));

/// <summary>The mean of every channel.</summary>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="keepDims">Whether pooled axes stay, with size 1.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GlobalAveragePooling2D(DataFormat? dataFormat = null, bool keepDims = false, string? name = null)
    : Layer("GlobalAveragePooling2D", name, Arguments.Empty
        .Set("data_format", dataFormat?.Name)
        .Set("keepdims", keepDims));

/// <summary>The mean of every channel.</summary>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="keepDims">Whether pooled axes stay, with size 1.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class GlobalAveragePooling3D(DataFormat? dataFormat = null, bool keepDims = false, string? name = null)
    : Layer("GlobalAveragePooling3D", name, Arguments.Empty
        .Set("data_format", dataFormat?.Name)
        .Set("keepdims", keepDims));
