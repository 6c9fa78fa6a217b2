namespace FunctionalNet.Datasets

open System
open System.Formats.Tar
open System.IO
open System.IO.Compression
open System.Net.Http
open System.Runtime.InteropServices
open System.Security.Cryptography
open FunctionalNet

/// <summary>Files from the network that are kept. Give a hash: a file from elsewhere may be anything.</summary>
[<AbstractClass; Sealed>]
type FileCache private () =

    static let ownClient = lazy (new HttpClient(Timeout = TimeSpan.FromMinutes 30.0))

    static member private Broken
        (failure: DatasetFailure, path: string, expected: string, actual: string, hint: string, cause: exn | null)
        : exn =
        DatasetException(failure, "A file cannot be had.", path, expected, actual, hint, cause) :> exn

    /// <summary>The hash of a file in hexadecimal: sha256, or md5.</summary>
    static member private Hash(path: string, algorithm: string) : string =
        use file = File.OpenRead path

        (if algorithm = "md5" then MD5.HashData file else SHA256.HashData file) |> Convert.ToHexStringLower

    /// <summary>True if the file has the hash: of 64 digits for SHA-256, of 32 for MD5. Keras: validate_file.</summary>
    static member HasHash(path: string, hash: string) : bool =
        let algorithm = if hash.Length = 64 then "sha256" else "md5"
        String.Equals(FileCache.Hash(path, algorithm), hash, StringComparison.OrdinalIgnoreCase)

    static member private Fetch(origin: Uri, target: string, client: HttpClient | null) : unit =
        let part = target + ".part"

        try
            try
                if origin.IsFile then
                    File.Copy(origin.LocalPath, part, true)
                else
                    let client =
                        match client with
                        | null -> ownClient.Value
                        | given -> given

                    use response =
                        client.Send(
                            new HttpRequestMessage(HttpMethod.Get, origin),
                            HttpCompletionOption.ResponseHeadersRead
                        )

                    response.EnsureSuccessStatusCode() |> ignore
                    use source = response.Content.ReadAsStream()
                    use file = File.Create part
                    source.CopyTo file

                File.Move(part, target, true)
            with
            | :? HttpRequestException
            | :? IOException
            | :? OperationCanceledException as e ->
                raise (
                    FileCache.Broken(
                        DatasetFailure.DownloadFailed,
                        origin.ToString(),
                        "a file to download",
                        e.Message,
                        "Check the address and the network, or put the file at " + target + ".",
                        e
                    )
                )
        finally
            if File.Exists part then File.Delete part

    /// Unpacks beside the target, so that a folder is whole or not there.
    static member private Extract(archive: string, folder: string) : unit =
        let part = folder + ".part"
        if Directory.Exists part then Directory.Delete(part, true)
        Directory.CreateDirectory part |> ignore

        try
            let first = Array.zeroCreate<byte> 4

            let read =
                use file = File.OpenRead archive
                file.Read(first, 0, 4)

            try
                if read = 4 && first[0] = 0x50uy && first[1] = 0x4Buy then
                    ZipFile.ExtractToDirectory(archive, part)
                elif read = 4 && first[0] = 0x1Fuy && first[1] = 0x8Buy then
                    use file = File.OpenRead archive
                    use unzipped = new GZipStream(file, CompressionMode.Decompress)
                    TarFile.ExtractToDirectory(unzipped, part, true)
                else
                    TarFile.ExtractToDirectory(archive, part, true)
            with
            | :? InvalidDataException
            | :? IOException
            | :? FormatException as e ->
                raise (
                    FileCache.Broken(
                        DatasetFailure.Corrupt,
                        archive,
                        "an archive: zip, tar or tar.gz",
                        e.Message,
                        "Get it without extract, and unpack it yourself.",
                        e
                    )
                )

            if Directory.Exists folder then Directory.Delete(folder, true)
            Directory.Move(part, folder)
        finally
            if Directory.Exists part then Directory.Delete(part, true)

    /// <summary>The path of a file from an address, which is downloaded unless it is there already with the right hash; or of the folder
    /// its archive was unpacked to. Keras: get_file.</summary>
    /// <param name="origin">The address: http, https or file.</param>
    /// <param name="fileName">Its name in the cache, or that of the folder; by default that of the address.</param>
    /// <param name="fileHash">The hash that it must have: SHA-256 or MD5, in hexadecimal. Default: any file.</param>
    /// <param name="extract">Whether to unpack it: zip, tar or tar.gz. Default false.</param>
    /// <param name="cacheSubfolder">Where in the cache. Default: files.</param>
    /// <param name="cacheFolder">The cache; by default that of data sets.</param>
    /// <param name="forceDownload">Whether to download it anew. Default false.</param>
    /// <param name="client">What downloads; null for one with the platform's settings.</param>
    /// <exception cref="T:FunctionalNet.DatasetException">It cannot be downloaded, has another hash, or is no archive.</exception>
    /// <example><code>
    /// var folder = FileCache.GetFile("https://example.org/flowers.tgz", fileHash: "6cd1...", extract: true);
    /// </code></example>
    static member GetFile
        (
            origin: string,
            [<Optional; DefaultParameterValue(null: string | null)>] fileName: string | null,
            [<Optional; DefaultParameterValue(null: string | null)>] fileHash: string | null,
            [<Optional; DefaultParameterValue(false)>] extract: bool,
            [<Optional; DefaultParameterValue("files")>] cacheSubfolder: string,
            [<Optional; DefaultParameterValue(null: string | null)>] cacheFolder: string | null,
            [<Optional; DefaultParameterValue(false)>] forceDownload: bool,
            [<Optional; DefaultParameterValue(null: HttpClient | null)>] client: HttpClient | null
        ) : string =
        let address: Uri =
            try
                Uri(origin, UriKind.Absolute)
            with :? UriFormatException ->
                raise (
                    FileCache.Broken(
                        DatasetFailure.NotFound,
                        origin,
                        "an address such as https://...",
                        origin,
                        "Give a whole address.",
                        null
                    )
                )

        let name =
            match fileName with
            | null ->
                let path = Uri.UnescapeDataString address.AbsolutePath
                path.Substring(path.LastIndexOf '/' + 1)
            | given -> given

        if name = "" || name = "." || name = ".." || name.Contains '/' || name.Contains '\\' then
            raise (
                FileCache.Broken(
                    DatasetFailure.NotFound,
                    origin,
                    "a file name without folders",
                    (if name = "" then "none" else name),
                    "Give fileName, and the folder as cacheFolder.",
                    null
                )
            )

        let folder =
            Path.Combine(DatasetOptions(CacheFolder = cacheFolder).CacheFolderOrDefault, cacheSubfolder)
        Directory.CreateDirectory folder |> ignore
        let file = Path.Combine(folder, (if extract then name + "_archive" else name))

        let isRight () =
            match fileHash with
            | null -> true
            | hash -> FileCache.HasHash(file, hash)

        let fetched = forceDownload || not (File.Exists file) || not (isRight ())

        if fetched then
            FileCache.Fetch(address, file, client)

            if not (isRight ()) then
                let algorithm = if (string fileHash).Length = 64 then "sha256" else "md5"
                let found = FileCache.Hash(file, algorithm)
                File.Delete file

                raise (
                    FileCache.Broken(
                        DatasetFailure.HashMismatch,
                        origin,
                        "a file with the hash " + string fileHash,
                        found,
                        "The file has changed, or was not transferred whole.",
                        null
                    )
                )

        if extract then
            let target = Path.Combine(folder, name)
            if fetched || not (Directory.Exists target) then FileCache.Extract(file, target)
            target
        else
            file
