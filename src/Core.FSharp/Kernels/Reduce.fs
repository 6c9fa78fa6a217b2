namespace FunctionalNet.Kernels

// 3535: reducers are types with static abstract members, so that one loop serves all of them.
#nowarn "3535"

open System
open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop
open FunctionalNet
open FunctionalNet.Kernels.Lanes

/// What a reduction does with the elements.
type internal ReduceKind =
    | Sum = 0
    | Prod = 1
    | Max = 2
    | Min = 3
    | Any = 4
    | All = 5

/// An associative operation with its neutral element, on one element and on vectors.
type internal IReducer<'T when 'T: unmanaged and 'T: struct> =
    static abstract Neutral: 'T
    static abstract One: a: 'T * b: 'T -> 'T
    static abstract Many: a: Vector256<'T> * b: Vector256<'T> -> Vector256<'T>

[<Struct; NoEquality; NoComparison>]
type internal SumOf<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> =
    interface IReducer<'T> with
        static member Neutral = 'T.Zero
        static member One(a, b) = a + b
        static member Many(a, b) = a + b

[<Struct; NoEquality; NoComparison>]
type internal ProdOf<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> =
    interface IReducer<'T> with
        static member Neutral = 'T.One
        static member One(a, b) = a * b
        static member Many(a, b) = a * b

[<Struct; NoEquality; NoComparison>]
type internal MaxOf<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T> and 'T :> IMinMaxValue<'T>> =
    interface IReducer<'T> with
        static member Neutral =
            // 1/0 in a floating type; integers have a smallest value instead.
            if typeof<'T> = typeof<float32> || typeof<'T> = typeof<float> then
                'T.CreateTruncating<float> Double.NegativeInfinity
            else
                'T.MinValue

        static member One(a, b) = 'T.Max(a, b)
        static member Many(a, b) = Vector256.Max(a, b)

[<Struct; NoEquality; NoComparison>]
type internal MinOf<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T> and 'T :> IMinMaxValue<'T>> =
    interface IReducer<'T> with
        static member Neutral =
            if typeof<'T> = typeof<float32> || typeof<'T> = typeof<float> then
                'T.CreateTruncating<float> Double.PositiveInfinity
            else
                'T.MaxValue

        static member One(a, b) = 'T.Min(a, b)
        static member Many(a, b) = Vector256.Min(a, b)

