namespace FunctionalNet.Kernels

// 3535: reducers are types with static abstract members, so that one loop serves all of them.
#nowarn "3535"

open System
open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop
open FunctionalNet

/// What a reduction does with the elements.
type internal ReduceKind =
    | Sum = 0
    | Prod = 1
    | Max = 2
    | Min = 3
    | Any = 4
    | All = 5

/// An associative operation with its neutral element, on one element and on vectors.
type internal IReducer<'V, 'T when 'T: unmanaged and 'T: struct> =
    static abstract Neutral: 'T
    static abstract One: a: 'T * b: 'T -> 'T
    static abstract Many: a: 'V * b: 'V -> 'V

    /// All lanes of a vector, always in the same order.
    static abstract Lanes: a: 'V -> 'T

/// The lanes of a vector combined by halves.
module internal LaneFold =

    let inline byTwos<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T> and 'T: unmanaged>
        ([<InlineIfLambda>] f: 'T -> 'T -> 'T)
        (v: 'V)
        : 'T =
        let lanes = NativePtr.stackalloc<'T> 16
        'W.Store(NativePtr.toNativeInt lanes, v)
        let mutable left = 'W.Count

        while left > 1 do
            left <- left / 2

            for i in 0 .. left - 1 do
                NativePtr.set lanes i (f (NativePtr.get lanes i) (NativePtr.get lanes (i + left)))

        NativePtr.get lanes 0

[<Struct; NoEquality; NoComparison>]
type internal SumOf<'W, 'V, 'T
    when 'W: struct and 'W :> ILanes<'V, 'T> and 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> =
    interface IReducer<'V, 'T> with
        static member Neutral = 'T.Zero
        static member One(a, b) = a + b
        static member Many(a, b) = 'W.Add(a, b)
        static member Lanes a = 'W.Sum a

[<Struct; NoEquality; NoComparison>]
type internal ProdOf<'W, 'V, 'T
    when 'W: struct and 'W :> ILanes<'V, 'T> and 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> =
    interface IReducer<'V, 'T> with
        static member Neutral = 'T.One
        static member One(a, b) = a * b
        static member Many(a, b) = 'W.Mul(a, b)
        static member Lanes a = LaneFold.byTwos<'W, 'V, 'T> (fun x y -> x * y) a

[<Struct; NoEquality; NoComparison>]
type internal MaxOf<'W, 'V, 'T
    when 'W: struct
    and 'W :> ILanes<'V, 'T>
    and 'T: unmanaged
    and 'T: struct
    and 'T :> INumber<'T>
    and 'T :> IMinMaxValue<'T>> =
    interface IReducer<'V, 'T> with
        static member Neutral =
            // 1/0 in a floating type; integers have a smallest value instead.
            if typeof<'T> = typeof<float32> || typeof<'T> = typeof<float> then
                'T.CreateTruncating<float> Double.NegativeInfinity
            else
                'T.MinValue

        static member One(a, b) = 'T.Max(a, b)
        static member Many(a, b) = 'W.Max(a, b)
        static member Lanes a = 'W.Largest a

[<Struct; NoEquality; NoComparison>]
type internal MinOf<'W, 'V, 'T
    when 'W: struct
    and 'W :> ILanes<'V, 'T>
    and 'T: unmanaged
    and 'T: struct
    and 'T :> INumber<'T>
    and 'T :> IMinMaxValue<'T>> =
    interface IReducer<'V, 'T> with
        static member Neutral =
            if typeof<'T> = typeof<float32> || typeof<'T> = typeof<float> then
                'T.CreateTruncating<float> Double.PositiveInfinity
            else
                'T.MaxValue

        static member One(a, b) = 'T.Min(a, b)
        static member Many(a, b) = 'W.Min(a, b)
        static member Lanes a = LaneFold.byTwos<'W, 'V, 'T> (fun x y -> 'T.Min(x, y)) a

/// The two loops of every reduction.
[<AbstractClass>]
type internal ReduceRunner() =

    /// Bytes of an element.
    abstract Size: int

    /// Combines contiguous elements into one.
    abstract Line: src: nativeint * n: int * dst: nativeint -> unit

    /// dst[j] = combination of src[i, j] over rows that are `rowLength` elements apart, for `width` columns.
    abstract Columns: src: nativeint * rows: int * rowLength: int * width: int * dst: nativeint -> unit

/// The loops of one operation at one width.
[<Sealed>]
type internal ReduceRunner<'R, 'W, 'V, 'T
    when 'W: struct
    and 'W :> ILanes<'V, 'T>
    and 'T: unmanaged
    and 'T: struct
    and 'T :> INumber<'T>
    and 'R: struct
    and 'R :> IReducer<'V, 'T>>() =
    inherit ReduceRunner()

    // Elements of a leaf of the tree of a long sum. Each of its lanes adds up a few hundred at most; shorter leaves would
    // spend more time on adding up lanes than on reading.
    static let block = 16384

    /// The first elements at an address, neutral ones after them.
    static member inline private Part(p: nativeint, count: int) : 'V =
        'W.Pick('W.First count, 'W.LoadFirst(p, count), 'W.Create 'R.Neutral)

    /// Combines up to `block` contiguous elements with eight vector accumulators.
    [<FullyOptimized>]
    static member private Block(p: nativeint, n: int) : 'T =
        let step = 'W.Bytes
        let stop = p + nativeint (n / 'W.Count) * step
        let mutable p = p
        let mutable a0 = 'W.Create 'R.Neutral

        if n >= 8 * 'W.Count then
            let mutable a1 = a0
            let mutable a2 = a0
            let mutable a3 = a0
            let mutable a4 = a0
            let mutable a5 = a0
            let mutable a6 = a0
            let mutable a7 = a0

            // Long stretches come from far: the machine is told what will be read soon.
            let isFar = n * sizeof<'T> >= 49152

            while p + 8n * step <= stop do
                if isFar then Mem.ask (p + 2048n) (8n * step)
                a0 <- 'R.Many(a0, 'W.Load p)
                a1 <- 'R.Many(a1, 'W.Load(p + step))
                a2 <- 'R.Many(a2, 'W.Load(p + 2n * step))
                a3 <- 'R.Many(a3, 'W.Load(p + 3n * step))
                a4 <- 'R.Many(a4, 'W.Load(p + 4n * step))
                a5 <- 'R.Many(a5, 'W.Load(p + 5n * step))
                a6 <- 'R.Many(a6, 'W.Load(p + 6n * step))
                a7 <- 'R.Many(a7, 'W.Load(p + 7n * step))
                p <- p + 8n * step

            a0 <- 'R.Many('R.Many(a0, a1), 'R.Many(a2, a3))
            a0 <- 'R.Many(a0, 'R.Many('R.Many(a4, a5), 'R.Many(a6, a7)))

        while p < stop do
            a0 <- 'R.Many(a0, 'W.Load p)
            p <- p + step

        let rest = n % 'W.Count

        if rest > 0 then a0 <- 'R.Many(a0, ReduceRunner<'R, 'W, 'V, 'T>.Part(p, rest))

        'R.Lanes a0

    /// Combines contiguous elements: blocks, and a binary counter of block results, so that the rounding error of a sum
    /// grows with the logarithm of its length.
    static member Run(p: nativeint, n: int) : 'T =
        if n <= block then
            ReduceRunner<'R, 'W, 'V, 'T>.Block(p, n)
        else
            let partial = NativePtr.stackalloc<'T> 32
            let mutable blocks = 0
            let mutable i = 0

            while i < n do
                let count = min block (n - i)
                let mutable r = ReduceRunner<'R, 'W, 'V, 'T>.Block(p + nativeint i * nativeint sizeof<'T>, count)
                let mutable level = 0
                let mutable b = blocks

                while b &&& 1 = 1 do
                    r <- 'R.One(NativePtr.get partial level, r)
                    b <- b >>> 1
                    level <- level + 1

                NativePtr.set partial level r
                blocks <- blocks + 1
                i <- i + count

            let mutable r = 'R.Neutral

            for level in 0..30 do
                if (blocks >>> level) &&& 1 = 1 then r <- 'R.One(NativePtr.get partial level, r)

            r

    override _.Size = sizeof<'T>

    override _.Line(src, n, dst) = Mem.set<'T> dst 0 (ReduceRunner<'R, 'W, 'V, 'T>.Run(src, n))

    // In blocks of 256 rows; the blocks of a column are added up one after the other.
    [<FullyOptimized>]
    override _.Columns(src, rows, rowLength, width, dst) =
        let w = 'W.Count
        let step = 'W.Bytes
        let size = nativeint sizeof<'T>
        let stride = nativeint rowLength * size
        let neutral = 'W.Create 'R.Neutral
        let mutable j = 0

        while j + 4 * w <= width do
            let mutable p = src + nativeint j * size
            let d = dst + nativeint j * size
            let mutable t0 = neutral
            let mutable t1 = neutral
            let mutable t2 = neutral
            let mutable t3 = neutral
            let mutable i = 0

            while i < rows do
                let stop = min rows (i + 256)
                let mutable a0 = 'W.Load p
                let mutable a1 = 'W.Load(p + step)
                let mutable a2 = 'W.Load(p + 2n * step)
                let mutable a3 = 'W.Load(p + 3n * step)
                p <- p + stride
                i <- i + 1

                while i < stop do
                    a0 <- 'R.Many(a0, 'W.Load p)
                    a1 <- 'R.Many(a1, 'W.Load(p + step))
                    a2 <- 'R.Many(a2, 'W.Load(p + 2n * step))
                    a3 <- 'R.Many(a3, 'W.Load(p + 3n * step))
                    p <- p + stride
                    i <- i + 1

                t0 <- 'R.Many(t0, a0)
                t1 <- 'R.Many(t1, a1)
                t2 <- 'R.Many(t2, a2)
                t3 <- 'R.Many(t3, a3)

            'W.Store(d, t0)
            'W.Store(d + step, t1)
            'W.Store(d + 2n * step, t2)
            'W.Store(d + 3n * step, t3)
            j <- j + 4 * w

        while j < width do
            let count = min w (width - j)
            let mutable p = src + nativeint j * size
            let mutable t0 = neutral
            let mutable i = 0

            while i < rows do
                let stop = min rows (i + 256)
                let mutable a0 = if count = w then 'W.Load p else 'W.LoadFirst(p, count)
                p <- p + stride
                i <- i + 1

                while i < stop do
                    a0 <- 'R.Many(a0, (if count = w then 'W.Load p else 'W.LoadFirst(p, count)))
                    p <- p + stride
                    i <- i + 1

                t0 <- 'R.Many(t0, a0)

            if count = w then
                'W.Store(dst + nativeint j * size, t0)
            else
                'W.StoreFirst(dst + nativeint j * size, count, t0)

            j <- j + count

