using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>Resizes images.</summary>
/// <param name="height">Rows of the output.</param>
/// <param name="width">Columns of the output.</param>
/// <param name="interpolation">bilinear (default), nearest, bicubic, lanczos3 or lanczos5.</param>
/// <param name="cropToAspectRatio">Whether the largest window of the output's proportions is cut out of the middle
/// first.</param>
/// <param name="padToAspectRatio">Whether borders are added up to the output's proportions first.</param>
/// <param name="fillValue">The value of such borders.</param>
/// <param name="antialias">Whether the kernel widens as images shrink, so that no cell is passed over.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class Resizing(
    int height,
    int width,
    Interpolation? interpolation = null,
    bool cropToAspectRatio = false,
    bool padToAspectRatio = false,
    double fillValue = 0,
    bool antialias = false,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("Resizing", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("height", height)
        .Set("width", width)
        .Set("interpolation", interpolation?.Name)
        .Set("crop_to_aspect_ratio", cropToAspectRatio)
        .Set("pad_to_aspect_ratio", padToAspectRatio)
        .Set("fill_value", fillValue)
        .Set("antialias", antialias));

/// <summary>Cuts out the middle of images. Of smaller images it takes the largest window of those proportions,
/// resized.</summary>
/// <param name="height">Rows of the output.</param>
/// <param name="width">Columns of the output.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class CenterCrop(int height, int width, DataFormat? dataFormat = null, BoundingBoxFormat? boundingBoxFormat = null, string? name = null)
    : ImageLayer("CenterCrop", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("height", height)
        .Set("width", width));

/// <summary>Cuts a window out of images at a random place, the same for a whole batch, in training; of images that are
/// not larger on both axes one at a fixed place, resized if need be. At inference images pass unchanged, in their own
/// size, as in Keras: resize or crop them first.</summary>
/// <param name="height">Rows of the output.</param>
/// <param name="width">Columns of the output.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomCrop(
    int height,
    int width,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomCrop", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("height", height)
        .Set("width", width)
        .Set("seed", seed));

/// <summary>Mirrors half of the images. Training only: at inference images pass unchanged.</summary>
/// <param name="mode">horizontal_and_vertical (default: both at once), horizontal or vertical.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomFlip(
    FlipMode? mode = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomFlip", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("mode", mode?.Name)
        .Set("seed", seed));

/// <summary>Turns images around their middle. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds of the angle as a share of a full turn, -1 to 1, positive counter-clockwise; one
/// number f means -f to f.</param>
/// <param name="fillMode">What lies outside the image: reflect (default), constant, wrap or nearest.</param>
/// <param name="interpolation">bilinear (default) or nearest.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="fillValue">What lies outside with the fill mode constant.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomRotation(
    Factor factor,
    FillMode? fillMode = null,
    Sampling? interpolation = null,
    int? seed = null,
    double fillValue = 0,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomRotation", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor.Values)
        .Set("fill_mode", fillMode?.Name)
        .Set("interpolation", interpolation?.Name)
        .Set("seed", seed)
        .Set("fill_value", fillValue));

/// <summary>Zooms images: out with positive factors, in with negative ones. Training only: at inference images pass
/// unchanged.</summary>
/// <param name="heightFactor">Bounds of the change of height, -1 to 1; one number f means -f to f.</param>
/// <param name="widthFactor">Bounds of the change of width; by default it is that of the height.</param>
/// <param name="fillMode">What lies outside the image: reflect (default), constant, wrap or nearest.</param>
/// <param name="interpolation">bilinear (default) or nearest.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="fillValue">What lies outside with the fill mode constant.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomZoom(
    Factor heightFactor,
    Factor? widthFactor = null,
    FillMode? fillMode = null,
    Sampling? interpolation = null,
    int? seed = null,
    double fillValue = 0,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomZoom", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("height_factor", heightFactor.Values)
        .Set("width_factor", widthFactor?.Values)
        .Set("fill_mode", fillMode?.Name)
        .Set("interpolation", interpolation?.Name)
        .Set("seed", seed)
        .Set("fill_value", fillValue));

