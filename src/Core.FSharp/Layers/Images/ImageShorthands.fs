namespace FunctionalNet

/// <summary>Makers of layers that prepare and augment images, (batch, height, width, channels). Layers whose names begin with
/// "random" change images in training only.</summary>
[<AutoOpen>]
module ImageShorthands =

    /// <summary>Making, composing and tracing layers.</summary>
    [<RequireQualifiedAccess>]
    module Layer =

        let private of' imageClass options = ImageLayer.layer imageClass options

        /// <summary>Images resized.</summary>
        let resizingWith (options: ResizingOptions) : Layer = of' Resizing.definition options

        /// <summary>Images resized by linear interpolation.</summary>
        let resizing (height: int) (width: int) : Layer = resizingWith (Resizing.options height width)

        /// <summary>The middle of images; of smaller images, the largest window of those proportions, resized.</summary>
        let centerCropWith (options: ImageCropOptions) : Layer = of' ImageCrop.center options

        /// <summary>The middle of images; of smaller images, the largest window of those proportions, resized.</summary>
        let centerCrop (height: int) (width: int) : Layer = centerCropWith (ImageCrop.options height width)

        /// <summary>A window at a random place in training, the same for a whole batch; of images that are not larger on both axes
        /// one at a fixed place, resized if need be. At inference images pass unchanged, in their own size.</summary>
        let randomCropWith (options: ImageCropOptions) : Layer = of' ImageCrop.random options

        /// <summary>A window at a random place in training; at inference images pass unchanged, in their own size.</summary>
        let randomCrop (height: int) (width: int) : Layer = randomCropWith (ImageCrop.options height width)

        /// <summary>As many bounding boxes for every image, of which surplus ones are cut off and missing ones filled in.</summary>
        let maxNumBoundingBoxesWith (options: MaxNumBoundingBoxesOptions) : Layer =
            LayerClass.layer BoundingBoxes.maxNumber { Options = options; Format = None }

        /// <summary>That many bounding boxes for every image; missing ones are filled up with -1.</summary>
        let maxNumBoundingBoxes (maxNumber: int) : Layer = maxNumBoundingBoxesWith (BoundingBoxes.options maxNumber)

        /// <summary>Mirrors half of the images. Keras's default: along both axes at once.</summary>
        let randomFlipWith (options: RandomFlipOptions) : Layer = of' RandomFlip.definition options

        /// <summary>Mirrors half of the images.</summary>
        let randomFlip (mode: FlipMode) : Layer = randomFlipWith { RandomFlip.options with Mode = mode }

        /// <summary>Turns images around their middle.</summary>
        let randomRotationWith (options: RandomRotationOptions) : Layer = of' RandomRotation.definition options

        /// <summary>Turns images by up to that share of a full turn, either way.</summary>
        let randomRotation (factor: float) : Layer = randomRotationWith (RandomRotation.options [ factor ])

        /// <summary>Shrinks images (positive factors) or enlarges them.</summary>
        let randomZoomWith (options: RandomMovementOptions) : Layer = of' RandomMovement.zoom options

        /// <summary>Zooms images by up to that share, in or out, the same on both axes.</summary>
        let randomZoom (factor: float) : Layer = randomZoomWith (RandomMovement.options [ factor ] [])

        /// <summary>Moves images down and right by shares of their size.</summary>
        let randomTranslationWith (options: RandomMovementOptions) : Layer = of' RandomMovement.translation options

        /// <summary>Moves images by up to those shares of height and width, either way.</summary>
        let randomTranslation (height: float) (width: float) : Layer =
            randomTranslationWith (RandomMovement.options [ height ] [ width ])

        /// <summary>Shears images.</summary>
        let randomShearWith (options: RandomMovementOptions) : Layer = of' RandomMovement.shear options

        /// <summary>Shears images by up to x along rows and y along columns, 0 to 1.</summary>
        let randomShear (x: float) (y: float) : Layer = randomShearWith (RandomMovement.options [ y ] [ x ])

        /// <summary>Moves the corners of images.</summary>
        let randomPerspectiveWith (options: RandomPerspectiveOptions) : Layer = of' RandomPerspective.definition options

        /// <summary>Distorts images as if drawn on rubber.</summary>
        let randomElasticTransformWith (options: RandomElasticTransformOptions) : Layer =
            of' RandomElasticTransform.definition options

        /// <summary>Adds a share of the value range, from factor's bounds in -1 to 1; one number f means -f to f.</summary>
        let randomBrightnessWith (options: RandomColorOptions) : Layer = of' RandomColor.brightness options

        /// <summary>Adds up to that share of the value range 0..255, or subtracts it.</summary>
        let randomBrightness (factor: float) : Layer = randomBrightnessWith (RandomColor.options [ factor ])

        /// <summary>Multiplies distances from every channel's mean by 1 - lower to 1 + upper bound of the factor, in 0 to 1; one
        /// number stands for both.</summary>
        let randomContrastWith (options: RandomColorOptions) : Layer = of' RandomColor.contrasts options

        /// <summary>Multiplies distances from every channel's mean by 1 - factor to 1 + factor.</summary>
        let randomContrast (factor: float) : Layer = randomContrastWith (RandomColor.options [ factor ])

        /// <summary>Turns hues either way by up to half the factor, in 0 to 1; one number f means 0 to f.</summary>
        let randomHueWith (options: RandomColorOptions) : Layer = of' RandomColor.hue options

        /// <summary>Turns hues either way by up to half the factor.</summary>
        let randomHue (factor: float) : Layer = randomHueWith (RandomColor.options [ factor ])

        /// <summary>Multiplies saturations by f / (1 - f), for f between the factor's bounds: 0 gives gray, 0.5 changes
        /// nothing.</summary>
        let randomSaturationWith (options: RandomColorOptions) : Layer = of' RandomColor.saturation options

        /// <summary>Blurs or sharpens: 0 gives a smoothed image, 0.5 changes nothing, 1 sharpens. The factor's bounds are in 0 to
        /// 1; one number f means 0 to f.</summary>
        let randomSharpnessWith (options: RandomColorOptions) : Layer = of' RandomColor.sharpness options

        /// <summary>Blends images with their gray image by a share between the factor's bounds; one number f means -f to
        /// f.</summary>
        let randomColorDegenerationWith (options: RandomColorOptions) : Layer = of' RandomColor.degeneration options

        /// <summary>Brightness, contrast, saturation and hue, those for which there are factors.</summary>
        let randomColorJitterWith (options: RandomColorJitterOptions) : Layer = of' RandomColor.jitter options

        /// <summary>Makes images gray with a probability, the factor: one number from 0 to 1.</summary>
        let randomGrayscaleWith (options: RandomColorOptions) : Layer = of' RandomColor.grayscale options

        /// <summary>Makes images gray with that probability. Keras's default: 0.5.</summary>
        let randomGrayscale (factor: float) : Layer = randomGrayscaleWith (RandomColor.options [ factor ])

        /// <summary>Inverts images with a probability between the factor's bounds; one number f means 0 to f.</summary>
        let randomInvertWith (options: RandomColorOptions) : Layer = of' RandomColor.invert options

        /// <summary>Keeps the highest bits of pixels: as many as the factor says, 1 to 8; of two numbers, from the first to below
        /// the second; one number f above 1 means 1 to below f.</summary>
        let randomPosterizationWith (options: RandomColorOptions) : Layer = of' RandomColor.posterization options

        /// <summary>Smooths images by a normal distribution.</summary>
        let randomGaussianBlurWith (options: RandomGaussianBlurOptions) : Layer =
            of' RandomGaussianBlur.definition options

        /// <summary>Overwrites a box in every image.</summary>
        let randomErasingWith (options: RandomErasingOptions) : Layer = of' RandomErasing.definition options

        /// <summary>Inverts bright pixels, in training.</summary>
        let solarizationWith (options: SolarizationOptions) : Layer = of' Solarization.definition options

        /// <summary>Stretches every channel of every image to the value range (Keras's default: 0 to 255), in training and at
        /// inference.</summary>
        let autoContrast (low: float) (high: float) : Layer =
            of' ImageContrast.definition ((low, high), DataFormat.ChannelsLast)

        /// <summary>Spreads the values of every channel evenly, in training, by the histogram of the batch.</summary>
        let equalizationWith (options: EqualizationOptions) : Layer = of' Equalization.definition options

        /// <summary>Spreads values by the histograms of tiles (CLAHE), in training and at inference.</summary>
        let adaptiveEqualizationWith (options: AdaptiveEqualizationOptions) : Layer =
            of' AdaptiveEqualization.definition options

        /// <summary>Mixes every image with another; a second input, labels of rank 2 or more, is mixed alike.</summary>
        let mixUpWith (options: ImageMixOptions) : Layer = of' ImageMix.mixingUp options

        /// <summary>Pastes a box of another image into every image; a second input, labels of rank 2 or more, is mixed by
        /// area.</summary>
        let cutMixWith (options: ImageMixOptions) : Layer = of' ImageMix.cutting options

        /// <summary>A few changes, chosen at random for every batch. In a model all eleven are computed every time;
        /// ahead of one, by an Augmenter, only those chosen.</summary>
        let randAugmentWith (options: RandAugmentOptions) : Layer = of' RandAugment.definition options

        /// <summary>Chains of changes chosen at random, mixed with one another and the image.</summary>
        let augMixWith (options: AugMixOptions) : Layer = of' AugMix.definition options

        /// <summary>The layer, told how the bounding boxes that come with its images are written down. It is an argument that every
        /// layer for images has; only those that get boxes need it. Keras: bounding_box_format.</summary>
        /// <exception cref="T:FunctionalNet.ArgumentValueException">The layer is none for images.</exception>
        /// <example><code>Layer.randomRotation 0.1 |> Layer.withBoundingBoxes BoundingBoxFormat.Xyxy</code></example>
        let withBoundingBoxes (format: BoundingBoxFormat) (layer: Layer) : Layer =
            match layer.Variant(Locate format) with
            | ValueSome variant ->
                { variant.Layer with
                    LayerName = layer.LayerName
                    Frozen = layer.Frozen
                    Policy = layer.Policy
                    Shared = layer.Shared
                    Owner = layer.Owner }
            | ValueNone ->
                LayerCheck.argument
                    (layer.Kind + ".bounding_box_format")
                    "a layer that prepares or augments images"
                    layer.Kind
                    "Give the format to the layers that get bounding boxes."

        /// <summary>Layers one after the other, as one layer.</summary>
        let pipeline (layers: Layer list) : Layer = LayerClass.layer Composition.pipeline layers
