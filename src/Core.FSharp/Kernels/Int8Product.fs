namespace FunctionalNet.Kernels

open System
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Vectors 'V of 32-bit lanes: each a pair of 16-bit numbers, or a 32-bit sum.
type internal IPairLanes<'V> =

    /// Lanes of a vector.
    static abstract Count: int

    /// Bytes of a vector.
    static abstract Bytes: nativeint

    static abstract Zero: 'V
    static abstract Load: nativeint -> 'V

    /// One pair in all lanes.
    static abstract Spread: nativeint -> 'V

    static abstract Store: nativeint * 'V -> unit

    /// The sums plus the products of the lower numbers of x and w, plus those of the upper.
    static abstract Accumulate: sums: 'V * x: 'V * w: 'V -> 'V

    /// 8-bit numbers of two rows as pairs.
    static abstract Pairs: lower: nativeint * upper: nativeint -> 'V

    /// The sums as float32, divided by row * columns.
    static abstract Scaled: sums: 'V * row: float32 * columns: nativeint -> 'V

    /// Twice as many float32 as there are lanes, times a scale, rounded half to even and limited to -127..127, as 16-bit
    /// numbers.
    static abstract Quantize: x: nativeint * scale: float32 * target: nativeint -> unit

/// Pairs in vectors of 128 bits.
[<Struct; NoEquality; NoComparison>]
type internal PairLanes128 =
    interface IPairLanes<Vector128<int>> with

        static member Count = 4
        static member Bytes = 16n
        static member Zero = Vector128<int>.Zero
        static member Load p = Vector128.Load(NativePtr.ofNativeInt<int> p)
        static member Spread p = Vector128.Create(NativePtr.read (NativePtr.ofNativeInt<int> p))
        static member Store(p, v) = Vector128.Store(v, NativePtr.ofNativeInt<int> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Accumulate(sums, x, w) =
            if AvxVnni.IsSupported then AvxVnni.MultiplyWideningAndAdd(sums, x.AsInt16(), w.AsInt16())
            elif Sse2.IsSupported then sums + Sse2.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16())
            else sums + ((x <<< 16) >>> 16) * ((w <<< 16) >>> 16) + (x >>> 16) * (w >>> 16)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Pairs(lower, upper) =
            let inline wide (p: nativeint) =
                let bytes = Vector128.CreateScalarUnsafe(NativePtr.read (NativePtr.ofNativeInt<int> p)).AsSByte()
                Vector128.WidenLower(Vector128.WidenLower bytes)

            (wide lower &&& Vector128.Create 0xFFFF) ||| (wide upper <<< 16)

        static member Scaled(sums, row, columns) =
            (Vector128.ConvertToSingle sums
             / (Vector128.Create row * Vector128.Load(NativePtr.ofNativeInt<float32> columns)))
                .AsInt32()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Quantize(x, scale, target) =
            let inline whole (p: nativeint) =
                let v = Vector128.Round(Vector128.Load(NativePtr.ofNativeInt<float32> p) * Vector128.Create scale)
                let low, high = Vector128.Create -127.0f, Vector128.Create 127.0f
                Vector128.ConvertToInt32Native(Vector128.Min(Vector128.Max(v, low), high))

            Vector128.Store(Vector128.Narrow(whole x, whole (x + 16n)), NativePtr.ofNativeInt<int16> target)

/// Pairs in vectors of 256 bits.
[<Struct; NoEquality; NoComparison>]
type internal PairLanes256 =
    interface IPairLanes<Vector256<int>> with

        static member Count = 8
        static member Bytes = 32n
        static member Zero = Vector256<int>.Zero
        static member Load p = Vector256.Load(NativePtr.ofNativeInt<int> p)
        static member Spread p = Vector256.Create(NativePtr.read (NativePtr.ofNativeInt<int> p))
        static member Store(p, v) = Vector256.Store(v, NativePtr.ofNativeInt<int> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Accumulate(sums, x, w) =
            if AvxVnni.IsSupported then AvxVnni.MultiplyWideningAndAdd(sums, x.AsInt16(), w.AsInt16())
            elif Avx2.IsSupported then sums + Avx2.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16())
            else sums + ((x <<< 16) >>> 16) * ((w <<< 16) >>> 16) + (x >>> 16) * (w >>> 16)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Pairs(lower, upper) =
            let inline wide (p: nativeint) =
                let bytes = Vector128.CreateScalarUnsafe(NativePtr.read (NativePtr.ofNativeInt<int64> p)).AsSByte()
                Vector256.WidenLower((Vector128.WidenLower bytes).ToVector256Unsafe())

            (wide lower &&& Vector256.Create 0xFFFF) ||| (wide upper <<< 16)

        static member Scaled(sums, row, columns) =
            (Vector256.ConvertToSingle sums
             / (Vector256.Create row * Vector256.Load(NativePtr.ofNativeInt<float32> columns)))
                .AsInt32()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Quantize(x, scale, target) =
            let inline whole (p: nativeint) =
                let v = Vector256.Round(Vector256.Load(NativePtr.ofNativeInt<float32> p) * Vector256.Create scale)
                let low, high = Vector256.Create -127.0f, Vector256.Create 127.0f
                Vector256.ConvertToInt32Native(Vector256.Min(Vector256.Max(v, low), high))

            Vector256.Store(Vector256.Narrow(whole x, whole (x + 32n)), NativePtr.ofNativeInt<int16> target)

