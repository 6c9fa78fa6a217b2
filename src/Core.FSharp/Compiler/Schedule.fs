namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet

/// The order in which instructions run: as given (producers first), or one that needs less memory at its peak.
module internal Schedule =

    /// For each step, the steps that must run before it: producers of its operands and, where a leaf that is `donated` takes its
    /// new value from a step and that is possible, all other readers of the old value.
    let private predecessors (donated: int -> bool) (program: Program) : HashSet<int>[] =
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

        let after = Array.init steps.Length (fun _ -> List<int>())
        before
        |> Array.iteri (fun i set ->
            for p in set do
                after[p].Add i)

        for struct (leaf, value) in program.Updates do
            let writer = producer[value]

            if writer >= 0 && donated leaf then
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

    /// What looking at an order needs.
    [<NoEquality; NoComparison>]
    type private PeakRoom =
        {
            /// Bytes of values where all leaves take their new values at once.
            Usual: int64[]
            Sizes: int64[]
            Last: int[]
            Written: int[]
            PassedOn: HashSet<int>
        }

    /// Bytes of arena in use at the worst moment of an order, and when that is. `overlays` are those of each step: a result
    /// over an operand that nobody reads later takes no memory of its own. Many orders are looked at, in the same `room`.
    let private peakIn
        (room: PeakRoom)
        (donate: bool)
        (overlays: (int * int)[][])
        (program: Program)
        (order: int[])
        : struct (int64 * int) =
        let last, written, sizes, passedOn = room.Last, room.Written, room.Sizes, room.PassedOn
        System.Array.Fill(last, -1)
        System.Array.Fill(written, -1)
        System.Array.Copy(room.Usual, sizes, sizes.Length)

        for at in 0 .. order.Length - 1 do
            for o in program.Steps[order[at]].Inputs do
                if o.Value >= 0 then last[o.Value] <- at

            for o in program.Steps[order[at]].Outputs do
                written[o] <- at

        for struct (leaf, value) in program.Updates do
            // A new value that comes before the last look at the old one waits until the end.
            if not donate || last[leaf] > written[value] then
                last[value] <- order.Length
                if written[value] >= 0 then sizes[value] <- program.Values[value].Bytes

        for o in program.Outputs do
            last[o.Operand.Value] <- order.Length

        let mutable now = 0L
        let mutable worst = -1L
        let mutable moment = 0

        for at in 0 .. order.Length - 1 do
            let step = program.Steps[order[at]]
            passedOn.Clear()

            for k in 0 .. step.Outputs.Length - 1 do
                let mutable isOver = false

                for output, input in overlays[order[at]] do
                    let source = step.Inputs[input].Value

                    if output = k && not isOver && last[source] = at && sizes[source] > 0L then
                        isOver <- passedOn.Add source

                if not isOver then now <- now + sizes[step.Outputs[k]]

            if now + step.Workspace > worst then
                worst <- now + step.Workspace
                moment <- at

            for k in 0 .. step.Inputs.Length - 1 do
                let v = step.Inputs[k].Value

                // Once, and not what lives on as a result.
                if v >= 0 && last[v] = at && passedOn.Add v then now <- now - sizes[v]

            for o in step.Outputs do
                if last[o] <= at then now <- now - sizes[o]

        struct (worst, moment)

    /// Plans below that need no better order: what looking for one takes would be seen when a program starts.
    let private Modest = 4L * 1024L * 1024L

    /// How far a step is looked for that had better be elsewhere than it is.
    [<Literal>]
    let private Far = 32

    /// An order with a lower peak than this one, by moving a step again and again: the one at the worst moment to another, or a
    /// neighbour to its other side. Dependencies are kept. Of the best moves, the first and nearest: steps find in the caches what
    /// they would have found.
    let private improved
        (before: HashSet<int>[])
        (peak: int[] -> struct (int64 * int))
        (order: int[])
        : struct (int64 * int[]) =
        let candidate = Array.copy order
        let mutable best = order
        let struct (first, at) = peak order
        let mutable worst = first
        let mutable moment = at
        let mutable rounds = 16

        while rounds > 0 do
            let current = best
            let now = moment
            let mutable found = false

            let attempt (from: int) (target: int) =
                if target >= 0 && target < current.Length && target <> from then
                    let step = current[from]
                    let mutable isAllowed = true

                    // What it passes neither needs it nor is needed by it.
                    for i in min from target .. max from target do
                        if
                            (i > from && before[current[i]].Contains step)
                            || (i < from && before[step].Contains current[i])
                        then
                            isAllowed <- false

                    if isAllowed then
                        System.Array.Copy(current, candidate, current.Length)

                        if from < target then
                            System.Array.Copy(current, from + 1, candidate, from, target - from)
                        else
                            System.Array.Copy(current, target, candidate, target + 1, from - target)

                        candidate[target] <- step
                        let struct (bytes, at) = peak candidate

                        if bytes < worst then
                            worst <- bytes
                            moment <- at
                            best <- Array.copy candidate
                            found <- true

            for distance in 1..Far do
                attempt now (now + distance)
                attempt now (now - distance)
                attempt (min (current.Length - 1) (now + distance)) now
                attempt (max 0 (now - distance)) now

            rounds <- if found then rounds - 1 else 0

        struct (worst, best)

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

    /// The program with its steps in the best of three orders: as emitted, greedily by the memory that each step takes minus what it
    /// frees, and the better of these improved. `inPlace`: results are written over operands that die.
    let run (optimise: bool) (inPlace: bool) (donate: bool) (program: Program) : Program =
        let before = predecessors (fun _ -> donate) program
        let sizes = sizes donate program
        let plain = listed before int64 ignore |> widenedLate program

        let best =
            if not optimise then
                plain
            else
                let overlays =
                    program.Steps |> Array.map (fun s -> if inPlace then Step.overlays program.Values s else [||])

                let room =
                    { Usual = sizes
                      Sizes = Array.copy sizes
                      Last = Array.zeroCreate sizes.Length
                      Written = Array.zeroCreate sizes.Length
                      PassedOn = HashSet<int>() }

                let peak order = peakIn room donate overlays program order
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
                let struct (plainBytes, _) = peak plain
                let struct (greedyBytes, _) = peak greedy
                let bytes = min plainBytes greedyBytes
                let best = if greedyBytes < plainBytes then greedy else plain

                if bytes < Modest then
                    best
                else
                    // A small new value may as well wait for the last look at the old one.
                    let isLarge (leaf: int) = donate && 64L * program.Values[leaf].Bytes > bytes
                    let struct (fewer, other) = improved (predecessors isLarge program) peak best
                    // Not for a few bytes: the order as emitted is good to the caches.
                    if 16L * fewer <= 15L * bytes then other else best

        { program with Steps = best |> Array.map (fun i -> program.Steps[i]) }
