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

    let toProportions (height: int) (width: int) (x: Expr) : Expr =
        let struct (top, left, rows, columns) = proportionate height width x
        between top left rows columns x

    /// Equal borders on two sides, up to about the proportions of height : width.
    let padToProportions (value: float) (height: int) (width: int) (x: Expr) : Expr =
        let rows, columns = x.Shape[1], x.Shape[2]
        let top = (max rows (columns * height / width) - rows) / 2
        let left = if top > 0 then 0 else (max columns (rows * width / height) - columns) / 2
        Ops.pad [| struct (0, 0); struct (top, top); struct (left, left); struct (0, 0) |] value x

    let resize interpolation antialias (height: int) (width: int) (x: Expr) : Expr =
        x
        |> Resampling.resize interpolation antialias 1 height
        |> Resampling.resize interpolation antialias 2 width

    /// The largest window of those proportions, in that size.
    let fit (height: int) (width: int) (x: Expr) : Expr =
        x |> toProportions height width |> resize Interpolation.Bilinear false height width

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

    let private run (o: ResizingOptions) (x: Expr) =
        let x =
            if o.CropToAspectRatio then Cropping.toProportions o.Height o.Width x
            elif o.PadToAspectRatio then Cropping.padToProportions o.FillValue o.Height o.Width x
            else x

        Cropping.resize o.Interpolation o.Antialias o.Height o.Width x

    /// Whole numbers stay whole: results are rounded to the nearest, halves to even.
    let private ofAny (o: ResizingOptions) (scope: Scope) (x: Expr) =
        ImageLayer.check "Resizing" x
        let resized = LayerCheck.floating scope x |> LayerCheck.inChannelsLast o.DataFormat (run o)
        if DType.isInteger x.DType then Ops.cast x.DType (Ops.round resized) else resized

    let internal definition: LayerClass<ResizingOptions> =
        LayerClass.dropsMask
            "Resizing"
            [ Field.int "height" (fun (o: ResizingOptions) -> o.Height) (fun v (o: ResizingOptions) ->
                  { o with Height = v })
              |> Field.required
              Field.int "width" (fun (o: ResizingOptions) -> o.Width) (fun v (o: ResizingOptions) ->
                  { o with Width = v })
              |> Field.required
              Resampling.interpolationField (fun (o: ResizingOptions) -> o.Interpolation) (fun v (o: ResizingOptions) ->
                  { o with Interpolation = v })
              Field.bool
                  "crop_to_aspect_ratio"
                  (fun (o: ResizingOptions) -> o.CropToAspectRatio)
                  (fun v (o: ResizingOptions) -> { o with CropToAspectRatio = v })
              Field.bool
                  "pad_to_aspect_ratio"
                  (fun (o: ResizingOptions) -> o.PadToAspectRatio)
                  (fun v (o: ResizingOptions) -> { o with PadToAspectRatio = v })
              Field.fixedTo "fill_mode" [ Text "constant" ]
              Field.float "fill_value" (fun (o: ResizingOptions) -> o.FillValue) (fun v (o: ResizingOptions) ->
                  { o with FillValue = v })
              Field.bool "antialias" (fun (o: ResizingOptions) -> o.Antialias) (fun v (o: ResizingOptions) ->
                  { o with Antialias = v })
              LayerField.dataFormat (fun (o: ResizingOptions) -> o.DataFormat) (fun v (o: ResizingOptions) ->
                  { o with DataFormat = v }) ]
            (options 1 1)
            ofAny
        |> LayerClass.checkedBy (fun (o: ResizingOptions) ->
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
        [ Field.int "height" (fun (o: ImageCropOptions) -> o.Height) (fun v (o: ImageCropOptions) ->
              { o with Height = v })
          |> Field.required
          Field.int "width" (fun (o: ImageCropOptions) -> o.Width) (fun v (o: ImageCropOptions) -> { o with Width = v })
          |> Field.required
          LayerField.dataFormat (fun (o: ImageCropOptions) -> o.DataFormat) (fun v (o: ImageCropOptions) ->
              { o with DataFormat = v }) ]

    let private checkedFor kind (layerClass: LayerClass<ImageCropOptions>) =
        layerClass
        |> LayerClass.checkedBy (fun (o: ImageCropOptions) ->
            LayerCheck.positive (kind + ".height") o.Height
            LayerCheck.positive (kind + ".width") o.Width
            o)

    let private isLarge (o: ImageCropOptions) (x: Expr) = x.Shape[1] >= o.Height && x.Shape[2] >= o.Width

    let internal center: LayerClass<ImageCropOptions> =
        ImageLayer.always "CenterCrop" fields (options 1 1) (fun (o: ImageCropOptions) -> o.DataFormat) (fun o x ->
            if isLarge o x then
                Cropping.between ((x.Shape[1] - o.Height) / 2) ((x.Shape[2] - o.Width) / 2) o.Height o.Width x
            else
                Cropping.fit o.Height o.Width x)
        |> checkedFor "CenterCrop"

    /// One window for the whole batch.
    let private windowAt (o: ImageCropOptions) (scope: Scope) (x: Expr) =
        let cut axis (size: int) name (x: Expr) =
            let places = float (x.Shape[axis] - size + 1)
            let start = Ops.floor (ImageDraw.between scope o.Seed name (0.0, places) [| 1 |])
            Ops.take (Ops.cast DType.Int32 start + Ops.arange DType.Int32 size) axis x

        x |> cut 1 o.Height "top" |> cut 2 o.Width "left"

    /// What Keras does to images that are not larger on both axes: a window begins where the largest one of the wanted
    /// proportions would, ends at the latest where the image does, and is resized if it is too small.
    let private fixedWindow (o: ImageCropOptions) (x: Expr) =
        let struct (top, left, _, _) = Cropping.proportionate o.Height o.Width x
        let rows, columns = min o.Height (x.Shape[1] - top), min o.Width (x.Shape[2] - left)

        Cropping.between top left rows columns x
        |> Cropping.resize Interpolation.Bilinear false o.Height o.Width

    /// At inference images pass unchanged, in their own size.
    let internal random: LayerClass<ImageCropOptions> =
        ImageLayer.training
            "RandomCrop"
            (fields
             @ [ ImageField.seed (fun (o: ImageCropOptions) -> o.Seed) (fun v (o: ImageCropOptions) ->
                     { o with Seed = v }) ])
            (options 1 1)
            (fun (o: ImageCropOptions) -> o.DataFormat)
            (fun (o: ImageCropOptions) scope x ->
                if x.Shape[1] > o.Height && x.Shape[2] > o.Width then windowAt o scope x else fixedWindow o x)
        |> checkedFor "RandomCrop"

/// <summary>The RandomFlip layer: in training half of the images are mirrored.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomFlip =

    /// <summary>Keras's defaults: an image is flipped along both axes, or not at all.</summary>
    let options: RandomFlipOptions =
        { Mode = FlipMode.HorizontalAndVertical; Seed = None; DataFormat = DataFormat.ChannelsLast }

    let private run (o: RandomFlipOptions) (scope: Scope) (x: Expr) =
        let axes =
            match o.Mode with
            | FlipMode.Horizontal -> [| 2 |]
            | FlipMode.Vertical -> [| 1 |]
            | FlipMode.HorizontalAndVertical -> [| 1; 2 |]

        let draw = ImageDraw.perImage scope o.Seed "flip" (0.0, 1.0) x
        ImageLayer.pick (Ops.lessEqual draw (Expr.Scalar(x.DType, 0.5))) (Ops.flip axes x) x

    let internal definition: LayerClass<RandomFlipOptions> =
        ImageLayer.training
            "RandomFlip"
            [ Field.choice
                  "mode"
                  [ "horizontal_and_vertical", FlipMode.HorizontalAndVertical
                    "horizontal", FlipMode.Horizontal
                    "vertical", FlipMode.Vertical ]
                  (fun (o: RandomFlipOptions) -> o.Mode)
                  (fun v (o: RandomFlipOptions) -> { o with Mode = v })
              ImageField.seed (fun (o: RandomFlipOptions) -> o.Seed) (fun v (o: RandomFlipOptions) ->
                  { o with Seed = v })
              LayerField.dataFormat (fun (o: RandomFlipOptions) -> o.DataFormat) (fun v (o: RandomFlipOptions) ->
                  { o with DataFormat = v }) ]
            options
            (fun (o: RandomFlipOptions) -> o.DataFormat)
            run
