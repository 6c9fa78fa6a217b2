namespace FunctionalNet.Kernels

open System.Numerics
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

/// Products of a few rows, read where they are, by a packed panel of one or two vectors of columns. Row j begins at its
/// address in `rows`, plus `shift`, and consists of the elements of all runs, `step` bytes apart; the panel at `q` has
/// for each of these elements a vector (or two) of columns. The first `columns` columns of the results are written, or
/// added, to the addresses in `into` plus `put`. Only the first `count` rows are: the others need not exist, but their
/// addresses must be readable.
[<AbstractClass; Sealed>]
type internal ConvTile<'W, 'V, 'T
    when 'T: unmanaged and 'T: struct and 'T :> INumber<'T> and 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// Rows of a tile: as many as the registers hold.
    static member Rows = if 'W.Bytes = 64n then 8 else 6

    static member inline private Put(p: nativeint, accumulate: bool, v: 'V) =
        'W.Store(p, (if accumulate then 'W.Add('W.Load p, v) else v))

    /// Eight rows by two vectors, for 32 registers.
    [<FullyOptimized>]
    static member private Eight
        (count: int, rows: nativeptr<nativeint>, runs: ConvRuns, shift: nativeint, step: nativeint, q: nativeint, into: nativeptr<nativeint>, put: nativeint, accumulate: bool) =
        let w = 'W.Bytes
        let mutable c0 = 'W.Zero
        let mutable d0 = 'W.Zero
        let mutable c1 = 'W.Zero
        let mutable d1 = 'W.Zero
        let mutable c2 = 'W.Zero
        let mutable d2 = 'W.Zero
        let mutable c3 = 'W.Zero
        let mutable d3 = 'W.Zero
        let mutable c4 = 'W.Zero
        let mutable d4 = 'W.Zero
        let mutable c5 = 'W.Zero
        let mutable d5 = 'W.Zero
        let mutable c6 = 'W.Zero
        let mutable d6 = 'W.Zero
        let mutable c7 = 'W.Zero
        let mutable d7 = 'W.Zero
        let mutable q = q

        for r in 0 .. runs.Count - 1 do
            let from = shift + NativePtr.get runs.Offsets r
            let stop = NativePtr.get runs.Stops r
            let p0 = from + NativePtr.get rows 0
            let p1 = from + NativePtr.get rows 1
            let p2 = from + NativePtr.get rows 2
            let p3 = from + NativePtr.get rows 3
            let p4 = from + NativePtr.get rows 4
            let p5 = from + NativePtr.get rows 5
            let p6 = from + NativePtr.get rows 6
            let p7 = from + NativePtr.get rows 7
            let mutable i = 0n

            while i < stop do
                let b0 = 'W.Load q
                let b1 = 'W.Load(q + w)
                let a0 = 'W.Spread(p0 + i)
                c0 <- 'W.Fma(a0, b0, c0)
                d0 <- 'W.Fma(a0, b1, d0)
                let a1 = 'W.Spread(p1 + i)
                c1 <- 'W.Fma(a1, b0, c1)
                d1 <- 'W.Fma(a1, b1, d1)
                let a2 = 'W.Spread(p2 + i)
                c2 <- 'W.Fma(a2, b0, c2)
                d2 <- 'W.Fma(a2, b1, d2)
                let a3 = 'W.Spread(p3 + i)
                c3 <- 'W.Fma(a3, b0, c3)
                d3 <- 'W.Fma(a3, b1, d3)
                let a4 = 'W.Spread(p4 + i)
                c4 <- 'W.Fma(a4, b0, c4)
                d4 <- 'W.Fma(a4, b1, d4)
                let a5 = 'W.Spread(p5 + i)
                c5 <- 'W.Fma(a5, b0, c5)
                d5 <- 'W.Fma(a5, b1, d5)
                let a6 = 'W.Spread(p6 + i)
                c6 <- 'W.Fma(a6, b0, c6)
                d6 <- 'W.Fma(a6, b1, d6)
                let a7 = 'W.Spread(p7 + i)
                c7 <- 'W.Fma(a7, b0, c7)
                d7 <- 'W.Fma(a7, b1, d7)
                q <- q + w + w
                i <- i + step

        let t0 = NativePtr.get into 0 + put
        ConvTile<'W, 'V, 'T>.Put(t0, accumulate, c0)
        ConvTile<'W, 'V, 'T>.Put(t0 + w, accumulate, d0)

        if count > 1 then
            let t1 = NativePtr.get into 1 + put
            ConvTile<'W, 'V, 'T>.Put(t1, accumulate, c1)
            ConvTile<'W, 'V, 'T>.Put(t1 + w, accumulate, d1)

        if count > 2 then
            let t2 = NativePtr.get into 2 + put
            ConvTile<'W, 'V, 'T>.Put(t2, accumulate, c2)
            ConvTile<'W, 'V, 'T>.Put(t2 + w, accumulate, d2)

        if count > 3 then
            let t3 = NativePtr.get into 3 + put
            ConvTile<'W, 'V, 'T>.Put(t3, accumulate, c3)
            ConvTile<'W, 'V, 'T>.Put(t3 + w, accumulate, d3)

        if count > 4 then
            let t4 = NativePtr.get into 4 + put
            ConvTile<'W, 'V, 'T>.Put(t4, accumulate, c4)
            ConvTile<'W, 'V, 'T>.Put(t4 + w, accumulate, d4)

        if count > 5 then
            let t5 = NativePtr.get into 5 + put
            ConvTile<'W, 'V, 'T>.Put(t5, accumulate, c5)
            ConvTile<'W, 'V, 'T>.Put(t5 + w, accumulate, d5)

        if count > 6 then
            let t6 = NativePtr.get into 6 + put
            ConvTile<'W, 'V, 'T>.Put(t6, accumulate, c6)
            ConvTile<'W, 'V, 'T>.Put(t6 + w, accumulate, d6)

        if count > 7 then
            let t7 = NativePtr.get into 7 + put
            ConvTile<'W, 'V, 'T>.Put(t7, accumulate, c7)
            ConvTile<'W, 'V, 'T>.Put(t7 + w, accumulate, d7)

    /// Eight rows by one vector; even and odd elements are summed apart, so that there is enough to do at once.
    [<FullyOptimized>]
    static member private EightNarrow
        (count: int, rows: nativeptr<nativeint>, runs: ConvRuns, shift: nativeint, step: nativeint, q: nativeint, into: nativeptr<nativeint>, put: nativeint, accumulate: bool) =
        let mutable c0 = 'W.Zero
        let mutable d0 = 'W.Zero
        let mutable c1 = 'W.Zero
        let mutable d1 = 'W.Zero
        let mutable c2 = 'W.Zero
        let mutable d2 = 'W.Zero
        let mutable c3 = 'W.Zero
        let mutable d3 = 'W.Zero
        let mutable c4 = 'W.Zero
        let mutable d4 = 'W.Zero
        let mutable c5 = 'W.Zero
        let mutable d5 = 'W.Zero
        let mutable c6 = 'W.Zero
        let mutable d6 = 'W.Zero
        let mutable c7 = 'W.Zero
        let mutable d7 = 'W.Zero
        let mutable q = q

        for r in 0 .. runs.Count - 1 do
            let from = shift + NativePtr.get runs.Offsets r
            let stop = NativePtr.get runs.Stops r
            let p0 = from + NativePtr.get rows 0
            let p1 = from + NativePtr.get rows 1
            let p2 = from + NativePtr.get rows 2
            let p3 = from + NativePtr.get rows 3
            let p4 = from + NativePtr.get rows 4
            let p5 = from + NativePtr.get rows 5
            let p6 = from + NativePtr.get rows 6
            let p7 = from + NativePtr.get rows 7
            let mutable i = 0n

            while i + step < stop do
                let b0 = 'W.Load q
                let b1 = 'W.Load(q + 'W.Bytes)
                let k = i + step
                c0 <- 'W.Fma('W.Spread(p0 + i), b0, c0)
                d0 <- 'W.Fma('W.Spread(p0 + k), b1, d0)
                c1 <- 'W.Fma('W.Spread(p1 + i), b0, c1)
                d1 <- 'W.Fma('W.Spread(p1 + k), b1, d1)
                c2 <- 'W.Fma('W.Spread(p2 + i), b0, c2)
                d2 <- 'W.Fma('W.Spread(p2 + k), b1, d2)
                c3 <- 'W.Fma('W.Spread(p3 + i), b0, c3)
                d3 <- 'W.Fma('W.Spread(p3 + k), b1, d3)
                c4 <- 'W.Fma('W.Spread(p4 + i), b0, c4)
                d4 <- 'W.Fma('W.Spread(p4 + k), b1, d4)
                c5 <- 'W.Fma('W.Spread(p5 + i), b0, c5)
                d5 <- 'W.Fma('W.Spread(p5 + k), b1, d5)
                c6 <- 'W.Fma('W.Spread(p6 + i), b0, c6)
                d6 <- 'W.Fma('W.Spread(p6 + k), b1, d6)
                c7 <- 'W.Fma('W.Spread(p7 + i), b0, c7)
                d7 <- 'W.Fma('W.Spread(p7 + k), b1, d7)
                q <- q + 'W.Bytes + 'W.Bytes
                i <- k + step

            if i < stop then
                let b = 'W.Load q
                c0 <- 'W.Fma('W.Spread(p0 + i), b, c0)
                c1 <- 'W.Fma('W.Spread(p1 + i), b, c1)
                c2 <- 'W.Fma('W.Spread(p2 + i), b, c2)
                c3 <- 'W.Fma('W.Spread(p3 + i), b, c3)
                c4 <- 'W.Fma('W.Spread(p4 + i), b, c4)
                c5 <- 'W.Fma('W.Spread(p5 + i), b, c5)
                c6 <- 'W.Fma('W.Spread(p6 + i), b, c6)
                c7 <- 'W.Fma('W.Spread(p7 + i), b, c7)
                q <- q + 'W.Bytes

        ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 0 + put, accumulate, 'W.Add(c0, d0))

        if count > 1 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 1 + put, accumulate, 'W.Add(c1, d1))

        if count > 2 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 2 + put, accumulate, 'W.Add(c2, d2))

        if count > 3 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 3 + put, accumulate, 'W.Add(c3, d3))

        if count > 4 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 4 + put, accumulate, 'W.Add(c4, d4))

        if count > 5 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 5 + put, accumulate, 'W.Add(c5, d5))

        if count > 6 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 6 + put, accumulate, 'W.Add(c6, d6))

        if count > 7 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 7 + put, accumulate, 'W.Add(c7, d7))

    /// Six rows by two vectors, for 16 registers.
    [<FullyOptimized>]
    static member private Six
        (count: int, rows: nativeptr<nativeint>, runs: ConvRuns, shift: nativeint, step: nativeint, q: nativeint, into: nativeptr<nativeint>, put: nativeint, accumulate: bool) =
        let w = 'W.Bytes
        let mutable c0 = 'W.Zero
        let mutable d0 = 'W.Zero
        let mutable c1 = 'W.Zero
        let mutable d1 = 'W.Zero
        let mutable c2 = 'W.Zero
        let mutable d2 = 'W.Zero
        let mutable c3 = 'W.Zero
        let mutable d3 = 'W.Zero
        let mutable c4 = 'W.Zero
        let mutable d4 = 'W.Zero
        let mutable c5 = 'W.Zero
        let mutable d5 = 'W.Zero
        let mutable q = q

        for r in 0 .. runs.Count - 1 do
            let from = shift + NativePtr.get runs.Offsets r
            let stop = NativePtr.get runs.Stops r
            let p0 = from + NativePtr.get rows 0
            let p1 = from + NativePtr.get rows 1
            let p2 = from + NativePtr.get rows 2
            let p3 = from + NativePtr.get rows 3
            let p4 = from + NativePtr.get rows 4
            let p5 = from + NativePtr.get rows 5
            let mutable i = 0n

            while i < stop do
                let b0 = 'W.Load q
                let b1 = 'W.Load(q + w)
                let a0 = 'W.Spread(p0 + i)
                c0 <- 'W.Fma(a0, b0, c0)
                d0 <- 'W.Fma(a0, b1, d0)
                let a1 = 'W.Spread(p1 + i)
                c1 <- 'W.Fma(a1, b0, c1)
                d1 <- 'W.Fma(a1, b1, d1)
                let a2 = 'W.Spread(p2 + i)
                c2 <- 'W.Fma(a2, b0, c2)
                d2 <- 'W.Fma(a2, b1, d2)
                let a3 = 'W.Spread(p3 + i)
                c3 <- 'W.Fma(a3, b0, c3)
                d3 <- 'W.Fma(a3, b1, d3)
                let a4 = 'W.Spread(p4 + i)
                c4 <- 'W.Fma(a4, b0, c4)
                d4 <- 'W.Fma(a4, b1, d4)
                let a5 = 'W.Spread(p5 + i)
                c5 <- 'W.Fma(a5, b0, c5)
                d5 <- 'W.Fma(a5, b1, d5)
                q <- q + w + w
                i <- i + step

        let t0 = NativePtr.get into 0 + put
        ConvTile<'W, 'V, 'T>.Put(t0, accumulate, c0)
        ConvTile<'W, 'V, 'T>.Put(t0 + w, accumulate, d0)

        if count > 1 then
            let t1 = NativePtr.get into 1 + put
            ConvTile<'W, 'V, 'T>.Put(t1, accumulate, c1)
            ConvTile<'W, 'V, 'T>.Put(t1 + w, accumulate, d1)

        if count > 2 then
            let t2 = NativePtr.get into 2 + put
            ConvTile<'W, 'V, 'T>.Put(t2, accumulate, c2)
            ConvTile<'W, 'V, 'T>.Put(t2 + w, accumulate, d2)

        if count > 3 then
            let t3 = NativePtr.get into 3 + put
            ConvTile<'W, 'V, 'T>.Put(t3, accumulate, c3)
            ConvTile<'W, 'V, 'T>.Put(t3 + w, accumulate, d3)

        if count > 4 then
            let t4 = NativePtr.get into 4 + put
            ConvTile<'W, 'V, 'T>.Put(t4, accumulate, c4)
            ConvTile<'W, 'V, 'T>.Put(t4 + w, accumulate, d4)

        if count > 5 then
            let t5 = NativePtr.get into 5 + put
            ConvTile<'W, 'V, 'T>.Put(t5, accumulate, c5)
            ConvTile<'W, 'V, 'T>.Put(t5 + w, accumulate, d5)

    /// Six rows by one vector, as above.
    [<FullyOptimized>]
    static member private SixNarrow
        (count: int, rows: nativeptr<nativeint>, runs: ConvRuns, shift: nativeint, step: nativeint, q: nativeint, into: nativeptr<nativeint>, put: nativeint, accumulate: bool) =
        let mutable c0 = 'W.Zero
        let mutable d0 = 'W.Zero
        let mutable c1 = 'W.Zero
        let mutable d1 = 'W.Zero
        let mutable c2 = 'W.Zero
        let mutable d2 = 'W.Zero
        let mutable c3 = 'W.Zero
        let mutable d3 = 'W.Zero
        let mutable c4 = 'W.Zero
        let mutable d4 = 'W.Zero
        let mutable c5 = 'W.Zero
        let mutable d5 = 'W.Zero
        let mutable q = q

        for r in 0 .. runs.Count - 1 do
            let from = shift + NativePtr.get runs.Offsets r
            let stop = NativePtr.get runs.Stops r
            let p0 = from + NativePtr.get rows 0
            let p1 = from + NativePtr.get rows 1
            let p2 = from + NativePtr.get rows 2
            let p3 = from + NativePtr.get rows 3
            let p4 = from + NativePtr.get rows 4
            let p5 = from + NativePtr.get rows 5
            let mutable i = 0n

            while i + step < stop do
                let b0 = 'W.Load q
                let b1 = 'W.Load(q + 'W.Bytes)
                let k = i + step
                c0 <- 'W.Fma('W.Spread(p0 + i), b0, c0)
                d0 <- 'W.Fma('W.Spread(p0 + k), b1, d0)
                c1 <- 'W.Fma('W.Spread(p1 + i), b0, c1)
                d1 <- 'W.Fma('W.Spread(p1 + k), b1, d1)
                c2 <- 'W.Fma('W.Spread(p2 + i), b0, c2)
                d2 <- 'W.Fma('W.Spread(p2 + k), b1, d2)
                c3 <- 'W.Fma('W.Spread(p3 + i), b0, c3)
                d3 <- 'W.Fma('W.Spread(p3 + k), b1, d3)
                c4 <- 'W.Fma('W.Spread(p4 + i), b0, c4)
                d4 <- 'W.Fma('W.Spread(p4 + k), b1, d4)
                c5 <- 'W.Fma('W.Spread(p5 + i), b0, c5)
                d5 <- 'W.Fma('W.Spread(p5 + k), b1, d5)
                q <- q + 'W.Bytes + 'W.Bytes
                i <- k + step

            if i < stop then
                let b = 'W.Load q
                c0 <- 'W.Fma('W.Spread(p0 + i), b, c0)
                c1 <- 'W.Fma('W.Spread(p1 + i), b, c1)
                c2 <- 'W.Fma('W.Spread(p2 + i), b, c2)
                c3 <- 'W.Fma('W.Spread(p3 + i), b, c3)
                c4 <- 'W.Fma('W.Spread(p4 + i), b, c4)
                c5 <- 'W.Fma('W.Spread(p5 + i), b, c5)
                q <- q + 'W.Bytes

        ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 0 + put, accumulate, 'W.Add(c0, d0))

        if count > 1 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 1 + put, accumulate, 'W.Add(c1, d1))

        if count > 2 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 2 + put, accumulate, 'W.Add(c2, d2))

        if count > 3 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 3 + put, accumulate, 'W.Add(c3, d3))

        if count > 4 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 4 + put, accumulate, 'W.Add(c4, d4))

        if count > 5 then
            ConvTile<'W, 'V, 'T>.Put(NativePtr.get into 5 + put, accumulate, 'W.Add(c5, d5))

    static member inline private Whole(count, rows, runs: ConvRuns, shift, step, q, into, put, isWide: bool, accumulate) =
        if 'W.Bytes = 64n then
            if isWide then
                ConvTile<'W, 'V, 'T>.Eight(count, rows, runs, shift, step, q, into, put, accumulate)
            else
                ConvTile<'W, 'V, 'T>.EightNarrow(count, rows, runs, shift, step, q, into, put, accumulate)
        elif isWide then
            ConvTile<'W, 'V, 'T>.Six(count, rows, runs, shift, step, q, into, put, accumulate)
        else
            ConvTile<'W, 'V, 'T>.SixNarrow(count, rows, runs, shift, step, q, into, put, accumulate)

    /// A tile with a vector that is not full: computed aside.
    static member private Edge
        (
            count: int,
            rows: nativeptr<nativeint>,
            runs: ConvRuns,
            shift: nativeint,
            step: nativeint,
            q: nativeint,
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

        ConvTile<'W, 'V, 'T>.Whole(count, rows, runs, shift, step, q, places, 0n, (columns > lanes), false)

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

    /// One tile. A panel of at most one vector of columns is packed one vector wide, else two.
    static member Run
        (
            count: int,
            rows: nativeptr<nativeint>,
            runs: ConvRuns,
            shift: nativeint,
            step: nativeint,
            q: nativeint,
            into: nativeptr<nativeint>,
            put: nativeint,
            columns: int,
            accumulate: bool
        ) =
        let lanes = 'W.Count

        if columns = lanes || columns = lanes + lanes then
            ConvTile<'W, 'V, 'T>
                .Whole(count, rows, runs, shift, step, q, into, put, (columns > lanes), accumulate)
        else
            ConvTile<'W, 'V, 'T>.Edge(count, rows, runs, shift, step, q, into, put, columns, accumulate)
