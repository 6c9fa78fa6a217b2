module FunctionalNet.Tests.Snippets.DataSnippets

open FunctionalNet
open Xunit

[<Fact>]
let ``a pipeline`` () =
    let x = Tensor.OfDoubles(DType.Float32, Shape.Of(40, 2), Array.init 80 (fun i -> float (i % 7) / 7.0))
    let y = Tensor.OfArray(Array.init 40 (fun i -> i % 3))

    let trainer =
        Network.sequential (Network.input [ 2 ]) [ Layer.dense 3 >>> Layer.softmax ]
        |> Trainer.create
        |> Trainer.compile (Optimizer.adam 0.01) (Loss.parse "sparse_categorical_crossentropy") []

    // snippet: data-pipeline-fsharp
    let struct (train, validation) = Dataset.ofTensors x y |> Dataset.split 0.75

    let noisy (random: System.Random) (struct (x: Tensor, y: Tensor)) =
        let moved = x.ToArray<float32>() |> Array.map (fun v -> v + 0.01f * random.NextSingle())
        struct (Tensor.Of(x.Shape, moved), y)

    let batches =
        train
        |> Dataset.shuffle 1000 2
        |> Dataset.mapRandom 2 3 noisy
        |> Dataset.batch 16
        |> Dataset.prefetch 2

    let options =
        FitOptions(Epochs = 3, ValidationDataset = validation.Batch(16).ToTrainingData(), Verbosity = Verbosity.Silent)

    let history = trainer |> Trainer.fitDataset options batches
    // end snippet
    Assert.Equal(3, history["val_loss"].Count)

[<Fact>]
let ``images with boxes`` () =
    let photo i =
        ImageData(
            Tensor.Full(DType.Float32, Shape.Of(20, 30, 3), float i),
            boxes = Tensor.OfArray(array2D [ [ 2.0f; 1.0f; 12.0f; 9.0f ] ]),
            boxLabels = Tensor.OfArray [| i |]
        )

    let photos = Dataset.ofSeq [ for i in 1..8 -> photo i ]

    // snippet: data-boxes-fsharp
    let augmenter =
        [ Layer.randomFlip FlipMode.Horizontal; Layer.randomZoom 0.2; Layer.resizing 16 16 ]
        |> List.map (Layer.withBoundingBoxes BoundingBoxFormat.Xyxy)
        |> Augmenter.create

    let batches = photos |> Dataset.mapRandom 2 1 (Augmenter.transformWith augmenter) |> Dataset.batch 4

    let overlaps (boxes: Tensor) (anchors: Tensor) =
        let iou =
            Compiled.create (fun x -> [| BoundingBoxes.computeIou BoundingBoxFormat.Xyxy None x[0] x[1] |])
        (Compiled.run [| boxes; anchors |] iou)[0]
    // end snippet
    let batch = Seq.head batches
    Assert.Equal(Shape.Of(4, 16, 16, 3), batch.Images.Shape)
    let boxes = Unchecked.nonNull batch.Boxes
    Assert.Equal(Shape.Of(4, 1, 1), (overlaps boxes boxes).Shape)

[<Fact>]
let ``a table`` () =
    let prices = Tensor.Of(Shape.Of(4, 1), [| 320f; 710f; 290f; 450f |])

    // snippet: data-tables-fsharp
    let homes =
        Table.ofColumns
            [ "area", Column.Of [| 52.0; 120.0; 40.0; 75.0 |]
              "rooms", Column.Of [| 2; 5; 1; 3 |]
              "city", Column.Of [| "Oslo"; "Rome"; "Oslo"; "Paris" |] ]

    let space =
        { FeatureSpace.options
              [ "area", FeatureSpace.FloatNormalized()
                "rooms", FeatureSpace.IntegerCategorical(maxTokens = 4)
                "city", FeatureSpace.StringCategorical() ] with
            Crosses = [ FeatureSpace.Cross([| "city"; "rooms" |], 8) ] }
        |> FeatureSpace.adapt homes

    let features = FeatureSpace.input space
    let price = features |> Network.apply (Layer.dense 16 >>> Layer.relu >>> Layer.dense 1)

    let trainer =
        Network.create [ features ] [ price ]
        |> Trainer.createWith 1UL
        |> Trainer.compile (Optimizer.adam 0.001) (Loss.parse "mse") []

    let batches =
        Dataset.ofTable homes prices
        |> Dataset.shuffle 1000 1
        |> Dataset.batch 2
        |> Dataset.map (fun (struct (rows, y)) -> struct (space.Transform rows, y))

    let history =
        trainer |> Trainer.fitDataset (FitOptions(Epochs = 3, Verbosity = Verbosity.Silent)) batches
    // end snippet
    Assert.Equal(3, history["loss"].Count)
    Assert.Equal(17, space.Size)
