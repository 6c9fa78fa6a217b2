namespace FunctionalNet

open System.Runtime.InteropServices

/// <summary>Evaluates and predicts with the moving averages of the weights, which an optimizer with use_ema keeps, and puts
/// the weights back for training. Until the first update there are no averages, and the weights stay. Keras:
/// SwapEMAWeights.</summary>
/// <param name="swapOnEpoch">True to leave the averages in place from the end of an epoch to the beginning of the next one,
/// so that callbacks such as <c>ModelCheckpoint</c> save them. Default false.</param>
[<Sealed>]
type SwapEMAWeights([<Optional; DefaultParameterValue(false)>] swapOnEpoch: bool) =
    inherit TrainingCallback()

    let mutable before = false

    override this.OnTrainBegin() = this.Model.UseAverages false |> ignore

    override this.OnEpochBegin _ = this.Model.UseAverages false |> ignore

    override this.OnEpochEnd(_, _) = if swapOnEpoch then this.Model.UseAverages true |> ignore

    override this.OnTestBegin() = before <- this.Model.UseAverages true
    override this.OnTestEnd _ = this.Model.UseAverages before |> ignore
    override this.OnPredictBegin() = before <- this.Model.UseAverages true
    override this.OnPredictEnd() = this.Model.UseAverages before |> ignore
