namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.Arm
open System.Runtime.Intrinsics.X86

/// The machine's own instructions where machines differ in rounding, in NaN or out of range. The framework has names for them
/// that work everywhere (MultiplyAddEstimate, MaxNative, ConvertToInt32Native), but code that is compiled ahead of time does
/// such operations element by element, to be the same on every machine. So the instructions are named where there are some.
[<AbstractClass; Sealed>]
type internal NativeVector private () =

    /// x y + z, rounded once where the machine can.
    static member inline Fma(x: Vector128<float32>, y: Vector128<float32>, z: Vector128<float32>) : Vector128<float32> =
        if Fma.IsSupported then Fma.MultiplyAdd(x, y, z)
        elif AdvSimd.IsSupported then AdvSimd.FusedMultiplyAdd(z, x, y)
        else Vector128.MultiplyAddEstimate(x, y, z)

    /// x y + z, rounded once where the machine can.
    static member inline Fma(x: Vector128<float>, y: Vector128<float>, z: Vector128<float>) : Vector128<float> =
        if Fma.IsSupported then Fma.MultiplyAdd(x, y, z)
        elif AdvSimd.Arm64.IsSupported then AdvSimd.Arm64.FusedMultiplyAdd(z, x, y)
        else Vector128.MultiplyAddEstimate(x, y, z)

    /// The larger; where one is NaN, what the machine gives.
    static member inline Max(x: Vector128<'T>, y: Vector128<'T>) : Vector128<'T> =
        if Sse.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float32>) then
            Sse.Max(x.As<'T, float32>(), y.As<'T, float32>()).As<float32, 'T>()
        elif Sse2.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float>) then
            Sse2.Max(x.As<'T, float>(), y.As<'T, float>()).As<float, 'T>()
        elif Sse.IsSupported then
            Vector128.Max(x, y)
        else
            Vector128.MaxNative(x, y)

    /// The smaller; where one is NaN, what the machine gives.
    static member inline Min(x: Vector128<'T>, y: Vector128<'T>) : Vector128<'T> =
        if Sse.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float32>) then
            Sse.Min(x.As<'T, float32>(), y.As<'T, float32>()).As<float32, 'T>()
        elif Sse2.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float>) then
            Sse2.Min(x.As<'T, float>(), y.As<'T, float>()).As<float, 'T>()
        elif Sse.IsSupported then
            Vector128.Min(x, y)
        else
            Vector128.MinNative(x, y)

    /// Toward zero, for numbers that the integers have.
    static member inline ToInt(x: Vector128<float32>) : Vector128<int> =
        if Sse2.IsSupported then
            Sse2.ConvertToVector128Int32WithTruncation x
        else
            Vector128.ConvertToInt32Native x

    /// Toward zero, for numbers that the integers have.
    static member inline ToInt(x: Vector128<float>) : Vector128<int64> =
        if Avx512DQ.VL.IsSupported then
            Avx512DQ.VL.ConvertToVector128Int64WithTruncation x
        else
            Vector128.ConvertToInt64Native x

    /// x y + z, rounded once where the machine can.
    static member inline Fma(x: Vector256<float32>, y: Vector256<float32>, z: Vector256<float32>) : Vector256<float32> =
        if Fma.IsSupported then Fma.MultiplyAdd(x, y, z) else Vector256.MultiplyAddEstimate(x, y, z)

    /// x y + z, rounded once where the machine can.
    static member inline Fma(x: Vector256<float>, y: Vector256<float>, z: Vector256<float>) : Vector256<float> =
        if Fma.IsSupported then Fma.MultiplyAdd(x, y, z) else Vector256.MultiplyAddEstimate(x, y, z)

    /// The larger; where one is NaN, what the machine gives.
    static member inline Max(x: Vector256<'T>, y: Vector256<'T>) : Vector256<'T> =
        if Avx.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float32>) then
            Avx.Max(x.As<'T, float32>(), y.As<'T, float32>()).As<float32, 'T>()
        elif Avx.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float>) then
            Avx.Max(x.As<'T, float>(), y.As<'T, float>()).As<float, 'T>()
        elif Avx.IsSupported then
            Vector256.Max(x, y)
        else
            Vector256.MaxNative(x, y)

    /// The smaller; where one is NaN, what the machine gives.
    static member inline Min(x: Vector256<'T>, y: Vector256<'T>) : Vector256<'T> =
        if Avx.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float32>) then
            Avx.Min(x.As<'T, float32>(), y.As<'T, float32>()).As<float32, 'T>()
        elif Avx.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float>) then
            Avx.Min(x.As<'T, float>(), y.As<'T, float>()).As<float, 'T>()
        elif Avx.IsSupported then
            Vector256.Min(x, y)
        else
            Vector256.MinNative(x, y)

    /// Toward zero, for numbers that the integers have.
    static member inline ToInt(x: Vector256<float32>) : Vector256<int> =
        if Avx.IsSupported then
            Avx.ConvertToVector256Int32WithTruncation x
        else
            Vector256.ConvertToInt32Native x

    /// Toward zero, for numbers that the integers have.
    static member inline ToInt(x: Vector256<float>) : Vector256<int64> =
        if Avx512DQ.VL.IsSupported then
            Avx512DQ.VL.ConvertToVector256Int64WithTruncation x
        else
            Vector256.ConvertToInt64Native x

    /// x y + z, rounded once where the machine can.
    static member inline Fma(x: Vector512<float32>, y: Vector512<float32>, z: Vector512<float32>) : Vector512<float32> =
        if Avx512F.IsSupported then
            Avx512F.FusedMultiplyAdd(x, y, z)
        else
            Vector512.MultiplyAddEstimate(x, y, z)

    /// x y + z, rounded once where the machine can.
    static member inline Fma(x: Vector512<float>, y: Vector512<float>, z: Vector512<float>) : Vector512<float> =
        if Avx512F.IsSupported then
            Avx512F.FusedMultiplyAdd(x, y, z)
        else
            Vector512.MultiplyAddEstimate(x, y, z)

    /// The larger; where one is NaN, what the machine gives.
    static member inline Max(x: Vector512<'T>, y: Vector512<'T>) : Vector512<'T> =
        if Avx512F.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float32>) then
            Avx512F.Max(x.As<'T, float32>(), y.As<'T, float32>()).As<float32, 'T>()
        elif Avx512F.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float>) then
            Avx512F.Max(x.As<'T, float>(), y.As<'T, float>()).As<float, 'T>()
        elif Avx512F.IsSupported then
            Vector512.Max(x, y)
        else
            Vector512.MaxNative(x, y)

    /// The smaller; where one is NaN, what the machine gives.
    static member inline Min(x: Vector512<'T>, y: Vector512<'T>) : Vector512<'T> =
        if Avx512F.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float32>) then
            Avx512F.Min(x.As<'T, float32>(), y.As<'T, float32>()).As<float32, 'T>()
        elif Avx512F.IsSupported && obj.ReferenceEquals(typeof<'T>, typeof<float>) then
            Avx512F.Min(x.As<'T, float>(), y.As<'T, float>()).As<float, 'T>()
        elif Avx512F.IsSupported then
            Vector512.Min(x, y)
        else
            Vector512.MinNative(x, y)

    /// Toward zero, for numbers that the integers have.
    static member inline ToInt(x: Vector512<float32>) : Vector512<int> =
        if Avx512F.IsSupported then
            Avx512F.ConvertToVector512Int32WithTruncation x
        else
            Vector512.ConvertToInt32Native x

    /// Toward zero, for numbers that the integers have.
    static member inline ToInt(x: Vector512<float>) : Vector512<int64> =
        if Avx512DQ.IsSupported then
            Avx512DQ.ConvertToVector512Int64WithTruncation x
        else
            Vector512.ConvertToInt64Native x
