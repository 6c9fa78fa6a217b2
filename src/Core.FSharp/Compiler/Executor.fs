namespace FunctionalNet.Compiler

open System
open System.Collections.Generic
open System.Diagnostics
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// A result in memory: valid until the next run of any executable that shares the arena.
[<Struct; NoEquality; NoComparison>]
type internal OutputView =
    { Pointer: nativeint
      Type: TensorType }

    /// A copy of the values.
    member this.ToTensor() : Tensor =
        let bytes = this.Type.Shape.Size * DType.size this.Type.DType
        Tensor.OfBytes(this.Type.DType, this.Type.Shape, ReadOnlySpan<byte>(this.Pointer.ToPointer(), bytes))

    /// The only element, as a float64 number.
    member this.ToDouble() : float =
        match this.Type.DType with
        | DType.Float32 -> float (Mem.get<float32> this.Pointer 0)
        | DType.Float64 -> Mem.get<float> this.Pointer 0
        | DType.Int32 -> float (Mem.get<int> this.Pointer 0)
        | DType.Int64 -> float (Mem.get<int64> this.Pointer 0)
        | DType.BFloat16 -> float ((Mem.get<BFloat16> this.Pointer 0).ToSingle())
        | _ -> float (Mem.get<byte> this.Pointer 0)

    /// Says no to a name that is not among the outputs.
    static member Missing(name: string, known: string[]) : OutputView =
        raise (
            ArgumentValueException(
                "There is no output of that name.",
                "name",
                String.Join(", ", known),
                name,
                "Use one of the graph's output names."
            )
        )

/// Something that can be run again and again: reads the leaves' buffers, computes the outputs, and writes the leaves'
/// new values. One caller at a time.
type internal Executable =
    /// Runs once. Allocates nothing.
    abstract Run: unit -> unit
    /// A result of the last run by name.
    abstract Output: name: string -> OutputView
    /// Runs several times and measures, for `Describe`.
    abstract Profile: runs: int -> unit
    /// What is run, as text; with microseconds per instruction if `Profile` was called.
    abstract Describe: unit -> string

/// Turns instructions into kernels with pointers.
[<Sealed>]
type internal Binder(constantPointer: Tensor -> nativeint, packedPointer: int -> nativeint) =

    let kernels = List<Kernel>()
    let owners = List<int>()
    // The kernels made for an instruction of a loop's body, found again when all pointers are the same.
    let made = Dictionary<Step, List<struct (nativeint[] * Kernel)>>(HashIdentity.Reference)

    let samePointers (a: nativeint[]) (b: nativeint[]) = a.AsSpan().SequenceEqual(ReadOnlySpan<nativeint> b)

    member _.Kernels = kernels.ToArray()

    /// For each kernel, the instruction of the outermost plan that it belongs to.
    member _.Owners = owners.ToArray()

    member private _.Add(kernel: Kernel, owner: int) =
        let mutable work = false

        for p in 0 .. kernel.Phases - 1 do
            if kernel.Chunks p > 0 then work <- true

        if work then
            kernels.Add kernel
            owners.Add owner

    /// Adds the kernels of a plan. `arena`: where its arena starts. `owner`: the instruction to book them on, or -1 for
    /// their own.
    member this.Bind
        (plan: Plan, leaf: int -> nativeint, result: int -> nativeint, arena: nativeint, owner: int)
        : unit =
        let pointer (v: int) =
            match plan.Placements[v] with
            | InLeaf i -> leaf i
            | InConstants i -> constantPointer plan.Constants[i]
            | InPacked i -> packedPointer i
            | InArena offset -> arena + nativeint offset
            | InResult i -> result i

        plan.Steps
        |> Array.iteri (fun k step ->
            let owner = if owner < 0 then k else owner

            let src =
                step.Inputs
                |> Array.map (fun o ->
                    if o.Value < 0 then
                        0n
                    else
                        pointer o.Value + nativeint o.View.Offset * nativeint (DType.size o.DType))

            let dst = step.Outputs |> Array.map pointer
            let work = arena + nativeint plan.WorkspaceOffsets[k]

            match step.Work with
            | Loop loop -> this.BindLoop(loop, src, dst, work, owner)
            | _ ->
                let pointers = Array.concat [ src; dst; [| work |] ]

                let known =
                    match made.TryGetValue step with
                    | true, list -> list
                    | _ ->
                        let list = List<struct (nativeint[] * Kernel)>()
                        made[step] <- list
                        list

                // Operands either stay, alternate, or move on; looking back further finds nothing.
                let mutable kernel: Kernel option = None

                for i in max 0 (known.Count - 3) .. known.Count - 1 do
                    let struct (p, made) = known[i]
                    if samePointers p pointers then kernel <- Some made

                let kernel =
                    match kernel with
                    | Some found -> found
                    | None ->
                        let types = step.Outputs |> Array.map (fun o -> plan.Values[o].Type)
                        let fresh = Select.kernel step src dst work types
                        known.Add(struct (pointers, fresh))
                        fresh

                this.Add(kernel, owner))

    /// The body once per step, each time with its own pointers: slices of sequences are read and outputs are written
    /// where they are, and carries alternate between two buffers.
    member private this.BindLoop
        (loop: LoopWork, src: nativeint[], dst: nativeint[], work: nativeint, owner: int)
        : unit =
        let body = loop.Scan.Body
        let carries, steps, outputs = body.Carry.Length, body.Step.Length, body.Outputs.Length
        let bytes (e: Expr) = int64 e.Shape.Size * int64 (DType.size e.DType)
        let indexOf = Dictionary<Expr, int>(HashIdentity.Reference)

        Array.concat [ body.Carry; body.Step; body.Constants ] |> Array.iteri (fun i e -> indexOf[e] <- i)

        let inputOf = loop.Body.Leaves |> Array.map (fun e -> indexOf[e])
        let current = Array.sub src 0 carries
        let length = loop.Scan.Length

        for s in 0 .. length - 1 do
            let t = if loop.Scan.Reverse then length - 1 - s else s

            let leaf (i: int) =
                let input = inputOf[i]

                if input < carries then
                    current[input]
                elif input < carries + steps then
                    src[input] + nativeint (int64 t * bytes body.Step[input - carries])
                else
                    src[input]

            let result (k: int) =
                if k < outputs then
                    dst[carries + k] + nativeint (int64 t * bytes body.Outputs[k])
                else
                    let c = k - outputs

                    if s = length - 1 then
                        dst[c]
                    else
                        work + nativeint (loop.CarryOffsets[c] + int64 (s % 2) * Mem.align (bytes body.Carry[c]))

            this.Bind(loop.Body, leaf, result, work, owner)

            for c in 0 .. carries - 1 do
                current[c] <- result (if loop.CarryFrom[c] >= 0 then loop.CarryFrom[c] else outputs + c)

        for c in 0 .. carries - 1 do
            if length = 0 || loop.CarryFrom[c] >= 0 then
                this.Add(Copy.Create(bytes body.Carry[c], current[c], dst[c]), owner)

