namespace FunctionalNet.Training

open System
open System.Collections.Generic
open System.Globalization
open System.IO
open FunctionalNet
open FunctionalNet.Formats

/// A training as it can be continued: what it was compiled with, what the optimizer keeps, and where it is.
[<NoEquality; NoComparison>]
type internal TrainingState =
    {
        /// What to compile with; None if a loss, metric, optimizer or schedule is a function and cannot be saved.
        Options: TrainingOptions option
        LearningRate: float
        Seed: uint64
        EpochsTrained: int64
        Frozen: string[]
        Slots: (string * Tensor)[]
        /// True if the weights are in the slots of their averages, and the averages in their place.
        AveragesInPlace: bool
        Callbacks: (string * CallbackState)[]
    }

/// A model read from a file.
[<NoEquality; NoComparison>]
type internal SavedModel =
    { Where: string; Network: Network; Weights: (string * Tensor)[]; State: TrainingState option }

/// Models and trainings as files.
module internal Checkpoint =

    [<Literal>]
    let private ConfigPart = "config"

    [<Literal>]
    let private WeightsPart = "model"

    [<Literal>]
    let private TrainingPart = "training"

    [<Literal>]
    let private StatePart = "training-state"

    [<Literal>]
    let private CallbackPrefix = "callback/"

    [<Literal>]
    let private SlotPrefix = "optimizer/"

    let private fail (where: string) (summary: string) (expected: string) (actual: string) : 'a =
        raise (
            ModelFormatException(
                summary,
                where,
                expected,
                actual,
                "The file is damaged or belongs to another model; save the model again."
            )
        )

    // Writing

    /// Null if something of it is a function without a name.
    let private compileConfig (network: Network) (options: TrainingOptions) : ConfigValue =
        try
            CompileConfig.write network.Outputs.Count options
        with :? NotReadyException ->
            ConfigValue.Null

    let private trainingConfig (network: Network) (state: TrainingState) : ConfigValue =
        ConfigValue.Object
            [ "compile", Configs.optional (compileConfig network) state.Options
              "learning_rate", Configs.number state.LearningRate
              // JSON's whole numbers have a sign.
              "seed", Configs.text (state.Seed.ToString(CultureInfo.InvariantCulture))
              "epochs_trained", ConfigValue.Int state.EpochsTrained
              "frozen", ConfigValue.List(state.Frozen |> Array.toList |> List.map Configs.text)
              if state.AveragesInPlace then "averages_in_place", Configs.flag true
              "callbacks",
              ConfigValue.List
                  [ for name, callback in state.Callbacks ->
                        ConfigValue.Object [ "name", Configs.text name; "state", ConfigValue.Object callback.Values ] ] ]

    let private stateTensors (state: TrainingState) : (string * Tensor)[] =
        [| for name, value in state.Slots do
               yield SlotPrefix + name, value
           for i in 0 .. state.Callbacks.Length - 1 do
               for name, value in (snd state.Callbacks[i]).Tensors do
                   yield CallbackPrefix + string i + "/" + name, value |]

    /// Writes a model, with its training if there is one.
    let save (path: string) (network: Network) (weights: (string * Tensor)[]) (state: TrainingState option) : unit =
        let config =
            ConfigValue.Object
                [ "dtype", Configs.text (DType.name network.FloatType); "network", Network.toConfig network ]

        ModelFile.save
            path
            "model"
            [ ConfigPart, JsonPart config
              WeightsPart, TensorsPart weights
              match state with
              | Some state ->
                  TrainingPart, JsonPart(trainingConfig network state)
                  StatePart, TensorsPart(stateTensors state)
              | None -> () ]

    // Reading

    let private objects (where: string) (key: string) (value: ConfigValue) : ConfigValue list =
        match Configs.field key value with
        | ConfigValue.List items -> items
        | _ -> fail where "A description is not complete." ("a list " + key) "something else"

    let private text (where: string) (key: string) (value: ConfigValue) : string =
        match Configs.field key value with
        | ConfigValue.Text t -> t
        | _ -> fail where "A description is not complete." ("a text " + key) "something else"

    let private whole (where: string) (key: string) (value: ConfigValue) : int64 =
        match Configs.field key value with
        | ConfigValue.Int i -> i
        | _ -> fail where "A description is not complete." ("a whole number " + key) "something else"

    let private number (where: string) (key: string) (value: ConfigValue) : float =
        match Configs.field key value with
        | ConfigValue.Float f -> f
        | ConfigValue.Int i -> float i
        | _ -> fail where "A description is not complete." ("a number " + key) "something else"

    let private readOptions (network: Network) (value: ConfigValue) : TrainingOptions option =
        match Configs.field "compile" value with
        | ConfigValue.Null -> None
        | compile -> Some(CompileConfig.read (Network.outputNames network) compile)

    let private readState
        (network: Network)
        (where: string)
        (value: ConfigValue)
        (tensors: (string * Tensor)[])
        : TrainingState =
        let seed =
            match UInt64.TryParse(text where "seed" value, NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, seed -> seed
            | _ -> fail where "A description is not valid." "a seed" (text where "seed" value)

        let under (prefix: string) =
            tensors
            |> Array.choose (fun (name, t) ->
                if name.StartsWith(prefix, StringComparison.Ordinal) then
                    Some(name.Substring prefix.Length, t)
                else
                    None)

        let callbacks =
            objects where "callbacks" value
            |> List.mapi (fun i item ->
                let values =
                    match Configs.field "state" item with
                    | ConfigValue.Object fields -> fields
                    | _ -> fail where "A description is not complete." "an object state" "something else"

                text where "name" item, CallbackState.Of(values, under (CallbackPrefix + string i + "/")))

        { Options = readOptions network value
          LearningRate = number where "learning_rate" value
          Seed = seed
          EpochsTrained = whole where "epochs_trained" value
          Frozen =
            objects where "frozen" value
            |> List.choose (fun item ->
                match item with
                | ConfigValue.Text t -> Some t
                | _ -> None)
            |> List.toArray
          Slots = under SlotPrefix
          AveragesInPlace =
            (match Configs.field "averages_in_place" value with
             | ConfigValue.Bool inPlace -> inPlace
             | _ -> false)
          Callbacks = List.toArray callbacks }

    /// What is wrong with a configuration in a file is wrong with the file.
    let private reading (where: string) (read: unit -> 'a) : 'a =
        try
            read ()
        with
        | :? ModelFormatException -> reraise ()
        | :? FunctionalNetException as e ->
            raise (ModelFormatException(e.Summary, where, e.Expected, e.Actual, e.Hint, e))

    let load (path: string) : SavedModel =
        let content = ModelFile.load path
        let config = ModelFile.json ConfigPart content
        let where = content.Where

        let network =
            reading (where + ": " + ConfigPart) (fun () ->
                let network = Network.ofConfig (Configs.field "network" config)
                let dtype = DType.parse (text where "dtype" config)
                if dtype = network.FloatType then network else Network.withDType dtype network)

        let state =
            ModelFile.tryJson TrainingPart content
            |> Option.map (fun value ->
                reading (where + ": " + TrainingPart) (fun () ->
                    readState network where value (ModelFile.tensors StatePart content)))

        { Where = where; Network = network; Weights = ModelFile.tensors WeightsPart content; State = state }

    /// Weights of a model file or of a safetensors file.
    let loadWeights (path: string) : (string * Tensor)[] =
        let isZip =
            use stream = AtomicFile.openRead path
            let head: byte[] = Array.zeroCreate 2
            stream.Read(head, 0, 2) = 2 && head[0] = byte 'P' && head[1] = byte 'K'

        if isZip then
            ModelFile.tensors WeightsPart (ModelFile.load path)
        else
            (SafeTensors.read path).Tensors

    /// Puts values into variables of the same names; all of them, or none if something does not fit.
    let restore (where: string) (what: string) (store: VariableStore) (values: (string * Tensor)[]) : unit =
        let names = HashSet<string>()

        for name, value in values do
            names.Add name |> ignore

            match store.TryFind name with
            | ValueNone ->
                fail where ("The file holds a " + what + " that the model does not have.") "one of the model's" name
            | ValueSome v when v.DType <> value.DType || not (v.Shape.Equals value.Shape) ->
                fail
                    (where + ": " + name)
                    ("A " + what + " of the file has another type than the model's.")
                    (DType.name v.DType + " " + v.Shape.ToString())
                    (DType.name value.DType + " " + value.Shape.ToString())
            | ValueSome _ -> ()

        for v in store.All do
            if not (names.Contains v.Name) then
                fail where ("The file lacks a " + what + " of the model.") v.Name "nothing under that name"

        for name, value in values do
            match store.TryFind name with
            | ValueSome v -> v.Set value
            | ValueNone -> ()
