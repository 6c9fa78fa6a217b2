using System.Numerics.Tensors;
using System.Reflection;
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
        yield return TorchPeer.IsPresent
            ? $"TorchSharp {InformationalVersion(typeof(torch))} (libtorch {torch.__version__})"
            : "no TorchSharp: its library does not load here, see docs/performance.md";
        yield return $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";
        yield return $"System.Numerics.Tensors {InformationalVersion(typeof(TensorPrimitives))}";
        if (OpenBlas.IsPresent)
            yield return OpenBlas.Description;
    }

    private static string InformationalVersion(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>All that can run the workload here.</summary>
    public static IReadOnlyList<Peer> Create(JsonObject request) =>
        [.. Makers(request, TensorFile.Read((string)request["file"]!)).Select(make => make())];

    private static IEnumerable<Func<Peer>> Makers(JsonObject request, Dictionary<string, NamedArray> tensors)
    {
        var torch = TorchPeer.IsPresent;

        switch ((string)request["kind"]!)
        {
            case "train":
                if (torch)
                    yield return () => new TorchTraining(new NetSpec(request, tensors), tensors["y"], (double)request["rate"]!);
                break;

            case "predict":
                if (torch)
                    yield return () => new TorchPrediction(new NetSpec(request, tensors));
                yield return () => new OnnxPrediction(new NetSpec(request, tensors));
                break;

            case "gemm":
                if (torch)
                    yield return () => new TorchGemm(GemmShape.Parse(request), tensors);
                if (OpenBlas.IsPresent)
                    yield return () => new OpenBlasGemm(GemmShape.Parse(request), tensors);
                break;

            case "op":
                var op = (string)request["op"]!;
                if (torch)
                    yield return () => new TorchOp(op, tensors["x"]);
                if (TensorsOp.TryCreate(op, tensors["x"]) is { } managed)
                    yield return () => managed;
                break;

            case var kind:
                throw new InvalidOperationException($"unknown kind {kind}");
        }
    }
}
