namespace FunctionalNet

open System

/// <summary>Options of the layers that make spectrograms of signals.</summary>
[<AutoOpen>]
module AudioTypes =

    /// <summary>What STFTSpectrogram gives.</summary>
    [<RequireQualifiedAccess>]
    type SpectrogramMode =
        /// <summary>The logarithm of the magnitude.</summary>
        | Log
        /// <summary>The magnitude: the square root of the power.</summary>
        | Magnitude
        /// <summary>The one-sided power spectral density: powers, twice those of frequencies that stand for two.</summary>
        | Psd
        /// <summary>The real part.</summary>
        | Real
        /// <summary>The imaginary part.</summary>
        | Imaginary
        /// <summary>The phase, -pi to pi.</summary>
        | Angle
        /// <summary>The real parts of all frequencies, then the imaginary ones.</summary>
        | Stft

    /// <summary>Arguments of STFTSpectrogram; <c>STFTSpectrogram.options</c> has Keras's defaults.</summary>
    type STFTSpectrogramOptions =
        {
            /// <summary>Default: logarithms.</summary>
            Mode: SpectrogramMode
            /// <summary>Samples per frame. Default: 256.</summary>
            FrameLength: int
            /// <summary>Samples from one frame to the next, at most a frame. Default: half a frame.</summary>
            FrameStep: int option
            /// <summary>Length of the transform, at least a frame; it gives half as many frequencies and one. Default: the least
            /// power of two that is not below the frame.</summary>
            FftLength: int option
            /// <summary>Default: hann.</summary>
            Window: SignalWindow option
            /// <summary>True for a window that is one period of a repeating one. Default: false.</summary>
            Periodic: bool
            /// <summary>What the window is divided by. Default: Density.</summary>
            Scaling: SpectrumScaling option
            /// <summary>Valid (default) or Same.</summary>
            Padding: Padding
            /// <summary>True for an axis of its own for frequencies, as images have. Default: false.</summary>
            ExpandDims: bool
            /// <summary>Default: channels last, (batch, samples, channels).</summary>
            DataFormat: DataFormat
        }

    /// <summary>Arguments of MelSpectrogram; <c>MelSpectrogram.options</c> has Keras's defaults.</summary>
    type MelSpectrogramOptions =
        {
            /// <summary>Length of the Fourier transform. Default: 2048.</summary>
            FftLength: int
            /// <summary>Samples from one frame to the next. Default: 512.</summary>
            SequenceStride: int
            /// <summary>Samples in the window, in the middle of a frame. Default: the transform's length.</summary>
            SequenceLength: int option
            /// <summary>hann (default) or hamming, numbers, or None for none.</summary>
            Window: SignalWindow option
            /// <summary>Samples per second. Default: 16000.</summary>
            SamplingRate: int
            /// <summary>Bands of the result. Default: 128.</summary>
            NumMelBins: int
            /// <summary>The lowest frequency of the bands, in hertz. Default: 20.</summary>
            MinFreq: float
            /// <summary>The highest frequency of the bands, in hertz. Default: half of the sampling rate.</summary>
            MaxFreq: float option
            /// <summary>Whether powers come out in decibels. Default: true.</summary>
            PowerToDb: bool
            /// <summary>How many decibels below the greatest of the batch values are cut off. Default: 80.</summary>
            TopDb: float
            /// <summary>The exponent of magnitudes: 1 for magnitudes, 2 (default) for powers.</summary>
            MagExp: float
            /// <summary>The least power. Default: 1e-10.</summary>
            MinPower: float
            /// <summary>The power of 0 decibels. Default: 1.</summary>
            RefPower: float
        }

