namespace FunctionalNet.Tests.Layers

open System
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit

/// Spectrograms against Fourier sums written out in double precision.
type AudioTests() =

    static let check name expected actual = Close.closeToScale name 1e-9 expected actual

    static let turn = 2.0 * Math.PI

    /// The Hann window of n samples, or one period of it.
    static let hann periodic n =
        let m = if periodic then n else n - 1
        Array.init n (fun i -> 0.5 - 0.5 * cos (turn * float i / float m))

    static let hamming periodic n =
        let m = if periodic then n else n - 1
        Array.init n (fun i -> 0.54 - 0.46 * cos (turn * float i / float m))

    /// Real and imaginary part of frequency k of n, of samples times a window.
    static let frequency (window: float[]) (n: int) (k: int) (sample: int -> float) =
        let sum (f: float -> float) =
            Seq.sum (
                seq { for i in 0 .. window.Length - 1 -> window[i] * sample i * f (turn * float (i * k) / float n) }
            )

        sum cos, -(sum sin)

    static let values name length = SignalWindows.values "test" (SignalWindow.Named name) length false

    /// Signals 2 x 19 x 3.
    static let signal = LayerRun.numbers "signal" (2 * 19 * 3)
    static let at n i c = if i < 0 || i >= 19 then 0.0 else signal[(n * 19 + i) * 3 + c]

    static let spectrogram (options: STFTSpectrogramOptions) =
        OneLayer.initialised Mode.Infer (Layer.stftSpectrogramWith options) [| 2; 19; 3 |] signal

    static let options = { STFTSpectrogram.options with FrameLength = 6; FrameStep = Some 4; FftLength = Some 8 }

    /// Frames of 6, 4 apart, of 8 frequencies, density-scaled; the value of frame t, frequency k, channel c.
    static let expected (value: int -> float * float -> float) (padding: int) (frames: int) =
        let window = hann false 6
        let scale = sqrt (Array.sumBy (fun v -> v * v) window)
        let window = window |> Array.map (fun v -> v / scale)

        [| for n in 0..1 do
               for t in 0 .. frames - 1 do
                   for c in 0..2 do
                       for k in 0..4 -> value k (frequency window 8 k (fun i -> at n (4 * t - padding + i) c)) |]

    /// scipy.signal.windows, as its documentation defines them; numbers of known windows by hand.
    [<Fact>]
    member _.``windows have the values of their names``() =
        check "hann" [| 0.0; 0.5; 1.0; 0.5; 0.0 |] (values "hann" 5)
        check "hann, periodic" [| 0.0; 0.5; 1.0; 0.5 |] (SignalWindows.values "test" (SignalWindow.Named "hann") 4 true)
        check "hamming" [| 0.08; 0.54; 1.0; 0.54; 0.08 |] (values "hamming" 5)
        check "blackman" [| 0.0; 0.34; 1.0; 0.34; 0.0 |] (values "blackman" 5)
        check "bartlett" [| 0.0; 0.5; 1.0; 0.5; 0.0 |] (values "bartlett" 5)
        check "triang" [| 1.0 / 3.0; 2.0 / 3.0; 1.0; 2.0 / 3.0; 1.0 / 3.0 |] (values "triang" 5)
        check "triang, even" [| 0.25; 0.75; 0.75; 0.25 |] (values "triang" 4)
        check "boxcar" [| 1.0; 1.0; 1.0 |] (values "boxcar" 3)
        check "cosine" [| sin (Math.PI / 6.0); 1.0; sin (Math.PI / 6.0) |] (values "cosine" 3)
        check "exponential" [| exp -1.0; 1.0; exp -1.0 |] (values "exponential" 3)
        check "tukey" [| 0.0; 1.0; 1.0; 1.0; 0.0 |] (values "tukey" 5)
        check "bohman" [| 0.0; 1.0 / Math.PI; 1.0; 1.0 / Math.PI; 0.0 |] (values "bohman" 5)
        check
            "parzen"
            [| 2.0 * 0.2 ** 3.0; 1.0 - 6.0 * 0.16 + 6.0 * 0.064; 1.0 |]
            (Array.truncate 3 (values "parzen" 5))
        check "barthann" [| 0.0; 0.5; 1.0; 0.5; 0.0 |] (values "barthann" 5)
        check "lanczos" [| 0.0; 2.0 / Math.PI; 1.0; 2.0 / Math.PI; 0.0 |] (values "lanczos" 5)
        // Sums of the cosine windows at the middle and at the border, from their coefficients.
        check "nuttall" [| 0.0003628; 1.0; 0.0003628 |] (values "nuttall" 3)
        check "blackmanharris" [| 0.00006; 1.0; 0.00006 |] (values "blackmanharris" 3)
        check "flattop" [| -0.000421051; 1.000000003; -0.000421051 |] (values "flattop" 3)

        for name in SignalWindows.names do
            Assert.Equal<float[]>([| 1.0 |], values name 1)
            Assert.Equal<float[]>(
                Array.rev (values name 8) |> Array.map (fun v -> Math.Round(v, 12)),
                values name 8 |> Array.map (fun v -> Math.Round(v, 12))
            )

    [<Fact>]
    member _.``the STFT initializer makes Fourier kernels``() =
        let create side window scaling periodic =
            (Initializer.stft side window scaling periodic).Create 0UL 0UL (Shape.Of(6, 1, 5))

        let expected weights (f: float -> float) =
            Array.init 30 (fun t -> Array.item (t / 5) weights * f (-turn * float (t / 5 * (t % 5)) / 8.0))

        let divided by (w: float[]) = w |> Array.map (fun v -> v / by w)
        let density (w: float[]) = sqrt (Array.sumBy (fun v -> v * v) w)
        let hannName, hammingName = Some(SignalWindow.Named "hann"), Some(SignalWindow.Named "hamming")

        check
            "real"
            (expected (divided density (hann false 6)) cos)
            (create SpectrumSide.Real hannName (Some SpectrumScaling.Density) false)

        check
            "imaginary"
            (expected (divided Array.sum (hamming true 6)) sin)
            (create SpectrumSide.Imaginary hammingName (Some SpectrumScaling.Spectrum) true)

        check
            "plain"
            (expected (Array.create 6 1.0) cos)
            (create SpectrumSide.Real None (Some SpectrumScaling.Density) false)
        let own = [ 1.0; 2.0; 3.0; 3.0; 2.0; 1.0 ]
        check
            "numbers"
            (expected (List.toArray own) sin)
            (create SpectrumSide.Imaginary (Some(SignalWindow.Values own)) None false)
        // Through a configuration, null included.
        for initializer in
            [ Initializer.stft SpectrumSide.Imaginary None None true
              Initializer.stft SpectrumSide.Real (Some(SignalWindow.Values own)) (Some SpectrumScaling.Spectrum) false ] do
            let config = initializer.Config.Value
            let again = Initializer.ofConfig (ConfigWrite.objectOf "keras.initializers" config)
            Assert.Equal(config, again.Config.Value)
            check "again" (initializer.Create 0UL 0UL (Shape.Of(6, 1, 5))) (again.Create 0UL 0UL (Shape.Of(6, 1, 5)))

        Assert.Throws<ArgumentValueException>(fun () ->
            Initializer.stft SpectrumSide.Real (Some(SignalWindow.Named "unknowable")) None false |> ignore)
        |> ignore

    [<Fact>]
    member _.``every mode of STFTSpectrogram follows its formula``() =
        let power (re, im) = re * re + im * im

        let cases: (SpectrogramMode * (int -> float * float -> float)) list =
            [ SpectrogramMode.Real, (fun _ z -> fst z)
              SpectrogramMode.Imaginary, (fun _ z -> snd z)
              SpectrogramMode.Angle, (fun _ z -> Math.Atan2(snd z, fst z))
              SpectrogramMode.Magnitude, (fun _ z -> sqrt (max (power z) 1e-7))
              SpectrogramMode.Log, (fun _ z -> log (max (sqrt (max (power z) 1e-7)) 1e-7))
              // One-sided: all frequencies but the first and the last stand for two.
              SpectrogramMode.Psd, (fun k z -> power z * (if k = 0 || k = 4 then 1.0 else 2.0)) ]

        // Half a turn has two signs.
        let folded = Array.map (fun v -> if abs (abs v - Math.PI) < 1e-9 then Math.PI else v)

        for mode, value in cases do
            check (string mode) (folded (expected value 0 4)) (folded (spectrogram { options with Mode = mode }))

    [<Fact>]
    member _.``padding, axes and formats are Keras's``() =
        let real = { options with Mode = SpectrogramMode.Real }
        // ceil(19 / 4) = 5 frames, of which the padding of (4 * 4 + 6 - 19) = 3 cells has one in front.
        check "same" (expected (fun _ z -> fst z) 1 5) (spectrogram { real with Padding = Padding.Same })
        let plain = spectrogram real
        let value n t c k = plain[((n * 4 + t) * 3 + c) * 5 + k]

        check
            "expanded"
            [| for n in 0..1 do
                   for t in 0..3 do
                       for k in 0..4 do
                           for c in 0..2 -> value n t c k |]
            (spectrogram { real with ExpandDims = true })

        let first = Array.init signal.Length (fun t -> at (t / 57) (t % 19) (t / 19 % 3))
        let ofFirst o =
            OneLayer.initialised
                Mode.Infer
                (Layer.stftSpectrogramWith { o with DataFormat = DataFormat.ChannelsFirst })
                [| 2; 3; 19 |]
                first

        check
            "channels first"
            [| for n in 0..1 do
                   for c in 0..2 do
                       for k in 0..4 do
                           for t in 0..3 -> value n t c k |]
            (ofFirst real)

        check
            "channels first, expanded"
            [| for n in 0..1 do
                   for c in 0..2 do
                       for t in 0..3 do
                           for k in 0..4 -> value n t c k |]
            (ofFirst { real with ExpandDims = true })

        let imaginary = spectrogram { real with Mode = SpectrogramMode.Imaginary }
        check
            "both"
            [| for block in 0 .. 2 * 4 * 3 - 1 do
                   yield! plain[5 * block .. 5 * block + 4]
                   yield! imaginary[5 * block .. 5 * block + 4] |]
            (spectrogram { real with Mode = SpectrogramMode.Stft })

    /// stft_spectrogram_test.py of Keras 3.8: test_exceptions.
    [<Fact>]
    member _.``what Keras refuses is refused``() =
        let refused o = Assert.Throws<ArgumentValueException>(fun () -> Layer.stftSpectrogramWith o |> ignore) |> ignore

        refused { STFTSpectrogram.options with FrameStep = Some 1024; FftLength = Some 512 }
        refused { STFTSpectrogram.options with FrameStep = Some 0; FftLength = Some 512 }
        refused { STFTSpectrogram.options with FrameStep = Some 32; FftLength = Some 128 }
        refused { STFTSpectrogram.options with Window = Some(SignalWindow.Named "unknowable") }
        let whole = Network.inputWith { Name = ""; Shape = [ 16; 1 ]; DType = DType.Int32; BatchSize = None }
        Assert.Throws<DTypeException>(fun () ->
            Network.apply (Layer.stftSpectrogramWith { STFTSpectrogram.options with FrameLength = 4 }) whole
            |> ignore)
        |> ignore

    [<Theory>]
    [<InlineData(true, 16, 16, 2.0)>]
    [<InlineData(false, 16, 10, 2.0)>]
    [<InlineData(false, 16, 16, 1.0)>]
    [<InlineData(true, 15, 12, 3.0)>]
    member _.``MelSpectrogram follows its formula``(decibels: bool, fft: int, length: int, exponent: float) =
        let samples, bands, stride, rate = 37, 5, 4, 8000
        let x = LayerRun.numbers "mel" (2 * samples)
        let mel hz = 2595.0 * Math.Log10(1.0 + hz / 700.0)
        let edges =
            Array.init (bands + 2) (fun i -> mel 100.0 + (mel 3900.0 - mel 100.0) * float i / float (bands + 1))
        let bins = fft / 2 + 1

        let share b k =
            let m = mel (float k * float rate / 2.0 / float (bins - 1))
            let up, down =
                (m - edges[b]) / (edges[b + 1] - edges[b]), (edges[b + 2] - m) / (edges[b + 2] - edges[b + 1])
            if k = 0 then 0.0 else max 0.0 (min up down)

        // The window in the middle of the frame, and samples mirrored at the ends.
        let window =
            let w = hann true length
            let before = (fft - length) / 2
            Array.init fft (fun i -> if i >= before && i < before + length then w[i - before] else 0.0)

        let sample n i =
            let i = abs i
            x[n * samples + (if i < samples then i else 2 * (samples - 1) - i)]

        let frames = 1 + (samples + 2 * (fft / 2) - fft) / stride

        let values =
            [| for n in 0..1 do
                   for b in 0 .. bands - 1 do
                       for t in 0 .. frames - 1 ->
                           Seq.sum (
                               seq {
                                   for k in 0 .. bins - 1 ->
                                       let re, im =
                                           frequency window fft k (fun i -> sample n (stride * t - fft / 2 + i))
                                       share b k * sqrt (re * re + im * im) ** exponent
                               }
                           ) |]

        let expected =
            if decibels then
                let db = values |> Array.map (fun v -> 10.0 * Math.Log10(max v 1e-10) - 10.0 * Math.Log10 0.5)
                db |> Array.map (max (Array.max db - 12.0))
            else
                values

        let layer =
            Layer.melSpectrogramWith
                { MelSpectrogram.options with
                    FftLength = fft
                    SequenceStride = stride
                    SequenceLength = Some length
                    SamplingRate = rate
                    NumMelBins = bands
                    MinFreq = 100.0
                    MaxFreq = Some 3900.0
                    PowerToDb = decibels
                    TopDb = 12.0
                    RefPower = -0.5
                    MagExp = exponent }

        check "mel" expected (OneLayer.run Mode.Infer layer [| 2; samples |] x)

    /// mel_spectrogram_test.py of Keras 3.8: test_mel_spectrogram_basics.
    [<Fact>]
    member _.``shapes are Keras's``() =
        let options = { MelSpectrogram.options with NumMelBins = 80; SamplingRate = 8000; SequenceStride = 128 }

        let node = Network.apply (Layer.melSpectrogramWith options) (Network.input [ 16000 ])
        Assert.Equal<int list>([ -1; 80; 126 ], List.ofSeq node.Shape)
        let bins = { options with NumMelBins = 128; SequenceStride = 64; FftLength = 512; SamplingRate = 32000 }
        let node = Network.apply (Layer.melSpectrogramWith bins) (Network.input [ 8000 ])
        Assert.Equal<int list>([ -1; 128; 126 ], List.ofSeq node.Shape)
