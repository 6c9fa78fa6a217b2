namespace FunctionalNet

open FunctionalNet.Graph

/// The arithmetic of the cells.
module internal CellSteps =

    /// An inverted dropout mask, drawn once for all steps; None if nothing is dropped.
    let private dropoutMask (scope: Scope) (stream: string) (seed: int option) (rate: float) (t: TensorType) =
        if scope.Mode = Mode.Train && rate > 0.0 && rate < 1.0 then
            let stream =
                match seed with
                | None -> stream
                | Some seed -> stream + ":" + string seed

            let kept =
                Ops.greaterEqual (scope.Random(stream, RandomKind.Uniform, t.Shape)) (Expr.Scalar(t.DType, rate))
            ValueSome(Ops.where kept (Expr.Scalar(t.DType, 1.0 / (1.0 - rate))) (Expr.Scalar(t.DType, 0.0)))
        else
            ValueNone

    let private dropping scope stream seed rate t : Expr -> Expr =
        match dropoutMask scope stream seed rate t with
        | ValueSome mask -> fun x -> x * mask
        | ValueNone -> id

    /// A mask for every gate; None if nothing is dropped.
    let dropPerGate (scope: Scope) stream seed (rate: float) (gates: int) (t: TensorType) : Expr[] voption =
        let masks = Array.init gates (fun i -> dropoutMask scope (stream + string i) seed rate t)
        if masks[0].IsSome then ValueSome(masks |> Array.map ValueOption.get) else ValueNone

    /// What a cell does to its input and to its state before they are multiplied, by gate: one mask for all gates, or a mask
    /// for every gate as soon as states are dropped too (Keras's "implementation 1").
    let private droppings (scope: Scope) (o: RecurrentOptions) (gates: int) (slice: TensorType) =
        let state = { slice with Shape = Shape.Of(slice.Shape[0], o.Units) }
        let perGate = o.RecurrentDropout > 0.0 && scope.Mode = Mode.Train

        let each masks : (Expr -> Expr)[] =
            match masks with
            | ValueSome masks -> masks |> Array.map (fun mask x -> x * mask)
            | ValueNone -> Array.create gates id

        let inputs =
            if perGate then
                each (dropPerGate scope "dropout" o.Seed o.Dropout gates slice)
            else
                Array.create gates (dropping scope "dropout" o.Seed o.Dropout slice)

        struct (perGate, inputs, each (dropPerGate scope "recurrent_dropout" o.Seed o.RecurrentDropout gates state))

    /// Kernel and recurrent kernel.
    let private kernels (scope: Scope) (o: RecurrentOptions) (gates: int) (slice: TensorType) =
        let kernel = o.Kernel |> Weight.declare scope "kernel" [| slice.Shape[-1]; gates * o.Units |]
        let recurrent = o.Recurrent |> Weight.declare scope "recurrent_kernel" [| o.Units; gates * o.Units |]
        struct (kernel, recurrent)

    /// x W by gates: one product, or one per gate where every gate sees the input through a mask of its own.
    let private byGate (perGate: bool) (drop: (Expr -> Expr)[]) (kernel: Expr) (x: Expr) : Expr[] =
        let gates = drop.Length

        if perGate then
            Array.map2 (fun drop k -> Ops.matmul (drop x) k) drop (Ops.split gates 1 kernel)
        else
            Ops.split gates 1 (Ops.matmul (drop[0] x) kernel)

    /// h = f (x W + b + h U)
    let simple (o: RecurrentOptions) (scope: Scope) (slice: TensorType) : RecurrentStep =
        let struct (kernel, recurrent) = kernels scope o 1 slice
        let bias = if o.UseBias then Some(o.Bias |> Weight.declare scope "bias" [| o.Units |]) else None
        let dropInput = dropping scope "dropout" o.Seed o.Dropout slice
        let state = { slice with Shape = Shape.Of(slice.Shape[0], o.Units) }
        let dropState = dropping scope "recurrent_dropout" o.Seed o.RecurrentDropout state

        fun x states ->
            let product = Ops.matmul (dropInput x) kernel

            let input =
                match bias with
                | Some b -> product + b
                | None -> product

            let h = o.Activation.Apply(input + Ops.matmul (dropState states[0]) recurrent)
            struct (h, [| h |])

    /// The bias of a new LSTM: as given, with ones for the forget gate.
    let private forgetting (units: int) (initializer: Initializer) : Initializer =
        { initializer with
            Create =
                fun seed stream _ ->
                    Array.concat
                        [ initializer.Create seed stream (Shape.Of units)
                          Array.create units 1.0
                          initializer.Create seed (stream + 1UL) (Shape.Of(2 * units)) ] }

    let lstmBias (scope: Scope) (useBias: bool) (unitForget: bool) (bias: WeightOptions) (units: int) : Expr option =
        if useBias then
            let bias = if unitForget then { bias with Initializer = forgetting units bias.Initializer } else bias

            Some(bias |> Weight.declare scope "bias" [| 4 * units |])
        else
            None

    /// c = f c + i tanh x_c; h = o tanh c, with gates i, f, o.
    let lstm (o: RecurrentOptions) (scope: Scope) (slice: TensorType) : RecurrentStep =
        let struct (kernel, recurrent) = kernels scope o 4 slice
        let bias = lstmBias scope o.UseBias o.UnitForgetBias o.Bias o.Units
        let struct (perGate, dropInput, dropState) = droppings scope o 4 slice

        fun x states ->
            let h, c = states[0], states[1]

            let z =
                match bias with
                | Some b -> Array.map2 (+) (byGate perGate dropInput kernel x) (Ops.split 4 0 b)
                | None -> byGate perGate dropInput kernel x

            let z = Array.map2 (+) z (byGate perGate dropState recurrent h)
            let i, f, output = o.RecurrentActivation.Apply z[0], o.RecurrentActivation.Apply z[1], z[3]
            let c = f * c + i * o.Activation.Apply z[2]
            let h = o.RecurrentActivation.Apply output * o.Activation.Apply c
            struct (h, [| h; c |])

    /// h = z h + (1 - z) h', with gates z and r; r acts on h before or after the product with the recurrent kernel.
    let gru (o: RecurrentOptions) (scope: Scope) (slice: TensorType) : RecurrentStep =
        let struct (kernel, recurrent) = kernels scope o 3 slice

        let biases =
            if not o.UseBias then
                None
            elif o.ResetAfter then
                let bias = o.Bias |> Weight.declare scope "bias" [| 2; 3 * o.Units |]
                Some(struct (Ops.split 3 0 (Ops.index 0 0 bias), ValueSome(Ops.split 3 0 (Ops.index 0 1 bias))))
            else
                Some(struct (Ops.split 3 0 (o.Bias |> Weight.declare scope "bias" [| 3 * o.Units |]), ValueNone))

        let struct (perGate, dropInput, dropState) = droppings scope o 3 slice
        let recurrents = Ops.split 3 1 recurrent
        let gate = o.RecurrentActivation.Apply

        fun x states ->
            let h = states[0]
            let products = byGate perGate dropInput kernel x

            let input =
                match biases with
                | Some(struct (b, _)) -> Array.map2 (+) products b
                | None -> products

            let candidate (z: Expr) (recurrent: Expr) =
                let fresh = o.Activation.Apply(input[2] + recurrent)
                let h = z * h + (1.0 - z) * fresh
                struct (h, [| h |])

            if o.ResetAfter then
                let products = byGate perGate dropState recurrent h

                let inner =
                    match biases with
                    | Some(struct (_, ValueSome b)) -> Array.map2 (+) products b
                    | _ -> products

                candidate (gate (input[0] + inner[0])) (gate (input[1] + inner[1]) * inner[2])
            else
                let product i h = Ops.matmul (dropState[i] h) recurrents[i]
                let r = gate (input[1] + product 1 h)
                candidate (gate (input[0] + product 0 h)) (Ops.matmul (r * dropState[2] h) recurrents[2])

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
        Field.int "units" (fun o -> o.Units) (fun v o -> { o with Units = v }) |> Field.required

    let private activation: Field<RecurrentOptions> =
        LayerField.activation "activation" (fun o -> o.Activation) (fun v o -> { o with Activation = v })

    let private recurrentActivation: Field<RecurrentOptions> =
        LayerField.activation "recurrent_activation" (fun o -> o.RecurrentActivation) (fun v o ->
            { o with RecurrentActivation = v })

    let private useBias: Field<RecurrentOptions> =
        Field.bool "use_bias" (fun o -> o.UseBias) (fun v o -> { o with UseBias = v })

    let private unitForget: Field<RecurrentOptions> =
        Field.bool "unit_forget_bias" (fun o -> o.UnitForgetBias) (fun v o -> { o with UnitForgetBias = v })

    let private resetAfter: Field<RecurrentOptions> =
        Field.bool "reset_after" (fun o -> o.ResetAfter) (fun v o -> { o with ResetAfter = v })

    let private weights: Field<RecurrentOptions> list =
        LayerField.weight "kernel" (fun (o: RecurrentOptions) -> o.Kernel) (fun v o -> { o with Kernel = v })
        @ LayerField.weight "recurrent" (fun (o: RecurrentOptions) -> o.Recurrent) (fun v o -> { o with Recurrent = v })
        @ LayerField.weight "bias" (fun (o: RecurrentOptions) -> o.Bias) (fun v o -> { o with Bias = v })

    let private activity: Field<RecurrentOptions> =
        LayerField.activity (fun (o: RecurrentOptions) -> o.ActivityRegularizer) (fun v o ->
            { o with ActivityRegularizer = v })

    let private dropout: Field<RecurrentOptions> list =
        [ Field.float "dropout" (fun o -> o.Dropout) (fun v o -> { o with Dropout = v })
          Field.float "recurrent_dropout" (fun o -> o.RecurrentDropout) (fun v o -> { o with RecurrentDropout = v })
          Field.seed "seed" (fun (o: RecurrentOptions) -> o.Seed) (fun v o -> { o with Seed = v }) ]

    /// How Keras computes, not what.
    let private ways: Field<RecurrentOptions> list =
        [ Field.fixedTo "implementation" [ Int 1L; Int 2L ]
          Field.fixedTo "use_cudnn" [ Text "auto"; Bool true; Bool false ] ]

    let simple =
        { Kind = "SimpleRNN"
          CellName = "simple_rnn_cell"
          States = fun o -> [| [| o.Units |] |]
          Step = CellSteps.simple
          Fields = [ units; activation; useBias ] @ weights @ dropout }

    let lstm =
        { Kind = "LSTM"
          CellName = "lstm_cell"
          States = fun o -> [| [| o.Units |]; [| o.Units |] |]
          Step = CellSteps.lstm
          Fields = [ units; activation; recurrentActivation; useBias; unitForget ] @ weights @ dropout @ ways }

    let gru =
        { Kind = "GRU"
          CellName = "gru_cell"
          States = fun o -> [| [| o.Units |] |]
          Step = CellSteps.gru
          Fields = [ units; activation; recurrentActivation; useBias; resetAfter ] @ weights @ dropout @ ways }

    let private check (kind: string) (o: RecurrentOptions) =
        LayerCheck.positive (kind + ".units") o.Units
        LayerCheck.rate (kind + ".dropout") o.Dropout
        LayerCheck.rate (kind + ".recurrent_dropout") o.RecurrentDropout
        o

    /// The cell by itself: input (batch, features) and states to output and new states.
    let cell (family: RecurrentFamily) : LayerClass<RecurrentOptions> =
        let kind = family.Kind + "Cell"

        LayerClass.many kind family.Fields (defaults 1) (fun o scope flows ->
            Recurrence.single kind scope (fun _ -> family.States o) (family.Step o scope) flows)
        |> LayerClass.checkedBy (check kind)
        |> LayerClass.playing (fun _ o -> Cell(fun _ -> family.States o))

    let layer (family: RecurrentFamily) : LayerClass<RecurrentOptions> =
        LayerClass.many
            family.Kind
            (LoopField.all flags withFlags @ family.Fields @ [ activity ])
            (defaults 1)
            (fun o scope flows ->
                Recurrence.run
                    family.Kind
                    (flags o)
                    o.ActivityRegularizer
                    scope
                    (fun _ -> family.States o)
                    (family.Step o (scope.Child family.CellName))
                    flows)
        |> LayerClass.checkedBy (check family.Kind)
        |> LayerClass.playing (fun make o -> Recurrent { Loop = flags o; WithLoop = fun f -> make (withFlags f o) })
