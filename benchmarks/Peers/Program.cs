using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using FunctionalNet.Peers;

// Answers each line of JSON on standard input with one on standard output:
// hello; prepare (kind and data); result (peer); warm and run (peer, threads, ms); end of input ends it.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

// With arguments it does one thing and ends.
if (args.Length > 0)
    return TorchFresh.Run(args);

// Native libraries may print to standard output; the answers go to a stream of their own.
using var answers = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
Console.SetOut(Console.Error);

IReadOnlyList<Peer> peers = [];

while (Console.In.ReadLine() is { } line)
{
    JsonObject answer;
    try
    {
        answer = Answer(JsonNode.Parse(line)!.AsObject());
    }
    catch (Exception e) when (e is not OutOfMemoryException)
    {
        answer = new JsonObject { ["error"] = e.ToString() };
    }

    answers.WriteLine(answer.ToJsonString());
}

return 0;

JsonObject Answer(JsonObject request)
{
    switch ((string)request["command"]!)
    {
        case "hello":
            return new JsonObject { ["versions"] = Texts(Peer.Versions()) };

        case "prepare":
            foreach (var peer in peers)
                peer.Dispose();
            peers = Peer.Create(request);
            return new JsonObject { ["peers"] = Texts(peers.Select(p => p.Name)) };

        case "result":
            return new JsonObject { ["values"] = Numbers(Shortened(Find(request).Result())) };

        case "warm":
            {
                var peer = Find(request);
                peer.SetThreads((int)request["threads"]!);
                Measure.Warm((double)request["ms"]!, peer.Run);
                return [];
            }

        case "run":
            {
                var peer = Find(request);
                peer.SetThreads((int)request["threads"]!);
                return new JsonObject { ["ms"] = Numbers(Measure.Sample((double)request["ms"]!, peer.Run)) };
            }

        case var other:
            throw new InvalidOperationException($"unknown command {other}");
    }
}

Peer Find(JsonObject request)
{
    var name = (string)request["peer"]!;
    return peers.First(p => p.Name == name);
}

// Evenly spaced elements are enough to compare large results.
static double[] Shortened(double[] values)
{
    const int most = 4096;
    if (values.Length <= most)
        return values;
    var stride = values.Length / most;
    return [.. Enumerable.Range(0, most).Select(i => values[i * stride])];
}

static JsonArray Texts(IEnumerable<string> values) => [.. values.Select(v => (JsonNode)v)];

static JsonArray Numbers(IEnumerable<double> values) => [.. values.Select(v => (JsonNode)v)];

namespace FunctionalNet.Peers
{
    /// <summary>Measures as the other side does: see Compare/Clock.fs.</summary>
    internal static class Measure
    {
        public static void Warm(double ms, Action run)
        {
            var start = Stopwatch.GetTimestamp();
            for (var calls = 0; calls < 3 || Since(start) < ms; calls++)
                run();
        }

        public static double[] Sample(double ms, Action run)
        {
            run();
            var begun = Stopwatch.GetTimestamp();
            run();
            var group = Math.Max(1, (int)Math.Ceiling(0.05 / Math.Max(1e-5, Since(begun))));
            var samples = new List<double>();
            var start = Stopwatch.GetTimestamp();

            while (samples.Count < 2 || Since(start) < ms)
            {
                var t = Stopwatch.GetTimestamp();
                for (var i = 0; i < group; i++)
                    run();
                samples.Add(Since(t) / group);
            }

            return [.. samples];
        }

        private static double Since(long timestamp) => Stopwatch.GetElapsedTime(timestamp).TotalMilliseconds;
    }
}
