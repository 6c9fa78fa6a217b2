namespace FunctionalNet.Datasets

open System
open System.Globalization
open System.IO
open System.Net.Http
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks

/// Brings a file with a known SHA-256 into a folder: into a temporary file first, which is moved in place only when every
/// byte is right.
module internal Downloader =

    let private defaultClient =
        lazy
            (let client = new HttpClient()
             client.Timeout <- TimeSpan.FromMinutes 10L
             client)

    let private networkHint =
        "Check the network, or put the file into a folder by hand and name that folder."

    /// How far a transfer has come, for the message when it breaks off.
    [<Sealed; AllowNullLiteral>]
    type private Transfer() =
        member val Begun = false with get, set
        member val Got = 0L with get, set
        member val Length = Nullable<int64>() with get, set

    let private broken (address: Uri) (transfer: Transfer) (cause: exn) =
        if transfer.Begun then
            let expected =
                if transfer.Length.HasValue then
                    transfer.Length.Value.ToString CultureInfo.InvariantCulture + " bytes"
                else
                    "the whole file"

            DatasetException(
                DatasetFailure.DownloadTruncated,
                "The download of a data file broke off.",
                address.ToString(),
                expected,
                transfer.Got.ToString CultureInfo.InvariantCulture + " bytes",
                networkHint,
                cause
            )
        else
            DatasetException(
                DatasetFailure.DownloadFailed,
                "A data file could not be downloaded.",
                address.ToString(),
                "an answer",
                cause.Message,
                networkHint,
                cause
            )

    /// Whether the network is to blame, and not the one who cancelled.
    let private isTransferError (cancellation: CancellationToken) (e: exn) =
        match e with
        | :? HttpRequestException
        | :? IOException -> true
        | :? OperationCanceledException -> not cancellation.IsCancellationRequested
        | _ -> false

    /// Writes what the address answers to the file; the SHA-256 of it.
    let private copyAsync (address: Uri) (path: string) (client: HttpClient) (cancellation: CancellationToken) =
        backgroundTask {
            let transfer = Transfer()

            try
                use! response = client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation)

                if not response.IsSuccessStatusCode then
                    raise (
                        DatasetException(
                            DatasetFailure.DownloadFailed,
                            "A data file could not be downloaded.",
                            address.ToString(),
                            "HTTP status 200",
                            (int response.StatusCode).ToString CultureInfo.InvariantCulture,
                            networkHint
                        )
                    )

                transfer.Length <- response.Content.Headers.ContentLength
                transfer.Begun <- true
                use! source = response.Content.ReadAsStreamAsync cancellation
                use file = File.Create path
                use hash = IncrementalHash.CreateHash HashAlgorithmName.SHA256
                let buffer = Array.zeroCreate<byte>(1 <<< 16)
                let mutable ended = false

                while not ended do
                    let! read = source.ReadAsync(Memory buffer, cancellation)

                    if read = 0 then
                        ended <- true
                    else
                        transfer.Got <- transfer.Got + int64 read
                        hash.AppendData(buffer, 0, read)
                        do! file.WriteAsync(ReadOnlyMemory(buffer, 0, read), cancellation)

                return Convert.ToHexStringLower(hash.GetHashAndReset())
            with e when isTransferError cancellation e ->
                return raise (broken address transfer e)
        }

    let private fetchOneAsync
        (address: Uri)
        (sha256: string)
        (target: string)
        (client: HttpClient)
        (cancellation: CancellationToken)
        =
        backgroundTask {
            match Path.GetDirectoryName(Path.GetFullPath target) with
            | null -> ()
            | folder -> Directory.CreateDirectory folder |> ignore

            let temporary = target + "." + Guid.NewGuid().ToString("N") + ".part"

            try
                let! hash = copyAsync address temporary client cancellation

                if hash <> sha256 then
                    raise (
                        DatasetException(
                            DatasetFailure.HashMismatch,
                            "A downloaded data file is not the published one.",
                            address.ToString(),
                            "SHA-256 " + sha256,
                            hash,
                            "A proxy may have answered instead; download the file by hand and name its folder."
                        )
                    )

                File.Move(temporary, target, overwrite = true)
            finally
                File.Delete temporary
        }

    /// Tries the addresses in order; throws the first one's error when all fail.
    let fetchAsync
        (addresses: Uri[])
        (sha256: string)
        (target: string)
        (client: HttpClient | null)
        (cancellation: CancellationToken)
        : Task<unit> =
        backgroundTask {
            let client =
                match client with
                | null -> defaultClient.Value
                | given -> given

            let mutable first: DatasetException | null = null
            let mutable fetched = false
            let mutable next = 0

            while not fetched && next < addresses.Length do
                try
                    do! fetchOneAsync addresses[next] sha256 target client cancellation
                    fetched <- true
                with :? DatasetException as e ->
                    if isNull first then first <- e

                next <- next + 1

            match first with
            | null -> ()
            | error -> if not fetched then raise error
        }

    /// Whether the file is there with the right content.
    let hasAsync (path: string) (sha256: string) (cancellation: CancellationToken) : Task<bool> =
        backgroundTask {
            if File.Exists path then
                use file = File.OpenRead path
                let! hash = SHA256.HashDataAsync(file, cancellation)
                return Convert.ToHexStringLower hash = sha256
            else
                return false
        }
