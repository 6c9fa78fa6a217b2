namespace FunctionalNet.Kernels

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Products of a vector and a matrix. Memory sets their pace, so they read everything once and in long stretches. Steps
/// are in bytes.
[<AbstractClass; Sealed>]
type internal GemmVector<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    /// Whether a matrix of so many bytes comes from beyond the L2 cache. The machine does not read ahead far enough then, so
    /// it is told what will be read soon.
    static member inline private IsFar(bytes: nativeint) = bytes > 524288n

    /// Asks for some vectors that will be read soon.
    static member inline private Ask(p: nativeint, vectors: nativeint) = Mem.ask p (vectors * 'W.Bytes)

    /// c[j] = sum over k of x[k] B[k, j], for rows of B that are contiguous and c that is.
    [<FullyOptimized>]
    static member Combine
        (depth: int, x: nativeint, xStep: nativeint, b: nativeint, bRow: nativeint, columns: int, c: nativeint)
        =
        let lanes = 'W.Count
        let size = nativeint sizeof<'T>
        let isFar = GemmVector<'W, 'V, 'T>.IsFar(nativeint depth * bRow)
        let mutable j = 0

        while j + 8 * lanes <= columns do
            let mutable s0 = 'W.Zero
            let mutable s1 = 'W.Zero
            let mutable s2 = 'W.Zero
            let mutable s3 = 'W.Zero
            let mutable s4 = 'W.Zero
            let mutable s5 = 'W.Zero
            let mutable s6 = 'W.Zero
            let mutable s7 = 'W.Zero
            let mutable p = b + nativeint j * size
            let mutable q = x

            for _ in 1..depth do
                if isFar then GemmVector<'W, 'V, 'T>.Ask(p + 8n * bRow, 8n)
                let e = 'W.Spread q
                s0 <- 'W.Fma(e, 'W.Load p, s0)
                s1 <- 'W.Fma(e, 'W.Load(p + 'W.Bytes), s1)
                s2 <- 'W.Fma(e, 'W.Load(p + 2n * 'W.Bytes), s2)
                s3 <- 'W.Fma(e, 'W.Load(p + 3n * 'W.Bytes), s3)
                s4 <- 'W.Fma(e, 'W.Load(p + 4n * 'W.Bytes), s4)
                s5 <- 'W.Fma(e, 'W.Load(p + 5n * 'W.Bytes), s5)
                s6 <- 'W.Fma(e, 'W.Load(p + 6n * 'W.Bytes), s6)
                s7 <- 'W.Fma(e, 'W.Load(p + 7n * 'W.Bytes), s7)
                p <- p + bRow
                q <- q + xStep

            let t = c + nativeint j * size
            'W.Store(t, s0)
            'W.Store(t + 'W.Bytes, s1)
            'W.Store(t + 2n * 'W.Bytes, s2)
            'W.Store(t + 3n * 'W.Bytes, s3)
            'W.Store(t + 4n * 'W.Bytes, s4)
            'W.Store(t + 5n * 'W.Bytes, s5)
            'W.Store(t + 6n * 'W.Bytes, s6)
            'W.Store(t + 7n * 'W.Bytes, s7)
            j <- j + 8 * lanes

        // Four vectors at a time, two depths in two sums.
        while j + 4 * lanes <= columns do
            let mutable s0 = 'W.Zero
            let mutable s1 = 'W.Zero
            let mutable s2 = 'W.Zero
            let mutable s3 = 'W.Zero
            let mutable u0 = 'W.Zero
            let mutable u1 = 'W.Zero
            let mutable u2 = 'W.Zero
            let mutable u3 = 'W.Zero
            let mutable p = b + nativeint j * size
            let mutable q = x
            let mutable k = depth

            while k >= 2 do
                if isFar then
                    GemmVector<'W, 'V, 'T>.Ask(p + 16n * bRow, 4n)
                    GemmVector<'W, 'V, 'T>.Ask(p + 17n * bRow, 4n)

                let e = 'W.Spread q
                s0 <- 'W.Fma(e, 'W.Load p, s0)
                s1 <- 'W.Fma(e, 'W.Load(p + 'W.Bytes), s1)
                s2 <- 'W.Fma(e, 'W.Load(p + 2n * 'W.Bytes), s2)
                s3 <- 'W.Fma(e, 'W.Load(p + 3n * 'W.Bytes), s3)
                let e = 'W.Spread(q + xStep)
                let r = p + bRow
                u0 <- 'W.Fma(e, 'W.Load r, u0)
                u1 <- 'W.Fma(e, 'W.Load(r + 'W.Bytes), u1)
                u2 <- 'W.Fma(e, 'W.Load(r + 2n * 'W.Bytes), u2)
                u3 <- 'W.Fma(e, 'W.Load(r + 3n * 'W.Bytes), u3)
                p <- r + bRow
                q <- q + 2n * xStep
                k <- k - 2

            if k > 0 then
                let e = 'W.Spread q
                s0 <- 'W.Fma(e, 'W.Load p, s0)
                s1 <- 'W.Fma(e, 'W.Load(p + 'W.Bytes), s1)
                s2 <- 'W.Fma(e, 'W.Load(p + 2n * 'W.Bytes), s2)
                s3 <- 'W.Fma(e, 'W.Load(p + 3n * 'W.Bytes), s3)

            let t = c + nativeint j * size
            'W.Store(t, 'W.Add(s0, u0))
            'W.Store(t + 'W.Bytes, 'W.Add(s1, u1))
            'W.Store(t + 2n * 'W.Bytes, 'W.Add(s2, u2))
            'W.Store(t + 3n * 'W.Bytes, 'W.Add(s3, u3))
            j <- j + 4 * lanes

        // One vector at a time, four depths in four sums, so that the machine does not wait for the last one.
        while j < columns do
            let count = min lanes (columns - j)
            let mutable s0 = 'W.Zero
            let mutable s1 = 'W.Zero
            let mutable s2 = 'W.Zero
            let mutable s3 = 'W.Zero
            let mutable p = b + nativeint j * size
            let mutable q = x
            let mutable k = depth

            while k >= 4 do
                s0 <- 'W.Fma('W.Spread q, 'W.LoadFirst(p, count), s0)
                s1 <- 'W.Fma('W.Spread(q + xStep), 'W.LoadFirst(p + bRow, count), s1)
                s2 <- 'W.Fma('W.Spread(q + 2n * xStep), 'W.LoadFirst(p + 2n * bRow, count), s2)
                s3 <- 'W.Fma('W.Spread(q + 3n * xStep), 'W.LoadFirst(p + 3n * bRow, count), s3)
                p <- p + 4n * bRow
                q <- q + 4n * xStep
                k <- k - 4

            while k > 0 do
                s0 <- 'W.Fma('W.Spread q, 'W.LoadFirst(p, count), s0)
                p <- p + bRow
                q <- q + xStep
                k <- k - 1

            'W.StoreFirst(c + nativeint j * size, count, 'W.Add('W.Add(s0, s1), 'W.Add(s2, s3)))
            j <- j + count

    /// c[j] = the sum of column j of a few rows.
    [<FullyOptimized>]
    static member AddUp(rows: int, from: nativeint, row: nativeint, columns: int, c: nativeint) =
        let lanes = 'W.Count
        let mutable j = 0

        while j < columns do
            let count = min lanes (columns - j)
            let at = nativeint (j * sizeof<'T>)
            let mutable p = from + at
            let mutable sum = 'W.Zero

            for _ in 1..rows do
                sum <- 'W.Add(sum, (if count = lanes then 'W.Load p else 'W.LoadFirst(p, count)))
                p <- p + row

            if count = lanes then 'W.Store(c + at, sum) else 'W.StoreFirst(c + at, count, sum)
            j <- j + count

    /// The inner product of two contiguous vectors.
    [<FullyOptimized>]
    static member Dot(depth: int, x: nativeint, y: nativeint) : 'T =
        let lanes = 'W.Count
        let size = nativeint sizeof<'T>
        let mutable s0 = 'W.Zero
        let mutable s1 = 'W.Zero
        let mutable s2 = 'W.Zero
        let mutable s3 = 'W.Zero
        let mutable p = x
        let mutable q = y
        let mutable k = depth

        while k >= 4 * lanes do
            s0 <- 'W.Fma('W.Load p, 'W.Load q, s0)
            s1 <- 'W.Fma('W.Load(p + 'W.Bytes), 'W.Load(q + 'W.Bytes), s1)
            s2 <- 'W.Fma('W.Load(p + 2n * 'W.Bytes), 'W.Load(q + 2n * 'W.Bytes), s2)
            s3 <- 'W.Fma('W.Load(p + 3n * 'W.Bytes), 'W.Load(q + 3n * 'W.Bytes), s3)
            p <- p + 4n * 'W.Bytes
            q <- q + 4n * 'W.Bytes
            k <- k - 4 * lanes

        while k > 0 do
            let count = min lanes k
            s0 <- 'W.Fma('W.LoadFirst(p, count), 'W.LoadFirst(q, count), s0)
            p <- p + nativeint count * size
            q <- q + nativeint count * size
            k <- k - count

        'W.Sum('W.Add('W.Add(s0, s1), 'W.Add(s2, s3)))

    /// c[j] = the inner product of x and row j of y; x and the rows are contiguous, results are `cStep` apart.
    [<FullyOptimized>]
    static member Dots
        (depth: int, x: nativeint, y: nativeint, yRow: nativeint, count: int, c: nativeint, cStep: nativeint)
        =
        let lanes = 'W.Count
        let isFar = GemmVector<'W, 'V, 'T>.IsFar(nativeint count * yRow)
        let mutable y0 = y
        let mutable t = c
        let mutable left = count

        // Four rows at a time share what is read of x.
        while left >= 4 do
            let y1 = y0 + yRow
            let y2 = y1 + yRow
            let y3 = y2 + yRow
            let mutable s0 = 'W.Zero
            let mutable s1 = 'W.Zero
            let mutable s2 = 'W.Zero
            let mutable s3 = 'W.Zero
            let mutable u0 = 'W.Zero
            let mutable u1 = 'W.Zero
            let mutable u2 = 'W.Zero
            let mutable u3 = 'W.Zero
            let mutable at = 0n
            let mutable k = depth

            while k >= 2 * lanes do
                if isFar then
                    let soon = at + 1024n
                    GemmVector<'W, 'V, 'T>.Ask(y0 + soon, 2n)
                    GemmVector<'W, 'V, 'T>.Ask(y1 + soon, 2n)
                    GemmVector<'W, 'V, 'T>.Ask(y2 + soon, 2n)
                    GemmVector<'W, 'V, 'T>.Ask(y3 + soon, 2n)

                let e = 'W.Load(x + at)
                let next = at + 'W.Bytes
                let f = 'W.Load(x + next)
                s0 <- 'W.Fma(e, 'W.Load(y0 + at), s0)
                u0 <- 'W.Fma(f, 'W.Load(y0 + next), u0)
                s1 <- 'W.Fma(e, 'W.Load(y1 + at), s1)
                u1 <- 'W.Fma(f, 'W.Load(y1 + next), u1)
                s2 <- 'W.Fma(e, 'W.Load(y2 + at), s2)
                u2 <- 'W.Fma(f, 'W.Load(y2 + next), u2)
                s3 <- 'W.Fma(e, 'W.Load(y3 + at), s3)
                u3 <- 'W.Fma(f, 'W.Load(y3 + next), u3)
                at <- next + 'W.Bytes
                k <- k - 2 * lanes

            while k > 0 do
                let n = min lanes k
                let e = 'W.LoadFirst(x + at, n)
                s0 <- 'W.Fma(e, 'W.LoadFirst(y0 + at, n), s0)
                s1 <- 'W.Fma(e, 'W.LoadFirst(y1 + at, n), s1)
                s2 <- 'W.Fma(e, 'W.LoadFirst(y2 + at, n), s2)
                s3 <- 'W.Fma(e, 'W.LoadFirst(y3 + at, n), s3)
                at <- at + 'W.Bytes
                k <- k - n

            Mem.set<'T> t 0 ('W.Sum('W.Add(s0, u0)))
            Mem.set<'T> (t + cStep) 0 ('W.Sum('W.Add(s1, u1)))
            Mem.set<'T> (t + 2n * cStep) 0 ('W.Sum('W.Add(s2, u2)))
            Mem.set<'T> (t + 3n * cStep) 0 ('W.Sum('W.Add(s3, u3)))
            t <- t + 4n * cStep
            y0 <- y3 + yRow
            left <- left - 4

        while left > 0 do
            Mem.set<'T> t 0 (GemmVector<'W, 'V, 'T>.Dot(depth, x, y0))
            t <- t + cStep
            y0 <- y0 + yRow
            left <- left - 1
