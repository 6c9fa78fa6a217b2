namespace FunctionalNet.Training

open System
open System.Collections.Generic
open System.Threading
open FunctionalNet
open FunctionalNet.Datasets

/// Rows of prepared data that make a batch: order[First], order[First + 1], ...
[<Struct; NoEquality; NoComparison>]
type internal BatchRows = { Data: PreparedData; Order: int[]; First: int; Count: int }

/// Where the batches of a loop come from.
[<AbstractClass>]
type internal BatchFeed() =

    /// Batches in an epoch, if that is known.
    abstract Steps: int voption

    /// Rows of a batch; 0 if that is not known.
    abstract BatchSize: int

    /// True if batches of as many rows have the same types.
    abstract IsUniform: bool

    /// True if what a batch holds has not been looked through yet.
    abstract IsUnchecked: bool

    /// Begins an epoch of a fit, counted from 0. The number of epochs begun before, in all fits, decides the order of samples.
    abstract Begin: number: int64 * epoch: int -> unit

    /// The next batch, or ValueNone at the end of the epoch.
    abstract Next: unit -> BatchRows voption

    abstract Dispose: unit -> unit
    default _.Dispose() = ()

    interface IDisposable with
        member this.Dispose() = this.Dispose()

/// Batches of data that lies in memory, in order or shuffled under a seed. With a limit, an epoch goes on where the last one
/// ended; at the end of the data an epoch is shorter, and the next begins anew.
[<Sealed>]
type internal ArrayFeed(data: PreparedData, batchSize: int, limit: int, seed: uint64 voption) =
    inherit BatchFeed()

    let limit = TrainingLimits.StepsOf limit
    let order = Array.init data.Rows id
    let all = (data.Rows + batchSize - 1) / batchSize
    let steps = if limit > 0 then min limit all else all
    // Epochs until all of the data was seen.
    let period = (all + steps - 1) / steps
    let mutable pass = -1L
    let mutable batch = 0
    let mutable last = 0

    /// The rows of the last batch, if it is smaller than the others and is reached.
    member _.Rest =
        let rest = data.Rows % batchSize
        if rest > 0 && data.Rows > batchSize then ValueSome rest else ValueNone

    override _.Steps = ValueSome steps
    override _.BatchSize = batchSize
    override _.IsUniform = true
    override _.IsUnchecked = false

    override _.Begin(number, epoch) =
        let within = epoch % period
        batch <- within * steps
        last <- min all (batch + steps)
        // A pass through the data keeps the order it began with.
        let begun = number - int64 within

        match seed with
        | ValueSome seed when begun <> pass -> Batches.shuffle seed begun order
        | _ -> ()

        pass <- begun

    override _.Next() =
        if batch = last then
            ValueNone
        else
            let first = batch * batchSize
            batch <- batch + 1
            ValueSome { Data = data; Order = order; First = first; Count = min batchSize (data.Rows - first) }

/// Batches of a dataset. With a limit, an epoch goes on where the last one ended, and the dataset begins again at its end.
[<Sealed>]
type internal DatasetFeed
    (
        dataset: Dataset<TrainingData>,
        limit: int,
        goesOn: bool,
        prepare: TrainingData -> PreparedData,
        token: CancellationToken
    ) =
    inherit BatchFeed()

    let limit = TrainingLimits.StepsOf limit
    let mutable source: IEnumerator<TrainingData> voption = ValueNone
    let mutable pass = 0L
    let mutable batch = 0
    let mutable sinceOpened = 0
    let mutable order: int[] = [||]

    let close () =
        match source with
        | ValueSome s -> s.Dispose()
        | ValueNone -> ()

        source <- ValueNone

    let openPass () =
        close ()
        source <- ValueSome(dataset.Open { Number = pass; Token = token })
        pass <- pass + 1L
        sinceOpened <- 0

    let empty () : 'a =
        raise (
            DataException(
                "The dataset gave no batch.",
                dataset.ToString(),
                "at least one batch",
                "none",
                "Check filters, and whether the source can be enumerated more than once."
            )
        )

    let check () =
        if limit = 0 && dataset.IsInfinite then
            raise (
                ArgumentValueException(
                    "The dataset never ends.",
                    dataset.ToString(),
                    "a number of steps",
                    "an endless dataset",
                    "Say how many batches make an epoch: steps_per_epoch, validation_steps or steps."
                )
            )

    do check ()

    let inOrder (count: int) =
        if order.Length < count then order <- Array.init count id

        order

    override _.Steps =
        let length = dataset.Cardinality

        if limit > 0 && (goesOn || length < 0L) then ValueSome limit
        elif limit > 0 then ValueSome(int (min length (int64 limit)))
        elif length >= 0L then ValueSome(int length)
        else ValueNone

    override _.BatchSize = 0
    override _.IsUniform = false
    override _.IsUnchecked = true

    override _.Begin(number, _) =
        batch <- 0

        // A pass that goes on was numbered when it was opened.
        if limit = 0 || not goesOn || source.IsNone then
            pass <- number
            openPass ()

    override _.Next() =
        if limit > 0 && batch = limit then
            ValueNone
        else
            let mutable more = source.Value.MoveNext()

            if not more && sinceOpened = 0 then empty ()

            if not more && limit > 0 && goesOn then
                openPass ()
                more <- source.Value.MoveNext()

                if not more then empty ()

            if more then
                let data = prepare source.Value.Current
                batch <- batch + 1
                sinceOpened <- sinceOpened + 1
                ValueSome { Data = data; Order = inOrder data.Rows; First = 0; Count = data.Rows }
            else
                // The thread of a prefetching stage ends now, not when the next epoch begins.
                close ()
                ValueNone

    override _.Dispose() = close ()

/// Remembers the steps of the sizes used last, so that none is looked up by its types for every batch.
[<Struct; NoEquality; NoComparison>]
type internal StepMemory =
    val mutable private larger: BoundStep voption
    val mutable private smaller: BoundStep voption

    /// The step for a batch.
    member this.For(feed: BatchFeed, batch: BatchRows, find: BatchTypes -> BoundStep) : BoundStep =
        if not feed.IsUniform then
            find (batch.Data.Types batch.Count)
        elif this.larger.IsSome && this.larger.Value.Rows = batch.Count then
            this.larger.Value
        elif this.smaller.IsSome && this.smaller.Value.Rows = batch.Count then
            this.smaller.Value
        else
            let step = find (batch.Data.Types batch.Count)

            if this.larger.IsNone then this.larger <- ValueSome step else this.smaller <- ValueSome step

            step
