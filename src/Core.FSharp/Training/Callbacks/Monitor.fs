namespace FunctionalNet

/// <summary>When a monitored figure counts as better. Keras's mode.</summary>
type MonitorMode =
    /// <summary>By what is known about the figure: losses fall, accuracies rise.</summary>
    | Auto = 0
    /// <summary>Smaller is better.</summary>
    | Min = 1
    /// <summary>Larger is better.</summary>
    | Max = 2

namespace FunctionalNet.Training

open System
open System.Globalization
open System.IO
open FunctionalNet

/// Texts of numbers as Python prints them, on every machine the same.
module internal NumberText =

    /// The shortest text that reads back as the same number: 0.001, 1e-05, 2.0.
    let shortest (value: float) : string =
        if Double.IsNaN value then
            "nan"
        elif Double.IsInfinity value then
            (if value > 0.0 then "inf" else "-inf")
        else
            let text = value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e')
            if text.Contains '.' || text.Contains 'e' then text else text + ".0"

    /// With that many digits after the point.
    let fixedPoint (digits: int) (value: float) : string =
        if Double.IsFinite value then
            value.ToString("F" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
        else
            shortest value

    let whole (value: int) = value.ToString(CultureInfo.InvariantCulture)

/// The figure that a callback watches: finds it in the logs, and tells better from worse. One that `guesses` goes by the name of
/// a figure that the model does not know.
[<Sealed>]
type internal Monitor(owner: string, name: string, mode: MonitorMode, minDelta: float, guesses: bool) =

    let margin = abs minDelta

    let mutable direction =
        match mode with
        | MonitorMode.Min -> MetricDirection.Minimize
        | MonitorMode.Max -> MetricDirection.Maximize
        | _ -> MetricDirection.Unknown

    let mutable warned = false

    do
        if Double.IsNaN minDelta then
            raise (
                ArgumentValueException(
                    "The smallest change that counts is not a number.",
                    owner + ".minDelta",
                    "a number of 0 or more",
                    "NaN",
                    "Leave it at its default."
                )
            )

    member _.Name = name

    /// True if the figure should fall. Known after Resolve.
    member _.Falls = direction = MetricDirection.Minimize

    /// Finds the direction when the mode is Auto; the model knows its metrics only once it is compiled.
    member _.Resolve(model: ITrainingModel) =
        if direction = MetricDirection.Unknown then
            let plain = if name.StartsWith("val_", StringComparison.Ordinal) then name.Substring 4 else name

            direction <- if plain = "loss" then MetricDirection.Minimize else model.GetMetricDirection plain

            // What Keras 3.8 goes by for figures of any kind.
            if guesses && direction = MetricDirection.Unknown then
                direction <-
                    if name.Contains "acc" || name.StartsWith("fmeasure", StringComparison.Ordinal) then
                        MetricDirection.Maximize
                    else
                        MetricDirection.Minimize

            if direction = MetricDirection.Unknown then
                raise (
                    ArgumentValueException(
                        "It is not known whether the monitored figure should fall or rise.",
                        owner + ".monitor",
                        "a figure whose direction is known, or a mode",
                        name,
                        "Pass mode: MonitorMode.Max if more is better, MonitorMode.Min if less is."
                    )
                )

    /// True if the value is better than the reference by more than the margin; anything is better than nothing.
    member _.Improves(value: float, reference: float voption) =
        match reference with
        | ValueNone -> true
        | ValueSome best ->
            if direction = MetricDirection.Minimize then value + margin < best else value - margin > best

    /// The watched value, if the logs have it. Warns once when they never will.
    member _.Read(model: ITrainingModel, logs: TrainingLogs, output: TextWriter) : float voption =
        match logs.TryGet name with
        | true, value -> ValueSome value
        | _ ->
            let comesLater = name.StartsWith("val_", StringComparison.Ordinal) && model.Parameters.HasValidation

            if not warned && not comesLater then
                warned <- true

                output.WriteLine(
                    "Warning: "
                    + owner
                    + " monitors `"
                    + name
                    + "`, which is not available. Available are: "
                    + String.Join(", ", logs.Names)
                )

            ValueNone

/// Checks of arguments that callbacks share.
module internal CallbackArguments =

    let notNegative (owner: string) (argument: string) (value: int) =
        if value < 0 then
            raise (
                ArgumentValueException(
                    "An argument of " + owner + " is negative.",
                    owner + "." + argument,
                    "a whole number of 0 or more",
                    NumberText.whole value,
                    "Give a number of epochs."
                )
            )

    /// A number that may be missing, as a value or nothing.
    let optional (value: Nullable<float>) = if value.HasValue then ValueSome value.Value else ValueNone

    /// Keeps a number only if there is one.
    let save (state: CallbackState) (name: string) (value: float voption) =
        match value with
        | ValueSome v -> state.Set(name, v)
        | ValueNone -> ()

    let load (state: CallbackState) (name: string) =
        if state.Contains name then ValueSome(state.GetFloat name) else ValueNone
