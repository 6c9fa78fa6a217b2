namespace FunctionalNet.Kernels

open System
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86

#nowarn "3535"

/// Elementary functions on float32 lanes: argument reduction, then polynomials, within 2 units in the last place of normal
/// results. Polynomials are minimax fits of relative error unless said otherwise.
[<AbstractClass; Sealed>]
type internal VectorMath<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>> private () =

    static member inline C(x: float32) : 'V = 'W.Create x

    /// ((a x + b) x + ...): the highest coefficient first.
    static member inline Horner(x: 'V, a: float32, b: float32) : 'V = 'W.Fma('W.Create a, x, 'W.Create b)

    static member inline Horner(x: 'V, a: 'V, b: float32, c: float32) : 'V =
        'W.Fma('W.Fma(a, x, 'W.Create b), x, 'W.Create c)

    static member inline Horner(x: 'V, a: float32, b: float32, c: float32) : 'V =
        VectorMath<'W, 'V>.Horner(x, 'W.Create a, b, c)

    static member inline Horner(x: 'V, a: 'V, b: float32, c: float32, d: float32, e: float32) : 'V =
        VectorMath<'W, 'V>.Horner(x, VectorMath<'W, 'V>.Horner(x, a, b, c), d, e)

    static member inline Horner(x: 'V, a: float32, b: float32, c: float32, d: float32, e: float32) : 'V =
        VectorMath<'W, 'V>.Horner(x, 'W.Create a, b, c, d, e)

    static member inline WithSign(magnitude: 'V, x: 'V) : 'V = 'W.Or(magnitude, 'W.And(x, 'W.Create -0.0f))

    /// The whole number n of x = n ln 2 + r with |r| <= ln 2 / 2.
    static member inline ExpTurns(x: 'V) : 'V = 'W.Round('W.Mul(x, 'W.Create 1.44269504f))

    static member inline ExpRest(x: 'V, n: 'V) : 'V =
        'W.Fma(n, 'W.Create -1.42860677e-6f, 'W.Fma(n, 'W.Create -0.693145752f, x))

    /// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2.
    static member inline ExpCurve(r: 'V) : 'V =
        'W
            .Fma(
                VectorMath<'W, 'V>.Horner(r, 1.9875691e-4f, 1.3981999e-3f, 8.3334519e-3f, 4.1665796e-2f, 1.6666665e-1f),
                r,
                'W.Create 0.5f
            )

    /// e^x 2^shift.
    static member inline ExpShifted(x: 'V, shift: float32) : 'V =
        let x = 'W.Clamp(x, -104.0f, 90.0f)
        let n = VectorMath<'W, 'V>.ExpTurns x
        let r = VectorMath<'W, 'V>.ExpRest(x, n)
        let p = 'W.Fma(VectorMath<'W, 'V>.ExpCurve r, 'W.Mul(r, r), 'W.Add(r, 'W.Create 1.0f))
        'W.Scale(p, (if shift = 0.0f then n else 'W.Add(n, 'W.Create shift)))

    static member inline Exp(x: 'V) : 'V = VectorMath<'W, 'V>.ExpShifted(x, 0.0f)

    static member inline Expm1(x: 'V) : 'V =
        let y = 'W.Clamp(x, -20.0f, 89.0f)
        let n = VectorMath<'W, 'V>.ExpTurns y
        let r = VectorMath<'W, 'V>.ExpRest(y, n)
        let e = 'W.Fma(VectorMath<'W, 'V>.ExpCurve r, 'W.Mul(r, r), r)
        // Halves, so that the largest results do not overflow on the way.
        let s = 'W.Scale('W.Create 0.5f, n)
        let h = 'W.Fma(s, e, 'W.Sub(s, 'W.Create 0.5f))
        'W.Pick('W.Less('W.Abs x, 'W.Create 1e-10f), x, 'W.Add(h, h))

    /// log (m 2^e) for m in [0.75, 1.5).
    static member inline LogParts(m: 'V, e: 'V) : 'V =
        let f = 'W.Sub(m, 'W.Create 1.0f)
        // (log (1 + f) - f) / f^2
        let p =
            VectorMath<'W, 'V>
                .Horner(
                    f,
                    VectorMath<'W, 'V>
                        .Horner(f, -0.0461906530f, 0.1059105433f, -0.1319300822f, 0.1446805634f, -0.1664294445f),
                    0.1999097456f,
                    -0.2500023002f,
                    0.3333345201f,
                    -0.4999999938f
                )
        // Both parts of ln 2 are positive, so that infinite exponents pass through.
        let y = 'W.Fma(e, 'W.Create 1.42860677e-6f, f)
        'W.Fma(e, 'W.Create 0.693145752f, 'W.Fma('W.Mul(f, f), p, y))

    /// The logarithm where the machine splits a number into mantissa and exponent.
    static member inline LogSplit(x: 'V) : 'V =
        let m = 'W.Mantissa x
        VectorMath<'W, 'V>.LogParts(m, 'W.Sub('W.Exponent x, 'W.Exponent m))

    /// The logarithm where bits have to be moved for it.
    static member inline LogBits(x: 'V) : 'V =
        let small = 'W.Less(x, 'W.Create 1.17549435e-38f)
        let i = 'W.Pick(small, 'W.Mul(x, 'W.Create 8388608.0f), x)
        // Subtracting the pattern of 0.75 leaves the exponent of x = m 2^e in the high bits.
        let e = 'W.ShiftRightSigned('W.SubInt(i, 'W.Create 0.75f), 23)
        let m = 'W.SubInt(i, 'W.ShiftLeft(e, 23))
        let e = 'W.Sub('W.OfInt e, 'W.And(small, 'W.Create 23.0f))
        let y = VectorMath<'W, 'V>.LogParts(m, e)
        let y = 'W.Pick('W.Less(x, 'W.Create Single.PositiveInfinity), y, x)
        let y = 'W.Pick('W.Equal(x, 'W.Zero), 'W.Create Single.NegativeInfinity, y)
        'W.Pick('W.Less(x, 'W.Zero), 'W.Create Single.NaN, y)

    static member inline Log(x: 'V) : 'V =
        if 'W.Splits then VectorMath<'W, 'V>.LogSplit x else VectorMath<'W, 'V>.LogBits x

    // What follows takes the logarithm as a function: the choice of its form belongs outside of loops, whose bodies it would
    // slow down.

    static member inline Log1p([<InlineIfLambda>] log: 'V -> 'V, x: 'V) : 'V =
        let u = 'W.Add(x, 'W.Create 1.0f)
        // What rounding u lost, to first order.
        let lost = 'W.Div('W.Sub(x, 'W.Sub(u, 'W.Create 1.0f)), u)
        let y = log u
        let regular = 'W.And('W.Less('W.Zero, u), 'W.Less(u, 'W.Create Single.PositiveInfinity))
        let y = 'W.Add(y, 'W.And(regular, lost))
        'W.Pick('W.Equal(u, 'W.Create 1.0f), x, y)

    static member inline Sigmoid(x: 'V) : 'V =
        let one = 'W.Create 1.0f
        'W.Div(one, 'W.Add(one, VectorMath<'W, 'V>.Exp('W.Neg x)))

    static member inline Tanh(x: 'V) : 'V =
        // expm1(2|x|) / (expm1(2|x|) + 2), exact in the limit at both ends.
        let a = 'W.Clamp('W.Abs x, 0.0f, 15.0f)
        let e = VectorMath<'W, 'V>.Expm1('W.Add(a, a))
        VectorMath<'W, 'V>.WithSign('W.Div(e, 'W.Add(e, 'W.Create 2.0f)), x)

    static member inline Softplus([<InlineIfLambda>] log: 'V -> 'V, x: 'V) : 'V =
        let positive = 'W.Pick('W.Less(x, 'W.Zero), 'W.Zero, x)
        'W.Add(positive, VectorMath<'W, 'V>.Log1p(log, VectorMath<'W, 'V>.Exp('W.Neg('W.Abs x))))

    static member inline Rsqrt(x: 'V) : 'V = 'W.Div('W.Create 1.0f, 'W.Sqrt x)

    /// A function of s in [0, 16) from a table of polynomials, one for each unit.
    static member inline Piecewise(table: nativeint, s: 'V) : 'V =
        let index = 'W.ToInt s
        let v = 'W.Sub(s, 'W.OfInt index)
        let p = 'W.Fma('W.Lookup(table, index), v, 'W.Lookup(table + 64n, index))
        let p = 'W.Fma(p, v, 'W.Lookup(table + 128n, index))
        let p = 'W.Fma(p, v, 'W.Lookup(table + 192n, index))
        let p = 'W.Fma(p, v, 'W.Lookup(table + 256n, index))
        'W.Fma(p, v, 'W.Lookup(table + 320n, index))

    /// `table` is PiecewiseTable.Erf.
    static member inline Erf(table: nativeint, x: 'V) : 'V =
        let t = 'W.Clamp(x, -3.99999976f, 3.99999976f)
        let ratio = VectorMath<'W, 'V>.Piecewise(table, 'W.Mul('W.Abs t, 'W.Create 4.0f))
        'W.Clamp('W.Mul(t, ratio), -1.0f, 1.0f)

    /// x (1 + erf (x / sqrt 2)) / 2; `table` is PiecewiseTable.Normal.
    static member inline Gelu(table: nativeint, x: 'V) : 'V =
        let t = 'W.Clamp(x, -5.65685391f, 5.65685391f)
        let ratio = VectorMath<'W, 'V>.Piecewise(table, 'W.Mul('W.Abs t, 'W.Create 2.82842708f))
        let half = 'W.Mul(x, 'W.Create 0.5f)
        // The sum is formed before the product, so that far below zero nothing is left.
        'W.Mul(half, 'W.Add('W.Create 1.0f, 'W.Clamp('W.Mul(t, ratio), -1.0f, 1.0f)))

    static member inline Erfinv([<InlineIfLambda>] log: 'V -> 'V, x: 'V) : 'V =
        let one = 'W.Create 1.0f
        let w = 'W.Neg(log ('W.Mul('W.Sub(one, x), 'W.Add(one, x))))
        let near =
            VectorMath<'W, 'V>
                .Horner(
                    w,
                    VectorMath<'W, 'V>
                        .Horner(
                            w,
                            -8.790955193e-9f,
                            2.210293917e-7f,
                            -1.976453501e-6f,
                            3.983213638e-6f,
                            4.456523919e-5f
                        ),
                    -0.0001274815961f,
                    -0.002334296338f,
                    0.01154865404f,
                    0.232013818f
                )
        let near = 'W.Fma(near, w, 'W.Create 0.8862269205f)
        let v = 'W.Sub('W.Sqrt w, 'W.Create 3.0f)
        let far =
            VectorMath<'W, 'V>
                .Horner(
                    v,
                    VectorMath<'W, 'V>
                        .Horner(
                            v,
                            0.0001292417547f,
                            -0.0003199266729f,
                            -7.604790171e-5f,
                            0.001497222509f,
                            -0.00358781577f
                        ),
                    0.005682678522f,
                    -0.007639139034f,
                    0.009445743821f,
                    1.001675066f
                )
        let far = 'W.Fma(far, v, 'W.Create 2.832976794f)
        let y = 'W.Mul(x, 'W.Pick('W.Less(w, 'W.Create 5.0f), near, far))
        let edge = 'W.Equal('W.Abs x, one)
        'W.Pick(edge, VectorMath<'W, 'V>.WithSign('W.Create Single.PositiveInfinity, x), y)

    /// Beyond this the argument reduction of sine and cosine is not exact enough.
    static member inline TurnLimit: float32 =
        if Fma.IsSupported || Arm.AdvSimd.IsSupported then 100000.0f else 8192.0f

    /// The sine (shift 0) or cosine (shift 1) up to TurnLimit: x = q pi/2 + r with |r| <= pi/4, pi/2 in three parts.
    static member inline SineOf(shift: int64, x: 'V) : 'V =
        let q = 'W.Round('W.Mul(x, 'W.Create 0.636619772f))
        // Without a fused product the parts of pi/2 must be so short that their products with q are exact.
        let r =
            if Fma.IsSupported || Arm.AdvSimd.IsSupported then
                let r = 'W.Fma(q, 'W.Create 4.37113883e-8f, 'W.Fma(q, 'W.Create -1.57079637f, x))
                'W.Fma(q, 'W.Create 1.71512489e-15f, r)
            else
                let r = 'W.Sub(x, 'W.Mul(q, 'W.Create 1.5703125f))
                let r = 'W.Sub(r, 'W.Mul(q, 'W.Create 4.837512969970703125e-4f))
                'W.Sub(r, 'W.Mul(q, 'W.Create 7.549789948768648e-8f))

        let k = 'W.AddInt('W.ToInt q, 'W.CreateInt shift)
        let z = 'W.Mul(r, r)
        let s = VectorMath<'W, 'V>.Horner(z, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f)
        let s = 'W.Fma('W.Mul(s, z), r, r)
        let t =
            VectorMath<'W, 'V>.Horner(z, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f)
        let t = 'W.Fma(t, 'W.Mul(z, z), 'W.Fma('W.Create -0.5f, z, 'W.Create 1.0f))
        // The lowest bit of k chooses, the next one is the sign.
        let odd = 'W.ShiftRightSigned('W.ShiftLeft(k, 31), 31)
        let sign = 'W.And('W.ShiftLeft(k, 30), 'W.Create -0.0f)
        'W.Xor('W.Pick(odd, t, s), sign)

    static member inline Sin(x: 'V) : 'V =
        // The reduction would lose the sign of zero.
        'W.Pick('W.Equal(x, 'W.Zero), x, VectorMath<'W, 'V>.SineOf(0L, x))

    static member inline Cos(x: 'V) : 'V = VectorMath<'W, 'V>.SineOf(1L, x)
    static member inline Tan(x: 'V) : 'V = 'W.Div(VectorMath<'W, 'V>.Sin x, VectorMath<'W, 'V>.Cos x)

    static member inline Sinh(x: 'V) : 'V =
        let a = 'W.Abs x
        let e = VectorMath<'W, 'V>.Expm1('W.Clamp(a, 0.0f, 20.0f))
        let near = 'W.Mul('W.Create 0.5f, 'W.Add(e, 'W.Div(e, 'W.Add(e, 'W.Create 1.0f))))
        let far = VectorMath<'W, 'V>.ExpShifted(a, -1.0f)
        VectorMath<'W, 'V>.WithSign('W.Pick('W.Less(a, 'W.Create 10.0f), near, far), x)

    static member inline Cosh(x: 'V) : 'V =
        let half = VectorMath<'W, 'V>.ExpShifted('W.Abs x, -1.0f)
        'W.Add(half, 'W.Div('W.Create 0.25f, half))

    static member inline Asinh([<InlineIfLambda>] log: 'V -> 'V, x: 'V) : 'V =
        let a = 'W.Abs x
        let square = 'W.Mul(a, a)
        let one = 'W.Create 1.0f
        let near = 'W.Add(a, 'W.Div(square, 'W.Add(one, 'W.Sqrt('W.Add(square, one)))))
        // Beyond: log (2 a).
        let large = 'W.Less('W.Create 1e4f, a)
        let y = VectorMath<'W, 'V>.Log1p(log, 'W.Pick(large, 'W.Sub(a, one), near))
        VectorMath<'W, 'V>.WithSign('W.Add(y, 'W.And(large, 'W.Create 0.693147182f)), x)

    static member inline Acosh([<InlineIfLambda>] log: 'V -> 'V, x: 'V) : 'V =
        let one = 'W.Create 1.0f
        let t = 'W.Sub(x, one)
        let near = 'W.Add(t, 'W.Sqrt('W.Fma(t, t, 'W.Add(t, t))))
        let large = 'W.Less('W.Create 1e4f, x)
        let y = VectorMath<'W, 'V>.Log1p(log, 'W.Pick(large, t, near))
        let y = 'W.Add(y, 'W.And(large, 'W.Create 0.693147182f))
        'W.Pick('W.Less(x, one), 'W.Create Single.NaN, y)

    static member inline Atanh([<InlineIfLambda>] log: 'V -> 'V, x: 'V) : 'V =
        let a = 'W.Abs x
        let y = VectorMath<'W, 'V>.Log1p(log, 'W.Div('W.Add(a, a), 'W.Sub('W.Create 1.0f, a)))
        VectorMath<'W, 'V>.WithSign('W.Mul('W.Create 0.5f, y), x)

    /// asin s for s in [0, 0.625], from z = s^2.
    static member inline AsinNear(s: 'V, z: 'V) : 'V =
        let p =
            VectorMath<'W, 'V>
                .Horner(
                    z,
                    VectorMath<'W, 'V>.Horner(z, 0.0640117416f, -0.0236374732f, 0.0376461177f),
                    0.0274059172f,
                    0.0449454838f,
                    0.0749856048f,
                    0.1666668965f
                )
        'W.Fma('W.Mul(s, z), p, s)

    /// struct (whether |x| > 0.625, asin |x| or, in that case, asin (sqrt ((1 - |x|) / 2))).
    static member inline AsinParts(x: 'V) : struct ('V * 'V) =
        let a = 'W.Abs x
        let far = 'W.Less('W.Create 0.625f, a)
        let z = 'W.Pick(far, 'W.Mul('W.Create 0.5f, 'W.Sub('W.Create 1.0f, a)), 'W.Mul(a, a))
        struct (far, VectorMath<'W, 'V>.AsinNear('W.Pick(far, 'W.Sqrt z, a), z))

    static member inline Asin(x: 'V) : 'V =
        let struct (far, y) = VectorMath<'W, 'V>.AsinParts x
        // pi/2 - 2 y, pi/2 in two parts.
        let turned = 'W.Sub('W.Create 1.57079637f, 'W.Add('W.Add(y, y), 'W.Create 4.37113883e-8f))
        VectorMath<'W, 'V>.WithSign('W.Pick(far, turned, y), x)

    static member inline Acos(x: 'V) : 'V =
        let struct (far, y) = VectorMath<'W, 'V>.AsinParts x
        let negative = 'W.Less(x, 'W.Zero)
        let signed = VectorMath<'W, 'V>.WithSign(y, x)
        let near = 'W.Sub('W.Create 1.57079637f, 'W.Add(signed, 'W.Create 4.37113883e-8f))
        let twice = 'W.Add(y, y)
        let turned = 'W.Sub('W.Create 3.14159274f, 'W.Add(twice, 'W.Create 8.74227766e-8f))
        'W.Pick(far, 'W.Pick(negative, turned, twice), near)

    /// atan t for t in [0, 1].
    static member inline AtanNear(t: 'V) : 'V =
        let z = 'W.Mul(t, t)
        let p =
            VectorMath<'W, 'V>
                .Horner(
                    z,
                    VectorMath<'W, 'V>
                        .Horner(z, -0.0017936145f, 0.0109145762f, -0.0311777983f, 0.0579575524f, -0.0840344876f),
                    0.1095218509f,
                    -0.1426424235f,
                    0.1999854892f,
                    -0.3333329856f
                )
        'W.Fma('W.Mul(p, z), t, t)

    static member inline Atan(x: 'V) : 'V =
        let a = 'W.Abs x
        let one = 'W.Create 1.0f
        let far = 'W.Less(one, a)
        let y = VectorMath<'W, 'V>.AtanNear('W.Pick(far, 'W.Div(one, a), a))
        let turned = 'W.Sub('W.Create 1.57079637f, 'W.Add(y, 'W.Create 4.37113883e-8f))
        VectorMath<'W, 'V>.WithSign('W.Pick(far, turned, y), x)

    static member inline Atan2(y: 'V, x: 'V) : 'V =
        let a = 'W.Abs y
        let b = 'W.Abs x
        let one = 'W.Create 1.0f
        let same = 'W.Pick('W.Equal(a, 'W.Zero), 'W.Zero, one)
        let t = 'W.Pick('W.Equal(a, b), same, 'W.Div('W.Min(a, b), 'W.Max(a, b)))
        let r = VectorMath<'W, 'V>.AtanNear t
        let steep = 'W.Sub('W.Create 1.57079637f, 'W.Add(r, 'W.Create 4.37113883e-8f))
        let r = 'W.Pick('W.Less(b, a), steep, r)
        let behind = 'W.Sub('W.Create 3.14159274f, 'W.Add(r, 'W.Create 8.74227766e-8f))
        let r = 'W.Pick('W.ShiftRightSigned(x, 31), behind, r)
        VectorMath<'W, 'V>.WithSign(r, y)
