using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests;

/// <summary>Claims of docs/surprises.md, by number, as they look from C#. The page's own check is in the core's tests.</summary>
public class SurprisesTests
{
    private static readonly Tensor X = new float[,] { { 1, 2, 3 }, { -1, 0, 2 }, { 3, -2, 1 }, { 0, 1, -1 }, { 2, 2, 0 } };

    private static readonly Tensor Y = new float[,] { { 1 }, { 0 }, { 2 }, { -1 }, { 1 } };

    private sealed class Counting : CustomLayer
    {
        public int Calls { get; private set; }

        protected override Expr Call(LayerScope scope, Expr input)
        {
            Calls++;
            return input;
        }
    }

    private static void Fit(Model model, int epochs = 1, int batchSize = 5) =>
        model.Fit(X, Y, epochs: epochs, batchSize: batchSize, verbosity: Verbosity.Silent);

    [Fact]
    public void Surprise01_A_layers_code_runs_at_trace_time()
    {
        var counting = new Counting();
        var losses = 0;
        var model = new Sequential { new Input(3), counting, new Dense(1) };
        model.Compile("sgd", Loss.Custom((y, p) =>
        {
            losses++;
            return Ops.Square(y - p);
        }));
        var described = counting.Calls;
        Fit(model, epochs: 20);
        Assert.Equal((1, 1), (counting.Calls - described, losses));
        Fit(model, epochs: 20);
        Assert.Equal((1, 1), (counting.Calls - described, losses));
        Fit(model, epochs: 2, batchSize: 3);
        Assert.Equal((3, 3), (counting.Calls - described, losses));
    }

    [Fact]
    public void Surprise02_What_a_lambda_captures_is_frozen()
    {
        var factor = 2.0;
        var model = new Sequential { new Input(3), new Lambda(x => x * factor) };
        model.Compile("sgd", "mse");
        var before = model.Predict(X).ToArray<float>();
        factor = 4;
        Assert.Equal(before, model.Predict(X).ToArray<float>());
        model.Compile("sgd", "mse");
        Assert.Equal(before.Select(v => 2 * v), model.Predict(X).ToArray<float>());
    }

    [Fact]
    public void Surprise08_One_layer_object_used_twice_shares_its_weights_in_a_functional_model()
    {
        var dense = new Dense(3);
        var input = new Input(3);
        Assert.Equal((3 * 3) + 3, new Model(input, dense.Apply(dense.Apply(input))).CountParameters());
    }

    [Fact]
    public void Surprise09_Freezing_needs_a_compile()
    {
        var dense = new Dense(3);
        var norm = new BatchNormalization();
        var model = new Sequential { new Input(3), dense, norm, new Dense(1) };
        model.Compile(new SGD(0.1), "mse");

        // Kernel; gamma, beta, moving mean, moving variance.
        bool[] Moved()
        {
            var before = model.GetWeights();
            Fit(model);
            return [.. before.Zip(model.GetWeights(), (a, b) => !a.BitEquals(b))];
        }

        dense.Trainable = false;
        norm.Trainable = false;
        Assert.True(Moved() is [true, _, true, _, true, true, ..]);
        model.Compile(new SGD(0.1), "mse");
        Assert.True(Moved() is [false, false, false, false, false, false, true, true]);
        dense.Trainable = true;
        norm.Trainable = true;
        Assert.True(Moved() is [false, false, false, false, false, false, true, true]);
        model.Compile(new SGD(0.1), "mse");
        Assert.True(Moved() is [true, _, true, _, true, true, ..]);
    }

    [Fact]
    public void Surprise11_Data_of_float64_is_rounded_where_it_enters()
    {
        var model = new Sequential { new Input(3), new Dense(1) };
        var wide = X.Cast(DType.Float64);
        Assert.True(model.Predict(X).BitEquals(model.Predict(wide)));
    }
}
