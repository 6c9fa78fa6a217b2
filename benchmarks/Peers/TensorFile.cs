using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace FunctionalNet.Peers;

/// <summary>An array with its shape: float32 in Floats, or int32 in Ints.</summary>
internal sealed record NamedArray(int[] Shape, float[] Floats, int[] Ints);

/// <summary>A reader of the safetensors files that the comparison writes.</summary>
internal static class TensorFile
{
    public static Dictionary<string, NamedArray> Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var header = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        using var json = JsonDocument.Parse(bytes.AsMemory(8, header));
        var tensors = new Dictionary<string, NamedArray>();

        foreach (var entry in json.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
                continue;

            int[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())];
            int[] range = [.. entry.Value.GetProperty("data_offsets").EnumerateArray().Select(d => d.GetInt32())];
            var data = bytes.AsSpan(8 + header + range[0], range[1] - range[0]);

            tensors[entry.Name] = entry.Value.GetProperty("dtype").GetString() switch
            {
                "F32" => new NamedArray(shape, MemoryMarshal.Cast<byte, float>(data).ToArray(), []),
                "I32" => new NamedArray(shape, [], MemoryMarshal.Cast<byte, int>(data).ToArray()),
                var other => throw new InvalidOperationException($"dtype {other} of {entry.Name}"),
            };
        }

        return tensors;
    }
}
