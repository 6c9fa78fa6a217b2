namespace FunctionalNet.Training

open System.Collections.Generic
open FunctionalNet

/// The callbacks of one fit, evaluate or predict, called in order. Calling them allocates nothing.
[<Sealed>]
type internal CallbackList(callbacks: TrainingCallback[]) =

    // Two callbacks of one class keep their states apart by their order.
    let keys =
        let counts = Dictionary<string, int>()

        callbacks
        |> Array.map (fun callback ->
            let name = callback.StateName

            let n =
                match counts.TryGetValue name with
                | true, n -> n
                | _ -> 0

            counts[name] <- n + 1
            if n = 0 then name else name + "_" + string n)

    member _.Callbacks = callbacks

    /// The order of a fit: what the user gave, the history, which also keeps what those add to the figures, and what prints.
    /// Callbacks that save the model come after the history, so that what they save includes the epoch that just ended;
    /// backups come last, because they also keep the states of those.
    static member OfFit(given: TrainingCallback seq, history: History, printing: TrainingCallback seq) : CallbackList =
        let backups, others =
            Seq.toArray given |> Array.partition (fun callback -> callback :? BackupAndRestore)

        let saving, steering = others |> Array.partition (fun callback -> callback :? ModelCheckpoint)
        CallbackList(Array.concat [ steering; [| history |]; saving; backups; Seq.toArray printing ])

    member _.Attach(model: ITrainingModel) =
        for callback in callbacks do
            callback.Attach model

    member _.TrainBegin() =
        for callback in callbacks do
            callback.OnTrainBegin()

    member _.TrainEnd(logs: TrainingLogs) =
        for callback in callbacks do
            callback.OnTrainEnd logs

    member _.EpochBegin(epoch: int) =
        for callback in callbacks do
            callback.OnEpochBegin epoch

    member _.EpochEnd(epoch: int, logs: TrainingLogs) =
        for callback in callbacks do
            callback.OnEpochEnd(epoch, logs)

    member _.TrainBatchBegin(batch: int) =
        for callback in callbacks do
            callback.OnTrainBatchBegin batch

    member _.TrainBatchEnd(batch: int, logs: TrainingLogs) =
        for callback in callbacks do
            callback.OnTrainBatchEnd(batch, logs)

    member _.TestBegin() =
        for callback in callbacks do
            callback.OnTestBegin()

    member _.TestEnd(logs: TrainingLogs) =
        for callback in callbacks do
            callback.OnTestEnd logs

    member _.TestBatchBegin(batch: int) =
        for callback in callbacks do
            callback.OnTestBatchBegin batch

    member _.TestBatchEnd(batch: int, logs: TrainingLogs) =
        for callback in callbacks do
            callback.OnTestBatchEnd(batch, logs)

    member _.PredictBegin() =
        for callback in callbacks do
            callback.OnPredictBegin()

    member _.PredictEnd() =
        for callback in callbacks do
            callback.OnPredictEnd()

    member _.PredictBatchBegin(batch: int) =
        for callback in callbacks do
            callback.OnPredictBatchBegin batch

    member _.PredictBatchEnd(batch: int) =
        for callback in callbacks do
            callback.OnPredictBatchEnd batch

    /// The states of all callbacks by name.
    member _.SaveStates() : (string * CallbackState)[] =
        callbacks
        |> Array.mapi (fun i callback ->
            let state = CallbackState()
            callback.SaveState state
            keys[i], state)

    /// Gives every callback the state saved under its name; call it after TrainBegin. A callback without one starts anew.
    member _.LoadStates(states: (string * CallbackState)[]) =
        for i in 0 .. callbacks.Length - 1 do
            match states |> Array.tryFind (fun (key, _) -> key = keys[i]) with
            | Some(_, state) -> callbacks[i].LoadState state
            | None -> ()
