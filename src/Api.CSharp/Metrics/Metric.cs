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

    /// <summary>A metric of your own under a name that configurations may have too. Keras: register_keras_serializable.</summary>
    /// <param name="name">Its name; it may have a package before it, as in mine&gt;worst.</param>
    /// <param name="function">From targets and predictions to a value per row or element.</param>
    public static Metric Register(string name, Func<Expr, Expr, Expr> function)
    {
        ConfigBridge.RegisterMetric(name, function);
        return new(new Description(name), null);
    }

    /// <summary>The arguments by Keras's names. Keras: get_config.</summary>
    /// <exception cref="NotReadyException">It is a function without a name.</exception>
    public IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.ConfigOf("metric", Saved);

    /// <summary>The metric of a class name and arguments. Keras: from_config.</summary>
    /// <param name="className">Keras's class name.</param>
    /// <param name="config">The arguments that are not at their defaults.</param>
    public static Metric FromConfig(string className, IReadOnlyDictionary<string, object?> config) =>
        new(ConfigBridge.Describe(className, config), null);

    /// <summary>A metric as it was described in JSON.</summary>
    internal static Metric Of(Description description) => new(description, null);

    /// <summary>What a configuration may say.</summary>
    internal Description Saved => Function is null ? Description : throw new NotReadyException(
        "A metric of your own has no configuration.", Description.Name, "a metric that Keras knows by name, or that was registered",
        "a function", "Give it a name with Metric.Register.");

    /// <summary>The metric of that Keras name; "accuracy" is resolved by the shapes of targets and outputs. An unknown name
    /// is reported by Compile.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "Compile is where names are converted.")]
    public static implicit operator Metric(string name) => new(new Description(name), null);
}
