using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

/// <summary>Plans and compiled functions from C#.</summary>
public class PlanTests
{
    private static Sequential Compiled(PlanOptions? options = null)
    {
        var model = new Sequential { new Input(4), new Dense(8, activation: "tanh"), new Dense(1) };

        if (options is not null)
        {
            model.PlanOptions = options;
        }

        model.Compile(new SGD(0.1), "mse");
        return model;
    }

    private static TrainingData Batch() =>
        new(new float[,] { { 1, 2, 3, 4 }, { -1, 0, 1, 0.5f } }, new float[,] { { 1 }, { -1 } });

    [Fact]
    public void The_plan_of_a_model_is_text_and_profiling_trains_nothing()
    {
        var model = Compiled();
        var before = model.GetWeights();
        Assert.Contains("training step of a batch of 16", model.DescribePlan(16), StringComparison.Ordinal);
        Assert.Contains("us\n", model.DescribePlan(16, profileRuns: 3), StringComparison.Ordinal);
        Assert.All(before.Zip(model.GetWeights()), pair => Assert.True(pair.First.BitEquals(pair.Second)));
        Assert.Throws<NotReadyException>(() => new Sequential { new Input(4), new Dense(1) }.DescribePlan());
    }

    [Fact]
    public void Passes_are_chosen_before_the_first_use()
    {
        var (plan, interpreted) = (Compiled(), Compiled(PlanOptions.Interpreted));
        Assert.Contains("interpreted", interpreted.DescribePlan(2), StringComparison.Ordinal);
        var (a, b) = (plan.TrainOnBatch(Batch())["loss"], interpreted.TrainOnBatch(Batch())["loss"]);
        Assert.Equal(a, b, 1e-5);
        Assert.Null(plan.FirstDifference(Batch()));
        Assert.Throws<NotReadyException>(() => plan.PlanOptions = new PlanOptions { Fuse = false });
    }

    [Fact]
    public void A_function_is_compiled_once_per_signature()
    {
        var norm = new CompiledFunction(x => [Ops.Sqrt(Ops.Sum(x[0] * x[0]))]);
        Assert.Equal([5f], norm.Invoke(new float[] { 3, 4 })[0].ToArray<float>());
        Assert.Equal([13f], norm.Invoke(new float[] { 5, 12 })[0].ToArray<float>());
        Assert.Equal([3.0], norm.Invoke(new double[] { 1, 2, 2 })[0].ToArray<double>());
        Assert.Equal(2, norm.Traces);
        Assert.Contains("plan:", norm.DescribePlan(new float[] { 3, 4 }), StringComparison.Ordinal);
        Assert.Null(norm.FirstDifference(1e-5, new float[] { 3, 4 }));
    }
}
