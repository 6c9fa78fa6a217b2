using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using FunctionalNet.Datasets;

namespace FunctionalNet.Tests.Datasets;

/// <summary>Small made-up data sets in MNIST's format.</summary>
internal static class IdxData
{
    public static byte[] Zip(byte[] content)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return memory.ToArray();
    }

    public static byte[] Idx(int magic, int[] shape, byte[] elements)
    {
        var bytes = new byte[4 * (1 + shape.Length) + elements.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, magic);
        for (int i = 0; i < shape.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 * (1 + i)), shape[i]);
        }

        elements.CopyTo(bytes, 4 * (1 + shape.Length));
        return bytes;
    }

    public static byte[] Labels(int count) =>
        Zip(Idx(2049, [count], [.. Enumerable.Range(0, count).Select(i => (byte)(i % 10))]));

    /// <summary>Every pixel of image i is i.</summary>
    public static byte[] Images(int count, int side = 28) =>
        Zip(Idx(2051, [count, side, side], [.. Enumerable.Range(0, count).SelectMany(i => Enumerable.Repeat((byte)i, side * side))]));

    public static Dictionary<string, byte[]> Files(int train, int test) => new()
    {
        ["train-images-idx3-ubyte.gz"] = Images(train),
        ["train-labels-idx1-ubyte.gz"] = Labels(train),
        ["t10k-images-idx3-ubyte.gz"] = Images(test),
        ["t10k-labels-idx1-ubyte.gz"] = Labels(test),
    };

    /// <summary>A data set of these files, published at the address.</summary>
    public static MnistFamily Family(Dictionary<string, byte[]> files, int train, int test, params Uri[] addresses)
    {
        DatasetFile File(string name) => new(name, Convert.ToHexStringLower(SHA256.HashData(files[name])));
        return new MnistFamily(
            "made-up",
            ["made-up-data-set-that-is-nowhere"],
            addresses,
            new DatasetSplit(File("train-images-idx3-ubyte.gz"), File("train-labels-idx1-ubyte.gz"), train, 2),
            new DatasetSplit(File("t10k-images-idx3-ubyte.gz"), File("t10k-labels-idx1-ubyte.gz"), test, 1));
    }
}

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("functionalnet-").FullName;

    public string Write(string name, byte[] content)
    {
        string path = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string[] Files() => [.. Directory.GetFiles(Path, "*", SearchOption.AllDirectories).Select(f => System.IO.Path.GetFileName(f)!).Order()];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
