/// Layers that tell positions apart, against their formulas in plain loops.
module FunctionalNet.Tests.Layers.PositionTests

open System
open FunctionalNet
open FunctionalNet.Tests.Support
open FsCheck.Xunit
open Xunit

let private numbers (dims: int list) = LayerRun.numbers "position" (List.fold (*) 1 dims)

let private run layer dims values = OneLayer.run Mode.Infer layer (List.toArray dims) values

[<Fact>]
let ``a position embedding is the trained vector of every step, for all rows`` () =
    let layer = Layer.positionEmbeddingWith { PositionEmbedding.options 7 with StartIndex = 2 }
    let outputs, weights, shapes = OneLayer.many Mode.Infer layer [ [| 3; 4; 5 |], numbers [ 3; 4; 5 ] ]
    Assert.Equal<int[]>([| 3; 4; 5 |], shapes[0])
    Assert.Equal(7 * 5, weights[0].Length)

    for row in 0..2 do
        for step in 0..3 do
            for feature in 0..4 do
                Assert.Equal(weights[0][(step + 2) * 5 + feature], outputs[0][(row * 4 + step) * 5 + feature])

[<Theory>]
[<InlineData(10000.0, 0, 6)>]
[<InlineData(50.0, 3, 5)>]
let ``an encoding has sines at even features and cosines at odd ones``
    (wavelength: float)
    (start: int)
    (features: int)
    =
    // Vaswani et al., section 3.5: PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos of the same angle.
    let layer = Layer.sinePositionEncodingWith { MaxWavelength = wavelength; StartIndex = start }
    let actual = run layer [ 2; 8; features ] (numbers [ 2; 8; features ])

    for row in 0..1 do
        for pos in 0..7 do
            for j in 0 .. features - 1 do
                let i = j / 2
                let angle = float (pos + start) / Math.Pow(wavelength, 2.0 * float i / float features)
                let expected = if j = 2 * i then Math.Sin angle else Math.Cos angle
                Assert.Equal(expected, actual[(row * 8 + pos) * features + j], 1e-12)

/// Feature i and feature i + d/2 as a complex number, times e^(i position frequency).
let private turned (x: float[]) (position: float) (wavelength: float) =
    let half = x.Length / 2

    Array.init x.Length (fun j ->
        let i = j % half
        let angle = position * Math.Pow(wavelength, -2.0 * float i / float x.Length)
        let z = Numerics.Complex(x[i], x[i + half]) * Numerics.Complex.FromPolarCoordinates(1.0, angle)
        if j < half then z.Real else z.Imaginary)

[<Fact>]
let ``a rotary embedding turns pairs of features, over any axes`` () =
    let options =
        { RotaryEmbedding.options with MaxWavelength = 100.0; ScalingFactor = 4.0; StartIndex = 3 }

    // (batch, time, heads, features), and the same with the heads in front and the features before the steps.
    let values = numbers [ 2; 5; 3; 6 ]
    let at row step head feature = ((row * 5 + step) * 3 + head) * 6 + feature
    let plain = run (Layer.rotaryEmbeddingWith options) [ 2; 5; 3; 6 ] values
    let moved = Array.zeroCreate<float> values.Length
    let place row step head feature = ((row * 3 + head) * 6 + feature) * 5 + step

    let forAll action =
        for row in 0..1 do
            for step in 0..4 do
                for head in 0..2 do
                    for feature in 0..5 do
                        action row step head feature

    forAll (fun row step head feature -> moved[place row step head feature] <- values[at row step head feature])
    let other = { options with SequenceAxis = 3; FeatureAxis = 2 }
    let over = run (Layer.rotaryEmbeddingWith other) [ 2; 3; 6; 5 ] moved

    forAll (fun row step head feature ->
        let x = Array.init 6 (fun j -> values[at row step head j])
        let expected = (turned x (float (step + 3) / 4.0) 100.0)[feature]
        Assert.Equal(expected, plain[at row step head feature], 1e-12)
        Assert.Equal(expected, over[place row step head feature], 1e-12))

[<Property>]
let ``products of turned vectors depend on distances`` (first: byte) (second: byte) (shift: byte) =
    let layer = Layer.rotaryEmbedding
    let a, b, s = int first % 20, int second % 20, int shift % 20
    let x = numbers [ 40; 8 ]

    // One vector at every position.
    let turned seed = run layer [ 1; 40; 8 ] (Array.init (40 * 8) (fun i -> x[seed * 8 + i % 8]))

    let queries, keys = turned 0, turned 1
    let product p q = Array.sum (Array.init 8 (fun i -> queries[p * 8 + i] * keys[q * 8 + i]))
    abs (product a b - product (a + s) (b + s)) < 1e-10

[<Fact>]
let ``what does not fit is refused where the network is built`` () =
    let refuse (layer: Layer) (shape: int list) =
        let apply () = Network.apply (Layer.named "here" layer) (Network.input shape) |> ignore
        Assert.Equal("here", (Assert.Throws<ShapeException> apply).Path)

    refuse (Layer.positionEmbedding 4) [ 5; 2 ]
    refuse (Layer.positionEmbeddingWith { PositionEmbedding.options 4 with StartIndex = 2 }) [ 3; 2 ]
    refuse Layer.rotaryEmbedding [ 5; 3 ]
    refuse (Layer.rotaryEmbeddingWith { RotaryEmbedding.options with FeatureAxis = 1 }) [ 4; 4 ]
    refuse (Layer.rotaryEmbeddingWith { RotaryEmbedding.options with SequenceAxis = 4 }) [ 4; 4 ]

    for bad in
        [ (fun () -> Layer.positionEmbedding 0)
          (fun () -> Layer.sinePositionEncodingWith { SinePositionEncoding.options with MaxWavelength = 0.0 })
          (fun () -> Layer.rotaryEmbeddingWith { RotaryEmbedding.options with ScalingFactor = -1.0 })
          (fun () -> Layer.rotaryEmbeddingWith { RotaryEmbedding.options with StartIndex = -1 }) ] do
        Assert.Throws<ArgumentValueException>(fun () -> bad () |> ignore) |> ignore

[<Fact>]
let ``their configurations are those of KerasHub`` () =
    let x = Network.input [ 4; 6 ]
    let positions = Network.apply (Layer.positionEmbedding 9) x
    let sum = Network.merge Layer.add [ x; positions ]
    let json = Network.toJson (Network.create [ x ] [ Network.apply Layer.rotaryEmbedding sum ])
    let plain = json.Replace("\\u003E", ">")
    Assert.Contains("\"registered_name\":\"keras_hub>PositionEmbedding\"", plain)
    Assert.Contains("\"module\":\"keras_hub.src.layers.modeling.rotary_embedding\"", json)
    Assert.Contains("\"sequence_length\":9", json)
    Assert.DoesNotContain("start_index", json)
    Assert.Equal(json, Network.toJson (Network.ofJson json))
