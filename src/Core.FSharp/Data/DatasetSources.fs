namespace FunctionalNet

open System
open System.Collections.Generic
open FunctionalNet.Datasets

/// <summary>Where datasets come from, and how one becomes two.</summary>
[<AbstractClass; Sealed>]
type Dataset =

    static member private OfRows<'T>(stage: string, tensors: Tensor[], build: Tensor[] -> 'T) : Dataset<'T> =
        let rows = Stacking.rowCount stage tensors

        Dataset<'T>(
            stage,
            int64 rows,
            fun pass ->
                (seq {
                    for i in 0 .. rows - 1 do
                        pass.Token.ThrowIfCancellationRequested()
                        yield build (tensors |> Array.map (fun t -> Stacking.row t i))
                })
                    .GetEnumerator()
        )

    /// <summary>The rows of a tensor. Keras: from_tensor_slices.</summary>
    /// <exception cref="T:FunctionalNet.DataException">The tensor is a scalar.</exception>
    static member FromTensors(x: Tensor) : Dataset<Tensor> =
        Dataset.OfRows("from_tensors", [| x |], (fun parts -> parts[0]))

    /// <summary>Pairs of rows of two tensors: inputs and targets.</summary>
    /// <exception cref="T:FunctionalNet.DataException">The numbers of rows differ.</exception>
    static member FromTensors(x: Tensor, y: Tensor) : Dataset<struct (Tensor * Tensor)> =
        Dataset.OfRows("from_tensors", [| x; y |], (fun parts -> struct (parts[0], parts[1])))

    /// <summary>Rows of three tensors: inputs, targets and weights of samples.</summary>
    /// <exception cref="T:FunctionalNet.DataException">The numbers of rows differ.</exception>
    static member FromTensors(x: Tensor, y: Tensor, sampleWeight: Tensor) : Dataset<struct (Tensor * Tensor * Tensor)> =
        Dataset.OfRows("from_tensors", [| x; y; sampleWeight |], (fun p -> struct (p[0], p[1], p[2])))

    /// <summary>The rows of data of several inputs or outputs, by order or by name.</summary>
    /// <exception cref="T:FunctionalNet.DataException">The numbers of rows differ.</exception>
    static member FromTensors(data: TrainingData) : Dataset<TrainingData> =
        Dataset.OfRows("from_tensors", data.Parts, data.With)

    static member private OfTable<'T>(table: Table, tensors: Tensor[], join: Table -> Tensor[] -> 'T) : Dataset<'T> =
        let stage = "from_table"
        let rows = TableElement.rowsOf stage join table tensors
        Dataset<'T>(stage, int64 table.RowCount, (fun _ -> rows.GetEnumerator()))

    /// <summary>The rows of a table. Keras: from_tensor_slices of a dictionary.</summary>
    /// <example><code>space.Adapt(Dataset.FromTable(people).Batch(256));</code></example>
    static member FromTable(table: Table) : Dataset<Table> = Dataset.OfTable(table, [||], (fun row _ -> row))

    /// <summary>Pairs of rows of a table and of a tensor of targets.</summary>
    /// <exception cref="T:FunctionalNet.DataException">The numbers of rows differ.</exception>
    static member FromTable(table: Table, targets: Tensor) : Dataset<struct (Table * Tensor)> =
        Dataset.OfTable(table, [| targets |], (fun row t -> struct (row, t[0])))

    /// <summary>Rows of a table, of targets and of weights of samples.</summary>
    /// <exception cref="T:FunctionalNet.DataException">The numbers of rows differ.</exception>
    static member FromTable
        (table: Table, targets: Tensor, sampleWeight: Tensor)
        : Dataset<struct (Table * Tensor * Tensor)> =
        Dataset.OfTable(table, [| targets; sampleWeight |], (fun row t -> struct (row, t[0], t[1])))

    /// <summary>The elements of a sequence, which is enumerated anew in every pass: a list, a query, a generator.</summary>
    static member FromEnumerable(elements: IEnumerable<'T>) : Dataset<'T> =
        let length =
            match box elements with
            | :? IReadOnlyCollection<'T> as known -> int64 known.Count
            | _ -> Cardinality.Unknown

        Dataset<'T>("from_enumerable", length, Stages.guarded "from_enumerable" (fun () -> elements.GetEnumerator()))

    /// <summary>The elements of the sequence that a function gives for every pass. Keras: from_generator.</summary>
    static member FromGenerator(generator: Func<IEnumerable<'T>>) : Dataset<'T> =
        Dataset<'T>(
            "from_generator",
            Cardinality.Unknown,
            Stages.guarded "from_generator" (fun () -> generator.Invoke().GetEnumerator())
        )

    /// <summary>The elements of an asynchronous sequence, which is enumerated anew in every pass and sees the cancellation of
    /// what reads it.</summary>
    static member FromAsyncEnumerable(elements: IAsyncEnumerable<'T>) : Dataset<'T> =
        Dataset<'T>("from_async_enumerable", Cardinality.Unknown, Stages.asynchronous "from_async_enumerable" elements)

    /// <summary>The whole numbers from 0 to below a limit.</summary>
    static member Range(count: int) : Dataset<int> =
        Dataset<int>("range", int64 (max 0 count), (fun _ -> (seq { 0 .. count - 1 }).GetEnumerator()))

    /// <summary>Splits a dataset in two. Its elements are read once, now. Keras: split_dataset.</summary>
    /// <param name="dataset">The dataset; not an endless one.</param>
    /// <param name="leftSize">The first part: a share below 1, or a number of elements; null for what the right one leaves.</param>
    /// <param name="rightSize">The second part: a share below 1, or a number of elements; null for what the left one leaves.</param>
    /// <param name="shuffle">Whether the elements are put in random order first. Default false.</param>
    /// <param name="seed">Decides that order.</param>
    /// <returns>The first part, and the second part, which begins where the first one ends.</returns>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">No size is given, or the parts are empty or more than there
    /// is.</exception>
    static member Split
        (dataset: Dataset<'T>, leftSize: Nullable<float>, rightSize: Nullable<float>, shuffle: bool, seed: int)
        : struct (Dataset<'T> * Dataset<'T>) =
        let wrong (expected: string) (actual: string) : 'a =
            raise (
                ArgumentValueException(
                    "The sizes of a split are not valid.",
                    "split_dataset",
                    expected,
                    actual,
                    "Give a share such as 0.8, or a number of elements, for one side or for both."
                )
            )

        let elements = dataset.ToArray()

        let elements =
            if shuffle then
                (Dataset.FromEnumerable elements).Shuffle(max 1 elements.Length, seed).ToArray()
            else
                elements

        let total = elements.Length

        let sized (size: Nullable<float>) =
            if not size.HasValue then
                ValueNone
            elif size.Value > 0.0 && size.Value < 1.0 then
                ValueSome(int (Math.Round(size.Value * float total)))
            elif size.Value >= 1.0 && size.Value = Math.Floor size.Value && size.Value <= float total then
                ValueSome(int size.Value)
            else
                wrong ("shares between 0 and 1, or whole numbers up to " + string total) (string size.Value)

        let struct (left, right) =
            match sized leftSize, sized rightSize with
            | ValueSome l, ValueSome r -> struct (l, r)
            | ValueSome l, ValueNone -> struct (l, total - l)
            | ValueNone, ValueSome r -> struct (total - r, r)
            | ValueNone, ValueNone -> wrong "a size for at least one side" "none"

        if left + right > total then
            wrong ("at most " + string total + " elements") (string left + " and " + string right)

        if left <= 0 || right <= 0 then
            wrong "at least one element on either side" (string left + " and " + string right)

        struct (Dataset.FromEnumerable elements[.. left - 1], Dataset.FromEnumerable elements[left .. left + right - 1])

/// <summary>Datasets as a pipeline of functions.</summary>
/// <example><code>
/// let batches =
///     Dataset.ofTensors x y |> Dataset.shuffle 1000 1 |> Dataset.mapParallel 4 augment |> Dataset.batch 32 |> Dataset.prefetch 2
/// </code></example>
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Dataset =

    /// <summary>Pairs of rows of two tensors: inputs and targets.</summary>
    let ofTensors (x: Tensor) (y: Tensor) : Dataset<struct (Tensor * Tensor)> = Dataset.FromTensors(x, y)

    /// <summary>The rows of data of several inputs or outputs.</summary>
    let ofData (data: TrainingData) : Dataset<TrainingData> = Dataset.FromTensors data

    /// <summary>Pairs of rows of a table and of a tensor of targets.</summary>
    let ofTable (table: Table) (targets: Tensor) : Dataset<struct (Table * Tensor)> = Dataset.FromTable(table, targets)

    /// <summary>The elements of a sequence, which is enumerated anew in every pass.</summary>
    let ofSeq (elements: 'T seq) : Dataset<'T> = Dataset.FromEnumerable elements

    /// <summary>The elements of the sequence that a function gives for every pass.</summary>
    let generate (generator: unit -> 'T seq) : Dataset<'T> = Dataset.FromGenerator(Func<_>(generator))

    /// <summary>Every element through a function.</summary>
    let map (f: 'T -> 'U) (dataset: Dataset<'T>) : Dataset<'U> = dataset.Map(Func<_, _>(f))

    /// <summary>Every element through a function, several at a time on the thread pool; the results keep their order.</summary>
    let mapParallel (parallelism: int) (f: 'T -> 'U) (dataset: Dataset<'T>) : Dataset<'U> =
        dataset.Map(Func<_, _>(f), parallelism)

    /// <summary>Every element through a function with random numbers of its own, several elements at a time.</summary>
    let mapRandom (parallelism: int) (seed: int) (f: Random -> 'T -> 'U) (dataset: Dataset<'T>) : Dataset<'U> =
        dataset.MapRandom(Func<_, _, _>(fun element random -> f random element), seed, parallelism)

    /// <summary>The elements for which a function says true.</summary>
    let filter (keep: 'T -> bool) (dataset: Dataset<'T>) : Dataset<'T> = dataset.Filter(Func<_, _> keep)

    /// <summary>All elements of the datasets that a function makes of elements.</summary>
    let collect (f: 'T -> Dataset<'U>) (dataset: Dataset<'T>) : Dataset<'U> = dataset.FlatMap(Func<_, _>(f))

    /// <summary>The elements in random order, chosen from a buffer of that size, under a seed; another order in every pass.</summary>
    let shuffle (bufferSize: int) (seed: int) (dataset: Dataset<'T>) : Dataset<'T> = dataset.Shuffle(bufferSize, seed)

    /// <summary>So many elements at a time, stacked; the last batch may be smaller.</summary>
    let batch (size: int) (dataset: Dataset<'T>) : Dataset<'T> = dataset.Batch size

    /// <summary>So many elements at a time, stacked; a smaller last batch is left out.</summary>
    let batchExactly (size: int) (dataset: Dataset<'T>) : Dataset<'T> = dataset.Batch(size, true)

    /// <summary>So many elements at a time, each filled up with zeros to the greatest sizes of the batch.</summary>
    let paddedBatch (size: int) (dataset: Dataset<'T>) : Dataset<'T> = dataset.PaddedBatch size

    /// <summary>The rows of batches, one by one.</summary>
    let unbatch (dataset: Dataset<'T>) : Dataset<'T> = dataset.Unbatch()

    /// <summary>Keeps the elements in memory after the first complete pass.</summary>
    let cache (dataset: Dataset<'T>) : Dataset<'T> = dataset.Cache()

    /// <summary>The elements so many times.</summary>
    let repeat (count: int) (dataset: Dataset<'T>) : Dataset<'T> = dataset.Repeat count

    /// <summary>The elements again and again, without end.</summary>
    let forever (dataset: Dataset<'T>) : Dataset<'T> = dataset.Repeat()

    /// <summary>The first elements.</summary>
    let take (count: int) (dataset: Dataset<'T>) : Dataset<'T> = dataset.Take count

    /// <summary>All but the first elements.</summary>
    let skip (count: int) (dataset: Dataset<'T>) : Dataset<'T> = dataset.Skip count

    /// <summary>Pairs of elements of two datasets, until one of them ends.</summary>
    let zip (other: Dataset<'U>) (dataset: Dataset<'T>) : Dataset<struct ('T * 'U)> = dataset.Zip other

    /// <summary>Reads so many elements ahead on a thread of its own.</summary>
    let prefetch (count: int) (dataset: Dataset<'T>) : Dataset<'T> = dataset.Prefetch count

    /// <summary>The first part, a share between 0 and 1, and the rest, in the order of the dataset.</summary>
    let split (share: float) (dataset: Dataset<'T>) : struct (Dataset<'T> * Dataset<'T>) =
        Dataset.Split(dataset, Nullable share, Nullable(), false, 0)
