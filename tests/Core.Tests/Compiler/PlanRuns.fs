namespace FunctionalNet.Tests.Compiler

open System
open FunctionalNet
open FunctionalNet.Graph
open System.Collections.Generic
open FunctionalNet.Kernels
open FunctionalNet.Compiler

/// Buffers for the leaves of a case, as the training loop keeps them.
type internal Leaves(bindings: (Expr * Tensor)[]) =
    let buffers = Dictionary<Expr, Kernels.Buffer>(HashIdentity.Reference)
    let types = Dictionary<Expr, TensorType>(HashIdentity.Reference)

    let write (e: Expr) (t: Tensor) =
        t.Bytes.CopyTo(Span<byte>(buffers[e].Pointer.ToPointer(), t.Bytes.Length))
        buffers[e].Touch()

    do
        for e, t in bindings do
            buffers[e] <- Kernels.Buffer(int64 t.Bytes.Length)
            types[e] <- e.Type
            write e t

    member _.Bind(e: Expr) = buffers[e]
    member _.Write(e: Expr, t: Tensor) = write e t
    member _.Read(e: Expr) : Tensor = { OutputView.Pointer = buffers[e].Pointer; Type = types[e] }.ToTensor()

    /// All leaves back to their first values.
    member _.Reset() =
        for e, t in bindings do
            write e t

/// What one run gives: outputs by name, then the new values of the updated leaves.
type internal RunResult = (string * Tensor)[]

module internal PlanRuns =

    let collect (graph: Graph) (leaves: Leaves) (executable: Executable) : RunResult =
        Array.append
            (graph.Outputs |> Array.map (fun (name, _) -> name, (executable.Output name).ToTensor()))
            (graph.Updates |> Array.mapi (fun i (leaf, _) -> "update " + string i, leaves.Read leaf))

    let run (options: CompileOptions) (graph: Graph) (bindings: (Expr * Tensor)[]) : RunResult =
        let leaves = Leaves bindings
        let executable = Compile.executable options graph leaves.Bind
        executable.Run()
        collect graph leaves executable

    let interpret (graph: Graph) (bindings: (Expr * Tensor)[]) : RunResult =
        let struct (outputs, updates) = Interpreter.runGraph bindings graph

        Array.append outputs (updates |> Array.mapi (fun i (_, t) -> "update " + string i, t))

    /// The first difference beyond a tolerance relative to each result's largest magnitude, or None.
    let difference (tolerance: float) (expected: RunResult) (actual: RunResult) : string option =
        Seq.zip expected actual
        |> Seq.tryPick (fun ((name, e), (_, a)) ->
            if e.DType <> a.DType || not (e.Shape.Equals a.Shape) then
                Some(name + ": another type")
            else
                let x, y = e.ToDoubles(), a.ToDoubles()
                let scale = x |> Array.fold (fun m v -> if Double.IsFinite v then max m (abs v) else m) 1.0

                FunctionalNet.Tests.Support.Close.difference tolerance (tolerance * scale) x y
                |> Option.map (fun d -> name + " " + e.DType.ToString() + e.Shape.ToString() + ": " + d))

    let sameBits (a: RunResult) (b: RunResult) = Array.forall2 (fun (_, x: Tensor) (_, y: Tensor) -> x.BitEquals y) a b
