namespace FunctionalNet

/// <summary>Options of the locally connected layers.</summary>
[<AutoOpen>]
module LocallyConnectedTypes =

    /// <summary>Arguments of LocallyConnected1D and 2D (Keras 2); <c>LocallyConnected.options filters kernelSize</c> has the
    /// defaults. Lists have one number per spatial axis; a single number counts for all.</summary>
    [<NoEquality; NoComparison>]
    type LocallyConnectedOptions =
        {
            /// <summary>Channels of the output.</summary>
            Filters: int
            /// <summary>Size of the window.</summary>
            KernelSize: int list
            /// <summary>Default: 1.</summary>
            Strides: int list
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
            /// <summary>Default: linear.</summary>
            Activation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>Shape (places, window * channels, filters). Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Shape (places per axis, filters). Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
        }

/// <summary>Locally connected layers: convolutions with a kernel of its own at every place.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module LocallyConnected =

    /// <summary>Keras's defaults for that many filters and that window.</summary>
    let options (filters: int) (kernelSize: int list) : LocallyConnectedOptions =
        { Filters = filters
          KernelSize = kernelSize
          Strides = [ 1 ]
          DataFormat = DataFormat.ChannelsLast
          Activation = Activation.linear
          UseBias = true
          Kernel = Weight.glorot
          Bias = Weight.zeros
          ActivityRegularizer = None }

    /// (batch, spatial, channels) to (batch, places, window * channels), and the places per axis.
    let private patches (window: int list) (strides: int list) (x: Expr) : struct (Expr * int[]) =
        let rank = window.Length
        let window, strides = List.toArray window, List.toArray strides
        let places = Array.init rank (fun i -> (x.Shape[i + 1] - window[i]) / strides[i] + 1)

        // Spatial axis i becomes the axes (place, cell) at 1 + 2 i.
        let cut (x: Expr) i =
            let cells = Array.init (places[i] * window[i]) (fun t -> t / window[i] * strides[i] + t % window[i])

            Ops.take (Expr.Constant(Tensor.Of(Shape.Of(places[i], window[i]), cells))) (1 + 2 * i) x

        let cut = [ 0 .. rank - 1 ] |> List.fold cut x

        let order =
            [| 0
               yield! [| for i in 0 .. rank - 1 -> 1 + 2 * i |]
               yield! [| for i in 0 .. rank - 1 -> 2 + 2 * i |]
               2 * rank + 1 |]

        let shape = [| x.Shape[0]; Array.fold (*) 1 places; Array.fold (*) x.Shape[-1] window |]
        struct (cut |> Ops.transpose order |> Ops.reshape shape, places)

    let private run kind rank (o: LocallyConnectedOptions) (scope: Scope) (x: Expr) =
        ConvolutionParts.check kind rank x

        LayerCheck.floating scope x
        |> LayerCheck.inChannelsLast o.DataFormat (fun x ->
            for i in 0 .. rank - 1 do
                if x.Shape[i + 1] < o.KernelSize[i] then
                    raise (
                        ShapeException(
                            kind + " got an input smaller than its window.",
                            "",
                            "at least " + string o.KernelSize[i] + " cells on spatial axis " + string i,
                            x.Shape.ToString(),
                            "Use a smaller window."
                        )
                    )

            let channels, cells = x.Shape[-1], List.fold (*) 1 o.KernelSize
            let struct (patches, places) = patches o.KernelSize o.Strides x
            let kernel =
                o.Kernel |> Weight.declare scope "kernel" [| patches.Shape[1]; patches.Shape[2]; o.Filters |]

            // With channels first, the kernel has them before the window too.
            let kernel =
                match o.DataFormat with
                | DataFormat.ChannelsLast -> kernel
                | DataFormat.ChannelsFirst ->
                    kernel
                    |> Ops.reshape [| patches.Shape[1]; channels; cells; o.Filters |]
                    |> Ops.swapAxes 1 2
                    |> Ops.reshape (kernel.Shape.ToArray())

            let product =
                Ops.einsum "npi,pif->npf" [| patches; kernel |]
                |> Ops.reshape (Array.concat [ [| x.Shape[0] |]; places; [| o.Filters |] ])

            let sum =
                if not o.UseBias then
                    product
                else
                    match o.DataFormat with
                    | DataFormat.ChannelsLast ->
                        product + (o.Bias |> Weight.declare scope "bias" (Array.append places [| o.Filters |]))
                    | DataFormat.ChannelsFirst ->
                        product
                        + (o.Bias
                           |> Weight.declare scope "bias" (Array.append [| o.Filters |] places)
                           |> Ops.moveAxis 0 -1)

            let output = o.Activation.Apply sum
            LayerCheck.activity scope o.ActivityRegularizer output
            output)

    let private definition rank : LayerClass<LocallyConnectedOptions> =
        let kind = "LocallyConnected" + string rank + "D"

        LayerClass.dropsMask
            kind
            (options 1 [ 1 ])
            ([ Field.required (Field.int "filters" _.Filters (fun v o -> { o with Filters = v }))
               Field.required (Field.ints "kernel_size" _.KernelSize (fun v o -> { o with KernelSize = v }))
               Field.ints "strides" _.Strides (fun v o -> { o with Strides = v })
               Field.fixedTo "padding" [ Text "valid" ]
               LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })
               LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })
               Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v }) ]
             @ LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
             @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
             @ [ LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v })
                 // The others compute the same with kernels of another form.
                 Field.fixedTo "implementation" [ Int 1L ] ])
            (run kind rank)
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (kind + ".filters") o.Filters

            { o with
                KernelSize = LayerCheck.perAxis (kind + ".kernel_size") rank o.KernelSize
                Strides = LayerCheck.perAxis (kind + ".strides") rank o.Strides })

    let internal definitions = [| definition 1; definition 2 |]
