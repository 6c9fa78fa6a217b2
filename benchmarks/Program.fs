/// Benchmarks: micro (BenchmarkDotNet, one class for each kind of kernel) and compare (ours and the peers in turn).
module internal FunctionalNet.Benchmarks.Program

open System.Globalization
open FunctionalNet.Benchmarks.Compare

[<EntryPoint>]
let main args =
    CultureInfo.CurrentCulture <- CultureInfo.InvariantCulture

    try
        match List.ofArray args with
        | "micro" :: rest -> Micro.Support.run rest
        | "compare" :: rest -> Comparison.run rest
        | _ ->
            printfn
                "usage: micro [FILTER...] | compare [WORKLOAD...] [--quick] [--json FILE] [--threads 1,2] [--peer NAME] [--plans]"
            2
    with Failure message ->
        eprintfn $"{message}"
        1
