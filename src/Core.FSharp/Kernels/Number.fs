namespace FunctionalNet.Kernels

open System
open System.Runtime.CompilerServices

/// Arithmetic on single elements of a type that is known when the code is compiled: of each choice below one branch remains.
/// Types of elements carry no constraints, here or in kernels: code for a generic type whose arguments are numbers can be
/// compiled ahead of time only if the type asks nothing of them.
[<AbstractClass; Sealed>]
type internal Number private () =

    static member inline private Is<'T, 'U>() = obj.ReferenceEquals(typeof<'T>, typeof<'U>)

    /// The same bits as another name of the same type.
    static member inline private As<'T, 'U>(x: 'T) : 'U = Unsafe.BitCast<'T, 'U> x

    static member inline private Combine
        (
            [<InlineIfLambda>] single: float32 -> float32 -> float32,
            [<InlineIfLambda>] double: float -> float -> float,
            [<InlineIfLambda>] int: int -> int -> int,
            [<InlineIfLambda>] long: int64 -> int64 -> int64,
            a: 'T,
            b: 'T
        ) : 'T =
        if Number.Is<'T, float32>() then Number.As(single (Number.As a) (Number.As b))
        elif Number.Is<'T, float>() then Number.As(double (Number.As a) (Number.As b))
        elif Number.Is<'T, int>() then Number.As(int (Number.As a) (Number.As b))
        else Number.As(long (Number.As a) (Number.As b))

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member Add<'T>(a: 'T, b: 'T) : 'T =
        Number.Combine((fun a b -> a + b), (fun a b -> a + b), (fun a b -> a + b), (fun a b -> a + b), a, b)

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member Mul<'T>(a: 'T, b: 'T) : 'T =
        Number.Combine((fun a b -> a * b), (fun a b -> a * b), (fun a b -> a * b), (fun a b -> a * b), a, b)

    /// NaN if either is NaN.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member Max<'T>(a: 'T, b: 'T) : 'T =
        Number.Combine(
            (fun a b -> MathF.Max(a, b)),
            (fun a b -> Math.Max(a, b)),
            (fun a b -> Math.Max(a, b)),
            (fun a b -> Math.Max(a, b)),
            a,
            b
        )

    /// NaN if either is NaN.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member Min<'T>(a: 'T, b: 'T) : 'T =
        Number.Combine(
            (fun a b -> MathF.Min(a, b)),
            (fun a b -> Math.Min(a, b)),
            (fun a b -> Math.Min(a, b)),
            (fun a b -> Math.Min(a, b)),
            a,
            b
        )

    /// The number in another type: to integers toward zero, at most their largest and at least their smallest, NaN to 0.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member OfFloat<'T>(x: float) : 'T =
        if Number.Is<'T, float32>() then Number.As(float32 x)
        elif Number.Is<'T, float>() then Number.As x
        elif Number.Is<'T, int>() then Number.As(int x)
        elif Number.Is<'T, int64>() then Number.As(int64 x)
        elif Number.Is<'T, sbyte>() then Number.As(sbyte (int (Math.Clamp(x, -128.0, 127.0))))
        else Number.As(byte (int (Math.Clamp(x, 0.0, 255.0))))

    /// The number in another type; integers keep their lowest bits.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member OfInt<'T>(x: int64) : 'T =
        if Number.Is<'T, float32>() then Number.As(float32 x)
        elif Number.Is<'T, float>() then Number.As(float x)
        elif Number.Is<'T, int>() then Number.As(int x)
        elif Number.Is<'T, int64>() then Number.As x
        elif Number.Is<'T, sbyte>() then Number.As(sbyte x)
        else Number.As(byte x)

    /// One number in another type, as OfFloat and OfInt say.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member Convert<'S, 'D>(x: 'S) : 'D =
        if Number.Is<'S, float32>() then Number.OfFloat<'D>(float (Number.As<'S, float32> x))
        elif Number.Is<'S, float>() then Number.OfFloat<'D>(Number.As<'S, float> x)
        elif Number.Is<'S, int>() then Number.OfInt<'D>(int64 (Number.As<'S, int> x))
        elif Number.Is<'S, int64>() then Number.OfInt<'D>(Number.As<'S, int64> x)
        elif Number.Is<'S, uint32>() then Number.OfInt<'D>(int64 (Number.As<'S, uint32> x))
        elif Number.Is<'S, sbyte>() then Number.OfInt<'D>(int64 (Number.As<'S, sbyte> x))
        else Number.OfInt<'D>(int64 (Number.As<'S, byte> x))

    /// -infinity, or the smallest integer.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member Lowest<'T>() : 'T =
        if Number.Is<'T, int>() then Number.As Int32.MinValue
        elif Number.Is<'T, int64>() then Number.As Int64.MinValue
        else Number.OfFloat<'T> Double.NegativeInfinity

    /// Infinity, or the largest integer.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    static member Highest<'T>() : 'T =
        if Number.Is<'T, int>() then Number.As Int32.MaxValue
        elif Number.Is<'T, int64>() then Number.As Int64.MaxValue
        else Number.OfFloat<'T> Double.PositiveInfinity
