using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Snippets;

public class AdaptationSnippets
{
    private static Sequential Pretrained() =>
        new() { new Input(4), new Dense(8, activation: "relu"), new Dense(1) };

    [Fact]
    public void Low_rank_adaptation()
    {
        var model = Pretrained();
        var (x, y) = (new float[16, 4], new float[16, 1]);
        // snippet: lora-csharp
        model.EnableLora(rank: 2, layers: ["dense"]); // before: 4 · 8 numbers to train in this kernel; now 4 · 2 + 2 · 8
        model.Compile(new Adam(1e-3), "mse");
        model.Fit(x, y, epochs: 3, verbosity: Verbosity.Silent);
        model.MergeLora();
        // end snippet
        Assert.Equal(4, model.GetWeights().Count);
    }

    [Fact]
    public void Policies()
    {
        // snippet: policy-csharp
        var model = new Sequential
        {
            new Input(4),
            new Dense(8, activation: "relu"),
            new Dense(1) { DTypePolicy = "float64" },
        };
        // end snippet
        Assert.Equal(DType.Float64, model.GetWeights()[2].DType);
    }

    [Fact]
    public void Values_of_16_bits()
    {
        // snippet: mixed-csharp
        var model = new Sequential
        {
            new Input(4),
            new Dense(8, activation: "relu") { DTypePolicy = "mixed_bfloat16" },
            new Dense(1),
        };
        // end snippet
        Assert.Equal(DType.Float32, model.GetWeights()[0].DType);
        Assert.Equal("mixed_bfloat16", model.Layers[0].DTypePolicy!.Name);
    }

    [Fact]
    public void Quantization()
    {
        var model = Pretrained();
        var path = Path.GetTempFileName();
        // snippet: int8-csharp
        model.Quantize("int8");
        model.Save(path);
        // end snippet
        File.Delete(path);
        Assert.Equal(DType.Int8, model.GetNamedWeights().Single(pair => pair.Key == "dense/kernel").Value.DType);
    }
}
