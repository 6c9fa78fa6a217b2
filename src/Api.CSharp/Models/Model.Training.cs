using FunctionalNet.Interop;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;

namespace FunctionalNet;

public partial class Model
{
    /// <summary>Says what to train with. Keras: compile.</summary>
    /// <param name="optimizer">An optimizer or its name; "rmsprop" by default.</param>
    /// <param name="loss">A loss or its name; of a model of several outputs, the loss of each.</param>
    /// <param name="metrics">What is measured beside the loss, without sample weights.</param>
    /// <param name="weightedMetrics">What is measured with sample and class weights.</param>
    /// <param name="stepsPerExecution">Batches between two calls of callbacks.</param>
    /// <exception cref="ArgumentValueException">There is no loss, or a name is unknown.</exception>
    /// <example><code>model.Compile(new Adam(1e-3), "sparse_categorical_crossentropy", ["accuracy"]);</code></example>
    public void Compile(
        Optimizer? optimizer = null,
        Loss? loss = null,
        IReadOnlyList<Metric>? metrics = null,
        IReadOnlyList<Metric>? weightedMetrics = null,
        int stepsPerExecution = 1)
    {
        var options = new TrainingOptions { Optimizer = TrainingBridge.Optimizer((optimizer ?? "rmsprop").Description) };

        if (loss is not null)
        {
            options.AddLoss(TrainingBridge.Loss(loss.Description, loss.Function));
        }

        AddMetrics(options, metrics is null ? null : [metrics], weighted: false);
        AddMetrics(options, weightedMetrics is null ? null : [weightedMetrics], weighted: true);
        CompileWhenBuilt(options, stepsPerExecution);
    }

    /// <summary>Says what to train a model of several outputs with.</summary>
    /// <param name="optimizer">An optimizer or its name; "rmsprop" by default.</param>
    /// <param name="losses">The loss of each output, in their order; null for an output without one.</param>
    /// <param name="lossWeights">How much each loss counts; 1 by default.</param>
    /// <param name="metrics">What is measured of each output.</param>
    /// <param name="weightedMetrics">What is measured of each output with sample and class weights.</param>
    /// <param name="stepsPerExecution">Batches between two calls of callbacks.</param>
    /// <exception cref="ArgumentValueException">There is no loss, or a name is unknown.</exception>
    public void Compile(
        Optimizer? optimizer,
        IReadOnlyList<Loss?> losses,
        IReadOnlyList<double>? lossWeights = null,
        IReadOnlyList<IReadOnlyList<Metric>>? metrics = null,
        IReadOnlyList<IReadOnlyList<Metric>>? weightedMetrics = null,
        int stepsPerExecution = 1)
    {
        ArgumentNullException.ThrowIfNull(losses);
        var options = new TrainingOptions { Optimizer = TrainingBridge.Optimizer((optimizer ?? "rmsprop").Description) };

        for (var i = 0; i < losses.Count; i++)
        {
            if (losses[i] is { } loss)
            {
                options.AddLoss(i, TrainingBridge.Loss(loss.Description, loss.Function), lossWeights?[i] ?? 1);
            }
        }

        AddMetrics(options, metrics, weighted: false);
        AddMetrics(options, weightedMetrics, weighted: true);
        CompileWhenBuilt(options, stepsPerExecution);
    }

    /// <summary>Says what to train a model of several outputs with, by the names of outputs.</summary>
    /// <param name="optimizer">An optimizer or its name; "rmsprop" by default.</param>
    /// <param name="losses">The loss of each output that has one.</param>
    /// <param name="lossWeights">How much each loss counts; 1 by default.</param>
    /// <param name="metrics">What is measured of each output.</param>
    /// <param name="weightedMetrics">What is measured of each output with sample and class weights.</param>
    /// <param name="stepsPerExecution">Batches between two calls of callbacks.</param>
    /// <exception cref="ArgumentValueException">There is no loss, or a name is unknown.</exception>
    public void Compile(
        Optimizer? optimizer,
        IReadOnlyDictionary<string, Loss> losses,
        IReadOnlyDictionary<string, double>? lossWeights = null,
        IReadOnlyDictionary<string, IReadOnlyList<Metric>>? metrics = null,
        IReadOnlyDictionary<string, IReadOnlyList<Metric>>? weightedMetrics = null,
        int stepsPerExecution = 1)
    {
        ArgumentNullException.ThrowIfNull(losses);
        var options = new TrainingOptions { Optimizer = TrainingBridge.Optimizer((optimizer ?? "rmsprop").Description) };

        foreach (var (output, loss) in losses)
        {
            options.AddLoss(
                output, TrainingBridge.Loss(loss.Description, loss.Function), lossWeights?.GetValueOrDefault(output, 1) ?? 1);
        }

        if (lossWeights?.Keys.FirstOrDefault(name => !losses.ContainsKey(name)) is { } unknown)
        {
            throw new ArgumentValueException(
                "A weight is given to an output without a loss.", "lossWeights", string.Join(", ", losses.Keys), unknown,
                "Give weights to outputs that have a loss.");
        }

        foreach (var (given, weighted) in new[] { (metrics, false), (weightedMetrics, true) })
        {
            foreach (var (output, list) in given ?? new Dictionary<string, IReadOnlyList<Metric>>())
            {
                foreach (var metric in list)
                {
                    options.AddMetric(output, TrainingBridge.Metric(metric.Description, metric.Function), weighted);
                }
            }
        }

        CompileWhenBuilt(options, stepsPerExecution);
    }

