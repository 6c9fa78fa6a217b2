namespace FunctionalNet.Compiler

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// Where a value comes from.
[<NoEquality; NoComparison>]
type internal Origin =
    /// Bound from outside when the plan is made executable.
    | LeafValue of Expr
    | ConstantValue of Tensor
    /// Weights in the order in which a kernel reads them, made when the weights have changed.
    | PackedValue of pack: int
    /// Written by an instruction.
    | Computed

/// Something that takes memory: what one instruction writes and others read.
[<NoEquality; NoComparison>]
type internal Value =
    { Id: int
      Type: TensorType
      Origin: Origin }

    member this.Bytes = int64 this.Type.Shape.Size * int64 (DType.size this.Type.DType)

/// A value as an instruction reads it.
[<NoEquality; NoComparison>]
type internal Operand =
    {
        /// The value's number, or -1 for an operand that a kernel does not look at.
        Value: int
        DType: DType
        View: View
        /// Values that must be there before it is read, although they are not.
        After: int[]
    }

/// A fused group of elementwise operations.
[<NoEquality; NoComparison>]
type internal Region =
    {
        Size: int
        Domain: TileDomain
        Inputs: TileInput[]
        Instructions: TileInstruction[]
        Outputs: TileOutput[]
        /// Values whose sums are results too.
        Summed: int[]
        Program: TileProgram
    }

/// One or many matrix products; offsets are in elements, one per product.
[<NoEquality; NoComparison>]
type internal MatMulWork =
    { DType: DType
      TransposeA: bool
      TransposeB: bool
      M: int
      N: int
      K: int
      Lda: int
      Ldb: int
      Ldc: int
      OffsetsA: int[]
      OffsetsB: int[]
      OffsetsC: int[] }

/// What an instruction does.
[<NoEquality; NoComparison>]
type internal Work =
    | Elementwise of Region
    /// A region some of whose values are summed: their sums are results behind those of the region.
    | RegionSums of Region * SumCut
    /// Writes the elements of a strided operand one behind the other.
    | CopyOf
    /// A primitive operation with a kernel of its own, on contiguous operands.
    | Primitive of Op * inputs: TensorType[] * outputs: TensorType[]
    | MatMuls of MatMulWork
    /// Over the last axis, of that size.
    | SoftmaxRows of log: bool * rows: int * n: int
    /// Inputs: the result, its cotangent.
    | SoftmaxGradRows of log: bool * rows: int * n: int
    | Loop of LoopWork
    /// A product or convolution whose second operand comes packed.
    | Prepacked of Work
    /// A convolution, with what follows it, of whose results only the largest of each 2 x 2 positions are written, and, as a
    /// second result if there is one, which position that was.
    | Pooled of Work
    /// A gradient of a convolution that reads, instead of the gradient of its results, that of their 2 x 2 max-pooling, and as its
    /// last operand which positions were kept.
    | Unpooled of Work
    /// A gradient of a convolution, zero where the last operand, laid out as the result, is not above zero.
    | Masked of Work
    /// A kernel, and a region that reads its result: run on each part of the result as soon as that is complete.
    | WithEpilogue of Work * EpilogueWork
    /// A kernel run on some rows at a time, since what it reads or writes is kept in 16 bits.
    | InParts of PartsWork

and [<NoEquality; NoComparison>] internal EpilogueWork =
    {
        Region: Region
        /// From this one on, the instruction's operands are those of the region.
        FirstInput: int
        /// The region's input that is the kernel's result; the operand in its place is none.
        Source: int
        /// The instruction's result in whose memory the kernel writes: one of the region's, which goes over it, or one behind
        /// those, if the kernel's result is needed by others or fits under none; -1 if it is in the workspace, part by part.
        Target: int
    }

and [<NoEquality; NoComparison>] internal PartsWork =
    {
        /// All of it, on floats.
        Work: Work
        Rows: int
        /// Rows at a time.
        PartRows: int
        /// Elements of a row of each operand; 0 for one that every part reads whole.
        RowSizes: int[]
        /// Elements of a row of the result; 0 where the results of the parts are added up.
        ResultRow: int
        /// Elements of the result.
        ResultSize: int
        /// Operands of 16 bits.
        Narrow: bool[]
        /// True if the result is in the workspace, for an epilogue alone to read.
        InWork: bool
    }

