namespace FunctionalNet;

/// <summary>Derivatives of nodes: from a graph to a graph, so they nest to any order.</summary>
public static class Grad
{
    /// <summary>The derivatives of a scalar to nodes: each has the shape of its node; zeros where there is no dependence.</summary>
    /// <exception cref="ShapeException">The loss is not a scalar.</exception>
    public static Expr[] Gradients(Expr loss, params Expr[] variables) => GradModule.gradients(loss, variables);

    /// <summary>The derivative of a scalar function at x.</summary>
    /// <exception cref="ShapeException">The function's value is not a scalar.</exception>
    public static Expr Of(Func<Expr, Expr> function, Expr x) =>
        GradModule.grad(Microsoft.FSharp.Core.FuncConvert.FromFunc(function), x);

    /// <summary>The value of a scalar function at x, and its derivative there.</summary>
    public static (Expr Value, Expr Gradient) ValueAndGradient(Func<Expr, Expr> function, Expr x) =>
        GradModule.valueAndGrad(Microsoft.FSharp.Core.FuncConvert.FromFunc(function), x);

    /// <summary>What a change of the outputs, weighted by their cotangents, is for each of the variables.</summary>
    public static Expr[] VectorJacobian(Expr[] outputs, Expr[] cotangents, params Expr[] variables) =>
        GradModule.vjp(outputs, cotangents, variables);

    /// <summary>All derivatives of all elements of a function's value: its shape, then the shape of x.</summary>
    public static Expr Jacobian(Func<Expr, Expr> function, Expr x) =>
        GradModule.jacobian(Microsoft.FSharp.Core.FuncConvert.FromFunc(function), x);
}
