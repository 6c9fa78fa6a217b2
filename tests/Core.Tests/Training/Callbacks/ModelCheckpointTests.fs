module FunctionalNet.Tests.Training.Callbacks.ModelCheckpointTests

open System
open System.IO
open Xunit
open FunctionalNet
open FunctionalNet.Training

let private names (paths: string list) = paths |> List.map (fun path -> string (Path.GetFileName path))

let private fill (text: string) epoch batch figures = (FileTemplate.Parse text).Fill(epoch, batch, Drive.logs figures)

[<Theory>]
[<InlineData("m-{epoch}.fnet", "m-7.fnet")>]
[<InlineData("m-{epoch:02d}.fnet", "m-07.fnet")>]
[<InlineData("m-{epoch:3d}-{batch:04d}", "m-  7-0012")>]
[<InlineData("{val_loss:.4f}", "0.1235")>]
[<InlineData("{val_loss:08.2f}", "00000.12")>]
[<InlineData("{val_loss:.2e}", "1.23e-01")>]
[<InlineData("{val_loss}", "0.12345678")>]
[<InlineData("{score:06.1f}", "-002.5")>]
[<InlineData("{score:f}", "-2.500000")>]
[<InlineData("a{{b}}c", "a{b}c")>]
[<InlineData("plain", "plain")>]
let ``fields are filled as Python fills them`` (text: string) (expected: string) =
    Assert.Equal(expected, fill text 7 12 [ "val_loss", 0.12345678; "score", -2.5 ])

[<Theory>]
[<InlineData("{epoch")>]
[<InlineData("epoch}")>]
[<InlineData("{}")>]
[<InlineData("{epoch:x}")>]
[<InlineData("{val_loss:d}")>]
[<InlineData("{epoch:.2d}")>]
[<InlineData("{epoch:99999d}")>]
let ``a template that cannot be read is an error at once`` (text: string) =
    Assert.Throws<ArgumentValueException>(fun () -> ModelCheckpoint text |> ignore)

[<Fact>]
let ``a field that is no figure is an error that lists the figures`` () =
    let error =
        Assert.Throws<ArgumentValueException>(fun () -> fill "{val_acc}" 1 0 [ "loss", 1.0; "val_loss", 1.0 ] |> ignore)

    Assert.Equal("epoch, loss, val_loss", error.Expected)

[<Fact>]
let ``every epoch is saved, folders are made`` () =
    let folder = Path.Combine(Drive.temporaryFolder (), "a", "b")
    let model = Drive.model ()
    let callback = ModelCheckpoint(Path.Combine(folder, "{epoch:02d}-{val_loss:.2f}.fnet"))
    Drive.fit model callback [ 1.0; 0.5; 0.75 ] |> ignore
    Assert.Equal<string list>([ "01-1.00.fnet"; "02-0.50.fnet"; "03-0.75.fnet" ], names model.Saved)
    Assert.True(Directory.Exists folder)
    Assert.EndsWith("03-0.75.fnet", callback.LastPath)

[<Fact>]
let ``only what is better than ever is saved`` () =
    let model = Drive.model ()
    let output = new StringWriter()

    let callback =
        ModelCheckpoint("{epoch}", saveBestOnly = true, saveWeightsOnly = true, verbose = true, Output = output)

    Drive.fit model callback [ 1.0; 1.5; 1.0; 0.5 ] |> ignore
    Assert.Equal<string list>([ "1"; "4" ], model.SavedWeights)
    Assert.Empty model.Saved
    Assert.Equal(0.5, callback.Best)
    let n = Environment.NewLine

    let expected =
        [ "Epoch 1: val_loss improved from inf to 1.00000, saving model to 1"
          "Epoch 2: val_loss did not improve from 1.00000"
          "Epoch 3: val_loss did not improve from 1.00000"
          "Epoch 4: val_loss improved from 1.00000 to 0.50000, saving model to 4" ]

    Assert.Equal(String.Join("", expected |> List.map (fun line -> n + line + n)), output.ToString())

[<Fact>]
let ``a threshold must be beaten before the first save`` () =
    let model = Drive.model ()

    let callback =
        Callback.modelCheckpoint
            { ModelCheckpoint.options "{epoch}" with SaveBestOnly = true; InitialValueThreshold = Some 0.6 }

    Drive.fit model callback [ 1.0; 0.6; 0.5 ] |> ignore
    Assert.Equal<string list>([ "3" ], model.Saved)

[<Fact>]
let ``saving by batches counts on over the end of an epoch`` () =
    let model = Drive.model ()
    let callback = ModelCheckpoint("{epoch}-{batch}", saveFreq = Nullable 3)
    callback.Attach model
    callback.OnTrainBegin()

    for epoch in 0..2 do
        callback.OnEpochBegin epoch

        for batch in 0..3 do
            callback.OnTrainBatchEnd(batch, Drive.logs [ "loss", 1.0 ])

        callback.OnEpochEnd(epoch, Drive.logs [ "loss", 1.0 ])

    Assert.Equal<string list>([ "1-3"; "2-2"; "3-1"; "3-4" ], model.Saved)

[<Fact>]
let ``a resumed training saves the same epochs`` () =
    let losses = [ 1.0; 0.5; 0.75; 0.4; 0.45 ]
    let make () = ModelCheckpoint("{epoch}", saveBestOnly = true)
    let model = Drive.model ()
    let first = make ()
    Drive.fit model first (List.take 3 losses) |> ignore
    let second = make ()
    second.Attach model
    second.OnTrainBegin()
    second.LoadState(Drive.reload first)
    Drive.epochsFrom 3 model second [ for loss in List.skip 3 losses -> [ "val_loss", loss ] ] |> ignore
    Assert.Equal<string list>([ "1"; "2"; "4" ], model.Saved)

[<Fact>]
let ``a frequency of zero is an error`` () =
    Assert.Throws<ArgumentValueException>(fun () -> ModelCheckpoint("a", saveFreq = Nullable 0) |> ignore)
