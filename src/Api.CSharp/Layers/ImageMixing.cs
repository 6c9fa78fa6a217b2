using FunctionalNet.Interop;

namespace FunctionalNet.Layers;

/// <summary>A layer that mixes images of a batch with one another, and their labels alike. Apply gives images alone.</summary>
public abstract class ImageMixing : ImageLayer
{
    private protected ImageMixing(string className, string? name, Arguments arguments)
        : base(className, name, arguments)
    {
    }

    /// <summary>Mixes images and their labels.</summary>
    /// <param name="images">Shape (batch, height, width, channels).</param>
    /// <param name="labels">Shape (batch, classes): one-hot vectors or probabilities.</param>
    /// <exception cref="ShapeException">A shape does not fit; the error names the layer.</exception>
    public (SymbolicTensor Images, SymbolicTensor Labels) Mix(SymbolicTensor images, SymbolicTensor labels)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        var nodes = NetworkBridge.Apply(Core, [images.Node, labels.Node]);
        return (new(nodes[0], this, [images, labels]), new(nodes[1], this, [images, labels]));
    }
}

/// <summary>Mixes every image of a batch with another, in training (Zhang et al., 2018).</summary>
/// <param name="alpha">Parameter of the beta distribution of the shares.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class MixUp(
    double alpha = 0.2,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageMixing("MixUp", name, Arguments.Empty
        .Set("alpha", alpha)
        .Set("seed", seed)
        .Set("data_format", dataFormat?.Name)
        .Set("bounding_box_format", boundingBoxFormat?.Name));

/// <summary>Pastes a box of another image of the batch into every image, in training (Yun et al., 2019).</summary>
/// <param name="factor">Bounds of the parameter of the beta distribution of the boxes, 0 to 1; one number f means 0
/// to f. By default 1.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class CutMix(
    Factor? factor = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageMixing("CutMix", name, Arguments.Empty
        .Set("factor", factor?.Values)
        .Set("seed", seed)
        .Set("data_format", dataFormat?.Name)
        .Set("bounding_box_format", boundingBoxFormat?.Name));

/// <summary>A few changes chosen at random for every batch, one after the other (Cubuk et al., 2019). In a model
/// all eleven are computed every time; ahead of one, by Transform, only those chosen. Training only: at inference images pass unchanged.</summary>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="numOps">Changes per batch.</param>
/// <param name="factor">Bounds of their strength, 0 to 1; one number f means 0 to f. By default 0.5.</param>
/// <param name="interpolation">bilinear (default) or nearest.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class RandAugment(
    ValueRange? valueRange = null,
    int numOps = 2,
    Factor? factor = null,
    Sampling? interpolation = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("RandAugment", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("value_range", valueRange?.Values)
        .Set("num_ops", numOps)
        .Set("factor", factor?.Values)
        .Set("interpolation", interpolation?.Name)
        .Set("seed", seed));

/// <summary>Chains of random changes, mixed with one another and with the images (Hendrycks et al., 2020). Training
/// only: at inference images pass unchanged.</summary>
/// <param name="valueRange">Least and greatest value of a pixel; (0, 255) by default.</param>
/// <param name="numChains">Chains.</param>
/// <param name="chainDepth">Changes per chain.</param>
/// <param name="factor">Bounds of the strength of changes, 0 to 1; one number f means 0 to f. By default
/// 0.3.</param>
/// <param name="alpha">The concentration of the shares of chains.</param>
/// <param name="allOps">Whether brightness, contrast, sharpness and color degeneration are among the
/// changes.</param>
/// <param name="interpolation">bilinear (default) or nearest.</param>
/// <param name="seed">Chooses another stream of random numbers.</param>
/// <param name="dataFormat">channels_last (default) or channels_first.</param>
/// <param name="boundingBoxFormat">How bounding boxes that come with the images are written down; needed only if there are
/// any.</param>
/// <param name="name">Its name in the model; by default the class's, numbered.</param>
public sealed class AugMix(
    ValueRange? valueRange = null,
    int numChains = 3,
    int chainDepth = 3,
    Factor? factor = null,
    double alpha = 1,
    bool allOps = true,
    Sampling? interpolation = null,
    int? seed = null,
    DataFormat? dataFormat = null,
    BoundingBoxFormat? boundingBoxFormat = null,
    string? name = null)
    : ImageLayer("AugMix", name, dataFormat, boundingBoxFormat, Arguments.Empty
        .Set("value_range", valueRange?.Values)
        .Set("num_chains", numChains)
        .Set("chain_depth", chainDepth)
        .Set("factor", factor?.Values)
        .Set("alpha", alpha)
        .Set("all_ops", allOps)
        .Set("interpolation", interpolation?.Name)
        .Set("seed", seed));
