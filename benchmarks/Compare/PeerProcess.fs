namespace FunctionalNet.Benchmarks.Compare

open System
open System.Diagnostics
open System.IO
open System.Text.Json.Nodes

/// The program with the peers: a child that answers each line of JSON with one.
[<Sealed>]
type internal PeerProcess private (child: Process) =

    /// Looks for the built peers beside the sources; ValueNone if they have not been built.
    static member TryStart() : PeerProcess voption =
        let name = "FunctionalNet.Peers.dll"

        let rec search (folder: DirectoryInfo | null) =
            match folder with
            | null -> ValueNone
            | folder ->
                let built = Path.Combine(folder.FullName, "benchmarks", "Peers", "bin", "Release")

                if Directory.Exists built then
                    Directory.GetFiles(built, name, SearchOption.AllDirectories)
                    |> Array.filter (fun path -> not (path.Contains(Path.DirectorySeparatorChar.ToString() + "ref")))
                    |> Array.sortByDescending File.GetLastWriteTimeUtc
                    |> Array.tryHead
                    |> function
                        | Some path -> ValueSome path
                        | None -> search folder.Parent
                else
                    search folder.Parent

        match search (DirectoryInfo AppContext.BaseDirectory) with
        | ValueNone -> ValueNone
        | ValueSome path ->
            let info = ProcessStartInfo("dotnet", [| path |])
            info.RedirectStandardInput <- true
            info.RedirectStandardOutput <- true
            info.UseShellExecute <- false

            // On systems whose C++ library is older than the peer's, a small library beside it gives what is missing.
            let shim =
                Path.Combine(
                    (match Path.GetDirectoryName path with
                     | null -> ""
                     | folder -> folder),
                    "libstdcxx_shim.so"
                )

            if File.Exists shim then info.Environment["LD_PRELOAD"] <- shim

            match Process.Start info with
            | null -> ValueNone
            | child -> ValueSome(new PeerProcess(child))

    /// Sends a request and waits for its answer.
    member _.Ask(request: JsonObject) : JsonObject =
        child.StandardInput.WriteLine(request.ToJsonString())
        child.StandardInput.Flush()

        match child.StandardOutput.ReadLine() with
        | null ->
            failwith
                $"the peer process ended with exit code {(child.WaitForExit()
                                                          child.ExitCode)}"
        | line ->
            let answer =
                match JsonNode.Parse line with
                | null -> failwith "the peer gave no answer"
                | node -> node.AsObject()

            match answer["error"] with
            | null -> answer
            | error -> failwith $"the peer failed: {error}"

    /// A request of texts and numbers.
    static member Request(command: string, fields: (string * JsonNode) list) : JsonObject =
        let request = JsonObject()
        request["command"] <- JsonValue.Create command

        for name, value in fields do
            request[name] <- value

        request

    static member Numbers(node: JsonNode | null) : float[] =
        match node with
        | null -> [||]
        | node -> [| for item in node.AsArray() -> (nonNull item).GetValue<float>() |]

    static member Texts(node: JsonNode | null) : string[] =
        match node with
        | null -> [||]
        | node -> [| for item in node.AsArray() -> (nonNull item).GetValue<string>() |]

    interface IDisposable with
        member _.Dispose() =
            try
                child.StandardInput.Close()

                if not (child.WaitForExit 5000) then child.Kill()
            with _ ->
                ()

            child.Dispose()
