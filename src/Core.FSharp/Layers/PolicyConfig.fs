namespace FunctionalNet

/// Policies of dtypes in configurations.
module internal PolicyConfig =

    let private object (className: string) (config: (string * ConfigValue) list) =
        ConfigWrite.objectOf "keras" { ClassName = className; Arguments = config }

    /// As Keras writes it.
    let write (policy: DTypePolicy) : ConfigValue =
        if policy.IsQuantized then
            object "QuantizedDTypePolicy" [ "mode", Text "int8"; "source_name", Text policy.Source ]
        else
            object "DTypePolicy" [ "name", Text policy.Name ]

    /// Policies of Keras's files that there are none of here: such layers compute in float32.
    let private halves = [ "float16"; "bfloat16"; "mixed_float16" ]

    /// Those of layers that give numbers of categories, such as Discretization.
    let private wholes = [ "int8"; "int16"; "int32"; "int64"; "uint8"; "uint16"; "uint32"; "uint64" ]

    let private named (name: string) : DTypePolicy voption =
        if name = "float32" || List.contains name halves || List.contains name wholes then
            ValueNone
        else
            ValueSome(DTypePolicy.Parse name)

    /// The policy of a layer's argument dtype; ValueNone for the network's own.
    let read (value: ConfigValue) : DTypePolicy voption =
        match value with
        | Null -> ValueNone
        | Object _ ->
            let config = ConfigRead.config "dtype" value

            match config.ClassName, ConfigRead.get "mode" config.Arguments with
            | "QuantizedDTypePolicy", Text "int8" ->
                let source = ConfigRead.text "dtype.source_name" (ConfigRead.get "source_name" config.Arguments)
                ValueSome (named source |> ValueOption.defaultValue DTypePolicy.Float32).Quantized
            | ("QuantizedDTypePolicy" | "QuantizedFloat8DTypePolicy"), mode ->
                raise (
                    ArgumentValueException(
                        "Weights of this kind cannot be read.",
                        "dtype.mode",
                        "int8",
                        ConfigRead.show mode,
                        "Quantise the float model with int8 here."
                    )
                )
            | _ -> named (ConfigRead.text "dtype.name" (ConfigRead.get "name" config.Arguments))
        | other -> named (ConfigRead.text "dtype" other)
