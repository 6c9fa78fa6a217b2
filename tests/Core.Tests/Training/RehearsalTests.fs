module FunctionalNet.Tests.Training.RehearsalTests

open Xunit
open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Compiler
open FunctionalNet.Training

let private kinds (graph: Graph) =
    (Compile.compile CompileOptions.Default graph).Steps
    |> Array.map (fun step -> step.Work.GetType().Name)
    |> Set.ofArray

// A rehearsal that fails is silent in programs: here it is not.
[<Fact>]
let ``the rehearsal runs`` () = RehearsedStep.run ()

[<Fact>]
let ``every kind of work in the first step of a dense classifier has been rehearsed`` () =
    let hidden = Layer.denseWith { Dense.options 512 with Activation = Activation.relu }
    let trainer = Trainer(Network.sequential (Network.input [ 784 ]) [ hidden; hidden; Layer.dense 10 ])

    let loss =
        Loss.sparseCategoricalCrossentropy { SparseCrossentropyOptions.Default with FromLogits = true }

    trainer.Compile(TrainingOptions(Optimizer = Optimizer.adam 1e-3).AddLoss loss)
    let parts = trainer.StepParts
    let types = StepReports.typesOf parts 128
    let step = TrainStep.training parts.Network parts.Plan parts.Settings parts.IsFrozen types

    Assert.Equal<Set<string>>(Set.empty, kinds step.Graph - kinds (RehearsedStep.graph ()))
