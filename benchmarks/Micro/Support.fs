namespace FunctionalNet.Benchmarks.Micro

open System
open BenchmarkDotNet.Attributes
open BenchmarkDotNet.Columns
open BenchmarkDotNet.Configs
open BenchmarkDotNet.Diagnosers
open BenchmarkDotNet.Exporters
open BenchmarkDotNet.Jobs
open BenchmarkDotNet.Loggers
open BenchmarkDotNet.Running
open BenchmarkDotNet.Toolchains.InProcess.Emit
open FunctionalNet.Kernels

/// Memory that lives as long as the benchmark that made it.
[<Sealed>]
type internal Memory() =

    let kept = ResizeArray<Buffer>()
    let random = Random 1

    member _.Bytes(count: int64) : nativeint =
        let buffer = Buffer(max 64L count)
        buffer.Zero()
        kept.Add buffer
        buffer.Pointer

    /// Uniform in -4 to 4.
    member this.Floats(count: int) : nativeint =
        let pointer = this.Bytes(4L * int64 count)
        let span = Span<float32>(pointer.ToPointer(), count)

        for i in 0 .. count - 1 do
            span[i] <- random.NextSingle() * 8.0f - 4.0f

        pointer

    /// Uniform in 0 to limit - 1.
    member this.Ids(count: int, limit: int) : nativeint =
        let pointer = this.Bytes(4L * int64 count)
        let span = Span<int>(pointer.ToPointer(), count)

        for i in 0 .. count - 1 do
            span[i] <- random.Next limit

        pointer

/// A benchmark that runs one kernel, on one thread and on two.
[<AbstractClass>]
type KernelBenchmark() =

    let memory = Memory()
    let mutable kernel: Kernel = EmptyKernel.Instance

    member internal _.Memory = memory
    member internal _.Use(k: Kernel) = kernel <- k

    /// Makes the kernel of the case.
    abstract Prepare: unit -> unit

    [<Params(1, 2)>]
    member val Threads = 1 with get, set

    [<GlobalSetup>]
    member this.Setup() =
        FunctionalNet.Kernels.Workers.Threads <- this.Threads
        this.Prepare()

    [<Benchmark>]
    member _.Run() =
        FunctionalNet.Kernels.Workers.Run kernel
        GC.KeepAlive memory

module internal Support =

    /// Measured in this process: what is measured sees the internals of the library, and nothing is built again.
    let private config () =
        let job =
            Job.Default
                .WithToolchain(InProcessEmitToolchain.Instance)
                .WithWarmupCount(5)
                .WithIterationCount(10)
                .WithIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds 100.0)

        ManualConfig
            .CreateEmpty()
            .AddJob(job)
            .AddLogger(ConsoleLogger.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddExporter(MarkdownExporter.GitHub)

    /// All benchmarks, or those whose full name has one of the words in it.
    let run (words: string list) : int =
        let types =
            typeof<KernelBenchmark>.Assembly.GetTypes()
            |> Array.filter (fun t -> t.IsSubclassOf typeof<KernelBenchmark> && not t.IsAbstract)

        let patterns = if words.IsEmpty then [ "*" ] else words |> List.map (fun w -> $"*{w}*")
        let summaries = BenchmarkSwitcher.FromTypes(types).Run(List.toArray ("--filter" :: patterns), config ())
        if Seq.isEmpty summaries then 1 else 0
