namespace FunctionalNet

/// <summary>Types of metrics.</summary>
[<AutoOpen>]
module MetricTypes =

    /// <summary>A figure about targets and predictions, collected over batches. It is part of the compiled step: totals are
    /// kept in float64 slots, and a number is made of them when somebody asks.</summary>
    [<NoEquality; NoComparison>]
    type Metric =
        {
            /// <summary>Its key in reports.</summary>
            Name: string
            /// <summary>Keras's class name and arguments; None if it cannot be saved.</summary>
            Config: Config option
            /// <summary>True if more is better, false if less is, None if that cannot be said.</summary>
            HigherIsBetter: bool option
            /// <summary>Names and shapes of the totals, for predictions of that shape. All begin at 0.</summary>
            Slots: Shape -> (string * Shape)[]
            /// <summary>From old totals, targets, predictions and weights to new totals. Runs once per signature, when the step
            /// is traced.</summary>
            Update: Expr[] -> Expr -> Expr -> Expr option -> Expr[]
            /// <summary>From totals to the result: one number, or several for metrics of several thresholds or classes.</summary>
            Result: float[][] -> float[]
        }

    /// <summary>The axes an area under a curve is measured on.</summary>
    type AucCurve =
        /// <summary>False positive rate and recall.</summary>
        | ROC = 0
        /// <summary>Recall and precision.</summary>
        | PR = 1

    /// <summary>What stands for the curve between two thresholds.</summary>
    type AucSummation =
        /// <summary>The middle for ROC, Davis and Goadrich's interpolation for PR.</summary>
        | Interpolation = 0
        /// <summary>The lower end.</summary>
        | Minoring = 1
        /// <summary>The higher end.</summary>
        | Majoring = 2

    /// <summary>Options of the area under a curve.</summary>
    type AucOptions =
        {
            /// <summary>Default 200, both ends included.</summary>
            NumThresholds: int
            /// <summary>Default ROC.</summary>
            Curve: AucCurve
            /// <summary>Default interpolation.</summary>
            Summation: AucSummation
            /// <summary>Inner thresholds instead of even ones. Default none.</summary>
            Thresholds: float[] option
            /// <summary>One area for every label, averaged. Default false.</summary>
            MultiLabel: bool
            /// <summary>Weights of the labels. Default none.</summary>
            LabelWeights: float[] option
            /// <summary>True if predictions are logits. Default false.</summary>
            FromLogits: bool
        }

        /// <summary>Keras's defaults.</summary>
        static member Default =
            { NumThresholds = 200
              Curve = AucCurve.ROC
              Summation = AucSummation.Interpolation
              Thresholds = None
              MultiLabel = false
              LabelWeights = None
              FromLogits = false }

    /// <summary>Which predictions count as positive, for precision, recall and the like.</summary>
    type PositiveOptions =
        {
            /// <summary>Positive above this; one result for each. Default 0.5, or none with TopK.</summary>
            Thresholds: float[] option
            /// <summary>Only the k greatest predictions of a row can be positive. Default all.</summary>
            TopK: int option
            /// <summary>Only this class counts. Default all.</summary>
            ClassId: int option
        }

        /// <summary>Keras's defaults.</summary>
        static member Default = { Thresholds = None; TopK = None; ClassId = None }

    /// <summary>How the scores of classes become one.</summary>
    type ScoreAverage =
        /// <summary>They do not: one result per class.</summary>
        | None = 0
        /// <summary>Counts of all classes together.</summary>
        | Micro = 1
        /// <summary>The mean over classes.</summary>
        | Macro = 2
        /// <summary>The mean, weighted by how often a class occurs.</summary>
        | Weighted = 3
