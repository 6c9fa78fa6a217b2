namespace FunctionalNet.Kernels

open System
open FunctionalNet
open FunctionalNet.Common

/// What a random kernel writes.
type internal RandomFillKind =
    | Uniform = 0
    | Normal = 1
    | Bits = 2

/// Fills a buffer with numbers that depend on (seed, stream, step, index) only.
[<Sealed>]
type internal RandomFillKernel
    (kind: RandomFillKind, dtype: DType, count: int, seed: nativeint, step: nativeint, stream: uint64, dst: nativeint) =
    inherit Kernel()

    let grain = 8192

    let write (i: int) (value: float) =
        if i < count then
            if dtype = DType.Float32 then Mem.set<float32> dst i (float32 value) else Mem.set<float> dst i value

    /// A pair of normal numbers from two words (Box and Muller).
    let pair (i: int) (w0: uint32) (w1: uint32) =
        let radius = Math.Sqrt(-2.0 * Math.Log(1.0 - float (Philox.toUniform w0)))
        let angle = 2.0 * Math.PI * float (Philox.toUniform w1)
        write i (radius * Math.Cos angle)
        write (i + 1) (radius * Math.Sin angle)

    override _.Chunks(_) = (count + grain - 1) / grain

    override _.Run(_, chunk) =
        let seed = uint64 (Mem.get<int64> seed 0)
        let step = uint32 (Mem.get<int64> step 0)
        let first = chunk * grain
        let stop = min count (first + grain)

        // Uniform numbers come from the vector loop; the others block by block.
        let mutable i = if kind = RandomFillKind.Uniform then stop else first

        if kind = RandomFillKind.Uniform then
            let d = dst + nativeint first * nativeint (DType.size dtype)

            if dtype = DType.Float32 then
                TileMove<float32>.Uniform(stop - first, d, first, seed, stream, step)
            else
                TileMove<float>.Uniform(stop - first, d, first, seed, stream, step)

        while i < stop do
            let struct (w0, w1, w2, w3) = Philox.block seed stream step (uint32 i >>> 2)

            match kind with
            | RandomFillKind.Normal ->
                pair i w0 w1
                pair (i + 2) w2 w3
            | _ ->
                for j in 0 .. min 4 (stop - i) - 1 do
                    let w =
                        if j = 0 then w0
                        elif j = 1 then w1
                        elif j = 2 then w2
                        else w3
                    Mem.set<int64> dst (i + j) (int64 w)

            i <- i + 4

/// Random numbers.
[<AbstractClass; Sealed>]
type internal RandomFill private () =

    /// Uniform in [0, 1), 24 random bits.
    static member Uniform
        (dtype: DType, count: int, seed: nativeint, step: nativeint, stream: uint64, dst: nativeint)
        : Kernel =
        RandomFillKernel(RandomFillKind.Uniform, dtype, count, seed, step, stream, dst)

    /// Standard normal.
    static member Normal
        (dtype: DType, count: int, seed: nativeint, step: nativeint, stream: uint64, dst: nativeint)
        : Kernel =
        RandomFillKernel(RandomFillKind.Normal, dtype, count, seed, step, stream, dst)

    /// 32 random bits in an int64.
    static member Bits(count: int, seed: nativeint, step: nativeint, stream: uint64, dst: nativeint) : Kernel =
        RandomFillKernel(RandomFillKind.Bits, DType.Int64, count, seed, step, stream, dst)
