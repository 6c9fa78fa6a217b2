namespace FunctionalNet.Kernels

open System
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop

type internal VF = Vector256<float32>

/// Loads and stores of vectors, and of the first few lanes of one.
module internal Lanes =

    let inline load<'T when 'T: unmanaged> (p: nativeint) : Vector256<'T> = Vector256.Load(NativePtr.ofNativeInt<'T> p)

    let inline store<'T when 'T: unmanaged> (p: nativeint) (v: Vector256<'T>) =
        Vector256.Store(v, NativePtr.ofNativeInt<'T> p)

    /// A mask whose first `count` lanes are set.
    let inline mask32 (count: int) = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create count)

    let inline mask64 (count: int) = Vector256.LessThan(Vector256<int64>.Indices, Vector256.Create(int64 count))

    /// The first `count` elements, zeros after them; reads nothing beyond.
    let inline loadFirst<'T when 'T: unmanaged> (p: nativeint) (count: int) : Vector256<'T> =
        if Avx.IsSupported && sizeof<'T> = 4 then
            Avx.MaskLoad(NativePtr.ofNativeInt<float32> p, (mask32 count).AsSingle()).As<float32, 'T>()
        elif Avx.IsSupported && sizeof<'T> = 8 then
            Avx.MaskLoad(NativePtr.ofNativeInt<float> p, (mask64 count).AsDouble()).As<float, 'T>()
        else
            let mutable v = Vector256<'T>.Zero

            for i in 0 .. count - 1 do
                v <- v.WithElement(i, NativePtr.get (NativePtr.ofNativeInt<'T> p) i)

            v

    /// Writes the first `count` lanes only.
    let inline storeFirst<'T when 'T: unmanaged> (p: nativeint) (count: int) (v: Vector256<'T>) =
        if Avx.IsSupported && sizeof<'T> = 4 then
            Avx.MaskStore(NativePtr.ofNativeInt<float32> p, (mask32 count).AsSingle(), v.As<'T, float32>())
        elif Avx.IsSupported && sizeof<'T> = 8 then
            Avx.MaskStore(NativePtr.ofNativeInt<float> p, (mask64 count).AsDouble(), v.As<'T, float>())
        else
            for i in 0 .. count - 1 do
                NativePtr.set (NativePtr.ofNativeInt<'T> p) i (v.GetElement i)

    /// a * b + c, fused where the machine can.
    let inline fma<'T when 'T: unmanaged> (a: Vector256<'T>) (b: Vector256<'T>) (c: Vector256<'T>) : Vector256<'T> =
        if sizeof<'T> = 4 then
            Vector256
                .MultiplyAddEstimate(a.As<'T, float32>(), b.As<'T, float32>(), c.As<'T, float32>())
                .As<float32, 'T>()
        else
            Vector256.MultiplyAddEstimate(a.As<'T, float>(), b.As<'T, float>(), c.As<'T, float>()).As<float, 'T>()

/// Elementary functions on eight float32 lanes: argument reduction and polynomials, about 1 to 2 units in the last place.
module internal VectorMath =

    let inline private c (x: float32) = Vector256.Create x
    let inline private bits (x: int) = Vector256.Create(x).AsSingle()
    let inline private fma (x: VF) (y: VF) (z: VF) = Vector256.MultiplyAddEstimate(x, y, z)
    let inline private pick (mask: VF) (a: VF) (b: VF) = Vector256.ConditionalSelect(mask, a, b)
    let inline private isNaN (x: VF) = Vector256.OnesComplement(Vector256.Equals(x, x))
    let inline private signBit () = bits 0x80000000
    let inline private withSign (magnitude: VF) (x: VF) = magnitude ||| (x &&& signBit ())

    /// Limits to [low, high]; NaN stays NaN.
    let inline private clamp (low: float32) (high: float32) (x: VF) =
        let y = pick (Vector256.LessThan(x, c low)) (c low) x
        pick (Vector256.GreaterThan(y, c high)) (c high) y

    /// 2^n of whole numbers -126..127.
    let inline private pow2 (n: Vector256<int>) = Vector256.ShiftLeft(n + Vector256.Create 127, 23).AsSingle()

    /// x = n ln 2 + r with |r| <= ln 2 / 2: gives struct (n, r, (e^r - 1 - r) / r^2).
    let inline private reduceExp (x: VF) =
        let n = Vector256.Round(x * c 1.44269504f)
        let r = fma n (c -0.693145752f) x
        let r = fma n (c -1.42860677e-6f) r
        let p = fma (c 1.9875691e-4f) r (c 1.3981999e-3f)
        let p = fma p r (c 8.3334519e-3f)
        let p = fma p r (c 4.1665796e-2f)
        let p = fma p r (c 1.6666665e-1f)
        let p = fma p r (c 0.5f)
        struct (n, r, p)

    let inline exp (x: VF) : VF =
        let struct (n, r, p) = reduceExp (clamp -104.0f 89.0f x)
        let p = fma p (r * r) (r + VF.One)
        // Two factors, so that results near the largest float and below the smallest normal one come out right.
        let n = Vector256.ConvertToInt32Native n
        let half = Vector256.ShiftRightArithmetic(n, 1)
        p * pow2 half * pow2 (n - half)

    let inline expm1 (x: VF) : VF =
        let struct (n, r, p) = reduceExp (clamp -20.0f 89.0f x)
        let e = fma p (r * r) r
        let s = pow2 (Vector256.ConvertToInt32Native n - Vector256<int>.One)
        let y = fma s e (s - c 0.5f)
        pick (Vector256.LessThan(Vector256.Abs x, c 1e-10f)) x (y + y)

    let inline log (x: VF) : VF =
        let small = Vector256.LessThan(x, c 1.17549435e-38f)
        let scaled = pick small (x * c 8388608.0f) x
        let i = scaled.AsInt32()
        // m in [sqrt(1/2), sqrt 2): subtracting the pattern of sqrt(1/2) leaves the exponent in the high bits.
        let shifted = i - Vector256.Create 0x3f3504f3
        let e = Vector256.ShiftRightArithmetic(shifted, 23)
        let m = (i - Vector256.ShiftLeft(e, 23)).AsSingle()
        let e = Vector256.ConvertToSingle e - (small &&& c 23.0f)
        let f = m - VF.One
        let z = f * f
        let p = fma (c 7.0376836292e-2f) f (c -1.1514610310e-1f)
        let p = fma p f (c 1.1676998740e-1f)
        let p = fma p f (c -1.2420140846e-1f)
        let p = fma p f (c 1.4249322787e-1f)
        let p = fma p f (c -1.6668057665e-1f)
        let p = fma p f (c 2.0000714765e-1f)
        let p = fma p f (c -2.4999993993e-1f)
        let p = fma p f (c 3.3333331174e-1f)
        let y = fma e (c -2.12194440e-4f) (p * f * z)
        let y = fma (c -0.5f) z y
        let y = fma e (c 0.693359375f) (f + y)
        let y = pick (Vector256.LessThan(x, c Single.PositiveInfinity)) y x
        let y = pick (Vector256.Equals(x, VF.Zero)) (c Single.NegativeInfinity) y
        pick (Vector256.LessThan(x, VF.Zero)) (c Single.NaN) y

    let inline log1p (x: VF) : VF =
        let u = VF.One + x
        // What rounding u lost, to first order.
        let lost = (x - (u - VF.One)) / u
        let y = log u
        let regular = Vector256.GreaterThan(u, VF.Zero) &&& Vector256.LessThan(u, c Single.PositiveInfinity)
        let y = pick regular (y + lost) y
        pick (Vector256.Equals(u, VF.One)) x y

    let inline sigmoid (x: VF) : VF = VF.One / (VF.One + exp (-x))

    let inline tanh (x: VF) : VF =
        // expm1(2|x|) / (expm1(2|x|) + 2), exact in the limit at both ends.
        let a = Vector256.Abs x
        let e = expm1 (clamp 0.0f 30.0f (a + a))
        withSign (e / (e + c 2.0f)) x

    let inline softplus (x: VF) : VF =
        let positive = pick (Vector256.LessThan(x, VF.Zero)) VF.Zero x
        positive + log1p (exp (-(Vector256.Abs x)))

    let inline rsqrt (x: VF) : VF = VF.One / Vector256.Sqrt x

    let inline erf (x: VF) : VF =
        let t = Vector256.Abs x
        let s = x * x
        let p = fma (c 8.212780533e-5f) s (c -0.0008105054511f)
        let p = fma p s (c 0.005197684914f)
        let p = fma p s (c -0.02685804248f)
        let p = fma p s (c 0.1128367104f)
        let p = fma p s (c -0.3761263215f)
        let near = fma p (s * x) (x * c 1.128379166f)
        // Beyond: 1 - e^-q, q = -log(erfc t) as a polynomial around 2.5.
        let u = clamp -1.6f 1.6f (t - c 2.5f)
        let q = fma (c -1.605333988e-6f) u (c 1.33497189e-5f)
        let q = fma q u (c -7.740995457e-5f)
        let q = fma q u (c 0.0004199934635f)
        let q = fma q u (c -0.002165176026f)
        let q = fma q u (c 0.01085867648f)
        let q = fma q u (c 0.943893666f)
        let q = fma q u (c 5.35268064f)
        let q = fma q u (c 7.806815274f)
        let far = withSign (VF.One - exp (-q)) x
        pick (Vector256.LessThan(t, c 0.94f)) near far

    let inline erfinv (x: VF) : VF =
        let w = -(log ((VF.One - x) * (VF.One + x)))
        let u = w - c 2.5f
        let p = fma (c 2.260593596e-8f) u (c 3.422247632e-7f)
        let p = fma p u (c -3.454779058e-6f)
        let p = fma p u (c -4.380347225e-6f)
        let p = fma p u (c 0.0002183129783f)
        let p = fma p u (c -0.001253758883f)
        let p = fma p u (c -0.004177346516f)
        let p = fma p u (c 0.2466407663f)
        let near = fma p u (c 1.501409351f)
        let v = Vector256.Sqrt w - c 3.0f
        let q = fma (c 0.0001292417547f) v (c -0.0003199266729f)
        let q = fma q v (c -7.604790171e-5f)
        let q = fma q v (c 0.001497222509f)
        let q = fma q v (c -0.00358781577f)
        let q = fma q v (c 0.005682678522f)
        let q = fma q v (c -0.007639139034f)
        let q = fma q v (c 0.009445743821f)
        let q = fma q v (c 1.001675066f)
        let far = fma q v (c 2.832976794f)
        let y = x * pick (Vector256.LessThan(w, c 5.0f)) near far
        let edge = Vector256.Equals(Vector256.Abs x, VF.One)
        pick edge (withSign (c Single.PositiveInfinity) x) y

    /// Applies a scalar function to each lane: for functions too rare to deserve a polynomial.
    let inline lanes ([<InlineIfLambda>] f: float -> float) (x: VF) : VF =
        let mutable r = x

        for i in 0..7 do
            r <- r.WithElement(i, float32 (f (float (x.GetElement i))))

        r

    let inline lanes2 ([<InlineIfLambda>] f: float -> float -> float) (x: VF) (y: VF) : VF =
        let mutable r = x

        for i in 0..7 do
            r <- r.WithElement(i, float32 (f (float (x.GetElement i)) (float (y.GetElement i))))

        r

    // x = q pi/2 + r with |r| <= pi/4, pi/2 in three parts; `shift` 0 gives the sine, 1 the cosine.
    let inline private sineOf (shift: int) (x: VF) : VF =
        let q = Vector256.Round(x * c 0.636619772f)
        // Without a fused product the parts of pi/2 must be so short that their products with q are exact.
        let r =
            if Fma.IsSupported || Arm.AdvSimd.IsSupported then
                fma q (c 1.71512489e-15f) (fma q (c 4.37113883e-8f) (fma q (c -1.57079637f) x))
            else
                x - q * c 1.5703125f - q * c 4.837512969970703125e-4f - q * c 7.549789948768648e-8f

        let k = Vector256.ConvertToInt32Native q + Vector256.Create shift
        let z = r * r
        let s = fma (c -1.9515295891e-4f) z (c 8.3321608736e-3f)
        let s = fma s z (c -1.6666654611e-1f)
        let s = fma (s * z) r r
        let t = fma (c 2.443315711809948e-5f) z (c -1.388731625493765e-3f)
        let t = fma t z (c 4.166664568298827e-2f)
        let t = fma t (z * z) (fma (c -0.5f) z VF.One)
        let odd = Vector256.Equals(k &&& Vector256<int>.One, Vector256<int>.One).AsSingle()
        let y = pick odd t s
        let negative = Vector256.ShiftLeft(k &&& Vector256.Create 2, 30).AsSingle()
        y ^^^ negative

    /// True when the argument reduction of sine and cosine is exact enough for all lanes.
    let inline private reducible (x: VF) = Vector256.LessThanOrEqualAll(Vector256.Abs x, c 8192.0f)

    let inline sin (x: VF) : VF = if reducible x then sineOf 0 x else lanes (fun v -> Math.Sin v) x

    let inline cos (x: VF) : VF = if reducible x then sineOf 1 x else lanes (fun v -> Math.Cos v) x

    let inline tan (x: VF) : VF = if reducible x then sineOf 0 x / sineOf 1 x else lanes (fun v -> Math.Tan v) x

/// Functions of one float64 that System.Math lacks.
module internal ScalarMath =

    let expm1 (x: float) =
        let u = Math.Exp x

        // Near 0 the rounding of u is divided out again; elsewhere the difference loses nothing.
        if u = 1.0 then x
        elif Math.Abs x > 1.0 then u - 1.0
        else (u - 1.0) * x / Math.Log u

    let log1p (x: float) =
        let u = 1.0 + x

        if u = 1.0 then x
        elif u <= 0.0 || Double.IsInfinity u then Math.Log u
        else Math.Log u * x / (u - 1.0)

    let sigmoid (x: float) = 1.0 / (1.0 + Math.Exp -x)

    let softplus (x: float) = Math.Max(x, 0.0) + log1p (Math.Exp(-(Math.Abs x)))

    /// 2 / sqrt pi.
    let private slope = 1.1283791670955126

    // erf x = 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!: all terms have one sign, so nothing cancels.
    let private erfSeries (x: float) =
        let z = 2.0 * x * x
        let mutable term = x
        let mutable sum = x
        let mutable n = 1.0

        while Math.Abs term > 1e-17 * Math.Abs sum do
            term <- term * z / (2.0 * n + 1.0)
            sum <- sum + term
            n <- n + 1.0

        slope * Math.Exp(-x * x) * sum

    // erfc x = e^(-x^2) / (sqrt(pi) (x + (1/2)/(x + 1/(x + (3/2)/(x + ...))))), evaluated from the far end.
    let private erfcFraction (x: float) =
        let mutable f = x

        for n in 60..-1..1 do
            f <- x + 0.5 * float n / f

        Math.Exp(-x * x) * slope * 0.5 / f

    let erf (x: float) =
        let a = Math.Abs x

        if Double.IsNaN x then x
        elif a < 2.5 then erfSeries x
        elif a > 6.0 then Math.CopySign(1.0, x)
        else Math.CopySign(1.0 - erfcFraction a, x)

    /// Inverse of erf: a closed first guess, then Halley steps on erf, or on erfc where erf is close to 1.
    let erfinv (x: float) =
        let a = Math.Abs x

        if a > 1.0 || Double.IsNaN x then
            Double.NaN
        elif a = 1.0 then
            Math.CopySign(Double.PositiveInfinity, x)
        elif a = 0.0 then
            x
        else
            let l = Math.Log((1.0 - a) * (1.0 + a))
            let b = 4.330746750799873 + 0.5 * l
            let mutable y = Math.Sqrt(Math.Max(Math.Sqrt(b * b - l / 0.147) - b, 0.0))

            if a < 1e-3 then y <- a / slope

            for _ in 1..3 do
                let error = if y < 2.5 then erfSeries y - a else (1.0 - a) - erfcFraction y
                let step = error / (slope * Math.Exp(-y * y))
                y <- y - step / (1.0 + y * step)

            Math.CopySign(y, x)

    let relu (x: float) = if x < 0.0 then 0.0 else x

    /// floor(x / y).
    let floorDiv (x: float) (y: float) = Math.Floor(x / y)

    /// The remainder with the sign of the divisor.
    let floorMod (x: float) (y: float) =
        let r = x % y

        if r <> 0.0 && (r < 0.0) <> (y < 0.0) then r + y else r

    /// The quotient rounded down; 0 for a divisor of 0.
    let floorDivInt (x: int64) (y: int64) =
        if y = 0L then
            0L
        elif y = -1L then
            // Not by division: the smallest number has no positive counterpart.
            0L - x
        else
            let q = x / y
            if (x % y <> 0L) && ((x < 0L) <> (y < 0L)) then q - 1L else q

    /// x to the power y by squaring; 0 for negative powers of anything but 1 and -1.
    let powInt (x: int64) (y: int64) =
        if y < 0L then
            if x = 1L then 1L
            elif x = -1L then (if y &&& 1L = 0L then 1L else -1L)
            else 0L
        else
            let mutable result = 1L
            let mutable b = x
            let mutable e = y

            while e > 0L do
                if e &&& 1L = 1L then result <- result * b

                b <- b * b
                e <- e >>> 1

            result
