namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Common

/// <summary>The classes of layers that configurations may name.</summary>
[<RequireQualifiedAccess>]
module Registry =

    let private entryOf definition = LayerClass.entry definition

    let private imageEntryOf imageClass = entryOf (ImageLayer.toClass imageClass)

    let private several definitions = definitions |> Array.map entryOf |> Array.toList

    let private ranks (name: string) (suffix: string) =
        [ name + "1D" + suffix; name + "2D" + suffix; name + "3D" + suffix ]

    /// Class names, and their entries, which are only made when one of them is asked for: most programs use few classes.
    let private family (names: string list) (entries: unit -> LayerEntry list) : string list * Lazy<LayerEntry list> =
        names, Lazy<LayerEntry list>(Func<LayerEntry list>(entries))

    /// Every class of this library except the models, by the file that has them.
    let internal families: (string list * Lazy<LayerEntry list>) list =
        [ family [ "Dense" ] (fun () -> [ entryOf Dense.definition ])
          family [ "EinsumDense" ] (fun () -> [ entryOf EinsumDense.definition ])
          family [ "Embedding" ] (fun () -> [ entryOf Embedding.definition ])
          family [ "TernaryDense" ] (fun () -> [ entryOf TernaryDense.definition ])
          family [ "ReversibleEmbedding" ] (fun () -> [ entryOf ReversibleEmbedding.definition ])
          family [ "Identity"; "Masking"; "NotEqual"; "Lambda"; "ActivityRegularization" ] (fun () ->
              [ entryOf PassThrough.identity
                entryOf PassThrough.masking
                entryOf PassThrough.notEqual
                PassThrough.lambdaEntry
                entryOf PassThrough.activityRegularization ])
          family [ "Activation"; "ReLU"; "LeakyReLU"; "PReLU"; "ELU"; "Softmax" ] (fun () ->
              [ entryOf SmallActivations.activation
                entryOf ReLU.definition
                entryOf SmallActivations.leakyReLU
                entryOf PReLU.definition
                entryOf SmallActivations.elu
                entryOf SmallActivations.softmax ])
          family
              [ "Flatten"
                "Reshape"
                "Permute"
                "RepeatVector"
                yield! ranks "ZeroPadding" ""
                yield! ranks "Cropping" ""
                yield! ranks "UpSampling" "" ]
              (fun () ->
                  [ entryOf Reshaping.flatten
                    entryOf Reshaping.reshape
                    entryOf Reshaping.permute
                    entryOf Reshaping.repeatVector
                    yield! several Borders.zeroPadding
                    yield! several Borders.cropping
                    yield! several Resampling.upSamplings ])
          family
              [ yield! ranks "Conv" ""
                yield! ranks "Conv" "Transpose"
                "DepthwiseConv1D"
                "DepthwiseConv2D"
                "SeparableConv1D"
                "SeparableConv2D"
                "LocallyConnected1D"
                "LocallyConnected2D" ]
              (fun () ->
                  [ yield! several Conv.definitions
                    yield! several ConvTranspose.definitions
                    yield! several DepthwiseConv.definitions
                    yield! several SeparableConv.definitions
                    yield! several LocallyConnected.definitions ])
          family
              [ yield! ranks "MaxPooling" ""
                yield! ranks "AveragePooling" ""
                yield! ranks "GlobalMaxPooling" ""
                yield! ranks "GlobalAveragePooling" ""
                yield! ranks "AdaptiveMaxPooling" ""
                yield! ranks "AdaptiveAveragePooling" "" ]
              (fun () ->
                  [ yield! several Pool.maxima
                    yield! several Pool.averages
                    yield! several GlobalPool.maxima
                    yield! several GlobalPool.averages
                    yield! several AdaptivePool.maxima
                    yield! several AdaptivePool.averages ])
          family
              [ "BatchNormalization"
                "LayerNormalization"
                "GroupNormalization"
                "RMSNormalization"
                "UnitNormalization"
                "SpectralNormalization" ]
              (fun () ->
                  [ entryOf BatchNormalization.definition
                    entryOf LayerNormalization.definition
                    entryOf GroupNormalization.definition
                    entryOf SmallNormalizations.rms
                    entryOf SmallNormalizations.unit
                    entryOf SpectralNormalization.definition ])
          family
              [ "Dropout"; yield! ranks "SpatialDropout" ""; "GaussianDropout"; "AlphaDropout"; "GaussianNoise" ]
              (fun () ->
                  [ entryOf Dropout.plain
                    yield! several Dropout.spatial
                    entryOf Dropout.gaussian
                    entryOf Dropout.alpha
                    entryOf Dropout.noise ])
          family [ "Attention"; "AdditiveAttention"; "MultiHeadAttention"; "GroupQueryAttention" ] (fun () ->
              [ entryOf Attention.definition
                entryOf AdditiveAttention.definition
                entryOf MultiHeadAttention.definition
                entryOf GroupQueryAttention.definition ])
          family [ "PositionEmbedding"; "SinePositionEncoding"; "RotaryEmbedding" ] (fun () ->
              [ entryOf PositionEmbedding.definition
                entryOf SinePositionEncoding.definition
                entryOf RotaryEmbedding.definition ])
          family [ "Add"; "Subtract"; "Multiply"; "Average"; "Maximum"; "Minimum"; "Concatenate"; "Dot" ] (fun () ->
              [ entryOf Merging.add
                entryOf Merging.subtract
                entryOf Merging.multiply
                entryOf Merging.average
                entryOf Merging.maximum
                entryOf Merging.minimum
                entryOf Merging.concatenate
                entryOf Dot.definition ])
          family [ "Normalization"; "Rescaling" ] (fun () ->
              [ entryOf Normalization.definition; entryOf Rescaling.definition ])
          family
              [ "Resizing"
                "CenterCrop"
                "RandomCrop"
                "RandomFlip"
                "RandomRotation"
                "RandomZoom"
                "RandomTranslation"
                "RandomShear"
                "RandomPerspective"
                "RandomElasticTransform" ]
              (fun () ->
                  [ imageEntryOf Resizing.definition
                    imageEntryOf ImageCrop.center
                    imageEntryOf ImageCrop.random
                    imageEntryOf RandomFlip.definition
                    imageEntryOf RandomRotation.definition
                    imageEntryOf RandomMovement.zoom
                    imageEntryOf RandomMovement.translation
                    imageEntryOf RandomMovement.shear
                    imageEntryOf RandomPerspective.definition
                    imageEntryOf RandomElasticTransform.definition ])
          family
              [ "RandomBrightness"
                "RandomContrast"
                "RandomHue"
                "RandomSaturation"
                "RandomSharpness"
                "RandomColorDegeneration"
                "RandomColorJitter"
                "RandomGrayscale"
                "RandomInvert"
                "RandomPosterization"
                "RandomGaussianBlur"
                "RandomErasing" ]
              (fun () ->
                  [ imageEntryOf RandomColor.brightness
                    imageEntryOf RandomColor.contrasts
                    imageEntryOf RandomColor.hue
                    imageEntryOf RandomColor.saturation
                    imageEntryOf RandomColor.sharpness
                    imageEntryOf RandomColor.degeneration
                    imageEntryOf RandomColor.jitter
                    imageEntryOf RandomColor.grayscale
                    imageEntryOf RandomColor.invert
                    imageEntryOf RandomColor.posterization
                    imageEntryOf RandomGaussianBlur.definition
                    imageEntryOf RandomErasing.definition ])
          family
              [ "Solarization"
                "AutoContrast"
                "Equalization"
                "ContrastLimitedAdaptiveHistogramEqualization"
                "MixUp"
                "CutMix"
                "RandAugment"
                "AugMix" ]
              (fun () ->
                  [ imageEntryOf Solarization.definition
                    imageEntryOf ImageContrast.definition
                    imageEntryOf Equalization.definition
                    imageEntryOf AdaptiveEqualization.definition
                    imageEntryOf ImageMix.mixingUp
                    imageEntryOf ImageMix.cutting
                    imageEntryOf RandAugment.definition
                    imageEntryOf AugMix.definition ])
          family [ "Discretization"; "CategoryEncoding" ] (fun () ->
              [ entryOf Discretization.definition; entryOf CategoryEncoding.definition ])
          family [ "STFTSpectrogram"; "MelSpectrogram"; "MaxNumBoundingBoxes" ] (fun () ->
              [ entryOf STFTSpectrogram.definition
                entryOf MelSpectrogram.definition
                entryOf BoundingBoxes.maxNumber ])
          family
              [ "SimpleRNN"
                "SimpleRNNCell"
                "LSTM"
                "LSTMCell"
                "GRU"
                "GRUCell"
                "StackedRNNCells"
                "RNN"
                "Bidirectional"
                "TimeDistributed"
                yield! ranks "ConvLSTM" "" ]
              (fun () ->
                  [ entryOf SimpleRNN.definition
                    entryOf SimpleRNN.cell
                    entryOf LSTM.definition
                    entryOf LSTM.cell
                    entryOf GRU.definition
                    entryOf GRU.cell
                    entryOf RecurrentCell.stacked
                    entryOf RNN.definition
                    entryOf Bidirectional.definition
                    entryOf TimeDistributed.definition
                    yield! several ConvLSTM.definitions ])
          family [ "Parallel"; "ParallelMerge"; "Residual"; "Pipeline" ] (fun () ->
              [ entryOf Composition.branches
                entryOf Composition.merged
                entryOf Composition.residual
                entryOf Composition.pipeline ]) ]

    /// Every class of this library except the models.
    let internal builtIn () : LayerEntry list = families |> List.collect (fun (_, entries) -> entries.Value)

    let private tryFind (className: string) : LayerEntry option =
        families
        |> List.tryFind (fun (names, _) -> List.contains className names)
        |> Option.map (fun (_, entries) -> entries.Value |> List.find (fun entry -> entry.Class = className))

    /// <summary>Makes a class of your own known to configurations. It takes precedence over a built-in class of that name.
    /// Keras: register_keras_serializable.</summary>
    /// <param name="className">The class name in configurations; it may have a package before it, as in mine>Scale.</param>
    /// <param name="read">The layer for given arguments (without name and trainable, which are set afterwards).</param>
    let register (className: string) (read: (string * ConfigValue) list -> Layer) : unit =
        LayerConfig.registered.Register(className, read)

    /// <summary>A layer of your own whose class is registered: with its arguments it can be saved.</summary>
    /// <param name="className">The class name it is registered under.</param>
    /// <param name="arguments">What the class is given to make it again.</param>
    /// <param name="layer">The layer.</param>
    /// <example><code>
    /// let scale (factor: float) =
    ///     Layer.create "Scale" (fun _ x -> x * factor) |> Registry.withConfig "Scale" [ "factor", Float factor ]
    ///
    /// Registry.register "Scale" (fun arguments -> ...)
    /// </code></example>
    let withConfig (className: string) (arguments: (string * ConfigValue) list) (layer: Layer) : Layer =
        { layer with Kind = className; LayerConfig = Some { ClassName = className; Arguments = arguments } }

    /// <summary>The configuration of a layer as Keras writes it: module, class_name, config and registered_name.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">It holds a function without a name.</exception>
    let toConfig (layer: Layer) : ConfigValue =
        LayerConfig.toValue (if layer.LayerName = "" then Layer.snakeCase layer.Kind else layer.LayerName) layer

    /// <summary>The class names known now, the user's included, in alphabetical order.</summary>
    let classNames () : string list =
        Seq.concat
            [ Seq.collect fst families
              LayerConfig.registered.Names
              Seq.ofList [ "Sequential"; "Functional" ] ]
        |> Seq.distinct
        |> Seq.sortWith (fun a b -> String.CompareOrdinal(a, b))
        |> List.ofSeq

    // Arguments that every layer of Keras has, and that do not belong to its class here.
    let private common =
        HashSet<string>(
            [ "name"; "trainable"; "dtype"; "autocast"; "batch_input_shape"; "batch_shape"; "build_config" ]
        )

    let private find (className: string) =
        match LayerConfig.registered.TryFind className with
        | ValueSome read -> Some(fun _ arguments -> read arguments)
        | ValueNone -> tryFind className |> Option.map _.Read

    /// The layer of a class with arguments, whose nested layers `reader` reads.
    let internal read (className: string) (reader: ConfigValue -> Layer) (arguments: (string * ConfigValue) list) =
        match find className with
        | Some read -> read reader arguments
        | None -> raise (Names.unknown "layer class" "class_name" className (classNames ()))

    /// <summary>The layer of a configuration object as Keras writes it: class_name and config.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The class or one of its arguments is unknown or wrong.</exception>
    let rec ofConfig (value: ConfigValue) : Layer =
        let entries = ConfigRead.entriesOf "layer" value
        let className = ConfigRead.text "class_name" (ConfigRead.get "class_name" entries)

        let config =
            match ConfigRead.get "config" entries with
            | Null -> []
            | config -> ConfigRead.entriesOf className config

        let arguments = config |> List.filter (fun (key, _) -> not (common.Contains key))

        let layer =
            // Two packages may have classes of one name.
            let inPackage =
                match ConfigRead.get "registered_name" entries with
                | Text name when name.Contains '>' -> LayerConfig.registered.TryFind name
                | _ -> ValueNone

            let found =
                match inPackage with
                | ValueSome read -> Some(fun _ arguments -> read arguments)
                | ValueNone -> find className

            match className, found with
            | _, Some read -> read ofConfig arguments
            | "Sequential", _ ->
                match ModelReader.trySequential ofConfig config with
                | Ok network -> Network.asLayer network
                | Error parts -> Layer.serial parts
            | ("Functional" | "Model"), _ -> Network.asLayer (ModelReader.functional ofConfig config)
            | _ -> raise (Names.unknown "layer class" "class_name" className (classNames ()))

        { layer with
            LayerName =
                (match ConfigRead.get "name" config with
                 | Text name -> name
                 | _ -> layer.LayerName)
            Shared = layer.Shared || ConfigRead.get LayerConfig.SharedKey entries = Bool true
            Policy =
                (match ConfigRead.get "dtype" config with
                 | Null -> layer.Policy
                 | dtype -> PolicyConfig.read dtype)
            Frozen = layer.Frozen || (ConfigRead.get "trainable" config = Bool false) }
