module FunctionalNet.Tests.Formats.ModelFileTests

open System
open System.IO
open System.IO.Compression
open System.Text
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Formats
open FunctionalNet.Tests.Support

let private config =
    ConfigValue.Object
        [ "class_name", ConfigValue.Text "Dense"
          "units", ConfigValue.Int 3L
          "rate", ConfigValue.Float 0.1
          "bias", ConfigValue.Bool true
          "name", ConfigValue.Null
          "sizes", ConfigValue.List [ ConfigValue.Int 1L; ConfigValue.Float 2.0 ] ]

let private weights =
    [| "dense/kernel", Tensor.OfArray(array2D [ [ 1.0f; 2.0f; 3.0f ] ])
       "dense/bias", Tensor.Zeros(DType.Float32, Shape.Of 3)
       "dense/mask", Tensor.OfArray [| true; false |] |]

let private parts =
    [ "config", JsonPart config
      "weights", TensorsPart weights
      "notes", BytesPart [| 1uy; 2uy; 3uy |] ]

let private saved (parts: (string * ModelPart) list) =
    let stream = new MemoryStream()
    ModelFile.saveStream stream "model" parts
    stream.ToArray()

let private load (bytes: byte[]) = ModelFile.loadStream "test.fnet" (new MemoryStream(bytes))

let private refused (bytes: byte[]) = Assert.Throws<ModelFormatException>(fun () -> load bytes |> ignore)

let private whole = saved parts

/// A zip file of these entries.
let private zip (level: CompressionLevel) (entries: (string * byte[]) list) =
    let stream = new MemoryStream()

    do
        use archive = new ZipArchive(stream, ZipArchiveMode.Create, true)

        for name, bytes in entries do
            use target = (archive.CreateEntry(name, level)).Open()
            target.Write(bytes, 0, bytes.Length)

    stream.ToArray()

let private entriesOf (bytes: byte[]) =
    use archive = new ZipArchive(new MemoryStream(bytes), ZipArchiveMode.Read)

    [ for entry in archive.Entries do
          use stream = entry.Open()
          let memory = new MemoryStream()
          stream.CopyTo memory
          entry.FullName, memory.ToArray() ]

let private format (text: string) = [ "format.json", Encoding.UTF8.GetBytes text ]

let private same (content: ModelContent) =
    Assert.Equal("model", content.Kind)
    Assert.Equal<string[]>([| "config"; "weights"; "notes" |], Array.map fst content.Parts)
    Assert.Equal(config, ModelFile.json "config" content)
    Assert.Equal<byte[]>([| 1uy; 2uy; 3uy |], ModelFile.bytes "notes" content)
    let tensors = ModelFile.tensors "weights" content
    Assert.Equal<string[]>(Array.map fst weights, Array.map fst tensors)

    for (_, a), (_, b) in Array.zip weights tensors do
        Assert.True(a.BitEquals b)

[<Fact>]
let ``parts come back as they were`` () = same (load whole)

[<Fact>]
let ``the same contents give the same bytes`` () =
    let first = saved parts
    Threading.Thread.Sleep 10
    Assert.Equal<byte[]>(first, saved parts)

[<Fact>]
let ``format.json says what else there is`` () =
    let entries = entriesOf whole

    Assert.Equal<string list>(
        [ "format.json"; "config.json"; "weights.safetensors"; "notes.bin" ],
        List.map fst entries
    )

    let expected =
        """{"format":"FunctionalNet","version":1,"kind":"model","parts":[{"name":"config","type":"json"},{"name":"weights","type":"safetensors"},{"name":"notes","type":"bin"}]}"""

    Assert.Equal(Json.parse expected, Json.parse (Encoding.UTF8.GetString(snd entries[0])))

[<Fact>]
let ``a file that other tools packed again is read as well`` () =
    same (load (zip CompressionLevel.SmallestSize (entriesOf whole)))
    same (load (zip CompressionLevel.NoCompression (List.rev (entriesOf whole))))

