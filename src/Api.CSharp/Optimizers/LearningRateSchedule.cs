using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>A learning rate as a function of the iteration, which counts updates from 0.</summary>
public class LearningRateSchedule
{
    internal LearningRateSchedule(string className, Arguments arguments) => Description = new Description(className, arguments);

    internal Description Description { get; }
}
