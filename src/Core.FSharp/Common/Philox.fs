namespace FunctionalNet.Common

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open System.Runtime.Intrinsics
open System.Runtime.Intrinsics.X86

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): random bits as a pure function of
/// (seed, stream, step, index), so that any element can be drawn by any thread, and drawn again later.
module internal Philox =

    [<Literal>]
    let M0 = 0xD2511F53u

    [<Literal>]
    let M1 = 0xCD9E8D57u

    [<Literal>]
    let W0 = 0x9E3779B9u

    [<Literal>]
    let W1 = 0xBB67AE85u

    /// The four 32-bit words of block `index`. Key: the seed. Counter: index, step (low 32 bits), stream.
    let block (seed: uint64) (stream: uint64) (step: uint32) (index: uint32) =
        let mutable k0 = uint32 seed
        let mutable k1 = uint32 (seed >>> 32)
        let mutable c0 = index
        let mutable c1 = step
        let mutable c2 = uint32 stream
        let mutable c3 = uint32 (stream >>> 32)

        for _ in 1..10 do
            let p0 = uint64 M0 * uint64 c0
            let p1 = uint64 M1 * uint64 c2
            let n0 = uint32 (p1 >>> 32) ^^^ c1 ^^^ k0
            let n2 = uint32 (p0 >>> 32) ^^^ c3 ^^^ k1
            c1 <- uint32 p1
            c3 <- uint32 p0
            c0 <- n0
            c2 <- n2
            k0 <- k0 + W0
            k1 <- k1 + W1

        struct (c0, c1, c2, c3)

    /// 53 random bits as a number in [0, 1).
    let toUniform53 (a: uint32) (b: uint32) =
        float (uint64 (a / 32u) * 67108864UL + uint64 (b / 64u)) * (1.0 / 9007199254740992.0)

    /// The same for the low halves of four lanes each: both parts of the product are exact.
    let inline private uniform53OfLanes (a: Vector256<uint64>) (b: Vector256<uint64>) : Vector256<float> =
        // An integer below 2^52 in the mantissa of a number of that size.
        let inline exact (v: Vector256<uint64>) =
            (v ||| Vector256.Create 0x4330000000000000UL).AsDouble() - Vector256.Create 4503599627370496.0

        let low = Vector256.Create 0xFFFFFFFFUL
        let high = exact (Vector256.ShiftRightLogical(a &&& low, 5))
        let rest = exact (Vector256.ShiftRightLogical(b &&& low, 6))
        (high * Vector256.Create 67108864.0 + rest) * Vector256.Create(1.0 / 9007199254740992.0)

    /// What `uniforms53` gives, in vectors of 512 bits, as far as these go: how many. A method of its own, because one that asks
    /// for such vectors is not compiled ahead of time for the runtime.
    [<MethodImpl(MethodImplOptions.NoInlining)>]
    let uniforms53Wide (seed: uint64) (stream: uint64) (step: uint32) (first: uint32) (values: Span<float>) : int =
        let inline times (c: Vector512<uint64>) (m: Vector512<uint64>) = Avx512F.Multiply(c.AsUInt32(), m.AsUInt32())

        let inline exact (v: Vector512<uint64>) =
            (v ||| Vector512.Create 0x4330000000000000UL).AsDouble() - Vector512.Create 4503599627370496.0

        let inline uniform (a: Vector512<uint64>) (b: Vector512<uint64>) =
            let low = Vector512.Create 0xFFFFFFFFUL
            let high = exact (Vector512.ShiftRightLogical(a &&& low, 5))
            let rest = exact (Vector512.ShiftRightLogical(b &&& low, 6))
            (high * Vector512.Create 67108864.0 + rest) * Vector512.Create(1.0 / 9007199254740992.0)

        let m0 = Vector512.Create(uint64 M0)
        let m1 = Vector512.Create(uint64 M1)
        let start = &MemoryMarshal.GetReference values
        let last = if Avx512F.IsSupported then values.Length - 16 else -1
        let mutable i = 0

        while i <= last do
            let mutable k0 = uint32 seed
            let mutable k1 = uint32 (seed >>> 32)

            let mutable a0 =
                Vector512.Create(uint64 first + uint64 i) + Vector512.Create(0UL, 1UL, 2UL, 3UL, 4UL, 5UL, 6UL, 7UL)

            let mutable b0 = a0 + Vector512.Create 8UL
            let mutable a1 = Vector512.Create(uint64 step)
            let mutable b1 = a1
            let mutable a2 = Vector512.Create(uint64 (uint32 stream))
            let mutable b2 = a2
            let mutable a3 = Vector512.Create(stream >>> 32)
            let mutable b3 = a3

            for _ in 1..10 do
                let key0 = Vector512.Create(uint64 k0)
                let key1 = Vector512.Create(uint64 k1)
                let p0 = times a0 m0
                let p1 = times a2 m1
                let q0 = times b0 m0
                let q1 = times b2 m1
                a0 <- Vector512.ShiftRightLogical(p1, 32) ^^^ a1 ^^^ key0
                b0 <- Vector512.ShiftRightLogical(q1, 32) ^^^ b1 ^^^ key0
                a2 <- Vector512.ShiftRightLogical(p0, 32) ^^^ a3 ^^^ key1
                b2 <- Vector512.ShiftRightLogical(q0, 32) ^^^ b3 ^^^ key1
                a1 <- p1
                b1 <- q1
                a3 <- p0
                b3 <- q0
                k0 <- k0 + W0
                k1 <- k1 + W1

            Vector512.StoreUnsafe(uniform a0 a1, &start, unativeint i)
            Vector512.StoreUnsafe(uniform b0 b1, &start, unativeint (i + 8))
            i <- i + 16

        i

    /// Numbers in [0, 1) with 53 random bits: each of the first two words of a block, from block `first` on.
    let uniforms53 (seed: uint64) (stream: uint64) (step: uint32) (first: uint32) (values: Span<float>) : unit =
        // Where code is compiled at run time, that takes longer than vectors of 512 bits save.
        let mutable i =
            if RuntimeFeature.IsDynamicCodeSupported then 0 else uniforms53Wide seed stream step first values

        if Avx2.IsSupported then
            // A lane holds a word of one block, with whatever the last product left in the upper half, which the next
            // product does not read. Two vectors at a time hide the time that a product takes.
            let inline times (c: Vector256<uint64>) (m: Vector256<uint64>) = Avx2.Multiply(c.AsUInt32(), m.AsUInt32())

            let m0 = Vector256.Create(uint64 M0)
            let m1 = Vector256.Create(uint64 M1)
            let start = &MemoryMarshal.GetReference values

            while i <= values.Length - 8 do
                let mutable k0 = uint32 seed
                let mutable k1 = uint32 (seed >>> 32)
                let mutable a0 = Vector256.Create(uint64 first + uint64 i) + Vector256.Create(0UL, 1UL, 2UL, 3UL)
                let mutable b0 = a0 + Vector256.Create 4UL
                let mutable a1 = Vector256.Create(uint64 step)
                let mutable b1 = a1
                let mutable a2 = Vector256.Create(uint64 (uint32 stream))
                let mutable b2 = a2
                let mutable a3 = Vector256.Create(stream >>> 32)
                let mutable b3 = a3

                for _ in 1..10 do
                    let key0 = Vector256.Create(uint64 k0)
                    let key1 = Vector256.Create(uint64 k1)
                    let p0 = times a0 m0
                    let p1 = times a2 m1
                    let q0 = times b0 m0
                    let q1 = times b2 m1
                    a0 <- Vector256.ShiftRightLogical(p1, 32) ^^^ a1 ^^^ key0
                    b0 <- Vector256.ShiftRightLogical(q1, 32) ^^^ b1 ^^^ key0
                    a2 <- Vector256.ShiftRightLogical(p0, 32) ^^^ a3 ^^^ key1
                    b2 <- Vector256.ShiftRightLogical(q0, 32) ^^^ b3 ^^^ key1
                    a1 <- p1
                    b1 <- q1
                    a3 <- p0
                    b3 <- q0
                    k0 <- k0 + W0
                    k1 <- k1 + W1

                Vector256.StoreUnsafe(uniform53OfLanes a0 a1, &start, unativeint i)
                Vector256.StoreUnsafe(uniform53OfLanes b0 b1, &start, unativeint (i + 4))
                i <- i + 8

        while i < values.Length do
            let struct (a, b, _, _) = block seed stream step (first + uint32 i)
            values[i] <- toUniform53 a b
            i <- i + 1

    // Elements come in groups of 8 blocks, in the order that vectors make them in: first words 0 and 1 of each block, then
    // words 2 and 3 of each.

    /// Element `index` of the stream of 32-bit words.
    let bits (seed: uint64) (stream: uint64) (step: uint32) (index: int64) =
        let j = int (index &&& 31L)
        let number = uint32 (index >>> 5) * 8u + uint32 ((j &&& 15) >>> 1)
        let struct (a, b, c, d) = block seed stream step number

        match (j >>> 4) * 2 + (j &&& 1) with
        | 0 -> a
        | 1 -> b
        | 2 -> c
        | _ -> d

    /// The indices of the two words that element `index` of a stream of normal numbers is made from: 16 apart.
    let pair (index: int64) : struct (int64 * int64) = struct (index &&& ~~~16L, index ||| 16L)

    /// Element `index` of the stream of 16-bit words: of each 16 words first the lower halves, then the upper ones.
    let half (seed: uint64) (stream: uint64) (step: uint32) (index: int64) : uint32 =
        let j = index &&& 63L
        let word = bits seed stream step ((index >>> 6) * 32L + (j >>> 5) * 16L + (j &&& 15L))
        if j &&& 16L = 0L then word &&& 0xffffu else word >>> 16

    /// A number in [0, 1) with 24 random bits: exact in float32.
    let toUniform (word: uint32) = float32 (word >>> 8) * 5.9604644775390625e-8f

    /// A number in [0, 1) with 16 random bits.
    let toCoarse (half: uint32) = float32 half * 1.52587890625e-5f

    /// A stable 64-bit hash of a text (FNV-1a with a final mix): the stream of a layer path.
    let streamOf (text: string) =
        let mutable h = 14695981039346656037UL

        for ch in text do
            h <- (h ^^^ uint64 ch) * 1099511628211UL

        h <- (h ^^^ (h >>> 33)) * 0xff51afd7ed558ccdUL
        h ^^^ (h >>> 33)
