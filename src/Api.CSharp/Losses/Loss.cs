using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;

namespace FunctionalNet.Losses;

/// <summary>What training makes small: an object of this namespace, Keras's name (<c>"mse"</c>), or a function of your own
/// by <see cref="Custom"/>.</summary>
public class Loss
{
    internal Loss(string className, string? name, Reduction? reduction, Arguments arguments) =>
        Description = new Description(className, arguments.Set("reduction", reduction?.Name).Set("name", name));

    private Loss(Description description, Func<Expr, Expr, Expr>? function)
    {
        Description = description;
        Function = function;
    }

    internal Description Description { get; }

    internal Func<Expr, Expr, Expr>? Function { get; }

    /// <summary>Keras's name, or the name given to Custom.</summary>
    public string Name => Description.Name;

    /// <summary>A loss of your own. The function runs once per signature, when the step is traced, not once per batch.</summary>
    /// <param name="function">From targets and predictions to a loss per row (or per element: the rest is averaged).</param>
    /// <param name="name">Its name in logs.</param>
    /// <example><code>model.Compile("adam", Loss.Custom((y, p) => Ops.Square(y - p)));</code></example>
    public static Loss Custom(Func<Expr, Expr, Expr> function, string name = "custom_loss") =>
        new(new Description(name), function);

    /// <summary>A loss of your own under a name that configurations may have too: a model compiled with it can be saved, and is
    /// loaded by a program that has registered it. Keras: register_keras_serializable.</summary>
    /// <param name="name">Its name; it may have a package before it, as in mine&gt;asymmetric.</param>
    /// <param name="function">From targets and predictions to a loss per row (or per element: the rest is averaged).</param>
    public static Loss Register(string name, Func<Expr, Expr, Expr> function)
    {
        ConfigBridge.RegisterLoss(name, function);
        return new(new Description(name), null);
    }

    /// <summary>The arguments by Keras's names. Keras: get_config.</summary>
    /// <exception cref="NotReadyException">It is a function without a name.</exception>
    public IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.ConfigOf("loss", Saved);

    /// <summary>The loss of a class name and arguments. Keras: from_config.</summary>
    /// <param name="className">Keras's class name.</param>
    /// <param name="config">The arguments that are not at their defaults.</param>
    public static Loss FromConfig(string className, IReadOnlyDictionary<string, object?> config) =>
        new(ConfigBridge.Describe(className, config), null);

    /// <summary>A loss as it was described in JSON.</summary>
    internal static Loss Of(Description description) => new(description, null);

    /// <summary>What a configuration may say.</summary>
    internal Description Saved => Function is null ? Description : throw new NotReadyException(
        "A loss of your own has no configuration.", Name, "a loss that Keras knows by name, or that was registered", "a function",
        "Give it a name with Loss.Register.");

    /// <summary>The loss of predictions, reduced to one number, for steps and layers of your own.</summary>
    /// <param name="targets">What should have come.</param>
    /// <param name="predictions">What came.</param>
    /// <param name="sampleWeight">Weights of samples.</param>
    /// <exception cref="ArgumentValueException">The loss's name is unknown.</exception>
    public Expr Call(Expr targets, Expr predictions, Expr? sampleWeight = null) =>
        TrainingBridge.Compute(TrainingBridge.Loss(Description, Function), targets, predictions, sampleWeight);

    /// <summary>The loss of that Keras name. An unknown name is reported by Compile.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "Compile is where names are converted.")]
    public static implicit operator Loss(string name) => new(new Description(name), null);
}

/// <summary>How losses of rows become one number.</summary>
public sealed class Reduction : Choice
{
    private Reduction(string name)
        : base(name)
    {
    }

    /// <summary>The sum over the number of rows.</summary>
    public static Reduction SumOverBatchSize { get; } = new("sum_over_batch_size");

    /// <summary>The sum.</summary>
    public static Reduction Sum { get; } = new("sum");

    /// <summary>The sum over the sum of the sample weights.</summary>
    public static Reduction MeanWithSampleWeight { get; } = new("mean_with_sample_weight");

    /// <summary>The reduction of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator Reduction(string name) =>
        Find("reduction", name, SumOverBatchSize, Sum, MeanWithSampleWeight);
}
