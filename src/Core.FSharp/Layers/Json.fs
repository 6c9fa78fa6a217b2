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
    let private options = JsonDocumentOptions(MaxDepth = 512, CommentHandling = JsonCommentHandling.Disallow)

    /// Shortest text that reads back as the same number, and always recognisable as a float (1.0, not 1), as Python
    /// tells 1 from 1.0.
    let private floatText (value: float) =
        if Double.IsNaN value || Double.IsInfinity value then
            raise (
                ArgumentValueException(
                    "A configuration cannot hold this number.",
                    "",
                    "a finite number",
                    value.ToString(CultureInfo.InvariantCulture),
                    "JSON has no NaN and no infinities."
                )
            )

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

    let rec private ofElement (element: JsonElement) : ConfigValue =
        match element.ValueKind with
        | JsonValueKind.True -> Bool true
        | JsonValueKind.False -> Bool false
        | JsonValueKind.String -> Text(element.GetString() |> Option.ofObj |> Option.defaultValue "")
        | JsonValueKind.Number ->
            let raw = element.GetRawText()

            match raw.IndexOfAny([| '.'; 'e'; 'E' |]), Int64.TryParse(raw, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) with
            | -1, (true, i) -> Int i
            | _ -> Float(element.GetDouble())
        | JsonValueKind.Array -> List [ for item in element.EnumerateArray() -> ofElement item ]
        | JsonValueKind.Object -> ConfigValue.Object [ for entry in element.EnumerateObject() -> entry.Name, ofElement entry.Value ]
        | _ -> Null

    let private parsing (parse: unit -> JsonDocument) : ConfigValue =
        try
            use document = parse ()
            ofElement document.RootElement
        with
        | :? JsonException as e ->
            raise (
                ModelFormatException(
                    "The text is not valid JSON.",
                    "",
                    "JSON",
                    e.Message,
                    "Check that the text is complete and was not edited by hand.",
                    e
                )
            )

    /// <summary>The value of a JSON text.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The text is not JSON.</exception>
    let parse (text: string) : ConfigValue =
        parsing (fun () -> JsonDocument.Parse(text, options))

    /// <summary>The value of JSON in UTF-8 bytes.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The bytes are not JSON.</exception>
    let parseBytes (bytes: ReadOnlyMemory<byte>) : ConfigValue =
        parsing (fun () -> JsonDocument.Parse(bytes, options))
