module FunctionalNet.Tests.Training.NestedStructureTests

open System
open System.Collections.Generic
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Tests.Support
open Samples

let private one (value: 'T) = Nested<'T>.Of value
let private several (items: Nested<'T> list) = Nested<'T>.List(List.toArray items)

let private byName (entries: (string * Nested<'T>) list) =
    Nested<'T>.Dictionary [| for name, item in entries -> struct (name, item) |]

/// A structure of numbers drawn from a seed, and its leaves as Keras's tree.flatten gives them.
let rec private drawn (rng: Random) (depth: int) (next: unit -> int) : Nested<int> * (string * int) list =
    let below (prefix: string) (leaves: (string * int) list) =
        leaves |> List.map (fun (path, v) -> (if path = "" then prefix else prefix + "/" + path), v)

    match (if depth > 3 then 0 else rng.Next 3) with
    | 0 ->
        let value = next ()
        one value, [ "", value ]
    | 1 ->
        let parts = List.init (1 + rng.Next 3) (fun _ -> drawn rng (depth + 1) next)
        several (List.map fst parts), parts |> List.mapi (fun i (_, l) -> below (string i) l) |> List.concat
    | _ ->
        let names =
            [ "b"; "a"; "Z"; "10"; "9"; "ä" ]
            |> List.sortBy (fun _ -> rng.Next())
            |> List.truncate (1 + rng.Next 4)
        let parts = names |> List.map (fun name -> name, drawn rng (depth + 1) next)
        let sorted = parts |> List.sortWith (fun (a, _) (b, _) -> String.CompareOrdinal(a, b))
        byName (parts |> List.map (fun (n, (t, _)) -> n, t)), sorted |> List.collect (fun (n, (_, l)) -> below n l)

[<Property>]
let ``leaves come in Keras's order, and structures are taken apart and put together`` (seed: int) =
    let rng = Random(seed)
    let mutable count = 0

    let tree, leaves =
        drawn rng 0 (fun () ->
            count <- count + 1
            count)

    Assert.Equal<string>(List.map fst leaves, tree.Paths)
    Assert.Equal<int>(List.map snd leaves, tree.Leaves)
    let doubled = tree.Map(fun v -> 2 * v)
    Assert.Equal<int>(leaves |> List.map (fun (_, v) -> 2 * v), doubled.Leaves)
    let packed = tree.Pack<string>(tree.Paths)
    Assert.True(packed.HasStructureOf tree)

    for path, value in leaves do
        Assert.Equal(path, packed.At path)
        Assert.Equal(value, tree.At path)

    if not tree.IsLeaf then Assert.False((one 1).HasStructureOf tree)

[<Fact>]
let ``wrong structures and paths are refused`` () =
    let tree = byName [ "a", several [ one 1; one 2 ]; "b", one 3 ]
    Assert.Equal(2, tree["a"].[1].Value)
    Assert.Throws<ArgumentValueException>(fun () -> tree.At "a/2" |> ignore) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> tree["c"] |> ignore) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> tree["a"].[2] |> ignore) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> tree.Value |> ignore) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> tree.Pack [| 1; 2 |] |> ignore) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> byName [ "x/y", one 1 ] |> ignore) |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> byName [ "x", one 1; "x", one 2 ] |> ignore)
    |> ignore

    let ofPaths (pairs: (string * int) list) = Nested<int>.OfPaths [| for k, v in pairs -> KeyValuePair(k, v) |]
    Assert.Equal("a/b, a/c, d", string (ofPaths [ "d", 1; "a/c", 2; "a/b", 3 ]))
    Assert.Throws<ArgumentValueException>(fun () -> ofPaths [ "a", 1; "a/b", 2 ] |> ignore) |> ignore

// A model of three inputs and three outputs, and the same model flat.

let private parts () =
    let input (name: string) (size: int) =
        Network.inputWith { Name = name; Shape = [ size ]; DType = DType.Float32; BatchSize = None }

    let image, age, height = input "image" 4, input "age" 1, input "height" 2
    let joined = Network.applyMany Layer.concatenate [ image; age; height ] |> List.head

    let head (name: string) (units: int) = Network.apply (Layer.dense units |> Layer.named name) joined
    (image, age, height), (head "kind" 3, head "left" 2, head "right" 2)

let private nested () =
    let (image, age, height), (kind, left, right) = parts ()

    Network.createNested
        (byName [ "image", one image; "facts", several [ one age; one height ] ])
        (byName [ "kind", one kind; "boxes", byName [ "pair", several [ one left; one right ] ] ])

/// In the order of the nested one's leaves.
let private flat () =
    let (image, age, height), (kind, left, right) = parts ()
    Network.create [ age; height; image ] [ left; right; kind ]

let private images, ages, heights = tensor 1 [ 40; 4 ], tensor 2 [ 40; 1 ], tensor 3 [ 40; 2 ]
let private kinds, lefts, rights = labels 4 3 40, tensor 5 [ 40; 2 ], tensor 6 [ 40; 2 ]
let private weights =
    Tensor.OfDoubles(DType.Float32, Shape.Of 40, Array.init 40 (fun i -> float (i % 3)))

let private nestedData () =
    TrainingData(
        byName [ "facts", several [ one ages; one heights ]; "image", one images ],
        byName [ "boxes", byName [ "pair", several [ one lefts; one rights ] ]; "kind", one kinds ],
        byName [ "boxes", byName [ "pair", several [ one weights ] ] ]
    )

