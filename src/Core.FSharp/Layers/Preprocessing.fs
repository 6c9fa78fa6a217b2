namespace FunctionalNet

open System
open System.Collections.Generic

/// <summary>Options of the layers that prepare data.</summary>
[<AutoOpen>]
module PreprocessingTypes =

    /// <summary>Mean and variance of data, float64, over the axes that are kept.</summary>
    type Moments =
        {
            /// <summary>The mean of every feature.</summary>
            Mean: Tensor
            /// <summary>The variance of every feature, of the data as a whole population.</summary>
            Variance: Tensor
        }

    /// <summary>Arguments of Normalization; <c>Normalization.options</c> has Keras's defaults.</summary>
    type NormalizationOptions =
        {
            /// <summary>The axes of the features, of which every position has a mean and a variance. Default: [-1]. Empty for one
            /// mean and variance of everything (Keras: None).</summary>
            Axis: int list
            /// <summary>Means, one per feature or one for all; empty to keep them as state of the layer.</summary>
            Mean: float list
            /// <summary>Variances, as many as means.</summary>
            Variance: float list
            /// <summary>True goes from normalised values back. Default: false.</summary>
            Invert: bool
            /// <summary>First values of the layer's state, which <c>Normalization.adapt</c> learns. They are weights, no argument:
            /// a configuration does not have them. Default: None, for 0 and 1.</summary>
            Adapted: Moments option
        }

    /// <summary>Arguments of Rescaling; <c>Rescaling.options</c> has Keras's defaults.</summary>
    type RescalingOptions =
        {
            /// <summary>The factor: one number, or one per position of the last axis.</summary>
            Scale: float list
            /// <summary>What is added: one number, or one per position of the last axis. Default: 0.</summary>
            Offset: float list
        }

/// Mean and variance of data that comes in parts.
module internal Moments =

    let private refuse (expected: string) (actual: string) (hint: string) =
        raise (DataException("Data cannot be adapted to.", "Normalization", expected, actual, hint))

    /// Axes from the front, ascending.
    let private kept (axes: int list) (rank: int) : int[] =
        axes
        |> List.map (fun axis ->
            match Shape.normalizeAxis rank axis with
            | Some a -> a
            | None -> refuse ("data that has axis " + string axis) ("rank " + string rank) "Change the layer's axis.")
        |> List.distinct
        |> List.sort
        |> List.toArray

    /// Sizes of the kept axes, and mean and variance of one batch over the others, with their count.
    let private ofBatch (axes: int list) (batch: Tensor) : struct (int[] * float[] * float[] * int) =
        let dims = batch.Shape.ToArray()
        let kept = kept axes dims.Length
        let sizes = kept |> Array.map (fun a -> dims[a])
        let features = Array.fold (*) 1 sizes

        // Where an element's feature is: a stride per axis, 0 for those that are averaged.
        let strides = Array.zeroCreate dims.Length
        let mutable stride = 1

        for a in Array.rev kept do
            strides[a] <- stride
            stride <- stride * dims[a]

        let values = batch.ToDoubles()
        let count = if features = 0 then 0 else values.Length / features
        let place: int[] = Array.zeroCreate dims.Length
        let feature: int[] = Array.zeroCreate values.Length
        let mutable current = 0

        for i in 0 .. values.Length - 1 do
            feature[i] <- current
            let mutable axis = dims.Length - 1

            while axis >= 0 do
                place[axis] <- place[axis] + 1
                current <- current + strides[axis]

                if place[axis] < dims[axis] then
                    axis <- -1
                else
                    current <- current - strides[axis] * dims[axis]
                    place[axis] <- 0
                    axis <- axis - 1

        let mean: float[] = Array.zeroCreate features
        let variance: float[] = Array.zeroCreate features

        for i in 0 .. values.Length - 1 do
            mean[feature[i]] <- mean[feature[i]] + values[i]

        for f in 0 .. features - 1 do
            mean[f] <- mean[f] / float count

        for i in 0 .. values.Length - 1 do
            let d = values[i] - mean[feature[i]]
            variance[feature[i]] <- variance[feature[i]] + d * d

        for f in 0 .. features - 1 do
            variance[f] <- variance[f] / float count

        struct (sizes, mean, variance, count)

    /// Rows of features that come one by one, 128 at a time, as Keras batches them.
    let private batched (batches: Tensor seq) : Tensor seq =
        seq {
            let rows = List<Tensor>()

            let stacked () =
                let all = Tensor.OfRows [| for row in rows -> row.ToDoubles() |]
                rows.Clear()
                all

            for batch in batches do
                if batch.Rank = 1 then
                    rows.Add batch
                    if rows.Count = 128 then yield stacked ()
                else
                    yield batch

            if rows.Count > 0 then yield stacked ()
        }

    /// Mean and variance of all parts together: every part weighs as many elements as it has.
    let ofBatches (axes: int list) (batches: Tensor seq) : Moments =
        let mutable total = 0L
        let mutable sizes: int[] = [||]
        let mutable mean: float[] = [||]
        let mutable variance: float[] = [||]

        for batch in batches do
            let struct (own, batchMean, batchVariance, count) = ofBatch axes batch

            if total = 0L then
                sizes <- own
                mean <- Array.zeroCreate batchMean.Length
                variance <- Array.zeroCreate batchMean.Length
            elif own <> sizes then
                refuse
                    ("features of shape " + (Shape.Of sizes).ToString())
                    ((Shape.Of own).ToString())
                    "Give every batch the same features."

            if count > 0 then
                total <- total + int64 count
                let share = float count / float total

                for f in 0 .. mean.Length - 1 do
                    let joined = mean[f] * (1.0 - share) + batchMean[f] * share
                    let before, here = mean[f] - joined, batchMean[f] - joined

                    variance[f] <-
                        (variance[f] + before * before) * (1.0 - share) + (batchVariance[f] + here * here) * share

                    mean[f] <- joined

        if total = 0L then
            refuse "data of one element or more" "none" "Adapt to the data that the model will be trained on."

        { Mean = Tensor.Of(Shape.Of sizes, mean); Variance = Tensor.Of(Shape.Of sizes, variance) }

    let ofRowsOrBatches (axes: int list) (batches: Tensor seq) : Moments = ofBatches axes (batched batches)

