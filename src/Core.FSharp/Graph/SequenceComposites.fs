namespace FunctionalNet.Graph

open FunctionalNet

/// How a recurrent sequence runs.
type internal SequenceOptions =
    {
        /// From the last step to the first; results stay at their places.
        Reverse: bool
        /// A mask (batch, time) follows the other inputs: where it is false, states stay what they were.
        Masked: bool
    }

/// Pieces that the sequences of LSTM and GRU have in common. Data is batch first: (batch, time, features).
module internal SequenceParts =

    let timeFirst (x: Expr) = Ops.transpose [| 1; 0; 2 |] x

    let key (name: string) (options: SequenceOptions) (more: string) : obj =
        name
        + (if options.Reverse then " reverse" else "")
        + (if options.Masked then " masked" else "")
        + more
        :> obj

    /// Where the row counts at this step.
    let choose (mask: Expr) (yes: Expr) (no: Expr) = Ops.where (Ops.expandDims 1 mask) yes no

    /// A loop over batch-first sequences (the mask, if there is one, is the last of them): last carries, and outputs batch
    /// first.
    let scan
        (step: Expr[] -> Expr[] -> struct (Expr[] * Expr[]))
        (init: Expr[])
        (sequences: Expr[])
        (reverse: bool)
        : struct (Expr[] * Expr[]) =
        let forward (s: Expr) = if s.Rank = 2 then Ops.transpose [| 1; 0 |] s else timeFirst s
        let struct (last, outputs) =
            Tracing.scan step init (sequences |> Array.map forward) sequences[0].Shape[1] reverse
        struct (last, outputs |> Array.map timeFirst)

    /// The states before every step, from those after it and the initial one.
    let before (reverse: bool) (initial: Expr) (states: Expr) : Expr =
        let time = states.Shape[1]
        let first = Ops.expandDims 1 initial

        if reverse then
            Ops.concatenate 1 [| Ops.sliceAxis 1 1 time states; first |]
        else
            Ops.concatenate 1 [| first; Ops.sliceAxis 1 0 (time - 1) states |]

    /// a^T b over all steps of all rows.
    let overSteps (a: Expr) (b: Expr) : Expr =
        let flat (e: Expr) = Ops.reshape [| e.Shape[0] * e.Shape[1]; e.Shape[2] |] e
        Expr.Node(MatMul(true, false), [| flat a; flat b |])

    /// True for a value that is known to be zero.
    let rec isZero (e: Expr) : bool =
        match e.Op with
        | Constant t -> t.Size = 1 && t.ToDoubles()[0] = 0.0
        | Broadcast _
        | Reshape _ -> isZero e.Inputs[0]
        | _ -> false

/// The derivative of an LSTM's sequence. Inputs: gates, cells, initial cell, recurrent kernel, the cotangents of the last h
/// and c, then (Inner) the cotangent of all h, then the mask. Results: the cotangents of the pre-activations and of the
/// initial h and c.
[<Sealed>]
type internal LstmSequenceGrad(options: SequenceOptions, inner: bool) =
    inherit Composite("LstmSequenceGrad")

    member _.Options = options
    member _.Inner = inner

    override _.Key: obj = SequenceParts.key "LstmSequenceGrad" options (if inner then " inner" else "")

    override _.Decompose inputs =
        let gates, cells, c0, kernel = inputs[0], inputs[1], inputs[2], inputs[3]
        let transposed = Ops.transpose [| 1; 0 |] kernel

        let step (carry: Expr[]) (slices: Expr[]) =
            let gate = Ops.split 4 1 slices[0]
            let i, f, g, o = gate[0], gate[1], gate[2], gate[3]
            let dh = if inner then carry[0] + slices[3] else carry[0]
            let tanh = Ops.tanh slices[1]
            let dc = carry[1] + dh * o * (1.0 - tanh * tanh)

            let dz =
                Ops.concatenate
                    1
                    [| dc * g * i * (1.0 - i)
                       dc * slices[2] * f * (1.0 - f)
                       dc * i * (1.0 - g * g)
                       dh * tanh * o * (1.0 - o) |]

            if options.Masked then
                let kept = SequenceParts.choose slices[slices.Length - 1]
                let dz = kept dz (Ops.zerosLike dz)
                struct ([| kept (Ops.matmul dz transposed) dh; kept (dc * f) carry[1] |], [| dz |])
            else
                struct ([| Ops.matmul dz transposed; dc * f |], [| dz |])

        let before = SequenceParts.before options.Reverse c0 cells
        let sequences = Array.concat [ [| gates; cells; before |]; inputs[6..] ]
        let struct (last, outputs) = SequenceParts.scan step inputs[4..5] sequences (not options.Reverse)
        [| outputs[0]; last[0]; last[1] |]

