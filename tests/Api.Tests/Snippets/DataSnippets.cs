using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Snippets;

public class DataSnippets
{
    private static (Tensor X, Tensor Y) Images()
    {
        var random = new Random(1);
        var pixels = Enumerable.Range(0, 96 * 8 * 8).Select(_ => random.NextSingle()).ToArray();
        return (Tensor.Of(Shape.Of(96, 8, 8, 1), pixels), Enumerable.Range(0, 96).Select(i => i % 3).ToArray());
    }

    [Fact]
    public void Pipeline()
    {
        var (xTrain, yTrain) = Images();
        var model = new Sequential { new Flatten(), new Dense(3, activation: "softmax") };
        model.Compile("adam", "sparse_categorical_crossentropy");

        // snippet: data-pipeline
        static Tensor Brighter(Tensor image, double by) =>
            Tensor.Of(image.Shape, [.. image.ToArray<float>().Select(pixel => pixel * (float)by)]);

        var (train, validation) = Dataset.Split(
            Dataset.FromTensors(xTrain, yTrain), leftSize: 0.75, rightSize: null, shuffle: true, seed: 1);

        var batches = train
            .Cache()
            .Shuffle(bufferSize: 1000, seed: 2)
            .MapRandom((row, random) => (Brighter(row.Item1, 0.8 + 0.4 * random.NextDouble()), row.Item2), seed: 3, parallelism: 2)
            .Batch(16)
            .Prefetch(2);

        var history = model.Fit(batches, epochs: 3, validationData: validation.Batch(16), verbosity: Verbosity.Silent);
        // end snippet
        Assert.Equal(3, history["val_loss"].Count);
        Assert.Equal("from_enumerable > cache > shuffle > map > batch > prefetch", batches.ToString());
    }

    [Fact]
    public async Task Streams()
    {
        var model = new Sequential { new Input(2), new Dense(1) };
        model.Compile("sgd", "mse");
        using var stop = new CancellationTokenSource();
        var cancellationToken = stop.Token;

        // snippet: data-streams
        async IAsyncEnumerable<(Tensor, Tensor)> Measurements()
        {
            for (var i = 0; ; i++)
            {
                await Task.Delay(1); // a socket, a database, ...
                yield return (new float[,] { { i, 1 }, { -i, 2 } }, new float[,] { { 1 }, { 2 } });
            }
        }

        var history = await model.FitAsync(Measurements(), epochs: 2, stepsPerEpoch: 10, cancellationToken: cancellationToken);
        // end snippet
        Assert.Equal(2, history["loss"].Count);
    }

    [Fact]
    public void Padding()
    {
        // snippet: data-padding
        int[][] sentences = [[4, 9], [7, 1, 3], [5]];
        var padded = Dataset.FromEnumerable(sentences).Map(words => (Tensor)words).PaddedBatch(3);
        Tensor ids = padded.First(); // (3, 3): 4 9 0, 7 1 3, 5 0 0
        // end snippet
        Assert.Equal([4, 9, 0, 7, 1, 3, 5, 0, 0], ids.ToArray<int>());
    }

    [Fact]
    public void Names()
    {
        var input = new Input([2], "point");
        var model = new Model(
            [input],
            [new Dense(1, name: "height").Apply(input), new Dense(1, activation: "sigmoid", name: "above").Apply(input)]);
        Tensor points = new float[,] { { 1, 2 }, { 3, 4 } }, heights = new float[,] { { 3 }, { 7 } }, labels = new float[,] { { 0 }, { 1 } };

        // snippet: data-names
        model.Compile(
            "adam",
            losses: new Dictionary<string, Losses.Loss> { ["height"] = "mse", ["above"] = "binary_crossentropy" },
            lossWeights: new Dictionary<string, double> { ["above"] = 0.5 },
            metrics: new Dictionary<string, IReadOnlyList<Metrics.Metric>> { ["above"] = ["accuracy"] });

        var data = new TrainingData(
            inputs: new Dictionary<string, Tensor> { ["point"] = points },
            targets: new Dictionary<string, Tensor> { ["height"] = heights, ["above"] = labels });

        model.Fit(Dataset.FromTensors(data).Batch(2), epochs: 2, verbosity: Verbosity.Silent);
        // end snippet
        Assert.True(model.IsCompiled);
    }
}
