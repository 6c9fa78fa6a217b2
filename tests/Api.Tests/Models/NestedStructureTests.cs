using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Models;

/// <summary>Inputs, outputs, losses, metrics and data in dictionaries and lists in one another.</summary>
public class NestedStructureTests
{
    private static Tensor Numbers(int seed, params int[] shape)
    {
        var random = new Random(seed);
        var size = shape.Aggregate(1, (a, b) => a * b);
        return Tensor.OfDoubles(DType.Float32, Shape.Of(shape), [.. Enumerable.Range(0, size).Select(_ => random.NextDouble() - 0.5)]);
    }

    private static Nested<Tensor> Inputs(int rows) => Nested<Tensor>.Dictionary(
        ("text", Nested<Tensor>.Dictionary(("title", Numbers(1, rows, 3)), ("body", Numbers(2, rows, 5)))),
        ("facts", Nested<Tensor>.List(Numbers(3, rows, 1), Numbers(4, rows, 2))));

    private static Model Model()
    {
        var (title, body, age, size) = (new Input(3), new Input(5), new Input(1), new Input(2));
        var joined = new Concatenate().Apply(title, body, age, size);

        return new Model(
            Nested<SymbolicTensor>.Dictionary(
                ("text", Nested<SymbolicTensor>.Dictionary(("title", title), ("body", body))),
                ("facts", Nested<SymbolicTensor>.List(age, size))),
            Nested<SymbolicTensor>.List(
                new Dense(1, name: "price").Apply(joined),
                Nested<SymbolicTensor>.Dictionary(("kind", new Dense(3, activation: "softmax", name: "softmax").Apply(joined)))),
            seed: 1);
    }