/// <summary>The STFTSpectrogram layer: a short-time Fourier transform by convolution. Its two kernels are trained with the model
/// unless the layer is frozen.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module STFTSpectrogram =

    [<Literal>]
    let private Kind = "STFTSpectrogram"

    [<Literal>]
    let private Epsilon = 1e-7

    /// <summary>Keras's defaults.</summary>
    let options: STFTSpectrogramOptions =
        { Mode = SpectrogramMode.Log
          FrameLength = 256
          FrameStep = None
          FftLength = None
          Window = Some(SignalWindow.Named "hann")
          Periodic = false
          Scaling = Some SpectrumScaling.Density
          Padding = Padding.Valid
          ExpandDims = false
          DataFormat = DataFormat.ChannelsLast }

    let private run (o: STFTSpectrogramOptions) (scope: Scope) (x: Expr) =
        LayerCheck.rank Kind 3 "(batch, samples, channels)" x

        if not (DType.isFloating x.DType) then
            raise (
                DTypeException(
                    Kind + " takes signals of floating-point numbers.",
                    "",
                    "float32 or float64",
                    DType.name x.DType,
                    "Scale whole numbers to -1 .. 1 first.",
                    null
                )
            )

        let step = o.FrameStep |> Option.defaultValue (o.FrameLength / 2)

        let length =
            match o.FftLength with
            | Some n -> n
            | None -> int (2.0 ** Math.Ceiling(Math.Log2(float o.FrameLength)))

        let frequencies = length / 2 + 1
        // (batch, channels, samples)
        let x = LayerCheck.floating scope x
        let x = if o.DataFormat = DataFormat.ChannelsLast then Ops.moveAxis 2 1 x else x
        let n, channels, samples = x.Shape[0], x.Shape[1], x.Shape[2]
        let signals = Ops.reshape [| n * channels; samples; 1 |] x

        /// (batch, channels, time, frequencies)
        let transform name side =
            let kernel =
                scope.Param(
                    name,
                    Shape.Of(o.FrameLength, 1, frequencies),
                    Initializer.stft side o.Window o.Scaling o.Periodic,
                    None,
                    None
                )

            let spectra = Ops.conv [| step |] o.Padding [| 1 |] 1 kernel signals
            Ops.reshape [| n; channels; spectra.Shape[1]; frequencies |] spectra

        let real () = transform "real_kernel" SpectrumSide.Real
        let imaginary () = transform "imag_kernel" SpectrumSide.Imaginary

        let arranged (y: Expr) =
            match o.DataFormat, o.ExpandDims with
            | DataFormat.ChannelsLast, true -> Ops.transpose [| 0; 2; 3; 1 |] y
            | DataFormat.ChannelsLast, false ->
                Ops.reshape [| n; y.Shape[2]; channels * y.Shape[3] |] (Ops.swapAxes 1 2 y)
            | DataFormat.ChannelsFirst, true -> y
            | DataFormat.ChannelsFirst, false ->
                Ops.reshape [| n; channels * y.Shape[3]; y.Shape[2] |] (Ops.swapAxes 2 3 y)

        let atLeast value (y: Expr) = Ops.maximum y (Expr.Scalar(y.DType, value))

        match o.Mode with
        | SpectrogramMode.Real -> arranged (real ())
        | SpectrogramMode.Imaginary -> arranged (imaginary ())
        | mode ->
            // Declared in Keras's order.
            let real = real ()
            let imaginary = imaginary ()
            let power () = Ops.square real + Ops.square imaginary
            let magnitude () = Ops.sqrt (atLeast Epsilon (power ()))

            match mode with
            | SpectrogramMode.Angle -> Ops.atan2 imaginary real
            | SpectrogramMode.Stft -> Ops.concatenate 3 [| real; imaginary |]
            | SpectrogramMode.Psd ->
                // The first and the last frequency stand for themselves only.
                let inner = Ops.sliceAxis 3 1 (frequencies - 1) (power ())
                let none = struct (0, 0)
                power () + Ops.pad [| none; none; none; struct (1, 1) |] 0.0 inner
            | SpectrogramMode.Magnitude -> magnitude ()
            | _ -> Ops.log (atLeast Epsilon (magnitude ()))
            |> arranged

    let internal definition: LayerClass<STFTSpectrogramOptions> =
        let modes =
            [ "log", SpectrogramMode.Log
              "magnitude", SpectrogramMode.Magnitude
              "psd", SpectrogramMode.Psd
              "real", SpectrogramMode.Real
              "imag", SpectrogramMode.Imaginary
              "angle", SpectrogramMode.Angle
              "stft", SpectrogramMode.Stft ]

        LayerClass.dropsMask
            Kind
            options
            [ Field.choice "mode" modes _.Mode (fun v o -> { o with Mode = v })
              Field.int "frame_length" _.FrameLength (fun v o -> { o with FrameLength = v })
              Field.intOption "frame_step" _.FrameStep (fun v o -> { o with FrameStep = v })
              Field.intOption "fft_length" _.FftLength (fun v o -> { o with FftLength = v })
              SignalWindows.field _.Window (fun v o -> { o with Window = v })
              Field.bool "periodic" _.Periodic (fun v o -> { o with Periodic = v })
              Field.nullable
                  "scaling"
                  (ConfigWrite.option (SignalWindows.nameOf SignalWindows.scalings >> Text) >> Some)
                  (SignalWindows.choice SignalWindows.scalings)
                  _.Scaling
                  (fun v o -> { o with Scaling = v })
              LayerField.padding _.Padding (fun v o -> { o with Padding = v })
              Field.bool "expand_dims" _.ExpandDims (fun v o -> { o with ExpandDims = v })
              LayerField.dataFormat _.DataFormat (fun v o -> { o with DataFormat = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (Kind + ".frame_length") o.FrameLength

            match o.FrameStep with
            | Some step when step < 1 || step > o.FrameLength ->
                LayerCheck.argument
                    (Kind + ".frame_step")
                    ("1 to frame_length, " + string o.FrameLength)
                    (string step)
                    "A longer step would leave samples out."
            | None when o.FrameLength < 2 ->
                LayerCheck.argument (Kind + ".frame_step") "a number" "none" "Half of such a frame is no step."
            | _ -> ()

            match o.FftLength with
            | Some length when length < o.FrameLength ->
                LayerCheck.argument
                    (Kind + ".fft_length")
                    ("frame_length, " + string o.FrameLength + ", or more")
                    (string length)
                    "Use a power of two that is not below the frame."
            | _ -> ()

            SignalWindows.check (Kind + ".window") o.Window
            o)

/// <summary>The MelSpectrogram layer: signals (batch, samples) to powers in bands of the mel scale, (batch, bands, time). One signal
/// (samples) gives (bands, time).</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module MelSpectrogram =

    [<Literal>]
    let private Kind = "MelSpectrogram"

    /// <summary>Keras's defaults.</summary>
    let options: MelSpectrogramOptions =
        { FftLength = 2048
          SequenceStride = 512
          SequenceLength = None
          Window = Some(SignalWindow.Named "hann")
          SamplingRate = 16000
          NumMelBins = 128
          MinFreq = 20.0
          MaxFreq = None
          PowerToDb = true
          TopDb = 80.0
          MagExp = 2.0
          MinPower = 1e-10
          RefPower = 1.0 }

    /// The shares of frequency k in every band (HTK's triangles, straight on the mel scale). Frequency 0 is in none.
    let private bands (o: MelSpectrogramOptions) : int -> float[] =
        let mel hertz = 1127.0 * log (1.0 + hertz / 700.0)
        let nyquist = float o.SamplingRate / 2.0
        let low = mel o.MinFreq
        let high = mel (o.MaxFreq |> Option.defaultValue (floor nyquist))
        let edge i = low + (high - low) * float i / float (o.NumMelBins + 1)

        fun k ->
            let at = mel (nyquist * float k / float (o.FftLength / 2))

            Array.init o.NumMelBins (fun b ->
                let left, middle, right = edge b, edge (b + 1), edge (b + 2)

                if k = 0 then
                    0.0
                else
                    max 0.0 (min ((at - left) / (middle - left)) ((right - at) / (right - middle))))

    let private batched (o: MelSpectrogramOptions) (scope: Scope) (x: Expr) =
        LayerCheck.rank Kind 2 "(batch, samples)" x
        let x = LayerCheck.floating scope x
        let half = o.FftLength / 2
        let length = o.SequenceLength |> Option.defaultValue o.FftLength
        let before = (o.FftLength - length) / 2

        // Where the window is 0 there is nothing to multiply. Without a window the whole frame counts, as in Keras.
        let struct (first, window) =
            match o.Window with
            | Some w -> struct (before, SignalWindows.values (Kind + ".window") w length true)
            | None -> struct (0, Array.create o.FftLength 1.0)

        let samples =
            Ops.padReflect [| struct (0, 0); struct (half, half) |] x
            |> fun padded -> Ops.sliceAxis 1 first (padded.Shape[1] - (o.FftLength - first - window.Length)) padded

        // Only frequencies that some band takes.
        let shares = [| 0..half |] |> Array.map (fun k -> struct (k, bands o k))
        let used = shares |> Array.filter (fun (struct (_, s)) -> s |> Array.exists (fun v -> v > 0.0))
        let used = if used.Length = 0 then Array.truncate 1 shares else used
        let count = used.Length
        let turns = Array.init o.FftLength (fun i -> 2.0 * Math.PI * float i / float o.FftLength)

        let kernel =
            Array.init (window.Length * 2 * count) (fun t ->
                let n, column = t / (2 * count), t % (2 * count)
                let struct (k, _) = used[column % count]
                let turn = turns[int (int64 k * int64 (n + first) % int64 o.FftLength)]
                window[n] * (if column < count then cos turn else -(sin turn)))

        let kernel = Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of(window.Length, 1, 2 * count), kernel))
        let parts = Ops.conv [| o.SequenceStride |] Padding.Valid [| 1 |] 1 kernel (Ops.expandDims 2 samples)
        let power =
            Ops.square (Ops.sliceAxis 2 0 count parts) + Ops.square (Ops.sliceAxis 2 count (2 * count) parts)
        let strength = if o.MagExp = 2.0 then power else Ops.powScalar (o.MagExp / 2.0) power

        let matrix = used |> Array.collect (fun (struct (_, s)) -> s)
        let inBands =
            Ops.matmul strength (Expr.Constant(Tensor.OfDoubles(x.DType, Shape.Of(count, o.NumMelBins), matrix)))

        let scaled =
            if o.PowerToDb then
                let reference = 10.0 * Math.Log10(max (abs o.RefPower) o.MinPower)
                let decibels = Ops.log10 (Ops.maximum inBands (Expr.Scalar(x.DType, o.MinPower))) * 10.0 - reference
                Ops.maximum decibels (Ops.maxAll decibels - o.TopDb)
            else
                inBands

        Ops.swapAxes 1 2 scaled

    /// One signal alone is (samples), and gives (bands, time).
    let private run (o: MelSpectrogramOptions) (scope: Scope) (x: Expr) =
        if x.Rank = 1 then
            Ops.expandDims 0 x |> batched o scope |> Ops.squeeze [| 0 |]
        else
            batched o scope x

    let internal definition: LayerClass<MelSpectrogramOptions> =
        LayerClass.dropsMask
            Kind
            options
            [ Field.int "fft_length" _.FftLength (fun v o -> { o with FftLength = v })
              Field.int "sequence_stride" _.SequenceStride (fun v o -> { o with SequenceStride = v })
              Field.intOption "sequence_length" _.SequenceLength (fun v o -> { o with SequenceLength = v })
              SignalWindows.field _.Window (fun v o -> { o with Window = v })
              Field.int "sampling_rate" _.SamplingRate (fun v o -> { o with SamplingRate = v })
              Field.int "num_mel_bins" _.NumMelBins (fun v o -> { o with NumMelBins = v })
              Field.float "min_freq" _.MinFreq (fun v o -> { o with MinFreq = v })
              Field.floatOption "max_freq" _.MaxFreq (fun v o -> { o with MaxFreq = v })
              Field.bool "power_to_db" _.PowerToDb (fun v o -> { o with PowerToDb = v })
              Field.float "top_db" _.TopDb (fun v o -> { o with TopDb = v })
              Field.float "mag_exp" _.MagExp (fun v o -> { o with MagExp = v })
              Field.float "min_power" _.MinPower (fun v o -> { o with MinPower = v })
              Field.float "ref_power" _.RefPower (fun v o -> { o with RefPower = v }) ]
            run
        |> LayerClass.checkedBy (fun o ->
            LayerCheck.positive (Kind + ".fft_length") o.FftLength
            LayerCheck.positive (Kind + ".sequence_stride") o.SequenceStride
            LayerCheck.positive (Kind + ".num_mel_bins") o.NumMelBins
            LayerCheck.positive (Kind + ".sampling_rate") o.SamplingRate

            match o.SequenceLength with
            | Some length when length < 1 || length > o.FftLength ->
                LayerCheck.argument
                    (Kind + ".sequence_length")
                    ("1 to fft_length, " + string o.FftLength)
                    (string length)
                    "The transform takes a frame and fills it up with zeros."
            | _ -> ()

            match o.Window with
            | Some(SignalWindow.Named name) when name <> "hann" && name <> "hamming" ->
                raise (Common.Names.unknown "window" (Kind + ".window") name [ "hann"; "hamming" ])
            | Some(SignalWindow.Values given) when given.Length <> Option.defaultValue o.FftLength o.SequenceLength ->
                SignalWindows.values
                    (Kind + ".window")
                    o.Window.Value
                    (Option.defaultValue o.FftLength o.SequenceLength)
                    true
                |> ignore
            | _ -> ()

            if not (o.MinFreq < (o.MaxFreq |> Option.defaultValue (float o.SamplingRate / 2.0))) then
                LayerCheck.argument
                    (Kind + ".min_freq")
                    "a frequency below max_freq"
                    (ConfigRead.show (Float o.MinFreq))
                    "Frequencies are in hertz."

            o)