/// A scan: the body's plan, run once per step, in memory inside the instruction's workspace.
and [<NoEquality; NoComparison>] internal LoopWork =
    {
        Body: Plan
        Scan: Scan
        /// Per carry: the output whose slice holds the new carry too, or -1.
        CarryFrom: int[]
        /// Where in the workspace the two buffers of each carry start; -1 if it needs none.
        CarryOffsets: int64[]
        Workspace: int64
    }

/// Where a value lies.
and [<NoEquality; NoComparison>] internal Placement =
    /// In the buffer bound to the leaf of that index.
    | InLeaf of leaf: int
    /// In the constants, by index.
    | InConstants of constant: int
    /// In memory of its own, by the number of the packing.
    | InPacked of pack: int
    /// In the arena, at that byte.
    | InArena of offset: int64
    /// In the place that the loop around gives to this result of the body.
    | InResult of output: int

and [<NoEquality; NoComparison>] internal Step =
    {
        Name: string
        Work: Work
        Inputs: Operand[]
        /// Values written. The value of a leaf may be among them: then the leaf takes its new value here.
        Outputs: int[]
        /// Bytes of memory needed while it runs.
        Workspace: int64
    }

/// Weights to be packed for an instruction when they have changed: `Work` without `Prepacked` around it, and the operand
/// it would read.
and [<NoEquality; NoComparison>] internal Pack = { Source: Operand; Work: Work; Value: int }

and [<NoEquality; NoComparison>] internal PlanOutput = { Name: string; Type: TensorType; Operand: Operand }

/// What will be run: instructions in order, and a place for every value. Immutable; knows no pointers.
and [<NoEquality; NoComparison>] internal Plan =
    {
        Leaves: Expr[]
        Constants: Tensor[]
        Packs: Pack[]
        Values: Value[]
        Placements: Placement[]
        Steps: Step[]
        /// Where each instruction's workspace starts in the arena.
        WorkspaceOffsets: int64[]
        Outputs: PlanOutput[]
        ArenaBytes: int64
    }

module internal Operand =

    let none =
        { Value = -1
          DType = DType.Float32
          View = { Dims = [||]; Strides = [||]; Offset = 0 }
          After = [||] }

    /// All of a value, in order.
    let whole (value: Value) =
        { Value = value.Id; DType = value.Type.DType; View = View.ofShape value.Type.Shape; After = [||] }

    /// True when the operand is the value's elements, all of them and in order.
    let isWhole (value: Value) (operand: Operand) =
        operand.Value = value.Id
        && operand.View.Offset = 0
        && View.isContiguous operand.View
        && View.size operand.View = value.Type.Shape.Size

