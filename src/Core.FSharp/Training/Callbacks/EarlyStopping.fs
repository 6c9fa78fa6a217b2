namespace FunctionalNet

open System
open System.Collections.Generic
open System.IO
open System.Runtime.InteropServices
open FunctionalNet.Training

/// <summary>Options of <c>Callback.earlyStopping</c>, named as in Keras.</summary>
type EarlyStoppingOptions =
    {
        /// <summary>The figure to watch. Default val_loss.</summary>
        Monitor: string
        /// <summary>A change must be larger than this to count. Default 0.</summary>
        MinDelta: float
        /// <summary>Epochs without improvement after which training stops. Default 0.</summary>
        Patience: int
        /// <summary>True to print when training stops. Default false.</summary>
        Verbose: bool
        /// <summary>Whether less or more is better. Default Auto.</summary>
        Mode: MonitorMode
        /// <summary>A value that must be beaten as well. Default none.</summary>
        Baseline: float option
        /// <summary>True to go back to the weights of the best epoch at the end. Default false.</summary>
        RestoreBestWeights: bool
        /// <summary>The first epoch, counted from 0, that is watched. Default 0.</summary>
        StartFromEpoch: int
    }

/// <summary>Stops training when a figure has not improved for some epochs. Keras: EarlyStopping.</summary>
/// <param name="monitor">The figure to watch. Default val_loss.</param>
/// <param name="minDelta">A change must be larger than this to count. Default 0.</param>
/// <param name="patience">Epochs without improvement after which training stops. Default 0.</param>
/// <param name="verbose">True to print when training stops. Default false.</param>
/// <param name="mode">Whether less or more is better. Default Auto.</param>
/// <param name="baseline">A value that must be beaten as well. Default none.</param>
/// <param name="restoreBestWeights">True to go back to the weights of the best epoch at the end. Default false.</param>
/// <param name="startFromEpoch">The first epoch, counted from 0, that is watched. Default 0.</param>
[<Sealed>]
type EarlyStopping
    (
        [<Optional; DefaultParameterValue("val_loss")>] monitor: string,
        [<Optional; DefaultParameterValue(0.0)>] minDelta: float,
        [<Optional; DefaultParameterValue(0)>] patience: int,
        [<Optional; DefaultParameterValue(false)>] verbose: bool,
        [<Optional; DefaultParameterValue(MonitorMode.Auto)>] mode: MonitorMode,
        [<Optional>] baseline: Nullable<float>,
        [<Optional; DefaultParameterValue(false)>] restoreBestWeights: bool,
        [<Optional; DefaultParameterValue(0)>] startFromEpoch: int
    ) =
    inherit TrainingCallback()

    let watch = Monitor("EarlyStopping", monitor, mode, minDelta, false)
    let baseline = CallbackArguments.optional baseline
    let mutable wait = 0
    let mutable stoppedEpoch = 0
    let mutable bestEpoch = 0
    let mutable best: float voption = ValueNone
    let mutable bestWeights: IReadOnlyList<KeyValuePair<string, Tensor>> | null = null

    do
        CallbackArguments.notNegative "EarlyStopping" "patience" patience
        CallbackArguments.notNegative "EarlyStopping" "startFromEpoch" startFromEpoch

    /// <summary>Where messages go. Default the console.</summary>
    member val Output: TextWriter = Console.Out with get, set

    /// <summary>The epoch, counted from 0, after which training stopped; 0 if it did not.</summary>
    member _.StoppedEpoch = stoppedEpoch

    /// <summary>The epoch, counted from 0, of the best value.</summary>
    member _.BestEpoch = bestEpoch

    /// <summary>The best value; NaN before there is one.</summary>
    member _.Best =
        match best with
        | ValueSome value -> value
        | ValueNone -> nan

    override _.OnTrainBegin() =
        wait <- 0
        stoppedEpoch <- 0
        bestEpoch <- 0
        best <- ValueNone
        bestWeights <- null

    override this.OnEpochEnd(epoch, logs) =
        watch.Resolve this.Model

        match watch.Read(this.Model, logs, this.Output) with
        | ValueSome current when epoch >= startFromEpoch ->
            if restoreBestWeights && isNull bestWeights then
                bestWeights <- this.Model.GetWeights()
                bestEpoch <- epoch

            wait <- wait + 1

            if watch.Improves(current, best) then
                // The first value came with its weights just now; do not copy them twice.
                let first = best.IsNone
                best <- ValueSome current
                bestEpoch <- epoch

                if restoreBestWeights && not first then bestWeights <- this.Model.GetWeights()

                if baseline.IsNone || watch.Improves(current, baseline) then wait <- 0
            elif wait >= patience && epoch > 0 then
                stoppedEpoch <- epoch
                this.Model.StopTraining <- true
        | _ -> ()

    override this.OnTrainEnd _ =
        if stoppedEpoch > 0 && verbose then
            this.Output.WriteLine("Epoch " + NumberText.whole (stoppedEpoch + 1) + ": early stopping")

        match bestWeights with
        | null -> ()
        | weights ->
            if verbose then
                this.Output.WriteLine(
                    "Restoring model weights from the end of the best epoch: " + NumberText.whole (bestEpoch + 1) + "."
                )

            this.Model.SetWeights weights

    override _.SaveState state =
        state.Set("wait", wait)
        state.Set("stopped_epoch", stoppedEpoch)
        state.Set("best_epoch", bestEpoch)
        CallbackArguments.save state "best" best

        match bestWeights with
        | null -> ()
        | weights ->
            for pair in weights do
                state.Set(pair.Key, pair.Value)

    override _.LoadState state =
        wait <- state.GetInt "wait"
        stoppedEpoch <- state.GetInt "stopped_epoch"
        bestEpoch <- state.GetInt "best_epoch"
        best <- CallbackArguments.load state "best"
        let names = state.TensorNames

        bestWeights <-
            if names.Count = 0 then
                null
            else
                [| for name in names -> KeyValuePair(name, state.GetTensor name) |]

/// <summary>Keras's defaults of early stopping.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module EarlyStopping =

    /// <summary>Keras's defaults.</summary>
    [<CompiledName("Options")>]
    let options: EarlyStoppingOptions =
        { Monitor = "val_loss"
          MinDelta = 0.0
          Patience = 0
          Verbose = false
          Mode = MonitorMode.Auto
          Baseline = None
          RestoreBestWeights = false
          StartFromEpoch = 0 }
