namespace FunctionalNet.Tests.Kernels

open System
open Xunit
open FsCheck.FSharp
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport

/// Convolutions from weights that were prepared once, against plain float64 loops.
type ConvPreparedTests() =

    let check (dtype: DType) (width: Width) (design: ConvDesign) (w: Window) =
        let spec = Windowed.spec w
        let perIn, perOut = w.Channels / w.Groups, w.Out / w.Groups
        let x = floats 1 (Windowed.inSize w) |> rounded dtype
        let k = floats 2 (Windowed.product w.Kernel * perIn * w.Out) |> rounded dtype
        let y = Array.zeroCreate (Windowed.outPositions w * w.Out)

        Windowed.forEach w (fun _ o t i ->
            for co in 0 .. w.Out - 1 do
                let g = co / perOut

                for ci in 0 .. perIn - 1 do
                    let yi = o * w.Out + co
                    y[yi] <- y[yi] + x[i * w.Channels + g * perIn + ci] * k[(t * perIn + ci) * w.Out + co])

        let gx, gk = write dtype x, write dtype k
        let prepared = workspace (ConvPrepared.Bytes(design, width, dtype, spec))
        run (ConvPrepared.Prepare(design, width, dtype, spec, gk.Pointer, prepared.Pointer)) [ prepared ] [ gk ]

        let text = string width + " " + string design + " " + Windowed.text w

        let near (factor: float) text expected actual =
            if design = ConvDesign.Winograd then
                closeByWinograd factor (9 * w.Channels) text expected actual
            else
                close (factor * 10.0 * tolerance dtype) 3.0 text expected actual

        let target = room dtype y.Length
        let ws = workspace (ConvPrepared.Workspace(design, width, dtype, spec))

        let forward (epilogue: Epilogue) =
            ConvPrepared.Forward(
                design,
                width,
                dtype,
                spec,
                gx.Pointer,
                prepared.Pointer,
                target.Pointer,
                ws.Pointer,
                epilogue
            )

        run (forward Epilogue.None) [ target ] [ gx; prepared; ws ]
        near 1.0 text y (read dtype target)
        ws.Poison()
        run (forward (Affine(dtype, target.Pointer))) [ target ] [ gx; prepared; ws ]
        near 2.0 (text + ", ended") (Array.map Affine.Of y) (read dtype target)

    [<Fact>]
    member _.``random convolutions by Winograd's method``() =
        Windowed.forAllOf Windowed.square (fun w ->
            for width in widths do
                Assert.True(WinogradPlan.CanDo(width, 4, Windowed.spec w))
                check DType.Float32 width ConvDesign.Winograd w)

    [<Theory>]
    [<InlineData(1, 14, 128, 128)>]
    [<InlineData(2, 8, 64, 70)>]
    [<InlineData(1, 33, 16, 16)>]
    [<InlineData(1, 7, 20, 260)>]
    member _.``convolutions by Winograd's method that are shared out``(batch: int, side: int, channels: int, out: int) =
        for width in widths do
            check
                DType.Float32
                width
                ConvDesign.Winograd
                { Batch = batch
                  In = [| side; side |]
                  Channels = channels
                  Out = out
                  Kernel = [| 3; 3 |]
                  Strides = [| 1; 1 |]
                  Dilations = [| 1; 1 |]
                  Low = [| 1; 1 |]
                  High = [| 1; 1 |]
                  Groups = 1 }

    [<Fact>]
    member _.``random convolutions from packed weights``() =
        Windowed.forAll (fun w ->
            for dtype in [ DType.Float32; DType.Float64 ] do
                for width in widths do
                    if not (Conv.IsDepthwise(Windowed.spec w)) then
                        let bytes = ConvPrepared.Bytes(ConvDesign.Packed, width, dtype, Windowed.spec w)
                        // No bytes: the weights are a panel as they are.
                        if bytes > 0L then check dtype width ConvDesign.Packed w)

    [<Fact>]
    member _.``designs follow from shapes alone, and depthwise weights stay as they are``() =
        let two n = [| n; n |]
        let of' side channels out kernel groups =
            ConvSpec.Create(1, two side, channels, out, two kernel, two 1, two 1, two 0, two 0, groups)

        let design dtype spec = ConvPrepared.Design(Width.W512, dtype, spec)
        Assert.Equal(ConvDesign.Winograd, design DType.Float32 (of' 30 64 64 3 1))
        Assert.Equal(ConvDesign.Packed, design DType.Float64 (of' 30 64 64 3 1))
        Assert.Equal(ConvDesign.Packed, design DType.Float32 (of' 30 64 64 1 1))
        Assert.Equal(ConvDesign.Plain, design DType.Float32 (of' 30 64 64 3 64))

    [<Fact>]
    member _.``a kernel on prepared weights allocates nothing``() =
        let two n = [| n; n |]
        let spec = ConvSpec.Create(1, two 14, 64, 64, two 3, two 1, two 1, two 1, two 1, 1)
        let t = DType.Float32
        let x, w, y = room t (14 * 14 * 64), room t (9 * 64 * 64), room t (14 * 14 * 64)

        for design in [ ConvDesign.Packed; ConvDesign.Winograd ] do
            let p = workspace (ConvPrepared.Bytes(design, Width.current, t, spec))
            let ws = workspace (ConvPrepared.Workspace(design, Width.current, t, spec))
            allocatesNothing (ConvPrepared.Prepare(design, Width.current, t, spec, w.Pointer, p.Pointer))

            allocatesNothing (
                ConvPrepared.Forward(
                    design,
                    Width.current,
                    t,
                    spec,
                    x.Pointer,
                    p.Pointer,
                    y.Pointer,
                    ws.Pointer,
                    Epilogue.None
                )
            )
