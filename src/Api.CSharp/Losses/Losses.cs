using FunctionalNet.Interop;

namespace FunctionalNet.Losses;

/// <summary>Mean of squared differences.</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanSquaredError(Reduction? reduction = null, string? name = null)
    : Loss("MeanSquaredError", name, reduction, Arguments.Empty);

/// <summary>Mean of absolute differences.</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanAbsoluteError(Reduction? reduction = null, string? name = null)
    : Loss("MeanAbsoluteError", name, reduction, Arguments.Empty);

/// <summary>Mean of absolute differences in percent of the target.</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanAbsolutePercentageError(Reduction? reduction = null, string? name = null)
    : Loss("MeanAbsolutePercentageError", name, reduction, Arguments.Empty);

/// <summary>Mean of squared differences of log(1 + x).</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanSquaredLogarithmicError(Reduction? reduction = null, string? name = null)
    : Loss("MeanSquaredLogarithmicError", name, reduction, Arguments.Empty);

/// <summary>Quadratic near zero, linear beyond delta.</summary>
/// <param name="delta">Where it becomes linear.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Huber(double delta = 1, Reduction? reduction = null, string? name = null)
    : Loss("Huber", name, reduction, Arguments.Empty.Set("delta", delta));

/// <summary>Mean of log(cosh(difference)).</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class LogCosh(Reduction? reduction = null, string? name = null)
    : Loss("LogCosh", name, reduction, Arguments.Empty);

/// <summary>Cross-entropy of independent yes-or-no targets.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="labelSmoothing">How far targets move toward the uniform distribution.</param>
/// <param name="axis">The class axis.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class BinaryCrossentropy(
    bool fromLogits = false,
    double labelSmoothing = 0,
    int axis = -1,
    Reduction? reduction = null,
    string? name = null)
    : Loss("BinaryCrossentropy", name, reduction, Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("label_smoothing", labelSmoothing)
        .Set("axis", axis));

/// <summary>Binary cross-entropy in which easy samples count less, by (1 - p)^gamma (Lin et al., 2018).</summary>
/// <param name="applyClassBalancing">Whether alpha weighs the classes.</param>
/// <param name="alpha">Weight of class 1; class 0 has 1 - alpha.</param>
/// <param name="gamma">How much less easy samples count.</param>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="labelSmoothing">How far targets move toward the uniform distribution.</param>
/// <param name="axis">The class axis.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class BinaryFocalCrossentropy(
    bool applyClassBalancing = false,
    double alpha = 0.25,
    double gamma = 2,
    bool fromLogits = false,
    double labelSmoothing = 0,
    int axis = -1,
    Reduction? reduction = null,
    string? name = null)
    : Loss("BinaryFocalCrossentropy", name, reduction, Arguments.Empty
        .Set("apply_class_balancing", applyClassBalancing)
        .Set("alpha", alpha)
        .Set("gamma", gamma)
        .Set("from_logits", fromLogits)
        .Set("label_smoothing", labelSmoothing)
        .Set("axis", axis));

/// <summary>Cross-entropy of one-hot targets.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="labelSmoothing">How far targets move toward the uniform distribution.</param>
/// <param name="axis">The class axis.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CategoricalCrossentropy(
    bool fromLogits = false,
    double labelSmoothing = 0,
    int axis = -1,
    Reduction? reduction = null,
    string? name = null)
    : Loss("CategoricalCrossentropy", name, reduction, Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("label_smoothing", labelSmoothing)
        .Set("axis", axis));

/// <summary>Categorical cross-entropy in which easy samples count less, by alpha (1 - p)^gamma (Lin et al.,
/// 2018).</summary>
/// <param name="alpha">Weight of all classes, or one for each; 0.25 by default.</param>
/// <param name="gamma">How much less easy samples count.</param>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="labelSmoothing">How far targets move toward the uniform distribution.</param>
/// <param name="axis">The class axis.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CategoricalFocalCrossentropy(
    Numbers? alpha = null,
    double gamma = 2,
    bool fromLogits = false,
    double labelSmoothing = 0,
    int axis = -1,
    Reduction? reduction = null,
    string? name = null)
    : Loss("CategoricalFocalCrossentropy", name, reduction, Arguments.Empty
        .Set("alpha", alpha?.Values)
        .Set("gamma", gamma)
        .Set("from_logits", fromLogits)
        .Set("label_smoothing", labelSmoothing)
        .Set("axis", axis));

