/// Layers with 8-bit weights, against Keras's rule written out in loops.
module FunctionalNet.Tests.Layers.QuantizationTests

open System
open System.IO
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.Samples
open Xunit

/// Keras: abs_max_quantize over groups of numbers that share a scale, in float32.
let private absMax (groupOf: int -> int) (groups: int) (values: float[]) =
    let scales =
        Array.init groups (fun g ->
            let own =
                values |> Array.indexed |> Array.filter (fun (i, _) -> groupOf i = g) |> Array.map (snd >> abs)
            127.0f / (float32 (Array.max own) + 1e-7f))

    let whole = values |> Array.mapi (fun i v -> float (MathF.Round(float32 v * scales[groupOf i])))
    whole, Array.map float scales

let private weightsOf (trainer: Trainer) = trainer.GetWeights() |> Seq.map (fun p -> p.Key, p.Value) |> Map.ofSeq

let private kernelOf (trainer: Trainer) : Tensor = (weightsOf trainer).["dense/kernel"]

let private quantized (input: Node) (layer: Layer) =
    let trainer = Trainer(Network.sequential input [ Layer.named "it" layer ], 3UL)
    weightsOf trainer, trainer, Trainer.quantize "int8" trainer

let private ints (dims: int list) = Network.inputWith { Name = ""; Shape = dims; DType = DType.Int32; BatchSize = None }

/// Rows of x in 8 bits times whole weights (k, n), divided by both scales, as Keras computes it.
let private product (k: int) (n: int) (x: float[]) (whole: float[]) (scales: float[]) =
    Array.init (x.Length / k * n) (fun i ->
        let row, column = i / n, i % n
        let q, s = absMax (fun _ -> 0) 1 x[row * k .. row * k + k - 1]
        let mutable sum = 0.0

        for j in 0 .. k - 1 do
            sum <- sum + q[j] * whole[j * n + column]

        sum / (s[0] * scales[column]))

[<Fact>]
let ``Dense keeps whole numbers with a scale for every unit, and rounds its input row by row`` () =
    let before, trainer, after =
        quantized (Network.input [ 5; 6 ]) (Layer.denseWith { Dense.options 4 with Activation = Activation.relu })
    let weights = weightsOf after
    // Keras's names and order: what is trained first.
    Assert.Equal<string[]>(
        [| "it/bias"; "it/kernel"; "it/kernel_scale" |],
        after.GetWeights() |> Seq.map (fun p -> p.Key) |> Seq.toArray
    )
    Assert.Equal(DType.Int8, weights["it/kernel"].DType)
    let whole, scales = absMax (fun i -> i % 4) 4 (before["it/kernel"].ToDoubles())
    Assert.Equal<float[]>(whole, weights["it/kernel"].ToDoubles())
    Assert.Equal<float[]>(scales, weights["it/kernel_scale"].ToDoubles())
    let x = tensor 5 [ 3; 5; 6 ]
    let expected = product 6 4 (x.ToDoubles()) whole scales |> Array.map (fun v -> max 0.0 v)
    Close.close 1e-5 1e-6 expected ((after.Predict x).ToDoubles())
    // Not far from what it was.
    Close.close 0.05 0.02 ((trainer.Predict x).ToDoubles()) ((after.Predict x).ToDoubles())

[<Theory>]
[<InlineData("abc,cd->abd", 5, 4)>]
[<InlineData("abc,dc->abd", 5, 4)>]
[<InlineData("...x,xy->...y", 5, 4)>]
[<InlineData("abc,ce->aeb", 5, 4)>]
let ``EinsumDense with one axis summed over is a product of rows`` (equation: string, time: int, units: int) =
    let output = if equation.EndsWith "aeb" then [ Some units; Some time ] else [ Some time; Some units ]
    let output = if equation.Contains "." then [ Some units ] else output
    let before, _, after =
        quantized (Network.input [ time; 6 ]) (Layer.einsumDenseWith (EinsumDense.options equation output))
    let weights = weightsOf after
    let turned = equation.Contains "dc"
    let kernel = before["it/kernel"].ToDoubles()
    let kernel = if turned then Array.init 24 (fun i -> kernel[i % 4 * 6 + i / 4]) else kernel
    let whole, scales = absMax (fun i -> i % 4) 4 kernel
    Close.close 0.0 0.0 scales (weights["it/kernel_scale"].ToDoubles())
    let x = tensor 5 [ 3; time; 6 ]
    let rows = product 6 4 (x.ToDoubles()) whole scales

    let expected =
        if equation.EndsWith "aeb" then
            Array.init rows.Length (fun i -> rows[(i / 20 * 5 + i % 5) * 4 + i / 5 % 4])
        else
            rows

    Close.close 1e-5 1e-6 expected ((after.Predict x).ToDoubles())

// The shapes that Keras 3.8.0's _analyze_quantization_info leads to.
[<Theory>]
[<InlineData("abc,cd->abd", "5,6", "5,4", "1,1,4")>]
[<InlineData("...x,xy->...y", "5,6", "4", "1,1,4")>]
[<InlineData("...x,xy->...y", "6", "4", "1,4")>]
[<InlineData("abc,ce->aeb", "5,6", "4,5", "1,4,1")>]
[<InlineData("abc,bcd->ad", "2,3", "4", "1,4")>]
[<InlineData("abc,bcd->abd", "2,3", "2,4", "1,2,4")>]
[<InlineData("abc,cde->abde", "5,6", "5,2,3", "1,1,2,3")>]
[<InlineData("abde,def->abf", "5,2,3", "5,6", "1,1,6")>]
[<InlineData("ab...,bc->ac...", "5,6,7", "4", "1,4,1,1")>]
let ``scales have the axes of the output, as in Keras, and merge and load with them``
    (equation: string, input: string, output: string, expected: string)
    =
    let dims (text: string) = text.Split ',' |> Array.map int |> List.ofArray
    let layer = Layer.einsumDenseWith (EinsumDense.options equation (dims output |> List.map Some))
    let _, _, after = quantized (Network.input (dims input)) layer
    let weights = weightsOf after
    let scales = weights["it/kernel_scale"]
    Assert.Equal<int list>(dims expected, List.ofArray (scales.Shape.ToArray()))
    // Merged, they are made anew in that shape.
    let merged = after |> Trainer.enableLora (Lora.ofRank 1) [] |> Trainer.mergeLora
    let again = weightsOf merged
    Assert.Equal<int list>(dims expected, List.ofArray (again["it/kernel_scale"].Shape.ToArray()))
    Close.close 1e-4 0.0 (scales.ToDoubles()) (again["it/kernel_scale"].ToDoubles())

[<Fact>]
let ``float8 is refused with what there is instead`` () =
    let trainer = Trainer(Network.sequential (Network.input [ 6 ]) [ Layer.dense 3 ], 3UL)
    let e = Assert.Throws<ArgumentValueException>(fun () -> Trainer.quantize "float8" trainer |> ignore)
    Assert.Equal("int8", e.Expected)
    Assert.Contains("8-bit floats", e.Hint)

[<Fact>]
let ``What is quantised keeps its weights when the rest is trained`` () =
    let trainer =
        Trainer.quantize
            "int8"
            (Trainer(Network.sequential (Network.input [ 6 ]) [ Layer.dense 5 >>> Layer.relu; Layer.dense 3 ], 3UL))

    let start = weightsOf trainer
    trainer.Compile(TrainingOptions(Optimizer = Optimizer.sgd 0.1).AddLoss(Loss.parse "mse"))
    trainer.Fit(tensor 1 [ 20; 6 ], tensor 2 [ 20; 3 ], FitOptions(Epochs = 2, Verbosity = Verbosity.Silent))
    |> ignore

    for pair in weightsOf trainer do
        // Keras: kernel and scale are not trainable, the bias is, and derivatives flow through to the layers before.
        Assert.Equal(not (pair.Key.EndsWith "bias"), pair.Value.BitEquals start[pair.Key])

[<Fact>]
let ``EinsumDense with several axes, or one for each kernel, is what the rule says`` () =
    // Two axes summed over: their product is one long axis.
    let before, _, after =
        quantized (Network.input [ 2; 3 ]) (Layer.einsumDenseWith (EinsumDense.options "abc,bcd->ad" [ Some 4 ]))
    let whole, scales = absMax (fun i -> i % 4) 4 (before["it/kernel"].ToDoubles())
    let x = tensor 5 [ 3; 2; 3 ]
    Close.close 1e-5 1e-6 (product 6 4 (x.ToDoubles()) whole scales) ((after.Predict x).ToDoubles())
    // A kernel of its own for each b: no product of matrices does it.
    let before, _, after =
        quantized
            (Network.input [ 2; 3 ])
            (Layer.einsumDenseWith (EinsumDense.options "abc,bcd->abd" [ Some 2; Some 4 ]))
    let kernel = before["it/kernel"].ToDoubles()
    let whole, scales = absMax (fun i -> i / 12 * 4 + i % 4) 8 kernel

    let expected =
        Array.init 24 (fun i ->
            let row, b, d = i / 8, i / 4 % 2, i % 4
            let own = (x.ToDoubles()).[row * 6 + b * 3 .. row * 6 + b * 3 + 2]
            (product 3 4 own whole[b * 12 .. b * 12 + 11] scales[b * 4 .. b * 4 + 3]).[d])

    Close.close 1e-5 1e-6 expected ((after.Predict x).ToDoubles())

[<Fact>]
let ``Embedding keeps whole numbers with a scale for every id`` () =
    let before, _, after = quantized (ints [ 5 ]) (Layer.embedding 7 3)
    let whole, scales = absMax (fun i -> i / 3) 7 (before["it/embeddings"].ToDoubles())
    let weights = weightsOf after
    Assert.Equal<float[]>(whole, weights["it/embeddings"].ToDoubles())
    Assert.Equal<float[]>(scales, weights["it/embeddings_scale"].ToDoubles())
    let ids = Tensor.OfDoubles(DType.Int32, Shape.Of(2, 5), Array.init 10 (fun i -> float (i * 3 % 7)))
    let expected =
        ids.ToDoubles()
        |> Array.collect (fun id -> Array.init 3 (fun k -> whole[int id * 3 + k] / scales[int id]))
    Close.close 1e-6 1e-8 expected ((after.Predict ids).ToDoubles())

[<Theory>]
[<InlineData(true)>]
[<InlineData(false)>]
let ``ReversibleEmbedding leads back with the same whole numbers`` (tied: bool) =
    let input = ints [ 5 ]
    let layer =
        Layer.reversibleEmbeddingWith { ReversibleEmbedding.options 7 4 with TieWeights = tied }
        |> Layer.named "it"
    let network =
        Network.create [ input ] [ input |> Network.apply layer |> ReversibleEmbedding.reverse layer ]
    let trainer = Trainer(network, 3UL)
    let after = Trainer.quantize "int8" trainer
    let weights = weightsOf after
    let table, scales = weights["it/embeddings"].ToDoubles(), weights["it/embeddings_scale"].ToDoubles()

    let whole, backScales =
        if tied then
            Array.init 28 (fun i -> table[i % 7 * 4 + i / 7]), scales
        else
            weights["it/reverse_embeddings"].ToDoubles(), weights["it/reverse_embeddings_scale"].ToDoubles()

    let ids = Tensor.OfDoubles(DType.Int32, Shape.Of(2, 5), Array.init 10 (fun i -> float (i * 3 % 7)))

    let vectors =
        ids.ToDoubles()
        |> Array.collect (fun id ->
            Array.init 4 (fun k -> float (float32 table[int id * 4 + k] / float32 scales[int id])))

    Close.close 1e-5 1e-6 (product 4 7 vectors whole backScales) ((after.Predict ids).ToDoubles())

[<Fact>]
let ``A quantised model is a quarter of the size, and the same after a file`` () =
    inFolder (fun folder ->
        let network =
            Network.sequential (Network.input [ 200 ]) [ Layer.dense 300 >>> Layer.relu; Layer.dense 100 ]
        let trainer = Trainer(network, 3UL)
        let after = Trainer.quantize "int8" trainer
        let large, small = Path.Combine(folder, "large.fnet"), Path.Combine(folder, "small.fnet")
        trainer.Save large
        after.Save small
        Assert.InRange(float (FileInfo large).Length / float (FileInfo small).Length, 3.5, 4.0)
        let loaded = Trainer.Load small
        sameBits (after.GetWeights()) (loaded.GetWeights())
        let x = tensor 5 [ 3; 200 ]
        Assert.True((after.Predict x).BitEquals(loaded.Predict x))
        // Alone, the weights take the place of those of a model quantised alike, and of no other.
        let weights = Path.Combine(folder, "weights.safetensors")
        after.SaveWeights weights
        let other = Trainer.quantize "int8" (Trainer(network, 9UL))
        other.LoadWeights weights
        Assert.True((after.Predict x).BitEquals(other.Predict x))
        Assert.Throws<ModelFormatException>(fun () -> trainer.LoadWeights weights) |> ignore)

[<Fact>]
let ``Layers that cannot be quantised stay, and a second time there is nothing to do`` () =
    let trainer = Trainer(cnn (), 3UL)
    let after = Trainer.quantize "int8" trainer
    let types = after.GetWeights() |> Seq.map (fun p -> p.Key, p.Value.DType) |> Map.ofSeq
    Assert.Equal(DType.Float32, types["conv2d/kernel"])
    Assert.Equal(DType.Int8, types["dense/kernel"])
    Assert.Throws<ArgumentValueException>(fun () -> Trainer.quantize "int8" after |> ignore) |> ignore
    let e = Assert.Throws<ArgumentValueException>(fun () -> Trainer.quantize "int3" trainer |> ignore)
    Assert.Equal("int8", e.Expected)

[<Fact>]
let ``A quantised layer can be adapted, and LoRA merged into whole numbers`` () =
    let x, y = tensor 1 [ 50; 6 ], labels 2 3 50
    let network =
        Network.sequential (Network.input [ 6 ]) [ Layer.dense 16 >>> Layer.relu; Layer.dense 3 >>> Layer.softmax ]
    let whole = Trainer.quantize "int8" (Trainer(network, 3UL))
    let tuned = whole |> Trainer.enableLora (Lora.ofRank 2) [ "dense" ]
    Close.close 1e-6 1e-7 ((whole.Predict x).ToDoubles()) ((tuned.Predict x).ToDoubles())
    let kernel = (kernelOf tuned)
    let compiled = compile tuned
    compiled.Fit(x, y, FitOptions(Epochs = 5, BatchSize = 16, Verbosity = Verbosity.Silent)) |> ignore
    Assert.True(kernel.BitEquals((kernelOf tuned)))
    let merged = Trainer.mergeLora tuned
    Assert.Equal(DType.Int8, (kernelOf merged).DType)
    Assert.False(kernel.BitEquals((kernelOf merged)))
    Close.close 0.0 0.05 ((tuned.Predict x).ToDoubles()) ((merged.Predict x).ToDoubles())

[<Fact>]
let ``The derivative to the input is that of the weights as floats`` () =
    let random = System.Random 4
    let x = Expr.Input("x", DType.Float64, Shape.Of(2, 3))
    let w = Expr.Input("w", DType.Int8, Shape.Of(3, 4))
    let s = Expr.Input("s", DType.Float64, Shape.Of 4)
    let y = Expr.Node(Structured(Int8Matrix()), [| x; w; s |])
    let gradient = Grad.gradients (Ops.sumAll y) [| x |]
    let whole = Array.init 12 (fun _ -> float (random.Next(-127, 128)))
    let scales = [| 1.0; 2.0; 4.0; 8.0 |]

    let values =
        Interpreter.run
            [| x, Tensor.OfDoubles(DType.Float64, x.Shape, LayerRun.numbers "x" 6)
               w, Tensor.OfDoubles(DType.Int8, w.Shape, whole)
               s, Tensor.OfDoubles(DType.Float64, s.Shape, scales) |]
            gradient

    let expected =
        Array.init 6 (fun i -> Seq.sum (seq { for n in 0..3 -> whole[i % 3 * 4 + n] / scales[n] }))
    Close.close 1e-12 1e-12 expected values[0]

[<Fact>]
let ``Nothing is computed in 8 bits`` () =
    let w = Expr.Input("w", DType.Int8, Shape.Of(3, 4))
    Assert.Throws<DTypeException>(fun () -> Ops.square w |> ignore) |> ignore
    Assert.Throws<DTypeException>(fun () -> w + w |> ignore) |> ignore
    Assert.Throws<DTypeException>(fun () -> Ops.sumAll w |> ignore) |> ignore
    Assert.Throws<DTypeException>(fun () -> Ops.cast DType.Int8 (Ops.cast DType.Float32 w) |> ignore)
    |> ignore

[<Fact>]
let ``Policies are written as Keras writes them, and unknown ones are refused`` () =
    let text (layer: Layer) = Json.write false (LayerConfig.toValue "it" layer)

    for name in [ "float64"; "int8_from_float32"; "int8_from_float64" ] do
        let layer = Layer.dense 3 |> Layer.withPolicy (DTypePolicy.Parse name)
        Assert.Equal(text layer, text (Registry.ofConfig (Json.parse (text layer))))

    let quantized = text (Layer.dense 3 |> Layer.withPolicy (DTypePolicy.Parse "int8_from_float32"))
    Assert.Contains(
        "\"class_name\":\"QuantizedDTypePolicy\",\"config\":{\"mode\":\"int8\",\"source_name\":\"float32\"}",
        quantized
    )
    Assert.Contains(
        "\"class_name\":\"DTypePolicy\",\"config\":{\"name\":\"float64\"}",
        text (Layer.dense 3 |> Layer.withPolicy DTypePolicy.Float64)
    )
    Assert.Throws<ArgumentValueException>(fun () -> DTypePolicy.Parse "float8" |> ignore) |> ignore
    let other = quantized.Replace("\"int8\"", "\"float8\"")
    let e = Assert.Throws<ArgumentValueException>(fun () -> Registry.ofConfig (Json.parse other) |> ignore)
    Assert.Equal("dtype.mode", e.Path)

/// Other tests make layers too: this one changes what all of them get for a moment, so it runs with none beside it.
[<CollectionDefinition("global policy", DisableParallelization = true)>]
type GlobalPolicy() = class end

[<Collection("global policy")>]
type GlobalPolicyTests() =

    [<Fact>]
    member _.``New layers have the global policy unless they are given one``() =
        DTypePolicy.Global <- DTypePolicy.Float64

        try
            let network =
                Network.sequential
                    (Network.input [ 6 ])
                    [ Layer.dense 4; Layer.dense 3 |> Layer.withPolicy DTypePolicy.Float32 ]

            let types = Trainer(network).GetWeights() |> Seq.map (fun p -> p.Value.DType) |> Seq.toArray
            Assert.Equal<DType[]>([| DType.Float64; DType.Float64; DType.Float32; DType.Float32 |], types)
        finally
            DTypePolicy.Global <- DTypePolicy.Float32

        Assert.Equal(
            DType.Float32,
            (Trainer(Network.sequential (Network.input [ 6 ]) [ Layer.dense 4 ]).GetWeights()[0]).Value.DType
        )

[<Fact>]
let ``Layers of float64 and float32 meet in one model, and the model is saved and read again`` () =
    let network =
        Network.sequential
            (Network.input [ 6 ])
            [ Layer.dense 4
              Layer.dense 5 |> Layer.withPolicy DTypePolicy.Float64
              Layer.dense 3
              Layer.dense 2 |> Layer.withPolicy DTypePolicy.Float64 ]

    let trainer = Trainer(network, 3UL)
    let types = trainer.GetWeights() |> Seq.map (fun p -> p.Value.DType) |> Seq.toArray
    let f, d = DType.Float32, DType.Float64
    Assert.Equal<DType[]>([| f; f; d; d; f; f; d; d |], types)
    let x, y = tensor 1 [ 40; 6 ], tensor 2 [ 40; 2 ]
    Assert.Equal(d, (trainer.Predict x).DType)
    trainer.Compile(TrainingOptions(Optimizer = Optimizer.adam 0.01).AddLoss(Loss.parse "mse"))
    let history = trainer.Fit(x, y, FitOptions(Epochs = 5, BatchSize = 16, Verbosity = Verbosity.Silent))
    let losses = history["loss"] |> Seq.toArray
    Assert.True(losses[4] < losses[0])

    inFolder (fun folder ->
        let path = Path.Combine(folder, "mixed.fnet")
        trainer.Save path
        let loaded = Trainer.Load path
        sameBits (trainer.GetWeights()) (loaded.GetWeights())
        Assert.True((trainer.Predict x).BitEquals(loaded.Predict x)))
