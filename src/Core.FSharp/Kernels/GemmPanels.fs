namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics.Arm

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Tiles of any height and width, and the packing of panels for them. A panel of B is two vectors wide: for each k, its
/// columns side by side. A panel of A has room for `Rows` rows: for each k, its rows side by side.
[<AbstractClass; Sealed>]
type internal GemmPanels<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T> and 'T: unmanaged> private () =

    /// Rows of the highest tile: what the vector registers hold.
    static member Rows = if 'W.Bytes = 64n || AdvSimd.IsSupported then 8 else 6

    /// Columns of the widest tile.
    static member Columns = 2 * 'W.Count

    /// A tile with columns of one kind.
    static member inline private Of<'C when 'C: struct and 'C :> ITileColumns>
        (
            rows: int,
            depth: int,
            a: nativeint,
            aRow: nativeint,
            aColumn: nativeint,
            b: nativeint,
            bRow: nativeint,
            c: nativeint,
            cRow: nativeint,
            last: int,
            accumulate: bool
        ) =
        match rows with
        | 8 -> GemmTile<'W, 'V, 'T, Rows8, 'C>.Run(depth, a, aRow, aColumn, b, bRow, c, cRow, last, accumulate)
        | 7 -> GemmTile<'W, 'V, 'T, Rows7, 'C>.Run(depth, a, aRow, aColumn, b, bRow, c, cRow, last, accumulate)
        | 6 -> GemmTile<'W, 'V, 'T, Rows6, 'C>.Run(depth, a, aRow, aColumn, b, bRow, c, cRow, last, accumulate)
        | 5 -> GemmTile<'W, 'V, 'T, Rows5, 'C>.Run(depth, a, aRow, aColumn, b, bRow, c, cRow, last, accumulate)
        | 4 -> GemmTile<'W, 'V, 'T, Rows4, 'C>.Run(depth, a, aRow, aColumn, b, bRow, c, cRow, last, accumulate)
        | 3 -> GemmTile<'W, 'V, 'T, Rows3, 'C>.Run(depth, a, aRow, aColumn, b, bRow, c, cRow, last, accumulate)
        | 2 -> GemmTile<'W, 'V, 'T, Rows2, 'C>.Run(depth, a, aRow, aColumn, b, bRow, c, cRow, last, accumulate)
        | _ -> GemmTile<'W, 'V, 'T, Rows1, 'C>.Run(depth, a, aRow, aColumn, b, bRow, c, cRow, last, accumulate)

    /// C = A B or C += A B for `rows` rows (1 to Rows) and `columns` columns (1 to Columns). Steps are in bytes: element
    /// (i, k) of A is at a + i * aRow + k * aColumn, row k of B starts at b + k * bRow, row i of C at c + i * cRow. Nothing
    /// outside of these rows and columns is read or written.
    static member Tile
        (
            rows: int,
            columns: int,
            depth: int,
            a: nativeint,
            aRow: nativeint,
            aColumn: nativeint,
            b: nativeint,
            bRow: nativeint,
            c: nativeint,
            cRow: nativeint,
            accumulate: bool
        ) =
        let lanes = 'W.Count

        if columns = 2 * lanes then
            GemmPanels<'W, 'V, 'T>.Of<TwoVectors>(rows, depth, a, aRow, aColumn, b, bRow, c, cRow, 0, accumulate)
        elif columns > lanes then
            GemmPanels<'W, 'V, 'T>
                .Of<OneAndPart>(rows, depth, a, aRow, aColumn, b, bRow, c, cRow, columns - lanes, accumulate)
        elif columns = lanes then
            GemmPanels<'W, 'V, 'T>.Of<OneVector>(rows, depth, a, aRow, aColumn, b, bRow, c, cRow, 0, accumulate)
        else
            GemmPanels<'W, 'V, 'T>.Of<PartVector>(rows, depth, a, aRow, aColumn, b, bRow, c, cRow, columns, accumulate)

    /// Copies `count` elements, not more than a panel of B has, for each k.
    [<FullyOptimized>]
    static member private CopyRows
        (source: nativeint, step: nativeint, depth: int, count: int, target: nativeint, targetStep: nativeint)
        =
        let lanes = 'W.Count
        let mutable s = source
        let mutable t = target

        if count = 2 * lanes then
            for _ in 1..depth do
                'W.Store(t, 'W.Load s)
                'W.Store(t + 'W.Bytes, 'W.Load(s + 'W.Bytes))
                s <- s + step
                t <- t + targetStep
        elif count > lanes then
            for _ in 1..depth do
                'W.Store(t, 'W.Load s)
                'W.StoreFirst(t + 'W.Bytes, count - lanes, 'W.LoadFirst(s + 'W.Bytes, count - lanes))
                s <- s + step
                t <- t + targetStep
        else
            for _ in 1..depth do
                'W.StoreFirst(t, count, 'W.LoadFirst(s, count))
                s <- s + step
                t <- t + targetStep

    /// Packs `count` lines that stand side by side (rows of a transposed A, columns of B) into a panel in which they are
    /// `width` apart: element (i, k) is at source + i + k * step and goes to target + i + k * width.
    static member PackBeside
        (source: nativeint, step: nativeint, depth: int, count: int, target: nativeint, width: nativeint)
        =
        let size = nativeint sizeof<'T>
        let panel = 2 * 'W.Count
        let mutable i = 0

        while i < count do
            let n = min panel (count - i)
            let at = nativeint i * size
            GemmPanels<'W, 'V, 'T>.CopyRows(source + at, step, depth, n, target + at, width)
            i <- i + n

    /// Packs `count` lines, each contiguous along k: element (i, k) is at source + i * step + k and goes to
    /// target + i + k * width. Steps and widths are in bytes.
    static member PackAlong
        (source: nativeint, step: nativeint, depth: int, count: int, target: nativeint, width: nativeint)
        =
        Transpose.plane<'W, 'V, 'T> source step count depth target width
