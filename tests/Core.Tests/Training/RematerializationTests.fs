module FunctionalNet.Tests.Training.RematerializationTests

open System
open Xunit
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Training
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Compiler
open Samples

/// Blocks of layers whose inner values are much wider than what goes from one to the next.
let private tower (depth: int) (remat: bool) (dropout: bool) =
    let block (i: int) =
        [ Layer.dense 96 >>> Layer.activation (Activation.parse "gelu")
          if dropout then Layer.dropout 0.3
          Layer.batchNormalization
          Layer.dense 96 >>> Layer.activation (Activation.parse "gelu")
          Layer.dense 8 ]
        |> Layer.serial
        |> Layer.named ("block" + string i)
        |> if remat then Layer.remat RematMode.Full else id

    Network.sequential (Network.input [ 8 ]) [ yield! List.init depth block; Layer.named "head" (Layer.dense 3) ]

let private compiledOn (network: Network) =
    let trainer =
        Trainer.createWith 7UL network |> Trainer.compile (Optimizer.sgd 0.05) (Loss.parse "mse") []

    trainer.TrainOnBatch(TrainingData(tensor 1 [ 64; 8 ], tensor 2 [ 64; 3 ])) |> ignore
    trainer

/// Bytes of the arena of a training step.
let private arena (trainer: Trainer) =
    let parts = trainer.StepParts

    let types =
        { Inputs = [| { DType = DType.Float32; Shape = Shape.Of(64, 8) } |]
          Targets = [| { DType = DType.Float32; Shape = Shape.Of(64, 3) } |]
          Weights = [| ValueNone |] }

    let step = TrainStep.training parts.Network parts.Plan parts.Settings parts.IsFrozen types
    (Compile.compile { CompileOptions.Default with Check = true } step.Graph).ArenaBytes

[<Fact>]
let ``blocks that are computed again train to the same weights in less memory`` () =
    let plain, again = compiledOn (tower 4 false true), compiledOn (tower 4 true true)

    for trainer in [ plain; again ] do
        for step in 2..4 do
            trainer.TrainOnBatch(TrainingData(tensor step [ 64; 8 ], tensor (step + 50) [ 64; 3 ])) |> ignore

    // Other groups of operations are fused, so sums may be rounded otherwise. The masks of dropout are the same.
    for a, b in Seq.zip (plain.GetWeights()) (again.GetWeights()) do
        Assert.Equal(a.Key, b.Key)
        let a, b = a.Value.ToDoubles(), b.Value.ToDoubles()
        Array.iter2 (fun (u: float) (v: float) -> Assert.Equal(u, v, 5e-6)) a b

    // And no more threads or runs change a bit.
    let twice = compiledOn (tower 4 true true)

    for step in 2..4 do
        twice.TrainOnBatch(TrainingData(tensor step [ 64; 8 ], tensor (step + 50) [ 64; 3 ])) |> ignore

    sameBits (again.GetWeights()) (twice.GetWeights())
    let kept, less = arena plain, arena again
    Assert.True(less * 2L < kept, "kept " + string kept + " bytes, computed again " + string less)

[<Fact>]
let ``memory of blocks that are computed again grows with what goes between them only`` () =
    let more remat = arena (compiledOn (tower 8 remat false)) - arena (compiledOn (tower 4 remat false))
    // Four blocks keep two layers of 64 x 96 floats and more each; computed again, 64 x 8 floats.
    Assert.True(more false > 4L * 2L * 64L * 96L * 4L, string (more false))
    Assert.True(more true < 4L * 2L * 64L * 8L * 4L, string (more true))

