namespace FunctionalNet.Datasets;

/// <summary>How much of a data set to load.</summary>
public enum DatasetSize
{
    /// <summary>All of it: 60,000 training and 10,000 test images for the MNIST family.</summary>
    Full = 0,

    /// <summary>The first 1,000 training and the first 200 test images of each class, in their original order.</summary>
    Subset = 1,
}

/// <summary>Where data sets are looked for, and how they are downloaded. Every property has a default.</summary>
public sealed class DatasetOptions
{
    /// <summary>A folder that holds the data set's files. When given, no other place is looked at. Default: null.</summary>
    public string? Folder { get; init; }

    /// <summary>Where downloads are kept, one folder per data set. Default: <c>FunctionalNet/datasets</c> in the user's
    /// local application data.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Whether missing files may be downloaded. Default: true.</summary>
    public bool AllowDownload { get; init; } = true;

    /// <summary>The client that downloads: for proxies and tests. Default: one with the platform's settings.</summary>
    public HttpClient? HttpClient { get; init; }

    internal string CacheFolderOrDefault
    {
        get
        {
            if (CacheFolder is not null)
            {
                return CacheFolder;
            }

            string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
            return Path.Combine(local.Length > 0 ? local : Path.GetTempPath(), "FunctionalNet", "datasets");
        }
    }
}
