module FunctionalNet.Tests.Snippets.DatasetSnippets

// snippet: load-fashion-mnist-fsharp
open FunctionalNet.Datasets
// end snippet
open Xunit

[<Fact>]
let ``load Fashion-MNIST`` () =
    // snippet: load-fashion-mnist-fsharp
    let struct (train, test) = FashionMnist.Load DatasetSize.Subset
    let x, y = train.Images, train.Labels // float32 (10000, 28, 28, 1), int32 (10000,)
    let first = FashionMnist.ClassNames[y.ToArray<int>()[0]] // "Ankle boot"
    // end snippet
    Assert.Equal("(10000, 28, 28, 1)", x.Shape.ToString())
    Assert.Equal("Ankle boot", first)
    Assert.Equal(2_000, test.Count)

[<Fact>]
let ``options are properties, and an asynchronous load is awaited`` () =
    task {
        let options = DatasetOptions(AllowDownload = false)
        let! struct (train, test) = FashionMnist.LoadAsync(DatasetSize.Subset, options)
        Assert.Equal(10_000, train.Count)
        let x, y = test.Deconstruct()
        Assert.Same(test.Images, x)
        Assert.Same(test.Labels, y)
    }
