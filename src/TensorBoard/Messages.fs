namespace FunctionalNet.Events

open System.IO
open Google.Protobuf

/// A tensor within a summary: 32-bit floats, 64-bit floats or texts.
[<NoEquality; NoComparison>]
type internal SummaryTensor =
    | Scalar of float32
    | Doubles of shape: int[] * values: float[]
    | Strings of shape: int[] * values: byte[][]

/// What TensorBoard should do with a value. TensorFlow: SummaryMetadata.DataClass.
type internal DataClass =
    | Unknown = 0
    | Scalar = 1
    | Tensor = 2
    | BlobSequence = 3

/// One value under a tag.
[<NoEquality; NoComparison>]
type internal SummaryValue =
    {
        Tag: string
        Plugin: string
        /// What the plugin reads; usually nothing, which is its version 0.
        Content: byte[]
        DataClass: DataClass
        Tensor: SummaryTensor
    }

/// The messages of `event.proto`, `summary.proto` and `tensor.proto` that TensorFlow's summary writer writes, field by field.
/// Values that are 0 or empty are left out, as proto3 has it.
module internal Messages =

    [<Literal>]
    let private DtFloat = 1

    [<Literal>]
    let private DtDouble = 2

    [<Literal>]
    let private DtString = 7

    let private message (write: CodedOutputStream -> unit) : byte[] =
        use memory = new MemoryStream()
        let output = new CodedOutputStream(memory, true)
        write output
        output.Flush()
        memory.ToArray()

    let private bytes (output: CodedOutputStream) (field: int) (value: byte[]) =
        output.WriteTag(field, WireFormat.WireType.LengthDelimited)
        output.WriteBytes(ByteString.CopyFrom value)

    let private text (output: CodedOutputStream) (field: int) (value: string) =
        if value <> "" then
            output.WriteTag(field, WireFormat.WireType.LengthDelimited)
            output.WriteString value

    let private whole (output: CodedOutputStream) (field: int) (value: int64) =
        if value <> 0L then
            output.WriteTag(field, WireFormat.WireType.Varint)
            output.WriteInt64 value

    let private shape (sizes: int[]) =
        message (fun output ->
            for size in sizes do
                bytes output 2 (message (fun dim -> whole dim 1 (int64 size))))

    let private contentOf (values: 'a[]) (size: int) (write: BinaryWriter -> 'a -> unit) =
        use memory = new MemoryStream(values.Length * size)
        use writer = new BinaryWriter(memory)

        for value in values do
            write writer value

        writer.Flush()
        memory.ToArray()

    let private tensor (value: SummaryTensor) =
        message (fun output ->
            match value with
            | Scalar number ->
                whole output 1 (int64 DtFloat)
                bytes output 2 (shape [||])
                bytes output 4 (contentOf [| number |] 4 (fun w v -> w.Write(v: float32)))
            | Doubles(sizes, numbers) ->
                whole output 1 (int64 DtDouble)
                bytes output 2 (shape sizes)
                bytes output 4 (contentOf numbers 8 (fun w v -> w.Write(v: float)))
            | Strings(sizes, items) ->
                whole output 1 (int64 DtString)
                bytes output 2 (shape sizes)

                for item in items do
                    bytes output 8 item)

    let private metadata (value: SummaryValue) =
        message (fun output ->
            bytes
                output
                1
                (message (fun plugin ->
                    text plugin 1 value.Plugin
                    if value.Content.Length > 0 then bytes plugin 2 value.Content))

            whole output 4 (int64 value.DataClass))

    let private summary (value: SummaryValue) =
        message (fun output ->
            bytes
                output
                1
                (message (fun item ->
                    text item 1 value.Tag
                    bytes item 8 (tensor value.Tensor)
                    bytes item 9 (metadata value))))

    let private event (seconds: float) (step: int64) (write: CodedOutputStream -> unit) =
        message (fun output ->
            output.WriteTag(1, WireFormat.WireType.Fixed64)
            output.WriteDouble seconds
            whole output 2 step
            write output)

    /// The first event of a file.
    let version (seconds: float) : byte[] = event seconds 0L (fun output -> text output 3 "brain.Event:2")

    /// A value at a step.
    let summaryAt (seconds: float) (step: int64) (value: SummaryValue) : byte[] =
        event seconds step (fun output -> bytes output 5 (summary value))
