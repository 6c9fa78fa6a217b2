using System.Globalization;
using System.Security.Cryptography;

namespace FunctionalNet.Datasets;

/// <summary>Brings a file with a known SHA-256 into a folder: into a temporary file first, which is moved in place only when
/// every byte is right.</summary>
internal static class Downloader
{
    private static readonly Lazy<HttpClient> DefaultClient = new(() => new HttpClient { Timeout = TimeSpan.FromMinutes(10) });

    /// <summary>Tries the addresses in order; throws the first one's error when all fail.</summary>
    public static async Task FetchAsync(
        IReadOnlyList<Uri> addresses, string sha256, string target, HttpClient? client, CancellationToken cancellation)
    {
        DatasetException? first = null;
        foreach (Uri address in addresses)
        {
            try
            {
                await FetchOneAsync(address, sha256, target, client ?? DefaultClient.Value, cancellation).ConfigureAwait(false);
                return;
            }
            catch (DatasetException e)
            {
                first ??= e;
            }
        }

        throw first!;
    }

    /// <summary>Whether the file is there with the right content.</summary>
    public static async Task<bool> HasAsync(string path, string sha256, CancellationToken cancellation)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using FileStream file = File.OpenRead(path);
        byte[] hash = await SHA256.HashDataAsync(file, cancellation).ConfigureAwait(false);
        return Convert.ToHexStringLower(hash) == sha256;
    }

    private static async Task FetchOneAsync(
        Uri address, string sha256, string target, HttpClient client, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
        string temporary = target + "." + Guid.NewGuid().ToString("N") + ".part";
        try
        {
            string hash = await CopyAsync(address, temporary, client, cancellation).ConfigureAwait(false);
            if (hash != sha256)
            {
                throw new DatasetException(
                    DatasetFailure.HashMismatch,
                    "A downloaded data file is not the published one.",
                    address.ToString(),
                    "SHA-256 " + sha256,
                    hash,
                    "A proxy may have answered instead; download the file by hand and name its folder.");
            }

            File.Move(temporary, target, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static async Task<string> CopyAsync(Uri address, string path, HttpClient client, CancellationToken cancellation)
    {
        const string hint = "Check the network, or put the file into a folder by hand and name that folder.";
        bool begun = false;
        long got = 0;
        long? length = null;
        try
        {
            using HttpResponseMessage response = await client
                .GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation)
                .ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                throw new DatasetException(
                    DatasetFailure.DownloadFailed,
                    "A data file could not be downloaded.",
                    address.ToString(),
                    "HTTP status 200",
                    ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture),
                    hint);
            }

            length = response.Content.Headers.ContentLength;
            begun = true;
            using Stream source = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            using FileStream file = File.Create(path);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[1 << 16];
            int read;
            while ((read = await source.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
            {
                got += read;
                hash.AppendData(buffer, 0, read);
                await file.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw begun
                ? new DatasetException(
                    DatasetFailure.DownloadTruncated,
                    "The download of a data file broke off.",
                    address.ToString(),
                    length is long n ? n.ToString(CultureInfo.InvariantCulture) + " bytes" : "the whole file",
                    got.ToString(CultureInfo.InvariantCulture) + " bytes",
                    hint,
                    e)
                : new DatasetException(
                    DatasetFailure.DownloadFailed,
                    "A data file could not be downloaded.",
                    address.ToString(),
                    "an answer",
                    e.Message,
                    hint,
                    e);
        }
    }
}