[<Fact>]
let ``a part that is not there is an error that lists the parts`` () =
    let content = load whole
    let error =
        Assert.Throws<ModelFormatException>(fun () -> ModelFile.tensors "optimizer" content |> ignore)
    Assert.Equal("config, weights, notes", error.Actual)
    Assert.Throws<ModelFormatException>(fun () -> ModelFile.json "weights" content |> ignore) |> ignore
    Assert.Equal(None, ModelFile.tryJson "optimizer" content)

[<Fact>]
let ``a newer version is refused with the advice to update`` () =
    let error =
        refused (
            zip CompressionLevel.Optimal (format """{"format":"FunctionalNet","version":2,"kind":"model","parts":[]}""")
        )
    Assert.Equal(("format version 1 or older", "format version 2"), (error.Expected, error.Actual))
    Assert.Contains("Update", error.Hint)

[<Theory>]
[<InlineData("")>]
[<InlineData("{")>]
[<InlineData("[]")>]
[<InlineData("{}")>]
[<InlineData("""{"format":"Other","version":1,"kind":"model","parts":[]}""")>]
[<InlineData("""{"format":"FunctionalNet","version":0,"kind":"model","parts":[]}""")>]
[<InlineData("""{"format":"FunctionalNet","version":"1","kind":"model","parts":[]}""")>]
[<InlineData("""{"format":"FunctionalNet","version":1,"parts":[]}""")>]
[<InlineData("""{"format":"FunctionalNet","version":1,"kind":"model"}""")>]
[<InlineData("""{"format":"FunctionalNet","version":1,"kind":"model","parts":[1]}""")>]
[<InlineData("""{"format":"FunctionalNet","version":1,"kind":"model","parts":[{"name":"a"}]}""")>]
[<InlineData("""{"format":"FunctionalNet","version":1,"kind":"model","parts":[{"name":"a","type":"json"}]}""")>]
[<InlineData("""{"format":"FunctionalNet","version":1,"kind":"model","parts":[{"name":"format","type":"json"},{"name":"format","type":"json"}]}""")>]
[<InlineData("""{"format":"FunctionalNet","version":1,"kind":"model","parts":[{"name":"a","type":"exe"}]}""")>]
[<InlineData("""{"format":"\ud800","version":1,"kind":"model","parts":[]}""")>]
let ``a format.json that is not right is an error`` (text: string) =
    refused (zip CompressionLevel.Optimal (format text))

[<Fact>]
let ``a file of Keras is told from one of this library`` () =
    let error = refused (zip CompressionLevel.Optimal [ "metadata.json", [||]; "config.json", [||] ])
    Assert.Contains("Keras", error.Hint)

[<Fact>]
let ``other files are refused`` () =
    refused [||] |> ignore
    refused (Encoding.UTF8.GetBytes "This is a text and no archive.") |> ignore
    refused (zip CompressionLevel.Optimal []) |> ignore
    let twice = entriesOf whole
    refused (zip CompressionLevel.Optimal (twice @ [ twice[1] ]))

[<Fact>]
let ``a file that expands to far more than its size is refused before it is read`` () =
    let bomb = [ "config.json", Array.create 60_000_000 (byte ' ') ]
    let list =
        """{"format":"FunctionalNet","version":1,"kind":"model","parts":[{"name":"config","type":"json"}]}"""
    let bytes = zip CompressionLevel.SmallestSize (format list @ bomb)
    Assert.True(bytes.Length < 100_000)
    let before = GC.GetAllocatedBytesForCurrentThread()
    let error = refused bytes
    Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000L)
    Assert.Contains("expand", error.Summary)

[<Fact>]
let ``every truncation is an error`` () =
    for length in 0..7 .. whole.Length - 1 do
        refused (Array.take length whole) |> ignore

