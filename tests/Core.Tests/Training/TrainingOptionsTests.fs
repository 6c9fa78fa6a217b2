namespace FunctionalNet.Tests.Training

open System
open System.Collections.Generic
open FunctionalNet
open FunctionalNet.Tests.Support
open FunctionalNet.Tests.Training.Samples
open Xunit

/// Tests that change what holds for the whole process run one after another.
[<CollectionDefinition("limits of training", DisableParallelization = true)>]
type LimitsCollection() = class end

/// Options of compile and fit, by the rules of Keras's trainer.
[<Collection "limits of training">]
type TrainingOptionsTests() =

    let line () =
        Trainer.createWith 2UL (Network.sequential (Network.input [ 1 ]) [ Layer.dense 1 ])
        |> Trainer.compile (Optimizer.sgd 0.0) (Loss.parse "mse") []

    /// Rows that say who they are: x is the number of the row, the target 0, and nothing is learned.
    let rows (count: int) =
        let x = Tensor.OfDoubles(DType.Float32, Shape.Of(count, 1), Array.init count float)
        TrainingData(x, Tensor.Zeros(DType.Float32, Shape.Of(count, 1)))

    let batches (settings: FitOptions) (count: int) =
        let seen = ResizeArray<int>()
        let epochs = ResizeArray<int list>()

        let watch =
            LambdaCallback(
                onEpochBegin = (fun _ -> seen.Clear()),
                onTrainBatchEnd = (fun batch _ -> seen.Add batch),
                onEpochEnd = (fun _ _ -> epochs.Add(List.ofSeq seen))
            )

        settings.Verbosity <- Verbosity.Silent
        settings.Callbacks <- [| watch |]
        let history = (line ()).Fit(rows count, settings)
        struct (List.ofSeq epochs, history)

    /// The mean loss of rows in order, of a line whose weight is known.
    let lossOf (first: int) (count: int) =
        let weight = (line ()).GetWeights() |> Seq.head
        let w = weight.Value.ToDoubles()[0]
        Array.init count (fun i -> (w * float (first + i)) ** 2.0) |> Array.average

    [<Fact>]
    member _.``epochs of so many steps go through the data, and begin anew at its end``() =
        // epoch_iterator.py: the iterator is kept between epochs of steps_per_epoch, and the last is cut short.
        let settings = FitOptions(Epochs = 4, BatchSize = 2, StepsPerEpoch = 2, Shuffle = false)
        let struct (epochs, history) = batches settings 10
        Assert.Equal<int list list>([ [ 0; 1 ]; [ 0; 1 ]; [ 0 ]; [ 0; 1 ] ], epochs)

        Close.close 1e-5 1e-6 [| lossOf 0 4; lossOf 4 4; lossOf 8 2; lossOf 0 4 |] (Seq.toArray history["loss"])

    [<Fact>]
    member _.``a pass through shuffled data sees every row once``() =
        let settings = FitOptions(Epochs = 3, BatchSize = 2, StepsPerEpoch = 2)
        let struct (_, history) = batches settings 10
        let loss = Seq.toArray history["loss"]
        // 4, 4 and 2 rows.
        Assert.Equal(lossOf 0 10, (4.0 * loss[0] + 4.0 * loss[1] + 2.0 * loss[2]) / 10.0, 3)

    [<Fact>]
    member _.``a fit that goes on at an epoch is where the other was``() =
        let fit (first: int) (last: int) (trainer: Trainer) =
            let settings =
                FitOptions(
                    Epochs = last,
                    InitialEpoch = first,
                    BatchSize = 2,
                    StepsPerEpoch = 2,
                    Verbosity = Verbosity.Silent
                )

            trainer.Fit(TrainingData(tensor 1 [ 10; 6 ], labels 2 3 10), settings) |> ignore

        let whole, parts = trained (mlp ()), trained (mlp ())
        fit 0 5 whole
        fit 0 2 parts
        fit 2 5 parts
        sameBits (whole.GetWeights()) (parts.GetWeights())

    [<Fact>]
    member _.``limits of the process``() =
        try
            TrainingLimits.MaxEpochs <- 2
            TrainingLimits.MaxStepsPerEpoch <- 3
            let settings = FitOptions(Epochs = 5, BatchSize = 1, Shuffle = false, ValidationData = rows 8)
            let struct (epochs, history) = batches settings 9
            Assert.Equal<int list list>([ [ 0; 1; 2 ]; [ 0; 1; 2 ] ], epochs)
            // Validation too: three batches of one row.
            Close.close 1e-5 1e-6 [| lossOf 0 3; lossOf 0 3 |] (Seq.toArray history["val_loss"])
            let loss = (line ()).Evaluate(rows 20, EvaluateOptions(BatchSize = 2))
            Close.close 1e-5 1e-6 [| lossOf 0 6 |] [| loss["loss"] |]
            Assert.Equal(
                6,
                ((line ()).Predict((rows 20).Inputs |> Seq.toArray, EvaluateOptions(BatchSize = 2))[0]).Shape[0]
            )
            Assert.Throws<ArgumentValueException>(fun () -> TrainingLimits.MaxEpochs <- -1) |> ignore
        finally
            TrainingLimits.MaxEpochs <- 0
            TrainingLimits.MaxStepsPerEpoch <- 0

    [<Fact>]
    member _.``a loss without an output is the loss of each``() =
        // compile_utils.py: tree.map_structure(lambda x: loss, y_pred).
        let network () =
            let x = Network.input [ 3 ]
            Network.create
                [ x ]
                [ Network.apply (Layer.dense 2 |> Layer.named "b") x
                  Network.apply (Layer.dense 1 |> Layer.named "a") x ]

        let single = Trainer.createWith 1UL (network ())
        let each = Trainer.createWith 1UL (network ())

        single.Compile(
            TrainingOptions(Optimizer = Optimizer.sgd 0.1)
                .AddLoss(Loss.parse "mse")
                .AddMetric(0, Metric.parse "mae", false)
                .AddMetric(1, Metric.parse "mae", false)
        )

        each.Compile(
            TrainingOptions(Optimizer = Optimizer.sgd 0.1)
                .AddLoss(0, Loss.parse "mse", 1.0)
                .AddLoss(1, Loss.parse "mse", 1.0)
        )

        let data = TrainingData([| tensor 1 [ 8; 3 ] |], [| tensor 2 [ 8; 2 ]; tensor 3 [ 8; 1 ] |])
        let logs = single.Evaluate(data, EvaluateOptions())

        // trainer.py, _flatten_metrics_in_order: loss, losses in the order of outputs, and the rest sorted by name.
        Assert.Equal<string list>([ "loss"; "b_loss"; "a_loss"; "a_mae"; "b_mae" ], List.ofSeq logs.Names)
        Assert.Equal<string list>(List.ofSeq logs.Names, List.ofSeq single.MetricNames)
        Assert.Equal(logs["loss"], logs["a_loss"] + logs["b_loss"], 5)
        single.TrainOnBatch data |> ignore
        each.TrainOnBatch data |> ignore
        sameBits (single.GetWeights()) (each.GetWeights())
