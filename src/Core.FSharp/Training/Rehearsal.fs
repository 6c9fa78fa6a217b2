namespace FunctionalNet.Training

open System
open System.Runtime.CompilerServices
open System.Threading
open FunctionalNet
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// The training step of a small classifier, on zeros.
module internal RehearsedStep =

    let private leaf role name dtype (dims: int[]) = Expr.LeafOf(role, name, dtype, Shape.Of dims)

    /// The weights of dense layers, and the logits of their input.
    let private classifier (x: Expr) (widths: int[]) =
        let weights = Array.zeroCreate (2 * widths.Length)
        let mutable last = x

        for i in 0 .. widths.Length - 1 do
            let kernel = leaf LeafRole.Param "kernel" DType.Float32 [| last.Shape[1]; widths[i] |]
            let bias = leaf LeafRole.Param "bias" DType.Float32 [| widths[i] |]
            let sum = Ops.matmul last kernel + bias
            weights[2 * i] <- kernel
            weights[2 * i + 1] <- bias
            last <- if i < widths.Length - 1 then Ops.relu sum else sum

        struct (weights, last)

    /// New values of a weight and of two averages, as Adam has them.
    let private moved (rate: Expr) (w: Expr) (gradient: Expr) : (Expr * Expr)[] =
        let slot name = leaf LeafRole.Slot name DType.Float32 (w.Shape.ToArray())
        let m, v = slot "momentum", slot "velocity"
        let newM = m + (gradient - m) * 0.1
        let newV = v + (Ops.square gradient - v) * 0.001
        [| m, newM; v, newV; w, w - newM * Ops.cast DType.Float32 rate / (Ops.sqrt newV + 1e-7) |]

    /// Large enough for the kernels that models use, small enough to run in no time.
    let graph () : Graph =
        let x = leaf LeafRole.Input "x" DType.Float32 [| 64; 128 |]
        let labels = leaf LeafRole.Input "labels" DType.Int32 [| 64 |]
        let time = leaf LeafRole.Slot "time" DType.Int64 [||]
        let total = leaf LeafRole.Slot "total" DType.Float64 [||]
        let rate = leaf LeafRole.Hyper "rate" DType.Float64 [||]

        let struct (weights, logits) = classifier x [| 128; 128; 10 |]
        let loss = Ops.mean [| 0 |] false (Ops.sparseSoftmaxCrossEntropy labels logits)
        let gradients = Grad.gradients loss weights
        let next = time + 1.0
        let left (decay: float) = 1.0 - Ops.pow (Ops.scalar DType.Float64 decay) (Ops.cast DType.Float64 next)
        let corrected = rate * Ops.sqrt (left 0.999) / left 0.9

        { Outputs = [||]
          Updates =
            [| time, next
               total, total + Ops.cast DType.Float64 loss * 64.0
               for i in 0 .. weights.Length - 1 do
                   yield! moved corrected weights[i] gradients[i] |] }

    /// Compiles it and runs it once.
    let run () : unit =
        let memoryOf (leaf: Expr) = Buffer(int64 (leaf.Shape.Size * DType.size leaf.DType))
        (Compile.executable CompileOptions.Default (graph ()) memoryOf).Run()

/// <summary>Prepares the process for its first training step on a thread of its own, while the program still reads data and
/// describes its model. The runtime prepares every method and every type when it is first used; the rehearsal differentiates,
/// compiles and runs the training step of a tiny classifier, so that most of what a first step uses has been used by then.
/// In C# the first model or input starts it.</summary>
/// <example><code>
/// [&lt;EntryPoint&gt;]
/// let main _ =
///     Rehearsal.Start()
///     let x, y = readData ()
///     ...
/// </code></example>
[<AbstractClass; Sealed>]
type Rehearsal private () =

    static let mutable started = 0

    /// Code that was compiled with the program needs no rehearsal, and on one thread there is no time for it.
    static let isWorthwhile () =
        RuntimeFeature.IsDynamicCodeSupported
        && Workers.Threads > 1
        && not (String.Equals(Environment.GetEnvironmentVariable "FUNCTIONALNET_REHEARSAL", "0"))

    /// Whatever fails here fails in the program's own step as well, where there is somebody to tell.
    static let perform () =
        try
            RehearsedStep.run ()
        with _ ->
            ()

    /// <summary>Starts the rehearsal; only the first call in a process does anything. There is none under NativeAOT, with one
    /// thread, or where the environment variable FUNCTIONALNET_REHEARSAL is 0. It changes no result.</summary>
    static member Start() : unit =
        if started = 0 && Interlocked.Exchange(&started, 1) = 0 && isWorthwhile () then
            Thread(perform, 1 <<< 20, IsBackground = true, Name = "FunctionalNet rehearsal").Start()
