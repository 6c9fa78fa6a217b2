namespace FunctionalNet

/// <summary>Networks as configurations and as JSON, in the form of Keras.</summary>
[<AutoOpen>]
module ModelConfigs =

    /// <summary>The functional API: inputs, layers applied to nodes, and models made of them.</summary>
    [<RequireQualifiedAccess>]
    module Network =

        /// <summary>The network's architecture as Keras 3 writes it: class Sequential or Functional.</summary>
        /// <exception cref="T:FunctionalNet.NotReadyException">A layer holds a function without a name.</exception>
        let toConfig (network: Network) : ConfigValue = LayerConfig.toValue network.Name (Network.asLayer network)

        /// <summary>The network's architecture as JSON text that Keras 3 reads too.</summary>
        /// <exception cref="T:FunctionalNet.NotReadyException">A layer holds a function without a name.</exception>
        let toJson (network: Network) : string = Json.write false (toConfig network)

        let private notAModel (path: string) (expected: string) (actual: ConfigValue) : exn =
            ModelFormatException(
                "This is not the configuration of a model.",
                path,
                expected,
                ConfigRead.show actual,
                "A single layer is read with Registry.ofConfig."
            )

        let private read (value: ConfigValue) : Network =
            let entries =
                match value with
                | ConfigValue.Object entries -> entries
                | other -> raise (notAModel "" "an object with class_name and config" other)

            let config =
                match ConfigRead.get "config" entries with
                | ConfigValue.Object config -> config
                | other -> raise (notAModel "config" "an object" other)

            let network =
                match ConfigRead.get "class_name" entries with
                | Text "Sequential" ->
                    match ModelReader.trySequential Registry.ofConfig config with
                    | Ok network -> network
                    | Error _ ->
                        raise (
                            NotReadyException(
                                "A Sequential model without an input shape cannot be built.",
                                "Sequential",
                                "an InputLayer, or build_input_shape",
                                "neither",
                                "Read it as a layer with Registry.ofConfig, and give the input shape to Network.ofLayer."
                            )
                        )
                | Text("Functional" | "Model") -> ModelReader.functional Registry.ofConfig config
                | other -> raise (notAModel "class_name" "Sequential or Functional" other)

            let network =
                if ConfigRead.get "trainable" config = Bool false then
                    Network.freeze (Network.layers network |> Seq.map (fun l -> l.Name)) network
                else
                    network

            match ModelReader.floatType config with
            | DType.Float64 ->
                // What all layers have is the network's.
                let own (layer: Layer) =
                    match layer.Policy with
                    | ValueSome policy when policy = DTypePolicy.Float64 -> { layer with Policy = ValueNone }
                    | _ -> layer

                network |> Network.mapLayers (fun _ layer -> own layer) |> Network.withDType DType.Float64
            | _ -> network

        /// <summary>The model of a configuration as Keras 2 or 3 writes it: class Sequential (with an input shape) or
        /// Functional.</summary>
        /// <exception cref="T:FunctionalNet.ModelFormatException">It is not a model, its connections are broken, or a class or
        /// an argument is unknown or wrong; the error names the layer.</exception>
        /// <exception cref="T:FunctionalNet.ShapeException">The shapes of its layers do not fit.</exception>
        /// <exception cref="T:FunctionalNet.NotReadyException">It is Sequential without the shape of its input.</exception>
        let ofConfig (value: ConfigValue) : Network =
            try
                read value
            with :? ArgumentValueException as e ->
                raise (ModelFormatException(e.Summary, e.Path, e.Expected, e.Actual, e.Hint, e))

        /// <summary>The model of a JSON text as Keras 2 or 3 writes it.</summary>
        /// <exception cref="T:FunctionalNet.ModelFormatException">The text is not JSON, or not a model.</exception>
        let ofJson (text: string) : Network = ofConfig (Json.parse text)
