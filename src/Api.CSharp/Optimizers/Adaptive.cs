using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>Adaptive moments (Kingma and Ba, 2014).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta1">Decay of the mean of gradients.</param>
/// <param name="beta2">Decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="amsgrad">Whether the greatest mean square so far is used.</param>
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
public sealed class Adam(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
    bool amsgrad = false,
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
    : Optimizer("Adam", name, Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Set("amsgrad", amsgrad)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter, 2017).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta1">Decay of the mean of gradients.</param>
/// <param name="beta2">Decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="amsgrad">Whether the greatest mean square so far is used.</param>
/// <param name="weightDecay">Share of every weight taken away per step, times the rate; 0.004 by default.</param>
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
public sealed class AdamW(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
    bool amsgrad = false,
    double? weightDecay = 0.004,
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
    : Optimizer("AdamW", name, Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Set("amsgrad", amsgrad)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Adam by the greatest gradient instead of the mean square.</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta1">Decay of the mean of gradients.</param>
/// <param name="beta2">Decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
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
public sealed class Adamax(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
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
    : Optimizer("Adamax", name, Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Adam with Nesterov momentum (Dozat, 2016).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta1">Decay of the mean of gradients.</param>
/// <param name="beta2">Decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
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
public sealed class Nadam(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
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
    : Optimizer("Nadam", name, Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Adam with steps in proportion to each weight's length: for large batches (You et al., 2019).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta1">Decay of the mean of gradients.</param>
/// <param name="beta2">Decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
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
public sealed class Lamb(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
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
    : Optimizer("Lamb", name, Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Adam that keeps rows and columns of the mean square instead of all of it (Shazeer and Stern,
/// 2018).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta2Decay">The decay of the mean square is 1 - step^this.</param>
/// <param name="epsilon1">Added to squared gradients.</param>
/// <param name="epsilon2">Least length of a weight, as steps see it.</param>
/// <param name="clipThreshold">Greatest root mean square of a step.</param>
/// <param name="relativeStep">Whether the rate is at most 1 / sqrt(step).</param>
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
public sealed class Adafactor(
    LearningRate? learningRate = null,
    double beta2Decay = -0.8,
    double epsilon1 = 1e-30,
    double epsilon2 = 0.001,
    double clipThreshold = 1,
    bool relativeStep = true,
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
    : Optimizer("Adafactor", name, Arguments.Empty.Rate(learningRate)
        .Set("beta_2_decay", beta2Decay)
        .Set("epsilon_1", epsilon1)
        .Set("epsilon_2", epsilon2)
        .Set("clip_threshold", clipThreshold)
        .Set("relative_step", relativeStep)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));
