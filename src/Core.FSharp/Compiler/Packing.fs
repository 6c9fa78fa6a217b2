namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// Products and convolutions with weights that stay the same between runs get these in the order in which their kernels
/// read them.
module internal Packing =

    /// `isFixed` says of leaves that they stay the same between runs.
    let run (isFixed: Expr -> bool) (program: Program) : Program =
        let values = List<Value>(program.Values)
        let packs = List<Pack>()

        let isWeight (o: Operand) =
            o.Value >= 0
            && match values[o.Value].Origin with
               | LeafValue leaf -> isFixed leaf
               | _ -> false

        let packed (step: Step) (work: Work) : struct (Work * Operand) voption =
            let weights = step.Inputs[1]
            let bytes = if isWeight weights then Select.preparedBytes work else 0L

            if bytes = 0L then
                ValueNone
            else
                let size = DType.size weights.DType
                let t = { DType = weights.DType; Shape = Shape.Of(int (bytes / int64 size)) }
                let value = { Id = values.Count; Type = t; Origin = PackedValue packs.Count }
                values.Add value
                packs.Add { Source = weights; Work = work; Value = value.Id }
                ValueSome(struct (Prepacked work, Operand.whole value))

        let replace (step: Step) =
            let result =
                match step.Work with
                | WithEpilogue(work, e) ->
                    packed step work |> ValueOption.map (fun (struct (w, o)) -> struct (WithEpilogue(w, e), o))
                | MatMuls _
                | Primitive(Conv _, _, _)
                | Primitive(Structured(:? Int8Matrix), _, _) -> packed step step.Work
                | _ -> ValueNone

            match result with
            | ValueSome(work, weights) ->
                { step with
                    Work = work
                    Inputs = Array.mapi (fun i o -> if i = 1 then weights else o) step.Inputs
                    Workspace = Select.workspace work }
            | ValueNone -> step

        let steps = Array.map replace program.Steps

        if packs.Count = 0 then
            program
        else
            { program with Steps = steps; Values = values.ToArray(); Packs = packs.ToArray() }
