module FunctionalNet.Tests.Support.SupportTests

open System
open System.IO
open System.Text.Json
open Xunit

/// How many cases a file lists, and the one of its name in the folder `more`.
let private listed (file: string) (section: string) : int =
    [ "keras/" + file; "keras/more/" + file ]
    |> List.sumBy (fun path ->
        use document = JsonDocument.Parse(File.ReadAllText(Data.inTests path))
        document.RootElement.GetProperty(section).GetArrayLength())

[<Fact>]
let ``every case file is read whole`` () =
    let check file section (cases: 'case[]) =
        Assert.NotEmpty cases
        Assert.Equal(listed file section, cases.Length)

    check "layers.json" "cases" (KerasCases.layers ())
    check "losses.json" "cases" (KerasCases.losses ())
    check "metrics.json" "cases" (KerasCases.metrics ())
    check "optimizers.json" "cases" (KerasCases.optimizers ())
    check "optimizers.json" "schedules" (KerasCases.schedules ())
    check "optimizers.json" "regularizers" (KerasCases.regularizers ())
    check "optimizers.json" "constraints" (KerasCases.constraints ())
    check "fits.json" "cases" (KerasCases.fits ())
    Assert.Equal(233, KerasCases.kerasJs().Length)

[<Fact>]
let ``layer cases carry one R per output and one gradient per input and weight`` () =
    for c in KerasCases.layers () do
        if c.R.Length > 0 then
            Assert.Equal(c.Outputs.Length, c.R.Length)
            Assert.Equal(c.Inputs.Length, c.InputGrads.Length)
            Assert.Equal(c.Weights.Length, c.WeightGrads.Length)

[<Fact>]
let ``optional parts of a layer case are read`` () =
    let case id = KerasCases.layers () |> Array.find (fun c -> c.Id = id)
    Assert.Equal<string[]>([| "query"; "value"; "key" |], (case "MultiHeadAttention.2").InputNames)
    Assert.True((case "MultiHeadAttention.2").Call["return_attention_scores"].GetBoolean())
    Assert.Equal(2, (case "LSTM.1").CallTensors["initial_state"].Length)
    Assert.Equal(1, (case "LSTM.1").CallTensors["mask"].Length)
    Assert.Equal<float[]>([| 2.96980667 |], (case "ActivityRegularization.0").LayerLosses)

[<Fact>]
let ``training runs carry history, weights and class weights`` () =
    let run = KerasCases.fits () |> Array.find (fun c -> c.Id = "mlp-classifier-class-weight")
    Assert.Equal<Map<int, float>>(Map [ 0, 1.0; 1, 2.0; 2, 0.5 ], run.ClassWeight)
    Assert.Equal(run.Epochs, run.History["loss"].Length)
    Assert.Equal(run.WeightNames.Length, run.FinalWeights.Length)
    Assert.NotEmpty(fst run.Validation)

[<Fact>]
let ``numbers beyond JSON are read`` () =
    let read (json: string) =
        use d = JsonDocument.Parse json
        (KerasCases.tensor d.RootElement).Values

    Assert.Equal<float[]>(
        [| nan; infinity; -infinity; 1.5 |],
        read """{"shape":[2,2],"data":["NaN","Infinity","-Infinity",1.5]}"""
    )

[<Fact>]
let ``the worst element is named`` () =
    match Close.difference 1e-3 0.0 [| 1.0; 2.0; 3.0 |] [| 1.0; 2.1; 3.2 |] with
    | Some message ->
        Assert.Contains("index 2 of 3", message)
        Assert.Contains("2 too far", message)
    | None -> Assert.Fail "a difference was missed"

[<Fact>]
let ``closeness holds exactly to its bound`` () =
    Assert.Equal(None, Close.difference 0.0 0.5 [| 1.0 |] [| 1.5 |])
    Assert.NotEqual(None, Close.difference 0.0 0.5 [| 1.0 |] [| 1.5000001 |])
    Assert.NotEqual(None, Close.difference 1e-4 1e-4 [| 1.0 |] [| nan |])
    Assert.NotEqual(None, Close.difference 1e-4 1e-4 [| nan |] [| 1.0 |])
    Assert.NotEqual(None, Close.difference 1e-4 1e-4 [| infinity |] [| -infinity |])
    Assert.Equal(None, Close.difference 0.0 0.0 [| nan; infinity |] [| nan; infinity |])
    Assert.NotEqual(None, Close.difference 1.0 1.0 [| 1.0 |] [| 1.0; 2.0 |])

[<DataFact("mnist-t10k")>]
let ``data sets are found where FUNCTIONALNET_DATA says`` () =
    Assert.True(Directory.Exists(Data.require "mnist-t10k"))
    let error = Assert.Throws<FileNotFoundException>(fun () -> Data.require "no-such-data" |> ignore)
    Assert.Contains("no-such-data", error.Message)

[<Fact>]
let ``a test without its data is skipped with the data's name, or fails where data should be`` () =
    match Data.root (), DataSkip.Reason "cifar10" with
    | None, reason -> Assert.Contains("cifar10", reason)
    | Some _, reason -> Assert.True(isNull reason)

[<Fact>]
let ``the repository is found`` () =
    Assert.True(File.Exists(Data.inRepository "FunctionalNet.sln"))
    Assert.True(Directory.Exists(Data.inTests "keras"))
    Assert.False(String.IsNullOrEmpty Repository.Root)

[<Fact>]
let ``a case tensor becomes a tensor of its dtype`` () =
    let case = KerasCases.layers () |> Array.find (fun c -> c.Id = "LSTM.1")

    match case.CallTensors["mask"][0] with
    | Some mask ->
        Assert.Equal(FunctionalNet.DType.Bool, mask.ToTensor().DType)
        Assert.Equal<float[]>(mask.Values, mask.ToTensor().ToDoubles())
    | None -> Assert.Fail "the mask was not read"

[<Fact>]
let ``a golden text is compared line by line and rewritten on demand`` () =
    let folder = Directory.CreateTempSubdirectory("functionalnet-").FullName

    try
        let check text refresh = Golden.Check(folder, "sub/name.txt", text, refresh)
        let fails text = Assert.ThrowsAny<exn>(fun () -> check text false).Message
        Assert.Contains("does not exist", fails "a\nb")
        check "a\r\nb" true
        check "a\nb\n" false
        let message = fails "a\nc"
        Assert.Contains("line 2", message)
        Assert.Contains("expected: b", message)
        Assert.Contains("got:      c", message)
        Assert.Contains("(end of text)", fails "a")
        Assert.Contains("(end of file)", fails "a\nb\nc")
    finally
        Directory.Delete(folder, true)
