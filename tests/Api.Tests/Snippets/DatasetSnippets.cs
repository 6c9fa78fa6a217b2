// snippet: load-fashion-mnist
using FunctionalNet.Datasets;
// end snippet

namespace FunctionalNet.Tests.Snippets;

public class DatasetSnippets
{
    [Fact]
    public void Load_Fashion_MNIST()
    {
        // snippet: load-fashion-mnist
        var (train, test) = FashionMnist.Load(DatasetSize.Subset);
        var (xTrain, yTrain) = train;                                   // float32 (10000, 28, 28, 1), int32 (10000,)
        string first = FashionMnist.ClassNames[yTrain.AsSpan<int>()[0]]; // "Ankle boot"
        // end snippet
        Assert.Equal("float32 (10000, 28, 28, 1)", DTypeModule.Name(xTrain.DType) + " " + xTrain.Shape);
        Assert.Equal(Shape.Of(10_000), yTrain.Shape);
        Assert.Equal("Ankle boot", first);
        Assert.Equal(2_000, test.Count);
    }

    [Fact]
    public void Load_from_a_folder()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "data", "fashion-mnist");
        // snippet: load-from-a-folder
        var (train, test) = FashionMnist.Load(options: new DatasetOptions { Folder = folder, AllowDownload = false });
        // end snippet
        Assert.Equal((10_000, 2_000), (train.Count, test.Count));
    }
}
