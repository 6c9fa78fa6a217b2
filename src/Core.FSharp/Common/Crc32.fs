namespace FunctionalNet.Common

open System
open System.Buffers.Binary

/// The checksum of zip files.
module internal Crc32 =

    // Eight tables, so that eight bytes are done at once: table k is for a byte with k bytes behind it.
    let private table: uint32[] =
        let t = Array.zeroCreate 2048

        for i in 0..255 do
            let mutable c = uint32 i

            for _ in 1..8 do
                c <- if c &&& 1u = 1u then 0xEDB88320u ^^^ (c >>> 1) else c >>> 1

            t[i] <- c

        for k in 1..7 do
            for i in 0..255 do
                let before = t[(k - 1) * 256 + i]
                t[k * 256 + i] <- t[int (before &&& 0xFFu)] ^^^ (before >>> 8)

        t

    /// The checksum of what came before, followed by these bytes. Start with 0.
    let append (crc: uint32) (bytes: ReadOnlySpan<byte>) : uint32 =
        let mutable c = ~~~crc
        let mutable rest = bytes

        while rest.Length >= 8 do
            let low = BinaryPrimitives.ReadUInt32LittleEndian rest ^^^ c
            let high = BinaryPrimitives.ReadUInt32LittleEndian(rest.Slice 4)

            c <-
                table[7 * 256 + int (low &&& 0xFFu)]
                ^^^ table[6 * 256 + int ((low >>> 8) &&& 0xFFu)]
                ^^^ table[5 * 256 + int ((low >>> 16) &&& 0xFFu)]
                ^^^ table[4 * 256 + int (low >>> 24)]
                ^^^ table[3 * 256 + int (high &&& 0xFFu)]
                ^^^ table[2 * 256 + int ((high >>> 8) &&& 0xFFu)]
                ^^^ table[256 + int ((high >>> 16) &&& 0xFFu)]
                ^^^ table[int (high >>> 24)]

            rest <- rest.Slice 8

        for b in rest do
            c <- table[int ((c ^^^ uint32 b) &&& 0xFFu)] ^^^ (c >>> 8)

        ~~~c
