using System.Diagnostics.CodeAnalysis;
using FunctionalNet.Interop;

namespace FunctionalNet.Metrics;

/// <summary>The axes an area under a curve is measured on.</summary>
public sealed class AUCCurve : Choice
{
    private AUCCurve(string name)
        : base(name)
    {
    }

    /// <summary>False positive rate and recall.</summary>
    public static AUCCurve ROC { get; } = new("ROC");

    /// <summary>Recall and precision.</summary>
    public static AUCCurve PR { get; } = new("PR");

    /// <summary>The curve of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator AUCCurve(string name) =>
        Find("curve", name, ROC, PR);
}

/// <summary>What stands for a curve between two thresholds.</summary>
public sealed class AUCSummation : Choice
{
    private AUCSummation(string name)
        : base(name)
    {
    }

    /// <summary>The middle for ROC, Davis and Goadrich's interpolation for PR.</summary>
    public static AUCSummation Interpolation { get; } = new("interpolation");

    /// <summary>The lower end.</summary>
    public static AUCSummation Minoring { get; } = new("minoring");

    /// <summary>The higher end.</summary>
    public static AUCSummation Majoring { get; } = new("majoring");

    /// <summary>The summation method of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator AUCSummation(string name) =>
        Find("summation method", name, Interpolation, Minoring, Majoring);
}

/// <summary>How scores of classes become one.</summary>
public sealed class ScoreAverage : Choice
{
    private ScoreAverage(string name)
        : base(name)
    {
    }

    /// <summary>Counts of all classes together.</summary>
    public static ScoreAverage Micro { get; } = new("micro");

    /// <summary>The mean over classes.</summary>
    public static ScoreAverage Macro { get; } = new("macro");

    /// <summary>The mean, weighted by how often a class occurs.</summary>
    public static ScoreAverage Weighted { get; } = new("weighted");

    /// <summary>The average of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator ScoreAverage(string name) =>
        Find("average", name, Micro, Macro, Weighted);
}

/// <summary>How scores of outputs become one.</summary>
public sealed class ScoreAggregation : Choice
{
    private ScoreAggregation(string name)
        : base(name)
    {
    }

    /// <summary>The mean.</summary>
    public static ScoreAggregation UniformAverage { get; } = new("uniform_average");

    /// <summary>The mean, weighted by the variance of the targets.</summary>
    public static ScoreAggregation VarianceWeightedAverage { get; } = new("variance_weighted_average");

    /// <summary>A result per output, whose mean is reported.</summary>
    public static ScoreAggregation None { get; } = new("none");

    /// <summary>The class aggregation of that Keras name.</summary>
    /// <exception cref="ArgumentValueException">There is no such name.</exception>
    [SuppressMessage("Usage", "CA2225", Justification = Named)]
    public static implicit operator ScoreAggregation(string name) =>
        Find("class aggregation", name, UniformAverage, VarianceWeightedAverage, None);
}

internal static class MetricArguments
{
    /// <summary>The aggregation under Keras's name, unless null.</summary>
    public static Arguments Aggregate(this Arguments arguments, ScoreAggregation? aggregation) =>
        aggregation == ScoreAggregation.None
            ? arguments.SetNone("class_aggregation")
            : arguments.Set("class_aggregation", aggregation?.Name);
}
