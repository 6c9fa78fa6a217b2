using FunctionalNet.Layers;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Snippets;

/// <summary>The C# halves of docs/from-keras.md that are whole programs of Keras's guides.</summary>
public class FromKerasPrograms
{
    private static Tensor Floats(params int[] sizes) => FromKeras.Floats(sizes);

    [Fact]
    public void A_training_loop()
    {
        var (x, y) = (Floats(64, 8), FromKeras.Labels(64, 3));
        var model = new Sequential(seed: 1) { new Input(8), new Dense(16, activation: "relu"), new Dense(3) };
        var start = model.GetWeights();

        // snippet: keras-loop
        var lossFn = new Losses.SparseCategoricalCrossentropy(fromLogits: true);
        model.Compile(new Adam(learningRate: 1e-2), lossFn, [new SparseCategoricalAccuracy()]);
        var tape = model.GradientFunction(s => lossFn.Call(s.Inputs[1], s.Call([s.Inputs[0]], training: true)[0]));
        var dataset = Dataset.FromTensors(x, y).Batch(16);

        for (var epoch = 0; epoch < 4; epoch++)
        {
            foreach (var (xBatch, yBatch) in dataset)
            {
                var found = tape.Compute(xBatch, yBatch);
                model.ApplyGradients(found.Gradients);
                Console.WriteLine($"loss: {found.Loss:F4}");
            }
        }

        // end snippet
        var end = tape.Compute(x, y).Loss;
        model.SetWeights(start);
        Assert.True(end < tape.Compute(x, y).Loss);
    }

    private static Model Xception(int size)
    {
        var inputs = new Input(size, size, 3);
        var x = new Conv2D(8, 3, strides: (2, 2), activation: "relu").Apply(inputs);
        return new Model(inputs, new SeparableConv2D(12, 3, activation: "relu").Apply(x), name: "xception", seed: 1);
    }

    [Fact]
    public void Transfer_learning()
    {
        var baseModel = Xception(32);
        var newDataset = Dataset.FromTensors(Floats(16, 32, 32, 3), Tensor.Of(Shape.Of(16, 1), [.. Enumerable.Range(0, 16).Select(i => (float)(i % 2))])).Batch(8);
        var before = baseModel.GetWeights()[0];

        // snippet: keras-transfer
        baseModel.Trainable = false;
        var inputs = new Input(32, 32, 3);
        var x = new Rescaling(scale: 1 / 127.5, offset: -1).Apply(inputs);
        x = baseModel.Apply(x);
        x = new GlobalAveragePooling2D().Apply(x);
        x = new Dropout(0.2).Apply(x);
        var outputs = new Dense(1).Apply(x);
        var model = new Model(inputs, outputs);
        model.Summary(showTrainable: true);

        model.Compile(new Adam(), new Losses.BinaryCrossentropy(fromLogits: true), [new BinaryAccuracy(threshold: 0)]);
        model.Fit(newDataset, epochs: 2);
        // end snippet
        Assert.True(before.BitEquals(baseModel.GetWeights()[0]));
        // snippet: keras-transfer
        // Fine-tuning: the rate is low, so that little is forgotten.
        baseModel.Trainable = true;
        model.Compile(new Adam(1e-5), new Losses.BinaryCrossentropy(fromLogits: true), [new BinaryAccuracy(threshold: 0)]);
        model.Fit(newDataset, epochs: 1);
        // end snippet
        Assert.False(before.BitEquals(baseModel.GetWeights()[0]));
    }