/// <summary>Moves images. Training only: at inference images pass unchanged.</summary>
/// <param name="heightFactor">Bounds of the shift down as a share of the height, -1 to 1; one number f means -f to
/// f.</param>
/// <param name="widthFactor">Bounds of the shift to the right as a share of the width, -1 to 1; one number f means
/// -f to f.</param>
/// <param name="fillMode">What lies outside the image: reflect (default), constant, wrap or nearest.</param>
/// <param name="interpolation">bilinear (default) or nearest.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="fillValue">What lies outside with the fill mode constant.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomTranslation(
    Factor heightFactor,
    Factor widthFactor,
    FillMode? fillMode = null,
    Sampling? interpolation = null,
    int? seed = null,
    double fillValue = 0,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomTranslation", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("height_factor", heightFactor.Values)
        .Set("width_factor", widthFactor.Values)
        .Set("fill_mode", fillMode?.Name)
        .Set("interpolation", interpolation?.Name)
        .Set("seed", seed)
        .Set("fill_value", fillValue));

/// <summary>Shears images, in one direction or the other. Training only: at inference images pass
/// unchanged.</summary>
/// <param name="xFactor">Bounds of the shift of a column per row, 0 to 1; one number f means -f to f; 0 by
/// default.</param>
/// <param name="yFactor">Bounds of the shift of a row per column, 0 to 1; one number f means -f to f; 0 by
/// default.</param>
/// <param name="interpolation">bilinear (default) or nearest.</param>
/// <param name="fillMode">What lies outside the image: reflect (default), constant, wrap or nearest.</param>
/// <param name="fillValue">What lies outside with the fill mode constant.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomShear(
    Factor? xFactor = null,
    Factor? yFactor = null,
    Sampling? interpolation = null,
    FillMode? fillMode = null,
    double fillValue = 0,
    DataFormat? dataFormat = null,
    int? seed = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomShear", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("x_factor", xFactor?.Values)
        .Set("y_factor", yFactor?.Values)
        .Set("interpolation", interpolation?.Name)
        .Set("fill_mode", fillMode?.Name)
        .Set("fill_value", fillValue)
        .Set("seed", seed));

/// <summary>Moves the corners of images. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds of the probability that an image is changed, 0 to 1; one number f means 0 to f. By
/// default 1.</param>
/// <param name="scale">How far corners move, 0 to 1: by up to half of this share of the image.</param>
/// <param name="interpolation">bilinear (default) or nearest.</param>
/// <param name="fillValue">What lies outside with the fill mode constant.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomPerspective(
    Factor? factor = null,
    double scale = 1,
    Sampling? interpolation = null,
    double fillValue = 0,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomPerspective", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor?.Values)
        .Set("scale", scale)
        .Set("interpolation", interpolation?.Name)
        .Set("fill_value", fillValue)
        .Set("seed", seed));

/// <summary>Distorts images as if drawn on rubber. Training only: at inference images pass unchanged.</summary>
/// <param name="factor">Bounds of the probability that an image is changed, 0 to 1; one number f means 0 to f. By
/// default 1.</param>
/// <param name="scale">Bounds of the strength, 0 to 1; one number f means 0 to f. By default 1.</param>
/// <param name="interpolation">bilinear (default) or nearest.</param>
/// <param name="fillMode">What lies outside the image: reflect (default), constant, wrap or nearest.</param>
/// <param name="fillValue">What lies outside with the fill mode constant.</param>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandomElasticTransform(
    Factor? factor = null,
    Factor? scale = null,
    Sampling? interpolation = null,
    FillMode? fillMode = null,
    double fillValue = 0,
    ValueRange? valueRange = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandomElasticTransform", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("factor", factor?.Values)
        .Set("scale", scale?.Values)
        .Set("interpolation", interpolation?.Name)
        .Set("fill_mode", fillMode?.Name)
        .Set("fill_value", fillValue)
        .Set("value_range", valueRange?.Values)
        .Set("seed", seed));
