module FunctionalNet.Tests.Data.DatasetTests

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open FsCheck.Xunit
open FunctionalNet
open FunctionalNet.Tests.Support
open Xunit

let private range (n: int) = Dataset.Range n

let private column (n: int) = Tensor.OfDoubles(DType.Float32, Shape.Of(n, 1), Array.init n float)

let private labels (n: int) = Tensor.OfArray(Array.init n (fun i -> i % 3))

/// The first tensors of pairs as numbers.
let private firsts (batches: struct (Tensor * Tensor)[]) = batches |> Array.map (fun (struct (x, _)) -> x.ToDoubles())

/// Waits until a condition holds; the threads that make it hold are not ours to wait for.
let private soon (holds: unit -> bool) = Assert.True(SpinWait.SpinUntil(Func<bool>(holds), 5000))

[<Fact>]
let ``Rows are put together to batches and the last may be smaller`` () =
    let data = Dataset.FromTensors(column 5, labels 5)
    let batches = data.Batch(2).ToArray()
    Assert.Equal<float[][]>([| [| 0.0; 1.0 |]; [| 2.0; 3.0 |]; [| 4.0 |] |], firsts batches)
    let struct (x, y) = batches[0]
    Assert.Equal(Shape.Of(2, 1), x.Shape)
    Assert.Equal(Shape.Of(2), y.Shape)
    Assert.Equal(DType.Int32, y.DType)
    Assert.Equal(2, (data.Batch(2, true).ToArray()).Length)
    Assert.Equal(3L, data.Batch(2).Length.Value)
    Assert.Equal(2L, data.Batch(2, true).Length.Value)

[<Property>]
let ``Batches taken apart again are what they were made of`` (n: byte, size: byte) =
    let n, size = int n + 1, int size + 1
    let rows = (Dataset.FromTensors(column n)).Batch(size).Unbatch().ToArray()
    rows |> Array.collect (fun t -> t.ToDoubles()) = Array.init n float

[<Property>]
let ``A shuffle is a permutation that seed and pass decide`` (n: byte, buffer: byte, seed: int) =
    let n = int n + 2
    let data = (range n).Shuffle(int buffer + 1, seed)
    let first, second = data.ToArray(), data.ToArray()
    let again = (range n).Shuffle(int buffer + 1, seed)

    Array.sort first = [| 0 .. n - 1 |]
    && Array.sort second = [| 0 .. n - 1 |]
    && again.ToArray() = first
    && again.ToArray() = second

[<Fact>]
let ``Every pass has another order unless told otherwise`` () =
    let data = (range 50).Shuffle(50, 1)
    Assert.NotEqual<int[]>(data.ToArray(), data.ToArray())
    let still = (range 50).Shuffle(50, 1, false)
    Assert.Equal<int[]>(still.ToArray(), still.ToArray())
    // Repetitions are passes of their own.
    let twice = (range 50).Shuffle(50, 1).Repeat(2).ToArray()
    Assert.NotEqual<int[]>(twice[..49], twice[50..])
    Assert.Equal<int[]>([| 0..49 |], Array.sort twice[50..])

[<Fact>]
let ``A shuffle of a whole dataset is uniform`` () =
    // Where element 0 ends up, over many passes: 4 places with the same probability.
    let data = (range 4).Shuffle(4, 3)
    let places = Array.zeroCreate<int> 4

    for _ in 1..4000 do
        let place = Array.IndexOf(data.ToArray(), 0)
        places[place] <- places[place] + 1

    // Five standard deviations of a binomial distribution.
    for count in places do
        Assert.InRange(count, 1000 - 137, 1000 + 137)

[<Fact>]
let ``A small buffer moves an element forward by no more than its size`` () =
    let order = (range 100).Shuffle(10, 5).ToArray()
    order |> Array.iteri (fun place element -> Assert.True(place >= element - 9))

[<Fact>]
let ``Parallel work keeps the order and overlaps`` () =
    let inWork, most = ref 0, ref 0
    // The first two wait for each other, however late a busy machine starts the second.
    use both = new CountdownEvent(2)

    let slow (i: int) =
        let now = Interlocked.Increment inWork
        lock most (fun () -> most.Value <- max most.Value now)

        if i < 2 then
            both.Signal() |> ignore
            Assert.True(
                both.Wait(TimeSpan.FromMinutes 2.0),
                "the first two elements never were in work at the same time"
            )

        Thread.Sleep(if i % 3 = 0 then 8 else 1)
        Interlocked.Decrement inWork |> ignore
        i * i

    let squares = (range 40).Map(slow, 4).ToArray()
    Assert.Equal<int[]>(Array.init 40 (fun i -> i * i), squares)
    Assert.InRange(most.Value, 2, 4)

