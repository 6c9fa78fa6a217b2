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
/// <param name="fromSortedIds">Whether predictions are class numbers, the likeliest first, rather than scores.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SparseTopKCategoricalAccuracy(int k = 5, bool fromSortedIds = false, string? name = null)
    : Metric("SparseTopKCategoricalAccuracy", name, Arguments.Empty.Set("k", k).Set("from_sorted_ids", fromSortedIds));

/// <summary>Share of positives that are right; 0 where there are none.</summary>
/// <param name="thresholds">Probability above which a row counts as positive, or several; 0.5 by default.</param>
/// <param name="topK">Only the k greatest scores of a row may be positive.</param>
/// <param name="classId">Look at this class only.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Precision(Numbers? thresholds = null, int? topK = null, int? classId = null, string? name = null)
    : Metric("Precision", name, Arguments.Empty
        .Set("thresholds", thresholds?.Values)
        .Set("top_k", topK)
        .Set("class_id", classId));

/// <summary>Share of true rows that are found; 0 where there are none.</summary>
/// <param name="thresholds">Probability above which a row counts as positive, or several; 0.5 by default.</param>
/// <param name="topK">Only the k greatest scores of a row may be positive.</param>
/// <param name="classId">Look at this class only.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Recall(Numbers? thresholds = null, int? topK = null, int? classId = null, string? name = null)
    : Metric("Recall", name, Arguments.Empty
        .Set("thresholds", thresholds?.Values)
        .Set("top_k", topK)
        .Set("class_id", classId));

/// <summary>Number of true rows found.</summary>
/// <param name="thresholds">Probability above which a row counts as positive, or several; 0.5 by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class TruePositives(Numbers? thresholds = null, string? name = null)
    : Metric("TruePositives", name, Arguments.Empty.Set("thresholds", thresholds?.Values));

/// <summary>Number of false rows left out.</summary>
/// <param name="thresholds">Probability above which a row counts as positive, or several; 0.5 by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class TrueNegatives(Numbers? thresholds = null, string? name = null)
    : Metric("TrueNegatives", name, Arguments.Empty.Set("thresholds", thresholds?.Values));

/// <summary>Number of false rows found.</summary>
/// <param name="thresholds">Probability above which a row counts as positive, or several; 0.5 by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class FalsePositives(Numbers? thresholds = null, string? name = null)
    : Metric("FalsePositives", name, Arguments.Empty.Set("thresholds", thresholds?.Values));

/// <summary>Number of true rows left out.</summary>
/// <param name="thresholds">Probability above which a row counts as positive, or several; 0.5 by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class FalseNegatives(Numbers? thresholds = null, string? name = null)
    : Metric("FalseNegatives", name, Arguments.Empty.Set("thresholds", thresholds?.Values));

/// <summary>Area under the ROC or precision-recall curve.</summary>
/// <param name="numThresholds">Points of the curve.</param>
/// <param name="curve">ROC (default) or PR.</param>
/// <param name="summationMethod">interpolation (default), minoring or majoring.</param>
/// <param name="thresholds">The points of the curve, between 0 and 1, instead of even ones.</param>
/// <param name="multiLabel">Whether every label has a curve of its own, whose areas are averaged.</param>
/// <param name="numLabels">Number of labels; what the predictions have by default.</param>
/// <param name="labelWeights">Weights of the labels.</param>
/// <param name="fromLogits">Whether predictions are logits.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class AUC(
    int numThresholds = 200,
    AUCCurve? curve = null,
    AUCSummation? summationMethod = null,
    double[]? thresholds = null,
    bool multiLabel = false,
    int? numLabels = null,
    double[]? labelWeights = null,
    bool fromLogits = false,
    string? name = null)
    : Metric("AUC", name, Arguments.Empty
        .Set("num_thresholds", numThresholds)
        .Set("curve", curve?.Name)
        .Set("summation_method", summationMethod?.Name)
        .Set("thresholds", thresholds)
        .Set("multi_label", multiLabel)
        .Set("num_labels", numLabels)
        .Set("label_weights", labelWeights)
        .Set("from_logits", fromLogits));

/// <summary>The best sensitivity among the thresholds whose specificity is high enough.</summary>
/// <param name="specificity">The least specificity, 0 to 1.</param>
/// <param name="numThresholds">Points of the curve.</param>
/// <param name="classId">Look at this class only.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SensitivityAtSpecificity(double specificity, int numThresholds = 200, int? classId = null, string? name = null)
    : Metric("SensitivityAtSpecificity", name, Arguments.Empty
        .Set("specificity", specificity)
        .Set("num_thresholds", numThresholds)
        .Set("class_id", classId));

/// <summary>The best specificity among the thresholds whose sensitivity is high enough.</summary>
/// <param name="sensitivity">The least sensitivity, 0 to 1.</param>
/// <param name="numThresholds">Points of the curve.</param>
/// <param name="classId">Look at this class only.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SpecificityAtSensitivity(double sensitivity, int numThresholds = 200, int? classId = null, string? name = null)
    : Metric("SpecificityAtSensitivity", name, Arguments.Empty
        .Set("sensitivity", sensitivity)
        .Set("num_thresholds", numThresholds)
        .Set("class_id", classId));

/// <summary>The best precision among the thresholds whose recall is high enough.</summary>
/// <param name="recall">The least recall, 0 to 1.</param>
/// <param name="numThresholds">Points of the curve.</param>
/// <param name="classId">Look at this class only.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class PrecisionAtRecall(double recall, int numThresholds = 200, int? classId = null, string? name = null)
    : Metric("PrecisionAtRecall", name, Arguments.Empty.Set("recall", recall).Set("num_thresholds", numThresholds)
        .Set("class_id", classId));

/// <summary>The best recall among the thresholds whose precision is high enough.</summary>
/// <param name="precision">The least precision, 0 to 1.</param>
/// <param name="numThresholds">Points of the curve.</param>
/// <param name="classId">Look at this class only.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class RecallAtPrecision(double precision, int numThresholds = 200, int? classId = null, string? name = null)
    : Metric("RecallAtPrecision", name, Arguments.Empty
        .Set("precision", precision)
        .Set("num_thresholds", numThresholds)
        .Set("class_id", classId));

/// <summary>Harmonic mean of precision and recall in which recall counts beta times as much; for one-hot
/// targets.</summary>
/// <param name="average">micro, macro or weighted; by default a result per class, whose mean is reported.</param>
/// <param name="beta">Weight of recall.</param>
/// <param name="threshold">Scores above it are positive; by default the greatest score of a row is.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class FBetaScore(
    ScoreAverage? average = null,
    double beta = 1,
    double? threshold = null,
    string? name = null)
    : Metric("FBetaScore", name, Arguments.Empty
        .Set("average", average?.Name)
        .Set("beta", beta)
        .Set("threshold", threshold));

/// <summary>Harmonic mean of precision and recall; for one-hot targets.</summary>
/// <param name="average">micro, macro or weighted; by default a result per class, whose mean is reported.</param>
/// <param name="threshold">Scores above it are positive; by default the greatest score of a row is.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class F1Score(ScoreAverage? average = null, double? threshold = null, string? name = null)
    : Metric("F1Score", name, Arguments.Empty.Set("average", average?.Name).Set("threshold", threshold));
