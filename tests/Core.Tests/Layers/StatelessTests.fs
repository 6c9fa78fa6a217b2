module FunctionalNet.Tests.Layers.StatelessTests

open System
open System.Collections.Generic
open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.Samples

let private network () =
    Network.sequential
        (Network.input [ 6 ])
        [ Layer.denseWith { Dense.options 5 with Activation = Activation.parse "tanh" }
          Layer.batchNormalization
          Layer.dense 2 ]
    |> Network.withDType DType.Float64

let private step = Expr.Scalar(DType.Int64, 3.0)

/// A leaf for every variable with the value of a trainer's.
let private leaves (trainer: Trainer) =
    [| for pair in trainer.GetWeights() ->
           pair.Key, Expr.LeafOf(LeafRole.Input, pair.Key, pair.Value.DType, pair.Value.Shape), pair.Value |]

[<Fact>]
let ``gradients of a network as a pure function are those of training`` () =
    let trainer = Trainer.createWith 5UL (network ())
    let variables = leaves trainer
    let x = Tensor.OfDoubles(DType.Float64, Shape.Of(7, 6), numbers 1 42)
    let input = Expr.Input("x", DType.Float64, x.Shape)
    let given = dict [ for path, leaf, _ in variables -> path, leaf ] |> Dictionary
    let call = Network.statelessCall Mode.Train step given [| input |] trainer.Network
    let loss = Ops.meanAll (Ops.square call.Outputs[0])
    let paths = [| "dense/kernel"; "batch_normalization/gamma"; "dense_1/bias" |]
    let gradients = Grad.gradients loss (paths |> Array.map (fun p -> given[p]))
    let bindings =
        Array.append [| input, x.ToDoubles() |] [| for _, leaf, value in variables -> leaf, value.ToDoubles() |]

    let tape =
        trainer.GradientFunction(
            Func<StepContext, Expr>(fun s -> Ops.meanAll (Ops.square (Array.head (s.Call s.Inputs))))
        )

    let expected = tape.Compute x
    let values = Interpreter.runDoubles bindings gradients

    Array.iter2
        (fun path (actual: float[]) ->
            let pair = expected.Gradients |> Seq.find (fun pair -> pair.Key = path)
            Array.iter2 (fun (a: float) b -> Assert.Equal(a, b, 1e-10)) (pair.Value.ToDoubles()) actual)
        paths
        values

    // Keras: momentum 0.99 of the old mean (zeros), the rest of the batch's.
    let moved = call.Updates |> Seq.find (fun pair -> pair.Key.EndsWith "moving_mean")

    let hidden =
        Ops.mean [| 0 |] false (Ops.tanh (Ops.matmul input given["dense/kernel"] + given["dense/bias"]))

    let found = Interpreter.runDoubles bindings [| moved.Value; hidden |]
    Array.iter2 (fun (a: float) b -> Assert.Equal(a, 0.01 * b, 1e-12)) found[0] found[1]

[<Fact>]
let ``one network runs on two sets of variables in one function`` () =
    let a, b = Trainer.createWith 5UL (network ()), Trainer.createWith 6UL (network ())
    let x = Tensor.OfDoubles(DType.Float64, Shape.Of(3, 6), numbers 2 18)
    let input = Expr.Input("x", DType.Float64, x.Shape)
    let first, second = leaves a, leaves b

    let call (variables: (string * Expr * Tensor)[]) =
        let given = dict [ for path, leaf, _ in variables -> path, leaf ] |> Dictionary
        (Network.statelessCall Mode.Infer step given [| input |] a.Network).Outputs[0]

    let difference = call first - call second

    let bindings =
        Array.append
            [| input, x.ToDoubles() |]
            [| for _, leaf, value in Array.append first second -> leaf, value.ToDoubles() |]

    let found = (Interpreter.runDoubles bindings [| difference |])[0]
    Array.iteri
        (fun i (v: float) -> Assert.Equal((a.Predict x).ToDoubles()[i] - (b.Predict x).ToDoubles()[i], v, 1e-10))
        found

[<Fact>]
let ``variables that are missing or do not fit are refused`` () =
    let trainer = Trainer.createWith 5UL (network ())
    let given = dict [ for path, leaf, _ in leaves trainer -> path, leaf ] |> Dictionary
    let input = Expr.Input("x", DType.Float64, Shape.Of(3, 6))

    let call () = Network.statelessCall Mode.Infer step given [| input |] trainer.Network |> ignore

    given["dense/bias"] <- Expr.Input("b", DType.Float64, Shape.Of 4)
    Assert.Throws<ShapeException>(call) |> ignore
    given["dense/bias"] <- Expr.Input("b", DType.Float32, Shape.Of 5)
    Assert.Throws<DTypeException>(call) |> ignore
    given.Remove "dense/bias" |> ignore
    Assert.Throws<ArgumentValueException>(call) |> ignore

[<Fact>]
let ``states that are kept from batch to batch begin with zeros or with what is given`` () =
    let network =
        Network.sequential
            (Network.inputWith { Name = "x"; Shape = [ 4; 2 ]; DType = DType.Float32; BatchSize = Some 3 })
            [ Layer.lstmWith { LSTM.options 2 with Stateful = true } ]

    let trainer = Trainer.createWith 5UL network
    let x = tensor 1 [ 3; 4; 2 ]
    let input = Expr.Input("x", DType.Float32, x.Shape)
    let variables = leaves trainer
    let given = dict [ for path, leaf, _ in variables -> path, leaf ] |> Dictionary
    let first = Network.statelessCall Mode.Infer step given [| input |] network

    for pair in first.Updates do
        given[pair.Key] <- pair.Value

    let second = Network.statelessCall Mode.Infer step given [| input |] network

    let bindings =
        Array.append [| input, x.ToDoubles() |] [| for _, leaf, value in variables -> leaf, value.ToDoubles() |]

    let found = Interpreter.runDoubles bindings [| first.Outputs[0]; second.Outputs[0] |]

    for expected in found do
        Array.iter2 (fun (a: float) b -> Assert.Equal(a, b, 1e-5)) expected ((trainer.Predict x).ToDoubles())
