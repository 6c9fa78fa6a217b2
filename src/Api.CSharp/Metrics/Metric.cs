using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;

namespace FunctionalNet.Metrics;

/// <summary>What is measured beside the loss: an object of this namespace, Keras's name (<c>"accuracy"</c>), or a function
/// of your own by <see cref="Custom"/>.</summary>
public class Metric
{
    internal Metric(string className, string? name, Arguments arguments)
        : this(new Description(className, arguments.Set("name", name)), null)
    {
    }

    private Metric(Description description, Func<Expr, Expr, Expr>? function)
    {
        Description = description;
        Function = function;
    }

    internal Description Description { get; }

    internal Func<Expr, Expr, Expr>? Function { get; }

    /// <summary>A metric of your own: the mean of what the function gives. It runs once per signature, when the step is
    /// traced, not once per batch.</summary>
    /// <param name="name">Its name in logs.</param>
    /// <param name="function">From targets and predictions to a value per row or element.</param>
    public static Metric Custom(string name, Func<Expr, Expr, Expr> function) => new(new Description(name), function);

    /// <summary>The metric of that Keras name; "accuracy" is resolved by the shapes of targets and outputs. An unknown name
    /// is reported by Compile.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "Compile is where names are converted.")]
    public static implicit operator Metric(string name) => new(new Description(name), null);
}
