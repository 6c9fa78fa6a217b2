namespace FunctionalNet.Tests.Kernels

open System
open Xunit
open FsCheck.FSharp
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport

/// Convolutions whose results are ended in registers, against plain float64 loops.
type ConvEndingTests() =

    // The same ending, one step after the other.
    let plain
        (w: Window)
        (y: float[])
        (bias: float[] voption)
        (addend: float[] voption)
        (rectifies: bool)
        (pools: bool)
        =
        let at (i: int) =
            let v =
                match bias with
                | ValueSome b -> y[i] + b[i % w.Out]
                | ValueNone -> y[i]

            let v =
                match addend with
                | ValueSome a -> v + a[i]
                | ValueNone -> v

            if rectifies then max v 0.0 else v

        if not pools then
            Array.init y.Length at
        else
            let o = Windowed.outputs w
            let rows, columns = o[1] / 2, o[2] / 2

            [| for n in 0 .. w.Batch - 1 do
                   for r in 0 .. rows - 1 do
                       for c in 0 .. columns - 1 do
                           for k in 0 .. w.Out - 1 do
                               let value dr dc = at ((((n * o[1]) + 2 * r + dr) * o[2] + 2 * c + dc) * w.Out + k)

                               [ value 0 0; value 0 1; value 1 0; value 1 1 ] |> List.max |]

    /// All endings of a convolution. `isPrepared`: by Winograd's method.
    let check (dtype: DType) (width: Width) (isPrepared: bool) (w: Window) =
        let spec = Windowed.spec w
        let x = floats 1 (Windowed.inSize w) |> rounded dtype
        let k = floats 2 (Windowed.product w.Kernel * w.Channels * w.Out) |> rounded dtype
        let b = floats 3 w.Out |> rounded dtype
        let y = Array.zeroCreate (Windowed.outPositions w * w.Out)

        Windowed.forEach w (fun _ o t i ->
            for co in 0 .. w.Out - 1 do
                for ci in 0 .. w.Channels - 1 do
                    let yi = o * w.Out + co
                    y[yi] <- y[yi] + x[i * w.Channels + ci] * k[(t * w.Channels + ci) * w.Out + co])

        let gx, gk, gb = write dtype x, write dtype k, write dtype b
        let prepared = workspace (ConvPrepared.Bytes(ConvDesign.Winograd, width, dtype, spec))

        if isPrepared then
            let kernel = ConvPrepared.Prepare(ConvDesign.Winograd, width, dtype, spec, gk.Pointer, prepared.Pointer)
            run kernel [ prepared ] [ gk ]

        let a = floats 4 y.Length |> rounded dtype
        let ga = write dtype a

        for hasBias in [ false; true ] do
            for rectifies in [ false; true ] do
                for pools, adds in [ false, false; true, false; false, isPrepared ] do
                    if not pools || w.In.Length = 2 then
                        let bias = if hasBias then ValueSome b else ValueNone
                        let addend = if adds then ValueSome a else ValueNone
                        let expected = plain w y bias addend rectifies pools
                        let target = room dtype expected.Length
                        let ws = workspace (ConvPrepared.Workspace(ConvDesign.Winograd, width, dtype, spec))

                        let ending =
                            { ConvEnding.None with
                                Bias = (if hasBias then gb.Pointer else 0n)
                                Addend = (if adds then ga.Pointer else 0n)
                                Rectifies = rectifies
                                Pools = pools }

                        let into (target: Guarded) (ending: ConvEnding) =
                            let kernel =
                                ConvPrepared.Ended(
                                    isPrepared,
                                    width,
                                    dtype,
                                    spec,
                                    gx.Pointer,
                                    (if isPrepared then prepared.Pointer else gk.Pointer),
                                    target.Pointer,
                                    ws.Pointer,
                                    ending
                                )

                            run kernel [ target ] [ gx; gk; gb; ga; prepared; ws ]

                        into target ending
                        let text =
                            $"{width} {dtype} {isPrepared} {hasBias} {rectifies} {pools} {adds} {Windowed.text w}"

                        if dtype = DType.Float32 && not adds then
                            // Rounding keeps the order of numbers: the same bits as the results rounded at last.
                            let halves = target.Read<float32>() |> Array.map BFloat16.OfSingle
                            let wide, narrow = room dtype expected.Length, room DType.BFloat16 expected.Length
                            into wide { ending with Rounds = true }
                            into narrow { ending with Rounds = true; IsNarrow = true }
                            let bits = halves |> Array.map (fun h -> h.Bits)
                            Assert.Equal<float32[]>(halves |> Array.map (fun h -> h.ToSingle()), wide.Read<float32>())
                            Assert.Equal<uint16[]>(bits, narrow.Read<uint16>())

                        if isPrepared then
                            closeByWinograd 1.0 (9 * w.Channels) text expected (read dtype target)
                        else
                            close (10.0 * tolerance dtype) 3.0 text expected (read dtype target)

    let thin =
        gen {
            let! rank = Gen.choose (1, 2)
            let dims lo hi = Gen.choose (lo, hi) |> Gen.arrayOfLength rank
            let! batch = Gen.choose (1, 3)
            let! input = dims 1 20
            let! kernel = dims 1 5
            let! strides = dims 1 3
            let! dilations = dims 1 2
            let! isPadded = Gen.elements [ true; false ]
            let! low = dims 0 3
            let! high = dims 0 3
            let! channels = Gen.choose (1, ConvThinPlan.MostChannels)
            let! out = Gen.frequency [ 1, Gen.choose (5, 16); 3, Gen.choose (17, 70) ]

            return
                { Batch = batch
                  In = input
                  Channels = channels
                  Out = out
                  Kernel = kernel
                  Strides = strides
                  Dilations = dilations
                  Low = (if isPadded then low else Array.zeroCreate rank)
                  High = (if isPadded then high else Array.zeroCreate rank)
                  Groups = 1 }
        }

    [<Fact>]
    member _.``random convolutions by Winograd's method with every ending``() =
        Windowed.forAllOf Windowed.square (fun w ->
            for width in widths do
                check DType.Float32 width true w)

    [<Fact>]
    member _.``random convolutions over few numbers with every ending``() =
        Windowed.forAllOf thin (fun w ->
            for dtype in [ DType.Float32; DType.Float64 ] do
                for width in widths do
                    if ConvThinPlan.Gains(width, DType.size dtype, Windowed.spec w) then
                        check dtype width false w)

    [<Theory>]
    [<InlineData(true)>]
    [<InlineData(false)>]
    member _.``NaN stays NaN through every ending, and other channels do not see it``(isPrepared: bool) =
        for width in widths do
            for pools in [ false; true ] do
                let channels = if isPrepared then 8 else 2

                let spec =
                    ConvSpec.Create(
                        1,
                        [| 6; 6 |],
                        channels,
                        20,
                        [| 3; 3 |],
                        [| 1; 1 |],
                        [| 1; 1 |],
                        [| 0; 0 |],
                        [| 0; 0 |],
                        1
                    )

                let weights = Array.init (9 * channels * 20) (fun i -> if i % 20 = 7 then nan else 0.25)

                let x = write DType.Float32 (Array.create (36 * channels) 1.0)
                let k, b = write DType.Float32 weights, write DType.Float32 (Array.create 20 -1.0)
                let p = workspace (ConvPrepared.Bytes(ConvDesign.Winograd, width, DType.Float32, spec))

                if isPrepared then
                    runOnce (
                        ConvPrepared.Prepare(ConvDesign.Winograd, width, DType.Float32, spec, k.Pointer, p.Pointer)
                    )

                let y = room DType.Float32 (if pools then 4 * 20 else 16 * 20)
                let ws = workspace (ConvPrepared.Workspace(ConvDesign.Winograd, width, DType.Float32, spec))

                let kernel =
                    ConvPrepared.Ended(
                        isPrepared,
                        width,
                        DType.Float32,
                        spec,
                        x.Pointer,
                        (if isPrepared then p.Pointer else k.Pointer),
                        y.Pointer,
                        ws.Pointer,
                        { ConvEnding.None with Bias = b.Pointer; Rounds = true; Rectifies = true; Pools = pools }
                    )

                runOnce kernel
                let expected = 0.25 * float (9 * channels) - 1.0

                read DType.Float32 y
                |> Array.iteri (fun i v ->
                    if i % 20 = 7 then
                        Assert.True(Double.IsNaN v)
                    else
                        Assert.Equal(float (BFloat16.OfSingle(float32 expected).ToSingle()), v, 1e-4))

                allocatesNothing kernel
