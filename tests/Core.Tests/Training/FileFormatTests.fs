namespace FunctionalNet.Tests.Training

open System.IO
open System.IO.Compression
open FunctionalNet
open Xunit

open Samples

/// What docs/file-format.md says about a saved model.
type FileFormatTests() =

    static let page = File.ReadAllText(FunctionalNet.Tests.Support.Data.inRepository "docs/file-format.md")

    let saved (trainer: Trainer) (look: ZipArchive -> unit) =
        inFolder (fun folder ->
            let path = Path.Combine(folder, "model.fnet")
            trainer.Save path
            use archive = ZipFile.OpenRead path
            look archive)

    let read (archive: ZipArchive) (name: string) =
        use stream = (archive.GetEntry name |> nonNull).Open()
        let memory = new MemoryStream()
        stream.CopyTo memory
        memory.Position <- 0L
        memory

    let json (archive: ZipArchive) (name: string) =
        Json.parse (System.Text.Encoding.UTF8.GetString((read archive name).ToArray()))

    let tensors (archive: ZipArchive) (name: string) =
        let memory = read archive name
        (SafeTensors.readStream name memory memory.Length).Tensors |> Array.map fst

    let keys (value: ConfigValue) =
        match value with
        | ConfigValue.Object fields -> fields |> List.map fst
        | _ -> []

    [<Fact>]
    member _.``The parts of a compiled model and their names``() =
        let network =
            Network.sequential (Network.input [ 6 ]) [ Layer.dense 4; Layer.named "out" (Layer.dense 1) ]

        let trainer = Trainer.create network |> Trainer.compile (Optimizer.nadam 0.01) (Loss.parse "mse") []
        trainer.Fit(tensor 1 [ 8; 6 ], tensor 2 [ 8; 1 ], quiet ()) |> ignore

        saved trainer (fun archive ->
            let entries =
                [ "format.json"; "config.json"; "model.safetensors"; "training.json"; "training-state.safetensors" ]

            Assert.Equal<string list>(entries, [ for e in archive.Entries -> e.FullName ])

            for entry in entries do
                Assert.Contains("`" + entry + "`", page)

            Assert.Equal<string list>([ "format"; "version"; "kind"; "parts" ], keys (json archive "format.json"))
            Assert.Equal<string list>([ "dtype"; "network" ], keys (json archive "config.json"))
            let fields = keys (json archive "training.json")
            Assert.Equal<string list>(
                [ "compile"; "learning_rate"; "seed"; "epochs_trained"; "frozen"; "callbacks" ],
                fields
            )

            for field in fields do
                Assert.Contains("`" + field + "`", page)

            Assert.Equal<string[]>(
                [| "dense/kernel"; "dense/bias"; "out/kernel"; "out/bias" |],
                tensors archive "model.safetensors"
            )

            let state = tensors archive "training-state.safetensors" |> Set.ofArray
            Assert.Contains("optimizer/iterations", state)
            Assert.Contains("optimizer/u_product", state)
            Assert.Contains("optimizer/dense/kernel/momentum", state)
            Assert.Contains("optimizer/out/bias/velocity", state)
            // A variable's path, or nothing, between the prefix and the slot.
            Assert.All(state, fun name -> Assert.StartsWith("optimizer/", name)))

    [<Fact>]
    member _.``A model that is not compiled has no training``() =
        saved (Trainer.create (Network.sequential (Network.input [ 2 ]) [ Layer.dense 1 ])) (fun archive ->
            Assert.Equal<string list>(
                [ "format.json"; "config.json"; "model.safetensors" ],
                [ for e in archive.Entries -> e.FullName ]
            ))
