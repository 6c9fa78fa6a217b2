using FunctionalNet.Interop;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;

namespace FunctionalNet;

/// <summary>Layers, losses, metrics, optimizers and their parts as JSON in the form of Keras, and back: an object with module,
/// class_name, config and registered_name. Keras: serialize_keras_object and deserialize_keras_object.</summary>
/// <example><code>
/// var text = Saving.Serialize(new Adam(1e-2));
/// var optimizer = Saving.DeserializeOptimizer(text);
/// </code></example>
public static class Saving
{
    /// <summary>A layer or model as JSON, without weights.</summary>
    /// <exception cref="NotReadyException">It holds a function without a name.</exception>
    public static string Serialize(Layer layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return layer is Model model ? model.ToJson() : ConfigBridge.SerializeLayer(layer.AsSaved());
    }

    /// <summary>A loss as JSON.</summary>
    /// <exception cref="NotReadyException">It is a function without a name.</exception>
    public static string Serialize(Loss loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        return ConfigBridge.Serialize("loss", loss.Saved);
    }

    /// <summary>A metric as JSON.</summary>
    /// <exception cref="NotReadyException">It is a function without a name.</exception>
    public static string Serialize(Metric metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        return ConfigBridge.Serialize("metric", metric.Saved);
    }

    /// <summary>An optimizer as JSON, without what it keeps of its steps.</summary>
    public static string Serialize(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return ConfigBridge.Serialize("optimizer", optimizer.Description);
    }

    /// <summary>A learning rate schedule as JSON.</summary>
    public static string Serialize(LearningRateSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        return ConfigBridge.Serialize("schedule", schedule.Description);
    }

    /// <summary>An initializer as JSON.</summary>
    public static string Serialize(Initializer initializer)
    {
        ArgumentNullException.ThrowIfNull(initializer);
        return ConfigBridge.Serialize("initializer", initializer.Description);
    }

    /// <summary>A regularizer as JSON.</summary>
    public static string Serialize(Regularizer regularizer)
    {
        ArgumentNullException.ThrowIfNull(regularizer);
        return ConfigBridge.Serialize("regularizer", regularizer.Description);
    }

    /// <summary>A constraint as JSON.</summary>
    public static string Serialize(Constraint constraint)
    {
        ArgumentNullException.ThrowIfNull(constraint);
        return ConfigBridge.Serialize("constraint", constraint.Description);
    }

    /// <summary>The layer of a JSON text, without weights.</summary>
    /// <exception cref="ModelFormatException">The text is not JSON.</exception>
    /// <exception cref="ArgumentValueException">The class or an argument is unknown or wrong.</exception>
    public static Layer DeserializeLayer(string json) => Layer.Of(ConfigBridge.DeserializeLayer(json));

    /// <summary>The loss of a JSON text.</summary>
    public static Loss DeserializeLoss(string json) => Loss.Of(ConfigBridge.Deserialize(json));

    /// <summary>The metric of a JSON text.</summary>
    public static Metric DeserializeMetric(string json) => Metric.Of(ConfigBridge.Deserialize(json));

    /// <summary>The optimizer of a JSON text.</summary>
    public static Optimizer DeserializeOptimizer(string json) => Optimizer.Of(ConfigBridge.Deserialize(json));

    /// <summary>The learning rate schedule of a JSON text.</summary>
    public static LearningRateSchedule DeserializeSchedule(string json) => LearningRateSchedule.Of(ConfigBridge.Deserialize(json));

    /// <summary>The initializer of a JSON text.</summary>
    public static Initializer DeserializeInitializer(string json) => Initializer.Of(ConfigBridge.Deserialize(json));

    /// <summary>The regularizer of a JSON text.</summary>
    public static Regularizer DeserializeRegularizer(string json) => Regularizer.Of(ConfigBridge.Deserialize(json));

    /// <summary>The constraint of a JSON text.</summary>
    public static Constraint DeserializeConstraint(string json) => Constraint.Of(ConfigBridge.Deserialize(json));
}
