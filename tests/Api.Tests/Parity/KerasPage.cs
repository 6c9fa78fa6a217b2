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
internal sealed record KerasItem(string Name, string[] Wanted, string? Reason, string? Ours, string[] Taken)
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
        ["ReduceLROnPlateau.min_lr"] = "min_learning_rate",
        ["ModelCheckpoint.filepath"] = "file_path",
        ["InputLayer.shape"] = "sizes",
        ["MeanMetricWrapper.fn"] = "function",
    };

    private static readonly Type[] Exported = [.. new[] { "FunctionalNet", "FunctionalNet.Core" }.SelectMany(name => Assembly.Load(name).GetExportedTypes())];

    /// <summary>Sections of the page by title, in the order of Keras's documentation.</summary>
    public static (string Title, KerasItem[] Items)[] Sections()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Repository.Path("tests/data/keras/surface.json")));
        return
        [
            .. file.RootElement.GetProperty("sections").EnumerateArray().Select(section =>
            {
                var title = section.GetProperty("title").GetString()!;
                return (title, section.GetProperty("items").EnumerateArray().Select(item => Item(title, item)).ToArray());
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
            + (item.Without.Length == 0 ? "" : ", without " + string.Join(", ", item.Without))
            + (item.Reason is null ? "" : ": " + item.Reason);

    private static KerasItem Item(string title, JsonElement json)
    {
        var name = json.GetProperty("name").GetString()!;
        var wanted = json.GetProperty("arguments").EnumerateArray().Select(a => a.GetString()!).ToArray();
        var reason = json.TryGetProperty("reason", out var text) ? text.GetString() : null;
        var (ours, taken) = Find(title, name);
        var renamed = taken.Select(t => wanted.FirstOrDefault(w => RenamedArguments.GetValueOrDefault(name + "." + w) == t) ?? t);
        return new(name, wanted, reason, ours, [.. renamed.Where(t => t != "name")]);
    }

    /// <summary>A parameter's name, or the names of the properties of an object with options.</summary>
    private static IEnumerable<string> Arguments(ParameterInfo parameter) =>
        parameter.ParameterType.Name.EndsWith("Options", StringComparison.Ordinal)
            ? parameter.ParameterType.GetProperties()
                .Select(p => Kind.KeyOf(char.ToLowerInvariant(p.Name[0]) + p.Name[1..], []))
            : [Kind.KeyOf(parameter.Name!, [])];

    /// <summary>The name and the arguments of what we have, by the registry of its kind or as an exported class.</summary>
    private static (string? Ours, string[] Taken) Find(string title, string name)
    {
        if (title == "activations")
        {
            return Catalog.Activations.Contains(name)
                ? (name, [.. Catalog.Activation(new Description(name, Interop.Arguments.Empty)).Arguments.Select(a => a.Item1)])
                : (null, []);
        }

        var ours = Renamed.GetValueOrDefault(name, name);
        var kind = Kind.All.FirstOrDefault(k => string.Equals(k.Name, title, StringComparison.OrdinalIgnoreCase));

        if (kind is not null && kind.Classes.Contains(ours))
        {
            return (ours, kind.Keys(ours));
        }

        if (title == "metrics" && ours == "Custom")
        {
            return ("Metric.Custom", ["function"]);
        }

        string[] spaces = title switch
        {
            "layers" => ["FunctionalNet.Layers", "FunctionalNet.Data", "FunctionalNet"],
            "optimizers" => ["FunctionalNet.Optimizers"],
            "metrics" => ["FunctionalNet.Metrics"],
            "callbacks" => ["FunctionalNet", "FunctionalNet.Callbacks"],
            _ => [],
        };
        var type = spaces.Select(space => Exported.FirstOrDefault(t => t.Namespace == space && t.Name == ours && t is { IsClass: true } && !(t.IsAbstract && t.IsSealed)))
            .FirstOrDefault(t => t is not null);
        var constructor = type?.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
            .MaxBy(c => c.GetParameters().Length);
        return type is null
            ? (null, [])
            : (ours, [.. constructor?.GetParameters().SelectMany(Arguments) ?? []]);
    }
}