    private void CompileWhenBuilt(TrainingOptions options, int stepsPerExecution)
    {
        options.StepsPerExecution = stepsPerExecution;
        SetSteps(options);

        if (network is null && !CanBuild)
        {
            pending = options;
            return;
        }

        Compile(options);
    }

    private void Compile(TrainingOptions options)
    {
        pending = null;
        var target = Trainer;
        var frozen = FrozenPaths().Where(path => HasVariables(target, path)).ToHashSet(StringComparer.Ordinal);

        foreach (var path in target.Frozen.Union(frozen).ToArray())
        {
            target.Freeze(path, frozen.Contains(path));
        }

        target.Compile(options);
    }

    /// <summary>Trains on data of one input and one output, and prints progress as Keras does. Keras: fit.</summary>
    /// <param name="x">Inputs; the first axis counts samples.</param>
    /// <param name="y">Targets.</param>
    /// <param name="batchSize">Samples per update.</param>
    /// <param name="epochs">The epoch to stop before: the last one, when counted from 1.</param>
    /// <param name="verbosity">How much to print.</param>
    /// <param name="callbacks">What watches and steers training.</param>
    /// <param name="validationSplit">The last part of the data, 0 to 1, kept for validation.</param>
    /// <param name="validationData">Data for validation; takes the place of the split.</param>
    /// <param name="shuffle">Whether every epoch sees the samples in another order.</param>
    /// <param name="classWeight">Weights of classes; a class that is missing weighs 1.</param>
    /// <param name="sampleWeight">Weights of samples.</param>
    /// <param name="initialEpoch">The epoch to begin with, counted from 0.</param>
    /// <param name="stepsPerEpoch">Batches per epoch; all of the data by default.</param>
    /// <param name="validationSteps">Batches of validation; all by default.</param>
    /// <param name="validationBatchSize">Samples per batch of validation; batchSize by default.</param>
    /// <param name="validationFreq">Validates after every so many epochs.</param>
    /// <param name="progress">Is told after every batch.</param>
    /// <param name="cancellationToken">Stops between two batches; the model keeps what it has learned.</param>
    /// <returns>The figures of every epoch.</returns>
    /// <exception cref="NotReadyException">The model is not compiled.</exception>
    /// <exception cref="DataException">The data cannot be used; nothing was trained.</exception>
    public History Fit(
        Tensor x,
        Tensor y,
        int batchSize = 32,
        int epochs = 1,
        Verbosity verbosity = Verbosity.Bar,
        IReadOnlyList<TrainingCallback>? callbacks = null,
        double validationSplit = 0,
        (Tensor X, Tensor Y)? validationData = null,
        bool shuffle = true,
        IReadOnlyDictionary<int, double>? classWeight = null,
        Tensor? sampleWeight = null,
        int initialEpoch = 0,
        int stepsPerEpoch = 0,
        int validationSteps = 0,
        int validationBatchSize = 0,
        int validationFreq = 1,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        Fit(
            sampleWeight is null ? new TrainingData(x, y) : new TrainingData(x, y, sampleWeight),
            new FitOptions
            {
                BatchSize = batchSize,
                Epochs = epochs,
                Verbosity = verbosity,
                Callbacks = callbacks ?? [],
                ValidationSplit = validationSplit,
                ValidationData = validationData is var (vx, vy) ? new TrainingData(vx, vy) : null,
                Shuffle = shuffle,
                ClassWeight = classWeight,
                InitialEpoch = initialEpoch,
                StepsPerEpoch = stepsPerEpoch,
                ValidationSteps = validationSteps,
                ValidationBatchSize = validationBatchSize,
                ValidationFrequency = validationFreq,
                Progress = progress,
                Cancellation = cancellationToken,
            });

    /// <summary>Trains on data of any number of inputs and outputs.</summary>
    /// <param name="data">Inputs, targets, and weights if there are any.</param>
    /// <param name="options">Epochs, batch size, validation, callbacks, ...; null for Keras's defaults.</param>
    /// <returns>The figures of every epoch.</returns>
    public History Fit(TrainingData data, FitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        EnsureBuilt(data.Inputs);
        return Trainer.Fit(data, options ?? new FitOptions());
    }

    /// <summary>Trains on a thread of the pool.</summary>
    /// <param name="data">Inputs, targets, and weights if there are any.</param>
    /// <param name="options">Epochs, batch size, ...; its Cancellation is replaced by the token given here, if there is one.</param>
    /// <param name="cancellationToken">Stops between two batches; the model keeps what it has learned.</param>
    public Task<History> FitAsync(
        TrainingData data, FitOptions? options = null, CancellationToken cancellationToken = default)
    {
        var settings = options ?? new FitOptions { Verbosity = Verbosity.Silent };

        if (cancellationToken.CanBeCanceled)
        {
            settings.Cancellation = cancellationToken;
        }

        return Task.Run(() => Fit(data, settings), cancellationToken);
    }

    /// <summary>Trains on data of one input and one output, on a thread of the pool and without printing.</summary>
    /// <param name="x">Inputs.</param>
    /// <param name="y">Targets.</param>
    /// <param name="batchSize">Samples per update.</param>
    /// <param name="epochs">The epoch to stop before.</param>
    /// <param name="progress">Is told after every batch.</param>
    /// <param name="cancellationToken">Stops between two batches; the model keeps what it has learned.</param>
    public Task<History> FitAsync(
        Tensor x,
        Tensor y,
        int batchSize = 32,
        int epochs = 1,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        FitAsync(
            new TrainingData(x, y),
            new FitOptions { BatchSize = batchSize, Epochs = epochs, Verbosity = Verbosity.Silent, Progress = progress },
            cancellationToken);

    /// <summary>Sets the states of stateful layers back to zero: the next batch starts new sequences. Keras:
    /// reset_states.</summary>
    public void ResetStates() => Trainer.ResetStates();

    /// <summary>Loss and metrics on data, in inference mode. Keras: evaluate(return_dict=True).</summary>
    /// <param name="x">Inputs.</param>
    /// <param name="y">Targets.</param>
    /// <param name="batchSize">Samples per batch.</param>
    /// <param name="verbosity">How much to print.</param>
    /// <param name="sampleWeight">Weights of samples.</param>
    /// <returns>The figures by name, in the order of Compile.</returns>
    /// <example><code>var accuracy = model.Evaluate(xTest, yTest)["accuracy"];</code></example>
    public TrainingLogs Evaluate(
        Tensor x, Tensor y, int batchSize = 32, Verbosity verbosity = Verbosity.Bar, Tensor? sampleWeight = null) =>
        Evaluate(
            sampleWeight is null ? new TrainingData(x, y) : new TrainingData(x, y, sampleWeight),
            new EvaluateOptions { BatchSize = batchSize, Verbosity = verbosity });

    /// <summary>Loss and metrics on data of any number of inputs and outputs.</summary>
    public TrainingLogs Evaluate(TrainingData data, EvaluateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        EnsureBuilt(data.Inputs);
        return Trainer.Evaluate(data, options ?? new EvaluateOptions());
    }

    /// <summary>The output for an input, all rows together. Keras: predict.</summary>
    /// <param name="x">Inputs; the first axis counts samples.</param>
    /// <param name="batchSize">Samples per batch.</param>
    public Tensor Predict(Tensor x, int batchSize = 32) => Predict([x], batchSize)[0];

    /// <summary>The outputs for several inputs, one tensor per output.</summary>
    public Tensor[] Predict(Tensor[] inputs, int batchSize = 32)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        EnsureBuilt(inputs);
        return Trainer.Predict(inputs, new EvaluateOptions { BatchSize = batchSize });
    }

    /// <summary>Writes the outputs for some rows into memory of the caller, and allocates nothing once it has been called
    /// with so many rows. For models of one input and one output.</summary>
    /// <param name="input">Rows one after another.</param>
    /// <param name="output">Room for as many rows of output.</param>
    public void Predict(ReadOnlySpan<float> input, Span<float> output) => Trainer.PredictInto(input, output);

    /// <summary>The same for models of Float64.</summary>
    public void Predict(ReadOnlySpan<double> input, Span<double> output) => Trainer.PredictInto(input, output);

    /// <summary>One update from one batch of any number of inputs and outputs. Keras: train_on_batch.</summary>
    /// <returns>Loss and metrics before the update, over all single batches since ResetMetrics, Fit or Evaluate, as in Keras.</returns>
    public TrainingLogs TrainOnBatch(TrainingData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        EnsureBuilt(data.Inputs);
        return Trainer.TrainOnBatch(data);
    }

    /// <summary>Loss and metrics of one batch of any number of inputs and outputs, in inference mode. Keras: test_on_batch.</summary>
    /// <returns>Loss and metrics over all single batches since ResetMetrics, Fit or Evaluate, as in Keras.</returns>
    public TrainingLogs TestOnBatch(TrainingData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        EnsureBuilt(data.Inputs);
        return Trainer.TestOnBatch(data);
    }

    /// <summary>The output for one batch. Keras: predict_on_batch.</summary>
    public Tensor PredictOnBatch(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return Predict(x, Math.Max(1, x.Rank == 0 ? 1 : x.Shape[0]));
    }

    private void EnsureBuilt(IReadOnlyList<Tensor> inputs)
    {
        if (network is null)
        {
            BuildFor(inputs);
        }

        if (pending is { } options)
        {
            Compile(options);
        }
    }

    private static void AddMetrics(
        TrainingOptions options, IReadOnlyList<IReadOnlyList<Metric>>? metrics, bool weighted)
    {
        for (var output = 0; output < (metrics?.Count ?? 0); output++)
        {
            foreach (var metric in metrics![output])
            {
                options.AddMetric(output, TrainingBridge.Metric(metric.Description, metric.Function), weighted);
            }
        }
    }
}
