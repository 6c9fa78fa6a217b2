using System.Globalization;
using System.Text.Json.Nodes;

namespace FunctionalNet.Peers;

/// <summary>One layer as the other side describes it, for example conv:32:3:1:0:bias, with its weights.</summary>
/// <param name="Kind">What it is; "sum" is the sum of two branches.</param>
/// <param name="Arguments">What follows the kind.</param>
/// <param name="Inputs">Features or channels that come in.</param>
/// <param name="Weights">Kernels of convolutions are (outputs, inputs, height, width), all others as the file has them.</param>
/// <param name="Main">The first branch of a sum.</param>
/// <param name="Other">The second branch; without layers it is the input.</param>
internal sealed record Part(
    string Kind, string[] Arguments, int Inputs, NamedArray[] Weights, Part[] Main, Part[] Other)
{
    public int Size(int i) => int.Parse(Arguments[i], CultureInfo.InvariantCulture);

    public double Rate => double.Parse(Arguments[0], CultureInfo.InvariantCulture);

    public bool Relu => Arguments is [.., "relu"];

    public float[] Weight(int i) => Weights[i].Floats;
}

/// <summary>A network: "28,28,1 conv:32:3:1:0:bias relu flatten dense:10"; ( a | b ) is the sum of two branches. Images and
/// weights are turned from channels last to channels first.</summary>
internal sealed class NetSpec
{
    private readonly string[] words;
    private readonly Dictionary<string, NamedArray> tensors;
    private int word;
    private int weight;

    // What comes out of the layers read so far.
    private (int Height, int Width, int Channels) shape;
    // Positions and channels of what was flattened last, in the order of the rows of the next dense kernel.
    private (int Positions, int Channels)? flattened;

    public NetSpec(JsonObject request, Dictionary<string, NamedArray> tensors)
    {
        this.tensors = tensors;
        words = ((string)request["net"]!).Split(' ');
        Loss = (string)request["loss"]!;
        Input = [.. words[word++].Split(',').Select(d => int.Parse(d, CultureInfo.InvariantCulture))];
        shape = IsImage ? (Input[0], Input[1], Input[2]) : (1, 1, Input[^1]);
        Parts = Read();
    }

    /// <summary>Without the batch axis.</summary>
    public int[] Input { get; }

    public Part[] Parts { get; }

    /// <summary>squares, classes or yes-no.</summary>
    public string Loss { get; }

    public bool IsImage => Input.Length == 3;

    /// <summary>True if the inputs are the ids of an embedding.</summary>
    public bool TakesIds => Parts[0].Kind == "embedding";

    public int Rows => tensors["x"].Shape[0];

    /// <summary>The shape of the batch with channels first.</summary>
    public long[] BatchShape =>
        IsImage ? [Rows, Input[2], Input[0], Input[1]] : [Rows, .. Input.Select(d => (long)d)];

    /// <summary>The batch with channels first.</summary>
    public float[] Batch =>
        IsImage ? Transposed(tensors["x"].Floats, Rows, Input[0] * Input[1], Input[2]) : tensors["x"].Floats;

    private Part[] Read()
    {
        var parts = new List<Part>();
        while (word < words.Length && words[word] is not ("|" or ")"))
            parts.Add(ReadPart());
        return [.. parts];
    }

    private Part ReadPart()
    {
        var fields = words[word++].Split(':');
        var (kind, arguments) = (fields[0], fields[1..]);
        int Size(int i) => int.Parse(arguments[i], CultureInfo.InvariantCulture);
        var inputs = shape.Channels;
        NamedArray[] weights = [];

        switch (kind)
        {
            case "(":
                return ReadSum();

            case "dense":
                weights = Take(2);
                if (flattened is var (positions, channels))
                {
                    // Rows come as (position, channel) and are wanted as (channel, position).
                    weights[0] = weights[0] with { Floats = Blocks(weights[0].Floats, positions, channels, Size(0)) };
                    inputs = positions * channels;
                }

                flattened = null;
                shape.Channels = Size(0);
                break;

            case "conv":
                weights = Take(arguments is [.., "bias"] ? 2 : 1);
                weights[0] = OutputsFirst(weights[0]);
                shape = (Windows(shape.Height), Windows(shape.Width), Size(0));
                int Windows(int size) => (size + 2 * Size(3) - Size(1)) / Size(2) + 1;
                break;

            case "pool":
                shape = (Pooled(shape.Height), Pooled(shape.Width), shape.Channels);
                int Pooled(int size) => (size + 2 * Size(2) - Size(0)) / Size(1) + 1;
                break;

            case "flatten":
                flattened = (shape.Height * shape.Width, shape.Channels);
                break;

            case "average":
                shape = (1, 1, shape.Channels);
                break;

            case "batchnorm":
                weights = Take(4);
                break;

            case "layernorm":
                weights = Take(2);
                break;

            case "embedding":
                weights = Take(1);
                shape.Channels = Size(1);
                break;

            case "lstm" or "gru":
                weights = Take(3);
                shape.Channels = Size(0);
                break;

            case "attention":
                weights = Take(8);
                break;

            case "relu" or "dropout":
                break;

            default:
                throw new InvalidOperationException($"unknown layer {kind}");
        }

        return new Part(kind, arguments, inputs, weights, [], []);
    }

    private Part ReadSum()
    {
        var before = shape;
        var main = Read();
        var after = shape;
        word++;
        shape = before;
        var other = Read();
        word++;
        shape = after;
        return new Part("sum", [], before.Channels, [], main, other);
    }

    private NamedArray[] Take(int count) => [.. Enumerable.Range(0, count).Select(_ => tensors[$"w{weight++}"])];

    /// <summary>(height, width, in, out) to (out, in, height, width).</summary>
    private static NamedArray OutputsFirst(NamedArray kernel)
    {
        var (size, channels, filters) = (kernel.Shape[0], kernel.Shape[2], kernel.Shape[3]);
        var turned = new float[kernel.Floats.Length];
        for (var p = 0; p < size * size; p++)
            for (var i = 0; i < channels; i++)
                for (var o = 0; o < filters; o++)
                    turned[(o * channels + i) * size * size + p] = kernel.Floats[(p * channels + i) * filters + o];
        return new NamedArray([filters, channels, size, size], turned, []);
    }

    /// <summary>(batch, rows, columns) to (batch, columns, rows).</summary>
    public static float[] Transposed(float[] x, int batch, int rows, int columns)
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
