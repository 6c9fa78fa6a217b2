namespace FunctionalNet

open System

/// <summary>Options of the convolutions.</summary>
[<AutoOpen>]
module ConvolutionTypes =

    /// <summary>Arguments of Conv1D, 2D and 3D; <c>Conv.options filters kernelSize</c> has Keras's defaults. Lists have one
    /// number per spatial axis; a single number counts for all.</summary>
    [<NoEquality; NoComparison>]
    type ConvOptions =
        {
            /// <summary>Channels of the output.</summary>
            Filters: int
            /// <summary>Size of the window.</summary>
            KernelSize: int list
            /// <summary>Default: 1.</summary>
            Strides: int list
            /// <summary>Default: valid. Causal is for Conv1D only.</summary>
            Padding: Padding
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
            /// <summary>Default: 1.</summary>
            DilationRate: int list
            /// <summary>Channels are split into that many groups, convolved apart. Default: 1.</summary>
            Groups: int
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>Shape (window, channels / groups, filters). Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Shape (filters). Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Low-rank adaptation of the kernel. Default: none.</summary>
            Lora: LoraOptions
        }

    /// <summary>Arguments of Conv1DTranspose, 2D and 3D; <c>ConvTranspose.options filters kernelSize</c> has Keras's
    /// defaults.</summary>
    [<NoEquality; NoComparison>]
    type ConvTransposeOptions =
        {
            /// <summary>Channels of the output.</summary>
            Filters: int
            /// <summary>Size of the window.</summary>
            KernelSize: int list
            /// <summary>Default: 1.</summary>
            Strides: int list
            /// <summary>Default: valid.</summary>
            Padding: Padding
            /// <summary>Chooses among the lengths that the stride leaves open; None for Keras's rule.</summary>
            OutputPadding: int list option
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
            /// <summary>Default: 1.</summary>
            DilationRate: int list
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>Shape (window, filters, channels). Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Shape (filters). Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
        }

    /// <summary>Arguments of DepthwiseConv1D and 2D; <c>DepthwiseConv.options kernelSize</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type DepthwiseConvOptions =
        {
            /// <summary>Size of the window.</summary>
            KernelSize: int list
            /// <summary>Default: 1.</summary>
            Strides: int list
            /// <summary>Default: valid.</summary>
            Padding: Padding
            /// <summary>Output channels per input channel. Default: 1.</summary>
            DepthMultiplier: int
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
            /// <summary>Default: 1.</summary>
            DilationRate: int list
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>Shape (window, channels, multiplier). Default: Glorot uniform.</summary>
            Depthwise: WeightOptions
            /// <summary>Shape (channels * multiplier). Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
        }

    /// <summary>Arguments of SeparableConv1D and 2D; <c>SeparableConv.options filters kernelSize</c> has Keras's
    /// defaults.</summary>
    [<NoEquality; NoComparison>]
    type SeparableConvOptions =
        {
            /// <summary>Channels of the output.</summary>
            Filters: int
            /// <summary>Size of the window.</summary>
            KernelSize: int list
            /// <summary>Default: 1.</summary>
            Strides: int list
            /// <summary>Default: valid. Causal is for SeparableConv1D only.</summary>
            Padding: Padding
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
            /// <summary>Default: 1.</summary>
            DilationRate: int list
            /// <summary>Channels between the two steps, per input channel. Default: 1.</summary>
            DepthMultiplier: int
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>Shape (window, channels, multiplier). Default: Glorot uniform.</summary>
            Depthwise: WeightOptions
            /// <summary>Shape (1, ..., channels * multiplier, filters). Default: Glorot uniform.</summary>
            Pointwise: WeightOptions
            /// <summary>Shape (filters). Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
        }

