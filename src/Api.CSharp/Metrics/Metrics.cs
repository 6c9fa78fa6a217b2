using FunctionalNet.Interop;

namespace FunctionalNet.Metrics;

/// <summary>Share of predictions equal to the target.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Accuracy(string? name = null)
    : Metric("Accuracy", name, Arguments.Empty);

/// <summary>Share of predictions on the right side of a threshold.</summary>
/// <param name="threshold">Predictions above it are positive.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class BinaryAccuracy(double threshold = 0.5, string? name = null)
    : Metric("BinaryAccuracy", name, Arguments.Empty.Set("threshold", threshold));

/// <summary>Share of rows whose greatest score is the one-hot target.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CategoricalAccuracy(string? name = null)
    : Metric("CategoricalAccuracy", name, Arguments.Empty);

/// <summary>Share of rows whose greatest score is the class number.</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SparseCategoricalAccuracy(string? name = null)
    : Metric("SparseCategoricalAccuracy", name, Arguments.Empty);

/// <summary>Share of rows whose one-hot target is among the k greatest scores.</summary>
/// <param name="k">How many scores count.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class TopKCategoricalAccuracy(int k = 5, string? name = null)
    : Metric("TopKCategoricalAccuracy", name, Arguments.Empty.Set("k", k));

/// <summary>Share of rows whose class number is among the k greatest scores.</summary>
/// <param name="k">How many scores count.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SparseTopKCategoricalAccuracy(int k = 5, string? name = null)
    : Metric("SparseTopKCategoricalAccuracy", name, Arguments.Empty.Set("k", k));

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

/// <summary>Mean cosine of the angle between target and prediction.</summary>
/// <param name="axis">The axis of the vectors.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CosineSimilarity(int axis = -1, string? name = null)
    : Metric("CosineSimilarity", name, Arguments.Empty.Set("axis", axis));

/// <summary>Mean of log(cosh(difference)).</summary>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class LogCoshError(string? name = null)
    : Metric("LogCoshError", name, Arguments.Empty);

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

/// <summary>Share of positives that are right; 0 where there are none.</summary>
/// <param name="thresholds">Probability above which a row counts as positive; 0.5 by default.</param>
/// <param name="topK">Count the k greatest scores as positive instead.</param>
/// <param name="classId">Look at this class only.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Precision(double? thresholds = null, int? topK = null, int? classId = null, string? name = null)
    : Metric("Precision", name, Arguments.Empty
        .Set("thresholds", thresholds)
        .Set("top_k", topK)
        .Set("class_id", classId));

/// <summary>Share of true rows that are found; 0 where there are none.</summary>
/// <param name="thresholds">Probability above which a row counts as positive; 0.5 by default.</param>
/// <param name="topK">Count the k greatest scores as positive instead.</param>
/// <param name="classId">Look at this class only.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Recall(double? thresholds = null, int? topK = null, int? classId = null, string? name = null)
    : Metric("Recall", name, Arguments.Empty
        .Set("thresholds", thresholds)
        .Set("top_k", topK)
        .Set("class_id", classId));

/// <summary>Number of true rows found.</summary>
/// <param name="thresholds">Probability above which a row counts as positive; 0.5 by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class TruePositives(double? thresholds = null, string? name = null)
    : Metric("TruePositives", name, Arguments.Empty.Set("thresholds", thresholds));

/// <summary>Number of false rows left out.</summary>
/// <param name="thresholds">Probability above which a row counts as positive; 0.5 by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class TrueNegatives(double? thresholds = null, string? name = null)
    : Metric("TrueNegatives", name, Arguments.Empty.Set("thresholds", thresholds));

/// <summary>Number of false rows found.</summary>
/// <param name="thresholds">Probability above which a row counts as positive; 0.5 by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class FalsePositives(double? thresholds = null, string? name = null)
    : Metric("FalsePositives", name, Arguments.Empty.Set("thresholds", thresholds));

/// <summary>Number of true rows left out.</summary>
/// <param name="thresholds">Probability above which a row counts as positive; 0.5 by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class FalseNegatives(double? thresholds = null, string? name = null)
    : Metric("FalseNegatives", name, Arguments.Empty.Set("thresholds", thresholds));

/// <summary>Area under the ROC or precision-recall curve.</summary>
/// <param name="numThresholds">Points of the curve.</param>
/// <param name="curve">ROC or PR.</param>
/// <param name="summationMethod">interpolation, minoring or majoring.</param>
/// <param name="fromLogits">Whether predictions are logits.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class AUC(
    int numThresholds = 200,
    string curve = "ROC",
    string summationMethod = "interpolation",
    bool fromLogits = false,
    string? name = null)
    : Metric("AUC", name, Arguments.Empty
        .Set("num_thresholds", numThresholds)
        .Set("curve", curve)
        .Set("summation_method", summationMethod)
        .Set("from_logits", fromLogits));
