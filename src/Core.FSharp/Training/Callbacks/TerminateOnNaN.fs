namespace FunctionalNet

open System
open System.IO
open System.Runtime.InteropServices
open FunctionalNet.Training

/// <summary>Stops training when the loss is NaN or infinite. Keras: TerminateOnNaN.</summary>
/// <param name="raiseError">True to raise an error instead of stopping quietly. Default false.</param>
[<Sealed>]
type TerminateOnNaN([<Optional; DefaultParameterValue(false)>] raiseError: bool) =
    inherit TrainingCallback()

    /// <summary>Where messages go. Default the console.</summary>
    member val Output: TextWriter = Console.Out with get, set

    override this.OnTrainBatchEnd(batch, logs) =
        match logs.TryGet "loss" with
        | true, loss when not (Double.IsFinite loss) ->
            if raiseError then
                raise (
                    DataException(
                        "The loss is not finite.",
                        "loss",
                        "a finite number",
                        NumberText.shortest loss + " in batch " + NumberText.whole batch,
                        "Lower the learning rate, clip gradients, or look for extreme values in the data.",
                        batch,
                        -1L
                    )
                )

            this.Output.WriteLine("Batch " + NumberText.whole batch + ": Invalid loss, terminating training")
            this.Model.StopTraining <- true
        | _ -> ()
