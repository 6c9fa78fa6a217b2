namespace FunctionalNet.Compiler

open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Kernels

/// How work can be done in parts, some rows of the batch after others.
[<NoEquality; NoComparison>]
type internal RowCut =
    {
        Rows: int
        /// Elements of a row of each operand; 0 for one that every part reads whole.
        RowSizes: int[]
        /// Elements of a row of the result; 0 where the results of the parts are added up.
        ResultRow: int
    }

/// Kernels that read or write floats where 16 bits are kept, run on some rows at a time: the floats of these rows have a place
/// beside the instruction, and are gone when the next ones come.
module internal Parts =

    /// Bytes of floats that a part works on: enough for all threads, and few enough for the cache.
    [<Literal>]
    let private PartBytes = 4194304L

    /// Beside what is kept in 16 bits, all floats of a small batch would be more than without it: then half of them at a time, and a
    /// quarter of few, or of what would be written over what is read.
    let private most (work: Work) (all: int64) : int64 =
        match work with
        | Primitive(MaxPoolGrad _, _, _) -> max 131072L (min PartBytes (all / 4L))
        | _ when all <= PartBytes / 2L -> max 131072L (all / 4L)
        | _ -> min PartBytes (all / 2L)

    let private rowSize (t: TensorType) = t.Shape.Size / max 1 t.Shape[0]

    /// Operands of an operation that are cut with the batch.
    let private isCut (op: Op) (i: int) =
        match op with
        | Conv _
        | ConvInputGrad _
        | MaxPool _
        | SumPool _
        | SumPoolGrad _ -> i = 0
        | ConvKernelGrad _
        | MaxPoolGrad _
        | MaxPoolGather _ -> i < 2
        | _ -> false

    let private addsUp (op: Op) =
        match op with
        | ConvKernelGrad _ -> true
        | _ -> false

    /// True if a kernel can have the floats of an operand part by part.
    let canWiden (node: Expr) (i: int) =
        match node.Op with
        | MatMul(false, _) -> i = 0 && node.Inputs[1].Rank = 2
        | MatMul(true, false) -> node.Inputs[0].Rank = 2 && node.Inputs[1].Rank = 2
        | op -> isCut op i

    /// How the work can be cut, if it can.
    let cut (work: Work) : RowCut voption =
        match work with
        | MatMuls m when m.OffsetsC.Length <> 1 -> ValueNone
        | MatMuls m when not m.TransposeA -> ValueSome { Rows = m.M; RowSizes = [| m.Lda; 0 |]; ResultRow = m.Ldc }
        | MatMuls m when not m.TransposeB -> ValueSome { Rows = m.K; RowSizes = [| m.Lda; m.Ldb |]; ResultRow = 0 }
        | Primitive(op, inputs, outputs) when isCut op 0 ->
            ValueSome
                { Rows = inputs[0].Shape[0]
                  RowSizes = inputs |> Array.mapi (fun i t -> if isCut op i then rowSize t else 0)
                  ResultRow = if addsUp op then 0 else rowSize outputs[0] }
        | _ -> ValueNone

    let private withRows (rows: int) (shape: Shape) =
        let dims = shape.ToArray()
        dims[0] <- rows
        Shape.Of dims

    /// The same work on so many rows.
    let ofRows (rows: int) (work: Work) : Work =
        match work with
        | MatMuls m when m.TransposeA -> MatMuls { m with K = rows }
        | MatMuls m -> MatMuls { m with M = rows }
        | Primitive(op, inputs, outputs) ->
            let few (t: TensorType) = { t with Shape = withRows rows t.Shape }

            let fewer =
                match op with
                | ConvInputGrad(spec, x) -> ConvInputGrad(spec, withRows rows x)
                | SumPoolGrad(spec, x) -> SumPoolGrad(spec, withRows rows x)
                | op -> op

            Primitive(
                fewer,
                inputs |> Array.mapi (fun i t -> if isCut op i then few t else t),
                (if addsUp op then outputs else Array.map few outputs)
            )
        | work -> work

    /// The work in parts: `narrow` are the operands of 16 bits; `inWork` if nobody reads the floats of the result but the end of the
    /// kernel. None if it cannot be cut like that.
    let make (narrow: bool[]) (inWork: bool) (resultSize: int) (work: Work) : Work voption =
        match cut work with
        | ValueSome c when
            c.Rows > 0
            && not (inWork && c.ResultRow = 0)
            && Array.forall2 (fun isNarrow size -> not isNarrow || size > 0) narrow c.RowSizes
            ->
            let floats = Array.map2 (fun isNarrow size -> if isNarrow then size else 0) narrow c.RowSizes
            let row = 4L * (int64 (Array.sum floats) + (if inWork then int64 c.ResultRow else 0L))
            let all = int64 c.Rows * row
            let most = most work all
            let count = int (min (int64 c.Rows) (max 1L ((all + most - 1L) / most)))

            ValueSome(
                InParts
                    { Work = work
                      Rows = c.Rows
                      PartRows = (c.Rows + count - 1) / count
                      RowSizes = c.RowSizes
                      ResultRow = c.ResultRow
                      ResultSize = resultSize
                      Narrow = narrow
                      InWork = inWork }
            )
        | _ -> ValueNone

    /// Where in the workspace the floats of operands and of the result are, and where the workspace of the kernel begins: the last
    /// number.
    let places (p: PartsWork) : int64[] =
        let mutable at = 0L

        let room (elements: int64) =
            let here = at
            at <- at + Mem.align (4L * elements)
            here

        let operands =
            Array.map2
                (fun isNarrow (size: int) -> if isNarrow then room (int64 p.PartRows * int64 size) else -1L)
                p.Narrow
                p.RowSizes

        let result =
            if p.InWork then room (int64 p.PartRows * int64 p.ResultRow)
            elif p.ResultRow = 0 && p.PartRows < p.Rows then room (int64 p.ResultSize)
            else -1L

        Array.append operands [| result; at |]

    /// First row and number of rows of each part.
    let rows (p: PartsWork) : struct (int * int)[] =
        [| for first in 0 .. p.PartRows .. p.Rows - 1 do
               struct (first, min p.PartRows (p.Rows - first)) |]
