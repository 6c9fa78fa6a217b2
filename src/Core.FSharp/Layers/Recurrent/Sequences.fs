namespace FunctionalNet

open FunctionalNet.Graph

/// LSTM and GRU over a whole sequence: one product for the inputs of all steps, and a composite for the rest.
module internal CellSequences =

    let private isPlain (name: string) (activation: Activation) =
        match activation.Config with
        | Some config -> config.ClassName = name && config.Arguments.IsEmpty
        | None -> false

    /// True if the composites mean what the options say.
    let covers (kind: string) (o: RecurrentOptions) (scope: Scope) =
        isPlain "tanh" o.Activation
        && isPlain "sigmoid" o.RecurrentActivation
        && (o.RecurrentDropout = 0.0 || scope.Mode = Mode.Infer)
        && not o.Unroll
        && (kind <> "GRU" || o.ResetAfter)

    /// The output and the states from h at every place of the sequence, and the last states.
    let private finish (flags: LoopFlags) (run: Run) (all: Expr) (last: Expr[]) : Outcome =
        let where (mask: Expr) = Ops.where (Ops.expandDims 2 mask) all (Ops.zerosLike all)

        let output =
            match run.Mask with
            | ValueSome mask when flags.ZeroMasked -> ValueSome(where mask)
            | ValueSome mask when not run.FromZero ->
                // Before the first step that counts there is no output to repeat, though there is a state.
                let seen = Ops.cumsumWith 1 false flags.Backwards (Ops.cast DType.Int32 mask)
                ValueSome(where (Ops.greater seen (Expr.Scalar(DType.Int32, 0.0))))
            | _ -> ValueNone

        let output =
            match output with
            | ValueNone when not flags.Sequences -> last[0]
            | masked ->
                let all = ValueOption.defaultValue all masked

                if not flags.Sequences then Ops.index 1 (if flags.Backwards then 0 else all.Shape[1] - 1) all
                elif flags.Backwards then Ops.flip [| 1 |] all
                else all

        { Output = output; States = last }

    /// x W for all steps, x under a dropout mask that is the same at all steps.
    let private project (o: RecurrentOptions) (scope: Scope) (kernel: Expr) (x: Expr) : Expr =
        let slice = { DType = x.DType; Shape = Shape.removeAxes [| 1 |] x.Shape }

        match CellSteps.dropoutMask scope "dropout" o.Seed o.Dropout slice with
        | ValueSome mask -> Ops.matmul (x * Ops.expandDims 1 mask) kernel
        | ValueNone -> Ops.matmul x kernel

    let private options (flags: LoopFlags) (run: Run) : SequenceOptions =
        { Reverse = flags.Backwards; Masked = run.Mask.IsSome }

    let lstm (o: RecurrentOptions) (scope: Scope) (flags: LoopFlags) (run: Run) : Outcome =
        let struct (kernel, recurrent) = CellSteps.kernels scope o 4 run.X.Type
        let product = project o scope kernel run.X

        let input =
            match CellSteps.lstmBias scope o.UseBias o.UnitForgetBias o.Bias o.Units with
            | Some bias -> product + bias
            | None -> product

        let operands = Array.concat [ [| input; recurrent |]; run.Initial; ValueOption.toArray run.Mask ]
        let results = Expr.Node(Structured(LstmSequence(options flags run)), operands).Results
        finish flags run results[0] results[1..2]

    let gru (o: RecurrentOptions) (scope: Scope) (flags: LoopFlags) (run: Run) : Outcome =
        let struct (kernel, recurrent) = CellSteps.kernels scope o 3 run.X.Type
        let product = project o scope kernel run.X
        let struct (inputBias, recurrentBias) = CellSteps.gruBias scope o
        let units = o.Units

        // The recurrent biases of the gates can be added before the loop; the candidate's is inside.
        let input, inner =
            match inputBias, recurrentBias with
            | ValueSome b, ValueSome r ->
                let gates = Ops.pad [| struct (0, units) |] 0.0 (Ops.sliceAxis 0 0 (2 * units) r)
                product + (b + gates), Ops.sliceAxis 0 (2 * units) (3 * units) r
            | _ -> product, Recurrence.zeros product.DType [| units |]

        let operands = Array.concat [ [| input; recurrent; inner |]; run.Initial; ValueOption.toArray run.Mask ]
        let results = Expr.Node(Structured(GruSequence(options flags run)), operands).Results
        finish flags run results[0] results[1..1]
