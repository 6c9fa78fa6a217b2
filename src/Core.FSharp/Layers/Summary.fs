namespace FunctionalNet

open System
open System.Globalization
open System.Text

/// <summary>Tables of a model's layers.</summary>
[<AutoOpen>]
module NetworkSummary =

    let private number (value: int64) = value.ToString("N0", CultureInfo.InvariantCulture)

    /// Keras's readable memory size: 1024 bytes are a KB.
    let private size (bytes: int64) =
        let units = [| "B"; "KB"; "MB"; "GB"; "TB" |]
        let mutable value = float bytes
        let mutable unit = 0

        while value >= 1024.0 && unit < units.Length - 1 do
            value <- value / 1024.0
            unit <- unit + 1

        value.ToString("F2", CultureInfo.InvariantCulture) + " " + units[unit]

    let private shapeText (dims: int list) =
        let sizes = dims |> List.map (fun d -> if d < 0 then "None" else string d)

        match sizes with
        | [ one ] -> "(" + one + ",)"
        | many -> "(" + String.Join(", ", many) + ")"

    let private shapesText (shapes: int list list) =
        match shapes with
        | [ one ] -> shapeText one
        | many -> String.Join(", ", many |> List.map shapeText)

    /// Lines of at most that width, broken between words, and within words that are longer.
    let private wrap (width: int) (text: string) : string list =
        let lines = ResizeArray<string>()
        let mutable line = ""

        for word in text.Split(' ') do
            let mutable rest = word

            if line <> "" && line.Length + 1 + rest.Length <= width then
                line <- line + " " + rest
            else
                if line <> "" then
                    lines.Add line

                while rest.Length > width do
                    lines.Add(rest.Substring(0, width))
                    rest <- rest.Substring width

                line <- rest

        lines.Add line
        List.ofSeq lines

    let private table (widths: int[]) (rightAligned: int) (header: string[]) (rows: string[][]) : string =
        let text = StringBuilder()
        let rule (left: string) (fill: char) (middle: string) (right: string) =
            let parts = widths |> Array.map (fun w -> String(fill, w + 2))
            text.Append(left).Append(String.Join(middle, parts)).Append(right).Append('\n') |> ignore

        let row (bar: string) (cells: string[]) =
            let wrapped = Array.map2 (fun w cell -> wrap w cell) widths cells
            let height = wrapped |> Array.map List.length |> Array.max

            for i in 0 .. height - 1 do
                let parts =
                    wrapped
                    |> Array.mapi (fun column lines ->
                        let cell = List.tryItem i lines |> Option.defaultValue ""
                        if column = rightAligned then cell.PadLeft widths[column] else cell.PadRight widths[column])

                text.Append(bar).Append(' ').Append(String.Join(" " + bar + " ", parts)).Append(' ').Append(bar).Append('\n') |> ignore

        rule "┏" '━' "┳" "┓"
        row "┃" header
        rule "┡" '━' "╇" "┩"

        rows
        |> Array.iteri (fun i cells ->
            row "│" cells

            if i < rows.Length - 1 then
                rule "├" '─' "┼" "┤")

        rule "└" '─' "┴" "┘"
        text.ToString()

    let private bytesOf (specs: VariableSpec[]) =
        specs |> Array.sumBy (fun s -> int64 s.Shape.Size * int64 (DType.size s.DType))

    let private connections (info: LayerInfo) =
        if info.Inputs.IsEmpty then
            "-"
        else
            let one (name: string, call: int, index: int) = name + "[" + string call + "][" + string index + "]"
            String.Join(", ", List.map one info.Inputs)

    /// <summary>The functional API: inputs, layers applied to nodes, and models made of them.</summary>
    [<RequireQualifiedAccess>]
    module Network =

        /// <summary>The model as a table in Keras's form: layers, output shapes, numbers of parameters and, unless it is a
        /// chain, connections; then the totals.</summary>
        let summary (network: Network) : string =
            let infos = Network.layers network |> List.toArray
            let total (info: LayerInfo) = number (info.TrainableCount + info.NonTrainableCount)
            let layerText (info: LayerInfo) = info.Name + " (" + info.ClassName + ")"

            let grid =
                if network.IsSequential then
                    table
                        [| 31; 22; 13 |]
                        2
                        [| "Layer (type)"; "Output Shape"; "Param #" |]
                        (infos
                         |> Array.filter (fun info -> info.ClassName <> "InputLayer")
                         |> Array.map (fun info -> [| layerText info; shapesText info.OutputShapes; total info |]))
                else
                    table
                        [| 19; 17; 10; 17 |]
                        2
                        [| "Layer (type)"; "Output Shape"; "Param #"; "Connected to" |]
                        (infos
                         |> Array.map (fun info -> [| layerText info; shapesText info.OutputShapes; total info; connections info |]))

            let specs = Network.variables network
            let trained, fixed' = specs |> Array.partition (fun s -> s.Trainable && not s.Frozen)

            let line (label: string) (specs: VariableSpec[]) =
                " " + label + " params: " + number (Network.countOf specs) + " (" + size (bytesOf specs) + ")\n"

            "Model: \""
            + Network.nameOf network
            + "\"\n"
            + grid
            + line "Total" specs
            + line "Trainable" trained
            + line "Non-trainable" fixed'
