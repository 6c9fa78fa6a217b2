namespace FunctionalNet.Datasets

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open FunctionalNet

/// The tensors in an element, and an element of the same kind from other tensors.
[<NoEquality; NoComparison>]
type internal Structure<'T> = { Parts: 'T -> Tensor[]; Build: 'T -> Tensor[] -> 'T }

/// Kinds of elements that hold tensors.
module internal Structure =

    let private make<'A, 'T> (parts: 'A -> Tensor[]) (build: 'A -> Tensor[] -> 'A) : Structure<'T> =
        { Parts = fun element -> parts (unbox<'A>(box element))
          Build = fun element tensors -> unbox<'T>(box (build (unbox<'A>(box element)) tensors)) }

    /// The structure of a type, if its values hold tensors.
    let tryOf<'T> () : Structure<'T> voption =
        let kind = typeof<'T>

        if kind = typeof<Tensor> then
            ValueSome(make<Tensor, 'T> (fun t -> [| t |]) (fun _ parts -> parts[0]))
        elif kind = typeof<struct (Tensor * Tensor)> then
            ValueSome(
                make<struct (Tensor * Tensor), 'T> (fun (struct (a, b)) -> [| a; b |]) (fun _ parts ->
                    struct (parts[0], parts[1]))
            )
        elif kind = typeof<struct (Tensor * Tensor * Tensor)> then
            ValueSome(
                make<struct (Tensor * Tensor * Tensor), 'T> (fun (struct (a, b, c)) -> [| a; b; c |]) (fun _ parts ->
                    struct (parts[0], parts[1], parts[2]))
            )
        elif kind = typeof<Tensor * Tensor> then
            ValueSome(make<Tensor * Tensor, 'T> (fun (a, b) -> [| a; b |]) (fun _ parts -> parts[0], parts[1]))
        elif kind = typeof<Tensor * Tensor * Tensor> then
            ValueSome(
                make<Tensor * Tensor * Tensor, 'T> (fun (a, b, c) -> [| a; b; c |]) (fun _ parts ->
                    parts[0], parts[1], parts[2])
            )
        elif kind = typeof<Tensor[]> then
            ValueSome(make<Tensor[], 'T> id (fun _ parts -> parts))
        elif kind = typeof<TrainingData> then
            ValueSome(make<TrainingData, 'T> (fun d -> d.Parts) (fun d parts -> d.With parts))
        elif kind = typeof<ImageData> then
            ValueSome(make<ImageData, 'T> (fun d -> d.Parts) (fun d parts -> d.With parts))
        else
            ValueNone

    let private kinds =
        "Tensor, Tensor[], tuples of two or three tensors, TrainingData, ImageData, or a Table alone or in front of tensors"

    /// The structure of a type; an error if its values hold no tensors.
    let get<'T> (stage: string) : Structure<'T> =
        match tryOf<'T>() with
        | ValueSome s -> s
        | ValueNone ->
            raise (
                ArgumentValueException(
                    "Elements of this type cannot be put together to batches.",
                    stage,
                    kinds,
                    typeof<'T>.Name,
                    "Map the elements to tensors first (a FeatureSpace does that for a Table), or give a function that makes a batch of them."
                )
            )

    /// What fit, evaluate and predict make of an element: inputs; or inputs and targets; or with weights.
    let toTrainingData<'T> (stage: string) : 'T -> TrainingData =
        let kind = typeof<'T>

        if kind = typeof<TrainingData> then
            fun element -> unbox<TrainingData>(box element)
        elif kind = typeof<Tensor[]> then
            fun element -> TrainingData(unbox<Tensor[]>(box element), [||])
        elif kind = typeof<ImageData> then
            fun element ->
                let parts = unbox<ImageData>(box element).Parts
                TrainingData(parts[..0], parts[1..])
        else
            let structure = get<'T> stage

            fun element ->
                match structure.Parts element with
                | [| x |] -> TrainingData([| x |], [||])
                | [| x; y |] -> TrainingData(x, y)
                | parts -> TrainingData(parts[0], parts[1], parts[2])

/// Tensors put together along a new first axis, and taken apart.
module internal Stacking =

    /// The bytes of a tensor that nobody else has seen yet.
    let writable (tensor: Tensor) : Span<byte> =
        MemoryMarshal.CreateSpan(
            &MemoryMarshal.GetArrayDataReference(tensor.Data),
            tensor.Size * DType.size tensor.DType
        )

    let private refuse (stage: string) (part: int) (first: Tensor) (other: Tensor) (hint: string) : 'a =
        raise (
            DataException(
                "The elements of a batch do not fit together.",
                stage,
                DType.name first.DType + " " + first.Shape.ToString() + " for tensor " + string part,
                DType.name other.DType + " " + other.Shape.ToString(),
                hint
            )
        )

    /// One tensor of tensors that have all the same type.
    let stack (stage: string) (part: int) (rows: Tensor[]) : Tensor =
        let first = rows[0]
        let result = Tensor.Zeros(first.DType, Shape.Of(Array.append [| rows.Length |] (first.Shape.ToArray())))
        let target = writable result
        let size = if rows.Length = 0 then 0 else target.Length / rows.Length

        for i in 0 .. rows.Length - 1 do
            let row = rows[i]

            if row.DType <> first.DType || not (row.Shape.Equals first.Shape) then
                refuse stage part first row "Resize or cut the elements to one shape, or use a padded batch."

            row.Bytes.CopyTo(target.Slice(i * size, size))

        result

    /// Copies a tensor to the beginning of every axis of a larger one.
    let private place (source: Tensor) (target: Tensor) (row: int) =
        let from = source.Bytes
        let toward = writable target
        let size = DType.size source.DType
        let dims = source.Shape.ToArray()
        let outer = (target.Shape.ToArray())[1..]
        let rowBytes = toward.Length / target.Shape[0]

        if dims.Length = 0 then
            from.CopyTo(toward.Slice(row * rowBytes, size))
        elif source.Size > 0 then
            let run = dims[dims.Length - 1]
            let index = Array.zeroCreate<int>(dims.Length - 1)

            for block in 0 .. source.Size / run - 1 do
                let mutable offset = 0

                for axis in 0 .. dims.Length - 2 do
                    offset <- (offset + index[axis]) * outer[axis + 1]

                from
                    .Slice(block * run * size, run * size)
                    .CopyTo(toward.Slice(row * rowBytes + offset * size, run * size))
                let mutable axis = dims.Length - 2

                while axis >= 0 do
                    index[axis] <- index[axis] + 1

                    if index[axis] < dims[axis] then
                        axis <- -1
                    else
                        index[axis] <- 0
                        axis <- axis - 1

    /// One tensor of tensors of one rank, each filled up at the end of its axes. `wanted` has -1 for the greatest size.
    let pad (stage: string) (part: int) (wanted: int[] voption) (value: float) (rows: Tensor[]) : Tensor =
        let first = rows[0]

        for row in rows do
            if row.DType <> first.DType || row.Rank <> first.Rank then
                refuse stage part first row "Padding fills axes up; it makes no new ones."

        let greatest =
            Array.init first.Rank (fun axis -> rows |> Array.map (fun r -> r.Shape[axis]) |> Array.max)

        let dims =
            match wanted with
            | ValueNone -> greatest
            | ValueSome dims when dims.Length <> greatest.Length ->
                raise (
                    ArgumentValueException(
                        "A padded shape has the wrong number of axes.",
                        stage,
                        string greatest.Length + " axes for tensor " + string part,
                        string dims.Length,
                        "Give a size, or -1 for the greatest of the batch, for every axis of an element."
                    )
                )
            | ValueSome dims -> Array.map2 (fun d g -> if d < 0 then g else d) dims greatest

        for row in rows do
            for axis in 0 .. dims.Length - 1 do
                if row.Shape[axis] > dims[axis] then
                    raise (
                        DataException(
                            "An element is larger than the shape it should be padded to.",
                            stage,
                            "at most " + string dims[axis] + " on axis " + string axis,
                            row.Shape.ToString(),
                            "Cut it first, or give -1 for that axis."
                        )
                    )

        let result = Tensor.Full(first.DType, Shape.Of(Array.append [| rows.Length |] dims), value)
        rows |> Array.iteri (fun i row -> place row result i)
        result

    /// Number `i` along the first axis, without that axis.
    let row (tensor: Tensor) (i: int) : Tensor =
        let dims = tensor.Shape.ToArray()
        (tensor.Rows(i, 1)).Reshape(Shape.Of dims[1..])

    /// The common size of the first axis.
    let rowCount (stage: string) (tensors: Tensor[]) : int =
        if tensors.Length = 0 then
            raise (DataException("There is no data.", stage, "at least one tensor", "none", "Give the data's tensors."))

        for i in 0 .. tensors.Length - 1 do
            let t = tensors[i]

            if t.Rank = 0 || t.Shape[0] <> tensors[0].Shape[0] then
                raise (
                    DataException(
                        "Tensors have different numbers of rows.",
                        stage,
                        (if tensors[0].Rank = 0 then "a first axis" else string (tensors[0].Shape[0]) + " rows"),
                        "shape " + t.Shape.ToString() + " for tensor " + string i,
                        "The first axis of all tensors counts samples."
                    )
                )

        tensors[0].Shape[0]

    /// Batches one after another as one tensor.
    let concatenate (parts: Tensor[]) : Tensor =
        if parts.Length = 1 then
            parts[0]
        else
            let dims = parts[0].Shape.ToArray()
            dims[0] <- parts |> Array.sumBy (fun p -> p.Shape[0])
            let result = Tensor.Zeros(parts[0].DType, Shape.Of dims)
            let target = writable result
            let mutable offset = 0

            for part in parts do
                part.Bytes.CopyTo(target.Slice offset)
                offset <- offset + part.Bytes.Length

            result
