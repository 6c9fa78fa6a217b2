namespace FunctionalNet

/// Counting values of images.
module internal Histogram =

    /// Counts of ids 0 .. size - 1 (int32, any shape), of a floating-point type.
    let count (dtype: DType) (size: int) (ids: Expr) : Expr =
        let flat = Ops.ravel ids
        Ops.scatterAdd 0 size flat (Ops.ones dtype flat.Shape)

/// <summary>The Solarization layer: in training bright pixels are inverted.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Solarization =

    /// <summary>Keras's defaults: every pixel is inverted.</summary>
    let options: SolarizationOptions =
        { AdditionFactor = [ 0.0 ]
          ThresholdFactor = [ 0.0 ]
          ValueRange = (0.0, 255.0)
          Seed = None
          DataFormat = DataFormat.ChannelsLast }

    let internal apply (o: SolarizationOptions) (scope: Scope) (x: Expr) =
        let draw name key factor =
            // Keras multiplies the upper bound only.
            let low, high = FactorBounds.strictShare "Solarization" key factor
            ImageDraw.perImage scope o.Seed name (low, high * 255.0) x

        let addition = draw "addition" "addition_factor" o.AdditionFactor
        let threshold = draw "threshold" "threshold_factor" o.ThresholdFactor
        let sum = Ops.clip 0.0 255.0 (Colors.rescale o.ValueRange (0.0, 255.0) x + addition)
        Colors.rescale (0.0, 255.0) o.ValueRange (Ops.where (Ops.less sum threshold) sum (255.0 - sum))

    let internal definition: ImageClass<SolarizationOptions> =
        ImageLayer.training
            "Solarization"
            options
            [ ImageField.factor "addition_factor" _.AdditionFactor (fun v o -> { o with AdditionFactor = v })
              ImageField.factor "threshold_factor" _.ThresholdFactor (fun v o -> { o with ThresholdFactor = v })
              ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
              ImageField.seed _.Seed (fun v o -> { o with Seed = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            apply
        |> ImageLayer.checkedBy (fun o ->
            FactorBounds.strictShare "Solarization" "addition_factor" o.AdditionFactor |> ignore
            FactorBounds.strictShare "Solarization" "threshold_factor" o.ThresholdFactor |> ignore
            o)

/// Every channel of every image stretched to the whole value range. As in Keras, a channel is what axes 1 and 2 make, also of
/// images with channels first.
module internal ImageContrast =

    let apply (range: float * float) (x: Expr) : Expr =
        let low = Ops.min [| 1; 2 |] true x
        let spread = Ops.max [| 1; 2 |] true x - low
        let flat = Ops.equal spread (Ops.zerosLike spread)
        let stretched = (x - low) / Ops.where flat (Ops.onesLike spread) spread
        Ops.where flat x (Colors.rescale (0.0, 1.0) range stretched)

    let definition: ImageClass<(float * float) * DataFormat> =
        ImageLayer.always
            "AutoContrast"
            ((0.0, 255.0), DataFormat.ChannelsLast)
            [ ImageField.valueRange fst (fun v (_, format) -> v, format)
              LayerField.dataFormat snd (fun v (range, _) -> range, v) ]
            snd
            (fun (range, format) x ->
                if format = DataFormat.ChannelsLast then
                    apply range x
                else
                    x |> Ops.moveAxis -1 1 |> apply range |> Ops.moveAxis 1 -1)

/// <summary>The Equalization layer: in training the values of every channel are spread evenly.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Equalization =

    /// <summary>Keras's defaults.</summary>
    let options: EqualizationOptions =
        { ValueRange = (0.0, 255.0); Bins = 256; DataFormat = DataFormat.ChannelsLast }

    /// The histogram of a channel is that of the whole batch, as in Keras.
    let internal apply (o: EqualizationOptions) (x: Expr) : Expr =
        let channels = x.Shape[3]
        let bytes = Colors.rescale o.ValueRange (0.0, 255.0) x
        let bin =
            Ops.clip 0.0 (float (o.Bins - 1)) (bytes * (float (o.Bins - 1) / 255.0)) |> Ops.cast DType.Int32
        let ids = bin + Ops.arange DType.Int32 channels * float o.Bins
        let counts = Histogram.count x.DType (channels * o.Bins) ids |> Ops.reshape [| channels; o.Bins |]
        let below = Ops.cumsum 1 counts
        let zero = Ops.zerosLike counts

        // The count of the lowest value that occurs.
        let total = float (x.Shape.Size / max 1 channels)
        let first = Ops.min [| 1 |] true (Ops.where (Ops.greater below zero) below (Ops.fullLike total below))
        let rest = total - first
        let uniform = Ops.equal rest (Ops.zerosLike rest)
        let table = (below - first) * 255.0 / Ops.where uniform (Ops.onesLike rest) rest
        let table = Ops.clip 0.0 255.0 (Ops.round table)
        let spread = Ops.take ids 0 (Ops.ravel table)
        let same = Ops.reshape [| 1; 1; 1; channels |] uniform
        Colors.rescale (0.0, 255.0) o.ValueRange (Ops.where same bytes spread)

    let internal definition: ImageClass<EqualizationOptions> =
        ImageLayer.training
            "Equalization"
            options
            [ ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
              Field.int "bins" _.Bins (fun v o -> { o with Bins = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            (fun o _ x -> apply o x)
        |> ImageLayer.checkedBy (fun o ->
            LayerCheck.positive "Equalization.bins" o.Bins
            o)

/// <summary>The ContrastLimitedAdaptiveHistogramEqualization layer: values are spread by the histograms of the tiles around
/// every pixel, whose counts are limited (CLAHE; Zuiderveld, 1994).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module AdaptiveEqualization =

    [<Literal>]
    let private Kind = "ContrastLimitedAdaptiveHistogramEqualization"

    [<Literal>]
    let private Levels = 256

    /// <summary>Keras's defaults.</summary>
    let options: AdaptiveEqualizationOptions =
        { ValueRange = (0.0, 255.0)
          ClipLimit = 4.0
          TileGridSize = [ 8; 8 ]
          DataFormat = DataFormat.ChannelsLast }

    /// What becomes of every level, from its counts (..., levels) in a tile of so many cells.
    let private tables (limit: float) (cells: int) (counts: Expr) : Expr =
        let counts =
            if limit > 0.0 then
                let clipped = Ops.clip 0.0 (limit * float cells / float Levels) counts
                clipped + Ops.sum [| -1 |] true (counts - clipped) / float Levels
            else
                counts

        let below = Ops.cumsum -1 counts
        let least = Ops.min [| -1 |] true below
        let rest = float cells - least
        let rest = Ops.where (Ops.equal rest (Ops.zerosLike rest)) (Ops.onesLike rest) rest
        Ops.clip 0.0 255.0 ((below - least) * 255.0 / rest)

    /// For every cell of a padded axis: the tile before its middle and the one behind, and the share of the second.
    let private neighbours (cells: int) (size: int) =
        let place i = (float i - float size / 2.0) / float size
        let inside tile = max 0 (min (cells - 1) tile)

        [| for i in 0 .. cells * size - 1 ->
               let low = floor (place i)
               struct (inside (int low), inside (int low + 1), place i - low) |]

    let private run (o: AdaptiveEqualizationOptions) (x: Expr) =
        let n, height, width, channels = x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
        let rows, columns = o.TileGridSize[0], o.TileGridSize[1]
        let tileRows, tileColumns = (height + rows - 1) / rows, (width + columns - 1) / columns
        let below, right = tileRows * rows - height, tileColumns * columns - width

        let bytes =
            Colors.rescale o.ValueRange (0.0, 255.0) x
            |> Ops.padSymmetric [| struct (0, 0); struct (0, below); struct (0, right); struct (0, 0) |]
            |> Ops.clip 0.0 255.0
            |> Ops.cast DType.Int32

        let number (count: int) dims = Ops.reshape dims (Ops.arange DType.Int32 count)
        let image = number n [| n; 1; 1; 1 |] * float (rows * columns)
        let channel = number channels [| 1; 1; 1; channels |] * float Levels

        /// Where the tables of tiles, one per row and column of cells, begin.
        let tableAt (tileRow: int[]) (tileColumn: int[]) =
            let constant (values: int[]) dims =
                Ops.reshape dims (Expr.Constant(Tensor.Of(Shape.Of values.Length, values)))

            let tile =
                constant tileRow [| 1; tileRow.Length; 1; 1 |] * float columns
                + constant tileColumn [| 1; 1; tileColumn.Length; 1 |]

            (image + tile) * float (channels * Levels) + channel

        let own =
            tableAt
                (Array.init (tileRows * rows) (fun i -> i / tileRows))
                (Array.init (tileColumns * columns) (fun i -> i / tileColumns))

        let tables =
            Histogram.count x.DType (n * rows * columns * channels * Levels) (own + bytes)
            |> Ops.reshape [| n * rows * columns * channels; Levels |]
            |> tables o.ClipLimit (tileRows * tileColumns)
            |> Ops.ravel

        let byRow, byColumn = neighbours rows tileRows, neighbours columns tileColumns
        let first = Array.map (fun (struct (a: int, _: int, _: float)) -> a)
        let second = Array.map (fun (struct (_: int, b: int, _: float)) -> b)
        let share = Array.map (fun (struct (_: int, _: int, s: float)) -> s)
        let read tileRow tileColumn = Ops.take (tableAt tileRow tileColumn + bytes) 0 tables

        let shares (values: float[]) dims =
            Ops.reshape dims (Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of values.Length, values)))

        let across = shares (share byColumn) [| 1; 1; byColumn.Length; 1 |]
        let down = shares (share byRow) [| 1; byRow.Length; 1; 1 |]
        let top =
            Colors.blend across (read (first byRow) (first byColumn)) (read (first byRow) (second byColumn))
        let bottom =
            Colors.blend across (read (second byRow) (first byColumn)) (read (second byRow) (second byColumn))

        Colors.blend down top bottom
        |> Cropping.between 0 0 height width
        |> Colors.rescale (0.0, 255.0) o.ValueRange

    let internal definition: ImageClass<AdaptiveEqualizationOptions> =
        ImageLayer.always
            Kind
            options
            [ ImageField.valueRange _.ValueRange (fun v o -> { o with ValueRange = v })
              Field.float "clip_limit" _.ClipLimit (fun v o -> { o with ClipLimit = v })
              Field.ints "tile_grid_size" _.TileGridSize (fun v o -> { o with TileGridSize = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            _.DataFormat
            run
        |> ImageLayer.checkedBy (fun o ->
            { o with TileGridSize = LayerCheck.perAxis (Kind + ".tile_grid_size") 2 o.TileGridSize })
