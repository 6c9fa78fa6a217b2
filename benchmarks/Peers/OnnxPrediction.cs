using Microsoft.ML.OnnxRuntime;

namespace FunctionalNet.Peers;

/// <summary>Prediction of one row by ONNX Runtime, with input and output bound once.</summary>
internal sealed class OnnxPrediction : Peer
{
    private readonly byte[] model;
    private readonly float[] input;
    private readonly long[] inputShape;
    private readonly Dictionary<int, InferenceSession> sessions = [];
    private readonly RunOptions options = new();
    private readonly OrtValue x;
    private InferenceSession session;

    public OnnxPrediction(NetSpec spec, Dictionary<string, NamedArray> tensors)
        : base("ONNX Runtime")
    {
        model = OnnxModel.Write(spec, tensors);
        input = spec.ChannelsFirst(tensors["x"]);
        inputShape = spec.BatchShape(1);
        x = OrtValue.CreateTensorValueFromMemory(input, inputShape);
        session = Session(1);
    }

    private InferenceSession Session(int threads)
    {
        if (!sessions.TryGetValue(threads, out var found))
        {
            using var settings = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
            found = new InferenceSession(model, settings);
            sessions[threads] = found;
        }

        return found;
    }

    public override void SetThreads(int threads) => session = Session(threads);

    public override void Run()
    {
        using var results = session.Run(options, session.InputNames, [x], session.OutputNames);
    }

    public override double[] Result()
    {
        using var results = session.Run(options, session.InputNames, [x], session.OutputNames);
        return [.. results[0].GetTensorDataAsSpan<float>().ToArray().Select(v => (double)v)];
    }

    public override void Dispose()
    {
        foreach (var s in sessions.Values)
            s.Dispose();
        x.Dispose();
        options.Dispose();
    }
}