/// Pairs in vectors of 512 bits.
[<Struct; NoEquality; NoComparison>]
type internal PairLanes512 =
    interface IPairLanes<Vector512<int>> with

        static member Count = 16
        static member Bytes = 64n
        static member Zero = Vector512<int>.Zero
        static member Load p = Vector512.Load(NativePtr.ofNativeInt<int> p)
        static member Spread p = Vector512.Create(NativePtr.read (NativePtr.ofNativeInt<int> p))
        static member Store(p, v) = Vector512.Store(v, NativePtr.ofNativeInt<int> p)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Accumulate(sums, x, w) =
            if Avx512BW.IsSupported then
                sums + Avx512BW.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16())
            else
                sums + ((x <<< 16) >>> 16) * ((w <<< 16) >>> 16) + (x >>> 16) * (w >>> 16)

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Pairs(lower, upper) =
            let inline wide (p: nativeint) =
                let bytes = Vector128.Load(NativePtr.ofNativeInt<sbyte> p)
                Vector512.WidenLower(Vector256.WidenLower(bytes.ToVector256Unsafe()).ToVector512Unsafe())

            (wide lower &&& Vector512.Create 0xFFFF) ||| (wide upper <<< 16)

        static member Scaled(sums, row, columns) =
            (Vector512.ConvertToSingle sums
             / (Vector512.Create row * Vector512.Load(NativePtr.ofNativeInt<float32> columns)))
                .AsInt32()

        [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
        static member Quantize(x, scale, target) =
            let inline whole (p: nativeint) =
                let v = Vector512.Round(Vector512.Load(NativePtr.ofNativeInt<float32> p) * Vector512.Create scale)
                let low, high = Vector512.Create -127.0f, Vector512.Create 127.0f
                Vector512.ConvertToInt32Native(Vector512.Min(Vector512.Max(v, low), high))

            Vector512.Store(Vector512.Narrow(whole x, whole (x + 64n)), NativePtr.ofNativeInt<int16> target)

/// The loops of products in 8 bits, at one width.
[<AbstractClass>]
type internal Int8Loops() =

    /// Columns of the weights that are taken together.
    abstract Columns: int

    /// A row of k numbers as 16-bit numbers from -127 to 127, followed by a zero if k is odd; returns 127 / (largest + 1e-7).
    abstract Quantize: k: int * x: nativeint * target: nativeint -> float32

    /// The columns from `first` on of y = (x w) / (row scales * column scales), for `rows` rows of quantised x.
    abstract Panel: Int8Panel -> unit

/// What a panel reads and writes.
and [<Struct; NoEquality; NoComparison>] internal Int8Panel =
    {
        Rows: int
        K: int
        N: int
        /// The first column, and how many.
        First: int
        Count: int
        /// 16-bit numbers, rows of an even number of them.
        X: nativeint
        RowScales: nativeint
        /// (k, n) 8-bit numbers, and a scale for each column.
        W: nativeint
        ColumnScales: nativeint
        Y: nativeint
        Scratch: nativeint
    }

[<Sealed>]
type internal Int8Loops<'L, 'V, 'W, 'F
    when 'L: struct and 'L :> IPairLanes<'V> and 'W: struct and 'W :> ILanes<'F, float32>>() =
    inherit Int8Loops()

    /// Where in the scratch block the pairs of a panel begin: behind a row of zeros, two rows that stick out, and scales.
    static let panelAt = 512n

    override _.Columns = 2 * 'L.Count

    [<FullyOptimized>]
    override _.Quantize(k, x, target) =
        let mutable largest = 'W.Zero
        let mutable i = 0

        while i + 'W.Count <= k do
            largest <- 'W.Max(largest, 'W.Abs('W.Load(x + nativeint i * 4n)))
            i <- i + 'W.Count

        if i < k then
            largest <- 'W.Max(largest, 'W.Abs('W.LoadFirst(x + nativeint i * 4n, k - i)))

        let scale = 127.0f / ('W.Largest largest + 1e-7f)
        i <- 0

        while i + 2 * 'L.Count <= k do
            'L.Quantize(x + nativeint i * 4n, scale, target + nativeint i * 2n)
            i <- i + 2 * 'L.Count

        while i < k do
            let v = MathF.Round(Mem.get<float32> x i * scale)
            // Not-a-number becomes 0 here and comes back by the scale.
            let v =
                if v >= 127.0f then 127s
                elif v <= -127.0f then -127s
                elif Single.IsNaN v then 0s
                else int16 v
            Mem.set<int16> target i v
            i <- i + 1

        if k &&& 1 = 1 then Mem.set<int16> target k 0s

        scale

    /// The weights of a panel as pairs of rows, two vectors for each pair.
    [<FullyOptimized>]
    static member private Unpack(p: Int8Panel) =
        let zeros, lowerEnd, upperEnd = p.Scratch, p.Scratch + 64n, p.Scratch + 128n
        Mem.zero zeros 192L
        let mutable target = p.Scratch + panelAt
        let mutable row = 0

        while row < p.K do
            let lower = p.W + nativeint row * nativeint p.N + nativeint p.First
            let upper = if row + 1 < p.K then lower + nativeint p.N else zeros

            if p.Count = 2 * 'L.Count then
                'L.Store(target, 'L.Pairs(lower, upper))
                'L.Store(target + 'L.Bytes, 'L.Pairs(lower + nativeint 'L.Count, upper + nativeint 'L.Count))
            else
                // The columns end here; what lies behind is not the panel's, or not there at all.
                Mem.copy lowerEnd lower (int64 p.Count)
                if row + 1 < p.K then Mem.copy upperEnd upper (int64 p.Count)
                let upper = if row + 1 < p.K then upperEnd else zeros
                'L.Store(target, 'L.Pairs(lowerEnd, upper))
                'L.Store(target + 'L.Bytes, 'L.Pairs(lowerEnd + nativeint 'L.Count, upper + nativeint 'L.Count))

            target <- target + 2n * 'L.Bytes
            row <- row + 2

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member private Finish(p: Int8Panel, row: int, first: 'V, second: 'V) =
        let scale = Mem.get<float32> p.RowScales row
        let columns = p.Scratch + 192n
        let y = p.Y + (nativeint row * nativeint p.N + nativeint p.First) * 4n

        if p.Count = 2 * 'L.Count then
            'L.Store(y, 'L.Scaled(first, scale, columns))
            'L.Store(y + 'L.Bytes, 'L.Scaled(second, scale, columns + 'L.Bytes))
        else
            let all = p.Scratch + 320n
            'L.Store(all, 'L.Scaled(first, scale, columns))
            'L.Store(all + 'L.Bytes, 'L.Scaled(second, scale, columns + 'L.Bytes))
            Mem.copy y all (int64 p.Count * 4L)

    [<FullyOptimized>]
    static member private FourRows(p: Int8Panel, row: int) =
        let pairs = (p.K + 1) / 2
        let stride = nativeint pairs * 4n
        let mutable x = p.X + nativeint row * stride
        let mutable w = p.Scratch + panelAt
        let mutable a0 = 'L.Zero
        let mutable a1 = 'L.Zero
        let mutable b0 = 'L.Zero
        let mutable b1 = 'L.Zero
        let mutable c0 = 'L.Zero
        let mutable c1 = 'L.Zero
        let mutable d0 = 'L.Zero
        let mutable d1 = 'L.Zero

        for _ in 1..pairs do
            let w0, w1 = 'L.Load w, 'L.Load(w + 'L.Bytes)
            let a = 'L.Spread x
            a0 <- 'L.Accumulate(a0, a, w0)
            a1 <- 'L.Accumulate(a1, a, w1)
            let b = 'L.Spread(x + stride)
            b0 <- 'L.Accumulate(b0, b, w0)
            b1 <- 'L.Accumulate(b1, b, w1)
            let c = 'L.Spread(x + 2n * stride)
            c0 <- 'L.Accumulate(c0, c, w0)
            c1 <- 'L.Accumulate(c1, c, w1)
            let d = 'L.Spread(x + 3n * stride)
            d0 <- 'L.Accumulate(d0, d, w0)
            d1 <- 'L.Accumulate(d1, d, w1)
            x <- x + 4n
            w <- w + 2n * 'L.Bytes

        Int8Loops<'L, 'V, 'W, 'F>.Finish(p, row, a0, a1)
        Int8Loops<'L, 'V, 'W, 'F>.Finish(p, row + 1, b0, b1)
        Int8Loops<'L, 'V, 'W, 'F>.Finish(p, row + 2, c0, c1)
        Int8Loops<'L, 'V, 'W, 'F>.Finish(p, row + 3, d0, d1)

    [<FullyOptimized>]
    static member private OneRow(p: Int8Panel, row: int) =
        let pairs = (p.K + 1) / 2
        let mutable x = p.X + nativeint row * nativeint pairs * 4n
        let mutable w = p.Scratch + panelAt
        let mutable a0 = 'L.Zero
        let mutable a1 = 'L.Zero

        for _ in 1..pairs do
            let a = 'L.Spread x
            a0 <- 'L.Accumulate(a0, a, 'L.Load w)
            a1 <- 'L.Accumulate(a1, a, 'L.Load(w + 'L.Bytes))
            x <- x + 4n
            w <- w + 2n * 'L.Bytes

        Int8Loops<'L, 'V, 'W, 'F>.Finish(p, row, a0, a1)

    override _.Panel(p) =
        Int8Loops<'L, 'V, 'W, 'F>.Unpack p
        let columns = p.Scratch + 192n

        for i in 0 .. 2 * 'L.Count - 1 do
            Mem.set<float32> columns i (if i < p.Count then Mem.get<float32> p.ColumnScales (p.First + i) else 1.0f)

        let mutable row = 0

        while row + 4 <= p.Rows do
            Int8Loops<'L, 'V, 'W, 'F>.FourRows(p, row)
            row <- row + 4

        while row < p.Rows do
            Int8Loops<'L, 'V, 'W, 'F>.OneRow(p, row)
            row <- row + 1

/// y = x w for float32 rows x and 8-bit weights w with a scale for every column. A row of x is rounded to 8 bits by its own
/// largest number; the products are summed as whole numbers, without a rounding, so that no order of summation matters.
[<Sealed>]
type internal Int8ProductKernel
    (
        loops: Int8Loops,
        rows: int,
        k: int,
        n: int,
        x: nativeint,
        w: nativeint,
        columnScales: nativeint,
        y: nativeint,
        work: nativeint,
        epilogue: Epilogue
    ) =
    inherit Kernel()

    // Rows that are quantised together, rows that one reading of the weights serves, and panels of one chunk.
    let rowGrain = max 1 (16384 / max 1 k)
    let group = 128
    let groups = (rows + group - 1) / group
    let panels = (n + loops.Columns - 1) / loops.Columns
    let panelGrain = max 1 (131072 / max 1 (k * loops.Columns * min rows group))
    let panelChunks = (panels + panelGrain - 1) / panelGrain
    let rowBytes = nativeint ((k + 1) / 2) * 4n
    let scales = work + nativeint rows * rowBytes

    override _.Phases = 2

    override _.Chunks(phase) = if phase = 0 then (rows + rowGrain - 1) / rowGrain else groups * panelChunks

    override _.Run(phase, chunk) =
        if phase = 0 then
            for row in chunk * rowGrain .. min rows ((chunk + 1) * rowGrain) - 1 do
                let scale = loops.Quantize(k, x + nativeint row * nativeint k * 4n, work + nativeint row * rowBytes)
                Mem.set<float32> scales row scale
        else
            let firstRow = chunk / panelChunks * group
            let count = min group (rows - firstRow)
            let firstPanel = chunk % panelChunks * panelGrain

            for panel in firstPanel .. min panels (firstPanel + panelGrain) - 1 do
                let first = panel * loops.Columns
                let columns = min loops.Columns (n - first)

                loops.Panel
                    { Rows = count
                      K = k
                      N = n
                      First = first
                      Count = columns
                      X = work + nativeint firstRow * rowBytes
                      RowScales = scales + nativeint firstRow * 4n
                      W = w
                      ColumnScales = columnScales
                      Y = y + nativeint firstRow * nativeint n * 4n
                      Scratch = Scratch.Pointer }

                epilogue.Run(firstRow * n + first, count, columns, n)

/// Products of float32 rows with 8-bit weights.
[<AbstractClass; Sealed>]
type internal Int8Product private () =

    /// True if a kernel can hold the columns of so many rows of weights.
    static member Fits(k: int) = k <= 10000

    /// Bytes for x in 16 bits and the scales of its rows.
    static member Workspace(rows: int, k: int) : int64 = int64 rows * int64 ((k + 1) / 2) * 4L + int64 rows * 4L

    /// y (rows, n) = x (rows, k) w (k, n) / scales (n).
    static member Create
        (
            width: Width,
            rows: int,
            k: int,
            n: int,
            x: nativeint,
            w: nativeint,
            scales: nativeint,
            y: nativeint,
            work: nativeint,
            epilogue: Epilogue
        ) : Kernel =
        let loops: Int8Loops =
            match width with
            | Width.W512 -> Int8Loops<PairLanes512, Vector512<int>, Lanes512<float32>, Vector512<float32>>()
            | Width.W256 -> Int8Loops<PairLanes256, Vector256<int>, Lanes256<float32>, Vector256<float32>>()
            | _ -> Int8Loops<PairLanes128, Vector128<int>, Lanes128<float32>, Vector128<float32>>()

        Int8ProductKernel(loops, rows, k, n, x, w, scales, y, work, epilogue)
