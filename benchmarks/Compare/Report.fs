namespace FunctionalNet.Benchmarks.Compare

open System.IO
open System.Text.Json
open System.Text.Json.Nodes

/// One line of the table.
[<NoEquality; NoComparison>]
type internal Row =
    {
        Workload: string
        Threads: int
        OursMs: float
        /// The fastest peer, with its threads if they are fewer; empty if there is none.
        Peer: string
        PeerMs: float
        /// Median over the rounds of peer / ours.
        Ratio: float
        FloorMs: float
        FloorFraction: float
        BytesPerStep: float
        /// GFLOP and MB of one step.
        Gflop: float
        Megabytes: float
    }

module internal Report =

    let private time (ms: float) =
        if System.Double.IsNaN ms then "-"
        elif ms >= 10.0 then ms.ToString "F1"
        elif ms >= 0.1 then ms.ToString "F3"
        else ms.ToString "F5"

    let private figure (format: string) (value: float) =
        if System.Double.IsFinite value then value.ToString format else "-"

    let header =
        "| workload | threads | ours ms | peer | peer ms | peer/ours | floor ms | of floor's speed | MFLOP | MB | bytes allocated |\n"
        + "|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|"

    let line (row: Row) : string =
        let cells =
            [ row.Workload
              string row.Threads
              time row.OursMs
              (if row.Peer = "" then "-" else row.Peer)
              time row.PeerMs
              figure "F2" row.Ratio
              time row.FloorMs
              figure "P0" row.FloorFraction
              figure "F2" (row.Gflop * 1000.0)
              figure "F2" row.Megabytes
              figure "F0" row.BytesPerStep ]

        "| " + String.concat " | " cells + " |"

    let writeJson (path: string) (rows: Row seq) : unit =
        let number (value: float) : JsonNode | null =
            if System.Double.IsFinite value then JsonValue.Create value else null

        let items = JsonArray()

        for row in rows do
            let item = JsonObject()
            item["workload"] <- JsonValue.Create row.Workload
            item["threads"] <- JsonValue.Create row.Threads
            item["ours_ms"] <- number row.OursMs
            item["peer"] <- (if row.Peer = "" then null else JsonValue.Create row.Peer)
            item["peer_ms"] <- number row.PeerMs
            item["ratio"] <- number row.Ratio
            item["floor_fraction"] <- number row.FloorFraction
            item["bytes_per_step"] <- number row.BytesPerStep
            items.Add item

        File.WriteAllText(path, items.ToJsonString(JsonSerializerOptions(WriteIndented = true)) + "\n")
