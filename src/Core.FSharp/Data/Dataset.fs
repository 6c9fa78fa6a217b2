namespace FunctionalNet

open System
open System.Collections.Generic
open System.Threading
open FunctionalNet.Datasets

/// How many elements a dataset has, as far as that is known without reading it.
module internal Cardinality =

    [<Literal>]
    let Infinite = -1L

    [<Literal>]
    let Unknown = -2L

    /// Of something made element by element.
    let ofKnown (f: int64 -> int64) (length: int64) = if length >= 0L then f length else length

    let batches (size: int) (dropRemainder: bool) =
        ofKnown (fun n -> if dropRemainder then n / int64 size else (n + int64 size - 1L) / int64 size)

    let sum (a: int64) (b: int64) =
        if a = Infinite || b = Infinite then Infinite
        elif a = Unknown || b = Unknown then Unknown
        else a + b

    let least (a: int64) (b: int64) =
        if a = Infinite then b
        elif b = Infinite then a
        elif a = Unknown || b = Unknown then Unknown
        else min a b

/// <summary>A sequence of elements that is read again for every epoch, described as stages: a source, then map, shuffle, batch,
/// prefetch, ... Immutable; every stage gives a new dataset, and nothing is read before somebody enumerates. What a pass gives
/// depends only on the sources, the seeds and the number of the pass, never on threads. Ending an enumeration early stops and
/// waits for whatever works for it. Keras: tf.data.Dataset.</summary>
/// <typeparam name="T">What an element is. Batches are made of tensors, tuples and arrays of them, TrainingData, and tables, alone or
/// in front of tensors in a tuple. Fit takes a Tensor (inputs), a tuple (inputs, targets) or (inputs, targets, weights) of
/// tensors, Tensor[] (several inputs), or TrainingData (any number, by order or by name).</typeparam>
/// <example><code>
/// var batches = Dataset.FromTensors(x, y).Shuffle(1000, seed: 1).Map(Augment, parallelism: 4).Batch(32).Prefetch(2);
/// model.Fit(batches, epochs: 10);
/// </code></example>
type Dataset<'T> internal (stages: string, cardinality: int64, openPass: Pass -> IEnumerator<'T>) =

    let mutable passes = -1L

    let atLeast (least: int) (name: string) (value: int) =
        if value < least then
            raise (
                ArgumentValueException(
                    "An option of a dataset is out of range.",
                    name,
                    string least + " or more",
                    string value,
                    "See the option's documentation."
                )
            )

    let next (stage: string) = stages + " > " + stage

    member internal _.Cardinality = cardinality

    /// Opens a pass of a given number.
    member internal _.Open(pass: Pass) : IEnumerator<'T> = openPass pass

    /// <summary>The number of elements; null if it is not known before they are read, or there is no end.</summary>
    member _.Length: Nullable<int64> = if cardinality >= 0L then Nullable cardinality else Nullable()

    /// <summary>True if the elements never end.</summary>
    member _.IsInfinite = (cardinality = Cardinality.Infinite)

    /// <summary>Its stages, from the source on.</summary>
    override _.ToString() = stages

    /// <summary>The elements of the next pass: the first enumeration is pass 0, the next one pass 1. Cancellation ends it with
    /// an OperationCanceledException, in whatever thread it waits.</summary>
    member _.GetEnumerator(token: CancellationToken) : IEnumerator<'T> =
        openPass { Number = Interlocked.Increment(&passes); Token = token }

    /// <summary>The elements of the next pass.</summary>
    member this.GetEnumerator() : IEnumerator<'T> = this.GetEnumerator CancellationToken.None

    interface IEnumerable<'T> with
        member this.GetEnumerator() : IEnumerator<'T> = this.GetEnumerator()

    interface System.Collections.IEnumerable with
        member this.GetEnumerator() : System.Collections.IEnumerator =
            this.GetEnumerator() :> System.Collections.IEnumerator

    // Element by element

    /// <summary>Every element through a function.</summary>
    /// <param name="f">The function; with parallelism it is called from several threads at once.</param>
    /// <param name="parallelism">How many elements are in work at a time, on the thread pool; the results keep their order.</param>
    /// <exception cref="T:FunctionalNet.DataPipelineException">When enumerated, if the function throws.</exception>
    member _.Map(f: Func<'T, 'U>, parallelism: int) : Dataset<'U> =
        atLeast 1 "parallelism" parallelism
        let stage = next "map"

        let run = if parallelism = 1 then Stages.map stage else Stages.mapParallel stage parallelism

        Dataset<'U>(
            stage,
            cardinality,
            (fun pass -> (fun () -> openPass pass) |> run (fun _ element -> f.Invoke element) pass)
        )

    /// <summary>Every element through a function, one at a time.</summary>
    member this.Map(f: Func<'T, 'U>) : Dataset<'U> = this.Map(f, 1)

    /// <summary>Every element through a function that also gets random numbers of its own: they depend on the seed, the pass
    /// and the element's number, so that augmentation is the same on any number of threads and another in every epoch.</summary>
    /// <param name="f">The function.</param>
    /// <param name="seed">Decides the random numbers.</param>
    /// <param name="parallelism">How many elements are in work at a time, on the thread pool; the results keep their order.</param>
    member _.MapRandom(f: Func<'T, Random, 'U>, seed: int, parallelism: int) : Dataset<'U> =
        atLeast 1 "parallelism" parallelism
        let stage = next "map"

        let run = if parallelism = 1 then Stages.map stage else Stages.mapParallel stage parallelism

        let call (pass: Pass) (number: int64) (element: 'T) =
            let word = Common.Philox.bits (uint64 seed) (uint64 pass.Number) (uint32 (number >>> 32)) number
            f.Invoke(element, Random(int (word >>> 1)))

        Dataset<'U>(stage, cardinality, (fun pass -> (fun () -> openPass pass) |> run (call pass) pass))

    /// <summary>Every element through a function that also gets random numbers of its own, one at a time.</summary>
    member this.MapRandom(f: Func<'T, Random, 'U>, seed: int) : Dataset<'U> = this.MapRandom(f, seed, 1)

    /// <summary>The elements for which a function says true.</summary>
    member _.Filter(keep: Func<'T, bool>) : Dataset<'T> =
        let stage = next "filter"

        Dataset<'T>(
            stage,
            (if cardinality = 0L then 0L else Cardinality.Unknown),
            fun pass -> (fun () -> openPass pass) |> Stages.filter stage keep.Invoke pass
        )

    /// <summary>All elements of the datasets that a function makes of elements, one dataset after another.</summary>
    member _.FlatMap(f: Func<'T, Dataset<'U>>) : Dataset<'U> =
        let stage = next "flat_map"

        let inner (pass: Pass) (_: int64) (element: 'T) =
            let made: Dataset<'U> = f.Invoke element
            made.Open pass

        Dataset<'U>(stage, Cardinality.Unknown, (fun pass -> (fun () -> openPass pass) |> Stages.flatten (inner pass)))

    /// <summary>Every element with its number, counted from 0.</summary>
    member _.Enumerate() : Dataset<struct (int64 * 'T)> =
        let stage = next "enumerate"

        Dataset<struct (int64 * 'T)>(
            stage,
            cardinality,
            fun pass -> (fun () -> openPass pass) |> Stages.map stage (fun i element -> struct (i, element)) pass
        )

    // Order and number

    /// <summary>The elements in random order: each is chosen from a buffer, which is then filled up. A buffer as large as the
    /// dataset gives every order with the same probability.</summary>
    /// <param name="bufferSize">Elements to choose from.</param>
    /// <param name="seed">Decides the order.</param>
    /// <param name="reshuffleEachPass">Whether every pass has another order. Keras: reshuffle_each_iteration.</param>
    member _.Shuffle(bufferSize: int, seed: int, reshuffleEachPass: bool) : Dataset<'T> =
        atLeast 1 "buffer_size" bufferSize

        Dataset<'T>(
            next "shuffle",
            cardinality,
            fun pass ->
                let number = if reshuffleEachPass then pass.Number else 0L
                (fun () -> openPass pass) |> Stages.shuffle bufferSize (uint64 seed) number
        )

    /// <summary>The elements in random order, another one in every pass.</summary>
    member this.Shuffle(bufferSize: int, seed: int) : Dataset<'T> = this.Shuffle(bufferSize, seed, true)

    /// <summary>The elements in random order, another one in every pass, under seed 0.</summary>
    member this.Shuffle(bufferSize: int) : Dataset<'T> = this.Shuffle(bufferSize, 0, true)

    /// <summary>The elements so many times.</summary>
    /// <param name="count">How often; -1 for ever.</param>
    member _.Repeat(count: int) : Dataset<'T> =
        atLeast -1 "count" count
        let forever = count < 0

        let length =
            if forever then (if cardinality = 0L then 0L else Cardinality.Infinite)
            elif cardinality = Cardinality.Infinite && count = 0 then 0L
            else Cardinality.ofKnown (fun n -> n * int64 count) cardinality

        Dataset<'T>(
            next "repeat",
            length,
            fun pass ->
                // Every repetition is a pass of its own for the stages before.
                let first = if forever then pass.Number <<< 32 else pass.Number * int64 count

                (seq {
                    let mutable i = 0L
                    let mutable some = true

                    while some && (forever || i < int64 count) do
                        use source = openPass { pass with Number = first + i }
                        let mutable seen = false

                        while source.MoveNext() do
                            seen <- true
                            yield source.Current

                        // An empty source repeated for ever would never answer.
                        some <- seen
                        i <- i + 1L
                })
                    .GetEnumerator()
        )

    /// <summary>The elements again and again, without end.</summary>
    member this.Repeat() : Dataset<'T> = this.Repeat -1

    /// <summary>The first elements.</summary>
    member _.Take(count: int) : Dataset<'T> =
        atLeast 0 "count" count

        Dataset<'T>(
            next "take",
            Cardinality.least cardinality (int64 count),
            fun pass ->
                (seq {
                    use source = openPass pass
                    let mutable i = 0

                    while i < count && source.MoveNext() do
                        i <- i + 1
                        yield source.Current
                })
                    .GetEnumerator()
        )

    /// <summary>All but the first elements.</summary>
    member _.Skip(count: int) : Dataset<'T> =
        atLeast 0 "count" count

        Dataset<'T>(
            next "skip",
            Cardinality.ofKnown (fun n -> max 0L (n - int64 count)) cardinality,
            fun pass ->
                (seq {
                    use source = openPass pass
                    let mutable i = 0

                    while i < count && source.MoveNext() do
                        i <- i + 1

                    while source.MoveNext() do
                        yield source.Current
                })
                    .GetEnumerator()
        )

    /// <summary>Every so manieth element: those whose number leaves the index as the rest. For work shared by processes.</summary>
    /// <param name="count">Number of shares.</param>
    /// <param name="index">Which share, counted from 0.</param>
    member _.Shard(count: int, index: int) : Dataset<'T> =
        atLeast 1 "count" count

        if index < 0 || index >= count then
            raise (
                ArgumentValueException(
                    "There is no such share.",
                    "index",
                    "0 to " + string (count - 1),
                    string index,
                    "Shares are counted from 0."
                )
            )

        Dataset<'T>(
            next "shard",
            Cardinality.ofKnown (fun n -> (n - int64 index + int64 count - 1L) / int64 count) cardinality,
            fun pass ->
                (seq {
                    use source = openPass pass
                    let mutable i = 0

                    while source.MoveNext() do
                        if i = index then yield source.Current
                        i <- if i + 1 = count then 0 else i + 1
                })
                    .GetEnumerator()
        )

    /// <summary>The elements of this dataset, then those of another.</summary>
    member _.Concatenate(other: Dataset<'T>) : Dataset<'T> =
        Dataset<'T>(
            next "concatenate",
            Cardinality.sum cardinality other.Cardinality,
            fun pass ->
                (seq {
                    use first = openPass pass

                    while first.MoveNext() do
                        yield first.Current

                    use second = other.Open pass

                    while second.MoveNext() do
                        yield second.Current
                })
                    .GetEnumerator()
        )

    /// <summary>Pairs of elements of this dataset and another, until one of them ends.</summary>
    member _.Zip(other: Dataset<'U>) : Dataset<struct ('T * 'U)> =
        Dataset<struct ('T * 'U)>(
            next "zip",
            Cardinality.least cardinality other.Cardinality,
            fun pass ->
                (seq {
                    use first = openPass pass
                    use second = other.Open pass

                    while first.MoveNext() && second.MoveNext() do
                        yield struct (first.Current, second.Current)
                })
                    .GetEnumerator()
        )

    // Batches

    /// <summary>So many elements at a time, put together by a function.</summary>
    /// <param name="size">Elements per batch.</param>
    /// <param name="collate">Makes a batch of elements.</param>
    /// <param name="dropRemainder">Whether the last batch is left out if it is smaller.</param>
    member _.Batch(size: int, collate: Func<IReadOnlyList<'T>, 'U>, dropRemainder: bool) : Dataset<'U> =
        atLeast 1 "batch_size" size
        let stage = next "batch"

        Dataset<'U>(
            stage,
            Cardinality.batches size dropRemainder cardinality,
            fun pass ->
                (fun () -> (fun () -> openPass pass) |> Stages.batch size dropRemainder id)
                |> Stages.map stage (fun _ rows -> collate.Invoke rows) pass
        )

    member private _.Collated(stage: string, size: int, dropRemainder: bool, join: int -> Tensor[] -> Tensor) =
        atLeast 1 "batch_size" size

        let ofTensors (structure: Structure<'T>) (rows: 'T[]) : 'T =
            let parts = rows |> Array.map structure.Parts
            let first = parts[0]

            for other in parts do
                if other.Length <> first.Length then
                    raise (
                        DataException(
                            "The elements of a batch hold different numbers of tensors.",
                            stage,
                            string first.Length,
                            string other.Length,
                            "Give every element the same tensors."
                        )
                    )

            structure.Build rows[0] (Array.init first.Length (fun i -> join i (parts |> Array.map (fun p -> p[i]))))

        let collate =
            match TableElement.tryOf<'T>() with
            | ValueSome element -> TableElement.collate join element
            | ValueNone -> ofTensors (Structure.get<'T> stage)

        Dataset<'T>(
            stage,
            Cardinality.batches size dropRemainder cardinality,
            fun pass -> (fun () -> openPass pass) |> Stages.batch size dropRemainder collate
        )

    /// <summary>So many elements at a time, stacked along a new first axis.</summary>
    /// <param name="size">Elements per batch.</param>
    /// <param name="dropRemainder">Whether the last batch is left out if it is smaller.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">Elements of this type hold no tensors.</exception>
    /// <exception cref="T:FunctionalNet.DataException">When enumerated, if shapes or dtypes differ.</exception>
    member this.Batch(size: int, dropRemainder: bool) : Dataset<'T> =
        let stage = next "batch"
        this.Collated(stage, size, dropRemainder, Stacking.stack stage)

    /// <summary>So many elements at a time, stacked along a new first axis; the last batch may be smaller.</summary>
    member this.Batch(size: int) : Dataset<'T> = this.Batch(size, false)

    /// <summary>So many elements at a time, each filled up at the end of its axes before they are stacked: for sequences of
    /// different lengths.</summary>
    /// <param name="size">Elements per batch.</param>
    /// <param name="paddedShapes">The shape of every tensor of an element, with -1 for the greatest size in the batch; null for
    /// the greatest sizes on all axes.</param>
    /// <param name="paddingValue">What fills.</param>
    /// <param name="dropRemainder">Whether the last batch is left out if it is smaller.</param>
    /// <exception cref="T:FunctionalNet.DataException">When enumerated, if an element is larger than the shape, or ranks
    /// differ.</exception>
    member this.PaddedBatch
        (size: int, paddedShapes: int[][] | null, paddingValue: float, dropRemainder: bool)
        : Dataset<'T> =
        let stage = next "padded_batch"

        let wanted (part: int) =
            match paddedShapes with
            | null -> ValueNone
            | shapes when part < shapes.Length -> ValueSome shapes[part]
            | _ -> ValueNone

        this.Collated(stage, size, dropRemainder, (fun part -> Stacking.pad stage part (wanted part) paddingValue))

    /// <summary>So many elements at a time, each filled up with zeros to the greatest sizes of the batch.</summary>
    member this.PaddedBatch(size: int) : Dataset<'T> = this.PaddedBatch(size, null, 0.0, false)

    /// <summary>The rows of batches, one by one.</summary>
    member _.Unbatch() : Dataset<'T> =
        let stage = next "unbatch"

        let ofTensors (structure: Structure<'T>) (batch: 'T) : 'T seq =
            let parts = structure.Parts batch

            seq {
                for i in 0 .. Stacking.rowCount stage parts - 1 do
                    yield structure.Build batch (parts |> Array.map (fun p -> Stacking.row p i))
            }

        let rowsOf =
            match TableElement.tryOf<'T>() with
            | ValueSome element -> TableElement.rows stage element
            | ValueNone -> ofTensors (Structure.get<'T> stage)

        let rows (_: int64) (batch: 'T) = (rowsOf batch).GetEnumerator()

        Dataset<'T>(
            stage,
            (if cardinality = Cardinality.Infinite then Cardinality.Infinite else Cardinality.Unknown),
            fun pass -> (fun () -> openPass pass) |> Stages.flatten rows
        )

    /// <summary>The elements as what fit, evaluate and predict read: a tensor or several are inputs; pairs are inputs and targets;
    /// a third one is weights of samples.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">Elements of this type hold no tensors.</exception>
    member _.ToTrainingData() : Dataset<TrainingData> =
        let read = Structure.toTrainingData<'T> stages

        Dataset<TrainingData>(
            stages,
            cardinality,
            fun pass -> (fun () -> openPass pass) |> Stages.map stages (fun _ element -> read element) pass
        )

    // Reading

    /// <summary>Reads ahead on a thread of its own, so that preparing data and training happen at the same time.</summary>
    /// <param name="count">How many elements may wait.</param>
    member _.Prefetch(count: int) : Dataset<'T> =
        atLeast 1 "count" count
        Dataset<'T>(next "prefetch", cardinality, (fun pass -> new ReadAhead<'T>(openPass, count, pass)))

    /// <summary>Reads two elements ahead on a thread of its own.</summary>
    member this.Prefetch() : Dataset<'T> = this.Prefetch 2

    /// <summary>Keeps the elements in memory once a pass has come to its end; later passes read them there. What comes before,
    /// shuffling included, happens once; so shuffle after it.</summary>
    member _.Cache() : Dataset<'T> =
        let mutable kept: 'T[] | null = null

        let keep (elements: 'T[]) = Volatile.Write(&kept, elements)

        Dataset<'T>(
            next "cache",
            cardinality,
            fun pass ->
                match Volatile.Read(&kept) with
                | null ->
                    (seq {
                        use source = openPass pass
                        let elements = List<'T>()

                        while source.MoveNext() do
                            elements.Add source.Current
                            yield source.Current

                        keep (elements.ToArray())
                    })
                        .GetEnumerator()
                | elements -> (elements :> seq<'T>).GetEnumerator()
        )

    /// <summary>All elements of the next pass.</summary>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">They never end.</exception>
    member this.ToArray() : 'T[] =
        if cardinality = Cardinality.Infinite then
            raise (
                ArgumentValueException(
                    "The elements never end.",
                    stages,
                    "a dataset with an end",
                    "an endless one",
                    "Take some of them first."
                )
            )

        let elements = List<'T>()
        use source = this.GetEnumerator()

        while source.MoveNext() do
            elements.Add source.Current

        elements.ToArray()
