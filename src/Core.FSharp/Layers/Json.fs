namespace FunctionalNet

open System
open System.Buffers
open System.Globalization
open System.IO
open System.Text
open System.Text.Json

/// <summary>Configurations as JSON text, and back.</summary>
[<RequireQualifiedAccess>]
module Json =

    /// Models inside models: every level takes about four levels of JSON.
    let private options =
        JsonDocumentOptions(MaxDepth = 512, CommentHandling = JsonCommentHandling.Disallow)

    /// Shortest text that reads back as the same number, and always recognisable as a float (1.0, not 1), as Python
    /// tells 1 from 1.0. What JSON has no numbers for is written as Python does: NaN, Infinity, -Infinity.
    let private floatText (value: float) =
        if Double.IsNaN value then
            "NaN"
        elif Double.IsInfinity value then
            if value > 0.0 then "Infinity" else "-Infinity"
        else
            let text = value.ToString("R", CultureInfo.InvariantCulture)

            if text.Contains 'E' then text.Replace('E', 'e')
            elif text.Contains '.' then text
            else text + ".0"

    let rec private writeValue (writer: Utf8JsonWriter) (value: ConfigValue) =
        match value with
        | Null -> writer.WriteNullValue()
        | Bool b -> writer.WriteBooleanValue b
        | Int i -> writer.WriteNumberValue i
        | Float f -> writer.WriteRawValue(floatText f, true)
        | Text t -> writer.WriteStringValue t
        | List items ->
            writer.WriteStartArray()

            for item in items do
                writeValue writer item

            writer.WriteEndArray()
        | Object entries ->
            writer.WriteStartObject()

            for key, item in entries do
                writer.WritePropertyName key
                writeValue writer item

            writer.WriteEndObject()

    /// <summary>The JSON text of a value.</summary>
    /// <param name="indented">True for one entry a line.</param>
    /// <param name="value">The value.</param>
    let write (indented: bool) (value: ConfigValue) : string =
        let buffer = ArrayBufferWriter<byte>()
        let settings = JsonWriterOptions(Indented = indented, MaxDepth = 512, NewLine = "\n")
        use writer = new Utf8JsonWriter(buffer, settings)
        writeValue writer value
        writer.Flush()
        Encoding.UTF8.GetString buffer.WrittenSpan

    /// Stands for Python's NaN, Infinity and -Infinity while the text is parsed. No file can contain it: the key ends with
    /// a text that is made up anew for every process.
    let private floatKey = "__float__" + Guid.NewGuid().ToString "N"

    let private literals = [| "NaN"; "-Infinity"; "Infinity" |]

    /// The text with Python's three literals replaced by objects; itself if there are none.
    let private withoutLiterals (bytes: ReadOnlyMemory<byte>) : ReadOnlyMemory<byte> =
        let text = bytes.Span

        if text.IndexOf("NaN"B) < 0 && text.IndexOf("Infinity"B) < 0 then
            bytes
        else
            let result = ArrayBufferWriter<byte>(bytes.Length + 256)
            let mutable inString = false
            let mutable copied = 0
            let mutable i = 0

            while i < text.Length do
                if inString then
                    // A quote behind a backslash does not end the string.
                    if text[i] = byte '\\' then i <- i + 1
                    elif text[i] = byte '"' then inString <- false

                    i <- i + 1
                elif text[i] = byte '"' then
                    inString <- true
                    i <- i + 1
                else
                    let mutable found = ""

                    for literal in literals do
                        if
                            found = "" && text.Slice(i).StartsWith(ReadOnlySpan<byte>(Encoding.UTF8.GetBytes literal))
                        then
                            found <- literal

                    if found = "" then
                        i <- i + 1
                    else
                        result.Write(text.Slice(copied, i - copied))
                        result.Write(
                            ReadOnlySpan<byte>(Encoding.UTF8.GetBytes("{\"" + floatKey + "\":\"" + found + "\"}"))
                        )
                        i <- i + found.Length
                        copied <- i

            result.Write(text.Slice copied)
            result.WrittenMemory

    let private special (text: string) =
        match text with
        | "NaN" -> Double.NaN
        | "Infinity" -> Double.PositiveInfinity
        | _ -> Double.NegativeInfinity

    let private textOf (element: JsonElement) = element.GetString() |> Option.ofObj |> Option.defaultValue ""

    let rec private ofElement (element: JsonElement) : ConfigValue =
        match element.ValueKind with
        | JsonValueKind.True -> Bool true
        | JsonValueKind.False -> Bool false
        | JsonValueKind.String -> Text(textOf element)
        | JsonValueKind.Number ->
            let raw = element.GetRawText()

            match
                raw.IndexOfAny([| '.'; 'e'; 'E' |]),
                Int64.TryParse(raw, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)
            with
            | -1, (true, i) -> Int i
            | _ -> Float(element.GetDouble())
        | JsonValueKind.Array -> List [ for item in element.EnumerateArray() -> ofElement item ]
        | JsonValueKind.Object ->
            match [ for entry in element.EnumerateObject() -> entry.Name, entry.Value ] with
            | [ key, value ] when key = floatKey -> Float(special (textOf value))
            | entries -> ConfigValue.Object [ for name, value in entries -> name, ofElement value ]
        | _ -> Null

    let private notJson (e: exn) : exn =
        ModelFormatException(
            "The text is not valid JSON.",
            "",
            "JSON",
            e.Message,
            "Check that the text is complete and was not edited by hand.",
            e
        )

    /// <summary>The value of JSON in UTF-8 bytes. Python's NaN, Infinity and -Infinity are read as numbers; levels go 512
    /// deep.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The bytes are not JSON.</exception>
    let parseBytes (bytes: ReadOnlyMemory<byte>) : ConfigValue =
        try
            let bytes =
                if bytes.Span.StartsWith(ReadOnlySpan<byte>(Encoding.UTF8.GetPreamble())) then
                    bytes.Slice(Encoding.UTF8.GetPreamble().Length)
                else
                    bytes

            use document = JsonDocument.Parse(withoutLiterals bytes, options)
            ofElement document.RootElement
        with
        | :? JsonException as e -> raise (notJson e)
        // A string with half a surrogate pair, or with bytes that are not UTF-8.
        | :? InvalidOperationException as e -> raise (notJson e)

    /// <summary>The value of a JSON text. Python's NaN, Infinity and -Infinity are read as numbers; levels go 512 deep.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The text is not JSON.</exception>
    let parse (text: string) : ConfigValue = parseBytes (ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes text))