/// The two loops of every reduction.
[<AbstractClass; Sealed>]
type internal ReduceLoops<'T, 'R
    when 'T: unmanaged and 'T: struct and 'T :> INumber<'T> and 'R: struct and 'R :> IReducer<'T>> private () =

    /// Combines the lanes of a vector in a fixed tree.
    static member inline private Fold(v: Vector256<'T>) : 'T =
        let h = v.GetLower()
        let g = v.GetUpper()
        let n = Vector128<'T>.Count
        let mutable r = 'R.One(h.GetElement 0, g.GetElement 0)

        for i in 1 .. n - 1 do
            r <- 'R.One(r, 'R.One(h.GetElement i, g.GetElement i))

        r

    /// Combines up to some thousand contiguous elements with four vector accumulators.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member private Block(p: nativeint, n: int) : 'T =
        let w = 32 / sizeof<'T>
        let neutral = Vector256.Create<'T>('R.Neutral)
        let mutable a0 = neutral
        let mutable a1 = neutral
        let mutable a2 = neutral
        let mutable a3 = neutral
        let mutable i = 0

        while i + 4 * w <= n do
            let q = p + nativeint i * nativeint sizeof<'T>
            a0 <- 'R.Many(a0, load<'T> q)
            a1 <- 'R.Many(a1, load<'T>(q + 32n))
            a2 <- 'R.Many(a2, load<'T>(q + 64n))
            a3 <- 'R.Many(a3, load<'T>(q + 96n))
            i <- i + 4 * w

        while i + w <= n do
            a0 <- 'R.Many(a0, load<'T>(p + nativeint i * nativeint sizeof<'T>))
            i <- i + w

        let mutable r = 'R.Neutral

        if n >= w then
            r <- ReduceLoops<'T, 'R>.Fold('R.Many('R.Many(a0, a1), 'R.Many(a2, a3)))

        while i < n do
            r <- 'R.One(r, Mem.get<'T> p i)
            i <- i + 1

        r

    /// Combines contiguous elements: blocks of 1024, and a binary counter of block results, so that the rounding error of
    /// a sum grows with the logarithm of its length.
    static member Run(p: nativeint, n: int) : 'T =
        if n <= 1024 then
            ReduceLoops<'T, 'R>.Block(p, n)
        else
            let partial = NativePtr.stackalloc<'T> 32
            let mutable blocks = 0
            let mutable i = 0

            while i < n do
                let count = min 1024 (n - i)
                let mutable r = ReduceLoops<'T, 'R>.Block(p + nativeint i * nativeint sizeof<'T>, count)
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

    /// dst[j] = combination of src[i, j] over rows, for `width` columns. In blocks of 256 rows; the blocks of a column are
    /// added up one after the other.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Columns(src: nativeint, rows: int, rowLength: int, width: int, dst: nativeint) =
        let w = 32 / sizeof<'T>
        let size = nativeint sizeof<'T>
        let stride = nativeint rowLength * size
        let neutral = Vector256.Create<'T>('R.Neutral)
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
                let mutable a0 = load<'T> p
                let mutable a1 = load<'T>(p + 32n)
                let mutable a2 = load<'T>(p + 64n)
                let mutable a3 = load<'T>(p + 96n)
                p <- p + stride
                i <- i + 1

                while i < stop do
                    a0 <- 'R.Many(a0, load<'T> p)
                    a1 <- 'R.Many(a1, load<'T>(p + 32n))
                    a2 <- 'R.Many(a2, load<'T>(p + 64n))
                    a3 <- 'R.Many(a3, load<'T>(p + 96n))
                    p <- p + stride
                    i <- i + 1

                t0 <- 'R.Many(t0, a0)
                t1 <- 'R.Many(t1, a1)
                t2 <- 'R.Many(t2, a2)
                t3 <- 'R.Many(t3, a3)

            store d t0
            store (d + 32n) t1
            store (d + 64n) t2
            store (d + 96n) t3
            j <- j + 4 * w

        while j < width do
            let count = min w (width - j)
            let mutable p = src + nativeint j * size
            let mutable t0 = neutral
            let mutable i = 0

            while i < rows do
                let stop = min rows (i + 256)
                let mutable a0 = if count = w then load<'T> p else loadFirst<'T> p count
                p <- p + stride
                i <- i + 1

                while i < stop do
                    a0 <- 'R.Many(a0, (if count = w then load<'T> p else loadFirst<'T> p count))
                    p <- p + stride
                    i <- i + 1

                t0 <- 'R.Many(t0, a0)

            if count = w then
                store (dst + nativeint j * size) t0
            else
                storeFirst (dst + nativeint j * size) count t0

            j <- j + count

/// How the (outer, axis, inner) view of one reduction is cut: by shape only.
[<Struct; NoEquality; NoComparison>]
type internal ReduceCut =
    {
        Outer: int
        Axis: int
        Inner: int
        /// Pieces of the reduced axis; more than 1 only when there is little else to share out.
        Pieces: int
        PieceLength: int
        /// Pieces of the inner axis.
        Strips: int
        StripWidth: int
        /// Outer rows per chunk.
        Rows: int
    }

module internal ReduceCut =

    // Elements of a chunk: below this a fork costs more than it gives.
    let private grain = 32768

    let make (outer: int) (axis: int) (inner: int) =
        let shared = max 1 outer
        let total = int64 outer * int64 axis * int64 inner
        let perOuter = int64 axis * int64 inner
        let chunks = int (min 64L (max 1L (total / int64 grain)))

        let pieces =
            if outer >= chunks || chunks <= 1 then
                1
            else
                max 1 (min (axis / 512) ((chunks + shared - 1) / shared))
            |> max 1

        let pieceLength = if pieces = 1 then axis else (axis + pieces - 1) / pieces
        let pieces = if pieces = 1 then 1 else (axis + pieceLength - 1) / pieceLength
        let wantStrips =
            if shared * pieces >= chunks then 1 else (chunks + shared * pieces - 1) / (shared * pieces)
        let stripWidth =
            if inner <= 64 || wantStrips = 1 then
                max 1 inner
            else
                max 64 (((inner + wantStrips - 1) / wantStrips + 63) &&& ~~~63)
        let strips = (max 1 inner + stripWidth - 1) / stripWidth
        let rows =
            if pieces > 1 || strips > 1 then
                1
            else
                int (max 1L (min (int64 outer) (int64 grain / max 1L perOuter)))

        { Outer = outer
          Axis = axis
          Inner = inner
          Pieces = pieces
          PieceLength = pieceLength
          Strips = strips
          StripWidth = stripWidth
          Rows = rows }