/// An LSTM over a sequence. Inputs: pre-activations x W + b (batch, time, 4 units), recurrent kernel (units, 4 units),
/// initial h and c (batch, units), then the mask. Gates are in Keras's order: i, f, candidate, o. Results: h after every
/// step (batch, time, units), the last h and c, and for the derivative: c after every step, and the gates.
[<Sealed>]
type internal LstmSequence(options: SequenceOptions) =
    inherit Composite("LstmSequence")

    member _.Options = options

    override _.Key: obj = SequenceParts.key "LstmSequence" options ""

    override _.Decompose inputs =
        let kernel = inputs[1]

        let step (carry: Expr[]) (slices: Expr[]) =
            let z = Ops.split 4 1 (slices[0] + Ops.matmul carry[0] kernel)
            let i, f, g, o = Ops.sigmoid z[0], Ops.sigmoid z[1], Ops.tanh z[2], Ops.sigmoid z[3]
            let c = f * carry[1] + i * g
            let h = o * Ops.tanh c
            let gates = Ops.concatenate 1 [| i; f; g; o |]

            if options.Masked then
                let kept = SequenceParts.choose slices[1]
                let h, c = kept h carry[0], kept c carry[1]
                struct ([| h; c |], [| h; c; gates |])
            else
                struct ([| h; c |], [| h; c; gates |])

        let struct (last, outputs) =
            SequenceParts.scan step inputs[2..3] (Array.append [| inputs[0] |] inputs[4..]) options.Reverse

        [| outputs[0]; last[0]; last[1]; outputs[1]; outputs[2] |]

    override _.Vjp(inputs, outputs, cotangents) =
        if not (SequenceParts.isZero cotangents[3] && SequenceParts.isZero cotangents[4]) then
            None
        else
            let kernel, h0, c0 = inputs[1], inputs[2], inputs[3]
            let inner = not (SequenceParts.isZero cotangents[0])

            let operands =
                Array.concat
                    [ [| outputs[4]; outputs[3]; c0; kernel; cotangents[1]; cotangents[2] |]
                      (if inner then [| cotangents[0] |] else [||])
                      inputs[4..] ]

            let back = Expr.Node(Structured(LstmSequenceGrad(options, inner)), operands).Results
            let before = SequenceParts.before options.Reverse h0 outputs[0]

            Some(
                Array.concat
                    [ [| back[0]; SequenceParts.overSteps before back[0]; back[1]; back[2] |]
                      inputs[4..] |> Array.map Ops.zerosLike ]
            )

