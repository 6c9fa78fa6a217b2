namespace FunctionalNet

open FunctionalNet.Graph

/// A layer applied to every step of a sequence: (batch, time, ...).
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal TimeDistributed =

    /// True if a row of the layer's output depends on one row of its input, whatever the other rows are. Then all steps can
    /// be rows of one batch.
    let rec private isRowwise (layer: Layer) : bool =
        match Network.tryOfLayer layer with
        | Some network ->
            network.Entries |> Array.forall (fun entry -> entry.Calls[0].Input.IsSome || isRowwise entry.Layer)
        | None when layer.Parts.Length > 0 -> layer.Parts |> Array.forall (fun (_, part) -> isRowwise part)
        | None -> layer.LayerConfig.IsSome && layer.Kind <> "Lambda"

    /// True if the layer changes its state in this mode, as BatchNormalization does in training: it must see the steps one
    /// after the other.
    let private updates (scope: Scope) (layer: Layer) (x: Flow) : bool =
        let trial = Trace(scope.Mode, scope.FloatType, scope.Trace.IsFrozen)
        Layer.call (Scope(trial, scope.Path, scope.IsFrozen, scope.Policy)) layer [| x |] |> ignore
        trial.UpdateCount > 0

    /// The mask of the steps' rows: a mask per row is for layers that count rows.
    let private innerMask (layer: Layer) (fold: Expr -> Expr) (mask: Expr voption) : Expr voption =
        match mask with
        | ValueSome m when m.Rank > 2 || layer.Kind = "BatchNormalization" -> ValueSome(fold m)
        | _ -> ValueNone

    let private one (flows: Flow[]) = (Layer.single "TimeDistributed" flows).Value

    /// All steps as rows of one batch.
    let private atOnce (scope: Scope) (layer: Layer) (x: Flow) : Expr =
        let batch, time = x.Value.Shape[0], x.Value.Shape[1]
        let fold (e: Expr) = Ops.reshape (Array.append [| batch * time |] (e.Shape.ToArray()[2..])) e
        let inner = Flow.under (innerMask layer fold x.Mask) (fold x.Value)
        let y = one (Layer.call scope layer [| inner |])
        Ops.reshape (Array.append [| batch; time |] (y.Shape.ToArray()[1..])) y

    /// One step after the other, each with the state that the one before left.
    let private stepwise (scope: Scope) (layer: Layer) (x: Flow) : Expr =
        let outputs =
            [| for t in 0 .. x.Value.Shape[1] - 1 do
                   let slice = Ops.index 1 t
                   one (Layer.call scope layer [| Flow.under (innerMask layer slice x.Mask) (slice x.Value) |]) |]

        Ops.stack 1 outputs

    let private run (layer: Layer) =
        let name = (Layer.assignNames [| layer |])[0]

        fun (scope: Scope) (x: Flow) ->
            LayerCheck.minRank "TimeDistributed" 3 x.Value

            match x.Mask with
            | ValueSome m when m.Rank < 2 || m.Shape[0] <> x.Value.Shape[0] || m.Shape[1] <> x.Value.Shape[1] ->
                raise (
                    ShapeException(
                        "TimeDistributed got a mask of another shape.",
                        "",
                        "(batch, time), as the input " + x.Value.Shape.ToString(),
                        m.Shape.ToString(),
                        "A mask has one truth value per step."
                    )
                )
            | _ -> ()

            let inner = enter scope name layer
            inner.IgnoresActivity <- true
            let first = Flow.ofValue (Ops.index 1 0 x.Value)

            if isRowwise layer && not (updates inner layer first) then
                { x with Value = atOnce inner layer x }
            else
                { x with Value = stepwise inner layer x }

    let definition: LayerClass<Layer> =
        LayerClass.flow
            "TimeDistributed"
            (LayerClass.layer PassThrough.identity ())
            [ NestedField.layer "layer" id (fun v _ -> v) ]
            run
        |> LayerClass.holding (fun layer -> Array.zip (Layer.assignNames [| layer |]) [| layer |]) (fun layers _ ->
            layers[0])
