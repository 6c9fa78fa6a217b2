namespace FunctionalNet

open System

/// Draws first values part by part: as one array of float64 numbers those of a large matrix would take twice its memory.
[<AbstractClass>]
type internal Draw() =
    inherit OptimizedClosures.FSharpFunc<uint64, uint64, Shape, float[]>()

    /// Values for a shape from element `first` on, of that seed and stream.
    abstract Fill: seed: uint64 * stream: uint64 * shape: Shape * first: int * values: Span<float> -> unit

    override this.Invoke(seed: uint64, stream: uint64, shape: Shape) : float[] =
        let values = GC.AllocateUninitializedArray<float> shape.Size
        this.Fill(seed, stream, shape, 0, Span values)
        values

    override this.Invoke(seed: uint64) : uint64 -> Shape -> float[] =
        fun stream shape -> this.Invoke(seed, stream, shape)
