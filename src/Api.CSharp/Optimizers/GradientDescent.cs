using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>Gradient descent, with momentum if asked.</summary>
/// <param name="learningRate">Step size; 0.01 by default.</param>
/// <param name="momentum">Share of the last step kept.</param>
/// <param name="nesterov">Whether the gradient is taken one step ahead.</param>
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
public sealed class SGD(
    LearningRate? learningRate = null,
    double momentum = 0,
    bool nesterov = false,
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
    : Optimizer("SGD", name, Arguments.Empty.Rate(learningRate)
        .Set("momentum", momentum)
        .Set("nesterov", nesterov)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Steps divided by a running root mean square of the gradient.</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="rho">Decay of the mean square.</param>
/// <param name="momentum">Share of the last step kept.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="centered">Whether the mean is subtracted.</param>
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
public sealed class RMSprop(
    LearningRate? learningRate = null,
    double rho = 0.9,
    double momentum = 0,
    double epsilon = 1e-7,
    bool centered = false,
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
    : Optimizer("RMSprop", name, Arguments.Empty.Rate(learningRate)
        .Set("rho", rho)
        .Set("momentum", momentum)
        .Set("epsilon", epsilon)
        .Set("centered", centered)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Steps divided by the root of the sum of squared gradients (Duchi et al., 2011).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="initialAccumulatorValue">First value of the sum.</param>
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
public sealed class Adagrad(
    LearningRate? learningRate = null,
    double initialAccumulatorValue = 0.1,
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
    : Optimizer("Adagrad", name, Arguments.Empty.Rate(learningRate)
        .Set("initial_accumulator_value", initialAccumulatorValue)
        .Set("epsilon", epsilon)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Steps scaled by running means of squared gradients and updates (Zeiler, 2012).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="rho">Decay of both means.</param>
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
public sealed class Adadelta(
    LearningRate? learningRate = null,
    double rho = 0.95,
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
    : Optimizer("Adadelta", name, Arguments.Empty.Rate(learningRate)
        .Set("rho", rho)
        .Set("epsilon", epsilon)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Follow the regularised leader: sparse weights for wide linear models (McMahan et al., 2013).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="learningRatePower">How the rate falls with the sum of squares; 0 or less.</param>
/// <param name="initialAccumulatorValue">First value of the sum.</param>
/// <param name="l1RegularizationStrength">Penalty on absolute values.</param>
/// <param name="l2RegularizationStrength">Penalty on squares.</param>
/// <param name="l2ShrinkageRegularizationStrength">Penalty on squares that acts through the gradient.</param>
/// <param name="beta">Added to the root of the sum.</param>
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
public sealed class Ftrl(
    LearningRate? learningRate = null,
    double learningRatePower = -0.5,
    double initialAccumulatorValue = 0.1,
    double l1RegularizationStrength = 0,
    double l2RegularizationStrength = 0,
    double l2ShrinkageRegularizationStrength = 0,
    double beta = 0,
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
    : Optimizer("Ftrl", name, Arguments.Empty.Rate(learningRate)
        .Set("learning_rate_power", learningRatePower)
        .Set("initial_accumulator_value", initialAccumulatorValue)
        .Set("l1_regularization_strength", l1RegularizationStrength)
        .Set("l2_regularization_strength", l2RegularizationStrength)
        .Set("l2_shrinkage_regularization_strength", l2ShrinkageRegularizationStrength)
        .Set("beta", beta)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));

/// <summary>Steps by the sign of a momentum (Chen et al., 2023).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta1">Share of the momentum in the step.</param>
/// <param name="beta2">Decay of the momentum.</param>
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
public sealed class Lion(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.99,
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
    : Optimizer("Lion", name, Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Decay(weightDecay, excludeFromWeightDecay)
        .Clipping(clipnorm, clipvalue, globalClipnorm)
        .Averaging(useEma, emaMomentum, emaOverwriteFrequency)
        .Set("loss_scale_factor", lossScaleFactor)
        .Set("gradient_accumulation_steps", gradientAccumulationSteps));
