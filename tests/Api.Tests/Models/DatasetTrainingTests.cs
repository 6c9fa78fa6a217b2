using System.Runtime.CompilerServices;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;

namespace FunctionalNet.Tests.Models;

public class DatasetTrainingTests
{
    private static async IAsyncEnumerable<(Tensor X, Tensor Y)> Stream(
        Tensor x, Tensor y, int size, [EnumeratorCancellation] CancellationToken token = default)
    {
        for (var first = 0; first < x.Shape[0]; first += size)
        {
            await Task.Delay(1, token);
            yield return (x.Rows(first, size), y.Rows(first, size));
        }
    }

    private static IEnumerable<(Tensor X, Tensor Y)> Batches(Tensor x, Tensor y, int size)
    {
        for (var first = 0; first < x.Shape[0]; first += size)
        {
            yield return (x.Rows(first, size), y.Rows(first, size));
        }
    }

    [Fact]
    public async Task Datasets_sequences_and_asynchronous_sequences_train_alike()
    {
        var (x, y) = Lines.Data();
        var model = Lines.Model();
        var loss = model.Fit(x, y, batchSize: 8, epochs: 3, shuffle: false, verbosity: Verbosity.Silent)["loss"];

        var dataset = Lines.Model();
        Assert.Equal(loss, dataset.Fit(
            Dataset.FromTensors(x, y).Batch(8).Prefetch(), epochs: 3, verbosity: Verbosity.Silent)["loss"]);

        var sequence = Lines.Model();
        Assert.Equal(loss, sequence.Fit(Batches(x, y, 8), epochs: 3, verbosity: Verbosity.Silent)["loss"]);

        var stream = Lines.Model();
        Assert.Equal(loss, (await stream.FitAsync(Stream(x, y, 8), epochs: 3))["loss"]);

        Assert.True(model.Predict(x).BitEquals(stream.Predict(x)));
        Assert.True(model.Predict(x).BitEquals(model.Predict(Dataset.FromTensors(x, y).Batch(8))[0]));
        Assert.True(model.Predict(x).BitEquals(model.Predict(Dataset.FromEnumerable(Batches(x, y, 8)))[0]));
        Assert.Equal(
            model.Evaluate(x, y, verbosity: Verbosity.Silent)["loss"],
            model.Evaluate(Batches(x, y, 8), verbosity: Verbosity.Silent)["loss"], 1e-7);
    }

    [Fact]
    public void A_model_without_input_takes_its_shape_from_the_first_batch()
    {
        var (x, y) = Lines.Data();
        var model = new Sequential { new Dense(4), new Dense(1) };
        model.Compile("sgd", "mse");
        var history = model.Fit(
            Dataset.FromTensors(x, y).Batch(8), epochs: 2, verbosity: Verbosity.Silent,
            validationData: Dataset.FromTensors(x, y).Batch(5), validationSteps: 2);
        Assert.Equal(2, history["val_loss"].Count);
        Assert.Equal(2 * 4 + 4 + 4 + 1, model.CountParameters());
    }

    [Fact]
    public async Task Cancelling_reaches_what_an_asynchronous_sequence_waits_for()
    {
        var closed = false;

        async IAsyncEnumerable<(Tensor, Tensor)> Endless([EnumeratorCancellation] CancellationToken token = default)
        {
            var (x, y) = Lines.Data(8);

            try
            {
                yield return (x, y);
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                closed = true;
            }
        }

        using var stop = new CancellationTokenSource();
        var model = Lines.Model();
        var first = new LambdaCallback(onTrainBatchEnd: (_, _) => stop.Cancel());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => model.FitAsync(Endless(stop.Token), callbacks: [first], cancellationToken: stop.Token));
        Assert.True(closed);
    }

    [Fact]
    public void Outputs_are_compiled_fed_and_predicted_by_name()
    {
        var (x, y) = Lines.Data();
        var input = new Input([2], "point");
        var model = new Model(
            [input],
            [new Dense(1, name: "height").Apply(input), new Dense(1, activation: "sigmoid", name: "above").Apply(input)]);
        Assert.Equal(["point"], model.InputNames);
        Assert.Equal(["height", "above"], model.OutputNames);

        model.Compile(
            "adam",
            new Dictionary<string, Loss> { ["above"] = "binary_crossentropy", ["height"] = "mse" },
            new Dictionary<string, double> { ["above"] = 0.5 },
            new Dictionary<string, IReadOnlyList<Metric>> { ["above"] = ["accuracy"] });

        Tensor above = Tensor.OfDoubles(DType.Float32, y.Shape, [.. y.ToDoubles().Select(v => v > 1 ? 1.0 : 0.0)]);
        var inputs = new Dictionary<string, Tensor> { ["point"] = x };
        var targets = new Dictionary<string, Tensor> { ["above"] = above, ["height"] = y };
        var history = model.Fit(new TrainingData(inputs, targets), new FitOptions { Verbosity = Verbosity.Silent });
        Assert.Equal(["above_accuracy", "above_loss", "height_loss", "loss"], history.Names);
        Assert.Equal(
            history["loss"][0], history["height_loss"][0] + (0.5 * history["above_loss"][0]), 1e-5);

        var predicted = model.Predict(inputs);
        var ordered = model.Predict([x]);
        Assert.True(predicted["height"].BitEquals(ordered[0]));
        Assert.True(predicted["above"].BitEquals(ordered[1]));

        Assert.Throws<ArgumentValueException>(() => model.Compile(
            "adam", new Dictionary<string, Loss> { ["heigth"] = "mse" }));
        Assert.Throws<ArgumentValueException>(() => model.Compile(
            "adam",
            new Dictionary<string, Loss> { ["height"] = "mse" },
            new Dictionary<string, double> { ["above"] = 2 }));
        Assert.ThrowsAny<FunctionalNetException>(() => model.Predict(new Dictionary<string, Tensor> { ["pont"] = x }));
    }
}