    [Fact]
    public void Text_classification()
    {
        string[] texts = ["A fine film", "A dull film", "What a joy", "What a bore", "Fine, fine!", "Dull, dull!"];
        var labels = Tensor.Of(Shape.Of(6, 1), [1f, 0f, 1f, 0f, 1f, 0f]);

        // snippet: keras-text
        const int maxFeatures = 20_000, embeddingDim = 32, sequenceLength = 16;
        var vectorizeLayer = new TextVectorization(new() { MaxTokens = maxFeatures, OutputSequenceLength = sequenceLength });
        vectorizeLayer.Adapt(texts);

        var inputs = new Input([sequenceLength], dtype: DType.Int32);
        var x = new Embedding(maxFeatures, embeddingDim).Apply(inputs);
        x = new Dropout(0.5).Apply(x);
        x = new Conv1D(32, 7, padding: "valid", activation: "relu", strides: 3).Apply(x);
        x = new GlobalMaxPooling1D().Apply(x);
        x = new Dense(32, activation: "relu").Apply(x);
        var predictions = new Dense(1, activation: "sigmoid", name: "predictions").Apply(x);

        var model = new Model(inputs, predictions);
        model.Compile(loss: "binary_crossentropy", optimizer: "adam", metrics: ["accuracy"]);
        model.Fit(vectorizeLayer.Transform(texts), labels, epochs: 3);
        var score = model.Predict(vectorizeLayer.Transform(["what a film"]));
        // end snippet
        Assert.Equal(Shape.Of(1, 1), score.Shape);
    }

    // snippet: keras-transformer
    private sealed class TransformerBlock(int embedDim, int numHeads, int ffDim, double rate = 0.1) : CustomLayer
    {
        private readonly MultiHeadAttention att = new(numHeads: numHeads, keyDim: embedDim);
        private readonly Dense ffn1 = new(ffDim, activation: "relu"), ffn2 = new(embedDim);
        private readonly LayerNormalization layernorm1 = new(epsilon: 1e-6), layernorm2 = new(epsilon: 1e-6);
        private readonly Dropout dropout1 = new(rate), dropout2 = new(rate);

        protected override Expr Call(LayerScope scope, Expr inputs)
        {
            var attnOutput = scope.Call(dropout1, scope.Call(att, inputs, inputs));
            var out1 = scope.Call(layernorm1, inputs + attnOutput);
            var ffnOutput = scope.Call(dropout2, scope.Call(ffn2, scope.Call(ffn1, out1)));
            return scope.Call(layernorm2, out1 + ffnOutput);
        }
    }

    // end snippet

    // snippet: keras-transformer
    private sealed class TokenAndPositionEmbedding(int maxlen, int vocabSize, int embedDim) : CustomLayer
    {
        private readonly Embedding tokenEmb = new(vocabSize, embedDim), posEmb = new(maxlen, embedDim);

        protected override Expr Call(LayerScope scope, Expr x) =>
            scope.Call(tokenEmb, x) + scope.Call(posEmb, Ops.Arange(x.Shape[-1]));
    }

    // end snippet

    [Fact]
    public void Transformer_block()
    {
        const int vocabSize = 200, maxlen = 12;
        var (xTrain, yTrain) = (FromKeras.Ids(32, maxlen, vocabSize), FromKeras.Labels(32, 2));

        // snippet: keras-transformer
        var inputs = new Input([maxlen], dtype: DType.Int32);
        var x = new TokenAndPositionEmbedding(maxlen, vocabSize, embedDim: 32).Apply(inputs);
        x = new TransformerBlock(embedDim: 32, numHeads: 2, ffDim: 32).Apply(x);
        x = new GlobalAveragePooling1D().Apply(x);
        x = new Dropout(0.1).Apply(x);
        var outputs = new Dense(2, activation: "softmax").Apply(x);

        var model = new Model(inputs, outputs);
        model.Compile(optimizer: "adam", loss: "sparse_categorical_crossentropy", metrics: ["accuracy"]);
        model.Fit(xTrain, yTrain, batchSize: 32, epochs: 2, validationSplit: 0.25);
        // end snippet
        Assert.Equal(
            (200 + 12) * 32 + (3 * (32 * 64 + 64) + 64 * 32 + 32) + (32 * 32 + 32) * 2 + 4 * 32 + 32 * 2 + 2, model.CountParameters());
    }

