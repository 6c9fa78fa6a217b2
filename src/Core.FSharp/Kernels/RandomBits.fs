namespace FunctionalNet.Kernels

open System.Runtime.Intrinsics
open System.Runtime.CompilerServices
open Microsoft.FSharp.NativeInterop
open FunctionalNet.Common

#nowarn "3535"

/// Random elements of a stream, as Philox numbers them, at one width of vectors. `position` is the index of the first.
[<AbstractClass>]
type internal RandomSource() =

    /// Words of 32 bits.
    abstract Words: n: int * d: nativeint * position: int * seed: uint64 * stream: uint64 * step: uint32 -> unit

    /// Float32 numbers in [0, 1) with 24 random bits.
    abstract Uniform: n: int * d: nativeint * position: int * seed: uint64 * stream: uint64 * step: uint32 -> unit

    /// Float32 numbers in [0, 1) with 16 random bits.
    abstract Coarse: n: int * d: nativeint * position: int * seed: uint64 * stream: uint64 * step: uint32 -> unit

    /// Standard normal float32 numbers.
    abstract Normal: n: int * d: nativeint * position: int * seed: uint64 * stream: uint64 * step: uint32 -> unit

/// How the elements of a group are made from its words.
type private Drawing =
    | Words = 0
    | Uniform = 1
    | Coarse = 2
    | Normal = 3

