namespace FunctionalNet

open System
open System.Collections.Generic
open System.IO
open System.Threading

/// <summary>Where training is, after a batch.</summary>
/// <param name="epoch">The epoch, counted from 0.</param>
/// <param name="epochs">The epoch to stop before.</param>
/// <param name="batch">The batch that just ended, counted from 0.</param>
/// <param name="batches">Batches in this epoch; 0 while that is not known.</param>
/// <param name="loss">The epoch's mean loss so far.</param>
[<Struct>]
type TrainingProgress(epoch: int, epochs: int, batch: int, batches: int, loss: float) =

    /// <summary>The epoch, counted from 0.</summary>
    member _.Epoch = epoch

    /// <summary>The epoch to stop before.</summary>
    member _.Epochs = epochs

    /// <summary>The batch that just ended, counted from 0.</summary>
    member _.Batch = batch

    /// <summary>Batches in this epoch; 0 while that is not known.</summary>
    member _.Batches = batches

    /// <summary>The epoch's mean loss so far.</summary>
    member _.Loss = loss

/// <summary>Limits on every fit, evaluate and predict of the process: to try a program out without changing it. Keras:
/// set_max_epochs and set_max_steps_per_epoch.</summary>
[<AbstractClass; Sealed>]
type TrainingLimits private () =

    static let ofEnvironment (name: string) =
        match Int32.TryParse(Environment.GetEnvironmentVariable name) with
        | true, limit when limit > 0 -> limit
        | _ -> 0

    static let check (name: string) (value: int) =
        if value < 0 then
            raise (
                ArgumentValueException(
                    "A limit is negative.",
                    name,
                    "0 or more",
                    string value,
                    "0 stands for no limit."
                )
            )

        value

    static let mutable epochs = ofEnvironment "FUNCTIONALNET_MAX_EPOCHS"
    static let mutable steps = ofEnvironment "FUNCTIONALNET_MAX_STEPS_PER_EPOCH"

    /// <summary>No fit goes on to a later epoch; 0 for no limit. Default the environment variable FUNCTIONALNET_MAX_EPOCHS, or
    /// else 0.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The value is negative.</exception>
    static member MaxEpochs
        with get () = epochs
        and set (value: int) = epochs <- check "max_epochs" value

    /// <summary>No epoch, evaluation or prediction has more batches; 0 for no limit. Default the environment variable
    /// FUNCTIONALNET_MAX_STEPS_PER_EPOCH, or else 0.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The value is negative.</exception>
    static member MaxStepsPerEpoch
        with get () = steps
        and set (value: int) = steps <- check "max_steps_per_epoch" value

    static member internal EpochsOf(wanted: int) = if epochs > 0 then min epochs wanted else wanted

    /// 0 stands for all batches.
    static member internal StepsOf(wanted: int) = if steps > 0 && (wanted = 0 || steps < wanted) then steps else wanted

/// <summary>Options of fit, with Keras's names and defaults.</summary>
[<Sealed>]
type FitOptions() =

    /// <summary>The epoch to stop before: the last one, when counted from 1. Default 1.</summary>
    member val Epochs = 1 with get, set

    /// <summary>The epoch to begin with, counted from 0. Default 0.</summary>
    member val InitialEpoch = 0 with get, set

    /// <summary>Samples per update. Default 32.</summary>
    member val BatchSize = 32 with get, set

    /// <summary>Whether every epoch sees the samples in another order, drawn from the trainer's seed. Default true.</summary>
    member val Shuffle = true with get, set

    /// <summary>The last part of the data, 0 to 1, kept for validation. Split off before shuffling. Default 0.</summary>
    member val ValidationSplit = 0.0 with get, set

    /// <summary>Data for validation; takes the place of the split. Default none.</summary>
    member val ValidationData: TrainingData | null = null with get, set

    /// <summary>Batches for validation, as a dataset; takes the place of ValidationData. Default none.</summary>
    member val ValidationDataset: Dataset<TrainingData> | null = null with get, set

    /// <summary>Samples per batch of validation; 0, the default, for BatchSize.</summary>
    member val ValidationBatchSize = 0 with get, set

    /// <summary>Batches of validation; 0, the default, for all.</summary>
    member val ValidationSteps = 0 with get, set

    /// <summary>Validates after every so many epochs. Default 1.</summary>
    member val ValidationFrequency = 1 with get, set

    /// <summary>Validates after these epochs, counted from 1; takes the place of the frequency. Default none.</summary>
    member val ValidationEpochs: IReadOnlyCollection<int> | null = null with get, set

    /// <summary>Batches per epoch; 0, the default, for all of the data. An epoch goes on where the last one ended. At the end of
    /// data in memory an epoch is shorter, and the next begins anew; a dataset begins again at once, and an endless one needs this
    /// number.</summary>
    member val StepsPerEpoch = 0 with get, set

    /// <summary>Weights of classes, for a network of one output; a class that is missing weighs 1. Not together with sample
    /// weights. Default none.</summary>
    member val ClassWeight: IReadOnlyDictionary<int, float> | null = null with get, set

    /// <summary>Weights of classes for outputs by name. Not together with sample weights. Default none.</summary>
    member val OutputClassWeights: IReadOnlyDictionary<string, IReadOnlyDictionary<int, float>> | null =
        null with get, set

    /// <summary>Watches and steers training, in this order. Default none.</summary>
    member val Callbacks: IReadOnlyList<TrainingCallback> = ([||]: TrainingCallback[]) with get, set

    /// <summary>How much to print. Default a progress bar.</summary>
    member val Verbosity = Verbosity.Bar with get, set

    /// <summary>Where to print; null, the default, for the console.</summary>
    member val Output: TextWriter | null = null with get, set

    /// <summary>Whether the data is looked through for NaN, infinities and labels out of range first. Default true.</summary>
    member val CheckData = true with get, set

    /// <summary>Stops between two batches; the model keeps what it has learned so far.</summary>
    member val Cancellation = CancellationToken.None with get, set

    /// <summary>Is told after every batch. Default none.</summary>
    member val Progress: IProgress<TrainingProgress> | null = null with get, set

/// <summary>Options of evaluate and predict, with Keras's names and defaults.</summary>
[<Sealed>]
type EvaluateOptions() =

    /// <summary>Samples per batch. Default 32.</summary>
    member val BatchSize = 32 with get, set

    /// <summary>Number of batches; 0, the default, for all.</summary>
    member val Steps = 0 with get, set

    /// <summary>Watches evaluation or prediction. Default none.</summary>
    member val Callbacks: IReadOnlyList<TrainingCallback> = ([||]: TrainingCallback[]) with get, set

    /// <summary>How much to print. Default nothing.</summary>
    member val Verbosity = Verbosity.Silent with get, set

    /// <summary>Where to print; null, the default, for the console.</summary>
    member val Output: TextWriter | null = null with get, set

    /// <summary>Whether the data is looked through for NaN, infinities and labels out of range first. Default true.</summary>
    member val CheckData = true with get, set

    /// <summary>Stops between two batches.</summary>
    member val Cancellation = CancellationToken.None with get, set
