namespace FunctionalNet

open System
open System.Buffers.Binary
open System.Collections.Generic
open System.Globalization
open System.IO
open System.Runtime.InteropServices
open System.Text.Json
open FunctionalNet.Formats

/// <summary>What a safetensors file holds.</summary>
[<AutoOpen>]
module SafeTensorsTypes =

    /// <summary>The contents of a safetensors file.</summary>
    type SafeTensorsContent =
        {
            /// <summary>Tensors by name, in the order of their bytes in the file.</summary>
            Tensors: (string * Tensor)[]
            /// <summary>The file's own notes: pairs of texts.</summary>
            Metadata: (string * string)[]
        }

/// <summary>Reads and writes safetensors: an 8-byte length, a JSON header, then the bytes of all tensors without gaps.
/// F32, F64, I32, I64, I8 and BOOL are read as they are; F16 and BF16 become float32, U8, I16 and U16 int32, U32 int64.
/// Nothing in a file is believed before it is checked.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module SafeTensors =

    /// Headers above this are refused, as other readers of the format do.
    [<Literal>]
    let private MaxHeader = 100000000L

    /// An array of .NET seen as bytes has no more.
    [<Literal>]
    let private MaxBytes = 2147483647L

    [<Literal>]
    let private MetadataKey = "__metadata__"

    let private text (value: int64) = value.ToString(CultureInfo.InvariantCulture)

    let private clip (value: string) = if value.Length > 100 then value.Substring(0, 100) + "..." else value

    let private damaged = "The file is damaged or was written by something else; write it again."

    let private fail (where: string) (summary: string) (expected: string) (actual: string) : 'a =
        raise (ModelFormatException(summary, where, expected, clip actual, damaged))

    /// Element types of the format: name, bytes in the file, and what they become.
    let private storages =
        [| struct ("F32", 4, DType.Float32)
           struct ("F64", 8, DType.Float64)
           struct ("I32", 4, DType.Int32)
           struct ("I64", 8, DType.Int64)
           struct ("BOOL", 1, DType.Bool)
           struct ("F16", 2, DType.Float32)
           struct ("BF16", 2, DType.Float32)
           struct ("U8", 1, DType.Int32)
           struct ("I8", 1, DType.Int8)
           struct ("I16", 2, DType.Int32)
           struct ("U16", 2, DType.Int32)
           struct ("U32", 4, DType.Int64) |]

    let private nameOf (dtype: DType) =
        match dtype with
        | DType.Float32 -> "F32"
        | DType.Float64 -> "F64"
        | DType.Int32 -> "I32"
        | DType.Int64 -> "I64"
        | DType.Int8 -> "I8"
        | DType.BFloat16 -> "BF16"
        | _ -> "BOOL"

    [<NoEquality; NoComparison>]
    type private Entry = { Name: string; Storage: string; Shape: Shape; First: int64; Last: int64 }

    let private readEntry (where: string) (name: string) (value: JsonElement) : Entry =
        let place = where + ": " + clip name

        if value.ValueKind <> JsonValueKind.Object then
            fail place "A tensor's description is not an object." "an object" (value.GetRawText())

        let field (key: string) (kind: JsonValueKind) : JsonElement =
            let mutable found = ValueNone

            for property in value.EnumerateObject() do
                if property.NameEquals key then
                    if found.IsSome then
                        fail place "A tensor's description has a field twice." ("one field " + key) (value.GetRawText())

                    found <- ValueSome property.Value

            match found with
            | ValueSome element when element.ValueKind = kind -> element
            | _ ->
                fail
                    place
                    "A tensor's description is not complete."
                    ("a field " + key + " with its value")
                    (value.GetRawText())

        let storageName =
            match (field "dtype" JsonValueKind.String).GetString() with
            | null -> ""
            | found -> found

        let mutable bytes = 0

        for struct (known, width, _) in storages do
            if String.Equals(known, storageName) then bytes <- width

        if bytes = 0 then
            raise (
                ModelFormatException(
                    "An element type of the file is not supported.",
                    place,
                    String.Join(", ", storages |> Array.map (fun (struct (known, _, _)) -> known)),
                    clip storageName,
                    "Convert the tensor to one of these types where the file was made."
                )
            )

        let mutable size = 1L

        let dims =
            [| for item in (field "shape" JsonValueKind.Array).EnumerateArray() do
                   let mutable dim = 0

                   if item.ValueKind <> JsonValueKind.Number || not (item.TryGetInt32 &dim) || dim < 0 then
                       fail place "A size is not valid." "a whole number from 0 to 2147483647" (item.GetRawText())

                   // Both factors are below 2^31, so this cannot overflow.
                   size <- size * int64 dim

                   if size * int64 bytes > MaxBytes then
                       fail
                           place
                           "A tensor is too large."
                           ("at most " + text MaxBytes + " bytes")
                           (text (size * int64 bytes))

                   dim |]

        let offsets = field "data_offsets" JsonValueKind.Array

        if offsets.GetArrayLength() <> 2 then
            fail place "The offsets of a tensor are not valid." "two offsets" (offsets.GetRawText())

        let offset (i: int) =
            let mutable n = 0L

            if offsets[i].ValueKind <> JsonValueKind.Number || not (offsets[i].TryGetInt64 &n) || n < 0L then
                fail place "An offset is not valid." "a whole number of 0 or more" (offsets.GetRawText())

            n

        let first, last = offset 0, offset 1

        if last - first <> size * int64 bytes then
            fail
                place
                "The bytes of a tensor do not fit its shape."
                (text (size * int64 bytes) + " bytes")
                (text (last - first) + " bytes")

        { Name = name; Storage = storageName; Shape = Shape.Of dims; First = first; Last = last }

    let private fill (where: string) (stream: Stream) (target: Span<byte>) =
        let mutable rest = target
        let mutable ended = false

        while rest.Length > 0 && not ended do
            let n = stream.Read rest
            ended <- n = 0
            rest <- rest.Slice n

        if ended then
            fail
                where
                "The file ends too early."
                (text (int64 target.Length) + " more bytes")
                (text (int64 (target.Length - rest.Length)) + " bytes")

    let private readEntries (where: string) (root: JsonElement) (dataLength: int64) : Entry[] * (string * string)[] =
        if root.ValueKind <> JsonValueKind.Object then
            fail where "The header is not an object." "a JSON object" (root.GetRawText())

        let names = HashSet<string>(StringComparer.Ordinal)
        let entries = List<Entry>()
        let notes = List<string * string>()

        for property in root.EnumerateObject() do
            if not (names.Add property.Name) then
                fail where "A name occurs twice." "every name once" property.Name

            if property.NameEquals MetadataKey then
                if property.Value.ValueKind <> JsonValueKind.Object then
                    fail where "The notes are not an object." "an object of texts" (property.Value.GetRawText())

                for note in property.Value.EnumerateObject() do
                    match
                        note.Value.ValueKind,
                        (if note.Value.ValueKind = JsonValueKind.String then note.Value.GetString() else null)
                    with
                    | JsonValueKind.String, NonNull value -> notes.Add(note.Name, value)
                    | _ -> fail where "A note is not a text." "texts" (note.Value.GetRawText())
            else
                entries.Add(readEntry where property.Name property.Value)

        // Empty tensors share their place with the next; among them the order of the header counts.
        let ordered =
            entries.ToArray()
            |> Array.indexed
            |> Array.sortWith (fun (i, a) (j, b) ->
                match a.First.CompareTo b.First with
                | 0 ->
                    match a.Last.CompareTo b.Last with
                    | 0 -> i.CompareTo j
                    | c -> c
                | c -> c)
            |> Array.map snd

        let mutable position = 0L

        for e in ordered do
            if e.First <> position then
                fail
                    (where + ": " + clip e.Name)
                    "Tensors overlap or leave a gap."
                    ("bytes from " + text position)
                    ("bytes from " + text e.First)

            position <- e.Last

        if position <> dataLength then
            fail
                where
                "The length of the file does not fit its header."
                (text position + " bytes of data")
                (text dataLength + " bytes")

        ordered, notes.ToArray()

    let private parseHeader (where: string) (bytes: byte[]) (dataLength: int64) : Entry[] * (string * string)[] =
        if bytes.Length = 0 || bytes[0] <> byte '{' then
            fail where "The header is not JSON." "a JSON object" "something else"

        let notJson (e: exn) : exn =
            ModelFormatException("The header is not JSON.", where, "a JSON object", clip e.Message, damaged, e)

        try
            use document = JsonDocument.Parse(ReadOnlyMemory<byte>(bytes), JsonDocumentOptions(MaxDepth = 8))
            readEntries where document.RootElement dataLength
        with
        | :? JsonException as e -> raise (notJson e)
        // Texts that are not UTF-8, or half a surrogate pair, show only when they are read.
        | :? InvalidOperationException as e -> raise (notJson e)

    let private readTensor (where: string) (stream: Stream) (entry: Entry) : string * Tensor =
        let count = entry.Shape.Size

        let raw (zero: 'T) : 'T[] =
            let data: 'T[] = Array.create count zero
            fill (where + ": " + clip entry.Name) stream (MemoryMarshal.AsBytes(Span<'T>(data)))
            data

        let data: Array =
            match entry.Storage with
            | "F32" -> raw 0.0f
            | "F64" -> raw 0.0
            | "I32" -> raw 0
            | "I64" -> raw 0L
            | "F16" -> Array.map (fun bits -> float32 (BitConverter.UInt16BitsToHalf bits)) (raw 0us)
            | "BF16" -> Array.map (fun bits -> BitConverter.UInt32BitsToSingle(uint32 bits <<< 16)) (raw 0us)
            | "U8" -> Array.map int (raw 0uy)
            | "I8" -> raw 0y
            | "I16" -> Array.map int (raw 0s)
            | "U16" -> Array.map int (raw 0us)
            | "U32" -> Array.map int64 (raw 0u)
            // A byte other than 0 or 1 would not be a bool to .NET.
            | _ -> Array.map (fun b -> b <> 0uy) (raw 0uy)

        entry.Name, Tensor.Wrap(entry.Shape, data)

    /// <summary>Reads a safetensors file from a stream.</summary>
    /// <param name="where">The name of the file, for errors.</param>
    /// <param name="stream">Where to read; it need not be seekable.</param>
    /// <param name="length">How many bytes the file has. No more memory is taken than a few times this.</param>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is truncated, damaged or hostile.</exception>
    [<CompiledName("ReadStream")>]
    let readStream (where: string) (stream: Stream) (length: int64) : SafeTensorsContent =
        if length < 8L then
            fail where "The file is too short." "at least 8 bytes" (text length)

        let head: byte[] = Array.zeroCreate 8
        fill where stream (Span<byte>(head))
        let headerLength = BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan<byte>(head))

        if headerLength > uint64 (min MaxHeader (length - 8L)) then
            fail
                where
                "The header's length is not valid."
                ("at most " + text (min MaxHeader (length - 8L)))
                (headerLength.ToString(CultureInfo.InvariantCulture))

        let header: byte[] = Array.zeroCreate (int headerLength)
        fill where stream (Span<byte>(header))
        let entries, notes = parseHeader where header (length - 8L - int64 headerLength)

        { Tensors = entries |> Array.map (readTensor where stream); Metadata = notes }

    /// <summary>Reads a safetensors file.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is missing, truncated, damaged or
    /// hostile.</exception>
    [<CompiledName("Read")>]
    let read (path: string) : SafeTensorsContent =
        use stream = AtomicFile.openRead path
        readStream path stream stream.Length

    let private checkNames (names: string seq) =
        let seen = HashSet<string>(StringComparer.Ordinal)

        for name in names do
            if name = MetadataKey || not (seen.Add name) then
                raise (
                    ArgumentValueException(
                        "A tensor's name cannot be used.",
                        name,
                        "names that differ, other than " + MetadataKey,
                        name,
                        "Rename the tensor."
                    )
                )

    /// <summary>Writes tensors in the given order to a stream. The same content always gives the same bytes.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A name occurs twice or is reserved, or a tensor is larger
    /// than 2 GB.</exception>
    [<CompiledName("WriteStream")>]
    let writeStream (stream: Stream) (content: SafeTensorsContent) : unit =
        checkNames (content.Tensors |> Seq.map fst)
        use header = new MemoryStream()

        do
            use json = new Utf8JsonWriter(header)
            json.WriteStartObject()

            if content.Metadata.Length > 0 then
                json.WriteStartObject MetadataKey

                for key, value in content.Metadata do
                    json.WriteString(key, value)

                json.WriteEndObject()

            let mutable position = 0L

            for name, tensor in content.Tensors do
                let bytes = int64 tensor.Size * int64 (DType.size tensor.DType)

                if bytes > MaxBytes then
                    raise (
                        ArgumentValueException(
                            "A tensor is too large to be saved.",
                            name,
                            "at most " + text MaxBytes + " bytes",
                            text bytes,
                            "Split the tensor."
                        )
                    )

                json.WriteStartObject name
                json.WriteString("dtype", nameOf tensor.DType)
                json.WriteStartArray "shape"

                for d in tensor.Shape.Dims do
                    json.WriteNumberValue d

                json.WriteEndArray()
                json.WriteStartArray "data_offsets"
                json.WriteNumberValue position
                json.WriteNumberValue(position + bytes)
                json.WriteEndArray()
                json.WriteEndObject()
                position <- position + bytes

            json.WriteEndObject()

        // Tensors begin at a multiple of 8 bytes, so that other readers can map them.
        while header.Length % 8L <> 0L do
            header.WriteByte 32uy

        let head: byte[] = Array.zeroCreate 8
        BinaryPrimitives.WriteUInt64LittleEndian(Span<byte>(head), uint64 header.Length)
        stream.Write(head, 0, 8)
        stream.Write(header.GetBuffer(), 0, int header.Length)

        for _, tensor in content.Tensors do
            stream.Write tensor.Bytes

    /// <summary>Writes tensors in the given order to a file, which appears complete or not at all.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A name occurs twice or is reserved, or a tensor is larger
    /// than 2 GB.</exception>
    [<CompiledName("Write")>]
    let write (path: string) (content: SafeTensorsContent) : unit =
        AtomicFile.write path (fun stream -> writeStream stream content)
