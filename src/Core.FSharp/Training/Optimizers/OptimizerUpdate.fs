namespace FunctionalNet.Training

open System
open System.Text.RegularExpressions
open FunctionalNet

/// What an optimizer moves: a variable with its path, gradient and slots.
[<NoEquality; NoComparison>]
type internal OptimizedVariable =
    { Path: string; Variable: Expr; Gradient: Expr; Slots: Expr[]; Constraint: Constraint option }

/// What one update makes of everything.
[<NoEquality; NoComparison>]
type internal OptimizedStep = { Variables: Expr[]; Slots: Expr[][]; Scalars: Expr[] }

/// One update of an optimizer that has a rule, in Keras's order.
module internal OptimizerUpdate =

    /// What is kept for a variable: the rule's own slots, then the gradients gathered so far and the average, if wanted.
    let slots (o: OptimizerOptions) (rule: UpdateRule) (path: string) (shape: Shape) : SlotSpec[] =
        [| yield! rule.Slots path shape
           if o.GradientAccumulationSteps.IsSome then
               { Name = "gradient_accumulator"; Shape = shape; Initial = 0.0 }
           if o.UseEma then { Name = "average"; Shape = shape; Initial = 0.0 } |]

    let private squared (g: Expr) = Ops.sumAll (Ops.square g)

    /// g * limit / max(length, limit), from the square of the length.
    let private shorten (limit: float) (square: Expr) (g: Expr) =
        // The root has no derivative at 0, but nobody differentiates an update.
        g * (limit / Ops.maximum (Ops.sqrt square) (Ops.scalar square.DType limit))

    let private clip (o: OptimizerOptions) (gradients: Expr[]) : Expr[] =
        match o.ClipNorm, o.GlobalClipNorm, o.ClipValue with
        | Some limit, _, _ -> gradients |> Array.map (fun g -> shorten limit (squared g) g)
        | _, Some limit, _ when gradients.Length > 0 ->
            let all = gradients |> Array.map squared |> Array.reduce (+)
            // An infinite length makes every gradient NaN, in Keras and TensorFlow, instead of hiding it.
            let all = Ops.where (Ops.isFinite all) all (Ops.scalar all.DType nan)
            gradients |> Array.map (shorten limit all)
        | _, _, Some limit -> gradients |> Array.map (Ops.clip -limit limit)
        | _ -> gradients

    /// The last part of a path: Keras's name of a variable.
    let private nameOf (path: string) = path.Substring(path.LastIndexOf '/' + 1)

    /// True if weight decay leaves the variable alone.
    let excluded (o: OptimizerOptions) (path: string) : bool =
        o.ExcludeFromWeightDecay
        |> List.exists (fun entry ->
            if entry.Contains '/' then
                path = entry || path.StartsWith(entry.TrimEnd '/' + "/", StringComparison.Ordinal)
            else
                Regex.IsMatch(nameOf path, entry))

    /// The whole update: unscale, accumulate, clip, decay, step, average, constrain.
    let apply
        (o: OptimizerOptions)
        (rule: UpdateRule)
        (rate: Expr)
        (iterations: Expr)
        (scalars: Expr[])
        (variables: OptimizedVariable[])
        : OptimizedStep =
        let own (v: OptimizedVariable) = (rule.Slots v.Path v.Variable.Shape).Length
        let count = Ops.cast DType.Float64 iterations

        let gradients =
            match o.LossScaleFactor with
            | Some factor -> variables |> Array.map (fun v -> v.Gradient * (1.0 / factor))
            | None -> variables |> Array.map (fun v -> v.Gradient)

        // Whether this batch ends a round of gathering, the number of the update, and the gradients to use.
        let struct (ends, time, used, gathered) =
            match o.GradientAccumulationSteps with
            | None -> struct (ValueNone, count + 1.0, gradients, [||])
            | Some n ->
                let sums = Array.map2 (fun (v: OptimizedVariable) g -> v.Slots[own v] + g) variables gradients
                let round = Ops.floor ((count + 1.0) / float n)
                let ends = Ops.equal (round * float n) (count + 1.0)
                let time = Ops.floor (count / float n) + 1.0

                let kept = sums |> Array.map (fun s -> Ops.where ends (Ops.scalar s.DType 0.0) s)

                struct (ValueSome ends, time, sums |> Array.map (fun s -> s * (1.0 / float n)), kept)

        let used = clip o used

        let context (path: string) (undecayed: Expr) =
            { Rate = rate; Time = time; Scalars = scalars; Path = path; Undecayed = undecayed }

        let choose (next: Expr) (old: Expr) =
            match ends with
            | ValueSome ends -> Ops.where ends next old
            | ValueNone -> next

        /// Averages follow the variables batch by batch, also while gradients are gathered, and before constraints.
        let average (v: OptimizedVariable) (moved: Expr) =
            if not o.UseEma then
                struct (moved, [||])
            else
                let old = v.Slots[v.Slots.Length - 1]
                // Until the first update is done, the average is the variable.
                let first = Ops.equal time (Ops.scalar DType.Float64 1.0)
                let part = Ops.where first (Ops.scalar DType.Float64 0.0) (Ops.scalar DType.Float64 o.EmaMomentum)
                let part = Ops.cast old.DType part
                let average = part * old + (1.0 - part) * moved

                match o.EmaOverwriteFrequency with
                | None -> struct (moved, [| average |])
                | Some n ->
                    let round = Ops.floor (time / float n)
                    let now = Ops.equal (round * float n) time
                    struct (Ops.where now average moved, [| average |])

        let steps =
            variables
            |> Array.mapi (fun i v ->
                let start =
                    match rule.Decay o.WeightDecay v.Path v.Variable.Shape with
                    | Some decay when decay <> 0.0 && not (excluded o v.Path) ->
                        v.Variable - v.Variable * Ops.cast v.Variable.DType (rate * decay)
                    | _ -> v.Variable

                let old = v.Slots[.. own v - 1]
                let struct (moved, kept) = rule.Step (context v.Path v.Variable) start used[i] old
                let struct (moved, averages) = average v (choose moved v.Variable)

                let moved =
                    match v.Constraint with
                    | Some c -> c.Project moved
                    | None -> moved

                struct (moved,
                        Array.concat
                            [ Array.map2 choose kept old
                              (if gathered.Length > 0 then [| gathered[i] |] else [||])
                              averages ]))

        { Variables = steps |> Array.map (fun (struct (w, _)) -> w)
          Slots = steps |> Array.map (fun (struct (_, s)) -> s)
          Scalars =
            if scalars.Length = 0 then
                [||]
            else
                Array.map2 choose (rule.StepScalars(context "" scalars[0])) scalars }