/// The generator's blocks, as many at a time as a vector has 64-bit lanes: each lane holds a word of one block, with
/// whatever the last product left in the upper half, which the next multiplication does not read. Two words then share
/// the lane, and as Philox numbers the words of a group of blocks in that order, nothing needs to change places.
[<Sealed>]
type internal RandomSource<'W, 'V when 'W: struct and 'W :> ILanes<'V, float32>>() =
    inherit RandomSource()

    do Precompiled.Calls(fun () -> RandomSource<'W, 'V>.Draw(Drawing.Words, 0, 0n, 0, 0UL, 0UL, 0u))

    /// One vector of a group's first half (words 0 and 1 of blocks) and of its second half (words 2 and 3).
    static member inline private Blocks
        (block: uint32, seed: uint64, stream: uint64, step: uint32, [<InlineIfLambda>] emit: 'V -> 'V -> unit)
        =
        let word (x: uint32) = 'W.CreateInt(int64 (int x))
        let m0 = word Philox.M0
        let m1 = word Philox.M1
        let w0 = word Philox.W0
        let w1 = word Philox.W1
        let mutable k0 = word (uint32 seed)
        let mutable k1 = word (uint32 (seed >>> 32))
        let mutable c0 = 'W.AddInt(word block, 'W.ShiftRight('W.Indices, 1))
        let mutable c1 = word step
        let mutable c2 = word (uint32 stream)
        let mutable c3 = word (uint32 (stream >>> 32))

        for _ in 1..10 do
            let p0 = 'W.MulHalves(c0, m0)
            let p1 = 'W.MulHalves(c2, m1)
            c0 <- 'W.Xor('W.Xor('W.HalvesDown p1, c1), k0)
            c2 <- 'W.Xor('W.Xor('W.HalvesDown p0, c3), k1)
            c1 <- p1
            c3 <- p0
            k0 <- 'W.AddInt(k0, w0)
            k1 <- 'W.AddInt(k1, w1)

        let low = 'W.HalvesDown('W.CreateInt -1L)
        emit ('W.Or('W.And(c0, low), 'W.HalvesUp c1)) ('W.Or('W.And(c2, low), 'W.HalvesUp c3))

    static member inline private Fraction(word: 'V) : 'V =
        'W.Mul('W.OfInt('W.ShiftRight(word, 8)), 'W.Create 5.9604644775390625e-8f)

    /// Elements of whole groups.
    [<FullyOptimized>]
    static member private Groups
        (drawing: Drawing, groups: int, d: nativeint, group: uint32, seed: uint64, stream: uint64, step: uint32)
        =
        let bytes = if drawing = Drawing.Coarse then 256n else 128n
        let mutable d = d

        for g in 0 .. groups - 1 do
            let mutable at = 0n

            while at < 64n do
                let q = d + at

                RandomSource<'W, 'V>
                    .Blocks(
                        (group + uint32 g) * 8u + uint32 (at / 8n),
                        seed,
                        stream,
                        step,
                        fun x y ->
                            if drawing = Drawing.Uniform then
                                'W.Store(q, RandomSource<'W, 'V>.Fraction x)
                                'W.Store(q + 64n, RandomSource<'W, 'V>.Fraction y)
                            elif drawing = Drawing.Coarse then
                                let scale = 'W.Create 1.52587890625e-5f
                                let lower (v: 'V) = 'W.ShiftRight('W.ShiftLeft(v, 16), 16)
                                'W.Store(q, 'W.Mul('W.OfInt(lower x), scale))
                                'W.Store(q + 64n, 'W.Mul('W.OfInt('W.ShiftRight(x, 16)), scale))
                                'W.Store(q + 128n, 'W.Mul('W.OfInt(lower y), scale))
                                'W.Store(q + 192n, 'W.Mul('W.OfInt('W.ShiftRight(y, 16)), scale))
                            elif drawing = Drawing.Normal then
                                let rest = 'W.Sub('W.Create 1.0f, RandomSource<'W, 'V>.Fraction x)
                                let square = 'W.Mul('W.Create -2.0f, VectorMath<'W, 'V>.Log rest)
                                let radius = 'W.Sqrt square
                                let angle = 'W.Mul('W.Create 6.28318548f, RandomSource<'W, 'V>.Fraction y)
                                'W.Store(q, 'W.Mul(radius, VectorMath<'W, 'V>.Cos angle))
                                'W.Store(q + 64n, 'W.Mul(radius, VectorMath<'W, 'V>.Sin angle))
                            else
                                'W.Store(q, x)
                                'W.Store(q + 64n, y)
                    )

                at <- at + 'W.Bytes

            d <- d + bytes

    static member private Draw
        (drawing: Drawing, n: int, d: nativeint, position: int, seed: uint64, stream: uint64, step: uint32)
        : unit =
        let length = if drawing = Drawing.Coarse then 64 else 32
        let aside = NativePtr.toNativeInt (NativePtr.stackalloc<float32> 64)
        let mutable i = 0

        while i < n do
            let first = (position + i) % length
            let group = uint32 ((position + i) / length)
            let target = d + 4n * nativeint i

            if first = 0 && n - i >= length then
                let groups = (n - i) / length
                RandomSource<'W, 'V>.Groups(drawing, groups, target, group, seed, stream, step)
                i <- i + groups * length
            else
                // Part of a group.
                let count = min (length - first) (n - i)
                RandomSource<'W, 'V>.Groups(drawing, 1, aside, group, seed, stream, step)
                Mem.copy target (aside + 4n * nativeint first) (4L * int64 count)
                i <- i + count

    override _.Words(n, d, position, seed, stream, step) =
        RandomSource<'W, 'V>.Draw(Drawing.Words, n, d, position, seed, stream, step)

    override _.Uniform(n, d, position, seed, stream, step) =
        RandomSource<'W, 'V>.Draw(Drawing.Uniform, n, d, position, seed, stream, step)

    override _.Coarse(n, d, position, seed, stream, step) =
        RandomSource<'W, 'V>.Draw(Drawing.Coarse, n, d, position, seed, stream, step)

    override _.Normal(n, d, position, seed, stream, step) =
        RandomSource<'W, 'V>.Draw(Drawing.Normal, n, d, position, seed, stream, step)

/// The source of each width.
[<AbstractClass; Sealed>]
type internal RandomBits private () =

    /// The source for a width of vectors.
    static member At(width: Width) : RandomSource =
        match width with
        | Width.W512 -> RandomSource<Lanes512<float32>, Vector512<float32>>()
        | Width.W256 -> RandomSource<Lanes256<float32>, Vector256<float32>>()
        | _ -> RandomSource<Lanes128<float32>, Vector128<float32>>()
