namespace FunctionalNet

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open System.Threading
open FunctionalNet.Compiler
open FunctionalNet.Graph
open FunctionalNet.Training

/// <summary>A network with its weights, and what trains them. Everything is compiled once per signature (shapes, dtypes,
/// training or not) and then runs in place. Prediction may be called from many threads at once; everything else from one
/// at a time.</summary>
/// <param name="network">The network.</param>
/// <param name="seed">Decides first weights, dropout and the order of samples.</param>
/// <param name="compileOptions">Which passes of the compiler run.</param>
[<Sealed>]
type Trainer internal (network: Network, seed: uint64, compileOptions: CompileOptions) =

    let core = TrainerCore(network, seed, compileOptions)
    let gate = obj ()
    let writer = WritingThread network.Name

    let mutable stop = false
    let mutable epochsTrained = 0L
    let mutable parameters = TrainingParameters(0, 0, Nullable(), 0, false, Verbosity.Silent)

    // States of callbacks that a saved training waits to give back, and the callbacks of the running fit.
    let mutable pendingStates: (string * CallbackState)[] = [||]
    let mutable savedStates: (string * CallbackState)[] = [||]
    let mutable current: CallbackList voption = ValueNone

    let positive (name: string) (least: int) (value: int) =
        if value < least then
            raise (
                ArgumentValueException(
                    "An option is out of range.",
                    name,
                    string least + " or more",
                    string value,
                    "See the option's documentation for its default."
                )
            )

    let enter () =
        if not (Monitor.TryEnter gate) then
            raise (
                NotReadyException(
                    "The trainer is in use by another thread.",
                    network.Name,
                    "one fit, evaluate or batch at a time",
                    "two",
                    "Wait for the other call; only prediction may run at the same time as prediction."
                )
            )

    let plannedSteps (rows: int) (batchSize: int) (limit: int) =
        let all = (rows + batchSize - 1) / batchSize
        if limit > 0 then min limit all else all

    let verbose (verbosity: Verbosity) (output: IO.TextWriter | null) : TrainingCallback list =
        if verbosity = Verbosity.Silent then [] else [ ProgressBar(output) :> TrainingCallback ]

    /// Goes once over data without changing the network.
    let testLoop
        (data: PreparedData)
        (batchSize: int)
        (limit: int)
        (callbacks: CallbackList)
        (token: CancellationToken)
        : FigureSet =
        let steps = plannedSteps data.Rows batchSize limit
        let order = Array.init data.Rows id
        let first = core.TestStep(data.Types(min batchSize data.Rows))
        let figures = core.TestFigures
        figures.Reset()
        let logs = TrainingLogs()
        let write = Action(fun () -> figures.Write logs)
        callbacks.TestBegin()

        for batch in 0 .. steps - 1 do
            token.ThrowIfCancellationRequested()
            callbacks.TestBatchBegin batch
            let start = batch * batchSize
            let rows = min batchSize (data.Rows - start)
            let step = if rows = first.Rows then first else core.TestStep(data.Types rows)
            Batches.fill data order start step
            step.Run()

            logs.Defer write
            callbacks.TestBatchEnd(batch, logs)

        figures.Write logs
        callbacks.TestEnd logs
        figures

    let checkValues (enabled: bool) (batchSize: int) (step: BoundStep) (data: PreparedData) =
        if enabled then
            DataChecks.values network core.Plan batchSize step.Step.IdLimits data

    let withClassWeights
        (weights: IReadOnlyDictionary<int, float> | null)
        (data: TrainingData)
        (prepared: PreparedData)
        =
        match weights with
        | null -> prepared
        | weights ->
            if data.SampleWeights.Count > 0 then
                raise (
                    ArgumentValueException(
                        "Class weights and sample weights cannot be used together.",
                        "class_weight",
                        "one of the two",
                        "both",
                        "Multiply the sample weights by the class weights instead."
                    )
                )

            if network.Outputs.Count <> 1 then
                raise (
                    ArgumentValueException(
                        "Class weights need a network with one output.",
                        "class_weight",
                        "1 output",
                        string network.Outputs.Count + " outputs",
                        "Use sample weights per output instead."
                    )
                )

            { prepared with
                Weights = [| ValueSome(Batches.classWeights network.FloatType weights prepared.Targets[0]) |] }

    /// <summary>A network with fresh weights, and a choice of the passes that the compiler runs.</summary>
    new(network: Network, seed: uint64, options: PlanOptions) = Trainer(network, seed, options.ToCompileOptions())

    /// <summary>A network with fresh weights.</summary>
    new(network: Network, seed: uint64) = Trainer(network, seed, CompileOptions.Default)

    /// <summary>A network with fresh weights, drawn under seed 0.</summary>
    new(network: Network) = Trainer(network, 0UL)

    /// <summary>The network.</summary>
    member _.Network = network

    /// <summary>What decides first weights, dropout and the order of samples.</summary>
    member _.Seed = seed

    /// <summary>True once Compile was called.</summary>
    member _.IsCompiled = core.Plan.IsSome

    /// <summary>Updates done so far.</summary>
    member _.Iterations = core.Iterations

    /// <summary>Epochs begun so far over all calls of fit: they decide the order of samples.</summary>
    member _.EpochsTrained = epochsTrained

    /// <summary>The optimizer.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">The model is not compiled.</exception>
    member _.Optimizer = (core.Compiled()).Optimizer

    /// <summary>The names of the figures in the order of evaluate: loss, losses of outputs, metrics.</summary>
    /// <exception cref="T:FunctionalNet.NotReadyException">The model is not compiled.</exception>
    member _.MetricNames: IReadOnlyList<string> =
        let plan = core.Compiled()

        [| "loss"
           for l in plan.Losses do
               if l.Key <> "" then l.Key
           for m in plan.Metrics do
               m.Key |]

    /// <summary>The learning rate: of the next update, if a schedule decides it.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">It is set although a schedule decides it, or is not a finite
    /// number of 0 or more.</exception>
    member _.LearningRate
        with get () = core.RateNow
        and set (value: float) =
            match (core.Compiled()).Optimizer.Options.LearningRate with
            | Scheduled _ ->
                raise (
                    ArgumentValueException(
                        "The learning rate follows a schedule.",
                        "learning_rate",
                        "an optimizer with a fixed rate",
                        "a schedule",
                        "Compile with a number as the learning rate to set it later."
                    )
                )
            | Fixed _ when not (Double.IsFinite value) || value < 0.0 ->
                raise (
                    ArgumentValueException(
                        "The learning rate is not valid.",
                        "learning_rate",
                        "a finite number of 0 or more",
                        Texts.ofFloat value,
                        "0.001 is usual."
                    )
                )
            | Fixed _ -> core.Rate <- value

    /// <summary>Set to true, from a callback, to stop after the current batch.</summary>
    member _.StopTraining
        with get () = stop
        and set (value: bool) = stop <- value

    /// <summary>Says what to train with. The optimizer starts anew; the weights stay. Keras: compile.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no loss, or an option contradicts the network.</exception>
    member _.Compile(settings: TrainingOptions) : unit =
        enter ()

        try
            core.Compile settings
            pendingStates <- [||]
            savedStates <- [||]
        finally
            Monitor.Exit gate

    /// <summary>Trains on data. Keras: fit.</summary>
    /// <param name="data">Inputs, targets, and weights if there are any.</param>
    /// <param name="settings">Epochs, batch size, validation, callbacks, ...</param>
    /// <returns>The figures of every epoch.</returns>
    /// <exception cref="T:FunctionalNet.NotReadyException">The model is not compiled.</exception>
    /// <exception cref="T:FunctionalNet.DataException">The data cannot be used; nothing was trained.</exception>
    /// <exception cref="T:System.OperationCanceledException">It was cancelled; the model keeps what it has learned.</exception>
    member this.Fit(data: TrainingData, settings: FitOptions) : History =
        enter ()
        let before = writer.Begin()

        try
            core.Compiled() |> ignore
            positive "batch_size" 1 settings.BatchSize
            positive "epochs" 0 settings.Epochs
            positive "initial_epoch" 0 settings.InitialEpoch
            positive "steps_per_epoch" 0 settings.StepsPerEpoch
            positive "validation_steps" 0 settings.ValidationSteps
            positive "validation_batch_size" 0 settings.ValidationBatchSize
            positive "validation_freq" 1 settings.ValidationFrequency
            let all = DataChecks.prepare network true data |> withClassWeights settings.ClassWeight data

            let struct (train, validation) =
                match settings.ValidationData with
                | null when settings.ValidationSplit <> 0.0 ->
                    let kept = Batches.split all.Rows settings.ValidationSplit
                    struct (all.Part(0, kept), ValueSome(all.Part(kept, all.Rows - kept)))
                | null -> struct (all, ValueNone)
                | other -> struct (all, ValueSome(DataChecks.prepare network true other))

            let batchSize = settings.BatchSize
            let full = core.TrainStep(train.Types(min batchSize train.Rows))
            let steps = plannedSteps train.Rows batchSize settings.StepsPerEpoch
            let rest = train.Rows % batchSize

            let last =
                if rest > 0 && train.Rows > batchSize && steps * batchSize > train.Rows then
                    core.TrainStep(train.Types rest)
                else
                    full

            checkValues settings.CheckData batchSize full train

            match validation with
            | ValueSome v ->
                let size = if settings.ValidationBatchSize > 0 then settings.ValidationBatchSize else batchSize
                checkValues settings.CheckData size full v
            | ValueNone -> ()

            let history = History()
            let callbacks =
                CallbackList.OfFit(settings.Callbacks, history, verbose settings.Verbosity settings.Output)

            parameters <-
                TrainingParameters(
                    settings.Epochs,
                    settings.InitialEpoch,
                    Nullable steps,
                    batchSize,
                    validation.IsSome,
                    settings.Verbosity
                )

            stop <- false
            let figures = core.TrainFigures
            let order = Array.init train.Rows id
            let logs = TrainingLogs()
            let write = Action(fun () -> figures.Write logs)
            current <- ValueSome callbacks
            callbacks.Attach this
            callbacks.TrainBegin()
            callbacks.LoadStates pendingStates
            pendingStates <- [||]
            let mutable epoch = settings.InitialEpoch
            let mutable cancelled = false

            while epoch < settings.Epochs && not stop && not cancelled do
                callbacks.EpochBegin epoch
                logs.Clear()
                figures.Reset()

                if settings.Shuffle then Batches.shuffle seed epochsTrained order

                epochsTrained <- epochsTrained + 1L
                let mutable batch = 0

                while batch < steps && not stop && not cancelled do
                    if settings.Cancellation.IsCancellationRequested then
                        cancelled <- true
                    else
                        callbacks.TrainBatchBegin batch
                        let start = batch * batchSize
                        let step = if train.Rows - start < full.Rows then last else full
                        Batches.fill train order start step
                        core.Update step

                        logs.Defer write
                        callbacks.TrainBatchEnd(batch, logs)

                        match settings.Progress with
                        | null -> ()
                        | progress ->
                            progress.Report(TrainingProgress(epoch, settings.Epochs, batch, steps, figures.Loss))

                        batch <- batch + 1

                if not cancelled then
                    figures.Write logs

                    match validation with
                    | ValueSome v ->
                        let due =
                            match settings.ValidationEpochs with
                            | null -> (epoch + 1) % settings.ValidationFrequency = 0
                            | epochs -> Seq.contains (epoch + 1) epochs

                        if due then
                            let size =
                                if settings.ValidationBatchSize > 0 then settings.ValidationBatchSize else batchSize

                            try
                                let found = testLoop v size settings.ValidationSteps callbacks settings.Cancellation

                                found.WriteValidation logs
                            with :? OperationCanceledException ->
                                cancelled <- true
                    | ValueNone -> ()

                if not cancelled then
                    callbacks.EpochEnd(epoch, logs)
                    epoch <- epoch + 1

            savedStates <- callbacks.SaveStates()
            core.FinishAverages()
            callbacks.TrainEnd logs

            if cancelled then raise (OperationCanceledException(settings.Cancellation))

            history
        finally
            current <- ValueNone
            writer.End before
            Monitor.Exit gate

    /// <summary>Trains on data of one input and one output.</summary>
    member this.Fit(input: Tensor, target: Tensor, settings: FitOptions) : History =
        this.Fit(TrainingData(input, target), settings)

    /// <summary>Loss and metrics on data, in inference mode. Keras: evaluate.</summary>
    /// <returns>The figures in the order of compile: loss, losses of outputs, metrics.</returns>
    /// <exception cref="T:FunctionalNet.NotReadyException">The model is not compiled.</exception>
    /// <exception cref="T:FunctionalNet.DataException">The data cannot be used.</exception>
    member this.Evaluate(data: TrainingData, settings: EvaluateOptions) : TrainingLogs =
        enter ()

        try
            core.Compiled() |> ignore
            positive "batch_size" 1 settings.BatchSize
            positive "steps" 0 settings.Steps
            let prepared = DataChecks.prepare network true data
            let step = core.TestStep(prepared.Types(min settings.BatchSize prepared.Rows))
            checkValues settings.CheckData settings.BatchSize step prepared

            let callbacks = Seq.toList settings.Callbacks @ verbose settings.Verbosity settings.Output

            if current.IsNone then
                parameters <-
                    TrainingParameters(
                        1,
                        0,
                        Nullable(plannedSteps prepared.Rows settings.BatchSize settings.Steps),
                        settings.BatchSize,
                        false,
                        settings.Verbosity
                    )

            let list = CallbackList(List.toArray callbacks)
            list.Attach this

            let figures = testLoop prepared settings.BatchSize settings.Steps list settings.Cancellation

            let logs = TrainingLogs()
            figures.WriteInOrder logs
            logs
        finally
            Monitor.Exit gate

    /// <summary>Loss and metrics on data of one input and one output, in batches of 32.</summary>
    member this.Evaluate(input: Tensor, target: Tensor) : TrainingLogs =
        this.Evaluate(TrainingData(input, target), EvaluateOptions())

    /// <summary>The outputs for inputs, in inference mode, all rows together. May be called from many threads at once, but
    /// not while fit is running. Keras: predict.</summary>
    /// <param name="inputs">One tensor per input.</param>
    /// <param name="settings">Batch size, callbacks, ...</param>
    /// <returns>One tensor per output.</returns>
    /// <exception cref="T:FunctionalNet.ShapeException">An input has not the shape of the network's.</exception>
    /// <exception cref="T:FunctionalNet.DataException">Rows differ, there are none, or ids are out of range.</exception>
    /// <exception cref="T:FunctionalNet.NotReadyException">Another thread trains the network at the moment.</exception>
    member this.Predict(inputs: Tensor[], settings: EvaluateOptions) : Tensor[] =
        writer.RefuseOthers()
        positive "batch_size" 1 settings.BatchSize
        positive "steps" 0 settings.Steps
        let data = DataChecks.prepare network false (TrainingData(inputs, [||]))
        let batchSize = min settings.BatchSize data.Rows
        let steps = plannedSteps data.Rows batchSize settings.Steps
        let callbacks = Seq.toList settings.Callbacks @ verbose settings.Verbosity settings.Output
        let list = CallbackList(List.toArray callbacks)

        if not (List.isEmpty callbacks) then
            parameters <- TrainingParameters(1, 0, Nullable steps, batchSize, false, settings.Verbosity)
            list.Attach this

        core.Predictions.Run(data, batchSize, steps, settings.CheckData, list, settings.Cancellation)

    /// <summary>The output for an input, in batches of 32.</summary>
    member this.Predict(input: Tensor) : Tensor = (this.Predict([| input |], EvaluateOptions()))[0]

    /// <summary>Writes the outputs for some rows into memory of the caller, and allocates nothing once it has been called
    /// with so many rows. May be called from many threads at once. For networks of one input and one output.</summary>
    /// <param name="input">Rows one after another.</param>
    /// <param name="output">Room for as many rows of output.</param>
    /// <exception cref="T:FunctionalNet.ShapeException">A length does not fit.</exception>
    member _.PredictInto(input: ReadOnlySpan<float32>, output: Span<float32>) : unit =
        writer.RefuseOthers()
        core.Predictions.RunBytes(DType.Float32, MemoryMarshal.AsBytes input, MemoryMarshal.AsBytes output)

    /// <summary>The same for networks of float64.</summary>
    member _.PredictInto(input: ReadOnlySpan<float>, output: Span<float>) : unit =
        writer.RefuseOthers()
        core.Predictions.RunBytes(DType.Float64, MemoryMarshal.AsBytes input, MemoryMarshal.AsBytes output)

    member private this.OnBatch(data: TrainingData, train: bool) : TrainingLogs =
        enter ()
        let before = if train then writer.Begin() else 0

        try
            core.Compiled() |> ignore
            let prepared = DataChecks.prepare network true data
            let types = prepared.Types prepared.Rows
            let step = if train then core.TrainStep types else core.TestStep types
            checkValues true prepared.Rows step prepared
            let figures = if train then core.TrainFigures else core.TestFigures
            figures.Reset()
            Batches.fill prepared (Array.init prepared.Rows id) 0 step

            if train then core.Update step else step.Run()

            let logs = TrainingLogs()
            figures.WriteInOrder logs
            logs
        finally
            if train then writer.End before

            Monitor.Exit gate

    /// <summary>One update from one batch. Keras: train_on_batch.</summary>
    /// <returns>Loss and metrics of this batch, before the update.</returns>
    member this.TrainOnBatch(data: TrainingData) : TrainingLogs = this.OnBatch(data, true)

    /// <summary>Loss and metrics of one batch, in inference mode. Keras: test_on_batch.</summary>
    member this.TestOnBatch(data: TrainingData) : TrainingLogs = this.OnBatch(data, false)

    /// <summary>Copies of all weights and state by path, in the order of Keras's get_weights.</summary>
    member _.GetWeights() : IReadOnlyList<KeyValuePair<string, Tensor>> =
        [| for v in core.Variables.All -> KeyValuePair(v.Name, v.Value) |]

    /// <summary>Sets weights and state by path. Those that are not named stay.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no variable of that path; nothing was set.</exception>
    /// <exception cref="T:FunctionalNet.ShapeException">A value has another shape than its variable; nothing was set.</exception>
    member _.SetWeights(weights: IReadOnlyList<KeyValuePair<string, Tensor>>) : unit =
        let found =
            [| for pair in weights do
                   match core.Variables.TryFind pair.Key with
                   | ValueSome v -> v, pair.Value
                   | ValueNone ->
                       raise (
                           FunctionalNet.Common.Names.unknown
                               "variable"
                               network.Name
                               pair.Key
                               (core.Variables.All |> Seq.map (fun v -> v.Name))
                       ) |]

        for v, value in found do
            if not (v.Shape.Equals value.Shape) then v.Set value

        for v, value in found do
            v.Set value

    /// <summary>Sets all weights and state, in the order of <c>GetWeights</c>.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There are too few or too many; nothing was set.</exception>
    /// <exception cref="T:FunctionalNet.ShapeException">A value has another shape than its variable; nothing was set.</exception>
    member this.SetWeights(weights: IReadOnlyList<Tensor>) : unit =
        if weights.Count <> core.Variables.All.Count then
            raise (
                ArgumentValueException(
                    "The number of weights does not fit the network.",
                    network.Name,
                    string core.Variables.All.Count,
                    string weights.Count,
                    "Give one tensor for every variable, in the order of GetWeights."
                )
            )

        this.SetWeights(
            [| for i in 0 .. weights.Count - 1 -> KeyValuePair(core.Variables.All[i].Name, weights[i]) |]
            :> IReadOnlyList<KeyValuePair<string, Tensor>>
        )

    /// <summary>Draws all weights anew, under another seed.</summary>
    member _.Initialize(newSeed: uint64) : unit =
        for spec, value in Network.init newSeed network do
            match core.Variables.TryFind spec.Path with
            | ValueSome v -> v.Set value
            | ValueNone -> ()

    /// <summary>Layers whose weights stay as they are, by path.</summary>
    member _.Frozen: IReadOnlyCollection<string> = Seq.toArray core.Frozen

    /// <summary>Freezes or unfreezes everything below a path: no update, and normalisation uses its running statistics.</summary>
    /// <param name="path">A layer's path, such as block1 or block1/conv.</param>
    /// <param name="on">True to freeze.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">No variable lies below that path.</exception>
    member _.Freeze(path: string, on: bool) : unit =
        if not (core.Specs |> Array.exists (fun s -> s.Path.StartsWith(path + "/", StringComparison.Ordinal))) then
            raise (
                FunctionalNet.Common.Names.unknown
                    "layer with variables"
                    "freeze"
                    path
                    (core.Specs |> Array.map (fun s -> (s.Path.Split '/')[0]) |> Array.distinct)
            )

        enter ()

        try
            let changed = if on then core.Frozen.Add path else core.Frozen.Remove path

            if changed then core.Forget()
        finally
            Monitor.Exit gate

    /// The training as it can be continued; None before compile.
    member private _.State() : TrainingState option =
        if core.Plan.IsNone then
            None
        else
            let callbacks =
                match current with
                | ValueSome list -> list.SaveStates()
                | ValueNone -> savedStates

            Some
                { Options = ValueOption.toOption core.Options
                  LearningRate = core.Rate
                  Seed = seed
                  EpochsTrained = epochsTrained
                  Frozen = Seq.toArray core.Frozen
                  Slots = core.Slots.Snapshot()
                  Callbacks = callbacks }

    member private _.Continue(where: string, state: TrainingState) : unit =
        Checkpoint.restore where "value of the optimizer" core.Slots state.Slots
        core.Rate <- state.LearningRate
        epochsTrained <- state.EpochsTrained
        savedStates <- state.Callbacks
        pendingStates <- state.Callbacks

    /// <summary>Saves network, weights and, once compiled, the training: optimizer, figures and state of callbacks. Training
    /// that goes on from the file gives the same bits as training that was never interrupted.</summary>
    /// <param name="path">The file, usually ending in .fnet. It appears complete or not at all.</param>
    /// <exception cref="T:FunctionalNet.FunctionalNetException">A layer holds a function and cannot be saved.</exception>
    member this.Save(path: string) : unit =
        enter ()

        try
            Checkpoint.save path network (core.Variables.Snapshot()) (this.State())
        finally
            Monitor.Exit gate

    /// <summary>Saves weights and state only, as safetensors.</summary>
    member _.SaveWeights(path: string) : unit =
        SafeTensors.write path { Tensors = core.Variables.Snapshot(); Metadata = [||] }

    /// <summary>Takes all weights from a file of <c>Save</c> or <c>SaveWeights</c>.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is damaged or of another network; nothing was set.</exception>
    member _.LoadWeights(path: string) : unit =
        Checkpoint.restore path "weight" core.Variables (Checkpoint.loadWeights path)

    /// <summary>Takes weights and training from a file of <c>Save</c>, into a trainer of the same network that is compiled
    /// alike. For models with functions of your own, which a file cannot hold.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is damaged or of another model.</exception>
    member this.Restore(path: string) : unit =
        enter ()

        try
            let saved = Checkpoint.load path
            Checkpoint.restore saved.Where "weight" core.Variables saved.Weights

            match saved.State with
            | Some state when core.Plan.IsSome -> this.Continue(saved.Where, state)
            | _ -> ()
        finally
            Monitor.Exit gate

    /// <summary>A trainer with network, weights and training from a file of <c>Save</c>. If loss, metrics or optimizer could
    /// not be saved it is not compiled: compile it, then call <c>Restore</c>.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is damaged, of another version, or not a model.</exception>
    static member Load(path: string) : Trainer =
        let saved = Checkpoint.load path

        let trainer =
            match saved.State with
            | Some state -> Trainer(saved.Network, state.Seed)
            | None -> Trainer(saved.Network, 0UL)

        trainer.Take saved
        trainer

    member private this.Take(saved: SavedModel) : unit =
        Checkpoint.restore saved.Where "weight" core.Variables saved.Weights

        match saved.State with
        | Some state ->
            for path in state.Frozen do
                core.Frozen.Add path |> ignore

            match state.Options with
            | Some settings ->
                this.Compile settings
                this.Continue(saved.Where, state)
            | None -> ()
        | None -> ()

    /// Number of steps that are compiled; for tests.
    member internal _.PlanCount = core.PlanCount

    member internal _.StepParts = core.StepParts

    interface ITrainingModel with
        member this.LearningRate
            with get () = this.LearningRate
            and set value = this.LearningRate <- value

        member _.StopTraining
            with get () = stop
            and set value = stop <- value

        member _.Iterations = core.Iterations
        member _.Parameters = parameters
        member this.GetWeights() = this.GetWeights()
        member this.SetWeights(weights: IReadOnlyList<KeyValuePair<string, Tensor>>) = this.SetWeights weights

        member this.SaveModel(path: string) = this.Save path

        member this.SaveWeights(path: string) = this.SaveWeights path

        member _.GetMetricDirection(name: string) =
            let key = if name.StartsWith("val_", StringComparison.Ordinal) then name.Substring 4 else name

            match core.Plan with
            | ValueNone -> MetricDirection.Unknown
            | ValueSome plan ->
                if key = "loss" || plan.Losses |> Array.exists (fun l -> l.Key = key) then
                    MetricDirection.Minimize
                else
                    match plan.Metrics |> Array.tryFind (fun m -> m.Key = key) with
                    | Some m ->
                        match m.Metric.HigherIsBetter with
                        | Some true -> MetricDirection.Maximize
                        | Some false -> MetricDirection.Minimize
                        | None -> MetricDirection.Unknown
                    | None -> MetricDirection.Unknown