module internal Step =

    /// Pairs (output, input) for which the kernel may write the output over the input, provided it is read nowhere else.
    let overlays (values: Value[]) (step: Step) : (int * int)[] =
        let sameBytes output input =
            let operand = step.Inputs[input]

            operand.Value >= 0
            && Operand.isWhole values[operand.Value] operand
            && values[step.Outputs[output]].Bytes = values[operand.Value].Bytes
            && DType.size values[step.Outputs[output]].Type.DType = DType.size operand.DType
            // Another operand that looks at the same memory in another order would see it half written.
            && (step.Inputs
                |> Array.forall (fun other -> other.Value <> operand.Value || Operand.isWhole values[other.Value] other))

        let flat (region: Region) (first: int) =
            let isFlat i =
                match region.Inputs[i].Access with
                | Flat -> true
                | _ -> false

            let inputs = [| 0 .. region.Inputs.Length - 1 |] |> Array.filter isFlat

            [| 0 .. region.Outputs.Length - 1 |]
            |> Array.collect (fun o -> inputs |> Array.map (fun i -> o, first + i))

        let pairs =
            match step.Work with
            | Elementwise region
            | RegionSums(region, _) -> flat region 0
            | WithEpilogue(work, e) ->
                // What is widened part by part may be written over part by part, if it has the rows of the result.
                let widened =
                    match work with
                    | InParts p when p.InWork && p.ResultRow > 0 ->
                        [| for i in 0 .. p.Narrow.Length - 1 do
                               if p.Narrow[i] && p.RowSizes[i] = p.ResultRow then
                                   for o in 0 .. e.Region.Outputs.Length - 1 do
                                       o, i |]
                    | _ -> [||]

                // What the kernel reads, it reads in another order; and it writes its target before the region has read
                // anything there.
                let isRead (v: int) = step.Inputs |> Seq.take e.FirstInput |> Seq.exists (fun o -> o.Value = v)

                flat e.Region e.FirstInput
                |> Array.filter (fun (o, i) -> o <> e.Target && not (isRead step.Inputs[i].Value))
                |> Array.append widened
            // Read just before it is written.
            | Masked _ -> [| (0, step.Inputs.Length - 1) |]
            | SoftmaxRows _ -> [| (0, 0) |]
            | SoftmaxGradRows _ -> [| (0, 1); (0, 0) |]
            | Primitive(CumSum _, _, _) -> [| (0, 0) |]
            // Windows that neither share positions nor leave some out between them.
            | Primitive(MaxPoolGrad spec, _, _) when Array.forall2 (=) spec.Window spec.Strides -> [| (0, 0) |]
            | Primitive(SelectSequence.Sequence sequence, _, _) -> SelectSequence.overlays sequence
            | _ -> [||]

        // An operand may stand in two places: the kernel must bear that both are written over.
        let isBorne output input =
            let value = step.Inputs[input].Value

            step.Inputs
            |> Seq.indexed
            |> Seq.forall (fun (i, other) -> other.Value <> value || Array.contains (output, i) pairs)

        pairs |> Array.filter (fun (o, i) -> sameBytes o i && isBorne o i)

    /// Floating-point (or integer) operations, roughly.
    let rec flops (values: Value[]) (step: Step) : int64 =
        flopsOf values step.Work (step.Outputs |> Array.sumBy (fun o -> int64 values[o].Type.Shape.Size))

    /// Of work with so many elements of results.
    and private flopsOf (values: Value[]) (work: Work) (outputs: int64) : int64 =
        match work with
        | Elementwise region -> int64 region.Size * int64 region.Instructions.Length
        | RegionSums(region, _) -> int64 region.Size * int64 (region.Instructions.Length + region.Summed.Length)
        | WithEpilogue(work, e) ->
            flopsOf values work (int64 e.Region.Size) + flopsOf values (Elementwise e.Region) outputs
        | InParts p -> flopsOf values p.Work (int64 p.ResultSize)
        | Prepacked work
        | Unpooled work
        | Masked work
        | Pooled work -> flopsOf values work outputs
        | CopyOf -> 0L
        | MatMuls m -> 2L * int64 m.M * int64 m.N * int64 m.K * int64 m.OffsetsC.Length
        | SoftmaxRows(_, rows, n)
        | SoftmaxGradRows(_, rows, n) -> 4L * int64 rows * int64 n
        | Primitive(Conv spec, inputs, results) ->
            // Its own results: what is written may be less.
            let positions = int64 results[0].Shape.Size
            2L * positions * int64 (inputs[1].Shape.Size / max 1 inputs[1].Shape[-1])
            / int64 (max 1 spec.Groups)
            * int64 spec.Groups
        | Primitive(ConvInputGrad _, inputs, _) ->
            2L * int64 inputs[0].Shape.Size * int64 (inputs[1].Shape.Size / max 1 inputs[1].Shape[-1])
        | Primitive(ConvKernelGrad(_, kernel), inputs, _) ->
            2L * int64 inputs[1].Shape.Size * int64 (kernel.Size / max 1 kernel[-1])
        | Primitive(SelectSequence.Sequence sequence, inputs, _) -> SelectSequence.flops sequence inputs
        | Primitive(Structured(:? Int8Matrix), inputs, _) -> 2L * int64 inputs[0].Shape.Size * int64 inputs[1].Shape[1]
        | Primitive(SelectAttention.Attention attention, inputs, _) -> SelectAttention.flops attention inputs
        | Primitive(_, inputs, _) -> inputs |> Array.sumBy (fun t -> int64 t.Shape.Size) |> max outputs
        | Loop loop -> int64 loop.Scan.Length * (loop.Body.Steps |> Array.sumBy (flops loop.Body.Values))

    /// Bytes read and written.
    let bytes (values: Value[]) (step: Step) : int64 =
        let read =
            step.Inputs
            |> Array.sumBy (fun o ->
                if o.Value < 0 then
                    0L
                else
                    min values[o.Value].Bytes (int64 (View.size o.View) * int64 (DType.size o.DType)))

        read + (step.Outputs |> Array.sumBy (fun o -> values[o].Bytes))

