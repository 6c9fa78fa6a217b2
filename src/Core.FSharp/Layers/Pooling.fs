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
            [ Field.ints "pool_size" (fun (o: PoolOptions) -> o.PoolSize) (fun v (o: PoolOptions) ->
                  { o with PoolSize = v })
              LayerField.padding (fun (o: PoolOptions) -> o.Padding) (fun v (o: PoolOptions) -> { o with Padding = v })
              Field.intsOption "strides" (fun (o: PoolOptions) -> o.Strides) (fun v (o: PoolOptions) ->
                  { o with Strides = v })
              LayerField.dataFormat (fun (o: PoolOptions) -> o.DataFormat) (fun v (o: PoolOptions) ->
                  { o with DataFormat = v }) ]
            (options [ 2 ])
            (fun (o: PoolOptions) scope x ->
                ConvolutionParts.check kind rank x
                let strides = Option.defaultValue o.PoolSize o.Strides

                LayerCheck.floating scope x
                |> LayerCheck.inChannelsLast
                    o.DataFormat
                    (pool (List.toArray o.PoolSize) (List.toArray strides) o.Padding))
        |> LayerClass.checkedBy (fun (o: PoolOptions) ->
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
            [ LayerField.dataFormat (fun (o: GlobalPoolOptions) -> o.DataFormat) (fun v (o: GlobalPoolOptions) ->
                  { o with DataFormat = v })
              Field.bool "keepdims" (fun (o: GlobalPoolOptions) -> o.KeepDims) (fun v (o: GlobalPoolOptions) ->
                  { o with KeepDims = v }) ]
            options
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
