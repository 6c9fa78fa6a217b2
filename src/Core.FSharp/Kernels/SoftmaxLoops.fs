namespace FunctionalNet.Kernels

open System
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics

#nowarn "3535"

/// Softmax and log-softmax of `rows` contiguous rows of n elements, and their derivatives; each row stays in the cache from
/// its first pass to its last.
[<AbstractClass>]
type internal SoftmaxLoops() =

    /// y = e^x / sum of e^x; y may be x.
    abstract Forward: rows: int * n: int * x: nativeint * y: nativeint -> unit

    /// y = x - log (sum of e^x); y may be x.
    abstract ForwardLog: rows: int * n: int * x: nativeint * y: nativeint -> unit

    /// dx = y (dy - sum of y dy); dx may be either.
    abstract Backward: rows: int * n: int * y: nativeint * dy: nativeint * dx: nativeint -> unit

    /// dx = dy - e^y * sum of dy; dx may be either.
    abstract BackwardLog: rows: int * n: int * y: nativeint * dy: nativeint * dx: nativeint -> unit

/// float32 at one width.
[<Sealed>]
type internal SoftmaxLoops32<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>() =
    inherit SoftmaxLoops()

    do
        Precompiled.Calls(fun () ->
            SoftmaxLoops32<'W, 'V>.Softmaxes(0, 0, 0n, 0n)
            SoftmaxLoops32<'W, 'V>.LogSoftmaxes(0, 0, 0n, 0n)
            SoftmaxLoops32<'W, 'V>.Gradients(0, 0, 0n, 0n, 0n)
            SoftmaxLoops32<'W, 'V>.LogGradients(0, 0, 0n, 0n, 0n))

    override _.Forward(rows, n, x, y) = SoftmaxLoops32<'W, 'V>.Softmaxes(rows, n, x, y)
    override _.ForwardLog(rows, n, x, y) = SoftmaxLoops32<'W, 'V>.LogSoftmaxes(rows, n, x, y)
    override _.Backward(rows, n, y, dy, dx) = SoftmaxLoops32<'W, 'V>.Gradients(rows, n, y, dy, dx)
    override _.BackwardLog(rows, n, y, dy, dx) = SoftmaxLoops32<'W, 'V>.LogGradients(rows, n, y, dy, dx)

    static member inline private Largest(x: nativeint, n: int) : float32 =
        let stop = x + nativeint (n / 'W.Count) * 'W.Bytes
        let mutable p = x
        let mutable most = 'W.Create Single.NegativeInfinity

        while p < stop do
            most <- 'W.Max(most, 'W.Load p)
            p <- p + 'W.Bytes

        let rest = n % 'W.Count

        if rest > 0 then
            most <- 'W.Max(most, 'W.Pick('W.First rest, 'W.LoadFirst(p, rest), most))

        'W.Largest most

    /// The sum of f of each vector; f gets the vector's offset, and the number of elements if there are not enough for all
    /// lanes. Sums of 64 vectors are added up, so that long rows lose no accuracy.
    static member inline private Total(n: int, [<InlineIfLambda>] f: nativeint -> int -> 'V) : 'V =
        let stop = nativeint (n / 'W.Count) * 'W.Bytes
        let mutable total = 'W.Zero
        let mutable i = 0n

        while i < stop do
            let pause = min stop (i + 64n * 'W.Bytes)
            let mutable part = 'W.Zero

            while i < pause do
                part <- 'W.Add(part, f i 'W.Count)
                i <- i + 'W.Bytes

            total <- 'W.Add(total, part)

        let rest = n % 'W.Count

        if rest > 0 then total <- 'W.Add(total, 'W.And('W.First rest, f i rest))

        total

    static member inline private Some(p: nativeint, count: int) : 'V =
        if count = 'W.Count then 'W.Load p else 'W.LoadFirst(p, count)

    [<FullyOptimized>]
    static member private Softmaxes(rows: int, n: int, x: nativeint, y: nativeint) : unit =
        for r in 0 .. rows - 1 do
            let at = nativeint r * nativeint n * 4n
            let source = x + at
            let target = y + at
            let most = 'W.Create(SoftmaxLoops32<'W, 'V>.Largest(source, n))

            let total =
                SoftmaxLoops32<'W, 'V>
                    .Total(
                        n,
                        fun i count ->
                            let x = SoftmaxLoops32<'W, 'V>.Some(source + i, count)
                            let e = VectorMath<'W, 'V>.Exp('W.Sub(x, most))

                            if count = 'W.Count then 'W.Store(target + i, e) else 'W.StoreFirst(target + i, count, e)

                            e
                    )

            let scale = 'W.Create(1.0f / 'W.Sum total)
            TileLoop.map1<'W, 'V, float32> (fun e -> 'W.Mul(e, scale)) n target target

    [<FullyOptimized>]
    static member private LogSoftmaxes(rows: int, n: int, x: nativeint, y: nativeint) : unit =
        for r in 0 .. rows - 1 do
            let at = nativeint r * nativeint n * 4n
            let source = x + at
            let most = 'W.Create(SoftmaxLoops32<'W, 'V>.Largest(source, n))

            let total =
                SoftmaxLoops32<'W, 'V>
                    .Total(
                        n,
                        fun i count ->
                            let x = SoftmaxLoops32<'W, 'V>.Some(source + i, count)
                            VectorMath<'W, 'V>.Exp('W.Sub(x, most))
                    )

            let log = 'W.Create(float32 (Math.Log(float ('W.Sum total))))
            TileLoop.map1<'W, 'V, float32> (fun v -> 'W.Sub('W.Sub(v, most), log)) n (y + at) source

    [<FullyOptimized>]
    static member private Gradients(rows: int, n: int, y: nativeint, dy: nativeint, dx: nativeint) : unit =
        for r in 0 .. rows - 1 do
            let at = nativeint r * nativeint n * 4n

            let dot =
                SoftmaxLoops32<'W, 'V>
                    .Total(
                        n,
                        fun i count ->
                            let y = SoftmaxLoops32<'W, 'V>.Some(y + at + i, count)
                            'W.Mul(y, SoftmaxLoops32<'W, 'V>.Some(dy + at + i, count))
                    )

            let dot = 'W.Create('W.Sum dot)
            TileLoop.map2<'W, 'V, float32> (fun y g -> 'W.Mul(y, 'W.Sub(g, dot))) n (dx + at) (y + at) (dy + at)

    [<FullyOptimized>]
    static member private LogGradients(rows: int, n: int, y: nativeint, dy: nativeint, dx: nativeint) : unit =
        for r in 0 .. rows - 1 do
            let at = nativeint r * nativeint n * 4n

            let sum =
                SoftmaxLoops32<'W, 'V>.Total(n, (fun i count -> SoftmaxLoops32<'W, 'V>.Some(dy + at + i, count)))

            let sum = 'W.Create('W.Sum sum)

            TileLoop.map2<'W, 'V, float32>
                (fun y g -> 'W.Sub(g, 'W.Mul(VectorMath<'W, 'V>.Exp y, sum)))
                n
                (dx + at)
                (y + at)
                (dy + at)

