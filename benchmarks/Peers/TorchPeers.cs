using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace FunctionalNet.Peers;

/// <summary>Workloads of TorchSharp, written as its users write them.</summary>
internal abstract class TorchPeer() : Peer("TorchSharp")
{
    /// <summary>False where the native library does not load.</summary>
    public static bool IsPresent { get; } = Loads();

    private static bool Loads()
    {
        try
        {
            using var probe = zeros(1);
            return true;
        }
        catch (Exception e) when (e is TypeInitializationException or NotSupportedException or DllNotFoundException)
        {
            return false;
        }
    }

    public override void SetThreads(int threads)
    {
        if (get_num_threads() != threads)
            set_num_threads(threads);
    }

    protected static Tensor FloatTensor(float[] values, params long[] shape) => tensor(values).reshape(shape);

    protected static double[] Values(Tensor t) => [.. t.cpu().contiguous().data<float>().Select(v => (double)v)];

    protected static Tensor Input(NetSpec spec) =>
        spec.TakesIds
            ? tensor(spec.Batch.Select(v => (long)v).ToArray()).reshape(spec.BatchShape)
            : FloatTensor(spec.Batch, spec.BatchShape);
}

/// <summary>A training step: gradients to zero, forward, backward, Adam, the loss read.</summary>
internal sealed class TorchTraining : TorchPeer
{
    private const double Epsilon = 1e-7;

    private readonly Sequential model;
    private readonly Tensor x;
    private readonly Tensor y;
    private readonly Func<Tensor, Tensor, Tensor> loss;
    private readonly Adam optimizer;

    public TorchTraining(NetSpec spec, NamedArray targets, double rate)
    {
        model = TorchNet.Build(spec.Parts);
        model.train();
        x = Input(spec);
        y = spec.Loss == "classes"
            ? tensor(targets.Ints.Select(v => (long)v).ToArray())
            : FloatTensor(targets.Floats, [.. targets.Shape.Select(d => (long)d)]);
        loss = spec.Loss switch
        {
            "classes" => (output, target) => functional.cross_entropy(output, target),
            "yes-no" => (output, target) => functional.binary_cross_entropy_with_logits(output, target),
            _ => (output, target) => functional.mse_loss(output, target),
        };
        optimizer = optim.Adam(model.parameters().Where(p => p.requires_grad), rate, eps: Epsilon);
    }

    private float Step()
    {
        using var scope = NewDisposeScope();
        optimizer.zero_grad();
        var value = loss(model.forward(x), y);
        value.backward();
        optimizer.step();
        return value.item<float>();
    }

    public override void Run() => Step();

    public override double[] Result()
    {
        var losses = new double[5];

        for (var step = 0; step < losses.Length; step++)
        {
            // Keras adds epsilon before it corrects the bias of the second moment, PyTorch after: this makes them the same.
            foreach (var group in optimizer.ParamGroups.Cast<Adam.ParamGroup>())
                group.Options.eps = Epsilon / Math.Sqrt(1 - Math.Pow(0.999, step + 1));
            losses[step] = Step();
        }

        return losses;
    }

    public override void Dispose()
    {
        optimizer.Dispose();
        model.Dispose();
        x.Dispose();
        y.Dispose();
    }
}

/// <summary>Prediction of a batch.</summary>
internal sealed class TorchPrediction : TorchPeer
{
    private readonly Sequential model;
    private readonly Tensor x;

    public TorchPrediction(NetSpec spec)
    {
        model = TorchNet.Build(spec.Parts);
        model.eval();
        x = Input(spec);
    }

    public override void Run()
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        model.forward(x);
    }

    public override double[] Result()
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        return Values(model.forward(x));
    }

    public override void Dispose()
    {
        model.Dispose();
        x.Dispose();
    }
}

/// <summary>One matrix product into memory that exists.</summary>
internal sealed class TorchGemm : TorchPeer
{
    private readonly Tensor a;
    private readonly Tensor b;
    private readonly Tensor c;

    public TorchGemm(GemmShape shape, Dictionary<string, NamedArray> tensors)
    {
        var storedA = Matrix(tensors["a"]);
        var storedB = Matrix(tensors["b"]);
        a = shape.TransA ? storedA.t() : storedA;
        b = shape.TransB ? storedB.t() : storedB;
        c = zeros(shape.M, shape.N);
    }

    private static Tensor Matrix(NamedArray x) => FloatTensor(x.Floats, x.Shape[0], x.Shape[1]);

    public override void Run()
    {
        using var _ = inference_mode();
        // In place: what it returns is c itself.
        c.addmm_(a, b, beta: 0, alpha: 1);
    }

    public override double[] Result()
    {
        Run();
        return Values(c);
    }

    public override void Dispose()
    {
        a.Dispose();
        b.Dispose();
        c.Dispose();
    }
}

/// <summary>One elementwise operation or reduction.</summary>
internal sealed class TorchOp : TorchPeer
{
    private readonly Tensor x;
    private readonly Func<Tensor, Tensor> apply;

    public TorchOp(string op, NamedArray data)
    {
        x = FloatTensor(data.Floats, data.Shape[0], data.Shape[1]);
        apply = op switch
        {
            "exp" => t => t.exp(),
            "tanh" => t => t.tanh(),
            "sigmoid" => t => t.sigmoid(),
            "gelu" => t => functional.gelu(t),
            "erf" => t => t.erf(),
            "log" => t => t.log(),
            "softmax" => t => functional.softmax(t, -1),
            "layernorm" => t => functional.layer_norm(t, [data.Shape[1]], null, null, 1e-5),
            "sum" => t => t.sum(),
            "mean" => t => t.mean(),
            "max" => t => t.max(),
            _ => throw new InvalidOperationException($"unknown operation {op}"),
        };
    }

    public override void Run()
    {
        using var _ = inference_mode();
        using var result = apply(x);
    }

    public override double[] Result()
    {
        using var _ = inference_mode();
        using var result = apply(x);
        return Values(result);
    }

    public override void Dispose() => x.Dispose();
}
