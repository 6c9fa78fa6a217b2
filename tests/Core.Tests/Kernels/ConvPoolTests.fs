namespace FunctionalNet.Tests.Kernels

open System
open Xunit
open FsCheck
open FsCheck.FSharp
open FunctionalNet
open FunctionalNet.Kernels
open FunctionalNet.Tests.Kernels.KernelSupport
open FunctionalNet.Tests.Support

/// A small convolution or pooling, of 1 to 3 spatial dims.
type internal Window =
    { Batch: int
      In: int[]
      Channels: int
      Out: int
      Kernel: int[]
      Strides: int[]
      Dilations: int[]
      Low: int[]
      High: int[]
      Groups: int }

module internal Windowed =

    let generate: Gen<Window> =
        gen {
            let! rank = Gen.choose (1, 3)
            let dims lo hi = Gen.choose (lo, hi) |> Gen.arrayOfLength rank
            let! groups = Gen.frequency [ 3, Gen.constant 1; 1, Gen.choose (2, 4) ]
            let! perIn = Gen.frequency [ 3, Gen.choose (1, 4); 1, Gen.choose (5, 17) ]
            let! perOut = Gen.frequency [ 3, Gen.choose (1, 5); 1, Gen.choose (15, 34) ]
            let! isDepthwise = Gen.frequency [ 4, Gen.constant false; 1, Gen.constant true ]
            let! filters = Gen.choose (2, 19)
            let groups, perIn, perOut = if isDepthwise then filters, 1, 1 else groups, perIn, perOut
            let! batch = Gen.choose (1, 3)
            let! input = dims 1 9
            let! kernel = dims 1 4
            let! strides = dims 1 3
            let! dilations = dims 1 2
            let! low = dims 0 3
            let! high = dims 0 3

            return
                { Batch = batch
                  In = input
                  Channels = groups * perIn
                  Out = groups * perOut
                  Kernel = kernel
                  Strides = strides
                  Dilations = dilations
                  Low = low
                  High = high
                  Groups = groups }
        }

    let spec (w: Window) : ConvSpec =
        ConvSpec.Create(w.Batch, w.In, w.Channels, w.Out, w.Kernel, w.Strides, w.Dilations, w.Low, w.High, w.Groups)

    /// A window of 3 x 3 that steps by 1.
    let squareOf
        (batch: int)
        (height: int)
        (width: int)
        (channels: int)
        (out: int)
        (low: int[])
        (high: int[])
        : Window =
        { Batch = batch
          In = [| height; width |]
          Channels = channels
          Out = out
          Kernel = [| 3; 3 |]
          Strides = [| 1; 1 |]
          Dilations = [| 1; 1 |]
          Low = low
          High = high
          Groups = 1 }

    /// Windows of 3 x 3 that step by 1.
    let square: Gen<Window> =
        gen {
            let! batch = Gen.choose (1, 3)
            let! height = Gen.choose (1, 15)
            let! width = Gen.choose (1, 15)
            let! channels = Gen.choose (1, 36)
            let! out = Gen.frequency [ 3, Gen.choose (1, 36); 1, Gen.choose (60, 100) ]
            let! low = Gen.choose (0, 2) |> Gen.arrayOfLength 2
            let! high = Gen.choose (0, 2) |> Gen.arrayOfLength 2

            return squareOf batch height width channels out low high
        }

    let lead one (v: int[]) = Array.append (Array.create (3 - v.Length) one) v

    let outputs (w: Window) =
        lead
            1
            (Array.init w.In.Length (fun i ->
                let room = w.In[i] + w.Low[i] + w.High[i] - ((w.Kernel[i] - 1) * w.Dilations[i] + 1)
                if room < 0 then 0 else room / w.Strides[i] + 1))

    /// Calls f with (image, output position, tap, input position) for every pair inside the input.
    let forEach (w: Window) (f: int -> int -> int -> int -> unit) =
        let i, k, s, d, low = lead 1 w.In, lead 1 w.Kernel, lead 1 w.Strides, lead 1 w.Dilations, lead 0 w.Low
        let o = outputs w

        for n in 0 .. w.Batch - 1 do
            for o0 in 0 .. o[0] - 1 do
                for o1 in 0 .. o[1] - 1 do
                    for o2 in 0 .. o[2] - 1 do
                        for k0 in 0 .. k[0] - 1 do
                            for k1 in 0 .. k[1] - 1 do
                                for k2 in 0 .. k[2] - 1 do
                                    let a = o0 * s[0] - low[0] + k0 * d[0]
                                    let b = o1 * s[1] - low[1] + k1 * d[1]
                                    let c = o2 * s[2] - low[2] + k2 * d[2]

                                    if a >= 0 && a < i[0] && b >= 0 && b < i[1] && c >= 0 && c < i[2] then
                                        f
                                            n
                                            (((n * o[0] + o0) * o[1] + o1) * o[2] + o2)
                                            ((k0 * k[1] + k1) * k[2] + k2)
                                            (((n * i[0] + a) * i[1] + b) * i[2] + c)

    let product (v: int[]) = Array.fold (*) 1 v
    let inSize w = w.Batch * product w.In * w.Channels
    let outPositions w = w.Batch * product (outputs w)
    let text (w: Window) = w.ToString().Replace("\n", " ")

    /// Windows three wide that stand side by side in rows of some length, with channels in whole vectors.
    let neighbours: Gen<Window> =
        gen {
            let! rank = Gen.choose (1, 2)
            let! channels = Gen.elements [ 8; 16; 24 ]
            let! out = Gen.elements [ 8; 16; 24; 48 ]
            let! batch = Gen.choose (1, 3)
            let! height = Gen.choose (1, 5)
            let! width = Gen.choose (14, 40)
            let! tall = Gen.choose (1, min 3 height)
            let! pads = Gen.choose (0, 2) |> Gen.arrayOfLength 4
            let last (a: int) (b: int) = if rank = 1 then [| b |] else [| a; b |]

            return
                { Batch = batch
                  In = last height width
                  Channels = channels
                  Out = out
                  Kernel = last tall 3
                  Strides = last 1 1
                  Dilations = last 1 1
                  Low = last pads[0] pads[1]
                  High = last pads[2] pads[3]
                  Groups = 1 }
        }

    /// Runs a check on random windows; a failing one is shown whole.
    let forAllOf (generate: Gen<Window>) (check: Window -> unit) =
        let property = Prop.forAll (Arb.fromGen generate) (fun w -> check w)
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Cases.count).WithQuietOnSuccess(true), property)

    let forAll (check: Window -> unit) = forAllOf generate check

