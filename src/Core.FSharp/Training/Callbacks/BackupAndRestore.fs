namespace FunctionalNet

open System
open System.IO
open System.Runtime.InteropServices
open FunctionalNet.Training

/// <summary>Options of <c>Callback.backupAndRestore</c>, named as in Keras.</summary>
type BackupAndRestoreOptions =
    {
        /// <summary>The folder of the backup, for one training only. It is made if it is missing.</summary>
        BackupDir: string
        /// <summary>Back up after so many batches; None to do so after every epoch, the default.</summary>
        SaveFreq: int option
        /// <summary>True to keep the backup before the latest one too. Default false.</summary>
        DoubleCheckpoint: bool
        /// <summary>True to delete the backup once the training is complete. Default true.</summary>
        DeleteCheckpoint: bool
    }

/// <summary>Keeps a backup of the training, so that a fit that was killed goes on when it is run again with the same
/// arguments. With a backup after every epoch the result has the same bits, in weights, optimizer, history and the states of
/// callbacks, as that of a training that was never interrupted. A backup within an epoch begins that epoch anew with the
/// weights it had, as in Keras. A fit that was cancelled keeps its backup. Keras: BackupAndRestore.</summary>
/// <param name="backupDir">The folder of the backup, for one training only. It is made if it is missing.</param>
/// <param name="saveFreq">Back up after so many batches; null to do so after every epoch, the default.</param>
/// <param name="doubleCheckpoint">True to keep the backup before the latest one too, for the case that the latest cannot be
/// read. Default false.</param>
/// <param name="deleteCheckpoint">True to delete the backup once the training is complete. Default true.</param>
[<Sealed>]
type BackupAndRestore
    (
        backupDir: string,
        [<Optional>] saveFreq: Nullable<int>,
        [<Optional; DefaultParameterValue(false)>] doubleCheckpoint: bool,
        [<Optional; DefaultParameterValue(true)>] deleteCheckpoint: bool
    ) =
    inherit TrainingCallback()

    let refuse (argument: string) (expected: string) (actual: string) (hint: string) =
        raise (
            ArgumentValueException(
                "An argument of the callback is not valid.",
                "BackupAndRestore." + argument,
                expected,
                actual,
                hint
            )
        )

    do
        if String.IsNullOrWhiteSpace backupDir then
            refuse "backupDir" "the path of a folder" "an empty text" "Name a folder that only this training uses."

        if saveFreq.HasValue && saveFreq.Value <= 0 then
            refuse
                "saveFreq"
                "a number of batches above 0, or null for every epoch"
                (NumberText.whole saveFreq.Value)
                "Leave it out to back up after every epoch."

    let latest = Path.Combine(backupDir, "latest.fnet")
    let previous = Path.Combine(backupDir, "previous.fnet")

    // Where the training goes on from the backup.
    let mutable nextEpoch = 0
    let mutable batchesSinceSave = 0
    let mutable lastBatch = -1
    let mutable restoring = false

    let save (model: ITrainingModel) =
        batchesSinceSave <- 0
        Directory.CreateDirectory backupDir |> ignore

        if doubleCheckpoint && File.Exists latest then File.Move(latest, previous, true)

        model.SaveModel latest

    let restore (model: ITrainingModel) : bool =
        if File.Exists latest then
            try
                model.RestoreModel latest
                true
            with
            | :? ModelFormatException
            | :? IOException when File.Exists previous ->
                model.RestoreModel previous
                true
        elif File.Exists previous then
            model.RestoreModel previous
            true
        else
            false

    override this.OnTrainBegin() =
        nextEpoch <- this.Model.InitialEpoch
        batchesSinceSave <- 0
        lastBatch <- -1
        restoring <- restore this.Model

    override _.OnEpochBegin epoch =
        nextEpoch <- epoch
        lastBatch <- -1
        restoring <- false

    override this.OnTrainBatchEnd(batch, _) =
        if saveFreq.HasValue then
            batchesSinceSave <- batchesSinceSave + batch - lastBatch
            lastBatch <- batch

            if batchesSinceSave >= saveFreq.Value then save this.Model

    override this.OnEpochEnd(epoch, _) =
        nextEpoch <- epoch + 1

        if not saveFreq.HasValue then save this.Model

    override this.OnTrainEnd _ =
        // A fit that was cancelled ends here too, and is to go on later.
        let complete = nextEpoch >= this.Model.Parameters.Epochs || this.Model.StopTraining

        if deleteCheckpoint && complete && Directory.Exists backupDir then
            File.Delete latest
            File.Delete previous

            if Seq.isEmpty (Directory.EnumerateFileSystemEntries backupDir) then
                Directory.Delete backupDir

    override this.SaveState state =
        state.Set("epoch", nextEpoch)
        state.Set("stopped", this.IsAttached && this.Model.StopTraining)

    override this.LoadState state =
        // A model that the user loaded begins where the user says.
        if restoring then
            nextEpoch <- state.GetInt "epoch"
            this.Model.InitialEpoch <- nextEpoch
            if state.GetBool "stopped" then this.Model.StopTraining <- true

/// <summary>Keras's defaults of backups.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module BackupAndRestore =

    /// <summary>Keras's defaults, for a folder.</summary>
    [<CompiledName("Options")>]
    let options (backupDir: string) : BackupAndRestoreOptions =
        { BackupDir = backupDir; SaveFreq = None; DoubleCheckpoint = false; DeleteCheckpoint = true }
