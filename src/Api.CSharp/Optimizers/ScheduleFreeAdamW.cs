using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>AdamW that averages instead of following a schedule (Defazio et al., 2024).</summary>
/// <param name="learningRate">Step size; 0.0025 by default.</param>
/// <param name="beta1">Share of the average in the point where gradients are taken.</param>
/// <param name="beta2">Decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="warmupSteps">Steps over which the rate grows from 0.</param>
/// <param name="weightDecay">Share of every weight taken away per step, times the rate; none by default.</param>
/// <param name="clipnorm">Greatest norm of each weight's gradient.</param>
/// <param name="clipvalue">Greatest absolute gradient.</param>
/// <param name="globalClipnorm">Greatest norm of all gradients together.</param>
/// <param name="useEma">Whether weights become their moving average when training ends.</param>
/// <param name="emaMomentum">Share of the old average kept at each step.</param>
/// <param name="emaOverwriteFrequency">Steps after which weights become their average; only at the end by
/// default.</param>
/// <param name="lossScaleFactor">The loss is multiplied by it and gradients are divided by it.</param>
/// <param name="gradientAccumulationSteps">Batches whose gradients are averaged for one step; 1 by default.</param>
/// <param name="excludeFromWeightDecay">What keeps its size: regular expressions searched in a weight's own name, such as bias, or
/// paths with a slash, of weights or of the layers around them.</param>
/// <param name="name">Its name; Keras's by default.</param>
public sealed class ScheduleFreeAdamW(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-8,
    int warmupSteps = 0,
    double? weightDecay = null,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null,
    bool useEma = false,
    double emaMomentum = 0.99,
    int? emaOverwriteFrequency = null,
    double? lossScaleFactor = null,
    int? gradientAccumulationSteps = null,
    string[]? excludeFromWeightDecay = null,
    string? name = null)
    : Optimizer("ScheduleFreeAdamW", name, Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Set("warmup_steps", warmupSteps)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));
