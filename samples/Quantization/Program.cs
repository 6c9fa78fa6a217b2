// Two networks learn to tell ten kinds of clothing apart, and are then kept in 8 bits: what do accuracy, size and time become?
// With --full they learn from all 60,000 images; with --quick for an epoch.
using System.Diagnostics;
using System.Globalization;
using FunctionalNet;
using FunctionalNet.Datasets;
using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var ((xTrain, yTrain), (xTest, yTest)) = FashionMnist.Load(args.Contains("--full") ? DatasetSize.Full : DatasetSize.Subset);
var epochs = args.Contains("--quick") ? 1 : 10;

Sequential[] models =
[
    new("dense layers", seed: 1)
    {
        new Input(28, 28, 1), new Flatten(), new Dense(512, activation: "relu"), new Dense(512, activation: "relu"),
        new Dense(10, activation: "softmax"),
    },
    new("convolutions", seed: 1)
    {
        new Input(28, 28, 1), new Conv2D(32, 3, activation: "relu"), new MaxPooling2D(), new Conv2D(64, 3, activation: "relu"),
        new MaxPooling2D(), new Flatten(), new Dense(128, activation: "relu"), new Dense(10, activation: "softmax"),
    },
];

Console.WriteLine("| | accuracy | largest change of a probability | bytes | 1 image | 256 images |");
Console.WriteLine("|---|---|---|---|---|---|");

foreach (var model in models)
{
    model.Compile(new Adam(1e-3), "sparse_categorical_crossentropy", ["accuracy"]);
    model.Fit(xTrain, yTrain, batchSize: 64, epochs: epochs, verbosity: Verbosity.Silent);
    var floats = model.Predict(xTest);
    Report(model, model.Name + ", float32", floats, floats);

    model.Quantize("int8");
    Report(model, model.Name + ", int8", model.Predict(xTest), floats);
}

void Report(Model model, string name, Tensor predicted, Tensor before)
{
    var right = predicted.ArgMax().Zip(yTest.ToArray<int>(), (p, y) => p == y ? 1 : 0).Average();
    var change = predicted.ToDoubles().Zip(before.ToDoubles(), (p, q) => Math.Abs(p - q)).Max();
    var file = Path.GetTempFileName();
    model.SaveWeights(file);
    var bytes = new FileInfo(file).Length;
    File.Delete(file);
    Console.WriteLine($"| {name} | {right:F4} | {change:F4} | {bytes:N0} | {Time(model, 1):F1} us | {Time(model, 256):F0} us |");
}

// The best of many, since a machine does other things too.
double Time(Model model, int images)
{
    var input = xTest.Rows(0, images).ToArray<float>();
    var output = new float[images * 10];
    var best = double.MaxValue;

    for (var run = 0; run < 300; run++)
    {
        var start = Stopwatch.GetTimestamp();
        model.Predict(input, output);
        best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMicroseconds);
    }

    return best;
}