/// <summary>Cross-entropy of class numbers.</summary>
/// <param name="fromLogits">Whether predictions are logits rather than probabilities.</param>
/// <param name="ignoreClass">A class that does not count.</param>
/// <param name="axis">The class axis.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SparseCategoricalCrossentropy(
    bool fromLogits = false,
    int? ignoreClass = null,
    int axis = -1,
    Reduction? reduction = null,
    string? name = null)
    : Loss("SparseCategoricalCrossentropy", name, reduction, Arguments.Empty
        .Set("from_logits", fromLogits)
        .Set("ignore_class", ignoreClass)
        .Set("axis", axis));

/// <summary>(1 - p^q) / q of the probability p of the right class, which wrong labels hurt less than cross-entropy (Zhang and
/// Sabuncu, 2018). Targets are class numbers.</summary>
/// <param name="q">Between 0, where it is cross-entropy, and 1, where it is an absolute error.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
/// <exception cref="ArgumentValueException">q is not between 0 and 1.</exception>
public sealed class CategoricalGeneralizedCrossEntropy(double q = 0.5, Reduction? reduction = null, string? name = null)
    : Loss("CategoricalGeneralizedCrossEntropy", name, reduction, Arguments.Empty
        .Set("q", q));

/// <summary>Binary, sparse or categorical cross-entropy, whichever the shapes of targets and predictions call
/// for.</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Crossentropy(Reduction? reduction = null, string? name = null)
    : Loss("Crossentropy", name, reduction, Arguments.Empty);

/// <summary>Mean of max(1 - y · p, 0) for targets of -1 and 1 (0 is taken as -1).</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Hinge(Reduction? reduction = null, string? name = null)
    : Loss("Hinge", name, reduction, Arguments.Empty);

/// <summary>Mean of max(1 - y · p, 0)².</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class SquaredHinge(Reduction? reduction = null, string? name = null)
    : Loss("SquaredHinge", name, reduction, Arguments.Empty);

/// <summary>max(1 + best wrong score - score of the true class, 0).</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CategoricalHinge(Reduction? reduction = null, string? name = null)
    : Loss("CategoricalHinge", name, reduction, Arguments.Empty);

/// <summary>Sum of y · log(y / p).</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class KLDivergence(Reduction? reduction = null, string? name = null)
    : Loss("KLDivergence", name, reduction, Arguments.Empty);

/// <summary>Mean of p - y · log p.</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Poisson(Reduction? reduction = null, string? name = null)
    : Loss("Poisson", name, reduction, Arguments.Empty);

/// <summary>Minus the cosine of the angle between target and prediction.</summary>
/// <param name="axis">The axis of the vectors.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CosineSimilarity(int axis = -1, Reduction? reduction = null, string? name = null)
    : Loss("CosineSimilarity", name, reduction, Arguments.Empty.Set("axis", axis));

/// <summary>1 minus the Dice coefficient, 2 |y p| / (|y| + |p|): for regions of images.</summary>
/// <param name="axis">The axes that are summed over; all, the batch included, by default.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Dice(Axes? axis = null, Reduction? reduction = null, string? name = null)
    : Loss("Dice", name, reduction, Arguments.Empty.Set("axis", axis?.Values));

/// <summary>Dice in which false alarms and misses weigh differently (Salehi et al., 2017).</summary>
/// <param name="alpha">Weight of what is missed, as Keras counts it.</param>
/// <param name="beta">Weight of false alarms.</param>
/// <param name="axis">The axes that are summed over; all, the batch included, by default.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Tversky(
    double alpha = 0.5,
    double beta = 0.5,
    Axes? axis = null,
    Reduction? reduction = null,
    string? name = null)
    : Loss("Tversky", name, reduction, Arguments.Empty
        .Set("alpha", alpha)
        .Set("beta", beta)
        .Set("axis", axis?.Values));

/// <summary>Pulls rows of predictions with the same label together and pushes others apart. Targets: one label per row;
/// predictions: (batch, size), rows of length 1.</summary>
/// <param name="gamma">How strongly pairs that are far from optimal weigh.</param>
/// <param name="margin">How far from optimal a pair may be; smaller is stricter.</param>
/// <param name="removeDiagonal">Whether pairs of a row with itself are left out.</param>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class Circle(
    double gamma = 80,
    double margin = 0.4,
    bool removeDiagonal = true,
    Reduction? reduction = null,
    string? name = null)
    : Loss("Circle", name, reduction, Arguments.Empty
        .Set("gamma", gamma)
        .Set("margin", margin)
        .Set("remove_diagonal", removeDiagonal));

/// <summary>Connectionist temporal classification: labels of a sequence whose places in time are not known. Targets:
/// (batch, length) labels from 1, padded at the end by 0; predictions: (batch, time, classes) logits, where class 0 is
/// the blank.</summary>
/// <param name="reduction">How rows become one number; sum_over_batch_size by default.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class CTC(Reduction? reduction = null, string? name = null)
    : Loss("CTC", name, reduction, Arguments.Empty);