    [Fact]
    public void Losses_metrics_and_data_stand_in_the_structure_of_the_outputs()
    {
        var model = Model();
        Assert.Equal(["price", "1/kind"], model.OutputNames);

        model.Compile(
            new SGD(0.05),
            Nested<Loss>.List((Loss)"mse", Nested<Loss>.Dictionary(("kind", (Loss)"sparse_categorical_crossentropy"))),
            lossWeights: Nested<double>.List(0.5, Nested<double>.Dictionary(("kind", 2.0))),
            metrics: Nested<Metric[]>.List(
                new Metric[] { "mae" }, Nested<Metric[]>.Dictionary(("kind", new Metric[] { "accuracy" }))));

        Tensor kinds = Enumerable.Range(0, 12).Select(i => i % 3).ToArray();
        var targets = Nested<Tensor>.List(Numbers(5, 12, 1), Nested<Tensor>.Dictionary(("kind", kinds)));
        var data = new TrainingData(Inputs(12), targets);
        var logs = model.Evaluate(data, new EvaluateOptions { Verbosity = Verbosity.Silent });
        Assert.Equal((0.5 * logs["price_loss"]) + (2 * logs["1/kind_loss"]), logs["loss"], 1e-5);
        Assert.Equal(["loss", "price_loss", "1/kind_loss", "1/kind_accuracy", "price_mae"], model.MetricNames);
        var history = model.Fit(data, new FitOptions { Epochs = 10, Verbosity = Verbosity.Silent });
        Assert.True(history["loss"][^1] < history["loss"][0]);

        var predicted = model.Predict(Inputs(4));
        Assert.Equal(["0", "1/kind"], predicted.Paths);
        Assert.Equal(Shape.Of(4, 3), predicted[1]["kind"].Value.Shape);
        var flat = model.Predict([.. Inputs(4).Leaves]);
        Assert.True(flat[0].BitEquals(predicted[0].Value) && flat[1].BitEquals(predicted.At("1/kind")));

        // The compile configuration and the structure are in the file.
        var path = Path.GetTempFileName();

        try
        {
            model.Save(path);
            var loaded = FunctionalNet.Model.Load(path);
            Assert.Equal(model.ToJson(), loaded.ToJson());
            Assert.Equal(model.MetricNames, loaded.MetricNames);
            Assert.True(loaded.Predict(Inputs(4)).At("1/kind").BitEquals(predicted.At("1/kind")));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Layers_made_in_a_scope_compute_their_inner_values_again()
    {
        var number = 0;

        Sequential Block() => new(name: "block" + number++)
        {
            new Dense(64, activation: "gelu"), new Dense(64, activation: "gelu"), new Dense(4),
        };

        long Bytes(Func<Sequential> block)
        {
            var model = new Sequential(seed: 1) { new Input(4), block(), block(), block(), new Dense(1) };
            model.Compile("sgd", "mse");
            model.TrainOnBatch(Numbers(1, 64, 4), Numbers(2, 64, 1));
            Assert.Equal(3 * ((4 * 64) + 64 + (64 * 64) + 64 + (64 * 4) + 4) + 5, model.CountParameters());
            var plan = model.DescribePlan(64).Split('\n')[1];
            var bytes = System.Text.RegularExpressions.Regex.Match(plan, "arena (.*?) bytes").Groups[1].Value;
            return long.Parse(
                string.Concat(bytes.Where(char.IsAsciiDigit)), System.Globalization.CultureInfo.InvariantCulture);
        }

        Sequential Within(RematMode mode, int threshold = 1024, string[]? names = null)
        {
            using (new RematScope(mode, threshold, names))
            {
                using (new RematScope())
                {
                    // An inner scope counts for what is made in it only.
                    _ = new Dense(1);
                }

                return Block();
            }
        }

        var kept = Bytes(Block);
        Assert.Equal(kept, Bytes(Block));
        Assert.True(Bytes(() => Within(RematMode.Full)) < kept * 3 / 4);
        Assert.True(Bytes(() => Within(RematMode.LargerThan, 3)) < kept * 3 / 4);
        Assert.Equal(kept, Bytes(() => Within(RematMode.ListOfLayers, names: ["other"])));
        Assert.Throws<ArgumentValueException>(() => new RematScope(RematMode.ListOfLayers));
        Assert.Throws<ArgumentValueException>(() => new RematScope(RematMode.LargerThan, -1));
    }

    [Fact]
    public void A_model_is_a_pure_function_of_its_variables()
    {
        var model = new Sequential(seed: 1)
        {
            new Input(3), new Dense(4, kernelRegularizer: Regularizers.L2(0.1)), new BatchNormalization(), new Dropout(0.5), new Dense(1),
        };
        var x = Numbers(1, 8, 3);
        var variables = model.GetNamedWeights().ToDictionary();
        var infer = model.Stateless().Call(variables, [x], 0);
        // Predictions have the normalisation in their weights, so they are rounded otherwise.
        Assert.Equal(model.Predict(x).ToArray<float>(), infer.Outputs[0].ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(variables.Keys, infer.Variables.Keys);
        Assert.All(variables, pair => Assert.True(infer.Variables[pair.Key].BitEquals(pair.Value)));
        var kernel = variables["dense/kernel"].ToArray<float>();
        Assert.Equal(0.1 * kernel.Sum(w => w * w), infer.Loss, 1e-6);

        // Training draws by the step, and moves the statistics as a step of training would.
        var train = model.Stateless(training: true);
        Assert.Equal(variables.Keys, train.Paths);
        var (one, again, two) = (train.Call(variables, [x], 1), train.Call(variables, [x], 1), train.Call(variables, [x], 2));
        Assert.True(one.Outputs[0].BitEquals(again.Outputs[0]));
        Assert.False(one.Outputs[0].BitEquals(two.Outputs[0]));
        model.Compile(new SGD(0.0), "mse");
        model.TrainOnBatch(x, Numbers(2, 8, 1));

        foreach (var (path, value) in model.GetNamedWeights())
        {
            Assert.Equal(value.ToArray<float>(), one.Variables[path].ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-6);
        }

        variables.Remove("dense/bias");
        Assert.Throws<ArgumentValueException>(() => train.Call(variables, [x], 1));
    }

    [Fact]
    public void A_state_tree_takes_a_model_to_where_another_is()
    {
        Model Compiled()
        {
            var model = new Sequential(seed: 1) { new Input(3), new Dense(4), new BatchNormalization(), new Dense(1) };
            model.Compile(new Adam(0.01), "mse");
            return model;
        }

        var (a, b) = (Compiled(), Compiled());
        var (x, y) = (Numbers(1, 8, 3), Numbers(2, 8, 1));
        a.TrainOnBatch(x, y);
        a.TrainOnBatch(x, y);
        b.SetStateTree(a.GetStateTree());
        Assert.Equal(a.TrainOnBatch(x, y)["loss"], b.TrainOnBatch(x, y)["loss"]);
        Assert.All(a.GetWeights().Zip(b.GetWeights()), pair => Assert.True(pair.First.BitEquals(pair.Second)));
        a.ResetMetrics();
        Assert.Equal(a.TestOnBatch(x, y)["loss"], a.GetMetricsResult()["loss"]);
    }
}
