namespace FunctionalNet

open System

/// <summary>The channels of a picture.</summary>
type ColorMode =
    /// <summary>Red, green and blue.</summary>
    | Rgb = 0
    /// <summary>One: the luma of ITU-R BT.601.</summary>
    | Grayscale = 1
    /// <summary>Red, green, blue and opacity.</summary>
    | Rgba = 2

/// <summary>How a picture that is loaded gets another size. All but Nearest widen their kernel as pictures shrink, as Pillow
/// does.</summary>
type PictureInterpolation =
    /// <summary>The nearest cell.</summary>
    | Nearest = 0
    /// <summary>The mean of the cells below.</summary>
    | Box = 1
    /// <summary>Neighbours, mixed by distance.</summary>
    | Bilinear = 2
    /// <summary>A Hamming window over one cell: sharper than Bilinear.</summary>
    | Hamming = 3
    /// <summary>Keys' cubic.</summary>
    | Bicubic = 4
    /// <summary>Lanczos' window of radius 3.</summary>
    | Lanczos = 5

/// <summary>How the pictures of a dataset get their common size. Kernels keep their width as pictures shrink, as in TensorFlow's
/// resize.</summary>
type DatasetInterpolation =
    /// <summary>Neighbours, mixed by distance.</summary>
    | Bilinear = 0
    /// <summary>The nearest cell.</summary>
    | Nearest = 1
    /// <summary>Keys' cubic.</summary>
    | Bicubic = 2
    /// <summary>The mean of the area that a cell of the result covers.</summary>
    | Area = 3
    /// <summary>Lanczos' window of radius 3.</summary>
    | Lanczos3 = 4
    /// <summary>Lanczos' window of radius 5.</summary>
    | Lanczos5 = 5
    /// <summary>A normal distribution of half a cell.</summary>
    | Gaussian = 6
    /// <summary>Mitchell and Netravali's cubic.</summary>
    | MitchellCubic = 7

/// <summary>A picture of 8 bits per channel in memory, row by row, channels last. Immutable. Keras: a PIL image.</summary>
[<Sealed>]
type Picture internal (height: int, width: int, channels: int, pixels: byte[]) =

    member internal _.Bytes = pixels

    /// <summary>Rows.</summary>
    member _.Height = height

    /// <summary>Columns.</summary>
    member _.Width = width

    /// <summary>1 (gray), 3 (red, green, blue) or 4 (and opacity).</summary>
    member _.Channels = channels

    /// <summary>The levels, 0 to 255.</summary>
    member _.Pixels: ReadOnlyMemory<byte> = ReadOnlyMemory<byte>(pixels)

/// <summary>Options of pictures and of datasets of them.</summary>
[<AutoOpen>]
module PictureTypes =

    /// <summary>Arguments of <c>Picture.load</c>; <c>Picture.options</c> has Keras's defaults.</summary>
    type PictureOptions =
        {
            /// <summary>Default: red, green and blue.</summary>
            ColorMode: ColorMode
            /// <summary>Rows and columns. Default: None, for the file's.</summary>
            TargetSize: struct (int * int) option
            /// <summary>Default: nearest.</summary>
            Interpolation: PictureInterpolation
            /// <summary>True first cuts the largest window of the target's proportions out of the middle. Default: false.</summary>
            KeepAspectRatio: bool
        }

    /// <summary>Arguments of <c>ImageDataset.ofDirectory</c>; <c>ImageDataset.options</c> has Keras's defaults.</summary>
    type ImageDatasetOptions =
        {
            /// <summary>Which files, and their classes.</summary>
            Files: DirectoryOptions
            /// <summary>Default: red, green and blue.</summary>
            ColorMode: ColorMode
            /// <summary>Rows and columns of all pictures. Default: 256 and 256.</summary>
            ImageSize: struct (int * int)
            /// <summary>Default: bilinear.</summary>
            Interpolation: DatasetInterpolation
            /// <summary>True first cuts the largest window of the size's proportions out of the middle. Default: false.</summary>
            CropToAspectRatio: bool
            /// <summary>True first adds black borders up to the size's proportions. Default: false.</summary>
            PadToAspectRatio: bool
            /// <summary>True for (batch, channels, height, width). Default: false.</summary>
            ChannelsFirst: bool
        }
