module FunctionalNet.Tests.Training.TrainerPlansTests

open System
open Xunit
open FunctionalNet
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.Samples

let private instructions (text: string) = text.Split('\n') |> Array.filter (fun l -> l.Contains " flops ")

let private data () = TrainingData(tensor 1 [ 12; 6 ], labels 2 3 12)

[<Fact>]
let ``the plan of a training step is told before and after training`` () =
    let trainer = trained (mlp ())
    let before = trainer.DescribePlan 12
    Assert.StartsWith("training step of a batch of 12\nplan: ", before)
    Assert.Contains("%dense/kernel", before)
    Assert.Contains("float32 (12, 16) @", before)
    trainer.TrainOnBatch(data ()) |> ignore
    // Labels were guessed right: they are int32.
    Assert.Equal(before, trainer.DescribePlan 12)
    Assert.Contains("float32 (5, 16) @", trainer.DescribePlan 5)

[<Fact>]
let ``profiling gives every instruction a time and trains nothing`` () =
    let trainer = trained (mlp ())
    trainer.TrainOnBatch(data ()) |> ignore
    let kept, steps, plans = trainer.GetWeights(), trainer.Iterations, trainer.PlanCount
    let text = trainer.DescribePlan(12, 5)
    Assert.All(instructions text, fun l -> Assert.Matches(@" \d+\.\d\dus$", l))
    Assert.Equal((instructions (trainer.DescribePlan 12)).Length, (instructions text).Length)
    sameBits kept (trainer.GetWeights())
    Assert.Equal((steps, plans), (trainer.Iterations, trainer.PlanCount))
    // The next update is the one it would have been.
    let other = trained (mlp ())

    for t, times in [ trainer, 1; other, 2 ] do
        for _ in 1..times do
            t.TrainOnBatch(data ()) |> ignore

    sameBits (trainer.GetWeights()) (other.GetWeights())

[<Fact>]
let ``targets of the last batch decide where the guess would be another`` () =
    let trainer = Trainer.create (mlp ()) |> Trainer.compile (Optimizer.sgd 0.1) (Loss.parse "mse") []
    let guessed = trainer.DescribePlan 4
    trainer.TrainOnBatch(TrainingData(tensor 1 [ 12; 6 ], tensor 2 [ 12; 3 ], tensor 3 [ 12 ]))
    |> ignore
    Assert.NotEqual<string>(guessed, trainer.DescribePlan 4)
    Assert.Contains("weight/0", trainer.DescribePlan 4)

[<Fact>]
let ``a plan needs a loss, rows, and sizes that are known`` () =
    Assert.Throws<NotReadyException>(fun () -> (Trainer.create (mlp ())).DescribePlan 4 |> ignore)
    |> ignore
    Assert.Throws<ArgumentValueException>(fun () -> (trained (mlp ())).DescribePlan 0 |> ignore)
    |> ignore
    let open' = Network.sequential (Network.input [ -1; 6 ]) [ Layer.dense 3 ]
    let trainer = Trainer.create open' |> Trainer.compile (Optimizer.sgd 0.1) (Loss.parse "mse") []
    Assert.Throws<NotReadyException>(fun () -> trainer.DescribePlan 4 |> ignore) |> ignore
    trainer.TrainOnBatch(TrainingData(tensor 1 [ 2; 5; 6 ], tensor 2 [ 2; 5; 3 ])) |> ignore
    Assert.Contains("(4, 5, 3)", trainer.DescribePlan 4)

[<Fact>]
let ``a trainer learns the same with passes off and with the interpreter`` () =
    let train (options: PlanOptions) =
        let trainer = Trainer(mlp (), 7UL, options) |> compile

        for _ in 1..3 do
            trainer.TrainOnBatch(data ()) |> ignore

        trainer

    let reference = train PlanOptions.Interpreted
    Assert.Contains("interpreted: ", reference.DescribePlan 12)

    for options in [ PlanOptions(); PlanOptions.Plain; PlanOptions(CheckMemory = true, PoisonMemory = true) ] do
        let trainer = train options

        for i in 0 .. trainer.GetWeights().Count - 1 do
            let name = (List.ofSeq (trainer.GetWeights())).[i].Key
            Close.closeToScale name 1e-3 ((weight i reference).ToDoubles()) ((weight i trainer).ToDoubles())

    let count (options: PlanOptions) = (instructions ((train options).DescribePlan 12)).Length
    Assert.True(count PlanOptions.Plain > count (PlanOptions()))

[<Fact>]
let ``a training step is compared with the interpreter node by node`` () =
    let trainer =
        Trainer.create (mlp ())
        |> Trainer.compile (Optimizer.sgd 0.1) (Loss.parse "sparse_categorical_crossentropy") []
    trainer.TrainOnBatch(data ()) |> ignore
    let weights = trainer.GetWeights()
    Assert.Null(trainer.FirstDifference(data (), 1e-3))
    sameBits weights (trainer.GetWeights())
    // A loss that loses its digits in float32.
    let lossy =
        Loss.create "lossy" (fun t p ->
            Ops.mean
                [| -1 |]
                false
                ((Ops.square (t - p) + 1e10) - Ops.broadcastTo p.Shape (Expr.Scalar(p.DType, 1e10))))

    let trainer = Trainer.create (mlp ()) |> Trainer.compile (Optimizer.sgd 0.1) lossy []
    let text = nonNull (trainer.FirstDifference(TrainingData(tensor 1 [ 4; 6 ], tensor 2 [ 4; 3 ]), 1e-3))
    Assert.Contains("should be", text)
