using Microsoft.ML.OnnxRuntime;

namespace FunctionalNet.Peers;

/// <summary>Prediction of a batch by ONNX Runtime, with input and output bound once.</summary>
internal sealed class OnnxPrediction : Peer
{
    private readonly byte[] model;
    private readonly Dictionary<int, InferenceSession> sessions = [];
    private readonly RunOptions options = new();
    private readonly OrtValue x;
    private InferenceSession session;

    public OnnxPrediction(NetSpec spec)
        : base("ONNX Runtime")
    {
        model = OnnxModel.Write(spec);
        x = spec.TakesIds
            ? OrtValue.CreateTensorValueFromMemory(spec.Batch.Select(v => (long)v).ToArray(), spec.BatchShape)
            : OrtValue.CreateTensorValueFromMemory(spec.Batch, spec.BatchShape);
        session = Session(1);
    }

    private InferenceSession Session(int threads)
    {
        if (!sessions.TryGetValue(threads, out var found))
        {
            using var settings = new SessionOptions
            {
                IntraOpNumThreads = threads,
                InterOpNumThreads = 1,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            };
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
