namespace FunctionalNet

/// <summary>The layers that change the colors of every image by a random strength in training.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomColor =

    /// <summary>Keras's defaults for bounds of the strength.</summary>
    let options (factor: float list) : RandomColorOptions =
        { Factor = factor; ValueRange = (0.0, 255.0); Seed = None; DataFormat = DataFormat.ChannelsLast }

    let private draw (o: RandomColorOptions) scope bounds x = ImageDraw.perImage scope o.Seed "factor" bounds x

    /// Adds a share of the value range.
    let internal brighten (o: RandomColorOptions) scope (x: Expr) =
        let low, high = o.ValueRange
        let bounds = FactorBounds.symmetric "RandomBrightness" "factor" o.Factor
        Colors.clip o.ValueRange (x + draw o scope bounds x * (high - low))

    /// Multiplies distances from every channel's mean by 1 - lower to 1 + upper; one number f means 1 to 1 + f.
    let internal contrast (o: RandomColorOptions) scope (x: Expr) =
        let lower, upper = FactorBounds.share "RandomContrast" "factor" o.Factor
        let mean = Ops.mean [| 1; 2 |] true x
        Colors.clip o.ValueRange (Colors.blend (draw o scope (1.0 - lower, 1.0 + upper) x) mean x)

    /// Turns the hue by up to half of the strength, in either direction.
    let private turnHue (o: RandomColorOptions) scope (x: Expr) =
        let bounds = FactorBounds.share "RandomHue" "factor" o.Factor
        let sign = ImageDraw.sign scope o.Seed "sign" [| x.Shape[0]; 1; 1 |]
        let shift = ImageDraw.between scope o.Seed "factor" bounds [| x.Shape[0]; 1; 1 |] * sign * 0.5
        let struct (hue, saturation, value) = Colors.toHsv (Colors.rescale o.ValueRange (0.0, 1.0) x)

        Colors.ofHsv (hue + shift) saturation value
        |> Ops.clip 0.0 1.0
        |> Colors.rescale (0.0, 1.0) o.ValueRange

    /// Multiplies the saturation, which lies between 0 and 1 whatever the value range, by f / (1 - f): 0 gives gray, 0.5 changes
    /// nothing. As in Keras, it is the saturation that is clipped to the value range, and colors are not clipped after it.
    let private saturate (o: RandomColorOptions) scope (x: Expr) =
        let bounds = FactorBounds.symmetric "RandomSaturation" "factor" o.Factor
        let f = ImageDraw.between scope o.Seed "factor" bounds [| x.Shape[0]; 1; 1 |]
        let struct (hue, saturation, value) = Colors.toHsv x
        Colors.ofHsv hue (Colors.clip o.ValueRange (saturation * (f / (1.0 - f)))) value

    // The filter that PIL smooths images by.
    let private smooth = [| 1.0; 1.0; 1.0; 1.0; 5.0; 1.0; 1.0; 1.0; 1.0 |] |> Array.map (fun w -> w / 13.0)

    /// 0 gives the smoothed image, 0.5 the image, 1 goes as far to the other side.
    let internal sharpen (o: RandomColorOptions) scope (x: Expr) =
        let bounds = FactorBounds.share "RandomSharpness" "factor" o.Factor
        let kernel = Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of(3, 3), smooth))
        Colors.clip o.ValueRange (Colors.blend (draw o scope bounds x * 2.0) (Warp.blur kernel x) x)

    /// Blends with the gray image.
    let internal degenerate (o: RandomColorOptions) scope (x: Expr) =
        let bounds = FactorBounds.symmetric "RandomColorDegeneration" "factor" o.Factor
        Colors.clip o.ValueRange (Colors.blend (draw o scope bounds x) x (Colors.gray x))

    /// Keeps as many of the eight highest bits as were drawn.
    let internal posterize (o: RandomColorOptions) (scope: Scope) (x: Expr) =
        let low, high = FactorBounds.bits "RandomPosterization" "factor" o.Factor

        let kept =
            if low = high then
                draw o scope (low, low) x
            else
                // Whole numbers below the upper bound.
                Ops.floor (draw o scope (low, high) x)

        let step = Ops.exp ((8.0 - kept) * log 2.0) |> Ops.round
        let bytes = Ops.floor (Ops.clip 0.0 255.0 (Colors.rescale o.ValueRange (0.0, 255.0) x))
        Colors.rescale (0.0, 255.0) o.ValueRange (Ops.floor (bytes / step) * step)

    let private turnOver (o: RandomColorOptions) scope (x: Expr) =
        let bounds = FactorBounds.share "RandomInvert" "factor" o.Factor
        let changed = ImageDraw.chance scope o.Seed "apply" bounds [| x.Shape[0]; 1; 1; 1 |]
        ImageLayer.pick changed (snd o.ValueRange - x) x

    let private toGray (o: RandomColorOptions) (scope: Scope) (x: Expr) =
        let draw = ImageDraw.perImage scope o.Seed "apply" (0.0, 1.0) x
        ImageLayer.pick (Ops.less draw (Expr.Scalar(x.DType, o.Factor.Head))) (Colors.gray x) x

    let private factor: Field<RandomColorOptions> =
        ImageField.factor "factor" _.Factor (fun v o -> { o with Factor = v })

    let private valueRange: Field<RandomColorOptions> =
        ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })

    let private others: Field<RandomColorOptions> list =
        [ ImageField.seed _.Seed (fun v o -> { o with Seed = v })
          LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]

    let private start = options [ 0.0 ]
    let private formatOf (o: RandomColorOptions) = o.DataFormat

    let private checkedBy (check: float list -> float * float) (layerClass: ImageClass<RandomColorOptions>) =
        layerClass
        |> ImageLayer.checkedBy (fun o ->
            check o.Factor |> ignore
            o)

    let private plain kind check run : ImageClass<RandomColorOptions> =
        ImageLayer.training kind start (Field.required factor :: valueRange :: others) formatOf run
        |> checkedBy (check kind "factor")

    let private colored kind check run : ImageClass<RandomColorOptions> =
        ImageLayer.trainingColors kind start (Field.required factor :: valueRange :: others) formatOf run
        |> checkedBy (check kind "factor")

    let internal brightness = plain "RandomBrightness" FactorBounds.symmetric brighten
    let internal contrasts = plain "RandomContrast" FactorBounds.share contrast
    let internal sharpness = plain "RandomSharpness" FactorBounds.share sharpen
    let internal hue = colored "RandomHue" FactorBounds.share turnHue
    let internal saturation = colored "RandomSaturation" FactorBounds.symmetric saturate
    let internal degeneration = colored "RandomColorDegeneration" FactorBounds.symmetric degenerate

    let internal posterization =
        plain "RandomPosterization" FactorBounds.bits posterize
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.bits "RandomPosterization" "factor" o.Factor |> ignore

            if o.Factor |> List.exists (fun f -> f <> floor f) then
                LayerCheck.argument
                    "RandomPosterization.factor"
                    "whole numbers from 1 to 8"
                    (ConfigRead.show (List(List.map Float o.Factor)))
                    "It is a number of bits."

            o)

    let internal invert: ImageClass<RandomColorOptions> =
        ImageLayer.training "RandomInvert" (options [ 1.0 ]) (factor :: valueRange :: others) formatOf turnOver
        |> checkedBy (FactorBounds.share "RandomInvert" "factor")

    let internal grayscale: ImageClass<RandomColorOptions> =
        ImageLayer.trainingColors "RandomGrayscale" (options [ 0.5 ]) (factor :: others) formatOf toGray
        |> ImageLayer.checkedBy (fun o ->
            match o.Factor with
            | [ f ] -> LayerCheck.rate "RandomGrayscale.factor" f
            | _ ->
                LayerCheck.argument
                    "RandomGrayscale.factor"
                    "one number from 0 to 1"
                    (string o.Factor.Length + " numbers")
                    "It is a probability."

            o)

    /// Brightness, contrast, saturation and hue, in this order, as far as there are factors for them.
    let internal jitter: ImageClass<RandomColorJitterOptions> =
        let field key get set : Field<RandomColorJitterOptions> = ImageField.factor key get set

        let run (o: RandomColorJitterOptions) (scope: Scope) (x: Expr) =
            let change name factor transform x =
                if List.isEmpty factor then
                    x
                else
                    transform
                        { Factor = factor
                          ValueRange = o.ValueRange
                          Seed = o.Seed
                          DataFormat = DataFormat.ChannelsLast }
                        (scope.Child name)
                        x

            x
            |> change "brightness" o.Brightness brighten
            |> change "contrast" o.Contrast contrast
            |> change "saturation" o.Saturation saturate
            |> change "hue" o.Hue turnHue

        ImageLayer.trainingColors
            "RandomColorJitter"
            { ValueRange = (0.0, 255.0)
              Brightness = []
              Contrast = []
              Saturation = []
              Hue = []
              Seed = None
              DataFormat = DataFormat.ChannelsLast }
            [ ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
              field "brightness_factor" _.Brightness (fun v o -> { o with Brightness = v })
              field "contrast_factor" _.Contrast (fun v o -> { o with Contrast = v })
              field "saturation_factor" _.Saturation (fun v o -> { o with Saturation = v })
              field "hue_factor" _.Hue (fun v o -> { o with Hue = v })
              ImageField.seed _.Seed (fun v o -> { o with Seed = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            run
        |> ImageLayer.checkedBy (fun o ->
            let check factor (bounds: float list -> float * float) =
                if not (List.isEmpty factor) then bounds factor |> ignore

            check o.Brightness (FactorBounds.symmetric "RandomColorJitter" "brightness_factor")
            check o.Contrast (FactorBounds.share "RandomColorJitter" "contrast_factor")
            check o.Saturation (FactorBounds.symmetric "RandomColorJitter" "saturation_factor")
            check o.Hue (FactorBounds.share "RandomColorJitter" "hue_factor")
            o)

/// <summary>The RandomColorJitter layer: brightness, contrast, saturation and hue in one.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomColorJitter =

    /// <summary>Keras's defaults: no change at all until factors are given.</summary>
    let options: RandomColorJitterOptions = RandomColor.jitter.Start

/// <summary>The RandomGaussianBlur layer: in training images are smoothed by a normal distribution.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomGaussianBlur =

    /// <summary>Keras's defaults.</summary>
    let options: RandomGaussianBlurOptions =
        { Factor = [ 1.0 ]
          KernelSize = [ 3 ]
          Sigma = [ 1.0 ]
          ValueRange = (0.0, 255.0)
          Seed = None
          DataFormat = DataFormat.ChannelsLast }

    let private run (o: RandomGaussianBlurOptions) (scope: Scope) (x: Expr) =
        let kind = "RandomGaussianBlur"
        let bounds = FactorBounds.share kind "factor" o.Factor
        let changed = ImageDraw.chance scope o.Seed "apply" bounds [| x.Shape[0]; 1; 1; 1 |]

        // One kernel for the batch.
        let bell name size =
            let sigma = ImageDraw.between scope o.Seed name (FactorBounds.share kind "sigma" o.Sigma) [||]
            Warp.bell size (sigma + 1e-6)

        // Keras reads the first number of kernel_size and of sigma as that of the columns, and then writes the cells of the
        // kernel, row by row, into kernel_size[0] rows of kernel_size[1].
        let columns, rows = bell "sigma x" o.KernelSize[0], bell "sigma y" o.KernelSize[1]
        let kernel =
            Ops.reshape (List.toArray o.KernelSize) (Ops.reshape [| o.KernelSize[1]; 1 |] rows * columns)
        Colors.clip o.ValueRange (ImageLayer.pick changed (Warp.blur kernel x) x)

    let internal definition: ImageClass<RandomGaussianBlurOptions> =
        ImageLayer.training
            "RandomGaussianBlur"
            options
            [ ImageField.factor "factor" _.Factor (fun v o -> { o with Factor = v })
              Field.ints "kernel_size" _.KernelSize (fun v o -> { o with KernelSize = v })
              ImageField.factor "sigma" _.Sigma (fun v o -> { o with Sigma = v })
              ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
              ImageField.seed _.Seed (fun v o -> { o with Seed = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            run
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.share "RandomGaussianBlur" "factor" o.Factor |> ignore
            FactorBounds.share "RandomGaussianBlur" "sigma" o.Sigma |> ignore
            let size = LayerCheck.perAxis "RandomGaussianBlur.kernel_size" 2 o.KernelSize
            size |> List.iter (ImageLayer.odd "RandomGaussianBlur" "kernel_size")
            { o with KernelSize = size })

/// <summary>The RandomErasing layer: in training a box of every image is overwritten.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RandomErasing =

    /// <summary>Keras's defaults.</summary>
    let options: RandomErasingOptions =
        { Factor = [ 1.0 ]
          Scale = [ 0.02; 0.33 ]
          FillValue = []
          ValueRange = (0.0, 255.0)
          Seed = None
          DataFormat = DataFormat.ChannelsLast }

    let private run (o: RandomErasingOptions) (scope: Scope) (x: Expr) =
        let kind = "RandomErasing"
        let n = x.Shape[0]
        let scale = FactorBounds.share kind "scale" o.Scale

        let sides name = Ops.sqrt (ImageDraw.between scope o.Seed (name + " scale") scale [| n; 1; 1 |])
        let box = ImageBox.draw scope o.Seed (sides "width") (sides "height") x
        let bounds = FactorBounds.share kind "factor" o.Factor
        let changed = ImageDraw.chance scope o.Seed "apply" bounds [| n; 1; 1; 1 |]

        let fill =
            match o.FillValue with
            | [] ->
                LayerCheck.random scope o.Seed "fill" FunctionalNet.Graph.RandomKind.Normal x.Shape
                * snd o.ValueRange
            | values ->
                let all = List.toArray values
                Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of all.Length, all))

        ImageLayer.pick (Ops.logicalAnd changed box.Inside) (Colors.clip o.ValueRange fill) x

    let internal definition: ImageClass<RandomErasingOptions> =
        ImageLayer.training
            "RandomErasing"
            options
            [ ImageField.factor "factor" _.Factor (fun v o -> { o with Factor = v })
              ImageField.factor "scale" _.Scale (fun v o -> { o with Scale = v })
              ImageField.factor "fill_value" _.FillValue (fun v o -> { o with FillValue = v })
              ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
              ImageField.seed _.Seed (fun v o -> { o with Seed = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            run
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.share "RandomErasing" "factor" o.Factor |> ignore
            FactorBounds.share "RandomErasing" "scale" o.Scale |> ignore
            o)
