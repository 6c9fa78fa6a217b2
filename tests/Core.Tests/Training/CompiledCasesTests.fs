namespace FunctionalNet.Tests.Training

open FunctionalNet
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Tests.Compiler
open FunctionalNet.Tests.Layers
open FunctionalNet.Tests.Support
open FunctionalNet.Training
open Xunit

/// The interpreter's losses, metrics and updates are compared with Keras's elsewhere; here plans are with the interpreter's.
type CompiledCasesTests() =

    static let tolerance = 1e-4

    let leaf (name: string) (t: Tensor) = Expr.Input(name, t.DType, t.Shape), t

    let compare (bindings: (Expr * Tensor)[]) (roots: Expr[]) =
        let graph = { Outputs = roots |> Array.mapi (fun i e -> "r" + string i, e); Updates = [||] }
        let needed = Traverse.leaves roots |> Array.map (fun e -> e.Id) |> Set.ofArray
        let used = bindings |> Array.filter (fun (e, _) -> needed.Contains e.Id)
        let expected = PlanRuns.interpret graph used
        let actual = PlanRuns.run { CompileOptions.Default with Check = true; Poison = true } graph used

        match PlanRuns.difference tolerance expected actual with
        | None -> ()
        | Some text -> Assert.Fail text

    static member Losses = LossTests.Ids
    static member Metrics = MetricTests.Ids
    static member Optimizers = OptimizerTests.Ids

    [<Theory; MemberData(nameof CompiledCasesTests.Losses)>]
    member _.``a compiled loss equals the interpreter``(id: string) =
        let c = KerasCases.losses () |> Array.find (fun c -> c.Id = id)
        let loss = Loss.ofConfig (CaseConfig.make c.Loss c.Config)
        let t, p = leaf "t" (c.YTrue.ToTensor()), leaf "p" (c.YPred.ToTensor())
        let w = c.SampleWeight |> Option.map (fun w -> leaf "w" (w.ToTensor()))
        let value = Loss.compute loss (fst t) (Flow.ofValue (fst p)) (Option.map fst w)

        let gradient =
            // Keras has none where it is not finite.
            match c.YPredGrad with
            | None -> [||]
            | Some _ -> Grad.gradients (Ops.sumAll value) [| fst p |]

        compare (Array.append [| t; p |] (Option.toArray w)) (Array.append [| value |] gradient)

    [<Theory; MemberData(nameof CompiledCasesTests.Metrics)>]
    member _.``a compiled metric equals the interpreter``(id: string) =
        let c = KerasCases.metrics () |> Array.find (fun c -> c.Id = id)
        let metric = Metric.ofConfig (CaseConfig.make c.Metric c.Config)

        for step in c.Steps do
            let p = (step.YPred |> Option.orElse step.Values).Value.ToTensor() |> leaf "p"
            let t =
                match step.YTrue with
                | Some t -> leaf "t" (t.ToTensor())
                | None -> p
            let w = step.SampleWeight |> Option.map (fun w -> leaf "w" (w.ToTensor()))
            let slots =
                metric.Slots (snd p).Shape
                |> Array.map (fun (name, shape) ->
                    leaf name (Tensor.OfDoubles(DType.Float64, shape, Array.init shape.Size (fun i -> float (i % 3)))))

            compare
                (Array.concat [ slots; [| t; p |]; Option.toArray w ])
                (metric.Update (Array.map fst slots) (fst t) (fst p) (Option.map fst w))

    [<Theory; MemberData(nameof CompiledCasesTests.Optimizers)>]
    member _.``a compiled update equals the interpreter``(id: string) =
        let c = KerasCases.optimizers () |> Array.find (fun c -> c.Id = id)
        let optimizer = Optimizer.ofConfig (CaseConfig.make c.Optimizer c.Config)

        // What an optimizer keeps is not negative where it is a mean of squares, and 1 where it counts or multiplies.
        let kept (dtype: DType) (spec: SlotSpec) =
            let values = LayerRun.numbers spec.Name spec.Shape.Size |> Array.map (fun v -> spec.Initial + abs v)
            leaf spec.Name (Tensor.OfDoubles(dtype, spec.Shape, values))

        let variables = c.Variables |> Array.map (fun v -> leaf "v" (v.ToTensor()))
        let gradients = c.Steps[0].Grads |> Array.map (fun g -> leaf "g" (g.ToTensor()))
        let slots =
            variables
            |> Array.map (fun (e, t) ->
                OptimizerRuns.slotsOf optimizer "layer/kernel" t.Shape |> Array.map (kept e.DType))
        let rule = OptimizerRuns.ruleOf optimizer
        let scalars = rule.Scalars |> Array.map (kept DType.Float64)
        let iteration = leaf "iteration" (Tensor.Scalar 5L)
        let rate = leaf "rate" (Tensor.Scalar 0.01)

        let items =
            Array.map3
                (fun (v, _) (g, _) s ->
                    { OptimizedVariable.Path = "layer/kernel"
                      Variable = v
                      Gradient = g
                      Slots = Array.map fst s
                      Constraint = None })
                variables
                gradients
                slots

        let next =
            OptimizerUpdate.apply optimizer.Options rule (fst rate) (fst iteration) (Array.map fst scalars) items

        compare
            (Array.concat [ variables; gradients; Array.concat slots; scalars; [| iteration; rate |] ])
            (Array.concat [ next.Variables; Array.concat next.Slots; next.Scalars ])
