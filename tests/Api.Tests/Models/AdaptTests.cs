using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Models;

/// <summary>Layers that learn from data ahead of training, ahead of the model or in it.</summary>
public class AdaptTests
{
    private static readonly Tensor X = new float[,] { { 1, 200 }, { 2, 400 }, { 3, 100 }, { 6, 300 } };

    private static float[] Normalised(Model model) => model.Predict(X).ToArray<float>();

    private static void IsNormal(float[] values)
    {
        for (var column = 0; column < 2; column++)
        {
            var own = values.Where((_, i) => i % 2 == column).ToArray();
            Assert.Equal(0, own.Average(), 1e-5);
            Assert.Equal(1, own.Average(v => v * v), 1e-5);
        }
    }

    [Fact]
    public void A_layer_is_adapted_ahead_of_its_model()
    {
        var layer = new Normalization();
        layer.Adapt(X);
        var model = new Sequential { new Input(2), layer };
        IsNormal(Normalised(model));
        // Keras's weights: mean, variance and count.
        Assert.Equal(3, layer.GetWeights().Count);
        Assert.Equal(["mean", "variance", "count"], model.GetNamedWeights().Select(w => w.Key.Split('/')[^1]));
    }

    [Fact]
    public void A_layer_is_adapted_between_its_application_and_the_model()
    {
        var layer = new Normalization();
        var input = new Input(2);
        var output = layer.Apply(input);
        layer.Adapt(Dataset.FromTensors(X).Batch(3));
        IsNormal(Normalised(new Model(input, output)));
    }

    [Fact]
    public void A_layer_is_adapted_in_a_model_that_has_weights()
    {
        var layer = new Normalization();
        var model = new Sequential { new Input(2), layer };
        Assert.Equal(X.ToArray<float>(), Normalised(model));
        layer.Adapt(X);
        IsNormal(Normalised(model));
        // Again, to other data.
        layer.Adapt([X.Rows(0, 2), X.Rows(0, 2)]);
        Assert.Equal([1.5f, 300f], layer.GetWeights()[0].ToArray<float>());
        // Data with other features do not fit, and change nothing.
        Assert.Throws<ShapeException>(() => layer.Adapt(Tensor.Zeros(DType.Float32, Shape.Of(4, 3))));
        Assert.Equal([1.5f, 300f], layer.GetWeights()[0].ToArray<float>());
    }

    [Fact]
    public void Axes_may_be_none_or_several()
    {
        var whole = new Normalization(axis: Axes.None);
        whole.Adapt(X);
        _ = Normalised(new Sequential { new Input(2), whole });
        Assert.Equal(126.5f, whole.GetWeights()[0].ToArray<float>().Single());

        var each = new Normalization(axis: (int[])[1, 2]);
        Tensor cube = Tensor.Of(Shape.Of(2, 1, 2), [1f, 2, 3, 6]);
        each.Adapt(cube);
        var model = new Sequential { new Input(1, 2), each };
        Assert.Equal([-1f, -1, 1, 1], model.Predict(cube).ToArray<float>());
        Assert.Equal(Shape.Of(1, 2), each.GetWeights()[0].Shape);
    }

    [Fact]
    public void A_fixed_mean_is_not_adapted() =>
        Assert.Throws<ArgumentValueException>(() => new Normalization(mean: 1, variance: 2).Adapt(X));

    [Fact]
    public void Boundaries_are_learnt_before_the_layer_is_used()
    {
        var layer = new Discretization(numBins: 4);
        Assert.Empty(layer.BinBoundaries);
        Tensor data = Enumerable.Range(0, 1000).Select(i => (float)i).ToArray();
        layer.Adapt(data.Reshape(Shape.Of(1000, 1)));
        Assert.Equal(3, layer.BinBoundaries.Count);
        Assert.All(layer.BinBoundaries.Zip([250.0, 500, 750]), pair => Assert.InRange(pair.First, pair.Second - 15, pair.Second + 15));
        var model = new Sequential { new Input(1), layer };
        Assert.Equal([0L, 1L, 2L, 3L], model.Predict(new float[,] { { 100 }, { 300 }, { 600 }, { 900 } }).ToArray<long>());
        // Boundaries are part of the architecture: it is saved with them.
        Assert.Contains("bin_boundaries", model.ToJson(), StringComparison.Ordinal);
        Assert.Throws<NotReadyException>(() => layer.Adapt(data));
        Assert.Throws<ArgumentValueException>(() => new Discretization([0, 1]).Adapt(data));
        Assert.Throws<ArgumentValueException>(() => new Discretization().Adapt(data));
    }

    [Fact]
    public void Lookups_adapt_to_arrays_tensors_and_datasets()
    {
        long[] ids = [7, 3, 7, 7, 3, 5];
        int[] small = [7, 3, 7, 7, 3, 5];

        foreach (var adapt in new Action<IntegerLookup>[]
        {
            lookup => lookup.Adapt(ids),
            lookup => lookup.Adapt(small),
            lookup => lookup.Adapt(Dataset.FromTensors(small).Batch(4)),
        })
        {
            var lookup = new IntegerLookup();
            adapt(lookup);
            Assert.Equal([-1L, 7, 3, 5], lookup.GetVocabulary());
            Assert.Equal([1, 0], lookup.Transform([7L, 8L]).ToArray<int>());
            Assert.Equal([2, 2], lookup.Transform((Tensor)(int[])[3, 3]).ToArray<int>());
        }
    }

    [Fact]
    public void Boxes_are_limited()
    {
        var boxes = new Input(3, 4);
        var labels = new Input(3);
        var (fewer, names) = new MaxNumBoundingBoxes(2).Limit(boxes, labels);
        var model = new Model([boxes, labels], [fewer, names]);
        var outputs = model.Predict([Tensor.Zeros(DType.Float32, Shape.Of(5, 3, 4)), Tensor.Zeros(DType.Float32, Shape.Of(5, 3))]);
        Assert.Equal(Shape.Of(5, 2, 4), outputs[0].Shape);
        Assert.Equal(Shape.Of(5, 2), outputs[1].Shape);
    }
}
