namespace FunctionalNet.Kernels

open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet.Kernels.Lanes

/// The pieces that matrix products are made of. A product is computed in tiles of 6 rows by two vectors of columns; the
/// rows of A come packed six at a time ("panels": for each k, six elements), the columns of B packed two vectors at a
/// time, or straight from a matrix whose rows are `bStep` elements apart.
[<AbstractClass; Sealed>]
type internal GemmCore<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> private () =

    /// Rows of a tile.
    static member Rows = 6

    /// Columns of a tile: two vectors.
    static member Columns = 64 / sizeof<'T>

    /// Depth of one block of k: a panel of B of this depth stays in the L1 cache.
    static member Depth = 256

    /// Row panels of one block: with `Depth` they stay in the L2 cache.
    static member BlockPanels = 16

    static member inline private At(p: nativeptr<'T>, i: int) : Vector256<'T> = Vector256.Load(NativePtr.add p i)

    static member inline private Spread(p: nativeptr<'T>, i: int) : Vector256<'T> = Vector256.Create(NativePtr.get p i)

    /// One tile: c = a b, or c += a b.
    [<FullyOptimized>]
    static member Micro
        (kc: int, a: nativeptr<'T>, b: nativeptr<'T>, bStep: int, c: nativeptr<'T>, ldc: int, accumulate: bool)
        =
        let w = 32 / sizeof<'T>
        let mutable c00 = Vector256<'T>.Zero
        let mutable c01 = Vector256<'T>.Zero
        let mutable c10 = Vector256<'T>.Zero
        let mutable c11 = Vector256<'T>.Zero
        let mutable c20 = Vector256<'T>.Zero
        let mutable c21 = Vector256<'T>.Zero
        let mutable c30 = Vector256<'T>.Zero
        let mutable c31 = Vector256<'T>.Zero
        let mutable c40 = Vector256<'T>.Zero
        let mutable c41 = Vector256<'T>.Zero
        let mutable c50 = Vector256<'T>.Zero
        let mutable c51 = Vector256<'T>.Zero
        let r1 = NativePtr.add c ldc
        let r2 = NativePtr.add r1 ldc
        let r3 = NativePtr.add r2 ldc
        let r4 = NativePtr.add r3 ldc
        let r5 = NativePtr.add r4 ldc

        if accumulate then
            c00 <- GemmCore<'T>.At(c, 0)
            c01 <- GemmCore<'T>.At(c, w)
            c10 <- GemmCore<'T>.At(r1, 0)
            c11 <- GemmCore<'T>.At(r1, w)
            c20 <- GemmCore<'T>.At(r2, 0)
            c21 <- GemmCore<'T>.At(r2, w)
            c30 <- GemmCore<'T>.At(r3, 0)
            c31 <- GemmCore<'T>.At(r3, w)
            c40 <- GemmCore<'T>.At(r4, 0)
            c41 <- GemmCore<'T>.At(r4, w)
            c50 <- GemmCore<'T>.At(r5, 0)
            c51 <- GemmCore<'T>.At(r5, w)

        let mutable a = a
        let mutable b = b
        let mutable k = kc

        while k > 0 do
            let b0 = GemmCore<'T>.At(b, 0)
            let b1 = GemmCore<'T>.At(b, w)
            let a0 = GemmCore<'T>.Spread(a, 0)
            c00 <- fma a0 b0 c00
            c01 <- fma a0 b1 c01
            let a1 = GemmCore<'T>.Spread(a, 1)
            c10 <- fma a1 b0 c10
            c11 <- fma a1 b1 c11
            let a2 = GemmCore<'T>.Spread(a, 2)
            c20 <- fma a2 b0 c20
            c21 <- fma a2 b1 c21
            let a3 = GemmCore<'T>.Spread(a, 3)
            c30 <- fma a3 b0 c30
            c31 <- fma a3 b1 c31
            let a4 = GemmCore<'T>.Spread(a, 4)
            c40 <- fma a4 b0 c40
            c41 <- fma a4 b1 c41
            let a5 = GemmCore<'T>.Spread(a, 5)
            c50 <- fma a5 b0 c50
            c51 <- fma a5 b1 c51
            a <- NativePtr.add a 6
            b <- NativePtr.add b bStep
            k <- k - 1

        Vector256.Store(c00, c)
        Vector256.Store(c01, NativePtr.add c w)
        Vector256.Store(c10, r1)
        Vector256.Store(c11, NativePtr.add r1 w)
        Vector256.Store(c20, r2)
        Vector256.Store(c21, NativePtr.add r2 w)
        Vector256.Store(c30, r3)
        Vector256.Store(c31, NativePtr.add r3 w)
        Vector256.Store(c40, r4)
        Vector256.Store(c41, NativePtr.add r4 w)
        Vector256.Store(c50, r5)
        Vector256.Store(c51, NativePtr.add r5 w)

    /// A tile of which only `rows` by `columns` elements exist in c: computed aside, then copied.
    static member MicroEdge
        (
            kc: int,
            a: nativeptr<'T>,
            b: nativeptr<'T>,
            bStep: int,
            c: nativeptr<'T>,
            ldc: int,
            accumulate: bool,
            rows: int,
            columns: int
        ) =
        let nr = 64 / sizeof<'T>
        let aside = NativePtr.stackalloc<'T> 96

        if accumulate then
            for i in 0 .. rows - 1 do
                for j in 0 .. columns - 1 do
                    NativePtr.set aside (i * nr + j) (NativePtr.get c (i * ldc + j))

        GemmCore<'T>.Micro(kc, a, b, bStep, aside, nr, accumulate)

        for i in 0 .. rows - 1 do
            for j in 0 .. columns - 1 do
                NativePtr.set c (i * ldc + j) (NativePtr.get aside (i * nr + j))

    /// Packs `count` (at most `width`) vectors of length kc that stand side by side: dst[k * width + r] = src[k * ld + r].
    [<FullyOptimized>]
    static member PackStraight(src: nativeptr<'T>, ld: int, kc: int, count: int, width: int, dst: nativeptr<'T>) =
        let mutable s = src
        let mutable d = dst

        if count = width && width * sizeof<'T> = 64 then
            let w = 32 / sizeof<'T>

            for _ in 1..kc do
                Vector256.Store(GemmCore<'T>.At(s, 0), d)
                Vector256.Store(GemmCore<'T>.At(s, w), NativePtr.add d w)
                s <- NativePtr.add s ld
                d <- NativePtr.add d width
        elif count = 6 && width = 6 then
            for _ in 1..kc do
                NativePtr.set d 0 (NativePtr.get s 0)
                NativePtr.set d 1 (NativePtr.get s 1)
                NativePtr.set d 2 (NativePtr.get s 2)
                NativePtr.set d 3 (NativePtr.get s 3)
                NativePtr.set d 4 (NativePtr.get s 4)
                NativePtr.set d 5 (NativePtr.get s 5)
                s <- NativePtr.add s ld
                d <- NativePtr.add d 6
        else
            for _ in 1..kc do
                for r in 0 .. width - 1 do
                    NativePtr.set d r (if r < count then NativePtr.get s r else 'T.Zero)

                s <- NativePtr.add s ld
                d <- NativePtr.add d width

    /// Packs `count` (at most `width`) contiguous vectors of length kc: dst[k * width + r] = src[r * ld + k].
    [<FullyOptimized>]
    static member PackTransposed(src: nativeptr<'T>, ld: int, kc: int, count: int, width: int, dst: nativeptr<'T>) =
        // Whole blocks in registers. A block writes eight wide, so for a panel of six it spills into the next depth's place,
        // which is written after it: the last depths are left to the loops below, and nothing outside is touched.
        let blocks =
            if sizeof<'T> = 4 && Transpose.isSupported () && count = width && (width = 6 || width = 16) then
                (if width = 6 then kc - 1 else kc) / 8
            else
                0

        let size = nativeint sizeof<'T>
        let s = NativePtr.toNativeInt src
        let d = NativePtr.toNativeInt dst
        let step = nativeint ld * size

        for block in 0 .. blocks - 1 do
            let from = s + nativeint (8 * block) * size
            let into = d + nativeint (8 * block * width) * size

            if width = 6 then
                Transpose.block from step 6 into (6n * size)
            else
                Transpose.block from step 8 into (16n * size)
                Transpose.block (from + 8n * step) step 8 (into + 32n) (16n * size)

        let first = blocks * 8

        if first < kc then
            GemmCore<'T>
                .PackSlowly(NativePtr.add src first, ld, kc - first, count, width, NativePtr.add dst (first * width))

    [<FullyOptimized>]
    static member private PackSlowly(src: nativeptr<'T>, ld: int, kc: int, count: int, width: int, dst: nativeptr<'T>) =
        let mutable r = 0

        // Two vectors at a time: half the passes over the panel.
        while r + 1 < count do
            let s0 = NativePtr.add src (r * ld)
            let s1 = NativePtr.add s0 ld
            let mutable d = NativePtr.add dst r

            for k in 0 .. kc - 1 do
                NativePtr.set d 0 (NativePtr.get s0 k)
                NativePtr.set d 1 (NativePtr.get s1 k)
                d <- NativePtr.add d width

            r <- r + 2

        while r < width do
            let s = NativePtr.add src (r * ld)
            let mutable d = NativePtr.add dst r

            if r < count then
                for k in 0 .. kc - 1 do
                    NativePtr.write d (NativePtr.get s k)
                    d <- NativePtr.add d width
            else
                for _ in 1..kc do
                    NativePtr.write d 'T.Zero
                    d <- NativePtr.add d width

            r <- r + 1

    /// Packs rows [row, row + rows) of op(A), columns [k0, k0 + kc), into consecutive panels.
    static member PackA
        (trans: bool, a: nativeptr<'T>, lda: int, row: int, rows: int, k0: int, kc: int, dst: nativeptr<'T>)
        =
        let mutable i = 0

        while i < rows do
            let count = min 6 (rows - i)
            let d = NativePtr.add dst (i * kc)

            if trans then
                GemmCore<'T>.PackStraight(NativePtr.add a (k0 * lda + row + i), lda, kc, count, 6, d)
            else
                GemmCore<'T>.PackTransposed(NativePtr.add a ((row + i) * lda + k0), lda, kc, count, 6, d)

            i <- i + 6

    /// Packs columns [column, column + columns) of op(B), rows [k0, k0 + kc), into consecutive panels.
    static member PackB
        (trans: bool, b: nativeptr<'T>, ldb: int, column: int, columns: int, k0: int, kc: int, dst: nativeptr<'T>)
        =
        let nr = 64 / sizeof<'T>
        let mutable j = 0

        while j < columns do
            let count = min nr (columns - j)
            let d = NativePtr.add dst (j * kc)

            if trans then
                GemmCore<'T>.PackTransposed(NativePtr.add b ((column + j) * ldb + k0), ldb, kc, count, nr, d)
            else
                GemmCore<'T>.PackStraight(NativePtr.add b (k0 * ldb + column + j), ldb, kc, count, nr, d)

            j <- j + nr

    /// c (rows x columns) = or += the product of consecutive row panels and consecutive column panels. `bPanel` is the
    /// distance of two column panels, `bStep` that of two rows in one.
    static member Block
        (
            rows: int,
            columns: int,
            kc: int,
            a: nativeptr<'T>,
            b: nativeptr<'T>,
            bPanel: int,
            bStep: int,
            c: nativeptr<'T>,
            ldc: int,
            accumulate: bool
        ) =
        let nr = 64 / sizeof<'T>
        let mutable j = 0

        while j < columns do
            let panel = NativePtr.add b (j / nr * bPanel)
            let width = min nr (columns - j)
            let mutable i = 0

            while i < rows do
                let height = min 6 (rows - i)
                let target = NativePtr.add c (i * ldc + j)

                if height = 6 && width = nr then
                    GemmCore<'T>.Micro(kc, NativePtr.add a (i * kc), panel, bStep, target, ldc, accumulate)
                else
                    GemmCore<'T>
                        .MicroEdge(kc, NativePtr.add a (i * kc), panel, bStep, target, ldc, accumulate, height, width)

                i <- i + 6

            j <- j + nr

    /// c[j] = sum over k of a[k * aStep] * B[k, j] for `columns` columns of a row-major B.
    [<FullyOptimized>]
    static member RowTimes
        (k: int, a: nativeptr<'T>, aStep: int, b: nativeptr<'T>, ldb: int, columns: int, c: nativeptr<'T>)
        =
        let w = 32 / sizeof<'T>
        let mutable j = 0

        while j + 4 * w <= columns do
            let mutable s0 = Vector256<'T>.Zero
            let mutable s1 = Vector256<'T>.Zero
            let mutable s2 = Vector256<'T>.Zero
            let mutable s3 = Vector256<'T>.Zero
            let mutable p = NativePtr.add b j
            let mutable q = a

            for _ in 1..k do
                let x = GemmCore<'T>.Spread(q, 0)
                s0 <- fma x (GemmCore<'T>.At(p, 0)) s0
                s1 <- fma x (GemmCore<'T>.At(p, w)) s1
                s2 <- fma x (GemmCore<'T>.At(p, 2 * w)) s2
                s3 <- fma x (GemmCore<'T>.At(p, 3 * w)) s3
                p <- NativePtr.add p ldb
                q <- NativePtr.add q aStep

            Vector256.Store(s0, NativePtr.add c j)
            Vector256.Store(s1, NativePtr.add c (j + w))
            Vector256.Store(s2, NativePtr.add c (j + 2 * w))
            Vector256.Store(s3, NativePtr.add c (j + 3 * w))
            j <- j + 4 * w

        while j < columns do
            let count = min w (columns - j)
            let mutable s = Vector256<'T>.Zero
            let mutable p = NativePtr.toNativeInt (NativePtr.add b j)
            let mutable q = a

            for _ in 1..k do
                let x = if count = w then load<'T> p else loadFirst<'T> p count
                s <- fma (GemmCore<'T>.Spread(q, 0)) x s
                p <- p + nativeint ldb * nativeint sizeof<'T>
                q <- NativePtr.add q aStep

            storeFirst (NativePtr.toNativeInt (NativePtr.add c j)) count s
            j <- j + count

    /// The inner product of two contiguous vectors.
    [<FullyOptimized>]
    static member Dot(k: int, a: nativeptr<'T>, b: nativeptr<'T>) : 'T =
        let w = 32 / sizeof<'T>
        let mutable s0 = Vector256<'T>.Zero
        let mutable s1 = Vector256<'T>.Zero
        let mutable s2 = Vector256<'T>.Zero
        let mutable s3 = Vector256<'T>.Zero
        let mutable i = 0

        while i + 4 * w <= k do
            s0 <- fma (GemmCore<'T>.At(a, i)) (GemmCore<'T>.At(b, i)) s0
            s1 <- fma (GemmCore<'T>.At(a, i + w)) (GemmCore<'T>.At(b, i + w)) s1
            s2 <- fma (GemmCore<'T>.At(a, i + 2 * w)) (GemmCore<'T>.At(b, i + 2 * w)) s2
            s3 <- fma (GemmCore<'T>.At(a, i + 3 * w)) (GemmCore<'T>.At(b, i + 3 * w)) s3
            i <- i + 4 * w

        while i < k do
            let count = min w (k - i)

            let x = loadFirst<'T> (NativePtr.toNativeInt (NativePtr.add a i)) count
            let y = loadFirst<'T> (NativePtr.toNativeInt (NativePtr.add b i)) count
            s0 <- fma x y s0
            i <- i + count

        Vector256.Sum((s0 + s1) + (s2 + s3))