/// Reduces the middle axis of an (outer, axis, inner) view. Phase 1, when the axis is cut: combines the pieces in order.
[<Sealed>]
type internal AxisReduceKernel<'T, 'R
    when 'T: unmanaged and 'T: struct and 'T :> INumber<'T> and 'R: struct and 'R :> IReducer<'T>>
    (cut: ReduceCut, src: nativeint, dst: nativeint, partial: nativeint) =
    inherit Kernel()

    let size = nativeint sizeof<'T>
    let groups = (cut.Outer + cut.Rows - 1) / cut.Rows

    let reduce (o: int) (first: int) (length: int) (column: int) (width: int) (target: nativeint) =
        let p =
            src
            + ((nativeint o * nativeint cut.Axis + nativeint first) * nativeint cut.Inner + nativeint column)
              * size

        if cut.Inner = 1 then
            Mem.set<'T> target 0 (ReduceLoops<'T, 'R>.Run(p, length))
        else
            ReduceLoops<'T, 'R>.Columns(p, length, cut.Inner, width, target + nativeint column * size)

    override _.Phases = if cut.Pieces > 1 then 2 else 1

    override _.Chunks(phase) =
        if cut.Outer = 0 || cut.Inner = 0 then 0
        elif phase = 1 then 1
        else groups * cut.Pieces * cut.Strips

    override _.Run(phase, chunk) =
        if phase = 1 then
            for o in 0 .. cut.Outer - 1 do
                let p = partial + nativeint o * nativeint cut.Pieces * nativeint cut.Inner * size
                ReduceLoops<'T, 'R>
                    .Columns(p, cut.Pieces, cut.Inner, cut.Inner, dst + nativeint o * nativeint cut.Inner * size)
        else
            let strip = chunk % cut.Strips
            let piece = chunk / cut.Strips % cut.Pieces
            let group = chunk / (cut.Strips * cut.Pieces)
            let column = strip * cut.StripWidth
            let width = min cut.StripWidth (cut.Inner - column)
            let first = piece * cut.PieceLength
            let length = min cut.PieceLength (cut.Axis - first)

            for o in group * cut.Rows .. min cut.Outer ((group + 1) * cut.Rows) - 1 do
                let target =
                    if cut.Pieces > 1 then
                        partial + (nativeint o * nativeint cut.Pieces + nativeint piece) * nativeint cut.Inner * size
                    else
                        dst + nativeint o * nativeint cut.Inner * size

                reduce o first length column width target

/// Any and All over bytes that are 0 or 1.
[<Sealed>]
type internal TruthReduceKernel(isAny: bool, outer: int, axis: int, inner: int, src: nativeint, dst: nativeint) =
    inherit Kernel()

    override _.Chunks(_) = if outer = 0 || inner = 0 then 0 else 1

    override _.Run(_, _) =
        for o in 0 .. outer - 1 do
            let row = src + nativeint o * nativeint axis * nativeint inner
            let target = dst + nativeint o * nativeint inner

            if inner = 1 then
                let span = ReadOnlySpan<byte>(row.ToPointer(), axis)
                let found = if isAny then span.ContainsAnyExcept 0uy else not (span.Contains 0uy)
                Mem.set<byte> target 0 (if found then 1uy else 0uy)
            else
                Span<byte>(target.ToPointer(), inner).Fill(if isAny then 0uy else 1uy)

                for i in 0 .. axis - 1 do
                    for j in 0 .. inner - 1 do
                        let x = if Mem.get<byte> row (i * inner + j) <> 0uy then 1uy else 0uy
                        let y = Mem.get<byte> target j
                        Mem.set<byte> target j (if isAny then x ||| y else x &&& y)

