namespace FunctionalNet

open System

/// <summary>Options of the pooling layers.</summary>
[<AutoOpen>]
module PoolingTypes =

    /// <summary>Arguments of the pooling layers; <c>Pool.options poolSize</c> has Keras's defaults. Lists have one number per
    /// spatial axis; a single number counts for all.</summary>
    type PoolOptions =
        {
            /// <summary>Size of the window. Keras's default for maxima: 2.</summary>
            PoolSize: int list
            /// <summary>Default: the window's size.</summary>
            Strides: int list option
            /// <summary>Default: valid.</summary>
            Padding: Padding
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of the global pooling layers; <c>GlobalPool.options</c> has Keras's defaults.</summary>
    type GlobalPoolOptions =
        {
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
            /// <summary>True leaves the spatial axes with size 1. Default: false.</summary>
            KeepDims: bool
        }

    /// <summary>Arguments of the adaptive pooling layers; <c>AdaptivePool.options outputSize</c> has Keras's defaults.</summary>
    type AdaptivePoolOptions =
        {
            /// <summary>Cells of the result per spatial axis; a single number counts for all.</summary>
            OutputSize: int list
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
        }

/// <summary>Maximum and average pooling over windows.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Pool =

    /// <summary>Keras's defaults for that window.</summary>
    let options (poolSize: int list) : PoolOptions =
        { PoolSize = poolSize
          Strides = None
          Padding = Padding.Valid
          DataFormat = DataFormat.ChannelsLast }

    let private definition prefix (pool: int[] -> int[] -> Padding -> Expr -> Expr) rank : LayerClass<PoolOptions> =
        let kind = prefix + string rank + "D"

        LayerClass.dropsMask
            kind
            (options [ 2 ])
            [ Field.ints "pool_size" _.PoolSize (fun v o -> { o with PoolSize = v })
              LayerField.padding _.Padding (fun v o -> { o with Padding = v })
              Field.intsOption "strides" _.Strides (fun v o -> { o with Strides = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            (fun (o: PoolOptions) scope x ->
                ConvolutionParts.check kind rank x
                let strides = Option.defaultValue o.PoolSize o.Strides

                LayerCheck.floating scope x
                |> LayerCheck.inChannelsLast
                    o.DataFormat
                    (pool (List.toArray o.PoolSize) (List.toArray strides) o.Padding))
        |> LayerClass.checkedBy (fun o ->
            ConvolutionParts.causal kind 2 o.Padding
            let size = LayerCheck.perAxis (kind + ".pool_size") rank o.PoolSize

            { o with
                PoolSize = size
                // Keras writes the strides it found.
                Strides = Some(LayerCheck.perAxis (kind + ".strides") rank (Option.defaultValue size o.Strides)) })

    let internal maxima = [| for rank in 1..3 -> definition "MaxPooling" Ops.maxPool rank |]
    let internal averages = [| for rank in 1..3 -> definition "AveragePooling" Ops.averagePool rank |]

/// <summary>Maximum and average over all of the spatial axes.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module GlobalPool =

    /// <summary>Keras's defaults.</summary>
    let options: GlobalPoolOptions = { DataFormat = DataFormat.ChannelsLast; KeepDims = false }

    let private spatial rank (format: DataFormat) =
        match format with
        | DataFormat.ChannelsLast -> [| 1..rank |]
        | DataFormat.ChannelsFirst -> [| 2 .. rank + 1 |]

    let private definition prefix (pool: int[] -> bool -> Flow -> Expr) rank : LayerClass<GlobalPoolOptions> =
        let kind = prefix + string rank + "D"

        LayerClass.flow
            kind
            options
            [ LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })
              Field.bool "keepdims" _.KeepDims (fun v o -> { o with KeepDims = v }) ]
            (fun (o: GlobalPoolOptions) scope x ->
                ConvolutionParts.check kind rank x.Value
                let x = x |> Flow.withValue (LayerCheck.floating scope x.Value)
                Flow.ofValue (pool (spatial rank o.DataFormat) o.KeepDims x))

    /// Masked steps do not count. Only sequences have masks.
    let private average (axes: int[]) (keepDims: bool) (x: Flow) : Expr =
        match x.Mask with
        | ValueSome mask when axes.Length = 1 && mask.Rank = 2 ->
            let weights = Ops.cast x.Value.DType mask |> Ops.expandDims (if axes[0] = 1 then 2 else 1)
            Ops.sum axes keepDims (x.Value * weights) / Ops.sum axes keepDims weights
        | _ -> Ops.mean axes keepDims x.Value

    let internal maxima =
        [| for rank in 1..3 -> definition "GlobalMaxPooling" (fun axes keep x -> Ops.max axes keep x.Value) rank |]

    let internal averages = [| for rank in 1..3 -> definition "GlobalAveragePooling" average rank |]

/// <summary>Maximum and average pooling to a given size. Window i of n goes from floor(i size / n) to ceil((i + 1) size / n),
/// so windows may overlap.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module AdaptivePool =

    /// <summary>Keras's defaults for that size of the result.</summary>
    let options (outputSize: int list) : AdaptivePoolOptions =
        { OutputSize = outputSize; DataFormat = DataFormat.ChannelsLast }

    /// First cell of every window, and the first behind it.
    let private windows (size: int) (count: int) =
        Array.init count (fun i -> struct (i * size / count, ((i + 1) * size + count - 1) / count))

    let private mean (axis: int) (count: int) (x: Expr) =
        let windows = windows x.Shape[axis] count

        let share i j =
            let struct (first, limit) = windows[i]
            if j >= first && j < limit then 1.0 / float (limit - first) else 0.0

        Resampling.mix axis (Array2D.init count x.Shape[axis] share) x

    /// Short windows name their last cell again: that changes no maximum.
    let private greatest (axis: int) (count: int) (x: Expr) =
        let windows = windows x.Shape[axis] count
        let longest = windows |> Array.fold (fun n (struct (first, limit)) -> max n (limit - first)) 1

        let cells =
            windows
            |> Array.collect (fun (struct (first, limit)) -> Array.init longest (fun i -> min (first + i) (limit - 1)))

        x
        |> Ops.take (Expr.Constant(Tensor.Of(Shape.Of(count, longest), cells))) axis
        |> Ops.max [| axis + 1 |] false

    let private definition prefix (pool: int -> int -> Expr -> Expr) rank : LayerClass<AdaptivePoolOptions> =
        let kind = prefix + string rank + "D"

        LayerClass.dropsMask
            kind
            (options [ 1 ])
            [ Field.required (Field.ints "output_size" _.OutputSize (fun v o -> { o with OutputSize = v }))
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            (fun (o: AdaptivePoolOptions) scope x ->
                ConvolutionParts.check kind rank x

                LayerCheck.floating scope x
                |> LayerCheck.inChannelsLast o.DataFormat (fun x ->
                    List.indexed o.OutputSize |> List.fold (fun x (i, count) -> pool (i + 1) count x) x))
        |> LayerClass.checkedBy (fun o ->
            { o with OutputSize = LayerCheck.perAxis (kind + ".output_size") rank o.OutputSize })

    let internal maxima = [| for rank in 1..3 -> definition "AdaptiveMaxPooling" greatest rank |]
    let internal averages = [| for rank in 1..3 -> definition "AdaptiveAveragePooling" mean rank |]
