namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop

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
