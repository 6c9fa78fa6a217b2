namespace FunctionalNet

open System
open System.Collections.Generic
open System.Collections.ObjectModel
open System.Globalization
open System.Runtime.InteropServices

/// <summary>Whether a figure gets better as it falls or as it rises.</summary>
type MetricDirection =
    /// <summary>Nothing is known about the figure.</summary>
    | Unknown = 0
    /// <summary>Smaller is better, as of a loss.</summary>
    | Minimize = 1
    /// <summary>Larger is better, as of an accuracy.</summary>
    | Maximize = 2

/// <summary>How much fit, evaluate and predict print. Keras's verbose: 0, 1, 2.</summary>
type Verbosity =
    /// <summary>Nothing.</summary>
    | Silent = 0
    /// <summary>A progress bar.</summary>
    | Bar = 1
    /// <summary>One line an epoch.</summary>
    | Line = 2

/// <summary>What fit, evaluate or predict was asked to do. Keras: <c>callback.params</c>.</summary>
/// <param name="epochs">The epoch to stop before, counted from 0.</param>
/// <param name="initialEpoch">The first epoch, counted from 0.</param>
/// <param name="steps">Batches per epoch; null if that is not known before the first epoch ends.</param>
/// <param name="batchSize">Rows per batch.</param>
/// <param name="hasValidation">True if validation data is given.</param>
/// <param name="verbosity">How much to print.</param>
[<Sealed>]
type TrainingParameters
    (epochs: int, initialEpoch: int, steps: Nullable<int>, batchSize: int, hasValidation: bool, verbosity: Verbosity) =

    /// <summary>The epoch to stop before, counted from 0.</summary>
    member _.Epochs = epochs

    /// <summary>The first epoch, counted from 0.</summary>
    member _.InitialEpoch = initialEpoch

    /// <summary>Batches per epoch; null if that is not known yet.</summary>
    member _.Steps = steps

    /// <summary>Rows per batch.</summary>
    member _.BatchSize = batchSize

    /// <summary>True if validation data is given.</summary>
    member _.HasValidation = hasValidation

    /// <summary>How much to print.</summary>
    member _.Verbosity = verbosity

/// <summary>The figures of a batch or an epoch by name, in order: loss and metrics sorted by name, then those of
/// validation, then what callbacks add. One object is used again and again, so copy what should be kept.</summary>
[<Sealed>]
type TrainingLogs() =

    let names = List<string>()
    let values = List<float>()
    let view = ReadOnlyCollection<string>(names)

    // Most figures of batches are never read, so they are computed only when they are.
    let mutable pending: Action | null = null

    let settle () =
        match pending with
        | null -> ()
        | write ->
            pending <- null
            write.Invoke()

    let find (name: string) =
        settle ()
        let mutable i = 0

        while i < names.Count && not (String.Equals(names[i], name)) do
            i <- i + 1

        if i < names.Count then i else -1

    /// <summary>The names, in order.</summary>
    member _.Names: IReadOnlyList<string> =
        settle ()
        view

    /// <summary>Number of figures.</summary>
    member _.Count =
        settle ()
        names.Count

    /// <summary>The value at a position of <c>Names</c>.</summary>
    member _.ValueAt(index: int) : float =
        settle ()
        values[index]

    /// <summary>True if there is a figure of that name.</summary>
    member _.Contains(name: string) = find name >= 0

    /// <summary>The value of that name, if there is one.</summary>
    /// <param name="name">Such as loss, accuracy, val_loss.</param>
    /// <param name="value">The value; NaN if there is none.</param>
    /// <returns>True if there is one.</returns>
    member _.TryGet(name: string, [<Out>] value: byref<float>) : bool =
        let i = find name

        if i >= 0 then
            value <- values[i]
            true
        else
            value <- nan
            false

    /// <summary>Sets the value of that name, in its place or at the end.</summary>
    member _.Set(name: string, value: float) : unit =
        let i = find name

        if i >= 0 then
            values[i] <- value
        else
            names.Add name
            values.Add value

    /// <summary>The value of that name.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no such figure.</exception>
    member this.Item
        with get (name: string): float =
            let i = find name

            if i < 0 then
                raise (
                    ArgumentValueException(
                        "There is no figure of that name.",
                        "logs",
                        (if names.Count = 0 then "no names here" else String.Join(", ", names)),
                        name,
                        "Figures of validation begin with val_ and exist only at the end of an epoch that validates."
                    )
                )

            values[i]
        and set (name: string) (value: float) = this.Set(name, value)

    /// <summary>Forgets all figures.</summary>
    member _.Clear() : unit =
        pending <- null
        names.Clear()
        values.Clear()

    /// Sets the figures when somebody reads them. What `write` sets must be what it would set now.
    member internal _.Defer(write: Action) : unit = pending <- write

