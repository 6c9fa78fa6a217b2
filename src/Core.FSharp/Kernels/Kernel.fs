namespace FunctionalNet.Kernels

open System
open System.Runtime.CompilerServices

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

/// For code that is compiled ahead of time. Its compiler follows calls, but not those of virtual methods of generic types: a
/// program would wait for the compilation of what they do when it starts. So they are short, what they do stands in a method
/// of its own, and what is given here calls that by name. It is never run.
[<AbstractClass; Sealed>]
type internal Precompiled private () =

    /// Always null, which no compiler can know.
    [<DefaultValue>]
    static val mutable private nothing: obj | null

    static member Nothing = Precompiled.nothing

    /// Calls of static methods.
    static member inline Calls([<InlineIfLambda>] calls: unit -> unit) : unit =
        if not (isNull Precompiled.Nothing) then calls ()

    /// Calls of the methods of an object.
    static member inline Calls<'C when 'C: not struct and 'C: not null>([<InlineIfLambda>] calls: 'C -> unit) : unit =
        match Unsafe.As<'C> Precompiled.Nothing with
        | null -> ()
        | it -> calls it

/// Work on elements that another kernel has just written, done at once, while they are in the cache. A kernel that takes
/// an epilogue calls it exactly once for every element of its result, from the chunk that completed the element; that
/// depends on shapes only, like the cutting into chunks.
[<AbstractClass>]
type internal Epilogue() =

    /// `rows` stretches of `columns` elements, the first at index `first` of the result, each `stride` elements after the
    /// one before. Called from any thread. Must not allocate, and leaves `Scratch.Pointer` to the kernel that calls.
    abstract Run: first: int * rows: int * columns: int * stride: int -> unit

    /// Asks for the memory that `Run` will read for these elements, so that it arrives while the kernel still computes.
    /// Kernels may leave it out.
    abstract Announce: first: int * rows: int * columns: int * stride: int -> unit
    default _.Announce(_, _, _, _) = ()

    /// Nothing to do.
    static member val None: Epilogue = NoEpilogue()

    /// True for the epilogue with nothing to do.
    member this.IsNone = obj.ReferenceEquals(this, Epilogue.None)

and [<Sealed>] private NoEpilogue() =
    inherit Epilogue()
    override _.Run(_, _, _, _) = ()

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
