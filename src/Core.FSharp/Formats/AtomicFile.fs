namespace FunctionalNet.Formats

open System
open System.IO
open FunctionalNet

/// Files that appear complete or not at all.
module internal AtomicFile =

    /// Writes a file through a temporary one beside it. If anything fails the old file stays as it was.
    let write (path: string) (fill: Stream -> unit) : unit =
        if String.IsNullOrWhiteSpace path then
            raise (
                ArgumentValueException(
                    "There is no path to save to.",
                    "path",
                    "the path of a file",
                    "an empty text",
                    "Give a name such as model.fnet."
                )
            )

        let target = Path.GetFullPath path
        match Path.GetDirectoryName target with
        | null -> ()
        | folder when Directory.Exists folder -> ()
        | folder ->
            raise (
                ArgumentValueException(
                    "The folder to save to does not exist.",
                    path,
                    "a folder that is there",
                    folder,
                    "Create it first, or check the path; a relative one starts at " + Environment.CurrentDirectory + "."
                )
            )

        let temporary = target + "." + Guid.NewGuid().ToString("N").Substring(0, 8) + ".tmp"

        try
            let stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 65536)

            try
                fill stream
                // Down to the disk before the move, or a power cut could leave an empty file under the final name.
                stream.Flush true
            finally
                stream.Dispose()

            File.Move(temporary, target, true)
        with _ ->
            try
                File.Delete temporary
            with
            | :? IOException
            | :? UnauthorizedAccessException -> ()

            reraise ()

    /// Opens a file for reading from its beginning to its end.
    let openRead (path: string) : FileStream =
        if not (File.Exists path) then
            raise (
                ModelFormatException(
                    "The file does not exist.",
                    path,
                    "a file",
                    (if Directory.Exists path then "a folder" else "nothing under that name"),
                    "Check the path; a relative one starts at " + Environment.CurrentDirectory + "."
                )
            )

        new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 65536, FileOptions.SequentialScan)
