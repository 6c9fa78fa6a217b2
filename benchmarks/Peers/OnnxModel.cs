using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace FunctionalNet.Peers;

/// <summary>Writes the network as an ONNX model: the few fields of the format that it needs, in protocol buffers' wire
/// format.</summary>
internal sealed class OnnxModel
{
    private const string Contributed = "com.microsoft";
    private const int Float32 = 1, Int64 = 7;

    private readonly Message graph = new();
    private readonly List<Message> initializers = [];
    private readonly int rows;
    private int count;

    private OnnxModel(int rows) => this.rows = rows;

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

        public Message Float(int field, float value)
        {
            Varint(((ulong)field << 3) | 5);
            stream.Write(BitConverter.GetBytes(value));
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

    public static byte[] Write(NetSpec spec)
    {
        var model = new OnnxModel(spec.Rows);
        var output = model.Apply(spec.Parts, "x");
        var graph = model.graph.Text(2, "network");
        foreach (var initializer in model.initializers)
            graph.Nested(5, initializer);

        graph.Nested(11, Value("x", spec.TakesIds ? Int64 : Float32, spec.BatchShape));
        graph.Nested(12, Value(output, Float32, []));

        return new Message()
            .Int(1, 8)
            .Nested(7, graph)
            .Nested(8, new Message().Text(1, "").Int(2, 17))
            .Nested(8, new Message().Text(1, Contributed).Int(2, 1))
            .ToArray();
    }

    private string Apply(Part[] parts, string x) => parts.Aggregate(x, (current, part) => Apply(part, current));

    private string Apply(Part part, string x)
    {
        string[] Weights() => [.. part.Weights.Select(w => Initializer(w.Floats, [.. w.Shape.Select(d => (long)d)]))];

        switch (part.Kind)
        {
            case "dense":
                {
                    var y = Node("Add", [Node("MatMul", [x, Weights()[0]]), Initializer(part.Weight(1), part.Size(0))]);
                    return part.Relu ? Node("Relu", [y]) : y;
                }

            case "conv":
                return Node("Conv", [x, .. Weights()], Pair("strides", part.Size(2)), Pads(part.Size(3)));
            case "pool":
                return Node(
                    "MaxPool",
                    [x],
                    Pair("kernel_shape", part.Size(0)),
                    Pair("strides", part.Size(1)),
                    Pads(part.Size(2)));
            case "average":
                return Node("Flatten", [Node("GlobalAveragePool", [x])]);
            case "batchnorm":
                return Node("BatchNormalization", [x, .. Weights()], Number("epsilon", 1e-3f));
            case "layernorm":
                return Node("LayerNormalization", [x, .. Weights()], Number("epsilon", 1e-3f));
            case "relu":
                return Node("Relu", [x]);
            case "flatten":
                return Node("Flatten", [x]);
            case "dropout":
                return x;
            case "embedding":
                return Node("Gather", [Weights()[0], x]);
            case "lstm" or "gru":
                return Recurrent(part, x);
            case "attention":
                return Attention(part, x);
            case "sum":
                return Node("Add", [Apply(part.Main, x), Apply(part.Other, x)]);
            default:
                throw new InvalidOperationException($"unknown layer {part.Kind}");
        }
    }

    private string Recurrent(Part part, string x)
    {
        var units = part.Size(0);
        // ONNX orders the gates of an LSTM input, output, forget, candidate; those of a GRU as they are.
        int[] order = part.Kind == "lstm" ? [0, 3, 1, 2] : [0, 1, 2];
        var gates = order.Length;

        float[] Reordered(float[] values, int from) =>
            [.. order.SelectMany(gate => values.AsSpan(from + gate * units, units).ToArray())];

        float[] Turned(NamedArray kernel)
        {
            var turned = NetSpec.Transposed(kernel.Floats, 1, kernel.Shape[0], kernel.Shape[1]);
            var width = kernel.Shape[0];
            return [.. order.SelectMany(gate => turned.AsSpan(gate * units * width, units * width).ToArray())];
        }

        var bias = part.Weight(2);
        float[] biases = bias.Length == gates * units
            ? [.. Reordered(bias, 0), .. new float[gates * units]]
            : [.. Reordered(bias, 0), .. Reordered(bias, gates * units)];

        var weights = new[]
        {
            Initializer(Turned(part.Weights[0]), 1, gates * units, part.Inputs),
            Initializer(Turned(part.Weights[1]), 1, gates * units, units),
            Initializer(biases, 1, 2 * gates * units),
        };
        var byTime = Node("Transpose", [x], Ints("perm", 1, 0, 2));
        var attributes = new List<Message> { Int("hidden_size", units) };
        if (part.Kind == "gru")
            attributes.Add(Int("linear_before_reset", 1));

        var last = Node(part.Kind == "lstm" ? "LSTM" : "GRU", [byTime, .. weights], 2, "", [.. attributes]);
        return Node("Reshape", [last, Initializer([rows, units])]);
    }

    private string Attention(Part part, string x)
    {
        var width = part.Inputs;
        string Product(int i, string y) => Node("MatMul", [y, Initializer(part.Weight(i), width, width)]);
        float[] bias = [.. part.Weight(1), .. part.Weight(3), .. part.Weight(5)];

        var attended = Node(
            "MultiHeadAttention",
            [Product(0, x), Product(2, x), Product(4, x), Initializer(bias, 3 * width)],
            1,
            Contributed,
            Int("num_heads", part.Size(0)));
        return Node("Add", [Product(6, attended), Initializer(part.Weight(7), width)]);
    }

    private string Node(string op, string[] inputs, params Message[] attributes) => Node(op, inputs, 1, "", attributes);

    /// <summary>A node whose last of some outputs is used.</summary>
    private string Node(string op, string[] inputs, int outputs, string domain, params Message[] attributes)
    {
        var node = new Message();
        foreach (var input in inputs)
            node.Text(1, input);
        for (var i = 1; i < outputs; i++)
            node.Text(2, "");
        var result = "v" + count++.ToString(CultureInfo.InvariantCulture);
        node.Text(2, result).Text(4, op);
        foreach (var attribute in attributes)
            node.Nested(5, attribute);
        if (domain.Length > 0)
            node.Text(7, domain);
        graph.Nested(1, node);
        return result;
    }

    private string Initializer(float[] values, params long[] shape) =>
        Initializer(Float32, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    private string Initializer(long[] values) =>
        Initializer(Int64, MemoryMarshal.AsBytes(values.AsSpan()), [values.Length]);

    private string Initializer(int type, ReadOnlySpan<byte> values, long[] shape)
    {
        var name = $"w{initializers.Count}";
        var tensor = new Message();
        foreach (var dim in shape)
            tensor.Int(1, dim);
        tensor.Int(2, type).Text(8, name).Bytes(9, values);
        initializers.Add(tensor);
        return name;
    }

    private static Message Pair(string name, int value) => Ints(name, value, value);

    private static Message Pads(int value) => Ints("pads", value, value, value, value);

    private static Message Ints(string name, params int[] values)
    {
        var attribute = new Message().Text(1, name);
        foreach (var value in values)
            attribute.Int(8, value);
        return attribute.Int(20, 7);
    }

    private static Message Int(string name, int value) => new Message().Text(1, name).Int(3, value).Int(20, 2);

    private static Message Number(string name, float value) => new Message().Text(1, name).Float(2, value).Int(20, 1);

    /// <summary>Without sizes, the shape is found by the runtime.</summary>
    private static Message Value(string name, int type, long[] shape)
    {
        var tensor = new Message().Int(1, type);
        if (shape.Length > 0)
        {
            var dims = new Message();
            foreach (var dim in shape)
                dims.Nested(1, new Message().Int(1, dim));
            tensor.Nested(2, dims);
        }

        return new Message().Text(1, name).Nested(2, new Message().Nested(1, tensor));
    }
}
