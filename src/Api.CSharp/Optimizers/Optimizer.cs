using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>How weights follow their gradients: an object of this namespace, or Keras's name (<c>"adam"</c>), which stands
/// for the optimizer with its defaults.</summary>
public class Optimizer
{
    internal Optimizer(string className, string? name, Arguments arguments) =>
        Description = new Description(className, arguments.Set("name", name));

    private Optimizer(Description description) => Description = description;

    internal Description Description { get; }

    /// <summary>Keras's name.</summary>
    public string Name => Description.Name;

    /// <summary>The arguments by Keras's names. Keras: get_config.</summary>
    /// <exception cref="ArgumentValueException">The name is unknown.</exception>
    public IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.ConfigOf("optimizer", Description);

    /// <summary>The optimizer of a class name and arguments. Keras: from_config.</summary>
    /// <param name="className">Keras's class name.</param>
    /// <param name="config">The arguments that are not at their defaults.</param>
    public static Optimizer FromConfig(string className, IReadOnlyDictionary<string, object?> config) =>
        new(ConfigBridge.Describe(className, config));

    /// <summary>An optimizer as it was described in JSON.</summary>
    internal static Optimizer Of(Description description) => new(description);

    /// <summary>The optimizer of that Keras name with its defaults. An unknown name is reported by Compile.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "Compile is where names are converted.")]
    public static implicit operator Optimizer(string name) => new(new Description(name));
}

/// <summary>A learning rate: a number, or a schedule over the iterations.</summary>
public sealed class LearningRate
{
    internal LearningRate(double value) => Value = value;

    internal LearningRate(LearningRateSchedule schedule) => Schedule = schedule;

    internal double Value { get; }

    internal LearningRateSchedule? Schedule { get; }

    /// <summary>A constant rate.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "Numbers are converted where they are passed.")]
    public static implicit operator LearningRate(double value) => new(value);

    /// <summary>A scheduled rate.</summary>
    [SuppressMessage("Usage", "CA2225", Justification = "Schedules are converted where they are passed.")]
    public static implicit operator LearningRate(LearningRateSchedule schedule) => new(schedule);
}

internal static class OptimizerArguments
{
    /// <summary>The learning rate under Keras's name, unless null.</summary>
    public static Arguments Rate(this Arguments arguments, LearningRate? rate) => rate switch
    {
        null => arguments,
        { Schedule: { } schedule } => arguments.Set("learning_rate", schedule.Description),
        _ => arguments.Set("learning_rate", rate.Value),
    };

    /// <summary>How much of weights is taken away, and of which not.</summary>
    public static Arguments Decay(this Arguments arguments, double? weightDecay, string[]? excludeFromWeightDecay) =>
        arguments
            .Set("weight_decay", weightDecay)
            .Set("exclude_from_weight_decay", excludeFromWeightDecay);

    /// <summary>How large gradients may be.</summary>
    public static Arguments Clipping(
        this Arguments arguments, double? clipnorm, double? clipvalue, double? globalClipnorm) =>
        arguments
            .Set("clipnorm", clipnorm)
            .Set("clipvalue", clipvalue)
            .Set("global_clipnorm", globalClipnorm);

    /// <summary>Whether weights become their average, and when.</summary>
    public static Arguments Averaging(
        this Arguments arguments, bool useEma, double emaMomentum, int? emaOverwriteFrequency) =>
        arguments
            .Set("use_ema", useEma)
            .Set("ema_momentum", emaMomentum)
            .Set("ema_overwrite_frequency", emaOverwriteFrequency);

    /// <summary>A number, or Python's None where null does not stand for the default.</summary>
    public static Arguments SetOrNone(this Arguments arguments, string name, double? value) =>
        value is { } number ? arguments.Set(name, number) : arguments.SetNone(name);
}
