namespace FunctionalNet.Tests.Layers

open System
open Xunit
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Tests.Support

/// Layers that augment images: their results are computed again, pixel by pixel, from the numbers they draw.
type ImageLayerTests() =

    /// Element i of a layer's uniform draw: tests run with seed 5 at step 3.
    static let drawn (name: string) (i: int) =
        float (Philox.toUniform (Philox.bits 5UL (Philox.streamOf name) 3u (int64 i)))

    static let between low high name i = low + (high - low) * drawn name i

    static let count (n: int) = Array.init n float

    static let run (layer: Layer) (dims: int[]) (values: float[]) : float[] = OneLayer.run Mode.Train layer dims values

    static let check name expected actual = Close.closeToScale name 1e-9 expected actual

    /// The options of a movement by exactly these factors.
    static let moved vertical horizontal mode =
        { RandomMovement.options [ vertical; vertical ] [ horizontal; horizontal ] with
            Filling = { Mode = mode; Interpolation = Sampling.Bilinear; Value = 0.0 } }

    static let color factor : RandomColorOptions = { RandomColor.options factor with ValueRange = (-1.0, 1.0) }

    /// Images 2 x 4 x 5 x 3 of numbers in -1 .. 1, and pixel (n, i, j, c) of them.
    static let image = LayerRun.numbers "image" (2 * 4 * 5 * 3)
    static let dims = [| 2; 4; 5; 3 |]
    static let pixel n i j c = image[((n * 4 + i) * 5 + j) * 3 + c]

    static let perPixel (f: int -> int -> int -> int -> float) =
        Array.init image.Length (fun t -> f (t / 60) (t / 15 % 4) (t / 3 % 5) (t % 3))

    static let clip x = max -1.0 (min 1.0 x)

    /// An index outside, by rule.
    static let folded mode n (i: int) =
        match mode with
        | FillMode.Nearest -> max 0 (min (n - 1) i)
        | FillMode.Wrap -> ((i % n) + n) % n
        | _ ->
            let m = ((i % (2 * n)) + 2 * n) % (2 * n)
            if m < n then m else 2 * n - 1 - m

    /// Pixel at a place between cells.
    static let sampled mode value n (row: float) (column: float) c =
        let cell i j =
            if mode = FillMode.Constant then
                if i < 0 || i > 3 || j < 0 || j > 4 then value else pixel n i j c
            else
                pixel n (folded mode 4 i) (folded mode 5 j) c

        let i, j = int (floor row), int (floor column)
        let a, b = row - floor row, column - floor column

        (1.0 - a) * ((1.0 - b) * cell i j + b * cell i (j + 1))
        + a * ((1.0 - b) * cell (i + 1) j + b * cell (i + 1) (j + 1))

    /// Expectations of Keras 3.8: random_translation_test.py (up, down and left, reflect and constant).
    [<Fact>]
    member _.``Keras's own expectations of RandomTranslation hold``() =
        let shifted vertical horizontal mode =
            run (Layer.randomTranslationWith (moved vertical horizontal mode)) [| 1; 5; 5; 1 |] (count 25)

        let rows (numbers: int list) =
            [| for i in numbers do
                   for j in 0..4 -> if i < 0 then 0.0 else float (5 * i + j) |]

        check "up" (rows [ 1; 2; 3; 4; 4 ]) (shifted -0.2 0.0 FillMode.Reflect)
        check "up, constant" (rows [ 1; 2; 3; 4; -1 ]) (shifted -0.2 0.0 FillMode.Constant)
        check "down" (rows [ 0; 0; 1; 2; 3 ]) (shifted 0.2 0.0 FillMode.Reflect)
        check "down, constant" (rows [ -1; 0; 1; 2; 3 ]) (shifted 0.2 0.0 FillMode.Constant)

        check
            "left"
            [| for i in 0..4 do
                   for j in [ 1; 2; 3; 4; 4 ] -> float (5 * i + j) |]
            (shifted 0.0 -0.2 FillMode.Reflect)

    /// Expectations of Keras 3.8: random_zoom_test.py, test_random_zoom_out_correctness and
    /// test_random_zoom_in_correctness; random_rotation_test.py, test_random_rotation_correctness.
    [<Fact>]
    member _.``Keras's own expectations of RandomZoom and RandomRotation hold``() =
        let zoomed vertical horizontal =
            run (Layer.randomZoomWith (moved vertical horizontal FillMode.Constant)) [| 1; 5; 5; 1 |] (count 25)

        let middle (values: float[]) =
            Array.init 25 (fun t ->
                let i, j = t / 5, t % 5
                if i % 4 = 0 || j % 4 = 0 then 0.0 else values[(i - 1) * 3 + j - 1])

        check "out" (middle [| 2.7; 4.5; 6.3; 10.2; 12.0; 13.8; 17.7; 19.5; 21.3 |]) (zoomed 0.5 0.8)

        check "in" (Array.init 25 (fun t -> 6.0 + 2.5 * float (t / 5) + 0.5 * float (t % 5))) (zoomed -0.5 -0.5)
        let half = Layer.randomRotationWith (RandomRotation.options [ 0.5; 0.5 ])
        check "half a turn" (Array.rev (count 25)) (run half [| 1; 5; 5; 1 |] (count 25))

    [<Fact>]
    member _.``rotations and shears read images at the places that were drawn``() =
        for mode in [ FillMode.Reflect; FillMode.Constant; FillMode.Wrap; FillMode.Nearest ] do
            let filling = { Mode = mode; Interpolation = Sampling.Bilinear; Value = 0.7 }

            let rotation = Layer.randomRotationWith { RandomRotation.options [ -0.3; 0.4 ] with Filling = filling }

            let expected =
                perPixel (fun n i j c ->
                    let angle = 2.0 * Math.PI * between -0.3 0.4 "angle" n
                    let x, y = float j - 2.0, float i - 1.5
                    let row, column = sin angle * x + cos angle * y + 1.5, cos angle * x - sin angle * y + 2.0
                    sampled mode 0.7 n row column c)

            check ("rotation " + string mode) expected (run rotation dims image)

            let shear = Layer.randomShearWith { RandomMovement.options [ 0.2; 0.9 ] [ 0.6 ] with Filling = filling }

            let expected =
                perPixel (fun n i j c ->
                    let sign = if drawn "sign" n <= 0.5 then 1.0 else -1.0
                    let across, down = sign * between -0.6 0.6 "x" n, sign * between 0.2 0.9 "y" n
                    sampled mode 0.7 n (float i + down * float j) (float j + across * float i) c)

            check ("shear " + string mode) expected (run shear dims image)

    [<Fact>]
    member _.``a perspective shows every corner where it was moved``() =
        let scale = 0.8

        let layer =
            Layer.randomPerspectiveWith
                { RandomPerspective.options with
                    Factor = [ 1.0; 1.0 ]
                    Scale = scale
                    Filling = { Mode = FillMode.Constant; Interpolation = Sampling.Bilinear; Value = 0.3 } }

        let move name n value = value * (1.0 + between (-0.5 * scale) (0.5 * scale) name n)

        // The eight numbers of the map from moved corners to corners, by elimination.
        let solve n =
            let corners =
                [ (0.0, 0.0), (0.0, 0.0)
                  (4.0, 0.0), (move "top right x" n 4.0, 0.0)
                  (0.0, 3.0), (0.0, move "bottom left y" n 3.0)
                  (4.0, 3.0), (move "bottom right x" n 4.0, move "bottom right y" n 3.0) ]

            let m =
                [| for (u, v), (x, y) in corners do
                       [| x; y; 1.0; 0.0; 0.0; 0.0; -u * x; -u * y; u |]
                       [| 0.0; 0.0; 0.0; x; y; 1.0; -v * x; -v * y; v |] |]

            for k in 0..7 do
                let pivot = Array.maxBy (fun (r: int) -> abs (m[r].[k])) [| k..7 |]
                let row = m[pivot]
                m[pivot] <- m[k]
                m[k] <- row |> Array.map (fun v -> v / row[k])

                for r in 0..7 do
                    if r <> k then
                        let factor = m[r][k]
                        m[r] <- Array.map2 (fun a b -> a - factor * b) m[r] m[k]

            m |> Array.map (fun row -> row[8])

        let maps = [| solve 0; solve 1 |]

        let expected =
            perPixel (fun n i j c ->
                let h, x, y = maps[n], float j, float i
                let scale = h[6] * x + h[7] * y + 1.0
                sampled
                    FillMode.Constant
                    0.3
                    n
                    ((h[3] * x + h[4] * y + h[5]) / scale)
                    ((h[0] * x + h[1] * y + h[2]) / scale)
                    c)

        check "perspective" expected (run layer dims image)

    [<Fact>]
    member _.``crops and flips move whole pixels``() =
        let top, left = int (2.0 * drawn "top" 0), int (4.0 * drawn "left" 0)

        check
            "crop"
            [| for n in 0..1 do
                   for i in 0..2 do
                       for j in 0..1 do
                           for c in 0..2 -> pixel n (top + i) (left + j) c |]
            (run (Layer.randomCrop 3 2) dims image)

        // Not larger on both axes: a window that begins where the largest of the wanted proportions does, as far as there is
        // image. 4 x 5 cells to 4 x 3: the proportions leave 4 x 3, which begin in column 1.
        check
            "narrow crop"
            [| for n in 0..1 do
                   for i in 0..3 do
                       for j in 1..3 do
                           for c in 0..2 -> pixel n i j c |]
            (run (Layer.randomCrop 4 3) dims image)

        // To 2 x 6: the proportions leave 1 x 5 from row 1, so rows 1 and 2 of all columns are resized.
        let wide = run (Layer.randomCrop 2 6) dims image
        let cut =
            [| for n in 0..1 do
                   for i in 1..2 do
                       for j in 0..4 do
                           for c in 0..2 -> pixel n i j c |]
        check "wide crop" (OneLayer.run Mode.Infer (Layer.resizing 2 6) [| 2; 2; 5; 3 |] cut) wide

        // random_crop_test.py, test_random_crop_full: at inference images pass as they are, in their own size.
        for height, width in [ 2, 2; 4, 5; 7, 9 ] do
            Assert.Equal<float[]>(image, OneLayer.run Mode.Infer (Layer.randomCrop height width) dims image)

        for mode, down, across in
            [ FlipMode.Horizontal, false, true
              FlipMode.Vertical, true, false
              FlipMode.HorizontalAndVertical, true, true ] do
            let expected =
                perPixel (fun n i j c ->
                    let flips = drawn "flip" n <= 0.5
                    pixel n (if flips && down then 3 - i else i) (if flips && across then 4 - j else j) c)

            check (string mode) expected (run (Layer.randomFlip mode) dims image)

    [<Fact>]
    member _.``brightness, contrast and sharpness follow their formulas``() =
        check
            "brightness"
            (perPixel (fun n i j c -> clip (pixel n i j c + 2.0 * between -0.3 0.3 "factor" n)))
            (run (Layer.randomBrightnessWith (color [ 0.3 ])) dims image)

        let mean n c = List.average [ for t in 0..19 -> pixel n (t / 5) (t % 5) c ]

        check
            "contrast"
            (perPixel (fun n i j c -> clip (mean n c + (pixel n i j c - mean n c) * between 1.0 1.4 "factor" n)))
            (run (Layer.randomContrastWith (color [ 0.4 ])) dims image)

        check
            "contrast of a pair"
            (perPixel (fun n i j c -> clip (mean n c + (pixel n i j c - mean n c) * between 0.7 1.5 "factor" n)))
            (run (Layer.randomContrastWith (color [ 0.3; 0.5 ])) dims image)

        let smooth n i j c =
            List.sum
                [ for a in -1 .. 1 do
                      for b in -1 .. 1 do
                          if i + a >= 0 && i + a < 4 && j + b >= 0 && j + b < 5 then
                              (if a = 0 && b = 0 then 5.0 else 1.0) / 13.0 * pixel n (i + a) (j + b) c ]

        check
            "sharpness"
            (perPixel (fun n i j c ->
                let s = smooth n i j c
                clip (s + (pixel n i j c - s) * 2.0 * between 0.1 0.9 "factor" n)))
            (run (Layer.randomSharpnessWith (color [ 0.1; 0.9 ])) dims image)

    [<Fact>]
    member _.``colors lose and gain saturation``() =
        let gray n i j = 0.2989 * pixel n i j 0 + 0.587 * pixel n i j 1 + 0.114 * pixel n i j 2

        check
            "degeneration"
            (perPixel (fun n i j c -> clip (pixel n i j c + between -0.8 0.8 "factor" n * (gray n i j - pixel n i j c))))
            (run (Layer.randomColorDegenerationWith (color [ 0.8 ])) dims image)

        check
            "gray"
            (perPixel (fun n i j c -> if drawn "apply" n < 0.4 then gray n i j else pixel n i j c))
            (run (Layer.randomGrayscale 0.4) dims image)

        // The saturation of HSV, of images as they are: distances from the greatest of three channels are multiplied, and the
        // product of saturation and multiplier is clipped to the value range. A pixel without a positive channel has saturation 0.
        let saturated (low: float, high: float) shift n i j c =
            let rgb = [| for c in 0..2 -> pixel n i j c + shift |]
            let value, least = Array.max rgb, Array.min rgb
            let f = between 0.3 0.8 "factor" n
            let saturation = if value > 0.0 then (value - least) / value else 0.0
            let wanted = max low (min high (saturation * f / (1.0 - f)))
            if saturation = 0.0 then value else value - (value - rgb[c]) * wanted / saturation

        for range, shift in [ (0.0, 1.0), 0.0; (0.0, 255.0), 1.0; (-1.0, 1.0), 0.0 ] do
            let layer = Layer.randomSaturationWith { RandomColor.options [ 0.3; 0.8 ] with ValueRange = range }

            check
                ("saturation " + string range)
                (perPixel (saturated range shift))
                (run layer dims (image |> Array.map (fun v -> v + shift)))

    [<Fact>]
    member _.``a third of the circle of hues exchanges the channels``() =
        // Two thirds of half a turn, one way or the other.
        let layer = Layer.randomHueWith (color [ 2.0 / 3.0; 2.0 / 3.0 ])

        let expected =
            perPixel (fun n i j c -> pixel n i j (if drawn "sign" n <= 0.5 then (c + 2) % 3 else (c + 1) % 3))

        check "hue" expected (run layer dims image)

    [<Fact>]
    member _.``inverting, posterizing, solarizing and erasing follow their rules``() =
        let probability n = between 0.3 0.9 "apply/probability" n

        check
            "invert"
            (perPixel (fun n i j c -> if drawn "apply" n < probability n then 1.0 - pixel n i j c else pixel n i j c))
            (run (Layer.randomInvertWith (color [ 0.3; 0.9 ])) dims image)

        check
            "posterization"
            (perPixel (fun n i j c ->
                let step = pown 2 (8 - (2 + int (4.0 * drawn "factor" n)))
                let byte = int (floor ((pixel n i j c + 1.0) * 127.5))
                float (byte / step * step) / 127.5 - 1.0))
            (run (Layer.randomPosterizationWith (color [ 2.0; 6.0 ])) dims image)

        check
            "solarization"
            (perPixel (fun n i j c ->
                let sum = min 255.0 ((pixel n i j c + 1.0) * 127.5 + 255.0 * between 0.0 0.2 "addition" n)
                // Keras takes the lower bound as a level.
                let kept = if sum < between 0.3 (255.0 * 0.6) "threshold" n then sum else 255.0 - sum
                kept / 127.5 - 1.0))
            (run
                (Layer.solarizationWith
                    { Solarization.options with
                        AdditionFactor = [ 0.2 ]
                        ThresholdFactor = [ 0.3; 0.6 ]
                        ValueRange = (-1.0, 1.0) })
                dims
                image)

        check
            "erasing"
            (perPixel (fun n i j c ->
                let within name size (place: int) =
                    let length =
                        sqrt (between 0.2 0.5 ((if name = "left" then "width" else "height") + " scale") n) * size
                    let start = drawn name n * (size - length)
                    float place >= start && float place < start + length

                if within "left" 5.0 j && within "top" 4.0 i then [| 0.1; 0.2; 0.3 |][c] else pixel n i j c))
            (run
                (Layer.randomErasingWith
                    { RandomErasing.options with
                        Factor = [ 1.0; 1.0 ]
                        Scale = [ 0.2; 0.5 ]
                        FillValue = [ 0.1; 0.2; 0.3 ]
                        ValueRange = (-1.0, 1.0) })
                dims
                image)

    [<Fact>]
    member _.``blurring weighs cells by a normal distribution``() =
        let bell sigma size =
            let weights =
                [| for i in 0 .. size - 1 -> exp (-0.5 * ((float i - float (size - 1) / 2.0) / sigma) ** 2.0) |]
            weights |> Array.map (fun w -> w / Array.sum weights)

        // Keras makes a kernel of 5 rows and 3 columns of the sizes (3, 5), and reads its cells as 3 rows of 5.
        let down = bell (between 0.4 1.0 "sigma y" 0 + 1e-6) 5
        let across = bell (between 0.4 1.0 "sigma x" 0 + 1e-6) 3
        let cell a b = (let t = a * 5 + b in down[t / 3] * across[t % 3])

        let expected =
            perPixel (fun n i j c ->
                List.sum
                    [ for a in -1 .. 1 do
                          for b in -2 .. 2 do
                              if i + a >= 0 && i + a < 4 && j + b >= 0 && j + b < 5 then
                                  cell (a + 1) (b + 2) * pixel n (i + a) (j + b) c ])

        let layer =
            Layer.randomGaussianBlurWith
                { RandomGaussianBlur.options with
                    Factor = [ 1.0; 1.0 ]
                    KernelSize = [ 3; 5 ]
                    Sigma = [ 0.4; 1.0 ]
                    ValueRange = (-1.0, 1.0) }

        check "blur" expected (run layer dims image)

    /// auto_contrast_test.py of Keras 3.8, test_auto_contrast_different_values_per_channel; and a channel of one value.
    [<Fact>]
    member _.``contrast is stretched per image and channel``() =
        let stretched =
            OneLayer.run
                Mode.Infer
                (Layer.autoContrast 0.0 255.0)
                [| 1; 2; 2; 3 |]
                (Array.init 12 (fun i -> float (i + 1)))
        check "auto contrast" (Array.init 12 (fun i -> 85.0 * float (i / 3))) stretched
        let flat = OneLayer.run Mode.Infer (Layer.autoContrast 0.0 255.0) [| 1; 2; 1; 1 |] [| 7.0; 7.0 |]
        Assert.Equal<float[]>([| 7.0; 7.0 |], flat)

    [<Fact>]
    member _.``histograms are spread evenly``() =
        let layer = Layer.equalizationWith Equalization.options
        // The example of eight bits in the literature: values 52, 55, 61 and others, counted by hand.
        let x = [| 52.0; 55.0; 61.0; 59.0; 55.0; 52.0; 61.0; 61.0 |]
        let below v = float (x |> Array.filter (fun u -> u <= v) |> Array.length)
        let expected = x |> Array.map (fun v -> Math.Round((below v - 2.0) * 255.0 / 6.0))
        check "equalization" expected (run layer [| 1; 2; 4; 1 |] x)
        Assert.Equal<float[]>(Array.create 8 128.0, run layer [| 1; 2; 4; 1 |] (Array.create 8 128.0))

    [<Fact>]
    member _.``tiles are equalized with limited counts and mixed``() =
        // 4 x 6 cells in 2 x 2 tiles of 2 x 3.
        let x = Array.init 24 (fun i -> float ((i * 53 + 11) % 256))
        let limit = 50.0 * 6.0 / 256.0

        let table a b =
            let counts = Array.zeroCreate<float> 256

            for i in 2 * a .. 2 * a + 1 do
                for j in 3 * b .. 3 * b + 2 do
                    counts[int x[i * 6 + j]] <- counts[int x[i * 6 + j]] + 1.0

            let excess = counts |> Array.sumBy (fun c -> max 0.0 (c - limit))
            let below =
                counts |> Array.map (fun c -> min c limit + excess / 256.0) |> Array.scan (+) 0.0 |> Array.tail
            let least = below[0]
            below |> Array.map (fun s -> (s - least) * 255.0 / (6.0 - least))

        let tables = Array2D.init 2 2 table

        let expected =
            Array.init 24 (fun t ->
                let i, j, v = t / 6, t % 6, int x[t]
                let y, z = (float i - 1.0) / 2.0, (float j - 1.5) / 3.0
                let tile k = max 0 (min 1 k)
                let at a b = (tables[tile a, tile b])[v]
                let a, b = int (floor y), int (floor z)
                let p, q = y - floor y, z - floor z

                (1.0 - p) * ((1.0 - q) * at a b + q * at a (b + 1))
                + p * ((1.0 - q) * at (a + 1) b + q * at (a + 1) (b + 1)))

        let layer =
            Layer.adaptiveEqualizationWith
                { AdaptiveEqualization.options with TileGridSize = [ 2; 2 ]; ClipLimit = 50.0 }

        check "tiles" expected (OneLayer.run Mode.Infer layer [| 1; 4; 6; 1 |] x)

    /// Every image is a mix of itself and one other with one share, and so is its label.
    [<Fact>]
    member _.``images and labels are mixed alike``() =
        let n = 6
        let images = LayerRun.numbers "mixed" (n * 4 * 5 * 3)
        let labels = Array.init (n * n) (fun t -> if t / n = t % n then 1.0 else 0.0)
        let draws = Array.init n (drawn "order")
        let order = [| 0 .. n - 1 |] |> Array.sortBy (fun i -> draws[i])

        let mixed layer =
            let outputs, _, _ = OneLayer.many Mode.Train layer [ [| n; 4; 5; 3 |], images; [| n; n |], labels ]
            outputs[0], outputs[1]

        /// The share of image i's own label; its other label must be that of the other image.
        let share (labels: float[]) i =
            Assert.Equal(1.0, Array.sum labels[i * n .. i * n + n - 1], 12)
            if order[i] <> i then
                Assert.Equal(1.0, labels[i * n + i] + labels[i * n + order[i]], 12)
            labels[i * n + i]

        let pixels, mixedLabels = mixed (Layer.mixUpWith { ImageMix.mixUp with Concentration = [ 0.8 ] })

        check
            "mix up"
            (Array.init images.Length (fun t ->
                let i, rest = t / 60, t % 60
                let s = share mixedLabels i
                s * images[t] + (1.0 - s) * images[order[i] * 60 + rest]))
            pixels

        let pixels, cutLabels = mixed (Layer.cutMixWith ImageMix.cutMix)

        for i in 0 .. n - 1 do
            if order[i] <> i then
                let isOther p = pixels[i * 60 + p * 3] = images[order[i] * 60 + p * 3]
                let others = [ 0..19 ] |> List.filter isOther
                let rows, columns =
                    others |> List.map (fun p -> p / 5) |> List.distinct,
                    others |> List.map (fun p -> p % 5) |> List.distinct
                // A box: every pixel of its rows and columns, and nothing else.
                Assert.Equal(others.Length, rows.Length * columns.Length)
                // Its area in whole cells, within one cell per side.
                let side = sqrt (1.0 - share cutLabels i)
                Assert.InRange(float rows.Length, 4.0 * side - 1.0, 4.0 * side + 1.0)
                Assert.InRange(float columns.Length, 5.0 * side - 1.0, 5.0 * side + 1.0)

                for p in 0..19 do
                    if not (isOther p) then
                        Assert.Equal(images[i * 60 + p * 3], pixels[i * 60 + p * 3])

    [<Theory; InlineData 0.2; InlineData 1.0; InlineData 3.0>]
    member _.``shares are beta-distributed``(alpha: float) =
        let n = 2000
        let layer = Layer.mixUpWith { ImageMix.mixUp with Concentration = [ alpha ] }
        let labels = Array.init (n * 2) (fun t -> if t % 2 = 0 then float (t / 2) else 1.0)
        // The first number of label i is its own share of i and the rest of the other image's number.
        let outputs, _, _ =
            OneLayer.many Mode.Train layer [ [| n; 1; 1; 1 |], Array.zeroCreate n; [| n; 2 |], labels ]
        let draws = Array.init n (drawn "order")
        let order = [| 0 .. n - 1 |] |> Array.sortBy (fun i -> draws[i])

        let shares =
            [| for i in 0 .. n - 1 do
                   if order[i] <> i then
                       (outputs[1][2 * i] - float order[i]) / float (i - order[i]) |]

        Assert.All(shares, fun (s: float) -> Assert.InRange(s, -1e-9, 1.0 + 1e-9))
        let mean = Array.average shares
        let variance = shares |> Array.averageBy (fun s -> (s - mean) ** 2.0)
        Assert.InRange(mean, 0.46, 0.54)
        // Of a beta distribution with both parameters alpha.
        let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0))
        Assert.InRange(variance, 0.9 * expected, 1.1 * expected)

    [<Fact>]
    member _.``strength 0 changes nothing in training``() =
        let none = color [ 0.0 ]
        let still = RandomMovement.options [ 0.0 ] [ 0.0 ]

        for layer in
            [ Layer.randomRotation 0.0
              Layer.randomZoomWith still
              Layer.randomTranslationWith still
              Layer.randomShearWith still
              Layer.randomPerspectiveWith { RandomPerspective.options with Factor = [ 0.0 ] }
              Layer.randomElasticTransformWith
                  { RandomElasticTransform.options with Scale = [ 0.0 ]; ValueRange = (-1.0, 1.0) }
              Layer.randomBrightnessWith none
              Layer.randomContrastWith none
              Layer.randomHueWith none
              Layer.randomSharpnessWith (color [ 0.5; 0.5 ])
              Layer.randomColorDegenerationWith none
              Layer.randomColorJitterWith RandomColorJitter.options
              Layer.randomGrayscale 0.0
              Layer.randomInvertWith none
              Layer.randomGaussianBlurWith
                  { RandomGaussianBlur.options with Factor = [ 0.0 ]; ValueRange = (-1.0, 1.0) }
              Layer.randomErasingWith { RandomErasing.options with Factor = [ 0.0 ] }
              Layer.randAugmentWith { RandAugment.options with NumOps = 0 } ] do
            Close.closeToScale layer.ClassName 1e-6 image (run layer dims image)

    [<Fact>]
    member _.``a saturation of one half changes nothing that is a color``() =
        let colors = image |> Array.map (fun v -> v + 1.0)
        let layer = Layer.randomSaturationWith { RandomColor.options [ 0.5; 0.5 ] with ValueRange = (0.0, 1.0) }
        Close.closeToScale "saturation" 1e-9 colors (run layer dims colors)

    [<Fact>]
    member _.``channels may come first``() =
        let first = Array.init image.Length (fun t -> pixel (t / 60) (t / 5 % 4) (t % 5) (t / 20 % 3))

        let both (make: DataFormat -> Layer) =
            let last = run (make DataFormat.ChannelsLast) dims image
            let moved = run (make DataFormat.ChannelsFirst) [| 2; 3; 4; 5 |] first
            let back = Array.init image.Length (fun t -> moved[t / 60 * 60 + t % 3 * 20 + t / 3 % 20])
            Close.close 1e-12 1e-12 last back

        both (fun f -> Layer.randomRotationWith { RandomRotation.options [ 0.3 ] with DataFormat = f })
        both (fun f -> Layer.randomHueWith { color [ 0.4 ] with DataFormat = f })
        both (fun f -> Layer.randomFlipWith { RandomFlip.options with DataFormat = f })
        both (fun f -> Layer.equalizationWith { Equalization.options with DataFormat = f; ValueRange = (-1.0, 1.0) })
        both (fun f -> Layer.mixUpWith { ImageMix.mixUp with DataFormat = f })

    [<Fact>]
    member _.``rubber moves along both axes alike``() =
        let scale = 0.8
        let layer =
            Layer.randomElasticTransformWith
                { RandomElasticTransform.options with
                    Factor = [ 1.0; 1.0 ]
                    Scale = [ scale; scale ]
                    ValueRange = (-1.0, 1.0)
                    Filling = { Mode = FillMode.Nearest; Interpolation = Sampling.Bilinear; Value = 0.0 } }

        // A ramp along both axes shows where every pixel was read: 40 x 40 cells, deviation 0.05 * 40 * 0.8 = 1.6, so that the
        // kernel has 6 * 1 + 1 cells per axis and movements are 0.1 * 40 * 0.8 times the smoothed noise.
        let size = 40
        let ramp =
            Array.init (size * size * 2) (fun t -> float (if t % 2 = 0 then t / 2 / size else t / 2 % size) / 40.0)
        let moved = run layer [| 1; size; size; 2 |] ramp

        let noise =
            let shape = Shape.Of(1, size, size, 1)
            let drawing =
                Layer.make "Noise" None (fun scope _ ->
                    [| Flow.ofValue (LayerCheck.random scope None "shift" FunctionalNet.Graph.RandomKind.Normal shape) |])
            run drawing [| 1 |] [| 0.0 |]

        let sigma = 1.6
        let bell = [| for i in -3 .. 3 -> exp (-0.5 * (float i / sigma) ** 2.0) |]
        let bell = bell |> Array.map (fun b -> b / Array.sum bell)

        let shift i j =
            let mutable sum = 0.0

            for a in -3 .. 3 do
                for b in -3 .. 3 do
                    if i + a >= 0 && i + a < size && j + b >= 0 && j + b < size then
                        sum <- sum + bell[a + 3] * bell[b + 3] * noise[(i + a) * size + j + b] * sigma

            sum * 0.1 * 40.0 * scale

        let place i d = max 0.0 (min (float (size - 1)) (float i + d)) / 40.0

        check
            "elastic"
            (Array.init moved.Length (fun t ->
                let i, j = t / 2 / size, t / 2 % size
                place (if t % 2 = 0 then i else j) (shift i j)))
            moved

    [<Fact>]
    member _.``strengths of RandAugment begin at 0``() =
        // One number f means 0 to f for every change: images only move down and to the right, and get brighter.
        let settings = Augmentation.settings "RandAugment" [ 0.4 ] (-1.0, 1.0) Sampling.Bilinear None
        Assert.Equal<float list>([ 0.0; 0.4 ], settings.Factor)
        let many = { RandAugment.options with NumOps = 30; ValueRange = (-1.0, 1.0) }
        Assert.Equal(image.Length, (run (Layer.randAugmentWith many) dims image).Length)

    [<Fact>]
    member _.``whole numbers are resized to whole numbers``() =
        let layer = Layer.resizing 1 2
        let x = Expr.Input("x", DType.Int32, Shape.Of(1, 1, 4, 1))
        let trace =
            LayerRun.trace Mode.Infer DType.Float32 layer [| LayerRun.typeOf DType.Int32 [| 1; 1; 4; 1 |] |] [| None |]
        Assert.Equal(DType.Int32, trace.Outputs[0].DType)
        let data = [| Tensor.Of(Shape.Of(1, 1, 4, 1), [| 1; 2; 4; 7 |]) |]
        // Means 1.5 and 5.5 are rounded to even.
        Assert.Equal<float[]>([| 2.0; 6.0 |], (LayerRun.interpret (LayerRun.bind trace data [||]) trace.Outputs)[0])
        ignore x

    /// auto_contrast.py of Keras 3.8 takes minima over axes 1 and 2 in either format.
    [<Fact>]
    member _.``AutoContrast looks at axes 1 and 2``() =
        let values = Array.init 12 (fun i -> float (i * i))
        let last = OneLayer.run Mode.Infer (Layer.autoContrast 0.0 255.0) [| 1; 2; 3; 2 |] values
        let first =
            OneLayer.run
                Mode.Infer
                (ImageLayer.layer ImageContrast.definition ((0.0, 255.0), DataFormat.ChannelsFirst))
                [| 1; 2; 3; 2 |]
                values
        Assert.Equal<float[]>(last, first)

    [<Fact>]
    member _.``factors are checked as strictly as in Keras``() =
        // Most classes only refuse a pair that lies wholly outside.
        Assert.Equal((-2.0, 2.0), FactorBounds.symmetric "Any" "factor" [ -2.0; 2.0 ])
        Assert.Equal((0.5, 3.0), FactorBounds.share "Any" "factor" [ 0.5; 3.0 ])

        let refused (run: unit -> float * float) =
            Assert.Throws<ArgumentValueException>(fun () -> run () |> ignore) |> ignore

        refused (fun () -> FactorBounds.share "Any" "factor" [ 1.5; 3.0 ])
        refused (fun () -> FactorBounds.share "Any" "factor" [ 1.5 ])
        refused (fun () -> FactorBounds.movement "Any" "factor" [ -0.5; 1.5 ])
        refused (fun () -> FactorBounds.strictShare "Any" "factor" [ -0.5; 0.5 ])
        refused (fun () -> FactorBounds.shear "Any" "factor" [ 0.5; 1.5 ])

    [<Fact>]
    member _.``a change by RandAugment is one of the eleven``() =
        let settings = { RandAugment.options with NumOps = 1; ValueRange = (-1.0, 1.0) }
        let whole = run (Layer.randAugmentWith settings) dims image
        Assert.All(whole, fun (v: float) -> Assert.InRange(v, -1.0 - 1e-9, 1.0 + 1e-9))
        Assert.NotEqual<float[]>(image, whole)
        // Another seed, another change.
        Assert.NotEqual<float[]>(whole, run (Layer.randAugmentWith { settings with Seed = Some 8 }) dims image)

    [<Fact>]
    member _.``factors out of range are refused``() =
        let refused (make: unit -> Layer) = Assert.Throws<ArgumentValueException>(fun () -> make () |> ignore) |> ignore

        refused (fun () -> Layer.randomRotation 1.5)
        refused (fun () -> Layer.randomZoomWith (RandomMovement.options [ 0.1; 0.2; 0.3 ] []))
        refused (fun () -> Layer.randomShear -0.1 0.0)
        refused (fun () -> Layer.randomContrast 1.2)
        refused (fun () -> Layer.randomGrayscale -0.5)
        refused (fun () -> Layer.randomPosterizationWith (RandomColor.options [ 2.5 ]))
        refused (fun () -> Layer.randomGaussianBlurWith { RandomGaussianBlur.options with KernelSize = [ 2 ] })
        refused (fun () -> Layer.mixUpWith { ImageMix.mixUp with Concentration = [ 0.0 ] })
        refused (fun () -> Layer.augMixWith { AugMix.options with Alpha = 0.0 })
        let gray = Network.input [ 4; 4; 1 ]
        Assert.Throws<ShapeException>(fun () -> Network.apply (Layer.randomHue 0.1) gray |> ignore)
        |> ignore