/// <summary>What a callback needs in order to go on exactly where it was: numbers, texts and tensors by name.</summary>
[<Sealed>]
type CallbackState() =

    let values = List<struct (string * ConfigValue)>()
    let tensors = List<struct (string * Tensor)>()

    let find (name: string) =
        let mutable found = ValueNone

        for struct (key, value) in values do
            if String.Equals(key, name) then found <- ValueSome value

        found

    let wrong (name: string) (expected: string) : 'a =
        raise (
            ModelFormatException(
                "The saved state of a callback is not valid.",
                name,
                expected,
                (if (find name).IsSome then "another kind of value" else "nothing"),
                "Resume with the callbacks that the training was saved with."
            )
        )

    // JSON has no NaN and no infinity, and a training that diverged has both.
    static let write (value: float) =
        if Double.IsFinite value then
            ConfigValue.Float value
        else
            ConfigValue.Text(value.ToString(CultureInfo.InvariantCulture))

    let read (name: string) (value: ConfigValue) =
        match value with
        | ConfigValue.Float f -> f
        | ConfigValue.Int i -> float i
        | ConfigValue.Text t ->
            match Double.TryParse(t, NumberStyles.Float, CultureInfo.InvariantCulture) with
            | true, f -> f
            | _ -> wrong name "a number"
        | _ -> wrong name "a number"

    let put (name: string) (value: ConfigValue) =
        values.RemoveAll(fun (struct (key, _)) -> String.Equals(key, name)) |> ignore
        values.Add(struct (name, value))

    /// What a checkpoint writes as JSON.
    member internal _.Values: (string * ConfigValue) list = [ for struct (key, value) in values -> key, value ]

    /// What a checkpoint writes as tensors.
    member internal _.Tensors: (string * Tensor)[] = [| for struct (key, value) in tensors -> key, value |]

    /// A state as a checkpoint has read it.
    static member internal Of(values: (string * ConfigValue) list, tensors: (string * Tensor)[]) : CallbackState =
        let state = CallbackState()

        for key, value in values do
            state.SetValue(key, value)

        for key, tensor in tensors do
            state.Set(key, tensor)

        state

    member internal _.SetValue(name: string, value: ConfigValue) : unit = put name value

    member internal _.Value(name: string) : ConfigValue =
        match find name with
        | ValueSome value -> value
        | ValueNone -> ConfigValue.Null

    /// <summary>True if there is a number or text of that name.</summary>
    member _.Contains(name: string) : bool = (find name).IsSome

    /// <summary>Keeps a number.</summary>
    member _.Set(name: string, value: float) : unit = put name (write value)

    /// <summary>Keeps a whole number.</summary>
    member _.Set(name: string, value: int64) : unit = put name (ConfigValue.Int value)

    /// <summary>Keeps a whole number.</summary>
    member _.Set(name: string, value: int) : unit = put name (ConfigValue.Int(int64 value))

    /// <summary>Keeps true or false.</summary>
    member _.Set(name: string, value: bool) : unit = put name (ConfigValue.Bool value)

    /// <summary>Keeps a text.</summary>
    member _.Set(name: string, value: string) : unit = put name (ConfigValue.Text value)

    /// <summary>Keeps a list of numbers.</summary>
    member _.Set(name: string, values: IReadOnlyList<float>) : unit =
        put name (ConfigValue.List [ for value in values -> write value ])

    /// <summary>Keeps a tensor.</summary>
    member _.Set(name: string, value: Tensor) : unit =
        tensors.RemoveAll(fun (struct (key, _)) -> String.Equals(key, name)) |> ignore
        tensors.Add(struct (name, value))

    /// <summary>A number that was kept.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">There is no such number.</exception>
    member _.GetFloat(name: string) : float =
        match find name with
        | ValueSome value -> read name value
        | ValueNone -> wrong name "a number"

    /// <summary>A whole number that was kept.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">There is no such number.</exception>
    member _.GetInt64(name: string) : int64 =
        match find name with
        | ValueSome(ConfigValue.Int i) -> i
        | _ -> wrong name "a whole number"

    /// <summary>A whole number that was kept.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">There is no such number, or it is not an int.</exception>
    member this.GetInt(name: string) : int =
        let value = this.GetInt64 name

        if value < int64 Int32.MinValue || value > int64 Int32.MaxValue then
            wrong name "a 32-bit whole number"
        else
            int value

    /// <summary>A truth value that was kept.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">There is no such value.</exception>
    member _.GetBool(name: string) : bool =
        match find name with
        | ValueSome(ConfigValue.Bool b) -> b
        | _ -> wrong name "true or false"

    /// <summary>A text that was kept.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">There is no such text.</exception>
    member _.GetText(name: string) : string =
        match find name with
        | ValueSome(ConfigValue.Text t) -> t
        | _ -> wrong name "a text"

    /// <summary>A list of numbers that was kept.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">There is no such list.</exception>
    member _.GetFloats(name: string) : float[] =
        match find name with
        | ValueSome(ConfigValue.List items) -> [| for item in items -> read name item |]
        | _ -> wrong name "a list of numbers"

    /// <summary>The names of the tensors, in the order in which they were kept.</summary>
    member _.TensorNames: IReadOnlyList<string> = [| for struct (key, _) in tensors -> key |]

    /// <summary>A tensor that was kept.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">There is no such tensor.</exception>
    member _.GetTensor(name: string) : Tensor =
        let mutable found = ValueNone

        for struct (key, value) in tensors do
            if String.Equals(key, name) then found <- ValueSome value

        match found with
        | ValueSome tensor -> tensor
        | ValueNone -> wrong name "a tensor"

