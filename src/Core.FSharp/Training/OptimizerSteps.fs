namespace FunctionalNet.Training

open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Graph

/// What optimizers keep while a step is described: leaves with the old values, and what they become, in the order of the
/// first update.
[<Sealed>]
type internal StepSlots() =

    let leaves = Dictionary<string, Expr>()
    let values = Dictionary<string, Expr>()
    let order = ResizeArray<string>()
    let declared = ResizeArray<StepSlot>()

    /// The value at this point of the step.
    member _.Value(name: string, t: TensorType, initial: float) : Expr =
        match values.TryGetValue name with
        | true, value -> value
        | _ ->
            match leaves.TryGetValue name with
            | true, leaf -> leaf
            | _ ->
                let node = Expr.LeafOf(LeafRole.Slot, name, t.DType, t.Shape)
                leaves[name] <- node
                declared.Add { Name = name; Type = t; Initial = initial }
                node

    member _.Set(name: string, value: Expr) : unit =
        if not (values.ContainsKey name) then order.Add name

        values[name] <- value

    member _.IsSet(name: string) = values.ContainsKey name

    member _.Declared: StepSlot[] = declared.ToArray()

    /// Leaves with their new values.
    member _.Updates: (Expr * Expr)[] = [| for name in order -> leaves[name], values[name] |]

/// A variable to be moved, with the value it has at this point.
[<NoEquality; NoComparison>]
type internal MovedVariable = { Spec: VariableSpec; Value: Expr }

