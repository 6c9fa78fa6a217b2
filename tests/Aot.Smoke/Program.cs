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
