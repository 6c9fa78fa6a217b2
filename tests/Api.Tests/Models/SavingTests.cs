using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Models;

public sealed class SavingTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("functionalnet").FullName;

    private string File => Path.Combine(folder, "model.fnet");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static (Tensor X, Tensor Y) Data()
    {
        var random = new Random(1);
        var x = new float[90, 6, 6, 1];
        var y = new int[90];

        for (var i = 0; i < 90; i++)
        {
            y[i] = i % 3;
            for (var j = 0; j < 36; j++)
            {
                x[i, j / 6, j % 6, 0] = random.NextSingle() + (j / 12 == y[i] ? 1 : 0);
            }
        }

        return (x, y);
    }

    private static Sequential Network()
    {
        var model = new Sequential(seed: 9)
        {
            new Input(6, 6, 1),
            new Conv2D(4, 3, activation: "relu", kernelRegularizer: Regularizers.L2(1e-3)),
            new BatchNormalization(),
            new Dropout(0.3),
            new Flatten(),
            new Dense(3, activation: "softmax"),
        };
        model.Compile("adam", "sparse_categorical_crossentropy", ["accuracy"]);
        return model;
    }

    [Fact]
    public void A_saved_training_resumes_bit_for_bit()
    {
        var (x, y) = Data();
        var whole = Network();
        whole.Fit(x, y, batchSize: 16, epochs: 4, verbosity: Verbosity.Silent);

        var first = Network();
        first.Fit(x, y, batchSize: 16, epochs: 2, verbosity: Verbosity.Silent);
        first.Save(File);
        var second = Model.Load(File);
        second.Fit(x, y, batchSize: 16, epochs: 4, initialEpoch: 2, verbosity: Verbosity.Silent);

        Assert.All(whole.GetWeights().Zip(second.GetWeights()), pair => Assert.True(pair.First.BitEquals(pair.Second)));
        Assert.True(whole.Predict(x).BitEquals(second.Predict(x)));
        Assert.Equal(whole.Layers.Select(l => l.Name), second.Layers.Select(l => l.Name));
    }

    [Fact]
    public void Weights_alone_are_safetensors()
    {
        var (x, _) = Data();
        var model = Network();
        model.SaveWeights(Path.Combine(folder, "w.safetensors"));
        var other = Network();
        other.SetWeights([.. other.GetWeights().Select(w => Tensor.Zeros(w.DType, w.Shape))]);
        Assert.False(model.Predict(x).BitEquals(other.Predict(x)));
        other.LoadWeights(Path.Combine(folder, "w.safetensors"));
        Assert.True(model.Predict(x).BitEquals(other.Predict(x)));
    }

    [Fact]
    public void A_truncated_or_damaged_file_is_refused()
    {
        Network().Save(File);
        var bytes = System.IO.File.ReadAllBytes(File);

        foreach (var length in new[] { 0, 10, bytes.Length / 2, bytes.Length - 1 })
        {
            System.IO.File.WriteAllBytes(File, bytes[..length]);
            Assert.Throws<ModelFormatException>(() => Model.Load(File));
        }

        var damaged = (byte[])bytes.Clone();
        damaged[bytes.Length / 2] ^= 0x40;
        System.IO.File.WriteAllBytes(File, damaged);
        Assert.Throws<ModelFormatException>(() => Model.Load(File));
        Assert.Throws<ModelFormatException>(() => Model.Load(Path.Combine(folder, "none.fnet")));
    }

    [Fact]
    public void A_layer_with_a_function_cannot_be_saved_and_nothing_is_written()
    {
        var model = new Sequential { new Input(2), new Lambda(x => Ops.Square(x)) };
        Assert.ThrowsAny<FunctionalNetException>(() => model.Save(File));
        Assert.Empty(Directory.GetFiles(folder));
    }
}
