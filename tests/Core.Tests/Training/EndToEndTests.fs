namespace FunctionalNet.Tests.Training

open System
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

open EndToEnd
open Samples

[<Collection("Alone")>]
type EndToEndTests() =

    [<Theory>]
    [<InlineData(1)>]
    [<InlineData(2)>]
    member _.``100 training steps of the quick start's network allocate nothing, on any thread``(threads: int) =
        withThreads threads (fun () ->
            let warm, counted, batch = 10, 100, 128
            let rows = 1024
            let epochs = (warm + counted) * batch / rows + 1
            let x, y = tensor 1 [ rows; 28; 28; 1 ], labels 2 10 rows
            let perEpoch = rows / batch
            // What the process had allocated when each step began and ended, and this thread alone.
            let ofProcess: int64[] = Array.zeroCreate (2 * perEpoch * epochs)
            let ofThread: int64[] = Array.zeroCreate (2 * perEpoch * epochs)
            let mutable at = 0

            let note () =
                ofProcess[at] <- GC.GetTotalAllocatedBytes true
                ofThread[at] <- GC.GetAllocatedBytesForCurrentThread()
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
                    FitOptions(Epochs = epochs, BatchSize = batch, Callbacks = [| watch |], Verbosity = Verbosity.Silent)
                )

            Assert.Equal(ofProcess.Length, at)
            Assert.True(history["loss"][epochs - 1] < history["loss"][0])
            let steps = [| warm .. warm + counted - 1 |]
            let during (counts: int64[]) = steps |> Array.map (fun i -> counts[2 * i + 1] - counts[2 * i])
            // Between two steps of one epoch: the next batch is chosen and copied.
            let between (counts: int64[]) =
                steps
                |> Array.filter (fun i -> (i + 1) % perEpoch <> 0)
                |> Array.map (fun i -> counts[2 * i + 2] - counts[2 * i + 1])

            Assert.Equal(0L, Array.sum (during ofThread))
            Assert.Equal(0L, Array.sum (between ofThread))
            // Threads of the runtime and of the test runner allocate now and then; a step that does, does so every time.
            let busy = Array.append (during ofProcess) (between ofProcess) |> Array.filter (fun n -> n <> 0L)
            Assert.True(busy.Length <= 5, String.Join(" ", busy)))

    [<Fact>]
    member _.``The same seed gives the same bits, on any number of threads, with dropout and batch statistics``() =
        let x, y = tensor 3 [ 150; 14; 14; 3 ], labels 4 5 150

        let run threads =
            withThreads threads (fun () ->
                let trainer = trained (noisy ())
                let options = FitOptions(Epochs = 2, BatchSize = 64, ValidationSplit = 0.2, Verbosity = Verbosity.Silent)
                let history = trainer.Fit(x, y, options)
                let figures = [ for name in history.Names -> name, List.ofSeq history[name] ]
                figures, trainer.GetWeights(), trainer.Predict x)

        let figures, weights, predictions = run 1

        for threads in [ 1; 2; 2; 3 ] do
            let again, weights', predictions' = run threads
            Assert.Equal<(string * float list) list>(figures, again)
            sameBits weights weights'
            Assert.True(predictions.BitEquals predictions')