/// Plans as text.
module internal PlanText =

    let private number (n: int64) = n.ToString(Globalization.CultureInfo.InvariantCulture)

    let private place (plan: Plan) (value: int) =
        match plan.Placements[value] with
        | InLeaf i -> "%" + Expr.OpName plan.Leaves[i].Op
        | InConstants i -> "const" + string i
        | InPacked i ->
            match plan.Values[plan.Packs[i].Source.Value].Origin with
            | LeafValue leaf -> "packed(%" + Expr.OpName leaf.Op + ")"
            | _ -> "packed" + string i
        | InArena offset -> "@" + number offset
        | InResult i -> "result" + string i

    let private operand (plan: Plan) (o: Operand) =
        if o.Value < 0 then
            "_"
        else
            let strided =
                if View.isContiguous o.View then
                    ""
                else
                    "[" + String.Join(",", o.View.Dims) + "|" + String.Join(",", o.View.Strides) + "]"

            let offset = if o.View.Offset = 0 then "" else "+" + string o.View.Offset
            place plan o.Value + offset + strided

    let private region (r: Region) =
        let value (id: int) = if id < r.Inputs.Length then "i" + string id else "t" + string (id - r.Inputs.Length)

        let text (i: TileInstruction) =
            match TileOps.arity i.Op with
            | 0 ->
                if r.Domain = TileDomain.I64 then
                    number i.Integer
                else
                    i.Value.ToString("R", Globalization.CultureInfo.InvariantCulture)
            | 1 -> i.Op.ToString() + "(" + value i.A + ")"
            | 2 -> i.Op.ToString() + "(" + value i.A + "," + value i.B + ")"
            | _ -> i.Op.ToString() + "(" + value i.A + "," + value i.B + "," + value i.C + ")"

        let access (input: TileInput) =
            match input.Access with
            | Flat -> ""
            | Scalar -> ":scalar"
            | Strided _ -> ":strided"
            | RandomUniform _ -> ":uniform"
            | TileAccess.Iota _ -> ":iota"

        let inputs = r.Inputs |> Array.mapi (fun i input -> "i" + string i + access input)

        "{ "
        + String.Join(" ", inputs)
        + " -> "
        + String.Join("; ", r.Instructions |> Array.map text)
        + " -> "
        + String.Join(
            " ",
            Seq.append
                (r.Outputs |> Seq.map (fun o -> value o.Value))
                (r.Summed |> Seq.map (fun v -> "sum(" + value v + ")"))
        )
        + " }"

    /// One line per instruction: number, name, operands, results with places, workspace, bytes moved, operations, and
    /// microseconds where they were measured.
    let rec private lines (indent: string) (times: float[]) (plan: Plan) : string seq =
        seq {
            for k in 0 .. plan.Steps.Length - 1 do
                let step = plan.Steps[k]

                let results = step.Outputs |> Array.map (fun o -> plan.Values[o].Type.ToString() + " " + place plan o)

                let workspace =
                    if step.Workspace = 0L then
                        ""
                    else
                        " work @" + number plan.WorkspaceOffsets[k] + "+" + number step.Workspace

                let time =
                    if k < times.Length then
                        " " + times[k].ToString("F2", Globalization.CultureInfo.InvariantCulture) + "us"
                    else
                        ""

                yield
                    indent
                    + string k
                    + " "
                    + step.Name
                    + "("
                    + String.Join(", ", step.Inputs |> Array.map (operand plan))
                    + ") -> "
                    + String.Join(", ", results)
                    + workspace
                    + " bytes "
                    + number (Step.bytes plan.Values step)
                    + " flops "
                    + number (Step.flops plan.Values step)
                    + time

                match step.Work with
                | Elementwise r when r.Instructions.Length > 1 -> yield indent + "    " + region r
                | RegionSums(r, _) -> yield indent + "    " + region r
                | WithEpilogue(_, e)
                | Pooled(WithEpilogue(_, e)) ->
                    // The kernel's own result has no operand.
                    yield indent + "    then, i" + string e.Source + " being its result, " + region e.Region
                | Loop loop ->
                    yield indent + "    " + string loop.Scan.Length + " times, arena " + number loop.Body.ArenaBytes
                    yield! lines (indent + "    ") [||] loop.Body
                | _ -> ()
        }

    let print (times: float[]) (plan: Plan) : string =
        let packed = plan.Packs |> Array.sumBy (fun p -> plan.Values[p.Value].Bytes)

        let header =
            "plan: "
            + string plan.Steps.Length
            + " instructions, arena "
            + number plan.ArenaBytes
            + " bytes"
            + (if packed = 0L then "" else ", packed weights " + number packed + " bytes")

        let outputs =
            plan.Outputs
            |> Array.map (fun o -> "out " + o.Name + " = " + operand plan o.Operand + " " + o.Type.ToString())

        String.Join("\n", Seq.concat [ Seq.singleton header; lines "" times plan; Seq.ofArray outputs ])
        + "\n"
