namespace FunctionalNet.Benchmarks.Compare

open System
open System.Diagnostics
open System.IO
open System.Text.Json.Nodes

module internal BuiltFile =

    /// The newest file of that name that was built in a folder of benchmarks, in a folder of an acceptable name.
    let find (project: string) (name: string) (accepts: string -> bool) : string voption =
        let folderOf (path: string) =
            match Path.GetFileName(Path.GetDirectoryName path) with
            | null -> ""
            | folder -> folder

        let rec search (folder: DirectoryInfo | null) =
            match folder with
            | null -> ValueNone
            | folder ->
                let built = Path.Combine(folder.FullName, "benchmarks", project, "bin", "Release")

                if Directory.Exists built then
                    Directory.GetFiles(built, name, SearchOption.AllDirectories)
                    |> Array.filter (folderOf >> accepts)
                    |> Array.sortByDescending File.GetLastWriteTimeUtc
                    |> Array.tryHead
                    |> function
                        | Some path -> ValueSome path
                        | None -> search folder.Parent
                else
                    search folder.Parent

        search (DirectoryInfo AppContext.BaseDirectory)

/// The program with the peers: a child that answers each line of JSON with one.
[<Sealed>]
type internal PeerProcess private (child: Process) =

    /// The built peers beside the sources; ValueNone if they have not been built.
    static member val Path: string voption =
        BuiltFile.find "Peers" "FunctionalNet.Peers.dll" (fun folder -> folder <> "ref")

    /// The program of the peers with arguments.
    static member Info(path: string, arguments: string list) : ProcessStartInfo =
        let info = ProcessStartInfo("dotnet", path :: arguments)

        // On systems whose C++ library is older than the peer's, a small library beside it gives what is missing.
        match Path.GetDirectoryName path with
        | null -> ()
        | folder ->
            let shim = Path.Combine(folder, "libstdcxx_shim.so")
            if File.Exists shim then info.Environment["LD_PRELOAD"] <- shim

        info

    static member TryStart() : PeerProcess voption =
        match PeerProcess.Path with
        | ValueNone -> ValueNone
        | ValueSome path ->
            let info = PeerProcess.Info(path, [])
            info.RedirectStandardInput <- true
            info.RedirectStandardOutput <- true

            match Process.Start info with
            | null -> ValueNone
            | child -> ValueSome(new PeerProcess(child))

    /// The number of the process.
    member _.Id: int = child.Id

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
