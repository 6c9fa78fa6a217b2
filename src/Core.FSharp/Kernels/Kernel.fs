namespace FunctionalNet.Kernels

open System

/// Marks a method that the runtime is to compile with all optimisations at its first call, instead of starting slow and
/// observing it first. The build turns the mark into the runtime's AggressiveOptimization, which the F# compiler drops.
[<AttributeUsage(AttributeTargets.Method); Sealed>]
type internal FullyOptimizedAttribute() =
    inherit Attribute()

/// One piece of work with resolved pointers. Phases run in order; the chunks of a phase may run on any thread, in any
/// order. How the work is cut depends on shapes only, so the bits of the result never depend on the thread count.
[<AbstractClass>]
type internal Kernel() =

    /// Number of phases.
    abstract Phases: int
    default _.Phases = 1

    /// Number of independent chunks of a phase; 0 when there is nothing to do.
    abstract Chunks: phase: int -> int

    /// Runs one chunk. Must not allocate.
    abstract Run: phase: int * chunk: int -> unit

/// A kernel with nothing to do, for empty shapes.
[<Sealed>]
type internal EmptyKernel private () =
    inherit Kernel()
    static member val Instance: Kernel = EmptyKernel()
    override _.Chunks(_) = 0
    override _.Run(_, _) = ()

/// Kernels run one after the other, as one kernel.
[<Sealed>]
type internal SequenceKernel(steps: Kernel[]) =
    inherit Kernel()

    let owners = steps |> Array.collect (fun s -> Array.create s.Phases s)
    let phases = steps |> Array.collect (fun s -> Array.init s.Phases id)

    override _.Phases = owners.Length
    override _.Chunks(phase) = owners[phase].Chunks phases[phase]
    override _.Run(phase, chunk) = owners[phase].Run(phases[phase], chunk)