/// What the four kinds of convolution have in common.
module internal ConvolutionParts =

    let strided where (strides: int list) (dilations: int list) =
        if List.exists (fun s -> s > 1) strides && List.exists (fun d -> d > 1) dilations then
            LayerCheck.argument
                where
                "strides of 1 where the dilation is above 1"
                ("strides " + String.Join(",", strides) + ", dilation " + String.Join(",", dilations))
                "Use one of the two."

    let padding rank (get: 'o -> Padding) set : Field<'o> =
        let cases = [ "valid", Padding.Valid; "same", Padding.Same; if rank = 1 then "causal", Padding.Causal ]

        Field.choice "padding" cases get set

    let causal kind rank (padding: Padding) =
        match padding with
        | Padding.Causal when rank > 1 ->
            LayerCheck.argument (kind + ".padding") "valid or same" "causal" "Causal padding is for one spatial axis."
        | _ -> ()

    let check kind rank (x: Expr) = LayerCheck.rank kind (rank + 2) ("(batch, " + string rank + " spatial, channels)") x

    /// Bias and activation on channels-last data, then the penalty. An activation along an axis, such as softmax, sees the
    /// layout of the layer, as in Keras.
    let finish (scope: Scope) format useBias (bias: WeightOptions) (activation: Activation) regularizer (x: Expr) =
        let sum = if useBias then x + (bias |> Weight.declare scope "bias" [| x.Shape[-1] |]) else x

        let output =
            match format with
            | DataFormat.ChannelsFirst when not (Activation.isElementwise activation) ->
                scope.Rounded sum |> Ops.moveAxis -1 1 |> activation.Apply |> Ops.moveAxis 1 -1
            | _ -> activation.Apply(scope.Rounded sum)

        LayerCheck.activity scope regularizer output
        output

/// <summary>Convolution layers.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Conv =

    /// <summary>Keras's defaults for that many filters and that window.</summary>
    let options (filters: int) (kernelSize: int list) : ConvOptions =
        { Filters = filters
          KernelSize = kernelSize
          Strides = [ 1 ]
          Padding = Padding.Valid
          DataFormat = DataFormat.ChannelsLast
          DilationRate = [ 1 ]
          Groups = 1
          Activation = Activation.linear
          UseBias = true
          Kernel = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None
          Lora = Lora.none }

    let private run kind rank (o: ConvOptions) (scope: Scope) (x: Expr) =
        ConvolutionParts.check kind rank x

        LayerCheck.floating scope x
        |> LayerCheck.inChannelsLast o.DataFormat (fun x ->
            let channels = x.Shape[-1]

            if channels % o.Groups <> 0 then
                raise (
                    ShapeException(
                        kind + " cannot split the channels into groups.",
                        "",
                        "channels divisible by " + string o.Groups,
                        x.Shape.ToString(),
                        "Change groups or the number of channels."
                    )
                )

            let shape = Array.append (List.toArray o.KernelSize) [| channels / o.Groups; o.Filters |]
            let kernel = LowRank.declare scope "kernel" shape o.Kernel o.Lora

            // The bias comes before the matrices in the order of weights.
            if LowRank.isOn o.Lora && o.UseBias then
                o.Bias |> Weight.declare scope "bias" [| o.Filters |] |> ignore

            let kernel =
                match LowRank.matrices scope "kernel" shape o.Kernel o.Lora with
                | ValueSome matrices -> LowRank.merged o.Lora kernel matrices
                | ValueNone -> kernel

            Ops.conv (List.toArray o.Strides) o.Padding (List.toArray o.DilationRate) o.Groups kernel x
            |> ConvolutionParts.finish scope o.DataFormat o.UseBias o.Bias o.Activation o.ActivityRegularizer)

    let private lora (o: ConvOptions) = o.Lora
    let private withLora lora (o: ConvOptions) = { o with Lora = lora }

    let private definition rank : LayerClass<ConvOptions> =
        let kind = "Conv" + string rank + "D"

        LayerClass.dropsMask
            kind
            (options 1 [ 1 ])
            ([ Field.required (Field.int "filters" _.Filters (fun v o -> { o with Filters = v }))
               Field.required (Field.ints "kernel_size" _.KernelSize (fun v o -> { o with KernelSize = v }))
               Field.ints "strides" _.Strides (fun v o -> { o with Strides = v })
               ConvolutionParts.padding rank _.Padding (fun v o -> { o with Padding = v })
               LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })
               Field.ints "dilation_rate" _.DilationRate (fun v o -> { o with DilationRate = v })
               Field.int "groups" _.Groups (fun v o -> { o with Groups = v })
               LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })
               Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v }) ]
             @ LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v }) ]
             @ LowRank.fields lora withLora)
            (run kind rank)
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (kind + ".filters") o.Filters
            LayerCheck.positive (kind + ".groups") o.Groups
            ConvolutionParts.causal kind rank o.Padding

            if o.Filters % o.Groups <> 0 then
                LayerCheck.argument
                    (kind + ".groups")
                    "filters divisible by groups"
                    (string o.Filters + " filters, " + string o.Groups + " groups")
                    "Change one of them."

            ConvolutionParts.strided kind o.Strides o.DilationRate
            LowRank.check kind o.Kernel o.Lora

            { o with
                KernelSize = LayerCheck.perAxis (kind + ".kernel_size") rank o.KernelSize
                Strides = LayerCheck.perAxis (kind + ".strides") rank o.Strides
                DilationRate = LayerCheck.perAxis (kind + ".dilation_rate") rank o.DilationRate })
        |> LayerClass.changing (LowRank.variants "kernel" (fun _ -> []) lora withLora)

    let internal definitions = [| for rank in 1..3 -> definition rank |]

