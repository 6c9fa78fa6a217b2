namespace FunctionalNet.Datasets

open System.Runtime.InteropServices
open FunctionalNet

/// <summary>Why a data set could not be loaded.</summary>
type DatasetFailure =
    /// <summary>No place that was looked at has the files, and downloading was not allowed.</summary>
    | NotFound = 0
    /// <summary>The download did not begin or was refused: no network, no such host, an HTTP error.</summary>
    | DownloadFailed = 1
    /// <summary>The download ended before all bytes had come.</summary>
    | DownloadTruncated = 2
    /// <summary>The downloaded bytes are not the published ones.</summary>
    | HashMismatch = 3
    /// <summary>A file that was found is not what it should be: damaged, cut off, or of another format.</summary>
    | Corrupt = 4

/// <summary>A data set could not be loaded; <c>Failure</c> tells why. A failed download leaves no file behind.</summary>
/// <param name="failure">Why.</param>
/// <param name="summary">One sentence: what went wrong.</param>
/// <param name="path">The file or address.</param>
/// <param name="expected">What was expected; empty when it does not apply.</param>
/// <param name="actual">What came instead; empty when it does not apply.</param>
/// <param name="hint">What to do about it.</param>
/// <param name="inner">The cause, or null.</param>
[<Sealed>]
type DatasetException
    (
        failure: DatasetFailure,
        summary: string,
        path: string,
        expected: string,
        actual: string,
        hint: string,
        [<Optional; DefaultParameterValue(null: exn | null)>] inner: exn | null
    ) =
    inherit FunctionalNetException(summary, path, expected, actual, hint, inner)

    /// <summary>Why the data set could not be loaded.</summary>
    member _.Failure = failure
