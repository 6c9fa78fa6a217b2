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

/// An associative operation, known when the code is compiled.
type internal IReduction =
    static abstract Kind: ReduceKind

[<Struct; NoEquality; NoComparison>]
type internal Sums =
    interface IReduction with
        static member Kind = ReduceKind.Sum

[<Struct; NoEquality; NoComparison>]
type internal Products =
    interface IReduction with
        static member Kind = ReduceKind.Prod

[<Struct; NoEquality; NoComparison>]
type internal Largest =
    interface IReduction with
        static member Kind = ReduceKind.Max

[<Struct; NoEquality; NoComparison>]
type internal Smallest =
    interface IReduction with
        static member Kind = ReduceKind.Min

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
type internal ReduceRunner<'R, 'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T> and 'R: struct and 'R :> IReduction>
    () =
    inherit ReduceRunner()

    do
        Precompiled.Calls(fun () ->
            ignore (ReduceRunner<'R, 'W, 'V, 'T>.Run(0n, 0))
            ReduceRunner<'R, 'W, 'V, 'T>.Fold(0n, 0, 0, 0, 0n))

    // Elements of a leaf of the tree of a long sum. Each of its lanes adds up a few hundred at most; shorter leaves would
    // spend more time on adding up lanes than on reading.
    static member inline private BlockSize = 16384

    static member inline private Neutral: 'T =
        match 'R.Kind with
        | ReduceKind.Sum -> Unchecked.defaultof<'T>
        | ReduceKind.Prod -> Number.OfInt<'T> 1L
        | ReduceKind.Max -> Number.Lowest<'T>()
        | _ -> Number.Highest<'T>()

    static member inline private One(a: 'T, b: 'T) : 'T =
        match 'R.Kind with
        | ReduceKind.Sum -> Number.Add<'T>(a, b)
        | ReduceKind.Prod -> Number.Mul<'T>(a, b)
        | ReduceKind.Max -> Number.Max<'T>(a, b)
        | _ -> Number.Min<'T>(a, b)

    static member inline private Many(a: 'V, b: 'V) : 'V =
        match 'R.Kind with
        | ReduceKind.Sum -> 'W.Add(a, b)
        | ReduceKind.Prod -> 'W.Mul(a, b)
        | ReduceKind.Max -> 'W.Max(a, b)
        | _ -> 'W.Min(a, b)

    /// All lanes of a vector combined, always in the same order: by halves where the machine has no instruction for it.
    static member private Lanes(v: nativeint) : 'T =
        match 'R.Kind with
        | ReduceKind.Sum -> 'W.Sum('W.Load v)
        | ReduceKind.Max -> 'W.Largest('W.Load v)
        | _ ->
            let mutable left = 'W.Count

            while left > 1 do
                left <- left / 2

                for i in 0 .. left - 1 do
                    Mem.set<'T> v i (ReduceRunner<'R, 'W, 'V, 'T>.One(Mem.get<'T> v i, Mem.get<'T> v (i + left)))

            Mem.get<'T> v 0

    /// The first elements at an address, neutral ones after them.
    static member inline private Part(p: nativeint, count: int) : 'V =
        'W.Pick('W.First count, 'W.LoadFirst(p, count), 'W.Create ReduceRunner<'R, 'W, 'V, 'T>.Neutral)

    /// Combines up to `BlockSize` contiguous elements with eight vector accumulators.
    [<FullyOptimized>]
    static member private Block(p: nativeint, n: int) : 'T =
        let step = 'W.Bytes
        let stop = p + nativeint (n / 'W.Count) * step
        let mutable p = p
        let mutable a0 = 'W.Create ReduceRunner<'R, 'W, 'V, 'T>.Neutral

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
                a0 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a0, 'W.Load p)
                a1 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a1, 'W.Load(p + step))
                a2 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a2, 'W.Load(p + 2n * step))
                a3 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a3, 'W.Load(p + 3n * step))
                a4 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a4, 'W.Load(p + 4n * step))
                a5 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a5, 'W.Load(p + 5n * step))
                a6 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a6, 'W.Load(p + 6n * step))
                a7 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a7, 'W.Load(p + 7n * step))
                p <- p + 8n * step

            a0 <-
                ReduceRunner<'R, 'W, 'V, 'T>
                    .Many(ReduceRunner<'R, 'W, 'V, 'T>.Many(a0, a1), ReduceRunner<'R, 'W, 'V, 'T>.Many(a2, a3))
            a0 <-
                ReduceRunner<'R, 'W, 'V, 'T>
                    .Many(
                        a0,
                        ReduceRunner<'R, 'W, 'V, 'T>
                            .Many(ReduceRunner<'R, 'W, 'V, 'T>.Many(a4, a5), ReduceRunner<'R, 'W, 'V, 'T>.Many(a6, a7))
                    )

        while p < stop do
            a0 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a0, 'W.Load p)
            p <- p + step

        let rest = n % 'W.Count

        if rest > 0 then
            a0 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a0, ReduceRunner<'R, 'W, 'V, 'T>.Part(p, rest))

        let lanes = NativePtr.toNativeInt (NativePtr.stackalloc<Vector512<byte>> 1)
        'W.Store(lanes, a0)
        ReduceRunner<'R, 'W, 'V, 'T>.Lanes lanes

    /// Combines contiguous elements: blocks, and a binary counter of block results, so that the rounding error of a sum
    /// grows with the logarithm of its length.
    static member Run(p: nativeint, n: int) : 'T =
        if n <= ReduceRunner<'R, 'W, 'V, 'T>.BlockSize then
            ReduceRunner<'R, 'W, 'V, 'T>.Block(p, n)
        else
            // Of at most 8 bytes each.
            let partial = NativePtr.toNativeInt (NativePtr.stackalloc<int64> 32)
            let mutable blocks = 0
            let mutable i = 0

            while i < n do
                let count = min ReduceRunner<'R, 'W, 'V, 'T>.BlockSize (n - i)
                let mutable r = ReduceRunner<'R, 'W, 'V, 'T>.Block(p + nativeint i * nativeint sizeof<'T>, count)
                let mutable level = 0
                let mutable b = blocks

                while b &&& 1 = 1 do
                    r <- ReduceRunner<'R, 'W, 'V, 'T>.One(Mem.get<'T> partial level, r)
                    b <- b >>> 1
                    level <- level + 1

                Mem.set<'T> partial level r
                blocks <- blocks + 1
                i <- i + count

            let mutable r = ReduceRunner<'R, 'W, 'V, 'T>.Neutral

            for level in 0..30 do
                if (blocks >>> level) &&& 1 = 1 then
                    r <- ReduceRunner<'R, 'W, 'V, 'T>.One(Mem.get<'T> partial level, r)

            r

    override _.Size = sizeof<'T>

    override _.Line(src, n, dst) = Mem.set<'T> dst 0 (ReduceRunner<'R, 'W, 'V, 'T>.Run(src, n))

    override _.Columns(src, rows, rowLength, width, dst) =
        ReduceRunner<'R, 'W, 'V, 'T>.Fold(src, rows, rowLength, width, dst)

    // In blocks of 256 rows; the blocks of a column are added up one after the other.
    [<FullyOptimized>]
    static member private Fold(src: nativeint, rows: int, rowLength: int, width: int, dst: nativeint) : unit =
        let w = 'W.Count
        let step = 'W.Bytes
        let size = nativeint sizeof<'T>
        let stride = nativeint rowLength * size
        let neutral = 'W.Create ReduceRunner<'R, 'W, 'V, 'T>.Neutral
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
                    a0 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a0, 'W.Load p)
                    a1 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a1, 'W.Load(p + step))
                    a2 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a2, 'W.Load(p + 2n * step))
                    a3 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(a3, 'W.Load(p + 3n * step))
                    p <- p + stride
                    i <- i + 1

                t0 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(t0, a0)
                t1 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(t1, a1)
                t2 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(t2, a2)
                t3 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(t3, a3)

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
                    a0 <-
                        ReduceRunner<'R, 'W, 'V, 'T>.Many(a0, (if count = w then 'W.Load p else 'W.LoadFirst(p, count)))
                    p <- p + stride
                    i <- i + 1

                t0 <- ReduceRunner<'R, 'W, 'V, 'T>.Many(t0, a0)

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

    let private forLanes<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> (op: ReduceKind) : ReduceRunner =
        match op with
        | ReduceKind.Sum -> ReduceRunner<Sums, 'W, 'V, 'T>()
        | ReduceKind.Prod -> ReduceRunner<Products, 'W, 'V, 'T>()
        | ReduceKind.Max -> ReduceRunner<Largest, 'W, 'V, 'T>()
        | _ -> ReduceRunner<Smallest, 'W, 'V, 'T>()

    let private forWidth<'T> (op: ReduceKind) (width: Width) : ReduceRunner =
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
