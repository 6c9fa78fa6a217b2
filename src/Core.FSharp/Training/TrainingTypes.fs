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

    /// <summary>Batches per epoch; 0, the default, for all of the data. With a dataset, an epoch goes on where the last one
    /// ended, and the dataset begins again when it ends; an endless one needs it.</summary>
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
