namespace FunctionalNet.Tests.Kernels

open System
open Xunit
open FsCheck.FSharp
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport

/// Convolutions that pool and say which positions they kept, and gradients that read the gradient of the pooled: the same bits as
/// in two steps.
type PoolPlacesTests() =

    let f32 = DType.Float32

    /// For each window and channel, the position kept: 2 * below + right.
    let decode (width: Width) (windows: int) (channels: int) (words: uint32[]) =
        let lanes = int width / 4
        let vectors = PoolPlaces.Vectors(width, channels)

        [| for window in 0 .. windows - 1 do
               for channel in 0 .. channels - 1 do
                   let word = words[window * vectors + channel / lanes]
                   let bit at = int (Shift.right word (at + channel % lanes)) &&& 1
                   2 * bit 16 + bit 0 |]

    let check (width: Width) (isZero: bool) (w: Window) =
        let spec = Windowed.spec w
        let text = string width + " " + Windowed.text w
        let single = rounded f32
        let weights = floats 2 (9 * w.Channels * w.Out) |> single
        // Channels of weights that are zero or no numbers: positions that are alike.
        let weights =
            if isZero then
                weights
                |> Array.mapi (fun i v ->
                    if i % w.Out % 3 = 0 then 0.0
                    elif i % w.Out % 3 = 1 then nan
                    else v)
            else
                weights

        let x = write f32 (floats 1 (Windowed.inSize w) |> single)
        let k = write f32 weights
        let b = write f32 (floats 3 w.Out |> single)
        let ws = workspace (ConvQuick.ForwardWorkspace(width, spec))
        let o = Windowed.outputs w
        let down, across = o[1] / 2, o[2] / 2
        let windows = w.Batch * down * across
        let full = room f32 (Windowed.outPositions w * w.Out)
        let pooled = room f32 (windows * w.Out)
        let places = Guarded(4 * PoolPlaces.Count(width, windows, w.Out), 4)
        let ending = { ConvEnding.None with Bias = b.Pointer; Rectifies = true }
        let ended (target: Guarded) ending =
            ConvQuick.Ended(width, spec, x.Pointer, k.Pointer, target.Pointer, ws.Pointer, ending)
        run (ended full ending) [ full ] [ ws; x; k; b ]
        let placed = { ending with Pools = true; Places = places.Pointer }
        run (ended pooled placed) [ pooled; places ] [ ws; x; k; b ]
        let y = full.Read<float32>()
        let best = pooled.Read<float32>()
        let kept = decode width windows w.Out (places.Read<uint32>())

        /// Where position p of a window is among the results.
        let at (window: int) (p: int) (channel: int) =
            let n, r, c = window / (down * across), window / across % down, window % across
            ((n * o[1] + 2 * r + p / 2) * o[2] + 2 * c + p % 2) * w.Out + channel

        for window in 0 .. windows - 1 do
            for channel in 0 .. w.Out - 1 do
                let four = Array.init 4 (fun p -> y[at window p channel])
                let index = window * w.Out + channel

                let first =
                    match Array.tryFindIndex Single.IsNaN four with
                    | Some i -> i
                    | None -> Array.findIndex ((=) (Array.max four)) four

                Assert.True((first = kept[index]), text + ": another position was kept")
                Assert.Equal(BitConverter.SingleToUInt32Bits four[first], BitConverter.SingleToUInt32Bits best[index])

        // The gradient of the pooled, and what it is spread.
        let gradient = floats 4 (windows * w.Out) |> single
        let spread = Array.zeroCreate (Windowed.outPositions w * w.Out)

        for window in 0 .. windows - 1 do
            for channel in 0 .. w.Out - 1 do
                let index = window * w.Out + channel
                spread[at window kept[index] channel] <- gradient[index]

        let dp, dy = write f32 gradient, write f32 spread

        let same
            what
            count
            bytes
            (others: Guarded list)
            (kernel: nativeint -> nativeint -> nativeint -> nativeint -> Kernel)
            =
            let ws = workspace bytes
            let expected, target = room f32 count, room f32 count
            run (kernel dy.Pointer 0n expected.Pointer ws.Pointer) [ expected ] (ws :: dy :: others)
            ws.Poison()
            run (kernel dp.Pointer places.Pointer target.Pointer ws.Pointer) [ target ] (ws :: dp :: places :: others)

            Assert.True(
                expected.Read<uint32>().AsSpan().SequenceEqual(target.Read<uint32>()),
                text + ": " + what + " differ"
            )

            expected

        let none = Epilogue.None

        if dy.Bytes > 0 then
            let bytes = ConvQuick.InputGradWorkspace(width, spec)
            let count = Windowed.inSize w

            let dx =
                same "gradients to the source" count bytes [ k ] (fun dy places dx ws ->
                    ConvQuick.InputGrad(width, spec, dy, k.Pointer, dx, ws, none, places))

            // Masked, over the mask.
            let mask = write f32 (floats 5 count |> single)
            let ending = { ConvEnding.None with Mask = mask.Pointer }
            let ws = workspace bytes

            let expected =
                Array.map2
                    (fun (d: float32) m -> if m > 0.0f then d else 0.0f)
                    (dx.Read<float32>())
                    (mask.Read<float32>())

            run
                (ConvQuick.InputGrad(
                    width,
                    spec,
                    dp.Pointer,
                    k.Pointer,
                    mask.Pointer,
                    ws.Pointer,
                    none,
                    places.Pointer,
                    ending
                ))
                [ mask ]
                [ dp; places; k; ws ]

            Assert.Equal<float32[]>(expected, mask.Read<float32>())

        same
            "gradients to the weights"
            (9 * w.Channels * w.Out)
            (ConvQuick.KernelGradWorkspace(width, spec))
            [ x ]
            (fun dy places dw ws -> ConvQuick.KernelGrad(width, spec, x.Pointer, dy, dw, ws, none, places))
        |> ignore

    let any =
        gen {
            let! batch = Gen.choose (1, 3)
            let! height = Gen.choose (1, 15)
            let! width = Gen.choose (1, 15)
            let! channels = Gen.choose (1, 36)
            let! out = Gen.frequency [ 3, Gen.choose (1, 36); 1, Gen.choose (60, 100) ]
            let! low = Gen.choose (0, 2) |> Gen.arrayOfLength 2
            let! high = Gen.choose (0, 2) |> Gen.arrayOfLength 2
            return Windowed.squareOf batch height width channels out low high
        }

    [<Fact>]
    member _.``random convolutions that pool, and their gradients``() =
        Windowed.forAllOf any (fun w ->
            for width in widths do
                check width false w)

    [<Theory>]
    // Several pieces of tiles; several panels; rows of tiles that begin between windows, and end there.
    [<InlineData(3, 33, 17, 16, 16, 1)>]
    [<InlineData(2, 14, 14, 72, 130, 0)>]
    [<InlineData(1, 9, 9, 20, 150, 2)>]
    member _.``convolutions in several pieces``
        (batch: int, height: int, width: int, channels: int, out: int, pad: int)
        =
        for lanes in widths do
            check lanes false (Windowed.squareOf batch height width channels out [| pad; pad |] [| pad; pad |])

    [<Fact>]
    member _.``of positions that are alike, and of those that are no numbers, the first is kept``() =
        for lanes in widths do
            check lanes true (Windowed.squareOf 2 11 12 5 40 [| 1; 1 |] [| 1; 1 |])

    [<Fact>]
    member _.``kernels that know of places allocate nothing``() =
        let two n = [| n; n |]
        let spec = ConvSpec.Create(4, two 14, 64, 64, two 3, two 1, two 1, two 1, two 1, 1)
        let width = Width.current
        let x, k = room f32 (4 * 14 * 14 * 64), write f32 (floats 1 (9 * 64 * 64))
        let dp = room f32 (4 * 7 * 7 * 64)
        let places = Guarded(4 * PoolPlaces.Count(width, 4 * 7 * 7, 64), 4)

        let test bytes (kernel: nativeint -> Kernel) =
            let ws = workspace bytes
            allocatesNothing (kernel ws.Pointer)

        test (ConvQuick.ForwardWorkspace(width, spec)) (fun ws ->
            let ending = { ConvEnding.None with Pools = true; Places = places.Pointer }
            ConvQuick.Ended(width, spec, x.Pointer, k.Pointer, dp.Pointer, ws, ending))

        test (ConvQuick.InputGradWorkspace(width, spec)) (fun ws ->
            let none = Epilogue.None
            ConvQuick.InputGrad(width, spec, dp.Pointer, k.Pointer, x.Pointer, ws, none, places.Pointer))

        test (ConvQuick.KernelGradWorkspace(width, spec)) (fun ws ->
            let none = Epilogue.None
            ConvQuick.KernelGrad(width, spec, x.Pointer, dp.Pointer, k.Pointer, ws, none, places.Pointer))
