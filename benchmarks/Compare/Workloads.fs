namespace FunctionalNet.Benchmarks.Compare

open System.IO
open System.Text.Json.Nodes
open FunctionalNet
open FunctionalNet.Graph

/// Something that is measured on both sides.
[<NoEquality; NoComparison>]
type internal Workload =
    {
        Id: string
        /// Part of the short run.
        Quick: bool
        Create: unit -> Ours
        /// Writes a file with weights and data, and gives the request that prepares the peer.
        Prepare: string -> JsonObject
        /// For training: ours and the peer's request without dropout, whose losses must agree.
        Check: (unit -> Ours * (string -> JsonObject)) voption
        /// The floor is the time to read the bytes rather than the time of the operations.
        MemoryBound: bool
    }

module internal Workloads =

    let private text (value: string) : JsonNode = nonNull (JsonValue.Create value)
    let private number (value: int) : JsonNode = nonNull (JsonValue.Create value)
    let private flag (value: bool) : JsonNode = nonNull (JsonValue.Create value)

    let private write (path: string) (tensors: (string * Tensor)[]) =
        SafeTensors.write path { Tensors = tensors; Metadata = [||] }

    // By number: names of layers are ours.
    let private numbered (weights: (string * Tensor)[]) = weights |> Array.mapi (fun i (_, value) -> $"w{i}", value)

    let private netRequest (kind: string) (spec: NetSpec) dropout (x: Tensor) weights path fields =
        write path (Array.concat [ [| "x", x; "y", Spec.targets spec |]; numbered weights ])

        PeerProcess.Request(
            "prepare",
            [ "kind", text kind
              "net", text (Spec.text dropout spec)
              "loss", text (Spec.lossName spec)
              "file", text path ]
            @ fields
        )

    let private rate = 1e-3

    let private training (id: string) (quick: bool) (spec: NetSpec) : Workload =
        let weights = lazy (Spec.weights spec)
        let ours dropout rate : Ours = TrainingOurs(spec, dropout, rate, weights.Value)

        let request dropout (rate: float) path =
            let x = Spec.inputs spec.Batch spec
            let rate: JsonNode = nonNull (JsonValue.Create rate)
            netRequest "train" spec dropout x weights.Value path [ "rate", rate ]

        // Through many batch normalisations rounding grows with every update; it grows less with small ones.
        let checkRate = if List.contains Part.BatchNorm spec.Parts then rate / 10.0 else rate

        { Id = id
          Quick = quick
          Create = fun () -> ours true rate
          Prepare = request true rate
          Check = ValueSome(fun () -> ours false checkRate, request false checkRate)
          MemoryBound = false }

    let private inference (id: string) (quick: bool) (rows: int) (spec: NetSpec) : Workload =
        let weights = lazy (Spec.weights spec)
        let x = lazy (Spec.inputs rows spec)

        { Id = id
          Quick = quick
          Create = fun () -> PredictOurs(spec, x.Value, weights.Value)
          Prepare = fun path -> netRequest "predict" spec true x.Value weights.Value path []
          Check = ValueNone
          MemoryBound = false }

    let private gemm (quick: bool) (name: string) (m: int, n: int, k: int) (transA: bool, transB: bool) : Workload =
        let letter on = if on then "t" else "n"
        let dims trans rows columns = if trans then [ columns; rows ] else [ rows; columns ]
        let a = lazy (Spec.uniform 1 (dims transA m k))
        let b = lazy (Spec.uniform 2 (dims transB k n))

        { Id = $"gemm-{name}-{letter transA}{letter transB}"
          Quick = quick && not transA && not transB
          Create = fun () -> GemmOurs(m, n, k, transA, transB, a.Value, b.Value)
          Prepare =
            fun path ->
                write path [| "a", a.Value; "b", b.Value |]

                PeerProcess.Request(
                    "prepare",
                    [ "kind", text "gemm"
                      "m", number m
                      "n", number n
                      "k", number k
                      "transA", flag transA
                      "transB", flag transB
                      "file", text path ]
                )
          Check = ValueNone
          MemoryBound = false }

    let private op (name: string) (label: string, dims: int list) (build: Expr -> Expr) : Workload =
        let positive = name = "log"

        let x =
            lazy
                (let u = (Spec.uniform 1 dims).ToArray<float32>()
                 let spread = u |> Array.map (fun v -> if positive then 0.01f + v else 8.0f * v - 4.0f)
                 Tensor.Of<float32>(Shape.Of(List.toArray dims), spread))

        { Id = $"op-{name}-{label}"
          Quick = true
          Create = fun () -> OpOurs(x.Value, build)
          Prepare =
            fun path ->
                write path [| "x", x.Value |]
                PeerProcess.Request("prepare", [ "kind", text "op"; "op", text name; "file", text path ])
          Check = ValueNone
          MemoryBound = true }

    let private trained =
        [ "mlp-small", Nets.mlpSmall
          "mlp", Nets.mlp
          "cnn", Nets.cnn
          "cnn-tutorial", Nets.cnnTutorial
          "resnet20", Nets.resNet20 ]

    let private sequences = [ "lstm", Nets.lstm 80; "gru", Nets.gru 80; "transformer", Nets.transformer ]

    let private squares = [ 64; 96; 128; 192; 256; 384; 512; 768; 1024; 1536 ]
    let private quickSquares = set [ 64; 256; 384; 1024 ]

    /// m, n, k of products in small and middling dense layers and in recurrent ones.
    let private skinny =
        [ 16, 64, 13
          16, 64, 64
          128, 512, 784
          128, 512, 512
          128, 10, 512
          1, 512, 784
          32, 512, 128
          2560, 512, 128 ]

    let private transposes = [ false, false; false, true; true, false; true, true ]

    let private lastAxisNormalised (x: Expr) =
        let struct (mean, variance) = Ops.moments [| -1 |] true x
        (x - mean) / Ops.sqrt (variance + 1e-5)

    let private operations: (string * (Expr -> Expr)) list =
        [ "exp", Ops.exp
          "tanh", Ops.tanh
          "sigmoid", Ops.sigmoid
          "gelu", (fun x -> 0.5 * x * (1.0 + Ops.erf (x * sqrt 0.5)))
          "erf", Ops.erf
          "log", Ops.log
          "softmax", Ops.softmax -1
          "layernorm", lastAxisNormalised
          "sum", Ops.sumAll
          "mean", Ops.meanAll
          "max", Ops.maxAll ]

    let all: Workload list =
        [ for id, spec in trained do
              training id true spec
          for id, spec in sequences do
              training id true spec
              training $"{id}-b1" false { spec with Batch = 1 }
          for time in [ 10; 30; 100; 300; 1000 ] do
              training $"lstm-T{time}" false (Nets.lstm time)
          for id, spec in trained @ sequences do
              inference $"predict-{id}" true 1 spec
          for rows in [ 1; 8 ] do
              inference $"resnet50-infer-b{rows}" (rows = 1) rows Nets.resNet50
          for n in squares do
              for transpose in transposes do
                  gemm (quickSquares.Contains n) (string n) (n, n, n) transpose
          for m, n, k in skinny do
              for transpose in transposes do
                  gemm true $"{m}x{n}x{k}" (m, n, k) transpose
          for name, build in operations do
              for size in [ "4096", [ 64; 64 ]; "1m", [ 1024; 1024 ] ] do
                  op name size build ]

    /// Those that the words name: an id, the beginning of ids followed by a star, or the first part of ids. What is
    /// measured inside one process, and what takes processes of its own.
    let select (quick: bool) (words: string list) : Workload list * FreshWorkload list =
        let ids = [ yield! all |> List.map _.Id; yield! Fresh.all |> List.map _.Id ]

        let fits (word: string) (id: string) =
            let starts (text: string) = id.StartsWith(text, System.StringComparison.Ordinal)

            if List.contains word ids then id = word
            elif word.EndsWith '*' then starts (word.TrimEnd '*')
            else starts (word + "-")

        for word in words do
            if not (ids |> List.exists (fits word)) then
                let known = String.concat " " ids
                failwith $"there is no workload {word}; there are: {known}"

        // What is named in full is always measured.
        let chosen id inQuick =
            List.contains id words
            || ((words.IsEmpty || words |> List.exists (fun word -> fits word id)) && (inQuick || not quick))

        all |> List.filter (fun w -> chosen w.Id w.Quick), Fresh.all |> List.filter (fun w -> chosen w.Id w.Quick)
