namespace FunctionalNet.Training

open System
open System.Globalization
open System.Text
open FunctionalNet

/// Text as it stands, or a field with its format.
[<NoEquality; NoComparison>]
type internal TemplatePart =
    {
        Literal: string
        /// Empty for text as it stands.
        Name: string
        Zeros: bool
        /// -1 if not given.
        Width: int
        /// -1 if not given.
        Precision: int
        /// d, f, e, or a space if not given.
        Kind: char
    }

/// A file name with fields in braces, such as {epoch:02d} and {val_loss:.4f}: the part of Python's format language that
/// makes sense for whole numbers and fractions.
[<Sealed>]
type internal FileTemplate private (text: string, parts: TemplatePart[]) =

    static let hint =
        "Write fields as {epoch}, {epoch:02d}, {val_loss:.4f} or {val_loss:.2e}; a brace itself as {{ or }}."

    static let wrong (text: string) (summary: string) (expected: string) (actual: string) : exn =
        ArgumentValueException(summary, "ModelCheckpoint.filepath: " + text, expected, actual, hint)

    static let parseField (text: string) (field: string) : TemplatePart =
        let colon = field.IndexOf ':'
        let name = if colon < 0 then field else field.Substring(0, colon)
        let spec = if colon < 0 then "" else field.Substring(colon + 1)

        if name = "" then
            raise (wrong text "A field has no name." "epoch, batch or the name of a figure" ("{" + field + "}"))

        let mutable at = 0

        let digits () =
            let first = at

            while at < spec.Length && Char.IsAsciiDigit spec[at] do
                at <- at + 1

            if at - first > 3 then
                raise (wrong text "A field is too wide." "at most 999" ("{" + field + "}"))

            if at = first then
                -1
            else
                Int32.Parse(spec.AsSpan(first, at - first), NumberStyles.None, CultureInfo.InvariantCulture)

        let zeros = spec.StartsWith '0'
        let width = digits ()

        let precision =
            if at < spec.Length && spec[at] = '.' then
                at <- at + 1
                digits ()
            else
                -1

        let kind =
            if at < spec.Length then
                at <- at + 1
                spec[at - 1]
            else
                ' '

        let whole = name = "epoch" || name = "batch"
        let known =
            kind = 'f' || kind = 'e' || (kind = 'd' && whole && precision < 0) || (kind = ' ' && precision < 0)

        if at < spec.Length || not known then
            raise (
                wrong
                    text
                    "A field has a format that is not supported."
                    "a width, a precision and one of d (for epoch and batch), f, e"
                    ("{" + field + "}")
            )

        { Literal = ""; Name = name; Zeros = zeros; Width = width; Precision = precision; Kind = kind }

    /// <summary>Reads a template.</summary>
    static member Parse(text: string) : FileTemplate =
        let parts = ResizeArray<TemplatePart>()
        let literal = StringBuilder()

        let flush () =
            if literal.Length > 0 then
                parts.Add
                    { Literal = literal.ToString(); Name = ""; Zeros = false; Width = -1; Precision = -1; Kind = ' ' }

                literal.Clear() |> ignore

        let mutable i = 0

        while i < text.Length do
            let c = text[i]
            let doubled = i + 1 < text.Length && text[i + 1] = c

            if (c = '{' || c = '}') && doubled then
                literal.Append c |> ignore
                i <- i + 2
            elif c = '{' then
                let close = text.IndexOf('}', i)

                if close < 0 then
                    raise (wrong text "A brace is not closed." "a closing brace" (text.Substring i))

                flush ()
                parts.Add(parseField text (text.Substring(i + 1, close - i - 1)))
                i <- close + 1
            elif c = '}' then
                raise (wrong text "A brace is not opened." "an opening brace before it" (text.Substring i))
            else
                literal.Append c |> ignore
                i <- i + 1

        flush ()
        FileTemplate(text, parts.ToArray())

    /// <summary>The name for that epoch and batch (counted from 1; batch 0 means there is none) and those figures.</summary>
    member _.Fill(epoch: int, batch: int, logs: TrainingLogs) : string =
        let result = StringBuilder()

        for part in parts do
            if part.Name = "" then
                result.Append part.Literal |> ignore
            else
                let value =
                    if part.Name = "epoch" then
                        float epoch
                    elif part.Name = "batch" && batch > 0 then
                        float batch
                    else
                        match logs.TryGet part.Name with
                        | true, value -> value
                        | _ ->
                            raise (
                                wrong
                                    text
                                    "A field of the file name is not among the figures."
                                    (String.Join(", ", Seq.append [ "epoch" ] logs.Names))
                                    part.Name
                            )

                let digits = if part.Precision < 0 then 6 else part.Precision

                let shown =
                    match part.Kind with
                    | 'f' -> NumberText.fixedPoint digits value
                    | 'e' when Double.IsFinite value ->
                        let pattern = if digits = 0 then "0e+00" else "0." + String('0', digits) + "e+00"
                        value.ToString(pattern, CultureInfo.InvariantCulture)
                    | 'd' -> NumberText.whole (int value)
                    | _ when part.Name = "epoch" || part.Name = "batch" -> NumberText.whole (int value)
                    | _ -> NumberText.shortest value

                let missing = part.Width - shown.Length

                if missing > 0 then
                    // Zeros go between the sign and the digits.
                    if part.Zeros && shown[0] = '-' then
                        result.Append('-').Append('0', missing).Append(shown, 1, shown.Length - 1) |> ignore
                    else
                        result.Append((if part.Zeros then '0' else ' '), missing).Append(shown) |> ignore
                else
                    result.Append shown |> ignore

        result.ToString()
