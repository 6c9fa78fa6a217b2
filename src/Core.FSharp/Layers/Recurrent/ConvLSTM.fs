namespace FunctionalNet

open FunctionalNet.Graph

/// <summary>Options of ConvLSTM.</summary>
[<AutoOpen>]
module ConvLSTMTypes =

    /// <summary>Arguments of ConvLSTM1D, 2D and 3D; <c>ConvLSTM.options filters kernelSize</c> has Keras's defaults. Lists
    /// have one number per spatial axis; a single number counts for all.</summary>
    [<NoEquality; NoComparison>]
    type ConvLSTMOptions =
        {
            /// <summary>Channels of the output and the states.</summary>
            Filters: int
            /// <summary>Size of the window.</summary>
            KernelSize: int list
            /// <summary>Of the convolution of the input. Default: 1.</summary>
            Strides: int list
            /// <summary>Of the convolution of the input. Default: valid.</summary>
            Padding: Padding
            /// <summary>Default: channels last.</summary>
            DataFormat: DataFormat
            /// <summary>Default: 1.</summary>
            DilationRate: int list
            /// <summary>Function of the new value. Default: tanh.</summary>
            Activation: Activation
            /// <summary>Function of the gates. Default: sigmoid.</summary>
            RecurrentActivation: Activation
            /// <summary>Default: true.</summary>
            UseBias: bool
            /// <summary>The forget gate's bias starts at 1. Default: true.</summary>
            UnitForgetBias: bool
            /// <summary>Shape (window, channels, 4 filters), gates i, f, c, o. Default: Glorot uniform.</summary>
            Kernel: WeightOptions
            /// <summary>Shape (window, filters, 4 filters). Default: orthogonal.</summary>
            Recurrent: WeightOptions
            /// <summary>Shape (4 filters). Default: zeros.</summary>
            Bias: WeightOptions
            /// <summary>Penalty on the output, summed over the whole batch.</summary>
            ActivityRegularizer: Regularizer option
            /// <summary>Share of the inputs that is dropped while training. Default: 0.</summary>
            Dropout: float
            /// <summary>Share of the states that is dropped while training. Default: 0.</summary>
            RecurrentDropout: float
            /// <summary>Chooses another stream of random numbers under the same model seed.</summary>
            Seed: int option
            /// <summary>The outputs of all steps in place of the last. Default: false.</summary>
            ReturnSequences: bool
            /// <summary>The last states, h and c, follow the output. Default: false.</summary>
            ReturnState: bool
            /// <summary>From the last step to the first; outputs come in that order. Default: false.</summary>
            GoBackwards: bool
            /// <summary>A batch starts with the states at which the batch before ended. Default: false.</summary>
            Stateful: bool
            /// <summary>The steps one by one in the graph, in place of a loop. Default: false.</summary>
            Unroll: bool
            /// <summary>A masked step gives zeros, in place of the output before. Default: false.</summary>
            ZeroOutputForMask: bool
        }

