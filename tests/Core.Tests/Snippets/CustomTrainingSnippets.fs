module FunctionalNet.Tests.Snippets.CustomTrainingSnippets

open System
open FunctionalNet
open Xunit

[<Fact>]
let ``steps and loops of one's own`` () =
    let x = Tensor.OfDoubles(DType.Float32, Shape.Of(16, 6), Array.init 96 (fun i -> sin (float i)))
    let network = Network.sequential (Network.input [ 6 ]) [ Layer.dense 2; Layer.dense 6 ]

    // snippet: custom-steps-fsharp
    let reconstruct (step: StepContext) =
        let loss = Ops.meanAll (Ops.square ((step.Call step.Inputs)[0] - step.Inputs[0]))
        step.Minimize loss
        step.Track("loss", loss)

    let trainer =
        Trainer.create network
        |> Trainer.compileWith (TrainingOptions(TrainStep = Action<StepContext>(reconstruct)))

    let history =
        trainer.Fit(TrainingData([| x |], [||]), FitOptions(Epochs = 2, Verbosity = Verbosity.Silent))

    let step =
        trainer.Function(fun step ->
            let loss = Ops.meanAll (Ops.abs ((step.Call step.Inputs)[0] - step.Inputs[0]))
            step.Minimize(loss, step.TrainableVariables, step.UseOptimizer("mine", Optimizer.sgd 0.01))
            [| loss |])

    step.Run x
    let loss = step.Scalar 0
    // end snippet
    Assert.Equal(2, history["loss"].Count)
    Assert.True(loss > 0.0)
