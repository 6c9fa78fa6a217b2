module FunctionalNet.Tests.Formats.SafeTensorsTests

open System
open System.IO
open System.Text
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Tests.Support

/// A file from its header and data, byte for byte.
let private file (header: string) (data: byte[]) =
    let head = Encoding.UTF8.GetBytes header
    Array.concat [ BitConverter.GetBytes(uint64 head.Length); head; data ]

let private read (bytes: byte[]) =
    SafeTensors.readStream "test.safetensors" (new MemoryStream(bytes)) (int64 bytes.Length)

let private write content =
    let stream = new MemoryStream()
    SafeTensors.writeStream stream content
    stream.ToArray()

let private content tensors = { Tensors = List.toArray tensors; Metadata = [||] }

let private literal =
    let header =
        """{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"n":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}"""

    file
        (header + String(' ', (8 - header.Length % 8) % 8))
        [| 0x00uy
           0x00uy
           0xC0uy
           0x3Fuy
           0x00uy
           0x00uy
           0x00uy
           0xC0uy
           0xFEuy
           0xFFuy
           0xFFuy
           0xFFuy
           0xFFuy
           0xFFuy
           0xFFuy
           0xFFuy |]

let private literalContent =
    { Tensors = [| "w", Tensor.Of(Shape.Of(2, 1), [| 1.5f; -2.0f |]); "n", Tensor.Scalar -2L |]
      Metadata = [| "format", "pt" |] }

let private same (expected: SafeTensorsContent) (actual: SafeTensorsContent) =
    Assert.Equal<(string * string)[]>(expected.Metadata, actual.Metadata)
    Assert.Equal<string[]>(Array.map fst expected.Tensors, Array.map fst actual.Tensors)

    for (_, a), (_, b) in Array.zip expected.Tensors actual.Tensors do
        Assert.True(a.BitEquals b)

[<Fact>]
let ``a file written by hand is read`` () = same literalContent (read literal)

[<Fact>]
let ``the bytes written are those of the file written by hand`` () = Assert.Equal<byte[]>(literal, write literalContent)

[<Fact>]
let ``all types, ranks and empty tensors come back bit for bit, in their order`` () =
    let all =
        content
            [ "f32", Tensor.OfArray(array2D [ [ 1.0f; nanf; infinityf ]; [ -0.0f; 1e-40f; 3.5f ] ])
              "empty", Tensor.Zeros(DType.Float64, Shape.Of(0, 3))
              "none", Tensor.Zeros(DType.Float32, Shape.Of 0)
              "f64", Tensor.OfArray [| Math.PI; nan |]
              "i32", Tensor.OfArray [| Int32.MinValue; Int32.MaxValue |]
              "i64", Tensor.OfArray [| Int64.MinValue; Int64.MaxValue |]
              "bool", Tensor.OfArray [| true; false; true |]
              "block 1/ä \"quoted\"", Tensor.Scalar 7.0f ]

    let bytes = write all
    same all (read bytes)
    Assert.Equal<byte[]>(bytes, write (read bytes))
    // Data begins at a multiple of 8.
    Assert.Equal(0UL, BitConverter.ToUInt64(bytes, 0) % 8UL)

[<Fact>]
let ``narrow types become those the library has`` () =
    let header =
        """{"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[6,10]},"u":{"dtype":"U8","shape":[2],"data_offsets":[10,12]},"i":{"dtype":"I8","shape":[1],"data_offsets":[12,13]},"s":{"dtype":"I16","shape":[1],"data_offsets":[13,15]},"t":{"dtype":"U16","shape":[1],"data_offsets":[15,17]},"v":{"dtype":"U32","shape":[1],"data_offsets":[17,21]}}"""

    let data =
        [ [ 0x00; 0x3C; 0x00; 0xC0; 0x01; 0x00 ]
          [ 0x80; 0x3F; 0x80; 0xFF ]
          [ 0; 255 ]
          [ 0xFF ]
          [ 0xFE; 0xFF ]
          [ 0xFF; 0xFF ]
          [ 0xFF; 0xFF; 0xFF; 0xFF ] ]

    let found = read (file header (data |> List.concat |> List.map byte |> List.toArray))

    same
        (content
            [ "h", Tensor.OfArray [| 1.0f; -2.0f; 5.9604645e-8f |]
              "b", Tensor.OfArray [| 1.0f; -infinityf |]
              "u", Tensor.OfArray [| 0; 255 |]
              "i", Tensor.OfArray [| -1y |]
              "s", Tensor.OfArray [| -2 |]
              "t", Tensor.OfArray [| 65535 |]
              "v", Tensor.OfArray [| 4294967295L |] ])
        found

let private entry = """{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"""

[<Theory>]
// Not a header.
[<InlineData("", 0)>]
[<InlineData("[]", 0)>]
[<InlineData(" {}", 0)>]
[<InlineData("{", 0)>]
[<InlineData("{}x", 0)>]
[<InlineData("""{"a":1}""", 0)>]
[<InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":[[[[[[[[[[1]]]]]]]]]]}""", 0)>]
// Fields missing, twice or of the wrong kind.
[<InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":null,"shape":[2],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"\ud800","shape":[2],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F8","shape":[2],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,1e1]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":["0",8]}}""", 8)>]
// Sizes and offsets that do not fit.
[<InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,0],"data_offsets":[0,0]}}""", 0)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[500000000],"data_offsets":[0,2000000000]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9)>]
// A gap, an overlap, one place for two.
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""",
             12)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
             8)>]
