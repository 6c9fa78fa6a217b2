using System.Net;
using System.Net.Sockets;
using FunctionalNet.Datasets;

namespace FunctionalNet.Tests.Datasets;

public sealed class DatasetTests : IDisposable
{
    private const int Train = 40;
    private const int Test = 20;
    private readonly TemporaryFolder _cache = new();
    private readonly FileServer _server = new();
    private readonly Dictionary<string, byte[]> _files = IdxData.Files(Train, Test);

    public DatasetTests()
    {
        foreach ((string name, byte[] content) in _files)
        {
            _server.Files[name] = content;
        }
    }

    public void Dispose()
    {
        _server.Dispose();
        _cache.Dispose();
    }

    private DatasetOptions Options => new() { CacheFolder = _cache.Path };

    private MnistFamily Family(params Uri[] addresses) =>
        IdxData.Family(_files, Train, Test, addresses.Length > 0 ? addresses : [_server.Address]);

    private async Task<DatasetException> FailsAsync(DatasetFailure failure, MnistFamily family, DatasetOptions? options = null)
    {
        var error = await Assert.ThrowsAsync<DatasetException>(
            () => family.LoadAsync(DatasetSize.Full, options ?? Options, CancellationToken.None));
        Assert.Equal(failure, error.Failure);
        Assert.IsAssignableFrom<FunctionalNetException>(error);
        Assert.NotEqual("", error.Hint);
        Assert.DoesNotContain(_cache.Files(), name => name.EndsWith(".part", StringComparison.Ordinal));
        return error;
    }

    [Fact]
    public async Task A_downloaded_set_is_read_and_kept()
    {
        (LabeledImages train, LabeledImages test) = await Family().LoadAsync(DatasetSize.Full, Options, CancellationToken.None);
        Assert.Equal(Shape.Of(Train, 28, 28, 1), train.Images.Shape);
        Assert.Equal(DType.Float32, train.Images.DType);
        Assert.Equal(Shape.Of(Train), train.Labels.Shape);
        Assert.Equal(DType.Int32, train.Labels.DType);
        Assert.Equal(Test, test.Count);
        Assert.Equal(13 / 255f, train.Images.AsSpan<float>()[13 * 28 * 28]);
        Assert.Equal(3, train.Labels.AsSpan<int>()[13]);

        Assert.Equal(4, _server.Requests.Count);
        Assert.Equal([.. _files.Keys.Order()], _cache.Files());
        await Family().LoadAsync(DatasetSize.Full, Options, CancellationToken.None);
        Assert.Equal(4, _server.Requests.Count);
    }

    [Fact]
    public async Task A_kept_file_that_was_damaged_is_downloaded_again()
    {
        await Family().LoadAsync(DatasetSize.Full, Options, CancellationToken.None);
        File.WriteAllBytes(Path.Combine(_cache.Path, "made-up", "t10k-images-idx3-ubyte.gz"), [1, 2, 3]);
        (_, LabeledImages test) = await Family().LoadAsync(DatasetSize.Full, Options, CancellationToken.None);
        Assert.Equal(Test, test.Count);
        Assert.Equal(5, _server.Requests.Count);
    }

