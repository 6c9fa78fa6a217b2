namespace FunctionalNet

open System
open System.Buffers
open System.Runtime.InteropServices

module private Rows =

    /// Within each row of `width` values, where the greatest is: NaN before everything, the first of equals.
    let inline argMax (width: int) (values: 'T[]) =
        Array.init (values.Length / width) (fun row ->
            let first = row * width
            let mutable best = first

            for i in first + 1 .. first + width - 1 do
                // Only NaN differs from itself.
                if values[i] > values[best] || (values[i] <> values[i] && values[best] = values[best]) then
                    best <- i

            best - first)

/// <summary>Concrete values: an immutable, row-major array of one element type. Nothing to dispose. Arithmetic happens on
/// <c>Expr</c>, never here.</summary>
/// <example><code>Tensor x = new float[,] { { 1, 2 }, { 3, 4 } };   // shape (2, 2), float32</code></example>
[<Sealed>]
type Tensor private (dtype: DType, shape: Shape, data: Array) =

    static let dtypeOf (element: Type) =
        if Type.op_Equality (element, typeof<float32>) then
            DType.Float32
        elif Type.op_Equality (element, typeof<float>) then
            DType.Float64
        elif Type.op_Equality (element, typeof<int>) then
            DType.Int32
        elif Type.op_Equality (element, typeof<int64>) then
            DType.Int64
        elif Type.op_Equality (element, typeof<bool>) then
            DType.Bool
        elif Type.op_Equality (element, typeof<sbyte>) then
            DType.Int8
        elif Type.op_Equality (element, typeof<BFloat16>) then
            DType.BFloat16
        else
            raise (
                DTypeException(
                    "A tensor cannot hold elements of this type.",
                    "",
                    "float, double, int, long, bool, sbyte or BFloat16",
                    element.Name,
                    "Convert the values first, for example to float."
                )
            )

    static let elementOf (data: Array) =
        match data.GetType().GetElementType() with
        | null -> typeof<obj>
        | element -> element

    static let checkSize (shape: Shape) (count: int) =
        if shape.Size <> count then
            raise (
                ShapeException(
                    "The number of values does not fit the shape.",
                    "",
                    string shape.Size + " values for shape " + shape.ToString(),
                    string count + " values",
                    "The product of the sizes must equal the number of values."
                )
            )

    static let bytesOf (data: Array) (size: int) =
        MemoryMarshal.CreateSpan(&MemoryMarshal.GetArrayDataReference(data), data.Length * size)

    /// A fresh one-dimensional array of `count` elements of the dtype.
    static let allocate (dtype: DType) (count: int) : Array =
        match dtype with
        | DType.Float32 -> Array.zeroCreate<float32> count
        | DType.Float64 -> Array.zeroCreate<float> count
        | DType.Int32 -> Array.zeroCreate<int> count
        | DType.Int64 -> Array.zeroCreate<int64> count
        | DType.Int8 -> Array.zeroCreate<sbyte> count
        | DType.BFloat16 -> Array.zeroCreate<BFloat16> count
        | _ -> Array.zeroCreate<bool> count

    /// <summary>The type of the elements.</summary>
    member _.DType = dtype

    /// <summary>The sizes of the axes.</summary>
    member _.Shape = shape

    /// <summary>Number of axes.</summary>
    member _.Rank = shape.Rank

    /// <summary>Number of elements.</summary>
    member _.Size = shape.Size

    /// The backing one-dimensional array, typed by DType. Shared, so never written.
    member internal _.Data = data

    /// The raw bytes of the elements, never to be written.
    member internal _.Bytes: ReadOnlySpan<byte> = Span<byte>.op_Implicit(bytesOf data (DType.size dtype))

    /// A one-dimensional array of zeros of the dtype.
    static member internal Allocate(dtype: DType, count: int) : Array = allocate dtype count

    /// Wraps a one-dimensional array that nobody else will write to.
    static member internal Wrap(shape: Shape, data: Array) =
        checkSize shape data.Length
        Tensor(dtypeOf (elementOf data), shape, data)

    /// A tensor from raw little-endian bytes.
    static member internal OfBytes(dtype: DType, shape: Shape, bytes: ReadOnlySpan<byte>) =
        checkSize shape (bytes.Length / DType.size dtype)
        let data = allocate dtype shape.Size
        bytes.CopyTo(bytesOf data (DType.size dtype))
        Tensor(dtype, shape, data)

    /// <summary>A tensor of that shape with a copy of the values, given in row-major order.</summary>
    /// <param name="shape">The sizes of the axes.</param>
    /// <param name="values">float, double, int, long or bool values, as many as the shape holds.</param>
    /// <exception cref="T:FunctionalNet.ShapeException">The count does not fit the shape.</exception>
    /// <exception cref="T:FunctionalNet.DTypeException">The element type is none of the five.</exception>
    static member Of<'T when 'T: unmanaged>(shape: Shape, values: ReadOnlySpan<'T>) =
        checkSize shape values.Length
        Tensor(dtypeOf typeof<'T>, shape, values.ToArray())

    /// <summary>A tensor of that shape with a copy of the values, given in row-major order.</summary>
    static member Of<'T when 'T: unmanaged>(shape: Shape, values: 'T[]) = Tensor.Of<'T>(shape, ReadOnlySpan<'T>(values))

    /// <summary>A tensor of that shape with a copy of the values, given in row-major order.</summary>
    static member Of<'T when 'T: unmanaged>(shape: Shape, values: ReadOnlyMemory<'T>) =
        Tensor.Of<'T>(shape, values.Span)

    /// <summary>A tensor of that shape whose values a function writes, in row-major order, into the tensor's own memory: large
    /// data is never in memory twice.</summary>
    /// <param name="shape">The sizes of the axes.</param>
    /// <param name="fill">Gets the memory, all zeros, and the shape; called once.</param>
    /// <exception cref="T:FunctionalNet.DTypeException">The element type is not float, double, int, long or bool.</exception>
    static member Create<'T when 'T: unmanaged>(shape: Shape, fill: SpanAction<'T, Shape>) =
        let dtype = dtypeOf typeof<'T>
        let data = Array.zeroCreate<'T> shape.Size
        fill.Invoke(Span<'T> data, shape)
        Tensor(dtype, shape, data)

    /// <summary>A tensor with the shape and a copy of the values of a rectangular array of any rank.</summary>
    static member OfArray(values: Array) =
        let dtype = dtypeOf (elementOf values)
        let data = allocate dtype values.Length
        (bytesOf values (DType.size dtype)).CopyTo(bytesOf data (DType.size dtype))
        Tensor(dtype, Shape.Of(Array.init values.Rank values.GetLength), data)

    /// <summary>A matrix from rows of equal length.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">The rows differ in length.</exception>
    static member OfRows<'T when 'T: unmanaged>(rows: 'T[][]) =
        let width = if rows.Length = 0 then 0 else rows[0].Length

        rows
        |> Array.iteri (fun i row ->
            if row.Length <> width then
                raise (
                    ShapeException(
                        "The rows differ in length.",
                        "row " + string i,
                        string width + " values, as in row 0",
                        string row.Length + " values",
                        "Pad or cut the rows to one length first."
                    )
                ))

        Tensor(dtypeOf typeof<'T>, Shape.Of(rows.Length, width), Array.concat rows)

    /// <summary>A scalar.</summary>
    static member Scalar<'T when 'T: unmanaged>(value: 'T) = Tensor(dtypeOf typeof<'T>, Shape.Scalar, [| value |])

    static member private Rounded(values: float[]) : float32[] =
        let rounded = GC.AllocateUninitializedArray<float32> values.Length

        for i in 0 .. values.Length - 1 do
            rounded[i] <- float32 values[i]

        rounded

    /// <summary>A tensor of the given float64 numbers converted to a dtype: rounded for Float32 (and once more
    /// for BFloat16), cut toward zero for integers (and limited to -128..127 for Int8), tested against zero for Bool.</summary>
    static member OfDoubles(dtype: DType, shape: Shape, values: float[]) =
        checkSize shape values.Length

        let data: Array =
            match dtype with
            | DType.Float32 -> Tensor.Rounded values
            | DType.Float64 -> Array.copy values
            | DType.Int32 -> Array.map int values
            | DType.Int64 -> Array.map int64 values
            | DType.Int8 -> Array.map (fun (v: float) -> sbyte (Math.Clamp(v, -128.0, 127.0))) values
            | DType.BFloat16 -> Array.map (fun (v: float) -> BFloat16.OfSingle(float32 v)) values
            | _ -> Array.map (fun v -> v <> 0.0) values

        Tensor(dtype, shape, data)

    /// <summary>A tensor whose elements are all the given number, converted to the dtype.</summary>
    static member Full(dtype: DType, shape: Shape, value: float) =
        if value = 0.0 then
            Tensor(dtype, shape, allocate dtype shape.Size)
        else
            Tensor.OfDoubles(dtype, shape, Array.create shape.Size value)

    /// <summary>A tensor of zeros (false for Bool).</summary>
    static member Zeros(dtype: DType, shape: Shape) = Tensor.Full(dtype, shape, 0.0)

    /// <summary>The elements in row-major order, without a copy.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">The type asked for is not the tensor's own.</exception>
    member _.AsSpan<'T when 'T: unmanaged>() : ReadOnlySpan<'T> =
        if elementOf data <> typeof<'T> then
            raise (
                DTypeException(
                    "The tensor holds another element type.",
                    "",
                    DType.name dtype,
                    typeof<'T>.Name,
                    "Ask for the tensor's own type, or convert with Cast."
                )
            )

        ReadOnlySpan<'T>(downcast data: 'T[])

    /// <summary>A fresh array of the elements in row-major order.</summary>
    /// <exception cref="T:FunctionalNet.DTypeException">The type asked for is not the tensor's own.</exception>
    member this.ToArray<'T when 'T: unmanaged>() : 'T[] = this.AsSpan<'T>().ToArray()

    /// <summary>The elements as float64 numbers in row-major order; true is 1.</summary>
    member _.ToDoubles() : float[] =
        match data with
        | :? (float32[]) as a -> Array.map float a
        | :? (float[]) as a -> Array.copy a
        | :? (int[]) as a -> Array.map float a
        | :? (int64[]) as a -> Array.map float a
        | :? (bool[]) as a -> Array.map (fun b -> if b then 1.0 else 0.0) a
        | :? (sbyte[]) as a -> Array.map float a
        | :? (BFloat16[]) as a -> Array.map (fun (b: BFloat16) -> float (b.ToSingle())) a
        | _ -> [||]

    /// <summary>The same values in another dtype, by the rules of <c>OfDoubles</c>; itself if it is that dtype already.</summary>
    member this.Cast(target: DType) =
        if target = dtype then
            this
        else
            match data, target with
            | (:? (int[]) as a), DType.Int64 -> Tensor(target, shape, Array.map int64 a)
            | (:? (int64[]) as a), DType.Int32 -> Tensor(target, shape, Array.map int a)
            | _ -> Tensor.OfDoubles(target, shape, this.ToDoubles())

    /// <summary>The same values under another shape of the same size; no copy.</summary>
    member _.Reshape(target: Shape) =
        checkSize target shape.Size
        Tensor(dtype, target, data)

    /// <summary>Rows first, first+1, ..., first+count-1 along the first axis, as a copy.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">The rows are not all there.</exception>
    member _.Rows(first: int, count: int) =
        if shape.Rank = 0 || first < 0 || count < 0 || first + count > shape[0] then
            raise (
                ShapeException(
                    "The rows are not all there.",
                    "",
                    (if shape.Rank = 0 then "a tensor with rows" else "rows within 0.." + string shape[0]),
                    "rows " + string first + ".." + string (first + count),
                    "Ask for fewer rows."
                )
            )

        let dims = shape.ToArray()
        let row = if dims[0] = 0 then 0 else shape.Size / dims[0]
        dims[0] <- count
        let part = allocate dtype (count * row)
        Array.Copy(data, first * row, part, 0, count * row)
        Tensor(dtype, Shape.Of(dims), part)

    /// <summary>For each row along the last axis, the index of its greatest element: the class that a row of probabilities
    /// or logits chooses. The first of equals wins; NaN counts as the greatest. As many indices as there are rows, in
    /// row-major order of the other axes; a vector is one row. NumPy: <c>argmax(axis=-1)</c>.</summary>
    /// <exception cref="T:FunctionalNet.ShapeException">A scalar has no rows, and an empty row has no greatest element.</exception>
    member _.ArgMax() : int[] =
        let width = if shape.Rank = 0 then 0 else shape[shape.Rank - 1]

        if width = 0 then
            raise (
                ShapeException(
                    "There is no greatest element.",
                    "ArgMax",
                    "a last axis with elements",
                    (if shape.Rank = 0 then "a scalar" else "shape " + shape.ToString()),
                    (if shape.Rank = 0 then "Reshape it to (1)." else "Check how the tensor was made.")
                )
            )

        match data with
        | :? (float32[]) as a -> Rows.argMax width a
        | :? (float[]) as a -> Rows.argMax width a
        | :? (int[]) as a -> Rows.argMax width a
        | :? (int64[]) as a -> Rows.argMax width a
        | :? (bool[]) as a -> Rows.argMax width a
        | :? (sbyte[]) as a -> Rows.argMax width a
        | :? (BFloat16[]) as a -> Rows.argMax width (a |> Array.map (fun (b: BFloat16) -> b.ToSingle()))
        | _ -> [||]

    /// <summary>True when shape, dtype and every bit of the elements are the same.</summary>
    member this.BitEquals(other: Tensor) =
        dtype = other.DType
        && shape.Equals other.Shape
        && MemoryExtensions.SequenceEqual(this.Bytes, other.Bytes)

    /// <summary>Dtype and shape, then the elements as NumPy prints them; large tensors are shortened by an ellipsis.</summary>
    override _.ToString() =
        let number (i: int) =
            match data with
            | :? (float32[]) as a -> float a[i]
            | :? (float[]) as a -> a[i]
            | :? (BFloat16[]) as a -> float (a[i].ToSingle())
            | _ -> 0.0

        let whole (i: int) =
            match data with
            | :? (int[]) as a -> int64 a[i]
            | :? (int64[]) as a -> a[i]
            | :? (bool[]) as a -> (if a[i] then 1L else 0L)
            | :? (sbyte[]) as a -> int64 a[i]
            | _ -> 0L

        let text = Format.elements dtype shape number whole
        DType.name dtype + " " + shape.ToString() + (if shape.Rank > 0 then "\n" else " ") + text

    /// <summary>A scalar.</summary>
    static member op_Implicit(value: float32) : Tensor = Tensor.Scalar value
    /// <summary>A vector of those values.</summary>
    static member op_Implicit(values: float32[]) : Tensor = Tensor.OfArray values
    /// <summary>A matrix of those values.</summary>
    static member op_Implicit(values: float32[,]) : Tensor = Tensor.OfArray values
    /// <summary>A rank-3 tensor of those values.</summary>
    static member op_Implicit(values: float32[,,]) : Tensor = Tensor.OfArray values
    /// <summary>A rank-4 tensor of those values.</summary>
    static member op_Implicit(values: float32[,,,]) : Tensor = Tensor.OfArray values
    /// <summary>A matrix from rows of equal length.</summary>
    static member op_Implicit(values: float32[][]) : Tensor = Tensor.OfRows values
    /// <summary>A vector of those values.</summary>
    static member op_Implicit(values: float[]) : Tensor = Tensor.OfArray values
    /// <summary>A matrix of those values.</summary>
    static member op_Implicit(values: float[,]) : Tensor = Tensor.OfArray values
    /// <summary>A matrix from rows of equal length.</summary>
    static member op_Implicit(values: float[][]) : Tensor = Tensor.OfRows values
    /// <summary>A vector of those values.</summary>
    static member op_Implicit(values: int[]) : Tensor = Tensor.OfArray values
    /// <summary>A matrix of those values.</summary>
    static member op_Implicit(values: int[,]) : Tensor = Tensor.OfArray values
    /// <summary>A matrix from rows of equal length.</summary>
    static member op_Implicit(values: int[][]) : Tensor = Tensor.OfRows values
    /// <summary>A vector of those values.</summary>
    static member op_Implicit(values: int64[]) : Tensor = Tensor.OfArray values
    /// <summary>A vector of those values.</summary>
    static member op_Implicit(values: bool[]) : Tensor = Tensor.OfArray values