/// Where the parts of an optimizer keep their values, and how they update variables within a step.
module internal OptimizerSteps =

    let private scalar (dtype: DType) = { DType = dtype; Shape = Shape.Scalar }

    /// What the names of an optimizer's slots begin with; the one of compile has no name.
    let prefix (name: string) = if name = "" then "" else StepNames.ofOptimizer name

    /// The name of one of several optimizers within another.
    let private inner (name: string) (i: int) = (if name = "" then "" else name + "/") + "multi/" + string i

    /// The optimizers with rules within an optimizer, under the names that their slots are kept under.
    let rec members (name: string) (optimizer: Optimizer) : struct (string * Optimizer)[] =
        match optimizer.Update with
        | ByRule _ -> [| struct (name, optimizer) |]
        | LossScaled scaling -> members name scaling.Inner
        | ByPath map -> Optimizer.ofMap map |> Array.mapi (fun i o -> struct (inner name i, o))

    /// The one of them that moves the variable of a path.
    let rec memberFor (name: string) (optimizer: Optimizer) (path: string) : struct (string * Optimizer) =
        match optimizer.Update with
        | ByRule _ -> struct (name, optimizer)
        | LossScaled scaling -> memberFor name scaling.Inner path
        | ByPath map ->
            let i = Optimizer.chosenBy map path
            struct (inner name i, (Optimizer.ofMap map)[i])

    let private iterationsOf (name: string) =
        { Name = prefix name + StepNames.Iterations; Type = scalar DType.Int64; Initial = 0.0 }

    let private scaleOf (name: string) (scaling: LossScaling) =
        { Name = prefix name + "dynamic_scale"
          Type = scalar DType.Float32
          Initial = scaling.InitialScale }

    let private counterOf (name: string) =
        { Name = prefix name + "step_counter"; Type = scalar DType.Int64; Initial = 0.0 }

    let private runs = { Name = StepNames.Runs; Type = scalar DType.Int64; Initial = 0.0 }

    let private scalarsOf (name: string) (rule: UpdateRule) : StepSlot[] =
        rule.Scalars
        |> Array.map (fun s ->
            { StepSlot.Name = prefix name + s.Name
              Type = { DType = DType.Float64; Shape = s.Shape }
              Initial = s.Initial })

    /// What is kept for a variable. Optimizers that hand their work to others keep nothing of it themselves.
    let private slotsOf (name: string) (optimizer: Optimizer) (spec: VariableSpec) : StepSlot[] =
        match optimizer.Update with
        | LossScaled _
        | ByPath _ -> [||]
        | ByRule rule ->
            OptimizerUpdate.slots optimizer.Options rule spec.Path spec.Shape
            |> Array.map (fun s ->
                { StepSlot.Name = StepNames.slot (prefix name + spec.Path) s.Name
                  Type = { DType = spec.DType; Shape = s.Shape }
                  Initial = s.Initial })

    /// The name of a variable's moving average, if its optimizer keeps one.
    let average (optimizer: Optimizer) (path: string) : string voption =
        let struct (name, mover) = memberFor "" optimizer path

        if mover.Options.UseEma then ValueSome(StepNames.slot (prefix name + path) "average") else ValueNone

    /// Everything an optimizer keeps for some variables.
    let state (optimizer: Optimizer) (specs: VariableSpec[]) : StepSlot[] =
        let rec own (name: string) (optimizer: Optimizer) : StepSlot[] =
            match optimizer.Update with
            | ByRule rule -> [| iterationsOf name; yield! scalarsOf name rule |]
            | LossScaled scaling -> [| yield! own name scaling.Inner; scaleOf name scaling; counterOf name; runs |]
            | ByPath _ ->
                [| iterationsOf name
                   for struct (name, o) in members name optimizer do
                       // One that moves nothing has nothing to keep.
                       if
                           specs
                           |> Array.exists (fun s ->
                               let struct (mover, _) = memberFor "" optimizer s.Path
                               mover = name)
                       then
                           yield! own name o |]

        [| yield! own "" optimizer
           for spec in specs do
               let struct (name, mover) = memberFor "" optimizer spec.Path
               yield! slotsOf name mover spec |]

    /// The loss as gradients are taken of it.
    let rec scaleLoss (slots: StepSlots) (name: string) (optimizer: Optimizer) (loss: Expr) : Expr =
        match optimizer.Update with
        | LossScaled scaling ->
            let s = scaleOf name scaling
            loss * Ops.cast loss.DType (slots.Value(s.Name, s.Type, s.Initial))
        | ByRule _
        | ByPath _ ->
            match optimizer.Options.LossScaleFactor with
            | Some factor -> loss * factor
            | None -> loss

    /// Gradients of a loss, as if they were of the scaled loss.
    let scaleGradients (slots: StepSlots) (name: string) (optimizer: Optimizer) (gradients: Expr[]) : Expr voption[] =
        gradients |> Array.map (scaleLoss slots name optimizer >> ValueSome)

    /// New values of variables from gradients of the scaled loss; slots are set. A step is skipped unless `kept`. A variable on
    /// which the loss does not depend stays as it is, as in Keras: it neither decays nor is it constrained.
    let rec update
        (slots: StepSlots)
        (rateOf: string -> Optimizer -> Expr)
        (name: string)
        (optimizer: Optimizer)
        (kept: Expr voption)
        (gradients: Expr voption[])
        (variables: MovedVariable[])
        : Expr[] =
        let choose (next: Expr) (old: Expr) =
            match kept with
            | ValueSome kept -> Ops.where kept next old
            | ValueNone -> next

        let valueOf (s: StepSlot) = slots.Value(s.Name, s.Type, s.Initial)
        let set (s: StepSlot) (old: Expr) (next: Expr) = slots.Set(s.Name, choose next old)

        let count () =
            let counter = iterationsOf name
            let old = valueOf counter
            set counter old (old + 1.0)

        match optimizer.Update with
        | ByRule rule ->
            let own = variables |> Array.map (fun v -> slotsOf name optimizer v.Spec)
            let old = own |> Array.map (Array.map valueOf)
            let scalars = scalarsOf name rule
            let oldScalars = scalars |> Array.map valueOf

            let dependent = [| 0 .. variables.Length - 1 |] |> Array.filter (fun i -> gradients[i].IsSome)

            let moved =
                dependent
                |> Array.map (fun i ->
                    let v = variables[i]

                    { OptimizedVariable.Path = v.Spec.Path
                      Variable = v.Value
                      Gradient = gradients[i].Value
                      Slots = old[i]
                      Constraint = v.Spec.Constraint })

            let next =
                OptimizerUpdate.apply
                    optimizer.Options
                    rule
                    (rateOf name optimizer)
                    (valueOf (iterationsOf name))
                    oldScalars
                    moved

            let results = variables |> Array.map (fun v -> v.Value)

            dependent
            |> Array.iteri (fun n i ->
                results[i] <- choose next.Variables[n] variables[i].Value

                for k in 0 .. own[i].Length - 1 do
                    set own[i].[k] old[i].[k] next.Slots[n].[k])

            // The average of a variable that stays is the variable.
            if optimizer.Options.UseEma then
                for i in 0 .. own.Length - 1 do
                    if gradients[i].IsNone then
                        let last = own[i].Length - 1
                        set own[i].[last] old[i].[last] variables[i].Value

            for k in 0 .. scalars.Length - 1 do
                set scalars[k] oldScalars[k] next.Scalars[k]

            count ()
            results

        | ByPath map ->
            let chosen = variables |> Array.map (fun v -> Optimizer.chosenBy map v.Spec.Path)
            let results: Expr[] = variables |> Array.map (fun v -> v.Value)

            Optimizer.ofMap map
            |> Array.iteri (fun k o ->
                let mine = [| 0 .. variables.Length - 1 |] |> Array.filter (fun i -> chosen[i] = k)

                if mine.Length > 0 then
                    let pick (items: 'a[]) = mine |> Array.map (fun i -> items[i])
                    let next = update slots rateOf (inner name k) o kept (pick gradients) (pick variables)
                    Array.iter2 (fun i value -> results[i] <- value) mine next)

            count ()
            results

        | LossScaled scaling ->
            let scale, counter = scaleOf name scaling, counterOf name
            let factor, steps = valueOf scale, valueOf counter

            let isFinite (g: Expr) =
                let each = Ops.isFinite g
                if g.Rank = 0 then each else Ops.all [| 0 .. g.Rank - 1 |] false each

            let finite =
                gradients
                |> Array.choose (ValueOption.map isFinite >> ValueOption.toOption)
                |> Array.fold Ops.logicalAnd (Expr.Constant(Tensor.Scalar true))

            let unscaled = gradients |> Array.map (ValueOption.map (fun g -> g / Ops.cast g.DType factor))
            let results = update slots rateOf name scaling.Inner (ValueSome finite) unscaled variables

            // Doubled after so many finite steps, halved after one that is not.
            let grows = Ops.equal steps (Ops.scalar DType.Int64 (float (scaling.GrowthSteps - 1)))
            let zero = Ops.scalar DType.Int64 0.0
            slots.Set(scale.Name, Ops.where finite (Ops.where grows (factor * 2.0) factor) (factor * 0.5))
            slots.Set(counter.Name, Ops.where finite (Ops.where grows zero (steps + 1.0)) zero)

            // Other random numbers come next also after a step that is skipped, which the optimizer does not count.
            let skipped = Ops.cast DType.Int64 (Ops.logicalNot finite)
            slots.Set(runs.Name, valueOf runs + skipped)
            results
