namespace FunctionalNet

open System
open System.Collections.Generic
open System.Collections.ObjectModel

/// <summary>What each epoch gave: a list of values for every figure. Every call of fit makes one and returns it. Keras:
/// History.</summary>
/// <example><code>var best = history["val_accuracy"].Max();</code></example>
[<Sealed>]
type History() =
    inherit TrainingCallback()

    let epochs = List<int>()
    let names = List<string>()
    let series = Dictionary<string, List<float>>()

    let seriesOf (name: string) =
        match series.TryGetValue name with
        | true, values -> values
        | _ ->
            let values = List<float>()
            names.Add name
            series.Add(name, values)
            values

    let clear () =
        epochs.Clear()
        names.Clear()
        series.Clear()

    /// <summary>The epochs, counted from 0.</summary>
    member _.Epochs: IReadOnlyList<int> = ReadOnlyCollection<int>(epochs)

    /// <summary>The names of the figures, in the order of the logs: accuracy, loss, val_accuracy, val_loss.</summary>
    member _.Names: IReadOnlyList<string> = ReadOnlyCollection<string>(names)

    /// <summary>True if there is a figure of that name.</summary>
    member _.Contains(name: string) = series.ContainsKey name

    /// <summary>The values of a figure, one for every epoch that had it.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such figure.</exception>
    member _.Item
        with get (name: string): IReadOnlyList<float> =
            match series.TryGetValue name with
            | true, values -> ReadOnlyCollection<float>(values)
            | _ ->
                raise (
                    ArgumentValueException(
                        "The history has no figure of that name.",
                        "history",
                        (if names.Count = 0 then "no figures here" else String.Join(", ", names)),
                        name,
                        "Metrics are named as they were given to compile; those of validation begin with val_."
                    )
                )

    override _.OnTrainBegin() = clear ()

    override _.OnEpochEnd(epoch, logs) =
        epochs.Add epoch

        for i in 0 .. logs.Count - 1 do
            (seriesOf logs.Names[i]).Add(logs.ValueAt i)

    override _.SaveState state =
        state.Set("epochs", ReadOnlyCollection<float>(ResizeArray(Seq.map float epochs)))

        for name in names do
            state.Set("figure/" + name, series[name])

    override _.LoadState state =
        clear ()

        for epoch in state.GetFloats "epochs" do
            epochs.Add(int epoch)

        for key, _ in state.Values do
            if key.StartsWith("figure/", StringComparison.Ordinal) then
                (seriesOf (key.Substring 7)).AddRange(state.GetFloats key)
