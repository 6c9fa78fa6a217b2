namespace FunctionalNet.Training

open System
open FunctionalNet

/// A figure of reports with the memory its totals live in.
[<Sealed>]
type internal Figure(key: string, metric: Metric voption, slots: Variable[]) =

    let scratch = slots |> Array.map (fun s -> Array.zeroCreate<float> s.Shape.Size)

    member _.Key = key

    /// The result so far. Without a metric: total over count.
    member _.Read() : float =
        match metric with
        | ValueNone -> Totals.ratio (slots[0].GetDouble 0) (slots[1].GetDouble 0)
        | ValueSome metric ->
            for i in 0 .. slots.Length - 1 do
                for k in 0 .. scratch[i].Length - 1 do
                    scratch[i][k] <- slots[i].GetDouble k

            Metric.scalar metric scratch

    member _.Reset() =
        for s in slots do
            s.Fill 0.0

/// The figures of training, or of testing, in the order of compile and sorted by name.
[<Sealed>]
type internal FigureSet(figures: Figure[]) =

    let sorted = figures |> Array.sortWith (fun a b -> String.CompareOrdinal(a.Key, b.Key))

    /// "val_" and the key, made once.
    let validationKeys = sorted |> Array.map (fun f -> "val_" + f.Key)

    member _.Figures = figures

    member _.Loss = figures[0].Read()

    member _.Reset() =
        for f in figures do
            f.Reset()

    /// Writes the figures, sorted by name.
    member _.Write(logs: TrainingLogs) =
        for f in sorted do
            logs.Set(f.Key, f.Read())

    /// Writes the figures as those of validation.
    member _.WriteValidation(logs: TrainingLogs) =
        for i in 0 .. sorted.Length - 1 do
            logs.Set(validationKeys[i], sorted[i].Read())

    /// Writes the figures in the order of compile.
    member _.WriteInOrder(logs: TrainingLogs) =
        for f in figures do
            logs.Set(f.Key, f.Read())
