namespace FunctionalNet.Common

open System
open System.Buffers.Binary
open System.Numerics
open System.Text

/// Hashes that TensorFlow, and so Keras, spreads unknown tokens by.
module internal Fingerprint =

    [<Literal>]
    let private K0 = 0xc3a5c85c97cb3127UL

    [<Literal>]
    let private K1 = 0xb492b66fbe98f273UL

    [<Literal>]
    let private K2 = 0x9ae16a3b2f90404fUL

    let private word (s: byte[]) (i: int) = BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan<byte>(s, i, 8))
    let private half (s: byte[]) (i: int) =
        uint64 (BinaryPrimitives.ReadUInt32LittleEndian(ReadOnlySpan<byte>(s, i, 4)))
    let private turn (x: uint64) (by: int) = BitOperations.RotateRight(x, by)
    let private mix (x: uint64) = x ^^^ (x >>> 47)

    let private join (u: uint64) (v: uint64) (by: uint64) =
        let a = mix ((u ^^^ v) * by)
        let b = mix ((v ^^^ a) * by)
        b * by

    let private upTo16 (s: byte[]) =
        let n = s.Length

        if n >= 8 then
            let by = K2 + uint64 n * 2UL
            let a = word s 0 + K2
            let b = word s (n - 8)
            let c = turn b 37 * by + a
            let d = (turn a 25 + b) * by
            join c d by
        elif n >= 4 then
            let by = K2 + uint64 n * 2UL
            join (uint64 n + (half s 0 <<< 3)) (half s (n - 4)) by
        elif n > 0 then
            let y = uint32 s[0] + (uint32 s[n >>> 1] <<< 8)
            let z = uint32 n + (uint32 s[n - 1] <<< 2)
            mix (uint64 y * K2 ^^^ uint64 z * K0) * K2
        else
            K2

    let private upTo32 (s: byte[]) =
        let n = s.Length
        let by = K2 + uint64 n * 2UL
        let a = word s 0 * K1
        let b = word s 8
        let c = word s (n - 8) * by
        let d = word s (n - 16) * K2
        join (turn (a + b) 43 + turn c 30 + d) (a + turn (b + K2) 18 + c) by

    let private upTo64 (s: byte[]) =
        let n = s.Length
        let by = K2 + uint64 n * 2UL
        let a = word s 0 * K2
        let b = word s 8
        let c = word s (n - 8) * by
        let d = word s (n - 16) * K2
        let y = turn (a + b) 43 + turn c 30 + d
        let z = join y (a + turn (b + K2) 18 + c) by
        let e = word s 16 * by
        let f = word s 24
        let g = (y + word s (n - 32)) * by
        let h = (z + word s (n - 24)) * by
        join (turn (e + f) 43 + turn g 30 + h) (e + turn (f + a) 18 + g) by

    let private weak (s: byte[]) (i: int) (a: uint64) (b: uint64) : struct (uint64 * uint64) =
        let w, x, y, z = word s i, word s (i + 8), word s (i + 16), word s (i + 24)
        let a = a + w
        let b = turn (b + a + z) 21
        let c = a
        let a = a + x + y
        let b = b + turn a 44
        struct (a + z, b + c)

    let private long' (s: byte[]) =
        let n = s.Length
        let seed = 81UL
        let mutable x = seed
        let mutable y = seed * K1 + 113UL
        let mutable z = mix (y * K2 + 113UL) * K2
        let mutable v = struct (0UL, 0UL)
        let mutable w = struct (0UL, 0UL)
        x <- x * K2 + word s 0
        let last = (n - 1) / 64 * 64
        let last64 = last + ((n - 1) &&& 63) - 63
        let mutable i = 0

        while i < last do
            let struct (v0, v1) = v
            let struct (w0, w1) = w
            x <- turn (x + y + v0 + word s (i + 8)) 37 * K1
            y <- turn (y + v1 + word s (i + 48)) 42 * K1
            x <- x ^^^ w1
            y <- y + v0 + word s (i + 40)
            z <- turn (z + w0) 33 * K1
            v <- weak s i (v1 * K1) (x + w0)
            w <- weak s (i + 32) (z + w1) (y + word s (i + 16))
            let other = z
            z <- x
            x <- other
            i <- i + 64

        let by = K1 + ((z &&& 0xffUL) <<< 1)
        let i = last64
        let struct (v0, v1) = v
        let struct (w0, w1) = w
        let w0 = w0 + uint64 ((n - 1) &&& 63)
        let v0 = v0 + w0
        let w0 = w0 + v0
        x <- turn (x + y + v0 + word s (i + 8)) 37 * by
        y <- turn (y + v1 + word s (i + 48)) 42 * by
        x <- x ^^^ (w1 * 9UL)
        y <- y + v0 * 9UL + word s (i + 40)
        z <- turn (z + w0) 33 * by
        let struct (v0, v1) = weak s i (v1 * by) (x + w0)
        let struct (w0, w1) = weak s (i + 32) (z + w1) (y + word s (i + 16))
        let other = z
        let z = x
        let x = other
        join (join v0 w0 by + mix y * K0 + z) (join v1 w1 by + x) by

    /// FarmHash's 64-bit fingerprint of bytes.
    let ofBytes (s: byte[]) : uint64 =
        if s.Length <= 16 then upTo16 s
        elif s.Length <= 32 then upTo32 s
        elif s.Length <= 64 then upTo64 s
        else long' s

    /// The bucket of a text among so many. TensorFlow: string_to_hash_bucket_fast.
    let bucket (text: string) (buckets: int) : int = int (ofBytes (Encoding.UTF8.GetBytes text) % uint64 buckets)

    /// One fingerprint of two. TensorFlow: FingerprintCat64.
    let combine (first: uint64) (second: uint64) : uint64 =
        let by = 0xc6a4a7935bd1e995UL
        let joined = ((first ^^^ by) ^^^ (mix (second * by) * by)) * by
        mix (mix joined * by)

    /// SipHash-2-4 (Aumasson and Bernstein, 2012) of bytes, under a key of two words.
    let keyed (key0: uint64) (key1: uint64) (s: byte[]) : uint64 =
        let mutable v0 = key0 ^^^ 0x736f6d6570736575UL
        let mutable v1 = key1 ^^^ 0x646f72616e646f6dUL
        let mutable v2 = key0 ^^^ 0x6c7967656e657261UL
        let mutable v3 = key1 ^^^ 0x7465646279746573UL
        let left (x: uint64) (by: int) = BitOperations.RotateLeft(x, by)

        // Some rounds of the four words, with a message word taken in around them.
        let words =
            Array.init (s.Length / 8 + 1) (fun i ->
                if 8 * i + 8 <= s.Length then
                    word s (8 * i)
                else
                    let mutable last = uint64 s.Length <<< 56

                    for j in 8 * i .. s.Length - 1 do
                        last <- last ||| (uint64 s[j] <<< (8 * (j - 8 * i)))

                    last)

        for i in 0 .. words.Length do
            let isEnd = i = words.Length
            if isEnd then v2 <- v2 ^^^ 0xffUL else v3 <- v3 ^^^ words[i]

            for _ in 1 .. (if isEnd then 4 else 2) do
                v0 <- v0 + v1
                v1 <- left v1 13 ^^^ v0
                v0 <- left v0 32
                v2 <- v2 + v3
                v3 <- left v3 16 ^^^ v2
                v0 <- v0 + v3
                v3 <- left v3 21 ^^^ v0
                v2 <- v2 + v1
                v1 <- left v1 17 ^^^ v2
                v2 <- left v2 32

            if not isEnd then v0 <- v0 ^^^ words[i]

        v0 ^^^ v1 ^^^ v2 ^^^ v3

    /// The bucket of a text under a key. TensorFlow: string_to_hash_bucket_strong.
    let keyedBucket (key0: uint64) (key1: uint64) (text: string) (buckets: int) : int =
        int (keyed key0 key1 (Encoding.UTF8.GetBytes text) % uint64 buckets)
