namespace FunctionalNet.Tests.Training

open System
open FunctionalNet
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.OptimizerRuns
open Xunit

type OptimizerTests() =

    static member Ids = KerasCases.optimizers () |> KerasCases.ids (fun c -> c.Id)

    [<Theory>]
    [<MemberData(nameof OptimizerTests.Ids)>]
    member _.``Keras's variables after every step``(id: string) =
        let c = KerasCases.optimizers () |> Array.find (fun c -> c.Id = id)
        let optimizer = Optimizer.ofConfig (CaseConfig.make c.Optimizer c.Config)
        let before = c.Variables |> Array.map (fun v -> v.ToTensor())
        let struct (results, slots, scalars) =
            runWithState optimizer before (c.Steps |> Array.map (fun s -> s.Grads |> Array.map (fun g -> g.ToTensor())))

        Array.iteri2
            (fun i (s: OptimizerStep) (variables: Tensor[]) ->
                Array.iteri2
                    (fun k (expected: CaseTensor) (actual: Tensor) ->
                        Close.closeToScale
                            ("step " + string i + ", variable " + string k)
                            1e-4
                            expected.Values
                            (numbers actual))
                    s.Variables
                    variables)
            c.Steps
            results

        // Keras's state behind iteration and learning rate. Some names are numbered by variable, some only repeated, and those
        // of factored second moments tell rows from columns by their order.
        let hasState = c.OptimizerVariables.Length > 0
        let mutable rest = if hasState then c.OptimizerVariables |> Array.skip 2 |> Array.toList else []

        let take (what: string) (names: string list) (actual: Tensor) =
            let fits (v: CaseTensor) =
                List.contains (v.Name.Substring(v.Name.LastIndexOf '/' + 1)) names
                && Shape.Of v.Shape = actual.Shape

            match List.tryFindIndex fits rest with
            | None -> Assert.False(hasState, "Keras has no " + what)
            | Some i ->
                Close.closeToScale what 1e-4 rest[i].Values (numbers actual)
                rest <- List.removeAt i rest

        for scalar in scalars do
            take "scalar" [ "variable_3" ] scalar

        for i in 0 .. before.Length - 1 do
            Array.iter2
                (fun (spec: SlotSpec) slot ->
                    let numbered = "v" + string i
                    let names =
                        match spec.Name with
                        | "r"
                        | "c" -> [ numbered ]
                        | name -> [ numbered + "_" + name; name ]
                    take (numbered + " " + spec.Name) names slot)
                (slotsOf optimizer "layer/kernel" before[i].Shape)
                slots[i]

        // Adafactor keeps the full second moment of matrices too, which nothing reads, and empty factors of vectors.
        if c.Optimizer = "Adafactor" then
            rest <- rest |> List.filter (fun v -> not (v.Name.EndsWith "v0_velocity" || v.Shape.Length = 0))

        Assert.Empty(rest |> List.map (fun v -> v.Name))

        for i in 0 .. c.VariablesAfterFinalize.Length - 1 do
            // The moving average is the last slot, and takes the variable's place.
            Close.closeToScale
                ("finalized variable " + string i)
                1e-4
                c.VariablesAfterFinalize[i].Values
                (numbers (Array.last slots[i]))

    [<Theory>]
    [<MemberData(nameof OptimizerTests.Ids)>]
    member _.``An optimizer comes back from its configuration``(id: string) =
        let c = KerasCases.optimizers () |> Array.find (fun c -> c.Id = id)
        let optimizer = Optimizer.ofConfig (CaseConfig.make c.Optimizer c.Config)
        let config = (Optimizer.config optimizer).Value
        Assert.Equal<Config>(config, (Optimizer.config (Optimizer.ofConfig config)).Value)

    [<Fact>]
    member _.``Clipping by norm, by value, by the norm of all``() =
        let moved (i: int) change =
            let o = Optimizer.sgd 1.0 |> Optimizer.withOptions change
            (run o [| vector [ 0.0; 0.0 ]; vector [ 0.0 ] |] [| [| vector [ 3.0; 4.0 ]; vector [ 12.0 ] |] |]).[0].[i]
            |> numbers

        Close.close 1e-12 0.0 [| -0.6; -0.8 |] (moved 0 (fun o -> { o with ClipNorm = Some 1.0 }))
        Close.close 1e-12 0.0 [| -1.0 |] (moved 1 (fun o -> { o with ClipNorm = Some 1.0 }))
        Close.close 1e-12 0.0 [| -3.0; -3.5 |] (moved 0 (fun o -> { o with ClipValue = Some 3.5 }))
        Close.close 1e-12 0.0 [| -1.5; -2.0 |] (moved 0 (fun o -> { o with GlobalClipNorm = Some 6.5 }))
        Close.close 1e-12 0.0 [| -6.0 |] (moved 1 (fun o -> { o with GlobalClipNorm = Some 6.5 }))
        // Short gradients stay.
        Close.close 1e-12 0.0 [| -3.0; -4.0 |] (moved 0 (fun o -> { o with ClipNorm = Some 5.0 }))

    [<Fact>]
    member _.``Weight decay is apart from the gradient, and paths can be left out``() =
        let decay = Optimizer.sgd 0.1 |> Optimizer.withOptions (fun o -> { o with WeightDecay = Some 0.5 })
        let left = decay |> Optimizer.withOptions (fun o -> { o with ExcludeFromWeightDecay = [ "kernel" ] })
        let after o = numbers ((run o [| vector [ 2.0 ] |] [| [| vector [ 1.0 ] |] |]).[0].[0])
        Close.close 1e-12 0.0 [| 2.0 - 0.1 * 0.5 * 2.0 - 0.1 |] (after decay)
        Close.close 1e-12 0.0 [| 1.9 |] (after left)

    [<Fact>]
    member _.``Gathered gradients: one update with their mean, and nothing in between``() =
        let o = Optimizer.adam 0.1
        let gathering = o |> Optimizer.withOptions (fun x -> { x with GradientAccumulationSteps = Some 2 })
        let grads = [| 1.0; 3.0; -2.0; 6.0 |] |> Array.map (fun g -> [| vector [ g ] |])
        let slow = run gathering [| vector [ 1.0 ] |] grads |> Array.map (fun v -> (numbers (Array.head v)).[0])
        let fast =
            run o [| vector [ 1.0 ] |] ([| 2.0; 2.0 |] |> Array.map (fun g -> [| vector [ g ] |]))
            |> Array.map (fun v -> (numbers (Array.head v)).[0])
        Assert.Equal(1.0, slow[0])
        Assert.Equal(fast[0], slow[1], 12)
        Assert.Equal(slow[1], slow[2])
        Assert.Equal(fast[1], slow[3], 12)

    [<Fact>]
    member _.``The moving average begins with the variable and can overwrite it``() =
        let o =
            Optimizer.sgd 1.0
            |> Optimizer.withOptions (fun o ->
                { o with UseEma = true; EmaMomentum = 0.5; EmaOverwriteFrequency = Some 2 })

        let after = run o [| vector [ 0.0 ] |] (Array.create 2 [| vector [ -1.0 ] |])
        Close.close 1e-12 0.0 [| 1.0 |] (numbers (after.[0].[0]))
        Close.close 1e-12 0.0 [| 0.5 * 1.0 + 0.5 * 2.0 |] (numbers (after.[1].[0]))

    [<Fact>]
    member _.``Options that make no sense``() =
        let bad (change: OptimizerOptions -> OptimizerOptions) =
            Assert.Throws<ArgumentValueException>(fun () ->
                Optimizer.adam 0.001 |> Optimizer.withOptions change |> ignore)
            |> ignore

        bad (fun o -> { o with LearningRate = Fixed -1.0 })
        bad (fun o -> { o with LearningRate = Fixed nan })
        bad (fun o -> { o with ClipNorm = Some 1.0; ClipValue = Some 1.0 })
        bad (fun o -> { o with ClipValue = Some 0.0 })
        bad (fun o -> { o with GradientAccumulationSteps = Some 1 })
        let e = Assert.Throws<ArgumentValueException>(fun () -> Optimizer.parse "adan" |> ignore)
        Assert.Contains("adam", e.Hint)

