namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet

/// The order in which instructions run: as given (producers first), or one that needs less memory at its peak.
module internal Schedule =

    /// For each step, the steps that must run before it: producers of its operands and, where a leaf takes its new value
    /// from a step and that is possible, all other readers of the old value.
    let private predecessors (donate: bool) (program: Program) : HashSet<int>[] =
        let steps = program.Steps
        let producer = Array.create program.Values.Length -1
        let readers = Array.init program.Values.Length (fun _ -> List<int>())

        steps
        |> Array.iteri (fun i s ->
            for o in s.Outputs do
                producer[o] <- i

            for o in s.Inputs do
                if o.Value >= 0 then readers[o.Value].Add i)

        let before =
            steps
            |> Array.map (fun s ->
                let set = HashSet<int>()

                for o in s.Inputs do
                    if o.Value >= 0 && producer[o.Value] >= 0 then
                        set.Add producer[o.Value] |> ignore

                    for v in o.After do
                        if producer[v] >= 0 then set.Add producer[v] |> ignore

                set)

        if donate then
            let after = Array.init steps.Length (fun _ -> List<int>())
            before
            |> Array.iteri (fun i set ->
                for p in set do
                    after[p].Add i)

            for struct (leaf, value) in program.Updates do
                let writer = producer[value]

                if writer >= 0 then
                    // Everything that depends on the writer, over the edges so far.
                    let reached = HashSet<int>([| writer |])
                    let stack = Stack<int>([| writer |])

                    while stack.Count > 0 do
                        for next in after[stack.Pop()] do
                            if reached.Add next then stack.Push next

                    if readers[leaf] |> Seq.forall (fun r -> r = writer || not (reached.Contains r)) then
                        for r in readers[leaf] do
                            if r <> writer && before[writer].Add r then after[r].Add writer

        before

    /// Bytes of arena that each value takes: none for new values of leaves, which are written to the leaves if `donate`
    /// allows it.
    let private sizes (donate: bool) (program: Program) : int64[] =
        let bytes =
            program.Values
            |> Array.map (fun v ->
                match v.Origin with
                | Computed -> v.Bytes
                | _ -> 0L)

        if donate then
            for struct (_, value) in program.Updates do
                bytes[value] <- 0L

        bytes

    /// Bytes of arena in use at the worst moment of an order.
    let private peak (sizes: int64[]) (program: Program) (order: int[]) : int64 =
        let last = Array.create program.Values.Length -1

        order
        |> Array.iteri (fun at i ->
            for o in program.Steps[i].Inputs do
                if o.Value >= 0 then last[o.Value] <- at

            for o in program.Steps[i].Outputs do
                last[o] <- max last[o] at)

        for o in program.Outputs do
            last[o.Operand.Value] <- order.Length

        let dies = Array.init (order.Length + 1) (fun _ -> List<int>())

        program.Values
        |> Array.iter (fun v ->
            match v.Origin with
            | Computed when last[v.Id] >= 0 -> dies[last[v.Id]].Add v.Id
            | _ -> ())

        let mutable now = 0L
        let mutable worst = 0L

        order
        |> Array.iteri (fun at i ->
            let step = program.Steps[i]

            for o in step.Outputs do
                now <- now + sizes[o]

            worst <- max worst (now + step.Workspace)

            for v in dies[at] do
                now <- now - sizes[v])

        worst

    /// Kahn's algorithm; among the steps that are ready, the one that `cost` likes best, the earliest at a tie.
    let private listed (before: HashSet<int>[]) (cost: int -> int64) (ran: int -> unit) : int[] =
        let n = before.Length
        let missing = before |> Array.map (fun s -> s.Count)
        let after = Array.init n (fun _ -> List<int>())
        before
        |> Array.iteri (fun i set ->
            for p in set do
                after[p].Add i)
        let ready = SortedSet<int>()

        for i in 0 .. n - 1 do
            if missing[i] = 0 then ready.Add i |> ignore

        let order = List<int>()

        while ready.Count > 0 do
            let mutable best = -1
            let mutable bestCost = System.Int64.MaxValue

            for i in ready do
                let c = cost i

                if c < bestCost then
                    best <- i
                    bestCost <- c

            ready.Remove best |> ignore
            order.Add best
            ran best

            for next in after[best] do
                missing[next] <- missing[next] - 1
                if missing[next] = 0 then ready.Add next |> ignore

        order.ToArray()

    /// True for the way from 16 bits to 32, which gives twice the bytes.
    let private isWidening (program: Program) (step: Step) =
        match step.Work with
        | Elementwise region ->
            region.Instructions.Length = 1
            && step.Inputs.Length = 1
            && step.Inputs[0].DType = DType.BFloat16
            && program.Values[step.Outputs[0]].Type.DType = DType.Float32
        | _ -> false

    /// The order with every widening that one step reads just before that step.
    let private widenedLate (program: Program) (order: int[]) : int[] =
        let steps = program.Steps
        let readers = Array.init program.Values.Length (fun _ -> List<int>())

        for i in order do
            for o in steps[i].Inputs do
                if o.Value >= 0 && not (readers[o.Value].Contains i) then readers[o.Value].Add i

        let isLate i = isWidening program steps[i] && readers[steps[i].Outputs[0]].Count = 1
        let late =
            order |> Array.filter isLate |> Array.groupBy (fun i -> readers[steps[i].Outputs[0]][0]) |> dict

        if late.Count = 0 then
            order
        else
            let result = List<int>()

            let rec add i =
                match late.TryGetValue i with
                | true, before -> Array.iter add before
                | _ -> ()

                result.Add i

            for i in order do
                if not (isLate i) then add i

            result.ToArray()

    /// The program with its steps in the better of two orders: as emitted, and greedily by the memory that each step
    /// takes minus what it frees.
    let run (optimise: bool) (donate: bool) (program: Program) : Program =
        let before = predecessors donate program
        let sizes = sizes donate program
        let plain = listed before int64 ignore |> widenedLate program

        let best =
            if not optimise then
                plain
            else
                let uses = Array.zeroCreate<int> program.Values.Length

                for s in program.Steps do
                    for o in s.Inputs do
                        if o.Value >= 0 then uses[o.Value] <- uses[o.Value] + 1

                for o in program.Outputs do
                    uses[o.Operand.Value] <- uses[o.Operand.Value] + 1

                let cost i =
                    let step = program.Steps[i]
                    let mutable c = 0L

                    // What nobody reads is gone when the step is done.
                    for o in step.Outputs do
                        if uses[o] > 0 then c <- c + sizes[o]

                    for o in step.Inputs do
                        if o.Value >= 0 then
                            // An operand read twice by the step counts as its last use when these are all that is left.
                            let here = step.Inputs |> Array.sumBy (fun p -> if p.Value = o.Value then 1 else 0)
                            if uses[o.Value] = here then c <- c - sizes[o.Value] / int64 here

                    c

                let ran i =
                    for o in program.Steps[i].Inputs do
                        if o.Value >= 0 then uses[o.Value] <- uses[o.Value] - 1

                let greedy = listed before cost ran |> widenedLate program
                if peak sizes program greedy < peak sizes program plain then greedy else plain

        { program with Steps = best |> Array.map (fun i -> program.Steps[i]) }
