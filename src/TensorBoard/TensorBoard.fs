namespace FunctionalNet

open System
open System.Collections.Generic
open System.IO
open System.Runtime.InteropServices
open FunctionalNet.Events

/// <summary>How often figures of batches are written. Keras: update_freq, which is a number, "batch" or "epoch".</summary>
[<Struct; CustomEquality; NoComparison>]
type UpdateFrequency private (batches: int) =

    static let invalid (actual: string) =
        ArgumentValueException(
            "Figures cannot be written that often.",
            "TensorBoard.updateFreq",
            "epoch, batch, or a number of batches above 0",
            actual,
            "Leave it out to write figures of epochs only."
        )

    /// <summary>Figures of epochs only.</summary>
    static member Epoch = UpdateFrequency 0

    /// <summary>Figures of every batch, too.</summary>
    static member Batch = UpdateFrequency 1

    /// <summary>Figures after every so many batches, too.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The number is not above 0.</exception>
    static member Every(batches: int) : UpdateFrequency =
        if batches < 1 then raise (invalid (string batches)) else UpdateFrequency batches

    /// <summary>Batches between two writings; 0 for epochs only.</summary>
    member _.Batches = batches

    /// <summary>A number of batches.</summary>
    static member op_Implicit(batches: int) : UpdateFrequency = UpdateFrequency.Every batches

    /// <summary>The text epoch or batch.</summary>
    static member op_Implicit(text: string) : UpdateFrequency =
        match text with
        | "epoch" -> UpdateFrequency.Epoch
        | "batch" -> UpdateFrequency.Batch
        | other -> raise (invalid other)

    override _.Equals(other: obj | null) =
        match other with
        | :? UpdateFrequency as that -> that.Batches = batches
        | _ -> false

    override _.GetHashCode() = batches

/// <summary>Options of <c>Callback.tensorBoard</c>, named as in Keras.</summary>
[<NoComparison>]
type TensorBoardOptions =
    {
        /// <summary>The folder of the event files, which are in train and validation below it. Default logs.</summary>
        LogDir: string
        /// <summary>Histograms of weights after every so many epochs; 0, the default, for none.</summary>
        HistogramFreq: int
        /// <summary>Whether the model's architecture is written. Default true.</summary>
        WriteGraph: bool
        /// <summary>Whether weights are written as pictures beside their histograms. Default false.</summary>
        WriteImages: bool
        /// <summary>Whether the speed of training is written. Default false.</summary>
        WriteStepsPerSecond: bool
        /// <summary>How often figures of batches are written. Default for epochs only.</summary>
        UpdateFreq: UpdateFrequency
    }

