namespace FunctionalNet.Tests.Layers

open FunctionalNet
open FunctionalNet.Tests.Support
open MathNet.Numerics.Distributions
open Xunit

/// Distributions, limits and seeds of the initializers.
type InitializerTests() =

    static let draw (initializer: Initializer) (dims: int list) =
        initializer.Create 42UL 7UL (Shape.Of(List.toArray dims))

    /// The greatest distance between the distribution of a sample and one that is known (Kolmogorov and Smirnov).
    static let distance (cumulative: float -> float) (sample: float[]) =
        let sorted = Array.sort sample
        let n = float sorted.Length

        sorted
        |> Array.mapi (fun i x -> max (abs (cumulative x - float i / n)) (abs (cumulative x - float (i + 1) / n)))
        |> Array.max

    // Above this a sample of 20,000 is from another distribution, but for one case in a million.
    static let threshold = 2.7 / sqrt 20000.0

    static let shape = [ 100; 200 ]

    static let fitsUniform limit (sample: float[]) =
        Assert.InRange(distance (fun x -> ContinuousUniform.CDF(-limit, limit, x)) sample, 0.0, threshold)
        Assert.All(sample, fun x -> Assert.InRange(x, -limit, limit))

    static let fitsTruncated deviation (sample: float[]) =
        let low, high = Normal.CDF(0.0, 1.0, -2.0), Normal.CDF(0.0, 1.0, 2.0)
        let cdf x = (Normal.CDF(0.0, deviation, x) - low) / (high - low)
        Assert.InRange(distance (cdf >> max 0.0 >> min 1.0) sample, 0.0, threshold)
        Assert.All(sample, fun x -> Assert.InRange(x, -2.0 * deviation, 2.0 * deviation))

    [<Fact>]
    member _.``uniform kinds reach Keras's limits and not beyond``() =
        fitsUniform (sqrt (6.0 / 300.0)) (draw Initializer.glorotUniform shape)
        fitsUniform (sqrt (6.0 / 100.0)) (draw Initializer.heUniform shape)
        fitsUniform (sqrt (3.0 / 100.0)) (draw Initializer.lecunUniform shape)
        fitsUniform 0.05 (draw (Initializer.randomUniform -0.05 0.05) shape)
        fitsUniform
            (sqrt (3.0 * 2.0 / 200.0))
            (draw (Initializer.varianceScaling 2.0 FanOut FanDistribution.Uniform) shape)

    [<Fact>]
    member _.``truncated normal kinds have Keras's deviation after truncation``() =
        let correction = 0.87962566103423978
        fitsTruncated (sqrt (2.0 / 300.0) / correction) (draw Initializer.glorotNormal shape)
        fitsTruncated (sqrt (2.0 / 100.0) / correction) (draw Initializer.heNormal shape)
        fitsTruncated (sqrt (1.0 / 100.0) / correction) (draw Initializer.lecunNormal shape)
        fitsTruncated 0.05 (draw (Initializer.truncatedNormal 0.0 0.05) shape)
        // What the correction is for: the variance that the fans ask for.
        let sample = draw Initializer.heNormal shape
        Assert.Equal(2.0 / 100.0, Array.averageBy (fun x -> x * x) sample, 0.0008)

    [<Fact>]
    member _.``normal kinds are normal``() =
        let fits mean deviation sample =
            Assert.InRange(distance (fun x -> Normal.CDF(mean, deviation, x)) sample, 0.0, threshold)

        fits 0.0 0.05 (draw (Initializer.randomNormal 0.0 0.05) shape)
        fits 1.0 2.0 (draw (Initializer.randomNormal 1.0 2.0) shape)
        fits
            0.0
            (sqrt (1.0 / 150.0))
            (draw (Initializer.varianceScaling 1.0 FanAvg FanDistribution.UntruncatedNormal) shape)

    [<Theory>]
    [<InlineData("5", 5, 5)>]
    [<InlineData("4,6", 4, 6)>]
    [<InlineData("3,3,8,16", 72, 144)>]
    [<InlineData("5,2,7", 10, 35)>]
    member _.``fans count the cells of a window``(dims: string, fanIn: int, fanOut: int) =
        let shape = Shape.Of(dims.Split(',') |> Array.map int)
        Assert.Equal((fanIn, fanOut), Initializer.fans shape)

    [<Theory>]
    [<InlineData(6, 4, 1)>]
    [<InlineData(4, 6, 1)>]
    [<InlineData(5, 5, 3)>]
    member _.``orthogonal rows or columns are orthonormal``(rows: int, columns: int, window: int) =
        let w = draw (Initializer.orthogonal 2.0) [ window; rows; columns ]
        let height = window * rows
        let few, many = min height columns, max height columns
        // The fewer vectors, each of length `many`.
        let at i k = if height <= columns then w[i * columns + k] else w[k * columns + i]

        for i in 0 .. few - 1 do
            for j in 0 .. few - 1 do
                let dot = Seq.sum (seq { for k in 0 .. many - 1 -> at i k * at j k })
                Assert.Equal((if i = j then 4.0 else 0.0), dot, 1e-10)

    [<Fact>]
    member _.``constants, identity and their errors``() =
        Assert.Equal<float[]>([| 0.0; 0.0 |], draw Initializer.zeros [ 2 ])
        Assert.Equal<float[]>([| 1.0; 1.0 |], draw Initializer.ones [ 2 ])
        Assert.Equal<float[]>([| 0.3; 0.3 |], draw (Initializer.constant 0.3) [ 2 ])
        Assert.Equal<float[]>([| 2.0; 0.0; 0.0; 0.0; 2.0; 0.0 |], draw (Initializer.identity 2.0) [ 2; 3 ])
        Assert.Throws<ShapeException>(fun () -> draw (Initializer.identity 1.0) [ 3 ] |> ignore) |> ignore
        Assert.Throws<ShapeException>(fun () -> draw (Initializer.orthogonal 1.0) [ 3 ] |> ignore) |> ignore

        Assert.Throws<ArgumentValueException>(fun () ->
            Initializer.varianceScaling 0.0 FanIn FanDistribution.Uniform |> ignore)
        |> ignore

    [<Fact>]
    member _.``Keras's older names are known``() =
        for name, className in
            [ "IdentityInitializer", "Identity"
              "OrthogonalInitializer", "Orthogonal"
              "STFTInitializer", "STFT"
              "normal", "RandomNormal"
              "uniform", "RandomUniform"
              "one", "Ones"
              "zero", "Zeros" ] do
            Assert.Equal(className, (Initializer.ofConfig (Text name)).Config.Value.ClassName)

    [<Fact>]
    member _.``seed and stream decide the values, a seed of its own alone decides them``() =
        let shape = Shape.Of(4, 5)
        let values (i: Initializer) seed stream = i.Create seed stream shape
        let free = Initializer.glorotUniform
        Assert.Equal<float[]>(values free 1UL 2UL, values free 1UL 2UL)
        Assert.NotEqual<float[]>(values free 1UL 2UL, values free 1UL 3UL)
        Assert.NotEqual<float[]>(values free 1UL 2UL, values free 2UL 2UL)
        let own = Initializer.withSeed 9 free
        Assert.Equal<float[]>(values own 1UL 2UL, values own 7UL 8UL)
        Assert.NotEqual<float[]>(values own 1UL 2UL, values (Initializer.withSeed 10 free) 1UL 2UL)
        let read =
            Initializer.ofConfig (
                ConfigValue.Object
                    [ "class_name", Text "GlorotUniform"; "config", ConfigValue.Object [ "seed", Int 9L ] ]
            )
        Assert.Equal<float[]>(values own 1UL 2UL, values read 1UL 2UL)

    [<Fact>]
    member _.``every kind is read back from what it writes``() =
        let kinds =
            [ Initializer.zeros
              Initializer.ones
              Initializer.constant 0.5
              Initializer.identity 2.0
              Initializer.randomNormal 0.1 0.2
              Initializer.randomUniform -0.3 0.4
              Initializer.truncatedNormal 0.1 0.2
              Initializer.varianceScaling 2.0 FanAvg FanDistribution.UntruncatedNormal
              Initializer.glorotUniform
              Initializer.glorotNormal
              Initializer.heUniform
              Initializer.heNormal
              Initializer.lecunUniform
              Initializer.lecunNormal
              Initializer.orthogonal 1.5
              Initializer.withSeed 3 Initializer.heNormal ]

        for kind in kinds do
            let config = kind.Config.Value
            let again = Initializer.ofConfig (ConfigWrite.objectOf "keras.initializers" config)
            Assert.Equal(Some config, again.Config)
            Assert.Equal<float[]>(draw kind [ 3; 3 ], draw again [ 3; 3 ])

        Assert.Equal(Some "RandomUniform", (Initializer.parse "uniform").Config |> Option.map (fun c -> c.ClassName))
        Assert.Equal(Some "HeNormal", (Initializer.parse "he_normal").Config |> Option.map (fun c -> c.ClassName))

    [<Fact>]
    member _.``an unknown name is an error that names the nearest``() =
        let hint (f: unit -> unit) = (Assert.Throws<ArgumentValueException> f).Hint
        Assert.Contains("he_normal", hint (fun () -> Initializer.parse "he_nrmal" |> ignore))
        Assert.Contains("softmax", hint (fun () -> Activation.parse "sofmax" |> ignore))
        Assert.Contains(
            "OrthogonalRegularizer",
            hint (fun () -> Regularizer.ofConfig (Text "OrthogonalRegulariser") |> ignore)
        )
        Assert.Contains("MaxNorm", hint (fun () -> Constraint.ofConfig (Text "MaxNrom") |> ignore))

        Assert.Contains(
            "Dense",
            hint (fun () ->
                Registry.ofConfig (ConfigValue.Object [ "class_name", Text "Densse"; "config", ConfigValue.Object [] ])
                |> ignore)
        )

        Assert.Contains(
            "units",
            hint (fun () ->
                Registry.ofConfig (
                    ConfigValue.Object
                        [ "class_name", Text "Dense"
                          "config", ConfigValue.Object [ "units", Int 3L; "unts", Int 3L ] ]
                )
                |> ignore)
        )
