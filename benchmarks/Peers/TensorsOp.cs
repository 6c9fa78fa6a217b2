using System.Numerics.Tensors;

namespace FunctionalNet.Peers;

/// <summary>Operations of System.Numerics.Tensors, on one thread.</summary>
internal sealed class TensorsOp : Peer
{
    private readonly float[] x;
    private readonly float[] y;
    private readonly Action<float[], float[]> apply;
    private readonly int outputs;

    private TensorsOp(float[] x, int outputs, Action<float[], float[]> apply)
        : base("System.Numerics.Tensors")
    {
        this.x = x;
        this.outputs = outputs;
        this.apply = apply;
        y = new float[x.Length];
    }

    /// <summary>Null if the library does not have the operation.</summary>
    public static TensorsOp? TryCreate(string op, NamedArray data)
    {
        var x = data.Floats;
        var width = data.Shape[1];
        return op switch
        {
            "exp" => new(x, x.Length, (a, b) => TensorPrimitives.Exp<float>(a, b)),
            "tanh" => new(x, x.Length, (a, b) => TensorPrimitives.Tanh<float>(a, b)),
            "sigmoid" => new(x, x.Length, (a, b) => TensorPrimitives.Sigmoid<float>(a, b)),
            "log" => new(x, x.Length, (a, b) => TensorPrimitives.Log<float>(a, b)),
            "softmax" => new(x, x.Length, (a, b) =>
            {
                for (var i = 0; i < a.Length; i += width)
                    TensorPrimitives.SoftMax<float>(a.AsSpan(i, width), b.AsSpan(i, width));
            }),
            "sum" => new(x, 1, (a, b) => b[0] = TensorPrimitives.Sum<float>(a)),
            "mean" => new(x, 1, (a, b) => b[0] = TensorPrimitives.Sum<float>(a) / a.Length),
            "max" => new(x, 1, (a, b) => b[0] = TensorPrimitives.Max<float>(a)),
            _ => null,
        };
    }

    public override void SetThreads(int threads)
    {
    }

    public override void Run() => apply(x, y);

    public override double[] Result()
    {
        Run();
        return [.. y.Take(outputs).Select(v => (double)v)];
    }
}
