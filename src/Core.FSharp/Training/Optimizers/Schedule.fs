namespace FunctionalNet

open System
open FunctionalNet.Common
open FunctionalNet.Training

/// <summary>Types of learning rates.</summary>
[<AutoOpen>]
module ScheduleTypes =

    /// <summary>A learning rate as a function of the number of updates done so far (0 before the first).</summary>
    [<NoEquality; NoComparison>]
    type Schedule =
        {
            /// <summary>Keras's class name and arguments; None if it cannot be saved.</summary>
            Config: Config option
            /// <summary>The rate for the update after that many.</summary>
            Rate: int64 -> float
        }

    /// <summary>How an optimizer gets its learning rate.</summary>
    [<NoEquality; NoComparison>]
    type LearningRate =
        /// <summary>A number, which may be changed while training.</summary>
        | Fixed of float
        /// <summary>A function of the number of updates.</summary>
        | Scheduled of Schedule

/// <summary>Keras's learning rate schedules.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Schedule =

    let private positive (what: string) (value: float) =
        if not (value > 0.0) then
            raise (
                ArgumentValueException(
                    "A number of steps must be positive.",
                    what,
                    "a number above 0",
                    Texts.ofFloat value,
                    "Give the number of updates over which the rate changes."
                )
            )

    /// A rate by the periods that are over, or with a staircase by the whole ones.
    let private decaying className rate decaySteps decayRate staircase (after: float -> float) : Schedule =
        positive "decay_steps" decaySteps

        { Config =
            Some(
                Configs.make
                    className
                    [ "initial_learning_rate", Configs.number rate
                      "decay_steps", Configs.number decaySteps
                      "decay_rate", Configs.number decayRate
                      "staircase", Configs.flag staircase ]
            )
          Rate =
            fun step ->
                let p = float step / decaySteps
                after (if staircase then Math.Floor p else p) }

    /// <summary>A schedule of your own; it cannot be saved.</summary>
    [<CompiledName("Create")>]
    let create (rate: int64 -> float) : Schedule = { Config = None; Rate = rate }

    /// <summary>rate * decayRate^(step / decaySteps). Keras: ExponentialDecay.</summary>
    /// <param name="rate">The initial learning rate.</param>
    /// <param name="decaySteps">Updates for one factor of decayRate.</param>
    /// <param name="decayRate">The factor.</param>
    /// <param name="staircase">True to decay in steps; Keras's default is false.</param>
    [<CompiledName("ExponentialDecay")>]
    let exponentialDecay (rate: float) (decaySteps: float) (decayRate: float) (staircase: bool) : Schedule =
        decaying "ExponentialDecay" rate decaySteps decayRate staircase (fun p -> rate * Math.Pow(decayRate, p))

    /// <summary>rate / (1 + decayRate * step / decaySteps). Keras: InverseTimeDecay.</summary>
    [<CompiledName("InverseTimeDecay")>]
    let inverseTimeDecay (rate: float) (decaySteps: float) (decayRate: float) (staircase: bool) : Schedule =
        decaying "InverseTimeDecay" rate decaySteps decayRate staircase (fun p -> rate / (1.0 + decayRate * p))

    /// <summary>From rate to endRate over decaySteps, along (1 - progress)^power; with cycle it starts again with a longer
    /// period. Keras: PolynomialDecay (defaults: end 1e-4, power 1, no cycle).</summary>
    [<CompiledName("PolynomialDecay")>]
    let polynomialDecay (rate: float) (decaySteps: float) (endRate: float) (power: float) (cycle: bool) : Schedule =
        positive "decay_steps" decaySteps

        { Config =
            Some(
                Configs.make
                    "PolynomialDecay"
                    [ "initial_learning_rate", Configs.number rate
                      "decay_steps", Configs.number decaySteps
                      "end_learning_rate", Configs.number endRate
                      "power", Configs.number power
                      "cycle", Configs.flag cycle ]
            )
          Rate =
            fun step ->
                let step = float step

                let p =
                    if cycle then
                        step / (decaySteps * (if step = 0.0 then 1.0 else Math.Ceiling(step / decaySteps)))
                    else
                        min step decaySteps / decaySteps

                (rate - endRate) * Math.Pow(1.0 - p, power) + endRate }

    /// <summary>values[i] up to and including update boundaries[i], then the next. Keras: PiecewiseConstantDecay.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is not one value more than boundaries.</exception>
    [<CompiledName("PiecewiseConstantDecay")>]
    let piecewiseConstantDecay (boundaries: float[]) (values: float[]) : Schedule =
        if values.Length <> boundaries.Length + 1 then
            raise (
                ArgumentValueException(
                    "A piecewise schedule needs one value more than boundaries.",
                    "values",
                    Texts.ofInt (int64 boundaries.Length + 1L) + " values",
                    Texts.ofInt (int64 values.Length) + " values",
                    "The last value holds after the last boundary."
                )
            )

        let boundaries, values = Array.copy boundaries, Array.copy values

        { Config =
            Some(
                Configs.make
                    "PiecewiseConstantDecay"
                    [ "boundaries", Configs.numbers boundaries; "values", Configs.numbers values ]
            )
          Rate =
            fun step ->
                let mutable i = 0

                while i < boundaries.Length && float step > boundaries[i] do
                    i <- i + 1

                values[i] }

    /// <summary>Half a cosine from rate (or from warmupTarget, after a linear warmup) down to alpha times it. Keras:
    /// CosineDecay (defaults: alpha 0, no warmup).</summary>
    [<CompiledName("CosineDecay")>]
    let cosineDecay
        (rate: float)
        (decaySteps: float)
        (alpha: float)
        (warmupTarget: float option)
        (warmupSteps: float)
        : Schedule =
        positive "decay_steps" decaySteps

        let decay (top: float) (step: float) =
            let p = min step decaySteps / decaySteps
            top * ((1.0 - alpha) * 0.5 * (1.0 + Math.Cos(Math.PI * p)) + alpha)

        { Config =
            Some(
                Configs.make
                    "CosineDecay"
                    [ "initial_learning_rate", Configs.number rate
                      "decay_steps", Configs.number decaySteps
                      "alpha", Configs.number alpha
                      "warmup_target", Configs.optional Configs.number warmupTarget
                      "warmup_steps", Configs.number warmupSteps ]
            )
          Rate =
            fun step ->
                let step = float step

                match warmupTarget with
                | None -> decay rate step
                | Some target when step < warmupSteps -> rate + (target - rate) * (step / warmupSteps)
                | Some target -> decay target (step - warmupSteps) }

    /// <summary>Cosines that start again, each tMul times longer and mMul times as high as the one before. Keras:
    /// CosineDecayRestarts (defaults: t_mul 2, m_mul 1, alpha 0).</summary>
    [<CompiledName("CosineDecayRestarts")>]
    let cosineDecayRestarts
        (rate: float)
        (firstDecaySteps: float)
        (tMul: float)
        (mMul: float)
        (alpha: float)
        : Schedule =
        positive "first_decay_steps" firstDecaySteps

        { Config =
            Some(
                Configs.make
                    "CosineDecayRestarts"
                    [ "initial_learning_rate", Configs.number rate
                      "first_decay_steps", Configs.number firstDecaySteps
                      "t_mul", Configs.number tMul
                      "m_mul", Configs.number mMul
                      "alpha", Configs.number alpha ]
            )
          Rate =
            fun step ->
                let completed = float step / firstDecaySteps

                let struct (restart, fraction) =
                    if tMul = 1.0 then
                        let i = Math.Floor completed
                        struct (i, completed - i)
                    else
                        let i = Math.Floor(Math.Log(1.0 - completed * (1.0 - tMul)) / Math.Log tMul)
                        let length = Math.Pow(tMul, i)
                        struct (i, (completed - (1.0 - length) / (1.0 - tMul)) / length)

                let cosine = 0.5 * Math.Pow(mMul, restart) * (1.0 + Math.Cos(Math.PI * fraction))
                rate * ((1.0 - alpha) * cosine + alpha) }

    let internal known =
        [| "ExponentialDecay"
           "InverseTimeDecay"
           "PolynomialDecay"
           "PiecewiseConstantDecay"
           "CosineDecay"
           "CosineDecayRestarts" |]

    let private custom = System.Collections.Concurrent.ConcurrentDictionary<string, int64 -> float>()

    /// <summary>Makes a function of your own known under a name, in configurations too: from the number of updates done so far to
    /// the rate.</summary>
    let register (name: string) (rate: int64 -> float) : Schedule =
        custom[name] <- rate
        { Config = Some(Configs.make name []); Rate = rate }

    /// <summary>The schedule of a configuration.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or an argument is unknown.</exception>
    [<CompiledName("OfConfig")>]
    let ofConfig (config: Config) : Schedule =
        let a = Arguments config
        let rate () = a.Float("initial_learning_rate", 0.001)
        let steps () = a.Float("decay_steps", 0.0)

        let schedule =
            match config.ClassName with
            | "ExponentialDecay" ->
                exponentialDecay (rate ()) (steps ()) (a.Float("decay_rate", 1.0)) (a.Bool("staircase", false))
            | "InverseTimeDecay" ->
                inverseTimeDecay (rate ()) (steps ()) (a.Float("decay_rate", 1.0)) (a.Bool("staircase", false))
            | "PolynomialDecay" ->
                polynomialDecay
                    (rate ())
                    (steps ())
                    (a.Float("end_learning_rate", 0.0001))
                    (a.Float("power", 1.0))
                    (a.Bool("cycle", false))
            | "PiecewiseConstantDecay" ->
                piecewiseConstantDecay
                    (a.Floats "boundaries" |> Option.defaultValue [||])
                    (a.Floats "values" |> Option.defaultValue [||])
            | "CosineDecay" ->
                cosineDecay
                    (rate ())
                    (steps ())
                    (a.Float("alpha", 0.0))
                    (a.FloatOption "warmup_target")
                    (a.Float("warmup_steps", 0.0))
            | "CosineDecayRestarts" ->
                cosineDecayRestarts
                    (rate ())
                    (a.Float("first_decay_steps", 0.0))
                    (a.Float("t_mul", 2.0))
                    (a.Float("m_mul", 1.0))
                    (a.Float("alpha", 0.0))
            | other ->
                match custom.TryGetValue other with
                | true, rate -> { Config = Some(Configs.make other []); Rate = rate }
                | _ -> raise (Names.unknown "schedule" "learning_rate" other known)

        a.Done()
        schedule
