namespace FunctionalNet

open System

/// <summary>Callbacks as F# functions.</summary>
/// <example><code>Callback.earlyStopping { EarlyStopping.options with Patience = 3 }</code></example>
[<RequireQualifiedAccess>]
module Callback =

    /// <summary>Stops training when a figure has not improved for some epochs.</summary>
    [<CompiledName("EarlyStopping")>]
    let earlyStopping (options: EarlyStoppingOptions) : TrainingCallback =
        EarlyStopping(
            options.Monitor,
            options.MinDelta,
            options.Patience,
            options.Verbose,
            options.Mode,
            Option.toNullable options.Baseline,
            options.RestoreBestWeights,
            options.StartFromEpoch
        )

    /// <summary>Saves the model or its weights while training.</summary>
    [<CompiledName("ModelCheckpoint")>]
    let modelCheckpoint (options: ModelCheckpointOptions) : TrainingCallback =
        ModelCheckpoint(
            options.FilePath,
            options.Monitor,
            options.Verbose,
            options.SaveBestOnly,
            options.SaveWeightsOnly,
            options.Mode,
            Option.toNullable options.SaveFreq,
            Option.toNullable options.InitialValueThreshold
        )

    /// <summary>Makes the learning rate smaller when a figure has not improved for some epochs.</summary>
    [<CompiledName("ReduceLROnPlateau")>]
    let reduceLROnPlateau (options: ReduceLROnPlateauOptions) : TrainingCallback =
        ReduceLROnPlateau(
            options.Monitor,
            options.Factor,
            options.Patience,
            options.Verbose,
            options.Mode,
            options.MinDelta,
            options.Cooldown,
            options.MinLearningRate
        )

    /// <summary>Sets the learning rate at the beginning of every epoch, from the epoch (counted from 0) and the present
    /// rate.</summary>
    [<CompiledName("LearningRateScheduler")>]
    let learningRateScheduler (schedule: int -> float -> float) : TrainingCallback =
        LearningRateScheduler(Func<int, float, float>(fun epoch rate -> schedule epoch rate), false)

    /// <summary>Writes one line of comma-separated figures per epoch to that file.</summary>
    [<CompiledName("CsvLogger")>]
    let csvLogger (filename: string) : TrainingCallback = CSVLogger(filename, ",", false)

    /// <summary>Keeps a backup of the training, from which a fit that was killed goes on when it is run again.</summary>
    [<CompiledName("BackupAndRestore")>]
    let backupAndRestore (options: BackupAndRestoreOptions) : TrainingCallback =
        BackupAndRestore(
            options.BackupDir,
            Option.toNullable options.SaveFreq,
            options.DoubleCheckpoint,
            options.DeleteCheckpoint
        )

    /// <summary>Evaluates with the moving averages of the weights; true to leave them in place between epochs.</summary>
    [<CompiledName("SwapEmaWeights")>]
    let swapEmaWeights (swapOnEpoch: bool) : TrainingCallback = SwapEMAWeights swapOnEpoch

    /// <summary>Sends the figures of every epoch to a server.</summary>
    [<CompiledName("RemoteMonitor")>]
    let remoteMonitor (options: RemoteMonitorOptions) : TrainingCallback =
        RemoteMonitor(options.Root, options.Path, options.Field, readOnlyDict options.Headers, options.SendAsJson)

    /// <summary>Stops training when the loss is NaN or infinite.</summary>
    [<CompiledName("TerminateOnNaN")>]
    let terminateOnNaN () : TrainingCallback = TerminateOnNaN(false)

    /// <summary>Calls a function at the end of every epoch, with the epoch (counted from 0) and its figures.</summary>
    [<CompiledName("OnEpochEnd")>]
    let onEpochEnd (call: int -> TrainingLogs -> unit) : TrainingCallback =
        LambdaCallback(onEpochEnd = Action<int, TrainingLogs>(fun epoch logs -> call epoch logs))

    /// <summary>Calls a function at the beginning of every epoch, with the epoch (counted from 0).</summary>
    [<CompiledName("OnEpochBegin")>]
    let onEpochBegin (call: int -> unit) : TrainingCallback = LambdaCallback(onEpochBegin = Action<int>(call))

    /// <summary>Calls a function after every training batch, with the batch (counted from 0 in each epoch) and the figures
    /// so far.</summary>
    [<CompiledName("OnTrainBatchEnd")>]
    let onTrainBatchEnd (call: int -> TrainingLogs -> unit) : TrainingCallback =
        LambdaCallback(onTrainBatchEnd = Action<int, TrainingLogs>(fun batch logs -> call batch logs))
