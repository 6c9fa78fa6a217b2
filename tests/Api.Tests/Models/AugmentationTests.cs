using System.Text.Json;
using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Models;

/// <summary>Layers for images with boxes and masks, and functions of boxes, from C#.</summary>
public class AugmentationTests
{
    private static Tensor Of(JsonElement e) => Tensor.Of(
        Shape.Of([.. e.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())]),
        [.. e.GetProperty("data").EnumerateArray().Select(v => (float)v.GetDouble())]);

    private static Tensor[] Results(string op, JsonElement args, Tensor[] x)
    {
        double Number(string key) => args.GetProperty(key).GetDouble();
        string Text(string key) => args.GetProperty(key).GetString()!;
        (double, double)? Size() => (Number("height"), Number("width"));

        double[]? Variance() => args.GetProperty("variance") is { ValueKind: JsonValueKind.Array } some
            ? [.. some.EnumerateArray().Select(v => v.GetDouble())]
            : null;

        switch (op)
        {
            case "convert_format":
                return [BoundingBoxes.ConvertFormat(x[0], Text("source"), Text("target"), Number("height"), Number("width"))];
            case "clip_to_image_size":
                var (boxes, labels) = BoundingBoxes.ClipToImageSize(x[0], x[1], Number("height"), Number("width"), Text("format"));
                return [boxes, labels];
            case "affine_transform":
                return
                [
                    BoundingBoxes.AffineTransform(
                        x[0], Number("height"), Number("width"), x[1], x[2], x[3], x[4], x[5], x[6], Number("center_x"), Number("center_y")),
                ];
            case "crop":
                return [BoundingBoxes.Crop(x[0], Number("top"), Number("left"), Number("height"), Number("width"))];
            case "pad":
                return [BoundingBoxes.Pad(x[0], Number("top"), Number("left"))];
            case "encode_box_to_deltas":
                return
                [
                    BoundingBoxes.EncodeBoxToDeltas(
                        x[0], x[1], Text("anchor_format"), Text("box_format"), Text("encoding"), Variance(), Size()),
                ];
            case "decode_deltas_to_boxes":
                return
                [
                    BoundingBoxes.DecodeDeltasToBoxes(
                        x[0], x[1], Text("anchor_format"), Text("box_format"), Text("encoding"), Variance(), Size()),
                ];
            case "compute_iou":
                return [BoundingBoxes.ComputeIou(x[0], x[1], Text("format"), args.GetProperty("masked").GetBoolean(), imageShape: Size())];
            case "compute_ciou":
                return [BoundingBoxes.ComputeCiou(x[0], x[1], Text("format"), Size())];
            default:
                return [];
        }
    }

    [Fact]
    public void Functions_of_boxes_agree_with_Keras()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Repository.Path("tests/data/keras/bounding_boxes.json")));
        var compared = 0;

        foreach (var item in file.RootElement.EnumerateArray())
        {
            var op = item.GetProperty("op").GetString()!;
            Tensor[] inputs = [.. item.GetProperty("inputs").EnumerateArray().Select(Of)];
            var results = Results(op, item.GetProperty("args"), inputs);

            foreach (var (actual, expected) in results.Zip(item.GetProperty("outputs").EnumerateArray().Select(Of)))
            {
                compared++;
                Assert.Equal(expected.Shape, actual.Shape);
                var scale = 1 + expected.ToArray<float>().Max(Math.Abs);
                Assert.All(
                    expected.ToArray<float>().Zip(actual.ToArray<float>()),
                    pair => Assert.True(Math.Abs(pair.First - pair.Second) <= 2e-5 * scale, $"{op}: {pair}"));
            }
        }

        Assert.True(compared > 130);
    }

    [Fact]
    public void Whole_numbers_become_floats_and_labels_stay()
    {
        Tensor boxes = new[,] { { -10, -20, 150, 160 }, { 130, 40, 170, 80 } };
        var (clipped, labels) = BoundingBoxes.ClipToImageSize(boxes, new[] { 5, 6 }, height: 100, width: 120);
        Assert.Equal([0f, 0, 120, 100, 120, 40, 120, 80], clipped.ToArray<float>());
        Assert.Equal([5, -1], labels.ToArray<int>());
        var turned = BoundingBoxes.AffineTransform(boxes, 100, 120, angle: 90);
        Assert.Equal(boxes.Shape, turned.Shape);
        var moved = BoundingBoxes.AffineTransform(boxes, 101, 121, translateX: 0.5f);
        Assert.Equal([50f, -20, 210, 160, 190, 40, 230, 80], moved.ToArray<float>());
        Assert.Throws<ArgumentValueException>(() => BoundingBoxes.ConvertFormat(boxes, "xyxy", "rel_xyxy"));
        Assert.Throws<ArgumentValueException>(() => BoundingBoxes.ConvertFormat(boxes, "xyxy", "xyx"));
    }

    [Fact]
    public void A_function_of_boxes_names_the_argument_that_is_missing()
    {
        Tensor boxes = new float[,] { { 1, 0, 3, 2 } };
        Assert.Throws<ArgumentNullException>("boxes", () => BoundingBoxes.Pad((Tensor)null!, 1, 1));
        Assert.Throws<ArgumentNullException>("labels", () => BoundingBoxes.ClipToImageSize(boxes, (Tensor)null!, 4, 6));
        Assert.Throws<ArgumentNullException>("target", () => BoundingBoxes.ConvertFormat(boxes, "xyxy", null!));
    }

    private static Tensor Photo() => Tensor.Of(Shape.Of(4, 6, 3), [.. Enumerable.Range(0, 72).Select(i => (float)i)]);

    [Fact]
    public void An_image_and_what_is_in_it_are_flipped_together()
    {
        var data = new ImageData(
            Photo(),
            labels: new[] { 1f, 0 },
            boxes: new float[,] { { 1, 0, 3, 2 } },
            boxLabels: new[] { 7 },
            segmentationMasks: Tensor.Of(Shape.Of(4, 6), [.. Enumerable.Range(0, 24)]));
        var flip = new RandomFlip("horizontal", boundingBoxFormat: "xyxy");
        var seen = new HashSet<bool>();

        for (var seed = 0; seed < 12; seed++)
        {
            var after = flip.Transform(data, new Random(seed));
            var isFlipped = after.Images.ToArray<float>()[0] != 0;
            seen.Add(isFlipped);
            Assert.Equal(isFlipped ? 15f : 0f, after.Images.ToArray<float>()[0]);
            Assert.Equal(isFlipped ? [3f, 0, 5, 2] : [1f, 0, 3, 2], after.Boxes!.ToArray<float>());
            Assert.Equal([7], after.BoxLabels!.ToArray<int>());
            Assert.Equal(isFlipped ? 5 : 0, after.SegmentationMasks!.ToArray<int>()[0]);
            Assert.Equal([1f, 0], after.Labels!.ToArray<float>());
            Assert.Equal(after.Images.ToArray<float>(), flip.Transform(Photo(), new Random(seed)).ToArray<float>());
        }

        Assert.Equal(2, seen.Count);
        Assert.Equal(Photo().ToArray<float>(), flip.Transform(Photo(), training: false).ToArray<float>());
        Assert.Equal([1f, 0, 3, 2], flip.Transform(data, training: false).Boxes!.ToArray<float>());
    }

    [Fact]
    public void Boxes_need_a_format_and_labels()
    {
        var boxes = new float[,] { { 1, 0, 3, 2 } };
        Assert.Throws<ArgumentValueException>(() => new ImageData(Photo(), boxes: boxes));
        var data = new ImageData(Photo(), boxes: boxes, boxLabels: new[] { 7 });
        var error = Assert.Throws<ArgumentValueException>(() => new RandomZoom(0.2).Transform(data));
        Assert.Contains("bounding_box_format", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentValueException>(() => new CutMix(boundingBoxFormat: "xyxy").Transform(data));
    }

    [Fact]
    public void Boxes_go_through_a_saved_model()
    {
        var (images, boxes, kinds) = (new Input(8, 8, 3), new Input(2, 4), new Input([2], null, DType.Int32));
        var resized = new Resizing(16, 24, boundingBoxFormat: "xywh")
            .Apply(new SymbolicImageData(images) { Boxes = boxes, BoxLabels = kinds });
        var model = new Model([images, boxes, kinds], [resized.Images, resized.Boxes!, resized.BoxLabels!]);
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.fnet");

        try
        {
            model.Save(file);
            var inputs = new Tensor[]
            {
                Tensor.Zeros(DType.Float32, Shape.Of(1, 8, 8, 3)),
                Tensor.Of(Shape.Of(1, 2, 4), [1f, 2, 3, 4, 0, 0, 0, 0]),
                new[,] { { 3, -1 } },
            };

            foreach (var one in new[] { model, Model.Load(file) })
            {
                var outputs = one.Predict(inputs);
                Assert.Equal([3f, 4, 9, 8, 0, 0, 0, 0], outputs[1].ToArray<float>());
                Assert.Equal([3, -1], outputs[2].ToArray<int>());
            }
        }
        finally
        {
            File.Delete(file);
        }
    }
}
