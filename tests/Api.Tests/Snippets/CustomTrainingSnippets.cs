// snippet: custom-model
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Optimizers;
// end snippet

namespace FunctionalNet.Tests.Snippets;

public class CustomTrainingSnippets
{
    // snippet: custom-model
    private sealed class Autoencoder : CustomModel
    {
        private readonly Dense encoder = new(4, activation: "relu"), decoder = new(16);

        protected override Expr[] Call(LayerScope scope, Expr[] inputs) =>
            [scope.Call(decoder, scope.Call(encoder, inputs[0]))];

        protected override void TrainStep(StepContext step)
        {
            var loss = Ops.Mean(Ops.Square(step.Call(step.Inputs)[0] - step.Inputs[0]));
            step.Minimize(loss);
            step.Track("loss", loss);
        }
    }
    // end snippet

    // snippet: custom-gan
    private sealed class Gan(Model generator, Model discriminator)
        : CustomModel([("generator", generator), ("discriminator", discriminator)])
    {
        private readonly BinaryCrossentropy loss = new(fromLogits: true);

        protected override void TrainStep(StepContext step)
        {
            var noise = step.RandomNormal("noise", Shape.Of(step.BatchSize, 8));
            var real = step.Call(discriminator, step.Inputs[0]);
            var fake = step.Call(discriminator, step.Call(generator, noise));
            var wrong = loss.Call(Ops.OnesLike(real), real) + loss.Call(Ops.ZerosLike(fake), fake);
            step.Minimize(wrong, step.VariablesOf(discriminator), step.UseOptimizer("discriminator", new Adam(1e-4)));

            // The discriminator has its new weights now.
            var verdict = step.Call(discriminator, step.Call(generator, noise));
            var caught = loss.Call(Ops.OnesLike(verdict), verdict);
            step.Minimize(caught, step.VariablesOf(generator), step.UseOptimizer("generator", new Adam(1e-4)));

            step.Track("d_loss", wrong);
            step.Track("g_loss", caught);
        }
    }
    // end snippet

    private static Tensor Waves(int rows) => Tensor.OfDoubles(
        DType.Float32, Shape.Of(rows, 16), [.. Enumerable.Range(0, rows * 16).Select(i => Math.Sin(i * 0.37))]);

    [Fact]
    public void Steps()
    {
        var x = Waves(32);
        var autoencoder = new Autoencoder();
        autoencoder.Compile("adam");
        Assert.Single(autoencoder.Fit(new TrainingData([x], []), new FitOptions { Verbosity = Verbosity.Silent })["loss"]);
        var gan = new Gan(
            new Sequential { new Input(8), new Dense(16) }, new Sequential { new Input(16), new Dense(1) });
        gan.Compile();
        gan.Fit(new TrainingData([x], []), new FitOptions { Verbosity = Verbosity.Silent });
    }

    [Fact]
    public void Loops()
    {
        var (x, y) = (Waves(32), Waves(32).Reshape(Shape.Of(32, 16)));
        var model = new Sequential { new Input(16), new Dense(16) };
        model.Compile(new Adam(1e-3), "mse");
        var batches = Dataset.FromTensors(x, y).Batch(8);

        // snippet: custom-loop
        var step = model.Function(s =>
        {
            var predictions = s.Call([s.Inputs[0]])[0];
            var loss = new Huber().Call(s.Inputs[1], predictions);
            var variables = s.TrainableVariables;
            s.Apply(s.Gradients(loss, variables), variables);
            return [loss];
        });

        foreach (var (a, b) in batches)
        {
            step.Run(a, b);
            double loss = step.Scalar(0);
        }
        // end snippet

        // snippet: custom-tape
        var tape = model.GradientFunction(s => new Huber().Call(s.Inputs[1], s.Call([s.Inputs[0]])[0]));

        foreach (var (a, b) in batches)
        {
            ModelGradients found = tape.Compute(a, b); // found.Loss, found.Gradients by path
            model.ApplyGradients(found.Gradients);
        }
        // end snippet
        Assert.Equal(8, model.Iterations);
    }

    [Fact]
    public void Fine_tuning()
    {
        var (x, y) = (Waves(32), new float[32, 1]);
        var pretrained = new Sequential { new Input(16), new Dense(8, activation: "relu", name: "features"), new Dense(4) };

        // snippet: custom-fine-tuning
        var features = new Model(pretrained.Inputs, [pretrained.OutputOf("features")]); // the same weights
        features.Trainable = false;

        var input = new Input(16);
        var model = new Model(input, new Dense(1, activation: "sigmoid").Apply(features.Apply(input)));
        model.Compile(new Adam(1e-2), "binary_crossentropy");
        model.Fit(x, y, epochs: 2, verbosity: Verbosity.Silent);

        features.Trainable = true; // counts from the next Compile on
        model.Compile(new Adam(1e-4), "binary_crossentropy");
        model.Fit(x, y, epochs: 2, verbosity: Verbosity.Silent);
        // end snippet
        Assert.True(pretrained.GetWeights()[0].BitEquals(model.GetWeights()[0]));
    }
}
