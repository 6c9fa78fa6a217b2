namespace FunctionalNet

open System

/// <summary>The sizes of a tensor's axes, outermost first; a scalar has none. Compared by value.</summary>
[<Sealed>]
type Shape private (dims: int[]) =

    static let scalar = Shape([||])

    /// <summary>The shape of a scalar: no axes, one element.</summary>
    static member Scalar = scalar

    /// <summary>A shape of the given sizes, which are copied.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">A size is negative.</exception>
    static member Of([<ParamArray>] dims: int[]) =
        for d in dims do
            if d < 0 then
                raise (
                    ShapeException(
                        "A shape has a negative size.",
                        "",
                        "sizes of 0 or more",
                        "(" + String.Join(", ", dims) + ")",
                        "Unknown sizes are only allowed in the input of a model."
                    )
                )

        if dims.Length = 0 then scalar else Shape(Array.copy dims)

    /// <summary>Number of axes.</summary>
    member _.Rank = dims.Length

    /// <summary>The size of one axis; a negative axis counts from the end.</summary>
    member _.Item
        with get (axis: int) = dims[if axis < 0 then axis + dims.Length else axis]

    /// <summary>Number of elements: the product of the sizes, 1 for a scalar.</summary>
    member _.Size =
        let mutable n = 1

        for d in dims do
            n <- Checked.(*) n d

        n

    /// <summary>The sizes, without a copy.</summary>
    member _.Dims = ReadOnlySpan<int>(dims)

    /// <summary>A fresh array of the sizes.</summary>
    member _.ToArray() = Array.copy dims

    /// <summary>The sizes as text, such as <c>(2, 3)</c>.</summary>
    override _.ToString() =
        match dims.Length with
        | 0 -> "()"
        | 1 -> "(" + string dims[0] + ",)"
        | _ -> "(" + String.Join(", ", dims) + ")"

    /// <summary>True when both have the same sizes in the same order.</summary>
    member _.Equals(other: Shape) = other.Dims.SequenceEqual(ReadOnlySpan<int>(dims))

    override this.Equals(other: obj | null) =
        match other with
        | :? Shape as s -> this.Equals(s)
        | _ -> false

    override _.GetHashCode() =
        let mutable h = 17

        for d in dims do
            h <- h * 31 + d

        h

    interface IEquatable<Shape> with
        member this.Equals(other: Shape | null) =
            match other with
            | null -> false
            | s -> this.Equals(s)

/// <summary>Arithmetic on shapes: pure functions that say no by returning None.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Shape =

    /// <summary>A shape of the given sizes.</summary>
    let ofArray (dims: int[]) = Shape.Of(dims)

    /// <summary>The axis as an index from the front, or None when it is out of range.</summary>
    let normalizeAxis (rank: int) (axis: int) =
        let a = if axis < 0 then axis + rank else axis
        if a >= 0 && a < rank then Some a else None

    /// <summary>The shape two shapes broadcast to by NumPy's rule, or None.</summary>
    let broadcast (a: Shape) (b: Shape) =
        if a.Equals b then
            Some a
        else
            let rank = max a.Rank b.Rank
            let dims = Array.zeroCreate rank
            let mutable ok = true

            for i in 0 .. rank - 1 do
                let x = if i < rank - a.Rank then 1 else a[i - (rank - a.Rank)]
                let y = if i < rank - b.Rank then 1 else b[i - (rank - b.Rank)]

                if x = y || y = 1 then dims[i] <- x
                elif x = 1 then dims[i] <- y
                else ok <- false

            if ok then Some(ofArray dims) else None

    /// <summary>Row-major strides, in elements.</summary>
    let strides (shape: Shape) =
        let s = Array.zeroCreate shape.Rank
        let mutable n = 1

        for i in shape.Rank - 1 .. -1 .. 0 do
            s[i] <- n
            n <- n * shape[i]

        s

    /// <summary>The shape without the given axes (indices from the front).</summary>
    let removeAxes (axes: int[]) (shape: Shape) =
        shape.ToArray()
        |> Array.indexed
        |> Array.filter (fun (i, _) -> not (Array.contains i axes))
        |> Array.map snd
        |> ofArray

    /// <summary>The shape with the given axes (indices from the front) set to size 1.</summary>
    let keepAxes (axes: int[]) (shape: Shape) =
        shape.ToArray() |> Array.mapi (fun i d -> if Array.contains i axes then 1 else d) |> ofArray

    /// <summary>Length of a sliding window's result: floor((n + pads - effective window) / stride) + 1, 0 if it does
    /// not fit. The effective window is (window - 1) * dilation + 1.</summary>
    let slidingLength (n: int) (window: int) (stride: int) (dilation: int) (padLow: int) (padHigh: int) =
        let effective = (window - 1) * dilation + 1
        let room = n + padLow + padHigh - effective
        if room < 0 then 0 else room / stride + 1

    /// <summary>Keras's `same` padding of one axis as (low, high): the result has ceil(n / stride) elements and the odd
    /// cell goes to the high side.</summary>
    let samePadding (n: int) (window: int) (stride: int) (dilation: int) =
        let out = (n + stride - 1) / stride
        let effective = (window - 1) * dilation + 1
        let total = max ((out - 1) * stride + effective - n) 0
        struct (total / 2, total - total / 2)
