using System.Diagnostics;
using System.Globalization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace FunctionalNet.Peers;

/// <summary>One run of one process, as in benchmarks/Fresh: the first training step, or an epoch and its memory.</summary>
internal static class TorchFresh
{
    public static int Run(string[] arguments)
    {
        switch (arguments)
        {
            case ["startup"]:
                {
                    var model = Sequential(
                        Linear(784, 512), ReLU(), Linear(512, 512), ReLU(), Linear(512, 10));
                    using var optimizer = optim.Adam(model.parameters(), 1e-3);
                    var random = new Random(1);
                    using var x = tensor(Floats(random, 128 * 784)).reshape(128, 784);
                    using var y = tensor(Labels(random, 128));
                    var loss = functional.cross_entropy(model.forward(x), y);
                    loss.backward();
                    optimizer.step();
                    Console.WriteLine(loss.item<float>());
                    break;
                }

            case ["memory", var images]:
                {
                    using var process = Process.GetCurrentProcess();
                    Epoch(int.Parse(images, CultureInfo.InvariantCulture));
                    Console.WriteLine(process.PeakWorkingSet64);
                    break;
                }

            default:
                Console.Error.WriteLine("usage: startup | memory IMAGES");
                return 2;
        }

        Console.WriteLine("ready");
        return 0;
    }

    private static void Epoch(int count)
    {
        const int area = 28 * 28, batch = 128;
        var random = new Random(1);
        using var x = zeros(count, 1, 28, 28);
        var labels = new long[count];
        var picture = new float[area];

        // One picture at a time: the data is in memory once.
        for (var i = 0; i < count; i++)
        {
            labels[i] = random.Next(10);
            for (var p = 0; p < area; p++)
                picture[p] = (random.Next(128) + (p / 56 == labels[i] ? 127 : 0)) / 255f;
            using var source = tensor(picture);
            using var place = x[i];
            using var target = place.view(area);
            target.copy_(source);
        }

        using var y = tensor(labels);
        var model = Sequential(
            Conv2d(1, 32, 3),
            ReLU(),
            Conv2d(32, 64, 3),
            ReLU(),
            MaxPool2d(2),
            Dropout(0.25),
            Flatten(),
            Linear(9216, 128),
            ReLU(),
            Dropout(0.5),
            Linear(128, 10));
        model.train();
        using var optimizer = optim.Adam(model.parameters(), 1e-3);
        using var order = randperm(count);

        for (var start = 0; start < count; start += batch)
        {
            using var scope = NewDisposeScope();
            var rows = order[TensorIndex.Slice(start, Math.Min(count, start + batch))];
            optimizer.zero_grad();
            var loss = functional.cross_entropy(model.forward(x.index_select(0, rows)), y.index_select(0, rows));
            loss.backward();
            optimizer.step();
            loss.item<float>();
        }
    }

    private static float[] Floats(Random random, int count)
    {
        var values = new float[count];
        foreach (ref var value in values.AsSpan())
            value = random.NextSingle();
        return values;
    }

    private static long[] Labels(Random random, int count)
    {
        var values = new long[count];
        foreach (ref var value in values.AsSpan())
            value = random.Next(10);
        return values;
    }
}