    [Fact]
    public void Image_augmentation()
    {
        var trainDs = Dataset.FromTensors(Floats(16, 24, 24, 3), FromKeras.Labels(16, 2)).Batch(8);

        // snippet: keras-augmentation
        var dataAugmentation = new Sequential
        {
            new Input(24, 24, 3),
            new RandomFlip("horizontal"),
            new RandomRotation(0.1),
            new RandomZoom(0.2),
        };

        var inputs = new Input(24, 24, 3);
        var x = dataAugmentation.Apply(inputs); // only in training
        x = new Rescaling(1.0 / 255).Apply(x);
        x = new Conv2D(8, 3, strides: (2, 2), padding: "same").Apply(x);
        x = new BatchNormalization().Apply(x);
        x = new Activation("relu").Apply(x);
        x = new GlobalAveragePooling2D().Apply(x);
        var model = new Model(inputs, new Dense(2).Apply(x));
        model.Compile(new Adam(3e-4), new Losses.SparseCategoricalCrossentropy(fromLogits: true), ["accuracy"]);
        model.Fit(trainDs, epochs: 2);
        // end snippet
        Assert.Equal(Shape.Of(4, 2), model.Predict(Floats(4, 24, 24, 3)).Shape);
    }

    // snippet: keras-config
    private sealed class Antirectifier(double alpha = 1.0) : CustomLayer
    {
        public override IReadOnlyDictionary<string, object?> GetConfig() =>
            new Dictionary<string, object?>(base.GetConfig()) { ["alpha"] = alpha };

        protected override Expr Call(LayerScope scope, Expr inputs)
        {
            var centered = inputs - Ops.Mean(inputs, axis: -1, keepDims: true);
            return Ops.Concatenate([Ops.Relu(centered), Ops.Relu(-centered)], axis: -1) * alpha;
        }
    }

    // end snippet

    [Fact]
    public void Configurations_clones_and_drawings()
    {
        var directory = Directory.CreateTempSubdirectory();
        var picture = Path.Combine(directory.FullName, "model.svg");

        // snippet: keras-config
        CustomLayer.Register(config => new Antirectifier((double)config["alpha"]!), package: "my_package");
        var model = new Sequential
        {
            new Input(16),
            new Dense(8, kernelRegularizer: "l2"),
            new Antirectifier(alpha: 0.5),
            new Dense(1),
        };

        var config = model.GetConfig();
        var sameLayers = Model.FromConfig(config);
        var fromJson = Model.FromJson(model.ToJson());
        var copy = model.Clone();
        copy.SetWeights(model.GetWeights());

        var optimizer = Saving.DeserializeOptimizer(Saving.Serialize(new Adam(1e-2)));
        copy.Compile(optimizer, "mse");
        copy.PlotModel(picture, showShapes: true, showLayerActivations: true, rankdir: "LR");
        // end snippet
        var x = Floats(5, 16);
        Assert.True(model.Predict(x).BitEquals(copy.Predict(x)));
        Assert.Equal(model.ToJson(), sameLayers.ToJson());
        Assert.Equal(model.ToJson(), fromJson.ToJson());
        Assert.Equal(1e-2, optimizer.GetConfig()["learning_rate"]);
        Assert.Contains("Activation: linear", File.ReadAllText(picture), StringComparison.Ordinal);
        directory.Delete(recursive: true);
    }

    [Fact]
    public void Stateful_recurrence()
    {
        var (paragraph1, paragraph2, paragraph3) = (Floats(20, 10, 50), Floats(20, 10, 50), Floats(20, 10, 50));

        // snippet: keras-stateful
        var inputs = new Input([10, 50], batchSize: 20);
        var model = new Model(inputs, new LSTM(64, stateful: true).Apply(inputs));

        var output = model.PredictOnBatch(paragraph1);
        output = model.PredictOnBatch(paragraph2);
        output = model.PredictOnBatch(paragraph3);

        model.ResetStates(); // the next batch starts new sequences
        // end snippet
        Assert.False(output.BitEquals(model.PredictOnBatch(paragraph3)));
    }

