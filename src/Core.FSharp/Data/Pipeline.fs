namespace FunctionalNet.Datasets

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open FunctionalNet
open FunctionalNet.Common

/// One run through a pipeline: its number, which decides all random choices, and what stops it.
[<Struct; NoEquality; NoComparison>]
type internal Pass = { Number: int64; Token: CancellationToken }

/// Reads ahead on a thread of its own. Disposing it stops the thread and waits for it.
[<Sealed>]
type internal ReadAhead<'T>(openSource: Pass -> IEnumerator<'T>, capacity: int, pass: Pass) =

    let stop = CancellationTokenSource.CreateLinkedTokenSource pass.Token
    let queue = new BlockingCollection<'T>(capacity)
    let mutable failure: ExceptionDispatchInfo | null = null
    let mutable current = Unchecked.defaultof<'T>
    let mutable disposed = false

    let work () =
        try
            try
                use source = openSource { pass with Token = stop.Token }

                while source.MoveNext() do
                    queue.Add(source.Current, stop.Token)
            with
            | :? OperationCanceledException when stop.IsCancellationRequested -> ()
            | e -> failure <- ExceptionDispatchInfo.Capture e
        finally
            queue.CompleteAdding()

    let thread = Thread(work, IsBackground = true, Name = "FunctionalNet data")

    do thread.Start()

    interface IEnumerator<'T> with
        member _.Current = current

    interface System.Collections.IEnumerator with
        member _.Current = box current

        member _.MoveNext() =
            let mutable item = Unchecked.defaultof<'T>

            if queue.TryTake(&item, Timeout.Infinite, pass.Token) then
                current <- item
                true
            else
                match failure with
                | null ->
                    pass.Token.ThrowIfCancellationRequested()
                    false
                | failure ->
                    failure.Throw()
                    false

        member _.Reset() = raise (NotSupportedException())

    interface IDisposable with
        member _.Dispose() =
            if not disposed then
                disposed <- true
                stop.Cancel()
                thread.Join()
                queue.Dispose()
                stop.Dispose()

