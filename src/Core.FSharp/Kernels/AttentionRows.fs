namespace FunctionalNet.Kernels

open System
open FunctionalNet

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Rows of scores to weights, and derivatives of weights to those of scores. A row has `count` elements, of which those from
/// `first` to before `stop` are seen, except where the mask (bytes, or null) has 0.
[<AbstractClass>]
type internal AttentionRows() =

    /// scores become e^(scale score - greatest), and 0 where nothing is seen. Gives the greatest, or minus infinity if no
    /// key is seen; and the sum.
    abstract Weigh:
        scores: nativeint * count: int * first: int * stop: int * scale: float * mask: nativeint ->
            struct (float * float)

    /// scores become e^(scale score - log), and 0 where nothing is seen.
    abstract WeighAgain:
        scores: nativeint * count: int * first: int * stop: int * scale: float * mask: nativeint * log: float -> unit

    /// x = w (x - dot) scale.
    abstract Pull: x: nativeint * w: nativeint * count: int * dot: float * scale: float -> unit

    /// x = x * factor.
    abstract Multiply: x: nativeint * count: int * factor: float -> unit

    /// x = x + y * factor.
    abstract Add: x: nativeint * y: nativeint * count: int * factor: float -> unit

    abstract Dot: x: nativeint * y: nativeint * count: int -> float
    abstract Get: x: nativeint * index: int -> float
    abstract Set: x: nativeint * index: int * value: float -> unit

