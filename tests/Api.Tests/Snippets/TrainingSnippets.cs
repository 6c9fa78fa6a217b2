using FunctionalNet.Graph;
using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Snippets;

public class TrainingSnippets
{
    private static Sequential Model() => new(seed: 1)
    {
        new Input(6),
        new Dense(8, activation: "relu", name: "encoder"),
        new Dense(3, activation: "softmax", name: "head"),
    };

    private static Tensor X() => Tensor.OfDoubles(DType.Float32, Shape.Of(24, 6), [.. Enumerable.Range(0, 144).Select(i => Math.Sin(i))]);

    private static Tensor Y() => Enumerable.Range(0, 24).Select(i => i % 3).ToArray();

    [Fact]
    public void Optimizers_of_optimizers()
    {
        var model = Model();
        var (x, y) = (X(), Y());

        // snippet: wrapped-optimizers
        var muon = new Muon(0.02, excludeLayers: ["head"]);

        var scaled = new LossScaleOptimizer(new Adam(1e-3));

        var several = new MultiOptimizer(new OptimizerMap(
            defaultOptimizer: new AdamW(1e-3, excludeFromWeightDecay: ["bias"]),
            new Dictionary<string, Optimizer> { ["encoder/.*"] = new SGD(new CosineDecay(0.1, decaySteps: 1000)) }));

        model.Compile(several, "sparse_categorical_crossentropy");
        // end snippet

        foreach (var optimizer in new Optimizer[] { several, muon, scaled })
        {
            model.Compile(optimizer, "sparse_categorical_crossentropy");
            var history = model.Fit(x, y, epochs: 12, batchSize: 8, verbosity: Verbosity.Silent);
            Assert.True(history["loss"][^1] < history["loss"][0]);
        }
    }

    [Fact]
    public void Less_memory()
    {
        // snippet: training-remat
        Sequential Block()
        {
            using (new RematScope())
            {
                return new Sequential { new Dense(512, activation: "gelu"), new Dropout(0.1), new Dense(64) };
            }
        }

        var model = new Sequential(seed: 1) { new Input(64), Block(), Block(), Block(), new Dense(1) };
        // end snippet
        model.Compile("adam", "mse");
        model.TrainOnBatch(new float[8, 64], new float[8, 1]);
        Assert.Equal(1 + (3 * 2 * 2) + 1, model.GetWeights().Count);
    }

    [Fact]
    public void Trees_of_values()
    {
        var (model, other) = (Model(), Model());
        model.Compile("adam", "sparse_categorical_crossentropy");
        other.Compile("adam", "sparse_categorical_crossentropy");
        model.TrainOnBatch(X(), Y());

        // snippet: training-state
        Nested<Tensor> state = model.GetStateTree();
        Tensor kernel = state["trainable_variables"].At("encoder/kernel");
        Tensor velocity = state["optimizer_variables"].At("encoder/kernel/velocity");

        other.SetStateTree(state); // goes on where the first model is
        // end snippet
        Assert.Equal(kernel.Shape, velocity.Shape);
        Assert.True(other.GetNamedWeights()[0].Value.BitEquals(kernel));
    }

    [Fact]
    public void Event_files()
    {
        var folder = Directory.CreateTempSubdirectory("functionalnet-");

        try
        {
            var (x, y) = (X(), Y());
            var model = Model();
            model.Compile("adam", "sparse_categorical_crossentropy", ["accuracy"]);
            var logs = Path.Combine(folder.FullName, "logs");

            // snippet: tensorboard
            model.Fit(x, y, epochs: 3, validationSplit: 0.25, callbacks: [new TensorBoard(logs, histogramFreq: 1, updateFreq: 100)]);
            // tensorboard --logdir logs
            // end snippet

            Assert.NotEmpty(Directory.GetFiles(Path.Combine(logs, "train")));
            Assert.NotEmpty(Directory.GetFiles(Path.Combine(logs, "validation")));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    // snippet: custom-gradient
    /// <summary>log(1 + e^x), with a derivative that does not overflow.</summary>
    private static Expr Log1pExp(Expr x) => Ops.CustomGradient(
        inputs =>
        {
            var e = Ops.Exp(inputs[0]);
            return (Ops.Log(1 + e), upstream => [upstream * (1 - 1 / (1 + e))]);
        },
        x);
    // end snippet

    [Fact]
    public void A_derivative_of_ones_own()
    {
        var x = Expr.Constant(new double[] { 1000, 0 });
        Assert.Equal([1.0, 0.5], Interpreter.Value([], Grad.Gradients(Ops.Sum(Log1pExp(x)), x)[0]).ToDoubles());
    }
}