[<Fact>]
let ``every flipped bit in weights is found`` () =
    // The entry is stored as it is, so its bytes stand in the file.
    let kernel = MemoryExtensions.IndexOf(ReadOnlySpan whole, ReadOnlySpan(BitConverter.GetBytes 3.0f))
    Assert.True(kernel > 0)

    for bit in 0..31 do
        let bytes = Array.copy whole
        bytes[kernel + bit / 8] <- bytes[kernel + bit / 8] ^^^ (1uy <<< (bit % 8))
        Assert.Contains("checksum", (refused bytes).Summary)

[<Property>]
let ``flipped bytes give contents or a ModelFormatException, and take little memory``
    (flips: (uint16 * byte) list)
    (cut: byte)
    =
    let survives (bytes: byte[]) =
        let before = GC.GetAllocatedBytesForCurrentThread()

        try
            load bytes |> ignore
        with :? ModelFormatException ->
            ()

        GC.GetAllocatedBytesForCurrentThread() - before < 20_000_000L

    let bytes = Array.copy whole

    for position, bits in flips do
        let i = int position % bytes.Length
        bytes[i] <- bytes[i] ^^^ bits

    survives bytes && survives (Array.take (max 0 (bytes.Length - int cut)) bytes)

[<Property>]
let ``one flipped byte anywhere changes nothing or is an error`` (position: uint16) (bits: byte) =
    let bytes = Array.copy whole
    let i = int position % bytes.Length
    bytes[i] <- bytes[i] ^^^ bits

    try
        let content = load bytes
        // What is left over are fields of the archive that do not matter, such as times.
        let names = content.Parts |> Array.map fst

        names = [| "config"; "weights"; "notes" |]
        && ModelFile.json "config" content = config
        && Array.forall2 (fun (_, a: Tensor) (_, b) -> a.BitEquals b) weights (ModelFile.tensors "weights" content)
    with :? ModelFormatException ->
        true

[<Theory>]
[<InlineData("")>]
[<InlineData("../config")>]
[<InlineData("a/b")>]
[<InlineData("A")>]
[<InlineData("format")>]
let ``a part cannot have this name`` (name: string) =
    Assert.Throws<ArgumentValueException>(fun () -> saved [ name, BytesPart [||] ] |> ignore)

[<Fact>]
let ``a name cannot occur twice`` () =
    Assert.Throws<ArgumentValueException>(fun () -> saved [ "a", BytesPart [||]; "a", JsonPart config ] |> ignore)

[<Fact>]
let ``saving replaces a file, and a failure leaves the old one`` () =
    let folder = (Directory.CreateTempSubdirectory "functionalnet-").FullName
    let path = Path.Combine(folder, "model.fnet")
    ModelFile.save path "model" [ "old", BytesPart [||] ]
    ModelFile.save path "model" parts
    same (ModelFile.load path)
    let t = Tensor.Scalar 1.0f
    let bad = [ "config", JsonPart config; "weights", TensorsPart [| "a", t; "a", t |] ]
    Assert.Throws<ArgumentValueException>(fun () -> ModelFile.save path "model" bad) |> ignore
    same (ModelFile.load path)
    Assert.Equal<string[]>([| path |], Directory.GetFiles folder)

[<Fact>]
let ``a path that cannot be is an error`` () =
    Assert.Throws<ModelFormatException>(fun () -> ModelFile.load "no/such/model.fnet" |> ignore)
    |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> ModelFile.save "" "model" parts)

[<Fact>]
let ``the checksum is the one of zip files`` () =
    // The check value that every description of CRC-32 gives.
    let digits = Encoding.ASCII.GetBytes "123456789"
    Assert.Equal(0xCBF43926u, Crc32.append 0u (ReadOnlySpan digits))

[<Property>]
let ``the checksum of a whole is that of its parts`` (bytes: byte[]) (cut: byte) =
    let cut = int cut % (bytes.Length + 1)
    let first = Crc32.append 0u (ReadOnlySpan(bytes, 0, cut))
    Crc32.append 0u (ReadOnlySpan bytes) = Crc32.append first (ReadOnlySpan(bytes, cut, bytes.Length - cut))
