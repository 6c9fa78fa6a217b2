using FunctionalNet.Interop;

namespace FunctionalNet.Metrics;

/// <summary>Mean of squared differences.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanSquaredError(string? name = null)
    : Metric("MeanSquaredError", name, Arguments.Empty);

/// <summary>Mean of absolute differences.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanAbsoluteError(string? name = null)
    : Metric("MeanAbsoluteError", name, Arguments.Empty);

/// <summary>Mean of absolute differences in percent of the target.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanAbsolutePercentageError(string? name = null)
    : Metric("MeanAbsolutePercentageError", name, Arguments.Empty);

/// <summary>Mean of squared differences of log(1 + x).</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanSquaredLogarithmicError(string? name = null)
    : Metric("MeanSquaredLogarithmicError", name, Arguments.Empty);

/// <summary>Root of the mean of squared differences over all batches.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class RootMeanSquaredError(string? name = null)
    : Metric("RootMeanSquaredError", name, Arguments.Empty);

/// <summary>Mean of log(cosh(difference)).</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class LogCoshError(string? name = null)
    : Metric("LogCoshError", name, Arguments.Empty);

/// <summary>Mean cosine of the angle between target and prediction.</summary>
/// <param name="axis">The axis of the vectors.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CosineSimilarity(int axis = -1, string? name = null)
    : Metric("CosineSimilarity", name, Arguments.Empty.Set("axis", axis));

/// <summary>Pearson's correlation of targets and predictions along an axis.</summary>
/// <param name="axis">The axis of the vectors.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class PearsonCorrelation(int axis = -1, string? name = null)
    : Metric("PearsonCorrelation", name, Arguments.Empty.Set("axis", axis));

/// <summary>Lin's concordance of targets and predictions along an axis: 1 only where they are equal.</summary>
/// <param name="axis">The axis of the vectors.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class ConcordanceCorrelation(int axis = -1, string? name = null)
    : Metric("ConcordanceCorrelation", name, Arguments.Empty.Set("axis", axis));

/// <summary>Share of the variance of targets that is explained; 1 is best, and 0 as good as the mean.</summary>
/// <param name="classAggregation">How outputs become one number: uniform_average (default), variance_weighted_average
/// or none.</param>
/// <param name="numRegressors">Number of independent regressors, for the adjusted score.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class R2Score(ScoreAggregation? classAggregation = null, int numRegressors = 0, string? name = null)
    : Metric("R2Score", name, Arguments.Empty.Aggregate(classAggregation).Set("num_regressors", numRegressors));

/// <summary>Mean cross-entropy of yes-or-no targets.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="labelSmoothing">How far targets move toward the uniform distribution.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class BinaryCrossentropy(bool fromLogits = false, double labelSmoothing = 0, string? name = null)
    : Metric("BinaryCrossentropy", name, Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("label_smoothing", labelSmoothing));

/// <summary>Mean cross-entropy of one-hot targets.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="labelSmoothing">How far targets move toward the uniform distribution.</param>
/// <param name="axis">The class axis.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CategoricalCrossentropy(
    bool fromLogits = false,
    double labelSmoothing = 0,
    int axis = -1,
    string? name = null)
    : Metric("CategoricalCrossentropy", name, Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("label_smoothing", labelSmoothing)
        .Set("axis", axis));

/// <summary>Mean cross-entropy of class numbers.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="ignoreClass">A class that does not count.</param>
/// <param name="axis">The class axis.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SparseCategoricalCrossentropy(
    bool fromLogits = false,
    int? ignoreClass = null,
    int axis = -1,
    string? name = null)
    : Metric("SparseCategoricalCrossentropy", name, Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("ignore_class", ignoreClass)
        .Set("axis", axis));

/// <summary>Mean of the sum of y · log(y / p).</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class KLDivergence(string? name = null)
    : Metric("KLDivergence", name, Arguments.Empty);

/// <summary>Mean of p - y · log p.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Poisson(string? name = null)
    : Metric("Poisson", name, Arguments.Empty);

/// <summary>Mean of max(1 - y · p, 0) for targets of -1 and 1 (0 is taken as -1).</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Hinge(string? name = null)
    : Metric("Hinge", name, Arguments.Empty);

/// <summary>Mean of max(1 - y · p, 0)².</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SquaredHinge(string? name = null)
    : Metric("SquaredHinge", name, Arguments.Empty);

/// <summary>max(1 + best wrong score - score of the true class, 0).</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CategoricalHinge(string? name = null)
    : Metric("CategoricalHinge", name, Arguments.Empty);

/// <summary>Mean of the predictions themselves.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Mean(string? name = null)
    : Metric("Mean", name, Arguments.Empty);

/// <summary>Sum of the predictions themselves.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Sum(string? name = null)
    : Metric("Sum", name, Arguments.Empty);
