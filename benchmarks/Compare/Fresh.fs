namespace FunctionalNet.Benchmarks.Compare

open System
open System.Diagnostics

/// How our program was made.
type internal Made =
    /// Compiled when it runs.
    | Built
    /// Published with code for the runtime's own format.
    | Precompiled
    /// Published with NativeAOT.
    | Native

/// What is measured from the start of a process on: each run is a process of its own, ours and the peer's in turn.
[<NoEquality; NoComparison>]
type internal FreshWorkload =
    {
        Id: string
        Quick: bool
        Rounds: int
        Arguments: string list
        Made: Made
        /// The figure: milliseconds to the end of the work, or the megabytes that the process prints.
        Megabytes: bool
    }

module internal Fresh =

    let all: FreshWorkload list =
        let startup =
            { Id = "startup"
              Quick = true
              Rounds = 7
              Arguments = [ "startup" ]
              Made = Built
              Megabytes = false }

        [ startup
          { startup with Id = "startup-r2r"; Made = Precompiled }
          { startup with Id = "startup-aot"; Made = Native }
          { Id = "memory"
            Quick = false
            Rounds = 1
            Arguments = [ "memory"; "60000" ]
            Made = Built
            Megabytes = true } ]

    /// Milliseconds until the process says that it is ready, and what it printed before.
    let private run (info: ProcessStartInfo) : struct (float * string) =
        info.RedirectStandardOutput <- true
        let start = Stopwatch.GetTimestamp()

        match Process.Start info with
        | null -> failwith $"cannot start {info.FileName}"
        | child ->
            use child = child
            let mutable last = ""
            let mutable time = nan
            let mutable reading = true

            while reading do
                match child.StandardOutput.ReadLine() with
                | null -> reading <- false
                | "ready" -> time <- Stopwatch.GetElapsedTime(start).TotalMilliseconds
                | line -> last <- line

            child.WaitForExit()
            if child.ExitCode <> 0 then
                failwith $"{info.FileName} ended with exit code {child.ExitCode}"
            struct (time, last)

    let private figure (workload: FreshWorkload) (info: ProcessStartInfo) : float =
        let struct (time, printed) = run info
        if workload.Megabytes then float printed / 1e6 else time

    /// Our program: how to start it, or why that cannot be.
    let private ours (workload: FreshWorkload) : Result<unit -> ProcessStartInfo, string> =
        let name = "FunctionalNet.Fresh"

        match workload.Made with
        | Native ->
            let file = if OperatingSystem.IsWindows() then name + ".exe" else name

            match BuiltFile.find "Fresh" file (fun folder -> folder = "publish") with
            | ValueSome path -> Ok(fun () -> ProcessStartInfo(path, workload.Arguments))
            | ValueNone -> Error "dotnet publish -c Release -p:Aot=true benchmarks/Fresh"
        | Precompiled ->
            match BuiltFile.find "Fresh" (name + ".dll") (fun folder -> folder = "precompiled") with
            | ValueSome path -> Ok(fun () -> ProcessStartInfo("dotnet", path :: workload.Arguments))
            | ValueNone -> Error "dotnet publish -c Release -p:Precompiled=true benchmarks/Fresh"
        | Built ->
            // With the library as its package brings it, else as it was built. Not what the others are made of: that is in a
            // folder named after the machine.
            let found =
                [ (fun (folder: string) -> folder = "packaged"); _.StartsWith("net") ]
                |> List.tryPick (BuiltFile.find "Fresh" (name + ".dll") >> ValueOption.toOption)

            match found with
            | Some path -> Ok(fun () -> ProcessStartInfo("dotnet", path :: workload.Arguments))
            | None -> Error "dotnet build -c Release -p:Precompile=true benchmarks/Fresh"

    /// The row, or what to type first.
    let measure (workload: FreshWorkload) (peer: bool) : Result<Row, string> =
        match ours workload with
        | Error missing -> Error missing
        | Ok start ->
            let peer = if peer then PeerProcess.Path else ValueNone

            let theirs () =
                match peer with
                | ValueSome path -> figure workload (PeerProcess.Info(path, workload.Arguments))
                | ValueNone -> nan

            // The first start of each reads the files from the disk.
            if workload.Rounds > 1 then
                figure workload (start ()) |> ignore
                theirs () |> ignore

            let pairs = List.init workload.Rounds (fun _ -> figure workload (start ()), theirs ())
            let median choose = pairs |> List.map choose |> Clock.median

            Ok
                { Workload = workload.Id
                  Threads = Environment.ProcessorCount
                  OursMs = median fst
                  Peer = (if peer.IsSome then "TorchSharp" else "")
                  PeerMs = median snd
                  Ratio = median (fun (own, their) -> their / own)
                  FloorMs = nan
                  FloorFraction = nan
                  BytesPerStep = nan
                  Gflop = nan
                  Megabytes = nan }
