namespace FunctionalNet

open System
open System.IO
open System.Text
open FunctionalNet.Datasets
open StbImageSharp
open StbImageWriteSharp

/// <summary>Pictures in files and as tensors.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Picture =

    /// <summary>Keras's defaults: red, green and blue in the file's size.</summary>
    let options: PictureOptions =
        { ColorMode = ColorMode.Rgb
          TargetSize = None
          Interpolation = PictureInterpolation.Nearest
          KeepAspectRatio = false }

    let internal channelsOf (mode: ColorMode) : int =
        match mode with
        | ColorMode.Grayscale -> 1
        | ColorMode.Rgba -> 4
        | _ -> 3

    let private wrong (where: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (ArgumentValueException("An argument of a picture is not valid.", where, expected, actual, hint))

    /// Red, green and blue to the luma of ITU-R BT.601, with Pillow's rounding.
    let private gray (pixels: byte[]) : byte[] =
        Array.init (pixels.Length / 3) (fun i ->
            let r, g, b = int pixels[3 * i], int pixels[3 * i + 1], int pixels[3 * i + 2]
            byte ((r * 19595 + g * 38470 + b * 7471 + 0x8000) / 65536))

    /// A picture from the bytes of a file.
    let internal decode (mode: ColorMode) (path: string) (bytes: byte[]) : Picture =
        let components =
            if mode = ColorMode.Rgba then
                StbImageSharp.ColorComponents.RedGreenBlueAlpha
            else
                StbImageSharp.ColorComponents.RedGreenBlue

        let result =
            try
                ImageResult.FromMemory(bytes, components)
            with e ->
                raise (
                    DatasetException(
                        DatasetFailure.Corrupt,
                        "A picture cannot be read.",
                        path,
                        "a JPEG, PNG, BMP or GIF file",
                        e.Message,
                        "The file is damaged or of another format: remove or convert it.",
                        e
                    )
                )

        let pixels = if mode = ColorMode.Grayscale then gray result.Data else result.Data
        Picture(result.Height, result.Width, channelsOf mode, pixels)

    let internal read (mode: ColorMode) (path: string) : Picture = decode mode path (File.ReadAllBytes path)

    /// <summary>A picture of a file: JPEG, PNG, BMP, or the first picture of a GIF. Keras: load_img.</summary>
    /// <param name="options">Colors and size.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">The file is no picture; the error names it.</exception>
    /// <exception cref="T:System.IO.IOException">The file cannot be read.</exception>
    let load (options: PictureOptions) (path: string) : Picture =
        let picture = read options.ColorMode path

        match options.TargetSize with
        | None -> picture
        | Some(struct (height, width)) ->
            if height < 1 || width < 1 then
                wrong "target_size" "sizes above 0" (string height + ", " + string width) "Rows come first."

            if height = picture.Height && width = picture.Width then
                picture
            else
                let rows, columns =
                    if options.KeepAspectRatio then
                        min picture.Height (picture.Width * height / width),
                        min picture.Width (picture.Height * width / height)
                    else
                        picture.Height, picture.Width

                let top, left = (picture.Height - rows) / 2, (picture.Width - columns) / 2
                Resample.pictured options.Interpolation top left (max 1 rows) (max 1 columns) height width picture

    /// <summary>Its levels as float32, 0 to 255, (height, width, channels). Keras: img_to_array.</summary>
    let toTensor (picture: Picture) : Tensor =
        let values = picture.Pixels.ToArray() |> Array.map float32
        Tensor.Of(Shape.Of(picture.Height, picture.Width, picture.Channels), values)

    /// <summary>The picture of a tensor (height, width, channels). Keras: array_to_img.</summary>
    /// <param name="scale">True stretches the values to 0 .. 255; false takes them as levels.</param>
    /// <param name="values">1, 3 or 4 channels.</param>
    /// <exception cref="T:FunctionalNet.ShapeException">The tensor is no picture.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A value is no level, and is not to be scaled.</exception>
    let ofTensor (scale: bool) (values: Tensor) : Picture =
        if values.Rank <> 3 || (values.Shape[2] <> 1 && values.Shape[2] <> 3 && values.Shape[2] <> 4) then
            raise (
                ShapeException(
                    "A tensor is no picture.",
                    "array_to_img",
                    "(height, width, channels) with 1, 3 or 4 channels",
                    values.Shape.ToString(),
                    "Take one picture of a batch, channels last."
                )
            )

        // In float32, as Keras.
        let numbers = values.ToDoubles() |> Array.map float32

        let levels =
            if scale && numbers.Length > 0 then
                let least = Array.min numbers
                let shifted = numbers |> Array.map (fun v -> v - least)
                let greatest = Array.max shifted
                shifted |> Array.map (fun v -> (if greatest <> 0.0f then v / greatest else v) * 255.0f)
            else
                numbers

        for v in levels do
            if not (v >= 0.0f && v < 256.0f) then
                wrong "array_to_img" "levels from 0 to 255" (string v) "Scale the values."

        Picture(values.Shape[0], values.Shape[1], values.Shape[2], levels |> Array.map byte)

    let private writers
        : (string list * (ImageWriter -> Picture -> StbImageWriteSharp.ColorComponents -> Stream -> unit)) list =
        [ [ ".png" ], (fun w p kind stream -> w.WritePng(p.Bytes, p.Width, p.Height, kind, stream))
          [ ".jpg"; ".jpeg" ], (fun w p kind stream -> w.WriteJpg(p.Bytes, p.Width, p.Height, kind, stream, 75))
          [ ".bmp" ], (fun w p kind stream -> w.WriteBmp(p.Bytes, p.Width, p.Height, kind, stream)) ]

    /// Without opacity, which JPEG does not have.
    let private opaque (p: Picture) : Picture =
        if p.Channels <> 4 then
            p
        else
            let pixels = Array.init (p.Height * p.Width * 3) (fun i -> p.Bytes[i / 3 * 4 + i % 3])
            Picture(p.Height, p.Width, 3, pixels)

    /// <summary>Writes a picture as PNG, JPEG (quality 75) or BMP, by the ending of the path. Opacity is left out of JPEG files.
    /// Keras: save_img.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The ending is none of these.</exception>
    /// <exception cref="T:System.IO.IOException">The file cannot be written.</exception>
    let save (path: string) (picture: Picture) : unit =
        let ending = (Path.GetExtension path |> nonNull).ToLowerInvariant()

        match writers |> List.tryFind (fun (endings, _) -> List.contains ending endings) with
        | None -> wrong "path" "a file that ends with .png, .jpg, .jpeg or .bmp" path "The ending decides the format."
        | Some(endings, write) ->
            let picture = if List.contains ".jpg" endings then opaque picture else picture

            let kind =
                match picture.Channels with
                | 1 -> StbImageWriteSharp.ColorComponents.Grey
                | 4 -> StbImageWriteSharp.ColorComponents.RedGreenBlueAlpha
                | _ -> StbImageWriteSharp.ColorComponents.RedGreenBlue

            use stream = File.Create path
            write (ImageWriter()) picture kind stream