type ConvPoolTests() =

    let widths = [ Width.W128; Width.W256; Width.W512 ]

    let convolution (dtype: DType) (w: Window) =
        let spec = Windowed.spec w

        Assert.Equal<int[]>(Windowed.outputs w, spec.OutSpatial)
        let perIn, perOut = w.Channels / w.Groups, w.Out / w.Groups
        let x = floats 1 (Windowed.inSize w) |> rounded dtype
        let k = floats 2 (Windowed.product w.Kernel * perIn * w.Out) |> rounded dtype
        let dy = floats 3 (Windowed.outPositions w * w.Out) |> rounded dtype
        let y = Array.zeroCreate dy.Length
        let dx = Array.zeroCreate x.Length
        let dk = Array.zeroCreate k.Length

        Windowed.forEach w (fun _ o t i ->
            for co in 0 .. w.Out - 1 do
                let g = co / perOut

                for ci in 0 .. perIn - 1 do
                    let xi = i * w.Channels + g * perIn + ci
                    let ki = (t * perIn + ci) * w.Out + co
                    let yi = o * w.Out + co
                    y[yi] <- y[yi] + x[xi] * k[ki]
                    dx[xi] <- dx[xi] + dy[yi] * k[ki]
                    dk[ki] <- dk[ki] + dy[yi] * x[xi])

        let gx, gk, gdy = write dtype x, write dtype k, write dtype dy

        // Terms of either sign cancel in long sums, whose rounding does not.
        let floor = max 3.0 (0.1 * sqrt (float (Windowed.outPositions w)))

        let check name (expected: float[]) (bytes: int64) (make: nativeint -> nativeint -> Epilogue -> Kernel) =
            let text = name + " " + Windowed.text w
            let target = room dtype expected.Length
            let ws = workspace bytes
            run (make target.Pointer ws.Pointer Epilogue.None) [ target ] [ gx; gk; gdy; ws ]
            close (tolerance dtype * 10.0) floor text expected (read dtype target)
            ws.Poison()
            run (make target.Pointer ws.Pointer (Affine(dtype, target.Pointer))) [ target ] [ gx; gk; gdy; ws ]
            close (tolerance dtype * 20.0) floor (text + ", ended") (Array.map Affine.Of expected) (read dtype target)

        for width in widths do
            check (string width + " forward") y (Conv.ForwardWorkspace(width, dtype, spec)) (fun t ws e ->
                Conv.Forward(width, dtype, spec, gx.Pointer, gk.Pointer, t, ws, e))

            check (string width + " input gradient") dx (Conv.InputGradWorkspace(width, dtype, spec)) (fun t ws e ->
                Conv.InputGrad(width, dtype, spec, gdy.Pointer, gk.Pointer, t, ws, e))

            check (string width + " kernel gradient") dk (Conv.KernelGradWorkspace(width, dtype, spec)) (fun t ws e ->
                Conv.KernelGrad(width, dtype, spec, gx.Pointer, gdy.Pointer, t, ws, e))

    let pooling (dtype: DType) (w: Window) =
        let spec = PoolSpec.Create(w.Batch, w.In, w.Channels, w.Kernel, w.Strides, w.Dilations, w.Low, w.High)
        // Few different values, so that windows have several maxima.
        let x = floats 1 (Windowed.inSize w) |> Array.map (fun v -> Math.Round(v * 2.0))
        let v = floats 2 x.Length |> rounded dtype
        let size = Windowed.outPositions w * w.Channels
        let dy = floats 3 size |> rounded dtype
        let best = Array.create size Double.NegativeInfinity
        let at = Array.create size -1
        let sum = Array.zeroCreate size
        let sumGrad = Array.zeroCreate x.Length
        if x.Length > 3 then x[3] <- nan

        Windowed.forEach w (fun _ o _ i ->
            for c in 0 .. w.Channels - 1 do
                let oi, xi = o * w.Channels + c, i * w.Channels + c
                let a = x[xi]

                if at[oi] < 0 || a > best[oi] || (Double.IsNaN a && not (Double.IsNaN best[oi])) then
                    best[oi] <- a
                    at[oi] <- xi

                sum[oi] <- sum[oi] + v[xi]
                sumGrad[xi] <- sumGrad[xi] + dy[oi])

        let maxGrad = Array.zeroCreate x.Length
        let gather = Array.init size (fun i -> if at[i] < 0 then 0.0 else v[at[i]])

        for i in 0 .. size - 1 do
            if at[i] >= 0 then maxGrad[at[i]] <- maxGrad[at[i]] + dy[i]

        let gx, gv, gdy = write dtype x, write dtype v, write dtype dy

        let check name (expected: float[]) (make: nativeint -> Epilogue -> Kernel) =
            let text = name + " " + Windowed.text w
            let target = room dtype expected.Length
            run (make target.Pointer Epilogue.None) [ target ] [ gx; gv; gdy ]
            close (tolerance dtype) 4.0 text expected (read dtype target)
            run (make target.Pointer (Affine(dtype, target.Pointer))) [ target ] [ gx; gv; gdy ]
            close (tolerance dtype * 2.0) 4.0 (text + ", ended") (Array.map Affine.Of expected) (read dtype target)

        for width in widths do
            check (string width + " max") best (fun t e -> Pool.Max(width, dtype, spec, gx.Pointer, t, e))
            check (string width + " sum") sum (fun t e -> Pool.Sum(width, dtype, spec, gv.Pointer, t, e))
            check (string width + " max gradient") maxGrad (fun t e ->
                Pool.MaxGrad(width, dtype, spec, gx.Pointer, gdy.Pointer, t, e))

            // Over its source, where windows stand side by side.
            if w.Kernel = w.Strides && Array.forall ((=) 1) w.Dilations then
                let source = gx.Image()
                let over = Pool.MaxGrad(width, dtype, spec, gx.Pointer, gdy.Pointer, gx.Pointer)
                run over [ gx ] [ gdy ]
                close (tolerance dtype) 4.0 ("over the source " + Windowed.text w) maxGrad (read dtype gx)
                gx.Restore source

            check (string width + " max gather") gather (fun t e ->
                Pool.MaxGather(width, dtype, spec, gx.Pointer, gv.Pointer, t, e))
            check (string width + " sum gradient") sumGrad (fun t e ->
                Pool.SumGrad(width, dtype, spec, gdy.Pointer, t, e))

    [<Fact>]
    member _.``random convolutions, float32``() = Windowed.forAll (convolution DType.Float32)

    [<Fact>]
    member _.``random convolutions, float64``() = Windowed.forAll (convolution DType.Float64)

    [<Fact>]
    member _.``windows side by side``() =
        Windowed.forAllOf Windowed.neighbours (convolution DType.Float32)
        Windowed.forAllOf Windowed.neighbours (convolution DType.Float64)

    [<Fact>]
    member _.``random poolings``() =
        Windowed.forAll (pooling DType.Float32)
        Windowed.forAll (pooling DType.Float64)

    [<Fact>]
    member _.``poolings whose windows stand side by side``() =
        let sideBySide =
            Windowed.generate
            |> Gen.map (fun w -> { w with Strides = w.Kernel; Dilations = Array.map (fun _ -> 1) w.Kernel })

        Windowed.forAllOf sideBySide (pooling DType.Float32)

    [<Fact>]
    member _.``convolutions that are shared out``() =
        let plane n side channels out kernel stride pad groups =
            { Batch = n
              In = [| side; side |]
              Channels = channels
              Out = out
              Kernel = [| kernel; kernel |]
              Strides = [| stride; stride |]
              Dilations = [| 1; 1 |]
              Low = [| pad; pad |]
              High = [| pad; pad |]
              Groups = groups }

        for w in
            [ plane 4 20 3 20 3 1 1 1
              plane 3 14 16 40 3 2 1 1
              plane 2 15 24 24 3 1 1 24
              plane 1 24 18 33 1 1 0 1
              plane 2 30 1 8 5 3 2 1
              // Few positions and many weights; many channels at the edges.
              plane 1 5 100 70 3 1 1 1
              plane 6 2 160 40 3 2 1 1 ] do
            convolution DType.Float32 w

        // Rows at the border that see fewer taps, in float64, as so many positions add up to much rounding.
        for w in [ plane 40 7 5 6 3 1 0 1; plane 80 9 3 16 5 1 2 1; plane 64 8 4 9 3 2 1 1 ] do
            convolution DType.Float64 w

        // One long row: more positions than a segment of the weight gradient holds.
        convolution
            DType.Float32
            { Batch = 2
              In = [| 700 |]
              Channels = 5
              Out = 17
              Kernel = [| 3 |]
              Strides = [| 1 |]
              Dilations = [| 2 |]
              Low = [| 4 |]
              High = [| 0 |]
              Groups = 1 }

    [<Fact>]
    member _.``running allocates nothing``() =
        let spec =
            ConvSpec.Create(4, [| 14; 14 |], 8, 16, [| 3; 3 |], [| 1; 1 |], [| 1; 1 |], [| 1; 1 |], [| 1; 1 |], 1)
        let t = DType.Float32
        let x, k, y = room t (4 * 14 * 14 * 8), room t (9 * 8 * 16), room t (4 * 14 * 14 * 16)
        let ws =
            workspace (
                Conv.ForwardWorkspace(Width.current, t, spec)
                + Conv.InputGradWorkspace(Width.current, t, spec)
                + Conv.KernelGradWorkspace(Width.current, t, spec)
            )
        allocatesNothing (Conv.Forward(Width.current, t, spec, x.Pointer, k.Pointer, y.Pointer, ws.Pointer))
        allocatesNothing (Conv.InputGrad(Width.current, t, spec, y.Pointer, k.Pointer, x.Pointer, ws.Pointer))
        allocatesNothing (Conv.KernelGrad(Width.current, t, spec, x.Pointer, y.Pointer, k.Pointer, ws.Pointer))
        let pool =
            PoolSpec.Create(4, [| 14; 14 |], 16, [| 2; 2 |], [| 2; 2 |], [| 1; 1 |], [| 0; 0 |], [| 0; 0 |])
        let p = room t (4 * 7 * 7 * 16)
        let d = room t (4 * 14 * 14 * 16)
        allocatesNothing (Pool.Max(Width.current, t, pool, y.Pointer, p.Pointer))
        allocatesNothing (Pool.MaxGrad(Width.current, t, pool, y.Pointer, p.Pointer, d.Pointer))

    [<Fact>]
    member _.``windows that do not fit are refused``() =
        Assert.Throws<ShapeException>(fun () ->
            ConvSpec.Create(1, [| 4 |], 3, 4, [| 2 |], [| 1 |], [| 1 |], [| 0 |], [| 0 |], 2) |> ignore)
        |> ignore

        Assert.Throws<ShapeException>(fun () ->
            PoolSpec.Create(1, [| 4 |], 3, [| 2 |], [| 0 |], [| 1 |], [| 0 |], [| 0 |]) |> ignore)
        |> ignore
