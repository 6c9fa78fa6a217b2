using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

/// <summary>Small regressions that the tests of training share.</summary>
internal static class Lines
{
    /// <summary>Points of y = 2 a - b + 1.</summary>
    public static (Tensor X, Tensor Y) Data(int count = 24)
    {
        var random = new Random(3);
        var x = new float[count, 2];
        var y = new float[count, 1];

        for (var i = 0; i < count; i++)
        {
            (x[i, 0], x[i, 1]) = (random.NextSingle() - 0.5f, random.NextSingle() - 0.5f);
            y[i, 0] = 2 * x[i, 0] - x[i, 1] + 1;
        }

        return (x, y);
    }

    /// <summary>A compiled model of one dense layer.</summary>
    public static Sequential Model(Optimizer? optimizer = null, Losses.Loss? loss = null)
    {
        var model = new Sequential(seed: 4) { new Input(2), new Dense(1) };
        model.Compile(optimizer ?? new SGD(0.1), loss ?? "mse");
        return model;
    }

    /// <summary>A callback that reports a figure as if it had been measured.</summary>
    public static LambdaCallback Reporting(params double[] figures) =>
        new(onEpochEnd: (epoch, logs) => logs["figure"] = figures[epoch]);

    public static void AssertClose(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> actual, double tolerance)
    {
        foreach (var (a, b) in expected.Zip(actual))
        {
            Assert.Equal(a.Shape, b.Shape);
            Assert.All(a.ToDoubles().Zip(b.ToDoubles()), pair => Assert.Equal(pair.First, pair.Second, tolerance));
        }
    }
}