type ScheduleTests() =

    static member Ids = KerasCases.schedules () |> KerasCases.ids (fun c -> c.Id)

    [<Theory>]
    [<MemberData(nameof ScheduleTests.Ids)>]
    member _.``Keras's rates at every step``(id: string) =
        let c = KerasCases.schedules () |> Array.find (fun c -> c.Id = id)
        let schedule = Schedule.ofConfig (CaseConfig.make c.Schedule c.Config)
        Close.close 1e-5 1e-9 c.Values (Array.init c.Values.Length (fun i -> schedule.Rate(int64 i)))
        let again = Schedule.ofConfig schedule.Config.Value
        Assert.Equal<Config>(schedule.Config.Value, again.Config.Value)

    [<Fact>]
    member _.``Warmup, staircase and cycle``() =
        let warm = Schedule.cosineDecay 0.0 10.0 0.0 (Some 1.0) 4.0
        Close.close 1e-12 1e-12 [| 0.0; 0.25; 1.0; 0.5; 0.0 |] ([| 0L; 1L; 4L; 9L; 14L |] |> Array.map warm.Rate)
        let stairs = Schedule.exponentialDecay 1.0 10.0 0.5 true
        Close.close 1e-12 0.0 [| 1.0; 1.0; 0.5 |] ([| 0L; 9L; 10L |] |> Array.map stairs.Rate)
        let cycle = Schedule.polynomialDecay 1.0 10.0 0.0 1.0 true
        Close.close 1e-12 1e-12 [| 1.0; 0.0; 0.45 |] ([| 0L; 10L; 11L |] |> Array.map cycle.Rate)
