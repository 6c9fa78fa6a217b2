namespace FunctionalNet.Training

open System
open System.Collections.Generic
open System.Threading
open FunctionalNet
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Working memory for steps that never run at the same time. What it has given stays as it is when more is asked for.
[<Sealed>]
type internal Arena() =

    let mutable buffer = Buffer 0L

    /// At least so many bytes.
    member _.Room(bytes: int64) : Buffer =
        if buffer.Bytes < bytes then
            buffer <- Buffer bytes
            Workers.TouchMeanwhile [| buffer |]

        buffer

/// A step made executable, with memory of its own for one batch.
[<Sealed>]
type internal BoundStep
    (
        key: string,
        graph: StepGraph,
        types: BatchTypes,
        executable: Executable,
        memory: Dictionary<string, Buffer>,
        outputs: OutputView[],
        kept: obj
    ) =

    let find (name: string) =
        match memory.TryGetValue name with
        | true, buffer -> buffer
        // A leaf that the graph does not use has no memory.
        | _ -> Buffer 0L

    let inputs = types.Inputs |> Array.mapi (fun i _ -> find (StepNames.input i))
    let targets = types.Targets |> Array.mapi (fun i _ -> find (StepNames.target i))
    let weights = types.Weights |> Array.mapi (fun i _ -> find (StepNames.weight i))

    member _.Key = key
    member _.Step = graph
    member _.Types = types
    member _.Rows = types.Inputs[0].Shape[0]
    member _.Inputs = inputs
    member _.Targets = targets
    member _.Weights = weights
    member _.Outputs = outputs
    member _.Executable = executable

    /// The collector knows nothing of pointers: all memory must stay reachable while the step runs.
    member this.Run() =
        executable.Run()
        GC.KeepAlive kept
        GC.KeepAlive this

/// Making steps executable.
module internal BoundStep =

    /// `variable` finds the memory of leaves that are not part of a batch; `arena` gives working memory of at least so many
    /// bytes.
    let createIn
        (arena: int64 -> Buffer)
        (options: CompileOptions)
        (key: string)
        (types: BatchTypes)
        (graph: StepGraph)
        (variable: LeafRole -> Expr -> string -> Variable)
        : BoundStep =
        let memory = Dictionary<string, Buffer>()
        let kept = ResizeArray<Variable>()

        let bind (leaf: Expr) : Buffer =
            match leaf.Op with
            | Leaf(LeafRole.Input, name) ->
                match memory.TryGetValue name with
                | true, buffer -> buffer
                | _ ->
                    let buffer = Buffer(int64 (max 1 (leaf.Shape.Size * DType.size leaf.DType)))
                    memory[name] <- buffer
                    buffer
            | Leaf(role, name) ->
                let v = variable role leaf name
                kept.Add v
                v.Buffer
            | _ -> Buffer 0L

        let executable = Compile.executableIn arena options graph.Graph bind
        let outputs = graph.Graph.Outputs |> Array.map (fun (name, _) -> executable.Output name)
        BoundStep(key, graph, types, executable, memory, outputs, kept)

    /// A step with working memory of its own.
    let create options key types graph variable : BoundStep = createIn Buffer options key types graph variable

    /// Text that two batches have in common exactly if one step serves both.
    let keyOf (mode: string) (types: BatchTypes) : string =
        let type' (t: TensorType) = t.ToString()

        let weight (t: TensorType voption) =
            match t with
            | ValueSome t -> t.ToString()
            | ValueNone -> "-"

        mode
        + "|"
        + String.Join(";", types.Inputs |> Array.map type')
        + "|"
        + String.Join(";", types.Targets |> Array.map type')
        + "|"
        + String.Join(";", types.Weights |> Array.map weight)

/// The steps used last, newest first.
[<Sealed>]
type internal PlanCache(capacity: int) =

    let steps = LinkedList<BoundStep>()

    member _.Count = steps.Count

    member _.Clear() = steps.Clear()

    /// The types of the step used last among those whose keys begin so.
    member _.LastTypes(keyStart: string) : BatchTypes voption =
        match steps |> Seq.tryFind (fun s -> s.Key.StartsWith(keyStart, StringComparison.Ordinal)) with
        | Some step -> ValueSome step.Types
        | None -> ValueNone

    member _.GetOrAdd(key: string, create: unit -> BoundStep) : BoundStep =
        let mutable node = steps.First
        let mutable found = ValueNone

        while found.IsNone && not (isNull node) do
            let current = nonNull node

            if String.Equals(current.Value.Key, key) then
                steps.Remove current
                steps.AddFirst current
                found <- ValueSome current.Value

            node <- current.Next

        match found with
        | ValueSome step -> step
        | ValueNone ->
            let step = create ()
            steps.AddFirst step |> ignore

            while steps.Count > capacity do
                steps.RemoveLast()

            step

/// What a trainer makes its training steps of; for looking at a step without running it.
[<NoEquality; NoComparison>]
type internal StepParts =
    {
        Network: Network
        Plan: TrainingPlan
        Settings: TrainingOptions
        IsFrozen: string -> bool
        Options: CompileOptions
        Variable: LeafRole -> Expr -> string -> Variable
        /// The types of the batch trained on last.
        LastTypes: BatchTypes voption
    }

/// Prediction steps of one signature: as many as are used at the same time.
[<Sealed>]
type internal PredictionPool(key: string, rows: int, create: unit -> BoundStep) =

    let mutable idle: BoundStep[] = Array.zeroCreate 4
    let mutable count = 0
    let gate = obj ()

    member _.Key = key
    member _.Rows = rows

    /// A step nobody else uses; made if there is none.
    member _.Rent() : BoundStep =
        Monitor.Enter gate

        let step =
            if count > 0 then
                count <- count - 1
                ValueSome idle[count]
            else
                ValueNone

        Monitor.Exit gate

        match step with
        | ValueSome step -> step
        | ValueNone -> create ()

    member _.Return(step: BoundStep) : unit =
        Monitor.Enter gate

        try
            if count = idle.Length then Array.Resize(&idle, count * 2)

            idle[count] <- step
            count <- count + 1
        finally
            Monitor.Exit gate
