namespace FunctionalNet

open System
open FunctionalNet.Datasets

/// <summary>Batches by number: override <c>Count</c> and <c>GetBatch</c>. Every batch is given once in an epoch, whatever the
/// number of workers. Keras: PyDataset.</summary>
/// <example><code>
/// sealed class Pictures(string[] paths) : IndexedDataset
/// {
///     public override int Count =&gt; paths.Length / 32;
///     public override TrainingData GetBatch(int index) =&gt; Read(paths, index * 32, 32);
/// }
///
/// model.Fit(new Pictures(paths) { Workers = 4 }, new FitOptions { Epochs = 5 });
/// </code></example>
[<AbstractClass>]
type IndexedDataset() =

    /// <summary>The number of batches in an epoch, asked for at its beginning. Keras: num_batches, __len__.</summary>
    abstract Count: int

    /// <summary>A whole batch. With several workers, called on several threads at a time. Keras: __getitem__.</summary>
    /// <param name="index">0 to Count - 1.</param>
    abstract GetBatch: index: int -> TrainingData

    /// <summary>Called before the first batch of an epoch is asked for.</summary>
    abstract OnEpochBegin: unit -> unit

    default _.OnEpochBegin() = ()

    /// <summary>Called when the last batch of an epoch has been used. Not when an epoch ends before its last batch.</summary>
    abstract OnEpochEnd: unit -> unit

    default _.OnEpochEnd() = ()

    /// <summary>How many batches are made at a time, on the thread pool; they come in order. Default 1: none ahead.</summary>
    member val Workers = 1 with get, set

    /// <summary>How many batches wait at most, if there are several workers. Default 10.</summary>
    member val MaxQueueSize = 10 with get, set

    /// <summary>The batches as a dataset.</summary>
    /// <param name="shuffle">Whether every pass has them in another order, which follows from the seed and the pass's number.</param>
    /// <param name="seed">Decides the orders.</param>
    /// <exception cref="T:FunctionalNet.ArgumentValueException">There is no batch, or a number of workers below 1.</exception>
    member this.ToDataset(shuffle: bool, seed: int) : Dataset<TrainingData> =
        if this.Count < 1 then
            raise (
                ArgumentValueException(
                    "An indexed dataset has no batch.",
                    this.GetType().Name,
                    "a Count of 1 or more",
                    string this.Count,
                    "Override Count to give the number of batches."
                )
            )

        let batches () =
            let count = this.Count
            let numbers = Dataset.Range count
            let numbers = if shuffle then numbers.Shuffle(count, seed) else numbers
            let made = numbers.Map(Func<int, TrainingData>(this.GetBatch), max 1 this.Workers)
            if this.Workers > 1 then made.Prefetch this.MaxQueueSize else made

        Dataset<TrainingData>(
            "indexed",
            int64 this.Count,
            fun pass ->
                (seq {
                    this.OnEpochBegin()
                    use elements = (batches ()).Open pass

                    while elements.MoveNext() do
                        yield elements.Current

                    this.OnEpochEnd()
                })
                    .GetEnumerator()
        )

    /// <summary>The batches as a dataset, in order.</summary>
    member this.ToDataset() : Dataset<TrainingData> = this.ToDataset(false, 0)
