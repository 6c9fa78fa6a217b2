namespace FunctionalNet

open System
open FunctionalNet.Common

/// <summary>Windows of signals.</summary>
[<AutoOpen>]
module SignalWindowTypes =

    /// <summary>What the samples of a frame are multiplied by before its spectrum is computed.</summary>
    [<RequireQualifiedAccess>]
    type SignalWindow =
        /// <summary>A window of SciPy's name, such as hann or hamming.</summary>
        | Named of string
        /// <summary>A number per sample.</summary>
        | Values of float list

    /// <summary>Which of two kernels a Fourier transform by convolution is made of.</summary>
    [<RequireQualifiedAccess>]
    type SpectrumSide =
        /// <summary>Cosines.</summary>
        | Real
        /// <summary>Sines.</summary>
        | Imaginary

    /// <summary>What a window is divided by.</summary>
    [<RequireQualifiedAccess>]
    type SpectrumScaling =
        /// <summary>The square root of its sum of squares: for power spectral densities.</summary>
        | Density
        /// <summary>The sum of its absolute values: for spectra.</summary>
        | Spectrum

/// The windows that SciPy knows by name: scipy.signal.windows.
module internal SignalWindows =

    /// The sum of a[k] cos(k x), for x from -pi to pi.
    let private cosines (a: float list) (m: int) : float[] =
        Array.init m (fun n ->
            let x = -Math.PI + 2.0 * Math.PI * float n / float (m - 1)
            a |> List.mapi (fun k weight -> weight * cos (float k * x)) |> List.sum)

    /// By the distance from the middle: -1 at the first sample, 1 at the last.
    let private symmetric (f: float -> float) (m: int) : float[] =
        Array.init m (fun n -> f (2.0 * float n / float (m - 1) - 1.0))

    let private triangle (m: int) : float[] =
        Array.init m (fun n ->
            let i = float (min n (m - 1 - n) + 1)
            if m % 2 = 0 then (2.0 * i - 1.0) / float m else 2.0 * i / float (m + 1))

    let private parzen (m: int) : float[] =
        Array.init m (fun n ->
            let x = abs (float n - float (m - 1) / 2.0)
            let share = x / (float m / 2.0)

            if x <= float (m - 1) / 4.0 then
                1.0 - 6.0 * share * share + 6.0 * share * share * share
            else
                2.0 * (1.0 - share) ** 3.0)

    let private bohman (d: float) =
        let x = abs d
        if x >= 1.0 then 0.0 else (1.0 - x) * cos (Math.PI * x) + sin (Math.PI * x) / Math.PI

    /// A cosine over a quarter of the samples on either side.
    let private tukey (d: float) =
        let x = abs d
        if x <= 0.5 then 1.0 else 0.5 * (1.0 + cos (2.0 * Math.PI * (x - 0.5)))

    let private sinc x = if x = 0.0 then 1.0 else sin (Math.PI * x) / (Math.PI * x)

    let private known: (string * (int -> float[])) list =
        let barthann d = 0.62 - 0.24 * abs d + 0.38 * cos (Math.PI * d)
        let hann = cosines [ 0.5; 0.5 ]
        let box m = Array.create m 1.0

        [ "hann", hann
          "hanning", hann
          "hamming", cosines [ 0.54; 0.46 ]
          "blackman", cosines [ 0.42; 0.5; 0.08 ]
          "nuttall", cosines [ 0.3635819; 0.4891775; 0.1365995; 0.0106411 ]
          "blackmanharris", cosines [ 0.35875; 0.48829; 0.14128; 0.01168 ]
          "flattop", cosines [ 0.21557895; 0.41663158; 0.277263158; 0.083578947; 0.006947368 ]
          "boxcar", box
          "rectangular", box
          "triang", triangle
          "bartlett", symmetric (fun d -> 1.0 - abs d)
          "barthann", symmetric barthann
          "bohman", symmetric bohman
          "parzen", parzen
          "tukey", symmetric tukey
          "lanczos", symmetric sinc
          "cosine", fun m -> Array.init m (fun n -> sin (Math.PI / float m * (float n + 0.5)))
          "exponential", fun m -> Array.init m (fun n -> exp -(abs (float n - float (m - 1) / 2.0))) ]

    let names = List.map fst known

    /// Refuses names that no window has.
    let check (where: string) (window: SignalWindow option) : unit =
        match window with
        | Some(SignalWindow.Named name) when not (List.contains name names) ->
            raise (Names.unknown "window" where name names)
        | _ -> ()

    /// A window of a length. A periodic one lacks the last of one sample more.
    let values (where: string) (window: SignalWindow) (length: int) (periodic: bool) : float[] =
        match window with
        | SignalWindow.Named name ->
            check where (Some window)
            let make = known |> List.find (fun (n, _) -> n = name) |> snd

            if length <= 1 then Array.create length 1.0
            elif periodic then Array.truncate length (make (length + 1))
            else make length
        | SignalWindow.Values given ->
            if given.Length <> length then
                raise (
                    ArgumentValueException(
                        "A window has another length than the frames.",
                        where,
                        string length + " numbers, one per sample of a frame",
                        string given.Length,
                        "Give as many numbers, or a name such as hann."
                    )
                )

            List.toArray given

    let toConfig (window: SignalWindow option) : ConfigValue =
        match window with
        | None -> Null
        | Some(SignalWindow.Named name) -> Text name
        | Some(SignalWindow.Values given) -> ConfigValue.List(List.map Float given)

    let ofConfig (where: string) (value: ConfigValue) : SignalWindow option =
        match value with
        | Null -> None
        | Text name -> Some(SignalWindow.Named name)
        | numbers -> Some(SignalWindow.Values(ConfigRead.floats where numbers))

    /// The argument `window` of a layer.
    let field get set : Field<'o> = Field.nullable "window" (toConfig >> Some) ofConfig get set

    let scalings = [ "density", SpectrumScaling.Density; "spectrum", SpectrumScaling.Spectrum ]

    let sides = [ "real", SpectrumSide.Real; "imag", SpectrumSide.Imaginary ]

    /// A name of a choice, or null for none.
    let choice (cases: (string * 'c) list) (where: string) (value: ConfigValue) : 'c option =
        match value with
        | Null -> None
        | other ->
            let name = ConfigRead.text where other

            match cases |> List.tryFind (fun (n, _) -> n = name) with
            | Some(_, case) -> Some case
            | None -> raise (Names.unknown "value" where name (List.map fst cases))

    let nameOf (cases: (string * 'c) list) (value: 'c) = cases |> List.find (fun (_, case) -> case = value) |> fst

    /// Cosines or sines of frames (frame, 1, frequencies), the window already in them.
    let fourier side window scaling periodic (frame: int) (frequencies: int) : float[] =
        let where = "STFT.window"

        let weights =
            match window with
            | None -> Array.create frame 1.0
            | Some w ->
                let w = values where w frame periodic

                let divisor =
                    match scaling with
                    | None -> 1.0
                    | Some SpectrumScaling.Density -> sqrt (Array.sumBy (fun v -> v * v) w)
                    | Some SpectrumScaling.Spectrum -> Array.sumBy abs w

                w |> Array.map (fun v -> v / divisor)

        let length = 2 * (frequencies - 1)

        Array.init (frame * frequencies) (fun t ->
            let n, k = t / frequencies, t % frequencies
            // Whole turns are left out, so that long frames lose no digits.
            let turn = if length = 0 then 0.0 else float (int64 n * int64 k % int64 length) / float length
            let angle = -2.0 * Math.PI * turn
            weights[n] * (if side = SpectrumSide.Real then cos angle else sin angle))
