namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Kernels

/// A place for every value: lifetimes become offsets in one arena, outputs are written over inputs that die, and new
/// values of leaves are written into the leaves' own buffers where nobody reads the old value any more.
module internal MemoryPlan =

    /// A stretch of the arena needed from one step to another (both included).
    [<NoEquality; NoComparison>]
    type private Block = { First: int; mutable Last: int; Bytes: int64; mutable Offset: int64 }

    /// The commits of updates that were not donated: copies after everything else.
    let private commits (program: Program) (donated: HashSet<int>) : Step[] =
        program.Updates
        |> Array.filter (fun struct (leaf, _) -> not (donated.Contains leaf))
        |> Array.map (fun struct (leaf, value) ->
            { Name = "Update"
              Work = CopyOf
              Inputs = [| Operand.whole program.Values[value] |]
              Outputs = [| leaf |]
              Workspace = 0L })

    /// Greedy best fit: the biggest block first, each in the smallest gap that is free during its life.
    let private place (blocks: Block[]) : int64 =
        let placed = List<Block>()
        let mutable total = 0L

        for block in Array.sortWith (fun (a: Block) b -> compare b.Bytes a.Bytes) blocks do
            let mutable at = 0L
            let mutable bestAt = -1L
            let mutable bestRoom = System.Int64.MaxValue

            for other in placed do
                if other.First <= block.Last && block.First <= other.Last then
                    let room = other.Offset - at

                    if room >= block.Bytes && room < bestRoom then
                        bestAt <- at
                        bestRoom <- room

                    at <- max at (other.Offset + other.Bytes)

            block.Offset <- (if bestAt >= 0L then bestAt else at)
            total <- max total (block.Offset + block.Bytes)
            let behind = placed.FindIndex(fun b -> b.Offset > block.Offset)
            placed.Insert((if behind < 0 then placed.Count else behind), block)

        total

    /// `results`: true in a loop's body, whose results get their places from the loop.
    let run (inPlace: bool) (donate: bool) (reuse: bool) (results: bool) (program: Program) : Plan =
        let values = program.Values
        let steps = program.Steps
        let n = steps.Length
        let lastRead = Array.create values.Length -1
        let written = Array.create values.Length -1

        steps
        |> Array.iteri (fun i s ->
            for o in s.Inputs do
                if o.Value >= 0 then lastRead[o.Value] <- i

            for o in s.Outputs do
                written[o] <- i)

        let placements: Placement[] = Array.create values.Length (InArena -1L)
        let leafIndex = Dictionary<int, int>()
        let mutable leaves = 0
        let mutable constants = 0

        for v in values do
            match v.Origin with
            | LeafValue _ ->
                placements[v.Id] <- InLeaf leaves
                leafIndex[v.Id] <- leaves
                leaves <- leaves + 1
            | ConstantValue _ ->
                placements[v.Id] <- InConstants constants
                constants <- constants + 1
            | PackedValue i -> placements[v.Id] <- InPacked i
            | Computed -> ()

        // Values whose place is not in the arena.
        let fixedPlace = HashSet<int>()

        if results then
            program.Outputs
            |> Array.iteri (fun k o -> if fixedPlace.Add o.Operand.Value then placements[o.Operand.Value] <- InResult k)

        // A step may write over an operand that nobody reads later, if its kernel can.
        let overlays = steps |> Array.map (Step.overlays values)

        let donated = HashSet<int>()

        if donate then
            for struct (leaf, value) in program.Updates do
                let w = written[value]

                let free =
                    w >= 0
                    && lastRead[leaf] <= w
                    && values[leaf].Bytes = values[value].Bytes
                    && (lastRead[leaf] < w
                        || (inPlace
                            && overlays[w]
                               |> Array.exists (fun (o, i) ->
                                   steps[w].Outputs[o] = value && steps[w].Inputs[i].Value = leaf)))

                if free && fixedPlace.Add value then
                    placements[value] <- InLeaf leafIndex[leaf]
                    donated.Add leaf |> ignore

        let all = Array.append steps (commits program donated)

        for i in n .. all.Length - 1 do
            lastRead[all[i].Inputs[0].Value] <- i

        for o in program.Outputs do
            lastRead[o.Operand.Value] <- all.Length

        // Chains of values that share a block.
        let blockOf: Block option[] = Array.create values.Length None
        let blocks = List<Block>()

        for i in 0 .. n - 1 do
            let step = steps[i]
            let used = HashSet<int>()

            for o in 0 .. step.Outputs.Length - 1 do
                let v = step.Outputs[o]

                if not (fixedPlace.Contains v) then
                    let last = if reuse then max lastRead[v] i else all.Length

                    let over =
                        if inPlace && reuse then
                            overlays[i]
                            |> Array.tryPick (fun (out, input) ->
                                if out <> o then
                                    None
                                else
                                    let source = step.Inputs[input].Value

                                    match blockOf[source] with
                                    | Some block when lastRead[source] = i && used.Add source -> Some block
                                    | _ -> None)
                        else
                            None

                    let block =
                        match over with
                        | Some b ->
                            b.Last <- max b.Last last
                            b
                        | None ->
                            let b = { First = i; Last = last; Bytes = Mem.align values[v].Bytes; Offset = 0L }

                            blocks.Add b
                            b

                    blockOf[v] <- Some block

        let workBlocks =
            all
            |> Array.mapi (fun i s ->
                { First = (if reuse then i else 0)
                  Last = (if reuse then i else all.Length)
                  Bytes = Mem.align s.Workspace
                  Offset = 0L })

        let arena = place (Array.append (blocks.ToArray()) (workBlocks |> Array.filter (fun b -> b.Bytes > 0L)))

        for v in values do
            match blockOf[v.Id] with
            | Some b -> placements[v.Id] <- InArena b.Offset
            | None ->
                match placements[v.Id] with
                | InArena _ -> placements[v.Id] <- InArena 0L
                | _ -> ()

        { Leaves = program.Leaves
          Constants = program.Constants
          Packs = program.Packs
          Values = values
          Placements = placements
          Steps = all
          WorkspaceOffsets = workBlocks |> Array.map (fun b -> b.Offset)
          Outputs = program.Outputs
          ArenaBytes = arena }
