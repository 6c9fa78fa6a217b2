namespace FunctionalNet.Training

open FunctionalNet

/// Connectionist temporal classification (Graves et al., 2006): the probability of a sequence of labels, over all ways in which
/// the steps of a longer sequence can spell it with repeats and blanks.
module internal Alignment =

    [<Literal>]
    let Blank = 0

    /// The logarithm of what cannot happen: finite, so that derivatives stay numbers, and far below every other.
    let private Never = -1e30

    /// Minus the logarithm of that probability, one per row. Labels are (batch, length), their ends padded by the blank;
    /// logits are (batch, time, classes).
    let ctc (labels: Expr) (logits: Expr) : Expr =
        let labels = Ops.cast DType.Int32 labels
        let batch, time, width = logits.Shape[0], logits.Shape[1], labels.Shape[1]
        let states = 2 * width + 1
        let dtype = logits.DType
        let never = Ops.scalar dtype Never

        // A blank before, between and after the labels: labels are the odd states.
        let blanks = Ops.zerosLike labels
        let pairs = Ops.reshape [| batch; 2 * width |] (Ops.stack 2 [| blanks; labels |])
        let spelled = Ops.pad [| struct (0, 0); struct (0, 1) |] (float Blank) pairs

        // What every state emits at every step, time first.
        let emitted =
            let places = Ops.broadcastTo (Shape.Of(batch, time, states)) (Ops.expandDims 1 spelled)
            Ops.transpose [| 1; 0; 2 |] (Ops.takeAlongAxis places -1 (Ops.logSoftmax -1 logits))

        /// Moved to later states; from nowhere in front.
        let later (by: int) (missing: float) (x: Expr) = Ops.pad [| struct (0, 0); struct (by, -by) |] missing x

        // The blank between two labels may be left out if they differ.
        let maySkip =
            Ops.logicalAnd
                (Ops.notEqual spelled (Ops.fullLike (float Blank) spelled))
                (Ops.notEqual spelled (later 2 (float Blank) spelled))

        let step (carry: Expr[]) (slice: Expr[]) =
            let a = carry[0]
            let skipped = Ops.where maySkip (later 2 Never a) never
            let arrived = Ops.logsumexp [| 0 |] false (Ops.stack 0 [| a; later 1 Never a; skipped |])
            [| arrived + slice[0] |], [||]

        // Before the first step everything is at the first blank, from where the first label is next.
        let start =
            let first = Ops.equal (Ops.iota DType.Int32 (Shape.Of(batch, states)) 1) (Ops.scalar DType.Int32 0.0)
            Ops.where first (Ops.scalar dtype 0.0) never

        let last, _ = Ops.scan step [| start |] [| emitted |] false

        // The end is the last label or the blank behind it.
        let length =
            Ops.sum [| 1 |] true (Ops.cast DType.Int32 (Ops.notEqual labels (Ops.fullLike (float Blank) labels)))

        let behind = Ops.multiply length (Ops.scalar DType.Int32 2.0)
        let zero = Ops.scalar DType.Int32 0.0
        let at (places: Expr) = Ops.takeAlongAxis places 1 last[0]
        let onLabel = at (Ops.maximum (Ops.subtract behind (Ops.scalar DType.Int32 1.0)) zero)
        let onLabel = Ops.where (Ops.greater length zero) onLabel never
        -(Ops.logsumexp [| 1 |] false (Ops.concatenate 1 [| at behind; onLabel |]))
