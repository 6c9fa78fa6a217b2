namespace FunctionalNet.Tests.Models;

public class OpsTests
{
    private static float[] Run(Func<Expr, Expr> function, Tensor x) =>
        new CompiledFunction(inputs => [function(inputs[0])]).Invoke([x])[0].ToArray<float>();

    [Fact]
    public void Windows_slide_over_the_spatial_axes()
    {
        Tensor x = new float[,,] { { { 1 }, { 2 }, { 3 }, { 4 } } };
        var kernel = Ops.Constant(new float[,,] { { { 1 } }, { { 10 } } });
        Assert.Equal([21f, 32f, 43f], Run(e => Ops.Conv(e, kernel), x));
        Assert.Equal([21f, 43f], Run(e => Ops.Conv(e, kernel, strides: [2]), x));
        Assert.Equal([21f, 32f, 43f, 4f], Run(e => Ops.Conv(e, kernel, padding: "same"), x));
        Assert.Equal([10f, 21f, 32f, 43f], Run(e => Ops.Conv(e, kernel, padding: Padding.Causal), x));
        Assert.Equal([1f, 12f, 23f, 34f, 40f], Run(e => Ops.ConvTranspose(e, kernel), x));
        Assert.Equal([2f, 4f], Run(e => Ops.MaxPool(e, [2]), x));
        Assert.Equal([1.5f, 2.5f, 3.5f, 4f], Run(e => Ops.AveragePool(e, [2], [1], "same"), x));
    }

    [Fact]
    public void Scan_carries_a_value_from_step_to_step()
    {
        Tensor x = new float[] { 1, 2, 3, 4 };

        Expr Sums(Expr e)
        {
            var (_, outputs) = Ops.Scan(
                (carry, slice) => ([carry[0] + slice[0]], [carry[0] + slice[0]]),
                [Expr.Scalar(DType.Float32, 0)],
                [e]);
            return outputs[0];
        }

        Assert.Equal([1f, 3f, 6f, 10f], Run(Sums, x));
    }
}
