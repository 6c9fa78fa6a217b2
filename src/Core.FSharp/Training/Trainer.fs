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
/// <param name="lent">Variables of other trainers that take the place of some of its own.</param>
[<Sealed>]
type Trainer internal (network: Network, seed: uint64, compileOptions: CompileOptions, lent: string -> Variable voption)
    =

    let core = TrainerCore(network, seed, compileOptions, lent)
    let loop = TrainingLoop core
    let gate = obj ()
    let writer = WritingThread network.Name

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

    let holding (work: unit -> unit) =
        enter ()

        try
            work ()
        finally
            Monitor.Exit gate

    let mutable applying: (string * TrainerFunction) voption = ValueNone

    /// Held while a function of the user's own runs.
    let hold () : IDisposable =
        enter ()
        let before = writer.Begin()

        { new IDisposable with
            member _.Dispose() =
                writer.End before
                Monitor.Exit gate }

    let verbose (verbosity: Verbosity) (output: IO.TextWriter | null) : TrainingCallback list =
        if verbosity = Verbosity.Silent then [] else [ ProgressBar(output) :> TrainingCallback ]

    let isJudged (output: int) =
        match core.Plan with
        | ValueSome plan -> plan.IsJudged output
        | ValueNone -> true

    let prepare (data: TrainingData) =
        if core.HasOwnSteps then
            DataChecks.prepareFreely network data
        else
            DataChecks.prepare network isJudged true data

    let prepareInputs (data: TrainingData) =
        if core.HasOwnSteps then
            DataChecks.prepareFreely network (TrainingData(Seq.toArray data.Inputs, [||]))
        else
            DataChecks.prepare network isJudged false data

    let checkValues (enabled: bool) (batchSize: int) (step: BoundStep) (data: PreparedData) =
        if enabled then
            DataChecks.values network core.Plan batchSize step.Step.IdLimits data

    let weighted (settings: FitOptions) (data: TrainingData) (prepared: PreparedData) =
        ClassWeights.apply network settings.ClassWeight settings.OutputClassWeights data prepared

    let checkFit (settings: FitOptions) =
        core.Compiled() |> ignore
        positive "batch_size" 1 settings.BatchSize
        positive "epochs" 0 settings.Epochs
        positive "initial_epoch" 0 settings.InitialEpoch
        positive "steps_per_epoch" 0 settings.StepsPerEpoch
        positive "validation_steps" 0 settings.ValidationSteps
        positive "validation_batch_size" 0 settings.ValidationBatchSize
        positive "validation_freq" 1 settings.ValidationFrequency

    /// Opens the data of validation, if the settings have any.
    let validationOf (settings: FitOptions) (kept: PreparedData voption) (check: PreparedData -> unit) =
        let size = if settings.ValidationBatchSize > 0 then settings.ValidationBatchSize else settings.BatchSize

        let inMemory (data: PreparedData) =
            check data
            ValueSome(fun () -> new ArrayFeed(data, size, settings.ValidationSteps, ValueNone) :> BatchFeed)

        match settings.ValidationDataset with
        | null ->
            match settings.ValidationData with
            | null ->
                match kept with
                | ValueSome kept -> inMemory kept
                | ValueNone -> ValueNone
            | data -> inMemory (prepare data)
        | dataset ->
            ValueSome(fun () ->
                new DatasetFeed(dataset, settings.ValidationSteps, false, prepare, settings.Cancellation) :> BatchFeed)

    internal new(network: Network, seed: uint64, compileOptions: CompileOptions) =
        Trainer(network, seed, compileOptions, (fun _ -> ValueNone))

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
    member _.EpochsTrained = loop.EpochsTrained

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

    /// <summary>The learning rate: of the next update, if a schedule decides it; that of the default optimizer, if there are
    /// several.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">It is set although a schedule or several optimizers decide it, or
    /// is not a finite number of 0 or more.</exception>
    member _.LearningRate
        with get () = core.RateNow
        and set (value: float) = core.SetRate value

    /// <summary>Set to true, from a callback, to stop after the current batch.</summary>
    member _.StopTraining
        with get () = loop.Stop
        and set (value: bool) = loop.Stop <- value

    /// <summary>Says what to train with. The optimizer starts anew; the weights stay. Keras: compile.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no loss, or an option contradicts the network.</exception>
    member _.Compile(settings: TrainingOptions) : unit =
        enter ()

        try
            core.Compile settings
            loop.Resume [||]
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
            checkFit settings
            core.ResetMetrics()
            let all = prepare data

            let struct (part, kept) =
                if
                    isNull settings.ValidationDataset
                    && isNull settings.ValidationData
                    && settings.ValidationSplit <> 0.0
                then
                    let count = Batches.split all.Rows settings.ValidationSplit
                    struct (all.Part(0, count), ValueSome(all.Part(count, all.Rows - count)))
                else
                    struct (all, ValueNone)

            // The part for validation has no weights of classes.
            let train = weighted settings data part
            let order = if settings.Shuffle then ValueSome seed else ValueNone
            use feed = new ArrayFeed(train, settings.BatchSize, settings.StepsPerEpoch, order)
            // All that can be wrong is found before anything is trained.
            let full = core.TrainStep(train.Types(min settings.BatchSize train.Rows))

            match feed.Rest with
            | ValueSome rows -> core.TrainStep(train.Types rows) |> ignore
            | ValueNone -> ()

            checkValues settings.CheckData settings.BatchSize full train

            let size = if settings.ValidationBatchSize > 0 then settings.ValidationBatchSize else settings.BatchSize

            let validate = validationOf settings kept (checkValues settings.CheckData size full)
            loop.Fit(this, feed, validate, settings, verbose settings.Verbosity settings.Output)
        finally
            writer.End before
            Monitor.Exit gate

    /// <summary>Trains on the batches of a dataset: tensors, tuples of tensors or <c>TrainingData</c>. Pass n of the dataset is
    /// epoch n of this trainer. BatchSize, Shuffle and ValidationSplit have no meaning here. Keras: fit.</summary>
    /// <param name="batches">The batches of an epoch; an endless dataset needs StepsPerEpoch.</param>
    /// <param name="settings">Epochs, validation, callbacks, ...</param>
    /// <returns>The figures of every epoch.</returns>
    /// <exception cref="T:FunctionalNet.DataException">A batch cannot be used; the model keeps what it has learned.</exception>
    /// <exception cref="T:FunctionalNet.DataPipelineException">A function of the dataset failed.</exception>
    /// <exception cref="T:System.OperationCanceledException">It was cancelled; the model keeps what it has learned.</exception>
    member this.Fit(batches: Dataset<'T>, settings: FitOptions) : History =
        enter ()
        let before = writer.Begin()

        try
            checkFit settings
            core.ResetMetrics()

            if settings.ValidationSplit <> 0.0 then
                raise (
                    ArgumentValueException(
                        "A dataset cannot be split for validation.",
                        "validation_split",
                        "0 for a dataset",
                        Texts.ofFloat settings.ValidationSplit,
                        "Split it with Dataset.Split, and give the second part as validation data."
                    )
                )

            let read (data: TrainingData) = prepare data |> weighted settings data

            use feed =
                new DatasetFeed(batches.ToTrainingData(), settings.StepsPerEpoch, true, read, settings.Cancellation)

            let check (data: PreparedData) =
                // Ids are checked batch by batch.
                if settings.CheckData then
                    DataChecks.values network core.Plan settings.BatchSize (Array.zeroCreate data.Inputs.Length) data

            let validate = validationOf settings ValueNone check
            loop.Fit(this, feed, validate, settings, verbose settings.Verbosity settings.Output)
        finally
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
            let prepared = prepare data
            let step = core.TestStep(prepared.Types(min settings.BatchSize prepared.Rows))
            checkValues settings.CheckData settings.BatchSize step prepared
            use feed = new ArrayFeed(prepared, settings.BatchSize, settings.Steps, ValueNone)
            this.TestOver(feed, settings)
        finally
            Monitor.Exit gate

    /// <summary>Loss and metrics on the batches of a dataset, in inference mode.</summary>
    /// <exception cref="T:FunctionalNet.DataException">A batch cannot be used.</exception>
    /// <exception cref="T:FunctionalNet.DataPipelineException">A function of the dataset failed.</exception>
    member this.Evaluate(batches: Dataset<'T>, settings: EvaluateOptions) : TrainingLogs =
        enter ()

        try
            core.Compiled() |> ignore
            positive "steps" 0 settings.Steps

            use feed =
                new DatasetFeed(batches.ToTrainingData(), settings.Steps, false, prepare, settings.Cancellation)

            this.TestOver(feed, settings)
        finally
            Monitor.Exit gate

    member private this.TestOver(feed: BatchFeed, settings: EvaluateOptions) : TrainingLogs =
        let list = CallbackList(this.Watchers(feed, settings))
        list.Attach this
        core.ResetMetrics()
        let figures = loop.Test(feed, settings.CheckData, list, settings.Cancellation)
        let logs = TrainingLogs()
        figures.WriteInOrder logs
        logs

    /// Callbacks of evaluate and predict, and what they are told. A fit that calls them keeps its own parameters.
    member private _.Watchers(feed: BatchFeed, settings: EvaluateOptions) : TrainingCallback[] =
        let callbacks = [| yield! settings.Callbacks; yield! verbose settings.Verbosity settings.Output |]

        if callbacks.Length > 0 && not loop.IsFitting then
            let steps =
                match feed.Steps with
                | ValueSome n -> Nullable n
                | ValueNone -> Nullable()

            loop.Parameters <- TrainingParameters(1, 0, steps, feed.BatchSize, false, settings.Verbosity)

        callbacks

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
        this.Predict(TrainingData(inputs, [||]), settings)

    /// <summary>The outputs for the inputs of some data, given by order or by name.</summary>
    /// <returns>One tensor per output, in the network's order.</returns>
    member this.Predict(data: TrainingData, settings: EvaluateOptions) : Tensor[] =
        writer.RefuseOthers()
        positive "batch_size" 1 settings.BatchSize
        positive "steps" 0 settings.Steps
        let data = prepareInputs data
        use feed = new ArrayFeed(data, min settings.BatchSize data.Rows, settings.Steps, ValueNone)
        this.PredictOver(feed, settings)

    /// <summary>The outputs for the inputs of a dataset's batches, all rows together; targets are not looked at.</summary>
    /// <returns>One tensor per output, in the network's order.</returns>
    member this.Predict(batches: Dataset<'T>, settings: EvaluateOptions) : Tensor[] =
        writer.RefuseOthers()
        positive "steps" 0 settings.Steps

        use feed =
            new DatasetFeed(batches.ToTrainingData(), settings.Steps, false, prepareInputs, settings.Cancellation)

        this.PredictOver(feed, settings)

    member private this.PredictOver(feed: BatchFeed, settings: EvaluateOptions) : Tensor[] =
        let callbacks = this.Watchers(feed, settings)
        let list = CallbackList callbacks

        if callbacks.Length > 0 then list.Attach this

        core.Predictions.Run(feed, settings.CheckData, list, settings.Cancellation)

    /// <summary>Sets the states of stateful layers back to zero: the next batch starts new sequences. Keras: reset_states.</summary>
    member _.ResetStates() : unit =
        enter ()

        try
            core.ResetStates()
        finally
            Monitor.Exit gate

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

    member private this.OnBatch
        (data: TrainingData, train: bool, classWeight: IReadOnlyDictionary<int, float> | null)
        : TrainingLogs =
        enter ()
        let before = if train then writer.Begin() else 0

        try
            core.Compiled() |> ignore
            let prepared = ClassWeights.apply network classWeight null data (prepare data)
            let types = prepared.Types prepared.Rows
            let step = if train then core.TrainStep types else core.TestStep types
            checkValues true prepared.Rows step prepared
            let figures = core.SumBatch train
            Batches.fill prepared (Array.init prepared.Rows id) 0 step

            if train then core.Update step else step.Run()

            let logs = TrainingLogs()
            figures.WriteInOrder logs
            logs
        finally
            if train then writer.End before

            Monitor.Exit gate

    /// <summary>One update from one batch. Keras: train_on_batch.</summary>
    /// <returns>Loss and metrics before the update, over all single batches since ResetMetrics, fit or evaluate, as in Keras.</returns>
    member this.TrainOnBatch(data: TrainingData) : TrainingLogs = this.OnBatch(data, true, null)

    /// <summary>One update from one batch, with weights of classes; a class that is missing weighs 1.</summary>
    member this.TrainOnBatch(data: TrainingData, classWeight: IReadOnlyDictionary<int, float> | null) : TrainingLogs =
        this.OnBatch(data, true, classWeight)

    /// <summary>Loss and metrics of one batch, in inference mode, with those of the single batches since ResetMetrics, fit or
    /// evaluate, as in Keras: test_on_batch.</summary>
    member this.TestOnBatch(data: TrainingData) : TrainingLogs = this.OnBatch(data, false, null)

    /// <summary>A function over the model's variables, for training loops of your own. It runs in training mode; what it describes
    /// (calls of the model, gradients, updates) is compiled once per signature of its arguments, which are the step's inputs.</summary>
    /// <param name="describe">From the step to the results.</param>
    /// <example><code>
    /// var step = trainer.Function(s =&gt; {
    ///     var loss = Ops.Mean(Ops.Square(s.Call([s.Inputs[0]])[0] - s.Inputs[1]));
    ///     s.Minimize(loss);
    ///     return [loss];
    /// });
    /// foreach (var (x, y) in batches) { step.Run(x, y); total += step.Scalar(0); }
    /// </code></example>
    member _.Function(describe: Func<StepContext, Expr[]>) : TrainerFunction =
        TrainerFunction(core, "function", describe, Func<_, _>(hold))

    /// <summary>A loss that gives its gradients to all variables that training changes, as tensors. Keras: GradientTape.</summary>
    /// <param name="loss">From the step, whose inputs are the function's arguments, to a scalar.</param>
    member this.GradientFunction(loss: Func<StepContext, Expr>) : GradientFunction =
        FunctionalNet.GradientFunction(Func<_, _>(fun describe -> this.Function describe), loss)

    /// <summary>Moves variables by gradients with the optimizer of Compile. Keras: optimizer.apply.</summary>
    /// <param name="gradients">A gradient for each path.</param>
    /// <exception cref="T:FunctionalNet.NotReadyException">The model is not compiled.</exception>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no variable to train at a path.</exception>
    member this.ApplyGradients(gradients: IReadOnlyList<KeyValuePair<string, Tensor>>) : unit =
        core.Compiled() |> ignore
        let paths = gradients |> Seq.map (fun pair -> pair.Key) |> Seq.toArray
        let key = String.Join('\n', paths)

        let apply =
            match applying with
            | ValueSome(known, f) when known = key -> f
            | _ ->
                let f =
                    this.Function(fun step ->
                        let variables = step.TrainableVariables

                        let chosen =
                            paths
                            |> Array.map (fun path ->
                                match variables |> Array.tryFind (fun v -> v.Path = path) with
                                | Some v -> v
                                | None ->
                                    raise (
                                        FunctionalNet.Common.Names.unknown
                                            "variable to train"
                                            network.Name
                                            path
                                            (variables |> Array.map (fun v -> v.Path))
                                    ))

                        step.Apply(step.Inputs, chosen)
                        [||])

                applying <- ValueSome(key, f)
                f

        apply.Run(gradients |> Seq.map (fun pair -> pair.Value.Cast network.FloatType) |> Seq.toArray)

    /// A trainer of another network with some of the variables of other trainers.
    static member internal Sharing
        (network: Network, seed: uint64, options: PlanOptions, lent: string -> Variable voption)
        : Trainer =
        Trainer(network, seed, options.ToCompileOptions(), lent)

    /// The variables, to be shared with other trainers.
    member internal _.VariableStore = core.Variables

    member internal _.CompileOptions = compileOptions
    member internal _.Core = core

    /// <summary>A trainer of a network inside this one, on the same weights: what either of them learns, both have learned. Not for
    /// two threads at once.</summary>
    /// <param name="path">The path of a layer that is a network, such as generator.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no network at that path.</exception>
    member _.Part(path: string) : Trainer =
        let inner = Network.networkAt path network

        let lent (below: string) =
            match core.Variables.TryFind(path + "/" + below) with
            | ValueSome v -> ValueSome v
            // A layer shared by name lies at the root.
            | ValueNone -> core.Variables.TryFind below

        let inner =
            if inner.FloatType = network.FloatType then inner else Network.withDType network.FloatType inner
        Trainer(inner, seed, compileOptions, lent)

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
    member _.Initialize(newSeed: uint64) : unit = core.Draw newSeed

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
            Some
                { Options =
                    (match core.Options with
                     | ValueSome options when not options.HasOwnSteps -> Some options
                     | _ -> None)
                  LearningRate = core.Rate
                  Seed = seed
                  EpochsTrained = loop.EpochsTrained
                  Frozen = Seq.toArray core.Frozen
                  Slots = core.Slots.Snapshot()
                  AveragesInPlace = core.AveragesInPlace
                  Callbacks = loop.CallbackStates }

    member private _.Continue(where: string, state: TrainingState) : unit =
        // Optimizers of steps of the user's own have slots once their step has run.
        if core.HasOwnSteps then core.EnsureSlots state.Slots

        Checkpoint.restore where "value of the optimizer" core.Slots state.Slots
        core.Rate <- state.LearningRate
        core.AveragesInPlace <- state.AveragesInPlace
        loop.EpochsTrained <- state.EpochsTrained
        loop.Resume state.Callbacks

    /// <summary>Saves network, weights and, once compiled, the training: optimizer, figures and state of callbacks. Training
    /// that goes on from the file gives the same bits as training that was never interrupted.</summary>
    /// <param name="path">The file, usually ending in .fnet. It appears complete or not at all.</param>
    /// <exception cref="T:FunctionalNet.FunctionalNetException">A layer holds a function and cannot be saved.</exception>
    member this.Save(path: string) : unit =
        holding (fun () -> Checkpoint.save path network (core.Variables.Snapshot()) (this.State()))

    /// <summary>Saves weights and state only, as safetensors.</summary>
    member _.SaveWeights(path: string) : unit =
        holding (fun () -> SafeTensors.write path { Tensors = core.Variables.Snapshot(); Metadata = [||] })

    /// <summary>Takes all weights from a file of <c>Save</c> or <c>SaveWeights</c>.</summary>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is damaged or of another network; nothing was set.</exception>
    member _.LoadWeights(path: string) : unit =
        holding (fun () -> Checkpoint.restore path "weight" core.Variables (Checkpoint.loadWeights path))

    /// <summary>Takes those weights from a file that the model has under the same path and with the same shape; the others stay.
    /// Keras: load_weights(skip_mismatch=True).</summary>
    /// <returns>The paths that were taken.</returns>
    /// <exception cref="T:FunctionalNet.ModelFormatException">The file is damaged; nothing was set.</exception>
    member _.LoadMatchingWeights(path: string) : IReadOnlyList<string> =
        enter ()

        try
            let matching =
                Checkpoint.loadWeights path
                |> Array.choose (fun (name, value) ->
                    match core.Variables.TryFind name with
                    | ValueSome v when v.Shape.Equals value.Shape -> Some(struct (v, value))
                    | _ -> None)

            for struct (v, value) in matching do
                v.Set value

            [| for struct (v, _) in matching -> v.Name |]
        finally
            Monitor.Exit gate

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
    member internal _.CompiledWith = core.Options
    member internal _.PlanCount = core.PlanCount
    member internal _.StepParts = core.StepParts

    interface ITrainingModel with
        member this.LearningRate
            with get () = this.LearningRate
            and set value = this.LearningRate <- value

        member _.StopTraining
            with get () = loop.Stop
            and set value = loop.Stop <- value

        member _.InitialEpoch
            with get () = loop.InitialEpoch
            and set value = loop.InitialEpoch <- value

        member _.Iterations = core.Iterations
        member _.Parameters = loop.Parameters

        member _.Architecture =
            try
                Network.toJson network
            with :? NotReadyException ->
                null

        member this.GetWeights() = this.GetWeights()
        member this.SetWeights(weights: IReadOnlyList<KeyValuePair<string, Tensor>>) = this.SetWeights weights

        member this.SaveModel(path: string) = this.Save path

        member this.RestoreModel(path: string) = this.Restore path

        member _.UseAverages(inPlace: bool) =
            core.CheckAverages()
            core.UseAverages inPlace

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
