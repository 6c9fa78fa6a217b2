namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// How many rows a tile has.
type internal IRows =
    static abstract Count: int

[<Struct>]
type internal Rows1 =
    interface IRows with
        static member Count = 1

[<Struct>]
type internal Rows2 =
    interface IRows with
        static member Count = 2

[<Struct>]
type internal Rows3 =
    interface IRows with
        static member Count = 3

[<Struct>]
type internal Rows4 =
    interface IRows with
        static member Count = 4

[<Struct>]
type internal Rows5 =
    interface IRows with
        static member Count = 5

[<Struct>]
type internal Rows6 =
    interface IRows with
        static member Count = 6

[<Struct>]
type internal Rows7 =
    interface IRows with
        static member Count = 7

[<Struct>]
type internal Rows8 =
    interface IRows with
        static member Count = 8

[<Struct>]
type internal Rows9 =
    interface IRows with
        static member Count = 9

[<Struct>]
type internal Rows10 =
    interface IRows with
        static member Count = 10

[<Struct>]
type internal Rows11 =
    interface IRows with
        static member Count = 11

[<Struct>]
type internal Rows12 =
    interface IRows with
        static member Count = 12

/// How many vectors a row of a tile has (one or two), and whether the last is partial.
type internal IColumns =
    static abstract Vectors: int
    static abstract Partial: bool

[<Struct>]
type internal One =
    interface IColumns with
        static member Vectors = 1
        static member Partial = false

[<Struct>]
type internal Two =
    interface IColumns with
        static member Vectors = 2
        static member Partial = false

[<Struct>]
type internal OnePartial =
    interface IColumns with
        static member Vectors = 1
        static member Partial = true

[<Struct>]
type internal TwoPartial =
    interface IColumns with
        static member Vectors = 2
        static member Partial = true

