namespace FunctionalNet

open System
open System.Runtime.InteropServices

/// <summary>Data as tensors ahead of a model.</summary>
[<AbstractClass; Sealed>]
type Arrays =

    /// <summary>Class numbers as rows with a 1 at the class and 0 elsewhere, for categorical_crossentropy: (..., classes) float32 for
    /// labels (...) or (..., 1). Keras: to_categorical, which gives float64.</summary>
    /// <param name="labels">Whole numbers from 0.</param>
    /// <param name="numClasses">Number of classes; by default one more than the greatest label.</param>
    /// <exception cref="T:FunctionalNet.DataException">A label is not a whole number of a class, or there is none.</exception>
    /// <example><code>Tensor rows = Arrays.ToCategorical(new[] { 0, 2, 1 }); // 1 0 0, 0 0 1, 0 1 0</code></example>
    static member ToCategorical
        (labels: Tensor, [<Optional; DefaultParameterValue(Nullable<int>())>] numClasses: Nullable<int>)
        : Tensor =
        let values = labels.ToDoubles()

        let wrong (expected: string) (actual: string) =
            raise (
                DataException(
                    "Labels cannot be made categorical.",
                    "to_categorical",
                    expected,
                    actual,
                    "Labels count from 0; the number of classes is above the greatest."
                )
            )

        if values.Length = 0 && not numClasses.HasValue then
            wrong "labels, or numClasses" "no labels"

        let classes = if numClasses.HasValue then numClasses.Value else int (Array.max values) + 1

        for v in values do
            if not (v >= 0.0 && v < float classes && v = Math.Floor v) then
                wrong
                    ("whole numbers from 0 to " + string (classes - 1))
                    (v.ToString(Globalization.CultureInfo.InvariantCulture))

        let dims = labels.Shape.ToArray()
        let dims = if dims.Length > 1 && dims[dims.Length - 1] = 1 then dims[.. dims.Length - 2] else dims
        let rows = Array.zeroCreate<float32>(values.Length * classes)
        Array.iteri (fun i (v: float) -> rows[i * classes + int v] <- 1.0f) values
        Tensor.Of(Shape.Of(Array.append dims [| classes |]), rows)

    /// <summary>A tensor whose vectors along an axis have the norm 1; vectors of zeros stay. Same shape; float32, or float64 for
    /// float64. Keras: normalize.</summary>
    /// <param name="x">Numbers.</param>
    /// <param name="axis">Along which axis; counted from the end if negative. Default: the last.</param>
    /// <param name="order">Which norm: 2 for lengths, 1 for sums of magnitudes, infinity for the greatest; another number p for the
    /// p-th root of the sum of powers. Default: 2.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such axis, or the order is not above 0.</exception>
    static member Normalize
        (
            x: Tensor,
            [<Optional; DefaultParameterValue(-1)>] axis: int,
            [<Optional; DefaultParameterValue(2.0)>] order: float
        ) : Tensor =
        let along = if axis < 0 then axis + x.Rank else axis

        if along < 0 || along >= x.Rank then
            raise (
                ArgumentValueException(
                    "The tensor has no such axis.",
                    "axis",
                    "-" + string x.Rank + " to " + string (x.Rank - 1),
                    string axis,
                    "Axes count from 0, or from the end."
                )
            )

        if not (order > 0.0) then
            raise (
                ArgumentValueException(
                    "The order of a norm is not valid.",
                    "order",
                    "a number above 0",
                    order.ToString(Globalization.CultureInfo.InvariantCulture),
                    "2 is the length of a vector."
                )
            )

        let values = x.ToDoubles()
        let dims = x.Shape.ToArray()
        let size = dims[along]
        let stride = dims[along + 1 ..] |> Array.fold (*) 1
        let outer = if size = 0 then 0 else values.Length / (size * stride)

        for o in 0 .. outer - 1 do
            for i in 0 .. stride - 1 do
                let at k = (o * size + k) * stride + i
                let mutable norm = 0.0

                for k in 0 .. size - 1 do
                    let v = abs values[at k]

                    norm <-
                        if Double.IsPositiveInfinity order then max norm v
                        elif order = 1.0 then norm + v
                        elif order = 2.0 then norm + v * v
                        else norm + v ** order

                let norm =
                    if Double.IsPositiveInfinity order || order = 1.0 then norm
                    elif order = 2.0 then sqrt norm
                    else norm ** (1.0 / order)

                if norm <> 0.0 then
                    for k in 0 .. size - 1 do
                        values[at k] <- values[at k] / norm

        Tensor.OfDoubles((if x.DType = DType.Float64 then DType.Float64 else DType.Float32), x.Shape, values)
