namespace FunctionalNet.Tests.Layers

open System
open Xunit
open FunctionalNet
open FunctionalNet.Tests.Support

/// One layer run by the interpreter in float64.
module internal OneLayer =

    /// The outputs for inputs of given shapes; weights are numbers away from their first values.
    let many (mode: Mode) (layer: Layer) (inputs: (int[] * float[]) list) : float[][] * float[][] * int[][] =
        let types = inputs |> List.map (fun (dims, _) -> LayerRun.typeOf DType.Float64 dims) |> List.toArray

        let data =
            inputs
            |> List.map (fun (dims, values) -> Tensor.OfDoubles(DType.Float64, Shape.Of dims, values))
            |> List.toArray

        let trace = LayerRun.trace mode DType.Float64 layer types (LayerRun.unmasked types)
        let weights = LayerRun.weights DType.Float64 trace

        LayerRun.interpret (LayerRun.bind trace data weights) trace.Outputs,
        weights |> Array.map (fun w -> w.ToDoubles()),
        trace.Outputs |> Array.map (fun e -> e.Shape.ToArray())

    let run (mode: Mode) (layer: Layer) (dims: int[]) (values: float[]) : float[] =
        let outputs, _, _ = many mode layer [ dims, values ]
        outputs[0]

    /// The output with the first values of the weights.
    let initialised (mode: Mode) (layer: Layer) (dims: int[]) (values: float[]) : float[] =
        let types = [| LayerRun.typeOf DType.Float64 dims |]
        let trace = LayerRun.trace mode DType.Float64 layer types (LayerRun.unmasked types)

        let weights =
            trace.Specs
            |> Array.map (fun spec ->
                Tensor.OfDoubles(DType.Float64, spec.Shape, spec.Initializer.Create 0UL 0UL spec.Shape))

        let data = [| Tensor.OfDoubles(DType.Float64, Shape.Of dims, values) |]
        (LayerRun.interpret (LayerRun.bind trace data weights) trace.Outputs)[0]

