using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;
using FunctionalNet.Tests.Parity;

namespace FunctionalNet.Tests.Models;

/// <summary>Configurations as dictionaries and as JSON, in Keras's form, and classes and functions of the user's own in them.</summary>
public class ConfigTests
{
    /// <summary>All classes, but for the name that chooses a loss by the shapes.</summary>
    public static IEnumerable<object[]> Classes() => ParityTests.Classes().Where(row => (string)row[1] != "Crossentropy");

    private static IReadOnlyDictionary<string, object?> ConfigOf(object made) => made switch
    {
        Layer layer => layer.GetConfig(),
        Loss loss => loss.GetConfig(),
        Metric metric => metric.GetConfig(),
        Optimizer optimizer => optimizer.GetConfig(),
        LearningRateSchedule schedule => schedule.GetConfig(),
        Initializer initializer => initializer.GetConfig(),
        Regularizer regularizer => regularizer.GetConfig(),
        Constraint constraint => constraint.GetConfig(),
        _ => throw new NotSupportedException(made.GetType().Name),
    };

    private static object FromConfig(object made, string name, IReadOnlyDictionary<string, object?> config) => made switch
    {
        Layer => Layer.FromConfig(name, config),
        Loss => Loss.FromConfig(name, config),
        Metric => Metric.FromConfig(name, config),
        Optimizer => Optimizer.FromConfig(name, config),
        LearningRateSchedule => LearningRateSchedule.FromConfig(name, config),
        Initializer => Initializer.FromConfig(name, config),
        Regularizer => Regularizer.FromConfig(name, config),
        _ => Constraint.FromConfig(name, config),
    };

    private static (string Text, object Again) Through(object made)
    {
        var text = made switch
        {
            Layer layer => Saving.Serialize(layer),
            Loss loss => Saving.Serialize(loss),
            Metric metric => Saving.Serialize(metric),
            Optimizer optimizer => Saving.Serialize(optimizer),
            LearningRateSchedule schedule => Saving.Serialize(schedule),
            Initializer initializer => Saving.Serialize(initializer),
            Regularizer regularizer => Saving.Serialize(regularizer),
            _ => Saving.Serialize((Constraint)made),
        };
        object again = made switch
        {
            Layer => Saving.DeserializeLayer(text),
            Loss => Saving.DeserializeLoss(text),
            Metric => Saving.DeserializeMetric(text),
            Optimizer => Saving.DeserializeOptimizer(text),
            LearningRateSchedule => Saving.DeserializeSchedule(text),
            Initializer => Saving.DeserializeInitializer(text),
            Regularizer => Saving.DeserializeRegularizer(text),
            _ => Saving.DeserializeConstraint(text),
        };
        return (text, again);
    }

    /// <summary>The arguments have Keras's names, and all of them are there: what from_config makes of them is the same thing.</summary>
    [Theory]
    [MemberData(nameof(Classes))]
    public void Everything_goes_through_its_configuration_and_JSON(string kind, string className)
    {
        var made = Kind.All.Single(k => k.Name == kind).Make(className);
        var config = ConfigOf(made);
        Assert.Equal(config, ConfigOf(FromConfig(made, className, config)));
        var (text, again) = Through(made);
        Assert.Contains($"\"class_name\":\"{className}\"", text, StringComparison.Ordinal);
        Assert.Contains("\"module\":\"keras", text, StringComparison.Ordinal);
        Assert.Equal(config, ConfigOf(again));
        Assert.Equal(text, Through(again).Text);
    }

    [Fact]
    public void A_configuration_has_Keras_s_names_and_plain_values()
    {
        var config = new Dense(3, activation: "relu", kernelRegularizer: Regularizers.L2(0.5), name: "mine").GetConfig();
        Assert.Equal("mine", config["name"]);
        Assert.Equal(true, config["trainable"]);
        Assert.Equal(3, config["units"]);
        Assert.Equal("relu", config["activation"]);
        Assert.Null(config["bias_regularizer"]);
        var regularizer = Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(config["kernel_regularizer"]);
        Assert.Equal("L2", regularizer["class_name"]);
        Assert.Equal([1, 2], Assert.IsAssignableFrom<IEnumerable<object?>>(new Conv2D(1, (1, 2)).GetConfig()["kernel_size"]).Cast<int>());
        Assert.Equal(0.9, new SGD(0.1, momentum: 0.9).GetConfig()["momentum"]);
        Assert.Equal("sum", new Losses.MeanSquaredError(reduction: "sum").GetConfig()["reduction"]);

        var made = Layer.FromConfig("Dense", new Dictionary<string, object?> { ["units"] = 5L, ["use_bias"] = false, ["trainable"] = false });
        Assert.Equal(5, made.GetConfig()["units"]);
        Assert.False(made.Trainable);
        Assert.Throws<ArgumentValueException>(() => Layer.FromConfig("Dens", config));
        Assert.Throws<ArgumentValueException>(() => Layer.FromConfig("Dense", new Dictionary<string, object?> { ["units"] = new object() }));
    }

