namespace FunctionalNet

open System
open FunctionalNet.Graph

/// One step of a recurrent layer, its weights in scope: input and states to output and new states. All have the batch first.
type internal RecurrentStep = Expr -> Expr[] -> struct (Expr * Expr[])

/// What a loop over (batch, time, ...) gives: the outputs of all steps, batch first and in the order in which they were
/// computed, or the last one; and the last states.
[<Struct; NoEquality; NoComparison>]
type internal Outcome = { Output: Expr; States: Expr[] }

/// A sequence with what belongs to it: its mask, the states it starts with, and whether those are all zero.
[<Struct; NoEquality; NoComparison>]
type internal Run = { X: Expr; Mask: Expr voption; FromZero: bool; Initial: Expr[] }

/// Steps over a sequence: masks, direction, states kept and given.
module internal Recurrence =

    let zeros (dtype: DType) (dims: int[]) = Ops.broadcastTo (Shape.Of dims) (Expr.Scalar(dtype, 0.0))

    /// A mask of rows against values of any rank.
    let private choose (mask: Expr) (yes: Expr) (no: Expr) =
        let dims = Array.init yes.Rank (fun i -> if i = 0 then mask.Shape[0] else 1)
        Ops.where (Ops.reshape dims mask) yes no

    let private requireStates (expected: Expr[]) (actual: Expr[]) =
        let shapes (states: Expr[]) = String.Join(", ", states |> Array.map (fun s -> s.Shape.ToString()))
        let same =
            expected.Length = actual.Length
            && Array.forall2 (fun (a: Expr) (b: Expr) -> a.Shape.Equals b.Shape) expected actual

        if not same then
            raise (
                ShapeException(
                    "A cell gave other states than it got.",
                    "",
                    string expected.Length + " states " + shapes expected,
                    string actual.Length + " states " + shapes actual,
                    "A step must give back as many states as it takes, in the same shapes and order."
                )
            )

    /// Runs a step over a sequence.
    let loop (flags: LoopFlags) (step: RecurrentStep) (run: Run) : Outcome =
        let x, mask, initial = run.X, run.Mask, run.Initial
        let length = x.Shape[1]
        let sequence = Ops.moveAxis 1 0 x
        let masks = mask |> ValueOption.map (Ops.transpose [| 1; 0 |])

        // The step is traced once: weights and dropout masks are the same at all steps.
        let slice = { DType = x.DType; Shape = Shape.removeAxes [| 1 |] x.Shape }
        let input = Tracing.placeholders "input" [| slice |]
        let before = Tracing.placeholders "state" (initial |> Array.map (fun (s: Expr) -> s.Type))
        let struct (result, after) = step input[0] before
        requireStates before after

        let apply (input': Expr) (states: Expr[]) =
            let results =
                Tracing.apply
                    (Array.append input before)
                    (Array.append [| result |] after)
                    (Array.append [| input' |] states)

            struct (results[0], results[1..])

        /// The state that is the output, or -1.
        let same = Array.FindIndex(after, fun s -> obj.ReferenceEquals(s, result))

        // At a masked step the output before is repeated. That is a state, unless it was not zero at the start.
        let repeats = mask.IsSome && not flags.ZeroMasked && (same < 0 || not run.FromZero)
        let lastIsState = same >= 0 && not repeats && not (mask.IsSome && flags.ZeroMasked)
        let carriesOutput = repeats || (not flags.Sequences && not lastIsState)
        let count = initial.Length

        let one (carry: Expr[]) (slices: Expr[]) : Expr[] * Expr[] =
            let states = carry[.. count - 1]
            let struct (output, next) = apply slices[0] states

            let struct (output, next) =
                if mask.IsNone then
                    struct (output, next)
                else
                    let kept = choose slices[1]
                    let next = Array.map2 kept next states

                    if flags.ZeroMasked then struct (kept output (Ops.zerosLike output), next)
                    elif repeats then struct (kept output carry[count], next)
                    else struct (next[same], next)

            let carry = if carriesOutput then Array.append next [| output |] else next
            carry, (if flags.Sequences then [| output |] else [||])

        let start =
            if carriesOutput then
                Array.append initial [| zeros result.DType (result.Shape.ToArray()) |]
            else
                initial

        let sequences =
            match masks with
            | ValueSome m -> [| sequence; m |]
            | ValueNone -> [| sequence |]

        let last, outputs =
            if flags.Unrolled then
                let mutable carry = start
                let outputs = Array.create length [||]

                for t in 0 .. length - 1 do
                    let at = if flags.Backwards then length - 1 - t else t
                    let next, output = one carry (sequences |> Array.map (Ops.index 0 at))
                    carry <- next
                    outputs[t] <- output

                carry, (if flags.Sequences then [| Ops.stack 0 (Array.concat outputs) |] else [||])
            else
                let last, outputs = Ops.scan one start sequences flags.Backwards
                // A loop that runs backwards leaves outputs at their places.
                last, (if flags.Backwards then outputs |> Array.map (Ops.flip [| 0 |]) else outputs)

        { Output =
            if flags.Sequences then Ops.moveAxis 0 1 outputs[0]
            elif lastIsState then last[same]
            else last[count]
          States = last[.. count - 1] }

    // ---- What goes in

    let private checkInput (kind: string) (x: Expr) =
        LayerCheck.minRank kind 3 x

        if x.Shape[1] = 0 then
            raise (
                ShapeException(
                    kind + " got sequences of no steps.",
                    "",
                    "(batch, time, ...) with 1 step or more",
                    x.Shape.ToString(),
                    "Leave empty sequences out, or pad them and mask the padding."
                )
            )

    let private checkMask (kind: string) (x: Expr) (mask: Expr voption) =
        match mask with
        | ValueSome m when not (m.Shape.Equals(Shape.Of(x.Shape[0], x.Shape[1]))) ->
            raise (
                ShapeException(
                    kind + " got a mask of another shape.",
                    "",
                    "(batch, time), here " + Shape.Of(x.Shape[0], x.Shape[1]).ToString(),
                    m.Shape.ToString(),
                    "A mask has one truth value per step."
                )
            )
        | _ -> ()

    let private checkInitial (kind: string) (batch: int) (shapes: int[][]) (given: Expr[]) =
        let wanted = shapes |> Array.map (fun s -> Shape.Of(Array.append [| batch |] s))

        if given.Length <> shapes.Length then
            raise (
                ShapeException(
                    kind + " got the wrong number of initial states.",
                    "",
                    string shapes.Length + " states of shapes " + String.Join(", ", wanted),
                    string given.Length + " states",
                    "Give one initial state for every state of the cell: for LSTM h and c."
                )
            )

        Array.iter2
            (fun (expected: Shape) (state: Expr) ->
                if not (state.Shape.Equals expected) then
                    raise (
                        ShapeException(
                            kind + " got an initial state of the wrong shape.",
                            "",
                            expected.ToString(),
                            state.Shape.ToString(),
                            "An initial state has one row per sequence."
                        )
                    ))
            wanted
            given

    /// The name under which a stateful layer keeps its states.
    [<Literal>]
    let StateName = "rnn_state"

    /// What every recurrent layer does with its inputs (a sequence, and initial states if they are given): `compute` gets the
    /// type of a step's input, `shapes` are those of the states without the batch.
    let run
        (kind: string)
        (flags: LoopFlags)
        (regularizer: Regularizer option)
        (scope: Scope)
        (shapes: int[] -> int[][])
        (compute: TensorType -> Run -> Outcome)
        (flows: Flow[])
        : Flow[] =
        if flows.Length = 0 then Layer.single kind flows |> ignore
        let mask = flows[0].Mask
        let x = LayerCheck.floating scope flows[0].Value
        checkInput kind x
        checkMask kind x mask
        let slice = { DType = x.DType; Shape = Shape.removeAxes [| 1 |] x.Shape }
        let batch = x.Shape[0]
        let shapes = shapes (slice.Shape.ToArray()[1..])
        let compute = compute slice

        let kept =
            if flags.Stateful then
                shapes
                |> Array.mapi (fun i dims ->
                    let name = if i = 0 then StateName else StateName + "_" + string i
                    scope.Carry(name, Shape.Of(Array.append [| batch |] dims)))
            else
                [||]

        let fromZero = flows.Length = 1 && not flags.Stateful

        let initial =
            if flows.Length > 1 then
                let given = flows[1..] |> Array.map (fun f -> LayerCheck.floating scope f.Value)
                checkInitial kind batch shapes given
                given
            elif flags.Stateful then
                kept
            else
                shapes |> Array.map (fun dims -> zeros x.DType (Array.append [| batch |] dims))

        // Keras 3.8 hands the mask of a sequence on to a layer that is given nothing else. With initial states it counts where the
        // call names it; the output has it in any case.
        let counted = if flows.Length > 1 && (scope.Argument MaskKeyword).IsNone then ValueNone else mask
        let outcome = compute { X = x; Mask = counted; FromZero = fromZero; Initial = initial }
        Array.iter2
            (fun state value -> scope.Update(state, value))
            kept
            (if flags.Stateful then outcome.States else [||])
        let results =
            if flags.States then Array.append [| outcome.Output |] outcome.States else [| outcome.Output |]

        for result in results do
            LayerCheck.activity scope regularizer result

        results
        |> Array.mapi (fun i value -> Flow.under (if i = 0 && flags.Sequences then mask else ValueNone) value)

    /// A cell used as a layer: one step, from an input and states to the output and new states.
    let single
        (kind: string)
        (scope: Scope)
        (shapes: int[] -> int[][])
        (makeStep: TensorType -> RecurrentStep)
        (flows: Flow[])
        : Flow[] =
        if flows.Length = 0 then Layer.single kind flows |> ignore
        let x = LayerCheck.floating scope flows[0].Value
        LayerCheck.minRank kind 2 x
        let given = flows[1..] |> Array.map (fun f -> LayerCheck.floating scope f.Value)
        let shapes = shapes (x.Shape.ToArray()[1..])

        let states =
            if given.Length = 0 then
                shapes |> Array.map (fun dims -> zeros x.DType (Array.append [| x.Shape[0] |] dims))
            else
                checkInitial kind x.Shape[0] shapes given
                given

        let struct (output, next) = makeStep x.Type x states
        requireStates states next
        Array.append [| output |] next |> Array.map Flow.ofValue
