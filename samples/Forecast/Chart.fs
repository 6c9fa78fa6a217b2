/// A line chart as SVG.
module Forecast.Chart

open System
open System.Globalization
open System.IO
open System.Text

let private text (x: float) = x.ToString("0.##", CultureInfo.InvariantCulture)

/// Writes a chart of several lines over days. Lines are (name, colour, values).
let write (path: string) (title: string) (unit: string) (lines: (string * string * float[]) list) : unit =
    let width, height, left, bottom = 1100.0, 420.0, 60.0, 50.0
    let all = lines |> Seq.collect (fun (_, _, values) -> values) |> Seq.toArray
    let low, high = Math.Floor(Array.min all / 5.0) * 5.0, Math.Ceiling(Array.max all / 5.0) * 5.0
    let days = lines |> List.map (fun (_, _, values) -> values.Length) |> List.max
    let x (day: int) = left + (width - left - 20.0) * float day / float (max 1 (days - 1))
    let y (value: float) = 40.0 + (height - bottom - 40.0) * (high - value) / (high - low)
    let svg = StringBuilder()
    let line (s: string) = svg.Append(s).Append('\n') |> ignore

    line
        $"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {text width} {text height}' font-family='sans-serif' font-size='13'>"
    line $"<rect width='{text width}' height='{text height}' fill='white'/>"
    line $"<text x='{text left}' y='22' font-size='16'>{title}</text>"

    for value in low .. 5.0 .. high do
        line
            $"<line x1='{text left}' x2='{text (width - 20.0)}' y1='{text (y value)}' y2='{text (y value)}' stroke='#ddd'/><text x='{text (left - 8.0)}' y='{text (y value + 4.0)}' text-anchor='end'>{text value} {unit}</text>"

    for day in 0..30 .. days - 1 do
        line $"<text x='{text (x day)}' y='{text (height - bottom + 20.0)}' text-anchor='middle'>day {day + 1}</text>"

    lines
    |> List.iteri (fun i (name, colour, values) ->
        let points =
            values |> Array.mapi (fun day value -> text (x day) + "," + text (y value)) |> String.concat " "

        line $"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.4'/>"
        let at = left + 20.0 + 180.0 * float i
        line
            $"<line x1='{text at}' x2='{text (at + 24.0)}' y1='{text (height - 14.0)}' y2='{text (height - 14.0)}' stroke='{colour}' stroke-width='3'/><text x='{text (at + 30.0)}' y='{text (height - 10.0)}'>{name}</text>")

    line "</svg>"
    File.WriteAllText(path, svg.ToString())
