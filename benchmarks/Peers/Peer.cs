using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;

namespace FunctionalNet.Peers;

/// <summary>One library with one workload.</summary>
internal abstract class Peer(string name) : IDisposable
{
    public string Name { get; } = name;

    public abstract void SetThreads(int threads);

    /// <summary>One step.</summary>
    public abstract void Run();

    /// <summary>What is compared with the other side: losses of five steps, or outputs.</summary>
    public abstract double[] Result();

    public virtual void Dispose()
    {
    }

    public static IEnumerable<string> Versions()
    {
        yield return $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)} (libtorch {torch.__version__})";
        yield return $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";
        yield return $"System.Numerics.Tensors {typeof(TensorPrimitives).Assembly.GetName().Version?.ToString(3)}";
        if (OpenBlas.IsPresent)
            yield return OpenBlas.Description;
    }

    public static IReadOnlyList<Peer> Create(JsonObject request)
    {
        var tensors = TensorFile.Read((string)request["file"]!);
        var kind = (string)request["kind"]!;

        switch (kind)
        {
            case "train":
                return [new TorchTraining(NetSpec.Parse(request), tensors)];

            case "predict":
            {
                var spec = NetSpec.Parse(request);
                return [new TorchPrediction(spec, tensors), new OnnxPrediction(spec, tensors)];
            }

            case "gemm":
            {
                var shape = GemmShape.Parse(request);
                return OpenBlas.IsPresent
                    ? [new TorchGemm(shape, tensors), new OpenBlasGemm(shape, tensors)]
                    : [new TorchGemm(shape, tensors)];
            }

            case "op":
            {
                var op = (string)request["op"]!;
                var x = tensors["x"];
                return TensorsOp.TryCreate(op, x) is { } other ? [new TorchOp(op, x), other] : [new TorchOp(op, x)];
            }

            default:
                throw new InvalidOperationException($"unknown kind {kind}");
        }
    }
}
