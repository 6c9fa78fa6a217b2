namespace FunctionalNet.Tests

open System
open System.Reflection
open FunctionalNet.Tests.Layers
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training
open Xunit
open Xunit.Abstractions

/// Which of the case files' classes are compared, and that no case of them is left out.
type KerasCoverageTests(output: ITestOutputHelper) =

    let test (owner: Type) (name: string) : MethodInfo =
        let found = owner.GetMethod name |> Option.ofObj
        Assert.True(found.IsSome, owner.Name + " has no test: " + name)
        Assert.True((found.Value.GetCustomAttribute<FactAttribute>() |> nonNull).Skip |> isNull, name + " is skipped")
        found.Value

    /// The ids that a theory runs.
    let idsOf (owner: Type) (name: string) : Set<string> =
        let theory = test owner name
        let data = theory.GetCustomAttribute<MemberDataAttribute>() |> nonNull
        data.GetData theory |> nonNull |> Seq.map (fun row -> string row[0]) |> Set.ofSeq

    /// The ids that all of these theories run.
    let comparedBy (owner: Type) (names: string list) = names |> List.map (idsOf owner) |> Set.intersectMany

    /// Prints what is compared; fails if any case is not.
    let check (file: string) (cases: (string * string)[]) (compared: Set<string>) =
        let left = cases |> Array.filter (fun (id, _) -> not (compared.Contains id))
        let line =
            "Keras cases: "
            + file
            + ": covered "
            + string (cases.Length - left.Length)
            + " of "
            + string cases.Length

        Console.WriteLine line
        output.WriteLine line
        Assert.NotEmpty cases
        Assert.Equal(cases.Length, (cases |> Array.distinctBy fst).Length)
        Assert.Empty left

    let all (cases: (string * string)[]) = cases |> Array.map fst |> Set.ofArray

    [<Fact>]
    member _.``layers: values and gradients, by the interpreter and compiled``() =
        let cases = KerasCases.layers () |> Array.map (fun c -> c.Id, c.Layer)

        let compared =
            comparedBy
                typeof<KerasLayerTests>
                [ "a layer computes what Keras computes"; "a compiled layer computes what Keras computes" ]

        check "layers" cases compared

        // A case with gradients has one for every float input and every trainable weight.
        for case in KerasCases.layers () do
            if compared.Contains case.Id && case.R.Length > 0 then
                Assert.Equal(case.Inputs.Length, case.InputGrads.Length)
                Assert.Equal(case.Weights.Length, case.WeightGrads.Length)

                for input, gradient in Array.zip case.Inputs case.InputGrads do
                    Assert.Equal(input.DType.StartsWith "float", gradient.IsSome)

                for weight, gradient in Array.zip case.Weights case.WeightGrads do
                    Assert.Equal(weight.Trainable, gradient.IsSome)

    [<Fact>]
    member _.``losses: values and gradients, by the interpreter and compiled``() =
        let cases = KerasCases.losses () |> Array.map (fun c -> c.Id, c.Loss)

        let compared =
            Set.intersect
                (idsOf typeof<LossTests> "Keras's values and gradients")
                (idsOf typeof<CompiledCasesTests> "a compiled loss equals the interpreter")

        check "losses" cases compared

    [<Fact>]
    member _.``metrics: results after every batch, by the interpreter and compiled``() =
        let cases = KerasCases.metrics () |> Array.map (fun c -> c.Id, c.Metric)

        let compared =
            Set.intersect
                (idsOf typeof<MetricTests> "Keras's results after every batch")
                (idsOf typeof<CompiledCasesTests> "a compiled metric equals the interpreter")

        check "metrics" cases compared

    [<Fact>]
    member _.``optimizers: variables after every step, by the interpreter and compiled``() =
        let cases = KerasCases.optimizers () |> Array.map (fun c -> c.Id, c.Optimizer)

        let compared =
            Set.intersect
                (idsOf typeof<OptimizerTests> "Keras's variables after every step")
                (idsOf typeof<CompiledCasesTests> "a compiled update equals the interpreter")

        check "optimizers" cases compared

        let schedules = KerasCases.schedules () |> Array.map (fun c -> c.Id, c.Schedule)

        check "schedules" schedules (comparedBy typeof<ScheduleTests> [ "Keras's rates at every step" ])

    [<Fact>]
    member _.``regularizers and constraints``() =
        test typeof<KerasLayerTests> "every regularizer gives Keras's penalty and gradient" |> ignore
        test typeof<KerasLayerTests> "every constraint projects as Keras does" |> ignore
        let regularizers = KerasCases.regularizers () |> Array.map (fun c -> c.Id, c.Regularizer)
        check "regularizers" regularizers (all regularizers)
        let constraints = KerasCases.constraints () |> Array.map (fun c -> c.Id, c.Constraint)
        check "constraints" constraints (all constraints)

    [<Fact>]
    member _.``whole training runs``() =
        let cases = KerasCases.fits () |> Array.map (fun c -> c.Id, c.Id)
        let compared = comparedBy typeof<FitTests> [ "Keras's history, weights, evaluation and predictions" ]
        check "fits" cases compared

    [<Fact>]
    member _.``the small cases of Keras 2``() =
        let cases = KerasCases.kerasJs () |> Array.map (fun c -> c.Id, c.Layer)
        let compared = comparedBy typeof<CompositionTests> [ "a layer computes what Keras 2 computed" ]
        check "keras-js" cases compared
