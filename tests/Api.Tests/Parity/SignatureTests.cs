using System.Globalization;
using System.Text.Json;
using FunctionalNet.Interop;
using ConfigValue = FunctionalNet.ConfigTypes.ConfigValue;

namespace FunctionalNet.Tests.Parity;

/// <summary>Every argument of Keras's classes is taken with Keras's default, or a reason says why not.</summary>
public class SignatureTests
{
    /// <summary>Arguments that are not of the class: names are checked beside it, and the dtype is the model's.</summary>
    private static readonly string[] Common = ["name", "dtype"];

    /// <summary>What Keras puts in the place of None, if it is no value of another argument.</summary>
    private static readonly Dictionary<string, ConfigValue> Stands = new(StringComparer.Ordinal)
    {
        ["data_format"] = ConfigValue.NewText("channels_last"),
        ["activation"] = ConfigValue.NewText("linear"),
    };

    /// <summary>Arguments that stand for another one where they are None: pooling moves by its window, and what comes back in time
    /// is a copy of what goes forth.</summary>
    private static readonly Dictionary<string, string> Follows = new(StringComparer.Ordinal)
    {
        ["strides"] = "pool_size",
        ["backward_layer"] = "layer",
    };

    /// <summary>Defaults that are written in another way: Python's verbose is a number, and "epoch" is no number of batches.</summary>
    private static readonly HashSet<(string, string, string)> Equivalent = [("verbose", "0", "False"), ("save_freq", "epoch", ""), ("update_freq", "epoch", "")];

    public static TheoryData<string, string> Items()
    {
        var data = new TheoryData<string, string>();

        foreach (var (title, items) in KerasPage.Sections())
        {
            foreach (var item in items.Where(i => i.Exists))
            {
                data.Add(title, item.Name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Items))]
    public void Every_argument_of_Keras_is_taken_or_a_reason_says_why_not(string section, string name)
    {
        var item = Item(section, name);
        var silent = item.Without.Where(argument => !item.Notes.ContainsKey(argument)).ToArray();
        Assert.True(silent.Length == 0, $"{name}: {string.Join(", ", silent)}");
    }

    [Theory]
    [MemberData(nameof(Items))]
    public void Every_default_is_Keras_s_or_a_reason_says_why_not(string section, string name)
    {
        var item = Item(section, name);
        var kind = Kind.All.FirstOrDefault(k => string.Equals(k.Name, section, StringComparison.OrdinalIgnoreCase));
        var wrong = new List<string>();

        foreach (var argument in Signatures.Of(section, name).Where(a => !a.Required && item.Taken.Contains(a.Name) && !Common.Contains(a.Name) && !item.Defaults.ContainsKey(a.Name)))
        {
            var problem = section == "activations"
                ? Same(Catalog.Activation(new Description(name, Arguments.Empty)), Catalog.Activation(new Description(name, argument.Put(Arguments.Empty))))
                : kind is not null && kind.Classes.Contains(item.Ours) ? InCore(kind, item.Ours!, argument) : InFacade(section, item, argument);

            if (problem is not null)
            {
                wrong.Add($"{name}.{argument.Name} ({argument.Default}): {problem}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join("; ", wrong));
    }

    /// <summary>The names of losses and metrics are what users read in logs.</summary>
    [Theory]
    [MemberData(nameof(Items))]
    public void Losses_and_metrics_are_called_as_in_Keras(string section, string name)
    {
        var kind = Kind.All.FirstOrDefault(k => k.Name is "Losses" or "Metrics" && string.Equals(k.Name, section, StringComparison.OrdinalIgnoreCase));
        var given = Signatures.Of(section, name).FirstOrDefault(a => a.Name == "name");

        if (kind is null || given is null || given.Required || !kind.Classes.Contains(name))
        {
            return;
        }

        var expected = given.IsNone ? Layer(name) : given.Default.GetString()!;
        Assert.Equal(ConfigValue.NewText(expected), Kind.Value(kind.Core(name, kind.Needed(name)), "name"));
    }

    private static KerasItem Item(string section, string name) =>
        KerasPage.Sections().Single(s => s.Title == section).Items.Single(i => i.Name == name);

    private static string Layer(string className) => LayerModule.snakeCase(className);

    private static string? Same<T>(T usual, T given) =>
        Equals(usual, given) ? null : $"{usual} by default, {given} with Keras's default";

    private static string? InCore(Kind kind, string name, KerasArgument argument)
    {
        var needed = kind.Needed(name);
        var usual = kind.Core(name, needed);
        var value = Kind.Value(usual, argument.Name);

        if (argument.IsNone)
        {
            return value is null || value.IsNull || Equals(value, Stands.GetValueOrDefault(argument.Name))
                || (Follows.TryGetValue(argument.Name, out var other) && (value.IsObject || Equals(value, Kind.Value(usual, other))))
                ? null
                : $"{value} by default";
        }

        // Arguments at their defaults are not always written.
        return Same(usual, kind.Core(name, argument.Put(needed)));
    }

    /// <summary>A default as a parameter or an option of C# has it.</summary>
    private static string? InFacade(string section, KerasItem item, KerasArgument argument)
    {
        var key = KerasPage.OurArgument(item.Name, argument.Name);
        var found = KerasPage.Parameters(section, item).Where(p => Kind.KeyOf(p.Name, [key]) == key).Take(1).ToArray();

        if (found is not [var (_, usual)])
        {
            return "not known";
        }

        var expected = argument.Default.ValueKind == JsonValueKind.Null ? "" : argument.Default.ToString();
        var actual = Convert.ToString(usual, CultureInfo.InvariantCulture) ?? "";
        return Plain(expected) == Plain(actual) || Equivalent.Contains((argument.Name, expected, actual)) ? null : $"{actual} by default";
    }

    /// <summary>A default in one spelling: TfIdf is tf_idf, 1 is 1.0.</summary>
    private static string Plain(string value) =>
        double.TryParse(value, CultureInfo.InvariantCulture, out var number)
            ? number.ToString("R", CultureInfo.InvariantCulture)
            : value.Replace("_", "", StringComparison.Ordinal).ToUpperInvariant();
}
