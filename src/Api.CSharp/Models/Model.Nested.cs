using FunctionalNet.Interop;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;

namespace FunctionalNet;

/// <summary>Data, losses and metrics in the structures of inputs and outputs.</summary>
public partial class Model
{
    /// <summary>Says what to train with, in the structure of the model's outputs or of a part of them.</summary>
    /// <param name="optimizer">An optimizer or its name; "rmsprop" by default.</param>
    /// <param name="losses">The loss of each output that has one; a loss alone is that of every output.</param>
    /// <param name="lossWeights">How much each loss counts; 1 where there is none.</param>
    /// <param name="metrics">What is measured of each output.</param>
    /// <param name="weightedMetrics">What is measured of each output with sample and class weights.</param>
    /// <param name="stepsPerExecution">Batches between two calls of callbacks.</param>
    /// <exception cref="ArgumentValueException">There is no loss, no output at a path, or a name is unknown.</exception>
    public void Compile(
        Optimizer? optimizer,
        Nested<Loss> losses,
        Nested<double>? lossWeights = null,
        Nested<Metric[]>? metrics = null,
        Nested<Metric[]>? weightedMetrics = null,
        int stepsPerExecution = 1)
    {
        ArgumentNullException.ThrowIfNull(losses);
        var options = new TrainingOptions { Optimizer = TrainingBridge.Optimizer((optimizer ?? "rmsprop").Description) };
        options.AddLosses(losses.Map(loss => TrainingBridge.Loss(loss.Description, loss.Function)), lossWeights);

        foreach (var (given, weighted) in new[] { (metrics, false), (weightedMetrics, true) })
        {
            if (given is not null)
            {
                options.AddMetrics(
                    given.Map(list => list.Select(m => TrainingBridge.Metric(m.Description, m.Function)).ToArray()), weighted);
            }
        }

        CompileWhenBuilt(options, stepsPerExecution);
    }

    /// <summary>The outputs for inputs in the structure of the model's inputs, in that of its outputs.</summary>
    /// <param name="inputs">A tensor for every input.</param>
    /// <param name="batchSize">Samples per batch.</param>
    /// <exception cref="DataException">An input is missing.</exception>
    public Nested<Tensor> Predict(Nested<Tensor> inputs, int batchSize = 32)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var outputs = Trainer.Predict(new TrainingData(inputs, null), new EvaluateOptions { BatchSize = batchSize });
        return NetworkBridge.PackOutputs(Network, outputs);
    }
}
