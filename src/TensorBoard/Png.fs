namespace FunctionalNet.Events

open System
open System.Buffers.Binary
open System.IO
open System.IO.Compression
open System.Text
open FunctionalNet.Common

/// Pictures of 8 bits a channel as PNG.
module internal Png =

    let private number (value: uint32) : byte[] =
        let bytes: byte[] = Array.zeroCreate 4
        BinaryPrimitives.WriteUInt32BigEndian(Span bytes, value)
        bytes

    let private chunk (into: MemoryStream) (name: string) (data: byte[]) =
        let named = Array.append (Encoding.ASCII.GetBytes name) data
        into.Write(ReadOnlySpan(number (uint32 data.Length)))
        into.Write(ReadOnlySpan named)
        into.Write(ReadOnlySpan(number (Crc32.append 0u (ReadOnlySpan named))))

    /// A picture of 1 (gray), 3 (RGB) or 4 (RGBA) channels, row by row.
    let encode (height: int) (width: int) (channels: int) (pixels: byte[]) : byte[] =
        let color =
            match channels with
            | 1 -> 0uy
            | 3 -> 2uy
            | _ -> 6uy

        let lines =
            use memory = new MemoryStream()

            using (new ZLibStream(memory, CompressionLevel.Optimal, true)) (fun zip ->
                for y in 0 .. height - 1 do
                    // Every line begins with its filter: none.
                    zip.WriteByte 0uy
                    zip.Write(pixels, y * width * channels, width * channels))

            memory.ToArray()

        use file = new MemoryStream()
        file.Write(ReadOnlySpan [| 0x89uy; 0x50uy; 0x4Euy; 0x47uy; 0x0Duy; 0x0Auy; 0x1Auy; 0x0Auy |])

        let header =
            Array.concat [ number (uint32 width); number (uint32 height); [| 8uy; color; 0uy; 0uy; 0uy |] ]

        chunk file "IHDR" header
        chunk file "IDAT" lines
        chunk file "IEND" [||]
        file.ToArray()