[<AbstractClass; Sealed>]
type internal GemmTile<'W, 'V, 'T, 'R, 'C
    when 'W: struct
    and 'W :> ILanes<'V, 'T>
    and 'R: struct
    and 'R :> IRows
    and 'C: struct
    and 'C :> IColumns> private () =

    /// C = A B, or C += A B. Element (i, k) of A is at a + i aRow + k aCol, row k of B at b + k bStep.
    [<FullyOptimized>]
    static member Run
        (
            depth: int,
            a: nativeint,
            aRow: nativeint,
            aCol: nativeint,
            b: nativeint,
            bStep: nativeint,
            c: nativeint,
            cRow: nativeint,
            count: int,
            accumulate: bool
        ) =
        let inline last p = if 'C.Partial then 'W.LoadFirst(p, count) else 'W.Load p
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
        let mutable s8 = 'W.Zero
        let mutable t8 = 'W.Zero
        let mutable s9 = 'W.Zero
        let mutable t9 = 'W.Zero
        let mutable s10 = 'W.Zero
        let mutable t10 = 'W.Zero
        let mutable s11 = 'W.Zero
        let mutable t11 = 'W.Zero
        let aRow2 = aRow + aRow
        let mutable p0 = a
        let mutable p3 = a + aRow + aRow2
        let mutable p6 = p3 + aRow + aRow2
        let mutable p9 = p6 + aRow + aRow2
        let mutable q = b
        let mutable k = depth

        while k > 0 do
            let x = if 'C.Vectors = 2 then 'W.Load q else last q
            let y = if 'C.Vectors = 2 then last (q + 'W.Bytes) else 'W.Zero
            let e = 'W.Spread(p0)
            s0 <- 'W.Fma(e, x, s0)
            if 'C.Vectors = 2 then t0 <- 'W.Fma(e, y, t0)

            if 'R.Count > 1 then
                let e = 'W.Spread(p0 + aRow)
                s1 <- 'W.Fma(e, x, s1)
                if 'C.Vectors = 2 then t1 <- 'W.Fma(e, y, t1)

            if 'R.Count > 2 then
                let e = 'W.Spread(p0 + aRow2)
                s2 <- 'W.Fma(e, x, s2)
                if 'C.Vectors = 2 then t2 <- 'W.Fma(e, y, t2)

            if 'R.Count > 3 then
                let e = 'W.Spread(p3)
                s3 <- 'W.Fma(e, x, s3)
                if 'C.Vectors = 2 then t3 <- 'W.Fma(e, y, t3)

            if 'R.Count > 4 then
                let e = 'W.Spread(p3 + aRow)
                s4 <- 'W.Fma(e, x, s4)
                if 'C.Vectors = 2 then t4 <- 'W.Fma(e, y, t4)

            if 'R.Count > 5 then
                let e = 'W.Spread(p3 + aRow2)
                s5 <- 'W.Fma(e, x, s5)
                if 'C.Vectors = 2 then t5 <- 'W.Fma(e, y, t5)

            if 'R.Count > 6 then
                let e = 'W.Spread(p6)
                s6 <- 'W.Fma(e, x, s6)
                if 'C.Vectors = 2 then t6 <- 'W.Fma(e, y, t6)

            if 'R.Count > 7 then
                let e = 'W.Spread(p6 + aRow)
                s7 <- 'W.Fma(e, x, s7)
                if 'C.Vectors = 2 then t7 <- 'W.Fma(e, y, t7)

            if 'R.Count > 8 then
                let e = 'W.Spread(p6 + aRow2)
                s8 <- 'W.Fma(e, x, s8)
                if 'C.Vectors = 2 then t8 <- 'W.Fma(e, y, t8)

            if 'R.Count > 9 then
                let e = 'W.Spread(p9)
                s9 <- 'W.Fma(e, x, s9)
                if 'C.Vectors = 2 then t9 <- 'W.Fma(e, y, t9)

            if 'R.Count > 10 then
                let e = 'W.Spread(p9 + aRow)
                s10 <- 'W.Fma(e, x, s10)
                if 'C.Vectors = 2 then t10 <- 'W.Fma(e, y, t10)

            if 'R.Count > 11 then
                let e = 'W.Spread(p9 + aRow2)
                s11 <- 'W.Fma(e, x, s11)
                if 'C.Vectors = 2 then t11 <- 'W.Fma(e, y, t11)

            p0 <- p0 + aCol
            p3 <- p3 + aCol
            p6 <- p6 + aCol
            p9 <- p9 + aCol
            q <- q + bStep
            k <- k - 1

        let inline put (p: nativeint) v =
            'W.Store(p, (if accumulate then 'W.Add('W.Load p, v) else v))

        let inline putLast (p: nativeint) v =
            if 'C.Partial then
                'W.StoreFirst(p, count, (if accumulate then 'W.Add('W.LoadFirst(p, count), v) else v))
            else
                put p v

        let inline finish p u v =
            if 'C.Vectors = 2 then
                put p u
                putLast (p + 'W.Bytes) v
            else
                putLast p u

        let mutable p = c
        finish p s0 t0

        if 'R.Count > 1 then
            p <- p + cRow
            finish p s1 t1

        if 'R.Count > 2 then
            p <- p + cRow
            finish p s2 t2

        if 'R.Count > 3 then
            p <- p + cRow
            finish p s3 t3

        if 'R.Count > 4 then
            p <- p + cRow
            finish p s4 t4

        if 'R.Count > 5 then
            p <- p + cRow
            finish p s5 t5

        if 'R.Count > 6 then
            p <- p + cRow
            finish p s6 t6

        if 'R.Count > 7 then
            p <- p + cRow
            finish p s7 t7

        if 'R.Count > 8 then
            p <- p + cRow
            finish p s8 t8

        if 'R.Count > 9 then
            p <- p + cRow
            finish p s9 t9

        if 'R.Count > 10 then
            p <- p + cRow
            finish p s10 t10

        if 'R.Count > 11 then
            p <- p + cRow
            finish p s11 t11
