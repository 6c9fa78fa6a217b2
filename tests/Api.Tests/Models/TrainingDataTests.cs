using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

/// <summary>What Fit, Evaluate and Predict make of the data they are given.</summary>
public class TrainingDataTests
{
    private static History Fit(
        Model model,
        Tensor x,
        Tensor y,
        int epochs = 3,
        IReadOnlyDictionary<int, double>? classWeight = null,
        Tensor? sampleWeight = null) =>
        model.Fit(
            x, y, batchSize: 1_000, epochs: epochs, verbosity: Verbosity.Silent, shuffle: false,
            classWeight: classWeight, sampleWeight: sampleWeight);

    /// <summary>The rows again, in that order.</summary>
    private static Tensor Pick(Tensor data, int[] rows)
    {
        var width = data.Size / data.Shape[0];
        var values = rows.SelectMany(row => data.ToArray<float>().Skip(row * width).Take(width)).ToArray();
        return Tensor.Of(Shape.Of([rows.Length, .. data.Shape.ToArray().Skip(1)]), values);
    }

    [Theory]
    [InlineData("sum")]
    [InlineData("mean_with_sample_weight")]
    public void Weights_of_samples_are_as_good_as_repeating_them(string reduction)
    {
        var (x, y) = Lines.Data(4);
        var loss = new MeanSquaredError(reduction);
        var weighted = Lines.Model(new SGD(0.02), loss);
        var history = Fit(weighted, x, y, sampleWeight: new float[] { 1, 3, 0, 2 });
        int[] rows = [0, 1, 1, 1, 3, 3];
        var repeated = Lines.Model(new SGD(0.02), loss);
        var expected = Fit(repeated, Pick(x, rows), Pick(y, rows));

        Lines.AssertClose(repeated.GetWeights(), weighted.GetWeights(), 1e-6);
        Assert.All(expected["loss"].Zip(history["loss"]), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.False(weighted.GetWeights()[0].BitEquals(Trained(loss, x, y)));
    }

    private static Tensor Trained(Loss loss, Tensor x, Tensor y)
    {
        var model = Lines.Model(new SGD(0.02), loss);
        Fit(model, x, y);
        return model.GetWeights()[0];
    }

    [Fact]
    public void Weights_of_classes_are_weights_of_their_samples()
    {
        var (x, _) = Lines.Data(6);
        int[] labels = [0, 2, 1, 1, 0, 2];

        Tensor Train(IReadOnlyDictionary<int, double>? classes, Tensor? samples)
        {
            var model = new Sequential(seed: 2) { new Input(2), new Dense(3, activation: "softmax") };
            model.Compile(new SGD(0.5), "sparse_categorical_crossentropy");
            Fit(model, x, labels, classWeight: classes, sampleWeight: samples);
            return model.GetWeights()[0];
        }

        var byClass = Train(new Dictionary<int, double> { [1] = 4, [2] = 0.5 }, null);
        Assert.True(byClass.BitEquals(Train(null, new[] { 1, 0.5f, 4, 4, 1, 0.5f })));
        Assert.False(byClass.BitEquals(Train(null, null)));
    }

    [Fact]
    public void Validation_takes_the_last_rows()
    {
        var (x, y) = Lines.Data(20);
        var model = Lines.Model(new SGD(0.0));
        var history = model.Fit(x, y, validationSplit: 0.25, verbosity: Verbosity.Silent);
        var (first, last) = (
            model.Evaluate(x.Rows(0, 15), y.Rows(0, 15), verbosity: Verbosity.Silent)["loss"],
            model.Evaluate(x.Rows(15, 5), y.Rows(15, 5), verbosity: Verbosity.Silent)["loss"]);
        Assert.Equal(first, history["loss"][0], 1e-6);
        Assert.Equal(last, history["val_loss"][0], 1e-6);
        Assert.NotEqual(first, last, 1e-3);
    }

    [Fact]
    public void Training_goes_on_at_the_initial_epoch()
    {
        var (x, y) = Lines.Data();
        var seen = new List<int>();
        var history = Lines.Model().Fit(
            x, y, epochs: 5, initialEpoch: 3, verbosity: Verbosity.Silent,
            callbacks: [new LambdaCallback(onEpochBegin: seen.Add)]);
        Assert.Equal([3, 4], seen);
        Assert.Equal([3, 4], history.Epochs);
        Assert.Equal(2, history["loss"].Count);
    }

    [Fact]
    public void An_epoch_has_the_steps_it_is_told()
    {
        var (x, y) = Lines.Data();
        var batches = 0;
        Lines.Model().Fit(
            x, y, batchSize: 4, epochs: 2, stepsPerEpoch: 2, verbosity: Verbosity.Silent,
            callbacks: [new LambdaCallback(onTrainBatchEnd: (_, _) => batches++)]);
        Assert.Equal(4, batches);
    }

    [Fact]
    public void Arrays_of_all_kinds_are_the_same_data()
    {
        var model = Lines.Model();
        var expected = model.Predict(new float[,] { { 1, 2 }, { 3, 4 } });
        float[] values = [0, 1, 2, 3, 4];

        Assert.True(expected.BitEquals(model.Predict(new float[][] { [1, 2], [3, 4] })));
        Assert.True(expected.BitEquals(model.Predict(Tensor.Of(Shape.Of(2, 2), new ReadOnlyMemory<float>(values, 1, 4)))));
        Assert.True(expected.BitEquals(model.Predict(Tensor.Of(Shape.Of(2, 2), values.AsSpan(1)))));
        Assert.True(expected.BitEquals(model.Predict(new int[,] { { 1, 2 }, { 3, 4 } })));
        Assert.True(expected.BitEquals(model.Predict(new double[,] { { 1, 2 }, { 3, 4 } })));

        var error = Assert.Throws<ShapeException>(() => model.Predict(new float[][] { [1, 2], [3] }));
        Assert.Equal("row 1", error.Path);
    }

    [Fact]
    public void A_span_looks_at_the_tensor_and_copies_nothing()
    {
        Tensor tensor = new float[,] { { 1, 2 }, { 3, 4 } };
        var span = tensor.AsSpan<float>();
        Assert.Equal(3, span[2]);
        Assert.True(Unsafe.AreSame(
            ref MemoryMarshal.GetReference(span), ref MemoryMarshal.GetReference(tensor.AsSpan<float>())));
        Assert.True(Unsafe.AreSame(
            ref MemoryMarshal.GetReference(span), ref MemoryMarshal.GetReference(tensor.Reshape(Shape.Of(4)).AsSpan<float>())));
        Assert.False(Unsafe.AreSame(
            ref MemoryMarshal.GetReference(span), ref MemoryMarshal.GetReference<float>(tensor.ToArray<float>())));
    }

    [Fact]
    public void Data_that_does_not_fit_is_refused_by_name()
    {
        var model = Lines.Model();
        var error = Assert.Throws<ShapeException>(() => model.Predict(new float[3, 5]));
        Assert.Contains("(None, 2)", error.Expected, StringComparison.Ordinal);
        Assert.Contains("5", error.Actual, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => model.Predict(new float[3, 2, 2]));
        Assert.ThrowsAny<FunctionalNetException>(() => model.Predict([new float[3, 2], new float[3, 2]]));
        Assert.ThrowsAny<FunctionalNetException>(() => model.Fit(new float[4, 2], new float[4, 3], verbosity: Verbosity.Silent));
        Assert.Throws<DTypeException>(() => Tensor.OfArray(new short[3]));
        Assert.Throws<DTypeException>(() => model.GetWeights()[0].AsSpan<double>());
        Assert.ThrowsAny<FunctionalNetException>(() => model.Predict(new double[2], new double[1]));
        Assert.ThrowsAny<FunctionalNetException>(() => model.Predict(new float[4], new float[1]));
    }

    [Fact]
    public void One_batch_is_one_step_of_an_epoch()
    {
        var (x, y) = Lines.Data(8);
        var (one, other) = (Lines.Model(new Adam(0.1)), Lines.Model(new Adam(0.1)));
        var before = one.TestOnBatch(x, y)["loss"];
        Assert.Equal(one.Evaluate(x, y, verbosity: Verbosity.Silent)["loss"], before, 1e-7);
        Assert.Equal(before, one.TrainOnBatch(x, y)["loss"], 1e-7);
        Assert.True(one.TestOnBatch(x, y)["loss"] < before);
        Fit(other, x, y, epochs: 1);
        Lines.AssertClose(other.GetWeights(), one.GetWeights(), 0);
        Assert.True(one.PredictOnBatch(x).BitEquals(one.Predict(x)));
    }

    [Fact]
    public void Float64_keeps_its_digits()
    {
        var model = new Sequential(dtype: DType.Float64) { new Input(1), new Dense(1, kernelInitializer: Initializers.Constant(0.1)) };
        model.Compile(new SGD(0.3), "mse");
        model.TrainOnBatch(new double[,] { { 0.7 } }, new double[,] { { 1.1 } });
        var residual = 0.7 * 0.1 - 1.1;
        Assert.Equal(0.1 - 0.3 * 2 * residual * 0.7, model.GetWeights()[0].ToArray<double>()[0], 1e-15);
        Assert.Equal(-0.3 * 2 * residual, model.GetWeights()[1].ToArray<double>()[0], 1e-15);
    }

    [Fact]
    public void Golden_summary_of_a_functional_model()
    {
        var image = new Input([8, 8, 3], "image");
        var size = new Input([1], "size");
        var features = new GlobalAveragePooling2D().Apply(
            new ReLU().Apply(new DepthwiseConv2D(3, padding: "same").Apply(image)));
        var joined = new Concatenate().Apply(features, size);
        var model = new Model([image, size], [new Dense(2, name: "kind").Apply(joined)], name: "shop");
        model.GetLayer("kind").Trainable = false;
        var text = new StringWriter();
        model.Summary(text, showTrainable: true);
        Golden.Check("summary/functional-from-csharp.txt", text.ToString());
        Assert.Equal(3 * 9 + 3 + 4 * 2 + 2, model.CountParameters());
    }
}
