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

/// <summary>What a network is trained with. Keras: the arguments of compile.</summary>
[<Sealed>]
type TrainingOptions() =

    // Outputs by number, or by a name that the network resolves.
    let losses = ResizeArray<struct (int * string * Loss * float)>()
    let metrics = ResizeArray<struct (int * string * Metric * bool)>()

    /// <summary>How gradients move variables. Default RMSprop, as in Keras.</summary>
    member val Optimizer = Optimizer.rmsProp 0.001 with get, set

    /// <summary>How many batches run between two calls of callbacks. Default 1. Keras: steps_per_execution.</summary>
    member val StepsPerExecution = 1 with get, set

    /// <summary>The loss of one output.</summary>
    /// <param name="output">The output, counted from 0.</param>
    /// <param name="loss">Its loss.</param>
    /// <param name="weight">Its part in the loss that is minimised; 1 for all of it.</param>
    member this.AddLoss(output: int, loss: Loss, weight: float) : TrainingOptions =
        losses.Add(struct (output, "", loss, weight))
        this

    /// <summary>The loss of the only output.</summary>
    member this.AddLoss(loss: Loss) : TrainingOptions = this.AddLoss(0, loss, 1.0)

    /// <summary>The loss of an output by name.</summary>
    /// <param name="output">The output's name, as in <c>Network.outputNames</c>.</param>
    /// <param name="loss">Its loss.</param>
    /// <param name="weight">Its part in the loss that is minimised; 1 for all of it.</param>
    member this.AddLoss(output: string, loss: Loss, weight: float) : TrainingOptions =
        losses.Add(struct (-1, output, loss, weight))
        this

    /// <summary>A metric of one output.</summary>
    /// <param name="output">The output, counted from 0.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="weighted">True to use sample and class weights. Keras: weighted_metrics.</param>
    member this.AddMetric(output: int, metric: Metric, weighted: bool) : TrainingOptions =
        metrics.Add(struct (output, "", metric, weighted))
        this

    /// <summary>A metric of the only output, without sample weights.</summary>
    member this.AddMetric(metric: Metric) : TrainingOptions = this.AddMetric(0, metric, false)

    /// <summary>A metric of an output by name.</summary>
    /// <param name="output">The output's name, as in <c>Network.outputNames</c>.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="weighted">True to use sample and class weights. Keras: weighted_metrics.</param>
    member this.AddMetric(output: string, metric: Metric, weighted: bool) : TrainingOptions =
        metrics.Add(struct (-1, output, metric, weighted))
        this

    member internal _.Losses =
        losses.ToArray()
        |> Array.map (fun (struct (output, _, loss, weight)) -> struct (output, loss, weight))

    member internal _.Metrics =
        metrics.ToArray()
        |> Array.map (fun (struct (output, _, metric, weighted)) -> struct (output, metric, weighted))

    /// The same for a network with outputs of those names, all by number.
    member internal this.Resolve(names: string[]) : TrainingOptions =
        let number (what: string) (output: int) (name: string) =
            if name = "" then
                output
            else
                match Array.IndexOf(names, name) with
                | -1 -> raise (FunctionalNet.Common.Names.unknown "output" what name names)
                | i -> i

        let resolved = TrainingOptions(Optimizer = this.Optimizer, StepsPerExecution = this.StepsPerExecution)

        for struct (output, name, loss, weight) in losses do
            resolved.AddLoss(number "loss" output name, loss, weight) |> ignore

        for struct (output, name, metric, weighted) in metrics do
            resolved.AddMetric(number "metrics" output name, metric, weighted) |> ignore

        resolved
