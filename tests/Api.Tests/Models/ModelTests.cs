using FunctionalNet.Layers;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

public class ModelTests
{
    /// <summary>Points of a circle and of the ring around it.</summary>
    private static (Tensor X, Tensor Y) Rings(int count, int seed)
    {
        var random = new Random(seed);
        var x = new float[count, 2];
        var y = new float[count, 1];

        for (var i = 0; i < count; i++)
        {
            var inside = i % 2 == 0;
            var radius = (inside ? 0.5 : 1.5) + 0.3 * (random.NextDouble() - 0.5);
            var angle = random.NextDouble() * 2 * Math.PI;
            (x[i, 0], x[i, 1]) = ((float)(radius * Math.Cos(angle)), (float)(radius * Math.Sin(angle)));
            y[i, 0] = inside ? 1 : 0;
        }

        return (x, y);
    }

    private static Sequential Classifier(int seed = 0) =>
        new(seed: seed)
        {
            new Input(2),
            new Dense(16, activation: "tanh"),
            new Dropout(0.1),
            new Dense(1, activation: Activations.Sigmoid),
        };

    [Fact]
    public void Fit_learns_what_a_line_cannot_tell_apart()
    {
        var (x, y) = Rings(400, 1);
        var model = Classifier();
        model.Compile(new Adam(0.03), "binary_crossentropy", ["accuracy", new AUC()]);
        var history = model.Fit(x, y, epochs: 25, verbosity: Verbosity.Silent, validationSplit: 0.25);

        Assert.Equal(25, history["loss"].Count);
        Assert.Equal(["accuracy", "auc", "loss", "val_accuracy", "val_auc", "val_loss"], history.Names);
        Assert.True(history["val_accuracy"][^1] > 0.95);
        Assert.True(model.Evaluate(x, y, verbosity: Verbosity.Silent)["auc"] > 0.98);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_another_seed_others()
    {
        var (x, y) = Rings(100, 2);

        Tensor Train(int seed)
        {
            var model = Classifier(seed);
            model.Compile("adam", "binary_crossentropy");
            model.Fit(x, y, epochs: 2, verbosity: Verbosity.Silent);
            return model.Predict(x);
        }

        Assert.True(Train(5).BitEquals(Train(5)));
        Assert.False(Train(5).BitEquals(Train(6)));
    }

    [Fact]
    public void A_model_without_input_takes_its_shape_from_the_data()
    {
        var (x, y) = Rings(64, 3);
        var model = new Sequential { new Dense(4, activation: "relu"), new Dense(1) };
        model.Compile("sgd", "mse");
        Assert.Throws<NotReadyException>(() => new Sequential { new Dense(4) }.CountParameters());
        model.Fit(x, y, verbosity: Verbosity.Silent);
        Assert.Equal(2 * 4 + 4 + 4 + 1, model.CountParameters());
    }

    [Fact]
    public void Shapes_are_checked_when_a_layer_is_added()
    {
        var model = new Sequential { new Input(8, 8, 1), new Conv2D(4, 3) };
        var error = Assert.Throws<ShapeException>(() => model.Add(new Conv2D(4, kernelSize: 9)));
        Assert.Contains("conv2d", error.Path, StringComparison.Ordinal);
        Assert.NotEqual("", error.Expected);
        Assert.NotEqual("", error.Actual);
        Assert.NotEqual("", error.Hint);
    }

    [Fact]
    public void Fit_before_compile_is_refused()
    {
        var (x, y) = Rings(8, 4);
        Assert.Throws<NotReadyException>(() => Classifier().Fit(x, y));
    }

    [Fact]
    public void Compile_without_a_loss_is_refused() =>
        Assert.Throws<ArgumentValueException>(() => Classifier().Compile("adam"));

    [Theory]
    [InlineData("adamm", "mse", "accuracy", "adam")]
    [InlineData("adam", "mean_square_error", "accuracy", "mean_squared_error")]
    [InlineData("adam", "mse", "acuracy", "accuracy")]
    public void Unknown_names_are_refused_with_the_nearest(string optimizer, string loss, string metric, string nearest)
    {
        var error = Assert.Throws<ArgumentValueException>(() => Classifier().Compile(optimizer, loss, [metric]));
        Assert.Contains(nearest, error.Hint + error.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_activation_is_refused_by_the_layer()
    {
        var error = Assert.Throws<ArgumentValueException>(() => new Dense(3, activation: "rellu"));
        Assert.Contains("relu", error.Hint + error.Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    public void Sizes_below_one_are_refused(int units) =>
        Assert.ThrowsAny<FunctionalNetException>(() => new Dense(units));

    [Fact]
    public void Bad_data_is_refused_before_anything_is_trained()
    {
        var (x, y) = Rings(40, 5);
        var model = Classifier();
        model.Compile("adam", "binary_crossentropy");
        var before = model.GetWeights();

        Assert.Throws<DataException>(() => model.Fit(x, y.Rows(0, 39), verbosity: Verbosity.Silent));
        Assert.Throws<DataException>(() => model.Fit(x.Rows(0, 0), y.Rows(0, 0), verbosity: Verbosity.Silent));

        var broken = x.ToArray<float>();
        broken[2 * 37] = float.NaN;
        var error = Assert.Throws<DataException>(
            () => model.Fit(Tensor.Of(x.Shape, broken), y, batchSize: 8, verbosity: Verbosity.Silent));
        Assert.Equal(4, error.Batch);
        Assert.Equal(37, error.Row);

        var after = model.GetWeights();
        Assert.All(before.Zip(after), pair => Assert.True(pair.First.BitEquals(pair.Second)));
    }

    [Fact]
    public void Labels_out_of_range_are_refused()
    {
        var model = new Sequential { new Input(2), new Dense(3, activation: "softmax") };
        model.Compile("adam", "sparse_categorical_crossentropy");
        var error = Assert.Throws<DataException>(
            () => model.Fit(new float[4, 2], new[] { 0, 1, 3, 2 }, verbosity: Verbosity.Silent));
        Assert.Equal(2, error.Row);
    }

    [Fact]
    public void Frozen_layers_keep_their_weights()
    {
        var (x, y) = Rings(64, 6);
        var model = Classifier();
        model.Layers[0].Trainable = false;
        model.Compile("adam", "binary_crossentropy");
        var before = model.GetWeights();
        model.Fit(x, y, epochs: 2, verbosity: Verbosity.Silent);
        var after = model.GetWeights();

        Assert.True(before[0].BitEquals(after[0]));
        Assert.True(before[1].BitEquals(after[1]));
        Assert.False(before[2].BitEquals(after[2]));

        model.Layers[0].Trainable = true;
        model.Compile("adam", "binary_crossentropy");
        model.Fit(x, y, verbosity: Verbosity.Silent);
        Assert.False(after[0].BitEquals(model.GetWeights()[0]));
    }

    [Fact]
    public void A_layer_object_used_twice_shares_its_weights()
    {
        var shared = new Dense(4);
        var (a, b) = (new Input(3), new Input(3));
        var model = new Model([a, b], [new Subtract().Apply(shared.Apply(a), shared.Apply(b))]);
        Assert.Equal(3 * 4 + 4, model.CountParameters());

        Tensor x = new float[,] { { 1, 2, 3 } };
        Assert.All(model.Predict([x, x])[0].ToArray<float>(), v => Assert.Equal(0f, v));
    }

    [Fact]
    public void Models_nest_as_layers()
    {
        var encoder = new Sequential(name: "encoder") { new Input(4), new Dense(3, activation: "relu") };
        var model = new Sequential { new Input(4), encoder, new Dense(1) };
        Assert.Equal(15 + 4, model.CountParameters());
        Assert.Equal("encoder", model.Layers[0].Name);
        Assert.Equal(Shape.Of(2, 1), model.Predict(new float[2, 4]).Shape);
    }

    [Fact]
    public void Weights_travel_from_model_to_model()
    {
        var (x, _) = Rings(16, 7);
        var (a, b) = (Classifier(1), Classifier(2));
        Assert.False(a.Predict(x).BitEquals(b.Predict(x)));
        b.SetWeights(a.GetWeights());
        Assert.True(a.Predict(x).BitEquals(b.Predict(x)));
        Assert.Throws<ArgumentValueException>(() => b.SetWeights([]));
        Assert.Throws<ShapeException>(() => b.SetWeights([.. a.GetWeights().Reverse()]));
    }

    [Fact]
    public void Predict_is_safe_from_many_threads()
    {
        var (x, _) = Rings(500, 8);
        var model = Classifier();
        int[] sizes = [1, 32, 63, 94, 125, 156, 187];
        var expected = sizes.Select(size => model.Predict(x.Rows(0, size))).ToArray();
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
            Assert.True(model.Predict(x.Rows(0, sizes[i % 7])).BitEquals(expected[i % 7])));
    }

    [Fact]
    public void Predict_from_span_to_span_allocates_nothing()
    {
        var (x, _) = Rings(32, 9);
        var model = Classifier();
        var input = x.ToArray<float>();
        var output = new float[32];
        model.Predict(input, output);
        model.Predict(input, output);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 100; i++)
        {
            model.Predict(input, output);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(model.Predict(x).AsSpan<float>().SequenceEqual(output));
    }

    [Fact]
    public void A_function_can_be_a_metric()
    {
        var model = new Sequential { new Input(2), new Dense(1, kernelInitializer: "ones") };
        model.Compile("sgd", new Losses.MeanSquaredError(), [Metric.Custom("bias", (y, p) => p - y)]);
        var logs = model.TestOnBatch(new float[,] { { 1, 2 }, { 0, 1 } }, new float[,] { { 1 }, { 1 } });
        Assert.Equal((2.0 + 0.0) / 2, logs["bias"], 1e-6);
    }

    [Fact]
    public void Outputs_have_losses_and_metrics_of_their_own()
    {
        var x = new Input(3);
        var hidden = new Dense(8, activation: "relu").Apply(x);
        var model = new Model([x], [new Dense(1, name: "price").Apply(hidden), new Dense(2, activation: "softmax", name: "kind").Apply(hidden)]);
        model.Compile("adam", ["mse", "sparse_categorical_crossentropy"], [1.0, 0.5], [["mae"], ["accuracy"]]);
        var data = new TrainingData([new float[6, 3]], [new float[6, 1], new[] { 0, 1, 0, 1, 0, 1 }]);
        var logs = model.Evaluate(data);
        Assert.Equal(["loss", "price_loss", "kind_loss", "price_mae", "kind_accuracy"], logs.Names.OrderBy(n => n switch
        {
            "loss" => 0,
            "price_loss" => 1,
            "kind_loss" => 2,
            "price_mae" => 3,
            _ => 4,
        }));
        Assert.Equal(logs["price_loss"] + 0.5 * logs["kind_loss"], logs["loss"], 1e-5);
    }

    [Fact]
    public async Task FitAsync_stops_when_it_is_cancelled_and_keeps_what_it_learned()
    {
        var (x, y) = Rings(2_000, 10);
        var model = Classifier();
        model.Compile("adam", "binary_crossentropy");
        var before = model.GetWeights()[0];
        using var source = new CancellationTokenSource();
        var batches = 0;
        var progress = new Sink(p =>
        {
            if (++batches == 5)
            {
                source.Cancel();
            }
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => model.FitAsync(x, y, epochs: 1_000, progress: progress, cancellationToken: source.Token));
        Assert.InRange(batches, 5, 6);
        Assert.False(before.BitEquals(model.GetWeights()[0]));
        Assert.Equal(Shape.Of(2_000, 1), model.Predict(x).Shape);
    }

    [Fact]
    public void Early_stopping_restores_the_best_weights()
    {
        var (x, y) = Rings(60, 11);
        var model = Classifier();
        model.Compile(new SGD(5.0), "binary_crossentropy");
        var history = model.Fit(
            x, y, epochs: 50, verbosity: Verbosity.Silent, validationSplit: 0.5,
            callbacks: [new EarlyStopping("val_loss", patience: 3, restoreBestWeights: true)]);
        Assert.True(history["loss"].Count < 50);
        var half = model.Evaluate(x.Rows(30, 30), y.Rows(30, 30), verbosity: Verbosity.Silent)["loss"];
        Assert.Equal(history["val_loss"].Min(), half, 1e-5);
    }

    [Fact]
    public void Float64_models_compute_in_float64()
    {
        var model = new Sequential(dtype: DType.Float64) { new Input(2), new Dense(3), new Dense(1) };
        model.Compile("sgd", "mse");
        var x = new double[,] { { 0.1, 0.2 }, { 0.3, 0.4 } };
        model.Fit(x, new double[,] { { 1 }, { 2 } }, verbosity: Verbosity.Silent);
        Assert.Equal(DType.Float64, model.Predict(x).DType);
        Assert.Equal(DType.Float64, model.GetWeights()[0].DType);
    }

    private sealed class Sink(Action<TrainingProgress> call) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => call(value);
    }
}