/// <summary>The Normalization layer: (x - mean) / sqrt variance.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Normalization =

    /// <summary>Keras's defaults: mean and variance are state of the layer, 0 and 1 until set.</summary>
    let options: NormalizationOptions =
        { Axis = [ -1 ]; Mean = []; Variance = []; Invert = false; Adapted = None }

    let private adaptable (options: NormalizationOptions) =
        if not options.Mean.IsEmpty then
            LayerCheck.argument
                "Normalization.mean"
                "none, for a layer that is adapted"
                (string options.Mean.Length + " numbers")
                "Give mean and variance, or adapt."

    /// <summary>The options with the mean and the variance of data as first values of the layer's state. Keras: adapt.</summary>
    /// <param name="data">All of the data, the batch first.</param>
    /// <param name="options">Options without a fixed mean.</param>
    /// <exception cref="T:FunctionalNet.DataException">There are no data, or they lack an axis.</exception>
    let adapt (data: Tensor) (options: NormalizationOptions) : NormalizationOptions =
        adaptable options
        { options with Adapted = Some(Moments.ofBatches options.Axis [ data ]) }

    /// <summary>The same over batches, which are read once: a dataset, a list, any sequence. Elements of rank 1 are rows.</summary>
    /// <param name="batches">The data in parts, the batch first.</param>
    /// <param name="options">Options without a fixed mean.</param>
    /// <exception cref="T:FunctionalNet.DataException">There are no data, or batches have different features.</exception>
    let adaptTo (batches: Tensor seq) (options: NormalizationOptions) : NormalizationOptions =
        adaptable options
        { options with Adapted = Some(Moments.ofRowsOrBatches options.Axis batches) }

    let private run (o: NormalizationOptions) (scope: Scope) (x: Expr) =
        let x = LayerCheck.floating scope x
        let axes = LayerCheck.axes "Normalization" o.Axis x
        let sizes = axes |> Array.map (fun a -> x.Shape[a])

        let wrong (number: int) =
            raise (
                ShapeException(
                    "Normalization has another number of features than its input.",
                    "",
                    string number + " features on axes [" + String.Join(", ", o.Axis) + "]",
                    x.Shape.ToString(),
                    "Give one mean and one variance per feature."
                )
            )

        let fixedValue (values: float list) =
            let wanted = Array.fold (*) 1 sizes
            if values.Length <> 1 && values.Length <> wanted then wrong values.Length
            let all = if values.Length = 1 then Array.create wanted values.Head else List.toArray values
            Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of sizes, all))

        let state name usual (adapted: Moments -> Tensor) =
            let first =
                match o.Adapted with
                | None -> usual
                | Some moments ->
                    let values = adapted moments
                    if not (values.Shape.Equals(Shape.Of sizes)) then wrong values.Size
                    Initializer.create (fun _ _ _ -> values.ToDoubles())

            scope.State(name, Shape.Of sizes, scope.FloatType, first)

        let mean, variance =
            if o.Mean.IsEmpty then
                let mean = state "mean" Initializer.zeros (fun m -> m.Mean)
                let variance = state "variance" Initializer.ones (fun m -> m.Variance)
                scope.State("count", Shape.Scalar, DType.Int32, Initializer.zeros) |> ignore
                mean, variance
            else
                fixedValue o.Mean, fixedValue o.Variance

        let mean = LayerCheck.alignTo x axes mean
        let deviation = Ops.maximum (Ops.sqrt (LayerCheck.alignTo x axes variance)) (Expr.Scalar(x.DType, 1e-7))
        if o.Invert then mean + x * deviation else (x - mean) / deviation

    let internal definition: LayerClass<NormalizationOptions> =
        let numbers key get set : Field<NormalizationOptions> =
            let write (values: float list) =
                match values with
                | [] -> Some Null
                | [ one ] -> Some(Float one)
                | many -> Some(ConfigValue.List(List.map Float many))

            let read where value =
                match value with
                | Null -> []
                | value -> ConfigRead.floats where value

            Field.nullable key write read get set

        let axis: Field<NormalizationOptions> =
            Field.nullable
                "axis"
                (fun axes ->
                    match axes with
                    | [] -> Some Null
                    | [ one ] -> Some(Int(int64 one))
                    | several -> Some(ConfigWrite.ints several))
                (fun where value ->
                    match value with
                    | Null -> []
                    | value -> ConfigRead.ints where value)
                _.Axis
                (fun v o -> { o with Axis = v })

        LayerClass.keepsMask
            "Normalization"
            options
            [ axis
              Field.bool "invert" _.Invert (fun v o -> { o with Invert = v })
              numbers "mean" _.Mean (fun v o -> { o with Mean = v })
              numbers "variance" _.Variance (fun v o -> { o with Variance = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            if o.Mean.Length <> o.Variance.Length then
                LayerCheck.argument
                    "Normalization"
                    "as many variances as means"
                    (string o.Mean.Length + " means, " + string o.Variance.Length + " variances")
                    "Give both, or neither."

            o)

/// <summary>The Rescaling layer: x scale + offset.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Rescaling =

    /// <summary>That factor and that offset for every number.</summary>
    let options (scale: float) (offset: float) : RescalingOptions = { Scale = [ scale ]; Offset = [ offset ] }

    let private run (o: RescalingOptions) (scope: Scope) (x: Expr) =
        let x = LayerCheck.floating scope x

        let number (values: float list) =
            match values with
            | [ one ] -> Expr.Scalar(x.DType, one)
            | several ->
                if x.Rank < 1 || x.Shape[-1] <> several.Length then
                    raise (
                        ShapeException(
                            "Rescaling has another number of features than its input.",
                            "",
                            string several.Length + " on the last axis",
                            x.Shape.ToString(),
                            "Give one number per position of the last axis, or one for all."
                        )
                    )

                Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of several.Length, List.toArray several))

        let scaled = x * number o.Scale
        if o.Offset = [ 0.0 ] then scaled else scaled + number o.Offset

    let internal definition: LayerClass<RescalingOptions> =
        let numbers key get set : Field<RescalingOptions> =
            let write (values: float list) =
                match values with
                | [ one ] -> Some(Float one)
                | several -> Some(ConfigValue.List(List.map Float several))

            Field.make key write ConfigRead.floats get set

        LayerClass.keepsMask
            "Rescaling"
            (options 1.0 0.0)
            [ numbers "scale" _.Scale (fun v o -> { o with Scale = v }) |> Field.required
              numbers "offset" _.Offset (fun v o -> { o with Offset = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            if o.Scale.IsEmpty || o.Offset.IsEmpty then
                LayerCheck.argument "Rescaling.scale" "one number or more" "none" "1 leaves numbers as they are."

            o)
