module FunctionalNet.Tests.Snippets.ReadmeSnippets

open Xunit
open FunctionalNet.Tests.Support

// snippet: quick-start-fsharp
open FunctionalNet

let classifier =
    Layer.conv2DWith { Conv.options 16 [ 3; 3 ] with Activation = Activation.relu }
    >>> Layer.maxPooling2D [ 2; 2 ]
    >>> Layer.flatten
    >>> Layer.dropout 0.25
    >>> Layer.dense 10
    >>> Layer.softmax

let train (images: Tensor) (labels: Tensor) =
    Network.sequential (Network.input [ 28; 28; 1 ]) [ classifier ]
    |> Trainer.createWith 7UL
    |> Trainer.compile (Optimizer.adam 0.001) (Loss.parse "sparse_categorical_crossentropy") [ Metric.accuracy ]
    |> fun trainer ->
        let history = trainer |> Trainer.fit (FitOptions(Epochs = 2, ValidationSplit = 0.2)) images labels
        trainer, history["val_accuracy"]
// end snippet

[<Fact>]
let ``quick start`` () =
    let images = FunctionalNet.Datasets.FashionMnist.LoadTest FunctionalNet.Datasets.DatasetSize.Subset
    let trainer, accuracy = train (images.Images.Rows(0, 600)) (images.Labels.Rows(0, 600))
    Assert.Equal(2, accuracy.Count)
    Assert.True(accuracy[1] > 0.3, string accuracy[1])
    Assert.Equal("(2, 10)", (trainer |> Trainer.predict (images.Images.Rows(0, 2))).Shape.ToString())

[<Fact>]
let derivatives () =
    // snippet: derivatives-fsharp
    let f (x: Expr) = Ops.sumAll (x * x * x)
    let slope (x: Expr) = Grad.grad f x // 3 x²
    let curvature (x: Expr) = Grad.hvp f x (slope x) // 6 x · 3 x²

    let compiled = Compiled.unary curvature // a function of tensors, traced once per shape
    let value = compiled (Tensor.Of(Shape.Of 3, [| 1.0; 2.0; 3.0 |]))
    // end snippet
    Assert.Equal<float[]>([| 18.0; 144.0; 486.0 |], value.ToArray<float>())
