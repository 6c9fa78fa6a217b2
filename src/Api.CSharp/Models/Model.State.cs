namespace FunctionalNet;

/// <summary>What a model holds, as trees of tensors; and its figures.</summary>
public partial class Model
{
    /// <summary>Copies of all that the model holds, as a tree: trainable_variables and non_trainable_variables by the names on their paths,
    /// optimizer_variables by those of the variables they belong to and their own, metrics_variables by figure. Keras: get_state_tree,
    /// whose trees begin with the names of model and optimizer.</summary>
    /// <example><code>Tensor kernel = model.GetStateTree()["trainable_variables"].At("dense/kernel");</code></example>
    public Nested<Tensor> GetStateTree() => Trainer.GetStateTree();

    /// <summary>Sets what a tree of GetStateTree, or a part of one, has values for. A learning rate that a schedule decides stays as the
    /// schedule has it. Keras: set_state_tree.</summary>
    /// <param name="tree">Values by the paths of GetStateTree.</param>
    /// <exception cref="ArgumentValueException">There is no variable at a path; nothing was set.</exception>
    /// <exception cref="ShapeException">A value has another shape than its variable; nothing was set.</exception>
    public void SetStateTree(Nested<Tensor> tree) => Trainer.SetStateTree(tree);

    /// <summary>The model as a pure function of tensors: variables and inputs go in, outputs and variables come out. It holds no weights.
    /// Keras: stateless_call.</summary>
    /// <param name="training">True for training mode: dropout drops, and normalisation uses and updates statistics of the batch.</param>
    /// <example><code>
    /// var call = model.Stateless(training: true);
    /// var result = call.Call(model.GetNamedWeights().ToDictionary(), [x], step: 1); // result.Outputs, result.Variables
    /// </code></example>
    public StatelessFunction Stateless(bool training = false) => new(Described, training);

    /// <summary>The figures as they stand: over the single batches since ResetMetrics, or of what ran last. Keras:
    /// get_metrics_result.</summary>
    /// <exception cref="NotReadyException">Nothing has run yet.</exception>
    public TrainingLogs GetMetricsResult() => Trainer.GetMetricsResult();

    /// <summary>Lets the figures of TrainOnBatch and TestOnBatch begin anew with the next batch. Keras: reset_metrics.</summary>
    public void ResetMetrics() => Trainer.ResetMetrics();

    /// <summary>The names of the figures in the order of Evaluate: loss, losses of outputs, metrics. Keras: metrics_names.</summary>
    /// <exception cref="NotReadyException">The model is not compiled.</exception>
    public IReadOnlyList<string> MetricNames => Trainer.MetricNames;
}
