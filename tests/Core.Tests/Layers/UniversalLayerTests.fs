namespace FunctionalNet.Tests.Layers

open System
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open Xunit
open Xunit.Abstractions

/// One call that checks everything every layer must do, for every layer there is.
type UniversalLayerTests(output: ITestOutputHelper) =

    static let typesOf (row: LayerRow) (batch: int) (dtype: DType) =
        let element = if DType.isFloating row.DType then dtype else row.DType

        row.Inputs
        |> List.map (fun dims ->
            LayerRun.typeOf element (batch :: List.map (fun d -> if d < 0 then 4 else d) dims |> List.toArray))
        |> List.toArray

    static let dataOf (types: TensorType[]) =
        types |> Array.mapi (fun i t -> LayerRun.data ("input" + string i) t.DType (t.Shape.ToArray()))

    static let nodesOf (row: LayerRow) (shapes: int list list) =
        shapes
        |> List.map (fun dims -> Network.inputWith { Name = ""; Shape = dims; DType = row.DType; BatchSize = None })

    static let specText (trace: LayerTrace) = trace.Specs |> Array.map (fun s -> s.Path + s.Shape.ToString())

    static let values (e: Expr[]) = e |> Array.map (fun x -> x.Type.ToString())

    /// The layer's own object in Keras's form, without the name its container gives it.
    static let saved (layer: Layer) = Json.write false (LayerConfig.toValue "it" layer)

    static let floatRoots (trace: LayerTrace) =
        Array.append trace.Outputs trace.Traced.Losses |> Array.filter (fun e -> DType.isFloating e.DType)

    static member Ids = LayerTable.rows |> List.map (fun r -> [| box r.Class |]) |> List.toArray

    static member private Row(name: string) = LayerTable.rows |> List.find (fun r -> r.Class = name)

    [<Theory; MemberData(nameof UniversalLayerTests.Ids)>]
    member _.``a layer keeps all promises``(name: string) =
        let row = UniversalLayerTests.Row name
        let layer = row.Make()
        Assert.Equal(row.Class, layer.ClassName)
        let types = typesOf row 3 DType.Float64
        let data = dataOf types
        let trace mode = LayerRun.trace mode DType.Float64 layer types (LayerRun.unmasked types)
        let infer, train = trace Mode.Infer, trace Mode.Train
        let weights = LayerRun.weights DType.Float64 infer

        // Training and inference declare the same variables and give the same types.
        Assert.Equal<string[]>(specText infer, specText train)
        Assert.Equal<string[]>(values infer.Outputs, values train.Outputs)

        // Parameter count.
        Assert.Equal(row.Count, infer.Specs |> Array.sumBy (fun s -> s.Shape.Size))

        // Shapes found when a network is built are the shapes that come out.
        let nodes = Network.applyMany layer (nodesOf row row.Inputs)
        Assert.Equal(infer.Outputs.Length, nodes.Length)

        for node, e in Seq.zip nodes infer.Outputs do
            Assert.Equal(node.Rank, e.Rank)
            Assert.Equal(-1, node.Shape[0])

            for axis in 1 .. e.Rank - 1 do
                if node.Shape[axis] >= 0 then
                    Assert.Equal(node.Shape[axis], e.Shape[axis])
                else
                    Assert.Contains(-1, List.concat row.Inputs)

        // Determinism: the same layer made again, the same numbers in, the same bits out.
        let bindings = LayerRun.bind infer data weights
        let first = LayerRun.interpret bindings infer.Outputs
        let second = LayerRun.trace Mode.Infer DType.Float64 (row.Make()) types (LayerRun.unmasked types)
        Assert.Equal<float[][]>(first, LayerRun.interpret (LayerRun.bind second data weights) second.Outputs)

        // Noise: the same at the same seed and step, another at another step, none at inference.
        let noise step =
            let bindings =
                Array.concat
                    [ Array.zip train.Inputs data; Array.zip train.Leaves weights; LayerRun.clock train 5L step ]
            LayerRun.interpret bindings train.Outputs

        Assert.Equal<float[][]>(noise 1L, noise 1L)

        if row.Noisy then
            Assert.NotEqual<float[][]>(noise 1L, noise 2L)
            Assert.NotEqual<float[][]>(first, noise 1L)
            Assert.Equal<float[]>(data[0].ToDoubles(), first[0])

        // A batch of one gives the first row of a batch of three.
        if row.RowByRow then
            let alone = typesOf row 1 DType.Float64
            let one = LayerRun.trace Mode.Infer DType.Float64 layer alone (LayerRun.unmasked alone)
            let rows = data |> Array.map (fun t -> t.Rows(0, 1))
            let single = LayerRun.interpret (LayerRun.bind one rows weights) one.Outputs

            for whole, part in Array.zip first single do
                Close.close 1e-12 1e-12 whole[.. part.Length - 1] part

        // Saved and read again it is the same layer; so is it through JSON text.
        let json = saved layer
        let again = Registry.ofConfig (Json.parse json)
        Assert.Equal(json, saved again)
        let third = LayerRun.trace Mode.Infer DType.Float64 again types (LayerRun.unmasked types)
        let own (path: string) = path
        Assert.Equal<string[]>(specText infer |> Array.map own, specText third |> Array.map own)
        Assert.Equal<float[][]>(first, LayerRun.interpret (LayerRun.bind third data weights) third.Outputs)

        // Frozen, it declares frozen variables and uses no batch statistics.
        let cold = LayerRun.trace Mode.Train DType.Float64 (Layer.frozen layer) types (LayerRun.unmasked types)
        Assert.All(cold.Specs, fun s -> Assert.True s.Frozen)
        Assert.Empty cold.Traced.Updates

        // Its class and its count appear in the summary of a network.
        let inputs = nodesOf row row.Inputs
        let network = Network.create inputs (Network.applyMany layer inputs)
        let info = Network.layers network |> Array.find (fun l -> l.ClassName = row.Class)
        Assert.Equal(int64 row.Count, info.TrainableParameters + info.NonTrainableParameters)
        let summary = Summary.text network
        Assert.Contains(row.Class.Substring(0, min 12 row.Class.Length), summary)
        Assert.Contains("Total params: " + string row.Count, summary)

        // A wrong rank or size is refused when the network is built, with the layer's path.
        if not row.Wrong.IsEmpty then
            let refuse () = Network.applyMany (Layer.named "here" layer) (nodesOf row row.Wrong) |> ignore

            let e = Assert.Throws<ShapeException>(refuse)
            Assert.StartsWith("here", e.Path)
            Assert.NotEqual<string>("", e.Hint)

    [<Theory; MemberData(nameof UniversalLayerTests.Ids)>]
    member _.``a layer treats masks by its rule``(name: string) =
        let row = UniversalLayerTests.Row name
        let types = typesOf row 2 DType.Float32

        if row.Mask <> Own && types |> Array.exists (fun t -> t.Shape.Rank >= 3) then
            let masks = types |> Array.map (fun t -> Some(Shape.Of(t.Shape[0], t.Shape[1])))
            let trace = LayerRun.trace Mode.Infer DType.Float32 (row.Make()) types masks
            let data = dataOf types
            let steps = masks |> Array.map (fun m -> LayerRun.data "mask" DType.Bool (m.Value.ToArray()))

            match row.Mask with
            | Drops -> Assert.All(trace.OutputMasks, fun m -> Assert.True m.IsNone)
            | _ ->
                let bindings =
                    Array.append
                        (LayerRun.bind trace data (LayerRun.weights DType.Float32 trace))
                        (Array.zip (trace.Masks |> Array.map Option.get) steps)

                for mask in trace.OutputMasks do
                    Assert.Equal<float[]>(steps[0].ToDoubles(), (LayerRun.interpret bindings [| mask.Value |])[0])

    [<Theory; MemberData(nameof UniversalLayerTests.Ids)>]
    member _.``a layer has the derivatives of its values``(name: string) =
        let row = UniversalLayerTests.Row name
        let layer = row.Make()
        let types = typesOf row 2 DType.Float64
        let shapes = LayerRun.trace Mode.Infer DType.Float64 layer types (LayerRun.unmasked types)
        let inputs = Array.append (dataOf types) (LayerRun.weights DType.Float64 shapes)

        let modes =
            if row.Replaces then [ Mode.Infer ]
            elif row.Smooth then [ Mode.Infer; Mode.Train ]
            else []

        for mode in modes do
            let differentiable =
                (LayerRun.trace mode DType.Float64 layer types (LayerRun.unmasked types) |> floatRoots).Length > 0

            if differentiable && inputs |> Array.exists (fun t -> DType.isFloating t.DType) then
                // The layer's leaves are replaced by the checker's.
                let f (leaves: Expr[]) : Expr =
                    let trace = LayerRun.trace mode DType.Float64 layer types (LayerRun.unmasked types)
                    let clock = LayerRun.clock trace 5L 3L |> Array.map (fun (e, t) -> e, Expr.Constant t)
                    let own = Array.append trace.Inputs trace.Leaves
                    let map = Collections.Generic.Dictionary<Expr, Expr>(HashIdentity.Reference)

                    for e, other in Array.append (Array.zip own leaves) clock do
                        map[e] <- other

                    let weighted =
                        floatRoots trace
                        |> Array.mapi (fun i e ->
                            let r = Tensor.OfDoubles(e.DType, e.Shape, LayerRun.numbers ("r" + string i) e.Shape.Size)
                            Ops.sumAll (e * Expr.Constant r))

                    (Traverse.substitute map [| Array.reduce (+) weighted |])[0]

                let report = GradCheck.check f inputs 1
                Assert.True(report.IsWithin 1e-6, row.Class + " " + string mode + ": " + report.Worst)

    [<Theory; MemberData(nameof UniversalLayerTests.Ids)>]
    member _.``a compiled layer equals the interpreter``(name: string) =
        let row = UniversalLayerTests.Row name
        let layer = row.Make()
        let types = typesOf row 3 DType.Float32
        let data = dataOf types

        for mode in [ Mode.Infer; Mode.Train ] do
            let trace = LayerRun.trace mode DType.Float32 layer types (LayerRun.unmasked types)
            let bindings = LayerRun.bind trace data (LayerRun.weights DType.Float32 trace)
            let updates = trace.Traced.Updates |> Array.map (fun (struct (_, value)) -> value)

            let gradients =
                match floatRoots trace with
                | [||] -> [||]
                | roots ->
                    let weighted i (e: Expr) =
                        let r = LayerRun.numbers ("r" + string i) e.Shape.Size
                        Ops.sumAll (e * Expr.Constant(Tensor.OfDoubles(e.DType, e.Shape, r)))

                    let loss = roots |> Array.mapi weighted |> Array.reduce (+)
                    let wrt = Array.append trace.Inputs trace.Leaves |> Array.filter (fun e -> DType.isFloating e.DType)
                    if wrt.Length = 0 then [||] else Grad.gradients loss wrt

            let roots = Array.concat [ trace.Outputs; trace.Traced.Losses; updates; gradients ]
            let expected = LayerRun.interpret bindings roots
            let actual = LayerRun.compiled bindings roots

            Array.zip expected actual
            |> Array.iteri (fun i (e, a) ->
                Close.closeToParts (row.Class + " " + string mode + " " + string i) 1e-4 e a)

    [<Fact>]
    member _.``every class of the registry has a row``() =
        let rows = LayerTable.rows |> List.map (fun r -> r.Class)
        Assert.Equal(rows.Length, (List.distinct rows).Length)
        let classes = (Registry.builtIn () |> List.map (fun e -> e.Class)) @ [ "Sequential"; "Functional" ]
        Assert.Empty(List.except rows classes)
        Assert.Empty(List.except classes rows)
        output.WriteLine(string classes.Length + " classes of layers, all of them with a row")
