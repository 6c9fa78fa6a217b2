namespace FunctionalNet.Tests.Training.Callbacks

open System
open System.Collections.Generic
open System.IO
open FunctionalNet
open FunctionalNet.Training

/// A model that remembers what callbacks did to it. Its one weight holds the number of the epoch it was read in.
type FakeModel(parameters: TrainingParameters) =

    member val Rate = 0.01 with get, set
    member val Stop = false with get, set
    member val First = 0 with get, set
    member val Weight = 0.0f with get, set
    member val Reads = 0 with get, set
    member val Saved: string list = [] with get, set
    member val SavedWeights: string list = [] with get, set
    member val Directions: Map<string, MetricDirection> = Map.empty with get, set

    interface ITrainingModel with
        member this.LearningRate
            with get () = this.Rate
            and set value = this.Rate <- value

        member this.StopTraining
            with get () = this.Stop
            and set value = this.Stop <- value

        member this.InitialEpoch
            with get () = this.First
            and set value = this.First <- value

        member _.Iterations = 0L
        member _.Architecture = null
        member _.Parameters = parameters

        member this.GetWeights() =
            this.Reads <- this.Reads + 1
            [| KeyValuePair("dense/kernel", Tensor.Scalar this.Weight) |]

        member this.SetWeights weights = this.Weight <- weights[0].Value.AsSpan<float32>()[0]

        member this.SaveModel path = this.Saved <- this.Saved @ [ path ]
        member _.RestoreModel _ = ()
        member _.UseAverages _ = false
        member this.SaveWeights path = this.SavedWeights <- this.SavedWeights @ [ path ]

        member this.GetMetricDirection name =
            this.Directions |> Map.tryFind name |> Option.defaultValue MetricDirection.Unknown

/// Driving callbacks as fit does.
module Drive =

    let parameters epochs = TrainingParameters(epochs, 0, Nullable 4, 32, true, Verbosity.Bar)

    let model () = FakeModel(parameters 10)

    let logs (figures: (string * float) list) =
        let logs = TrainingLogs()

        for name, value in figures do
            logs.Set(name, value)

        logs

    /// Runs an epoch per row of figures from that epoch on until the model is told to stop; returns the epochs run.
    let epochsFrom (first: int) (model: FakeModel) (callback: TrainingCallback) (rows: (string * float) list list) =
        let mutable run = 0

        rows
        |> List.iteri (fun i row ->
            if not model.Stop then
                callback.OnEpochBegin(first + i)
                model.Weight <- float32 (first + i)
                callback.OnEpochEnd(first + i, logs row)
                run <- run + 1)

        run

    /// A whole fit whose epochs give these values of val_loss.
    let fit (model: FakeModel) (callback: TrainingCallback) (losses: float list) =
        callback.Attach model
        callback.OnTrainBegin()
        let run = epochsFrom 0 model callback [ for loss in losses -> [ "val_loss", loss ] ]
        callback.OnTrainEnd(logs [])
        run

    /// The state as it comes back from a file: through its two halves.
    let reload (callback: TrainingCallback) =
        let state = CallbackState()
        callback.SaveState state
        CallbackState.Of(state.Values, state.Tensors)

    let temporaryFolder () = (Directory.CreateTempSubdirectory "functionalnet-").FullName
