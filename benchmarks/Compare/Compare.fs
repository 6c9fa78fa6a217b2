/// Ours and the peers in turn, in one run.
module internal FunctionalNet.Benchmarks.Compare.Comparison

open System
open System.Diagnostics
open System.IO
open System.Text.Json.Nodes
open FunctionalNet.Kernels

[<NoEquality; NoComparison>]
type Options =
    {
        Words: string list
        Quick: bool
        Json: string voption
        Plans: bool
        Alone: bool
        Threads: int list
        /// The only peer to measure, if one is named.
        Peer: string voption
    }

let private usage =
    "compare [WORKLOAD...] [--quick] [--json FILE] [--threads 1,2] [--peer NAME] [--plans] [--alone]"

let rec private parse (options: Options) (args: string list) : Options =
    match args with
    | [] -> options
    | "--quick" :: rest -> parse { options with Quick = true } rest
    | "--plans" :: rest -> parse { options with Plans = true } rest
    | "--alone" :: rest -> parse { options with Alone = true } rest
    | "--peer" :: name :: rest -> parse { options with Peer = ValueSome name } rest
    | "--json" :: path :: rest -> parse { options with Json = ValueSome path } rest
    | "--threads" :: list :: rest -> parse { options with Threads = [ for n in list.Split ',' -> int n ] } rest
    | word :: rest when not (word.StartsWith '-') -> parse { options with Words = options.Words @ [ word ] } rest
    | word :: _ -> failwith $"unknown option {word}; usage: {usage}"

/// The greatest difference, measured by the greatest magnitude (at least 1). Of long results the peer gives a part.
let private difference (ours: float[]) (peer: float[]) : float =
    if peer.Length = 0 then
        nan
    else
        let stride = if ours.Length > peer.Length then ours.Length / peer.Length else 1
        let picked = Array.init (min peer.Length ours.Length) (fun i -> ours[i * stride])
        let scale = picked |> Array.fold (fun m v -> max m (abs v)) 1.0

        if picked.Length <> peer.Length then
            infinity
        else
            (Array.map2 (fun (a: float) b -> abs (a - b)) picked peer |> Array.max) / scale

let private number (value: float) : JsonNode = nonNull (JsonValue.Create value)

/// True when ours and all peers compute the same.
let private agree (peer: PeerProcess) (file: string) (workload: Workload) (ours: Ours) : bool =
    // The peer stays prepared for what is measured, so the check goes first.
    let ours, request =
        match workload.Check with
        | ValueSome check -> check ()
        | ValueNone -> ours, workload.Prepare

    let names = PeerProcess.Texts((peer.Ask(request file))["peers"])
    let own = ours.Result()

    names
    |> Array.map (fun name ->
        let answer = peer.Ask(PeerProcess.Request("result", [ "peer", nonNull (JsonValue.Create name) ]))
        let theirs = PeerProcess.Numbers answer["values"]
        let far = difference own theirs
        let same = far <= 1e-4

        if not same then
            let show (values: float[]) = values |> Array.truncate 5 |> Array.map _.ToString("G8") |> String.concat " "
            eprintfn $"{workload.Id}: {name} differs by {far:E1}: ours {show own}, {name} {show theirs}"

        same)
    |> Array.forall id

