using System.Reflection;
using System.Text;
using System.Text.Json;
using FunctionalNet.Interop;

namespace FunctionalNet.Tests.Parity;

/// <summary>One public class of Keras, and what of it is here.</summary>
/// <param name="Name">Keras's name.</param>
/// <param name="Wanted">The arguments of Keras's constructor.</param>
/// <param name="Reason">Why it is left out on purpose; null where it is not.</param>
/// <param name="Ours">The C# name; null where it is missing.</param>
/// <param name="Taken">The arguments that are taken.</param>
/// <param name="Notes">Why single arguments are left out.</param>
/// <param name="Defaults">Why single arguments have another default.</param>
internal sealed record KerasItem(
    string Name,
    string[] Wanted,
    string? Reason,
    string? Ours,
    string[] Taken,
    IReadOnlyDictionary<string, string> Notes,
    IReadOnlyDictionary<string, string> Defaults)
{
    public bool Exists => Ours is not null;

    /// <summary>Arguments of Keras that are not taken.</summary>
    public string[] Without => [.. Wanted.Except(Taken)];
}

/// <summary>docs/keras-parity.md: what Keras has, from a list of its classes, beside what this library has, from its own
/// registries and constructors.</summary>
internal static class KerasPage
{
    /// <summary>Things that C# has under another name.</summary>
    private static readonly Dictionary<string, string> Renamed = new(StringComparer.Ordinal)
    {
        ["InputLayer"] = "Input",
        ["Layer"] = "CustomLayer",
        ["ProgbarLogger"] = "ProgressBar",
        ["MeanMetricWrapper"] = "Custom",
    };

    /// <summary>Arguments whose name differs for a reason: the C# name of "shape" says what its numbers are, and so on.</summary>
    private static readonly Dictionary<string, string> RenamedArguments = new(StringComparer.Ordinal)
    {
        ["Lambda.function"] = "function",
        ["MeanMetricWrapper.fn"] = "function",
    };

    private static readonly Type[] Exported = [.. new[] { "FunctionalNet", "FunctionalNet.Core", "FunctionalNet.TensorBoard" }.SelectMany(name => Assembly.Load(name).GetExportedTypes())];

