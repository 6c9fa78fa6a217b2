namespace FunctionalNet.Datasets

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks

/// <summary>Fashion-MNIST: 28x28 grey images of 10 kinds of clothing, 60,000 for training and 10,000 for testing (Zalando, MIT). Keras: <c>keras.datasets.fashion_mnist</c>.</summary>
/// <remarks>The files are looked for in <c>data/fashion-mnist</c> next to the program, in <c>fashion-mnist</c> below the folder that the
/// environment variable <c>FUNCTIONALNET_DATA</c> names, in <c>/usr/share/datasets/fashion-mnist</c>, and in the cache; then they
/// are downloaded to the cache and checked.</remarks>
[<AbstractClass; Sealed>]
type FashionMnist private () =

    static let names =
        [| "T-shirt/top"
           "Trouser"
           "Pullover"
           "Dress"
           "Coat"
           "Sandal"
           "Shirt"
           "Sneaker"
           "Bag"
           "Ankle boot" |]

    static let files =
        MnistFamily(
            "fashion-mnist",
            [| "fashion-mnist" |],
            [| Uri "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
               Uri "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/" |],
            DatasetSplit(
                DatasetFile(
                    "train-images-idx3-ubyte.gz",
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
                ),
                DatasetFile(
                    "train-labels-idx1-ubyte.gz",
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
                ),
                60_000,
                1_000
            ),
            DatasetSplit(
                DatasetFile(
                    "t10k-images-idx3-ubyte.gz",
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
                ),
                DatasetFile(
                    "t10k-labels-idx1-ubyte.gz",
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
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
    /// <example><code>let struct (train, test) = FashionMnist.Load()</code></example>
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
