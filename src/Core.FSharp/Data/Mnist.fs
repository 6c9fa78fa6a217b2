namespace FunctionalNet.Datasets

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks

/// <summary>MNIST: 28x28 grey images of handwritten digits, 60,000 for training and 10,000 for testing. Keras: <c>keras.datasets.mnist</c>.</summary>
/// <remarks>The files are looked for in <c>data/mnist</c> next to the program, in <c>mnist</c> below the folder that the
/// environment variable <c>FUNCTIONALNET_DATA</c> names, in <c>/usr/share/datasets/mnist</c>, and in the cache; then they
/// are downloaded to the cache and checked.</remarks>
[<AbstractClass; Sealed>]
type Mnist private () =

    static let names = [| "0"; "1"; "2"; "3"; "4"; "5"; "6"; "7"; "8"; "9" |]

    static let files =
        MnistFamily(
            "mnist",
            [| "mnist"; "mnist-t10k" |],
            [| Uri "https://storage.googleapis.com/cvdf-datasets/mnist/"
               Uri "https://ossci-datasets.s3.amazonaws.com/mnist/" |],
            DatasetSplit(
                DatasetFile(
                    "train-images-idx3-ubyte.gz",
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
                ),
                DatasetFile(
                    "train-labels-idx1-ubyte.gz",
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
                ),
                60_000,
                1_000
            ),
            DatasetSplit(
                DatasetFile(
                    "t10k-images-idx3-ubyte.gz",
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
                ),
                DatasetFile(
                    "t10k-labels-idx1-ubyte.gz",
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
                ),
                10_000,
                200
            )
        )

    /// <summary>The name of each class number.</summary>
    static member ClassNames: IReadOnlyList<string> = names

    /// <summary>Loads the training and the test images: float32 of shape (n, 28, 28, 1) scaled to 0..1, with int32 class
    /// numbers of shape (n,).</summary>
    /// <param name="size">All images (the default), or the first 1,000 and 200 of each class.</param>
    /// <param name="options">Where to look and how to download; null for the defaults.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">The files are missing, damaged, or cannot be downloaded.</exception>
    /// <example><code>let struct (train, test) = Mnist.Load()</code></example>
    [<return: TupleElementNames([| "Train"; "Test" |])>]
    static member Load
        (
            [<Optional; DefaultParameterValue(DatasetSize.Full)>] size: DatasetSize,
            [<Optional; DefaultParameterValue(null: DatasetOptions | null)>] options: DatasetOptions | null
        ) : struct (LabeledImages * LabeledImages) =
        files.LoadAsync(size, options, CancellationToken.None).GetAwaiter().GetResult()

    /// <summary>Loads the training and the test images without blocking while files are downloaded.</summary>
    /// <param name="size">All images (the default), or the first 1,000 and 200 of each class.</param>
    /// <param name="options">Where to look and how to download; null for the defaults.</param>
    /// <param name="cancellation">Stops the download; nothing half-written is left.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">The files are missing, damaged, or cannot be downloaded.</exception>
    [<return: TupleElementNames([| "Train"; "Test" |])>]
    static member LoadAsync
        (
            [<Optional; DefaultParameterValue(DatasetSize.Full)>] size: DatasetSize,
            [<Optional; DefaultParameterValue(null: DatasetOptions | null)>] options: DatasetOptions | null,
            [<Optional>] cancellation: CancellationToken
        ) : Task<struct (LabeledImages * LabeledImages)> =
        files.LoadAsync(size, options, cancellation)

    /// <summary>Loads the test images alone.</summary>
    /// <param name="size">All images (the default), or the first 200 of each class.</param>
    /// <param name="options">Where to look and how to download; null for the defaults.</param>
    /// <exception cref="T:FunctionalNet.Datasets.DatasetException">The files are missing, damaged, or cannot be downloaded.</exception>
    static member LoadTest
        (
            [<Optional; DefaultParameterValue(DatasetSize.Full)>] size: DatasetSize,
            [<Optional; DefaultParameterValue(null: DatasetOptions | null)>] options: DatasetOptions | null
        ) : LabeledImages =
        files.LoadTestAsync(size, options, CancellationToken.None).GetAwaiter().GetResult()
