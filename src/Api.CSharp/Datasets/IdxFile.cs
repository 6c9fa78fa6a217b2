using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;

namespace FunctionalNet.Datasets;

/// <summary>Reads gzipped IDX files of bytes: the format of MNIST. The header is a big-endian magic number (two zero bytes,
/// the element type, the number of axes) and the axes' sizes.</summary>
internal static class IdxFile
{
    private const byte UnsignedByte = 0x08;

    /// <summary>The sizes of the axes, without reading the elements.</summary>
    public static int[] ReadShape(string path, int axes)
    {
        using Stream stream = Open(path);
        return Guard(path, () => Header(stream, path, axes));
    }

    /// <summary>The sizes of the axes and all elements.</summary>
    public static (int[] Shape, byte[] Elements) Read(string path, int axes)
    {
        using Stream stream = Open(path);
        return Guard(path, () =>
        {
            int[] shape = Header(stream, path, axes);
            long size = 1;
            foreach (int d in shape)
            {
                size = Math.Min(size * d, int.MaxValue);
            }

            return (shape, Elements(stream, path, (int)size));
        });
    }

    private static GZipStream Open(string path)
    {
        try
        {
            return new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DatasetException(
                DatasetFailure.NotFound, "A data file is missing.", path, "a gzipped IDX file", "no file", "Check the folder.", e);
        }
    }

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException e)
        {
            throw Corrupt(path, "gzip data", e.Message, e);
        }
    }

    private static int[] Header(Stream stream, string path, int axes)
    {
        Span<byte> bytes = stackalloc byte[4 * (1 + axes)];
        int got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (got < bytes.Length)
        {
            throw Corrupt(path, "a header of " + Text(bytes.Length) + " bytes", Text(got) + " bytes");
        }

        int magic = BinaryPrimitives.ReadInt32BigEndian(bytes);
        int expected = (UnsignedByte << 8) | axes;
        if (magic != expected)
        {
            throw Corrupt(path, "the magic number " + Text(expected), Text(magic));
        }

        var shape = new int[axes];
        for (int i = 0; i < axes; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt32BigEndian(bytes[(4 * (1 + i))..]);
            if (shape[i] < 0)
            {
                throw Corrupt(path, "sizes of 0 or more", Text(shape[i]));
            }
        }

        return shape;
    }

    // Memory grows with what the file holds, not with what its header claims.
    private static byte[] Elements(Stream stream, string path, int size)
    {
        var elements = new byte[Math.Min(size, 1 << 26)];
        int filled = 0;
        while (true)
        {
            int got = stream.ReadAtLeast(elements.AsSpan(filled), elements.Length - filled, throwOnEndOfStream: false);
            filled += got;
            if (filled < elements.Length)
            {
                throw Corrupt(path, Text(size) + " elements", Text(filled));
            }

            if (filled == size)
            {
                break;
            }

            Array.Resize(ref elements, (int)Math.Min((long)size, 2L * elements.Length));
        }

        if (stream.ReadByte() >= 0)
        {
            throw Corrupt(path, Text(size) + " elements", "more");
        }

        return elements;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static DatasetException Corrupt(string path, string expected, string actual, Exception? inner = null) =>
        new(
            DatasetFailure.Corrupt,
            "A data file is damaged or of another format.",
            path,
            expected,
            actual,
            "Delete the file and get it again.",
            inner);
}
