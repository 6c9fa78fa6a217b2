namespace FunctionalNet.Tests;

/// <summary>Callbacks as C# writes them.</summary>
public class CallbackTests
{
    private sealed class Model : ITrainingModel
    {
        private IReadOnlyList<KeyValuePair<string, Tensor>> weights = [new("w", 1f)];

        public double LearningRate { get; set; } = 0.01;

        public bool StopTraining { get; set; }

        public int InitialEpoch { get; set; }

        public long Iterations => 0;

        public string? Architecture => null;

        public TrainingParameters Parameters { get; } = new(epochs: 5, initialEpoch: 0, steps: 2, batchSize: 4, hasValidation: false, Verbosity.Bar);

        public IReadOnlyList<KeyValuePair<string, Tensor>> GetWeights() => weights;

        public void SetWeights(IReadOnlyList<KeyValuePair<string, Tensor>> weights) => this.weights = weights;

        public void SaveModel(string path)
        {
        }

        public void RestoreModel(string path)
        {
        }

        public bool UseAverages(bool inPlace) => false;

        public void SaveWeights(string path)
        {
        }

        public MetricDirection GetMetricDirection(string name) => MetricDirection.Maximize;
    }

    private sealed class Counting : TrainingCallback
    {
        public int Epochs { get; private set; }

        public override void OnEpochEnd(int epoch, TrainingLogs logs)
        {
            Epochs++;
            logs["seen"] = logs.TryGet("loss", out double loss) ? loss : -1;
            Model.StopTraining = Epochs == 2;
        }

        public override void SaveState(CallbackState state) => state.Set("epochs", Epochs);

        public override void LoadState(CallbackState state) => Epochs = state.GetInt("epochs");
    }

    [Fact]
    public void A_callback_of_ones_own_overrides_what_it_needs()
    {
        var model = new Model();
        var callback = new Counting();
        callback.Attach(model);
        callback.OnTrainBegin();
        var logs = new TrainingLogs { ["loss"] = 0.5 };
        callback.OnEpochEnd(0, logs);
        Assert.Equal(0.5, logs["seen"]);
        Assert.Equal(["loss", "seen"], logs.Names);
        Assert.False(model.StopTraining);
        var state = new CallbackState();
        callback.SaveState(state);
        var resumed = new Counting();
        resumed.Attach(model);
        resumed.LoadState(state);
        resumed.OnEpochEnd(1, logs);
        Assert.True(model.StopTraining);
    }

    [Fact]
    public void Keras_arguments_have_their_names_and_defaults()
    {
        var model = new Model();
        var output = new StringWriter();

        TrainingCallback[] callbacks =
        [
            new EarlyStopping(monitor: "accuracy", patience: 1, baseline: 0.9, restoreBestWeights: true),
            new EarlyStopping(),
            new ModelCheckpoint("model-{epoch:02d}.fnet", saveBestOnly: true, saveFreq: 10, initialValueThreshold: 1.0),
            new ModelCheckpoint("model.fnet"),
            new ReduceLROnPlateau("loss", factor: 0.5, minLr: 1e-5) { Output = output },
            new LearningRateScheduler((epoch, rate) => epoch < 10 ? rate : rate * 0.9),
            new CSVLogger("log.csv", separator: ";"),
            new TerminateOnNaN(),
            new History(),
            new ProgressBar(output, interactive: false),
            new LambdaCallback(onEpochBegin: epoch => output.Write("epoch " + epoch)),
        ];

        foreach (TrainingCallback callback in callbacks)
        {
            callback.Attach(model);
        }

        callbacks[^1].OnEpochBegin(3);
        callbacks[^1].OnEpochEnd(3, new TrainingLogs());
        callbacks[5].OnEpochBegin(10);
        Assert.Equal("epoch 3", output.ToString());
        Assert.Equal(0.009, model.LearningRate, 12);
    }

    [Fact]
    public void The_history_reads_like_a_dictionary_of_lists()
    {
        var history = new History();
        history.OnTrainBegin();
        history.OnEpochEnd(0, new TrainingLogs { ["loss"] = 2, ["val_loss"] = 3 });
        history.OnEpochEnd(1, new TrainingLogs { ["loss"] = 1, ["val_loss"] = 4 });
        Assert.Equal([2.0, 1.0], history["loss"]);
        Assert.Equal(3.0, history["val_loss"].Min());
        Assert.Equal([0, 1], history.Epochs);
    }
}
