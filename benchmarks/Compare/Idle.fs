namespace FunctionalNet.Benchmarks.Compare

open System.Diagnostics
open System.IO
open System.Threading

/// Threads that wait for work by spinning, as those of OpenBLAS and OpenMP do for some tens of milliseconds after a call,
/// keep a core from whoever is measured next. So each side waits until the threads of the other one sleep.
module internal Idle =

    /// Whether any thread of a process runs, as far as the system tells. `except` is not looked at.
    let private isRunning (folder: string) (except: string) : bool =
        try
            Directory.GetDirectories folder
            |> Array.exists (fun task ->
                Path.GetFileName task <> except
                && (let stat = File.ReadAllText(Path.Combine(task, "stat"))
                    // The state follows the name, which ends with the last parenthesis.
                    stat[stat.LastIndexOf ')' + 2] = 'R'))
        with
        | :? IOException
        | :? System.UnauthorizedAccessException -> false

    /// Returns when all threads of a process have been seen asleep several times in a row, or after a quarter of a second.
    /// Elsewhere than on Linux it only waits as long as threads are known to spin.
    let private until (running: unit -> bool) (hasStates: bool) =
        if not hasStates then
            Thread.Sleep 40
        else
            let start = Stopwatch.GetTimestamp()
            let mutable asleep = 0

            while asleep < 3 && Stopwatch.GetElapsedTime(start).TotalMilliseconds < 250.0 do
                Thread.Sleep 1
                asleep <- if running () then 0 else asleep + 1

    let private hasStates = Directory.Exists "/proc/self/task"

    /// Waits for the threads of another process.
    let other (processId: int) : unit = until (fun () -> isRunning $"/proc/{processId}/task" "") hasStates

    /// Waits for the other threads of this process.
    let own () : unit =
        // The name of the directory of the thread that looks.
        let self () =
            match Directory.ResolveLinkTarget("/proc/thread-self", false) with
            | null -> ""
            | link -> link.Name

        until (fun () -> isRunning "/proc/self/task" (self ())) hasStates
