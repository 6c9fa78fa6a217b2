/// Memory with canaries, and the ways every kernel is run in these tests.
module internal FunctionalNet.Tests.Kernels.KernelSupport

open System
open System.Runtime.InteropServices
open FunctionalNet
open FunctionalNet.Kernels
open Xunit

let private canary = 0xA5uy

/// Kernels know addresses only, so something must hold the buffers while they run: the last ones of each thread.
type private Held() =
    [<ThreadStatic; DefaultValue>]
    static val mutable private ring: obj[] | null

    [<ThreadStatic; DefaultValue>]
    static val mutable private next: int

    static member Add(o: obj) =
        let ring =
            match Held.ring with
            | null ->
                let fresh = Array.zeroCreate 32
                Held.ring <- fresh
                fresh
            | r -> r

        ring[Held.next % 32] <- o
        Held.next <- Held.next + 1

/// Memory of a number of bytes whose start is `shift` bytes past a 64-byte boundary, between two canaries.
type Guarded(bytes: int, shift: int) =
    let margin = 256
    let buffer = Buffer(int64 (bytes + shift + 2 * margin))
    let all () = Span<byte>(buffer.Pointer.ToPointer(), int buffer.Bytes)
    do all().Fill canary
    do Held.Add buffer

    member _.Pointer: nativeint = buffer.Pointer + nativeint (margin + shift)
    member _.Bytes = bytes

    /// Fails if a byte around the memory has changed.
    member _.Check() =
        let s = all ()
        Assert.False(s.Slice(0, margin + shift).ContainsAnyExcept canary, "wrote before the buffer")
        Assert.False(s.Slice(margin + shift + bytes).ContainsAnyExcept canary, "wrote past the buffer")

    member this.Write<'T when 'T: struct and 'T: unmanaged>(values: 'T[]) =
        ReadOnlySpan<'T>(values).CopyTo(Span<'T>(this.Pointer.ToPointer(), values.Length))
        this

    member this.Read<'T when 'T: struct and 'T: unmanaged>() : 'T[] =
        Span<'T>(this.Pointer.ToPointer(), bytes / sizeof<'T>).ToArray()

    /// The bytes as they are now.
    member this.Image() = this.Read<byte>()

    member _.Poison() = all().Slice(margin + shift, bytes).Fill 0xFFuy
    member _.Restore(image: byte[]) = ReadOnlySpan<byte>(image).CopyTo(all().Slice(margin + shift, bytes))

let guarded<'T when 'T: struct and 'T: unmanaged> (values: 'T[]) =
    Guarded(values.Length * sizeof<'T>, sizeof<'T>).Write values

let empty<'T when 'T: unmanaged> (count: int) = Guarded(count * sizeof<'T>, sizeof<'T>)

/// Workspace: aligned as the planner aligns it, filled with ones bits (NaN) so that stale content shows.
let workspace (bytes: int64) =
    let g = Guarded(int bytes, 0)
    g.Poison()
    g

/// Runs a kernel on the calling thread only, chunks in reverse order: order must not matter, and neither must what the
/// thread's scratch block holds before.
let runBackwards (kernel: Kernel) =
    Span<byte>(Scratch.Pointer.ToPointer(), Scratch.Size + Scratch.TileSize).Fill 0xFFuy

    for p in 0 .. kernel.Phases - 1 do
        for c in kernel.Chunks p - 1 .. -1 .. 0 do
            kernel.Run(p, c)

let private threadsLock = obj ()

/// Runs a kernel with 1, 2 and 3 threads and backwards: the targets hold the same bits each time, nothing around any of
/// the buffers changes.
let run (kernel: Kernel) (targets: Guarded list) (others: Guarded list) =
    lock threadsLock (fun () ->
        let before = Workers.Threads

        try
            let start = targets |> List.map (fun t -> t.Image())

            let images =
                [ for threads in [ 1; 2; 3; 0 ] do
                      List.iter2 (fun (t: Guarded) (s: byte[]) -> t.Restore s) targets start

                      if threads = 0 then
                          runBackwards kernel
                      else
                          Workers.Threads <- threads
                          Workers.Run kernel

                      targets |> List.map (fun t -> t.Image()) ]

            for image in List.tail images do
                List.iter2
                    (fun (a: byte[]) (b: byte[]) -> Assert.True(a.AsSpan().SequenceEqual b, "bits depend on threads"))
                    (List.head images)
                    image

            for g in targets @ others do
                g.Check()
        finally
            Workers.Threads <- before)

/// Runs a kernel once on this thread.
let runOnce (kernel: Kernel) =
    for p in 0 .. kernel.Phases - 1 do
        for c in 0 .. kernel.Chunks p - 1 do
            kernel.Run(p, c)

