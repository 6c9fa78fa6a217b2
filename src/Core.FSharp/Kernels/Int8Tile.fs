namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// How a machine multiplies 8-bit numbers, four depths of a product at once: a lane of 32 bits holds four numbers of one
/// column, and a sum of their products. Vectors are those of the lanes beside it, whatever they hold.
type internal IFours<'V> =

    /// Multiplications that four depths need: one of four bytes, or two of pairs of 16 bits.
    static abstract Steps: int

    /// True if weights are kept with 128 added, as numbers without a sign; sums then start at -128 times the sum of the row.
    static abstract Shifted: bool

    /// Rows of the highest tile: what the vector registers hold.
    static abstract Rows: int

    /// The weights as the first multiplication takes them: depths 0 and 2, if there are two.
    static abstract First: 'V -> 'V

    /// The weights as the second multiplication takes them: depths 1 and 3.
    static abstract Second: 'V -> 'V

    /// The sums plus the products of the numbers of x and w within each lane.
    static abstract Accumulate: sums: 'V * x: 'V * w: 'V -> 'V

/// Four bytes at once, of which the weights have no sign, in vectors of 256 bits.
[<Struct; NoEquality; NoComparison>]
type internal BytesIn256 =
    interface IFours<Vector256<float32>> with

        static member Steps = 1
        static member Shifted = true
        static member Rows = 6
        static member First w = w
        static member Second w = w

        static member Accumulate(sums, x, w) =
            AvxVnni.MultiplyWideningAndAdd(sums.AsInt32(), w.AsByte(), x.AsSByte()).AsSingle()

/// Pairs of 16 bits in vectors of 128 bits.
[<Struct; NoEquality; NoComparison>]
type internal PairsIn128 =
    interface IFours<Vector128<float32>> with

        static member Steps = 2
        static member Shifted = false
        static member Rows = 4
        static member First w = ((w.AsInt16() <<< 8) >>> 8).AsSingle()
        static member Second w = (w.AsInt16() >>> 8).AsSingle()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Accumulate(sums, x, w) =
            if Sse2.IsSupported then
                (sums.AsInt32() + Sse2.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16())).AsSingle()
            else
                let x, w = x.AsInt32(), w.AsInt32()
                let lower = ((x <<< 16) >>> 16) * ((w <<< 16) >>> 16)
                (sums.AsInt32() + lower + (x >>> 16) * (w >>> 16)).AsSingle()

/// Pairs of 16 bits in vectors of 256 bits.
[<Struct; NoEquality; NoComparison>]
type internal PairsIn256 =
    interface IFours<Vector256<float32>> with

        static member Steps = 2
        static member Shifted = false
        static member Rows = 4
        static member First w = ((w.AsInt16() <<< 8) >>> 8).AsSingle()
        static member Second w = (w.AsInt16() >>> 8).AsSingle()

        static member Accumulate(sums, x, w) =
            (sums.AsInt32() + Avx2.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16())).AsSingle()

/// Pairs of 16 bits in vectors of 512 bits.
[<Struct; NoEquality; NoComparison>]
type internal PairsIn512 =
    interface IFours<Vector512<float32>> with

        static member Steps = 2
        static member Shifted = false
        static member Rows = 8
        static member First w = ((w.AsInt16() <<< 8) >>> 8).AsSingle()
        static member Second w = (w.AsInt16() >>> 8).AsSingle()

        static member Accumulate(sums, x, w) =
            (sums.AsInt32() + Avx512BW.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16())).AsSingle()

/// What a tile reads and writes. Weights are those of a panel: for every four depths, four bytes of each of its columns.
[<Struct; NoEquality; NoComparison>]
type internal Int8Place =
    {
        /// Numbers of depths divided by four, rounded up.
        Fours: int
        /// Rows of quantised numbers, and bytes from one to the next.
        X: nativeint
        XRow: nativeint
        /// For every row its scale, and the 32-bit number at which its sums start.
        Rows: nativeint
        W: nativeint
        /// The scales of the panel's columns.
        Scales: nativeint
        Y: nativeint
        YRow: nativeint
        /// Columns that exist, of two vectors.
        Count: int
    }

