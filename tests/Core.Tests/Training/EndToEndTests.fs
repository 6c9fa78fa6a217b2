namespace FunctionalNet.Tests.Training

open System
open System.Threading
open FunctionalNet
open FunctionalNet.Kernels
open Xunit

/// Promises about whole fits that need networks of real sizes.
module EndToEnd =

    /// With this many workers while it runs.
    let withThreads (threads: int) (act: unit -> 'a) : 'a =
        let before = Workers.Threads
        Workers.Threads <- threads

        try
            act ()
        finally
            Workers.Threads <- before

    /// The convolutional network of the quick start.
    let quickStart () =
        Network.sequential
            (Network.input [ 28; 28; 1 ])
            [ Layer.conv2D 32 [ 3; 3 ] >>> Layer.relu
              Layer.maxPooling2D [ 2; 2 ]
              Layer.conv2D 64 [ 3; 3 ] >>> Layer.relu
              Layer.maxPooling2D [ 2; 2 ]
              Layer.flatten
              Layer.dropout 0.5
              Layer.dense 10 >>> Layer.softmax ]

    /// Convolutions with everything random or stateful between them.
    let noisy () =
        Network.sequential
            (Network.input [ 14; 14; 3 ])
            [ Layer.conv2D 16 [ 3; 3 ]
              Layer.batchNormalization
              Layer.relu
              Layer.dropout 0.25
              Layer.maxPooling2D [ 2; 2 ]
              Layer.conv2D 32 [ 3; 3 ]
              Layer.batchNormalization
              Layer.relu
              Layer.flatten
              Layer.dropout 0.5
              Layer.dense 32 >>> Layer.relu
              Layer.dense 5 >>> Layer.softmax ]

/// Asks every thread that takes part how much it has allocated. (The whole process would count the test runner, too.)
type internal RollCall(threads: int) =
    inherit Kernel()
    let mutable present = 0
    let mutable bytes = 0L
    let mutable complete = true

    override _.Chunks _ = threads

    override _.Run(_, _) =
        Interlocked.Increment &present |> ignore
        // Nobody leaves before all are here, so every thread has one chunk.
        let start = Environment.TickCount64

        while Volatile.Read &present < threads && complete do
            Thread.SpinWait 20

            if Environment.TickCount64 - start > 20000L then complete <- false

        Interlocked.Add(&bytes, GC.GetAllocatedBytesForCurrentThread()) |> ignore

    /// Whether all threads came each time.
    member _.Complete = complete

    member this.Allocated() : int64 =
        present <- 0
        bytes <- 0L
        Workers.Run this
        bytes

/// Allocates an array in every chunk.
type internal Wasteful(chunks: int) =
    inherit Kernel()
    let kept: byte[][] = Array.zeroCreate chunks
    override _.Chunks _ = chunks
    override _.Run(_, chunk) = kept[chunk] <- Array.zeroCreate 1000

open EndToEnd
open Samples

[<Collection("Alone")>]
type EndToEndTests() =

    [<Theory>]
    [<InlineData(1)>]
    [<InlineData(2)>]
    [<InlineData(3)>]
    member _.``100 training steps of the quick start's network allocate nothing, on any of its threads``(threads: int) =
        withThreads threads (fun () ->
            let warm, counted, batch = 10, 100, 128
            let rows = 1024
            let perEpoch = rows / batch
            let epochs = (warm + counted) / perEpoch + 1
            let x, y = tensor 1 [ rows; 28; 28; 1 ], labels 2 10 rows
            let all = RollCall threads
            // What the threads had allocated when each step began and ended.
            let bytes: int64[] = Array.zeroCreate (2 * perEpoch * epochs)
            let mutable at = 0

            let note () =
                bytes[at] <- all.Allocated()
                at <- at + 1

            let watch =
                { new TrainingCallback() with
                    override _.OnTrainBatchBegin _ = note ()
                    override _.OnTrainBatchEnd(_, _) = note () }

            let trainer = trained (quickStart ())

            let history =
                trainer.Fit(
                    x,
                    y,
                    FitOptions(
                        Epochs = epochs,
                        BatchSize = batch,
                        Callbacks = [| watch |],
                        Verbosity = Verbosity.Silent
                    )
                )

            Assert.True all.Complete
            Assert.Equal(bytes.Length, at)
            Assert.NotEqual(history["loss"][epochs - 1], history["loss"][0])
            let steps = [| warm .. warm + counted - 1 |]
            Assert.Equal(0L, steps |> Array.sumBy (fun i -> bytes[2 * i + 1] - bytes[2 * i]))

            // From one step to the next of the same epoch: the next batch is chosen and copied.
            let inside = steps |> Array.filter (fun i -> (i + 1) % perEpoch <> 0)
            Assert.Equal(0L, inside |> Array.sumBy (fun i -> bytes[2 * i + 2] - bytes[2 * i + 1])))

    [<Fact>]
    member _.``What any thread allocates is counted``() =
        withThreads 3 (fun () ->
            let all, kernel = RollCall 3, Wasteful 300
            let before = all.Allocated()
            Workers.Run kernel
            Assert.InRange(all.Allocated() - before, 300000L, 400000L))

    [<Fact>]
    member _.``The same seed gives the same bits, on any number of threads, with dropout and batch statistics``() =
        let x, y = tensor 3 [ 150; 14; 14; 3 ], labels 4 5 150

        let run threads =
            withThreads threads (fun () ->
                let trainer = trained (noisy ())
                let options =
                    FitOptions(Epochs = 2, BatchSize = 64, ValidationSplit = 0.2, Verbosity = Verbosity.Silent)
                let history = trainer.Fit(x, y, options)
                let figures = [ for name in history.Names -> name, List.ofSeq history[name] ]
                figures, trainer.GetWeights(), trainer.Predict x)

        let figures, weights, predictions = run 1

        for threads in [ 1; 2; 2; 3 ] do
            let again, weights', predictions' = run threads
            Assert.Equal<(string * float list) list>(figures, again)
            sameBits weights weights'
            Assert.True(predictions.BitEquals predictions')
