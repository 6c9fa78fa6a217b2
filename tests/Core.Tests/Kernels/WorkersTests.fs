namespace FunctionalNet.Tests.Kernels

open System
open System.Threading
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open Xunit

/// Counts how often each chunk ran, and whether a later phase ran before an earlier one was done.
type private Counting(counts: int[]) =
    inherit Kernel()
    let runs = counts |> Array.map (fun n -> Array.zeroCreate<int> n)
    let mutable disorder = 0
    member _.Runs = runs
    member _.Disorder = disorder
    override _.Phases = counts.Length
    override _.Chunks(p) = counts[p]

    override _.Run(p, c) =
        if p > 0 && Array.contains 0 runs[p - 1] then
            Interlocked.Increment(&disorder) |> ignore

        Interlocked.Increment(&runs[p].[c]) |> ignore

type private Failing(at: int) =
    inherit Kernel()
    override _.Phases = 2
    override _.Chunks(_) = 20
    override _.Run(p, c) = if p = 0 && c = at then raise (InvalidOperationException "chunk failed")

type private Nesting(inner: Kernel) =
    inherit Kernel()
    override _.Chunks(_) = 5
    override _.Run(_, _) = Workers.Run inner

[<Collection("Workers")>]
type WorkersTests() =

    static let fill (buffer: FunctionalNet.Kernels.Buffer) (value: byte) =
        Span<byte>(buffer.Pointer.ToPointer(), int buffer.Bytes).Fill value

    static let holds (buffer: FunctionalNet.Kernels.Buffer) (value: byte) =
        not (ReadOnlySpan<byte>(buffer.Pointer.ToPointer(), int buffer.Bytes).ContainsAnyExcept value)

    let withThreads (n: int) (f: unit -> unit) =
        let before = Workers.Threads

        try
            Workers.Threads <- n
            f ()
        finally
            Workers.Threads <- before

    [<Theory>]
    [<InlineData(1)>]
    [<InlineData(2)>]
    [<InlineData(3)>]
    [<InlineData(7)>]
    member _.``every chunk of every phase runs once, phases in order``(threads: int) =
        withThreads threads (fun () ->
            for round in 1..300 do
                let k = Counting [| 1 + round % 17; 3; 0; 1; 40 |]
                Workers.Run k
                Assert.Equal(0, k.Disorder)

                for phase in k.Runs do
                    for n in phase do
                        Assert.Equal(1, n))

    [<Fact>]
    member _.``an exception of a chunk reaches the caller and the pool goes on working``() =
        withThreads 3 (fun () ->
            for at in [ 0; 7; 19 ] do
                let e = Assert.Throws<InvalidOperationException>(fun () -> Workers.Run(Failing at))
                Assert.Equal("chunk failed", e.Message)
                let k = Counting [| 30 |]
                Workers.Run k
                Assert.All(k.Runs[0], fun n -> Assert.Equal(1, n)))

    [<Fact>]
    member _.``a kernel that runs a kernel inside its chunks comes to an end``() =
        withThreads 3 (fun () ->
            let inner = Counting [| 9; 2 |]
            Workers.Run(Nesting inner)
            Assert.All(inner.Runs[0], fun n -> Assert.Equal(5, n)))

    [<Fact>]
    member _.``several callers at once all come to an end``() =
        withThreads 2 (fun () ->
            let work () =
                for _ in 1..200 do
                    let k = Counting [| 25; 4 |]
                    Workers.Run k
                    Assert.All(k.Runs[0], fun n -> Assert.Equal(1, n))

            let failures = ResizeArray<exn>()

            let threads =
                [ for _ in 1..4 ->
                      Thread(fun () ->
                          try
                              work ()
                          with e ->
                              lock failures (fun () -> failures.Add e)) ]

            for t in threads do
                t.Start()

            for t in threads do
                t.Join()

            Assert.Empty failures)

    [<Fact>]
    member _.``parked threads wake up``() =
        withThreads 3 (fun () ->
            for _ in 1..5 do
                Thread.Sleep 20
                let k = Counting [| 50 |]
                Workers.Run k
                Assert.All(k.Runs[0], fun n -> Assert.Equal(1, n)))

    [<Fact>]
    member _.``running allocates nothing``() = withThreads 3 (fun () -> allocatesNothing (Counting [| 40; 1; 40 |]))

    [<Fact>]
    member _.``thread counts out of range are refused``() =
        Assert.Throws<FunctionalNet.ArgumentValueException>(fun () -> Workers.Threads <- 0) |> ignore

    [<Fact>]
    member _.``buffers are aligned and hold what they were asked for``() =
        for bytes in [ 0L; 1L; 63L; 64L; 1000L ] do
            let b = Buffer bytes
            Assert.Equal(0L, int64 b.Pointer % 64L)
            Assert.Equal(bytes, b.Bytes)
            b.Zero()

    [<Fact>]
    member _.``buffers made together are zeros, aligned, and apart``() =
        let sizes = [| 1L; 0L; 3_000_000L; 64L; 70_000_000L; 100L; 5L |]
        let buffers = FunctionalNet.Kernels.Buffer.Zeros sizes
        Assert.Equal<int64[]>(sizes, buffers |> Array.map (fun b -> b.Bytes))

        for b in buffers do
            Assert.Equal(0n, b.Pointer % 64n)
            Assert.True(holds b 0uy)

        buffers |> Array.iteri (fun i b -> fill b (byte (i + 1)))
        buffers |> Array.iteri (fun i b -> Assert.True(holds b (byte (i + 1))))

    [<Fact>]
    member _.``memory that helpers touch keeps what is in it, and work goes on``() =
        withThreads 3 (fun () ->
            let buffers = FunctionalNet.Kernels.Buffer.Zeros [| 9_000_000L; 10L; 5_000_000L |]

            for round in 1..50 do
                Workers.TouchMeanwhile buffers
                buffers |> Array.iter (fun b -> fill b (byte round))
                let job = Counting [| 7; 3 |]
                Workers.Run job
                Assert.All(Array.concat job.Runs, (fun n -> Assert.Equal(1, n)))
                Assert.Equal(0, job.Disorder)
                buffers |> Array.iter (fun b -> Assert.True(holds b (byte round))))
