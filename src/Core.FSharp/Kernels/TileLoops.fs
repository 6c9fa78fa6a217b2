namespace FunctionalNet.Kernels

open System
open System.Numerics
open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open FunctionalNet.Kernels.Lanes

/// The loops that apply one function to whole tiles. The last few elements go through a masked vector, so that an
/// element's bits do not depend on where it stands.
module internal TileLoop =

    let inline map1<'T when 'T: unmanaged>
        ([<InlineIfLambda>] f: Vector256<'T> -> Vector256<'T>)
        (n: int)
        (d: nativeint)
        (a: nativeint)
        =
        let w = 32 / sizeof<'T>
        let stop = nativeint (n &&& ~~~(w - 1)) * nativeint sizeof<'T>
        let mutable i = 0n

        while i + 32n < stop do
            let x0 = load<'T>(a + i)
            let x1 = load<'T>(a + i + 32n)
            store (d + i) (f x0)
            store (d + i + 32n) (f x1)
            i <- i + 64n

        if i < stop then store (d + i) (f (load<'T>(a + i)))

        let rest = n &&& (w - 1)

        if rest > 0 then storeFirst (d + stop) rest (f (loadFirst<'T> (a + stop) rest))

    let inline map2<'T when 'T: unmanaged>
        ([<InlineIfLambda>] f: Vector256<'T> -> Vector256<'T> -> Vector256<'T>)
        (n: int)
        (d: nativeint)
        (a: nativeint)
        (b: nativeint)
        =
        let w = 32 / sizeof<'T>
        let stop = nativeint (n &&& ~~~(w - 1)) * nativeint sizeof<'T>
        let mutable i = 0n

        while i + 32n < stop do
            let x0 = load<'T>(a + i)
            let x1 = load<'T>(a + i + 32n)
            let y0 = load<'T>(b + i)
            let y1 = load<'T>(b + i + 32n)
            store (d + i) (f x0 y0)
            store (d + i + 32n) (f x1 y1)
            i <- i + 64n

        if i < stop then store (d + i) (f (load<'T>(a + i)) (load<'T>(b + i)))

        let rest = n &&& (w - 1)

        if rest > 0 then
            storeFirst (d + stop) rest (f (loadFirst<'T> (a + stop) rest) (loadFirst<'T> (b + stop) rest))

    let inline map3<'T when 'T: unmanaged>
        ([<InlineIfLambda>] f: Vector256<'T> -> Vector256<'T> -> Vector256<'T> -> Vector256<'T>)
        (n: int)
        (d: nativeint)
        (a: nativeint)
        (b: nativeint)
        (c: nativeint)
        =
        let w = 32 / sizeof<'T>
        let stop = nativeint (n &&& ~~~(w - 1)) * nativeint sizeof<'T>
        let mutable i = 0n

        while i < stop do
            store (d + i) (f (load<'T>(a + i)) (load<'T>(b + i)) (load<'T>(c + i)))
            i <- i + 32n

        let rest = n &&& (w - 1)

        if rest > 0 then
            let x = loadFirst<'T> (a + stop) rest
            let y = loadFirst<'T> (b + stop) rest
            storeFirst (d + stop) rest (f x y (loadFirst<'T> (c + stop) rest))

    let inline scalar1<'T when 'T: unmanaged> ([<InlineIfLambda>] f: 'T -> 'T) (n: int) (d: nativeint) (a: nativeint) =
        for i in 0 .. n - 1 do
            Mem.set<'T> d i (f (Mem.get<'T> a i))

    let inline scalar2<'T when 'T: unmanaged>
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
type internal BasicLoops<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> private () =

    static member inline private One(mask: Vector256<'T>) = mask &&& Vector256<'T>.One
    static member inline private Truth(x: Vector256<'T>) =
        Vector256.OnesComplement(Vector256.Equals(x, Vector256<'T>.Zero))

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Fill(n: int, d: nativeint, value: 'T) =
        let v = Vector256.Create value
        TileLoop.map1<'T> (fun _ -> v) n d d

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Copy(n: int, d, a) = TileLoop.map1<'T> (fun x -> x) n d a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Neg(n: int, d, a) = TileLoop.map1<'T> (fun x -> -x) n d a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Abs(n: int, d, a) = TileLoop.map1<'T> (fun x -> Vector256.Abs x) n d a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Sign(n: int, d, a) =
        TileLoop.map1<'T>
            (fun x ->
                let positive = BasicLoops<'T>.One(Vector256.GreaterThan(x, Vector256<'T>.Zero))
                let negative = BasicLoops<'T>.One(Vector256.LessThan(x, Vector256<'T>.Zero))
                // NaN and zeros are their own sign.
                let ordered = Vector256.Equals(x, x) &&& BasicLoops<'T>.Truth x
                Vector256.ConditionalSelect(ordered, positive - negative, x))
            n
            d
            a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Square(n: int, d, a) = TileLoop.map1<'T> (fun x -> x * x) n d a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Relu(n: int, d, a) =
        // Written so that NaN stays NaN.
        TileLoop.map1<'T> (fun x -> Vector256.AndNot(x, Vector256.LessThan(x, Vector256<'T>.Zero))) n d a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Not(n: int, d, a) =
        TileLoop.map1<'T> (fun x -> BasicLoops<'T>.One(Vector256.Equals(x, Vector256<'T>.Zero))) n d a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member IsNaN(n: int, d, a) =
        TileLoop.map1<'T> (fun x -> BasicLoops<'T>.One(Vector256.OnesComplement(Vector256.Equals(x, x)))) n d a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member IsFinite(n: int, d, a) =
        // x - x is 0 for finite numbers and NaN for the others.
        TileLoop.map1<'T> (fun x -> BasicLoops<'T>.One(Vector256.Equals(x - x, Vector256<'T>.Zero))) n d a

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Add(n: int, d, a, b) = TileLoop.map2<'T> (fun x y -> x + y) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Sub(n: int, d, a, b) = TileLoop.map2<'T> (fun x y -> x - y) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Mul(n: int, d, a, b) = TileLoop.map2<'T> (fun x y -> x * y) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Max(n: int, d, a, b) = TileLoop.map2<'T> (fun x y -> Vector256.Max(x, y)) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Min(n: int, d, a, b) = TileLoop.map2<'T> (fun x y -> Vector256.Min(x, y)) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Eq(n: int, d, a, b) =
        TileLoop.map2<'T> (fun x y -> BasicLoops<'T>.One(Vector256.Equals(x, y))) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Ne(n: int, d, a, b) =
        TileLoop.map2<'T> (fun x y -> BasicLoops<'T>.One(Vector256.OnesComplement(Vector256.Equals(x, y)))) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Lt(n: int, d, a, b) =
        TileLoop.map2<'T> (fun x y -> BasicLoops<'T>.One(Vector256.LessThan(x, y))) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Le(n: int, d, a, b) =
        TileLoop.map2<'T> (fun x y -> BasicLoops<'T>.One(Vector256.LessThanOrEqual(x, y))) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member And(n: int, d, a, b) =
        TileLoop.map2<'T> (fun x y -> BasicLoops<'T>.One(BasicLoops<'T>.Truth x &&& BasicLoops<'T>.Truth y)) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Or(n: int, d, a, b) =
        TileLoop.map2<'T> (fun x y -> BasicLoops<'T>.One(BasicLoops<'T>.Truth x ||| BasicLoops<'T>.Truth y)) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Xor(n: int, d, a, b) =
        TileLoop.map2<'T> (fun x y -> BasicLoops<'T>.One(BasicLoops<'T>.Truth x ^^^ BasicLoops<'T>.Truth y)) n d a b

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Select(n: int, d, a, b, c) =
        TileLoop.map3<'T>
            (fun x y z -> Vector256.ConditionalSelect(Vector256.Equals(x, Vector256<'T>.Zero), z, y))
            n
            d
            a
            b
            c

    /// Runs the operation if it is one of these; false if the domain has its own.
    static member TryRun(op: TileOp, n: int, d: nativeint, a: nativeint, b: nativeint, c: nativeint) : bool =
        match op with
        | TileOp.Copy ->
            BasicLoops<'T>.Copy(n, d, a)
            true
        | TileOp.Neg ->
            BasicLoops<'T>.Neg(n, d, a)
            true
        | TileOp.Abs ->
            BasicLoops<'T>.Abs(n, d, a)
            true
        | TileOp.Sign ->
            BasicLoops<'T>.Sign(n, d, a)
            true
        | TileOp.Square ->
            BasicLoops<'T>.Square(n, d, a)
            true
        | TileOp.Relu ->
            BasicLoops<'T>.Relu(n, d, a)
            true
        | TileOp.Not ->
            BasicLoops<'T>.Not(n, d, a)
            true
        | TileOp.IsNaN ->
            BasicLoops<'T>.IsNaN(n, d, a)
            true
        | TileOp.IsFinite ->
            BasicLoops<'T>.IsFinite(n, d, a)
            true
        | TileOp.Add ->
            BasicLoops<'T>.Add(n, d, a, b)
            true
        | TileOp.Sub ->
            BasicLoops<'T>.Sub(n, d, a, b)
            true
        | TileOp.Mul ->
            BasicLoops<'T>.Mul(n, d, a, b)
            true
        | TileOp.Max ->
            BasicLoops<'T>.Max(n, d, a, b)
            true
        | TileOp.Min ->
            BasicLoops<'T>.Min(n, d, a, b)
            true
        | TileOp.Eq ->
            BasicLoops<'T>.Eq(n, d, a, b)
            true
        | TileOp.Ne ->
            BasicLoops<'T>.Ne(n, d, a, b)
            true
        | TileOp.Lt ->
            BasicLoops<'T>.Lt(n, d, a, b)
            true
        | TileOp.Le ->
            BasicLoops<'T>.Le(n, d, a, b)
            true
        | TileOp.Gt ->
            BasicLoops<'T>.Lt(n, d, b, a)
            true
        | TileOp.Ge ->
            BasicLoops<'T>.Le(n, d, b, a)
            true
        | TileOp.And ->
            BasicLoops<'T>.And(n, d, a, b)
            true
        | TileOp.Or ->
            BasicLoops<'T>.Or(n, d, a, b)
            true
        | TileOp.Xor ->
            BasicLoops<'T>.Xor(n, d, a, b)
            true
        | TileOp.Select ->
            BasicLoops<'T>.Select(n, d, a, b, c)
            true
        | _ -> false

/// The operations of the float32 domain.
[<AbstractClass; Sealed>]
type internal Loops32 private () =

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Reciprocal(n, d, a) = TileLoop.map1<float32> (fun x -> VF.One / x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Sqrt(n, d, a) = TileLoop.map1<float32> (fun x -> Vector256.Sqrt x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Rsqrt(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.rsqrt x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Exp(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.exp x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Expm1(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.expm1 x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Log(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.log x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Log1p(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.log1p x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Tanh(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.tanh x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Sigmoid(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.sigmoid x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Softplus(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.softplus x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Erf(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.erf x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Erfinv(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.erfinv x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Sin(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.sin x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Cos(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.cos x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Tan(n, d, a) = TileLoop.map1<float32> (fun x -> VectorMath.tan x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Floor(n, d, a) = TileLoop.map1<float32> (fun x -> Vector256.Floor x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Ceil(n, d, a) = TileLoop.map1<float32> (fun x -> Vector256.Ceiling x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Round(n, d, a) = TileLoop.map1<float32> (fun x -> Vector256.Round x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Trunc(n, d, a) = TileLoop.map1<float32> (fun x -> Vector256.Truncate x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Div(n, d, a, b) = TileLoop.map2<float32> (fun x y -> x / y) n d a b
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member FusedMultiplyAdd(n, d, a, b, c) = TileLoop.map3<float32> (fun x y z -> Lanes.fma x y z) n d a b c

    /// The functions that go element by element through float64.
    static member inline private Rare([<InlineIfLambda>] f: float -> float, n, d, a) =
        TileLoop.scalar1<float32> (fun x -> float32 (f (float x))) n d a

    static member Run(op: TileOp, n: int, d: nativeint, a: nativeint, b: nativeint, c: nativeint) =
        match op with
        | TileOp.Reciprocal -> Loops32.Reciprocal(n, d, a)
        | TileOp.Sqrt -> Loops32.Sqrt(n, d, a)
        | TileOp.Rsqrt -> Loops32.Rsqrt(n, d, a)
        | TileOp.Exp -> Loops32.Exp(n, d, a)
        | TileOp.Expm1 -> Loops32.Expm1(n, d, a)
        | TileOp.Log -> Loops32.Log(n, d, a)
        | TileOp.Log1p -> Loops32.Log1p(n, d, a)
        | TileOp.Tanh -> Loops32.Tanh(n, d, a)
        | TileOp.Sigmoid -> Loops32.Sigmoid(n, d, a)
        | TileOp.Softplus -> Loops32.Softplus(n, d, a)
        | TileOp.Erf -> Loops32.Erf(n, d, a)
        | TileOp.Erfinv -> Loops32.Erfinv(n, d, a)
        | TileOp.Sin -> Loops32.Sin(n, d, a)
        | TileOp.Cos -> Loops32.Cos(n, d, a)
        | TileOp.Tan -> Loops32.Tan(n, d, a)
        | TileOp.Floor -> Loops32.Floor(n, d, a)
        | TileOp.Ceil -> Loops32.Ceil(n, d, a)
        | TileOp.Round -> Loops32.Round(n, d, a)
        | TileOp.Trunc -> Loops32.Trunc(n, d, a)
        | TileOp.RoundToSingle -> BasicLoops<float32>.Copy(n, d, a)
        | TileOp.Div -> Loops32.Div(n, d, a, b)
        | TileOp.FusedMultiplyAdd -> Loops32.FusedMultiplyAdd(n, d, a, b, c)
        | TileOp.Asin -> Loops32.Rare((fun x -> Math.Asin x), n, d, a)
        | TileOp.Acos -> Loops32.Rare((fun x -> Math.Acos x), n, d, a)
        | TileOp.Atan -> Loops32.Rare((fun x -> Math.Atan x), n, d, a)
        | TileOp.Sinh -> Loops32.Rare((fun x -> Math.Sinh x), n, d, a)
        | TileOp.Cosh -> Loops32.Rare((fun x -> Math.Cosh x), n, d, a)
        | TileOp.Asinh -> Loops32.Rare((fun x -> Math.Asinh x), n, d, a)
        | TileOp.Acosh -> Loops32.Rare((fun x -> Math.Acosh x), n, d, a)
        | TileOp.Atanh -> Loops32.Rare((fun x -> Math.Atanh x), n, d, a)
        | TileOp.Pow -> TileLoop.scalar2<float32> (fun x y -> float32 (Math.Pow(float x, float y))) n d a b
        | TileOp.Atan2 -> TileLoop.scalar2<float32> (fun x y -> float32 (Math.Atan2(float x, float y))) n d a b
        | TileOp.FloorDiv ->
            TileLoop.scalar2<float32> (fun x y -> float32 (ScalarMath.floorDiv (float x) (float y))) n d a b
        | TileOp.Mod -> TileLoop.scalar2<float32> (fun x y -> float32 (ScalarMath.floorMod (float x) (float y))) n d a b
        | _ -> BasicLoops<float32>.TryRun(op, n, d, a, b, c) |> ignore

/// The operations of the float64 domain: vectors for arithmetic, System.Math for the rest.
[<AbstractClass; Sealed>]
type internal Loops64 private () =

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Div(n, d, a, b) = TileLoop.map2<float> (fun x y -> x / y) n d a b
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Sqrt(n, d, a) = TileLoop.map1<float> (fun x -> Vector256.Sqrt x) n d a
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member FusedMultiplyAdd(n, d, a, b, c) = TileLoop.map3<float> (fun x y z -> Lanes.fma x y z) n d a b c

    static member Run(op: TileOp, n: int, d: nativeint, a: nativeint, b: nativeint, c: nativeint) =
        match op with
        | TileOp.Div -> Loops64.Div(n, d, a, b)
        | TileOp.Sqrt -> Loops64.Sqrt(n, d, a)
        | TileOp.FusedMultiplyAdd -> Loops64.FusedMultiplyAdd(n, d, a, b, c)
        | TileOp.Reciprocal -> TileLoop.scalar1<float> (fun x -> 1.0 / x) n d a
        | TileOp.Rsqrt -> TileLoop.scalar1<float> (fun x -> 1.0 / Math.Sqrt x) n d a
        | TileOp.Exp -> TileLoop.scalar1<float> (fun x -> Math.Exp x) n d a
        | TileOp.Expm1 -> TileLoop.scalar1<float> (fun x -> ScalarMath.expm1 x) n d a
        | TileOp.Log -> TileLoop.scalar1<float> (fun x -> Math.Log x) n d a
        | TileOp.Log1p -> TileLoop.scalar1<float> (fun x -> ScalarMath.log1p x) n d a
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
        | TileOp.Sigmoid -> TileLoop.scalar1<float> (fun x -> ScalarMath.sigmoid x) n d a
        | TileOp.Softplus -> TileLoop.scalar1<float> (fun x -> ScalarMath.softplus x) n d a
        | TileOp.Erf -> TileLoop.scalar1<float> (fun x -> ScalarMath.erf x) n d a
        | TileOp.Erfinv -> TileLoop.scalar1<float> (fun x -> ScalarMath.erfinv x) n d a
        | TileOp.Floor -> TileLoop.scalar1<float> (fun x -> Math.Floor x) n d a
        | TileOp.Ceil -> TileLoop.scalar1<float> (fun x -> Math.Ceiling x) n d a
        | TileOp.Round -> TileLoop.scalar1<float> (fun x -> Math.Round x) n d a
        | TileOp.Trunc -> TileLoop.scalar1<float> (fun x -> Math.Truncate x) n d a
        | TileOp.RoundToSingle -> TileLoop.scalar1<float> (fun x -> float (float32 x)) n d a
        | TileOp.Pow -> TileLoop.scalar2<float> (fun x y -> Math.Pow(x, y)) n d a b
        | TileOp.Atan2 -> TileLoop.scalar2<float> (fun x y -> Math.Atan2(x, y)) n d a b
        | TileOp.FloorDiv -> TileLoop.scalar2<float> (fun x y -> ScalarMath.floorDiv x y) n d a b
        | TileOp.Mod -> TileLoop.scalar2<float> (fun x y -> ScalarMath.floorMod x y) n d a b
        | _ -> BasicLoops<float>.TryRun(op, n, d, a, b, c) |> ignore

/// The operations of the integer domain.
[<AbstractClass; Sealed>]
type internal LoopsInt private () =

    static member Run(op: TileOp, n: int, d: nativeint, a: nativeint, b: nativeint, c: nativeint) =
        match op with
        | TileOp.Floor
        | TileOp.Ceil
        | TileOp.Round
        | TileOp.Trunc
        | TileOp.RoundToSingle -> BasicLoops<int64>.Copy(n, d, a)
        | TileOp.FloorDiv -> TileLoop.scalar2<int64> (fun x y -> ScalarMath.floorDivInt x y) n d a b
        | TileOp.Mod ->
            TileLoop.scalar2<int64> (fun x y -> if y = 0L then 0L else x - y * ScalarMath.floorDivInt x y) n d a b
        | TileOp.Pow -> TileLoop.scalar2<int64> (fun x y -> ScalarMath.powInt x y) n d a b
        | TileOp.FusedMultiplyAdd ->
            for i in 0 .. n - 1 do
                Mem.set<int64> d i (Mem.get<int64> a i * Mem.get<int64> b i + Mem.get<int64> c i)
        | _ -> BasicLoops<int64>.TryRun(op, n, d, a, b, c) |> ignore
