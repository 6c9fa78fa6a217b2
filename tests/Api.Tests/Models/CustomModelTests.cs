using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

public class CustomModelTests
{
    private sealed class Autoencoder(int code, int size) : CustomModel(seed: 3)
    {
        private readonly Dense encoder = new(code, activation: "tanh"), decoder = new(size);

        protected override Expr[] Call(LayerScope scope, Expr[] inputs) =>
            [scope.Call(decoder, scope.Call(encoder, inputs[0]))];

        protected override void TrainStep(StepContext step)
        {
            var loss = Error(step);
            step.Minimize(loss);
            step.Track("error", loss);
        }

        protected override void TestStep(StepContext step) => step.Track("error", Error(step));

        private static Expr Error(StepContext step) => Ops.Mean(Ops.Square(step.Call(step.Inputs)[0] - step.Inputs[0]));
    }

    private sealed class Pair(Model generator, Model discriminator)
        : CustomModel([("generator", generator), ("discriminator", discriminator)], seed: 5)
    {
        private readonly BinaryCrossentropy loss = new(fromLogits: true);

        protected override void TrainStep(StepContext step)
        {
            var real = step.Inputs[0];
            var noise = step.RandomNormal("noise", Shape.Of(step.BatchSize, 3));
            var (onReal, onFake) = (step.Call(discriminator, real), step.Call(discriminator, step.Call(generator, noise)));
            var wrong = loss.Call(Ops.OnesLike(onReal), onReal) + loss.Call(Ops.ZerosLike(onFake), onFake);
            step.Minimize(wrong, step.VariablesOf(discriminator), step.UseOptimizer("discriminator", new Adam(0.01)));

            var verdict = step.Call(discriminator, step.Call(generator, noise));
            var caught = loss.Call(Ops.OnesLike(verdict), verdict);
            step.Minimize(caught, step.VariablesOf(generator), step.UseOptimizer("generator", new Adam(0.005)));
            step.Track("d_loss", wrong);
            step.Track("g_loss", caught);
        }
    }

    [Fact]
    public void A_subclass_says_what_comes_out_and_how_it_is_trained()
    {
        var x = Tensor.OfDoubles(
            DType.Float32, Shape.Of(64, 6), [.. Enumerable.Range(0, 384).Select(i => Math.Sin(i / 6 * 0.7) * (i % 6))]);
        var model = new Autoencoder(2, 6);
        model.Compile(new Adam(0.02));
        var data = new TrainingData([x], []);
        var history = model.Fit(data, new FitOptions { Epochs = 20, Verbosity = Verbosity.Silent, ValidationData = data });
        Assert.True(history["error"][^1] < 0.6 * history["error"][0]);
        Assert.Equal(20, history["val_error"].Count);
        Assert.Equal(Shape.Of(64, 6), model.Predict(x).Shape);
        Assert.Equal(
            ["autoencoder/dense/kernel", "autoencoder/dense/bias", "autoencoder/dense_1/kernel", "autoencoder/dense_1/bias"],
            model.GetNamedWeights().Select(pair => pair.Key));
    }

    [Fact]
    public void An_adversarial_pair_trains_models_that_stay_models()
    {
        var generator = new Sequential { new Input(3), new Dense(8, activation: "relu"), new Dense(2) };
        var discriminator = new Sequential { new Input(2), new Dense(8, activation: "relu"), new Dense(1) };
        var noise = Tensor.OfDoubles(DType.Float32, Shape.Of(4, 3), [.. Enumerable.Range(0, 12).Select(i => i / 6.0 - 1)]);
        var before = generator.Predict(noise);
        var pair = new Pair(generator, discriminator);
        pair.Compile();
        var cloud = Tensor.OfDoubles(
            DType.Float32, Shape.Of(128, 2), [.. Enumerable.Range(0, 256).Select(i => i % 2 == 0 ? 3 + i / 1000.0 : -2)]);
        var history = pair.Fit(
            new TrainingData([cloud], []), new FitOptions { Epochs = 3, Verbosity = Verbosity.Silent });
        Assert.Equal(["d_loss", "g_loss"], history.Names);
        Assert.False(before.BitEquals(generator.Predict(noise)));
        Assert.True(pair.GetWeights()[0].BitEquals(generator.GetWeights()[0]));
    }

    [Fact]
    public void A_loop_of_ones_own_is_fit()
    {
        var (x, y) = Lines.Data();
        var (fitted, looped, taped) = (Lines.Model(), Lines.Model(), Lines.Model());
        var step = looped.Function(s =>
        {
            var loss = Ops.Mean(Ops.Square(s.Call([s.Inputs[0]])[0] - s.Inputs[1]));
            s.Minimize(loss);
            return [loss];
        });
        var tape = taped.GradientFunction(s => new MeanSquaredError().Call(s.Inputs[1], s.Call([s.Inputs[0]])[0]));

        for (var i = 0; i < 4; i++)
        {
            fitted.ResetMetrics();
            var loss = fitted.TrainOnBatch(x, y)["loss"];
            step.Run(x, y);
            Assert.Equal(loss, step.Scalar(0), 1e-6);
            var found = tape.Compute(x, y);
            Assert.Equal(loss, found.Loss, 1e-6);
            taped.ApplyGradients(found.Gradients);
        }

        Lines.AssertClose(fitted.GetWeights(), looped.GetWeights(), 1e-6);
        Lines.AssertClose(fitted.GetWeights(), taped.GetWeights(), 1e-6);
        Assert.Equal(1, step.Traces);
    }

    [Fact]
    public void Derivatives_of_nodes_nest()
    {
        var third = new CompiledFunction(x =>
        {
            Expr Cube(Expr v) => v * v * v;
            var (value, slope) = Grad.ValueAndGradient(Cube, x[0]);
            return [value, slope, Grad.Of(v => Grad.Of(Cube, v), x[0]), Grad.Gradients(Cube(x[0]), x[0])[0]];
        });
        Assert.Equal([8.0, 12, 12, 12], third.Invoke(2f).Select(t => t.ToDoubles()[0]));
    }

    [Fact]
    public void What_is_missing_is_said()
    {
        var model = new Autoencoder(2, 6);
        Assert.Throws<NotReadyException>(() => model.CountParameters());
        var other = new Dense(2);
        var line = Lines.Model();
        var function = line.Function(s => [s.Call(other, s.Inputs[0])]);
        Assert.Throws<ArgumentValueException>(() => function.Run(Lines.Data().X));
    }
}
