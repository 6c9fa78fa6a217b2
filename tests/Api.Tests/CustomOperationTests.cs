using FunctionalNet.Graph;

namespace FunctionalNet.Tests;

/// <summary>An operation of the user's own, written, differentiated and checked from C#.</summary>
public class CustomOperationTests
{
    /// <summary>x * x * x on spans, with a derivative in terms of nodes.</summary>
    private sealed class Cube(double factor) : CustomOperation("Cube")
    {
        public override TensorType[] InferTypes(TensorType[] inputs) => inputs;

        public override void Compute(CustomArguments arguments)
        {
            ReadOnlySpan<double> x = arguments.Input<double>(0);
            Span<double> y = arguments.Output<double>(0);
            for (int i = 0; i < x.Length; i++)
            {
                y[i] = x[i] * x[i] * x[i];
            }
        }

        public override Expr[] Gradient(Expr[] inputs, Expr[] outputs, Expr[] cotangents) =>
            [cotangents[0] * inputs[0] * inputs[0] * factor];
    }

    private static readonly Tensor Point = new double[] { 0.5, -1.5, 2 };

    [Fact]
    public void Computes()
    {
        var y = new Cube(3).Apply(Expr.Constant(Point));
        Assert.Equal([0.125, -3.375, 8.0], Interpreter.Value([], y[0]).ToDoubles());
    }

    [Fact]
    public void ItsDerivativeIsCheckedToOrderThree()
    {
        var report = GradientChecker.Check(x => new Cube(3).Apply(x)[0], [Point], 3);
        Assert.True(report.IsWithin(1e-6), report.ToString());
        Assert.Equal(3, report.Errors.Length);
    }

    [Fact]
    public void AWrongDerivativeIsCaught() =>
        Assert.False(GradientChecker.Check(x => new Cube(2).Apply(x)[0], [Point], 1).IsWithin(1e-2));
}