/// The derivative of a GRU's sequence. Inputs: gates, all h, initial h, recurrent kernel, the cotangent of the last h, then
/// (Inner) the cotangent of all h, then the mask. Results: the cotangents of the pre-activations, of the recurrent products,
/// and of the initial h.
[<Sealed>]
type internal GruSequenceGrad(options: SequenceOptions, inner: bool) =
    inherit Composite("GruSequenceGrad")

    member _.Options = options
    member _.Inner = inner

    override _.Key: obj = SequenceParts.key "GruSequenceGrad" options (if inner then " inner" else "")

    override _.Decompose inputs =
        let gates, states, h0, kernel = inputs[0], inputs[1], inputs[2], inputs[3]
        let transposed = Ops.transpose [| 1; 0 |] kernel

        let step (carry: Expr[]) (slices: Expr[]) =
            let gate = Ops.split 4 1 slices[0]
            let z, r, g, n = gate[0], gate[1], gate[2], gate[3]
            let dh = if inner then carry[0] + slices[2] else carry[0]
            let dg = dh * (1.0 - z) * (1.0 - g * g)
            let dz = dh * (slices[1] - g) * z * (1.0 - z)
            let dr = dg * n * r * (1.0 - r)
            let dp = Ops.concatenate 1 [| dz; dr; dg |]
            let ds = Ops.concatenate 1 [| dz; dr; dg * r |]

            if options.Masked then
                let kept = SequenceParts.choose slices[slices.Length - 1]
                let dp, ds = kept dp (Ops.zerosLike dp), kept ds (Ops.zerosLike ds)
                struct ([| kept (dh * z + Ops.matmul ds transposed) dh |], [| dp; ds |])
            else
                struct ([| dh * z + Ops.matmul ds transposed |], [| dp; ds |])

        let before = SequenceParts.before options.Reverse h0 states
        let sequences = Array.concat [ [| gates; before |]; inputs[5..] ]
        let struct (last, outputs) = SequenceParts.scan step inputs[4..4] sequences (not options.Reverse)
        [| outputs[0]; outputs[1]; last[0] |]

/// A GRU over a sequence, its reset gate after the recurrent product. Inputs: pre-activations with all biases that add up
/// (batch, time, 3 units), recurrent kernel (units, 3 units), the candidate's recurrent bias (units), initial h (batch,
/// units), then the mask. Gates are in Keras's order: z, r, candidate. Results: h after every step, the last h, and for the
/// derivative the gates (batch, time, 4 units): z, r, the candidate, and its recurrent part.
[<Sealed>]
type internal GruSequence(options: SequenceOptions) =
    inherit Composite("GruSequence")

    member _.Options = options

    override _.Key: obj = SequenceParts.key "GruSequence" options ""

    override _.Decompose inputs =
        let kernel, bias = inputs[1], inputs[2]

        let step (carry: Expr[]) (slices: Expr[]) =
            let p = Ops.split 3 1 slices[0]
            let s = Ops.split 3 1 (Ops.matmul carry[0] kernel)
            let z, r, n = Ops.sigmoid (p[0] + s[0]), Ops.sigmoid (p[1] + s[1]), s[2] + bias
            let g = Ops.tanh (p[2] + r * n)
            let h = z * carry[0] + (1.0 - z) * g
            let h = if options.Masked then SequenceParts.choose slices[1] h carry[0] else h
            struct ([| h |], [| h; Ops.concatenate 1 [| z; r; g; n |] |])

        let struct (last, outputs) =
            SequenceParts.scan step inputs[3..3] (Array.append [| inputs[0] |] inputs[4..]) options.Reverse

        [| outputs[0]; last[0]; outputs[1] |]

    override _.Vjp(inputs, outputs, cotangents) =
        if not (SequenceParts.isZero cotangents[2]) then
            None
        else
            let kernel, h0 = inputs[1], inputs[3]
            let inner = not (SequenceParts.isZero cotangents[0])

            let operands =
                Array.concat
                    [ [| outputs[2]; outputs[0]; h0; kernel; cotangents[1] |]
                      (if inner then [| cotangents[0] |] else [||])
                      inputs[4..] ]

            let back = Expr.Node(Structured(GruSequenceGrad(options, inner)), operands).Results
            let before = SequenceParts.before options.Reverse h0 outputs[0]
            let units = h0.Shape[1]
            let candidate = Ops.sliceAxis 2 (2 * units) (3 * units) back[1]

            Some(
                Array.concat
                    [ [| back[0]; SequenceParts.overSteps before back[1]; Ops.sum [| 0; 1 |] false candidate; back[2] |]
                      inputs[4..] |> Array.map Ops.zerosLike ]
            )
