namespace FunctionalNet.Kernels

open FunctionalNet

/// How sums over the middle axis of an (outer, axis, inner) view are cut: by shape only.
[<Struct; NoEquality; NoComparison>]
type internal SumCut =
    {
        Outer: int
        Axis: int
        Inner: int
        /// Pieces of the axis, each summed on its own and then added up in order.
        Pieces: int
        PieceLength: int
        /// Outer rows of a chunk.
        Rows: int
    }

    /// Sums of one region.
    member cut.Count = cut.Outer * cut.Inner

    /// Bytes for the sums of the pieces of one result.
    member cut.PartialBytes(size: int) =
        if cut.Pieces > 1 then
            Mem.align (int64 cut.Outer * int64 cut.Pieces * int64 cut.Inner * int64 size)
        else
            0L

module internal SumCut =

    // Elements of a chunk.
    let private grain = 16384

    let make (outer: int) (axis: int) (inner: int) : SumCut =
        let each = int64 axis * int64 inner
        let wanted = int (min 64L (max 1L (int64 outer * each / int64 grain)))
        let pieces = if outer >= wanted then 1 else max 1 (min (axis / 16) ((wanted + outer - 1) / outer))
        let length = (axis + pieces - 1) / pieces

        { Outer = outer
          Axis = axis
          Inner = inner
          Pieces = (axis + length - 1) / length
          PieceLength = length
          Rows = if pieces > 1 then 1 else int (max 1L (min (int64 outer) (int64 grain / max 1L each))) }

/// A tile program some of whose values are summed, tile by tile while they are in the cache, instead of being stored.
/// Phase 1, where the axis is cut: adds up the pieces in order.
[<Sealed>]
type internal RegionSumsKernel
    (kernel: ElementwiseKernel, cut: SumCut, dtype: DType, targets: nativeint[], workspace: nativeint) =
    inherit Kernel()

    let size = DType.size dtype
    let sum = ReduceRunners.create ReduceKind.Sum dtype Width.current
    let groups = (cut.Outer + cut.Rows - 1) / cut.Rows
    let bytes = nativeint (cut.PartialBytes size)
    let row = nativeint cut.Inner * nativeint size

    /// Where the sums of a piece go.
    let place (r: int) (o: int) (piece: int) =
        if cut.Pieces > 1 then
            workspace + nativeint r * bytes + nativeint (o * cut.Pieces + piece) * row
        else
            targets[r] + nativeint o * row

    override _.Phases = if cut.Pieces > 1 then 2 else 1

    override _.Chunks(phase) = if phase = 0 then groups * cut.Pieces else 1

    override this.Run(phase, chunk) =
        if phase = 1 then
            for r in 0 .. targets.Length - 1 do
                for o in 0 .. cut.Outer - 1 do
                    sum.Columns(place r o 0, cut.Pieces, cut.Inner, cut.Inner, targets[r] + nativeint o * row)
        else
            let piece = chunk % cut.Pieces
            let group = chunk / cut.Pieces
            let first = piece * cut.PieceLength
            let length = min cut.PieceLength (cut.Axis - first)
            let past = min cut.Outer ((group + 1) * cut.Rows)

            if cut.Inner = 1 && cut.Pieces = 1 && 2 * cut.Axis <= kernel.Tile then
                this.ShortRows(group * cut.Rows, past)
            else
                for o in group * cut.Rows .. past - 1 do
                    this.Piece(o, piece, first, length)

    /// Rows of which several fit in a tile.
    member private _.ShortRows(first: int, past: int) =
        let together = kernel.Tile / cut.Axis
        let mutable o = first

        while o < past do
            let rows = min together (past - o)
            let position = o * cut.Axis
            kernel.RunPart(position, 1, rows * cut.Axis, 0)

            for r in 0 .. targets.Length - 1 do
                let values = kernel.SumAt(r, position)

                for i in 0 .. rows - 1 do
                    sum.Line(values + nativeint (i * cut.Axis * size), cut.Axis, place r (o + i) 0)

            o <- o + rows

    /// Rows [first, first + length) of an outer one.
    member private _.Piece(o: int, piece: int, first: int, length: int) =
        let temporary = Scratch.Pointer
        let tile = kernel.Tile

        for r in 0 .. targets.Length - 1 do
            Mem.zero (place r o piece) (int64 row)

        let start = (o * cut.Axis + first) * cut.Inner
        let stop = start + length * cut.Inner
        // Whole rows of sums at a time, or parts of one.
        let step = if cut.Inner > tile then tile else tile / cut.Inner * cut.Inner
        let repeats = step % kernel.Period = 0 && cut.Inner <= tile
        let mutable position = start

        while position < stop do
            let column = (position - start) % cut.Inner
            let room = if cut.Inner > tile then min step (cut.Inner - column) else step
            let n = min room (stop - position)
            if position = start || not repeats then kernel.Prepare(position, n)
            kernel.RunTile(position, n)

            for r in 0 .. targets.Length - 1 do
                let values = kernel.SumAt(r, position)
                let target = place r o piece + nativeint (column * size)

                if cut.Inner = 1 then
                    sum.Line(values, n, temporary)
                    kernel.Accumulate(1, target, temporary)
                elif cut.Inner > tile then
                    kernel.Accumulate(n, target, values)
                else
                    sum.Columns(values, n / cut.Inner, cut.Inner, cut.Inner, temporary)
                    kernel.Accumulate(cut.Inner, target, temporary)

            position <- position + n
