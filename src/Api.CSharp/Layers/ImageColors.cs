using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Adds a number to images. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds of the number as a share of the value range, -1 to 1; one number f means -f to
/// f.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomBrightness(
    Factor factor,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomBrightness", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Multiplies the distances from every channel's mean. Training only: at inference images pass
/// unchanged.</summary>
/// <param name="factor">Bounds of the change of the multiplier, 0 to 1: (lower, upper) means 1 - lower to 1 +
/// upper; one number f means 1 to 1 + f.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomContrast(
    Factor factor,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomContrast", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Turns the hues of images. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds of twice the turn, either way, 0 to 1; one number f means 0 to f.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomHue(
    Factor factor,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomHue", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Multiplies the saturation of images by f / (1 - f). As in Keras, it is the saturation that is clipped to the
/// value range, so that with (0, 255) strong factors give colors outside of it. Training only: at inference images pass
/// unchanged.</summary>
/// <param name="factor">Bounds of f: 0 gives gray, 0.5 changes nothing; one number f means -f to f.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomSaturation(
    Factor factor,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomSaturation", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Blurs or sharpens images. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds, 0 to 1: 0 gives a smoothed image, 0.5 changes nothing, 1 sharpens; one number f
/// means 0 to f.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomSharpness(
    Factor factor,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomSharpness", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Blends images with their gray image. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds of the share of gray, -1 to 1; one number f means -f to f.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomColorDegeneration(
    Factor factor,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomColorDegeneration", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Changes brightness, contrast, saturation and hue, in this order. Training only: at inference images
/// pass unchanged.</summary>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="brightnessFactor">As for RandomBrightness; no change by default.</param>
/// <param name="contrastFactor">As for RandomContrast; no change by default.</param>
/// <param name="saturationFactor">As for RandomSaturation; no change by default.</param>
/// <param name="hueFactor">As for RandomHue; no change by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomColorJitter(
    ValueRange? valueRange = null,
    Factor? brightnessFactor = null,
    Factor? contrastFactor = null,
    Factor? saturationFactor = null,
    Factor? hueFactor = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomColorJitter", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("value_range", valueRange?.Values)
        .Set("brightness_factor", brightnessFactor?.Values)
        .Set("contrast_factor", contrastFactor?.Values)
        .Set("saturation_factor", saturationFactor?.Values)
        .Set("hue_factor", hueFactor?.Values)
        .Set("seed", seed));

/// <summary>Makes images gray. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">The probability, 0 to 1.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomGrayscale(
    double factor = 0.5,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomGrayscale", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor)
        .Set("seed", seed));

/// <summary>Inverts images: a pixel becomes the greatest value minus itself. Training only: at inference images
/// pass unchanged.</summary>
/// <param name="factor">Bounds of the probability, 0 to 1; one number f means 0 to f. By default 1.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomInvert(
    Factor? factor = null,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomInvert", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor?.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Keeps the highest bits of pixels only. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">How many of eight bits, 1 to 8; of two numbers, from the first to below the second; one
/// number f above 1 means 1 to below f.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomPosterization(
    Factor factor,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomPosterization", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Smooths images by a normal distribution. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds of the probability that an image is blurred, 0 to 1; one number f means 0 to f. By
/// default 1.</param>
/// <param name="kernelSize">Size of the kernel, odd; 3 by default.</param>
/// <param name="sigma">Bounds of the distribution's deviation in cells, 0 to 1; one number f means 0 to f. By
/// default 1.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomGaussianBlur(
    Factor? factor = null,
    Size2? kernelSize = null,
    Factor? sigma = null,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomGaussianBlur", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor?.Values)
        .Set("kernel_size", kernelSize?.Values)
        .Set("sigma", sigma?.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Overwrites a box in every image. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds of the probability, 0 to 1; one number f means 0 to f. By default 1.</param>
/// <param name="scale">Bounds of the box's share of the image; (0.02, 0.33) by default.</param>
/// <param name="fillValue">The box's value, or one per channel; normal noise by default.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomErasing(
    Factor? factor = null,
    Factor? scale = null,
    Numbers? fillValue = null,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomErasing", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor?.Values)
        .Set("scale", scale?.Values)
        .Set("fill_value", fillValue?.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Inverts bright pixels. Training only: at inference images pass unchanged.</summary>
/// <param name="additionFactor">Bounds of what is added first, 0 to 1, of which the upper one is a share of the value
/// range and the lower one, as in Keras, a level of 255; one number f means 0 to f. By default 0.</param>
/// <param name="thresholdFactor">Bounds of the value from which pixels are inverted, in the same way; one number f
/// means 0 to f. By default 0.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Solarization(
    Factor? additionFactor = null,
    Factor? thresholdFactor = null,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("Solarization", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("addition_factor", additionFactor?.Values)
        .Set("threshold_factor", thresholdFactor?.Values)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));

/// <summary>Stretches every channel of every image to the whole value range, in training and at
/// inference.</summary>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AutoContrast(
    ValueRange? valueRange = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("AutoContrast", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("value_range", valueRange?.Values));

/// <summary>Spreads the values of every channel evenly, by the histogram of the batch. Training only: at inference
/// images pass unchanged.</summary>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="bins">Bins of the histogram.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Equalization(
    ValueRange? valueRange = null,
    int bins = 256,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("Equalization", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("value_range", valueRange?.Values)
        .Set("bins", bins));

/// <summary>Spreads values by the histograms of the tiles around every pixel, in training and at inference (CLAHE;
/// Zuiderveld, 1994).</summary>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="clipLimit">The greatest count of a bin, in multiples of the mean; 0 for no limit.</param>
/// <param name="tileGridSize">Tiles per column and per row; 8 by default.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class ContrastLimitedAdaptiveHistogramEqualization(
    ValueRange? valueRange = null,
    double clipLimit = 4,
    Size2? tileGridSize = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("ContrastLimitedAdaptiveHistogramEqualization", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("value_range", valueRange?.Values)
        .Set("clip_limit", clipLimit)
        .Set("tile_grid_size", tileGridSize?.Values));
