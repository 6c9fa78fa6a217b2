namespace FunctionalNet

open System
open System.Runtime.InteropServices

/// <summary>A callback made of functions; each may be left out. Epochs and batches count from 0. Keras:
/// LambdaCallback.</summary>
/// <param name="onEpochBegin">From the epoch.</param>
/// <param name="onEpochEnd">From the epoch and its figures.</param>
/// <param name="onTrainBegin">Nothing is given.</param>
/// <param name="onTrainEnd">From the last figures.</param>
/// <param name="onTrainBatchBegin">From the batch.</param>
/// <param name="onTrainBatchEnd">From the batch and the figures so far.</param>
[<Sealed>]
type LambdaCallback
    (
        [<Optional; DefaultParameterValue(null: Action<int> | null)>] onEpochBegin: Action<int> | null,
        [<Optional; DefaultParameterValue(null: Action<int, TrainingLogs> | null)>] onEpochEnd:
            Action<int, TrainingLogs> | null,
        [<Optional; DefaultParameterValue(null: Action | null)>] onTrainBegin: Action | null,
        [<Optional; DefaultParameterValue(null: Action<TrainingLogs> | null)>] onTrainEnd: Action<TrainingLogs> | null,
        [<Optional; DefaultParameterValue(null: Action<int> | null)>] onTrainBatchBegin: Action<int> | null,
        [<Optional; DefaultParameterValue(null: Action<int, TrainingLogs> | null)>] onTrainBatchEnd:
            Action<int, TrainingLogs> | null
    ) =
    inherit TrainingCallback()

    override _.OnEpochBegin epoch =
        match onEpochBegin with
        | null -> ()
        | call -> call.Invoke epoch

    override _.OnEpochEnd(epoch, logs) =
        match onEpochEnd with
        | null -> ()
        | call -> call.Invoke(epoch, logs)

    override _.OnTrainBegin() =
        match onTrainBegin with
        | null -> ()
        | call -> call.Invoke()

    override _.OnTrainEnd logs =
        match onTrainEnd with
        | null -> ()
        | call -> call.Invoke logs

    override _.OnTrainBatchBegin batch =
        match onTrainBatchBegin with
        | null -> ()
        | call -> call.Invoke batch

    override _.OnTrainBatchEnd(batch, logs) =
        match onTrainBatchEnd with
        | null -> ()
        | call -> call.Invoke(batch, logs)
