namespace FunctionalNet

open System
open System.Collections.Generic
open System.Globalization
open System.Text

/// <summary>What a drawing of a network shows.</summary>
type DiagramOptions =
    {
        /// <summary>True for the shapes of outputs.</summary>
        ShowShapes: bool
        /// <summary>True for the element types of outputs.</summary>
        ShowDType: bool
        /// <summary>True for the names of layers beside their classes.</summary>
        ShowLayerNames: bool
        /// <summary>True for the activations of layers that have one.</summary>
        ShowActivations: bool
        /// <summary>True to say of layers with weights whether training changes them.</summary>
        ShowTrainable: bool
        /// <summary>True for from left to right, false for from top to bottom.</summary>
        LeftToRight: bool
        /// <summary>True to show the layers of networks inside the network in their place.</summary>
        ExpandNested: bool
    }

/// A layer in a drawing.
[<NoEquality; NoComparison>]
type internal DiagramBox =
    {
        Lines: string list
        /// The path of the network it is in; empty for the outermost.
        Group: string
        /// Its row: one below the lowest of those it takes from.
        Rank: int
    }

/// <summary>Networks as drawings: SVG, and text for Mermaid. Keras: plot_model, model_to_dot.</summary>
[<RequireQualifiedAccess>]
module Diagram =

    /// <summary>Names and shapes, nested networks closed.</summary>
    let defaults: DiagramOptions =
        { ShowShapes = true
          ShowDType = false
          ShowLayerNames = true
          ShowActivations = false
          ShowTrainable = false
          LeftToRight = false
          ExpandNested = false }

    /// The name of a layer's activation, if it has one.
    let private activationOf (layer: Layer) : string voption =
        let named (value: ConfigValue) =
            match value with
            | Text name -> ValueSome name
            | Object entries ->
                match entries |> List.tryFind (fun (key, _) -> key = "class_name") with
                | Some(_, Text name) -> ValueSome name
                | _ -> ValueNone
            | _ -> ValueNone

        match layer.LayerConfig with
        | Some config ->
            config.Arguments
            |> List.tryFind (fun (key, _) -> key = "activation")
            |> Option.map (snd >> named)
            |> Option.defaultValue ValueNone
        | None -> ValueNone

    /// The boxes, and from where to where something flows.
    let private collect (options: DiagramOptions) (network: Network) : DiagramBox[] * struct (int * int)[] =
        let boxes = List<DiagramBox>()
        let edges = List<struct (int * int)>()

        let add (group: string) (name: string) (layer: Layer) (output: Node) (sources: int[]) =
            let lines =
                [ if options.ShowLayerNames then name
                  layer.ClassName
                  if options.ShowActivations then
                      match activationOf layer with
                      | ValueSome activation -> "Activation: " + activation
                      | ValueNone -> ()
                  if options.ShowDType then DType.name output.DType
                  if options.ShowShapes then output.ToString()
                  if options.ShowTrainable && output.Owner.Variables.Length > 0 then
                      let trained =
                          not layer.Frozen
                          && output.Owner.Variables |> Array.exists (fun v -> v.Trainable && not v.Frozen)

                      if trained then "Trainable" else "Non-trainable" ]

            let rank =
                if sources.Length = 0 then 0 else 1 + (sources |> Array.map (fun s -> boxes[s].Rank) |> Array.max)
            boxes.Add { Lines = lines; Group = group; Rank = rank }
            boxes.Count - 1

        let connect (box: int) (sources: int[]) =
            for source in sources do
                if not (edges.Contains(struct (source, box))) then
                    edges.Add(struct (source, box))

        /// Which boxes the outputs come from, given those that the inputs come from; none for the outermost network.
        let rec walk (group: string) (network: Network) (given: int[][]) : int[][] =
            let slots: int[][] = Array.create network.SlotCount [||]

            network.InputSlots
            |> Array.iteri (fun i slot ->
                let node = network.Inputs[i]

                slots[slot] <-
                    if given.Length > 0 then given[i] else [| add group node.Name node.Owner.Layer node [||] |])

            // A layer that is used twice has one box.
            let known = Dictionary<string, int>()

            for step in network.Steps do
                let entry = step.Entry
                let sources = step.Inputs |> Array.collect (fun slot -> slots[slot]) |> Array.distinct

                match Network.tryOfLayer entry.Layer with
                | Some inner when options.ExpandNested ->
                    let path = if group = "" then entry.Name else group + "/" + entry.Name
                    let outputs = walk path inner (step.Inputs |> Array.map (fun slot -> slots[slot]))
                    outputs |> Array.iteri (fun i from -> slots[step.Output + i] <- from)
                | _ ->
                    let box =
                        match known.TryGetValue entry.Name with
                        | true, box -> box
                        | _ ->
                            let box = add group entry.Name entry.Layer entry.Calls[0].Outputs[0] sources
                            known[entry.Name] <- box
                            box

                    connect box sources

                    for i in 0 .. step.OutputCount - 1 do
                        slots[step.Output + i] <- [| box |]

            network.OutputSlots |> Array.map (fun slot -> slots[slot])

        walk "" network [||] |> ignore
        boxes.ToArray(), edges.ToArray()

    /// Text inside XML and inside Mermaid's quotes.
    let private escape (text: string) =
        text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("\"", "&quot;")

    /// <summary>The network as a Mermaid flowchart, which many sites show in Markdown.</summary>
    let mermaid (options: DiagramOptions) (network: Network) : string =
        let boxes, edges = collect options network
        let text = StringBuilder()
        let line (indent: string) (content: string) = text.Append(indent).Append(content).Append('\n') |> ignore
        let label (box: DiagramBox) = String.Join("<br/>", box.Lines |> List.map escape)

        line "" (if options.LeftToRight then "flowchart LR" else "flowchart TB")

        let groups = boxes |> Array.map (fun b -> b.Group) |> Array.distinct

        groups
        |> Array.iteri (fun g group ->
            let indent = if group = "" then "    " else "        "

            if group <> "" then
                line "    " ("subgraph g" + string g + "[\"" + escape group + "\"]")

            boxes
            |> Array.iteri (fun i box ->
                if box.Group = group then
                    line indent ("n" + string i + "[\"" + label box + "\"]"))

            if group <> "" then line "    " "end")

        for struct (source, target) in edges do
            line "    " ("n" + string source + " --> n" + string target)

        text.ToString()

    let private number (value: float) = value.ToString("0.#", CultureInfo.InvariantCulture)

    /// <summary>The network as an SVG picture, layers in rows from the inputs down.</summary>
    let svg (options: DiagramOptions) (network: Network) : string =
        let boxes, edges = collect options network
        let lineHeight, padding, gapX, gapY = 17.0, 8.0, 24.0, 36.0

        let linesOf (box: DiagramBox) =
            match box.Lines with
            | first :: rest when box.Group <> "" -> (box.Group + "/" + first) :: rest
            | lines -> lines

        let widths =
            boxes
            |> Array.map (fun b -> 7.4 * float (linesOf b |> List.map String.length |> List.max) + 2.0 * padding + 8.0)

        let height =
            lineHeight * float (boxes |> Array.map (fun b -> b.Lines.Length) |> Array.max) + 2.0 * padding

        let rows =
            boxes
            |> Array.mapi (fun i b -> struct (b.Rank, i))
            |> Array.groupBy (fun (struct (rank, _)) -> rank)
            |> Array.sortBy fst
            |> Array.map (fun (_, row) -> row |> Array.map (fun (struct (_, i)) -> i))

        // Rows of boxes one below the other; from left to right, rows are columns beside each other.
        let across i = if options.LeftToRight then height else widths[i]
        let gapAcross = if options.LeftToRight then gapY / 2.0 else gapX
        let extent (row: int[]) = (row |> Array.sumBy across) + gapAcross * float (row.Length - 1)
        let breadth = (rows |> Array.map extent |> Array.max) + 2.0 * gapAcross
        let lefts = Array.zeroCreate<float> boxes.Length
        let tops = Array.zeroCreate<float> boxes.Length
        let mutable along = gapY / 2.0

        for row in rows do
            let mutable place = (breadth - extent row) / 2.0

            for i in row do
                lefts[i] <- if options.LeftToRight then along else place
                tops[i] <- if options.LeftToRight then place else along
                place <- place + across i + gapAcross

            let depth = if options.LeftToRight then row |> Array.map (fun i -> widths[i]) |> Array.max else height

            along <- along + depth + gapY

        let length = along - gapY / 2.0
        let total, full = if options.LeftToRight then length, breadth else breadth, length
        let text = StringBuilder()
        let add (parts: string list) = text.Append(String.Concat parts).Append('\n') |> ignore

        add
            [ "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\""
              number total
              "\" height=\""
              number full
              "\" viewBox=\"0 0 "
              number total
              " "
              number full
              "\" font-family=\"sans-serif\" font-size=\"13\">" ]

        add
            [ "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
              "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>" ]

        for struct (source, target) in edges do
            let x1, y1, x2, y2 =
                if options.LeftToRight then
                    lefts[source] + widths[source],
                    tops[source] + height / 2.0,
                    lefts[target],
                    tops[target] + height / 2.0
                else
                    lefts[source] + widths[source] / 2.0,
                    tops[source] + height,
                    lefts[target] + widths[target] / 2.0,
                    tops[target]

            // The curve leaves and arrives along the way from row to row.
            let middleX, middleY = (x1 + x2) / 2.0, (y1 + y2) / 2.0
            let bends = if options.LeftToRight then [ middleX; y1; middleX; y2 ] else [ x1; middleY; x2; middleY ]

            match bends |> List.map number with
            | [ ax; ay; bx; by ] ->
                add
                    [ "<path d=\"M"
                      String.Join(" ", [ number x1; number y1; "C" + ax; ay; bx; by; number x2; number y2 ])
                      "\" fill=\"none\" stroke=\"black\" marker-end=\"url(#arrow)\"/>" ]
            | _ -> ()

        boxes
        |> Array.iteri (fun i box ->
            add
                [ "<rect x=\""
                  number lefts[i]
                  "\" y=\""
                  number tops[i]
                  "\" width=\""
                  number widths[i]
                  "\" height=\""
                  number height
                  "\" rx=\"4\" fill=\"#f4f7fb\" stroke=\"black\"/>" ]

            linesOf box
            |> List.iteri (fun k line ->
                add
                    [ "<text x=\""
                      number (lefts[i] + widths[i] / 2.0)
                      "\" y=\""
                      number (tops[i] + padding + lineHeight * (float k + 0.8))
                      "\" text-anchor=\"middle\">"
                      escape line
                      "</text>" ]))

        add [ "</svg>" ]
        text.ToString()
