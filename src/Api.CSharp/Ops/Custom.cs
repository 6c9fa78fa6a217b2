using FunctionalNet.Interop;

namespace FunctionalNet;

public static partial class Ops
{
    /// <summary>The value of a function whose derivative is your own. It runs when a graph is traced, once for the value and once for
    /// each derivative. Derivatives of higher order are those of what it gives; nodes that it uses from outside are constants to
    /// the derivative. Keras: custom_gradient.</summary>
    /// <param name="function">From the inputs to the value, and to a function from the value's cotangent (Keras's upstream) to one
    /// cotangent per input.</param>
    /// <param name="inputs">The inputs.</param>
    /// <example><code>
    /// Expr Log1pExp(Expr x) => Ops.CustomGradient(
    ///     x =>
    ///     {
    ///         var e = Ops.Exp(x[0]);
    ///         return (Ops.Log(1 + e), upstream => [upstream * (1 - 1 / (1 + e))]);
    ///     },
    ///     x);
    /// </code></example>
    public static Expr CustomGradient(
        Func<Expr[], (Expr Value, Func<Expr, Expr[]> Gradient)> function, params Expr[] inputs) =>
        OpsBridge.CustomGradient(call => function(call), inputs);

    /// <summary>The results of a function of nodes whose inner values derivatives do not keep: they compute them again from the inputs.
    /// The same values, and the same derivatives up to rounding, in less memory and more time. The function runs once, when a graph is
    /// traced. Keras: remat.</summary>
    /// <param name="function">From the inputs to the results.</param>
    /// <param name="inputs">What is kept.</param>
    /// <example><code>var y = Ops.Remat(x =&gt; [Ops.Tanh(Ops.Matmul(x[0], w))], x)[0];</code></example>
    public static Expr[] Remat(Func<Expr[], Expr[]> function, params Expr[] inputs) => OpsBridge.Remat(function, inputs);
}
