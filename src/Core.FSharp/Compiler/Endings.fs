namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// What follows a convolution and can be done to its results while they are in registers, by kernels that take a
/// `ConvEnding`: a bias, a rectifier, and poolings of 2 x 2 positions.
module internal Endings =

    /// A bias, an addend of the shape of the results, a rounding to 16 bits and a rectifier, in this order, each there or not:
    /// the region's inputs that are the bias and the addend, or -1.
    [<Struct; NoEquality; NoComparison>]
    type private Ended = { Bias: int; Addend: int; Rounds: bool; Rectifies: bool; IsNarrow: bool }

    let private ofRegion (region: Region) (source: int) (channels: int) : Ended voption =
        let first = region.Inputs.Length
        let dtype = region.Inputs[source].DType

        // The input that an instruction adds to a value, or -1.
        let addedTo (value: int) (i: TileInstruction) =
            let other = if i.A = value then i.B else i.A

            if i.Op <> TileOp.Add || (i.A <> value && i.B <> value) || other >= first || other = source then -1
            elif region.Inputs[other].DType <> dtype then -1
            else other

        let biasOf (i: TileInstruction) =
            match addedTo source i with
            | -1 -> -1
            | other ->
                match region.Inputs[other].Access with
                | Strided([| _; c |], [| 0; 1 |]) when c = channels -> other
                | _ -> -1

        let addendOf (value: int) (i: TileInstruction) =
            match addedTo value i with
            | -1 -> -1
            | other ->
                match region.Inputs[other].Access with
                | Flat -> other
                | _ -> -1

        let isWhole =
            region.Summed.Length = 0 && region.Outputs.Length = 1 && TileOps.dtypeOf region.Domain = dtype

        // The value that the next instruction must read, and how many there are.
        let mutable value = source
        let mutable done' = 0
        let mutable ended = { Bias = -1; Addend = -1; Rounds = false; Rectifies = false; IsNarrow = false }

        let take (isNext: TileInstruction -> bool) =
            let fits = done' < region.Instructions.Length && isNext region.Instructions[done']

            if fits then
                value <- first + done'
                done' <- done' + 1

            fits

        if take (fun i -> biasOf i >= 0) then
            ended <- { ended with Bias = biasOf region.Instructions[0] }

        let sum = value

        if take (fun i -> addendOf sum i >= 0) then
            ended <- { ended with Addend = addendOf sum region.Instructions[done' - 1] }

        if take (fun i -> i.Op = TileOp.RoundToHalf && i.A = value) then
            ended <- { ended with Rounds = true }
        if take (fun i -> i.Op = TileOp.Relu && i.A = value) then
            ended <- { ended with Rectifies = true }

        if not isWhole || done' < region.Instructions.Length || region.Outputs[0].Value <> value then
            ValueNone
        elif region.Outputs[0].DType = dtype then
            if ended.Addend >= 0 && ended.Rounds then ValueNone else ValueSome ended
        elif ended.Addend >= 0 then
            ValueNone
        elif region.Outputs[0].DType = DType.BFloat16 then
            // What is stored in 16 bits is rounded by that; rectified or not.
            ValueSome { ended with Rounds = true; IsNarrow = true }
        else
            ValueNone

    /// The ending that a region behind a convolution is, with the operands of the instruction that has both.
    let ofEpilogue (e: EpilogueWork) (channels: int) (operands: nativeint[]) : ConvEnding voption =
        match ofRegion e.Region e.Source channels with
        | ValueSome ended ->
            ValueSome
                { Bias = (if ended.Bias < 0 then 0n else operands[e.FirstInput + ended.Bias])
                  Addend = (if ended.Addend < 0 then 0n else operands[e.FirstInput + ended.Addend])
                  Rounds = ended.Rounds
                  Rectifies = ended.Rectifies
                  IsNarrow = ended.IsNarrow
                  Pools = false
                  Places = 0n
                  Mask = 0n }
        | ValueNone -> ValueNone

    /// Windows of 2 x 2 positions, side by side.
    let isPair (spec: FunctionalNet.Graph.PoolSpec) =
        let all (n: int) (values: int[]) = values.Length = 2 && Array.forall ((=) n) values
        all 2 spec.Window && all 2 spec.Strides && all 0 spec.PadLow && all 0 spec.PadHigh

    /// True if the kernel of a convolution, with what follows it, takes a `ConvEnding` that pools. `canEnd` knows that of kernels.
    let takesEnding (canEnd: Work -> bool) (work: Work) =
        match work with
        | WithEpilogue(conv, e) ->
            canEnd conv
            && e.Target = 0
            && (match conv with
                | Prepacked(Primitive(Conv _, _, results))
                | Primitive(Conv _, _, results) ->
                    (match ofRegion e.Region e.Source results[0].Shape[-1] with
                     | ValueSome ended -> ended.Addend < 0
                     | ValueNone -> false)
                | _ -> false)
        | conv -> canEnd conv

    /// Poolings of 2 x 2 positions become part of the convolutions before them, where nothing else reads their results.
    let pool (canEnd: Work -> bool) (program: Program) : Program =
        let readers = Dictionary<int, int>()
        let read (v: int) =
            readers[v] <-
                (match readers.TryGetValue v with
                 | true, n -> n + 1
                 | _ -> 1)

        for step in program.Steps do
            for o in step.Inputs do
                if o.Value >= 0 then read o.Value

        for o in program.Outputs do
            read o.Operand.Value

        for struct (_, value) in program.Updates do
            read value

        // For each result of a convolution that may be pooled in registers, its instruction.
        let sources = Dictionary<int, int>()
        let steps = Array.copy program.Steps
        let isGone = Array.create steps.Length false

        for k in 0 .. steps.Length - 1 do
            let step = steps[k]

            match step.Work with
            | Primitive(MaxPool spec, _, _) when isPair spec ->
                let x = step.Inputs[0]

                match sources.TryGetValue x.Value with
                | true, source when Operand.isWhole program.Values[x.Value] x && readers[x.Value] = 1 ->
                    let conv = steps[source]

                    steps[k] <-
                        { conv with
                            Name = conv.Name + "+" + step.Name
                            Work = Pooled conv.Work
                            Outputs = step.Outputs }

                    isGone[source] <- true
                | _ -> ()
            | work ->
                if step.Outputs.Length = 1 && takesEnding canEnd work then
                    sources[step.Outputs[0]] <- k

        if Array.contains true isGone then
            { program with
                Steps =
                    [| for k in 0 .. steps.Length - 1 do
                           if not isGone[k] then steps[k] |] }
        else
            program

    /// The input of a region behind a kernel that masks the kernel's result: zero where the input is not above zero.
    let private maskOf (e: EpilogueWork) : int voption =
        let region = e.Region
        let inputs = region.Inputs

        match region.Instructions with
        | [| zero; above; pick |] when
            inputs.Length = 2
            && zero.Op = TileOp.Const
            && zero.Value = 0.0
            && above.Op = TileOp.Gt
            && above.A = 1 - e.Source
            && above.B = 2
            && pick.Op = TileOp.Select
            && pick.A = 3
            && pick.B = e.Source
            && pick.C = 2
            && region.Summed.Length = 0
            && region.Outputs.Length = 1
            && region.Outputs[0].Value = 4
            && e.Target = 0
            && region.Outputs[0].DType = inputs[0].DType
            && inputs[0].DType = inputs[1].DType
            ->
            match inputs[1 - e.Source].Access with
            | Flat -> ValueSome(1 - e.Source)
            | _ -> ValueNone
        | _ -> ValueNone

    /// Masks of rectifiers become part of the gradients of convolutions before them, whose kernels apply them in registers: then
    /// the result may be written over what masks it. `canMask` knows that of kernels.
    let mask (canMask: Work -> bool) (program: Program) : Program =
        let masked (step: Step) =
            match step.Work with
            | WithEpilogue((Primitive(ConvInputGrad _, _, _) as gradient) as work, e)
            | WithEpilogue(Unpooled(Primitive(ConvInputGrad _, _, _) as gradient) as work, e) when canMask gradient ->
                match maskOf e with
                | ValueSome input ->
                    { step with
                        Work = Masked work
                        Inputs =
                            Array.append
                                (Array.truncate e.FirstInput step.Inputs)
                                [| step.Inputs[e.FirstInput + input] |] }
                | ValueNone -> step
            | _ -> step

        { program with Steps = Array.map masked program.Steps }
