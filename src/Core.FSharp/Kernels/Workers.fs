namespace FunctionalNet.Kernels

open System
open System.Runtime.ExceptionServices
open System.Runtime.InteropServices
open System.Threading
open FunctionalNet

/// Memory that will be written soon: who touches a page first waits for the system to make it, a tenth of a millisecond for a
/// large one.
[<Sealed>]
type private Touching(buffers: FunctionalNet.Kernels.Buffer[]) =

    let mutable next = 0
    let mutable offset = 0L

    /// Touches a part without changing it; false if all is done.
    member _.Go() : bool =
        if next < buffers.Length then
            let buffer = buffers[next]
            let past = min buffer.Bytes (offset + (1L <<< 21))
            Mem.touch (buffer.Pointer + nativeint offset) (past - offset)
            GC.KeepAlive buffer
            offset <- past

            if past = buffer.Bytes then
                next <- next + 1
                offset <- 0L

        next < buffers.Length

/// What one thread of a job owns, in lines of the cache of its own: the chunks that it has not begun, from `next` (low
/// half) up to `past` (high half); whether the thread sleeps, and what wakes it; what it may do while it has nothing to do.
[<Sealed; AllowNullLiteral; StructLayout(LayoutKind.Explicit, Size = 256)>]
type private Seat =
    [<FieldOffset(64)>]
    val mutable Range: int64

    [<FieldOffset(128)>]
    val mutable Parked: int

    [<FieldOffset(192)>]
    val Event: SemaphoreSlim

    [<FieldOffset(200)>]
    val mutable Aside: Touching | null

    new() = { Range = 0L; Parked = 0; Event = new SemaphoreSlim(0); Aside = null }

    /// Whether chunks are left.
    member this.HasWork =
        let r = Volatile.Read(&this.Range)
        int r < int (r >>> 32)

    /// Whether the thread should be awake.
    member this.HasReason = this.HasWork || not (isNull (Volatile.Read(&this.Aside)))

    member this.Wake() =
        if Volatile.Read(&this.Parked) = 1 && Interlocked.Exchange(&this.Parked, 0) = 1 then
            this.Event.Release() |> ignore

    member this.Give(next: int, past: int) = Volatile.Write(&this.Range, (int64 past <<< 32) ||| int64 next)

    /// The first chunk left, or -1.
    member this.TakeFirst() : int =
        let mutable chunk = -1
        let mutable look = true

        while look do
            let r = Volatile.Read(&this.Range)
            let next = int r

            if next >= int (r >>> 32) then
                look <- false
            elif Interlocked.CompareExchange(&this.Range, r + 1L, r) = r then
                chunk <- next
                look <- false

        chunk

    /// The last chunk left, or -1.
    member this.TakeLast() : int =
        let mutable chunk = -1
        let mutable look = true

        while look do
            let r = Volatile.Read(&this.Range)
            let past = int (r >>> 32)

            if int r >= past then
                look <- false
            elif Interlocked.CompareExchange(&this.Range, r - (1L <<< 32), r) = r then
                chunk <- past - 1
                look <- false

        chunk

