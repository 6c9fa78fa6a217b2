namespace FunctionalNet.Tests.Training

open FunctionalNet
open FunctionalNet.Graph
open FunctionalNet.Training

/// Optimizers with rules, run update by update in the interpreter.
module OptimizerRuns =

    let ruleOf (optimizer: Optimizer) =
        match optimizer.Update with
        | ByRule rule -> rule
        | LossScaled _
        | ByPath _ -> invalidArg (nameof optimizer) optimizer.ClassName

    let slotsOf (optimizer: Optimizer) (path: string) (shape: Shape) =
        OptimizerUpdate.slots optimizer.Options (ruleOf optimizer) path shape

    /// Variables, slots and scalars after one update.
    let private step
        (optimizer: Optimizer)
        (constraintOf: string -> Constraint option)
        (paths: string[])
        (rate: float)
        (iteration: int64)
        (variables: Tensor[])
        (slots: Tensor[][])
        (scalars: Tensor[])
        (grads: Tensor[])
        =
        let constant (t: Tensor) = Expr.Constant t

        let items =
            variables
            |> Array.mapi (fun i v ->
                { OptimizedVariable.Path = paths[i]
                  Variable = constant v
                  Gradient = constant grads[i]
                  Slots = Array.map constant slots[i]
                  Constraint = constraintOf paths[i] })

        let next =
            OptimizerUpdate.apply
                optimizer.Options
                (ruleOf optimizer)
                (Expr.Scalar(DType.Float64, rate))
                (Expr.Constant(Tensor.Scalar iteration))
                (Array.map constant scalars)
                items

        struct (Interpreter.runTensors [] next.Variables,
                next.Slots |> Array.map (Interpreter.runTensors []),
                Interpreter.runTensors [] next.Scalars)

    /// The variables after every one of some updates; slots and scalars at the end.
    let runAt
        (optimizer: Optimizer)
        (constraintOf: string -> Constraint option)
        (paths: string[])
        (variables: Tensor[])
        (grads: Tensor[][])
        =
        let rate =
            match optimizer.Options.LearningRate with
            | Fixed rate -> fun _ -> rate
            | Scheduled s -> s.Rate

        let make (dtype: DType) (s: SlotSpec) = Tensor.Full(dtype, s.Shape, s.Initial)

        let slots =
            Array.map2
                (fun path (v: Tensor) -> slotsOf optimizer path v.Shape |> Array.map (make v.DType))
                paths
                variables

        let scalars = (ruleOf optimizer).Scalars |> Array.map (make DType.Float64)
        let mutable state = struct (variables, slots, scalars)

        let after =
            grads
            |> Array.mapi (fun i g ->
                let struct (v, s, c) = state
                state <- step optimizer constraintOf paths (rate (int64 i)) (int64 i) v s c g
                let struct (v, _, _) = state
                v)

        let struct (_, slots, scalars) = state
        struct (after, slots, scalars)

    let runWithState (optimizer: Optimizer) (variables: Tensor[]) (grads: Tensor[][]) =
        runAt optimizer (fun _ -> None) (variables |> Array.map (fun _ -> "layer/kernel")) variables grads

    let run (optimizer: Optimizer) (variables: Tensor[]) (grads: Tensor[][]) =
        let struct (after, _, _) = runWithState optimizer variables grads
        after

    let vector (values: float list) = Tensor.OfDoubles(DType.Float64, Shape.Of values.Length, List.toArray values)

    let numbers (t: Tensor) = t.ToDoubles()