[<Fact>]
let ``modes choose among layers as Keras's RematScope does`` () =
    let size mode =
        let layer =
            Layer.dense 96
            >>> Layer.activation (Activation.parse "gelu")
            >>> Layer.dense 96
            >>> Layer.activation (Activation.parse "gelu")
        let block = layer |> Layer.named "block" |> Layer.remat mode
        arena (compiledOn (Network.sequential (Network.input [ 8 ]) [ block; Layer.dense 3 ]))

    let whole = size RematMode.Full
    let none = size (RematMode.ListOfLayers [ "other" ])
    Assert.True(whole < none)
    Assert.Equal(whole, size (RematMode.ListOfLayers [ "other"; "block" ]))
    Assert.Equal(whole, size (RematMode.LargerThan 95))
    Assert.Equal(none, size (RematMode.LargerThan 96))

[<Fact>]
let ``an activation that is computed again gives the same derivative`` () =
    let x = Expr.Input("x", DType.Float64, Shape.Of 7)
    let activation = Activation.remat (Activation.parse "gelu")
    Assert.Equal((Activation.parse "gelu").Config.Value.ClassName, activation.Config.Value.ClassName)
    let slope (a: Activation) = Grad.gradients (Ops.sumAll (Ops.square (a.Apply x))) [| x |]
    let at = tensor 3 [ 7 ]
    let value (e: Expr[]) = (Interpreter.runDoubles [| x, at.ToDoubles() |] e)[0]
    Assert.Equal<float>(value (slope (Activation.parse "gelu")), value (slope activation))

[<Fact>]
let ``a saved model with such blocks is the model without them`` () =
    Assert.Equal(Network.toJson (tower 2 false true), Network.toJson (tower 2 true true))

/// A chain of random operations with weights from outside, whole or in parts that are computed again, one in the other.
let private chain (seed: int) (remat: bool) (dtype: DType) =
    let rng = System.Random(seed)
    let rows, width = 1 + rng.Next 5, 1 + rng.Next 40
    let leaf role name shape = Expr.LeafOf(role, name, dtype, shape)
    let x = leaf LeafRole.Input "x" (Shape.Of(rows, width))
    let w = leaf LeafRole.Param "w" (Shape.Of(width, width))
    // Not a leaf, and on the way to one.
    let scaled = w * 0.5

    let rec piece (depth: int) (e: Expr) : Expr =
        match rng.Next(if depth > 2 then 5 else 7) with
        | 0 -> Ops.tanh (Ops.matmul e scaled)
        | 1 -> Ops.softmax -1 e
        | 2 -> e * Ops.sigmoid (Ops.matmul e w)
        | 3 -> Ops.exp (e * -0.1) + Ops.mean [| 0 |] true e
        | 4 -> Ops.reshape [| rows; width |] (Ops.sin (Ops.reshape [| width; rows |] e))
        | _ ->
            let inner (e: Expr) = e |> piece (depth + 1) |> piece (depth + 1) |> piece (depth + 1)
            if remat then (Ops.remat (fun x -> [| inner x[0] |]) [| e |])[0] else inner e

    let mutable e = x

    for _ in 1..6 do
        e <- piece 0 e

    let loss = Ops.sumAll (Ops.square e)
    let gradients = Grad.gradients loss [| x; w |]

    { Outputs = [| "loss", loss; "dx", gradients[0]; "dw", gradients[1] |]
      Updates = [| w, w - gradients[1] |] },
    [| x, Tensor.OfDoubles(dtype, x.Shape, numbers seed x.Shape.Size)
       w, Tensor.OfDoubles(dtype, w.Shape, numbers (seed + 1) w.Shape.Size) |]

[<Property>]
let ``plans that compute parts again agree with the interpreter without them`` (seed: int) =
    for dtype, tolerance in [ DType.Float32, 1e-4; DType.Float64, 1e-10 ] do
        let plain, bindings = chain seed false dtype
        let expected = PlanRuns.interpret plain bindings
        let again, bindings = chain seed true dtype

        for options in
            [ CompileOptions.Default
              CompileOptions.Plain
              { CompileOptions.Default with Fuse = false; Schedule = false } ] do
            let options = { options with Check = true; Poison = true }
            let actual = PlanRuns.run options again bindings
            Assert.Equal(None, PlanRuns.difference tolerance expected actual)