    private sealed class Scale(double factor, string? name = null) : CustomLayer(name, activityRegularizer: Regularizers.L2(0.5))
    {
        public double Factor => factor;

        public override IReadOnlyDictionary<string, object?> GetConfig() =>
            new Dictionary<string, object?>(base.GetConfig()) { ["factor"] = factor };

        protected override Expr Call(LayerScope scope, Expr input) =>
            input * scope.AddWeight("gain", [input.Shape[-1]], Initializers.Ones) * factor;
    }

    private sealed class Unregistered : CustomLayer
    {
        protected override Expr Call(LayerScope scope, Expr input) => input;
    }

    [Fact]
    public void A_class_of_your_own_is_saved_and_loaded_when_it_is_registered()
    {
        CustomLayer.Register(config => new Scale((double)config["factor"]!), package: "tests");
        var model = new Sequential { new Input(2), new Dense(3), new Scale(2.5, name: "scale"), new Dense(1) };
        model.Compile("sgd", "mse");
        var (x, y) = Lines.Data();
        model.Fit(x, y, verbosity: Verbosity.Silent);
        Assert.Contains("\"registered_name\":\"tests\\u003EScale\"", model.ToJson(), StringComparison.Ordinal);

        var again = Model.FromJson(model.ToJson());
        Assert.Equal(2.5, Assert.IsType<Scale>(again.GetLayer("scale")).Factor);
        again.SetWeights(model.GetWeights());
        Assert.True(model.Predict(x).BitEquals(again.Predict(x)));

        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        model.Save(path);
        var loaded = Model.Load(path);
        File.Delete(path);
        Assert.True(model.Predict(x).BitEquals(loaded.Predict(x)));
        // The penalty of the activity is there too: it is part of the loss.
        Assert.Equal(model.Evaluate(x, y, verbosity: Verbosity.Silent)["loss"], loaded.Evaluate(x, y, verbosity: Verbosity.Silent)["loss"]);

        var refused = Assert.Throws<NotReadyException>(() => new Sequential { new Input(2), new Unregistered() }.ToJson());
        Assert.Contains("regist", refused.Hint, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_penalty_of_an_activity_is_part_of_the_loss()
    {
        var x = Tensor.Of(Shape.Of(2, 2), [1f, 2f, 3f, 4f]);
        var model = new Sequential { new Input(2), new Scale(2) };
        model.Compile("sgd", "mse");
        // Half the sum of the squares of 2 x, on top of a loss of 0.
        Assert.Equal(0.5 * 4 * (1 + 4 + 9 + 16), model.Evaluate(x, Tensor.Of(Shape.Of(2, 2), [2f, 4f, 6f, 8f]), verbosity: Verbosity.Silent)["loss"], 4);
    }

    [Fact]
    public void Functions_of_your_own_are_saved_by_the_name_they_are_registered_under()
    {
        var (x, y) = Lines.Data();
        var loss = Loss.Register("tests_absolute", (t, p) => Ops.Abs(t - p));
        var metric = Metric.Register("tests_worst", (t, p) => Ops.Max(Ops.Abs(t - p), axis: -1));
        var start = Initializers.Register("tests_steps", (_, shape) => [.. Enumerable.Range(0, shape.Size).Select(i => 0.1 * i)]);
        var penalty = Regularizers.Register("tests_sum", w => 0.01 * Ops.Sum(w));
        var bound = Constraints.Register("tests_bound", w => Ops.Clip(w, -1, 1));
        var model = new Sequential
        {
            new Input(2),
            new Dense(1, kernelInitializer: start, kernelRegularizer: penalty, kernelConstraint: bound),
        };
        Assert.Equal([0, 0.1], model.GetWeights()[0].ToDoubles().Select(v => Math.Round(v, 6)));
        model.Compile(new SGD(0.1), loss, [metric]);
        model.Fit(x, y, verbosity: Verbosity.Silent);

        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        model.Save(path);
        var loaded = Model.Load(path);
        File.Delete(path);
        Assert.True(loaded.IsCompiled);
        var logs = loaded.Evaluate(x, y, verbosity: Verbosity.Silent);
        Assert.Equal(model.Evaluate(x, y, verbosity: Verbosity.Silent)["tests_worst"], logs["tests_worst"]);
        Assert.Equal("tests_absolute", Loss.FromConfig("tests_absolute", new Dictionary<string, object?>()).GetConfig()["name"]);
        Assert.Throws<NotReadyException>(() => Loss.Custom((t, p) => Ops.Abs(t - p)).GetConfig());
        Assert.Throws<NotReadyException>(() => Metric.Custom("mine", (t, p) => Ops.Abs(t - p)).GetConfig());
    }

    [Fact]
    public void What_a_model_is_compiled_with_goes_through_its_configuration()
    {
        var (x, y) = Lines.Data();
        var model = new Sequential(seed: 3) { new Input(2), new Dense(4, activation: "relu"), new Dense(1) };
        Assert.Null(model.GetCompileConfig());
        model.Compile(
            new SGD(new ExponentialDecay(0.1, 10, 0.9), momentum: 0.5), new Losses.Huber(delta: 0.5), ["mae"], ["mse"],
            stepsPerExecution: 2);
        var config = model.GetCompileConfig()!;
        Assert.Equal(2, config["steps_per_execution"]);
        var loss = Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(config["loss"]);
        Assert.Equal("Huber", loss["class_name"]);
        Assert.Equal("keras.losses", loss["module"]);

        var other = Model.FromConfig(model.GetConfig(), seed: 3);
        other.CompileFromConfig(config);
        Assert.Equal(model.Fit(x, y, shuffle: false, verbosity: Verbosity.Silent)["loss"], other.Fit(x, y, shuffle: false, verbosity: Verbosity.Silent)["loss"]);
        Assert.Equal(model.Evaluate(x, y, verbosity: Verbosity.Silent).Names, other.Evaluate(x, y, verbosity: Verbosity.Silent).Names);
        Assert.True(model.Predict(x).BitEquals(other.Predict(x)));

        // Keras's own short forms.
        other.CompileFromConfig(new Dictionary<string, object?>
        {
            ["optimizer"] = "adam",
            ["loss"] = "mse",
            ["metrics"] = new List<object?> { "mae" },
            ["run_eagerly"] = false,
        });
        Assert.Equal(["loss", "mae"], other.Evaluate(x, y, verbosity: Verbosity.Silent).Names);
        Assert.Throws<ArgumentValueException>(() => other.CompileFromConfig(new Dictionary<string, object?> { ["loss"] = "ms" }));
    }

    [Fact]
    public void Several_outputs_are_compiled_by_order_by_name_or_all_alike()
    {
        var input = new Input([2], name: "x");
        var model = new Model([input], [new Dense(1, name: "a").Apply(input), new Dense(1, name: "b").Apply(input)]);
        var (x, y) = Lines.Data();
        var data = new TrainingData([x], [y, y]);
        string[] Keys() => [.. model.Evaluate(data).Names];

        // One loss is that of every output.
        model.Compile("sgd", "mse");
        Assert.Equal(["loss", "a_loss", "b_loss"], Keys());
        model.CompileFromConfig(model.GetCompileConfig()!);
        Assert.Equal(["loss", "a_loss", "b_loss"], Keys());

        model.Compile("sgd", ["mse", null], null, [["mae"], ["mse"]]);
        Assert.Equal(["loss", "a_mae", "b_mse"], Keys());
        model.CompileFromConfig(model.GetCompileConfig()!);
        Assert.Equal(["loss", "a_mae", "b_mse"], Keys());

        model.CompileFromConfig(new Dictionary<string, object?>
        {
            ["optimizer"] = "sgd",
            ["loss"] = new Dictionary<string, object?> { ["a"] = "mse", ["b"] = "mae" },
            ["loss_weights"] = new Dictionary<string, object?> { ["a"] = 0.25 },
            ["metrics"] = new Dictionary<string, object?> { ["b"] = "mse" },
        });
        var logs = model.Evaluate(data);
        Assert.Equal(["loss", "a_loss", "b_loss", "b_mse"], logs.Names);
        Assert.Equal(0.25 * logs["a_loss"] + logs["b_loss"], logs["loss"], 5);
    }
}