    /// <summary>Sections of the page by title, in the order of Keras's documentation.</summary>
    public static (string Title, KerasItem[] Items)[] Sections()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Repository.Path("tests/data/keras/surface.json")));
        var everywhere = Texts(file.RootElement, "notes");
        return
        [
            .. file.RootElement.GetProperty("sections").EnumerateArray().Select(section =>
            {
                var title = section.GetProperty("title").GetString()!;
                return (title, section.GetProperty("items").EnumerateArray().Select(item => Item(title, item, everywhere)).ToArray());
            }),
        ];
    }

    public static string Text()
    {
        var sections = Sections();
        var page = new StringBuilder();

        foreach (var (title, items) in sections)
        {
            page.Append(title).Append(": ").Append(items.Count(i => i.Exists)).Append(" of ").Append(items.Length).Append("  \n");
        }

        page.Append(
            """

            # Keras parity

            What Keras 3 has, and what FunctionalNet has of it. This page is written by the tests from the code itself
            (`FUNCTIONALNET_REFRESH=1 dotnet test -c Release --filter Golden`), and the build fails when it is stale. The names
            of arguments are Keras's, in camelCase in C#; in F# they are the fields of an options record. Every layer also
            takes a name; the policy of dtypes is the model's.

            """);

        foreach (var (title, items) in sections)
        {
            page.Append("\n## ").Append(char.ToUpperInvariant(title[0])).Append(title[1..]).Append("\n\n");
            page.Append("| Keras | options | status |\n|---|---|---|\n");

            foreach (var item in items)
            {
                page.Append("| `").Append(item.Name).Append("` | ").Append(Options(item)).Append(" | ").Append(Status(item)).Append(" |\n");
            }
        }

        return page.ToString();
    }

    private static string Options(KerasItem item) =>
        item.Taken.Length == 0 ? "" : "`" + string.Join(", ", item.Wanted.Intersect(item.Taken).Concat(item.Taken.Except(item.Wanted))) + "`";

    private static string Status(KerasItem item) =>
        !item.Exists ? "no: " + (item.Reason ?? "not yet")
        : (item.Ours == item.Name ? "yes" : "yes, as `" + item.Ours + "`")
            + string.Concat(item.Without.GroupBy(argument => item.Notes.GetValueOrDefault(argument, "not yet")).Select(group =>
                ", without " + string.Join(", ", group) + " (" + group.Key + ")"))
            + string.Concat(item.Defaults.Select(note => "; " + note.Key + ": " + note.Value))
            + (item.Reason is null ? "" : ": " + item.Reason);

    /// <summary>Our name of an argument of a class of Keras.</summary>
    public static string OurArgument(string name, string argument) => RenamedArguments.GetValueOrDefault(name + "." + argument, argument);

    /// <summary>What the C# class of an item takes, with its defaults: the parameters of its longest constructor, or the
    /// properties of its options.</summary>
    public static (string Name, object? Default)[] Parameters(string section, KerasItem item) =>
        ClassOf(section, item.Ours!) is { } type ? ParametersOf(type) : [];

    private static (string Name, object? Default)[] ParametersOf(Type type)
    {
        var parameters = type.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
            .MaxBy(c => c.GetParameters().Length)?.GetParameters() ?? [];

        if (parameters is [{ Name: "options" } only])
        {
            var options = Activator.CreateInstance(only.ParameterType)!;
            return [.. only.ParameterType.GetProperties().Select(p => (char.ToLowerInvariant(p.Name[0]) + p.Name[1..], p.GetValue(options)))];
        }

        return [.. parameters.Select(p => (p.Name!, p.HasDefaultValue ? p.DefaultValue : p.IsOptional ? null : "required"))];
    }

    private static Dictionary<string, string> Texts(JsonElement json, string key) =>
        json.TryGetProperty(key, out var texts)
            ? texts.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetString()!, StringComparer.Ordinal)
            : [];

    private static KerasItem Item(string title, JsonElement json, Dictionary<string, string> everywhere)
    {
        var name = json.GetProperty("name").GetString()!;
        var listed = json.GetProperty("arguments").EnumerateArray().Select(a => a.GetString()!);
        string[] wanted = [.. listed.Union(Signatures.Of(title, name).Select(a => a.Name)).Where(a => a != "name" && (a != "dtype" || name == "InputLayer"))];
        var reason = json.TryGetProperty("reason", out var text) ? text.GetString() : null;
        var notes = new Dictionary<string, string>(everywhere, StringComparer.Ordinal);

        foreach (var (argument, note) in Texts(json, "notes"))
        {
            notes[argument] = note;
        }

        var (ours, taken) = Find(title, name, wanted);
        var renamed = taken.Select(t => wanted.FirstOrDefault(w => RenamedArguments.GetValueOrDefault(name + "." + w) == t) ?? t);
        return new(name, wanted, reason, ours, [.. renamed.Where(t => t != "name")], notes, Texts(json, "defaults"));
    }

    /// <summary>The name and the arguments of what we have, by the registry of its kind or as an exported class.</summary>
    private static (string? Ours, string[] Taken) Find(string title, string name, string[] wanted)
    {
        if (title == "activations")
        {
            return Catalog.Activations.Contains(name)
                ? (name, [.. Signatures.Of(title, name).Where(a => Takes(name, a)).Select(a => a.Name)])
                : (null, []);
        }

        var ours = Renamed.GetValueOrDefault(name, name);
        var kind = Kind.All.FirstOrDefault(k => string.Equals(k.Name, title, StringComparison.OrdinalIgnoreCase));

        if (kind is not null && kind.Classes.Contains(ours))
        {
            var accepted = ParityTests.NotKept.Where(key => key.StartsWith(ours + ".", StringComparison.Ordinal));
            return (ours, [.. kind.Keys(ours), .. accepted.Select(key => key.Split('.')[1])]);
        }

        return title == "metrics" && ours == "Custom"
            ? ("Metric.Custom", ["function"])
            : ClassOf(title, ours) is { } type
                ? (ours, [.. ParametersOf(type).Select(p => Kind.KeyOf(p.Name, wanted))])
                : (null, []);
    }

    private static bool Takes(string activation, KerasArgument argument)
    {
        try
        {
            _ = Catalog.Activation(new Description(activation, argument.Put(Arguments.Empty)));
            return true;
        }
        catch (ArgumentValueException)
        {
            return false;
        }
    }

    private static Type? ClassOf(string title, string ours)
    {
        string[] spaces = title switch
        {
            "layers" => ["FunctionalNet.Layers", "FunctionalNet.Data", "FunctionalNet"],
            "optimizers" => ["FunctionalNet.Optimizers"],
            "metrics" => ["FunctionalNet.Metrics"],
            "callbacks" => ["FunctionalNet", "FunctionalNet.Callbacks"],
            _ => [],
        };
        return spaces
            .Select(space => Exported.FirstOrDefault(t => t.Namespace == space && t.Name == ours && t is { IsClass: true } && !(t.IsAbstract && t.IsSealed)))
            .FirstOrDefault(t => t is not null);
    }
}