[<Fact>]
let ``Random numbers of elements depend on seed, pass and element only`` () =
    let draws parallelism seed =
        let data = (range 30).MapRandom((fun i (r: Random) -> struct (i, r.Next())), seed, parallelism)
        data.ToArray(), data.ToArray()

    let first, second = draws 1 7
    Assert.Equal<struct (int * int)[]>(first, fst (draws 3 7))
    Assert.Equal<struct (int * int)[]>(second, snd (draws 3 7))
    Assert.NotEqual<struct (int * int)[]>(first, second)
    Assert.NotEqual<struct (int * int)[]>(first, fst (draws 1 8))
    Assert.Equal(30, first |> Array.distinctBy (fun (struct (_, r)) -> r) |> Array.length)

[<Fact>]
let ``Sequences of different lengths are filled up`` () =
    let rows = [| [| 1.0f |]; [| 2.0f; 3.0f; 4.0f |]; [| 5.0f; 6.0f |] |]
    let data = Dataset.FromEnumerable(rows |> Array.map (fun (r: float32[]) -> Tensor.OfArray r))
    let batch = (data.PaddedBatch 3).ToArray()[0]
    Assert.Equal(Shape.Of(3, 3), batch.Shape)
    Assert.Equal<float[]>([| 1.0; 0.0; 0.0; 2.0; 3.0; 4.0; 5.0; 6.0; 0.0 |], batch.ToDoubles())
    let wide = (data.PaddedBatch(2, [| [| 4 |] |], -1.0, false)).ToArray()
    Assert.Equal<float[]>([| 1.0; -1.0; -1.0; -1.0; 2.0; 3.0; 4.0; -1.0 |], wide[0].ToDoubles())
    Assert.Throws<DataException>(fun () -> data.PaddedBatch(3, [| [| 2 |] |], 0.0, false).ToArray() |> ignore)
    |> ignore
    let error = Assert.Throws<DataException>(fun () -> (data.Batch 3).ToArray() |> ignore)
    Assert.Contains("batch", error.Path)

[<Fact>]
let ``Padding goes to the end of every axis`` () =
    let image (h: int) (w: int) =
        Tensor.OfDoubles(DType.Float32, Shape.Of(h, w, 2), Array.init (h * w * 2) (fun i -> float (i + 1)))
    let data = Dataset.FromEnumerable [| image 1 3; image 2 1 |]
    let batch = (data.PaddedBatch 2).ToArray()[0]
    Assert.Equal(Shape.Of(2, 2, 3, 2), batch.Shape)

    for n, h, w in [ 0, 1, 3; 1, 2, 1 ] do
        for i in 0..1 do
            for j in 0..2 do
                for c in 0..1 do
                    let expected = if i < h && j < w then float ((i * w + j) * 2 + c + 1) else 0.0
                    Assert.Equal(expected, batch.ToDoubles()[((n * 2 + i) * 3 + j) * 2 + c])

[<Fact>]
let ``Take, skip, shard, filter, concatenate, zip and repeat do what their names say`` () =
    Assert.Equal<int[]>([| 0; 1; 2 |], (range 5).Take(3).ToArray())
    Assert.Equal<int[]>([| 3; 4 |], (range 5).Skip(3).ToArray())
    Assert.Equal<int[]>([| 1; 4 |], (range 6).Shard(3, 1).ToArray())
    Assert.Equal(2L, (range 6).Shard(3, 1).Length.Value)
    Assert.Equal<int[]>([| 0; 2; 4 |], (range 5).Filter(fun i -> i % 2 = 0).ToArray())
    Assert.Equal<int[]>([| 0; 1; 0; 1; 2 |], (range 2).Concatenate(range 3).ToArray())
    Assert.Equal<struct (int * int)[]>([| struct (0, 0); struct (1, 1) |], (range 2).Zip(range 3).ToArray())
    Assert.Equal<int[]>([| 0; 1; 0; 1 |], (range 2).Repeat(2).ToArray())
    Assert.Equal<int[]>([| 0; 1; 2; 0; 1 |], (range 3).Repeat().Take(5).ToArray())
    Assert.Equal<int[]>([| 0; 0; 1 |], (range 3).FlatMap(fun n -> range n).ToArray())
    Assert.Equal(1L, (let struct (i, _) = (range 2).Enumerate().ToArray()[1] in i))
    Assert.True((range 2).Repeat().IsInfinite)
    Assert.Empty((range 0).Repeat().Take(3).ToArray())

[<Fact>]
let ``Options out of range are refused when the pipeline is described`` () =
    let data = range 3

    let wrong: (unit -> Dataset<int>) list =
        [ fun () -> data.Map((fun i -> i), 0)
          fun () -> data.Shuffle 0
          fun () -> data.Take -1
          fun () -> data.Prefetch 0
          fun () -> data.Shard(2, 2)
          fun () -> data.Repeat -2
          // Whole numbers are no tensors.
          fun () -> data.Batch 2 ]

    for make in wrong do
        Assert.Throws<ArgumentValueException>(fun () -> make () |> ignore) |> ignore

    Assert.Throws<ArgumentValueException>(fun () -> data.Repeat().ToArray() |> ignore) |> ignore

