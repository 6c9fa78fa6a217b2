namespace FunctionalNet.Kernels

open System.Numerics
open System.Runtime.Intrinsics
open Microsoft.FSharp.NativeInterop

/// Packing into panels of which each depth holds `width` elements, zeros where fewer exist.
[<AbstractClass; Sealed>]
type internal GemmCore<'T when 'T: unmanaged and 'T: struct and 'T :> INumber<'T>> private () =

    static member private Clear(kc: int, count: int, width: int, dst: nativeptr<'T>) =
        if count < width then
            Mem.zero (NativePtr.toNativeInt dst) (int64 kc * int64 width * int64 sizeof<'T>)

    /// Vectors of length kc that stand side by side: dst[k * width + r] = src[k * ld + r].
    static member PackStraight(src: nativeptr<'T>, ld: int, kc: int, count: int, width: int, dst: nativeptr<'T>) =
        GemmCore<'T>.Clear(kc, count, width, dst)
        let size = nativeint sizeof<'T>

        GemmPanels<Lanes256<'T>, Vector256<'T>, 'T>
            .PackBeside(
                NativePtr.toNativeInt src,
                nativeint ld * size,
                kc,
                count,
                NativePtr.toNativeInt dst,
                nativeint width * size
            )

    /// Contiguous vectors of length kc: dst[k * width + r] = src[r * ld + k].
    static member PackTransposed(src: nativeptr<'T>, ld: int, kc: int, count: int, width: int, dst: nativeptr<'T>) =
        GemmCore<'T>.Clear(kc, count, width, dst)
        let size = nativeint sizeof<'T>

        GemmPanels<Lanes256<'T>, Vector256<'T>, 'T>
            .PackAlong(
                NativePtr.toNativeInt src,
                nativeint ld * size,
                kc,
                count,
                NativePtr.toNativeInt dst,
                nativeint width * size
            )