let private measure
    (options: Options)
    (machine: Machine)
    (peer: PeerProcess voption)
    (file: string)
    (workload: Workload)
    : Row list * bool =
    let ours = workload.Create()

    let same =
        match peer with
        | ValueSome peer -> agree peer file workload ours
        | ValueNone -> true

    let names =
        match peer with
        | ValueSome peer ->
            PeerProcess.Texts((peer.Ask(workload.Prepare file))["peers"])
            |> Array.filter (fun name -> options.Peer |> ValueOption.forall (fun only -> only = name))
        | ValueNone -> [||]

    let long = workload.Check.IsSome
    let rounds = if options.Quick then 3 else 5
    let roundMs = if long then (if options.Quick then 120.0 else 250.0) else 40.0
    // Long enough for the runtime to compile what is hot once more.
    let warmMs = if long then (if options.Quick then 500.0 else 1000.0) else 200.0

    let ask (peer: PeerProcess) (command: string) (name: string) (threads: int) (ms: float) =
        let fields =
            [ "peer", (nonNull (JsonValue.Create name): JsonNode)
              "threads", nonNull (JsonValue.Create threads)
              "ms", number ms ]

        PeerProcess.Numbers((peer.Ask(PeerProcess.Request(command, fields)))["ms"])

    let warmed = Collections.Generic.HashSet<struct (string * int)>()

    let rows =
        [ for threads in options.Threads do
              Workers.Threads <- threads
              Clock.warm warmMs ours.Run

              // The peer gets the number of threads that suits it best.
              // One thread comes last: threads that still spin after their turn have gone to sleep when ours comes.
              let settings =
                  [| for t in threads .. -1 .. 1 do
                         for name in names do
                             if t = 1 || t = threads then name, t |]

              match peer with
              | ValueSome peer ->
                  for name, t in settings do
                      // What was measured before only needs its data back in the caches.
                      let ms = if warmed.Add(struct (name, t)) then warmMs else 0.1 * warmMs
                      ask peer "warm" name t ms |> ignore
              | ValueNone -> ()

              let own = Array.zeroCreate<float> rounds
              let peaks = Array.zeroCreate<float> rounds
              let theirs = settings |> Array.map (fun _ -> Array.zeroCreate<float> rounds)

              // Both sides are measured while the cores are free, if they are so within some seconds.
              let patience = ref 2.5
              let crowded = ref 0

              let waitForCores () =
                  let start = Stopwatch.GetTimestamp()

                  if not (machine.WaitForCores(threads, patience.Value)) then
                      crowded.Value <- crowded.Value + 1

                  patience.Value <- max 0.0 (patience.Value - Stopwatch.GetElapsedTime(start).TotalSeconds)

              for round in 0 .. rounds - 1 do
                  waitForCores ()
                  peaks[round] <- machine.PeakNow(threads, 20.0)
                  own[round] <- Clock.median (Clock.sample roundMs ours.Run)
                  Idle.own ()

                  match peer with
                  | ValueSome peer ->
                      for s in 0 .. settings.Length - 1 do
                          let name, t = settings[s]
                          waitForCores ()
                          Idle.own ()
                          theirs[s][round] <- Clock.median (ask peer "run" name t roundMs)
                          Idle.other peer.Id
                  | ValueNone -> ()

              let oursMs = Clock.median own
              let best =
                  if settings.Length = 0 then
                      -1
                  else
                      theirs |> Array.indexed |> Array.minBy (snd >> Clock.median) |> fst

              let memory = ours.Bytes / machine.ReadSpeed(threads, ours.Bytes) * 1000.0

              let floors =
                  peaks
                  |> Array.map (fun peak ->
                      if workload.MemoryBound then memory else max memory (ours.Flops / peak * 1000.0))

              // The speeds above may have changed it.
              Workers.Threads <- threads

              if crowded.Value > 0 then
                  printfn $"the cores were not free in {crowded.Value} turns of {workload.Id}, {threads} threads"

              let peerName =
                  if best < 0 then ""
                  elif snd settings[best] <> threads then fst settings[best] + " (1 thread)"
                  else fst settings[best]

              { Workload = workload.Id
                Threads = threads
                OursMs = oursMs
                Peer = peerName
                PeerMs = (if best < 0 then nan else Clock.median theirs[best])
                Ratio = (if best < 0 then nan else Clock.median (Array.map2 (/) theirs[best] own))
                FloorMs = Clock.median floors
                FloorFraction = Clock.median (Array.map2 (/) floors own)
                BytesPerStep = Clock.allocated (int (Math.Clamp(100.0 / oursMs, 3.0, 100.0))) ours.Run
                Gflop = ours.Flops / 1e9
                Megabytes = ours.Bytes / 1e6 } ]

    if options.Plans then printfn $"\n{workload.Id}\n{ours.Describe()}"

    rows, same

/// Runs the comparison; 0 if everything that was measured computes the same as its peers.
let run (args: string list) : int =
    let options =
        parse
            { Words = []
              Quick = false
              Json = ValueNone
              Plans = false
              Alone = false
              Threads = [ 1; 2 ]
              Peer = ValueNone }
            args

    let workloads, fresh = Workloads.select options.Quick options.Words
    let machine = Machine()
    let date = DateTime.UtcNow.ToString "yyyy-MM-dd"
    printfn $"{Machine.Name}, {date}"

    for threads in options.Threads do
        printfn $"peak of {threads} threads: {machine.Peak threads / 1e9:F1} GFLOP/s in float32"

        if machine.Peak threads < 0.75 * float threads * machine.Peak 1 then
            printfn "the cores are not free: what follows says little about this number of threads"

    let peer, torch =
        match (if options.Alone then ValueNone else PeerProcess.TryStart()) with
        | ValueNone when options.Alone -> ValueNone, false
        | ValueNone ->
            printfn "no peers: dotnet build -c Release benchmarks/Peers"
            ValueNone, false
        | ValueSome peer ->
            let answer = peer.Ask(PeerProcess.Request("hello", []))
            let versions = PeerProcess.Texts answer["versions"] |> String.concat ", "
            printfn $"peers: {versions}"
            ValueSome peer, versions.StartsWith("TorchSharp", StringComparison.Ordinal)

    printfn $"\n{Report.header}"
    let file =
        Path.Combine(Path.GetTempPath(), $"functionalnet-compare-{Environment.ProcessId}.safetensors")
    let rows = ResizeArray<Row>()
    let mutable different = 0

    try
        for workload in workloads do
            let measured, same = measure options machine peer file workload
            rows.AddRange measured

            for row in measured do
                printfn $"{Report.line row}"

            if not same then different <- different + 1

        for workload in fresh do
            match Fresh.measure workload torch with
            | Ok row ->
                rows.Add row
                printfn $"{Report.line row}"
            | Error missing -> printfn $"{workload.Id} is left out; it needs: {missing}"
    finally
        File.Delete file

        match peer with
        | ValueSome peer -> (peer :> IDisposable).Dispose()
        | ValueNone -> ()

        match options.Json with
        | ValueSome path -> Report.writeJson path rows
        | ValueNone -> ()

    if peer.IsSome then
        printfn
            $"\n{workloads.Length - different} of {workloads.Length} workloads compute what the peers compute, to 1e-4"

    if different = 0 then 0 else 1
