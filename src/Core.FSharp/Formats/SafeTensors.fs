namespace FunctionalNet

open System
open System.Buffers.Binary
open System.Collections.Generic
open System.Globalization
open System.IO
open System.Runtime.InteropServices
open System.Text.Json

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
/// Nothing in a file is believed before it is checked.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module SafeTensors =

    /// Headers above this are refused, as other readers of the format do.
    [<Literal>]
    let private MaxHeader = 100000000L

    [<Literal>]
    let private MetadataKey = "__metadata__"

    let private text (value: int64) = value.ToString(CultureInfo.InvariantCulture)

    let private fail (where: string) (summary: string) (expected: string) (actual: string) : 'a =
        raise (
            ModelFormatException(
                summary,
                where,
                expected,
                actual,
                "The file is damaged or was written by something else; write it again."
            )
        )

    /// How an element type of the format is stored and what it becomes here.
    [<Struct>]
    type private Storage = { Bytes: int; DType: DType; Half: int }

    let private storageOf (where: string) (name: string) : Storage =
        match name with
        | "F64" -> { Bytes = 8; DType = DType.Float64; Half = 0 }
        | "F32" -> { Bytes = 4; DType = DType.Float32; Half = 0 }
        | "I64" -> { Bytes = 8; DType = DType.Int64; Half = 0 }
        | "I32" -> { Bytes = 4; DType = DType.Int32; Half = 0 }
        | "BOOL" -> { Bytes = 1; DType = DType.Bool; Half = 0 }
        | "F16" -> { Bytes = 2; DType = DType.Float32; Half = 1 }
        | "BF16" -> { Bytes = 2; DType = DType.Float32; Half = 2 }
        | other -> fail where "An element type of the file is not supported." "F64, F32, F16, BF16, I64, I32 or BOOL" other

    let private nameOf (dtype: DType) =
        match dtype with
        | DType.Float32 -> "F32"
        | DType.Float64 -> "F64"
        | DType.Int32 -> "I32"
        | DType.Int64 -> "I64"
        | _ -> "BOOL"

    type private Entry =
        { Name: string
          Storage: Storage
          Shape: Shape
          First: int64
          Last: int64 }

    let private readEntry (where: string) (name: string) (value: JsonElement) : Entry =
        let place = where + ": " + name

        let field (key: string) (kind: JsonValueKind) =
            match value.TryGetProperty key with
            | true, found when found.ValueKind = kind -> found
            | _ -> fail place "A tensor's description is not complete." ("a field " + key) (value.ValueKind.ToString())

        if value.ValueKind <> JsonValueKind.Object then
            fail place "A tensor's description is not an object." "an object" (value.ValueKind.ToString())

        let storage =
            match (field "dtype" JsonValueKind.String).GetString() with
            | null -> fail place "A tensor has no element type." "a dtype" "null"
            | dtype -> storageOf place dtype

        let mutable size = 1L

        let dims =
            [| for item in (field "shape" JsonValueKind.Array).EnumerateArray() do
                   match item.ValueKind, item.TryGetInt32() with
                   | JsonValueKind.Number, (true, dim) when dim >= 0 ->
                       // Sizes are int32 and the running product is checked, so this cannot overflow.
                       size <- size * int64 dim

                       if size > int64 Int32.MaxValue then
                           fail place "A tensor is too large." "at most 2147483647 elements" (text size)

                       dim
                   | _ -> fail place "A size is not valid." "whole numbers of 0 or more" (item.GetRawText()) |]

        let offsets = field "data_offsets" JsonValueKind.Array

        if offsets.GetArrayLength() <> 2 then
            fail place "The offsets of a tensor are not valid." "two offsets" (offsets.GetRawText())

        let offset (i: int) =
            let item = offsets[i]

            match item.ValueKind with
            | JsonValueKind.Number ->
                match item.TryGetInt64() with
                | true, n when n >= 0L -> n
                | _ -> fail place "An offset is not valid." "a whole number of 0 or more" (item.GetRawText())
            | _ -> fail place "An offset is not valid." "a whole number of 0 or more" (item.GetRawText())

        let first, last = offset 0, offset 1

        if last - first <> size * int64 storage.Bytes then
            fail
                place
                "The bytes of a tensor do not fit its shape."
                (text (size * int64 storage.Bytes) + " bytes")
                (text (last - first) + " bytes")

        { Name = name
          Storage = storage
          Shape = Shape.Of dims
          First = first
          Last = last }

    let private fill (where: string) (stream: Stream) (target: Span<byte>) =
        let mutable rest = target
        let mutable ended = false

        while rest.Length > 0 && not ended do
            let n = stream.Read rest
            ended <- n = 0
            rest <- rest.Slice n

        if ended then
            fail where "The file ends too early." (string target.Length + " more bytes") (string (target.Length - rest.Length) + " bytes")

    let private parseHeader (where: string) (bytes: byte[]) (dataLength: int64) : Entry[] * (string * string)[] =
        use document =
            try
                JsonDocument.Parse(ReadOnlyMemory<byte>(bytes), JsonDocumentOptions(MaxDepth = 8))
            with :? JsonException as e ->
                raise (
                    ModelFormatException(
                        "The header is not JSON.",
                        where,
                        "a JSON object",
                        e.Message,
                        "The file is damaged or was written by something else; write it again.",
                        e
                    )
                )

        if document.RootElement.ValueKind <> JsonValueKind.Object then
            fail where "The header is not an object." "a JSON object" (document.RootElement.ValueKind.ToString())

        let names = HashSet<string>()
        let entries = List<Entry>()
        let notes = List<string * string>()

        for property in document.RootElement.EnumerateObject() do
            if not (names.Add property.Name) then
                fail where "A name occurs twice." "every name once" property.Name

            if property.Name = MetadataKey then
                if property.Value.ValueKind <> JsonValueKind.Object then
                    fail where "The notes are not an object." "an object of texts" (property.Value.ValueKind.ToString())

                for note in property.Value.EnumerateObject() do
                    match note.Value.ValueKind with
                    | JsonValueKind.String ->
                        match note.Value.GetString() with
                        | null -> ()
                        | value -> notes.Add(note.Name, value)
                    | other -> fail where "A note is not a text." "texts" (other.ToString())
            else
                entries.Add(readEntry where property.Name property.Value)

        let ordered = entries.ToArray() |> Array.sortBy (fun e -> struct (e.First, e.Last))
        let mutable position = 0L

        for e in ordered do
            if e.First <> position then
                fail
                    (where + ": " + e.Name)
                    "Tensors overlap or leave a gap."
                    ("bytes from " + text position)
                    ("bytes from " + text e.First)

            position <- e.Last

        if position <> dataLength then
            fail where "The length of the file does not fit its header." (text position + " bytes of data") (text dataLength + " bytes")

        ordered, notes.ToArray()

    let private readTensor (where: string) (stream: Stream) (entry: Entry) : string * Tensor =
        let count = entry.Shape.Size

        let inline direct (zero: 'T) =
            let data: 'T[] = Array.create count zero
            fill where stream (MemoryMarshal.AsBytes(Span<'T>(data)))
            Tensor.Wrap(entry.Shape, data)

        let halves (convert: uint16 -> float32) =
            let raw: uint16[] = Array.zeroCreate count
            fill where stream (MemoryMarshal.AsBytes(Span<uint16>(raw)))
            Tensor.Wrap(entry.Shape, Array.map convert raw)

        let tensor =
            match entry.Storage.Half, entry.Storage.DType with
            | 1, _ -> halves (fun bits -> float32 (BitConverter.UInt16BitsToHalf bits))
            | 2, _ -> halves (fun bits -> BitConverter.UInt32BitsToSingle(uint32 bits <<< 16))
            | _, DType.Float64 -> direct 0.0
            | _, DType.Float32 -> direct 0.0f
            | _, DType.Int64 -> direct 0L
            | _, DType.Int32 -> direct 0
            | _ ->
                // A bool other than 0 or 1 would not be a bool to .NET.
                let raw: byte[] = Array.zeroCreate count
                fill where stream (Span<byte>(raw))
                Tensor.Wrap(entry.Shape, Array.map (fun b -> b <> 0uy) raw)

        entry.Name, tensor

    /// <summary>Reads a safetensors file from a stream.</summary>
    /// <param name="where">The name of the file, for errors.</param>
    /// <param name="stream">Where to read; it need not be seekable.</param>
    /// <param name="length">How many bytes the file has.</param>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is truncated, damaged or hostile.</exception>
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

        { Tensors = entries |> Array.map (readTensor where stream)
          Metadata = notes }

    /// <summary>Reads a safetensors file.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is truncated, damaged or hostile.</exception>
    let read (path: string) : SafeTensorsContent =
        use stream = File.OpenRead path
        readStream path stream stream.Length

    /// <summary>Writes tensors in the given order to a stream.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">A name occurs twice or is reserved.</exception>
    let writeStream (stream: Stream) (content: SafeTensorsContent) : unit =
        let names = HashSet<string>()

        for name, _ in content.Tensors do
            if name = MetadataKey || not (names.Add name) then
                raise (
                    ArgumentValueException(
                        "A tensor's name cannot be used.",
                        name,
                        "names that differ, other than " + MetadataKey,
                        name,
                        "Rename the tensor."
                    )
                )

        let header = new MemoryStream()

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
                json.WriteStartObject name
                json.WriteString("dtype", nameOf tensor.DType)
                json.WriteStartArray "shape"

                for d in tensor.Shape.ToArray() do
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
    let write (path: string) (content: SafeTensorsContent) : unit =
        let temporary = path + ".tmp"

        do
            use stream = File.Create temporary
            writeStream stream content

        File.Move(temporary, path, true)
