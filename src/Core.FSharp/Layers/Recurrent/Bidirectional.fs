namespace FunctionalNet

open System

/// <summary>Options of Bidirectional.</summary>
[<AutoOpen>]
module BidirectionalTypes =

    /// <summary>How Bidirectional joins the two directions.</summary>
    [<RequireQualifiedAccess>]
    type MergeMode =
        /// <summary>Side by side on the last axis.</summary>
        | Concat
        /// <summary>Their sum.</summary>
        | Sum
        /// <summary>Their product.</summary>
        | Multiply
        /// <summary>Their mean.</summary>
        | Average
        /// <summary>Two outputs.</summary>
        | Separate

    /// <summary>Arguments of Bidirectional; <c>Bidirectional.options layer</c> has Keras's defaults.</summary>
    [<NoEquality; NoComparison>]
    type BidirectionalOptions =
        {
            /// <summary>The recurrent layer for the forward direction.</summary>
            Layer: Layer
            /// <summary>Default: concat.</summary>
            MergeMode: MergeMode
            /// <summary>The recurrent layer for the backward direction, with GoBackwards; by default the first one's twin.</summary>
            BackwardLayer: Layer option
        }

/// <summary>A recurrent layer in both directions.</summary>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Bidirectional =

    /// <summary>Keras's defaults for that layer.</summary>
    let options (layer: Layer) : BidirectionalOptions =
        { Layer = layer; MergeMode = MergeMode.Concat; BackwardLayer = None }

    let private roleOf (where: string) (layer: Layer) =
        match layer.Role with
        | Recurrent role -> role
        | _ ->
            LayerCheck.argument
                ("Bidirectional." + where)
                "a recurrent layer, such as LSTM"
                layer.Kind
                "A cell becomes a layer by Layer.rnn."

    /// The layer run in another way and under a name of its direction.
    let private directed (prefix: string) (flags: LoopFlags) (layer: Layer) : Layer =
        let role = roleOf "layer" layer
        let name = if layer.LayerName = "" then Layer.snakeCase layer.Kind else layer.LayerName
        let bare =
            if name.StartsWith(prefix, StringComparison.Ordinal) then name.Substring prefix.Length else name

        { role.WithLoop flags with LayerName = prefix + bare; Frozen = layer.Frozen; Owner = layer.Owner }

    /// Both directions made, named and checked.
    let private complete (o: BidirectionalOptions) : BidirectionalOptions =
        let forward = (roleOf "layer" o.Layer).Loop
        // Where the outputs of all steps are merged, padding must not count on one side only.
        let zeroing (flags: LoopFlags) = { flags with ZeroMasked = flags.Sequences }

        let backward =
            match o.BackwardLayer with
            | None -> directed "backward_" (zeroing { forward with Backwards = true }) o.Layer
            | Some layer ->
                let made = (roleOf "backward_layer" layer).WithLoop(zeroing (roleOf "backward_layer" layer).Loop)
                { made with LayerName = layer.LayerName; Frozen = layer.Frozen; Owner = layer.Owner }

        let other = (roleOf "backward_layer" backward).Loop

        if forward.Backwards = other.Backwards then
            LayerCheck.argument
                "Bidirectional.backward_layer"
                "one layer with go_backwards, and one without"
                ("go_backwards is " + (if forward.Backwards then "true" else "false") + " for both")
                "Give the forward layer without go_backwards."

        if
            forward.Sequences <> other.Sequences
            || forward.States <> other.States
            || forward.Stateful <> other.Stateful
        then
            LayerCheck.argument
                "Bidirectional.backward_layer"
                "the forward layer's return_sequences, return_state and stateful"
                "other ones"
                "Give both layers the same."

        { o with Layer = directed "forward_" (zeroing forward) o.Layer; BackwardLayer = Some backward }

    let private merge (mode: MergeMode) (a: Expr) (b: Expr) : Expr[] =
        match mode with
        | MergeMode.Concat -> [| Ops.concatenate -1 [| a; b |] |]
        | MergeMode.Sum -> [| a + b |]
        | MergeMode.Multiply -> [| a * b |]
        | MergeMode.Average -> [| (a + b) * 0.5 |]
        | MergeMode.Separate -> [| a; b |]

    let private run (o: BidirectionalOptions) =
        let forward = o.Layer
        let backward = Option.defaultValue forward o.BackwardLayer
        let flags = (roleOf "layer" forward).Loop
        let names = Layer.assignNames [| forward; backward |]

        fun (scope: Scope) (flows: Flow[]) ->
            let given = flows.Length - 1

            if given > 0 && given % 2 <> 0 then
                raise (
                    ShapeException(
                        "Bidirectional got the wrong number of initial states.",
                        "",
                        "as many for the backward direction as for the forward one",
                        string given + " states",
                        "Give the states of the forward direction, then those of the backward one."
                    )
                )

            let inputs first =
                if given <= 0 then flows else Array.append flows[..0] flows[first .. first + given / 2 - 1]

            let call name layer flows =
                let inner = enter scope name layer
                // A mask that is named in the call is so for both directions.
                inner.Keywords <- scope.Keywords
                Layer.call inner layer flows

            let ahead = call names[0] forward (inputs 1)
            let back = call names[1] backward (inputs (1 + given / 2))
            let reversed = if flags.Sequences then Ops.flip [| 1 |] back[0].Value else back[0].Value

            Array.concat
                [ merge o.MergeMode ahead[0].Value reversed |> Array.map (Flow.under ahead[0].Mask)
                  ahead[1..]
                  back[1..] ]

    let private mergeField: Field<BidirectionalOptions> =
        let cases =
            [ "concat", MergeMode.Concat
              "sum", MergeMode.Sum
              "mul", MergeMode.Multiply
              "ave", MergeMode.Average ]

        let choice = Field.choice "merge_mode" cases _.MergeMode (fun v o -> { o with MergeMode = v })

        { choice with
            Get = fun o -> if o.MergeMode = MergeMode.Separate then Some Null else choice.Get o
            Set =
                fun where reader value o ->
                    if value = Null then { o with MergeMode = MergeMode.Separate } else choice.Set where reader value o }

    let internal definition: LayerClass<BidirectionalOptions> =
        LayerClass.many
            "Bidirectional"
            (options (LayerClass.layer SimpleRNN.definition (SimpleRNN.options 1)))
            [ NestedField.layer "layer" _.Layer (fun v o -> { o with Layer = v })
              mergeField
              NestedField.optionalLayer "backward_layer" _.BackwardLayer (fun v o -> { o with BackwardLayer = v }) ]
            run
        |> LayerClass.checkedBy complete
