namespace FunctionalNet.Tests.Support

open System
open System.IO
open System.Text.Json
open FunctionalNet

/// Numbers as a case file holds them: row-major, with Keras's dtype name (bool as 0/1).
type CaseTensor =
    {
        Shape: int[]
        Values: float[]
        DType: string
        /// Empty where the file gives none.
        Name: string
        Trainable: bool
    }

    /// As a tensor of its own dtype.
    member this.ToTensor() = this.ToTensor(DType.parse this.DType)

    /// As a tensor of the given dtype: float64 where the interpreter is to be compared closely.
    member this.ToTensor(dtype: DType) = Tensor.OfDoubles(dtype, Shape.ofArray this.Shape, this.Values)

/// One layer call with its results and gradients; see tests/data/keras/README.md.
type LayerCase =
    {
        Id: string
        /// A class name, or `activations.NAME` for a plain function.
        Layer: string
        Config: JsonElement
        Training: bool
        Inputs: CaseTensor[]
        /// The keywords of the inputs; empty when they are positional.
        InputNames: string[]
        /// Further plain arguments of the call.
        Call: Map<string, JsonElement>
        /// Further tensor arguments of the call, a single tensor being a list of one.
        CallTensors: Map<string, CaseTensor option[]>
        Weights: CaseTensor[]
        Outputs: CaseTensor[]
        OutputMasks: CaseTensor option[]
        LayerLosses: float[]
        /// One per output; empty when the case has no gradients.
        R: CaseTensor[]
        InputGrads: CaseTensor option[]
        WeightGrads: CaseTensor option[]
        StateGrads: CaseTensor option[]
        /// Empty when the call changes no weight.
        WeightsAfter: CaseTensor[]
    }

    override this.ToString() = this.Id

type LossCase =
    { Id: string
      Loss: string
      Config: JsonElement
      YTrue: CaseTensor
      YPred: CaseTensor
      SampleWeight: CaseTensor option
      Value: CaseTensor
      R: CaseTensor option
      YPredGrad: CaseTensor option }

    override this.ToString() = this.Id

/// One update of a metric: (YTrue, YPred), or Values for Mean and Sum; and the result after it.
type MetricStep =
    { YTrue: CaseTensor option
      YPred: CaseTensor option
      Values: CaseTensor option
      SampleWeight: CaseTensor option
      Result: CaseTensor }

type MetricCase =
    { Id: string
      Metric: string
      Config: JsonElement
      Steps: MetricStep[] }

    override this.ToString() = this.Id

type OptimizerStep = { Grads: CaseTensor[]; Variables: CaseTensor[] }

type OptimizerCase =
    { Id: string
      Optimizer: string
      Config: JsonElement
      Variables: CaseTensor[]
      Steps: OptimizerStep[]
      OptimizerVariables: CaseTensor[]
      VariablesAfterFinalize: CaseTensor[] }

    override this.ToString() = this.Id

/// Values[i] is the rate at step i.
type ScheduleCase =
    { Id: string
      Schedule: string
      Config: JsonElement
      Values: float[] }

    override this.ToString() = this.Id

type RegularizerCase =
    { Id: string
      Regularizer: string
      Config: JsonElement
      Input: CaseTensor
      Value: float
      Grad: CaseTensor }

    override this.ToString() = this.Id

type ConstraintCase =
    { Id: string
      Constraint: string
      Config: JsonElement
      Input: CaseTensor
      Output: CaseTensor }

    override this.ToString() = this.Id

/// A whole training run without shuffling.
type FitCase =
    {
        Id: string
        /// Keras's JSON of the architecture.
        Model: JsonElement
        Kind: string
        Compile: JsonElement
        X: CaseTensor[]
        Y: CaseTensor[]
        /// (x, y), both empty when there is none.
        Validation: CaseTensor[] * CaseTensor[]
        ClassWeight: Map<int, float>
        SampleWeight: CaseTensor option
        /// Each with class_name and config.
        Callbacks: JsonElement[]
        /// Further arguments of fit.
        Fit: JsonElement option
        BatchSize: int
        Epochs: int
        WeightNames: string[]
        WeightTrainable: bool[]
        InitialWeights: CaseTensor[]
        FinalWeights: CaseTensor[]
        History: Map<string, float[]>
        Evaluate: Map<string, float>
        Predict: CaseTensor[]
    }

    override this.ToString() = this.Id

/// A layer case of keras-js: Keras 2, no batch axis, 6 digits. `Layer` is empty for `activations.*`.
type KerasJsCase =
    {
        Id: string
        Layer: string
        Attributes: JsonElement
        /// The whole "layer" object, for the merge cases' branches.
        Description: JsonElement
        Input: CaseTensor
        Weights: CaseTensor[]
        Expected: CaseTensor
    }

    override this.ToString() = this.Id

