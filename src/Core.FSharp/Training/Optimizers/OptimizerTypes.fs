namespace FunctionalNet

/// <summary>Types of optimizers.</summary>
[<AutoOpen>]
module OptimizerTypes =

    /// <summary>A value an optimizer keeps from update to update.</summary>
    [<NoEquality; NoComparison>]
    type SlotSpec =
        {
            /// <summary>Its name, such as momentum.</summary>
            Name: string
            /// <summary>Sizes of the axes.</summary>
            Shape: Shape
            /// <summary>What all elements are at first.</summary>
            Initial: float
        }

    /// <summary>What an update may know besides the variable and its gradient.</summary>
    [<NoEquality; NoComparison>]
    type UpdateContext =
        {
            /// <summary>The learning rate: a float64 scalar.</summary>
            Rate: Expr
            /// <summary>The number of this update, from 1: a float64 scalar.</summary>
            Time: Expr
            /// <summary>Values kept for all variables together, before this update: float64 scalars.</summary>
            Scalars: Expr[]
            /// <summary>The variable's path in the model, such as encoder/dense/kernel.</summary>
            Path: string
            /// <summary>The variable before weight decay.</summary>
            Undecayed: Expr
        }

    /// <summary>How an optimizer moves one variable. Each function runs once per signature, when the training step is
    /// traced.</summary>
    [<NoEquality; NoComparison>]
    type UpdateRule =
        {
            /// <summary>What is kept for a variable of that path and shape.</summary>
            Slots: string -> Shape -> SlotSpec[]
            /// <summary>From context, variable, gradient and slots to the new variable and the new slots.</summary>
            Step: UpdateContext -> Expr -> Expr -> Expr[] -> struct (Expr * Expr[])
            /// <summary>Values kept for all variables together.</summary>
            Scalars: SlotSpec[]
            /// <summary>Their new values.</summary>
            StepScalars: UpdateContext -> Expr[]
            /// <summary>The weight decay of a variable of that path and shape, from that of the options.</summary>
            Decay: float option -> string -> Shape -> float option
        }

    /// <summary>Options that every optimizer has.</summary>
    [<NoEquality; NoComparison>]
    type OptimizerOptions =
        {
            /// <summary>A number or a schedule.</summary>
            LearningRate: LearningRate
            /// <summary>Every update also takes rate * this * variable away, apart from the gradient. Default none.</summary>
            WeightDecay: float option
            /// <summary>What does not decay. An entry with a slash is the path of a variable, or of a layer around it (Keras's
            /// var_list); one without is a regular expression that is searched in the variable's own name, such as bias
            /// (Keras's var_names). Default nothing.</summary>
            ExcludeFromWeightDecay: string list
            /// <summary>Longest gradient (L2) per variable. At most one kind of clipping. Default none.</summary>
            ClipNorm: float option
            /// <summary>Greatest absolute value of gradient elements. Default none.</summary>
            ClipValue: float option
            /// <summary>Longest gradient (L2) of all variables together. Default none.</summary>
            GlobalClipNorm: float option
            /// <summary>Keeps an exponential moving average of the variables, which becomes their value when training ends.
            /// Default false.</summary>
            UseEma: bool
            /// <summary>Weight of the old average. Default 0.99.</summary>
            EmaMomentum: float
            /// <summary>After every so many updates the variables become their averages. Default never.</summary>
            EmaOverwriteFrequency: int option
            /// <summary>Gradients of so many batches are averaged before one update. Default none.</summary>
            GradientAccumulationSteps: int option
            /// <summary>The loss is multiplied by this and gradients are divided by it. Default none.</summary>
            LossScaleFactor: float option
        }

        /// <summary>Keras's defaults, with that learning rate.</summary>
        static member OfRate(rate: LearningRate) =
            { LearningRate = rate
              WeightDecay = None
              ExcludeFromWeightDecay = []
              ClipNorm = None
              ClipValue = None
              GlobalClipNorm = None
              UseEma = false
              EmaMomentum = 0.99
              EmaOverwriteFrequency = None
              GradientAccumulationSteps = None
              LossScaleFactor = None }

        /// <summary>Keras's defaults, with that learning rate.</summary>
        static member OfRate(rate: float) = OptimizerOptions.OfRate(Fixed rate)

    /// <summary>How gradients move variables.</summary>
    [<NoEquality; NoComparison>]
    type Optimizer =
        {
            /// <summary>Its name.</summary>
            Name: string
            /// <summary>Keras's class name.</summary>
            ClassName: string
            /// <summary>Arguments of its own, by Keras's names; None if it cannot be saved.</summary>
            Arguments: (string * ConfigValue) list option
            /// <summary>Options that every optimizer has. Of one that hands its work to others, only the loss scale counts.</summary>
            Options: OptimizerOptions
            /// <summary>How it moves variables.</summary>
            Update: OptimizerUpdate
        }

    /// <summary>How an optimizer moves variables: by a rule, or by handing them to other optimizers.</summary>
    and [<NoEquality; NoComparison>] OptimizerUpdate =
        /// <summary>One rule for every variable.</summary>
        | ByRule of UpdateRule
        /// <summary>Another optimizer, on gradients of a scaled loss.</summary>
        | LossScaled of LossScaling
        /// <summary>The optimizer that the variable's path chooses.</summary>
        | ByPath of OptimizerMap

    /// <summary>A loss scale that grows while gradients stay finite, and halves when they do not.</summary>
    and [<NoEquality; NoComparison>] LossScaling =
        {
            /// <summary>What moves the variables, with gradients of their true size.</summary>
            Inner: Optimizer
            /// <summary>The scale before the first update. Default 2^15.</summary>
            InitialScale: float
            /// <summary>The scale doubles after so many finite updates. Default 2000.</summary>
            GrowthSteps: int
        }

    /// <summary>Optimizers by the paths of variables.</summary>
    and [<NoEquality; NoComparison>] OptimizerMap =
        {
            /// <summary>A path, or a regular expression that must match the whole path, with its optimizer.</summary>
            Patterns: (string * Optimizer) list
            /// <summary>For the variables that nothing matches.</summary>
            Default: Optimizer
        }

    /// <summary>Options of SGD.</summary>
    [<Struct>]
    type SgdOptions =
        {
            /// <summary>Default 0.</summary>
            Momentum: float
            /// <summary>Default false.</summary>
            Nesterov: bool
        }

        /// <summary>Keras's defaults.</summary>
        static member Default = { Momentum = 0.0; Nesterov = false }

    /// <summary>Options of RMSprop.</summary>
    [<Struct>]
    type RmsPropOptions =
        {
            /// <summary>Default 0.9.</summary>
            Rho: float
            /// <summary>Default 0.</summary>
            Momentum: float
            /// <summary>Default 1e-7.</summary>
            Epsilon: float
            /// <summary>Subtracts the square of the mean gradient. Default false.</summary>
            Centered: bool
        }

        /// <summary>Keras's defaults.</summary>
        static member Default = { Rho = 0.9; Momentum = 0.0; Epsilon = 1e-7; Centered = false }

    /// <summary>Options of Adam and its relatives.</summary>
    [<Struct>]
    type AdamOptions =
        {
            /// <summary>Default 0.9.</summary>
            Beta1: float
            /// <summary>Default 0.999.</summary>
            Beta2: float
            /// <summary>Added to the root of the velocity. Default 1e-7.</summary>
            Epsilon: float
            /// <summary>Divides by the greatest velocity so far. Adam and AdamW only. Default false.</summary>
            Amsgrad: bool
        }

        /// <summary>Keras's defaults.</summary>
        static member Default = { Beta1 = 0.9; Beta2 = 0.999; Epsilon = 1e-7; Amsgrad = false }

    /// <summary>Options of Ftrl.</summary>
    [<Struct>]
    type FtrlOptions =
        {
            /// <summary>Default -0.5.</summary>
            LearningRatePower: float
            /// <summary>Default 0.1.</summary>
            InitialAccumulator: float
            /// <summary>Default 0.</summary>
            L1: float
            /// <summary>Default 0.</summary>
            L2: float
            /// <summary>Default 0.</summary>
            L2Shrinkage: float
            /// <summary>Default 0.</summary>
            Beta: float
        }

        /// <summary>Keras's defaults.</summary>
        static member Default =
            { LearningRatePower = -0.5
              InitialAccumulator = 0.1
              L1 = 0.0
              L2 = 0.0
              L2Shrinkage = 0.0
              Beta = 0.0 }

    /// <summary>Options of Adafactor.</summary>
    [<Struct>]
    type AdafactorOptions =
        {
            /// <summary>Default -0.8.</summary>
            Beta2Decay: float
            /// <summary>Default 1e-30.</summary>
            Epsilon1: float
            /// <summary>Default 1e-3.</summary>
            Epsilon2: float
            /// <summary>Default 1.</summary>
            ClipThreshold: float
            /// <summary>The rate is at most 1 / sqrt of the number of the update. Default true.</summary>
            RelativeStep: bool
        }

        /// <summary>Keras's defaults.</summary>
        static member Default =
            { Beta2Decay = -0.8; Epsilon1 = 1e-30; Epsilon2 = 1e-3; ClipThreshold = 1.0; RelativeStep = true }

    /// <summary>Options of Muon.</summary>
    type MuonOptions =
        {
            /// <summary>Decay of the mean of gradients, where Adam is used. Default 0.9.</summary>
            AdamBeta1: float
            /// <summary>Decay of the mean of squared gradients, where Adam is used. Default 0.999.</summary>
            AdamBeta2: float
            /// <summary>Weight decay of the variables that Adam moves. Default 0.004.</summary>
            AdamWeightDecay: float option
            /// <summary>Added to the root of the velocity, where Adam is used. Default 1e-7.</summary>
            Epsilon: float
            /// <summary>Adam moves variables whose path one of these regular expressions is found in. Default none.</summary>
            ExcludeLayers: string list
            /// <summary>Whether Adam moves variables with embedding in their path. Default true.</summary>
            ExcludeEmbeddings: bool
            /// <summary>Weight of the matrix in an iteration. Default 3.4445.</summary>
            MuonA: float
            /// <summary>Weight of its third power. Default -4.775.</summary>
            MuonB: float
            /// <summary>Weight of its fifth power. Default 2.0315.</summary>
            MuonC: float
            /// <summary>The rate of Adam, as a part of the learning rate. Default 1.</summary>
            AdamLrRatio: float
            /// <summary>Share of the old momentum. Default 0.95.</summary>
            Momentum: float
            /// <summary>Newton-Schulz iterations. Default 5.</summary>
            NsSteps: int
            /// <summary>Whether the momentum is taken one step ahead. Default true.</summary>
            Nesterov: bool
            /// <summary>The root mean square of a step, times the rate; None for steps of orthogonal matrices as they are.
            /// Default 0.2.</summary>
            RmsRate: float option
        }

        /// <summary>Keras's defaults.</summary>
        static member Default =
            { AdamBeta1 = 0.9
              AdamBeta2 = 0.999
              AdamWeightDecay = Some 0.004
              Epsilon = 1e-7
              ExcludeLayers = []
              ExcludeEmbeddings = true
              MuonA = 3.4445
              MuonB = -4.7750
              MuonC = 2.0315
              AdamLrRatio = 1.0
              Momentum = 0.95
              NsSteps = 5
              Nesterov = true
              RmsRate = Some 0.2 }

    /// <summary>Options of schedule-free AdamW.</summary>
    [<Struct>]
    type ScheduleFreeOptions =
        {
            /// <summary>Share of the average in the point where gradients are taken. Default 0.9.</summary>
            Beta1: float
            /// <summary>Decay of the mean of squared gradients. Default 0.999.</summary>
            Beta2: float
            /// <summary>Added to the root of the velocity. Default 1e-8.</summary>
            Epsilon: float
            /// <summary>Updates over which the rate grows from 0. Default 0.</summary>
            WarmupSteps: int
        }

        /// <summary>Keras's defaults.</summary>
        static member Default = { Beta1 = 0.9; Beta2 = 0.999; Epsilon = 1e-8; WarmupSteps = 0 }