/// <summary>The ConvLSTM layers: an LSTM whose products are convolutions (Shi et al. 2015).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ConvLSTM =

    /// <summary>Keras's defaults for that many filters and that window.</summary>
    let options (filters: int) (kernelSize: int list) : ConvLSTMOptions =
        { Filters = filters
          KernelSize = kernelSize
          Strides = [ 1 ]
          Padding = Padding.Valid
          DataFormat = DataFormat.ChannelsLast
          DilationRate = [ 1 ]
          Activation = Activation.tanh
          RecurrentActivation = Activation.sigmoid
          UseBias = true
          UnitForgetBias = true
          Kernel = Weight.glorot
          Recurrent = Weight.startingFrom (Initializer.orthogonal 1.0)
          Bias = Weight.zeros
          ActivityRegularizer = None
          Dropout = 0.0
          RecurrentDropout = 0.0
          Seed = None
          ReturnSequences = false
          ReturnState = false
          GoBackwards = false
          Stateful = false
          Unroll = false
          ZeroOutputForMask = false }

    let private flags (o: ConvLSTMOptions) : LoopFlags =
        { Sequences = o.ReturnSequences
          States = o.ReturnState
          Backwards = o.GoBackwards
          Stateful = o.Stateful
          Unrolled = o.Unroll
          ZeroMasked = o.ZeroOutputForMask }

    let private withFlags (f: LoopFlags) (o: ConvLSTMOptions) : ConvLSTMOptions =
        { o with
            ReturnSequences = f.Sequences
            ReturnState = f.States
            GoBackwards = f.Backwards
            Stateful = f.Stateful
            Unroll = f.Unrolled
            ZeroOutputForMask = f.ZeroMasked }

    let private inputConv (o: ConvLSTMOptions) (kernel: Expr) (x: Expr) =
        Ops.conv (List.toArray o.Strides) o.Padding (List.toArray o.DilationRate) 1 kernel x

    let private lastAxis (o: ConvLSTMOptions) (x: Expr) =
        if o.DataFormat = DataFormat.ChannelsFirst then Ops.moveAxis 1 -1 x else x

    let private ownAxis (o: ConvLSTMOptions) (x: Expr) =
        if o.DataFormat = DataFormat.ChannelsFirst then Ops.moveAxis -1 1 x else x

    /// The shape of a state without the batch: what the convolution of an input gives.
    let private states (o: ConvLSTMOptions) (input: int[]) : int[][] =
        let leaf dims = Expr.LeafOf(LeafRole.Input, "x", DType.Float32, Shape.Of dims)
        let x = leaf (Array.append [| 1 |] input) |> lastAxis o
        let kernel = leaf (Array.append (List.toArray o.KernelSize) [| x.Shape[-1]; o.Filters |])
        let state = (inputConv o kernel x |> ownAxis o).Shape.ToArray()[1..]
        [| state; state |]

    let private step (o: ConvLSTMOptions) (scope: Scope) (slice: TensorType) : RecurrentStep =
        let channels = if o.DataFormat = DataFormat.ChannelsFirst then slice.Shape[1] else slice.Shape[-1]

        let window = List.toArray o.KernelSize
        let kernel =
            o.Kernel |> Weight.declare scope "kernel" (Array.append window [| channels; 4 * o.Filters |])

        let recurrent =
            o.Recurrent
            |> Weight.declare scope "recurrent_kernel" (Array.append window [| o.Filters; 4 * o.Filters |])

        let bias = CellSteps.lstmBias scope o.UseBias o.UnitForgetBias o.Bias o.Filters
        let own = (states o (slice.Shape.ToArray()[1..]))[0]
        let state = { slice with Shape = Shape.Of(Array.append [| slice.Shape[0] |] own) }
        let dropInput = CellSteps.dropPerGate scope "dropout" o.Seed o.Dropout 4 slice
        let dropState = CellSteps.dropPerGate scope "recurrent_dropout" o.Seed o.RecurrentDropout 4 state
        let ones = Array.create window.Length 1

        // One convolution for all gates, unless every gate sees its operand through a mask of its own.
        let byGate drop (kernel: Expr) (conv: Expr -> Expr -> Expr) (x: Expr) : Expr[] =
            let axis = kernel.Rank - 1

            match drop with
            | ValueNone ->
                let all = conv kernel (lastAxis o x)
                Ops.split 4 (all.Rank - 1) all
            | ValueSome masks ->
                Array.map2 (fun mask k -> conv k (lastAxis o (x * mask))) masks (Ops.split 4 axis kernel)

        fun x states ->
            let h, c = states[0], lastAxis o states[1]
            let input = byGate dropInput kernel (inputConv o) x

            let input =
                match bias with
                | Some b -> Array.map2 (+) input (Ops.split 4 0 b)
                | None -> input

            let z = Array.map2 (+) input (byGate dropState recurrent (Ops.conv ones Padding.Same ones 1) h)
            let i, f = o.RecurrentActivation.Apply z[0], o.RecurrentActivation.Apply z[1]
            let c = f * c + i * o.Activation.Apply z[2]
            let h = ownAxis o (o.RecurrentActivation.Apply z[3] * o.Activation.Apply c)
            struct (h, [| h; ownAxis o c |])

    let private definition rank : LayerClass<ConvLSTMOptions> =
        let kind = "ConvLSTM" + string rank + "D"

        let fields: Field<ConvLSTMOptions> list =
            [ Field.int "filters" _.Filters (fun v o -> { o with Filters = v }) |> Field.required
              Field.ints "kernel_size" _.KernelSize (fun v o -> { o with KernelSize = v }) |> Field.required
              Field.ints "strides" _.Strides (fun v o -> { o with Strides = v })
              LayerField.padding _.Padding (fun v o -> { o with Padding = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v })
              Field.ints "dilation_rate" _.DilationRate (fun v o -> { o with DilationRate = v })
              LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })
              LayerField.activation "recurrent_activation" _.RecurrentActivation (fun v o ->
                  { o with RecurrentActivation = v })
              Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v })
              Field.bool "unit_forget_bias" _.UnitForgetBias (fun v o -> { o with UnitForgetBias = v })
              yield! LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
              yield! LayerField.weight "recurrent" _.Recurrent (fun v o -> { o with Recurrent = v })
              yield! LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })
              LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v })
              Field.float "dropout" _.Dropout (fun v o -> { o with Dropout = v })
              Field.float "recurrent_dropout" _.RecurrentDropout (fun v o -> { o with RecurrentDropout = v })
              Field.seed "seed" _.Seed (fun v o -> { o with Seed = v }) ]

        LayerClass.many kind (options 1 [ 1 ]) (fields @ LoopField.all flags withFlags) (fun o scope flows ->
            if flows.Length > 0 then
                LayerCheck.rank kind (rank + 3) ("(batch, time, " + string rank + " spatial, channels)") flows[0].Value

            Recurrence.run
                kind
                (flags o)
                o.ActivityRegularizer
                scope
                (states o)
                (fun slice -> Recurrence.loop (flags o) (step o (scope.Child "conv_lstm_cell") slice))
                flows)
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (kind + ".filters") o.Filters
            LayerCheck.rate (kind + ".dropout") o.Dropout
            LayerCheck.rate (kind + ".recurrent_dropout") o.RecurrentDropout
            ConvolutionParts.strided kind o.Strides o.DilationRate

            { o with
                KernelSize = LayerCheck.perAxis (kind + ".kernel_size") rank o.KernelSize
                Strides = LayerCheck.perAxis (kind + ".strides") rank o.Strides
                DilationRate = LayerCheck.perAxis (kind + ".dilation_rate") rank o.DilationRate })
        |> LayerClass.playing (fun make o -> Recurrent { Loop = flags o; WithLoop = fun f -> make (withFlags f o) })

    let internal definitions = [| for rank in 1..3 -> definition rank |]
