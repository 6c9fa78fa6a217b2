using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>Multiplies the loss by a scale, so that small gradients do not vanish in 16 bits, and divides the gradients by it
/// before another optimizer uses them. A step whose gradients are not all finite is skipped and halves the scale.</summary>
/// <param name="innerOptimizer">What moves the weights.</param>
/// <param name="initialScale">The scale at first.</param>
/// <param name="dynamicGrowthSteps">The scale doubles after so many steps with finite gradients.</param>
/// <param name="name">Its name; Keras's by default.</param>
public sealed class LossScaleOptimizer(
    Optimizer innerOptimizer, double initialScale = 32768, int dynamicGrowthSteps = 2000, string? name = null)
    : Optimizer("LossScaleOptimizer", name, Arguments.Empty
        .Set("inner_optimizer", innerOptimizer.Description)
        .Set("initial_scale", initialScale)
        .Set("dynamic_growth_steps", dynamicGrowthSteps));

/// <summary>Optimizers by the paths of weights: a path itself, or a regular expression that matches the whole path, such as
/// <c>encoder/.*</c>.</summary>
/// <param name="defaultOptimizer">For weights that nothing matches.</param>
/// <param name="optimizerMap">Paths or patterns, with their optimizers.</param>
public sealed class OptimizerMap(
    Optimizer defaultOptimizer, IReadOnlyDictionary<string, Optimizer>? optimizerMap = null)
{
    internal Description Description { get; } = new("OptimizerMap", Arguments.Empty
        .Set("default_optimizer", defaultOptimizer.Description)
        .Set("optimizer_map", (optimizerMap ?? new Dictionary<string, Optimizer>()).Select(pair => (pair.Key, pair.Value.Description)).ToArray()));
}

/// <summary>Several optimizers, each for the weights whose paths it is given. Each has a learning rate of its own.</summary>
/// <param name="optimizerMap">Which optimizer moves which weights.</param>
/// <param name="lossScaleFactor">The loss is multiplied by it and gradients are divided by it; takes the place of that of the
/// optimizers.</param>
/// <param name="name">Its name; Keras's by default.</param>
/// <example><code>new MultiOptimizer(new OptimizerMap(new SGD(0.01), new Dictionary&lt;string, Optimizer&gt; { ["encoder/.*"] = new Adam() }))</code></example>
public sealed class MultiOptimizer(OptimizerMap optimizerMap, double? lossScaleFactor = null, string? name = null)
    : Optimizer("MultiOptimizer", name, Arguments.Empty
        .Set("optimizer_map", optimizerMap.Description)
        .Set("loss_scale_factor", lossScaleFactor));
