namespace FunctionalNet.Tests.Layers

open System
open System.Text.Json
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training
open Xunit
open Xunit.Abstractions

/// Outputs, masks, losses, gradients and moving statistics of every layer, against values computed by Keras.
type KerasLayerTests(output: ITestOutputHelper) =

    static let known = Registry.builtIn () |> List.map (fun e -> e.Class) |> Set.ofList

    static let plainFunction = "activations."

    static let covered =
        KerasCases.layers ()
        |> Array.filter (fun c -> c.Layer.StartsWith plainFunction || known.Contains c.Layer)

    static member Ids = KerasCases.ids (fun (c: LayerCase) -> c.Id) covered

    static member internal Make(case: LayerCase) : Layer =
        // Plain arguments of the call belong to the layer here.
        let call = case.Call |> Map.toList |> List.map (fun (key, value) -> key, CaseConfig.value value)

        let config =
            match CaseConfig.value case.Config with
            | ConfigValue.Object own -> ConfigValue.Object(own @ call)
            | other -> other

        if case.Layer.StartsWith plainFunction then
            let name = case.Layer.Substring plainFunction.Length
            Layer.activation (Activation.ofConfig (ConfigValue.Object [ "class_name", Text name; "config", config ]))
        else
            Registry.ofConfig (ConfigValue.Object [ "class_name", Text case.Layer; "config", config ])

    /// Initial states and weights of counts are further inputs here.
    static member private States(case: LayerCase) : CaseTensor[] =
        [| "initial_state"; "count_weights" |]
        |> Array.collect (fun name -> case.CallTensors.TryFind name |> Option.defaultValue [||])
        |> Array.choose id

    /// Keras 3.8 lines the mask of the values of Attention and AdditiveAttention up with queries, not with rows of the batch,
    /// unless the mask is causal too (later versions do not). It can do so where there are as many of both.
    static member private MasksQueries(case: LayerCase) =
        (case.Layer = "Attention" || case.Layer = "AdditiveAttention")
        && not (case.Call.ContainsKey "use_causal_mask")

    /// Masks that the call is given by name.
    static member private Named(case: LayerCase) : (string * CaseTensor)[] =
        [| for KeyValue(key, tensors) in case.CallTensors do
               match tensors with
               | [| Some tensor |] when key <> "mask" && key.EndsWith "mask" -> key, tensor
               | _ when key = "mask" && KerasLayerTests.MasksQueries case ->
                   match Array.tryItem 1 tensors with
                   | Some(Some mask) -> "attention_mask", { mask with Shape = Array.append [| 1 |] mask.Shape }
                   | _ -> ()
               | _ -> () |]

    /// What follows the inputs: states, then masks by name.
    static member private Further(case: LayerCase) : CaseTensor[] =
        Array.append (KerasLayerTests.States case) (KerasLayerTests.Named case |> Array.map snd)

    /// The layer with tensors by name after its inputs.
    static member private WithNamed(case: LayerCase, layer: Layer) : Layer =
        let names = KerasLayerTests.Named case |> Array.map fst
        let count = case.Inputs.Length + (KerasLayerTests.States case).Length

        { layer with
            Run =
                fun scope flows ->
                    let inputs = flows[.. count - 1]
                    let values = flows[count..] |> Array.map (fun f -> f.Value)
                    bindKeywords scope (Array.zip names values) inputs
                    layer.Run scope inputs }

    static member private Trace(case: LayerCase, dtype: DType) : LayerTrace =
        let typeOf (t: CaseTensor) =
            let own = DType.parse t.DType
            LayerRun.typeOf (if DType.isFloating own then dtype else own) t.Shape

        let masks =
            match case.CallTensors.TryFind "mask" with
            | Some masks ->
                Array.init case.Inputs.Length (fun i ->
                    if i > 0 && KerasLayerTests.MasksQueries case then
                        None
                    else
                        masks |> Array.tryItem i |> Option.flatten |> Option.map (fun m -> Shape.Of m.Shape))
            | None -> case.Inputs |> Array.map (fun _ -> None)

        let mode = if case.Training then Mode.Train else Mode.Infer
        let made = KerasLayerTests.Make case
        // Keras's masks of calls with initial states are arguments.
        let isNamed = case.CallTensors.ContainsKey "initial_state"
        let layer = KerasLayerTests.WithNamed(case, (if isNamed then LayerRun.maskedByName made else made))
        let further = KerasLayerTests.Further case
        let inputs = Array.append case.Inputs further |> Array.map typeOf
        let masks = Array.append masks (further |> Array.map (fun _ -> None))
        LayerRun.trace mode dtype layer inputs masks

    static member private Bindings(case: LayerCase, trace: LayerTrace, dtype: DType) =
        let value (t: CaseTensor) =
            let own = DType.parse t.DType
            t.ToTensor(if DType.isFloating own then dtype else own)

        let masks =
            trace.Masks
            |> Array.indexed
            |> Array.choose (fun (i, leaf) ->
                leaf |> Option.map (fun leaf -> leaf, (case.CallTensors["mask"][i]).Value.ToTensor DType.Bool))

        let inputs = Array.append case.Inputs (KerasLayerTests.Further case) |> Array.map value
        Array.append (LayerRun.bind trace inputs (Array.map value case.Weights)) masks

    /// What the case says, and the node that should give it.
    static member private Expectations(case: LayerCase, trace: LayerTrace) : (string * Expr * float[])[] =
        let outputs =
            Array.mapi2 (fun i e (t: CaseTensor) -> "output " + string i, e, t.Values) trace.Outputs case.Outputs

        let masks =
            if case.OutputMasks.Length = 0 then
                [||]
            else
                [| for i in 0 .. case.OutputMasks.Length - 1 do
                       match trace.OutputMasks[i], case.OutputMasks[i] with
                       | ValueSome m, Some t -> "mask " + string i, m, t.Values
                       | ValueNone, None -> ()
                       | _ -> failwithf "%s: mask %d is there on one side only" case.Id i |]

        let losses =
            Array.mapi2 (fun i e v -> "loss " + string i, e, [| v |]) trace.Traced.Losses case.LayerLosses

        let gradients =
            if case.R.Length = 0 then
                [||]
            else
                let loss =
                    Array.map2
                        (fun (e: Expr) (r: CaseTensor) -> Ops.sumAll (e * Expr.Constant(r.ToTensor e.DType)))
                        trace.Outputs
                        case.R
                    |> Array.reduce (+)

                let wanted =
                    Array.concat
                        [ (let given = Array.append case.InputGrads case.StateGrads
                           Array.zip (Array.truncate given.Length trace.Inputs) given)
                          |> Array.mapi (fun i (e, g) -> "gradient of input " + string i, e, g)
                          Array.zip trace.Leaves case.WeightGrads
                          |> Array.mapi (fun i (e, g) -> "gradient of weight " + string i, e, g) ]
                    |> Array.choose (fun (name, e, g) -> g |> Option.map (fun g -> name, e, g.Values))

                let found = Grad.gradients loss (wanted |> Array.map (fun (_, e, _) -> e))
                Array.map2 (fun (name, _, g) e -> name, e, g) wanted found

        let after =
            if case.WeightsAfter.Length = 0 then
                [||]
            else
                trace.Leaves
                |> Array.mapi (fun i leaf ->
                    let changed =
                        trace.Traced.Updates
                        |> Array.tryPick (fun (struct (state, value)) ->
                            if obj.ReferenceEquals(state, leaf) then Some value else None)

                    "weight " + string i + " afterwards", Option.defaultValue leaf changed, case.WeightsAfter[i].Values)

        Array.concat [ outputs; masks; losses; gradients; after ]

    static member private Check(id: string, dtype: DType, run: (Expr * Tensor)[] -> Expr[] -> float[][]) =
        let case = covered |> Array.find (fun c -> c.Id = id)
        let trace = KerasLayerTests.Trace(case, dtype)

        // The same weights under the same names, in Keras's order.
        let last (path: string) = path.Substring(path.LastIndexOf '/' + 1)
        Assert.Equal<string[]>(
            case.Weights |> Array.map (fun w -> w.Name),
            trace.Specs |> Array.map (fun s -> last s.Path)
        )
        Assert.Equal<bool[]>(
            case.Weights |> Array.map (fun w -> w.Trainable),
            trace.Specs |> Array.map (fun s -> s.Trainable)
        )
        Assert.Equal<Shape[]>(
            case.Weights |> Array.map (fun w -> Shape.Of w.Shape),
            trace.Specs |> Array.map (fun s -> s.Shape)
        )
        Assert.Equal(case.Outputs.Length, trace.Outputs.Length)
        Assert.Equal(case.LayerLosses.Length, trace.Traced.Losses.Length)

        for e, t in Array.zip trace.Outputs case.Outputs do
            Assert.Equal(Shape.Of t.Shape, e.Shape)

        let expectations = KerasLayerTests.Expectations(case, trace)
        let values =
            run (KerasLayerTests.Bindings(case, trace, dtype)) (expectations |> Array.map (fun (_, e, _) -> e))

        for (name, _, expected), actual in Array.zip expectations values do
            Close.closeToParts (id + ", " + name) 1e-4 expected actual

    [<Theory; MemberData(nameof KerasLayerTests.Ids)>]
    member _.``a layer computes what Keras computes``(id: string) =
        KerasLayerTests.Check(id, DType.Float64, LayerRun.interpret)

    [<Theory; MemberData(nameof KerasLayerTests.Ids)>]
    member _.``a compiled layer computes what Keras computes``(id: string) =
        KerasLayerTests.Check(id, DType.Float32, LayerRun.compiled)

    [<Fact>]
    member _.``most cases are covered``() =
        let missing = KerasCases.layers () |> Array.filter (fun c -> not (Array.contains c covered))
        output.WriteLine(string covered.Length + " cases of layers; without a layer here:")
        missing
        |> Array.countBy (fun c -> c.Layer)
        |> Array.iter (fun (name, n) -> output.WriteLine("  " + name + " " + string n))
        Assert.True(covered.Length >= 156, string covered.Length)

    [<Fact>]
    member _.``every regularizer gives Keras's penalty and gradient``() =
        for case in KerasCases.regularizers () do
            let config =
                ConfigValue.Object [ "class_name", Text case.Regularizer; "config", CaseConfig.value case.Config ]
            let regularizer = Regularizer.ofConfig config
            let leaf = Expr.Input("w", DType.Float64, Shape.Of case.Input.Shape)
            let penalty = regularizer.Penalty leaf
            let values =
                Interpreter.run
                    [ leaf, case.Input.ToTensor DType.Float64 ]
                    [| penalty; (Grad.gradients penalty [| leaf |])[0] |]
            Close.closeToScale (case.Id + " value") 1e-5 [| case.Value |] values[0]
            Close.closeToScale (case.Id + " gradient") 1e-5 case.Grad.Values values[1]

    [<Fact>]
    member _.``every constraint projects as Keras does``() =
        for case in KerasCases.constraints () do
            let config =
                ConfigValue.Object [ "class_name", Text case.Constraint; "config", CaseConfig.value case.Config ]
            let projection = Constraint.ofConfig config
            let leaf = Expr.Input("w", DType.Float64, Shape.Of case.Input.Shape)
            let values = Interpreter.run [ leaf, case.Input.ToTensor DType.Float64 ] [| projection.Project leaf |]
            Close.closeToScale case.Id 1e-5 case.Output.Values values[0]
