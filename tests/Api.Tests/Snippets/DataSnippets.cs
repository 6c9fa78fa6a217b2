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

    [Fact]
    public void Structures()
    {
        var (photo, age, height) = (new Input(6), new Input(1), new Input(1));
        var joined = new Concatenate().Apply(photo, age, height);
        Tensor photos = new float[2, 6], ages = new float[2, 1], heights = new float[2, 1];
        Tensor lefts = new float[2, 1], rights = new float[2, 1], kinds = new[] { 1, 2 };

        // snippet: data-nested
        var model = new Model(
            inputs: Nested<SymbolicTensor>.Dictionary(("photo", photo), ("facts", Nested<SymbolicTensor>.List(age, height))),
            outputs: Nested<SymbolicTensor>.Dictionary(
                ("kind", new Dense(3, activation: "softmax").Apply(joined)),
                ("boxes", Nested<SymbolicTensor>.List(
                    new Dense(1, name: "left").Apply(joined), new Dense(1, name: "right").Apply(joined)))));

        model.Compile(
            "adam",
            losses: Nested<Losses.Loss>.Dictionary(
                ("kind", new Losses.SparseCategoricalCrossentropy()),
                ("boxes", Nested<Losses.Loss>.List(new Losses.MeanSquaredError(), new Losses.MeanSquaredError()))));

        var x = Nested<Tensor>.Dictionary(("photo", photos), ("facts", Nested<Tensor>.List(ages, heights)));
        var y = Nested<Tensor>.Dictionary(("kind", kinds), ("boxes", Nested<Tensor>.List(lefts, rights)));
        model.Fit(new TrainingData(x, y), new FitOptions { Epochs = 2, Verbosity = Verbosity.Silent });

        Tensor left = model.Predict(x)["boxes"][0].Value; // or model.Predict(x).At("boxes/0")
        // end snippet
        Assert.Equal(Shape.Of(2, 1), left.Shape);
        Assert.Equal(["loss", "boxes/left_loss", "boxes/right_loss", "kind_loss"], model.MetricNames);
    }

    [Fact]
    public void Texts()
    {
        string[] texts = ["A fine film.", "Dull, and long!", "Fine acting; a long film"];
        Tensor labels = new[] { 1f, 0f, 1f };

        // snippet: data-text
        var vectorize = new TextVectorization(new() { MaxTokens = 5000, OutputSequenceLength = 8 });
        vectorize.Adapt(texts);
        Tensor ids = vectorize.Transform(texts); // int32 (3, 8); 0 is padding, 1 an unknown word

        var model = new Sequential(seed: 1)
        {
            new Input([8], null, DType.Int32),
            new Embedding(vectorize.VocabularySize, 16, maskZero: true),
            new LSTM(16),
            new Dense(1, activation: "sigmoid"),
        };
        model.Compile("adam", "binary_crossentropy", ["accuracy"]);
        model.Fit(ids, labels, epochs: 2, verbosity: Verbosity.Silent);

        model.Save("reviews.fnet");
        vectorize.SaveInto("reviews.fnet");
        var again = TextVectorization.LoadFrom("reviews.fnet");
        Tensor scores = Model.Load("reviews.fnet").Predict(again.Transform(["A dull film"]));
        // end snippet
        Assert.Equal(vectorize.GetVocabulary(), again.GetVocabulary());
        Assert.Equal(Shape.Of(1, 1), scores.Shape);
        File.Delete("reviews.fnet");
    }

    [Fact]
    public void Windows()
    {
        var series = Tensor.Of(Shape.Of(100, 1), [.. Enumerable.Range(0, 100).Select(i => MathF.Sin(i / 5f))]);

        // snippet: data-series
        // Windows of 30 steps, each with the step after it.
        var windows = Sequences.TimeseriesDataset(
            series, series.Rows(30, 70), sequenceLength: 30, batchSize: 16, shuffle: true, seed: 1);

        // Sequences of any length: short ones with short ones, so that little is padded.
        int[][] sentences = [[4, 9], [7, 1, 3], [5], [8, 8, 2, 6]];
        var rows = Dataset.FromEnumerable(sentences).Map(words => (Tensor)words);
        var batches = Sequences.BucketByLength(rows, boundaries: [3], batchSize: 2);

        Tensor padded = Sequences.PadSequences(sentences, maxLength: 3); // 0 4 9, 7 1 3, 0 0 5, 8 2 6
        // end snippet
        Assert.Equal(70, windows.Sum(pair => pair.Item1.Shape[0]));
        Assert.Equal([2, 4], batches.Select(batch => batch.Shape[1]).Order());
        Assert.Equal([0, 4, 9, 7, 1, 3, 0, 0, 5, 8, 2, 6], padded.ToArray<int>());
    }
}
