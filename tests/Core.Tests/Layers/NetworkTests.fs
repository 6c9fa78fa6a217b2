namespace FunctionalNet.Tests.Layers

open System
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open Xunit

/// Small layers to build networks from, and evaluation by the interpreter.
module Small =

    let private drawn: Initializer =
        { Config = None
          Create =
            fun seed stream shape ->
                let random = System.Random(int ((seed * 31UL + stream) % 1000000007UL))
                Array.init shape.Size (fun _ -> random.NextDouble() - 0.5) }

    let private zero: Initializer = { Config = None; Create = fun _ _ shape -> Array.zeroCreate shape.Size }

    let dense (units: int) =
        Layer.create "Dense" (fun scope x ->
            let kernel = scope.Param("kernel", Shape.Of(x.Shape[-1], units), drawn)
            let bias = scope.Param("bias", Shape.Of units, drawn)
            Ops.matmul x kernel + bias)

    let relu = fun () -> Layer.create "ReLU" (fun _ x -> Ops.relu x)

    let flatten () = Layer.create "Flatten" (fun _ x -> Ops.reshape [| x.Shape[0]; -1 |] x)

    let conv (filters: int) =
        Layer.create "Conv2D" (fun scope x ->
            let kernel = scope.Param("kernel", Shape.Of(3, 3, x.Shape[-1], filters), drawn)
            Ops.conv [| 1; 1 |] Padding.Valid [| 1; 1 |] 1 kernel x)

    /// State declared before the parameters, to see that parameters come first in lists.
    let scale () =
        Layer.create "Scale" (fun scope x ->
            let mean = scope.State("mean", Shape.Of(x.Shape[-1]), scope.FloatType, zero)
            let gain = scope.Param("gain", Shape.Of(x.Shape[-1]), drawn)
            scope.Update(mean, mean * 0.5)
            (x - mean) * gain)

    let add () =
        Layer.make "Add" None (fun _ flows ->
            [| Flow.ofValue (flows |> Array.map (fun f -> f.Value) |> Array.reduce (+)) |])

    /// Two outputs: the input and its square.
    let fork () =
        Layer.make "Fork" None (fun _ flows -> [| flows[0]; Flow.ofValue (flows[0].Value * flows[0].Value) |])

    let run (network: Network) (weights: (VariableSpec * Tensor)[]) (inputs: Tensor list) : Tensor[] =
        let leaves = inputs |> List.mapi (fun i t -> Expr.Input("in" + string i, t.DType, t.Shape))
        let flows = leaves |> List.map Flow.ofValue |> List.toArray
        let traced = Network.trace Mode.Infer network.FloatType (fun _ -> false) network flows
        let values = weights |> Array.map (fun (spec, t) -> spec.Path, t) |> Map.ofArray

        let bindings =
            Seq.append
                (Seq.zip leaves inputs)
                (traced.Variables |> Seq.map (fun (struct (spec, leaf)) -> leaf, values[spec.Path]))

        Interpreter.runTensors bindings (traced.Outputs |> Array.map (fun f -> f.Value))

    let first network weights inputs : Tensor = (run network weights inputs)[0]

    let same (a: Tensor) (b: Tensor) = Assert.True(a.BitEquals b)

    let runLayer (layer: Layer) (weights: (VariableSpec * Tensor)[]) (input: Tensor) : Tensor =
        let leaf = Expr.Input("in", input.DType, input.Shape)
        let traced = Layer.trace Mode.Infer DType.Float32 (fun _ -> false) layer [| Flow.ofValue leaf |]
        let values = weights |> Array.map (fun (spec, t) -> spec.Path, t) |> Map.ofArray

        let bindings =
            Seq.append
                [ leaf, input ]
                (traced.Variables |> Seq.map (fun (struct (spec, leaf)) -> leaf, values[spec.Path]))

        Interpreter.value bindings traced.Outputs[0].Value

    let data (dims: int list) =
        let shape = Shape.Of(List.toArray dims)
        Tensor.OfDoubles(DType.Float32, shape, Array.init shape.Size (fun i -> float ((i * 7) % 11) / 5.0 - 1.0))

    let paths network = Network.variables network |> Array.map (fun v -> v.Path)

    let names network = Network.layers network |> Array.map (fun l -> l.Name)