/// Any and All over bytes that are 0 or 1.
[<Sealed>]
type internal TruthRunner(isAny: bool) =
    inherit ReduceRunner()

    override _.Size = 1

    override _.Line(src, n, dst) =
        let span = ReadOnlySpan<byte>(src.ToPointer(), n)
        let found = if isAny then span.ContainsAnyExcept 0uy else not (span.Contains 0uy)
        Mem.set<byte> dst 0 (if found then 1uy else 0uy)

    [<FullyOptimized>]
    override _.Columns(src, rows, rowLength, width, dst) =
        Span<byte>(dst.ToPointer(), width).Fill(if isAny then 0uy else 1uy)
        let whole = width &&& ~~~7

        for i in 0 .. rows - 1 do
            let row = src + nativeint i * nativeint rowLength
            let mutable j = 0

            while j < whole do
                let q = dst + nativeint j
                let x = Mem.get<uint64> (row + nativeint j) 0
                Mem.set<uint64> q 0 (if isAny then Mem.get<uint64> q 0 ||| x else Mem.get<uint64> q 0 &&& x)
                j <- j + 8

            while j < width do
                let x = Mem.get<byte> row j
                let y = Mem.get<byte> dst j
                Mem.set<byte> dst j (if isAny then y ||| x else y &&& x)
                j <- j + 1

