namespace FunctionalNet.Tests.Layers

open System
open System.Text
open Xunit
open FsCheck.Xunit
open FsCheck
open FsCheck.FSharp
open FunctionalNet

/// Any value that JSON can hold, texts of odd characters and awkward numbers included.
type ConfigValues =
    static member Value() : Arbitrary<ConfigValue> =
        let text =
            Gen.elements [ ""; "a"; "\"\\/\b\n\t\u0001"; "é€😀"; "NaN"; "-Infinity \\\" NaN"; "<script>&+'" ]

        let leaf =
            Gen.oneof
                [ Gen.constant Null
                  Gen.map Bool (Gen.elements [ true; false ])
                  Gen.map Int (Gen.elements [ 0L; -1L; 7L; Int64.MaxValue; Int64.MinValue ])
                  Gen.map
                      Float
                      (Gen.elements
                          [ 0.0
                            -0.0
                            1.0
                            0.1
                            1e-7
                            -1.5e300
                            Double.Epsilon
                            Double.MaxValue
                            1e21
                            Math.PI
                            Double.PositiveInfinity
                            Double.NegativeInfinity ])
                  Gen.map Text text ]

        let rec value size =
            if size <= 0 then
                leaf
            else
                let inner = value (size / 3)

                Gen.oneof
                    [ leaf
                      Gen.map ConfigValue.List (Gen.listOfLength 3 inner)
                      Gen.map
                          (List.mapi (fun i (key, v) -> key + string i, v) >> ConfigValue.Object)
                          (Gen.listOfLength 3 (Gen.zip text inner)) ]

        Gen.sized value |> Arb.fromGen

module JsonTests =

    [<Property(Arbitrary = [| typeof<ConfigValues> |])>]
    let ``what is written reads back as the same value`` (value: ConfigValue) =
        Json.parse (Json.write false value) = value && Json.parse (Json.write true value) = value

    [<Fact>]
    let ``floats stay floats and integers integers`` () =
        Assert.Equal(
            "[1,1.0,1e-07,NaN,-Infinity,1e+21]",
            Json.write false (List [ Int 1L; Float 1.0; Float 1e-7; Float nan; Float -infinity; Float 1e21 ])
        )
        Assert.Equal(List [ Int 1L; Float 1.0; Float 100.0 ], Json.parse "[1, 1.0, 1e2]")

    [<Fact>]
    let ``Python's literals are read, in strings they are text`` () =
        match Json.parse """{"a": NaN, "b": [Infinity, -Infinity, "NaN, \" Infinity"], "NaN": 1}""" with
        | ConfigValue.Object [ "a", Float a; "b", List [ Float b; Float c; Text "NaN, \" Infinity" ]; "NaN", Int 1L ] ->
            Assert.True(Double.IsNaN a)
            Assert.Equal(Double.PositiveInfinity, b)
            Assert.Equal(Double.NegativeInfinity, c)
        | other -> Assert.Fail(Json.write false other)

    [<Fact>]
    let ``a byte order mark is accepted`` () =
        let bytes = Array.append (Encoding.UTF8.GetPreamble()) (Encoding.UTF8.GetBytes "[1]")
        Assert.Equal(List [ Int 1L ], Json.parseBytes (ReadOnlyMemory<byte> bytes))

    [<Theory>]
    [<InlineData "">]
    [<InlineData "{">]
    [<InlineData "[1,]">]
    [<InlineData "NaNa">]
    [<InlineData "[nan]">]
    [<InlineData "1 2">]
    [<InlineData "\"\\ud800\"">]
    [<InlineData "{\"\\udc00\": 1}">]
    [<InlineData "\"abc\\">]
    [<InlineData "// comment\n1">]
    let ``broken text is refused with a typed error`` (text: string) =
        Assert.Throws<ModelFormatException>(fun () -> Json.parse text |> ignore) |> ignore

    [<Fact>]
    let ``bytes that are not UTF-8 are refused`` () =
        Assert.Throws<ModelFormatException>(fun () ->
            Json.parseBytes (ReadOnlyMemory<byte> [| 0x22uy; 0xFFuy; 0x22uy |]) |> ignore)
        |> ignore

    [<Fact>]
    let ``levels are limited`` () =
        let nested n = String('[', n) + String(']', n)
        Assert.NotEqual(Null, Json.parse (nested 500))
        Assert.Throws<ModelFormatException>(fun () -> Json.parse (nested 600) |> ignore) |> ignore
        Assert.Throws<ModelFormatException>(fun () -> Json.parse (nested 2_000_000) |> ignore) |> ignore
