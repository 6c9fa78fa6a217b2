using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FunctionalNet.Tests.Datasets;

/// <summary>An HTTP server on the loopback interface that serves bytes by path and can break off in the middle.</summary>
internal sealed class FileServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public FileServer()
    {
        _listener.Start();
        Address = new Uri("http://127.0.0.1:" + ((IPEndPoint)_listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture) + "/");
        _loop = Task.Run(ServeAsync);
    }

    public Uri Address { get; }

    /// <summary>What is served, by file name.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new();

    /// <summary>Files of which only the first half is sent, though the whole length is announced.</summary>
    public ConcurrentDictionary<string, bool> Broken { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
        _loop.Wait(TimeSpan.FromSeconds(5));
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                await AnswerAsync(client.GetStream());
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
            {
                // The client left, or the test is over.
            }
        }
    }

    private async Task AnswerAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        string name = ((await reader.ReadLineAsync(_stop.Token)) ?? "").Split(' ').ElementAtOrDefault(1)?.TrimStart('/') ?? "";
        while (!string.IsNullOrEmpty(await reader.ReadLineAsync(_stop.Token)))
        {
            // The headers do not matter here.
        }

        Requests.Enqueue(name);
        bool known = Files.TryGetValue(name, out byte[]? content);
        content ??= [];
        string status = known ? "200 OK" : "404 Not Found";
        string head = "HTTP/1.1 " + status + "\r\nContent-Length: " + content.Length.ToString(CultureInfo.InvariantCulture) + "\r\nConnection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), _stop.Token);
        int sent = Broken.ContainsKey(name) ? content.Length / 2 : content.Length;
        await stream.WriteAsync(content.AsMemory(0, sent), _stop.Token);
    }
}
