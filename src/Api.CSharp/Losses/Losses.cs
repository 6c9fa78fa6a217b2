using FunctionalNet.Interop;

namespace FunctionalNet.Losses;

/// <summary>Mean of squared differences.</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class MeanSquaredError(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("MeanSquaredError", Arguments.Empty.Reduce(reduction));

/// <summary>Mean of absolute differences.</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class MeanAbsoluteError(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("MeanAbsoluteError", Arguments.Empty.Reduce(reduction));

/// <summary>Mean of absolute differences in percent of the target.</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class MeanAbsolutePercentageError(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("MeanAbsolutePercentageError", Arguments.Empty.Reduce(reduction));

/// <summary>Mean of squared differences of log(1 + x).</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class MeanSquaredLogarithmicError(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("MeanSquaredLogarithmicError", Arguments.Empty.Reduce(reduction));

/// <summary>Quadratic near zero, linear beyond delta.</summary>
/// <param name="delta">Where it becomes linear.</param>
/// <param name="reduction">How rows become one number.</param>
public sealed class Huber(double delta = 1, Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("Huber", Arguments.Empty.Set("delta", delta).Reduce(reduction));

/// <summary>Mean of log(cosh(difference)).</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class LogCosh(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("LogCosh", Arguments.Empty.Reduce(reduction));

/// <summary>Cross-entropy of independent yes-or-no targets.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="labelSmoothing">How far targets move toward the uniform distribution.</param>
/// <param name="axis">The class axis.</param>
/// <param name="reduction">How rows become one number.</param>
public sealed class BinaryCrossentropy(
    bool fromLogits = false,
    double labelSmoothing = 0,
    int axis = -1,
    Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("BinaryCrossentropy", Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("label_smoothing", labelSmoothing)
        .Set("axis", axis)
        .Reduce(reduction));

/// <summary>Cross-entropy of one-hot targets.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="labelSmoothing">How far targets move toward the uniform distribution.</param>
/// <param name="axis">The class axis.</param>
/// <param name="reduction">How rows become one number.</param>
public sealed class CategoricalCrossentropy(
    bool fromLogits = false,
    double labelSmoothing = 0,
    int axis = -1,
    Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("CategoricalCrossentropy", Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("label_smoothing", labelSmoothing)
        .Set("axis", axis)
        .Reduce(reduction));

/// <summary>Cross-entropy of class numbers.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="ignoreClass">A class that does not count.</param>
/// <param name="axis">The class axis.</param>
/// <param name="reduction">How rows become one number.</param>
public sealed class SparseCategoricalCrossentropy(
    bool fromLogits = false,
    int? ignoreClass = null,
    int axis = -1,
    Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("SparseCategoricalCrossentropy", Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("ignore_class", ignoreClass)
        .Set("axis", axis)
        .Reduce(reduction));

/// <summary>Mean of max(1 - y · p, 0) for targets of -1 and 1 (0 is taken as -1).</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class Hinge(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("Hinge", Arguments.Empty.Reduce(reduction));

/// <summary>Mean of max(1 - y · p, 0)².</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class SquaredHinge(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("SquaredHinge", Arguments.Empty.Reduce(reduction));

/// <summary>max(1 + best wrong score - score of the true class, 0).</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class CategoricalHinge(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("CategoricalHinge", Arguments.Empty.Reduce(reduction));

/// <summary>Sum of y · log(y / p).</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class KLDivergence(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("KLDivergence", Arguments.Empty.Reduce(reduction));

/// <summary>Mean of p - y · log p.</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class Poisson(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("Poisson", Arguments.Empty.Reduce(reduction));

/// <summary>Minus the cosine of the angle between target and prediction.</summary>
/// <param name="axis">The axis of the vectors.</param>
/// <param name="reduction">How rows become one number.</param>
public sealed class CosineSimilarity(int axis = -1, Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("CosineSimilarity", Arguments.Empty.Set("axis", axis).Reduce(reduction));

/// <summary>Pulls rows of predictions with the same label together and pushes others apart. Targets: one label per row;
/// predictions: (batch, size), rows of length 1.</summary>
/// <param name="gamma">How strongly pairs that are far from optimal weigh.</param>
/// <param name="margin">How far from optimal a pair may be; smaller is stricter.</param>
/// <param name="removeDiagonal">Whether pairs of a row with itself are left out.</param>
/// <param name="reduction">How rows become one number.</param>
public sealed class Circle(
    double gamma = 80,
    double margin = 0.4,
    bool removeDiagonal = true,
    Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("Circle", Arguments.Empty
        .Set("gamma", gamma)
        .Set("margin", margin)
        .Set("remove_diagonal", removeDiagonal)
        .Reduce(reduction));

/// <summary>Connectionist temporal classification: labels of a sequence whose places in time are not known. Targets:
/// (batch, length) labels from 1, padded at the end by 0; predictions: (batch, time, classes) logits, where class 0 is the
/// blank.</summary>
/// <param name="reduction">How rows become one number.</param>
public sealed class CTC(Reduction reduction = Reduction.SumOverBatchSize)
    : Loss("CTC", Arguments.Empty.Reduce(reduction));
