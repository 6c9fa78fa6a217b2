#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property GenerateDocumentationFile=false
#:property EnforceCodeStyleInBuild=false

// Cuts the subset of Fashion-MNIST that ships with the QuickStart sample: the first 1,000 training and the first 200 test
// images of each class, in the original order.
//
//     dotnet run tools/cut-fashion-mnist.cs -- FOLDER_OF_THE_ORIGINAL_FILES samples/QuickStart/data
//
// The original files are those of Debian's package dataset-fashion-mnist (/usr/share/datasets/fashion-mnist).
using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: dotnet run tools/cut-fashion-mnist.cs -- SOURCE TARGET");
    return 2;
}

Cut("train", 1000);
Cut("t10k", 200);
return 0;

void Cut(string split, int perClass)
{
    byte[] labels = Unzip(split + "-labels-idx1-ubyte.gz", 8);
    byte[] images = Unzip(split + "-images-idx3-ubyte.gz", 16);
    const int size = 28 * 28;
    var seen = new int[10];
    using var keptLabels = new MemoryStream();
    using var keptImages = new MemoryStream();
    Number(keptLabels, 2049, perClass * 10);
    Number(keptImages, 2051, perClass * 10, 28, 28);
    for (int i = 0; i < labels.Length; i++)
    {
        if (seen[labels[i]]++ < perClass)
        {
            keptLabels.WriteByte(labels[i]);
            keptImages.Write(images, i * size, size);
        }
    }

    Zip(split + "-labels-idx1-ubyte.gz", keptLabels.ToArray());
    Zip(split + "-images-idx3-ubyte.gz", keptImages.ToArray());
}

byte[] Unzip(string name, int header)
{
    using var file = new GZipStream(File.OpenRead(Path.Combine(args[0], name)), CompressionMode.Decompress);
    using var memory = new MemoryStream();
    file.CopyTo(memory);
    return memory.ToArray()[header..];
}

void Zip(string name, byte[] content)
{
    Directory.CreateDirectory(args[1]);
    string path = Path.Combine(args[1], name);
    using (var file = new GZipStream(File.Create(path), CompressionLevel.SmallestSize))
    {
        file.Write(content);
    }

    Console.WriteLine($"{name}  {new FileInfo(path).Length} bytes  uncompressed SHA-256 {Convert.ToHexStringLower(SHA256.HashData(content))}");
}

static void Number(Stream stream, params int[] values)
{
    Span<byte> bytes = stackalloc byte[4];
    foreach (int value in values)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        stream.Write(bytes);
    }
}
