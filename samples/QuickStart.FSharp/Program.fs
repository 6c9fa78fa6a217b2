// A convolutional network learns to tell ten kinds of clothing apart, from real images that ship with the samples.
// With --full it learns from all 60,000 (from Debian's package dataset-fashion-mnist, the cache, or the web).
open System
open FunctionalNet
open FunctionalNet.Datasets

let size =
    if Array.contains "--full" (Environment.GetCommandLineArgs()) then
        DatasetSize.Full
    else
        DatasetSize.Subset

let struct (train, test) = FashionMnist.Load size

let layers =
    Layer.conv2D 32 [ 3; 3 ]
    >>> Layer.relu
    >>> Layer.maxPooling2D [ 2; 2 ]
    >>> Layer.conv2D 64 [ 3; 3 ]
    >>> Layer.relu
    >>> Layer.maxPooling2D [ 2; 2 ]
    >>> Layer.flatten
    >>> Layer.dropout 0.4
    >>> Layer.dense 10
    >>> Layer.softmax

let network = Network.sequential (Network.input [ 28; 28; 1 ]) [ layers ]
printfn "%s" (Summary.text network)

let trainer =
    Trainer.createWith 1UL network
    |> Trainer.compile (Optimizer.adam 0.001) (Loss.parse "sparse_categorical_crossentropy") [ Metric.accuracy ]

let options =
    FitOptions(BatchSize = 64, Epochs = 10, ValidationData = TrainingData(test.Images, test.Labels))

trainer |> Trainer.fit options train.Images train.Labels |> ignore
let figures = trainer |> Trainer.evaluate test.Images test.Labels |> Map.ofList

trainer.Save "fashion.fnet"
let loaded = Trainer.Load "fashion.fnet"

let draw (image: Tensor) =
    for row in image.ToArray<float32>() |> Array.chunkBySize 28 do
        printfn "%s" (row |> Array.map (fun p -> " .:-=+*#%@"[int (p * 9.0f)]) |> String)

let predicted = (loaded |> Trainer.predict (test.Images.Rows(0, 4))).ArgMax()

for i in 0..3 do
    draw (test.Images.Rows(i, 1))
    printfn
        $"predicted {FashionMnist.ClassNames[predicted[i]]}, is {FashionMnist.ClassNames[test.Labels.ToArray<int>()[i]]}"

printfn "test accuracy: %.4f" figures["accuracy"]
