namespace FunctionalNet;

public partial class Model
{
    /// <summary>The learning rate: of the next update, if a schedule decides it.</summary>
    /// <exception cref="ArgumentValueException">It is set although a schedule decides it, or is no finite number of 0 or more.</exception>
    public double LearningRate
    {
        get => Trainer.LearningRate;
        set => Trainer.LearningRate = value;
    }

    /// <summary>Updates done so far.</summary>
    public long Iterations => Trainer.Iterations;

    /// <summary>A function over the model's weights, for training loops of your own. What it describes (calls of the model, losses,
    /// gradients, updates) is compiled once per signature of its arguments, which are the step's inputs, and then runs in
    /// place.</summary>
    /// <param name="describe">From the step to the results. Runs when it is compiled, not at every call.</param>
    /// <example><code>
    /// var step = model.Function(s =&gt;
    /// {
    ///     var loss = Ops.Mean(Ops.Square(s.Call([s.Inputs[0]])[0] - s.Inputs[1]));
    ///     s.Minimize(loss);
    ///     return [loss];
    /// });
    ///
    /// foreach (var (x, y) in batches)
    /// {
    ///     step.Run(x, y);
    ///     Console.WriteLine(step.Scalar(0));
    /// }
    /// </code></example>
    public TrainerFunction Function(Func<StepContext, Expr[]> describe) => Trainer.Function(describe);

    /// <summary>A loss that gives its gradients to all weights that training changes, as tensors. Keras: GradientTape.</summary>
    /// <param name="loss">From the step, whose inputs are the function's arguments, to a scalar.</param>
    public GradientFunction GradientFunction(Func<StepContext, Expr> loss) => Trainer.GradientFunction(loss);

    /// <summary>Moves weights by gradients with the optimizer of Compile. Keras: optimizer.apply.</summary>
    /// <param name="gradients">A gradient for each path, as GradientFunction gives them.</param>
    public void ApplyGradients(IReadOnlyList<KeyValuePair<string, Tensor>> gradients) => Trainer.ApplyGradients(gradients);

    /// <summary>Builds a model that would wait for its first data. Keras: build.</summary>
    /// <param name="inputShape">Sizes of the input without the batch axis.</param>
    public void Build(params int[] inputShape)
    {
        if (network is null)
        {
            BuildFor([Tensor.Zeros(dtype, Shape.Of([1, .. inputShape]))]);
        }
    }

    /// <summary>One update from one batch, with weights of samples or of classes.</summary>
    /// <param name="x">Inputs.</param>
    /// <param name="y">Targets.</param>
    /// <param name="sampleWeight">Weights of samples.</param>
    /// <param name="classWeight">Weights of classes; a class that is missing weighs 1.</param>
    /// <returns>Loss and metrics before the update, over all single batches since ResetMetrics, Fit or Evaluate, as in Keras.</returns>
    public TrainingLogs TrainOnBatch(
        Tensor x, Tensor y, Tensor? sampleWeight = null, IReadOnlyDictionary<int, double>? classWeight = null)
    {
        var data = sampleWeight is null ? new TrainingData(x, y) : new TrainingData(x, y, sampleWeight);
        EnsureBuilt(data.Inputs);
        return Trainer.TrainOnBatch(data, classWeight);
    }

    /// <summary>Loss and metrics of one batch, in inference mode, with those of the single batches since ResetMetrics, Fit or Evaluate, as
    /// in Keras: test_on_batch.</summary>
    /// <param name="x">Inputs.</param>
    /// <param name="y">Targets.</param>
    /// <param name="sampleWeight">Weights of samples.</param>
    public TrainingLogs TestOnBatch(Tensor x, Tensor y, Tensor? sampleWeight = null)
    {
        var data = sampleWeight is null ? new TrainingData(x, y) : new TrainingData(x, y, sampleWeight);
        EnsureBuilt(data.Inputs);
        return Trainer.TestOnBatch(data);
    }
}
