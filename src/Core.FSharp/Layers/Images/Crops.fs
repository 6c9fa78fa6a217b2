namespace FunctionalNet

open System

/// Cutting and resizing images, channels last.
module internal Cropping =

    let between (top: int) (left: int) (height: int) (width: int) (x: Expr) : Expr =
        x |> Ops.sliceAxis 1 top (top + height) |> Ops.sliceAxis 2 left (left + width)

    /// The largest window in the middle with the proportions of height : width: its top, left, rows and columns.
    let proportionate (height: int) (width: int) (x: Expr) : struct (int * int * int * int) =
        let rows, columns = x.Shape[1], x.Shape[2]
        let keptRows = max 1 (min rows (columns * height / width))
        let keptColumns = max 1 (min columns (rows * width / height))
        struct ((rows - keptRows) / 2, (columns - keptColumns) / 2, keptRows, keptColumns)

    /// Half of the rows and of the columns that are missing, on every side, up to about the proportions of height : width.
    let private borders (height: int) (width: int) (x: Expr) : struct (int * int) =
        let rows, columns = x.Shape[1], x.Shape[2]
        let top = (max rows (columns * height / width) - rows) / 2
        struct (top, (if top > 0 then 0 else (max columns (rows * width / height) - columns) / 2))

    /// A part of images, or more than all of them: top and left are negative where borders are added.
    [<Struct; NoEquality; NoComparison>]
    type Frame = { Top: int; Left: int; Rows: int; Columns: int }

    let whole (x: Expr) : Frame = { Top = 0; Left = 0; Rows = x.Shape[1]; Columns = x.Shape[2] }

    /// The largest window of those proportions.
    let window (height: int) (width: int) (x: Expr) : Frame =
        let struct (top, left, rows, columns) = proportionate height width x
        { Top = top; Left = left; Rows = rows; Columns = columns }

    /// Images with equal borders on two sides.
    let bordered (height: int) (width: int) (x: Expr) : Frame =
        let struct (top, left) = borders height width x
        { Top = -top; Left = -left; Rows = x.Shape[1] + 2 * top; Columns = x.Shape[2] + 2 * left }

    let private framed (value: float) (frame: Frame) (x: Expr) : Expr =
        if frame.Top < 0 || frame.Left < 0 then
            let top, left = -frame.Top, -frame.Left
            Ops.pad [| struct (0, 0); struct (top, top); struct (left, left); struct (0, 0) |] value x
        else
            between frame.Top frame.Left frame.Rows frame.Columns x

    let private resize interpolation antialias (height: int) (width: int) (x: Expr) : Expr =
        x
        |> Resampling.resize interpolation antialias 1 height
        |> Resampling.resize interpolation antialias 2 width

    /// A frame of images, in that size. `value` is that of borders.
    let change interpolation antialias (value: float) (frame: Frame) (height: int) (width: int) : ImageChange =
        let isWhole = frame.Rows = height && frame.Columns = width

        let run interpolation antialias (x: Expr) =
            let part = framed value frame x
            if isWhole then part else resize interpolation antialias height width part

        let corners (boxes: Expr) =
            let number (n: int) = Expr.Scalar(boxes.DType, float n)

            let moved =
                boxes
                |> Boxes.shift (number -frame.Left) (number -frame.Top)
                |> Boxes.scale (float width / float frame.Columns) (float height / float frame.Rows)

            // Missing boxes stay at 0, as in Keras, wherever borders are added.
            let area = Boxes.area boxes
            Ops.where (Ops.expandDims -1 (Ops.greater area (Ops.zerosLike area))) moved (Ops.zerosLike moved)

        ImageChange.moving
            (struct (height, width))
            (run interpolation antialias)
            (run Interpolation.Nearest false)
            corners