/// float32 at one width.
[<Sealed>]
type internal AttentionRows32<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>() =
    inherit AttentionRows()

    /// Vectors at byte offsets below `count` elements, the last of them perhaps with fewer elements.
    static member inline private Each(count: int, [<InlineIfLambda>] f: nativeint -> int -> unit) =
        let stop = nativeint (count / 'W.Count) * 'W.Bytes
        let mutable i = 0n

        while i < stop do
            f i 'W.Count
            i <- i + 'W.Bytes

        let rest = count % 'W.Count
        if rest > 0 then f i rest

    static member inline private Load(p: nativeint, count: int) : 'V =
        if count = 'W.Count then 'W.Load p else 'W.LoadFirst(p, count)

    static member inline private Store(p: nativeint, count: int, v: 'V) =
        if count = 'W.Count then 'W.Store(p, v) else 'W.StoreFirst(p, count, v)

    static member private Clear(scores: nativeint, count: int, first: int, stop: int) =
        Mem.zero scores (int64 first * 4L)
        Mem.zero (scores + nativeint stop * 4n) (int64 (count - stop) * 4L)

    static member private Hide(scores: nativeint, first: int, stop: int, mask: nativeint, value: float32) =
        if mask <> 0n then
            for i in first .. stop - 1 do
                if Mem.get<byte> mask i = 0uy then Mem.set<float32> scores i value

    [<FullyOptimized>]
    override _.Weigh(scores, count, first, stop, scale, mask) =
        AttentionRows32<'W, 'V>.Clear(scores, count, first, stop)
        let seen = scores + nativeint first * 4n
        let factor = 'W.Create(float32 scale)
        let mutable most = Single.NegativeInfinity

        AttentionRows32<'W, 'V>
            .Each(
                stop - first,
                fun i n ->
                    let p = seen + i
                    AttentionRows32<'W, 'V>.Store(p, n, 'W.Mul(AttentionRows32<'W, 'V>.Load(p, n), factor))
            )

        AttentionRows32<'W, 'V>.Hide(scores, first, stop, mask, Single.NegativeInfinity)
        let whole = (stop - first) / 'W.Count * 'W.Count
        let mutable largest = 'W.Create Single.NegativeInfinity

        AttentionRows32<'W, 'V>.Each(whole, (fun i _ -> largest <- 'W.Max(largest, 'W.Load(seen + i))))
        most <- 'W.Largest largest

        for i in first + whole .. stop - 1 do
            most <- MathF.Max(most, Mem.get<float32> scores i)

        if Single.IsNegativeInfinity most then
            Mem.zero scores (int64 count * 4L)
            struct (Double.NegativeInfinity, 0.0)
        else
            let shift = 'W.Create most
            let mutable total = 'W.Zero
            let mutable rest = 0.0f

            AttentionRows32<'W, 'V>
                .Each(
                    stop - first,
                    fun i n ->
                        let p = seen + i
                        let e = VectorMath<'W, 'V>.Exp('W.Sub(AttentionRows32<'W, 'V>.Load(p, n), shift))
                        AttentionRows32<'W, 'V>.Store(p, n, e)
                        if n = 'W.Count then total <- 'W.Add(total, e)
                )

            for i in first + whole .. stop - 1 do
                rest <- rest + Mem.get<float32> scores i

            AttentionRows32<'W, 'V>.Hide(scores, first, stop, mask, 0.0f)
            struct (float most, float ('W.Sum total + rest))

    [<FullyOptimized>]
    override _.WeighAgain(scores, count, first, stop, scale, mask, log) =
        AttentionRows32<'W, 'V>.Clear(scores, count, first, stop)
        let seen = scores + nativeint first * 4n
        let factor = 'W.Create(float32 scale)
        let shift = 'W.Create(float32 -log)

        AttentionRows32<'W, 'V>
            .Each(
                stop - first,
                fun i n ->
                    let p = seen + i
                    let x = 'W.Fma(AttentionRows32<'W, 'V>.Load(p, n), factor, shift)
                    AttentionRows32<'W, 'V>.Store(p, n, VectorMath<'W, 'V>.Exp x)
            )

        AttentionRows32<'W, 'V>.Hide(scores, first, stop, mask, 0.0f)

    [<FullyOptimized>]
    override _.Pull(x, w, count, dot, scale) =
        let dot = 'W.Create(float32 dot)
        let factor = 'W.Create(float32 scale)

        AttentionRows32<'W, 'V>
            .Each(
                count,
                fun i n ->
                    let v = 'W.Sub(AttentionRows32<'W, 'V>.Load(x + i, n), dot)
                    let v = 'W.Mul('W.Mul(AttentionRows32<'W, 'V>.Load(w + i, n), v), factor)
                    AttentionRows32<'W, 'V>.Store(x + i, n, v)
            )

    [<FullyOptimized>]
    override _.Multiply(x, count, factor) =
        let factor = 'W.Create(float32 factor)

        AttentionRows32<'W, 'V>
            .Each(
                count,
                fun i n ->
                    AttentionRows32<'W, 'V>.Store(x + i, n, 'W.Mul(AttentionRows32<'W, 'V>.Load(x + i, n), factor))
            )

    [<FullyOptimized>]
    override _.Add(x, y, count, factor) =
        let factor = 'W.Create(float32 factor)

        AttentionRows32<'W, 'V>
            .Each(
                count,
                fun i n ->
                    let sum =
                        'W.Fma(AttentionRows32<'W, 'V>.Load(y + i, n), factor, AttentionRows32<'W, 'V>.Load(x + i, n))

                    AttentionRows32<'W, 'V>.Store(x + i, n, sum)
            )

    [<FullyOptimized>]
    override _.Dot(x, y, count) =
        let mutable total = 'W.Zero

        AttentionRows32<'W, 'V>
            .Each(
                count,
                fun i n ->
                    // Lanes after the last element are zeros.
                    let a = AttentionRows32<'W, 'V>.Load(x + i, n)
                    total <- 'W.Fma(a, AttentionRows32<'W, 'V>.Load(y + i, n), total)
            )

        float ('W.Sum total)

    override _.Get(x, index) = float (Mem.get<float32> x index)
    override _.Set(x, index, value) = Mem.set<float32> x index (float32 value)

/// float64, element by element.
[<Sealed>]
type internal AttentionRows64() =
    inherit AttentionRows()

    static member inline private IsSeen(i: int, first: int, stop: int, mask: nativeint) =
        i >= first && i < stop && (mask = 0n || Mem.get<byte> mask i <> 0uy)

    override _.Weigh(scores, count, first, stop, scale, mask) =
        let mutable most = Double.NegativeInfinity

        for i in first .. stop - 1 do
            if AttentionRows64.IsSeen(i, first, stop, mask) then
                most <- Math.Max(most, scale * Mem.get<float> scores i)

        let mutable total = 0.0

        for i in 0 .. count - 1 do
            let weight =
                if AttentionRows64.IsSeen(i, first, stop, mask) then
                    Math.Exp(scale * Mem.get<float> scores i - most)
                else
                    0.0

            Mem.set<float> scores i weight
            total <- total + weight

        struct (most, total)

    override _.WeighAgain(scores, count, first, stop, scale, mask, log) =
        for i in 0 .. count - 1 do
            let weight =
                if AttentionRows64.IsSeen(i, first, stop, mask) then
                    Math.Exp(scale * Mem.get<float> scores i - log)
                else
                    0.0

            Mem.set<float> scores i weight

    override _.Pull(x, w, count, dot, scale) =
        for i in 0 .. count - 1 do
            Mem.set<float> x i (Mem.get<float> w i * (Mem.get<float> x i - dot) * scale)

    override _.Multiply(x, count, factor) =
        for i in 0 .. count - 1 do
            Mem.set<float> x i (Mem.get<float> x i * factor)

    override _.Add(x, y, count, factor) =
        for i in 0 .. count - 1 do
            Mem.set<float> x i (Mem.get<float> x i + Mem.get<float> y i * factor)

    override _.Dot(x, y, count) =
        let mutable total = 0.0

        for i in 0 .. count - 1 do
            total <- total + Mem.get<float> x i * Mem.get<float> y i

        total

    override _.Get(x, index) = Mem.get<float> x index
    override _.Set(x, index, value) = Mem.set<float> x index value
