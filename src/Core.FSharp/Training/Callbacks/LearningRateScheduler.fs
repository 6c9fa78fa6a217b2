namespace FunctionalNet

open System
open System.IO
open System.Runtime.InteropServices
open FunctionalNet.Training

/// <summary>Sets the learning rate at the beginning of every epoch. Keras: LearningRateScheduler.</summary>
/// <param name="schedule">From the epoch, counted from 0, and the present learning rate to the new one.</param>
/// <param name="verbose">True to print each setting. Default false.</param>
[<Sealed>]
type LearningRateScheduler(schedule: Func<int, float, float>, [<Optional; DefaultParameterValue(false)>] verbose: bool)
    =
    inherit TrainingCallback()

    /// <summary>Where messages go. Default the console.</summary>
    member val Output: TextWriter = Console.Out with get, set

    override this.OnEpochBegin epoch =
        let rate = schedule.Invoke(epoch, this.Model.LearningRate)

        if not (Double.IsFinite rate) || rate < 0.0 then
            raise (
                ArgumentValueException(
                    "The schedule gave no usable learning rate.",
                    "LearningRateScheduler.schedule",
                    "a finite number of 0 or more",
                    NumberText.shortest rate + " for epoch " + NumberText.whole epoch,
                    "Check what the function does for that epoch."
                )
            )

        this.Model.LearningRate <- rate

        if verbose then
            this.Output.WriteLine(
                Environment.NewLine
                + "Epoch "
                + NumberText.whole (epoch + 1)
                + ": LearningRateScheduler setting learning rate to "
                + NumberText.shortest rate
                + "."
            )

    override this.OnEpochEnd(_, logs) = logs["learning_rate"] <- this.Model.LearningRate
