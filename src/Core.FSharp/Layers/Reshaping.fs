namespace FunctionalNet

open System
open FunctionalNet.Common

/// Layers that rearrange elements: Flatten, Reshape, Permute, RepeatVector, padding, cropping, up-sampling.
module internal Reshaping =

    let flatten: LayerClass<DataFormat> =
        LayerClass.dropsMask
            "Flatten"
            DataFormat.ChannelsLast
            [ LayerField.dataFormat id (fun v _ -> v) ]
            (fun format _ x ->
                LayerCheck.minRank "Flatten" 1 x

                match format with
                | DataFormat.ChannelsFirst when x.Rank > 2 -> x |> Ops.moveAxis 1 -1 |> Ops.flatten
                | _ -> if x.Rank = 1 then Ops.expandDims -1 x else Ops.flatten x)

    let reshape: LayerClass<int list> =
        LayerClass.dropsMask
            "Reshape"
            []
            [ Field.ints "target_shape" id (fun v _ -> v) |> Field.required ]
            (fun target _ x ->
                LayerCheck.minRank "Reshape" 1 x
                Ops.reshape (List.toArray (x.Shape[0] :: target)) x)
        |> LayerClass.checkedBy (fun target ->
            if
                target |> List.exists (fun d -> d < -1 || d = 0)
                || (target |> List.filter (fun d -> d = -1)).Length > 1
            then
                LayerCheck.argument
                    "Reshape.target_shape"
                    "positive sizes, one of which may be -1"
                    ("[" + String.Join(", ", target) + "]")
                    "The batch is not part of the target."

            target)

    let permute: LayerClass<int list> =
        LayerClass.dropsMask "Permute" [] [ Field.ints "dims" id (fun v _ -> v) |> Field.required ] (fun dims _ x ->
            LayerCheck.rank "Permute" (dims.Length + 1) "the batch and one axis per number of dims" x
            Ops.transpose (List.toArray (0 :: dims)) x)
        |> LayerClass.checkedBy (fun dims ->
            if List.sort dims <> [ 1 .. dims.Length ] then
                LayerCheck.argument
                    "Permute.dims"
                    "an order of the axes, counted from 1"
                    ("[" + String.Join(", ", dims) + "]")
                    "The batch stays first and is not named."

            dims)

    let repeatVector: LayerClass<int> =
        LayerClass.dropsMask "RepeatVector" 1 [ Field.int "n" id (fun v _ -> v) |> Field.required ] (fun n _ x ->
            LayerCheck.rank "RepeatVector" 2 "(batch, features)" x
            Ops.broadcastTo (Shape.Of(x.Shape[0], n, x.Shape[1])) (Ops.expandDims 1 x))
        |> LayerClass.checkedBy (fun n ->
            LayerCheck.positive "RepeatVector.n" n
            n)