/// float64, element by element.
[<Sealed>]
type internal SoftmaxLoops64() =
    inherit SoftmaxLoops()

    static member inline private EachRow(rows: int, n: int, [<InlineIfLambda>] f: nativeint -> unit) =
        for r in 0 .. rows - 1 do
            f (nativeint r * nativeint n * 8n)

    static member inline private Total(n: int, [<InlineIfLambda>] f: int -> float) =
        let mutable total = 0.0

        for i in 0 .. n - 1 do
            total <- total + f i

        total

    static member private Largest(x: nativeint, n: int) =
        let mutable most = Double.NegativeInfinity

        for i in 0 .. n - 1 do
            most <- Math.Max(most, Mem.get<float> x i)

        most

    override _.Forward(rows, n, x, y) =
        SoftmaxLoops64.EachRow(
            rows,
            n,
            fun at ->
                let most = SoftmaxLoops64.Largest(x + at, n)

                let total =
                    SoftmaxLoops64.Total(
                        n,
                        fun i ->
                            let e = Math.Exp(Mem.get<float> (x + at) i - most)
                            Mem.set<float> (y + at) i e
                            e
                    )

                for i in 0 .. n - 1 do
                    Mem.set<float> (y + at) i (Mem.get<float> (y + at) i / total)
        )

    override _.ForwardLog(rows, n, x, y) =
        SoftmaxLoops64.EachRow(
            rows,
            n,
            fun at ->
                let most = SoftmaxLoops64.Largest(x + at, n)
                let total = SoftmaxLoops64.Total(n, (fun i -> Math.Exp(Mem.get<float> (x + at) i - most)))
                let log = Math.Log total

                for i in 0 .. n - 1 do
                    Mem.set<float> (y + at) i (Mem.get<float> (x + at) i - most - log)
        )

    override _.Backward(rows, n, y, dy, dx) =
        SoftmaxLoops64.EachRow(
            rows,
            n,
            fun at ->
                let dot = SoftmaxLoops64.Total(n, (fun i -> Mem.get<float> (y + at) i * Mem.get<float> (dy + at) i))

                for i in 0 .. n - 1 do
                    let g = Mem.get<float> (dy + at) i
                    Mem.set<float> (dx + at) i (Mem.get<float> (y + at) i * (g - dot))
        )

    override _.BackwardLog(rows, n, y, dy, dx) =
        SoftmaxLoops64.EachRow(
            rows,
            n,
            fun at ->
                let sum = SoftmaxLoops64.Total(n, (fun i -> Mem.get<float> (dy + at) i))

                for i in 0 .. n - 1 do
                    let e = Math.Exp(Mem.get<float> (y + at) i)
                    Mem.set<float> (dx + at) i (Mem.get<float> (dy + at) i - e * sum)
        )
