namespace FunctionalNet.Kernels

open System
open System.Runtime.ExceptionServices
open System.Threading
open FunctionalNet

/// The flag and event of one thread of the pool.
[<Sealed>]
type private Seat() =
    [<DefaultValue>]
    val mutable Parked: int

    member val Event = new SemaphoreSlim(0)

/// The job that is running, and its threads. Chunks are claimed by compare-and-swap on one word that holds the job's
/// number (high half) and the count of chunks not yet claimed (low half): a thread that wakes late cannot claim a chunk
/// of a job it has not seen, because the number differs.
[<Sealed>]
type private Crew() =

    let mutable ticket = 0L
    let mutable pending = 0
    let mutable busy = 0
    let mutable kernel: Kernel = EmptyKernel.Instance
    let mutable phase = 0
    let mutable total = 0
    let mutable active = 0
    let mutable failure: exn | null = null
    let mutable seats: Seat[] = [||]

    // About 50 microseconds of spinning before a thread parks.
    static let spins = 1500

    member private _.Claim() =
        let mutable chunk = -1
        let mutable look = true

        while look do
            let t = Volatile.Read(&ticket)
            let left = int t

            if left = 0 then
                look <- false
            elif Interlocked.CompareExchange(&ticket, t - 1L, t) = t then
                chunk <- total - left
                look <- false

        chunk

    member private this.Work() =
        let mutable chunk = this.Claim()

        while chunk >= 0 do
            try
                if isNull (Volatile.Read(&failure)) then kernel.Run(phase, chunk)
            with e ->
                Interlocked.CompareExchange(&failure, e, null) |> ignore

            Interlocked.Decrement(&pending) |> ignore
            chunk <- this.Claim()

    member private this.Serve(index: int, seat: Seat) =
        // Touched here so that no chunk pays for it.
        Scratch.Pointer |> ignore
        let mutable idle = 0

        while true do
            if index < Volatile.Read(&active) && int (Volatile.Read(&ticket)) <> 0 then
                this.Work()
                idle <- 0
            elif idle < spins then
                idle <- idle + 1
                Thread.SpinWait 4
            else
                idle <- 0
                Interlocked.Exchange(&seat.Parked, 1) |> ignore
                let wanted = index < Volatile.Read(&active) && int (Volatile.Read(&ticket)) <> 0

                // If the flag is already down, a release is on its way and must be consumed.
                if not (wanted && Interlocked.CompareExchange(&seat.Parked, 0, 1) = 1) then
                    seat.Event.Wait()

    /// Makes sure that `count` helpers exist and that exactly those take part.
    member this.Resize(count: int) =
        lock this (fun () ->
            let have = seats

            if have.Length < count then
                let next = Array.init count (fun i -> if i < have.Length then have[i] else Seat())
                seats <- next

                for i in have.Length .. count - 1 do
                    let seat = next[i]
                    let thread = Thread((fun () -> this.Serve(i, seat)), 1 <<< 20)
                    thread.IsBackground <- true
                    thread.Name <- "FunctionalNet worker"
                    thread.Start()

            Volatile.Write(&active, count))

    member private this.RunPhase(job: Kernel, p: int, chunks: int) =
        kernel <- job
        phase <- p
        total <- chunks
        pending <- chunks
        let number = (Volatile.Read(&ticket) >>> 32) + 1L
        Interlocked.Exchange(&ticket, (number <<< 32) ||| int64 chunks) |> ignore
        let present = seats
        let helpers = min (min active present.Length) (chunks - 1)

        for i in 0 .. helpers - 1 do
            let seat = present[i]

            if Volatile.Read(&seat.Parked) = 1 && Interlocked.Exchange(&seat.Parked, 0) = 1 then
                seat.Event.Release() |> ignore

        this.Work()
        let mutable waits = 0

        while Volatile.Read(&pending) > 0 do
            waits <- waits + 1

            if waits < 4000 then Thread.SpinWait 2 else Thread.Yield() |> ignore

    member this.Run(job: Kernel) =
        let phases = job.Phases

        if active = 0 || (phases = 1 && job.Chunks 0 <= 1) || Interlocked.CompareExchange(&busy, 1, 0) <> 0 then
            Crew.RunInline job
        else
            let mutable p = 0

            try
                while p < phases do
                    let chunks = job.Chunks p

                    if chunks = 1 then job.Run(p, 0)
                    elif chunks > 1 then this.RunPhase(job, p, chunks)

                    p <- if isNull failure then p + 1 else phases
            finally
                let e = failure
                failure <- null
                kernel <- EmptyKernel.Instance
                Volatile.Write(&busy, 0)

                match e with
                | null -> ()
                | e -> ExceptionDispatchInfo.Capture(e).Throw()

    static member RunInline(job: Kernel) =
        for p in 0 .. job.Phases - 1 do
            for c in 0 .. job.Chunks p - 1 do
                job.Run(p, c)

/// The threads that share the chunks of a kernel: the caller and a pool of background threads that spin for some tens
/// of microseconds between kernels and then sleep. Who runs a chunk never changes the result.
[<AbstractClass; Sealed>]
type internal Workers private () =

    static let crew = Crew()

    static let initial =
        match Int32.TryParse(Environment.GetEnvironmentVariable "FUNCTIONALNET_THREADS") with
        | true, n when n >= 1 && n <= 1024 -> n
        | _ -> Environment.ProcessorCount

    static let mutable threads =
        crew.Resize(initial - 1)
        initial

    /// Number of threads that take part, the caller included. Default: the environment variable FUNCTIONALNET_THREADS,
    /// else the number of processors.
    static member Threads
        with get () = threads
        and set (count: int) =
            if count < 1 || count > 1024 then
                raise (
                    ArgumentValueException(
                        "The number of threads is out of range.",
                        "Threads",
                        "1 to 1024",
                        count.ToString(Globalization.CultureInfo.InvariantCulture),
                        "Use 1 for no helpers."
                    )
                )

            crew.Resize(count - 1)
            threads <- count

    /// Runs all chunks of all phases. A call from inside a chunk, or while another thread is in here, runs them on the
    /// calling thread alone. An exception of a chunk is rethrown here, and later phases are not run.
    static member Run(kernel: Kernel) = crew.Run kernel
