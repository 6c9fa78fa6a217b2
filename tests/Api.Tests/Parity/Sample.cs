using System.Reflection;
using FunctionalNet.Interop;
using FunctionalNet.Layers;
using FunctionalNet.Optimizers;

namespace FunctionalNet.Tests.Parity;

/// <summary>A value for an argument, as C# passes it and as a configuration has it.</summary>
internal sealed record Sample(object? Value, Func<Arguments, string, Arguments> Put)
{
    /// <summary>A value that an argument of that type must have.</summary>
    public static Sample Required(string key, Type type) => key switch
    {
        "equation" => Text("abc,cd->abd"),
        _ => Of(type, null, other: false),
    };

    /// <summary>Another value than the required one and the default.</summary>
    public static Sample Other(string key, Type type, object? usual) => key switch
    {
        "equation" => Text("acb,bd->acd"),
        "bias_axes" => Text("d"),
        "num_query_heads" => new(12, (a, k) => a.Set(k, 12)),
        "num_key_value_heads" => new(3, (a, k) => a.Set(k, 3)),
        "fft_length" => new(512, (a, k) => a.Set(k, 512)),
        "max_freq" => new(4000.0, (a, k) => a.Set(k, 4000.0)),
        "backward_layer" => Nested(new SimpleRNN(4, goBackwards: true)),
        _ => Of(type, usual, other: true),
    };

    private static Sample Of(Type type, object? usual, bool other)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var whole = usual is int i ? i + 1 : other ? 4 : 6;
        var number = usual is double d ? d * 0.5 + 0.2171 : other ? 0.375 : 0.5;

        var first = other ? 1 : 2;

        return type.Name switch
        {
            nameof(Int32) => new(whole, (a, key) => a.Set(key, whole)),
            nameof(Double) => new(number, (a, key) => a.Set(key, number)),
            nameof(Boolean) => Flag(usual is not true),
            nameof(String) => Text("other"),
            nameof(DType) => new(DType.Float64, (a, key) => a.Set(key, "float64")),
            nameof(ActivationFunction) => new(
                (ActivationFunction)(other ? "relu" : "tanh"), (a, key) => a.Set(key, other ? "relu" : "tanh")),
            nameof(LearningRate) => new((LearningRate)number, (a, key) => a.Set(key, number)),
            nameof(Optimizer) => new(new SGD(number), (a, key) => a.Set(key, new SGD(number).Description)),
            nameof(OptimizerMap) => new(
                new OptimizerMap(new SGD(number), new Dictionary<string, Optimizer> { ["a/.*"] = "adam" }),
                (a, key) => a.Set(key, new OptimizerMap(new SGD(number), new Dictionary<string, Optimizer> { ["a/.*"] = "adam" }).Description)),
            nameof(Size2) => new((Size2)(first, 3), (a, key) => a.Set(key, [first, 3])),
            nameof(Size3) => new((Size3)(first, 3, 4), (a, key) => a.Set(key, [first, 3, 4])),
            nameof(Border) => new((Border)(2, 3), (a, key) => a.Set(key, [2, 3])),
            nameof(Border2) => new((Border2)((2, 3), (4, 5)), (a, key) => a.Set(key, new int[][] { [2, 3], [4, 5] })),
            nameof(Border3) => new(
                (Border3)((2, 3), (4, 5), (6, 7)), (a, key) => a.Set(key, new int[][] { [2, 3], [4, 5], [6, 7] })),
            nameof(Axes) => new((Axes)(int[])[first, 3], (a, key) => a.Set(key, [first, 3])),
            nameof(SignalWindow) => new((SignalWindow)"hamming", (a, key) => a.Set(key, "hamming")),
            nameof(Numbers) => other
                ? new((Numbers)(double[])[0.25, 0.75], (a, key) => a.Set(key, (double[])[0.25, 0.75]))
                : new((Numbers)0.5, (a, key) => a.Set(key, 0.5)),
            nameof(Factor) => other
                ? new((Factor)(1.0, 1.0), (a, key) => a.Set(key, (double[])[1, 1]))
                : new((Factor)1.0, (a, key) => a.Set(key, 1.0)),
            nameof(ValueRange) => new((ValueRange)(-1.0, 1.0), (a, key) => a.Set(key, (double[])[-1, 1])),
            nameof(RecurrentCell) => Nested(new GRUCell(whole)),
            nameof(RecurrentLayer) => Nested(new SimpleRNN(whole)),
            nameof(Layer) => Nested(new Dense(whole)),
            "IReadOnlyList`1" => new(
                new RecurrentCell[] { new GRUCell(whole), new LSTMCell(first) },
                (a, key) => a.Set(key, [new GRUCell(whole).Core, new LSTMCell(first).Core])),
            "Int32[]" => Whole(other ? [2, 1] : [1, 2]),
            "Double[]" => new(new[] { 0.25, number, 0.75 }, (a, key) => a.Set(key, (double[])[0.25, number, 0.75])),
            "Nullable`1[]" => new(new int?[] { null, whole }, (a, key) => a.Set(key, (int?[])[null, whole])),
            "String[]" => new(new[] { "bias", "norm" }, (a, key) => a.Set(key, (string[])["bias", "norm"])),
            nameof(Initializer) => new(
                Initializers.Constant(0.25),
                (a, key) => a.Set(key, new Description("Constant", Arguments.Empty.Set("value", 0.25)))),
            nameof(Regularizer) => new(
                Regularizers.L1(0.25),
                (a, key) => a.Set(key, new Description("L1", Arguments.Empty.Set("l1", 0.25)))),
            nameof(Constraint) => new(
                Constraints.MaxNorm(3),
                (a, key) => a.Set(key, new Description("MaxNorm", Arguments.Empty.Set("max_value", 3.0)))),
            _ when typeof(Choice).IsAssignableFrom(type) => Chosen(Choices(type)[^1]),
            _ => throw new NotSupportedException($"No sample for {type}."),
        };
    }

    /// <summary>All values of a choice, the default first or last; None, which stands for null, is left out.</summary>
    public static Choice[] Choices(Type type) =>
    [
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Static)
            .Select(property => (Choice)property.GetValue(null)!)
            .Where(choice => choice.Name is not ("none" or "causal")),
    ];

    public static Sample Chosen(Choice choice) => new(choice, (a, key) => a.Set(key, choice.Name));

    private static Sample Nested(Layer layer) => new(layer, (a, key) => a.Set(key, layer.Core));

    private static Sample Flag(bool value) => new(value, (a, key) => a.Set(key, value));

    private static Sample Text(string value) => new(value, (a, key) => a.Set(key, value));

    private static Sample Whole(int[] values) => new(values, (a, key) => a.Set(key, values));
}
