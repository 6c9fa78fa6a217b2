namespace FunctionalNet.Datasets;

/// <summary>Images and the class of each: what <c>Fit</c> and <c>Evaluate</c> take.</summary>
/// <param name="images">float32, shape (n, height, width, channels), scaled to 0..1.</param>
/// <param name="labels">int32, shape (n,): class numbers from 0.</param>
public sealed class LabeledImages(Tensor images, Tensor labels)
{
    /// <summary>The images: float32, shape (n, height, width, channels), scaled to 0..1.</summary>
    public Tensor Images { get; } = images;

    /// <summary>The class numbers: int32, shape (n,).</summary>
    public Tensor Labels { get; } = labels;

    /// <summary>The number of images.</summary>
    public int Count => Labels.Size;

    /// <summary>Takes the two apart: <c>var (x, y) = train;</c>.</summary>
    /// <param name="images">The images.</param>
    /// <param name="labels">The class numbers.</param>
    public void Deconstruct(out Tensor images, out Tensor labels) => (images, labels) = (Images, Labels);
}