    [Fact]
    public async Task A_subset_holds_the_first_of_each_class_in_order()
    {
        (LabeledImages train, LabeledImages test) = await Family().LoadAsync(DatasetSize.Subset, Options, CancellationToken.None);
        Assert.Equal(20, train.Count);
        Assert.Equal(10, test.Count);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => i % 10), train.Labels.ToArray<int>());
        Assert.Equal(19 / 255f, train.Images.AsSpan<float>()[19 * 28 * 28]);
    }

    [Fact]
    public async Task Other_bytes_than_the_published_are_refused_and_not_kept()
    {
        _server.Files["train-images-idx3-ubyte.gz"] = IdxData.Images(Train + 1);
        await FailsAsync(DatasetFailure.HashMismatch, Family());
        Assert.DoesNotContain("train-images-idx3-ubyte.gz", _cache.Files());
    }

    [Fact]
    public async Task A_download_that_breaks_off_leaves_nothing()
    {
        _server.Broken["train-labels-idx1-ubyte.gz"] = true;
        await FailsAsync(DatasetFailure.DownloadTruncated, Family());
        Assert.Empty(_cache.Files());
    }

    [Fact]
    public async Task A_missing_file_on_the_server_is_told()
    {
        _server.Files.Clear();
        Assert.Equal("404", (await FailsAsync(DatasetFailure.DownloadFailed, Family())).Actual);
    }

    [Fact]
    public async Task No_network_is_told()
    {
        // A port that was free a moment ago: nobody listens there.
        var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var nobody = new Uri("http://127.0.0.1:" + ((IPEndPoint)probe.LocalEndpoint).Port + "/");
        probe.Stop();
        await FailsAsync(DatasetFailure.DownloadFailed, Family(nobody));

        // The next address is tried.
        (LabeledImages train, _) = await Family(nobody, _server.Address).LoadAsync(DatasetSize.Full, Options, CancellationToken.None);
        Assert.Equal(Train, train.Count);
    }

    [Fact]
    public async Task Downloading_can_be_forbidden()
    {
        await FailsAsync(DatasetFailure.NotFound, Family(), new DatasetOptions { CacheFolder = _cache.Path, AllowDownload = false });
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task A_client_of_ones_own_is_used()
    {
        using var handler = new Counting();
        using var client = new HttpClient(handler);
        await Family().LoadAsync(
            DatasetSize.Full, new DatasetOptions { CacheFolder = _cache.Path, HttpClient = client }, CancellationToken.None);
        Assert.Equal(4, handler.Count);
    }

    [Fact]
    public async Task A_cancelled_download_leaves_nothing()
    {
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Family().LoadAsync(DatasetSize.Full, Options, cancellation.Token));
        Assert.Empty(_cache.Files());
    }

    [Fact]
    public async Task A_folder_of_ones_own_is_read_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        foreach ((string name, byte[] content) in IdxData.Files(30, 10))
        {
            folder.Write(name, content);
        }

        var options = new DatasetOptions { Folder = folder.Path };
        (LabeledImages train, _) = await Family().LoadAsync(DatasetSize.Full, options, CancellationToken.None);
        Assert.Equal(30, train.Count);

        File.Delete(Path.Combine(folder.Path, "t10k-images-idx3-ubyte.gz"));
        await FailsAsync(DatasetFailure.NotFound, Family(), options);
        Assert.Empty(_server.Requests);
    }

    [Theory]
    [InlineData("train-images-idx3-ubyte.gz", 40, 27)]
    [InlineData("train-images-idx3-ubyte.gz", 39, 28)]
    public async Task Files_that_do_not_belong_together_are_told(string name, int count, int side)
    {
        using var folder = new TemporaryFolder();
        foreach ((string file, byte[] content) in _files)
        {
            folder.Write(file, content);
        }

        folder.Write(name, IdxData.Images(count, side));
        await FailsAsync(DatasetFailure.Corrupt, Family(), new DatasetOptions { Folder = folder.Path });
    }

    [Fact]
    public async Task A_label_out_of_range_is_told()
    {
        using var folder = new TemporaryFolder();
        foreach ((string file, byte[] content) in _files)
        {
            folder.Write(file, content);
        }

        byte[] labels = new byte[Train];
        labels[7] = 10;
        folder.Write("train-labels-idx1-ubyte.gz", IdxData.Zip(IdxData.Idx(2049, [Train], labels)));
        DatasetException error = await FailsAsync(DatasetFailure.Corrupt, Family(), new DatasetOptions { Folder = folder.Path });
        Assert.Equal("10 at index 7", error.Actual);
    }

    [Fact]
    public void The_shipped_subset_of_Fashion_MNIST_is_whole()
    {
        // The images that ship with the QuickStart sample are copied next to these tests.
        var options = new DatasetOptions { AllowDownload = false };
        var ((xTrain, yTrain), (xTest, yTest)) = FashionMnist.Load(DatasetSize.Subset, options);
        Assert.Equal(Shape.Of(10_000, 28, 28, 1), xTrain.Shape);
        Assert.Equal(Shape.Of(2_000, 28, 28, 1), xTest.Shape);
        Assert.Equal(Enumerable.Repeat(1_000, 10), yTrain.ToArray<int>().CountBy(y => y).OrderBy(p => p.Key).Select(p => p.Value));
        Assert.Equal(Enumerable.Repeat(200, 10), yTest.ToArray<int>().CountBy(y => y).OrderBy(p => p.Key).Select(p => p.Value));
        // The first of Fashion-MNIST is an ankle boot, and the mean pixel is about 0.286.
        Assert.Equal("Ankle boot", FashionMnist.ClassNames[yTrain.AsSpan<int>()[0]]);
        Assert.InRange(xTrain.ToArray<float>().Average(), 0.28f, 0.29f);
        Assert.Equal(1f, xTrain.ToArray<float>().Max());
        Assert.Equal(2_000, FashionMnist.LoadTest(DatasetSize.Subset, options).Count);
        Assert.Equal(2_000, FashionMnist.Load(DatasetSize.Subset, options).Test.Count);
    }

    [DataFact("mnist-t10k")]
    public void The_test_digits_of_MNIST_are_found_where_the_environment_says()
    {
        LabeledImages test = Mnist.LoadTest(options: new DatasetOptions { AllowDownload = false });
        Assert.Equal(10_000, test.Count);
        Assert.Equal([7, 2, 1, 0, 4], test.Labels.ToArray<int>()[..5]);
    }

    private sealed class Counting() : DelegatingHandler(new SocketsHttpHandler())
    {
        public int Count { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Count++;
            return base.SendAsync(request, cancellationToken);
        }
    }
}
