namespace FunctionalNet.Tests.Training

open System
open System.IO
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.Samples
open Xunit

/// Optimizers that hand their work to others, in training.
type WrappedOptimizerTests() =

    let network () =
        Network.sequential
            (Network.input [ 4 ])
            [ Layer.dense 5 >>> Layer.activation Activation.tanh |> Layer.named "encoder"
              Layer.dense 2 |> Layer.named "head" ]

    let compiled (optimizer: Optimizer) =
        Trainer.createWith 3UL (network ()) |> Trainer.compile optimizer (Loss.parse "mse") []

    let batch (seed: int) = TrainingData(tensor seed [ 8; 4 ], tensor (seed + 1) [ 8; 2 ])

    let weights (trainer: Trainer) = [| for pair in trainer.GetWeights() -> pair.Key, pair.Value.ToDoubles() |]

    let close (what: string) (expected: Trainer) (actual: Trainer) =
        Array.iter2
            (fun (path, e) (_, a) -> Close.closeToScale (what + " " + path) 1e-6 e a)
            (weights expected)
            (weights actual)

    /// A number that the optimizer keeps.
    let kept (trainer: Trainer) (name: string) (dtype: DType) =
        let leaf = Expr.LeafOf(LeafRole.Slot, name, dtype, Shape.Scalar)
        (trainer.StepParts.Variable LeafRole.Slot leaf name).Value.ToDoubles()[0]

    let scaleOf (trainer: Trainer) = kept trainer "dynamic_scale" DType.Float32
    let stepsOf (trainer: Trainer) = kept trainer "step_counter" DType.Int64

    let overflow () =
        TrainingData(Tensor.Full(DType.Float32, Shape.Of(8, 4), 1.0), Tensor.Full(DType.Float32, Shape.Of(8, 2), 3e38))

    [<Fact>]
    member _.``a scaled loss moves variables as the loss does, and the scale doubles after so many steps``() =
        let plain = compiled (Optimizer.adam 0.05)
        let scaled = compiled (Optimizer.lossScaleWith 1024.0 3 (Optimizer.adam 0.05))
        let mutable seen = []

        for i in 0..6 do
            plain.TrainOnBatch(batch i) |> ignore
            scaled.TrainOnBatch(batch i) |> ignore
            seen <- seen @ [ scaleOf scaled, stepsOf scaled ]

        close "after 7 steps" plain scaled

        // loss_scale_optimizer.py: upscale when step_counter is dynamic_growth_steps - 1.
        Assert.Equal<(float * float) list>(
            [ 1024.0, 1.0; 1024.0, 2.0; 2048.0, 0.0; 2048.0, 1.0; 2048.0, 2.0; 4096.0, 0.0; 4096.0, 1.0 ],
            seen
        )

        Assert.Equal(7L, scaled.Iterations)

    [<Fact>]
    member _.``a step that is not finite changes nothing but the scale``() =
        let options = { OptimizerOptions.OfRate 0.05 with UseEma = true; EmaMomentum = 0.5 }
        let trainer =
            compiled (Optimizer.lossScaleWith 1024.0 3 (Optimizer.adamWith AdamOptions.Default options))
        let same = compiled (Optimizer.lossScaleWith 1024.0 3 (Optimizer.adamWith AdamOptions.Default options))
        trainer.TrainOnBatch(batch 1) |> ignore
        same.TrainOnBatch(batch 1) |> ignore
        trainer.TrainOnBatch(overflow ()) |> ignore
        sameBits (same.GetWeights()) (trainer.GetWeights())
        Assert.Equal(512.0, scaleOf trainer)
        Assert.Equal(0.0, stepsOf trainer)
        Assert.Equal(1L, trainer.Iterations)
        // Random numbers go on.
        Assert.Equal(1.0, kept trainer "runs" DType.Int64)
        trainer.TrainOnBatch(batch 2) |> ignore
        same.TrainOnBatch(batch 2) |> ignore
        close "the step after it" same trainer
        Assert.Equal(1.0, stepsOf trainer)

    [<Fact>]
    member _.``without a loss scale such a step destroys the weights``() =
        let trainer = compiled (Optimizer.adam 0.05)
        trainer.TrainOnBatch(overflow ()) |> ignore
        Assert.Contains(weights trainer, fun (_, values) -> values |> Array.exists (fun v -> not (Double.IsFinite v)))

    [<Fact>]
    member _.``each variable follows its own optimizer``() =
        let multi =
            compiled (
                Optimizer.multi (Optimizer.sgd 0.5) [ "encoder/.*", Optimizer.sgd 0.25; "head/bias", Optimizer.sgd 0.0 ]
            )

        let data = batch 5

        let gradients =
            (multi.GradientFunction(fun step ->
                let out = (step.Call [| step.Inputs[0] |])[0]
                Ops.meanAll (Ops.square (out - step.Inputs[1]))))
                .Compute(data.Inputs[0], data.Targets[0])
                .Gradients
            |> Seq.map (fun pair -> pair.Key, pair.Value.ToDoubles())
            |> Map.ofSeq

        let before = weights multi
        multi.TrainOnBatch data |> ignore

        let rate (path: string) =
            if path.StartsWith "encoder/" then 0.25
            elif path = "head/bias" then 0.0
            else 0.5

        Assert.Contains(before, fun (path, _) -> path = "head/bias")

        Array.iter2
            (fun (path, (old: float[])) (_, actual) ->
                let expected = Array.map2 (fun w g -> w - rate path * g) old gradients[path]
                Close.closeToScale path 1e-5 expected actual)
            before
            (weights multi)

    [<Fact>]
    member _.``schedules, averages and gathered gradients are those of each optimizer``() =
        // The encoder's optimizer is used alone here: for it, the others make no difference.
        let encoder () =
            let options =
                { OptimizerOptions.OfRate(Scheduled(Schedule.exponentialDecay 0.1 2.0 0.5 false)) with
                    UseEma = true
                    EmaMomentum = 0.7 }

            Optimizer.adamWith AdamOptions.Default options

        let frozen = Optimizer.sgd 0.0
        let data = batch 5
        let fit (trainer: Trainer) =
            trainer.Fit(data, FitOptions(Epochs = 5, BatchSize = 4, Shuffle = false, Verbosity = Verbosity.Silent))
            |> ignore
        let alone = Trainer.createWith 3UL (network ())
        alone.Freeze("head", true)
        alone |> Trainer.compile (encoder ()) (Loss.parse "mse") [] |> ignore
        let multi = compiled (Optimizer.multi frozen [ "encoder/.*", encoder () ])
        fit alone
        fit multi
        close "fit" alone multi

    [<Fact>]
    member _.``the learning rate is that of the inner optimizer, and several have none to set``() =
        let scaled = compiled (Optimizer.lossScale (Optimizer.sgd 0.5))
        Assert.Equal(0.5, scaled.LearningRate)
        scaled.LearningRate <- 0.0
        let before = weights scaled
        scaled.TrainOnBatch(batch 1) |> ignore
        Assert.Equal<(string * float[])[]>(before, weights scaled)
        let multi = compiled (Optimizer.multi (Optimizer.sgd 0.5) [ "head/.*", Optimizer.adam 0.1 ])
        Assert.Equal(0.5, multi.LearningRate)
        Assert.Throws<ArgumentValueException>(fun () -> multi.LearningRate <- 0.1) |> ignore

    [<Fact>]
    member _.``a training with wrapped optimizers goes on from a file with the same bits``() =
        let optimizer () =
            Optimizer.multi (Optimizer.muon 0.02) [ "head/.*", Optimizer.scheduleFreeAdamW 0.05 ]
            |> Optimizer.lossScaleWith 256.0 2

        let whole = compiled (optimizer ())
        let part = compiled (optimizer ())

        for i in 0..3 do
            whole.TrainOnBatch(batch i) |> ignore
            part.TrainOnBatch(batch i) |> ignore

        inFolder (fun folder ->
            let path = Path.Combine(folder, "model.fnet")
            part.Save path
            let again = Trainer.Load path

            for i in 4..6 do
                whole.TrainOnBatch(batch i) |> ignore
                again.TrainOnBatch(batch i) |> ignore

            sameBits (whole.GetWeights()) (again.GetWeights())
            Assert.Equal(scaleOf whole, scaleOf again))

    [<Theory>]
    [<InlineData("Muon")>]
    [<InlineData("ScheduleFreeAdamW")>]
    member _.``a compiled step equals the interpreter's``(name: string) =
        let trainer = compiled (Optimizer.parse name)
        trainer.TrainOnBatch(batch 1) |> ignore
        Assert.Null(trainer.FirstDifference(batch 2, 1e-4))

    [<Fact>]
    member _.``a compiled step with a loss scale equals the interpreter's``() =
        let trainer = compiled (Optimizer.lossScale (Optimizer.adam 0.01))
        Assert.Null(trainer.FirstDifference(batch 2, 1e-4))

    [<Fact>]
    member _.``an optimizer of a step may be wrapped too``() =
        let plain, wrapped =
            let make (optimizer: Optimizer) =
                let trainer = Trainer.createWith 3UL (network ())

                let step =
                    trainer.Function(fun step ->
                        let out = (step.Call [| step.Inputs[0] |])[0]
                        let loss = Ops.meanAll (Ops.square (out - step.Inputs[1]))
                        step.Minimize(loss, step.TrainableVariables, step.UseOptimizer("own", optimizer))
                        [| loss |])

                trainer, step

            make (Optimizer.adam 0.05),
            make (Optimizer.lossScale (Optimizer.multi (Optimizer.adam 0.05) [ "x", Optimizer.sgd 1.0 ]))

        for i in 0..3 do
            let data = batch i
            (snd plain).Run(data.Inputs[0], data.Targets[0])
            (snd wrapped).Run(data.Inputs[0], data.Targets[0])

        close "a step of the user's own" (fst plain) (fst wrapped)
