namespace FunctionalNet

open System
open System.Collections.Generic
open System.Globalization
open System.Text

/// <summary>How a summary is written.</summary>
type SummaryOptions =
    {
        /// <summary>Width of the table in characters.</summary>
        LineLength: int
        /// <summary>True to list the layers of networks inside the network too.</summary>
        ExpandNested: bool
        /// <summary>True for a column that says which layers are trained.</summary>
        ShowTrainable: bool
        /// <summary>The names of the first and the last layer that are listed; None for all. Keras: layer_range.</summary>
        LayerRange: (string * string) option
        /// <summary>Number of elements and bytes of the optimizer's variables, once there are any.</summary>
        Optimizer: (int64 * int64) option
    }

/// A table of text with borders: a head, rows, wrapped cells.
module internal TextTable =

    type Align =
        | Left
        | Right
        | Center

    type Column = { Header: string; Align: Align; Width: int }

    /// Cuts a text into lines at spaces. A word longer than a line gets a line of its own, cut short.
    let wrap (width: int) (text: string) : string list =
        let words = List<string>()
        let mutable i = 0

        // A word is what lies between spaces, with the spaces behind it (and in front of the first one).
        while i < text.Length do
            let start = i

            while i < text.Length && Char.IsWhiteSpace text[i] do
                i <- i + 1

            while i < text.Length && not (Char.IsWhiteSpace text[i]) do
                i <- i + 1

            while i < text.Length && Char.IsWhiteSpace text[i] do
                i <- i + 1

            words.Add(text.Substring(start, i - start))

        let lines = List<string>()
        let mutable line = ""

        for word in words do
            if line <> "" && line.Length + word.TrimEnd().Length > width then
                lines.Add line
                line <- word
            else
                line <- line + word

        lines.Add line

        let cut (line: string) =
            let line = line.TrimEnd()
            if line.Length <= width then line else line.Substring(0, width - 1) + "…"

        lines |> Seq.map cut |> Seq.toList

    let private pad (column: Column) (text: string) =
        let room = max 0 (column.Width - text.Length)

        match column.Align with
        | Left -> text + String(' ', room)
        | Right -> String(' ', room) + text
        | Center -> String(' ', room / 2) + text + String(' ', room - room / 2)

    /// One line of a border, such as ┏━━━┳━━━┓.
    let private border (columns: Column[]) (left: string) (fill: char) (between: string) (right: string) =
        left + String.Join(between, columns |> Array.map (fun c -> String(fill, c.Width + 2))) + right

    let private row (columns: Column[]) (bar: string) (cells: string[]) : string seq =
        let wrapped = Array.map2 (fun (c: Column) cell -> wrap c.Width cell |> List.toArray) columns cells
        let height = wrapped |> Array.map Array.length |> Array.max

        Seq.init height (fun i ->
            let parts =
                Array.map2
                    (fun c (lines: string[]) -> " " + pad c (if i < lines.Length then lines[i] else "") + " ")
                    columns
                    wrapped

            bar + String.Join(bar, parts) + bar)

    let render (columns: Column[]) (rows: string[] seq) : string list =
        let lines = List<string>()
        lines.Add(border columns "┏" '━' "┳" "┓")
        lines.AddRange(row columns "┃" (columns |> Array.map (fun c -> c.Header)))
        lines.Add(border columns "┡" '━' "╇" "┩")
        let mutable first = true

        for cells in rows do
            if not first then lines.Add(border columns "├" '─' "┼" "┤")

            first <- false
            lines.AddRange(row columns "│" cells)

        lines.Add(border columns "└" '─' "┴" "┘")
        Seq.toList lines

