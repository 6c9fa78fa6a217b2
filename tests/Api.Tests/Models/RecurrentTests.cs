using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Models;

/// <summary>Recurrent layers through the facade: calls with states, cells of one's own, states that are kept.</summary>
public class RecurrentTests
{
    private static Tensor Numbers(int seed, params int[] dims)
    {
        var random = new Random(seed);
        var shape = Shape.Of(dims);
        return Tensor.OfDoubles(DType.Float32, shape, [.. Enumerable.Range(0, shape.Size).Select(_ => random.NextDouble() * 2 - 1)]);
    }

    /// <summary>An average that forgets, of the inputs' sum.</summary>
    private sealed class Forgetting(double rate) : CustomCell
    {
        protected override int[][] StateShapes => [[1]];

        protected override (Expr Output, Expr[] States) Step(LayerScope scope, Expr input, Expr[] states)
        {
            var scale = scope.AddWeight("scale", [1], Initializers.Ones);
            var h = states[0] * rate + Ops.Sum(input, -1, keepDims: true) * scale * (1 - rate);
            return (h, [h]);
        }
    }

    [Fact]
    public void A_cell_of_ones_own_runs_over_a_sequence()
    {
        var model = new Sequential { new Input(3, 2), new RNN(new Forgetting(0.75), returnSequences: true) };
        var x = Numbers(1, 2, 3, 2);
        var actual = model.Predict(x).ToDoubles();
        var values = x.ToDoubles();

        for (var row = 0; row < 2; row++)
        {
            var h = 0.0;

            for (var t = 0; t < 3; t++)
            {
                var at = row * 6 + t * 2;
                h = h * 0.75 + (values[at] + values[at + 1]) * 0.25;
                Assert.Equal(h, actual[row * 3 + t], 1e-6);
            }
        }

        Assert.Equal(1, Assert.Single(model.GetWeights()).Size);
    }

    [Fact]
    public void States_come_out_and_go_in()
    {
        var source = new Input([-1, 2], "source");
        var target = new Input([4, 2], "target");
        var encoded = new LSTM(3, returnState: true).ApplyMany(source);
        Assert.Equal(3, encoded.Length);
        var decoded = new LSTM(3, returnSequences: true).Apply(target, [encoded[1], encoded[2]]);
        Assert.Equal([-1, 4, 3], decoded.Shape);
        var model = new Model([source, target], [decoded]);
        Tensor[] inputs = [Numbers(2, 2, 5, 2), Numbers(3, 2, 4, 2)];
        var first = model.Predict(inputs)[0].ToDoubles();
        Assert.NotEqual(first, model.Predict([Numbers(4, 2, 5, 2), inputs[1]])[0].ToDoubles());

        var error = Assert.Throws<ShapeException>(() => new GRU(3, name: "gru").Apply(target, [encoded[1], encoded[2]]));
        Assert.Equal("gru", error.Path);
    }

    [Fact]
    public void A_mask_can_be_given()
    {
        var x = new Input(3, 2);
        var mask = new Input([3], "mask", DType.Bool);
        var model = new Model([x, mask], [new GRU(4).Apply(x, null, mask)]);
        var data = Numbers(5, 2, 3, 2);
        var nothing = Tensor.OfDoubles(DType.Bool, Shape.Of(2, 3), new double[6]);
        Assert.All(model.Predict([data, nothing])[0].ToDoubles(), v => Assert.Equal(0, v));
    }

    [Fact]
    public void States_are_kept_until_they_are_reset()
    {
        var model = new Sequential
        {
            new Input([3, 2], null, batchSize: 2),
            new Bidirectional(new LSTM(3, stateful: true), mergeMode: "sum"),
            new Dense(1),
        };
        var x = Numbers(6, 2, 3, 2);
        var first = model.Predict(x).ToDoubles();
        Assert.NotEqual(first, model.Predict(x).ToDoubles());
        model.ResetStates();
        Assert.Equal(first, model.Predict(x).ToDoubles());
    }

    [Fact]
    public void Two_outputs_come_from_two_directions()
    {
        var x = new Input(3, 2);
        var outputs = new Bidirectional(new GRU(2), MergeMode.None).ApplyMany(x);
        Assert.Equal(2, outputs.Length);
        Assert.Same(MergeMode.Ave, (MergeMode)"ave");
        var model = new Model([x], outputs);
        Assert.Equal(2, model.Predict([Numbers(7, 2, 3, 2)]).Length);
    }
}
