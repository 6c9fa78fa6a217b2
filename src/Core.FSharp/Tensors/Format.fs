namespace FunctionalNet

open System
open System.Globalization
open System.Text

/// Text of tensors, laid out as NumPy does: aligned columns, nested brackets, and an ellipsis in the middle of large axes.
module internal Format =

    /// More elements than this are summarised.
    [<Literal>]
    let private Threshold = 1000

    /// Elements kept at each end of a summarised axis.
    [<Literal>]
    let private Edge = 3

    [<Literal>]
    let private LineWidth = 76

    /// The flat indices that are printed, in order.
    let private visible (shape: Shape) (summarise: bool) : int[] =
        let strides = Shape.strides shape

        let rec walk axis at =
            if axis = shape.Rank then
                [| at |]
            else
                let n = shape[axis]

                let places =
                    if summarise && n > 2 * Edge then
                        Array.append [| 0 .. Edge - 1 |] [| n - Edge .. n - 1 |]
                    else
                        [| 0 .. n - 1 |]

                places |> Array.collect (fun i -> walk (axis + 1) (at + i * strides[axis]))

        walk 0 0

    /// Floats in one style for all: fixed point with at most 6 decimals aligned at the point, or scientific.
    let private floats (values: float[]) : string[] =
        let finite = values |> Array.filter Double.IsFinite |> Array.map abs |> Array.filter (fun v -> v > 0.0)
        let least, greatest = (if finite.Length = 0 then 1.0, 1.0 else Array.min finite, Array.max finite)
        let scientific = greatest >= 1e8 || least < 1e-4 || greatest / least > 1e7

        let text (v: float) =
            if Double.IsNaN v then
                "nan"
            elif Double.IsInfinity v then
                if v > 0.0 then "inf" else "-inf"
            elif scientific then
                v.ToString("0.######e+00", CultureInfo.InvariantCulture)
            else
                let s = v.ToString("0.######", CultureInfo.InvariantCulture)
                if s.Contains '.' then s else s + "."

        let texts = Array.map text values

        let behind (s: string) =
            let i = s.IndexOf '.'
            if i < 0 then 0 else s.Length - i

        if scientific then
            texts
        else
            let right = texts |> Array.fold (fun w s -> Math.Max(w, behind s)) 0
            texts |> Array.map (fun s -> s + String(' ', right - behind s))

    /// The elements in brackets. `number` gives an element as float64; integers up to 2^53 print exactly.
    let elements (dtype: DType) (shape: Shape) (number: int -> float) (whole: int -> int64) : string =
        let summarise = shape.Size > Threshold
        let places = visible shape summarise

        let texts =
            match dtype with
            | DType.Float32
            | DType.Float64
            | DType.BFloat16 -> floats (Array.map number places)
            | DType.Bool -> places |> Array.map (fun i -> if whole i <> 0L then "True" else "False")
            | _ -> places |> Array.map (fun i -> (whole i).ToString(CultureInfo.InvariantCulture))

        let width = texts |> Array.fold (fun w s -> Math.Max(w, s.Length)) 0
        let text = StringBuilder()
        let mutable next = 0
        let mutable column = 0

        let append (s: string) =
            text.Append s |> ignore
            column <- column + s.Length

        let newLine (blank: int) depth =
            for _ in 1..blank do
                text.Append '\n' |> ignore

            text.Append(' ', depth) |> ignore
            column <- depth

        let rec write axis =
            if axis = shape.Rank then
                append (if shape.Rank = 0 then texts[next].TrimEnd() else texts[next].PadLeft width)
                next <- next + 1
            else
                let n = shape[axis]
                let cut = summarise && n > 2 * Edge
                let count = if cut then 2 * Edge else n
                let inner = axis = shape.Rank - 1
                append "["

                for k in 0 .. count - 1 do
                    if k > 0 then
                        if not inner then newLine (shape.Rank - 1 - axis) (axis + 1)
                        elif column + 1 + width > LineWidth then newLine 1 (axis + 1)
                        else append " "

                    if cut && k = Edge then
                        append "..."

                        if inner then append " " else newLine (shape.Rank - 1 - axis) (axis + 1)

                    write (axis + 1)

                append "]"

        if shape.Size = 0 then append "[]" else write 0

        text.ToString()
