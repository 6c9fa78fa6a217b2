using FunctionalNet.Interop;

namespace FunctionalNet.Optimizers;

/// <summary>rate · decayRate^(iteration / decaySteps).</summary>
/// <param name="initialLearningRate">Rate at iteration 0.</param>
/// <param name="decaySteps">Iterations per decay.</param>
/// <param name="decayRate">Factor per decay.</param>
/// <param name="staircase">Whether the rate falls in steps.</param>
public sealed class ExponentialDecay(
    double initialLearningRate,
    int decaySteps,
    double decayRate,
    bool staircase = false)
    : LearningRateSchedule("ExponentialDecay", Arguments.Empty
        .Set("initial_learning_rate", initialLearningRate)
        .Set("decay_steps", decaySteps)
        .Set("decay_rate", decayRate)
        .Set("staircase", staircase));

/// <summary>One rate up to each boundary.</summary>
/// <param name="boundaries">Last iteration of each rate.</param>
/// <param name="values">Rates, one more than boundaries.</param>
public sealed class PiecewiseConstantDecay(int[] boundaries, double[] values)
    : LearningRateSchedule("PiecewiseConstantDecay", Arguments.Empty
        .Set("boundaries", boundaries)
        .Set("values", values));

/// <summary>From one rate to another along a power.</summary>
/// <param name="initialLearningRate">Rate at iteration 0.</param>
/// <param name="decaySteps">Iterations until the end rate.</param>
/// <param name="endLearningRate">Last rate.</param>
/// <param name="power">1 is a straight line.</param>
/// <param name="cycle">Whether it starts again.</param>
public sealed class PolynomialDecay(
    double initialLearningRate,
    int decaySteps,
    double endLearningRate = 0.0001,
    double power = 1,
    bool cycle = false)
    : LearningRateSchedule("PolynomialDecay", Arguments.Empty
        .Set("initial_learning_rate", initialLearningRate)
        .Set("decay_steps", decaySteps)
        .Set("end_learning_rate", endLearningRate)
        .Set("power", power)
        .Set("cycle", cycle));

/// <summary>rate / (1 + decayRate · iteration / decaySteps).</summary>
/// <param name="initialLearningRate">Rate at iteration 0.</param>
/// <param name="decaySteps">Iterations per decay.</param>
/// <param name="decayRate">Strength.</param>
/// <param name="staircase">Whether the rate falls in steps.</param>
public sealed class InverseTimeDecay(
    double initialLearningRate,
    int decaySteps,
    double decayRate,
    bool staircase = false)
    : LearningRateSchedule("InverseTimeDecay", Arguments.Empty
        .Set("initial_learning_rate", initialLearningRate)
        .Set("decay_steps", decaySteps)
        .Set("decay_rate", decayRate)
        .Set("staircase", staircase));

/// <summary>Along half a cosine, after an optional warm-up (Loshchilov and Hutter, 2016).</summary>
/// <param name="initialLearningRate">Rate at iteration 0.</param>
/// <param name="decaySteps">Iterations until the end.</param>
/// <param name="alpha">Last rate as a share of the first.</param>
/// <param name="warmupTarget">Rate after warm-up.</param>
/// <param name="warmupSteps">Iterations of warm-up.</param>
public sealed class CosineDecay(
    double initialLearningRate,
    int decaySteps,
    double alpha = 0,
    double? warmupTarget = null,
    int warmupSteps = 0)
    : LearningRateSchedule("CosineDecay", Arguments.Empty
        .Set("initial_learning_rate", initialLearningRate)
        .Set("decay_steps", decaySteps)
        .Set("alpha", alpha)
        .Set("warmup_target", warmupTarget)
        .Set("warmup_steps", warmupSteps));

/// <summary>Half cosines that start again, each longer and lower.</summary>
/// <param name="initialLearningRate">Rate at iteration 0.</param>
/// <param name="firstDecaySteps">Iterations of the first period.</param>
/// <param name="tMul">Factor of the period.</param>
/// <param name="mMul">Factor of the rate.</param>
/// <param name="alpha">Last rate as a share of the first.</param>
public sealed class CosineDecayRestarts(
    double initialLearningRate,
    int firstDecaySteps,
    double tMul = 2,
    double mMul = 1,
    double alpha = 0)
    : LearningRateSchedule("CosineDecayRestarts", Arguments.Empty
        .Set("initial_learning_rate", initialLearningRate)
        .Set("first_decay_steps", firstDecaySteps)
        .Set("t_mul", tMul)
        .Set("m_mul", mMul)
        .Set("alpha", alpha));
