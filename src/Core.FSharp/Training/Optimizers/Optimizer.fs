namespace FunctionalNet

open System
open FunctionalNet.Common
open FunctionalNet.Training

/// What an optimizer moves: a variable with its path, gradient and slots.
[<NoEquality; NoComparison>]
type internal OptimizedVariable =
    { Path: string; Variable: Expr; Gradient: Expr; Slots: Expr[]; Constraint: Constraint option }

/// What one update makes of everything.
[<NoEquality; NoComparison>]
type internal OptimizedStep = { Variables: Expr[]; Slots: Expr[][]; Scalars: Expr[] }

/// <summary>Keras's optimizers. The short form takes the learning rate; the long one takes all options.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Optimizer =

    let private invalid (argument: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (ArgumentValueException("An option of the optimizer is not valid.", argument, expected, actual, hint))

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

    let private build
        (className: string)
        (name: string)
        (arguments: (string * ConfigValue) list option)
        (options: OptimizerOptions)
        (rule: UpdateRule)
        : Optimizer =
        check options

        { Name = name; ClassName = className; Arguments = arguments; Options = options; Rule = rule }

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
        { optimizer with Options = options }

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
        let scheduled =
            match options.LearningRate with
            | Scheduled _ -> true
            | Fixed _ -> false

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
            (UpdateRules.adafactor scheduled o)

    /// <summary>Class name and all arguments, by Keras's names; None if the optimizer or its schedule cannot be saved.</summary>
    [<CompiledName("Config")>]
    let config (optimizer: Optimizer) : Config option =
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
           "Adafactor",
           0.001,
           (fun a ->
               adafactorWith
                   { Beta2Decay = a.Float("beta_2_decay", -0.8)
                     Epsilon1 = a.Float("epsilon_1", 1e-30)
                     Epsilon2 = a.Float("epsilon_2", 1e-3)
                     ClipThreshold = a.Float("clip_threshold", 1.0)
                     RelativeStep = a.Bool("relative_step", true) }) |]

    let internal classNames = table |> Array.map (fun (className, _, _) -> className)

    /// <summary>The optimizer of a configuration.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    [<CompiledName("OfConfig")>]
    let ofConfig (config: Config) : Optimizer =
        let wanted = Arguments.Canonical config.ClassName

        match table |> Array.tryFind (fun (name, _, _) -> Arguments.Canonical name = wanted) with
        | None ->
            let known = table |> Array.map (fun (name, _, _) -> name.ToLowerInvariant())
            raise (Names.unknown "optimizer" "optimizer" config.ClassName known)
        | Some(_, usual, create) ->
            let a = Arguments config
            let name = a.TextOption "name"

            let rate =
                match a.Raw "learning_rate" with
                | ConfigValue.Null -> Fixed usual
                | ConfigValue.Float f -> Fixed f
                | ConfigValue.Int i -> Fixed(float i)
                | nested ->
                    match Configs.unnest nested with
                    | Some schedule -> Scheduled(Schedule.ofConfig schedule)
                    | None ->
                        invalid
                            "learning_rate"
                            "a number or a schedule"
                            "another kind of value"
                            "Give a number such as 0.001."

            let options =
                { LearningRate = rate
                  WeightDecay = a.FloatOption "weight_decay"
                  ExcludeFromWeightDecay =
                    (match a.Raw "exclude_from_weight_decay" with
                     | ConfigValue.List items ->
                         items
                         |> List.choose (fun item ->
                             match item with
                             | ConfigValue.Text t -> Some t
                             | _ -> None)
                     | _ -> [])
                  ClipNorm = a.FloatOption "clipnorm"
                  ClipValue = a.FloatOption "clipvalue"
                  GlobalClipNorm = a.FloatOption "global_clipnorm"
                  UseEma = a.Bool("use_ema", false)
                  EmaMomentum = a.Float("ema_momentum", 0.99)
                  EmaOverwriteFrequency = a.IntOption "ema_overwrite_frequency"
                  GradientAccumulationSteps = a.IntOption "gradient_accumulation_steps"
                  LossScaleFactor = a.FloatOption "loss_scale_factor" }

            let optimizer = create a options
            a.Done()
            name |> Option.fold (fun o n -> { o with Name = n }) optimizer

    /// <summary>The optimizer of that name with Keras's defaults: sgd, rmsprop, adam, adamw, ...</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown; the hint names the nearest.</exception>
    [<CompiledName("Parse")>]
    let parse (name: string) : Optimizer = ofConfig (Configs.make name [])

    /// What is kept for a variable: the rule's own slots, then the gradients gathered so far and the average, if wanted.
    let internal slots (optimizer: Optimizer) (shape: Shape) : SlotSpec[] =
        [| yield! optimizer.Rule.Slots shape
           if optimizer.Options.GradientAccumulationSteps.IsSome then
               { Name = "gradient_accumulator"; Shape = shape; Initial = 0.0 }
           if optimizer.Options.UseEma then
               { Name = "average"; Shape = shape; Initial = 0.0 } |]

    let private squared (g: Expr) = Ops.sumAll (Ops.square g)

    /// g * limit / max(length, limit), from the square of the length.
    let private shorten (limit: float) (square: Expr) (g: Expr) =
        // The root has no derivative at 0, but nobody differentiates an update.
        g * (limit / Ops.maximum (Ops.sqrt square) (Ops.scalar square.DType limit))

    let private clip (o: OptimizerOptions) (gradients: Expr[]) : Expr[] =
        match o.ClipNorm, o.GlobalClipNorm, o.ClipValue with
        | Some limit, _, _ -> gradients |> Array.map (fun g -> shorten limit (squared g) g)
        | _, Some limit, _ when gradients.Length > 0 ->
            let all = gradients |> Array.map squared |> Array.reduce (+)
            gradients |> Array.map (shorten limit all)
        | _, _, Some limit -> gradients |> Array.map (Ops.clip -limit limit)
        | _ -> gradients

    /// The whole update, in Keras's order: unscale, accumulate, clip, decay, step, average, constrain.
    let internal apply
        (optimizer: Optimizer)
        (rate: Expr)
        (iterations: Expr)
        (scalars: Expr[])
        (variables: OptimizedVariable[])
        : OptimizedStep =
        let o = optimizer.Options
        let own (v: OptimizedVariable) = (optimizer.Rule.Slots v.Variable.Shape).Length
        let count = Ops.cast DType.Float64 iterations

        let gradients =
            match o.LossScaleFactor with
            | Some factor -> variables |> Array.map (fun v -> v.Gradient * (1.0 / factor))
            | None -> variables |> Array.map (fun v -> v.Gradient)

        // Whether this batch ends a round of gathering, the number of the update, and the gradients to use.
        let struct (ends, time, used, gathered) =
            match o.GradientAccumulationSteps with
            | None -> struct (ValueNone, count + 1.0, gradients, [||])
            | Some n ->
                let sums = Array.map2 (fun (v: OptimizedVariable) g -> v.Slots[own v] + g) variables gradients
                let round = Ops.floor ((count + 1.0) / float n)
                let ends = Ops.equal (round * float n) (count + 1.0)
                let time = Ops.floor (count / float n) + 1.0

                let kept = sums |> Array.map (fun s -> Ops.where ends (Ops.scalar s.DType 0.0) s)

                struct (ValueSome ends, time, sums |> Array.map (fun s -> s * (1.0 / float n)), kept)

        let used = clip o used

        let context = { Rate = rate; Time = time; Scalars = scalars }

        let choose (next: Expr) (old: Expr) =
            match ends with
            | ValueSome ends -> Ops.where ends next old
            | ValueNone -> next

        let steps =
            variables
            |> Array.mapi (fun i v ->
                let decays =
                    not (
                        o.ExcludeFromWeightDecay
                        |> List.exists (fun part -> v.Path.Contains(part, StringComparison.Ordinal))
                    )

                let start =
                    match o.WeightDecay with
                    | Some decay when decay <> 0.0 && decays ->
                        v.Variable - v.Variable * Ops.cast v.Variable.DType (rate * decay)
                    | _ -> v.Variable

                let mine = own v
                let struct (moved, kept) = optimizer.Rule.Step context start used[i] v.Slots[.. mine - 1]

                let struct (moved, average) =
                    if not o.UseEma then
                        struct (moved, [||])
                    else
                        let old = v.Slots[v.Slots.Length - 1]
                        // The first update copies the variable.
                        let first = Ops.equal time (Ops.scalar DType.Float64 1.0)
                        let part =
                            Ops.where first (Ops.scalar DType.Float64 0.0) (Ops.scalar DType.Float64 o.EmaMomentum)
                        let part = Ops.cast old.DType part
                        let average = part * old + (1.0 - part) * moved

                        match o.EmaOverwriteFrequency with
                        | None -> struct (moved, [| average |])
                        | Some n ->
                            let round = Ops.floor (time / float n)
                            let now = Ops.equal (round * float n) time
                            struct (Ops.where now average moved, [| average |])

                let moved =
                    match v.Constraint with
                    | Some c -> c.Project moved
                    | None -> moved

                let old = v.Slots[.. mine - 1]
                let oldAverage = if o.UseEma then [| v.Slots[v.Slots.Length - 1] |] else [||]

                struct (choose moved v.Variable,
                        Array.concat
                            [ Array.map2 choose kept old
                              (if gathered.Length > 0 then [| gathered[i] |] else [||])
                              Array.map2 choose average oldAverage ]))

        { Variables = steps |> Array.map (fun (struct (w, _)) -> w)
          Slots = steps |> Array.map (fun (struct (_, s)) -> s)
          Scalars = Array.map2 choose (optimizer.Rule.StepScalars context) scalars }
