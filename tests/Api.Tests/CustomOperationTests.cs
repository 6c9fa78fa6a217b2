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

    /// <summary>log(1 + exp x), whose derivative overflows where it is written as exp x / (1 + exp x): the example of Keras's
    /// custom_gradient.</summary>
    private static Expr Log1pExp(Expr x) => Ops.CustomGradient(
        inputs =>
        {
            var e = Ops.Exp(inputs[0]);
            return (Ops.Log(1 + e), upstream => [upstream * (1 - 1 / (1 + e))]);
        },
        x);

    [Fact]
    public void A_custom_gradient_takes_the_place_of_the_derivative()
    {
        var x = Expr.Constant(new double[] { 1000, 0, -2 });
        var slope = Grad.Gradients(Ops.Sum(Log1pExp(x)), x)[0];
        var slopes = Interpreter.Value([], slope).ToDoubles();
        Assert.Equal([1.0, 0.5], slopes[..2]);
        Assert.Equal(1 / (1 + Math.Exp(2)), slopes[2], 12);
        var report = GradientChecker.Check(x => Log1pExp(x[0]), [Point], 3);
        Assert.True(report.IsWithin(1e-6), report.ToString());
    }

    [Fact]
    public void A_custom_gradient_may_be_another_function()
    {
        // Straight through: rounds forward, passes the cotangent back.
        var x = Expr.Constant(new double[] { 0.4, 1.6 });
        var rounded = Ops.CustomGradient(inputs => (Ops.Round(inputs[0]), upstream => [upstream]), x);
        var slope = Grad.Gradients(Ops.Sum(rounded * rounded), x)[0];
        Assert.Equal([0.0, 2.0], Interpreter.Value([], rounded).ToDoubles());
        Assert.Equal([0.0, 4.0], Interpreter.Value([], slope).ToDoubles());
    }

    [Fact]
    public void A_custom_gradient_of_the_wrong_form_is_an_error()
    {
        var x = Expr.Constant(Point);
        Expr none = Ops.CustomGradient(inputs => (inputs[0] * 2, _ => []), x);
        Assert.Throws<GraphException>(() => Grad.Gradients(Ops.Sum(none), x));
        Expr scalar = Ops.CustomGradient(inputs => (inputs[0] * 2, g => [Ops.Sum(g)]), x);
        Assert.Throws<ShapeException>(() => Grad.Gradients(Ops.Sum(scalar), x));
    }
}
