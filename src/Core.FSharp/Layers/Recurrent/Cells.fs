namespace FunctionalNet

open FunctionalNet.Graph

/// The arithmetic of the cells.
module internal CellSteps =

    /// An inverted dropout mask, drawn once for all steps; None if nothing is dropped.
    let dropoutMask (scope: Scope) (stream: string) (seed: int option) (rate: float) (t: TensorType) =
        if scope.Mode = Mode.Train && rate > 0.0 && rate < 1.0 then
            let stream =
                match seed with
                | None -> stream
                | Some seed -> stream + ":" + string seed

            let kept =
                Ops.greaterEqual (scope.Random(stream, RandomKind.Coarse, t.Shape)) (Expr.Scalar(t.DType, rate))
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
    let kernels (scope: Scope) (o: RecurrentOptions) (gates: int) (slice: TensorType) =
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

    /// The bias of the input, and that of the recurrent product if it has one of its own.
    let gruBias (scope: Scope) (o: RecurrentOptions) : struct (Expr voption * Expr voption) =
        if not o.UseBias then
            struct (ValueNone, ValueNone)
        elif o.ResetAfter then
            let bias = o.Bias |> Weight.declare scope "bias" [| 2; 3 * o.Units |]
            struct (ValueSome(Ops.index 0 0 bias), ValueSome(Ops.index 0 1 bias))
        else
            struct (ValueSome(o.Bias |> Weight.declare scope "bias" [| 3 * o.Units |]), ValueNone)

    /// h = z h + (1 - z) h', with gates z and r; r acts on h before or after the product with the recurrent kernel.
    let gru (o: RecurrentOptions) (scope: Scope) (slice: TensorType) : RecurrentStep =
        let struct (kernel, recurrent) = kernels scope o 3 slice

        let struct (inputBias, recurrentBias) = gruBias scope o
        let add (bias: Expr voption) (parts: Expr[]) =
            match bias with
            | ValueSome b -> Array.map2 (+) parts (Ops.split 3 0 b)
            | ValueNone -> parts

        let struct (perGate, dropInput, dropState) = droppings scope o 3 slice
        let recurrents = Ops.split 3 1 recurrent
        let gate = o.RecurrentActivation.Apply

        fun x states ->
            let h = states[0]
            let input = byGate perGate dropInput kernel x |> add inputBias

            let candidate (z: Expr) (recurrent: Expr) =
                let fresh = o.Activation.Apply(input[2] + recurrent)
                let h = z * h + (1.0 - z) * fresh
                struct (h, [| h |])

            if o.ResetAfter then
                let inner = byGate perGate dropState recurrent h |> add recurrentBias
                candidate (gate (input[0] + inner[0])) (gate (input[1] + inner[1]) * inner[2])
            else
                let product i h = Ops.matmul (dropState[i] h) recurrents[i]
                let r = gate (input[1] + product 1 h)
                candidate (gate (input[0] + product 0 h)) (Ops.matmul (r * dropState[2] h) recurrents[2])
