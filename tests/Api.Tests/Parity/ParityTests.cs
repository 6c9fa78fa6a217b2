using FunctionalNet.Interop;
using FunctionalNet.Layers;
using FunctionalNet.Losses;
using FunctionalNet.Metrics;
using FunctionalNet.Optimizers;
using ConfigValue = FunctionalNet.ConfigTypes.ConfigValue;

namespace FunctionalNet.Tests.Parity;

/// <summary>The facade has all that the core knows by name, with the same arguments and defaults.</summary>
public class ParityTests
{
    /// <summary>Accepted, and not kept in the configuration: the number of labels follows from the predictions, and first vectors
    /// are saved as weights.</summary>
    internal static readonly string[] NotKept = ["AUC.num_labels", "Embedding.weights", "ReversibleEmbedding.weights"];

    /// <summary>Kept in the configuration, and set by Model.EnableLora alone, as in Keras.</summary>
    private static readonly string[] SetLater = ["MultiHeadAttention.lora", "GroupQueryAttention.lora"];

    /// <summary>Must be given together; they have a test of their own.</summary>
    private static readonly string[] InPairs = ["Normalization.mean", "Normalization.variance"];

    public static TheoryData<string, string> Classes()
    {
        var data = new TheoryData<string, string>();

        foreach (var kind in Kind.All)
        {
            foreach (var className in kind.Classes)
            {
                data.Add(kind.Name, className);
            }
        }

        return data;
    }

    private static Kind KindOf(string name) => Kind.All.Single(kind => kind.Name == name);

    [Theory]
    [MemberData(nameof(Classes))]
    public void Every_class_has_its_counterpart(string kind, string className) =>
        Assert.NotNull(KindOf(kind).Find(className));

