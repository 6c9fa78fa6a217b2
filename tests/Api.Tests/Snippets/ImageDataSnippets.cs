using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Snippets;

/// <summary>What docs/data.md says about images with boxes and masks.</summary>
public class ImageDataSnippets
{
    private static Dataset<ImageData> Photos() =>
        Dataset.FromEnumerable(Enumerable.Range(0, 12).Select(i => new ImageData(
            Tensor.Of(Shape.Of(40, 60, 3), [.. Enumerable.Range(0, 40 * 60 * 3).Select(p => (float)(p * i % 255))]),
            boxes: Enumerable.Range(0, i % 3 + 1).Select(b => new float[] { 5 + b, 4, 20 + b, 30 }).ToArray(),
            boxLabels: Enumerable.Repeat(i, i % 3 + 1).ToArray())));

    [Fact]
    public void Pipeline()
    {
        var photos = Photos();

        // snippet: data-boxes
        // photos: a Dataset<ImageData> of images with as many boxes (left, top, right, bottom) and labels as there are things in them.
        var augment = new Pipeline(
        [
            new RandomFlip("horizontal", boundingBoxFormat: "xyxy"),
            new RandomRotation(0.05, boundingBoxFormat: "xyxy"),
            new RandomBrightness(0.2),
            new Resizing(32, 32, boundingBoxFormat: "xyxy"),
            new MaxNumBoundingBoxes(10),
        ]);

        var batches = photos
            .Repeat()
            .MapRandom((photo, random) => augment.Transform(photo, random), seed: 1, parallelism: 2)
            .Batch(4)
            .Prefetch();

        ImageData batch = batches.First();
        // Images (4, 32, 32, 3), Boxes (4, 10, 4), BoxLabels (4, 10), which are -1 where there is no box.
        // end snippet
        Assert.Equal(Shape.Of(4, 32, 32, 3), batch.Images.Shape);
        Assert.Equal(Shape.Of(4, 10, 4), batch.Boxes!.Shape);
        Assert.Equal(-1, batch.BoxLabels!.ToArray<int>()[9]);

        // snippet: data-box-functions
        Tensor shares = BoundingBoxes.ConvertFormat(batch.Boxes!, "xyxy", "rel_center_xywh", height: 32, width: 32);
        Tensor overlaps = BoundingBoxes.ComputeIou(batch.Boxes!, batch.Boxes!, "xyxy"); // (4, 10, 10)
        // end snippet
        Assert.Equal(batch.Boxes.Shape, shares.Shape);
        Assert.Equal(Shape.Of(4, 10, 10), overlaps.Shape);
    }

    [Fact]
    public void InAModel()
    {
        // snippet: data-masks-in-a-model
        var photos = new Input(64, 64, 3);
        var outlines = new Input([64, 64], null, DType.Int32);
        var turned = new RandomRotation(0.1).Apply(new SymbolicImageData(photos) { SegmentationMasks = outlines });
        var model = new Model([photos, outlines], [turned.Images, turned.SegmentationMasks!]);
        // end snippet
        Assert.Equal(2, model.Outputs.Count);
    }
}
