namespace FunctionalNet.Tests.Training

open System
open System.Collections.Generic
open System.IO
open FunctionalNet
open Xunit
open Samples

/// Stops fit as a crash would.
type private Crash() =
    inherit Exception "crash"

type InterruptedTrainingTests() =

    let x, y = tensor 1 [ 50; 6 ], labels 2 3 50
    let epochs = 4

    let fit (callbacks: TrainingCallback list) (trainer: Trainer) =
        trainer.Fit(
            x,
            y,
            FitOptions(
                Epochs = epochs,
                BatchSize = 16,
                ValidationSplit = 0.2,
                Verbosity = Verbosity.Silent,
                Callbacks = List.toArray callbacks
            )
        )

    let same (a: History) (b: History) =
        Assert.Equal<int seq>(a.Epochs, b.Epochs)
        Assert.Equal<string seq>(a.Names, b.Names)

        for name in a.Names do
            Assert.Equal<int64 seq>(
                a[name] |> Seq.map BitConverter.DoubleToInt64Bits,
                b[name] |> Seq.map BitConverter.DoubleToInt64Bits
            )

    let averaged () =
        let trainer = Trainer(mlp (), 3UL)
        let optimizer =
            Optimizer.adam 0.01 |> Optimizer.withOptions (fun o -> { o with UseEma = true; EmaMomentum = 0.9 })

        trainer.Compile(
            TrainingOptions(Optimizer = optimizer).AddLoss(0, Loss.parse "sparse_categorical_crossentropy", 1.0)
        )

        trainer

    /// Callbacks with states of their own, and one that fails at the beginning of an epoch or in one of its batches.
    let callbacks (folder: string) (fails: (int * bool) voption) : TrainingCallback list =
        let mutable now = -1

        [ Callback.csvLogger (Path.Combine(folder, "log.csv"))
          Callback.reduceLROnPlateau { ReduceLROnPlateau.options with Monitor = "loss"; Patience = 1; MinDelta = 10.0 }
          Callback.backupAndRestore (BackupAndRestore.options (Path.Combine(folder, "backup")))
          Callback.onEpochBegin (fun epoch ->
              now <- epoch
              if fails = ValueSome(epoch, true) then raise (Crash()))
          Callback.onTrainBatchEnd (fun batch _ -> if batch = 1 && fails = ValueSome(now, false) then raise (Crash())) ]

    [<Theory>]
    [<InlineData(1, true)>]
    [<InlineData(2, false)>]
    [<InlineData(3, true)>]
    member _.``A training that was killed goes on to the same bits``(epoch: int, atBegin: bool) =
        inFolder (fun folder ->
            let whole, part = Path.Combine(folder, "whole"), Path.Combine(folder, "part")
            let expected = averaged ()
            let history = expected |> fit (callbacks whole ValueNone)
            Assert.Throws<Crash>(fun () -> averaged () |> fit (callbacks part (ValueSome(epoch, atBegin))) |> ignore)
            |> ignore
            Assert.True(File.Exists(Path.Combine(part, "backup", "latest.fnet")))
            // As a new process does it.
            let again = averaged ()
            let resumed = again |> fit (callbacks part ValueNone)
            sameBits (expected.GetWeights()) (again.GetWeights())
            same history resumed
            Assert.Equal(expected.Iterations, again.Iterations)
            Assert.Equal(expected.LearningRate, again.LearningRate)
            Assert.Equal<byte seq>(
                File.ReadAllBytes(Path.Combine(whole, "log.csv")),
                File.ReadAllBytes(Path.Combine(part, "log.csv"))
            )
            Assert.False(Directory.Exists(Path.Combine(part, "backup"))))

    [<Fact>]
    member _.``The same trainer goes on too``() =
        inFolder (fun folder ->
            let expected, trainer = averaged (), averaged ()
            let history = expected |> fit (callbacks (Path.Combine(folder, "whole")) ValueNone)
            Assert.Throws<Crash>(fun () -> trainer |> fit (callbacks folder (ValueSome(2, false))) |> ignore)
            |> ignore
            same history (trainer |> fit (callbacks folder ValueNone))
            sameBits (expected.GetWeights()) (trainer.GetWeights()))

    [<Fact>]
    member _.``A training that is complete is not run again if its backup is kept``() =
        inFolder (fun folder ->
            let backup () = Callback.backupAndRestore { BackupAndRestore.options folder with DeleteCheckpoint = false }

            let first, second = averaged (), averaged ()
            let history = first |> fit [ backup () ]
            let mutable begun = 0
            let again = second |> fit [ backup (); Callback.onEpochBegin (fun _ -> begun <- begun + 1) ]
            Assert.Equal(0, begun)
            same history again
            sameBits (first.GetWeights()) (second.GetWeights()))

    [<Fact>]
    member _.``The backup before the latest takes its place if that one is damaged``() =
        inFolder (fun folder ->
            let backup (twice: bool) =
                Callback.backupAndRestore
                    { BackupAndRestore.options folder with DoubleCheckpoint = twice; DeleteCheckpoint = false }

            averaged () |> fit [ backup true ] |> ignore
            let latest = Path.Combine(folder, "latest.fnet")
            File.WriteAllBytes(latest, (File.ReadAllBytes latest)[..99])
            let epochs = ResizeArray<int>()
            averaged () |> fit [ backup true; Callback.onEpochBegin epochs.Add ] |> ignore
            Assert.Equal<int seq>([ 3 ], epochs)
            File.Delete(Path.Combine(folder, "previous.fnet"))
            File.WriteAllBytes(latest, (File.ReadAllBytes latest)[..99])
            Assert.Throws<ModelFormatException>(fun () -> averaged () |> fit [ backup false ] |> ignore)
            |> ignore)

    [<Fact>]
    member _.``A backup within an epoch begins the epoch anew with its weights``() =
        inFolder (fun parent ->
            let folder = Path.Combine(parent, "backup")

            let backup () = Callback.backupAndRestore { BackupAndRestore.options folder with SaveFreq = Some 2 }
            let trainer = averaged ()
            let mutable batches = 0

            let crash =
                Callback.onTrainBatchEnd (fun _ _ ->
                    batches <- batches + 1
                    // Three batches an epoch: this is the last of the second one, and backups were made after 2 and 4.
                    if batches = 6 then raise (Crash()))

            let mutable weights: IReadOnlyList<KeyValuePair<string, Tensor>> = [||]

            let watch = Callback.onTrainBatchEnd (fun _ _ -> if batches = 3 then weights <- trainer.GetWeights())

            Assert.Throws<Crash>(fun () -> trainer |> fit [ backup (); watch; crash ] |> ignore) |> ignore
            let again = averaged ()
            let begun = ResizeArray<int>()

            let check =
                Callback.onEpochBegin (fun epoch ->
                    if begun.Count = 0 then sameBits weights (again.GetWeights())
                    begun.Add epoch)

            again |> fit [ backup (); check ] |> ignore
            Assert.Equal<int seq>([ 1; 2; 3 ], begun))

    [<Fact>]
    member _.``Arguments of backups are checked``() =
        let bad (make: unit -> TrainingCallback) =
            Assert.Throws<ArgumentValueException>(fun () -> make () |> ignore) |> ignore

        bad (fun () -> BackupAndRestore "")
        bad (fun () -> BackupAndRestore("folder", Nullable 0))

    [<Theory>]
    [<InlineData(false)>]
    [<InlineData(true)>]
    member _.``Evaluation uses the averages, and training does not notice``(swapOnEpoch: bool) =
        let plain, swapped = averaged (), averaged ()
        let expected = plain |> fit []
        let seen = ResizeArray<IReadOnlyList<KeyValuePair<string, Tensor>>>()

        let watch = Callback.onEpochEnd (fun _ _ -> seen.Add(swapped.GetWeights()))
        let history = swapped |> fit [ Callback.swapEmaWeights swapOnEpoch; watch ]
        // Losses of training are the same; those of validation are those of the averages.
        Assert.Equal<float seq>(expected["loss"], history["loss"])
        Assert.NotEqual<float seq>(expected["val_loss"], history["val_loss"])
        // The averages end up as the weights either way.
        sameBits (plain.GetWeights()) (swapped.GetWeights())
        let lastLoss = (swapped.Evaluate(x.Rows(40, 10), y.Rows(40, 10)))["loss"]
        Assert.Equal(history["val_loss"][epochs - 1], lastLoss, 1e-6)

        let last = seen[epochs - 1]
        let equal =
            Seq.forall2
                (fun (a: KeyValuePair<string, Tensor>) (b: KeyValuePair<string, Tensor>) -> a.Value.BitEquals b.Value)
                last
                (swapped.GetWeights())
        Assert.Equal(swapOnEpoch, equal)

    [<Fact>]
    member _.``A training saved with the averages in place goes on to the same bits``() =
        inFolder (fun folder ->
            let path = Path.Combine(folder, "{epoch}.fnet")

            let callbacks () =
                [ Callback.swapEmaWeights true
                  Callback.modelCheckpoint { ModelCheckpoint.options path with Monitor = "loss" } ]

            let whole = averaged ()
            let history = whole |> fit (callbacks ())
            let again = Trainer.Load(Path.Combine(folder, "2.fnet"))

            let rest =
                again.Fit(
                    x,
                    y,
                    FitOptions(
                        Epochs = epochs,
                        InitialEpoch = 2,
                        BatchSize = 16,
                        ValidationSplit = 0.2,
                        Verbosity = Verbosity.Silent,
                        Callbacks = List.toArray (callbacks ())
                    )
                )

            same history rest
            sameBits (whole.GetWeights()) (again.GetWeights()))

    [<Fact>]
    member _.``Without averages there is nothing to swap``() =
        let trainer = trained (mlp ())
        Assert.Throws<ArgumentValueException>(fun () -> trainer |> fit [ Callback.swapEmaWeights false ] |> ignore)
        |> ignore