/// Memory that something was computed from, and its version at that time.
[<Sealed>]
type internal Watch(buffers: Buffer[]) =

    let seen = Array.create buffers.Length -1L

    /// Whether one has changed since the last call, or this is the first.
    member _.HasChanged() : bool =
        let mutable changed = false

        for i in 0 .. buffers.Length - 1 do
            let version = buffers[i].Version

            if version <> seen[i] then
                seen[i] <- version
                changed <- true

        changed

/// A plan with memory: the kernels in order. `once`, if there is one, runs before it when a weight has changed that it
/// reads.
[<Sealed>]
type internal PlannedExecutable
    (plan: Plan, bind: Expr -> Buffer, arena: Buffer, poison: bool, once: PlannedExecutable voption) =

    // Constants of the plan and of the bodies of its loops, each once.
    let constants, constantOffsets =
        let offsets = Dictionary<Tensor, int64>(HashIdentity.Reference)
        let mutable size = 0L

        let rec collect (p: Plan) =
            for t in p.Constants do
                if not (offsets.ContainsKey t) then
                    offsets[t] <- size
                    size <- size + Mem.align (int64 t.Bytes.Length)

            for s in p.Steps do
                match s.Work with
                | Loop loop -> collect loop.Body
                | _ -> ()

        collect plan
        let buffer = Buffer size

        for entry in offsets do
            let bytes = entry.Key.Bytes
            bytes.CopyTo(Span<byte>((buffer.Pointer + nativeint entry.Value).ToPointer(), bytes.Length))

        buffer, offsets

    let constantPointer (t: Tensor) = constants.Pointer + nativeint constantOffsets[t]

    // Held so that the buffers stay alive as long as the kernels point into them.
    let buffers = plan.Leaves |> Array.map bind

    do
        plan.Leaves
        |> Array.iteri (fun i leaf ->
            let needed = int64 leaf.Shape.Size * int64 (DType.size leaf.DType)

            if buffers[i].Bytes < needed then
                raise (
                    GraphException(
                        "A leaf is bound to a buffer that is too small.",
                        Expr.OpName leaf.Op,
                        string needed + " bytes for " + leaf.Type.ToString(),
                        string buffers[i].Bytes + " bytes",
                        "Allocate the buffer for the leaf's type."
                    )
                ))

        if arena.Bytes < plan.ArenaBytes then
            raise (
                GraphException(
                    "The arena is too small for the plan.",
                    "",
                    string plan.ArenaBytes + " bytes",
                    string arena.Bytes + " bytes",
                    "Share an arena of the size of the largest plan."
                )
            )

    let packed = plan.Packs |> Array.map (fun p -> Buffer plan.Values[p.Value].Bytes)

    let kernels, owners =
        let binder = Binder(constantPointer, (fun i -> packed[i].Pointer))
        binder.Bind(plan, (fun i -> buffers[i].Pointer), (fun _ -> 0n), arena.Pointer, -1)
        binder.Kernels, binder.Owners

    let pointerOf (o: Operand) =
        let start =
            match plan.Placements[o.Value] with
            | InLeaf i -> buffers[i].Pointer
            | InConstants i -> constantPointer plan.Constants[i]
            | InPacked i -> packed[i].Pointer
            | InArena offset -> arena.Pointer + nativeint offset
            | InResult _ -> 0n

        start + nativeint o.View.Offset * nativeint (DType.size o.DType)

    let outputs =
        let d = Dictionary<string, OutputView>()

        for o in plan.Outputs do
            d[o.Name] <- { Pointer = pointerOf o.Operand; Type = o.Type }

        d

    // Weights to be packed when they have changed.
    let packings =
        plan.Packs
        |> Array.mapi (fun i p ->
            let watched =
                match plan.Placements[p.Source.Value] with
                | InLeaf leaf -> [| buffers[leaf] |]
                | _ -> buffers

            struct (Watch watched, Select.preparation p.Work (pointerOf p.Source) packed[i].Pointer))

    // Leaves that a run writes, and those that it reads only.
    let written, read =
        let isWritten = Array.create plan.Leaves.Length false

        for step in plan.Steps do
            for o in step.Outputs do
                match plan.Placements[o] with
                | InLeaf i -> isWritten[i] <- true
                | _ -> ()

        let pick (wanted: bool) =
            [| for i in 0 .. buffers.Length - 1 do
                   if isWritten[i] = wanted then buffers[i] |]

        pick true, pick false

    let source = Watch read
    let mutable times: float[] = [||]

    let prepare () =
        match once with
        | ValueSome once -> once.RunIfChanged()
        | ValueNone -> ()

        for i in 0 .. packings.Length - 1 do
            let struct (watch, kernel) = packings[i]
            if watch.HasChanged() then Workers.Run kernel

    let declare () =
        for i in 0 .. written.Length - 1 do
            written[i].Touch()

    member _.Plan = plan

    /// Runs if a leaf that it only reads has changed since it ran last.
    member this.RunIfChanged() : unit = if source.HasChanged() then this.Run()

    member _.Run() : unit =
        prepare ()

        if poison then
            // Every byte 255: NaN as a float, -1 as an integer.
            Span<byte>(arena.Pointer.ToPointer(), int plan.ArenaBytes).Fill 255uy

        for i in 0 .. kernels.Length - 1 do
            Workers.Run kernels[i]

        declare ()
        GC.KeepAlive constants
        GC.KeepAlive buffers
        GC.KeepAlive packed
        GC.KeepAlive arena

    member _.Output(name: string) : OutputView =
        match outputs.TryGetValue name with
        | true, o -> o
        | _ -> OutputView.Missing(name, Seq.toArray outputs.Keys)

    /// Runs several times and measures: microseconds per instruction, the least of all runs.
    member this.Profile(runs: int) : float[] =
        let best = Array.create plan.Steps.Length Double.PositiveInfinity

        for _ in 1 .. max 1 runs do
            prepare ()
            let now = Array.zeroCreate<float> plan.Steps.Length

            for i in 0 .. kernels.Length - 1 do
                let start = Stopwatch.GetTimestamp()
                Workers.Run kernels[i]
                let elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds
                now[owners[i]] <- now[owners[i]] + elapsed

            declare ()

            for k in 0 .. best.Length - 1 do
                best[k] <- min best[k] now[k]

        times <- best
        best

    member _.Describe() : string =
        match once with
        | ValueSome once -> "when a weight has changed, " + once.Describe() + PlanText.print times plan
        | ValueNone -> PlanText.print times plan

    interface Executable with
        member this.Run() = this.Run()
        member this.Output(name) = this.Output name
        member this.Profile(runs) = this.Profile runs |> ignore
        member this.Describe() = this.Describe()
