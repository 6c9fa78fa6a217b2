// Published with NativeAOT and run: what works here works without a JIT and without reflection.
using FunctionalNet;
using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

// Which quarter of a 12x12 picture is bright: 400 pictures, four classes.
var random = new Random(7);
var pictures = new float[400, 12, 12, 1];
var quarters = new int[400];

for (var i = 0; i < 400; i++)
{
    quarters[i] = i % 4;

    for (var row = 0; row < 12; row++)
    {
        for (var column = 0; column < 12; column++)
        {
            var bright = row / 6 * 2 + column / 6 == quarters[i];
            pictures[i, row, column, 0] = random.NextSingle() + (bright ? 0.5f : 0f);
        }
    }
}

var model = new Sequential(seed: 3)
{
    new Input(12, 12, 1),
    new Conv2D(8, kernelSize: 3, padding: "same"),
    new BatchNormalization(),
    new ReLU(),
    new MaxPooling2D(),
    new Flatten(),
    new Dropout(0.1),
    new Dense(4, activation: "softmax"),
};
model.Summary();
model.Compile(new Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"]);
var history = model.Fit(pictures, quarters, epochs: 8, batchSize: 40, validationSplit: 0.1);
Require(history["loss"][^1] < history["loss"][0] / 2, "training halves the loss");

var figures = model.Evaluate(pictures, quarters);
Require(figures["accuracy"] > 0.95, "the network has learned");

var before = model.Predict(pictures);
Require(before.Shape.Equals(Shape.Of(400, 4)), "predict gives a row per picture");

var path = Path.Combine(Path.GetTempPath(), $"functionalnet-aot-{Environment.ProcessId}.fnet");

try
{
    model.Save(path);
    Require(Model.Load(path).Predict(pictures).BitEquals(before), "a loaded model predicts the same bits");
}
finally
{
    File.Delete(path);
}

var logs = Directory.CreateTempSubdirectory("functionalnet-aot-");

try
{
    model.Compile(new MultiOptimizer(new OptimizerMap(new Muon(), new Dictionary<string, Optimizer> { [".*/bias"] = new SGD() })), "sparse_categorical_crossentropy");
    model.Fit(pictures, quarters, batchSize: 100, verbosity: Verbosity.Silent, callbacks: [new TensorBoard(logs.FullName, histogramFreq: 1)]);
    Require(Directory.GetFiles(Path.Combine(logs.FullName, "train")).Length == 1, "event files are written");
}
finally
{
    logs.Delete(true);
}

// Pictures in files of every kind that can be written: decoded, resized, batched, and known to the network.
var album = Directory.CreateTempSubdirectory("functionalnet-aot-");

try
{
    for (var i = 0; i < 48; i++)
    {
        var quarter = Directory.CreateDirectory(Path.Combine(album.FullName, $"quarter{quarters[i]}"));
        var levels = Enumerable.Range(0, 144).Select(cell => 160 * pictures[i, cell / 12, cell % 12, 0]).ToArray();
        string[] endings = ["png", "jpg", "bmp"];
        Images.SaveImage(Path.Combine(quarter.FullName, $"{i:00}.{endings[i / 4 % 3]}"), Tensor.Of(Shape.Of(12, 12, 1), levels), scale: false);
    }

    var first = Path.Combine(album.FullName, "quarter0", "00.png");
    var pixels = Images.ImageToArray(Images.LoadImage(first, colorMode: ColorMode.Grayscale)).ToArray<float>();
    Require(pixels.Index().All(cell => Math.Abs(cell.Item - 160 * pictures[0, cell.Index / 12, cell.Index % 12, 0]) <= 1), "a picture is what was written");

    var (shown, kept) = Images.ImageDatasetsFromDirectory(
        album.FullName, validationSplit: 0.25, colorMode: ColorMode.Grayscale, imageSize: (12, 12), batchSize: 8, seed: 1, verbose: false);
    Require(shown.ClassNames.Count == 4 && shown.FilePaths.Count == 36 && kept.FilePaths.Count == 12, "files are found, classed and split");

    // Levels back to what the network has learned.
    var batches = shown.Concatenate(kept).Map(batch => (Tensor.Of(batch.Item1.Shape, [.. batch.Item1.ToArray<float>().Select(level => level / 160)]), batch.Item2));
    var known = batches.Select(batch => model.Predict(batch.Item1).ArgMax().Zip(batch.Item2.ToArray<int>()).Count(pair => pair.First == pair.Second)).Sum();
    Require(known >= 44, $"the network knows the pictures in files: {known} of 48");
}
finally
{
    album.Delete(true);
}

// Columns of words and numbers.
Table rows = new Dictionary<string, Column>
{
    ["quarter"] = quarters.Select(quarter => $"quarter {quarter}").ToArray(),
    ["number"] = quarters,
    ["light"] = quarters.Select(quarter => quarter / 4.0).ToArray(),
};
var space = new FeatureSpace(
    new Dictionary<string, Feature> { ["quarter"] = "string_categorical", ["number"] = "integer_hashed", ["light"] = "float_normalized" },
    crosses: [("quarter", "number")]);
space.Adapt(Dataset.FromTable(rows).Batch(64));
var encoded = Dataset.FromTable(rows, quarters).Batch(100).Map(batch => (space.Transform(batch.Item1), batch.Item2), parallelism: 2).First();
Require(encoded.Item1.Shape.Equals(Shape.Of(100, 5 + 32 + 1 + 32)), "columns become vectors");
Require(FeatureSpace.OfConfig(space.ToConfig()).Transform(rows.Rows(0, 100)).BitEquals(encoded.Item1), "a feature space is its configuration");

try
{
    _ = new Sequential { new Input(5, 5, 1), new Conv2D(2, kernelSize: 7) };
    Require(false, "a kernel that does not fit is refused");
}
catch (ShapeException error)
{
    Require(error.Path.Contains("conv2d", StringComparison.Ordinal), "a shape error names the layer");
}

Console.WriteLine("NativeAOT: all checks passed");
return 0;

static void Require(bool condition, string what)
{
    if (!condition)
    {
        Console.Error.WriteLine("NativeAOT: failed: " + what);
        Environment.Exit(1);
    }
}
