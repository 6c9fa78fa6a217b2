namespace FunctionalNet

/// <summary>Options of the layers that prepare and augment images. A factor is one number, or a lower and an upper bound:
/// what one number means stands with the layer.</summary>
[<AutoOpen>]
module ImageTypes =

    /// <summary>What lies outside an image.</summary>
    [<RequireQualifiedAccess>]
    type FillMode =
        /// <summary>The image mirrored at its edge: d c b a | a b c d | d c b a.</summary>
        | Reflect
        /// <summary>One value.</summary>
        | Constant
        /// <summary>The image again: a b c d | a b c d | a b c d.</summary>
        | Wrap
        /// <summary>The cell at the edge: a a a a | a b c d | d d d d.</summary>
        | Nearest

    /// <summary>How images are read between their cells.</summary>
    [<RequireQualifiedAccess>]
    type Sampling =
        /// <summary>The nearest cell.</summary>
        | Nearest
        /// <summary>The four cells around, mixed.</summary>
        | Bilinear

    /// <summary>Along which axes images are flipped.</summary>
    [<RequireQualifiedAccess>]
    type FlipMode =
        /// <summary>Left and right change places.</summary>
        | Horizontal
        /// <summary>Top and bottom change places.</summary>
        | Vertical
        /// <summary>Both at once.</summary>
        | HorizontalAndVertical

    /// <summary>How moved images are read.</summary>
    type Filling =
        {
            /// <summary>What lies outside. Default: reflect.</summary>
            Mode: FillMode
            /// <summary>Default: bilinear.</summary>
            Interpolation: Sampling
            /// <summary>What lies outside with FillMode.Constant. Default: 0.</summary>
            Value: float
        }

    /// <summary>Arguments of Resizing; <c>Resizing.options height width</c> has Keras's defaults.</summary>
    type ResizingOptions =
        {
            /// <summary>Rows of the result.</summary>
            Height: int
            /// <summary>Columns of the result.</summary>
            Width: int
            /// <summary>Default: bilinear.</summary>
            Interpolation: Interpolation
            /// <summary>True first cuts the largest window of the result's proportions out of the middle. Default: false.</summary>
            CropToAspectRatio: bool
            /// <summary>True first adds borders up to the result's proportions. Default: false.</summary>
            PadToAspectRatio: bool
            /// <summary>The value of such borders. Default: 0.</summary>
            FillValue: float
            /// <summary>True widens the kernel as images shrink, so that no cell is passed over. Default: false.</summary>
            Antialias: bool
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of CenterCrop and RandomCrop; <c>ImageCrop.options height width</c> has Keras's defaults.</summary>
    type ImageCropOptions =
        {
            /// <summary>Rows of the result.</summary>
            Height: int
            /// <summary>Columns of the result.</summary>
            Width: int
            /// <summary>Chooses another stream of random numbers. For RandomCrop.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandomFlip; <c>RandomFlip.options</c> has Keras's defaults.</summary>
    type RandomFlipOptions =
        {
            /// <summary>Default: both axes at once.</summary>
            Mode: FlipMode
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandomRotation; <c>RandomRotation.options factor</c> has Keras's defaults.</summary>
    type RandomRotationOptions =
        {
            /// <summary>Bounds of the angle as a share of a full turn, -1 to 1; one number f means -f to f. Positive turns
            /// counter-clockwise.</summary>
            Factor: float list
            /// <summary>How the image is read.</summary>
            Filling: Filling
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandomZoom, RandomTranslation and RandomShear; <c>RandomMovement.options vertical horizontal</c>
    /// has Keras's defaults.</summary>
    type RandomMovementOptions =
        {
            /// <summary>Bounds of the movement along columns (height_factor, y_factor); one number f means -f to f.</summary>
            Vertical: float list
            /// <summary>Bounds of the movement along rows (width_factor, x_factor); empty in RandomZoom for the same zoom on
            /// both axes.</summary>
            Horizontal: float list
            /// <summary>How the image is read.</summary>
            Filling: Filling
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandomPerspective; <c>RandomPerspective.options</c> has Keras's defaults.</summary>
    type RandomPerspectiveOptions =
        {
            /// <summary>Bounds of the probability that an image is changed, 0 to 1; one number f means 0 to f. Default: 1.</summary>
            Factor: float list
            /// <summary>How far corners move, 0 to 1: by up to half of this share of the image. Default: 1.</summary>
            Scale: float
            /// <summary>How the image is read; its mode is always constant.</summary>
            Filling: Filling
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandomElasticTransform; <c>RandomElasticTransform.options</c> has Keras's defaults.</summary>
    type RandomElasticTransformOptions =
        {
            /// <summary>Bounds of the probability that an image is changed, 0 to 1; one number f means 0 to f. Default: 1.</summary>
            Factor: float list
            /// <summary>Bounds of the strength, 0 to 1; one number f means 0 to f. Default: 1.</summary>
            Scale: float list
            /// <summary>How the image is read.</summary>
            Filling: Filling
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of the layers that change colors by one factor per image; <c>RandomColor.options factor</c> has
    /// Keras's defaults.</summary>
    type RandomColorOptions =
        {
            /// <summary>Bounds of the strength; see the layer.</summary>
            Factor: float list
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandomColorJitter; <c>RandomColorJitter.options</c> has Keras's defaults. An empty list leaves a
    /// change out.</summary>
    type RandomColorJitterOptions =
        {
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>As for RandomBrightness.</summary>
            Brightness: float list
            /// <summary>As for RandomContrast.</summary>
            Contrast: float list
            /// <summary>As for RandomSaturation.</summary>
            Saturation: float list
            /// <summary>As for RandomHue.</summary>
            Hue: float list
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandomGaussianBlur; <c>RandomGaussianBlur.options</c> has Keras's defaults.</summary>
    type RandomGaussianBlurOptions =
        {
            /// <summary>Bounds of the probability that an image is blurred, 0 to 1; one number f means 0 to f. Default: 1.</summary>
            Factor: float list
            /// <summary>Rows and columns of the kernel, odd; one number counts for both. Default: 3.</summary>
            KernelSize: int list
            /// <summary>Bounds of the kernel's deviation in cells, 0 to 1; one number f means 0 to f. Default: 1.</summary>
            Sigma: float list
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandomErasing; <c>RandomErasing.options</c> has Keras's defaults.</summary>
    type RandomErasingOptions =
        {
            /// <summary>Bounds of the probability that a box is erased, 0 to 1; one number f means 0 to f. Default: 1.</summary>
            Factor: float list
            /// <summary>Bounds of the box's share of the image; its sides are drawn apart. Default: 0.02 to 0.33.</summary>
            Scale: float list
            /// <summary>The box's value, or one per channel; empty for normal noise. Default: empty.</summary>
            FillValue: float list
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of Solarization; <c>Solarization.options</c> has Keras's defaults.</summary>
    type SolarizationOptions =
        {
            /// <summary>Bounds of what is added first, 0 to 1, of which the upper one is a share of the value range and the lower
            /// one, as in Keras, a level of 255; one number f means 0 to f. Default: 0.</summary>
            AdditionFactor: float list
            /// <summary>Bounds of the value from which pixels are inverted, in the same way; one number f means 0 to f. Default:
            /// 0.</summary>
            ThresholdFactor: float list
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of Equalization; <c>Equalization.options</c> has Keras's defaults.</summary>
    type EqualizationOptions =
        {
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>Bins of the histogram. Default: 256.</summary>
            Bins: int
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of ContrastLimitedAdaptiveHistogramEqualization; <c>AdaptiveEqualization.options</c> has Keras's
    /// defaults.</summary>
    type AdaptiveEqualizationOptions =
        {
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>The greatest count of a bin, in multiples of the mean; 0 or less for no limit. Default: 4.</summary>
            ClipLimit: float
            /// <summary>Tiles per column and per row. Default: 8 and 8.</summary>
            TileGridSize: int list
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of MixUp and CutMix; <c>ImageMix.mixUp</c> and <c>ImageMix.cutMix</c> have Keras's defaults.</summary>
    type ImageMixOptions =
        {
            /// <summary>Both parameters of the beta distribution of the shares: alpha of MixUp (one number, default 0.2), or the
            /// bounds between which it is drawn, factor of CutMix (one number f means 0 to f, default 1).</summary>
            Concentration: float list
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of RandAugment; <c>RandAugment.options</c> has Keras's defaults.</summary>
    type RandAugmentOptions =
        {
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>Changes per batch, of eleven. Default: 2.</summary>
            NumOps: int
            /// <summary>Bounds of their strength, 0 to 1; one number f means 0 to f. Default: 0.5.</summary>
            Factor: float list
            /// <summary>Default: bilinear.</summary>
            Interpolation: Sampling
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of AugMix; <c>AugMix.options</c> has Keras's defaults.</summary>
    type AugMixOptions =
        {
            /// <summary>Least and greatest value of a pixel. Default: (0, 255).</summary>
            ValueRange: float * float
            /// <summary>Chains that are mixed. Default: 3.</summary>
            NumChains: int
            /// <summary>Changes per chain. Default: 3.</summary>
            ChainDepth: int
            /// <summary>Bounds of the strength of changes, 0 to 1; one number f means 0 to f. Default: 0.3.</summary>
            Factor: float list
            /// <summary>The concentration of the shares of chains. Default: 1.</summary>
            Alpha: float
            /// <summary>False leaves out brightness, contrast, sharpness and color degeneration. Default: true.</summary>
            AllOps: bool
            /// <summary>Default: bilinear.</summary>
            Interpolation: Sampling
            /// <summary>Chooses another stream of random numbers.</summary>
            Seed: int option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }
