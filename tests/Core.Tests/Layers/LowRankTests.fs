/// Low-rank adaptation, and the small layers of its family, against formulas written out in loops.
module FunctionalNet.Tests.Layers.LowRankTests

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open Xunit

let private lora (rank: int) (alpha: float option) : LoraOptions = { Rank = Some rank; Alpha = alpha }

/// A layer traced over inputs of its own, with weights that look random; outputs, weights by name, and the trace.
let private run (layer: Layer) (types: TensorType[]) =
    let trace =
        LayerRun.trace Mode.Train DType.Float64 (Layer.named "it" layer) types (LayerRun.unmasked types)

    let data =
        types |> Array.mapi (fun i t -> LayerRun.data ("input" + string i) t.DType (t.Shape.ToArray()))
    let weights = LayerRun.weights DType.Float64 trace
    let bindings = LayerRun.bind trace data weights
    let outputs = LayerRun.interpret bindings trace.Outputs
    let byName =
        Array.zip (trace.Specs |> Array.map (fun s -> s.Path)) (weights |> Array.map (fun w -> w.ToDoubles()))
    outputs[0], data, Map.ofArray byName, trace, bindings

let private product (rows: int) (inner: int) (columns: int) (a: float[]) (b: float[]) =
    Array.init (rows * columns) (fun i ->
        let row, column = i / columns, i % columns
        let mutable sum = 0.0

        for k in 0 .. inner - 1 do
            sum <- sum + a[row * inner + k] * b[k * columns + column]

        sum)

let private adapted (rows: int) (rank: int) (columns: int) (scale: float) (weight: float[]) (a: float[]) (b: float[]) =
    Array.map2 (fun w d -> w + scale * d) weight (product rows rank columns a b)

[<Theory>]
[<InlineData(2, 0.0)>]
[<InlineData(3, 6.0)>]
let ``Dense with LoRA is x (W + alpha / rank A B) + b`` (rank: int, alpha: float) =
    let alpha = if alpha = 0.0 then None else Some alpha
    let layer = Layer.denseWith { Dense.options 5 with Lora = lora rank alpha }
    let y, data, weights, trace, _ = run layer [| LayerRun.typeOf DType.Float64 [| 3; 4 |] |]

    // Keras's names, shapes and order; only the small matrices and the bias are trained.
    Assert.Equal<string[]>(
        [| "kernel"; "bias"; "lora_kernel_a"; "lora_kernel_b" |],
        trace.Specs |> Array.map (fun s -> s.Path)
    )
    Assert.Equal<bool[]>([| true; false; false; false |], trace.Specs |> Array.map (fun s -> s.Frozen))
    Assert.Equal(Shape.Of(4, rank), trace.Specs[2].Shape)
    Assert.Equal(Shape.Of(rank, 5), trace.Specs[3].Shape)

    let scale = Option.defaultValue (float rank) alpha / float rank
    let kernel = adapted 4 rank 5 scale weights["kernel"] weights["lora_kernel_a"] weights["lora_kernel_b"]
    let expected =
        product 3 4 5 (data[0].ToDoubles()) kernel |> Array.mapi (fun i v -> v + weights["bias"][i % 5])
    Close.close 1e-12 1e-12 expected y

[<Fact>]
let ``LoRA begins with A He-uniform and B zero, so that nothing changes`` () =
    let layer = Layer.denseWith { Dense.options 5 with Lora = lora 2 None }
    let network = Network.sequential (Network.input [ 4 ]) [ Layer.named "d" layer ]
    let values =
        Network.init 3UL network
        |> Array.map (fun (spec, value) -> spec.Path, value.ToDoubles())
        |> Map.ofArray
    Assert.All(values["d/lora_kernel_b"], fun v -> Assert.Equal(0.0, v))
    // sqrt(6 / fan in)
    Assert.All(values["d/lora_kernel_a"], fun v -> Assert.InRange(Math.Abs v, 0.0, Math.Sqrt(6.0 / 4.0)))
    Assert.True(values["d/lora_kernel_a"] |> Array.exists (fun v -> Math.Abs v > 0.3))
    Assert.Equal<float[]>(
        (Network.init 3UL (Network.sequential (Network.input [ 4 ]) [ Layer.named "d" (Layer.dense 5) ])
         |> Array.head
         |> snd)
            .ToDoubles(),
        values["d/kernel"]
    )

[<Fact>]
let ``EinsumDense and convolutions add the product to the kernel`` () =
    let options =
        { EinsumDense.options "abc,cde->abde" [ None; Some 2; Some 3 ] with
            Lora = lora 2 (Some 1.0)
            BiasAxes = Some "e" }

    let y, data, weights, trace, _ =
        run (Layer.einsumDenseWith options) [| LayerRun.typeOf DType.Float64 [| 2; 3; 4 |] |]
    // The last axis of the kernel is the one that B gives; A has the others.
    Assert.Equal(Shape.Of(4, 2, 2), trace.Specs[2].Shape)
    Assert.Equal(Shape.Of(2, 3), trace.Specs[3].Shape)

    let kernel = adapted 8 2 3 0.5 weights["kernel"] weights["lora_kernel_a"] weights["lora_kernel_b"]
    let expected =
        product 6 4 6 (data[0].ToDoubles()) kernel |> Array.mapi (fun i v -> v + weights["bias"][i % 3])
    Close.close 1e-12 1e-12 expected y

    // A convolution with a window of 1 is a product.
    let conv = Layer.conv1DWith { Conv.options 3 [ 1 ] with Lora = lora 2 None }
    let y, data, weights, trace, _ = run conv [| LayerRun.typeOf DType.Float64 [| 2; 3; 4 |] |]
    Assert.Equal<string[]>(
        [| "kernel"; "bias"; "lora_kernel_a"; "lora_kernel_b" |],
        trace.Specs |> Array.map (fun s -> s.Path)
    )
    let kernel = adapted 4 2 3 1.0 weights["kernel"] weights["lora_kernel_a"] weights["lora_kernel_b"]
    let expected =
        product 6 4 3 (data[0].ToDoubles()) kernel |> Array.mapi (fun i v -> v + weights["bias"][i % 3])
    Close.close 1e-12 1e-12 expected y

[<Fact>]
let ``Embedding with LoRA looks up E + alpha / rank A B`` () =
    let layer = Layer.embeddingWith { Embedding.options 4 3 with Lora = lora 2 (Some 4.0) }
    let y, data, weights, trace, _ = run layer [| LayerRun.typeOf DType.Int32 [| 2; 5 |] |]
    Assert.Equal<string[]>(
        [| "embeddings"; "lora_embeddings_a"; "lora_embeddings_b" |],
        trace.Specs |> Array.map (fun s -> s.Path)
    )

    let table =
        adapted 4 2 3 2.0 weights["embeddings"] weights["lora_embeddings_a"] weights["lora_embeddings_b"]

    let expected = data[0].ToDoubles() |> Array.collect (fun id -> table[int id * 3 .. int id * 3 + 2])
    Close.close 1e-12 1e-12 expected y

[<Fact>]
let ``LoRA is a part of the configuration, and Keras 3.8 reads a layer without it`` () =
    let text (layer: Layer) = Json.write false (LayerConfig.toValue "it" layer)
    Assert.DoesNotContain("lora", text (Layer.dense 3))
    let adapted = Layer.denseWith { Dense.options 3 with Lora = lora 2 None }
    Assert.Contains("\"lora_rank\":2", text adapted)
    // Keras 3.8 does not know alpha: it is written where it is given.
    Assert.DoesNotContain("lora_alpha", text adapted)

    for layer in
        [ adapted
          Layer.denseWith { Dense.options 3 with Lora = lora 2 (Some 5.0) }
          Layer.embeddingWith { Embedding.options 4 3 with Lora = lora 2 None }
          Layer.conv2DWith { Conv.options 3 [ 2 ] with Lora = lora 1 None }
          Layer.einsumDenseWith { EinsumDense.options "ab,bc->ac" [ Some 3 ] with Lora = lora 2 None } ] do
        Assert.Equal(text layer, text (Registry.ofConfig (Json.parse (text layer))))

[<Fact>]
let ``LoRA refuses ranks below 1 and weights with constraints`` () =
    let refused (make: unit -> Layer) =
        let e = Assert.Throws<ArgumentValueException>(fun () -> make () |> ignore)
        Assert.Equal("Dense.lora_rank", e.Path)

    refused (fun () -> Layer.denseWith { Dense.options 3 with Lora = lora 0 None })

    refused (fun () ->
        Layer.denseWith
            { Dense.options 3 with
                Lora = lora 2 None
                Kernel = { (Dense.options 3).Kernel with Constraint = Some Constraint.nonNeg } })

[<Fact>]
let ``Embedding takes first vectors`` () =
    let first = Tensor.OfDoubles(DType.Float64, Shape.Of(4, 3), LayerRun.numbers "first" 12)
    let layer = Layer.embeddingWith { Embedding.options 4 3 with Weights = Some first }

    let network =
        Network.sequential
            (Network.inputWith { Name = ""; Shape = [ 2 ]; DType = DType.Int32; BatchSize = None })
            [ layer ]

    let _, value = (Network.init 1UL network)[0]
    Assert.True(value.BitEquals(first.Cast DType.Float32))
    // The configuration is that of a layer without them, as in Keras.
    Assert.Equal(
        Json.write false (LayerConfig.toValue "it" (Layer.embedding 4 3)),
        Json.write false (LayerConfig.toValue "it" layer)
    )

    let e =
        Assert.Throws<ShapeException>(fun () ->
            Layer.embeddingWith { Embedding.options 5 3 with Weights = Some first } |> ignore)

    Assert.Equal("Embedding.weights", e.Path)

/// Ids to vectors to scores, by one layer.
let private thereAndBack (options: ReversibleEmbeddingOptions) =
    let ids = Network.inputWith { Name = "ids"; Shape = [ 5 ]; DType = DType.Int32; BatchSize = None }
    let layer = Layer.reversibleEmbeddingWith options
    let vectors = Network.apply layer ids
    let scores = ReversibleEmbedding.reverse layer vectors
    Network.create [ ids ] [ scores ] |> Network.withDType DType.Float64

let private evaluate (network: Network) =
    let trainer = Trainer(network, 5UL)
    let ids =
        Tensor.OfDoubles(DType.Int32, Shape.Of(2, 5), Array.init 10 (fun i -> float ((i * 3 + i / 4) % 6)))
    let weights =
        trainer.GetWeights() |> Seq.map (fun pair -> pair.Key, pair.Value.ToDoubles()) |> Map.ofSeq
    ids, weights, trainer.Predict ids

[<Fact>]
let ``ReversibleEmbedding leads back with the transposed table, and caps scores`` () =
    let network = thereAndBack { ReversibleEmbedding.options 6 3 with LogitSoftCap = Some 0.01 }
    let ids, weights, scores = evaluate network
    let table = weights["reversible_embedding/embeddings"]
    Assert.Equal(1, weights.Count)
    Assert.Equal(Shape.Of(2, 5, 6), scores.Shape)

    let expected =
        ids.ToDoubles()
        |> Array.collect (fun id ->
            Array.init 6 (fun other ->
                let mutable sum = 0.0

                for k in 0..2 do
                    sum <- sum + table[int id * 3 + k] * table[other * 3 + k]

                Math.Tanh(sum / 0.01) * 0.01))

    Close.close 1e-12 1e-12 expected (scores.ToDoubles())

[<Fact>]
let ``ReversibleEmbedding has a weight of its own for the way back if it is not tied`` () =
    let network =
        thereAndBack { ReversibleEmbedding.options 6 3 with TieWeights = false; ReverseDType = Some DType.Float32 }
    let ids, weights, scores = evaluate network
    let table, own =
        weights["reversible_embedding/embeddings"], weights["reversible_embedding/reverse_embeddings"]
    // The way back was computed in the type asked for.
    Assert.Equal(DType.Float32, scores.DType)

    let expected =
        ids.ToDoubles() |> Array.collect (fun id -> product 1 3 6 table[int id * 3 .. int id * 3 + 2] own)

    Close.close 1e-6 1e-8 expected (scores.ToDoubles())

[<Fact>]
let ``A model with both ways of a ReversibleEmbedding is saved and read again`` () =
    let network = thereAndBack { ReversibleEmbedding.options 6 3 with LogitSoftCap = Some 30.0 }
    let json = Network.toJson network
    Assert.Contains("\"reverse\":true", json.Replace(" ", ""))
    let again = Network.ofJson json
    Assert.Equal(json, Network.toJson again)
    let _, _, before = evaluate network
    let _, _, after = evaluate again
    Assert.True(before.BitEquals after)

[<Fact>]
let ``TernaryDense rounds to -1, 0 and 1 by the mean, or by a threshold`` () =
    let check (threshold: float option) =
        let layer = Layer.ternaryDenseWith { TernaryDense.options 5 with Threshold = threshold }
        let y, data, weights, trace, bindings = run layer [| LayerRun.typeOf DType.Float64 [| 3; 4 |] |]
        let kernel = weights["kernel"]
        let mean = kernel |> Array.averageBy Math.Abs
        let limit = Option.defaultValue (0.5 * mean) threshold
        let rounded = kernel |> Array.map (fun v -> if Math.Abs v > limit then float (sign v) else 0.0)
        Assert.Contains(0.0, rounded)
        let beta = if threshold.IsNone then mean else 1.0
        let x = data[0].ToDoubles()

        let expected = product 3 4 5 x rounded |> Array.mapi (fun i v -> v * beta + weights["bias"][i % 5])

        Close.close 1e-12 1e-12 expected y

        // The kernel gets the gradient of the rounded one: of the sum of all outputs that is beta times the sum of the
        // inputs, and, where the mean is a factor, its part of the derivative of the mean.
        let gradient =
            Grad.gradients (Ops.sumAll trace.Outputs[0]) [| trace.Leaves[0] |] |> LayerRun.interpret bindings

        let total = Array.sum (product 3 4 5 x rounded)

        let expected =
            Array.init 20 (fun i ->
                let inputs = x[i / 5] + x[4 + i / 5] + x[8 + i / 5]
                let ofMean = if threshold.IsNone then total * float (sign kernel[i]) / 20.0 else 0.0
                beta * inputs + ofMean)

        Close.close 1e-12 1e-12 expected gradient[0]

    check None
    check (Some 0.4)
