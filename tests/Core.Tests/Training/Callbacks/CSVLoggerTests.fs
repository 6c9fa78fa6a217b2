module FunctionalNet.Tests.Training.Callbacks.CSVLoggerTests

open System
open System.IO
open Xunit
open FunctionalNet

let private model hasValidation = FakeModel(TrainingParameters(5, 0, Nullable 4, 32, hasValidation, Verbosity.Silent))

let private rows =
    [ [ "accuracy", 0.5; "loss", 2.0; "val_accuracy", 0.25; "val_loss", 3.5 ]
      [ "accuracy", 0.625; "loss", 1e-5; "val_accuracy", nan; "val_loss", Double.PositiveInfinity ] ]

let private start (hasValidation: bool) (logger: CSVLogger) =
    let model = model hasValidation
    logger.Attach model
    logger.OnTrainBegin()
    model

let private file () = Path.Combine(Drive.temporaryFolder (), "new", "log.csv")

[<Fact>]
let ``a line an epoch, figures sorted by name`` () =
    let path = file ()
    let logger = CSVLogger path
    let model = start true logger
    // The order of the logs does not matter.
    Drive.epochsFrom 0 model logger (rows |> List.map List.rev) |> ignore

    let expected =
        "epoch,accuracy,loss,val_accuracy,val_loss\r\n0,0.5,2.0,0.25,3.5\r\n1,0.625,1e-05,nan,inf\r\n"

    Assert.Equal(expected, File.ReadAllText path)

[<Fact>]
let ``figures of validation that come later have their columns from the first line`` () =
    let path = file ()
    let logger = CSVLogger(path, separator = ";")
    let model = start true logger
    Drive.epochsFrom 0 model logger [ [ "loss", 2.0 ]; [ "loss", 1.0; "val_loss", 3.0 ] ] |> ignore
    Assert.Equal("epoch;loss;val_loss\r\n0;2.0;NA\r\n1;1.0;3.0\r\n", File.ReadAllText path)

[<Fact>]
let ``without validation the columns are there all the same`` () =
    // csv_logger.py: keys that no val_ is found among are doubled, whether there is validation data or not.
    let path = file ()
    let logger = CSVLogger path
    let model = start false logger
    Drive.epochsFrom 0 model logger [ [ "loss", 2.0 ] ] |> ignore
    Assert.Equal("epoch,loss,val_loss\r\n0,2.0,NA\r\n", File.ReadAllText path)

[<Fact>]
let ``a new training replaces the file, or adds to it without a second header`` () =
    let path = file ()

    for append, expected in
        [ false, "epoch,loss,val_loss\r\n0,2.0,NA\r\n"
          false, "epoch,loss,val_loss\r\n0,2.0,NA\r\n"
          true, "epoch,loss,val_loss\r\n0,2.0,NA\r\n0,2.0,NA\r\n" ] do
        let logger = CSVLogger(path, append = append)
        let model = start false logger
        Drive.epochsFrom 0 model logger [ [ "loss", 2.0 ] ] |> ignore
        Assert.Equal(expected, File.ReadAllText path)

[<Fact>]
let ``a resumed training goes on in the same columns`` () =
    let path = file ()
    let first = CSVLogger path
    let model' = start true first
    Drive.epochsFrom 0 model' first (List.take 1 rows) |> ignore
    let second = CSVLogger path
    let model' = start true second
    second.LoadState(Drive.reload first)
    Drive.epochsFrom 1 model' second (List.skip 1 rows) |> ignore

    let expected =
        "epoch,accuracy,loss,val_accuracy,val_loss\r\n0,0.5,2.0,0.25,3.5\r\n1,0.625,1e-05,nan,inf\r\n"

    Assert.Equal(expected, File.ReadAllText path)

[<Fact>]
let ``names with separators are quoted`` () =
    let path = file ()
    let logger = CSVLogger path
    let model = start false logger
    Drive.epochsFrom 0 model logger [ [ "a,\"b\"", 2.0; "val_loss", 1.0 ] ] |> ignore
    Assert.Equal("epoch,\"a,\"\"b\"\"\",val_loss\r\n0,2.0,1.0\r\n", File.ReadAllText path)

[<Theory>]
[<InlineData("")>]
[<InlineData("\"")>]
[<InlineData(", ")>]
let ``a separator that cannot be used is an error`` (separator: string) =
    Assert.Throws<ArgumentValueException>(fun () -> CSVLogger("a.csv", separator) |> ignore)
