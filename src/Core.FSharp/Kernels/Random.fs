namespace FunctionalNet.Kernels

open System
open FunctionalNet
open FunctionalNet.Common

/// What a random kernel writes.
type internal RandomFillKind =
    | Uniform = 0
    | Normal = 1
    | Bits = 2
    | Coarse = 3

/// Fills a buffer with numbers that depend on (seed, stream, step, index) only.
[<Sealed>]
type internal RandomFillKernel
    (
        kind: RandomFillKind,
        dtype: DType,
        count: int,
        seed: nativeint,
        step: nativeint,
        stream: uint64,
        dst: nativeint,
        width: Width
    ) =
    inherit Kernel()

    let source = RandomBits.At width

    // Whole groups of the generator.
    let grain = 8192

    /// Numbers that float32 holds exactly, widened.
    let widen (n: int) (d: nativeint) (at: int) (seed: uint64) (step: uint32) =
        let aside = Scratch.Pointer

        if kind = RandomFillKind.Coarse then
            source.Coarse(n, aside, at, seed, stream, step)
        else
            source.Uniform(n, aside, at, seed, stream, step)

        Convert<float32, float>.Run(n, d, aside, 1)

    /// Normal numbers in full precision (Box and Muller).
    let normal (n: int) (d: nativeint) (at: int) (seed: uint64) (step: uint32) =
        let uniform (i: int) = float (Philox.toUniform (Philox.bits seed stream step (int64 i)))

        for i in 0 .. n - 1 do
            let struct (first, second) = Philox.pair (int64 (at + i))
            let radius = Math.Sqrt(-2.0 * Math.Log(1.0 - uniform (int first)))
            let angle = 2.0 * Math.PI * uniform (int second)
            Mem.set<float> d i (radius * (if int64 (at + i) = first then Math.Cos angle else Math.Sin angle))

    override _.Chunks(_) = (count + grain - 1) / grain

    override _.Run(_, chunk) =
        let seed = uint64 (Mem.get<int64> seed 0)
        let step = uint32 (Mem.get<int64> step 0)
        let first = chunk * grain
        let n = min grain (count - first)
        let d = dst + nativeint first * nativeint (DType.size dtype)

        match kind, dtype with
        | RandomFillKind.Uniform, DType.Float32 -> source.Uniform(n, d, first, seed, stream, step)
        | RandomFillKind.Coarse, DType.Float32 -> source.Coarse(n, d, first, seed, stream, step)
        | RandomFillKind.Normal, DType.Float32 -> source.Normal(n, d, first, seed, stream, step)
        | RandomFillKind.Normal, _ -> normal n d first seed step
        | RandomFillKind.Bits, _ ->
            source.Words(n, Scratch.Pointer, first, seed, stream, step)
            Convert<uint32, int64>.Run(n, d, Scratch.Pointer, 1)
        | _ -> widen n d first seed step

/// Random numbers.
[<AbstractClass; Sealed>]
type internal RandomFill private () =

    /// The kernel for a kind, type and width.
    static member Create
        (
            kind: RandomFillKind,
            dtype: DType,
            count: int,
            seed: nativeint,
            step: nativeint,
            stream: uint64,
            dst: nativeint,
            width: Width
        ) : Kernel =
        RandomFillKernel(kind, dtype, count, seed, step, stream, dst, width)

    /// Uniform in [0, 1), 24 random bits.
    static member Uniform(dtype, count, seed, step, stream, dst) : Kernel =
        RandomFill.Create(RandomFillKind.Uniform, dtype, count, seed, step, stream, dst, Width.current)

    /// Uniform in [0, 1), 16 random bits.
    static member Coarse(dtype, count, seed, step, stream, dst) : Kernel =
        RandomFill.Create(RandomFillKind.Coarse, dtype, count, seed, step, stream, dst, Width.current)

    /// Standard normal.
    static member Normal(dtype, count, seed, step, stream, dst) : Kernel =
        RandomFill.Create(RandomFillKind.Normal, dtype, count, seed, step, stream, dst, Width.current)

    /// 32 random bits in an int64.
    static member Bits(count, seed, step, stream, dst) : Kernel =
        RandomFill.Create(RandomFillKind.Bits, DType.Int64, count, seed, step, stream, dst, Width.current)