/// <summary>The Resizing layer for batches of images.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Resizing =

    /// <summary>Keras's defaults for that size.</summary>
    let options (height: int) (width: int) : ResizingOptions =
        { Height = height
          Width = width
          Interpolation = Interpolation.Bilinear
          CropToAspectRatio = false
          PadToAspectRatio = false
          FillValue = 0.0
          Antialias = false
          DataFormat = DataFormat.ChannelsLast }

    let private draw (o: ResizingOptions) (_: Scope) (x: Expr) : ImageChange =
        let frame =
            if o.CropToAspectRatio then Cropping.window o.Height o.Width x
            elif o.PadToAspectRatio then Cropping.bordered o.Height o.Width x
            else Cropping.whole x

        Cropping.change o.Interpolation o.Antialias o.FillValue frame o.Height o.Width

    let internal definition: ImageClass<ResizingOptions> =
        ImageLayer.changing
            "Resizing"
            (options 1 1)
            [ Field.required (Field.int "height" _.Height (fun v o -> { o with Height = v }))
              Field.required (Field.int "width" _.Width (fun v o -> { o with Width = v }))
              Resampling.interpolationField _.Interpolation (fun v o -> { o with Interpolation = v })
              Field.bool "crop_to_aspect_ratio" _.CropToAspectRatio (fun v o -> { o with CropToAspectRatio = v })
              Field.bool "pad_to_aspect_ratio" _.PadToAspectRatio (fun v o -> { o with PadToAspectRatio = v })
              Field.fixedTo "fill_mode" [ Text "constant" ]
              Field.float "fill_value" _.FillValue (fun v o -> { o with FillValue = v })
              Field.bool "antialias" _.Antialias (fun v o -> { o with Antialias = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            draw
        |> fun imageClass -> { ImageLayer.alwaysActive imageClass with KeepsIntegers = true }
        |> ImageLayer.checkedBy (fun o ->
            LayerCheck.positive "Resizing.height" o.Height
            LayerCheck.positive "Resizing.width" o.Width

            if o.CropToAspectRatio && o.PadToAspectRatio then
                LayerCheck.argument
                    "Resizing.crop_to_aspect_ratio"
                    "false, because pad_to_aspect_ratio is true"
                    "true"
                    "Crop, or pad."

            o)

/// <summary>Windows of images: CenterCrop, and RandomCrop, which takes a random one in training.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ImageCrop =

    /// <summary>Keras's defaults for that size.</summary>
    let options (height: int) (width: int) : ImageCropOptions =
        { Height = height; Width = width; Seed = None; DataFormat = DataFormat.ChannelsLast }

    let private fields: Field<ImageCropOptions> list =
        [ Field.required (Field.int "height" _.Height (fun v o -> { o with Height = v }))
          Field.required (Field.int "width" _.Width (fun v o -> { o with Width = v }))
          LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]

    let private checkedFor kind (imageClass: ImageClass<ImageCropOptions>) =
        imageClass
        |> ImageLayer.checkedBy (fun o ->
            LayerCheck.positive (kind + ".height") o.Height
            LayerCheck.positive (kind + ".width") o.Width
            o)

    let private linear (o: ImageCropOptions) frame =
        Cropping.change Interpolation.Bilinear false 0.0 frame o.Height o.Width

    let internal center: ImageClass<ImageCropOptions> =
        ImageLayer.changing "CenterCrop" (options 1 1) fields _.DataFormat (fun o _ x ->
            let rows, columns = x.Shape[1], x.Shape[2]

            if rows >= o.Height && columns >= o.Width then
                linear
                    o
                    { Top = (rows - o.Height) / 2; Left = (columns - o.Width) / 2; Rows = o.Height; Columns = o.Width }
            else
                linear o (Cropping.window o.Height o.Width x))
        |> ImageLayer.alwaysActive
        |> checkedFor "CenterCrop"

    /// One window for the whole batch.
    let private windowAt (o: ImageCropOptions) (scope: Scope) (x: Expr) : ImageChange =
        let start axis (size: int) name =
            let places = float (x.Shape[axis] - size + 1)
            Ops.floor (ImageDraw.between scope o.Seed name (0.0, places) [| 1 |])

        let top, left = start 1 o.Height "top", start 2 o.Width "left"

        let cut axis (size: int) (start: Expr) (x: Expr) =
            Ops.take (Ops.cast DType.Int32 start + Ops.arange DType.Int32 size) axis x

        let run x = x |> cut 1 o.Height top |> cut 2 o.Width left
        ImageChange.moving (struct (o.Height, o.Width)) run run (Boxes.shift (-left) (-top))

    /// What Keras does to images that are not larger on both axes: a window begins where the largest one of the wanted
    /// proportions would, ends at the latest where the image does, and is resized if it is too small.
    let private fixedWindow (o: ImageCropOptions) (x: Expr) : ImageChange =
        let struct (top, left, _, _) = Cropping.proportionate o.Height o.Width x
        let rows, columns = min o.Height (x.Shape[1] - top), min o.Width (x.Shape[2] - left)
        linear o { Top = top; Left = left; Rows = rows; Columns = columns }

    /// At inference images pass unchanged, in their own size.
    let internal random: ImageClass<ImageCropOptions> =
        ImageLayer.changing
            "RandomCrop"
            (options 1 1)
            (fields @ [ ImageField.seed _.Seed (fun v o -> { o with Seed = v }) ])
            _.DataFormat
            (fun (o: ImageCropOptions) scope x ->
                if x.Shape[1] > o.Height && x.Shape[2] > o.Width then windowAt o scope x else fixedWindow o x)
        |> checkedFor "RandomCrop"

/// <summary>The RandomFlip layer: in training half of the images are mirrored.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomFlip =

    /// <summary>Keras's defaults: an image is flipped along both axes, or not at all.</summary>
    let options: RandomFlipOptions =
        { Mode = FlipMode.HorizontalAndVertical; Seed = None; DataFormat = DataFormat.ChannelsLast }

    let private draw (o: RandomFlipOptions) (scope: Scope) (x: Expr) : ImageChange =
        let axes =
            match o.Mode with
            | FlipMode.Horizontal -> [| 2 |]
            | FlipMode.Vertical -> [| 1 |]
            | FlipMode.HorizontalAndVertical -> [| 1; 2 |]

        let number = ImageDraw.perImage scope o.Seed "flip" (0.0, 1.0) x
        let flipped = Ops.lessEqual number (Expr.Scalar(x.DType, 0.5))
        let run x = ImageLayer.pick flipped (Ops.flip axes x) x

        let corners (boxes: Expr) =
            let struct (left, top, right, bottom) = Boxes.split boxes
            let mirrored axis (a: Expr) (b: Expr) =
                let size = float x.Shape[axis]
                if Array.contains axis axes then size - b, size - a else a, b

            let left, right = mirrored 2 left right
            let top, bottom = mirrored 1 top bottom
            ImageLayer.pick (Ops.squeeze [| 3 |] flipped) (Boxes.join left top right bottom) boxes

        ImageChange.moving (ImageChange.sizeOf x) run run corners

    let internal definition: ImageClass<RandomFlipOptions> =
        ImageLayer.changing
            "RandomFlip"
            options
            [ Field.choice
                  "mode"
                  [ "horizontal_and_vertical", FlipMode.HorizontalAndVertical
                    "horizontal", FlipMode.Horizontal
                    "vertical", FlipMode.Vertical ]
                  _.Mode
                  (fun v o -> { o with Mode = v })
              ImageField.seed _.Seed (fun v o -> { o with Seed = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            draw
