namespace FunctionalNet.Datasets;

/// <summary>MNIST: 28x28 grey images of handwritten digits, 60,000 for training and 10,000 for testing. Keras: <c>keras.datasets.mnist</c>.</summary>
/// <remarks>The files are looked for in <c>data/mnist</c> next to the program, in <c>mnist</c> below the folder that the
/// environment variable <c>FUNCTIONALNET_DATA</c> names, in <c>/usr/share/datasets/mnist</c>, and in the cache; then they
/// are downloaded to the cache and checked.</remarks>
public static class Mnist
{
    private static readonly string[] Names =
    [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
    ];

    internal static readonly MnistFamily Files = new(
        "mnist",
        ["mnist", "mnist-t10k"],
        [
            new Uri("https://storage.googleapis.com/cvdf-datasets/mnist/"),
            new Uri("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        ],
        new DatasetSplit(
            new DatasetFile("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            new DatasetFile("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            60_000,
            1_000),
        new DatasetSplit(
            new DatasetFile("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            new DatasetFile("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            10_000,
            200));

    /// <summary>The name of each class number.</summary>
    public static IReadOnlyList<string> ClassNames => Names;

    /// <summary>Loads the training and the test images: float32 of shape (n, 28, 28, 1) scaled to 0..1, with int32 class
    /// numbers of shape (n,).</summary>
    /// <param name="size">All images (the default), or the first 1,000 and 200 of each class.</param>
    /// <param name="options">Where to look and how to download; null for the defaults.</param>
    /// <exception cref="DatasetException">The files are missing, damaged, or cannot be downloaded.</exception>
    public static (LabeledImages Train, LabeledImages Test) Load(
        DatasetSize size = DatasetSize.Full, DatasetOptions? options = null) =>
        LoadAsync(size, options).GetAwaiter().GetResult();

    /// <summary>Loads the training and the test images without blocking while files are downloaded.</summary>
    /// <param name="size">All images (the default), or the first 1,000 and 200 of each class.</param>
    /// <param name="options">Where to look and how to download; null for the defaults.</param>
    /// <param name="cancellation">Stops the download; nothing half-written is left.</param>
    /// <exception cref="DatasetException">The files are missing, damaged, or cannot be downloaded.</exception>
    public static Task<(LabeledImages Train, LabeledImages Test)> LoadAsync(
        DatasetSize size = DatasetSize.Full, DatasetOptions? options = null, CancellationToken cancellation = default) =>
        Files.LoadAsync(size, options ?? new DatasetOptions(), cancellation);

    /// <summary>Loads the test images alone.</summary>
    /// <param name="size">All images (the default), or the first 200 of each class.</param>
    /// <param name="options">Where to look and how to download; null for the defaults.</param>
    /// <exception cref="DatasetException">The files are missing, damaged, or cannot be downloaded.</exception>
    public static LabeledImages LoadTest(DatasetSize size = DatasetSize.Full, DatasetOptions? options = null) =>
        Files.LoadTestAsync(size, options ?? new DatasetOptions(), CancellationToken.None).GetAwaiter().GetResult();
}
