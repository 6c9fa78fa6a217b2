using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Joins all axes but the batch into one.</summary>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Flatten(string? name = null)
    : Layer("Flatten", name, Arguments.Empty);

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

/// <summary>Adds zero steps in front of and behind the time axis.</summary>
/// <param name="padding">Steps on each side; 1 by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ZeroPadding1D(Border? padding = null, string? name = null)
    : Layer("ZeroPadding1D", name, Arguments.Empty.Set("padding", padding?.Values));

/// <summary>Adds a border of zeros to images.</summary>
/// <param name="padding">Cells around rows and columns; 1 by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ZeroPadding2D((Border Rows, Border Columns)? padding = null, string? name = null)
    : Layer("ZeroPadding2D", name, Arguments.Empty.Set("padding", Pairs(padding)));

/// <summary>Cuts steps from both ends of the time axis.</summary>
/// <param name="cropping">Steps on each side; 1 by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Cropping1D(Border? cropping = null, string? name = null)
    : Layer("Cropping1D", name, Arguments.Empty.Set("cropping", cropping?.Values));

/// <summary>Cuts a border from images.</summary>
/// <param name="cropping">Cells around rows and columns; 0 by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Cropping2D((Border Rows, Border Columns)? cropping = null, string? name = null)
    : Layer("Cropping2D", name, Arguments.Empty.Set("cropping", Pairs(cropping)));

/// <summary>Repeats every time step.</summary>
/// <param name="size">How often.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class UpSampling1D(int size = 2, string? name = null)
    : Layer("UpSampling1D", name, Arguments.Empty.Set("size", size));

/// <summary>Enlarges images by whole factors.</summary>
/// <param name="size">Factors; 2 by default.</param>
/// <param name="interpolation">nearest or bilinear.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class UpSampling2D(Size2? size = null, string interpolation = "nearest", string? name = null)
    : Layer("UpSampling2D", name, Arguments.Empty.Set("size", size?.Values).Set("interpolation", interpolation));

/// <summary>Repeats every cell of a volume.</summary>
/// <param name="size">Factors; 2 by default.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class UpSampling3D(Size3? size = null, string? name = null)
    : Layer("UpSampling3D", name, Arguments.Empty.Set("size", size?.Values));
