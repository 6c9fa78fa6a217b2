using FunctionalNet.Layers;

namespace FunctionalNet.Tests.Snippets;

/// <summary>The C# halves of docs/from-keras.md that build models.</summary>
public class FromKerasModels
{
    private static Tensor Floats(params int[] sizes) => FromKeras.Floats(sizes);

    [Fact]
    public void Sequential_model()
    {
        var (xTrain, yTrain) = (Floats(64, 784), FromKeras.Labels(64, 10));
        var (xTest, yTest) = (Floats(20, 784), FromKeras.Labels(20, 10));

        // snippet: keras-sequential
        var model = new Sequential
        {
            new Input(784),
            new Dense(64, activation: "relu"),
            new Dropout(0.2),
            new Dense(10, activation: "softmax"),
        };
        model.Compile(optimizer: "adam", loss: "sparse_categorical_crossentropy", metrics: ["accuracy"]);
        model.Fit(xTrain, yTrain, batchSize: 32, epochs: 2);
        var logs = model.Evaluate(xTest, yTest);
        // end snippet
        Assert.InRange(logs["accuracy"], 0, 1);
    }

    [Fact]
    public void Convolutional_network()
    {
        const int numClasses = 10;
        // snippet: keras-convnet
        var model = new Sequential
        {
            new Input(28, 28, 1),
            new Conv2D(32, kernelSize: (3, 3), activation: "relu"),
            new MaxPooling2D(poolSize: (2, 2)),
            new Conv2D(64, kernelSize: (3, 3), activation: "relu"),
            new MaxPooling2D(poolSize: (2, 2)),
            new Flatten(),
            new Dropout(0.5),
            new Dense(numClasses, activation: "softmax"),
        };
        model.Summary();
        // end snippet
        Assert.Equal(34_826, model.CountParameters());
    }

    [Fact]
    public void Functional_model()
    {
        // snippet: keras-functional
        var title = new Input([100], name: "title");
        var body = new Input([200], name: "body");

        var x = new Concatenate().Apply(
            new Dense(16, activation: "relu").Apply(title),
            new Dense(16, activation: "relu").Apply(body));

        var priority = new Dense(1, activation: "sigmoid", name: "priority").Apply(x);
        var department = new Dense(4, activation: "softmax", name: "department").Apply(x);
        var model = new Model([title, body], [priority, department]);
        // end snippet
        Assert.Equal(["priority", "department"], model.OutputNames);
    }

    [Fact]
    public void Residual_block()
    {
        // snippet: keras-residual
        var inputs = new Input(32, 32, 3);
        var x = new Conv2D(16, 3, activation: "relu", padding: "same").Apply(inputs);
        var y = new Conv2D(16, 3, activation: "relu", padding: "same").Apply(x);
        y = new Conv2D(16, 3, padding: "same").Apply(y);
        x = new Add().Apply(x, y);
        x = new ReLU().Apply(x);
        x = new GlobalAveragePooling2D().Apply(x);
        var model = new Model(inputs, new Dense(10).Apply(x));
        // end snippet
        Assert.Equal(Shape.Of(2, 10), model.Predict(Floats(2, 32, 32, 3)).Shape);
    }

    [Fact]
    public void Shared_layers()
    {
        // snippet: keras-shared
        var shared = new Embedding(1000, 32);

        var question = new Input([20], dtype: DType.Int32);
        var answer = new Input([20], dtype: DType.Int32);
        var encodedQuestion = new GlobalAveragePooling1D().Apply(shared.Apply(question));
        var encodedAnswer = new GlobalAveragePooling1D().Apply(shared.Apply(answer));

        var similarity = new Dot(axes: 1, normalize: true).Apply(encodedQuestion, encodedAnswer);
        var model = new Model([question, answer], [similarity]);
        // end snippet
        Assert.Equal(32_000, model.CountParameters());
    }

    [Fact]
    public void Nested_models()
    {
        var x = Floats(40, 8);
        // snippet: keras-autoencoder
        var encoder = new Sequential(name: "encoder") { new Input(8), new Dense(4, activation: "relu"), new Dense(2) };
        var decoder = new Sequential(name: "decoder") { new Input(2), new Dense(4, activation: "relu"), new Dense(8) };

        var inputs = new Input(8);
        var autoencoder = new Model(inputs, decoder.Apply(encoder.Apply(inputs)));
        autoencoder.Compile(optimizer: "adam", loss: "mse");
        autoencoder.Fit(x, x, epochs: 2, verbosity: Verbosity.Silent);
        var codes = encoder.Predict(x);
        // end snippet
        Assert.Equal(Shape.Of(40, 2), codes.Shape);
    }