[<InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""",
             16)>]
// Notes.
[<InlineData("""{"__metadata__":1}""", 0)>]
[<InlineData("""{"__metadata__":{"a":1}}""", 0)>]
[<InlineData("""{"__metadata__":{"a":null}}""", 0)>]
let ``a header that is not right is an error`` (header: string) (data: int) =
    Assert.Throws<ModelFormatException>(fun () -> read (file header (Array.zeroCreate data)) |> ignore)

[<Fact>]
let ``names that are not UTF-8 are an error`` () =
    let bytes = file ("""{"?":""" + entry + "}") (Array.zeroCreate 8)
    bytes[Array.IndexOf(bytes, byte '?')] <- 0xFFuy
    Assert.Throws<ModelFormatException>(fun () -> read bytes |> ignore)

[<Fact>]
let ``an error tells the file, the entry, what was expected, and what came`` () =
    let bytes = file ("""{"dense/kernel":""" + entry.Replace("[2]", "[3]") + "}") (Array.zeroCreate 8)
    let error = Assert.Throws<ModelFormatException>(fun () -> read bytes |> ignore)
    Assert.Equal("test.safetensors: dense/kernel", error.Path)
    Assert.Equal(("12 bytes", "8 bytes"), (error.Expected, error.Actual))
    Assert.NotEqual<string>("", error.Hint)

[<Theory>]
[<InlineData(0UL)>]
[<InlineData(9UL)>]
[<InlineData(100000001UL)>]
[<InlineData(0x7FFFFFFFFFFFFFFFUL)>]
[<InlineData(0xFFFFFFFFFFFFFFFFUL)>]
let ``a header that says it is longer than the file is not believed`` (length: uint64) =
    let bytes = Array.append (BitConverter.GetBytes length) (Array.zeroCreate 8)
    Assert.Throws<ModelFormatException>(fun () -> read bytes |> ignore)

[<Fact>]
let ``every truncation is an error`` () =
    for length in 0 .. literal.Length - 1 do
        Assert.Throws<ModelFormatException>(fun () -> read (Array.take length literal) |> ignore) |> ignore
        // A stream that ends before its length says so.
        Assert.Throws<ModelFormatException>(fun () ->
            SafeTensors.readStream "cut" (new MemoryStream(Array.take length literal)) (int64 literal.Length)
            |> ignore)
        |> ignore

/// The outcome of reading anything: contents or the one error, and little memory.
let private survives (bytes: byte[]) =
    let before = GC.GetAllocatedBytesForCurrentThread()

    try
        read bytes |> ignore
    with :? ModelFormatException ->
        ()

    GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000L

[<Property>]
let ``flipped bytes give contents or a ModelFormatException, and take little memory``
    (flips: (uint16 * byte) list)
    (cut: byte)
    =
    let bytes = Array.copy literal

    for position, bits in flips do
        let i = int position % bytes.Length
        bytes[i] <- bytes[i] ^^^ bits

    survives bytes && survives (Array.take (max 0 (bytes.Length - int cut)) bytes)

[<Property>]
let ``any header gives contents or a ModelFormatException`` (header: byte[]) (data: byte[]) =
    survives (Array.concat [ BitConverter.GetBytes(uint64 header.Length); header; data ])

[<Property>]
let ``swapped pieces of a header give contents or a ModelFormatException`` (i: byte) (j: byte) (length: byte) =
    let n = int (BitConverter.ToUInt64(literal, 0))
    let bytes = Array.copy literal
    let length = min (int length) n
    let i, j = 8 + int i % (n - length + 1), 8 + int j % (n - length + 1)
    Array.blit literal i bytes j length
    survives bytes

[<Property>]
let ``what is written is what is read`` (rows: (float32[] * int64[]) list) =
    let all =
        content
            [ for i, (floats, longs) in List.indexed rows do
                  "floats/" + string i, Tensor.OfArray floats
                  "longs/" + string i, Tensor.OfArray longs ]

    let back = read (write all)

    Array.forall2 (fun (n, a: Tensor) (m, b) -> n = m && a.BitEquals b) all.Tensors back.Tensors

[<Fact>]
let ``names that cannot be used are an error`` () =
    let t = Tensor.Scalar 1.0f
    Assert.Throws<ArgumentValueException>(fun () -> write (content [ "a", t; "a", t ]) |> ignore)
    |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> write (content [ "__metadata__", t ]) |> ignore)

[<Fact>]
let ``a file appears complete or not at all`` () =
    let folder = (Directory.CreateTempSubdirectory "functionalnet-").FullName
    let path = Path.Combine(folder, "a.safetensors")
    SafeTensors.write path literalContent
    same literalContent (SafeTensors.read path)
    let t = Tensor.Scalar 1.0f
    Assert.Throws<ArgumentValueException>(fun () -> SafeTensors.write path (content [ "a", t; "a", t ]))
    |> ignore
    same literalContent (SafeTensors.read path)
    Assert.Equal<string[]>([| path |], Directory.GetFiles folder)

[<Fact>]
let ``a file that is not there is an error`` () =
    Assert.Throws<ModelFormatException>(fun () -> SafeTensors.read "no/such/file.safetensors" |> ignore)
    |> ignore
    Assert.Throws<ModelFormatException>(fun () -> SafeTensors.read (Path.GetTempPath()) |> ignore)

[<Fact>]
let ``a folder that does not exist is named before anything is written`` () =
    let folder = Path.Combine(Path.GetTempPath(), "missing-" + Guid.NewGuid().ToString "N")

    let error =
        Assert.Throws<ArgumentValueException>(fun () ->
            SafeTensors.write (Path.Combine(folder, "w.safetensors")) literalContent)

    Assert.Equal(folder, error.Actual)
    Assert.Contains("Create it", error.Hint)
    Assert.False(Directory.Exists folder)
