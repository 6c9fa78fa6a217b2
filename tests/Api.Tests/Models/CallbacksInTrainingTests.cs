using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

/// <summary>Callbacks in a training, as C# writes them.</summary>
public sealed class CallbacksInTrainingTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("functionalnet").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static History Fit(Model model, int epochs, params TrainingCallback[] callbacks)
    {
        var (x, y) = Lines.Data();
        return model.Fit(x, y, batchSize: 8, epochs: epochs, verbosity: Verbosity.Silent, callbacks: callbacks);
    }

    /// <summary>Keeps a copy of the weights after every epoch.</summary>
    private sealed class Recorder : TrainingCallback
    {
        public List<Tensor[]> Weights { get; } = [];

        public List<double> Rates { get; } = [];

        public override void OnEpochEnd(int epoch, TrainingLogs logs)
        {
            Weights.Add([.. Model.GetWeights().Select(pair => pair.Value)]);
            Rates.Add(Model.LearningRate);
        }
    }

    private sealed class StopWithinTheEpoch(int after) : TrainingCallback
    {
        public int Batches { get; private set; }

        public override void OnTrainBatchEnd(int batch, TrainingLogs logs)
        {
            Batches++;
            Model.StopTraining = Batches == after;
        }
    }

    [Fact]
    public void Early_stopping_waits_for_its_patience_and_restores_the_best()
    {
        var recorder = new Recorder();
        var stopping = new EarlyStopping("figure", patience: 2, mode: MonitorMode.Min, restoreBestWeights: true);
        var model = Lines.Model();
        var history = Fit(model, 9, recorder, Lines.Reporting(3, 2, 2.5, 2.4, 1, 1, 1, 1, 1), stopping);

        Assert.Equal([3.0, 2.0, 2.5, 2.4], history["figure"]);
        Assert.Equal(1, stopping.BestEpoch);
        Assert.Equal(3, stopping.StoppedEpoch);
        Lines.AssertClose(recorder.Weights[1], model.GetWeights(), 0);
    }

    [Fact]
    public void A_checkpoint_keeps_the_best_model_and_it_can_be_loaded()
    {
        var path = Path.Combine(folder, "best", "model.fnet");
        var recorder = new Recorder();
        var checkpoint = new ModelCheckpoint(path, monitor: "figure", mode: MonitorMode.Max, saveBestOnly: true);
        var model = Lines.Model();
        Fit(model, 4, recorder, Lines.Reporting(1, 5, 4, 2), checkpoint);

        var loaded = Model.Load(path);
        Lines.AssertClose(recorder.Weights[1], loaded.GetWeights(), 0);
        Assert.Equal(5, checkpoint.Best);
        Assert.False(loaded.GetWeights()[0].BitEquals(model.GetWeights()[0]));
        Assert.True(loaded.IsCompiled);
    }

    [Fact]
    public void Checkpoints_of_weights_have_the_epoch_in_their_name()
    {
        var recorder = new Recorder();
        var path = Path.Combine(folder, "w-{epoch:02d}-{figure:.1f}.safetensors");
        Fit(Lines.Model(), 3, recorder, Lines.Reporting(7, 8.5, 9), new ModelCheckpoint(path, saveWeightsOnly: true));
        Assert.Equal(
            ["w-01-7.0.safetensors", "w-02-8.5.safetensors", "w-03-9.0.safetensors"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order());

        var model = Lines.Model();
        model.LoadWeights(Directory.GetFiles(folder, "w-02*").Single());
        Lines.AssertClose(recorder.Weights[1], model.GetWeights(), 0);
    }

    [Fact]
    public void The_learning_rate_follows_its_schedule_per_epoch()
    {
        var recorder = new Recorder();
        var scheduled = Lines.Model(new SGD(0.2));
        Fit(scheduled, 3, new LearningRateScheduler((epoch, rate) => epoch == 0 ? rate : rate / 2), recorder);
        Assert.Equal([0.2, 0.1, 0.05], recorder.Rates.Select(rate => Math.Round(rate, 7)));

        // A rate of zero from epoch 1 on leaves what epoch 0 has made.
        var still = new Recorder();
        Fit(Lines.Model(new SGD(0.2)), 3, new LearningRateScheduler((epoch, _) => epoch == 0 ? 0.2 : 0), still);
        Lines.AssertClose(recorder.Weights[0], still.Weights[0], 0);
        Lines.AssertClose(still.Weights[0], still.Weights[2], 0);
    }

    [Fact]
    public void The_learning_rate_falls_on_a_plateau_down_to_its_minimum()
    {
        var recorder = new Recorder();
        Fit(Lines.Model(new SGD(0.4)), 7,
            Lines.Reporting(1, 1, 1, 1, 1, 1, 1),
            new ReduceLROnPlateau("figure", factor: 0.5, patience: 2, mode: MonitorMode.Min, minLr: 0.15),
            recorder);
        Assert.Equal([0.4, 0.4, 0.2, 0.2, 0.15, 0.15, 0.15], recorder.Rates.Select(rate => Math.Round(rate, 7)));
    }

    [Fact]
    public void A_log_has_a_line_per_epoch()
    {
        var path = Path.Combine(folder, "log.csv");
        var model = Lines.Model();
        var history = Fit(model, 2, new CSVLogger(path, separator: ";"), Lines.Reporting(0.5, 0.25));
        var lines = File.ReadAllLines(path);
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("epoch;", lines[0], StringComparison.Ordinal);
        var column = lines[0].Split(';').ToList().IndexOf("loss");
        Assert.Equal(history["loss"], lines.Skip(1).Select(line => double.Parse(line.Split(';')[column], System.Globalization.CultureInfo.InvariantCulture)));

        Fit(model, 1, new CSVLogger(path, separator: ";", append: true));
        Assert.Equal(4, File.ReadAllLines(path).Length);
    }

    [Fact]
    public void A_loss_that_is_no_number_ends_the_training()
    {
        var history = Fit(Lines.Model(new SGD(1e30)), 50, new TerminateOnNaN { Output = TextWriter.Null });
        Assert.True(history["loss"].Count < 5);
        Assert.Throws<DataException>(() => Fit(Lines.Model(new SGD(1e30)), 50, new TerminateOnNaN(raiseError: true)));
    }

    [Fact]
    public void Functions_are_called_in_order()
    {
        var calls = new List<string>();
        Fit(Lines.Model(), 1, new LambdaCallback(
            onTrainBegin: () => calls.Add("train"),
            onEpochBegin: epoch => calls.Add("epoch " + epoch),
            onTrainBatchBegin: batch => calls.Add("batch " + batch),
            onTrainBatchEnd: (batch, logs) => calls.Add("batch end " + batch),
            onEpochEnd: (epoch, logs) => calls.Add("epoch end " + epoch),
            onTrainEnd: logs => calls.Add("train end")));
        Assert.Equal(
            [
                "train", "epoch 0", "batch 0", "batch end 0", "batch 1", "batch end 1", "batch 2", "batch end 2",
                "epoch end 0", "train end",
            ],
            calls);
    }

    [Fact]
    public void A_callback_of_ones_own_can_stop_within_an_epoch()
    {
        var callback = new StopWithinTheEpoch(2);
        var history = Fit(Lines.Model(), 5, callback);
        Assert.Equal(2, callback.Batches);
        Assert.Single(history["loss"]);
    }
}
