using System.Globalization;
using System.Text.Json.Nodes;

namespace FunctionalNet.Peers;

/// <summary>One layer as the other side describes it: for example conv:32:3:relu.</summary>
internal sealed record Part(string Kind, string[] Arguments)
{
    public int Size(int i) => int.Parse(Arguments[i], CultureInfo.InvariantCulture);

    public double Rate => double.Parse(Arguments[0], CultureInfo.InvariantCulture);

    public bool Relu => Arguments is [.., "relu"];
}

/// <summary>A layer with its weights in the layouts of channels-first libraries.</summary>
/// <param name="Part">The layer.</param>
/// <param name="Kernel">Dense: (inputs, outputs). Convolution: (outputs, inputs, height, width).</param>
/// <param name="KernelShape">The shape of the kernel.</param>
/// <param name="Bias">One per output.</param>
/// <param name="Inputs">Features or channels that come in.</param>
internal sealed record BuiltPart(Part Part, float[] Kernel, long[] KernelShape, float[] Bias, int Inputs);

/// <summary>A network: "28,28,1 conv:32:3:relu pool:2 flatten dropout:0.5 dense:10".</summary>
internal sealed record NetSpec(int[] Input, Part[] Parts, int Classes)
{
    public static NetSpec Parse(JsonObject request)
    {
        var words = ((string)request["net"]!).Split(' ');
        int[] input = [.. words[0].Split(',').Select(d => int.Parse(d, CultureInfo.InvariantCulture))];
        var parts = words[1..].Select(word => word.Split(':')).Select(w => new Part(w[0], w[1..]));
        return new NetSpec(input, [.. parts], (int)request["classes"]!);
    }

    public bool IsImage => Input.Length == 3;

    /// <summary>The shape of a batch with channels first.</summary>
    public long[] BatchShape(int rows) =>
        IsImage ? [rows, Input[2], Input[0], Input[1]] : [rows, Input[0]];

    /// <summary>A batch with channels first.</summary>
    public float[] ChannelsFirst(NamedArray x) =>
        IsImage ? Transposed(x.Floats, x.Shape[0], Input[0] * Input[1], Input[2]) : x.Floats;

    /// <summary>The layers with weights w0, w1, ..., turned from channels last to channels first.</summary>
    public IEnumerable<BuiltPart> Build(Dictionary<string, NamedArray> tensors)
    {
        var (height, width, channels) = IsImage ? (Input[0], Input[1], Input[2]) : (1, 1, Input[0]);
        var next = 0;
        // What was flattened last, in the order of the rows of the next dense kernel.
        var flattened = (Positions: 1, Channels: 0);

        foreach (var part in Parts)
        {
            switch (part.Kind)
            {
                case "dense":
                    {
                        var kernel = tensors[$"w{next++}"];
                        var bias = tensors[$"w{next++}"].Floats;
                        var (inputs, units) = (kernel.Shape[0], kernel.Shape[1]);
                        // Rows come as (position, channel) and are wanted as (channel, position).
                        var rows = flattened.Channels > 0
                            ? Blocks(kernel.Floats, flattened.Positions, flattened.Channels, units)
                            : kernel.Floats;
                        flattened = (1, 0);
                        channels = units;
                        yield return new BuiltPart(part, rows, [inputs, units], bias, inputs);
                        break;
                    }

                case "conv":
                    {
                        var kernel = tensors[$"w{next++}"];
                        var bias = tensors[$"w{next++}"].Floats;
                        var (size, filters) = (part.Size(1), part.Size(0));
                        // (height, width, in, out) to (out, in, height, width).
                        var turned = new float[kernel.Floats.Length];
                        for (var p = 0; p < size * size; p++)
                            for (var i = 0; i < channels; i++)
                                for (var o = 0; o < filters; o++)
                                    turned[(o * channels + i) * size * size + p] = kernel.Floats[(p * channels + i) * filters + o];
                        yield return new BuiltPart(part, turned, [filters, channels, size, size], bias, channels);
                        (height, width, channels) = (height - size + 1, width - size + 1, filters);
                        break;
                    }

                case "pool":
                    (height, width) = (height / part.Size(0), width / part.Size(0));
                    yield return new BuiltPart(part, [], [], [], channels);
                    break;

                case "flatten":
                    flattened = (height * width, channels);
                    yield return new BuiltPart(part, [], [], [], channels);
                    break;

                default:
                    yield return new BuiltPart(part, [], [], [], channels);
                    break;
            }
        }
    }

    /// <summary>(batch, rows, columns) to (batch, columns, rows).</summary>
    private static float[] Transposed(float[] x, int batch, int rows, int columns)
    {
        var y = new float[x.Length];
        for (var b = 0; b < batch; b++)
            for (var r = 0; r < rows; r++)
                for (var c = 0; c < columns; c++)
                    y[(b * columns + c) * rows + r] = x[(b * rows + r) * columns + c];
        return y;
    }

    /// <summary>(rows, columns, width) to (columns, rows, width).</summary>
    private static float[] Blocks(float[] x, int rows, int columns, int width)
    {
        var y = new float[x.Length];
        for (var r = 0; r < rows; r++)
            for (var c = 0; c < columns; c++)
                Array.Copy(x, (r * columns + c) * width, y, (c * rows + r) * width, width);
        return y;
    }
}