/// <summary>Transposed convolution layers.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ConvTranspose =

    /// <summary>Keras's defaults for that many filters and that window.</summary>
    let options (filters: int) (kernelSize: int list) : ConvTransposeOptions =
        { Filters = filters
          KernelSize = kernelSize
          Strides = [ 1 ]
          Padding = Padding.Valid
          OutputPadding = None
          DataFormat = DataFormat.ChannelsLast
          DilationRate = [ 1 ]
          Activation = Activation.linear
          UseBias = true
          Kernel = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None }

    let private run kind rank (o: ConvTransposeOptions) (scope: Scope) (x: Expr) =
        ConvolutionParts.check kind rank x

        LayerCheck.floating scope x
        |> LayerCheck.inChannelsLast o.DataFormat (fun x ->
            let kernel =
                o.Kernel
                |> Weight.declare
                    scope
                    "kernel"
                    (Array.append (List.toArray o.KernelSize) [| o.Filters; x.Shape[-1] |])

            Ops.convTranspose
                (List.toArray o.Strides)
                o.Padding
                (Option.map List.toArray o.OutputPadding)
                (List.toArray o.DilationRate)
                kernel
                x
            |> ConvolutionParts.finish scope o.DataFormat o.UseBias o.Bias o.Activation o.ActivityRegularizer)

    let private definition rank : LayerClass<ConvTransposeOptions> =
        let kind = "Conv" + string rank + "DTranspose"

        LayerClass.dropsMask
            kind
            (options 1 [ 1 ])
            ([ Field.required (Field.int "filters" _.Filters (fun v o -> { o with Filters = v }))
               Field.required (Field.ints "kernel_size" _.KernelSize (fun v o -> { o with KernelSize = v }))
               Field.ints "strides" _.Strides (fun v o -> { o with Strides = v })
               LayerField.padding _.Padding (fun v o -> { o with Padding = v })
               Field.intsOption "output_padding" _.OutputPadding (fun v o -> { o with OutputPadding = v })
               LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })
               Field.ints "dilation_rate" _.DilationRate (fun v o -> { o with DilationRate = v })
               LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })
               Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v }) ]
             @ LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v })
                 // Keras writes the argument of the base class, which transposed convolutions do not use.
                 Field.fixedTo "groups" [ Int 1L ] ])
            (run kind rank)
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (kind + ".filters") o.Filters
            ConvolutionParts.causal kind 2 o.Padding
            ConvolutionParts.strided kind o.Strides o.DilationRate

            let spread (values: int list) = if values.Length = 1 then List.replicate rank values.Head else values

            { o with
                KernelSize = LayerCheck.perAxis (kind + ".kernel_size") rank o.KernelSize
                Strides = LayerCheck.perAxis (kind + ".strides") rank o.Strides
                OutputPadding = Option.map spread o.OutputPadding
                DilationRate = LayerCheck.perAxis (kind + ".dilation_rate") rank o.DilationRate })

    let internal definitions = [| for rank in 1..3 -> definition rank |]

/// <summary>Depthwise convolution layers: every channel by itself.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module DepthwiseConv =

    /// <summary>Keras's defaults for that window.</summary>
    let options (kernelSize: int list) : DepthwiseConvOptions =
        { KernelSize = kernelSize
          Strides = [ 1 ]
          Padding = Padding.Valid
          DepthMultiplier = 1
          DataFormat = DataFormat.ChannelsLast
          DilationRate = [ 1 ]
          Activation = Activation.linear
          UseBias = true
          Depthwise = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None }

    let private run kind rank (o: DepthwiseConvOptions) (scope: Scope) (x: Expr) =
        ConvolutionParts.check kind rank x

        LayerCheck.floating scope x
        |> LayerCheck.inChannelsLast o.DataFormat (fun x ->
            let kernel =
                o.Depthwise
                |> Weight.declare
                    scope
                    "kernel"
                    (Array.append (List.toArray o.KernelSize) [| x.Shape[-1]; o.DepthMultiplier |])

            Ops.depthwiseConv (List.toArray o.Strides) o.Padding (List.toArray o.DilationRate) kernel x
            |> ConvolutionParts.finish scope o.DataFormat o.UseBias o.Bias o.Activation o.ActivityRegularizer)

    let private definition rank : LayerClass<DepthwiseConvOptions> =
        let kind = "DepthwiseConv" + string rank + "D"

        LayerClass.dropsMask
            kind
            (options [ 1 ])
            ([ Field.required (Field.ints "kernel_size" _.KernelSize (fun v o -> { o with KernelSize = v }))
               Field.ints "strides" _.Strides (fun v o -> { o with Strides = v })
               LayerField.padding _.Padding (fun v o -> { o with Padding = v })
               Field.int "depth_multiplier" _.DepthMultiplier (fun v o -> { o with DepthMultiplier = v })
               LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })
               Field.ints "dilation_rate" _.DilationRate (fun v o -> { o with DilationRate = v })
               LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })
               Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v }) ]
             @ LayerField.weight "depthwise" _.Depthwise (fun v o -> { o with Depthwise = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v }) ])
            (run kind rank)
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (kind + ".depth_multiplier") o.DepthMultiplier
            ConvolutionParts.causal kind 2 o.Padding
            ConvolutionParts.strided kind o.Strides o.DilationRate

            { o with
                KernelSize = LayerCheck.perAxis (kind + ".kernel_size") rank o.KernelSize
                Strides = LayerCheck.perAxis (kind + ".strides") rank o.Strides
                DilationRate = LayerCheck.perAxis (kind + ".dilation_rate") rank o.DilationRate })

    let internal definitions = [| for rank in 1..2 -> definition rank |]

