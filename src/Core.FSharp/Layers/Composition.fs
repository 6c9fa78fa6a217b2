namespace FunctionalNet

open System

/// Compositions other than serial.
module internal Composition =

    let private runBranches (branches: (string * Layer)[]) (scope: Scope) (inputs: Flow[]) =
        branches |> Array.collect (fun (name, branch) -> Layer.call (enter scope name branch) branch inputs)

    let private namesOf (layers: Layer list) =
        let layers = List.toArray layers
        Array.zip (Layer.assignNames layers) layers

    let private holdingAll (layerClass: LayerClass<Layer list>) =
        layerClass |> LayerClass.holding namesOf (fun layers _ -> List.ofArray layers)

    let branches: LayerClass<Layer list> =
        LayerClass.many "Parallel" [] [ NestedField.layers "layers" id (fun v _ -> v) ] (fun layers ->
            runBranches (namesOf layers))
        |> holdingAll

    /// One after the other: Keras's Pipeline of preprocessing layers.
    let pipeline: LayerClass<Layer list> =
        LayerClass.many "Pipeline" [] [ NestedField.layers "layers" id (fun v _ -> v) ] (fun layers ->
            let parts = namesOf layers

            fun scope inputs ->
                // What comes with images goes from layer to layer; one that knows images only leaves it as it is.
                let names = ImagePart.all |> Array.filter (fun name -> (scope.Argument name).IsSome)

                let others = names |> Array.map (fun name -> Flow.ofValue (scope.Argument name |> ValueOption.get))

                parts
                |> Array.fold
                    (fun flows (name, part) ->
                        let inner = enter scope name part

                        if names.Length = 0 then
                            Layer.call inner part flows
                        else
                            inner.Keywords <- Array.map2 (fun name (flow: Flow) -> name, flow.Value) names flows[1..]
                            let outputs = Layer.call inner part flows[..0]

                            if outputs.Length = flows.Length then outputs else Array.append outputs[..0] flows[1..])
                    (Array.append inputs others))
        |> holdingAll

    /// Branches, then the layer that merges them.
    let merged: LayerClass<Layer list * Layer> =
        LayerClass.many
            "ParallelMerge"
            ([], LayerClass.layer Merging.add ())
            [ NestedField.layers "layers" fst (fun v (_, merge) -> v, merge)
              NestedField.layer "merge" snd (fun v (layers, _) -> layers, v) ]
            (fun (layers, merge) ->
                let branches = namesOf layers

                fun scope inputs ->
                    let outputs = runBranches branches scope inputs
                    Layer.call (enter scope "merge" merge) merge outputs)
        |> LayerClass.holding
            (fun (layers, merge) -> Array.append (namesOf layers) [| "merge", merge |])
            (fun layers _ -> List.ofArray layers[.. layers.Length - 2], Array.last layers)

    let residual: LayerClass<Layer> =
        LayerClass.many
            "Residual"
            (LayerClass.layer PassThrough.identity ())
            [ NestedField.layer "layer" id (fun v _ -> v) ]
            (fun layer ->
                let name = (Layer.assignNames [| layer |])[0]
                let add = LayerClass.layer Merging.add ()

                fun scope inputs ->
                    let outputs = Layer.call (enter scope name layer) layer inputs

                    if inputs.Length <> 1 || outputs.Length <> 1 then
                        raise (
                            ShapeException(
                                "A residual connection goes around one input and one output.",
                                "",
                                "1 input and 1 output",
                                String.Concat(string inputs.Length, " and ", string outputs.Length),
                                "Merge first."
                            )
                        )

                    if not (inputs[0].Value.Shape.Equals outputs[0].Value.Shape) then
                        raise (
                            ShapeException(
                                "A residual connection must keep the shape.",
                                "",
                                inputs[0].Value.Shape.ToString(),
                                outputs[0].Value.Shape.ToString(),
                                "Let the inner layer end with as many features as it gets."
                            )
                        )

                    add.Run scope [| inputs[0]; outputs[0] |])
        |> LayerClass.holding (fun layer -> namesOf [ layer ]) (fun layers _ -> layers[0])
