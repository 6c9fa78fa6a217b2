namespace FunctionalNet.Training

open System
open System.Collections.Generic
open System.Threading
open FunctionalNet
open FunctionalNet.Compiler
open FunctionalNet.Graph

/// A network's values and the steps that work on them in place.
[<Sealed>]
type internal TrainerCore
    (network: Network, seed: uint64, compileOptions: CompileOptions, lent: string -> Variable voption) =

    let specs = Network.variables network
    let variables = VariableStore()
    let slots = VariableStore()
    let trainTotals = VariableStore()
    let testTotals = VariableStore()
    let hypers = VariableStore()
    let carried = VariableStore()
    let frozen = SortedSet<string>(StringComparer.Ordinal)
    let cache = PlanCache 8

    let mutable plan: TrainingPlan voption = ValueNone
    let mutable options: TrainingOptions voption = ValueNone
    let mutable trainFigures: FigureSet voption = ValueNone
    let mutable testFigures: FigureSet voption = ValueNone
    let mutable rate = 0.0
    // Steps compiled before this number changed are not valid any more.
    let mutable version = 0
    let furtherOptimizers = Dictionary<string, struct (Optimizer * Variable)>()

    // Where the figures of single batches are summed up; ValueNone where the next batch begins anew.
    let mutable summed: VariableStore voption = ValueNone

    let seedVariable = hypers.Ensure("seed", DType.Int64, Shape.Scalar, 0.0)
    let stepVariable = hypers.Ensure("step", DType.Int64, Shape.Scalar, 0.0)
    let rateVariable = hypers.Ensure(StepNames.LearningRate, DType.Float64, Shape.Scalar, 0.0)

    do
        seedVariable.SetInt64(int64 seed)

        let isOwn (spec: VariableSpec) = (lent spec.Path).IsNone

        if specs |> Array.forall isOwn then
            variables.EnsureAll(
                specs
                |> Array.map (fun spec ->
                    { StepSlot.Name = spec.Path; Type = { DType = spec.DType; Shape = spec.Shape }; Initial = 0.0 })
            )
        else
            for spec in specs do
                match lent spec.Path with
                | ValueSome shared -> variables.Share(spec.Path, spec.DType, spec.Shape, shared)
                | ValueNone -> variables.Ensure(spec.Path, spec.DType, spec.Shape, 0.0) |> ignore

        FirstValues.Draw(
            seed,
            specs
            |> Array.filter isOwn
            |> Array.map (fun spec -> struct (spec, (variables.TryFind spec.Path).Value))
        )

    let isFrozen (path: string) =
        frozen.Count > 0
        && (frozen |> Seq.exists (fun p -> path = p || path.StartsWith(p + "/", StringComparison.Ordinal)))

    let memoryOf (totals: VariableStore) (role: LeafRole) (leaf: Expr) (name: string) : Variable =
        match role with
        | LeafRole.Hyper -> hypers.Ensure(name, leaf.DType, leaf.Shape, 0.0)
        | LeafRole.Slot when name.StartsWith(StepNames.FigurePrefix, StringComparison.Ordinal) ->
            totals.Ensure(name, leaf.DType, leaf.Shape, 0.0)
        | LeafRole.Slot -> slots.Ensure(name, leaf.DType, leaf.Shape, 0.0)
        | LeafRole.Carried -> lock carried (fun () -> carried.Ensure(name, leaf.DType, leaf.Shape, 0.0))
        | _ ->
            match variables.TryFind name with
            | ValueSome v -> v
            | ValueNone ->
                raise (
                    GraphException(
                        "A step uses a variable that the network does not have.",
                        name,
                        "one of the variables declared when the network was built",
                        name,
                        "Declare the same variables in training and in inference."
                    )
                )

    let compiled () =
        match plan with
        | ValueSome plan -> plan
        | ValueNone ->
            raise (
                NotReadyException(
                    "The model is not compiled.",
                    network.Name,
                    "compile before fit, evaluate and training on batches",
                    "no compile",
                    "Call compile with an optimizer and a loss first."
                )
            )

    /// What the optimizer keeps, at its first values.
    let ensureSlots (plan: TrainingPlan) =
        let trained =
            specs |> Array.filter (fun spec -> spec.Trainable && not spec.Frozen && not (isFrozen spec.Path))

        slots.EnsureAll(OptimizerSteps.state plan.Optimizer trained)

    let figuresOf (totals: VariableStore) (graph: StepGraph) =
        let known name =
            match totals.TryFind name with
            | ValueSome v -> v
            | ValueNone ->
                raise (GraphException("A total has no memory.", name, "a total of the step", name, "Compile again."))

        FigureSet(graph.Figures |> Array.map (fun f -> Figure(f.Key, f.Metric, f.Totals |> Array.map known)))

    /// What optimizers keep begins with the rule's first values.
    let prepareSlots (graph: StepGraph) =
        slots.EnsureAll graph.Slots

        for name, optimizer in graph.Optimizers do
            if not (furtherOptimizers.ContainsKey name) then
                let rate = hypers.Ensure(StepNames.rateOf name, DType.Float64, Shape.Scalar, 0.0)
                furtherOptimizers[name] <- struct (optimizer, rate)

    /// Makes a step executable, in memory that it shares with others.
    let bind room (key: string) (types: BatchTypes) (graph: StepGraph) (totals: VariableStore) : BoundStep =
        prepareSlots graph
        BoundStep.createIn room compileOptions key types graph (memoryOf totals)

    /// The same in memory of its own: its results are read later.
    let bindAlone (key: string) (types: BatchTypes) (graph: StepGraph) (totals: VariableStore) : BoundStep =
        prepareSlots graph
        BoundStep.create compileOptions key types graph (memoryOf totals)

    let settings () = ValueOption.defaultWith (fun () -> TrainingOptions()) options

    // Of the steps that train and evaluate, one runs at a time.
    let arena = Arena()

    let trainStep (plan: TrainingPlan) (types: BatchTypes) : BoundStep =
        let key = BoundStep.keyOf "train" types

        let step =
            cache.GetOrAdd(
                key,
                fun () ->
                    slots.TouchMeanwhile()
                    bind arena.Room key types (TrainStep.training network plan (settings ()) isFrozen types) trainTotals
            )

        if trainFigures.IsNone then
            trainFigures <- ValueSome(figuresOf trainTotals step.Step)

        step

    let testStep (plan: TrainingPlan) (types: BatchTypes) : BoundStep =
        let key = BoundStep.keyOf "test" types

        let step =
            cache.GetOrAdd(
                key,
                fun () ->
                    bind arena.Room key types (TrainStep.test network plan (settings ()) isFrozen types) testTotals
            )

        if testFigures.IsNone then
            testFigures <- ValueSome(figuresOf testTotals step.Step)

        step

    let predictions =
        PredictionSteps(
            network,
            8,
            fun key types -> bindAlone key types (TrainStep.prediction network plan options isFrozen types) testTotals
        )

    let iterations () =
        match slots.TryFind StepNames.Iterations with
        | ValueSome v -> v.GetInt64()
        | ValueNone -> 0L

    let rateNow () =
        match plan with
        | ValueSome plan ->
            match (Optimizer.lead plan.Optimizer).Options.LearningRate with
            | Scheduled schedule -> schedule.Rate(iterations ())
            | Fixed _ -> rate
        | ValueNone -> rate

    let runs () =
        match slots.TryFind StepNames.Runs with
        | ValueSome v -> v.GetInt64()
        | ValueNone -> 0L

    /// The rates of the optimizers that steps use beside the one of compile.
    let setFurtherRates () =
        for pair in furtherOptimizers do
            let struct (optimizer, rate) = pair.Value

            rate.SetDouble(
                match (Optimizer.lead optimizer).Options.LearningRate with
                | Fixed rate -> rate
                | Scheduled schedule ->
                    match slots.TryFind(StepNames.ofOptimizer pair.Key + StepNames.Iterations) with
                    | ValueSome v -> schedule.Rate(v.GetInt64())
                    | ValueNone -> schedule.Rate 0L
            )

    let forget () =
        version <- version + 1
        furtherOptimizers.Clear()
        cache.Clear()
        predictions.Clear()
        trainFigures <- ValueNone
        testFigures <- ValueNone

    /// One update of all variables from what is in the memory of the step.
    let update (step: BoundStep) =
        stepVariable.SetInt64(iterations () + runs ())
        rateVariable.SetDouble(rateNow ())

        if furtherOptimizers.Count > 0 then setFurtherRates ()

        step.Run()

    let mutable averagesInPlace = false

    /// Calls for every variable with its average. Before the first update there are none.
    let withAverages (plan: TrainingPlan) (call: Variable -> Variable -> unit) =
        if iterations () > 0L then
            for spec in specs do
                match OptimizerSteps.average plan.Optimizer spec.Path with
                | ValueSome name ->
                    match slots.TryFind name, variables.TryFind spec.Path with
                    | ValueSome average, ValueSome v when not (spec.Frozen || isFrozen spec.Path) -> call v average
                    | _ -> ()
                | ValueNone -> ()

    let useAverages (inPlace: bool) =
        let before = averagesInPlace

        if before <> inPlace then
            withAverages (compiled ()) (fun v average -> v.Swap average)
            averagesInPlace <- inPlace

        before

    let finishAverages (plan: TrainingPlan) =
        if averagesInPlace then
            withAverages plan (fun v average -> average.CopyFrom v)
            averagesInPlace <- false
        else
            withAverages plan (fun v average -> v.CopyFrom average)

    member _.Network = network
    member _.Specs = specs

    /// Draws all weights anew.
    member _.Draw(newSeed: uint64) : unit =
        let all =
            specs
            |> Array.choose (fun spec ->
                match variables.TryFind spec.Path with
                | ValueSome v -> Some(struct (spec, v))
                | ValueNone -> None)

        FirstValues.Draw(newSeed, all)

    member _.Variables = variables
    member _.Slots = slots
    member _.Frozen = frozen
    member _.Plan = plan
    member _.Options = options

    /// The learning rate, unless a schedule decides it.
    member _.Rate
        with get () = rate
        and set (value: float) = rate <- value

    member _.RateNow = rateNow ()

    /// The learning rate as a user sets it.
    member _.SetRate(value: float) : unit =
        let refuse summary expected actual hint =
            raise (ArgumentValueException(summary, "learning_rate", expected, actual, hint))

        let optimizer = (compiled ()).Optimizer

        match (Optimizer.lead optimizer).Options.LearningRate with
        | Scheduled _ ->
            refuse
                "The learning rate follows a schedule."
                "an optimizer with a fixed rate"
                "a schedule"
                "Compile with a number as the learning rate to set it later."
        | Fixed _ when not (Double.IsFinite value) || value < 0.0 ->
            refuse
                "The learning rate is not valid."
                "a finite number of 0 or more"
                (Texts.ofFloat value)
                "0.001 is usual."
        | Fixed _ when (OptimizerSteps.members "" optimizer).Length > 1 ->
            refuse
                "Each of several optimizers has a learning rate of its own."
                "one optimizer"
                optimizer.ClassName
                "Give the optimizers of the map their rates or schedules."
        | Fixed _ -> rate <- value
    member _.Iterations = iterations ()
    member _.PlanCount = cache.Count
    member _.Predictions = predictions

    /// What the network was compiled with; an error if it was not.
    member _.Compiled() = compiled ()

    /// The figures of training, once there is a training step.
    member _.TrainFigures = trainFigures.Value

    /// The figures of testing, once there is a test step.
    member _.TestFigures = testFigures.Value

    /// Prepares for one more batch in figures that go on over batches, of training or of testing.
    member _.SumBatch(train: bool) : FigureSet =
        let own, figures = if train then trainTotals, trainFigures.Value else testTotals, testFigures.Value

        match summed with
        | ValueNone -> figures.Reset()
        | ValueSome other when obj.ReferenceEquals(other, own) -> ()
        | ValueSome other ->
            figures.Reset()

            for v in own.All do
                match other.TryFind v.Name with
                | ValueSome o when o.Shape.Equals v.Shape -> v.CopyFrom o
                | _ -> ()

        summed <- ValueSome own
        figures

    /// Memory for a total that no step has asked for yet; the next batch goes on from it.
    member _.EnsureTotal(name: string, value: Tensor) : Variable =
        if summed.IsNone then summed <- ValueSome trainTotals

        let totals = ValueOption.defaultValue trainTotals summed
        totals.Ensure(name, value.DType, value.Shape, 0.0)

    /// The figures of single batches begin anew with the next one.
    member _.ResetMetrics() : unit = summed <- ValueNone

    /// The figures as they stand; ValueNone before any step.
    member _.Figures: FigureSet voption =
        match summed with
        | ValueSome totals when obj.ReferenceEquals(totals, testTotals) -> testFigures
        | _ -> if trainFigures.IsSome then trainFigures else testFigures

    /// Totals of figures, by figure and name.
    member _.Totals: Variable[] =
        let totals =
            match summed with
            | ValueSome totals -> totals
            | ValueNone -> trainTotals

        totals.All.ToArray()

    member _.TrainStep(types: BatchTypes) : BoundStep = trainStep (compiled ()) types
    member _.TestStep(types: BatchTypes) : BoundStep = testStep (compiled ()) types

    member _.StepParts: StepParts =
        { Network = network
          Plan = compiled ()
          Settings = settings ()
          IsFrozen = isFrozen
          Options = compileOptions
          Variable = memoryOf trainTotals
          LastTypes = cache.LastTypes "train" }

    member _.Update(step: BoundStep) : unit = update step

    /// Makes room for values of optimizers that no step has asked for yet.
    member _.EnsureSlots(values: (string * Tensor)[]) : unit =
        for name, value in values do
            slots.Ensure(name, value.DType, value.Shape, 0.0) |> ignore

    /// Changes when steps that were compiled before must be compiled again.
    member _.Version = version

    /// A step of a function of the user's own.
    member _.Bind(key: string, types: BatchTypes, describe: StepContext -> Expr[]) : BoundStep =
        let step = StepContext(network, plan, Mode.Train, isFrozen, types)
        let outputs = describe step
        bindAlone key types (step.Finish outputs) trainTotals

    /// True if a step of the user's own decides what the data means.
    member _.HasOwnSteps =
        match options with
        | ValueSome options -> options.HasOwnSteps
        | ValueNone -> false

    /// True while the variables hold their averages, and the averages' slots the variables.
    member _.AveragesInPlace
        with get () = averagesInPlace
        and set (value: bool) = averagesInPlace <- value

    /// Raises an error if the optimizer keeps no averages.
    member _.CheckAverages() : unit =
        let optimizer = (compiled ()).Optimizer

        let keepsAverages =
            OptimizerSteps.members "" optimizer |> Array.exists (fun (struct (_, o)) -> o.Options.UseEma)

        if not keepsAverages then
            raise (
                ArgumentValueException(
                    "The optimizer keeps no averages of the weights.",
                    network.Name,
                    "an optimizer with use_ema",
                    optimizer.Name + " without",
                    "Compile with an optimizer that has use_ema = true."
                )
            )

    /// Puts the averages in the place of the variables, or the variables back; whether the averages were in place.
    member _.UseAverages(inPlace: bool) : bool = useAverages inPlace

    member _.FinishAverages() : unit = finishAverages (compiled ())

    /// All that is kept from batch to batch becomes zero.
    member _.ResetStates() : unit =
        lock carried (fun () ->
            for v in carried.All do
                v.Fill 0.0)

    /// Drops all steps: they were made for other layers or losses.
    member _.Forget() : unit =
        forget ()

        match plan with
        | ValueSome plan -> ensureSlots plan
        | ValueNone -> ()

    member _.Compile(settings: TrainingOptions) : unit =
        let settings = settings.Resolve(Network.outputNames network, NetworkNesting.outputPaths network)
        let next = CompilePlan.create network settings
        forget ()
        slots.Clear()
        averagesInPlace <- false
        trainTotals.Clear()
        testTotals.Clear()
        summed <- ValueNone

        rate <-
            match (Optimizer.lead next.Optimizer).Options.LearningRate with
            | Fixed rate -> rate
            | Scheduled schedule -> schedule.Rate 0L

        plan <- ValueSome next
        options <- ValueSome settings
        ensureSlots next
