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
public sealed class SGD(
    LearningRate? learningRate = null,
    double momentum = 0,
    bool nesterov = false,
    double? weightDecay = null,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null)
    : Optimizer("SGD", Arguments.Empty.Rate(learningRate)
        .Set("momentum", momentum)
        .Set("nesterov", nesterov)
        .Common(weightDecay, clipnorm, clipvalue, globalClipnorm));

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
public sealed class RMSprop(
    LearningRate? learningRate = null,
    double rho = 0.9,
    double momentum = 0,
    double epsilon = 1e-7,
    bool centered = false,
    double? weightDecay = null,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null)
    : Optimizer("RMSprop", Arguments.Empty.Rate(learningRate)
        .Set("rho", rho)
        .Set("momentum", momentum)
        .Set("epsilon", epsilon)
        .Set("centered", centered)
        .Common(weightDecay, clipnorm, clipvalue, globalClipnorm));

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
public sealed class Adam(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
    bool amsgrad = false,
    double? weightDecay = null,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null)
    : Optimizer("Adam", Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Set("amsgrad", amsgrad)
        .Common(weightDecay, clipnorm, clipvalue, globalClipnorm));

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
public sealed class AdamW(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
    bool amsgrad = false,
    double? weightDecay = 0.004,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null)
    : Optimizer("AdamW", Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Set("amsgrad", amsgrad)
        .Common(weightDecay, clipnorm, clipvalue, globalClipnorm));

/// <summary>Steps divided by the root of the sum of squared gradients (Duchi et al., 2011).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="initialAccumulatorValue">First value of the sum.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">Share of every weight taken away per step, times the rate; none by default.</param>
/// <param name="clipnorm">Greatest norm of each weight's gradient.</param>
/// <param name="clipvalue">Greatest absolute gradient.</param>
/// <param name="globalClipnorm">Greatest norm of all gradients together.</param>
public sealed class Adagrad(
    LearningRate? learningRate = null,
    double initialAccumulatorValue = 0.1,
    double epsilon = 1e-7,
    double? weightDecay = null,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null)
    : Optimizer("Adagrad", Arguments.Empty.Rate(learningRate)
        .Set("initial_accumulator_value", initialAccumulatorValue)
        .Set("epsilon", epsilon)
        .Common(weightDecay, clipnorm, clipvalue, globalClipnorm));

/// <summary>Steps scaled by running means of squared gradients and updates (Zeiler, 2012).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="rho">Decay of both means.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">Share of every weight taken away per step, times the rate; none by default.</param>
/// <param name="clipnorm">Greatest norm of each weight's gradient.</param>
/// <param name="clipvalue">Greatest absolute gradient.</param>
/// <param name="globalClipnorm">Greatest norm of all gradients together.</param>
public sealed class Adadelta(
    LearningRate? learningRate = null,
    double rho = 0.95,
    double epsilon = 1e-7,
    double? weightDecay = null,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null)
    : Optimizer("Adadelta", Arguments.Empty.Rate(learningRate)
        .Set("rho", rho)
        .Set("epsilon", epsilon)
        .Common(weightDecay, clipnorm, clipvalue, globalClipnorm));

/// <summary>Adam by the greatest gradient instead of the mean square.</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta1">Decay of the mean of gradients.</param>
/// <param name="beta2">Decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">Share of every weight taken away per step, times the rate; none by default.</param>
/// <param name="clipnorm">Greatest norm of each weight's gradient.</param>
/// <param name="clipvalue">Greatest absolute gradient.</param>
/// <param name="globalClipnorm">Greatest norm of all gradients together.</param>
public sealed class Adamax(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
    double? weightDecay = null,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null)
    : Optimizer("Adamax", Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Common(weightDecay, clipnorm, clipvalue, globalClipnorm));

/// <summary>Adam with Nesterov momentum (Dozat, 2016).</summary>
/// <param name="learningRate">Step size; 0.001 by default.</param>
/// <param name="beta1">Decay of the mean of gradients.</param>
/// <param name="beta2">Decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">Share of every weight taken away per step, times the rate; none by default.</param>
/// <param name="clipnorm">Greatest norm of each weight's gradient.</param>
/// <param name="clipvalue">Greatest absolute gradient.</param>
/// <param name="globalClipnorm">Greatest norm of all gradients together.</param>
public sealed class Nadam(
    LearningRate? learningRate = null,
    double beta1 = 0.9,
    double beta2 = 0.999,
    double epsilon = 1e-7,
    double? weightDecay = null,
    double? clipnorm = null,
    double? clipvalue = null,
    double? globalClipnorm = null)
    : Optimizer("Nadam", Arguments.Empty.Rate(learningRate)
        .Set("beta_1", beta1)
        .Set("beta_2", beta2)
        .Set("epsilon", epsilon)
        .Common(weightDecay, clipnorm, clipvalue, globalClipnorm));
