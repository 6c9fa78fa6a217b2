namespace FunctionalNet.Training

open System
open System.Threading
open FunctionalNet

/// The loops of fit and evaluate over the steps of a network, and where they are.
[<Sealed>]
type internal TrainingLoop(core: TrainerCore) =

    let network = core.Network

    // States of callbacks that a saved training waits to give back, and the callbacks of the running fit.
    let mutable pendingStates: (string * CallbackState)[] = [||]
    let mutable savedStates: (string * CallbackState)[] = [||]
    let mutable current: CallbackList voption = ValueNone

    /// The data of a batch that was not looked through yet; errors say which batch it was.
    let checkBatch (plan: TrainingPlan) (number: int) (step: BoundStep) (batch: BatchRows) =
        try
            DataChecks.values network (ValueSome plan) batch.Count step.Step.IdLimits batch.Data
        with :? DataException as e when e.Batch >= 0 ->
            raise (DataException(e.Summary, e.Path, e.Expected, e.Actual, e.Hint, number, e.Row))

    // Made once: a method as a value would be a new object for every batch.
    let findTrainStep = core.TrainStep
    let findTestStep = core.TestStep

    let fill (step: BoundStep) (batch: BatchRows) = Batches.fill batch.Data batch.Order batch.First step

    /// Set to true to stop after the current batch.
    member val Stop = false with get, set

    /// The epoch that fit begins with.
    member val InitialEpoch = 0 with get, set

    /// Epochs begun so far: they decide the order of samples.
    member val EpochsTrained = 0L with get, set

    member val Parameters = TrainingParameters(0, 0, Nullable(), 0, false, Verbosity.Silent) with get, set

    /// True while fit runs.
    member _.IsFitting = current.IsSome

    /// What callbacks keep for a training that is continued.
    member _.CallbackStates =
        match current with
        | ValueSome list -> list.SaveStates()
        | ValueNone -> savedStates

    /// The next fit gives these states to its callbacks.
    member _.Resume(states: (string * CallbackState)[]) =
        savedStates <- states
        pendingStates <- states

    /// Goes once over data without changing the network.
    member _.Test(feed: BatchFeed, check: bool, callbacks: CallbackList, token: CancellationToken) : FigureSet =
        let plan = core.Compiled()
        let logs = TrainingLogs()
        let mutable memory = StepMemory()
        let mutable figures: FigureSet voption = ValueNone
        let mutable write: Action = Action(fun () -> ())

        let start () =
            let found = core.TestFigures
            found.Reset()
            figures <- ValueSome found

        feed.Begin(0L, 0)
        callbacks.TestBegin()
        let mutable number = 0
        let mutable running = true

        while running do
            token.ThrowIfCancellationRequested()

            match feed.Next() with
            | ValueNone -> running <- false
            | ValueSome batch ->
                let step = memory.For(feed, batch, findTestStep)

                if figures.IsNone then
                    start ()
                    let found = figures.Value
                    write <- Action(fun () -> found.Write logs)

                if check && feed.IsUnchecked then checkBatch plan number step batch

                callbacks.TestBatchBegin number
                fill step batch
                step.Run()
                logs.Defer write
                callbacks.TestBatchEnd(number, logs)
                number <- number + 1

        let figures = figures.Value
        figures.Write logs
        callbacks.TestEnd logs
        figures

    /// Trains epoch by epoch. `validate` opens the data of validation anew, if there is any.
    member this.Fit
        (
            model: ITrainingModel,
            feed: BatchFeed,
            validate: (unit -> BatchFeed) voption,
            settings: FitOptions,
            printing: TrainingCallback list
        ) : History =
        let plan = core.Compiled()
        let epochs = TrainingLimits.EpochsOf settings.Epochs
        let history = History()
        let callbacks = CallbackList.OfFit(settings.Callbacks, history, printing)

        let parametersFor (steps: int voption) =
            TrainingParameters(
                epochs,
                settings.InitialEpoch,
                (match steps with
                 | ValueSome n -> Nullable n
                 | ValueNone -> Nullable()),
                feed.BatchSize,
                validate.IsSome,
                settings.Verbosity
            )

        let mutable steps = feed.Steps
        this.Parameters <- parametersFor steps
        this.Stop <- false
        this.InitialEpoch <- settings.InitialEpoch
        let logs = TrainingLogs()
        let mutable memory = StepMemory()
        let mutable figures: FigureSet voption = ValueNone
        let write = Action(fun () -> core.TrainFigures.Write logs)
        current <- ValueSome callbacks

        try
            callbacks.Attach model
            callbacks.TrainBegin()
            callbacks.LoadStates pendingStates
            pendingStates <- [||]
            core.UseAverages false |> ignore
            let mutable epoch = this.InitialEpoch
            let mutable cancelled = false

            while epoch < epochs && not this.Stop && not cancelled do
                callbacks.EpochBegin epoch
                logs.Clear()

                if figures.IsSome then figures.Value.Reset()

                feed.Begin(this.EpochsTrained, epoch)
                this.EpochsTrained <- this.EpochsTrained + 1L
                let mutable number = 0
                let mutable running = true

                while running && not this.Stop && not cancelled do
                    if settings.Cancellation.IsCancellationRequested then
                        cancelled <- true
                    else
                        // Several batches may run between two calls of callbacks.
                        let mutable inExecution = 0

                        while running && inExecution < plan.StepsPerExecution do
                            let next =
                                try
                                    feed.Next()
                                with :? OperationCanceledException when settings.Cancellation.IsCancellationRequested ->
                                    cancelled <- true
                                    ValueNone

                            match next with
                            | ValueNone -> running <- false
                            | ValueSome batch ->
                                let step = memory.For(feed, batch, findTrainStep)

                                if figures.IsNone then
                                    figures <- ValueSome core.TrainFigures
                                    figures.Value.Reset()

                                if settings.CheckData && feed.IsUnchecked then
                                    checkBatch plan (number + inExecution) step batch

                                if inExecution = 0 then callbacks.TrainBatchBegin number

                                fill step batch
                                core.Update step
                                inExecution <- inExecution + 1

                        if inExecution > 0 then
                            number <- number + inExecution
                            logs.Defer write
                            callbacks.TrainBatchEnd(number - 1, logs)

                            match settings.Progress with
                            | null -> ()
                            | progress ->
                                progress.Report(
                                    TrainingProgress(
                                        epoch,
                                        epochs,
                                        number - 1,
                                        ValueOption.defaultValue 0 steps,
                                        figures.Value.Loss
                                    )
                                )

                if not cancelled then
                    if steps.IsNone && not this.Stop then
                        steps <- ValueSome number
                        this.Parameters <- parametersFor steps

                    if figures.IsSome then figures.Value.Write logs

                    match validate with
                    | ValueSome openFeed ->
                        let due =
                            match settings.ValidationEpochs with
                            | null -> (epoch + 1) % settings.ValidationFrequency = 0
                            | chosen -> Seq.contains (epoch + 1) chosen

                        if due then
                            try
                                use validation = openFeed ()
                                let found = this.Test(validation, settings.CheckData, callbacks, settings.Cancellation)

                                found.WriteValidation logs
                            with :? OperationCanceledException when settings.Cancellation.IsCancellationRequested ->
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
