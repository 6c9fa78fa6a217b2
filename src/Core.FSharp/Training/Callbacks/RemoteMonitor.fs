namespace FunctionalNet

open System
open System.Collections.Generic
open System.IO
open System.Net.Http
open System.Runtime.InteropServices
open System.Text
open System.Threading
open System.Threading.Tasks
open FunctionalNet.Training

/// <summary>Options of <c>Callback.remoteMonitor</c>, named as in Keras.</summary>
type RemoteMonitorOptions =
    {
        /// <summary>The address of the server. Default http://localhost:9000.</summary>
        Root: string
        /// <summary>Where on the server. Default /publish/epoch/end/.</summary>
        Path: string
        /// <summary>The field of the form. Default data.</summary>
        Field: string
        /// <summary>Further headers. Default none.</summary>
        Headers: (string * string) list
        /// <summary>True to send JSON instead of a form. Default false.</summary>
        SendAsJson: bool
    }

/// <summary>Sends the figures of every epoch to a server: a POST of a JSON object of the epoch, counted from 0, and the
/// figures; NaN and infinities are null. If the server cannot be reached within 10 seconds that is said, and training goes on.
/// Keras: RemoteMonitor.</summary>
/// <param name="root">The address of the server, http or https. Default http://localhost:9000.</param>
/// <param name="path">Where on the server. Default /publish/epoch/end/.</param>
/// <param name="field">The field of the form that holds the JSON. Default data.</param>
/// <param name="headers">Further headers. Default none.</param>
/// <param name="sendAsJson">True to send the JSON alone, as application/json, instead of a form. Default false.</param>
[<Sealed>]
type RemoteMonitor
    (
        [<Optional; DefaultParameterValue("http://localhost:9000")>] root: string,
        [<Optional; DefaultParameterValue("/publish/epoch/end/")>] path: string,
        [<Optional; DefaultParameterValue("data")>] field: string,
        [<Optional; DefaultParameterValue(null: IReadOnlyDictionary<string, string> | null)>] headers:
            IReadOnlyDictionary<string, string> | null,
        [<Optional; DefaultParameterValue(false)>] sendAsJson: bool
    ) =
    inherit TrainingCallback()

    let refuse (argument: string) (expected: string) (actual: string) (hint: string) : 'a =
        raise (
            ArgumentValueException(
                "An argument of the callback is not valid.",
                "RemoteMonitor." + argument,
                expected,
                actual,
                hint
            )
        )

    let parse (argument: string) (text: string) : Uri =
        match Uri.TryCreate(text, UriKind.Absolute) with
        | true, (NonNull uri) when uri.Scheme = Uri.UriSchemeHttp || uri.Scheme = Uri.UriSchemeHttps -> uri
        | _ -> refuse argument "an address that begins with http:// or https://" text "Such as http://localhost:9000."

    let address =
        let server = parse "root" root
        let whole = parse "path" (root + path)

        // A path such as @elsewhere would name another server.
        if whole.Host <> server.Host || whole.Port <> server.Port then
            refuse "path" ("a path on " + server.Host) (root + path) "Begin the path with a slash."

        whole

    let body (epoch: int) (logs: TrainingLogs) : string =
        let figures =
            [ for i in 0 .. logs.Count - 1 do
                  let value = logs.ValueAt i
                  logs.Names[i], (if Double.IsFinite value then ConfigValue.Float value else ConfigValue.Null) ]

        Json.write false (ConfigValue.Object(("epoch", ConfigValue.Int(int64 epoch)) :: figures))

    let content (json: string) : HttpContent =
        if sendAsJson then
            new StringContent(json, Encoding.UTF8, "application/json")
        else
            new FormUrlEncodedContent([ KeyValuePair(field, json) ])

    /// <summary>Where messages go. Default the console.</summary>
    member val Output: TextWriter = Console.Out with get, set

    override this.OnEpochEnd(epoch, logs) =
        use client = new HttpClient(Timeout = TimeSpan.FromSeconds 10.0)
        use request = new HttpRequestMessage(HttpMethod.Post, address, Content = content (body epoch logs))

        match headers with
        | null -> ()
        | headers ->
            for pair in headers do
                request.Headers.TryAddWithoutValidation(pair.Key, pair.Value) |> ignore

        try
            use _ = client.Send(request, CancellationToken.None)
            ()
        with
        | :? HttpRequestException
        | :? TaskCanceledException ->
            this.Output.WriteLine("Warning: could not reach RemoteMonitor root server at " + root)

/// <summary>Keras's defaults of sending figures.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module RemoteMonitor =

    /// <summary>Keras's defaults.</summary>
    [<CompiledName("Options")>]
    let options: RemoteMonitorOptions =
        { Root = "http://localhost:9000"
          Path = "/publish/epoch/end/"
          Field = "data"
          Headers = []
          SendAsJson = false }
