namespace FunctionalNet.Formats

open System
open System.Globalization
open System.IO
open FunctionalNet
open FunctionalNet.Common

/// Reads another stream and checks what came: no more bytes than announced, and at the end as many, with the announced
/// checksum.
[<Sealed>]
type internal CheckedStream(where: string, inner: Stream, length: int64, crc: uint32) =
    inherit Stream()

    let mutable position = 0L
    let mutable sum = 0u

    let damaged (summary: string) (expected: string) (actual: string) : exn =
        ModelFormatException(
            summary,
            where,
            expected,
            actual,
            "The file was damaged after it was saved; use another copy, or save it again."
        )

    let text (value: int64) = value.ToString(CultureInfo.InvariantCulture) + " bytes"

    let took (bytes: ReadOnlySpan<byte>) =
        position <- position + int64 bytes.Length

        if position > length then
            raise (
                damaged "A part of the file is longer than the file says." (text length) ("at least " + text position)
            )

        sum <- Crc32.append sum bytes

    override _.CanRead = true
    override _.CanSeek = false
    override _.CanWrite = false
    override _.Length = length

    override _.Position
        with get () = position
        and set _ = raise (NotSupportedException())

    override _.Read(buffer: Span<byte>) : int =
        let n = inner.Read buffer
        took (Span<byte>.op_Implicit(buffer.Slice(0, n)))
        n

    override this.Read(buffer: byte[], offset: int, count: int) : int = this.Read(Span<byte>(buffer, offset, count))

    /// Reads what is left, and checks length and checksum.
    member this.Finish() =
        let rest: byte[] = Array.zeroCreate 4096

        while this.Read(rest, 0, rest.Length) > 0 do
            ()

        if position <> length then
            raise (damaged "A part of the file ends too early." (text length) (text position))

        if sum <> crc then
            raise (
                damaged
                    "A part of the file is damaged: its checksum is wrong."
                    (crc.ToString("x8", CultureInfo.InvariantCulture))
                    (sum.ToString("x8", CultureInfo.InvariantCulture))
            )

    override _.Flush() = ()
    override _.Seek(_, _) = raise (NotSupportedException())
    override _.SetLength _ = raise (NotSupportedException())
    override _.Write(_: byte[], _: int, _: int) : unit = raise (NotSupportedException())
