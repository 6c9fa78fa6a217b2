using System.Buffers.Binary;
using System.Text;

namespace FunctionalNet.Tests.Models;

/// <summary>A value of an event file, as TensorBoard would see it.</summary>
internal sealed record LoggedValue(
    string Tag, long Step, double Time, string Plugin, string Content, int DataClass, int DType, int[] Shape, byte[] Bytes, byte[][] Strings)
{
    public double Scalar => DType == 1 && Shape.Length == 0 ? BitConverter.ToSingle(Bytes) : throw new InvalidDataException(Tag);

    public double[] Doubles => DType == 2
        ? [.. Enumerable.Range(0, Bytes.Length / 8).Select(i => BitConverter.ToDouble(Bytes, 8 * i))]
        : throw new InvalidDataException(Tag);
}

/// <summary>Reads event files with nothing but the definitions of their formats: TFRecord framing, CRC-32C by its polynomial, and
/// the wire format of protocol buffers.</summary>
internal static class EventReader
{
    /// <summary>The values of all files of a folder; every frame and checksum is verified.</summary>
    public static LoggedValue[] Read(string folder) =>
        [.. Directory.GetFiles(folder, "events.out.tfevents.*.v2").Order(StringComparer.Ordinal).SelectMany(ReadFile)];

    public static LoggedValue[] ReadFile(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        var bytes = memory.ToArray();
        var events = new List<byte[]>();

        for (var at = 0; at < bytes.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            Assert.Equal(Masked(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            var data = bytes.AsSpan(at + 12, length);
            Assert.Equal(Masked(data), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            events.Add(data.ToArray());
            at += length + 16;
        }

        Assert.Equal("brain.Event:2", Encoding.UTF8.GetString(Fields(events[0]).Single(f => f.Number == 3).Bytes));
        return [.. events.Skip(1).SelectMany(Values)];
    }

    private static IEnumerable<LoggedValue> Values(byte[] data)
    {
        var fields = Fields(data);
        var time = BitConverter.Int64BitsToDouble(fields.Single(f => f.Number == 1).Value);
        var step = fields.FirstOrDefault(f => f.Number == 2)?.Value ?? 0;

        foreach (var item in Fields(fields.Single(f => f.Number == 5).Bytes).Select(value => Fields(value.Bytes)))
        {
            var tensor = Fields(item.Single(f => f.Number == 8).Bytes);
            var metadata = Fields(item.Single(f => f.Number == 9).Bytes);
            var plugin = Fields(metadata.Single(f => f.Number == 1).Bytes);
            yield return new LoggedValue(
                Text(item.Single(f => f.Number == 1)),
                step,
                time,
                Text(plugin.Single(f => f.Number == 1)),
                plugin.FirstOrDefault(f => f.Number == 2) is { } content ? Text(content) : "",
                (int)(metadata.FirstOrDefault(f => f.Number == 4)?.Value ?? 0),
                (int)tensor.Single(f => f.Number == 1).Value,
                [.. Fields(tensor.Single(f => f.Number == 2).Bytes).Select(dim => (int)Fields(dim.Bytes).Single().Value)],
                tensor.FirstOrDefault(f => f.Number == 4)?.Bytes ?? [],
                [.. tensor.Where(f => f.Number == 8).Select(f => f.Bytes)]);
        }
    }

    private static string Text(Field field) => Encoding.UTF8.GetString(field.Bytes);

    private sealed record Field(int Number, long Value, byte[] Bytes);

    private static List<Field> Fields(byte[] data)
    {
        var fields = new List<Field>();
        var at = 0;

        ulong Varint()
        {
            ulong value = 0;

            for (var shift = 0; ; shift += 7)
            {
                var b = data[at++];
                value |= (ulong)(b & 0x7F) << shift;

                if (b < 0x80)
                {
                    return value;
                }
            }
        }

        while (at < data.Length)
        {
            var tag = Varint();

            switch (tag & 7)
            {
                case 0:
                    fields.Add(new((int)(tag >> 3), (long)Varint(), []));
                    break;
                case 1:
                    fields.Add(new((int)(tag >> 3), BinaryPrimitives.ReadInt64LittleEndian(data.AsSpan(at)), []));
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint();
                    fields.Add(new((int)(tag >> 3), 0, data[at..(at + length)]));
                    at += length;
                    break;
                default:
                    throw new InvalidDataException($"wire type {tag & 7}");
            }
        }

        return fields;
    }

    /// <summary>CRC-32C bit by bit, then masked as TFRecord has it.</summary>
    public static uint Masked(ReadOnlySpan<byte> bytes)
    {
        var crc = Checksum(bytes);
        return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
    }

    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;

        foreach (var b in bytes)
        {
            crc ^= b;

            for (var i = 0; i < 8; i++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }
}
