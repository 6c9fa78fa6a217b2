using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

public class AdaptationTests
{
    private static Sequential Trained()
    {
        var (x, y) = Lines.Data();
        var model = new Sequential(seed: 4) { new Input(2), new Dense(8, activation: "relu"), new Dense(1) };
        model.Compile(new Adam(0.01), "mse");
        model.Fit(x, y, epochs: 2, verbosity: Verbosity.Silent);
        return model;
    }

    [Fact]
    public void A_layer_of_a_trained_model_is_adapted_and_merged()
    {
        var (x, y) = Lines.Data();
        var model = Trained();
        var dense = (Dense)model.Layers[0];
        var before = model.Predict(x);
        dense.EnableLora(2, alpha: 4);
        Lines.AssertClose([before], [model.Predict(x)], 1e-6);
        Assert.Equal(4, dense.GetWeights().Count);
        Assert.Equal(2 * 8 + 8 + 2 * 2 + 2 * 8, dense.CountParameters());
        Assert.Same(dense, model.GetLayer("dense"));

        var kernel = dense.GetWeights()[0];
        model.Compile(new Adam(0.01), "mse");
        model.Fit(x, y, epochs: 2, verbosity: Verbosity.Silent);
        Assert.True(kernel.BitEquals(dense.GetWeights()[0]));
        Assert.Contains("Non-trainable params: 16", Summary(model), StringComparison.Ordinal);

        var tuned = model.Predict(x);
        model.MergeLora();
        Assert.Equal(2, dense.GetWeights().Count);
        Assert.False(kernel.BitEquals(dense.GetWeights()[0]));
        Lines.AssertClose([tuned], [model.Predict(x)], 1e-5);

        // The model can be changed like any other: its layers keep their weights.
        model.Add(new Dense(3));
        Assert.Equal(2, dense.GetWeights().Count);
        Assert.Equal(3, model.Predict(x).Shape[1]);
    }

    [Fact]
    public void A_projection_within_attention_is_adapted_by_its_path()
    {
        var x = new Input(5, 6);
        var model = new Model(x, new MultiHeadAttention(numHeads: 2, keyDim: 3).Apply(x, x));
        var batch = Tensor.Of<float>(Shape.Of(2, 5, 6), [.. Enumerable.Range(0, 60).Select(i => float.Sin(i))]);
        var before = model.Predict(batch);
        model.EnableLora(rank: 2, layers: ["multi_head_attention/query"]);
        Lines.AssertClose([before], [model.Predict(batch)], 1e-6);
        var adapted = model.GetNamedWeights().Select(pair => pair.Key).Where(path => path.Contains("lora", StringComparison.Ordinal));
        Assert.Equal(
            ["multi_head_attention/query/lora_kernel_a", "multi_head_attention/query/lora_kernel_b"], adapted);
    }

    [Fact]
    public void Layers_of_nested_models_are_adapted_from_the_outermost()
    {
        var (x, _) = Lines.Data();
        var body = Trained();
        var input = new Input(2);
        var model = new Model(input, new Dense(1).Apply(body.Apply(input)));
        var before = model.Predict(x);
        ((Dense)body.Layers[0]).EnableLora(1);
        Lines.AssertClose([before], [model.Predict(x)], 1e-6);
        Assert.Contains(model.GetNamedWeights(), pair => pair.Key == "sequential/dense/lora_kernel_a");
        // The inner model is the same thing seen from inside.
        Assert.Contains(body.GetNamedWeights(), pair => pair.Key == "dense/lora_kernel_a");
        Assert.True(body.GetWeights()[0].BitEquals(model.GetWeights()[0]));
    }