/// Readers of the case files in tests/data.
module KerasCases =

    let private parse (relative: string) =
        use document = JsonDocument.Parse(File.ReadAllText(Data.inTests relative))
        document.RootElement.Clone()

    let private items (e: JsonElement) = e.EnumerateArray() |> Seq.toArray

    let private tryGet (name: string) (e: JsonElement) =
        match e.TryGetProperty name with
        | true, v when v.ValueKind <> JsonValueKind.Null -> Some v
        | _ -> None

    let private get (name: string) (e: JsonElement) =
        match tryGet name e with
        | Some v -> v
        | None -> failwithf "A case has no '%s': %s" name (e.GetRawText().Substring(0, min 200 (e.GetRawText().Length)))

    let private text (e: JsonElement) = e.GetString() |> Option.ofObj |> Option.defaultValue ""
    let private textOf name e = tryGet name e |> Option.map text |> Option.defaultValue ""

    /// A number, or one of the strings "NaN", "Infinity", "-Infinity"; true and false are 1 and 0.
    let number (e: JsonElement) =
        match e.ValueKind with
        | JsonValueKind.True -> 1.0
        | JsonValueKind.False -> 0.0
        | JsonValueKind.Number -> e.GetDouble()
        | _ ->
            match e.GetString() with
            | "NaN" -> nan
            | "Infinity" -> infinity
            | "-Infinity" -> -infinity
            | other -> failwithf "Not a number: %s" (string other)

    /// `{"shape":[...],"data":[...]}` with the optional `dtype`, `name` and `trainable`.
    let tensor (e: JsonElement) =
        let shape = items (get "shape" e) |> Array.map _.GetInt32()
        let values = items (get "data" e) |> Array.map number

        if Array.fold (*) 1 shape <> values.Length then
            failwithf "A case tensor of shape %A has %d values." shape values.Length

        { Shape = shape
          Values = values
          DType = tryGet "dtype" e |> Option.map text |> Option.defaultValue "float32"
          Name = textOf "name" e
          Trainable = tryGet "trainable" e |> Option.forall _.GetBoolean() }

    let private optional (e: JsonElement) = if e.ValueKind = JsonValueKind.Null then None else Some(tensor e)

    let private many read name e = tryGet name e |> Option.map (items >> Array.map read) |> Option.defaultValue [||]

    let private tensors name e = many tensor name e
    let private optionals name e = many optional name e
    let private numbers name e = many number name e
    let private config e = get "config" e

    let private mapOf read name (e: JsonElement) =
        match tryGet name e with
        | None -> Map.empty
        | Some m -> Map [ for p in m.EnumerateObject() -> p.Name, read p.Value ]

    /// The cases of a file, and of the file of its name in the folder `more` beside it.
    let private file (relative: string) section read =
        lazy
            (let more = relative.Replace("keras/", "keras/more/")

             [| relative; more |]
             |> Array.filter (fun path -> path = relative || File.Exists(Data.inTests path))
             |> Array.collect (fun path -> items (get section (parse path)) |> Array.map read))

    let private layersFile =
        let oneOrMany (e: JsonElement) =
            if e.ValueKind = JsonValueKind.Array then items e |> Array.map optional else [| optional e |]

        file "keras/layers.json" "cases" (fun e ->
            { LayerCase.Id = textOf "id" e
              Layer = textOf "layer" e
              Config = config e
              Training = (get "training" e).GetBoolean()
              Inputs = tensors "inputs" e
              InputNames = many text "input_names" e
              Call = mapOf id "call" e
              CallTensors = mapOf oneOrMany "call_tensors" e
              Weights = tensors "weights" e
              Outputs = tensors "outputs" e
              OutputMasks = optionals "output_masks" e
              LayerLosses = numbers "layer_losses" e
              R = tensors "R" e
              InputGrads = optionals "input_grads" e
              WeightGrads = optionals "weight_grads" e
              StateGrads = optionals "state_grads" e
              WeightsAfter = tensors "weights_after" e })

    let private lossesFile =
        file "keras/losses.json" "cases" (fun e ->
            { LossCase.Id = textOf "id" e
              Loss = textOf "loss" e
              Config = config e
              YTrue = tensor (get "y_true" e)
              YPred = tensor (get "y_pred" e)
              SampleWeight = tryGet "sample_weight" e |> Option.map tensor
              Value = tensor (get "value" e)
              R = tryGet "R" e |> Option.map tensor
              YPredGrad = tryGet "y_pred_grad" e |> Option.map tensor })

    let private metricsFile =
        let step e =
            { YTrue = tryGet "y_true" e |> Option.map tensor
              YPred = tryGet "y_pred" e |> Option.map tensor
              Values = tryGet "values" e |> Option.map tensor
              SampleWeight = tryGet "sample_weight" e |> Option.map tensor
              Result = tensor (get "result" e) }

        file "keras/metrics.json" "cases" (fun e ->
            { MetricCase.Id = textOf "id" e
              Metric = textOf "metric" e
              Config = config e
              Steps = many step "steps" e })

    let private optimizersFile =
        let step e = { Grads = tensors "grads" e; Variables = tensors "variables" e }

        file "keras/optimizers.json" "cases" (fun e ->
            { OptimizerCase.Id = textOf "id" e
              Optimizer = textOf "optimizer" e
              Config = config e
              Variables = tensors "variables" e
              Steps = many step "steps" e
              OptimizerVariables = tensors "optimizer_variables" e
              VariablesAfterFinalize = tensors "variables_after_finalize" e })

    let private schedulesFile =
        file "keras/optimizers.json" "schedules" (fun e ->
            { ScheduleCase.Id = textOf "id" e
              Schedule = textOf "schedule" e
              Config = config e
              Values = numbers "values" e })

    let private regularizersFile =
        file "keras/optimizers.json" "regularizers" (fun e ->
            { RegularizerCase.Id = textOf "id" e
              Regularizer = textOf "regularizer" e
              Config = config e
              Input = tensor (get "input" e)
              Value = number (get "value" e)
              Grad = tensor (get "grad" e) })

    let private constraintsFile =
        file "keras/optimizers.json" "constraints" (fun e ->
            { ConstraintCase.Id = textOf "id" e
              Constraint = textOf "constraint" e
              Config = config e
              Input = tensor (get "input" e)
              Output = tensor (get "output" e) })

    let private fitsFile =
        file "keras/fits.json" "cases" (fun e ->
            { FitCase.Id = textOf "id" e
              Model = get "model" e
              Kind = textOf "kind" e
              Compile = get "compile" e
              X = tensors "x" e
              Y = tensors "y" e
              Validation =
                match tryGet "validation" e with
                | None -> [||], [||]
                | Some v -> tensors "x" v, tensors "y" v
              ClassWeight = mapOf number "class_weight" e |> Map.toSeq |> Seq.map (fun (k, v) -> int k, v) |> Map
              SampleWeight = tryGet "sample_weight" e |> Option.map tensor
              Callbacks = many id "callbacks" e
              Fit = tryGet "fit" e
              BatchSize = (get "batch_size" e).GetInt32()
              Epochs = (get "epochs" e).GetInt32()
              WeightNames = many text "weight_names" e
              WeightTrainable = many _.GetBoolean() "weight_trainable" e
              InitialWeights = tensors "initial_weights" e
              FinalWeights = tensors "final_weights" e
              History = mapOf (items >> Array.map number) "history" e
              Evaluate = mapOf number "evaluate" e
              Predict = tensors "predict" e })

    let private kerasJsFile =
        lazy
            (items (parse "keras-js/keras-js-cases.json")
             |> Array.map (fun e ->
                 let layer = tryGet "layer" e |> Option.defaultValue (JsonDocument.Parse("{}").RootElement)

                 { Id = textOf "id" e
                   Layer = textOf "cls" layer
                   Attributes = tryGet "attrs" layer |> Option.defaultValue (JsonDocument.Parse("{}").RootElement)
                   Description = layer
                   Input = tensor (get "input" e)
                   Weights = tensors "weights" e
                   Expected = tensor (get "expected" e) }))

    let layers () = layersFile.Value
    let losses () = lossesFile.Value
    let metrics () = metricsFile.Value
    let optimizers () = optimizersFile.Value
    let schedules () = schedulesFile.Value
    let regularizers () = regularizersFile.Value
    let constraints () = constraintsFile.Value
    let fits () = fitsFile.Value
    let kerasJs () = kerasJsFile.Value

    /// The ids of cases as the data of a theory, so that each case is a test of its own:
    /// `static member Ids = KerasCases.ids _.Id (KerasCases.layers ())` and `[<MemberData(nameof X.Ids)>]`.
    let ids (id: 'case -> string) (cases: 'case[]) = cases |> Array.map (fun c -> [| box (id c) |])

    /// The value of a config's key, when it is there and not null.
    let tryConfig (name: string) (config: JsonElement) = tryGet name config