/// <summary>Options of padding, cropping and up-sampling.</summary>
[<AutoOpen>]
module ReshapingTypes =

    /// <summary>Cells before and behind, for every spatial axis.</summary>
    type BorderOptions =
        {
            /// <summary>One pair per spatial axis.</summary>
            Cells: (int * int) list
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>How up-sampling fills in.</summary>
    [<RequireQualifiedAccess>]
    type Interpolation =
        /// <summary>Repeats cells.</summary>
        | Nearest
        /// <summary>Mixes the neighbours, with pixel centres at halves.</summary>
        | Bilinear
        /// <summary>Mixes four cells per axis by Keys' cubic (a = -0.5).</summary>
        | Bicubic
        /// <summary>Mixes six cells per axis by Lanczos' window of radius 3.</summary>
        | Lanczos3
        /// <summary>Mixes ten cells per axis by Lanczos' window of radius 5.</summary>
        | Lanczos5

    /// <summary>Arguments of UpSampling1D, 2D and 3D.</summary>
    type UpSamplingOptions =
        {
            /// <summary>Factor per spatial axis.</summary>
            Size: int list
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
            /// <summary>For 2D only. Default: nearest.</summary>
            Interpolation: Interpolation
        }

/// ZeroPadding and Cropping of 1 to 3 spatial axes.
module internal Borders =

    let private readCells rank where value : (int * int) list =
        let pair (value: ConfigValue) =
            match ConfigRead.ints where value with
            | [ n ] -> n, n
            | [ low; high ] -> low, high
            | _ -> raise (ConfigRead.wrong where "a number or a pair of numbers" value)

        match rank, value with
        | 1, value -> [ pair value ]
        | _, Int _ -> List.replicate rank (pair value)
        | _, value ->
            let items = ConfigRead.list where value

            if items.Length <> rank then
                raise (ConfigRead.wrong where (string rank + " numbers or pairs, one per spatial axis") value)

            List.map pair items

    let private writeCells rank (cells: (int * int) list) =
        let pair (low, high) = ConfigWrite.ints [ low; high ]
        Some(if rank = 1 then pair cells.Head else List(List.map pair cells))

    let private make
        (kind: string)
        (key: string)
        (rank: int)
        (start: int)
        (direction: int)
        : LayerClass<BorderOptions> =
        let cells = Field.make key (writeCells rank) (readCells rank) _.Cells (fun v o -> { o with Cells = v })

        let format: Field<BorderOptions> =
            LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })

        LayerClass.dropsMask
            kind
            { Cells = List.replicate rank (start, start); DataFormat = DataFormat.ChannelsLast }
            (if rank = 1 && key = "cropping" then [ cells ] else [ cells; format ])
            (fun o _ x ->
                LayerCheck.rank kind (rank + 2) ("(batch, " + string rank + " spatial, channels)") x

                x
                |> LayerCheck.inChannelsLast o.DataFormat (fun x ->
                    let amounts =
                        [| struct (0, 0)
                           for low, high in o.Cells do
                               struct (direction * low, direction * high)
                           struct (0, 0) |]

                    for i in 1..rank do
                        let struct (low, high) = amounts[i]

                        if low + high + x.Shape[i] <= 0 then
                            raise (
                                ShapeException(
                                    kind + " leaves nothing of an axis.",
                                    "",
                                    "an axis of more than " + string (-(low + high)) + " cells",
                                    x.Shape.ToString(),
                                    "Crop less."
                                )
                            )

                    Ops.pad amounts 0.0 x))
        |> LayerClass.checkedBy (fun o ->
            if o.Cells.Length <> rank || o.Cells |> List.exists (fun (low, high) -> low < 0 || high < 0) then
                LayerCheck.argument
                    (kind + "." + key)
                    (string rank + " pairs of numbers of 0 or more")
                    (string o.Cells.Length + " pairs")
                    "Give a pair per spatial axis."

            o)

    let zeroPadding = [| for rank in 1..3 -> make ("ZeroPadding" + string rank + "D") "padding" rank 1 1 |]

    let cropping =
        [| for rank in 1..3 ->
               let start = if rank = 2 then 0 else 1
               make ("Cropping" + string rank + "D") "cropping" rank start -1 |]

