using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Models;

/// <summary>Arguments of a layer's call through the facade, as a Keras user writes them.</summary>
public class CallArgumentTests
{
    private static Tensor Numbers(params int[] dims)
    {
        var random = new Random(3);
        var shape = Shape.Of(dims);
        return Tensor.OfDoubles(DType.Float32, shape, [.. Enumerable.Range(0, shape.Size).Select(_ => random.NextDouble() * 2 - 1)]);
    }

    private static double[] Predicted(Func<SymbolicTensor, SymbolicTensor> apply)
    {
        var x = new Input(4, 6);
        return new Model(x, apply(x), seed: 1).Predict(Numbers(2, 4, 6)).ToDoubles();
    }

    [Fact]
    public void A_causal_mask_is_an_argument_of_the_call()
    {
        var inTheCall = Predicted(x => new MultiHeadAttention(2, 3, name: "a").Apply(x, x, useCausalMask: true));
        var inTheLayer = Predicted(x => new MultiHeadAttention(2, 3, useCausalMask: true, name: "a").Apply(x, x));
        var without = Predicted(x => new MultiHeadAttention(2, 3, name: "a").Apply(x, x));
        Assert.Equal(inTheLayer, inTheCall);
        Assert.NotEqual(without, inTheCall);
    }

    [Fact]
    public void Scores_are_returned_by_the_call_that_asks_for_them()
    {
        var x = new Input(4, 6);
        var attention = new MultiHeadAttention(2, 3);
        var (output, scores) = attention.ApplyWithScores(x, x, useCausalMask: true);
        Assert.Equal([-1, 4, 6], output.Shape);
        Assert.Equal([-1, 2, 4, 4], scores.Shape);
        var model = new Model([x], [scores, attention.Apply(output, x)], seed: 1);
        var weights = model.Predict([Numbers(2, 4, 6)])[0].ToDoubles();
        Assert.Equal(1, weights[0], 1e-6);
        Assert.Equal(0, weights[1]);
        Assert.Equal(model.ToJson(), Model.FromJson(model.ToJson()).ToJson());
    }

    [Fact]
    public void A_layer_may_train_while_its_model_does_not()
    {
        var x = new Input(64);
        var model = new Model(x, new Dropout(0.5).Apply(x, training: true), seed: 1);
        var ones = Tensor.Full(DType.Float32, Shape.Of(2, 64), 1);
        var first = model.Predict(ones).ToDoubles();
        Assert.Contains(0, first);
        Assert.NotEqual(first, model.Predict(ones).ToDoubles());
    }
}
