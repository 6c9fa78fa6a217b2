namespace FunctionalNet

open System
open System.IO
open System.Runtime.InteropServices
open FunctionalNet.Training

/// <summary>Options of <c>Callback.modelCheckpoint</c>, named as in Keras.</summary>
type ModelCheckpointOptions =
    {
        /// <summary>Where to save: a path with fields such as {epoch:02d} and {val_loss:.4f}.</summary>
        FilePath: string
        /// <summary>The figure to watch. Default val_loss.</summary>
        Monitor: string
        /// <summary>True to print when it saves. Default false.</summary>
        Verbose: bool
        /// <summary>True to save only when the figure is better than ever. Default false.</summary>
        SaveBestOnly: bool
        /// <summary>True to save weights without configuration and optimizer. Default false.</summary>
        SaveWeightsOnly: bool
        /// <summary>Whether less or more is better. Default Auto.</summary>
        Mode: MonitorMode
        /// <summary>Save after so many batches; None to save after every epoch, the default.</summary>
        SaveFreq: int option
        /// <summary>A value that must be beaten before the first save. Default none.</summary>
        InitialValueThreshold: float option
    }

/// <summary>Saves the model or its weights while training. Keras: ModelCheckpoint.</summary>
/// <param name="filepath">Where to save: a path with fields such as {epoch:02d}, {batch} and {val_loss:.4f}. Epochs and
/// batches count from 1 in it. Missing folders are made.</param>
/// <param name="monitor">The figure to watch. Default val_loss.</param>
/// <param name="verbose">True to print when it saves. Default false.</param>
/// <param name="saveBestOnly">True to save only when the figure is better than ever. Default false.</param>
/// <param name="saveWeightsOnly">True to save weights without configuration and optimizer. Default false.</param>
/// <param name="mode">Whether less or more is better. Default Auto.</param>
/// <param name="saveFreq">Save after so many batches; null to save after every epoch, the default.</param>
/// <param name="initialValueThreshold">A value that must be beaten before the first save. Default none.</param>
[<Sealed>]
type ModelCheckpoint
    (
        filepath: string,
        [<Optional; DefaultParameterValue("val_loss")>] monitor: string,
        [<Optional; DefaultParameterValue(false)>] verbose: bool,
        [<Optional; DefaultParameterValue(false)>] saveBestOnly: bool,
        [<Optional; DefaultParameterValue(false)>] saveWeightsOnly: bool,
        [<Optional; DefaultParameterValue(MonitorMode.Auto)>] mode: MonitorMode,
        [<Optional>] saveFreq: Nullable<int>,
        [<Optional>] initialValueThreshold: Nullable<float>
    ) =
    inherit TrainingCallback()

    let template = FileTemplate.Parse filepath
    let watch = Monitor("ModelCheckpoint", monitor, mode, 0.0, true)
    let mutable best = CallbackArguments.optional initialValueThreshold
    let mutable epoch = 0
    let mutable batchesSinceSave = 0
    let mutable lastBatch = 0
    let mutable lastPath = ""

    do
        if saveFreq.HasValue && saveFreq.Value <= 0 then
            raise (
                ArgumentValueException(
                    "The number of batches between saves is not positive.",
                    "ModelCheckpoint.saveFreq",
                    "a number of batches above 0, or null for every epoch",
                    NumberText.whole saveFreq.Value,
                    "Leave it out to save after every epoch."
                )
            )

    let text (value: float voption) =
        match value with
        | ValueSome v -> NumberText.fixedPoint 5 v
        | ValueNone -> if watch.Falls then "inf" else "-inf"

    /// <summary>Where messages go. Default the console.</summary>
    member val Output: TextWriter = Console.Out with get, set

    /// <summary>The path saved last; empty before the first save.</summary>
    member _.LastPath = lastPath

    /// <summary>The best value so far; NaN before there is one.</summary>
    member _.Best =
        match best with
        | ValueSome value -> value
        | ValueNone -> nan

    member private this.Say(message: string) =
        if verbose then
            this.Output.WriteLine(Environment.NewLine + "Epoch " + NumberText.whole (epoch + 1) + ": " + message)

    member private this.Write(path: string) =
        match Path.GetDirectoryName path with
        | null
        | "" -> ()
        | folder -> Directory.CreateDirectory folder |> ignore

        lastPath <- path

        if saveWeightsOnly then this.Model.SaveWeights path else this.Model.SaveModel path

    /// `batch` counts from 1; 0 at the end of an epoch.
    member private this.Save(batch: int, logs: TrainingLogs) =
        if not saveBestOnly then
            let path = template.Fill(epoch + 1, batch, logs)
            this.Write path
            this.Say("saving model to " + path)
        else
            watch.Resolve this.Model

            match watch.Read(this.Model, logs, this.Output) with
            | ValueNone -> ()
            | ValueSome current when watch.Improves(current, best) ->
                let path = template.Fill(epoch + 1, batch, logs)
                let before = text best
                // A saved model holds the state of its callbacks, this one's included.
                best <- ValueSome current
                this.Write path

                this.Say(
                    monitor
                    + " improved from "
                    + before
                    + " to "
                    + NumberText.fixedPoint 5 current
                    + ", saving model to "
                    + path
                )
            | ValueSome _ -> this.Say(monitor + " did not improve from " + text best)

    override _.OnEpochBegin current = epoch <- current

    override this.OnTrainBatchEnd(batch, logs) =
        if saveFreq.HasValue then
            let added = if batch <= lastBatch then batch + 1 else batch - lastBatch
            batchesSinceSave <- batchesSinceSave + added
            lastBatch <- batch

            if batchesSinceSave >= saveFreq.Value then
                batchesSinceSave <- 0
                this.Save(batch + 1, logs)

    override this.OnEpochEnd(current, logs) =
        epoch <- current

        if not saveFreq.HasValue then this.Save(0, logs)

    override _.SaveState state =
        CallbackArguments.save state "best" best
        state.Set("batches_since_save", batchesSinceSave)
        state.Set("last_batch", lastBatch)
        state.Set("last_path", lastPath)

    override _.LoadState state =
        best <- CallbackArguments.load state "best"
        batchesSinceSave <- state.GetInt "batches_since_save"
        lastBatch <- state.GetInt "last_batch"
        lastPath <- state.GetText "last_path"

/// <summary>Keras's defaults of saving while training.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ModelCheckpoint =

    /// <summary>Keras's defaults, for a path.</summary>
    [<CompiledName("Options")>]
    let options (filePath: string) : ModelCheckpointOptions =
        { FilePath = filePath
          Monitor = "val_loss"
          Verbose = false
          SaveBestOnly = false
          SaveWeightsOnly = false
          Mode = MonitorMode.Auto
          SaveFreq = None
          InitialValueThreshold = None }
