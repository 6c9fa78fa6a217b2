using System.Globalization;

namespace FunctionalNet.Datasets;

/// <summary>One file of a data set and the SHA-256 of the published gzip file.</summary>
internal sealed record DatasetFile(string Name, string Sha256);

/// <summary>Half of a data set: its two files and how many images they hold.</summary>
internal sealed record DatasetSplit(DatasetFile Images, DatasetFile Labels, int Count, int SubsetPerClass);

/// <summary>A data set in MNIST's format: where its files may lie, where they come from, and how they are read.</summary>
internal sealed class MnistFamily(
    string name, string[] folderNames, Uri[] addresses, DatasetSplit train, DatasetSplit test, int classes = 10, int side = 28)
{
    public async Task<(LabeledImages Train, LabeledImages Test)> LoadAsync(
        DatasetSize size, DatasetOptions options, CancellationToken cancellation)
    {
        // Both are found before either is read: what is missing is known at once.
        string trainFolder = await FindAsync(train, size, options, cancellation).ConfigureAwait(false);
        string testFolder = await FindAsync(test, size, options, cancellation).ConfigureAwait(false);
        return (Read(trainFolder, train, size), Read(testFolder, test, size));
    }

    public async Task<LabeledImages> LoadTestAsync(DatasetSize size, DatasetOptions options, CancellationToken cancellation) =>
        Read(await FindAsync(test, size, options, cancellation).ConfigureAwait(false), test, size);

    /// <summary>The folders that are looked at before anything is downloaded.</summary>
    internal IEnumerable<string> Places()
    {
        var roots = new List<string> { Path.Combine(AppContext.BaseDirectory, "data") };
        if (Environment.GetEnvironmentVariable("FUNCTIONALNET_DATA") is { Length: > 0 } data)
        {
            roots.Add(data);
        }

        roots.Add("/usr/share/datasets");
        return roots.SelectMany(root => folderNames.Select(folder => Path.Combine(root, folder)));
    }

    private async Task<string> FindAsync(
        DatasetSplit split, DatasetSize size, DatasetOptions options, CancellationToken cancellation)
    {
        if (options.Folder is not null)
        {
            return options.Folder;
        }

        int least = size == DatasetSize.Full ? split.Count : Math.Min(split.Count, split.SubsetPerClass * classes);
        string? found = Places().FirstOrDefault(folder => Holds(folder, split, least));
        if (found is not null)
        {
            return found;
        }

        string cache = Path.Combine(options.CacheFolderOrDefault, name);
        foreach (DatasetFile file in new[] { split.Labels, split.Images })
        {
            string target = Path.Combine(cache, file.Name);
            if (await Downloader.HasAsync(target, file.Sha256, cancellation).ConfigureAwait(false))
            {
                continue;
            }

            if (!options.AllowDownload)
            {
                throw new DatasetException(
                    DatasetFailure.NotFound,
                    "The data set " + name + " is not on this machine, and downloading is not allowed.",
                    target,
                    file.Name + " in " + string.Join(", ", Places().Append(cache)),
                    "no such file",
                    "Allow the download, or name the folder that holds the files.");
            }

            Uri[] sources = [.. addresses.Select(address => new Uri(address, file.Name))];
            await Downloader.FetchAsync(sources, file.Sha256, target, options.HttpClient, cancellation).ConfigureAwait(false);
        }

        return cache;
    }

    private static bool Holds(string folder, DatasetSplit split, int least)
    {
        string images = Path.Combine(folder, split.Images.Name);
        string labels = Path.Combine(folder, split.Labels.Name);
        return File.Exists(images) && File.Exists(labels) && IdxFile.ReadShape(labels, 1)[0] >= least;
    }

    private LabeledImages Read(string folder, DatasetSplit split, DatasetSize size)
    {
        string labelsPath = Path.Combine(folder, split.Labels.Name);
        string imagesPath = Path.Combine(folder, split.Images.Name);
        (int[] labelsShape, byte[] labels) = IdxFile.Read(labelsPath, 1);
        (int[] shape, byte[] pixels) = IdxFile.Read(imagesPath, 3);
        Check(imagesPath, shape[1] == side && shape[2] == side, "images of " + Text(side) + "x" + Text(side), Text(shape[1]) + "x" + Text(shape[2]));
        Check(imagesPath, shape[0] == labelsShape[0], Text(labelsShape[0]) + " images, one per label", Text(shape[0]));
        int wrong = Array.FindIndex(labels, label => label >= classes);
        Check(labelsPath, wrong < 0, "labels of 0 to " + Text(classes - 1), wrong < 0 ? "" : Text(labels[wrong]) + " at index " + Text(wrong));

        int[] rows = size == DatasetSize.Full ? [] : FirstOfEachClass(labels, split.SubsetPerClass);
        int count = size == DatasetSize.Full ? labels.Length : rows.Length;
        int area = side * side;
        var scale = new float[256];
        for (int value = 0; value < scale.Length; value++)
        {
            scale[value] = value / 255f;
        }

        var x = new float[count * area];
        var y = new int[count];
        for (int i = 0; i < count; i++)
        {
            int row = size == DatasetSize.Full ? i : rows[i];
            y[i] = labels[row];
            ReadOnlySpan<byte> from = pixels.AsSpan(row * area, area);
            Span<float> to = x.AsSpan(i * area, area);
            for (int p = 0; p < to.Length; p++)
            {
                to[p] = scale[from[p]];
            }
        }

        return new LabeledImages(Tensor.Of(Shape.Of(count, side, side, 1), x), Tensor.Of(Shape.Of(count), y));
    }

    private int[] FirstOfEachClass(byte[] labels, int perClass)
    {
        var seen = new int[classes];
        var rows = new List<int>(perClass * classes);
        for (int i = 0; i < labels.Length; i++)
        {
            if (seen[labels[i]]++ < perClass)
            {
                rows.Add(i);
            }
        }

        return [.. rows];
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Check(string path, bool condition, string expected, string actual)
    {
        if (!condition)
        {
            throw new DatasetException(
                DatasetFailure.Corrupt, "A data file does not hold what it should.", path, expected, actual, "Get the file again.");
        }
    }
}