/// What stages do with the elements of the stage before.
module internal Stages =

    let private wrap (stage: string) (element: int64) (token: CancellationToken) (run: unit -> 'T) : 'T =
        try
            run ()
        with
        | :? OperationCanceledException when token.IsCancellationRequested -> reraise ()
        // The first stage that saw the error has said where it was.
        | :? DataPipelineException -> reraise ()
        | e -> raise (DataPipelineException(stage, element, e))

    /// The elements of a source of the user's own.
    let guarded (stage: string) (openSource: unit -> IEnumerator<'T>) (pass: Pass) : IEnumerator<'T> =
        (seq {
            use source = wrap stage -1L pass.Token openSource
            let mutable more = true

            while more do
                pass.Token.ThrowIfCancellationRequested()
                more <- wrap stage -1L pass.Token (fun () -> source.MoveNext())
                if more then yield source.Current
        })
            .GetEnumerator()

    /// The elements of an asynchronous source. It never runs on the caller's synchronization context, which waits here.
    let asynchronous (stage: string) (source: IAsyncEnumerable<'T>) (pass: Pass) : IEnumerator<'T> =
        (seq {
            let elements = source.GetAsyncEnumerator pass.Token
            let mutable more = true

            try
                while more do
                    pass.Token.ThrowIfCancellationRequested()

                    more <-
                        wrap stage -1L pass.Token (fun () ->
                            Task.Run<bool>(fun () -> elements.MoveNextAsync().AsTask()).GetAwaiter().GetResult())

                    if more then yield elements.Current
            finally
                Task.Run(fun () -> elements.DisposeAsync().AsTask()).GetAwaiter().GetResult()
        })
            .GetEnumerator()

    /// Every element through a function that also gets its number.
    let map (stage: string) (f: int64 -> 'T -> 'U) (pass: Pass) (source: IEnumerator<'T>) : IEnumerator<'U> =
        (seq {
            use source = source
            let mutable i = 0L

            while source.MoveNext() do
                pass.Token.ThrowIfCancellationRequested()
                let number, element = i, source.Current
                yield wrap stage number pass.Token (fun () -> f number element)
                i <- i + 1L
        })
            .GetEnumerator()

    /// The same with some elements in work at a time on the thread pool; the results keep their order.
    let mapParallel
        (stage: string)
        (parallelism: int)
        (f: int64 -> 'T -> 'U)
        (pass: Pass)
        (source: IEnumerator<'T>)
        : IEnumerator<'U> =
        (seq {
            use source = source
            let working = Queue<Task<'U>>()
            let mutable i = 0L
            let mutable more = true

            try
                while more || working.Count > 0 do
                    while more && working.Count < parallelism do
                        pass.Token.ThrowIfCancellationRequested()

                        if source.MoveNext() then
                            let number, element = i, source.Current
                            working.Enqueue(
                                Task.Run<'U>(fun () -> wrap stage number pass.Token (fun () -> f number element))
                            )
                            i <- i + 1L
                        else
                            more <- false

                    if working.Count > 0 then yield working.Dequeue().GetAwaiter().GetResult()
            finally
                // Nothing goes on behind the user's back; what is not wanted any more may fail unseen.
                for task in working do
                    try
                        task.Wait()
                    with :? AggregateException ->
                        ()
        })
            .GetEnumerator()

    let filter (stage: string) (keep: 'T -> bool) (pass: Pass) (source: IEnumerator<'T>) : IEnumerator<'T> =
        (seq {
            use source = source
            let mutable i = 0L

            while source.MoveNext() do
                pass.Token.ThrowIfCancellationRequested()
                let number, element = i, source.Current
                if wrap stage number pass.Token (fun () -> keep element) then yield element
                i <- i + 1L
        })
            .GetEnumerator()

    let private stream = Philox.streamOf "dataset/shuffle"

    /// A random element of a buffer that is filled up again after every choice.
    let shuffle (buffer: int) (seed: uint64) (pass: int64) (source: IEnumerator<'T>) : IEnumerator<'T> =
        (seq {
            use source = source
            let waiting = List<'T>()
            let mutable more = true
            let mutable draws = 0L

            while more && waiting.Count < buffer do
                more <- source.MoveNext()
                if more then waiting.Add source.Current

            while waiting.Count > 0 do
                let word = Philox.bits seed stream (uint32 pass) draws
                draws <- draws + 1L
                let chosen = int ((uint64 word * uint64 waiting.Count) / 4294967296UL)
                let element = waiting[chosen]
                if more then more <- source.MoveNext()

                if more then
                    waiting[chosen] <- source.Current
                else
                    waiting[chosen] <- waiting[waiting.Count - 1]
                    waiting.RemoveAt(waiting.Count - 1)

                yield element
        })
            .GetEnumerator()

    /// So many elements at a time through a function.
    let batch (size: int) (dropRemainder: bool) (collate: 'T[] -> 'U) (source: IEnumerator<'T>) : IEnumerator<'U> =
        (seq {
            use source = source
            let waiting = List<'T>(min size 4096)

            while source.MoveNext() do
                waiting.Add source.Current

                if waiting.Count = size then
                    yield collate (waiting.ToArray())
                    waiting.Clear()

            if waiting.Count > 0 && not dropRemainder then yield collate (waiting.ToArray())
        })
            .GetEnumerator()

    /// All elements of all that an element is opened to.
    let flatten (openElement: int64 -> 'T -> IEnumerator<'U>) (source: IEnumerator<'T>) : IEnumerator<'U> =
        (seq {
            use source = source
            let mutable i = 0L

            while source.MoveNext() do
                use inner = openElement i source.Current

                while inner.MoveNext() do
                    yield inner.Current

                i <- i + 1L
        })
            .GetEnumerator()
