namespace FunctionalNet

open System
open FunctionalNet.Common

/// Pictures in other sizes, by the rules of the two libraries that Keras uses.
module internal Resample =

    /// What one cell of the result is made of: neighbouring cells from the first on, and their weights.
    [<Struct; NoEquality; NoComparison>]
    type private Taps = { First: int; Weights: float[] }

    let private normalised (first: int) (weights: float[]) : Taps =
        let sum = Array.sum weights
        { First = first; Weights = weights |> Array.map (fun w -> w / sum) }

    // ---- TensorFlow

    /// Cells whose middles lie within a kernel's reach of the middle of cell i of the result.
    let private sampled (kernel: ResampleKernels.Kernel) (old: int) (size: int) : Taps[] =
        let step = float old / float size

        Array.init size (fun i ->
            let place = (float i + 0.5) * step - 0.5
            let first = max 0 (int (ceil (place - kernel.Radius)))
            let last = min (old - 1) (int (floor (place + kernel.Radius)))
            normalised first [| for j in first..last -> kernel.At(place - float j) |])

    /// Cells by how much of them cell i of the result covers.
    let private covered (old: int) (size: int) : Taps[] =
        let step = float old / float size

        Array.init size (fun i ->
            let low, high = float i * step, float (i + 1) * step
            let first, last = int (floor low), min (old - 1) (int (ceil high) - 1)
            normalised first [| for j in first..last -> min high (float (j + 1)) - max low (float j) |])

    let private nearest (old: int) (size: int) : Taps[] =
        Array.init size (fun i ->
            { First = min (old - 1) (int (floor ((float i + 0.5) * float old / float size)))
              Weights = [| 1.0 |] })

    let private tapsOf (interpolation: DatasetInterpolation) (old: int) (size: int) : Taps[] =
        match interpolation with
        | DatasetInterpolation.Nearest -> nearest old size
        | DatasetInterpolation.Area -> covered old size
        | DatasetInterpolation.Bicubic -> sampled ResampleKernels.cubic old size
        | DatasetInterpolation.Lanczos3 -> sampled (ResampleKernels.lanczos 3.0) old size
        | DatasetInterpolation.Lanczos5 -> sampled (ResampleKernels.lanczos 5.0) old size
        | DatasetInterpolation.Gaussian -> sampled ResampleKernels.gaussian old size
        | DatasetInterpolation.MitchellCubic -> sampled ResampleKernels.mitchell old size
        | _ -> sampled ResampleKernels.triangle old size

    /// A window of a picture, with black borders where it is larger, in another size: levels as float32, channels last.
    let toSize interpolation (top: int) (left: int) (rows: int) (columns: int) (height: int) (width: int) (p: Picture) =
        let channels = p.Channels
        let down, across = tapsOf interpolation rows height, tapsOf interpolation columns width
        let source = p.Bytes
        // Rows of the window, in the new width.
        let wide: float32[] = Array.zeroCreate (rows * width * channels)

        for i in 0 .. rows - 1 do
            let row = top + i

            if row >= 0 && row < p.Height then
                for j in 0 .. width - 1 do
                    let taps = across[j]

                    for c in 0 .. channels - 1 do
                        let mutable sum = 0.0

                        for t in 0 .. taps.Weights.Length - 1 do
                            let column = left + taps.First + t

                            if column >= 0 && column < p.Width then
                                sum <- sum + taps.Weights[t] * float source[(row * p.Width + column) * channels + c]

                        wide[(i * width + j) * channels + c] <- float32 sum

        let result: float32[] = Array.zeroCreate (height * width * channels)
        let line = width * channels

        for i in 0 .. height - 1 do
            let taps = down[i]

            for k in 0 .. line - 1 do
                let mutable sum = 0.0

                for t in 0 .. taps.Weights.Length - 1 do
                    sum <- sum + taps.Weights[t] * float wide[(taps.First + t) * line + k]

                result[i * line + k] <- float32 sum

        result

    // ---- Pillow

    let private pillow (interpolation: PictureInterpolation) : ResampleKernels.Kernel =
        match interpolation with
        | PictureInterpolation.Box -> { Radius = 0.5; At = fun d -> if d > -0.5 && d <= 0.5 then 1.0 else 0.0 }
        | PictureInterpolation.Hamming ->
            { Radius = 1.0
              At =
                fun d ->
                    let x = abs d

                    if x = 0.0 then
                        1.0
                    elif x >= 1.0 then
                        0.0
                    else
                        let turn = x * Math.PI
                        sin turn / turn * (0.54 + 0.46 * cos turn) }
        | PictureInterpolation.Bicubic -> ResampleKernels.cubic
        | PictureInterpolation.Lanczos -> ResampleKernels.lanczos 3.0
        | _ -> ResampleKernels.triangle

    // Weights have 22 bits behind the point; half of the last one rounds.
    [<Literal>]
    let private Bits = 22

    let private level (sum: int64) = byte (max 0L (min 255L (sum / (1L <<< Bits))))

    /// Weights of one axis as whole numbers, from `length` cells that begin at `start`.
    let private coefficients (kernel: ResampleKernels.Kernel) (old: int) (start: int) (length: int) (size: int) =
        let scale = float length / float size
        let wide = max scale 1.0
        let reach = kernel.Radius * wide

        Array.init size (fun i ->
            let middle = float start + (float i + 0.5) * scale
            let first = max 0 (int (middle - reach + 0.5))
            let last = min old (int (middle + reach + 0.5))
            let taps =
                normalised first [| for j in first .. last - 1 -> kernel.At((float j - middle + 0.5) / wide) |]
            struct (taps.First,
                    taps.Weights
                    |> Array.map (fun w ->
                        int64 (Math.Truncate(w * float (1 <<< Bits) + (if w < 0.0 then -0.5 else 0.5))))))

    /// Opacity multiplied into colors, or divided out of them.
    let private withOpacity (isInto: bool) (pixels: byte[]) : byte[] =
        Array.init pixels.Length (fun i ->
            let opacity = int pixels[i ||| 3]

            if i % 4 = 3 then
                pixels[i]
            elif isInto then
                let product = int pixels[i] * opacity + 128
                byte ((product + product / 256) / 256)
            elif opacity = 0 || opacity = 255 then
                pixels[i]
            else
                byte (min 255 (255 * int pixels[i] / opacity)))

    /// A window of a picture in another size: along rows first, then along columns, each rounded to levels.
    let pictured
        interpolation
        (top: int)
        (left: int)
        (rows: int)
        (columns: int)
        (height: int)
        (width: int)
        (p: Picture)
        =
        let channels = p.Channels

        if interpolation = PictureInterpolation.Nearest then
            let at start length size i = int (floor (float start + (float i + 0.5) * float length / float size))

            let pixels =
                Array.init (height * width * channels) (fun t ->
                    let i, j, c = t / channels / width, t / channels % width, t % channels
                    let row, column =
                        min (p.Height - 1) (at top rows height i), min (p.Width - 1) (at left columns width j)
                    p.Bytes[(row * p.Width + column) * channels + c])

            Picture(height, width, channels, pixels)
        else
            let kernel = pillow interpolation
            let source = if channels = 4 then withOpacity true p.Bytes else p.Bytes
            let across, down =
                coefficients kernel p.Width left columns width, coefficients kernel p.Height top rows height
            let half = 1L <<< (Bits - 1)
            let wide: byte[] = Array.zeroCreate (p.Height * width * channels)

            for i in 0 .. p.Height - 1 do
                for j in 0 .. width - 1 do
                    let struct (first, weights) = across[j]

                    for c in 0 .. channels - 1 do
                        let mutable sum = half

                        for t in 0 .. weights.Length - 1 do
                            sum <- sum + weights[t] * int64 source[(i * p.Width + first + t) * channels + c]

                        wide[(i * width + j) * channels + c] <- level sum

            let line = width * channels
            let result: byte[] = Array.zeroCreate (height * line)

            for i in 0 .. height - 1 do
                let struct (first, weights) = down[i]

                for k in 0 .. line - 1 do
                    let mutable sum = half

                    for t in 0 .. weights.Length - 1 do
                        sum <- sum + weights[t] * int64 wide[(first + t) * line + k]

                    result[i * line + k] <- level sum

            Picture(height, width, channels, (if channels = 4 then withOpacity false result else result))
