module FunctionalNet.Tests.Common.PhiloxTests

open Xunit
open FsCheck.Xunit
open FunctionalNet.Common

let private words seed stream step (block: uint32) =
    let struct (a, b, c, d) = Philox.block seed stream step block
    [ a; b; c; d ]

[<Fact>]
let ``elements are all words of their blocks`` () =
    let elements = [ for i in 64L .. 127L -> Philox.bits 3UL 5UL 7u i ]
    let blocks =
        [ for b in 16u .. 31u do
              yield! words 3UL 5UL 7u b ]
    Assert.Equal<uint32 list>(List.sort blocks, List.sort elements)

[<Fact>]
let ``halves are all halves of the words`` () =
    let halves = [ for i in 64L .. 127L -> Philox.half 3UL 5UL 7u i ]
    let words = [ for i in 32L .. 63L -> Philox.bits 3UL 5UL 7u i ]
    let expected = words |> List.collect (fun w -> [ w &&& 0xffffu; w >>> 16 ])
    Assert.Equal<uint32 list>(List.sort expected, List.sort halves)

// The known answers of Philox4x32-10 that its authors publish with Random123.
[<Fact>]
let ``all zeros give the published words`` () =
    Assert.Equal<uint32 list>([ 0x6627e8d5u; 0xe169c58du; 0xbc57ac4cu; 0x9b00dbd8u ], words 0UL 0UL 0u 0u)

[<Fact>]
let ``all ones give the published words`` () =
    let ones = System.UInt64.MaxValue
    let expected = [ 0x408f276du; 0x41c83b0eu; 0xa20bc7c6u; 0x6d5451fdu ]
    Assert.Equal<uint32 list>(expected, words ones ones 0xffffffffu 0xffffffffu)

[<Fact>]
let ``the digits of pi give the published words`` () =
    // Counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0.
    let key = 0x299f31d0a4093822UL
    let stream = 0x0370734413198a2eUL
    let expected = [ 0xd16cfe09u; 0x94fdccebu; 0x5001e420u; 0x24126ea1u ]
    Assert.Equal<uint32 list>(expected, words key stream 0x85a308d3u 0x243f6a88u)

[<Property>]
let ``neighbouring blocks, steps, streams and seeds differ``
    (seed: uint64)
    (stream: uint64)
    (step: uint32)
    (b: uint32)
    =
    let here = words seed stream step b

    here <> words seed stream step (b ^^^ 1u)
    && here <> words seed stream (step ^^^ 1u) b
    && here <> words seed (stream ^^^ 1UL) step b
    && here <> words (seed ^^^ 1UL) stream step b

[<Property(MaxTest = 200)>]
let ``runs of uniform numbers are those of their blocks, bit for bit``
    (seed: uint64)
    (stream: uint64)
    (step: uint32)
    (first: uint16)
    =
    for length in [ 0; 1; 7; 8; 9; 16; 29; 64 ] do
        let first = uint32 first
        let values = Array.create length nan
        Philox.uniforms53 seed stream step first (System.Span values)

        for i in 0 .. length - 1 do
            let struct (a, b, _, _) = Philox.block seed stream step (first + uint32 i)
            Assert.Equal(Philox.toUniform53 a b, values[i])

[<Property(MaxTest = 200)>]
let ``wide runs of uniform numbers are those of their blocks, as far as they go``
    (seed: uint64)
    (stream: uint64)
    (step: uint32)
    (first: uint16)
    =
    for length in [ 0; 15; 16; 17; 47; 64 ] do
        let first = uint32 first
        let values = Array.create length nan
        let made = Philox.uniforms53Wide seed stream step first (System.Span values)
        let wide = System.Runtime.Intrinsics.X86.Avx512F.IsSupported
        Assert.Equal((if wide then length / 16 * 16 else 0), made)

        for i in 0 .. length - 1 do
            let struct (a, b, _, _) = Philox.block seed stream step (first + uint32 i)
            Assert.Equal((if i < made then Philox.toUniform53 a b else nan), values[i])

[<Property>]
let ``uniform numbers lie in [0, 1)`` (word: uint32) =
    let u = Philox.toUniform word
    u >= 0.0f && u < 1.0f

[<Fact>]
let ``the largest word is still below one`` () =
    Assert.True(Philox.toUniform System.UInt32.MaxValue < 1.0f)
    Assert.Equal(0.0f, Philox.toUniform 0u)

[<Fact>]
let ``uniform numbers have the mean and variance of a uniform distribution`` () =
    let n = 100_000
    let draws = Array.init n (fun i -> float (Philox.toUniform (Philox.bits 7UL 3UL 0u (int64 i))))
    let mean = Array.average draws
    let variance = draws |> Array.averageBy (fun u -> (u - mean) * (u - mean))
    Assert.InRange(mean, 0.4965, 0.5035)
    Assert.InRange(variance, 1.0 / 12.0 - 0.0015, 1.0 / 12.0 + 0.0015)

[<Fact>]
let ``streams of different paths differ and stay the same from run to run`` () =
    Assert.NotEqual(Philox.streamOf "dense", Philox.streamOf "dense_1")
    Assert.NotEqual(Philox.streamOf "a/b", Philox.streamOf "b/a")
    Assert.Equal(Philox.streamOf "block1/conv/kernel", Philox.streamOf ("block1" + "/conv/kernel"))