/// The job that is running, and its threads. Each thread gets neighbouring chunks, the same share in every job, so that
/// it finds in its cache what it has written in the job before; who has none left takes the last ones of others. A chunk is
/// taken by compare-and-swap, and what the job is stands before its chunks are given out: a thread that comes late takes
/// a chunk of the present job or none.
[<Sealed>]
type private Crew() =

    let mutable pending = 0
    let mutable busy = 0
    let mutable kernel: Kernel = EmptyKernel.Instance
    let mutable phase = 0
    let mutable active = 0
    let mutable failure: exn | null = null
    // The first is the caller's.
    let mutable seats: Seat[] = [| Seat() |]

    // About 200 microseconds of spinning before a thread parks.
    static let spins = 4500

    member private _.Claim(all: Seat[], index: int) : int =
        let mutable chunk = all[index].TakeFirst()
        let mutable other = 1

        while chunk < 0 && other < all.Length do
            chunk <- all[(index + other) % all.Length].TakeLast()
            other <- other + 1

        chunk

    member private this.Work(all: Seat[], index: int) =
        let mutable chunk = this.Claim(all, index)

        while chunk >= 0 do
            try
                if isNull (Volatile.Read(&failure)) then kernel.Run(phase, chunk)
            with e ->
                Interlocked.CompareExchange(&failure, e, null) |> ignore

            Interlocked.Decrement(&pending) |> ignore
            chunk <- this.Claim(all, index)

    member private this.Serve(index: int, seat: Seat) =
        // Touched here so that no chunk pays for it.
        Scratch.Pointer |> ignore
        let mutable idle = 0

        while true do
            let aside = Volatile.Read(&seat.Aside)

            if index <= Volatile.Read(&active) && seat.HasWork then
                if not (isNull aside) then
                    Interlocked.CompareExchange(&seat.Aside, null, aside) |> ignore

                this.Work(Volatile.Read(&seats), index)
                idle <- 0
            else
                match aside with
                | null ->
                    if idle < spins then
                        idle <- idle + 1
                        Thread.SpinWait 1
                    else
                        idle <- 0
                        Interlocked.Exchange(&seat.Parked, 1) |> ignore
                        let wanted = index <= Volatile.Read(&active) && seat.HasReason

                        // If the flag is already down, a release is on its way and must be consumed.
                        if not (wanted && Interlocked.CompareExchange(&seat.Parked, 0, 1) = 1) then
                            seat.Event.Wait()
                | aside ->
                    if not (aside.Go()) then
                        Interlocked.CompareExchange(&seat.Aside, null, aside) |> ignore

    /// Makes sure that `count` helpers exist and that exactly those take part.
    member this.Resize(count: int) =
        lock this (fun () ->
            let have = seats

            if have.Length < count + 1 then
                let next = Array.init (count + 1) (fun i -> if i < have.Length then have[i] else Seat())
                Volatile.Write(&seats, next)

                for i in have.Length .. count do
                    let seat = next[i]
                    let thread = Thread((fun () -> this.Serve(i, seat)), 1 <<< 20)
                    thread.IsBackground <- true
                    thread.Name <- "FunctionalNet worker"
                    thread.Start()

            Volatile.Write(&active, count))

    member private this.RunPhase(job: Kernel, p: int, chunks: int) =
        kernel <- job
        phase <- p
        pending <- chunks
        let present = Volatile.Read(&seats)
        let threads = 1 + min (min active (present.Length - 1)) (chunks - 1)

        for i in 0 .. threads - 1 do
            present[i]
                .Give(int (int64 chunks * int64 i / int64 threads), int (int64 chunks * int64 (i + 1) / int64 threads))

        Interlocked.MemoryBarrier()

        for i in 1 .. threads - 1 do
            present[i].Wake()

        this.Work(present, 0)
        let mutable waits = 0

        while Volatile.Read(&pending) > 0 do
            waits <- waits + 1

            if waits < 8000 then Thread.SpinWait 1 else Thread.Yield() |> ignore

    /// Gives the first helper, if there is one, something to do until there is work.
    member _.Meanwhile(aside: Touching) =
        let present = Volatile.Read(&seats)

        if active > 0 && present.Length > 1 then
            Volatile.Write(&present[1].Aside, aside)
            Interlocked.MemoryBarrier()
            present[1].Wake()

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

/// The threads that share the chunks of a kernel: the caller and a pool of background threads that spin for about
/// 200 microseconds between kernels and then sleep. Who runs a chunk never changes the result.
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

    /// Lets a helper that has no work touch memory that will be written soon.
    static member TouchMeanwhile(buffers: FunctionalNet.Kernels.Buffer[]) : unit = crew.Meanwhile(Touching buffers)

    /// Runs all chunks of all phases. A call from inside a chunk, or while another thread is in here, runs them on the
    /// calling thread alone. An exception of a chunk is rethrown here, and later phases are not run.
    static member Run(kernel: Kernel) = crew.Run kernel
