namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Checks a plan without trusting the planner: replays its writes on an empty map of the memory, and asks at every read
/// whether the bytes still belong to the value that is read.
module internal MemoryCheck =

    /// Bytes [Start, Stop) of a space belong to a value; a negative owner is a workspace.
    [<Struct; NoEquality; NoComparison>]
    type private Range = { Space: int; Start: int64; Stop: int64; Owner: int }

    /// What is wrong with the plan; empty if nothing is.
    let problems (plan: Plan) : string[] =
        let found = List<string>()
        let owners = List<Range>()
        let name (v: int) = "value " + string v + " (" + plan.Values[v].Type.ToString() + ")"

        // Spaces: 0 is the arena, then the leaves, then the constants, then packed weights, then results of a loop's body.
        let rangeOf (v: int) =
            let space, start =
                match plan.Placements[v] with
                | InArena offset -> 0, offset
                | InLeaf i -> 1 + i, 0L
                | InConstants i -> 1 + plan.Leaves.Length + i, 0L
                | InPacked i -> 1 + plan.Leaves.Length + plan.Constants.Length + i, 0L
                | InResult i -> 1 + plan.Leaves.Length + plan.Constants.Length + plan.Packs.Length + i, 0L

            { Space = space; Start = start; Stop = start + plan.Values[v].Bytes; Owner = v }

        let meets (a: Range) (b: Range) = a.Space = b.Space && a.Start < b.Stop && b.Start < a.Stop

        let write (range: Range) =
            for i in owners.Count - 1 .. -1 .. 0 do
                let old = owners[i]

                if meets old range then
                    owners.RemoveAt i
                    if old.Start < range.Start then owners.Add { old with Stop = range.Start }
                    if range.Stop < old.Stop then owners.Add { old with Start = range.Stop }

            if range.Start < range.Stop then owners.Add range

        let read (where: string) (v: int) =
            let range = rangeOf v
            let mutable owned = 0L

            for r in owners do
                if r.Owner = v && meets r range then owned <- owned + (r.Stop - r.Start)

            if owned <> range.Stop - range.Start then
                found.Add(where + " reads " + name v + ", which is not there (any more)")

        let written = HashSet<int>(plan.Steps |> Seq.collect _.Outputs)

        for v in plan.Values do
            match v.Origin with
            | Computed -> ()
            | _ -> write (rangeOf v.Id)

            match plan.Placements[v.Id] with
            // What an instruction keeps in registers has no place.
            | InArena _ when not (written.Contains v.Id) -> ()
            | InArena offset ->
                if offset < 0L || offset % 64L <> 0L || offset + v.Bytes > plan.ArenaBytes then
                    found.Add(name v.Id + " does not lie in the arena on a boundary of 64 bytes")
            | InLeaf i when v.Bytes <> int64 plan.Leaves[i].Shape.Size * int64 (DType.size plan.Leaves[i].DType) ->
                found.Add(name v.Id + " does not fit the leaf it is placed in")
            | _ -> ()

        plan.Steps
        |> Array.iteri (fun k step ->
            let where = "instruction " + string k + " " + step.Name

            for o in step.Inputs do
                if o.Value >= 0 then
                    read where o.Value
                    // Every element that the view reaches must be inside the value.
                    let mutable least = int64 o.View.Offset
                    let mutable most = int64 o.View.Offset

                    for i in 0 .. o.View.Dims.Length - 1 do
                        let reach = int64 (o.View.Dims[i] - 1) * int64 o.View.Strides[i]
                        if reach < 0L then least <- least + reach else most <- most + reach

                    if View.size o.View > 0 && (least < 0L || most >= int64 plan.Values[o.Value].Type.Shape.Size) then
                        found.Add(where + " reads beyond " + name o.Value)

            let workspace =
                { Space = 0
                  Start = plan.WorkspaceOffsets[k]
                  Stop = plan.WorkspaceOffsets[k] + step.Workspace
                  Owner = -1 - k }

            if workspace.Start % 64L <> 0L || workspace.Stop > plan.ArenaBytes then
                found.Add(where + " has its workspace outside of the arena")

            let overlays = Step.overlays plan.Values step

            step.Outputs
            |> Array.iteri (fun o v ->
                let range = rangeOf v

                match plan.Values[v].Origin with
                | ConstantValue _ -> found.Add(where + " writes a constant")
                | PackedValue _ -> found.Add(where + " writes packed weights")
                | _ -> ()

                if meets range workspace then
                    found.Add(where + " has its workspace over " + name v)

                for p in o + 1 .. step.Outputs.Length - 1 do
                    if meets range (rangeOf step.Outputs[p]) then
                        found.Add(where + " writes two results to one place")

                step.Inputs
                |> Array.iteri (fun i operand ->
                    if operand.Value >= 0 then
                        let source = rangeOf operand.Value

                        if meets range source then
                            let exact = range.Start = source.Start && range.Stop = source.Stop
                            if not (exact && Array.contains (o, i) overlays) then
                                found.Add(where + " writes " + name v + " over its operand " + name operand.Value)))

            for o in step.Inputs do
                if o.Value >= 0 && meets (rangeOf o.Value) workspace then
                    found.Add(where + " has its workspace over " + name o.Value)

            write workspace

            for v in step.Outputs do
                write (rangeOf v))

        for o in plan.Outputs do
            read ("output " + o.Name) o.Operand.Value

        found.ToArray()

    /// Raises what is wrong with the plan, if anything is.
    let verify (plan: Plan) =
        let found = problems plan

        if found.Length > 0 then
            raise (
                GraphException(
                    "A plan is broken: its memory overlaps.",
                    "",
                    "every read to find what was written",
                    System.String.Join("; ", found),
                    "This is an error in the library; switching options off one by one shows which part of it."
                )
            )
