namespace FunctionalNet.Kernels

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// How many rows a tile has: 1 to 8.
type internal ITileRows =
    static abstract Count: int

/// How many vectors a row of a tile has, one or two, and whether the last of them is partial.
type internal ITileColumns =
    static abstract Vectors: int
    static abstract Partial: bool

[<Struct>]
type internal Rows1 =
    interface ITileRows with
        static member Count = 1

[<Struct>]
type internal Rows2 =
    interface ITileRows with
        static member Count = 2

[<Struct>]
type internal Rows3 =
    interface ITileRows with
        static member Count = 3

[<Struct>]
type internal Rows4 =
    interface ITileRows with
        static member Count = 4

[<Struct>]
type internal Rows5 =
    interface ITileRows with
        static member Count = 5

[<Struct>]
type internal Rows6 =
    interface ITileRows with
        static member Count = 6

[<Struct>]
type internal Rows7 =
    interface ITileRows with
        static member Count = 7

[<Struct>]
type internal Rows8 =
    interface ITileRows with
        static member Count = 8

[<Struct>]
type internal OneVector =
    interface ITileColumns with
        static member Vectors = 1
        static member Partial = false

[<Struct>]
type internal TwoVectors =
    interface ITileColumns with
        static member Vectors = 2
        static member Partial = false

[<Struct>]
type internal PartVector =
    interface ITileColumns with
        static member Vectors = 1
        static member Partial = true

[<Struct>]
type internal OneAndPart =
    interface ITileColumns with
        static member Vectors = 2
        static member Partial = true

/// The innermost loop of matrix products, for one height and width of a tile of C that stays in registers: up to 8 rows of
/// two vectors where a machine has 32 vector registers, 6 where it has 16. The runtime compiles each combination that is
/// used and removes the rows and vectors that it does not have.
[<AbstractClass; Sealed>]
type internal GemmTile<'W, 'V, 'T, 'R, 'C
    when 'W: struct and 'W :> ILanes<'V, 'T> and 'R: struct and 'R :> ITileRows and 'C: struct and 'C :> ITileColumns>
    private () =

    /// C = A B, or C += A B. Steps are in bytes: element (i, k) of A is at a + i * aRow + k * aColumn, row k of B starts at
    /// b + k * bRow, row i of C at c + i * cRow. `last` is the number of elements of the last vector, if it is partial;
    /// nothing after them is read or written.
    [<FullyOptimized>]
    static member Run
        (
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
        let inline loadLast p = if 'C.Partial then 'W.LoadFirst(p, last) else 'W.Load p
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

        // One pointer for three rows: the other two are one and two steps from it.
        let aRow2 = aRow + aRow
        let mutable p0 = a
        let mutable p3 = p0 + aRow + aRow2
        let mutable p6 = p3 + aRow + aRow2
        let mutable q = b
        let mutable k = depth

        while k > 0 do
            let x = if 'C.Vectors = 2 then 'W.Load q else loadLast q
            let y = if 'C.Vectors = 2 then loadLast (q + 'W.Bytes) else 'W.Zero
            let e = 'W.Spread p0
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
                let e = 'W.Spread p3
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
                let e = 'W.Spread p6
                s6 <- 'W.Fma(e, x, s6)
                if 'C.Vectors = 2 then t6 <- 'W.Fma(e, y, t6)

            if 'R.Count > 7 then
                let e = 'W.Spread(p6 + aRow)
                s7 <- 'W.Fma(e, x, s7)
                if 'C.Vectors = 2 then t7 <- 'W.Fma(e, y, t7)

            p0 <- p0 + aColumn
            p3 <- p3 + aColumn
            p6 <- p6 + aColumn
            q <- q + bRow
            k <- k - 1

        let inline put p v = 'W.Store(p, (if accumulate then 'W.Add('W.Load p, v) else v))

        let inline putLast p v =
            if 'C.Partial then
                'W.StoreFirst(p, last, (if accumulate then 'W.Add('W.LoadFirst(p, last), v) else v))
            else
                put p v

        let inline putRow p s t =
            if 'C.Vectors = 2 then
                put p s
                putLast (p + 'W.Bytes) t
            else
                putLast p s

        let mutable p = c
        putRow p s0 t0

        if 'R.Count > 1 then
            p <- p + cRow
            putRow p s1 t1

        if 'R.Count > 2 then
            p <- p + cRow
            putRow p s2 t2

        if 'R.Count > 3 then
            p <- p + cRow
            putRow p s3 t3

        if 'R.Count > 4 then
            p <- p + cRow
            putRow p s4 t4

        if 'R.Count > 5 then
            p <- p + cRow
            putRow p s5 t5

        if 'R.Count > 6 then
            p <- p + cRow
            putRow p s6 t6

        if 'R.Count > 7 then
            p <- p + cRow
            putRow p s7 t7
