namespace FunctionalNet

open System
open System.Runtime.InteropServices

/// <summary>Pictures in files, as tensors and as datasets, with Keras's names and arguments. F# has the modules <c>Picture</c> and
/// <c>ImageDataset</c>.</summary>
/// <example><code>
/// var (train, validation) = Images.ImageDatasetsFromDirectory("flowers", validationSplit: 0.2, imageSize: (180, 180), seed: 1);
/// model.Fit(train, epochs: 10, validationData: validation);
/// </code></example>
[<AbstractClass; Sealed>]
type Images =

    static member private Options
        (files: DirectoryOptions)
        (colorMode, imageSize: Nullable<struct (int * int)>, interpolation)
        (crop, pad, channelsFirst)
        : ImageDatasetOptions =
        { Files = files
          ColorMode = colorMode
          ImageSize = (if imageSize.HasValue then imageSize.Value else ImageDataset.options.ImageSize)
          Interpolation = interpolation
          CropToAspectRatio = crop
          PadToAspectRatio = pad
          ChannelsFirst = channelsFirst }

    /// <summary>A picture of a file: JPEG, PNG, BMP, or the first picture of a GIF. Keras: load_img.</summary>
    /// <param name="path">The file.</param>
    /// <param name="colorMode">The channels.</param>
    /// <param name="targetSize">Rows and columns; by default the file's.</param>
    /// <param name="interpolation">How it gets them.</param>
    /// <param name="keepAspectRatio">Whether the largest window of the target's proportions is cut out of the middle first.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">The file is no picture; the error names it.</exception>
    /// <exception cref="T:System.IO.IOException">The file cannot be read.</exception>
    static member LoadImage
        (
            path: string,
            [<Optional; DefaultParameterValue(ColorMode.Rgb)>] colorMode: ColorMode,
            [<Optional>] targetSize: Nullable<struct (int * int)>,
            [<Optional; DefaultParameterValue(PictureInterpolation.Nearest)>] interpolation: PictureInterpolation,
            [<Optional; DefaultParameterValue(false)>] keepAspectRatio: bool
        ) : Picture =
        Picture.load
            { ColorMode = colorMode
              TargetSize = (if targetSize.HasValue then Some targetSize.Value else None)
              Interpolation = interpolation
              KeepAspectRatio = keepAspectRatio }
            path

    /// <summary>The levels of a picture as float32, 0 to 255, (height, width, channels). Keras: img_to_array.</summary>
    static member ImageToArray(image: Picture) : Tensor = Picture.toTensor image

    /// <summary>The picture of a tensor (height, width, channels). Keras: array_to_img.</summary>
    /// <param name="x">1, 3 or 4 channels.</param>
    /// <param name="scale">True stretches the values to 0 .. 255; false takes them as levels.</param>
    /// <exception cref="T:FunctionalNet.ShapeException">The tensor is no picture.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A value is no level, and is not to be scaled.</exception>
    static member ArrayToImage(x: Tensor, [<Optional; DefaultParameterValue(true)>] scale: bool) : Picture =
        Picture.ofTensor scale x

    /// <summary>Writes a tensor (height, width, channels) as PNG, JPEG (quality 75) or BMP, by the ending of the path. Keras:
    /// save_img.</summary>
    /// <param name="path">The file.</param>
    /// <param name="x">1, 3 or 4 channels.</param>
    /// <param name="scale">True stretches the values to 0 .. 255; false takes them as levels.</param>
    /// <exception cref="T:FunctionalNet.ShapeException">The tensor is no picture.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The ending is none of these, or a value is no level.</exception>
    /// <exception cref="T:System.IO.IOException">The file cannot be written.</exception>
    static member SaveImage(path: string, x: Tensor, [<Optional; DefaultParameterValue(true)>] scale: bool) : unit =
        Picture.save path (Picture.ofTensor scale x)

    /// <summary>Writes a picture as PNG, JPEG (quality 75) or BMP, by the ending of the path.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The ending is none of these.</exception>
    /// <exception cref="T:System.IO.IOException">The file cannot be written.</exception>
    static member SaveImage(path: string, image: Picture) : unit = Picture.save path image

    /// <summary>Pictures of files (.bmp, .gif, .jpeg, .jpg, .png) in batches with their classes: float32 levels, 0 to 255.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="labels">A class number per file, in the order of the sorted paths; null for the folders they are in.</param>
    /// <param name="labelMode">How classes come out.</param>
    /// <param name="classNames">The folders that are classes, in the order of their numbers; null for all, sorted.</param>
    /// <param name="colorMode">The channels.</param>
    /// <param name="batchSize">Pictures per batch.</param>
    /// <param name="imageSize">Rows and columns of all pictures; 256 and 256 by default.</param>
    /// <param name="shuffle">Whether files are shuffled, and again in every pass; else they are sorted.</param>
    /// <param name="seed">Decides the order and the split; the same files are split as by Keras.</param>
    /// <param name="validationSplit">The share of the files that is for validation; 0 for none.</param>
    /// <param name="subset">Which part is read, with a validation split.</param>
    /// <param name="interpolation">How pictures get their size.</param>
    /// <param name="followLinks">Whether links to folders are followed.</param>
    /// <param name="cropToAspectRatio">Whether the largest window of the size's proportions is cut out of the middle first.</param>
    /// <param name="padToAspectRatio">Whether black borders are added up to the size's proportions first.</param>
    /// <param name="channelsFirst">True for (batch, channels, height, width).</param>
    /// <param name="verbose">Whether the numbers of files and classes are printed.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no picture in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    /// <exception cref="T:FunctionalNet.DataPipelineException">When enumerated, if a picture cannot be read: the inner exception
    /// names it.</exception>
    static member ImageDatasetFromDirectory
        (
            directory: string,
            [<Optional; DefaultParameterValue(null: int[] | null)>] labels: int[] | null,
            [<Optional; DefaultParameterValue(LabelMode.Int)>] labelMode: LabelMode,
            [<Optional; DefaultParameterValue(null: string[] | null)>] classNames: string[] | null,
            [<Optional; DefaultParameterValue(ColorMode.Rgb)>] colorMode: ColorMode,
            [<Optional; DefaultParameterValue(32)>] batchSize: int,
            [<Optional>] imageSize: Nullable<struct (int * int)>,
            [<Optional; DefaultParameterValue(true)>] shuffle: bool,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(0.0)>] validationSplit: float,
            [<Optional; DefaultParameterValue(DataSubset.All)>] subset: DataSubset,
            [<Optional; DefaultParameterValue(DatasetInterpolation.Bilinear)>] interpolation: DatasetInterpolation,
            [<Optional; DefaultParameterValue(false)>] followLinks: bool,
            [<Optional; DefaultParameterValue(false)>] cropToAspectRatio: bool,
            [<Optional; DefaultParameterValue(false)>] padToAspectRatio: bool,
            [<Optional; DefaultParameterValue(false)>] channelsFirst: bool,
            [<Optional; DefaultParameterValue(true)>] verbose: bool
        ) : DirectoryDataset<struct (Tensor * Tensor)> =
        ImageDataset.ofDirectory
            (Images.Options
                (Directories.Options
                    (labels, labelMode, classNames)
                    (batchSize, shuffle, seed)
                    (validationSplit, subset)
                    (followLinks, verbose))
                (colorMode, imageSize, interpolation)
                (cropToAspectRatio, padToAspectRatio, channelsFirst))
            directory

    /// <summary>Pictures of files in batches, without classes. Keras: labels=None.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="colorMode">The channels.</param>
    /// <param name="batchSize">Pictures per batch.</param>
    /// <param name="imageSize">Rows and columns of all pictures; 256 and 256 by default.</param>
    /// <param name="shuffle">Whether files are shuffled, and again in every pass; else they are sorted.</param>
    /// <param name="seed">Decides the order and the split; the same files are split as by Keras.</param>
    /// <param name="validationSplit">The share of the files that is for validation; 0 for none.</param>
    /// <param name="subset">Which part is read, with a validation split.</param>
    /// <param name="interpolation">How pictures get their size.</param>
    /// <param name="followLinks">Whether links to folders are followed.</param>
    /// <param name="cropToAspectRatio">Whether the largest window of the size's proportions is cut out of the middle first.</param>
    /// <param name="padToAspectRatio">Whether black borders are added up to the size's proportions first.</param>
    /// <param name="channelsFirst">True for (batch, channels, height, width).</param>
    /// <param name="verbose">Whether the numbers of files and classes are printed.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no picture in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    /// <exception cref="T:FunctionalNet.DataPipelineException">When enumerated, if a picture cannot be read: the inner exception
    /// names it.</exception>
    static member UnlabeledImageDatasetFromDirectory
        (
            directory: string,
            [<Optional; DefaultParameterValue(ColorMode.Rgb)>] colorMode: ColorMode,
            [<Optional; DefaultParameterValue(32)>] batchSize: int,
            [<Optional>] imageSize: Nullable<struct (int * int)>,
            [<Optional; DefaultParameterValue(true)>] shuffle: bool,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(0.0)>] validationSplit: float,
            [<Optional; DefaultParameterValue(DataSubset.All)>] subset: DataSubset,
            [<Optional; DefaultParameterValue(DatasetInterpolation.Bilinear)>] interpolation: DatasetInterpolation,
            [<Optional; DefaultParameterValue(false)>] followLinks: bool,
            [<Optional; DefaultParameterValue(false)>] cropToAspectRatio: bool,
            [<Optional; DefaultParameterValue(false)>] padToAspectRatio: bool,
            [<Optional; DefaultParameterValue(false)>] channelsFirst: bool,
            [<Optional; DefaultParameterValue(true)>] verbose: bool
        ) : DirectoryDataset<Tensor> =
        ImageDataset.unlabeled
            (Images.Options
                (Directories.Options
                    (null, LabelMode.Int, null)
                    (batchSize, shuffle, seed)
                    (validationSplit, subset)
                    (followLinks, verbose))
                (colorMode, imageSize, interpolation)
                (cropToAspectRatio, padToAspectRatio, channelsFirst))
            directory

    /// <summary>Pictures for training and pictures for validation. Keras: subset="both".</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="validationSplit">The share of the files that is for validation; 0 for none.</param>
    /// <param name="labels">A class number per file, in the order of the sorted paths; null for the folders they are in.</param>
    /// <param name="labelMode">How classes come out.</param>
    /// <param name="classNames">The folders that are classes, in the order of their numbers; null for all, sorted.</param>
    /// <param name="colorMode">The channels.</param>
    /// <param name="batchSize">Pictures per batch.</param>
    /// <param name="imageSize">Rows and columns of all pictures; 256 and 256 by default.</param>
    /// <param name="shuffle">Whether files are shuffled, and again in every pass; else they are sorted.</param>
    /// <param name="seed">Decides the order and the split; the same files are split as by Keras.</param>
    /// <param name="interpolation">How pictures get their size.</param>
    /// <param name="followLinks">Whether links to folders are followed.</param>
    /// <param name="cropToAspectRatio">Whether the largest window of the size's proportions is cut out of the middle first.</param>
    /// <param name="padToAspectRatio">Whether black borders are added up to the size's proportions first.</param>
    /// <param name="channelsFirst">True for (batch, channels, height, width).</param>
    /// <param name="verbose">Whether the numbers of files and classes are printed.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no picture in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An argument is not valid.</exception>
    /// <exception cref="T:FunctionalNet.DataPipelineException">When enumerated, if a picture cannot be read: the inner exception
    /// names it.</exception>
    static member ImageDatasetsFromDirectory
        (
            directory: string,
            validationSplit: float,
            [<Optional; DefaultParameterValue(null: int[] | null)>] labels: int[] | null,
            [<Optional; DefaultParameterValue(LabelMode.Int)>] labelMode: LabelMode,
            [<Optional; DefaultParameterValue(null: string[] | null)>] classNames: string[] | null,
            [<Optional; DefaultParameterValue(ColorMode.Rgb)>] colorMode: ColorMode,
            [<Optional; DefaultParameterValue(32)>] batchSize: int,
            [<Optional>] imageSize: Nullable<struct (int * int)>,
            [<Optional; DefaultParameterValue(true)>] shuffle: bool,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(DatasetInterpolation.Bilinear)>] interpolation: DatasetInterpolation,
            [<Optional; DefaultParameterValue(false)>] followLinks: bool,
            [<Optional; DefaultParameterValue(false)>] cropToAspectRatio: bool,
            [<Optional; DefaultParameterValue(false)>] padToAspectRatio: bool,
            [<Optional; DefaultParameterValue(false)>] channelsFirst: bool,
            [<Optional; DefaultParameterValue(true)>] verbose: bool
        ) : struct (DirectoryDataset<struct (Tensor * Tensor)> * DirectoryDataset<struct (Tensor * Tensor)>) =
        ImageDataset.split
            (Images.Options
                (Directories.Options
                    (labels, labelMode, classNames)
                    (batchSize, shuffle, seed)
                    (validationSplit, DataSubset.All)
                    (followLinks, verbose))
                (colorMode, imageSize, interpolation)
                (cropToAspectRatio, padToAspectRatio, channelsFirst))
            directory
