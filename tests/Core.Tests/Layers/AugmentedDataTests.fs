namespace FunctionalNet.Tests.Layers

open System
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Common
open FunctionalNet.Datasets
open FunctionalNet.Tests.Support

/// Labels, boxes and masks that come with images through layers.
type AugmentedDataTests() =

    static let located layer = layer |> Layer.withBoundingBoxes BoundingBoxFormat.Xyxy

    /// The boxes of the tests of Keras 3.8: in images of 10 rows and 8 columns.
    static let kerasBoxes = ImageDataRun.tensor [ 1; 2; 4 ] [ 2.0; 1.0; 4.0; 3.0; 6.0; 4.0; 8.0; 6.0 ]

    static let kerasLabels = ImageDataRun.ids [ 1; 2 ] [ 1; 2 ]

    static let kerasExpects name (layer: Layer) (expected: float list) =
        let boxes, _ = ImageDataRun.boxes (located layer) [ 1; 10; 8; 3 ] kerasBoxes kerasLabels
        Close.closeToScale name 1e-6 (List.toArray expected) boxes

    static let exactly vertical horizontal = RandomMovement.options [ vertical; vertical ] [ horizontal; horizontal ]

    static let nearest = { Mode = FillMode.Constant; Interpolation = Sampling.Nearest; Value = 0.0 }
    static let linear = { nearest with Interpolation = Sampling.Bilinear }

    static let drawn seed (name: string) (i: int) =
        float (Philox.toUniform (Philox.bits seed (Philox.streamOf name) 3u (int64 i)))

    /// Layers that move things, reading images in that way.
    static let movements filling =
        [ Layer.randomFlip FlipMode.HorizontalAndVertical
          Layer.randomRotationWith { RandomRotation.options [ 0.4 ] with Filling = filling }
          Layer.randomZoomWith { RandomMovement.options [ 0.5 ] [ 0.4 ] with Filling = filling }
          Layer.randomTranslationWith { RandomMovement.options [ 0.4 ] [ 0.3 ] with Filling = filling }
          Layer.randomShearWith { RandomMovement.options [ 0.4 ] [ 0.5 ] with Filling = filling }
          Layer.randomPerspectiveWith { RandomPerspective.options with Scale = 0.7; Filling = filling }
          Layer.randomCrop 5 4
          Layer.centerCrop 6 3
          Layer.resizingWith
              { Resizing.options 7 13 with
                  Interpolation =
                      (if filling.Interpolation = Sampling.Nearest then
                           Interpolation.Nearest
                       else
                           Interpolation.Bilinear) }
          Layer.resizingWith
              { Resizing.options 6 6 with CropToAspectRatio = true; Interpolation = Interpolation.Nearest }
          Layer.resizingWith
              { Resizing.options 6 6 with PadToAspectRatio = true; Interpolation = Interpolation.Nearest } ]

    static let colors =
        let color factor = RandomColor.options factor

        [ Layer.randomBrightness 0.3
          Layer.randomContrast 0.4
          Layer.randomHue 0.3
          Layer.randomSaturationWith (color [ 0.2; 0.7 ])
          Layer.randomSharpnessWith (color [ 0.1; 0.9 ])
          Layer.randomColorDegenerationWith (color [ 0.5 ])
          Layer.randomColorJitterWith { RandomColorJitter.options with Brightness = [ 0.2 ] }
          Layer.randomGrayscale 0.5
          Layer.randomInvertWith (color [ 1.0 ])
          Layer.randomPosterizationWith (color [ 4.0 ])
          Layer.randomGaussianBlurWith RandomGaussianBlur.options
          Layer.randomErasingWith RandomErasing.options
          Layer.solarizationWith Solarization.options
          Layer.autoContrast 0.0 255.0
          Layer.equalizationWith Equalization.options
          Layer.adaptiveEqualizationWith AdaptiveEqualization.options
          Layer.augMixWith AugMix.options ]

    static let rows, columns = 9, 11
    static let count = 3

    /// Labels 0 .. 4 in every cell, and images with the label in every channel.
    static let labelMap (seed: int) =
        let random = Random seed
        Array.init (count * rows * columns) (fun _ -> random.Next 5)

    static let imagesOf (labels: int[]) =
        ImageDataRun.tensor [ count; rows; columns; 3 ] (labels |> Seq.collect (fun v -> Seq.replicate 3 (float v)))

    static let boxesOf (seed: int) =
        let random = Random(seed + 1)

        ImageDataRun.tensor
            [ count; 2; 4 ]
            [ for _ in 1 .. 2 * count do
                  let x, y = random.Next(columns - 2), random.Next(rows - 2)
                  yield float x
                  yield float y
                  yield float (x + 1 + random.Next(columns - x - 1))
                  yield float (y + 1 + random.Next(rows - y - 1)) ]

    static let boxLabels = ImageDataRun.ids [ count; 2 ] [ 1; 2; 3; 4; 5; 6 ]

    /// random_translation_test.py, random_zoom_test.py (test_random_flip_bounding_boxes), center_crop_test.py, resizing_test.py.
    [<Fact>]
    member _.``Keras's own expectations of boxes hold``() =
        let translated x y = Layer.randomTranslationWith (exactly (y / 10.0) (x / 8.0))
        kerasExpects "positive" (translated 1.0 2.0) [ 3.0; 3.0; 5.0; 5.0; 7.0; 6.0; 8.0; 8.0 ]
        kerasExpects "negative" (translated -1.0 -2.0) [ 1.0; 0.0; 3.0; 1.0; 5.0; 2.0; 7.0; 4.0 ]
        let zoomed f = Layer.randomZoomWith (exactly (f - 1.0) (f - 1.0))
        kerasExpects "in" (zoomed 0.1) [ 0.0; 0.0; 8.0; 0.0; 8.0; 0.0; 8.0; 10.0 ]

        kerasExpects
            "out"
            (zoomed 1.9)
            [ 2.710526; 2.657895; 3.763158; 3.710526; 4.815789; 4.236842; 5.868421; 5.289474 ]

        kerasExpects "crop" (Layer.centerCrop 5 5) [ 1.0; 0.0; 3.0; 1.0; 5.0; 2.0; 5.0; 4.0 ]
        kerasExpects "stretch" (Layer.centerCrop 20 20) [ 5.0; 0.0; 10.0; 5.0; 15.0; 7.5; 20.0; 12.5 ]
        kerasExpects "resized" (Layer.resizing 20 20) [ 5.0; 2.0; 10.0; 6.0; 15.0; 8.0; 20.0; 12.0 ]

        kerasExpects
            "padded"
            (Layer.resizingWith { Resizing.options 20 20 with PadToAspectRatio = true })
            [ 6.0; 2.0; 10.0; 6.0; 14.0; 8.0; 18.0; 12.0 ]

    /// random_flip_test.py (test_random_flip_bounding_boxes); images that are not flipped keep their boxes.
    [<Fact>]
    member _.``Keras's own expectations of flipped boxes hold``() =
        let expected =
            [ FlipMode.Horizontal, [ 4.0; 1.0; 6.0; 3.0; 0.0; 4.0; 2.0; 6.0 ]
              FlipMode.Vertical, [ 2.0; 7.0; 4.0; 9.0; 6.0; 4.0; 8.0; 6.0 ]
              FlipMode.HorizontalAndVertical, [ 4.0; 7.0; 6.0; 9.0; 0.0; 4.0; 2.0; 6.0 ] ]

        let images = ImageDataRun.tensor [ 1; 10; 8; 3 ] (Seq.replicate 240 0.0)

        for mode, flipped in expected do
            for step in 0L .. 7L do
                let isFlipped = Philox.toUniform (Philox.bits 5UL (Philox.streamOf "flip") (uint32 step) 0L) <= 0.5f

                let outputs =
                    ImageDataRun.runAt
                        step
                        Mode.Train
                        (located (Layer.randomFlip mode))
                        images
                        [ "bounding_boxes", kerasBoxes; "bounding_box_labels", kerasLabels ]

                let expected = if isFlipped then List.toArray flipped else kerasBoxes.ToDoubles()
                Close.closeToScale (string mode) 1e-9 expected (outputs[1].ToDoubles())

    /// max_num_bounding_box_test.py; labels may be vectors too.
    [<Fact>]
    member _.``as many boxes for every image``() =
        let boxes, labels =
            ImageDataRun.boxes (Layer.maxNumBoundingBoxes 3) [ 1; 10; 8; 3 ] kerasBoxes kerasLabels

        Assert.Equal<float[]>([| 2.0; 1.0; 4.0; 3.0; 6.0; 4.0; 8.0; 6.0; -1.0; -1.0; -1.0; -1.0 |], boxes)
        Assert.Equal<float[]>([| 1.0; 2.0; -1.0 |], labels)

    /// Corners moved by hand, around the middle of an image of 9 x 11 cells.
    [<Property(MaxTest = 150)>]
    member _.``boxes turn with images``(seed: int) =
        let turn = float (abs (seed % 100)) / 100.0 - 0.5
        let boxes = boxesOf seed
        let layer = Layer.randomRotationWith (RandomRotation.options [ turn; turn ])
        let actual, labels = ImageDataRun.boxes (located layer) [ count; rows; columns; 1 ] boxes boxLabels
        let b = boxes.ToDoubles()
        let cx, cy = float (columns - 1) / 2.0, float (rows - 1) / 2.0
        let angle = 2.0 * Math.PI * turn

        for i in 0 .. 2 * count - 1 do
            let corners =
                [ for x in [ b[4 * i]; b[4 * i + 2] ] do
                      for y in [ b[4 * i + 1]; b[4 * i + 3] ] do
                          cx + (x - cx) * cos angle + (y - cy) * sin angle,
                          cy - (x - cx) * sin angle + (y - cy) * cos angle ]

            let within limit v = max 0.0 (min (float limit) v)
            let xs, ys = List.map fst corners, List.map snd corners

            let expected =
                [| within columns (List.min xs)
                   within rows (List.min ys)
                   within columns (List.max xs)
                   within rows (List.max ys) |]

            Close.closeToScale "box" 1e-9 expected actual[4 * i .. 4 * i + 3]
            let area = (expected[2] - expected[0]) * (expected[3] - expected[1])

            if area = 0.0 || area > 1e-9 then
                Assert.Equal((if area > 0.0 then float (i + 1) else -1.0), labels[i])

    /// A corner of a sheared image lies where the shear leads back to it: x = X + s Y and y = t X + Y, solved by Cramer's rule.
    [<Property(MaxTest = 150)>]
    member _.``boxes are sheared with images``(seed: int) =
        let s, t = float (abs (seed % 10)) / 20.0, float (abs (seed / 10 % 10)) / 20.0
        let boxes = boxesOf seed
        let layer = Layer.randomShearWith (exactly t s)
        let actual, _ = ImageDataRun.boxes (located layer) [ count; rows; columns; 1 ] boxes boxLabels
        let b = boxes.ToDoubles()

        for i in 0 .. 2 * count - 1 do
            let sign = if drawn 5UL "sign" (i / 2) <= 0.5 then 1.0 else -1.0
            let s, t = s * sign, t * sign
            let determinant = 1.0 - s * t

            let corners =
                [ for x in [ b[4 * i]; b[4 * i + 2] ] do
                      for y in [ b[4 * i + 1]; b[4 * i + 3] ] do
                          (x - s * y) / determinant, (y - t * x) / determinant ]

            let within limit v = max 0.0 (min (float limit) v)
            let xs, ys = List.map fst corners, List.map snd corners

            Close.closeToScale
                "box"
                1e-9
                [| within columns (List.min xs)
                   within rows (List.min ys)
                   within columns (List.max xs)
                   within rows (List.max ys) |]
                actual[4 * i .. 4 * i + 3]

    /// The corners of the image come to where the layer draws them, and diagonals still cross in the middle's place.
    [<Property(MaxTest = 150)>]
    member _.``boxes are seen in the perspective of images``(seed: int) =
        let layer =
            Layer.randomPerspectiveWith { RandomPerspective.options with Scale = 0.6; Factor = [ 1.0; 1.0 ] }
        let w, h = float (columns - 1), float (rows - 1)
        let whole, middle = [ 0.0; 0.0; w; h ], [ w / 2.0; h / 2.0; w / 2.0; h / 2.0 ]
        let boxes = ImageDataRun.tensor [ 1; 2; 4 ] (whole @ middle)
        let images = ImageDataRun.tensor [ 1; rows; columns; 1 ] (Seq.replicate (rows * columns) 0.0)
        let step = int64 (abs (seed % 10000))

        let outputs =
            ImageDataRun.runAt
                step
                Mode.Train
                (located layer)
                images
                [ "bounding_boxes", boxes; "bounding_box_labels", kerasLabels ]

        let number name value =
            let draw = float (Philox.toUniform (Philox.bits 5UL (Philox.streamOf name) (uint32 step) 0L))
            (1.0 - 0.3 + 0.6 * draw) * value

        let x1, y3 = number "top right x" w, number "bottom left y" h
        let x2, y2 = number "bottom right x" w, number "bottom right y" h

        // From (0, 0) to (x2, y2), and from (x1, 0) to (0, y3).
        let along = x1 * y3 / (x2 * y3 + x1 * y2)
        let within limit v = max 0.0 (min (float limit) v)

        let expected =
            [| 0.0
               0.0
               within columns (max x1 x2)
               within rows (max y2 y3)
               within columns (along * x2)
               within rows (along * y2)
               within columns (along * x2)
               within rows (along * y2) |]

        Close.closeToScale "boxes" 1e-6 expected (outputs[1].ToDoubles())
        Assert.Equal<float[]>([| 1.0; -1.0 |], outputs[2].ToDoubles())

    /// What is painted into a box of an image lies in the moved box afterwards, up to a cell.
    [<Property(MaxTest = 150)>]
    member _.``boxes stay around what is in them``(seed: int) =
        let boxes = boxesOf seed
        let b = boxes.ToDoubles()

        let painted =
            [ for n in 0 .. count - 1 do
                  for y in 0 .. rows - 1 do
                      for x in 0 .. columns - 1 do
                          let at i = b[8 * n + i]
                          let isIn = float x >= at 0 && float x < at 2 && float y >= at 1 && float y < at 3
                          if isIn then 1 else 0 ]

        let mask = ImageDataRun.ids [ count; rows; columns ] painted
        let images = imagesOf (List.toArray painted)
        let layers = Layer.randomCrop 12 9 :: movements nearest
        let layer = layers[abs seed % layers.Length]

        let outputs =
            ImageDataRun.runAt
                (int64 (abs (seed % 1000)))
                Mode.Train
                (located layer)
                images
                [ "bounding_boxes", boxes; "bounding_box_labels", boxLabels; "segmentation_masks", mask ]

        let moved = outputs[1].ToDoubles()
        let after = outputs[3].ToDoubles()
        let h, w = outputs[3].Shape[1], outputs[3].Shape[2]
        // A cell of the image is so many of the result.
        let slack = 1.0 + max (float h / float rows) (float w / float columns) * 2.0

        for n in 0 .. count - 1 do
            for y in 0 .. h - 1 do
                for x in 0 .. w - 1 do
                    if after[(n * h + y) * w + x] = 1.0 then
                        let at i = moved[8 * n + i]
                        Assert.True(float x >= at 0 - slack && float (x + 1) <= at 2 + slack, layer.ClassName)
                        Assert.True(float y >= at 1 - slack && float (y + 1) <= at 3 + slack, layer.ClassName)

    /// A mask of labels moves as an image of labels that is read at the nearest cells, and so do its axes of channels.
    [<Property(MaxTest = 150)>]
    member _.``masks move with images``(seed: int) =
        let labels = labelMap seed
        let mask = ImageDataRun.ids [ count; rows; columns ] labels
        let layers = movements nearest @ [ Layer.cutMixWith ImageMix.cutMix ]
        let layer = layers[abs seed % layers.Length]
        let step = int64 (abs (seed % 1000))
        let outputs = ImageDataRun.runAt step Mode.Train layer (imagesOf labels) [ "segmentation_masks", mask ]
        let channel = outputs[0].ToDoubles() |> Array.chunkBySize 3 |> Array.map Array.head
        Assert.Equal(DType.Int32, outputs[1].DType)
        Assert.Equal<float[]>(channel, outputs[1].ToDoubles())

        // With an axis of channels, and images read between cells: masks hold labels only, and are the same.
        let smooth = (movements linear @ [ Layer.cutMixWith ImageMix.cutMix ])[abs seed % layers.Length]
        let deep = mask.Reshape(Shape.Of(count, rows, columns, 1))
        let again = ImageDataRun.runAt step Mode.Train smooth (imagesOf labels) [ "segmentation_masks", deep ]
        Assert.Equal(4, again[1].Rank)
        Assert.Equal<float[]>(channel, again[1].ToDoubles())

    [<Fact>]
    member _.``masks bend with images``() =
        let labels = labelMap 3
        let mask = ImageDataRun.ids [ count; rows; columns ] labels

        let layer =
            Layer.randomElasticTransformWith
                { RandomElasticTransform.options with
                    Filling = nearest
                    Factor = [ 1.0; 1.0 ]
                    Scale = [ 1.0; 1.0 ] }

        let outputs = ImageDataRun.run Mode.Train layer (imagesOf labels) [ "segmentation_masks", mask ]
        let channel = outputs[0].ToDoubles() |> Array.chunkBySize 3 |> Array.map Array.head
        Assert.Equal<float[]>(channel, outputs[1].ToDoubles())
        Assert.NotEqual<float[]>(Array.map float labels, channel)

    [<Fact>]
    member _.``layers of channels first move what comes with images too``() =
        let labels = labelMap 4
        let images = imagesOf labels
        let boxes = boxesOf 4

        let swapped (x: Tensor) =
            let values = x.ToDoubles()
            let n, h, w, c = x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]

            ImageDataRun.tensor
                [ n; c; h; w ]
                [ for i in 0 .. n - 1 do
                      for k in 0 .. c - 1 do
                          for y in 0 .. h - 1 do
                              for x in 0 .. w - 1 -> values[((i * h + y) * w + x) * c + k] ]

        let run format (images: Tensor) (mask: Tensor) =
            let options = { RandomRotation.options [ 0.4 ] with Filling = nearest; DataFormat = format }

            ImageDataRun.run
                Mode.Train
                (located (Layer.randomRotationWith options))
                images
                [ "bounding_boxes", boxes; "bounding_box_labels", boxLabels; "segmentation_masks", mask ]

        let mask = ImageDataRun.tensor [ count; rows; columns; 1 ] (Array.map float labels)
        let last = run DataFormat.ChannelsLast images mask
        let first = run DataFormat.ChannelsFirst (swapped images) (swapped mask)
        Assert.Equal<float[]>((swapped last[0]).ToDoubles(), first[0].ToDoubles())
        Assert.Equal<float[]>(last[1].ToDoubles(), first[1].ToDoubles())
        Assert.Equal<float[]>((swapped last[3]).ToDoubles(), first[3].ToDoubles())

    [<Fact>]
    member _.``changes of colors leave the rest alone``() =
        let labels = labelMap 7
        let boxes = boxesOf 7
        let mask = ImageDataRun.ids [ count; rows; columns ] labels
        let classes = ImageDataRun.tensor [ count; 2 ] [ 1.0; 0.0; 0.0; 1.0; 0.5; 0.5 ]

        for layer in colors do
            let outputs =
                ImageDataRun.run
                    Mode.Train
                    // No format is needed where boxes stay.
                    layer
                    (imagesOf labels)
                    [ "segmentation_masks", mask
                      "labels", classes
                      "bounding_box_labels", boxLabels
                      "bounding_boxes", boxes ]

            // In the order labels, boxes, labels of boxes, masks, however they were given.
            for expected, actual in List.zip [ classes; boxes; boxLabels; mask ] (List.ofArray outputs[1..]) do
                Assert.Equal(expected.Shape, actual.Shape)
                Assert.Equal<float[]>(expected.ToDoubles(), actual.ToDoubles())

    [<Fact>]
    member _.``at inference everything passes unchanged``() =
        let labels = labelMap 8
        let boxes = boxesOf 8

        for layer in List.take 6 (movements linear) @ colors[..5] do
            let outputs =
                ImageDataRun.run
                    Mode.Infer
                    (located layer)
                    (imagesOf labels)
                    [ "bounding_boxes", boxes; "bounding_box_labels", boxLabels ]

            Assert.Equal<float[]>((imagesOf labels).ToDoubles(), outputs[0].ToDoubles())
            Assert.Equal<float[]>(boxes.ToDoubles(), outputs[1].ToDoubles())
            Assert.Equal<float[]>(boxLabels.ToDoubles(), outputs[2].ToDoubles())

    [<Fact>]
    member _.``mixed images have the boxes of both, and mixed labels and masks``() =
        let labels = labelMap 9
        let boxes = boxesOf 9
        let classes = ImageDataRun.tensor [ count; 2 ] [ 1.0; 0.0; 0.0; 1.0; 0.5; 0.5 ]
        let mask = ImageDataRun.ids [ count; rows; columns ] labels
        let layer = located (Layer.mixUpWith { ImageMix.mixUp with Concentration = [ 0.7 ] })

        let outputs =
            ImageDataRun.run
                Mode.Train
                layer
                (imagesOf labels)
                [ "labels", classes
                  "bounding_boxes", boxes
                  "bounding_box_labels", boxLabels
                  "segmentation_masks", mask ]

        // The same draw as that of images and labels as two inputs.
        let pair, _, _ =
            OneLayer.many
                Mode.Train
                layer
                [ [| count; rows; columns; 3 |], (imagesOf labels).ToDoubles()
                  [| count; 2 |], classes.ToDoubles() ]

        Close.closeToScale "images" 1e-12 pair[0] (outputs[0].ToDoubles())
        Close.closeToScale "labels" 1e-12 pair[1] (outputs[1].ToDoubles())
        let channel = outputs[0].ToDoubles() |> Array.chunkBySize 3 |> Array.map Array.head
        Close.closeToScale "masks" 1e-12 channel (outputs[4].ToDoubles())

        let order = Array.init count (fun i -> drawn 5UL "order" i, i) |> Array.sort |> Array.map snd

        Assert.Equal(4, outputs[2].Shape[1])
        let b, l = boxes.ToDoubles(), boxLabels.ToDoubles()

        for n in 0 .. count - 1 do
            let both (values: float[]) size =
                Array.append values[n * size .. (n + 1) * size - 1] values[order[n] * size .. (order[n] + 1) * size - 1]

            Assert.Equal<float[]>(both b 8, outputs[2].ToDoubles()[n * 16 .. n * 16 + 15])
            Assert.Equal<float[]>(both l 2, outputs[3].ToDoubles()[n * 4 .. n * 4 + 3])

    [<Fact>]
    member _.``RandAugment moves masks and boxes with images, and only then``() =
        let labels = labelMap 11
        let mask = ImageDataRun.ids [ count; rows; columns ] labels
        let boxes = boxesOf 11

        let layer =
            located (Layer.randAugmentWith { RandAugment.options with NumOps = 1; Interpolation = Sampling.Nearest })

        let seen = Array.create 2 0

        for step in 0L .. 29L do
            let outputs =
                ImageDataRun.runAt
                    step
                    Mode.Train
                    layer
                    (imagesOf labels)
                    [ "bounding_boxes", boxes; "bounding_box_labels", boxLabels; "segmentation_masks", mask ]

            // Which of eleven changes comes first.
            let first =
                Array.init 11 (fun i ->
                    float (Philox.toUniform (Philox.bits 5UL (Philox.streamOf "order") (uint32 step) (int64 i))), i)
                |> Array.min
                |> snd

            if first < 3 then
                seen[0] <- seen[0] + 1
                let channel = outputs[0].ToDoubles() |> Array.chunkBySize 3 |> Array.map Array.head
                Assert.Equal<float[]>(channel, outputs[3].ToDoubles())
            else
                seen[1] <- seen[1] + 1
                Assert.Equal<float[]>(boxes.ToDoubles(), outputs[1].ToDoubles())
                Assert.Equal<float[]>(mask.ToDoubles(), outputs[3].ToDoubles())

        Assert.True(seen[0] > 3 && seen[1] > 3)

    [<Fact>]
    member _.``what does not fit is refused``() =
        let labels = labelMap 1
        let boxes = boxesOf 1

        let run layer named = ImageDataRun.run Mode.Train layer (imagesOf labels) named |> ignore
        let both = [ "bounding_boxes", boxes; "bounding_box_labels", boxLabels ]
        let wrong (run: unit -> unit) = Assert.Throws<ArgumentValueException>(Action run)
        let ill (run: unit -> unit) = Assert.Throws<ShapeException>(Action run) |> ignore
        let flip = Layer.randomFlip FlipMode.Vertical
        Assert.Contains("bounding_box_format", (wrong (fun () -> run flip both)).Message)
        wrong (fun () -> run (located (Layer.cutMixWith ImageMix.cutMix)) both) |> ignore

        wrong (fun () -> run (located (Layer.randomElasticTransformWith RandomElasticTransform.options)) both)
        |> ignore

        wrong (fun () -> located (Layer.dense 3) |> ignore) |> ignore
        ill (fun () -> run (located flip) [ "bounding_boxes", boxes ])

        ill (fun () -> run (located flip) [ "bounding_boxes", kerasBoxes; "bounding_box_labels", kerasLabels ])

        ill (fun () -> run flip [ "segmentation_masks", ImageDataRun.ids [ count; 2; 2 ] (Seq.replicate 12 0) ])
        ill (fun () -> run flip [ "segmentation_masks", ImageDataRun.ids [ count ] [ 0; 0; 0 ] ])
        ill (fun () -> run (Layer.mixUpWith ImageMix.mixUp) [ "labels", ImageDataRun.tensor [ 2; 1 ] [ 0.0; 0.0 ] ])
        wrong (fun () -> ImageData(boxes, boxes = boxes) |> ignore) |> ignore

    [<Fact>]
    member _.``in a network, boxes and masks are inputs and outputs like others``() =
        let images = Network.input [ rows; columns; 3 ]
        let boxes, classes = Network.input [ 2; 4 ], Network.input [ 2 ]
        let masks = Network.input [ rows; columns ]

        let moved =
            [ images ]
            |> Network.applyWith
                (located (Layer.resizing 18 11))
                [ "bounding_boxes", boxes; "bounding_box_labels", classes; "segmentation_masks", masks ]

        Assert.Equal<int>([ 18; 11; 3 ], [ for i in 1..3 -> moved[0].Shape[i] ])
        Assert.Equal<int>([ 18; 11 ], [ for i in 1..2 -> moved[3].Shape[i] ])
        let network = Network.create [ images; boxes; classes; masks ] moved
        let trainer = Trainer.create network
        let labels = labelMap 2

        let predicted =
            trainer.Predict(
                [| imagesOf labels; boxesOf 2; boxLabels; ImageDataRun.ids [ count; rows; columns ] labels |],
                EvaluateOptions()
            )

        let expected = (boxesOf 2).ToDoubles() |> Array.mapi (fun i v -> if i % 2 = 1 then 2.0 * v else v)
        Close.closeToScale "boxes" 1e-6 expected (predicted[1].ToDoubles())

    [<Fact>]
    member _.``the format is part of the configuration where there is one``() =
        let layer = located (Layer.randomFlip FlipMode.Vertical)
        Assert.Contains(("bounding_box_format", Text "xyxy"), layer.Config.Value.Arguments)
        let plain = Layer.randomFlip FlipMode.Vertical
        Assert.DoesNotContain("bounding_box_format", List.map fst plain.Config.Value.Arguments)
        Assert.Equal("mine", (Layer.named "mine" plain |> located).Name)

    static member Augmenter =
        Augmenter.create
            [ located (Layer.randomFlip FlipMode.Horizontal)
              Layer.rescaling 0.5 0.0
              located (Layer.randomTranslation 0.2 0.2)
              located (Layer.resizing 6 6) ]

    [<Fact>]
    member _.``ahead of a model one image is a batch of one``() =
        let labels = labelMap 12
        let random () = Random 4
        let row (t: Tensor) = t.Rows(0, 1)
        let single (t: Tensor) = (row t).Reshape(Shape.Of((row t).Shape.ToArray()[1..]))
        let mask = ImageDataRun.ids [ count; rows; columns ] labels

        let data shape =
            ImageData(
                shape (imagesOf labels),
                boxes = shape (boxesOf 12),
                boxLabels = shape boxLabels,
                segmentationMasks = shape mask
            )

        let augmenter = AugmentedDataTests.Augmenter
        let one = augmenter.Transform(data single, random ())
        let batch = augmenter.Transform(data row, random ())
        Assert.Equal(Shape.Of(6, 6, 3), one.Images.Shape)
        Assert.Equal(Shape.Of(6, 6), (Unchecked.nonNull one.SegmentationMasks).Shape)
        Assert.Equal(Shape.Of(2, 4), (Unchecked.nonNull one.Boxes).Shape)
        Assert.Null one.Labels

        for a, b in List.zip (List.ofArray one.Parts) (List.ofArray batch.Parts) do
            Assert.Equal<float[]>(a.ToDoubles(), b.ToDoubles())

        // Rescaling gets the images alone.
        let most = Array.max (one.Images.ToDoubles())
        Assert.True(most <= 2.0 && most > 1.0)

        // Without random numbers, every call draws others; at inference none does.
        let images () = (augmenter.Transform(data row)).Images.ToDoubles()
        Assert.True(Seq.length (Seq.distinct [ for _ in 1..6 -> images () ]) > 1)
        let still = Augmenter.inference [ Layer.randomFlip FlipMode.Horizontal ]
        Assert.Equal<float[]>((row (imagesOf labels)).ToDoubles(), (still.Transform(row (imagesOf labels))).ToDoubles())

    [<Fact>]
    member _.``in a dataset the same seed gives the same data, whatever the threads``() =
        let element i =
            ImageData(
                (imagesOf (labelMap i)).Rows(0, 1).Reshape(Shape.Of(rows, columns, 3)),
                labels = ImageDataRun.ids [] [ i ],
                boxes = (boxesOf i).Rows(0, 1).Reshape(Shape.Of(2, 4)),
                boxLabels = ImageDataRun.ids [ 2 ] [ 1; 2 ]
            )

        let augmenter = AugmentedDataTests.Augmenter

        let batches parallelism =
            let changed =
                Dataset.ofSeq [ for i in 0..11 -> element i ]
                |> Dataset.mapRandom parallelism 5 (Augmenter.transformWith augmenter)
                |> Dataset.batch 4

            changed.ToArray()

        let once, twice = batches 1, batches 3
        Assert.Equal(3, once.Length)
        Assert.Equal(Shape.Of(4, 6, 6, 3), once[0].Images.Shape)
        Assert.Equal<int[]>([| 0; 1; 2; 3 |], (Unchecked.nonNull once[0].Labels).ToArray<int>())

        for a, b in Array.zip once twice do
            for x, y in Array.zip a.Parts b.Parts do
                Assert.Equal<float[]>(x.ToDoubles(), y.ToDoubles())

        let training = (Dataset.ofSeq once).ToTrainingData().ToArray()
        Assert.Equal(1, training[0].Inputs.Count)
        Assert.Equal(3, training[0].Targets.Count)

    [<Fact>]
    member _.``layers with weights belong into the model``() =
        let augmenter = Augmenter.create [ Layer.conv2D 2 [ 3; 3 ] ]

        let error =
            Assert.Throws<ArgumentValueException>(fun () -> augmenter.Transform(imagesOf (labelMap 1)) |> ignore)

        Assert.Contains("no weights", error.Message)

    /// What runs ahead of a model in place of eleven changes, of which ten are thrown away.
    [<Fact>]
    member _.``a change of RandAugment alone is that change among all``() =
        let settings = Augmentation.settings "RandAugment" [ 0.5 ] (0.0, 4.0) Sampling.Bilinear None

        let layer (draw: Scope -> Expr -> ImageChange) =
            Layer.make "Draw" None (fun scope flows ->
                let change = draw scope flows[0].Value
                let mask = (scope.Argument "segmentation_masks").Value
                [| Flow.ofValue (change.Images flows[0].Value); Flow.ofValue (change.Masks mask) |])

        let labels = labelMap 21
        let mask = ImageDataRun.tensor [ count; rows; columns; 1 ] (Array.map float labels)
        let run layer = ImageDataRun.run Mode.Train layer (imagesOf labels) [ "segmentation_masks", mask ]

        for i in 0 .. Augmentation.count true - 1 do
            let which = Expr.Scalar(DType.Int32, float i)
            let expected = run (layer (Augmentation.change settings true which))
            let actual = run (layer (Augmentation.only settings i))

            for a, b in Array.zip expected actual do
                Close.closeToScale (string i) 1e-12 (a.ToDoubles()) (b.ToDoubles())

    [<Fact>]
    member _.``ahead of a model RandAugment makes as many changes as it should``() =
        let labels = labelMap 22
        let boxes = boxesOf 22
        let mask = ImageDataRun.ids [ count; rows; columns ] labels

        let data = ImageData(imagesOf labels, boxes = boxes, boxLabels = boxLabels, segmentationMasks = mask)

        let augmenter n =
            Augmenter.create
                [ Layer.rescaling 10.0 0.0
                  Layer.pipeline
                      [ located (
                            Layer.randAugmentWith
                                { RandAugment.options with NumOps = n; Interpolation = Sampling.Nearest }
                        ) ]
                  Layer.rescaling 0.1 0.0 ]

        let none = (augmenter 0).Transform data
        Close.closeToScale "none" 1e-6 (data.Images.ToDoubles()) (none.Images.ToDoubles())
        let one = augmenter 1
        let changed = Array.create 2 0

        for seed in 0..29 do
            let after = one.Transform(data, Random seed)
            let again = one.Transform(data, Random seed)
            Assert.Equal<float[]>(after.Images.ToDoubles(), again.Images.ToDoubles())
            let moved = (Unchecked.nonNull after.SegmentationMasks).ToArray<int>()

            if moved = labels then
                changed[0] <- changed[0] + 1
            else
                changed[1] <- changed[1] + 1
                let channel = after.Images.ToDoubles() |> Array.chunkBySize 3 |> Array.map Array.head
                Close.closeToScale "moved" 1e-6 (Array.map float moved) channel

        // Three changes of eleven move things.
        Assert.True(changed[1] >= 2 && changed[0] >= 12)