/// <summary>Summaries of networks as text, written as Keras writes them.</summary>
[<RequireQualifiedAccess>]
module Summary =

    let private invariant = CultureInfo.InvariantCulture

    /// <summary>The table Keras prints on a console of 80 characters: 76 wide, nested networks closed.</summary>
    let defaults: SummaryOptions =
        { LineLength = 76
          ExpandNested = false
          ShowTrainable = false
          LayerRange = None
          Optimizer = None }

    /// Bytes as Keras writes them: 25.00 B, 136.04 KB, 4.58 MB.
    let internal sizeText (bytes: int64) : string =
        let rec scaled (size: decimal) (units: string list) =
            match units with
            | [ unit ] -> size, unit
            | unit :: _ when size < 1024m -> size, unit
            | _ :: larger -> scaled (size / 1024m) larger
            | [] -> size, ""

        let size, unit = scaled (decimal bytes) [ "B"; "KB"; "MB"; "GB"; "TB"; "PB" ]
        Math.Round(size, 2, MidpointRounding.ToEven).ToString("F2", invariant) + " " + unit

    let private countText (count: int64) = count.ToString("N0", invariant)

    let private shapeText (shapes: int[][]) =
        let one (shape: int[]) =
            "(" + String.Join(", ", shape |> Array.map (fun d -> if d < 0 then "None" else string d)) + ")"

        match shapes with
        | [| shape |] -> one shape
        | shapes -> "[" + String.Join(", ", shapes |> Array.map one) + "]"

    /// True if every layer takes the output of the one before it: then connections say nothing.
    let private isChain (network: Network) =
        let follows (i: int) =
            let step = network.Steps[i]
            let first, count = if i = 0 then 0, 1 else network.Steps[i - 1].Output, network.Steps[i - 1].OutputCount

            step.Inputs.Length = 1
            && step.Keywords.Length = 0
            && step.Inputs[0] >= first
            && step.Inputs[0] < first + count

        network.Inputs.Count = 1
        && network.Entries |> Array.forall (fun e -> e.Calls.Length = 1)
        && Seq.forall follows (seq { 0 .. network.Steps.Length - 1 })

    /// The network whose layers an expanded summary lists below a layer.
    let private inside (entry: NetworkEntry) : Network voption =
        match NetworkRun.networkOf entry.Layer with
        | ValueSome network -> ValueSome network
        | ValueNone when entry.Layer.Parts.Length > 0 ->
            let node = entry.Calls[0].Inputs[0]
            let dims = Seq.toList node.Shape

            let input =
                Network.inputWith
                    { Name = ""
                      Shape = dims.Tail
                      DType = node.DType
                      BatchSize = if dims.Head < 0 then None else Some dims.Head }

            let parts = entry.Layer.Parts |> Array.map (fun (name, part) -> Layer.named name part) |> Array.toList
            ValueSome(Network.sequential input parts)
        | ValueNone -> ValueNone

    /// Widths of columns that end at the given parts of a line, borders and a space on both sides of a cell taken off evenly.
    let private columnWidths (line: int) (ends: float list) : int[] =
        let stops = ends |> List.map (fun p -> int (p * float line))
        let widths = List.map2 (-) stops (0 :: List.take (stops.Length - 1) stops) |> List.toArray
        let mutable excess = 3 * widths.Length + 1

        for i in 0 .. widths.Length - 1 do
            let share = int (Math.Round(float excess / float (widths.Length - i), MidpointRounding.ToEven))
            widths[i] <- widths[i] - share
            excess <- excess - share

        widths

    let rec private rowsOf (options: SummaryOptions) (connected: bool) (level: int) (network: Network) : string[] seq =
        seq {
            let all = Array.zip (Network.listed network) (Network.layers network)

            let index (name: string) =
                match all |> Array.tryFindIndex (fun (entry, _) -> entry.Name = name) with
                | Some i -> i
                | None ->
                    let names = all |> Array.map (fun (entry, _) -> entry.Name)
                    raise (FunctionalNet.Common.Names.unknown "layer" "layer_range" name names)

            let shown =
                match options.LayerRange with
                | Some(first, last) when level = 0 -> all[index first .. index last]
                | _ -> all

            for entry, info in shown do
                let prefix = if level = 0 then "" else String(' ', 3 * level) + "└ "
                let parameters = info.TrainableParameters + info.NonTrainableParameters

                let shapes = (Array.last entry.Calls).Outputs |> Array.map (fun n -> Seq.toArray n.Shape)

                yield
                    [| prefix + info.Name + " (" + info.ClassName + ")"
                       shapeText shapes
                       countText parameters
                       if connected then
                           if level > 0 || info.Connections.Length = 0 then "-" else String.Join(", ", info.Connections)
                       if options.ShowTrainable then
                           if parameters = 0L then "-"
                           elif entry.Layer.Frozen then "N"
                           else "Y" |]

                if options.ExpandNested then
                    match inside entry with
                    | ValueSome inner -> yield! rowsOf options connected (level + 1) inner
                    | ValueNone -> ()
        }

    /// <summary>The summary of a network: its layers with output shapes and numbers of parameters, and the totals. Keras:
    /// model.summary(line_length, expand_nested, show_trainable).</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The line is too short for the columns.</exception>
    let write (options: SummaryOptions) (network: Network) : string =
        let connected = not network.IsSequential && not (isChain network)

        let columns =
            if connected then
                [ "Layer (type)", TextTable.Left, 0.3
                  "Output Shape", TextTable.Left, 0.56
                  "Param #", TextTable.Right, 0.74
                  "Connected to", TextTable.Left, 1.0 ]
            else
                [ "Layer (type)", TextTable.Left, 0.45
                  "Output Shape", TextTable.Left, 0.8
                  "Param #", TextTable.Right, 1.0 ]

        let columns =
            if options.ShowTrainable then
                List.append
                    (columns |> List.map (fun (h, a, p) -> h, a, p * 0.9))
                    [ "Trainable", TextTable.Center, 1.0 ]
            else
                columns

        let widths = columnWidths options.LineLength (columns |> List.map (fun (_, _, p) -> p))

        if widths |> Array.exists (fun w -> w < 2) then
            raise (
                ArgumentValueException(
                    "The line is too short for a summary.",
                    "LineLength",
                    "about 76 characters",
                    string options.LineLength,
                    "Give the table more room."
                )
            )

        let columns =
            columns
            |> List.mapi (fun i (header, align, _) ->
                { TextTable.Header = header; TextTable.Align = align; TextTable.Width = widths[i] })
            |> List.toArray

        let specs = Network.variables network

        let total (chosen: VariableSpec -> bool) =
            let specs = specs |> Array.filter chosen
            let count = specs |> Array.sumBy (fun s -> int64 s.Shape.Size)
            let bytes = specs |> Array.sumBy (fun s -> int64 s.Shape.Size * int64 (DType.size s.DType))
            count, bytes

        let line (label: string) (count: int64, bytes: int64) =
            " " + label + ": " + countText count + " (" + sizeText bytes + ")"

        let trained = total (fun s -> s.Trainable && not s.Frozen)
        let other = total (fun s -> not (s.Trainable && not s.Frozen))
        let plus (a: int64, b: int64) (c: int64, d: int64) = a + c, b + d
        let optimizer = options.Optimizer |> Option.defaultValue (0L, 0L)

        let lines =
            [ yield "Model: \"" + network.Name + "\""
              yield! TextTable.render columns (rowsOf options connected 0 network)
              yield line "Total params" (plus (plus trained other) optimizer)
              yield line "Trainable params" trained
              yield line "Non-trainable params" other
              if options.Optimizer.IsSome then yield line "Optimizer params" optimizer ]

        StringBuilder().AppendJoin('\n', lines).ToString()

    /// <summary>The summary with default options.</summary>
    let text (network: Network) : string = write defaults network
