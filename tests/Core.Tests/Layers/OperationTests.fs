namespace FunctionalNet.Tests.Layers

open System.IO
open System.Text.Json
open FunctionalNet
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training
open Xunit

/// Operations of `keras.ops` in a functional model that Keras wrote, with what Keras computed.
type OperationTests() =

    static let case =
        lazy
            (use file = JsonDocument.Parse(File.ReadAllText(Data.inTests "keras/operations.json"))
             file.RootElement.GetProperty("cases").[0].Clone())

    static let tensors (key: string) =
        [| for t in case.Value.GetProperty(key).EnumerateArray() -> KerasCases.tensor t |]

    static let network () = Network.ofConfig (CaseConfig.value (case.Value.GetProperty "model"))

    static let check (network: Network) =
        let inputs = tensors "x" |> Array.map _.ToTensor()
        let expected = tensors "outputs"
        let actual = (Trainer network).Predict(inputs, EvaluateOptions())
        Assert.Equal(expected.Length, actual.Length)

        for i in 0 .. expected.Length - 1 do
            let name = string i + ": " + network.Outputs[i].Name
            Assert.Equal(name + " " + (Shape.Of expected[i].Shape).ToString(), name + " " + actual[i].Shape.ToString())
            Close.closeToScale name 1e-5 expected[i].Values (actual[i].ToDoubles())

    [<Fact>]
    member _.``compute what Keras computes``() = check (network ())

    [<Fact>]
    member _.``come back from a configuration``() = check (Network.ofConfig (Network.toConfig (network ())))

    [<Fact>]
    member _.``an operation with options that are not known says which``() =
        let text = (case.Value.GetProperty "model").GetRawText().Replace("\"constant\"", "\"wrap\"")
        Assert.Contains("wrap", text)
        let e = Assert.Throws<ModelFormatException>(fun () -> Network.ofConfig (Json.parse text) |> ignore)
        Assert.Contains("Pad", e.Path)