/// The innermost loops of products in 8 bits.
[<AbstractClass; Sealed>]
type internal Int8Tile<'L, 'W, 'V, 'R
    when 'L: struct and 'L :> IFours<'V> and 'W: struct and 'W :> ILanes<'V, float32> and 'R: struct and 'R :> ITileRows>
    private () =

    static member inline private Sum(sums: 'V, even: 'V, odd: 'V, first: 'V, second: 'V) : 'V =
        let sums = 'L.Accumulate(sums, even, first)
        if 'L.Steps = 2 then 'L.Accumulate(sums, odd, second) else sums

    static member inline private Odd(p: nativeint) : 'V = if 'L.Steps = 2 then 'W.Spread(p + 4n) else 'W.Zero

    /// The sums of a row, divided by its scale and those of the columns.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member private Put(place: inref<Int8Place>, row: int, s: 'V, t: 'V) =
        let scale = 'W.Spread(place.Rows + nativeint row * 8n)
        let y = place.Y + nativeint row * place.YRow

        if place.Count >= 'W.Count then
            'W.Store(y, 'W.Div('W.OfInt s, 'W.Mul(scale, 'W.Load place.Scales)))
        else
            let d = 'W.Mul(scale, 'W.LoadFirst(place.Scales, place.Count))
            'W.StoreFirst(y, place.Count, 'W.Div('W.OfInt s, d))

        let count = place.Count - 'W.Count

        if count = 'W.Count then
            'W.Store(y + 'W.Bytes, 'W.Div('W.OfInt t, 'W.Mul(scale, 'W.Load(place.Scales + 'W.Bytes))))
        elif count > 0 then
            let d = 'W.Mul(scale, 'W.LoadFirst(place.Scales + 'W.Bytes, count))
            'W.StoreFirst(y + 'W.Bytes, count, 'W.Div('W.OfInt t, d))

    /// As many rows as 'R says, from `row` on: two vectors of sums for each stay in registers.
    [<FullyOptimized>]
    static member Run(place: inref<Int8Place>, row: int) =
        let starts = place.Rows + nativeint row * 8n + 4n
        let mutable s0 = 'W.Spread starts
        let mutable t0 = s0
        let mutable s1 = if 'R.Count > 1 then 'W.Spread(starts + 8n) else 'W.Zero
        let mutable t1 = s1
        let mutable s2 = if 'R.Count > 2 then 'W.Spread(starts + 16n) else 'W.Zero
        let mutable t2 = s2
        let mutable s3 = if 'R.Count > 3 then 'W.Spread(starts + 24n) else 'W.Zero
        let mutable t3 = s3
        let mutable s4 = if 'R.Count > 4 then 'W.Spread(starts + 32n) else 'W.Zero
        let mutable t4 = s4
        let mutable s5 = if 'R.Count > 5 then 'W.Spread(starts + 40n) else 'W.Zero
        let mutable t5 = s5
        let mutable s6 = if 'R.Count > 6 then 'W.Spread(starts + 48n) else 'W.Zero
        let mutable t6 = s6
        let mutable s7 = if 'R.Count > 7 then 'W.Spread(starts + 56n) else 'W.Zero
        let mutable t7 = s7

        // One pointer for three rows: the other two are one and two steps from it.
        let step = place.XRow
        let step2 = step + step
        let mutable p0 = place.X + nativeint row * step
        let mutable p3 = p0 + step + step2
        let mutable p6 = p3 + step + step2
        let mutable q = place.W
        let mutable k = place.Fours

        while k > 0 do
            let w = 'W.Load q
            let x, y = 'L.First w, 'L.Second w
            let w = 'W.Load(q + 'W.Bytes)
            let z, u = 'L.First w, 'L.Second w
            let e = 'W.Spread p0
            let f = Int8Tile<'L, 'W, 'V, 'R>.Odd p0
            s0 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s0, e, f, x, y)
            t0 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t0, e, f, z, u)

            if 'R.Count > 1 then
                let e = 'W.Spread(p0 + step)
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd(p0 + step)
                s1 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s1, e, f, x, y)
                t1 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t1, e, f, z, u)

            if 'R.Count > 2 then
                let e = 'W.Spread(p0 + step2)
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd(p0 + step2)
                s2 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s2, e, f, x, y)
                t2 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t2, e, f, z, u)

            if 'R.Count > 3 then
                let e = 'W.Spread p3
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd p3
                s3 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s3, e, f, x, y)
                t3 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t3, e, f, z, u)

            if 'R.Count > 4 then
                let e = 'W.Spread(p3 + step)
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd(p3 + step)
                s4 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s4, e, f, x, y)
                t4 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t4, e, f, z, u)

            if 'R.Count > 5 then
                let e = 'W.Spread(p3 + step2)
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd(p3 + step2)
                s5 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s5, e, f, x, y)
                t5 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t5, e, f, z, u)

            if 'R.Count > 6 then
                let e = 'W.Spread p6
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd p6
                s6 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s6, e, f, x, y)
                t6 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t6, e, f, z, u)

            if 'R.Count > 7 then
                let e = 'W.Spread(p6 + step)
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd(p6 + step)
                s7 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s7, e, f, x, y)
                t7 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t7, e, f, z, u)

            p0 <- p0 + nativeint (4 * 'L.Steps)
            p3 <- p3 + nativeint (4 * 'L.Steps)
            p6 <- p6 + nativeint (4 * 'L.Steps)
            q <- q + 2n * 'W.Bytes
            k <- k - 1

        Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row, s0, t0)
        if 'R.Count > 1 then Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row + 1, s1, t1)
        if 'R.Count > 2 then Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row + 2, s2, t2)
        if 'R.Count > 3 then Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row + 3, s3, t3)
        if 'R.Count > 4 then Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row + 4, s4, t4)
        if 'R.Count > 5 then Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row + 5, s5, t5)
        if 'R.Count > 6 then Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row + 6, s6, t6)
        if 'R.Count > 7 then Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row + 7, s7, t7)

    /// One row, over four times four depths at once, since one sum alone would wait for itself.
    [<FullyOptimized>]
    static member RunRow(place: inref<Int8Place>, row: int) =
        let mutable s0 = 'W.Spread(place.Rows + nativeint row * 8n + 4n)
        let mutable t0 = s0
        let mutable s1 = 'W.Zero
        let mutable t1 = 'W.Zero
        let mutable s2 = 'W.Zero
        let mutable t2 = 'W.Zero
        let mutable s3 = 'W.Zero
        let mutable t3 = 'W.Zero
        let four = nativeint (4 * 'L.Steps)
        let panel = 2n * 'W.Bytes
        let mutable p = place.X + nativeint row * place.XRow
        let mutable q = place.W
        let mutable k = place.Fours

        while k > 0 do
            let w, z = 'W.Load q, 'W.Load(q + 'W.Bytes)
            let e = 'W.Spread p
            let f = Int8Tile<'L, 'W, 'V, 'R>.Odd p
            s0 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s0, e, f, 'L.First w, 'L.Second w)
            t0 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t0, e, f, 'L.First z, 'L.Second z)

            if k >= 4 then
                let p1, q1 = p + four, q + panel
                let w, z = 'W.Load q1, 'W.Load(q1 + 'W.Bytes)
                let e = 'W.Spread p1
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd p1
                s1 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s1, e, f, 'L.First w, 'L.Second w)
                t1 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t1, e, f, 'L.First z, 'L.Second z)
                let p2, q2 = p1 + four, q1 + panel
                let w, z = 'W.Load q2, 'W.Load(q2 + 'W.Bytes)
                let e = 'W.Spread p2
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd p2
                s2 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s2, e, f, 'L.First w, 'L.Second w)
                t2 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t2, e, f, 'L.First z, 'L.Second z)
                let p3, q3 = p2 + four, q2 + panel
                let w, z = 'W.Load q3, 'W.Load(q3 + 'W.Bytes)
                let e = 'W.Spread p3
                let f = Int8Tile<'L, 'W, 'V, 'R>.Odd p3
                s3 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(s3, e, f, 'L.First w, 'L.Second w)
                t3 <- Int8Tile<'L, 'W, 'V, 'R>.Sum(t3, e, f, 'L.First z, 'L.Second z)
                p <- p3 + four
                q <- q3 + panel
                k <- k - 4
            else
                p <- p + four
                q <- q + panel
                k <- k - 1

        let inline total a b c d = 'W.AddInt('W.AddInt(a, b), 'W.AddInt(c, d))
        Int8Tile<'L, 'W, 'V, 'R>.Put(&place, row, total s0 s1 s2 s3, total t0 t1 t2 t3)