    [Fact]
    public void Inputs_that_may_be_missing()
    {
        // snippet: keras-optional
        var image = new Input([64], name: "image");
        var caption = new Input([32], name: "caption", optional: true);
        var merged = new Add().Apply(new Dense(16).Apply(image), new Dense(16).Apply(caption));
        var model = new Model(
            inputs: new Dictionary<string, SymbolicTensor> { ["image"] = image, ["caption"] = caption },
            outputs: new Dictionary<string, SymbolicTensor> { ["score"] = new Dense(1).Apply(merged) });

        var both = model.Predict(new Dictionary<string, Tensor> { ["image"] = Floats(4, 64), ["caption"] = Floats(4, 32) });
        var imageOnly = model.Predict(new Dictionary<string, Tensor> { ["image"] = Floats(4, 64) });
        // end snippet
        Assert.False(both["score"].BitEquals(imageOnly["score"]));
    }

    [Fact]
    public void Structured_data()
    {
        var random = new Random(2);
        int[] Ints(int below) => [.. Enumerable.Range(0, 64).Select(_ => random.Next(below))];
        double[] Doubles() => [.. Enumerable.Range(0, 64).Select(_ => 100 * random.NextDouble())];
        Table train = new Dictionary<string, Column>
        {
            ["sex"] = Ints(2),
            ["cp"] = Ints(5),
            ["ca"] = Ints(4),
            ["age"] = Doubles(),
            ["chol"] = Doubles(),
            ["thal"] = Ints(3).Select(i => new[] { "fixed", "normal", "reversible" }[i]).ToArray(),
        };
        var targets = Tensor.Of(Shape.Of(64, 1), Ints(2).Select(i => (float)i).ToArray());

        // snippet: keras-feature-space
        var rows = Dataset.FromTable(train, targets);
        var featureSpace = new FeatureSpace(
            features: new Dictionary<string, Feature>
            {
                ["sex"] = "integer_categorical",
                ["cp"] = "integer_categorical",
                ["ca"] = "integer_categorical",
                ["thal"] = "string_categorical",
                ["age"] = FeatureSpace.FloatDiscretized(numBins: 30),
                ["chol"] = "float_normalized",
            },
            crosses: [("sex", "age"), ("thal", "ca")],
            crossingDim: 32,
            outputMode: FeatureOutput.Concat);
        featureSpace.Adapt(rows.Map(row => row.Item1));

        var encodedFeatures = featureSpace.GetEncodedFeatures();
        var x = new Dense(32, activation: "relu").Apply(encodedFeatures);
        x = new Dropout(0.5).Apply(x);
        var predictions = new Dense(1, activation: "sigmoid").Apply(x);
        var trainingModel = new Model(encodedFeatures, predictions);
        trainingModel.Compile("adam", "binary_crossentropy", ["accuracy"]);

        var preprocessed = rows.Batch(32).Map(batch => (featureSpace.Transform(batch.Item1), batch.Item2), parallelism: 2).Prefetch();
        trainingModel.Fit(preprocessed, epochs: 20, verbosity: Verbosity.Silent);

        var sample = new Dictionary<string, Column>
        {
            ["sex"] = new[] { 1 },
            ["cp"] = new[] { 1 },
            ["ca"] = new[] { 0 },
            ["thal"] = new[] { "fixed" },
            ["age"] = new[] { 60.0 },
            ["chol"] = new[] { 233.0 },
        };
        var probability = trainingModel.Predict(featureSpace.Transform(sample));
        featureSpace.Save("featurespace.json");
        var reloaded = FeatureSpace.Load("featurespace.json");
        // end snippet
        File.Delete("featurespace.json");
        Assert.Equal(Shape.Of(1, 1), probability.Shape);
        // Numbers for unknown categories come with the 2, 5, 4 and 3 known ones.
        Assert.Equal(3 + 6 + 5 + 4 + 30 + 1 + 32 + 32, featureSpace.Size);
        Assert.True(reloaded.Transform(sample).BitEquals(featureSpace.Transform(sample)));
    }
}
