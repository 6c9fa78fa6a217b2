namespace FunctionalNet.Benchmarks.Compare

open System
open System.Diagnostics

module internal Clock =

    let median (values: float seq) : float =
        let sorted = values |> Seq.sort |> Seq.toArray
        let n = sorted.Length

        if n = 0 then nan
        elif n % 2 = 1 then sorted[n / 2]
        else 0.5 * (sorted[n / 2 - 1] + sorted[n / 2])

    let private milliseconds (since: int64) = Stopwatch.GetElapsedTime(since).TotalMilliseconds

    /// Runs until so many milliseconds have passed, at least three times.
    let warm (ms: float) (run: unit -> unit) : unit =
        let start = Stopwatch.GetTimestamp()
        let mutable calls = 0

        while calls < 3 || milliseconds start < ms do
            run ()
            calls <- calls + 1

    /// Milliseconds per call, several times, for so many milliseconds in all. Calls shorter than 50 microseconds are
    /// measured in groups, so that reading the clock does not count.
    let sample (ms: float) (run: unit -> unit) : float[] =
        // The first call finds the caches as the other side has left them.
        run ()
        let begun = Stopwatch.GetTimestamp()
        run ()
        let group = max 1 (int (ceil (0.05 / max 1e-5 (milliseconds begun))))
        let samples = ResizeArray<float>()
        let start = Stopwatch.GetTimestamp()

        while samples.Count < 2 || milliseconds start < ms do
            let t = Stopwatch.GetTimestamp()

            for _ in 1..group do
                run ()

            samples.Add(milliseconds t / float group)

        samples.ToArray()

    /// Bytes allocated per call, by all threads together: the least of three counts, as the runtime has threads of its own.
    let allocated (calls: int) (run: unit -> unit) : float =
        let count () =
            let before = GC.GetTotalAllocatedBytes true

            for _ in 1..calls do
                run ()

            float (GC.GetTotalAllocatedBytes true - before) / float calls

        List.init 3 (fun _ -> count ()) |> List.min
