namespace FunctionalNet.Tests.Kernels

open Xunit
open FsCheck.FSharp
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport

/// Convolutions whose weights are transformed at every run, and the gradients, against plain float64 loops.
type ConvMethodTests() =

    let check (width: Width) (w: Window) =
        let spec = Windowed.spec w
        let single = rounded DType.Float32
        let x = floats 1 (Windowed.inSize w) |> single
        let k = floats 2 (9 * w.Channels * w.Out) |> single
        let dy = floats 3 (Windowed.outPositions w * w.Out) |> single
        let y = Array.zeroCreate dy.Length
        let dx = Array.zeroCreate x.Length
        let dk = Array.zeroCreate k.Length

        Windowed.forEach w (fun _ o t i ->
            for co in 0 .. w.Out - 1 do
                for ci in 0 .. w.Channels - 1 do
                    let xi, ki, yi = i * w.Channels + ci, (t * w.Channels + ci) * w.Out + co, o * w.Out + co
                    y[yi] <- y[yi] + x[xi] * k[ki]
                    dx[xi] <- dx[xi] + dy[yi] * k[ki]
                    dk[ki] <- dk[ki] + dy[yi] * x[xi])

        let gx, gk, gdy = write DType.Float32 x, write DType.Float32 k, write DType.Float32 dy

        let test
            name
            terms
            (expected: float[])
            (inputs: Guarded list)
            bytes
            (kernel: nativeint -> nativeint -> Epilogue -> Kernel)
            =
            let text = name + " " + string width + " " + Windowed.text w
            let target = room DType.Float32 expected.Length
            let ws = workspace bytes
            run (kernel target.Pointer ws.Pointer Epilogue.None) [ target ] (ws :: inputs)
            closeByWinograd 1.0 terms text expected (read DType.Float32 target)
            ws.Poison()
            let ending = Affine(DType.Float32, target.Pointer)
            run (kernel target.Pointer ws.Pointer ending) [ target ] (ws :: inputs)
            closeByWinograd 2.0 terms (text + ", ended") (Array.map Affine.Of expected) (read DType.Float32 target)

        Assert.True(ConvQuick.CanForward(width, spec))

        test "forward" (9 * w.Channels) y [ gx; gk ] (ConvQuick.ForwardWorkspace(width, spec)) (fun target ws ending ->
            ConvQuick.Forward(width, spec, gx.Pointer, gk.Pointer, target, ws, ending))

        // There is nothing to be turned round where no window fits.
        Assert.Equal(dy.Length > 0, ConvQuick.CanInputGrad(width, spec))

        if dy.Length > 0 then
            test
                "gradient to the source"
                (9 * w.Out)
                dx
                [ gdy; gk ]
                (ConvQuick.InputGradWorkspace(width, spec))
                (fun target ws ending -> ConvQuick.InputGrad(width, spec, gdy.Pointer, gk.Pointer, target, ws, ending))

        Assert.True(ConvQuick.CanKernelGrad(width, spec))

        test
            "gradient to the weights"
            (max 9 (Windowed.outPositions w))
            dk
            [ gx; gdy ]
            (ConvQuick.KernelGradWorkspace(width, spec))
            (fun target ws ending -> ConvQuick.KernelGrad(width, spec, gx.Pointer, gdy.Pointer, target, ws, ending))

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
    member _.``random convolutions and their gradients by Winograd's method``() =
        Windowed.forAllOf any (fun w ->
            for width in widths do
                check width w)

    [<Theory>]
    // Several pieces of tiles; several panels and rows of channels; many channels and blocks of few tiles.
    [<InlineData(3, 33, 17, 16, 16)>]
    [<InlineData(2, 14, 14, 72, 130)>]
    [<InlineData(1, 9, 9, 150, 20)>]
    member _.``convolutions and gradients in several pieces``
        (batch: int, height: int, width: int, channels: int, out: int)
        =
        for lanes in widths do
            check lanes (Windowed.squareOf batch height width channels out [| 1; 1 |] [| 1; 1 |])

    [<Fact>]
    member _.``the method follows from shapes alone``() =
        let of' batch side channels out kernel stride =
            let two n = [| n; n |]
            ConvSpec.Create(batch, two side, channels, out, two kernel, two stride, two 1, two 1, two 1, 1)

        let quick (spec: ConvSpec) =
            [ for width in widths do
                  ConvQuick.ForwardGains(width, spec)
                  ConvQuick.InputGradGains(width, spec)
                  ConvQuick.KernelGradGains(width, spec) ]

        Assert.All(quick (of' 64 16 32 32 3 1), Assert.True)
        // Few tiles, few channels, other windows, other steps.
        Assert.All(quick (of' 1 8 32 32 3 1), Assert.False)
        Assert.All(quick (of' 64 16 3 16 3 1), Assert.False)
        Assert.All(quick (of' 64 16 32 32 5 1), Assert.False)
        Assert.All(quick (of' 64 16 32 32 3 2), Assert.False)
        // The sums of so many weights would come from far.
        Assert.False(ConvQuick.KernelGradGains(Width.W512, of' 64 16 256 32 3 1))

    [<Fact>]
    member _.``padding wider than the window is left to the direct method``() =
        let spec =
            ConvSpec.Create(64, [| 16; 16 |], 32, 32, [| 3; 3 |], [| 1; 1 |], [| 1; 1 |], [| 3; 1 |], [| 1; 1 |], 1)

        Assert.False(ConvQuick.InputGradGains(Width.current, spec))
        Assert.True(ConvQuick.ForwardGains(Width.current, spec))

    [<Fact>]
    member _.``kernels that transform weights allocate nothing``() =
        let two n = [| n; n |]
        let spec = ConvSpec.Create(4, two 14, 64, 64, two 3, two 1, two 1, two 1, two 1, 1)
        let t = DType.Float32
        let x, w, y = room t (4 * 14 * 14 * 64), room t (9 * 64 * 64), room t (4 * 14 * 14 * 64)

        let test bytes (kernel: nativeint -> Kernel) =
            let ws = workspace bytes
            allocatesNothing (kernel ws.Pointer)

        let width, none = Width.current, Epilogue.None

        test (ConvMethod.ForwardWorkspace(width, t, spec)) (fun ws ->
            ConvMethod.Forward(width, t, spec, x.Pointer, w.Pointer, y.Pointer, ws, none))

        test (ConvMethod.InputGradWorkspace(width, t, spec)) (fun ws ->
            ConvMethod.InputGrad(width, t, spec, y.Pointer, w.Pointer, x.Pointer, ws, none))

        test (ConvMethod.KernelGradWorkspace(width, t, spec)) (fun ws ->
            ConvMethod.KernelGrad(width, t, spec, x.Pointer, y.Pointer, w.Pointer, ws, none))
