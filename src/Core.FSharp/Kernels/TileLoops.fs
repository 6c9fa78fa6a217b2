namespace FunctionalNet.Kernels

open System
open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics

#nowarn "3535"

/// The loops that apply one function to whole tiles. The last few elements go through a masked vector, so that an
/// element's bits do not depend on where it stands.
module internal TileLoop =

    let inline map1<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
        ([<InlineIfLambda>] f: 'V -> 'V)
        (n: int)
        (d: nativeint)
        (a: nativeint)
        =
        let stop = nativeint (n / 'W.Count) * 'W.Bytes
        let mutable i = 0n

        while i < stop do
            'W.Store(d + i, f ('W.Load(a + i)))
            i <- i + 'W.Bytes

        let rest = n % 'W.Count

        if rest > 0 then 'W.StoreFirst(d + stop, rest, f ('W.LoadFirst(a + stop, rest)))

    let inline map2<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
        ([<InlineIfLambda>] f: 'V -> 'V -> 'V)
        (n: int)
        (d: nativeint)
        (a: nativeint)
        (b: nativeint)
        =
        let stop = nativeint (n / 'W.Count) * 'W.Bytes
        let mutable i = 0n

        while i < stop do
            'W.Store(d + i, f ('W.Load(a + i)) ('W.Load(b + i)))
            i <- i + 'W.Bytes

        let rest = n % 'W.Count

        if rest > 0 then
            'W.StoreFirst(d + stop, rest, f ('W.LoadFirst(a + stop, rest)) ('W.LoadFirst(b + stop, rest)))

    let inline map3<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
        ([<InlineIfLambda>] f: 'V -> 'V -> 'V -> 'V)
        (n: int)
        (d: nativeint)
        (a: nativeint)
        (b: nativeint)
        (c: nativeint)
        =
        let stop = nativeint (n / 'W.Count) * 'W.Bytes
        let mutable i = 0n

        while i < stop do
            'W.Store(d + i, f ('W.Load(a + i)) ('W.Load(b + i)) ('W.Load(c + i)))
            i <- i + 'W.Bytes

        let rest = n % 'W.Count

        if rest > 0 then
            let x = 'W.LoadFirst(a + stop, rest)
            let y = 'W.LoadFirst(b + stop, rest)
            'W.StoreFirst(d + stop, rest, f x y ('W.LoadFirst(c + stop, rest)))

    /// Whether a mask of the elements is set everywhere; zeros must be among those where it is.
    let inline forAll<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
        ([<InlineIfLambda>] f: 'V -> 'V)
        (n: int)
        (a: nativeint)
        : bool =
        let stop = nativeint (n / 'W.Count) * 'W.Bytes
        let mutable all = 'W.Equal('W.Zero, 'W.Zero)
        let mutable i = 0n

        while i < stop do
            all <- 'W.And(all, f ('W.Load(a + i)))
            i <- i + 'W.Bytes

        let rest = n % 'W.Count

        if rest > 0 then all <- 'W.And(all, f ('W.LoadFirst(a + stop, rest)))

        not ('W.Any('W.Not all))

    let inline scalar1<'T> ([<InlineIfLambda>] f: 'T -> 'T) (n: int) (d: nativeint) (a: nativeint) =
        for i in 0 .. n - 1 do
            Mem.set<'T> d i (f (Mem.get<'T> a i))

    let inline scalar2<'T>
        ([<InlineIfLambda>] f: 'T -> 'T -> 'T)
        (n: int)
        (d: nativeint)
        (a: nativeint)
        (b: nativeint)
        =
        for i in 0 .. n - 1 do
            Mem.set<'T> d i (f (Mem.get<'T> a i) (Mem.get<'T> b i))

/// The operations that all three domains share, on vectors of the domain's type.
[<AbstractClass; Sealed>]
type internal BasicLoops<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>> private () =

    static member inline private One(mask: 'V) : 'V = 'W.And(mask, 'W.Create(Number.OfInt<'T> 1L))

    static member inline private IsZero(x: 'V) : 'V = 'W.Equal(x, 'W.Zero)

    [<FullyOptimized>]
    static member Neg(n: int, d, a) = TileLoop.map1<'W, 'V, 'T> (fun x -> 'W.Neg x) n d a

    [<FullyOptimized>]
    static member Abs(n: int, d, a) = TileLoop.map1<'W, 'V, 'T> (fun x -> 'W.Abs x) n d a

    [<FullyOptimized>]
    static member Sign(n: int, d, a) =
        TileLoop.map1<'W, 'V, 'T>
            (fun x ->
                let positive = BasicLoops<'W, 'V, 'T>.One('W.Less('W.Zero, x))
                let negative = BasicLoops<'W, 'V, 'T>.One('W.Less(x, 'W.Zero))
                // NaN and zeros are their own sign.
                let ordered = 'W.AndNot('W.Equal(x, x), BasicLoops<'W, 'V, 'T>.IsZero x)
                'W.Pick(ordered, 'W.Sub(positive, negative), x))
            n
            d
            a

    [<FullyOptimized>]
    static member Square(n: int, d, a) = TileLoop.map1<'W, 'V, 'T> (fun x -> 'W.Mul(x, x)) n d a

    [<FullyOptimized>]
    static member Relu(n: int, d, a) =
        // Written so that NaN stays NaN.
        TileLoop.map1<'W, 'V, 'T> (fun x -> 'W.AndNot(x, 'W.Less(x, 'W.Zero))) n d a

    [<FullyOptimized>]
    static member Not(n: int, d, a) =
        TileLoop.map1<'W, 'V, 'T> (fun x -> BasicLoops<'W, 'V, 'T>.One(BasicLoops<'W, 'V, 'T>.IsZero x)) n d a

    [<FullyOptimized>]
    static member IsNaN(n: int, d, a) =
        TileLoop.map1<'W, 'V, 'T> (fun x -> BasicLoops<'W, 'V, 'T>.One('W.Not('W.Equal(x, x)))) n d a

    [<FullyOptimized>]
    static member IsFinite(n: int, d, a) =
        // x - x is 0 for finite numbers and NaN for the others.
        TileLoop.map1<'W, 'V, 'T>
            (fun x -> BasicLoops<'W, 'V, 'T>.One(BasicLoops<'W, 'V, 'T>.IsZero('W.Sub(x, x))))
            n
            d
            a

    [<FullyOptimized>]
    static member Add(n: int, d, a, b) = TileLoop.map2<'W, 'V, 'T> (fun x y -> 'W.Add(x, y)) n d a b

    [<FullyOptimized>]
    static member Sub(n: int, d, a, b) = TileLoop.map2<'W, 'V, 'T> (fun x y -> 'W.Sub(x, y)) n d a b

    [<FullyOptimized>]
    static member Mul(n: int, d, a, b) = TileLoop.map2<'W, 'V, 'T> (fun x y -> 'W.Mul(x, y)) n d a b

    [<FullyOptimized>]
    static member Max(n: int, d, a, b) = TileLoop.map2<'W, 'V, 'T> (fun x y -> 'W.Max(x, y)) n d a b

    [<FullyOptimized>]
    static member Min(n: int, d, a, b) = TileLoop.map2<'W, 'V, 'T> (fun x y -> 'W.Min(x, y)) n d a b

    [<FullyOptimized>]
    static member Eq(n: int, d, a, b) =
        TileLoop.map2<'W, 'V, 'T> (fun x y -> BasicLoops<'W, 'V, 'T>.One('W.Equal(x, y))) n d a b

    [<FullyOptimized>]
    static member Ne(n: int, d, a, b) =
        TileLoop.map2<'W, 'V, 'T> (fun x y -> BasicLoops<'W, 'V, 'T>.One('W.Not('W.Equal(x, y)))) n d a b

    [<FullyOptimized>]
    static member Lt(n: int, d, a, b) =
        TileLoop.map2<'W, 'V, 'T> (fun x y -> BasicLoops<'W, 'V, 'T>.One('W.Less(x, y))) n d a b

    [<FullyOptimized>]
    static member Le(n: int, d, a, b) =
        TileLoop.map2<'W, 'V, 'T> (fun x y -> BasicLoops<'W, 'V, 'T>.One('W.LessOrEqual(x, y))) n d a b

    [<FullyOptimized>]
    static member And(n: int, d, a, b) =
        TileLoop.map2<'W, 'V, 'T>
            (fun x y ->
                BasicLoops<'W, 'V, 'T>
                    .One('W.Not('W.Or(BasicLoops<'W, 'V, 'T>.IsZero x, BasicLoops<'W, 'V, 'T>.IsZero y))))
            n
            d
            a
            b

    [<FullyOptimized>]
    static member Or(n: int, d, a, b) =
        TileLoop.map2<'W, 'V, 'T>
            (fun x y ->
                BasicLoops<'W, 'V, 'T>
                    .One('W.Not('W.And(BasicLoops<'W, 'V, 'T>.IsZero x, BasicLoops<'W, 'V, 'T>.IsZero y))))
            n
            d
            a
            b

    [<FullyOptimized>]
    static member Xor(n: int, d, a, b) =
        TileLoop.map2<'W, 'V, 'T>
            (fun x y ->
                BasicLoops<'W, 'V, 'T>.One('W.Xor(BasicLoops<'W, 'V, 'T>.IsZero x, BasicLoops<'W, 'V, 'T>.IsZero y)))
            n
            d
            a
            b

    [<FullyOptimized>]
    static member Select(n: int, d, a, b, c) =
        TileLoop.map3<'W, 'V, 'T> (fun x y z -> 'W.Pick(BasicLoops<'W, 'V, 'T>.IsZero x, z, y)) n d a b c

    /// d[i] = 1 if s[i] is not 0 (NaN included), else 0; d holds bytes.
    [<FullyOptimized>]
    static member Truth(n: int, d: nativeint, s: nativeint) =
        let size = nativeint sizeof<'T>
        let mutable i = 0

        while i < n do
            let count = min 'W.Count (n - i)
            let p = s + nativeint i * size
            let v = if count = 'W.Count then 'W.Load p else 'W.LoadFirst(p, count)
            let mutable bits = ~~~('W.Bits(BasicLoops<'W, 'V, 'T>.IsZero v))
            let mutable left = count
            let mutable q = d + nativeint i

            while left > 0 do
                // Eight bits, multiplied out to eight bytes.
                let spread = ((bits &&& 0x7fUL) * 0x02040810204081UL) &&& 0x0101010101010101UL
                let bytes = spread ||| ((bits &&& 0x80UL) <<< 49)

                if left >= 8 then
                    Mem.set<uint64> q 0 bytes
                elif left = 4 then
                    Mem.set<uint32> q 0 (uint32 bytes)
                else
                    for k in 0 .. left - 1 do
                        Mem.set<byte> q k (byte (bytes >>> (8 * k)))

                bits <- bits >>> 8
                left <- left - 8
                q <- q + 8n

            i <- i + count

    static member Run(op: TileOp, n: int, d: nativeint, a: nativeint, b: nativeint, c: nativeint) =
        match op with
        | TileOp.Copy -> Mem.copy d a (int64 n * int64 sizeof<'T>)
        | TileOp.Neg -> BasicLoops<'W, 'V, 'T>.Neg(n, d, a)
        | TileOp.Abs -> BasicLoops<'W, 'V, 'T>.Abs(n, d, a)
        | TileOp.Sign -> BasicLoops<'W, 'V, 'T>.Sign(n, d, a)
        | TileOp.Square -> BasicLoops<'W, 'V, 'T>.Square(n, d, a)
        | TileOp.Relu -> BasicLoops<'W, 'V, 'T>.Relu(n, d, a)
        | TileOp.Not -> BasicLoops<'W, 'V, 'T>.Not(n, d, a)
        | TileOp.IsNaN -> BasicLoops<'W, 'V, 'T>.IsNaN(n, d, a)
        | TileOp.IsFinite -> BasicLoops<'W, 'V, 'T>.IsFinite(n, d, a)
        | TileOp.Add -> BasicLoops<'W, 'V, 'T>.Add(n, d, a, b)
        | TileOp.Sub -> BasicLoops<'W, 'V, 'T>.Sub(n, d, a, b)
        | TileOp.Mul -> BasicLoops<'W, 'V, 'T>.Mul(n, d, a, b)
        | TileOp.Max -> BasicLoops<'W, 'V, 'T>.Max(n, d, a, b)
        | TileOp.Min -> BasicLoops<'W, 'V, 'T>.Min(n, d, a, b)
        | TileOp.Eq -> BasicLoops<'W, 'V, 'T>.Eq(n, d, a, b)
        | TileOp.Ne -> BasicLoops<'W, 'V, 'T>.Ne(n, d, a, b)
        | TileOp.Lt -> BasicLoops<'W, 'V, 'T>.Lt(n, d, a, b)
        | TileOp.Le -> BasicLoops<'W, 'V, 'T>.Le(n, d, a, b)
        | TileOp.Gt -> BasicLoops<'W, 'V, 'T>.Lt(n, d, b, a)
        | TileOp.Ge -> BasicLoops<'W, 'V, 'T>.Le(n, d, b, a)
        | TileOp.And -> BasicLoops<'W, 'V, 'T>.And(n, d, a, b)
        | TileOp.Or -> BasicLoops<'W, 'V, 'T>.Or(n, d, a, b)
        | TileOp.Xor -> BasicLoops<'W, 'V, 'T>.Xor(n, d, a, b)
        | _ -> BasicLoops<'W, 'V, 'T>.Select(n, d, a, b, c)

/// Sums of arrays, with the vectors of this machine.
[<AbstractClass; Sealed>]
type internal AddLoop<'T> private () =

    /// d = a + b
    static member Run(n: int, d: nativeint, a: nativeint, b: nativeint) =
        match Width.current with
        | Width.W512 -> BasicLoops<Lanes512<'T>, Vector512<'T>, 'T>.Add(n, d, a, b)
        | Width.W256 -> BasicLoops<Lanes256<'T>, Vector256<'T>, 'T>.Add(n, d, a, b)
        | _ -> BasicLoops<Lanes128<'T>, Vector128<'T>, 'T>.Add(n, d, a, b)

/// The operations of the float32 domain.
[<AbstractClass; Sealed>]
type internal Loops32<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    [<FullyOptimized>]
    static member Reciprocal(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> 'W.Div('W.Create 1.0f, x)) n d a

    [<FullyOptimized>]
    static member Sqrt(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> 'W.Sqrt x) n d a

    [<FullyOptimized>]
    static member Rsqrt(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Rsqrt x) n d a

    [<FullyOptimized>]
    static member Exp(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Exp x) n d a

    [<FullyOptimized>]
    static member Expm1(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Expm1 x) n d a

    // For functions of the logarithm, the choice of its form stays outside the loop, whose body it would slow down.

    [<FullyOptimized>]
    static member Log(n, d, a) =
        if 'W.Splits then
            TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.LogSplit x) n d a
        else
            TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.LogBits x) n d a

    [<FullyOptimized>]
    static member Log1p(n, d, a) =
        if 'W.Splits then
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Log1p((fun u -> VectorMath<'W, 'V>.LogSplit u), x))
                n
                d
                a
        else
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Log1p((fun u -> VectorMath<'W, 'V>.LogBits u), x))
                n
                d
                a

    [<FullyOptimized>]
    static member Tanh(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Tanh x) n d a

    [<FullyOptimized>]
    static member Sigmoid(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Sigmoid x) n d a

    [<FullyOptimized>]
    static member Softplus(n, d, a) =
        if 'W.Splits then
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Softplus((fun u -> VectorMath<'W, 'V>.LogSplit u), x))
                n
                d
                a
        else
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Softplus((fun u -> VectorMath<'W, 'V>.LogBits u), x))
                n
                d
                a

    [<FullyOptimized>]
    static member Erfinv(n, d, a) =
        if 'W.Splits then
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Erfinv((fun u -> VectorMath<'W, 'V>.LogSplit u), x))
                n
                d
                a
        else
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Erfinv((fun u -> VectorMath<'W, 'V>.LogBits u), x))
                n
                d
                a

    [<FullyOptimized>]
    static member Sinh(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Sinh x) n d a

    [<FullyOptimized>]
    static member Cosh(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Cosh x) n d a

    [<FullyOptimized>]
    static member Asinh(n, d, a) =
        if 'W.Splits then
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Asinh((fun u -> VectorMath<'W, 'V>.LogSplit u), x))
                n
                d
                a
        else
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Asinh((fun u -> VectorMath<'W, 'V>.LogBits u), x))
                n
                d
                a

    [<FullyOptimized>]
    static member Acosh(n, d, a) =
        if 'W.Splits then
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Acosh((fun u -> VectorMath<'W, 'V>.LogSplit u), x))
                n
                d
                a
        else
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Acosh((fun u -> VectorMath<'W, 'V>.LogBits u), x))
                n
                d
                a

    [<FullyOptimized>]
    static member Atanh(n, d, a) =
        if 'W.Splits then
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Atanh((fun u -> VectorMath<'W, 'V>.LogSplit u), x))
                n
                d
                a
        else
            TileLoop.map1<'W, 'V, float32>
                (fun x -> VectorMath<'W, 'V>.Atanh((fun u -> VectorMath<'W, 'V>.LogBits u), x))
                n
                d
                a

    [<FullyOptimized>]
    static member Asin(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Asin x) n d a

    [<FullyOptimized>]
    static member Acos(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Acos x) n d a

    [<FullyOptimized>]
    static member Atan(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Atan x) n d a

    [<FullyOptimized>]
    static member Floor(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> 'W.Floor x) n d a

    [<FullyOptimized>]
    static member Ceil(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> 'W.Ceiling x) n d a

    [<FullyOptimized>]
    static member Round(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> 'W.Round x) n d a

    [<FullyOptimized>]
    static member Trunc(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> 'W.Truncate x) n d a

    [<FullyOptimized>]
    static member Erf(n, d: nativeint, a: nativeint) =
        let table = PiecewiseTable.Erf
        TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Erf(table, x)) n d a

    [<FullyOptimized>]
    static member Gelu(n, d: nativeint, a: nativeint) =
        let table = PiecewiseTable.Normal
        TileLoop.map1<'W, 'V, float32> (fun x -> VectorMath<'W, 'V>.Gelu(table, x)) n d a

    [<FullyOptimized>]
    static member Div(n, d, a, b) = TileLoop.map2<'W, 'V, float32> (fun x y -> 'W.Div(x, y)) n d a b

    [<FullyOptimized>]
    static member Atan2(n, d, a, b) = TileLoop.map2<'W, 'V, float32> (fun x y -> VectorMath<'W, 'V>.Atan2(x, y)) n d a b

    [<FullyOptimized>]
    static member FusedMultiplyAdd(n, d, a, b, c) =
        TileLoop.map3<'W, 'V, float32> (fun x y z -> 'W.Fma(x, y, z)) n d a b c

    [<FullyOptimized>]
    static member Toward(n, d, a, b, c) =
        TileLoop.map3<'W, 'V, float32> (fun x y z -> 'W.Fma('W.Sub(y, x), z, x)) n d a b c

    [<FullyOptimized>]
    static member TowardSquare(n, d, a, b, c) =
        TileLoop.map3<'W, 'V, float32> (fun x y z -> 'W.Fma('W.Sub('W.Mul(y, y), x), z, x)) n d a b c

    [<FullyOptimized>]
    static member OverRoot(n, d, a, b, c) =
        TileLoop.map3<'W, 'V, float32> (fun x y z -> 'W.Div(x, 'W.Add('W.Sqrt y, z))) n d a b c

    [<FullyOptimized>]
    static member RoundToHalf(n, d, a) = TileLoop.map1<'W, 'V, float32> (fun x -> HalfWidth<'W, 'V>.Round x) n d a

    /// Vectors where the argument reduction is exact enough; System.Math if any element is beyond.
    static member inline private Turning
        ([<InlineIfLambda>] f: 'V -> 'V, [<InlineIfLambda>] rare: float -> float, n: int, d: nativeint, a: nativeint)
        =
        let limit = VectorMath<'W, 'V>.TurnLimit

        if TileLoop.forAll<'W, 'V, float32> (fun x -> 'W.LessOrEqual('W.Abs x, 'W.Create limit)) n a then
            TileLoop.map1<'W, 'V, float32> f n d a
        else
            for i in 0 .. n - 1 do
                let x = Mem.get<float32> a i
                let at = nativeint (4 * i)

                if Math.Abs x <= limit then
                    'W.StoreFirst(d + at, 1, f ('W.LoadFirst(a + at, 1)))
                else
                    Mem.set<float32> d i (float32 (rare (float x)))

    [<FullyOptimized>]
    static member Sin(n, d: nativeint, a: nativeint) =
        Loops32<'W, 'V>.Turning((fun x -> VectorMath<'W, 'V>.Sin x), (fun v -> Math.Sin v), n, d, a)

    [<FullyOptimized>]
    static member Cos(n, d: nativeint, a: nativeint) =
        Loops32<'W, 'V>.Turning((fun x -> VectorMath<'W, 'V>.Cos x), (fun v -> Math.Cos v), n, d, a)

    [<FullyOptimized>]
    static member Tan(n, d: nativeint, a: nativeint) =
        Loops32<'W, 'V>.Turning((fun x -> VectorMath<'W, 'V>.Tan x), (fun v -> Math.Tan v), n, d, a)

    static member Run(op: TileOp, n: int, d: nativeint, a: nativeint, b: nativeint, c: nativeint) =
        match op with
        | TileOp.Reciprocal -> Loops32<'W, 'V>.Reciprocal(n, d, a)
        | TileOp.Sqrt -> Loops32<'W, 'V>.Sqrt(n, d, a)
        | TileOp.Rsqrt -> Loops32<'W, 'V>.Rsqrt(n, d, a)
        | TileOp.Exp -> Loops32<'W, 'V>.Exp(n, d, a)
        | TileOp.Expm1 -> Loops32<'W, 'V>.Expm1(n, d, a)
        | TileOp.Log -> Loops32<'W, 'V>.Log(n, d, a)
        | TileOp.Log1p -> Loops32<'W, 'V>.Log1p(n, d, a)
        | TileOp.Tanh -> Loops32<'W, 'V>.Tanh(n, d, a)
        | TileOp.Sigmoid -> Loops32<'W, 'V>.Sigmoid(n, d, a)
        | TileOp.Softplus -> Loops32<'W, 'V>.Softplus(n, d, a)
        | TileOp.Erfinv -> Loops32<'W, 'V>.Erfinv(n, d, a)
        | TileOp.Sinh -> Loops32<'W, 'V>.Sinh(n, d, a)
        | TileOp.Cosh -> Loops32<'W, 'V>.Cosh(n, d, a)
        | TileOp.Asinh -> Loops32<'W, 'V>.Asinh(n, d, a)
        | TileOp.Acosh -> Loops32<'W, 'V>.Acosh(n, d, a)
        | TileOp.Atanh -> Loops32<'W, 'V>.Atanh(n, d, a)
        | TileOp.Asin -> Loops32<'W, 'V>.Asin(n, d, a)
        | TileOp.Acos -> Loops32<'W, 'V>.Acos(n, d, a)
        | TileOp.Atan -> Loops32<'W, 'V>.Atan(n, d, a)
        | TileOp.Floor -> Loops32<'W, 'V>.Floor(n, d, a)
        | TileOp.Ceil -> Loops32<'W, 'V>.Ceil(n, d, a)
        | TileOp.Round -> Loops32<'W, 'V>.Round(n, d, a)
        | TileOp.Trunc -> Loops32<'W, 'V>.Trunc(n, d, a)
        | TileOp.Erf -> Loops32<'W, 'V>.Erf(n, d, a)
        | TileOp.Gelu -> Loops32<'W, 'V>.Gelu(n, d, a)
        | TileOp.Sin -> Loops32<'W, 'V>.Sin(n, d, a)
        | TileOp.Cos -> Loops32<'W, 'V>.Cos(n, d, a)
        | TileOp.Tan -> Loops32<'W, 'V>.Tan(n, d, a)
        | TileOp.RoundToSingle -> Mem.copy d a (4L * int64 n)
        | TileOp.Div -> Loops32<'W, 'V>.Div(n, d, a, b)
        | TileOp.Atan2 -> Loops32<'W, 'V>.Atan2(n, d, a, b)
        | TileOp.FusedMultiplyAdd -> Loops32<'W, 'V>.FusedMultiplyAdd(n, d, a, b, c)
        | TileOp.Toward -> Loops32<'W, 'V>.Toward(n, d, a, b, c)
        | TileOp.TowardSquare -> Loops32<'W, 'V>.TowardSquare(n, d, a, b, c)
        | TileOp.OverRoot -> Loops32<'W, 'V>.OverRoot(n, d, a, b, c)
        | TileOp.RoundToHalf -> Loops32<'W, 'V>.RoundToHalf(n, d, a)
        | TileOp.Pow -> TileLoop.scalar2<float32> (fun x y -> float32 (Math.Pow(float x, float y))) n d a b
        | TileOp.FloorDiv ->
            TileLoop.scalar2<float32> (fun x y -> float32 (ScalarMath.floorDiv (float x) (float y))) n d a b
        | TileOp.Mod -> TileLoop.scalar2<float32> (fun x y -> float32 (ScalarMath.floorMod (float x) (float y))) n d a b
        | _ -> BasicLoops<'W, 'V, float32>.Run(op, n, d, a, b, c)

/// The operations of the float64 domain: vectors for arithmetic, System.Math for the rest.
[<AbstractClass; Sealed>]
type internal Loops64<'W, 'V when 'W: struct and 'W :> ILanes<'V, float>> private () =

    [<FullyOptimized>]
    static member Reciprocal(n, d, a) = TileLoop.map1<'W, 'V, float> (fun x -> 'W.Div('W.Create 1.0, x)) n d a

    [<FullyOptimized>]
    static member Sqrt(n, d, a) = TileLoop.map1<'W, 'V, float> (fun x -> 'W.Sqrt x) n d a

    [<FullyOptimized>]
    static member Rsqrt(n, d, a) = TileLoop.map1<'W, 'V, float> (fun x -> 'W.Div('W.Create 1.0, 'W.Sqrt x)) n d a

    [<FullyOptimized>]
    static member Floor(n, d, a) = TileLoop.map1<'W, 'V, float> (fun x -> 'W.Floor x) n d a

    [<FullyOptimized>]
    static member Ceil(n, d, a) = TileLoop.map1<'W, 'V, float> (fun x -> 'W.Ceiling x) n d a

    [<FullyOptimized>]
    static member Round(n, d, a) = TileLoop.map1<'W, 'V, float> (fun x -> 'W.Round x) n d a

    [<FullyOptimized>]
    static member Trunc(n, d, a) = TileLoop.map1<'W, 'V, float> (fun x -> 'W.Truncate x) n d a

    [<FullyOptimized>]
    static member Div(n, d, a, b) = TileLoop.map2<'W, 'V, float> (fun x y -> 'W.Div(x, y)) n d a b

    [<FullyOptimized>]
    static member FusedMultiplyAdd(n, d, a, b, c) =
        TileLoop.map3<'W, 'V, float> (fun x y z -> 'W.Fma(x, y, z)) n d a b c

    [<FullyOptimized>]
    static member Toward(n, d, a, b, c) =
        TileLoop.map3<'W, 'V, float> (fun x y z -> 'W.Fma('W.Sub(y, x), z, x)) n d a b c

    [<FullyOptimized>]
    static member TowardSquare(n, d, a, b, c) =
        TileLoop.map3<'W, 'V, float> (fun x y z -> 'W.Fma('W.Sub('W.Mul(y, y), x), z, x)) n d a b c

    [<FullyOptimized>]
    static member OverRoot(n, d, a, b, c) =
        TileLoop.map3<'W, 'V, float> (fun x y z -> 'W.Div(x, 'W.Add('W.Sqrt y, z))) n d a b c

    static member Run(op: TileOp, n: int, d: nativeint, a: nativeint, b: nativeint, c: nativeint) =
        match op with
        | TileOp.Reciprocal -> Loops64<'W, 'V>.Reciprocal(n, d, a)
        | TileOp.Sqrt -> Loops64<'W, 'V>.Sqrt(n, d, a)
        | TileOp.Rsqrt -> Loops64<'W, 'V>.Rsqrt(n, d, a)
        | TileOp.Floor -> Loops64<'W, 'V>.Floor(n, d, a)
        | TileOp.Ceil -> Loops64<'W, 'V>.Ceil(n, d, a)
        | TileOp.Round -> Loops64<'W, 'V>.Round(n, d, a)
        | TileOp.Trunc -> Loops64<'W, 'V>.Trunc(n, d, a)
        | TileOp.Div -> Loops64<'W, 'V>.Div(n, d, a, b)
        | TileOp.FusedMultiplyAdd -> Loops64<'W, 'V>.FusedMultiplyAdd(n, d, a, b, c)
        | TileOp.Toward -> Loops64<'W, 'V>.Toward(n, d, a, b, c)
        | TileOp.TowardSquare -> Loops64<'W, 'V>.TowardSquare(n, d, a, b, c)
        | TileOp.OverRoot -> Loops64<'W, 'V>.OverRoot(n, d, a, b, c)
        | TileOp.Exp -> TileLoop.scalar1<float> (fun x -> Math.Exp x) n d a
        | TileOp.Log -> TileLoop.scalar1<float> (fun x -> Math.Log x) n d a
        | TileOp.Sin -> TileLoop.scalar1<float> (fun x -> Math.Sin x) n d a
        | TileOp.Cos -> TileLoop.scalar1<float> (fun x -> Math.Cos x) n d a
        | TileOp.Tan -> TileLoop.scalar1<float> (fun x -> Math.Tan x) n d a
        | TileOp.Asin -> TileLoop.scalar1<float> (fun x -> Math.Asin x) n d a
        | TileOp.Acos -> TileLoop.scalar1<float> (fun x -> Math.Acos x) n d a
        | TileOp.Atan -> TileLoop.scalar1<float> (fun x -> Math.Atan x) n d a
        | TileOp.Sinh -> TileLoop.scalar1<float> (fun x -> Math.Sinh x) n d a
        | TileOp.Cosh -> TileLoop.scalar1<float> (fun x -> Math.Cosh x) n d a
        | TileOp.Asinh -> TileLoop.scalar1<float> (fun x -> Math.Asinh x) n d a
        | TileOp.Acosh -> TileLoop.scalar1<float> (fun x -> Math.Acosh x) n d a
        | TileOp.Atanh -> TileLoop.scalar1<float> (fun x -> Math.Atanh x) n d a
        | TileOp.Tanh -> TileLoop.scalar1<float> (fun x -> Math.Tanh x) n d a
        | TileOp.Expm1 -> TileLoop.scalar1<float> (fun x -> ScalarMath.expm1 x) n d a
        | TileOp.Log1p -> TileLoop.scalar1<float> (fun x -> ScalarMath.log1p x) n d a
        | TileOp.Sigmoid -> TileLoop.scalar1<float> (fun x -> ScalarMath.sigmoid x) n d a
        | TileOp.Softplus -> TileLoop.scalar1<float> (fun x -> ScalarMath.softplus x) n d a
        | TileOp.Erf -> TileLoop.scalar1<float> (fun x -> ScalarMath.erf x) n d a
        | TileOp.Erfinv -> TileLoop.scalar1<float> (fun x -> ScalarMath.erfinv x) n d a
        | TileOp.Gelu -> TileLoop.scalar1<float> (fun x -> ScalarMath.gelu x) n d a
        | TileOp.RoundToSingle -> TileLoop.scalar1<float> (fun x -> float (float32 x)) n d a
        | TileOp.Pow -> TileLoop.scalar2<float> (fun x y -> Math.Pow(x, y)) n d a b
        | TileOp.Atan2 -> TileLoop.scalar2<float> (fun x y -> Math.Atan2(x, y)) n d a b
        | TileOp.FloorDiv -> TileLoop.scalar2<float> (fun x y -> ScalarMath.floorDiv x y) n d a b
        | TileOp.Mod -> TileLoop.scalar2<float> (fun x y -> ScalarMath.floorMod x y) n d a b
        | _ -> BasicLoops<'W, 'V, float>.Run(op, n, d, a, b, c)

/// The operations of the integer domain.
[<AbstractClass; Sealed>]
type internal LoopsInt<'W, 'V when 'W: struct and 'W :> ILanes<'V, int64>> private () =

    static member Run(op: TileOp, n: int, d: nativeint, a: nativeint, b: nativeint, c: nativeint) =
        match op with
        | TileOp.Floor
        | TileOp.Ceil
        | TileOp.Round
        | TileOp.Trunc
        | TileOp.RoundToSingle -> Mem.copy d a (8L * int64 n)
        | TileOp.FloorDiv -> TileLoop.scalar2<int64> (fun x y -> ScalarMath.floorDivInt x y) n d a b
        | TileOp.Mod ->
            TileLoop.scalar2<int64> (fun x y -> if y = 0L then 0L else x - y * ScalarMath.floorDivInt x y) n d a b
        | TileOp.Pow -> TileLoop.scalar2<int64> (fun x y -> ScalarMath.powInt x y) n d a b
        | TileOp.FusedMultiplyAdd ->
            for i in 0 .. n - 1 do
                Mem.set<int64> d i (Mem.get<int64> a i * Mem.get<int64> b i + Mem.get<int64> c i)
        | _ -> BasicLoops<'W, 'V, int64>.Run(op, n, d, a, b, c)
