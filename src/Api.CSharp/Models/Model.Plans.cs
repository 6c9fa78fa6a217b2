namespace FunctionalNet;

public partial class Model
{
    private PlanOptions? planOptions;

    /// <summary>Which passes of the compiler run; all by default. <c>PlanOptions.Interpreted</c> runs the model in float64 with
    /// plain loops, to look for errors. Set it before the weights exist: before the first Compile, Fit, Predict or
    /// SetWeights.</summary>
    /// <exception cref="NotReadyException">The model has its weights already.</exception>
    public PlanOptions PlanOptions
    {
        get => planOptions ??= new PlanOptions();
        set
        {
            ArgumentNullException.ThrowIfNull(value);

            if (trainer is not null)
            {
                throw new NotReadyException(
                    "The passes of the compiler are chosen already.", Network.Name, "options before the first use", "a model in use",
                    "Set PlanOptions right after the model was made.");
            }

            planOptions = value;
        }
    }

    /// <summary>The plan of a training step as text: one line per instruction with its operands, the shape and place of its
    /// results, the bytes it moves, its floating-point operations, and its microseconds if it is profiled. Nothing is
    /// trained.</summary>
    /// <param name="batchSize">Rows of the batch.</param>
    /// <param name="profileRuns">How often the step is run, on zeros and copies of the weights, to measure it; 0 for no times.</param>
    /// <exception cref="NotReadyException">The model is not compiled, or a size is not known before the first Fit.</exception>
    public string DescribePlan(int batchSize = 32, int profileRuns = 0) => Trainer.DescribePlan(batchSize, profileRuns);

    /// <summary>Computes a training step for a batch by the plan's kernels and by the interpreter, and compares every node.
    /// Nothing is trained. The interpreter is slow: give few rows.</summary>
    /// <param name="batch">One batch.</param>
    /// <param name="tolerance">How far a node may be off, relative to its greatest magnitude (or 1, if that is more).</param>
    /// <returns>The first node that differs, with both values; null if none does.</returns>
    public string? FirstDifference(TrainingData batch, double tolerance = 1e-4) => Trainer.FirstDifference(batch, tolerance);
}