/// <summary>Separable convolution layers: every channel by itself, then a convolution of window 1 that mixes them.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module SeparableConv =

    /// <summary>Keras's defaults for that many filters and that window.</summary>
    let options (filters: int) (kernelSize: int list) : SeparableConvOptions =
        { Filters = filters
          KernelSize = kernelSize
          Strides = [ 1 ]
          Padding = Padding.Valid
          DataFormat = DataFormat.ChannelsLast
          DilationRate = [ 1 ]
          DepthMultiplier = 1
          Activation = Activation.linear
          UseBias = true
          Depthwise = Weight.glorot
          Pointwise = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None }

    let private run kind rank (o: SeparableConvOptions) (scope: Scope) (x: Expr) =
        ConvolutionParts.check kind rank x

        LayerCheck.floating scope x
        |> LayerCheck.inChannelsLast o.DataFormat (fun x ->
            let channels = x.Shape[-1]

            let depthwise =
                o.Depthwise
                |> Weight.declare
                    scope
                    "depthwise_kernel"
                    (Array.append (List.toArray o.KernelSize) [| channels; o.DepthMultiplier |])

            let pointwise =
                o.Pointwise
                |> Weight.declare
                    scope
                    "pointwise_kernel"
                    (Array.append (Array.create rank 1) [| channels * o.DepthMultiplier; o.Filters |])

            let ones = Array.create rank 1

            x
            |> Ops.depthwiseConv (List.toArray o.Strides) o.Padding (List.toArray o.DilationRate) depthwise
            |> Ops.conv ones Padding.Valid ones 1 pointwise
            |> ConvolutionParts.finish scope o.DataFormat o.UseBias o.Bias o.Activation o.ActivityRegularizer)

    let private definition rank : LayerClass<SeparableConvOptions> =
        let kind = "SeparableConv" + string rank + "D"

        LayerClass.dropsMask
            kind
            (options 1 [ 1 ])
            ([ Field.required (Field.int "filters" _.Filters (fun v o -> { o with Filters = v }))
               Field.required (Field.ints "kernel_size" _.KernelSize (fun v o -> { o with KernelSize = v }))
               Field.ints "strides" _.Strides (fun v o -> { o with Strides = v })
               ConvolutionParts.padding rank _.Padding (fun v o -> { o with Padding = v })
               LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })
               Field.ints "dilation_rate" _.DilationRate (fun v o -> { o with DilationRate = v })
               Field.int "depth_multiplier" _.DepthMultiplier (fun v o -> { o with DepthMultiplier = v })
               LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })
               Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v }) ]
             @ LayerField.weight "depthwise" _.Depthwise (fun v o -> { o with Depthwise = v })
             @ LayerField.weight "pointwise" _.Pointwise (fun v o -> { o with Pointwise = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v }) ])
            (run kind rank)
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (kind + ".filters") o.Filters
            LayerCheck.positive (kind + ".depth_multiplier") o.DepthMultiplier
            ConvolutionParts.causal kind rank o.Padding
            ConvolutionParts.strided kind o.Strides o.DilationRate

            { o with
                KernelSize = LayerCheck.perAxis (kind + ".kernel_size") rank o.KernelSize
                Strides = LayerCheck.perAxis (kind + ".strides") rank o.Strides
                DilationRate = LayerCheck.perAxis (kind + ".dilation_rate") rank o.DilationRate })

    let internal definitions = [| for rank in 1..2 -> definition rank |]
