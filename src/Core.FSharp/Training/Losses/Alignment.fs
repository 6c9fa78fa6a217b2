namespace FunctionalNet.Training

open FunctionalNet

/// Connectionist temporal classification (Graves et al., 2006): the probability of a sequence of labels, over all ways in which
/// the steps of a longer sequence can spell it with repeats and blanks.
module internal Alignment =

    [<Literal>]
    let Blank = 0

    /// Keras's logarithm of what cannot happen. It is added, so what can happen in no way at all costs about so much, and its
    /// derivatives are numbers.
    let private Never = -1e5

    /// Minus the logarithm of that probability, one per row. Labels are (batch, length), their ends padded by the blank;
    /// logits are (batch, time, classes). The recursion is Keras's: what has been spelled so far ends either with a label, or
    /// with a blank behind it.
    let ctc (labels: Expr) (logits: Expr) : Expr =
        let labels = Ops.cast DType.Int32 labels
        let batch, time, width = logits.Shape[0], logits.Shape[1], labels.Shape[1]
        let dtype = logits.DType
        let logarithms = Ops.logSoftmax -1 logits
        let log axis (x: Expr) (y: Expr) = Ops.logsumexp [| axis |] false (Ops.stack axis [| x; y |])

        // What every label, and the blank, emits at every step, time first.
        let emitted (places: Expr) =
            let count = places.Shape[1]
            let places = Ops.broadcastTo (Shape.Of(batch, time, count)) (Ops.expandDims 1 places)
            Ops.transpose [| 1; 0; 2 |] (Ops.takeAlongAxis places -1 logarithms)

        let blank = emitted (Ops.full DType.Int32 (Shape.Of(batch, 1)) (float Blank))

        // Between equal labels there must be a blank, between others none.
        let isRepeated =
            let next = Ops.pad [| struct (0, 0); struct (-1, 1) |] (float Blank) labels
            let inside = Ops.less (Ops.iota DType.Int32 labels.Shape 1) (Ops.scalar DType.Int32 (float (width - 1)))
            Ops.cast dtype (Ops.logicalAnd inside (Ops.equal labels next))

        let without = isRepeated * Never
        let behind = (1.0 - isRepeated) * Never

        /// On the way from a label to what comes behind it; before the first label there is nothing to come from.
        let arriving (onBlank: Expr) (fromLabel: Expr) =
            let before = Ops.slice [| 0; 0 |] [| batch; 1 |] onBlank
            let others = Ops.slice [| 0; 1 |] [| batch; width |] onBlank
            Ops.concatenate 1 [| before; log 2 others fromLabel |]

        let step (carry: Expr[]) (slice: Expr[]) =
            let onBlank, onLabel = carry[0], carry[1]
            let emit, rest = slice[0], slice[1]
            let ready = arriving onBlank (onLabel + without)
            let nextLabel = log 2 (Ops.slice [| 0; 0 |] [| batch; width |] ready + emit) (onLabel + emit)
            [| arriving (ready + rest) (onLabel + rest + behind); nextLabel |], [||]

        let start =
            let first = Ops.equal (Ops.iota DType.Int32 (Shape.Of(batch, width + 1)) 1) (Ops.scalar DType.Int32 0.0)
            Ops.where first (Ops.scalar dtype 0.0) (Ops.scalar dtype Never)

        let nothing = Ops.full dtype (Shape.Of(batch, width)) Never
        let last, _ = Ops.scan step [| start; nothing |] [| emitted labels; blank |] false

        // The end is the last label or the blank behind it.
        let length =
            Ops.sum [| 1 |] true (Ops.cast DType.Int32 (Ops.notEqual labels (Ops.fullLike (float Blank) labels)))

        -(Ops.squeeze [| 1 |] (Ops.takeAlongAxis length 1 (arriving last[0] last[1])))