/// Resizing images.
module internal Resampling =

    /// Linear interpolation along one axis to a new size; centres of cells lie at halves, borders are repeated.
    let linear (axis: int) (size: int) (x: Expr) : Expr =
        let old = x.Shape[axis]
        let scale = float old / float size
        let place i = max 0.0 ((float i + 0.5) * scale - 0.5)
        let low = Array.init size (fun i -> min (int (place i)) (old - 1))
        let high = low |> Array.map (fun i -> min (i + 1) (old - 1))
        let share = Array.init size (fun i -> min 1.0 (place i - float low[i]))
        let dims = Array.create x.Rank 1
        dims[axis] <- size
        let at (places: int[]) = Ops.take (Expr.Constant(Tensor.Of(Shape.Of size, places))) axis x
        let mix = Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of dims, share))
        at low + (at high - at low) * mix

    /// The nearest cell along one axis: floor((i + 0.5) old / new) when centres count, as Keras does.
    let nearest (axis: int) (size: int) (x: Expr) : Expr =
        let old = x.Shape[axis]
        let places =
            Array.init size (fun i -> min (old - 1) (int (Math.Floor((float i + 0.5) * float old / float size))))
        Ops.take (Expr.Constant(Tensor.Of(Shape.Of size, places))) axis x

    /// The cells of one axis mixed: result i is the sum over j of weights[i, j] times cell j.
    let mix (axis: int) (weights: float[,]) (x: Expr) : Expr =
        let rows, columns = weights.GetLength 0, weights.GetLength 1
        let byCell = Array.init (columns * rows) (fun i -> weights[i % rows, i / rows])
        let matrix = Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of(columns, rows), byCell))
        Ops.matmul (Ops.moveAxis axis -1 x) matrix |> Ops.moveAxis -1 axis

    let private kernel (interpolation: Interpolation) : float -> float =
        match interpolation with
        | Interpolation.Nearest
        | Interpolation.Bilinear -> ResampleKernels.triangle.At
        | Interpolation.Bicubic -> ResampleKernels.cubic.At
        | Interpolation.Lanczos3 -> (ResampleKernels.lanczos 3.0).At
        | Interpolation.Lanczos5 -> (ResampleKernels.lanczos 5.0).At

    /// Weights from `old` cells to `size` cells. They sum to 1 at the borders too, where some cells are missing. With
    /// antialiasing, kernels widen as images shrink.
    let private weights interpolation antialias (old: int) (size: int) : float[,] =
        let step = float old / float size
        let width = if antialias then max step 1.0 else 1.0
        let place i = (float i + 0.5) * step - 0.5
        let weigh = kernel interpolation
        let raw = Array2D.init size old (fun i j -> weigh ((place i - float j) / width))
        let sums = Array.init size (fun i -> Seq.sum (seq { for j in 0 .. old - 1 -> raw[i, j] }))
        raw |> Array2D.mapi (fun i _ w -> w / sums[i])

    /// One axis in a new size.
    let resize (interpolation: Interpolation) (antialias: bool) (axis: int) (size: int) (x: Expr) : Expr =
        let old = x.Shape[axis]

        match interpolation with
        | _ when old = size -> x
        | Interpolation.Nearest -> nearest axis size x
        | Interpolation.Bilinear when not antialias || size >= old -> linear axis size x
        | _ -> mix axis (weights interpolation antialias old size) x

    let interpolationField get set : Field<'o> =
        Field.choice
            "interpolation"
            [ "nearest", Interpolation.Nearest
              "bilinear", Interpolation.Bilinear
              "bicubic", Interpolation.Bicubic
              "lanczos3", Interpolation.Lanczos3
              "lanczos5", Interpolation.Lanczos5 ]
            get
            set

    let private interpolation: Field<UpSamplingOptions> =
        interpolationField _.Interpolation (fun v o -> { o with Interpolation = v })

    let private upSampling rank : LayerClass<UpSamplingOptions> =
        let kind = "UpSampling" + string rank + "D"

        let size =
            if rank = 1 then
                Field.int "size" (fun (o: UpSamplingOptions) -> o.Size.Head) (fun v o -> { o with Size = [ v ] })
            else
                Field.ints "size" _.Size (fun v o -> { o with Size = v })

        let format: Field<UpSamplingOptions> =
            LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })

        let fields =
            match rank with
            | 1 -> [ size ]
            | 2 -> [ size; format; interpolation ]
            | _ -> [ size; format ]

        LayerClass.dropsMask
            kind
            { Size = List.replicate rank 2
              DataFormat = DataFormat.ChannelsLast
              Interpolation = Interpolation.Nearest }
            fields
            (fun o _ x ->
                LayerCheck.rank kind (rank + 2) ("(batch, " + string rank + " spatial, channels)") x

                x
                |> LayerCheck.inChannelsLast o.DataFormat (fun x ->
                    (x, List.indexed o.Size)
                    ||> List.fold (fun x (i, factor) ->
                        match o.Interpolation with
                        | _ when factor = 1 -> x
                        | Interpolation.Nearest -> Ops.repeat factor (i + 1) x
                        | how -> resize how false (i + 1) (x.Shape[i + 1] * factor) x)))
        |> LayerClass.checkedBy (fun o -> { o with Size = LayerCheck.perAxis (kind + ".size") rank o.Size })

    let upSamplings = [| for rank in 1..3 -> upSampling rank |]
