using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

/// <summary>Event files as Keras 3.8's TensorBoard callback and TensorFlow's summary writer make them, read back by a reader that
/// shares nothing with the writer.</summary>
public sealed class TensorBoardTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("functionalnet-");

    public void Dispose() => folder.Delete(true);

    private LoggedValue[] Train => EventReader.Read(Path.Combine(folder.FullName, "train"));

    private LoggedValue[] Validation => EventReader.Read(Path.Combine(folder.FullName, "validation"));

    private static (long, double)[] Series(LoggedValue[] values, string tag) =>
        [.. values.Where(v => v.Tag == tag).Select(v => (v.Step, v.Scalar))];

    private static (long, double)[] Rounded(IEnumerable<double> values, Func<int, long>? step = null) =>
        [.. values.Select((v, i) => (step?.Invoke(i) ?? i, (double)(float)v))];

    [Fact]
    public void The_checksum_is_the_one_of_RFC_3720()
    {
        // RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up.
        Assert.Equal(0x8A9136AAu, EventReader.Checksum(new byte[32]));
        Assert.Equal(0x62A8AB43u, EventReader.Checksum(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, EventReader.Checksum(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
    }

    [Fact]
    public void Figures_of_epochs_are_those_of_the_history()
    {
        var (x, y) = Lines.Data();
        var model = new Sequential(seed: 4) { new Input(2), new Dense(1) };
        model.Compile(new SGD(new ExponentialDecay(0.1, 2, 0.5)), "mse", ["mae"]);
        var history = model.Fit(x, y, epochs: 3, batchSize: 8, validationData: (x, y), callbacks: [new TensorBoard(folder.FullName)]);

        foreach (var name in new[] { "loss", "mae" })
        {
            Assert.Equal(Rounded(history[name]), Series(Train, "epoch_" + name));
            Assert.Equal(Rounded(history["val_" + name]), Series(Validation, "epoch_" + name));
            // After 3, 6 and 9 updates.
            Assert.Equal(Rounded(history["val_" + name], i => 3 * (i + 1)), Series(Validation, $"evaluation_{name}_vs_iterations"));
        }

        Assert.Equal(
            Rounded(new[] { 3, 6, 9 }.Select(n => 0.1 * Math.Pow(0.5, n / 2.0))), Series(Train, "epoch_learning_rate"));
        Assert.DoesNotContain(Train, v => v.Tag.StartsWith("batch_", StringComparison.Ordinal));
        Assert.All(Train.Concat(Validation).Where(v => v.Plugin != "graph_keras_model"), v =>
        {
            Assert.Equal(("scalars", "", 1), (v.Plugin, v.Content, v.DataClass));
            Assert.True(Math.Abs(v.Time - DateTimeOffset.UtcNow.ToUnixTimeSeconds()) < 600);
        });
    }

    [Fact]
    public void The_architecture_is_a_value_of_the_graph_plugin()
    {
        var (x, y) = Lines.Data();
        var model = Lines.Model();
        model.Fit(x, y, callbacks: [new TensorBoard(folder.FullName)]);
        var graph = Assert.Single(Train, v => v.Plugin == "graph_keras_model");
        Assert.Equal(("keras", 0L, "1", 7), (graph.Tag, graph.Step, graph.Content, graph.DType));
        Assert.Empty(graph.Shape);
        Assert.Equal(model.ToJson(), Encoding.UTF8.GetString(graph.Strings.Single()));
    }

    [Fact]
    public void Without_graph_and_validation_there_is_only_what_was_asked_for()
    {
        var (x, y) = Lines.Data();
        Lines.Model().Fit(x, y, callbacks: [new TensorBoard(folder.FullName, writeGraph: false)]);
        Assert.Equal(["epoch_loss", "epoch_learning_rate"], Train.Select(v => v.Tag));
        Assert.False(Directory.Exists(Path.Combine(folder.FullName, "validation")));
    }

    [Theory]
    [InlineData("batch", 1)]
    [InlineData("2", 2)]
    [InlineData("4", 4)]
    public void Figures_of_batches_come_as_often_as_asked(string frequency, int every)
    {
        var (x, y) = Lines.Data();
        UpdateFrequency chosen = frequency == "batch" ? frequency : every;
        var losses = new List<(long, double)>();
        var batch = 0;
        Lines.Model().Fit(x, y, epochs: 2, batchSize: 8, callbacks:
        [
            new TensorBoard(folder.FullName, updateFreq: chosen, writeStepsPerSecond: true),
            new LambdaCallback(onTrainBatchEnd: (_, logs) => losses.Add((++batch, (float)logs["loss"]))),
        ]);
        // Batches count from 1 over all epochs; what is written is the epoch's mean so far.
        Assert.Equal(losses.Where(l => l.Item1 % every == 0), Series(Train, "batch_loss"));
        Assert.Equal(6 / every, Series(Train, "batch_steps_per_second").Count(v => v.Item2 > 0));
        Assert.Equal(2, Series(Train, "epoch_steps_per_second").Count(v => v.Item2 > 0));
    }

    [Fact]
    public void Speeds_are_updates_per_second()
    {
        var clock = new Clock();
        var board = new TensorBoard(folder.FullName, writeGraph: false, writeStepsPerSecond: true, updateFreq: "batch") { Clock = clock };
        var (x, y) = Lines.Data();
        Lines.Model().Fit(x, y, batchSize: 8, callbacks: [board, new LambdaCallback(onTrainBatchBegin: _ => clock.Pass(0.5))]);
        Assert.Equal([2.0, 2.0, 2.0], Series(Train, "batch_steps_per_second").Select(v => v.Item2));
        Assert.Equal([(0L, 2.0)], Series(Train, "epoch_steps_per_second"));
    }

    private sealed class Clock : TimeProvider
    {
        private long ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => ticks;

        public void Pass(double seconds) => ticks += (long)(seconds * TimeSpan.TicksPerSecond);
    }

    [Fact]
    public void Histograms_of_weights_have_thirty_buckets()
    {
        var (x, y) = Lines.Data();
        var model = new Sequential(seed: 4) { new Input(2), new Dense(20, name: "wide"), new Dense(1, name: "last") };
        model.Compile(new SGD(0), "mse");
        model.Fit(x, y, epochs: 5, callbacks: [new TensorBoard(folder.FullName, histogramFreq: 2)]);
        var histograms = Train.Where(v => v.Plugin == "histograms").ToArray();
        Assert.Equal([0L, 2L, 4L], histograms.Where(v => v.Tag == "wide/kernel/histogram").Select(v => v.Step));

        foreach (var (path, weight) in model.GetNamedWeights().Select(w => (w.Key, w.Value)))
        {
            var found = histograms.First(v => v.Tag == path + "/histogram");
            Assert.Equal((2, 2, ""), (found.DataClass, found.DType, found.Content));
            Assert.Equal([30, 3], found.Shape);
            Assert.Equal(Buckets(weight.ToDoubles()), found.Doubles);
        }

        Assert.Equal(4 * 3, histograms.Length);
    }

    /// <summary>tensorboard/plugins/histogram/summary_v2.py, once more.</summary>
    private static double[] Buckets(double[] data)
    {
        var (min, max) = (data.Min(), data.Max());
        var rows = new double[90];

        if (max == min)
        {
            for (var i = 0; i < 30; i++)
            {
                (rows[3 * i], rows[3 * i + 1]) = (max, max);
            }

            rows[89] = data.Length;
            return rows;
        }

        for (var i = 0; i < 30; i++)
        {
            rows[3 * i] = min + (max - min) * i / 30;
            rows[3 * i + 1] = i == 29 ? max : min + (max - min) * (i + 1) / 30;
        }

        foreach (var value in data)
        {
            rows[3 * Math.Min(29, (int)Math.Floor((value - min) / ((max - min) / 30))) + 2]++;
        }

        return rows;
    }

    [Fact]
    public void Weights_are_pictures()
    {
        var x = Tensor.Zeros(DType.Float32, Shape.Of(4, 3));
        var model = new Sequential { new Input(3), new Dense(2, name: "d", useBias: false) };
        model.Compile(new SGD(0), "mse");
        model.SetWeights([Tensor.OfArray(new float[,] { { 0, 0.25f }, { 0.5f, 0.75f }, { 1, 2 } })]);
        model.Fit(x, Tensor.Zeros(DType.Float32, Shape.Of(4, 2)), callbacks: [new TensorBoard(folder.FullName, histogramFreq: 1, writeImages: true)]);
        var image = Assert.Single(Train, v => v.Plugin == "images");
        Assert.Equal(("d/kernel/image", 3, 7), (image.Tag, image.DataClass, image.DType));
        Assert.Equal([3], image.Shape);
        // A kernel that is higher than wide lies down: 3 wide, 2 high.
        Assert.Equal(["3", "2"], image.Strings.Take(2).Select(Encoding.ASCII.GetString));
        Assert.Equal([0, 127, 255, 63, 191, 255], Pixels(image.Strings[2], 3, 2));
    }

    /// <summary>The bytes of a gray PNG whose lines have no filter.</summary>
    private static byte[] Pixels(byte[] png, int width, int height)
    {
        Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], png[..8]);
        Assert.Equal("IHDR", Encoding.ASCII.GetString(png, 12, 4));
        Assert.Equal((width, height), ((int)BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(16)), (int)BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(20))));
        Assert.Equal([8, 0, 0, 0, 0], png[24..29]);
        var length = (int)BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(33));
        Assert.Equal("IDAT", Encoding.ASCII.GetString(png, 37, 4));
        using var zip = new ZLibStream(new MemoryStream(png, 41, length), CompressionMode.Decompress);
        using var lines = new MemoryStream();
        zip.CopyTo(lines);
        var bytes = lines.ToArray();
        Assert.Equal("IEND", Encoding.ASCII.GetString(png, 41 + length + 8, 4));
        return [.. Enumerable.Range(0, height).SelectMany(i => bytes.Skip(i * (width + 1) + 1).Take(width))];
    }

    [Fact]
    public void An_evaluation_of_its_own_is_written_at_once()
    {
        var (x, y) = Lines.Data();
        var model = Lines.Model();
        model.Fit(x, y, epochs: 2, batchSize: 8, verbosity: Verbosity.Silent);
        var board = new TensorBoard(folder.FullName, writeGraph: false);
        var figures = model.Evaluate(new TrainingData(x, y), new EvaluateOptions { Callbacks = [board] });
        Assert.Equal([(6L, (double)(float)figures["loss"])], Series(Validation, "evaluation_loss_vs_iterations"));
    }

    [Fact]
    public void Every_fit_has_files_of_its_own()
    {
        var (x, y) = Lines.Data();
        var model = Lines.Model();
        var board = new TensorBoard(folder.FullName, writeGraph: false);
        model.Fit(x, y, epochs: 1, callbacks: [board]);
        model.Fit(x, y, epochs: 2, initialEpoch: 1, callbacks: [board]);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(folder.FullName, "train")).Length);
        Assert.Equal([0L, 1L], Series(Train, "epoch_loss").Select(v => v.Item1));
    }

    [Fact]
    public void Arguments_that_make_no_sense()
    {
        Assert.Throws<ArgumentValueException>(() => new TensorBoard(" "));
        Assert.Throws<ArgumentValueException>(() => new TensorBoard("logs", histogramFreq: -1));
        Assert.Throws<ArgumentValueException>(() => new TensorBoard("logs", updateFreq: 0));
        Assert.Throws<ArgumentValueException>(() => new TensorBoard("logs", updateFreq: "sometimes"));
    }

    [Fact]
    public void The_options_of_FSharp_are_Kerass_defaults()
    {
        var options = TensorBoardModule.Options;
        Assert.Equal(("logs", 0, true, false, false), (options.LogDir, options.HistogramFreq, options.WriteGraph, options.WriteImages, options.WriteStepsPerSecond));
        Assert.Equal(UpdateFrequency.Epoch, options.UpdateFreq);
        Assert.IsType<TensorBoard>(TensorBoardCallbacks.Callback.TensorBoard(options));
    }
}