    [Theory]
    [MemberData(nameof(Classes))]
    public void Defaults_are_those_of_Keras(string kind, string className)
    {
        var of = KindOf(kind);
        Assert.Equal(of.Core(className, of.Needed(className)), of.Facade(of.Make(className)));
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public void Every_argument_of_the_core_can_be_given(string kind, string className)
    {
        var of = KindOf(kind);
        var known = of.Keys(className);
        var offered = of.Find(className)!.Parameters.Select(p => Kind.KeyOf(p.Name!, known)).ToArray();
        Assert.DoesNotContain(known.Except(offered), key => !SetLater.Contains(className + "." + key));
        Assert.Empty(offered.Except([.. known, "name", .. NotKept.Where(k => k.StartsWith(className + ".", StringComparison.Ordinal)).Select(k => k.Split('.')[1])]));
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public void Every_argument_arrives(string kind, string className)
    {
        var of = KindOf(kind);
        var known = of.Keys(className);
        var usual = of.Facade(of.Make(className));

        foreach (var parameter in of.Find(className)!.Parameters)
        {
            var key = Kind.KeyOf(parameter.Name!, known);

            if (!known.Contains(key) || InPairs.Contains(className + "." + key))
            {
                continue;
            }

            var sample = Sample.Other(key, parameter.ParameterType, parameter.HasDefaultValue ? parameter.DefaultValue : null);

            // The value in question that happens to be the default would prove nothing.
            if (sample.Value is Choice)
            {
                var choices = Sample.Choices(sample.Value.GetType());
                sample = Sample.Chosen(choices.Last(c => !Equals(Kind.Value(usual, key), ConfigValue.NewText(c.Name))));
            }

            var made = of.Facade(of.Make(className, (parameter, sample.Value)));
            var expected = of.Core(className, sample.Put(of.Needed(className), key));
            Assert.Equal(expected, made);
            Assert.NotEqual(Kind.Value(usual, key), Kind.Value(made, key));
        }
    }

    [Fact]
    public void Every_layer_of_the_facade_is_known_to_the_core()
    {
        var known = Catalog.Layers.Select(entry => entry.Item1).ToHashSet(StringComparer.Ordinal);
        var layers = typeof(Layer).Assembly.GetExportedTypes()
            .Where(type => type is { IsAbstract: false, Namespace: "FunctionalNet.Layers" } && type.IsSubclassOf(typeof(Layer)))
            .Select(type => type.Name)
            .ToArray();
        Assert.True(layers.Length > 60);
        Assert.Empty(layers.Except(known));
    }

    [Fact]
    public void A_name_is_the_layers_name()
    {
        foreach (var className in KindOf("Layers").Classes)
        {
            var of = KindOf("Layers");
            var parameter = of.Find(className)!.Parameters.Single(p => p.Name == "name");
            Assert.Equal("mine", ((Layer)of.Make(className, (parameter, "mine"))).Name);
        }
    }

    [Fact]
    public void Every_activation_has_its_counterpart()
    {
        string[] aliases = ["swish", "hard_swish"];
        var properties = typeof(Activations).GetProperties()
            .Select(property => ((ActivationFunction)property.GetValue(null)!).Name)
            .ToArray();
        Assert.Equal(
            Catalog.Activations.Except(aliases).Except(["threshold"]).Order(),
            properties.Order());

        foreach (var name in properties)
        {
            Assert.Equal(Catalog.Activation(new Description(name)), Catalog.Activation(((ActivationFunction)name).Description));
        }
    }

    public static TheoryData<string, string, string> ActivationArguments() => new()
    {
        { "relu", nameof(Activations.ReluWith), "negative_slope,max_value,threshold" },
        { "leaky_relu", nameof(Activations.LeakyReluWith), "negative_slope" },
        { "elu", nameof(Activations.EluWith), "alpha" },
        { "celu", nameof(Activations.CeluWith), "alpha" },
        { "gelu", nameof(Activations.GeluWith), "approximate" },
        { "squareplus", nameof(Activations.SquareplusWith), "b" },
        { "hard_shrink", nameof(Activations.HardShrinkWith), "threshold" },
        { "soft_shrink", nameof(Activations.SoftShrinkWith), "threshold" },
        { "threshold", nameof(Activations.Threshold), "threshold,default_value" },
        { "softmax", nameof(Activations.SoftmaxOn), "axis" },
        { "log_softmax", nameof(Activations.LogSoftmaxOn), "axis" },
        { "sparsemax", nameof(Activations.SparsemaxOn), "axis" },
        { "glu", nameof(Activations.GluOn), "axis" },
    };

    [Theory]
    [MemberData(nameof(ActivationArguments))]
    public void Arguments_of_activations_arrive(string name, string method, string keys)
    {
        var maker = Maker.OfMember(typeof(Activations), method)!;
        var usual = maker.Parameters.Select(p => p.DefaultValue).ToArray();
        var plain = Catalog.Activation(((ActivationFunction)maker.Make(usual)).Description);
        Assert.Equal(Catalog.Activation(new Description(name, Arguments.Empty)), plain);
        Assert.Equal(keys.Split(','), maker.Parameters.Select(p => Kind.KeyOf(p.Name!, keys.Split(','))));

        for (var i = 0; i < usual.Length; i++)
        {
            var key = keys.Split(',')[i];
            var sample = Sample.Other(key, maker.Parameters[i].ParameterType, usual[i]);
            var given = usual.ToArray();
            given[i] = sample.Value;
            var made = Catalog.Activation(((ActivationFunction)maker.Make(given)).Description);
            Assert.Equal(Catalog.Activation(new Description(name, sample.Put(Arguments.Empty, key))), made);
            Assert.NotEqual(plain, made);
        }
    }

    [Fact]
    public void Choices_are_typed_as_words()
    {
        Assert.Same(Padding.Same, (Padding)"same");
        Assert.Same(DataFormat.ChannelsFirst, (DataFormat)"channels_first");
        Assert.Same(Interpolation.Bilinear, (Interpolation)"bilinear");
        Assert.Same(Interpolation.Lanczos5, (Interpolation)"lanczos5");
        Assert.Same(Sampling.Nearest, (Sampling)"nearest");
        Assert.Same(FillMode.Wrap, (FillMode)"wrap");
        Assert.Same(FlipMode.Vertical, (FlipMode)"vertical");
        Assert.Same(FanMode.FanOut, (FanMode)"fan_out");
        Assert.Same(FanDistribution.Uniform, (FanDistribution)"uniform");
        Assert.Same(OrthogonalMode.Columns, (OrthogonalMode)"columns");
        Assert.Same(Reduction.Sum, (Reduction)"sum");
        Assert.Same(AUCCurve.PR, (AUCCurve)"PR");
        Assert.Same(AUCSummation.Minoring, (AUCSummation)"minoring");
        Assert.Same(ScoreAverage.Macro, (ScoreAverage)"macro");
        Assert.Same(ScoreAggregation.None, (ScoreAggregation)"none");

        var error = Assert.Throws<ArgumentValueException>(() => new Conv2D(4, 3, padding: "some"));
        Assert.Equal("valid, same, causal", error.Expected);
        Assert.Equal("some", error.Actual);
    }

    /// <summary>Every choice is read by the core in every place that takes it, but for causal padding, which is for one axis,
    /// and numbers as the encoding of numbers.</summary>
    [Theory]
    [MemberData(nameof(Classes))]
    public void Every_choice_is_accepted(string kind, string className)
    {
        var of = KindOf(kind);

        foreach (var parameter in of.Find(className)!.Parameters.Where(p => typeof(Choice).IsAssignableFrom(p.ParameterType)))
        {
            var made = Sample.Choices(parameter.ParameterType)
                .Where(choice => (className, choice.Name) != ("CategoryEncoding", "int"))
                .Select(choice => of.Facade(of.Make(className, (parameter, choice))))
                .ToArray();
            Assert.Equal(made.Length, made.Distinct().Count());
        }
    }

    [Fact]
    public void Causal_padding_is_for_one_axis()
    {
        _ = new Conv1D(4, 3, padding: "causal");
        _ = new SeparableConv1D(4, 3, padding: "causal");
        Assert.Throws<ArgumentValueException>(() => new Conv2D(4, 3, padding: "causal"));
        Assert.Throws<ArgumentValueException>(() => new MaxPooling1D(padding: "causal"));
    }

    [Fact]
    public void Null_stands_for_None_where_that_is_not_the_default()
    {
        var normalization = Catalog.LayerOf(new Normalization(axis: Axes.None, mean: 0.5, variance: 0.25).Core);
        Assert.Equal(ConfigValue.Null, Kind.Value(normalization, "axis"));
        Assert.Equal(ConfigValue.NewFloat(0.5), Kind.Value(normalization, "mean"));
        Assert.Equal(ConfigValue.NewFloat(0.25), Kind.Value(normalization, "variance"));

        var perFeature = Catalog.LayerOf(new Normalization(mean: (double[])[1, 2], variance: (double[])[3, 4]).Core);
        Assert.Equal(
            Catalog.Layer("Normalization", Arguments.Empty.Set("mean", (double[])[1, 2]).Set("variance", (double[])[3, 4])),
            perFeature);

        var score = Catalog.Metric(new R2Score("none").Description);
        Assert.Equal(ConfigValue.Null, Kind.Value(score, "class_aggregation"));
    }

    [Fact]
    public void Schedules_are_rates()
    {
        var optimizer = Catalog.Optimizer(new Lion(new CosineDecay(0.1, 100)).Description);
        Assert.NotEqual(Kind.Value(Catalog.Optimizer(new Lion(0.1).Description), "learning_rate"), Kind.Value(optimizer, "learning_rate"));
    }

    [Theory]
    [InlineData(3, 3, 3, 3)]
    [InlineData(1, 2, 1, 2)]
    public void Borders_may_be_short(int rows, int columns, int top, int left)
    {
        Border2 border = rows == columns ? rows : (rows, columns);
        Assert.Equal(new Border2(top, left), border);
        var image = new Sequential { new Input(4, 5, 1), new ZeroPadding2D(border) };
        Assert.Equal(Shape.Of(1, 4 + 2 * top, 5 + 2 * left, 1), image.Predict(Tensor.Zeros(DType.Float32, Shape.Of(1, 4, 5, 1))).Shape);
    }
}
