namespace FunctionalNet

open System
open System.IO
open System.Runtime.InteropServices
open FunctionalNet.Training

/// <summary>Options of <c>Callback.reduceLROnPlateau</c>, named as in Keras.</summary>
type ReduceLROnPlateauOptions =
    {
        /// <summary>The figure to watch. Default val_loss.</summary>
        Monitor: string
        /// <summary>The learning rate is multiplied by this, less than 1. Default 0.1.</summary>
        Factor: float
        /// <summary>Epochs without improvement before that. Default 10.</summary>
        Patience: int
        /// <summary>True to print each change. Default false.</summary>
        Verbose: bool
        /// <summary>Whether less or more is better. Default Auto.</summary>
        Mode: MonitorMode
        /// <summary>A change must be larger than this to count. Default 0.0001.</summary>
        MinDelta: float
        /// <summary>Epochs after a change that are not counted. Default 0.</summary>
        Cooldown: int
        /// <summary>The smallest learning rate. Default 0.</summary>
        MinLearningRate: float
    }

/// <summary>Makes the learning rate smaller when a figure has not improved for some epochs. Keras:
/// ReduceLROnPlateau.</summary>
/// <param name="monitor">The figure to watch. Default val_loss.</param>
/// <param name="factor">The learning rate is multiplied by this, less than 1. Default 0.1.</param>
/// <param name="patience">Epochs without improvement before that. Default 10.</param>
/// <param name="verbose">True to print each change. Default false.</param>
/// <param name="mode">Whether less or more is better. Default Auto.</param>
/// <param name="minDelta">A change must be larger than this to count. Default 0.0001.</param>
/// <param name="cooldown">Epochs after a change that are not counted. Default 0.</param>
/// <param name="minLr">The smallest learning rate. Default 0.</param>
[<Sealed>]
type ReduceLROnPlateau
    (
        [<Optional; DefaultParameterValue("val_loss")>] monitor: string,
        [<Optional; DefaultParameterValue(0.1)>] factor: float,
        [<Optional; DefaultParameterValue(10)>] patience: int,
        [<Optional; DefaultParameterValue(false)>] verbose: bool,
        [<Optional; DefaultParameterValue(MonitorMode.Auto)>] mode: MonitorMode,
        [<Optional; DefaultParameterValue(1e-4)>] minDelta: float,
        [<Optional; DefaultParameterValue(0)>] cooldown: int,
        [<Optional; DefaultParameterValue(0.0)>] minLr: float
    ) =
    inherit TrainingCallback()

    let watch = Monitor("ReduceLROnPlateau", monitor, mode, minDelta, true)
    let mutable best: float voption = ValueNone
    let mutable wait = 0
    let mutable cooling = 0

    do
        CallbackArguments.notNegative "ReduceLROnPlateau" "patience" patience
        CallbackArguments.notNegative "ReduceLROnPlateau" "cooldown" cooldown

        if not (factor < 1.0 && factor >= 0.0) then
            raise (
                ArgumentValueException(
                    "The factor would not make the learning rate smaller.",
                    "ReduceLROnPlateau.factor",
                    "a number from 0 to less than 1",
                    NumberText.shortest factor,
                    "Use 0.1 or 0.5."
                )
            )

    /// <summary>Where messages go. Default the console.</summary>
    member val Output: TextWriter = Console.Out with get, set

    override _.OnTrainBegin() =
        best <- ValueNone
        wait <- 0
        cooling <- 0

    override this.OnEpochEnd(epoch, logs) =
        let model = this.Model
        watch.Resolve model
        logs["learning_rate"] <- model.LearningRate

        match watch.Read(model, logs, this.Output) with
        | ValueNone -> ()
        | ValueSome current ->
            if cooling > 0 then
                cooling <- cooling - 1
                wait <- 0

            if watch.Improves(current, best) then
                best <- ValueSome current
                wait <- 0
            elif cooling = 0 then
                wait <- wait + 1

                if wait >= patience && model.LearningRate > minLr then
                    let rate = max (model.LearningRate * factor) minLr
                    model.LearningRate <- rate

                    if verbose then
                        this.Output.WriteLine(
                            Environment.NewLine
                            + "Epoch "
                            + NumberText.whole (epoch + 1)
                            + ": ReduceLROnPlateau reducing learning rate to "
                            + NumberText.shortest rate
                            + "."
                        )

                    cooling <- cooldown
                    wait <- 0

    override _.SaveState state =
        CallbackArguments.save state "best" best
        state.Set("wait", wait)
        state.Set("cooldown_counter", cooling)

    override _.LoadState state =
        best <- CallbackArguments.load state "best"
        wait <- state.GetInt "wait"
        cooling <- state.GetInt "cooldown_counter"

/// <summary>Keras's defaults of reducing the learning rate.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ReduceLROnPlateau =

    /// <summary>Keras's defaults.</summary>
    [<CompiledName("Options")>]
    let options: ReduceLROnPlateauOptions =
        { Monitor = "val_loss"
          Factor = 0.1
          Patience = 10
          Verbose = false
          Mode = MonitorMode.Auto
          MinDelta = 1e-4
          Cooldown = 0
          MinLearningRate = 0.0 }
