using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Snippets;

/// <summary>What docs/data.md says about folders of files and about what is learnt from data ahead of training.</summary>
public sealed class PreparingSnippets : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("functionalnet").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Flowers()
    {
        var random = new Random(1);

        foreach (var (name, level) in new[] { ("rose", 200), ("daisy", 60) })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));

            for (var i = 0; i < 20; i++)
            {
                var pixels = Enumerable.Range(0, 12 * 10 * 3).Select(_ => (float)(level + random.Next(50))).ToArray();
                Images.SaveImage(Path.Combine(folder, name, $"{i:00}.png"), Tensor.Of(Shape.Of(12, 10, 3), pixels), scale: false);
            }
        }

        return folder;
    }

    [Fact]
    public void Folders()
    {
        var flowers = Flowers();

        // snippet: data-folders
        var (train, validation) = Images.ImageDatasetsFromDirectory(
            flowers, validationSplit: 0.2, imageSize: (32, 32), batchSize: 8, seed: 1, verbose: false);

        var model = new Sequential(seed: 1)
        {
            new Input(32, 32, 3),
            new Rescaling(1 / 255.0),
            new Conv2D(8, 3, activation: "relu"),
            new GlobalAveragePooling2D(),
            new Dense(train.ClassNames.Count, activation: "softmax"),
        };
        model.Compile("adam", "sparse_categorical_crossentropy", ["accuracy"]);
        model.Fit(train, epochs: 3, validationData: validation, verbosity: Verbosity.Silent);

        Picture flower = Images.LoadImage(validation.FilePaths[0], targetSize: (32, 32), interpolation: PictureInterpolation.Bilinear);
        Tensor pixels = Images.ImageToArray(flower);
        Tensor scores = model.Predict(pixels.Reshape(Shape.Of(1, 32, 32, 3)));
        // end snippet
        Assert.Equal(["daisy", "rose"], train.ClassNames);
        Assert.Equal((32, 8), (train.FilePaths.Count, validation.FilePaths.Count));
        Assert.Equal(Shape.Of(1, 2), scores.Shape);
    }

    [Fact]
    public void Texts()
    {
        foreach (var (name, text) in new[] { ("good", "a fine film"), ("bad", "a dull film") })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));

            for (var i = 0; i < 4; i++)
            {
                File.WriteAllText(Path.Combine(folder, name, $"{i}.txt"), text);
            }
        }

        var reviews = folder;

        // snippet: data-text-folder
        var texts = Directories.TextDatasetFromDirectory(reviews, batchSize: 4, seed: 1, verbose: false);
        var vectorize = new TextVectorization(new() { OutputSequenceLength = 8 });
        vectorize.Adapt(texts.Map(batch => batch.Item1));
        var batches = texts.Map(batch => (vectorize.Transform(batch.Item1), batch.Item2));
        // end snippet
        Assert.Equal(["bad", "good"], texts.ClassNames);
        Assert.Equal(Shape.Of(4, 8), batches.First().Item1.Shape);
        Assert.Equal(6, vectorize.VocabularySize);
    }

    [Fact]
    public void Adapting()
    {
        Tensor xTrain = new float[,] { { 1, 200 }, { 2, 400 }, { 3, 100 }, { 6, 300 } };
        Tensor yTrain = new float[,] { { 0 }, { 1 }, { 0 }, { 1 } };

        // snippet: data-adapt
        var normalization = new Normalization();
        normalization.Adapt(xTrain); // or a dataset, or any sequence of batches

        var quarters = new Discretization(numBins: 4, outputMode: "one_hot");
        quarters.Adapt(xTrain);

        var model = new Sequential(seed: 1) { new Input(2), normalization, new Dense(1) };
        model.Compile("adam", "mse");
        model.Fit(xTrain, yTrain, epochs: 2, verbosity: Verbosity.Silent);
        // end snippet
        Assert.Equal([3f, 250f], normalization.GetWeights()[0].ToArray<float>());
        Assert.Equal([3.5f, 12500f], normalization.GetWeights()[1].ToArray<float>());
        Assert.Equal(3, quarters.BinBoundaries.Count);
    }

    [Fact]
    public void Hashes()
    {
        // snippet: data-hashing
        var hashing = new Hashing(numBins: 3, maskValue: "");
        Tensor bins = hashing.Transform(["A", "B", "", "C", "D"]); // 1 1 0 2 2

        var crossing = new HashedCrossing(numBins: 5);
        string[] letters = ["A", "B", "A", "B", "A"];
        int[] numbers = [101, 101, 101, 102, 102];
        Tensor pairs = crossing.Transform(letters, numbers); // 1 4 1 1 3
        // end snippet
        Assert.Equal([1L, 1L, 0L, 2L, 2L], bins.ToArray<long>());
        Assert.Equal([1L, 4L, 1L, 1L, 3L], pairs.ToArray<long>());
    }

    [Fact]
    public void Tables()
    {
        Tensor prices = new float[,] { { 320 }, { 710 }, { 290 }, { 450 } };

        // snippet: data-tables
        Table homes = new Dictionary<string, Column>
        {
            ["area"] = new[] { 52.0, 120.0, 40.0, 75.0 },
            ["rooms"] = new[] { 2, 5, 1, 3 },
            ["city"] = new[] { "Oslo", "Rome", "Oslo", "Paris" },
        };

        var space = new FeatureSpace(
            new Dictionary<string, Feature>
            {
                ["area"] = "float_normalized",
                ["rooms"] = FeatureSpace.IntegerCategorical(maxTokens: 4),
                ["city"] = FeatureSpace.StringCategorical(),
            },
            crosses: [("city", "rooms")], crossingDim: 8);
        space.Adapt(homes); // or a dataset of rows or batches

        var features = space.GetEncodedFeatures(); // an input of 1 + 4 + 4 + 8 numbers
        var hidden = new Dense(16, activation: "relu").Apply(features);
        var model = new Model(features, new Dense(1).Apply(hidden), seed: 1);
        model.Compile("adam", "mse");

        var batches = Dataset.FromTable(homes, prices)
            .Shuffle(1000, seed: 1)
            .Batch(2)
            .Map(batch => (space.Transform(batch.Item1), batch.Item2));
        model.Fit(batches, epochs: 3, verbosity: Verbosity.Silent);

        model.Save("homes.fnet");
        space.SaveInto("homes.fnet");

        var asked = new Dictionary<string, Column> { ["area"] = new[] { 60.0 }, ["rooms"] = new[] { 2 }, ["city"] = new[] { "Bonn" } };
        Tensor price = Model.Load("homes.fnet").Predict(FeatureSpace.LoadFrom("homes.fnet").Transform(asked));
        // end snippet
        File.Delete("homes.fnet");
        Assert.Equal(Shape.Of(4, 17), space.Transform(homes).Shape);
        Assert.Equal(Shape.Of(1, 1), price.Shape);
        // Bonn is unknown.
        Assert.Equal(1f, space.Transform(asked).ToArray<float>()[1]);
    }
}
