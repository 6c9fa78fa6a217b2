namespace FunctionalNet

/// <summary>Types of losses.</summary>
[<AutoOpen>]
module LossTypes =

    /// <summary>How the losses of single samples become one number.</summary>
    type LossReduction =
        /// <summary>The weighted sum over the number of values, not over the sum of weights; of values that a mask keeps, if
        /// there is one. Keras's default, also called mean.</summary>
        | SumOverBatchSize = 0
        /// <summary>The weighted sum.</summary>
        | Sum = 1
        /// <summary>The weighted sum over the sum of weights.</summary>
        | MeanWithSampleWeight = 2
        /// <summary>No reduction; not for training.</summary>
        | None = 3

    /// <summary>What training makes small: a function of targets and predictions, and a reduction.</summary>
    [<NoEquality; NoComparison>]
    type Loss =
        {
            /// <summary>Its name in reports.</summary>
            Name: string
            /// <summary>Keras's class name and arguments; None if it cannot be saved.</summary>
            Config: Config option
            /// <summary>How single losses become one number.</summary>
            Reduction: LossReduction
            /// <summary>From targets and predictions to one loss per sample (or per sample and step), with a mask if some of
            /// them do not count. Runs once per signature, when the training step is traced.</summary>
            Call: Expr -> Expr -> Flow
        }

    /// <summary>Options of binary and categorical cross-entropy.</summary>
    [<Struct>]
    type CrossentropyOptions =
        {
            /// <summary>True if predictions are logits rather than probabilities. Default false.</summary>
            FromLogits: bool
            /// <summary>How far targets are drawn toward the uniform ones, 0 to 1. Default 0.</summary>
            LabelSmoothing: float
            /// <summary>The axis of the classes. Default -1.</summary>
            Axis: int
        }

        /// <summary>Keras's defaults.</summary>
        static member Default = { FromLogits = false; LabelSmoothing = 0.0; Axis = -1 }

    /// <summary>Options of sparse categorical cross-entropy.</summary>
    [<Struct>]
    type SparseCrossentropyOptions =
        {
            /// <summary>True if predictions are logits rather than probabilities. Default false.</summary>
            FromLogits: bool
            /// <summary>A label that does not count. Default none.</summary>
            IgnoreClass: int option
            /// <summary>The axis of the classes. Default -1.</summary>
            Axis: int
        }

        /// <summary>Keras's defaults.</summary>
        static member Default = { FromLogits = false; IgnoreClass = None; Axis = -1 }

    /// What targets are, as far as shapes tell.
    [<RequireQualifiedAccess; Struct>]
    type internal TargetKind =
        | Binary
        /// Class numbers.
        | Sparse
        /// One-hot rows.
        | Categorical
