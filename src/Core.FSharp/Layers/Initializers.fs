namespace FunctionalNet

open System
open System.Runtime.InteropServices
open System.Runtime.Intrinsics
open FunctionalNet.Common

/// <summary>Initializer options.</summary>
[<AutoOpen>]
module InitializerTypes =

    /// <summary>Which of a weight's fans scales its variance.</summary>
    type FanMode =
        /// <summary>Number of inputs of a unit.</summary>
        | FanIn
        /// <summary>Number of outputs of a unit.</summary>
        | FanOut
        /// <summary>The mean of both.</summary>
        | FanAvg

    /// <summary>The distribution of a variance scaling initializer.</summary>
    [<RequireQualifiedAccess>]
    type FanDistribution =
        /// <summary>Normal, cut at two standard deviations.</summary>
        | TruncatedNormal
        /// <summary>Normal.</summary>
        | UntruncatedNormal
        /// <summary>Uniform around zero.</summary>
        | Uniform

/// <summary>First values of variables. An initializer without a seed draws from the model's seed and the variable's path;
/// with a seed of its own it gives the same values wherever it is used.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Initializer =

    /// low + width (scale u - shift) for uniform u.
    let private uniforms (low: float) (width: Shape -> float) (scale: float) (shift: float) =
        let draw =
            { new Draw() with
                member _.Fill(seed, stream, shape, first, values) =
                    let width = width shape
                    Philox.uniforms53 seed stream 0u (uint32 first) values

                    let vectors = MemoryMarshal.Cast<float, Vector256<float>> values

                    for i in 0 .. vectors.Length - 1 do
                        vectors[i] <-
                            Vector256.Create low
                            + Vector256.Create width * (Vector256.Create scale * vectors[i] - Vector256.Create shift)

                    for i in vectors.Length * Vector256<float>.Count .. values.Length - 1 do
                        values[i] <- low + width * (scale * values[i] - shift) }

        unbox<uint64 -> uint64 -> Shape -> float[]>(box draw)

    /// `attempt` gives further draws for the same element.
    let private normalAt seed stream attempt index =
        let struct (a, b, c, d) = Philox.block seed stream attempt (uint32 index)
        // 1 - u lies in (0, 1], so the logarithm is finite.
        sqrt (-2.0 * Math.Log(1.0 - Philox.toUniform53 a b))
        * Math.Cos(2.0 * Math.PI * Philox.toUniform53 c d)

    /// Drawn again, with the next counter, until within two standard deviations.
    let rec private truncatedAt seed stream attempt index =
        let z = normalAt seed stream attempt index
        if abs z <= 2.0 then z else truncatedAt seed stream (attempt + 1u) index

    let private custom
        (className: string)
        (arguments: (string * ConfigValue) list)
        (create: uint64 -> uint64 -> Shape -> float[])
        : Initializer =
        { Config = Some { ClassName = className; Arguments = arguments }; Create = create }

    let private elementwise (draw: uint64 -> uint64 -> int -> float) =
        fun seed stream (shape: Shape) -> Array.init shape.Size (draw seed stream)

    let private noSeed = "seed", Null

    /// <summary>The initializer with a seed of its own: the same values at every use, whatever the model's seed.</summary>
    let withSeed (seed: int) (initializer: Initializer) : Initializer =
        let put (config: Config) =
            { config with
                Arguments =
                    config.Arguments
                    |> List.map (fun (key, value) -> key, (if key = "seed" then Int(int64 seed) else value)) }

        { Config = initializer.Config |> Option.map put
          Create = fun _ _ shape -> initializer.Create (uint64 seed) 0UL shape }

    /// <summary>An initializer from a function of (seed, stream, shape) that gives the values in row-major order. It cannot be
    /// saved.</summary>
    let create (values: uint64 -> uint64 -> Shape -> float[]) : Initializer = { Config = None; Create = values }

    /// <summary>All zeros.</summary>
    let zeros = custom "Zeros" [] (fun _ _ shape -> Array.zeroCreate shape.Size)

    /// <summary>All ones.</summary>
    let ones = custom "Ones" [] (fun _ _ shape -> Array.create shape.Size 1.0)

    /// <summary>All the same value.</summary>
    let constant (value: float) =
        custom "Constant" [ "value", Float value ] (fun _ _ shape -> Array.create shape.Size value)

    /// <summary>The identity matrix times a gain; for matrices only.</summary>
    let identity (gain: float) =
        custom "Identity" [ "gain", Float gain ] (fun _ _ shape ->
            if shape.Rank <> 2 then
                raise (
                    ShapeException(
                        "The identity initializer makes matrices only.",
                        "",
                        "a shape with two axes",
                        shape.ToString(),
                        "Use another initializer for this variable."
                    )
                )

            Array.init shape.Size (fun i -> if i / shape[1] = i % shape[1] then gain else 0.0))

    /// <summary>Normal with that mean and standard deviation. Keras's defaults: 0 and 0.05.</summary>
    let randomNormal (mean: float) (stddev: float) =
        custom
            "RandomNormal"
            [ noSeed; "mean", Float mean; "stddev", Float stddev ]
            (elementwise (fun seed stream i -> mean + stddev * normalAt seed stream 0u i))

    /// <summary>Uniform between two values. Keras's defaults: -0.05 and 0.05.</summary>
    let randomUniform (low: float) (high: float) =
        custom
            "RandomUniform"
            [ noSeed; "minval", Float low; "maxval", Float high ]
            (uniforms low (fun _ -> high - low) 1.0 0.0)

    /// <summary>Normal, cut at two standard deviations from the mean. Keras's defaults: 0 and 0.05.</summary>
    let truncatedNormal (mean: float) (stddev: float) =
        custom
            "TruncatedNormal"
            [ noSeed; "mean", Float mean; "stddev", Float stddev ]
            (elementwise (fun seed stream i -> mean + stddev * truncatedAt seed stream 0u i))

    /// Inputs and outputs per unit. Kernels of convolutions count their window's cells.
    let internal fans (shape: Shape) =
        match shape.Rank with
        | 0 -> 1, 1
        | 1 -> shape[0], shape[0]
        | 2 -> shape[0], shape[1]
        | rank ->
            let window = shape.ToArray()[.. rank - 3] |> Array.fold (*) 1
            shape[-2] * window, shape[-1] * window

    /// The standard deviation of a standard normal cut at two standard deviations.
    [<Literal>]
    let private TruncatedDeviation = 0.87962566103423978

    let private scaled scale mode distribution : uint64 -> uint64 -> Shape -> float[] =
        let variance (shape: Shape) =
            let fanIn, fanOut = fans shape

            let fan =
                match mode with
                | FanIn -> float fanIn
                | FanOut -> float fanOut
                | FanAvg -> float (fanIn + fanOut) / 2.0

            scale / max 1.0 fan

        match distribution with
        | FanDistribution.TruncatedNormal ->
            fun seed stream shape ->
                let deviation = sqrt (variance shape) / TruncatedDeviation
                Array.init shape.Size (fun i -> deviation * truncatedAt seed stream 0u i)
        | FanDistribution.UntruncatedNormal ->
            fun seed stream shape ->
                let deviation = sqrt (variance shape)
                Array.init shape.Size (fun i -> deviation * normalAt seed stream 0u i)
        | FanDistribution.Uniform -> uniforms 0.0 (fun shape -> sqrt (3.0 * variance shape)) 2.0 1.0

    let private fanModes = [ "fan_in", FanIn; "fan_out", FanOut; "fan_avg", FanAvg ]

    let private distributions =
        [ "truncated_normal", FanDistribution.TruncatedNormal
          "untruncated_normal", FanDistribution.UntruncatedNormal
          "uniform", FanDistribution.Uniform ]

    let private nameOf cases value = cases |> List.find (fun (_, case) -> case = value) |> fst

    /// <summary>Variance scale / fan. Keras's defaults: 1, FanIn, TruncatedNormal.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The scale is not positive.</exception>
    let varianceScaling (scale: float) (mode: FanMode) (distribution: FanDistribution) =
        if not (scale > 0.0) then
            raise (
                ArgumentValueException(
                    "The scale of an initializer must be positive.",
                    "VarianceScaling.scale",
                    "a number above 0",
                    ConfigRead.show (Float scale),
                    "Use 1 or 2."
                )
            )

        custom
            "VarianceScaling"
            [ "scale", Float scale
              "mode", Text(nameOf fanModes mode)
              "distribution", Text(nameOf distributions distribution)
              noSeed ]
            (scaled scale mode distribution)

    /// <summary>Uniform within sqrt(6 / (inputs + outputs)): the default of most kernels.</summary>
    let glorotUniform = custom "GlorotUniform" [ noSeed ] (scaled 1.0 FanAvg FanDistribution.Uniform)

    /// <summary>Truncated normal of variance 2 / (inputs + outputs).</summary>
    let glorotNormal = custom "GlorotNormal" [ noSeed ] (scaled 1.0 FanAvg FanDistribution.TruncatedNormal)

    /// <summary>Uniform within sqrt(6 / inputs): for layers with relu.</summary>
    let heUniform = custom "HeUniform" [ noSeed ] (scaled 2.0 FanIn FanDistribution.Uniform)

    /// <summary>Truncated normal of variance 2 / inputs: for layers with relu.</summary>
    let heNormal = custom "HeNormal" [ noSeed ] (scaled 2.0 FanIn FanDistribution.TruncatedNormal)

    /// <summary>Uniform within sqrt(3 / inputs): for layers with selu.</summary>
    let lecunUniform = custom "LecunUniform" [ noSeed ] (scaled 1.0 FanIn FanDistribution.Uniform)

    /// <summary>Truncated normal of variance 1 / inputs: for layers with selu.</summary>
    let lecunNormal = custom "LecunNormal" [ noSeed ] (scaled 1.0 FanIn FanDistribution.TruncatedNormal)

    /// Rows made orthonormal by Gram and Schmidt's method, twice per row against rounding. The triangular factor has a
    /// positive diagonal, so the result is uniform over orthogonal matrices.
    let private orthonormalRows (rows: int) (columns: int) (values: float[]) =
        for i in 0 .. rows - 1 do
            for _ in 1..2 do
                for j in 0 .. i - 1 do
                    let mutable dot = 0.0

                    for k in 0 .. columns - 1 do
                        dot <- dot + values[i * columns + k] * values[j * columns + k]

                    for k in 0 .. columns - 1 do
                        values[i * columns + k] <- values[i * columns + k] - dot * values[j * columns + k]

            let mutable square = 0.0

            for k in 0 .. columns - 1 do
                square <- square + values[i * columns + k] * values[i * columns + k]

            let scale = 1.0 / sqrt square

            for k in 0 .. columns - 1 do
                values[i * columns + k] <- values[i * columns + k] * scale

    /// <summary>A matrix with orthonormal rows or columns (whichever are fewer) times a gain (Keras's default: 1); further
    /// axes are folded into the rows.</summary>
    let orthogonal (gain: float) =
        custom "Orthogonal" [ "gain", Float gain; noSeed ] (fun seed stream shape ->
            if shape.Rank < 2 then
                raise (
                    ShapeException(
                        "The orthogonal initializer makes matrices only.",
                        "",
                        "a shape with two axes or more",
                        shape.ToString(),
                        "Use another initializer for this variable."
                    )
                )

            let columns = shape[-1]
            let rows = if columns = 0 then 0 else shape.Size / columns
            let few, many = min rows columns, max rows columns
            let values = Array.init shape.Size (normalAt seed stream 0u)
            orthonormalRows few many values

            Array.init shape.Size (fun i ->
                let row, column = i / columns, i % columns
                gain * (if rows <= columns then values[row * many + column] else values[column * many + row])))

    /// <summary>The kernel of a short-time Fourier transform by convolution, (frame, 1, frequencies): cosines or sines, times a
    /// window. For STFTSpectrogram. Keras's defaults: Real, hann, Density and false.</summary>
    /// <param name="side">Which of the two kernels.</param>
    /// <param name="window">The window, or None.</param>
    /// <param name="scaling">What the window is divided by, or None.</param>
    /// <param name="periodic">True for a window that is one period of a repeating one.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">No window has that name.</exception>
    let stft
        (side: SpectrumSide)
        (window: SignalWindow option)
        (scaling: SpectrumScaling option)
        (periodic: bool)
        : Initializer =
        SignalWindows.check "STFT.window" window

        custom
            "STFT"
            [ "side", Text(SignalWindows.nameOf SignalWindows.sides side)
              "window", SignalWindows.toConfig window
              "scaling", ConfigWrite.option (SignalWindows.nameOf SignalWindows.scalings >> Text) scaling
              "periodic", Bool periodic ]
            (fun _ _ shape ->
                if shape.Rank <> 3 || shape[1] <> 1 then
                    raise (
                        ShapeException(
                            "The STFT initializer makes kernels of frames only.",
                            "",
                            "(frame, 1, frequencies)",
                            shape.ToString(),
                            "Use another initializer for this variable."
                        )
                    )

                SignalWindows.fourier side window scaling periodic shape[0] shape[2])

    let private seeded (entries: (string * ConfigValue) list) where initializer =
        match ConfigRead.get "seed" entries with
        | Int seed -> withSeed (int seed) initializer
        | Null -> initializer
        | Object generator ->
            // A seed generator, of which the seed is what matters.
            match ConfigRead.get "config" generator with
            | Object inner ->
                match ConfigRead.get "seed" inner with
                | Int seed -> withSeed (int seed) initializer
                | _ -> initializer
            | _ -> initializer
        | other -> raise (ConfigRead.wrong where "an integer seed" other)

    let private known: (string * (string -> (string * ConfigValue) list -> Initializer)) list =
        let number key usual where entries = ConfigRead.numberOr where entries key usual

        let case key cases fallback where entries =
            match ConfigRead.get key entries with
            | Null -> fallback
            | Text "normal" -> List.head cases |> snd
            | value ->
                let name = ConfigRead.text (where + "." + key) value

                match cases |> List.tryFind (fun (n, _) -> n = name) with
                | Some(_, case) -> case
                | None -> raise (Names.unknown "value" (where + "." + key) name (List.map fst cases))

        [ "Zeros", (fun _ _ -> zeros)
          "Ones", (fun _ _ -> ones)
          "Constant", (fun where entries -> constant (number "value" 0.0 where entries))
          "Identity", (fun where entries -> identity (number "gain" 1.0 where entries))
          "RandomNormal",
          (fun where entries -> randomNormal (number "mean" 0.0 where entries) (number "stddev" 0.05 where entries))
          "RandomUniform",
          (fun where entries ->
              randomUniform (number "minval" -0.05 where entries) (number "maxval" 0.05 where entries))
          "TruncatedNormal",
          (fun where entries -> truncatedNormal (number "mean" 0.0 where entries) (number "stddev" 0.05 where entries))
          "VarianceScaling",
          (fun where entries ->
              varianceScaling
                  (number "scale" 1.0 where entries)
                  (case "mode" fanModes FanIn where entries)
                  (case "distribution" distributions FanDistribution.TruncatedNormal where entries))
          "GlorotUniform", (fun _ _ -> glorotUniform)
          "GlorotNormal", (fun _ _ -> glorotNormal)
          "HeUniform", (fun _ _ -> heUniform)
          "HeNormal", (fun _ _ -> heNormal)
          "LecunUniform", (fun _ _ -> lecunUniform)
          "LecunNormal", (fun _ _ -> lecunNormal)
          "Orthogonal", (fun where entries -> orthogonal (number "gain" 1.0 where entries))
          "STFT",
          (fun where entries ->
              // Here null means none, and a missing entry the default.
              let given key usual read =
                  match ConfigRead.tryFind key entries with
                  | None -> usual
                  | Some value -> read (where + "." + key) value

              stft
                  (given "side" SpectrumSide.Real (fun at value ->
                      SignalWindows.choice SignalWindows.sides at value |> Option.defaultValue SpectrumSide.Real))
                  (given "window" (Some(SignalWindow.Named "hann")) SignalWindows.ofConfig)
                  (given "scaling" (Some SpectrumScaling.Density) (SignalWindows.choice SignalWindows.scalings))
                  (given "periodic" false ConfigRead.bool)) ]

    let internal classNames = List.map fst known

    /// Other spellings that Keras accepts.
    let private aliases =
        [ "zero", "Zeros"
          "one", "Ones"
          "normal", "RandomNormal"
          "uniform", "RandomUniform"
          "identity", "Identity"
          "IdentityInitializer", "Identity"
          "OrthogonalInitializer", "Orthogonal"
          "STFTInitializer", "STFT" ]

    /// Functions of the user's own.
    let internal registered = CustomClasses<Initializer>()

    /// <summary>Makes a function of your own known under a name, in configurations too. It takes precedence over a built-in one.
    /// Keras: register_keras_serializable.</summary>
    /// <param name="name">The name.</param>
    /// <param name="values">From (seed, stream, shape) to the values in row-major order, as for <c>create</c>.</param>
    let register (name: string) (values: uint64 -> uint64 -> Shape -> float[]) : Initializer =
        let made = { Config = Some { ClassName = CustomName.classOf name; Arguments = [] }; Create = values }

        registered.Register(name, fun _ -> made)
        made

    let private builtIn (where: string) (value: ConfigValue) : Initializer =
        let config = ConfigRead.config where value

        let name =
            match aliases |> List.tryFind (fun (alias, _) -> alias = config.ClassName) with
            | Some(_, name) -> name
            | None -> config.ClassName

        match known |> List.tryFind (fun (key, _) -> key = name || Layer.snakeCase key = name) with
        | Some(key, read) -> read (where + "." + key) config.Arguments |> seeded config.Arguments where
        | None ->
            let names = List.map (fst >> Layer.snakeCase) known @ List.map fst aliases
            raise (Names.unknown "initializer" where config.ClassName names)

    let internal ofConfigAt (where: string) (value: ConfigValue) : Initializer =
        registered.ReadOr(ConfigRead.config where value, fun _ -> builtIn where value)

    /// <summary>The initializer of a Keras name (he_normal or HeNormal) or configuration object.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown.</exception>
    let ofConfig (value: ConfigValue) : Initializer = ofConfigAt "initializer" value

    /// <summary>The initializer of that Keras name, such as he_normal, with its default arguments.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The name is unknown; the error names the nearest.</exception>
    let parse (name: string) : Initializer = ofConfigAt "initializer" (Text name)
