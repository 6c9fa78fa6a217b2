// A convolutional network learns to tell ten kinds of clothing apart, from real images that ship with the sample.
// With --full it learns from all 60,000 (from Debian's package dataset-fashion-mnist, the cache, or the web).
// snippet: quick-start
using FunctionalNet;
using FunctionalNet.Datasets;
using FunctionalNet.Layers;

var size = args.Contains("--full") ? DatasetSize.Full : DatasetSize.Subset;
var ((xTrain, yTrain), (xTest, yTest)) = FashionMnist.Load(size);

var model = new Sequential(seed: 1)
{
    new Input(28, 28, 1),
    new Conv2D(32, kernelSize: 3, activation: "relu"),
    new MaxPooling2D(),
    new Conv2D(64, kernelSize: 3, activation: "relu"),
    new MaxPooling2D(),
    new Flatten(),
    new Dropout(0.4),
    new Dense(10, activation: "softmax"),
};
model.Summary();
model.Compile(optimizer: "adam", loss: "sparse_categorical_crossentropy", metrics: ["accuracy"]);
model.Fit(xTrain, yTrain, batchSize: 64, epochs: 10, validationData: (xTest, yTest));
var accuracy = model.Evaluate(xTest, yTest)["accuracy"];

model.Save("fashion.fnet");
var predicted = Model.Load("fashion.fnet").Predict(xTest.Rows(0, 4)).ArgMax();
for (var i = 0; i < 4; i++)
{
    foreach (var row in xTest.Rows(i, 1).ToArray<float>().Chunk(28))
        Console.WriteLine(string.Concat(row.Select(p => " .:-=+*#%@"[(int)(p * 9)])));
    Console.WriteLine($"predicted {FashionMnist.ClassNames[predicted[i]]}, is {FashionMnist.ClassNames[yTest.AsSpan<int>()[i]]}");
}
Console.WriteLine($"test accuracy: {accuracy:F4}");
// end snippet
