namespace FunctionalNet

/// <summary>Networks as configurations and as JSON, in the form of Keras.</summary>
[<AutoOpen>]
module NetworkConfigs =

    /// <summary>The functional API: inputs, layers applied to nodes, and models made of them.</summary>
    [<RequireQualifiedAccess>]
    module Network =

        /// <summary>The network's architecture as Keras 3 writes it: class Sequential or Functional.</summary>
        /// <exception cref="T:FunctionalNet.NotReadyException">A layer holds a function without a name.</exception>
        let toConfig (network: Network) : ConfigValue = LayerConfig.toValue network.Name (Network.asLayer network)

        /// <summary>The network's architecture as JSON text that Keras 3 reads too.</summary>
        /// <exception cref="T:FunctionalNet.NotReadyException">A layer holds a function without a name.</exception>
        let toJson (network: Network) : string = Json.write false (toConfig network)

        /// <summary>The model of a configuration as Keras 2 or 3 writes it: class Sequential (with an input shape) or
        /// Functional.</summary>
        /// <exception cref="T:FunctionalNet.ArgumentValueException">A class or an argument is unknown or wrong.</exception>
        /// <exception cref="T:FunctionalNet.ModelFormatException">It is not a model, or its connections are broken.</exception>
        let ofConfig (value: ConfigValue) : Network =
            let entries = ConfigRead.entriesOf "model" value
            let config () = ConfigRead.entriesOf "config" (ConfigRead.get "config" entries)

            match ConfigRead.get "class_name" entries with
            | Text "Sequential" ->
                let config = config ()
                let name = ConfigRead.get "name" config

                match NetworkReader.sequentialParts Registry.ofConfig config with
                | Some input, parts ->
                    let network = Network.sequential (Network.inputWith input) parts

                    match name with
                    | Text name -> Network.named name network
                    | _ -> network
                | None, _ ->
                    raise (
                        NotReadyException(
                            "A Sequential model without an input shape cannot be built.",
                            "Sequential",
                            "an InputLayer, or build_input_shape",
                            "neither",
                            "Read it as a layer with Registry.ofConfig, and give the input shape to Network.ofLayer."
                        )
                    )
            | Text("Functional" | "Model") -> NetworkReader.functional Registry.ofConfig (config ())
            | other ->
                raise (
                    ModelFormatException(
                        "This is not the configuration of a model.",
                        "class_name",
                        "Sequential or Functional",
                        ConfigRead.show other,
                        "A single layer is read with Registry.ofConfig.",
                        null
                    )
                )

        /// <summary>The model of a JSON text as Keras 2 or 3 writes it.</summary>
        /// <exception cref="T:FunctionalNet.ModelFormatException">The text is not JSON, or not a model.</exception>
        let ofJson (text: string) : Network = ofConfig (Json.parse text)
