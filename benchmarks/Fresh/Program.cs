// One run of one process: its first training step, or an epoch and the memory it took. "ready" tells the parent when.
using System.Diagnostics;
using System.Globalization;
using FunctionalNet;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Optimizers;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

switch (args)
{
    case ["startup"]:
        {
            var (x, y) = Batch(128, 784);
            var model = Mlp();
            Console.WriteLine(model.TrainOnBatch(x, y)["loss"]);
            Console.WriteLine("ready");
            return 0;
        }

    // Milliseconds of a training step, once all is warm.
    case ["step"]:
        {
            var (x, y) = Batch(128, 784);
            var model = Mlp();
            var times = new double[200];

            for (var i = 0; i < times.Length; i++)
            {
                var start = Stopwatch.GetTimestamp();
                model.TrainOnBatch(x, y);
                times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }

            Array.Sort(times, 100, 100);
            Console.WriteLine(times[150]);
            Console.WriteLine("ready");
            return 0;
        }

    case ["memory", var images]:
        {
            var (x, y) = Pictures(int.Parse(images));
            var model = new Sequential(seed: 1)
            {
                new Input(28, 28, 1),
                new Conv2D(32, kernelSize: 3, activation: "relu"),
                new Conv2D(64, kernelSize: 3, activation: "relu"),
                new MaxPooling2D(),
                new Dropout(0.25),
                new Flatten(),
                new Dense(128, activation: "relu"),
                new Dropout(0.5),
                new Dense(10),
            };
            model.Compile(new Adam(1e-3), new SparseCategoricalCrossentropy(fromLogits: true));
            model.Fit(x, y, batchSize: 128, verbosity: Verbosity.Silent);
            using var process = Process.GetCurrentProcess();
            Console.WriteLine(process.PeakWorkingSet64);
            Console.WriteLine("ready");
            return 0;
        }

    default:
        Console.Error.WriteLine("usage: startup | step | memory IMAGES");
        return 2;
}

static Sequential Mlp()
{
    var model = new Sequential(seed: 1)
    {
        new Input(784),
        new Dense(512, activation: "relu"),
        new Dense(512, activation: "relu"),
        new Dense(10),
    };
    model.Compile(new Adam(1e-3), new SparseCategoricalCrossentropy(fromLogits: true));
    return model;
}

static (Tensor X, Tensor Y) Batch(int rows, int width)
{
    var random = new Random(1);
    var values = new float[rows * width];
    foreach (ref var value in values.AsSpan())
        value = random.NextSingle();
    var labels = new int[rows];
    foreach (ref var label in labels.AsSpan())
        label = random.Next(10);
    return (Tensor.Of<float>(Shape.Of(rows, width), values), Tensor.Of<int>(Shape.Of(rows), labels));
}

// As read from a file of bytes: noise, brighter in a band that tells the class.
static (Tensor X, Tensor Y) Pictures(int count)
{
    var random = new Random(1);
    var labels = new int[count];

    var x = Tensor.Create<float>(Shape.Of(count, 28, 28, 1), (values, _) =>
    {
        for (var i = 0; i < labels.Length; i++)
        {
            labels[i] = random.Next(10);
            for (var p = 0; p < 28 * 28; p++)
                values[i * 28 * 28 + p] = (random.Next(128) + (p / 56 == labels[i] ? 127 : 0)) / 255f;
        }
    });

    return (x, Tensor.Of<int>(Shape.Of(count), labels));
}
