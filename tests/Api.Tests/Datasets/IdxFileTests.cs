using FunctionalNet.Datasets;

namespace FunctionalNet.Tests.Datasets;

public sealed class IdxFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private DatasetException Fails(byte[] content, int axes = 1)
    {
        string path = _folder.Write("file.gz", content);
        var error = Assert.Throws<DatasetException>(() => IdxFile.Read(path, axes));
        Assert.Equal(DatasetFailure.Corrupt, error.Failure);
        Assert.Equal(path, error.Path);
        return error;
    }

    [Fact]
    public void Shape_and_elements_are_read()
    {
        string path = _folder.Write("file.gz", IdxData.Zip(IdxData.Idx(2051, [2, 1, 3], [1, 2, 3, 4, 5, 6])));
        (int[] shape, byte[] elements) = IdxFile.Read(path, 3);
        Assert.Equal([2, 1, 3], shape);
        Assert.Equal([1, 2, 3, 4, 5, 6], elements);
        Assert.Equal([2, 1, 3], IdxFile.ReadShape(path, 3));
    }

    [Fact]
    public void An_empty_file_of_no_elements_is_read()
    {
        string path = _folder.Write("file.gz", IdxData.Zip(IdxData.Idx(2049, [0], [])));
        Assert.Empty(IdxFile.Read(path, 1).Elements);
    }

    [Fact]
    public void A_wrong_magic_number_is_told()
    {
        DatasetException error = Fails(IdxData.Zip(IdxData.Idx(2051, [1], [1])));
        Assert.Contains("2049", error.Expected);
        Assert.Equal("2051", error.Actual);
    }

    [Fact]
    public void Missing_elements_are_told()
    {
        DatasetException error = Fails(IdxData.Zip(IdxData.Idx(2049, [5], [1, 2, 3])));
        Assert.Equal("5 elements", error.Expected);
        Assert.Equal("3", error.Actual);
    }

    [Fact]
    public void Further_elements_are_told() =>
        Assert.Equal("more", Fails(IdxData.Zip(IdxData.Idx(2049, [2], [1, 2, 3]))).Actual);

    [Fact]
    public void A_header_that_claims_too_much_costs_no_memory_and_is_told()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fails(IdxData.Zip(IdxData.Idx(2051, [int.MaxValue, int.MaxValue, int.MaxValue], [1])), 3);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000_000);
    }

    [Fact]
    public void Negative_sizes_are_told() => Assert.Equal("-1", Fails(IdxData.Zip(IdxData.Idx(2049, [-1], []))).Actual);

    [Fact]
    public void Half_a_header_is_told() => Assert.Equal("3 bytes", Fails(IdxData.Zip([0, 0, 8])).Actual);

    [Fact]
    public void What_is_no_gzip_is_told() => Fails("plain text, not gzip"u8.ToArray());

    [Fact]
    public void A_gzip_file_that_is_cut_off_is_told()
    {
        var random = new byte[20_000];
        new Random(1).NextBytes(random);
        byte[] whole = IdxData.Zip(IdxData.Idx(2049, [random.Length], random));
        Fails(whole[..(whole.Length / 2)]);
    }

    [Fact]
    public void A_missing_file_is_told()
    {
        var error = Assert.Throws<DatasetException>(() => IdxFile.Read(Path.Combine(_folder.Path, "none.gz"), 1));
        Assert.Equal(DatasetFailure.NotFound, error.Failure);
    }
}
