namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics.Arm
open System.Runtime.Intrinsics.X86

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Tiles of any height and width, and the packing of panels for them. A panel of B is two vectors wide: for each k, its
/// columns side by side. A panel of A has room for `Rows` rows: for each k, its rows side by side.
[<AbstractClass; Sealed>]
type internal GemmPanels<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

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

    /// Packs lines that stand side by side (rows of a transposed A, columns of B) into panels of `width` lines: line i of
    /// panel p at depth k is at source + p * width + i + k * step and goes to target + p * panel + i + k * room. Steps are
    /// in bytes. All panels at each depth, so that memory is read in long stretches.
    [<FullyOptimized>]
    static member PackBeside
        (
            source: nativeint,
            step: nativeint,
            depth: int,
            panels: int,
            width: int,
            target: nativeint,
            panel: nativeint,
            room: nativeint
        ) =
        let lanes = 'W.Count
        let size = nativeint sizeof<'T>
        let bytes = nativeint width * size
        let mutable source = source
        let mutable target = target

        for _ in 1..depth do
            // Each depth is on another page, where the machine does not look ahead by itself.
            if Sse.IsSupported then
                let mutable ahead = source + 16n * step
                let last = ahead + nativeint panels * bytes

                while ahead < last do
                    Sse.Prefetch0(ahead.ToPointer())
                    ahead <- ahead + 64n

            let mutable s = source
            let mutable t = target

            if width = 2 * lanes then
                for _ in 1..panels do
                    'W.Store(t, 'W.Load s)
                    'W.Store(t + 'W.Bytes, 'W.Load(s + 'W.Bytes))
                    s <- s + bytes
                    t <- t + panel
            elif width <= lanes then
                for _ in 1..panels do
                    'W.StoreFirst(t, width, 'W.LoadFirst(s, width))
                    s <- s + bytes
                    t <- t + panel
            else
                for _ in 1..panels do
                    let mutable i = 0

                    while i < width do
                        let n = min lanes (width - i)
                        'W.StoreFirst(t + nativeint i * size, n, 'W.LoadFirst(s + nativeint i * size, n))
                        i <- i + n

                    s <- s + bytes
                    t <- t + panel

            source <- source + step
            target <- target + room

    /// Packs `count` lines, each contiguous along k: element (i, k) is at source + i * step + k and goes to
    /// target + i + k * width. Steps and widths are in bytes.
    static member PackAlong
        (source: nativeint, step: nativeint, depth: int, count: int, target: nativeint, width: nativeint)
        =
        Transpose.plane<'W, 'V, 'T> source step count depth target width

    /// Packs columns [column, column + count) of op(B), depths [first, first + depth), panel by panel. `bRow` is the step of
    /// B's rows as they are stored.
    static member PackB
        (transB: bool, b: nativeint, bRow: nativeint, column: int, count: int, first: int, depth: int, target: nativeint) =
        let size = nativeint sizeof<'T>
        let columns = GemmPanels<'W, 'V, 'T>.Columns
        let room = nativeint columns * size
        let panel = room * nativeint depth
        let whole = count / columns
        let part = count % columns
        let last = target + nativeint whole * panel

        if transB then
            let source = b + nativeint column * bRow + nativeint first * size
            let across = nativeint columns * bRow

            for p in 0 .. whole - 1 do
                GemmPanels<'W, 'V, 'T>
                    .PackAlong(source + nativeint p * across, bRow, depth, columns, target + nativeint p * panel, room)

            if part > 0 then
                GemmPanels<'W, 'V, 'T>.PackAlong(source + nativeint whole * across, bRow, depth, part, last, room)
        else
            let source = b + nativeint first * bRow + nativeint column * size
            if whole > 0 then
                GemmPanels<'W, 'V, 'T>.PackBeside(source, bRow, depth, whole, columns, target, panel, room)

            if part > 0 then
                GemmPanels<'W, 'V, 'T>
                    .PackBeside(source + nativeint whole * room, bRow, depth, 1, part, last, panel, room)
