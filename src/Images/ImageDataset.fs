namespace FunctionalNet

open System
open FunctionalNet.Common

/// <summary>Datasets of folders of pictures: float32 levels, 0 to 255, (batch, height, width, channels), read and resized on the
/// thread pool while the model works on the batch before. Keras: image_dataset_from_directory.</summary>
/// <example><code>
/// let train, validation =
///     let options = { ImageDataset.options with ImageSize = struct (180, 180) }
///     let struct (a, b) =
///         ImageDataset.split { options with Files = { options.Files with ValidationSplit = Some 0.2 } } "flowers"
///     a, b
/// </code></example>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ImageDataset =

    /// <summary>Keras's defaults: 256 x 256 cells of red, green and blue.</summary>
    let options: ImageDatasetOptions =
        { Files = DirectoryFiles.options
          ColorMode = ColorMode.Rgb
          ImageSize = struct (256, 256)
          Interpolation = DatasetInterpolation.Bilinear
          CropToAspectRatio = false
          PadToAspectRatio = false
          ChannelsFirst = false }

    let private pictures: DirectoryFiles.Search =
        { Noun = "pictures"; Endings = [ ".bmp"; ".gif"; ".jpeg"; ".jpg"; ".png" ] }

    let private check (o: ImageDatasetOptions) =
        let struct (height, width) = o.ImageSize

        let wrong where expected actual hint =
            raise (
                ArgumentValueException(
                    "An option of a dataset of pictures is not valid.",
                    where,
                    expected,
                    actual,
                    hint
                )
            )

        if height < 1 || width < 1 then
            wrong "image_size" "sizes above 0" (string height + ", " + string width) "Rows come first."

        if o.CropToAspectRatio && o.PadToAspectRatio then
            wrong "crop_to_aspect_ratio" "false, because pad_to_aspect_ratio is true" "true" "Crop, or pad."

    /// A picture in the common size.
    let private load (o: ImageDatasetOptions) (path: string) : float32[] =
        let picture = Picture.read o.ColorMode path
        let struct (height, width) = o.ImageSize
        let rows, columns = picture.Height, picture.Width

        let struct (top, left, rows, columns) =
            if o.CropToAspectRatio then
                let kept = max 1 (min rows (columns * height / width))
                let keptColumns = max 1 (min columns (rows * width / height))
                struct ((rows - kept) / 2, (columns - keptColumns) / 2, kept, keptColumns)
            elif o.PadToAspectRatio then
                let above = (max rows (columns * height / width) - rows) / 2
                let before = if above > 0 then 0 else (max columns (rows * width / height) - columns) / 2
                struct (-above, -before, rows + 2 * above, columns + 2 * before)
            else
                struct (0, 0, rows, columns)

        let values = Resample.toSize o.Interpolation top left rows columns height width picture

        if o.ChannelsFirst then
            let cells = height * width
            Array.init values.Length (fun i -> values[i % cells * picture.Channels + i / cells])
        else
            values

    let private stack (o: ImageDatasetOptions) (rows: float32[][]) : Tensor =
        let struct (height, width) = o.ImageSize
        let channels = Picture.channelsOf o.ColorMode

        let shape =
            if o.ChannelsFirst then
                Shape.Of(rows.Length, channels, height, width)
            else
                Shape.Of(rows.Length, height, width, channels)

        Tensor.Of(shape, Array.concat rows)

    /// <summary>Pictures (.bmp, .gif, .jpeg, .jpg, .png) and their classes.</summary>
    /// <param name="options">See <c>ImageDataset.options</c>.</param>
    /// <param name="directory">The folder.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">There is no such folder, or no picture in it.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">An option is not valid.</exception>
    /// <exception cref="T:FunctionalNet.DataPipelineException">When enumerated, if a picture cannot be read: the inner exception
    /// names it.</exception>
    let ofDirectory (options: ImageDatasetOptions) (directory: string) : DirectoryDataset<struct (Tensor * Tensor)> =
        check options
        DirectoryFiles.labeled pictures (load options) (stack options) options.Files directory

    /// <summary>Pictures alone.</summary>
    let unlabeled (options: ImageDatasetOptions) (directory: string) : DirectoryDataset<Tensor> =
        check options
        DirectoryFiles.unlabeled pictures (load options) (stack options) options.Files directory

    /// <summary>Pictures for training and pictures for validation, by the options' validation split.</summary>
    let split
        (options: ImageDatasetOptions)
        (directory: string)
        : struct (DirectoryDataset<struct (Tensor * Tensor)> * DirectoryDataset<struct (Tensor * Tensor)>) =
        check options
        DirectoryFiles.split pictures (load options) (stack options) options.Files directory
