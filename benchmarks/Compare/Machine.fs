namespace FunctionalNet.Benchmarks.Compare

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet.Kernels

module internal Chains =

    // Twelve chains hide the latency of four cycles on two units, and fit sixteen registers.
    let inline run
        (start: 'v)
        (factor: 'v)
        ([<InlineIfLambda>] fma: 'v -> 'v -> 'v -> 'v)
        ([<InlineIfLambda>] add: 'v -> 'v -> 'v)
        (rounds: int)
        : 'v =
        let mutable a = start
        let mutable b = start
        let mutable c = start
        let mutable d = start
        let mutable e = start
        let mutable f = start
        let mutable g = start
        let mutable h = start
        let mutable i = start
        let mutable j = start
        let mutable k = start
        let mutable l = start

        for _ in 1..rounds do
            a <- fma a factor start
            b <- fma b factor start
            c <- fma c factor start
            d <- fma d factor start
            e <- fma e factor start
            f <- fma f factor start
            g <- fma g factor start
            h <- fma h factor start
            i <- fma i factor start
            j <- fma j factor start
            k <- fma k factor start
            l <- fma l factor start

        add (add (add a b) (add c d)) (add (add (add e f) (add g h)) (add (add i j) (add k l)))

/// Independent chains of multiply-adds in registers: as fast as the machine multiplies and adds.
[<Sealed>]
type internal PeakKernel(chunks: int, rounds: int) =
    inherit Kernel()

    let kept = Array.zeroCreate<float32>(chunks * 16)

    static let width =
        if Vector512.IsHardwareAccelerated then 16
        elif Vector256.IsHardwareAccelerated then 8
        else 4

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member private Chains(rounds: int) : float32 =
        if Vector512.IsHardwareAccelerated then
            Chains.run
                (Vector512.Create 1.0f)
                (Vector512.Create 0.5f)
                (fun x y z -> Vector512.FusedMultiplyAdd(x, y, z))
                (fun x y -> x + y)
                rounds
            |> Vector512.Sum
        elif Vector256.IsHardwareAccelerated then
            Chains.run
                (Vector256.Create 1.0f)
                (Vector256.Create 0.5f)
                (fun x y z -> Vector256.FusedMultiplyAdd(x, y, z))
                (fun x y -> x + y)
                rounds
            |> Vector256.Sum
        else
            Chains.run
                (Vector128.Create 1.0f)
                (Vector128.Create 0.5f)
                (fun x y z -> Vector128.FusedMultiplyAdd(x, y, z))
                (fun x y -> x + y)
                rounds
            |> Vector128.Sum

    /// Operations of one run.
    member _.Flops = 2.0 * 12.0 * float width * float rounds * float chunks

    override _.Chunks(_) = chunks
    // Kept, so that nothing is optimised away; far apart, so that threads do not share a line.
    override _.Run(_, chunk) = kept[chunk * 16] <- PeakKernel.Chains rounds

module internal Reading =

    /// Adds up all vectors, in eight sums at a time; the number of bytes is a multiple of eight vectors.
    let inline run
        (zero: 'v)
        (width: int)
        ([<InlineIfLambda>] load: nativeint -> 'v)
        ([<InlineIfLambda>] add: 'v -> 'v -> 'v)
        (pointer: nativeint)
        (bytes: int)
        (rounds: int)
        : 'v =
        let mutable a = zero
        let mutable b = zero
        let mutable c = zero
        let mutable d = zero
        let mutable e = zero
        let mutable f = zero
        let mutable g = zero
        let mutable h = zero

        for _ in 1..rounds do
            let mutable p = pointer
            let last = pointer + nativeint bytes

            while p < last do
                a <- add a (load p)
                b <- add b (load (p + nativeint width))
                c <- add c (load (p + nativeint (2 * width)))
                d <- add d (load (p + nativeint (3 * width)))
                e <- add e (load (p + nativeint (4 * width)))
                f <- add f (load (p + nativeint (5 * width)))
                g <- add g (load (p + nativeint (6 * width)))
                h <- add h (load (p + nativeint (7 * width)))
                p <- p + nativeint (8 * width)

        add (add (add a b) (add c d)) (add (add e f) (add g h))

/// Reads memory: every chunk its part, several times.
[<Sealed>]
type internal ReadKernel(chunks: int, pointer: nativeint, bytes: int, rounds: int) =
    inherit Kernel()

    let kept = Array.zeroCreate<float32>(chunks * 16)

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member private Sum(pointer: nativeint, bytes: int, rounds: int) : float32 =
        if Vector512.IsHardwareAccelerated then
            Reading.run
                Vector512<float32>.Zero
                64
                (fun p -> Vector512.Load(NativePtr.ofNativeInt<float32> p))
                (fun x y -> x + y)
                pointer
                bytes
                rounds
            |> Vector512.Sum
        else
            Reading.run
                Vector256<float32>.Zero
                32
                (fun p -> Vector256.Load(NativePtr.ofNativeInt<float32> p))
                (fun x y -> x + y)
                pointer
                bytes
                rounds
            |> Vector256.Sum

    override _.Chunks(_) = chunks

    override _.Run(_, chunk) =
        let part = bytes / chunks / 512 * 512
        kept[chunk * 16] <- ReadKernel.Sum(pointer + nativeint (chunk * part), part, rounds)

/// What the machine is, and the speeds it reaches.
[<Sealed>]
type internal Machine() =

    let peaks = Dictionary<int, float>()
    let speeds = Dictionary<struct (int * int), float>()
    let settled = HashSet<struct (int * Type)>()

    let best (times: int) (kernel: Kernel) : float =
        let mutable least = Double.PositiveInfinity

        for _ in 1..times do
            let start = Stopwatch.GetTimestamp()
            Workers.Run kernel
            least <- min least (Stopwatch.GetElapsedTime(start).TotalSeconds)

        least

    // Until the runtime has compiled what is around the loops for good: each call costs some microseconds before.
    let settle (short: Kernel) =
        if settled.Add(struct (Workers.Threads, short.GetType())) then
            Clock.warm 500.0 (fun () -> Workers.Run short)

    /// Floating-point operations per second in float32, with so many threads.
    member _.Peak(threads: int) : float =
        match peaks.TryGetValue threads with
        | true, peak -> peak
        | _ ->
            Workers.Threads <- threads
            settle (PeakKernel(threads, 1))
            // Short runs, many of them: other programs disturb some.
            let kernel = PeakKernel(threads, 200000)
            let peak = kernel.Flops / best 400 kernel
            peaks[threads] <- peak
            peak

    /// The same at this moment: measured as workloads are, to stand beside them. The speed of a machine's cores changes
    /// from minute to minute.
    member _.PeakNow(threads: int, ms: float) : float =
        let kernel = PeakKernel(threads, 200000)
        Workers.Threads <- threads
        kernel.Flops * 1000.0 / Clock.median (Clock.sample ms (fun () -> Workers.Run kernel))

    /// Waits until so many threads multiply and add at nearly the speed that they have reached before, for some seconds at
    /// most: the processors of a virtual machine can be two threads of one core for a while. False if it did not happen.
    member this.WaitForCores(threads: int, seconds: float) : bool =
        if threads = 1 then
            true
        else
            let wanted = 0.85 * this.Peak threads
            // A millisecond of work or so.
            let kernel = PeakKernel(threads, 100000)
            let start = Stopwatch.GetTimestamp()
            let free () = kernel.Flops / best 8 kernel >= wanted
            let mutable isFree = free ()

            while not isFree && Stopwatch.GetElapsedTime(start).TotalSeconds < seconds do
                System.Threading.Thread.Sleep 20
                isFree <- free ()

            isFree

    /// Bytes read per second from wherever so many bytes stay when they are read again and again.
    member _.ReadSpeed(threads: int, bytes: float) : float =
        // Powers of two, from 16 KB to 256 MB.
        let size = max 14 (min 28 (int (ceil (log (max 1.0 bytes) / log 2.0))))
        let key = struct (threads, size)

        match speeds.TryGetValue key with
        | true, speed -> speed
        | _ ->
            Workers.Threads <- threads
            let bytes = 1 <<< size
            let buffer = Buffer(int64 bytes)
            buffer.Zero()
            let rounds = max 1 ((1 <<< 23) / bytes)
            settle (ReadKernel(threads, buffer.Pointer, bytes, 1))
            let kernel = ReadKernel(threads, buffer.Pointer, bytes, rounds)
            let speed = float bytes * float rounds / best 40 kernel
            GC.KeepAlive buffer
            speeds[key] <- speed
            speed

    static member Name: string =
        let model =
            try
                File.ReadLines "/proc/cpuinfo"
                |> Seq.tryFind (fun line -> line.StartsWith("model name", StringComparison.Ordinal))
                |> Option.map (fun line -> line.Substring(line.IndexOf(':') + 1).Trim())
            with _ ->
                None

        let widest =
            if Vector512.IsHardwareAccelerated then "512-bit"
            elif Vector256.IsHardwareAccelerated then "256-bit"
            else "128-bit"

        (model |> Option.defaultValue (RuntimeInformation.ProcessArchitecture.ToString()))
        + $", {Environment.ProcessorCount} processors, {widest} vectors, {RuntimeInformation.OSDescription}, "
        + RuntimeInformation.FrameworkDescription
