namespace FunctionalNet.Datasets

open System
open System.IO
open System.Net.Http

/// <summary>How much of a data set to load.</summary>
type DatasetSize =
    /// <summary>All of it: 60,000 training and 10,000 test images for the MNIST family.</summary>
    | Full = 0
    /// <summary>The first 1,000 training and the first 200 test images of each class, in their original order.</summary>
    | Subset = 1

/// <summary>Where data sets are looked for, and how they are downloaded. Every property has a default.</summary>
[<Sealed>]
type DatasetOptions() =

    /// <summary>A folder that holds the data set's files. When given, no other place is looked at. Default: null.</summary>
    member val Folder: string | null = null with get, set

    /// <summary>Where downloads are kept, one folder per data set. Default: <c>FunctionalNet/datasets</c> in the user's
    /// local application data.</summary>
    member val CacheFolder: string | null = null with get, set

    /// <summary>Whether missing files may be downloaded. Default: true.</summary>
    member val AllowDownload = true with get, set

    /// <summary>The client that downloads: for proxies and tests. Default: one with the platform's settings.</summary>
    member val HttpClient: HttpClient | null = null with get, set

    member internal this.CacheFolderOrDefault =
        match this.CacheFolder with
        | null ->
            let local = Environment.GetFolderPath Environment.SpecialFolder.LocalApplicationData
            Path.Combine((if local.Length > 0 then local else Path.GetTempPath()), "FunctionalNet", "datasets")
        | folder -> folder
