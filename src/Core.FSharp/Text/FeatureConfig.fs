namespace FunctionalNet

/// Features, their preprocessors and crosses as configurations, in Keras's form.
module internal FeatureConfig =

    let private source = "keras.src.layers.preprocessing.feature_space"

    let private objectOf (moduleName: string) (className: string) (registered: ConfigValue) arguments : ConfigValue =
        ConfigValue.Object
            [ "module", Text moduleName
              "class_name", Text className
              "config", ConfigValue.Object arguments
              "registered_name", registered ]

    let private encodings =
        [ "int", FeatureEncoding.Ids; "one_hot", FeatureEncoding.OneHot; "float", FeatureEncoding.Floats ]

    let private inputs =
        [ "float32", FeatureInput.Float32
          "int32", FeatureInput.Int32
          "int64", FeatureInput.Int32
          "string", FeatureInput.Text ]

    let outputs = [ "concat", FeatureOutput.Concat; "dict", FeatureOutput.Dict ]

    let nameOf (cases: (string * 'v) list) (value: 'v) : string =
        cases |> List.find (fun (_, case) -> case = value) |> fst

    let valueOf (where: string) (cases: (string * 'v) list) (value: ConfigValue) : 'v =
        let name = ConfigRead.text where value

        match cases |> List.tryFind (fun (case, _) -> case = name) with
        | Some(_, value) -> value
        | None -> raise (Common.Names.unknown "value" where name (List.map fst cases))

    let private layerOf (name: string) (definition: LayerClass<'o>) (options: 'o) : ConfigValue =
        LayerConfig.toValue name (LayerClass.layer definition options)

    let private preprocessor (name: string) (preprocessor: Preprocessor) : ConfigValue =
        match preprocessor with
        | Preprocessor.Identity ->
            objectOf
                source
                "TFDIdentity"
                (Text "TFDIdentity")
                [ "name", Text name; "trainable", Bool true; "dtype", Text "float32" ]
        // What it has learnt are weights, not arguments.
        | Preprocessor.Normalize o -> layerOf name Normalization.definition { o with Adapted = None }
        | Preprocessor.Rescale o -> layerOf name Rescaling.definition o
        | Preprocessor.Discretize o -> layerOf name Discretization.definition o
        | Preprocessor.Integers lookup -> lookup.ToConfig()
        | Preprocessor.Texts lookup -> lookup.ToConfig()
        | Preprocessor.Hash hashing -> hashing.ToConfig()
        | Preprocessor.Vectorize vectorization -> vectorization.ToConfig()

    let private optionsOf (definition: LayerClass<'o>) (arguments: (string * ConfigValue) list) : 'o =
        arguments
        |> List.filter (fun (key, _) -> key <> "name" && key <> "trainable" && key <> "dtype")
        |> Codec.read definition.Kind definition.Fields Registry.ofConfig definition.Start
        |> definition.Check

    let private readPreprocessor (value: ConfigValue) : Preprocessor =
        let entries = ConfigRead.entriesOf "preprocessor" value
        let className = ConfigRead.text "class_name" (ConfigRead.get "class_name" entries)

        let arguments () =
            match ConfigRead.get "config" entries with
            | Null -> []
            | config -> ConfigRead.entriesOf className config

        let known =
            [ "TFDIdentity", (fun () -> Preprocessor.Identity)
              "Normalization", (fun () -> Preprocessor.Normalize(optionsOf Normalization.definition (arguments ())))
              "Rescaling", (fun () -> Preprocessor.Rescale(optionsOf Rescaling.definition (arguments ())))
              "Discretization", (fun () -> Preprocessor.Discretize(optionsOf Discretization.definition (arguments ())))
              "IntegerLookup", (fun () -> Preprocessor.Integers(IntegerLookup.OfConfig value))
              "StringLookup", (fun () -> Preprocessor.Texts(StringLookup.OfConfig value))
              "Hashing", (fun () -> Preprocessor.Hash(Hashing.OfConfig value))
              "TextVectorization", (fun () -> Preprocessor.Vectorize(TextVectorization.OfConfig value)) ]

        match known |> List.tryFind (fun (name, _) -> name = className) with
        | Some(_, read) -> read ()
        | None -> raise (Common.Names.unknown "preprocessor" "class_name" className (List.map fst known))

    /// A feature with its preprocessor.
    let feature (name: string) (feature: Feature) (own: Preprocessor) : ConfigValue =
        objectOf
            source
            "Feature"
            (Text "Feature")
            [ "dtype", Text(nameOf inputs feature.Input)
              "preprocessor", preprocessor (name + "_preprocessor") own
              "output_mode", Text(nameOf encodings feature.Encoding) ]

    /// What a preprocessor has learnt and its configuration does not hold.
    let learnt (preprocessor: Preprocessor) : ConfigValue =
        let moments =
            match preprocessor with
            | Preprocessor.Normalize { Adapted = Some moments } ->
                [ "mean", Float(moments.Mean.ToDoubles()[0]); "variance", Float(moments.Variance.ToDoubles()[0]) ]
            | _ -> []

        ConfigValue.Object(("adapted", Bool true) :: moments)

    /// The feature of a configuration, with what it had learnt if there is a state.
    let readFeature (value: ConfigValue) (state: ConfigValue) : Feature =
        let get key = ConfigRead.get key (LookupConfig.argumentsOf "Feature" value)
        let state = if state = Null then [] else ConfigRead.entriesOf "build_config" state
        let adapted = ConfigRead.get "adapted" state = Bool true

        let preprocessor =
            match readPreprocessor (get "preprocessor") with
            | Preprocessor.Normalize o when adapted ->
                let number key =
                    let value = ConfigRead.float key (ConfigRead.get key state)
                    Tensor.Of(Shape.Of 1, [| value |])

                Preprocessor.Normalize { o with Adapted = Some { Mean = number "mean"; Variance = number "variance" } }
            | other -> other

        let input = valueOf "dtype" inputs (get "dtype")
        let encoding = valueOf "output_mode" encodings (get "output_mode")
        Feature(input, encoding, adapted, (fun _ -> preprocessor))

    let cross (cross: FeatureCross) (dim: int) : ConfigValue =
        objectOf
            source
            "Cross"
            (Text "Cross")
            [ "feature_names", ConfigValue.List [ for name in cross.FeatureNames -> Text name ]
              "crossing_dim", Int(int64 dim)
              "output_mode", Text(nameOf encodings cross.Encoding) ]

    let readCross (value: ConfigValue) : FeatureCross =
        let get key = ConfigRead.get key (LookupConfig.argumentsOf "Cross" value)

        let names =
            ConfigRead.list "feature_names" (get "feature_names")
            |> List.map (ConfigRead.text "feature_names")
            |> List.toArray

        FeatureCross(
            names,
            ValueSome(ConfigRead.int "crossing_dim" (get "crossing_dim")),
            LookupConfig.readMode "output_mode" (get "output_mode")
        )
