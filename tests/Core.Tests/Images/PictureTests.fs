namespace FunctionalNet.Tests.Images

open System
open System.IO
open FunctionalNet
open FunctionalNet.Datasets
open FunctionalNet.Tests.Support
open Xunit

/// A folder that goes when the test ends.
type internal TemporaryFolder() =
    let path = Path.Combine(Path.GetTempPath(), "functionalnet-" + Guid.NewGuid().ToString "N")
    do Directory.CreateDirectory path |> ignore
    member _.Path = path
    member _.File(relative: string) =
        let file = Path.Combine(path, relative)
        Directory.CreateDirectory(Path.GetDirectoryName file |> nonNull) |> ignore
        file

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, true)

/// Pictures of tests/data/images, whose levels follow formulas, and sizes against sums over all cells.
type PictureTests() =

    static let file name = Data.inTests (Path.Combine("images", name))

    /// The level of row i, column j, channel c of the 5 x 7 pictures.
    static let level i j c = byte ((i * 37 + j * 11 + c * 83) % 256)

    static let levels channels (f: int -> int -> int -> byte) =
        Array.init (5 * 7 * channels) (fun t -> f (t / channels / 7) (t / channels % 7) (t % channels))

    static let load mode name = Picture.load { Picture.options with ColorMode = mode } (file name)

    static let same (expected: byte[]) (p: Picture) = Assert.Equal<byte[]>(expected, p.Pixels.ToArray())

    /// Pillow's rounding of the luma of ITU-R BT.601.
    static let luma r g b = byte ((int r * 19595 + int g * 38470 + int b * 7471 + 0x8000) / 65536)

    /// Weights of all cells for one cell of the result, from Pillow's definitions (src/libImaging/Resample.c) in double precision.
    static let pillow (kernel: float -> float) (old: int) (size: int) (cells: float[]) =
        let scale = float old / float size
        let wide = max 1.0 scale

        Array.init size (fun i ->
            let middle = (float i + 0.5) * scale
            let weigh j = kernel ((float j + 0.5 - middle) / wide)
            let total = Seq.sumBy weigh [ 0 .. old - 1 ]
            let value = Seq.sumBy (fun j -> weigh j / total * cells[j]) [ 0 .. old - 1 ]
            max 0.0 (min 255.0 (floor (value + 0.5))))

    static let sinc x = if x = 0.0 then 1.0 else sin (Math.PI * x) / (Math.PI * x)

    static let cubic a d =
        let x = abs d

        if x < 1.0 then ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
        elif x < 2.0 then (((x - 5.0) * x + 8.0) * x - 4.0) * a
        else 0.0

    static let pillows: (PictureInterpolation * (float -> float)) list =
        [ PictureInterpolation.Box, (fun d -> if d > -0.5 && d <= 0.5 then 1.0 else 0.0)
          PictureInterpolation.Bilinear, (fun d -> max 0.0 (1.0 - abs d))
          PictureInterpolation.Hamming,
          (fun d -> if abs d >= 1.0 then 0.0 else sinc d * (0.54 + 0.46 * cos (Math.PI * d)))
          PictureInterpolation.Bicubic, cubic -0.5
          PictureInterpolation.Lanczos, (fun d -> if abs d < 3.0 then sinc d * sinc (d / 3.0) else 0.0) ]

    [<Theory>]
    [<InlineData "rgb.png">]
    [<InlineData "rgb.bmp">]
    member _.``colors are read``(name: string) =
        let p = load ColorMode.Rgb name
        Assert.Equal((5, 7, 3), (p.Height, p.Width, p.Channels))
        same (levels 3 level) p
        same (levels 1 (fun i j _ -> luma (level i j 0) (level i j 1) (level i j 2))) (load ColorMode.Grayscale name)
        same (levels 4 (fun i j c -> if c = 3 then 255uy else level i j c)) (load ColorMode.Rgba name)

    [<Fact>]
    member _.``other kinds of files become the channels that are asked for``() =
        same (levels 1 (fun i j _ -> level i j 0)) (load ColorMode.Grayscale "gray.png")
        same (levels 3 (fun i j _ -> level i j 0)) (load ColorMode.Rgb "gray.png")
        let opacity i j = byte ((i * 50 + j * 7) % 256)
        same (levels 4 (fun i j c -> if c = 3 then opacity i j else level i j c)) (load ColorMode.Rgba "rgba.png")
        // Opacity is left out, not blended, as in Pillow and TensorFlow.
        same (levels 3 level) (load ColorMode.Rgb "rgba.png")
        same (levels 3 (fun i _ c -> level i 0 c)) (load ColorMode.Rgb "palette.png")
        // 16 bits lose their lower half.
        same (levels 1 (fun i j _ -> level i j 0)) (load ColorMode.Grayscale "deep.png")
        // The first picture of a GIF.
        let colors =
            [| [| 10uy; 20uy; 30uy |]
               [| 200uy; 100uy; 50uy |]
               [| 0uy; 255uy; 128uy |]
               [| 255uy; 255uy; 255uy |] |]
        same (levels 3 (fun i j c -> colors[(i + j) % 4][c])) (load ColorMode.Rgb "moving.gif")

    [<Fact>]
    member _.``tensors and pictures are the same levels``() =
        let tensor = Picture.toTensor (load ColorMode.Rgb "rgb.png")
        Assert.Equal(Shape.Of(5, 7, 3), tensor.Shape)
        Assert.Equal<float32[]>(levels 3 level |> Array.map float32, tensor.ToArray<float32>())
        same (levels 3 level) (Picture.ofTensor false tensor)
        // array_to_img stretches from the least to the greatest value, and cuts.
        let stretched = Picture.ofTensor true (Tensor.Of(Shape.Of(1, 4, 1), [| -1.0f; 0.0f; 0.5f; 3.0f |]))
        Assert.Equal<byte[]>([| 0uy; 63uy; 95uy; 255uy |], stretched.Pixels.ToArray())
        Assert.Equal<byte[]>(
            [| 0uy; 0uy |],
            (Picture.ofTensor true (Tensor.Of(Shape.Of(1, 2, 1), [| 7f; 7f |]))).Pixels.ToArray()
        )

        Assert.Throws<ArgumentValueException>(fun () ->
            Picture.ofTensor false (Tensor.Of(Shape.Of(1, 1, 1), [| 256f |])) |> ignore)
        |> ignore

        Assert.Throws<ShapeException>(fun () ->
            Picture.ofTensor true (Tensor.Zeros(DType.Float32, Shape.Of(2, 2))) |> ignore)
        |> ignore

    [<Fact>]
    member _.``files are written and read``() =
        use folder = new TemporaryFolder()

        for mode in [ ColorMode.Rgb; ColorMode.Grayscale; ColorMode.Rgba ] do
            let p = load mode "rgba.png"
            let path = folder.File("a.png")
            Picture.save path p
            same (p.Pixels.ToArray()) (Picture.load { Picture.options with ColorMode = mode } path)

        let colors = load ColorMode.Rgb "rgb.png"
        Picture.save (folder.File "b.bmp") colors
        same (levels 3 level) (Picture.load Picture.options (folder.File "b.bmp"))
        // JPEG loses a little of a smooth picture, and all of its opacity.
        let smooth =
            Picture.ofTensor
                false
                (Tensor.Of(Shape.Of(16, 16, 4), Array.init 1024 (fun t -> float32 (t / 64 * 8 + t / 4 % 16 * 4))))
        Picture.save (folder.File "c.JPG") smooth
        let again = Picture.load Picture.options (folder.File "c.JPG")
        Assert.Equal((16, 16, 3), (again.Height, again.Width, again.Channels))

        again.Pixels.ToArray()
        |> Array.iteri (fun i v ->
            Assert.InRange(int v, i / 48 * 8 + i / 3 % 16 * 4 - 8, i / 48 * 8 + i / 3 % 16 * 4 + 8))

        let e = Assert.Throws<ArgumentValueException>(fun () -> Picture.save (folder.File "d.tiff") colors)
        Assert.Contains(".png", e.Expected)

    [<Fact>]
    member _.``a broken picture is named``() =
        use folder = new TemporaryFolder()
        let path = folder.File "broken.png"
        File.WriteAllBytes(path, (File.ReadAllBytes(file "rgb.png"))[..40])
        let e = Assert.Throws<DatasetException>(fun () -> Picture.load Picture.options path |> ignore)
        Assert.Equal(DatasetFailure.Corrupt, e.Failure)
        Assert.Equal(path, e.Path)
        File.WriteAllText(path, "no picture at all")
        Assert.Throws<DatasetException>(fun () -> Picture.load Picture.options path |> ignore) |> ignore
        Assert.Throws<FileNotFoundException>(fun () -> Picture.load Picture.options (folder.File "none.png") |> ignore)
        |> ignore

    [<Fact>]
    member _.``pictures are resized as by Pillow``() =
        for interpolation, kernel in pillows do
            for height, width in [ 9, 13; 3, 4; 5, 3; 2, 14 ] do
                let resized =
                    Picture.load
                        { Picture.options with
                            TargetSize = Some(struct (height, width))
                            Interpolation = interpolation }
                        (file "rgb.png")

                let actual = resized.Pixels.ToArray()
                let mutable off = 0

                for c in 0..2 do
                    // Rows first, then columns, each rounded.
                    let wide =
                        Array.init 5 (fun i -> pillow kernel 7 width (Array.init 7 (fun j -> float (level i j c))))
                    let tall = Array.init width (fun j -> pillow kernel 5 height (Array.init 5 (fun i -> wide[i][j])))

                    for i in 0 .. height - 1 do
                        for j in 0 .. width - 1 do
                            let difference = abs (tall[j][i] - float actual[(i * width + j) * 3 + c])
                            // Halves may fall to the other side in whole numbers.
                            Assert.InRange(difference, 0.0, 1.0)
                            if difference > 0.0 then off <- off + 1

                Assert.InRange(off, 0, height * width * 3 / 20)

        // By hand: two cells to four, 0.25 and 0.75 of the way.
        let two = Picture.ofTensor false (Tensor.Of(Shape.Of(1, 2, 1), [| 0f; 255f |]))
        let four = Resample.pictured PictureInterpolation.Bilinear 0 0 1 2 1 4 two
        Assert.Equal<byte[]>([| 0uy; 64uy; 191uy; 255uy |], four.Pixels.ToArray())

    [<Fact>]
    member _.``targets may keep the proportions``() =
        let nearest = Picture.load { Picture.options with TargetSize = Some(struct (10, 14)) } (file "rgb.png")

        Assert.Equal<byte[]>(
            Array.init (10 * 14 * 3) (fun t -> level (t / 42 / 2) (t / 3 % 14 / 2) (t % 3)),
            nearest.Pixels.ToArray()
        )

        // 5 x 7 to 5 x 5: the middle of it.
        let kept =
            Picture.load
                { Picture.options with
                    TargetSize = Some(struct (5, 5))
                    KeepAspectRatio = true
                    Interpolation = PictureInterpolation.Lanczos }
                (file "rgb.png")

        // In its own size a window stays as it is.
        Assert.Equal<byte[]>(Array.init 75 (fun t -> level (t / 15) (1 + t / 3 % 5) (t % 3)), kept.Pixels.ToArray())

    [<Fact>]
    member _.``pictures of datasets are resized as by TensorFlow``() =
        let p = load ColorMode.Rgb "rgb.png"
        let step old size = float old / float size

        let distance old size i j = (float i + 0.5) * step old size - 0.5 - float j
        let of' (kernel: float -> float) old size i j = kernel (distance old size i j)

        let overlap old size i j =
            let low, high = float i * step old size, float (i + 1) * step old size
            max 0.0 (min high (float (j + 1)) - max low (float j))

        let mitchell d =
            let x = abs d

            if x < 1.0 then (7.0 * x ** 3.0 - 12.0 * x ** 2.0 + 16.0 / 3.0) / 6.0
            elif x < 2.0 then (-7.0 / 3.0 * x ** 3.0 + 12.0 * x ** 2.0 - 20.0 * x + 32.0 / 3.0) / 6.0
            else 0.0

        let lanczos r d = if abs d < r then sinc d * sinc (d / r) else 0.0

        let kinds: (DatasetInterpolation * (int -> int -> int -> int -> float)) list =
            [ DatasetInterpolation.Bilinear, of' (fun d -> max 0.0 (1.0 - abs d))
              DatasetInterpolation.Nearest,
              (fun old size i j -> if int (floor ((float i + 0.5) * step old size)) = j then 1.0 else 0.0)
              DatasetInterpolation.Bicubic, of' (cubic -0.5)
              DatasetInterpolation.Area, overlap
              DatasetInterpolation.Lanczos3, of' (lanczos 3.0)
              DatasetInterpolation.Lanczos5, of' (lanczos 5.0)
              DatasetInterpolation.Gaussian, of' (fun d -> if abs d < 1.5 then exp (-(d * d) / (2.0 * 0.25)) else 0.0)
              DatasetInterpolation.MitchellCubic, of' mitchell ]

        for interpolation, weight in kinds do
            for height, width in [ 9, 13; 3, 4; 5, 3 ] do
                let actual = Resample.toSize interpolation 0 0 5 7 height width p

                let shares old size =
                    Array.init size (fun i ->
                        let raw = Array.init old (weight old size i)
                        raw |> Array.map (fun w -> w / Array.sum raw))

                let down, across = shares 5 height, shares 7 width

                let expected =
                    Array.init actual.Length (fun t ->
                        let i, j, c = t / 3 / width, t / 3 % width, t % 3

                        Seq.sum (
                            seq {
                                for a in 0..4 do
                                    for b in 0..6 -> down[i][a] * across[j][b] * float (level a b c)
                            }
                        ))

                Close.closeToScale (string interpolation) 2e-6 expected (Array.map float actual)
