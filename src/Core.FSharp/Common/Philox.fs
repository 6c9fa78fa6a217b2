namespace FunctionalNet.Common

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