[<Fact>]
let ``A cache reads its source once`` () =
    let reads = ref 0

    let data =
        (range 4)
            .Map(fun i ->
                Interlocked.Increment reads |> ignore
                i)
            .Cache()

    // A pass that was not finished keeps nothing.
    data.Take(2).ToArray() |> ignore
    Assert.Equal(2, reads.Value)
    Assert.Equal<int[]>([| 0..3 |], data.ToArray())
    Assert.Equal<int[]>([| 0..3 |], data.ToArray())
    Assert.Equal(6, reads.Value)

[<Fact>]
let ``An error says which stage and which element, from whatever thread`` () =
    let fail (i: int) = if i = 5 then failwith "five" else i

    for data in
        [ (range 9).Map fail
          (range 9).Map(fail, 3)
          (range 9).Map(fail).Prefetch(2)
          (range 9).Map(fail, 2).Prefetch(1).Map(fun i -> i + 1) ] do
        let seen = ResizeArray<int>()
        let error =
            Assert.Throws<DataPipelineException>(fun () ->
                for i in data do
                    seen.Add i)

        Assert.Equal(5L, error.Element)
        Assert.Equal(5, seen.Count)
        Assert.Equal("five", (nonNull error.InnerException).Message)
        Assert.StartsWith("range > map", error.Path)

[<Fact>]
let ``A source that fails is named`` () =
    let broken =
        Dataset.FromGenerator(fun () ->
            seq {
                yield 1
                failwith "no more"
            })

    let error = Assert.Throws<DataPipelineException>(fun () -> broken.Prefetch().ToArray() |> ignore)
    Assert.Equal(-1L, error.Element)
    Assert.Contains("no more", error.Message)

[<Fact>]
let ``Whoever stops early leaves nothing running`` () =
    let opened, closed = ref 0, ref 0

    let source () =
        seq {
            Interlocked.Increment opened |> ignore

            try
                let mutable i = 0

                while true do
                    yield i
                    i <- i + 1
            finally
                Interlocked.Increment closed |> ignore
        }

    let data = Dataset.FromGenerator(source).Map((fun i -> i), 2).Prefetch(3)

    for _ in 1..3 do
        Assert.Equal<int[]>([| 0; 1; 2 |], data.Take(3).ToArray())

    // An enumerator that never begins opens nothing that it would have to close.
    data.Map(fun i -> i).GetEnumerator().Dispose()
    Assert.Equal(3, opened.Value)
    Assert.Equal(3, closed.Value)

[<Fact>]
let ``Cancellation ends whoever waits`` () =
    use stop = new CancellationTokenSource()
    use entered = new ManualResetEventSlim()

    let data =
        Dataset
            .FromGenerator(fun () ->
                seq {
                    yield 1
                    entered.Set()
                    stop.Token.WaitHandle.WaitOne() |> ignore
                    yield 2
                })
            .Prefetch(1)

    let reading =
        Task.Run(fun () ->
            use elements = data.GetEnumerator stop.Token
            let mutable n = 0

            while elements.MoveNext() do
                n <- n + 1

            n)

    entered.Wait()
    stop.Cancel()
    let error = Assert.ThrowsAny<AggregateException>(fun () -> reading.Wait())
    Assert.IsAssignableFrom<OperationCanceledException>(error.InnerException) |> ignore

type private Numbers(count: int, closed: int ref) =
    interface IAsyncEnumerable<int> with
        member _.GetAsyncEnumerator(token: CancellationToken) =
            let mutable i = -1

            { new IAsyncEnumerator<int> with
                member _.Current = i

                member _.MoveNextAsync() =
                    ValueTask<bool>(
                        task {
                            do! Task.Delay(1, token)
                            i <- i + 1
                            return i < count
                        }
                    )

                member _.DisposeAsync() =
                    Interlocked.Increment closed |> ignore
                    ValueTask() }

[<Fact>]
let ``Asynchronous sources are read anew in every pass and closed`` () =
    let closed = ref 0
    let data = Dataset.FromAsyncEnumerable(Numbers(4, closed))
    Assert.Equal<int[]>([| 0..3 |], data.ToArray())
    Assert.Equal<int[]>([| 0; 1 |], data.Prefetch(1).Take(2).ToArray())
    soon (fun () -> closed.Value = 2)

[<Fact>]
let ``A split has the shares asked for`` () =
    let struct (left, right) = range 10 |> Dataset.split 0.75
    // As in Python, halves are rounded to the even number.
    Assert.Equal<int[]>([| 0..7 |], left.ToArray())
    Assert.Equal<int[]>([| 8; 9 |], right.ToArray())
    let struct (left, right) = Dataset.Split(range 10, Nullable(), Nullable 3.0, true, 4)
    Assert.Equal(7, left.ToArray().Length)
    Assert.Equal<int[]>([| 0..9 |], Array.sort (Array.append (left.ToArray()) (right.ToArray())))
    Assert.NotEqual<int[]>([| 7; 8; 9 |], right.ToArray())

    for l, r in
        [ Nullable(), Nullable()
          Nullable 1.5, Nullable()
          Nullable 6.0, Nullable 5.0
          Nullable 10.0, Nullable() ] do
        Assert.Throws<ArgumentValueException>(fun () -> Dataset.Split(range 10, l, r, false, 0) |> ignore)
        |> ignore
