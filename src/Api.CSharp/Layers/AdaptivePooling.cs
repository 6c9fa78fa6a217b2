using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>The greatest value of every window; there are as many windows as asked for. Window i of n goes from
/// floor(i size / n) to ceil((i + 1) size / n).</summary>
/// <param name="outputSize">Cells of the output per spatial axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AdaptiveMaxPooling1D(int outputSize, DataFormat? dataFormat = null, string? name = null)
    : Layer("AdaptiveMaxPooling1D", name, Arguments.Empty
        .Set("output_size", outputSize)
        .Set("data_format", dataFormat?.Name));

/// <summary>The greatest value of every window; there are as many windows as asked for. Window i of n goes from
/// floor(i size / n) to ceil((i + 1) size / n).</summary>
/// <param name="outputSize">Cells of the output per spatial axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AdaptiveMaxPooling2D(Size2 outputSize, DataFormat? dataFormat = null, string? name = null)
    : Layer("AdaptiveMaxPooling2D", name, Arguments.Empty
        .Set("output_size", outputSize.Values)
        .Set("data_format", dataFormat?.Name));

/// <summary>The greatest value of every window; there are as many windows as asked for. Window i of n goes from
/// floor(i size / n) to ceil((i + 1) size / n).</summary>
/// <param name="outputSize">Cells of the output per spatial axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AdaptiveMaxPooling3D(Size3 outputSize, DataFormat? dataFormat = null, string? name = null)
    : Layer("AdaptiveMaxPooling3D", name, Arguments.Empty
        .Set("output_size", outputSize.Values)
        .Set("data_format", dataFormat?.Name));

/// <summary>The mean of every window; there are as many windows as asked for. Window i of n goes from floor(i size
/// / n) to ceil((i + 1) size / n).</summary>
/// <param name="outputSize">Cells of the output per spatial axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AdaptiveAveragePooling1D(
    int outputSize,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("AdaptiveAveragePooling1D", name, Arguments.Empty
        .Set("output_size", outputSize)
        .Set("data_format", dataFormat?.Name));

/// <summary>The mean of every window; there are as many windows as asked for. Window i of n goes from floor(i size
/// / n) to ceil((i + 1) size / n).</summary>
/// <param name="outputSize">Cells of the output per spatial axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AdaptiveAveragePooling2D(
    Size2 outputSize,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("AdaptiveAveragePooling2D", name, Arguments.Empty
        .Set("output_size", outputSize.Values)
        .Set("data_format", dataFormat?.Name));

/// <summary>The mean of every window; there are as many windows as asked for. Window i of n goes from floor(i size
/// / n) to ceil((i + 1) size / n).</summary>
/// <param name="outputSize">Cells of the output per spatial axis.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AdaptiveAveragePooling3D(
    Size3 outputSize,
    DataFormat? dataFormat = null,
    string? name = null)
    : Layer("AdaptiveAveragePooling3D", name, Arguments.Empty
        .Set("output_size", outputSize.Values)
        .Set("data_format", dataFormat?.Name));
