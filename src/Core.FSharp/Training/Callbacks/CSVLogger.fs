namespace FunctionalNet

open System
open System.IO
open System.Runtime.InteropServices
open System.Text
open FunctionalNet.Training

/// <summary>Writes one line of comma-separated figures per epoch: the epoch counted from 0, then the figures sorted by
/// name, NA where one is missing; if the first epoch has none of validation, room for them follows. The file is complete after every epoch. Keras: CSVLogger.</summary>
/// <param name="filename">The file. Missing folders are made.</param>
/// <param name="separator">Between values. Default a comma.</param>
/// <param name="append">True to add to a file that is there. Default false.</param>
[<Sealed>]
type CSVLogger
    (
        filename: string,
        [<Optional; DefaultParameterValue(",")>] separator: string,
        [<Optional; DefaultParameterValue(false)>] append: bool
    ) =
    inherit TrainingCallback()

    let mutable columns: string[] = [||]
    let mutable keep = append

    do
        if separator.Length <> 1 || separator = "\"" || separator = "\r" || separator = "\n" then
            raise (
                ArgumentValueException(
                    "The separator cannot be used.",
                    "CSVLogger.separator",
                    "one character",
                    separator,
                    "Use a comma, a semicolon or a tab."
                )
            )

    // Lines end as RFC 4180 has it, on every machine.
    let line (into: StringBuilder) (cells: string seq) =
        let mutable first = true

        for cell in cells do
            if not first then into.Append separator |> ignore

            first <- false

            let quoted = cell.Contains separator || cell.Contains '"' || cell.Contains '\r' || cell.Contains '\n'

            if quoted then
                into.Append('"').Append(cell.Replace("\"", "\"\"")).Append('"') |> ignore
            else
                into.Append cell |> ignore

        into.Append "\r\n" |> ignore

    let isEmpty () = not (File.Exists filename) || FileInfo(filename).Length = 0L

    override _.OnTrainBegin() =
        columns <- [||]
        keep <- append

    override _.OnEpochEnd(epoch, logs) =
        let rows = StringBuilder()

        if columns.Length = 0 then
            let names = Seq.toArray logs.Names
            Array.sortInPlaceWith (fun (a: string) b -> String.CompareOrdinal(a, b)) names
            let isValidation (name: string) = name.StartsWith("val_", StringComparison.Ordinal)

            // The first epoch may be one without validation, so that Keras makes room for its figures in any case.
            let later =
                if Array.exists isValidation names then [||] else names |> Array.map (fun name -> "val_" + name)

            columns <- Array.append names later

        if not keep || isEmpty () then line rows (Seq.append [ "epoch" ] columns)

        line
            rows
            (seq {
                NumberText.whole epoch

                for column in columns do
                    match logs.TryGet column with
                    | true, value -> NumberText.shortest value
                    | _ -> "NA"
            })

        match Path.GetDirectoryName(Path.GetFullPath filename) with
        | null -> ()
        | folder -> Directory.CreateDirectory folder |> ignore

        use file =
            new FileStream(
                filename,
                (if keep then FileMode.Append else FileMode.Create),
                FileAccess.Write,
                FileShare.Read
            )
        file.Write(Encoding.UTF8.GetBytes(rows.ToString()))
        keep <- true

    override _.SaveState state =
        state.Set("columns", columns.Length)

        for i in 0 .. columns.Length - 1 do
            state.Set("column/" + NumberText.whole i, columns[i])

    override _.LoadState state =
        columns <- Array.init (state.GetInt "columns") (fun i -> state.GetText("column/" + NumberText.whole i))
        // The lines of the epochs before the training was saved stay.
        keep <- append || columns.Length > 0
