namespace FunctionalNet.Datasets

open System
open System.Buffers.Binary
open System.Globalization
open System.IO
open System.IO.Compression
open System.Runtime.CompilerServices

/// Reads gzipped IDX files of bytes: the format of MNIST. The header is a big-endian magic number (two zero bytes, the
/// element type, the number of axes) and the axes' sizes.
[<AbstractClass; Sealed>]
type internal IdxFile =

    static member private Text(number: int) = number.ToString CultureInfo.InvariantCulture

    static member private Corrupt(path: string, expected: string, actual: string, inner: exn | null) =
        DatasetException(
            DatasetFailure.Corrupt,
            "A data file is damaged or of another format.",
            path,
            expected,
            actual,
            "Delete the file and get it again.",
            inner
        )

    static member private Open(path: string) : Stream =
        try
            new GZipStream(File.OpenRead path, CompressionMode.Decompress)
        with
        | :? FileNotFoundException
        | :? DirectoryNotFoundException as e ->
            raise (
                DatasetException(
                    DatasetFailure.NotFound,
                    "A data file is missing.",
                    path,
                    "a gzipped IDX file",
                    "no file",
                    "Check the folder.",
                    e
                )
            )

    static member private Header(stream: Stream, path: string, axes: int) : int[] =
        let bytes = Array.zeroCreate<byte>(4 * (1 + axes))
        let got = stream.ReadAtLeast(Span bytes, bytes.Length, throwOnEndOfStream = false)

        if got < bytes.Length then
            let expected = "a header of " + IdxFile.Text bytes.Length + " bytes"
            raise (IdxFile.Corrupt(path, expected, IdxFile.Text got + " bytes", null))

        let number (i: int) = BinaryPrimitives.ReadInt32BigEndian(ReadOnlySpan(bytes, 4 * i, 4))
        let unsignedByte = 0x08
        let expected = (unsignedByte <<< 8) ||| axes

        if number 0 <> expected then
            let wanted = "the magic number " + IdxFile.Text expected
            raise (IdxFile.Corrupt(path, wanted, IdxFile.Text(number 0), null))

        Array.init axes (fun i ->
            let size = number (1 + i)

            if size < 0 then
                raise (IdxFile.Corrupt(path, "sizes of 0 or more", IdxFile.Text size, null))

            size)

    // Memory grows with what the file holds, not with what its header claims.
    static member private ElementsOf(stream: Stream, path: string, size: int) : byte[] =
        let mutable elements = Array.zeroCreate<byte>(min size (1 <<< 26))
        let mutable filled = 0

        let fill () =
            let room = Span(elements, filled, elements.Length - filled)
            filled <- filled + stream.ReadAtLeast(room, room.Length, throwOnEndOfStream = false)

            if filled < elements.Length then
                raise (IdxFile.Corrupt(path, IdxFile.Text size + " elements", IdxFile.Text filled, null))

        fill ()

        while filled < size do
            Array.Resize(&elements, int (min (int64 size) (2L * int64 elements.Length)))
            fill ()

        if stream.ReadByte() >= 0 then
            raise (IdxFile.Corrupt(path, IdxFile.Text size + " elements", "more", null))

        elements

    /// The sizes of the axes, without reading the elements.
    static member ReadShape(path: string, axes: int) : int[] =
        use stream = IdxFile.Open path

        try
            IdxFile.Header(stream, path, axes)
        with :? InvalidDataException as e ->
            raise (IdxFile.Corrupt(path, "gzip data", e.Message, e))

    /// The sizes of the axes and all elements.
    [<return: TupleElementNames([| "Shape"; "Elements" |])>]
    static member Read(path: string, axes: int) : struct (int[] * byte[]) =
        use stream = IdxFile.Open path

        try
            let shape = IdxFile.Header(stream, path, axes)
            let size = (1L, shape) ||> Array.fold (fun size d -> min (size * int64 d) (int64 Array.MaxLength))
            struct (shape, IdxFile.ElementsOf(stream, path, int size))
        with :? InvalidDataException as e ->
            raise (IdxFile.Corrupt(path, "gzip data", e.Message, e))
