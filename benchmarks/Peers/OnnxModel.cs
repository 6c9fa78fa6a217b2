using System.Runtime.InteropServices;
using System.Text;

namespace FunctionalNet.Peers;

/// <summary>Writes the network as an ONNX model: the few fields of the format that it needs, in protocol buffers' wire
/// format.</summary>
internal static class OnnxModel
{
    private sealed class Message
    {
        private readonly MemoryStream stream = new();

        public byte[] ToArray() => stream.ToArray();

        public Message Int(int field, long value)
        {
            Varint((ulong)field << 3);
            Varint((ulong)value);
            return this;
        }

        public Message Bytes(int field, ReadOnlySpan<byte> value)
        {
            Varint(((ulong)field << 3) | 2);
            Varint((ulong)value.Length);
            stream.Write(value);
            return this;
        }

        public Message Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

        public Message Nested(int field, Message value) => Bytes(field, value.ToArray());

        private void Varint(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
                stream.WriteByte((byte)(value | 0x80));
            stream.WriteByte((byte)value);
        }
    }

    public static byte[] Write(NetSpec spec, Dictionary<string, NamedArray> tensors)
    {
        var graph = new Message();
        var initializers = new List<Message>();
        var count = 0;
        var current = "x";

        void Node(string op, string[] extra, params Message[] attributes)
        {
            var node = new Message().Text(1, current);
            foreach (var input in extra)
                node.Text(1, input);
            current = $"v{count++}";
            node.Text(2, current).Text(4, op);
            foreach (var attribute in attributes)
                node.Nested(5, attribute);
            graph.Nested(1, node);
        }

        string Initializer(float[] values, params long[] shape)
        {
            var name = $"w{initializers.Count}";
            var tensor = new Message();
            foreach (var dim in shape)
                tensor.Int(1, dim);
            // Data type 1 is float32; the values are raw bytes.
            tensor.Int(2, 1).Text(8, name).Bytes(9, MemoryMarshal.AsBytes(values.AsSpan()));
            initializers.Add(tensor);
            return name;
        }

        foreach (var built in spec.Build(tensors))
        {
            var part = built.Part;
            switch (part.Kind)
            {
                case "dense":
                    Node("Gemm", [Initializer(built.Kernel, built.KernelShape), Initializer(built.Bias, built.Bias.Length)]);
                    break;
                case "conv":
                    Node("Conv", [Initializer(built.Kernel, built.KernelShape), Initializer(built.Bias, built.Bias.Length)]);
                    break;
                case "pool":
                    Node("MaxPool", [], Ints("kernel_shape", part.Size(0)), Ints("strides", part.Size(0)));
                    break;
                case "flatten":
                    Node("Flatten", []);
                    break;
                case "dropout":
                    break;
                default:
                    throw new InvalidOperationException($"unknown layer {part.Kind}");
            }

            if (part.Relu)
                Node("Relu", []);
        }

        graph.Text(2, "network");
        foreach (var initializer in initializers)
            graph.Nested(5, initializer);

        var outputs = spec.Parts.Last(p => p.Kind == "dense").Size(0);
        graph.Nested(11, Value("x", spec.BatchShape(1)));
        graph.Nested(12, Value(current, [1, outputs]));

        return new Message()
            .Int(1, 8)
            .Nested(7, graph)
            .Nested(8, new Message().Text(1, "").Int(2, 17))
            .ToArray();
    }

    /// <summary>Two equal numbers.</summary>
    private static Message Ints(string name, int value) => new Message().Text(1, name).Int(8, value).Int(8, value).Int(20, 7);

    private static Message Value(string name, long[] shape)
    {
        var dims = new Message();
        foreach (var dim in shape)
            dims.Nested(1, new Message().Int(1, dim));
        var type = new Message().Nested(1, new Message().Int(1, 1).Nested(2, dims));
        return new Message().Text(1, name).Nested(2, type);
    }
}