/// Layers whose windows depend on the place: resizing, adaptive pooling, locally connected layers, against plain loops.
type PlaceLayerTests() =

    let count (n: int) = Array.init n float

    let same (expected: int list) (actual: float[]) =
        Assert.Equal<float[]>(expected |> List.map float |> List.toArray, actual)

    static let kernels: (Interpolation * string * (float -> float)) list =
        let sinc x = if x = 0.0 then 1.0 else sin (Math.PI * x) / (Math.PI * x)

        [ Interpolation.Bilinear, "bilinear", (fun d -> max 0.0 (1.0 - abs d))
          Interpolation.Bicubic,
          "bicubic",
          (fun d ->
              let d = abs d

              if d <= 1.0 then 1.5 * d ** 3.0 - 2.5 * d ** 2.0 + 1.0
              elif d < 2.0 then -0.5 * d ** 3.0 + 2.5 * d ** 2.0 - 4.0 * d + 2.0
              else 0.0)
          Interpolation.Lanczos3, "lanczos3", (fun d -> if abs d < 3.0 then sinc d * sinc (d / 3.0) else 0.0)
          Interpolation.Lanczos5, "lanczos5", (fun d -> if abs d < 5.0 then sinc d * sinc (d / 5.0) else 0.0) ]

    /// One row of cells in a new size: every cell is weighed by its distance, and the weights sum to 1.
    static let resized kernel antialias (size: int) (cells: float[]) =
        let step = float cells.Length / float size
        let wide = if antialias && step > 1.0 then step else 1.0

        Array.init size (fun i ->
            let weigh j = kernel ((((float i + 0.5) * step - 0.5) - float j) / wide)
            let total = Seq.sumBy weigh [ 0 .. cells.Length - 1 ]
            Seq.sumBy (fun j -> weigh j * cells[j]) [ 0 .. cells.Length - 1 ] / total)

    [<Fact>]
    member _.``images are resized by their kernels``() =
        for interpolation, name, kernel in kernels do
            for height, width, antialias in [ 9, 13, false; 3, 4, false; 3, 4, true; 4, 11, true ] do
                let image = LayerRun.numbers name (6 * 7)

                let layer =
                    Layer.resizingWith
                        { Resizing.options height width with Interpolation = interpolation; Antialias = antialias }

                let rows = image |> Array.chunkBySize 7 |> Array.map (resized kernel antialias width)

                let columns =
                    Array.init width (fun j -> resized kernel antialias height (rows |> Array.map (fun r -> r[j])))

                let expected = Array.init (height * width) (fun t -> columns[t % width][t / width])
                let text = name + " " + string height + " " + string width + " " + string antialias
                Close.closeToScale text 1e-12 expected (OneLayer.run Mode.Infer layer [| 1; 6; 7; 1 |] image)

    [<Fact>]
    member _.``enlarging by a cubic mixes four cells``() =
        let layer =
            Layer.upSampling2DWith
                { Size = [ 1; 2 ]; DataFormat = DataFormat.ChannelsLast; Interpolation = Interpolation.Bicubic }

        let x = [| 3.0; -1.0; 4.0; 1.0; -5.0; 9.0 |]
        let y = OneLayer.run Mode.Infer layer [| 1; 1; 6; 1 |] x
        // Distances 1.25, 0.25, 0.75, 1.75 on one side of the middle cells, and mirrored on the other.
        let near = [| -0.0703125; 0.8671875; 0.2265625; -0.0234375 |]
        let mix (cells: float[]) (weights: float[]) = Array.fold2 (fun s c w -> s + c * w) 0.0 cells weights
        Assert.Equal(mix x[1..4] near, y[5], 12)
        Assert.Equal(mix x[1..4] (Array.rev near), y[6], 12)

    /// Expectations of Keras 3.8: resizing_test.py, test_down_sampling_numeric, test_up_sampling_numeric and
    /// test_crop_to_aspect_ratio.
    [<Fact>]
    member _.``Keras's own expectations of Resizing hold``() =
        let nearest height width = { Resizing.options height width with Interpolation = Interpolation.Nearest }
        let run options dims = OneLayer.run Mode.Infer (Layer.resizingWith options) dims
        same [ 5; 7; 13; 15 ] (run (nearest 2 2) [| 1; 4; 4; 1 |] (count 16))
        same [ 0; 0; 1; 1; 0; 0; 1; 1; 2; 2; 3; 3; 2; 2; 3; 3 ] (run (nearest 4 4) [| 1; 2; 2; 1 |] (count 4))

        same
            [ 1; 2; 5; 6; 9; 10; 13; 14 ]
            (run { nearest 4 2 with CropToAspectRatio = true } [| 1; 4; 4; 1 |] (count 16))

    [<Fact>]
    member _.``images are padded to the proportions``() =
        let options =
            { Resizing.options 4 2 with
                Interpolation = Interpolation.Nearest
                PadToAspectRatio = true
                FillValue = 9.0
                DataFormat = DataFormat.ChannelsFirst }

        same
            [ 9; 9; 0; 1; 2; 3; 9; 9 ]
            (OneLayer.run Mode.Infer (Layer.resizingWith options) [| 1; 1; 2; 2 |] (count 4))

        Assert.Throws<ArgumentValueException>(fun () ->
            Layer.resizingWith { options with CropToAspectRatio = true } |> ignore)
        |> ignore

    [<Fact>]
    member _.``the middle of images is cut out``() =
        same [ 6; 7; 11; 12 ] (OneLayer.run Mode.Infer (Layer.centerCrop 2 2) [| 1; 4; 5; 1 |] (count 20))

        // Of smaller images, the largest window of those proportions, resized.
        let small = LayerRun.numbers "small" (9 * 11)
        let resized = Layer.resizingWith { Resizing.options 10 17 with CropToAspectRatio = true }

        Assert.Equal<float[]>(
            OneLayer.run Mode.Infer resized [| 1; 9; 11; 1 |] small,
            OneLayer.run Mode.Infer (Layer.centerCrop 10 17) [| 1; 9; 11; 1 |] small
        )

    [<Fact>]
    member _.``adaptive pooling has as many windows as asked for``() =
        let cells, windows = [ 7; 5 ], [ 3; 4 ]
        let x = LayerRun.numbers "adaptive" (2 * 7 * 5 * 3)
        let at n i j c = x[((n * 7 + i) * 5 + j) * 3 + c]

        let bounds axis k =
            int (floor (float (k * cells[axis]) / float windows[axis])),
            int (ceil (float ((k + 1) * cells[axis]) / float windows[axis])) - 1

        let pooled (reduce: float list -> float) =
            [| for n in 0..1 do
                   for a in 0..2 do
                       for b in 0..3 do
                           for c in 0..2 do
                               let top, bottom = bounds 0 a
                               let left, right = bounds 1 b
                               reduce
                                   [ for i in top..bottom do
                                         for j in left..right -> at n i j c ] |]

        let options = AdaptivePool.options windows
        let run layer = OneLayer.run Mode.Infer layer [| 2; 7; 5; 3 |] x
        Assert.Equal<float[]>(pooled List.max, run (Layer.adaptiveMaxPooling2DWith options))
        Close.close 1e-12 1e-12 (pooled List.average) (run (Layer.adaptiveAveragePooling2DWith options))

    [<Theory; InlineData(false); InlineData(true)>]
    member _.``a locally connected layer has a kernel at every place``(channelsFirst: bool) =
        let options =
            { LocallyConnected.options 3 [ 2; 3 ] with
                Strides = [ 2; 1 ]
                DataFormat = if channelsFirst then DataFormat.ChannelsFirst else DataFormat.ChannelsLast }

        // Images of 5 by 4 cells and 2 channels make 2 by 2 places.
        let x = LayerRun.numbers "local" (2 * 5 * 4 * 2)

        let at n i j c = if channelsFirst then x[((n * 2 + c) * 5 + i) * 4 + j] else x[((n * 5 + i) * 4 + j) * 2 + c]

        let dims = if channelsFirst then [| 2; 2; 5; 4 |] else [| 2; 5; 4; 2 |]
        let outputs, weights, _ = OneLayer.many Mode.Infer (Layer.locallyConnected2DWith options) [ dims, x ]
        let kernel, bias = weights[0], weights[1]

        let value n a b f =
            let place = a * 2 + b

            let weight i j c =
                let cell = if channelsFirst then (c * 2 + i) * 3 + j else (i * 3 + j) * 2 + c
                kernel[(place * 12 + cell) * 3 + f]

            let products =
                [ for i in 0..1 do
                      for j in 0..2 do
                          for c in 0..1 -> at n (2 * a + i) (b + j) c * weight i j c ]

            List.sum products + (if channelsFirst then bias[(f * 2 + a) * 2 + b] else bias[place * 3 + f])

        let expected =
            if channelsFirst then
                [| for n in 0..1 do
                       for f in 0..2 do
                           for a in 0..1 do
                               for b in 0..1 -> value n a b f |]
            else
                [| for n in 0..1 do
                       for a in 0..1 do
                           for b in 0..1 do
                               for f in 0..2 -> value n a b f |]

        Close.close 1e-12 1e-12 expected outputs[0]
