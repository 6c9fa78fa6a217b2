namespace FunctionalNet.Events

open System
open System.Buffers.Binary
open System.Globalization
open System.IO
open System.Numerics
open System.Threading

/// Records with lengths and checksums, as TensorFlow frames them.
module internal Records =

    /// The checksum CRC-32C (Castagnoli) of some bytes.
    let checksum (bytes: ReadOnlySpan<byte>) : uint32 =
        let mutable c = 0xFFFFFFFFu

        for b in bytes do
            c <- BitOperations.Crc32C(c, b)

        ~~~c

    /// Turned and moved, so that a checksum of checksums is no trivial thing.
    let masked (bytes: ReadOnlySpan<byte>) : uint32 = BitOperations.RotateRight(checksum bytes, 15) + 0xA282EAD8u

    /// Length, its checksum, the data, its checksum.
    let write (stream: Stream) (data: byte[]) : unit =
        let head: byte[] = Array.zeroCreate 12
        BinaryPrimitives.WriteUInt64LittleEndian(Span head, uint64 data.Length)
        BinaryPrimitives.WriteUInt32LittleEndian(Span(head, 8, 4), masked (ReadOnlySpan(head, 0, 8)))
        let tail: byte[] = Array.zeroCreate 4
        BinaryPrimitives.WriteUInt32LittleEndian(Span tail, masked (ReadOnlySpan data))
        stream.Write(ReadOnlySpan head)
        stream.Write(ReadOnlySpan data)
        stream.Write(ReadOnlySpan tail)

/// A file of events in a folder, which TensorBoard finds by its name.
[<Sealed>]
type internal EventFile(folder: string, clock: TimeProvider) =

    static let mutable count = -1

    let seconds () =
        let now = clock.GetUtcNow()
        float (now - DateTimeOffset.UnixEpoch).Ticks / float TimeSpan.TicksPerSecond

    let stream =
        Directory.CreateDirectory folder |> ignore
        let invariant = CultureInfo.InvariantCulture

        let name =
            String.Join(
                '.',
                "events.out.tfevents",
                clock.GetUtcNow().ToUnixTimeSeconds().ToString("D10", invariant),
                Environment.MachineName,
                Environment.ProcessId.ToString invariant,
                Interlocked.Increment(&count).ToString invariant,
                "v2"
            )

        let file =
            new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 <<< 16)

        Records.write file (Messages.version (seconds ()))
        file

    /// Adds a value at a step.
    member _.Add(step: int64, value: SummaryValue) : unit =
        Records.write stream (Messages.summaryAt (seconds ()) step value)

    member _.Flush() : unit = stream.Flush()

    interface IDisposable with
        member _.Dispose() = stream.Dispose()
