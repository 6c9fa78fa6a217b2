namespace FunctionalNet

/// <summary>One encoded feature, or one cross.</summary>
[<Sealed>]
type EncodedFeature internal (name: string, size: int, offset: int, dtype: DType) =

    /// <summary>The feature's name, or the cross's.</summary>
    member _.Name = name

    /// <summary>Numbers per row; -1 if they depend on the batch.</summary>
    member _.Size = size

    /// <summary>Where it begins in the vector of all features; -1 where they are not joined.</summary>
    member _.Offset = offset

    /// <summary>Float32, or Int64 for whole numbers that stay as they are.</summary>
    member _.DType = dtype

/// A feature of a space, with what it has learnt.
[<NoEquality; NoComparison>]
type internal SpaceFeature =
    {
        Name: string
        Feature: Feature
        Preprocessor: Preprocessor
        /// Whether Adapt is for it.
        Learns: bool
        IsLearnt: bool
    }

/// A cross of a space, with its bins.
[<NoEquality; NoComparison>]
type internal SpaceCross = { Cross: FeatureCross; Dim: int; Crossing: HashedCrossing }

/// An encoded column: what comes out of a preprocessor or a crossing, and what becomes of it.
[<NoEquality; NoComparison>]
type internal EncodedPart =
    {
        Name: string
        Cells: Preprocessed
        /// Numbers per row before they are encoded.
        Width: int
        /// Length of one-hot vectors; ValueNone if numbers stay as they are.
        Depth: int voption
    }

module internal EncodedPart =

    /// Numbers per row in the result.
    let size (part: EncodedPart) = part.Depth |> ValueOption.defaultValue part.Width

    /// Writes a part into rows of a length, from a place in each on.
    let private write (part: EncodedPart) (rows: int) (target: float32[]) (length: int) (offset: int) : unit =
        match part.Cells, part.Depth with
        | Preprocessed.Ids ids, ValueSome depth ->
            for row in 0 .. rows - 1 do
                for i in row * part.Width .. (row + 1) * part.Width - 1 do
                    // Others are not counted, as in CategoryEncoding.
                    if ids[i] >= 0L && ids[i] < int64 depth then
                        target[row * length + offset + int ids[i]] <- 1.0f
        | Preprocessed.Floats values, _ ->
            for row in 0 .. rows - 1 do
                Array.blit values (row * part.Width) target (row * length + offset) part.Width
        | Preprocessed.Ids ids, ValueNone ->
            for row in 0 .. rows - 1 do
                for i in 0 .. part.Width - 1 do
                    target[row * length + offset + i] <- float32 ids[row * part.Width + i]

    /// All parts side by side.
    let join (rows: int) (parts: EncodedPart[]) : Tensor =
        let length = parts |> Array.sumBy size
        let values: float32[] = Array.zeroCreate (rows * length)
        let mutable offset = 0

        for part in parts do
            write part rows values length offset
            offset <- offset + size part

        Tensor.Of(Shape.Of(rows, length), values)

    /// One part by itself.
    let alone (rows: int) (part: EncodedPart) : Tensor =
        match part.Cells, part.Depth with
        | Preprocessed.Ids ids, ValueNone -> Tensor.Of(Shape.Of(rows, part.Width), ids)
        | _ -> join rows [| part |]