module NetworkTests =

    [<Fact>]
    let ``a network of a serial layer is the serial layer`` () =
        let layer = Layer.serial [ Small.dense 5; Small.relu (); Small.dense 3; Small.scale () ]
        let x = Small.data [ 4; 6 ]

        let check (network: Network) =
            let weights = Network.init 7UL network

            Assert.Equal<string list>(
                [ "dense/kernel"; "dense/bias"; "dense_1/kernel"; "dense_1/bias"; "scale/gain"; "scale/mean" ],
                Small.paths network |> Array.toList
            )

            Small.same (Small.first network weights [ x ]) (Small.runLayer layer weights x)

        let input = Network.input [ 6 ]
        check (Network.ofLayer [ input ] layer)
        check (Network.sequential input [ layer ])
        check (Network.sequential input [ Small.dense 5; Small.relu (); Small.dense 3; Small.scale () ])

    [<Fact>]
    let ``grouping of a pipeline changes nothing`` () =
        let a, b, c = Small.dense 5, Small.relu (), Small.dense 2
        let input = Network.input [ 3 ]
        let left = Network.sequential input [ (a >>> b) >>> c ]
        let right = Network.sequential input [ a; b >>> c ]
        Assert.Equal<string[]>(Small.names left, Small.names right)
        Assert.Equal<string[]>(Small.paths left, Small.paths right)
        let x = Small.data [ 2; 3 ]
        let weights = Network.init 1UL left
        Small.same (Small.first left weights [ x ]) (Small.first right weights [ x ])

    [<Fact>]
    let ``one layer value used twice has one set of weights`` () =
        let left, right = Network.input [ 4 ], Network.input [ 4 ]
        let tower = Small.dense 3
        let a, b = Network.apply tower left, Network.apply tower right
        let network = Network.create [ left; right ] [ Network.merge (Small.add ()) [ a; b ] ]
        Assert.Equal<string[]>([| "dense/kernel"; "dense/bias" |], Small.paths network)
        Assert.Equal<string[]>([| "input_layer"; "input_layer_1"; "dense"; "add" |], Small.names network)

        let info = Network.layers network |> Array.find (fun l -> l.Name = "dense")
        Assert.Equal(15L, info.TrainableParameters)
        Assert.Equal<string[]>([| "input_layer[0][0]"; "input_layer_1[0][0]" |], info.Connections)
        let sum = Network.layers network |> Array.find (fun l -> l.Name = "add")
        Assert.Equal<string[]>([| "dense[0][0]"; "dense[1][0]" |], sum.Connections)

        // The same numbers on both sides: twice one tower.
        let x = Small.data [ 2; 4 ]
        let weights = Network.init 3UL network
        let both = (Small.first network weights [ x; x ]).ToDoubles()
        let one = (Small.runLayer (Layer.serial [ tower ]) weights x).ToDoubles()
        Assert.Equal<float[]>(one |> Array.map (fun v -> float (float32 (2.0 * v))), both)

    [<Fact>]
    let ``different layer values of one class have different names and weights`` () =
        let x = Network.input [ 4 ]
        let y =
            Network.merge (Small.add ()) [ Network.apply (Small.dense 3) x; Network.apply (Small.dense 3) x ]
        let network = Network.create [ x ] [ y ]
        Assert.Equal<string[]>([| "input_layer"; "dense"; "dense_1"; "add" |], Small.names network)
        Assert.Equal(30L, Network.countParameters network)

    [<Fact>]
    let ``layers shared under one name are one layer`` () =
        let x = Network.input [ 3 ]
        let make () = Small.dense 3 |> Layer.shared "tied"
        let network = Network.create [ x ] [ x |> Network.apply (make ()) |> Network.apply (make ()) ]
        Assert.Equal<string[]>([| "tied/kernel"; "tied/bias" |], Small.paths network)
        Assert.Equal<string[]>([| "input_layer"; "tied" |], Small.names network)

    [<Fact>]
    let ``a pipeline lists its layers without the input and repeated values are separate`` () =
        let layer = Small.dense 4
        let network = Network.sequential (Network.input [ 4 ]) [ layer; layer ]
        Assert.Equal<string[]>([| "dense"; "dense_1" |], Small.names network)
        Assert.Equal("sequential", network.Name)

    [<Fact>]
    let ``a network is a layer whose variables lie under its name`` () =
        let inner =
            Network.sequential (Network.input [ 6; 6; 2 ]) [ Small.conv 4; Small.scale (); Small.flatten () ]
            |> Network.named "features"

        let x = Network.input [ 6; 6; 2 ]
        let y = x |> Network.apply (Network.asLayer inner) |> Network.apply (Small.dense 2)
        let outer = Network.create [ x ] [ y ]

        Assert.Equal<string[]>(
            [| "features/conv2d/kernel"
               "features/scale/gain"
               "features/scale/mean"
               "dense/kernel"
               "dense/bias" |],
            Small.paths outer
        )

        let info = (Network.layers outer)[1]
        Assert.Equal("Sequential", info.ClassName)
        Assert.Equal(76L, info.TrainableParameters)
        Assert.Equal(4L, info.NonTrainableParameters)
        Assert.Equal<int[]>([| -1; 64 |], info.OutputShapes[0])
        Assert.Equal("features", (Network.tryOfLayer info.Layer).Value.Name)

        // Inner values are those of the inner network alone.
        let data = Small.data [ 2; 6; 6; 2 ]
        let weights = Network.init 5UL outer

        let innerWeights =
            weights
            |> Array.filter (fun (s, _) -> s.Path.StartsWith "features/")
            |> Array.map (fun (s, t) -> { s with Path = s.Path.Substring 9 }, t)

        let middle = Network.create (Network.inputs outer) [ Network.outputOf "features" outer ]
        Small.same (Small.first middle weights [ data ]) (Small.first inner innerWeights [ data ])

    [<Fact>]
    let ``unnamed networks inside a network are named by their class`` () =
        let block () = Network.sequential (Network.input [ 3 ]) [ Small.dense 3 ] |> Network.asLayer
        let x = Network.input [ 3 ]
        let outer = Network.create [ x ] [ x |> Network.apply (block ()) |> Network.apply (block ()) ]

        Assert.Equal<string[]>(
            [| "sequential/dense/kernel"
               "sequential/dense/bias"
               "sequential_1/dense/kernel"
               "sequential_1/dense/bias" |],
            Small.paths outer
        )

    [<Fact>]
    let ``several inputs and outputs keep their order`` () =
        let a = Network.inputWith { Name = "a"; Shape = [ 2 ]; DType = DType.Float32; BatchSize = None }
        let b = Network.inputWith { Name = "b"; Shape = [ 2 ]; DType = DType.Float32; BatchSize = None }
        let both = Network.applyMany (Small.fork ()) [ a ]
        let sum = Network.merge (Small.add ()) [ both[1]; b ]
        let network = Network.create [ b; a ] [ sum; both[0]; b ]
        let x, y = Small.data [ 3; 2 ], Tensor.Full(DType.Float32, Shape.Of(3, 2), 10.0)
        let results = Small.run network [||] [ y; x ]
        Assert.Equal(3, results.Length)
        Assert.Equal<float[]>(
            x.ToDoubles() |> Array.map (fun v -> float (float32 v * float32 v + 10.0f)),
            results[0].ToDoubles()
        )
        Assert.True(results[1].BitEquals x)
        Assert.True(results[2].BitEquals y)

        let info = Network.layers network |> Array.find (fun l -> l.Name = "add")
        Assert.Equal<string[]>([| "fork[0][1]"; "b[0][0]" |], info.Connections)

    [<Fact>]
    let ``layers are listed by depth as in Keras`` () =
        // value <- concat <- (dense <- numbers), (lstm <- emb <- tokens)
        let input name = Network.inputWith { Name = name; Shape = [ 4 ]; DType = DType.Float32; BatchSize = None }
        let tokens, numbers = input "tokens", input "numbers"
        let emb = tokens |> Network.apply (Small.dense 4 |> Layer.named "emb")
        let dense = numbers |> Network.apply (Small.dense 4)
        let lstm = emb |> Network.apply (Small.relu () |> Layer.named "lstm")
        let concat = Network.merge (Small.add () |> Layer.named "concat") [ dense; lstm ]
        let value = concat |> Network.apply (Small.dense 1 |> Layer.named "value")
        let kind = concat |> Network.apply (Small.dense 3 |> Layer.named "kind")
        let network = Network.create [ numbers; tokens ] [ value; kind ]
        Assert.Equal<string[]>(
            [| "tokens"; "numbers"; "emb"; "dense"; "lstm"; "concat"; "value"; "kind" |],
            Small.names network
        )

    [<Fact>]
    let ``unknown sizes stay unknown`` () =
        let image = Network.input [ -1; 10; 3 ]
        let y = image |> Network.apply (Small.conv 4)
        Assert.Equal<int seq>([ -1; -1; 8; 4 ], y.Shape)
        Assert.Equal("(None, None, 8, 4)", y.ToString())
        let pooled = y |> Network.apply (Layer.create "Mean" (fun _ x -> Ops.mean [| 1; 2 |] false x))
        Assert.Equal<int seq>([ -1; 4 ], pooled.Shape)
        let network = Network.create [ image ] [ pooled |> Network.apply (Small.dense 2) ]
        let weights = Network.init 2UL network

        for height in [ 3; 5; 17 ] do
            Assert.Equal(Shape.Of(2, 2), (Small.first network weights [ Small.data [ 2; height; 10; 3 ] ]).Shape)

    [<Fact>]
    let ``a fixed batch size is known`` () =
        let x = Network.inputWith { Name = ""; Shape = [ 3 ]; DType = DType.Float32; BatchSize = Some 8 }
        Assert.Equal<int seq>([ 8; 2 ], (x |> Network.apply (Small.dense 2)).Shape)

    [<Fact>]
    let ``sizes that are too small or too large for a layer are tried otherwise`` () =
        // Needs at least 100 steps; after it comes a layer that was typed under the first assumption for others.
        let long =
            Layer.create "Long" (fun _ x -> Ops.slice [| 0; 99; 0 |] [| x.Shape[0]; x.Shape[1] - 99; x.Shape[2] |] x)
        let x = Network.input [ -1; 3 ]
        let y = x |> Network.apply (Small.relu ()) |> Network.apply long |> Network.apply (Small.dense 2)
        Assert.Equal<int seq>([ -1; -1; 2 ], y.Shape)
        Assert.Equal(8L, Network.countParameters (Network.create [ x ] [ y ]))
        // At most 30 steps.
        let short =
            Layer.create "Positions" (fun scope x ->
                let table =
                    scope.Param(
                        "table",
                        Shape.Of(30, 3),
                        { Config = None; Create = fun _ _ s -> Array.zeroCreate s.Size }
                    )
                x + Ops.slice [| 0; 0 |] [| x.Shape[1]; 3 |] table)

        Assert.Equal<int seq>([ -1; -1; 3 ], (x |> Network.apply short).Shape)

    [<Fact>]
    let ``a weight may not depend on an unknown size`` () =
        let x = Network.input [ -1; 3 ]
        let flat = x |> Network.apply (Small.flatten ())
        Assert.Equal<int seq>([ -1; -1 ], flat.Shape)
        let e = Assert.Throws<ShapeException>(fun () -> flat |> Network.apply (Small.dense 2) |> ignore)
        Assert.Equal("dense/kernel", e.Path)
        Assert.Contains("(None, 2)", e.Actual)

    [<Fact>]
    let ``an error at build time names the layer as the network will`` () =
        let x = Network.input [ 8 ]
        let a = x |> Network.apply (Small.dense 4)
        let b = x |> Network.apply (Small.dense 5)
        let e = Assert.Throws<ShapeException>(fun () -> Network.merge (Small.add ()) [ a; b ] |> ignore)
        Assert.Equal("add", e.Path)
        Assert.Contains("(None, 4), (None, 5)", e.Hint)
        let inner = Layer.serial [ Small.relu (); Small.conv 3 ]
        let e =
            Assert.Throws<ShapeException>(fun () -> a |> Network.apply (Small.dense 3) |> Network.apply inner |> ignore)
        Assert.Equal("sequential/conv2d", e.Path)
        // The third dense layer of the chain, though it has no name yet.
        let bad = Layer.create "Dense" (fun _ x -> Ops.reshape [| 7; 7 |] x)
        let e =
            Assert.Throws<ShapeException>(fun () -> a |> Network.apply (Small.dense 3) |> Network.apply bad |> ignore)
        Assert.Equal("dense_2", e.Path)

    [<Fact>]
    let ``an element type error comes at build time`` () =
        let ids = Network.inputWith { Name = "ids"; Shape = [ 5 ]; DType = DType.Int32; BatchSize = None }
        let e = Assert.Throws<DTypeException>(fun () -> ids |> Network.apply (Small.dense 2) |> ignore)
        Assert.Equal("dense", e.Path)

    [<Fact>]
    let ``explicit names must differ`` () =
        let x = Network.input [ 3 ]
        let y =
            x
            |> Network.apply (Small.dense 3 |> Layer.named "a")
            |> Network.apply (Small.dense 3 |> Layer.named "a")
        let e = Assert.Throws<ArgumentValueException>(fun () -> Network.create [ x ] [ y ] |> ignore)
        Assert.Equal("a", e.Path)

    [<Fact>]
    let ``inputs and outputs must be connected`` () =
        let x, other =
            Network.input [ 3 ],
            Network.inputWith { Name = "other"; Shape = [ 3 ]; DType = DType.Float32; BatchSize = None }
        let y = x |> Network.apply (Small.dense 3)
        let sum = Network.merge (Small.add ()) [ y; other ]
        let e = Assert.Throws<GraphException>(fun () -> Network.create [ x ] [ sum ] |> ignore)
        Assert.Equal("other", e.Path)
        let e = Assert.Throws<GraphException>(fun () -> Network.create [ x; other ] [ y ] |> ignore)
        Assert.Equal("other", e.Path)
        Assert.Throws<ArgumentValueException>(fun () -> Network.create [] [ y ] |> ignore) |> ignore
        Assert.Throws<ArgumentValueException>(fun () -> Network.create [ x ] [] |> ignore) |> ignore
        Assert.Throws<ArgumentValueException>(fun () -> Network.create [ x; x ] [ y ] |> ignore) |> ignore
        Assert.Throws<ArgumentValueException>(fun () -> Network.input [ 0 ] |> ignore) |> ignore

    [<Fact>]
    let ``parts of a network keep its names`` () =
        let whole = Network.sequential (Network.input [ 6 ]) [ Small.dense 5; Small.dense 4; Small.dense 3 ]
        let weights = Network.init 9UL whole
        let x = Small.data [ 2; 6 ]
        let features = Network.create (Network.inputs whole) [ Network.outputOf "dense_1" whole ]
        Assert.Equal<string[]>(
            [| "dense/kernel"; "dense/bias"; "dense_1/kernel"; "dense_1/bias" |],
            Small.paths features
        )
        // From the middle on: the first layer is gone, the names stay.
        let tail = Network.create [ Network.outputOf "dense" whole ] (Network.outputs whole)
        Assert.Equal<string[]>(
            [| "dense_1/kernel"; "dense_1/bias"; "dense_2/kernel"; "dense_2/bias" |],
            Small.paths tail
        )
        let head = Network.create (Network.inputs whole) [ Network.outputOf "dense" whole ]
        let middle = Small.first head weights [ x ]
        // The value in the middle is rounded to float32 here.
        Close.close
            1e-6
            1e-6
            ((Small.first whole weights [ x ]).ToDoubles())
            ((Small.first tail weights [ middle ]).ToDoubles())
        Assert.Throws<ArgumentValueException>(fun () -> Network.outputOf "nowhere" whole |> ignore)
        |> ignore

    [<Fact>]
    let ``float64 networks declare float64 weights and take float64 inputs`` () =
        let network =
            Network.sequential (Network.input [ 3 ]) [ Small.dense 2 ] |> Network.withDType DType.Float64
        Assert.All(Network.variables network, fun v -> Assert.Equal(DType.Float64, v.DType))
        let x = (Small.data [ 2; 3 ])
        let y = (Small.run network (Network.init 1UL network) [ x ])[0]
        Assert.Equal(DType.Float64, y.DType)
        Assert.Throws<DTypeException>(fun () -> network |> Network.withDType DType.Int32 |> ignore)
        |> ignore
        let named = Network.inputWith { Name = ""; Shape = [ 3 ]; DType = DType.Float64; BatchSize = None }
        Assert.Equal(DType.Float64, (Network.create [ named ] [ named |> Network.apply (Small.dense 2) ]).FloatType)

    [<Fact>]
    let ``freezing marks variables and keeps everything else`` () =
        let block =
            Network.sequential (Network.input [ 3 ]) [ Small.dense 3; Small.scale () ] |> Network.named "block"
        let x = Network.input [ 3 ]
        let tower = Network.asLayer block
        let twice = x |> Network.apply tower |> Network.apply tower
        let network =
            Network.create [ x ] [ twice |> Network.apply (Layer.serial [ Small.dense 2; Small.relu () ]) ]
        let frozen paths network =
            Network.freeze paths network
            |> Network.variables
            |> Array.filter (fun v -> v.Frozen)
            |> Array.map (fun v -> v.Path)
        Assert.Equal<string[]>(
            [| "block/dense/kernel"; "block/dense/bias"; "block/scale/gain"; "block/scale/mean" |],
            frozen [ "block" ] network
        )
        Assert.Equal<string[]>([| "block/dense/kernel"; "block/dense/bias" |], frozen [ "block/dense" ] network)
        Assert.Equal<string[]>(
            [| "sequential/dense/kernel"; "sequential/dense/bias" |],
            frozen [ "sequential/dense" ] network
        )
        let some = Network.freeze [ "block/dense" ] network
        Assert.Equal<string[]>(Small.paths network, Small.paths some)
        let info = Network.layers some |> Array.find (fun l -> l.Name = "block")
        Assert.Equal(3L, info.TrainableParameters)
        Assert.Equal(15L, info.NonTrainableParameters)
        Assert.Empty(Network.unfreeze some |> Network.variables |> Array.filter (fun v -> v.Frozen))

    [<Fact>]
    let ``inputs are checked when a network is traced`` () =
        let network = Network.sequential (Network.input [ 4; 1 ]) [ Small.dense 2 ]
        let weights = Network.init 1UL network
        // A last axis of size 1 may be left out.
        Assert.Equal(Shape.Of(3, 4, 2), (Small.first network weights [ Small.data [ 3; 4 ] ]).Shape)
        let e =
            Assert.Throws<ShapeException>(fun () -> Small.run network weights [ Small.data [ 3; 5; 1 ] ] |> ignore)
        Assert.Equal("input_layer", e.Path)
        Assert.Equal("(None, 4, 1)", e.Expected)
        Assert.Throws<ShapeException>(fun () -> Small.run network weights [] |> ignore) |> ignore
        let ids = Network.inputWith { Name = "ids"; Shape = [ 4 ]; DType = DType.Int32; BatchSize = None }
        let counts = Network.create [ ids ] [ ids |> Network.apply (Layer.create "Twice" (fun _ x -> x + x)) ]
        Assert.Throws<DTypeException>(fun () -> Small.run counts [||] [ Small.data [ 3; 4 ] ] |> ignore)
        |> ignore

    [<Fact>]
    let ``a mask can be given to a layer`` () =
        let x = Network.input [ 4; 2 ]
        let steps = Network.inputWith { Name = "steps"; Shape = [ 4 ]; DType = DType.Bool; BatchSize = None }

        let count =
            Layer.make "Count" None (fun _ flows ->
                let mask = flows[0].Mask.Value
                [| Flow.ofValue (Ops.sum [| 1 |] false (Ops.cast DType.Float32 mask)) |])

        let y = Network.applyMasked count steps [ x ] |> List.head
        let network = Network.create [ x; steps ] [ y ]
        let mask = Tensor.Of<bool>(Shape.Of(1, 4), [| true; false; true; true |])
        Assert.Equal<float[]>([| 3.0 |], (Small.first network [||] [ Small.data [ 1; 4; 2 ]; mask ]).ToDoubles())
        Assert.Throws<DTypeException>(fun () -> Network.applyMasked count x [ x ] |> ignore) |> ignore

    [<Fact>]
    let ``deep networks are built in linear time and without deep recursion`` () =
        let depth = 3000
        let x = Network.input [ 2 ]
        let mutable y = x
        let traces = ref 0

        for _ in 1..depth do
            y <-
                Network.apply
                    (Layer.create "Count" (fun _ x ->
                        traces.Value <- traces.Value + 1
                        x + 1.0))
                    y

        // Two sizes of the batch are tried at every call, and no more.
        Assert.Equal(2 * depth, traces.Value)
        let network = Network.create [ x ] [ y ]
        Assert.Equal(depth + 1, (Network.layers network).Length)
        Assert.Equal("count_2999", Array.last (Small.names network))

    /// A random directed graph: every new layer takes one or two of the tensors so far.
    [<Property>]
    let ``a random graph computes what its layers compute, and as a layer too`` (choices: (byte * byte * byte) list) =
        let x = Network.input [ 3 ]
        let nodes = ResizeArray [ x ]

        for kind, i, j in choices do
            let a, b = nodes[int i % nodes.Count], nodes[int j % nodes.Count]

            match int kind % 3 with
            | 0 -> nodes.Add(Network.apply (Small.dense 3) a)
            | 1 -> nodes.Add(Network.merge (Small.add ()) [ a; b ])
            | _ -> nodes.Add(Network.apply (Small.relu ()) a)

        let network = Network.create [ x ] [ nodes[nodes.Count - 1] |> Network.apply (Small.relu ()) ]
        let weights = Network.init 11UL network
        let data = Small.data [ 2; 3 ]
        let direct = (Small.first network weights [ data ])
        let outer = Network.sequential (Network.input [ 3 ]) [ Network.asLayer (Network.named "inner" network) ]

        let renamed = weights |> Array.map (fun (s, t) -> { s with Path = "inner/" + s.Path }, t)
        let order = weights |> Array.map (fun (s, _) -> "inner/" + s.Path)
        let nested = Small.first outer renamed [ data ]
        (order = Small.paths outer) && nested.BitEquals direct