/// <summary>What a callback may see and change of the model being trained.</summary>
type ITrainingModel =

    /// <summary>The optimizer's learning rate.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">It is set although a schedule decides it.</exception>
    abstract LearningRate: float with get, set

    /// <summary>Set to true to stop after the current batch. False when fit begins.</summary>
    abstract StopTraining: bool with get, set

    /// <summary>The epoch, counted from 0, that fit begins with. Callbacks may set it until the first epoch begins.</summary>
    abstract InitialEpoch: int with get, set

    /// <summary>Updates done so far, over all calls of fit.</summary>
    abstract Iterations: int64

    /// <summary>What fit, evaluate or predict was asked to do.</summary>
    abstract Parameters: TrainingParameters

    /// <summary>The model's architecture as JSON, as Keras writes it; null if a layer holds a function and cannot be
    /// written.</summary>
    abstract Architecture: string | null

    /// <summary>A copy of all weights and state of the model by path, in order.</summary>
    abstract GetWeights: unit -> IReadOnlyList<KeyValuePair<string, Tensor>>

    /// <summary>Puts back what <c>GetWeights</c> gave.</summary>
    abstract SetWeights: weights: IReadOnlyList<KeyValuePair<string, Tensor>> -> unit

    /// <summary>Saves the model with its optimizer. An existing file is replaced.</summary>
    abstract SaveModel: path: string -> unit

    /// <summary>Takes weights, optimizer and the states of callbacks from a file of <c>SaveModel</c>. In
    /// <c>OnTrainBegin</c>, fit goes on from there.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is damaged or of another model.</exception>
    abstract RestoreModel: path: string -> unit

    /// <summary>Puts the moving averages of the weights in their place, or the weights back. Fit puts the weights back when
    /// it begins.</summary>
    /// <param name="inPlace">True for the averages.</param>
    /// <returns>True if the averages were in place before.</returns>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">The optimizer keeps no averages.</exception>
    abstract UseAverages: inPlace: bool -> bool

    /// <summary>Saves the weights only. An existing file is replaced.</summary>
    abstract SaveWeights: path: string -> unit

    /// <summary>Whether the figure of that name should fall or rise. A prefix val_ makes no difference.</summary>
    abstract GetMetricDirection: name: string -> MetricDirection