let private ones = Tensor.Full(DType.Float32, Shape.Of 40, 1.0)

let private flatData () =
    TrainingData([| ages; heights; images |], [| lefts; rights; kinds |], [| weights; ones; ones |])

[<Fact>]
let ``names of nested outputs are those of Keras's losses`` () =
    // keras/src/trainers/compile_utils.py, CompileLoss._build_nested: the last number gives way to the name of the layer.
    Assert.Equal<string>([ "boxes/pair/left"; "boxes/pair/right"; "kind" ], Network.outputNames (nested ()))
    Assert.Equal<string>([ "facts/age"; "facts/height"; "image" ], Network.inputNames (nested ()))

[<Fact>]
let ``a nested model trains to the bits of the flat one`` () =
    let mse, crossentropy = Loss.parse "mse", Loss.parse "sparse_categorical_crossentropy"
    let a = Trainer.createWith 3UL (nested ())

    a.Compile(
        TrainingOptions(Optimizer = Optimizer.sgd 0.1)
            .AddLosses(
                byName [ "kind", one crossentropy; "boxes", byName [ "pair", several [ one mse; one mse ] ] ],
                byName [ "boxes", byName [ "pair", several [ one 0.5; one 2.0 ] ] ]
            )
            .AddMetrics(byName [ "kind", one [| Metric.accuracy |] ], false)
            .AddMetrics(byName [ "boxes", byName [ "pair", several [ one [| Metric.parse "mae" |] ] ] ], true)
    )

    let b = Trainer.createWith 3UL (flat ())

    b.Compile(
        TrainingOptions(Optimizer = Optimizer.sgd 0.1)
            .AddLoss(0, mse, 0.5)
            .AddLoss(1, mse, 2.0)
            .AddLoss(2, crossentropy, 1.0)
            .AddMetric(2, Metric.accuracy, false)
            .AddMetric(0, Metric.parse "mae", true)
    )

    let options () = FitOptions(Epochs = 3, BatchSize = 16, Verbosity = Verbosity.Silent)
    let first, second = a.Fit(nestedData (), options ()), b.Fit(flatData (), options ())
    sameBits (a.GetWeights()) (b.GetWeights())
    Assert.Equal<float>(second["loss"], first["loss"])
    Assert.Equal<float>(second["left_loss"], first["boxes/pair/left_loss"])
    Assert.Equal<float>(second["left_mae"], first["boxes/pair/left_mae"])
    Assert.Equal<float>(second["kind_accuracy"], first["kind_accuracy"])

    // Data by names, in batches of a dataset, and predictions in the structure of the outputs.
    let logs = a.Evaluate(Dataset.FromTensors(nestedData ()).Batch 7, EvaluateOptions())
    let expected = b.Evaluate(flatData (), EvaluateOptions(BatchSize = 7))
    Assert.Equal(expected["loss"], logs["loss"], 1e-6)
    let predicted = a.Predict(nestedData (), EvaluateOptions())
    let packed = Network.packOutputs predicted a.Network
    Assert.True((packed.At "boxes/pair/1").BitEquals(b.Predict([| ages; heights; images |], EvaluateOptions())[1]))
    Assert.True((packed.At "kind").BitEquals predicted[2])

[<Fact>]
let ``a nested model keeps its structure in JSON and files`` () =
    let json = Network.toJson (nested ())
    // As keras/src/models/functional.py writes output_layers.
    Assert.Contains(
        "\"output_layers\":{\"boxes\":{\"pair\":[[\"left\",0,0],[\"right\",0,0]]},\"kind\":[\"kind\",0,0]}",
        json.Replace(" ", "")
    )
    let again = Network.ofJson json
    Assert.Equal(json, Network.toJson again)
    Assert.Equal<string>(Network.outputNames (nested ()), Network.outputNames again)

    inFolder (fun folder ->
        let path = IO.Path.Combine(folder, "nested.fnet")
        let trainer = Trainer.createWith 3UL (nested ())
        trainer.Save path
        let loaded = Trainer.Load path
        Assert.Equal(json, Network.toJson loaded.Network)

        for a, b in
            Seq.zip
                (trainer.Predict(nestedData (), EvaluateOptions()))
                (loaded.Predict(nestedData (), EvaluateOptions())) do
            Assert.True(a.BitEquals b))

[<Fact>]
let ``one loss is that of every nested output, and wrong paths are refused`` () =
    let trainer = Trainer.createWith 3UL (nested ())
    trainer.Compile(TrainingOptions().AddLosses(one (Loss.parse "mse"), null))
    Assert.Equal<string>([ "loss"; "boxes/pair/left_loss"; "boxes/pair/right_loss"; "kind_loss" ], trainer.MetricNames)

    let refused (act: unit -> unit) = Assert.Throws<ArgumentValueException>(act) |> ignore
    let mse = Loss.parse "mse"
    refused (fun () -> trainer.Compile(TrainingOptions().AddLosses(byName [ "boxes", one mse ], null)))
    refused (fun () -> TrainingOptions().AddLosses(byName [ "kind", one mse ], byName [ "boxes", one 1.0 ]) |> ignore)

    // No input stands at facts, and those of facts/1 and image are missing.
    refused (fun () -> trainer.Predict(TrainingData(byName [ "facts", one ages ], null), EvaluateOptions()) |> ignore)

    Assert.Throws<DataException>(fun () ->
        trainer.Predict(TrainingData(byName [ "facts", several [ one ages ] ], null), EvaluateOptions())
        |> ignore)
    |> ignore
