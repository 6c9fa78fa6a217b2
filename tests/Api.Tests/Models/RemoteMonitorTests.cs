using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace FunctionalNet.Tests.Models;

/// <summary>Figures that go to a server on the loopback interface.</summary>
public sealed class RemoteMonitorTests
{
    /// <summary>Answers requests and keeps their heads and bodies.</summary>
    private sealed class Server : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly Task loop;

        public Server()
        {
            listener.Start();
            Root = "http://127.0.0.1:" + ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
            loop = Task.Run(Serve);
        }

        public string Root { get; }

        public List<(string Head, string Body)> Requests { get; } = [];

        public void Dispose()
        {
            listener.Stop();
            loop.Wait(TimeSpan.FromSeconds(5));
        }

        private void Serve()
        {
            try
            {
                while (true)
                {
                    using TcpClient client = listener.AcceptTcpClient();
                    Answer(client.GetStream());
                }
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                // The test is over.
            }
        }

        private void Answer(NetworkStream stream)
        {
            using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
            var head = new StringBuilder();
            var length = 0;
            while (reader.ReadLine() is { Length: > 0 } line)
            {
                head.AppendLine(line);
                if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                {
                    length = int.Parse(line.AsSpan(15), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
                }
            }

            var body = new char[length];
            reader.ReadBlock(body);
            Requests.Add((head.ToString(), new string(body)));
            stream.Write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8);
        }
    }

    private static History Fit(TrainingCallback monitor)
    {
        var (x, y) = Lines.Data();
        return Lines.Model().Fit(x, y, batchSize: 8, epochs: 2, verbosity: Verbosity.Silent, callbacks: [Lines.Reporting(0.5, double.NaN), monitor]);
    }

    private static void AssertFigures(History history, int epoch, string json)
    {
        using var sent = JsonDocument.Parse(json);
        Assert.Equal(epoch, sent.RootElement.GetProperty("epoch").GetInt32());
        Assert.Equal(history["loss"][epoch], sent.RootElement.GetProperty("loss").GetDouble());
        var figure = sent.RootElement.GetProperty("figure");
        Assert.Equal(epoch == 0 ? JsonValueKind.Number : JsonValueKind.Null, figure.ValueKind);
    }

    [Fact]
    public void Figures_are_sent_in_a_field_of_a_form()
    {
        using var server = new Server();
        var history = Fit(new RemoteMonitor(server.Root, headers: new Dictionary<string, string> { ["X-Run"] = "seven" }));
        Assert.Equal(2, server.Requests.Count);
        for (var epoch = 0; epoch < 2; epoch++)
        {
            var (head, body) = server.Requests[epoch];
            Assert.StartsWith("POST /publish/epoch/end/ HTTP/1.1", head);
            Assert.Contains("X-Run: seven", head);
            Assert.Contains("application/x-www-form-urlencoded", head);
            Assert.StartsWith("data=", body);
            AssertFigures(history, epoch, WebUtility.UrlDecode(body[5..]));
        }
    }

    [Fact]
    public void Figures_are_sent_as_json()
    {
        using var server = new Server();
        var history = Fit(new RemoteMonitor(server.Root, "/here", sendAsJson: true));
        Assert.Equal(2, server.Requests.Count);
        var (head, body) = server.Requests[1];
        Assert.StartsWith("POST /here HTTP/1.1", head);
        Assert.Contains("Content-Type: application/json", head);
        AssertFigures(history, 1, body);
    }

    [Fact]
    public void A_server_that_cannot_be_reached_does_not_stop_the_training()
    {
        string root;
        using (var server = new Server())
        {
            root = server.Root;
        }

        var output = new StringWriter();
        var history = Fit(new RemoteMonitor(root) { Output = output });
        Assert.Equal(2, history["loss"].Count);
        Assert.Contains("could not reach RemoteMonitor root server at " + root, output.ToString());
    }

    [Theory]
    [InlineData("ftp://localhost", "/")]
    [InlineData("localhost", "/")]
    [InlineData("http://localhost", "@elsewhere/")]
    [InlineData("http://localhost", ".elsewhere/")]
    public void The_address_is_checked(string root, string path) =>
        Assert.Throws<ArgumentValueException>(() => new RemoteMonitor(root, path));
}
