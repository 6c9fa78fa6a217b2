using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Snippets;

public class ReadmeSnippets
{
    [Fact]
    public void Functional_api()
    {
        // snippet: functional-api
        var image = new Input([28, 28, 1], name: "image");
        var facts = new Input([5], name: "facts");
        var pooled = new GlobalAveragePooling2D().Apply(new Conv2D(16, 3, activation: "relu").Apply(image));
        var joined = new Concatenate().Apply(pooled, new Dense(8, activation: "relu").Apply(facts));
        var model = new Model([image, facts], [new Dense(1).Apply(joined)]);

        model.Compile(new Adam(new CosineDecay(1e-3, decaySteps: 1000)), "mse");
        // end snippet
        Assert.Equal((3 * 3 * 16 + 16) + (5 * 8 + 8) + (24 + 1), model.CountParameters());
        var output = model.Predict([Tensor.Zeros(DType.Float32, Shape.Of(3, 28, 28, 1)), Tensor.Zeros(DType.Float32, Shape.Of(3, 5))]);
        Assert.Equal(Shape.Of(3, 1), output[0].Shape);
    }

    // snippet: custom-layer
    private sealed class ScaleByChannel : CustomLayer
    {
        protected override Expr Call(LayerScope scope, Expr input)
        {
            var scale = scope.AddWeight("scale", [input.Shape[-1]], Initializers.Ones);
            return Ops.Tanh(input * scale);
        }
    }
    // end snippet

    [Fact]
    public void Custom_layer()
    {
        var model = new Sequential { new Input(3), new ScaleByChannel() };
        var output = model.Predict(new float[,] { { 0f, 1f, -2f } }).ToArray<float>();
        Assert.Equal([0f, MathF.Tanh(1f), MathF.Tanh(-2f)], output, (a, b) => MathF.Abs(a - b) < 1e-6f);
        Assert.Equal("scale_by_channel", model.Layers[0].Name);
    }

    [Fact]
    public void Custom_loss()
    {
        var model = new Sequential { new Input(2), new Dense(1, kernelInitializer: "ones") };
        // snippet: custom-loss
        var huberLike = Loss.Custom((target, output) => Ops.Sqrt(Ops.Square(target - output) + 1.0) - 1.0);
        model.Compile("sgd", huberLike);
        // end snippet
        var logs = model.TestOnBatch(new float[,] { { 1, 2 } }, new float[,] { { 1 } });
        Assert.Equal(Math.Sqrt(4 + 1) - 1, logs["loss"], 1e-6);
    }
}
