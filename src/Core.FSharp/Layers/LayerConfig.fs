namespace FunctionalNet

open System

/// <summary>Layers as configurations.</summary>
module internal LayerConfig =

    let private withCommon (name: string) (layer: Layer) (arguments: (string * ConfigValue) list) =
        let own = arguments |> List.filter (fun (key, _) -> key <> "name" && key <> "trainable")
        ConfigValue.Object([ "name", Text name; "trainable", Bool(not layer.Frozen) ] @ own)

    /// What is wrong with a layer that has no configuration.
    let private cannotSave (name: string) (layer: Layer) : exn =
        let hint =
            if layer.Kind = "Lambda" then
                "Give the function a name with Layer.lambdaNamed; the same name must be known where the model is loaded."
            else
                "Use functions that Keras knows by name, or register the layer's class and give it a configuration."

        NotReadyException(
            "A layer cannot be saved: it holds a function without a name.",
            name,
            "a layer whose activation, initializers and other functions all have names",
            layer.Kind,
            hint
        )

    let private moduleOf (kind: string) =
        match kind with
        | "Sequential" -> "keras"
        | "Functional" -> "keras.src.models.functional"
        | _ -> "keras.layers"

    /// Keras's object of a layer that its container holds under a name.
    let rec toValue (name: string) (layer: Layer) : ConfigValue =
        let arguments =
            match layer.LayerConfig with
            | Some config -> config.Arguments
            | None when layer.Kind = "Sequential" && layer.Parts.Length > 0 ->
                [ "layers", List [ for name, part in layer.Parts -> toValue name part ] ]
            | None -> raise (cannotSave name layer)

        let registered = if layer.Kind = "Functional" then Text "Functional" else Null

        ConfigValue.Object
            [ "module", Text(moduleOf layer.Kind)
              "class_name", Text layer.Kind
              "config", withCommon name layer arguments
              "registered_name", registered ]

    /// A layer as an argument of another: named by itself or by its class.
    let toArgument (layer: Layer) : ConfigValue option =
        match layer.LayerConfig, layer.Parts with
        | None, [||] -> None
        | _ -> Some(toValue (if layer.LayerName = "" then Layer.snakeCase layer.Kind else layer.LayerName) layer)

/// Fields that hold layers.
module internal NestedField =

    let private make key write (read: string -> (ConfigValue -> Layer) -> ConfigValue -> 'v) (get: 'o -> 'v) (set: 'v -> 'o -> 'o) : Field<'o> =
        { Key = key
          Required = true
          Get = get >> write
          Written = true
          Set = fun where reader value options -> set (read where reader value) options }

    let layer key get set : Field<'o> =
        make key LayerConfig.toArgument (fun _ reader value -> reader value) get set

    let layers key (get: 'o -> Layer list) set : Field<'o> =
        let write (layers: Layer list) =
            let all = List.map LayerConfig.toArgument layers
            if List.forall Option.isSome all then Some(List(List.choose id all)) else None

        make key write (fun where reader value -> ConfigRead.list where value |> List.map reader) get set

/// Compositions other than serial.
module internal Composition =

    let private runBranches (branches: (string * Layer)[]) (scope: Scope) (inputs: Flow[]) =
        branches
        |> Array.collect (fun (name, branch) -> Layer.call (enter scope name branch) branch inputs)

    let private namesOf (layers: Layer list) =
        let layers = List.toArray layers
        Array.zip (Layer.assignNames layers) layers

    let branches: LayerClass<Layer list> =
        LayerClass.many "Parallel" [ NestedField.layers "layers" id (fun v _ -> v) ] [] (fun layers -> runBranches (namesOf layers))

    /// Branches, then the layer that merges them.
    let merged: LayerClass<Layer list * Layer> =
        LayerClass.many
            "ParallelMerge"
            [ NestedField.layers "layers" fst (fun v (_, merge) -> v, merge)
              NestedField.layer "merge" snd (fun v (layers, _) -> layers, v) ]
            ([], LayerClass.layer Merging.add ())
            (fun (layers, merge) ->
                let parts = namesOf (layers @ [ merge ])
                let branches, last = parts[.. parts.Length - 2], parts[parts.Length - 1]

                fun scope inputs ->
                    let outputs = runBranches branches scope inputs
                    let name, layer = last
                    Layer.call (enter scope name layer) layer outputs)

    let residual: LayerClass<Layer> =
        LayerClass.many "Residual" [ NestedField.layer "layer" id (fun v _ -> v) ] (LayerClass.layer PassThrough.identity ()) (fun layer ->
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
