namespace FunctionalNet.Tests.Kernels

open System
open System.Runtime.Intrinsics
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open FsCheck.Xunit
open Xunit

module private Halves =

    /// The nearest of all numbers of 16 bits, the even one of two, found by comparing in float64.
    let nearest (x: float32) : uint16 =
        let toward = uint16 (Operators.(>>>) (BitConverter.SingleToUInt32Bits x) 16)
        let value (bits: uint16) = float (BitConverter.UInt32BitsToSingle(Operators.(<<<) (uint32 bits) 16))
        let away = toward + 1us
        // Beyond the greatest number stands what would be the next power of two.
        let far =
            if Single.IsInfinity(float32 (value away)) then Math.CopySign(2.0 ** 128.0, float x) else value away
        let below, above = abs (float x - value toward), abs (far - float x)

        if Single.IsInfinity x || below < above || (below = above && toward % 2us = 0us) then
            toward
        else
            away

    let specials =
        [| 0.0f
           -0.0f
           1.0f
           Single.Epsilon
           -Single.Epsilon
           Single.MaxValue
           Single.MinValue
           Single.PositiveInfinity
           Single.NegativeInfinity
           3.3895314e38f
           // Half way between two: to the even one, below and above.
           BitConverter.UInt32BitsToSingle 0x3F808000u
           BitConverter.UInt32BitsToSingle 0x3F818000u
           BitConverter.UInt32BitsToSingle 0x3F808001u
           BitConverter.UInt32BitsToSingle 0x7F7F8000u
           BitConverter.UInt32BitsToSingle 0x7F7F7FFFu |]

    let nans =
        [| Single.NaN
           -Single.NaN
           // Signalling, with a payload in the lower half only.
           BitConverter.UInt32BitsToSingle 0x7F800001u
           BitConverter.UInt32BitsToSingle 0xFFFFFFFFu |]

    let runners =
        [ "512", TileRunners.create TileDomain.F32 Width.W512
          "256", TileRunners.create TileDomain.F32 Width.W256
          "128", TileRunners.create TileDomain.F32 Width.W128 ]

type HalfWidthTests() =

    [<Property>]
    member _.``a float goes to the nearest number of 16 bits``(bits: uint32) =
        let x = BitConverter.UInt32BitsToSingle bits

        if not (Single.IsNaN x) then
            Assert.Equal(Halves.nearest x, (BFloat16.OfSingle x).Bits)

    [<Fact>]
    member _.``limits, halves and NaN``() =
        for x in Halves.specials do
            Assert.Equal(Halves.nearest x, (BFloat16.OfSingle x).Bits)

        for x in Halves.nans do
            let narrow = BFloat16.OfSingle x
            Assert.True(Single.IsNaN(narrow.ToSingle()), string x)
            Assert.Equal(0x40us, narrow.Bits &&& 0x40us)

        Assert.Equal("3.140625", (BFloat16.OfSingle 3.14159f).ToString())
        Assert.Equal(0x4049us, (BFloat16.OfSingle 3.14159f).Bits)
        Assert.Equal(3.140625f, float32 (BFloat16.OfBits 0x4049us))
        Assert.True((BFloat16.OfBits 0xFFC0us).Equals(BFloat16.OfSingle(BitConverter.UInt32BitsToSingle 0xFFC00000u)))

    [<Fact>]
    member _.``every number of 16 bits survives the way to a float and back, at every width``() =
        let all = Array.init 65536 uint16

        for name, runner in Halves.runners do
            let narrow = guarded all
            let wide = empty<float32> all.Length
            let back = empty<uint16> all.Length
            runner.Load(DType.BFloat16, all.Length, wide.Pointer, narrow.Pointer, 1)
            runner.Store(DType.BFloat16, all.Length, back.Pointer, wide.Pointer)
            wide.Check()
            back.Check()
            let floats = wide.Read<float32>()

            for bits in all do
                let x = BitConverter.UInt32BitsToSingle(Operators.(<<<) (uint32 bits) 16)

                Assert.Equal(BitConverter.SingleToUInt32Bits x, BitConverter.SingleToUInt32Bits floats[int bits])

                let expected = if Single.IsNaN x then bits ||| 0x40us else bits
                Assert.True((expected = back.Read<uint16>()[int bits]), name + ": " + string bits)

    [<Fact>]
    member _.``vectors round as one number does, at every width and length``() =
        let random = Random 5

        for name, runner in Halves.runners do
            for n in [ 1; 3; 4; 7; 8; 9; 15; 16; 17; 31; 33; 100 ] do
                let values =
                    Array.init n (fun i ->
                        if i % 5 = 0 then Halves.specials[random.Next Halves.specials.Length]
                        elif i % 7 = 0 then Halves.nans[random.Next Halves.nans.Length]
                        else BitConverter.UInt32BitsToSingle(uint32 (random.NextInt64(0L, 1L <<< 32))))

                let expected = values |> Array.map (fun x -> (BFloat16.OfSingle x).Bits)
                let source = guarded values
                let stored = empty<uint16> n
                runner.Store(DType.BFloat16, n, stored.Pointer, source.Pointer)
                stored.Check()
                Assert.True((expected = stored.Read<uint16>()), name + ": stored, " + string n)

                let rounded = empty<float32> n
                runner.Apply(TileOp.RoundToHalf, n, rounded.Pointer, source.Pointer, 0n, 0n)
                rounded.Check()

                let upper =
                    rounded.Read<float32>()
                    |> Array.map (fun x ->
                        let bits = BitConverter.SingleToUInt32Bits x
                        Assert.Equal(0u, bits &&& 0xFFFFu)
                        uint16 (Operators.(>>>) bits 16))

                Assert.True((expected = upper), name + ": rounded, " + string n)

    [<Fact>]
    member _.``strided and repeated numbers are widened``() =
        for name, runner in Halves.runners do
            let source = guarded (Array.init 90 (fun i -> (BFloat16.OfSingle(float32 i)).Bits))

            for stride in [ 0; 1; 2; 3 ] do
                let wide = empty<float32> 30
                runner.Load(DType.BFloat16, 30, wide.Pointer, source.Pointer, stride)
                wide.Check()
                let expected = Array.init 30 (fun i -> float32 (i * stride))
                Assert.True((expected = wide.Read<float32>()), name + ": stride " + string stride)