    [Fact]
    public void Recurrent_classifier()
    {
        var (xTrain, yTrain) = (FromKeras.Ids(32, 80, 2000), FromKeras.Labels(32, 2));

        // snippet: keras-lstm
        var model = new Sequential
        {
            new Input([80], dtype: DType.Int32),
            new Embedding(2000, 16, maskZero: true),
            new LSTM(16, dropout: 0.2, recurrentDropout: 0.2),
            new Dense(1, activation: "sigmoid"),
        };
        model.Compile(loss: "binary_crossentropy", optimizer: "adam", metrics: ["accuracy"]);
        model.Fit(xTrain, yTrain, batchSize: 32, epochs: 1);
        // end snippet
        Assert.Equal(2000 * 16 + 4 * 16 * (16 + 16 + 1) + 17, model.CountParameters());
    }

    [Fact]
    public void Bidirectional_stack()
    {
        // snippet: keras-bidirectional
        var model = new Sequential
        {
            new Input([30], dtype: DType.Int32),
            new Embedding(500, 16),
            new Bidirectional(new GRU(8, returnSequences: true)),
            new Bidirectional(new GRU(8), mergeMode: "sum"),
            new Dense(4, activation: "softmax"),
        };
        // end snippet
        Assert.Equal(Shape.Of(2, 4), model.Predict(FromKeras.Ids(2, 30, 500)).Shape);
    }

    [Fact]
    public void Encoder_and_decoder()
    {
        // snippet: keras-states
        var source = new Input(10, 6);
        var encoded = new LSTM(12, returnState: true).ApplyMany(source);

        var target = new Input(7, 5);
        var decoded = new LSTM(12, returnSequences: true).Apply(target, initialState: encoded[1..]);
        var model = new Model([source, target], [new TimeDistributed(new Dense(5, activation: "softmax")).Apply(decoded)]);
        // end snippet
        Assert.Equal(Shape.Of(3, 7, 5), model.Predict([Floats(3, 10, 6), Floats(3, 7, 5)])[0].Shape);
    }

    [Fact]
    public void Arguments_of_a_call()
    {
        // snippet: keras-call-arguments
        var ids = new Input([10], "ids", DType.Int32);
        var tokens = new Embedding(50, 16, maskZero: true).Apply(ids);
        var x = new Add().Apply(tokens, new PositionEmbedding(10).Apply(tokens));
        var attention = new MultiHeadAttention(numHeads: 2, keyDim: 8);
        var (y, scores) = attention.ApplyWithScores(x, x, useCausalMask: true);
        var dropped = new Dropout(0.2).Apply(y, training: true);
        var model = new Model([ids], [dropped, scores]);
        // end snippet
        var predicted = model.Predict([Tensor.Full(DType.Int32, Shape.Of(3, 10), 7)]);
        Assert.Equal(Shape.Of(3, 2, 10, 10), predicted[1].Shape);
        Assert.Contains(0f, predicted[0].ToArray<float>());
    }

    // snippet: keras-custom-layer
    private sealed class Linear(int units) : CustomLayer
    {
        protected override Expr Call(LayerScope scope, Expr inputs)
        {
            var w = scope.AddWeight("w", [inputs.Shape[-1], units], Initializers.RandomNormal());
            var b = scope.AddWeight("b", [units], Initializers.Zeros);
            return Ops.MatMul(inputs, w) + b;
        }
    }
    // end snippet

    [Fact]
    public void Custom_layer()
    {
        // snippet: keras-custom-layer
        var model = new Sequential { new Input(8), new Linear(4), new Activation("relu"), new Linear(1) };
        // end snippet
        Assert.Equal(8 * 4 + 4 + 5, model.CountParameters());
    }

    [Fact]
    public void Initializers_and_regularizers()
    {
        // snippet: keras-parts
        var layer = new Dense(
            64,
            kernelInitializer: Initializers.HeNormal(seed: 1),
            kernelRegularizer: Regularizers.L2(1e-4),
            biasConstraint: Constraints.MaxNorm(2),
            activation: Activations.LeakyReluWith(0.1));
        // end snippet
        Assert.Equal(3 * 64 + 64, new Sequential { new Input(3), layer }.CountParameters());
    }

    [Fact]
    public void Normalized_block()
    {
        // snippet: keras-batchnorm
        var model = new Sequential
        {
            new Input(16),
            new Dense(32, useBias: false),
            new BatchNormalization(),
            new Activation("gelu"),
            new LayerNormalization(epsilon: 1e-6),
            new Dense(1),
        };
        // end snippet
        Assert.Equal(16 * 32 + 4 * 32 + 2 * 32 + 33, model.CountParameters());
    }
}
