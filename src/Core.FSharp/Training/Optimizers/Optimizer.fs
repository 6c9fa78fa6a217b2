namespace FunctionalNet

open System
open System.Text.RegularExpressions
open FunctionalNet.Common
open FunctionalNet.Training

/// <summary>Keras's optimizers. The short form takes the learning rate; the long one takes all options.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Optimizer =

    let private invalid (argument: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (ArgumentValueException("An option of the optimizer is not valid.", argument, expected, actual, hint))

    let private checkPattern (argument: string) (pattern: string) =
        try
            Regex pattern |> ignore
        with :? ArgumentException as e ->
            invalid argument "a regular expression" pattern e.Message

    let private check (o: OptimizerOptions) =
        match o.LearningRate with
        | Fixed rate when not (Double.IsFinite rate) || rate < 0.0 ->
            invalid
                "learning_rate"
                "a finite number of 0 or more"
                (Texts.ofFloat rate)
                "Keras's default is 0.001 for most optimizers."
        | _ -> ()

        let clips = [ o.ClipNorm; o.ClipValue; o.GlobalClipNorm ] |> List.choose id

        if clips.Length > 1 then
            invalid
                "clipnorm"
                "one of clipnorm, clipvalue and global_clipnorm"
                (string clips.Length + " of them")
                "Choose one kind of clipping."

        for clip in clips do
            if not (clip > 0.0) then
                invalid "clipnorm" "a number above 0" (Texts.ofFloat clip) "Leave it out for no clipping."

        match o.GradientAccumulationSteps with
        | Some n when n < 2 ->
            invalid "gradient_accumulation_steps" "2 or more" (string n) "Leave it out to update after every batch."
        | _ -> ()

        match o.EmaOverwriteFrequency with
        | Some n when n < 1 ->
            invalid "ema_overwrite_frequency" "1 or more" (string n) "Leave it out to overwrite at the end only."
        | _ -> ()

        if o.UseEma && not (o.EmaMomentum >= 0.0 && o.EmaMomentum <= 1.0) then
            invalid "ema_momentum" "0 to 1" (Texts.ofFloat o.EmaMomentum) "Keras's default is 0.99."

        match o.WeightDecay with
        | Some d when not (Double.IsFinite d) ->
            invalid "weight_decay" "a finite number" (Texts.ofFloat d) "Leave it out for no decay."
        | _ -> ()

        for entry in o.ExcludeFromWeightDecay do
            if not (entry.Contains '/') then checkPattern "exclude_from_weight_decay" entry

        match o.LossScaleFactor with
        | Some factor when not (Double.IsFinite factor && factor > 0.0) ->
            invalid "loss_scale_factor" "a finite number above 0" (Texts.ofFloat factor) "Leave it out for no scale."
        | _ -> ()

    let private build
        (className: string)
        (name: string)
        (arguments: (string * ConfigValue) list option)
        (options: OptimizerOptions)
        (rule: UpdateRule)
        : Optimizer =
        check options

        { Name = name
          ClassName = className
          Arguments = arguments
          Options = options
          Update = ByRule rule }

    /// <summary>An optimizer of your own; it cannot be saved.</summary>
    [<CompiledName("Create")>]
    let create (name: string) (options: OptimizerOptions) (rule: UpdateRule) : Optimizer =
        build name name None options rule

    /// <summary>The optimizer with other common options: clipping, weight decay, averaging, a schedule.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The options contradict one another.</exception>
    [<CompiledName("WithOptions")>]
    let withOptions (change: OptimizerOptions -> OptimizerOptions) (optimizer: Optimizer) : Optimizer =
        let options = change optimizer.Options
        check options

        match optimizer.Update with
        | ByRule _ -> { optimizer with Options = options }
        | LossScaled _
        | ByPath _ ->
            invalid
                "options"
                "an optimizer with a rule of its own"
                optimizer.ClassName
                "Give the options to the optimizers it is made of."

    /// <summary>The optimizer with a learning rate that follows a schedule.</summary>
    [<CompiledName("WithSchedule")>]
    let withSchedule (schedule: Schedule) (optimizer: Optimizer) : Optimizer =
        withOptions (fun o -> { o with LearningRate = Scheduled schedule }) optimizer

    let private adamArguments (o: AdamOptions) (amsgrad: bool) =
        [ "beta_1", Configs.number o.Beta1
          "beta_2", Configs.number o.Beta2
          "epsilon", Configs.number o.Epsilon
          if amsgrad then "amsgrad", Configs.flag o.Amsgrad ]

    /// <summary>Gradient descent with momentum. Keras: SGD (rate 0.01, momentum 0).</summary>
    [<CompiledName("SgdWith")>]
    let sgdWith (o: SgdOptions) (options: OptimizerOptions) : Optimizer =
        if not (o.Momentum >= 0.0 && o.Momentum <= 1.0) then
            invalid "momentum" "0 to 1" (Texts.ofFloat o.Momentum) "0.9 is usual."

        build
            "SGD"
            "sgd"
            (Some [ "momentum", Configs.number o.Momentum; "nesterov", Configs.flag o.Nesterov ])
            options
            (UpdateRules.sgd o)

    /// <summary>Gradient descent at a rate.</summary>
    [<CompiledName("Sgd")>]
    let sgd (rate: float) : Optimizer = sgdWith SgdOptions.Default (OptimizerOptions.OfRate rate)

    /// <summary>Divides by a running root mean square of gradients. Keras: RMSprop (rate 0.001).</summary>
    [<CompiledName("RmsPropWith")>]
    let rmsPropWith (o: RmsPropOptions) (options: OptimizerOptions) : Optimizer =
        build
            "RMSprop"
            "rmsprop"
            (Some
                [ "rho", Configs.number o.Rho
                  "momentum", Configs.number o.Momentum
                  "epsilon", Configs.number o.Epsilon
                  "centered", Configs.flag o.Centered ])
            options
            (UpdateRules.rmsProp o)

    /// <summary>RMSprop at a rate.</summary>
    [<CompiledName("RmsProp")>]
    let rmsProp (rate: float) : Optimizer = rmsPropWith RmsPropOptions.Default (OptimizerOptions.OfRate rate)

    /// <summary>Keras: Adam (rate 0.001).</summary>
    [<CompiledName("AdamWith")>]
    let adamWith (o: AdamOptions) (options: OptimizerOptions) : Optimizer =
        build "Adam" "adam" (Some(adamArguments o true)) options (UpdateRules.adam o)

    /// <summary>Adam at a rate.</summary>
    [<CompiledName("Adam")>]
    let adam (rate: float) : Optimizer = adamWith AdamOptions.Default (OptimizerOptions.OfRate rate)

    /// <summary>Adam with decoupled weight decay, 0.004 unless the options say otherwise. Keras: AdamW (rate 0.001).</summary>
    [<CompiledName("AdamWWith")>]
    let adamWWith (o: AdamOptions) (options: OptimizerOptions) : Optimizer =
        let options = { options with WeightDecay = Some(options.WeightDecay |> Option.defaultValue 0.004) }

        build "AdamW" "adamw" (Some(adamArguments o true)) options (UpdateRules.adam o)

    /// <summary>AdamW at a rate.</summary>
    [<CompiledName("AdamW")>]
    let adamW (rate: float) : Optimizer = adamWWith AdamOptions.Default (OptimizerOptions.OfRate rate)

    /// <summary>Keras: Adagrad (rate 0.001, initial accumulator 0.1, epsilon 1e-7).</summary>
    [<CompiledName("AdagradWith")>]
    let adagradWith (initialAccumulator: float) (epsilon: float) (options: OptimizerOptions) : Optimizer =
        build
            "Adagrad"
            "adagrad"
            (Some
                [ "initial_accumulator_value", Configs.number initialAccumulator
                  "epsilon", Configs.number epsilon ])
            options
            (UpdateRules.adagrad initialAccumulator epsilon)

    /// <summary>Adagrad at a rate.</summary>
    [<CompiledName("Adagrad")>]
    let adagrad (rate: float) : Optimizer = adagradWith 0.1 1e-7 (OptimizerOptions.OfRate rate)

    /// <summary>Keras: Adadelta (rate 0.001, rho 0.95, epsilon 1e-7).</summary>
    [<CompiledName("AdadeltaWith")>]
    let adadeltaWith (rho: float) (epsilon: float) (options: OptimizerOptions) : Optimizer =
        build
            "Adadelta"
            "adadelta"
            (Some [ "rho", Configs.number rho; "epsilon", Configs.number epsilon ])
            options
            (UpdateRules.adadelta rho epsilon)

    /// <summary>Adadelta at a rate.</summary>
    [<CompiledName("Adadelta")>]
    let adadelta (rate: float) : Optimizer = adadeltaWith 0.95 1e-7 (OptimizerOptions.OfRate rate)

    /// <summary>Adam with the greatest gradient instead of the root mean square. Keras: Adamax (rate 0.001).</summary>
    [<CompiledName("AdamaxWith")>]
    let adamaxWith (o: AdamOptions) (options: OptimizerOptions) : Optimizer =
        build "Adamax" "adamax" (Some(adamArguments o false)) options (UpdateRules.adamax o)

    /// <summary>Adamax at a rate.</summary>
    [<CompiledName("Adamax")>]
    let adamax (rate: float) : Optimizer = adamaxWith AdamOptions.Default (OptimizerOptions.OfRate rate)

    /// <summary>Adam with Nesterov's momentum. Keras: Nadam (rate 0.001).</summary>
    [<CompiledName("NadamWith")>]
    let nadamWith (o: AdamOptions) (options: OptimizerOptions) : Optimizer =
        build "Nadam" "nadam" (Some(adamArguments o false)) options (UpdateRules.nadam o)

    /// <summary>Nadam at a rate.</summary>
    [<CompiledName("Nadam")>]
    let nadam (rate: float) : Optimizer = nadamWith AdamOptions.Default (OptimizerOptions.OfRate rate)

    /// <summary>Follow the regularized leader. Keras: Ftrl (rate 0.001).</summary>
    [<CompiledName("FtrlWith")>]
    let ftrlWith (o: FtrlOptions) (options: OptimizerOptions) : Optimizer =
        build
            "Ftrl"
            "ftrl"
            (Some
                [ "learning_rate_power", Configs.number o.LearningRatePower
                  "initial_accumulator_value", Configs.number o.InitialAccumulator
                  "l1_regularization_strength", Configs.number o.L1
                  "l2_regularization_strength", Configs.number o.L2
                  "l2_shrinkage_regularization_strength", Configs.number o.L2Shrinkage
                  "beta", Configs.number o.Beta ])
            options
            (UpdateRules.ftrl o)

    /// <summary>Moves by the sign of an interpolated momentum. Keras: Lion (rate 0.001, betas 0.9 and 0.99).</summary>
    [<CompiledName("LionWith")>]
    let lionWith (beta1: float) (beta2: float) (options: OptimizerOptions) : Optimizer =
        build
            "Lion"
            "lion"
            (Some [ "beta_1", Configs.number beta1; "beta_2", Configs.number beta2 ])
            options
            (UpdateRules.lion beta1 beta2)

    /// <summary>Adam with a step in proportion to the variable's length. Keras: Lamb (rate 0.001).</summary>
    [<CompiledName("LambWith")>]
    let lambWith (o: AdamOptions) (options: OptimizerOptions) : Optimizer =
        build "Lamb" "lamb" (Some(adamArguments o false)) options (UpdateRules.lamb o)

    /// <summary>Adam with a factored velocity. Keras: Adafactor (rate 0.001).</summary>
    [<CompiledName("AdafactorWith")>]
    let adafactorWith (o: AdafactorOptions) (options: OptimizerOptions) : Optimizer =
        build
            "Adafactor"
            "adafactor"
            (Some
                [ "beta_2_decay", Configs.number o.Beta2Decay
                  "epsilon_1", Configs.number o.Epsilon1
                  "epsilon_2", Configs.number o.Epsilon2
                  "clip_threshold", Configs.number o.ClipThreshold
                  "relative_step", Configs.flag o.RelativeStep ])
            options
            (UpdateRules.adafactor o)

    /// <summary>Steps of nearly orthogonal matrices, by Newton-Schulz iterations of the momentum; Adam for what is no matrix, for
    /// embeddings, and for excluded layers (name the output layer). Keras: Muon (rate 0.001, weight decay 0.004).</summary>
    [<CompiledName("MuonWith")>]
    let muonWith (o: MuonOptions) (options: OptimizerOptions) : Optimizer =
        for pattern in o.ExcludeLayers do
            checkPattern "exclude_layers" pattern

        if o.NsSteps < 0 then
            invalid "ns_steps" "0 or more" (string o.NsSteps) "Keras's default is 5."

        build
            "Muon"
            "muon"
            (Some
                [ "adam_beta_1", Configs.number o.AdamBeta1
                  "adam_beta_2", Configs.number o.AdamBeta2
                  "epsilon", Configs.number o.Epsilon
                  "exclude_layers", ConfigValue.List(o.ExcludeLayers |> List.map Configs.text)
                  "muon_a", Configs.number o.MuonA
                  "muon_b", Configs.number o.MuonB
                  "muon_c", Configs.number o.MuonC
                  "adam_lr_ratio", Configs.number o.AdamLrRatio
                  "momentum", Configs.number o.Momentum
                  "ns_steps", Configs.whole o.NsSteps
                  "nesterov", Configs.flag o.Nesterov
                  "exclude_embeddings", Configs.flag o.ExcludeEmbeddings
                  "adam_weight_decay", Configs.optional Configs.number o.AdamWeightDecay
                  "rms_rate", Configs.optional Configs.number o.RmsRate ])
            options
            (UpdateRules.muon o)

    /// <summary>Muon at a rate, with Keras's weight decay of 0.004.</summary>
    [<CompiledName("Muon")>]
    let muon (rate: float) : Optimizer =
        muonWith MuonOptions.Default { OptimizerOptions.OfRate rate with WeightDecay = Some 0.004 }

    /// <summary>AdamW that averages instead of following a schedule: gradients are taken between the point they lead to and the
    /// average of such points. Keras: ScheduleFreeAdamW (rate 0.0025, no weight decay).</summary>
    [<CompiledName("ScheduleFreeAdamWWith")>]
    let scheduleFreeAdamWWith (o: ScheduleFreeOptions) (options: OptimizerOptions) : Optimizer =
        if not (o.Beta1 > 0.0 && o.Beta1 <= 1.0) then
            invalid "beta_1" "above 0, at most 1" (Texts.ofFloat o.Beta1) "Keras's default is 0.9."

        if o.WarmupSteps < 0 then
            invalid "warmup_steps" "0 or more" (string o.WarmupSteps) "Keras's default is 0."

        build
            "ScheduleFreeAdamW"
            "schedule_free_adam_w"
            (Some
                [ "beta_1", Configs.number o.Beta1
                  "beta_2", Configs.number o.Beta2
                  "epsilon", Configs.number o.Epsilon
                  "warmup_steps", Configs.whole o.WarmupSteps ])
            options
            (UpdateRules.scheduleFree o)

    /// <summary>Schedule-free AdamW at a rate.</summary>
    [<CompiledName("ScheduleFreeAdamW")>]
    let scheduleFreeAdamW (rate: float) : Optimizer =
        scheduleFreeAdamWWith ScheduleFreeOptions.Default (OptimizerOptions.OfRate rate)

    let private wrapper (className: string) (name: string) (lossScale: float option) (update: OptimizerUpdate) =
        { Name = name
          ClassName = className
          Arguments = Some []
          Options = { OptimizerOptions.OfRate 0.0 with LossScaleFactor = lossScale }
          Update = update }

    /// <summary>Multiplies the loss by a scale, so that small gradients do not vanish in 16 bits, and divides the gradients by it.
    /// A step whose gradients are not all finite is skipped, and halves the scale; after so many finite steps it doubles.
    /// Keras: LossScaleOptimizer.</summary>
    /// <param name="initialScale">The scale at first. Keras's default is 2^15.</param>
    /// <param name="growthSteps">Finite steps before the scale doubles. Keras's default is 2000.</param>
    /// <param name="inner">What moves the variables.</param>
    [<CompiledName("LossScaleWith")>]
    let lossScaleWith (initialScale: float) (growthSteps: int) (inner: Optimizer) : Optimizer =
        if not (Double.IsFinite initialScale && initialScale > 0.0) then
            invalid "initial_scale" "a finite number above 0" (Texts.ofFloat initialScale) "Keras's default is 32768."

        if growthSteps < 1 then
            invalid "dynamic_growth_steps" "1 or more" (string growthSteps) "Keras's default is 2000."

        match inner.Update with
        | LossScaled _ -> invalid "inner_optimizer" "an optimizer without a loss scale" inner.ClassName "Wrap it once."
        | _ -> ()

        wrapper
            "LossScaleOptimizer"
            "loss_scale_optimizer"
            None
            (LossScaled { Inner = inner; InitialScale = initialScale; GrowthSteps = growthSteps })

    /// <summary>A scaled loss with Keras's defaults.</summary>
    [<CompiledName("LossScale")>]
    let lossScale (inner: Optimizer) : Optimizer = lossScaleWith 32768.0 2000 inner

    /// <summary>Several optimizers: each variable goes to the one whose pattern is its path, or else matches its whole path as
    /// a regular expression, such as encoder/.*, or else to the default. Each has its own learning rate. Keras: MultiOptimizer
    /// with an OptimizerMap.</summary>
    /// <param name="lossScaleFactor">Takes the place of that of the optimizers.</param>
    /// <param name="fallback">For variables that nothing matches.</param>
    /// <param name="patterns">Paths or regular expressions, with their optimizers.</param>
    [<CompiledName("MultiWith")>]
    let multiWith
        (lossScaleFactor: float option)
        (fallback: Optimizer)
        (patterns: (string * Optimizer) list)
        : Optimizer =
        let scaled (inner: Optimizer) =
            match inner.Update with
            | ByRule _ -> inner |> withOptions (fun o -> { o with LossScaleFactor = lossScaleFactor })
            | LossScaled _
            | ByPath _ ->
                invalid
                    "optimizer_map"
                    "optimizers with rules of their own"
                    inner.ClassName
                    "Put LossScaleOptimizer around MultiOptimizer instead."

        for pattern, _ in patterns do
            checkPattern "optimizer_map" pattern

        match patterns |> List.countBy fst |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(pattern, _) ->
            invalid "optimizer_map" "every pattern once" (pattern + " twice") "Choose one optimizer for it."
        | None -> ()

        wrapper
            "MultiOptimizer"
            "multi_optimizer"
            lossScaleFactor
            (ByPath
                { Patterns = patterns |> List.map (fun (pattern, inner) -> pattern, scaled inner)
                  Default = scaled fallback })

    /// <summary>Several optimizers by the paths of variables.</summary>
    [<CompiledName("Multi")>]
    let multi (fallback: Optimizer) (patterns: (string * Optimizer) list) : Optimizer = multiWith None fallback patterns

    /// All optimizers of a map, the default last.
    let internal ofMap (map: OptimizerMap) : Optimizer[] = [| yield! List.map snd map.Patterns; map.Default |]

    /// The number, in `ofMap`, of the optimizer for a path.
    let internal chosenBy (map: OptimizerMap) (path: string) : int =
        match map.Patterns |> List.tryFindIndex (fun (pattern, _) -> pattern = path) with
        | Some i -> i
        | None ->
            let matches =
                map.Patterns
                |> List.indexed
                |> List.filter (fun (_, (pattern, _)) -> Regex.IsMatch(path, @"\A(?:" + pattern + @")\z"))

            match matches with
            | [] -> map.Patterns.Length
            | [ i, _ ] -> i
            | several ->
                invalid
                    "optimizer_map"
                    "one pattern that matches a variable"
                    (path + " matches " + String.Join(" and ", several |> List.map (fun (_, (p, _)) -> p)))
                    "Make the patterns exclude one another, or give the variable's path itself."

    /// The optimizer whose learning rate is meant by that of a whole optimizer: the inner one, or the default of several.
    let rec internal lead (optimizer: Optimizer) : Optimizer =
        match optimizer.Update with
        | ByRule _ -> optimizer
        | LossScaled scaling -> lead scaling.Inner
        | ByPath map -> lead map.Default

    let private ruleConfig (optimizer: Optimizer) : Config option =
        let o = optimizer.Options

        let rate =
            match o.LearningRate with
            | Fixed rate -> Some(Configs.number rate)
            | Scheduled schedule -> schedule.Config |> Option.map Configs.nest

        match optimizer.Arguments, rate with
        | Some arguments, Some rate ->
            Some(
                Configs.make
                    optimizer.ClassName
                    ([ "name", Configs.text optimizer.Name
                       "learning_rate", rate
                       "weight_decay", Configs.optional Configs.number o.WeightDecay
                       "clipnorm", Configs.optional Configs.number o.ClipNorm
                       "global_clipnorm", Configs.optional Configs.number o.GlobalClipNorm
                       "clipvalue", Configs.optional Configs.number o.ClipValue
                       "use_ema", Configs.flag o.UseEma
                       "ema_momentum", Configs.number o.EmaMomentum
                       "ema_overwrite_frequency", Configs.optional Configs.whole o.EmaOverwriteFrequency
                       "loss_scale_factor", Configs.optional Configs.number o.LossScaleFactor
                       "gradient_accumulation_steps", Configs.optional Configs.whole o.GradientAccumulationSteps ]
                     @ (match o.ExcludeFromWeightDecay with
                        | [] -> []
                        | paths -> [ "exclude_from_weight_decay", ConfigValue.List(paths |> List.map Configs.text) ])
                     @ arguments)
            )
        | _ -> None

    /// <summary>Class name and all arguments, by Keras's names; None if the optimizer or its schedule cannot be saved.</summary>
    [<CompiledName("Config")>]
    let rec config (optimizer: Optimizer) : Config option =
        let name = "name", Configs.text optimizer.Name

        match optimizer.Update with
        | ByRule _ -> ruleConfig optimizer
        | LossScaled scaling ->
            config scaling.Inner
            |> Option.map (fun inner ->
                Configs.make
                    optimizer.ClassName
                    [ name
                      "inner_optimizer", Configs.nest inner
                      "initial_scale", Configs.number scaling.InitialScale
                      "dynamic_growth_steps", Configs.whole scaling.GrowthSteps ])
        | ByPath map ->
            let inner = map.Patterns |> List.map (fun (pattern, o) -> config o |> Option.map (fun c -> pattern, c))

            match config map.Default with
            | Some fallback when inner |> List.forall Option.isSome ->
                let patterns = inner |> List.choose (Option.map (fun (pattern, c) -> pattern, Configs.nest c))

                let map =
                    Configs.make
                        "OptimizerMap"
                        [ "default_optimizer", Configs.nest fallback; "optimizer_map", ConfigValue.Object patterns ]

                Some(
                    Configs.make
                        optimizer.ClassName
                        [ name
                          "optimizer_map", Configs.nest map
                          "loss_scale_factor", Configs.optional Configs.number optimizer.Options.LossScaleFactor ]
                )
            | _ -> None

    let private adamOptions (a: Arguments) : AdamOptions =
        { Beta1 = a.Float("beta_1", 0.9)
          Beta2 = a.Float("beta_2", 0.999)
          Epsilon = a.Float("epsilon", 1e-7)
          Amsgrad = a.Bool("amsgrad", false) }

    /// Class name, default rate, and the optimizer of some arguments.
    let private table: (string * float * (Arguments -> OptimizerOptions -> Optimizer))[] =
        [| "SGD", 0.01, (fun a -> sgdWith { Momentum = a.Float("momentum", 0.0); Nesterov = a.Bool("nesterov", false) })
           "RMSprop",
           0.001,
           (fun a ->
               rmsPropWith
                   { Rho = a.Float("rho", 0.9)
                     Momentum = a.Float("momentum", 0.0)
                     Epsilon = a.Float("epsilon", 1e-7)
                     Centered = a.Bool("centered", false) })
           "Adam", 0.001, (fun a -> adamWith (adamOptions a))
           "AdamW", 0.001, (fun a -> adamWWith (adamOptions a))
           "Adagrad",
           0.001,
           (fun a -> adagradWith (a.Float("initial_accumulator_value", 0.1)) (a.Float("epsilon", 1e-7)))
           "Adadelta", 0.001, (fun a -> adadeltaWith (a.Float("rho", 0.95)) (a.Float("epsilon", 1e-7)))
           "Adamax", 0.001, (fun a -> adamaxWith (adamOptions a))
           "Nadam", 0.001, (fun a -> nadamWith (adamOptions a))
           "Ftrl",
           0.001,
           (fun a ->
               ftrlWith
                   { LearningRatePower = a.Float("learning_rate_power", -0.5)
                     InitialAccumulator = a.Float("initial_accumulator_value", 0.1)
                     L1 = a.Float("l1_regularization_strength", 0.0)
                     L2 = a.Float("l2_regularization_strength", 0.0)
                     L2Shrinkage = a.Float("l2_shrinkage_regularization_strength", 0.0)
                     Beta = a.Float("beta", 0.0) })
           "Lion", 0.001, (fun a -> lionWith (a.Float("beta_1", 0.9)) (a.Float("beta_2", 0.99)))
           "Lamb", 0.001, (fun a -> lambWith (adamOptions a))
           "Muon",
           0.001,
           (fun a options ->
               let usual = MuonOptions.Default

               muonWith
                   { AdamBeta1 = a.Float("adam_beta_1", usual.AdamBeta1)
                     AdamBeta2 = a.Float("adam_beta_2", usual.AdamBeta2)
                     AdamWeightDecay = a.FloatOr("adam_weight_decay", usual.AdamWeightDecay)
                     Epsilon = a.Float("epsilon", usual.Epsilon)
                     ExcludeLayers = a.Texts "exclude_layers"
                     ExcludeEmbeddings = a.Bool("exclude_embeddings", usual.ExcludeEmbeddings)
                     MuonA = a.Float("muon_a", usual.MuonA)
                     MuonB = a.Float("muon_b", usual.MuonB)
                     MuonC = a.Float("muon_c", usual.MuonC)
                     AdamLrRatio = a.Float("adam_lr_ratio", usual.AdamLrRatio)
                     Momentum = a.Float("momentum", usual.Momentum)
                     NsSteps = a.Int("ns_steps", usual.NsSteps)
                     Nesterov = a.Bool("nesterov", usual.Nesterov)
                     RmsRate = a.FloatOr("rms_rate", usual.RmsRate) }
                   (if a.Given "weight_decay" then options else { options with WeightDecay = Some 0.004 }))
           "ScheduleFreeAdamW",
           0.0025,
           (fun a ->
               scheduleFreeAdamWWith
                   { Beta1 = a.Float("beta_1", 0.9)
                     Beta2 = a.Float("beta_2", 0.999)
                     Epsilon = a.Float("epsilon", 1e-8)
                     WarmupSteps = a.Int("warmup_steps", 0) })
           "Adafactor",
           0.001,
           (fun a ->
               adafactorWith
                   { Beta2Decay = a.Float("beta_2_decay", -0.8)
                     Epsilon1 = a.Float("epsilon_1", 1e-30)
                     Epsilon2 = a.Float("epsilon_2", 1e-3)
                     ClipThreshold = a.Float("clip_threshold", 1.0)
                     RelativeStep = a.Bool("relative_step", true) }) |]

    let internal classNames =
        [| yield! table |> Array.map (fun (className, _, _) -> className)
           "LossScaleOptimizer"
           "MultiOptimizer" |]

    let private rateOf (a: Arguments) (usual: float) =
        match a.Raw "learning_rate" with
        | ConfigValue.Null -> Fixed usual
        | ConfigValue.Float f -> Fixed f
        | ConfigValue.Int i -> Fixed(float i)
        | nested ->
            match Configs.unnest nested with
            | Some schedule -> Scheduled(Schedule.ofConfig schedule)
            | None ->
                invalid "learning_rate" "a number or a schedule" "another kind of value" "Give a number such as 0.001."

    let private optionsOf (a: Arguments) (usual: float) : OptimizerOptions =
        { LearningRate = rateOf a usual
          WeightDecay = a.FloatOption "weight_decay"
          ExcludeFromWeightDecay = a.Texts "exclude_from_weight_decay"
          ClipNorm = a.FloatOption "clipnorm"
          ClipValue = a.FloatOption "clipvalue"
          GlobalClipNorm = a.FloatOption "global_clipnorm"
          UseEma = a.Bool("use_ema", false)
          EmaMomentum = a.Float("ema_momentum", 0.99)
          EmaOverwriteFrequency = a.IntOption "ema_overwrite_frequency"
          GradientAccumulationSteps = a.IntOption "gradient_accumulation_steps"
          LossScaleFactor = a.FloatOption "loss_scale_factor" }

    /// <summary>The optimizer of a configuration.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    [<CompiledName("OfConfig")>]
    let rec ofConfig (config: Config) : Optimizer =
        let wanted = Arguments.Canonical config.ClassName
        let a = Arguments config
        let name = a.TextOption "name"

        let nested (argument: string) (value: ConfigValue) : Optimizer =
            match value, Configs.unnest value with
            | ConfigValue.Text name, _ -> ofConfig (Configs.make name [])
            | _, Some inner -> ofConfig inner
            | _ -> invalid argument "an optimizer" "another kind of value" "Give class_name and config of an optimizer."

        let optimizer =
            match wanted with
            | "lossscaleoptimizer" ->
                // Keras writes the options that every optimizer has, and uses none of them.
                optionsOf a 0.0 |> ignore
                a.Raw "dynamic" |> ignore

                nested "inner_optimizer" (a.Raw "inner_optimizer")
                |> lossScaleWith (a.Float("initial_scale", 32768.0)) (a.Int("dynamic_growth_steps", 2000))
            | "multioptimizer" ->
                let map =
                    match Configs.unnest (a.Raw "optimizer_map") with
                    | Some map -> Arguments map
                    | None -> invalid "optimizer_map" "an OptimizerMap" "another kind of value" "Give an OptimizerMap."

                let patterns =
                    match map.Raw "optimizer_map" with
                    | ConfigValue.Object fields -> fields
                    | _ -> []

                multiWith
                    (a.FloatOption "loss_scale_factor")
                    (nested "default_optimizer" (map.Raw "default_optimizer"))
                    (patterns |> List.map (fun (pattern, inner) -> pattern, nested pattern inner))
            | _ ->
                match table |> Array.tryFind (fun (name, _, _) -> Arguments.Canonical name = wanted) with
                | None ->
                    let known = classNames |> Array.map (fun name -> name.ToLowerInvariant())
                    raise (Names.unknown "optimizer" "optimizer" config.ClassName known)
                | Some(_, usual, create) -> create a (optionsOf a usual)

        a.Done()
        name |> Option.fold (fun o n -> { o with Name = n }) optimizer

    /// <summary>The optimizer of that name with Keras's defaults: sgd, rmsprop, adam, adamw, ...</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown; the hint names the nearest.</exception>
    [<CompiledName("Parse")>]
    let parse (name: string) : Optimizer = ofConfig (Configs.make name [])
