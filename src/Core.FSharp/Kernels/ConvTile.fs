namespace FunctionalNet.Kernels

open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Stretches of elements that a tile reads one after the other.
[<Struct; NoEquality; NoComparison>]
type internal ConvRuns =
    {
        Count: int
        /// Bytes from the address of a row to the first element of each run.
        Offsets: nativeptr<nativeint>
        /// For each run, its elements times the step between them in bytes.
        Stops: nativeptr<nativeint>
    }

/// Products of four, six or eight rows, read where they are, by a packed panel of one or two vectors of columns, for several
/// such tiles of rows one after the other. Row j begins at its address in `rows`, plus `shift`, and consists of the elements
/// of all runs, `step` bytes apart; the panel at `q` has for each of these elements a vector (or two) of columns. The results
/// are written, or added, to the addresses in `into` plus `put`. Only the first `count` rows of a tile are: the others need
/// not exist, but their addresses must be readable. Where panels come from far, the machine is told to fetch what stands
/// `ahead` bytes behind what is read of this one, and for every other tile the line of the cache behind that; 0 for nothing.
[<AbstractClass; Sealed>]
type internal ConvTileOf<'W, 'V, 'T, 'R when 'W: struct and 'W :> ILanes<'V, 'T> and 'R: struct and 'R :> ITileRows>
    private () =

    /// One tile by two vectors.
    [<FullyOptimized>]
    static member Wide
        (
            tiles: int,
            count: int,
            rows: nativeptr<nativeint>,
            runs: ConvRuns,
            shift: nativeint,
            step: nativeint,
            q: nativeint,
            ahead: nativeint,
            into: nativeptr<nativeint>,
            put: nativeint,
            accumulate: bool
        ) =
        for tile in 0 .. tiles - 1 do
            let rows = NativePtr.add rows (tile * 'R.Count)
            let into = NativePtr.add into (tile * 'R.Count)
            let ahead = if ahead <> 0n && tile % 2 = 1 then ahead + 64n else ahead
            let mutable s0 = 'W.Zero
            let mutable t0 = 'W.Zero
            let mutable s1 = 'W.Zero
            let mutable t1 = 'W.Zero
            let mutable s2 = 'W.Zero
            let mutable t2 = 'W.Zero
            let mutable s3 = 'W.Zero
            let mutable t3 = 'W.Zero
            let mutable s4 = 'W.Zero
            let mutable t4 = 'W.Zero
            let mutable s5 = 'W.Zero
            let mutable t5 = 'W.Zero
            let mutable s6 = 'W.Zero
            let mutable t6 = 'W.Zero
            let mutable s7 = 'W.Zero
            let mutable t7 = 'W.Zero
            let mutable q = q

            for r in 0 .. runs.Count - 1 do
                let from = shift + NativePtr.get runs.Offsets r
                let stop = NativePtr.get runs.Stops r
                let p0 = from + NativePtr.get rows 0
                let p1 = from + NativePtr.get rows 1
                let p2 = from + NativePtr.get rows 2
                let p3 = from + NativePtr.get rows 3
                let p4 = if 'R.Count > 4 then from + NativePtr.get rows 4 else 0n
                let p5 = if 'R.Count > 5 then from + NativePtr.get rows 5 else 0n
                let p6 = if 'R.Count > 6 then from + NativePtr.get rows 6 else 0n
                let p7 = if 'R.Count > 7 then from + NativePtr.get rows 7 else 0n
                let mutable i = 0n

                while i < stop do
                    if Sse.IsSupported && ahead <> 0n then Sse.Prefetch1((q + ahead).ToPointer())
                    let x = 'W.Load q
                    let y = 'W.Load(q + 'W.Bytes)
                    let e = 'W.Spread(p0 + i)
                    s0 <- 'W.Fma(e, x, s0)
                    t0 <- 'W.Fma(e, y, t0)
                    let e = 'W.Spread(p1 + i)
                    s1 <- 'W.Fma(e, x, s1)
                    t1 <- 'W.Fma(e, y, t1)
                    let e = 'W.Spread(p2 + i)
                    s2 <- 'W.Fma(e, x, s2)
                    t2 <- 'W.Fma(e, y, t2)
                    let e = 'W.Spread(p3 + i)
                    s3 <- 'W.Fma(e, x, s3)
                    t3 <- 'W.Fma(e, y, t3)

                    if 'R.Count > 4 then
                        let e = 'W.Spread(p4 + i)
                        s4 <- 'W.Fma(e, x, s4)
                        t4 <- 'W.Fma(e, y, t4)

                    if 'R.Count > 5 then
                        let e = 'W.Spread(p5 + i)
                        s5 <- 'W.Fma(e, x, s5)
                        t5 <- 'W.Fma(e, y, t5)

                    if 'R.Count > 6 then
                        let e = 'W.Spread(p6 + i)
                        s6 <- 'W.Fma(e, x, s6)
                        t6 <- 'W.Fma(e, y, t6)

                    if 'R.Count > 7 then
                        let e = 'W.Spread(p7 + i)
                        s7 <- 'W.Fma(e, x, s7)
                        t7 <- 'W.Fma(e, y, t7)

                    q <- q + 'W.Bytes + 'W.Bytes
                    i <- i + step

            let inline write p v = 'W.Store(p, (if accumulate then 'W.Add('W.Load p, v) else v))

            let inline writeRow j s t =
                let p = NativePtr.get into j + put
                write p s
                write (p + 'W.Bytes) t

            writeRow 0 s0 t0
            if count > 1 then writeRow 1 s1 t1
            if count > 2 then writeRow 2 s2 t2
            if count > 3 then writeRow 3 s3 t3
            if 'R.Count > 4 && count > 4 then writeRow 4 s4 t4
            if 'R.Count > 5 && count > 5 then writeRow 5 s5 t5
            if 'R.Count > 6 && count > 6 then writeRow 6 s6 t6
            if 'R.Count > 7 && count > 7 then writeRow 7 s7 t7

    /// One tile by one vector; even and odd elements are summed apart, so that there is enough to do at once.
    [<FullyOptimized>]
    static member Narrow
        (
            tiles: int,
            count: int,
            rows: nativeptr<nativeint>,
            runs: ConvRuns,
            shift: nativeint,
            step: nativeint,
            q: nativeint,
            ahead: nativeint,
            into: nativeptr<nativeint>,
            put: nativeint,
            accumulate: bool
        ) =
        for tile in 0 .. tiles - 1 do
            let rows = NativePtr.add rows (tile * 'R.Count)
            let into = NativePtr.add into (tile * 'R.Count)
            let ahead = if ahead <> 0n && tile % 2 = 1 then ahead + 64n else ahead
            let mutable s0 = 'W.Zero
            let mutable t0 = 'W.Zero
            let mutable s1 = 'W.Zero
            let mutable t1 = 'W.Zero
            let mutable s2 = 'W.Zero
            let mutable t2 = 'W.Zero
            let mutable s3 = 'W.Zero
            let mutable t3 = 'W.Zero
            let mutable s4 = 'W.Zero
            let mutable t4 = 'W.Zero
            let mutable s5 = 'W.Zero
            let mutable t5 = 'W.Zero
            let mutable s6 = 'W.Zero
            let mutable t6 = 'W.Zero
            let mutable s7 = 'W.Zero
            let mutable t7 = 'W.Zero
            let mutable q = q

            for r in 0 .. runs.Count - 1 do
                let from = shift + NativePtr.get runs.Offsets r
                let stop = NativePtr.get runs.Stops r
                let p0 = from + NativePtr.get rows 0
                let p1 = from + NativePtr.get rows 1
                let p2 = from + NativePtr.get rows 2
                let p3 = from + NativePtr.get rows 3
                let p4 = if 'R.Count > 4 then from + NativePtr.get rows 4 else 0n
                let p5 = if 'R.Count > 5 then from + NativePtr.get rows 5 else 0n
                let p6 = if 'R.Count > 6 then from + NativePtr.get rows 6 else 0n
                let p7 = if 'R.Count > 7 then from + NativePtr.get rows 7 else 0n
                let mutable i = 0n

                while i + step < stop do
                    if Sse.IsSupported && ahead <> 0n then Sse.Prefetch1((q + ahead).ToPointer())
                    let x = 'W.Load q
                    let y = 'W.Load(q + 'W.Bytes)
                    let k = i + step
                    s0 <- 'W.Fma('W.Spread(p0 + i), x, s0)
                    t0 <- 'W.Fma('W.Spread(p0 + k), y, t0)
                    s1 <- 'W.Fma('W.Spread(p1 + i), x, s1)
                    t1 <- 'W.Fma('W.Spread(p1 + k), y, t1)
                    s2 <- 'W.Fma('W.Spread(p2 + i), x, s2)
                    t2 <- 'W.Fma('W.Spread(p2 + k), y, t2)
                    s3 <- 'W.Fma('W.Spread(p3 + i), x, s3)
                    t3 <- 'W.Fma('W.Spread(p3 + k), y, t3)

                    if 'R.Count > 4 then
                        s4 <- 'W.Fma('W.Spread(p4 + i), x, s4)
                        t4 <- 'W.Fma('W.Spread(p4 + k), y, t4)

                    if 'R.Count > 5 then
                        s5 <- 'W.Fma('W.Spread(p5 + i), x, s5)
                        t5 <- 'W.Fma('W.Spread(p5 + k), y, t5)

                    if 'R.Count > 6 then
                        s6 <- 'W.Fma('W.Spread(p6 + i), x, s6)
                        t6 <- 'W.Fma('W.Spread(p6 + k), y, t6)

                    if 'R.Count > 7 then
                        s7 <- 'W.Fma('W.Spread(p7 + i), x, s7)
                        t7 <- 'W.Fma('W.Spread(p7 + k), y, t7)

                    q <- q + 'W.Bytes + 'W.Bytes
                    i <- k + step

                if i < stop then
                    let x = 'W.Load q
                    s0 <- 'W.Fma('W.Spread(p0 + i), x, s0)
                    s1 <- 'W.Fma('W.Spread(p1 + i), x, s1)
                    s2 <- 'W.Fma('W.Spread(p2 + i), x, s2)
                    s3 <- 'W.Fma('W.Spread(p3 + i), x, s3)
                    if 'R.Count > 4 then s4 <- 'W.Fma('W.Spread(p4 + i), x, s4)
                    if 'R.Count > 5 then s5 <- 'W.Fma('W.Spread(p5 + i), x, s5)
                    if 'R.Count > 6 then s6 <- 'W.Fma('W.Spread(p6 + i), x, s6)
                    if 'R.Count > 7 then s7 <- 'W.Fma('W.Spread(p7 + i), x, s7)
                    q <- q + 'W.Bytes

            let inline write p v = 'W.Store(p, (if accumulate then 'W.Add('W.Load p, v) else v))

            let inline writeRow j s t =
                let p = NativePtr.get into j + put
                write p ('W.Add(s, t))

            writeRow 0 s0 t0
            if count > 1 then writeRow 1 s1 t1
            if count > 2 then writeRow 2 s2 t2
            if count > 3 then writeRow 3 s3 t3
            if 'R.Count > 4 && count > 4 then writeRow 4 s4 t4
            if 'R.Count > 5 && count > 5 then writeRow 5 s5 t5
            if 'R.Count > 6 && count > 6 then writeRow 6 s6 t6
            if 'R.Count > 7 && count > 7 then writeRow 7 s7 t7

/// Tiles for one width of vectors: as many rows as the registers hold, and fewer at the end.
[<AbstractClass; Sealed>]
type internal ConvTile<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// Rows of a whole tile.
    static member Rows = if 'W.Bytes = 64n then 8 else 6

    static member inline private Whole
        (tiles, count, rows, runs: ConvRuns, shift, step, q, ahead, into, put, isWide: bool, accumulate)
        =
        if 'W.Bytes = 64n && count > 6 then
            if isWide then
                ConvTileOf<'W, 'V, 'T, Rows8>
                    .Wide(tiles, count, rows, runs, shift, step, q, ahead, into, put, accumulate)
            else
                ConvTileOf<'W, 'V, 'T, Rows8>
                    .Narrow(tiles, count, rows, runs, shift, step, q, ahead, into, put, accumulate)
        elif count > 4 then
            if isWide then
                ConvTileOf<'W, 'V, 'T, Rows6>
                    .Wide(tiles, count, rows, runs, shift, step, q, ahead, into, put, accumulate)
            else
                ConvTileOf<'W, 'V, 'T, Rows6>
                    .Narrow(tiles, count, rows, runs, shift, step, q, ahead, into, put, accumulate)
        elif isWide then
            ConvTileOf<'W, 'V, 'T, Rows4>.Wide(tiles, count, rows, runs, shift, step, q, ahead, into, put, accumulate)
        else
            ConvTileOf<'W, 'V, 'T, Rows4>.Narrow(tiles, count, rows, runs, shift, step, q, ahead, into, put, accumulate)

    /// A tile with a vector that is not full: computed aside.
    static member private Edge
        (
            count: int,
            rows: nativeptr<nativeint>,
            runs: ConvRuns,
            shift: nativeint,
            step: nativeint,
            q: nativeint,
            ahead: nativeint,
            into: nativeptr<nativeint>,
            put: nativeint,
            columns: int,
            accumulate: bool
        ) =
        let lanes = 'W.Count
        let aside = NativePtr.toNativeInt (NativePtr.stackalloc<byte> 1024)
        let places = NativePtr.stackalloc<nativeint> 8

        for j in 0..7 do
            NativePtr.set places j (aside + nativeint (2 * j) * 'W.Bytes)

        ConvTile<'W, 'V, 'T>.Whole(1, count, rows, runs, shift, step, q, ahead, places, 0n, (columns > lanes), false)

        for j in 0 .. count - 1 do
            let mutable p = NativePtr.get places j
            let mutable t = NativePtr.get into j + put
            let mutable left = columns

            while left > 0 do
                let n = min lanes left
                let v = 'W.Load p
                'W.StoreFirst(t, n, (if accumulate then 'W.Add('W.LoadFirst(t, n), v) else v))
                p <- p + 'W.Bytes
                t <- t + 'W.Bytes
                left <- left - n

    /// Any number of rows. A panel of at most one vector of columns is packed one vector wide, else two.
    static member Run
        (
            count: int,
            rows: nativeptr<nativeint>,
            runs: ConvRuns,
            shift: nativeint,
            step: nativeint,
            q: nativeint,
            ahead: nativeint,
            into: nativeptr<nativeint>,
            put: nativeint,
            columns: int,
            accumulate: bool
        ) =
        let lanes = 'W.Count
        let most = ConvTile<'W, 'V, 'T>.Rows
        let isWhole = columns = lanes || columns = lanes + lanes
        let mutable row = 0
        let mutable done' = 0

        while row < count do
            let left = count - row

            // One or two rows more than a whole tile are better shared between two tiles.
            let height =
                if left <= most then left
                elif left <= most + 2 then left - 4
                else most

            let tiles =
                if height < most || not isWhole then 1
                elif left % most = 1 || left % most = 2 then left / most - 1
                else left / most

            let ahead = if ahead <> 0n && done' % 2 = 1 then ahead + 64n else ahead
            let rows = NativePtr.add rows row
            let into = NativePtr.add into row

            if isWhole then
                ConvTile<'W, 'V, 'T>
                    .Whole(tiles, height, rows, runs, shift, step, q, ahead, into, put, (columns > lanes), accumulate)
            else
                ConvTile<'W, 'V, 'T>.Edge(height, rows, runs, shift, step, q, ahead, into, put, columns, accumulate)

            row <- row + tiles * height
            done' <- done' + tiles