/// Reductions over any set of axes.
[<AbstractClass; Sealed>]
type internal Reduce private () =

    /// The reductions of one middle axis that a set of axes takes, the innermost first: struct (outer, axis, inner).
    static member private Plan(dims: int[], reduced: bool[]) : struct (int * int * int)[] =
        // Merge neighbours that are both kept or both reduced.
        let sizes = ResizeArray<int>()
        let flags = ResizeArray<bool>()

        for i in 0 .. dims.Length - 1 do
            if dims[i] <> 1 then
                if sizes.Count > 0 && flags[flags.Count - 1] = reduced[i] then
                    sizes[sizes.Count - 1] <- sizes[sizes.Count - 1] * dims[i]
                else
                    sizes.Add dims[i]
                    flags.Add reduced[i]

        let steps = ResizeArray<struct (int * int * int)>()
        let product (from: int) (upTo: int) = Seq.fold (*) 1 (Seq.init (max 0 (upTo - from)) (fun i -> sizes[from + i]))

        for i in sizes.Count - 1 .. -1 .. 0 do
            if flags[i] then
                steps.Add(struct (product 0 i, sizes[i], product (i + 1) sizes.Count))
                sizes[i] <- 1

        if steps.Count = 0 then steps.Add(struct (product 0 sizes.Count, 1, 1))

        steps.ToArray()

    static member private Layout(op: ReduceKind, dtype: DType, dims: int[], reduced: bool[]) =
        let steps = Reduce.Plan(dims, reduced)
        let size = int64 (DType.size dtype)
        let mutable total = 0L

        // Where each step's partial results and result stand in the workspace; the last result goes to the target.
        let places =
            steps
            |> Array.mapi (fun i (struct (outer, axis, inner)) ->
                let cut = ReduceCut.make outer axis inner
                let partial = total

                if cut.Pieces > 1 && op <> ReduceKind.Any && op <> ReduceKind.All then
                    total <- total + Mem.align (int64 outer * int64 cut.Pieces * int64 inner * size)

                let result = total

                if i < steps.Length - 1 then
                    total <- total + Mem.align (int64 outer * int64 inner * size)

                struct (cut, partial, result))

        struct (places, total)

    /// Bytes of workspace.
    static member Workspace(op: ReduceKind, dtype: DType, dims: int[], reduced: bool[]) : int64 =
        let struct (_, total) = Reduce.Layout(op, dtype, dims, reduced)
        total

    static member private Axis<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T> and 'T :> IMinMaxValue<'T>>
        (op: ReduceKind, cut: ReduceCut, src: nativeint, dst: nativeint, partial: nativeint)
        : Kernel =
        match op with
        | ReduceKind.Sum -> AxisReduceKernel<'T, SumOf<'T>>(cut, src, dst, partial)
        | ReduceKind.Prod -> AxisReduceKernel<'T, ProdOf<'T>>(cut, src, dst, partial)
        | ReduceKind.Max -> AxisReduceKernel<'T, MaxOf<'T>>(cut, src, dst, partial)
        | _ -> AxisReduceKernel<'T, MinOf<'T>>(cut, src, dst, partial)

    /// Reduces the flagged axes; the result is row-major over the kept ones.
    static member Create
        (
            op: ReduceKind,
            dtype: DType,
            dims: int[],
            reduced: bool[],
            src: nativeint,
            dst: nativeint,
            workspace: nativeint
        ) : Kernel =
        let struct (places, _) = Reduce.Layout(op, dtype, dims, reduced)

        let step (i: int) (from: nativeint) (target: nativeint) : Kernel =
            let struct (cut, partialAt, _) = places[i]
            let partial = workspace + nativeint partialAt

            match dtype with
            | DType.Float32 -> Reduce.Axis<float32>(op, cut, from, target, partial)
            | DType.Float64 -> Reduce.Axis<float>(op, cut, from, target, partial)
            | DType.Int32 -> Reduce.Axis<int>(op, cut, from, target, partial)
            | DType.Int64 -> Reduce.Axis<int64>(op, cut, from, target, partial)
            | _ ->
                let isAny = op = ReduceKind.Any || op = ReduceKind.Max
                TruthReduceKernel(isAny, cut.Outer, cut.Axis, cut.Inner, from, target)

        let mutable from = src

        let kernels =
            places
            |> Array.mapi (fun i (struct (_, _, result)) ->
                let target = if i = places.Length - 1 then dst else workspace + nativeint result
                let k = step i from target
                from <- target
                k)

        if kernels.Length = 1 then kernels[0] else SequenceKernel kernels