/// <summary>Writes event files that TensorBoard shows: figures of epochs (epoch_loss, epoch_learning_rate, ...), of batches
/// (batch_loss), of evaluations (evaluation_loss_vs_iterations), histograms of weights, and the model's architecture. Training is in
/// the folder train, validation in validation, below the log folder. Keras: TensorBoard.</summary>
/// <param name="logDir">The log folder. Default logs.</param>
/// <param name="histogramFreq">Histograms of weights after every so many epochs; 0, the default, for none.</param>
/// <param name="writeGraph">Whether the model's architecture is written. Default true.</param>
/// <param name="writeImages">Whether weights are written as pictures beside their histograms. Default false.</param>
/// <param name="writeStepsPerSecond">Whether the speed of training is written. Default false.</param>
/// <param name="updateFreq">How often figures of batches are written: "epoch", the default, for none; "batch"; or a number of
/// batches.</param>
/// <example><code>model.Fit(x, y, epochs: 10, callbacks: [new TensorBoard("logs/first", updateFreq: 100)]);</code></example>
[<Sealed>]
type TensorBoard
    (
        [<Optional; DefaultParameterValue("logs")>] logDir: string,
        [<Optional; DefaultParameterValue(0)>] histogramFreq: int,
        [<Optional; DefaultParameterValue(true)>] writeGraph: bool,
        [<Optional; DefaultParameterValue(false)>] writeImages: bool,
        [<Optional; DefaultParameterValue(false)>] writeStepsPerSecond: bool,
        [<Optional>] updateFreq: UpdateFrequency
    ) =
    inherit TrainingCallback()

    do
        if String.IsNullOrWhiteSpace logDir then
            raise (
                ArgumentValueException(
                    "The log folder has no name.",
                    "TensorBoard.logDir",
                    "the path of a folder",
                    "an empty text",
                    "Keras's default is logs."
                )
            )

        if histogramFreq < 0 then
            raise (
                ArgumentValueException(
                    "Histograms cannot be written that often.",
                    "TensorBoard.histogramFreq",
                    "0 or more epochs",
                    string histogramFreq,
                    "0 writes no histograms."
                )
            )

    // Opened when something is written, so that there are no empty files.
    let mutable train: EventFile voption = ValueNone
    let mutable validation: EventFile voption = ValueNone
    let mutable clock = TimeProvider.System

    let mutable batches = 0L
    let mutable isFitting = false
    let mutable epochIterations = 0L
    let mutable epochStart = 0L
    let mutable batchStart = 0L

    let trainFile () =
        match train with
        | ValueSome file -> file
        | ValueNone ->
            let file = new EventFile(Path.Combine(logDir, "train"), clock)
            train <- ValueSome file
            file

    let validationFile () =
        match validation with
        | ValueSome file -> file
        | ValueNone ->
            let file = new EventFile(Path.Combine(logDir, "validation"), clock)
            validation <- ValueSome file
            file

    let close () =
        for file in [ train; validation ] do
            match file with
            | ValueSome file -> (file :> IDisposable).Dispose()
            | ValueNone -> ()

        train <- ValueNone
        validation <- ValueNone

    let perSecond (count: int64) (since: int64) = float count / max 1e-9 (clock.GetElapsedTime since).TotalSeconds

    let writesBatch () = updateFreq.Batches > 0 && batches % int64 updateFreq.Batches = 0L

    let pairs (logs: TrainingLogs) = [| for i in 0 .. logs.Count - 1 -> KeyValuePair(logs.Names[i], logs.ValueAt i) |]

    let writeWeights (model: ITrainingModel) (epoch: int) =
        let file = trainFile ()

        for pair in model.GetWeights() do
            match Summaries.histogram (pair.Key + "/histogram") (pair.Value.ToDoubles()) with
            | ValueSome value -> file.Add(int64 epoch, value)
            | ValueNone -> ()

            if writeImages then
                match Summaries.image (pair.Key + "/image") pair.Value with
                | ValueSome value -> file.Add(int64 epoch, value)
                | ValueNone -> ()

    /// <summary>What tells the time, for the moments of events and for speeds. Default the system's clock.</summary>
    member _.Clock
        with get () = clock
        and set (value: TimeProvider) = clock <- value

    override _.OnAttach model =
        close ()

        if writeGraph then
            match model.Architecture with
            | null -> ()
            | json -> trainFile().Add(0L, Summaries.model json)

    override _.OnTrainBegin() =
        batches <- 0L
        isFitting <- true

        if updateFreq.Batches > 0 then trainFile () |> ignore

    override _.OnTrainEnd _ =
        isFitting <- false
        close ()

    override this.OnEpochBegin _ =
        epochIterations <- this.Model.Iterations
        epochStart <- clock.GetTimestamp()

    override _.OnTrainBatchBegin _ =
        batches <- batches + 1L
        batchStart <- clock.GetTimestamp()

    override _.OnTrainBatchEnd(_, logs) =
        if writesBatch () then
            let file = trainFile ()

            if writeStepsPerSecond then
                file.Add(batches, Summaries.scalar "batch_steps_per_second" (perSecond 1L batchStart))

            for pair in pairs logs do
                file.Add(batches, Summaries.scalar ("batch_" + pair.Key) pair.Value)

    override this.OnTestEnd logs =
        let file = validationFile ()

        for pair in pairs logs do
            file.Add(this.Model.Iterations, Summaries.scalar ("evaluation_" + pair.Key + "_vs_iterations") pair.Value)

        // Nothing tells that no more evaluations come.
        if not isFitting then file.Flush()

    override this.OnEpochEnd(epoch, logs) =
        let step = int64 epoch

        for pair in pairs logs do
            if pair.Key.StartsWith("val_", StringComparison.Ordinal) then
                validationFile().Add(step, Summaries.scalar ("epoch_" + pair.Key.Substring 4) pair.Value)
            elif pair.Key <> "learning_rate" then
                trainFile().Add(step, Summaries.scalar ("epoch_" + pair.Key) pair.Value)

        if logs.Count > 0 then
            trainFile().Add(step, Summaries.scalar "epoch_learning_rate" this.Model.LearningRate)

            if writeStepsPerSecond then
                let speed = perSecond (this.Model.Iterations - epochIterations) epochStart
                trainFile().Add(step, Summaries.scalar "epoch_steps_per_second" speed)

        if histogramFreq > 0 && epoch % histogramFreq = 0 then
            writeWeights this.Model epoch

        for file in [ train; validation ] do
            match file with
            | ValueSome file -> file.Flush()
            | ValueNone -> ()

/// <summary>Keras's defaults of writing event files.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module TensorBoard =

    /// <summary>Keras's defaults.</summary>
    [<CompiledName("Options")>]
    let options: TensorBoardOptions =
        { LogDir = "logs"
          HistogramFreq = 0
          WriteGraph = true
          WriteImages = false
          WriteStepsPerSecond = false
          UpdateFreq = UpdateFrequency.Epoch }

/// <summary>The callback as an F# function.</summary>
[<AutoOpen>]
module TensorBoardCallbacks =

    /// <summary>Callbacks as F# functions.</summary>
    [<RequireQualifiedAccess>]
    module Callback =

        /// <summary>Writes event files that TensorBoard shows.</summary>
        [<CompiledName("TensorBoard")>]
        let tensorBoard (options: TensorBoardOptions) : TrainingCallback =
            TensorBoard(
                options.LogDir,
                options.HistogramFreq,
                options.WriteGraph,
                options.WriteImages,
                options.WriteStepsPerSecond,
                options.UpdateFreq
            )
