namespace FunctionalNet.Formats

open System
open System.Collections.Generic
open System.Globalization
open System.IO
open System.IO.Compression
open System.Text
open FunctionalNet

/// One part of a model file.
[<NoEquality; NoComparison>]
type internal ModelPart =
    /// Configuration, history, state of callbacks.
    | JsonPart of ConfigValue
    /// Weights, state of the optimizer.
    | TensorsPart of (string * Tensor)[]
    /// Anything else.
    | BytesPart of byte[]

/// What a model file holds.
[<NoEquality; NoComparison>]
type internal ModelContent =
    {
        /// The name of the file, for errors.
        Where: string
        /// What the file is for, such as model, weights or checkpoint.
        Kind: string
        /// Parts by name, in their order.
        Parts: (string * ModelPart)[]
    }

/// The library's own file format, .fnet: a zip file with format.json, which says what else there is, and the parts, each
/// as JSON, safetensors or bytes. Anyone can look into it with tools for zip files and safetensors. The same contents give
/// the same bytes.
module internal ModelFile =

    /// The newest version of the format. It grows when older readers would misread newer files.
    [<Literal>]
    let Version = 1

    [<Literal>]
    let private Magic = "FunctionalNet"

    [<Literal>]
    let private FormatEntry = "format.json"

    [<Literal>]
    let private MaxEntries = 10000

    /// Configurations are small; what is larger is no configuration.
    [<Literal>]
    let private MaxJson = 268435456L

    /// What is expanded may be this many times the size of the file, and this much more. Tensors are stored as they are,
    /// and JSON of configurations shrinks less.
    [<Literal>]
    let private MaxExpansion = 50L

    [<Literal>]
    let private FreeExpansion = 16777216L

    let private text (value: int64) = value.ToString(CultureInfo.InvariantCulture)

    let private fail (where: string) (summary: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (ModelFormatException(summary, where, expected, actual, hint))

    let private saveAgain = "The file is damaged or was written by something else; save the model again."

    let private typeOf (part: ModelPart) =
        match part with
        | JsonPart _ -> "json"
        | TensorsPart _ -> "safetensors"
        | BytesPart _ -> "bin"

    let private checkName (name: string) =
        let allowed (c: char) = Char.IsAsciiLetterLower c || Char.IsAsciiDigit c || c = '_' || c = '-'

        if name = "" || not (Seq.forall allowed name) || name = "format" then
            raise (
                ArgumentValueException(
                    "A part of a model file cannot have this name.",
                    name,
                    "lower-case letters, digits, - and _; not format",
                    name,
                    "Rename the part."
                )
            )

    let private writeEntry (archive: ZipArchive) (name: string) (level: CompressionLevel) (write: Stream -> unit) =
        let entry = archive.CreateEntry(name, level)
        // No clock in the file: the same model gives the same bytes.
        entry.LastWriteTime <- DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero)
        // A regular file that its owner may write and all may read.
        entry.ExternalAttributes <- 0o100644 <<< 16
        use stream = entry.Open()
        write stream

    let private writeJson (archive: ZipArchive) (name: string) (value: ConfigValue) =
        let bytes = Encoding.UTF8.GetBytes(Json.write true value)
        writeEntry archive name CompressionLevel.Optimal (fun stream -> stream.Write(bytes, 0, bytes.Length))

    /// Writes a model file to a stream.
    let saveStream (stream: Stream) (kind: string) (parts: (string * ModelPart) list) : unit =
        let names = HashSet<string>(StringComparer.Ordinal)

        for name, _ in parts do
            checkName name

            if not (names.Add name) then
                raise (
                    ArgumentValueException(
                        "A part of a model file occurs twice.",
                        name,
                        "names that differ",
                        name,
                        "Rename the part."
                    )
                )

        use archive = new ZipArchive(stream, ZipArchiveMode.Create, true)

        writeJson
            archive
            FormatEntry
            (ConfigValue.Object
                [ "format", ConfigValue.Text Magic
                  "version", ConfigValue.Int(int64 Version)
                  "kind", ConfigValue.Text kind
                  "parts",
                  ConfigValue.List
                      [ for name, part in parts ->
                            ConfigValue.Object [ "name", ConfigValue.Text name; "type", ConfigValue.Text(typeOf part) ] ] ])

        for name, part in parts do
            let entry = name + "." + typeOf part

            match part with
            | JsonPart value -> writeJson archive entry value
            | BytesPart bytes ->
                writeEntry archive entry CompressionLevel.Optimal (fun target -> target.Write(bytes, 0, bytes.Length))
            | TensorsPart tensors ->
                // Weights do not shrink, and stored as they are their size is known before they are read.
                writeEntry archive entry CompressionLevel.NoCompression (fun target ->
                    SafeTensors.writeStream target { Tensors = tensors; Metadata = [||] })

    /// Writes a model file. It appears complete or not at all: if anything fails, an older file stays as it was.
    let save (path: string) (kind: string) (parts: (string * ModelPart) list) : unit =
        AtomicFile.write path (fun stream -> saveStream stream kind parts)

    /// Reads all bytes of an entry; memory grows with what really comes.
    let private readBytes (stream: CheckedStream) : MemoryStream =
        let memory = new MemoryStream()
        stream.CopyTo(memory, 65536)
        stream.Finish()
        memory.Position <- 0L
        memory

    let private parseJson (where: string) (memory: MemoryStream) : ConfigValue =
        try
            Json.parseBytes (ReadOnlyMemory<byte>(memory.GetBuffer(), 0, int memory.Length))
        with
        | :? ModelFormatException as e ->
            raise (ModelFormatException(e.Summary, where, e.Expected, e.Actual, e.Hint, e))
        // Texts that are not UTF-8 show only when they are read.
        | :? InvalidOperationException as e ->
            raise (ModelFormatException("The text is not valid JSON.", where, "JSON", e.Message, saveAgain, e))

    let private field (where: string) (key: string) (value: ConfigValue) : ConfigValue =
        let found =
            match value with
            | ConfigValue.Object fields -> fields |> List.tryFind (fun (k, _) -> k = key)
            | _ -> None

        match found with
        | Some(_, v) -> v
        | None -> fail where "A description is not complete." ("a field " + key) "none" saveAgain

    let private textField (where: string) (key: string) (value: ConfigValue) : string =
        match field where key value with
        | ConfigValue.Text t -> t
        | _ -> fail where "A description is not valid." ("a text " + key) "another kind of value" saveAgain

    let private readFormat (where: string) (format: ConfigValue) : string * (string * string) list =
        let magic = textField where "format" format

        if magic <> Magic then
            fail where "The file is not a model of this library." Magic magic "Load a file that this library saved."

        match field where "version" format with
        | ConfigValue.Int version when version >= 1L && version <= int64 Version -> ()
        | ConfigValue.Int version when version > int64 Version ->
            fail
                where
                "The file was saved by a newer version of the library."
                ("format version " + text (int64 Version) + " or older")
                ("format version " + text version)
                "Update the package FunctionalNet, or save the model with this version of it."
        | _ -> fail where "The version of the format is not valid." "a whole number above 0" "something else" saveAgain

        let parts =
            match field where "parts" format with
            | ConfigValue.List items ->
                items |> List.map (fun item -> textField where "name" item, textField where "type" item)
            | _ -> fail where "A description is not valid." "a list parts" "another kind of value" saveAgain

        textField where "kind" format, parts

    let private readArchive (where: string) (archive: ZipArchive) (fileLength: int64) : ModelContent =
        if archive.Entries.Count > MaxEntries then
            fail
                where
                "The file has too many entries."
                ("at most " + text (int64 MaxEntries))
                (text (int64 archive.Entries.Count))
                saveAgain

        let entries = Dictionary<string, ZipArchiveEntry>(StringComparer.Ordinal)
        let mutable expanded = 0L

        for entry in archive.Entries do
            if not (entries.TryAdd(entry.FullName, entry)) then
                fail where "The file has two entries of one name." "every name once" entry.FullName saveAgain

            // Lengths are what the file says; reading checks them.
            let limit = FreeExpansion + MaxExpansion * fileLength

            if entry.Length < 0L || entry.Length > limit - expanded then
                fail
                    where
                    "The file would expand to far more than its own size."
                    ("at most " + text limit + " bytes")
                    (entry.FullName + " of " + text entry.Length + " bytes")
                    "Do not trust this file; models of this library do not shrink that much."

            expanded <- expanded + entry.Length

        let reading (name: string) (hint: string) (read: string -> ZipArchiveEntry -> CheckedStream -> 'a) : 'a =
            let place = where + ": " + name

            match entries.TryGetValue name with
            | true, entry ->
                use inner = entry.Open()
                use stream = new CheckedStream(place, inner, entry.Length, entry.Crc32)
                read place entry stream
            | _ -> fail where "An entry is missing from the file." name "nothing under that name" hint

        let json (place: string) (entry: ZipArchiveEntry) (stream: CheckedStream) =
            if entry.Length > MaxJson then
                fail
                    place
                    "A JSON entry is too large."
                    ("at most " + text MaxJson + " bytes")
                    (text entry.Length)
                    saveAgain

            parseJson place (readBytes stream)

        let hint =
            if entries.ContainsKey "metadata.json" && entries.ContainsKey "config.json" then
                "This looks like a .keras file of Keras, not like one of this library."
            else
                "Load a file that this library saved."

        let kind, parts = reading FormatEntry hint json |> readFormat (where + ": " + FormatEntry)
        let names = HashSet<string>(StringComparer.Ordinal)

        let read (name: string, kind: string) =
            if not (names.Add name) then
                fail where "The file lists a part twice." "every part once" name saveAgain

            let entry = name + "." + kind

            let part =
                match kind with
                | "json" -> JsonPart(reading entry saveAgain json)
                | "bin" -> BytesPart(reading entry saveAgain (fun _ _ stream -> (readBytes stream).ToArray()))
                | "safetensors" ->
                    reading entry saveAgain (fun place entry stream ->
                        // Stored as it is, an entry cannot be longer than the file: it is read in place. A compressed one
                        // could lie about its length, so it is expanded first, as far as it really goes.
                        let content =
                            if entry.CompressedLength = entry.Length && entry.Length <= fileLength then
                                let content = SafeTensors.readStream place stream entry.Length
                                stream.Finish()
                                content
                            else
                                let memory = readBytes stream
                                SafeTensors.readStream place memory memory.Length

                        TensorsPart content.Tensors)
                | other ->
                    fail
                        (where + ": " + name)
                        "A part is of an unknown type."
                        "json, safetensors or bin"
                        other
                        saveAgain

            name, part

        { Where = where; Kind = kind; Parts = parts |> List.map read |> List.toArray }

    /// Reads a model file from a stream that can seek.
    let loadStream (where: string) (stream: Stream) : ModelContent =
        try
            use archive = new ZipArchive(stream, ZipArchiveMode.Read, true)
            readArchive where archive stream.Length
        with
        | :? FunctionalNetException
        | :? OutOfMemoryException -> reraise ()
        // Damaged archives fail in many ways, all of which mean the same.
        | e ->
            raise (
                ModelFormatException(
                    "The file is not a readable archive.",
                    where,
                    "a .fnet file",
                    e.Message,
                    saveAgain,
                    e
                )
            )

    /// Reads a model file.
    let load (path: string) : ModelContent =
        use stream = AtomicFile.openRead path
        loadStream path stream

    let private tryPart (name: string) (content: ModelContent) =
        content.Parts |> Array.tryFind (fun (key, _) -> key = name) |> Option.map snd

    let private missing (name: string) (expected: string) (content: ModelContent) : 'a =
        fail
            content.Where
            "The file lacks a part that is needed."
            (name + " (" + expected + ")")
            (match content.Parts with
             | [||] -> "no parts"
             | parts -> String.Join(", ", parts |> Array.map fst))
            ("The file is of kind " + content.Kind + "; it may hold less than what is asked for.")

    /// The JSON part of that name, if there is one.
    let tryJson (name: string) (content: ModelContent) : ConfigValue option =
        match tryPart name content with
        | Some(JsonPart value) -> Some value
        | _ -> None

    /// The tensors of that name, if there are any.
    let tryTensors (name: string) (content: ModelContent) : (string * Tensor)[] option =
        match tryPart name content with
        | Some(TensorsPart tensors) -> Some tensors
        | _ -> None

    /// The JSON part of that name; an error if there is none.
    let json (name: string) (content: ModelContent) : ConfigValue =
        match tryJson name content with
        | Some value -> value
        | None -> missing name "JSON" content

    /// The tensors of that name; an error if there are none.
    let tensors (name: string) (content: ModelContent) : (string * Tensor)[] =
        match tryTensors name content with
        | Some tensors -> tensors
        | None -> missing name "tensors" content

    /// The bytes of that name; an error if there are none.
    let bytes (name: string) (content: ModelContent) : byte[] =
        match tryPart name content with
        | Some(BytesPart bytes) -> bytes
        | _ -> missing name "bytes" content
