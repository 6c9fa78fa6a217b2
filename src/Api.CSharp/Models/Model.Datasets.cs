namespace FunctionalNet;

public partial class Model
{
    /// <summary>Trains on the batches of a dataset: tensors (inputs), tuples (inputs, targets) or (inputs, targets, weights), Tensor[]
    /// (several inputs) or <see cref="TrainingData"/>. Keras: fit.</summary>
    /// <typeparam name="T">What a batch is.</typeparam>
    /// <param name="batches">The batches of an epoch; an endless dataset needs stepsPerEpoch.</param>
    /// <param name="epochs">The epoch to stop before: the last one, when counted from 1.</param>
    /// <param name="verbosity">How much to print.</param>
    /// <param name="callbacks">What watches and steers training.</param>
    /// <param name="validationData">Batches for validation.</param>
    /// <param name="classWeight">Weights of classes; a class that is missing weighs 1.</param>
    /// <param name="initialEpoch">The epoch to begin with, counted from 0.</param>
    /// <param name="stepsPerEpoch">Batches per epoch; with it, an epoch goes on where the last one ended. All by default.</param>
    /// <param name="validationSteps">Batches of validation; all by default.</param>
    /// <param name="validationFreq">Validates after every so many epochs.</param>
    /// <param name="progress">Is told after every batch.</param>
    /// <param name="cancellationToken">Stops between two batches, or while a batch is made; the model keeps what it has learned.</param>
    /// <returns>The figures of every epoch.</returns>
    /// <exception cref="NotReadyException">The model is not compiled.</exception>
    /// <exception cref="DataException">A batch cannot be used.</exception>
    /// <exception cref="DataPipelineException">A function of the dataset failed.</exception>
    /// <example><code>
    /// var batches = Dataset.FromTensors(x, y).Shuffle(1000).Batch(32).Prefetch(2);
    /// model.Fit(batches, epochs: 5);
    /// </code></example>
    public History Fit<T>(
        Dataset<T> batches,
        int epochs = 1,
        Verbosity verbosity = Verbosity.Bar,
        IReadOnlyList<TrainingCallback>? callbacks = null,
        Dataset<T>? validationData = null,
        IReadOnlyDictionary<int, double>? classWeight = null,
        int initialEpoch = 0,
        int stepsPerEpoch = 0,
        int validationSteps = 0,
        int validationFreq = 1,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        Fit(batches, new FitOptions
        {
            Epochs = epochs,
            Verbosity = verbosity,
            Callbacks = callbacks ?? [],
            ValidationDataset = validationData?.ToTrainingData(),
            ClassWeight = classWeight,
            InitialEpoch = initialEpoch,
            StepsPerEpoch = stepsPerEpoch,
            ValidationSteps = validationSteps,
            ValidationFrequency = validationFreq,
            Progress = progress,
            Cancellation = cancellationToken,
        });

    /// <summary>Trains on the batches of a dataset; BatchSize, Shuffle and ValidationSplit have no meaning here.</summary>
    /// <typeparam name="T">What a batch is.</typeparam>
    public History Fit<T>(Dataset<T> batches, FitOptions options)
    {
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(options);
        EnsureBuilt(batches);
        return Trainer.Fit(batches, options);
    }

    /// <summary>Trains on the batches of a sequence, which is enumerated anew in every epoch: a list, a query, an iterator.</summary>
    /// <typeparam name="T">What a batch is, as for a dataset.</typeparam>
    /// <param name="batches">The batches of an epoch, or endless ones with stepsPerEpoch.</param>
    /// <param name="epochs">The epoch to stop before: the last one, when counted from 1.</param>
    /// <param name="stepsPerEpoch">Batches per epoch; all by default.</param>
    /// <param name="validationData">Batches for validation.</param>
    /// <param name="validationSteps">Batches of validation; all by default.</param>
    /// <param name="verbosity">How much to print.</param>
    /// <param name="callbacks">What watches and steers training.</param>
    /// <param name="cancellationToken">Stops between two batches; the model keeps what it has learned.</param>
    /// <returns>The figures of every epoch.</returns>
    public History Fit<T>(
        IEnumerable<T> batches,
        int epochs = 1,
        int stepsPerEpoch = 0,
        IEnumerable<T>? validationData = null,
        int validationSteps = 0,
        Verbosity verbosity = Verbosity.Bar,
        IReadOnlyList<TrainingCallback>? callbacks = null,
        CancellationToken cancellationToken = default) =>
        Fit(
            Dataset.FromEnumerable(batches),
            epochs,
            verbosity,
            callbacks,
            validationData is null ? null : Dataset.FromEnumerable(validationData),
            stepsPerEpoch: stepsPerEpoch,
            validationSteps: validationSteps,
            cancellationToken: cancellationToken);

    /// <summary>Trains on the batches of an asynchronous sequence, which is enumerated anew in every epoch, on a thread of the pool
    /// and without printing.</summary>
    /// <typeparam name="T">What a batch is, as for a dataset.</typeparam>
    /// <param name="batches">The batches of an epoch, or endless ones with stepsPerEpoch.</param>
    /// <param name="epochs">The epoch to stop before: the last one, when counted from 1.</param>
    /// <param name="stepsPerEpoch">Batches per epoch; all by default.</param>
    /// <param name="validationData">Batches for validation.</param>
    /// <param name="validationSteps">Batches of validation; all by default.</param>
    /// <param name="callbacks">What watches and steers training.</param>
    /// <param name="progress">Is told after every batch.</param>
    /// <param name="cancellationToken">Stops between two batches, or while a batch is awaited.</param>
    /// <returns>The figures of every epoch.</returns>
    public Task<History> FitAsync<T>(
        IAsyncEnumerable<T> batches,
        int epochs = 1,
        int stepsPerEpoch = 0,
        IAsyncEnumerable<T>? validationData = null,
        int validationSteps = 0,
        IReadOnlyList<TrainingCallback>? callbacks = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        Task.Run(
            () => Fit(
                Dataset.FromAsyncEnumerable(batches),
                epochs,
                Verbosity.Silent,
                callbacks,
                validationData is null ? null : Dataset.FromAsyncEnumerable(validationData),
                stepsPerEpoch: stepsPerEpoch,
                validationSteps: validationSteps,
                progress: progress,
                cancellationToken: cancellationToken),
            cancellationToken);

    /// <summary>Loss and metrics on the batches of a dataset, in inference mode.</summary>
    /// <typeparam name="T">What a batch is.</typeparam>
    /// <param name="batches">The batches; an endless dataset needs steps.</param>
    /// <param name="steps">Number of batches; all by default.</param>
    /// <param name="verbosity">How much to print.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    /// <returns>The figures by name, in the order of Compile.</returns>
    public TrainingLogs Evaluate<T>(
        Dataset<T> batches,
        int steps = 0,
        Verbosity verbosity = Verbosity.Bar,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        EnsureBuilt(batches);
        return Trainer.Evaluate(
            batches, new EvaluateOptions { Steps = steps, Verbosity = verbosity, Cancellation = cancellationToken });
    }

    /// <summary>Loss and metrics on the batches of a sequence, in inference mode.</summary>
    /// <typeparam name="T">What a batch is.</typeparam>
    public TrainingLogs Evaluate<T>(IEnumerable<T> batches, int steps = 0, Verbosity verbosity = Verbosity.Bar) =>
        Evaluate(Dataset.FromEnumerable(batches), steps, verbosity);

    /// <summary>The outputs for the inputs of a dataset's batches, all rows together; targets are not looked at.</summary>
    /// <typeparam name="T">What a batch is.</typeparam>
    /// <param name="batches">The batches; an endless dataset needs steps.</param>
    /// <param name="steps">Number of batches; all by default.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    /// <returns>One tensor per output.</returns>
    public Tensor[] Predict<T>(Dataset<T> batches, int steps = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        EnsureBuilt(batches);
        return Trainer.Predict(batches, new EvaluateOptions { Steps = steps, Cancellation = cancellationToken });
    }

    /// <summary>The outputs by name for inputs by name.</summary>
    /// <param name="inputs">A tensor for the name of every input.</param>
    /// <param name="batchSize">Samples per batch.</param>
    /// <returns>A tensor for the name of every output.</returns>
    /// <exception cref="DataException">An input is missing.</exception>
    public IReadOnlyDictionary<string, Tensor> Predict(IReadOnlyDictionary<string, Tensor> inputs, int batchSize = 32)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var outputs = Trainer.Predict(new TrainingData(inputs, null), new EvaluateOptions { BatchSize = batchSize });
        return OutputNames.Zip(outputs).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
    }

    /// <summary>Trains on the batches of an indexed dataset, in another order in every epoch unless options say otherwise. Keras: fit with
    /// a PyDataset.</summary>
    /// <param name="batches">The batches of an epoch.</param>
    /// <param name="options">Epochs, callbacks, ...; null for Keras's defaults.</param>
    /// <returns>The figures of every epoch.</returns>
    public History Fit(IndexedDataset batches, FitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(batches);
        options ??= new FitOptions();
        return Fit(batches.ToDataset(options.Shuffle, seed), options);
    }

    /// <summary>Loss and metrics on the batches of an indexed dataset, in order.</summary>
    /// <param name="batches">The batches.</param>
    /// <param name="verbosity">How much to print.</param>
    /// <returns>The figures by name, in the order of Compile.</returns>
    public TrainingLogs Evaluate(IndexedDataset batches, Verbosity verbosity = Verbosity.Bar)
    {
        ArgumentNullException.ThrowIfNull(batches);
        return Evaluate(batches.ToDataset(), verbosity: verbosity);
    }

    /// <summary>The outputs for the inputs of an indexed dataset's batches, in order, all rows together.</summary>
    /// <param name="batches">The batches.</param>
    /// <returns>One tensor per output.</returns>
    public Tensor[] Predict(IndexedDataset batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        return Predict(batches.ToDataset());
    }

    /// <summary>A model that waits for data takes its shape from the first batch.</summary>
    private void EnsureBuilt<T>(Dataset<T> batches)
    {
        if (network is null && !CanBuild)
        {
            using var elements = batches.ToTrainingData().GetEnumerator();
            EnsureBuilt(elements.MoveNext() ? elements.Current.Inputs : []);
        }

        EnsureBuilt([]);
    }
}
