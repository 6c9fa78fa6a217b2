namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open FunctionalNet.Kernels.Lanes

/// Transposition of small blocks of 4-byte elements in registers.
module internal Transpose =

    /// True when `block` may be called.
    let inline isSupported () = Avx.IsSupported

    /// Eight columns of `rows` (at most 8) rows become eight rows: dst[j, i] = src[i, j]. Steps are in bytes. All eight
    /// elements of each target row are written; those past `rows` hold copies of the last row.
    [<FullyOptimized>]
    let block (src: nativeint) (srcStep: nativeint) (rows: int) (dst: nativeint) (dstStep: nativeint) =
        let last = src + nativeint (rows - 1) * srcStep
        let inline row (i: int) = if i < rows then src + nativeint i * srcStep else last
        let r0 = load<float32> src
        let r1 = load<float32>(row 1)
        let r2 = load<float32>(row 2)
        let r3 = load<float32>(row 3)
        let r4 = load<float32>(row 4)
        let r5 = load<float32>(row 5)
        let r6 = load<float32>(row 6)
        let r7 = load<float32>(row 7)
        let t0 = Avx.UnpackLow(r0, r1)
        let t1 = Avx.UnpackHigh(r0, r1)
        let t2 = Avx.UnpackLow(r2, r3)
        let t3 = Avx.UnpackHigh(r2, r3)
        let t4 = Avx.UnpackLow(r4, r5)
        let t5 = Avx.UnpackHigh(r4, r5)
        let t6 = Avx.UnpackLow(r6, r7)
        let t7 = Avx.UnpackHigh(r6, r7)
        let s0 = Avx.Shuffle(t0, t2, 0x44uy)
        let s1 = Avx.Shuffle(t0, t2, 0xEEuy)
        let s2 = Avx.Shuffle(t1, t3, 0x44uy)
        let s3 = Avx.Shuffle(t1, t3, 0xEEuy)
        let s4 = Avx.Shuffle(t4, t6, 0x44uy)
        let s5 = Avx.Shuffle(t4, t6, 0xEEuy)
        let s6 = Avx.Shuffle(t5, t7, 0x44uy)
        let s7 = Avx.Shuffle(t5, t7, 0xEEuy)
        let mutable d = dst
        store d (Avx.Permute2x128(s0, s4, 0x20uy))
        d <- d + dstStep
        store d (Avx.Permute2x128(s1, s5, 0x20uy))
        d <- d + dstStep
        store d (Avx.Permute2x128(s2, s6, 0x20uy))
        d <- d + dstStep
        store d (Avx.Permute2x128(s3, s7, 0x20uy))
        d <- d + dstStep
        store d (Avx.Permute2x128(s0, s4, 0x31uy))
        d <- d + dstStep
        store d (Avx.Permute2x128(s1, s5, 0x31uy))
        d <- d + dstStep
        store d (Avx.Permute2x128(s2, s6, 0x31uy))
        d <- d + dstStep
        store d (Avx.Permute2x128(s3, s7, 0x31uy))
