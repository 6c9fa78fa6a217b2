namespace FunctionalNet.Kernels

open System.Runtime.CompilerServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86
open FunctionalNet.Common
open FunctionalNet.Kernels.Lanes

/// The generator's blocks four at a time: each 64-bit lane holds a 32-bit word of one block, with whatever its last
/// product left in the high half, which the next multiplication does not read.
[<AbstractClass; Sealed>]
type internal RandomBits private () =

    /// A vector of words (low halves of a, b, c, d) as float32 in [0, 1), four for each of four blocks.
    static member inline private Store
        (d: nativeint, a: Vector256<uint64>, b: Vector256<uint64>, c: Vector256<uint64>, e: Vector256<uint64>)
        =
        let low = Vector256.Create 0xffffffffUL
        let ab = (a &&& low) ||| Vector256.ShiftLeft(b, 32)
        let ce = (c &&& low) ||| Vector256.ShiftLeft(e, 32)
        // Blocks 0 and 2, blocks 1 and 3.
        let even = Avx2.UnpackLow(ab, ce)
        let odd = Avx2.UnpackHigh(ab, ce)
        let scale = Vector256.Create 5.9604644775390625e-8f

        let first = Vector256.ConvertToSingle(Vector256.ShiftRightLogical(even.AsUInt32(), 8).AsInt32()) * scale

        let second = Vector256.ConvertToSingle(Vector256.ShiftRightLogical(odd.AsUInt32(), 8).AsInt32()) * scale

        store d (Avx.Permute2x128(first, second, 0x20uy))
        store (d + 32n) (Avx.Permute2x128(first, second, 0x31uy))

    /// Sixteen numbers of blocks block .. block + 3.
    static member inline private Four(d: nativeint, block: uint32, seed: uint64, stream: uint64, step: uint32) =
        let m0 = Vector256.Create(uint64 Philox.M0).AsUInt32()
        let m1 = Vector256.Create(uint64 Philox.M1).AsUInt32()
        let w0 = Vector256.Create(uint64 Philox.W0)
        let w1 = Vector256.Create(uint64 Philox.W1)
        let mutable k0 = Vector256.Create(uint64 (uint32 seed))
        let mutable k1 = Vector256.Create(seed >>> 32)

        let mutable c0 =
            Vector256.Create(uint64 block, uint64 (block + 1u), uint64 (block + 2u), uint64 (block + 3u))

        let mutable c1 = Vector256.Create(uint64 step)
        let mutable c2 = Vector256.Create(uint64 (uint32 stream))
        let mutable c3 = Vector256.Create(stream >>> 32)

        for _ in 1..10 do
            let p0 = Avx2.Multiply(c0.AsUInt32(), m0)
            let p1 = Avx2.Multiply(c2.AsUInt32(), m1)
            c0 <- Vector256.ShiftRightLogical(p1, 32) ^^^ c1 ^^^ k0
            c2 <- Vector256.ShiftRightLogical(p0, 32) ^^^ c3 ^^^ k1
            c1 <- p1
            c3 <- p0
            k0 <- k0 + w0
            k1 <- k1 + w1

        RandomBits.Store(d, c0, c1, c2, c3)

    /// Float32 numbers in [0, 1) of elements position, position + 1, ...
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    static member Uniform(n: int, d: nativeint, position: int, seed: uint64, stream: uint64, step: uint32) =
        let mutable i = 0

        while i < n do
            let at = position + i

            if Avx2.IsSupported && at &&& 3 = 0 && n - i >= 16 then
                RandomBits.Four(d + nativeint i * 4n, uint32 at >>> 2, seed, stream, step)
                i <- i + 16
            else
                let struct (w0, w1, w2, w3) = Philox.block seed stream step (uint32 at >>> 2)
                let first = at &&& 3
                let count = min (4 - first) (n - i)

                for k in first .. first + count - 1 do
                    let w =
                        if k = 0 then w0
                        elif k = 1 then w1
                        elif k = 2 then w2
                        else w3
                    Mem.set<float32> d (i + k - first) (Philox.toUniform w)

                i <- i + count
