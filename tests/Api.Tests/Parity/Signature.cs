using System.Text.Json;
using FunctionalNet.Interop;

namespace FunctionalNet.Tests.Parity;

/// <summary>An argument of one of Keras's classes, by signatures.json.</summary>
/// <param name="Name">Keras's name.</param>
/// <param name="Required">Whether it must be given.</param>
/// <param name="Default">What holds where it is not given.</param>
internal sealed record KerasArgument(string Name, bool Required, JsonElement Default)
{
    /// <summary>True if Keras's default is None.</summary>
    public bool IsNone => !Required && Default.ValueKind == JsonValueKind.Null;

    /// <summary>The arguments with this one at Keras's default.</summary>
    public Arguments Put(Arguments arguments) => Default.ValueKind switch
    {
        JsonValueKind.Undefined => arguments.Set(Name, 0.5),
        JsonValueKind.Null => arguments.SetNone(Name),
        JsonValueKind.True or JsonValueKind.False => arguments.Set(Name, Default.GetBoolean()),
        JsonValueKind.String => arguments.Set(Name, Default.GetString()),
        JsonValueKind.Number when Default.TryGetInt32(out var whole) => arguments.Set(Name, whole),
        JsonValueKind.Number => arguments.Set(Name, Default.GetDouble()),
        JsonValueKind.Array => Listed(arguments),
        _ => throw new NotSupportedException(Default.ToString()),
    };

    private Arguments Listed(Arguments arguments)
    {
        JsonElement[] items = [.. Default.EnumerateArray()];
        return items.All(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out _))
            ? arguments.Set(Name, items.Select(item => item.GetInt32()).ToArray())
            : items.All(item => item.ValueKind == JsonValueKind.Number)
                ? arguments.Set(Name, items.Select(item => item.GetDouble()).ToArray())
                : items.All(item => item.ValueKind == JsonValueKind.String)
                    ? arguments.Set(Name, items.Select(item => item.GetString()!).ToArray())
                    : arguments.Set(Name, items.Select(item => item.EnumerateArray().Select(i => i.GetInt32()).ToArray()).ToArray());
    }
}

/// <summary>The arguments of Keras's classes with their defaults, as signatures.json has them.</summary>
internal static class Signatures
{
    private static readonly Lazy<Dictionary<(string Section, string Name), KerasArgument[]>> Read = new(() =>
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Repository.Path("tests/data/keras/signatures.json")));
        return file.RootElement.GetProperty("sections").EnumerateArray()
            .SelectMany(section => section.GetProperty("items").EnumerateArray().Select(item => (
                Key: (section.GetProperty("title").GetString()!, item.GetProperty("name").GetString()!),
                Value: item.GetProperty("arguments").EnumerateArray().Select(Argument).ToArray())))
            .ToDictionary(pair => pair.Key, pair => pair.Value);
    });

    /// <summary>The arguments of a class, in Keras's order; none if it is not known.</summary>
    public static KerasArgument[] Of(string section, string name) => Read.Value.GetValueOrDefault((section, name), []);

    private static KerasArgument Argument(JsonElement json) => new(
        json.GetProperty("name").GetString()!, !json.TryGetProperty("default", out var value), value.ValueKind == JsonValueKind.Undefined ? default : value.Clone());
}