    [Fact]
    public void A_quantised_model_predicts_nearly_the_same_and_comes_back_from_a_file()
    {
        var (x, y) = Lines.Data();
        var model = Trained();
        model.Fit(x, y, epochs: 100, verbosity: Verbosity.Silent);
        var before = model.Predict(x);
        model.Quantize("int8");
        var after = model.Predict(x);
        Lines.AssertClose([before], [after], 0.05);
        Assert.Equal(DType.Int8, model.GetNamedWeights().Single(pair => pair.Key == "dense/kernel").Value.DType);
        Assert.Equal(3, model.GetLayer("dense").GetWeights().Count);
        var path = Path.GetTempFileName();

        try
        {
            model.Save(path);
            Assert.True(after.BitEquals(Model.Load(path).Predict(x)));
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Throws<ArgumentValueException>(() => model.Quantize("int8"));
        Assert.Throws<ArgumentValueException>(() => Trained().Quantize("int7"));
    }

    [Fact]
    public void Layers_have_policies_of_their_own()
    {
        var (x, y) = Lines.Data();
        var model = new Sequential(seed: 4)
        {
            new Input(2), new Dense(8, activation: "relu") { DTypePolicy = "float64" }, new Dense(1),
        };
        model.Compile(new Adam(0.01), "mse");
        var before = model.Evaluate(x, y)["loss"];
        model.Fit(x, y, epochs: 20, verbosity: Verbosity.Silent);
        Assert.True(model.Evaluate(x, y)["loss"] < before);
        Assert.Equal([DType.Float64, DType.Float64, DType.Float32, DType.Float32], model.GetWeights().Select(w => w.DType));
        Assert.Equal("float64", model.Layers[0].DTypePolicy!.Name);
        Assert.Equal(model.ToJson(), Model.FromJson(model.ToJson()).ToJson());
        Assert.Throws<NotReadyException>(() => model.Layers[0].DTypePolicy = "float32");
        Assert.Throws<ArgumentValueException>(() => new Dense(1) { DTypePolicy = "float16" });
    }

    [Fact]
    public void A_layer_without_a_model_cannot_be_adapted() =>
        Assert.Throws<NotReadyException>(() => new Dense(3).EnableLora(2));

    [Fact]
    public void An_embedding_leads_there_and_back()
    {
        var vectors = new float[,] { { 1, 0 }, { 0, 2 }, { 3, 1 } };
        var embedding = new ReversibleEmbedding(3, 2, weights: vectors);
        var ids = new Input([2], dtype: DType.Int32);
        var model = new Model(ids, embedding.Apply(embedding.Apply(ids), reverse: true));
        var scores = model.Predict(new[,] { { 0, 2 } });
        Assert.Equal([1, 0, 3, 3, 2, 10], scores.ToDoubles());
        // The same after a round trip through a configuration.
        var again = Model.FromJson(model.ToJson());
        again.SetWeights(model.GetWeights());
        Assert.True(scores.BitEquals(again.Predict(new[,] { { 0, 2 } })));
    }

    [Fact]
    public void A_matrix_of_another_size_is_refused() =>
        Assert.Throws<ShapeException>(() => new Embedding(4, 2, weights: new float[,] { { 1, 0 }, { 0, 2 } }));

    private static string Summary(Model model)
    {
        var text = new StringWriter();
        model.Summary(text);
        return text.ToString();
    }

    [Fact]
    public void Matrices_of_lora_start_from_initializers_that_are_given()
    {
        var model = Trained();
        ((Dense)model.Layers[0]).EnableLora(2, aInitializer: "ones", bInitializer: Initializers.Constant(0.5));
        var weights = model.GetNamedWeights().ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.All(weights["dense/lora_kernel_a"].ToDoubles(), v => Assert.Equal(1.0, v));
        Assert.All(weights["dense/lora_kernel_b"].ToDoubles(), v => Assert.Equal(0.5, v));
    }

    [Fact]
    public void A_pipeline_has_what_its_layers_have_learnt_and_keeps_it_in_files()
    {
        var (x, y) = Lines.Data();
        var normalization = new Normalization();
        normalization.Adapt(x);
        var bins = new Discretization(numBins: 4);
        bins.Adapt(x);
        Layer[] learnt = [normalization, new Rescaling(2.0)];

        // The same by hand: each feature less its mean, by its deviation, twice.
        var values = x.ToDoubles();
        var rows = values.Length / 2;
        var expected = new double[values.Length];

        for (var feature = 0; feature < 2; feature++)
        {
            var column = Enumerable.Range(0, rows).Select(row => values[row * 2 + feature]).ToArray();
            var mean = column.Average();
            var deviation = Math.Sqrt(column.Average(v => (v - mean) * (v - mean)));

            for (var row = 0; row < rows; row++)
            {
                expected[row * 2 + feature] = 2 * (values[row * 2 + feature] - mean) / deviation;
            }
        }

        var model = new Sequential { new Input(2), new Pipeline(learnt), new Dense(1) };
        var stage = new Sequential { new Input(2), new Pipeline(learnt) };
        Assert.All(expected.Zip(stage.Predict(x).ToDoubles()), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.Equal(
            new Sequential { new Input(2), bins }.Predict(x).ToDoubles(),
            new Sequential { new Input(2), new Pipeline([bins]) }.Predict(x).ToDoubles());

        // Training leaves it as it is; so do files, configurations with weights, and adaptations of the layers behind.
        var moments = model.GetNamedWeights().Where(pair => pair.Key.StartsWith("pipeline/", StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, moments.Length);
        model.Compile("sgd", "mse");
        model.Fit(x, y, epochs: 1, verbosity: Verbosity.Silent);
        model.EnableLora(1, layers: ["dense"]);
        var after = model.GetNamedWeights().ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.All(moments, pair => Assert.True(pair.Value.BitEquals(after[pair.Key])));
        var path = Path.GetTempFileName();

        try
        {
            model.Save(path);
            Assert.True(model.Predict(x).BitEquals(Model.Load(path).Predict(x)));
        }
        finally
        {
            File.Delete(path);
        }

        var again = Model.FromJson(model.ToJson());
        again.SetWeights(model.GetWeights());
        Assert.True(model.Predict(x).BitEquals(again.Predict(x)));
    }
}
