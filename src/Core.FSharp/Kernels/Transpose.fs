namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.Arm
open System.Runtime.Intrinsics.X86
open Microsoft.FSharp.NativeInterop

#nowarn "3535" // interfaces with static abstract members: that is what they are for

/// Transposition in registers. Steps are in bytes.
module internal Transpose =

    /// The part of a block of 16 by 16 elements of 4 bytes that has `rows` rows and `columns` columns:
    /// dst[j, i] = src[i, j]. For machines with vectors of 512 bits.
    [<FullyOptimized>]
    let private block16
        (src: nativeint)
        (srcStep: nativeint)
        (rows: int)
        (columns: int)
        (dst: nativeint)
        (dstStep: nativeint)
        =
        let lanes = Vector512<int>.Indices
        let across = Vector512.LessThan(lanes, Vector512.Create columns).AsSingle()
        let down = Vector512.LessThan(lanes, Vector512.Create rows).AsSingle()

        // Rows that do not exist are read as the last one and not written.
        let inline row i =
            let i = if i < rows then i else rows - 1

            Avx512F.MaskLoad(
                NativePtr.ofNativeInt<float32>(src + nativeint i * srcStep),
                across,
                Vector512<float32>.Zero
            )

        // Blocks of 2 by 2, then of 4 by 4, within quarters of vectors.
        let inline pairs (a: Vector512<float32>) (b: Vector512<float32>) =
            struct (Avx512F.UnpackLow(a, b).AsDouble(), Avx512F.UnpackHigh(a, b).AsDouble())

        let inline fours r0 r1 r2 r3 =
            let struct (l0, h0) = pairs r0 r1
            let struct (l1, h1) = pairs r2 r3

            struct (Avx512F.UnpackLow(l0, l1).AsSingle(),
                    Avx512F.UnpackHigh(l0, l1).AsSingle(),
                    Avx512F.UnpackLow(h0, h1).AsSingle(),
                    Avx512F.UnpackHigh(h0, h1).AsSingle())

        let struct (a0, a1, a2, a3) = fours (row 0) (row 1) (row 2) (row 3)
        let struct (b0, b1, b2, b3) = fours (row 4) (row 5) (row 6) (row 7)
        let struct (c0, c1, c2, c3) = fours (row 8) (row 9) (row 10) (row 11)
        let struct (d0, d1, d2, d3) = fours (row 12) (row 13) (row 14) (row 15)

        let inline put j (v: Vector512<float32>) =
            if j < columns then
                Avx512F.MaskStore(NativePtr.ofNativeInt<float32>(dst + nativeint j * dstStep), down, v)

        // Four rows of quarters at a time: quarter q of a, b, c and d becomes target row 4 q + j.
        let inline quarters
            j
            (a: Vector512<float32>)
            (b: Vector512<float32>)
            (c: Vector512<float32>)
            (d: Vector512<float32>)
            =
            let ab = Avx512F.Shuffle4x128(a, b, 0x88uy)
            let cd = Avx512F.Shuffle4x128(c, d, 0x88uy)
            put j (Avx512F.Shuffle4x128(ab, cd, 0x88uy))
            put (j + 8) (Avx512F.Shuffle4x128(ab, cd, 0xDDuy))
            let ab = Avx512F.Shuffle4x128(a, b, 0xDDuy)
            let cd = Avx512F.Shuffle4x128(c, d, 0xDDuy)
            put (j + 4) (Avx512F.Shuffle4x128(ab, cd, 0x88uy))
            put (j + 12) (Avx512F.Shuffle4x128(ab, cd, 0xDDuy))

        quarters 0 a0 b0 c0 d0
        quarters 1 a1 b1 c1 d1
        quarters 2 a2 b2 c2 d2
        quarters 3 a3 b3 c3 d3

    /// The same for 8 by 8 elements and vectors of 256 bits.
    [<FullyOptimized>]
    let private block8
        (src: nativeint)
        (srcStep: nativeint)
        (rows: int)
        (columns: int)
        (dst: nativeint)
        (dstStep: nativeint)
        =
        let lanes = Vector256<int>.Indices
        let across = Vector256.LessThan(lanes, Vector256.Create columns).AsSingle()
        let down = Vector256.LessThan(lanes, Vector256.Create rows).AsSingle()

        let inline row i =
            let i = if i < rows then i else rows - 1
            Avx.MaskLoad(NativePtr.ofNativeInt<float32>(src + nativeint i * srcStep), across)

        let inline fours
            (r0: Vector256<float32>)
            (r1: Vector256<float32>)
            (r2: Vector256<float32>)
            (r3: Vector256<float32>)
            =
            let l0 = Avx.UnpackLow(r0, r1).AsDouble()
            let h0 = Avx.UnpackHigh(r0, r1).AsDouble()
            let l1 = Avx.UnpackLow(r2, r3).AsDouble()
            let h1 = Avx.UnpackHigh(r2, r3).AsDouble()

            struct (Avx.UnpackLow(l0, l1).AsSingle(),
                    Avx.UnpackHigh(l0, l1).AsSingle(),
                    Avx.UnpackLow(h0, h1).AsSingle(),
                    Avx.UnpackHigh(h0, h1).AsSingle())

        let struct (a0, a1, a2, a3) = fours (row 0) (row 1) (row 2) (row 3)
        let struct (b0, b1, b2, b3) = fours (row 4) (row 5) (row 6) (row 7)

        let inline put j (v: Vector256<float32>) =
            if j < columns then
                Avx.MaskStore(NativePtr.ofNativeInt<float32>(dst + nativeint j * dstStep), down, v)

        let inline halves j (a: Vector256<float32>) (b: Vector256<float32>) =
            put j (Avx.Permute2x128(a, b, 0x20uy))
            put (j + 4) (Avx.Permute2x128(a, b, 0x31uy))

        halves 0 a0 b0
        halves 1 a1 b1
        halves 2 a2 b2
        halves 3 a3 b3

    /// A whole block of 4 by 4 elements of 4 bytes, in vectors of 128 bits.
    let inline private block4 (src: nativeint) (srcStep: nativeint) (dst: nativeint) (dstStep: nativeint) =
        let inline row i = Vector128.Load(NativePtr.ofNativeInt<float32>(src + i * srcStep))

        let inline low (a: Vector128<float32>) (b: Vector128<float32>) =
            if Sse.IsSupported then Sse.UnpackLow(a, b) else AdvSimd.Arm64.ZipLow(a, b)

        let inline high (a: Vector128<float32>) (b: Vector128<float32>) =
            if Sse.IsSupported then Sse.UnpackHigh(a, b) else AdvSimd.Arm64.ZipHigh(a, b)

        let inline put i (v: Vector128<float32>) = Vector128.Store(v, NativePtr.ofNativeInt<float32>(dst + i * dstStep))
        let r0 = row 0n
        let r1 = row 1n
        let r2 = row 2n
        let r3 = row 3n
        let l0 = low r0 r2
        let l1 = low r1 r3
        let h0 = high r0 r2
        let h1 = high r1 r3
        put 0n (low l0 l1)
        put 1n (high l0 l1)
        put 2n (low h0 h1)
        put 3n (high h0 h1)

    let private inFours = Sse.IsSupported || AdvSimd.Arm64.IsSupported

    /// `rows` by `columns` elements, a few at a time.
    [<FullyOptimized>]
    let private slowly<'T>
        (src: nativeint)
        (srcStep: nativeint)
        (rows: int)
        (columns: int)
        (dst: nativeint)
        (dstStep: nativeint)
        =
        let size = nativeint sizeof<'T>
        let mutable i = 0

        if sizeof<'T> = 4 && inFours then
            while i + 4 <= rows do
                let s = src + nativeint i * srcStep
                let d = dst + nativeint i * size
                let mutable j = 0

                while j + 4 <= columns do
                    block4 (s + nativeint j * size) srcStep (d + nativeint j * dstStep) dstStep
                    j <- j + 4

                while j < columns do
                    for r in 0..3 do
                        let element = Mem.get<'T> (s + nativeint r * srcStep) j
                        Mem.set<'T> (d + nativeint j * dstStep) r element

                    j <- j + 1

                i <- i + 4

        while i < rows do
            let mutable s = src + nativeint i * srcStep
            let mutable d = dst + nativeint i * size

            for _ in 1..columns do
                Mem.set<'T> d 0 (Mem.get<'T> s 0)
                s <- s + size
                d <- d + dstStep

            i <- i + 1

    /// dst[j, i] = src[i, j] for `rows` by `columns` elements, with vectors of the witness's width. Nothing else is read or
    /// written.
    let plane<'W, 'V, 'T when 'W: struct and 'W :> ILanes<'V, 'T>>
        (src: nativeint)
        (srcStep: nativeint)
        (rows: int)
        (columns: int)
        (dst: nativeint)
        (dstStep: nativeint)
        =
        let block =
            if sizeof<'T> <> 4 then 0
            elif 'W.Bytes = 64n && Avx512F.IsSupported then 16
            elif 'W.Bytes >= 32n && Avx.IsSupported then 8
            else 0

        if block = 0 then
            slowly<'T> src srcStep rows columns dst dstStep
        else
            let mutable j = 0

            while j < columns do
                let mutable i = 0

                while i < rows do
                    let s = src + nativeint i * srcStep + nativeint (4 * j)
                    let d = dst + nativeint j * dstStep + nativeint (4 * i)

                    if block = 16 then
                        block16 s srcStep (min 16 (rows - i)) (min 16 (columns - j)) d dstStep
                    else
                        block8 s srcStep (min 8 (rows - i)) (min 8 (columns - j)) d dstStep

                    i <- i + block

                j <- j + block

    /// The same for elements of 4 bytes, with the widest vectors of the machine.
    let words (src: nativeint) (srcStep: nativeint) (rows: int) (columns: int) (dst: nativeint) (dstStep: nativeint) =
        match Width.current with
        | Width.W512 -> plane<Lanes512<float32>, Vector512<float32>, float32> src srcStep rows columns dst dstStep
        | Width.W256 -> plane<Lanes256<float32>, Vector256<float32>, float32> src srcStep rows columns dst dstStep
        | _ -> plane<Lanes128<float32>, Vector128<float32>, float32> src srcStep rows columns dst dstStep
