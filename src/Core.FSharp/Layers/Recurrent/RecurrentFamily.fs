namespace FunctionalNet

open FunctionalNet.Graph

/// A kind of recurrent layer with a cell of its own: what LSTM, GRU and SimpleRNN are.
[<NoEquality; NoComparison>]
type internal RecurrentFamily =
    {
        /// Keras's class name; that of the cell has Cell behind it.
        Kind: string
        /// The cell's name in the layer's path.
        CellName: string
        States: RecurrentOptions -> int[][]
        Step: RecurrentOptions -> Scope -> TensorType -> RecurrentStep
        /// All steps at once, where there is a way that is faster than a loop.
        Sequence: (RecurrentOptions -> Scope -> LoopFlags -> Run -> Outcome) option
        Fields: Field<RecurrentOptions> list
    }

module internal RecurrentFamily =

    let defaults (units: int) : RecurrentOptions =
        { Units = units
          Activation = Activation.tanh
          RecurrentActivation = Activation.sigmoid
          UseBias = true
          UnitForgetBias = true
          ResetAfter = true
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

    let private flags (o: RecurrentOptions) : LoopFlags =
        { Sequences = o.ReturnSequences
          States = o.ReturnState
          Backwards = o.GoBackwards
          Stateful = o.Stateful
          Unrolled = o.Unroll
          ZeroMasked = o.ZeroOutputForMask }

    let private withFlags (f: LoopFlags) (o: RecurrentOptions) : RecurrentOptions =
        { o with
            ReturnSequences = f.Sequences
            ReturnState = f.States
            GoBackwards = f.Backwards
            Stateful = f.Stateful
            Unroll = f.Unrolled
            ZeroOutputForMask = f.ZeroMasked }

    let private units: Field<RecurrentOptions> =
        Field.int "units" _.Units (fun v o -> { o with Units = v }) |> Field.required

    let private activation: Field<RecurrentOptions> =
        LayerField.activation "activation" _.Activation (fun v o -> { o with Activation = v })

    let private recurrentActivation: Field<RecurrentOptions> =
        LayerField.activation "recurrent_activation" _.RecurrentActivation (fun v o ->
            { o with RecurrentActivation = v })

    let private useBias: Field<RecurrentOptions> =
        Field.bool "use_bias" _.UseBias (fun v o -> { o with UseBias = v })

    let private unitForget: Field<RecurrentOptions> =
        Field.bool "unit_forget_bias" _.UnitForgetBias (fun v o -> { o with UnitForgetBias = v })

    let private resetAfter: Field<RecurrentOptions> =
        Field.bool "reset_after" _.ResetAfter (fun v o -> { o with ResetAfter = v })

    let private weights: Field<RecurrentOptions> list =
        LayerField.weight "kernel" _.Kernel (fun v o -> { o with Kernel = v })
        @ LayerField.weight "recurrent" _.Recurrent (fun v o -> { o with Recurrent = v })
        @ LayerField.weight "bias" _.Bias (fun v o -> { o with Bias = v })

    let private activity: Field<RecurrentOptions> =
        LayerField.activity _.ActivityRegularizer (fun v o -> { o with ActivityRegularizer = v })

    let private dropout: Field<RecurrentOptions> list =
        [ Field.float "dropout" _.Dropout (fun v o -> { o with Dropout = v })
          Field.float "recurrent_dropout" _.RecurrentDropout (fun v o -> { o with RecurrentDropout = v })
          Field.seed "seed" _.Seed (fun v o -> { o with Seed = v }) ]

    /// How Keras computes, not what.
    let private ways: Field<RecurrentOptions> list =
        [ Field.fixedTo "implementation" [ Int 1L; Int 2L ]
          Field.fixedTo "use_cudnn" [ Text "auto"; Bool true; Bool false ] ]

    let simple =
        { Kind = "SimpleRNN"
          CellName = "simple_rnn_cell"
          States = fun o -> [| [| o.Units |] |]
          Step = CellSteps.simple
          Sequence = None
          Fields = [ units; activation; useBias ] @ weights @ dropout }

    let lstm =
        { Kind = "LSTM"
          CellName = "lstm_cell"
          States = fun o -> [| [| o.Units |]; [| o.Units |] |]
          Step = CellSteps.lstm
          Sequence = Some CellSequences.lstm
          Fields = [ units; activation; recurrentActivation; useBias; unitForget ] @ weights @ dropout @ ways }

    let gru =
        { Kind = "GRU"
          CellName = "gru_cell"
          States = fun o -> [| [| o.Units |] |]
          Step = CellSteps.gru
          Sequence = Some CellSequences.gru
          Fields = [ units; activation; recurrentActivation; useBias; resetAfter ] @ weights @ dropout @ ways }

    let private check (kind: string) (o: RecurrentOptions) =
        LayerCheck.positive (kind + ".units") o.Units
        LayerCheck.rate (kind + ".dropout") o.Dropout
        LayerCheck.rate (kind + ".recurrent_dropout") o.RecurrentDropout
        o

    /// The cell by itself: input (batch, features) and states to output and new states.
    let cell (family: RecurrentFamily) : LayerClass<RecurrentOptions> =
        let kind = family.Kind + "Cell"

        LayerClass.many kind (defaults 1) family.Fields (fun o scope flows ->
            Recurrence.single kind scope (fun _ -> family.States o) (family.Step o scope) flows)
        |> LayerClass.checkedBy (check kind)
        |> LayerClass.playing (fun _ o -> Cell(fun _ -> family.States o))

    let layer (family: RecurrentFamily) : LayerClass<RecurrentOptions> =
        LayerClass.many
            family.Kind
            (defaults 1)
            (LoopField.all flags withFlags @ family.Fields @ [ activity ])
            (fun o scope flows ->
                let flags = flags o
                let inner = scope.Child family.CellName

                let compute (slice: TensorType) =
                    match family.Sequence with
                    | Some sequence when CellSequences.covers family.Kind o scope -> sequence o inner flags
                    | _ -> Recurrence.loop flags (family.Step o inner slice)

                Recurrence.run family.Kind flags o.ActivityRegularizer scope (fun _ -> family.States o) compute flows)
        |> LayerClass.checkedBy (check family.Kind)
        |> LayerClass.playing (fun make o -> Recurrent { Loop = flags o; WithLoop = fun f -> make (withFlags f o) })
