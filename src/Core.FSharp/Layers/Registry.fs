namespace FunctionalNet

open System
open System.Collections.Concurrent
open System.Collections.Generic
open FunctionalNet.Common

/// <summary>The classes of layers that configurations may name.</summary>
[<RequireQualifiedAccess>]
module Registry =

    let private entryOf definition = LayerClass.entry definition

    /// Every class of this library except the models.
    let internal builtIn: LayerEntry list =
        [ entryOf Dense.definition
          entryOf EinsumDense.definition
          entryOf Embedding.definition
          entryOf PassThrough.identity
          entryOf PassThrough.masking
          entryOf PassThrough.notEqual
          PassThrough.lambdaEntry
          entryOf PassThrough.activityRegularization
          entryOf SmallActivations.activation
          entryOf ReLU.definition
          entryOf SmallActivations.leakyReLU
          entryOf PReLU.definition
          entryOf SmallActivations.elu
          entryOf SmallActivations.softmax
          entryOf Reshaping.flatten
          entryOf Reshaping.reshape
          entryOf Reshaping.permute
          entryOf Reshaping.repeatVector
          yield! Array.map entryOf Borders.zeroPadding
          yield! Array.map entryOf Borders.cropping
          yield! Array.map entryOf Resampling.upSamplings
          yield! Array.map entryOf Conv.definitions
          yield! Array.map entryOf ConvTranspose.definitions
          yield! Array.map entryOf DepthwiseConv.definitions
          yield! Array.map entryOf SeparableConv.definitions
          yield! Array.map entryOf Pool.maxima
          yield! Array.map entryOf Pool.averages
          yield! Array.map entryOf GlobalPool.maxima
          yield! Array.map entryOf GlobalPool.averages
          entryOf BatchNormalization.definition
          entryOf LayerNormalization.definition
          entryOf GroupNormalization.definition
          entryOf SmallNormalizations.rms
          entryOf SmallNormalizations.unit
          entryOf Dropout.plain
          yield! Array.map entryOf Dropout.spatial
          entryOf Dropout.gaussian
          entryOf Dropout.alpha
          entryOf Dropout.noise
          entryOf Merging.add
          entryOf Merging.subtract
          entryOf Merging.multiply
          entryOf Merging.average
          entryOf Merging.maximum
          entryOf Merging.minimum
          entryOf Merging.concatenate
          entryOf Dot.definition
          entryOf Normalization.definition
          entryOf SmallPreprocessing.rescaling
          entryOf Resizing.definition
          entryOf Discretization.definition
          entryOf CategoryEncoding.definition
          entryOf SimpleRNN.definition
          entryOf SimpleRNN.cell
          entryOf LSTM.definition
          entryOf LSTM.cell
          entryOf GRU.definition
          entryOf GRU.cell
          entryOf RecurrentCell.stacked
          entryOf RNN.definition
          entryOf Bidirectional.definition
          entryOf TimeDistributed.definition
          yield! Array.map entryOf ConvLSTM.definitions
          entryOf Composition.branches
          entryOf Composition.merged
          entryOf Composition.residual ]

    let private table =
        Dictionary<string, LayerEntry>(builtIn |> List.map (fun e -> KeyValuePair(e.Class, e)))

    let private custom = ConcurrentDictionary<string, (string * ConfigValue) list -> Layer>()

    /// <summary>Makes a class of your own known to configurations. It takes precedence over a built-in class of that
    /// name.</summary>
    /// <param name="className">The class name in configurations.</param>
    /// <param name="read">The layer for given arguments (without name and trainable, which are set afterwards).</param>
    let register (className: string) (read: (string * ConfigValue) list -> Layer) : unit = custom[className] <- read

    /// <summary>The class names known now, the user's included, in alphabetical order.</summary>
    let classNames () : string list =
        Seq.concat [ Seq.cast table.Keys; Seq.cast custom.Keys; Seq.ofList [ "Sequential"; "Functional" ] ]
        |> Seq.distinct
        |> Seq.sortWith (fun a b -> String.CompareOrdinal(a, b))
        |> List.ofSeq

    // Arguments that every layer of Keras has, and that do not belong to its class here.
    let private common =
        HashSet<string>(
            [ "name"; "trainable"; "dtype"; "autocast"; "batch_input_shape"; "batch_shape"; "build_config" ]
        )

    let private find (className: string) =
        match custom.TryGetValue className, table.TryGetValue className with
        | (true, read), _ -> Some(fun _ arguments -> read arguments)
        | _, (true, entry) -> Some entry.Read
        | _ -> None

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
            match className, find className with
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
            Frozen = layer.Frozen || (ConfigRead.get "trainable" config = Bool false) }