/// The loops of every operation on every type at every width.
module internal ReduceRunners =

    let private forLanes<'W, 'V, 'T
        when 'W: struct
        and 'W :> ILanes<'V, 'T>
        and 'T: unmanaged
        and 'T: struct
        and 'T :> INumber<'T>
        and 'T :> IMinMaxValue<'T>>
        (op: ReduceKind)
        : ReduceRunner =
        match op with
        | ReduceKind.Sum -> ReduceRunner<SumOf<'W, 'V, 'T>, 'W, 'V, 'T>()
        | ReduceKind.Prod -> ReduceRunner<ProdOf<'W, 'V, 'T>, 'W, 'V, 'T>()
        | ReduceKind.Max -> ReduceRunner<MaxOf<'W, 'V, 'T>, 'W, 'V, 'T>()
        | _ -> ReduceRunner<MinOf<'W, 'V, 'T>, 'W, 'V, 'T>()

    let private forWidth<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T> and 'T :> IMinMaxValue<'T>>
        (op: ReduceKind)
        (width: Width)
        : ReduceRunner =
        match width with
        | Width.W512 -> forLanes<Lanes512<'T>, Vector512<'T>, 'T> op
        | Width.W256 -> forLanes<Lanes256<'T>, Vector256<'T>, 'T> op
        | _ -> forLanes<Lanes128<'T>, Vector128<'T>, 'T> op

    /// The loops of an operation on a type.
    let create (op: ReduceKind) (dtype: DType) (width: Width) : ReduceRunner =
        match dtype with
        | DType.Float32 -> forWidth<float32> op width
        | DType.Float64 -> forWidth<float> op width
        | DType.Int32 -> forWidth<int> op width
        | DType.Int64 -> forWidth<int64> op width
        | _ -> TruthRunner(op = ReduceKind.Any || op = ReduceKind.Max)