/// <summary>Something that watches or steers training: override the methods you need; all of them do nothing. Epochs and
/// batches count from 0. Keras: Callback.</summary>
[<AbstractClass>]
type TrainingCallback() =

    let mutable model: ITrainingModel | null = null

    /// <summary>The model being trained, evaluated or asked to predict.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">The callback is not in use yet.</exception>
    member this.Model: ITrainingModel =
        match model with
        | null ->
            raise (
                NotReadyException(
                    "The callback belongs to no model yet.",
                    this.GetType().Name,
                    "a callback given to fit, evaluate or predict",
                    "no model",
                    "Use Model in OnAttach or in any method called after it."
                )
            )
        | attached -> attached

    /// <summary>True once a model is attached.</summary>
    member _.IsAttached = not (isNull model)

    /// <summary>Called by fit, evaluate and predict before anything else.</summary>
    member this.Attach(target: ITrainingModel) : unit =
        model <- target
        this.OnAttach target

    /// <summary>A model was attached.</summary>
    abstract OnAttach: model: ITrainingModel -> unit
    default _.OnAttach _ = ()

    /// <summary>Fit begins. What was kept from an earlier fit should be forgotten here.</summary>
    abstract OnTrainBegin: unit -> unit
    default _.OnTrainBegin() = ()

    /// <summary>Fit ends.</summary>
    /// <param name="logs">The figures of the last epoch.</param>
    abstract OnTrainEnd: logs: TrainingLogs -> unit
    default _.OnTrainEnd _ = ()

    /// <summary>An epoch begins.</summary>
    /// <param name="epoch">Counted from 0.</param>
    abstract OnEpochBegin: epoch: int -> unit
    default _.OnEpochBegin _ = ()

    /// <summary>An epoch ended, its validation included.</summary>
    /// <param name="epoch">Counted from 0.</param>
    /// <param name="logs">The figures of the epoch; what is added here is seen by later callbacks and kept in the history.</param>
    abstract OnEpochEnd: epoch: int * logs: TrainingLogs -> unit
    default _.OnEpochEnd(_, _) = ()

    /// <summary>A training batch begins.</summary>
    abstract OnTrainBatchBegin: batch: int -> unit
    default _.OnTrainBatchBegin _ = ()

    /// <summary>A training batch ended.</summary>
    /// <param name="batch">Counted from 0 in each epoch.</param>
    /// <param name="logs">The epoch's figures so far.</param>
    abstract OnTrainBatchEnd: batch: int * logs: TrainingLogs -> unit
    default _.OnTrainBatchEnd(_, _) = ()

    /// <summary>Evaluation begins, on its own or within fit.</summary>
    abstract OnTestBegin: unit -> unit
    default _.OnTestBegin() = ()

    /// <summary>Evaluation ends.</summary>
    abstract OnTestEnd: logs: TrainingLogs -> unit
    default _.OnTestEnd _ = ()

    /// <summary>An evaluation batch begins.</summary>
    abstract OnTestBatchBegin: batch: int -> unit
    default _.OnTestBatchBegin _ = ()

    /// <summary>An evaluation batch ended.</summary>
    abstract OnTestBatchEnd: batch: int * logs: TrainingLogs -> unit
    default _.OnTestBatchEnd(_, _) = ()

    /// <summary>Prediction begins.</summary>
    abstract OnPredictBegin: unit -> unit
    default _.OnPredictBegin() = ()

    /// <summary>Prediction ends.</summary>
    abstract OnPredictEnd: unit -> unit
    default _.OnPredictEnd() = ()

    /// <summary>A prediction batch begins.</summary>
    abstract OnPredictBatchBegin: batch: int -> unit
    default _.OnPredictBatchBegin _ = ()

    /// <summary>A prediction batch ended.</summary>
    abstract OnPredictBatchEnd: batch: int -> unit
    default _.OnPredictBatchEnd _ = ()

    /// <summary>The name under which the state is saved; by default the name of the class.</summary>
    abstract StateName: string
    default this.StateName = this.GetType().Name

    /// <summary>Writes down what <c>LoadState</c> needs to go on exactly where the callback is. Called between
    /// epochs.</summary>
    abstract SaveState: state: CallbackState -> unit
    default _.SaveState _ = ()

    /// <summary>Goes on where <c>SaveState</c> left off. Called after <c>OnTrainBegin</c> when a saved training is
    /// resumed.</summary>
    abstract LoadState: state: CallbackState -> unit
    default _.LoadState _ = ()
