using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Models;

/// <summary>Parameter counts that Keras's own programs print.</summary>
public class KerasOracleTests
{
    [Fact]
    public void Mnist_perceptron_has_669706()
    {
        var model = new Sequential
        {
            new Input(784),
            new Dense(512, activation: "relu"),
            new Dropout(0.2),
            new Dense(512, activation: "relu"),
            new Dropout(0.2),
            new Dense(10, activation: "softmax"),
        };
        Assert.Equal(669_706, model.CountParameters());
    }

    [Fact]
    public void Mnist_convolutional_network_has_1199882()
    {
        var model = new Sequential
        {
            new Input(28, 28, 1),
            new Conv2D(32, (3, 3), activation: "relu"),
            new Conv2D(64, (3, 3), activation: "relu"),
            new MaxPooling2D((2, 2)),
            new Dropout(0.25),
            new Flatten(),
            new Dense(128, activation: "relu"),
            new Dropout(0.5),
            new Dense(10, activation: "softmax"),
        };
        Assert.Equal(1_199_882, model.CountParameters());
    }

    [Fact]
    public void Boston_regression_has_5121()
    {
        var model = new Sequential
        {
            new Input(13),
            new Dense(64, kernelInitializer: "normal", activation: "relu"),
            new Dense(64, activation: "relu"),
            new Dense(1),
        };
        Assert.Equal(5_121, model.CountParameters());
    }

    [Fact]
    public void Custom_layer_program_has_776()
    {
        var model = new Sequential { new Input(16), new MyCustomLayer(32), new Dense(8, activation: "softmax") };
        Assert.Equal(776, model.CountParameters());
        var text = new StringWriter();
        model.Summary(text);
        Assert.Contains("Total params: 776", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Sequential_program_has_2920()
    {
        var model = new Sequential { new Input(8), new Dense(32), new Dense(64, activation: "relu"), new Dense(8) };
        Assert.Equal(2_920, model.CountParameters());
    }

    private sealed class MyCustomLayer(int outputDim) : CustomLayer
    {
        protected override Expr Call(LayerScope scope, Expr input) =>
            Ops.MatMul(input, scope.AddWeight("kernel", [input.Shape[1], outputDim], "normal"));
    }
}