/// Fails if repeated runs allocate. A garbage collection that another thread starts meanwhile moves the count of this
/// thread by what its allocation block had left, so one clean measurement out of a few is enough.
let allocatesNothing (kernel: Kernel) =
    for _ in 1..3 do
        Workers.Run kernel

    let measure () =
        let before = GC.GetAllocatedBytesForCurrentThread()

        for _ in 1..10 do
            Workers.Run kernel

        GC.GetAllocatedBytesForCurrentThread() - before

    let best = Seq.init 5 (fun _ -> measure ()) |> Seq.min
    Assert.True((best = 0L), "allocated " + string best)

/// Kernels are tested with vectors of every width, whatever the machine would choose.
let widths = [ Width.W128; Width.W256; Width.W512 ]

let floats (seed: int) (n: int) =
    let r = Random seed
    Array.init n (fun _ -> r.NextDouble() * 4.0 - 2.0)

/// Numbers of a floating type in memory, one byte-size past alignment.
let write (dtype: DType) (values: float[]) =
    match dtype with
    | DType.Float32 -> guarded (Array.map float32 values)
    | DType.Float64 -> guarded values
    | DType.Int32 -> guarded (Array.map int values)
    | DType.Int64 -> guarded (Array.map int64 values)
    | _ -> guarded (values |> Array.map (fun v -> if v <> 0.0 then 1uy else 0uy))

let room (dtype: DType) (count: int) = Guarded(count * DType.size dtype, DType.size dtype)

let read (dtype: DType) (g: Guarded) : float[] =
    match dtype with
    | DType.Float32 -> g.Read<float32>() |> Array.map float
    | DType.Float64 -> g.Read<float>()
    | DType.Int32 -> g.Read<int>() |> Array.map float
    | DType.Int64 -> g.Read<int64>() |> Array.map float
    | _ -> g.Read<byte>() |> Array.map float

/// The values as they are after being stored in the type.
let rounded (dtype: DType) (values: float[]) =
    match dtype with
    | DType.Float32 -> values |> Array.map (fun v -> float (float32 v))
    | DType.Int32
    | DType.Int64 -> values |> Array.map Math.Truncate
    | DType.Bool -> values |> Array.map (fun v -> if v <> 0.0 then 1.0 else 0.0)
    | _ -> values

/// Equal up to a tolerance relative to the larger of 1 (times `floor`) and the expected magnitude; NaN equals NaN.
let close (tolerance: float) (floor: float) (what: string) (expected: float[]) (actual: float[]) =
    Assert.Equal(expected.Length, actual.Length)

    for i in 0 .. expected.Length - 1 do
        let e = expected[i]
        let a = actual[i]

        let ok =
            if Double.IsNaN e then Double.IsNaN a
            elif Double.IsInfinity e || Double.IsInfinity a then e = a
            else abs (a - e) <= tolerance * max floor (abs e)

        if not ok then
            Assert.Fail(
                what
                + ": element "
                + string i
                + " of "
                + string expected.Length
                + ": expected "
                + string e
                + ", got "
                + string a
            )

/// Sums of so many products by Winograd's method, which adds numbers of different sizes: the error is measured by what
/// such sums are. The corners of its tiles err several times as much as the mean, so a bound on each element alone would be
/// loose: the mean has its own.
let closeByWinograd (factor: float) (products: int) (what: string) (expected: float[]) (actual: float[]) =
    let scale = 1.4 * sqrt (float products)
    close (factor * 2e-5) scale what expected actual

    if expected.Length > 0 then
        let error = Array.map2 (fun e a -> (a - e) * (a - e)) expected actual |> Array.average |> sqrt

        Assert.True(error <= factor * 2.5e-6 * scale, what + ": errors of " + string error + " on average")

/// Makes 1 - 2 y of every y that it is called for, in place: an element that is left out, met twice, or met before it is
/// complete comes out wrong. It also spoils the registers of tile programs, which belong to epilogues.
type Affine(dtype: DType, target: nativeint) =
    inherit Epilogue()

    static member Of(y: float) = 1.0 - 2.0 * y

    override _.Run(first, rows, columns, stride) =
        Span<byte>(Scratch.TilePointer.ToPointer(), Scratch.TileSize).Fill 0xFFuy

        for r in 0 .. rows - 1 do
            let start = target + nativeint ((first + r * stride) * DType.size dtype)

            if dtype = DType.Float32 then
                let s = Span<float32>(start.ToPointer(), columns)

                for i in 0 .. columns - 1 do
                    s[i] <- 1.0f - 2.0f * s[i]
            else
                let s = Span<float>(start.ToPointer(), columns)

                for i in 0 .. columns - 1 do
                    s[i] <- Affine.Of s[i]

let tolerance (dtype: DType) = if dtype = DType.Float32 then 2e-6 else 1e-12
