using FunctionalNet.Graph;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

/// <summary>Losses, metrics, layers and operations of the user's own, in models.</summary>
public class CustomPartsTests
{
    /// <summary>Scales its input, counts its steps in training, and keeps a mean of what it has seen.</summary>
    private sealed class Counting(double penalty = 0) : CustomLayer
    {
        protected override Expr Call(LayerScope scope, Expr input)
        {
            var scale = scope.AddWeight("scale", [input.Shape[-1]], Initializers.Ones);
            var steps = scope.AddWeight("steps", [], Initializers.Zeros, trainable: false);

            if (scope.IsTraining)
            {
                scope.Update(steps, steps + 1.0);
            }

            if (penalty > 0)
            {
                scope.AddLoss(penalty * Ops.Sum(Ops.Square(scale)));
            }

            return input * scale;
        }
    }

    private sealed class Mix : CustomLayer
    {
        protected override Expr Call(LayerScope scope, Expr input) => input;

        protected override Expr Call(LayerScope scope, Expr[] inputs) => inputs[0] * 2.0 + inputs[1];
    }

    /// <summary>x * x * x on spans.</summary>
    private sealed class Cube() : CustomOperation("Cube")
    {
        public override TensorType[] InferTypes(TensorType[] inputs) => inputs;

        public override void Compute(CustomArguments arguments)
        {
            var x = arguments.Input<float>(0);
            var y = arguments.Output<float>(0);

            for (var i = 0; i < x.Length; i++)
            {
                y[i] = x[i] * x[i] * x[i];
            }
        }

        public override Expr[] Gradient(Expr[] inputs, Expr[] outputs, Expr[] cotangents) =>
            [cotangents[0] * inputs[0] * inputs[0] * 3.0];
    }

    [Fact]
    public void A_loss_of_ones_own_trains_like_the_built_in_one()
    {
        var (x, y) = Lines.Data();
        var own = Lines.Model(new SGD(0.1), Loss.Custom((t, p) => Ops.Mean(Ops.Square(t - p), -1), "own"));
        var builtIn = Lines.Model(new SGD(0.1), "mse");
        var history = own.Fit(x, y, epochs: 3, verbosity: Verbosity.Silent);
        var expected = builtIn.Fit(x, y, epochs: 3, verbosity: Verbosity.Silent);
        Lines.AssertClose(builtIn.GetWeights(), own.GetWeights(), 1e-6);
        Assert.Equal(expected["loss"][^1], history["loss"][^1], 1e-6);
    }

    [Fact]
    public void A_metric_of_ones_own_is_averaged_over_all_rows()
    {
        var (x, y) = Lines.Data(10);
        var model = new Sequential(seed: 4) { new Input(2), new Dense(1) };
        model.Compile("sgd", "mse", [Metric.Custom("far", (t, p) => Ops.Cast(Ops.Abs(t - p) > 0.5, DType.Float32)), "mae"]);
        var logs = model.Evaluate(x, y, batchSize: 3, verbosity: Verbosity.Silent);
        var far = model.Predict(x).ToDoubles().Zip(y.ToDoubles()).Count(pair => Math.Abs(pair.First - pair.Second) > 0.5);
        Assert.InRange(far, 1, 9);
        Assert.Equal(far / 10.0, logs["far"], 1e-6);
    }

    [Fact]
    public void A_layer_of_ones_own_has_weights_and_state()
    {
        var (x, y) = Lines.Data(12);
        var layer = new Counting();
        var model = new Sequential { new Input(2), layer, new Dense(1) };
        model.Compile(new SGD(0.1), "mse");
        Assert.Equal("counting", layer.Name);
        model.Fit(x, y, batchSize: 4, epochs: 2, verbosity: Verbosity.Silent);
        model.Predict(x);
        model.Evaluate(x, y, verbosity: Verbosity.Silent);

        var weights = model.GetWeights();
        Assert.Equal([Shape.Of(2), Shape.Scalar, Shape.Of(2, 1), Shape.Of(1)], weights.Select(w => w.Shape));
        Assert.Equal(6, weights[1].ToDoubles()[0]);
        Assert.All(weights[0].ToDoubles(), scale => Assert.NotEqual(1, scale));

        var again = model.Predict(new float[,] { { 1, 1 } }).ToDoubles()[0];
        var (s, k) = (weights[0].ToDoubles(), weights[2].ToDoubles());
        Assert.Equal(s[0] * k[0] + s[1] * k[1] + weights[3].ToDoubles()[0], again, 1e-6);
    }

    [Fact]
    public void A_frozen_layer_of_ones_own_keeps_its_weights()
    {
        var (x, y) = Lines.Data(12);
        var layer = new Counting { Trainable = false };
        var model = new Sequential { new Input(2), layer, new Dense(1) };
        model.Compile(new SGD(0.1), "mse");
        model.Fit(x, y, verbosity: Verbosity.Silent);
        Assert.Equal([1.0, 1.0], model.GetWeights()[0].ToDoubles());
    }

    [Fact]
    public void A_penalty_of_a_layer_is_part_of_the_loss()
    {
        var (x, y) = Lines.Data(4);
        var model = new Sequential(seed: 1) { new Input(2), new Counting(penalty: 0.5), new Dense(1) };
        var plain = new Sequential(seed: 1) { new Input(2), new Counting(), new Dense(1) };
        model.Compile("sgd", "mse");
        plain.Compile("sgd", "mse");
        plain.SetWeights(model.GetWeights());
        Assert.Equal(plain.TestOnBatch(x, y)["loss"] + 0.5 * 2, model.TestOnBatch(x, y)["loss"], 1e-5);
    }

    [Fact]
    public void A_layer_of_ones_own_takes_several_inputs()
    {
        var (a, b) = (new Input(2), new Input(2));
        var model = new Model([a, b], [new Mix().Apply(a, b)]);
        var output = model.Predict([new float[,] { { 1, 2 } }, new float[,] { { 10, 20 } }])[0];
        Assert.Equal([12.0, 24.0], output.ToDoubles());

        var single = Assert.Throws<ShapeException>(() => new Counting().Apply(a, b));
        Assert.Contains("Call(LayerScope, Expr[])", single.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void An_operation_of_ones_own_is_trained_through()
    {
        var model = new Sequential
        {
            new Input(1),
            new Dense(1, useBias: false, kernelInitializer: Initializers.Constant(0.5)),
            new Lambda(x => new Cube().Apply(x)[0]),
        };
        model.Compile(new SGD(0.1), "mse");
        Assert.Equal(1.0, model.Predict(new float[,] { { 2 } }).ToDoubles()[0], 1e-6);
        model.TrainOnBatch(new float[,] { { 2 } }, new float[,] { { 3 } });

        // d/dw ((w x)^3 - y)^2 = 2 ((w x)^3 - y) 3 (w x)^2 x
        Assert.Equal(0.5 - 0.1 * (2 * (1 - 3) * 3 * 2), model.GetWeights()[0].ToDoubles()[0], 1e-5);
    }

    [Fact]
    public void Derivatives_of_a_loss_of_ones_own_are_checked()
    {
        Tensor targets = new double[,] { { 0.2, 0.8 }, { 0.5, 0.5 } };
        var report = GradientChecker.Check(
            p => Ops.Mean(Ops.Square(Expr.Constant(targets) - Ops.Sigmoid(p[0])), -1),
            [new double[,] { { 0.3, -1.2 }, { 2, 0.1 } }],
            2);
        Assert.True(report.IsWithin(1e-6), report.ToString());
    }
}
