namespace FunctionalNet.Kernels

open FunctionalNet

/// How the (outer, axis, inner) view of one reduction is cut: by shape only.
[<Struct; NoEquality; NoComparison>]
type internal ReduceCut =
    {
        Outer: int
        Axis: int
        Inner: int
        /// Pieces of the reduced axis; more than 1 only when there is little else to share out.
        Pieces: int
        PieceLength: int
        /// Pieces of the inner axis.
        Strips: int
        StripWidth: int
        /// Outer rows per chunk.
        Rows: int
    }

module internal ReduceCut =

    // Elements of a chunk: below this a fork costs more than it gives.
    let private grain = 32768

    let make (outer: int) (axis: int) (inner: int) =
        let shared = max 1 outer
        let total = int64 outer * int64 axis * int64 inner
        let perOuter = int64 axis * int64 inner
        let chunks = int (min 64L (max 1L (total / int64 grain)))

        let pieces =
            if outer >= chunks || chunks <= 1 then
                1
            else
                max 1 (min (axis / 512) ((chunks + shared - 1) / shared))
            |> max 1

        let pieceLength = if pieces = 1 then axis else (axis + pieces - 1) / pieces
        let pieces = if pieces = 1 then 1 else (axis + pieceLength - 1) / pieceLength
        let wantStrips =
            if shared * pieces >= chunks then 1 else (chunks + shared * pieces - 1) / (shared * pieces)
        let stripWidth =
            if inner <= 64 || wantStrips = 1 then
                max 1 inner
            else
                max 64 (((inner + wantStrips - 1) / wantStrips + 63) &&& ~~~63)
        let strips = (max 1 inner + stripWidth - 1) / stripWidth
        let rows =
            if pieces > 1 || strips > 1 then
                1
            else
                int (max 1L (min (int64 outer) (int64 grain / max 1L perOuter)))

        { Outer = outer
          Axis = axis
          Inner = inner
          Pieces = pieces
          PieceLength = pieceLength
          Strips = strips
          StripWidth = stripWidth
          Rows = rows }

/// Reduces the middle axis of an (outer, axis, inner) view. Phase 1, when the axis is cut: combines the pieces in order.
[<Sealed>]
type internal AxisReduceKernel(cut: ReduceCut, runner: ReduceRunner, src: nativeint, dst: nativeint, partial: nativeint)
    =
    inherit Kernel()

    let size = nativeint runner.Size
    let groups = (cut.Outer + cut.Rows - 1) / cut.Rows

    override _.Phases = if cut.Pieces > 1 then 2 else 1

    override _.Chunks(phase) =
        if cut.Outer = 0 || cut.Inner = 0 then 0
        elif phase = 1 then 1
        else groups * cut.Pieces * cut.Strips

    override _.Run(phase, chunk) =
        if phase = 1 then
            for o in 0 .. cut.Outer - 1 do
                let p = partial + nativeint o * nativeint cut.Pieces * nativeint cut.Inner * size
                runner.Columns(p, cut.Pieces, cut.Inner, cut.Inner, dst + nativeint o * nativeint cut.Inner * size)
        else
            let strip = chunk % cut.Strips
            let piece = chunk / cut.Strips % cut.Pieces
            let group = chunk / (cut.Strips * cut.Pieces)
            let column = strip * cut.StripWidth
            let width = min cut.StripWidth (cut.Inner - column)
            let first = piece * cut.PieceLength
            let length = min cut.PieceLength (cut.Axis - first)

            for o in group * cut.Rows .. min cut.Outer ((group + 1) * cut.Rows) - 1 do
                let target =
                    if cut.Pieces > 1 then
                        partial + (nativeint o * nativeint cut.Pieces + nativeint piece) * nativeint cut.Inner * size
                    else
                        dst + nativeint o * nativeint cut.Inner * size

                let row = nativeint o * nativeint cut.Axis + nativeint first
                let p = src + (row * nativeint cut.Inner + nativeint column) * size

                if cut.Inner = 1 then
                    runner.Line(p, length, target)
                else
                    runner.Columns(p, length, cut.Inner, width, target + nativeint column * size)

/// Reductions over any set of axes.
[<AbstractClass; Sealed>]
type internal Reduce private () =

    /// The reductions of one middle axis that a set of axes takes, the innermost first: struct (outer, axis, inner).
    static member private Plan(dims: int[], reduced: bool[]) : struct (int * int * int)[] =
        // Merge neighbours that are both kept or both reduced.
        let sizes = ResizeArray<int>()
        let flags = ResizeArray<bool>()

        for i in 0 .. dims.Length - 1 do
            if dims[i] <> 1 then
                if sizes.Count > 0 && flags[flags.Count - 1] = reduced[i] then
                    sizes[sizes.Count - 1] <- sizes[sizes.Count - 1] * dims[i]
                else
                    sizes.Add dims[i]
                    flags.Add reduced[i]

        let steps = ResizeArray<struct (int * int * int)>()
        let product (from: int) (upTo: int) = Seq.fold (*) 1 (Seq.init (max 0 (upTo - from)) (fun i -> sizes[from + i]))

        for i in sizes.Count - 1 .. -1 .. 0 do
            if flags[i] then
                steps.Add(struct (product 0 i, sizes[i], product (i + 1) sizes.Count))
                sizes[i] <- 1

        if steps.Count = 0 then steps.Add(struct (product 0 sizes.Count, 1, 1))

        steps.ToArray()

    static member private Layout(dtype: DType, dims: int[], reduced: bool[]) =
        let steps = Reduce.Plan(dims, reduced)
        let size = int64 (DType.size dtype)
        let mutable total = 0L

        // Where each step's partial results and result stand in the workspace; the last result goes to the target.
        let places =
            steps
            |> Array.mapi (fun i (struct (outer, axis, inner)) ->
                let cut = ReduceCut.make outer axis inner
                let partial = total

                if cut.Pieces > 1 then
                    total <- total + Mem.align (int64 outer * int64 cut.Pieces * int64 inner * size)

                let result = total

                if i < steps.Length - 1 then
                    total <- total + Mem.align (int64 outer * int64 inner * size)

                struct (cut, partial, result))

        struct (places, total)

    /// Bytes of workspace.
    static member Workspace(dtype: DType, dims: int[], reduced: bool[]) : int64 =
        let struct (_, total) = Reduce.Layout(dtype, dims, reduced)
        total

    /// Reduces the flagged axes; the result is row-major over the kept ones.
    static member Create
        (
            op: ReduceKind,
            dtype: DType,
            dims: int[],
            reduced: bool[],
            src: nativeint,
            dst: nativeint,
            workspace: nativeint,
            width: Width
        ) : Kernel =
        let struct (places, _) = Reduce.Layout(dtype, dims, reduced)

        let runner = ReduceRunners.create op dtype width

        let step (i: int) (from: nativeint) (target: nativeint) : Kernel =
            let struct (cut, partialAt, _) = places[i]
            AxisReduceKernel(cut, runner, from, target, workspace + nativeint partialAt)

        let mutable from = src

        let kernels =
            places
            |> Array.mapi (fun i (struct (_, _, result)) ->
                let target = if i = places.Length - 1 then dst else workspace + nativeint result
                let k = step i from target
                from <- target
                k)

        if kernels.Length = 1 then kernels[0] else SequenceKernel kernels

    /// With the vectors of this machine.
    static member Create(op, dtype, dims, reduced, src, dst, workspace) : Kernel =
        Reduce.Create(op, dtype, dims, reduced, src, dst, workspace, Width.current)
