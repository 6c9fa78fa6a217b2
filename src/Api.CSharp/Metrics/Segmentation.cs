using FunctionalNet.Interop;

namespace FunctionalNet.Metrics;

/// <summary>Intersection over union of some classes, averaged over those that occur.</summary>
/// <param name="numClasses">Number of classes.</param>
/// <param name="targetClassIds">The classes to average over.</param>
/// <param name="ignoreClass">A label that does not count.</param>
/// <param name="sparseYTrue">Whether targets are class numbers rather than one-hot.</param>
/// <param name="sparseYPred">Whether predictions are class numbers rather than scores.</param>
/// <param name="axis">The axis of classes in one-hot targets and in scores.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class IoU(
    int numClasses,
    int[] targetClassIds,
    int? ignoreClass = null,
    bool sparseYTrue = true,
    bool sparseYPred = true,
    int axis = -1,
    string? name = null)
    : Metric("IoU", name, Arguments.Empty
        .Set("num_classes", numClasses)
        .Set("target_class_ids", targetClassIds)
        .Set("ignore_class", ignoreClass)
        .Set("sparse_y_true", sparseYTrue)
        .Set("sparse_y_pred", sparseYPred)
        .Set("axis", axis));

/// <summary>Intersection over union of all classes, averaged over those that occur.</summary>
/// <param name="numClasses">Number of classes.</param>
/// <param name="ignoreClass">A label that does not count.</param>
/// <param name="sparseYTrue">Whether targets are class numbers rather than one-hot.</param>
/// <param name="sparseYPred">Whether predictions are class numbers rather than scores.</param>
/// <param name="axis">The axis of classes in one-hot targets and in scores.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class MeanIoU(
    int numClasses,
    int? ignoreClass = null,
    bool sparseYTrue = true,
    bool sparseYPred = true,
    int axis = -1,
    string? name = null)
    : Metric("MeanIoU", name, Arguments.Empty
        .Set("num_classes", numClasses)
        .Set("ignore_class", ignoreClass)
        .Set("sparse_y_true", sparseYTrue)
        .Set("sparse_y_pred", sparseYPred)
        .Set("axis", axis));

/// <summary>Intersection over union of some classes for one-hot targets, averaged over those that occur.</summary>
/// <param name="numClasses">Number of classes.</param>
/// <param name="targetClassIds">The classes to average over.</param>
/// <param name="ignoreClass">A label that does not count.</param>
/// <param name="sparseYPred">Whether predictions are class numbers rather than scores.</param>
/// <param name="axis">The axis of classes in one-hot targets and in scores.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class OneHotIoU(
    int numClasses,
    int[] targetClassIds,
    int? ignoreClass = null,
    bool sparseYPred = false,
    int axis = -1,
    string? name = null)
    : Metric("OneHotIoU", name, Arguments.Empty
        .Set("num_classes", numClasses)
        .Set("target_class_ids", targetClassIds)
        .Set("ignore_class", ignoreClass)
        .Set("sparse_y_pred", sparseYPred)
        .Set("axis", axis));

/// <summary>Intersection over union of all classes for one-hot targets, averaged over those that occur.</summary>
/// <param name="numClasses">Number of classes.</param>
/// <param name="ignoreClass">A label that does not count.</param>
/// <param name="sparseYPred">Whether predictions are class numbers rather than scores.</param>
/// <param name="axis">The axis of classes in one-hot targets and in scores.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class OneHotMeanIoU(
    int numClasses,
    int? ignoreClass = null,
    bool sparseYPred = false,
    int axis = -1,
    string? name = null)
    : Metric("OneHotMeanIoU", name, Arguments.Empty
        .Set("num_classes", numClasses)
        .Set("ignore_class", ignoreClass)
        .Set("sparse_y_pred", sparseYPred)
        .Set("axis", axis));

/// <summary>Intersection over union of the classes below and above a threshold.</summary>
/// <param name="targetClassIds">0 for the class below, 1 for the one above; both by default.</param>
/// <param name="threshold">Predictions from it on are class 1.</param>
/// <param name="name">Its name in logs; Keras's by default.</param>
public sealed class BinaryIoU(int[]? targetClassIds = null, double threshold = 0.5, string? name = null)
    : Metric("BinaryIoU", name, Arguments.Empty.Set("target_class_ids", targetClassIds).Set("threshold", threshold));
