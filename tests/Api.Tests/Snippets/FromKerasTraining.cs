using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;
using FunctionalNet.Tests.Datasets;

namespace FunctionalNet.Tests.Snippets;

/// <summary>The C# halves of docs/from-keras.md that train models.</summary>
public class FromKerasTraining
{
    private static Sequential Regression() => new() { new Input(4), new Dense(8, activation: "relu"), new Dense(1) };

    private static Sequential Classifier() => new() { new Input(4), new Dense(8, activation: "relu"), new Dense(3, activation: "softmax") };

    private static Tensor X(int rows = 40) => FromKeras.Floats(rows, 4);

    [Fact]
    public void Early_stopping()
    {
        var (model, xTrain, yTrain) = (Regression(), X(), FromKeras.Floats(40, 1));
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "best.fnet");

        // snippet: keras-callbacks
        model.Compile(optimizer: new RMSprop(), loss: "mse", metrics: ["mae"]);
        var history = model.Fit(
            xTrain, yTrain, epochs: 20, validationSplit: 0.2,
            callbacks:
            [
                new EarlyStopping(monitor: "val_loss", patience: 3, restoreBestWeights: true),
                new ModelCheckpoint(path, saveBestOnly: true),
                new ReduceLROnPlateau(factor: 0.5, patience: 2),
            ]);
        var best = history["val_loss"].Min();
        // end snippet
        Assert.True(File.Exists(path));
        Assert.True(best > 0);
    }

    [Fact]
    public void Schedules()
    {
        var (model, x, y) = (Regression(), X(), FromKeras.Floats(40, 1));
        // snippet: keras-schedule
        var schedule = new ExponentialDecay(initialLearningRate: 1e-2, decaySteps: 1000, decayRate: 0.9, staircase: true);
        model.Compile(optimizer: new SGD(schedule, momentum: 0.9, nesterov: true, clipnorm: 1.0), loss: "mse");

        model.Compile(optimizer: new SGD(1e-2), loss: "mse");
        model.Fit(x, y, callbacks: [new LearningRateScheduler((epoch, rate) => epoch < 10 ? rate : rate * 0.9)]);
        // end snippet
        Assert.True(model.IsCompiled);
    }

    [Fact]
    public void Custom_loss_and_metric()
    {
        var model = Regression();
        // snippet: keras-custom-loss
        var asymmetric = Loss.Custom((yTrue, yPred) =>
        {
            var error = yTrue - yPred;
            return Ops.Mean(Ops.Maximum(0.9 * error, -0.1 * error), axis: -1);
        });
        var worst = Metric.Custom("worst", (yTrue, yPred) => Ops.Max(Ops.Abs(yTrue - yPred), axis: -1));
        model.Compile(optimizer: "adam", loss: asymmetric, metrics: [worst]);
        // end snippet
        Assert.True(model.TestOnBatch(X(), FromKeras.Floats(40, 1)).Contains("worst"));
    }

    [Fact]
    public void Weights_of_classes_and_samples()
    {
        var (model, x, y, importance) = (Classifier(), X(), FromKeras.Labels(40, 3), FromKeras.Floats(40));
        // snippet: keras-weights
        model.Compile(
            optimizer: new Adam(1e-3),
            loss: new Losses.SparseCategoricalCrossentropy(),
            metrics: [new SparseCategoricalAccuracy(name: "acc"), new SparseTopKCategoricalAccuracy(k: 2)]);
        model.Fit(x, y, classWeight: new Dictionary<int, double> { [0] = 1, [1] = 5, [2] = 1 });
        model.Fit(x, y, sampleWeight: importance);
        // end snippet
        Assert.True(model.IsCompiled);
    }

    [Fact]
    public void Multiple_outputs()
    {
        var inputs = new Input([4], name: "inputs");
        var model = new Model([inputs], [new Dense(1, name: "price").Apply(inputs), new Dense(3, activation: "softmax", name: "kind").Apply(inputs)]);
        // snippet: keras-multi-output
        model.Compile(
            optimizer: "adam",
            losses: new Dictionary<string, Loss> { ["price"] = "mse", ["kind"] = "sparse_categorical_crossentropy" },
            lossWeights: new Dictionary<string, double> { ["price"] = 1.0, ["kind"] = 0.2 });
        // end snippet
        Assert.True(model.IsCompiled);
    }

    // snippet: keras-custom-callback
    private sealed class LossHistory : TrainingCallback
    {
        public List<double> Losses { get; } = [];

        public override void OnTrainBatchEnd(int batch, TrainingLogs logs) => Losses.Add(logs["loss"]);
    }
    // end snippet

    [Fact]
    public void Custom_callback()
    {
        var model = Regression();
        model.Compile("sgd", "mse");
        // snippet: keras-custom-callback
        var losses = new LossHistory();
        model.Fit(X(), FromKeras.Floats(40, 1), batchSize: 10, callbacks: [losses]);
        // end snippet
        Assert.Equal(4, losses.Losses.Count);
    }

    [Fact]
    public void Saving()
    {
        using var folder = new TemporaryFolder();
        var (path, weights) = (Path.Combine(folder.Path, "model.fnet"), Path.Combine(folder.Path, "model.safetensors"));
        var model = Regression();
        model.Compile("adam", "mse");
        // snippet: keras-save
        model.Save(path); // architecture, weights, optimizer
        var restored = Model.Load(path);

        model.SaveWeights(weights);
        restored.LoadWeights(weights);
        // end snippet
        Assert.Equal(model.Predict(X()).ToArray<float>(), restored.Predict(X()).ToArray<float>());
    }

    [Fact]
    public void Pipelines()
    {
        var model = Classifier();
        model.Compile("adam", "sparse_categorical_crossentropy");
        var (x, y) = (X(), FromKeras.Labels(40, 3));
        // snippet: keras-dataset
        var dataset = Dataset.FromTensors(x, y)
            .Shuffle(bufferSize: 1024, seed: 1)
            .Map(row => (row.Item1, row.Item2), parallelism: 2)
            .Batch(8)
            .Prefetch(2);
        model.Fit(dataset, epochs: 2);
        // end snippet
        Assert.Equal(5, dataset.Count());
    }

    [Fact]
    public void Batch_by_batch()
    {
        var model = Regression();
        model.Compile("sgd", "mse");
        // snippet: keras-on-batch
        for (var step = 0; step < 3; step++)
        {
            var logs = model.TrainOnBatch(X(8), FromKeras.Floats(8, 1));
            Console.WriteLine($"step {step}: loss {logs["loss"]:F4}");
        }

        var predictions = model.PredictOnBatch(X(8));
        // end snippet
        Assert.Equal(Shape.Of(8, 1), predictions.Shape);
    }
}
