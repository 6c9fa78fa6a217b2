namespace FunctionalNet.Compiler

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// What follows a convolution and can be done to its results while they are in registers, by kernels that take a
/// `ConvEnding`: a bias, a rectifier, and poolings of 2 x 2 positions.
module internal Endings =

    /// A bias and a rectifier: the region's input that is the bias, or -1; and whether negative results become zero.
    let private ofRegion (region: Region) (source: int) (channels: int) : struct (int * bool) voption =
        let isResult (v: int) = region.Outputs.Length = 1 && region.Outputs[0].Value = v
        let first = region.Inputs.Length

        let biasOf (i: TileInstruction) =
            let other = if i.A = source then i.B else i.A

            if i.Op <> TileOp.Add || (i.A <> source && i.B <> source) || other >= first || other = source then
                -1
            else
                match region.Inputs[other].Access with
                | Strided([| _; c |], [| 0; 1 |]) when
                    c = channels && region.Inputs[other].DType = region.Inputs[source].DType
                    ->
                    other
                | _ -> -1

        let isWhole =
            region.Summed.Length = 0
            && region.Outputs.Length = 1
            && region.Outputs[0].DType = region.Inputs[source].DType
            && TileOps.dtypeOf region.Domain = region.Inputs[source].DType

        match region.Instructions with
        | [| relu |] when isWhole && relu.Op = TileOp.Relu && relu.A = source && isResult first ->
            ValueSome(struct (-1, true))
        | [| add |] when isWhole && biasOf add >= 0 && isResult first -> ValueSome(struct (biasOf add, false))
        | [| add; relu |] when
            isWhole && biasOf add >= 0 && relu.Op = TileOp.Relu && relu.A = first && isResult (first + 1)
            ->
            ValueSome(struct (biasOf add, true))
        | _ -> ValueNone

    /// The ending that a region behind a convolution is, with the operands of the instruction that has both.
    let ofEpilogue (e: EpilogueWork) (channels: int) (operands: nativeint[]) : ConvEnding voption =
        match ofRegion e.Region e.Source channels with
        | ValueSome(struct (bias, rectifies)) ->
            ValueSome
                { ConvEnding.None with
                    Bias = (if bias < 0 then 0n else operands[e.FirstInput + bias])
                    Rectifies = rectifies }
        | ValueNone -> ValueNone

    /// Windows of 2 x 2 positions, side by side.
    let private isPair (spec: FunctionalNet.Graph.PoolSpec) =
        let all (n: int) (values: int[]) = values.Length = 2 && Array.forall ((=) n) values
        all 2 spec.Window && all 2 spec.Strides && all 0 spec.PadLow && all 0 spec.PadHigh

    /// True if the kernel of a convolution, with what follows it, takes a `ConvEnding`. `canEnd` knows that of kernels.
    let private takesEnding (canEnd: Work -> bool) (work: Work) =
        match work with
        | WithEpilogue(conv, e) ->
            canEnd conv
            && e.Target = 0
            && (match conv with
                | Prepacked(Primitive(Conv _, _, results))
                | Primitive(Conv _, _, results) -> (ofRegion e.Region e.Source results[0].Shape[-1]).IsSome
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
