using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>A learning rate as a function of the iteration, which counts updates from 0.</summary>
public class LearningRateSchedule
{
    internal LearningRateSchedule(string className, Arguments arguments) => Description = new Description(className, arguments);

    private LearningRateSchedule(Description description) => Description = description;

    internal Description Description { get; }

    /// <summary>A schedule of your own, known under a name from then on: a model that was saved with it is loaded by a program that has
    /// made it too.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rate">From the number of updates done so far to the learning rate.</param>
    /// <example><code>new Adam(LearningRateSchedule.Custom("warmup", step => 1e-3 * Math.Min(1, (step + 1) / 100.0)))</code></example>
    public static LearningRateSchedule Custom(string name, Func<long, double> rate)
    {
        TrainingBridge.RegisterSchedule(name, rate);
        return new LearningRateSchedule(new Description(name, Arguments.Empty));
    }

    /// <summary>The arguments by Keras's names. Keras: get_config.</summary>
    public IReadOnlyDictionary<string, object?> GetConfig() => ConfigBridge.ConfigOf("schedule", Description);

    /// <summary>The schedule of a class name and arguments. Keras: from_config.</summary>
    /// <param name="className">Keras's class name.</param>
    /// <param name="config">The arguments.</param>
    public static LearningRateSchedule FromConfig(string className, IReadOnlyDictionary<string, object?> config) =>
        new(ConfigBridge.Describe(className, config));

    /// <summary>A schedule as it was described in JSON.</summary>
    internal static LearningRateSchedule Of(Description description) => new(description);
}
